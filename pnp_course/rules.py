"""The theorem for each solver: conditions on the denoiser, on the fidelity, on the parameters, and what then converges.

`RULES` is data: `guarantees.guarantee` checks it against numbers, and the book's table is written from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pnp_course.certificates import SYMMETRIC, Certificate
from pnp_course.theory import averaging_bound, gradient_lipschitz, pegd_step_bound

Check = tuple[bool, str]


@dataclass(frozen=True)
class Constants:
    """What the rules ask of a denoiser, each the worst value measured.

    gamma: cocoercivity of the symmetric part. delta: how far its spectrum reaches below 0. asymmetry: ||J - J^T||_*.
    residual: ||I - J||_*. norm: ||J||_*. firm: ||2J - I||_*. strict: ||kI + (1 - k)J||_* at `k`. top: lambda_max of S.
    gradient_step: there is a potential g whose value is known. bregman: D is a step on it in Burg's geometry.
    """

    gamma: float
    delta: float
    asymmetry: float
    residual: float
    norm: float
    firm: float
    strict: float
    k: float
    top: float
    gradient_step: bool = False
    bregman: bool = False

    @classmethod
    def of(cls, measured: Certificate | dict[str, Any], sigma: float = 25 / 255) -> Constants:
        """From a certificate, or from a shipped denoiser's card (`denoiser_card(NAME)`) at its level nearest to sigma."""
        if isinstance(measured, Certificate):
            at, built = measured.summary(), float(measured.asymmetry.max()) < 1e-4
        elif "certificate" in measured:
            levels = {level: at for level, at in measured["certificate"].items() if level.isdigit()}
            at = levels[min(levels, key=lambda level: abs(float(level) - 255 * sigma))]
            built = measured["architecture"] == "gradient-step"
        elif measured.get("architecture") == "bregman-gradient-step":  # its potential is all that is known of it
            nan = float("nan")
            return cls(nan, nan, nan, nan, nan, nan, nan, nan, nan, gradient_step=True, bregman=True)
        else:
            raise ValueError("this card holds no certificate; pass a Certificate, or the card of a Gaussian denoiser.")
        names = ("gamma", "delta", "asymmetry", "residual", "norm", "firm", "strict")
        worst: dict[str, Any] = {name: at[f"{name}_worst"] for name in names}
        return cls(**worst, k=at["k"], top=at["lambda_max_worst"], gradient_step=built)


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


class Run(dict[str, float]):
    """The solver's parameters by name, with the fidelity's two constants."""

    def __init__(self, lipschitz: float, relative_smoothness: float, parameters: dict[str, float]):
        super().__init__(parameters)
        self.lipschitz, self.relative_smoothness = lipschitz, relative_smoothness

    def __missing__(self, name: str) -> float:
        raise ValueError(f"the rule for this solver needs the parameter {name!r}; pass {name}=...")


def _below(value: float, bound: float, name: str, why: str = "") -> Check:
    word = "<" if value < bound else "is not below"
    return value < bound, f"{name} = {value:.4g} {word} {bound:.4g}{' ' + why if why else ''}"


def _symmetric(c: Constants) -> Check:
    return _below(c.asymmetry, SYMMETRIC, "||J - J^T||")


def _coco_admm(c: Constants, r: Run) -> list[Check]:
    t0 = averaging_bound(c.gamma, c.delta)
    return [_symmetric(c), _below(r["t"], t0, "t", f"= t_0(gamma = {c.gamma:.3g}, delta = {c.delta:.2g})")]


def _coco_pegd(c: Constants, r: Run) -> list[Check]:
    prox = gradient_lipschitz(c.gamma, r["t"], c.delta) < float("inf")
    return [
        _symmetric(c),
        (prox, f"D_t is {'' if prox else 'not '}invertible: t (1 + delta) = {r['t'] * (1 + c.delta):.3g}"),
        _below(r["step"], pegd_step_bound(c.gamma, r["t"]), "step", "= 2 - r(t)"),
    ]


def _gs(c: Constants, r: Run) -> list[Check]:
    return [(c.gradient_step, "D is a gradient step" if c.gradient_step else "D has no known potential g")]


def _lipschitz_residual(c: Constants, r: Run) -> tuple[float, list[Check]]:
    t = r.get("t", 1.0)
    return t * c.residual, [_symmetric(c), _below(t * c.residual, 1.0, "t L", "with L = ||I - J||")]


def _prox_pgd(c: Constants, r: Run) -> list[Check]:
    big, checks = _lipschitz_residual(c, r)
    return [*checks, _below(r["lam"] * r.lipschitz + big / (big + 1), 2.0, "lam L_f + t L / (t L + 1)")]


