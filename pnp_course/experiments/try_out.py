"""A small experiment on shipped photographs, a minute on two cores: it tries the machinery, and is a model to copy."""

from __future__ import annotations

from pnp_course import deconvolution, images
from pnp_course.denoisers.base import AtSigma
from pnp_course.experiments.experiment import Case, Experiment, Method, Parameters, Problem
from pnp_course.fidelities import Poisson
from pnp_course.monitors import psnr_to
from pnp_course.operators import Blur, kernels
from pnp_course.solvers import Result, coco_admm, run


def problem(case: Case) -> Problem:
    """A 64 x 64 crop of a photograph, blurred by a shake and counted."""
    clean, kernel = images.photo(case["image"], 64), kernels.motion(9, case["kernel"])
    y = deconvolution.degrade(clean, kernel, case["peak"], case["seed"])
    return Problem(clean, y, {"fidelity": Poisson(Blur(kernel), y), "kernel": kernel})


def coco(p: Problem, denoise: AtSigma | None, q: Parameters) -> Result:
    """Five iterations of CoCo-ADMM."""
    solver = coco_admm(p.facts["fidelity"], denoise, p.y, lam=q["lam"], t=0.25)  # type: ignore[arg-type]
    return run(solver, q["iterations"], monitors={"psnr": psnr_to(p.clean)})


def cases(photos: list[str]) -> list[Case]:
    """Each photograph at two peaks."""
    return [{"image": name, "kernel": 1, "peak": peak, "seed": 0} for name in photos for peak in (100, 50)]


EXPERIMENT = Experiment(
    name="try-out",
    source="A trial of the machinery",
    about="Small crops of two photographs, three methods.",
    cases={"course": lambda n: cases(["astronaut", "coffee"][:n])},
    tuning=lambda: cases(["chelsea"]),
    problem=problem,
    methods={
        "observation": Method(lambda p, denoise, q: p.y),
        "Wiener": Method(lambda p, denoise, q: deconvolution.wiener(p.y, p.facts["kernel"], q["balance"]),
                         grid={"balance": (0.01, 0.03, 0.1, 0.3)}),
        "CoCo-ADMM": Method(coco, {"course": "coco-gs-0.25"}, grid={"sigma": (0.1, 0.15), "lam": (1.0, 2.0)},
                            fixed={"iterations": 5}),
    },
    groups=("peak",),
)  # fmt: skip
