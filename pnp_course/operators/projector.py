"""What parallel and fan beams share: one sparse matrix and its transpose, built view by view."""

from __future__ import annotations

import math
import warnings
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pnp_course._checks import check_count, check_finite, check_shape
from pnp_course.operators.base import IterativeOperator

# pixels times views whose entries are computed at once, so that building needs little beside the matrices
BLOCK = 2**18
Entries = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


class Projector(IterativeOperator):
    """A x = the sinogram (B, C, views, detectors) of an image (B, C, n, n), by a sparse matrix and its exact transpose.

    A square image turned by a quarter is the same pixels in another order. So where the views at angle + pi/2 are
    measured, too, the matrix holds only the views of the first quarter turn, and is applied to the turned images:
    `turns` times less memory, and each entry that is read is used `turns` times.

    Args:
        size: n.
        angles: those of the views in radians (V,).
        detectors: the number of bins.
        turns: how many blocks of views follow each other by quarter turns: 1, 2 or 4.
        tol, max_iter: the tolerance and the largest number of conjugate gradient steps in `solve` and `solve_data`.
    """

    name = "projector"

    def __init__(self, size: int, angles: Tensor, detectors: int, turns: int, tol: float, max_iter: int):
        super().__init__(tol, max_iter)
        self.size, self.angles, self.detectors, self.turns = size, angles, detectors, turns
        self._matrices: dict[tuple[torch.dtype, torch.device], tuple[Tensor, Tensor]] = {}

    @abstractmethod
    def entries(self, theta: np.ndarray) -> Entries:
        """The view, the bin, the pixel and the weight of every entry of the matrix for these views."""

    def _pair(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """A (V / turns * D, n^2) and A^T as sparse matrices in the precision of `like`, built when they are first used."""
        key = (like.dtype, like.device)
        if key not in self._matrices:
            matrix = self._built(np.float64 if like.dtype == torch.float64 else np.float32)
            self._matrices[key] = (_sparse(matrix, like), _sparse(matrix.T.tocsr(), like))
        return self._matrices[key]

    def _built(self, kind: type) -> Any:
        """A as a scipy matrix by rows. It grows in place, view by view, so that nothing as large stands beside it."""
        from scipy.sparse import csr_matrix

        theta = self.angles[: len(self.angles) // self.turns].numpy()
        data: np.ndarray = np.empty(0, kind)
        pixels, ends = np.empty(0, np.int32), [np.zeros(1, np.int64)]
        step = max(1, BLOCK // self.size**2)
        for first in range(0, len(theta), step):
            here = theta[first : first + step]
            view, bin_, pixel, weight = self.entries(here)
            seen = (bin_ >= 0) & (bin_ < self.detectors) & (weight > 1e-9)
            places = ((view * self.detectors + bin_)[seen], pixel[seen])
            shape = (len(here) * self.detectors, self.size**2)
            block = csr_matrix((weight[seen].astype(kind), places), shape=shape)
            filled = len(data)
            for array, more in ((data, block.data), (pixels, block.indices)):
                array.resize(filled + block.nnz, refcheck=False)
                array[filled:] = more
            ends.append(block.indptr[1:].astype(np.int64) + filled)
        pointers = np.concatenate(ends)
        if len(data) < 2**31:
            pointers = pointers.astype(np.int32)
        return csr_matrix((data, pixels, pointers), shape=(len(theta) * self.detectors, self.size**2))

    def _multiply(self, matrix: Tensor, x: Tensor, height: int, width: int) -> Tensor:
        flat = x.reshape(x.shape[0] * x.shape[1], -1).T
        return (matrix @ flat).T.reshape(*x.shape[:2], height, width)

    def __call__(self, x: Tensor) -> Tensor:
        if tuple(check_shape(x).shape[-2:]) != (self.size, self.size):
            raise ValueError(
                f"the image is {x.shape[-2]} x {x.shape[-1]}; this {self.name} is for {self.size} x {self.size}."
            )
        turned = torch.cat([torch.rot90(x, -k, (-2, -1)) for k in range(self.turns)])
        seen = self._multiply(self._pair(x)[0], turned, len(self.angles) // self.turns, self.detectors)
        return torch.cat(seen.chunk(self.turns), dim=2)

    def adjoint(self, y: Tensor) -> Tensor:
        self.check_sinogram(y)
        parts = self._multiply(self._pair(y)[1], torch.cat(y.chunk(self.turns, dim=2)), self.size, self.size)
        back = [torch.rot90(part, k, (-2, -1)) for k, part in enumerate(parts.chunk(self.turns))]
        return torch.stack(back).sum(0)

    def check_sinogram(self, y: Tensor) -> None:
        """Raise ValueError unless y has the views and the bins of this geometry."""
        if tuple(check_shape(y, name="the sinogram").shape[-2:]) != (len(self.angles), self.detectors):
            raise ValueError(
                f"the sinogram is {y.shape[-2]} x {y.shape[-1]}; wanted {len(self.angles)} views x {self.detectors} detectors."
            )

    def gram_spectrum(self, x: Tensor) -> Tensor:
        """About the half spectrum (n, n // 2 + 1) of A^T A for images like x: V / (pi |f|), f in cycles per pixel.

        A^T A is nearly a convolution with V / (pi r), r the distance in pixels; at f = 0, where that is infinite, the value is
        that of the frequency 0.4 / n. It serves as a preconditioner.
        """
        n = self.size
        f = torch.fft.fftfreq(n)[:, None].square() + torch.fft.rfftfreq(n)[None].square()
        return (len(self.angles) / math.pi / f.sqrt().clamp_min(0.4 / n)).to(x)

    def bytes(self) -> int:
        """The memory of the matrices that have been built, in bytes."""
        parts = [(m.crow_indices(), m.col_indices(), m.values()) for pair in self._matrices.values() for m in pair]
        return sum(t.numel() * t.element_size() for part in parts for t in part)


def quarter_turns(angles: Tensor, most: int) -> int:
    """The largest number of blocks, a power of two up to `most`, in which each is the one before plus pi/2."""
    while most > 1:
        if len(angles) % most == 0:
            blocks = angles.reshape(most, -1)
            if bool(((blocks[1:] - blocks[:-1] - math.pi / 2).abs() < 1e-9).all()):
                return most
        most //= 2
    return 1


def angles_of(views: Any, circle: float) -> Tensor:
    """The angles of the views (V,) in radians, float64; they are evenly spaced in [0, circle) if only their number is given."""
    if isinstance(views, int | np.integer) or (isinstance(views, Tensor | np.ndarray) and views.ndim == 0):
        count = check_count(views, "views")
        return circle * torch.arange(count, dtype=torch.float64) / count
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


def check_evenly(angles: Tensor, circle: float) -> None:
    """Raise ValueError unless the views divide [0, circle) evenly, as filtered backprojection takes for granted."""
    step = circle / len(angles)
    if len(angles) > 1 and float((angles.diff() - step).abs().max()) > 1e-6:
        raise ValueError(
            f"the {len(angles)} views do not divide {'a full' if circle > 4 else 'half a'} turn evenly; wanted steps of "
            f"{step:.4g} radians for filtered backprojection, or an iterative method."
        )


Views = int | Tensor | np.ndarray | Sequence[float]


def _sparse(matrix: object, like: Tensor) -> Tensor:
    parts = (matrix.indptr, matrix.indices, matrix.data)  # type: ignore[attr-defined]
    row, column, value = (torch.from_numpy(np.ascontiguousarray(p)) for p in parts)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        out = torch.sparse_csr_tensor(row, column, value, size=matrix.shape, check_invariants=False)  # type: ignore[attr-defined]
    return out.to(like.device)
