"""PnPI: Ishikawa's iteration with a pseudo-contractive denoiser."""

from __future__ import annotations

from pnp_course.guarantees.conditions import ANY, ROUNDING, SMOOTH, Check, Parameters, Rule, at_most, below, strict
from pnp_course.guarantees.constants import Constants

FIXED = "u_k converges to a fixed point, where there is one; while beta_k is large the iterates may first grow"
EXPONENTS = "0 < b <= a, a + b <= 1"
STRICT = "k-strictly pseudo-contractive: ||kI + (1 - k)J|| <= 1"


def _relaxed(c: Constants, t: float) -> float:
    """t D + (1 - t) I of a k-SPC D is k'-SPC with 1 - k' = (1 - k) / t."""
    return 1 - (1 - c.k) / t


def _exponents(p: Parameters) -> Check:
    """alpha_k = k^-a, beta_k = k^-b: alpha_k <= beta_k -> 0, and the sum of their products diverges."""
    a, b = p["a"], p["b"]
    holds = 0 < b <= a and a + b <= 1 + ROUNDING
    return holds, f"a = {a:g}, b = {b:g} {'are' if holds else 'are not'} such that 0 < b <= a and a + b <= 1"


def _hqs(c: Constants, p: Parameters) -> list[Check]:
    return [strict(c), at_most(_relaxed(c, p["t"]), 0.5, "k' of t D + (1 - t) I"), _exponents(p)]


def _fbs(c: Constants, p: Parameters) -> list[Check]:
    step = p["lam"] * p.lipschitz
    return [
        strict(c),
        below(step, 2.0, "lam L_f"),
        at_most(_relaxed(c, p["t"]), 1 - step / 2, "k' of t D + (1 - t) I", "= 1 - lam L_f / 2"),
        _exponents(p),
    ]


def _gd(c: Constants, p: Parameters) -> list[Check]:
    return [
        at_most(c.top, 1.0, "lambda_max of (J + J^T)/2"),
        below(p.lipschitz, float("inf"), "L_f"),
        _exponents(p),
    ]


RULES = [
    Rule("pnpi_hqs", "Wei et al. 2024, Ishikawa", STRICT, ANY, "t <= 2 (1 - k), " + EXPONENTS, FIXED, _hqs),
    Rule("pnpi_fbs", "Wei et al. 2024, Ishikawa", STRICT, SMOOTH,
         "lam L_f < 2, 1 - (1 - k) / t <= 1 - lam L_f / 2, " + EXPONENTS, FIXED, _fbs, proximal=False),
    Rule("pnpi_gd", "Wei et al. 2024, Ishikawa", "Lipschitz, pseudo-contractive: lambda_max((J + J^T)/2) <= 1", SMOOTH,
         EXPONENTS, "u_k converges to a zero of lam grad G + I - D, where there is one", _gd, proximal=False),
]  # fmt: skip
