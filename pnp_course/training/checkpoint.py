"""The file from which a training goes on; it is written whole or not at all, and names the version of its layout.

Version 1 (a file that names none): `preset` is the text of the settings; patches, noise and the starts of the penalties
share one generator. Version 2: `preset` is a dictionary, the penalties have their own generators, one for each device, and
`row` is what the log keeps of the last step. Version 3: one device, whose kind is named, and `sums`, from which the log
makes means. Files of all versions can be read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from pnp_course.training.presets import Preset, preset_from

VERSION = 3
LOGGED = ("fit", "asymmetry", "expansion")  # what a row of version 2 holds of the losses


def sync(path: Path) -> None:
    """Wait until the file is on the disk; otherwise a crash of the machine may leave zeros under the new name."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


@contextmanager
def writing(name: str, kept: str) -> Iterator[None]:
    """Turn the error of a full disk into an OSError that says in a sentence what could not be written."""
    try:
        yield
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
        raise OSError(f"{name} cannot be written ({error}); {kept}. Free some space, then go on.") from error


def save_atomically(state: dict[str, Any], path: Path) -> None:
    """Save to a second file and rename it, so that a kill or a full disk leaves the old or the new checkpoint, whole.

    Raises:
        OSError: the file cannot be written; the message says so, and that the last checkpoint is kept.
    """
    part = path.with_suffix(path.suffix + ".part")
    kept = "the last one is kept" if path.exists() else "there is none yet"
    with writing(f"the checkpoint {path}", kept):
        try:
            torch.save(state, part)
            sync(part)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)  # of an attempt that failed or was interrupted


def read(path: Path, preset: Preset) -> dict[str, Any]:
    """The state saved at `path`, for a run of `preset`, in the present layout.

    Raises:
        ValueError: this is not a checkpoint of this loop, or it is a newer one, or one of other settings.
    """
    same = False
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
        version = state.get("version", 1)
        if version in range(1, VERSION + 1):
            same = state["preset"] == repr(preset) if version == 1 else preset_from(state["preset"]) == preset
            state = state if version == VERSION else _renewed(state)
    except Exception as error:  # a file of another kind can make the reader raise almost anything
        raise ValueError(f"{path} is not a checkpoint of this training ({type(error).__name__}): remove it.") from error
    if version not in range(1, VERSION + 1):
        raise ValueError(
            f"{path} is a checkpoint of version {version}, and this program reads versions 1 to {VERSION}: go on with the "
            "program that wrote it, or name another folder."
        )
    if not same:
        raise ValueError(f"{path} is a checkpoint of other settings than these: name another folder, or remove it.")
    return state


def settings(path: Path) -> Preset | None:
    """The preset of the run whose checkpoint is at `path`; None if there is none that says so."""
    if not path.exists():
        return None
    try:
        return preset_from(torch.load(path, weights_only=True, map_location="cpu")["preset"])
    except Exception:  # `read` says what is wrong with the file
        return None


def _renewed(state: dict[str, Any]) -> dict[str, Any]:
    """A state of version 1 or 2 in the present layout; of several devices it keeps the first one's random numbers."""
    first = [state[name][0].clone() for name in ("generators", "penalty_generators") if name in state]
    row = state.get("row", {})
    sums = {name: [torch.tensor(row[name]), 1] for name in LOGGED if name in row}
    return state | {"device": "cpu", "generators": first, "sums": sums}
