"""Checks of the exercises of notebook 16: each takes the reader's function and returns "right" or a hint."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pnp_course.anscombe import mean_of_anscombe
from pnp_course.exercises.verdicts import Answer, Hint, call, number, pointwise, tensor, verdict
from pnp_course.fidelities import prox_kl, prox_kl_dark


def compare(got: Tensor, want: Tensor, mistakes: Sequence[tuple[Tensor, str]], where: str, tol: float = 1e-6) -> None:
    """Raise `Hint` unless got = want; the hint is that of the mistake that `got` equals, if it is one."""
    if bool(torch.allclose(got, want, rtol=tol, atol=tol)):
        return
    for mistake, hint in mistakes:
        if bool(torch.allclose(got, mistake, rtol=1e-5, atol=1e-7)):
            raise Hint(hint)
    i = int((got - want).abs().argmax())
    raise Hint(f"{where} wanted {float(want.flatten()[i]):.4f}, and got {float(got.flatten()[i]):.4f}.")


@verdict
def check_transform(answer: Answer) -> None:
    """Exercise 1: `answer(c)` is Anscombe's transform 2 sqrt(c + 3/8) of counts c."""
    c = torch.tensor([0.0, 1.0, 2.0, 7.0, 40.0], dtype=torch.float64)
    mistakes = [
        ((c + 3 / 8).sqrt(), "nearly: its standard deviation is 1/2; f' = 1/sqrt(mu) asks for a factor 2."),
        (2 * c.sqrt(), "that is the root that the first-order rule gives; the 3/8 of Anscombe is missing."),
        (2 * c.sqrt() + 3 / 8, "the 3/8 stands inside the root."),
        ((c + 3 / 8).log(), "that is for noise whose standard deviation grows like the mean; here the variance does."),
    ]
    compare(pointwise(answer, c), 2 * (c + 3 / 8).sqrt(), mistakes, "for the counts 0, 1, 2, 7, 40")


@verdict
def check_inverse(answer: Answer) -> None:
    """Exercise 2: `answer(d, rate, mean)` is the rate whose transform has the mean d, from a table of both."""
    for rate in (np.linspace(0, 30, 3001), np.linspace(0, 7, 1500) ** 2):
        mean = mean_of_anscombe(rate)
        want = torch.tensor([0.2, 1.0, 3.7, 12.0, 25.0], dtype=torch.float64)
        d = mean_of_anscombe(want.numpy())
        got = tensor(call(answer, d, rate, mean), want)
        back = torch.from_numpy(d)
        mistakes = [
            (
                back**2 / 4 - 3 / 8,
                "that is the inverse function of the transform; it is a quarter of a photon too low.",
            ),
            (back**2 / 4 - 1 / 8, "nearly: that is right for many photons; the table is right for few, too."),
            (torch.from_numpy(np.interp(d, rate, mean)), "rate and mean have changed places."),
        ]
        compare(got, want, mistakes, "for d = the means of the transform at 0.2, 1, 3.7, 12 and 25 photons", 1e-3)


@verdict
def check_prox(answer: Answer) -> None:
    """Exercise 4: `answer(z, y, lam, b)` is the prox of lam (w - y log w), w = v + b, on v >= 0, pixel by pixel."""
    z = torch.tensor([-1.0, -0.1, 0.05, 0.4, 1.2], dtype=torch.float64)
    for lam, b in ((0.5, 0.2), (2.0, 0.05), (0.1, 1.0)):
        for y in (0.1, 0.8):
            count = torch.tensor(y, dtype=torch.float64)
            dark = torch.tensor(b, dtype=torch.float64)
            want = prox_kl_dark(z, count, lam, dark)
            free = prox_kl(z + dark, count, lam) - dark
            mistakes = [
                (prox_kl(z, count, lam), "the background is missing."),
                (prox_kl(z + dark, count, lam), "nearly: that is w = v + b; return v."),
                (free, "nearly: some v are negative, and a scene is not."),
                (prox_kl(z, (count - dark).clamp_min(0), lam), "b cannot be subtracted from y; it stands in the logarithm."),
                ((prox_kl(z - dark, count, lam) + dark).clamp_min(0), "the sign of b: w = v + b is near z + b."),
            ]  # fmt: skip
            compare(pointwise(answer, z, y, lam, b), want, mistakes, f"at y = {y}, lam = {lam}, b = {b}")


@verdict
def check_clamped(answer: Answer) -> None:
    """Exercise 3: `answer(mu, d)` is E max(N - d, 0) for a Poisson N of mean mu, 0 <= d <= 1, against its series."""
    for mu, d in ((0.8, 1.0), (1.5, 0.2), (0.3, 0.3), (2.0, 0.0)):
        want = sum(max(n - d, 0) * math.exp(n * math.log(mu) - mu - math.lgamma(n + 1)) for n in range(80))
        got = number(call(answer, mu, d))
        mistakes: dict[float, Any] = {
            mu - d: "that is the mean before clamping.",
            max(mu - d, 0): "that clamps the mean; here the counts are clamped.",
            mu - d + math.exp(-mu): "nearly: a count of 0 is lifted by d, not by 1.",
            d * math.exp(-mu): "that is what clamping adds; add mu - d.",
            mu - d + d * math.exp(-d): "the probability of no count at all is that of the mean mu.",
        }
        if math.isclose(got, want, rel_tol=1e-6, abs_tol=1e-9):
            continue
        for mistake, hint in mistakes.items():
            if math.isclose(got, mistake, rel_tol=1e-6, abs_tol=1e-9):
                raise Hint(hint)
        raise Hint(f"at mu = {mu}, d = {d} the series gives {want:.5f}, yours is {got:.5f}.")
