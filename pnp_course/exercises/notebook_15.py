"""Checks of the exercises of notebook 15: each takes the reader's function and returns "right" or a hint.

Answers may be plain numbers, NumPy values or tensors (`verdicts`).
"""

from __future__ import annotations

import math

import numpy as np

from pnp_course.exercises.verdicts import Answer, Hint, call, number, numbers, verdict


@verdict
def check_counts(mine: Answer) -> None:
    """(peak, mean) -> PSNR in dB of photon counts against the image of intensities from which they come."""
    for peak, mean in ((50.0, 0.4), (100.0, 0.4), (7.0, 0.9)):
        said, right = number(call(mine, peak, mean)), 10 * math.log10(peak / mean)
        if abs(said - right) > 1e-3:
            if abs(said - 10 * math.log10(peak * mean)) < 1e-3:
                raise Hint(
                    "that is a signal-to-noise ratio; PSNR compares the error with the value 1, not with the picture."
                )
            if abs(said - 2 * right) < 1e-3:
                raise Hint("nearly: the factor is 10 for a mean square, 20 for a root mean square.")
            raise Hint(
                f"for peak {peak:g} and mean intensity {mean:g} you say {said:.2f} dB; counted, it is {right:.2f}. What is the "
                "variance of one count divided by the peak?"
            )


def _tables() -> list[tuple[np.ndarray, np.ndarray]]:
    """PSNR of settings (rows) on tuning pictures and on test pictures (columns)."""
    generator = np.random.default_rng(0)
    tables = []
    for settings in (4, 9):
        level = 25 + generator.normal(0, 0.3, settings)[:, None]
        tables.append(tuple(level + generator.normal(0, 0.5, (settings, count)) for count in (3, 6)))
    return tables  # type: ignore[return-value]


@verdict
def check_chosen(mine: Answer) -> None:
    """(tuning, test), two tables (settings, pictures) -> the mean on the test pictures of the setting chosen on the others."""
    for tuning, test in _tables():
        said, means = number(call(mine, tuning, test)), test.mean(1)
        right = float(means[tuning.mean(1).argmax()])
        if abs(said - right) > 1e-6:
            if abs(said - means.max()) < 1e-6:
                raise Hint("you chose on the test pictures: the best of several noisy means is too good to be true.")
            if abs(said - test.max()) < 1e-6 or abs(said - test.max(0).mean()) < 1e-6:
                raise Hint("you chose anew for each test picture: nobody who restores a picture can do that.")
            if abs(said - tuning.mean(1).max()) < 1e-6:
                raise Hint("that is the mean on the tuning pictures; report the one on the test pictures.")
            raise Hint(
                f"the setting with the best mean on the tuning pictures has {right:.3f} dB on the others, you say {said:.3f}."
            )


@verdict
def check_interval(mine: Answer) -> None:
    """(a, b): PSNR of two methods on the same pictures -> low and high end of the 95 % bootstrap interval of mean(a - b)."""
    generator = np.random.default_rng(1)
    pictures = generator.normal(25, 3, 40)
    a, b = pictures + generator.normal(0.3, 0.4, 40), pictures + generator.normal(0, 0.4, 40)
    low, high = numbers(call(mine, a, b), "the low and the high end")
    difference = a - b
    width = 2 * 1.96 * difference.std(ddof=1) / math.sqrt(len(a))  # what a bootstrap of a mean comes close to
    alone = 2 * 1.96 * math.hypot(a.std(ddof=1), b.std(ddof=1)) / math.sqrt(len(a))
    if low > high:
        raise Hint("the low end comes first.")
    if abs(high - low - alone) < 0.25 * alone:
        raise Hint(
            "you drew the two methods separately: then the pictures' own spread comes in. Draw pictures, and subtract."
        )
    if high - low > 2.5 * width:
        raise Hint(
            "that is an interval for one picture, not for the mean: draw as many pictures as there are, and average."
        )
    if abs((low + high) / 2 - difference.mean()) > 0.25 * width:
        raise Hint(
            f"the mean difference is {difference.mean():.3f}; your interval {low:.3f} to {high:.3f} is not about it."
        )
    if not 0.75 * width < high - low < 1.25 * width:
        raise Hint(
            f"your interval is {high - low:.3f} wide; expected is about {width:.3f}. Take the quantiles 0.025 and 0.975 of some "
            "thousand means."
        )


@verdict
def check_rest(mine: Answer) -> None:
    """(changes, bound) -> the iteration, from 1, at which geometrically falling relative changes reach the bound."""
    for rate, first, bound in ((0.9, 0.2, 1e-4), (0.8, 0.05, 1e-3), (0.97, 0.01, 1e-4)):
        changes = first * rate ** np.arange(50)
        said = number(call(mine, changes, bound))
        right = 1 + math.log(bound / first) / math.log(rate)
        if abs(said - right) > 1:
            if abs(said - 1 - (right - 50)) < 2 or abs(said - (right - 50)) < 2:
                raise Hint("nearly: those are the iterations still to come; add the ones that were made.")
            raise Hint(
                f"changes that begin at {first:g} and shrink by {rate:g} reach {bound:g} at iteration {right:.0f}; you say "
                f"{said:.0f}. The logarithm of the changes is a straight line."
            )
