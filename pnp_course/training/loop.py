"""The training loop: photographs -> patches -> noise -> denoiser -> loss -> weights.

There is one loop for all denoisers and devices. Photographs, patches, noise, weights and random numbers stay on the
device, and nothing is read back from it but what the log shows, every LOG_EVERY steps. So the work of a step can be
recorded as a CUDA graph, which pays where a step is mostly launches of small kernels. A run can be stopped, killed or
interrupted at any time and resumed; on a CPU to the bit: every random number comes from two generators, whose states are
in the checkpoint, and a step is atomic: what is saved is the state after the last complete one. An error leaves the last
checkpoint as it is.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pnp_course._checks import unread
from pnp_course._progress import progress_bar
from pnp_course.devices import best_device, multiplies_bfloat16
from pnp_course.training import checkpoint
from pnp_course.training.graph import Captured, Work
from pnp_course.training.guards import alone_in, flushed_denormals, held_interrupt, tuned_convolutions
from pnp_course.training.log import Log
from pnp_course.training.losses import FITS, jacobian_penalty
from pnp_course.training.optimizer import MovingAverage, Optimizer
from pnp_course.training.patches import Patches, noisy_batch
from pnp_course.training.presets import Preset
from pnp_course.training.validation import validate

LOG_EVERY = 20
PENALTY_SEED = 1 << 30  # added to a preset's seed, so that penalties have other random numbers than patches and noise


def learning_rate(step: int, preset: Preset, warmup: int = 100) -> float:
    """The learning rate: a cosine from `lr` to `lr_end` over `steps`, after a short linear warm-up."""
    # a product in closed form, which torch's LinearLR and CosineAnnealingLR in sequence are not; LambdaLR applies it
    ramp = min(1.0, (step + 1) / min(warmup, max(1, preset.steps)))
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, step / preset.steps)))
    return ramp * (preset.lr_end + (preset.lr - preset.lr_end) * cosine)


def fit_in_bfloat16(preset: Preset, device: torch.device) -> bool:
    """Is the fit computed in bfloat16? If the preset lets it be, and the device has units for it."""
    return preset.bfloat16 and multiplies_bfloat16(device)


class Training:
    """Everything that changes in a training: network, its moving average, optimiser, step, random state.

    generator: for patches and noise. penalty_generator: for the vectors from which the penalties' power iterations
        start; so runs that differ only in the penalty see the same patches and the same noise.
    whole: False during the short part of a step that changes what is saved.
    sums: name -> (sum, number) of what the log shows the mean of, since its last row; the sums are on the device.
    gradients: what draws a batch and computes the gradient of its loss, without and with the penalty.
    trouble: (3,) on the device: the first step whose loss or gradient was not finite, -1 if none was; its loss, and the
        norm of its gradient.
    """

    def __init__(self, net: nn.Module, preset: Preset, images: list[Tensor], device: torch.device, graph: bool = False):
        self.preset, self.device, self.step, self.seconds = preset, device, 0, 0.0
        self.net = net.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # faster
        self.optimizer = Optimizer(net, preset.optimizer, lambda step: learning_rate(step, preset))
        self.averaged = MovingAverage(net, preset.ema)
        self.generator = torch.Generator(device).manual_seed(preset.seed)
        self.penalty_generator = torch.Generator(device).manual_seed(preset.seed + PENALTY_SEED)
        self.patches = Patches(images, preset.patch, self.generator, preset.drawn)
        self.sums: dict[str, tuple[Tensor, int]] = {}
        self.trouble = torch.full((3,), -1.0, device=device)
        self.gradients: dict[bool, Work] = {
            with_penalty: partial(self._gradient, with_penalty) for with_penalty in (False, True)
        }
        if graph:
            generators = (self.generator, self.penalty_generator)
            weights: list[Tensor] = list(net.parameters())
            self.gradients = {key: Captured(work, weights, generators) for key, work in self.gradients.items()}
        self.whole, self.random = True, self._random()

    @property
    def average(self) -> dict[str, Tensor]:
        """The averaged weights."""
        return self.averaged.module.state_dict()

    def averaged_net(self) -> nn.Module:
        """A copy of the network with the averaged weights."""
        return copy.deepcopy(self.averaged.module).eval().requires_grad_(False)

    def draw(self) -> tuple[Tensor, Tensor, Tensor]:
        """A batch: clean patches, noisy patches (B, C, H, W), noise levels (B,)."""
        p = self.preset
        return noisy_batch(self.patches, p.batch, p.noise, p.sigma_max)

    def train_step(self) -> None:
        """Make one step. Where it is interrupted, `state` is still that before or after it, or `whole` is False."""
        seen, trouble = self._differentiate()
        sums, random = self._added(seen), self._random()
        self.whole = False  # the rest takes milliseconds
        self.optimizer.step()
        self.averaged.update(self.net)
        self.random, self.sums, self.trouble = random, sums, trouble
        self.step += 1
        self.whole = True

    def _differentiate(self) -> tuple[dict[str, Tensor], Tensor]:
        """Draw a batch and compute the gradient of its loss; return what the log shows, and `trouble`."""
        penalty = self.preset.penalty
        seen = dict(self.gradients[penalty is not None and self.step % penalty.every == 0]())
        loss, norm = seen.pop("loss"), seen.pop("norm")
        now = torch.stack((torch.full_like(norm, self.step), loss, norm))
        return seen, torch.where((self.trouble[0] >= 0) | now.isfinite().all(), self.trouble, now)

    def _gradient(self, with_penalty: bool) -> dict[str, Tensor]:
        """The same as work that can be recorded: it reads nothing back, and does not depend on the step.

        Returns:
            The loss, the norm of its gradient, and what the log shows, all on the device.
        """
        p = self.preset
        with unread():
            clean, noisy, level = self.draw()
            fast = p.bfloat16 and multiplies_bfloat16(
                self.device
            )  # autocast knows where that is safe; penalties are not
            with torch.autocast(self.device.type, torch.bfloat16, enabled=fast, cache_enabled=False):
                denoised = self.net(noisy, level)
            loss = FITS[p.fit](denoised.to(clean.dtype), clean)
            seen = {"fit": loss.detach()}
            if with_penalty and p.penalty:
                extra, norms = jacobian_penalty(self.net, noisy, level, p.penalty, self.penalty_generator)
                loss, seen = loss + extra, seen | norms
            self.optimizer.zero_grad()
            loss.backward()
        norm = nn.utils.clip_grad_norm_(self.net.parameters(), p.clip or math.inf)
        return seen | {"loss": loss.detach(), "norm": norm}

    def check(self) -> None:
        """Raise ValueError if the loss or the gradient of some step was not finite; this waits for the device."""
        step, loss, norm = self.trouble.tolist()
        for name, value in (("loss", loss), ("norm of the gradient", norm)):
            if step >= 0 and not math.isfinite(value):
                raise ValueError(
                    f"the {name} is {value} at step {int(step)}: lower the learning rate; the last checkpoint is kept."
                )

    def _added(self, seen: dict[str, Tensor]) -> dict[str, tuple[Tensor, int]]:
        """The sums with those of one more step; they begin anew after each row of the log."""
        sums = dict(self.sums) if self.step % LOG_EVERY else {}
        for name, value in seen.items():
            total, number = sums.get(name, (torch.zeros_like(value), 0))
            sums[name] = (total + value, number + 1)
        return sums

    @property
    def row(self) -> dict[str, float]:
        """What the log shows now: the last complete step, its learning rate, and means since the last row; or nothing."""
        if not self.sums:
            return {}
        means = {name: float(total) / number for name, (total, number) in self.sums.items()}
        return {"step": self.step - 1, "lr": learning_rate(self.step - 1, self.preset), **means}

    def _random(self) -> tuple[Tensor, Tensor]:
        return self.generator.get_state(), self.penalty_generator.get_state()

    def state(self) -> dict[str, Any]:
        """Everything a later process needs to go on after the last complete step."""
        return {
            "version": checkpoint.VERSION,
            "preset": asdict(self.preset),
            "step": self.step,
            "seconds": self.seconds,
            "sums": {name: [total.cpu(), number] for name, (total, number) in self.sums.items()},
            "net": self.net.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "device": self.device.type,
            "generators": list(self.random),
        }

    def load(self, path: Path) -> None:
        """Continue from a saved state.

        Random numbers go on where they were on the same kind of device; on another kind they are new ones.

        Raises:
            ValueError: the state is not one of this loop, or one of other settings.
        """
        state = checkpoint.read(path, self.preset)
        self.net.load_state_dict(state["net"])
        self.averaged.load(state["average"], state["step"])
        self.optimizer.load_state_dict(state["optimizer"], state["step"])
        ours = (self.generator, self.penalty_generator)
        for generator, saved in zip(ours, state["generators"], strict=False):
            if state["device"] == self.device.type:
                generator.set_state(saved)
            else:
                generator.manual_seed(generator.initial_seed() + state["step"])
        self.step, self.seconds = state["step"], state["seconds"]
        self.sums = {name: (total.to(self.device), number) for name, (total, number) in state["sums"].items()}
        self.random = self._random()


def save(training: Training, log: Log, path: Path) -> None:
    """Write checkpoint and log to the disk.

    Raises:
        OSError: the files cannot be written; the last checkpoint is kept. ValueError: the weights are not finite.
    """
    training.check()
    log.sync()
    checkpoint.save_atomically(training.state(), path)


def keep_log(training: Training, log: Log, held_out: list[Tensor] | None) -> None:
    """Log the last complete step if it is due, with measurements of the averaged weights on held-out photographs."""
    validating = held_out and training.step and training.step % training.preset.validate_every == 0
    if training.sums and (validating or training.step % LOG_EVERY == 0):
        training.check()
        measured = validate(training.averaged_net(), held_out, training.preset.noise) if held_out and validating else {}
        log.append(training.row | measured)


def train(
    net: nn.Module,
    preset: Preset,
    images: list[Tensor],
    folder: Path,
    *,
    device: torch.device | None = None,
    minutes: float = math.inf,
    save_every: float = 60.0,
    progress: bool = True,
    held_out: list[Tensor] | None = None,
    graph: bool = False,
    kind: Callable[..., Training] = Training,
) -> Training:
    """Train `net` by `preset` on 8-bit `images` (C, H, W), or resume; checkpoint and log are in `folder`.

    Ctrl-C stops after the current step, with a checkpoint; a second one does not wait. Other errors leave the last
    checkpoint as it is.

    Args:
        device: where to train; the GPU, if there is one, by default. Jacobian penalties are computed in float32 everywhere.
        minutes: stop this call after this time, with a checkpoint from which the next call goes on.
        save_every: seconds between checkpoints.
        held_out: 8-bit photographs on which the averaged weights are measured every `preset.validate_every` steps.
        graph: record the work of a step as a CUDA graph, on a GPU; `cost.graph_pays` says whether that is faster.
        kind: what is called with (net, preset, images, device, graph); a class derived from `Training` draws other batches.

    Returns:
        The training; `averaged_net()` is the network with the averaged weights.

    Raises:
        ValueError: another training is going on in `folder`.
    """
    with alone_in(folder), flushed_denormals(), tuned_convolutions(), held_interrupt() as interrupts:
        training = kind(net, preset, images, device or best_device(), graph)
        path = folder / "checkpoint.pt"
        resumed = path.exists()
        if resumed:
            training.load(path)
        log = Log(folder / "log.csv", training.step)
        if not resumed:
            save(training, log, path)  # a folder that cannot be written to is noticed now
        try:
            go_on(training, log, path, interrupts, 60 * minutes, save_every, held_out, progress)
        except KeyboardInterrupt:  # a second Ctrl-C, or one of another handler
            if training.whole:
                save(training, log, path)
            raise
        save(training, log, path)
        if interrupts:
            raise KeyboardInterrupt
    return training


def go_on(
    training: Training,
    log: Log,
    path: Path,
    interrupts: list[int],
    seconds: float,
    save_every: float,
    held_out: list[Tensor] | None,
    progress: bool,
) -> None:
    """Make steps until the preset's steps are done, `seconds` have passed, or Ctrl-C has come."""
    preset, begun = training.preset, time.monotonic()
    saved = begun
    with progress_bar(progress, total=preset.steps, initial=training.step, desc=path.parent.name) as bar:
        while True:
            keep_log(training, log, held_out)
            tick = time.monotonic()
            if interrupts or training.step >= preset.steps or tick - begun >= seconds:
                return
            if tick - saved > save_every:
                save(training, log, path)
                saved = time.monotonic()
            tick = time.monotonic()
            try:
                training.train_step()
            except ValueError:  # such as a penalty's complaint of weights that are not finite, which `check` explains
                training.check()
                raise
            training.seconds += time.monotonic() - tick
            bar.update()
            if training.step % LOG_EVERY == 0 and progress:
                bar.set_postfix({name: f"{training.row[name]:.4f}" for name in training.sums})
