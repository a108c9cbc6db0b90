"""The ten methods of the deconvolution table on one picture, and what the guarantees say of each: notebook 13."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor

from pnp_course.denoisers import denoiser_card
from pnp_course.experiments.deconvolution_table import METHODS, paper
from pnp_course.experiments.experiment import Parameters, Problem
from pnp_course.experiments.job import measure
from pnp_course.experiments.solver_run import Restore
from pnp_course.guarantees import Guarantee, guarantee
from pnp_course.solvers import Result

# sigma and strength, the middle of the first, coarse grid on which the table was tuned: nobody's best, by one rule for all
SETTINGS = {
    "DPIR": (0.11, 0.9), "RMMO-DRS": (0.1, 1.5), "Prox-DRS": (0.14, 1.0), "DPS": (0.04, 1.0), "DiffPIR": (0.11, 0.7),
    "SNORE": (0.1, 1.0), "PnPI-HQS": (0.14, 1.0), "B-RED": (0.02, 0.25), "CoCo-ADMM": (0.16, 1.0), "CoCo-PEGD": (0.13, 0.9),
}  # fmt: skip


class Outcome(NamedTuple):
    """The picture (1, C, H, W), the row of numbers (see `job.measure`), and the answer of `guarantee` to this run."""

    x: Tensor
    row: dict[str, Any]
    answer: Guarantee


def middle_setting(name: str) -> Parameters:
    """The fixed parameters of a method of `METHODS`, and sigma and strength of `SETTINGS`."""
    sigma, strength = SETTINGS[name]
    return {**METHODS[name].fixed, "sigma": sigma, "strength": strength}


def answer(name: str, problem: Problem, chosen: Parameters | None = None) -> Guarantee:
    """What `guarantee` says of a method's run: with its own solver, fidelity and parameters, and its denoiser's card.

    Args:
        chosen: sigma and strength; those of `SETTINGS` by default.
    """
    method = METHODS[name]
    assert isinstance(method.restore, Restore)
    q = middle_setting(name) | (chosen or {})
    call, card = method.restore.call(problem, q), denoiser_card(method.denoisers["course"])
    return guarantee(call.solver, card, call.fidelity, problem.y, sigma=q["sigma"], **call.parameters)


def outcome(name: str, problem: Problem) -> Outcome:
    """Run a method of `METHODS` with the parameters of `middle_setting`."""
    method = METHODS[name]
    out, row = measure(method, problem, method.denoisers["course"], middle_setting(name))
    return Outcome(out.x if isinstance(out, Result) else out, row, answer(name, problem))


def printed_psnr(name: str, peak: int) -> float:
    """The mean PSNR (dB) over 68 photographs that [B] prints in its Table 2."""
    return paper()[name, peak]["psnr"]
