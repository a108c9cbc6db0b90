"""Random training patches that are cut from a list of photographs."""

from __future__ import annotations

import torch
from torch import Tensor


class Patches:
    """Random square crops, flipped and turned, from 8-bit images (C, H, W) held in memory.

    Args:
        images: uint8 tensors (C, H, W), each at least `size` wide and high.
        size: side of a patch, pixels.
        generator: the only source of randomness.
    """

    def __init__(self, images: list[Tensor], size: int, generator: torch.Generator):
        if not images:
            raise ValueError("there are no training images; wanted at least one photograph.")
        small = min(min(im.shape[-2:]) for im in images)
        if small < size:
            raise ValueError(f"a training image is only {small} pixels wide or high; wanted at least {size}.")
        self.images, self.size, self.generator = images, size, generator

    def _randint(self, high: int) -> int:
        return int(torch.randint(high, (), generator=self.generator))

    def one(self) -> Tensor:
        """One patch (C, size, size), float32 in [0, 1]."""
        image = self.images[self._randint(len(self.images))]
        top = self._randint(image.shape[-2] - self.size + 1)
        left = self._randint(image.shape[-1] - self.size + 1)
        patch = image[:, top : top + self.size, left : left + self.size].float() / 255
        if self._randint(2):
            patch = patch.flip(-1)
        return torch.rot90(patch, self._randint(4), (-2, -1))

    def batch(self, n: int) -> Tensor:
        """n patches (n, C, size, size)."""
        return torch.stack([self.one() for _ in range(n)])