def _alpha_pgd(c: Constants, r: Run) -> list[Check]:
    big, checks = _lipschitz_residual(c, r)
    modulus = big / (big + 1)
    return [
        *checks,
        _below(r["alpha"] * r["lam"] * r.lipschitz, 1.0, "alpha lam L_f"),
        _below(modulus, r["alpha"], "L / (L + 1)", "= alpha"),
    ]


def _prox_drs(c: Constants, r: Run) -> list[Check]:
    big, checks = _lipschitz_residual(c, r)
    return [*checks, _below(2 * big**3 + big**2 + 2 * big - 1, 0.0, "2 (tL)^3 + (tL)^2 + 2 tL - 1")]


def _drsdiff(c: Constants, r: Run) -> list[Check]:
    _, checks = _lipschitz_residual(c, r)
    return [*checks, _below(r["lam"] * r.lipschitz, 1.0, "lam L_f")]


def _rmmo(c: Constants, r: Run) -> list[Check]:
    return [_below(c.firm, 1.0 + 1e-9, "||2J - I||")]


def _relaxed_k(c: Constants, r: Run) -> float:
    """r D + (1 - r) I of a k-SPC D is k'-SPC with 1 - k' = (1 - k) / r."""
    return 1 - (1 - c.k) / r.get("relaxation", 0.2)


def _pnpi_hqs(c: Constants, r: Run) -> list[Check]:
    return [
        _below(c.strict, 1.0 + 1e-9, f"||kI + (1 - k)J|| at k = {c.k:g}"),
        _below(_relaxed_k(c, r), 0.5 + 1e-9, "k' of r D + (1 - r) I"),
    ]


def _pnpi_fbs(c: Constants, r: Run) -> list[Check]:
    return [
        _below(c.strict, 1.0 + 1e-9, f"||kI + (1 - k)J|| at k = {c.k:g}"),
        _below(r["lam"] * r.lipschitz, 2.0, "lam L_f"),
        _below(_relaxed_k(c, r), 1 - r["lam"] * r.lipschitz / 2 + 1e-9, "k' of r D + (1 - r) I", "= 1 - lam L_f / 2"),
    ]


def _pnpi_gd(c: Constants, r: Run) -> list[Check]:
    return [_below(c.top, 1.0 + 1e-9, "lambda_max of (J + J^T)/2"), _below(r.lipschitz, float("inf"), "L_f")]


def _red(c: Constants, r: Run) -> list[Check]:
    big = r.lipschitz + r["lam"] * c.residual
    return [*_gs(c, r), _below(r["step"] * big, 2.0, "step (L_f + lam ||I - J||)")]


def _convex_prox(c: Constants, r: Run) -> list[Check]:
    return [_symmetric(c), _below(c.firm, 1.0 + 1e-9, "||2J - I||", "(D is the prox of a convex function)")]


def _pgd(c: Constants, r: Run) -> list[Check]:
    return [*_convex_prox(c, r), _below(r.get("step", 1.0) * r["lam"] * r.lipschitz, 2.0, "step lam L_f")]


def _fista(c: Constants, r: Run) -> list[Check]:
    step = r.get("step", 1.0) * r["lam"] * r.lipschitz
    return [*_convex_prox(c, r), _below(step, 1.0 + 1e-9, "step lam L_f")]


def _primal_dual(c: Constants, r: Run) -> list[Check]:
    return [*_convex_prox(c, r), _below(r["tau"] * r["sigma_dual"], 1.0 + 1e-9, "tau sigma ||L||^2")]


def _b_red(c: Constants, r: Run) -> list[Check]:
    searched = bool(r.get("backtracking", 0))
    return [
        *_gs(c, r),
        (searched, f"the step is {'searched' if searched else 'fixed, and g has no known relative constant'}"),
    ]


