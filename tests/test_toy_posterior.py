"""Helpers of the notebook on MMSE denoisers: quadratures against closed forms, and the two-pixel linear denoisers."""

import math

import pytest
import torch

from pnp_course.toy import GaussianMixture
from pnp_course.toy.posterior import (
    admm_matrix,
    admm_moves,
    bayes_on_a_grid,
    gaussian_density,
    implicit_prior,
    implicit_prior_by_quadrature,
    laplace_density,
    map_estimate,
    median_3x3,
    rotation,
    spectral_radius,
)

PEAKS = GaussianMixture.two_peaks()


def test_bayes_on_a_grid_agrees_with_the_closed_forms():
    """p_sigma, E[u | x] and Var(u | x) = sigma^2 J."""
    x = torch.linspace(-0.3, 1.3, 41, dtype=torch.float64)
    p, mean, variance = bayes_on_a_grid(PEAKS, x, gaussian_density(0.15))
    torch.testing.assert_close(p, PEAKS.log_density(x[:, None], 0.15).exp(), atol=1e-10, rtol=0)
    torch.testing.assert_close(mean, PEAKS.mmse(x[:, None], 0.15)[:, 0], atol=1e-10, rtol=0)
    torch.testing.assert_close(variance, 0.15**2 * PEAKS.jacobian(x[:, None], 0.15)[:, 0, 0], atol=1e-10, rtol=0)


@pytest.mark.parametrize("density", [gaussian_density, laplace_density])
def test_noise_densities_have_mass_one_and_the_given_deviation(density):
    e = torch.linspace(-8, 8, 160001, dtype=torch.float64)
    p = density(0.3)(e)
    assert float(torch.trapezoid(p, e)) == pytest.approx(1, abs=1e-6)
    assert float(torch.trapezoid(p * e**2, e)) == pytest.approx(0.09, abs=1e-6)


def test_implicit_prior_two_ways():
    """The closed form (left) and the integral of (z - D) dD (right), up to a constant; and prox_F = D by search."""
    z = torch.linspace(-1, 2, 60001, dtype=torch.float64)
    d = PEAKS.mmse(z[:, None], 0.15)[:, 0]
    f = implicit_prior(PEAKS, z[:, None], 0.15)
    torch.testing.assert_close(f - f[0], implicit_prior_by_quadrature(z, d), atol=1e-8, rtol=0)
    for i in (20000, 29000, 30000, 41000):
        assert float(d[(f + (d - z[i]) ** 2 / 2).argmin()]) == pytest.approx(float(d[i]), abs=1e-3)


def test_map_of_one_gaussian_is_its_mmse():
    """For a Gaussian prior the two estimators agree."""
    one = GaussianMixture(torch.ones(1), torch.tensor([[0.4]]), torch.full((1, 1, 1), 0.1**2))
    x = torch.tensor([0.0, 0.5, 0.9])
    torch.testing.assert_close(map_estimate(one, x, 0.2), one.mmse(x.double()[:, None], 0.2)[:, 0], atol=2e-4, rtol=0)


def test_admm_matrix_is_that_of_the_solver():
    """Lengths of the moves along `admm` (left) and by powers of T (right), and their growth."""
    w, mask, y = rotation(0.95, 28), torch.tensor([1.0, 0.0]), torch.tensor([0.7, 0.0])
    t = admm_matrix(w, torch.diag(mask).double(), 50.0)
    moves = admm_moves(w, mask, y, 50.0, 100)
    assert float(moves[-1] / moves[-2]) == pytest.approx(spectral_radius(t), abs=1e-6)
    q = torch.diag(1 / (1 + 50.0 * mask.double()))
    z0 = q @ y.double() + 50 * q @ y.double()
    z1 = t @ z0 + 50 * q @ y.double()
    expected = torch.stack([(torch.linalg.matrix_power(t, k) @ (z1 - z0)).norm() for k in range(99)])
    torch.testing.assert_close(moves, expected, atol=0, rtol=1e-9)


def test_determinant_of_the_rotation_example():
    """det(I - T) (left) = (lam a (cos - a) + |a e^{i theta} - 1|^2) / (1 + lam) (right)."""
    for a, degrees, lam in [(0.95, 28, 50.0), (0.7, 40, 0.3), (1.2, 75, 4.0)]:
        c = math.cos(math.radians(degrees))
        t = admm_matrix(rotation(a, degrees), torch.diag(torch.tensor([1.0, 0.0])).double(), lam)
        right = (lam * a * (c - a) + 1 - 2 * a * c + a * a) / (1 + lam)
        assert float(torch.linalg.det(torch.eye(2) - t)) == pytest.approx(right, abs=1e-12)


def test_rotation_and_spectral_radius():
    w = rotation(0.95, 28)
    assert spectral_radius(w) == pytest.approx(0.95)
    assert float(torch.linalg.matrix_norm(w - w.T, 2)) == pytest.approx(1.9 * math.sin(math.radians(28)))


def test_median_is_the_median_of_the_neighbours(generator):
    x = torch.rand(1, 1, 6, 7, generator=generator)
    assert float(median_3x3(x)[0, 0, 3, 2]) == float(x[0, 0, 2:5, 1:4].flatten().median())
