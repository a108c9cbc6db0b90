"""The small worlds of notebook 10, its figures, and what its exercises accept and refuse."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from pnp_course.exercises import notebook_10 as checks
from pnp_course.toy import descent
from pnp_course.viz.descent_pictures import sharpness_figure, spiral_figure
from pnp_course.viz.figures import curves
from pnp_course.viz.methods import METHODS

SOURCE = Path(__file__).resolve().parent.parent / "notebooks" / "src" / "10_gs_pnp.py"


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


RIGHT = {
    "translation": [
        lambda a, t: (1 / a, t * a),
        lambda a, t: np.array([1 / a, t / (1 / a)]),
        lambda a, t: torch.tensor([1 / a, a * t], dtype=torch.float64),
        lambda a, t: torch.tensor([1 / a, a * t]),  # single precision
        lambda lam_a, tau_a: [1.0 / lam_a, tau_a * lam_a],
    ],
    "iterations": [
        lambda gap, tau, c, eps: math.ceil(tau * gap / (c * eps**2)),
        lambda gap, tau, c, eps: float(np.ceil(tau * gap / c / eps**2)),
        lambda gap, tau, c, eps: torch.ceil(torch.tensor(tau * gap / (c * eps**2), dtype=torch.float64)),
    ],
    "desingularising": [
        lambda s, p: s ** (1 / p),
        lambda s, p: 3 * s ** (1 / p),
        lambda s, p: np.power(s, 1 / p),
        lambda s, p: torch.exp(torch.log(s) / p),
        lambda s, p: s ** (1 / p) + s,
        lambda s, p: s ** (1 / (2 * p)),
        lambda s, p: 10 * s ** (1 / (2 * p)),
    ],
    "radius": [
        lambda q, e, energy: (e + (2 * energy) ** 0.5) / (1 - q),
        lambda q, e, energy: np.array([(e + np.sqrt(2 * energy)) / (1 - q)]),
        lambda q, e, energy: (e + torch.sqrt(2 * energy)) / (1 - q),
        lambda q, e, energy: torch.tensor((e + math.sqrt(2 * energy)) / (1 - q)),
    ],
    "factor": [lambda c: 2 * c - 1, lambda c: 1 - 2 * (1 - c), lambda c: torch.tensor(2 * c - 1, dtype=torch.float64)],
}
WRONG = {
    "translation": [
        lambda a, t: (a, t),
        lambda a, t: (1 / a, t),
        lambda a, t: (1 / a, t / a),
        lambda a, t: (a, t * a),
        lambda a, t: (t * a, 1 / a),
        lambda a, t: 1 / a,
        lambda a, t: (1 / a, -t),
        lambda a, t: None,
        lambda a, t: (1 / a, t * a, 1),
        lambda a, t: ("lam", "step"),
    ],
    "iterations": [
        lambda gap, tau, c, eps: 1,
        lambda gap, tau, c, eps: 0,
        lambda gap, tau, c, eps: tau * gap / (c * eps**2),
        lambda gap, tau, c, eps: math.floor(tau * gap / (c * eps**2)),
        lambda gap, tau, c, eps: math.ceil(tau * gap / (c * eps**2)) + 1,
        lambda gap, tau, c, eps: math.ceil(tau * gap / (c * eps)),
        lambda gap, tau, c, eps: math.ceil(gap / (c * eps**2)),
        lambda gap, tau, c, eps: math.ceil(gap / (tau * c * eps**2)),
        lambda gap, tau, c, eps: math.ceil(c * tau * gap / eps**2),
        lambda gap, tau, c, eps: float("inf"),
        lambda gap, tau, c, eps: None,
    ],
    "desingularising": [
        lambda s, p: s,
        lambda s, p: s**0.5,
        lambda s, p: 10 * s ** (1 / 8),  # good up to p = 8
        lambda s, p: s ** (1 - 1 / p),
        lambda s, p: 0.5 * s ** (1 / p),
        lambda s, p: s ** (1 / p) + 1,
        lambda s, p: s ** (1 / (p + 1)) * 0,
        lambda s, p: -(s ** (1 / p)),
        lambda s, p: s**p,
        lambda s, p: p * s,
        lambda s, p: "root",
        lambda s: s,
    ],
    "radius": [
        lambda q, e, energy: (2 * energy) ** 0.5 / (1 - q),
        lambda q, e, energy: e + (2 * energy) ** 0.5 / (1 - q),
        lambda q, e, energy: (e + energy**0.5) / (1 - q),
        lambda q, e, energy: (e + 2 * energy) / (1 - q),
        lambda q, e, energy: (e + (2 * energy) ** 0.5) / q,
        lambda q, e, energy: (e + (2 * energy) ** 0.5) / (1 - q) + 1,
        lambda q, e, energy: 1e9,
        lambda q, e, energy: 1 / 0,
        lambda q, e, energy: torch.zeros(2),
    ],
    "factor": [
        lambda c: 1 - 2 * c,
        lambda c: 1 - c,
        lambda c: c - 1,
        lambda c: 2 * (1 - c),
        lambda c: 2 * c,
        lambda c: 0.0,
        lambda c: c.nothing,
        lambda c: "half",
    ],
}


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, answers in RIGHT.items() for a in answers])
def test_right_answers_are_accepted(name, answer):
    assert getattr(checks, f"check_{name}")(answer) == "right"


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, answers in WRONG.items() for a in answers])
def test_wrong_answers_get_a_hint(name, answer):
    said = getattr(checks, f"check_{name}")(answer)
    assert re.match(r"(not yet|nearly): \w.+", said), said


def test_hints_say_what_is_wrong():
    said = checks.check_translation(lambda a, t: (1 / a, t))
    assert "the weight in the prox and the factor of grad g differs" in said
    assert "tau_A" not in said  # no hint gives the answer away
    assert "the weight in the prox differs" in checks.check_translation(lambda a, t: (1 / a**2, t * a))
    assert "Mind the sign" in checks.check_factor(lambda c: 1 - 2 * c)
    assert "true, but" in checks.check_radius(lambda q, e, energy: 100.0)
    assert "fewer than" in checks.check_iterations(lambda gap, tau, c, eps: 10**6)
    assert "ZeroDivisionError" in checks.check_factor(lambda c: 1 / 0)


def test_the_notebook_asks_and_solves_each_exercise():
    """Every check is called with the reader's function and with the given one, which has another name."""
    text = SOURCE.read_text(encoding="utf-8")
    for name in RIGHT:
        asked = re.findall(rf"checks\.check_{name}\((\w+)\)", text)
        assert len(asked) == 2
        assert asked[0].startswith("my_")
        assert asked[1].startswith("given_")
        given = re.search(rf"(def {asked[1]}\(.*?)\n\n", text, re.S).group(1)
        place: dict[str, object] = {}
        exec(given, place)
        assert getattr(checks, f"check_{name}")(place[asked[1]]) == "right"
        blank = re.search(rf"(def {asked[0]}\(.*?)\n\n", text, re.S).group(1)
        exec(blank, place)
        assert getattr(checks, f"check_{name}")(place[asked[0]]) != "right"
