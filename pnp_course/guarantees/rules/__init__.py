"""The theorem for each solver: conditions on the denoiser, on the fidelity, on the parameters, and what then converges.

`RULES` is data, one file for each family of solvers: `guarantee` checks it against numbers, cards and certificates say
what it says of a denoiser, and the book's table is written from it.
"""

from __future__ import annotations

from pnp_course.guarantees.conditions import Check, Parameters, Rule, bare
from pnp_course.guarantees.constants import Constants
from pnp_course.guarantees.rules import coco, convex, gs_pnp, ishikawa, proximal

WITHOUT = [
    bare("hqs", "Fixed points exist for contractive D; with a schedule nothing is minimised."),
    bare("dpir", "The noise level shrinks from step to step: no objective, no theorem."),
    bare("snore", "Stochastic: proved for decreasing steps (Renaud et al. 2024)."),
    bare("snore_prox", "Stochastic: no theorem is checked here."),
    bare("dps", "A sampler: its end is random."),
    bare("diffpir", "A sampler: its end is random."),
]
FAMILIES = (convex.RULES, gs_pnp.RULES, proximal.RULES, ishikawa.RULES, coco.RULES, WITHOUT)
RULES: dict[str, Rule] = {rule.solver: rule for family in FAMILIES for rule in family}


def judge(rule: Rule, c: Constants, p: Parameters) -> list[Check]:
    """Every hypothesis of a rule with how it stands; an empty list where there is no theorem."""
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
