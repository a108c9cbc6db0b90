"""From a preset's name to shipped weights: build the network, train, evaluate, write weights and card."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pnp_course import metrics
from pnp_course.datasets import dataset, images, training_images, validation_images
from pnp_course.denoisers.drunet import DRUNet
from pnp_course.denoisers.zoo import available_denoisers, load_denoiser, save_denoiser
from pnp_course.jacobian import Linearized, antisymmetry, cocoercivity, power_iteration
from pnp_course.provenance import provenance
from pnp_course.training.loop import Run, train
from pnp_course.training.presets import PRESETS, Preset

FULLY_TRAINED = 50_000  # steps; a card says so of a network that had fewer
LEVELS = (15, 25, 40)  # of 255, those of [B] Table 1


def train_preset(
    name: str, output: Path, minutes: float, accelerator: str, precision: str, threads: int, folder: Path | None = None
) -> str:
    """Train preset `name` in `output`/name; when it is complete, write weights and card there. Returns what to tell."""
    if name not in PRESETS:
        raise ValueError(f"there is no preset {name!r}; wanted one of {', '.join(PRESETS)}.")
    torch.set_num_threads(threads)
    preset, place = PRESETS[name], output / name
    dataset("cbsd68")  # the card needs it at the end: better missed now than after hours
    torch.manual_seed(preset.seed)
    net = DRUNet(preset.in_channels, **preset.net)
    if preset.start:
        net.load_state_dict(start_weights(preset.start, output))
    run = train(
        net, preset, training_images(preset.in_channels), place, minutes=minutes, accelerator=accelerator,
        precision=precision,
    )  # fmt: skip
    if run.step < preset.steps:
        return f"{name}: {run.step} of {preset.steps} steps done; the same command goes on. Log: {place / 'log.csv'}"
    net.load_state_dict({k: v.half().float() for k, v in run.average.items()})  # measure what will be shipped
    card = save_denoiser(name, "drunet", net.config, run.average, describe(name, preset, run, net), folder or place)
    return f"{name}: done; card and weights: {card}"


def start_weights(name: str, output: Path) -> dict[str, Tensor]:
    """Weights to finetune from: those trained in `output`/name, else the shipped ones."""
    from safetensors.torch import load_file

    trained = output / name / f"{name}.safetensors"
    if trained.exists():
        return {key: value.float() for key, value in load_file(trained).items()}
    if name not in available_denoisers():
        raise ValueError(
            f"this preset starts from {name!r}, which is neither shipped nor in {output}: train {name} first."
        )
    return load_denoiser(name).state_dict()


def describe(name: str, preset: Preset, run: Run, net: nn.Module) -> dict[str, Any]:
    """The card's facts: how it was trained, and a fresh measurement of what it does."""
    net = net.cpu().eval()
    short = " (short-trained)" if run.step < FULLY_TRAINED else ""
    kind = "plain" if preset.penalty is None else f"{preset.penalty.gamma:g}-CoCo"
    return {
        "about": f"{kind} DRUNet, {preset.in_channels} channel(s), {run.step} steps on BSD400{short}",
        "provenance": provenance(),
        "training": asdict(preset) | {"steps_done": run.step, "hours": round(run.seconds / 3600, 2)},
        "psnr_cbsd68": measure_psnr(net, images("cbsd68")),
        "constants": measure_constants(net, validation_images(preset.in_channels)),
    }  # fmt: skip


@torch.no_grad()
def measure_psnr(net: nn.Module, clean: list[Tensor], levels: tuple[int, ...] = LEVELS) -> dict[str, float]:
    """Mean PSNR over images (1, C, H, W) at Gaussian noise of these levels of 255, seed 0; dB, by level."""
    out = {}
    for level in levels:
        generator, total = torch.Generator().manual_seed(0), 0.0
        for x in clean:
            noisy = x + level / 255 * torch.randn(x.shape, generator=generator)
            total += metrics.psnr(net(noisy, level / 255), x)
        out[str(level)] = round(total / len(clean), 3)
    return out


def measure_constants(
    net: nn.Module, clean: list[Tensor], gamma: float = 0.25, size: int = 64, iterations: int = 60
) -> dict[str, Any]:
    """Norms at noisy central patches of 8-bit images: ||J - J^T||_* and ||2 gamma J - I||_*, as mean and max by level.

    The norms of [B] Table 1 (bottom), by power iteration (so from below).
    """
    patches = torch.stack([_centre(im, size) for im in clean]).float() / 255
    out: dict[str, Any] = {"gamma": gamma, "patches": len(patches), "size": size, "iterations": iterations}
    for level in LEVELS:
        generator = torch.Generator().manual_seed(0)
        noisy = patches + level / 255 * torch.randn(patches.shape, generator=generator)
        lin = Linearized(lambda z, s=level / 255: net(z, s), noisy)  # type: ignore[misc]
        start = torch.randn(patches.shape, generator=generator)
        asymmetry = power_iteration(antisymmetry(lin), start, iterations).norm
        expansion = power_iteration(cocoercivity(lin, gamma), start, iterations).norm
        out[str(level)] = {
            "asymmetry_mean": round(float(asymmetry.mean()), 5), "asymmetry_max": round(float(asymmetry.max()), 5),
            "expansion_mean": round(float(expansion.mean()), 5), "expansion_max": round(float(expansion.max()), 5),
        }  # fmt: skip
    return out


def _centre(image: Tensor, size: int) -> Tensor:
    top, left = ((n - size) // 2 for n in image.shape[-2:])
    return image[:, top : top + size, left : left + size]
