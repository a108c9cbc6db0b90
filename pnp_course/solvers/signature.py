"""What all solvers share before their first line: one name means one thing, and is checked when the solver is called.

`@solver` turns a generator function that reads like a paper's lines into a solver: a call checks the arguments at once,
by name, and only then makes the generator. `bind` does the same without a run, for the guarantees, so that they use the
solver's own parameters and defaults.
"""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, NoReturn, TypeVar

from torch import Tensor

from pnp_course._checks import check_image, check_one_level
from pnp_course.solvers.iterate import Iterate

Solver = TypeVar("Solver", bound=Callable[..., Iterator[Iterate]])
Test = tuple[Callable[[Any], bool], str]

POSITIVE: Test = (lambda v: math.isfinite(v) and v > 0, "a finite number > 0")
WEIGHT: Test = (lambda v: 0 < v <= 1, "a number with 0 < {name} <= 1")
EXPONENT: Test = (lambda v: 0 <= v < math.inf, "a finite number >= 0")
SEED: Test = (lambda v: int(v) == v and 0 <= v < 2**63, "a whole number >= 0 and below 2^63")

# the domain of every number among the keywords of the solvers, defined only here; the book's notation explains the meanings
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
    "seed": SEED,
    "sigmas": (lambda v: 0 <= v < math.inf, "noise levels >= 0 in units of intensity"),
}
WHOLE = ("iterations", "seed")
# the keywords that are no numbers
OTHERS: dict[str, Test] = {
    "backtracking": (lambda v: isinstance(v, bool), "True or False"),
    "linear": (
        lambda v: 0 < v.norm_squared < math.inf,
        "a map with a finite `norm_squared` > 0, such as a priors.Linear",
    ),
}


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
    return {n: checked(given.get(n, p.default), p) for n, p in known.items()}


def _unknown(solver: str, name: str, known: list[str]) -> NoReturn:
    near = difflib.get_close_matches(name, known, 1, cutoff=0.0)
    raise ValueError(
        f"{solver} has no parameter {name!r}; did you mean {near[0]!r}? It takes {', '.join(known)}."
        if near
        else f"{solver} has no parameter {name!r}; it takes none."
    )


def checked(value: Any, parameter: inspect.Parameter) -> Any:
    """A value for the keyword of a solver, as plain numbers; ValueError unless it lies in its domain.

    A list, one value for each iteration, is taken where the solver's signature says so; None where it is the default.
    """
    name, default, kind = parameter.name, parameter.default, str(parameter.annotation)
    if value is None:
        if default is not None:
            raise ValueError(f"{name} is None; wanted a value: pass {name}=NUMBER, or leave it out to take {default}.")
        return None
    if name in OTHERS:
        _check(OTHERS[name], name, value)
        return value
    if name not in DOMAINS:
        return value
    if "Sequence" in kind and (_is_list(value) or not kind.startswith("float")):
        return _schedule(name, value)
    if isinstance(value, list | tuple):
        raise ValueError(f"{name} is {value}; this solver takes one number for all iterations: pass {name}=NUMBER.")
    return _number(name, value)


def _is_list(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, str) and getattr(value, "ndim", 1) > 0


def _schedule(name: str, values: Any) -> list[float]:
    if not _is_list(values):
        raise ValueError(f"{name} is {values!r}; wanted a list of {DOMAINS[name][1]}, one for each iteration.")
    if not len(values):
        raise ValueError(f"{name} is an empty list; wanted one value for each iteration.")
    return [_number(name, value) for value in values]


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool | str | bytes):
        _refuse(name, value, DOMAINS[name][1])
    try:
        number = value if isinstance(value, int) else float(value)
        exact = int(number) if name in WHOLE else float(number)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # torch's word for a tensor of several values
        _refuse(name, value, DOMAINS[name][1])
    _check(DOMAINS[name], name, number)
    return exact


def _check(domain: Test, name: str, value: Any) -> None:
    test, wanted = domain
    try:
        holds = bool(test(value))
    except (TypeError, ValueError, AttributeError, OverflowError):
        holds = False
    if not holds:
        _refuse(name, value, wanted)


def _refuse(name: str, value: Any, wanted: str) -> NoReturn:
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
            check_image(x0, "x0")
            if not (hasattr(fidelity, "prox") or hasattr(fidelity, "grad")):
                raise ValueError(
                    f"fidelity is a {type(fidelity).__name__}; wanted a fidelity, such as Gaussian(operator, y)."
                )
            if not callable(denoise):
                raise ValueError(
                    f"denoise is a {type(denoise).__name__}; wanted a function of an image: at_sigma(denoiser, sigma)."
                )
            if needs and not hasattr(denoise, needs):
                raise ValueError(f"{function.__name__} needs a denoiser {NEEDS[needs]}; this one has no `{needs}`.")
            if needs == "at":
                check_one_level(denoise.sigma)
            if also:
                also(fidelity, denoise, x0, parameters)
            return function(fidelity, denoise, x0, **parameters)

        return started  # type: ignore[return-value]

    return decorate
