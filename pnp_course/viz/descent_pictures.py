"""Pictures of notebook 10: what the Kurdyka-Lojasiewicz property says, and the spiral."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from torch import Tensor

from pnp_course.toy.descent import Spiral
from pnp_course.viz.figures import SCREEN_DPI, STYLES, on_cpu


def sharpness_figure(values: Tensor, slopes: Tensor, width: float = 9.0) -> Figure:
    """Three examples before and after the change of scale, and slope against gap, with a fourth that has no chi.

    Args:
        values, slopes: g and |grad g| at points of the fourth example, (n,) each, all positive.
        width: width of the figure in inches.
    """
    x = torch.linspace(-0.6, 0.6, 1201, dtype=torch.float64)
    examples = {
        "x²/2": (x.square() / 2, lambda s: (2 * s).sqrt()),
        "x⁴": (x**4, lambda s: s**0.25),
        "exp(-1/x²)": (torch.exp(-1 / x.square()), lambda s: (-1 / s.log()).sqrt()),
    }
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(width, width / 2.9), dpi=SCREEN_DPI)
    for style, (name, (f, chi)) in zip(STYLES, examples.items(), strict=False):
        left.plot(x, f / f[-1], label=name, linewidth=1.6, **style)
        rescaled = torch.where(f > 0, chi(f), torch.nan)  # exp(-1/x^2) underflows next to 0
        middle.plot(x, rescaled, linewidth=1.6, **style)
    gap = torch.logspace(-8, -1, 50, dtype=torch.float64)
    for style, (name, slope) in zip(
        STYLES, {"x²/2: 1/2": (2 * gap).sqrt(), "x⁴: 3/4": 4 * gap**0.75}.items(), strict=False
    ):
        right.loglog(gap, slope, label=name, linewidth=1.6, **style)
    right.loglog(on_cpu(values), on_cpu(slopes), label="spiral: 5/4", linewidth=1.6, **STYLES[3])
    right.loglog(gap, gap, color="0.5", linewidth=1, label="exponent 1")
    left.set_title("F, scaled to 1 at the right end", fontsize=9)
    middle.set_title("χ(F): all become |x|", fontsize=9)
    right.set_title("slope |∇F| against gap", fontsize=9)
    left.set_xlabel("x")
    middle.set_xlabel("x")
    right.set_xlabel("gap F − F∞")
    left.legend(fontsize=8)
    right.legend(fontsize=7)
    for ax in (left, middle, right):
        ax.grid(alpha=0.3)
    figure.tight_layout(pad=0.5)
    plt.close(figure)
    return figure


def spiral_figure(spiral: Spiral, path: Tensor, width: float = 8.5) -> Figure:
    """The path of a descent over the spiral valley, and the angle it has turned by against the iteration.

    Args:
        spiral: the objective.
        path: iterates (n, 2).
        width: width of the figure in inches.
    """
    path = on_cpu(path)
    figure, (plane, turns) = plt.subplots(1, 2, figsize=(width, width / 2.1), dpi=SCREEN_DPI)
    axis = torch.linspace(-1.9, 1.9, 321, dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1).reshape(-1, 2)
    relative = spiral.value(grid) / (grid.norm(dim=1) - 1).clamp_min(1e-9) ** 4  # 2 - cos w: the valley, undimmed
    relative[grid.norm(dim=1) <= 1.08] = float("nan")
    greys = [str(0.65 + 0.35 * (k + 0.5) / 12) for k in range(12)]  # areas, not pixels: a drawing stays sharp
    plane.contourf(axis, axis, relative.reshape(321, 321), levels=torch.linspace(1, 3, 13), colors=greys, extend="both")
    circle = torch.linspace(0, 2 * math.pi, 400)
    plane.fill(circle.cos(), circle.sin(), color="0.85")
    plane.plot(circle.cos(), circle.sin(), color="black", linewidth=1)
    shown = path[:: max(1, len(path) // 4000)]
    plane.plot(shown[:, 0], shown[:, 1], linewidth=1.8, **STYLES[0])
    plane.plot(*path[0], "o", color="black", markersize=6)
    plane.plot(*path[-1], "x", color="black", markersize=9, markeredgewidth=2)
    plane.set(aspect="equal", xlabel="pixel 1", ylabel="pixel 2")
    plane.set_title("path from the dot to the cross; grey disc: F = 0", fontsize=9)
    every = torch.unique(torch.logspace(0, math.log10(len(path) - 1), 200).long())
    steps = torch.atan2(path[:, 1], path[:, 0]).diff()
    angle = torch.remainder(steps + math.pi, 2 * math.pi).sub(math.pi).cumsum(0) / (2 * math.pi)
    turns.semilogx(every, angle[every - 1], linewidth=1.8, **STYLES[0])
    turns.set(xlabel="iteration k")
    turns.set_title("turns round the disc", fontsize=9)
    turns.grid(alpha=0.3)
    figure.tight_layout(pad=0.5)
    plt.close(figure)
    return figure
