"""Photon-limited deconvolution, [B] Tables 2-4: ten methods, Levin's eight kernels, peaks 100 and 50, periodic blur.

Every method has nine settings to choose from: three noise levels of its denoiser times three weights of the fidelity
(for DPS of the misfit). Weights are given as multiples of a rule for the peak, so that one grid serves all peaks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any

from torch import Tensor

from pnp_course import datasets, deconvolution
from pnp_course.experiments.experiment import Case, Experiment, Method, Parameters, Problem, printed_means
from pnp_course.experiments.networks import PUBLISHED
from pnp_course.experiments.solver_run import Call, Restore
from pnp_course.fidelities import Gaussian, Poisson
from pnp_course.operators import Blur
from pnp_course.solvers import annealed, ladder

PAPER = Path(__file__).parent / "paper"
PEAKS = (100, 50)
TEST_IMAGES, CROP = 12, 128  # at course scale: every fifth of CBSD68, its middle


@cache
def pictures(name: str) -> list[Tensor]:
    """The pictures of a data set; a process reads them once."""
    return datasets.images(name)


@cache
def kernels() -> list[Tensor]:
    """Levin's eight kernels."""
    return datasets.levin_kernels()


def middle(x: Tensor, side: int) -> Tensor:
    """The middle square of an image (1, C, H, W), or all of it for side 0."""
    if not side:
        return x
    top, left = (x.shape[-2] - side) // 2, (x.shape[-1] - side) // 2
    return x[..., top : top + side, left : left + side]


def problem(case: Case) -> Problem:
    """The observation of a case: blurred by kernel 1 to 8, and counted."""
    clean = middle(pictures(case["set"])[case["image"]], case["crop"])
    return observed(clean, kernels()[case["kernel"] - 1], case["peak"], case["seed"])


def observed(clean: Tensor, kernel: Tensor, peak: float, seed: int) -> Problem:
    """The same problem for any picture (1, C, H, W) and any kernel."""
    y, operator = deconvolution.degrade(clean, kernel, peak, seed), Blur(kernel)
    return Problem(clean, y, {"fidelity": Poisson(operator, y), "gaussian": Gaussian(operator, y), "peak": peak})


def cases(name: str, pairs: Iterable[tuple[int, int]], crop: int, peaks: Sequence[float] = PEAKS) -> list[Case]:
    """Every pair of image and kernel at every peak; each pair has a noise of its own."""
    return [
        {"set": name, "image": i, "crop": crop, "kernel": k, "peak": peak, "seed": 100 * i + k}
        for i, k in pairs
        for peak in peaks
    ]


def in_turns(images: Sequence[int], turns: int) -> list[tuple[int, int]]:
    """Pairs of image and kernel: in each turn every image once, with the next kernel, so that any turns are balanced."""
    return [(i, (n + turn) % 8 + 1) for turn in range(turns) for n, i in enumerate(images)]


def weight(p: Problem, q: Parameters) -> float:
    """The weight of the fidelity: `strength` times what [B] reports for CoCo-ADMM at this peak."""
    return float(q["strength"] * deconvolution.settings(p.facts["peak"]).lam)


def annealed_weight(p: Problem, q: Parameters) -> float:
    """The weight at the last noise level of methods that go through levels, `strength` times 4 peak sigma^2."""
    return float(q["strength"] * 4 * p.facts["peak"] * q["sigma"] ** 2)


def plain(name: str, p: Problem, q: Parameters) -> Call:
    """A solver with a fixed denoiser, the weight `weight` and perhaps an averaging t."""
    return Call(name, p.facts["fidelity"], {"lam": weight(p, q), **({"t": q["t"]} if "t" in q else {})})


def dpir(p: Problem, q: Parameters) -> Call:
    """DPIR from 49/255 down to sigma."""
    return Call("dpir", p.facts["fidelity"], {"lam": annealed_weight(p, q), "iterations": q["iterations"]})


def diffpir(p: Problem, q: Parameters) -> Call:
    """DiffPIR from level 1 down to sigma."""
    levels = ladder(1.0, q["sigma"], q["iterations"])
    return Call("diffpir", p.facts["fidelity"], {"lam": annealed_weight(p, q), "sigmas": levels})


def dps(p: Problem, q: Parameters) -> Call:
    """DPS from level 1 down to sigma, with the Gaussian misfit, as its authors use it for photon noise, too."""
    levels = ladder(1.0, q["sigma"], q["iterations"])
    return Call("dps", p.facts["gaussian"], {"lam": q["strength"], "sigmas": levels})


