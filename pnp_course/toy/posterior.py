"""Posterior means without closed forms, the implicit prior of an MMSE denoiser, and denoisers without a prior.

With these independent computations the course checks what `GaussianMixture` gives in closed form.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from pnp_course.denoisers.base import Denoise
from pnp_course.fidelities import Gaussian
from pnp_course.operators import Mask
from pnp_course.solvers import admm
from pnp_course.toy.mixture import GaussianMixture

NoiseDensity = Callable[[Tensor], Tensor]


def gaussian_density(sigma: float) -> NoiseDensity:
    """Density of N(0, sigma^2) on the line."""
    return lambda e: torch.exp(-(e**2) / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi))


def laplace_density(sigma: float) -> NoiseDensity:
    """Density of Laplace noise of standard deviation sigma on the line, which is not Gaussian."""
    b = sigma / math.sqrt(2)
    return lambda e: torch.exp(-e.abs() / b) / (2 * b)


def bayes_on_a_grid(
    mixture: GaussianMixture, x: Tensor, noise: NoiseDensity, low: float = -1.5, high: float = 2.5, points: int = 4001
) -> tuple[Tensor, Tensor, Tensor]:
    """Density of x, and mean and variance of u given x, by the trapezoidal rule in u: this uses only Bayes' rule.

    Args:
        mixture: a prior on the line, each component with a positive variance.
        x: (n,), the observations.
        noise: density of x - u.
        low, high, points: grid of u.

    Returns:
        p(x), E[u | x], Var(u | x), each (n,).
    """
    u = torch.linspace(low, high, points, dtype=torch.float64)
    prior = mixture.log_density(u[:, None], 0.0).exp()
    weight = prior * noise(x.double()[:, None] - u)  # rows: joint density of (x, u)
    density = torch.trapezoid(weight, u, dim=1)
    mean = torch.trapezoid(weight * u, u, dim=1) / density
    variance = torch.trapezoid(weight * (u - mean[:, None]) ** 2, u, dim=1) / density
    return density, mean, variance


def implicit_prior(mixture: GaussianMixture, z: Tensor, sigma: float) -> Tensor:
    """F(D(z)) = -||z - D(z)||^2 / 2 - sigma^2 log p_sigma(z), where D = prox_F is the MMSE denoiser; z (n, d) -> (n,)."""
    residual = z - mixture.mmse(z, sigma)
    return -0.5 * residual.square().sum(1) - sigma**2 * mixture.log_density(z, sigma)


def implicit_prior_by_quadrature(z: Tensor, d: Tensor) -> Tensor:
    """F(D(z_i)) - F(D(z_0)) = integral of (z - D) dD along an increasing grid z (n,), d = D(z), by the trapezoidal rule."""
    pieces = ((z - d)[1:] + (z - d)[:-1]) / 2 * d.diff()
    return torch.cat((z.new_zeros(1), pieces.cumsum(0)))


def map_estimate(mixture: GaussianMixture, x: Tensor, sigma: float, low: float = -1.0, high: float = 2.0) -> Tensor:
    """argmax_u log p(u) - (x - u)^2 / (2 sigma^2) on the line, by a search over a grid of step 1/4000; x (n,) -> (n,)."""
    u = torch.linspace(low, high, round(4000 * (high - low)) + 1, dtype=torch.float64)
    score = mixture.log_density(u[:, None], 0.0) - (x.double()[:, None] - u) ** 2 / (2 * sigma**2)
    return u[score.argmax(1)]


def median_3x3(x: Tensor) -> Tensor:
    """The median of the 3 x 3 pixels around each pixel of x (1, 1, H, W), reflected at the border."""
    around = F.unfold(F.pad(x, (1, 1, 1, 1), mode="reflect"), 3).reshape(1, 9, *x.shape[-2:])
    return around.median(1, keepdim=True).values


def rotation(scale: float, degrees: float) -> Tensor:
    """scale times the rotation of the plane by an angle: (2, 2), float64."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return scale * torch.tensor([[c, -s], [s, c]], dtype=torch.float64)


def linear_denoiser(w: Tensor) -> Denoise:
    """x -> W x on images (1, 1, 1, n) of n pixels."""
    return lambda x: (w.to(x) @ x.reshape(-1)).reshape(x.shape)


def admm_matrix(w: Tensor, hessian: Tensor, lam: float) -> Tensor:
    """The matrix T of PnP-ADMM with D(x) = W x and a quadratic G of Hessian A^T A: z_{k+1} = T z_k + c, z = v - b.

    T = (I + (2 P - I)(2 W - I)) / 2 with P = (I + lam A^T A)^{-1}, the matrix of prox_{lam G}.
    """
    identity = torch.eye(len(w), dtype=w.dtype)
    p = torch.linalg.inv(identity + lam * hessian)
    return (identity + (2 * p - identity) @ (2 * w - identity)) / 2


def admm_moves(w: Tensor, mask: Tensor, y: Tensor, lam: float, steps: int) -> Tensor:
    """Lengths ||z_{k+1} - z_k|| along `admm` with D(x) = W x and G(x) = ||mask x - y||^2 / 2; mask, y (n,) -> (steps - 1,)."""
    seen = y.double().reshape(1, 1, 1, -1)
    solver = admm(Gaussian(Mask(mask[None]), seen), linear_denoiser(w), seen, lam=lam)
    inputs = torch.stack([next(solver).denoiser_input.flatten() for _ in range(steps)])
    return inputs.diff(dim=0).norm(dim=1)


def spectral_radius(m: Tensor) -> float:
    """The largest modulus of an eigenvalue."""
    return float(torch.linalg.eigvals(m).abs().max())
