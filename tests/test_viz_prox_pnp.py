"""Pictures of the notebook on Prox-PnP: the two factors, one colour for each method, and what the axes say."""

import pytest
import torch

from pnp_course.viz import prox_pnp as pictures


def test_the_factors_change_sign_where_the_conditions_do():
    big = torch.linspace(0.01, 0.6, 400, dtype=torch.float64)
    cubic = 2 * big**3 + big**2 + 2 * big - 1
    assert torch.equal(pictures.published_factor(big) > 0, cubic < 0)
    assert torch.equal(pictures.sharper_factor(big) > 0, big < 0.5)
    assert (pictures.sharper_factor(big) >= pictures.published_factor(big)).all()
    assert float(pictures.published_factor(torch.zeros(()))) == float(pictures.sharper_factor(torch.zeros(()))) == 0.5


def test_an_averaged_step_is_the_step_on_t_g():
    x = torch.rand(2, 1, 1, 3, dtype=torch.float64, requires_grad=True)

    def pair(v):
        return v - v**3, (v**4 / 4).flatten(1).sum(1)

    d, g = pictures.averaged(pair, 0.3, x)
    (slope,) = torch.autograd.grad(g.sum(), x)
    torch.testing.assert_close(d, x - slope)


@pytest.mark.parametrize("case", [(8.0, 1.0, 0.8, 1.05), (0.5, 1.0, 0.8, 1.05), (3.0, 1.0, 0.0, 0.5)])
def test_the_largest_averaging_is_on_the_border(case):
    weight, lipschitz, ell, upper = case
    t = pictures.largest_averaging(*case)
    left = t * weight * lipschitz + t * ell / (1 + t * ell)
    assert t == 1 or t * upper == pytest.approx(1) or left == pytest.approx(2)
    assert t <= 1
    assert t * upper <= 1 + 1e-12
    assert left <= 2 + 1e-12


def test_each_method_has_its_colour_and_a_second_curve_another_style():
    lines = {"PGD, a": ([0, 1], [1, 2]), "PGD, b": ([0, 1], [2, 3]), "averaged PGD": ([0, 1], [3, 4])}
    figure = pictures.method_curves([{"title": "x", "lines": lines, "vertical": {"bound": 0.5}, "ylim": (0, 5)}])
    first, second, third, bound = figure.axes[0].get_lines()
    assert first.get_color() == second.get_color() == pictures.METHODS["PGD"]["color"]
    assert first.get_linestyle() != second.get_linestyle()
    assert third.get_color() == pictures.METHODS["averaged PGD"]["color"]
    assert list(bound.get_xdata()) == [0.5, 0.5]
    assert len({style["color"] for style in pictures.METHODS.values()}) == len(pictures.METHODS)


def test_the_picture_of_the_bounds_marks_both_roots_and_the_denoiser():
    left, right = pictures.bounds_figure(0.376, {"one": (0.8, 1.04)}).axes
    assert {round(float(line.get_xdata()[0]), 3) for line in left.get_lines() if line.get_marker() == "o"} == {
        0.376,
        0.5,
    }
    marked = [line for line in right.get_lines() if line.get_label() == "one"]
    assert [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in marked] == [(0.8, 1.04)]
