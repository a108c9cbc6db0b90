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
    """Rows in Markdown from lines `what | parts in class | parts as homework | what is handed in`, parts separated by `;`.

    A plan without any homework has no columns for it.
    """
    rows, sums = [], [0, 0]
    for line in filter(str.strip, lines):
        name, *columns, hand_in = (piece.strip() for piece in line.split("|"))
        if len(columns) != 2:
            raise ValueError(f"a line of a plan is 'what | in class | at home | handed in'; this is {line!r}.")
        cells = [name]
        for k, column in enumerate(columns):
            parts = [part.strip() for part in column.split(";") if part.strip()]
            total = sum(minutes(part, folder) for part in parts)
            sums[k] += total
            cells += ["; ".join(link(part, folder) for part in parts), str(total)]
        rows.append([*cells, hand_in])
    rows = [
        [unit, "in class", "minutes", "at home", "minutes", "handed in"], ["---"] * 6, *rows,
        ["together", "", str(sums[0]), "", str(sums[1]), ""],
    ]  # fmt: skip
    return ["| " + " | ".join(row if sums[1] else row[:3] + row[5:]) + " |" for row in rows]


def link(part: str, folder: Path) -> str:
    """A part with a link to its notebook, and with the full headings of the sections."""
    path = source(part[:2], folder)
    headings = re.findall(r"^# ## (.+)$", path.read_text(encoding="utf-8"), flags=re.M)

    def whole(begin: re.Match[str]) -> str:
        return "*" + next(h for h in headings if h.startswith(begin[1])).removesuffix(" (beyond the core)") + "*"

    rest = re.sub(r'"([^"]+)"', whole, part[2:])
    rest = rest.replace(" without", ", without", 1).replace(" all", ", with all that is folded", 1)
    return f"[{part[:2]}](/notebooks/{path.stem}.ipynb){rest}"
