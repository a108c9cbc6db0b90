"""Files that appear under their names when they are whole, or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class WriteError(OSError):
    """An error on writing files."""


def check_folder(folder: Path) -> None:
    """Raise ValueError unless files can be written into `folder`, which need not exist yet."""
    there = next(p for p in (folder, *folder.absolute().parents) if os.path.lexists(p))
    if not there.is_dir():
        raise ValueError(f"{there} is a file; wanted a folder for the results: name another with -o.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise ValueError(f"the folder {there} cannot be written to: name another with -o.")


@contextmanager
def whole_files(folder: Path) -> Iterator[Path]:
    """Give a scratch folder whose files move into `folder` at the end; a failure leaves `folder` as it was.

    Raises:
        WriteError: the files cannot be written, for instance since the disk is full; the message names the folder.
    """
    new = [p for p in (folder, *folder.parents) if not p.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as scratch:
            yield Path(scratch)
            for file in Path(scratch).iterdir():
                os.replace(file, folder / file.name)
    except BaseException as error:
        for made in new:
            if made.is_dir() and not any(made.iterdir()):
                made.rmdir()
        if isinstance(error, OSError):
            why = error.strerror or f"{error} (is the disk full?)"
            raise WriteError(f"cannot write into the folder {folder}: {why}; nothing was left.") from error
        raise
