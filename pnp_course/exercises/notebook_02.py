"""Checks of the exercises of notebook 02: each takes what the reader wrote and returns "right" or a hint."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from pnp_course.exercises.verdicts import Answer, Hint, call, number, pointwise, tensor, verdict
from pnp_course.toy.proximal import DoubleWell, StarField, brute_prox

POINTS = torch.tensor([-1.7, -0.85, -0.45, -0.4, 0.0, 0.25, 0.5, 0.62, 0.8, 0.9, 1.3, 2.1], dtype=torch.float64)


def _compare(got: Tensor, want: Tensor, w: float) -> None:
    worst = int((got - want).abs().argmax())
    if float((got - want).abs()[worst]) > 1e-4:
        at = f"at {float(POINTS[worst])} with w = {w}"
        raise Hint(f"{at} the search finds {float(want[worst]):.4f}, yours is {float(got[worst]):.4f}.")


@verdict
def check_positive_stars(mine: Answer) -> None:
    """(z, w) -> prox of w |v| + (infinity for v < 0), against a search, for several w."""
    for w in (0.1, 0.4, 0.75, 1.6):

        def f(v: Tensor, w: float = w) -> Tensor:
            return torch.where(v < 0, math.inf, w * v.abs())

        got = pointwise(mine, POINTS, w)
        if float(got.min()) < -1e-9:
            raise Hint(f"with w = {w} yours is negative somewhere, where f is infinite.")
        _compare(got, brute_prox(f, POINTS), w)


@verdict
def check_envelope(mine: Answer) -> None:
    """(u, w) -> the Moreau envelope of w |v|, against a search, for several w."""
    for w in (0.3, 0.7, 1.5):

        def f(v: Tensor, w: float = w) -> Tensor:
            return w * v.abs()

        p = brute_prox(f, POINTS)
        _compare(pointwise(mine, POINTS, w), f(p) + (POINTS - p) ** 2 / 2, w)


@verdict
def check_spread(mine: Answer) -> None:
    """r -> the largest difference between the ends of ADMM with the double well from two flat starts, 0 and 1."""
    sky, n = StarField.draw(), 100
    for r in (0.3, 0.9, 1.5):
        well, ends = DoubleWell(r), []
        for start in (0.0, 1.0):
            u, b = torch.full_like(sky.minimiser, start), torch.zeros_like(sky.minimiser)
            for _ in range(n):
                v = sky.fidelity.prox(u + b, 1.0)
                u = 0.5 + well.prox(v - b - 0.5)
                b = b + u - v
            ends.append(u)
        want, got = float((ends[0] - ends[1]).abs().max()), number(call(mine, r))
        if abs(got - want) > 0.01:
            raise Hint(f"for r = {r} the two results differ by {want:.3f} in one pixel, yours say {got:.3f}.")


def _pair(seed: int, n: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    """Symmetric matrices P, Q with eigenvalues in (0, 1), proximal operators of quadratics, and a start."""
    generator = torch.Generator().manual_seed(seed)
    made = []
    for _ in range(2):
        basis, _ = torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64))
        made.append(basis @ torch.diag(torch.linspace(0.2, 0.95, n, dtype=torch.float64)) @ basis.T)
    return made[0], made[1], torch.randn(n, generator=generator, dtype=torch.float64)


def _judge(got: Any, want: Tensor, mistakes: dict[str, Tensor], what: str) -> None:
    """Raise the hint of the mistake that `got` equals, or a general one, if it is not `want`."""
    value = tensor(got, want)
    if bool(torch.allclose(value, want, rtol=1e-6, atol=1e-9)):
        return
    for hint, mistake in mistakes.items():
        if bool(torch.allclose(value, mistake, rtol=1e-6, atol=1e-9)):
            raise Hint(hint)
    raise Hint(f"{what}: the largest difference from powers of a matrix is {float((value - want).abs().max()):.3g}.")


def _power(step: Tensor, start: Tensor, n: int) -> Tensor:
    return torch.linalg.matrix_power(step, n) @ start


@verdict
def check_pgd(mine: Answer) -> None:
    """(prox, grad, tau, x, n) -> x_n of proximal gradient descent, with linear prox and grad."""
    for seed, n, tau in ((0, 1, 0.7), (1, 3, 0.4), (2, 7, 1.3)):
        P, H, x = _pair(seed)
        eye = torch.eye(len(x), dtype=torch.float64)
        step = P @ (eye - tau * H)
        mistakes = {
            "that is gradient descent; the proximal operator is missing.": _power(eye - tau * H, x, n),
            "the gradient step goes down: minus tau times the gradient.": _power(P @ (eye + tau * H), x, n),
            "the step tau is missing.": _power(P @ (eye - H), x, n),
            "the gradient step comes first, then the proximal operator.": _power((eye - tau * H) @ P, x, n),
            "nearly: count the iterations.": _power(step, x, n + 1),
        }
        answer = call(mine, lambda z, P=P: P @ z, lambda z, H=H: H @ z, tau, x.clone(), n)
        _judge(answer, _power(step, x, n), mistakes, f"after {n} iterations")


@verdict
def check_drs(mine: Answer) -> None:
    """(prox_R, prox_G, s, n) -> s_n of Douglas-Rachford splitting, prior first, with linear proximal operators."""
    for seed, n in ((0, 1), (1, 3), (2, 8)):
        P, Q, s = _pair(seed)
        eye = torch.eye(len(s), dtype=torch.float64)
        step = eye + Q @ (2 * P - eye) - P
        mistakes = {
            "prox_G gets 2 x - s, not x.": _power(eye + Q @ P - P, s, n),
            "that is prox_G(2 x - s); s has to be added, and x taken away.": _power(Q @ (2 * P - eye), s, n),
            "the two proximal operators have changed places.": _power(eye + P @ (2 * Q - eye) - Q, s, n),
            "nearly: that is x_n; return s_n.": P @ _power(step, s, n),
        }
        answer = call(mine, lambda z, P=P: P @ z, lambda z, Q=Q: Q @ z, s.clone(), n)
        _judge(answer, _power(step, s, n), mistakes, f"after {n} iterations")
