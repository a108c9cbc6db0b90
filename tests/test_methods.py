"""One colour for each method of the course, told apart by colour-blind readers, and used by all figures."""

from itertools import combinations

import pytest
from matplotlib.colors import to_rgb

from pnp_course import demo
from pnp_course.viz.figures import STYLES, curves
from pnp_course.viz.methods import METHODS, style

# methods that share a figure
TOGETHER = [
    ("DPIR", "CoCo-ADMM"),
    ("CoCo-ADMM", "CoCo-PEGD"),
    ("GS-PnP, trained", "GS-PnP, untrained", "same loop, drunet", "PnP-PGD, drunet"),
    ("PGD", "averaged PGD", "relaxed PGD", "DRS", "DRSdiff"),
    ("PGD", "FISTA", "DRS", "ADMM", "primal-dual"),
    ("GS-PnP", "GS-PnP, prox-drunet", "Prox-PGD", "relaxed Prox-PGD", "Prox-DRS", "Prox-DRSdiff", "RED"),
    ("GS-PnP", "DPIR", "DPIR with FFDNet"),
]


def as_seen(colour, blind):
    """Linear RGB of a colour, for a reader without red or green cones by the matrices of Vienot et al. (1999)."""
    linear = [(v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4) for v in to_rgb(colour)]
    r, g, b = linear
    if blind == "red":
        r = g = 0.11238 * r + 0.88762 * g
    if blind == "green":
        r = g = 0.29275 * r + 0.70725 * g
    return [max(v, 0) ** (1 / 2.2) for v in (r, g, b)]


def test_each_method_has_a_colour_of_its_own():
    assert len({to_rgb(s["color"]) for s in METHODS.values()}) == len(METHODS)
    assert {m for group in TOGETHER for m in group} <= set(METHODS)
    for label in ("CoCo-ADMM", "DPIR"):
        assert label in demo.METHODS.values()


@pytest.mark.parametrize("blind", ["", "red", "green"])
def test_methods_in_one_figure_differ(blind):
    for group in TOGETHER:
        for a, b in combinations(group, 2):
            far = sum((p - q) ** 2 for p, q in zip(*(as_seen(METHODS[m]["color"], blind) for m in (a, b)), strict=True))
            other_line = METHODS[a]["linestyle"] != METHODS[b]["linestyle"]
            assert far**0.5 > (0.1 if other_line else 0.3), (a, b)


def test_curves_take_the_colours_of_methods_and_leave_the_others():
    lines = {"what": ([1], [1]), "CoCo-ADMM": ([1], [2])}
    (ax,) = curves([{"title": "t", "lines": lines}]).axes
    assert [line.get_color() for line in ax.lines] == [STYLES[0]["color"], METHODS["CoCo-ADMM"]["color"]]
    assert "marker" not in style("CoCo-ADMM", {})
    assert style("what", {"color": "red"}) == {"color": "red"}
