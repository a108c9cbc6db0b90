"""Mask: some pixels are seen and others are not (inpainting), or each pixel has a weight."""

from __future__ import annotations

import torch
from torch import Tensor

from pnp_course._checks import check_count, check_finite, check_shape, check_weight
from pnp_course.operators.base import LinearOperator, Weight


class Mask(LinearOperator):
    """A x = m x, pixel by pixel.

    Args:
        mask: weights, mostly 0 and 1, of a shape that broadcasts to the images: (H, W), (1, H, W), (C, H, W) or
            (B, C, H, W).

    Raises:
        ValueError: the mask is not finite, or (when it is used) not of the size of the image.
    """

    def __init__(self, mask: Tensor):
        if not isinstance(mask, Tensor) or not 2 <= mask.ndim <= 4:
            what = f"shape {tuple(mask.shape)}" if isinstance(mask, Tensor) else f"type {type(mask).__name__}"
            raise ValueError(f"mask has {what}; wanted a tensor of shape (H, W), (C, H, W) or (B, C, H, W).")
        self.mask = check_finite(mask.double(), "mask")

    def _like(self, x: Tensor) -> Tensor:
        check_shape(x)
        try:
            same = torch.broadcast_shapes(self.mask.shape, x.shape) == x.shape
        except RuntimeError:
            same = False
        if not same:
            raise ValueError(
                f"mask has shape {tuple(self.mask.shape)} and the image {tuple(x.shape)}; they must agree in height and "
                "width, and in channels where the mask has any."
            )
        return self.mask.to(x)

    def __call__(self, x: Tensor) -> Tensor:
        return self._like(x) * x

    def adjoint(self, y: Tensor) -> Tensor:
        return self._like(y) * y

    def solve(self, z: Tensor, c: Weight, start: Tensor | None = None) -> Tensor:
        return z / (1 + check_weight(c, z, "c") * self._like(z).square())

    def solve_data(self, s: Tensor, c: Weight, start: Tensor | None = None) -> Tensor:
        return self.solve(s, c)

    def norm(self, x: Tensor, tol: float = 1e-4, max_iter: int = 500) -> float:
        """||A||_* = max |m|, exact."""
        return float(self._like(x).abs().max())


def random_mask(height: int, width: int, kept: float, generator: torch.Generator) -> Tensor:
    """A mask (height, width) of 0 and 1 that keeps each pixel with probability `kept`, 0 < kept <= 1."""
    height, width = check_count(height, "height"), check_count(width, "width")
    if not 0 < kept <= 1:
        raise ValueError(f"kept is {kept}; wanted the share of pixels seen, 0 < kept <= 1.")
    return (torch.rand(height, width, generator=generator) < kept).float()
