"""The constants of [B] as functions: weak convexity, Lipschitz constant, admissible averaging.

For a gamma-cocoercive conservative D and D_t = t D + (1 - t) I = prox_F (Theorem 2.2).
"""

from __future__ import annotations

import math

from scipy.optimize import brentq

from pnp_course._checks import check_positive
from pnp_course.denoisers.base import check_averaging


def _check_gamma(gamma: float) -> float:
    if check_positive(gamma, "gamma", "the cocoercivity constant") > 1:
        raise ValueError(f"gamma is {gamma}; wanted 0 < gamma <= 1: a denoiser with gamma > 1 shrinks constants.")
    return float(gamma)


def _check_delta(delta: float) -> float:
    """Return delta if it is a slack, delta > -1, else raise ValueError; the spectrum of J lies in [-delta, 1 / gamma]."""
    if not math.isfinite(delta) or delta <= -1:
        raise ValueError(f"delta is {delta}; wanted a finite number > -1: the spectrum of J begins at -delta.")
    return float(delta)


def weak_convexity(gamma: float, t: float) -> float:
    """r(t) = t (1 - gamma) / (gamma + t (1 - gamma)): F + r ||.||^2 / 2 is convex, [B] Theorem 2.2."""
    gamma, t = _check_gamma(gamma), check_averaging(t)
    return t * (1 - gamma) / (gamma + t * (1 - gamma))


def gradient_lipschitz(gamma: float, t: float, delta: float = 0.0) -> float:
    """Lipschitz constant L of grad F, [B] (14): the larger of t / (1 - t) and r(t).

    Hess F = J_t^{-1} - I and J_t has its spectrum in [1 - t, 1 - t + t / gamma]; the two numbers are the two ends.

    Args:
        delta: slack, which [B] does not have: the spectrum of J is in [-delta, 1 / gamma] instead of [0, 1 / gamma].
            The spectrum of J_t then begins at 1 - s with s = t (1 + delta), and L is the larger of s / (1 - s) and
            r(t), or infinite for s >= 1. With a negative delta, D keeps at least the part -delta of every direction.
    """
    s = check_averaging(t) * (1 + _check_delta(delta))
    return max(s / (1 - s), weak_convexity(gamma, t)) if s < 1 else float("inf")


def admm_margin(gamma: float, t: float, delta: float = 0.0) -> float:
    """(1 - r) / 2 - L^2, by which the Lagrangian of CoCo-ADMM falls per ||u_{k+1} - u_k||^2; positive iff (20) holds."""
    return (1 - weak_convexity(gamma, t)) / 2 - gradient_lipschitz(gamma, t, delta) ** 2


def published_averaging(gamma: float, delta: float = 0.0) -> float:
    """t_0 of [B] Theorem 4.1, (20), the root of `admm_margin` in t: CoCo-ADMM converges for every t < t_0.

    `largest_averaging` is the larger bound that the course's guarantees use. `delta` is the slack of
    `gradient_lipschitz`. At gamma = 1 F is convex, and both bounds are t (1 + delta) < 1.
    """
    delta = _check_delta(delta)
    if _check_gamma(gamma) == 1:
        return 1 / (1 + delta)
    last = min(1.0, 1 / (1 + delta)) * (1 - 1e-12)  # beyond it D_t is no longer invertible, or t above 1
    if admm_margin(gamma, last, delta) > 0:
        return last
    return float(brentq(lambda t: admm_margin(gamma, t, delta), 1e-12, last, xtol=1e-15))


def largest_averaging(gamma: float, delta: float = 0.0) -> float:
    """t_1 = min(gamma / (1 - gamma), 1 / (2 (1 + delta))): CoCo-ADMM converges for every t < t_1, t <= 1.

    That is r < 1/2 and s < 1 for the two ends -r, s of Hess F, the condition of Themelis and Patrinos (2020) for
    Douglas-Rachford splitting with a weakly convex smooth function. It is weaker than [B] (20), which
    `published_averaging` gives: the u-step and the multiplier are estimated together, see `pd-coco-bound` in
    book/theory/proximal_denoiser.md. The two bounds are equal at gamma <= 1/4 without slack; at gamma = 1/4, t = 0.33
    tolerates delta < 0.51 instead of 0.011. At gamma = 1 F is convex, and the bound is t (1 + delta) < 1.

    Example:
        >>> round(largest_averaging(0.25), 4)
        0.3333
    """
    delta = _check_delta(delta)
    if _check_gamma(gamma) == 1:
        return 1 / (1 + delta)
    return min(gamma / (1 - gamma), 0.5 / (1 + delta))


def pegd_step_bound(gamma: float, t: float) -> float:
    """2 - r(t), the bound of the step: CoCo-PEGD converges for every smaller one, [B] Theorem 4.4."""
    return 2 - weak_convexity(gamma, t)
