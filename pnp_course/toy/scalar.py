"""Denoisers of one number, with exact value, derivative and potential, and with inverse, conjugate and line integral.

On the line every denoiser is conservative, and the prior of Theorem 2.2 can be computed in several independent ways.
`AveragedMixture` is the same in d dimensions, for Gaussian mixtures.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pnp_course.toy.mixture import GaussianMixture

Function = Callable[[Tensor], Tensor]
PEAKS = (0.2, 0.8)  # black and white, as in GaussianMixture.two_peaks


@dataclass(frozen=True)
class ScalarDenoiser:
    """A differentiable denoiser of numbers: `d` = D, its `derivative` J, and its `potential` psi, psi' = D.

    All three work elementwise on float64 tensors.
    """

    d: Function
    derivative: Function
    potential: Function

    def averaged(self, t: float) -> ScalarDenoiser:
        """D_t = t D + (1 - t) I, with its derivative and its potential."""
        return ScalarDenoiser(
            lambda z: t * self.d(z) + (1 - t) * z,
            lambda z: t * self.derivative(z) + (1 - t),
            lambda z: t * self.potential(z) + (1 - t) * z**2 / 2,
        )


def from_mixture(mixture: GaussianMixture, sigma: float) -> ScalarDenoiser:
    """The MMSE denoiser of a 1-D mixture; psi = z^2 / 2 + sigma^2 log p_sigma(z), by Tweedie's formula [A] (8)."""

    def flat(f: Callable[[Tensor, float], Tensor]) -> Function:
        return lambda z: f(z.reshape(-1, 1), sigma).reshape(z.shape)

    log_density = flat(mixture.log_density)
    return ScalarDenoiser(flat(mixture.mmse), flat(mixture.jacobian), lambda z: z**2 / 2 + sigma**2 * log_density(z))


def two_point_sigma(gamma: float) -> float:
    """The noise level at which the MMSE denoiser of `two_point` is gamma-cocoercive with no larger gamma."""
    return (PEAKS[1] - PEAKS[0]) / 2 * math.sqrt(gamma)


def two_point(gamma: float) -> ScalarDenoiser:
    """The MMSE denoiser of a prior with only two values, 0.2 and 0.8, which are equally likely.

    Its derivative takes the values in (0, 1 / gamma], the largest halfway between the two.
    """
    means = torch.tensor(PEAKS, dtype=torch.float64)[:, None]
    return from_mixture(GaussianMixture(torch.ones(2), means, torch.zeros(2, 1, 1)), two_point_sigma(gamma))


def wave(gamma: float, delta: float = 0.0, frequency: float = 20.0) -> ScalarDenoiser:
    """D(z) = a z + b sin(w z) / w, whose derivative a + b cos(w z) takes all values in [-delta, 1 / gamma]."""
    a, b, w = (1 / gamma - delta) / 2, (1 / gamma + delta) / 2, frequency
    return ScalarDenoiser(
        lambda z: a * z + b * torch.sin(w * z) / w,
        lambda z: a + b * torch.cos(w * z),
        lambda z: a * z**2 / 2 - b * torch.cos(w * z) / w**2,
    )


def invert(increasing: Function, u: Tensor, low: float = -50.0, high: float = 50.0, steps: int = 60) -> Tensor:
    """The z in [low, high] with increasing(z) = u, elementwise, by bisection.

    Raises:
        ValueError: some u is not between increasing(low) and increasing(high).
    """
    a, b = torch.full_like(u, low), torch.full_like(u, high)
    if not ((increasing(a) <= u) & (u <= increasing(b))).all():
        raise ValueError(f"some u is not a value of the function on [{low:g}, {high:g}]; wanted a wider interval.")
    for _ in range(steps):
        middle = (a + b) / 2
        above = increasing(middle) < u
        a, b = torch.where(above, middle, a), torch.where(above, b, middle)
    return (a + b) / 2


def conjugate(potential: Function, u: Tensor, low: float = -50.0, high: float = 50.0, steps: int = 120) -> Tensor:
    """psi*(u) = max of u z - psi(z) over z in [low, high], elementwise, by golden-section search; psi convex.

    It uses only values of psi, no derivative.
    """
    ratio = (math.sqrt(5) - 1) / 2
    a, b = torch.full_like(u, low), torch.full_like(u, high)
    for _ in range(steps):
        left, right = b - ratio * (b - a), a + ratio * (b - a)
        better = u * left - potential(left) > u * right - potential(right)
        a, b = torch.where(better, a, left), torch.where(better, right, b)
    z = (a + b) / 2
    return u * z - potential(z)


class AveragedMixture:
    """D_t = t D + (1 - t) I for the MMSE denoiser D of a mixture in d dimensions; points are (n, d)."""

    def __init__(self, mixture: GaussianMixture, sigma: float, t: float):
        self.mixture, self.sigma, self.t = mixture, sigma, t

    def d(self, z: Tensor) -> Tensor:
        """D_t(z), (n, d)."""
        return self.t * self.mixture.mmse(z, self.sigma) + (1 - self.t) * z

    def potential(self, z: Tensor) -> Tensor:
        """psi_t(z) = ||z||^2 / 2 + t sigma^2 log p_sigma(z), (n,)."""
        return z.square().sum(1) / 2 + self.t * self.sigma**2 * self.mixture.log_density(z, self.sigma)

    def prior(self, z: Tensor) -> Tensor:
        """F at D_t(z), (n,): -t sigma^2 log p_sigma(z) - ||z - D_t(z)||^2 / 2, [A] Proposition 3.1."""
        return z.square().sum(1) / 2 - self.potential(z) - (z - self.d(z)).square().sum(1) / 2


def line_integral(values: Tensor, points: Tensor) -> Tensor:
    """The running integral (n,) of <values, d points> along a path, both (n, d), from 0, by the trapezoidal rule."""
    pieces = ((values[1:] + values[:-1]) / 2 * points.diff(dim=0)).sum(1)
    return torch.cat((pieces.new_zeros(1), pieces.cumsum(0)))
