"""Figures of result tables: a quantity over two parameters, and differences with their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import pandas
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pnp_course.viz.figures import SCREEN_DPI
from pnp_course.viz.methods import style


def map_figure(
    values: pandas.DataFrame, xlabel: str, ylabel: str, title: str, line: Sequence[float] | None = None, label: str = ""
) -> Figure:
    """A table of numbers as a coloured map, each cell with its number; the best of each column has a frame.

    Args:
        values: rows and columns are the two parameters, in rising order; both axes show them evenly spaced.
        line: for each column a value of the row parameter, drawn as a line; label: what it is.
    """
    figure, ax = plt.subplots(figsize=(6.4, 3.9), dpi=SCREEN_DPI)
    shown = ax.imshow(values.to_numpy(), origin="lower", aspect="auto", cmap="cividis")
    middle = (values.min().min() + values.max().max()) / 2
    for i, row in enumerate(values.to_numpy()):
        for j, value in enumerate(row):
            ax.text(j, i, f"{value:.1f}", ha="center", va="center", fontsize=8, color="w" if value < middle else "k")
    for j, best in enumerate(values.to_numpy().argmax(0)):
        ax.add_patch(plt.Rectangle((j - 0.46, best - 0.46), 0.92, 0.92, fill=False, edgecolor="#D55E00", linewidth=2.2))
    if line is not None:
        rows = [_place(float(v), list(values.index)) for v in line]
        ax.plot(range(len(rows)), rows, "w--", linewidth=1.6, label=label)
        ax.set(xlim=(-0.5, len(values.columns) - 0.5), ylim=(-0.5, len(values) - 0.5))
        ax.legend(fontsize=8, loc="lower right", facecolor="0.3", labelcolor="w")
    ax.set_xticks(range(len(values.columns)), [f"{v:g}" for v in values.columns])
    ax.set_yticks(range(len(values)), [f"{v:g}" for v in values.index])
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.set_title(title, fontsize=9)
    figure.colorbar(shown, ax=ax)
    figure.tight_layout(pad=0.5)
    plt.close(figure)
    return figure


def _place(value: float, ticks: list[float]) -> float:
    """Where a value lies between ticks that rise by factors, in units of ticks; beyond them by the last factor."""
    k = min(max(sum(t <= value for t in ticks) - 1, 0), len(ticks) - 2)
    return k + math.log(value / ticks[k]) / math.log(ticks[k + 1] / ticks[k])


def interval_figure(panels: Mapping[str, pandas.DataFrame], xlabel: str, width: float = 9.5) -> Figure:
    """Differences with their intervals, one line for each method, in panels side by side; a method is at one height in all.

    Args:
        panels: title -> table with the columns method, difference, low, high (`report.paired`).
    """
    names = list(dict.fromkeys(name for table in panels.values() for name in table["method"]))
    height = 0.9 + 0.3 * len(names)
    figure, axes = plt.subplots(1, len(panels), figsize=(width, height), squeeze=False, sharey=True, dpi=SCREEN_DPI)
    for ax, (title, table) in zip(axes.flat, panels.items(), strict=True):
        for line in table.to_dict("records"):
            k = names.index(line["method"])
            colour = style(str(line["method"]), {"color": "0.3"})["color"]
            ax.plot([line["low"], line["high"]], [k, k], color=colour, linewidth=2.5, solid_capstyle="butt")
            ax.plot(line["difference"], k, "o", color=colour, markersize=6)
        ax.set_yticks(range(len(names)), names, fontsize=8)
        ax.axvline(0, color="0.4", linewidth=1)
        ax.xaxis.set_major_locator(MaxNLocator(4))
        ax.tick_params(axis="x", labelsize=8)
        ax.set_xlabel(xlabel, fontsize=8)
        ax.set_title(title, fontsize=9)
        ax.grid(alpha=0.3)
    axes.flat[0].invert_yaxis()
    figure.tight_layout(pad=0.5)
    plt.close(figure)
    return figure
