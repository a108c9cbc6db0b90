"""How long the cells of the notebooks took in the last test: read from the report that pytest wrote."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

IDLE_NOTEBOOK, IDLE_CELL = 90.0, 30.0  # seconds on an idle machine with two processes of one thread


def read(report: Path) -> dict[str, list[tuple[float, str]]]:
    """For each notebook the seconds and the name of every cell."""
    cells: dict[str, list[tuple[float, str]]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        notebook = case.attrib["classname"].removesuffix(".ipynb").split(".")[-1]
        cells.setdefault(notebook, []).append((float(case.attrib["time"]), case.attrib["name"]))
    return cells


def report(path: Path, kept: Path | None = None) -> int:
    """Print a line for each notebook: its seconds in all, and its slowest cell; keep the seconds for the book's page, if asked.

    The notebooks themselves hold no times: they are the same at every build.
    """
    if not path.exists():
        print(f"nb: there is no {path.parent.name}/{path.name}: run make test first.", file=sys.stderr)
        return 2
    cells, slow = read(path), 0
    for notebook, times in sorted(cells.items()):
        total, (worst, cell) = sum(time for time, _ in times), max(times)
        over = total > IDLE_NOTEBOOK or worst > IDLE_CELL
        slow += over
        words = f"  over {IDLE_NOTEBOOK:.0f} s, or {IDLE_CELL:.0f} s in a cell" if over else ""
        print(f"{notebook}: {total:.0f} s in {len(times)} cells, {worst:.0f} s in {cell}{words}")
    if kept:
        seconds = {notebook: round(sum(time for time, _ in times)) for notebook, times in sorted(cells.items())}
        kept.write_text(json.dumps(seconds, indent=1) + "\n", encoding="utf-8")
    return 1 if slow else 0
