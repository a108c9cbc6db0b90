"""The form in which results are committed: NAME-SCALE.csv, one short line for each case and method, and NAME-SCALE.md.

Beside them is NAME-SCALE-progress.csv, when each run was near its best (`progress`), where methods iterate. `reproduce` writes
all of them into its folder, and one command puts them where pages and notebooks read them:

    cp runs/deblurring/deblurring-course.* benchmarks/results/

Where a result comes from stands above the lines of the table, after `#`.
"""

from __future__ import annotations

import pandas

from pnp_course.experiments import report
from pnp_course.experiments.experiment import Experiment
from pnp_course.experiments.progress import progress
from pnp_course.experiments.store import Store
from pnp_course.experiments.tuning import Choices

MEASURED = ("psnr", "ssim", "iterations", "relative_change", "stopped_by", "seconds", "network_calls")
MADE_WITH = ("pnp_course", "commit", "python", "torch", "device")


def write(experiment: Experiment, scale: str, rows: pandas.DataFrame, choices: Choices, store: Store) -> None:
    """Write the files into the results folder."""
    name, origin = f"{experiment.name}-{scale}", provenance(experiment, scale, rows)
    head = "".join(f"# {line}\n" for line in origin)
    store.write(f"{name}.csv", head + short(experiment, rows).to_csv(index=False, lineterminator="\n"))
    soon = progress(experiment, rows)
    if len(soon):
        store.write(f"{name}-progress.csv", head + soon.to_csv(index=False, lineterminator="\n"))
    own = experiment.summary(rows) if experiment.summary else ""
    pages = [report.markdown(experiment, rows, scale), _paired(experiment, rows), own, _parameters(choices), *origin]
    store.write(f"{name}.md", "\n\n".join(page.strip() for page in pages if page) + "\n")


def short(experiment: Experiment, rows: pandas.DataFrame) -> pandas.DataFrame:
    """The columns that say what was measured: the case, the method, and what came out."""
    always = ("image", *experiment.groups)
    of_case = [name for name in report.case_names(rows) if rows[name].nunique() > 1 or name in always]
    out = rows[["experiment", *of_case, "method", *MEASURED, *experiment.measured]].copy()
    change = pandas.to_numeric(out["relative_change"], errors="coerce")
    out["relative_change"] = [None if pandas.isna(v) else float(f"{v:.3g}") for v in change]
    return out.round({"psnr": 3, "ssim": 4, "seconds": 2})


def provenance(experiment: Experiment, scale: str, rows: pandas.DataFrame) -> list[str]:
    """Lines that say by which command, with which versions and with which weights the rows were made."""
    made = ", ".join(f"{name} {' and '.join(sorted(_parts(rows[name])))}" for name in MADE_WITH)
    used = rows.loc[rows["denoiser"] != "", ["denoiser", "weights_sha256"]].drop_duplicates()
    weights = ", ".join(f"{name} {sha256[:12]}" for name, sha256 in used.itertuples(index=False))
    return [
        f"python -m pnp_course reproduce {experiment.name} --scale {scale}",
        f"Made with {made}.",
        f"Weights (SHA-256): {weights}." if weights else "No weights.",
    ]


def _parts(values: pandas.Series) -> set[str]:
    """The single ones of values such as "2a8bf20 and 53b886e"."""
    return {part for value in values for part in str(value).split(" and ")}


def _paired(experiment: Experiment, rows: pandas.DataFrame) -> str:
    """Differences to the experiment's reference method, in Markdown."""
    if not experiment.reference:
        return ""
    table = report.paired(experiment, rows, experiment.reference)
    text = [
        f"## PSNR minus that of {experiment.reference}, on the same cases",
        "",
        "The interval is a 95 % bootstrap over the images.",
        "",
        f"| {' | '.join(experiment.groups)}{' | ' * bool(experiment.groups)}method | difference | from | to | better in |",
        "|---" * (len(experiment.groups) + 5) + "|",
    ]
    for line in table.to_dict("records"):
        group = [f"{line[name]:g}" for name in experiment.groups]
        numbers = [f"{line[name]:+.2f}" for name in ("difference", "low", "high")]
        text.append("| " + " | ".join([*group, str(line["method"]), *numbers, f"{line['better']:.0%}"]) + " |")
    return "\n".join(text)


def _parameters(choices: Choices) -> str:
    """The parameters that were used, in Markdown."""
    lines = [
        f"| {group} | {name} | {', '.join(f'{key}: {value:g}' for key, value in parameters.items())} |"
        for group, methods in choices.items()
        for name, parameters in methods.items()
    ]
    return "\n".join(
        ["## Parameters, chosen on other pictures", "", "| cases | method | |", "|---|---|---|", *lines]
    ) * bool(lines)
