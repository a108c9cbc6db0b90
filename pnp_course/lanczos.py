"""Lanczos: both ends of the spectrum of a symmetric map, for every image of a batch at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pnp_course._checks import check_shape
from pnp_course.linearize import Map


def norms(v: Tensor) -> Tensor:
    """Euclidean norm of each image of v (B, C, H, W), as (B, 1, 1, 1)."""
    return v.flatten(1).norm(dim=1).reshape(-1, 1, 1, 1)


def normed(start: Tensor) -> Tensor:
    """Divide the vectors (B, C, H, W) by their norms; raise ValueError if one of them is zero or not finite."""
    size = norms(check_shape(start, name="the start vector"))
    if not bool(((size > 0) & (size < float("inf"))).all()):
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
    if iterations < 1:
        raise ValueError(f"iterations is {iterations}; wanted at least 1.")
    start = normed(start)
    count = min(iterations, start[0].numel())
    precise = torch.float64 if start.dtype == torch.float64 else torch.float32
    basis = torch.empty(count + 1, *start.shape, dtype=precise, device=start.device).flatten(2)  # (k, B, n)
    basis[0] = start.flatten(1)
    scale = basis.new_zeros(len(start), 1)  # of the map, as far as it is known
    diagonal, beside, ended = [], [], []  # of the tridiagonal matrices, and where their spaces end; each (B,)
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
            if bool(spent.any()):
                basis[k + 1] = torch.where(spent[:, None], _fresh(basis[: k + 1], k), basis[k + 1])
    tridiagonal, lost = _matrix(*(torch.stack(values, 1).cpu() for values in (diagonal, beside, ended)))
    if not torch.isfinite(tridiagonal).all():
        raise ValueError("a product of the map holds NaN or infinity; wanted a finite denoiser at finite images.")
    values, vectors = torch.linalg.eigh(tridiagonal)
    rounding = 10 * torch.finfo(basis.dtype).eps * scale.double().cpu()
    error = (lost[:, :, None] * vectors.abs()).sum(1) + rounding
    ends = [torch.einsum("bk,kbn->bn", vectors[:, :, i].to(basis), basis[:count]).reshape(start.shape) for i in (0, -1)]
    return SpectrumEnds(values[:, 0], values[:, -1], error[:, 0], error[:, -1], ends[0], ends[1])


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
