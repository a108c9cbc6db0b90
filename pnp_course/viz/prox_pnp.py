"""Helpers of the notebook on Prox-PnP: its pictures, and the checks of its exercises."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from torch import Tensor

from pnp_course import solvers
from pnp_course.toy import prox_pnp as line
from pnp_course.toy.proximal import brute_prox
from pnp_course.viz.answers import as_numbers, judge
from pnp_course.viz.figures import SCREEN_DPI

# one colour, line style and mark for each method, the same in all figures
METHODS: dict[str, dict[str, Any]] = {
    "PGD": {"color": "#0072B2", "linestyle": "-", "marker": "o"},
    "averaged PGD": {"color": "#56B4E9", "linestyle": (0, (5, 1)), "marker": "s"},
    "relaxed PGD": {"color": "#D55E00", "linestyle": "--", "marker": "^"},
    "DRS": {"color": "#009E73", "linestyle": "-.", "marker": "D"},
    "DRSdiff": {"color": "#CC79A7", "linestyle": ":", "marker": "v"},
}


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
            ax.plot(x, y, label=label, markersize=4, **{"linewidth": 1.7, **style})
        for k, (label, x) in enumerate(panel.get("vertical", {}).items()):
            ax.axvline(x, color="black", lw=0.9, linestyle=("-", ":", "--")[k % 3], label=label)
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


Answer = Callable[..., Any]


def check_longest_weight(answer: Answer) -> str:
    """Exercise 1: `answer(ell, L_f)` is the bound of lam for PGD; judged by runs on the line on both sides of it."""

    def fault(ell: float, lipschitz: float) -> Callable[[Any], str]:
        def of(value: Any) -> str:
            weight = float(as_numbers(value)) * lipschitz
            if weight <= 0:
                return "the weight must be positive"
            inside, outside = (
                abs((1 + ell) * (1 - factor * weight)) < 1 for factor in (0.999, 1.001)
            )  # the factor of x_{k+1} = D(x_k - lam L_f x_k)
            where = f"for ell = {ell:g}, L_f = {lipschitz:g}"
            if not inside:
                return f"{where} the run just below your weight does not converge: it is too large"
            return f"{where} the run just above your weight still converges: it is too small" if outside else ""

        return of

    return judge(answer, [(pair, fault(*pair)) for pair in ((0.5, 1.0), (0.0, 1.0), (0.9, 4.0), (3.0, 0.25))])


def check_largest_averaging(answer: Answer) -> str:
    """Exercise 2: `answer(Lambda, L_f, ell, M)` is the largest t <= 1 up to which PGD with D_t at t Lambda is covered."""

    def fault(weight: float, lipschitz: float, ell: float, upper: float) -> Callable[[Any], str]:
        def covered(t: float) -> bool:
            return t * upper < 1 and t * weight * lipschitz + t * ell / (1 + t * ell) < 2

        def of(value: Any) -> str:
            t = float(as_numbers(value))
            where = f"for Lambda = {weight:g}, L_f = {lipschitz:g}, ell = {ell:g}, M = {upper:g}"
            if not 0 < t <= 1:
                return f"{where} your t is {t:.4g}; wanted 0 < t <= 1"
            if not covered(0.999 * t):
                bound = "t M < 1" if 0.999 * t * upper >= 1 else "t Lambda L_f + t ell / (1 + t ell) < 2"
                return f"{where} a t just below yours violates {bound}"
            return f"{where} a larger t is possible" if t < 1 and covered(min(1.0, 1.001 * t)) else ""

        return of

    cases = (
        (8.0, 1.0, 0.8, 1.05),
        (0.5, 1.0, 0.8, 1.05),
        (1.0, 2.0, 0.5, 0.9),
        (1.0, 1.0, 0.2, 0.9),
        (3.0, 1.0, 0.0, 0.5),
    )
    return judge(answer, [(case, fault(*case)) for case in cases])


def check_relaxation(answer: Answer) -> str:
    """Exercise 3: `answer(weight, ell)` is any alpha that covers lam L_f = weight, or None if there is none."""

    def fault(weight: float, ell: float) -> Callable[[Any], str]:
        r = ell / (1 + ell)

        def of(value: Any) -> str:
            where = f"for lam L_f = {weight:g}, ell = {ell:g}"
            if value is None:
                return f"{where} there is an alpha: r = {r:.3f}" if r * weight < 1 and r < 1 else ""
            alpha = float(as_numbers(value))
            if r * weight >= 1:
                return f"{where} no alpha is covered, return None; yours is {alpha:.4g}"
            if not 0 < alpha < 1:
                return f"{where} your alpha is {alpha:.4g}; wanted 0 < alpha < 1"
            if not r < alpha:
                return f"{where} alpha = {alpha:.4g} is not above r = {r:.3f}"
            return "" if alpha * weight < 1 else f"{where} alpha lam L_f = {alpha * weight:.4g} is not below 1"

        return of

    return judge(
        answer, [(c, fault(*c)) for c in ((2.5, 0.5), (2.9, 0.5), (0.4, 0.9), (1.2, 4.0), (3.5, 0.5), (1.5, 4.0))]
    )


def check_drs_factor(answer: Answer) -> str:
    """Exercise 4: `answer(d, beta)` is x_{k+1} / x_k of DRS on the line, compared with two steps of the solver."""

    def fault(slope: float, beta: float) -> Callable[[Any], str]:
        states = [float(i.s) for i in line.trace(solvers.prox_pnp_drs, slope, 2, lam=beta, t=1.0)]
        truth = states[1] / states[0]

        def of(value: Any) -> str:
            mine = float(as_numbers(value))
            good = abs(mine - truth) < 1e-3 * max(1.0, abs(truth))
            return (
                "" if good else f"for d = {slope:g}, beta = {beta:g} yours is {mine:.4g}, the solver's is {truth:.4g}"
            )

        return of

    return judge(answer, [(pair, fault(*pair)) for pair in ((1.5, 1.0), (0.7, 3.0), (3.0, 10.0), (1.0, 0.5))])


def check_prox_of_absolute_values(answer: Answer) -> str:
    """Exercise 5: `answer(z, y, lam)` is the prox of lam ||. - y||_1 at z, compared with a search over a grid."""
    generator = torch.Generator().manual_seed(3)
    y, z = torch.rand(2, 1, 1, 2, 3, generator=generator, dtype=torch.float64)

    def fault(lam: float) -> Callable[[Any], str]:
        def searched(at: Tensor, centre: Tensor) -> float:
            return float(brute_prox(lambda v: lam * (v - centre).abs(), at.reshape(1), 3.0, 30_000))

        found = [searched(a, b) for a, b in zip(z.flatten(), y.flatten(), strict=True)]

        def of(value: Any) -> str:
            mine = as_numbers(value, tuple(z.shape))
            worst = float((mine.flatten() - torch.tensor(found, dtype=torch.float64)).abs().max())
            if worst < 1e-3:
                return ""
            if not torch.equal(torch.sign(mine - y) * torch.sign(z - y), (mine - y).abs().sign()):
                return f"for lam = {lam:g} your point lies on the other side of y than z does"
            return f"for lam = {lam:g} the search finds a point that is {worst:.3f} away from yours"

        return of

    return judge(answer, [((z, y, lam), fault(lam)) for lam in (0.1, 0.3, 2.0)])
