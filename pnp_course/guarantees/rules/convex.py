"""The classical splittings, where the denoiser is the proximal operator of a convex function."""

from __future__ import annotations

from pnp_course.guarantees.conditions import ANY, SMOOTH, Check, Parameters, Rule, at_most, below, firm, symmetric
from pnp_course.guarantees.constants import Constants

CONVEX = "prox of a convex function: J = J^T, ||2J - I|| <= 1"
ZERO = "x_k converges to a minimiser, where dR + lam dG has a zero"


def _convex(c: Constants, p: Parameters) -> list[Check]:
    return [symmetric(c), firm(c, "(D is the prox of a convex function)")]


def _pgd(c: Constants, p: Parameters) -> list[Check]:
    return [*_convex(c, p), below(p["step"] * p["lam"] * p.lipschitz, 2.0, "step lam L_f")]


def _fista(c: Constants, p: Parameters) -> list[Check]:
    return [*_convex(c, p), at_most(p["step"] * p["lam"] * p.lipschitz, 1.0, "step lam L_f")]


def _drs(c: Constants, p: Parameters) -> list[Check]:
    return [*_convex(c, p), below(p["relaxation"], 2.0, "relaxation")]


def _primal_dual(c: Constants, p: Parameters) -> list[Check]:
    linear = p.values["linear"]
    norm_squared = 1.0 if linear is None else float(linear.norm_squared)
    product = p["step"] * p["sigma_dual"] * norm_squared
    return [*_convex(c, p), at_most(product, 1.0, "step sigma_dual ||L||^2", f"with ||L||^2 <= {norm_squared:.4g}")]


def _rmmo(c: Constants, p: Parameters) -> list[Check]:
    return [firm(c)]


RULES = [
    Rule("pgd", "the theorem of proximal gradient descent", CONVEX, SMOOTH, "step lam L_f < 2",
         "x_k converges to a minimiser, where there is one", _pgd, proximal=False),
    Rule("fista", "Beck and Teboulle 2009", CONVEX, SMOOTH, "step lam L_f <= 1",
         "the objective converges to its minimum like 1/k^2, where there is a minimiser", _fista, proximal=False),
    Rule("admm", "the theorem of ADMM for convex functions", CONVEX, ANY, "any lam", ZERO, _convex),
    Rule("drs", "Lions and Mercier 1979", CONVEX, ANY, "0 < relaxation < 2, any lam", ZERO, _drs),
    Rule("primal_dual", "Chambolle and Pock 2011, Condat 2013", CONVEX, ANY, "step sigma_dual ||L||^2 <= 1, any lam", ZERO,
         _primal_dual),
    Rule("rmmo_drs", "Douglas-Rachford for monotone operators", "||2J - I|| <= 1", ANY, "any lam",
         "x_k converges to a zero of a monotone inclusion, where there is one; there is no objective", _rmmo),
]  # fmt: skip
