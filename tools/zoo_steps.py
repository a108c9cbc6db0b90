"""What more steps of training bring: the section of the zoo's page with the curve, and how far it can be carried on."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "steps.csv"
PICTURE = ROOT / "book" / "steps.svg"
LEVELS = ("15", "25", "40")
PAPER = ROOT / "book" / "paper_tables" / "denoising_cbsd68.csv"  # [B], Table 1
INTRO = """
## What more steps bring

`drunet` is the last of several trainings of one network, all from the same start and each with its whole schedule of the
learning rate, which differ in their number of steps only. PSNR on CBSD68 grows by hundredths of a decibel with each doubling:

| steps | 15 | 25 | 40 |
|---|---|---|---|"""
SAID = """
A line through the first {count} rows, in the logarithm of the steps, would have said {foretold} dB at {last:,}
steps; measured were {measured}, which is {beside}. Through all of them it gains {slopes} dB with each doubling, so that a
tenth of a decibel more takes about {times} times as many steps. Carried on, it meets the paper's {paper} of a network with
thirty times the weights after about {needed} steps: far outside what was measured, where nobody knows that it stays a line. So
what is missing beside the paper is not to be had by patience alone.

```{{image}} steps.svg
:alt: PSNR on CBSD68 against the number of steps on a logarithmic axis, at three noise levels, with the line nearest to them
:width: 100%
```
"""


def rows(name: str = "drunet") -> list[dict[str, str]]:
    """The trainings of a preset, shortest first."""
    with RESULTS.open(encoding="utf-8") as file:
        return sorted((r for r in csv.DictReader(file) if r["preset"] == name), key=lambda r: int(r["steps"]))


def paper() -> dict[str, float]:
    """The paper's PSNR of its DRUNet, by level."""
    with PAPER.open(encoding="utf-8") as file:
        found = next(r for r in csv.DictReader(x for x in file if not x.startswith("#")) if r["name"] == "drunet")
    return {n: float(found[f"sigma{n}"]) for n in LEVELS}


def line(points: list[dict[str, str]], level: str) -> tuple[float, float]:
    """Slope, in dB with each doubling of the steps, and height at one step, of the line nearest to the points."""
    steps = np.log2([int(r["steps"]) for r in points])
    slope, height = np.polyfit(steps, [float(r[f"psnr_{level}"]) for r in points], 1)
    return float(slope), float(height)


def at(points: list[dict[str, str]], level: str, steps: int) -> float:
    """The line's PSNR after so many steps."""
    slope, height = line(points, level)
    return height + slope * float(np.log2(steps))


def needed(points: list[dict[str, str]], level: str, goal: float) -> float:
    """Steps after which the line reaches the goal."""
    slope, height = line(points, level)
    return float(2 ** ((goal - height) / slope))


def power(steps: float) -> str:
    """A count as a power of ten; an extrapolation does not know more."""
    return f"$10^{{{round(np.log10(steps))}}}$"


def picture() -> Figure:
    """The points and the lines."""
    points = rows()
    figure = Figure((6.4, 2.4), layout="constrained")
    reach = np.array([int(points[0]["steps"]) / 1.3, int(points[-1]["steps"]) * 4])
    for axes, level in zip(figure.subplots(1, 3), LEVELS, strict=True):
        axes.semilogx([int(r["steps"]) for r in points], [float(r[f"psnr_{level}"]) for r in points], "o", color="C0")
        axes.semilogx(reach, [at(points, level, n) for n in reach], "-", color="C1", linewidth=1)
        axes.set(title=f"level {level}", xlabel="steps")
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("PSNR, dB")
    return figure


def drawn() -> str:
    """The picture as SVG, the same text for the same numbers."""
    file = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "steps"}):
        picture().savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def section() -> list[str]:
    """The lines of the page; none while nothing is measured."""
    points = rows() if RESULTS.exists() else []
    if len(points) < 3:
        return []
    first, last, goals = points[:-1], int(points[-1]["steps"]), paper()
    table = [
        f"| {int(r['steps']):,} | " + " | ".join(f"{float(r[f'psnr_{n}']):.2f}" for n in LEVELS) + " |" for r in points
    ]
    above = [float(points[-1][f"psnr_{n}"]) > at(first, n, last) for n in LEVELS]
    said = SAID.format(
        count=len(first), last=last,
        beside="more" if all(above) else "less" if not any(above) else "about the same",
        foretold=" / ".join(f"{at(first, n, last):.2f}" for n in LEVELS),
        measured=" / ".join(f"{float(points[-1][f'psnr_{n}']):.2f}" for n in LEVELS),
        slopes=" / ".join(f"{line(points, n)[0]:.3f}" for n in LEVELS),
        times=" / ".join(f"{2 ** (0.1 / line(points, n)[0]):.0f}" for n in LEVELS),
        paper=" / ".join(f"{goals[n]:.2f}" for n in LEVELS),
        needed=" / ".join(dict.fromkeys(power(needed(points, n, goals[n])) for n in LEVELS)),
    )  # fmt: skip
    return [INTRO, *table, said]
