"""Every solver on problems whose answer is known: quadratics with linear denoisers, TV and l1 problems, KL in one pixel."""

from functools import partial
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pnp_course import priors, solvers
from pnp_course.denoisers import at_sigma
from pnp_course.fidelities import Gaussian, Poisson
from pnp_course.monitors import AtIterate
from pnp_course.operators import Blur, Identity, Mask, kernels
from pnp_course.solvers import run

N = 6
LAM = 0.7
EYE = torch.eye(N * N, dtype=torch.float64)


def problem(symmetric, seed=0, low=0.15, high=0.85):
    """Blur A, observation y, and a linear denoiser D x = W x with its potential where W is symmetric.

    Symmetric: eigenvalues in [low, high], so D = I - grad g with g = <x, (I - W) x> / 2, and D = prox_phi.
    Nonsymmetric: the same plus an antisymmetric part, with spectral norm below 1.
    """
    generator = torch.Generator().manual_seed(seed)
    q, _ = torch.linalg.qr(torch.randn(N * N, N * N, generator=generator, dtype=torch.float64))
    w = q @ torch.diag(torch.linspace(low, high, N * N, dtype=torch.float64)) @ q.T
    if not symmetric:
        skew = torch.randn(N * N, N * N, generator=generator, dtype=torch.float64)
        skew = skew - skew.T
        w = w + 0.1 * skew / torch.linalg.matrix_norm(skew, 2)
    a = Blur(kernels.gaussian(3, 0.6))
    matrix = a(EYE.reshape(-1, 1, N, N)).reshape(N * N, N * N).T
    y = torch.rand(1, 1, N, N, generator=generator, dtype=torch.float64)

    def denoise(x, sigma=None):
        return (w @ x.flatten()).reshape(x.shape)

    def with_value(x):
        return denoise(x), 0.5 * (x * (x - denoise(x))).flatten(1).sum(1)

    return SimpleNamespace(
        a=a, y=y, w=w, k=matrix, fidelity=Gaussian(a, y), denoise=denoise, with_value=with_value,
        gram=matrix.T @ matrix, back=matrix.T @ y.flatten(),
    )  # fmt: skip


def solve(matrix, right):
    return torch.linalg.solve(matrix, right)


def prior_and_fidelity(p, w=None):
    """(W^{-1} - I) x + lam A^T (A x - y) = 0: where prox_R = D and lam G balance."""
    return solve(torch.linalg.inv(p.w if w is None else w) - EYE + LAM * p.gram, LAM * p.back)


