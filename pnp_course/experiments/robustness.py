"""What a wrong noise level, peak or kernel costs: the methods are told a factor times the true one, and nothing else changes.

Three sweeps: a photograph under a Gaussian blur with Gaussian noise, of which the noise level, or the width of the kernel, is
told wrong; and photon counts without a blur, of which the peak is told wrong. The counts are seen as intensities, so that a
wrong peak is a wrong noise level and not a wrong brightness. Parameters are chosen with everything told right, nine settings for
each method. DPIR's last noise level is the one that is told, so that its nine are weights. (With counts two choices lie at an
end of their grid; a first, wider one had tried what lies beyond, and it was worse.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from pnp_course import noise, solvers
from pnp_course.denoisers.base import AtSigma
from pnp_course.experiments.deconvolution_table import COCO, T
from pnp_course.experiments.experiment import Case, Experiment, Method, Parameters, Problem, at_scales
from pnp_course.experiments.gaussian_noise import NU, SCALES, SMALL, TOLERANCE, scene
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
    steps = getattr(solvers, q["solver"])(
        p.facts["fidelity"], denoise.at(level), p.y, lam=q["strength"] * level**2 / p.facts["variance"], **others
    )
    tol = 0.0 if q["solver"] == "dpir" else TOLERANCE
    return run(steps, q["iterations"], tol=tol, monitors={"psnr": psnr_to(p.clean)})


def case(data: str, image: int, crop: int, counts: int, noise: float, kernel: float) -> Case:
    """An image with Gaussian noise or counts, of which the noise and the kernel's width are told so many times the true."""
    return {
        "set": data,
        "image": image,
        "crop": crop,
        "counts": counts,
        "noise": noise,
        "kernel": kernel,
        "seed": image,
    }


def cases(images: Iterable[int], crop: int) -> list[Case]:
    """Every image in each of the three sweeps; the two with a blur share the case in which all is told right."""
    told = [(0, f, 1.0) for f in FACTORS] + [(0, 1.0, f) for f in FACTORS if f != 1] + [(1, f, 1.0) for f in FACTORS]
    return [case("cbsd68", i, crop, *said) for i in images for said in told]


def method(
    solver: str, denoiser: str, sigmas: Sequence[float], strengths: Sequence[float], iterations: int, **others: float
) -> Method:
    """A method and its grid."""
    fixed = {"solver": solver, "iterations": iterations, **others}
    return Method(restore, dict.fromkeys(SCALES, denoiser), {"sigma": sigmas, "strength": strengths}, fixed)


METHODS = {
    "DPIR": method("dpir", "drunet", (NU[0],), (1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 11.0, 16.0), 8),
    "RMMO-DRS": method("rmmo_drs", "rmmo", (0.1, 0.15, 0.2), (0.8, 1.6, 3.2), 30),
    "CoCo-ADMM": method("coco_admm", COCO, (0.06, 0.1, 0.15), (0.6, 1.1, 2.0), 30, t=T),
}
EXPERIMENT = Experiment(
    name="robustness",
    source="A wrong noise level, peak or kernel (an experiment of this course)",
    about="Photographs of CBSD68; the noise (0: Gaussian, told sigma; 1: counts, told peak) or the kernel's width is told wrong.",
    cases=at_scales(cases, 5, 12, small=SMALL, course=96, paper=0),
    tuning=lambda: [case("set3c", i, 96, counts, 1.0, 1.0) for i in range(3) for counts in (0, 1)],
    problem=problem,
    methods=METHODS,
    groups=("counts", "noise", "kernel"),
    tuned_as=lambda told: {**told, "noise": 1.0, "kernel": 1.0},
    reference="CoCo-ADMM",
)
