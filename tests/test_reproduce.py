"""Experiments as independent jobs: resumed, in several processes, on a cluster that loses a worker; tuning and tables."""

import json
import os
import signal
import threading
import time
from dataclasses import replace

import dask
import distributed
import numpy as np
import pandas
import pytest
import torch
from typer.testing import CliRunner

from pnp_course import images
from pnp_course.cli import app
from pnp_course.denoisers import at_sigma, load_denoiser
from pnp_course.experiments import deconvolution_table, experiment_named, report, tuning
from pnp_course.experiments.experiment import Experiment, Method, Problem
from pnp_course.experiments.job import Job, run_job
from pnp_course.experiments.progress import progress
from pnp_course.experiments.reproduce import Interrupted, do, reproduce, tune
from pnp_course.experiments.store import Store, StoreError
from pnp_course.experiments.tally import Tally
from pnp_course.experiments.workers import WorkerError, finished
from pnp_course.operators import kernels
from pnp_course.solvers import DivergenceError, Iterate, Result

TRY_OUT = experiment_named("try-out")
CHOICES = {f"peak {peak}": {"Wiener": {"balance": 0.1}, "CoCo-ADMM": {"sigma": 0.1, "lam": 1.0}} for peak in (100, 50)}
MEASURED = ["psnr", "ssim", "iterations", "relative_change", "stopped_by", "network_calls"]


@pytest.fixture(scope="module")
def jobs():
    return tuning.table_jobs(TRY_OUT, "course", None, CHOICES)


@pytest.fixture(scope="module")
def serial(jobs, tmp_path_factory):
    """The rows, computed one after the other in this process."""
    store = Store(tmp_path_factory.mktemp("serial"))
    do(jobs, store)
    return store.table(jobs)


def same_rows(a, b):
    pandas.testing.assert_frame_equal(a[["key", "method", *MEASURED]], b[["key", "method", *MEASURED]], rtol=1e-3)


def test_a_row_says_what_was_measured(serial, jobs):
    coco = serial[serial["method"] == "CoCo-ADMM"].iloc[0]
    clean = TRY_OUT.problem(jobs[0].case)
    assert serial.iloc[0]["psnr"] == pytest.approx(
        -10 * np.log10(float((clean.y.clamp(0, 1) - clean.clean).square().mean())), abs=1e-3
    )
    assert (coco["iterations"], coco["network_calls"], coco["stopped_by"]) == (5, 5, "max_iter")
    assert coco["curve"][-1][0] == pytest.approx(coco["psnr"], abs=6e-4)  # five digits
    assert coco["curve"][-1][1] == pytest.approx(coco["relative_change"], rel=5e-5)
    assert coco["weights_sha256"]
    assert coco["torch"] == torch.__version__
    assert coco["memory_mb"] > 50
    assert json.loads(coco["parameters"]) == {"sigma": 0.1, "lam": 1.0}
    assert len(set(serial["key"])) == len(jobs) == 12


def test_the_key_is_of_everything_that_decides_the_result(jobs):
    coco = next(job for job in jobs if job.denoiser)
    others = [replace(coco, parameters={"sigma": 0.1, "lam": 2.0}), replace(coco, fixed={"iterations": 6}),
              replace(coco, case={**coco.case, "seed": 1}), replace(coco, denoiser="drunet")]  # fmt: skip
    assert len({job.key for job in [coco, *others]}) == 5
    assert replace(coco).key == coco.key


def test_network_calls_are_counted_inside_a_gradient_step():
    net = load_denoiser("gs-drunet")
    calls, x = Tally(net), torch.rand(1, 3, 16, 16)
    at_sigma(net, 0.1)(x)
    at_sigma(net, 0.1).with_value(x)
    net.value(x, 0.1)  # the potential alone needs no derivative
    assert (calls.forward, calls.products) == (3, 2)
    calls.end()
    at_sigma(net, 0.1)(x)
    assert (calls.forward, calls.products) == (3, 2)


def test_a_product_is_counted_where_a_method_differentiates_through_its_network():
    net = load_denoiser("drunet")
    x = torch.rand(1, 3, 16, 16, requires_grad=True)
    with Tally(net) as seen:
        with torch.no_grad():
            net(x, 0.1)
        out = net(x, 0.1)
        for _ in range(2):
            torch.autograd.grad(out.sum(), x, retain_graph=True)
    assert (seen.forward, seen.products) == (2, 2)


