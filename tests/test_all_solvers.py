"""Every solver on problems whose answer is known: quadratics with linear denoisers, TV and l1 problems."""

from functools import partial

import numpy as np
import pytest
import torch
from linear_problem import EYE, LAM, problem, residual_and_fidelity, solve

from pnp_course import denoiser_card, priors, solvers
from pnp_course.fidelities import Gaussian, Poisson
from pnp_course.guarantees import guarantee
from pnp_course.guarantees.rules import RULES
from pnp_course.operators import Blur, kernels
from pnp_course.solvers import run


def prior_and_fidelity(p, w=None):
    """(W^{-1} - I) x + lam A^T (A x - y) = 0: where prox_R = D and lam G balance."""
    return solve(torch.linalg.inv(p.w if w is None else w) - EYE + LAM * p.gram, LAM * p.back)


def half_quadratic(p, w):
    """u = W P(u), P(u) = (I + lam A^T A)^{-1} (u + lam A^T y)."""
    resolvent = torch.linalg.inv(EYE + LAM * p.gram)
    return solve(EYE - w @ resolvent, w @ resolvent @ (LAM * p.back))


def relaxed(p, t):
    return t * p.w + (1 - t) * EYE


# name: (solver made from the problem, what its variable converges to, the variable). Both kinds of denoiser.
CASES = {
    "pgd": (lambda p: solvers.pgd(p.fidelity, p.denoise, p.y, lam=LAM), prior_and_fidelity, "x"),
    "fista": (lambda p: solvers.fista(p.fidelity, p.denoise, p.y, lam=LAM), prior_and_fidelity, "x"),
    "admm": (lambda p: solvers.admm(p.fidelity, p.denoise, p.y, lam=LAM), prior_and_fidelity, "x"),
    "drs": (lambda p: solvers.drs(p.fidelity, p.denoise, p.y, lam=LAM), prior_and_fidelity, "x"),
    "rmmo_drs": (lambda p: solvers.rmmo_drs(p.fidelity, p.denoise, p.y, lam=LAM), prior_and_fidelity, "x"),
    "primal_dual": (
        lambda p: solvers.primal_dual(p.fidelity, p.denoise, p.y, lam=LAM, step=0.9),
        prior_and_fidelity, "x",
    ),
    "hqs": (
        lambda p: solvers.hqs(p.fidelity, p.denoise, p.y, lam=LAM),
        lambda p: half_quadratic(p, p.w), "x",
    ),
    "coco_admm": (
        lambda p: solvers.coco_admm(p.fidelity, p.denoise, p.y, lam=LAM, t=0.3),
        lambda p: prior_and_fidelity(p, relaxed(p, 0.3)), "u",
    ),
    "coco_drs": (
        lambda p: solvers.coco_drs(p.fidelity, p.denoise, p.y, lam=LAM, t=0.3),
        lambda p: prior_and_fidelity(p, relaxed(p, 0.3)), "u",
    ),
    "pnpi_hqs": (
        lambda p: solvers.pnpi_hqs(p.fidelity, p.denoise, p.y, lam=LAM),
        lambda p: half_quadratic(p, relaxed(p, 0.2)), "u",
    ),
    "pnpi_fbs": (
        lambda p: solvers.pnpi_fbs(p.fidelity, p.denoise, p.y, lam=LAM),
        lambda p: prior_and_fidelity(p, relaxed(p, 0.2)), "u",
    ),
    "pnpi_gd": (
        lambda p: solvers.pnpi_gd(p.fidelity, p.denoise, p.y, lam=LAM),
        residual_and_fidelity, "x",
    ),
    "red": (lambda p: solvers.red(p.fidelity, p.denoise, p.y, lam=LAM), residual_and_fidelity, "x"),
    "red_fixed_point": (
        lambda p: solvers.red_fixed_point(p.fidelity, p.denoise, p.y, lam=LAM), residual_and_fidelity, "x",
    ),
    "snore": (
        lambda p: solvers.snore(p.fidelity, p.denoise, p.y, lam=LAM, sigmas=[0.0] * 3000),
        residual_and_fidelity, "x",
    ),
    "snore_prox": (
        lambda p: solvers.snore_prox(p.fidelity, p.denoise, p.y, lam=LAM, sigmas=[0.0] * 3000),
        residual_and_fidelity, "x",
    ),
}  # fmt: skip


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("name", list(CASES))
def test_linear_denoisers_lead_to_the_closed_form(name, symmetric):
    p = problem(symmetric)
    make, limit, variable = CASES[name]
    result = run(make(p), 20_000 if name == "pnpi_gd" else 3000)
    found = getattr(result.iterate, variable).flatten()
    torch.testing.assert_close(found, limit(p), atol=1e-6 if name == "pnpi_gd" else 1e-8, rtol=0)


