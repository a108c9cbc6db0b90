"""Assignments for nbgrader, and slides: their metadata always, and nbgrader itself where it is installed."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import exercises  # noqa: E402
import nb  # noqa: E402
import nbgrader_export  # noqa: E402
import slides  # noqa: E402

SOURCES = sorted((ROOT / "notebooks" / "src").glob("[0-9]*.py"))
TWO = """# %% [markdown]
# # Two questions
#
# <details>
# <summary>Solution</summary>
#
# max(z - w, 0)
#
# </details>

# %%
from pnp_course.exercises import notebook_02 as checks

# %%
def mine(z, w):
    return 0 * z  # replace


print(checks.check_positive_stars(mine))

# %% tags=["solution"]
def given(z, w):
    return (z - w).clamp_min(0)


assert checks.check_positive_stars(given) == "right"

# %%
def my_steps(prox, grad, tau, x, n):
    return x  # replace

# %% tags=["solution"]
def given(prox, grad, tau, x, n):
    for _ in range(n):
        x = prox(x - tau * grad(x))
    return x


assert checks.check_pgd(given) == "right"

# %%
print(checks.check_pgd(my_steps))
"""


@pytest.fixture
def small():
    return jupytext.reads(TWO, fmt="py:percent")


def test_questions_of_a_notebook(small):
    first, second = exercises.questions(small)
    assert first == ("checks.check_positive_stars", "mine", "given", 2, 2, 3)
    assert second == ("checks.check_pgd", "my_steps", "given", 4, 6, 5)
    del small.cells[3]
    with pytest.raises(ValueError, match="check_positive_stars has no given answer"):
        exercises.questions(small)


def test_the_given_answer_stands_between_marks_and_is_asked_after_them(small):
    made = nbgrader_export.assignment(small, "02_two")
    cell = made.cells[2].source
    places = [cell.index(text) for text in ("def mine", "### BEGIN", "def given", "mine = given", "### END", "print(")]
    assert places == sorted(places)
    assert "max(z - w, 0)" not in made.cells[0].source
    assert not any("solution" in c.metadata.get("tags", []) for c in made.cells)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem[:2])
def test_every_notebook_is_a_valid_assignment(source):
    """As many points as checks; answers unlocked, tests locked and below them; unique names; solutions between marks."""
    whole = nb.read_source(source)
    checks = len(exercises.questions(whole))
    given = [c.source for c in whole.cells if exercises.solved(c)]
    made = nbgrader_export.assignment(whole, source.stem)
    nbformat.validate(made)
    meta = [(k, c.metadata["nbgrader"]) for k, c in enumerate(made.cells) if "nbgrader" in c.metadata]
    names = [m["grade_id"] for _, m in meta]
    assert len(set(names)) == len(names)
    assert all(
        re.fullmatch(r"[\w-]+", name) and m["schema_version"] == 3 for name, (_, m) in zip(names, meta, strict=True)
    )
    graded = [k for k, m in meta if m["grade"]]
    answers = [k for k, m in meta if m["solution"]]
    assert len(graded) == checks > 0
    assert all(m["locked"] and m["points"] == 1 and not m["solution"] for _, m in meta if m["grade"])
    assert all(not m["locked"] and not m["grade"] for _, m in meta if m["solution"])
    for k in graded:
        call = re.match(r'assert (\w+\.check_\w+\(\w+\)) == "right", \1$', made.cells[k].source)[1]
        above = [
            c.source
            for c in made.cells[:k]
            if c.cell_type == "code" and not c.metadata.get("nbgrader", {}).get("grade")
        ]
        assert any(f"{call})" in text and "print(" in text for text in above)
    cleared = []
    for k, cell in enumerate(made.cells):
        begins, ends = cell.source.count(nbgrader_export.BEGIN), cell.source.count(nbgrader_export.END)
        assert begins == ends == (k in answers)
        cleared.append(re.sub(r"### BEGIN SOLUTION.*?### END SOLUTION", "", cell.source, flags=re.S))
        compile(cleared[-1], "cell", "exec") if cell.cell_type == "code" and "%" not in cell.source else None
    assert not any(answer in text for answer in given for text in cleared)


def nbgrader(*words, folder):
    """Run a command of nbgrader in a course directory."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls alembic by name
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PATH": programs}
    command = [sys.executable, "-m", "nbgrader", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]


