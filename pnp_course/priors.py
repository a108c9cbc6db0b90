"""Classical priors R with a value and a proximal operator: total variation and l1 in a wavelet basis.

`prox(z, weight)` is argmin_v weight R(v) + ||v - z||^2 / 2. A prior with its weight can be passed to a solver in place
of
a denoiser: R(z) is R.prox(z).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from pnp_course._checks import check_positive
from pnp_course.denoisers.base import Denoise


def gradient(x: Tensor) -> Tensor:
    """Forward differences of x (B, C, H, W), zero beyond the border: (2, B, C, H, W), vertical then horizontal."""
    out = x.new_zeros(2, *x.shape)
    out[0, ..., :-1, :] = x[..., 1:, :] - x[..., :-1, :]
    out[1, ..., :, :-1] = x[..., :, 1:] - x[..., :, :-1]
    return out


def gradient_transpose(p: Tensor) -> Tensor:
    """The adjoint of `gradient`: (2, B, C, H, W) -> (B, C, H, W), minus a divergence.

    Example:
        >>> x, p = torch.rand(1, 1, 5, 6), torch.rand(2, 1, 1, 5, 6)
        >>> bool(((gradient(x) * p).sum() - (x * gradient_transpose(p)).sum()).abs() < 1e-4)
        True
    """
    out = torch.zeros_like(p[0])
    out[..., 1:, :] += p[0, ..., :-1, :]
    out[..., :-1, :] -= p[0, ..., :-1, :]
    out[..., :, 1:] += p[1, ..., :, :-1]
    out[..., :, :-1] -= p[1, ..., :, :-1]
    return out


class Linear(NamedTuple):
    """A linear map L of images: L, its adjoint L^T, and an upper bound of ||L||^2."""

    forward: Denoise
    transpose: Denoise
    norm_squared: float


IDENTITY = Linear(lambda v: v, lambda v: v, 1.0)


class TotalVariation:
    """R(x) = sum of |gradient x| over pixels; isotropic, with coupled channels (one length per pixel).

    `linear` and `dual_prox` are for `solvers.primal_dual`, as in primal_dual(f, tv, x0, lam=1.0, linear=tv.linear).
    """

    linear = Linear(gradient, gradient_transpose, 8.0)

    def __init__(self, weight: float = 1.0, tol: float = 1e-4, max_iter: int = 200):
        self.weight, self.tol, self.max_iter = check_positive(weight, "weight"), tol, max_iter

    @staticmethod
    def length(p: Tensor) -> Tensor:
        """Length of the vectors p (2, B, C, H, W) at each pixel: (1, B, 1, H, W)."""
        return p.square().sum((0, 2), keepdim=True).sqrt()

    def __call__(self, z: Tensor) -> Tensor:
        """prox_R(z), the form in which R enters `admm`, `drs` and `primal_dual`."""
        return self.prox(z)

    def value(self, x: Tensor) -> float:
        """weight times the total variation of x (B, C, H, W)."""
        return self.weight * float(self.length(gradient(x)).double().sum())

    def dual_prox(self, q: Tensor, sigma: float) -> Tensor:
        """prox of sigma R* at q: projection of each vector into the ball of radius `weight`, whatever sigma is."""
        return q / (self.length(q) / self.weight).clamp_min(1)

    def prox(self, z: Tensor, weight: float = 1.0) -> Tensor:
        """argmin_v weight R(v) + ||v - z||^2 / 2 by accelerated projected gradient on the dual (Beck and Teboulle 2009b).

        An image stops once its duality gap is below `tol` times its primal value, or after `max_iter`.
        """
        check_positive(weight, "weight")
        radius = weight * self.weight
        p = r = torch.zeros_like(gradient(z))
        q, x = 1.0, z
        running = torch.ones(len(z), 1, 1, 1, dtype=torch.bool, device=z.device)
        for k in range(1, self.max_iter + 1):
            ahead = r + gradient(z - gradient_transpose(r)) / 8
            p, before = ahead / (self.length(ahead) / radius).clamp_min(1), p
            q, q_before = (1 + (1 + 4 * q * q) ** 0.5) / 2, q
            r = p + (q_before - 1) / q * (p - before)
            if k % 10 and k < self.max_iter:
                continue
            found = z - gradient_transpose(p)
            x = torch.where(running, found, x)
            running = running & (self._relative_gap(found, z, radius) > self.tol)
            if not bool(running.any()):
                break
        return x

    def _relative_gap(self, x: Tensor, z: Tensor, radius: float) -> Tensor:
        """The duality gap of the prox's problem at x, divided by its primal value, for each image (B, 1, 1, 1)."""

        def total(v: Tensor) -> Tensor:
            return v.double().flatten(1).sum(1)

        primal = radius * total(self.length(gradient(x))[0]) + 0.5 * total((x - z).square())
        dual = 0.5 * total(z.double().square()) - 0.5 * total(x.double().square())
        return ((primal - dual) / primal.clamp_min(1e-30)).reshape(-1, 1, 1, 1)


