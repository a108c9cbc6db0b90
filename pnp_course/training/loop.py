"""The training loop: photographs -> patches -> noise -> denoiser -> loss -> weights.

One loop for every denoiser. It runs on Lightning Fabric, so that device and precision are a flag and nothing else.
A run can be stopped at any time and resumed to the exact step: every random number comes from one generator, whose
state is in the checkpoint.
"""

from __future__ import annotations

import copy
import csv
import math
import os
import time
from pathlib import Path
from typing import Any, TextIO

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from pnp_course.noise import inverse_gamma
from pnp_course.training.losses import FITS, jacobian_penalty
from pnp_course.training.optimizer import Optimizer
from pnp_course.training.patches import Patches
from pnp_course.training.presets import Preset
from pnp_course.training.validation import validate

LOG_COLUMNS = [
    "step", "lr", "fit", "asymmetry", "expansion",  # of the step
    "psnr", "val_asymmetry", "val_lambda_min", "val_lambda_max",  # of the averaged weights, on held-out photographs
]  # fmt: skip


def learning_rate(step: int, preset: Preset, warmup: int = 100) -> float:
    """Cosine from `lr` to `lr_end` over `steps`, after a short linear warm-up."""
    ramp = min(1.0, (step + 1) / min(warmup, max(1, preset.steps)))
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, step / preset.steps)))
    return ramp * (preset.lr_end + (preset.lr - preset.lr_end) * cosine)


def save_atomically(state: dict[str, Any], path: Path) -> None:
    """torch.save to a neighbour file, then rename: a kill or a full disk leaves the old checkpoint or the new one, whole.

    Raises:
        OSError: the disk cannot take it; says so and that the last checkpoint stands.
    """
    part = path.with_suffix(path.suffix + ".part")
    try:
        torch.save(state, part)
        os.replace(part, path)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
        part.unlink(missing_ok=True)
        kept = "the last one stands" if path.exists() else "there is none yet"
        raise OSError(
            f"the checkpoint {path} cannot be written ({error}); {kept}. Free some space, then go on."
        ) from error


class Run:
    """All that changes while training: network, its moving average, optimiser, step, random state."""

    def __init__(self, net: nn.Module, preset: Preset, images: list[Tensor], fabric: Any):
        torch.manual_seed(preset.seed)
        torch.set_flush_denormal(
            True
        )  # the tails of ELU and Softplus are full of denormals: six times slower otherwise
        self.preset, self.fabric, self.step, self.seconds = preset, fabric, 0, 0.0
        net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # 1.5 times faster on CPUs
        self.plain = net
        self.net = fabric.setup_module(net)
        self.optimizer = Optimizer(net, preset.optimizer, preset.lr)
        self.average = {k: v.detach().clone() for k, v in self.plain.state_dict().items()}
        self.generator = torch.Generator().manual_seed(preset.seed + fabric.global_rank)  # each device its own patches
        self.patches = Patches(images, preset.patch, self.generator)

    def draw(self) -> tuple[Tensor, Tensor, Tensor]:
        """A batch: clean patches, noisy patches (B, C, H, W), noise levels (B,)."""
        p = self.preset
        clean = self.patches.batch(p.batch)
        level = p.sigma_max * torch.rand(p.batch, generator=self.generator)
        if p.noise == "inverse gamma":
            clean, level = clean.clamp_min(1e-3), level.clamp_min(1e-3)
            noisy = inverse_gamma(clean, level, self.generator)
        else:
            noisy = clean + level[:, None, None, None] * torch.randn(clean.shape, generator=self.generator)
        return clean, noisy.contiguous(memory_format=torch.channels_last), level

    def train_step(self) -> dict[str, float]:
        """One step on fit + penalties; returns what the log keeps."""
        p, lr = self.preset, learning_rate(self.step, self.preset)
        clean, noisy, level = (self.fabric.to_device(z) for z in self.draw())
        loss = FITS[p.fit](self.net(noisy, level), clean)
        log = {"step": self.step, "lr": lr, "fit": loss.item()}
        if p.penalty and self.step % p.penalty.every == 0:
            extra, seen = jacobian_penalty(self.plain, noisy, level, p.penalty, self.generator)
            loss, log = loss + extra, log | seen
        if not torch.isfinite(loss):
            raise ValueError(
                f"the loss is {loss.item()} at step {self.step}: lower the learning rate; the last checkpoint stays."
            )
        self.optimizer.zero_grad()
        self.fabric.backward(loss)
        if p.clip:
            nn.utils.clip_grad_norm_(self.plain.parameters(), p.clip)
        self.optimizer.step(lr)
        with torch.no_grad():
            decay = min(p.ema, (1 + self.step) / (10 + self.step))
            for key, value in self.plain.state_dict().items():
                self.average[key].lerp_(value, 1 - decay)
        self.step += 1
        return log

    def averaged_net(self) -> nn.Module:
        """A copy of the network with the averaged weights."""
        net = copy.deepcopy(self.plain)
        net.load_state_dict(self.average)
        return net.eval().requires_grad_(False)

    def state(self) -> dict[str, Any]:
        """Everything a later process needs to go on to the exact step."""
        generators = self.fabric.all_gather(self.generator.get_state()).reshape(self.fabric.world_size, -1)
        return {
            "preset": repr(self.preset),
            "step": self.step, "seconds": self.seconds, "net": self.plain.state_dict(), "average": self.average,
            "optimizer": self.optimizer.state_dict(), "generators": generators.cpu(),
        }  # fmt: skip

    def load(self, path: Path) -> None:
        """Take up a saved state.

        Raises:
            ValueError: not a checkpoint of this loop, or one of other settings.
        """
        try:
            state = torch.load(path, weights_only=True, map_location="cpu")
            same = state["preset"] == repr(self.preset)
        except Exception as error:  # a file of another kind breaks the reader in many ways
            raise ValueError(
                f"{path} is not a checkpoint of this training ({type(error).__name__}): remove it."
            ) from error
        if not same:
            raise ValueError(f"{path} is a checkpoint of other settings than these: name another folder, or remove it.")
        self.plain.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        if len(state["generators"]) != self.fabric.world_size:
            raise ValueError(
                f"{path} was written by a run on {len(state['generators'])} device(s), this one has "
                f"{self.fabric.world_size}: go on with as many."
            )
        self.generator.set_state(state["generators"][self.fabric.global_rank].clone())  # torch reads no views here
        self.average = {key: value.to(self.fabric.device) for key, value in state["average"].items()}
        self.step, self.seconds = state["step"], state["seconds"]


