"""The experiments on photon counts without a blur: cases, grids, methods by themselves, committed files."""

from dataclasses import replace
from pathlib import Path

import pandas
import pytest
import torch

from pnp_course import denoiser_card, images
from pnp_course.anscombe import anscombe
from pnp_course.denoisers import at_sigma
from pnp_course.experiments import chosen, counting, experiment_named, networks
from pnp_course.experiments.job import measure
from pnp_course.experiments.poisson_denoising import counted
from pnp_course.experiments.single_photon_table import exposed
from pnp_course.priors import TotalVariation
from pnp_course.single_photon import random_camera
from pnp_course.training.corruption import corrupted

NAMES = ("poisson-denoising", "single-photon")
TABLES = {"colour": experiment_named(NAMES[0]), "gray": experiment_named(NAMES[1])}
RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"


@pytest.fixture
def colour():
    return counted(images.photo("astronaut", 48), 20, seed=0)


@pytest.fixture
def gray(generator):
    scene = images.to_channels(images.photo("astronaut", 48), 1)
    return exposed(scene, random_camera(48, 48, generator), 10.0, generator)


@pytest.mark.parametrize("name", NAMES)
def test_tuning_and_test_pictures_are_apart_and_every_method_has_nine_settings(name):
    declared = experiment_named(name)
    course, tuning = declared.cases["course"](None), declared.tuning()
    assert {case["set"] for case in course} == {"cbsd68"}
    assert {case["set"] for case in tuning} == {"set3c"}
    assert len({case["image"] for case in course}) == 12
    assert len({case["seed"] for case in course}) == len(course)
    for method, facts in declared.methods.items():
        assert len(facts.settings()) == (1 if method == "Poisson DnCNN" else 9), method
        if "course" in facts.denoisers and "sigma" in facts.grid:
            scale = 3**0.5 if name == "single-photon" else 1
            low, high = denoiser_card(facts.denoisers["course"])["sigma_range"]
            assert low <= scale * min(facts.grid["sigma"]) <= scale * max(facts.grid["sigma"]) <= high, method


def test_the_papers_numbers():
    paper = experiment_named("poisson-denoising").paper()
    assert paper["CoCo-PEGD", 20] == {"psnr": 28.77, "ssim": 0.8332}
    assert len(paper) == 16


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in TABLES for name in TABLES[kind].methods if name != "VST + BM3D"]
)
def test_every_method_restores(name, kind, request):
    """A few iterations with the middle of its grid: finite, and nearer to the scene than the counts."""
    problem = request.getfixturevalue(kind)
    method = TABLES[kind].methods[name]
    q = {**method.fixed, **method.settings()[len(method.settings()) // 2]}
    q |= {"iterations": min(q["iterations"], 60 if name == "Poisson TV" else 8)} if "iterations" in q else {}
    _, row = measure(method, problem, method.denoisers.get("course", ""), q)
    _, before = measure(replace(method, restore=lambda p, d, q: p.facts["start"]), problem, "", q)
    assert row["psnr"] > before["psnr"] + 1


def test_stabilised_noise_has_the_level_that_the_denoiser_is_told(generator):
    """A constant scene: the denoiser sees noise of its level, and a denoiser that takes the mean gives the scene."""
    flat = counted(torch.full((1, 1, 300, 300), 0.6), 10, seed=1)
    told = {}

    def average(z, sigma):
        told.update(level=sigma, seen=float(z.std()))
        return z.mean().expand(z.shape)

    out = counting.stabilised(flat, average, 1.0)
    assert told["level"] == pytest.approx(1 / float(anscombe(torch.tensor(10.0))))
    assert told["seen"] == pytest.approx(told["level"], rel=0.03)
    assert float(out.mean()) == pytest.approx(0.6, abs=0.005)
    counting.stabilised(flat, average, 2.0)
    assert told["level"] == pytest.approx(2 / float(anscombe(torch.tensor(10.0))))


def test_stabilised_subtracts_the_dark_counts(generator):
    camera = random_camera(200, 200, generator)
    problem = exposed(torch.full((1, 1, 200, 200), 0.5), camera, 4.0, generator)
    out = counting.stabilised(problem, lambda z, sigma: z.mean().expand(z.shape), 1.0)
    assert float(out.mean()) == pytest.approx(0.5, abs=0.02)


def test_poisson_tv_minimises_its_objective(colour):
    """No picture near it, and none on the way to its mean or to the counts, has a lower value."""
    method = TABLES["colour"].methods["Poisson TV"]
    q = {**method.fixed, "strength": 0.5, "iterations": 1500}
    x = method.restore(colour, None, q).x
    tv, g, lam = TotalVariation(0.5), colour.facts["fidelity"], colour.facts["peak"] ** 0.5

    def objective(v):
        return lam * g.value(v) + tv.value(v)

    best = objective(x)
    for scale in (1e-3, 1e-2):
        for seed in range(5):
            d = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed))
            assert objective((x + scale * d).clamp_min(1e-6)) > best
    assert objective(colour.y.clamp_min(1e-6)) > best
    assert objective(0.9 * x + 0.1 * x.mean()) > best
    assert objective(0.99 * x + 0.01 * colour.y) > best - 1e-2


