"""Noise models: what the sensor does to A u. All random numbers come from an explicit generator.

A parameter is a float, or a tensor of B values, one for each of the images (B, C, H, W).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pnp_course._checks import check_finite, check_floating, check_positive, per_image

MANY = 1e8  # photons; above it scipy's quantiles get slow, and from 1e10 on they are NaN


def gaussian(x: Tensor, sigma: float | Tensor, generator: torch.Generator) -> Tensor:
    """x + sigma n with a standard normal n; sigma is in units of intensity (25/255, not 25).

    Example:
        >>> noisy = gaussian(torch.zeros(1, 1, 64, 64), 25 / 255, torch.Generator().manual_seed(0))
        >>> round(float(noisy.std()), 2)
        0.1
    """
    check_finite(check_floating(x))
    _check_generator(generator)
    sigma = per_image(check_positive(sigma, "sigma"), x, "sigma")
    return _in_range(x + sigma * torch.randn(x.shape, generator=generator, dtype=x.dtype).to(x.device))


def poisson(x: Tensor, peak: float | Tensor, generator: torch.Generator) -> Tensor:
    """Poisson(peak x) / peak, [B] (1): photon counts in units of intensity.

    Each pixel's count is the quantile of its Poisson law at its own uniform number. So equal seeds give the same noise
    on every machine (with a rejection sampler, one rounding difference would change all later counts), and comparable
    noise at different peaks.

    Args:
        x: intensities (B, C, H, W). An FFT blur leaves values of about -1e-8 at black pixels; values above -1e-4 are
            taken as 0, lower ones are an error.
        peak: mean number of photons of a pixel of intensity 1. A small peak means much noise.

    Raises:
        ValueError: peak <= 0, or a value of x is not finite or below -1e-4.

    Example:
        >>> x, generator = torch.full((1, 1, 64, 64), 0.5), torch.Generator().manual_seed(0)
        >>> counts = 100 * poisson(x, 100, generator)
        >>> bool((counts - counts.round()).abs().max() < 1e-3), round(float(counts.mean()))
        (True, 50)
    """
    check_finite(check_floating(x))
    _check_generator(generator)
    peak = per_image(check_positive(peak, "peak", "the mean number of photons of a white pixel"), x.double(), "peak")
    if (x < -1e-4).any():
        raise ValueError(
            f"x has negative intensities (smallest {float(x.min()):.4g}), which emit no photons: clamp it with x.clamp(min=0)."
        )
    peak = peak.cpu() if isinstance(peak, Tensor) else peak
    rate = peak * x.detach().clamp(min=0).double().cpu()
    if not bool(torch.isfinite(rate).all()):
        raise ValueError(f"peak times the largest intensity, {float(x.max()):.4g}, is infinite; wanted a smaller peak.")
    uniform = torch.rand(x.shape, generator=generator, dtype=torch.float64)
    return _in_range((torch.from_numpy(_poisson_quantile(uniform.numpy(), rate.numpy())) / peak).to(x))


def _poisson_quantile(uniform: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """The smallest count whose cumulative probability reaches `uniform`, for means `rate`."""
    from scipy.stats import norm
    from scipy.stats import poisson as law

    few = rate < MANY
    counts = np.empty_like(rate)
    counts[few] = law.ppf(uniform[few], rate[few]).clip(min=0)
    # many photons: the expansion of Cornish and Fisher, whose error is of the order of 1 / rate of a photon
    z, mean = norm.ppf(uniform[~few].clip(min=2.0**-54)), rate[~few]
    deviation = np.sqrt(mean)
    counts[~few] = np.ceil(mean + deviation * z + (z**2 - 1) / 6 - (z**3 + 2 * z) / (72 * deviation) - 0.5)
    return counts


def _in_range(noisy: Tensor) -> Tensor:
    """The noisy image, unless some of it is beyond the numbers of its precision."""
    if not bool(torch.isfinite(noisy).all()):
        raise ValueError(
            f"the noisy image leaves the range of {noisy.dtype}; wanted weaker noise, or an image in [0, 1]."
        )
    return noisy


def _check_generator(generator: object) -> None:
    if not isinstance(generator, torch.Generator):
        raise ValueError(
            f"generator is a {type(generator).__name__}; wanted a torch.Generator: torch.Generator().manual_seed(0) is one."
        )


def inverse_gamma(x: Tensor, level: float | Tensor, generator: torch.Generator) -> Tensor:
    """1 / z with z ~ Gamma(shape gamma - 1, rate gamma x), gamma = 1 / level: noise that fits Burg's entropy.

    Its density in y is proportional to exp(-gamma D_h(x, y)) up to a function of y, h = -sum log. The mean is
    x gamma / (gamma - 2), the relative standard deviation about sqrt(level). Source: Hurault et al. 2023.

    Args:
        x: intensities (B, C, H, W), > 0.
        level: 1 / gamma, a float or one per image (B,), 0 < level < 1/3 (for a finite variance).

    Raises:
        ValueError: a value of x is not positive, or the level is outside its range.
    """
    check_finite(check_floating(x))
    _check_generator(generator)
    level = per_image(level, x.double(), "the noise level")
    gamma = 1 / torch.as_tensor(level, dtype=torch.float64).cpu()
    if not bool((x > 0).all()):
        raise ValueError(
            f"x has values down to {float(x.min()):.3g}; inverse gamma noise needs x > 0: x.clamp(min=1e-3)."
        )
    if not bool(((gamma > 3) & (gamma < float("inf"))).all()):
        raise ValueError(f"the noise level is {level}; wanted 0 < level < 1/3, the inverse of gamma.")
    seed = int(torch.randint(2**62, (), generator=generator))
    z = np.random.default_rng(seed).standard_gamma(np.broadcast_to((gamma - 1).numpy(), x.shape))
    return _in_range((gamma * x.detach().double().cpu() / torch.from_numpy(z)).to(x))
