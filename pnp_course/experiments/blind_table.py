"""Blind deblurring: the kernel is estimated, the picture restored with it and with the true one, borders unknown.

Each restoring method is there twice, so that the error ratio of Levin and others (2009) compares it with itself. It is
computed from the PSNR, as both restorations are compared with the same picture, each at its best shift. Weights of the
fidelity are `strength` times sigma^2 / nu^2, and each method with a denoiser has the same number of settings to choose from.
"coordinates" is the baseline without one, a small network of coordinates, with nothing chosen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Any

import pandas
import torch
import torch.nn.functional as F
from torch import Tensor

from pnp_course import blind, images, noise, solvers
from pnp_course.denoisers.base import AtSigma
from pnp_course.experiments.deconvolution_table import COCO, T, kernels, middle, pictures
from pnp_course.experiments.experiment import Case, Experiment, Method, Parameters, Problem
from pnp_course.experiments.solver_run import Call
from pnp_course.fidelities import Gaussian
from pnp_course.operators import ValidBlur
from pnp_course.solvers import Result, run

SIZE, SEEN, SIDE, NU = 25, 256, 192, 0.01  # width of the kernel, sides of what is seen and restored, level of the noise
SHAKES = tuple(k for k in range(1, 9) if k != 4)  # Levin's kernels of at most 25 pixels: the fourth has 27
TRUE = ", true kernel"


def true_kernel(number: int) -> Tensor:
    """Levin's kernel of this number, from 1, as (SIZE, SIZE) with zeros around it."""
    k = kernels()[number - 1]
    return F.pad(k, [(SIZE - k.shape[0]) // 2] * 4)


@lru_cache(maxsize=4)
def estimated(image_set: str, image: int, seen: int, kernel: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """A clean gray picture, its observation (both of side `seen`), and the kernel found in it; a process finds it once."""
    scene = middle(images.to_channels(pictures(image_set)[image], 1), seen + SIZE - 1)
    operator = ValidBlur(true_kernel(kernel))
    y = noise.gaussian(operator(scene), NU, torch.Generator().manual_seed(seed))
    return operator.crop(scene), y, blind.estimate_kernel(y, SIZE)


def problem(case: Case) -> Problem:
    """The middle of a gray photograph under a camera shake, border unknown, noise of level NU, and both kernels."""
    clean, y, kernel = estimated(case["set"], case["image"], case["seen"], case["kernel"], case["seed"])
    clean, y, truth = middle(clean, SIDE), middle(y, SIDE), true_kernel(case["kernel"])
    found = {"similarity": round(blind.kernel_similarity(kernel, truth), 4)}
    return Problem(clean, y, {"estimated": kernel, "true": truth, "measured": found})


@dataclass(frozen=True)
class WithKernel:
    """The `restore` of a method: a solver of this name with one of the two kernels, "estimated" or "true"."""

    solver: str
    kernel: str

    def call(self, p: Problem, q: Parameters) -> Call:
        """The solver's run, as data."""
        operator = ValidBlur(p.facts[self.kernel], tol=q["tol"])
        lam = q["strength"] * (q["sigma"] / NU) ** 2
        more = {name: q[name] for name in ("t",) if name in q}
        more |= {"iterations": q["iterations"]} if self.solver == "dpir" else {}
        return Call(self.solver, Gaussian(operator, p.y), {"lam": lam, **more})

    def __call__(self, p: Problem, denoise: AtSigma | None, q: Parameters) -> Result:
        """Run it on the larger canvas; the result is what lies under the observation, at its best shift."""
        it = self.call(p, q)
        start = it.fidelity.operator.canvas(p.y)  # type: ignore[attr-defined]
        result = run(getattr(solvers, it.solver)(it.fidelity, denoise, start, **it.parameters), q["iterations"])
        return replace(result, iterate=replace(result.iterate, x=blind.registered(result.x, p.clean)))


def method(solver: str, denoiser: str, strengths: tuple[float, ...], kernel: str = "estimated", **fixed: Any) -> Method:
    """A method with its grid."""
    return Method(
        WithKernel(solver, kernel),
        {"course": denoiser},
        {"strength": strengths},
        {"sigma": 0.06, "tol": 1e-4, **fixed},
    )


@dataclass(frozen=True)
class WithCoordinates:
    """The `restore` of the baseline without a denoiser: a network of coordinates, fitted with one of the two kernels."""

    kernel: str

    def __call__(self, p: Problem, denoise: AtSigma | None, q: Parameters) -> Tensor:
        """What lies under the observation, at its best shift."""
        x = blind.restore_by_coordinates(p.y, p.facts[self.kernel], steps=q["steps"])
        return blind.registered(x, p.clean)


HEAVY, PLAIN, LIGHT = (1.0, 3.0, 10.0), (0.3, 1.0, 3.0), (0.35, 0.7, 1.4)
# COCO serves gray pictures: its card covers the two CoCo methods, which that of coco-0.25-gray does not
METHODS = {
    "DPIR" + TRUE: method("dpir", "drunet-gray", HEAVY, "true", iterations=8),
    "DPIR": method("dpir", "drunet-gray", HEAVY, iterations=8),
    "RMMO-DRS" + TRUE: method("rmmo_drs", "rmmo", PLAIN, "true", iterations=30),
    "RMMO-DRS": method("rmmo_drs", "rmmo", PLAIN, iterations=30),
    "CoCo-ADMM" + TRUE: method("coco_admm", COCO, LIGHT, "true", iterations=30, t=T),
    "CoCo-ADMM": method("coco_admm", COCO, LIGHT, iterations=30, t=T),
    "CoCo-PEGD" + TRUE: method("coco_pegd", COCO, LIGHT, "true", iterations=30, t=T),
    "CoCo-PEGD": method("coco_pegd", COCO, LIGHT, iterations=30, t=T),
    "coordinates" + TRUE: Method(WithCoordinates("true"), fixed={"steps": 400}),
    "coordinates": Method(WithCoordinates("estimated"), fixed={"steps": 400}),
}  # fmt: skip


def cases(name: str, pairs: Iterable[tuple[int, int]], seen: int) -> list[Case]:
    """Pairs of image and kernel, each with a noise of its own."""
    return [{"set": name, "image": i, "seen": seen, "kernel": k, "seed": 100 * i + k} for i, k in pairs]


def in_turns(count: int) -> list[tuple[int, int]]:
    """Pairs of photograph and kernel: twelve photographs, each with two of the kernels, which take turns."""
    turns = [(i, SHAKES[n % len(SHAKES)]) for n, (_, i) in enumerate(product(range(2), range(2, 62, 5)))]
    return turns[:count]


def error_ratios(rows: pandas.DataFrame) -> pandas.DataFrame:
    """The error ratio of each case (line) and method with the estimated kernel (column), from the rows' PSNR.

    It is NaN where a method was not run on a case.
    """
    wide = rows.pivot_table(index=["image", "kernel"], columns="method", values="psnr", sort=False)
    names = [name for name in METHODS if name in wide and name + TRUE in wide]
    return pandas.DataFrame({name: 10 ** ((wide[name + TRUE] - wide[name]) / 10) for name in names})


def _line(name: str, of: pandas.Series) -> str:
    return f"| {name} | {len(of)} | {of.median():.2f} | {(of < 2).mean():.0%} | {(of < 3).mean():.0%} |"


def summary(rows: pandas.DataFrame) -> str:
    """Error ratios and similarities of the kernels, in Markdown."""
    ratios = error_ratios(rows)
    similar = rows.groupby(["image", "kernel"])["similarity"].first()
    return "\n".join([
        "## Error ratio: squared error over that with the true kernel", "",
        "| method | cases | median | below 2 | below 3 |", "|---|---|---|---|---|",
        *(_line(str(name), of.dropna()) for name, of in ratios.items()), "",
        f"Similarity of the {len(similar)} estimated kernels to the true ones: {similar.min():.2f} to {similar.max():.2f}, "
        f"median {similar.median():.2f}.",
    ])  # fmt: skip


EXPERIMENT = Experiment(
    name="blind",
    source="Blind deblurring",
    about=f"Gray photographs of CBSD68 under Levin's camera shakes, 1 % noise, unknown border. The kernel is estimated from "
    f"{SEEN} x {SEEN} pixels, of which the middle {SIDE} x {SIDE} are restored; PSNR is at the best shift.",
    cases={"course": lambda n: cases("cbsd68", in_turns(n or 24), SEEN)},
    tuning=lambda: cases("set3c", ((0, 1), (2, 3)), SIDE),
    problem=problem,
    methods=METHODS,
    measured=("similarity",),
    summary=summary,
)
