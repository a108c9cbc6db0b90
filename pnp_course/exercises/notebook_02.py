"""Checks of the exercises of notebook 02: each takes what the reader wrote and returns "right" or a hint."""

from __future__ import annotations

import itertools
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
def check_conjugate(mine: Answer) -> None:
    """(q, w) -> the conjugate of w max|v_i| at q, 0 or infinity; the supremum over the corners of the unit cube."""
    points = ([0.2, -0.3, 0.1], [0.4, 0.4, 0.4], [0.9, 0.0, 0.0], [-0.5, 0.5, 0.3], [0.0, 0.0, 0.0], [0.6, -0.55, 0.0])
    for q, w in itertools.product(points, (0.3, 1.0, 1.25)):
        at = torch.tensor(q, dtype=torch.float64)
        got = number(call(mine, at, w), finite=False)
        corners = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=3)), dtype=torch.float64)
        want = 0.0 if float((corners @ at).max()) <= w else math.inf
        if got != want:
            grows = "does not grow with the length of v" if want == 0 else "grows without end in some direction v"
            raise Hint(f"at q = {q} with w = {w}, <q, v> - w max|v_i| {grows}; yours is {got:g}.")


@verdict
def check_envelope(mine: Answer) -> None:
    """(u, w) -> the Moreau envelope of w |v|, against a search, for several w."""
    for w in (0.3, 0.7, 1.5):

        def f(v: Tensor, w: float = w) -> Tensor:
            return w * v.abs()

        p = brute_prox(f, POINTS)
        _compare(pointwise(mine, POINTS, w), f(p) + (POINTS - p) ** 2 / 2, w)


@verdict
def check_fixed_point(answer: Any) -> None:
    """The fixed point s* of DRS on the sky, fidelity first: one step, written out here, must leave it where it is."""
    sky = StarField.draw()
    s = tensor(answer, sky.minimiser)
    moved = float((_drs_step(sky, s, 1.0) - s).abs().max())
    if moved > 1e-7:  # single precision will do
        other = float((_drs_step(sky, 2 * sky.minimiser - s, 1.0) - (2 * sky.minimiser - s)).abs().max())
        hint = " Mind the sign, and which proximal step comes first." if other < 1e-7 else ""
        raise Hint(f"one step of drs moves a pixel of your point by {moved:.2g}.{hint}")


def _drs_step(sky: StarField, s: Tensor, rho: float) -> Tensor:
    v = sky.fidelity.prox(s, 1.0)
    return s + rho * (sky.prox(2 * v - s) - v)


@verdict
def check_distances(mine: Answer) -> None:
    """(rho, n) -> the distances of s_1, ..., s_n from s*, from s_0 = 0, for the relaxations of exercise 3."""
    sky, n = StarField.draw(), 40
    target = sky.minimiser - sky.slope
    for rho in (0.5, 1.0, 1.5, 1.9):
        s, wanted = torch.zeros_like(target), []
        for _ in range(n + 1):
            wanted.append(float((s - target).norm()))
            s = _drs_step(sky, s, rho)
        want, answer = torch.tensor(wanted, dtype=torch.float64), call(mine, rho, n)
        try:
            count = len(answer)
        except TypeError:
            raise Hint(f"return {n} distances; got {type(answer).__name__}.") from None
        want = want if count == n + 1 else want[1:]  # with the distance of s_0, or without
        got = tensor(answer, want)
        if float((got - want).abs().max()) > 1e-6 * float(want.max()):
            k = int(((got - want).abs() > 1e-6 * float(want.max())).int().argmax())
            raise Hint(f"for rho = {rho} entry {k} should be {float(want[k]):.5f}, yours is {float(got[k]):.5f}.")


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


def _admm_step(P: Tensor, Q: Tensor, sign: float = 1.0, multiplier: float = 1.0) -> Tensor:
    """The matrix of one iteration on (u, b)."""
    eye = torch.eye(len(P), dtype=torch.float64)
    v = torch.cat((Q, Q), 1)
    b = torch.cat((0 * eye, eye), 1)
    u = P @ (v - sign * b)
    return torch.cat((u, b + multiplier * (u - v)))


@verdict
def check_admm(mine: Answer) -> None:
    """(prox_R, prox_G, u, n) -> u_n of ADMM from b = 0, with linear proximal operators."""
    for seed, n in ((0, 1), (1, 3), (2, 8)):
        P, Q, u = _pair(seed)
        state = torch.cat((u, 0 * u))

        def after(step: Tensor, state: Tensor = state, n: int = n) -> Tensor:
            return _power(step, state, n)[: len(state) // 2]

        mistakes = {}
        if n > 1:  # before the second iteration b is 0, or does not matter
            mistakes = {
                "b seems to stay 0.": after(_admm_step(P, Q, multiplier=0.0)),
                "prox_R gets v - b.": after(_admm_step(P, Q, sign=-1.0)),
                "b grows by u - v, not by v - u.": after(_admm_step(P, Q, multiplier=-1.0)),
            }
        answer = call(mine, lambda z, P=P: P @ z, lambda z, Q=Q: Q @ z, u.clone(), n)
        _judge(answer, after(_admm_step(P, Q)), mistakes, f"after {n} iterations")