def test_progress_says_when_a_run_is_near_its_best():
    def row(method, image, psnr, calls):
        return {"experiment": "e", "image": image, "seed": image, "method": method, "curve": [[p, None] for p in psnr],
                "network_calls": calls, "seconds": 0.5 * len(psnr)}  # fmt: skip

    rows = pandas.DataFrame([
        row("A", 1, [20.0, 25.0, 25.95, 26.0, 25.5], 10), row("B", 1, [25.8, 26.5], 2), row("C", 1, [21.0, 22.0], 2),
        row("A", 2, [30.0, 31.0], 2), row("B", 2, [float("nan"), 30.9], 2), row("D", 2, [], 1),
    ])  # fmt: skip
    table = progress(replace(TRY_OUT, groups=()), rows).set_index(["method", "image"])
    assert list(table.loc[("A", 1), ["best", "best_at", "last", "near", "calls"]]) == [26.0, 4, -0.5, 3, 2.0]
    assert [table.loc[case, "near"] for case in (("B", 1), ("C", 1), ("B", 2))] == [2, 2, 2]
    assert table.loc[("B", 2), "best"] == 30.9
    assert ("D", 2) not in table.index
    assert table.loc[("A", 1), "seconds"] == 0.5


def test_a_stopped_run_goes_on_and_computes_nothing_twice(jobs, tmp_path):
    store, seen = Store(tmp_path), []

    def work(job):
        if len(seen) == 5:
            raise KeyboardInterrupt
        seen.append(job.key)
        return {"schema_version": 1, "key": job.key, "value": len(seen)}

    with pytest.raises(Interrupted, match=r"interrupted: 5 of 12 jobs are done; the same command goes on"):
        do(jobs, store, work=work)
    assert len(list((tmp_path / "rows").iterdir())) == 5
    seen.append("")  # a second call may go on
    do(jobs, store, work=work)
    del seen[5]
    assert seen == [job.key for job in jobs]
    do(jobs, store, work=lambda job: pytest.fail("this job is done"))


def test_results_of_another_version_and_broken_files_are_refused(jobs, tmp_path):
    store = Store(tmp_path)
    store.add(jobs[0], {"schema_version": 99})
    with pytest.raises(StoreError, match="schema version 99; this release writes version 1: name another folder"):
        do(jobs, store, work=lambda job: pytest.fail("nothing is computed before"))
    (tmp_path / "rows" / f"{jobs[0].key}.json").write_text("{")
    with pytest.raises(StoreError, match=r"is not a result .*: remove it"):
        do(jobs, store)


def test_processes_give_the_same_rows(jobs, serial, tmp_path):
    store = Store(tmp_path)
    do(jobs, store, processes=2)
    same_rows(store.table(jobs), serial)


def dies(job):
    os.kill(os.getpid(), signal.SIGKILL)


def sleeps(job):
    time.sleep(0.5)
    return {}


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_a_killed_process_is_one_clear_line(jobs):
    with pytest.raises(
        WorkerError, match="a worker process was killed, perhaps for lack of memory; finished jobs are kept"
    ):
        list(finished(jobs[:3], dies, processes=2))


def test_a_cluster_that_loses_a_worker_gives_the_same_rows(jobs, serial, tmp_path):
    store, killed = Store(tmp_path), []
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**options, silence_logs=50) as cluster:
        pids = [w.pid for w in cluster.workers.values()]

        def kill_one():
            while not list(tmp_path.glob("rows/*.json")):
                time.sleep(0.05)
            os.kill(pids[0], signal.SIGKILL)
            killed.append(len(list(tmp_path.glob("rows/*.json"))))

        thread = threading.Thread(target=kill_one)
        thread.start()
        do(jobs, store, cluster=cluster.scheduler_address)
        thread.join()
    assert killed[0] < len(jobs)
    same_rows(store.table(jobs), serial)


def test_a_job_that_kills_every_worker_is_one_clear_line(jobs):
    """Dask gives up on it; with the default it does so after four workers, here after the first."""
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(**options, silence_logs=50) as cluster,
        pytest.raises(WorkerError, match=r"killed again and again on one job.*finished\s+jobs are kept"),
    ):
        list(finished(jobs[:1], dies, cluster=cluster.scheduler_address))


