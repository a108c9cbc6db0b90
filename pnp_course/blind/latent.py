"""A picture with few edges for a known kernel: least squares with the number of nonzero gradients as the prior.

    minimise ||k * x - y||^2 + weight * #{pixels where the gradient of x is not zero}

by half-quadratic splitting, as Xu, Zheng and Jia (2013, "Unnatural L0 sparse representation for natural image deblurring")
and Pan, Hu, Su and Yang (2014, text images) do for kernel estimation. It is no good restoration: it keeps strong edges
and drops texture, and strong edges are what tells the kernel.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pnp_course.blind.gradients import across, adjoint, down, laplacian_spectrum, transfer

LAST, GROWTH = 1e5, 2.0  # the coupling grows from 2 weight to this, by this factor


def keep_large(h: Tensor, v: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
    """The minimiser (a, b) of weight * [(a, b) != 0] + beta ((a - h)^2 + (b - v)^2), where threshold = weight / beta.

    Keeping (h, v) costs `weight`, zero costs beta (h^2 + v^2): so each pixel keeps it or drops it.
    """
    small = h.square() + v.square() <= threshold
    return h.masked_fill(small, 0), v.masked_fill(small, 0)


def few_edges(y: Tensor, kernel: Tensor, weight: float) -> Tensor:
    """The picture (H, W) for a periodic observation y (H, W) and a kernel (h, w) of sum 1."""
    shape = (y.shape[0], y.shape[1])
    k = transfer(kernel, shape)
    data, curvature, slopes = k.conj() * torch.fft.rfft2(y), k.abs().square(), laplacian_spectrum(shape, y)
    x, beta = y, 2 * weight
    while beta < LAST:
        h, v = keep_large(across(x), down(x), weight / beta)
        x = torch.fft.irfft2((data + beta * torch.fft.rfft2(adjoint(h, v))) / (curvature + beta * slopes), s=shape)
        beta *= GROWTH
    return x
