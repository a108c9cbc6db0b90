"""Inpainting of single lost pixels, [A] section 4: half of the pixels are lost, the others are noisy.

[A] has no noise. With noise the fidelity has a gradient, so that every method can take part.
The chosen weights of GS-PnP, RED and DPIR are the heaviest of their grids. That is not the fault of the grids: seen pixels are
nearly kept, and eight times the weight gave 0.02 to 0.08 dB more on the tuning pictures.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import numpy as np
import torch
from scipy.interpolate import griddata
from torch import Tensor

from pnp_course.experiments.experiment import Case, Experiment, Problem, at_scales
from pnp_course.experiments.gaussian_noise import CROP, METHODS, NU, SMALL, TEST_IMAGES, TUNING, observed, scene
from pnp_course.operators import Mask
from pnp_course.operators.mask import random_mask

KEPT = 0.5


def interpolated(y: Tensor, mask: Tensor) -> Tensor:
    """y (1, C, H, W) where mask (H, W) is 1, and elsewhere linear interpolation of these pixels (nearest outside)."""
    seen = np.argwhere(mask.numpy() > 0)
    grid = tuple(np.mgrid[: mask.shape[0], : mask.shape[1]])
    values = y[0].permute(1, 2, 0).numpy()[seen[:, 0], seen[:, 1]]
    out = griddata(seen, values, grid, method="linear")
    out = np.where(np.isnan(out), griddata(seen, values, grid, method="nearest"), out)
    filled = torch.from_numpy(out).permute(2, 0, 1)[None].to(y)
    return torch.where(mask > 0, y, filled)


def problem(case: Case) -> Problem:
    """A photograph of which each pixel is seen with probability KEPT; the methods start at the interpolation."""
    clean = scene(case)
    height, width = clean.shape[-2:]
    mask = random_mask(height, width, KEPT, torch.Generator().manual_seed(case["seed"]))
    return observed(clean, Mask(mask), NU[0], case["seed"], lambda y: interpolated(y, mask))


def cases(name: str, images: Iterable[int], crop: int) -> list[Case]:
    """Each image with a mask and a noise of its own."""
    return [{"set": name, "image": i, "crop": crop, "seed": i} for i in images]


EXPERIMENT = Experiment(
    name="inpainting",
    source="Inpainting of single pixels, [A] section 4",
    about="Photographs of CBSD68, half of the pixels lost, noise 7.65 of 255.",
    cases=at_scales(partial(cases, "cbsd68"), 5, TEST_IMAGES, small=SMALL, course=CROP, paper=0),
    tuning=lambda: cases("set3c", (0,), TUNING),
    problem=problem,
    methods=METHODS,
    reference="GS-PnP",
)
