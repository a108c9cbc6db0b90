"""The theorem for each solver: conditions on the denoiser, on the fidelity, on the parameters, and what then converges.

`RULES` is data: `guarantees.guarantee` checks it against numbers, and the book's table is written from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pnp_course.certificates import SYMMETRIC
from pnp_course.constants import Constants, Run
from pnp_course.theory import gradient_lipschitz, largest_averaging, pegd_step_bound

Check = tuple[bool, str]


@dataclass(frozen=True)
class Rule:
    """One row of the table: the theorem for a solver, in words, and the check of its hypotheses on numbers."""

    solver: str
    theorem: str
    denoiser: str
    fidelity: str
    parameters: str
    conclusion: str
    check: Callable[[Constants, Run], list[Check]] | None = None


def _below(value: float, bound: float, name: str, why: str = "") -> Check:
    word = "<" if value < bound else "is not below"
    return value < bound, f"{name} = {value:.4g} {word} {bound:.4g}{' ' + why if why else ''}"


def _symmetric(c: Constants) -> Check:
    return _below(c.asymmetry, SYMMETRIC, "||J - J^T||", "(taken for 0)")


def _coco_admm(c: Constants, r: Run) -> list[Check]:
    t0, words = largest_averaging(c.gamma, c.delta), f"= t_1(gamma = {c.gamma:.3g}, delta = {c.delta:.2g})"
    if c.gamma == 1 and r["t"] == t0:  # F is convex: the bound itself is allowed
        return [_symmetric(c), (True, f"t = {t0:.4g} {words}")]
    return [_symmetric(c), _below(r["t"], t0, "t", words)]


def _coco_pegd(c: Constants, r: Run) -> list[Check]:
    prox = gradient_lipschitz(c.gamma, r["t"], c.delta) < float("inf")
    return [
        _symmetric(c),
        (prox, f"D_t is {'' if prox else 'not '}invertible: t (1 + delta) = {r['t'] * (1 + c.delta):.3g}"),
        _below(r["step"], pegd_step_bound(c.gamma, r["t"]), "step", "= 2 - r(t)"),
    ]


def _gs(c: Constants, r: Run) -> list[Check]:
    return [(c.gradient_step, "D is a gradient step" if c.gradient_step else "D has no known potential g")]


def _two_ends(c: Constants, r: Run, t: float, below: float) -> tuple[float, list[Check]]:
    """t l, where -l <= I - J <= M, and the check of t M: book/theory/proximal_denoiser.md, the two ends."""
    t = r.get("t", t)
    return t * max(c.top - 1, 0.0), [
        *_gs(c, r),
        _symmetric(c),
        _below(t * (1 - c.bottom), below, "t M", "with M the largest eigenvalue of I - J"),
    ]


def _prox_pgd(c: Constants, r: Run) -> list[Check]:
    low, checks = _two_ends(c, r, 1.0, 1.0)
    words = "with -l the smallest eigenvalue of I - J"
    return [*checks, _below(r["lam"] * r.lipschitz + low / (low + 1), 2.0, "lam L_f + t l / (t l + 1)", words)]


def _alpha_pgd(c: Constants, r: Run) -> list[Check]:
    low, checks = _two_ends(c, r, 1.0, 1.0)
    return [
        *checks,
        _below(r["alpha"], 1.0 + 1e-9, "alpha"),
        _below(r["alpha"] * r["lam"] * r.lipschitz, 1.0, "alpha lam L_f"),
        _below(low / (low + 1), r["alpha"], "l / (l + 1)", "= alpha, with -l the smallest eigenvalue of I - J"),
    ]


def _prox_drs(c: Constants, r: Run) -> list[Check]:
    low, checks = _two_ends(c, r, 0.5, 0.5)
    return [*checks, _below(low, 1.0, "t l", "with -l the smallest eigenvalue of I - J")]


def _drsdiff(c: Constants, r: Run) -> list[Check]:
    _, checks = _two_ends(c, r, 1.0, 1.0)
    return [*checks, _below(r["lam"] * r.lipschitz, 1.0, "lam L_f")]


def _rmmo(c: Constants, r: Run) -> list[Check]:
    return [_below(c.firm, 1.0 + 1e-9, "||2J - I||")]


def _strict(c: Constants) -> Check:
    return _below(c.strict, 1.0 + 1e-9, f"||kI + (1 - k)J|| at k = {c.k:g}")


def _relaxed_k(c: Constants, r: Run) -> float:
    """r D + (1 - r) I of a k-SPC D is k'-SPC with 1 - k' = (1 - k) / r."""
    return 1 - (1 - c.k) / r.get("relaxation", 0.2)


def _exponents(r: Run, a: float, b: float) -> Check:
    """alpha_k = k^-a, beta_k = k^-b; a, b: the solver's defaults."""
    a, b = r.get("a", a), r.get("b", b)
    holds = 0 < b <= a and a + b <= 1
    return holds, f"a = {a:g}, b = {b:g} {'are' if holds else 'are not'} such that 0 < b <= a and a + b <= 1"


