"""Choose a method's parameters on pictures that no table uses, with equal care for every method."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas

from pnp_course.experiments.experiment import Experiment, Parameters
from pnp_course.experiments.job import Job

SHIPPED = Path(__file__).parent / "choices"
Choices = dict[str, dict[str, Parameters]]  # group -> method -> parameters


def tuning_jobs(experiment: Experiment, scale: str) -> list[Job]:
    """Every setting of every method's grid on every tuning case."""
    return [
        Job(experiment.name, case, name, setting, method.denoisers.get(scale, ""), dict(method.fixed))
        for case in experiment.tuning()
        for name, method in experiment.methods.items()
        if method.grid
        for setting in method.settings()
    ]


def sensitivity(experiment: Experiment, rows: pandas.DataFrame) -> pandas.DataFrame:
    """The mean PSNR of every setting: one line for each group, method and setting; a divergent run counts as 0 dB."""
    table = rows.copy()
    table["group"] = [experiment.group(case) for case in table.to_dict("records")]
    table.loc[(table["stopped_by"] == "divergence") | table["psnr"].isna(), "psnr"] = 0.0
    mean = table.groupby(["group", "method", "parameters"], sort=False)["psnr"].mean().round(3)
    return mean.reset_index()


def choose(experiment: Experiment, means: pandas.DataFrame) -> Choices:
    """The setting with the best mean PSNR, for each group and method."""
    out: Choices = {}
    for (group, method), lines in means.groupby(["group", "method"], sort=False):
        out.setdefault(str(group), {})[str(method)] = json.loads(lines.loc[lines["psnr"].idxmax(), "parameters"])
    return out


def at_the_edge(experiment: Experiment, choices: Choices) -> list[str]:
    """Choices that lie at an end of their grid, where a wider grid might give more: "group: method, parameter value"."""
    return [
        f"{group}: {name}, {key} {value:g}"
        for group, methods in choices.items()
        for name, parameters in methods.items()
        for key, value in parameters.items()
        if len(values := experiment.methods[name].grid[key]) > 1 and value in (min(values), max(values))
    ]


def write_choices(experiment: Experiment, scale: str, choices: Choices, facts: dict[str, Any], file: Path) -> None:
    """Write the file that `read_choices` reads, with where it comes from."""
    content = {"experiment": experiment.name, "scale": scale, "choices": choices, **facts}
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_choices(experiment: Experiment, scale: str, folder: Path) -> Choices:
    """The chosen parameters: those of the results folder, if it was tuned there, else the shipped ones.

    Raises:
        ValueError: there are none; the message says how to make them.
    """
    name = f"{experiment.name}-{scale}.json"
    if not any(method.grid for method in experiment.methods.values()):
        return {}
    for file in (folder / "choices.json", SHIPPED / name):
        if file.exists():
            return json.loads(file.read_text(encoding="utf-8"))["choices"]
    raise ValueError(
        f"the parameters of {experiment.name!r} have not been chosen at scale {scale!r}: run "
        f"`python -m pnp_course reproduce {experiment.name} --scale {scale} --tune` first."
    )


def table_jobs(experiment: Experiment, scale: str, images: int | None, choices: Choices) -> list[Job]:
    """Every method, with its chosen parameters, on every case of a scale.

    Raises:
        ValueError: a method has no parameters for a group.
    """
    jobs = []
    for case in experiment.cases[scale](images):
        group = experiment.group(experiment.tuned_as(case))
        for name, method in experiment.methods.items():
            chosen = choices.get(group, {}).get(name, {})
            if method.grid and not chosen:
                raise ValueError(f"no parameters were chosen for {name}, {group}: tune the experiment again (--tune).")
            jobs.append(Job(experiment.name, case, name, chosen, method.denoisers.get(scale, ""), dict(method.fixed)))
    return jobs
