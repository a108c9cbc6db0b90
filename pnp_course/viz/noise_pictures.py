"""Pictures of notebook 20: variances over means with their line, and curves with intervals."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from pnp_course.viz.figures import SCREEN_DPI, STYLES, on_cpu
from pnp_course.viz.methods import style


def line_figure(
    panels: Mapping[str, tuple[ArrayLike, ArrayLike, Mapping[str, tuple[float, float]]]], width: float = 9.0
) -> Figure:
    """Variances of groups of patches over their means as points, and lines through them, in panels side by side.

    Args:
        panels: title -> (means, variances, label -> (gain, read-out noise) of a line).
        width: of the figure in inches.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(width, 3.0), squeeze=False, dpi=SCREEN_DPI)
    for ax, (title, (means, variances, lines)) in zip(axes.flat, panels.items(), strict=True):
        mu = np.asarray(on_cpu(means))
        ax.plot(mu, np.asarray(on_cpu(variances)), "o", color="0.35", markersize=4, label="groups of flat patches")
        ends = np.array([0.0, float(mu.max())])
        for look, (label, (gain, read_out)) in zip(STYLES, lines.items(), strict=False):
            ax.plot(ends, gain * ends + read_out**2, linewidth=1.8, label=label, **look)
        ax.set(xlabel="mean", ylabel="variance", ylim=(0, None), xlim=(0, None))
        ax.set_title(title, fontsize=9)
        ax.grid(alpha=0.3)
        ax.legend(fontsize=8)
    figure.tight_layout(pad=0.5)
    plt.close(figure)
    return figure


def band_figure(
    panels: Mapping[str, Mapping[str, pandas.DataFrame]], xlabel: str, ylabel: str, width: float = 9.5
) -> Figure:
    """Curves of differences over a factor with their intervals as bands, on a logarithmic axis, in panels side by side.

    Args:
        panels: title -> method -> table with the columns factor, difference, low, high.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(width, 3.2), squeeze=False, dpi=SCREEN_DPI)
    for ax, (title, curves) in zip(axes.flat, panels.items(), strict=True):
        for other, (name, table) in zip(STYLES, curves.items(), strict=False):
            look = style(name, other)
            ax.plot(table["factor"], table["difference"], linewidth=1.8, label=name, **look)
            ax.fill_between(table["factor"], table["low"], table["high"], color=look["color"], alpha=0.15, linewidth=0)
            ticks = sorted({float(f) for f in table["factor"]})
        ax.set_xscale("log")
        ax.set_xticks(ticks, [f"{f:g}" for f in ticks])
        ax.minorticks_off()
        ax.axhline(0, color="0.4", linewidth=1)
        ax.set(xlabel=xlabel, ylabel=ylabel)
        ax.set_title(title, fontsize=9)
        ax.grid(alpha=0.3)
        ax.legend(fontsize=8)
    figure.tight_layout(pad=0.5)
    plt.close(figure)
    return figure
