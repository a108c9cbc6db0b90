"""Noise models: what the sensor does to A u. Every draw comes from an explicit generator."""

from __future__ import annotations

import torch
from torch import Tensor

from pnp_course._checks import check_finite, check_positive


def gaussian(x: Tensor, sigma: float, generator: torch.Generator) -> Tensor:
    """x + sigma n, n standard normal; sigma in units of intensity (25/255, not 25)."""
    check_positive(sigma, "sigma")
    return x + sigma * torch.randn(x.shape, generator=generator, dtype=x.dtype).to(x.device)


def poisson(x: Tensor, peak: float, generator: torch.Generator) -> Tensor:
    """Poisson(peak x) / peak, [B] (1): photon counts in units of intensity.

    Each pixel's count is the quantile of its Poisson law at its own uniform number. So equal seeds give the same noise
    on every machine (a rejection sampler would lose step at the first rounding difference), and comparable noise at
    different peaks.

    Args:
        x: intensities (B, C, H, W). An FFT blur leaves values of about -1e-8 at black pixels; values above -1e-4 are
            taken as 0, lower ones are an error.
        peak: mean number of photons of a pixel of intensity 1. Small peak, much noise.

    Raises:
        ValueError: peak <= 0, values that are not finite or below -1e-4.
    """
    from scipy.stats import poisson as law

    check_positive(peak, "peak", "the mean number of photons of a white pixel")
    check_finite(x)
    if (x < -1e-4).any():
        raise ValueError(
            f"x has negative intensities (smallest {float(x.min()):.4g}), which emit no photons: clamp it with x.clamp(min=0)."
        )
    rate = peak * x.clamp(min=0).double().cpu()
    uniform = torch.rand(x.shape, generator=generator, dtype=torch.float64)
    counts = torch.from_numpy(law.ppf(uniform.numpy(), rate.numpy()).clip(min=0))
    return (counts / peak).to(x)
