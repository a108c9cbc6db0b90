"""Notebook 13: the ten methods on one picture, and its figures."""

import pytest

from pnp_course import images
from pnp_course.denoisers import denoiser_card
from pnp_course.experiments import one_picture
from pnp_course.experiments.deconvolution_table import METHODS, observed
from pnp_course.guarantees import guarantee
from pnp_course.operators import kernels
from pnp_course.viz import family, methods

COVERED = ["RMMO-DRS", "Prox-DRS", "B-RED", "CoCo-ADMM", "CoCo-PEGD"]


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
    assert [name for name, a in answers.items() if a.covered] == COVERED


@pytest.mark.parametrize("name", COVERED)
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
