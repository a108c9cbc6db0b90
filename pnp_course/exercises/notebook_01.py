"""Checks of the exercises of notebook 01: each takes the reader's function and returns "right" or a hint."""

from __future__ import annotations

import torch
from torch import Tensor

from pnp_course.exercises.verdicts import Answer, Hint, call, number, tensor, verdict
from pnp_course.operators import Blur, kernels
from pnp_course.toy.linear import matrix


def difference(x: Tensor) -> Tensor:
    """(D x)_i = x_{i+1} - x_i along rows, periodic."""
    return x.roll(-1, -1) - x


@verdict
def check_adjoint(mine: Answer) -> None:
    """y -> D^T y for `difference`, compared with the transposed matrix, on pictures of several sizes."""
    generator = torch.Generator().manual_seed(1)
    for height, width in ((1, 5), (3, 4), (2, 7)):
        n = height * width
        columns = difference(torch.eye(n, dtype=torch.float64).reshape(n, 1, height, width)).reshape(
            n, n
        )  # row j: D e_j
        y = torch.randn(1, 1, height, width, generator=generator, dtype=torch.float64)
        got, want = tensor(call(mine, y.clone()), y).flatten(), columns @ y.flatten()
        if float((got - want).abs().max()) < 1e-5:
            continue
        if float((got + want).abs().max()) < 1e-5:
            raise Hint("nearly: the sign is the other one.")
        x = torch.randn(1, 1, height, width, generator=generator, dtype=torch.float64)
        left, right = float((difference(x) * y).sum()), float(x.flatten() @ got)
        raise Hint(f"for a picture of {height} x {width} pixels <Dx, y> = {left:.3f}, but yours gives {right:.3f}.")


@verdict
def check_ratio(mine: Answer) -> None:
    """a -> Var(least squares) / Var(Poisson) for sensitivities a, from the weights of both estimates."""
    for numbers in ([1.0] + 20 * [0.2], [1.0, 1.0, 1.0], [0.5, 2.0], [3.0, 0.1, 0.4, 1.2]):
        a = torch.tensor(numbers, dtype=torch.float64)
        poisson, squares = torch.full_like(a, 1 / float(a.sum())), a / float(a @ a)  # s = <weights, y>
        want = float((squares**2 * a).sum() / (poisson**2 * a).sum())
        got = number(call(mine, a.clone()))
        if abs(got - want) > 1e-5 * want:
            if abs(got * want - 1) < 1e-5:
                raise Hint("nearly: that is Var(Poisson) / Var(least squares).")
            few = ", ".join(f"{v:g}" for v in numbers[:4]) + (", ..." if len(numbers) > 4 else "")
            raise Hint(f"for a = ({few}) the ratio is {want:.4f}, yours is {got:.4f}.")


def needed(K: Tensor, y: Tensor) -> float:
    """The least L for one bright pixel on nearly black: eigenvalues of the Hessian in Burg's geometry, K (m, n)."""
    largest = []
    for j in range(K.shape[1]):
        point = torch.full((K.shape[1],), 1e-9, dtype=torch.float64)
        point[j] = 1
        weighted = K * point / (K @ point)[:, None].clamp_min(1e-300)  # w_ij
        largest.append(float(torch.linalg.eigvalsh(weighted.T @ (y[:, None] * weighted)).max()))
    return max(largest)


@verdict
def check_constant(mine: Answer) -> None:
    """(K, y) -> the least L of Theorem 6, for a matrix K without negative entries; compared with Hessians."""
    generator = torch.Generator().manual_seed(4)
    blur = matrix(Blur(kernels.motion(5, seed=2)), 6)
    coarse = torch.rand(6, 9, generator=generator, dtype=torch.float64)
    for name, K in {
        "a blur": blur * (blur > 1e-12),
        "the identity": torch.eye(7, dtype=torch.float64),
        "a mask": coarse * (coarse > 0.6),
    }.items():
        y = 0.1 + torch.rand(len(K), generator=generator, dtype=torch.float64)
        got, want = number(call(mine, K.clone(), y.clone())), needed(K, y)
        if abs(got - want) > 1e-3 * want:
            size = "too large" if got > want else "too small"
            raise Hint(f"for {name} {want:.4f} is needed, yours is {got:.4f}: {size}.")
