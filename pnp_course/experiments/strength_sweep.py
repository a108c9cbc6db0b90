"""How strong a denoiser, how heavy a fidelity: GS-PnP deblurring over sigma / nu and lam together, [A] figures 7 to 9.

[A] varies one parameter and holds the other. With both, one sees which of the two a curve is about.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pnp_course.denoisers.base import AtSigma
from pnp_course.experiments.experiment import Case, Experiment, Method, Parameters, Problem
from pnp_course.experiments.gaussian_noise import NU, SCALES, TOLERANCE, kernel, observed, scene, sweep
from pnp_course.monitors import psnr_to
from pnp_course.operators import Blur
from pnp_course.solvers import Result, gs_pnp_pgd, run

RATIOS = (0.5, 1.0, 1.5, 2.0, 3.0, 5.0)  # sigma / nu
WEIGHTS = (1.0, 3.0, 6.0, 12.0, 24.0, 48.0)  # lam


def problem(case: Case) -> Problem:
    """A photograph under the Gaussian blur with noise 7.65 of 255, the same for all parameters."""
    seen = observed(scene(case), Blur(kernel("gaussian")), NU[0], case["seed"], lambda y: y)
    return Problem(seen.clean, seen.y, {**seen.facts, "ratio": case["ratio"], "lam": case["lam"]})


def restore(p: Problem, denoise: AtSigma | None, q: Parameters) -> Result:
    """GS-PnP with the parameters of the case."""
    assert denoise is not None
    at: Any = denoise.at(p.facts["ratio"] * p.facts["sigma"])
    steps = gs_pnp_pgd(p.facts["fidelity"], at, p.facts["start"], lam=p.facts["lam"])
    return run(steps, q["iterations"], tol=TOLERANCE, monitors={"psnr": psnr_to(p.clean)})


def cases(images: Iterable[int], crop: int) -> list[Case]:
    """Every image with every pair of parameters."""
    return [
        {"set": "cbsd68", "image": i, "crop": crop, "ratio": ratio, "lam": lam, "seed": i}
        for i in images
        for ratio in RATIOS
        for lam in WEIGHTS
    ]


EXPERIMENT = Experiment(
    name="strength-sweep",
    source="Denoiser's strength and weight of the fidelity, [A] figures 7 to 9",
    about="GS-PnP on photographs of CBSD68 under a Gaussian blur, noise 7.65 of 255.",
    cases=sweep(cases),
    tuning=list,
    problem=problem,
    methods={"GS-PnP": Method(restore, dict.fromkeys(SCALES, "gs-drunet"), fixed={"iterations": 30})},
    groups=("ratio", "lam"),
)
