"""Linear inverse problems small enough to be solved exactly: matrices, spectra, errors of filters, iterations."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from pnp_course.operators import LinearOperator

Point = TypeVar("Point")


def matrix(operator: LinearOperator, side: int) -> Tensor:
    """The matrix of A on gray pictures of side x side pixels, (m, side^2), float64: column j is A of the j-th unit picture."""
    units = torch.eye(side**2, dtype=torch.float64).reshape(-1, 1, side, side)
    return operator(units).flatten(1).T


def transfer(operator: LinearOperator, height: int, width: int) -> Tensor:
    """k^ of a periodic blur: the DFT (height, width), complex, of the blurred picture of one bright point at (0, 0)."""
    point = torch.zeros(1, 1, height, width, dtype=torch.float64)
    point[..., 0, 0] = 1
    return torch.fft.fft2(operator(point))[0, 0]


def filter_error(s: Tensor, c: Tensor, nu: float, phi: Tensor) -> tuple[Tensor, Tensor]:
    """Squared bias sum (1 - phi_i)^2 c_i^2 and variance nu^2 sum phi_i^2 / s_i^2 of a filter of the singular values.

    Args:
        s: singular values > 0, (n,). c: |<v_i, x>|, (n,). nu: std of the white noise.
        phi: factors (..., n), a filter per row.

    Returns:
        Two tensors (...,), whose sum is E ||x^ - x||^2.
    """
    return ((1 - phi) * c).square().sum(-1), nu**2 * (phi / s).square().sum(-1)


def kl(a: Tensor, b: Tensor) -> float:
    """Kullback-Leibler divergence sum a log(a / b) - a + b, for a >= 0, b >= 0, with 0 log 0 = 0."""
    terms = torch.xlogy(a, a) - torch.xlogy(a, b) - a + b
    return float(terms.sum())


def orbit(step: Callable[[Point], Point], start: Point, count: int) -> list[Point]:
    """start, step(start), step(step(start)), ...: count + 1 points."""
    points = [start]
    for _ in range(count):
        points.append(step(points[-1]))
    return points
