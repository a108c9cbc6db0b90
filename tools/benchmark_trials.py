"""The section of the benchmarks page about trainings with other penalties."""

from __future__ import annotations

import csv
from pathlib import Path

from benchmark_tables import table


def tradeoff(path: Path) -> list[str]:
    """What symmetry costs."""
    with path.open(encoding="utf-8") as file:
        rows = [row | {"else": penalised(row)} for row in csv.DictReader(file)]
    keys = {
        "preset": "preset", "start": "from", "steps": "steps", "alpha": "α", "beta": "β", "iterations": "iterations",
        "else": "penalised",
        "psnr_25": "PSNR, level 25 (dB)", "asymmetry": r"$\lVert J - J^{\mathsf T}\rVert_*$, mean",
        "lambda_min": r"$\lambda_{\min}$, worst", "quarter": r"$\lVert J/2 - I\rVert_*$, worst",
    }  # fmt: skip
    return [
        "## What symmetry costs", "",
        "These are short finetunings with other penalties, measured on photographs held out from training, not on test images.",
        "", *table(list(keys.values()), [[row[key] for key in keys] for row in rows]), "",
        "`python -m pnp_course.experiments.tradeoff`; settings of each run in `benchmarks/results/tradeoff.csv`.", "",
    ]  # fmt: skip


def tied(path: Path) -> list[str]:
    """What comes of a way up that is the adjoint of the way down."""
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    cells = [
        [
            row["weights"],
            f"{int(row['parameters']):,}", "yes" if row["penalised"] == "True" else "no", row["steps"], row["minutes"],
            row["psnr_25"], f"{float(row['asymmetry']):.3f}", f"{float(row['quarter']):.3f}",
        ]
        for row in rows
    ]  # fmt: skip
    head = ["weights", "number", "penalised", "steps", "minutes", "PSNR, level 25 (dB)"]
    head += [r"$\lVert J - J^{\mathsf T}\rVert_*$, mean", r"$\lVert J/2 - I\rVert_*$, worst"]
    return [
        "## Tied weights", "",
        "The course's DRUNet (free), and one whose way up is the adjoint of its way down (tied): from random weights, and from "
        "there with two of eight patches penalised at each step; on photographs held out from training.",
        "", *table(head, cells), "",
        "`python benchmarks/tied.py`", "",
    ]  # fmt: skip


def penalised(row: dict[str, str]) -> str:
    """How many patches of how many, at which steps, and who teaches."""
    said = f"{row['images'] or row['batch']} of {row['batch']}" if row["alpha"] else ""
    said += f", patches of {row['patch']}" if row["alpha"] and row["patch"] != "64" else ""
    said += f", every {row['every']} steps" if row["every"] not in ("", "1") else ""
    return said + (f", taught by `{row['teacher']}`" if row["teacher"] else "")
