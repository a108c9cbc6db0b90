"""Helpers of notebook 09, on training: live finetunings, the cost of a product, tables of the repository, points."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor, nn

from pnp_course import images
from pnp_course.training.cost import operations
from pnp_course.training.losses import Penalty
from pnp_course.training.presets import PRESETS
from pnp_course.viz.figures import SCREEN_DPI, STYLES

__all__ = ["committed", "live", "measured", "operations", "photographs", "points_figure"]
MARKERS = "osD^vP"
PACKAGE = Path(__file__).resolve().parent.parent


def photographs(*names: str) -> list[Tensor]:
    """Photographs of the package in the form that training needs: 8-bit colour (3, 256, 256)."""
    return [(images.to_channels(images.photo(name, 256), 3)[0] * 255).byte() for name in names]


def live(
    photos: list[Tensor], steps: int, penalty: Penalty | None = None, start: nn.Module | None = None, lr: float = 2e-3,
    device: torch.device | None = None,
) -> nn.Module:  # fmt: skip
    """Train preset `tiny` by `training.loop.train`, from scratch or from `start`, and return the averaged network.

    It differs from the preset, so that a run takes seconds: patches are 32 x 32, the optimiser is Adam, and weights are
    averaged over about 50 steps. Everything random is seeded, so two calls with the same arguments see the same patches
    and the same noise.

    Args:
        photos: 8-bit images (3, H, W), at least 32 pixels wide and high.
        steps: number of training steps.
        penalty: Jacobian penalties, or None.
        start: the network to finetune, which is not changed; None draws one of the preset's shape.
        lr: learning rate of the first steps.
        device: where to train, the CPU by default; the network that is returned is on the CPU.
    """
    from pnp_course.training.loop import train
    from pnp_course.training.main import fresh_net

    tiny = PRESETS["tiny"]
    preset = replace(
        tiny, steps=steps, patch=32, optimizer="adam", ema=0.98, lr=lr, penalty=penalty, validate_every=10**9
    )
    net = copy.deepcopy(start) if start is not None else fresh_net(preset)
    net.requires_grad_(True)
    with tempfile.TemporaryDirectory() as folder:
        run = train(net, preset, photos, Path(folder), device=device or torch.device("cpu"), progress=False)
    return run.averaged_net().cpu()


def committed(relative: str) -> pd.DataFrame:
    """Read a small CSV file of the repository by its path from the root, without lines that begin with #.

    It is looked for beside the package, where a clone has it, and then in the package's own folder `tables`. If it is
    in neither place, the table is empty; a notebook that was downloaded alone then says so and goes on.
    """
    file = _found(relative)
    return pd.read_csv(file, comment="#") if file else pd.DataFrame()


def measured(relative: str) -> dict[str, Any]:
    """Read a JSON file of the repository, such as the results of a benchmark, like `committed`; empty if it is not there."""
    file = _found(relative)
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file else {}


def _found(relative: str) -> Path | None:
    places = (PACKAGE.parent / relative, PACKAGE / "tables" / Path(relative).name)
    return next((place for place in places if place.is_file()), None)


def points_figure(panels: Mapping[str, Mapping[str, tuple[float, float]]], xlabel: str, ylabels: list[str]) -> Figure:
    """Labelled points in panels side by side.

    Args:
        panels: title -> label -> (x, y). At most six labels in a panel have their own markers.
        xlabel: label of the x axis of all panels. ylabels: one label for each panel.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(4.4 * len(panels), 3.1), squeeze=False, dpi=SCREEN_DPI)
    for ax, ylabel, (title, points) in zip(axes.flat, ylabels, panels.items(), strict=True):
        for i, (label, (x, y)) in enumerate(points.items()):
            colour = STYLES[i % len(STYLES)]["color"]
            ax.plot(x, y, MARKERS[i % len(MARKERS)], color=colour, markersize=8, label=label)
        ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
        ax.title.set_fontsize(9)
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.grid(alpha=0.3)
        ax.legend(fontsize=8)
    figure.tight_layout(pad=0.5)
    plt.close(figure)
    return figure
