"""Checks of the exercises of notebook 20: each takes the reader's function and returns "right" or a hint."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch

from pnp_course.exercises.notebook_16 import compare
from pnp_course.exercises.verdicts import Answer, Hint, call, number, numbers, tensor, verdict
from pnp_course.fidelities import Gaussian
from pnp_course.noise_level.patches import noise_variance, patch_eigenvalues
from pnp_course.operators import Bayer


def _one_of(got: float, want: float, mistakes: Mapping[str, float], where: str, tol: float = 1e-6) -> None:
    """Raise `Hint` unless got = want; the hint is that of the mistake that `got` equals, if it is one."""
    if math.isclose(got, want, rel_tol=tol, abs_tol=1e-12):
        return
    for hint, mistake in mistakes.items():
        if math.isclose(got, mistake, rel_tol=tol, abs_tol=1e-12):
            raise Hint(hint)
    raise Hint(f"{where} wanted {want:.5g}, and got {got:.5g}.")


@verdict
def check_patch_sigma(answer: Answer) -> None:
    """Exercise 1: `answer(patches)` is the noise level of patches (n, d), from the small eigenvalues of their covariance.

    Any of three rules is right: the library's, the mean of the lower half, the lower median; the levels differ by a percent.
    """
    for sigma, seed in ((0.05, 0), (0.2, 1)):
        g = torch.Generator().manual_seed(seed)
        scene = torch.randn(6000, 6, generator=g).double() @ (0.4 * torch.randn(6, 36, generator=g).double()) + 0.5
        patches = scene + sigma * torch.randn(6000, 36, generator=g).double()
        values = patch_eigenvalues(patches)
        got = number(call(answer, patches.clone()))
        best = noise_variance(values) ** 0.5
        if abs(got - best) < 0.03 * best:
            continue
        spread = torch.linalg.eigvalsh(patches.T @ patches / len(patches))
        mistakes = {
            "nearly: that is the variance; the level is its root.": best**2,
            "nearly: that is the smallest eigenvalue alone, which is too small; take the mean of many.": float(
                values[0]
            )
            ** 0.5,
            "that is the mean of all eigenvalues: the large ones carry the picture; leave them out.": float(
                values.mean()
            )
            ** 0.5,
            "that is the largest eigenvalue: the picture, and not the noise.": float(values[-1]) ** 0.5,
            "take the covariance: the mean patch has to be subtracted first.": float(spread.mean()) ** 0.5,
        }
        _one_of(got, best, mistakes, f"for patches with noise of level {sigma}", 1e-2)


@verdict
def check_line(answer: Answer) -> None:
    """Exercise 2: `answer(means, variances)` are gain and read-out noise, from points near a line."""
    means = torch.linspace(0.05, 0.95, 24, dtype=torch.float64).numpy()
    for gain, read_out in ((0.02, 0.05), (0.005, 0.01)):
        variances = gain * means + read_out**2
        got = numbers(call(answer, means.copy(), variances.copy()), "gain and read-out noise")
        where = f"for points on the line of gain {gain} and read-out noise {read_out}"
        slope = {
            "gain and read-out noise have changed places.": read_out,
            "the slope is variance over mean, not mean over variance.": 1 / gain,
            "that is the mean of the ratios; the read-out noise lifts all of them. Fit a line.": float(
                (variances / means).mean()
            ),
            "that is a line through 0; the read-out noise lifts it.": float(
                (means * variances).sum() / (means**2).sum()
            ),
        }
        _one_of(got[0], gain, slope, f"{where} the gain:")
        level = {
            "nearly: the line's value at 0 is read_out^2; take the root.": read_out**2,
            "that is the standard deviation at intensity 1, photons and all.": (gain + read_out**2) ** 0.5,
        }
        _one_of(got[1], read_out, level, f"{where} the read-out noise:", 1e-5)


@verdict
def check_bias(answer: Answer) -> None:
    """Exercise 3: `answer(mu, variance)` is what the inverse function gives back for E f, in photons, nothing cut off."""
    for mu, variance in ((30.0, 1.0), (6.0, 0.9), (100.0, 1.02)):
        mistakes = {
            "that is the truth; but the mean of a root lies below the root of the mean.": mu,
            "nearly: the sign. The mean of a root lies below the root of the mean.": mu + variance / 4,
            "nearly: f^2 / 4 stands in the inverse, so a quarter of the variance is lost.": mu - variance,
            "nearly: f^2 / 4 stands in the inverse: a quarter, not a half.": mu - variance / 2,
        }
        if abs(variance - 1) > 1e-9:
            mistakes["nearly: that is right where the variance is 1."] = mu - 1 / 4
        _one_of(number(call(answer, mu, variance)), mu - variance / 4, mistakes, f"for mu = {mu}, Var f = {variance}:")


@verdict
def check_mosaic_prox(answer: Answer) -> None:
    """Exercise 4: `answer(z, y, seen, lam)` is the prox of lam ||A x - y||^2 / 2 for the mosaic A, all (B, 3, H, W)."""
    a = Bayer(4, 6)
    g = torch.Generator().manual_seed(4)
    z, y = torch.rand(1, 3, 4, 6, generator=g).double(), a(torch.rand(1, 3, 4, 6, generator=g).double())
    seen = a(torch.ones_like(z))
    for lam in (0.5, 4.0):
        want = Gaussian(a, y).prox(z, lam)
        mistakes = [
            ((z + lam * y) / (1 + lam), "nearly: where nothing was seen the prox leaves z as it is."),
            (torch.where(seen > 0, y, z), "that puts the data in hard, as for lam = infinity; they are noisy."),
            (z - lam * seen * (z - y), "that is a gradient step; solve v - z + lam m (m v - y) = 0 for v."),
            (y, "that is the data alone."),
            (torch.where(seen > 0, (z + lam * y) / (1 + lam), 0 * z), "the unseen values have become 0; they stay z."),
        ]  # fmt: skip
        compare(tensor(call(answer, z.clone(), y.clone(), seen.clone(), lam), z), want, mistakes, f"for lam = {lam}")


@verdict
def check_wrong_level(answer: Answer) -> None:
    """Exercise 5: `answer(tau, sigma, told)` is the mean square error of the best linear denoiser for noise `told`."""
    for tau, sigma, told in ((1.0, 0.5, 1.0), (0.2, 0.4, 0.2), (2.0, 1.0, 1.0)):
        a = tau**2 / (tau**2 + told**2)
        right = tau**2 / (tau**2 + sigma**2)
        mistakes = {
            "that is the least error, with the true level: the factor is chosen for the level that is told.": right
            * sigma**2,
            "that is what the denoiser believes its error to be; the noise is not what it was told.": a * told**2,
            "that is the noise that is left; add the signal that is lost.": a**2 * sigma**2,
            "that is the signal that is lost; add the noise that is left.": (1 - a) ** 2 * tau**2,
            "a enters squared, as the error does.": a * sigma**2 + (1 - a) * tau**2,
        }
        want = a**2 * sigma**2 + (1 - a) ** 2 * tau**2
        if math.isclose(told, sigma):
            mistakes = {}
        _one_of(number(call(answer, tau, sigma, told)), want, mistakes, f"for tau {tau}, sigma {sigma}, told {told}:")
