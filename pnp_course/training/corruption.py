"""The kinds of noise on which a denoiser can be trained and measured, each with its noise level.

"gaussian": the level is the standard deviation. "inverse gamma": it is 1 / gamma (`noise.inverse_gamma`). "poisson": it is
1 / sqrt(peak), the standard deviation of a white pixel.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pnp_course.noise import inverse_gamma, poisson

KINDS = ("gaussian", "inverse gamma", "poisson")
DARKEST = {"inverse gamma": 1e-3}  # intensity below which a clean picture is lifted
WEAKEST = {"inverse gamma": 1e-3, "poisson": 0.03}  # noise level below which training does not go


def corrupted(
    clean: Tensor, level: float | Tensor, noise: str, generator: torch.Generator
) -> tuple[Tensor, Tensor, float | Tensor]:
    """The clean images (B, C, H, W), a noisy version of them, and the level, both as lifted as this kind of noise needs.

    Args:
        level: a float, or one for each image (B,).
    """
    clean = clean.clamp_min(DARKEST[noise]) if noise in DARKEST else clean
    if noise in WEAKEST:
        level = level.clamp_min(WEAKEST[noise]) if isinstance(level, Tensor) else max(level, WEAKEST[noise])
    if noise == "inverse gamma":
        return clean, inverse_gamma(clean, level, generator), level
    if noise == "poisson":
        return clean, poisson(clean, level**-2, generator), level
    strength = level[:, None, None, None] if isinstance(level, Tensor) else level
    return clean, clean + strength * torch.randn(clean.shape, generator=generator), level