# solvers that need a potential: symmetric denoisers only; their objective is checked too
WITH_POTENTIAL = {
    "gs_pnp_pgd": (
        lambda p: solvers.gs_pnp_pgd(p.fidelity, p.denoise, p.y, lam=LAM), residual_and_fidelity, "u",
        lambda p, x: LAM * 0.5 * (p.k @ x - p.y.flatten()).square().sum() + 0.5 * x @ (x - p.w @ x),
    ),
    "prox_pnp_pgd": (
        lambda p: solvers.prox_pnp_pgd(p.fidelity, p.denoise, p.y, lam=LAM), prior_and_fidelity, "x",
        lambda p, x: objective(p, x, p.w),
    ),
    "prox_pnp_pgd, averaged": (
        lambda p: solvers.prox_pnp_pgd(p.fidelity, p.denoise, p.y, lam=LAM, t=0.4),
        lambda p: prior_and_fidelity(p, relaxed(p, 0.4)), "x", lambda p, x: objective(p, x, relaxed(p, 0.4)),
    ),
    "alpha_pgd": (
        lambda p: solvers.alpha_pgd(p.fidelity, p.denoise, p.y, lam=LAM, alpha=0.5), prior_and_fidelity, "x",
        lambda p, x: objective(p, x, p.w),
    ),
    "prox_pnp_drs": (
        lambda p: solvers.prox_pnp_drs(p.fidelity, p.denoise, p.y, lam=LAM, t=0.4),
        lambda p: prior_and_fidelity(p, relaxed(p, 0.4)), "x", lambda p, x: objective(p, x, relaxed(p, 0.4)),
    ),
    "prox_pnp_drsdiff": (
        lambda p: solvers.prox_pnp_drsdiff(p.fidelity, p.denoise, p.y, lam=LAM, t=0.4),
        lambda p: prior_and_fidelity(p, relaxed(p, 0.4)), "x", lambda p, x: objective(p, x, relaxed(p, 0.4)),
    ),
}  # fmt: skip


def objective(p, x, w):
    """lam f + phi with phi = <x, (W^{-1} - I) x> / 2, the function whose prox is W."""
    return LAM * 0.5 * (p.k @ x - p.y.flatten()).square().sum() + 0.5 * x @ (torch.linalg.inv(w) @ x - x)


@pytest.mark.parametrize("name", list(WITH_POTENTIAL))
def test_solvers_with_a_potential(name):
    """Limit in closed form; the objective reported is the true one at the limit, and it never rises on the way."""
    p = problem(symmetric=True, low=0.3)
    make, limit, variable, exact = WITH_POTENTIAL[name]
    result = run(make(p), 3000, monitors={"objective": lambda it: it.objective})
    torch.testing.assert_close(getattr(result.iterate, variable).flatten(), limit(p), atol=1e-8, rtol=0)
    assert result.iterate.objective == pytest.approx(float(exact(p, limit(p))), rel=1e-8)
    steps = np.diff([row["objective"] for row in result.rows])
    assert steps.max() <= 1e-12


