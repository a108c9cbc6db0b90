"""A simulated scan: line integrals of a finer picture than the one to restore, and counted photons.

With data made by the same matrix that restores them, errors of the discretisation would cancel, and every method would
look better than it is (the inverse crime, Colton and Kress). So the body is drawn on twice as fine a grid, its strips
are half as wide, and only their sums are counted. The reference is the mean over 2 x 2 fine pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from pnp_course import noise
from pnp_course._checks import check_image, check_positive
from pnp_course.ct.hounsfield import WATER, WATER_PER_MM
from pnp_course.operators import Radon
from pnp_course.ray_fidelities import Emission, Transmission, WeightedLeastSquares

VIEWS = 60
FIELD = 300.0  # mm, the side of a slice
DELTA = 5.0  # of `Emission`, pixels times intensity: little beside the 50 through a body


@cache
def geometry(size: int, views: int = VIEWS) -> Radon:
    """The parallel beam of this many views for slices of size x size; one object for each, since its matrix is large."""
    return Radon(size, views)


@cache
def _fine(size: int, views: int) -> Radon:
    return Radon(2 * size, views, 2 * geometry(size, views).detectors)


def kappa(size: int) -> float:
    """Attenuation of intensity 1 along one pixel of a slice of 300 mm: 2 x 0.02 / mm x the pixel's side."""
    return WATER_PER_MM / WATER * FIELD / size


@dataclass(frozen=True)
class Scan:
    """What a scanner saw of `clean` (B, 1, n, n), and the true line integrals `rays` (B, 1, views, detectors)."""

    clean: Tensor
    rays: Tensor
    operator: Radon

    def emission(self, peak: float, seed: int) -> Tensor:
        """Counts / peak with counts ~ Poisson(peak A u), the model of [B] (1): few photons where little is in the way."""
        return noise.poisson(self.rays, peak, torch.Generator().manual_seed(seed))

    def transmission(self, photons: float, seed: int) -> Tensor:
        """Counts / I0 with counts ~ Poisson(I0 exp(-kappa A u)), Beer and Lambert's law: few behind what is thick."""
        arriving = (-kappa(self.operator.size) * self.rays).exp()
        return noise.poisson(arriving, photons, torch.Generator().manual_seed(seed))


def scan(fine: Tensor, views: int = VIEWS) -> Scan:
    """Scan a picture (B, 1, 2n, 2n) in [0, 1]; the slice to restore is n x n.

    Raises:
        ValueError: the picture is not square, has an odd side, or not one channel.
    """
    check_image(fine, "fine", 1)
    if fine.shape[-1] != fine.shape[-2] or fine.shape[-1] % 2:
        raise ValueError(
            f"the picture is {fine.shape[-2]} x {fine.shape[-1]}; wanted a square with an even side, twice that of the slice."
        )
    size = fine.shape[-1] // 2
    halves = _fine(size, views)(fine)
    rays = (halves[..., ::2] + halves[..., 1::2]) / 4  # fine pixels have a quarter of the area
    return Scan(F.avg_pool2d(fine, 2), rays, geometry(size, views))


def least_squares_of_emission(operator: Radon, y: Tensor) -> WeightedLeastSquares:
    """PWLS for `Scan.emission`: a ray's variance is y / peak, of which the weights leave out the peak, as `Emission` does.

    Rays that miss the body count nothing, which would give them all the weight: the weights are 1 / (y + delta), the
    curvature of `Emission` at l = y.
    """
    return WeightedLeastSquares(operator, y, 1 / (y + DELTA))


def least_squares_of_transmission(operator: Radon, y: Tensor, photons: float) -> WeightedLeastSquares:
    """PWLS for `Scan.transmission`: line integrals -log(y) / kappa with the weights kappa^2 y of the delta method.

    Where no photon arrives there is no logarithm; half a photon is taken, with the weight of nothing.
    """
    q = kappa(operator.size)
    least = 0.5 / check_positive(photons, "photons")
    return WeightedLeastSquares(operator, -y.clamp_min(least).log() / q, q**2 * y)


def emission(operator: Radon, y: Tensor) -> Emission:
    """The papers' fidelity for `Scan.emission`."""
    return Emission(operator, y, delta=DELTA)


def transmission(operator: Radon, y: Tensor) -> Transmission:
    """The fidelity of the counts themselves for `Scan.transmission`, before any logarithm."""
    return Transmission(operator, y, kappa(operator.size))
