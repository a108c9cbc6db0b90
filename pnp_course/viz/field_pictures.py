"""Pictures of fields in the plane: arrows with trajectories, and the paths of a plug-and-play loop."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from torch import Tensor

from pnp_course.toy.fields import Field, trajectory
from pnp_course.toy.mixture import GaussianMixture
from pnp_course.viz.figures import SCREEN_DPI, STYLES, on_cpu

RING = 0.25 * torch.tensor([[1.0, 0.2], [0.3, 1.0], [-0.8, 0.6], [-0.9, -0.5], [0.0, -1.0], [0.8, -0.7]]).double()


def split_figure(
    fields: Mapping[str, Field], clean: Tensor, starts: Tensor | None = None, time: float = 12.0, steps: int = 160
) -> Figure:
    """Fields on the unit square side by side, with the trajectories x' = V(x) from the same starts in each.

    Args:
        fields: title -> V.
        clean: points (m, 2) marked by a star: where the bumps of the prior are.
        starts: (n, 2), drawn as small circles; six points around the middle by default.
        time, steps: length and number of steps of the trajectories.
    """
    clean, starts = on_cpu(clean), 0.5 + RING * 1.5 if starts is None else on_cpu(starts)
    r = torch.linspace(0.04, 0.96, 14, dtype=torch.float64)
    x = torch.cartesian_prod(r, r)
    longest = max(float(field(x).norm(dim=1).max()) for field in fields.values())
    scale = 4.5 * max(1.0, longest / 0.35)  # arrows have the same scale in all panels
    figure, axes = plt.subplots(1, len(fields), figsize=(9.6, 3.5), dpi=SCREEN_DPI)
    for ax, (title, field) in zip(axes, fields.items(), strict=True):
        v = field(x)
        ax.quiver(*x.T, *v.T, angles="xy", scale_units="xy", scale=scale, width=0.006, color="0.55")
        path = trajectory(field, starts, time / steps, steps)
        for i in range(len(starts)):
            ax.plot(*path[:, i].T, linewidth=1.6, **STYLES[i % 3])
            ax.plot(*path[-1, i], "s", color=STYLES[i % 3]["color"], markersize=4.5)
        ax.plot(*starts.T, "o", markerfacecolor="white", markeredgecolor="black", markersize=5)
        ax.plot(*clean.T, "*", color="black", markersize=11)
        ax.set(title=title, xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="pixel 1 (intensity)")
        ax.title.set_fontsize(9)
    axes[0].set_ylabel("pixel 2 (intensity)")
    figure.tight_layout(pad=0.5)
    plt.close(figure)
    return figure


def loop_figure(paths: Mapping[str, Tensor], mixture: GaussianMixture, tail: int = 60) -> Figure:
    """Iterates of a plug-and-play loop on two pixels: in the plane, and the lengths of their moves.

    Args:
        paths: label -> iterates (k, 2).
        mixture: the prior; its bumps are marked.
        tail: number of last iterates of each run that are marked by dots.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), dpi=SCREEN_DPI, width_ratios=(1, 1.4))
    left.plot(*mixture.means.T, "*", color="black", markersize=11, linestyle="none")
    for style, marker, (label, iterates) in zip(STYLES, "os^D", paths.items(), strict=False):
        path = on_cpu(iterates)
        left.plot(*path[:tail].T, linewidth=0.9, **style)
        left.plot(*path[-tail:].T, marker, color=style["color"], markersize=3.5)
        moves = path.diff(dim=0).norm(dim=1).clamp_min(1e-17)
        right.semilogy(
            range(1, len(moves) + 1), moves, label=label, linewidth=1.6, **style, marker=marker, markevery=25
        )
    left.set(
        xlabel="pixel 1 (intensity)", ylabel="pixel 2 (intensity)", xlim=(0.1, 0.9), ylim=(0.1, 0.9), aspect="equal"
    )
    left.set_title(f"the last {tail} iterates; stars: bumps of the prior")
    right.set(xlabel="iteration", ylabel="intensity", title="length of the moves", ylim=(1e-16, 2))
    right.legend(fontsize=8)
    right.grid(alpha=0.3)
    for ax in (left, right):
        ax.title.set_fontsize(9)
    figure.tight_layout(pad=0.5)
    plt.close(figure)
    return figure
