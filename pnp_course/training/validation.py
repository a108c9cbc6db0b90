"""Measurements of a denoiser: during training on held-out photographs, and once, in full, for its card."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from pnp_course import metrics
from pnp_course.devices import full_float32
from pnp_course.guarantees import certificate
from pnp_course.jacobian import antisymmetry, lanczos, linearize, operator_norm, symmetric_part
from pnp_course.training.corruption import corrupted

LEVELS = (15, 25, 40)  # of 255, those of [B] Table 1
GAMMA_LEVELS = (20, 50, 100)  # gamma of inverse gamma noise
PEAKS = (20, 5)  # of photon counts


def corners(images: list[Tensor], size: int = 64, each: int = 4) -> Tensor:
    """`each` (1 or 4) patches (C, size, size) of every 8-bit image, about the centre, stacked as floats in [0, 1]."""
    out = []
    for image in images:
        top, left = ((n - size) // 2 for n in image.shape[-2:])
        shifts = [(0, 0)] if each == 1 else [(a, b) for a in (-size // 2, size // 2) for b in (-size // 2, size // 2)]
        out += [image[:, top + a : top + a + size, left + b : left + b + size] for a, b in shifts]
    return torch.stack(out).float() / 255


def add_noise(clean: Tensor, level: float, noise: str) -> Tensor:
    """Add seeded noise of the kind on which a preset trains."""
    return corrupted(clean, level, noise, torch.Generator().manual_seed(0))[1]


@torch.no_grad()
@full_float32()
def validate(net: nn.Module, held_out: list[Tensor], noise: str = "gaussian") -> dict[str, float]:
    """PSNR (dB) at noise level 25/255 (gamma 50, peak 20) and a small certificate, on 192 x 192 and 64 x 64 centres."""
    level = {"inverse gamma": 1 / 50, "poisson": 20**-0.5}.get(noise, 25 / 255)
    device = next(net.parameters()).device
    clean = corners(held_out, min(192, *(min(im.shape[-2:]) for im in held_out)) // 8 * 8, each=1)
    noisy = add_noise(clean, level, noise)
    psnr = [metrics.psnr(net(z[None].to(device), level).cpu(), x[None]) for z, x in zip(noisy, clean, strict=True)]
    patches = corners(held_out[:4], min(64, *(min(im.shape[-2:]) for im in held_out)) // 8 * 8, each=1)
    x = add_noise(patches, level, noise).to(device)
    lin = linearize(net, x, level)
    start = torch.randn(x.shape, generator=torch.Generator().manual_seed(1)).to(device)
    ends = lanczos(symmetric_part(lin).apply, start, 20)
    return {
        "psnr": sum(psnr) / len(psnr),
        "val_asymmetry": 0.0 if lin.symmetric else float(operator_norm(antisymmetry(lin), start, 10).max()),
        "val_lambda_min": float(ends.low.min()),
        "val_lambda_max": float(ends.high.max()),
    }


@torch.no_grad()
def measure_psnr(
    net: nn.Module, clean: list[Tensor], noise: str = "gaussian", levels: dict[str, float] | None = None
) -> dict[str, float]:
    """The mean PSNR (dB) over images (1, C, H, W) at each noise level of a card, with seed 0."""
    out, device = {}, next(net.parameters()).device
    for name, level in (levels or levels_of(noise)).items():
        values = []
        generator = torch.Generator().manual_seed(0)
        for x in clean:
            noisy = corrupted(x, level, noise, generator)[1]
            values.append(metrics.psnr(net(noisy.to(device), level).cpu(), x))
        out[name] = round(sum(values) / len(values), 3)
    return out


def levels_of(noise: str) -> dict[str, float]:
    """The noise levels that a card reports, by the names that they have there."""
    if noise == "inverse gamma":
        return {f"gamma {g}": 1 / g for g in GAMMA_LEVELS}
    if noise == "poisson":
        return {f"peak {p}": p**-0.5 for p in PEAKS}
    return {str(n): n / 255 for n in LEVELS}


def measure_certificates(
    net: nn.Module, held_out: list[Tensor], k: float = 0.9, levels: tuple[int, ...] = LEVELS
) -> dict[str, Any]:
    """Certificates (mean, std, worst of each constant, and the theorems that hold) by level of Gaussian noise, of 255.

    They are measured on four noisy 64 x 64 patches of each held-out photograph.
    """
    patches, device = corners(held_out), next(net.parameters()).device
    out: dict[str, Any] = {"patches": len(patches), "size": 64}
    for number in levels:
        level = number / 255
        out[str(number)] = certificate(net, add_noise(patches, level, "gaussian").to(device), level, k=k).for_card()
    return out
