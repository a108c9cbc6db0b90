"""Inpainting of holes that grow while their share stays: a quarter of the pixels in squares, no noise, [A] figure 13.

The result agrees with the seen pixels, so the PSNR of the whole picture is that of the holes plus 10 log10(4) = 6.02 dB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from pnp_course.denoisers.base import AtSigma
from pnp_course.experiments.experiment import Case, Experiment, Method, Parameters, Problem
from pnp_course.experiments.gaussian_noise import SCALES, TOLERANCE, scene, sweep
from pnp_course.experiments.inpainting_table import interpolated
from pnp_course.fidelities import Gaussian
from pnp_course.monitors import psnr_to
from pnp_course.operators import Mask
from pnp_course.solvers import Iterate, Result, dpir, gs_pnp_pgd, run

SIDES = (1, 2, 4, 8, 16)
SMALL = 64  # the side of the crops at scale "small": holes of all sides fit in
EXACT = 1e4  # a weight of the fidelity at which the seen pixels stay what they are


def holes(height: int, width: int, side: int) -> Tensor:
    """A mask (height, width), 0 in squares of `side` pixels, one in each square of 2 side, and 1 elsewhere."""
    rows, columns = ((torch.arange(n) + side // 2) // side % 2 == 1 for n in (height, width))
    return 1.0 - (rows[:, None] & columns[None, :]).float()


def problem(case: Case) -> Problem:
    """A photograph with holes; `filled` is linear interpolation."""
    clean = scene(case)
    height, width = clean.shape[-2:]
    mask = holes(height, width, case["side"])
    operator = Mask(mask)
    y = operator(clean)
    facts = {"fidelity": Gaussian(operator, y), "mask": mask, "filled": interpolated(y, mask)}
    return Problem(clean, y, facts)


def inpaint(p: Problem, denoise: AtSigma, x0: Tensor, q: Parameters) -> Result:
    """GS-PnP as [A] does it: ten iterations at the level `first` (none if it is 0), then the others at `sigma`."""
    if q["first"]:
        x0 = run(gs_pnp_pgd(p.facts["fidelity"], denoise.at(q["first"]), x0, lam=EXACT), 10).iterate.u  # type: ignore[arg-type]
    steps = gs_pnp_pgd(p.facts["fidelity"], denoise, x0, lam=EXACT)  # type: ignore[arg-type]
    psnr = {"psnr": lambda iterate: psnr_to(p.clean)(Iterate(iterate.u, denoiser_input=iterate.u))}
    result = run(steps, q["iterations"], tol=TOLERANCE, monitors=psnr)
    return exactly(p, result, result.iterate.u)


def exactly(p: Problem, result: Result, x: Tensor) -> Result:
    """The result with the seen pixels as they were seen."""
    whole = torch.where(p.facts["mask"] > 0, p.y, x)
    return Result(Iterate(whole, denoiser_input=whole), result.rows, result.stopped_by)


def by_dpir(p: Problem, denoise: AtSigma | None, q: Parameters) -> Result:
    """DPIR from the level `first` down to sigma, from the interpolation."""
    assert denoise is not None
    steps = dpir(
        p.facts["fidelity"], denoise, p.facts["filled"], lam=EXACT, sigma_start=q["first"], iterations=q["iterations"]
    )
    result = run(steps, q["iterations"], monitors={"psnr": psnr_to(p.clean)})
    return exactly(p, result, result.x)


def start_at(name: str) -> Callable[[Problem, AtSigma | None, Parameters], Result]:
    """GS-PnP from the clean picture, or from the interpolation."""
    return lambda p, denoise, q: inpaint(p, denoise, p.clean if name == "clean" else p.facts["filled"], q)  # type: ignore[arg-type]


def cases(images: Iterable[int], crop: int) -> list[Case]:
    """Every image with holes of every side."""
    return [{"set": "cbsd68", "image": i, "crop": crop, "side": side} for i in images for side in SIDES]


GS = dict.fromkeys(SCALES, "gs-drunet")
EXPERIMENT = Experiment(
    name="holes-sweep",
    source="Holes that grow, [A] figure 13",
    about="Photographs of CBSD68, a quarter of the pixels lost in squares, no noise.",
    cases=sweep(cases, SMALL),
    tuning=list,
    problem=problem,
    methods={
        "interpolation": Method(lambda p, denoise, q: p.facts["filled"]),
        "DPIR": Method(
            by_dpir,
            dict.fromkeys(SCALES, "drunet"),
            fixed={"sigma": 5 / 255, "first": 100 / 255, "iterations": 20},
        ),
        "GS-PnP": Method(start_at("filled"), GS, fixed={"sigma": 10 / 255, "first": 50 / 255, "iterations": 30}),
        "GS-PnP from the truth": Method(
            start_at("clean"), GS, fixed={"sigma": 10 / 255, "first": 0.0, "iterations": 30}
        ),
    },
    groups=("side",),
)
