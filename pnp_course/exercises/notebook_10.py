"""Checks of the exercises of notebook 10: each takes the reader's function and returns "right" or a hint.

A function may return a number, a NumPy number or array of one value, or a tensor of one value. An answer that is no
number, and a function that fails, get a hint, too, and not a traceback.
"""

from __future__ import annotations

import itertools
import math

import torch

from pnp_course.exercises.verdicts import Answer, Hint, call, number, numbers, verdict
from pnp_course.fidelities import Gaussian
from pnp_course.operators import Identity
from pnp_course.solvers import gs_pnp_pgd
from pnp_course.toy.descent import quadratic


def in_the_papers_letters(lam_a: float, tau_a: float, n: int = 6) -> list[float]:
    """Iterates of [A] Algorithm 1 without a rejection, f = (x - 1)^2 / 2, g = h x^2 / 2, written out in numbers."""
    x, h, out = 0.3, 0.4, []
    x = (x + tau_a) / (1 + tau_a)
    for _ in range(n):
        x = (x - tau_a * lam_a * h * x + tau_a) / (1 + tau_a)
        out.append(x)
    return out


@verdict
def check_translation(mine: Answer) -> None:
    """(lam_A, tau_A) -> (lam, step): the library, called with the answer, must give [A]'s iterates."""
    for lam_a, tau_a in ((0.5, 1.5), (2.0, 0.2), (0.25, 0.8)):
        lam, step = numbers(call(mine, lam_a, tau_a), "lam and step")
        if lam <= 0 or step <= 0:
            raise Hint("lam and step are positive.")
        one = torch.ones(1, 1, 1, 1, dtype=torch.float64)
        denoise = quadratic(torch.tensor([0.4], dtype=torch.float64))
        solver = gs_pnp_pgd(Gaussian(Identity(), one), denoise, 0.3 * one, lam=lam, step=step)
        ours = [float(i.u) for i in itertools.islice(solver, 6)]
        if max(abs(a - b) for a, b in zip(ours, in_the_papers_letters(lam_a, tau_a), strict=True)) > 1e-6:
            faults = {"the weight in the prox": step * lam - tau_a, "the factor of grad g": step - tau_a * lam_a}
            wrong = " and ".join(name for name, difference in faults.items() if abs(difference) > 1e-6)
            raise Hint(f"with your lam and step, {wrong} differs from [A]'s; write both algorithms below each other.")


@verdict
def check_iterations(mine: Answer) -> None:
    """(gap, tau0, c, eps) -> the smallest K for which the theorem promises a move of at most eps."""
    for gap, tau0, c, eps in ((8.0, 1.0, 0.1, 0.5), (3.0, 2.0, 0.25, 0.125), (5.3, 0.7, 0.3, 0.21)):
        k = number(call(mine, gap, tau0, c, eps))
        promised = math.sqrt(tau0 * gap / (c * max(k, 1e-9)))
        if promised > eps * (1 + 1e-9):
            raise Hint(f"after K = {k:g} moves the bound is still {promised:.3g}, above eps = {eps:g}.")
        if abs(k - round(k)) > 1e-9:
            raise Hint(f"nearly: K = {k:g} is no whole number of iterations.")
        if k > 1 and math.sqrt(tau0 * gap / (c * (k - 1))) <= eps * (1 - 1e-9):
            raise Hint(f"fewer than K = {k:g} moves are enough for eps = {eps:g}.")


@verdict
def check_desingularising(mine: Answer) -> None:
    """(s, p) -> chi(s) for F = |x|^p: continuous, 0 at 0, increasing, concave, chi'(F) |F'| >= 1 near 0."""
    for p in (2.0, 3.0, 6.0, 20.0):
        if abs(number(call(mine, 1e-300, p))) > 1e-3 * abs(number(call(mine, 1.0, p))):
            raise Hint("chi(s) must tend to 0 for s to 0.")
        x = [10 ** (-k / 4) for k in range(8, 17)]  # near 0, where alone it is asked for
        s = [v**p for v in x]
        slopes = []
        for v in s:
            low, high = number(call(mine, v * 0.999, p)), number(call(mine, v * 1.001, p))
            slopes.append((high - low) / (0.002 * v))
        if min(slopes) <= 0:
            raise Hint("chi must increase.")
        if any(a > b * (1 + 1e-5) for a, b in itertools.pairwise(slopes)):
            raise Hint(f"for p = {p:g} your chi is not concave.")
        worst = min(slope * p * v ** (p - 1) for slope, v in zip(slopes, x, strict=True))
        if worst < 1 - 1e-4:
            raise Hint(f"for p = {p:g}, chi'(F(x)) |F'(x)| falls to {worst:.2g} near 0; wanted at least 1.")


@verdict
def check_radius(mine: Answer) -> None:
    """(q, e, energy) -> the radius that F(x_k) <= energy and ||N(x)|| <= q ||x|| + e leave, with f >= 0."""
    for q, e, energy in ((0.5, 0.0, 2.0), (0.25, 1.0, 4.5), (0.9, 0.3, 0.08)):
        radius = number(call(mine, q, e, energy))
        r = (e + math.sqrt(2 * energy)) / (1 - q)  # the worst network: N(x) = (q |x| + e) x / |x|
        if radius < r * (1 - 1e-6):
            far = (1 - q) * r - e
            raise Hint(
                f"for q = {q:g}, e = {e:g}, energy = {energy:g} a point at distance {r:.3g} from 0 can have "
                f"||x - N(x)|| = {far:.3g}, so g = {far**2 / 2:.3g}: it is allowed."
            )
        if radius > r * (1 + 1e-6):
            raise Hint(f"true, but {radius:.3g} can be lowered to a radius that is attained; use g <= energy.")


@verdict
def check_factor(mine: Answer) -> None:
    """c -> the factor of the error in the longest step that is accepted, f = 0, g = kappa x^2 / 2."""
    for c in (0.05, 0.1, 0.25, 0.45):
        factor = number(call(mine, c))
        h, low, high = 1.7, 0.0, 10.0
        for _ in range(80):  # the longest accepted step, by bisection on the test itself
            tau = 0.5 * (low + high)
            fall = 0.5 * h * (1 - (1 - tau * h) ** 2)
            low, high = (tau, high) if fall >= c * tau * h**2 else (low, tau)
        true = 1 - low * h
        if abs(factor - true) > 1e-6:
            sign = " Mind the sign: on which side of the minimum is the new point?" if abs(factor + true) < 1e-6 else ""
            raise Hint(f"for c = {c:g} the longest accepted step has another factor than {factor:.3g}.{sign}")
