"""Checks of the exercises of notebook 09: each takes the reader's function and returns "right" or a hint."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pnp_course.exercises.verdicts import Answer, Hint, call, number, numbers, tensor, verdict


@verdict
def check_ends(mine: Answer) -> None:
    """(k, eps) -> the ends of the interval of eigenvalues that the penalty leaves alone, against a scan."""
    trial = torch.linspace(-14, 2, 160_001, dtype=torch.float64)
    for k, eps in ((0.0, 0.1), (0.5, 0.02), (0.8, 0.15), (0.3, 0.0)):
        alone = trial[(k + (1 - k) * trial).abs() <= 1 - eps + 1e-12]
        low, high = numbers(call(mine, k, eps), "the lower and the upper end")
        for name, got, want in (("lower", low, float(alone.min())), ("upper", high, float(alone.max()))):
            if abs(got - want) > 1e-3:
                raise Hint(f"for k = {k}, eps = {eps} the {name} end is {want:.3f}, yours is {got:.3f}.")


@verdict
def check_products(mine: Answer) -> None:
    """(n, delta) -> the smallest odd number p of products with (10 sqrt n)^(-1/p) >= 1 - delta, by counting."""
    for n, delta in ((768, 0.1), (12_288, 0.01), (49_152, 0.003), (10, 0.5), (768, 0.05), (768, 0.3)):
        want = 1
        while (10 * math.sqrt(n)) ** (-1 / want) < 1 - delta:
            want += 2
        got = number(call(mine, n, delta))
        where = f"for n = {n}, delta = {delta}:"
        if got != round(got) or round(got) % 2 == 0:
            raise Hint(f"{where} yours is {got:g}; wanted an odd number.")
        if got < want:
            error = 1 - (10 * math.sqrt(n)) ** (-1 / max(got, 1))
            raise Hint(f"{where} {got:g} products are not enough: the bound of the error is still {error:.3g}.")
        if got > want:
            raise Hint(f"{where} fewer than {got:g} products are enough.")


def smooth(x: Tensor) -> Tensor:
    """A map of pictures with a Jacobian that is not symmetric: each pixel mixed with its left neighbour, and bent."""
    return torch.tanh(x + 0.5 * x.roll(1, -1) ** 2) + 0.3 * x.flip(-2)


@verdict
def check_product(mine: Answer) -> None:
    """(D, x, v) -> J(x) v, against central differences; J^T v and J at another point are told apart."""
    generator = torch.Generator().manual_seed(5)
    for shape in ((1, 1, 3, 4), (2, 1, 2, 5)):
        x, v = torch.randn(2, *shape, generator=generator, dtype=torch.float64)
        want = (smooth(x + 1e-5 * v) - smooth(x - 1e-5 * v)) / 2e-5
        got = tensor(call(mine, smooth, x.clone(), v.clone()), v)
        if float((got - want).abs().max()) < 1e-5:
            continue
        y = x.clone().requires_grad_(True)
        (backwards,) = torch.autograd.grad(smooth(y), y, v)
        if float((got - backwards).abs().max()) < 1e-6:
            raise Hint("nearly: that is the product with the transposed matrix, J^T v.")
        raise Hint(f"a difference quotient is off from yours by {float((got - want).abs().max()):.2g}.")