def test_poisson_noise_in_training(generator):
    """The level is 1 / sqrt(peak): that of a white pixel; and each image has its own."""
    clean = torch.ones(2, 1, 200, 200)
    _, noisy, level = corrupted(clean, torch.tensor([0.1, 0.4]), "poisson", generator)
    assert noisy.std((1, 2, 3)).tolist() == pytest.approx([0.1, 0.4], rel=0.02)
    assert level.tolist() == pytest.approx([0.1, 0.4])
    assert corrupted(clean, 0.0, "poisson", generator)[2] == 0.03  # no infinite peak


def test_a_network_for_counts_sees_the_counts_and_their_level(colour):
    """Its weights are the experiment's own; the row counts its one evaluation and names it."""
    seen = []
    out = counting.trained(colour, at_sigma(lambda x, level: seen.append((x, level)) or x / 2, 0.0), {})
    ((x, level),) = seen
    assert torch.equal(x, colour.facts["counts"])
    assert level == colour.facts["peak"] ** -0.5
    assert torch.equal(out, x / 2)
    method = TABLES["colour"].methods["Poisson DnCNN"]
    _, row = measure(method, colour, method.denoisers["course"], {})
    assert row["network_calls"] == 1
    assert len(networks.weights_hash("dncnn-poisson")) == 64
    with pytest.raises(ValueError, match="dncnn-poison"):
        networks.network("dncnn-poison")


def test_committed_results_are_of_the_declared_experiment():
    """Whole lines only: each method that is there has all images of a peak, and the parameters that are shipped."""
    name = "poisson-denoising"
    rows = pandas.read_csv(RESULTS / f"{name}-course.csv", comment="#")
    declared = experiment_named(name)
    images_of = {(case["peak"], case["image"]) for case in declared.cases["course"](None)}
    for (peak, method), of in rows.groupby(["peak", "method"]):
        assert {(peak, image) for image in of["image"]} == {pair for pair in images_of if pair[0] == peak}
        assert len(of) == 12
        facts = declared.methods[method]
        said = chosen.parameters(name, method, f"peak {peak:g}")
        assert all(said[key] in values for key, values in facts.grid.items())
    assert {"VST + DRUNet", "DPIR", "CoCo-ADMM", "VST + CoCo"} <= set(rows["method"])


def test_a_chosen_method_runs_and_is_asked_for_its_guarantee(colour):
    group = "peak 30"
    out = chosen.outcome("poisson-denoising", "VST + TV", colour, group)
    assert out.run is None
    assert out.row["psnr"] > 20
    assert chosen.answer("poisson-denoising", "VST + TV", colour, group) is None
    assert chosen.answer("poisson-denoising", "CoCo-ADMM", colour, group).covered
    assert not chosen.answer("poisson-denoising", "DPIR", colour, group).covered
