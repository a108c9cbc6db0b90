"""The ladder of conditions of [B] section 2.1, (5)-(12): quadratic forms, norms, regions of the complex plane.

With d = x - y and e = D(x) - D(y), every condition of the papers has one of two shapes,

    k <= 1:      ||e||^2 <= ||d||^2 + k ||d - e||^2     (k-strictly pseudo-contractive)
    gamma >= 0:  <d, e> >= gamma ||e||^2                (gamma-cocoercive)

and I - D carries one family to the other. They meet in firm nonexpansiveness, k = -1 and gamma = 1. Matrices are real,
(..., n, n), float64; points of the plane are complex.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pnp_course.denoisers.base import Denoise


@dataclass(frozen=True)
class Condition:
    """A condition: `family` "pseudo-contractive" with constant k <= 1, or "cocoercive" with constant gamma >= 0.

    Raises:
        ValueError: the family is another one, or the constant is out of range.
    """

    name: str
    family: str
    constant: float

    def __post_init__(self) -> None:
        fits = {"pseudo-contractive": self.constant <= 1, "cocoercive": self.constant >= 0}
        if not fits.get(self.family, False):
            raise ValueError(
                f"the family is {self.family!r} and the constant {self.constant}; wanted 'pseudo-contractive' with k <= 1 or "
                "'cocoercive' with gamma >= 0."
            )

    @property
    def half_plane(self) -> bool:
        """Is the region a half-plane? It is for pseudo-contractive (k = 1) and monotone (gamma = 0)."""
        return self.constant == (1 if self.family == "pseudo-contractive" else 0)

    @property
    def coefficients(self) -> tuple[float, float]:
        """(a, b) such that the condition is ||a I + b J||_* <= 1 everywhere; ValueError for a half-plane."""
        if self.half_plane:
            raise ValueError(f"{self.name} is not a bound on the norm of some a I + b J; use `margin`.")
        return (self.constant, 1 - self.constant) if self.family == "pseudo-contractive" else (-1, 2 * self.constant)

    @property
    def disc(self) -> tuple[float, float]:
        """Centre (real) and radius of the region |a + b z| <= 1; both infinite for a half-plane."""
        if self.half_plane:
            return (-math.inf if self.family == "pseudo-contractive" else math.inf), math.inf
        a, b = self.coefficients
        return -a / b, 1 / b

    @property
    def slopes(self) -> tuple[float, float]:
        """The interval of the real line inside the region: the slopes D' that the condition allows on the line."""
        centre, radius = self.disc
        if self.half_plane:
            return (-math.inf, 1.0) if self.family == "pseudo-contractive" else (0.0, math.inf)
        return centre - radius, centre + radius

    def form(self, j: Tensor) -> Tensor:
        """The symmetric matrix Q (..., n, n) with <d, Q d> = larger side - smaller side of the inequality, for D = J."""
        eye = torch.eye(j.shape[-1], dtype=j.dtype)
        if self.family == "pseudo-contractive":
            return eye + self.constant * (eye - j).mT @ (eye - j) - j.mT @ j
        return (j + j.mT) / 2 - self.constant * j.mT @ j

    def margin(self, j: Tensor) -> Tensor:
        """The smallest eigenvalue of Q, (...,); the linear map J satisfies the condition iff it is >= 0."""
        values: Tensor = torch.linalg.eigvalsh(self.form(j))
        return values[..., 0]

    def norm(self, j: Tensor) -> Tensor:
        """||a I + b J||_*, (...,), of a condition whose region is a disc; ValueError for a half-plane."""
        a, b = self.coefficients
        norm: Tensor = torch.linalg.matrix_norm(a * torch.eye(j.shape[-1], dtype=j.dtype) + b * j, 2)
        return norm

    def at(self, z: Tensor) -> Tensor:
        """The form at complex numbers z: >= 0 iff z lies in the region; 1 + k |1 - z|^2 - |z|^2, or Re z - gamma |z|^2."""
        if self.family == "pseudo-contractive":
            return 1 + self.constant * (1 - z).abs() ** 2 - z.abs() ** 2
        return z.real - self.constant * z.abs() ** 2

    def tests(self, j: Tensor, w: Tensor | None = None) -> tuple[float, float, float]:
        """Three numbers for J (n, n), to be <= 1: from its eigenvalues, from its numerical range W(J), and the exact one.

        For a disc they are the largest |a + b lambda|, the largest |a + b w| over the numerical range, and
        ||a I + b J||_*, in increasing order; only the last is the condition. For a half-plane they are the largest Re z
        (pseudo-contractive) or 1 - Re z (cocoercive), and the last two agree. The second is taken over the points `w` of
        `numerical_range`, so it is slightly too small.
        """
        points = (torch.linalg.eigvals(j), numerical_range(j) if w is None else w)
        if self.half_plane:
            sign, shift = (1, 0) if self.family == "pseudo-contractive" else (-1, 1)
            exact = float(torch.linalg.eigvalsh(sign * (j + j.mT) / 2)[-1]) + shift
            return float((sign * points[0].real).max()) + shift, float((sign * points[1].real).max()) + shift, exact
        a, b = self.coefficients
        return float((a + b * points[0]).abs().max()), float((a + b * points[1]).abs().max()), float(self.norm(j))

    def implies(self, other: Condition) -> bool:
        """Does every map that satisfies this condition satisfy `other`? The constants decide (theorem of the ladder)."""
        if self.family == other.family:
            step = other.constant - self.constant
            return step >= 0 if self.family == "pseudo-contractive" else step <= 0
        # a condition implies one of the other family only if it is at least as strong as firm nonexpansiveness
        if self.family == "pseudo-contractive":
            return self.constant <= -1 and other.constant <= 1
        return self.constant >= 1 and other.constant >= -1


