"""How many minutes a notebook takes a reader, computed from its source, for the head of the notebook and for the plan.

The rates are for a master's student who follows the derivations with pen and paper:

- 100 words a minute; a formula in the text is no word;
- 3 seconds for a formula in the text, 30 for each line of a displayed one;
- 2 seconds for each line of code that is not blank;
- 5 minutes for each exercise.

So 3,000 words with 400 formulas in the text, 17 displayed lines, 380 lines of code and 4 exercises, the usual shares in
this course, take 30 + 20 + 8.5 + 12.7 + 20 = 91 minutes.

The core is what stands outside `<details>` and outside what is marked as beyond the core: a section whose heading ends
with "(beyond the core)", up to the next heading of its level or above, and a cell with the tag `beyond`. Given solutions
belong to the full reading only. Minutes are rounded to 5. The text of the notebook counts, and not its outputs. The full
minutes stand in brackets behind those of the core, unless they are the same; the brackets themselves are not counted.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import jupytext
import nbformat

WORDS_A_MINUTE = 100
FORMULA, DISPLAYED, CODE_LINE, EXERCISE = 3 / 60, 30 / 60, 2 / 60, 5.0  # minutes
FULL = r" \((\d+) with all that is folded\)"
TIME = re.compile(rf"\*\*Time\.\*\* (\d+) minutes(?:{FULL})?")
ROW = re.compile(r"(\| \[[^\]]*\]\(\.\./notebooks/(\w+)\.ipynb\)) \| (\d+) \| (?:(\d+) \| )?")


class Counts(NamedTuple):
    """What a reader meets."""

    words: int
    formulas: int
    displayed: int
    code: int
    exercises: int

    @property
    def minutes(self) -> int:
        """Minutes, rounded to 5."""
        time = self.words / WORDS_A_MINUTE + FORMULA * self.formulas + DISPLAYED * self.displayed
        time += CODE_LINE * self.code + EXERCISE * self.exercises
        return int(5 * round(time / 5))


def count_text(text: str) -> tuple[int, int, int]:
    """Words, formulas in the text, and lines of displayed formulas of Markdown text."""
    shown = re.findall(r"\$\$(.*?)\$\$", text, flags=re.S)
    text = re.sub(r"\$\$.*?\$\$", " ", text, flags=re.S)
    inline = re.findall(r"(?<!\\)\$[^$]+\$", text)
    text = re.sub(r"(?<!\\)\$[^$]+\$", " ", text)
    text = re.sub(r"\]\([^)]*\)|<[^<>]+>", " ", text)  # addresses of links, HTML
    return len(re.findall(r"[^\W_][\w'’.-]*", text)), len(inline), sum(1 + s.count(r"\\") for s in shown)


def core_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """The cells outside what is marked as beyond the core, without solutions; of a Markdown cell, what is not folded."""
    cells, level = [], 0  # level: of the heading of the section that is left out, 0 outside
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown":
            kept = []
            for line in re.sub(r"<details>.*?</details>", " ", cell.source, flags=re.S).splitlines():
                if heading := re.match(r"(#+) ", line):
                    if level and len(heading[1]) <= level:
                        level = 0
                    if not level and line.rstrip().endswith("(beyond the core)"):
                        level = len(heading[1])
                kept += [] if level else [line]
            cell = nbformat.from_dict({**cell, "source": "\n".join(kept)})
        elif level:
            continue
        if not {"beyond", "solution"} & set(tags):
            cells.append(cell)
    return cells


def count(cells: list[nbformat.NotebookNode]) -> Counts:
    """What stands in cells."""
    text = re.sub(FULL, "", "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown"))
    code = [line for cell in cells if cell.cell_type == "code" for line in cell.source.splitlines() if line.strip()]
    return Counts(*count_text(text), len(code), len(re.findall(r"\*\*Exercise \d", text)))


def read(source: Path) -> tuple[Counts, Counts]:
    """What the core of a notebook holds, and all of it."""
    notebook = jupytext.read(source)
    return count(core_cells(notebook)), count(notebook.cells)


def minutes(source: Path) -> tuple[int, int]:
    """Minutes for the core and for all."""
    core, full = read(source)
    return core.minutes, full.minutes


def duration(core: int, full: int) -> str:
    """The minutes in words."""
    return f"{core} minutes" + (f" ({full} with all that is folded)" if full != core else "")


def sentence(core: int, full: int) -> str:
    """The minutes as a head states them."""
    return f"**Time.** {duration(core, full)}"


def faults(source: Path, plan: Path) -> list[str]:
    """One sentence for each place that states other minutes than the computed ones, or none."""
    core, full = minutes(source)
    head = TIME.search(source.read_text(encoding="utf-8"))
    rows = [m for m in ROW.finditer(plan.read_text(encoding="utf-8")) if m[2] == source.stem and m[4]]
    out = []
    if not head or head[0] != sentence(core, full):
        out.append(f"its head says {head[0]!r}" if head else "its head does not state the minutes")
    if not rows or (int(rows[0][3]), int(rows[0][4])) != (core, full):
        states = f"states {rows[0][3]} and {rows[0][4]} minutes" if rows else "does not state both minutes"
        out.append(f"{plan.name} {states}")
    return [f"{fault}; computed are {core} and {full}: run tools/nb.py minutes --write" for fault in out]


UNFINISHED = re.compile(r"\b(TODO|TO DO|FIXME|XXX|SENTENCE-\w+)\b")


def unfinished(source: Path) -> list[str]:
    """One sentence for each line whose text is still to be written."""
    lines = source.read_text(encoding="utf-8").splitlines()
    found = ((number, UNFINISHED.search(line)) for number, line in enumerate(lines, 1))
    return [f"line {number} is unfinished: {match[0]}" for number, match in found if match]


def write(source: Path, plan: Path) -> None:
    """Put the computed minutes into the head of a source and into its row of the plan."""
    core, full = minutes(source)
    text = TIME.sub(sentence(core, full), source.read_text(encoding="utf-8"), count=1)
    source.write_text(text, encoding="utf-8")

    def row(match: re.Match[str]) -> str:
        return f"{match[1]} | {core} | {full} | " if match[2] == source.stem else match[0]

    plan.write_text(ROW.sub(row, plan.read_text(encoding="utf-8")), encoding="utf-8")
