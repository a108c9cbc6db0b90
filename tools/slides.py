"""Slides of each notebook's core, by nbconvert: a row for each section, and in it one slide below the other.

What is folded, beyond the core or a given solution is left out. A section begins a new row. It is cut between paragraphs
and cells, so that a slide holds about `WORDS` words, or `FULL` with the display or the list that belongs to them; what is
longer scrolls. Code of more than `CODE_LINES` lines is left out and its outputs stay. The slides ask for nothing outside
their folder: `vendor/` beside them holds reveal.js and MathJax.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nbformat
import reading

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "tools" / "templates"
WORDS, FULL, PICTURE, CODE_LINES = 130, 170, 90, 14
KEPT_WITH = re.compile(
    r"\s*(\$\$|[-*>] |\d+\. |\|)"
)  # a display, a list, a quotation or a table stays with the text above


def weight(text: str) -> int:
    """How much room a piece of text takes, in words; a displayed line takes that of fifteen."""
    words, formulas, displayed = reading.count_text(text)
    return words + formulas + 15 * displayed


def paragraphs(text: str) -> list[str]:
    """The pieces between blank lines, without cutting a displayed formula or a block of code in two."""
    out: list[str] = []
    for piece in re.split(r"\n\s*\n", text.strip()):
        whole = not out or (out[-1].count("$$") % 2 == 0 and out[-1].count("```") % 2 == 0)
        if whole:
            out.append(piece)
        else:
            out[-1] += "\n\n" + piece
    return out


def room(cell: nbformat.NotebookNode) -> int:
    """How much of a slide a cell takes, in words; a picture takes that of `PICTURE` words."""
    if cell.cell_type == "markdown":
        return weight(cell.source)
    shown = 0 if "hide" in cell.metadata["tags"] else 6 * len(cell.source.splitlines())
    for output in cell.outputs:
        picture = any(kind.startswith("image/") or kind == "text/html" for kind in output.get("data", {}))
        shown += PICTURE if picture else 6 * len(str(output.get("text", "")).splitlines())
    return shown


def parts(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """The core in small cells: a paragraph each, and the code; long code is hidden, and left out if it shows nothing."""
    out: list[nbformat.NotebookNode] = []
    for cell in reading.core_cells(notebook):
        if cell.cell_type == "markdown":
            text = re.sub(r"\[([^\]\n]+)\]\((?!https?:)[^)]*\)", r"\1", cell.source)  # nothing to follow on a slide
            out += [nbformat.v4.new_markdown_cell(piece) for piece in paragraphs(text) if piece]
            continue
        if any("application/vnd.jupyter.widget-view+json" in o.get("data", {}) for o in cell.outputs):
            continue  # a slider that needs a kernel; its twin, which needs none, is a cell of its own
        long = len([line for line in cell.source.splitlines() if line.strip()]) > CODE_LINES
        if not re.match(r"(import|from) ", cell.source) and (cell.outputs or not long):
            out.append(nbformat.from_dict({**cell, "metadata": {"tags": ["hide"] if long else []}}))
    return out


def deck(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook's core with the metadata of slides; the notebook itself is not changed."""
    cells, used, heading = parts(notebook), 0, False
    for k, cell in enumerate(cells):
        takes = room(cell)
        follows = heading or cell.source.startswith("*Figure") or KEPT_WITH.match(cell.source) is not None
        section = cell.cell_type == "markdown" and cell.source.startswith("## ")
        kind = "slide" if k == 0 or section else "-" if used + takes <= (FULL if follows else WORDS) else "subslide"
        used = takes + (used if kind == "-" else 0)
        heading = cell.cell_type == "markdown" and re.fullmatch(r"#+ [^\n]*", cell.source) is not None
        cell.id = f"slide-{k}"
        cell.metadata["slideshow"] = {"slide_type": kind}
    return nbformat.v4.new_notebook(cells=cells, metadata={"title": title(notebook)})


def title(notebook: nbformat.NotebookNode) -> str:
    """The first heading."""
    return str(re.search(r"^# (.+)$", notebook.cells[0].source, flags=re.M)[1])  # type: ignore[index]


def html(notebook: nbformat.NotebookNode) -> str:
    """The deck as one page of HTML, by nbconvert with this course's template."""
    from nbconvert import SlidesExporter
    from traitlets.config import Config

    config = Config()
    config.TagRemovePreprocessor.enabled = True
    config.TagRemovePreprocessor.remove_input_tags = {"hide"}
    exporter = SlidesExporter(config=config, extra_template_basedirs=[str(TEMPLATES)], template_name="course_slides")
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    body, _ = exporter.from_notebook_node(deck(notebook))
    return str(body)


def write(notebooks: dict[str, nbformat.NotebookNode], folder: Path) -> list[Path]:
    """Write all decks and what they load into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for source, name in (
        (ROOT / "tools" / "vendor" / "reveal", "reveal"),
        (ROOT / "site/static/vendor/mathjax", "mathjax"),
    ):
        shutil.copytree(source, folder / "vendor" / name, dirs_exist_ok=True)
    out = []
    for stem, notebook in notebooks.items():
        out.append(folder / f"{stem}.html")
        out[-1].write_text(html(notebook), encoding="utf-8")
    return out
