"""The step of CoCo-PEGD on the Moreau envelope of the fidelity, 0.8 in [B]; an addition to its Table 5.

CoCo-PEGD decreases F + step e, e the envelope of lam G, so that the step weighs the data. As for the averaging, the
weight lam is tried anew for each step.
"""

from __future__ import annotations

from pnp_course.experiments.averaging_sweep import PEAK, method, sweep

STEPS = (0.2, 0.4, 0.8, 1.2, 1.6)
STRENGTHS = (0.3, 0.6, 1.2, 2.4)

EXPERIMENT = sweep(
    "step", STEPS,
    {"CoCo-PEGD": method("coco_pegd", "step", "coco-gs-0.25", STRENGTHS, sigma=0.1, t=0.33, iterations=100)},
    "envelope-sweep", "The step of CoCo-PEGD on the envelope, after [B] Table 5",
    f"Photographs of CBSD68 under Levin's camera shakes, counted at peak {PEAK}.",
)  # fmt: skip
