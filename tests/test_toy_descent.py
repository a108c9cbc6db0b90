"""The small worlds of notebook 10 and its figures; and no hint of its exercises gives an answer away."""

import math

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from pnp_course.exercises import notebook_10 as checks
from pnp_course.toy import descent
from pnp_course.viz.descent_pictures import sharpness_figure, spiral_figure
from pnp_course.viz.figures import curves
from pnp_course.viz.methods import METHODS


def test_no_data_changes_nothing():
    nothing = descent.no_data(3)
    x = torch.tensor([0.3, -2.0, 5.0], dtype=torch.float64).reshape(1, 1, 1, 3)
    assert nothing.value(x) == 0
    torch.testing.assert_close(nothing.prox(x, 7.0), x)


@pytest.mark.parametrize("world", ["power", "quadratic", "spiral"])
def test_denoisers_are_the_gradient_steps_of_their_potentials(world, generator):
    made = {
        "power": lambda: descent.power(3.5),
        "quadratic": lambda: descent.quadratic(torch.tensor([0.5, -2.0], dtype=torch.float64)),
        "spiral": lambda: descent.Spiral(4.0).denoiser(),
    }[world]()
    x = 1.5 * torch.randn(20, 1, 1, 2, generator=generator, dtype=torch.float64)
    d, g = made.with_value(x)
    h = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    ends = [made.with_value(x + s * 1e-6 * h)[1] for s in (-1, 1)]
    torch.testing.assert_close((ends[1] - ends[0]) / 2e-6, ((x - d) * h).flatten(1).sum(1), atol=1e-6, rtol=1e-5)
    assert g.shape == (20,)


def test_a_power_whose_gradient_is_not_lipschitz_is_refused():
    with pytest.raises(ValueError, match=r"p is 1.5; wanted p >= 2"):
        descent.power(1.5)


def test_a_contraction_of_factor_one_is_refused():
    with pytest.raises(ValueError, match=r"q is 1.0; wanted a number with 0 < q < 1"):
        descent.RandomContraction(1, q=1.0)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_bound_of_a_convolution_is_above_its_norm_and_close(seed):
    """The norm on a zero-padded 24 x 24 grid, from the dense matrix: below the bound, within a few per cent."""
    weight = torch.randn(2, 3, 3, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    basis = torch.eye(3 * 24 * 24, dtype=torch.float64).reshape(-1, 3, 24, 24)
    matrix = torch.nn.functional.conv2d(basis, weight, padding=1).flatten(1)
    norm = float(torch.linalg.eigvalsh(matrix.T @ matrix)[-1].sqrt())
    bound = descent.convolution_bound(weight)
    assert norm <= bound < 1.06 * norm


def test_figures_draw_what_they_are_given():
    one = curves([{"title": "F", "log": True, "lines": {"GS-PnP, trained": ([1, 2], [3, 4]), "x": ([1], [2])}}])
    (ax,) = one.axes
    assert [list(line.get_ydata()) for line in ax.lines] == [[3, 4], [2]]
    assert ax.lines[0].get_color() == METHODS["GS-PnP, trained"]["color"] != ax.lines[1].get_color()
    assert ax.get_yscale() == "log"
    gap = torch.logspace(-6, -2, 9, dtype=torch.float64)
    cones = sharpness_figure(gap, gap**1.25)
    assert isinstance(cones, Figure)
    for line in cones.axes[1].lines:  # chi(F) = |x|
        x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        seen = ~np.isnan(y)
        assert seen.mean() > 0.9
        assert np.allclose(y[seen], np.abs(x[seen]), atol=1e-9)
    angle = torch.linspace(0, 4 * math.pi, 500, dtype=torch.float64)
    ring = 1.2 * torch.stack((angle.cos(), angle.sin()), 1)
    turns = spiral_figure(descent.Spiral(), ring).axes[1].lines[0]
    assert float(turns.get_ydata()[-1]) == pytest.approx(2.0)


def test_no_hint_gives_the_answer_away():
    assert "tau_A" not in checks.check_translation(lambda a, t: (1 / a, t))
