"""Tables from the rows of an experiment: means beside the paper's numbers, paired differences, mean curves."""

from __future__ import annotations

import numpy as np
import pandas

from pnp_course.experiments.experiment import Experiment

CONVERGED = 1e-4  # relative change of the last iteration below which a run counts as converged


def means(experiment: Experiment, rows: pandas.DataFrame) -> pandas.DataFrame:
    """One line for each group and method: mean PSNR and SSIM, the paper's and the difference, cost, share that converged."""
    paper = experiment.paper()
    lines = []
    for values, part in _groups(experiment, rows):
        for name in experiment.methods:
            of = part[part["method"] == name]
            if of.empty:
                continue
            theirs = paper.get((name, *values), {})
            lines.append({
                **dict(zip(experiment.groups, values, strict=True)), "method": name, "cases": len(of),
                "psnr": of["psnr"].mean(), "paper_psnr": theirs.get("psnr"),
                "psnr_difference": of["psnr"].mean() - theirs["psnr"] if theirs else None,
                "ssim": of["ssim"].mean(), "paper_ssim": theirs.get("ssim"),
                "ssim_difference": of["ssim"].mean() - theirs["ssim"] if theirs else None,
                "converged": _converged(of), "diverged": float((of["stopped_by"] == "divergence").mean()),
                "seconds": of["seconds"].median(), "network_calls": of["network_calls"].mean(),
            })  # fmt: skip
    return pandas.DataFrame(lines).round(4)


def _groups(experiment: Experiment, rows: pandas.DataFrame) -> list[tuple[tuple[object, ...], pandas.DataFrame]]:
    if not experiment.groups:
        return [((), rows)]
    return [(values, part) for values, part in rows.groupby(list(experiment.groups), sort=False)]  # type: ignore[misc]


def _converged(of: pandas.DataFrame) -> float | None:
    """The share of runs whose last relative change is below CONVERGED; None for a method that does not iterate."""
    change = pandas.to_numeric(of["relative_change"], errors="coerce")
    return None if change.isna().all() else float((change < CONVERGED).mean())


def paired(experiment: Experiment, rows: pandas.DataFrame, reference: str, seed: int = 0) -> pandas.DataFrame:
    """PSNR of each method minus that of `reference` on the same cases: mean and its 95 % interval.

    The interval is a bootstrap over the images, since the kernels of one image are not independent: images are drawn
    with replacement 2,000 times.
    """
    keys = [name for name in rows.columns if name in case_names(rows)]
    lines, generator = [], np.random.default_rng(seed)
    for values, part in _groups(experiment, rows):
        wide = part.pivot_table(index=keys, columns="method", values="psnr", sort=False)
        if reference not in wide:
            continue
        for name in (n for n in experiment.methods if n in wide and n != reference):
            difference = (wide[name] - wide[reference]).dropna()
            image = difference.groupby(level="image").mean().to_numpy()
            draws = image[generator.integers(0, len(image), (2000, len(image)))].mean(1)
            low, high = np.quantile(draws, [0.025, 0.975])
            lines.append({
                **dict(zip(experiment.groups, values, strict=True)), "method": name, "minus": reference,
                "difference": difference.mean(), "low": low, "high": high, "better": float((difference > 0).mean()),
            })  # fmt: skip
    return pandas.DataFrame(lines).round(4)


def case_names(rows: pandas.DataFrame) -> list[str]:
    """The columns that say which case a row belongs to: those between the experiment's name and the method."""
    columns = list(rows.columns)
    return columns[columns.index("experiment") + 1 : columns.index("method")]


def curves(experiment: Experiment, rows: pandas.DataFrame) -> pandas.DataFrame:
    """PSNR and relative change at each iteration: the mean over the cases, and for the change the median."""
    lines = []
    for values, part in _groups(experiment, rows):
        for name, of in part.groupby("method", sort=False):
            runs = [np.array(curve, dtype=float) for curve in of["curve"] if curve]
            length = min((len(run) for run in runs), default=0)
            for k in range(length):  # as far as every run goes
                at = np.array([run[k] for run in runs])
                lines.append({
                    **dict(zip(experiment.groups, values, strict=True)), "method": name, "iteration": k + 1,
                    "psnr": at[:, 0].mean(), "relative_change": np.median(at[:, 1]),
                })  # fmt: skip
    return pandas.DataFrame(lines).round(6)


def markdown(experiment: Experiment, rows: pandas.DataFrame, scale: str) -> str:
    """The report: what was measured, and the table beside the paper's."""
    table = means(experiment, rows)
    least, cases = table["cases"].min(), str(table["cases"].max())
    cases = cases if cases == str(least) else f"{least} to {cases}"  # where the rows of a slow method are not complete
    text = [
        f"# {experiment.source}",
        "",
        f"{experiment.about} Scale: {scale}; {cases} cases for each line.",
        "",
    ]
    for values, part in _groups(experiment, table):
        title = ", ".join(f"{n} {v:g}" for n, v in zip(experiment.groups, values, strict=True))  # type: ignore[str-format]
        text += [f"## {title}", ""] if title else []
        text += ["| method | PSNR | paper | difference | SSIM | paper | converged | seconds | network calls |"]
        text += ["|---|---|---|---|---|---|---|---|---|"]
        text += [_line(line) for line in part.to_dict("records")] + [""]
    return "\n".join(text)


def _line(line: dict[str, object]) -> str:
    def cell(name: str, form: str) -> str:
        value = line[name]
        return "" if value is None or pandas.isna(value) else format(value, form)  # type: ignore[call-overload]

    cells = [
        str(line["method"]), cell("psnr", ".2f"), cell("paper_psnr", ".2f"), cell("psnr_difference", "+.2f"),
        cell("ssim", ".3f"), cell("paper_ssim", ".3f"), cell("converged", ".0%"), cell("seconds", ".2f"),
        cell("network_calls", ".0f"),
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"
