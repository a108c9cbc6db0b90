"""Verdicts on answers to exercises: "right", or a hint in one line; what a reader's code does never ends in a traceback.

A check is a function that takes the answer, mostly the reader's function, and raises `Hint` if it is not right;
`@verdict` turns it into one that returns the sentence to print. Answers may be plain numbers, lists, NumPy arrays or
tensors: `number` and `tensor` read them, and `call` runs the reader's function.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

RIGHT = "right"
Answer = Callable[..., Any]


class Hint(Exception):
    """What to say about an answer that is not right: "not yet: " is put before it, unless it begins with "nearly"."""


def verdict(check: Callable[[Any], None]) -> Callable[[Any], str]:
    """A check that raises `Hint`, as a function that returns "right" or the hint, in one line."""

    @functools.wraps(check)
    def told(answer: Any) -> str:
        try:
            check(answer)
        except Hint as hint:
            words = " ".join(str(hint).split())
            return words if words.startswith("nearly") else f"not yet: {words}"
        return RIGHT

    return told


def number(answer: Any, finite: bool = True) -> float:
    """The answer as a float, if it is one real number of any kind, or holds exactly one.

    Raises:
        Hint: it is something else; or it is infinite, unless `finite` is False; or it is no number (NaN).
    """
    if isinstance(answer, list | tuple) and len(answer) == 1:
        answer = answer[0]
    try:
        item = getattr(answer, "item", None)  # NumPy and torch: of exactly one value
        value = item() if callable(item) else answer
        if isinstance(value, str | bytes):
            raise TypeError
        z = complex(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise Hint(f"wanted one number, and got {_kind(answer)}.") from None
    if abs(z.imag) > 1e-9 * max(1.0, abs(z.real)):
        raise Hint(f"wanted one real number, and got {z:.3g}.")
    if math.isnan(z.real) or (finite and math.isinf(z.real)):
        raise Hint(f"wanted a {'finite ' * finite}number, and got {z.real}.")
    return z.real


def numbers(answer: Any, names: str, count: int = 2) -> list[float]:
    """The answer as a list of `count` floats, which the hint calls `names` ("lam and step"); else raise `Hint`."""
    wanted = f"return {count} numbers, {names}"
    try:
        parts = list(answer)
    except TypeError:
        raise Hint(f"{wanted}; got {_kind(answer)}.") from None
    if len(parts) != count or isinstance(answer, str):
        raise Hint(f"{wanted}; got {len(parts)}.")
    return [number(part) for part in parts]


def tensor(answer: Any, like: Tensor) -> Tensor:
    """The answer as a float64 tensor of the shape of `like`, if it holds that many finite numbers; else raise `Hint`."""
    try:
        if isinstance(answer, list | tuple):
            parts = [torch.as_tensor(part, dtype=torch.float64).detach().cpu() for part in answer]
            value = torch.stack(parts) if parts else torch.zeros(0)
        else:
            value = torch.as_tensor(answer, dtype=torch.float64).detach().cpu()
    except (TypeError, ValueError, RuntimeError):
        raise Hint(f"wanted {like.numel()} numbers, and got {_kind(answer)}.") from None
    if value.numel() != like.numel():
        shape = f"{like.numel()} numbers, as many as in the shape {tuple(like.shape)}"
        raise Hint(f"wanted {shape}, and got {value.numel()}.")
    if not bool(torch.isfinite(value).all()):
        raise Hint("wanted finite numbers; some of yours are infinite or no numbers (NaN).")
    return value.reshape(like.shape)


def call(mine: Answer, *arguments: Any) -> Any:
    """mine(*arguments); plain numbers are passed as numbers, and if that fails, as tensors.

    Raises:
        Hint: the reader's function fails with both.
    """
    try:
        try:
            return mine(*arguments)
        except (TypeError, AttributeError):
            return mine(*(_as_tensor(a) for a in arguments))
    except Exception as error:
        plain = ", ".join(f"{a:g}" for a in arguments if isinstance(a, int | float))
        raise Hint(
            f"your function raised {type(error).__name__}: {error}" + (f" (called with {plain})" if plain else "")
        ) from None


def pointwise(mine: Answer, z: Tensor, *arguments: Any) -> Tensor:
    """mine(z, *arguments) for each entry of z, float64, shape of z, from a function of tensors or of single numbers.

    Raises:
        Hint: the function fails with the tensor, or returns something of another size, and with single numbers, too.
    """
    try:
        return tensor(call(mine, z, *arguments), z)
    except Hint as hint:
        try:
            values = [number(mine(float(entry), *arguments)) for entry in z.flatten()]
        except Exception:
            raise hint from None
    return torch.tensor(values, dtype=torch.float64).reshape(z.shape)


def _as_tensor(argument: Any) -> Any:
    kinds = {float: torch.float64, complex: torch.complex128}
    kind = kinds.get(type(argument))
    return argument if kind is None else torch.tensor(argument, dtype=kind)


def _kind(answer: Any) -> str:
    if answer is None:
        return "None (is there a return?)"
    shape = getattr(answer, "shape", None)
    return type(answer).__name__ + (f" of shape {tuple(shape)}" if isinstance(shape, tuple) else "")
