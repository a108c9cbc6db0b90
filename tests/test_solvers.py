"""Solvers on quadratics with linear denoisers, where fixed points are a linear system; `run` and its stops."""

import itertools

import numpy as np
import pytest
import torch

from pnp_course.denoisers import at_sigma
from pnp_course.fidelities import Gaussian, Poisson
from pnp_course.operators import Blur, kernels
from pnp_course.solvers import DivergenceError, Iterate, coco_admm, coco_pegd, dpir, hqs, run

N = 6
T, LAM = 0.3, 0.7


@pytest.fixture
def quadratic(generator):
    """Blur A, observation y, and a symmetric linear denoiser, expansive (spectrum in [0, 1.3]) and CoCo.

    The blur is mild, so that F + lam G is strongly convex in spite of F, as Theorem 4.1's coercivity asks.
    """
    a = Blur(kernels.gaussian(3, 0.45))
    y = torch.rand(1, 1, N, N, generator=generator, dtype=torch.float64)
    q, _ = torch.linalg.qr(torch.randn(N * N, N * N, generator=generator, dtype=torch.float64))
    m = q @ torch.diag(torch.linspace(0, 1.3, N * N, dtype=torch.float64)) @ q.T

    def denoise(x):
        return (m @ x.flatten()).reshape(x.shape)

    eye = torch.eye(N * N, dtype=torch.float64)
    matrix = a(eye.reshape(-1, 1, N, N)).reshape(N * N, N * N).T
    return a, y, denoise, m, matrix


def stationary(quadratic, envelope_step=None):
    """u with grad F(u) + lam grad G(u) = 0 (or the envelope of lam G), F's Hessian being D_t^{-1} - I."""
    _, y, _, m, matrix = quadratic
    eye = torch.eye(N * N, dtype=torch.float64)
    d_t = T * m + (1 - T) * eye
    hess_g, rhs = LAM * matrix.T @ matrix, LAM * matrix.T @ y.flatten()
    hess_f = torch.linalg.inv(d_t) - eye
    if envelope_step is not None:  # grad e(u) = u - (I + H)^{-1}(u + rhs)
        resolvent = torch.linalg.inv(eye + hess_g)
        hess_g, rhs = envelope_step * (eye - resolvent), envelope_step * resolvent @ rhs
    return torch.linalg.solve(hess_f + hess_g, rhs).reshape(y.shape)


def test_coco_admm_reaches_the_stationary_point(quadratic):
    a, y, denoise, _, _ = quadratic
    result = run(coco_admm(Gaussian(a, y), denoise, y, lam=LAM, t=T), 20000, tol=1e-15)
    want = stationary(quadratic)
    torch.testing.assert_close(result.iterate.u, want, atol=1e-8, rtol=0)
    torch.testing.assert_close(result.iterate.v, want, atol=1e-8, rtol=0)
    # the picture shown is D(z), with u = t D(z) + (1 - t) z
    torch.testing.assert_close(T * result.x + (1 - T) * result.iterate.denoiser_input, result.iterate.u)


def test_coco_pegd_reaches_the_stationary_point_of_the_envelope(quadratic):
    a, y, denoise, _, _ = quadratic
    result = run(coco_pegd(Gaussian(a, y), denoise, y, lam=LAM, t=T, step=0.8), 20000, tol=1e-15)
    torch.testing.assert_close(result.iterate.u, stationary(quadratic, 0.8), atol=1e-8, rtol=0)


def test_hqs_reaches_its_fixed_point(quadratic):
    """u = D (I + lam A^T A)^{-1} (u + lam A^T y) with a contractive D."""
    a, y, denoise, m, matrix = quadratic
    eye = torch.eye(N * N, dtype=torch.float64)
    resolvent = torch.linalg.inv(eye + LAM * matrix.T @ matrix)
    step = 0.2 * m @ resolvent
    want = torch.linalg.solve(eye - step, step @ (LAM * matrix.T @ y.flatten())).reshape(y.shape)
    n = 2000
    result = run(hqs(Gaussian(a, y), lambda x: 0.2 * denoise(x), y, lam=LAM), n)
    torch.testing.assert_close(result.x, want, atol=1e-10, rtol=0)


def test_dpir_schedule():
    """Log-spaced noise levels from start to that of the denoiser, lam_k = lam (sigma_k / sigma)^2; one denoiser call each."""
    seen, lams = [], []

    class Spy:
        def prox(self, z, lam):
            lams.append(lam)
            return z

    x = torch.zeros(1, 1, 2, 2)

    def denoiser(z, sigma):
        seen.append(sigma)
        return z

    run(dpir(Spy(), at_sigma(denoiser, 0.05), x, lam=50.0, sigma_start=0.2, iterations=5), 5)
    np.testing.assert_allclose(seen, np.geomspace(0.2, 0.05, 5), rtol=1e-12)
    np.testing.assert_allclose(lams, 50 * np.geomspace(4, 1, 5) ** 2, rtol=1e-12)


