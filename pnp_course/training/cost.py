"""What a training step costs: two numbers that can be known before it runs, and its time, measured.

A step cannot be shorter than its arithmetic at the rate of the device's matrix unit, nor than the time the processor
takes to hand its operations to the device, one after the other. Where the measured time is far above both, something
else is slow: the device's memory, or waiting.
"""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from pnp_course.devices import wait_for
from pnp_course.training.graph import WARM_UP
from pnp_course.training.guards import flushed_denormals, tuned_convolutions
from pnp_course.training.loop import Training, fit_in_bfloat16
from pnp_course.training.presets import Preset

MEASURED, AT_LEAST = 3, 0.5  # steps timed, or more, until so many seconds are over
GAIN = 1.2  # a batch of twice the size is worth it if it trains so many times more patches a second
BATCHES = (16, 32, 64, 128, 256, 512)


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the operations that run inside it: floating-point ones, and calls that compute something."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations = self.calls = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.operations += formula(*args, **(kwargs or {}), out_val=out)
        self.calls += not (func.is_view or "empty" in func.name())
        return out


def counted(work: Callable[[], object]) -> tuple[int, int]:
    """The floating-point operations of the convolutions and matrix products that `work()` runs, and its calls of kernels.

    The operations are counted by PyTorch's own formulas (`torch.utils.flop_counter`); a multiply-add is two of them. Calls
    are the operations that PyTorch dispatches, without those that only look at memory in another way; one may be several
    kernels on a GPU (see `launches`).
    """
    with _Counter() as seen:
        work()
    return int(seen.operations), int(seen.calls)


def operations(work: Callable[[], object]) -> int:
    """The first number of `counted`; it is the same on every machine."""
    return counted(work)[0]


def launches(work: Callable[[], object]) -> int:
    """How many kernels `work()` launches on a GPU, counted by PyTorch's profiler."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as seen:
        work()
    return sum(event.count for event in seen.key_averages() if "LaunchKernel" in event.key)


@cache
def rate(device: torch.device, precision: torch.dtype) -> float:
    """Floating-point operations a second in a large matrix product, measured; in float32 a GPU may round to TF32."""
    size = 8192 if device.type == "cuda" else 1024
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(size, size, generator=generator).to(device, precision)
    before, torch.backends.cuda.matmul.allow_tf32 = torch.backends.cuda.matmul.allow_tf32, True
    try:
        return 2 * size**3 / _seconds(lambda: a @ a, device)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


@cache
def call_cost(device: torch.device) -> float:
    """Seconds from one call of a tiny operation to the next, measured: what a launch costs the processor."""
    x = torch.zeros(1, device=device)

    def many() -> None:
        for _ in range(1000):
            x.add_(1)

    return _seconds(many, device) / 1000


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    """The mean time of `work()`, after a warm-up."""
    for _ in range(WARM_UP):
        work()
    wait_for(device)
    begun, count = time.perf_counter(), 0
    while count < MEASURED or time.perf_counter() - begun < AT_LEAST:
        work()
        wait_for(device)
        count += 1
    return (time.perf_counter() - begun) / count


@dataclass(frozen=True)
class Cost:
    """What a step costs: floating-point operations of the fit and of the penalty, kernels, and measured seconds.

    fast: is the fit computed in bfloat16?
    """

    fit: int
    penalty: int
    kernels: int
    seconds: float
    fast: bool = False

    def arithmetic(self, device: torch.device) -> float:
        """Seconds for the operations at the device's rates: penalties in float32, and the fit in its own precision."""
        precision = torch.bfloat16 if self.fast else torch.float32
        return self.fit / rate(device, precision) + self.penalty / rate(device, torch.float32)

    def calls(self, device: torch.device) -> float:
        """Seconds for the launches of all kernels."""
        return self.kernels * call_cost(device)


