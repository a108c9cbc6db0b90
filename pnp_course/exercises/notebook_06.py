"""Checks of the exercises of notebook 06: each takes the reader's function and returns "right" or a hint."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from pnp_course.exercises.verdicts import Answer, Hint, call, number, numbers, tensor, verdict
from pnp_course.toy.conditions import LADDER, Condition


@verdict
def check_constants(mine: Answer) -> None:
    """z -> (k, gamma): the smallest k and the largest gamma in the two inequalities for D(x) = z x, from pairs."""
    generator = torch.Generator().manual_seed(2)
    for z in (0.3 + 0.4j, -0.5 + 1j, 0.9 - 1.2j, -3 + 0.1j, 1 + 2j, 0.5 + 0j, -2 + 0j):
        d = torch.view_as_complex(torch.randn(50, 2, generator=generator, dtype=torch.float64))
        e = z * d
        dd, ee, ff = (v.abs().square() for v in (d, e, d - e))
        k, gamma = float(((ee - dd) / ff).max()), float(((d.conj() * e).real / ee).min())
        my_k, my_gamma = numbers(call(mine, z), "k and gamma")
        for name, got, want in (("k", my_k, k), ("gamma", my_gamma, gamma)):
            if abs(got - want) > 1e-4 * max(1.0, abs(want)):
                raise Hint(f"for z = {z} pairs of points give {name} = {want:.4f}, yours is {got:.4f}.")


@verdict
def check_largest_step(mine: Answer) -> None:
    """(L, k, weight) -> mu_0 of RED, for f = L |x|^2 / 2 and the worst z of the disc of left(k)."""
    for L, k, weight in ((1.0, 0.5, 0.2), (3.0, 0.0, 1.0), (0.5, -1.0, 2.0), (2.0, 0.9, 0.7)):
        step = number(call(mine, L, k, weight))
        if step <= 0:
            raise Hint(f"mu_0 is positive; yours is {step:.4g}.")
        centre, radius = Condition("", "pseudo-contractive", k).disc
        z = centre + radius * torch.exp(1j * torch.linspace(0, math.pi, 2001, dtype=torch.float64))
        inside, outside = (float((1 - scale * step * (weight * L + 1 - z)).abs().max()) < 1 for scale in (0.999, 1.001))
        where = f"for L = {L}, k = {k}, lambda = {weight}"
        if not inside:
            raise Hint(f"{where} a step just below yours already stretches some z of the disc: it is too large.")
        if outside:
            raise Hint(f"{where} a step just above yours still contracts every z of the disc: it is too small.")


def _powers(matrix: Tensor, x: Tensor, count: int) -> Tensor:
    """matrix^n x for n = 0 to `count`."""
    return torch.stack([torch.linalg.matrix_power(matrix, n) @ x for n in range(count + 1)])


@verdict
def check_two_steps(mine: Answer) -> None:
    """(T, x, beta, count) -> the count + 1 points of Ishikawa's iteration, compared with powers of one matrix."""
    turn = torch.tensor([[1.0, -2.0], [2.0, 1.0]], dtype=torch.float64)
    other = torch.tensor([[0.3, 0.5, 0.0], [-0.4, 0.9, 0.2], [0.1, 0.0, -0.6]], dtype=torch.float64)
    for T, beta, count in ((turn, 0.2, 5), (turn, 0.35, 12), (other, 0.4, 7), (other, 0.1, 1)):
        x, eye = torch.linspace(1, 0.2, len(T), dtype=torch.float64), torch.eye(len(T), dtype=torch.float64)
        answer = call(mine, T, x.clone(), beta, count)
        try:
            points = list(answer)
        except TypeError:
            raise Hint(f"return a list of points; got {type(answer).__name__}.") from None
        if len(points) != count + 1:
            raise Hint(f"for count = {count} wanted {count + 1} points, the start included, and got {len(points)}.")
        got = torch.stack([tensor(p, x) for p in points])
        once = (1 - beta) * eye + beta * T
        want = _powers((1 - beta) * eye + beta * T @ once, x, count)
        if float((got - want).abs().max()) < 1e-6:
            continue
        if float((got - _powers(once, x, count)).abs().max()) < 1e-6:
            raise Hint("that is Mann's iteration; Ishikawa's applies T at the point w between x and T(x).")
        if float((got - _powers((1 - beta) * once + beta * T @ once, x, count)).abs().max()) < 1e-6:
            raise Hint("the outer average starts from x, not from w.")
        first = int(((got - want).abs().amax(1) >= 1e-6).int().argmax())
        raise Hint(f"for beta = {beta} and a {len(T)} x {len(T)} matrix point {first} of yours is not Ishikawa's.")


def filters(n: int = 6) -> dict[str, Tensor]:
    """Matrices of four filters on n x n (the median: n n) periodic pixels, the last one linearised at a random signal."""
    shift = torch.eye(n, dtype=torch.float64).roll(1, 0)
    eye, back = torch.eye(n, dtype=torch.float64), shift.T
    mean, gauss = (shift + eye + back) / 3, (shift + 2 * eye + back) / 4
    signal = torch.rand(n * n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    around = torch.stack([signal.roll(1), signal, signal.roll(-1)])
    chosen = (torch.arange(n * n) + around.median(0).indices - 1) % (n * n)
    return {
        "3 x 3 mean": torch.kron(mean, mean),
        "Gaussian blur": torch.kron(gauss, gauss),
        "one-sided average": (torch.eye(n * n, dtype=torch.float64) + torch.kron(eye, shift)) / 2,
        "median of 3": torch.eye(n * n, dtype=torch.float64)[chosen],
    }


def _holds(condition: Condition, j: Tensor) -> bool:
    """By the norm of Lemma 1, or by the eigenvalues of the symmetric part; not by the quadratic form."""
    if condition.half_plane:
        values = torch.linalg.eigvalsh((j + j.mT) / 2)
        return bool(values[-1] <= 1 + 1e-9 if condition.family == "pseudo-contractive" else values[0] >= -1e-9)
    return bool(
        torch.linalg.matrix_norm(condition.coefficients[0] * torch.eye(len(j)) + condition.coefficients[1] * j, 2)
        <= 1 + 1e-9
    )


@verdict
def check_rungs(mine: Answer) -> None:
    """J -> (names of the conditions of `LADDER` that hold, is J normal), for four filters and a sheared matrix."""
    matrices = filters() | {"J_eta with eta = 0.6": torch.tensor([[0.5, 0.6], [0.0, 0.5]], dtype=torch.float64)}
    for name, j in matrices.items():
        answer: Any = call(mine, j.clone())
        try:
            rungs, normal = answer
            rungs, normal = {str(r) for r in rungs}, bool(normal)
        except (TypeError, ValueError, RuntimeError):
            raise Hint("return two things: the list of names, and whether J is normal.") from None
        if unknown := rungs - {c.name for c in LADDER}:
            raise Hint(f"{min(unknown)!r} is not a name of LADDER.")
        for condition in LADDER:
            if (condition.name in rungs) != _holds(condition, j):
                truth = "is" if condition.name not in rungs else "is not"
                raise Hint(f"the {name} {truth} {condition.name}. (Have you allowed for rounding, and used the norm?)")
        if normal != bool((j @ j.mT - j.mT @ j).abs().max() < 1e-9):
            raise Hint(f"the {name} is {'not ' * normal}normal.")
