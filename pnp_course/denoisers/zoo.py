"""The shipped denoisers: weights as safetensors files, each beside a JSON card that says what it is and what it does."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pnp_course.denoisers.base import Fast
from pnp_course.denoisers.dncnn import DnCNN, FFDNet
from pnp_course.denoisers.drunet import DRUNet, ResidualUNet
from pnp_course.denoisers.gradient_step import BregmanGradientStep, GradientStep
from pnp_course.denoisers.published import compare
from pnp_course.denoisers.ridge import RidgeProx

FOLDER = Path(__file__).parent.parent / "weights"
ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    "drunet": DRUNet,
    "dncnn": DnCNN,
    "ffdnet": FFDNet,
    "gradient-step": lambda **config: GradientStep(DRUNet(**config)),
    "bregman-gradient-step": lambda **config: BregmanGradientStep(DRUNet(**config)),
    "ridge": RidgeProx,
    "residual-u-net": ResidualUNet,
}

SCHEMA_VERSION = 1  # of the cards; raise it when a card changes so that an older release would misread it
LICENCE = (
    "BSD-3-Clause for what is ours. Trained on BSD400, whose pictures are for non-commercial research and education: "
    "use the weights for research and teaching, and for a product train your own (book/licence.md)"
)  # of the weights, on every card


class WeightsError(RuntimeError):
    """Shipped weights that are not what their card says."""


def available_denoisers() -> list[str]:
    """The names that `load_denoiser` accepts."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def denoiser_card(name: str, folder: Path | None = None) -> dict[str, Any]:
    """What is known of a shipped denoiser: architecture, training, measured PSNR and constants, SHA-256.

    Its `sigma_range` is the noise levels that it is good for, [low, high] in units of intensity (`denoisers.levels`).

    Raises:
        ValueError: the name is unknown; the message lists the known ones.
        WeightsError: the card was written by a newer release.
    """
    path = (folder or FOLDER) / f"{name}.json"
    if not path.exists():
        raise ValueError(f"there is no denoiser {name!r}; wanted one of {', '.join(available_denoisers())}.")
    card = json.loads(path.read_text(encoding="utf-8"))
    version = card.get("schema_version", SCHEMA_VERSION)  # cards written before they carried one are of the first
    if version not in range(1, SCHEMA_VERSION + 1):
        raise WeightsError(
            f"{path.name} is a card of schema version {version!r}; this release reads versions up to {SCHEMA_VERSION}: "
            "install a newer one, or train the denoiser again."
        )
    return card


def load_denoiser(name: str, *, fast: bool = False, folder: Path | None = None) -> nn.Module:
    """Load a shipped denoiser as a module D(x, sigma), x (B, C, H, W) in [0, 1], in float32, frozen and in eval mode.

    Except in training mode it raises ValueError for noise levels outside its card's `sigma_range`.

    Args:
        name: one of `available_denoisers`.
        fast: evaluate in bfloat16 (see `denoisers.base.Fast`). This is quicker where the machine has bfloat16 units and
            slower where it has none; do not use it for certificates and theorems.
        folder: where weights and card are; the package's own folder by default.

    Raises:
        ValueError: the name is unknown.
        WeightsError: the file's SHA-256 is not that of the card (a broken download or an edited file), or this release
            does not understand the card.
        CheckpointError: the weights are not of the architecture on the card; the message names the first layer that
            disagrees.

    Example:
        >>> D = load_denoiser("coco-ridge-0.25")
        >>> D(torch.full((1, 1, 32, 32), 0.5), 25 / 255).shape
        torch.Size([1, 1, 32, 32])
    """
    from safetensors.torch import load

    card = denoiser_card(name, folder)
    data = ((folder or FOLDER) / f"{name}.safetensors").read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != card["sha256"]:
        raise WeightsError(
            f"{name}.safetensors has SHA-256 {found[:12]}..., its card says {card['sha256'][:12]}...: "
            "the file is damaged; install the package again."
        )
    net = ARCHITECTURES[card["architecture"]](**card["config"])
    weights = {key: value.float() for key, value in load(data).items()}
    compare(net.state_dict(), weights, f"{name}.safetensors")
    net.load_state_dict(weights)
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    net.eval().requires_grad_(False)
    inner: Any = net.network if isinstance(net, GradientStep) else net
    inner.sigma_range = bounds_of(card)
    return Fast(net) if fast else net


def bounds_of(card: dict[str, Any]) -> tuple[float, float] | None:
    """The noise levels that a card allows; None if it states none, as the card of a training run may.

    Raises:
        WeightsError: `sigma_range` is not two levels, 0 <= low < high.
    """
    if "sigma_range" not in card:
        return None
    given = card["sigma_range"]
    try:
        low, high = (float(level) for level in given)
        good = 0 <= low < high < float("inf")
    except (TypeError, ValueError):
        good = False
    if not good:
        raise WeightsError(
            f"the card's sigma_range is {given!r}; wanted two noise levels in units of intensity, [low, high] with "
            "0 <= low < high: measure it with tools/recard.py."
        )
    return low, high


def save_denoiser(
    name: str,
    architecture: str,
    config: dict[str, Any],
    weights: dict[str, Tensor],
    card: dict[str, Any],
    folder: Path = FOLDER,
) -> Path:
    """Write `name`.safetensors in half precision, and then its card, so that a card never lacks its weights."""
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    data = save({key: value.detach().half().contiguous() for key, value in weights.items()})
    card = {
        "schema_version": SCHEMA_VERSION,
        "name": name,
        "architecture": architecture,
        "config": config,
        "parameters": sum(v.numel() for v in weights.values()),
        "sha256": hashlib.sha256(data).hexdigest(),
        **card,
    }
    _write(folder / f"{name}.safetensors", data)
    return write_card(card, folder)


def write_card(card: dict[str, Any], folder: Path = FOLDER) -> Path:
    """Write a card, in place of the one that is there, and return its path."""
    return _write(folder / f"{card['name']}.json", (json.dumps(card, indent=2) + "\n").encode())


def _write(path: Path, content: bytes) -> Path:
    """Write a file that appears whole or not at all."""
    part = path.with_suffix(path.suffix + ".part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OSError(
            f"{path} cannot be written ({error}): free some space, then give the same command again."
        ) from error
    return path