def residual_and_fidelity(p):
    """A^T (A x - y) + lam (I - W) x = 0: RED and gradient steps."""
    return solve(p.gram + LAM * (EYE - p.w), p.back)


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
        lambda p: solvers.primal_dual(p.fidelity, priors.conjugate(p.denoise), p.y, lam=LAM, tau=0.9, sigma=1.0),
        prior_and_fidelity, "x",
    ),
    "hqs": (
        lambda p: solvers.hqs(p.fidelity, p.denoise, p.y, lams=[LAM] * 3000, sigmas=[0.1] * 3000),
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
        lambda p: solve(EYE - p.w + LAM * p.gram, LAM * p.back), "x",
    ),
    "red": (lambda p: solvers.red(p.fidelity, p.denoise, p.y, lam=LAM, step=0.8), residual_and_fidelity, "x"),
    "red_fixed_point": (
        lambda p: solvers.red_fixed_point(p.fidelity, p.denoise, p.y, lam=LAM), residual_and_fidelity, "x",
    ),
    "snore": (
        lambda p: solvers.snore(p.fidelity, p.denoise, p.y, lams=[LAM] * 3000, sigmas=[0.0] * 3000, delta=0.8),
        residual_and_fidelity, "x",
    ),
    "snore_prox": (
        lambda p: solvers.snore_prox(p.fidelity, p.denoise, p.y, lams=[LAM] * 3000, sigmas=[0.0] * 3000, delta=0.8),
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
        lambda p: solvers.gs_pnp_pgd(p.fidelity, p.with_value, p.y, lam=LAM), residual_and_fidelity, "u",
        lambda p, x: 0.5 * (p.k @ x - p.y.flatten()).square().sum() + LAM * 0.5 * x @ (x - p.w @ x),
    ),
    "prox_pnp_pgd": (
        lambda p: solvers.prox_pnp_pgd(p.fidelity, p.with_value, p.y, lam=LAM), prior_and_fidelity, "x",
        lambda p, x: objective(p, x, p.w),
    ),
    "prox_pnp_pgd, averaged": (
        lambda p: solvers.prox_pnp_pgd(p.fidelity, p.with_value, p.y, lam=LAM, t=0.4),
        lambda p: prior_and_fidelity(p, relaxed(p, 0.4)), "x", lambda p, x: objective(p, x, relaxed(p, 0.4)),
    ),
    "alpha_pgd": (
        lambda p: solvers.alpha_pgd(p.fidelity, p.with_value, p.y, lam=LAM, alpha=0.5), prior_and_fidelity, "x",
        lambda p, x: objective(p, x, p.w),
    ),
    "prox_pnp_drs": (
        lambda p: solvers.prox_pnp_drs(p.fidelity, p.with_value, p.y, lam=LAM, t=0.4),
        lambda p: prior_and_fidelity(p, relaxed(p, 0.4)), "x", lambda p, x: objective(p, x, relaxed(p, 0.4)),
    ),
    "prox_pnp_drsdiff": (
        lambda p: solvers.prox_pnp_drsdiff(p.fidelity, p.with_value, p.y, lam=LAM, t=0.4),
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
    solver = solvers.prox_pnp_pgd(p.fidelity, p.with_value, p.y, lam=LAM, t=0.4)
    iterate = next(solver)
    x = iterate.x.flatten()
    assert iterate.objective == pytest.approx(float(objective(p, x, relaxed(p, 0.4))), rel=1e-10)
    _, g = p.with_value(iterate.z)
    wrong = LAM * p.fidelity.value(iterate.x) + float(g) - 0.5 * float((iterate.x - iterate.z).square().sum())
    assert abs(wrong - iterate.objective) > 1e-3


def test_drsdiff_envelope_has_its_own_roles():
    """At a point that is not a limit the two Douglas-Rachford envelopes differ; ours is that of its own order."""
    p = problem(symmetric=True, low=0.3)
    iterate = next(solvers.prox_pnp_drsdiff(p.fidelity, p.with_value, p.y, lam=LAM, t=0.4))
    s, y, z = p.y.flatten(), iterate.x.flatten(), iterate.z.flatten()
    w = relaxed(p, 0.4)
    f = LAM * 0.5 * (p.k @ y - p.y.flatten()).square().sum()
    phi = 0.5 * z @ (torch.linalg.inv(w) @ z - z)
    want = f + phi + (y - s) @ (y - z) + 0.5 * (y - z).square().sum()
    assert iterate.objective == pytest.approx(float(want), rel=1e-10)


def test_backtracking_tests_the_step_it_takes():
    """F(x_k) - F(x_{k+1}) >= (c / tau) ||x_{k+1} - x_k||^2 for the very step accepted (a released code is one step late)."""
    p = problem(symmetric=True, low=-3.0, high=0.9)  # grad g is 4-Lipschitz: tau = 1 / lam is too long
    c, previous = 0.1, None
    exact = WITH_POTENTIAL["gs_pnp_pgd"][3]
    iterates = solvers.gs_pnp_pgd(p.fidelity, p.with_value, p.y, lam=LAM, c=c)
    last = None
    for _ in range(40):
        last = next(iterates)
        u = last.u.flatten()
        assert last.objective == pytest.approx(float(exact(p, u)), rel=1e-10)
        if previous is not None:
            fall = float(exact(p, previous) - exact(p, u))
            assert fall >= c / last.tau * float((u - previous).square().sum()) - 1e-12
        previous = u
    assert last.rejected > 0
    assert last.evaluations == 1 + 40 + last.rejected  # one at the start, one for each try


def test_backtracking_costs_one_evaluation_an_iteration():
    p = problem(symmetric=True)
    calls = []

    def counted(x):
        calls.append(1)
        return p.with_value(x)

    result = run(solvers.gs_pnp_pgd(p.fidelity, counted, p.y, lam=LAM), 40)
    assert result.iterate.rejected == 0
    assert len(calls) == result.iterate.evaluations <= 1.15 * 40


def test_equivalences():
    """ADMM = DRS denoiser first, alpha-PGD at 1 = PGD, CoCo at t = 1 = ADMM, GS-PnP at tau lam = 1, CoCo = Prox."""
    p = problem(symmetric=True)
    go = partial(run, max_iter=7)
    admm = go(solvers.admm(p.fidelity, p.denoise, p.y, lam=LAM))
    torch.testing.assert_close(go(solvers.coco_admm(p.fidelity, p.denoise, p.y, lam=LAM, t=1.0)).x, admm.x)
    # in the variable s = v - b: y = D(s), z = prox(2 y - s), s + z - y
    start = p.fidelity.prox(p.y, LAM)
    torch.testing.assert_close(
        go(solvers.prox_pnp_drs(p.fidelity, p.with_value, start, lam=LAM, t=1.0)).x, admm.x, atol=1e-13, rtol=0
    )
    # CoCo-ADMM is Prox-PnP-DRS: the same iterates from the two papers
    coco = go(solvers.coco_admm(p.fidelity, p.denoise, p.y, lam=LAM, t=0.3))
    prox = go(solvers.prox_pnp_drs(p.fidelity, p.with_value, start, lam=LAM, t=0.3))
    torch.testing.assert_close(coco.iterate.u, prox.x, atol=1e-13, rtol=0)
    # fidelity first: coco_drs is DRSdiff
    form = go(solvers.coco_drs(p.fidelity, p.denoise, p.y, lam=LAM, t=0.3))
    diff = go(solvers.prox_pnp_drsdiff(p.fidelity, p.with_value, p.y, lam=LAM, t=0.3))
    torch.testing.assert_close(form.iterate.v, diff.x, atol=1e-13, rtol=0)
    assert (form.iterate.u - coco.iterate.u).abs().max() > 1e-4  # and the two orders are not the same
    pgd = go(solvers.prox_pnp_pgd(p.fidelity, p.with_value, p.y, lam=LAM))
    torch.testing.assert_close(go(solvers.alpha_pgd(p.fidelity, p.with_value, p.y, lam=LAM, alpha=1.0)).x, pgd.x)
    torch.testing.assert_close(go(solvers.pgd(p.fidelity, p.denoise, p.y, lam=LAM)).x, pgd.x)
    # at tau lam = 1 the point of the prox is D(x): prox_{f / lam} o D, the RED fixed point
    gs = go(solvers.gs_pnp_pgd(p.fidelity, p.with_value, p.y, lam=LAM))
    start = p.fidelity.prox(p.y, 1 / LAM)
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
        "admm": run(solvers.admm(fidelity, lambda z: r.prox(z), y, lam=lam), 100).x,
    }
    if prior == "tv":
        found["primal_dual"] = run(
            solvers.primal_dual(fidelity, r.dual_prox, y, lam=lam, tau=0.3, sigma=0.4, linear=r.linear), 1500
        ).x
    values = {name: total(x) for name, x in found.items()}
    best = min(values.values())
    assert max(values.values()) == pytest.approx(best, rel=1e-4), values
    for _ in range(20):
        assert total(found["admm"] + 1e-2 * torch.randn(y.shape, generator=generator, dtype=torch.float64)) > best


