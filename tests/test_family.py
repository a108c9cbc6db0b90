"""Notebook 13: the checks of its exercises, the ten methods on one picture, and its figures."""

import math

import numpy as np
import pytest
import torch

from pnp_course import images
from pnp_course.denoisers import denoiser_card
from pnp_course.exercises import notebook_13 as checks
from pnp_course.experiments import one_picture
from pnp_course.experiments.deconvolution_table import METHODS, observed
from pnp_course.guarantees import guarantee
from pnp_course.operators import kernels
from pnp_course.viz import family, methods


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
    (checks.check_dpir, dpir), (checks.check_dpir, lambda *a: dpir(*a).numpy()), (checks.check_dpir, checks.ladder_run),
    (checks.check_dpir, lambda prox, D, y, lam, s: dpir(prox, D, y, torch.tensor(lam), s).tolist()),
    (checks.check_ishikawa, lambda T, u, a, b: (1 - a) * u + a * T((1 - b) * u + b * T(u))),
    (checks.check_ishikawa, lambda T, u, a, b: torch.lerp(u, T(torch.lerp(u, T(u), b)), a).numpy()),
    (checks.check_red_slope, lambda W, x: x - (W + W.T) @ x / 2),
    (checks.check_red_slope, lambda W, x: x.numpy() - 0.5 * W.numpy() @ x.numpy() - 0.5 * x.numpy() @ W.numpy()),
    (checks.check_b_red, mirror), (checks.check_b_red, bisected),
    (checks.check_b_red, lambda *a: np.array([mirror(*a)])), (checks.check_b_red, lambda *a: torch.tensor(mirror(*a)).double()),
    (checks.check_dps_factor, lambda c, s, nu: 1 + s**2 * j(c, s) / nu**2),
    (checks.check_dps_factor, lambda c, s, nu: np.float64((nu**2 + 1 / (1 / c + 1 / s**2)) / nu**2)),
]  # fmt: skip
WRONG = [
    (checks.check_dpir, lambda prox, D, y, lam, s: y, "after 3 levels"),
    (
        checks.check_dpir,
        lambda prox, D, y, lam, s: checks.ladder_run(prox, D, y, lam, s, 0),
        "the same at all levels",
    ),
    (checks.check_dpir, lambda prox, D, y, lam, s: checks.ladder_run(prox, D, y, lam, s, 1), "its square"),
    (
        checks.check_dpir,
        lambda prox, D, y, lam, s: checks.ladder_run(prox, D, y, lam, s, -2),
        "it should rise",
    ),
    (checks.check_dpir, lambda prox, D, y, lam, s: prox(D(y, s[0]), lam), "after 3 levels"),
    (checks.check_dpir, lambda prox, D, y, lam, s: dpir(prox, D, y, lam, s[:-1] or s), "after"),
    (checks.check_dpir, lambda prox, D, y, lam, s: dpir(prox, D, y, lam), "TypeError"),
    (checks.check_dpir, lambda *a: None, "None"),
    (checks.check_dpir, lambda *a: 0.5, "shape"),
    (checks.check_ishikawa, lambda T, u, a, b: (1 - a) * u + a * T(u), "Mann"),
    (checks.check_ishikawa, lambda T, u, a, b: (1 - b) * u + b * T(u), "that is w"),
    (checks.check_ishikawa, lambda T, u, a, b: T((1 - b) * u + b * T(u)), "outer average is missing"),
    (checks.check_ishikawa, lambda T, u, a, b: checks.ishikawa_step(T, u, b, a), "changed places"),
    (checks.check_ishikawa, lambda T, u, a, b: checks.ishikawa_step(T, u, 1 - a, 1 - b), "belong to T"),
    (
        checks.check_ishikawa,
        lambda T, u, a, b: (1 - a) * ((1 - b) * u + b * T(u)) + a * T((1 - b) * u + b * T(u)),
        "average is of u",
    ),
    (checks.check_ishikawa, lambda T, u, a, b: u, "largest difference"),
    (checks.check_ishikawa, lambda T, u, a, b: math.nan * u, "NaN"),
    (checks.check_red_slope, lambda W, x: x - W @ x, "what RED uses"),
    (checks.check_red_slope, lambda W, x: x - W.T @ x, "only the transpose"),
    (checks.check_red_slope, lambda W, x: 2 * x - (W + W.T) @ x, "twice"),
    (checks.check_red_slope, lambda W, x: x - (W + W.T) @ x, "one of the terms"),
    (checks.check_red_slope, lambda W, x: x, "largest difference"),
    (checks.check_red_slope, lambda W, x: W, "shape"),
    (checks.check_b_red, lambda x, s, t, c: min(x - t * s, c), "usual gradient descent"),
    (checks.check_b_red, lambda x, s, t, c: x - t * x**2 * s, "nearly"),
    (checks.check_b_red, lambda x, s, t, c: x / (1 + t * x * s), "outside|a search"),
    (checks.check_b_red, lambda x, s, t, c: min(x / (1 + t * x * s), c), "outside|a search"),
    (checks.check_b_red, lambda x, s, t, c: x / (1 + t * s), "a search"),
    (checks.check_b_red, lambda x, s, t, c: x, "a search"),
    (checks.check_b_red, lambda x, s, t, c: 1 / 0, "ZeroDivisionError"),
    (checks.check_dps_factor, lambda c, s, nu: 1.0, "densities give"),
    (checks.check_dps_factor, lambda c, s, nu: 1 / (1 + s**2 * j(c, s) / nu**2), "inverse"),
    (checks.check_dps_factor, lambda c, s, nu: 1 + s**2 / nu**2, "less variance"),
    (checks.check_dps_factor, lambda c, s, nu: 1 + c / nu**2, "before x is known"),
    (checks.check_dps_factor, lambda c, s, nu: 1 + j(c, s), "nu is missing"),
    (checks.check_dps_factor, lambda c, s, nu: 1 + s**2 * j(c, s) / nu, "densities give"),
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
    found = {getattr(checks, name) for name in dir(checks) if name.startswith("check_")}
    assert found == {check for check, _ in RIGHT} == {check for check, _, _ in WRONG}


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
    assert [name for name, a in answers.items() if a.covered] == ["Prox-DRS", "B-RED", "CoCo-ADMM", "CoCo-PEGD"]


@pytest.mark.parametrize("name", ["Prox-DRS", "B-RED", "CoCo-ADMM", "CoCo-PEGD"])
def test_every_setting_of_a_convergent_method_is_covered(name):
    """Whatever the tuning chooses, the table's theorem holds for it."""
    p, method = problem(), METHODS[name]
    for q in method.settings():
        call = method.restore.call(p, method.fixed | q)
        card = denoiser_card(method.denoisers["course"])
        assert guarantee(call.solver, card, call.fidelity, p.y, sigma=q["sigma"], **call.parameters).covered


@pytest.mark.parametrize("name", list(METHODS))
def test_every_noise_level_of_every_setting_is_in_the_denoisers_range(name):
    p, method = problem(), METHODS[name]
    lowest, highest = denoiser_card(method.denoisers["course"])["sigma_range"]
    for q in method.settings():
        call = method.restore.call(p, method.fixed | q)
        levels = call.parameters.get("sigmas", [q["sigma"]])
        assert lowest <= min(levels) <= max(levels) <= highest, q


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
    assert set(METHODS) <= set(methods.METHODS)
    assert len({str(methods.METHODS[name]) for name in METHODS}) == len(METHODS)
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
