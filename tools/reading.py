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
belong to the full reading only. Minutes are rounded to 5. The text of the notebook counts, and not its outputs.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import jupytext
import nbformat

WORDS_A_MINUTE = 100
FORMULA, DISPLAYED, CODE_LINE, EXERCISE = 3 / 60, 30 / 60, 2 / 60, 5.0  # minutes
TIME = re.compile(r"\*\*Time\.\*\* (\d+) minutes(?: \((\d+) with all that is folded\))?")
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
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
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


def said(pattern: re.Pattern[str], text: str, name: str = "") -> tuple[int, int] | None:
    """The two numbers that a head (`TIME`) or the row of a notebook in the plan (`ROW`) states; None if there are none."""
    for match in pattern.finditer(text):
        core, full = match.groups()[-2:]
        if (pattern is TIME or match[2] == name) and full:
            return int(core), int(full)
    return None


def faults(source: Path, plan: Path) -> list[str]:
    """One sentence for each place that states other minutes than the computed ones, or none."""
    right, out = minutes(source), []
    text = source.read_text(encoding="utf-8"), plan.read_text(encoding="utf-8")
    for place, found in (("its head", said(TIME, text[0])), (plan.name, said(ROW, text[1], source.stem))):
        if found != right:
            states = f"states {found[0]} and {found[1]} minutes" if found else "does not state both minutes"
            out.append(f"{place} {states}; computed are {right[0]} and {right[1]}: run tools/nb.py minutes --write")
    return out


UNFINISHED = re.compile(r"\b(TODO|TO DO|FIXME|XXX|SENTENCE-\w+)\b")


def unfinished(source: Path) -> list[str]:
    """One sentence for each line whose text is still to be written."""
    lines = source.read_text(encoding="utf-8").splitlines()
    found = ((number, UNFINISHED.search(line)) for number, line in enumerate(lines, 1))
    return [f"line {number} is unfinished: {match[0]}" for number, match in found if match]


def write(source: Path, plan: Path) -> None:
    """Put the computed minutes into the head of a source and into its row of the plan."""
    text = source.read_text(encoding="utf-8")
    for _ in range(2):  # the sentence itself is read, too
        core, full = minutes(source)
        sentence = f"**Time.** {core} minutes ({full} with all that is folded)"
        text = TIME.sub(sentence, text, count=1)
        source.write_text(text, encoding="utf-8")
    core, full = minutes(source)

    def row(match: re.Match[str]) -> str:
        return f"{match[1]} | {core} | {full} | " if match[2] == source.stem else match[0]

    plan.write_text(ROW.sub(row, plan.read_text(encoding="utf-8")), encoding="utf-8")