def test_a_cluster_that_is_lost_is_one_clear_line(jobs):
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**options, silence_logs=50) as cluster:
        results = finished(jobs[:4], sleeps, cluster=cluster.scheduler_address)
        next(results)
        cluster.close()
        with pytest.raises(WorkerError, match=r"the cluster at tcp://.* was lost \(.*\); finished jobs are kept"):
            list(results)


def test_no_cluster_at_the_address(jobs):
    with pytest.raises(WorkerError, match=r"no Dask scheduler answers at 127.0.0.1:1 \(.*\): check the address"):
        list(finished(jobs, run_job, cluster="127.0.0.1:1"))


def test_a_run_that_diverges_is_a_row(jobs, monkeypatch):
    def explode(p, denoise, q):
        rows = [{"iteration": 1, "seconds": 0.0, "relative_change": float("nan"), "psnr": 3.0}]
        raise DivergenceError("too far", Result(Iterate(p.y, denoiser_input=p.y), rows, "divergence"))

    bad = replace(TRY_OUT, methods={"bad": Method(explode)})
    monkeypatch.setattr("pnp_course.experiments.experiment_named", lambda name: bad)
    row = run_job(Job("try-out", jobs[0].case, "bad", {}))
    assert row["stopped_by"] == "divergence"
    assert row["curve"] == [[3.0, None]]


def planted(name="CoCo-ADMM", low=0.0, group=100, n=20):
    """Rows whose means are known."""
    return [
        {"experiment": "x", "image": i, "peak": group, "method": name, "parameters": "{}", "stopped_by": "max_iter",
         "psnr": 20.0 + i + low, "ssim": 0.5, "relative_change": 1e-5 if i % 2 else 1e-3, "seconds": 2.0,
         "network_calls": 50, "curve": [[20.0 + i, None], [21.0 + i, 0.5]]}
        for i in range(n)
    ]  # fmt: skip


def planted_experiment():
    return replace(
        TRY_OUT, methods={"A": Method(None), "B": Method(None)},
        paper=lambda: {("A", 100): {"psnr": 30.0, "ssim": 0.6}},
    )  # fmt: skip


def test_means_beside_the_papers_numbers():
    rows = pandas.DataFrame(planted("A") + planted("B", 1.0))
    a, b = report.means(planted_experiment(), rows).to_dict("records")
    assert (a["psnr"], a["paper_psnr"], a["psnr_difference"]) == (29.5, 30.0, -0.5)
    assert (a["ssim_difference"], a["converged"], a["cases"], a["diverged"]) == (-0.1, 0.5, 20, 0)
    assert b["psnr"] == 30.5
    assert np.isnan(b["paper_psnr"])
    text = report.markdown(planted_experiment(), rows, "course")
    assert "| A | 29.50 | 30.00 | -0.50 | 0.500 | 0.600 | 50% | 2.00 | 50 |" in text
    assert "## peak 100" in text


def test_paired_differences_do_not_see_the_spread_of_the_images():
    """B is A plus 1 dB plus or minus 0.1: the interval is narrow, though the images spread over 20 dB."""
    rows = pandas.DataFrame(planted("A") + planted("B", 1.0))
    is_b = rows["method"] == "B"
    rows.loc[is_b, "psnr"] += 0.1 * np.where(rows.loc[is_b, "image"] % 2, 1, -1)
    (line,) = report.paired(planted_experiment(), rows, "A").to_dict("records")
    assert (line["method"], line["minus"], line["better"]) == ("B", "A", 1.0)
    assert line["difference"] == pytest.approx(1.0, abs=1e-6)
    half = 1.96 * 0.1 / np.sqrt(20)
    assert line["low"] == pytest.approx(1 - half, abs=0.02)
    assert line["high"] == pytest.approx(1 + half, abs=0.02)


def test_mean_curves():
    rows = pandas.DataFrame(planted("A"))
    first, second = report.curves(planted_experiment(), rows).to_dict("records")
    assert (first["iteration"], first["psnr"], second["psnr"], second["relative_change"]) == (1, 29.5, 30.5, 0.5)