def _pnpi_hqs(c: Constants, r: Run) -> list[Check]:
    return [_strict(c), _below(_relaxed_k(c, r), 0.5 + 1e-9, "k' of r D + (1 - r) I"), _exponents(r, 0.05, 0.05)]


def _pnpi_fbs(c: Constants, r: Run) -> list[Check]:
    step = r["lam"] * r.lipschitz
    return [
        _strict(c),
        _below(step, 2.0, "lam L_f"),
        _below(_relaxed_k(c, r), 1 - step / 2 + 1e-9, "k' of r D + (1 - r) I", "= 1 - lam L_f / 2"),
        _exponents(r, 0.05, 0.05),
    ]


def _pnpi_gd(c: Constants, r: Run) -> list[Check]:
    return [
        _below(c.top, 1.0 + 1e-9, "lambda_max of (J + J^T)/2"),
        _below(r.lipschitz, float("inf"), "L_f"),
        _exponents(r, 0.5, 0.4),
    ]


def _red(c: Constants, r: Run) -> list[Check]:
    bound = r["step"] * (r.lipschitz + r["lam"] * (1 + c.delta))
    return [_symmetric(c), _below(bound, 2.0, "step (L_f + lam (1 + delta))")]


def _red_fixed_point(c: Constants, r: Run) -> list[Check]:
    return [_symmetric(c), _below(c.delta, 1.0, "delta")]


def _convex_prox(c: Constants, r: Run) -> list[Check]:
    return [_symmetric(c), _below(c.firm, 1.0 + 1e-9, "||2J - I||", "(D is the prox of a convex function)")]


def _pgd(c: Constants, r: Run) -> list[Check]:
    return [*_convex_prox(c, r), _below(r.get("step", 1.0) * r["lam"] * r.lipschitz, 2.0, "step lam L_f")]


def _fista(c: Constants, r: Run) -> list[Check]:
    step = r.get("step", 1.0) * r["lam"] * r.lipschitz
    return [*_convex_prox(c, r), _below(step, 1.0 + 1e-9, "step lam L_f")]


def _drs(c: Constants, r: Run) -> list[Check]:
    return [*_convex_prox(c, r), _below(r.get("relaxation", 1.0), 2.0, "relaxation")]


def _primal_dual(c: Constants, r: Run) -> list[Check]:
    product = r["tau"] * r["sigma_dual"] * r.get("norm_squared", 1.0)
    return [*_convex_prox(c, r), _below(product, 1.0 + 1e-9, "tau sigma ||L||^2")]


def _b_red(c: Constants, r: Run) -> list[Check]:
    searched = bool(r.get("backtracking", 0))
    return [
        *_gs(c, r),
        (searched, f"the step is {'searched' if searched else 'fixed, and g has no known relative constant'}"),
    ]


