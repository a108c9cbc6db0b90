"""Gaussian denoising, [B] Table 1: the shipped denoisers on CBSD68 at noise levels 15, 25 and 40 of 255."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas
import torch
from torch import Tensor

from pnp_course import noise
from pnp_course.denoisers.base import AtSigma
from pnp_course.experiments.deconvolution_table import middle, pictures
from pnp_course.experiments.experiment import Case, Experiment, Method, Parameters, Problem

LEVELS = (15, 25, 40)
PAPER = Path(__file__).parent / "paper" / "denoising.csv"
# the paper's name -> ours
DENOISERS = {
    "FFDNet": "ffdnet", "DnCNN": "dncnn", "DRUNet": "drunet", "GS-DRUNet": "gs-drunet", "Prox-DRUNet": "prox-drunet",
    "RMMO": "rmmo", "SPC-DRUNet": "spc-0.9", "1/2-CoCo-DRUNet": "coco-0.5", "1/4-CoCo-DRUNet": "coco-0.25",
}  # fmt: skip


def problem(case: Case) -> Problem:
    """A noisy photograph; the noise level is a parameter that nobody chooses."""
    clean = middle(pictures("cbsd68")[case["image"]], case["crop"])
    generator = torch.Generator().manual_seed(case["seed"])
    return Problem(clean, noise.gaussian(clean, case["level"] / 255, generator), {"sigma": case["level"] / 255})


def denoise(p: Problem, denoiser: AtSigma | None, q: Parameters) -> Tensor:
    """One evaluation at the true noise level."""
    with torch.no_grad():
        return denoiser.at(p.facts["sigma"])(p.y)  # type: ignore[union-attr]


def cases(images: Iterable[int], crop: int = 0) -> list[Case]:
    """These images at every level; every image and level has a noise of its own."""
    return [{"image": i, "crop": crop, "level": level, "seed": 100 * i + level} for i in images for level in LEVELS]


def paper() -> dict[tuple[Any, ...], dict[str, float]]:
    """The PSNR that [B] prints in its Table 1 for the denoisers that we have."""
    printed = pandas.read_csv(PAPER, comment="#").set_index("denoiser")
    return {
        (name, level): {"psnr": float(printed.loc[name, f"sigma{level}"]), "ssim": float("nan")}
        for name in DENOISERS if name in printed.index for level in LEVELS
    }  # fmt: skip


EXPERIMENT = Experiment(
    name="denoising",
    source="Gaussian denoising, [B] Table 1",
    about="Photographs of CBSD68 with Gaussian noise of levels 15, 25 and 40 of 255.",
    cases={"course": lambda n: cases(range(2, 68, 5)[: n or 12]), "paper": lambda n: cases(range(68)[:n])},
    tuning=list,
    problem=problem,
    methods={
        name: Method(denoise, {"course": ours, "paper": ours}, fixed={"sigma": 25 / 255})
        for name, ours in DENOISERS.items()
    },
    groups=("level",),
    paper=paper,
)
