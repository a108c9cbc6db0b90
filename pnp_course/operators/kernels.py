"""Blur kernels: nonnegative (h, w) float32 tensors that sum to 1."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from pnp_course._checks import check_count, check_positive


def check_kernel(kernel: Tensor) -> Tensor:
    """Return the kernel if it is a tensor (h, w) that holds at least one number, else raise ValueError."""
    if not isinstance(kernel, Tensor) or kernel.ndim != 2 or kernel.numel() == 0 or kernel.is_complex():
        what = f"shape {tuple(kernel.shape)}" if isinstance(kernel, Tensor) else f"type {type(kernel).__name__}"
        raise ValueError(
            f"kernel has {what}; wanted a tensor of shape (h, w) such as kernels.gaussian(9, 1.6): use "
            "torch.as_tensor(array) for an array or a list."
        )
    return kernel


def normalised(kernel: Tensor) -> Tensor:
    """The kernel divided by its sum, float32.

    Raises:
        ValueError: the kernel has negative values or a sum of 0.
    """
    check_kernel(kernel)
    kernel = kernel.to(torch.float64)
    if not torch.isfinite(kernel).all() or (kernel < 0).any() or kernel.sum() <= 0:
        raise ValueError(
            f"kernel has the sum {float(kernel.sum()):.4g} and the minimum {float(kernel.min()):.4g}; wanted finite values >= 0 "
            "and a sum > 0: check the array or the file it comes from."
        )
    return (kernel / kernel.sum()).float()


def gaussian(size: int = 25, std: float = 1.6) -> Tensor:
    """Gaussian kernel (size, size) of standard deviation `std` pixels.

    Example:
        >>> round(float(gaussian(25, 1.6).sum()), 4)
        1.0
    """
    size = check_count(size, "size")
    r = torch.arange(size, dtype=torch.float64) - size // 2
    g = torch.exp(-(r**2) / (2 * check_positive(std, "std") ** 2))
    return normalised(g[:, None] * g[None, :])


def box(size: int = 9) -> Tensor:
    """Uniform kernel (size, size)."""
    size = check_count(size, "size")
    return normalised(torch.ones(size, size))


def motion(size: int = 25, seed: int = 0, length: float = 1.0) -> Tensor:
    """Synthetic camera shake: the time that a smoothly moving point spends in each pixel of (size, size).

    The point's velocity is a damped random walk (an Ornstein-Uhlenbeck process), like a trembling hand; the path is
    scaled to `length` times the kernel's width, centred on its mean, and drawn with bilinear weights.

    Args:
        size: side in pixels, at least 3.
        seed: selects the shake; equal seeds give equal kernels.
        length: extent of the path relative to the kernel, 0 < length <= 1.
    """
    size = check_count(size, "size", 3)
    if not 0 < length <= 1:
        raise ValueError(f"length is {length}; wanted 0 < length <= 1, the path's extent relative to the kernel.")
    rng, steps = np.random.default_rng(seed), 2000
    velocity, position, path = np.zeros(2), np.zeros(2), np.empty((steps, 2))
    for i in range(steps):
        velocity += -0.004 * velocity + 0.06 * rng.standard_normal(2)
        position = position + velocity
        path[i] = position
    path -= path.mean(axis=0)
    half = (size - 1) / 2
    path *= length * 0.95 * half / np.abs(path).max()
    kernel = np.zeros((size, size))
    place = path + half  # pixel coordinates in [0, size - 1]
    low = np.minimum(np.floor(place).astype(int), size - 2)
    part = place - low
    for dy in (0, 1):
        for dx in (0, 1):
            weight = np.abs(1 - dy - part[:, 0]) * np.abs(1 - dx - part[:, 1])
            np.add.at(kernel, (low[:, 0] + dy, low[:, 1] + dx), weight)
    return normalised(torch.from_numpy(kernel))


def embed(kernel: Tensor, size: int) -> Tensor:
    """The kernel in the middle of a (size, size) frame of zeros, with the same centre."""
    (h, w), size = check_kernel(kernel).shape, check_count(size, "size")
    if max(h, w) > size:
        raise ValueError(f"the kernel is {h} x {w}; it does not fit a frame of {size} x {size}.")
    out = kernel.new_zeros(size, size)
    top, left = size // 2 - h // 2, size // 2 - w // 2
    out[top : top + h, left : left + w] = kernel
    return out


def extent(kernel: Tensor) -> float:
    """Root mean square distance of the kernel's mass from its centre of mass, in pixels: the strength of the blur."""
    k = check_kernel(kernel).double() / kernel.double().sum()
    yy, xx = torch.meshgrid(*(torch.arange(n, dtype=k.dtype, device=k.device) for n in k.shape), indexing="ij")
    my, mx = (k * yy).sum(), (k * xx).sum()
    return math.sqrt(float((k * ((yy - my) ** 2 + (xx - mx) ** 2)).sum()))
