"""Small worlds for the proximal denoiser: gradient steps D = I - grad g whose g, inverse and curvature are known.

The Hessian of `Waves` has eigenvalues in all of [-L, L], for any L; `ExactStep` is the MMSE denoiser of a mixture, with
its potential. Both are functions x -> (D(x), g(x)), which `denoisers.WithPotential` brings into the form that solvers
take. `invert` inverts D_t without knowing phi.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pnp_course.toy.mixture import GaussianMixture

Step = Callable[[Tensor], tuple[Tensor, Tensor]]  # x -> (D(x), g(x))


@dataclass(frozen=True)
class Waves:
    """g(x) = sum over pixels of (bend / w^2) (1 - cos w x_i), whose second derivative bend cos(w x) fills [-bend, bend].

    So grad g is Lipschitz with constant `bend` and no smaller one; D(x) = x - (bend / w) sin(w x).

    bend: L. frequency: w, per unit of intensity.
    """

    bend: float
    frequency: float = 2 * math.pi

    def potential(self, x: Tensor) -> Tensor:
        """g of each pixel alone, of the shape of x."""
        return self.bend / self.frequency**2 * (1 - torch.cos(self.frequency * x))

    def d(self, x: Tensor) -> Tensor:
        """D(x), of the shape of x."""
        return x - self.bend / self.frequency * torch.sin(self.frequency * x)

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(D(x), g(x)) for images x (B, C, H, W): g is (B,)."""
        return self.d(x), self.potential(x).flatten(1).sum(1)


@dataclass(frozen=True)
class ExactStep:
    """The MMSE denoiser of a mixture in d dimensions and its potential g = -sigma^2 log p_sigma + const >= 0.

    D = I - grad g by Tweedie's formula, [A] (8). A picture is a point: (B, C, H, W) with C H W = d.

    mixture: the prior. sigma: noise level in units of intensity.
    """

    mixture: GaussianMixture
    sigma: float

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(D(x), g(x)) for pictures x (B, C, H, W), float64: g is (B,)."""
        points = x.double().flatten(1)
        return self.mixture.mmse(points, self.sigma).reshape(x.shape), self.potential(points)

    def potential(self, points: Tensor) -> Tensor:
        """g at points (n, d): (n,). The constant makes it nonnegative: p_sigma <= (2 pi sigma^2)^{-d/2}."""
        constant = points.shape[1] / 2 * math.log(2 * math.pi * self.sigma**2)
        return -(self.sigma**2) * (self.mixture.log_density(points, self.sigma) + constant)

    def curvature(self, points: Tensor) -> tuple[float, float]:
        """The ends of the spectrum of Hess g = I - J over points (n, d): (smallest, largest)."""
        spectrum = 1 - torch.linalg.eigvalsh(self.mixture.jacobian(points, self.sigma))
        return float(spectrum.min()), float(spectrum.max())


def invert(step: Step, u: Tensor, t: float = 1.0, iterations: int = 400) -> Tensor:
    """D_t^{-1}(u) for pictures u (B, C, H, W): the fixed point of w -> u + t (w - D(w)) = u + t grad g(w).

    The map is a contraction where t grad g is; each iteration multiplies the error by at most t L. phi is not used.

    Raises:
        ValueError: the iteration did not converge, which can happen for t L >= 1.
    """
    w, change, scale = u, float("inf"), max(1.0, float(u.abs().max()))
    for _ in range(iterations):
        new = u + t * (w - step(w)[0])
        change, w = float((new - w).abs().max()), new
        if change <= 1e-15 * scale:  # rounding
            break
    if not change <= 1e-9 * scale:
        raise ValueError(f"the last change is {change:.2g}; wanted a t with t L < 1, or more iterations.")
    return w


def three_islands() -> GaussianMixture:
    """A prior of two pixels: three clusters, one of them stretched along the diagonal."""
    means = torch.tensor([[0.2, 0.3], [0.8, 0.35], [0.5, 0.85]], dtype=torch.float64)
    spread = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[4.0, 3.0], [3.0, 4.0]], [[1.0, 0.0], [0.0, 1.0]]])
    return GaussianMixture(torch.tensor([1.0, 2.0, 1.0]), means, 0.05**2 * spread.double())
