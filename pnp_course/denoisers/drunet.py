"""DRUNet (Zhang et al. 2021): a bias-free residual U-Net that takes the noise level as a constant extra channel.

[B] trains it as it is, [A] differentiates it. Parameter names are those of the published checkpoints
(`m_head`, `m_down1`, ..., `m_tail`), so official weights load strictly.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pnp_course._checks import check_level, check_precision, check_shape
from pnp_course.denoisers.base import sigma_per_image


class Softplus(nn.Module):
    """log(1 + exp(100 x)) / 100 elementwise, evaluated at max(x, -0.8).

    Below -0.8 the value is 0 up to 1e-36, and the exponential would underflow into denormal numbers, which made the
    evaluation five times slower.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as x."""
        return F.softplus(x.clamp_min(-0.8), beta=100)


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    # in place, its backward pass takes the slope from the result, and that is 0 where exp(x) is a denormal number and
    # slow: gradient steps are up to a quarter faster
    "elu": partial(nn.ELU, inplace=True),
    "softplus": Softplus,
}


class ResidualBlock(nn.Module):
    """x + conv(activation(conv(x))), 3 x 3, no bias."""

    def __init__(self, channels: int, activation: str):
        super().__init__()
        self.res = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            ACTIVATIONS[activation](),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to the same shape."""
        return x + self.res(x)


class DRUNet(nn.Module):
    """Denoiser D(x, sigma) for images (B, `in_channels`, H, W) of any size.

    Args:
        in_channels: 1 (gray) or 3 (colour).
        widths: channels at the four scales; (64, 128, 256, 512) is the published network.
        blocks: residual blocks per scale; 4 in DRUNet, 2 in the lighter GS-DRUNet of [A].
        activation: "relu" (DRUNet, CoCo), "elu" (gradient step) or "softplus" (Prox). The last two are
            differentiable with Lipschitz gradient, as [A] needs.
        pad_value: the constant that fills images up to a multiple of 8 (see `forward`).

    `sigma_range` holds the noise levels that it is good for, where they are known; in eval mode `forward` refuses
    others.

    Source: Zhang et al., "Plug-and-Play Image Restoration with Deep Denoiser Prior", 2021, section 3; [B] section 5.
    """

    sigma_range: tuple[float, float] | None = None

    def __init__(
        self,
        in_channels: int = 3,
        widths: tuple[int, int, int, int] = (64, 128, 256, 512),
        blocks: int = 4,
        activation: str = "relu",
        pad_value: float = 0.5,
    ):
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation is {activation!r}; wanted one of {', '.join(ACTIVATIONS)}.")
        self.in_channels, self.pad_value = in_channels, pad_value
        self.piecewise_linear = activation == "relu"
        self.config = {
            "in_channels": in_channels,
            "widths": list(widths),
            "blocks": blocks,
            "activation": activation,
            "pad_value": pad_value,
        }
        n1, n2, n3, n4 = widths

        def body(n: int) -> list[nn.Module]:
            return [ResidualBlock(n, activation) for _ in range(blocks)]

        def down(n_in: int, n_out: int) -> nn.Sequential:
            return nn.Sequential(*body(n_in), nn.Conv2d(n_in, n_out, 2, stride=2, bias=False))

        def up(n_in: int, n_out: int) -> nn.Sequential:
            return nn.Sequential(nn.ConvTranspose2d(n_in, n_out, 2, stride=2, bias=False), *body(n_out))

        self.m_head = nn.Conv2d(in_channels + 1, n1, 3, padding=1, bias=False)
        self.m_down1, self.m_down2, self.m_down3 = down(n1, n2), down(n2, n3), down(n3, n4)
        self.m_body = nn.Sequential(*body(n4))
        self.m_up3, self.m_up2, self.m_up1 = up(n4, n3), up(n3, n2), up(n2, n1)
        self.m_tail = nn.Conv2d(n1, in_channels, 3, padding=1, bias=False)

    def forward(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Denoise `x` (B, C, H, W), intensities in [0, 1], at strength `sigma` (float or (B,), in the same units).

        Images whose sizes are not multiples of 8 are padded with a constant, and the result is cropped. With E the
        embedding into the larger frame the Jacobian is then E^T J E, a compression of the network's: it is symmetric
        when J is, and cocoercive with the same constant (`book/theory`, padding lemma). Reflection would lose both.
        """
        check_precision(check_shape(x, self.in_channels), self.m_head.weight)
        check_level(sigma, None if self.training else self.sigma_range)
        height, width = x.shape[-2:]
        noise_map = sigma_per_image(sigma, x).expand(-1, 1, height, width)
        pad_h, pad_w = -height % 8, -width % 8
        if pad_h or pad_w:
            x = F.pad(x, (0, pad_w, 0, pad_h), value=self.pad_value)
            noise_map = F.pad(noise_map, (0, pad_w, 0, pad_h), mode="replicate")
        out = self.network(torch.cat((x, noise_map), dim=1))
        return out[..., :height, :width]

    def network(self, x: Tensor) -> Tensor:
        """The bare U-Net on (B, C + 1, H, W), H and W multiples of 8; the last channel is the noise map."""
        x1 = self.m_head(x)  # (B, n1, H, W)
        x2 = self.m_down1(x1)  # (B, n2, H/2, W/2)
        x3 = self.m_down2(x2)  # (B, n3, H/4, W/4)
        x4 = self.m_down3(x3)  # (B, n4, H/8, W/8)
        z = self.m_up3(self.m_body(x4) + x4)
        z = self.m_up2(z + x3)
        z = self.m_up1(z + x2)
        return self.m_tail(z + x1)


class ResidualUNet(DRUNet):
    """x + DRUNet(x, level): a U-Net that corrects what it is given, such as a reconstruction with streaks.

    It is no denoiser of the course: nothing is promised of its Jacobian. Arguments and shapes are those of `DRUNet`;
    `level` says how strong the noise was. Source: Jin, McCann, Froustey, Unser 2017 (FBPConvNet).
    """

    def forward(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """x (B, C, H, W) plus the correction, at the level `sigma` (float or (B,))."""
        return x + super().forward(x, sigma)
