"""A network of the pixels' coordinates as the only prior: small, untrained, and fitted to one blurred photograph.

It stands for the family of deep image priors (Ulyanov, Vedaldi and Lempitsky 2018) and implicit neural representations
(Fourier features: Tancik and others 2020; sines: Sitzmann and others 2020): what such a network fits first is smooth, and
noise comes late.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pnp_course._checks import check_count, check_image

SPREAD, RATE = 4.0, 1e-2  # of the frequencies, in periods; of Adam at its start


def restore_by_coordinates(
    y: Tensor, kernel: Tensor, *, steps: int = 400, features: int = 64, width: int = 64, patch: int = 32, seed: int = 0
) -> Tensor:
    """The scene (1, C, H + h - 1, W + w - 1) under an observation y (1, C, H, W) that a kernel (h, w) blurred.

    A network x(coordinates), two hidden layers of sines after random Fourier features, minimises ||k * x - y||^2 by Adam; each
    step takes a patch of y at random, with all pixels of the scene that it depends on.

    Args:
        y: intensities in [0, 1]; kernel: of sum 1, its centre at (h // 2, w // 2), as for `ValidBlur`.
        steps: of Adam. features: frequencies, drawn from a normal law of SPREAD periods across the picture. width: of the hidden
            layers. patch: side of a patch in pixels. seed: of frequencies, weights and patches; equal seeds give equal pictures.
    """
    if len(check_image(y, "y")) != 1:
        raise ValueError(f"y holds {len(y)} pictures; wanted one: each needs a network of its own.")
    for name, value in (("steps", steps), ("features", features), ("width", width), ("patch", patch)):
        check_count(value, name)
    generator = torch.Generator().manual_seed(seed)
    (h, w), (height, width_of_y), channels = kernel.shape, y.shape[-2:], y.shape[1]
    rows, columns = torch.meshgrid(
        torch.linspace(0, 1, height + h - 1), torch.linspace(0, 1, width_of_y + w - 1), indexing="ij"
    )
    frequencies = SPREAD * torch.randn(2, features, generator=generator)
    phase = 2 * math.pi * torch.stack([rows, columns], -1) @ frequencies
    inputs = torch.cat([phase.sin(), phase.cos()], -1).to(y.device)
    network = _network(2 * features, width, channels, generator).to(y.device)
    flipped = kernel.to(y).flip(0, 1).expand(channels, 1, h, w).contiguous()
    a, b = min(patch, height), min(patch, width_of_y)
    with torch.enable_grad():
        adam = torch.optim.Adam(network.parameters(), lr=RATE)
        fading = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
        for _ in range(steps):
            r = int(torch.randint(height - a + 1, (), generator=generator))
            s = int(torch.randint(width_of_y - b + 1, (), generator=generator))
            x = network(inputs[r : r + a + h - 1, s : s + b + w - 1]).permute(2, 0, 1)[None]
            misfit = F.conv2d(x, flipped, groups=channels) - y[..., r : r + a, s : s + b]
            adam.zero_grad()
            misfit.square().mean().backward()
            adam.step()
            fading.step()
    with torch.no_grad():
        return network(inputs).permute(2, 0, 1)[None].clamp(0, 1)  # type: ignore[no-any-return]


class Sine(nn.Module):
    """The sine of each value; with it a network of coordinates is fitted in fewer steps than with ReLU."""

    def forward(self, x: Tensor) -> Tensor:
        """sin x, of any shape."""
        return x.sin()


def _network(inputs: int, width: int, outputs: int, generator: torch.Generator) -> nn.Sequential:
    """Linear, sine, linear, sine, linear, sigmoid, with weights of He's variance from the generator, the last ones a tenth."""
    layers: list[nn.Module] = []
    for before, after, gain in ((inputs, width, 1.0), (width, width, 1.0), (width, outputs, 0.1)):
        linear = nn.Linear(before, after)
        with torch.no_grad():
            linear.weight.copy_(torch.randn(after, before, generator=generator) * gain * math.sqrt(2 / before))
            linear.bias.zero_()
        layers += [linear, Sine()]
    return nn.Sequential(*layers[:-1], nn.Sigmoid())
