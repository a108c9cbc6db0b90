"""The results file of an experiment: a CSV table in which every config has one row."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import Any


class Table:
    """The CSV file at `path`; rows with the same values in the columns `keys` belong to one config."""

    def __init__(self, path: Path, keys: tuple[str, ...]):
        self.path, self.keys = path, keys

    def rows(self) -> list[dict[str, str]]:
        """What is in the file."""
        if not self.path.exists():
            return []
        with self.path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def find(self, settings: dict[str, Any]) -> dict[str, str] | None:
        """The last row of a config, if there is one."""
        wanted = [_text(settings[key]) for key in self.keys]
        found = [row for row in self.rows() if [row[key] for key in self.keys] == wanted]
        return found[-1] if found else None

    def add(self, row: dict[str, Any]) -> None:
        """Append a row; an interruption leaves the file as it was.

        Raises:
            ValueError: the file has other columns.
        """
        old = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        columns = next(csv.reader([old.partition("\n")[0]]), []) if old else list(row)
        if columns != list(row):
            raise ValueError(f"{self.path} has the columns {', '.join(columns)}; this row has {', '.join(row)}.")
        out = io.StringIO()
        writer = csv.DictWriter(out, columns, lineterminator="\n")
        if not old:
            writer.writeheader()
        writer.writerow(row)
        part = self.path.with_suffix(self.path.suffix + ".part")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(old + out.getvalue(), encoding="utf-8")
        os.replace(part, self.path)


def _text(value: Any) -> str:
    """A value as the csv module writes it."""
    return "" if value is None else str(value)
