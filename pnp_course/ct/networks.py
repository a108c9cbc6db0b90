"""Networks that map a scan to a slice in one pass: FBP + U-Net, and a dual-domain W-Net; both trained on simulated scans.

FBP + U-Net (Jin and others 2017) corrects the picture of filtered backprojection. W-Net (Cheslerean-Boghiu and others 2023)
also corrects the sinogram before it: U-Net, FBP, U-Net. Here both are small, and know the dose by a constant channel.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from pnp_course.ct.phantoms import phantom
from pnp_course.ct.scan import geometry, scan
from pnp_course.denoisers.drunet import ResidualUNet
from pnp_course.operators import Radon
from pnp_course.operators.radon import filtered
from pnp_course.training.loop import Training

RAY = 32.0  # line integrals are divided by it before they enter a network
PEAKS = (70.0, 700.0)  # the doses that are trained on, uniform in their logarithm
TRAINED_ON = ("chest", "abdomen")  # the head is kept for the test
FIRST_SEED, PHANTOMS = 10_000, 80  # seeds of the training phantoms; tests take others


def level_of(peak: float | Tensor) -> Any:
    """What the networks are told of the dose: 1 / sqrt(peak)."""
    return peak**-0.5


class _Backprojection(torch.autograd.Function):
    """FBP with the derivative that its matrix has: filtering after the forward projection."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, operator: Radon) -> Tensor:
        ctx.operator = operator
        return operator.fbp(y)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Any:
        rows = ctx.operator(slopes[0]) * (torch.pi / len(ctx.operator.angles))
        return filtered(rows), None  # the ramp is symmetric


class WNet(nn.Module):
    """U-Net on the sinogram, FBP, U-Net on the picture: (B, 1, views, detectors) -> (B, 1, n, n)."""

    def __init__(self, operator: Radon, rays: ResidualUNet, picture: ResidualUNet):
        super().__init__()
        self.operator, self.rays, self.picture = operator, rays, picture

    def without_effect(self) -> WNet:
        """Let the sinogram's network begin with the correction 0, so that training begins at FBP and the picture's network.

        FBP multiplies what is rough: a random correction, however small, is a picture full of grain.
        """
        nn.init.zeros_(self.rays.m_tail.weight)
        return self

    def forward(self, y: Tensor, level: float | Tensor) -> Tensor:
        """The slice of a scan y = counts / peak, with the level of its dose."""
        rays = RAY * self.rays(y / RAY, level)
        return self.picture(_Backprojection.apply(rays, self.operator), level)


def training_slices(count: int = PHANTOMS, size: int = 128) -> Iterator[Tensor]:
    """Training phantoms (1, 1, 2n, 2n) on the fine grid of a scan, the kinds in turn."""
    for k in range(count):
        yield phantom(TRAINED_ON[k % len(TRAINED_ON)], FIRST_SEED + k, 2 * size)


def training_scans(count: int = PHANTOMS, size: int = 128) -> tuple[Tensor, Tensor]:
    """Training slices (N, 1, n, n) and their line integrals (N, 1, views, detectors)."""
    scans = [scan(fine) for fine in training_slices(count, size)]
    return torch.cat([s.clean for s in scans]), torch.cat([s.rays for s in scans])


class ScanTraining(Training):
    """The course's training loop on simulated scans, with new photons in each step.

    Args:
        scans: what `training_scans` returns.
        patches: feed the FBP of the scans, cut into patches (FBP + U-Net), and not the scans (W-Net).
    """

    def __init__(self, *arguments: Any, scans: tuple[Tensor, Tensor], patches: bool):
        super().__init__(*arguments)
        self.clean, self.rays = scans
        self.cut = patches

    def draw(self) -> tuple[Tensor, Tensor, Tensor]:
        """A batch: clean slices, what the network sees, levels (B,)."""
        size, n, g = self.preset.batch, self.preset.patch, self.generator
        which = torch.randint(len(self.clean), (size,), generator=g)
        low, high = (torch.tensor(p).log() for p in PEAKS)
        peak = (low + (high - low) * torch.rand(size, generator=g)).exp()
        scale = peak[:, None, None, None]
        clean, y = self.clean[which], torch.poisson(scale * self.rays[which], generator=g) / scale
        if not self.cut:
            return clean, y, level_of(peak)
        back = geometry(clean.shape[-1]).fbp(y)
        corners = torch.randint(clean.shape[-1] - n + 1, (size, 2), generator=g).tolist()
        pairs = torch.cat((clean, back), dim=1)
        pairs = torch.stack([p[:, i : i + n, j : j + n] for p, (i, j) in zip(pairs, corners, strict=True)])
        return pairs[:, :1], pairs[:, 1:].contiguous(memory_format=torch.channels_last), level_of(peak)