def open_log(path: Path, step: int) -> tuple[TextIO, Any]:
    """The log at `path`, cut back to what happened before `step`: a killed run had gone beyond its checkpoint."""
    rows = list(csv.DictReader(path.open(newline="", encoding="utf-8"))) if path.exists() else []
    file = path.open("w", newline="", encoding="utf-8")
    log = csv.DictWriter(file, LOG_COLUMNS)
    log.writeheader()
    log.writerows(row for row in rows if int(row["step"]) < step)
    return file, log


def train(
    net: nn.Module, preset: Preset, images: list[Tensor], folder: Path, *, minutes: float = math.inf,
    accelerator: str = "auto", precision: str = "32-true", save_every: float = 60.0, progress: bool = True,
    held_out: list[Tensor] | None = None, devices: int = 1,
) -> Run:  # fmt: skip
    """Train `net` by `preset` on 8-bit `images` (C, H, W); keep checkpoint and log in `folder`, resuming from there.

    Args:
        minutes: stop after this long in this call, with a checkpoint to go on from.
        accelerator, precision: passed to Lightning Fabric ("cpu", "gpu"; "32-true", "bf16-mixed"). Jacobian penalties
            are always evaluated in float32.
        save_every: seconds between checkpoints.
        devices: how many of them; each takes its own batch of `preset.batch` patches, gradients are averaged (DDP).
        held_out: 8-bit photographs that the averaged weights are measured on every `preset.validate_every` steps.

    Returns:
        The run; `run.average` holds the averaged weights.
    """
    from lightning_fabric import Fabric

    fabric = Fabric(accelerator=accelerator, devices=devices, precision=precision)  # type: ignore[arg-type]
    if devices > 1:
        fabric.launch()
    run = Run(net, preset, images, fabric)
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint, log_file = folder / "checkpoint.pt", folder / "log.csv"
    if checkpoint.exists():
        run.load(checkpoint)
    begun = saved = time.monotonic()
    file, log = open_log(log_file, run.step) if fabric.is_global_zero else open_log(Path(os.devnull), 0)
    sound = True

    def passed(since: float) -> float:
        return fabric.broadcast(time.monotonic() - since)  # one clock for all devices

    def save() -> None:
        state = run.state()  # every device has a part in it
        if fabric.is_global_zero:
            save_atomically(state, checkpoint)
        fabric.barrier()  # none leaves while another still listens

    try:
        with (
            file,
            tqdm(
                total=preset.steps, initial=run.step, disable=not (progress and fabric.is_global_zero), desc=folder.name
            ) as bar,
        ):
            while run.step < preset.steps and passed(begun) < 60 * minutes:
                tick = time.monotonic()
                row = run.train_step()
                run.seconds += time.monotonic() - tick
                bar.update()
                if held_out and run.step % preset.validate_every == 0:
                    row |= validate(run.averaged_net(), held_out, preset.noise)
                if run.step % 20 == 0:
                    log.writerow(row)
                    bar.set_postfix({k: f"{v:.4f}" for k, v in row.items() if k in ("fit", "asymmetry", "expansion")})
                if passed(saved) > save_every:
                    save()
                    file.flush()
                    saved = time.monotonic()
    except ValueError:
        sound = False
        raise
    finally:  # Ctrl-C loses nothing; a loss that blew up does not overwrite the last good state
        if sound:
            save()
    return run
