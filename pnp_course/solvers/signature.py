"""What all solvers share before their first line: one name means one thing, and is checked when the solver is called.

`@solver` turns a generator function that reads like a paper's lines into a solver: a call checks the arguments at once,
by name, and only then makes the generator. `bind` does the same without a run, for the guarantees, so that they use the
solver's own parameters and defaults.
"""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any, NoReturn, TypeVar

from torch import Tensor

from pnp_course._checks import check_shape
from pnp_course.solvers.iterate import Iterate

Solver = TypeVar("Solver", bound=Callable[..., Iterator[Iterate]])
Test = tuple[Callable[[Any], bool], str]

POSITIVE: Test = (lambda v: math.isfinite(v) and v > 0, "a finite number > 0")
WEIGHT: Test = (lambda v: 0 < v <= 1, "a number with 0 < {name} <= 1")
EXPONENT: Test = (lambda v: 0 <= v < math.inf, "a finite number >= 0")

# the domain of every keyword of every solver, which is defined only here; the book's notation explains the meanings
DOMAINS: dict[str, Test] = {
    "lam": POSITIVE,  # weight of the fidelity
    "step": POSITIVE,
    "sigma_dual": POSITIVE,
    "sigma_start": POSITIVE,
    "t": WEIGHT,  # of D in t D + (1 - t) I
    "alpha": WEIGHT,
    "relaxation": (lambda v: 0 < v < 2, "a number with 0 < relaxation < 2"),
    "c": (lambda v: 0 < v < 0.5, "a number with 0 < c < 1/2"),
    "eta": (lambda v: 0 < v < 1, "a number with 0 < eta < 1"),
    "a": EXPONENT,
    "b": EXPONENT,
    "cap": POSITIVE,
    "zeta": (lambda v: 0 <= v <= 1, "a number with 0 <= zeta <= 1"),
    "largest": POSITIVE,
    "smallest": POSITIVE,
    "iterations": (lambda v: int(v) == v and v >= 2, "a whole number of at least 2"),
}
# these may be one number, or one for each iteration
SCHEDULES = ("lam", "step")


def keywords(solver: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The keyword parameters of a solver, by name."""
    return {n: p for n, p in inspect.signature(solver).parameters.items() if p.kind is p.KEYWORD_ONLY}


def bind(solver: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return the solver's keyword parameters, `given` and its own defaults for the rest, after checking all of them.

    Raises:
        ValueError: the solver does not have a name (the message offers the nearest one), a parameter is missing, or a
            value is outside the domain that the solver accepts.
    """
    known = keywords(solver)
    for name in given:
        if name not in known:
            _unknown(solver.__name__, name, list(known))
    missing = [n for n, p in known.items() if p.default is p.empty and n not in given]
    if missing:
        raise ValueError(f"{solver.__name__} needs the parameter {missing[0]!r}; pass {missing[0]}=...")
    bound = {n: given.get(n, p.default) for n, p in known.items()}
    for name, value in bound.items():
        if value is None and known[name].default is not None:
            raise ValueError(
                f"{name} is None; wanted a number: pass {name}=NUMBER, or leave it out to take {known[name].default}."
            )
        check_parameter(name, value)
    return bound


def _unknown(solver: str, name: str, known: list[str]) -> NoReturn:
    near = difflib.get_close_matches(name, known, 1, cutoff=0.0)
    raise ValueError(
        f"{solver} has no parameter {name!r}; did you mean {near[0]!r}? It takes {', '.join(known)}."
        if near
        else f"{solver} has no parameter {name!r}; it takes none."
    )


def check_parameter(name: str, value: Any) -> None:
    """Raise ValueError unless `value` is in the domain of the parameter `name`; None leaves the choice to the solver."""
    if name not in DOMAINS or value is None:
        return
    test, wanted = DOMAINS[name]
    if name in SCHEDULES and isinstance(value, Sequence) and not isinstance(value, str):
        if not value:
            raise ValueError(f"{name} is an empty list; wanted one value for each iteration, or a number.")
        for each in value:
            check_parameter(name, each)
        return
    try:
        holds = not isinstance(value, bool | str) and test(float(value))
    except (TypeError, ValueError):
        holds = False
    if not holds:
        raise ValueError(f"{name} is {value}; wanted {wanted.format(name=name)}.")


NEEDS = {  # what a solver asks of `denoise` beside being callable: who has it
    "with_value": "with a potential, D = I - grad g: take a gradient-step denoiser, as in "
    "at_sigma(load_denoiser('gs-drunet'), sigma)",
    "gradient_and_value": "with a known potential g: take a gradient step, as in at_sigma(load_denoiser('bregman-drunet'), 1/50)",
    "at": "for several noise levels: pass at_sigma(denoiser, sigma), with the last level as sigma",
}


def solver(needs: str = "", also: Callable[..., None] | None = None) -> Callable[[Solver], Solver]:
    """Make a solver of a generator function `f(fidelity, denoise, x0, *, ...)`, as the module describes it.

    Args:
        needs: the method that `denoise` must have, a key of `NEEDS`.
        also: further checks, called as (fidelity, denoise, x0, parameters) with the bound keyword parameters.
    """

    def decorate(function: Solver) -> Solver:
        @wraps(function)
        def started(fidelity: Any, denoise: Any, x0: Tensor, **given: Any) -> Iterator[Iterate]:
            parameters = bind(function, given)
            check_shape(x0, name="x0")
            if not callable(denoise):
                raise ValueError(
                    f"denoise is a {type(denoise).__name__}; wanted a function of an image: at_sigma(denoiser, sigma)."
                )
            if needs and not hasattr(denoise, needs):
                raise ValueError(f"{function.__name__} needs a denoiser {NEEDS[needs]}; this one has no `{needs}`.")
            if also:
                also(fidelity, denoise, x0, parameters)
            return function(fidelity, denoise, x0, **parameters)

        return started  # type: ignore[return-value]

    return decorate
