"""The file a training goes on from: written whole or not at all, with the version of its layout.

Versions of the layout. 1 (a file that names none): `preset` is the text of the settings; patches, noise and the starts
of the penalties share one generator. 2: `preset` is a dictionary; the penalties have generators of their own; `row`,
what the log keeps of the last step. Files of version 1 are still read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from pnp_course.training.presets import Preset, preset_from

VERSION = 2


def sync(path: Path) -> None:
    """Wait until the file is on the disk: else a machine that goes down may leave zeros under a new name."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


@contextmanager
def writing(name: str, kept: str) -> Iterator[None]:
    """Turn what a full disk raises into an OSError that says so in a sentence."""
    try:
        yield
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
        raise OSError(f"{name} cannot be written ({error}); {kept}. Free some space, then go on.") from error


def save_atomically(state: dict[str, Any], path: Path) -> None:
    """torch.save to a neighbour file, then rename: a kill or a full disk leaves the old checkpoint or the new one, whole.

    Raises:
        OSError: the disk cannot take it; says so and that the last checkpoint stands.
    """
    part = path.with_suffix(path.suffix + ".part")
    kept = "the last one stands" if path.exists() else "there is none yet"
    with writing(f"the checkpoint {path}", kept):
        try:
            torch.save(state, part)
            sync(part)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)  # of an attempt that failed or was interrupted


def read(path: Path, preset: Preset, devices: int) -> dict[str, Any]:
    """The state saved at `path`, for a run of `preset` on so many devices.

    Raises:
        ValueError: not a checkpoint of this loop, a newer one, or one of other settings; says which.
    """
    same, saved_by = False, 0
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
        version = state.get("version", 1)
        if version in (1, VERSION):
            same = state["preset"] == repr(preset) if version == 1 else preset_from(state["preset"]) == preset
            saved_by = len(state["generators"])
    except Exception as error:  # a file of another kind breaks the reader in many ways
        raise ValueError(f"{path} is not a checkpoint of this training ({type(error).__name__}): remove it.") from error
    if version not in (1, VERSION):
        raise ValueError(
            f"{path} is a checkpoint of version {version}, and this program reads versions 1 to {VERSION}: go on with the "
            "program that wrote it, or name another folder."
        )
    if not same:
        raise ValueError(f"{path} is a checkpoint of other settings than these: name another folder, or remove it.")
    if saved_by != devices:
        raise ValueError(
            f"{path} was written by a run on {saved_by} device(s), this one has {devices}: go on with as many."
        )
    return state
