"""The theorem for each solver: conditions on the denoiser, on the fidelity, on the parameters, and what then converges.

`RULES` is data, one file for each family of solvers. `guarantee` checks it against numbers, cards and certificates take
their conclusions from it, and the book's table is written from it.
"""

from __future__ import annotations

from pnp_course.guarantees.conditions import Check, Parameters, Rule, bare
from pnp_course.guarantees.constants import Constants
from pnp_course.guarantees.rules import coco, convex, gs_pnp, ishikawa, proximal

WITHOUT = [
    bare("hqs", "It has fixed points for contractive D; with a schedule it minimises no objective."),
    bare("dpir", "The noise level shrinks from step to step, so there is no objective and no theorem."),
    bare("snore", "The method is random; convergence is proved for decreasing steps (Renaud et al. 2024).", False),
    bare("snore_prox", "The method is random; no theorem is checked here."),
    bare("dps", "The method draws a random sample: it has no limit that a theorem could name.", False),
    bare("diffpir", "The method draws a random sample: it has no limit that a theorem could name."),
]
FAMILIES = (convex.RULES, gs_pnp.RULES, proximal.RULES, ishikawa.RULES, coco.RULES, WITHOUT)
RULES: dict[str, Rule] = {rule.solver: rule for family in FAMILIES for rule in family}


def judge(rule: Rule, c: Constants, p: Parameters) -> list[Check]:
    """Every hypothesis of a rule, and whether it holds; an empty list if there is no theorem."""
    if rule.check is None:
        return []
    if c.bregman and rule.solver != "b_red":
        return [(False, "a Bregman gradient step is no gradient step in the usual geometry")]
    if c.nonsense:
        return [(False, f"the constants are none of a denoiser: {c.nonsense}")]
    checks = rule.check(c, p)
    return [*checks, (False, c.unmeasured)] if c.unmeasured else checks


def holds(checks: list[Check]) -> bool:
    """Is there a theorem, and was none of its hypotheses found violated?"""
    return bool(checks) and all(held for held, _ in checks)
