"""The ten methods of the deconvolution table on one picture, and what the guarantees say of each: notebook 13."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor

from pnp_course.denoisers import denoiser_card
from pnp_course.experiments.deconvolution_table import METHODS, Restore, paper
from pnp_course.experiments.experiment import Method, Parameters, Problem
from pnp_course.experiments.job import measure
from pnp_course.guarantees import Guarantee, guarantee
from pnp_course.solvers import Result

MIDDLE = 4  # of nine settings


class Outcome(NamedTuple):
    """The picture (1, C, H, W), the row of numbers (see `job.measure`), and the answer of `guarantee` to this run."""

    x: Tensor
    row: dict[str, Any]
    answer: Guarantee


def middle_setting(method: Method) -> Parameters:
    """The fixed parameters, and the middle of the grid of the others."""
    return {**method.fixed, **method.settings()[MIDDLE]}


def answer(name: str, problem: Problem) -> Guarantee:
    """What `guarantee` says of a method's run: with its own solver, fidelity and parameters, and its denoiser's card."""
    method = METHODS[name]
    assert isinstance(method.restore, Restore)
    q = middle_setting(method)
    call, card = method.restore.call(problem, q), denoiser_card(method.denoisers["course"])
    return guarantee(call.solver, card, call.fidelity, problem.y, sigma=q["sigma"], **call.parameters)


def outcome(name: str, problem: Problem) -> Outcome:
    """Run a method of `METHODS` with the middle of its grid."""
    method = METHODS[name]
    out, row = measure(method, problem, method.denoisers["course"], middle_setting(method))
    return Outcome(out.x if isinstance(out, Result) else out, row, answer(name, problem))


def printed_psnr(name: str, peak: int) -> float:
    """The mean PSNR (dB) over 68 photographs that [B] prints in its Table 2."""
    return paper()[name, peak]["psnr"]
