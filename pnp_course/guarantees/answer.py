"""Which theorem covers a run, and whether its hypotheses held.

`guarantee` compares measured constants of a denoiser (a certificate, or a card's) and the run's parameters with the
hypotheses of the theorem for that solver (`RULES`), and says what holds and what does not.

What is measured at some patches is not proved for all images: "covered" means that no hypothesis was found violated
where the certificate was taken. For a denoiser that has its constants by construction it means that they hold: `scope`
says which of the two an answer is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from pnp_course import solvers
from pnp_course.guarantees.certificates import Certificate
from pnp_course.guarantees.conditions import Check, Parameters
from pnp_course.guarantees.constants import Constants
from pnp_course.guarantees.rules import RULES, holds, judge
from pnp_course.solvers.signature import bind


@dataclass(frozen=True)
class Guarantee:
    """An answer: is the run covered, by which theorem, what the theorem concludes, and whether each hypothesis holds.

    everywhere: the denoiser's constants are proved for every image, and not measured at some patches.
    """

    solver: str
    covered: bool
    theorem: str
    conclusion: str
    checks: list[Check]
    caveat: str = ""
    everywhere: bool = False

    @property
    def scope(self) -> str:
        """The images that the denoiser's constants are about."""
        return "every image" if self.everywhere else "the patches measured"

    def __str__(self) -> str:
        if not self.checks:
            return f"{self.solver}: no theorem. {self.conclusion}"
        if self.covered:
            reasons = "; ".join(words for _, words in self.checks)
            caveat = f" {self.caveat}" if self.caveat else ""
            scope = " The denoiser's constants hold for every image, by construction." if self.everywhere else ""
            return (
                f"{self.solver}: covered by {self.theorem}, because {reasons}. Then {self.conclusion}.{scope}{caveat}"
            )
        reasons = "; ".join(words for held, words in self.checks if not held)
        return f"{self.solver}: not covered by {self.theorem}, because {reasons}."


def guarantee(
    solver: str,
    denoiser: Constants | Certificate | dict[str, Any],
    fidelity: Any,
    x: Tensor,
    *,
    sigma: float | None = None,
    **parameters: Any,
) -> Guarantee:
    """Which theorem covers a run of `solver` (its name), and whether its hypotheses held.

    Args:
        denoiser: measured constants: a Certificate, a card, or Constants.
        fidelity: Gaussian or Poisson, with its operator and data.
        x: an image of the shape restored, for the operator's norm.
        sigma: with a card, the noise level of the denoiser in units of intensity.
        parameters: the keyword parameters of the solver, as one would pass them to it. They pass the solver's own
            checks, and what is left out has the solver's own default.

    Raises:
        ValueError: the solver is unknown, or a parameter is missing, outside its domain, or not one of the solver's.
    """
    if not isinstance(solver, str) or solver not in RULES:
        raise ValueError(f"there is no rule for {solver!r}; wanted one of {', '.join(RULES)}.")
    rule, bound = RULES[solver], bind(getattr(solvers, solver), parameters)
    constants = _constants(denoiser, sigma)
    checks = judge(rule, constants, Parameters(bound, lambda: fidelity.lipschitz(x)))
    inexact = "The proximal operator of this fidelity is computed to a tolerance, and taken for exact."
    caveat = inexact if rule.proximal and not fidelity.exact_prox else ""
    if constants.everywhere:
        caveat = (caveat + " The denoiser is computed to a tolerance, and taken for exact.").strip()
    return Guarantee(solver, holds(checks), rule.theorem, rule.conclusion, checks, caveat, constants.everywhere)


def _constants(denoiser: Constants | Certificate | dict[str, Any], sigma: float | None) -> Constants:
    if isinstance(denoiser, dict):
        return Constants.of(denoiser, sigma)
    if not isinstance(denoiser, Certificate | Constants):
        raise ValueError(
            f"the denoiser is given by a {type(denoiser).__name__}; wanted what was measured of it: "
            "certificate(denoiser, patches, sigma), or denoiser_card(NAME)."
        )
    if sigma is not None:
        raise ValueError(
            f"sigma is {sigma}, but the denoiser is given by a {type(denoiser).__name__}, which was taken at one noise level; "
            "leave sigma out, or pass a card."
        )
    return denoiser.constants if isinstance(denoiser, Certificate) else denoiser
