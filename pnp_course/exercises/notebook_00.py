"""Checks of the exercises of notebook 00: each takes what the reader wrote and returns "right" or a hint."""

from __future__ import annotations

from typing import Any

import torch

from pnp_course.exercises.verdicts import Answer, Hint, call, number, tensor, verdict

PEAKS = (25, 50, 100, 200)


def searched(z: float, y: float, lam: float) -> float:
    """The minimiser of lam (v - y log v) + (v - z)^2 / 2 over v > 0, by a search over a grid with steps of 1e-5."""
    grid = torch.linspace(1e-5, 3, 300_000, dtype=torch.float64)
    return float(grid[(lam * (grid - y * grid.log()) + (grid - z) ** 2 / 2).argmin()])


@verdict
def check_peak(mine: Answer) -> None:
    """(s, r) -> the peak at which a pixel of intensity s has noise of standard deviation r s: 1 / (s r^2)."""
    for s, r in ((0.5, 0.05), (0.2, 0.1), (1.0, 0.02)):
        got, want = number(call(mine, s, r)), 1 / (s * r**2)
        if abs(got - want) < 1e-3 * want:
            continue
        where = f"at s = {s}, r = {r}"
        if abs(got - s / r**2) < 1e-3 * s / r**2:
            raise Hint(f"{where} your peak gives the noise {r} whatever s is; wanted r s, a share of the intensity.")
        if abs(got - 1 / (s * r)) < 1e-3 / (s * r):
            raise Hint(f"{where} yours is {got:.5g}: is r the standard deviation over s, or the variance?")
        if got <= 0:
            raise Hint(f"{where} yours is {got:.5g}; a peak is a number of photons.")
        share = (s / got) ** 0.5 / s
        raise Hint(f"{where}: with the peak {got:.5g} the standard deviation is {share:.3g} s.")


@verdict
def check_prox(mine: Answer) -> None:
    """(z, y, lam) -> prox of lam (v - y log v) at z, against a search; with y = 0 and z < lam, too."""
    cases = ((1.1, 0.3, 0.7), (0.2, 0.05, 0.7), (-0.5, 0.3, 1.5), (2.0, 0.8, 0.1), (0.9, 0.0, 0.4), (0.2, 0.0, 0.6))
    for z, y, lam in cases:
        got, want = number(call(mine, z, y, lam)), searched(z, y, lam)
        if abs(got - want) < 1e-4:
            continue
        where = f"at z = {z}, y = {y}, lam = {lam}"
        if got < 0:
            raise Hint(f"{where} yours is {got:.4f}, but there log v is not defined; take the other root.")
        if abs(got - searched(z, y, 1.0)) < 1e-4:
            raise Hint(f"{where} yours is the answer for lam = 1.")
        raise Hint(f"{where} the search finds {want:.4f}, yours is {got:.4f}.")


@verdict
def check_gains(answer: Any) -> None:
    """PSNR (dB) of pictures restored at the peaks 25, 50, 100, 200: each doubling buys something, and less than 3 dB."""
    scores = tensor(answer, torch.zeros(len(PEAKS)))
    if float(scores.min()) < 15 or float(scores.max()) > 40:
        raise Hint(f"wanted four PSNRs in dB; yours go from {float(scores.min()):.1f} to {float(scores.max()):.1f}.")
    for peak, gain in zip(PEAKS, scores.diff().tolist(), strict=False):
        if gain <= 0:
            raise Hint(f"from peak {peak} to {2 * peak} your PSNR does not rise: is each observation made anew?")
        if gain >= 3:
            raise Hint(f"from peak {peak} to {2 * peak} your PSNR rises by {gain:.1f} dB, more than one pixel gains.")
