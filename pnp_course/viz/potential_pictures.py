"""Pictures of potentials: level lines with the paths of iterates over them, and curves that fold."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from torch import Tensor

from pnp_course.toy.proximal_denoiser import Waves
from pnp_course.viz.figures import SCREEN_DPI, STYLES, on_cpu


def level_figure(
    objective: Callable[[Tensor], Tensor],
    paths: Mapping[str, Tensor],
    window: tuple[float, float] = (0.0, 1.0),
    title: str = "",
    width: float = 4.6,
) -> Figure:
    """Level lines of an objective of two pixels, with paths of iterates; a cross marks the end of each.

    Args:
        objective: (n, 2) -> (n,).
        paths: label -> iterates (k, 2).
        window: range of both pixels.
        title: title of the figure.
        width: width of the figure in inches.
    """
    axis = torch.linspace(*window, 161, dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1)
    values = objective(grid.reshape(-1, 2)).reshape(161, 161)
    figure, ax = plt.subplots(figsize=(width, width * 0.92), dpi=SCREEN_DPI)
    ax.contour(axis, axis, values, levels=25, colors="0.65", linewidths=0.7)
    for style, marker, (label, iterates) in zip(STYLES, "osD^v<", paths.items(), strict=False):
        path = on_cpu(iterates)
        ax.plot(path[:, 0], path[:, 1], marker=marker, markersize=3.5, linewidth=1.4, label=label, **style)
        ax.plot(*path[-1], marker="x", color="black", markersize=9, markeredgewidth=2)
    ax.set(xlim=window, ylim=window, xlabel="intensity of pixel 1", ylabel="intensity of pixel 2", aspect="equal")
    ax.set_title(title, fontsize=9)
    if len(paths) > 1:
        ax.legend(fontsize=8, loc="lower left")
    figure.tight_layout(pad=0.5)
    plt.close(figure)
    return figure


def fold_figure(bend: float, width: float = 9.0) -> Figure:
    """The potential of `Waves`, the denoiser, its inverse, and phi over the output: curves that fold for bend > 1.

    The last two are drawn as curves z -> (D(z), z) and z -> (D(z), g(z) - (D(z) - z)^2 / 2), dashed where D falls.
    """
    waves, z = Waves(bend), torch.linspace(-0.75, 0.75, 3001, dtype=torch.float64)
    g, d = waves.potential(z), waves.d(z)
    phi = g - (d - z) ** 2 / 2
    rising = torch.cat((d.diff() > 0, torch.tensor([True])))
    panels = [
        ("potential g", "input z (intensity)", z, g),
        ("denoiser D", "input z (intensity)", z, d),
        ("inverse of D", "output u (intensity)", d, z),
        ("prior φ", "output u (intensity)", d, phi),
    ]
    figure, axes = plt.subplots(1, 4, figsize=(width, width / 3.6), dpi=SCREEN_DPI)
    nan = torch.full_like(z, float("nan"))
    for ax, (title, label, x, y) in zip(axes, panels, strict=True):
        ax.plot(x, torch.where(rising, y, nan), linewidth=1.7, **STYLES[0])
        ax.plot(x, torch.where(rising, nan, y), linewidth=1.7, **STYLES[1])
        if title in ("denoiser D", "inverse of D"):
            ax.plot(z, z, color="0.6", linewidth=0.8)
        ax.set(xlabel=label, xlim=(-0.75, 0.75))
        ax.set_title(title, fontsize=9)
        ax.grid(alpha=0.3)
    for ax in axes[1:3]:
        ax.set_ylim(-0.75, 0.75)
    figure.suptitle(f"L = {bend:.2f}", fontsize=9)
    figure.tight_layout(pad=0.5)
    plt.close(figure)
    return figure
