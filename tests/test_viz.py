"""Figures show what they are given; the slider is plain HTML."""

import base64
import io
import re

import pandas
import pretend_device
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from pnp_course.toy import GaussianMixture
from pnp_course.toy.conditions import FIRM, LADDER, numerical_range, sheared
from pnp_course.toy.descent import Spiral
from pnp_course.toy.fields import polygon
from pnp_course.viz import lab
from pnp_course.viz.coco_pictures import settling_figure
from pnp_course.viz.complex_plane import ladder_figure, orbits_figure, ranges_figure, regions_figure, spectrum_figure
from pnp_course.viz.descent_pictures import sharpness_figure, spiral_figure
from pnp_course.viz.field_pictures import loop_figure, split_figure
from pnp_course.viz.figures import curves, gallery
from pnp_course.viz.methods import METHODS
from pnp_course.viz.mixture_pictures import oracle_figure, plane_figure
from pnp_course.viz.noise_pictures import band_figure, line_figure
from pnp_course.viz.potential_pictures import fold_figure, level_figure
from pnp_course.viz.prox_pnp import method_curves
from pnp_course.viz.slider import figure_as_image, frame_slider


def test_frame_slider_is_plain_html_with_alt_text():
    frames = [torch.full((1, 1, 4, 4), v) for v in (0.0, 1.0)]
    html = frame_slider(frames, ["first", 'second <"&>'], alt="two frames", height=16).data
    assert html.count("<img") == html.count('alt="two frames: ') == 2
    assert html.count('aria-label="two frames"') == 1
    assert "two frames" not in re.sub(r"<[^>]*>", "", html)  # for screen readers only
    assert html == frame_slider(frames, ["first", 'second <"&>'], alt="two frames", height=16).data
    assert "<script" not in html
    assert "second &lt;" in html
    assert "http" not in html
    with pytest.raises(ValueError, match="2 frames and 1 labels"):
        frame_slider(frames, ["x"], alt="")


def test_drawings_in_a_slider_are_sharp_and_photographs_are_jpeg():
    figure = curves([{"title": "t", "lines": {"p": ([1, 2], [3, 4])}}])
    html = frame_slider(
        [figure_as_image(figure), torch.rand(1, 3, 40, 40)], ["a", "b"], alt="two kinds", height=100
    ).data
    kinds = re.findall(r'width="(\d+)" src="data:image/(\w+);base64,([^"]+)"', html)
    assert [kind for _, kind, _ in kinds] == ["png", "jpeg"]
    drawing = Image.open(io.BytesIO(base64.b64decode(kinds[0][2])))
    assert drawing.mode == "P"
    assert drawing.height == 200
    assert abs(drawing.width - 2 * int(kinds[0][0])) <= 1
    assert 'aria-valuetext="a"' in html


def test_gallery_and_curves_draw_what_they_are_given():
    colour, gray = torch.rand(1, 3, 8, 8), torch.rand(1, 1, 8, 8)
    figure = gallery({"a": colour, "b": gray}, zoom=(1, 2, 3))
    shown = {ax.get_title(): torch.as_tensor(ax.images[0].get_array()) for ax in figure.axes if ax.get_title()}
    assert list(shown) == ["a", "b"]
    torch.testing.assert_close(shown["a"].float(), colour[0].permute(1, 2, 0))
    torch.testing.assert_close(shown["b"].float().reshape(8, 8, -1)[..., 0], gray[0, 0])
    figure = curves([{"title": "t", "log": True, "lines": {"p": ([1, 2], [3, 4]), "q": ([1, 2], [5, 6])}}])
    (ax,) = figure.axes
    assert [list(line.get_ydata()) for line in ax.lines] == [[3, 4], [5, 6]]
    assert ax.get_yscale() == "log"
    # told apart without colour
    assert len({str(line.get_linestyle()) for line in ax.lines}) == 2


def test_a_figure_becomes_an_image():
    figure = Figure(figsize=(2, 1), dpi=50, facecolor="white")
    image = figure_as_image(figure)
    assert image.shape == (1, 3, 100, 200)  # twice the pixels
    assert float(image.min()) == 1.0


