"""Which theorem covers a run, and whether its hypotheses held.

`guarantee` compares measured constants of a denoiser (a certificate, or a card's) and the run's parameters with the
hypotheses of the theorem for that solver (`rules.RULES`), and says what holds and what does not.

What is measured at some patches is not proved for all images: "covered" means that no hypothesis was found violated
where the certificate was taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from pnp_course.certificates import Certificate
from pnp_course.constants import Constants, Run
from pnp_course.rules import RULES, Check


@dataclass(frozen=True)
class Guarantee:
    """Outcome: `covered`, by which `theorem`, what it concludes, and every hypothesis with how it stands."""

    solver: str
    covered: bool
    theorem: str
    conclusion: str
    checks: list[Check]
    caveat: str = ""

    def __str__(self) -> str:
        if not self.checks:
            return f"{self.solver}: no theorem. {self.conclusion}"
        if self.covered:
            reasons = "; ".join(words for _, words in self.checks)
            caveat = f" {self.caveat}" if self.caveat else ""
            return f"{self.solver}: covered by {self.theorem}, because {reasons}. Then {self.conclusion}.{caveat}"
        reasons = "; ".join(words for holds, words in self.checks if not holds)
        return f"{self.solver}: not covered by {self.theorem}, because {reasons}."


def guarantee(
    solver: str, denoiser: Constants | Certificate | dict[str, Any], fidelity: Any, x: Tensor, **parameters: float
) -> Guarantee:
    """Which theorem covers a run of `solver` (its name), and whether its hypotheses held.

    Args:
        denoiser: measured constants: a Certificate, a card, or Constants.
        fidelity: Gaussian or Poisson, with its operator and data.
        x: an image of the shape restored, for the operator's norm.
        parameters: those of the solver that the rule needs: lam, t, step, ...; with a card also `sigma`, the noise level
            in units of intensity.

    Raises:
        ValueError: an unknown solver, or a parameter missing that the rule needs.
    """
    if solver not in RULES:
        raise ValueError(f"there is no rule for {solver!r}; wanted one of {', '.join(RULES)}.")
    rule = RULES[solver]
    c = denoiser if isinstance(denoiser, Constants) else Constants.of(denoiser, parameters.get("sigma"))
    checks: list[Check] = []
    if rule.check and c.bregman and solver != "b_red":
        checks = [(False, "a Bregman gradient step is no gradient step in the usual geometry")]
    elif rule.check:
        checks = rule.check(c, Run(fidelity.lipschitz(x), parameters))
        if c.unmeasured:
            checks.append((False, c.unmeasured))
    covered = bool(checks) and all(holds for holds, _ in checks)
    caveat = (
        ""
        if fidelity.exact_prox
        else "The proximal map of this fidelity is computed to a tolerance, and taken for exact."
    )
    return Guarantee(solver, covered, rule.theorem, rule.conclusion, checks, caveat)
