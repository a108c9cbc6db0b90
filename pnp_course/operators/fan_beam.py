"""Fan-beam tomography by a sparse matrix with its exact transpose, and its filtered backprojection.

Geometry, in units of a pixel's side: the image is that of `Radon`. At angle beta the source stands at -S q, q = (-sin
beta, cos beta), and the flat detector, scaled to the image's centre, is the line through the origin along e = (cos
beta, sin beta). The ray through a point p meets it at u = S <p, e> / (S + <p, q>). For S to infinity this is the parallel
view at theta = beta.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from pnp_course._checks import check_count, check_positive
from pnp_course.operators.projector import Entries, Projector, Views, angles_of, check_evenly, quarter_turns
from pnp_course.operators.radon import filtered


class FanBeam(Projector):
    """A x = the fan-beam sinogram (B, C, views, detectors) of an image (B, C, n, n), flat detector.

    The shadow of a pixel is taken for a trapezoid between the projections of its four corners, with the height of the
    ray through its centre (separable footprints, Long, Fessler, Balter 2010); a bin gets the part that it covers. For a
    distant source the entries are those of `Radon`.

    Args:
        size: n.
        views: the number of views, evenly spaced in [0, 2 pi), or their angles in radians (V,).
        source: S, the distance of the source from the centre, more than n / sqrt(2).
        detectors: the number of bins, each 1 wide at the centre; by default there are enough to see every pixel.
        tol, max_iter: those of `Radon`.

    Memory: about 10 bytes per pixel and view in float32, if the number of views is a multiple of 4.
    """

    name = "fan-beam transform"

    def __init__(
        self,
        size: int,
        views: Views,
        source: float,
        detectors: int | None = None,
        *,
        tol: float = 1e-4,
        max_iter: int = 100,
    ):
        size, angles = check_count(size, "size"), angles_of(views, 2 * math.pi)
        self.source, radius = check_positive(source, "source"), size / math.sqrt(2)
        if self.source <= radius:
            raise ValueError(
                f"the source is {self.source:g} pixels from the centre, inside the image, whose corners are at {radius:.1f}: "
                "wanted a larger distance."
            )
        reach = self.source * radius / math.sqrt(self.source**2 - radius**2)  # where the tangent of the circle arrives
        bins = 2 * math.ceil(reach) + 2 if detectors is None else check_count(detectors, "detectors", 2)
        super().__init__(size, angles, bins, quarter_turns(angles, 4), tol, max_iter)

    def _meets(self, x: np.ndarray, y: np.ndarray, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """u of points at each view, and the distance of the points from the source along q, divided by S."""
        cos, sin = np.cos(beta)[:, None, None], np.sin(beta)[:, None, None]
        far = 1 + (cos * y - sin * x) / self.source
        return (cos * x + sin * y) / far, far

    def entries(self, theta: np.ndarray) -> Entries:
        n = self.size
        x, y = self._places(n)
        corners = [self._meets(x + a, y + b, theta)[0] for a in (-0.5, 0.5) for b in (-0.5, 0.5)]
        a, b, c, d = np.sort(np.stack(corners), axis=0)
        u = self._meets(x, y, theta)[0]
        ray = np.arctan2(self.source, u) + theta[:, None, None]  # its direction S q + u e, up to a turn
        height = 1 / np.maximum(np.abs(np.cos(ray)), np.abs(np.sin(ray)))
        middle = (self.detectors - 1) / 2
        first = np.floor(a + middle + 0.5).astype(np.int32)
        count = int(np.ceil((d - a).max())) + 1
        bins = np.stack([first + k for k in range(count)])
        ends = _trapezoid(np.stack([first, *bins + 1]) - 0.5 - middle, a, b, c, d) * height
        pixel = np.broadcast_to(np.arange(n * n, dtype=np.int32).reshape(n, n), bins.shape)
        view = np.broadcast_to(np.arange(len(theta), dtype=np.int32)[:, None, None], bins.shape)
        return view, bins, pixel, ends[1:] - ends[:-1]

    @staticmethod
    def _places(n: int) -> tuple[np.ndarray, np.ndarray]:
        place = np.arange(n) - (n - 1) / 2
        return place[None, :], -place[:, None]  # x to the right, y up

    def fbp(self, y: Tensor, kind: str = "ramp", cutoff: float = 1.0) -> Tensor:
        """Fan-beam filtered backprojection of a full turn of evenly spaced views (B, C, V, D): (B, C, n, n).

        Each row is weighted by S / sqrt(S^2 + u^2), filtered, and read at the u of each pixel, with the weight 1 / U^2, U
        the pixel's distance from the source along q divided by S (Kak and Slaney 1988, section 3.4.2).
        """
        self.check_sinogram(y)
        check_evenly(self.angles, 2 * math.pi)
        place = torch.arange(self.detectors, dtype=y.dtype, device=y.device) - (self.detectors - 1) / 2
        rows = filtered(y * self.source / (self.source**2 + place.square()).sqrt(), kind, cutoff)
        out = y.new_zeros(*y.shape[:2], self.size, self.size)
        for k, beta in enumerate(self.angles.numpy()):
            u, far = (torch.from_numpy(v[0]).to(y) for v in self._meets(*self._places(self.size), beta[None]))
            at = (u + (self.detectors - 1) / 2).clamp(0, self.detectors - 1 - 1e-3)
            low = at.floor().long()
            row, share = rows[:, :, k], at - low
            out += ((1 - share) * row[..., low] + share * row[..., low + 1]) / far.square()
        return out * (math.pi / len(self.angles))


def _trapezoid(u: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """The integral up to u of the function that rises from 0 at a to 1 at b, and falls from 1 at c to 0 at d."""

    def slope(low: np.ndarray, high: np.ndarray) -> np.ndarray:
        wide = np.maximum(high - low, 1e-6)
        return (np.square(np.maximum(u - low, 0)) - np.square(np.maximum(u - low - wide, 0))) / (2 * wide)

    return slope(a, b) - slope(c, d)
