"""The tables and sweeps of [A]: their problems, their methods on a small picture, what the guarantees say, what is kept."""

import io
from dataclasses import replace

import numpy as np
import pandas
import pytest
import torch

from pnp_course import images
from pnp_course.denoisers import at_sigma, load_denoiser
from pnp_course.experiments import (
    deconvolution_table,
    experiment_named,
    gaussian_noise,
    holes_sweep,
    inpainting_table,
    keep,
    strength_sweep,
    tuning,
)
from pnp_course.experiments.job import Job, run_job
from pnp_course.experiments.store import Store
from pnp_course.operators import kernels

TABLES = ("deblurring", "super-resolution", "inpainting")
SWEEPS = ("strength-sweep", "step-sweep", "holes-sweep", "robustness")


@pytest.fixture
def small(monkeypatch):
    """Every data set is one small photograph, every kernel a small shake."""
    picture = images.photo("astronaut", 48)
    for room in (deconvolution_table, gaussian_noise):
        monkeypatch.setattr(room, "pictures", lambda name: [picture] * 68)
        monkeypatch.setattr(room, "kernels", lambda: [kernels.motion(9, 1)] * 8)
    gaussian_noise.kernel.cache_clear()
    yield picture
    gaussian_noise.kernel.cache_clear()


@pytest.mark.parametrize("name", TABLES)
def test_equal_care_and_no_test_picture_is_tuned_on(name):
    table = experiment_named(name)
    assert {len(m.settings()) for m in table.methods.values() if m.grid} == {4}
    assert {case["set"] for case in table.tuning()} == {"set3c"}
    for scale, count in (("small", 12), ("course", 12), ("paper", 68)):
        cases = table.cases[scale](None)
        assert {case["set"] for case in cases} == {"cbsd68"}
        assert len({case["image"] for case in cases}) == count
        assert len({str(sorted(case.items())) for case in cases}) == len(cases)
        assert {case["image"] for case in table.cases[scale](2)} <= {case["image"] for case in cases}


def test_the_blurs_and_noise_levels_are_those_of_the_paper(small):
    table = experiment_named("deblurring")
    assert {case["kernel"] for case in table.cases["course"](None)} == {"gaussian", "levin1", "levin4"}
    assert len(table.cases["paper"](1)) == 20
    for case in table.cases["small"](3):
        p = table.problem(case | {"crop": 0})
        residual = p.facts["fidelity"].operator(p.clean) - p.y
        assert float(residual.std()) == pytest.approx(case["nu"] / 255, rel=0.05)
        assert p.facts["sigma"] == pytest.approx(case["nu"] / 255)
    assert table.paper()["Prox-DRS", 12.75]["psnr"] == 26.64


def test_super_resolution_halves_and_thirds(small):
    table = experiment_named("super-resolution")
    for case in table.cases["small"](1):
        p = table.problem(case | {"crop": 0})
        side = 48 // case["factor"]
        assert p.y.shape == (1, 3, side, side)
        assert p.facts["start"].shape == p.clean.shape == (1, 3, 48, 48)


def test_interpolation_keeps_seen_pixels_and_is_exact_on_a_ramp():
    yy, xx = torch.meshgrid(torch.arange(20.0), torch.arange(17.0), indexing="ij")
    ramp = torch.stack([0.02 * yy + 0.01 * xx, 0.5 - 0.01 * yy])[None]
    mask = torch.ones(20, 17)
    mask[3:9, 4:9] = 0
    mask[15, 2] = 0
    out = inpainting_table.interpolated(ramp * mask, mask)
    torch.testing.assert_close(out, ramp, atol=1e-6, rtol=0)
    corner = torch.ones(20, 17)
    corner[0, 0] = 0
    assert torch.isfinite(inpainting_table.interpolated(ramp, corner)).all()


@pytest.mark.parametrize("side", holes_sweep.SIDES)
def test_holes_have_their_side_and_take_a_quarter(side):
    mask = holes_sweep.holes(64, 96, side)
    assert float(mask.mean()) == 0.75
    row = mask[(mask == 0).any(1)][0]
    lengths = np.diff(np.flatnonzero(np.diff(np.r_[1, row.numpy(), 1])))[::2]
    assert set(lengths) == {side}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("method", [m for m in gaussian_noise.METHODS if m != "start"])
