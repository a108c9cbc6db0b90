"""The constants of [B] as functions: weak convexity, Lipschitz constant, admissible averaging.

For a gamma-cocoercive conservative D and D_t = t D + (1 - t) I = prox_F (Theorem 2.2).
"""

from __future__ import annotations

from pnp_course._checks import check_positive
from pnp_course.denoisers.base import check_averaging


def _check_gamma(gamma: float) -> float:
    if check_positive(gamma, "gamma", "the cocoercivity constant") > 1:
        raise ValueError(f"gamma is {gamma}; wanted 0 < gamma <= 1: a denoiser with gamma > 1 shrinks constants.")
    return float(gamma)


def weak_convexity(gamma: float, t: float) -> float:
    """r(t) = t (1 - gamma) / (gamma + t (1 - gamma)): F + r ||.||^2 / 2 is convex, [B] Theorem 2.2."""
    gamma, t = _check_gamma(gamma), check_averaging(t)
    return t * (1 - gamma) / (gamma + t * (1 - gamma))


def gradient_lipschitz(gamma: float, t: float, delta: float = 0.0) -> float:
    """Lipschitz constant L of grad F, [B] (14): the larger of t / (1 - t) and r(t).

    Hess F = J_t^{-1} - I and J_t has its spectrum in [1 - t, 1 - t + t / gamma]; the two numbers are the two ends.

    Args:
        delta: slack, beyond [B]: the spectrum of J is in [-delta, 1 / gamma] instead of [0, 1 / gamma]. Then J_t begins
            at 1 - s with s = t (1 + delta), and L is the larger of s / (1 - s) and r(t); infinite for s >= 1.
    """
    s = check_averaging(t) * (1 + delta)
    return max(s / (1 - s), weak_convexity(gamma, t)) if s < 1 else float("inf")


def admm_margin(gamma: float, t: float, delta: float = 0.0) -> float:
    """(1 - r) / 2 - L^2: what the Lagrangian of CoCo-ADMM loses per ||u_{k+1} - u_k||^2; positive iff (20) holds."""
    return (1 - weak_convexity(gamma, t)) / 2 - gradient_lipschitz(gamma, t, delta) ** 2


def averaging_bound(gamma: float, delta: float = 0.0) -> float:
    """t_0 of [B] Theorem 4.1: CoCo-ADMM converges for every t < t_0; found by bisection of `admm_margin`.

    `delta` as in `gradient_lipschitz`. At gamma = 1 the spectrum of J_t is in [1 - s, 1], so F is convex and ADMM converges
    for every s = t (1 + delta) <= 1 (Remark 4.3), though the Lagrangian need not decrease.
    """
    if _check_gamma(gamma) == 1:
        return 1 / (1 + max(delta, 0.0))
    low, high = 1e-12, 1 - 1e-12
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if admm_margin(gamma, middle, delta) > 0 else (low, middle)
    return low


def largest_averaging(gamma: float, delta: float = 0.0) -> float:
    """CoCo-ADMM converges for every smaller t: min(gamma / (1 - gamma), 1 / (2 (1 + delta))).

    Beyond [B] (20), which `averaging_bound` gives: the u-step and the multiplier are estimated together, see
    `pd-coco-bound` in book/theory/proximal_denoiser.md. Equal at gamma <= 1/4 without slack; at gamma = 1/4, t = 0.33
    tolerates delta < 0.51 instead of 0.011. At gamma = 1 F is convex, and the bound is t (1 + delta) <= 1.
    """
    if _check_gamma(gamma) == 1:
        return 1 / (1 + max(delta, 0.0))
    return min(gamma / (1 - gamma), 0.5 / (1 + max(delta, 0.0)))


def pegd_step_bound(gamma: float, t: float) -> float:
    """2 - r(t): CoCo-PEGD converges for every smaller step, [B] Theorem 4.4."""
    return 2 - weak_convexity(gamma, t)
