"""The training loop: photographs -> patches -> noise -> denoiser -> loss -> weights.

There is one loop for all denoisers. It runs on Lightning Fabric, so that device and precision are only flags.
A run can be stopped, killed or interrupted at any time and resumed to the exact step: every random number comes from
two generators, whose states are in the checkpoint, and a step is atomic: what is saved is the state after the last
complete one. An error leaves the last checkpoint as it is.
"""

from __future__ import annotations

import copy
import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from tqdm.auto import tqdm

from pnp_course.training import checkpoint
from pnp_course.training.corruption import corrupted
from pnp_course.training.guards import flushed_denormals, held_interrupt
from pnp_course.training.log import Log
from pnp_course.training.losses import FITS, jacobian_penalty
from pnp_course.training.optimizer import Optimizer
from pnp_course.training.patches import Patches
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


def moving_average(net: nn.Module, decay: float) -> AveragedModel:
    """The exponential moving average of a network's weights, with its start; in the first steps it forgets faster."""

    @torch.no_grad()
    def blend(averages: Any, weights: Any, count: Any) -> None:
        n = float(count)  # torch's get_ema_multi_avg_fn has one decay for all n, and would keep the start for long
        torch._foreach_lerp_(averages, weights, 1 - min(decay, n / (9 + n)))

    averaged = AveragedModel(net, multi_avg_fn=blend)
    averaged.update_parameters(net)
    return averaged


class Training:
    """Everything that changes in a training: network, its moving average, optimiser, step, random state.

    generator: for patches and noise. penalty_generator: for the vectors from which the penalties' power iterations
        start; so runs that differ only in the penalty see the same patches and the same noise.
    whole: False during the short part of a step that changes what is saved.
    row: what the log keeps of the last complete step.
    """

    def __init__(self, net: nn.Module, preset: Preset, images: list[Tensor], fabric: Any):
        self.preset, self.fabric, self.step, self.seconds = preset, fabric, 0, 0.0
        net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # 1.5 times faster on CPUs
        self.plain = net
        self.net = fabric.setup_module(net)
        self.optimizer = Optimizer(net, preset.optimizer, lambda step: learning_rate(step, preset))
        self.averaged = moving_average(net, preset.ema)
        seed = preset.seed + fabric.global_rank  # so that each device has its own patches
        self.generator = torch.Generator().manual_seed(seed)
        self.penalty_generator = torch.Generator().manual_seed(seed + PENALTY_SEED)
        self.patches = Patches(images, preset.patch, self.generator, preset.drawn)
        self.whole, self.random, self.row = True, self._random(), dict[str, float]()

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
        clean = self.patches.batch(p.batch)
        level = p.sigma_max * torch.rand(p.batch, generator=self.generator)
        clean, noisy, lifted = corrupted(clean, level, p.noise, self.generator)
        level = torch.as_tensor(lifted)
        return clean, noisy.contiguous(memory_format=torch.channels_last), level

    def train_step(self) -> None:
        """Make one step. Where it is interrupted, `state` is still that before or after it, or `whole` is False."""
        row = self._differentiate()
        random = self._random()
        self.whole = False  # the rest takes milliseconds
        self.optimizer.step()
        self.averaged.update_parameters(self.plain)
        self.random, self.row = random, row
        self.step += 1
        self.whole = True

    def _differentiate(self) -> dict[str, float]:
        """Draw a batch and compute the gradient of its loss; return what the log keeps."""
        p = self.preset
        clean, noisy, level = (self.fabric.to_device(z) for z in self.draw())
        loss = FITS[p.fit](self.net(noisy, level), clean)
        row = {"step": self.step, "lr": learning_rate(self.step, p), "fit": loss.item()}
        if p.penalty and self.step % p.penalty.every == 0:
            extra, seen = jacobian_penalty(self.plain, noisy, level, p.penalty, self.penalty_generator)
            loss, row = loss + extra, row | seen
        self._check_finite("loss", float(self.fabric.all_reduce(loss.detach().clone())))
        self.optimizer.zero_grad()
        self.fabric.backward(loss)
        norm = nn.utils.clip_grad_norm_(self.plain.parameters(), p.clip or math.inf)
        self._check_finite("norm of the gradient", float(norm))
        return row

    def _check_finite(self, name: str, value: float) -> None:
        """Raise ValueError if the value is not finite; all devices have the same value, so all of them stop."""
        if not math.isfinite(value):
            raise ValueError(
                f"the {name} is {value} at step {self.step}: lower the learning rate; the last checkpoint is kept."
            )

    def _random(self) -> Tensor:
        return torch.stack([self.generator.get_state(), self.penalty_generator.get_state()])

    def state(self) -> dict[str, Any]:
        """Everything a later process needs to go on after the last complete step."""
        generators = self.fabric.all_gather(self.random).reshape(self.fabric.world_size, 2, -1).cpu()
        return {
            "version": checkpoint.VERSION,
            "preset": asdict(self.preset),
            "step": self.step,
            "seconds": self.seconds,
            "row": self.row,
            "net": self.plain.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "generators": generators[:, 0],
            "penalty_generators": generators[:, 1],
        }

    def load(self, path: Path) -> None:
        """Continue from a saved state.

        Raises:
            ValueError: the state is not one of this loop, or one of other settings.
        """
        state, rank = checkpoint.read(path, self.preset, self.fabric.world_size), self.fabric.global_rank
        self.plain.load_state_dict(state["net"])
        self.averaged.module.load_state_dict(state["average"])
        self.averaged.n_averaged.fill_(state["step"] + 1)
        self.optimizer.load_state_dict(state["optimizer"], state["step"])
        self.generator.set_state(state["generators"][rank].clone())  # torch reads no views here
        if "penalty_generators" in state:
            self.penalty_generator.set_state(state["penalty_generators"][rank].clone())
        self.step, self.seconds, self.row = state["step"], state["seconds"], state.get("row", {})
        self.random = self._random()


