"""The kernel for a known sharp picture: least squares on gradients, and what makes a kernel of its solution.

    minimise sum_i ||k * d_i x - d_i y||^2 + ridge ||k||^2,  d_1, d_2 the two differences,

has the transform  sum_i conj(F d_i x) F d_i y / (sum_i |F d_i x|^2 + ridge)  in a periodic world, where k is as large as
the picture. A kernel is small and nonnegative, and with both conditions noise has far less to fit: the problem is then
solved by accelerated projected gradients, whose matrix is Toeplitz and applied by FFT.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from pnp_course.blind.gradients import across, down

STEPS = 150  # of the projected gradient
CUT, PART = 0.05, 0.1  # values below this share of the largest, and pieces below this share of the sum, are dropped


def correlations(x: Tensor, y: Tensor, size: int, seen: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """sum_i |F d_i x|^2 and sum_i conj(F d_i x) F d_i y, real transforms of periodic pictures x and y (H, W).

    size: of the kernel. seen: height and width of the part of y that was measured; differences near its border, which
        the rest influences, are left out.
    """
    inside, b = torch.zeros_like(x), size // 2
    inside[b : seen[0] - b - 1, b : seen[1] - b - 1] = 1
    pairs = [(torch.fft.rfft2(d(x) * inside), torch.fft.rfft2(d(y) * inside)) for d in (across, down)]
    return sum(p.abs().square() for p, _ in pairs), sum(p.conj() * q for p, q in pairs)  # type: ignore[return-value]


def least_squares_kernel(x: Tensor, y: Tensor, size: int, ridge: float, seen: tuple[int, int]) -> Tensor:
    """The periodic least-squares kernel, its middle (size, size), not yet nonnegative; `seen` as in `correlations`."""
    power, cross = correlations(x, y, size, seen)
    k = torch.fft.irfft2(cross / (power + ridge), s=x.shape)
    return k.roll((size // 2, size // 2), (0, 1))[:size, :size]


def nonnegative_kernel(x: Tensor, y: Tensor, size: int, ridge: float, seen: tuple[int, int]) -> Tensor:
    """The nonnegative least-squares kernel (size, size) of periodic x and y (H, W); `seen` as in `correlations`.

    It minimises <k, T k> / 2 - <c, k> over k >= 0, where T holds the correlations of the gradients of x with themselves
    (and the ridge), c those with the gradients of y, by FISTA (Beck and Teboulle 2009) from the periodic solution.
    """
    power, cross = correlations(x, y, size, seen)
    half, lags = size // 2, 2 * size - 1
    own = torch.fft.irfft2(power, s=x.shape).roll((size - 1, size - 1), (0, 1))[:lags, :lags]
    symbol = torch.fft.rfft2(own.roll((1 - size, 1 - size), (0, 1)))  # T k is the corner of a product of this size
    c = torch.fft.irfft2(cross, s=x.shape).roll((half, half), (0, 1))[:size, :size]
    step = 1 / float(power.max() + ridge)  # T <= max |F d x|^2 + ridge
    k = z = least_squares_kernel(x, y, size, ridge, seen).clamp_min(0)
    t = 1.0
    for _ in range(STEPS):
        product = torch.fft.irfft2(symbol * torch.fft.rfft2(z, (lags, lags)), s=(lags, lags))[:size, :size]
        new, s = (z - step * (product + ridge * z - c)).clamp_min(0), (1 + math.sqrt(1 + 4 * t * t)) / 2
        k, z, t = new, new + (t - 1) / s * (new - k), s
    return k


def cleaned(k: Tensor) -> Tensor:
    """A kernel: nonnegative, without faint values and small separate pieces, of sum 1; one point if nothing is left."""
    from scipy import ndimage

    a = k.clamp_min(0).cpu().numpy()
    a = np.where(a < CUT * a.max(), 0, a)
    pieces, number = ndimage.label(a > 0, np.ones((3, 3)))
    for i in range(1, number + 1):
        if a[pieces == i].sum() < PART * a.sum():
            a = np.where(pieces == i, 0, a)
    return torch.from_numpy(a / a.sum()).to(k) if a.sum() > 0 else point(k.shape[0], k)


def centred(k: Tensor) -> Tensor:
    """The kernel moved by whole pixels, so that its centre of mass is nearest to its middle; what leaves it is lost."""
    rows, columns = (torch.arange(n, dtype=k.dtype, device=k.device) for n in k.shape)
    middle = [round(float((c * s).sum() / k.sum())) for c, s in ((rows, k.sum(1)), (columns, k.sum(0)))]
    by = [n // 2 - m for n, m in zip(k.shape, middle, strict=True)]
    out = torch.zeros_like(k)
    (r, s), (h, w) = by, k.shape
    out[max(r, 0) : h + min(r, 0), max(s, 0) : w + min(s, 0)] = k[
        max(-r, 0) : h - max(r, 0), max(-s, 0) : w - max(s, 0)
    ]
    return out


def point(size: int, like: Tensor) -> Tensor:
    """The kernel that blurs nothing."""
    k = like.new_zeros(size, size)
    k[size // 2, size // 2] = 1
    return k
