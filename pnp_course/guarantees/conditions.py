"""What the rules are made of: conditions on constants and parameters, each with words that say whether it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pnp_course.guarantees.constants import Constants

Check = tuple[bool, str]
SYMMETRIC = 1e-2  # if ||J - J^T||_* is below this, the theorems for conservative denoisers are said to apply
ROUNDING = 1e-12  # so that rounding does not make a parameter miss a bound that the theorem includes

ANY = "closed, proper, convex"
SMOOTH = "convex, L_f-Lipschitz gradient"


class Parameters:
    """The parameters of a run by their names in the solver, and the Lipschitz constant of the fidelity's gradient."""

    def __init__(self, values: Mapping[str, Any], lipschitz: Callable[[], float]):
        self.values, self._lipschitz = values, lipschitz

    @cached_property
    def lipschitz(self) -> float:
        """L_f, computed only when a rule needs it."""
        return float(self._lipschitz())

    def __getitem__(self, name: str) -> float:
        """Return a parameter that must be a number."""
        value = self.values[name]
        try:
            return float(value)
        except (TypeError, ValueError):
            raise ValueError(
                f"{name} is {value}; the theorem is about one number for all iterations: pass {name}=NUMBER."
            ) from None


@dataclass(frozen=True)
class Rule:
    """One row of the table: the theorem for a solver, in words, and the check of its hypotheses on numbers.

    proximal: the solver takes proximal steps of the fidelity, which may be inexact, and not only gradients.
    """

    solver: str
    theorem: str
    denoiser: str
    fidelity: str
    parameters: str
    conclusion: str
    check: Callable[[Constants, Parameters], list[Check]] | None = None
    proximal: bool = True


def bare(solver: str, conclusion: str, proximal: bool = True) -> Rule:
    """A row for a solver without a theorem."""
    return Rule(solver, "", "any", "any", "any", conclusion, proximal=proximal)


def below(value: float, bound: float, name: str, why: str = "") -> Check:
    """Is value < bound?"""
    word = "<" if value < bound else "is not below"
    return value < bound, f"{name} = {value:.4g} {word} {bound:.4g}{' ' + why if why else ''}"


def at_most(value: float, bound: float, name: str, why: str = "") -> Check:
    """Is value <= bound, up to rounding?"""
    holds = value <= bound + ROUNDING
    return holds, f"{name} = {value:.4g} {'<=' if holds else 'is above'} {bound:.4g}{' ' + why if why else ''}"


def symmetric(c: Constants) -> Check:
    """Is D conservative, up to an asymmetry that is neglected?"""
    return below(c.asymmetry, SYMMETRIC, "||J - J^T||", "(taken for 0)")


def firm(c: Constants, why: str = "") -> Check:
    """Is D firmly nonexpansive?"""
    return at_most(c.firm, 1.0, "||2J - I||", why)


def strict(c: Constants) -> Check:
    """Is D k-strictly pseudo-contractive?"""
    return at_most(c.strict, 1.0, f"||kI + (1 - k)J|| at k = {c.k:g}")


def potential(c: Constants) -> Check:
    """Is D a gradient step on a known potential?"""
    return c.gradient_step, "D is a gradient step" if c.gradient_step else "D has no known potential g"


def invertible(c: Constants, t: float) -> Check:
    """Is D_t a bijection, and the proximal operator of an F with a Lipschitz gradient?"""
    return below(t * (1 + c.delta), 1.0, "t (1 + delta)", f"with delta = {c.delta:.2g}, so that D_t is invertible")
