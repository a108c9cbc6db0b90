"""Solvers that descend on an objective with a known potential g: a line search in either geometry."""

from __future__ import annotations

from pnp_course.guarantees.conditions import ANY, Check, Parameters, Rule, bare, potential
from pnp_course.guarantees.constants import Constants


def _gs(c: Constants, p: Parameters) -> list[Check]:
    return [potential(c)]


def _b_red(c: Constants, p: Parameters) -> list[Check]:
    searched = bool(p.values["backtracking"])
    return [
        potential(c),
        (searched, f"the step is {'searched' if searched else 'fixed, and g has no known relative constant'}"),
    ]


RULES = [
    Rule("gs_pnp_pgd", "[A] section 2, Algorithm 1 (backtracking)",
         "gradient step D = I - grad g, g >= 0, grad g locally Lipschitz", ANY + ", bounded below", "0 < c < 1/2",
         "lam f + g decreases and converges; if the iterates stay bounded, u_k converges to a critical point", _gs),
    Rule("b_red", "Hurault et al. 2023, B-RED", "gradient step, Bregman or not, grad g locally Lipschitz",
         "smooth relative to Burg's entropy, ||y||_1", "backtracking",
         "lam f + g decreases and converges; limit points without a zero pixel satisfy the optimality conditions on "
         "0 < x <= largest", _b_red, proximal=False),
    bare("b_pnp", "Hurault et al. 2023 prove convergence if B is a Bregman proximal operator, which is not checked here.",
         proximal=False),
]  # fmt: skip
