"""Pictures of the conditions: the ladder, their regions in the complex plane ([B] Fig. 1 left), and spectra in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from torch import Tensor

from pnp_course.toy.conditions import FIRM, LADDER, Condition, numerical_range
from pnp_course.viz.figures import SCREEN_DPI, STYLES, label_log, on_cpu

MARKERS = ("o", "s", "^", "D", "v", "P")
RUNGS = {  # name: (x, y, second line); the ladder drawn as a V, firm at the foot
    "firmly nonexpansive": (0.5, 0.08, r"$\Vert e\Vert^2 \leq \langle d, e\rangle$:  $k = -1$,  $\gamma = 1$"),
    "nonexpansive": (0.22, 0.37, r"$\Vert e\Vert \leq \Vert d\Vert$:  $k = 0$"),
    "0.9-strictly pseudo-contractive": (0.22, 0.64, r"$\Vert e\Vert^2 \leq \Vert d\Vert^2 + k\Vert d - e\Vert^2$:  $k = 0.9$"),
    "pseudo-contractive": (0.22, 0.91, r"$\langle d, e\rangle \leq \Vert d\Vert^2$:  $k = 1$"),
    "residual nonexpansive": (0.78, 0.37, r"$\Vert d - e\Vert \leq \Vert d\Vert$:  $\gamma = 1/2$"),
    "1/4-cocoercive": (0.78, 0.64, r"$\langle d, e\rangle \geq \gamma\,\Vert e\Vert^2$:  $\gamma = 1/4$"),
    "monotone": (0.78, 0.91, r"$\langle d, e\rangle \geq 0$:  $\gamma = 0$"),
}  # fmt: skip


def outline(ax: Axes, condition: Condition, hatch: bool = False, **style: object) -> None:
    """Draw the boundary of a condition's region on `ax`, and hatch the region if asked."""
    centre, radius = condition.disc
    pattern = "///" if hatch else None
    kind = {"fill": hatch, "hatch": pattern, "facecolor": "none", "linewidth": 1.6} | style
    if condition.half_plane:
        edge, far = (1.0, -9.0) if condition.family == "pseudo-contractive" else (0.0, 9.0)
        ax.add_patch(Rectangle((min(edge, far), -9), abs(far - edge), 18, **kind))  # type: ignore[arg-type]
    else:
        ax.add_patch(Circle((centre, 0), radius, **kind))


def axes_of_plane(ax: Axes, window: tuple[float, float, float, float], equal: bool = True) -> None:
    """Real and imaginary axis through 0, within (left, right, bottom, top)."""
    ax.axhline(0, color="0.6", linewidth=0.8)
    ax.axvline(0, color="0.6", linewidth=0.8)
    ax.set(xlim=window[:2], ylim=window[2:], xlabel="real part", ylabel="imaginary part")
    if equal:
        ax.set_aspect("equal")


def ladder_figure(witnesses: Mapping[tuple[str, str], str]) -> Figure:
    """The ladder as a V: arrows are implications; a number z beside each shows that the converse is false.

    Args:
        witnesses: (stronger, weaker) -> label of a z that is only in the weaker region.
    """
    figure, ax = plt.subplots(figsize=(9, 4.6), dpi=SCREEN_DPI)
    for (stronger, weaker), label in witnesses.items():
        (x0, y0, _), (x1, y1, _) = RUNGS[stronger], RUNGS[weaker]
        foot = 0.13 if x0 == 0.5 else 0.0
        start = (x0 + (foot if x1 > x0 else -foot), y0 + 0.075)
        ax.annotate("", (x1, y1 - 0.075), start, arrowprops={"arrowstyle": "-|>", "lw": 1.5, "color": "black"})
        at = ((start[0] + x1) / 2, (start[1] + y1 - 0.075) / 2)
        side = 0.02 if x1 > 0.5 else -0.02
        below = 0.05 if foot else 0.0  # beside an arrow that rises steeply, below one that does not
        ax.text(
            at[0] + side,
            at[1] - below,
            label,
            fontsize=9,
            ha="left" if side > 0 else "right",
            va="center",
            style="italic",
        )
    for name, (x, y, formula) in RUNGS.items():
        box = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": "black", "linewidth": 1.2}
        weight = "bold" if name == FIRM.name else "normal"
        ax.text(x, y, f"{name}\n{formula}", ha="center", va="center", fontsize=9, bbox=box, fontweight=weight)
    ax.plot([0.5, 0.5], [0.17, 0.97], color="0.5", linestyle=":", linewidth=1.2)
    ax.text(
        0.5,
        0.68,
        "mirror:\nD and I - D\n(z and 1 - z)",
        ha="center",
        va="center",
        fontsize=9,
        color="0.25",
        bbox={"facecolor": "white", "edgecolor": "none"},
    )
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.axis("off")
    figure.tight_layout(pad=0.2)
    plt.close(figure)
    return figure


