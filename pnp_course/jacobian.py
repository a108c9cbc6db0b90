"""Norms and spectra of a denoiser's Jacobian, from products with it: [B] appendix A.5, Algorithm 1.

Each condition of the papers says that some linear map M made of J has norm at most 1 everywhere, or vanishes. This
module has those maps, and three ways to measure them: power iteration (the papers' way, from below), Lanczos (faster,
both ends of a spectrum), and the dense matrix of a small patch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pnp_course.lanczos import dominant, lanczos, normed, norms
from pnp_course.linearize import Gated, Linearized, Map, jv, linearize

__all__ = [
    "Gated",
    "LinearMap",
    "Linearized",
    "PowerIteration",
    "affine",
    "antisymmetry",
    "cocoercivity",
    "dense",
    "eigenvalues",
    "jv",
    "lanczos",
    "linearize",
    "operator_norm",
    "power_iteration",
    "pseudo_contraction",
    "spectral_norm",
    "strict_pseudo_contraction",
    "symmetric_part",
    "top_vector",
]

Pairs = list[tuple[Tensor, Tensor, float]]


@dataclass(frozen=True)
class LinearMap:
    """A square linear map M on images, block diagonal in the batch.

    apply: q -> M q. transpose: w -> M^T w.
    normal: M^T M = M M^T; then iterating M alone is enough to find the norm. symmetric: M = M^T.
    pairs: for a map made of a Jacobian J, (q, u) -> [(a, b, c), ...] with d<u, M q> = sum of c <a, dJ b>, from which
        ||M||_* is differentiated in the network's weights.
    """

    apply: Map
    transpose: Map
    normal: bool = False
    symmetric: bool = False
    pairs: Callable[[Tensor, Tensor], Pairs] | None = None


def antisymmetry(lin: Linearized | Gated) -> LinearMap:
    """M = J - J^T, the operator of the Hamiltonian penalty, [B] (17). It is normal, M^T = -M."""
    return LinearMap(
        lambda v: lin.j(v) - lin.jt(v),
        lambda w: lin.jt(w) - lin.j(w),
        normal=True,
        pairs=lambda q, u: [(u, q, 1.0), (q, u, -1.0)],
    )


def symmetric_part(lin: Linearized | Gated) -> LinearMap:
    """S = (J + J^T) / 2."""

    def apply(v: Tensor) -> Tensor:
        return lin.jt(v) if lin.symmetric else (lin.j(v) + lin.jt(v)) / 2

    return LinearMap(apply, apply, normal=True, symmetric=True)


def affine(lin: Linearized | Gated, identity: float, jacobian: float) -> LinearMap:
    """M = identity I + jacobian J. Each condition of the ladder bounds the norm of one of these by 1 ([B] section 2.1).

    (0, 1): J, nonexpansive. (1, -1): I - J, residual nonexpansive. (-1, 2): 2J - I, firmly nonexpansive.
    """
    return LinearMap(
        lambda v: identity * v + jacobian * lin.j(v),
        lambda w: identity * w + jacobian * lin.jt(w),
        normal=lin.symmetric,
        symmetric=lin.symmetric,
        pairs=lambda q, u: [(u, q, jacobian)],
    )


def cocoercivity(lin: Linearized | Gated, gamma: float, slack: float = 0.0) -> LinearMap:
    """M = 2 gamma J - I, of norm <= 1 everywhere iff D is gamma-cocoercive, [B] (10), (16) and Lemma 2.1.

    gamma = 1 is firm nonexpansiveness, gamma = 1/2 nonexpansiveness of the residual I - D. With a `slack` delta,
    M = (2 J - (1 / gamma - delta) I) / (1 / gamma + delta): for a symmetric J its norm is at most 1 iff the spectrum of
    J lies in [-delta, 1 / gamma], which is all that the sharpened bound on the averaging asks
    (book/theory/proximal_denoiser).
    """
    width = 1 / gamma + slack
    return affine(lin, -(1 / gamma - slack) / width, 2 / width)


def strict_pseudo_contraction(lin: Linearized | Gated, k: float) -> LinearMap:
    """M = k I + (1 - k) J, of norm <= 1 iff D is k-strictly pseudo-contractive; source: Wei et al. 2024."""
    return affine(lin, k, 1 - k)


def pseudo_contraction(lin: Linearized | Gated, solves: int = 8) -> LinearMap:
    """M = (J - 10 I)^{-1} (J + 8 I), of norm <= 1 iff <v, J v> <= ||v||^2 for all v (pseudo-contractive, k = 1).

    ||(J + 8) p|| <= ||(J - 10) p|| squared and sorted is <p, J p> <= ||p||^2, and p = (J - 10)^{-1} v is arbitrary.
    The inverse is the Neumann series of (I - J / 10)^{-1}, `solves` terms: its error is (||J|| / 10)^solves.
    Source: Wei et al. 2024, with the authors' constants 10 and 8.
    """

    def solve(product: Map, right: Tensor) -> Tensor:
        p = -right / 10
        for _ in range(solves):
            p = (product(p) - right) / 10
        return p

    def pairs(q: Tensor, u: Tensor) -> Pairs:
        # dM = (J - 10)^{-1} dJ (I - M)
        return [(solve(lin.jt, u), q - solve(lin.j, lin.j(q) + 8 * q), 1.0)]

    return LinearMap(
        lambda v: solve(lin.j, lin.j(v) + 8 * v),
        lambda w: solve(lin.jt, lin.jt(w) + 8 * w),
        pairs=pairs,
    )


@dataclass(frozen=True)
class PowerIteration:
    """The result of `power_iteration`.

    `vector` (B, C, H, W) has unit norm in each image, `norm` (B,) holds the estimates ||M q||, `iterations` is their
    number, and `relative_change` that of the norms in the last iteration (worst image), which shows whether they
    settled.
    """

    vector: Tensor
    norm: Tensor
    iterations: int
    relative_change: float


def power_iteration(m: LinearMap, start: Tensor, iterations: int = 15, tol: float = 0.0) -> PowerIteration:
    """||M||_* by power iteration, one vector per image, without a gradient; [B] Algorithm 1.

    It iterates q <- M^T M q / ||M^T M q||, or q <- M q / ||M q|| where M is normal (half the work per iteration, and
    the same estimates for the same number of products). The estimate ||M q|| is never above the norm. Power iteration
    is slow where many singular values lie close to the largest; then look at `relative_change`, or use `operator_norm`.

    Args:
        m: the linear map.
        start: vectors (B, C, H, W), none of them zero.
        iterations: the largest number of iterations; with 0 the start is only normalised.
        tol: stop once no norm changes by more than this, relative to itself.
    """
    q, before, change = normed(start), start.new_zeros(()), float("inf")
    norm, k = start.new_zeros(len(start), 1, 1, 1), 0
    for k in range(1, iterations + 1):
        q, norm = _iterated(m, q)
        change = float(((norm - before).abs() / norm.clamp_min(1e-30)).max())
        before = norm
        if change <= tol:
            break
    return PowerIteration(q, norm.detach().flatten(), k, change)


def _iterated(m: LinearMap, q: Tensor) -> tuple[Tensor, Tensor]:
    """The next vectors of the power iteration, and ||M q|| (B, 1, 1, 1) of these."""
    p = m.apply(q)
    norm = norms(p)
    p = p if m.normal else m.transpose(p)
    size = norms(p)  # where M q vanishes, q is kept, since no better vector is known
    return torch.where(size > 1e-30, p / size.clamp_min(1e-30), q).detach(), norm


def operator_norm(m: LinearMap, start: Tensor, iterations: int = 20) -> Tensor:
    """||M||_* of each image (B,), as the root of the largest eigenvalue of M^T M by Lanczos; a close lower bound."""
    return lanczos(lambda v: m.transpose(m.apply(v)), start, iterations).high.clamp_min(0).sqrt()


def top_vector(m: LinearMap, start: Tensor, iterations: int) -> Tensor:
    """The unit vector q with the largest ||M q|| in the Krylov space of `iterations` products, found by Lanczos.

    It is as good as the result of many more power iterations, since Lanczos uses all earlier products. For a symmetric
    M it is one of the two extreme Ritz vectors, else the top one of M^T M (two products per iteration).
    """
    return dominant(m.apply if m.symmetric else lambda v: m.transpose(m.apply(v)), start, iterations)


def spectral_norm(
    m: LinearMap, lin: Linearized | Gated, start: Tensor, iterations: int = 15, method: str = "power"
) -> Tensor:
    """||M||_* of each image (B,), differentiable in the network's weights.

    The vector q comes from `power_iteration` (`method` "power", the papers') or from `top_vector` ("lanczos"), without
    a graph; only the last ||M q|| has a gradient. That is exact at a maximiser (the derivative of max_q ||M q|| is that
    of ||M q|| at fixed q). With u = M q / ||M q|| the gradient is <u, dM q>, a sum of products of the form <a, dJ b> at
    constant vectors, each of which costs about one training step of the network. Inside `_checks.unread` no number is read
    from the device.
    """
    if m.pairs is None:
        raise ValueError("this LinearMap has no `pairs`, so its norm cannot be differentiated in the weights.")
    if method == "lanczos" and iterations > 0:
        q = top_vector(m, start, iterations)
    else:
        q = normed(start)
        for _ in range(iterations):
            q, _ = _iterated(m, q)
    p = m.apply(q).detach()
    value = norms(p)
    terms = [c * lin.pairing(a.detach(), b.detach()) for a, b, c in m.pairs(q, p / value.clamp_min(1e-30))]
    gradient_carrier = torch.stack(terms).sum(0)
    return value.flatten() + gradient_carrier - gradient_carrier.detach()


def dense(denoise: Map, x: Tensor) -> Tensor:
    """The Jacobian of each image of x (B, C, H, W) as a matrix (B, n, n), n = C H W, for patches of up to about 16 x 16.

    It takes one vector-Jacobian product for each of the n pixels, batched over the images.

    Example:
        >>> dense(lambda x: 0.5 * x, torch.zeros(1, 1, 1, 2))
        tensor([[[0.5000, 0.0000],
                 [0.0000, 0.5000]]])
    """
    n, lin = x[0].numel(), Linearized(denoise, x, symmetric=True)  # only J^T w is needed
    rows = []
    for i in range(n):
        basis = torch.zeros_like(x).flatten(1)
        basis[:, i] = 1
        rows.append(lin.jt(basis.reshape(x.shape)).flatten(1))
    return torch.stack(rows, dim=1).detach()


def eigenvalues(denoise: Map, x: Tensor) -> Tensor:
    """The eigenvalues of the Jacobian at small images x (B, C, H, W), (B, n); complex, as J need not be symmetric."""
    return torch.linalg.eigvals(dense(denoise, x).double())