ANY = "closed, proper, convex"
SMOOTH = "convex, L_f-Lipschitz gradient"
CONVEX = "prox of a convex function: J = J^T, ||2J - I|| <= 1"
STEP = "gradient step D = I - grad g, g >= 0, grad g locally Lipschitz"
PROX = "smooth gradient step, -l <= I - J <= M, t M < 1"
FIXED = "u_k converges to a fixed point, where there is one; while beta_k is large the iterates may first grow"
COCO = "J = J^T, spectrum in [-delta, 1/gamma]"
RULES: dict[str, Rule] = {
    rule.solver: rule
    for rule in [
        Rule("pgd", "the theorem of proximal gradient descent", CONVEX, SMOOTH, "step lam L_f < 2",
             "x_k converges to a minimiser, where there is one", _pgd),
        Rule("fista", "Beck and Teboulle 2009", CONVEX, SMOOTH, "step lam L_f <= 1",
             "the objective converges to its minimum like 1/k^2, where there is a minimiser", _fista),
        Rule("admm", "the theorem of ADMM for convex functions", CONVEX, ANY, "any lam",
             "x_k converges to a minimiser, where dR + lam dG has a zero", _convex_prox),
        Rule("drs", "Lions and Mercier 1979", CONVEX, ANY, "0 < relaxation < 2, any lam",
             "x_k converges to a minimiser, where dR + lam dG has a zero", _drs),
        Rule("primal_dual", "Chambolle and Pock 2011, Condat 2013", CONVEX, ANY, "tau sigma ||L||^2 <= 1",
             "x_k converges to a minimiser, where dR + lam dG has a zero", _primal_dual),
        Rule("hqs", "", "any", "any", "any", "Fixed points exist for contractive D; with a schedule nothing is minimised."),
        Rule("dpir", "", "any", "any", "any", "The noise level shrinks from step to step: no objective, no theorem."),
        Rule("gs_pnp_pgd", "[A] section 2, Algorithm 1 (backtracking)", STEP, ANY, "0 < c < 1/2",
             "f + lam g decreases and converges; if the iterates stay bounded, u_k converges to a critical point", _gs),
        Rule("prox_pnp_pgd", "[A] section 3, Prox-PnP-PGD", PROX, "L_f-Lipschitz gradient",
             "lam L_f + t l / (t l + 1) < 2",
             "lam f + phi_t decreases; if x_k stays bounded, it converges to a critical point", _prox_pgd),
        Rule("alpha_pgd", "[A] section 3, relaxed PGD (Hurault et al. 2023b)", "smooth gradient step, -l <= I - J <= M < 1",
             SMOOTH, "l / (l + 1) < alpha < 1 / (lam L_f)",
             "lam f + phi + (alpha/2)(1/alpha - 1)^2 ||y_k - y_{k-1}||^2 decreases at y_k; if bounded, x_k and y_k converge "
             "to one critical point", _alpha_pgd),
        Rule("prox_pnp_drs", "[A] section 3, Prox-PnP-DRS", "smooth gradient step, -l <= I - J <= M", ANY,
             "t M < 1/2, t l < 1, any lam",
             "the envelope decreases; if the iterates stay bounded, y_k converges to a critical point of lam f + phi_t",
             _prox_drs),
        Rule("prox_pnp_drsdiff", "[A] section 3, Prox-PnP-DRSdiff", PROX, SMOOTH, "lam L_f < 1",
             "the envelope decreases; if the iterates stay bounded, y_k converges to a critical point of lam f + phi_t",
             _drsdiff),
        Rule("rmmo_drs", "Douglas-Rachford for monotone operators", "||2J - I|| <= 1", ANY, "any lam",
             "x_k converges to a zero of a monotone inclusion, where there is one; there is no objective", _rmmo),
        Rule("pnpi_hqs", "Wei et al. 2024, Ishikawa", "k-strictly pseudo-contractive: ||kI + (1 - k)J|| <= 1", ANY,
             "relaxation r <= 2 (1 - k), 0 < b <= a, a + b <= 1", FIXED, _pnpi_hqs),
        Rule("pnpi_fbs", "Wei et al. 2024, Ishikawa", "k-strictly pseudo-contractive", SMOOTH,
             "lam L_f < 2, 1 - (1 - k)/r <= 1 - lam L_f / 2, 0 < b <= a, a + b <= 1", FIXED, _pnpi_fbs),
        Rule("pnpi_gd", "Wei et al. 2024, Ishikawa", "Lipschitz, pseudo-contractive: lambda_max((J + J^T)/2) <= 1", SMOOTH,
             "0 < b <= a, a + b <= 1", "u_k converges to a zero of lam grad G + I - D, where there is one", _pnpi_gd),
        Rule("red", "gradient descent on G + lam g, D = I - grad g", COCO, "L_f-Lipschitz gradient",
             "step (L_f + lam (1 + delta)) < 2", "G + lam g decreases, limit points are critical", _red),
        Rule("red_fixed_point", "proximal gradient descent on G + lam g, D = I - grad g", COCO + ", delta < 1", ANY,
             "any lam", "G + lam g decreases; if x_k stays bounded, it converges to a critical point", _red_fixed_point),
        Rule("snore", "", "any", "any", "any", "Stochastic: proved for decreasing steps (Renaud et al. 2024)."),
        Rule("snore_prox", "", "any", "any", "any", "Stochastic: no theorem is checked here."),
        Rule("b_red", "Hurault et al. 2023, B-RED", "gradient step, Bregman or not, grad g locally Lipschitz",
             "smooth relative to Burg's entropy, ||y||_1", "backtracking",
             "lam f + g decreases and converges; limit points without a zero pixel satisfy the optimality conditions on "
             "0 < x <= largest", _b_red),
        Rule("b_pnp", "", "Bregman gradient step", "smooth relative to Burg's entropy", "lam ||y||_1 < 1",
             "Hurault et al. 2023 prove it for B a Bregman proximal map; this is not checked here."),
        Rule("dps", "", "any", "any", "any", "A sampler: its end is random."),
        Rule("diffpir", "", "any", "any", "any", "A sampler: its end is random."),
        Rule("coco_admm", "[B] Theorem 4.1, sharpened", COCO, ANY,
             "t < t_1 = min(gamma / (1 - gamma), 1 / (2 (1 + delta))); at gamma = 1: t (1 + delta) <= 1",
             "the Lagrangian (65) decreases from k = 1 on (at gamma = 1 while t (1 + delta) < 1/2); if u_k stays bounded, as "
             "it does for F + lam G coercive, (u_k, v_k) converges to a stationary point of F + lam G", _coco_admm),
        Rule("coco_pegd", "[B] Theorem 4.4", COCO, ANY, "step < 2 - r(t), t (1 + delta) < 1",
             "F + step e decreases, e the Moreau envelope of lam G; if u_k stays bounded, it converges to a stationary point "
             "of that sum", _coco_pegd),
        Rule("coco_drs", "", COCO, ANY, "t < t_1(gamma, delta)",
             "Fidelity first: Theorem 4.1 is about the other order (coco_admm). The fixed points are the same."),
    ]
}  # fmt: skip
