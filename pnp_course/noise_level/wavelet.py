"""The level of Gaussian noise from the finest wavelet coefficients, the usual estimate, to compare with."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from pnp_course._checks import check_image

ROOT3 = 3**0.5
HIGH = torch.tensor([ROOT3 - 1, 3 - ROOT3, -3 - ROOT3, ROOT3 + 1], dtype=torch.float64) / (4 * 2**0.5)  # of unit norm
NORMAL = 0.6744897501960817  # median of |n| for a standard normal n


def wavelet_sigma(y: Tensor) -> Tensor:
    """The median of the finest diagonal details of Daubechies' wavelet of length four, / 0.6745; the mean over channels.

    scikit-image's `estimate_sigma` is the same but for the details at the border, which are left out here. Texture adds to
    these details, so that the estimate is too large where noise is weak. Source: Donoho and Johnstone 1994.

    Args:
        y: noisy pictures (B, C, H, W), at least 4 pixels wide and high.

    Returns:
        (B,), float64, in units of intensity.

    Raises:
        ValueError: y is no batch of finite pictures, or one has fewer pixels.
    """
    batch, channels, height, width = check_image(y, "y").shape
    if min(height, width) < 4:
        raise ValueError(f"a picture has {height} x {width} pixels; wanted at least 4 x 4.")
    each = y.detach().cpu().double().reshape(batch * channels, 1, height, width)
    details = F.conv2d(each, torch.outer(HIGH, HIGH)[None, None], stride=2).flatten(1)
    return (details.abs().quantile(0.5, dim=1) / NORMAL).reshape(batch, channels).mean(1)
