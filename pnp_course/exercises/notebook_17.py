"""Checks of the exercises of notebook 17: each takes the reader's function and returns "right" or a hint.

Answers may be plain numbers, NumPy values or tensors (`verdicts`).
"""

from __future__ import annotations

import math

import numpy as np
import torch

from pnp_course.exercises.verdicts import Answer, Hint, call, number, verdict


@verdict
def check_counted(mine: Answer) -> None:
    """f -> (g, count): g gives what f gives, and count() is how often g has been called."""
    try:
        g, count = call(mine, lambda x: 2 * x)
        other, count_other = call(mine, lambda x: x - 1)
    except (TypeError, ValueError):
        raise Hint(
            "return two functions: the one that counts, and one without arguments that says how often."
        ) from None
    if not callable(g) or not callable(count):
        raise Hint("both have to be functions; a number does not change when g is called later.")
    x = torch.arange(3.0)
    before = number(count())
    if before:
        raise Hint(f"nothing has been called yet, and count() is {before:g}.")
    for times in (1, 2, 3):
        out = g(x)
        if not isinstance(out, torch.Tensor) or not torch.equal(out, 2 * x):
            raise Hint("g(x) should return f(x), unchanged.")
        if (said := number(count())) != times:
            raise Hint(f"after {times} calls of g, count() is {said:g}.")
    if number(count_other()):
        raise Hint("two counters share one number: make it inside the function, not outside.")
    other(x)
    if number(count()) != 3 or number(count_other()) != 1:
        raise Hint("two counters share one number: make it inside the function, not outside.")


@verdict
def check_overhead(mine: Answer) -> None:
    """(n1, s1, n2, s2, calls, network): seconds of an iteration that are not the network's."""
    for start, each, calls, network in ((0.7, 0.1, 1, 0.08), (2.0, 0.35, 2, 0.15), (0.0, 0.06, 1, 0.06)):
        n1, n2 = 10, 50
        s1, s2 = start + n1 * each, start + n2 * each
        said, right = number(call(mine, n1, s1, n2, s2, calls, network)), each - calls * network
        if abs(said - right) < 1e-6:
            continue
        if abs(said - each) < 1e-6:
            raise Hint("nearly: that is an iteration; subtract what its network calls take.")
        if abs(said - (s2 / n2 - calls * network)) < 1e-6 or abs(said - (s1 / n1 - calls * network)) < 1e-6:
            raise Hint(
                "you divided a whole run by its iterations: what a run costs once, at its start, is still in it."
            )
        if abs(said - (each - network)) < 1e-6:
            raise Hint(f"an iteration calls the network {calls} times here.")
        raise Hint(
            f"runs of {n1} and {n2} iterations take {s1:.2f} and {s2:.2f} s, an iteration calls the network {calls} times, "
            f"{network:g} s each: {right:.3f} s are left of an iteration, you say {said:.3f}."
        )


@verdict
def check_near(mine: Answer) -> None:
    """(psnr, gap) -> the first iteration, from 1, whose PSNR is within gap of the best of the run."""
    k = np.arange(60)
    for psnr, gap in ((25 - 5 * 0.9**k, 0.1), (25 - 5 * 0.8**k - 0.02 * k, 0.1), (24 - 3 * 0.95**k, 0.5)):
        said, hit = number(call(mine, psnr, gap)), psnr >= psnr.max() - gap
        right = int(hit.argmax()) + 1
        if said == right:
            continue
        if said == right - 1:
            raise Hint("nearly: the first entry is iteration 1, not 0.")
        if said == int(psnr.argmax()) + 1 or said == int(psnr.argmax()):
            raise Hint("that is where the best is; a run is near it sooner.")
        if said in ((late := int((psnr >= psnr[-1] - gap).argmax())), late + 1):
            raise Hint("you compared with the end of the run; its best may be earlier.")
        raise Hint(
            f"a run whose best is {psnr.max():.2f} dB is above {psnr.max() - gap:.2f} dB from iteration {right} on; "
            f"you say {said:g}."
        )


@verdict
def check_weight(mine: Answer) -> None:
    """(t, lam, new): the weight that keeps the fixed point of CoCo-ADMM, to first order, when t becomes `new`."""
    for t, lam, new in ((0.33, 1.4, 0.1), (0.2, 0.5, 0.33), (0.3, 2.0, 0.05)):
        said, right = number(call(mine, t, lam, new)), lam * new / t
        if math.isclose(said, right, rel_tol=1e-6):
            continue
        if math.isclose(said, lam * t / new, rel_tol=1e-6):
            raise Hint("the other way round: with a smaller t the prior is weaker; should the data weigh more or less?")
        if math.isclose(said, lam, rel_tol=1e-6):
            raise Hint("then t (D(z) - z) changes and lam grad G(v) does not: their balance moves.")
        if math.isclose(said, lam * (1 + new) / (1 + t), rel_tol=1e-6):
            raise Hint("the equation has t (D(z) - z), not (1 + t)(D(z) - z).")
        raise Hint(f"for t = {t:g}, lam = {lam:g} and the new t = {new:g}: {right:.3g} balances, you say {said:.3g}.")
