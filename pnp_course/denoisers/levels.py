"""The noise levels that a denoiser is good for, found by measurement; a card states them as `sigma_range`.

The training noise is uniform in [0, sigma_max], so hardly any of it is weak, and photographs contain few of the
patterns
that are hard: a white spot on black, a fine checkerboard. For such a picture and a low noise level a network may return
values in the hundreds.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

EXCESS = 1.0  # a denoiser that leaves [0, 1] by more than its width misbehaves
MARGIN = 1.25  # between the highest level at which one misbehaved and the lowest allowed
STEPS_PER_OCTAVE = (
    4  # where it matters; elsewhere one is enough, since a denoiser that misbehaves does so at all levels below
)
LOWEST = 0.25 / 255  # the ladder of levels goes down to here, and then to 0
TOLERANCE = 1.05  # above the strongest noise of training, as cards speak for levels up to 1.05 beyond those measured
GRAY_FROM_COLOUR = 3**0.5  # what a colour denoiser is asked for, beyond the noise, where it denoises gray pictures


def hard_pictures(channels: int, size: int = 64) -> Tensor:
    """Pictures (B, C, size, size) of 0 and 1 that do not occur in photographs, and constant pictures."""
    yy, xx = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    generator = torch.Generator().manual_seed(0)
    spots = []
    for side in (1, 2, 3, 8):
        for shift in (0, 5):  # two places relative to the network's grid of 8 pixels
            spot = torch.zeros(size, size)
            spot[size // 2 + shift : size // 2 + shift + side, size // 2 + shift : size // 2 + shift + side] = 1
            spots.append(spot)
    checks = [((yy // period + xx // period) % 2).float() for period in (1, 2, 3, 4, 8)]
    stripes = [(xx // period % 2).float() for period in (1, 2, 3, 4, 8)]
    random = [(torch.rand(size, size, generator=generator) < share).float() for share in (0.02, 0.2, 0.5)]
    constants = [torch.full((size, size), value) for value in (0.0, 0.5, 1.0)]
    gray = torch.stack(
        [*spots, *(1 - s for s in spots), *checks, *stripes, *random, (xx >= size // 2).float(), *constants]
    )
    if channels == 1:
        return gray[:, None]
    coloured = torch.stack([*spots, *checks, *random])
    return torch.cat(
        (
            gray[:, None].expand(-1, 3, -1, -1),
            torch.stack((coloured, 1 - coloured, 1 - coloured), 1),  # red on cyan
            torch.stack((0 * coloured, 0 * coloured, coloured), 1),  # blue on black
        )
    )


def _ladder(high: float, low: float, steps: int) -> list[float]:
    """Levels from `high` down to `low`, `steps` for each factor of 2; the last one is `low` itself."""
    count = max(1, math.ceil(steps * math.log2(high / low) - 1e-9))
    return [high / 2 ** (k / steps) for k in range(count)] + [low]


@torch.no_grad()
def excess(net: nn.Module, pictures: Tensor, sigma: float, batch: int = 16) -> float:
    """How far D(x, sigma) leaves [0, 1] at the worst pixel of the worst picture (B, C, H, W)."""
    worst, device = 0.0, next(net.parameters(), torch.zeros(0)).device  # a denoiser may have no parameters
    for x in pictures.split(batch):
        out = net(x.to(device), sigma)
        worst = max(worst, float(torch.maximum(out - 1, -out).nan_to_num(nan=float("inf")).max()))
    return worst


def sigma_range(net: nn.Module, sigma_max: float, noise: str = "gaussian") -> tuple[float, float]:
    """The lowest and the highest noise level that a denoiser should be given, in units of intensity.

    The low end is MARGIN times the highest level of a ladder at which the result for some hard picture leaves [0, 1] by
    more than EXCESS, or 0 if there is no such level. The high end is the strongest noise of training times TOLERANCE,
    and times sqrt(3) for a colour denoiser of Gaussian noise, since `GrayFromColour` asks that much of it; the shipped
    ones follow the noise so far, decibels better than asked for the strongest they were trained on.

    Raises:
        ValueError: the denoiser misbehaves at a level from half the strongest training noise up.
    """
    pictures = hard_pictures(int(net.in_channels))  # type: ignore[arg-type]
    high = sigma_max * TOLERANCE
    if noise == "gaussian" and pictures.shape[1] == 3:
        high *= GRAY_FROM_COLOUR
    if noise != "gaussian":
        pictures = pictures.clamp_min(1e-3)  # multiplicative noise has positive pictures
    low, above = 0.0, high
    for level in [*_ladder(high, LOWEST, 1), 0.0]:
        if excess(net, pictures, level) > EXCESS:
            low = MARGIN * max(level, LOWEST)
            for finer in _ladder(above, level, STEPS_PER_OCTAVE)[1:-1] if level else []:
                if excess(net, pictures, finer) > EXCESS:
                    low = MARGIN * finer
                    break
            break
        above = level
    if low > sigma_max / 2:
        raise ValueError(
            f"at noise level {low / MARGIN:.3g} this denoiser leaves [0, 1] by more than {EXCESS} on a hard picture; wanted "
            f"one that behaves from {sigma_max / 2:.3g} up: train it longer."
        )
    return float(f"{low:.4g}"), float(f"{high:.4g}")