def test_bregman_solvers_minimise_the_poisson_objective():
    """A = I and g = c <x, x> / 2: minimum of lam <1, x - y log x> + g pixel by pixel, x = root of c x^2 + lam x = lam y."""
    generator = torch.Generator().manual_seed(0)
    y = 0.2 + 0.6 * torch.rand(1, 1, 5, 5, generator=generator, dtype=torch.float64)
    fidelity, c, lam = Poisson(Identity(), y), 0.8, 0.5

    def gradient_and_value(x):
        return c * x, 0.5 * c * x.square().flatten(1).sum(1)

    want = (-lam + (lam * lam + 4 * c * lam * y).sqrt()) / (2 * c)
    found = run(
        solvers.b_red(fidelity, gradient_and_value, y, lam=lam, tau=0.5), 500,
        monitors={"objective": lambda it: it.objective},
    )  # fmt: skip
    torch.testing.assert_close(found.x, want, atol=1e-9, rtol=0)
    assert np.diff([row["objective"] for row in found.rows]).max() <= 1e-13
    searched = run(solvers.b_red(fidelity, gradient_and_value, y, lam=lam, tau=40.0, backtracking=True), 500)
    torch.testing.assert_close(searched.x, want, atol=1e-6, rtol=0)
    assert searched.iterate.tau < 40
    # B-PnP: x = B_a(z), z = x / (1 + lam x grad f(x)); at rest grad h(x) - lam grad f(x) = grad h(z)
    rest = run(solvers.b_pnp(fidelity, gradient_and_value, y, lam=0.05, a=0.05), 5000).iterate
    torch.testing.assert_close(-1 / rest.x - 0.05 * fidelity.grad(rest.x), -1 / rest.z, atol=1e-7, rtol=0)
    torch.testing.assert_close(rest.x, rest.z - 0.05 * rest.z**2 * c * rest.z, atol=1e-12, rtol=0)


