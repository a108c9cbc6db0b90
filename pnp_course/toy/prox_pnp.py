"""The line for Prox-PnP: linear denoisers D(x) = d x, for which every algorithm has a factor, and exact borders.

Source: `pp-line` in book/theory/prox_pnp.md. The fidelity is f(x) = ||x||^2 / 2, so that the weight lam is beta = lam L_f.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from pnp_course.denoisers import WithPotential
from pnp_course.fidelities import Gaussian
from pnp_course.operators import Identity
from pnp_course.solvers.iterate import Iterate, StepSizeWarning

Run = Callable[..., Iterator[Iterate]]


def linear(slope: float) -> WithPotential:
    """D(x) = slope x with its potential g(x) = (1 - slope) ||x||^2 / 2; slope = 1 + l, or 1 - M."""

    def pair(x: Tensor) -> tuple[Tensor, Tensor]:
        return slope * x, 0.5 * (1 - slope) * x.flatten(1).square().sum(1)

    return WithPotential(pair)


def origin() -> Gaussian:
    """f(x) = x^2 / 2 for one pixel: L_f = 1."""
    return Gaussian(Identity(), torch.zeros(1, 1, 1, 1, dtype=torch.float64))


def one_pixel(value: float) -> Tensor:
    """A picture of one pixel, float64."""
    return torch.full((1, 1, 1, 1), value, dtype=torch.float64)


def trace(solver: Run, slope: float, count: int, start: float = 1.0, **parameters: float) -> list[Iterate]:
    """The first `count` iterates of a solver on the line; warnings of long steps are silenced, since that is the point."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StepSizeWarning)
        run = solver(origin(), linear(slope), one_pixel(start), **parameters)
    return list(itertools.islice(run, count))


def relaxed_radius(beta: float, slope: float, alpha: float) -> float:
    """Spectral radius of the matrix of relaxed PGD, (x, y) -> (x_+, y_+): below 1 if and only if it converges."""
    a, b = slope * (1 - alpha * beta), -slope * beta * (1 - alpha)
    matrix = torch.tensor([[a, b], [alpha * a, 1 - alpha + alpha * b]], dtype=torch.float64)
    return float(torch.linalg.eigvals(matrix).abs().max())


def drs_factor(beta: float, slope: float) -> float:
    """x_{k+1} / x_k of Douglas-Rachford splitting, in either order."""
    return (slope - beta * (slope - 1)) / (1 + beta)


def relaxed_energy(y: list[float], weight: float, slope: float, alpha: float) -> list[float]:
    """E_k = F(y_k) + (alpha/2) (1/alpha - 1)^2 (y_k - y_{k-1})^2 for y_0, y_1, ..., with F(u) = (weight - r) u^2 / 2."""
    bend, factor = weight + 1 / slope - 1, alpha / 2 * (1 / alpha - 1) ** 2
    before = [y[0], *y[:-1]]
    return [bend / 2 * v**2 + factor * (v - u) ** 2 for u, v in zip(before, y, strict=True)]