def test_the_potential_of_an_averaged_denoiser_has_its_factor():
    """phi_t(D_t(z)) = t g(z) - ||D_t(z) - z||^2 / 2: without the t the objective would be wrong (a released code's slip)."""
    p = problem(symmetric=True, low=0.3)
    solver = solvers.prox_pnp_pgd(p.fidelity, p.denoise, p.y, lam=LAM, t=0.4)
    iterate = next(solver)
    x = iterate.x.flatten()
    assert iterate.objective == pytest.approx(float(objective(p, x, relaxed(p, 0.4))), rel=1e-10)
    _, g = p.denoise.with_value(iterate.z)
    wrong = LAM * p.fidelity.value(iterate.x) + float(g) - 0.5 * float((iterate.x - iterate.z).square().sum())
    assert abs(wrong - iterate.objective) > 1e-3


def test_drsdiff_envelope_has_its_own_roles():
    """At a point that is not a limit the two Douglas-Rachford envelopes differ; ours is that of its own order."""
    p = problem(symmetric=True, low=0.3)
    iterate = next(solvers.prox_pnp_drsdiff(p.fidelity, p.denoise, p.y, lam=LAM, t=0.4))
    s, y, z = p.y.flatten(), iterate.x.flatten(), iterate.z.flatten()
    w = relaxed(p, 0.4)
    f = LAM * 0.5 * (p.k @ y - p.y.flatten()).square().sum()
    phi = 0.5 * z @ (torch.linalg.inv(w) @ z - z)
    want = f + phi + (y - s) @ (y - z) + 0.5 * (y - z).square().sum()
    assert iterate.objective == pytest.approx(float(want), rel=1e-10)


def test_backtracking_tests_the_step_it_takes():
    """F(x_k) - F(x_{k+1}) >= (c / step) ||x_{k+1} - x_k||^2 for the very step accepted (a released code is one step late)."""
    p = problem(symmetric=True, low=-3.0, high=0.9)  # grad g is 4-Lipschitz: step = 1 is too long
    c, previous = 0.1, None
    exact = WITH_POTENTIAL["gs_pnp_pgd"][3]
    iterates = solvers.gs_pnp_pgd(p.fidelity, p.denoise, p.y, lam=LAM, c=c)
    last = None
    for _ in range(40):
        last = next(iterates)
        u = last.u.flatten()
        assert last.objective == pytest.approx(float(exact(p, u)), rel=1e-10)
        if previous is not None:
            fall = float(exact(p, previous) - exact(p, u))
            assert fall >= c / float(last.step) * float((u - previous).square().sum()) - 1e-12
        previous = u
    assert last.rejected > 0
    assert last.evaluations == 1 + 40 + last.rejected  # one at the start, one for each try


def test_backtracking_costs_one_evaluation_an_iteration():
    p = problem(symmetric=True)
    result = run(solvers.gs_pnp_pgd(p.fidelity, p.denoise, p.y, lam=LAM), 40)
    assert result.iterate.rejected == 0
    assert len(p.denoise.denoiser.inputs) == result.iterate.evaluations <= 1.15 * 40


def test_equivalences():
    """ADMM = DRS denoiser first, alpha-PGD at 1 = PGD, CoCo at t = 1 = ADMM, GS-PnP at step = 1, CoCo = Prox."""
    p = problem(symmetric=True)
    go = partial(run, max_iter=7)
    admm = go(solvers.admm(p.fidelity, p.denoise, p.y, lam=LAM))
    torch.testing.assert_close(go(solvers.coco_admm(p.fidelity, p.denoise, p.y, lam=LAM, t=1.0)).x, admm.x)
    # in the variable s = v - b: y = D(s), z = prox(2 y - s), s + z - y
    start = p.fidelity.prox(p.y, LAM)
    torch.testing.assert_close(
        go(solvers.prox_pnp_drs(p.fidelity, p.denoise, start, lam=LAM, t=1.0)).x, admm.x, atol=1e-13, rtol=0
    )
    # CoCo-ADMM is Prox-PnP-DRS: the same iterates from the two papers
    coco = go(solvers.coco_admm(p.fidelity, p.denoise, p.y, lam=LAM, t=0.3))
    prox = go(solvers.prox_pnp_drs(p.fidelity, p.denoise, start, lam=LAM, t=0.3))
    torch.testing.assert_close(coco.iterate.u, prox.x, atol=1e-13, rtol=0)
    # fidelity first: coco_drs is DRSdiff
    form = go(solvers.coco_drs(p.fidelity, p.denoise, p.y, lam=LAM, t=0.3))
    diff = go(solvers.prox_pnp_drsdiff(p.fidelity, p.denoise, p.y, lam=LAM, t=0.3))
    torch.testing.assert_close(form.iterate.v, diff.x, atol=1e-13, rtol=0)
    assert (form.iterate.u - coco.iterate.u).abs().max() > 1e-4  # and the two orders are not the same
    pgd = go(solvers.prox_pnp_pgd(p.fidelity, p.denoise, p.y, lam=LAM))
    torch.testing.assert_close(go(solvers.alpha_pgd(p.fidelity, p.denoise, p.y, lam=LAM, alpha=1.0)).x, pgd.x)
    torch.testing.assert_close(go(solvers.pgd(p.fidelity, p.denoise, p.y, lam=LAM)).x, pgd.x)
    # at step = 1 the point of the prox is D(x): prox_{lam f} o D, the RED fixed point
    gs = go(solvers.gs_pnp_pgd(p.fidelity, p.denoise, p.y, lam=LAM))
    torch.testing.assert_close(gs.iterate.u, go(solvers.red_fixed_point(p.fidelity, p.denoise, start, lam=LAM)).x)


