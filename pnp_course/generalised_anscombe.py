"""Variance stabilisation for photon counts that a camera reads out with Gaussian noise: there and three ways back.

A pixel is y = gain N + read_out n, N ~ Poisson(x / gain), n standard normal. In photons, y / gain = N + s n with
s = read_out / gain. With m = x / gain, the generalised transform of Anscombe (Murtagh, Starck and Bijaoui 1995; see
Makitalo and Foi 2013) is f(z) = 2 sqrt(max(z + 3/8 + s^2, 0)), whose standard deviation is near 1. The exact unbiased
inverse maps E f back to m. E f grows with m, because f grows and a larger Poisson mean makes all counts larger in law:
so there is one inverse, and a table with monotone interpolation finds it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pnp_course._checks import check_finite, check_floating, check_numbers, check_positive

EXACT_UP_TO = 200.0  # photons; above it the asymptotic inverse is within 0.001 photons, for every read-out noise
WIDE = 100.0  # photons of read-out noise; from here on the asymptotic inverse is within 1 / (8 WIDE^2) everywhere
NODES, TAILS = np.polynomial.legendre.leggauss(160), 10.0  # of the quadrature, and where it ends, standard deviations


def generalised_anscombe(y: Tensor, gain: float, read_out: float) -> Tensor:
    """2 sqrt(max(y / gain + 3/8 + (read_out / gain)^2, 0)) for a picture y of any shape.

    Args:
        y: intensities; they may be negative, since read-out noise is.
        gain: intensity of one photon, > 0.
        read_out: standard deviation of the read-out noise in units of intensity, >= 0.

    Raises:
        ValueError: y is not finite, or gain or read_out is out of its range.
    """
    s = read_out_in_photons(gain, read_out)
    return 2 * (check_finite(check_floating(y, "y"), "y") / gain + 3 / 8 + s**2).clamp_min(0).sqrt()


def read_out_in_photons(gain: float, read_out: float) -> float:
    """s = read_out / gain.

    Raises:
        ValueError: gain <= 0, or read_out < 0, or one of them is not finite.
    """
    gain, value = (
        check_positive(gain, "gain", "the intensity of one photon"),
        float(check_numbers(read_out, "read_out")),
    )
    if not (np.isfinite(value) and value >= 0):
        raise ValueError(f"read_out is {value:g}; wanted a finite standard deviation >= 0, in units of intensity.")
    return value / gain


def mean_of_generalised(rate: np.ndarray, s: float) -> np.ndarray:
    """E f(N + s n) for Poisson means `rate` (n,), in photons: a sum over counts of an integral over n.

    For a count k and a = k + 3/8 + s^2 the integral is that of 2 sqrt(a + s n) times the normal density over n > -a / s.
    With t = sqrt(a + s n) the kink at 0 is gone, and Gauss and Legendre's rule is exact to rounding.
    """
    from scipy.stats import poisson as law

    top = float(np.max(rate))
    counts = np.arange(int(top + 12 * np.sqrt(top) + 30))
    a = counts + 3 / 8 + s**2
    if s == 0:
        return np.asarray(law.pmf(counts[None], np.asarray(rate)[:, None]) @ (2 * np.sqrt(a)))
    begin, end = np.sqrt(np.maximum(a - TAILS * s, 0)), np.sqrt(a + TAILS * s)
    half = (end - begin)[:, None] / 2
    t = begin[:, None] + half * (1 + NODES[0])
    density = np.exp(-(((t**2 - a[:, None]) / s) ** 2) / 2) / np.sqrt(2 * np.pi)
    means = (half * NODES[1] * 2 * t * density * 2 * t / s).sum(1)
    return np.asarray(law.pmf(counts[None], np.asarray(rate)[:, None]) @ means)


@lru_cache(maxsize=16)
def _table(s: float) -> tuple[Any, float, float]:
    """The interpolation E f -> mean count of monotone cubics, and the ends between which it holds."""
    from scipy.interpolate import PchipInterpolator

    rate = np.linspace(0, np.sqrt(EXACT_UP_TO), 600) ** 2
    mean = mean_of_generalised(rate, s)
    return PchipInterpolator(mean, rate), float(mean[0]), float(mean[-1])


def algebraic_inverse(d: Tensor, gain: float, read_out: float) -> Tensor:
    """gain (d^2 / 4 - 3/8 - s^2), the inverse function of the transform: a quarter of a photon too dark in the mean."""
    s = read_out_in_photons(gain, read_out)
    return gain * (check_floating(d, "d") ** 2 / 4 - 3 / 8 - s**2)


def asymptotic_inverse(d: Tensor, gain: float, read_out: float) -> Tensor:
    """gain (d^2 / 4 - 1/8 - s^2): unbiased where photons are many, or the read-out noise is wide."""
    s = read_out_in_photons(gain, read_out)
    return gain * (check_floating(d, "d") ** 2 / 4 - 1 / 8 - s**2)


def exact_inverse(d: Tensor, gain: float, read_out: float) -> Tensor:
    """The intensity (units of y) whose transform has the mean d, for d of any shape: the exact unbiased inverse.

    It is interpolated in a table up to 200 photons and asymptotic above. Below the mean for no light at all it is 0.
    Source: Makitalo and Foi, "Optimal inversion of the generalized Anscombe transformation for Poisson-Gaussian noise", 2013.

    Raises:
        ValueError: d is not finite, or gain or read_out is out of its range.
    """
    s = read_out_in_photons(gain, read_out)
    check_finite(check_floating(d, "d"), "d")
    far = asymptotic_inverse(d.detach().double(), gain, read_out).clamp_min(0)
    if s >= WIDE:
        return far.to(d)
    inverse, low, high = _table(s)
    values = d.detach().double().cpu().numpy()
    near = gain * torch.from_numpy(np.asarray(inverse(values.clip(low, high)))).to(far)
    return torch.where(d.double() < high, near, far).to(d)
