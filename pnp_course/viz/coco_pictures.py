"""Picture of notebook 12: where a run settles for each averaging."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from pnp_course.viz.figures import SCREEN_DPI, STYLES
from pnp_course.viz.methods import METHODS


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
