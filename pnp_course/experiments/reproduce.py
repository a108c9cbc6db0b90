"""`python -m pnp_course reproduce`: run an experiment as independent jobs, continue what was stopped, write its tables."""

from __future__ import annotations

import sys
from pathlib import Path

from pnp_course._progress import progress_bar
from pnp_course.experiments import keep, report, tuning
from pnp_course.experiments.experiment import Experiment
from pnp_course.experiments.job import Job, run_job
from pnp_course.experiments.store import Store
from pnp_course.experiments.workers import Work, finished
from pnp_course.provenance import provenance


class Interrupted(KeyboardInterrupt):
    """Ctrl-C; the message says how many jobs are done."""


def do(jobs: list[Job], store: Store, *, processes: int = 1, cluster: str = "", work: Work = run_job) -> None:
    """Do those jobs whose rows the store lacks, and keep each row as soon as it is there.

    Raises:
        Interrupted: by Ctrl-C; the rows of finished jobs are kept.
    """
    for job in jobs:
        if store.has(job):
            store.row(job)  # of this version, or a clear error before anything is computed
    todo = [job for job in jobs if not store.has(job)]
    done = len(jobs) - len(todo)
    bar = progress_bar(sys.stderr.isatty(), total=len(jobs), initial=done, unit="job")
    try:
        with bar:
            for job, row in finished(todo, work, processes, cluster):
                store.add(job, row)
                done += 1
                bar.update()
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted: {done} of {len(jobs)} jobs are done; the same command goes on.") from None


def check_scale(experiment: Experiment, scale: str) -> None:
    """Raise ValueError unless the experiment is declared at this scale."""
    if scale not in experiment.cases:
        raise ValueError(f"{experiment.name} has no scale {scale!r}; wanted {' or '.join(experiment.cases)}.")


def tune(experiment: Experiment, scale: str, folder: Path, *, processes: int = 1, cluster: str = "") -> list[str]:
    """Try every method's grid on the tuning cases; write choices.json and tuning.csv; return lines to print."""
    check_scale(experiment, scale)
    store, jobs = Store(folder), tuning.tuning_jobs(experiment, scale)
    if not jobs:
        raise ValueError(f"{experiment.name} has no parameters to choose: run it without --tune.")
    do(jobs, store, processes=processes, cluster=cluster)
    table = tuning.sensitivity(experiment, store.table(jobs))
    choices = tuning.choose(experiment, table)
    store.write("tuning.csv", table)
    tuning.write_choices(experiment, scale, choices, provenance(), folder / "choices.json")
    edges = [f"at the end of its grid: {line}" for line in tuning.at_the_edge(experiment, choices)]
    return [*edges, f"choices: {folder / 'choices.json'}"]


def reproduce(
    experiment: Experiment,
    scale: str,
    folder: Path,
    *,
    images: int | None = None,
    processes: int = 1,
    cluster: str = "",
) -> list[str]:
    """Do every job of the table at this scale, write its files, and return the report's lines.

    The files are rows.csv, means.csv, curves.csv and report.md, and NAME-SCALE.csv and .md, the form for committing.
    """
    check_scale(experiment, scale)
    choices = tuning.read_choices(experiment, scale, folder)
    store, jobs = Store(folder), tuning.table_jobs(experiment, scale, images, choices)
    do(jobs, store, processes=processes, cluster=cluster)
    rows = store.table(jobs)
    store.write("rows.csv", rows.drop(columns="curve"))
    store.write("means.csv", report.means(experiment, rows))
    store.write("curves.csv", report.curves(experiment, rows))
    keep.write(experiment, scale, rows, choices, store)
    text = report.markdown(experiment, rows, scale)
    return [*text.splitlines(), f"results: {store.write('report.md', text).parent}"]