FIRM = Condition("firmly nonexpansive", "cocoercive", 1.0)
LADDER = (
    FIRM,
    Condition("nonexpansive", "pseudo-contractive", 0.0),
    Condition("0.9-strictly pseudo-contractive", "pseudo-contractive", 0.9),
    Condition("pseudo-contractive", "pseudo-contractive", 1.0),
    Condition("residual nonexpansive", "cocoercive", 0.5),
    Condition("1/4-cocoercive", "cocoercive", 0.25),
    Condition("monotone", "cocoercive", 0.0),
)


def times(z: complex) -> Tensor:
    """Multiplication by z as a map of the plane: |z| times a rotation, (2, 2). A normal matrix with eigenvalues z, z*."""
    return torch.tensor([[z.real, -z.imag], [z.imag, z.real]], dtype=torch.float64)


def sheared(eta: float) -> Tensor:
    """[[1/2, eta], [0, 1/2]]: both eigenvalues 1/2, numerical range the disc of radius |eta|/2 around it; not normal."""
    return torch.tensor([[0.5, eta], [0.0, 0.5]], dtype=torch.float64)


def numerical_range(j: Tensor, directions: int = 48) -> Tensor:
    """Complex points (2 directions,) along the boundary of W(J) = {v* J v : |v| = 1}, in order, for a real J (n, n).

    In the direction e^{i theta} W reaches as far as the largest eigenvalue of the Hermitian part of e^{-i theta} J, and
    its eigenvector v gives the boundary point v* J v. W of a real J is symmetric about the real axis.
    """
    angles = torch.linspace(0, math.pi, directions, dtype=torch.float64)
    turned = torch.exp(-1j * angles)[:, None, None] * j.to(torch.complex128)
    v = torch.linalg.eigh((turned + turned.mH) / 2).eigenvectors[..., -1]
    points = torch.einsum("ki,ij,kj->k", v.conj(), j.to(torch.complex128), v)
    return torch.cat((points, points.conj().flip(0)))


def jacobian(denoise: Denoise, x: Tensor) -> Tensor:
    """J at one small image x (1, C, H, W), (n, n) in float64, by one batched backward pass over n copies of x.

    It is the same matrix as that of `pnp_course.jacobian.dense`, computed faster if the image is small (8 x 8) and the
    network is deep.
    """
    n = x.numel()
    copies = x.detach().expand(n, -1, -1, -1).clone().requires_grad_(True)
    (rows,) = torch.autograd.grad(denoise(copies), copies, torch.eye(n, dtype=x.dtype).reshape(copies.shape))
    return rows.flatten(1).double()


def blocks(x: Tensor, side: int = 8) -> dict[str, Tensor]:
    """The flattest, the median and the busiest block (1, C, side, side) of an image (1, C, H, W), by their variance."""
    cut = x.unfold(2, side, side).unfold(3, side, side).permute(0, 2, 3, 1, 4, 5).reshape(-1, x.shape[1], side, side)
    order = cut.flatten(1).var(dim=1).argsort()
    return {name: cut[order[i]][None].clone() for name, i in (("flat", 0), ("median", len(order) // 2), ("busy", -1))}


def closest_denoiser(x: Tensor, target: Tensor, weight: Tensor, low: float, high: float) -> Tensor:
    """The function E on an even grid x (n,) with slopes in [low, high] that minimises sum weight (E - target)^2, (n,).

    If target is the posterior mean and weight the density of x, this is the denoiser with the least mean squared error
    among those that satisfy a condition on the line (`Condition.slopes`). It solves a bounded least-squares problem in
    the slopes.
    """
    from scipy.optimize import lsq_linear

    n, h = len(x), float(x[1] - x[0])
    columns = np.tril(np.full((n, n), h))  # E_i = E_0 + h (s_1 + ... + s_i)
    columns[:, 0] = 1.0
    root = weight.double().clamp_min(0).sqrt().numpy()
    bounds = (np.r_[-np.inf, np.full(n - 1, low)], np.r_[np.inf, np.full(n - 1, high)])
    found = lsq_linear(root[:, None] * columns, root * target.double().numpy(), bounds, method="bvls")
    return torch.from_numpy(columns @ found.x)
