"""Super-resolution by 2 and 3 with Gaussian noise, [A] section 4. At course scale three Gaussian kernels take turns."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import cycle, product

from pnp_course.experiments.experiment import Case, Experiment, Problem
from pnp_course.experiments.gaussian_noise import METHODS, NU, TEST_IMAGES, observed, scene
from pnp_course.operators import Decimation, kernels
from pnp_course.operators.decimation import upsample

FACTORS = (2, 3)
STDS = (0.7, 1.2, 1.6, 2.0)  # standard deviations of the kernels, in pixels of the large picture
CROP = 120  # a multiple of both factors and of the 8 that the network halves down to


def problem(case: Case) -> Problem:
    """A photograph, blurred, every second or third pixel kept, with noise; the methods start at a bicubic enlargement."""
    clean, factor = scene(case), case["factor"]
    height, width = (n // factor * factor for n in clean.shape[-2:])
    operator = Decimation(kernels.gaussian(25, case["std"]), factor)
    start = lambda y: upsample(y, factor)  # noqa: E731
    return observed(clean[..., :height, :width], operator, NU[0], case["seed"], start)


def cases(name: str, pairs: Iterable[tuple[int, float]], crop: int) -> list[Case]:
    """Every pair of image and kernel at every factor."""
    return [
        {"set": name, "image": i, "crop": crop, "std": std, "factor": factor, "seed": 100 * i + factor}
        for i, std in pairs
        for factor in FACTORS
    ]


EXPERIMENT = Experiment(
    name="super-resolution",
    source="Super-resolution, [A] section 4",
    about="Photographs of CBSD68 blurred by Gaussians of 0.7, 1.2 and 1.6 pixels, decimated, noise 7.65 of 255.",
    cases={
        "course": lambda n: cases(
            "cbsd68", zip(range(2, 68, 5)[: n or TEST_IMAGES], cycle(STDS[:3]), strict=False), CROP
        ),
        "paper": lambda n: cases("cbsd68", product(range(68)[:n], STDS), 0),
    },
    tuning=lambda: cases("set3c", zip(range(3), STDS[:3], strict=True), 72),
    problem=problem,
    methods=METHODS,
    reference="GS-PnP",
    groups=("factor",),
)
