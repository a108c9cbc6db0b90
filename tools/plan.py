"""Minutes of parts of notebooks, for the plans in the instructor's guide.

A part is written as `03` (the core), `03 all` (with all that is folded), `03 without "On a photograph"` (the core without
the sections whose headings begin so; several are separated by commas) or `03 only "On a photograph"` (these sections
alone, wherever they stand). A heading that does not exist is an error, so that a plan cannot outlive a notebook.
"""

from __future__ import annotations

import re
from pathlib import Path

import jupytext
import nbformat
import reading

PART = re.compile(r'(\d\d)(?: (all)| (without|only) ("[^"]+"(?:, "[^"]+")*))?')


def sections(cells: list[nbformat.NotebookNode], names: list[str], keep: bool) -> list[nbformat.NotebookNode]:
    """The cells of the named sections (of level two), or all others; of a Markdown cell, its lines."""
    out, here, met = [], "", set()
    for cell in cells:
        lines = []
        for line in cell.source.splitlines() if cell.cell_type == "markdown" else []:
            if line.startswith("## "):
                here = next((name for name in names if line[3:].startswith(name)), "")
                met.add(here)
            lines += [line] if bool(here) == keep else []
        if cell.cell_type == "markdown":
            out.append(nbformat.from_dict({**cell, "source": "\n".join(lines)}))
        elif bool(here) == keep:
            out.append(cell)
    if missing := set(names) - met:
        raise ValueError(f"no section begins with {sorted(missing)[0]!r}: look at the headings of the notebook.")
    return out


def source(number: str, folder: Path) -> Path:
    """The source of the notebook with this number."""
    found = sorted(folder.glob(f"{number}_*.py"))
    if not found:
        raise ValueError(f"there is no notebook {number} in {folder.name}.")
    return found[0]


def minutes(part: str, folder: Path) -> int:
    """Minutes of one part, by the rates of `reading`."""
    match = PART.fullmatch(part)
    if match is None:
        raise ValueError(f'a part is 03, 03 all, 03 without "..." or 03 only "..."; this is {part!r}.')
    number, everything, which, names = match.groups()
    notebook = jupytext.read(source(number, folder))
    given = [c for c in notebook.cells if "solution" not in c.metadata.get("tags", [])]
    cells = notebook.cells if everything else given if which == "only" else reading.core_cells(notebook)
    if which:
        cells = sections(cells, re.findall(r'"([^"]+)"', names), which == "only")
    return reading.count(cells).minutes


def table(unit: str, lines: list[str], folder: Path) -> list[str]:
    """Rows in Markdown from lines `what | parts in class | parts as homework | what is handed in`, parts separated by `;`."""
    rows, sums = [], [0, 0]
    for line in filter(str.strip, lines):
        name, *columns, hand_in = (piece.strip() for piece in line.split("|"))
        shown: list[str] = []
        for k, column in enumerate(columns):
            parts = [part.strip() for part in column.split(";") if part.strip()]
            total = sum(minutes(part, folder) for part in parts)
            sums[k] += total
            shown += ["; ".join(link(part, folder) for part in parts) or "-", str(total or "-")]
        rows.append(f"| {name} | " + " | ".join(shown) + f" | {hand_in} |")
    head = f"| {unit} | in class | minutes | at home | minutes | handed in |"
    return [head, "|---|---|---|---|---|---|", *rows, f"| together | | {sums[0]} | | {sums[1]} | |"]


def link(part: str, folder: Path) -> str:
    """A part with a link to its notebook."""
    rest = part[2:].replace('"', "*").replace(" without", ", without").replace(" all", ", with all that is folded")
    return f"[{part[:2]}](/notebooks/{source(part[:2], folder).stem}.ipynb){rest}"
