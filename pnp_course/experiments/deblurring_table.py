"""Deblurring with Gaussian noise, [A] section 4: GS-PnP, the Prox-PnP methods, DPIR and RED.

At course scale the kernels take turns: four photographs for each of three kernels.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import cycle, product
from pathlib import Path
from typing import Any

import pandas

from pnp_course.experiments.experiment import Case, Experiment, Problem
from pnp_course.experiments.gaussian_noise import CROP, METHODS, NU, TEST_IMAGES, kernel, observed, scene
from pnp_course.operators import Blur

COURSE = ("gaussian", "levin1", "levin4")
KERNELS = ("gaussian", "uniform", *(f"levin{k}" for k in range(1, 9)))


def problem(case: Case) -> Problem:
    """A photograph, blurred (periodic border), with noise; the methods start at the observation."""
    return observed(scene(case), Blur(kernel(case["kernel"])), case["nu"] / 255, case["seed"], lambda y: y)


def cases(name: str, pairs: Iterable[tuple[int, str]], crop: int) -> list[Case]:
    """Every pair of image and kernel at every noise level, `nu` in gray levels of 255."""
    return [
        {
            "set": name,
            "image": i,
            "crop": crop,
            "kernel": k,
            "nu": round(255 * nu, 2),
            "seed": 100 * i + round(2550 * nu),
        }
        for i, k in pairs
        for nu in NU
    ]


def paper() -> dict[tuple[Any, ...], dict[str, float]]:
    """What Wei et al. (2024) print for Levin's eight kernels and noise 12.75; [A] prints pictures and no table."""
    printed = pandas.read_csv(Path(__file__).parent / "paper" / "deblurring.csv", comment="#")
    return {
        (line["method"], float(line["nu"])): {"psnr": float(line["psnr"]), "ssim": float("nan")}
        for line in printed.to_dict("records")
    }


EXPERIMENT = Experiment(
    name="deblurring",
    source="Deblurring with Gaussian noise, [A] section 4",
    about="Photographs of CBSD68 under a Gaussian blur and two camera shakes (periodic), noise 7.65 and 12.75 of 255.",
    cases={
        "course": lambda n: cases(
            "cbsd68", zip(range(2, 68, 5)[: n or TEST_IMAGES], cycle(COURSE), strict=False), CROP
        ),
        "paper": lambda n: cases("cbsd68", product(range(68)[:n], KERNELS), 0),
    },
    tuning=lambda: cases("set3c", ((0, "gaussian"), (1, "levin1"), (2, "levin4")), 64),
    problem=problem,
    methods=METHODS,
    reference="GS-PnP",
    groups=("nu",),
    paper=paper,
)
