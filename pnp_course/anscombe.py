"""Variance stabilisation of photon counts: the transform of Anscombe (1948), and the inverse without bias.

2 sqrt(c + 3/8) of a Poisson count c has a standard deviation near 1 whatever its mean is, so that a denoiser for
Gaussian noise of one level can be used. The way back is not the inverse function, since the mean of a root is below the
root of the mean; the inverse here maps the mean of the transformed count to the mean of the count (Makitalo and Foi 2011).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

from pnp_course._checks import check_counts, check_floating

EXACT_UP_TO = 200.0  # photons; above it the asymptotic inverse differs by less than 0.002 photons


def anscombe(counts: Tensor) -> Tensor:
    """2 sqrt(c + 3/8) for counts c >= 0 of any shape (photons, not counts / peak).

    Raises:
        ValueError: a count is negative or not finite.
    """
    return 2 * (check_counts(check_floating(counts, "counts"), "counts") + 3 / 8).sqrt()


def mean_of_anscombe(rate: np.ndarray) -> np.ndarray:
    """E[2 sqrt(N + 3/8)] for Poisson counts N with these means (n,), summed term by term."""
    from scipy.stats import poisson as law

    top = float(np.max(rate))
    counts = np.arange(int(top + 12 * np.sqrt(top) + 30))
    return law.pmf(counts[None], np.asarray(rate)[:, None]) @ (2 * np.sqrt(counts + 3 / 8))


@cache
def _table() -> tuple[np.ndarray, np.ndarray]:
    """Means of counts, denser near 0, and the means of their transforms."""
    rate = np.linspace(0, np.sqrt(EXACT_UP_TO), 600) ** 2
    return rate, mean_of_anscombe(rate)


def inverse_anscombe(d: Tensor) -> Tensor:
    """The mean count (photons) whose transform has the mean d, for d of any shape: the exact unbiased inverse.

    It is read from a table of exact sums up to 200 photons, and is d^2/4 - 1/8 + sqrt(3/2)/(4 d) above. Below 2 sqrt(3/8),
    the mean for no light at all, it is 0. Source: Makitalo and Foi, "Optimal inversion of the Anscombe transformation in
    low-count Poisson image denoising", 2011.
    """
    rate, mean = _table()
    values = check_floating(d, "d").detach().double().cpu().numpy()
    few = np.interp(values, mean, rate)
    many = values**2 / 4 - 1 / 8 + np.sqrt(3 / 2) / (4 * np.maximum(values, 1))
    return torch.from_numpy(np.where(values < mean[-1], few, many)).to(d)
