"""What the tables of [A] share: observations with Gaussian noise, and the methods that restore them.

The problems differ in the operator: `deblurring_table`, `super_resolution_table`, `inpainting_table`. The methods are the
same, each with four weights of the fidelity to choose from. The denoiser's noise level is not tuned, since weight and
level can stand in for each other (notebook 14): it is nu for DPIR and 2 nu for GS-PnP and RED, as their authors take it,
and for the proximal denoiser the lowest level that its card knows.

[A] weighs the prior, F = f / lambda_A + g; here `lam` = 1 / lambda_A weighs the fidelity f = ||A x - y||^2 / 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from pnp_course import noise
from pnp_course.denoisers import at_sigma, averaged, denoiser_card
from pnp_course.denoisers.base import AtSigma
from pnp_course.experiments import solver_run
from pnp_course.experiments.deconvolution_table import kernels, middle, pictures
from pnp_course.experiments.experiment import Case, Method, Parameters, Problem, at_scales
from pnp_course.experiments.solver_run import Call
from pnp_course.fidelities import Gaussian
from pnp_course.guarantees import Constants, Guarantee, guarantee
from pnp_course.operators import LinearOperator
from pnp_course.operators import kernels as synthetic
from pnp_course.solvers import Iterate, Result

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
    facts = {"fidelity": fidelity, "sigma": nu, "start": start(y), "lipschitz": fidelity.lipschitz(clean)}
    return Problem(clean, y, facts)


@dataclass(frozen=True)
class Restore(solver_run.Restore):
    """One run of a solver with the denoiser at the level of `level`, as data, with its guarantee.

    Where `shown` is "denoised", the last output of the denoiser is the result, as it is for the other methods.

    average: t, where the denoiser is replaced by t D + (1 - t) I before the solver sees it.
    """

    average: float = 1.0

    def __call__(self, p: Problem, denoise: AtSigma | None, q: Parameters) -> Result:
        """Run the solver, with PSNR and relative change at each iteration."""
        assert denoise is not None
        net = averaged(denoise.denoiser, self.average) if self.average < 1 else denoise.denoiser  # type: ignore[arg-type]
        denoise = at_sigma(net, level(p, q))
        result = super().__call__(p, denoise, q)
        return denoised(result, denoise) if q.get("shown") == "denoised" else result

    def guarantee(self, p: Problem, denoiser: str, q: Parameters) -> Guarantee:
        """Which theorem covers this run, with the constants on the denoiser's card."""
        it, t = self.call(p, q), self.average
        known = Constants.of(denoiser_card(denoiser), level(p, q))
        if t < 1:
            bottom, top = (1 - t + t * end for end in (known.bottom, known.top))
            known = replace(known, bottom=bottom, top=top, asymmetry=t * known.asymmetry)
        return guarantee(it.solver, known, it.fidelity, p.clean, **it.parameters)


def denoised(result: Result, denoise: AtSigma) -> Result:
    """The result with the denoiser's last output in the place of a proximal step's, which has the noise of the data."""
    last = result.iterate
    with torch.no_grad():
        x = last.z if "z" in last.variables else denoise(last.x)
    return Result(
        Iterate(x, denoiser_input=last.denoiser_input, objective=last.objective), result.rows, result.stopped_by
    )


def level(p: Problem, q: Parameters) -> float:
    """The denoiser's noise level: `sigma`, or `ratio` times that of the observation."""
    return float(q["sigma"] if "sigma" in q else q["ratio"] * p.facts["sigma"])


def plain(name: str, p: Problem, q: Parameters) -> Call:
    """A solver with the weight `lam`, and perhaps an averaging t."""
    return Call(name, p.facts["fidelity"], {"lam": q["lam"], **({"t": q["t"]} if "t" in q else {})})


def bounded(name: str, p: Problem, q: Parameters) -> Call:
    """A solver whose theorem bounds lam L_f, the norm of A being known: `weight` is lam L_f."""
    others: dict[str, Any] = {key: q[key] for key in ("t", "alpha") if key in q}
    return Call(name, p.facts["fidelity"], {"lam": q["weight"] / p.facts["lipschitz"], **others})


def dpir(p: Problem, q: Parameters) -> Call:
    """DPIR from 49/255 down to its last level; `strength` multiplies its authors' weight (sigma / nu)^2 / 0.23."""
    lam = q["strength"] * (level(p, q) / p.facts["sigma"]) ** 2 / 0.23
    return Call("dpir", p.facts["fidelity"], {"lam": lam, "iterations": q["iterations"]})


def method(
    call: Callable[[Problem, Parameters], Call], denoiser: str, weights: Mapping[str, Sequence[float]],
    average: float = 1.0, **fixed: Any,
) -> Method:  # fmt: skip
    """A method with its grid, for the course's denoiser of this name."""
    return Method(
        Restore(call, tol=0.0 if call is dpir else TOLERANCE, average=average),
        dict.fromkeys(SCALES, denoiser),
        weights,
        fixed,
    )


SCALES = ("small", "course", "paper")
SMALL = TUNING = 48  # the side of the crops at scale "small", and of those where weights are chosen


def sweep(
    cases: Callable[[Iterable[int], int], list[Case]], small: int = SMALL
) -> dict[str, Callable[[int | None], list[Case]]]:
    """The `cases` of a sweep: four photographs, whose middle has the side `small`, or 96 at course scale."""
    return at_scales(cases, 15, 4, small=small, course=96, paper=0)


LOWEST = 14.5 / 255  # where the card of prox-drunet begins
LAM, STRENGTH = {"lam": (3.0, 6.0, 12.0, 24.0)}, {"strength": (0.5, 1.0, 2.0, 4.0)}
METHODS = {
    "start": Method(lambda p, denoise, q: p.facts["start"]),
    "DPIR": method(dpir, "drunet", STRENGTH, ratio=1.0, iterations=8),
    "DPIR with FFDNet": method(dpir, "ffdnet", STRENGTH, ratio=1.0, iterations=8),
    "RED": method(partial(plain, "red_fixed_point"), "drunet", LAM, ratio=2.0, iterations=30, shown="denoised"),
    "GS-PnP": method(partial(plain, "gs_pnp_pgd"), "gs-drunet", LAM, ratio=2.0, iterations=30),
    "GS-PnP, prox-drunet": method(partial(plain, "gs_pnp_pgd"), "prox-drunet", LAM, sigma=LOWEST, iterations=30),
    "Prox-PGD": method(partial(bounded, "prox_pnp_pgd"), "prox-drunet", {"weight": (0.5, 0.8, 1.1, 1.4)}, sigma=LOWEST,
                       iterations=30, t=MILD),
    "relaxed Prox-PGD": method(partial(bounded, "alpha_pgd"), "prox-drunet", {"weight": (0.8, 1.2, 1.6, 2.0)}, MILD,
                               sigma=LOWEST, iterations=30, alpha=0.48),
    "Prox-DRS": method(partial(plain, "prox_pnp_drs"), "prox-drunet", {"lam": (1.5, 3.0, 6.0, 12.0)}, sigma=LOWEST,
                       iterations=30, t=STRONG),
    "Prox-DRSdiff": method(partial(bounded, "prox_pnp_drsdiff"), "prox-drunet", {"weight": (0.3, 0.5, 0.75, 0.98)},
                           sigma=LOWEST, iterations=30, t=MILD, shown="denoised"),
}  # fmt: skip
