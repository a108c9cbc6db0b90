"""Compute some methods of a committed table anew, and keep the lines of the others: for new weights, or another denoiser.

A line depends on its own method and case alone, so what has not changed need not be computed again. Where it comes from is
kept, too: the commits and weights of both kinds of lines stand above the table. Seconds are those of the run that made a line.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas

from pnp_course.experiments import keep, progress, report, tuning
from pnp_course.experiments.experiment import Experiment
from pnp_course.experiments.job import Job
from pnp_course.experiments.networks import weights_hash
from pnp_course.experiments.reproduce import do
from pnp_course.experiments.store import Store
from pnp_course.provenance import provenance

KEPT = "The other lines are of earlier runs. Seconds are those of a line's own run; what compares costs is the network calls."


class Committed(NamedTuple):
    """A committed table: its lines, those of its progress and of its curves (empty where there are none), and its heads."""

    lines: pandas.DataFrame
    progress: pandas.DataFrame
    curves: pandas.DataFrame
    made: dict[str, str]
    weights: dict[str, str]


def read(results: Path, table: str) -> Committed:
    """The committed table NAME-SCALE of the folder."""

    def frame(kind: str) -> pandas.DataFrame:
        file = results / f"{table}{kind}.csv"
        return pandas.read_csv(file, comment="#") if file.exists() else pandas.DataFrame()

    text = (results / f"{table}.csv").read_text(encoding="utf-8")
    head = [line[2:] for line in text.splitlines() if line.startswith("# ")]
    made = dict(re.findall(rf"({'|'.join(keep.MADE_WITH)}) (.+?)(?:, (?=[a-z])|\.$)", head[1]))
    weights = dict(re.findall(r"(\S+) ([0-9a-f]{12})", head[2]))
    return Committed(frame(""), frame("-progress"), frame("-curves"), made, weights)


def stale(experiment: Experiment, scale: str, old: Committed, choices: tuning.Choices) -> list[str]:
    """Methods whose weights are not those of the committed table, or whose chosen parameters are no longer in their grid."""
    known = set(old.weights.values())
    chosen = {name: [of[name] for of in choices.values() if name in of] for name in experiment.methods}
    return [
        name
        for name, method in experiment.methods.items()
        if ((sha := weights_hash(method.denoisers.get(scale, ""))) and sha[:12] not in known)
        or (method.grid and not all(q in method.settings() for q in chosen[name]))
    ]


def renew(
    experiment: Experiment, scale: str, methods: list[str], results: Path, folder: Path, *, processes: int = 1
) -> list[str]:
    """Tune and compute these methods in `folder`, join them with the table in `results`, and write all files into `folder`.

    Returns:
        Choices at the end of their grid, in words.

    Raises:
        ValueError: a method that is not named has other weights or another grid than the committed table.
    """
    store, old = Store(folder), read(results, f"{experiment.name}-{scale}")
    choices = tuning.read_choices(experiment, scale, tuning.SHIPPED)
    if missing := [name for name in stale(experiment, scale, old, choices) if name not in methods]:
        raise ValueError(
            f"{experiment.name}-{scale} has lines that cannot be kept, of {', '.join(missing)}: name these methods, too."
        )
    part = replace(experiment, methods={name: m for name, m in experiment.methods.items() if name in methods})
    edges = _tuned(part, scale, choices, store, processes, results / f"{experiment.name}-tuning.csv")
    jobs = tuning.table_jobs(experiment, scale, None, choices)
    mine = [job for job in jobs if job.method in methods]
    do(mine, store, processes=processes)
    rows = pandas.DataFrame([
        store.row(job) if job.method in methods else line for job in jobs if (line := _line(job, old, methods)) is not None
    ])  # fmt: skip
    keep.write(experiment, scale, rows, choices, store)
    if len(methods) < len(experiment.methods):
        page = folder / f"{experiment.name}-{scale}.md"
        said = f"Computed last: {'; '.join(methods)}. {KEPT}"
        store.write(page.name, f"{page.read_text(encoding='utf-8')}\n{said}\n")
    _join(experiment, scale, rows, old, methods, store)
    return edges


def _tuned(
    part: Experiment, scale: str, choices: tuning.Choices, store: Store, processes: int, file: Path
) -> list[str]:
    """Choose the parameters of `part`, put them into `choices`, and write choices.json and the joined tuning.csv."""
    jobs = tuning.tuning_jobs(part, scale)
    if not jobs:
        return []
    do(jobs, store, processes=processes)
    means = tuning.sensitivity(part, store.table(jobs))
    found = tuning.choose(part, means)
    for group, of in found.items():
        choices.setdefault(group, {}).update(of)
    tuning.write_choices(part, scale, choices, provenance(), store.path / "choices.json")
    if file.exists():
        before = pandas.read_csv(file, comment="#", keep_default_na=False)
        kept = before[~before["method"].isin(part.methods)]
        store.write("tuning.csv", pandas.concat([kept, means]))
    return tuning.at_the_edge(part, found)


def _line(job: Job, old: Committed, methods: list[str]) -> dict[str, Any] | None:
    """The row of a job as far as a committed line knows it; empty for a method that is computed, None if there is no line."""
    if job.method in methods:
        return {}
    columns = list(old.lines.columns)
    names = columns[columns.index("experiment") + 1 : columns.index("method")]
    found = old.lines[old.lines["method"] == job.method]
    for name in names:
        found = found[found[name] == job.case[name]]
    if found.empty:
        return None
    line = {k: None if pandas.isna(v) else v for k, v in found.iloc[0].items() if k not in names}
    line["stopped_by"] = line["stopped_by"] or ""
    sha = old.weights.get(job.denoiser, "")
    return {
        **{k: line.pop(k) for k in ("experiment",)}, **job.case, **line, "denoiser": job.denoiser, "curve": [],
        "parameters": json.dumps(job.parameters, sort_keys=True), "weights_sha256": sha, **old.made,
    }  # fmt: skip


def _join(
    experiment: Experiment, scale: str, rows: pandas.DataFrame, old: Committed, methods: list[str], store: Store
) -> None:
    """Write the files of progress and curves, with the old lines of the methods that are kept."""
    table, order = f"{experiment.name}-{scale}", list(experiment.methods)
    head = "".join(f"# {line}\n" for line in keep.provenance(experiment, scale, rows))
    for kind, new, before, title in (
        ("-progress", progress.progress(experiment, rows), old.progress, head),
        ("-curves", report.curves(experiment, rows), old.curves, ""),
    ):
        if before.empty:
            continue
        both = pandas.concat([before[~before["method"].isin(methods)], new])
        cases = [name for name in before.columns if name in report.case_names(rows)]
        places = {name: list(dict.fromkeys(rows[name])) for name in cases} | {"method": order}
        both = both.sort_values(
            [*cases, "method"], kind="stable", key=lambda values, of=places: values.map(of[values.name].index)
        )
        store.write(f"{table}{kind}.csv", title + both.to_csv(index=False, lineterminator="\n"))
