"""Notebook 13: the checks of its exercises, the ten methods on one picture, and its figures."""

import math

import numpy as np
import pytest
import torch

from pnp_course import images
from pnp_course.experiments import one_picture
from pnp_course.experiments.deconvolution_table import METHODS, observed
from pnp_course.operators import kernels
from pnp_course.viz import family


def dpir(prox, D, y, lam, sigmas):
    u = y
    for s in sigmas:
        v = prox(u, lam * s**2 / sigmas[-1] ** 2)
        u = D(v, s)
    return u


def mirror(x, slope, step, largest):
    denominator = 1 + step * x * slope
    return largest if denominator <= 0 else min(x / denominator, largest)


def bisected(x, slope, step, largest):
    low, high = 0.0, largest
    for _ in range(80):
        v = (low + high) / 2
        low, high = (low, v) if slope + (1 / x - 1 / v) / step > 0 else (v, high)
    return high


def j(c, sigma):
    return c / (c + sigma**2)


RIGHT = [
    (family.check_dpir, dpir), (family.check_dpir, lambda *a: dpir(*a).numpy()), (family.check_dpir, family.ladder_run),
    (family.check_dpir, lambda prox, D, y, lam, s: dpir(prox, D, y, torch.tensor(lam), s).tolist()),
    (family.check_ishikawa, lambda T, u, a, b: (1 - a) * u + a * T((1 - b) * u + b * T(u))),
    (family.check_ishikawa, lambda T, u, a, b: torch.lerp(u, T(torch.lerp(u, T(u), b)), a).numpy()),
    (family.check_red_slope, lambda W, x: x - (W + W.T) @ x / 2),
    (family.check_red_slope, lambda W, x: x.numpy() - 0.5 * W.numpy() @ x.numpy() - 0.5 * x.numpy() @ W.numpy()),
    (family.check_b_red, mirror), (family.check_b_red, bisected),
    (family.check_b_red, lambda *a: np.array([mirror(*a)])), (family.check_b_red, lambda *a: torch.tensor(mirror(*a)).double()),
    (family.check_dps_factor, lambda c, s, nu: 1 + s**2 * j(c, s) / nu**2),
    (family.check_dps_factor, lambda c, s, nu: np.float64((nu**2 + 1 / (1 / c + 1 / s**2)) / nu**2)),
]  # fmt: skip
WRONG = [
    (family.check_dpir, lambda prox, D, y, lam, s: y, "after 3 levels"),
    (family.check_dpir, lambda prox, D, y, lam, s: family.ladder_run(prox, D, y, lam, s, 0), "the same at all levels"),
    (family.check_dpir, lambda prox, D, y, lam, s: family.ladder_run(prox, D, y, lam, s, 1), "its square"),
    (family.check_dpir, lambda prox, D, y, lam, s: family.ladder_run(prox, D, y, lam, s, -2), "it should rise"),
    (family.check_dpir, lambda prox, D, y, lam, s: prox(D(y, s[0]), lam), "after 3 levels"),
    (family.check_dpir, lambda prox, D, y, lam, s: dpir(prox, D, y, lam, s[:-1] or s), "after"),
    (family.check_dpir, lambda prox, D, y, lam, s: dpir(prox, D, y, lam), "TypeError"),
    (family.check_dpir, lambda *a: None, "returned None"),
    (family.check_dpir, lambda *a: 0.5, "shape"),
    (family.check_ishikawa, lambda T, u, a, b: (1 - a) * u + a * T(u), "Mann"),
    (family.check_ishikawa, lambda T, u, a, b: (1 - b) * u + b * T(u), "that is w"),
    (family.check_ishikawa, lambda T, u, a, b: T((1 - b) * u + b * T(u)), "outer average is missing"),
    (family.check_ishikawa, lambda T, u, a, b: family.ishikawa_step(T, u, b, a), "changed places"),
    (family.check_ishikawa, lambda T, u, a, b: family.ishikawa_step(T, u, 1 - a, 1 - b), "belong to T"),
    (
        family.check_ishikawa,
        lambda T, u, a, b: (1 - a) * ((1 - b) * u + b * T(u)) + a * T((1 - b) * u + b * T(u)),
        "average is of u",
    ),
    (family.check_ishikawa, lambda T, u, a, b: u, "largest difference"),
    (family.check_ishikawa, lambda T, u, a, b: math.nan * u, "NaN"),
    (family.check_red_slope, lambda W, x: x - W @ x, "what RED uses"),
    (family.check_red_slope, lambda W, x: x - W.T @ x, "only the transpose"),
    (family.check_red_slope, lambda W, x: 2 * x - (W + W.T) @ x, "twice"),
    (family.check_red_slope, lambda W, x: x - (W + W.T) @ x, "one of the terms"),
    (family.check_red_slope, lambda W, x: x, "largest difference"),
    (family.check_red_slope, lambda W, x: W, "shape"),
    (family.check_b_red, lambda x, s, t, c: min(x - t * s, c), "usual gradient descent"),
    (family.check_b_red, lambda x, s, t, c: x - t * x**2 * s, "nearly"),
    (family.check_b_red, lambda x, s, t, c: x / (1 + t * x * s), "outside|a search"),
    (family.check_b_red, lambda x, s, t, c: min(x / (1 + t * x * s), c), "outside|a search"),
    (family.check_b_red, lambda x, s, t, c: x / (1 + t * s), "a search"),
    (family.check_b_red, lambda x, s, t, c: x, "a search"),
    (family.check_b_red, lambda x, s, t, c: 1 / 0, "ZeroDivisionError"),
    (family.check_dps_factor, lambda c, s, nu: 1.0, "densities give"),
    (family.check_dps_factor, lambda c, s, nu: 1 / (1 + s**2 * j(c, s) / nu**2), "inverse"),
    (family.check_dps_factor, lambda c, s, nu: 1 + s**2 / nu**2, "less variance"),
    (family.check_dps_factor, lambda c, s, nu: 1 + c / nu**2, "before x is known"),
    (family.check_dps_factor, lambda c, s, nu: 1 + j(c, s), "nu is missing"),
    (family.check_dps_factor, lambda c, s, nu: 1 + s**2 * j(c, s) / nu, "densities give"),
]


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_right_answers_of_every_style_are_accepted(check, answer):
    assert check(answer) == "right"


