"""The statements of book/theory/inverse_problems.md that go beyond the checks in notebook 01."""

import pytest
import torch

from pnp_course.fidelities import Poisson, prox_kl
from pnp_course.operators import Blur, Mask
from pnp_course.toy.linear import filter_error, matrix, orbit


def normal(generator, *shape):
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def test_price_of_noise_for_lost_patterns_and_coloured_noise(generator):
    """E||A^+ y - x||^2 = ||x - Px||^2 + nu^2 sum <u_i, C u_i> / s_i^2 for a 6 x 8 matrix of rank 4."""
    a = normal(generator, 6, 4) @ normal(generator, 4, 8)
    x, root, nu, draws = normal(generator, 8), normal(generator, 6, 6), 0.3, 40_000
    y = a @ x + nu * normal(generator, draws, 6) @ root.T
    errors = (y @ torch.linalg.pinv(a).T - x).square().sum(1)
    u, s, vh = torch.linalg.svd(a)
    u, s, v = u[:, :4], s[:4], vh[:4].T
    lost = (x - v @ (v.T @ x)).square().sum()
    formula = lost + nu**2 * ((u.T @ root).square().sum(1) / s**2).sum()
    assert abs(errors.mean() - formula) < 5 * errors.std() / draws**0.5
    assert lost > 0.01 * formula


def test_tikhonov_is_best_for_white_pictures(generator):
    """With E c_i^2 = tau^2 no filter beats phi_i = s_i^2 / (s_i^2 + nu^2 / tau^2) in the mean."""
    s, tau, nu = torch.rand(30, generator=generator).double() + 0.01, 0.7, 0.2
    phi = s**2 / (s**2 + nu**2 / tau**2)
    mean_error = lambda f: float(sum(filter_error(s, torch.full_like(s, tau), nu, f)))  # noqa: E731
    for _ in range(50):
        assert mean_error(phi) < mean_error(phi + 0.1 * normal(generator, 30))


@pytest.mark.parametrize("start", [1e-3, 0.02, 0.3, 50.0])
def test_gradient_descent_converges_below_the_darkest_count(start):
    """Proposition on a fixed step, (d): tau <= y."""
    y = 0.3
    for tau in (0.5 * y, y):
        run = orbit(lambda s, tau=tau: s - tau * (1 - y / s), start, 3000)
        assert abs(run[-1] - y) < 1e-9
        assert min(run[1:]) >= (tau * y) ** 0.5 - 1e-12


def test_objective_rises_from_a_dark_start():
    """(c): for every step, from a dark enough start."""
    for tau in (1e-3, 0.1, 10.0):
        s, y = torch.tensor(1e-6 * tau, dtype=torch.float64), 0.5
        t = s - tau * (1 - y / s)
        assert t - y * t.log() > s - y * s.log()


def test_prox_moves_by_the_stated_factor(generator):
    z, y = 3 * normal(generator, 1000), torch.rand(1000, generator=generator).double() + 1e-3
    for lam in (0.01, 1.0, 30.0):
        v = prox_kl(z, y, lam)
        torch.testing.assert_close(v - y, v / (v + lam) * (z - y), atol=1e-12, rtol=1e-9)


def test_least_constant_of_relative_smoothness(generator):
    """L* h - G is convex and no smaller multiple is: a blur, a mask (K = I on what is seen), and a full matrix."""
    side, kernel = 5, torch.rand(2, 3, generator=generator)
    y = torch.rand(1, 1, side, side, generator=generator).double()
    for operator in (Blur(kernel), Mask(torch.ones(side, side)), Blur(torch.rand(side, side, generator=generator))):
        k = matrix(operator, side)
        least = float(((k > 1e-12).double().T @ y.flatten()).max())
        assert least <= float(y.sum()) + 1e-12
        gradient, largest = Poisson(operator, y, floor=1e-30).grad, 0.0
        points = [normal(generator, 1, 1, side, side).exp() for _ in range(10)]
        for j in range(side**2):
            points.append(torch.full((1, 1, side, side), 1e-6, dtype=torch.float64))
            points[-1].view(-1)[j] = 1
        for u in points:
            hessian = torch.func.jacrev(gradient)(u).reshape(side**2, side**2)
            scaled = u.flatten()[:, None] * hessian * u.flatten()  # in the metric of h
            largest = max(largest, float(torch.linalg.eigvalsh(scaled).max()))
        assert largest <= least * (1 + 1e-6)
        assert largest > 0.999 * least


def test_dark_counts_give_the_gradient_a_lipschitz_constant(generator):
    """max m^2 y / b^2 on A u >= 0: no Hessian is larger, the one at a black picture is as large; and outside it grows."""
    side = 4
    gains = torch.rand(side, side, generator=generator).double()
    y, dark = (
        torch.rand(1, 1, side, side, generator=generator).double(),
        0.1 + torch.rand(side, side, generator=generator).double(),
    )
    gradient = Poisson(Mask(gains), y, floor=1e-30, background=dark).grad
    constant = float((gains**2 * y / dark**2).max())

    def largest(u):
        hessian = torch.func.jacrev(gradient)(u).reshape(side**2, side**2)
        return float(torch.linalg.eigvalsh(hessian).max())

    black = torch.zeros(1, 1, side, side, dtype=torch.float64)
    assert abs(largest(black) - constant) < 1e-9 * constant
    for _ in range(10):
        assert largest(torch.rand(1, 1, side, side, generator=generator).double()) < constant
    assert largest(black - 0.5 * dark / gains.clamp_min(1e-3)) > 3.9 * constant
