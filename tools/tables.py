"""Make committed tables of experiments again: python tools/tables.py [NAME-SCALE ...] [--methods A,B] [--all] [--jobs N].

For each table in benchmarks/results (all of them, if none is named), methods with other weights than the table's, or another
grid, are tuned and computed; the lines of the others are kept. --methods adds methods, by name; --all computes every line, as
after a change of a solver. The files are put where pages and notebooks read them. Work is kept in results/NAME-SCALE, so a
run that was stopped goes on, and a table is replaced only when it is complete.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS, CHOICES = ROOT / "benchmarks" / "results", ROOT / "pnp_course" / "experiments" / "choices"
SCALES = ("small", "course")
KINDS = (".csv", ".md", "-progress.csv", "-curves.csv")


def committed() -> list[str]:
    """The tables that are there, as NAME-SCALE."""
    pages = [path.stem for path in RESULTS.glob("*.md")]
    return sorted(name for name in pages if name.rpartition("-")[2] in SCALES)


def made(table: str, wanted: list[str], everything: bool, jobs: int) -> list[str]:
    """Compute what is to be computed of a table, in a folder of its own; return the names of these methods."""
    from pnp_course.experiments import experiment_named, renew, tuning

    name, _, scale = table.rpartition("-")
    experiment = experiment_named(name)
    choices = tuning.read_choices(experiment, scale, CHOICES)
    stale = renew.stale(experiment, scale, renew.read(RESULTS, table), choices)
    methods = [m for m in experiment.methods if everything or m in stale or m in wanted]
    if methods:
        for line in renew.renew(experiment, scale, methods, RESULTS, ROOT / "results" / table, processes=jobs):
            print(f"{table}: at the end of its grid: {line}", flush=True)
    return methods


def placed(table: str, methods: list[str]) -> None:
    """Put the files of a complete table where the old ones are; of those that are optional, only what was there."""
    name, folder = table.rpartition("-")[0], ROOT / "results" / table
    pairs = [(folder / f"{table}{kind}", RESULTS / f"{table}{kind}") for kind in KINDS]
    pairs += [(folder / "tuning.csv", RESULTS / f"{name}-tuning.csv")]
    for source, target in pairs:
        if source.exists() and target.exists():
            shutil.copyfile(source, target)
    if (folder / "choices.json").exists():
        chosen = json.loads((folder / "choices.json").read_text(encoding="utf-8"))
        for scale in SCALES:  # all are tuned on the same pictures
            file = CHOICES / f"{name}-{scale}.json"
            if file.exists():
                file.write_text(json.dumps(chosen | {"scale": scale}, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Make the named tables, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", metavar="NAME-SCALE", help=f"some of {', '.join(committed())}")
    parser.add_argument(
        "--methods", default="", help="methods to compute, with commas between them ('; ' if a name has one)"
    )
    parser.add_argument("--all", action="store_true", help="compute every line")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    given = parser.parse_args()
    unknown = [table for table in given.tables if table not in committed()]
    if unknown:
        raise SystemExit(f"tables: there is no table {unknown[0]!r}; wanted some of {', '.join(committed())}.")
    wanted = [name.strip() for name in given.methods.split(";" if ";" in given.methods else ",") if name.strip()]
    for table in given.tables or committed():
        methods = made(table, wanted, given.all, given.jobs)
        if methods:
            placed(table, methods)
        print(f"tables: {table}: {', '.join(methods) or 'as it is'}", flush=True)


if __name__ == "__main__":
    main()