def test_pictures_of_mixtures_become_images():
    plane = GaussianMixture(torch.ones(1), torch.full((1, 2), 0.5), 0.01 * torch.eye(2)[None])
    assert len(plane_figure(plane, 0.15).axes) == 3
    image = figure_as_image(oracle_figure(GaussianMixture.two_peaks(), 0.15))
    assert image.shape[:2] == (1, 3)
    assert 0 <= float(image.min()) < float(image.max()) <= 1


def test_pictures_of_conditions_show_what_they_are_given():
    w = {("firmly nonexpansive", "nonexpansive"): "z = i"}
    assert "z = i" in [t.get_text() for t in ladder_figure(w).axes[0].texts]
    assert len(regions_figure().axes) == 2
    j = {"small": sheared(0.1), "large": sheared(2.0)}
    assert [ax.get_title().split(":")[0] for ax in ranges_figure(j, FIRM).axes] == list(j)
    spectra = {name: torch.linalg.eigvals(m) for name, m in j.items()}
    picture = spectrum_figure("toy", spectra, "large", j["large"], numerical_range(j["large"]), LADDER[1])
    assert picture.axes[2].get_xlim()[1] > 4  # ||2J - I|| = 4 fits into the picture
    assert len(orbits_figure({"a": torch.tensor([1 + 1j, 0.5j])}).axes[1].lines) == 1


def test_pictures_of_fields():
    stars = torch.tensor([[0.5, 0.5]])
    figure = split_figure({"a": torch.sin, "b": torch.cos}, stars, time=0.5, steps=5)
    assert isinstance(figure, Figure)
    assert [ax.get_title() for ax in figure.axes] == ["a", "b"]
    x = torch.rand(60, 2)
    figure = loop_figure({"one": x[:30], "two": x[30:]}, polygon(4), tail=10)
    assert [line.get_text() for line in figure.axes[1].get_legend().get_texts()] == ["one", "two"]


def test_level_figure():
    figure = level_figure(lambda p: p.square().sum(1), {"a": torch.rand(4, 2), "b": torch.rand(3, 2)})
    (ax,) = figure.axes
    assert len(ax.lines) == 4  # two paths, two ends
    assert ax.get_legend() is not None


@pytest.mark.parametrize("bend", [0.5, 2.0])
def test_fold_figure(bend):
    figure = fold_figure(bend)
    assert len(figure.axes) == 4
    falling = figure.axes[1].lines[1].get_ydata()
    assert bool((falling == falling).any()) == (bend > 1)


def test_points_figure_places_its_points():
    figure = lab.points_figure({"a": {"p": (0.1, 2.0), "q": (1.0, 3.0)}}, "x", ["y"])
    (ax,) = figure.axes
    assert [tuple(map(float, line.get_xydata()[0])) for line in ax.lines] == [(0.1, 2.0), (1.0, 3.0)]
    assert ax.get_xlabel() == "x"


def test_pictures_of_runs_and_where_they_settle():
    lines = {"CoCo-PEGD": ([1, 2], [3.0, 4.0]), "other": ([1, 2], [5.0, 6.0])}
    panel = {"title": "t", "xlabel": "q", "log": True, "logx": [1, 2], "lines": lines, "marks": {"here": 1.5}}
    (ax,) = curves([panel]).axes
    assert [list(line.get_ydata()) for line in ax.lines[:2]] == [[3.0, 4.0], [5.0, 6.0]]
    assert ax.lines[0].get_color() == METHODS["CoCo-PEGD"]["color"] != METHODS["CoCo-ADMM"]["color"]
    assert list(ax.lines[2].get_xdata()) == [1.5, 1.5]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["CoCo-PEGD", "other", "here"]
    assert (ax.get_xscale(), ax.get_yscale(), ax.get_xlabel()) == ("log", "log", "q")
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["1", "2"]
    (ax,) = settling_figure([0.1, 0.2], [[0.5], [0.4, 0.6]], {"bound": 0.15}, "title", "u").axes
    dots = [(list(line.get_xdata()), list(line.get_ydata())) for line in ax.lines[:2]]
    assert dots == [([0.1], [0.5]), ([0.2, 0.2], [0.4, 0.6])]
    assert list(ax.lines[2].get_xdata()) == [0.15, 0.15]


