"""Checks of the exercises of notebook 18: each takes the reader's function and returns "right" or a hint."""

from __future__ import annotations

import math

import torch

from pnp_course.exercises.verdicts import Answer, Hint, call, number, numbers, tensor, verdict
from pnp_course.operators import Radon
from pnp_course.operators.radon import filtered


@verdict
def check_line_integral(mine: Answer) -> None:
    """(counts, photons, kappa) -> the line integral l for which photons * exp(-kappa l) = counts, and its variance."""
    for counts, photons, kappa in ((500.0, 1e4, 0.1), (20.0, 1e3, 0.05), (9000.0, 1e4, 0.2)):
        l, variance = numbers(call(mine, counts, photons, kappa), "the line integral and its variance")
        back = photons * math.exp(-kappa * l)
        if not math.isclose(back, counts, rel_tol=1e-6):
            if math.isclose(l, math.log(photons / counts), rel_tol=1e-6):
                raise Hint("nearly: that is kappa l; divide by kappa.")
            raise Hint(f"with your l, photons * exp(-kappa l) is {back:.4g}; wanted {counts:g}.")
        want = 1 / (kappa**2 * counts)
        if math.isclose(variance, want, rel_tol=1e-6):
            continue
        if math.isclose(variance, 1 / counts, rel_tol=1e-6):
            raise Hint("nearly: that is the variance of the logarithm; l is the logarithm divided by kappa.")
        if math.isclose(variance, want**0.5, rel_tol=1e-6):
            raise Hint("nearly: that is the standard deviation.")
        if math.isclose(variance, counts, rel_tol=1e-6):
            raise Hint("that is the variance of the count; the slope of the logarithm at it is 1 / counts.")
        raise Hint(f"the variance of l for {counts:g} counts is {want:.4g}, to first order; yours is {variance:.4g}.")


@verdict
def check_fbp(mine: Answer) -> None:
    """(ramp, adjoint, y) -> the filtered backprojection of y (1, 1, V, D); ramp filters rows, adjoint is A^T."""
    a = Radon(12, 9)
    y = torch.rand(1, 1, 9, a.detectors, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    want, views = a.fbp(y), len(a.angles)
    got = tensor(call(mine, filtered, a.adjoint, y.clone()), want)
    if torch.allclose(got, want, rtol=1e-6, atol=1e-9):
        return
    hints = {
        "the sum over views stands for an integral over angles: multiply by pi over their number": want
        * views
        / math.pi,
        "the angles go from 0 to pi, not to 2 pi": 2 * want,
        "multiply by pi, too: the views are pi / V apart": want / math.pi,
        "without the ramp the picture is a blur": a.adjoint(y) * math.pi / views,
    }
    for hint, mistake in hints.items():
        if torch.allclose(got, mistake, rtol=1e-6, atol=1e-9):
            raise Hint(hint + ".")
    raise Hint(f"the library's differs from yours by up to {float((got - want).abs().max()):.3g}.")


def _cost(l: float, y: float, kappa: float) -> float:
    return math.exp(-kappa * l) + y * kappa * l


@verdict
def check_transmission(mine: Answer) -> None:
    """(l, y, kappa) -> phi'(l) and phi''(l) of exp(-kappa l) + y kappa l, against differences."""
    h = 1e-3
    for l, y, kappa in ((3.0, 0.4, 0.2), (0.5, 1.1, 1.0), (20.0, 0.01, 0.1)):
        slope = (_cost(l + h, y, kappa) - _cost(l - h, y, kappa)) / (2 * h)
        curve = (_cost(l + h, y, kappa) - 2 * _cost(l, y, kappa) + _cost(l - h, y, kappa)) / h**2
        got = numbers(call(mine, l, y, kappa), "the slope and the curvature")
        where = f"at l = {l}, y = {y}, kappa = {kappa}"
        if abs(got[0] - slope) > 1e-4 * max(1.0, abs(slope)):
            if abs(got[0] + slope) < 1e-4:
                raise Hint("the slope has the wrong sign.")
            if abs(got[0] * kappa - slope) < 1e-4:
                raise Hint("nearly: the inner derivative kappa is missing in the slope.")
            raise Hint(f"{where} the slope is {slope:.4f}, yours is {got[0]:.4f}.")
        if abs(got[1] - curve) > 1e-4:
            if abs(got[1] + curve) < 1e-4:
                raise Hint("the curvature has the wrong sign; phi is convex.")
            if abs(got[1] * kappa - curve) < 1e-4 or abs(got[1] * kappa**2 - curve) < 1e-4:
                raise Hint("nearly: an inner derivative kappa is missing in the curvature.")
            raise Hint(f"{where} the curvature is {curve:.5f}, yours is {got[1]:.5f}.")


@verdict
def check_newton(mine: Answer) -> None:
    """(slope, curvature, a, z, lam, steps) -> prox of lam phi(a v) at the number z, after that many Newton steps from v = z.

    The check looks at the optimality condition after ten steps, and at the first step.
    """

    def slope(l: float) -> float:
        return 0.3 * (0.4 - math.exp(-0.3 * l))

    def curvature(l: float) -> float:
        return 0.09 * math.exp(-0.3 * l)

    for a, z, lam in ((2.0, 1.0, 3.0), (5.0, 0.4, 1.0)):
        first = number(call(mine, slope, curvature, a, z, lam, 1))
        want = z - lam * a * slope(a * z) / (1 + lam * a * a * curvature(a * z))
        if abs(first - want) > 1e-6:
            mistakes = {
                "A comes in twice in the curvature: once on each side": z
                - lam * a * slope(a * z) / (1 + lam * a * curvature(a * z)),
                "the gradient of phi(a v) is a phi'(a v)": z
                - lam * slope(a * z) / (1 + lam * a * a * curvature(a * z)),
                "the curvature of ||v - z||^2 / 2 is 1": z - slope(a * z) / (a * curvature(a * z)),
                "that is a gradient step; divide by the curvature": z - lam * a * slope(a * z),
            }
            for hint, wrong in mistakes.items():
                if abs(first - wrong) < 1e-9:
                    raise Hint(hint + ".")
            raise Hint(f"for a = {a}, z = {z}, lam = {lam} the first step leads to {want:.5f}, yours to {first:.5f}.")
        v = number(call(mine, slope, curvature, a, z, lam, 10))
        rest = v - z + lam * a * slope(a * v)
        if abs(rest) > 1e-8:
            raise Hint(
                f"nearly: the first step is right, but after ten the gradient is still {rest:.2g}: update v each time."
            )
