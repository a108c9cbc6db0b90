"""The level of Gaussian noise from the smallest eigenvalues of the covariance of patches.

Patches of a clean picture are nearly in a space of few dimensions. White noise adds sigma^2 to every eigenvalue of their
covariance. So the smallest ones scatter around sigma^2, and the large ones carry the picture. Which are which? Leave out
the largest one by one until the mean of the others is no larger than their median: that is so where they scatter evenly.
Source of this rule: Chen, Zhu and Heng, "An efficient statistical method for image noise level estimation", 2015.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from pnp_course._checks import check_count, check_image

SIDE = 8  # pixels


def noise_variance(eigenvalues: Tensor) -> float:
    """The mean of the smallest eigenvalues, as many as have a mean that does not exceed their median.

    Args:
        eigenvalues: (d,), in any order.
    """
    rising = eigenvalues.sort().values
    for kept in range(len(rising), 0, -1):
        mean = float(rising[:kept].mean())
        if mean <= float(rising[:kept].quantile(0.5)):
            return mean
    return float(rising[0])


def patch_eigenvalues(patches: Tensor) -> Tensor:
    """Eigenvalues (d,) of the covariance of patches (n, d), rising, in double precision."""
    return torch.linalg.eigvalsh(torch.cov(patches.double().T)).clamp_min(0)


def patch_sigma(y: Tensor, side: int = SIDE) -> Tensor:
    """The standard deviation of white Gaussian noise in each picture, from all its patches of side x side pixels.

    Channels stand side by side in a patch, so that their noise is taken to be independent and equally strong.

    Args:
        y: noisy pictures (B, C, H, W), not clipped.

    Returns:
        (B,), float64, in units of intensity.

    Raises:
        ValueError: y is no batch of finite pictures, or a picture has fewer patches than 2 C side^2.
    """
    side = check_count(side, "side")
    _, channels, height, width = check_image(y, "y").shape
    number, needed = (height - side + 1) * (width - side + 1), 2 * channels * side**2
    if min(height, width) < side or number < needed:
        raise ValueError(
            f"a picture of {height} x {width} pixels is too small to estimate its noise; wanted at least {needed} patches "
            f"of {side} x {side} pixels, or a smaller side."
        )
    variances = [noise_variance(patch_eigenvalues(F.unfold(p[None].detach().cpu(), side)[0].T)) for p in y]
    return torch.tensor(variances, dtype=torch.float64).sqrt()
