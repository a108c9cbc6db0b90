"""Muon for the convolutions inside the network and Adam for its first and last, as one optimiser for the loop.

Muon (Jordan et al. 2024) replaces the averaged gradient of a weight matrix by the nearest orthogonal matrix, so that
every direction of the matrix moves at the same speed. A convolution's weight is such a matrix: output channels times
(input channels x kernel). To compare: python -m pnp_course.experiments.tradeoff drunet
--steps 600, with and without --optimizer adam --lr 1e-3.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from pnp_course.training.muon import BatchedMuon

NAMES: dict[type, str] = {torch.optim.Adam: "Adam", BatchedMuon: "Muon"}  # in checkpoints


def inner_convolutions(net: nn.Module) -> list[Tensor]:
    """The weights of all convolutions but the first and the last, which work on pixels and are better left to Adam."""
    return [m.weight for m in net.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)][1:-1]


class Optimizer:
    """Adam for every parameter (`name` "adam"), or Muon for inner convolutions and Adam for the rest ("muon").

    Muon's updates are rescaled to Adam's typical size ("match_rms_adamw"), so one learning rate serves both: `rate`, a
    function of the number of steps done.
    """

    def __init__(self, net: nn.Module, name: str, rate: Callable[[int], float]):
        if name not in ("adam", "muon"):
            raise ValueError(f"optimizer is {name!r}; wanted 'muon' or 'adam'.")
        self.rate = rate
        self.weights = inner_convolutions(net) if name == "muon" else []
        # the same memory seen as a matrix: channels_last stores a kernel as (out, h, w, in)
        self.matrices = [nn.Parameter(w.data.permute(0, 2, 3, 1).flatten(1)) for w in self.weights]
        if any(m.data_ptr() != w.data_ptr() for m, w in zip(self.matrices, self.weights, strict=True)):
            raise ValueError(
                "the network is not in channels_last format: call net.to(memory_format=torch.channels_last)."
            )
        held = {id(w) for w in self.weights}
        self.parameters = list(net.parameters())
        rest = [p for p in self.parameters if id(p) not in held]
        self.adam = torch.optim.Adam(rest)
        self.muon: BatchedMuon | None = None
        if self.matrices:
            self.muon = BatchedMuon(self.matrices)
        self._schedule(0)

    def _both(self) -> list[torch.optim.Optimizer]:
        return [self.adam] if self.muon is None else [self.adam, self.muon]

    def _schedule(self, steps: int) -> None:
        """Let both follow `rate` after `steps` steps; the schedule has no state of its own, so nothing of it is saved."""
        for optimizer in self._both():
            for group in optimizer.param_groups:
                group["initial_lr"] = 1.0  # what LambdaLR multiplies by `rate`
        self.schedules = [LambdaLR(optimizer, self.rate, last_epoch=steps - 1) for optimizer in self._both()]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for p in self.parameters:
            p.grad = None

    def step(self) -> None:
        """Make one step of both at the present rate."""
        for matrix, weight in zip(self.matrices, self.weights, strict=True):
            matrix.grad = None if weight.grad is None else weight.grad.permute(0, 2, 3, 1).flatten(1)
        for optimizer, schedule in zip(self._both(), self.schedules, strict=True):
            optimizer.step()
            schedule.step()

    def state_dict(self) -> dict[str, Any]:
        """The momenta of both."""
        return {NAMES[type(o)]: o.state_dict() for o in self._both()}

    def load_state_dict(self, state: dict[str, Any], steps: int) -> None:
        """Continue with the momenta that `state_dict` gave after `steps` steps."""
        for optimizer in self._both():
            optimizer.load_state_dict(state[NAMES[type(optimizer)]])
        self._schedule(steps)


class MovingAverage:
    """The exponential moving average of a network's weights, with its start; in the first steps it forgets faster.

    torch's AveragedModel does the same, but reads its counter back from the GPU at each step, and waits for it.

    module: a copy of the network with the averaged weights.
    """

    def __init__(self, net: nn.Module, decay: float):
        self.module, self.decay, self.count = copy.deepcopy(net), decay, 1

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        """Take in the present weights of `net`."""
        decay = min(self.decay, self.count / (9 + self.count))
        torch._foreach_lerp_(list(self.module.parameters()), list(net.parameters()), 1 - decay)
        self.count += 1

    def load(self, weights: dict[str, Tensor], updates: int) -> None:
        """Go on from the average after this many updates."""
        self.module.load_state_dict(weights)
        self.count = 1 + updates