def test_every_method_of_every_table_restores(name, method, small):
    """A few iterations with the second of its weights: better than the start; the interpolation is hard to beat."""
    table = experiment_named(name)
    case = table.cases["small"](1)[0] | {"crop": 0}
    of, p = table.methods[method], table.problem(case)
    job = Job(name, case, method, of.settings()[1], of.denoisers["small"], {**of.fixed, "iterations": 6})
    row = run_job(job)
    margin = -1.0 if name == "inpainting" else 0.2
    assert row["psnr"] > run_job(Job(name, case, "start", {}))["psnr"] + margin
    assert row["network_calls"] >= 6
    assert row["seconds"] > 0
    assert p.facts["lipschitz"] == pytest.approx(p.facts["fidelity"].operator.norm(p.clean) ** 2)


@pytest.mark.parametrize("name", TABLES)
def test_the_methods_with_a_theorem_are_covered_at_every_setting(name, small):
    table = experiment_named(name)
    p = table.problem(table.cases["small"](1)[0] | {"crop": 0})
    for method, of in table.methods.items():
        if method == "start":
            continue
        for setting in of.settings():
            said = of.restore.guarantee(p, of.denoisers["small"], {**of.fixed, **setting})
            assert said.covered == ("DPIR" not in method and method != "RED"), said
    drs = table.methods["Prox-DRS"]
    assert not drs.restore.guarantee(p, "prox-drunet", {**drs.fixed, **drs.settings()[0], "t": 0.5}).covered


def test_the_denoiser_is_used_at_its_level(small):
    """2 nu for GS-PnP, averaging for relaxed PGD: compared with the solver called by hand."""
    from pnp_course.denoisers import averaged
    from pnp_course.solvers import alpha_pgd, gs_pnp_pgd, run

    table = experiment_named("deblurring")
    p = table.problem(table.cases["small"](1)[0] | {"crop": 0})
    nu, f, start = p.facts["sigma"], p.facts["fidelity"], p.facts["start"]
    by_hand = {
        "GS-PnP": gs_pnp_pgd(f, at_sigma(load_denoiser("gs-drunet"), 2 * nu), start, lam=6.0),
        "relaxed Prox-PGD": alpha_pgd(f, at_sigma(averaged(load_denoiser("prox-drunet"), 0.95), gaussian_noise.LOWEST),
                                      start, lam=1.2 / p.facts["lipschitz"], alpha=0.48),
    }  # fmt: skip
    for method, steps in by_hand.items():
        of = table.methods[method]
        denoise = at_sigma(load_denoiser(of.denoisers["small"]), 0.5)  # another level, which the method replaces
        result = of.restore(p, denoise, {**of.fixed, **of.settings()[1], "iterations": 3})
        torch.testing.assert_close(result.x, run(steps, 3).x, atol=1e-5, rtol=0)


def test_a_sweep_takes_its_parameters_from_the_case(small):
    sweep = experiment_named("strength-sweep")
    case = {"set": "cbsd68", "image": 2, "crop": 0, "ratio": 3.0, "lam": 12.0, "seed": 2}
    assert {(c["ratio"], c["lam"]) for c in sweep.cases["small"](1)} >= {(3.0, 12.0)}
    p = sweep.problem(case)

    class Recorded(Exception):
        pass

    class Denoiser:
        def at(self, level):
            raise Recorded(level)

    with pytest.raises(Recorded) as level:
        strength_sweep.restore(p, Denoiser(), {"iterations": 1})
    assert level.value.args[0] == pytest.approx(3 * 7.65 / 255)
    assert p.facts["lam"] == 12.0


def test_a_wrong_word_about_the_noise_changes_the_weight_and_nothing_that_is_seen(small):
    """The weight falls with the variance that is told, and the observation stays; a told kernel is in the fidelity."""
    table = experiment_named("robustness")
    cases = {(c["counts"], c["noise"], c["kernel"]): c | {"crop": 0} for c in table.cases["small"](1)}
    assert len(cases) == 14
    right, loud, wide = (table.problem(cases[key]) for key in ((0, 1.0, 1.0), (0, 2.0, 1.0), (0, 1.0, 2.0)))
    assert torch.equal(right.y, loud.y)
    assert torch.equal(right.y, wide.y)
    assert loud.facts["variance"] == pytest.approx(4 * right.facts["variance"])
    assert right.facts["variance"] == pytest.approx((7.65 / 255) ** 2)
    many, few = (table.problem(cases[1, factor, 1.0]) for factor in (2.0, 0.5))
    assert torch.equal(many.y, few.y)
    assert (many.facts["variance"], few.facts["variance"]) == pytest.approx((1 / 60, 1 / 15))
    assert wide.facts["fidelity"].value(right.clean) > 1.2 * right.facts["fidelity"].value(right.clean)


