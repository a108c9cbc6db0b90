"""One method of an experiment on one problem, with the parameters that were chosen, and what `guarantee` says of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor

from pnp_course.denoisers import denoiser_card
from pnp_course.experiments import experiment_named, tuning
from pnp_course.experiments.experiment import Parameters, Problem
from pnp_course.experiments.job import measure
from pnp_course.experiments.solver_run import Restore
from pnp_course.guarantees import Guarantee, guarantee
from pnp_course.solvers import Result


class Outcome(NamedTuple):
    """The picture (1, C, H, W), the row of numbers (see `job.measure`), and the result of `run` where it was one."""

    x: Tensor
    row: dict[str, Any]
    run: Result | None


def parameters(experiment: str, name: str, group: str) -> Parameters:
    """The fixed parameters of a method and those chosen for a group, such as "peak 30", from the shipped file."""
    declared = experiment_named(experiment)
    chosen = tuning.read_choices(declared, "course", tuning.SHIPPED)
    return {**declared.methods[name].fixed, **chosen.get(group, {}).get(name, {})}


def outcome(experiment: str, name: str, problem: Problem, group: str) -> Outcome:
    """Run a method of an experiment on a problem of the same kind."""
    method = experiment_named(experiment).methods[name]
    out, row = measure(method, problem, method.denoisers.get("course", ""), parameters(experiment, name, group))
    return Outcome(out.x, row, out) if isinstance(out, Result) else Outcome(out, row, None)


def answer(experiment: str, name: str, problem: Problem, group: str, scale: float = 1.0) -> Guarantee | None:
    """What `guarantee` says of the run of a PnP method, and None for the others.

    Args:
        scale: of the noise level that the denoiser is asked for; sqrt(3) where a colour denoiser serves gray pictures.
    """
    method, q = experiment_named(experiment).methods[name], parameters(experiment, name, group)
    if not isinstance(method.restore, Restore):
        return None
    call, card = method.restore.call(problem, q), denoiser_card(method.denoisers["course"])
    start = problem.facts["start"]
    return guarantee(call.solver, card, call.fidelity, start, sigma=scale * q["sigma"], **call.parameters)
