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
        drawn: the share of patches that are drawn patterns in two colours, see `pattern`, and not photographs.
    """

    def __init__(self, images: list[Tensor], size: int, generator: torch.Generator, drawn: float = 0.0):
        if not images:
            raise ValueError("there are no training images; wanted at least one photograph.")
        small = min(min(im.shape[-2:]) for im in images)
        if small < size:
            raise ValueError(f"a training image is only {small} pixels wide or high; wanted at least {size}.")
        self.images, self.size, self.generator, self.drawn = images, size, generator, drawn

    def _randint(self, high: int) -> int:
        return int(torch.randint(high, (), generator=self.generator))

    def one(self) -> Tensor:
        """One patch (C, size, size), float32 in [0, 1]."""
        if self.drawn and float(torch.rand((), generator=self.generator)) < self.drawn:
            return pattern(self.images[0].shape[0], self.size, self.generator)
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


def pattern(channels: int, size: int, generator: torch.Generator) -> Tensor:
    """A picture (channels, size, size) of two random colours, often black and white: spots, checks or stripes, or dots.

    Photographs hold hardly any such patterns, and a network that never saw one may answer with values far outside
    [0, 1] where there is little noise.
    """

    def whole(low: int, high: int) -> int:
        return low + int(torch.randint(high - low, (), generator=generator))

    yy, xx = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    kind, period = whole(0, 4), whole(1, 9)
    if kind == 0:
        mask = torch.zeros(size, size)
        for _ in range(whole(1, 9)):
            side, top, left = whole(1, 9), whole(0, size), whole(0, size)
            mask[top : top + side, left : left + side] = 1
    elif kind == 1:
        mask = ((yy // period + xx // period) % 2).float()
    elif kind == 2:
        mask = (xx // period % 2).float()
    else:
        mask = (torch.rand(size, size, generator=generator) < float(torch.rand((), generator=generator))).float()
    colours = torch.rand(2, channels, 1, 1, generator=generator)
    if whole(0, 2):
        colours = colours.round()
    patch = colours[0] + (colours[1] - colours[0]) * mask
    return torch.rot90(patch, whole(0, 4), (-2, -1))
