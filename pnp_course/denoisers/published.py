"""Checkpoints published by the papers' authors, loaded into the classes of this course.

DRUNet (Zhang et al. 2021), GS-DRUNet and Prox-DRUNet (Hurault et al. 2022, [A]), SPC-DRUNet (Wei et al. 2024) and
CoCo-DRUNet ([B]) are one U-Net with one set of parameter names. What differs is what surrounds them: the last two and
the first are plain state dicts, the others Lightning checkpoints with a prefix. Sizes are read from the file.
"""

from __future__ import annotations

import argparse
import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pnp_course.denoisers.drunet import DRUNet
from pnp_course.denoisers.gradient_step import GradientStep

KINDS: dict[str, tuple[str, bool]] = {  # activation (no file says it), whether a gradient step surrounds the network
    "drunet": ("relu", False),
    "spc-drunet": ("relu", False),
    "coco-drunet": ("relu", False),
    "gs-drunet": ("elu", True),
    "prox-drunet": ("softplus", True),
}


class CheckpointError(ValueError):
    """A file that is not a checkpoint of the architecture asked for."""


def load_published(kind: str, source: str | Path, sha256: str | None = None) -> nn.Module:
    """A denoiser with published weights, frozen and in eval mode: D(x, sigma), x (B, C, H, W) in [0, 1].

    Args:
        kind: "drunet", "spc-drunet", "coco-drunet", "gs-drunet" or "prox-drunet".
        source: a local file, or a URL (kept in the cache of downloads).
        sha256: the file's hash, checked where given; give it for every URL.

    Raises:
        ValueError: the kind is unknown.
        FileNotFoundError: there is no such file.
        CheckpointError: this is not a PyTorch file, it holds more than weights and plain settings, or its weights are
            of another architecture; then the message names the first layer that disagrees.
    """
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; wanted one of {', '.join(KINDS)}.")
    path = _fetch(str(source), sha256)
    weights = strip_prefix(_read(path), path)
    activation, gradient_step = KINDS[kind]
    net = DRUNet(**sizes(weights, path), activation=activation)
    compare(net.state_dict(), weights, path)
    net.load_state_dict(weights)
    denoiser = GradientStep(net) if gradient_step else net
    denoiser.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return denoiser.eval().requires_grad_(False)


def _fetch(source: str, sha256: str | None) -> Path:
    if re.match(r"https?://", source):
        import pooch

        return Path(pooch.retrieve(source, known_hash=sha256, path=pooch.os_cache("pnp_course") / "published"))
    path = Path(source)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}; wanted a checkpoint (.pth, .ckpt), or a URL.")
    if sha256:
        import pooch

        found = pooch.file_hash(str(path))
        if found != sha256:
            raise CheckpointError(f"{path} has SHA-256 {found[:12]}..., wanted {sha256[:12]}...: download it again.")
    return path


# what Lightning checkpoints hold beside tensors, by the names they were pickled under: read as plain dictionaries, so
# that reading needs no Lightning and runs nothing of it
HARMLESS: list[Any] = [
    argparse.Namespace,
    (OrderedDict, "pytorch_lightning.utilities.parsing.AttributeDict"),
    (OrderedDict, "lightning_fabric.utilities.data.AttributeDict"),
    (OrderedDict, "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint"),
]


def _read(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint, by name. Only data is unpickled, no code (`weights_only`)."""
    try:
        with torch.serialization.safe_globals(HARMLESS):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a truncated or foreign file breaks the reader in many ways
        cause = re.search(r"WeightsUnpickler error:\s*(.+)", str(error))
        said = str(error).splitlines() or ["it is empty"]  # torch has no word for that
        raise CheckpointError(
            f"{path} cannot be read as a checkpoint ({cause.group(1) if cause else said[0]}); "
            "wanted a PyTorch file with a state dict."
        ) from error
    place = ""
    while inner := [key for key in NESTS if isinstance(content, dict) and isinstance(content.get(key), dict)]:
        content, place = content[inner[0]], f"{place} under {inner[0]!r}"
    tensors = {str(k): v for k, v in content.items() if isinstance(v, Tensor)} if isinstance(content, dict) else {}
    if not tensors:
        raise CheckpointError(
            f"{path} holds no tensors by name: there is {_describe(content)}{place}; wanted a state dict, by itself or under "
            f"one of the names {', '.join(NESTS)}."
        )
    return tensors


# where checkpoints keep their weights; an average over the steps comes before the last step
NESTS = ("params_ema", "ema", "state_dict", "model_state_dict", "params", "model", "net", "network", "weights")


def _describe(content: Any) -> str:
    if not isinstance(content, dict):
        return f"a {type(content).__name__}"
    names = [repr(key) for key in content]
    return (
        f"a dictionary with {', '.join(names[:6])}{', ...' if len(names) > 6 else ''}"
        if names
        else "an empty dictionary"
    )


def strip_prefix(weights: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """The U-Net's own tensors, without what surrounds their names: "student_grad.model.m_head.weight" -> "m_head.weight".

    Other tensors of the file (metrics, a teacher network) are left out.
    """
    heads = [key for key in weights if key.endswith("m_head.weight")]
    if not heads:
        raise CheckpointError(
            f"{path} has no layer m_head (its {len(weights)} tensors begin with {', '.join(list(weights)[:3])}); wanted a "
            "DRUNet's weights."
        )
    # a checkpoint may hold a teacher beside the network trained: Lightning's student_grad is the one
    head = next((key for key in heads if "student_grad" in key), heads[0])
    prefix = head[: -len("m_head.weight")]
    return {key[len(prefix) :]: value.float() for key, value in weights.items() if key.startswith(prefix + "m_")}


def sizes(weights: dict[str, Tensor], path: Path) -> dict[str, Any]:
    """Channels, widths and blocks, read off the shapes."""
    body = [int(m.group(1)) for m in (re.match(r"m_body\.(\d+)\.", key) for key in weights) if m]
    if not body:
        raise CheckpointError(f"{path} has no layer m_body.0; wanted a DRUNet's weights.")
    blocks = max(body) + 1
    ladder = [weights.get(f"m_down{i}.{blocks}.weight") for i in (1, 2, 3)]
    missing = [f"m_down{i}.{blocks}.weight" for i, w in zip((1, 2, 3), ladder, strict=True) if w is None]
    if missing:
        raise CheckpointError(f"{path} lacks the layer {missing[0]}; wanted a DRUNet with {blocks} blocks a scale.")
    head = weights["m_head.weight"]
    widths = (int(head.shape[0]), *(int(w.shape[0]) for w in ladder if w is not None))
    return {"in_channels": int(head.shape[1]) - 1, "widths": widths, "blocks": blocks}


def compare(wanted: dict[str, Tensor], found: dict[str, Tensor], path: Path | str) -> None:
    """Raise CheckpointError naming the first layer that is missing, unknown or of another shape."""
    for key, value in wanted.items():
        if key not in found:
            raise CheckpointError(f"{path} lacks the layer {key}, of shape {tuple(value.shape)}.")
        if found[key].shape != value.shape:
            raise CheckpointError(
                f"layer {key} of {path} has shape {tuple(found[key].shape)}; wanted {tuple(value.shape)}."
            )
    for key in found:
        if key not in wanted:
            raise CheckpointError(
                f"{path} has a layer {key}, which a network of this architecture and size does not have."
            )
