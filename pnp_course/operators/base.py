"""What a degradation A is: a linear map with its exact adjoint, and the two inverses that proximal operators need."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from pnp_course._checks import check_count, check_positive, check_weight

Weight = float | Tensor  # one number for all images, or a tensor of B values, one for each image


class LinearOperator(ABC):
    """A linear map A on images (B, C, H, W), the same for each image: a batch is B separate problems.

    `A(x)` applies it, `A.adjoint(y)` its adjoint A^T: <A x, y> = <x, A^T y> for the sums over all pixels.
    `closed_form`: are `solve` and `solve_data` exact up to rounding, or iterations stopped at a tolerance?
    """

    closed_form = True

    @abstractmethod
    def __call__(self, x: Tensor) -> Tensor:
        """A x."""

    @abstractmethod
    def adjoint(self, y: Tensor) -> Tensor:
        """A^T y."""

    @abstractmethod
    def solve_data(self, s: Tensor, c: Weight, start: Tensor | None = None) -> Tensor:
        """(I + c A A^T)^{-1} s, c >= 0, in the space of the data; `c` and `start` are those of `solve`."""

    def solve(self, z: Tensor, c: Weight, start: Tensor | None = None) -> Tensor:
        """(I + c A^T A)^{-1} z, c >= 0, the main part of the proximal operator of c ||A x - y||^2 / 2.

        By Woodbury's identity, (I + c A^T A)^{-1} = I - c A^T (I + c A A^T)^{-1} A.

        Args:
            c: a float, or a tensor of B values, one for each image.
            start: a first guess for operators without a closed form; the others ignore it.
        """
        c = check_weight(c, z, "c")
        return z - c * self.adjoint(self.solve_data(self(z), c))

    def norm(self, x: Tensor, tol: float = 1e-4, max_iter: int = 500) -> float:
        """||A||_* for images of the shape of x (B, C, H, W), by power iteration on A^T A, from below; exact where known.

        Each image has its own iteration, and the largest of their norms is given. An image stops once an iteration
        changes its value by less than `tol`, relative to the value.
        """
        q = torch.randn((1, *x.shape[1:]), generator=torch.Generator().manual_seed(0), dtype=x.dtype)
        q = q.to(x.device).expand(x.shape)
        norms = torch.zeros(len(x), dtype=torch.float64)
        for _ in range(max_iter):
            q = q / _lengths(q).clamp_min(1e-30)
            p = self(q)
            before, norms = norms, _lengths(p).double().flatten().cpu()
            if bool(((norms - before).abs() <= tol * norms).all()):
                break
            q = self.adjoint(p)
        return float(norms.max())


class IterativeOperator(LinearOperator):
    """An operator whose two inverses have no closed form: conjugate gradients from `start`.

    Args:
        tol, max_iter: the relative residual at which they stop, and the largest number of steps.
    """

    closed_form = False

    def __init__(self, tol: float, max_iter: int):
        self.tol, self.max_iter = check_positive(tol, "tol"), check_count(max_iter, "max_iter")

    def solve(self, z: Tensor, c: Weight, start: Tensor | None = None) -> Tensor:
        """(I + c A^T A)^{-1} z by conjugate gradients from `start`."""
        c = check_weight(c, z, "c")
        return self._solved(lambda v: v + c * self.adjoint(self(v)), z, start)

    def solve_data(self, s: Tensor, c: Weight, start: Tensor | None = None) -> Tensor:
        """(I + c A A^T)^{-1} s by conjugate gradients from `start`."""
        c = check_weight(c, s, "c")
        return self._solved(lambda v: v + c * self(self.adjoint(v)), s, start)

    def _solved(self, apply: Callable[[Tensor], Tensor], right: Tensor, start: Tensor | None) -> Tensor:
        return conjugate_gradient(apply, right, start, tol=self.tol, max_iter=self.max_iter)[0]


class Identity(LinearOperator):
    """A = I: denoising."""

    def __call__(self, x: Tensor) -> Tensor:
        return x

    def adjoint(self, y: Tensor) -> Tensor:
        return y

    def solve(self, z: Tensor, c: Weight, start: Tensor | None = None) -> Tensor:
        return z / (1 + check_weight(c, z, "c"))

    def solve_data(self, s: Tensor, c: Weight, start: Tensor | None = None) -> Tensor:
        return self.solve(s, c)

    def norm(self, x: Tensor, tol: float = 1e-4, max_iter: int = 500) -> float:
        """1."""
        return 1.0


def conjugate_gradient(
    apply: Callable[[Tensor], Tensor],
    right: Tensor,
    start: Tensor | None = None,
    *,
    tol: float = 1e-5,
    max_iter: int = 100,
    precondition: Callable[[Tensor], Tensor] | None = None,
) -> tuple[Tensor, int, float]:
    """Solve M x = right for a symmetric positive definite M, each image separately (Hestenes, Stiefel 1952).

    Every image has its own step lengths and stops by its own residual, so its result is the one it would have alone.

    Args:
        apply: x -> M x, which must not mix the images of a batch.
        right: (B, C, H, W).
        start: first x, zero by default.
        tol: stop once ||M x - right|| <= tol ||right||.
        precondition: r -> an approximation of M^{-1} r, symmetric and positive definite, image by image.

    Returns:
        x, the largest number of iterations of an image, and the largest relative residual of an image.
    """
    check_positive(tol, "tol")
    x = torch.zeros_like(right) if start is None else start
    r = right - apply(x) if start is not None else right.clone()
    q = r if precondition is None else precondition(r)
    p, rr, rq, goal, k = q, _squares(r), _dots(r, q), (tol**2) * _squares(right), 0
    while bool((active := rr > goal).any()) and k < max_iter:
        mp = apply(p)
        step = torch.where(active, rq / _dots(p, mp), 0.0).to(x)
        x, r = torch.where(active, x + step * p, x), torch.where(active, r - step * mp, r)
        q = r if precondition is None else precondition(r)
        rr, rq, before = _squares(r), _dots(r, q), rq
        p, k = torch.where(active, q + (rq / before).to(x) * p, p), k + 1
    return x, k, float((rr / _squares(right).clamp_min(1e-60)).max().sqrt())


def _dots(a: Tensor, b: Tensor) -> Tensor:
    """<a, b> of each image, (B, 1, ..., 1) in float64."""
    return (a * b).flatten(1).sum(1).double().reshape(-1, *[1] * (a.ndim - 1))


def _lengths(a: Tensor) -> Tensor:
    """The Euclidean norm of each image, (B, 1, ..., 1)."""
    return a.flatten(1).norm(dim=1).reshape(-1, *[1] * (a.ndim - 1))


def _squares(a: Tensor) -> Tensor:
    return _dots(a, a)
