"""Data fidelities G(u): value, gradient, proximal map, Moreau envelope. [B] (2) and appendix A.8, (93)-(96).

Both hold an operator A and an observation y. Proximal maps are those of lam G:
prox_{lam G}(z) = argmin_v lam G(v) + ||v - z||^2 / 2.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor

from pnp_course._checks import check_counts, check_image, check_positive, check_same_shape, per_image
from pnp_course.operators import Identity, LinearOperator, ValidBlur

Weight = float | Tensor


class Fidelity(Protocol):
    """What a solver needs from a fidelity. A fidelity has no memory: equal calls give equal answers, in any order."""

    def value(self, u: Tensor) -> float: ...
    def values(self, u: Tensor) -> Tensor: ...
    def grad(self, u: Tensor) -> Tensor: ...
    def prox(self, z: Tensor, lam: Weight) -> Tensor: ...
    def lipschitz(self, x: Tensor) -> float: ...
    @property
    def exact_prox(self) -> bool: ...


class Gaussian:
    """G(u) = ||A u - y||^2 / 2, the log-likelihood of Gaussian noise times its variance.

    Args:
        operator: A.
        y: the observation, floating point, in the space A maps to.
    """

    def __init__(self, operator: LinearOperator, y: Tensor):
        self.operator, self.y = operator, check_image(y, "y")

    def value(self, u: Tensor) -> float:
        """||A u - y||^2 / 2, summed over the batch."""
        return float(self.values(u).sum())

    def values(self, u: Tensor) -> Tensor:
        """||A u - y||^2 / 2 of each image, (B,) in float64 on the CPU."""
        return 0.5 * self._misfit(u).double().flatten(1).square().sum(1).cpu()

    def grad(self, u: Tensor) -> Tensor:
        """A^T (A u - y)."""
        return self.operator.adjoint(self._misfit(u))

    def _misfit(self, u: Tensor) -> Tensor:
        au = self.operator(u)
        check_same_shape(au, self.y, "A x", "y")
        return au - self.y

    def prox(self, z: Tensor, lam: Weight) -> Tensor:
        """(I + lam A^T A)^{-1} (z + lam A^T y), exact. lam: a number, or one for each image (B,)."""
        back = self.operator.adjoint(self.y)
        check_same_shape(z, back, "x", "A^T y")
        lam = _weight(lam, z)
        return self.operator.solve(z + lam * back, lam)

    @property
    def exact_prox(self) -> bool:
        """Is `prox` exact up to rounding, and not an iteration stopped at a tolerance?"""
        return self.operator.closed_form

    def lipschitz(self, x: Tensor) -> float:
        """Lipschitz constant ||A||^2 of the gradient, for images like x."""
        return self.operator.norm(x) ** 2


def _weight(lam: Weight, z: Tensor) -> Weight:
    """A weight > 0 as a float, or as (B, 1, 1, 1) beside the images z (B, C, H, W)."""
    return per_image(check_positive(lam, "lam"), z, "lam")


def prox_kl(z: Tensor, y: Tensor, lam: Weight) -> Tensor:
    """prox of lam <1, v - y log v> at z, elementwise: the root >= 0 of v^2 - (z - lam) v - lam y = 0, [B] (95).

    Example:
        >>> prox_kl(torch.tensor([0.5, 1.0]), torch.tensor([0.5, 0.0]), 0.25)
        tensor([0.5000, 0.7500])
    """
    q = z - lam
    root = (q * q + 4 * lam * y).sqrt()
    # for q < 0 the two terms of (q + root) / 2 cancel; the conjugate form does not
    return torch.where(q >= 0, (q + root) / 2, 2 * lam * y / (root - q).clamp_min(1e-30))


class Poisson:
    """G(u) = <1, A u - y log A u>, the Poisson negative log-likelihood divided by the peak, [B] (2).

    It is convex, but its gradient A^T (1 - y / A u) is not Lipschitz: it blows up where A u goes to 0.

    Args:
        operator: A, with A u >= 0 for u >= 0.
        y: counts / peak, >= 0.
        rho: penalty of the inner ADMM for an operator of norm 1, such as a blur; it is divided by the power of two
            nearest to ||A||^2, since the residual A v - x scales with A. The authors take 2 (CoCo-ADMM) or 1
            (CoCo-PEGD) and 10 iterations; for a blurred photograph at peak 50 the error of the prox is then more than
            twice that of the defaults (a test compares them with the exact map).
        tol, max_inner: the inner ADMM stops once both relative residuals are below `tol`, or after `max_inner`.
        floor: A u is kept above this inside logarithm and division; by default 0.0003 gray levels of 255. Iterates of
            the inexact prox can be slightly negative where the scene is black.

    """

    def __init__(
        self,
        operator: LinearOperator,
        y: Tensor,
        *,
        rho: float = 32.0,
        tol: float = 3e-4,
        max_inner: int = 20,
        floor: float = 1e-6,
    ):
        self.operator, self.y = operator, check_counts(check_image(y, "y"), "y")
        if max_inner < 1:
            raise ValueError(f"max_inner is {max_inner}; wanted at least 1 inner iteration.")
        self.rho, self.tol, self.max_inner, self.floor = check_positive(rho, "rho"), tol, max_inner, floor

    @property
    def exact_prox(self) -> bool:
        """Is `prox` exact up to rounding? It is for A = I; otherwise it is an iteration stopped at `tol`."""
        return isinstance(self.operator, Identity)

    def lipschitz(self, x: Tensor) -> float:
        """Infinity, since the gradient blows up where A u goes to 0. See `relative_smoothness`."""
        return float("inf")

    def relative_smoothness(self) -> float:
        """L = ||y||_1, for which L h - G is convex, with Burg's entropy h = -sum log (Bauschke et al. 2017).

        The smallest such L is below this, see `book/theory/inverse_problems`.
        """
        return float(self.y.double().sum())

    def value(self, u: Tensor) -> float:
        """<1, A u - y log A u>, with 0 log 0 = 0, summed over the batch."""
        return float(self.values(u).sum())

    def values(self, u: Tensor) -> Tensor:
        """<1, A u - y log A u> of each image, (B,) in float64 on the CPU."""
        au = self._image(u).double()
        return (au - torch.xlogy(self.y.double(), au.clamp_min(self.floor))).flatten(1).sum(1).cpu()

    def grad(self, u: Tensor) -> Tensor:
        """A^T (1 - y / A u)."""
        return self.operator.adjoint(1 - self.y / self._image(u).clamp_min(self.floor))

    def _image(self, u: Tensor) -> Tensor:
        au = self.operator(u)
        check_same_shape(au, self.y, "A x", "y")
        return au

    def prox(self, z: Tensor, lam: Weight) -> Tensor:
        """prox_{lam G}(z), by a closed form for A = I, else by the inner ADMM of [B] (93)-(96); lam: a number, or (B,).

        The inner problem is split as min lam <1, x - y log x> + ||v - z||^2 / 2 subject to x = A v, with scaled dual d:

            x <- prox_{lam/rho KL}(A v - d),   v <- (I + rho A^T A)^{-1} (z + rho A^T (x + d)),   d <- d + x - A v.

        Only A v is needed until the end, and A (I + rho A^T A)^{-1} rho A^T = I - (I + rho A A^T)^{-1}, so the loop
        runs in the space of the data, one `solve_data` (two FFTs for a blur) an iteration. Each image of a batch stops
        by itself, as it would alone. A `ValidBlur` is split further: x = K v on the whole canvas, and only where there
        are data does the proximal map of KL move x.
        """
        lam = _weight(lam, z)
        if isinstance(self.operator, Identity):
            check_same_shape(z, self.y, "z", "y")
            return prox_kl(z, self.y, lam)
        rho, a = self._penalty(z), self._split()[0]
        s, _, _ = self._inner_admm(z, lam, rho)
        return a.solve(z + rho * a.adjoint(s), rho)

    def inner_residual(self, z: Tensor, lam: Weight) -> tuple[int, float]:
        """The number of inner ADMM iterations that `prox` makes at z, and the relative residual of its worst image."""
        _, iterations, residual = self._inner_admm(z, _weight(lam, z), self._penalty(z))
        return iterations, float(residual.max())

    def _penalty(self, z: Tensor) -> float:
        """rho divided by the power of two nearest to ||A||^2: a power of two, so that norms of about 1 change nothing."""
        norm = self.operator.norm(z, tol=0.1)
        return self.rho / 2.0 ** round(2 * math.log2(norm)) if norm > 0 else self.rho

    def _split(self) -> tuple[LinearOperator, Tensor, Tensor | None]:
        """The operator of the inner problem, its data, and where there are any; None: everywhere."""
        if isinstance(self.operator, ValidBlur):
            return self.operator.periodic, self.operator.pad(self.y), self.operator.pad(torch.ones_like(self.y)) > 0
        return self.operator, self.y, None

    def _inner_admm(self, z: Tensor, lam: Weight, rho: float) -> tuple[Tensor, int, Tensor]:
        a, y, seen = self._split()
        a_solve_z = a(a.solve(z, rho))
        check_same_shape(a_solve_z, y, "A z", "y")
        av = x = s = a(z)
        d = torch.zeros_like(y)
        running = torch.ones(len(z), 1, 1, 1, dtype=torch.bool, device=z.device)
        residual = torch.zeros(len(z), 1, 1, 1, dtype=z.dtype, device=z.device)
        k = 0
        for k in range(1, self.max_inner + 1):
            new = prox_kl(av - d, y, lam / rho)
            new = new if seen is None else torch.where(seen, new, av - d)
            s_new = new + d
            av_new = a_solve_z + s_new - a.solve_data(s_new, rho)
            moved = torch.maximum(_norms(new - av_new), _norms(new - x)) / _norms(av_new).clamp_min(1e-30)
            s, residual = torch.where(running, s_new, s), torch.where(running, moved, residual)
            x, av, d = new, av_new, s_new - av_new  # for an image that has stopped only s matters
            running = running & (residual > self.tol)
            if not bool(running.any()):
                break
        return s, k, residual


def _norms(v: Tensor) -> Tensor:
    """Euclidean norm of each image, (B, 1, 1, 1)."""
    return v.flatten(1).norm(dim=1).reshape(-1, 1, 1, 1)


def moreau_envelope(fidelity: Fidelity, u: Tensor, lam: float) -> float:
    """e(u) = min_v lam G(v) + ||u - v||^2 / 2, whose gradient is u - prox_{lam G}(u), [B] before (22)."""
    v = fidelity.prox(u, lam)
    return lam * fidelity.value(v) + 0.5 * float((u - v).double().square().sum())
