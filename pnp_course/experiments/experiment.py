"""What an experiment is: cases, a problem for each case, methods with their parameters, and the paper's numbers.

An experiment is declared, not programmed: `deconvolution_table.py` is the model. From the declaration follow the jobs
(one for each case and method), the tuning, the results files and the table beside the paper's.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import pandas
import torch
from torch import Tensor

from pnp_course.denoisers.base import AtSigma
from pnp_course.solvers import Result

Case = dict[str, Any]  # names and numbers that say which problem, such as image, kernel, peak and seed
Parameters = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """What a method gets, and what its result is compared with.

    clean: (1, C, H, W) in [0, 1]. y: the observation, in the space of the data. facts: everything else a method may
        need by name, such as the fidelity, the operator or the peak.
    """

    clean: Tensor
    y: Tensor
    facts: Mapping[str, Any]

    def to(self, device: torch.device) -> Problem:
        """The same problem on a device: its tensors, and those that its fidelities hold (operators follow)."""
        facts = {name: _moved(value, device) for name, value in self.facts.items()}
        return Problem(self.clean.to(device), self.y.to(device), facts)


def _moved(fact: Any, device: torch.device) -> Any:
    if isinstance(fact, Tensor):
        return fact.to(device)
    if isinstance(getattr(fact, "y", None), Tensor):
        fact = copy.copy(fact)
        for name, value in vars(fact).items():
            if isinstance(value, Tensor):
                setattr(fact, name, value.to(device))
    return fact


@dataclass(frozen=True)
class Method:
    """One line of a table.

    restore: (problem, denoiser at its noise level or None, parameters) -> a `Result`, as `run` gives, or the image.
    denoisers: scale -> name of a shipped denoiser; empty for a method without one. A denoiser is used at the noise level
        that the parameter `sigma` gives, or without one, at that of the problem's fact `sigma`.
    grid: parameter -> the values that are tried when the experiment is tuned; every combination is.
    fixed: parameters that are not tuned.
    """

    restore: Callable[[Problem, AtSigma | None, Parameters], Result | Tensor]
    denoisers: Mapping[str, str] = field(default_factory=dict)
    grid: Mapping[str, Sequence[float]] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def settings(self) -> list[Parameters]:
        """Every combination of the grid."""
        return [dict(zip(self.grid, values, strict=True)) for values in product(*self.grid.values())]


def at_scales(
    cases: Callable[[Iterable[int], int], list[Case]], step: int, count: int, **sides: int
) -> dict[str, Callable[[int | None], list[Case]]]:
    """The `cases` of an experiment on photographs of CBSD68: every `step`-th, from the third, and all 68 at scale "paper".

    Args:
        cases: (numbers of photographs, side of their middle; 0: all of it) -> cases.
        count: of the photographs at the other scales, where none is asked for.
        sides: scale -> side.
    """

    def at(scale: str, side: int) -> Callable[[int | None], list[Case]]:
        if scale == "paper":
            return lambda n: cases(range(68)[:n], side)
        return lambda n: cases(range(2, 68, step)[: n or count], side)

    return {scale: at(scale, side) for scale, side in sides.items()}


def printed_means(file: Path, peaks: Sequence[float]) -> dict[tuple[Any, ...], dict[str, float]]:
    """What a paper's table has for each method at each peak, from the columns method, psnr_p50, ssim_p50 and so on."""
    return {
        (line["method"], peak): {kind: float(line[f"{kind}_p{peak}"]) for kind in ("psnr", "ssim")}
        for line in pandas.read_csv(file, comment="#").to_dict("records") for peak in peaks
    }  # fmt: skip


@dataclass(frozen=True)
class Experiment:
    """A table or figure of a paper.

    source: which table of which paper; about: what is measured, one sentence.
    cases: scale -> function (number of images, None for all of the scale) -> the cases.
    tuning: the cases on which parameters are chosen. They must not be cases of a scale.
    problem: case -> Problem.
    methods: name -> Method, in the order of the table.
    groups: names of a case by which parameters are chosen and results averaged, such as ("peak",).
    tuned_as: case -> the case of whose group it takes the chosen parameters; by default itself. A sweep in which only one
        thing may change takes those of its middle.
    paper: the paper's mean values, as {(method, group values...): {"psnr": .., "ssim": ..}}.
    reference: the method with which the others are compared case by case, if any.
    measured: names of what else is known of a case, a number for each in the problem's fact `measured`; columns of the rows.
    summary: rows -> a section of the report in Markdown, if any.
    """

    name: str
    source: str
    about: str
    cases: Mapping[str, Callable[[int | None], list[Case]]]
    tuning: Callable[[], list[Case]]
    problem: Callable[[Case], Problem]
    methods: Mapping[str, Method]
    groups: tuple[str, ...] = ()
    tuned_as: Callable[[Case], Case] = lambda case: case
    paper: Callable[[], dict[tuple[Any, ...], dict[str, float]]] = dict
    reference: str = ""
    measured: tuple[str, ...] = ()
    summary: Callable[[pandas.DataFrame], str] | None = None

    def group(self, case: Case) -> str:
        """The group of a case in words, such as "peak 50"."""
        return ", ".join(f"{name} {case[name]:g}" for name in self.groups)
