"""Lanczos: both ends of the spectrum of a symmetric map, for every image of a batch at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pnp_course._checks import check_shape, is_unread
from pnp_course.linearize import Map


def norms(v: Tensor) -> Tensor:
    """Euclidean norm of each image of v (B, C, H, W), as (B, 1, 1, 1)."""
    return v.flatten(1).norm(dim=1).reshape(-1, 1, 1, 1)


def normed(start: Tensor) -> Tensor:
    """Divide the vectors (B, C, H, W) by their norms; raise ValueError if one of them is zero or not finite.

    Inside `unread` this is not looked at, and such a vector becomes NaN.
    """
    size = norms(check_shape(start, name="the start vector"))
    if not is_unread() and not bool(((size > 0) & (size < float("inf"))).all()):
        raise ValueError(
            "a start vector is zero or not finite; wanted one nonzero vector per image: torch.randn_like(x) is one."
        )
    return start / size


@dataclass(frozen=True)
class SpectrumEnds:
    """The result of `lanczos`, each (B,) on the CPU: Ritz values `low`, `high`, and bounds of their distance to an eigenvalue.

    low_vector, high_vector: their Ritz vectors (B, C, H, W), of unit norm.
    """

    low: Tensor
    high: Tensor
    low_error: Tensor
    high_error: Tensor
    low_vector: Tensor
    high_vector: Tensor


def lanczos(apply: Map, start: Tensor, iterations: int = 30) -> SpectrumEnds:
    """Both ends of the spectrum of a symmetric map, one run for the whole batch (Lanczos, full reorthogonalisation).

    The Ritz values lie inside the spectrum, so `high` is never above the largest eigenvalue, nor `low` below the
    smallest (rounding apart). Memory: `iterations` vectors per image.

    The Krylov space of a map with few distinct eigenvalues ends early: what is left of a product after
    orthogonalisation is then rounding noise. Such an image goes on from a random vector orthogonal to its basis,
    without coupling to it.

    Args:
        apply: v -> S v, S symmetric, v (B, C, H, W).
        start: vectors (B, C, H, W), none of them zero.
        iterations: the number of products with S; at most the number of values in an image is used.
    """
    krylov = Krylov.of(apply, start, iterations)
    tridiagonal, lost = (v.cpu() for v in krylov.matrices())
    if not torch.isfinite(tridiagonal).all():
        raise ValueError("a product of the map holds NaN or infinity; wanted a finite denoiser at finite images.")
    values, vectors = torch.linalg.eigh(tridiagonal)
    rounding = 10 * torch.finfo(krylov.basis.dtype).eps * krylov.scale.double().cpu()
    error = (lost[:, :, None] * vectors.abs()).sum(1) + rounding
    low, high = (krylov.combined(vectors[:, :, i]) for i in (0, -1))
    return SpectrumEnds(values[:, 0], values[:, -1], error[:, 0], error[:, -1], low, high)


def dominant(apply: Map, start: Tensor, iterations: int) -> Tensor:
    """The vectors (B, C, H, W) in the Krylov spaces of a symmetric map at which it is longest; see `lanczos`.

    Both ends of the spectrum compete. Inside `unread` nothing is read from the device; a Krylov space that ends early is
    then left as it is, and so is a product that is not finite, which makes the result NaN.
    """
    krylov = Krylov.of(apply, start, iterations)
    matrix, _ = krylov.matrices()
    if not is_unread() and not torch.isfinite(matrix).all():
        raise ValueError("a product of the map holds NaN or infinity; wanted a finite denoiser at finite images.")
    return normed(krylov.combined(top_eigenvector(matrix @ matrix)))


def top_eigenvector(matrices: Tensor, squarings: int = 40) -> Tensor:
    """An eigenvector (B, k) of the largest eigenvalue of each positive semidefinite matrix (B, k, k), by squaring.

    The power 2^40 is of rank one up to rounding, unless two eigenvalues agree in all their digits, and then any vector of
    their space will do. `torch.linalg.eigh` would wait for the device.
    """
    tiny = torch.finfo(matrices.dtype).tiny
    for _ in range(squarings):
        matrices = matrices / matrices.abs().amax((1, 2), keepdim=True).clamp_min(tiny)
        matrices = matrices @ matrices
    first = torch.zeros_like(matrices[:, 0])
    first[:, 0].fill_(1)
    lengths = matrices.norm(dim=1)  # of the columns, each a multiple of the vector
    best = lengths.argmax(1).reshape(-1, 1, 1).expand(-1, matrices.shape[1], 1)
    return torch.where(lengths.amax(1, keepdim=True) > 0, matrices.gather(2, best)[:, :, 0], first)


@dataclass(frozen=True)
class Krylov:
    """What a Lanczos run has found: orthonormal bases (k, B, n), and the map in them.

    diagonal, beside, ended: of the tridiagonal matrices, and where their spaces end, (B, k). scale: of the map, (B, 1).
    shape: of a batch of vectors, (B, C, H, W).
    """

    basis: Tensor
    diagonal: Tensor
    beside: Tensor
    ended: Tensor
    scale: Tensor
    shape: torch.Size

    @classmethod
    def of(cls, apply: Map, start: Tensor, iterations: int) -> Krylov:
        """Make the run; the arguments are those of `lanczos`."""
        if iterations < 1:
            raise ValueError(f"iterations is {iterations}; wanted at least 1.")
        start = normed(start)
        count = min(iterations, start[0].numel())
        precise = torch.float64 if start.dtype == torch.float64 else torch.float32
        basis = torch.empty(count + 1, *start.shape, dtype=precise, device=start.device).flatten(2)  # (k, B, n)
        basis[0] = start.flatten(1)
        scale = basis.new_zeros(len(start), 1)  # of the map, as far as it is known
        diagonal, beside, ended = [], [], []
        for k in range(count):
            w = apply(basis[k].reshape(start.shape)).flatten(1)
            diagonal.append((w * basis[k]).sum(1))
            scale = torch.maximum(scale, w.norm(dim=1, keepdim=True))
            once = _orthogonal(w, basis[: k + 1])
            w = _orthogonal(once, basis[: k + 1])  # twice is enough to keep the basis orthogonal to rounding
            norm, spent = w.norm(dim=1), _spent(w, once, scale)
            beside.append(norm)
            ended.append(spent)
            if k + 1 < count:
                basis[k + 1] = w / norm.clamp_min(torch.finfo(norm.dtype).tiny)[:, None]
                if is_unread():
                    basis[k + 1].masked_fill_(spent[:, None], 0.0)
                elif bool(spent.any()):
                    basis[k + 1] = torch.where(spent[:, None], _fresh(basis[: k + 1], k), basis[k + 1])
        return cls(
            basis[:count], torch.stack(diagonal, 1), torch.stack(beside, 1), torch.stack(ended, 1), scale, start.shape
        )

    def matrices(self) -> tuple[Tensor, Tensor]:
        """The tridiagonal matrices (B, k, k), float64, and what they leave out, by column (B, k)."""
        return _matrix(self.diagonal, self.beside, self.ended)

    def combined(self, weights: Tensor) -> Tensor:
        """The vectors (B, C, H, W) with these coordinates (B, k)."""
        return torch.einsum("bk,kbn->bn", weights.to(self.basis), self.basis).reshape(self.shape)


def _matrix(diagonal: Tensor, beside: Tensor, ended: Tensor) -> tuple[Tensor, Tensor]:
    """The tridiagonal matrices (B, k, k), float64, and what they leave out, by column (B, k); the arguments are (B, k)."""
    diagonal, beside = diagonal.double(), beside.double()
    coupled = torch.where(ended, 0.0, beside)[:, :-1]
    matrix = diagonal.diag_embed() + coupled.diag_embed(1) + coupled.diag_embed(-1)
    lost = torch.where(ended, beside, 0.0)
    lost[:, -1] = beside[:, -1]
    return matrix, lost


def _orthogonal(w: Tensor, basis: Tensor) -> Tensor:
    """w (B, n) without its components along the basis (k, B, n)."""
    return w - torch.einsum("kb,kbn->bn", torch.einsum("kbn,bn->kb", basis, w), basis)


def _spent(w: Tensor, once: Tensor, scale: Tensor) -> Tensor:
    """Which images have only rounding noise left (B,), from w after two orthogonalisations and `once` after one.

    If the second one shortens a vector, the vector was what rounding had left along the basis (Kahan's criterion).
    """
    left = w.norm(dim=1)
    return (left <= 8 * torch.finfo(w.dtype).eps * scale[:, 0]) | (left < 0.7 * once.norm(dim=1))


def _fresh(basis: Tensor, seed: int) -> Tensor:
    """Random unit vectors (B, n) orthogonal to the basis (k, B, n), k < n."""
    generator = torch.Generator().manual_seed(
        0x5EED << 16 | seed
    )  # not the seed of a usual start, which lies in the basis
    w = torch.randn(basis.shape[1:], generator=generator, dtype=torch.float64).to(basis)
    for _ in range(3):  # once more than elsewhere, since little may be left of w
        w = _orthogonal(w, basis)
        w = w / w.norm(dim=1, keepdim=True)
    return w
