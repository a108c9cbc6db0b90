"""Denoise a picture whose noise nobody has measured: estimate the noise from the picture, then ask a denoiser once."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from pnp_course._checks import check_image, check_positive
from pnp_course.camera_noise import by_transform
from pnp_course.deconvolution import denoiser_for
from pnp_course.noise_level import camera_noise, patch_sigma

CLIPPED = 0.1  # share of values at 0 or 1 above which an estimate cannot be trusted


class Denoised(NamedTuple):
    """x: the picture (1, C, H, W). said: the noise that was removed, in words."""

    x: Tensor
    said: str


def estimated_sigma(y: Tensor) -> float:
    """The level of Gaussian noise in one picture y (1, C, H, W) in [0, 1], by `patch_sigma`.

    Raises:
        ValueError: more than a tenth of the values are at 0 or 1, where noise is cut off; or there is no noise at all.
    """
    ends = float(((check_image(y, "the picture") <= 0) | (y >= 1)).double().mean())
    if ends > CLIPPED:
        raise ValueError(
            f"{ends:.0%} of the picture's values are at 0 or 1, where noise is cut off (it is over- or underexposed): its "
            "noise level cannot be estimated; give it as a number."
        )
    sigma = float(patch_sigma(y)[0])
    if sigma <= 1e-6:
        raise ValueError("the picture has no noise that could be seen; give the noise level as a number.")
    return sigma


def denoise(y: Tensor, denoiser: str = "drunet", sigma: float | None = None) -> Denoised:
    """One evaluation of a shipped denoiser for Gaussian noise of the level sigma; None: estimated from the picture.

    Args:
        y: one noisy picture (1, C, H, W).

    Raises:
        ValueError: the level cannot be estimated, is not > 0, or is none that the denoiser knows.
    """
    if sigma is not None and sigma >= 1:
        raise ValueError(f"sigma is {sigma:g}; wanted a noise level in units of intensity: write 25/255, not 25.")
    how = "given" if sigma is not None else "estimated from the picture"
    level = estimated_sigma(y) if sigma is None else check_positive(sigma, "sigma", "a noise level, such as 25/255")
    with torch.no_grad():
        x = denoiser_for(y, denoiser)(y, level)
    return Denoised(x, f"noise level {level:.4f} ({255 * level:.1f} of 255), {how}")


def denoise_camera(y: Tensor, denoiser: str = "drunet") -> Denoised:
    """The same for photon counts with read-out noise: gain and read-out noise from the picture, and `by_transform`.

    Where the picture touches 1, or 0, it is taken to be clipped there, and patches that do are not looked at.

    Args:
        y: one picture of linear light (1, C, H, W); a developed photograph (sRGB) has another noise.

    Raises:
        ValueError: too few patches are left, as where all is overexposed; or there is no photon noise.
    """
    check_image(y, "the picture")
    found = camera_noise(y, black=0.0 if float(y.min()) == 0 else None, white=1.0 if float(y.max()) >= 1 else None)
    if found.gain <= 1e-7:
        raise ValueError(
            "the picture's noise does not grow with its brightness, as that of photon counts does: take Gaussian noise."
        )
    x = by_transform(y, found.gain, found.read_out, denoiser_for(y, denoiser))
    photons = f"{1 / found.gain:.0f} photons at intensity 1"
    return Denoised(
        x, f"gain {found.gain:.5f} ({photons}), read-out noise {found.read_out:.4f}, estimated from the picture"
    )
