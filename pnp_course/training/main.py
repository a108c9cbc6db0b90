"""From a preset's name to shipped weights: build the network, train it, measure it, write weights and card."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pnp_course._checks import any_level
from pnp_course.datasets import dataset, images, training_images, validation_images
from pnp_course.denoisers.gradient_step import GradientStep
from pnp_course.denoisers.levels import sigma_range
from pnp_course.denoisers.zoo import ARCHITECTURES, LICENCE, available_denoisers, load_denoiser, save_denoiser
from pnp_course.images import to_channels
from pnp_course.provenance import provenance
from pnp_course.training.guards import threads as on_threads
from pnp_course.training.loop import Training, train
from pnp_course.training.presets import PRESETS, Preset
from pnp_course.training.validation import measure_certificates, measure_psnr


def train_preset(
    name: str,
    output: Path,
    minutes: float,
    accelerator: str,
    precision: str,
    threads: int,
    folder: Path | None = None,
    devices: int = 1,
) -> str:
    """Train preset `name` in `output`/name, write weights and card there when it is complete, and return a message."""
    if name not in PRESETS:
        raise ValueError(f"there is no preset {name!r}; wanted one of {', '.join(PRESETS)}.")
    preset, place = PRESETS[name], output / name
    dataset("cbsd68")  # the card needs it at the end, so a missing set is noticed now
    with on_threads(threads):
        net = first_net(preset, output)
        done = train(
            net,
            preset,
            training_images(preset.in_channels),
            place,
            minutes=minutes,
            accelerator=accelerator,
            precision=precision,
            devices=devices,
            held_out=validation_images(preset.in_channels),
        )
        if not done.fabric.is_global_zero:
            return ""  # only one process reports, writes and measures
        if done.step < preset.steps:
            log = place / "log.csv"
            return f"{name}: {done.step} of {preset.steps} steps done; the same command goes on. Log: {log}"
        net.load_state_dict({k: v.half().float() for k, v in done.average.items()})  # measure what will be shipped
        config: dict[str, Any] = net.config  # type: ignore[assignment]
        facts = describe(preset, done, net)
        card = save_denoiser(name, preset.architecture, config, done.average, facts, folder or place)
    return f"{name}: done; card and weights: {card}"


def fresh_net(preset: Preset) -> nn.Module:
    """The preset's network with random weights from the preset's seed; the global random state does not change."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(preset.seed)
        return ARCHITECTURES[preset.architecture](in_channels=preset.in_channels, **preset.net)


def first_net(preset: Preset, output: Path) -> nn.Module:
    """The network with which a training of `preset` begins: a new one, or one with the weights of its start."""
    net = fresh_net(preset)
    if preset.start:
        transplant(start_weights(preset.start, output), net)
    return net


def start_weights(name: str, output: Path) -> nn.Module:
    """The network to finetune from: the one trained in `output`/name, else the shipped one."""
    if (output / name / f"{name}.json").exists():
        return load_denoiser(name, folder=output / name)
    if name not in available_denoisers():
        raise ValueError(
            f"this preset starts from {name!r}, which is neither shipped nor in {output}: train {name} first."
        )
    return load_denoiser(name)


ELU_SCALES: dict[tuple[str | None, str | None], float] = {("relu", "elu"): 30.0, ("elu", "softplus"): 1 / 30}


def activation(net: nn.Module) -> str | None:
    """Name of the activation of a DRUNet."""
    config: dict[str, Any] = net.config  # type: ignore[assignment]
    return config.get("activation")


@torch.no_grad()
def transplant(source: nn.Module, target: nn.Module) -> None:
    """Start `target` from the weights of `source`: a plain network, or the one inside a gradient step.

    From ReLU to ELU: a bias-free ReLU network is the limit of ELU networks. With the head's weights times s and the
    tail's divided by s its features are s times as large, and ELU(s x) / s differs from ReLU(x) by at most 1 / s. The
    shipped Softplus is that of 100 x, so on the way to it the features shrink again. The potential is then as smooth as
    before; that of an unscaled copy is far more curved, and training diverged.

    From colour to gray: as `GrayFromColour` does, channels are copied into the head and averaged out of the tail, and
    the head sees sqrt(3) times the noise level.
    """
    source, target = (m.network if isinstance(m, GradientStep) else m for m in (source, target))
    weights = {key: value.clone() for key, value in source.state_dict().items()}
    if source.in_channels == 3 and target.in_channels == 1:
        head, tail = weights["m_head.weight"], weights["m_tail.weight"]
        weights["m_head.weight"] = torch.cat((head[:, :3].sum(1, keepdim=True), 3**0.5 * head[:, 3:]), dim=1)
        weights["m_tail.weight"] = tail.mean(0, keepdim=True)
    scale = ELU_SCALES.get((activation(source), activation(target)), 1.0)
    weights["m_head.weight"] *= scale
    weights["m_tail.weight"] /= scale
    target.load_state_dict(weights)


def describe(preset: Preset, done: Training, net: nn.Module) -> dict[str, Any]:
    """The card's facts: how the denoiser was trained, and a new measurement of what it does."""
    return {
        "about": f"{title(preset)}, {done.step} steps on BSD400",
        "licence": LICENCE,
        "training": asdict(preset) | {"steps_done": done.step, "hours": round(done.seconds / 3600, 2)},
        "trained_with": provenance(),
    } | measured(net, preset.in_channels, preset.noise, preset.sigma_max)


def measured(net: nn.Module, in_channels: int, noise: str, sigma_max: float) -> dict[str, Any]:
    """PSNR on CBSD68, certificates at held-out patches, the range of noise levels, and the versions of the programs."""
    net = net.cpu().eval().requires_grad_(False)
    clean = [x if in_channels == 3 else to_channels(x, 1) for x in images("cbsd68")]
    with any_level():  # the range is not known yet
        levels = sigma_range(net, sigma_max, noise)
        facts = {
            "sigma_range": list(levels),
            "measured_with": provenance(),
            "psnr_cbsd68": measure_psnr(net, clean, noise),
        }
    if ends := getattr(net, "spectrum", None):
        facts["for_every_image"] = {"lambda_min": ends[0], "lambda_max": ends[1]}
    if noise == "gaussian":
        facts["certificate"] = measure_certificates(net, validation_images(in_channels))
    return facts


def title(preset: Preset) -> str:
    """What kind of denoiser a preset trains, in words."""
    kind = {"drunet": "DRUNet", "dncnn": "DnCNN", "ffdnet": "FFDNet"}.get(preset.architecture, preset.architecture)
    if preset.architecture == "ridge":
        kind = f"ridge prox ({1 - preset.net['rho']:g}-CoCo by construction)"
    condition = ""
    if preset.penalty:
        condition = f"{preset.penalty.constant:g} {preset.penalty.condition} "
        condition += f"with slack {preset.penalty.slack:g} " if preset.penalty.slack else ""
        condition += "and conservative " if preset.penalty.alpha else ""
    return f"{condition}{kind}, {'gray' if preset.in_channels == 1 else 'colour'}"
