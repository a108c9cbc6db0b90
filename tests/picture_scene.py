"""Random pictures, what a file that shows them holds, and the comparison; for the tests of picture files."""

import itertools

import numpy as np
import torch

from pnp_course import images

H, W = 5, 7
RNG = np.random.default_rng(3)
# which side of the scene the first row and the first column of the stored array show (TIFF 6.0, page 36)
SIDES = {
    1: ("top", "left"), 2: ("top", "right"), 3: ("bottom", "right"), 4: ("bottom", "left"),
    5: ("left", "top"), 6: ("right", "top"), 7: ("right", "bottom"), 8: ("left", "bottom"),
}  # fmt: skip


def stored(scene, orientation):
    """The array that shows `scene` (H, W, S) under this orientation, pixel by pixel."""
    height, width = scene.shape[:2]
    place = {
        "top": lambda i: ("y", i), "bottom": lambda i: ("y", height - 1 - i),
        "left": lambda i: ("x", i), "right": lambda i: ("x", width - 1 - i),
    }  # fmt: skip
    shape = (width, height) if orientation >= 5 else (height, width)
    out = np.empty((*shape, scene.shape[2]), scene.dtype)
    for row, column in itertools.product(*map(range, shape)):
        at = dict(place[side](i) for side, i in zip(SIDES[orientation], (row, column), strict=True))
        out[row, column] = scene[at["y"], at["x"]]
    return out


def random_scene(samples, dtype, top=None):
    if np.dtype(dtype).kind == "f":
        return RNG.random((H, W, samples)).astype(dtype)
    return RNG.integers(0, (top or np.iinfo(dtype).max) + 1, (H, W, samples), dtype=dtype)


def unit(scene):
    return scene.astype(float) / (1 if scene.dtype.kind == "f" else np.iinfo(scene.dtype).max)


def assert_shows(path, want, tolerance=1e-6):
    got = images.read_image(path)
    assert got.dtype == torch.float32
    assert got.is_contiguous()
    assert got.shape == (1, want.shape[2], *want.shape[:2])
    np.testing.assert_allclose(got[0].permute(1, 2, 0).numpy(), want, atol=tolerance, rtol=0)
