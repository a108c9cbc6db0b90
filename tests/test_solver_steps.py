"""Single iterations against their formulas written a second time, and what an iterate holds besides x."""

import pytest
import torch
from linear_problem import LAM, problem

from pnp_course import solvers
from pnp_course.denoisers import WithPotential
from pnp_course.fidelities import Poisson
from pnp_course.operators import Identity
from pnp_course.solvers import run

close = {"atol": 1e-12, "rtol": 0}


def test_ishikawa_takes_weights_that_fall():
    """Three steps of PnPI-HQS with alpha_k = k^-a, beta_k = k^-b: the fixed point alone would not tell their sign."""
    p, t, a, b = problem(symmetric=False), 0.2, 0.3, 0.25
    u = p.y
    iterates = solvers.pnpi_hqs(p.fidelity, p.denoise, p.y, lam=LAM, t=t, a=a, b=b)

    def both(v):
        v = p.fidelity.prox(v, LAM)
        return t * p.denoise(v) + (1 - t) * v

    for k, found in zip((1, 2, 3), iterates, strict=False):
        w = u + k ** (-b) * (both(u) - u)
        u = u + k ** (-a) * (both(w) - u)
        torch.testing.assert_close(found.w, w, **close)
        torch.testing.assert_close(found.u, u, **close)


