"""Poisson denoising, [B] Table 6: no blur, peaks 30 and 20 as in the paper, then 5 and 10."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas
import torch
from torch import Tensor

from pnp_course import noise
from pnp_course.experiments import counting
from pnp_course.experiments.deconvolution_table import middle, pictures
from pnp_course.experiments.experiment import Case, Experiment, Problem
from pnp_course.fidelities import Poisson
from pnp_course.operators import Identity

PAPER = Path(__file__).parent / "paper" / "poisson_denoising.csv"
PEAKS = (30, 20, 5, 10)
PRINTED = (30, 20)  # the peaks of the paper
TEST_IMAGES, CROP = 12, 128  # at course scale: every fifth of CBSD68, its middle
TUNING_CROP = 64


def problem(case: Case) -> Problem:
    """The photon counts of a photograph."""
    return counted(middle(pictures(case["set"])[case["image"]], case["crop"]), case["peak"], case["seed"])


def counted(clean: Tensor, peak: float, seed: int) -> Problem:
    """The same problem for any picture (1, C, H, W)."""
    y = noise.poisson(clean, peak, torch.Generator().manual_seed(seed))
    facts = {"fidelity": Poisson(Identity(), y), "peak": peak, "counts": y, "dark": 0.0, "start": y}
    return Problem(clean, y, facts)


def cases(name: str, images: Iterable[int], crop: int) -> list[Case]:
    """These images at every peak; each has a noise of its own."""
    return [
        {"set": name, "image": i, "crop": crop, "peak": peak, "seed": 100 * i + peak} for peak in PEAKS for i in images
    ]


def paper() -> dict[tuple[Any, ...], dict[str, float]]:
    """The means that [B] prints in its Table 6."""
    printed = pandas.read_csv(PAPER, comment="#")
    return {
        (line["method"], peak): {kind: float(line[f"{kind}_p{peak}"]) for kind in ("psnr", "ssim")}
        for line in printed.to_dict("records") for peak in PRINTED
    }  # fmt: skip


METHODS = {
    **counting.POISSON_DNCNN,
    **counting.methods(counting.SIGMAS, "drunet"),
    **counting.PARTS,
}

EXPERIMENT = Experiment(
    name="poisson-denoising",
    source="Poisson denoising, [B] Table 6",
    about="Photographs of CBSD68, counted without blur at peaks 30, 20, 5 and 10.",
    cases={
        "course": lambda n: cases("cbsd68", range(2, 68, 5)[: n or TEST_IMAGES], CROP),
        "paper": lambda n: cases("cbsd68", range(68)[:n], 0),
    },
    tuning=lambda: cases("set3c", range(3), TUNING_CROP),
    problem=problem,
    methods=METHODS,
    groups=("peak",),
    reference="CoCo-ADMM",
    paper=paper,
)
