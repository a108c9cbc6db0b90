"""Pictures of notebook 12: curves with one colour for each method, and where a run settles for each averaging."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from pnp_course.viz.figures import SCREEN_DPI, STYLES
from pnp_course.viz.methods import METHODS, style


def settling_figure(
    averaging: Sequence[float],
    values: Sequence[Sequence[float]],
    marks: Mapping[str, float],
    title: str,
    ylabel: str,
    width: float = 5.4,
) -> Figure:
    """Where runs settle: for each averaging t, a dot for each of its last iterates.

    Args:
        averaging: the values of t.
        values: for each t the last iterates; one dot if the run has converged, two if it swings between two values.
        marks: label -> a value of t that gets a vertical line. At most four.
        title: title of the figure. ylabel: label of the y axis. width: width of the figure in inches.
    """
    figure, ax = plt.subplots(figsize=(width, 3.0), dpi=SCREEN_DPI)
    for t, last in zip(averaging, values, strict=True):
        ax.plot([t] * len(last), last, ".", color=METHODS["CoCo-ADMM"]["color"], markersize=3)
    for other, (label, t) in zip(STYLES[1:], marks.items(), strict=False):
        ax.axvline(t, linewidth=1.5, label=label, **other)
    ax.set(xlabel="averaging t", ylabel=ylabel)
    ax.set_title(title, fontsize=9)
    ax.grid(alpha=0.3)
    ax.legend(fontsize=8, loc="upper left")
    figure.tight_layout(pad=0.5)
    plt.close(figure)
    return figure


def run_curves(panels: Sequence[Mapping[str, Any]], width: float = 9.0, height: float = 2.8) -> Figure:
    """Curves side by side, like `figures.curves`, but a line named after a method has the colour of that method.

    Args:
        panels: each with `lines` (label -> (x, y)), `title`, and optionally `xlabel`, `log` (logarithmic y axis),
            `logx` (logarithmic x axis with the given ticks) and `marks` (label -> x of a vertical line).
        width, height: size of the figure in inches.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(width, height), squeeze=False, dpi=SCREEN_DPI)
    for ax, panel in zip(axes.flat, panels, strict=True):
        for other, (label, (x, y)) in zip(STYLES, panel["lines"].items(), strict=False):
            ax.plot(x, y, label=label, linewidth=1.6, **style(label, other))
        for label, x in panel.get("marks", {}).items():
            ax.axvline(x, color="0.4", linewidth=1.2, linestyle=":", label=label)
        ax.set(xlabel=panel.get("xlabel", "iteration"))
        ax.set_title(panel["title"], fontsize=9)
        if panel.get("log"):
            ax.set_yscale("log")
        if panel.get("logx"):
            ax.set_xscale("log")
            ax.set_xticks(panel["logx"], [f"{tick:g}" for tick in panel["logx"]])
            ax.minorticks_off()
        ax.grid(alpha=0.3)
        if len(panel["lines"]) + len(panel.get("marks", {})) > 1:
            ax.legend(fontsize=8)
    figure.tight_layout(pad=0.5)
    plt.close(figure)
    return figure