def test_the_objective_of_b_pnp():
    """lam f(x) + t g(z) - D_h(x, z), D_h from h = -sum log and its gradient -1/z."""
    y = 0.2 + 0.6 * torch.rand(1, 1, 5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    c, lam, t = 0.8, 0.05, 0.3
    denoise = WithPotential(lambda x: (x - c * x, 0.5 * c * x.square().flatten(1).sum(1)))
    last = run(solvers.b_pnp(Poisson(Identity(), y), denoise, y, lam=lam, t=t), 3).iterate
    x, z = last.x, last.z
    distance = (-x.log() + z.log() + (x - z) / z).sum()
    want = lam * (x - y * x.log()).sum() + t * 0.5 * c * z.square().sum() - distance
    assert last.objective == pytest.approx(float(want), abs=1e-12)


def test_the_second_variable_of_two_splittings():
    p, alpha = problem(symmetric=True), 0.6
    first, second = zip(range(2), solvers.alpha_pgd(p.fidelity, p.denoise, p.y, lam=LAM, alpha=alpha), strict=False)
    torch.testing.assert_close(first[1].y, (1 - alpha) * p.y + alpha * first[1].x, **close)
    torch.testing.assert_close(second[1].y, (1 - alpha) * first[1].y + alpha * second[1].x, **close)
    found = next(solvers.coco_drs(p.fidelity, p.denoise, p.y, lam=LAM, t=0.3))
    torch.testing.assert_close(found.v, p.fidelity.prox(p.y, LAM), **close)


@pytest.mark.parametrize("name", ["dpir", "diffpir", "dps", "snore", "snore_prox"])
def test_a_solver_that_goes_through_noise_levels_says_so(name):
    p = problem(symmetric=True)
    with pytest.raises(ValueError, match=rf"{name} needs a denoiser for several noise levels: pass at_sigma"):
        getattr(solvers, name)(p.fidelity, lambda x: x, p.y, lam=1.0)


@pytest.mark.parametrize("name", ["snore", "snore_prox"])
def test_a_list_of_levels_ends_the_run(name):
    p = problem(symmetric=True)
    result = run(getattr(solvers, name)(p.fidelity, p.denoise, p.y, lam=LAM, sigmas=[0.1, 0.05]), 10)
    assert (len(result.rows), result.stopped_by) == (2, "end of the solver")


def test_levels_that_are_no_levels():
    p = problem(symmetric=True)
    for wrong in ([float("inf"), 0.1], [0.1, -0.1], [float("nan")]):
        with pytest.raises(ValueError, match=r"sigmas is .*; wanted .*noise levels? .*>= 0"):
            solvers.hqs(p.fidelity, p.denoise, p.y, lam=LAM, sigmas=wrong)
    with pytest.raises(ValueError, match="sigmas is an empty list; wanted one value for each iteration"):
        solvers.hqs(p.fidelity, p.denoise, p.y, lam=LAM, sigmas=[])


@pytest.mark.parametrize("name", ["gs_pnp_pgd", "b_red"])
def test_an_image_that_has_ended_does_not_end_the_others(name):
    """The first image claims a potential that grows at every call, so no step is short enough for it."""
    y = 0.2 + 0.6 * torch.rand(2, 1, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    options = {"c": 0.1} if name == "gs_pnp_pgd" else {"step": 0.4, "backtracking": True}

    def denoise_of(grows):
        calls = torch.zeros(())

        def pair(x):
            calls.add_(1)
            g = 0.1 * x.square().flatten(1).sum(1)
            return 0.8 * x, g + calls * grows[: len(x)]

        return WithPotential(pair)

    def iterates(y, grows):
        fidelity = Poisson(Identity(), y)
        return list(
            zip(range(6), getattr(solvers, name)(fidelity, denoise_of(grows), y, lam=0.2, **options), strict=False)
        )

    grows = torch.tensor([1e6, 0.0], dtype=torch.float64)
    assert iterates(y[:1], grows[:1]) == []
    together, alone = iterates(y, grows), iterates(y[1:], grows[1:])
    assert len(together) == 6
    for (_, a), (_, b) in zip(together, alone, strict=True):
        torch.testing.assert_close(a.x[1:], b.x, **close)
        torch.testing.assert_close(a.denoiser_input[:1], together[0][1].denoiser_input[:1], **close)
    assert not torch.equal(together[5][1].x[1:], together[0][1].x[1:])


@pytest.mark.parametrize("lam", [2.0, 4.0])
def test_the_first_search_of_b_red_begins_with_the_objective_at_the_start(lam):
    """F = lam f + g; the step is shortened until F(x_0) - F(x_1) >= (c / step) D_h(x_1, x_0), for the first time, too."""
    p = problem(symmetric=True)
    x0 = p.y.clamp(1e-3, 1.0)
    seen = set()
    for step in (0.1, 1.0, 10.0, 30.0, 100.0, 1000.0):

        def objective(x):
            return lam * float(p.fidelity.value(x)) + 0.5 * float((x * (x - p.denoise(x))).sum())

        gradient, trial = lam * p.fidelity.grad(x0) + x0 - p.denoise(x0), step
        while True:
            inverse = 1 / x0 + trial * gradient
            x1 = torch.where(inverse > 1, 1 / inverse, torch.ones_like(x0))
            if objective(x0) - objective(x1) >= 0.1 / trial * float((x1 / x0 - (x1 / x0).log() - 1).sum()):
                break
            trial *= 0.9
        seen.add(trial == step)
        first = next(solvers.b_red(p.fidelity, p.denoise, p.y, lam=lam, step=step, backtracking=True))
        torch.testing.assert_close(first.x, x1, **close)
    assert seen == {True, False}  # both a step that is taken and one that is shortened


@pytest.mark.parametrize("lam", [0.3, 4.0])
def test_the_first_search_of_gs_pnp_begins_with_the_objective_at_the_start(lam):
    p = problem(symmetric=True)
    seen = set()
    for step in (0.3, 1.0, 3.0, 10.0, 30.0):

        def objective(x):
            return lam * float(p.fidelity.value(x)) + 0.5 * float((x * (x - p.denoise(x))).sum())

        start, trial = p.fidelity.prox(p.y, lam * step), step
        while True:
            x1 = p.fidelity.prox(trial * p.denoise(start) + (1 - trial) * start, lam * trial)
            if objective(start) - objective(x1) >= 0.1 / trial * float((x1 - start).square().sum()):
                break
            trial *= 0.9
        seen.add(trial == step)
        first = next(solvers.gs_pnp_pgd(p.fidelity, p.denoise, p.y, lam=lam, step=step))
        torch.testing.assert_close(first.u, x1, atol=1e-9, rtol=0)
    assert seen == {True, False}
