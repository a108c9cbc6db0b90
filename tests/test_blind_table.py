"""The experiment `blind`: its cases, its problem, its error ratios; and the network of coordinates."""

import pandas
import pytest
import torch

from pnp_course import blind, images, noise
from pnp_course.experiments import experiment_named
from pnp_course.experiments.blind_table import METHODS, SHAKES, TRUE, error_ratios, in_turns, summary
from pnp_course.experiments.experiment import Problem
from pnp_course.experiments.job import measure
from pnp_course.operators import ValidBlur, kernels

BLIND = experiment_named("blind")


def test_24_cases_of_other_pictures_than_those_of_the_tuning():
    cases = BLIND.cases["course"](None)
    assert len(cases) == len({(c["image"], c["kernel"]) for c in cases}) == 24
    assert {c["kernel"] for c in cases} == set(SHAKES)
    assert {c["set"] for c in cases} == {"cbsd68"} != {c["set"] for c in BLIND.tuning()} == {"set3c"}
    assert in_turns(3) == [(2, 1), (7, 2), (12, 3)]


def test_error_ratios_are_those_of_squared_errors():
    psnr = {"DPIR" + TRUE: (30.0, 20.0), "DPIR": (27.0, 20.0), "RMMO-DRS": (25.0, 25.0)}
    rows = pandas.DataFrame(
        [
            {"image": i, "kernel": 1, "method": name, "psnr": values[i], "similarity": 0.5 + i / 4}
            for name, values in psnr.items()
            for i in (0, 1)
        ]
    )
    assert error_ratios(rows)["DPIR"].tolist() == pytest.approx([10**0.3, 1.0])
    assert list(error_ratios(rows)) == ["DPIR"]  # the other one has no run with the true kernel
    assert "| DPIR | 2 | 1.50 | 100% | 100% |" in summary(rows)
    assert "| DPIR | 1 | 1.00 | 100% | 100% |" in summary(rows.drop(2))  # the blind run of one case is missing
    assert "0.50 to 0.75" in summary(rows)


def test_a_restoration_is_registered_and_a_true_kernel_is_better_than_a_wrong_one():
    k, wrong = kernels.motion(9), kernels.box(9)
    operator = ValidBlur(k)
    scene = images.to_channels(images.photo("astronaut", 88), 1)
    y, clean = noise.gaussian(operator(scene), 0.01, torch.Generator().manual_seed(0)), operator.crop(scene)
    problem = Problem(clean, y, {"true": k, "estimated": wrong, "measured": {"similarity": 0.5}})
    psnr = {}
    for name in ("DPIR" + TRUE, "DPIR"):
        method = METHODS[name]
        _, row = measure(method, problem, method.denoisers["course"], {**method.fixed, "strength": 1.0})
        psnr[name] = row["psnr"]
        assert row["similarity"] == 0.5
    assert psnr["DPIR" + TRUE] > psnr["DPIR"] + 2


def test_the_network_of_coordinates_fits_the_observation_and_equal_seeds_give_equal_pictures():
    k = kernels.motion(5)
    operator = ValidBlur(k)
    y = operator(images.to_channels(images.photo("coffee", 52), 1))
    first, last = (blind.restore_by_coordinates(y, k, steps=steps, patch=48) for steps in (1, 60))
    misfits = [float((operator(x) - y).square().mean()) for x in (first, last)]
    assert last.shape == (1, 1, 52, 52)
    assert misfits[1] < 0.2 * misfits[0]
    torch.testing.assert_close(blind.restore_by_coordinates(y, k, steps=60, patch=48), last)
    with pytest.raises(ValueError, match="y holds 2 pictures"):
        blind.restore_by_coordinates(y.expand(2, 1, -1, -1), k)
