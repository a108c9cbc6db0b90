"""Helpers of the notebook on Prox-PnP: its pictures, and the numbers that they show."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from torch import Tensor

from pnp_course.viz.figures import SCREEN_DPI, on_cpu
from pnp_course.viz.methods import METHODS


def method_curves(
    panels: Sequence[Mapping[str, Any]], width: float = 9.0, height: float = 2.9, marks: bool = False
) -> Figure:
    """Curves side by side, each method in its own colour.

    Args:
        panels: each with `title`, `lines` (a label that begins with a method's name -> (x, y)), and optionally `xlabel`,
            `ylabel`, `log` (logarithmic y axis), `ylim`, and `vertical` (label -> x of a thin black line).
        width, height: size of the figure in inches.
        marks: draw each point with the method's mark.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(width, height), squeeze=False, dpi=SCREEN_DPI)
    for ax, panel in zip(axes.flat, panels, strict=True):
        seen: list[str] = []
        for label, (x, y) in panel["lines"].items():
            name = max((m for m in METHODS if label.startswith(m)), key=len)
            style = dict(METHODS[name])
            if name in seen:  # a second or third curve of one method: thinner, in another style
                style.update(linewidth=1.0, alpha=0.8, linestyle=("--", ":")[seen.count(name) % 2])
            seen.append(name)
            style["marker"] = style["marker"] if marks else None
            ax.plot(on_cpu(x), on_cpu(y), label=label, markersize=4, **{"linewidth": 1.7, **style})
        for k, (label, x) in enumerate(panel.get("vertical", {}).items()):
            ax.axvline(float(x), color="black", lw=0.9, linestyle=("-", ":", "--")[k % 3], label=label)
        ax.set(xlabel=panel.get("xlabel", "iteration"), ylabel=panel.get("ylabel", ""))
        ax.set_title(panel["title"], fontsize=9)
        if panel.get("log"):
            ax.set_yscale("log")
        if "ylim" in panel:
            ax.set_ylim(*panel["ylim"])
        ax.grid(alpha=0.3)
        ax.legend(fontsize=8)
    figure.tight_layout(pad=0.5)
    plt.close(figure)
    return figure


def averaged(pair: Callable[[Tensor], tuple[Tensor, Tensor]], t: float, x: Tensor) -> tuple[Tensor, Tensor]:
    """(D_t(x), t g(x)) of a gradient step given by x -> (D(x), g(x)): the gradient step on t g."""
    d, g = pair(x)
    return t * d + (1 - t) * x, t * g


def published_factor(big: Tensor) -> Tensor:
    """(1 - r) / 2 - s^2 with r = L / (1 + L), s = L / (1 - L), as in [A]."""
    return 0.5 / (1 + big) - (big / (1 - big)) ** 2


def sharper_factor(big: Tensor) -> Tensor:
    """m / 2 with m = min((1 - 2r)(1 + r), (1 - s)(1 + 2s)), under the condition of Themelis and Patrinos (2020)."""
    r, s = big / (1 + big), big / (1 - big)
    return torch.minimum((1 - 2 * r) * (1 + r), (1 - s) * (1 + 2 * s)) / 2


def bounds_figure(root: float, measured: Mapping[str, tuple[float, float]]) -> Figure:
    """Left: both factors of Douglas-Rachford splitting over L. Right: what they allow in the plane of the two ends.

    Args:
        root: the root of 2 L^3 + L^2 + 2 L - 1.
        measured: name of a denoiser -> (l, M), drawn on the right with the segment of its averages (t l, t M).
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.3), dpi=SCREEN_DPI)
    big = torch.linspace(0, 0.6, 400, dtype=torch.float64)
    left.plot(big, published_factor(big), color="#000000", linestyle="--", label="[A]: the cubic")
    left.plot(big, sharper_factor(big), color="#009E73", linestyle="-.", label="estimated together")
    left.axhline(0, color="0.4", lw=0.8)
    for x, words in ((root, f"{root:.3f}"), (0.5, "0.5")):
        left.plot([x], [0], "o", color="black", markersize=5)
        left.annotate(words, (x, 0), (x - 0.07, -0.09), fontsize=9)
    left.set(ylim=(-0.6, 0.62), xlabel="L", ylabel="guaranteed fall / squared move")
    left.set_title("how much the envelope falls, at least", fontsize=9)
    left.legend(fontsize=8, loc="lower left")
    right.fill([0, 1, 1, 0], [0, 0, 0.5, 0.5], color="#009E73", alpha=0.35, label="ℓ < 1 and M < 1/2")
    right.fill([0, 0.5, 0.5, 0], [0, 0, 0.5, 0.5], fill=False, edgecolor="#009E73", linestyle=":", label="L < 1/2")
    right.fill([0, root, root, 0], [0, 0, root, root], color="0.35", alpha=0.5, label="the cubic")
    for (name, (low, high)), mark in zip(measured.items(), "os^", strict=False):
        right.plot([0, low], [0, high], color="black", lw=0.8)
        right.plot([low], [high], mark, color="black", markersize=5, label=name)
    right.set(xlabel="ℓ", ylabel="M", xlim=(0, 1.25), ylim=(0, 1.25))
    right.set_title("which denoisers are covered", fontsize=9)
    right.legend(fontsize=8, loc="upper left")
    figure.tight_layout(pad=0.5)
    plt.close(figure)
    return figure


def largest_averaging(weight: float, lipschitz: float, ell: float, upper: float) -> float:
    """The largest t <= 1 up to which Prox-PnP-PGD with D_t at lam = t weight is covered (`pp-every-weight`).

    Args:
        weight: Lambda = lam / t. lipschitz: L_f. ell, upper: the ends, -ell <= I - J <= upper.
    """
    a = weight * lipschitz
    root = 2 / a if ell == 0 else (ell - a + math.sqrt((a - ell) ** 2 + 8 * a * ell)) / (2 * a * ell)
    return min(1.0, 1 / upper, root)
