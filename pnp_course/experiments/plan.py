"""What a table would cost: jobs and hours, from two short runs of every method on this machine."""

from __future__ import annotations

from pnp_course.devices import best_device, device_name
from pnp_course.experiments import tuning
from pnp_course.experiments.experiment import Case, Experiment, Method
from pnp_course.experiments.job import measure

SHORT, LONGER = 2, 5  # iterations of the two runs; their difference leaves out what a job costs at its start


def plan(experiment: Experiment, scale: str, images: int | None = None) -> list[str]:
    """A table in Markdown, one line for each method: jobs, seconds of a job, hours of all; with the tuning's jobs below.

    The seconds are measured on the first case, with the networks of this scale.
    """
    cases, device = experiment.cases[scale](images), best_device()
    tunings, hours, trials = experiment.tuning(), 0.0, 0.0
    lines = ["| method | jobs | seconds of a job | hours |", "|---|---|---|---|"]
    for name, method in experiment.methods.items():
        seconds = job_seconds(experiment, method, scale, cases[0])
        own = len(cases) * seconds / 3600
        hours, trials = hours + own, trials + len(tunings) * len(method.settings()) * seconds / 3600
        lines.append(f"| {name} | {len(cases)} | {seconds:.3g} | {own:.3g} |")
    count = len(tuning.tuning_jobs(experiment, scale)) if trials else 0
    lines += [
        "",
        f"The table at scale {scale}: {len(cases) * len(experiment.methods)} jobs, {hours:.3g} hours on one "
        f"{device_name(device)}.",
    ]
    if count:
        lines.append(f"Its tuning: {count} jobs, at most {trials:.3g} hours, if the tuning pictures are no larger.")
    return [
        *lines,
        "N workers (--jobs, --dask) divide the hours by N, as long as each has a device or a core of its own.",
    ]


def job_seconds(experiment: Experiment, method: Method, scale: str, case: Case) -> float:
    """The seconds of a job of this method, estimated: that of a short run, and of each further iteration."""
    problem = experiment.problem(case).to(best_device())
    settings = method.settings()
    q = {**method.fixed, **settings[len(settings) // 2]}
    denoiser, iterations = method.denoisers.get(scale, ""), q.get("iterations")

    def seconds(count: int | None) -> float:
        _, row = measure(method, problem, denoiser, q if count is None else {**q, "iterations": count})
        return float(row["seconds"])

    if iterations is None:
        return seconds(None)
    few, more = seconds(SHORT), seconds(LONGER)
    return few + (iterations - SHORT) * max(more - few, 0.0) / (LONGER - SHORT)
