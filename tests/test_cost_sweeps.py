"""The sweeps of notebook 17 (averaging, the step on the envelope, the length of a schedule), and the exchange of denoisers."""

from pathlib import Path

import pandas
import pytest
import torch

from pnp_course import images, solvers
from pnp_course.denoisers import at_sigma, denoiser_card, load_denoiser
from pnp_course.experiments import averaging_sweep, deconvolution_table, experiment_named, solver_run, tuning
from pnp_course.experiments.schedule_sweep import LENGTHS, SCHEDULED
from pnp_course.guarantees import guarantee
from pnp_course.operators import kernels
from pnp_course.solvers import run

ROOT = Path(__file__).resolve().parent.parent
SWEEPS = {"averaging-sweep": "t", "envelope-sweep": "step", "schedule-sweep": "length"}


@pytest.fixture
def small(monkeypatch):
    """Small pictures in the place of the data sets."""
    monkeypatch.setattr(deconvolution_table, "pictures", lambda name: [images.photo("astronaut", 32)] * 68)
    monkeypatch.setattr(deconvolution_table, "kernels", lambda: [kernels.motion(7, seed=k) for k in range(8)])


@pytest.mark.parametrize("name", SWEEPS)
def test_what_is_tuned_on_is_not_measured_and_every_method_has_as_many_settings(name):
    table = experiment_named(name)
    tried = {(case["set"], case["image"]) for case in table.tuning()}
    measured = {(case["set"], case["image"]) for case in table.cases["paper"](None)}
    assert not tried & measured
    assert len({len(method.settings()) for method in table.methods.values()}) == 1
    assert table.groups == (SWEEPS[name],)


@pytest.mark.parametrize("name", ["averaging-sweep", "envelope-sweep"])
def test_a_job_is_the_solver_with_the_parameter_of_the_case(name, small):
    table, parameter = experiment_named(name), SWEEPS[name]
    case = table.cases["small"](1)[1] | {"crop": 0}
    problem = table.problem(case)
    for method in table.methods.values():
        solver = method.restore.call(problem, {**method.fixed, "strength": 0.5}).solver
        q = {**method.fixed, "strength": 0.5, "iterations": 3}
        denoise = at_sigma(load_denoiser(method.denoisers["small"]), q["sigma"])
        others = {"t": q["t"]} if "t" in q else {}
        lam = 0.5 * 375 / 255  # of [B] at peak 50
        steps = getattr(solvers, solver)(
            problem.facts["fidelity"], denoise, problem.y, lam=lam, **{parameter: case[parameter]}, **others
        )
        assert torch.equal(method.restore(problem, denoise, q).x, run(steps, 3).x)


def test_a_schedule_has_the_iterations_of_the_case(small):
    table = experiment_named("schedule-sweep")
    for case in table.cases["small"](1)[:2]:
        problem = table.problem(case | {"crop": 0})
        for name in SCHEDULED:
            method = table.methods[name]
            denoise = at_sigma(load_denoiser(method.denoisers["small"]), method.fixed["sigma"])
            result = method.restore(problem, denoise, dict(method.fixed))
            assert len(result.rows) == case["length"] + (name == "SNORE")  # which denoises once more at its end


def test_the_exchange_of_denoisers_keeps_the_table_and_what_is_certified_is_covered(small):
    exchange, table = experiment_named("denoiser-exchange"), deconvolution_table.EXPERIMENT
    assert exchange.cases is table.cases
    assert exchange.tuning is table.tuning
    there, here = table.methods["CoCo-ADMM"], exchange.methods[f"CoCo-ADMM, {deconvolution_table.COCO}"]
    assert here == there
    assert exchange.methods["DPIR, drunet"].fixed == table.methods["DPIR"].fixed
    assert {len(method.settings()) for method in exchange.methods.values()} == {9}
    problem = exchange.problem(table.cases["small"](1)[0] | {"crop": 0})
    covered = set()
    for name, method in exchange.methods.items():
        for setting in method.settings():
            call = method.restore.call(problem, {**method.fixed, **setting})
            card = denoiser_card(method.denoisers["course"])
            if guarantee(
                call.solver, card, call.fidelity, problem.y, sigma=setting["sigma"], **call.parameters
            ).covered:
                covered.add(name)
    certified = ("coco-gs-0.25", "coco-gs-relaxed", "gs-drunet", "coco-ridge-0.25-colour")
    assert covered == {f"CoCo-ADMM, {name}" for name in certified}


def test_a_run_starts_where_the_problem_says_and_stops_at_its_tolerance(small):
    p = deconvolution_table.observed(images.photo("astronaut", 32), kernels.motion(7, seed=0), 50, 0)

    def call(p, q):
        return solver_run.Call("coco_admm", p.facts["fidelity"], {"lam": 1.0, "t": 0.3})

    still = at_sigma(lambda x, sigma: x, 0.1)  # the prior is flat: the run goes to the data and stops
    there = solver_run.Restore(call)(p, still, {"iterations": 400}).x
    p.facts["start"] = there
    result = solver_run.Restore(call, tol=1e-3)(p, still, {"iterations": 400})
    assert result.stopped_by == "tolerance"
    assert len(result.rows) < 5
    again = solver_run.Restore(call, denoised=True)(p, at_sigma(lambda x, sigma: 0 * x, 0.1), {"iterations": 2})
    assert len(again.rows) == 3
    assert float(again.x.abs().max()) == 0


def test_committed_results_are_of_the_declared_sweeps():
    for name, parameter in SWEEPS.items():
        table = experiment_named(name)
        rows = pandas.read_csv(ROOT / "benchmarks" / "results" / f"{name}-small.csv", comment="#")
        cases = table.cases["small"](None)
        assert len(rows) == len(cases) * len(table.methods)
        assert set(rows[parameter]) == {case[parameter] for case in cases}
        assert set(rows["method"]) == set(table.methods)
    assert set(LENGTHS) == set(rows["length"])
    tried = pandas.read_csv(ROOT / "benchmarks" / "results" / "averaging-sweep-tuning.csv")
    table = experiment_named("averaging-sweep")
    chosen = tuning.choose(table, tried)
    assert chosen == tuning.read_choices(table, "small", tuning.SHIPPED)
    assert len(tried) == len(averaging_sweep.AVERAGINGS) * len(averaging_sweep.STRENGTHS) * len(table.methods)
