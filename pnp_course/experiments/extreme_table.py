"""Photon-limited deconvolution with very few photons, [B] appendix A.15: the ten methods at peaks 10 and 5.

[B] shows one picture and its curves, and no table.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from pnp_course.experiments import deconvolution_table
from pnp_course.experiments.deconvolution_table import CROP, METHODS, cases, dpir, in_turns, method

PEAKS = (10, 5)
TEST_IMAGES = 8  # at course scale, each under one of the eight kernels
# with so few photons DPIR wants heavier weights than at peaks 50 and 100, and weaker last denoisers
DPIR = method(dpir, "drunet", (0.08, 0.11, 0.15), (1.2, 1.7, 2.4), paper="drunet", iterations=12)

EXPERIMENT = replace(
    deconvolution_table.EXPERIMENT,
    name="extreme",
    source="Deconvolution with very few photons, [B] appendix A.15",
    about="Photographs of CBSD68 under Levin's camera shakes (periodic), counted at peaks 10 and 5.",
    cases={
        "course": lambda n: cases("cbsd68", in_turns(range(4, 68, 8)[: n or TEST_IMAGES], 1), CROP, PEAKS),
        "paper": lambda n: cases("cbsd68", product(range(68)[:n], range(1, 9)), 0, PEAKS),
    },
    tuning=lambda: cases("set3c", [(0, 1), (1, 4)], CROP, PEAKS),
    methods={**METHODS, "DPIR": DPIR},
    paper=dict,
)
