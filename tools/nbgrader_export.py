"""The notebooks as assignments for nbgrader: `source/NAME/NAME.ipynb`, with solutions, tests that give points, and metadata.

The reader's stub becomes an answer cell. The given solution stands in it between nbgrader's marks and is taken out by
`nbgrader generate_assignment`, so that the students' copies hold the stub alone. Below each question stands a locked
cell that calls its check and gives a point. Folded solutions of the text are left out.
"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import student
from exercises import ASKED, Question, questions, solved

POINTS = 1  # for each check; nbgrader's formgrader can give other numbers
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
CONFIG = '''"""Settings of nbgrader for these assignments."""

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "pnp_course"
c.ClearSolutions.code_stub = {"python": "# your answer: change the lines of this cell"}
c.ExecutePreprocessor.timeout = 600  # seconds of a cell
'''


def metadata(name: str, **kind: object) -> dict[str, object]:
    """What nbgrader wants to know of a cell."""
    return {
        "grade_id": name,
        "schema_version": 3,
        "grade": False,
        "solution": False,
        "locked": False,
        "task": False,
        **kind,
    }


def answer(stub: str, solutions: list[str], names: list[tuple[str, str]]) -> str:
    """The stub, and below its last definition the marked solution; what the stub asks is asked after it."""
    own = [f"{mine} = {given}" for mine, given in dict(names).items()]
    region = "\n\n".join([BEGIN, *solutions, "\n".join(own), END])
    asks = ASKED.search(stub)
    at = stub.rfind("\n", 0, asks.start()) + 1 if asks else len(stub)
    return "\n\n".join(part.strip("\n") for part in (stub[:at], region, stub[at:]) if part.strip())


def test_cell(question: Question, stem: str) -> nbformat.NotebookNode:
    """A locked cell that fails with the check's own hint."""
    call = f"{question.check}({question.mine})"
    cell = nbformat.v4.new_code_cell(f'assert {call} == "right", {call}')
    name = question.check.partition(".")[2]
    cell.metadata["nbgrader"] = metadata(f"{stem}-{name}", grade=True, locked=True, points=POINTS)
    return cell


def assignment(notebook: nbformat.NotebookNode, stem: str, site: str = "") -> nbformat.NotebookNode:
    """The instructor's version of one notebook, from its source without outputs."""
    cells, asked = notebook.cells, questions(notebook)
    for stub in sorted({q.stub for q in asked}):
        here = [q for q in asked if q.stub == stub]
        solutions = [cells[k].source for k in sorted({q.solution for q in here})]
        cells[stub].source = answer(cells[stub].source, solutions, [(q.mine, q.given) for q in here])
        cells[stub].metadata["nbgrader"] = metadata(f"{stem}-answer-{here[0].mine}-{stub}", solution=True)
    out: list[nbformat.NotebookNode] = []
    for k, cell in enumerate(cells):
        tests = [test_cell(q, stem) for q in asked if q.asked == k]
        out += [] if solved(cell) else [cell, *tests]
    first = next(cell for cell in out if cell.cell_type == "code")
    first.metadata["nbgrader"] = metadata(f"{stem}-start", locked=True)
    notebook.cells = out
    notebook = student.copy(notebook, stem, site)
    student.links(notebook, site)
    for k, cell in enumerate(notebook.cells):
        cell.id = f"{re.sub(r'[^0-9a-zA-Z_-]', '-', stem)}-{k}"[:64]
    return notebook


def export(notebooks: dict[str, nbformat.NotebookNode], folder: Path, site: str = "") -> dict[str, int]:
    """Write all assignments below `folder`, which then is a course directory; return the points of each."""
    points = {}
    for stem, notebook in notebooks.items():
        made = assignment(notebook, stem, site)
        target = folder / "source" / stem / f"{stem}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(made, target)
        points[stem] = sum(c.metadata.get("nbgrader", {}).get("points", 0) for c in made.cells)
    (folder / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
    return points
