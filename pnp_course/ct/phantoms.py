"""Phantoms: seeded slices through bodies that do not exist, drawn from blobs, textures, bones and vessels.

They are drawn in Hounsfield units (air -1000, water 0) and returned as intensities, u = (HU + 1000) / 2000, clipped to
[0, 1]: the attenuation in units of twice that of water. Three kinds of shapes, chest, abdomen and head, so that a method
can be trained on some and tested on another; a seed fixes every random choice. They look like anatomy, and are none: no
number measured on them says anything about patients.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from pnp_course._checks import check_count
from pnp_course.ct.hounsfield import from_hounsfield

KINDS = ("chest", "abdomen", "head")
AIR, LUNG, FAT, MUSCLE, BLOOD, BONE, MARROW = -1000, -850, -100, 50, 160, 900, 350  # HU; blood with contrast agent
DETAIL = 12.0  # pixels of a 128 x 128 slice: the coarsest texture


class Canvas:
    """A square picture in Hounsfield units on [-1, 1] x [-1, 1], x to the right, y up, and the random choices of one slice."""

    def __init__(self, size: int, rng: np.random.Generator):
        place = (np.arange(size) + 0.5) / size * 2 - 1
        self.x, self.y = place[None, :], -place[:, None]
        self.size, self.rng, self.hu = size, rng, np.full((size, size), float(AIR))

    def around(self, value: float, share: float = 0.12) -> float:
        """A number near `value`, uniform within this share of it."""
        return value * (1 + share * self.rng.uniform(-1, 1))

    def blob(self, cx: float, cy: float, a: float, b: float, angle: float = 0.0, wobble: float = 0.05) -> np.ndarray:
        """How much of each pixel lies in an ellipse with half axes a, b whose edge is waved, in [0, 1]."""
        c, s = math.cos(angle), math.sin(angle)
        x, y = self.x - cx, self.y - cy
        p, q = (c * x + s * y) / a, (c * y - s * x) / b
        radius, phi = np.hypot(p, q), np.arctan2(q, p)
        edge = np.ones_like(phi)
        for k in (2, 3, 4, 5):
            edge += wobble / k * self.rng.normal() * np.cos(k * phi + self.rng.uniform(0, 2 * math.pi))
        return np.clip((edge - radius) * min(a, b) * self.size / 2 + 0.5, 0, 1)

    def fill(self, mask: np.ndarray, hu: float | np.ndarray) -> None:
        """Replace what is there by `hu`, in the share of `mask`."""
        self.hu = (1 - mask) * self.hu + mask * hu

    def texture(self, amplitude: float, pixels: float = DETAIL) -> np.ndarray:
        """A smooth random field of this standard deviation, HU, with details down to a fine grain."""
        f = np.fft.fftfreq(self.size)[:, None] * self.size, np.fft.rfftfreq(self.size)[None] * self.size
        spectrum = (1 + (f[0] ** 2 + f[1] ** 2) * (pixels / 128) ** 2) ** -0.9
        field = np.fft.irfft2(np.fft.rfft2(self.rng.normal(size=(self.size, self.size))) * spectrum, s=self.hu.shape)
        return amplitude * (field - field.mean()) / field.std()

    def tissue(self, mask: np.ndarray, hu: float, amplitude: float = 12.0, pixels: float = DETAIL) -> None:
        """Fill with tissue of this mean, and a texture."""
        self.fill(mask, self.around(hu, 0.2) + self.texture(amplitude, pixels))

    def bone(self, cx: float, cy: float, a: float, b: float, angle: float = 0.0, shell: float = 0.25) -> None:
        """Marrow in a hard shell, which takes this share of the half axes."""
        self.fill(self.blob(cx, cy, a, b, angle, 0.03), self.around(BONE))
        inside = self.blob(cx, cy, a * (1 - shell), b * (1 - shell), angle, 0.05)
        self.tissue(inside, MARROW, 60.0, 4.0)

    def vessels(self, inside: np.ndarray, count: int, hu: float, largest: float) -> None:
        """Vessels that the slice cuts across, round and oblong, where `inside` is."""
        rows, columns = np.nonzero(inside > 0.9)
        for _ in range(count if len(rows) else 0):
            k = self.rng.integers(len(rows))
            radius = largest * self.rng.uniform(0.25, 1)
            long = radius * self.rng.choice([1.0, 1.3, 3.0])
            mask = self.blob(self.x[0, columns[k]], self.y[rows[k], 0], long, radius, self.rng.uniform(0, math.pi), 0.0)
            self.fill(mask * inside, self.around(hu))

    def lesions(self, inside: np.ndarray, count: int, contrast: float, largest: float) -> None:
        """Round spots of low contrast, darker or brighter than what is around them by about `contrast` HU."""
        rows, columns = np.nonzero(inside > 0.9)
        for _ in range(count if len(rows) else 0):
            k, radius = self.rng.integers(len(rows)), largest * self.rng.uniform(0.4, 1)
            mask = self.blob(self.x[0, columns[k]], self.y[rows[k], 0], radius, radius, 0.0, 0.08)
            self.hu += mask * inside * self.around(contrast, 0.5) * self.rng.choice([-1, 1])


def phantom(kind: str, seed: int, size: int = 128) -> Tensor:
    """A slice of a body that does not exist, the same for the same arguments: intensities (1, 1, size, size) in [0, 1].

    Args:
        kind: one of `KINDS`.
        seed: fixes shapes, places and textures.
        size: pixels on a side, 32 or more.

    Raises:
        ValueError: there is no such kind, or the size is too small.
    """
    if kind not in DRAW:
        raise ValueError(f"there is no phantom {kind!r}; wanted one of {', '.join(KINDS)}.")
    size, seed = check_count(size, "size", 32), check_count(seed, "seed", 0)
    canvas = Canvas(size, np.random.default_rng([KINDS.index(kind), seed]))
    DRAW[kind](canvas)
    return from_hounsfield(torch.from_numpy(canvas.hu).float()[None, None])


def _trunk(c: Canvas) -> tuple[np.ndarray, float, float]:
    """Skin, fat and the muscle wall; returns the cavity and its half axes."""
    a, b = c.around(0.84, 0.08), c.around(0.62, 0.1)
    c.tissue(c.blob(0, 0, a, b, 0.0, 0.03), FAT, 10.0)
    fat = c.rng.uniform(0.03, 0.12)
    wall = c.blob(0, 0, a - fat, b - fat, 0.0, 0.03)
    c.tissue(wall, MUSCLE, 15.0, 5.0)
    a, b = a - fat - 0.08, b - fat - 0.08
    return c.blob(0, 0.03, a, b, 0.0, 0.03), a, b


def _spine(c: Canvas, y: float) -> None:
    c.bone(c.rng.uniform(-0.03, 0.03), y, c.around(0.13), c.around(0.1))
    for side in (-1, 1):
        c.bone(side * 0.11, y - 0.15, 0.09, 0.025, side * -0.6)
    c.bone(0, y - 0.22, 0.025, 0.08)
    c.fill(c.blob(0, y - 0.13, 0.045, 0.04), MUSCLE)


def _ribs(c: Canvas, a: float, b: float, count: int) -> None:
    for angle in np.linspace(0.1, 2 * math.pi, count, endpoint=False) + c.rng.uniform(0, 0.4):
        if abs(math.cos(angle)) > 0.25:
            x, y = (a + 0.04) * math.cos(angle), 0.03 + (b + 0.04) * math.sin(angle)
            tilt = math.atan2(b * math.cos(angle), -a * math.sin(angle))
            c.bone(x, y, c.around(0.085, 0.3), c.around(0.026), tilt, 0.4)


def chest(c: Canvas) -> None:
    """Two lungs with vessels, a heart with its chambers, the aorta, spine and ribs."""
    cavity, a, b = _trunk(c)
    c.tissue(cavity, FAT / 2, 15.0)
    lungs = np.zeros_like(c.hu)
    for side in (-1, 1):
        lung = c.blob(side * a * 0.52, 0.02, a * c.around(0.4), b * c.around(0.78), side * 0.15, 0.08) * cavity
        c.tissue(lung, LUNG, 25.0, 6.0)
        lungs = np.maximum(lungs, lung)
    c.vessels(lungs, 45, MUSCLE, 0.022)
    c.lesions(lungs, 2, 700, 0.05)
    x, y = c.rng.uniform(0.02, 0.15), c.rng.uniform(0.02, 0.15)
    c.tissue(c.blob(x, y, c.around(0.27), c.around(0.2), 0.5, 0.06), MUSCLE)
    for dx, dy in ((-0.1, 0.06), (0.1, -0.03)):
        c.tissue(c.blob(x + dx, y + dy, c.around(0.1), c.around(0.07), 0.5, 0.08), BLOOD, 8.0)
    c.fill(c.blob(0.12, -0.24, 0.055, 0.055, 0.0, 0.02), c.around(BLOOD))
    _spine(c, -b + 0.16)
    _ribs(c, a, b, 14)


def abdomen(c: Canvas) -> None:
    """Liver with lesions and vessels, spleen, stomach with air, kidneys, bowel, aorta and spine."""
    cavity, a, b = _trunk(c)
    c.tissue(cavity, FAT, 12.0)
    liver = c.blob(-a * 0.42, 0.1, a * c.around(0.5), b * c.around(0.62), 0.2, 0.12) * cavity
    c.tissue(liver, 65, 10.0, 5.0)
    c.lesions(liver, 4, 40, 0.09)
    c.vessels(liver, 12, BLOOD, 0.03)
    c.tissue(c.blob(a * 0.6, -0.02, 0.13, 0.24, 0.3, 0.08) * cavity, 55)
    stomach = c.blob(a * 0.35, 0.2, c.around(0.26), c.around(0.16), -0.3, 0.1) * cavity
    c.tissue(stomach, 20)
    c.fill(c.blob(a * 0.35, 0.27, 0.14, 0.06, -0.1, 0.05) * stomach, -950)
    for side in (-1, 1):
        kidney = c.blob(side * 0.33, -0.2, 0.1, c.around(0.14), side * 0.3, 0.06) * cavity
        c.tissue(kidney, BLOOD, 10.0)
        c.fill(c.blob(side * 0.29, -0.2, 0.04, 0.07, side * 0.3, 0.1) * kidney, FAT / 2)
    for _ in range(6):
        x, y = c.rng.uniform(-0.1, 0.5), c.rng.uniform(-0.12, 0.2)
        loop = c.blob(x, y, c.around(0.07), c.around(0.05), c.rng.uniform(0, 3), 0.1) * cavity
        c.tissue(loop, 30)
        c.fill(c.blob(x, y, 0.025, 0.02) * loop, c.rng.choice([-900, 250, 20]))
    c.fill(c.blob(0.05, -0.16, 0.05, 0.05, 0.0, 0.02), c.around(BLOOD))
    c.fill(c.blob(-0.08, -0.15, 0.06, 0.04, 0.0, 0.02), c.around(BLOOD))
    _spine(c, -b + 0.2)
    _ribs(c, a, b, 11)


def head(c: Canvas) -> None:
    """A skull, brain with folds, ventricles, sinuses and a bleeding."""
    a, b = c.around(0.62, 0.06), c.around(0.78, 0.06)
    c.tissue(c.blob(0, 0, a, b, 0.0, 0.015), MUSCLE, 15.0)
    c.fill(c.blob(0, 0, a - 0.05, b - 0.05, 0.0, 0.015), c.around(BONE))
    brain = c.blob(0, 0, a - 0.13, b - 0.13, 0.0, 0.015)
    c.tissue(brain, 38, 6.0, 3.0)
    c.fill(brain * np.clip(c.texture(1.0, 8.0) - 0.6, 0, 1), 20)
    c.fill(c.blob(0, 0, 0.008, b - 0.16, 0.0, 0.0) * brain, 60)
    for side in (-1, 1):
        c.fill(c.blob(side * 0.09, c.around(0.12), 0.045, 0.2, side * -0.25, 0.08), 8)
        c.fill(c.blob(side * 0.2, -0.05, 0.07, 0.12, side * 0.2, 0.1) * brain, 45)
    c.lesions(brain, 3, 30, 0.1)
    c.vessels(brain, 10, BLOOD, 0.014)
    for x in (-0.08, 0.09):
        c.fill(c.blob(x, b - 0.1, 0.06, 0.035, 0.0, 0.1), -980)
    for side in (-1, 1):
        c.bone(side * (a - 0.2), -0.25, 0.12, 0.06, side * 0.5, 0.3)
        c.vessels(c.blob(side * (a - 0.2), -0.25, 0.09, 0.05, side * 0.5), 6, -900, 0.02)


DRAW: dict[str, Callable[[Canvas], None]] = {"chest": chest, "abdomen": abdomen, "head": head}


def shepp_logan(size: int = 128) -> Tensor:
    """The modified Shepp-Logan phantom (Toft 1996) as scikit-image ships it, (1, 1, size, size) in [0, 1]: a sanity case."""
    from skimage.data import shepp_logan_phantom
    from skimage.transform import resize

    picture = resize(shepp_logan_phantom(), (check_count(size, "size", 32), size), anti_aliasing=True)
    return torch.from_numpy(picture).float().clamp(0, 1)[None, None]
