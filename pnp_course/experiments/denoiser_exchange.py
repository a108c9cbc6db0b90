"""Is it the algorithm or the denoiser? CoCo-ADMM and DPIR of the deconvolution table, each with five denoisers.

`coco-gs-0.25` is certified for [B]'s t = 0.33; two by the sharpened bound for a smaller t: `coco-gs-relaxed`, which was trained
for it, and `gs-drunet`, a gradient step trained without a penalty; `coco-ridge-0.25-colour` is covered at every image, by its
construction; `drunet` has no certificate. All ten pairs are tuned alike, on the table's tuning pictures. The weights lie around
those that were best in the table and in a first round here: a better denoiser wants heavier ones, and DPIR's best is a sharp
one.
"""

from __future__ import annotations

from functools import partial

from pnp_course.experiments import deconvolution_table as table
from pnp_course.experiments.experiment import Experiment, Method

# The noise levels are those of the table for the algorithm. In CoCo-ADMM lam / t is what matters, so the weights go with t.
T_B = 0.33  # of [B]
AVERAGINGS = {
    "coco-gs-0.25": T_B, table.COCO: table.T, "gs-drunet": 0.25, "coco-ridge-0.25-colour": T_B, "drunet": T_B,
}  # fmt: skip
STRENGTHS = {
    "coco-gs-0.25": (0.5, 0.7, 1.0), "gs-drunet": (0.7, 0.9, 1.2), "coco-ridge-0.25-colour": (0.4, 0.6, 0.9),
    "drunet": (0.7, 1.0, 1.4),
}  # at T_B  # fmt: skip


def coco(denoiser: str) -> Method:
    """CoCo-ADMM with this denoiser and the averaging that its card allows (for drunet that of [B], without a theorem)."""
    if denoiser == table.COCO:
        return table.METHODS["CoCo-ADMM"]
    t = AVERAGINGS[denoiser]
    strengths = tuple(round(s * t / T_B, 3) for s in STRENGTHS[denoiser])
    return table.method(
        partial(table.plain, "coco_admm"), denoiser, (0.1, 0.13, 0.16), strengths, iterations=50, t=t
    )  # fmt: skip


def dpir(denoiser: str) -> Method:
    """DPIR with this denoiser."""
    # with the ridge denoiser a first round on the others' weights chose the least of them
    strengths = (0.6, 0.8, 1.0) if "ridge" in denoiser else (1.0, 1.2, 1.4)
    return table.method(table.dpir, denoiser, (0.08, 0.11, 0.15), strengths, iterations=12)


EXPERIMENT = Experiment(
    name="denoiser-exchange",
    source="Two algorithms and five denoisers, on the problem of [B] Tables 2-4",
    about=table.EXPERIMENT.about,
    cases=table.EXPERIMENT.cases,
    tuning=table.EXPERIMENT.tuning,
    problem=table.problem,
    methods={
        f"{algorithm}, {denoiser}": make(denoiser)
        for algorithm, make in (("CoCo-ADMM", coco), ("DPIR", dpir))
        for denoiser in AVERAGINGS
    },
    groups=("peak",),
    reference="CoCo-ADMM, coco-gs-0.25",
)
