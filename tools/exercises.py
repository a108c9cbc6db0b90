"""Where the exercises of a notebook are: the cell with the reader's stub, the question, and the given answer.

A cell asks `print(checks.check_NAME(mine))`; the solution, in a cell tagged `solution`, ends with
`assert checks.check_NAME(given) == "right"`. From these two lines everything follows.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import nbformat

ASKED = re.compile(r"print\([^\n]*?\b(\w+\.check_\w+)\((\w+)\)\)")
ANSWERED = re.compile(r"assert (\w+\.check_\w+)\((\w+)\) == \"right\"")


class Question(NamedTuple):
    """One check: what is called, for whose name, what the given answer is called, and in which cells all of it stands."""

    check: str
    mine: str
    given: str
    stub: int
    asked: int
    solution: int


def solved(cell: nbformat.NotebookNode) -> bool:
    """Is this a given solution?"""
    return "solution" in cell.metadata.get("tags", [])


def questions(notebook: nbformat.NotebookNode) -> list[Question]:
    """The questions in their order.

    Raises:
        ValueError: a check has no given answer, or the name that it is asked for has no stub above it.
    """
    code = [(k, cell) for k, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    given = {check: (name, k) for k, cell in code if solved(cell) for check, name in ANSWERED.findall(cell.source)}
    found = []
    for k, cell in code:
        for check, mine in [] if solved(cell) else ASKED.findall(cell.source):
            begins = re.compile(rf"^(?:def )?{mine}\b(?:\(|\s*=)", re.M)
            stubs = [j for j, other in code if j <= k and not solved(other) and begins.search(other.source)]
            if check not in given or not stubs:
                what = "no given answer" if check not in given else f"no stub of {mine} above it"
                raise ValueError(f'{check} has {what}: a solution ends with assert {check}(given) == "right".')
            found.append(Question(check, mine, given[check][0], stubs[-1], k, given[check][1]))
    return found