def test_the_choice_is_the_best_mean_of_each_group():
    rows = pandas.DataFrame([
        {"peak": peak, "method": "Wiener", "parameters": json.dumps({"balance": b}), "psnr": value, "stopped_by": stop}
        for peak, b, value, stop in (
            (100, 0.01, 20.0, ""), (100, 0.01, 24.0, ""), (100, 0.1, 21.0, ""), (100, 0.1, 22.0, ""),
            (50, 0.01, 30.0, "divergence"), (50, 0.01, 25.0, ""), (50, 0.3, 18.0, ""), (50, 0.3, 18.0, ""),
        )
    ])  # fmt: skip
    table = tuning.sensitivity(TRY_OUT, rows)
    assert table["psnr"].tolist() == [22.0, 21.5, 12.5, 18.0]
    choices = tuning.choose(TRY_OUT, table)
    assert choices == {"peak 100": {"Wiener": {"balance": 0.01}}, "peak 50": {"Wiener": {"balance": 0.3}}}
    assert tuning.at_the_edge(TRY_OUT, choices) == [
        "peak 100: Wiener, balance 0.01", "peak 50: Wiener, balance 0.3",
    ]  # fmt: skip


def test_from_tuning_to_the_report(tmp_path):
    """The whole way with a method that costs nothing; without the choices the table is refused."""
    cheap = replace(
        TRY_OUT, methods={"shade": Method(lambda p, d, q: p.y * q["factor"], grid={"factor": (0.5, 1.0, 9.0)})}
    )
    with pytest.raises(ValueError, match=r"the parameters of 'try-out' have not been chosen at scale 'course': run"):
        reproduce(cheap, "course", tmp_path)
    work = pytest.MonkeyPatch()
    work.setattr("pnp_course.experiments.experiment_named", lambda name: cheap)
    try:
        assert tune(cheap, "course", tmp_path) == [f"choices: {tmp_path / 'choices.json'}"]
        lines = reproduce(cheap, "course", tmp_path, images=1)
    finally:
        work.undo()
    assert lines[-1] == f"results: {tmp_path}"
    names = {p.name for p in tmp_path.iterdir()}
    assert {"choices.json", "tuning.csv", "rows.csv", "means.csv", "curves.csv", "report.md"} <= names
    assert set(pandas.read_csv(tmp_path / "rows.csv")["parameters"]) == {'{"factor": 1.0}'}
    with pytest.raises(ValueError, match="try-out has no scale 'paper'; wanted course"):
        reproduce(cheap, "paper", tmp_path)


def test_what_cannot_be_asked_for_is_one_clear_line(tmp_path):
    with pytest.raises(ValueError, match="denoising has no parameters to choose: run it without --tune"):
        tune(experiment_named("denoising"), "course", tmp_path)
    for scale, count in (("course", 12), ("paper", 68)):
        for images_asked, images_got in ((2, 2), (1000, count if scale == "paper" else 14), (None, count)):
            of = {case["image"] for case in experiment_named("denoising").cases[scale](images_asked)}
            assert len(of) == images_got
            assert max(of) < 68


def test_ctrl_c_says_how_far_it_came(tmp_path, monkeypatch):
    def work(job):
        raise KeyboardInterrupt

    monkeypatch.setattr("pnp_course.experiments.reproduce.do.__kwdefaults__", {**do.__kwdefaults__, "work": work})
    done = CliRunner().invoke(app, ["reproduce", "try-out", "--tune", "-o", str(tmp_path)])
    assert done.exit_code == 130
    assert "pnp_course: interrupted: 0 of 16 jobs are done; the same command goes on." in done.stderr


def test_unknown_experiments_are_listed():
    known = (
        "averaging-sweep, blind, ct, deblurring, deconvolution, denoiser-exchange, denoising, envelope-sweep, extreme, "
        "holes-sweep, inpainting, poisson-denoising, raw, robustness, schedule-sweep, single-photon, step-sweep, "
        "strength-sweep, super-resolution, try-out"
    )
    with pytest.raises(ValueError, match=rf"there is no experiment 'table-9'; wanted one of {known}\."):
        experiment_named("table-9")


DECONVOLUTION = experiment_named("deconvolution")


