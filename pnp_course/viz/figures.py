"""Static figures: galleries of images with their scores, curves over iterations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from torch import Tensor

from pnp_course.viz.methods import style

SCREEN_DPI = 85  # in notebooks; files that are saved elsewhere have their own

# colours that differ in gray and for colour-blind readers (Okabe and Ito 2008), each with its own line style
STYLES: list[dict[str, Any]] = [
    {"color": "#0072B2", "linestyle": "-"}, {"color": "#D55E00", "linestyle": "--"},
    {"color": "#009E73", "linestyle": "-."}, {"color": "#CC79A7", "linestyle": ":"},
    {"color": "#000000", "linestyle": (0, (5, 1))}, {"color": "#E69F00", "linestyle": (0, (3, 1, 1, 1))},
]  # fmt: skip


def on_cpu(values: Any) -> Any:
    """What matplotlib can draw: tensors of any device, alone or in a list, come to the CPU; all else stays as it is."""
    if isinstance(values, list | tuple):
        return [on_cpu(value) for value in values]
    return values.detach().cpu() if isinstance(values, Tensor) else values


def to_display(x: Tensor) -> np.ndarray:
    """The first image of (B, C, H, W) as (H, W) or (H, W, 3), clipped to [0, 1]."""
    array = x[0].detach().float().clamp(0, 1).permute(1, 2, 0).cpu().numpy()
    return array[..., 0] if array.shape[-1] == 1 else array


def gallery(
    images: Mapping[str, Tensor], columns: int = 3, zoom: tuple[int, int, int] | None = None, width: float = 9.0
) -> Figure:
    """A grid of pictures with titles.

    Args:
        images: title -> image (B, C, H, W); the first of each batch is shown.
        columns: pictures per row.
        zoom: (top, left, side) of a square shown enlarged in each picture's corner.
        width: width of the figure in inches.
    """
    rows = -(-len(images) // columns)
    first = next(iter(images.values()))
    aspect = first.shape[-2] / first.shape[-1]
    cell = width / columns
    figure, axes = plt.subplots(
        rows, columns, figsize=(width, rows * (max(cell * aspect, 0.5) + 0.3)), squeeze=False, dpi=SCREEN_DPI
    )
    for ax in axes.flat:
        ax.axis("off")
    for ax, (title, image) in zip(axes.flat, images.items(), strict=False):
        picture = to_display(image)
        ax.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        ax.set_title(title, fontsize=9)
        if zoom:
            top, left, side = zoom
            inset = ax.inset_axes((0.6, 0.0, 0.4, 0.4 / aspect))
            inset.imshow(
                picture[top : top + side, left : left + side], cmap="gray", vmin=0, vmax=1, interpolation="nearest"
            )
            inset.set(xticks=[], yticks=[])
            for spine in inset.spines.values():
                spine.set(edgecolor="white", linewidth=1.5)
    figure.tight_layout(pad=0.3)
    plt.close(figure)  # so that it is shown only once, as the value of a cell
    return figure


def label_log(ax: Axes) -> None:
    """Label more than the powers of ten on a logarithmic axis that shows few of them."""
    low, high = ax.get_ylim()
    if high < 1000 * low:
        parts = (
            (1.0, 3.0) if high > 100 * low else (1.0, 2.0, 5.0) if high > 10 * low else (1.0, 2.0, 3.0, 4.0, 6.0, 8.0)
        )
        ax.yaxis.set_major_locator(LogLocator(subs=parts))
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        ax.yaxis.set_minor_formatter(NullFormatter())


def curves(panels: Sequence[Mapping[str, Any]], width: float = 9.0, height: float = 2.8) -> Figure:
    """Curves side by side; a line named after a method of the course has the colour of that method.

    Args:
        panels: each with `lines` (label -> (x, y)), `title`, and optionally `xlabel`, `ylabel`, `log` (logarithmic y
            axis), `logx` (logarithmic x axis with the given ticks) and `marks` (label -> x of a vertical line).
        width, height: size of the figure in inches.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(width, height), squeeze=False, dpi=SCREEN_DPI)
    for ax, panel in zip(axes.flat, panels, strict=True):
        for other, (label, (x, y)) in zip(cycle(STYLES), panel["lines"].items(), strict=False):
            ax.plot(on_cpu(x), on_cpu(y), label=label, linewidth=1.6, **style(label, other))
        for label, x in panel.get("marks", {}).items():
            ax.axvline(float(x), color="0.4", linewidth=1.2, linestyle=":", label=label)
        ax.set(title=panel["title"], xlabel=panel.get("xlabel", "iteration"), ylabel=panel.get("ylabel", ""))
        ax.title.set_fontsize(9)
        if panel.get("log"):
            ax.set_yscale("log")
            label_log(ax)
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