def test_hqs_schedules_of_unequal_length(quadratic):
    a, y, denoise, _, _ = quadratic
    with pytest.raises(ValueError, match="2 of lam and 1 of sigmas"):
        hqs(Gaussian(a, y), at_sigma(lambda x, s: denoise(x), 0.1), y, lam=[1, 1], sigmas=[0.1])
    with pytest.raises(ValueError, match="several noise levels"):
        hqs(Gaussian(a, y), denoise, y, lam=1.0, sigmas=[0.1])


@pytest.mark.parametrize("t", [0, -0.1, 1.5, float("nan")])
def test_averaging_outside_its_range(quadratic, t):
    a, y, denoise, _, _ = quadratic
    for solver in (coco_admm, coco_pegd):
        with pytest.raises(ValueError, match="t is"):
            run(solver(Gaussian(a, y), denoise, y, lam=LAM, t=t), 1)


def test_a_fidelity_has_no_memory(generator):
    """Two generators on one fidelity, drawn in turn, go as each alone; looking at a prox between changes nothing."""
    y = torch.rand(1, 1, 16, 16, generator=generator) + 0.1
    g = Poisson(Blur(kernels.gaussian(5, 1.0)), y)

    def start(factor):
        return coco_admm(g, lambda z: factor * z, y, lam=1.0, t=T)

    alone = [[it.x for it in itertools.islice(start(factor), 5)] for factor in (0.9, 0.5)]
    one, other = start(0.9), start(0.5)
    for first, second in zip(*alone, strict=True):
        assert torch.equal(next(one).x, first)
        g.prox(torch.rand(y.shape, generator=generator), 3.0)
        assert torch.equal(next(other).x, second)


# run


def made(x):
    return Iterate(x, denoiser_input=x)


def counting(factor=0.5):
    x = torch.ones(1, 1, 2, 2)
    while True:
        x = factor * x
        yield Iterate(1 + x, denoiser_input=x)


def test_stops_and_history():
    result = run(counting(), 100, tol=1e-3, monitors={"mean": lambda it: float(it.x.mean())})
    assert result.stopped_by == "tolerance"
    changes = result.history["relative_change"]
    assert changes.iloc[-1] <= 1e-3 < changes.iloc[-2]
    assert list(result.history.index) == list(range(1, len(changes) + 1))
    # ||x_k - x_{k-1}|| / ||x_k|| with x_k = 1 + 2^-k
    assert changes.loc[3] == pytest.approx(2**-3 / (1 + 2**-3), rel=1e-6)
    assert result.history["mean"].loc[2] == pytest.approx(1.25)
    assert run(counting(), 7).stopped_by == "max_iter"
    assert len(run(counting(), 7).rows) == 7
    assert run(iter([made(torch.ones(1, 1))]), 7).stopped_by == "end of the solver"
    restless = (made(torch.full((1, 1), 1.0 + k % 2)) for k in range(10**6))
    assert run(restless, 10**6, max_seconds=0.05).stopped_by == "max_seconds"


def test_divergence_names_iteration_and_keeps_the_run():
    with pytest.raises(DivergenceError, match=r"iteration 6: \|\|x\|\| is 2e\+06, .* step size") as caught:
        run(counting(10.0), 100)  # ||x_k|| = 2 (1 + 10^k), above 10^4 ||x_1|| = 2.2e5 first at k = 6
    assert len(caught.value.result.rows) == 5

    def to_nan():
        yield made(torch.ones(1, 2))
        yield made(torch.full((1, 2), float("nan")))

    with pytest.raises(DivergenceError, match="iteration 2: x holds NaN") as caught:
        run(to_nan())
    assert torch.equal(caught.value.result.x, torch.ones(1, 2))  # the last good iterate


def test_interrupt_keeps_the_last_iterate():
    def interrupted():
        yield made(torch.ones(1, 2))
        yield made(torch.ones(1, 2) * 2)
        raise KeyboardInterrupt

    result = run(interrupted())
    assert result.stopped_by == "interrupted"
    assert torch.equal(result.x, torch.full((1, 2), 2.0))


def test_run_is_without_gradients_and_calls_back():
    w, seen = torch.ones(2, requires_grad=True), []

    def solver():
        while True:
            yield made((w * 2)[None])

    assert not run(solver(), 2, callback=lambda it: seen.append(it)).x.requires_grad
    assert len(seen) == 2


def test_nothing_to_run():
    with pytest.raises(ValueError, match="yielded nothing"):
        run(iter([]))
    with pytest.raises(ValueError, match="max_iter"):
        run(counting(), 0)