def vp_steps(p, sigmas, method, seed, **o):
    """DiffPIR and DPS as the papers write them: images in [-1, 1], x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) n."""
    generator = torch.Generator().manual_seed(seed)

    def normal():
        return torch.randn(p.y.shape, generator=generator, dtype=torch.float64)

    def a_of(sigma):  # sigma (intensities) is 2 sigma for images in [-1, 1]: (1 - a) / a = 4 sigma^2
        return 1 / (1 + 4 * sigma**2)

    a = a_of(sigmas[0])
    x = a**0.5 * (2 * p.y - 1) + (1 - a) ** 0.5 * normal()
    out = []
    for sigma, following in zip(sigmas, [*sigmas[1:], 0.0], strict=True):
        a, a_next = a_of(sigma), a_of(following)
        point = x.clone().requires_grad_(True)
        clean = 2 * p.denoise((point / a**0.5 + 1) / 2) - 1
        if method == "diffpir":
            clean = clean.detach()
            rho = o["lam"] * o["nu"] ** 2 / sigma**2
            right = p.back + rho * ((clean + 1) / 2).flatten()
            clean = 2 * solve(p.gram + rho * EYE, right).reshape(p.y.shape) - 1
            e = (x - a**0.5 * clean) / (1 - a) ** 0.5
            x = a_next**0.5 * clean + (1 - a_next) ** 0.5 * ((1 - o["zeta"]) ** 0.5 * e + o["zeta"] ** 0.5 * normal())
        else:
            misfit = (2 * p.y - 1 - (p.k @ clean.flatten()).reshape(p.y.shape)).norm()
            (slope,) = torch.autograd.grad(misfit, point)
            clean = clean.detach()
            alpha = a / a_next  # one DDPM step from t to t': the posterior q(x_t' | x_t, x_0)
            mean = (a_next**0.5 * (1 - alpha) * clean + alpha**0.5 * (1 - a_next) * x) / (1 - a)
            x = mean + ((1 - alpha) * (1 - a_next) / (1 - a)) ** 0.5 * normal() - o["step"](a, a_next) * slope
        out.append((clean + 1) / 2)
    return out


def test_diffusion_solvers_are_the_papers_formulas():
    """The same numbers as the variance-preserving form in [-1, 1], written from the papers with dense matrices."""
    p = problem(symmetric=False)
    sigmas = solvers.ladder(0.9, 0.05, 6)
    ours = solvers.diffpir(p.fidelity, p.denoise, p.y, nu=0.05, sigmas=sigmas, lam=1.3, zeta=0.3, seed=5)
    want = vp_steps(p, sigmas, "diffpir", 5, nu=0.05, lam=1.3, zeta=0.3)
    for iterate, clean in zip(ours, want, strict=True):
        torch.testing.assert_close(iterate.x, clean, atol=1e-10, rtol=0)
    # a unit step on x_t is one of a_t^{-1} for x_t / sqrt(a_t); after the shrinkage to t' the papers' step gains
    # sqrt(a_t' / a_t), which tends to 1 as the ladder becomes fine: it is undone here
    ours = solvers.dps(p.fidelity, p.denoise, p.y, sigmas=sigmas, weight=0.7, seed=5)
    want = vp_steps(p, sigmas, "dps", 5, step=lambda a, a_next: 0.7 * (a_next / a) ** 0.5)
    for iterate, clean in zip(ours, want, strict=True):  # kernels sum to 1 up to the rounding of float32
        torch.testing.assert_close(iterate.x, clean, atol=1e-7, rtol=0)