@pytest.mark.parametrize(("check", "answer", "hint"), WRONG)
def test_plausible_wrong_answers_get_a_hint_of_one_line(check, answer, hint):
    told = check(answer)
    assert told != "right"
    assert "\n" not in told
    assert any(part in told for part in hint.split("|")), told


def test_every_check_is_tested():
    checks = {getattr(family, name) for name in dir(family) if name.startswith("check_")}
    assert checks == {check for check, _ in RIGHT} == {check for check, _, _ in WRONG}


def problem(size=32):
    return observed(images.photo("astronaut", size), kernels.motion(7, seed=1), 50, 0)


def test_the_question_to_the_guarantees_is_about_the_run_itself():
    """The answer's checks speak of the parameters of the declared method, and its solver is the one that runs."""
    p = problem()
    answers = {name: one_picture.answer(name, p) for name in METHODS}
    assert {a.solver for a in answers.values()} == {
        "dpir", "rmmo_drs", "prox_pnp_drs", "dps", "diffpir", "snore_prox", "pnpi_hqs", "b_red", "coco_admm", "coco_pegd",
    }  # fmt: skip
    t = METHODS["CoCo-ADMM"].fixed["t"]
    assert any(f"t = {t:.4g} <" in words for _, words in answers["CoCo-ADMM"].checks)
    assert [name for name, a in answers.items() if a.covered] == ["B-RED", "CoCo-ADMM", "CoCo-PEGD"]


def test_an_outcome_is_a_picture_with_its_numbers(monkeypatch):
    method = METHODS["PnPI-HQS"]
    fixed = {**method.fixed, "iterations": 3}
    monkeypatch.setitem(METHODS, "PnPI-HQS", type(method)(method.restore, method.denoisers, method.grid, fixed))
    out = one_picture.outcome("PnPI-HQS", problem())
    assert out.x.shape == (1, 3, 32, 32)
    assert out.row["network_calls"] == 6
    assert len(out.row["curve"]) == 3
    assert out.answer.solver == "pnpi_hqs"


def test_every_method_has_a_colour_of_its_own_and_its_curve_is_drawn():
    assert set(family.METHODS) == set(METHODS)
    assert len({str(style) for style in family.METHODS.values()}) == len(METHODS)
    figure = family.change_figure(
        {"a": {"DPS": [None, 0.1, 0.01], "DPIR": [0.2, 0.3, 0.4]}, "b": {"B-RED": [1.0, 0.5]}}
    )
    left, right = figure.axes
    assert [line.get_label() for line in left.lines] == ["DPS", "DPIR"]
    assert list(left.lines[0].get_xdata()) == [2, 3]
    assert list(right.lines[0].get_ydata()) == [1.0, 0.5]


def test_the_papers_numbers_are_those_of_its_table():
    assert one_picture.printed_psnr("CoCo-ADMM", 50) == 26.0
    assert one_picture.printed_psnr("DPS", 50) == 23.1
