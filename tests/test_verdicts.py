"""Verdicts: answers of all kinds are read, and whatever a reader's code does, the verdict is one line of words."""

import math

import numpy as np
import pytest
import torch

from pnp_course.exercises.verdicts import Hint, call, number, numbers, tensor, verdict


@verdict
def check_double(mine):
    """x -> 2 x."""
    for x in (1.0, -0.5):
        got = number(call(mine, x))
        if got == x:
            raise Hint("nearly: that is x itself.")
        if abs(got - 2 * x) > 1e-6:
            raise Hint(f"for x = {x} yours is {got}.")


@pytest.mark.parametrize(
    "mine",
    [
        lambda x: 2 * x,
        lambda x: np.float32(2 * x),
        lambda x: np.array([[2 * x]]),
        lambda x: torch.tensor([2 * x], requires_grad=True),
        lambda x: [2 * x],
        lambda x: complex(2 * x, 0),
        lambda x: x.mul(2),  # tensors only
        lambda x: np.add(x, x),
        lambda x: torch.add(x, x),
    ],
)
def test_right_answers_of_all_kinds(mine):
    assert check_double(mine) == "right"


def several_lines(x):
    raise ValueError("first line\nsecond line")


def endless(x):
    return endless(x)


@pytest.mark.parametrize(
    ("mine", "hint"),
    [
        (lambda x: None, "is there a return"),
        (lambda x: "2", "got str"),
        (lambda x: b"2", "got bytes"),
        (lambda x: [1.0, 2.0], "got list"),
        (lambda x: np.zeros((2, 3)), "got ndarray of shape (2, 3)"),
        (lambda x: torch.zeros(2), "got Tensor of shape (2,)"),
        (lambda x: {}, "got dict"),
        (lambda x: math.nan, "got nan"),
        (lambda x: math.inf, "finite number"),
        (lambda x: 10**400, "got int"),
        (lambda x: 2j, "real number"),
        (lambda x: 1 / 0, "raised ZeroDivisionError"),
        (lambda x: y, "raised NameError"),  # noqa: F821
        (lambda: 2, "raised TypeError"),
        (several_lines, "first line second line"),
        (endless, "raised RecursionError"),
        (3.0, "raised TypeError"),
        (lambda x: x, "nearly: that is x itself"),
        (lambda x: 3 * x, "for x = 1.0 yours is 3.0"),
    ],
)
def test_whatever_else_gets_a_hint_in_one_line(mine, hint):
    said = check_double(mine)
    assert hint in said
    assert said.startswith(("not yet: ", "nearly: "))
    assert "\n" not in said


def test_numbers_and_tensors():
    assert numbers((1, torch.tensor(2.0)), "a and b") == numbers(np.array([1, 2]), "a and b") == [1.0, 2.0]
    for bad in (1.0, None, (1, 2, 3), "ab", (1, "b")):
        with pytest.raises(Hint):
            numbers(bad, "a and b")
    like = torch.zeros(1, 2)
    for good in ([1, 2], (1.0, torch.tensor(2.0)), np.array([[1, 2]]), torch.tensor([1.0, 2.0], requires_grad=True)):
        assert torch.equal(tensor(good, like), torch.tensor([[1.0, 2.0]], dtype=torch.float64))
    for bad in (1.0, None, "ab", [], [1, math.nan], torch.zeros(3), [torch.zeros(1), torch.zeros(2)]):
        with pytest.raises(Hint):
            tensor(bad, like)
    assert number(math.inf, finite=False) == math.inf
