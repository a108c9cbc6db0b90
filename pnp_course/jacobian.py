"""The Jacobian J of a denoiser at a point: products, spectral norms, symmetry error.

[B] appendix A.5, (58)-(64) and Algorithm 1. A `Linearized` denoiser holds one forward pass; after it J^T w costs one
backward pass to the input and J v one more (double backpropagation), about one forward pass each.
Every product and norm is batched: one vector per image, one pass for the whole batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Map = Callable[[Tensor], Tensor]


class Linearized:
    """The Jacobian J of `denoise` at the images x (B, C, H, W), through one forward pass.

    Each image has its own block of J: products take and give one vector of shape (C, H, W) per image.
    Products made under `torch.enable_grad()` with `graph=True` can be differentiated in the network's weights.
    """

    def __init__(self, denoise: Map, x: Tensor):
        with torch.enable_grad():
            self.x = x.detach().requires_grad_(True)
            self.out = denoise(self.x)
            # J^T w is linear in w: differentiating it once more, in w, gives J v  ([B] (61)-(64))
            self.w = torch.zeros_like(self.out).requires_grad_(True)
            (self.jt_of_w,) = torch.autograd.grad(self.out, self.x, self.w, create_graph=True)

    def jt(self, w: Tensor, graph: bool = False) -> Tensor:
        """J^T w: one vector-Jacobian product, [B] (59)-(60)."""
        return torch.autograd.grad(self.out, self.x, w, retain_graph=True, create_graph=graph)[0]

    def j(self, v: Tensor, graph: bool = False) -> Tensor:
        """J v by double backpropagation, [B] (61)-(64)."""
        return torch.autograd.grad(self.jt_of_w, self.w, v, retain_graph=True, create_graph=graph)[0]


def jv(denoise: Map, x: Tensor, v: Tensor) -> Tensor:
    """J v in forward mode (`torch.func.jvp`), for images and vectors (B, C, H, W): one forward pass with tangents."""
    return torch.func.jvp(denoise, (x,), (v,))[1]


@dataclass(frozen=True)
class LinearMap:
    """A square linear map on images, block diagonal in the batch: `apply` v -> M v, `transpose` w -> M^T w."""

    apply: Callable[..., Tensor]
    transpose: Callable[..., Tensor]
    normal: bool = False  # M^T M = M M^T: then M q alone, iterated, grows like the norm


def antisymmetry(lin: Linearized) -> LinearMap:
    """M = J - J^T, the operator of the Hamiltonian penalty, [B] (17). It is normal, M^T = -M."""

    def apply(v: Tensor, graph: bool = False) -> Tensor:
        return lin.j(v, graph) - lin.jt(v, graph)

    return LinearMap(apply, lambda w: -apply(w), normal=True)


def affine(lin: Linearized, identity: float, jacobian: float) -> LinearMap:
    """M = identity I + jacobian J. Each condition of the papers bounds the norm of one of these by 1 ([B] section 2.1).

    (0, 1): J, nonexpansive. (1, -1): I - J, residual nonexpansive. (-1, 2): 2J - I, firmly nonexpansive.
    (k, 1 - k): k I + (1 - k) J, k-strictly pseudo-contractive.
    """
    return LinearMap(
        lambda v, graph=False: identity * v + jacobian * lin.j(v, graph),
        lambda w: identity * w + jacobian * lin.jt(w),
    )


def cocoercivity(lin: Linearized, gamma: float) -> LinearMap:
    """M = 2 gamma J - I, of norm <= 1 everywhere iff D is gamma-cocoercive, [B] (10), (16) and Lemma 2.1."""
    return affine(lin, -1, 2 * gamma)


def norms(v: Tensor) -> Tensor:
    """Euclidean norm of each image of v (B, C, H, W), as (B, 1, 1, 1)."""
    return v.flatten(1).norm(dim=1).reshape(-1, 1, 1, 1)


@dataclass(frozen=True)
class PowerIteration:
    """Outcome of `power_iteration`.

    `vector` (B, C, H, W) of unit norm per image, `norm` (B,) the estimates ||M q||, `iterations` done, and
    `relative_change` of the norms in the last one (worst image): how far they had settled.
    """

    vector: Tensor
    norm: Tensor
    iterations: int
    relative_change: float


def power_iteration(m: LinearMap, start: Tensor, iterations: int = 15, tol: float = 0.0) -> PowerIteration:
    """||M||_* by power iteration, one vector per image, no gradient; [B] Algorithm 1.

    Iterates q <- M^T M q / ||M^T M q||, or q <- M q / ||M q|| where M is normal (half the work, same limit).
    The estimate ||M q|| is never above the norm. Power iteration is slow where many singular values lie close to
    the largest; then read `relative_change`, or use a Lanczos method.

    Args:
        m: the linear map.
        start: vectors (B, C, H, W), none of them zero.
        iterations: most iterations.
        tol: stop once no norm changes by more than this, relatively.
    """
    q, before, change = start / norms(start), torch.zeros(()), float("inf")
    norm, k = before, 0
    for k in range(1, iterations + 1):
        p = m.apply(q)
        norm = norms(p)
        change = float(((norm - before).abs() / norm.clamp_min(1e-30)).max())
        before = norm
        p = p if m.normal else m.transpose(p)
        q = (p / norms(p).clamp_min(1e-30)).detach()
        if change <= tol:
            break
    return PowerIteration(q, norm.detach().flatten(), k, change)


def dense(denoise: Map, x: Tensor) -> Tensor:
    """The Jacobian of each image of x (B, C, H, W) as a matrix (B, n, n), n = C H W, for patches of up to about 16 x 16.

    One vector-Jacobian product for each of the n pixels, batched over the images. Its eigenvalues
    (`torch.linalg.eigvals`) are complex where it is not symmetric.
    """
    n, lin = x[0].numel(), Linearized(denoise, x)
    rows = []
    for i in range(n):
        basis = torch.zeros_like(x).flatten(1)
        basis[:, i] = 1
        rows.append(lin.jt(basis.reshape(x.shape)).flatten(1))
    return torch.stack(rows, dim=1).detach()


def spectral_norm(m: LinearMap, start: Tensor, iterations: int = 15, tol: float = 0.0) -> Tensor:
    """||M||_* of each image (B,), differentiable in the network's weights.

    The vector q comes from `power_iteration`; only the last ||M q|| carries a gradient. That is exact at a maximiser
    (the derivative of max_q ||M q|| is that of ||M q|| at fixed q) and needs one graph instead of one per iteration.
    """
    q = power_iteration(m, start, iterations, tol).vector
    return norms(m.apply(q, graph=True)).flatten()
