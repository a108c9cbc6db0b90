"""Sparse-view, low-dose CT, [B] appendix A.12: FBP, two PWLS methods, two networks, and the CoCo methods, on phantoms.

60 views of 128 x 128 phantoms, counted at two doses. The parameters are chosen on a training phantom, four settings for
each method (FBP and PWLS-TGV: six); the networks know the dose and have nothing to choose, and the gradient steps keep
one setting. Weights of the fidelity are multiples of peak sigma^2: the Poisson likelihood is peak times G, and a prior
is the denoiser's with the factor sigma^2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pnp_course import solvers
from pnp_course.ct import KINDS, phantom, scan
from pnp_course.ct.networks import FIRST_SEED, WNet, level_of
from pnp_course.ct.scan import Scan, emission, least_squares_of_emission
from pnp_course.ct.sparse_coding import pwls_cscgr
from pnp_course.ct.tgv import pwls_tgv
from pnp_course.denoisers import load_denoiser
from pnp_course.denoisers.base import AtSigma
from pnp_course.denoisers.zoo import FOLDER
from pnp_course.experiments.experiment import Case, Experiment, Method, Parameters, Problem, printed_means
from pnp_course.monitors import psnr_to
from pnp_course.solvers import Iterate, Result, run

PAPER = Path(__file__).parent / "paper" / "ct.csv"
PEAKS = (500, 100)
SIZE, PHANTOMS = 128, 12
COCO, RIDGE = "coco-0.25-gray", "coco-ridge-0.25"
COCO_CT, RIDGE_CT = f"ct/{COCO}", f"ct/{RIDGE}"  # finetuned on phantoms
STEP_CT = "ct/coco-gs-0.25"  # a gradient step, finetuned on phantoms


@cache
def scanned(kind: str, seed: int) -> Scan:
    """The scan of a phantom, before its photons are counted; a process makes it once."""
    return scan(phantom(kind, seed, 2 * SIZE))


def problem(case: Case) -> Problem:
    """The counts of a phantom at a dose."""
    return observed(scanned(case["kind"], case["phantom"]), case["peak"], case["seed"])


def observed(seen: Scan, peak: float, seed: int) -> Problem:
    """The same problem for any scan."""
    y, a = seen.emission(peak, seed), seen.operator
    facts = {"operator": a, "peak": peak, "fidelity": emission(a, y), "pwls": least_squares_of_emission(a, y)}
    return Problem(seen.clean, y, facts | {"start": a.fbp(y, "hann", 0.9)})


def cases(seeds: range, kinds: tuple[str, ...]) -> list[Case]:
    """Every kind with every seed at every dose; `image` numbers the phantoms."""
    pairs = [(kind, seed) for seed in seeds for kind in kinds]
    return [
        {"image": i, "kind": kind, "phantom": seed, "peak": peak, "seed": 100 * i + 7}
        for i, (kind, seed) in enumerate(pairs)
        for peak in PEAKS
    ]


def watched(steps: Iterator[Iterate], p: Problem, q: Parameters) -> Result:
    """Run a solver, with PSNR and relative change at each iteration."""
    return run(steps, q["iterations"], monitors={"psnr": psnr_to(p.clean)})


def fbp(p: Problem, denoise: AtSigma | None, q: Parameters) -> Tensor:
    """Filtered backprojection with a Hann window that ends at `cutoff`, or, for cutoff 0, with none."""
    window: tuple[Any, ...] = ("hann", q["cutoff"]) if q["cutoff"] else ("ramp",)
    return p.facts["operator"].fbp(p.y, *window)  # type: ignore[no-any-return]


def tgv(p: Problem, denoise: AtSigma | None, q: Parameters) -> Result:
    """PWLS-TGV by Chambolle and Pock."""
    return watched(pwls_tgv(p.facts["pwls"], p.facts["start"], alpha=q["strength"] * p.facts["peak"] ** -0.5), p, q)


def cscgr(p: Problem, denoise: AtSigma | None, q: Parameters) -> Result:
    """PWLS-CSCGR."""
    return watched(pwls_cscgr(p.facts["pwls"], p.facts["start"], beta=q["beta"], l1=q["l1"]), p, q)


@torch.no_grad()
def u_net(p: Problem, denoise: AtSigma | None, q: Parameters) -> Tensor:
    """FBP + U-Net, told the dose."""
    return denoise.at(level_of(p.facts["peak"]))(p.facts["operator"].fbp(p.y))  # type: ignore[union-attr]


@torch.no_grad()
def w_net(p: Problem, denoise: AtSigma | None, q: Parameters) -> Tensor:
    """W-Net, told the dose; `denoise` holds its second U-Net."""
    first: Any = load_denoiser("ct/w-net-rays").to(p.y.device)
    net = WNet(p.facts["operator"], first, denoise.denoiser)  # type: ignore[union-attr,arg-type]
    return net(p.y, level_of(p.facts["peak"]))  # type: ignore[no-any-return]


def coco(name: str) -> Callable[[Problem, AtSigma | None, Parameters], Result]:
    """The `restore` of a CoCo solver of this name."""

    def restore(p: Problem, denoise: AtSigma | None, q: Parameters) -> Result:
        lam = q["strength"] * p.facts["peak"] * q["sigma"] ** 2
        steps = getattr(solvers, name)(p.facts["fidelity"], denoise, p.facts["start"], lam=lam, t=q["t"])
        return watched(steps, p, q)

    return restore


def plug_and_play(solver: str, denoiser: str) -> Method:
    """A CoCo method with its grid."""
    grid = {"sigma": (0.03, 0.05), "strength": (1.0, 3.0)}
    return Method(coco(solver), {"course": denoiser}, grid, {"iterations": 25, "t": 0.33})


def untuned(solver: str, denoiser: str) -> Method:
    """A CoCo method with the likelihood's own weight, strength 1, and one noise level at all doses.

    A look at two phantoms that are neither trained on nor tested found the result flat about both.
    """
    return Method(coco(solver), {"course": denoiser}, {}, {"iterations": 25, "t": 0.33, "sigma": 0.04, "strength": 1.0})


DECLARED = {
    "FBP": Method(fbp, grid={"cutoff": (0.0, 0.6, 0.7, 0.8, 0.9, 1.0)}),
    "PWLS-TGV": Method(tgv, grid={"strength": (0.3, 0.5, 0.8, 1.1, 1.5, 2.0)}, fixed={"iterations": 300}),
    "PWLS-CSCGR": Method(cscgr, grid={"beta": (1.0, 3.0), "l1": (0.004, 0.012)}, fixed={"iterations": 15}),
    "U-Net": Method(u_net, {"course": "ct/u-net"}, fixed={"sigma": 0.05}),
    "W-Net": Method(w_net, {"course": "ct/w-net"}, fixed={"sigma": 0.05}),
    "CoCo-ADMM": plug_and_play("coco_admm", COCO),
    "CoCo-PEGD": plug_and_play("coco_pegd", COCO),
    "CoCo-ADMM, finetuned": plug_and_play("coco_admm", COCO_CT),
    "CoCo-ADMM, ridge": plug_and_play("coco_admm", RIDGE),
    "CoCo-ADMM, ridge, finetuned": plug_and_play("coco_admm", RIDGE_CT),
    "CoCo-ADMM, gradient step, finetuned": untuned("coco_admm", STEP_CT),
    "CoCo-PEGD, gradient step, finetuned": untuned("coco_pegd", STEP_CT),
}
# a network that has not been trained yet (`python -m pnp_course.ct.train`) has no card, and its method no line in the table
METHODS = {
    name: method
    for name, method in DECLARED.items()
    if all((FOLDER / f"{denoiser}.json").exists() for denoiser in method.denoisers.values())
}


def paper() -> dict[tuple[Any, ...], dict[str, float]]:
    """The means over ten slices of patients that [B] prints: other pictures, and another number of views."""
    return printed_means(PAPER, PEAKS)


EXPERIMENT = Experiment(
    name="ct",
    source="Sparse-view, low-dose CT, [B] appendix A.12",
    about="128 x 128 phantoms (the paper: slices of patients), 60 views, Poisson counts at two doses.",
    cases={"course": lambda n: cases(range(((n or PHANTOMS) + 2) // 3), KINDS)[: 2 * (n or PHANTOMS)]},
    tuning=lambda: cases(range(FIRST_SEED, FIRST_SEED + 1), ("chest",)),
    problem=problem,
    methods=METHODS,
    groups=("peak",),
    paper=paper,
    reference="CoCo-ADMM, gradient step, finetuned",
)