class WaveletL1:
    """R(x) = sum of |detail coefficients| of x in the orthonormal Haar basis; height and width multiples of 2^levels."""

    def __init__(self, weight: float = 1.0, levels: int = 3):
        self.weight, self.levels = check_positive(weight, "weight"), levels

    def transform(self, x: Tensor) -> list[Tensor]:
        """Haar coefficients: the coarse image, then (3, B, C, h, w) details from coarse to fine."""
        if x.shape[-2] % 2**self.levels or x.shape[-1] % 2**self.levels:
            raise ValueError(
                f"the image is {x.shape[-2]} x {x.shape[-1]}; wanted multiples of {2**self.levels} for {self.levels} levels."
            )
        details = []
        for _ in range(self.levels):
            a, b, c, d = x[..., ::2, ::2], x[..., ::2, 1::2], x[..., 1::2, ::2], x[..., 1::2, 1::2]
            details.append(torch.stack((a - b + c - d, a + b - c - d, a - b - c + d)) / 2)
            x = (a + b + c + d) / 2
        return [x, *reversed(details)]

    def inverse(self, coefficients: list[Tensor]) -> Tensor:
        """The image of `transform`'s coefficients."""
        x = coefficients[0]
        for h, v, d in (tuple(c) for c in coefficients[1:]):
            out = x.new_empty(*x.shape[:-2], 2 * x.shape[-2], 2 * x.shape[-1])
            out[..., ::2, ::2], out[..., ::2, 1::2] = (x + h + v + d) / 2, (x - h + v - d) / 2
            out[..., 1::2, ::2], out[..., 1::2, 1::2] = (x + h - v - d) / 2, (x - h - v + d) / 2
            x = out
        return x

    def __call__(self, z: Tensor) -> Tensor:
        """prox_R(z), the form in which R enters `admm`, `drs` and `primal_dual`."""
        return self.prox(z)

    def value(self, x: Tensor) -> float:
        """weight times the sum of absolute details."""
        return self.weight * sum(float(c.double().abs().sum()) for c in self.transform(x)[1:])

    def prox(self, z: Tensor, weight: float = 1.0) -> Tensor:
        """Soft thresholding of the details: exact, since the basis is orthonormal."""
        threshold = check_positive(weight, "weight") * self.weight
        coarse, *details = self.transform(z)
        return self.inverse([coarse, *(c.sign() * (c.abs() - threshold).clamp_min(0) for c in details)])


def conjugate(prox: Denoise) -> Callable[[Tensor, float], Tensor]:
    """prox_{sigma R*}(q) = q - sigma prox_{R/sigma}(q / sigma), Moreau's identity, from the prox of R.

    A denoiser, or a prox at one weight, is used at its own weight for every sigma; the result is exact for sigma = 1.
    """
    return lambda q, sigma: q - sigma * prox(q / sigma)
