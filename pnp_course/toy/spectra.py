"""Matrices with a known spectrum, as the linear maps that the Jacobian tools take, and small Jacobians as matrices."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pnp_course.jacobian import LinearMap, linearize


def as_map(matrix: Tensor, normal: bool = False) -> LinearMap:
    """A matrix (n, n) as a `LinearMap` on vectors (B, 1, 1, n)."""
    return LinearMap(lambda v: v @ matrix.T, lambda w: w @ matrix, normal=normal)


def with_spectrum(s: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A random matrix with the singular values s (n,), and its right singular vectors as columns, both (n, n) float64."""
    left, right = (
        torch.linalg.qr(torch.randn(len(s), len(s), dtype=torch.float64, generator=generator))[0] for _ in range(2)
    )
    return left @ s.diag() @ right.T, right


def whole_jacobian(net: nn.Module, x: Tensor, sigma: float) -> Tensor:
    """The Jacobian of D(., sigma) at one small image x (1, C, H, W), (n, n) float64, n = C H W.

    It takes one batch of n copies of x, each multiplied by another unit vector, so n may be up to about a thousand.
    """
    n = x[0].numel()
    units = torch.eye(n, dtype=x.dtype).reshape(n, *x.shape[1:])
    return linearize(net, x.expand(n, -1, -1, -1), sigma).j(units).flatten(1).T.double()
