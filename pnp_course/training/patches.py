"""Random training patches, cut from photographs, made noisy, and all of it on the device that trains."""

from __future__ import annotations

import torch
from torch import Tensor

from pnp_course.training.corruption import DARKEST, WEAKEST


class Patches:
    """Random square crops, flipped and turned, from 8-bit images (C, H, W) held on the device of the generator.

    A batch is one look-up: the images lie one after the other in one tensor, and every pixel of every patch has a place
    in it. So nothing waits for the processor, and the photographs travel to a GPU only once.

    Args:
        images: uint8 tensors (C, H, W), each at least `size` wide and high.
        size: side of a patch, pixels.
        generator: the only source of randomness; where it is, patches are made.
        drawn: the share of patches that are drawn patterns in two colours, see `patterns`, and not photographs.
    """

    def __init__(self, images: list[Tensor], size: int, generator: torch.Generator, drawn: float = 0.0):
        if not images:
            raise ValueError("there are no training images; wanted at least one photograph.")
        small = min(min(im.shape[-2:]) for im in images)
        if small < size:
            raise ValueError(f"a training image is only {small} pixels wide or high; wanted at least {size}.")
        self.size, self.generator, self.drawn = size, generator, drawn
        device = generator.device
        self.pixels = torch.cat([im.flatten(1) for im in images], 1).to(device)  # (C, all pixels of all images)
        heights, widths = (torch.tensor([im.shape[k] for im in images]) for k in (-2, -1))
        begin = (heights * widths).cumsum(0) - heights * widths
        self.heights, self.widths, self.begin = (v.to(device) for v in (heights, widths, begin))

    def batch(self, n: int) -> Tensor:
        """n patches (n, C, size, size), float32 in [0, 1], in channels_last format."""
        draws = torch.rand(6, n, generator=self.generator, device=self.generator.device)
        which = whole(draws[0], len(self.begin))
        top = whole(draws[1], self.heights[which] - self.size + 1)
        left = whole(draws[2], self.widths[which] - self.size + 1)
        row, column = turned(draws[3:] < 0.5, self.size)
        begin, width = _square(self.begin[which]), _square(self.widths[which])
        place = begin + (_square(top) + row) * width + _square(left) + column
        photographs = self.pixels[:, place].transpose(0, 1).contiguous(memory_format=torch.channels_last).float() / 255
        if not self.drawn:
            return photographs
        chosen = torch.rand(n, generator=self.generator, device=self.generator.device) < self.drawn
        pictures = patterns(n, len(self.pixels), self.size, self.generator)
        return torch.where(chosen[:, None, None, None], pictures, photographs)


def noisy_batch(patches: Patches, n: int, noise: str, sigma_max: float) -> tuple[Tensor, Tensor, Tensor]:
    """n clean patches, the same with noise (n, C, size, size), and the noise levels (n,), uniform in [0, sigma_max].

    Args:
        noise: one of the kinds of `corruption`, which has the same for other images than patches; here everything is
            drawn on the generator's device.
    """
    generator, clean = patches.generator, patches.batch(n)
    level = sigma_max * torch.rand(n, generator=generator, device=generator.device)
    if noise in WEAKEST:
        level = level.clamp_min(WEAKEST[noise])
    if noise in DARKEST:
        clean = clean.clamp_min(DARKEST[noise])
    if noise == "poisson":
        peak = level[:, None, None, None] ** -2
        return clean, torch.poisson(peak * clean, generator=generator) / peak, level
    if noise == "inverse gamma":
        gamma = 1 / level[:, None, None, None]
        drawn = torch._standard_gamma((gamma - 1).expand(clean.shape).contiguous(), generator=generator)
        return clean, gamma * clean / drawn, level
    white = torch.randn(clean.shape, generator=generator, device=generator.device)
    noisy = clean + level[:, None, None, None] * white
    return clean, noisy.contiguous(memory_format=torch.channels_last), level


def whole(uniform: Tensor, below: int | Tensor) -> Tensor:
    """Whole numbers 0, ..., below - 1 from numbers that are uniform in [0, 1); the bias is below 2^-24 `below`."""
    return (uniform * below).long().clamp_max(below - 1)  # a product can round up to `below`


def turned(coins: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Row and column (n, size, size) at which a square is read so that it appears in one of its eight positions.

    coins: (3, n), whether the square n is transposed, turned upside down, and mirrored.
    """
    line = torch.arange(size, device=coins.device)
    row, column = (v.expand(size, size) for v in (line[:, None], line))
    swapped, upside_down, mirrored = (_square(coin) for coin in coins)
    first, second = torch.where(swapped, column, row), torch.where(swapped, row, column)
    return torch.where(upside_down, size - 1 - first, first), torch.where(mirrored, size - 1 - second, second)


def _square(v: Tensor) -> Tensor:
    """One number for each of n squares (n, size, size)."""
    return v[:, None, None]


def patterns(n: int, channels: int, size: int, generator: torch.Generator) -> Tensor:
    """n pictures (n, channels, size, size), each of two random colours, often black and white: spots, checks, stripes, dots.

    Photographs hold hardly any such patterns, and a network that never saw one may answer with values far outside
    [0, 1] where there is little noise.
    """
    device = generator.device
    line, each = torch.arange(size, device=device), torch.arange(n, device=device)

    def draw(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, device=device)

    period = _square(1 + whole(draw(n), 8))
    checks = (line[:, None] // period + line // period) % 2 == 1
    stripes = (line // period % 2 == 1).expand(-1, size, -1)
    dots = draw(n, size, size) < _square(draw(n))
    spots = _spots(draw(3, n, 8), 1 + whole(draw(n), 8), size)
    mask = torch.stack((spots, checks, stripes, dots))[whole(draw(n), 4), each]
    row, column = turned(draw(3, n) < 0.5, size)
    mask = mask[_square(each), row, column]
    colours = draw(2, n, channels, 1, 1)
    colours = torch.where(draw(n, 1, 1, 1) < 0.5, colours.round(), colours)
    return torch.where(mask[:, None], colours[1], colours[0])


def _spots(draws: Tensor, count: Tensor, size: int) -> Tensor:
    """Up to eight squares of up to eight pixels in each of n pictures (n, size, size); draws (3, n, 8), count (n,)."""
    line = torch.arange(size, device=draws.device)
    side, top, left = (whole(uniform, below)[:, :, None] for uniform, below in zip(draws, (8, size, size), strict=True))
    rows = (line >= top) & (line <= top + side)  # (n, 8, size)
    columns = (line >= left) & (line <= left + side)
    shown = torch.arange(8, device=draws.device) < count[:, None]
    return (rows[..., :, None] & columns[..., None, :] & shown[..., None, None]).any(1)
