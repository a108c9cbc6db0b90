"""The log of a training, log.csv: it has a row every few steps, each only once, however often the run was stopped."""

from __future__ import annotations

import csv
import os
import re
import warnings
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from pnp_course.training.checkpoint import sync, writing

LOG_COLUMNS = [
    "step", "lr", "fit", "asymmetry", "expansion",  # of the step
    "psnr", "val_asymmetry", "val_lambda_min", "val_lambda_max",  # of the averaged weights, on held-out photographs
]  # fmt: skip


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of the log at `path`, in order, without those that a crash made unreadable, of which it warns."""
    if not path.exists():
        return []
    # a machine that goes down can leave a block of zeros, a kill half a line; neither may pass for a number
    text = re.sub("\0+", "?\n", path.read_bytes().decode("utf-8", errors="replace"))
    lines = text.splitlines() if text.endswith("\n") else [*text.splitlines()[:-1], "?"]
    cells = [line.split(",") for line in lines if line and line != ",".join(LOG_COLUMNS)]
    rows = [dict(zip(LOG_COLUMNS, found, strict=True)) for found in cells if len(found) == len(LOG_COLUMNS)]
    sound = [row for row in rows if _all_numbers(row)]
    if len(sound) < len(cells):
        warnings.warn(f"{path}: {len(cells) - len(sound)} unreadable line(s) of this log are left out.", stacklevel=2)
    return sound


def _all_numbers(row: dict[str, str]) -> bool:
    try:
        int(row["step"])
        for cell in row.values():
            float(cell or 0)
    except ValueError:
        return False
    return True


class Log:
    """The log at `path`, without rows from `step` on, since a killed run may have logged more than its checkpoint has."""

    def __init__(self, path: Path, step: int):
        self.path = path
        rows = [row for row in read_rows(path) if int(row["step"]) < step]
        self.last = int(rows[-1]["step"]) if rows else -1  # the step of the last row
        part = path.with_suffix(path.suffix + ".part")
        with self._writing(), part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, LOG_COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        os.replace(part, path)

    def _writing(self) -> AbstractContextManager[None]:
        return writing(f"the log {self.path}", "the last checkpoint is kept")

    def append(self, row: dict[str, Any]) -> None:
        """Add a row, unless the log already has one of this step."""
        if row["step"] > self.last:
            with self._writing(), self.path.open("a", newline="", encoding="utf-8") as file:
                csv.DictWriter(file, LOG_COLUMNS).writerow(row)
            self.last = row["step"]

    def sync(self) -> None:
        """Wait until the rows are on the disk."""
        with self._writing():
            sync(self.path)
