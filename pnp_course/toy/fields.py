"""Vector fields and their Helmholtz decomposition: periodic fields by Fourier series, circulation, trajectories.

A field is a function of points (n, d) with values (n, d), float64. For a denoiser D it is D itself or its displacement
V(x) = D(x) - x; [B] section 2.2 and (13).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from pnp_course.toy.mixture import GaussianMixture

Field = Callable[[Tensor], Tensor]
QUARTER_TURN = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)  # R: (x1, x2) -> (-x2, x1)


def frequencies(n: int) -> Tensor:
    """The wave vectors k of an n x n grid in FFT order, (2, n, n), float64, components from -(n - 1)/2 to (n - 1)/2."""
    k = torch.fft.fftfreq(n, 1 / n, dtype=torch.float64)
    return torch.stack(torch.meshgrid(k, k, indexing="ij"))


def grid(n: int) -> Tensor:
    """The n^2 points (n^2, 2) of the regular grid of [0, 1)^2; the first coordinate changes slowest."""
    r = torch.arange(n, dtype=torch.float64) / n
    return torch.cartesian_prod(r, r)


@dataclass(frozen=True)
class PeriodicField:
    """A real field on the torus (the unit square, opposite sides glued): V(x) = sum over k of c_k e^{2 pi i <k, x>}.

    coefficients: (2, N, N), complex128, N odd, in FFT order; c_{-k} is the conjugate of c_k.
    """

    coefficients: Tensor

    @classmethod
    def sample(cls, field: Field, n: int = 65) -> PeriodicField:
        """The trigonometric interpolation of `field`, of period 1 in both coordinates, from its values on an n x n grid.

        Raises:
            ValueError: n is even, so that the sign of the highest frequency, and with it a derivative, is ambiguous.
        """
        if n % 2 == 0 or n < 3:
            raise ValueError(f"n is {n}; wanted an odd number of grid points, at least 3.")
        values = field(grid(n)).T.reshape(2, n, n)
        return cls(torch.fft.fft2(values.to(torch.complex128)) / n**2)

    def _waves(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        k = torch.fft.fftfreq(n := self.coefficients.shape[-1], 1 / n, dtype=torch.float64)
        first, second = (
            torch.exp(2j * math.pi * x[:, i : i + 1] * k) for i in (0, 1)
        )  # e^{2 pi i <k, x>} is a product
        return 2j * math.pi * k.to(first), first, second

    def __call__(self, x: Tensor) -> Tensor:
        """V at points x (n, 2), anywhere in the plane: (n, 2)."""
        _, first, second = self._waves(x)
        return torch.einsum("iab,na,nb->ni", self.coefficients, first, second).real

    def jacobian(self, x: Tensor) -> Tensor:
        """The matrices d V_i / d x_j at points x (n, 2): (n, 2, 2)."""
        ik, first, second = self._waves(x)
        columns = [(ik * first, second), (first, ik * second)]
        return torch.stack([torch.einsum("iab,na,nb->ni", self.coefficients, a, b).real for a, b in columns], 2)

    def squared_norm(self) -> float:
        """The integral of ||V||^2 over the square (Parseval)."""
        return float(self.coefficients.abs().square().sum())

    def helmholtz(self) -> tuple[PeriodicField, PeriodicField, PeriodicField]:
        """V = mean + conservative + Hamiltonian: a constant, the gradient of a periodic function, a field without divergence.

        The coefficient c_k, k != 0, is split into its component along k and the rest, [B] (13). The three are
        orthogonal in L^2, and unique.
        """
        c = self.coefficients
        k = frequencies(c.shape[-1])
        along = (k * c).sum(0) / k.square().sum(0).clamp_min(1)  # <k, c_k> / |k|^2, and 0 at k = 0
        conservative, mean = k * along, torch.zeros_like(c)
        mean[:, 0, 0] = c[:, 0, 0]
        return PeriodicField(mean), PeriodicField(conservative), PeriodicField(c - mean - conservative)

    def __add__(self, other: PeriodicField) -> PeriodicField:
        return PeriodicField(self.coefficients + other.coefficients)


def periodic_displacement(mixture: GaussianMixture, sigma: float, copies: int = 2) -> Field:
    """V(x) = D(x) - x for the MMSE denoiser of a 2-D mixture repeated with period 1 in both coordinates.

    By Tweedie's formula [A] (8) V = sigma^2 grad log p_sigma, and p_sigma is periodic: a conservative field on the
    torus. `copies` in each direction are kept; the rest is below rounding while sigma and the bumps are below 0.2.
    """
    steps = torch.arange(-copies, copies + 1, dtype=torch.float64)
    shifts = torch.cartesian_prod(steps, steps)
    means = (mixture.means[:, None] + shifts).reshape(-1, 2)
    weights = mixture.weights.repeat_interleave(len(shifts))
    many = GaussianMixture(weights, means, mixture.covariances.repeat_interleave(len(shifts), 0))
    return lambda x: many.mmse(x % 1, sigma) - x % 1


def circulation(field: Field, corner: Tensor, e: Tensor, f: Tensor, nodes: int = 32) -> float:
    """The line integral of <V, dx> around the parallelogram corner, + e, + e + f, + f; each vector is (d,).

    It uses `nodes` points of Gauss and Legendre on each side, so it is exact for polynomials of degree 2 nodes - 1.
    """
    points, weights = (torch.from_numpy(a).to(corner) for a in np.polynomial.legendre.leggauss(nodes))
    s, total = (points[:, None] + 1) / 2, 0.0
    for start, side in ((corner, e), (corner + e, f), (corner + e + f, -e), (corner + f, -f)):
        total += float(weights @ (field(start + s * side) @ side)) / 2
    return total


def polygon_integral(field: Field, corners: Tensor, nodes: int = 32) -> float:
    """The line integral of <V, dx> along the closed polygon through `corners` (m, d), by Gauss and Legendre on each side."""
    points, weights = (torch.from_numpy(a).to(corners) for a in np.polynomial.legendre.leggauss(nodes))
    sides = corners.roll(-1, 0) - corners
    x = corners[:, None] + (points[:, None] + 1) / 2 * sides[:, None]  # (m, nodes, d)
    values = field(x.flatten(0, 1)).reshape(x.shape)
    return float(torch.einsum("mqd,md,q->", values, sides, weights)) / 2


def potential(field: Field, x: Tensor, base: Tensor, nodes: int = 48) -> Tensor:
    """psi(x) = integral over s in [0, 1] of <V(base + s (x - base)), x - base>, at points x (n, d): (n,).

    The potential of Poincare's lemma: its gradient is V if V has a symmetric Jacobian.
    """
    points, weights = (torch.from_numpy(a).to(x) for a in np.polynomial.legendre.leggauss(nodes))
    h = x - base
    z = base + (points[:, None, None] + 1) / 2 * h  # (nodes, n, d)
    return torch.einsum("qnd,nd,q->n", field(z.flatten(0, 1)).reshape(z.shape), h, weights) / 2


def trajectory(field: Field, starts: Tensor, step: float, count: int) -> Tensor:
    """Solutions of x' = V(x) from `starts` (n, d) by the classical Runge-Kutta method: (count + 1, n, d)."""
    path = [starts]
    for _ in range(count):
        x = path[-1]
        a = field(x)
        b = field(x + step / 2 * a)
        c = field(x + step / 2 * b)
        d = field(x + step * c)
        path.append(x + step / 6 * (a + 2 * b + 2 * c + d))
    return torch.stack(path)


