"""Noise levels and weights that change from iteration to iteration."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise, repeat
from typing import Any

import torch
from torch import Tensor

from pnp_course._checks import check_count, check_positive
from pnp_course.denoisers.base import AtSigma, Denoise


def ladder(start: float, end: float, steps: int) -> list[float]:
    """`steps` noise levels from start to end, evenly spaced in log sigma."""
    check_positive(start, "start")
    check_positive(end, "end")
    steps = check_count(steps, "steps", 2)
    return [float(s) for s in torch.logspace(0, 1, steps, base=end / start, dtype=torch.float64) * start]


def annealed(start: float, end: float, iterations: int, last: int = 300, levels: int = 16) -> list[float]:
    """SNORE's schedule: `levels` equal steps from start towards end, then `last` iterations at the end value."""
    if not 0 <= last <= iterations:
        raise ValueError(f"last is {last} of {iterations} iterations; wanted 0 <= last <= iterations.")
    annealing = iterations - last
    held = max(1, annealing // levels)
    stages = [min(i // held * held / annealing, 1.0) for i in range(annealing)] if annealing else []
    return [start + (end - start) * s for s in stages] + [end] * last


def schedule(value: float | Sequence[float]) -> Iterator[float]:
    """One value for each iteration: those of a list, or the same number without end."""
    return iter(value) if isinstance(value, Sequence) else repeat(value)


def denoisers_at(denoise: AtSigma | Denoise, sigmas: Sequence[float] | None) -> Iterator[Denoise]:
    """The denoiser at each noise level of a list, or the same denoiser without end."""
    return repeat(denoise) if sigmas is None else (denoise.at(s) for s in sigmas)  # type: ignore[union-attr]


def normal_like(x: Tensor, generator: torch.Generator) -> Tensor:
    """Normal noise of the shape, precision and device of x; each image of a batch gets the noise it would get alone."""
    one = torch.randn(x.shape[1:], generator=generator, dtype=x.dtype)
    return one.to(x.device).expand_as(x)


def check_levels(fidelity: Any, denoise: Any, x0: Tensor, parameters: dict[str, Any]) -> None:
    """Raise ValueError unless `sigmas` are noise levels, and the schedules of the other parameters are equally long."""
    sigmas = parameters["sigmas"]
    lengths = {n: len(parameters[n]) for n in ("lam", "step") if isinstance(parameters.get(n), Sequence)}
    if sigmas is not None:
        if not len(sigmas) or not all(math.isfinite(s) and s >= 0 for s in sigmas):
            raise ValueError(f"sigmas is {list(sigmas)}; wanted noise levels >= 0 in units of intensity, at least one.")
        if not hasattr(denoise, "at"):
            raise ValueError("sigmas needs a denoiser for several noise levels: pass at_sigma(denoiser, sigma).")
        lengths["sigmas"] = len(sigmas)
    if len(set(lengths.values())) > 1:
        said = " and ".join(f"{n} of {name}" for name, n in lengths.items())
        raise ValueError(f"the schedules are of unequal length, {said}; wanted equally many values.")


def check_falling(fidelity: Any, denoise: Any, x0: Tensor, parameters: dict[str, Any]) -> None:
    """Raise ValueError unless the noise levels `sigmas` are positive and never rise."""
    sigmas = parameters["sigmas"]
    if sigmas is not None and (not len(sigmas) or min(sigmas) <= 0 or any(a < b for a, b in pairwise(sigmas))):
        raise ValueError("sigmas must be positive and never rise; make them with ladder(start, end, steps).")
