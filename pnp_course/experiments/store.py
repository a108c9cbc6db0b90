"""The results of an experiment: a folder with one small file for each finished job, and tables made from them.

A row's file appears whole or not at all, under the job's key. So a run that was stopped at any moment goes on where it
was, several processes or machines can fill one folder, and nothing is computed twice.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas

from pnp_course.experiments.job import SCHEMA_VERSION, Job
from pnp_course.whole_files import whole_files


class StoreError(ValueError):
    """A results folder that cannot be used."""


class Store:
    """The results folder `path`."""

    def __init__(self, path: Path):
        self.path = path

    def _file(self, job: Job) -> Path:
        return self.path / "rows" / f"{job.key}.json"

    def has(self, job: Job) -> bool:
        """Is this job done?"""
        return self._file(job).exists()

    def add(self, job: Job, row: dict[str, Any]) -> None:
        """Keep the row of a job.

        Raises:
            WriteError: the folder cannot be written, for instance since the disk is full.
        """
        with whole_files(self.path / "rows") as scratch:
            (scratch / f"{job.key}.json").write_text(json.dumps(row) + "\n", encoding="utf-8")

    def row(self, job: Job) -> dict[str, Any]:
        """The row of a finished job.

        Raises:
            StoreError: the file is not a row, or one of another version.
        """
        file = self._file(job)
        try:
            row = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise StoreError(
                f"{file} is not a result ({error}): remove it, and the same command makes it again."
            ) from None
        version = row.get("schema_version") if isinstance(row, dict) else None
        if version != SCHEMA_VERSION:
            raise StoreError(
                f"{file} is a result of schema version {version}; this release writes version {SCHEMA_VERSION}: name another "
                "folder with -o, or remove the old results."
            )
        return row

    def table(self, jobs: list[Job]) -> pandas.DataFrame:
        """The rows of those jobs that are done, in their order."""
        return pandas.DataFrame([self.row(job) for job in jobs if self.has(job)])

    def write(self, name: str, content: str | pandas.DataFrame) -> Path:
        """Write a text, or a table as CSV, and as Parquet too where pyarrow is installed."""
        with whole_files(self.path) as scratch:
            if isinstance(content, str):
                (scratch / name).write_text(content, encoding="utf-8")
            else:
                content.to_csv(scratch / name, index=False, lineterminator="\n")
                if _has_parquet():
                    content.to_parquet((scratch / name).with_suffix(".parquet"), index=False)
        return self.path / name


def _has_parquet() -> bool:
    try:
        import pyarrow  # type: ignore[import-not-found,import-untyped]  # noqa: F401
    except ImportError:
        return False
    return True
