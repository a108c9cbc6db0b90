"""How long a schedule? The four methods that go through noise levels, with 6 to 96 iterations.

Such a method cannot be stopped early: its last level comes at its end. To spend fewer evaluations of the network one
shortens the schedule. Parameters are those that were chosen for the deconvolution table at peak 50.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pnp_course.denoisers.base import AtSigma
from pnp_course.experiments import deconvolution_table as table
from pnp_course.experiments import tuning
from pnp_course.experiments.experiment import Case, Experiment, Method, Parameters, Problem, at_scales
from pnp_course.experiments.solver_run import Restore
from pnp_course.solvers import Result

PEAK = 50
LENGTHS = (6, 12, 24, 48, 96)
SCHEDULED = ("DPIR", "DPS", "DiffPIR", "SNORE")


def problem(case: Case) -> Problem:
    """The problem of the deconvolution table, with the length of the schedule."""
    p = table.problem(case)
    return Problem(p.clean, p.y, {**p.facts, "length": case["length"]})


def cases(images: Iterable[int], crop: int) -> list[Case]:
    """Every image, with the next of Levin's kernels, at each length: the scenes of the deconvolution table."""
    return [
        {"set": "cbsd68", "image": i, "crop": crop, "kernel": k, "peak": PEAK, "seed": 100 * i + k, "length": n}
        for i, k in table.in_turns(list(images), 1)
        for n in LENGTHS
    ]


@dataclass(frozen=True)
class WithLength:
    """A method of the deconvolution table, with the length of the case as its iterations, in the place of its own."""

    restore: Restore

    def __call__(self, p: Problem, denoise: AtSigma | None, q: Parameters) -> Result:
        """Run it."""
        return self.restore(p, denoise, {**q, "iterations": p.facts["length"]})


def methods() -> dict[str, Method]:
    """The scheduled methods, with the parameters that the project ships."""
    chosen = tuning.read_choices(table.EXPERIMENT, "small", tuning.SHIPPED)[f"peak {PEAK}"]
    return {
        name: Method(WithLength(method.restore), method.denoisers, fixed={**method.fixed, **chosen[name]})  # type: ignore[arg-type]
        for name in SCHEDULED
        for method in (table.METHODS[name],)
    }


EXPERIMENT = Experiment(
    name="schedule-sweep",
    source="The length of a schedule",
    about=f"Photographs of CBSD68 under Levin's camera shakes, counted at peak {PEAK}, with schedules of several lengths.",
    cases=at_scales(cases, 5, 4, small=table.CROP, course=table.CROP, paper=0),
    tuning=list,
    problem=problem,
    methods=methods(),
    groups=("length",),
)
