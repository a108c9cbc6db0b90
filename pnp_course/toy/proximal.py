"""Proximal operators that are known exactly, and a convex problem whose minimiser is known in advance.

Everything is float64. The functions of one variable act elementwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pnp_course.fidelities import Gaussian
from pnp_course.operators import Blur, kernels

Function = Callable[[Tensor], Tensor]


def brute_prox(f: Function, z: Tensor, reach: float = 4.0, half: int = 100_000) -> Tensor:
    """argmin_v f(v) + (v - z)^2 / 2 for each number of z (n,), by a search, without a formula or a derivative.

    The grid is the 2 half + 1 multiples of reach / half in [-reach, reach]; f may be infinite where it forbids a value.
    """
    v = torch.arange(-half, half + 1, dtype=torch.float64) / half * reach
    values = f(v)
    return torch.stack([v[(values + (v - s) ** 2 / 2).argmin()] for s in z.double()])


def soft_threshold(z: Tensor, weight: float) -> Tensor:
    """prox of weight |.|, which moves z by `weight` towards 0, but not beyond."""
    return z.sign() * (z.abs() - weight).clamp_min(0)


def hard_threshold(z: Tensor, weight: float) -> Tensor:
    """prox of weight 1[v != 0], which is not convex: it keeps |z| > sqrt(2 weight); at equality both z and 0 minimise."""
    return z * (z.abs() > (2 * weight) ** 0.5)


def project_l1_ball(z: Tensor, radius: float) -> Tensor:
    """The nearest point with sum |v_i| <= radius to the vector z (n,), by sorting (Duchi et al. 2008)."""
    if float(z.abs().sum()) <= radius:
        return z.clone()
    size = z.abs().sort(descending=True).values
    count = torch.arange(1, z.numel() + 1, dtype=z.dtype)
    threshold = (size.cumsum(0) - radius) / count
    last = int((size > threshold).nonzero()[-1])
    return soft_threshold(z, float(threshold[last]))


@dataclass(frozen=True)
class DoubleWell:
    """F(u) = r / (4 a^2) (u^2 - a^2)^2, with minima at -a and a; r-weakly convex with no smaller r, as F''(0) = -r."""

    r: float
    a: float = 1.0

    def value(self, u: Tensor) -> Tensor:
        """F(u)."""
        return self.r / (4 * self.a**2) * (u**2 - self.a**2) ** 2

    def slope(self, u: Tensor) -> Tensor:
        """F'(u)."""
        return self.r / self.a**2 * (u**2 - self.a**2) * u

    def prox(self, z: Tensor) -> Tensor:
        """The minimiser of F(v) + (v - z)^2 / 2 with the sign of z, the root of (r/a^2) v^3 + (1 - r) v = z (Cardano).

        For r > 1 it jumps at z = 0 between two minimisers; there the positive one is returned.
        """
        p, q = (1 - self.r) * self.a**2 / self.r, self.a**2 * z.double().abs() / self.r  # v^3 + p v = q
        if p == 0:
            root = q ** (1 / 3)
        else:
            s = 2 * (abs(p) / 3) ** 0.5
            w = 4 * q / s**3  # v = s y turns the cubic into 4 y^3 +- 3 y = w
            if p > 0:
                y = (w.asinh() / 3).sinh()
            else:
                y = torch.where(w > 1, (w.clamp_min(1).acosh() / 3).cosh(), (w.clamp_max(1).acos() / 3).cos())
            root = s * y
        return torch.where(z < 0, -root, root)


@dataclass(frozen=True)
class StarField:
    """min_x weight ||x||_1 + ||A x - y||^2 / 2 with a known minimiser: blurred stars on a dark sky.

    The stars x* and a slope s, with s = sign(x*) on the stars and |s| < 1 elsewhere, are chosen first. Then y is
    computed from A^T (A x* - y) = -weight s, which is the optimality condition 0 in dR(x*) + grad G(x*).

    fidelity: G(x) = ||A x - y||^2 / 2, with ||A|| = 1. weight: of the l1 norm. minimiser: x*. slope: weight s, in
    dR(x*).
    """

    fidelity: Gaussian
    weight: float
    minimiser: Tensor
    slope: Tensor

    @classmethod
    def draw(
        cls, side: int = 32, stars: int = 200, weight: float = 0.002, blur: float = 0.8, seed: int = 0
    ) -> StarField:
        """Make `stars` stars of brightness 0.3 to 1 on a dark square; `blur` < 1 is the standard deviation in pixels."""
        generator = torch.Generator().manual_seed(seed)
        n = side * side
        x, s = torch.zeros(n, dtype=torch.float64), torch.zeros(n, dtype=torch.float64)
        s += 1.6 * torch.rand(n, generator=generator, dtype=torch.float64) - 0.8
        where = torch.randperm(n, generator=generator)[:stars]
        x[where] = 0.3 + 0.7 * torch.rand(stars, generator=generator, dtype=torch.float64)
        s[where] = 1.0
        x, slope = x.reshape(1, 1, side, side), weight * s.reshape(1, 1, side, side)
        a = Blur(kernels.gaussian(7, blur))
        residual = torch.fft.irfft2(
            torch.fft.rfft2(slope) / a.spectrum(x).conj(), s=(side, side)
        )  # A^T residual = slope
        return cls(Gaussian(a, a(x) + residual), weight, x, slope)

    def prox(self, z: Tensor) -> Tensor:
        """prox of R = weight ||.||_1."""
        return soft_threshold(z, self.weight)

    def objective(self, x: Tensor) -> float:
        """R(x) + G(x)."""
        return self.weight * float(x.abs().sum()) + self.fidelity.value(x)