def test_nbgrader_gives_full_points_and_none(small, tmp_path):
    pytest.importorskip("nbgrader")
    assert nbgrader_export.export({"02_two": small}, tmp_path) == {"02_two": 2}
    nbgrader("generate_assignment", "02_two", folder=tmp_path)
    handed_out = nbformat.read(tmp_path / "release" / "02_two" / "02_two.ipynb", as_version=4)
    assert "clamp_min" not in nbformat.writes(handed_out)
    for student, solve in (("ada", True), ("bob", False)):
        folder = tmp_path / "submitted" / student / "02_two"
        folder.mkdir(parents=True)
        shutil.copy(tmp_path / "release" / "02_two" / "02_two.ipynb", folder)
        notebook = nbformat.read(folder / "02_two.ipynb", as_version=4)
        for cell in notebook.cells if solve else []:
            cell.source = cell.source.replace("return 0 * z", "return (z - w).clamp_min(0)")
            loop = "for _ in range(n):\n        x = prox(x - tau * grad(x))\n    return x"
            cell.source = cell.source.replace("return x  # replace", loop)
        nbformat.write(notebook, folder / "02_two.ipynb")
    nbgrader("autograde", "02_two", folder=tmp_path)
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{tmp_path}/gradebook.db") as book:
        scores = {s.student.id: (s.score, s.max_score) for s in book.assignment_submissions("02_two")}
    assert scores == {"ada": (2.0, 2.0), "bob": (0.0, 2.0)}


DECK = """# %% [markdown]
# # A title
#
# See [the page](../book/x.md).
#
# ## 1. First
#
# {words}
#
# {words}
#
# $$ a = b $$
#
# <details>
# <summary>Proof</summary>
#
# Folded.
#
# </details>

# %%
import math

# %%
print(1)

# %% tags=["solution"]
secret = 1

# %% [markdown]
# ## 2. More (beyond the core)
#
# Beyond.

# %%
beyond = 1
"""


def test_slides_are_the_core_cut_into_pieces():
    made = slides.deck(jupytext.reads(DECK.format(words="word " * 100), fmt="py:percent"))
    kinds = [(c.metadata.slideshow.slide_type, c.source.split("\n")[0][:12]) for c in made.cells]
    assert kinds == [
        ("slide", "# A title"), ("-", "See the page"), ("slide", "## 1. First"), ("-", "word word wo"),
        ("subslide", "word word wo"), ("-", "$$ a = b $$"), ("-", "print(1)"),
    ]  # fmt: skip
    assert made.metadata.title == "A title"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem[:2])
def test_every_section_of_the_core_has_slides_that_are_not_too_full(source):
    notebook = nbformat.read(source.parents[1] / f"{source.stem}.ipynb", as_version=4)
    made = slides.deck(notebook)
    text = "\n\n".join(c.source for c in slides.reading.core_cells(notebook) if c.cell_type == "markdown")
    starts = [c.source for c in made.cells if c.metadata.slideshow.slide_type == "slide"]
    assert len(starts) == 1 + len(re.findall(r"^## ", text, flags=re.M))
    used = []
    for cell in made.cells:
        if cell.metadata.slideshow.slide_type == "-":
            used[-1] += slides.room(cell)
        else:
            used.append(slides.room(cell))
    alone = max(slides.room(c) for c in made.cells)
    assert max(used) <= max(slides.FULL, alone)


def test_a_deck_asks_for_nothing_outside_its_folder(tmp_path):
    stem = "16_poisson_denoising_single_photon"
    notebook = nbformat.read(ROOT / "notebooks" / f"{stem}.ipynb", as_version=4)
    (deck,) = slides.write({stem: notebook}, tmp_path)
    text = re.sub(r"data:[\w/+.-]+;base64,[\w+/=]+", "", deck.read_text(encoding="utf-8"))
    loaded = re.findall(r'<(?:script|link|img|iframe)\b[^>]*?(?:src|href)="([^"]*)"', text)
    assert {"vendor/reveal/reveal.js", "vendor/mathjax/startup.js"} <= set(loaded)
    assert all((tmp_path / name).exists() for name in loaded if name)
    assert not re.search(r"(cdn|unpkg|jsdelivr|require\.js|@import url)", text)
    assert text.count("<section") > 20
    assert "widget-view" not in text
