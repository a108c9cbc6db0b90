"""Gaussian-mixture priors, with MMSE denoiser, Jacobian and density in closed form; the course's laboratory.

x = u + sigma n with u ~ sum_k w_k N(m_k, S_k), so x ~ sum_k w_k N(m_k, S_k + sigma^2 I).
Tweedie: D(x) = E[u | x] = x + sigma^2 grad log p_sigma(x), [A] (8); J(x) = Cov(u | x) / sigma^2.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class GaussianMixture:
    """The prior sum_k w_k N(m_k, S_k) in d dimensions; points are float64 tensors (n, d).

    Args:
        weights: (K,), positive, with any sum.
        means: (K, d).
        covariances: (K, d, d), symmetric positive semidefinite.
    """

    def __init__(self, weights: Tensor, means: Tensor, covariances: Tensor):
        self.weights = weights.double() / weights.sum()
        self.means, self.covariances = means.double(), covariances.double()
        k, d = self.means.shape
        if self.weights.shape != (k,) or self.covariances.shape != (k, d, d) or (self.weights <= 0).any():
            raise ValueError(
                f"weights {tuple(weights.shape)}, means {tuple(means.shape)}, covariances {tuple(covariances.shape)}; "
                "wanted (K,), (K, d), (K, d, d) with positive weights."
            )

    @classmethod
    def two_peaks(cls) -> GaussianMixture:
        """The course's 1-D example: peaks of width 0.05 at 0.2 and 0.8, equally likely."""
        means = torch.tensor([[0.2], [0.8]], dtype=torch.float64)
        return cls(torch.ones(2), means, torch.full((2, 1, 1), 0.05**2, dtype=torch.float64))

    def _parts(self, x: Tensor, sigma: float) -> tuple[Tensor, Tensor, Tensor]:
        """Log joint densities (n, K), posterior means (n, K, d), posterior covariances (K, d, d)."""
        d = self.means.shape[1]
        noisy = self.covariances + sigma**2 * torch.eye(d, dtype=torch.float64)
        component = torch.distributions.MultivariateNormal(self.means, noisy)
        log_joint = component.log_prob(x[:, None, :]) + self.weights.log()
        gain = torch.linalg.solve(noisy, self.covariances).mT  # S_k (S_k + sigma^2 I)^{-1}
        centred = x[:, None, :] - self.means
        means = self.means + torch.einsum("kij,nkj->nki", gain, centred)
        return log_joint, means, sigma**2 * gain

    def log_density(self, x: Tensor, sigma: float) -> Tensor:
        """log p_sigma at x (n, d) -> (n,)."""
        return self._parts(x, sigma)[0].logsumexp(1)

    def mmse(self, x: Tensor, sigma: float) -> Tensor:
        """E[u | x] at x (n, d) -> (n, d)."""
        log_joint, means, _ = self._parts(x, sigma)
        return torch.einsum("nk,nki->ni", log_joint.softmax(1), means)

    def jacobian(self, x: Tensor, sigma: float) -> Tensor:
        """J = Cov(u | x) / sigma^2 at x (n, d) -> (n, d, d), by the law of total covariance."""
        log_joint, means, covariances = self._parts(x, sigma)
        p = log_joint.softmax(1)
        centred = means - torch.einsum("nk,nki->ni", p, means)[:, None]
        total = torch.einsum("nk,kij->nij", p, covariances) + torch.einsum("nk,nki,nkj->nij", p, centred, centred)
        return total / sigma**2

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n points from the prior, (n, d)."""
        which = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        normal = torch.randn(n, self.means.shape[1], 1, dtype=torch.float64, generator=generator)
        values, vectors = torch.linalg.eigh(self.covariances)
        root = vectors * values.clamp_min(0).sqrt()[:, None, :]
        return self.means[which] + (root[which] @ normal)[..., 0]


class PixelMixture(nn.Module):
    """A 1-D mixture as the prior of each pixel: an exact denoiser D(x, sigma) of images (B, C, H, W), conservative."""

    def __init__(self, mixture: GaussianMixture):
        super().__init__()
        self.mixture = mixture

    def forward(self, x: Tensor, sigma: float) -> Tensor:
        """E[u | x], pixel by pixel, computed in float64."""
        return self.mixture.mmse(x.double().reshape(-1, 1), sigma).reshape(x.shape).to(x.dtype)

    def gamma(self, sigma: float, low: float = -1.0, high: float = 2.0) -> float:
        """The cocoercivity constant 1 / max J over [low, high], on a grid of 30001 points."""
        grid = torch.linspace(low, high, 30001, dtype=torch.float64)[:, None]
        return 1 / float(self.mixture.jacobian(grid, sigma).max())