def test_every_method_is_tuned_with_the_same_care():
    assert {len(m.settings()) for m in DECONVOLUTION.methods.values()} == {9}
    tested = {case["set"] for scale in DECONVOLUTION.cases.values() for case in scale(None)}
    assert tested == {"cbsd68"} != {case["set"] for case in DECONVOLUTION.tuning()}
    course = DECONVOLUTION.cases["course"](None)
    assert len({case["image"] for case in course}) == 12
    assert {(case["kernel"], case["peak"]) for case in course} == {(k, p) for k in range(1, 9) for p in (100, 50)}
    assert len(course) == len({tuple(case.values()) for case in course}) == 12 * 16
    small = DECONVOLUTION.cases["small"](None)
    assert small == course[: len(small)]  # what it computed need not be computed again
    assert [len(small), *(len({case[key] for case in small}) for key in ("image", "kernel", "peak"))] == [24, 12, 8, 2]
    assert len(DECONVOLUTION.cases["paper"](None)) == 68 * 16
    assert set(DECONVOLUTION.paper()) == {(m, p) for m in DECONVOLUTION.methods for p in (100, 50)}
    assert DECONVOLUTION.paper()["CoCo-ADMM", 50]["psnr"] == 26.0


def test_the_extreme_table_is_the_same_with_fewer_photons():
    extreme = experiment_named("extreme")
    assert list(extreme.methods) == list(DECONVOLUTION.methods)
    other = [name for name, method in extreme.methods.items() if method != DECONVOLUTION.methods[name]]
    assert other == ["DPIR"]  # whose weights are others, but not how many are tried
    assert len(extreme.methods["DPIR"].settings()) == 9
    course = extreme.cases["course"](None)
    assert {case["kernel"] for case in course} == set(range(1, 9))
    assert {case["peak"] for case in course} == {case["peak"] for case in extreme.tuning()} == {10, 5}
    assert {case["set"] for case in extreme.tuning()} == {"set3c"}


@pytest.mark.parametrize("name", list(DECONVOLUTION.methods))
def test_every_method_of_the_deconvolution_table_restores(name, monkeypatch):
    """A few iterations with the middle of its grid: a picture, finite, better than black."""
    monkeypatch.setattr(deconvolution_table, "pictures", lambda name: [images.photo("astronaut", 48)])
    monkeypatch.setattr(deconvolution_table, "kernels", lambda: [kernels.motion(9, 1)])
    method = DECONVOLUTION.methods[name]
    case = {"set": "cbsd68", "image": 0, "crop": 0, "kernel": 1, "peak": 100, "seed": 0}
    setting = method.settings()[4]
    job = Job("deconvolution", case, name, setting, method.denoisers["course"], {**method.fixed, "iterations": 4})
    row = run_job(job)
    assert row["iterations"] == (5 if name == "SNORE" else 4)  # its last picture is denoised
    assert row["network_calls"] >= 4
    assert np.isfinite(row["psnr"])
    assert row["psnr"] > 8
    problem = DECONVOLUTION.problem(case)
    assert isinstance(problem, Problem)
    assert isinstance(DECONVOLUTION, Experiment)
    assert problem.clean.shape == problem.y.shape == (1, 3, 48, 48)


def test_the_denoising_table_measures_what_the_card_says(monkeypatch):
    """One picture of known noise: DRUNet's row is the PSNR of its output; and the paper's numbers are there."""
    clean = images.photo("astronaut", 64)
    monkeypatch.setattr("pnp_course.experiments.denoising_table.pictures", lambda name: [clean] * 3)
    table = experiment_named("denoising")
    job = tuning.table_jobs(table, "course", 1, {})
    drunet = next(j for j in job if j.method == "DRUNet" and j.case["level"] == 40)
    row = run_job(drunet)
    noisy = table.problem(drunet.case).y
    assert float((noisy - clean).std()) == pytest.approx(40 / 255, rel=0.05)
    out = load_denoiser("drunet")(noisy, 40 / 255)
    assert row["psnr"] == pytest.approx(-10 * np.log10(float((out.clamp(0, 1) - clean).square().mean())), abs=1e-3)
    assert row["network_calls"] == 1
    assert table.paper()["RMMO", 25]["psnr"] == 29.99
    assert {name for name, _ in table.paper()} == set(table.methods)
