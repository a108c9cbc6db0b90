"""Checks of the exercises of notebook 12: each takes the reader's function and returns "right" or a hint.

A function may return a number, a NumPy number or array, or a tensor. An answer that is no number, and a function that
fails, get a hint, too, and not a traceback.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from pnp_course.exercises.verdicts import Answer, Hint, call, number, tensor, verdict
from pnp_course.fidelities import prox_kl
from pnp_course.guarantees import admm_margin, largest_averaging
from pnp_course.toy.scalar import two_point


@verdict
def check_envelope(mine: Answer) -> None:
    """(z, y, lam) -> e''(z) for the envelope of lam (u - y log u), against differences of z - prox(z)."""
    for z, y, lam in ((0.7, 0.4, 1.5), (-1.0, 0.05, 0.3), (3.0, 0.8, 5.0), (0.1, 0.02, 1.0)):
        h = 1e-5
        ends = torch.tensor([z - h, z + h], dtype=torch.float64)
        p = prox_kl(ends, torch.tensor(y, dtype=torch.float64), lam)
        slope = float(p.diff()) / (2 * h)
        got, want = number(call(mine, z, y, lam)), 1 - slope
        if abs(got - slope) < 1e-6 < abs(slope - want):
            raise Hint("nearly: that is the derivative of the proximal operator; and e' = z - prox(z).")
        if not 0 < got < 1:
            raise Hint(f"e is convex with a 1-Lipschitz derivative, so e'' lies in (0, 1); yours is {got:.4g}.")
        if abs(got - want) > 1e-6:
            raise Hint(f"at z = {z}, y = {y}, lam = {lam} differences give {want:.5f}, yours is {got:.5f}.")


def pixels() -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor], Tensor]:
    """The small problem of the exercise on CoCo-ADMM: a proximal operator, a denoiser and an observation of 12 pixels."""
    y = torch.linspace(0.02, 1.1, 12, dtype=torch.float64).reshape(1, 1, 3, 4)
    return (lambda z: prox_kl(z, y, 0.3)), two_point(0.25).d, y


def admm(prox: Answer, D: Answer, y: Tensor, t: float, n: int, skip: str = "") -> tuple[Tensor, Tensor]:
    """u and D(z) after n iterations of (19) from u = y, b = 0, or of a loop with a mistake named by `skip`."""
    u, b, d = y, torch.zeros_like(y), y
    for _ in range(n):
        before, v = u, prox(u + b)
        z = {"sign": v + b, "no multiplier": v}.get(skip, v - b)
        d = D(z)
        u = d if skip == "averaging" else t * d + (1 - t) * z
        change = {"reversed": v - u, "old u": before - v, "multiplier": -b, "no sum": u - v - b}.get(skip, u - v)
        b = b + change
    return u, d


def loop(prox: Answer, D: Answer, y: Tensor, t: float, n: int) -> Tensor:
    """u after n iterations of (19) from u = y, b = 0, in plain lines; what exercise 2 asks for."""
    return admm(prox, D, y, t, n)[0]


@verdict
def check_admm(mine: Answer) -> None:
    """(prox, D, y, t, n) -> u_n of CoCo-ADMM from u_0 = y, b_0 = 0."""
    prox, D, y = pixels()
    for t, n in ((0.2, 7), (0.33, 2), (0.33, 1)):
        got, (want, d) = tensor(call(mine, prox, D, y, t, n), y), admm(prox, D, y, t, n)
        if float((got - want).abs().max()) < 1e-5:
            continue
        words = {
            "multiplier": "the multiplier b seems to stay 0",
            "averaging": "D stands where D_t belongs",
            "sign": "the denoiser is applied to v - b, not v + b",
            "no multiplier": "the denoiser is applied to v - b, not v",
            "old u": "the multiplier takes the new u",
            "reversed": "the multiplier grows by u - v, not v - u",
            "no sum": "the multiplier adds up: b + u - v",
        }
        for skip, hint in words.items():
            if float((got - admm(prox, D, y, t, n, skip)[0]).abs().max()) < 1e-5:
                raise Hint(f"{hint}.")
        if float((got - d).abs().max()) < 1e-5:
            raise Hint("nearly: that is D(v - b), the picture to show; return u.")
        raise Hint(f"after {n} iteration(s) your u is off by {float((got - want).abs().max()):.2g}.")


@verdict
def check_bound(mine: Answer) -> None:
    """gamma -> t_0 of (20): the margin (1 - r) / 2 - L^2, from the constants themselves, changes its sign there."""
    for gamma in (0.05, 0.15, 0.2, 0.25, 0.4, 0.5, 0.7, 0.95):
        t = number(call(mine, gamma))
        if not 0 < t < 1:
            raise Hint(f"t_0 lies between 0 and 1; at gamma = {gamma} yours is {t:.4g}.")
        if admm_margin(gamma, t * (1 - 1e-4)) > 0 > admm_margin(gamma, t * (1 + 1e-4)):
            continue
        if abs(t - largest_averaging(gamma)) < 1e-4 * t:
            raise Hint(f"that is t_1, the sharpened bound; at gamma = {gamma} (20) asks for less.")
        side = "cubic" if gamma >= 0.25 else "other case, gamma < 1/4"
        raise Hint(f"at gamma = {gamma} the margin does not change its sign at {t:.5f}; look at the {side}.")


@verdict
def check_multiplier(mine: Answer) -> None:
    """p -> the limit of b_k for D = tanh, t = 1 and G pinned to p; minus or plus infinity where there is none."""
    for p in (0.0, 0.5, -0.8, 0.95, 1.0, 3.0, -1.0, -2.0):
        got = number(call(mine, p), finite=False)
        want = p - math.atanh(p) if abs(p) < 1 else -math.copysign(math.inf, p)
        if math.isinf(want):
            if got != want:
                where = "falls" if p > 0 else "rises"
                raise Hint(f"at p = {p} the multiplier {where} without end; yours has the limit {got:.4g}.")
        elif abs(got + want) < 1e-6 < abs(want):
            raise Hint("nearly: the sign; b = -F'(u) and F' = the inverse of D, minus u.")
        elif not abs(got - want) < 1e-6:
            raise Hint(f"at p = {p} the run ends at b = {want:.5f}, yours is {got:.5f}.")


@verdict
def check_penalty(mine: Answer) -> None:
    """(kappa, k) -> the penalty for which the inner loop of one frequency converges fastest, against a search."""
    for kappa, k in ((1.5, 1.0), (20.0, 0.5), (0.2, 0.3), (7.0, 0.9)):
        got = number(call(mine, kappa, k))
        if got <= 0:
            raise Hint(f"the penalty is positive; yours is {got:.4g}.")
        rho = torch.logspace(-4, 5, 90_001, dtype=torch.float64)
        best = float(rho[inner_factor(rho, kappa, k).argmin()])
        if abs(got / best - 1) > 1e-3:
            if abs(got / best - 1) < 0.01:
                raise Hint(f"nearly: {got:.4g} is close to the best; give the formula.")
            ours, least = (float(inner_factor(torch.tensor(x), kappa, k)) for x in (got, best))
            raise Hint(
                f"for kappa = {kappa}, k = {k} your rho = {got:.4g} multiplies the error by {ours:.4f}, "
                f"and another one by {least:.4f}."
            )


def inner_factor(rho: Tensor, kappa: float, k: float) -> Tensor:
    """By what the inner loop multiplies its error, measured: one iteration with z = 0, quadratic data term, K = k."""
    d = torch.zeros_like(rho)
    v = torch.ones_like(rho) / k  # s = x + d of the iteration before that would give this v
    s = v * (1 + rho * k**2) / (rho * k)
    d = s - k * v  # the scaled dual after that iteration, x = s - d_before
    x = rho / (rho + kappa) * (k * v - d)
    return ((x + d) / s).abs()