ANY = "closed, proper, convex"
NONE = "stationary point of F + lam G"
RULES: dict[str, Rule] = {
    rule.solver: rule
    for rule in [
        Rule("pgd", "the theorem of proximal gradient descent", "prox of a convex function: J = J^T, ||2J - I|| <= 1",
             "convex, L_f-Lipschitz gradient", "step lam L_f < 2", "x_k converges to a minimiser", _pgd),
        Rule("fista", "Beck and Teboulle 2009", "prox of a convex function", "convex, L_f-Lipschitz gradient",
             "step lam L_f <= 1", "the objective converges to its minimum like 1/k^2", _fista),
        Rule("admm", "the theorem of ADMM for convex functions", "prox of a convex function", ANY, "any lam",
             "x_k converges to a minimiser", _convex_prox),
        Rule("drs", "Lions and Mercier 1979", "prox of a convex function", ANY, "any lam", "x_k converges to a minimiser",
             _convex_prox),
        Rule("primal_dual", "Chambolle and Pock 2011", "prox of a convex function", ANY, "tau sigma ||L||^2 <= 1",
             "x_k converges to a minimiser", _primal_dual),
        Rule("hqs", "", "any", "any", "any", "Fixed points exist for contractive D; with a schedule nothing is minimised."),
        Rule("dpir", "", "any", "any", "any", "The noise level shrinks from step to step: no objective, no theorem."),
        Rule("gs_pnp_pgd", "[A] Theorem 1 (backtracking)", "gradient step D = I - grad g, g smooth", ANY,
             "0 < c < 1/2", "f + lam g decreases and converges, limit points are critical", _gs),
        Rule("prox_pnp_pgd", "[A] section 3, Prox-PnP-PGD", "J = J^T, t ||I - J|| < 1",
             "L_f-Lipschitz gradient", "lam L_f + tL / (tL + 1) < 2", "lam f + phi decreases, x_k converges to a critical point",
             _prox_pgd),
        Rule("alpha_pgd", "[A] section 3, relaxed PGD (Hurault et al. 2023b)", "J = J^T, L = ||I - J|| < 1",
             "convex, L_f-Lipschitz gradient", "L / (L + 1) < alpha < 1 / (lam L_f)",
             "x_k converges to a critical point of lam f + phi", _alpha_pgd),
        Rule("prox_pnp_drs", "[A] section 3, Prox-PnP-DRS", "J = J^T, t ||I - J|| < 0.376", ANY, "any lam",
             "the envelope decreases, x_k converges to a critical point of lam f + phi_t", _prox_drs),
        Rule("prox_pnp_drsdiff", "[A] section 3, Prox-PnP-DRSdiff", "J = J^T, t ||I - J|| < 1",
             "L_f-Lipschitz gradient", "lam L_f < 1", "the envelope decreases, x_k converges to a critical point", _drsdiff),
        Rule("rmmo_drs", "Douglas-Rachford for monotone operators", "||2J - I|| <= 1", ANY, "any lam",
             "x_k converges to a zero of a monotone inclusion, where there is one; there is no objective", _rmmo),
        Rule("pnpi_hqs", "Wei et al. 2024, Ishikawa", "k-strictly pseudo-contractive: ||kI + (1 - k)J|| <= 1", ANY,
             "relaxation r <= 2 (1 - k)", "u_k converges to a fixed point, where there is one; there is no objective", _pnpi_hqs),
        Rule("pnpi_fbs", "Wei et al. 2024, Ishikawa", "k-strictly pseudo-contractive", "convex, L_f-Lipschitz gradient",
             "lam L_f < 2, 1 - (1 - k)/r <= 1 - lam L_f / 2", "u_k converges to a fixed point, where there is one", _pnpi_fbs),
        Rule("pnpi_gd", "Wei et al. 2024, Ishikawa", "pseudo-contractive: lambda_max((J + J^T)/2) <= 1",
             "convex, Lipschitz gradient", "alpha_k <= beta_k -> 0", "u_k converges to a zero of lam grad G + I - D", _pnpi_gd),
        Rule("red", "gradient descent on G + lam g", "gradient step", "L_f-Lipschitz gradient",
             "step (L_f + lam ||I - J||) < 2", "G + lam g decreases, limit points are critical", _red),
        Rule("red_fixed_point", "", "any", "any", "any", "For a gradient step it is gs_pnp_pgd without its line search."),
        Rule("snore", "", "any", "any", "any", "Stochastic: proved for decreasing steps (Renaud et al. 2024)."),
        Rule("snore_prox", "", "any", "any", "any", "Stochastic: proved for decreasing steps (Renaud et al. 2024)."),
        Rule("b_red", "Hurault et al. 2023, B-RED", "Bregman gradient step", "smooth relative to Burg's entropy, ||y||_1",
             "backtracking", "lam f + g decreases, limit points are critical", _b_red),
        Rule("b_pnp", "", "Bregman gradient step", "smooth relative to Burg's entropy", "lam ||y||_1 < 1",
             "Hurault et al. 2023 prove it for B a Bregman proximal map; this is not checked here."),
        Rule("dps", "", "any", "any", "any", "A sampler: its end is random."),
        Rule("diffpir", "", "any", "any", "any", "A sampler: its end is random."),
        Rule("coco_admm", "[B] Theorem 4.1, with slack", "J = J^T, spectrum in [-delta, 1/gamma]", ANY, "t < t_0(gamma, delta)",
             "the Lagrangian (65) decreases, (u_k, v_k) converges to a stationary point of F + lam G", _coco_admm),
        Rule("coco_pegd", "[B] Theorem 4.4", "J = J^T, spectrum in [-delta, 1/gamma]", ANY, "step < 2 - r(t), t (1 + delta) < 1",
             "F + step e decreases, u_k converges to a stationary point of it", _coco_pegd),
        Rule("coco_drs", "", "J = J^T, spectrum in [-delta, 1/gamma]", ANY, "t < t_0(gamma)",
             "Fidelity first: Theorem 4.1 is about the other order (coco_admm). The fixed points are the same."),
    ]
}  # fmt: skip
