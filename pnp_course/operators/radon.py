"""Parallel-beam tomography: the Radon transform as a sparse matrix with its exact transpose, and FBP.

Geometry, in units of a pixel's side: the image is n x n with its centre at the origin, x to the right, y up. A view at
angle theta measures, for detector bin s (pitch 1, centred), the mass in the strip |x cos(theta) + y sin(theta) - s| <=
1/2.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pnp_course._checks import check_count, check_finite, check_shape
from pnp_course.operators.base import IterativeOperator

FILTERS = ("ramp", "shepp-logan", "cosine", "hamming", "hann")


class Radon(IterativeOperator):
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

    Memory: about 36 bytes per pixel and view in float32 (both matrices): 140 MB at n = 256, 60 views.
    """

    def __init__(
        self,
        size: int,
        views: int | Tensor | np.ndarray | Sequence[float],
        detectors: int | None = None,
        *,
        tol: float = 1e-4,
        max_iter: int = 100,
    ):
        self.size, self.angles = check_count(size, "size"), _angles(views)
        self.detectors = math.ceil(size * math.sqrt(2)) + 2
        if detectors is not None:
            self.detectors = check_count(detectors, "detectors", 2)
        super().__init__(tol, max_iter)
        self._matrices: dict[tuple[torch.dtype, torch.device], tuple[Tensor, Tensor]] = {}

    def _pair(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """A (V D, n^2) and A^T as sparse matrices in the precision of `like`, built when they are first used."""
        key = (like.dtype, like.device)
        if key not in self._matrices:
            from scipy.sparse import csr_matrix

            rows, columns, weights = self._footprints()
            shape = (len(self.angles) * self.detectors, self.size**2)
            kind = np.float64 if like.dtype == torch.float64 else np.float32
            matrix = csr_matrix((weights.astype(kind), (rows, columns)), shape=shape)
            self._matrices[key] = (_sparse(matrix, like), _sparse(matrix.T.tocsr(), like))
        return self._matrices[key]

    def _footprints(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The row (view, bin), the column (pixel) and the weight of every entry of A."""
        n, theta = self.size, self.angles.numpy()
        place = np.arange(n) - (n - 1) / 2
        s = np.cos(theta)[:, None, None] * place - np.sin(theta)[:, None, None] * place[:, None]
        s += (self.detectors - 1) / 2  # in bins
        wide, narrow = (np.abs(f(theta))[:, None, None].clip(1e-6) for f in (np.cos, np.sin))
        first = np.floor(s - (wide + narrow) / 2 + 0.5).astype(np.int32)
        pixel = np.broadcast_to(np.arange(n * n, dtype=np.int32).reshape(n, n), s.shape)
        view = np.broadcast_to(np.arange(len(theta), dtype=np.int32)[:, None, None], s.shape)
        rows, columns, weights = [], [], []
        below = _shadow(first - 0.5 - s, wide, narrow)
        for bin_ in (first, first + 1, first + 2):  # the shadow is at most sqrt(2) wide
            above = _shadow(bin_ + 0.5 - s, wide, narrow)
            weight, below = above - below, above
            seen = (bin_ >= 0) & (bin_ < self.detectors) & (weight > 1e-9)
            rows.append((view * self.detectors + bin_)[seen])
            columns.append(pixel[seen])
            weights.append(weight[seen])
        return np.concatenate(rows), np.concatenate(columns), np.concatenate(weights)

    def _multiply(self, matrix: Tensor, x: Tensor, height: int, width: int) -> Tensor:
        flat = x.reshape(x.shape[0] * x.shape[1], -1).T
        return (matrix @ flat).T.reshape(*x.shape[:2], height, width)

    def __call__(self, x: Tensor) -> Tensor:
        if tuple(check_shape(x).shape[-2:]) != (self.size, self.size):
            raise ValueError(
                f"the image is {x.shape[-2]} x {x.shape[-1]}; this Radon transform is for {self.size} x {self.size}."
            )
        return self._multiply(self._pair(x)[0], x, len(self.angles), self.detectors)

    def adjoint(self, y: Tensor) -> Tensor:
        self._check_sinogram(y)
        return self._multiply(self._pair(y)[1], y, self.size, self.size)

    def _check_sinogram(self, y: Tensor) -> None:
        if tuple(check_shape(y, name="the sinogram").shape[-2:]) != (len(self.angles), self.detectors):
            raise ValueError(
                f"the sinogram is {y.shape[-2]} x {y.shape[-1]}; wanted {len(self.angles)} views x {self.detectors} detectors."
            )

    def fbp(self, y: Tensor, kind: str = "ramp") -> Tensor:
        """Filtered backprojection of a sinogram (B, C, V, D), angles evenly spaced in [0, pi): (B, C, n, n).

        Args:
            kind: the window that multiplies the ramp: "ramp" (none), "shepp-logan", "cosine", "hamming" or "hann".
        """
        self._check_sinogram(y)
        length = 2 ** math.ceil(math.log2(2 * self.detectors))
        transfer = ramp_filter(length, kind).to(y)
        filtered = torch.fft.irfft(torch.fft.rfft(y, length) * transfer, length)[..., : self.detectors]
        return self.adjoint(filtered) * (math.pi / len(self.angles))


def _angles(views: Any) -> Tensor:
    """The angles of the views (V,) in radians, float64; they are evenly spaced if only their number is given."""
    if isinstance(views, int | np.integer) or (isinstance(views, Tensor | np.ndarray) and views.ndim == 0):
        count = check_count(views, "views")
        return math.pi * torch.arange(count, dtype=torch.float64) / count
    try:
        angles = torch.as_tensor(views, dtype=torch.float64).detach().cpu()
    except (TypeError, ValueError, RuntimeError):
        angles = torch.empty(0)
    if angles.ndim != 1 or len(angles) < 1:
        shape = f" of shape {tuple(views.shape)}" if hasattr(views, "shape") else ""
        raise ValueError(
            f"views is {views if isinstance(views, float | str) else 'a ' + type(views).__name__}{shape}; wanted a whole "
            "number of views >= 1, or their angles in radians as a tensor, an array or a list of numbers."
        )
    if float(check_finite(angles, "angles").abs().max()) > 2 * math.pi + 1e-9:
        raise ValueError(
            f"the angles reach from {float(angles.min()):g} to {float(angles.max()):g}; wanted radians, between -2 pi and "
            "2 pi: for degrees use torch.deg2rad(angles)."
        )
    return angles


def _shadow(u: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The mass, left of u, of the shadow of a unit square, which is the convolution of two boxes of widths a and b."""

    def ramp(t: np.ndarray) -> np.ndarray:
        return np.square(np.maximum(t, 0)) / 2

    return (ramp(u + (a + b) / 2) - ramp(u + (a - b) / 2) - ramp(u - (a - b) / 2) + ramp(u - (a + b) / 2)) / (a * b)


def _sparse(matrix: object, like: Tensor) -> Tensor:
    parts = (matrix.indptr, matrix.indices, matrix.data)  # type: ignore[attr-defined]
    row, column, value = (torch.from_numpy(np.ascontiguousarray(p)) for p in parts)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        out = torch.sparse_csr_tensor(row, column, value, size=matrix.shape, check_invariants=False)  # type: ignore[attr-defined]
    return out.to(like.device)


def ramp_filter(length: int, kind: str = "ramp") -> Tensor:
    """Half spectrum (length // 2 + 1,) of the band-limited ramp |f|, f in cycles per bin, times a window.

    The ramp is defined in space, h(0) = 1/4, h(odd k) = -1 / (pi k)^2, and then transformed; if it were sampled in
    frequency, the mean of the image would be lost (Kak and Slaney 1988, chapter 3).
    """
    if kind not in FILTERS:
        raise ValueError(f"filter is {kind!r}; wanted one of {', '.join(FILTERS)}.")
    k = torch.arange(length, dtype=torch.float64)
    k = torch.minimum(k, length - k)
    h = torch.zeros(length, dtype=torch.float64)
    h[0] = 0.25
    odd = k % 2 == 1
    h[odd] = -1 / (math.pi * k[odd]) ** 2
    ramp = torch.fft.rfft(h).real
    f = torch.fft.rfftfreq(length, dtype=torch.float64)
    if kind == "shepp-logan":
        return ramp * torch.sinc(f)
    if kind == "cosine":
        return ramp * torch.cos(math.pi * f)
    if kind == "hamming":
        return ramp * (0.54 + 0.46 * torch.cos(2 * math.pi * f))
    if kind == "hann":
        return ramp * (0.5 + 0.5 * torch.cos(2 * math.pi * f))
    return ramp
