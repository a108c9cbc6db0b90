"""Hounsfield units and intensities: HU = 1000 (mu - mu_water) / mu_water, u = mu / (2 mu_water)."""

from __future__ import annotations

from torch import Tensor

from pnp_course._checks import check_floating, check_positive, check_same_shape

WATER = 0.5  # the intensity of water; air has 0
WATER_PER_MM = 0.02  # attenuation of water at about 70 keV, 1/mm


def from_hounsfield(hu: Tensor) -> Tensor:
    """Intensities (HU + 1000) / 2000, clipped to [0, 1]: -1000 HU (air) is 0, 0 HU (water) 1/2, and 1000 HU 1."""
    return ((check_floating(hu, "hu") + 1000) / 2000).clamp(0, 1)


def to_hounsfield(u: Tensor) -> Tensor:
    """2000 u - 1000."""
    return 2000 * check_floating(u, "u") - 1000


def window(u: Tensor, centre: float = 40.0, width: float = 400.0) -> Tensor:
    """Intensities as a radiologist looks at them: the Hounsfield units centre - width/2 to centre + width/2 as [0, 1]."""
    check_positive(width, "width", "the number of Hounsfield units between black and white")
    return ((to_hounsfield(u) - centre) / width + 0.5).clamp(0, 1)


def difference(x: Tensor, clean: Tensor, width: float = 200.0) -> Tensor:
    """x - clean as a picture in [0, 1], of the shape of both: gray where they agree, white where x is width / 2 HU denser.

    Raises:
        ValueError: the shapes differ, or the width is not positive.
    """
    check_same_shape(x, clean, "x", "clean")
    check_positive(width, "width", "the number of Hounsfield units between black and white")
    return ((to_hounsfield(x) - to_hounsfield(clean)) / width + 0.5).clamp(0, 1)
