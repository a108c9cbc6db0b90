"""Data fidelities G(u): value, gradient, proximal map, Moreau envelope. [B] (2) and appendix A.8, (93)-(96).

Both hold an operator A and an observation y. Proximal maps are those of lam G:
prox_{lam G}(z) = argmin_v lam G(v) + ||v - z||^2 / 2.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from pnp_course._checks import check_counts, check_image, check_positive, check_same_shape
from pnp_course.operators import Identity, LinearOperator


class Fidelity(Protocol):
    """What a solver asks of a fidelity."""

    def value(self, u: Tensor) -> float: ...
    def grad(self, u: Tensor) -> Tensor: ...
    def prox(self, z: Tensor, lam: float) -> Tensor: ...
    def reset(self) -> None: ...
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
        """||A u - y||^2 / 2."""
        return 0.5 * float(self._misfit(u).double().square().sum())

    def grad(self, u: Tensor) -> Tensor:
        """A^T (A u - y)."""
        return self.operator.adjoint(self._misfit(u))

    def _misfit(self, u: Tensor) -> Tensor:
        au = self.operator(u)
        check_same_shape(au, self.y, "A x", "y")
        return au - self.y

    def prox(self, z: Tensor, lam: float) -> Tensor:
        """(I + lam A^T A)^{-1} (z + lam A^T y), exact."""
        back = self.operator.adjoint(self.y)
        check_same_shape(z, back, "x", "A^T y")
        return self.operator.solve(z + lam * back, check_positive(lam, "lam"))

    def reset(self) -> None:
        """Nothing to forget: the prox is exact, or as exact as the operator's `solve`."""

    @property
    def exact_prox(self) -> bool:
        """Is `prox` exact up to rounding, and not an iteration stopped at a tolerance?"""
        return self.operator.closed_form

    def lipschitz(self, x: Tensor) -> float:
        """Lipschitz constant ||A||^2 of the gradient, for images like x."""
        return self.operator.norm(x) ** 2


def prox_kl(z: Tensor, y: Tensor, lam: float) -> Tensor:
    """prox of lam <1, v - y log v> at z, elementwise: the root >= 0 of v^2 - (z - lam) v - lam y = 0, [B] (95)."""
    q = z - lam
    root = (q * q + 4 * lam * y).sqrt()
    # for q < 0 the two terms of (q + root) / 2 cancel; the conjugate form does not
    return torch.where(q >= 0, (q + root) / 2, 2 * lam * y / (root - q).clamp_min(1e-30))


@dataclass
class InnerADMM:
    """What the last inexact prox did: `iterations`, and `residual`, the larger relative residual it stopped at."""

    iterations: int = 0
    residual: float = 0.0


class Poisson:
    """G(u) = <1, A u - y log A u>, the Poisson negative log-likelihood divided by the peak, [B] (2).

    It is convex, but its gradient A^T (1 - y / A u) is not Lipschitz: it blows up where A u goes to 0.

    Args:
        operator: A, with A u >= 0 for u >= 0.
        y: counts / peak, >= 0.
        rho: penalty of the inner ADMM (2 in the authors' CoCo-ADMM, 1 in CoCo-PEGD).
        tol, max_inner: the inner ADMM stops once both relative residuals are below `tol`, or after `max_inner`.
        floor: A u is kept above this inside logarithm and division, 0.0003 gray levels of 255: iterates of the inexact
            prox can be slightly negative where the scene is black.

    A prox with A != I starts from A v and dual variable of the call before (successive calls of a solver are close);
    `reset()` forgets them, and every solver calls it first. `inner` says how the last one ended.
    """

    def __init__(
        self, operator: LinearOperator, y: Tensor, *, rho: float = 2.0, tol: float = 1e-3, max_inner: int = 10,
        floor: float = 1e-6,
    ):  # fmt: skip
        self.operator, self.y = operator, check_counts(check_image(y, "y"), "y")
        if max_inner < 1:
            raise ValueError(f"max_inner is {max_inner}; wanted at least 1 inner iteration.")
        self.rho, self.tol, self.max_inner = check_positive(rho, "rho"), tol, max_inner
        self.floor, self.inner = floor, InnerADMM()
        self.reset()

    @property
    def exact_prox(self) -> bool:
        """Is `prox` exact up to rounding? Only for A = I; else it is an iteration stopped at `tol`."""
        return isinstance(self.operator, Identity)

    def lipschitz(self, x: Tensor) -> float:
        """Infinite: the gradient blows up where A u goes to 0. See `relative_smoothness`."""
        return float("inf")

    def relative_smoothness(self) -> float:
        """||y||_1: L h - G is convex for h = -sum log, Burg's entropy (Bauschke et al. 2017).

        The least such L is smaller, see `book/theory/inverse_problems`.
        """
        return float(self.y.double().sum())

    def reset(self) -> None:
        """Forget the warm start."""
        self._start: tuple[Tensor, Tensor] | None = None

    def value(self, u: Tensor) -> float:
        """<1, A u - y log A u>, with 0 log 0 = 0."""
        au = self._image(u).double()
        return float((au - torch.xlogy(self.y.double(), au.clamp_min(self.floor))).sum())

    def grad(self, u: Tensor) -> Tensor:
        """A^T (1 - y / A u)."""
        return self.operator.adjoint(1 - self.y / self._image(u).clamp_min(self.floor))

    def _image(self, u: Tensor) -> Tensor:
        au = self.operator(u)
        check_same_shape(au, self.y, "A x", "y")
        return au

    def prox(self, z: Tensor, lam: float) -> Tensor:
        """prox_{lam G}(z): closed form for A = I, else the inner ADMM of [B] (93)-(96).

        The inner problem is split as min lam <1, x - y log x> + ||v - z||^2 / 2 subject to x = A v, with scaled dual d:

            x <- prox_{lam/rho KL}(A v - d),   v <- (I + rho A^T A)^{-1} (z + rho A^T (x + d)),   d <- d + x - A v.

        Only A v is needed until the end, and A (I + rho A^T A)^{-1} rho A^T = I - (I + rho A A^T)^{-1}, so the loop runs
        in the space of the data, one `solve_data` (two FFTs for a blur) an iteration.
        """
        check_positive(lam, "lam")
        if isinstance(self.operator, Identity):
            check_same_shape(z, self.y, "z", "y")
            return prox_kl(z, self.y, lam)
        a, rho = self.operator, self.rho
        a_solve_z = a(a.solve(z, rho))
        check_same_shape(a_solve_z, self.y, "A z", "y")
        av, d = self._start or (a(z), torch.zeros_like(self.y))
        x = s = av
        for k in range(1, self.max_inner + 1):
            x, before = prox_kl(av - d, self.y, lam / rho), x
            s = x + d
            av = a_solve_z + s - a.solve_data(s, rho)
            d = s - av
            scale = float(av.norm().clamp_min(1e-30))
            residual = max(float((x - av).norm()), float((x - before).norm())) / scale
            if residual <= self.tol:
                break
        self._start, self.inner = (av, d), InnerADMM(k, residual)
        return a.solve(z + rho * a.adjoint(s), rho)


def moreau_envelope(fidelity: Fidelity, u: Tensor, lam: float) -> float:
    """e(u) = min_v lam G(v) + ||u - v||^2 / 2, whose gradient is u - prox_{lam G}(u), [B] before (22)."""
    v = copy(fidelity).prox(u, lam)  # a copy: looking must not move the warm start of the run that is looked at
    return lam * fidelity.value(v) + 0.5 * float((u - v).double().square().sum())
