"""Poisson denoising, [B] Table 6: no blur, peaks 30 and 20 as in the paper, then 5 and 10."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pnp_course import noise
from pnp_course.experiments import counting
from pnp_course.experiments.deconvolution_table import middle, pictures
from pnp_course.experiments.experiment import Case, Experiment, Problem, at_scales, printed_means
from pnp_course.fidelities import Poisson
from pnp_course.operators import Identity

PAPER = Path(__file__).parent / "paper" / "poisson_denoising.csv"
PEAKS = (30, 20, 5, 10)
PRINTED = (30, 20)  # the peaks of the paper
cases = partial(counting.cases, PEAKS)


def problem(case: Case) -> Problem:
    """The photon counts of a photograph."""
    return counted(middle(pictures(case["set"])[case["image"]], case["crop"]), case["peak"], case["seed"])


def counted(clean: Tensor, peak: float, seed: int) -> Problem:
    """The same problem for any picture (1, C, H, W)."""
    y = noise.poisson(clean, peak, torch.Generator().manual_seed(seed))
    facts = {"fidelity": Poisson(Identity(), y), "peak": peak, "counts": y, "dark": 0.0, "start": y}
    return Problem(clean, y, facts)


def paper() -> dict[tuple[Any, ...], dict[str, float]]:
    """The means that [B] prints in its Table 6."""
    return printed_means(PAPER, PRINTED)


METHODS = {
    **counting.POISSON_DNCNN,
    **counting.methods(counting.SIGMAS, "drunet"),
    **counting.PARTS,
}

EXPERIMENT = Experiment(
    name="poisson-denoising",
    source="Poisson denoising, [B] Table 6",
    about="Photographs of CBSD68, counted without blur.",
    cases=at_scales(partial(cases, "cbsd68"), 5, counting.TEST_IMAGES, course=counting.CROP, paper=0),
    tuning=lambda: cases("set3c", range(3), counting.TUNING_CROP),
    problem=problem,
    methods=METHODS,
    groups=("peak",),
    reference="CoCo-ADMM",
    paper=paper,
)
