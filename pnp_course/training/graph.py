"""Work on a GPU that is recorded once, as a CUDA graph, and then started as a whole: one launch in place of thousands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

Work = Callable[[], dict[str, Tensor]]
WARM_UP = 3  # calls before the recording, in which libraries choose their algorithms


class Recording(Protocol):
    """Work that was recorded; `replay` does it again, with the same tensors."""

    def replay(self) -> None:
        """Do it once more."""


class Captured:
    """`work`, called three times as it is, then recorded, and from then on replayed.

    Work can be recorded if it does the same each time, reads no number from the device and sends none to it. What it
    returns, and the gradients it leaves, are from then on the same tensors after each call, with new numbers in them.
    Recording does not run the work: the call in which it happens replays the record at once.

    Args:
        work: a function without arguments; returns tensors by name.
        parameters: those whose gradients it computes anew.
        generators: those from which it draws; a replay draws on where the last call stopped.
    """

    def __init__(self, work: Work, parameters: list[Tensor], generators: tuple[torch.Generator, ...]):
        self.work, self.parameters, self.generators = work, parameters, generators
        self.calls = 0
        self.recording: Recording | None = None
        self.out: dict[str, Tensor] = {}
        self.gradients: list[Tensor | None] = []

    def __call__(self) -> dict[str, Tensor]:
        """Do the work."""
        if self.calls < WARM_UP:
            self.calls += 1
            return aside(self.work)
        if self.recording is None:
            self.recording, self.out = record(self.work, self.generators)
            self.gradients = [p.grad for p in self.parameters]
        for p, gradient in zip(self.parameters, self.gradients, strict=True):
            p.grad = gradient  # another record may have put its own there
        self.recording.replay()
        return self.out


def aside(work: Work) -> dict[str, Tensor]:
    """Do the work on a stream of its own, as it must be before it is recorded, and let the usual one wait for it."""
    side = _side_stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        out = work()
    torch.cuda.current_stream().wait_stream(side)
    return out


def record(work: Work, generators: tuple[torch.Generator, ...]) -> tuple[Recording, dict[str, Tensor]]:
    """The record of the work, and the tensors that it returns at each replay."""
    graph = torch.cuda.CUDAGraph()
    for generator in generators:
        graph.register_generator_state(generator)
    try:
        with torch.cuda.graph(graph, stream=_side_stream()):
            out = work()
    except RuntimeError:
        _streams.clear()  # that of a failed recording is not used again, and must not be left as the current one
        torch.cuda.set_stream(torch.cuda.default_stream())
        raise
    return graph, out


_streams: dict[int, torch.cuda.Stream] = {}


def _side_stream() -> torch.cuda.Stream:
    """One stream for each GPU, on which work is warmed up and recorded."""
    return _streams.setdefault(torch.cuda.current_device(), torch.cuda.Stream())
