"""Single-photon imaging, [B] A.10: a few photons a pixel, dark counts, and hot pixels, with a camera that was measured.

The paper shows one scene without a reference, and so no table; its raw counts are not in our data sets. Here gray
photographs are the reflectivity, so that there is a reference, and the dark counts and hot pixels are those of the same
camera. At peak 2.5 a pixel gets about one signal photon, as in the paper.
"""

from __future__ import annotations

from functools import cache, partial

import torch
from torch import Tensor

from pnp_course import images, single_photon
from pnp_course.experiments import counting
from pnp_course.experiments.deconvolution_table import middle, pictures
from pnp_course.experiments.experiment import Case, Experiment, Problem, at_scales
from pnp_course.single_photon import Camera

PEAKS = (2.5, 10)
cases = partial(counting.cases, PEAKS)


@cache
def camera() -> Camera:
    """The measured camera; a process reads it once."""
    return single_photon.measured_camera()


def problem(case: Case) -> Problem:
    """An exposure of a gray photograph by a part of the camera."""
    scene = images.to_channels(middle(pictures(case["set"])[case["image"]], case["crop"]), 1)
    generator = torch.Generator().manual_seed(case["seed"])
    height, width = scene.shape[-2:]
    return exposed(scene, camera().crop(height, width, generator), case["peak"], generator)


def exposed(scene: Tensor, camera: Camera, peak: float, generator: torch.Generator) -> Problem:
    """The same problem for any gray scene (1, 1, H, W) and any camera of its size."""
    y = single_photon.expose(scene, camera, peak, generator)
    counts = single_photon.filled(y, camera)
    dark = single_photon.filled(camera.dark.to(y).expand_as(y), camera)  # of what `counts` has at hot pixels
    facts = {
        "fidelity": single_photon.fidelity(y, camera, peak), "camera": camera, "peak": peak,
        "counts": counts, "dark": dark, "start": (counts - dark / peak).clamp(0, 1),
    }  # fmt: skip
    return Problem(scene, y, facts)


# a colour denoiser serves gray pictures at sqrt(3) times the level: the first two are inside the certificates
METHODS = counting.methods((0.06, 0.09, 0.14), "drunet-wide")

EXPERIMENT = Experiment(
    name="single-photon",
    source="Single-photon imaging, [B] A.10",
    about="Gray photographs as reflectivity, counted at peaks 2.5 and 10 by a camera with dark counts and hot pixels.",
    cases=at_scales(partial(cases, "cbsd68"), 5, counting.TEST_IMAGES, course=counting.CROP, paper=320),
    tuning=lambda: cases("set3c", range(3), counting.TUNING_CROP),
    problem=problem,
    methods=METHODS,
    groups=("peak",),
    reference="CoCo-ADMM",
)
