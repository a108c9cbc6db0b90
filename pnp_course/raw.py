"""Pictures as a sensor sees them: linear light through a Bayer filter, counted and read out, and what a converter does next.

Intensity 1 is where the sensor is full. The black level is taken to be subtracted, so that values may be negative, and
white balance and colour matrix to be 1. Files keep pictures in sRGB, whose values are no light: `to_linear` and `to_srgb`
go there and back.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from pnp_course._checks import check_image
from pnp_course.camera_noise import expose
from pnp_course.noise_level import CameraNoise, camera_noise
from pnp_course.operators import Bayer

WHITE = 1.0  # where the sensor clips
QUANTILE = (
    0.2  # of `camera_noise`: quarter pictures are coarse, and so full of texture; chosen on photographs of BSD400
)
# the filters of Malvar, He and Cutler, in sixteenths: green at red and blue; a colour at a green whose row has it; at a green
# whose column has it (the transpose); red at blue, and blue at red
_GREEN = [[0, 0, -2, 0, 0], [0, 0, 4, 0, 0], [-2, 4, 8, 4, -2], [0, 0, 4, 0, 0], [0, 0, -2, 0, 0]]
_ROW = [[0, 0, 1, 0, 0], [0, -2, 0, -2, 0], [-2, 8, 10, 8, -2], [0, -2, 0, -2, 0], [0, 0, 1, 0, 0]]
_ACROSS = [[0, 0, -3, 0, 0], [0, 4, 0, 4, 0], [-3, 0, 12, 0, -3], [0, 4, 0, 4, 0], [0, 0, -3, 0, 0]]


def to_linear(x: Tensor) -> Tensor:
    """Linear light of sRGB values of any shape: x / 12.92 up to 0.04045, then ((x + 0.055) / 1.055)^2.4 (IEC 61966-2-1)."""
    return torch.where(x <= 0.04045, x / 12.92, ((x.clamp_min(0) + 0.055) / 1.055) ** 2.4)


def to_srgb(light: Tensor) -> Tensor:
    """sRGB values of linear light of any shape, the inverse of `to_linear`; light below 0 becomes 0, above 1 becomes 1."""
    light = light.clamp(0, 1)
    return torch.where(light <= 0.0031308, 12.92 * light, 1.055 * light.clamp_min(1e-9) ** (1 / 2.4) - 0.055)


def expose_raw(light: Tensor, operator: Bayer, gain: float, read_out: float, generator: torch.Generator) -> Tensor:
    """What the sensor stores of linear light (B, 3, H, W): gain Poisson(A x / gain) + read_out n, cut off at 1.

    Returns:
        (B, 1, H, W); values may be negative, since read-out noise is, and none is above 1.

    Raises:
        ValueError: light has negative intensities, or gain or read_out is out of its range.
    """
    return expose(operator.raw(check_image(light, "light", 3)), gain, read_out, generator).clamp_max(WHITE)


def raw_noise(raw: Tensor) -> CameraNoise:
    """Gain and read-out noise of one raw picture (1, 1, H, W), from its four quarter pictures of one colour filter each.

    Side by side, pixels of different colours would look like texture.

    Raises:
        ValueError: raw is not (1, 1, H, W), or too few patches without a clipped pixel are left.
    """
    raw = check_image(raw, "raw", 1)
    even = raw[..., : raw.shape[-2] // 2 * 2, : raw.shape[-1] // 2 * 2]
    if even.numel() == 0:
        raise ValueError(f"raw has {raw.shape[-2]} x {raw.shape[-1]} pixels; wanted at least 2 x 2.")
    return camera_noise(F.pixel_unshuffle(even, 2), white=WHITE, quantile=QUANTILE)


def bilinear(planes: Tensor, operator: Bayer) -> Tensor:
    """Each missing value as the mean of its nearest neighbours of that colour, two or four; planes (B, 3, H, W).

    At the border the mean is over those inside the picture.
    """
    kernel = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]).to(planes)
    seen = operator(torch.ones_like(check_image(planes, "planes", 3)))

    def spread(x: Tensor) -> Tensor:
        return F.conv2d(x, kernel.expand(3, 1, 3, 3), padding=1, groups=3)

    near = torch.tensor([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]]).to(planes)
    green = F.conv2d(torch.cat([planes[:, 1:2], seen[:, 1:2]]), near[None, None], padding=1)
    filled = spread(planes) / spread(seen).clamp_min(1e-9)
    filled[:, 1:2] = green[: len(planes)] / green[len(planes) :].clamp_min(1e-9)
    return torch.where(seen > 0, planes, filled)


def malvar(planes: Tensor, operator: Bayer) -> Tensor:
    """Linear interpolation that corrects each colour by the second differences of the colour seen; planes (B, 3, H, W).

    Five by five pixels, the border mirrored. Source: Malvar, He and Cutler, "High-quality linear interpolation for
    demosaicing of Bayer-patterned color images", 2004.
    """
    raw = operator.raw(check_image(planes, "planes", 3))
    if min(raw.shape[-2:]) < 3:
        raise ValueError(f"the picture has {raw.shape[-2]} x {raw.shape[-1]} pixels; wanted at least 3 x 3.")
    filters = torch.tensor([_GREEN, _ROW, list(zip(*_ROW, strict=True)), _ACROSS]).to(planes)[:, None] / 16
    green, row, column, across = F.conv2d(F.pad(raw, (2, 2, 2, 2), mode="reflect"), filters).split(1, dim=1)
    red, _, blue = operator(torch.ones_like(planes)).split(1, dim=1)
    has_red, has_blue = (m.amax(-1, keepdim=True) for m in (red, blue))  # of rows
    out = torch.cat([
        torch.where(blue > 0, across, torch.where(has_red > 0, row, column)), green,
        torch.where(red > 0, across, torch.where(has_blue > 0, row, column)),
    ], 1)  # fmt: skip
    return torch.where(operator(torch.ones_like(planes)) > 0, planes, out)
