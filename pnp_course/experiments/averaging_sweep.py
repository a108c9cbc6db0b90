"""The averaging t of CoCo-ADMM and CoCo-PEGD, with three denoisers, after [B] Table 5 (its appendix A.11).

t decides how strong the prior of D_t = t D + (1 - t) I is, and so it shifts which weight of the fidelity is the best. The
weight is therefore tried anew for each t, on other pictures; the tuning is a map of PSNR over both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from pnp_course.experiments import deconvolution_table as table
from pnp_course.experiments.experiment import Case, Experiment, Method, Parameters, Problem, at_scales
from pnp_course.experiments.solver_run import Call, Restore

PEAK = 50
AVERAGINGS = (0.05, 0.1, 0.2, 0.33, 0.5)  # 0.33 is just below what Theorem 4.1 of [B] allows for gamma = 1/4
STRENGTHS = (0.1, 0.2, 0.4, 0.7, 1.0)
TUNING_CROP = 64


def problem(case: Case, name: str) -> Problem:
    """The problem of the deconvolution table, with the parameter `name` of the case among its facts."""
    p = table.problem(case)
    return Problem(p.clean, p.y, {**p.facts, name: case[name]})


def call(solver: str, name: str, p: Problem, q: Parameters) -> Call:
    """A solver with the parameter `name` of the case; t is that of the parameters otherwise."""
    parameters = {**({"t": q["t"]} if "t" in q else {}), name: p.facts[name]}
    return Call(solver, p.facts["fidelity"], {"lam": table.weight(p, q), **parameters})


def cases(name: str, values: Iterable[float], data: str, images: Iterable[int], crop: int) -> list[Case]:
    """Every image, with the next of Levin's kernels, at each value of the parameter `name`."""
    return [
        {"set": data, "image": i, "crop": crop, "kernel": k, "peak": PEAK, "seed": 100 * i + k, name: value}
        for i, k in table.in_turns(list(images), 1)
        for value in values
    ]


def method(solver: str, name: str, denoiser: str, strengths: Iterable[float], **fixed: Any) -> Method:
    """A solver at the noise level that the table's tuning chose for it; its weight is tuned for each value."""
    names = dict.fromkeys(("small", "course", "paper"), denoiser)
    return Method(Restore(partial(call, solver, name)), names, {"strength": tuple(strengths)}, fixed)


def sweep(
    name: str, values: Iterable[float], methods: Mapping[str, Method], title: str, source: str, about: str
) -> Experiment:
    """The experiment that varies the parameter `name` of these methods."""
    values = tuple(values)
    return Experiment(
        name=title,
        source=source,
        about=about,
        cases=at_scales(partial(cases, name, values, "cbsd68"), 15, 4, small=96, course=128, paper=0),
        tuning=lambda: cases(name, values, "set3c", range(2), TUNING_CROP),
        problem=partial(problem, name=name),
        methods=methods,
        groups=(name,),
    )


def both(denoiser: str, about: str) -> dict[str, Method]:
    """CoCo-ADMM and CoCo-PEGD with this denoiser."""
    return {
        f"CoCo-ADMM{about}": method("coco_admm", "t", denoiser, STRENGTHS, sigma=0.13, iterations=50),
        f"CoCo-PEGD{about}": method("coco_pegd", "t", denoiser, STRENGTHS, sigma=0.1, iterations=100),
    }


EXPERIMENT = sweep(
    "t", AVERAGINGS,
    {**both("coco-gs-0.25", ""), **both("coco-0.5", ", gamma 1/2"), **both("coco-gs-relaxed", ", relaxed")},
    "averaging-sweep",
    "The averaging t of CoCo-ADMM and CoCo-PEGD, [B] Table 5",
    f"Photographs of CBSD68 under Levin's camera shakes, counted at peak {PEAK}.",
)  # fmt: skip
