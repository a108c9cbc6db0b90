"""The experiment on raw pictures: what the methods are told, what they restore, and the committed results."""

from pathlib import Path

import pandas
import pytest
import torch

from pnp_course import denoiser_card, images
from pnp_course.experiments import experiment_named, raw_table, tuning
from pnp_course.experiments.job import measure
from pnp_course.experiments.raw_table import CAMERAS, Stabilised, cut, noise_of, part, seen
from pnp_course.solvers import Result

TABLE = experiment_named("raw")
RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results" / "raw-course.csv"


@pytest.fixture(scope="module")
def problem():
    x = images.photo("astronaut", 256)
    return cut(x, *seen(x, 0.04, seed=0)[:1], 0.04, (0.05, 0.02), 48)


def test_tuning_and_test_pictures_are_apart_and_every_kind_of_method_has_as_many_settings():
    small, tune = TABLE.cases["small"](None), TABLE.tuning()
    assert {case["set"] for case in small} == {"cbsd68"}
    assert {case["set"] for case in tune} == {"set3c"}
    assert {case["told"] for case in small} == {0}
    assert {case["told"] for case in tune} == {1}
    assert len({case["image"] for case in small}) == 12
    assert len({case["seed"] for case in small}) == len(small) == 24
    for name, method in TABLE.methods.items():
        assert len(method.settings()) == (1 if name in ("bilinear", "Malvar") else 6 if method.fixed else 9), name
        if "sigma" in method.grid:
            low, high = denoiser_card(method.denoisers["small"])["sigma_range"]
            assert low <= min(method.grid["sigma"]) <= max(method.grid["sigma"]) <= high


def test_the_told_method_differs_in_the_noise_alone(problem):
    told, blind = TABLE.methods["CoCo-ADMM, VST, told"], TABLE.methods["CoCo-ADMM, VST"]
    assert told.grid == blind.grid
    assert told.fixed == {**blind.fixed, "told": True}
    assert noise_of(problem, told.fixed) == (0.04, CAMERAS[0.04])
    assert noise_of(problem, blind.fixed) == (0.05, 0.02)


def test_a_crop_keeps_the_colours_of_the_filter():
    x = torch.rand(1, 3, 50, 54, generator=torch.Generator().manual_seed(0))
    raw, truth = seen(x, 0.01, 0, told=True)
    assert truth == (0.01, 0.01)
    p = cut(x, raw, 0.01, truth, 16)
    rows, columns = part(50, 16), part(54, 16)
    assert rows.start % 2 == columns.start % 2 == 0
    assert torch.equal(p.clean, x[..., rows, columns])
    assert torch.equal(p.facts["operator"].raw(p.y), raw[..., rows, columns])
    assert p.y.shape == p.clean.shape == (1, 3, 16, 16)


def test_the_transform_has_noise_of_its_level_and_a_way_back():
    v = Stabilised(0.02, 0.03)
    x = torch.full((1, 1, 300, 300), 0.6, dtype=torch.float64)
    from pnp_course.camera_noise import expose

    t = v.there(expose(x, 0.02, 0.03, torch.Generator().manual_seed(0)))
    assert float(t.std()) == pytest.approx(v.sigma, rel=0.03)
    assert float(v.there(torch.ones(1, dtype=torch.float64))) == pytest.approx(1.0)
    assert float(v.back(t.mean(dim=(0, 1, 2, 3), keepdim=True))) == pytest.approx(0.6, abs=0.002)


@pytest.mark.parametrize("name", list(TABLE.methods))
def test_every_method_restores(name, problem):
    method = TABLE.methods[name]
    q = {**method.fixed, **method.settings()[4 % len(method.settings())]}
    if "iterations" in q:
        q["iterations"] = 6
    out, row = measure(method, problem, method.denoisers.get("small", ""), q)
    x = out.x if isinstance(out, Result) else out
    assert x.shape == problem.clean.shape
    assert 0 <= float(x.min()) <= float(x.max()) <= 1
    noise_alone = 18.5 if name in ("bilinear", "Malvar") else 20.0
    assert row["psnr"] > noise_alone - 3
    assert row["iterations"] == (6 if "iterations" in q else 0)


def test_the_shipped_choices_are_of_the_grids_and_equal_at_both_scales():
    small, course = (tuning.read_choices(TABLE, scale, tuning.SHIPPED) for scale in ("small", "course"))
    assert small == course
    for group in ("gain 0.01", "gain 0.04"):
        for name, chosen in small[group].items():
            assert chosen in TABLE.methods[name].settings(), name
        assert small[group]["CoCo-ADMM, VST, told"] == small[group]["CoCo-ADMM, VST"]
    assert len(tuning.table_jobs(TABLE, "small", 1, small)) == 2 * len(TABLE.methods)


def test_the_committed_results_are_whole():
    rows = pandas.read_csv(RESULTS, comment="#")
    assert set(rows["method"]) == set(TABLE.methods)
    assert set(rows.groupby(["method", "gain"])["image"].nunique()) == {12}
    means = rows.pivot_table(index="method", columns="gain", values="psnr")
    assert (means.drop(index=["Malvar", "bilinear"]).min() > means.loc["Malvar"] + 1).all()
    together, told = means.loc["CoCo-ADMM, VST"], means.loc["CoCo-ADMM, VST, told"]
    assert (together > means.loc["VST + DRUNet, then Malvar"] + 0.5).all()
    assert ((told - together).abs() < 0.3).all()
    assert raw_table.CAMERAS.keys() == set(means.columns)
