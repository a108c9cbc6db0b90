"""What the tables of [A] share: observations with Gaussian noise, and the methods that restore them.

The problems differ in the operator: `deblurring_table`, `super_resolution_table`, `inpainting_table`. The methods are the
same, each with three noise levels of its denoiser times three weights of the fidelity to choose from.

[A] weighs the prior, F = f / lambda_A + g; here `lam` = 1 / lambda_A weighs the fidelity f = ||A x - y||^2 / 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from pnp_course import noise, solvers
from pnp_course.denoisers import at_sigma, averaged, denoiser_card
from pnp_course.denoisers.base import AtSigma
from pnp_course.experiments.deconvolution_table import Call, kernels, middle, pictures
from pnp_course.experiments.experiment import Case, Method, Parameters, Problem
from pnp_course.fidelities import Gaussian
from pnp_course.guarantees import Constants, Guarantee, guarantee
from pnp_course.monitors import psnr_to
from pnp_course.operators import LinearOperator
from pnp_course.operators import kernels as synthetic
from pnp_course.solvers import Iterate, Result, run

NU = (7.65 / 255, 12.75 / 255)  # two of the three noise levels of [A]
TEST_IMAGES, CROP = 12, 128  # at course scale: every fifth of CBSD68, its middle
MILD, STRONG = 0.95, 0.45  # averaging that the card of prox-drunet covers: t M < 1, and t M < 1/2 for DRS
TOLERANCE = 1e-4  # a run ends once the iterates' relative change is below this


@cache
def kernel(name: str) -> Tensor:
    """A blur of [A]: "gaussian" (25 x 25, standard deviation 1.6), "uniform" (9 x 9), "levin1" to "levin8"."""
    if name.startswith("levin"):
        return kernels()[int(name[5:]) - 1]
    return {"gaussian": lambda: synthetic.gaussian(25, 1.6), "uniform": lambda: synthetic.box(9)}[name]()


def scene(case: Case) -> Tensor:
    """The clean picture of a case (1, 3, H, W): the middle of a photograph, or all of it where `crop` is 0."""
    return middle(pictures(case["set"])[case["image"]], case["crop"])


def observed(
    clean: Tensor, operator: LinearOperator, nu: float, seed: int, start: Callable[[Tensor], Tensor]
) -> Problem:
    """The observation A x + nu n of a picture, and where the methods start from."""
    y = noise.gaussian(operator(clean), nu, torch.Generator().manual_seed(seed))
    fidelity = Gaussian(operator, y)
    facts = {"fidelity": fidelity, "nu": nu, "start": start(y), "lipschitz": fidelity.lipschitz(clean)}
    return Problem(clean, y, facts)


@dataclass(frozen=True)
class Restore:
    """The `restore` of a method that is one run of a solver from the start of the problem.

    call: says which solver runs with which parameters, so that a guarantee can be asked for it.
    average: t, where the denoiser is replaced by t D + (1 - t) I before the solver sees it.
    """

    call: Callable[[Problem, Parameters], Call]
    average: float = 1.0

    def __call__(self, p: Problem, denoise: AtSigma | None, q: Parameters) -> Result:
        """Run until the relative change is below TOLERANCE, with PSNR and relative change at each iteration."""
        assert denoise is not None
        it = self.call(p, q)
        if self.average < 1:
            denoise = at_sigma(averaged(denoise.denoiser, self.average), denoise.sigma)  # type: ignore[arg-type]
        steps: Iterator[Iterate] = getattr(solvers, it.solver)(it.fidelity, denoise, p.facts["start"], **it.parameters)
        tol = 0.0 if it.solver == "dpir" else TOLERANCE
        return run(steps, q["iterations"], tol=tol, monitors={"psnr": psnr_to(p.clean)})

    def guarantee(self, p: Problem, denoiser: str, q: Parameters) -> Guarantee:
        """Which theorem covers this run, with the constants on the denoiser's card."""
        it, t = self.call(p, q), self.average
        known = Constants.of(denoiser_card(denoiser), q["sigma"])
        if t < 1:
            bottom, top = (1 - t + t * end for end in (known.bottom, known.top))
            known = replace(known, bottom=bottom, top=top, asymmetry=t * known.asymmetry)
        return guarantee(it.solver, known, it.fidelity, p.clean, **it.parameters)


def plain(name: str, p: Problem, q: Parameters) -> Call:
    """A solver with the weight `lam`, and perhaps an averaging t."""
    return Call(name, p.facts["fidelity"], {"lam": q["lam"], **({"t": q["t"]} if "t" in q else {})})


def bounded(name: str, p: Problem, q: Parameters) -> Call:
    """A solver whose theorem bounds lam L_f, the norm of A being known: `weight` is lam L_f."""
    others = {key: q[key] for key in ("t", "alpha") if key in q}
    return Call(name, p.facts["fidelity"], {"lam": q["weight"] / p.facts["lipschitz"], **others})


def dpir(p: Problem, q: Parameters) -> Call:
    """DPIR from 49/255 down to sigma; `strength` multiplies its authors' weight (sigma / nu)^2 / 0.23."""
    lam = q["strength"] * (q["sigma"] / p.facts["nu"]) ** 2 / 0.23
    return Call("dpir", p.facts["fidelity"], {"lam": lam, "iterations": q["iterations"]})


def method(
    call: Callable[[Problem, Parameters], Call], denoiser: str, sigmas: Sequence[float],
    weights: Mapping[str, Sequence[float]], average: float = 1.0, **facts: Any,
) -> Method:  # fmt: skip
    """A method with its grid, for the course's denoiser of this name."""
    return Method(Restore(call, average), {"course": denoiser, "paper": denoiser}, {"sigma": sigmas, **weights}, facts)


WEAK, COMMON, PROX = (0.02, 0.035, 0.06), (0.03, 0.055, 0.09), (0.048, 0.057, 0.075)  # prox-drunet begins at 0.047
LAM, STRENGTH = {"lam": (5.0, 10.0, 20.0)}, {"strength": (0.5, 1.0, 2.0)}
METHODS = {
    "start": Method(lambda p, denoise, q: p.facts["start"]),
    "DPIR": method(dpir, "drunet", WEAK, STRENGTH, iterations=8),
    "DPIR with FFDNet": method(dpir, "ffdnet", WEAK, STRENGTH, iterations=8),
    "RED": method(partial(plain, "red_fixed_point"), "drunet", COMMON, LAM, iterations=60),
    "GS-PnP": method(partial(plain, "gs_pnp_pgd"), "gs-drunet", COMMON, LAM, iterations=60),
    "Prox-PGD": method(partial(bounded, "prox_pnp_pgd"), "prox-drunet", PROX, {"weight": (0.7, 1.0, 1.4)}, iterations=60,
                       t=MILD),
    "relaxed Prox-PGD": method(partial(bounded, "alpha_pgd"), "prox-drunet", PROX, {"weight": (1.0, 1.5, 2.0)}, MILD,
                               iterations=60, alpha=0.48),
    "Prox-DRS": method(partial(plain, "prox_pnp_drs"), "prox-drunet", PROX, {"lam": (1.5, 4.0, 10.0)}, iterations=60,
                       t=STRONG),
    "Prox-DRSdiff": method(partial(bounded, "prox_pnp_drsdiff"), "prox-drunet", PROX, {"weight": (0.5, 0.75, 0.98)},
                           iterations=60, t=MILD),
}  # fmt: skip