@pytest.mark.parametrize("prior", ["tv", "l1"])
def test_classical_priors_reach_the_same_minimum(prior):
    """FISTA, ADMM and the primal-dual method agree on the minimum of lam G + R, and no small change goes below it."""
    generator = torch.Generator().manual_seed(3)
    a = Blur(kernels.gaussian(3, 0.8))
    y = torch.rand(1, 3, 16, 16, generator=generator, dtype=torch.float64)
    fidelity, lam = Gaussian(a, y), 3.0
    r = priors.TotalVariation(0.1, tol=1e-10, max_iter=3000) if prior == "tv" else priors.WaveletL1(0.1)

    def total(x):
        return lam * fidelity.value(x) + r.value(x)

    found = {
        "fista": run(solvers.fista(fidelity, lambda z: r.prox(z, 1 / lam), y, lam=lam, step=1 / lam), 60).x,
        "admm": run(solvers.admm(fidelity, r, y, lam=lam), 100).x,
    }
    if prior == "tv":
        found["primal_dual"] = run(
            solvers.primal_dual(fidelity, r, y, lam=lam, step=0.3, sigma_dual=0.4, linear=r.linear), 1500
        ).x
    values = {name: total(x) for name, x in found.items()}
    best = min(values.values())
    assert max(values.values()) == pytest.approx(best, rel=1e-4), values
    for _ in range(20):
        assert total(found["admm"] + 1e-2 * torch.randn(y.shape, generator=generator, dtype=torch.float64)) > best


@pytest.mark.parametrize("name", [*CASES, *(name for name in WITH_POTENTIAL if "," not in name)])
def test_the_rules_know_who_takes_proximal_steps(name):
    """So the warning of an inexact proximal operator is given where it matters, and only there."""
    asked = []

    class Watched(Gaussian):
        def prox(self, z, lam):
            asked.append(z)
            return super().prox(z, lam)

    p = problem(symmetric=True, low=0.3)
    p.fidelity = Watched(p.a, p.y)
    solver = {**CASES, **WITH_POTENTIAL}[name][0](p)
    next(solver), next(solver)
    assert bool(asked) == RULES[name].proximal


def test_an_inexact_proximal_operator_is_a_caveat_only_where_it_is_used():
    blurred = Poisson(Blur(kernels.gaussian(3, 0.6)), problem(True).y)
    given = {"fidelity": blurred, "x": blurred.y, "sigma": 0.1}
    b_red = guarantee("b_red", denoiser_card("bregman-drunet"), lam=2.0, backtracking=True, **given)
    assert b_red.covered
    assert b_red.caveat == ""
    assert (
        "computed to a tolerance"
        in guarantee("coco_admm", denoiser_card("coco-gs-0.25"), lam=2.0, t=0.3, **given).caveat
    )
