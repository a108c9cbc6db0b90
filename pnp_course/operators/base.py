"""What a degradation A is: a linear map with its exact adjoint, and the two inverses that proximal maps need."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from pnp_course._checks import check_positive


class LinearOperator(ABC):
    """A linear map A on images (B, C, H, W).

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
    def solve_data(self, s: Tensor, c: float, start: Tensor | None = None) -> Tensor:
        """(I + c A A^T)^{-1} s, c >= 0, in the space of the data; `start` as in `solve`."""

    def solve(self, z: Tensor, c: float, start: Tensor | None = None) -> Tensor:
        """(I + c A^T A)^{-1} z, c >= 0: the heart of the proximal map of c ||A x - y||^2 / 2.

        By Woodbury's identity, (I + c A^T A)^{-1} = I - c A^T (I + c A A^T)^{-1} A.

        Args:
            start: a guess; operators without a closed form start there, the others have no use for it.
        """
        return z - c * self.adjoint(self.solve_data(self(z), c))

    def norm(self, x: Tensor, tol: float = 1e-4, max_iter: int = 500) -> float:
        """||A||_* for images of the shape of x (B, C, H, W), by power iteration on A^T A, from below; exact where known.

        Stops once an iteration changes it by less than `tol`, relatively.
        """
        q = torch.randn(x.shape, generator=torch.Generator().manual_seed(0), dtype=x.dtype).to(x.device)
        before = 0.0
        for _ in range(max_iter):
            q = q / q.norm()
            p = self(q)
            now = float(p.norm())
            if now == 0 or abs(now - before) <= tol * now:
                break
            before, q = now, self.adjoint(p)
        return now


class Identity(LinearOperator):
    """A = I: denoising."""

    def __call__(self, x: Tensor) -> Tensor:
        return x

    def adjoint(self, y: Tensor) -> Tensor:
        return y

    def solve(self, z: Tensor, c: float, start: Tensor | None = None) -> Tensor:
        return z / (1 + c)

    def solve_data(self, s: Tensor, c: float, start: Tensor | None = None) -> Tensor:
        return s / (1 + c)

    def norm(self, x: Tensor, tol: float = 1e-4, max_iter: int = 500) -> float:
        """1."""
        return 1.0


def conjugate_gradient(
    apply: Callable[[Tensor], Tensor], right: Tensor, start: Tensor | None = None, *, tol: float = 1e-5,
    max_iter: int = 100,
) -> tuple[Tensor, int, float]:  # fmt: skip
    """Solve M x = right for a symmetric positive definite M, all images of the batch as one system (Hestenes, Stiefel 1952).

    Args:
        apply: x -> M x.
        right: (B, C, H, W).
        start: first x, zero by default.
        tol: stop once ||M x - right|| <= tol ||right||.

    Returns:
        x, the iterations made, and the relative residual reached.
    """
    check_positive(tol, "tol")
    x = torch.zeros_like(right) if start is None else start
    r = right - apply(x) if start is not None else right.clone()
    p, rr, scale, k = r, float(r.square().sum()), float(right.norm()), 0
    while rr**0.5 > tol * scale and k < max_iter:
        mp = apply(p)
        step = rr / float((p * mp).sum())
        x, r = x + step * p, r - step * mp
        rr, before = float(r.square().sum()), rr
        p, k = r + (rr / before) * p, k + 1
    return x, k, rr**0.5 / max(scale, 1e-30)
