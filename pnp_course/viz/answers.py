"""Checks of exercises: what a reader's function returns is judged in one sentence, never with a traceback."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

RIGHT = "right"
Case = tuple[tuple[Any, ...], Callable[[Any], str]]


class Unusable(Exception):
    """An answer that cannot be judged; the message is the hint."""


def as_numbers(value: Any, shape: tuple[int, ...] = ()) -> Tensor:
    """A number, a list, a NumPy array or a tensor as a float64 tensor of the given shape.

    Raises:
        Unusable: it is no number, not finite, or has another shape; one number may have any shape with one entry.
    """
    if value is None:
        raise Unusable("your function returned None; is there a return?")
    try:
        numbers = torch.as_tensor(value).detach().cpu().double()
    except (TypeError, ValueError, RuntimeError):
        raise Unusable(f"your function returned {type(value).__name__}; wanted numbers") from None
    if numbers.shape != shape and not (numbers.numel() == 1 and shape == ()):
        raise Unusable(f"your result has the shape {tuple(numbers.shape)}; wanted {shape}")
    if not bool(torch.isfinite(numbers).all()):
        raise Unusable("your result is infinite or no number (NaN)")
    return numbers.reshape(shape)


def judge(answer: Callable[..., Any], cases: Sequence[Case]) -> str:
    """`right`, or `not yet: ` and a hint about the first case that fails.

    Args:
        answer: the reader's function.
        cases: pairs of arguments and of a function that takes what the answer returned, and returns a hint, or an empty
            string if it is right. It may raise `Unusable`.
    """
    for arguments, fault in cases:
        try:
            hint = fault(_call(answer, arguments))
        except Unusable as trouble:
            hint = str(trouble)
        if hint:
            return f"not yet: {hint}"
    return RIGHT


def _call(answer: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    try:
        return answer(*arguments)
    except Exception as error:
        raise Unusable(f"your function stopped with {type(error).__name__}: {error}") from None
