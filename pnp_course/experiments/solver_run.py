"""A method that is one run of a solver: which solver, with which fidelity and parameters, from where, and until when."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pnp_course import solvers
from pnp_course.denoisers.base import AtSigma
from pnp_course.experiments.experiment import Parameters, Problem
from pnp_course.fidelities import Fidelity
from pnp_course.monitors import psnr_to
from pnp_course.solvers import Iterate, Result, run


@dataclass(frozen=True)
class Call:
    """What a method does, as data: it runs the solver of this name with a fidelity and with these keyword parameters."""

    solver: str
    fidelity: Fidelity
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Restore:
    """The `restore` of a method that is one run of a solver; `call` says which, so that a guarantee can be asked for it.

    It starts from the problem's fact `start`, or else from the observation.

    tol: relative change at which a run ends; 0 for all iterations.
    denoised: the denoiser is applied once more to the last iterate, which is noisy, as the authors of the method do.
    """

    call: Callable[[Problem, Parameters], Call]
    denoised: bool = False
    tol: float = 0.0

    def __call__(self, p: Problem, denoise: AtSigma | None, q: Parameters) -> Result:
        """Run the solver, with PSNR and relative change at each iteration."""
        it = self.call(p, q)
        start = p.facts.get("start", p.y)
        steps: Iterator[Iterate] = getattr(solvers, it.solver)(it.fidelity, denoise, start, **it.parameters)
        if self.denoised and denoise is not None:
            steps = denoised_last(steps, denoise, q["iterations"])
        return run(steps, q["iterations"] + self.denoised, tol=self.tol, monitors={"psnr": psnr_to(p.clean)})


def denoised_last(steps: Iterator[Iterate], denoise: AtSigma, iterations: int) -> Iterator[Iterate]:
    """The first iterates of a solver, then the last of them denoised."""
    for it in islice(steps, iterations):
        yield it
    yield Iterate(denoise(it.x), denoiser_input=it.x)
