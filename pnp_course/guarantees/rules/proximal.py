"""Prox-PnP: splittings with a gradient step that is a proximal operator, D_t = prox of phi_t."""

from __future__ import annotations

from pnp_course.guarantees.conditions import ANY, SMOOTH, Check, Parameters, Rule, below, potential, symmetric
from pnp_course.guarantees.constants import Constants

PROX = "smooth gradient step, -l <= I - J <= M"
LOW = "with -l the smallest eigenvalue of I - J"
ENVELOPE = "the envelope decreases; if the iterates stay bounded, y_k converges to a critical point of lam f + phi_t"


def _two_ends(c: Constants, t: float, bound: float) -> tuple[float, list[Check]]:
    """t l, where -l <= I - J <= M, and the check of t M; see "the two ends" in book/theory/proximal_denoiser.md."""
    upper = below(t * (1 - c.bottom), bound, "t M", "with M the largest eigenvalue of I - J")
    return t * max(c.top - 1, 0.0), [potential(c), symmetric(c), upper]


def _pgd(c: Constants, p: Parameters) -> list[Check]:
    low, checks = _two_ends(c, p["t"], 1.0)
    return [*checks, below(p["lam"] * p.lipschitz + low / (low + 1), 2.0, "lam L_f + t l / (t l + 1)", LOW)]


def _alpha_pgd(c: Constants, p: Parameters) -> list[Check]:
    low, checks = _two_ends(c, 1.0, 1.0)
    return [
        *checks,
        below(p["alpha"] * p["lam"] * p.lipschitz, 1.0, "alpha lam L_f"),
        below(low / (low + 1), p["alpha"], "l / (l + 1)", f"= alpha, {LOW}"),
    ]


def _drs(c: Constants, p: Parameters) -> list[Check]:
    low, checks = _two_ends(c, p["t"], 0.5)
    return [*checks, below(low, 1.0, "t l", LOW)]


def _drsdiff(c: Constants, p: Parameters) -> list[Check]:
    _, checks = _two_ends(c, p["t"], 1.0)
    return [*checks, below(p["lam"] * p.lipschitz, 1.0, "lam L_f")]


RULES = [
    Rule("prox_pnp_pgd", "[A] section 3, Prox-PnP-PGD", PROX + ", t M < 1", "L_f-Lipschitz gradient",
         "lam L_f + t l / (t l + 1) < 2",
         "lam f + phi_t decreases; if x_k stays bounded, it converges to a critical point", _pgd, proximal=False),
    Rule("alpha_pgd", "[A] section 3, relaxed PGD (Hurault et al. 2023b)", PROX + " < 1", SMOOTH,
         "l / (l + 1) < alpha < 1 / (lam L_f)",
         "lam f + phi + (alpha/2)(1/alpha - 1)^2 ||y_k - y_{k-1}||^2 decreases at y_k; if bounded, x_k and y_k converge "
         "to one critical point", _alpha_pgd, proximal=False),
    Rule("prox_pnp_drs", "[A] section 3, Prox-PnP-DRS, under the condition of Themelis and Patrinos 2020", PROX, ANY,
         "t M < 1/2, t l < 1, any lam", ENVELOPE, _drs),
    Rule("prox_pnp_drsdiff", "[A] section 3, Prox-PnP-DRSdiff", PROX + ", t M < 1", SMOOTH, "lam L_f < 1", ENVELOPE,
         _drsdiff),
]  # fmt: skip
