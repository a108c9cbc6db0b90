"""The first step tau_0 of the line search, [A] figure 12: GS-PnP super-resolution by 2."""

from __future__ import annotations

from collections.abc import Iterable

from pnp_course.denoisers.base import AtSigma
from pnp_course.experiments import super_resolution_table
from pnp_course.experiments.experiment import Case, Experiment, Method, Parameters, Problem
from pnp_course.experiments.gaussian_noise import NU, SCALES, TOLERANCE, sweep
from pnp_course.monitors import psnr_to
from pnp_course.solvers import Result, gs_pnp_pgd, run

STEPS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


def problem(case: Case) -> Problem:
    """Super-resolution by 2 of a photograph."""
    p = super_resolution_table.problem(case)
    return Problem(p.clean, p.y, {**p.facts, "step": case["step"]})


def restore(p: Problem, denoise: AtSigma | None, q: Parameters) -> Result:
    """GS-PnP with the first step of the case."""
    steps = gs_pnp_pgd(p.facts["fidelity"], denoise, p.facts["start"], lam=q["lam"], step=p.facts["step"])  # type: ignore[arg-type]
    return run(steps, q["iterations"], tol=TOLERANCE, monitors={"psnr": psnr_to(p.clean)})


def cases(images: Iterable[int], crop: int) -> list[Case]:
    """Every image with every first step."""
    return [
        {"set": "cbsd68", "image": i, "crop": crop, "std": 1.2, "factor": 2, "step": step, "seed": i}
        for i in images
        for step in STEPS
    ]


EXPERIMENT = Experiment(
    name="step-sweep",
    source="The first step of the line search, [A] figure 12",
    about="GS-PnP enlarging photographs of CBSD68 by 2, noise 7.65 of 255.",
    cases=sweep(cases),
    tuning=list,
    problem=problem,
    methods={
        "GS-PnP": Method(
            restore,
            dict.fromkeys(SCALES, "gs-drunet"),
            fixed={"sigma": 2 * NU[0], "lam": 1 / 0.065, "iterations": 30},  # those of Hurault et al. (2022)
        )
    },
    groups=("step",),
)