def step_seconds(
    net: nn.Module, preset: Preset, images: list[Tensor], device: torch.device, graph: bool = False
) -> float:
    """The mean time of a training step, measured on a copy of the network; with `graph`, of one that is recorded."""
    with flushed_denormals(), tuned_convolutions():
        training, every = _trial(net, preset, images, device, graph), preset.penalty.every if preset.penalty else 1
        for _ in range((WARM_UP + 1) * every if graph else 0):
            training.train_step()

        def steps() -> None:
            for _ in range(every):
                training.train_step()

        seconds = _seconds(steps, device) / every
        training.check()
    return seconds


def step_cost(net: nn.Module, preset: Preset, images: list[Tensor], device: torch.device, seconds: float) -> Cost:
    """The operations and kernels of a step, with its measured time; a penalty counts as if it came with each step."""
    penalty = preset.penalty and replace(preset.penalty, every=1)
    with flushed_denormals(), tuned_convolutions():
        training = _trial(net, replace(preset, penalty=penalty), images, device)
        training.train_step()  # a first one also initialises
        all_of_it, calls = counted(training.train_step)
        if device.type == "cuda":
            calls = launches(training.train_step)
        fit = operations(_trial(net, replace(preset, penalty=None), images, device).train_step)
    return Cost(fit, all_of_it - fit, calls, seconds, fit_in_bfloat16(preset, device))


def _trial(net: nn.Module, preset: Preset, images: list[Tensor], device: torch.device, graph: bool = False) -> Training:
    return Training(copy.deepcopy(net), preset, images, device, graph)


def graph_pays(net: nn.Module, preset: Preset, images: list[Tensor], device: torch.device) -> bool:
    """Does a step take less time when its work is recorded as a CUDA graph? Measured with the smallest batch.

    A device or a network that cannot be recorded is not worth an error: then a warning says why. Nor is a record that
    does something else than the steps that it was made of, as their losses show.
    """
    if device.type != "cuda":
        return False
    preset = replace(preset, batch=BATCHES[0])
    usual = step_seconds(net, preset, images, device)
    try:
        recorded = step_seconds(net, preset, images, device, graph=True)
        fits = [_mean_fit(net, preset, images, device, graph) for graph in (False, True)]
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        warnings.warn(
            f"a training step cannot be recorded as a graph here ({reason}); it runs unrecorded.", stacklevel=2
        )
        return False
    if not 0.5 < fits[1] / fits[0] < 2:
        warnings.warn(
            f"recorded steps have the loss {fits[1]:g}, others {fits[0]:g}; they run unrecorded.", stacklevel=2
        )
        return False
    return recorded < usual


def _mean_fit(net: nn.Module, preset: Preset, images: list[Tensor], device: torch.device, graph: bool) -> float:
    """The mean fit over the first steps of a training, most of which are replayed if it is recorded."""
    with flushed_denormals(), tuned_convolutions():
        training = _trial(net, preset, images, device, graph)
        for _ in range(4 * (WARM_UP + 1)):  # fewer than LOG_EVERY, so that the row is their mean
            training.train_step()
    return training.row["fit"]


def useful_batch(
    net: nn.Module, preset: Preset, images: list[Tensor], device: torch.device, graph: bool = False
) -> tuple[Preset, float]:
    """The preset with the largest batch that still speeds up the training, and the seconds of a step.

    The batch is doubled as long as a step trains at least `GAIN` times as many patches a second, and fits into the
    memory. On a CPU the preset's own batch is taken: there, larger ones train no more patches a second.
    """
    if device.type == "cpu":
        return preset, step_seconds(net, preset, images, device)  # there are no graphs
    best: tuple[Preset, float] | None = None
    for batch in BATCHES:
        try:
            larger = replace(preset, batch=batch)
            seconds = step_seconds(net, larger, images, device, graph)
        except torch.OutOfMemoryError:
            if best is None:
                raise
            break
        if best and batch / seconds < GAIN * best[0].batch / best[1]:
            break
        best = larger, seconds
    assert best is not None
    return best