def regions_figure(conditions: Sequence[Condition] = LADDER) -> Figure:
    """The regions, one panel for each family; the disc of firm nonexpansiveness, common to both, is hatched."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 4.6), dpi=SCREEN_DPI)
    windows = ((-3.4, 1.9, -2.6, 2.6), (-0.7, 4.5, -2.6, 2.6))
    for ax, family, window in zip(axes, ("pseudo-contractive", "cocoercive"), windows, strict=True):
        outline(ax, FIRM, hatch=True, edgecolor="0.35")
        names = ["firmly nonexpansive"]
        shown = [c for c in conditions if c.family == family and c.name != FIRM.name]
        for condition, style in zip(shown, STYLES[: len(shown)], strict=True):
            outline(ax, condition, edgecolor=style["color"], linestyle=style["linestyle"])
            names.append(condition.name)
        handles = [plt.Line2D([], [], color=s["color"], linestyle=s["linestyle"]) for s in STYLES[: len(shown)]]  # type: ignore[attr-defined]
        first = Rectangle((0, 0), 1, 1, facecolor="none", edgecolor="0.35", hatch="///")
        ax.legend(
            [first, *handles],
            names,
            fontsize=7.5,
            loc="lower left" if family == "pseudo-contractive" else "lower right",
        )
        axes_of_plane(ax, window)
        touching = {
            "pseudo-contractive": "pseudo-contractive: all touch Re z = 1 at 1",
            "cocoercive": "cocoercive: all touch Re z = 0 at 0",
        }
        title = touching[family]
        ax.set_title(title, fontsize=9)
    figure.tight_layout(pad=0.9)
    plt.close(figure)
    return figure


def ranges_figure(matrices: Mapping[str, Tensor], condition: Condition) -> Figure:
    """Eigenvalues and numerical range of small matrices over one condition's region; a panel's title has the norm."""
    figure, axes = plt.subplots(1, len(matrices), figsize=(9, 3.2), dpi=SCREEN_DPI, squeeze=False)
    for ax, (name, matrix) in zip(axes.flat, matrices.items(), strict=True):
        j = on_cpu(matrix)
        outline(ax, condition, hatch=True, edgecolor="0.6")
        w, values = numerical_range(j), torch.linalg.eigvals(j)
        ax.fill(w.real, w.imag, facecolor="#0072B2", alpha=0.25, edgecolor="#0072B2", linewidth=1.8, label="W(J)")
        ax.plot(values.real, values.imag, "ko", markersize=6, label="eigenvalues")
        axes_of_plane(ax, (-1.3, 2.3, -1.7, 1.7))
        ax.set_title(f"{name}: norm {condition.tests(j)[2]:.2f}", fontsize=9)
        if ax is not axes.flat[0]:
            ax.set(ylabel="", yticklabels=[])
    axes.flat[0].legend(fontsize=7.5, loc="upper left")
    figure.tight_layout(pad=0.5)
    plt.close(figure)
    return figure


def spectrum_figure(
    title: str,
    spectra: Mapping[str, Tensor],
    worst: str,
    j: Tensor,
    w: Tensor,
    condition: Condition,
    conditions: Sequence[Condition] = LADDER,
) -> Figure:
    """A denoiser's spectra over a condition's region, a close-up, and the three tests of every condition at one patch.

    Args:
        title: for the first panel. spectra: patch -> eigenvalues (n,), complex.
        worst: the patch tested. j: its Jacobian (n, n). w: points of its numerical range.
        condition: whose region is filled. conditions: rows of the last panel.
    """
    j, w = on_cpu(j), on_cpu(w)
    figure, axes = plt.subplots(1, 3, figsize=(9.4, 3.3), dpi=SCREEN_DPI, width_ratios=(1, 1, 0.75))
    high = max(1.35, 1.15 * float(w.real.max()))
    low = min(-0.25, 1.3 * float(w.real.min()))
    tall = max(0.06, 1.3 * float(w.imag.abs().max()))
    for ax in axes[:2]:
        outline(ax, condition, fill=True, facecolor="0.9", edgecolor="0.3")
        ax.fill(w.real, w.imag, facecolor="#0072B2", alpha=0.25, edgecolor="#0072B2", linewidth=1.4)
        for (patch, found), marker, style in zip(spectra.items(), MARKERS, STYLES, strict=False):
            values = on_cpu(found)
            ax.plot(values.real, values.imag, marker, markersize=3.5, color=style["color"], label=patch, alpha=0.8)
    axes_of_plane(axes[0], (-1.15, max(2.35, high), -1.6, 1.6))
    axes[0].legend(fontsize=7, loc="upper left", title="patch", title_fontsize=7)
    axes[0].set_title(f"{title}\ngray: {condition.name}", fontsize=9)
    axes_of_plane(axes[1], (low, high, -tall, tall), equal=False)
    axes[1].set_title(f"close up; blue: W(J), {worst} patch", fontsize=9)
    axes[1].set_ylabel("")
    tested = [c.tests(j, w) for c in reversed(conditions)]
    for row, three in enumerate(tested):
        axes[2].plot([min(three), max(three)], [row, row], color="0.6", linewidth=1)
        for value, marker, face in zip(three, "o|s", ("black", "black", "none"), strict=True):
            axes[2].plot(value, row, marker, color="black", markerfacecolor=face, markersize=6 if marker != "|" else 10)
    axes[2].axvline(1, color="#D55E00", linestyle="--", linewidth=1.4)
    short = [
        c.name.replace("nonexpansive", "nonexp.").replace("strictly pseudo-contractive", "SPC") for c in conditions
    ]
    axes[2].set(
        yticks=range(len(conditions)),
        xlim=(0.6, max(1.6, 1.1 * max(map(max, tested)))),
        ylim=(-0.6, len(conditions) - 0.4),
    )
    axes[2].set_yticklabels(short[::-1], fontsize=7.5)
    axes[2].set_title(f"{worst} patch: passed\nif the square is at most 1", fontsize=9)
    figure.tight_layout(pad=0.5)
    plt.close(figure)
    return figure


def orbits_figure(orbits: Mapping[str, Tensor], distances: str = "distance to the fixed point 0") -> Figure:
    """Orbits in the plane, each complex (n,), and beside them their moduli on a logarithmic axis."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.3), dpi=SCREEN_DPI)
    for (name, orbit), style, marker in zip(orbits.items(), STYLES, MARKERS, strict=False):
        z = on_cpu(orbit)
        axes[0].plot(z.real, z.imag, marker=marker, markersize=3, linewidth=0.9, label=name, **style)
        axes[1].plot(z.abs(), label=name, linewidth=1.6, **style)
    axes_of_plane(axes[0], (-2.6, 2.6, -2.0, 2.0))
    axes[0].set_title("the iterates", fontsize=9)
    axes[1].set(yscale="log", xlabel="iteration")
    label_log(axes[1])
    axes[1].set_title(distances, fontsize=9)
    axes[1].grid(alpha=0.3)
    axes[1].legend(fontsize=8)
    figure.tight_layout(pad=0.5)
    plt.close(figure)
    return figure
