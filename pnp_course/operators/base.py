"""What a degradation A is: a linear map with its exact adjoint, and the two inverses that proximal maps need."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor


class LinearOperator(ABC):
    """A linear map A on images (B, C, H, W).

    `A(x)` applies it, `A.adjoint(y)` its adjoint A^T: <A x, y> = <x, A^T y> for the sums over all pixels.
    """

    @abstractmethod
    def __call__(self, x: Tensor) -> Tensor:
        """A x."""

    @abstractmethod
    def adjoint(self, y: Tensor) -> Tensor:
        """A^T y."""

    @abstractmethod
    def solve(self, z: Tensor, c: float) -> Tensor:
        """(I + c A^T A)^{-1} z, c >= 0: the heart of the proximal map of c ||A x - y||^2 / 2."""

    @abstractmethod
    def solve_data(self, s: Tensor, c: float) -> Tensor:
        """(I + c A A^T)^{-1} s, c >= 0: the same in the space of the data."""


class Identity(LinearOperator):
    """A = I: denoising."""

    def __call__(self, x: Tensor) -> Tensor:
        return x

    def adjoint(self, y: Tensor) -> Tensor:
        return y

    def solve(self, z: Tensor, c: float) -> Tensor:
        return z / (1 + c)

    def solve_data(self, s: Tensor, c: float) -> Tensor:
        return s / (1 + c)
