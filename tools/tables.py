"""Make the committed tables of experiments again, one after the other: python tools/tables.py [NAME-SCALE ...] [--jobs N].

For each table in benchmarks/results (all of them, if none is named): the parameters are chosen again where they had been chosen,
the rows are computed, and the files are put where pages and notebooks read them. It is for new weights, or a changed solver.
Work is kept in results/NAME-SCALE, so a run that was stopped goes on, and a table is replaced only when it is complete.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS, CHOICES = ROOT / "benchmarks" / "results", ROOT / "pnp_course" / "experiments" / "choices"
SCALES = ("small", "course")
KINDS = (".csv", ".md", "-progress.csv", "-curves.csv")


def committed() -> list[str]:
    """The tables that are there, as NAME-SCALE."""
    pages = [path.stem for path in RESULTS.glob("*.md")]
    return sorted(name for name in pages if name.rpartition("-")[2] in SCALES)


def command(table: str, folder: Path, *options: str) -> None:
    """Run `reproduce` for a table; its own words say what is wrong."""
    name, _, scale = table.rpartition("-")
    words = ["reproduce", name, "--scale", scale, "-o", str(folder), *options]
    done = subprocess.run([sys.executable, "-m", "pnp_course", *words], cwd=ROOT, stdout=subprocess.DEVNULL)
    if done.returncode:
        raise SystemExit(f"tables: {table} is as it was, since `python -m pnp_course {' '.join(words)}` failed.")


def made(table: str, folder: Path, jobs: int) -> None:
    """Choose its parameters and compute it, in a folder of its own."""
    if (CHOICES / f"{table}.json").exists() and not (folder / "choices.json").exists():
        command(table, folder, "--jobs", str(jobs), "--tune")
    command(table, folder, "--jobs", str(jobs))


def placed(table: str, folder: Path) -> None:
    """Put the files of a complete table where the old ones are; of those that are optional, only what was there."""
    name = table.rpartition("-")[0]
    pairs = [(folder / f"{table}{kind}", RESULTS / f"{table}{kind}") for kind in KINDS]
    pairs += [
        (folder / "curves.csv", RESULTS / f"{table}-curves.csv"),
        (folder / "choices.json", CHOICES / f"{table}.json"),
    ]
    pairs += [(folder / "tuning.csv", RESULTS / f"{name}-tuning.csv")]
    for source, target in pairs:
        if source.exists() and target.exists():
            shutil.copyfile(source, target)


def main() -> None:
    """Make the named tables, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", metavar="NAME-SCALE", help=f"some of {', '.join(committed())}")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    given = parser.parse_args()
    unknown = [table for table in given.tables if table not in committed()]
    if unknown:
        raise SystemExit(f"tables: there is no table {unknown[0]!r}; wanted some of {', '.join(committed())}.")
    for table in given.tables or committed():
        folder = ROOT / "results" / table
        made(table, folder, given.jobs)
        placed(table, folder)
        print(f"tables: {table}", flush=True)


if __name__ == "__main__":
    main()
