"""Photon counts with read-out noise: how a picture becomes one, and two ways to restore it.

y = gain N + read_out n with N ~ Poisson(x / gain) and a standard normal n, so that E y = x and
Var y = gain x + read_out^2. One way back is a transform after which the noise has the standard deviation 1, a denoiser for
Gaussian noise, and the exact unbiased inverse. The other keeps the data and takes a likelihood near the true one.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from pnp_course import noise
from pnp_course._checks import check_image
from pnp_course.fidelities import Poisson
from pnp_course.generalised_anscombe import exact_inverse, generalised_anscombe, read_out_in_photons
from pnp_course.operators import Identity, LinearOperator


def expose(x: Tensor, gain: float, read_out: float, generator: torch.Generator) -> Tensor:
    """gain Poisson(x / gain) + read_out n for intensities x (B, C, H, W) >= 0; the result may be negative.

    Raises:
        ValueError: x has negative intensities, or gain or read_out is out of its range.
    """
    read_out_in_photons(gain, read_out)
    counted = noise.poisson(check_image(x), 1 / gain, generator)
    return noise.gaussian(counted, read_out, generator) if read_out > 0 else counted


def shifted_poisson(y: Tensor, gain: float, read_out: float, operator: LinearOperator | None = None) -> Poisson:
    """The Poisson fidelity of y + b with the background b = read_out^2 / gain, for y (B, C, H, W) as `expose` gives it.

    In photons, with s = read_out / gain and m = A x / gain, z = y / gain + s^2 has the mean m + s^2, and its variance, m of
    the counts plus s^2 of the read-out, is m + s^2 as well. A Poisson variable of that mean has the same two moments.
    The third central moments are m and m + s^2. Values of y below -b, which no count has, are lifted to it.

    Args:
        operator: A; the identity by default.

    Raises:
        ValueError: y is no batch of finite images, or gain or read_out is out of its range.
    """
    shift = read_out_in_photons(gain, read_out) * read_out
    return Poisson(operator or Identity(), (check_image(y, "y") + shift).clamp_min(0), background=shift)


def by_transform(y: Tensor, gain: float, read_out: float, denoise: Callable[[Tensor, float], Tensor]) -> Tensor:
    """Transform, denoise at the standard deviation 1, and go back without bias.

    Args:
        y: (B, C, H, W) as `expose` gives it.
        denoise: (picture, sigma) -> picture, for pictures in [0, 1]. It gets the transform divided by its value at
            intensity 1, and sigma is the inverse of this value.

    Returns:
        The restored picture (B, C, H, W), in units of intensity, >= 0.
    """
    white = float(generalised_anscombe(torch.ones((), dtype=torch.float64), gain, read_out))
    with torch.no_grad():
        smooth = denoise(generalised_anscombe(y, gain, read_out) / white, 1 / white)
    return exact_inverse(white * smooth, gain, read_out)