def test_diffpir_ends_near_the_posterior_mode_of_a_gaussian_prior():
    """With the exact denoiser of a Gaussian prior and little noise, both samplers end near the MAP estimate."""
    p = problem(symmetric=True)
    prior = p.w + 0.05 * EYE  # a covariance

    def exact(x, sigma):
        return (prior @ solve(prior + sigma**2 * EYE, x.flatten())).reshape(x.shape)

    nu = 0.02
    mode = solve(p.gram / nu**2 + torch.linalg.inv(prior), p.back / nu**2)
    sigmas = solvers.ladder(1.0, 0.005, 60)
    for seed in (0, 1):
        last = run(solvers.diffpir(p.fidelity, exact, p.y, nu=nu, sigmas=sigmas, zeta=0.1, seed=seed), 60).x.flatten()
        assert (p.k @ (last - mode)).norm() / 6 < 2 * nu  # data space, per pixel


def test_schedules():
    levels = solvers.ladder(1.0, 0.01, 5)
    assert levels == pytest.approx([1.0, 10**-0.5, 0.1, 10**-1.5, 0.01])
    s = solvers.annealed(1.8, 0.5, 1500)
    assert len(s) == 1500
    assert s[0] == 1.8
    assert set(s[1200:]) == {0.5}
    assert all(a >= b for a, b in pairwise(s))
    assert len(set(s[:1200])) == 16
    assert solvers.annealed(0.1, 1.0, 10, last=10) == [1.0] * 10


def test_snore_descends_in_the_mean_and_is_seeded():
    p = problem(symmetric=True)
    n = 4000
    steps = {"lams": [LAM] * n, "sigmas": [0.1] * n, "delta": 0.1}
    xs = []
    result = run(solvers.snore(p.fidelity, p.denoise, p.y, **steps, seed=1), n, callback=lambda it: xs.append(it.x))
    again = run(solvers.snore(p.fidelity, p.denoise, p.y, **steps, seed=1), n)
    torch.testing.assert_close(again.x, result.x, atol=0, rtol=0)
    mean = torch.stack(xs[500:]).mean(0).flatten()  # a linear denoiser leaves the mean of the noise at zero
    torch.testing.assert_close(mean, residual_and_fidelity(p), atol=6e-3, rtol=0)


