"""What a wrong noise level, peak or kernel costs: the methods are told a factor times the true one, and nothing else changes.

Three sweeps: a photograph under a Gaussian blur with Gaussian noise, of which the noise level, or the width of the kernel, is
told wrong; and photon counts without a blur, of which the peak is told wrong. The counts are seen as intensities, so that a
wrong peak is a wrong noise level and not a wrong brightness. Parameters were chosen on three crops of Set3C with everything told
right, from a coarse grid (weights 0.4, 0.8, 1.6, for DPIR 2, 4, 8; levels 0.06, 0.1, 0.15), at whose edge some are.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

from pnp_course import noise, solvers
from pnp_course.denoisers.base import AtSigma
from pnp_course.experiments.experiment import Case, Experiment, Method, Parameters, Problem
from pnp_course.experiments.gaussian_noise import NU, SCALES, TOLERANCE, scene, sweep
from pnp_course.fidelities import Gaussian, Poisson
from pnp_course.monitors import psnr_to
from pnp_course.operators import Blur, Identity, kernels
from pnp_course.solvers import Result, run

FACTORS = (0.5, 0.7, 1.0, 1.4, 2.0)
PEAK, WIDTH = 30.0, 1.6  # photons of a white pixel; standard deviation of the kernel, pixels


def problem(case: Case) -> Problem:
    """The observation with the true parameters; `fidelity` has the kernel that is told, `variance` the noise."""
    clean, generator = scene(case), torch.Generator().manual_seed(case["seed"])
    if case["counts"]:
        y = noise.poisson(clean, PEAK, generator)
        return Problem(
            clean, y, {"fidelity": Poisson(Identity(), y), "variance": 1 / (case["noise"] * PEAK), "end": NU[1]}
        )
    y = noise.gaussian(Blur(kernels.gaussian(25, WIDTH))(clean), NU[0], generator)
    told = Blur(kernels.gaussian(25, case["kernel"] * WIDTH))
    nu = case["noise"] * NU[0]
    return Problem(clean, y, {"fidelity": Gaussian(told, y), "variance": nu**2, "end": nu})


def restore(p: Problem, denoise: AtSigma | None, q: Parameters) -> Result:
    """The solver, its weight `strength` times sigma^2 over the variance that is told; DPIR ends at the level told."""
    assert denoise is not None
    level = p.facts["end"] if q["solver"] == "dpir" else q["sigma"]
    others = {name: q[name] for name in ("t",) if name in q}
    if q["solver"] == "dpir":
        others["iterations"] = q["iterations"]
    strength = q["of counts"] if isinstance(p.facts["fidelity"], Poisson) else q["strength"]
    steps = getattr(solvers, q["solver"])(
        p.facts["fidelity"], denoise.at(level), p.y, lam=strength * level**2 / p.facts["variance"], **others
    )
    tol = 0.0 if q["solver"] == "dpir" else TOLERANCE
    return run(steps, q["iterations"], tol=tol, monitors={"psnr": psnr_to(p.clean)})


def cases(images: Iterable[int], crop: int) -> list[Case]:
    """Every image in each of the three sweeps; the two with a blur share the case in which all is told right."""
    told = [(0, f, 1.0) for f in FACTORS] + [(0, 1.0, f) for f in FACTORS if f != 1] + [(1, f, 1.0) for f in FACTORS]
    return [
        {"set": "cbsd68", "image": i, "crop": crop, "counts": counts, "noise": factor, "kernel": width, "seed": i}
        for i in images
        for counts, factor, width in told
    ]


def method(
    solver: str, denoiser: str, sigma: float, strengths: tuple[float, float], iterations: int, **others: float
) -> Method:
    """A method; strengths: with Gaussian noise, and with counts."""
    fixed = {
        "solver": solver,
        "sigma": sigma,
        "strength": strengths[0],
        "of counts": strengths[1],
        "iterations": iterations,
    }
    return Method(restore, dict.fromkeys(SCALES, denoiser), fixed={**fixed, **others})


METHODS = {
    "DPIR": method("dpir", "drunet", NU[0], (8.0, 4.0), 8),
    "RMMO-DRS": method("rmmo_drs", "rmmo", 0.15, (1.6, 0.8), 30),
    "CoCo-ADMM": method("coco_admm", "coco-gs-0.25", 0.1, (0.8, 0.8), 30, t=0.33),
}
EXPERIMENT = Experiment(
    name="robustness",
    source="A wrong noise level, peak or kernel (an experiment of this course)",
    about="Photographs of CBSD68; the noise (0: Gaussian, told sigma; 1: counts, told peak) or the kernel's width is told wrong.",
    cases=sweep(cases),
    tuning=list,
    problem=problem,
    methods=METHODS,
    groups=("counts", "noise", "kernel"),
    reference="CoCo-ADMM",
)
