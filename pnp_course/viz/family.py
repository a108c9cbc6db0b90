"""The pictures of the notebook on the whole family of methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from pnp_course.viz.figures import SCREEN_DPI
from pnp_course.viz.methods import style


def change_figure(panels: Mapping[str, Mapping[str, Sequence[float | None]]], width: float = 9.0) -> Figure:
    """The relative change of each iteration, logarithmic, in panels side by side.

    Args:
        panels: title -> name of a method -> relative changes; None where there is none.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(width, 3.7), squeeze=False, sharey=True, dpi=SCREEN_DPI)
    for ax, (title, lines) in zip(axes.flat, panels.items(), strict=True):
        for name, values in lines.items():
            points = [(k, v) for k, v in enumerate(values, 1) if v]
            ax.plot(*zip(*points, strict=True), label=name, linewidth=1.6, **style(name, {}))
        ax.set(xlabel="iteration", yscale="log")
        ax.set_title(title, fontsize=9)
        ax.grid(alpha=0.3)
        ax.legend(fontsize=8, ncol=4, loc="upper center", bbox_to_anchor=(0.5, -0.18))
    axes.flat[0].set_ylabel("relative change")
    figure.tight_layout(pad=0.5)
    plt.close(figure)
    return figure