def snore(p: Problem, q: Parameters) -> Call:
    """SNORE-Prox: the noise falls to sigma in two thirds of the iterations, from 3.6 times that, as the authors let it."""
    levels = annealed(3.6 * q["sigma"], q["sigma"], q["iterations"], last=q["iterations"] // 3)
    return Call("snore_prox", p.facts["fidelity"], {"lam": weight(p, q), "sigmas": levels})


def b_red(p: Problem, q: Parameters) -> Call:
    """B-RED with backtracking; sigma is 1 / gamma of its denoiser's noise."""
    return Call("b_red", p.facts["fidelity"], {"lam": weight(p, q), "step": q["step"], "backtracking": True})


def method(
    call: Callable[[Problem, Parameters], Call], denoiser: str, sigmas: Sequence[float], strengths: Sequence[float],
    *, paper: str = "", denoised: bool = False, **facts: Any,
) -> Method:  # fmt: skip
    """A method with its grid, for the course's denoiser of this name; `paper` is the kind of published weights, if any."""
    return Method(
        Restore(call, denoised),
        {"small": denoiser, "course": denoiser, "paper": f"{PUBLISHED}{paper}" if paper else denoiser},
        {"sigma": sigmas, "strength": strengths},
        facts,
    )


COCO = deconvolution.DENOISER  # of the CoCo methods
T = deconvolution.settings(50, COCO).t  # the averaging that its certificate allows, at the strongest noise level
T_DRS = 0.45  # of Prox-PnP-DRS: the authors' 0.5 is just beyond what the certificate of prox-drunet allows
# Up to 0.16 = 40.8/255, where the certificates end. A first round on coarser grids said where these should lie.
METHODS = {
    "DPIR": method(dpir, "drunet", (0.1, 0.14, 0.19), (1.0, 1.2, 1.5), paper="drunet", iterations=12),
    "RMMO-DRS": method(partial(plain, "rmmo_drs"), "rmmo", (0.06, 0.1, 0.15), (0.7, 1.5, 3.0), iterations=50),
    "Prox-DRS": method(partial(plain, "prox_pnp_drs"), "prox-drunet", (0.07, 0.1, 0.13), (0.25, 0.35, 0.5),
                       paper="prox-drunet", iterations=50, t=T_DRS),
    "DPS": method(dps, "drunet-wide", (0.08, 0.12, 0.16), (10.0, 30.0, 60.0), iterations=50),
    "DiffPIR": method(diffpir, "drunet-wide", (0.08, 0.11, 0.15), (0.04, 0.1, 0.2), iterations=30),
    "SNORE": method(snore, "gs-drunet", (0.06, 0.09, 0.115), (0.5, 0.7, 1.0), paper="gs-drunet", denoised=True,
                    iterations=60),
    "PnPI-HQS": method(partial(plain, "pnpi_hqs"), "spc-0.9", (0.1, 0.13, 0.16), (0.35, 0.5, 0.7), paper="spc-drunet",
                       iterations=50),
    "B-RED": method(b_red, "bregman-drunet", (0.0085, 0.02, 0.05), (0.6, 1.5, 4.0), iterations=100, step=1.0),
    "CoCo-ADMM": method(partial(plain, "coco_admm"), COCO, (0.1, 0.13, 0.16), (0.45, 0.62, 0.8),
                        paper="coco-drunet", iterations=50, t=T),
    "CoCo-PEGD": method(partial(plain, "coco_pegd"), COCO, (0.1, 0.13, 0.16), (0.4, 0.55, 0.75),
                        paper="coco-drunet", iterations=100, t=T),
}  # fmt: skip


def paper() -> dict[tuple[Any, ...], dict[str, float]]:
    """The means that [B] prints in its Table 2."""
    return printed_means(PAPER / "deconvolution.csv", PEAKS)


EXPERIMENT = Experiment(
    name="deconvolution",
    source="Photon-limited deconvolution, [B] Tables 2-4",
    about="Photographs of CBSD68 under Levin's eight camera shakes (periodic), counted at peaks 100 and 50.",
    cases={
        "small": lambda n: cases("cbsd68", in_turns(range(2, 68, 5)[: n or TEST_IMAGES], 1), CROP),
        "course": lambda n: cases("cbsd68", in_turns(range(2, 68, 5)[: n or TEST_IMAGES], 8), CROP),
        "paper": lambda n: cases("cbsd68", product(range(68)[:n], range(1, 9)), 0),
    },
    tuning=lambda: cases("set3c", ((0, 1), (1, 4), (2, 7)), CROP),
    problem=problem,
    methods=METHODS,
    reference="CoCo-ADMM",
    groups=("peak",),
    paper=paper,
)
