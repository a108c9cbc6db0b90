"""Paired differences of methods with their bootstrap intervals, as marks on a line."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from pnp_course.viz.figures import SCREEN_DPI
from pnp_course.viz.methods import METHODS


def intervals_figure(panels: Mapping[str, pd.DataFrame], xlabel: str, width: float = 9.0) -> Figure:
    """One panel for each table of `experiments.report.paired`: a mark for the mean difference, a bar for its interval.

    Args:
        panels: title -> rows with `method`, `difference`, `low`, `high`; methods in the order from top to bottom.
        xlabel: what is subtracted from what, with its unit.
        width: of the figure in inches.
    """
    names = list(dict.fromkeys(name for table in panels.values() for name in table["method"]))
    figure, axes = plt.subplots(
        1, len(panels), figsize=(width, 0.27 * len(names) + 0.9), squeeze=False, sharey=True, dpi=SCREEN_DPI
    )
    for ax, (title, table) in zip(axes.flat, panels.items(), strict=True):
        for line in table.itertuples():
            look = METHODS.get(str(line.method), {"color": "#000000", "marker": "o"})
            at = names.index(str(line.method))
            ax.plot([line.low, line.high], [at, at], color=look["color"], linewidth=2.2, solid_capstyle="butt")
            ax.plot([line.difference], [at], color=look["color"], marker=look["marker"], markersize=6)
        ax.axvline(0, color="0.3", linewidth=1)
        ax.set_title(title, fontsize=9)
        ax.set_xlabel(xlabel, fontsize=8)
        ax.grid(alpha=0.3, axis="x")
        ax.set_yticks(range(len(names)), names)
        ax.set_ylim(len(names) - 0.5, -0.5)
    figure.tight_layout(pad=0.5)
    plt.close(figure)
    return figure
