"""Exercises of the notebooks: right answers of every style are accepted, plausible wrong ones get a hint in one line.

The lists stand in `answers_NN.py`; the notebooks' own cells are run, too: what the reader finds is wrong, what is given
is right, and the given name never is the reader's.
"""

import ast
import importlib
import re
from pathlib import Path

import jupytext
import pytest

TESTS = Path(__file__).resolve().parent
SOURCES = TESTS.parent / "notebooks" / "src"
NUMBERS = sorted(path.stem[-2:] for path in TESTS.glob("answers_[0-9][0-9].py"))
CHECKS = {n: importlib.import_module(f"pnp_course.exercises.notebook_{n}") for n in NUMBERS}
LISTS = {n: importlib.import_module(f"answers_{n}") for n in NUMBERS}


def cases(kind):
    return [
        pytest.param(n, check, answer, id=f"{n}-{check}-{k}")
        for n in NUMBERS
        for check, answers in getattr(LISTS[n], kind).items()
        for k, answer in enumerate(answers)
    ]


@pytest.mark.parametrize(("n", "check", "answer"), cases("RIGHT"))
def test_right_answers_of_every_style_are_accepted(n, check, answer):
    assert getattr(CHECKS[n], check)(answer) == "right"


@pytest.mark.parametrize(("n", "check", "pair"), cases("WRONG"))
def test_wrong_answers_get_a_hint_in_one_line(n, check, pair):
    answer, hint = pair
    said = getattr(CHECKS[n], check)(answer)
    assert re.match(r"(not yet|nearly): \S.{15}", said), said
    assert "\n" not in said
    assert any(part in said for part in hint.split("|")), said


@pytest.mark.parametrize("n", NUMBERS)
def test_every_check_has_lists(n):
    checks = {name for name in dir(CHECKS[n]) if name.startswith("check_")}
    assert checks == set(LISTS[n].RIGHT) == set(LISTS[n].WRONG)
    assert all(len(answers) >= 3 for answers in LISTS[n].RIGHT.values())
    assert all(len(answers) >= 5 for answers in LISTS[n].WRONG.values())


@pytest.mark.parametrize("n", NUMBERS)
def test_the_notebook_asks_each_question_and_never_takes_the_readers_name(n):
    """Every check is printed for a name outside the solutions; no solution defines a name that a check is asked for."""
    (source,) = SOURCES.glob(f"{n}_*.py")
    code = [cell for cell in jupytext.read(source).cells if cell.cell_type == "code"]
    solutions = [cell.source for cell in code if "solution" in cell.metadata.get("tags", [])]
    others = [cell.source for cell in code if "solution" not in cell.metadata.get("tags", [])]
    asked = re.findall(r"print\([^\n]*\w\.(check_\w+)\((\w+)\)\)", "\n".join(others))
    answered = re.findall(r"assert \w+\.(check_\w+)\((\w+)\) == \"right\"", "\n".join(solutions))
    assert [check for check, _ in asked] == [check for check, _ in answered]
    assert {check for check, _ in asked} == set(LISTS[n].RIGHT)
    names = {name for _, name in asked}
    for cell in solutions:
        assert not names & set(re.findall(r"(?m)^(?:def )?(\w+)(?:\(.*\):| = )", cell))
    assert "not yet" not in "\n".join(others)  # no check is written out in the notebook


def names(cells, load):
    """Names that the cells read, or else those that they define anywhere, arguments included."""
    tree = ast.parse("\n".join(cell.source for cell in cells))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) == load:
            found.add(node.id)
        elif not load and isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif not load and isinstance(node, ast.arg):
            found.add(node.arg)
    return found


@pytest.mark.parametrize("n", NUMBERS)
def test_nothing_else_uses_what_only_a_solution_defines(n):
    """So the student's copy, which has no solutions, runs."""
    (source,) = SOURCES.glob(f"{n}_*.py")
    code = [cell for cell in jupytext.read(source).cells if cell.cell_type == "code"]
    solved = [cell for cell in code if "solution" in cell.metadata.get("tags", [])]
    rest = [cell for cell in code if "solution" not in cell.metadata.get("tags", [])]
    assert solved
    assert not (names(solved, load=False) - names(rest, load=False)) & names(rest, load=True)


@pytest.mark.parametrize("n", NUMBERS)
def test_the_stored_outputs_say_that_nothing_is_solved_yet(n):
    (source,) = SOURCES.glob(f"{n}_*.py")
    notebook = jupytext.read(SOURCES.parent / f"{source.stem}.ipynb")
    asked = 0
    for cell in notebook.cells:
        if cell.cell_type == "code" and "solution" not in cell.metadata.get("tags", []):
            lines = "".join(o.get("text", "") for o in cell.outputs).splitlines()
            verdicts = [line for line in lines if re.match(r"(\(\w\) )?(not yet|nearly): |right$", line)]
            questions = len(re.findall(r"print\([^\n]*\w\.check_", cell.source))
            assert len(verdicts) == questions, lines
            assert not any(line.endswith("right") for line in verdicts)
            asked += questions
    assert asked