def save(training: Training, log: Log | None, path: Path) -> None:
    """Write checkpoint and log to the disk. All devices take part, and all fail if the first one cannot write.

    Raises:
        OSError: the files cannot be written; the last checkpoint is kept.
    """
    state, why = training.state(), ""
    if log:
        try:
            log.sync()
            checkpoint.save_atomically(state, path)
        except OSError as error:
            why = str(error)
    if why := training.fabric.broadcast(why):
        raise OSError(why)


def keep_log(training: Training, log: Log, held_out: list[Tensor] | None) -> None:
    """Log the last complete step if it is due, with measurements of the averaged weights on held-out photographs."""
    validating = held_out and training.step and training.step % training.preset.validate_every == 0
    if training.row and (validating or training.step % LOG_EVERY == 0):
        measured = validate(training.averaged_net(), held_out, training.preset.noise) if held_out and validating else {}
        log.append(training.row | measured)


def together(fabric: Any, *values: float) -> list[float]:
    """The largest of each value over the devices, so that all of them decide in the same way."""
    if fabric.world_size == 1:
        return list(values)
    return fabric.all_reduce(torch.tensor(values, dtype=torch.float64, device=fabric.device), reduce_op="max").tolist()


def train(
    net: nn.Module,
    preset: Preset,
    images: list[Tensor],
    folder: Path,
    *,
    minutes: float = math.inf,
    accelerator: str = "auto",
    precision: str = "32-true",
    save_every: float = 60.0,
    progress: bool = True,
    held_out: list[Tensor] | None = None,
    devices: int = 1,
) -> Training:
    """Train `net` by `preset` on 8-bit `images` (C, H, W), or resume; checkpoint and log are in `folder`.

    Ctrl-C stops after the current step, with a checkpoint; a second one does not wait. Other errors leave the last
    checkpoint as it is.

    Args:
        minutes: stop this call after this time, with a checkpoint from which the next call goes on.
        accelerator, precision: passed to Lightning Fabric ("cpu", "gpu"; "32-true", "bf16-mixed"). Jacobian penalties
            are always evaluated in float32.
        save_every: seconds between checkpoints.
        devices: number of devices; each takes its own batch of `preset.batch` patches, gradients are averaged (DDP).
        held_out: 8-bit photographs on which the averaged weights are measured every `preset.validate_every` steps.

    Returns:
        The training; `averaged_net()` is the network with the averaged weights.
    """
    from lightning_fabric import Fabric

    fabric = Fabric(accelerator=accelerator, devices=devices, precision=precision)  # type: ignore[arg-type]
    if devices > 1:
        fabric.launch()
    with flushed_denormals(), held_interrupt() as interrupts:
        training = Training(net, preset, images, fabric)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "checkpoint.pt"
        resumed = path.exists()
        if resumed:
            training.load(path)
        log = Log(folder / "log.csv", training.step) if fabric.is_global_zero else None
        if not resumed:
            save(training, log, path)  # a folder that cannot be written to is noticed now
        try:
            go_on(training, log, path, interrupts, 60 * minutes, save_every, held_out, progress)
        except KeyboardInterrupt:  # a second Ctrl-C, or one of another handler
            if training.whole and fabric.world_size == 1:
                save(training, log, path)
            raise
        save(training, log, path)
        if together(fabric, len(interrupts))[0]:
            raise KeyboardInterrupt
    return training


def go_on(
    training: Training,
    log: Log | None,
    path: Path,
    interrupts: list[int],
    seconds: float,
    save_every: float,
    held_out: list[Tensor] | None,
    progress: bool,
) -> None:
    """Make steps until the preset's steps are done, `seconds` have passed, or Ctrl-C has come."""
    preset, begun = training.preset, time.monotonic()
    saved, shown = begun, progress and log is not None
    with tqdm(total=preset.steps, initial=training.step, disable=not shown, desc=path.parent.name) as bar:
        while True:
            if log:
                keep_log(training, log, held_out)
            tick = time.monotonic()
            stop, spent, unsaved = together(training.fabric, len(interrupts), tick - begun, tick - saved)
            if stop or training.step >= preset.steps or spent >= seconds:
                return
            if unsaved > save_every:
                save(training, log, path)
                saved = time.monotonic()
            tick = time.monotonic()
            training.train_step()
            training.seconds += time.monotonic() - tick
            bar.update()
            if training.step % LOG_EVERY == 0:
                row = training.row
                bar.set_postfix({k: f"{row[k]:.4f}" for k in ("fit", "asymmetry", "expansion") if k in row})
