"""Sphinx extension: the docstrings of the library on the pages of the reference.

Docstrings are plain text, made to be read in a terminal: `name` in backticks is code, an indented block behind an empty line
is an equation, and stars, bars and underscores mean themselves. Here they become reStructuredText, equations as formulas.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from formulas import tex

SECTION = re.compile(r"(Args|Attributes|Raises|Returns|Yields|Examples?|Note|Source):\s*$")
CODE = re.compile(r"(`+[^`]+`+)")


def escape(line: str) -> str:
    """A line of prose: what is in backticks as code, and no character with a meaning of its own."""
    pieces = CODE.split(line)
    for k, piece in enumerate(pieces):
        if k % 2:
            pieces[k] = f"``{piece.strip('`')}``"
        else:
            pieces[k] = (
                re.sub(r"([*|\\])", r"\\\1", piece).replace("_", r"\_") if not piece.startswith(">>>") else piece
            )
    return "".join(pieces)


def restructure(lines: list[str]) -> list[str]:
    """The lines of a docstring as reStructuredText with napoleon's sections."""
    out: list[str] = []
    section, doctest, block = False, False, False
    for line in lines:
        doctest = line.lstrip().startswith(">>>") or (doctest and bool(line.strip()))
        section = section or bool(SECTION.match(line))
        if doctest or SECTION.match(line):
            out.append(line)
        elif line.startswith("    ") and not section and not block and out and out[-1].strip():
            out[-1] += " " + escape(line.strip())  # the end of a sentence: equations stand behind an empty line
        elif line.startswith("    ") and not section:
            if not block:
                out += ["", ".. math::", ""]
            block = True
            joint = r" \\" if any(other.startswith("    ") for other in out[-1:]) else ""
            out[-1] += joint
            out.append("    " + tex(line.strip().rstrip(",")))
            continue
        else:
            if block and line.strip():
                out.append("")
            out.append(escape(line))
        block = block and not line.strip()
    return out


def process(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Rewrite a docstring in place, before napoleon reads it."""
    lines[:] = restructure(lines)


def setup(app: Any) -> dict[str, bool]:
    """Register."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", process, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