@pytest.mark.parametrize(("low", "high"), [(3e-3, 4e-2), (2e-4, 5e-2), (1.5e-3, 9e-3), (1e-8, 1.0)])
def test_a_logarithmic_axis_has_more_than_two_labels(low, high):
    (ax,) = curves([{"title": "", "log": True, "lines": {"": ([1, 2, 3], [high, low, low])}}]).axes
    bottom, top = ax.get_ylim()
    places = [y for y, label in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True) if label.get_text()]
    assert len([y for y in places if bottom <= y <= top]) >= 3


def test_the_line_figure_has_the_points_and_the_line_of_a_camera():
    (ax,) = line_figure({"t": (torch.tensor([0.1, 0.5]), [0.02, 0.03], {"fitted": (0.02, 0.1)})}).axes
    points, fitted = ax.lines
    assert (list(points.get_ydata()), list(fitted.get_xdata())) == ([0.02, 0.03], [0.0, pytest.approx(0.5)])
    assert list(fitted.get_ydata()) == pytest.approx([0.01, 0.02])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["groups of flat patches", "fitted"]


def test_the_band_figure_has_curves_in_the_methods_colours_and_their_intervals():
    table = pandas.DataFrame(
        {"factor": [0.5, 1.0, 2.0], "difference": [-1.0, 0, -3], "low": [-2.0, 0, -4], "high": [0.0, 0, -2]}
    )
    figure = band_figure({"a": {"DPIR": table}, "b": {"CoCo-ADMM": table, "other": table}}, "told / true", "dB")
    first, second = figure.axes
    assert list(first.lines[0].get_ydata()) == [-1, 0, -3]
    assert first.lines[0].get_color() == METHODS["DPIR"]["color"]
    assert second.lines[0].get_color() == METHODS["CoCo-ADMM"]["color"]
    (band,) = first.collections
    ends = band.get_paths()[0].get_extents()
    assert (ends.y0, ends.y1) == (-4, 0)
    assert first.get_xscale() == "log"


PATH, J = torch.linspace(0.2, 1.8, 60).reshape(30, 2).double(), sheared(2.0)
LINES = {"title": "t", "lines": {"PGD": (PATH[:, 0], list(PATH[:, 1]))}}
OF_TENSORS = {  # drawn from tensors that `to` has moved
    "gallery": lambda to: gallery({"a": to(torch.full((1, 3, 8, 8), 0.5))}),
    "curves": lambda to: curves([moved(LINES, to) | {"marks": {"m": to(torch.tensor(0.5))}}]),
    "method curves": lambda to: method_curves([moved(LINES, to) | {"vertical": {"m": to(torch.tensor(0.5))}}]),
    "ranges": lambda to: ranges_figure({"a": to(J)}, FIRM),
    "spectrum": lambda to: spectrum_figure("", {"a": to(torch.linalg.eigvals(J))}, "a", to(J), to(numerical_range(J)), FIRM),
    "orbits": lambda to: orbits_figure({"a": to(torch.tensor([1 + 1j, 0.5j]))}),
    "sharpness": lambda to: sharpness_figure(to(PATH[:, 0]), to(PATH[:, 1])),
    "spiral": lambda to: spiral_figure(Spiral(5.0), to(PATH)),
    "levels": lambda to: level_figure(lambda p: p.square().sum(1), {"a": to(PATH)}),
    "fields": lambda to: split_figure({"a": torch.sin, "b": torch.cos}, to(PATH[:2]), to(PATH[:3]), time=0.5, steps=5),
    "loop": lambda to: loop_figure({"a": to(PATH)}, polygon(4), tail=10),
    "line": lambda to: line_figure({"t": (to(PATH[:, 0]), to(PATH[:, 1]), {"fitted": (0.02, 0.1)})}),
}  # fmt: skip


def moved(panel, to):
    lines = {name: (to(x), [to(value) for value in y]) for name, (x, y) in panel["lines"].items()}
    return panel | {"lines": lines}


def drawn(figure):
    lines = [torch.as_tensor(line.get_xydata()) for ax in figure.axes for line in ax.lines]
    return lines + [torch.as_tensor(image.get_array()) for ax in figure.axes for image in ax.images]


@pytest.mark.parametrize("name", OF_TENSORS)
def test_figures_take_tensors_of_any_device(name):
    wanted = drawn(OF_TENSORS[name](lambda x: x))
    with pretend_device.Pretended():
        found = drawn(OF_TENSORS[name](lambda x: x.to(pretend_device.DEVICE)))
    assert wanted
    torch.testing.assert_close(found, wanted, equal_nan=True)
