"""Bayer: a sensor whose pixels each see one colour, through a filter that repeats every two rows and columns."""

from __future__ import annotations

import torch
from torch import Tensor

from pnp_course._checks import check_count, check_shape
from pnp_course.operators.mask import Mask

PATTERNS = ("RGGB", "BGGR", "GRBG", "GBRG")  # the colours of the first two pixels of row 0, then of row 1


def bayer_mask(height: int, width: int, pattern: str = "RGGB") -> Tensor:
    """A mask (3, height, width) that is 1 where a pixel sees this colour: every pixel sees one, and half of them green.

    Raises:
        ValueError: the pattern is none of `PATTERNS`, or a side is not a whole number >= 1.
    """
    height, width = check_count(height, "height"), check_count(width, "width")
    if pattern not in PATTERNS:
        raise ValueError(f"pattern is {pattern!r}; wanted one of {', '.join(PATTERNS)}.")
    mask = torch.zeros(3, height, width)
    for k, colour in enumerate(pattern):
        mask["RGB".index(colour), k // 2 :: 2, k % 2 :: 2] = 1
    return mask


class Bayer(Mask):
    """A x = m x with the mask of a colour filter, for colour pictures (B, 3, H, W): A = A^T = A^T A.

    A sensor stores one number a pixel. `planes` writes them into the space of A x, whose other values are 0, and `raw`
    collects them. Source of the pattern: B. E. Bayer, "Color imaging array", US patent 3971065, 1976.

    Args:
        height, width: of the pictures, in pixels.
        pattern: "RGGB", "BGGR", "GRBG" or "GBRG".

    Example:
        >>> A = Bayer(4, 6)
        >>> A.raw(A(torch.ones(1, 3, 4, 6))).sum()
        tensor(24.)
    """

    def __init__(self, height: int, width: int, pattern: str = "RGGB"):
        super().__init__(bayer_mask(height, width, pattern))
        self.pattern = pattern

    def raw(self, planes: Tensor) -> Tensor:
        """The one value that each pixel sees, (B, 1, H, W), of planes or of a picture (B, 3, H, W)."""
        return self(check_shape(planes, 3, "planes")).sum(1, keepdim=True)

    def planes(self, raw: Tensor) -> Tensor:
        """What a sensor stores, (B, 1, H, W), each value in the plane of its colour, (B, 3, H, W)."""
        return self(check_shape(raw, 1, "raw").expand(-1, 3, -1, -1))
