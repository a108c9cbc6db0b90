"""PSNR and SSIM by scikit-image, with data range 1, on pictures clipped to [0, 1] as they are shown."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from pnp_course._checks import check_finite, check_same_shape, check_shape

CEILING = 120.0  # dB: what equal pictures are given, so that means stay finite


def psnr(x: Tensor, reference: Tensor) -> float:
    """Peak signal-to-noise ratio, dB: mean over the batch of 10 log10(1 / mse), at most 120, for images (B, C, H, W).

    Raises:
        ValueError: the two are not batches of images of one shape, or the reference is not on the scale [0, 1].

    Example:
        >>> round(psnr(torch.full((1, 1, 8, 8), 0.6), torch.full((1, 1, 8, 8), 0.5)), 2)
        20.0
    """
    from skimage.metrics import peak_signal_noise_ratio

    with np.errstate(divide="ignore"):
        values = [peak_signal_noise_ratio(b, a, data_range=1.0) for a, b in _pairs(x, reference)]
    return float(np.mean([min(value, CEILING) for value in values]))


def ssim(x: Tensor, reference: Tensor) -> float:
    """Structural similarity (Wang et al. 2004: Gaussian window of std 1.5), mean over batch and channels.

    Raises:
        ValueError: the reasons are those of `psnr`, or the images are smaller than the window.
    """
    from skimage.metrics import structural_similarity

    pairs = _pairs(x, reference)
    if min(x.shape[-2:]) < 11:
        raise ValueError(f"the image is {x.shape[-2]} x {x.shape[-1]}; SSIM's window needs at least 11 x 11 pixels.")
    values = [
        structural_similarity(
            a, b, data_range=1.0, channel_axis=0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        for a, b in pairs
    ]
    return float(sum(values) / len(values))


def _pairs(x: Tensor, reference: Tensor) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of each image of x, clipped, and its reference, in float64."""
    check_shape(x)
    check_shape(reference, name="reference")
    check_same_shape(x, reference, "x", "reference")
    low, high = float(reference.min()), float(reference.max())
    if not -0.5 <= low <= high <= 1.5:  # resampling overshoots [0, 1] by less
        raise ValueError(
            f"the reference has intensities from {low:.4g} to {high:.4g}; wanted a clean picture on the scale [0, 1]: "
            "divide 8-bit intensities by 255, and x with them."
        )
    clipped = check_finite(x).detach().clamp(0, 1).double().cpu().numpy()
    return list(zip(clipped, reference.detach().double().cpu().numpy(), strict=True))