@pytest.mark.parametrize("name", SWEEPS)
def test_every_method_of_the_sweeps_runs(name, small):
    sweep = experiment_named(name)
    case = sweep.cases["small"](1)[2] | {"crop": 0}
    for method, of in sweep.methods.items():
        few = {**of.fixed, "iterations": 3} if of.fixed else {}
        row = run_job(Job(name, case, method, of.settings()[-1], of.denoisers.get("small", ""), few))
        assert row["psnr"] > 18


def test_a_sweep_takes_the_parameters_of_its_middle():
    """What is told wrong changes nothing else: all cases of a problem have the parameters chosen with everything right."""
    sweep = experiment_named("robustness")
    chosen = {
        f"counts {counts}, noise 1, kernel 1": {m: {"sigma": 0.1, "strength": 1.0 + counts} for m in sweep.methods}
        for counts in (0, 1)
    }
    assert {sweep.group(case) for case in sweep.tuning()} == set(chosen)
    jobs = tuning.table_jobs(sweep, "small", 1, chosen)
    assert len(jobs) == 14 * 3
    assert all(job.parameters["strength"] == 1.0 + job.case["counts"] for job in jobs)
    assert not {(c["set"], c["image"]) for c in sweep.tuning()} & {(j.case["set"], j.case["image"]) for j in jobs}


def test_inpainted_holes_leave_the_seen_pixels_alone(small):
    sweep = experiment_named("holes-sweep")
    p = sweep.problem({"set": "cbsd68", "image": 2, "crop": 0, "side": 8})
    for method in ("DPIR", "GS-PnP"):
        of = sweep.methods[method]
        x = of.restore(
            p, at_sigma(load_denoiser(of.denoisers["small"]), of.fixed["sigma"]), {**of.fixed, "iterations": 3}
        ).x
        seen = (p.facts["mask"] > 0).expand_as(x)
        assert torch.equal(x[seen], p.clean[seen])
        assert not torch.equal(x, p.facts["filled"])


def planted():
    """Rows of two methods: B is 1 dB better than A on each image."""
    made = {"pnp_course": "0.1.0", "commit": "abc", "python": "3.11", "torch": "2", "device": "CPU"}
    return pandas.DataFrame([
        {"schema_version": 1, "key": f"{i}{m}", "experiment": "x", "image": i, "crop": 64, "nu": 7.65, "method": m,
         "denoiser": "net" * (m == "B"), "parameters": "{}", "psnr": 20.00049 + i + (m == "B"), "ssim": 0.5,
         "iterations": 3, "relative_change": 1.23456e-4, "stopped_by": "max_iter", "curve": [[1, 2]], "seconds": 0.1234,
         "network_calls": 3, "memory_mb": 1, "weights_sha256": "0123456789abcdef" * (m == "B"), **made}
        for i in range(4) for m in "AB"
    ])  # fmt: skip


def test_the_committed_form_is_short_and_says_where_it_comes_from(tmp_path):
    table = replace(experiment_named("deblurring"), methods={"A": None, "B": None}, reference="A", paper=dict)
    keep.write(table, "small", planted(), {"nu 7.65": {"B": {"lam": 3.0}}}, Store(tmp_path))
    text = (tmp_path / "deblurring-small.csv").read_text()
    assert text.splitlines()[0] == "# python -m pnp_course reproduce deblurring --scale small"
    assert "commit abc" in text
    assert "net 0123456789ab" in text
    rows = pandas.read_csv(io.StringIO(text), comment="#")
    assert list(rows.columns) == ["experiment", "image", "nu", "method", *keep.MEASURED]
    assert rows["psnr"].tolist()[:2] == [20.0, 21.0]
    assert rows["relative_change"][0] == 1.23e-4
    page = (tmp_path / "deblurring-small.md").read_text()
    assert "| 7.65 | B | +1.00 | +1.00 | +1.00 | 100% |" in page
    assert "| nu 7.65 | B | lam: 3 |" in page


def test_a_method_without_a_level_has_that_of_the_problem(small, monkeypatch):
    """The jobs' `measure` begins at the problem's fact `sigma` where the parameters name none."""
    table = experiment_named("deblurring")
    seen = []
    spy = replace(table.methods["DPIR"], restore=lambda p, denoise, q: seen.append(denoise.sigma) or p.y)
    case = table.cases["small"](1)[0] | {"crop": 0}
    spied = replace(table, methods={"spy": spy})
    monkeypatch.setattr("pnp_course.experiments.experiment_named", lambda name: spied)
    run_job(Job("deblurring", case, "spy", {}, "drunet"))
    assert seen == [pytest.approx(7.65 / 255)]
