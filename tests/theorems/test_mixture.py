"""Tweedie's formula and J = Cov / sigma^2 on the exact oracle, each side computed by another route."""

import pytest
import torch

from pnp_course.toy import GaussianMixture, PixelMixture

MIXTURES = {
    "1d": GaussianMixture.two_peaks(),
    "2d": GaussianMixture(
        torch.tensor([1.0, 2.0, 1.0]),
        torch.tensor([[0.0, 0.0], [1.0, 0.3], [0.2, 1.0]]),
        torch.tensor([[[0.02, 0.01], [0.01, 0.03]], [[0.01, 0.0], [0.0, 0.05]], [[0.04, -0.01], [-0.01, 0.02]]]),
    ),
}


@pytest.mark.parametrize("name", MIXTURES)
def test_tweedie(name, generator):
    """Posterior mean (left) = x + sigma^2 grad log p_sigma by automatic differentiation (right), [A] (8)."""
    m, sigma = MIXTURES[name], 0.3
    x = m.sample(50, generator) + sigma * torch.randn(50, m.means.shape[1], generator=generator, dtype=torch.float64)
    x.requires_grad_(True)
    (score,) = torch.autograd.grad(m.log_density(x, sigma).sum(), x)
    torch.testing.assert_close(m.mmse(x, sigma), x + sigma**2 * score, atol=1e-12, rtol=0)


@pytest.mark.parametrize("name", MIXTURES)
def test_jacobian_is_the_posterior_covariance(name, generator):
    """Total covariance (left) = derivative of the posterior mean (right); symmetric, positive semidefinite."""
    m, sigma = MIXTURES[name], 0.3
    x = m.sample(20, generator)
    j = m.jacobian(x, sigma)
    automatic = torch.stack([torch.autograd.functional.jacobian(lambda z: m.mmse(z[None], sigma)[0], p) for p in x])
    torch.testing.assert_close(j, automatic, atol=1e-12, rtol=0)
    assert torch.linalg.eigvalsh(j).min() > -1e-12


def test_posterior_mean_by_quadrature():
    """E[u | x] from Bayes' rule on a fine grid of u, no formula of Gaussians."""
    m, sigma = MIXTURES["1d"], 0.15
    u = torch.linspace(-1, 2, 60001, dtype=torch.float64)
    prior = m.log_density(u[:, None], 1e-9).exp()
    for x in (-0.2, 0.3, 0.5, 0.77):
        weight = prior * torch.exp(-((x - u) ** 2) / (2 * sigma**2))
        want = float((weight * u).sum() / weight.sum())
        assert float(m.mmse(torch.tensor([[x]], dtype=torch.float64), sigma)) == pytest.approx(want, abs=1e-8)


def test_example_of_the_course():
    """Between the peaks the ideal denoiser is expansive: J ranges over [0.10, 3.34], gamma = 0.299."""
    grid = torch.linspace(-1, 2, 30001, dtype=torch.float64)[:, None]
    j = MIXTURES["1d"].jacobian(grid, 0.15)
    assert float(j.min()) == pytest.approx(0.10, abs=0.005)
    assert float(j.max()) == pytest.approx(3.34, abs=0.005)
    assert PixelMixture(MIXTURES["1d"]).gamma(0.15) == pytest.approx(0.299, abs=5e-4)