BAD = {
    "lam": (lambda p: solvers.pgd(p.fidelity, p.denoise, p.y, lam=0.0), "lam is 0.0; wanted a finite number > 0"),
    "step": (lambda p: solvers.red(p.fidelity, p.denoise, p.y, lam=1.0, step=-1.0), "step is -1.0"),
    "c": (lambda p: solvers.gs_pnp_pgd(p.fidelity, p.with_value, p.y, lam=1.0, c=0.7), "0 < c < 1/2"),
    "t": (lambda p: solvers.prox_pnp_drs(p.fidelity, p.with_value, p.y, lam=1.0, t=1.5), "0 < t <= 1"),
    "alpha": (lambda p: solvers.alpha_pgd(p.fidelity, p.with_value, p.y, lam=1.0, alpha=0.0), "0 < alpha <= 1"),
    "zeta": (lambda p: solvers.diffpir(p.fidelity, p.denoise, p.y, nu=0.1, sigmas=[0.2, 0.1], zeta=2.0), "zeta is 2.0"),
    "rising": (lambda p: solvers.dps(p.fidelity, p.denoise, p.y, sigmas=[0.1, 0.2]), "never rise"),
    "unequal": (lambda p: solvers.snore(p.fidelity, p.denoise, p.y, lams=[1.0], sigmas=[0.1, 0.1]), "equally many"),
    "relaxation": (lambda p: solvers.coco_drs(p.fidelity, p.denoise, p.y, lam=1.0, relaxation=1.0), "relaxation is 1.0"),
    "last": (lambda _: solvers.annealed(1.0, 0.0, 10, last=20), "last is 20 of 10"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(BAD))
def test_bad_parameters(name):
    make, words = BAD[name]
    with pytest.raises(ValueError, match=words):
        next(iter(make(problem(symmetric=True))))


def test_inpainting_by_a_mask():
    """A mask with a hard fidelity: seen pixels are kept, unseen ones come from the prior."""
    generator = torch.Generator().manual_seed(0)
    mask = (torch.rand(8, 8, generator=generator) < 0.5).double()
    y = mask * torch.rand(1, 1, 8, 8, generator=generator, dtype=torch.float64)
    x = run(solvers.admm(Gaussian(Mask(mask), y), lambda z: 0.9 * z, y, lam=1e6), 200).iterate.v
    torch.testing.assert_close(x * mask, y, atol=1e-4, rtol=0)


@pytest.mark.parametrize("what", ["asymmetry", "lambda_min", "lambda_max", "gamma"])
def test_constants_at_the_iterate(what):
    """Along a run the monitor gives those of the matrix, every third time."""
    p = problem(symmetric=False)

    class Module(torch.nn.Module):
        def forward(self, x, sigma):
            return (p.w.to(x) @ x.flatten()).reshape(x.shape)

    monitor = AtIterate(Module(), 0.1, what, every=3, iterations=36)
    result = run(solvers.admm(p.fidelity, p.denoise, p.y, lam=LAM), 7, monitors={what: monitor})
    ends = torch.linalg.eigvalsh((p.w + p.w.T) / 2)
    want = {
        "asymmetry": torch.linalg.matrix_norm(p.w - p.w.T, 2), "lambda_min": ends[0], "lambda_max": ends[-1],
        "gamma": torch.ones(()),
    }[what]  # fmt: skip
    values = result.history[what]
    assert values.iloc[[0, 3, 6]].tolist() == pytest.approx([float(want)] * 3, rel=1e-6)
    assert values.iloc[[1, 2, 4, 5]].isna().all()


def test_unknown_constant():
    with pytest.raises(ValueError, match="wanted asymmetry"):
        AtIterate(torch.nn.Identity(), 0.1, "curl")


def test_shapes_that_do_not_fit():
    p = problem(symmetric=True)
    colour = p.y.expand(1, 3, N, N)
    for name in ("pgd", "admm", "red"):
        options = {"step": 1.0} if name == "red" else {}
        with pytest.raises(ValueError, match=r"\(1, 3, 6, 6\).* must be equal"):
            next(getattr(solvers, name)(p.fidelity, p.denoise, colour, lam=1.0, **options))
    bad = {
        "shape": lambda x, s: x[..., :-1], "dtype": lambda x, s: x.float(),
    }  # fmt: skip
    for denoiser in bad.values():
        with pytest.raises(ValueError, match="the denoiser made"):
            next(solvers.admm(p.fidelity, at_sigma(denoiser, 0.1), p.y, lam=1.0))


def test_long_steps_are_warned_of():
    p = problem(symmetric=True)
    for make, words in (
        (lambda: solvers.pgd(p.fidelity, p.denoise, p.y, lam=2.5), "step lam L_f = 2.5 is over 2.* below 2"),
        (lambda: solvers.fista(p.fidelity, p.denoise, p.y, lam=1.5), "is over 1"),
        (lambda: solvers.prox_pnp_drsdiff(p.fidelity, p.with_value, p.y, lam=1.5), "lam L_f = 1.5 is over 1"),
        (lambda: solvers.pgd(Poisson(Identity(), p.y), p.denoise, p.y, lam=0.1), "no Lipschitz constant"),
    ):
        with pytest.warns(solvers.StepSizeWarning, match=words):
            next(make())
