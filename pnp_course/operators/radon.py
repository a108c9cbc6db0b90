"""Parallel-beam tomography: the Radon transform as a sparse matrix with its exact transpose, and FBP.

Geometry, in units of a pixel's side: the image is n x n with its centre at the origin, x to the right, y up. A view at
angle theta measures, for detector bin s (pitch 1, centred), the mass in the strip |x cos(theta) + y sin(theta) - s| <=
1/2.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from pnp_course._checks import check_count
from pnp_course.operators.projector import Entries, Projector, Views, angles_of, check_evenly, quarter_turns

FILTERS = ("ramp", "shepp-logan", "cosine", "hamming", "hann")


class Radon(Projector):
    """A x = the sinogram (B, C, views, detectors) of an image (B, C, n, n): parallel beam, exact strip integrals.

    A pixel is a square; its shadow at angle theta is a trapezoid, and each bin (two or three of them) gets the part of
    it that it covers. (Sharing a pixel's mass linearly between two bins is simpler, but leaves stripes of 12 % at 45
    degrees.) A and A^T are one sparse matrix and its transpose, both stored by rows, so the adjoint is exact up to
    rounding.

    Args:
        size: n.
        views: the number of views, evenly spaced in [0, pi), or their angles in radians (V,), between -2 pi and 2 pi,
            as a tensor, an array or a list.
        detectors: the number of bins; by default there are enough to see every pixel in every view.
        tol, max_iter: the tolerance and the largest number of conjugate gradient steps in `solve` and `solve_data`.

    Memory: about 18 bytes per pixel and view in float32 (both matrices; 36 for views that do not come in pairs at right
    angles, see `Projector`): 70 MB at n = 256, 60 views.
    """

    name = "Radon transform"

    def __init__(
        self, size: int, views: Views, detectors: int | None = None, *, tol: float = 1e-4, max_iter: int = 100
    ):
        size, angles = check_count(size, "size"), angles_of(views, math.pi)
        bins = math.ceil(size * math.sqrt(2)) + 2
        if detectors is not None:
            bins = check_count(detectors, "detectors", 2)
        super().__init__(size, angles, bins, quarter_turns(angles, 2), tol, max_iter)

    def entries(self, theta: np.ndarray) -> Entries:
        n = self.size
        place = np.arange(n) - (n - 1) / 2
        s = np.cos(theta)[:, None, None] * place - np.sin(theta)[:, None, None] * place[:, None]
        s += (self.detectors - 1) / 2  # in bins
        wide, narrow = (np.abs(f(theta))[:, None, None].clip(1e-6) for f in (np.cos, np.sin))
        first = np.floor(s - (wide + narrow) / 2 + 0.5).astype(np.int32)
        pixel = np.broadcast_to(np.arange(n * n, dtype=np.int32).reshape(n, n), s.shape)
        view = np.broadcast_to(np.arange(len(theta), dtype=np.int32)[:, None, None], s.shape)
        bins = np.stack([first, first + 1, first + 2])  # the shadow is at most sqrt(2) wide
        ends = _shadow(np.stack([first, *bins + 1]) - 0.5 - s, wide, narrow)
        return np.stack([view] * 3), bins, np.stack([pixel] * 3), ends[1:] - ends[:-1]

    def fbp(self, y: Tensor, kind: str = "ramp", cutoff: float = 1.0) -> Tensor:
        """Filtered backprojection of a sinogram (B, C, V, D), angles evenly spaced in [0, pi): (B, C, n, n).

        Args:
            kind: the window that multiplies the ramp: "ramp" (none), "shepp-logan", "cosine", "hamming" or "hann".
            cutoff: the frequency at which the window ends, in units of the highest one, 0 < cutoff <= 1.

        Raises:
            ValueError: y has other views or bins, the views are not evenly spaced, or there is no such window.
        """
        self.check_sinogram(y)
        check_evenly(self.angles, math.pi)
        return self.adjoint(filtered(y, kind, cutoff)) * (math.pi / len(self.angles))


def _shadow(u: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The mass, left of u, of the shadow of a unit square, which is the convolution of two boxes of widths a and b."""

    def ramp(t: np.ndarray) -> np.ndarray:
        return np.square(np.maximum(t, 0)) / 2

    return (ramp(u + (a + b) / 2) - ramp(u + (a - b) / 2) - ramp(u - (a - b) / 2) + ramp(u - (a + b) / 2)) / (a * b)


def filtered(y: Tensor, kind: str = "ramp", cutoff: float = 1.0) -> Tensor:
    """Each row of a sinogram (B, C, V, D), convolved with the ramp of `ramp_filter`."""
    length = 2 ** math.ceil(math.log2(2 * y.shape[-1]))
    transfer = ramp_filter(length, kind, cutoff).to(y)
    return torch.fft.irfft(torch.fft.rfft(y, length) * transfer, length)[..., : y.shape[-1]]


def ramp_filter(length: int, kind: str = "ramp", cutoff: float = 1.0) -> Tensor:
    """Half spectrum (length // 2 + 1,) of the band-limited ramp |f|, f in cycles per bin, times a window.

    The window reaches from 0 to `cutoff` times the highest frequency, 1/2, and the spectrum is 0 beyond.

    The ramp is defined in space, h(0) = 1/4, h(odd k) = -1 / (pi k)^2, and then transformed; if it were sampled in
    frequency, the mean of the image would be lost (Kak and Slaney 1988, chapter 3).
    """
    if kind not in FILTERS:
        raise ValueError(f"filter is {kind!r}; wanted one of {', '.join(FILTERS)}.")
    if not 0 < cutoff <= 1:
        raise ValueError(f"cutoff is {cutoff}; wanted 0 < cutoff <= 1, in units of the highest frequency.")
    k = torch.arange(length, dtype=torch.float64)
    k = torch.minimum(k, length - k)
    h = torch.zeros(length, dtype=torch.float64)
    h[0] = 0.25
    odd = k % 2 == 1
    h[odd] = -1 / (math.pi * k[odd]) ** 2
    f = torch.fft.rfftfreq(length, dtype=torch.float64) / cutoff
    ramp = torch.fft.rfft(h).real * (f <= 0.5)
    if kind == "shepp-logan":
        return ramp * torch.sinc(f)
    if kind == "cosine":
        return ramp * torch.cos(math.pi * f)
    if kind == "hamming":
        return ramp * (0.54 + 0.46 * torch.cos(2 * math.pi * f))
    if kind == "hann":
        return ramp * (0.5 + 0.5 * torch.cos(2 * math.pi * f))
    return ramp