def polygon(corners: int, radius: float = 0.3, width: float = 0.05) -> GaussianMixture:
    """Equal round bumps of standard deviation `width` at the corners of a regular polygon about (0.5, 0.5)."""
    angle = 2 * math.pi * torch.arange(corners, dtype=torch.float64) / corners
    means = 0.5 + radius * torch.stack((angle.cos(), angle.sin()), 1)
    return GaussianMixture(
        torch.ones(corners), means, width**2 * torch.eye(2, dtype=torch.float64).expand(corners, 2, 2)
    )


class TurningDenoiser(nn.Module):
    """D(x, sigma) = E[u | x] + epsilon R (x - centre): the MMSE denoiser of a 2-D mixture plus a rotation.

    R is the quarter turn, so J = Cov(u | x) / sigma^2 + epsilon R: the symmetric part is the ideal one. Images are
    (B, 1, 1, 2): two pixels.
    """

    def __init__(self, mixture: GaussianMixture, epsilon: float, centre: float = 0.5):
        super().__init__()
        self.mixture, self.epsilon, self.centre = mixture, epsilon, centre

    def field(self, x: Tensor, sigma: float) -> Tensor:
        """D at points (n, 2), float64."""
        return self.mixture.mmse(x, sigma) + self.epsilon * (x - self.centre) @ QUARTER_TURN.T

    def forward(self, x: Tensor, sigma: float) -> Tensor:
        """D at images (B, 1, 1, 2), in their precision, computed in float64."""
        return self.field(x.double().reshape(-1, 2), sigma).reshape(x.shape).to(x.dtype)
