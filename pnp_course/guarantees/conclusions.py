"""What certificates and cards say about a denoiser, by the same rules as `guarantee`, at the solvers' own defaults."""

from __future__ import annotations

from typing import Any

from pnp_course import solvers
from pnp_course.guarantees.bounds import largest_averaging
from pnp_course.guarantees.conditions import Check, Parameters, at_most, below, invertible, strict, symmetric
from pnp_course.guarantees.constants import Constants
from pnp_course.guarantees.rules import RULES, holds, judge
from pnp_course.solvers.signature import bind


def averaging(c: Constants) -> float:
    """The bound t_1 on t below which CoCo-ADMM converges, as if the asymmetry were 0."""
    return largest_averaging(c.gamma, c.delta)


def theorems(c: Constants, t: float | None = None) -> dict[str, bool]:
    """Which hypotheses hold, by name; `t` is the averaging of the CoCo solvers, by default that of `coco_admm`."""
    given = {} if t is None else {"t": t}
    t = float(bind(solvers.coco_admm, given | {"lam": 1.0})["t"])

    def covered(solver: str, **parameters: Any) -> bool:
        """Does the rule of this solver hold? The answer is for any fidelity and weight, since these rules use neither."""
        bound = bind(getattr(solvers, solver), parameters | {"lam": 1.0})
        return holds(judge(RULES[solver], c, Parameters(bound, lambda: float("inf"))))

    def held(*checks: Check) -> bool:
        return holds(list(checks)) and not c.unmeasured and not c.nonsense

    return {
        "conservative (J = J^T)": held(symmetric(c)),
        "firmly nonexpansive: RMMO-DRS": covered("rmmo_drs"),
        "nonexpansive: NE": held(at_most(c.norm, 1.0, "||J||")),
        f"{c.k:g}-strictly pseudo-contractive: PnPI": held(strict(c)),
        "residual Lipschitz below 1 and conservative: [A] Prop. 3.1, Prox-PnP": held(
            symmetric(c), below(c.residual, 1.0, "||I - J||")
        ),
        "1/4-cocoercive: [B] (10)": held(at_most(c.quarter, 1.0, "||J/2 - I||")),
        f"D_t is a prox, t = {t:g}: [B] Theorem 2.2 with slack": held(symmetric(c), invertible(c, t)),
        f"CoCo-ADMM converges, t = {t:g}: {RULES['coco_admm'].theorem}": covered("coco_admm", t=t),
        f"CoCo-PEGD converges, t = {t:g}: {RULES['coco_pegd'].theorem}": covered("coco_pegd", t=t),
    }
