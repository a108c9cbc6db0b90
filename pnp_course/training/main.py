"""From a preset's name to shipped weights: build the network, train it, measure it, write weights and card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pnp_course._checks import any_level
from pnp_course.datasets import dataset, images, training_images, validation_images
from pnp_course.denoisers.gradient_step import GradientStep
from pnp_course.denoisers.levels import sigma_range
from pnp_course.denoisers.ridge import RidgeProx
from pnp_course.denoisers.ridge_colour import colour_from_gray
from pnp_course.denoisers.zoo import (
    ARCHITECTURES,
    LICENCE,
    available_denoisers,
    denoiser_card,
    load_denoiser,
    save_denoiser,
    write_card,
)
from pnp_course.devices import full_float32
from pnp_course.images import to_channels
from pnp_course.provenance import provenance
from pnp_course.training import cost
from pnp_course.training.guards import threads as on_threads
from pnp_course.training.loop import Training, train
from pnp_course.training.presets import PRESETS, Preset, preset_from
from pnp_course.training.taught import Taught
from pnp_course.training.validation import measure_certificates, measure_psnr


def train_preset(
    name: str, output: Path, minutes: float, device: torch.device, threads: int, folder: Path | None = None
) -> str:
    """Train preset `name` in `output`/name, write weights and card there when it is complete, and return a message."""
    if name not in PRESETS:
        raise ValueError(f"there is no preset {name!r}; wanted one of {', '.join(PRESETS)}.")
    preset, place = PRESETS[name], output / name
    dataset("cbsd68")  # the card needs it at the end, so a missing set is noticed now
    with on_threads(threads):
        net, photographs = first_net(preset, output), training_images(preset.in_channels)
        held_out = validation_images(preset.in_channels)
        graph = cost.graph_pays(net, preset, photographs, device)
        done = train(
            net, preset, photographs, place,
            minutes=minutes, device=device, held_out=held_out, graph=graph, kind=kind_of(preset, output),
        )  # fmt: skip
        if done.step < preset.steps:
            return (
                f"{name}: {done.step} of {preset.steps} steps done; the same command goes on. Log: {place / 'log.csv'}"
            )
        write_weights(name, done, folder or place)
        card = measure_card(name, folder or place, device)
    return f"{name}: done; card and weights: {card}"


def write_weights(name: str, done: Training, folder: Path) -> Path:
    """Write the averaged weights in half precision, and a card that says how they were trained; return its path."""
    config: dict[str, Any] = done.net.config  # type: ignore[assignment]
    facts = {
        "about": f"{title(done.preset)}, {done.step} steps on BSD400",
        "licence": LICENCE,
        "training": asdict(done.preset) | {"steps_done": done.step, "hours": round(done.seconds / 3600, 2)},
        "trained_with": provenance(done.device),
    }
    return save_denoiser(name, done.preset.architecture, config, done.average, facts, folder)


def measure_card(name: str, folder: Path, device: torch.device) -> Path:
    """Complete the card of the weights in `folder` with what they do, measured on this device; return its path."""
    card, net = denoiser_card(name, folder), load_denoiser(name, folder=folder).to(device)
    said = preset_from(card["training"])
    card |= measured(net, said.in_channels, said.noise, said.sigma_max)
    return write_card(card, folder)


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


def kind_of(preset: Preset, output: Path) -> Callable[..., Training]:
    """How a training of `preset` draws its batches: the clean pictures are photographs, or what its teacher makes of them."""
    return partial(Taught, start_weights(preset.teacher, output)) if preset.teacher else Training


def start_weights(name: str, output: Path) -> nn.Module:
    """The network to finetune from, or to learn from: the one trained in `output`/name, else the shipped one."""
    if (output / name / f"{name}.json").exists():
        return load_denoiser(name, folder=output / name)
    if name not in available_denoisers():
        raise ValueError(f"this preset needs {name!r}, which is neither shipped nor in {output}: train {name} first.")
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
    the head sees sqrt(3) times the noise level. A gray ridge denoiser starts a colour one by `colour_from_gray`.
    """
    source, target = (m.network if isinstance(m, GradientStep) else m for m in (source, target))
    if isinstance(source, RidgeProx) and isinstance(target, RidgeProx) and source.in_channels < target.in_channels:
        return colour_from_gray(source, target)
    weights = {key: value.clone() for key, value in source.state_dict().items()}
    if source.in_channels == 3 and target.in_channels == 1:
        head, tail = weights["m_head.weight"], weights["m_tail.weight"]
        weights["m_head.weight"] = torch.cat((head[:, :3].sum(1, keepdim=True), 3**0.5 * head[:, 3:]), dim=1)
        weights["m_tail.weight"] = tail.mean(0, keepdim=True)
    scale = ELU_SCALES.get((activation(source), activation(target)), 1.0)
    if scale != 1:
        weights["m_head.weight"] *= scale
        weights["m_tail.weight"] /= scale
    target.load_state_dict(weights)


def measured(net: nn.Module, in_channels: int, noise: str, sigma_max: float) -> dict[str, Any]:
    """PSNR on CBSD68, certificates at held-out patches, the range of noise levels, and the versions of the programs.

    They are measured on the device where the network is.
    """
    net = net.eval().requires_grad_(False)
    clean = [x if in_channels == 3 else to_channels(x, 1) for x in images("cbsd68")]
    with any_level(), full_float32():  # the range is not known yet
        levels = sigma_range(net, sigma_max, noise)
        facts = {
            "sigma_range": list(levels),
            "measured_with": provenance(next(net.parameters()).device),
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
