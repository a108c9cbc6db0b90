"""Exercises of notebook 11: right answers in several styles are accepted, plausible wrong ones get a hint in one line."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from pnp_course.exercises import notebook_11 as checks
from pnp_course.viz.prox_pnp import largest_averaging

SOURCE = Path(__file__).resolve().parent.parent / "notebooks" / "src" / "11_prox_pnp.py"


def root(a, ell):
    return 2 / a if ell == 0 else (ell - a + math.sqrt((a - ell) ** 2 + 8 * a * ell)) / (2 * a * ell)


def by_bisection(weight, lipschitz, ell, upper):
    low, high = 0.0, 1.0
    for _ in range(60):
        t = (low + high) / 2
        fits = t * upper < 1 and t * weight * lipschitz + t * ell / (1 + t * ell) < 2
        low, high = (t, high) if fits else (low, t)
    return high


def soft(v, lam):
    return torch.sign(v) * (v.abs() - lam).clamp_min(0)


RIGHT = [
    (checks.check_longest_weight, lambda ell, L_f: (1 + 1 / (1 + ell)) / L_f),
    (checks.check_longest_weight, lambda ell, L_f: np.float32((2 + ell) / (1 + ell)) / L_f),
    (checks.check_longest_weight, lambda ell, L_f: torch.tensor([(2 - ell / (1 + ell)) / L_f])),
    (checks.check_largest_averaging, lambda w, L_f, ell, M: min(1, 1 / M, root(w * L_f, ell))),
    (checks.check_largest_averaging, by_bisection),
    (checks.check_largest_averaging, lambda w, L_f, ell, M: np.minimum(1, [min(1 / M, root(w * L_f, ell))])),
    (checks.check_largest_averaging, largest_averaging),
    (checks.check_relaxation, lambda w, ell: (ell / (1 + ell) + min(1, 1 / w)) / 2 if w * ell < 1 + ell else None),
    (checks.check_relaxation, lambda w, ell: min(0.999, 0.999 / w) if w * ell / (1 + ell) < 0.99 else None),
    (checks.check_relaxation, lambda w, ell: np.sqrt(ell / (1 + ell) * min(1, 1 / w)) if w < 1 + 1 / ell else None),
    (checks.check_drs_factor, lambda d, beta: 1 + (2 * d - 1) / (1 + beta) - d),
    (checks.check_drs_factor, lambda d, beta: torch.tensor((d - beta * (d - 1)) / (1 + beta))),
    (checks.check_prox_of_absolute_values, lambda z, y, lam: y + soft(z - y, lam)),
    (checks.check_prox_of_absolute_values, lambda z, y, lam: torch.minimum(torch.maximum(y, z - lam), z + lam)),
    (checks.check_prox_of_absolute_values, lambda z, y, lam: np.clip(y.numpy(), z.numpy() - lam, z.numpy() + lam)),
]
WRONG = {
    "lam L_f < 1, of the first paper": (checks.check_longest_weight, lambda ell, L_f: 1 / L_f),
    "as for a convex prior": (checks.check_longest_weight, lambda ell, L_f: 2 / L_f),
    "L_f forgotten": (checks.check_longest_weight, lambda ell, L_f: 2 - ell / (1 + ell)),
    "l in place of r": (checks.check_longest_weight, lambda ell, L_f: (2 - ell) / L_f),
    "M's end in place of l's": (checks.check_longest_weight, lambda ell, L_f: (2 - ell / (1 - ell)) / L_f),
    "nothing returned": (checks.check_longest_weight, lambda ell, L_f: None),
    "a word": (checks.check_longest_weight, lambda ell, L_f: "1.5"),
    "a misspelt name": (checks.check_longest_weight, lambda ell, L_f: (2 - elll) / L_f),  # noqa: F821
    "two numbers": (checks.check_longest_weight, lambda ell, L_f: (1.0, 2.0)),
    "no averaging": (checks.check_largest_averaging, lambda w, L_f, ell, M: 1.0),
    "M forgotten": (checks.check_largest_averaging, lambda w, L_f, ell, M: min(1, root(w * L_f, ell))),
    "above 1": (checks.check_largest_averaging, lambda w, L_f, ell, M: min(1 / M, root(w * L_f, ell))),
    "the safe t": (checks.check_largest_averaging, lambda w, L_f, ell, M: min(1, 1 / M, 1 / (w * L_f))),
    "r at t = 1": (checks.check_largest_averaging, lambda w, L_f, e, M: min(1, 1 / M, (2 - e / (1 + e)) / (w * L_f))),
    "the other root": (checks.check_largest_averaging, lambda w, L_f, ell, M: -0.5),
    "division by zero": (checks.check_largest_averaging, lambda w, L_f, ell, M: 1 / (ell * 0)),
    "on the upper bound": (checks.check_relaxation, lambda w, ell: 1 / w),
    "on the lower bound": (checks.check_relaxation, lambda w, ell: ell / (1 + ell)),
    "never None": (checks.check_relaxation, lambda w, ell: (ell / (1 + ell) + min(1, 1 / w)) / 2),
    "always None": (checks.check_relaxation, lambda w, ell: None),
    "l in place of r, relaxed": (checks.check_relaxation, lambda w, ell: (ell + 1 / w) / 2 if ell * w < 1 else None),
    "alpha above 1": (
        checks.check_relaxation,
        lambda w, e: (e / (1 + e) + 1 / w) / 2 if w * e / (1 + e) < 1 else None,
    ),
    "the prox alone": (checks.check_drs_factor, lambda d, beta: 1 / (1 + beta)),
    "no reflection": (checks.check_drs_factor, lambda d, beta: 1 + d / (1 + beta) - d),
    "the factor of PGD": (checks.check_drs_factor, lambda d, beta: d * (1 - beta)),
    "a sign": (checks.check_drs_factor, lambda d, beta: (d + beta * (d - 1)) / (1 + beta)),
    "NaN": (checks.check_drs_factor, lambda d, beta: float("nan")),
    "the square fidelity": (checks.check_prox_of_absolute_values, lambda z, y, lam: (z + lam * y) / (1 + lam)),
    "threshold of z": (checks.check_prox_of_absolute_values, lambda z, y, lam: soft(z, lam)),
    "threshold without y": (checks.check_prox_of_absolute_values, lambda z, y, lam: soft(z - y, lam)),
    "no stop at y": (checks.check_prox_of_absolute_values, lambda z, y, lam: z - lam * torch.sign(z - y)),
    "threshold of y": (checks.check_prox_of_absolute_values, lambda z, y, lam: z + soft(y - z, lam)),
    "a sum": (checks.check_prox_of_absolute_values, lambda z, y, lam: (y + soft(z - y, lam)).sum()),
}


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_right_answers_are_accepted(check, answer):
    assert check(answer) == "right"


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_get_a_hint(name):
    check, answer = WRONG[name]
    said = check(answer)
    assert said.startswith("not yet: ")
    assert len(said) > len("not yet: ") + 15
    assert "\n" not in said
    assert "Traceback" not in said


def test_the_placeholders_are_wrong_and_the_solutions_right():
    """The notebook's own cells: what stands under `mine` must not pass, and each `solution` must."""
    code = SOURCE.read_text(encoding="utf-8")
    scope = {"torch": torch, "math": math}
    found = re.findall(r"^(def (mine|solution)\(.*?)(?=^\S)", code, flags=re.S | re.M)
    called = re.findall(r"checks\.(check_\w+)\((mine|solution)\)", code)
    assert [name for _, name in found] == [name for _, name in called] == ["mine", "solution"] * 5
    assert len({name for name, _ in called}) == 5
    for (body, name), (check, _) in zip(found, called, strict=True):
        exec(body, scope)
        assert (getattr(checks, check)(scope[name]) == "right") == (name == "solution")


def test_the_student_version_runs_without_the_solutions():
    """No cell uses a name that only a cell with a solution defines."""
    cells = re.split(r"(?m)^# %%.*$", SOURCE.read_text(encoding="utf-8"))
    tags = ["", *re.findall(r"(?m)^# %%.*$", SOURCE.read_text(encoding="utf-8"))]
    solutions = [c for c, tag in zip(cells, tags, strict=True) if "solution" in tag]
    others = "\n".join(c for c, tag in zip(cells, tags, strict=True) if "solution" not in tag and "markdown" not in tag)
    assert len(solutions) == 5
    for cell in solutions:
        for name in re.findall(r"(?m)^(?:def )?(\w+)(?:\(| =)", cell):
            assert name == "assert" or not re.search(rf"\b{name}\b", others)
