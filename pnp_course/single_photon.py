"""Single-photon imaging: each pixel counts a few photons, some dark counts, and some pixels are of no use.

y ~ Poisson(peak u + dark) / peak, [B] (1) with A the mask of the good pixels and a background. The camera is that of Shin
et al. (2016), measured, where its data can be had, and else one drawn at random that is like it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pnp_course import noise
from pnp_course._checks import check_count, check_counts, check_floating, check_image, check_shape
from pnp_course.datasets import dataset
from pnp_course.fidelities import Poisson
from pnp_course.operators import Mask

# what the measured camera has: the median of the dark counts of an exposure, the standard deviation of their logarithm,
# the share of hot pixels, and how many times the median these count
MEDIAN, SPREAD, HOT_SHARE, HOT = 0.18, 0.5, 0.02, 20.0


@dataclass(frozen=True)
class Camera:
    """A single-photon camera.

    dark: (H, W), the mean number of counts of an exposure without light. hot: (H, W), boolean, the pixels whose counts are
        not used.

    Raises:
        ValueError: the shapes are not one (H, W), a dark count is negative or not finite, or hot is not boolean or all True.
    """

    dark: Tensor
    hot: Tensor

    def __post_init__(self) -> None:
        """Check the two maps."""
        check_counts(check_floating(self.dark, "dark"), "dark")
        if self.dark.ndim != 2 or self.hot.shape != self.dark.shape:
            raise ValueError(
                f"dark has shape {tuple(self.dark.shape)} and hot {tuple(self.hot.shape)}; wanted one shape (H, W)."
            )
        if self.hot.dtype != torch.bool:
            raise ValueError(
                f"hot has dtype {self.hot.dtype}; wanted torch.bool, True where a pixel is not used: hot > 0."
            )
        if bool(self.hot.all()):
            raise ValueError("every pixel of the camera is hot; wanted at least one that is used.")

    def crop(self, height: int, width: int, generator: torch.Generator) -> Camera:
        """A part of this size, at a random place.

        Raises:
            ValueError: the camera is smaller.
        """
        rooms = (self.dark.shape[0] - height, self.dark.shape[1] - width)
        if min(rooms) < 0:
            raise ValueError(
                f"the camera has {tuple(self.dark.shape)} pixels, fewer than {(height, width)}; wanted a smaller crop."
            )
        top, left = (int(torch.randint(room + 1, (), generator=generator)) for room in rooms)
        part = (slice(top, top + height), slice(left, left + width))
        return Camera(self.dark[part], self.hot[part])


def measured_camera() -> Camera:
    """The camera of Shin et al. (2016), 384 x 384 pixels; dark counts as their program takes them, background / 100.

    Raises:
        MissingDataError: its data are not on this machine and cannot be downloaded; `random_camera` needs none.
    """
    from scipy.io import loadmat

    file = next(path for path in dataset("spad") if path.name == "data_supp.mat")
    facts = loadmat(file)
    return Camera(torch.from_numpy(facts["B"] / 100).float(), torch.from_numpy(facts["M"] > 0))


def random_camera(height: int, width: int, generator: torch.Generator) -> Camera:
    """A camera like the measured one: log-normal dark counts, and two hot pixels in a hundred that count 20 times more."""
    shape = (check_count(height, "height"), check_count(width, "width"))
    dark = MEDIAN * torch.exp(SPREAD * torch.randn(shape, generator=generator))
    hot = torch.rand(shape, generator=generator) < HOT_SHARE
    return Camera(torch.where(hot, HOT * dark, dark), hot)


def expose(scene: Tensor, camera: Camera, peak: float, generator: torch.Generator) -> Tensor:
    """Poisson(peak u + dark) / peak for a reflectivity u (B, C, H, W) in [0, 1] and a camera of H x W pixels.

    Args:
        peak: the mean number of signal photons of a pixel of reflectivity 1.

    Raises:
        ValueError: the sizes differ, or peak <= 0.
    """
    _check_size(check_image(scene, "the scene"), camera)
    return noise.poisson(scene + (camera.dark / peak).to(scene), peak, generator)


def fidelity(y: Tensor, camera: Camera, peak: float) -> Poisson:
    """The Poisson fidelity of the good pixels, with the dark counts as background; y is counts / peak (B, C, H, W)."""
    good = (~camera.hot).to(_check_size(y, camera))
    return Poisson(Mask(good), good * y, background=good * camera.dark.to(y) / peak)


def filled(y: Tensor, camera: Camera) -> Tensor:
    """y (B, C, H, W) with each hot pixel replaced by the mean of the good ones in the smallest square around it with any."""
    good = (~camera.hot).to(_check_size(y, camera)).expand_as(y)
    out, known, side = good * y, good > 0, 3
    while not bool(known.all()) and side < 2 * max(y.shape[-2:]):
        near = F.avg_pool2d(good, side, 1, side // 2)
        mean = F.avg_pool2d(good * y, side, 1, side // 2) / near.clamp_min(1e-12)
        out, known = torch.where(known | (near == 0), out, mean), known | (near > 0)
        side += 2
    return out


def _check_size(y: Tensor, camera: Camera) -> Tensor:
    if check_shape(y).shape[-2:] != camera.dark.shape:
        raise ValueError(
            f"the image is {tuple(y.shape[-2:])} and the camera {tuple(camera.dark.shape)} pixels; wanted the same size: "
            "camera.crop(height, width, generator) gives a part."
        )
    return y
