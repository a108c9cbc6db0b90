"""DnCNN (Zhang et al. 2017) and FFDNet (Zhang et al. 2018): plain stacks of convolutions.

Parameter names are those of the published checkpoints without batch normalisation (it is folded into the convolutions
there): `model.0.weight`, `model.0.bias`, `model.2.weight`, ...
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pnp_course._checks import check_level, check_precision, check_shape
from pnp_course.denoisers.base import sigma_per_image


def convolutions(n_in: int, n_out: int, width: int, depth: int) -> nn.Sequential:
    """`depth` convolutions 3 x 3 with bias, ReLU between them."""
    widths = [n_in, *([width] * (depth - 1)), n_out]
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [nn.Conv2d(a, b, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class DnCNN(nn.Module):
    """Blind denoiser D(x, sigma) = x - R(x) for images of any size. It ignores sigma: the network sees the noise itself.

    Args:
        in_channels: 1 or 3.
        width, depth: 64 and 17 (20 for the blind models) in the published networks.

    Source: Zhang et al., "Beyond a Gaussian Denoiser", 2017.
    """

    piecewise_linear = True  # ReLU is its only nonlinearity
    sigma_range: tuple[float, float] | None = None  # as in DRUNet

    def __init__(self, in_channels: int = 3, width: int = 64, depth: int = 20):
        super().__init__()
        self.in_channels = in_channels
        self.config = {"in_channels": in_channels, "width": width, "depth": depth}
        self.model = convolutions(in_channels, in_channels, width, depth)

    def forward(self, x: Tensor, sigma: float | Tensor = 0.0) -> Tensor:
        """Denoise x (B, C, H, W)."""
        check_precision(check_shape(x, self.in_channels), self.model[0].weight)  # type: ignore[arg-type]
        check_level(sigma, None if self.training else self.sigma_range)
        return x - self.model(x)


class FFDNet(nn.Module):
    """Denoiser D(x, sigma) that works on the four half-size subimages, with the noise level as an extra channel.

    Odd sizes are continued by a constant, as in DRUNet, so that the Jacobian stays a compression of the network's.

    Args:
        in_channels: 1 or 3.
        width, depth: 64 and 15 (gray), 96 and 12 (colour) in the published networks.
        pad_value: the constant.

    Source: Zhang et al., "FFDNet: Toward a Fast and Flexible Solution for CNN-Based Image Denoising", 2018.
    """

    piecewise_linear = True  # ReLU is its only nonlinearity
    sigma_range: tuple[float, float] | None = None  # as in DRUNet

    def __init__(self, in_channels: int = 3, width: int = 96, depth: int = 12, pad_value: float = 0.5):
        super().__init__()
        self.in_channels, self.pad_value = in_channels, pad_value
        self.config = {"in_channels": in_channels, "width": width, "depth": depth, "pad_value": pad_value}
        self.model = convolutions(4 * in_channels + 1, 4 * in_channels, width, depth)

    def forward(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Denoise x (B, C, H, W) at strength sigma (float or (B,), intensity units)."""
        check_precision(check_shape(x, self.in_channels), self.model[0].weight)  # type: ignore[arg-type]
        check_level(sigma, None if self.training else self.sigma_range)
        height, width = x.shape[-2:]
        x = F.pad(x, (0, width % 2, 0, height % 2), value=self.pad_value)
        small = F.pixel_unshuffle(x, 2)  # (B, 4 C, H/2, W/2)
        noise_map = sigma_per_image(sigma, x).expand(-1, 1, *small.shape[-2:])
        out = F.pixel_shuffle(self.model(torch.cat((small, noise_map), dim=1)), 2)
        return out[..., :height, :width]
