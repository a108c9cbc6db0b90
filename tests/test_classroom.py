"""What a teacher hands out: copies without solutions, plans, the exam, environments, and the kit for a room without network."""

import hashlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import classroom  # noqa: E402
import exam  # noqa: E402
import kit  # noqa: E402
import nb  # noqa: E402
import plan  # noqa: E402

SOURCES = sorted((ROOT / "notebooks" / "src").glob("[0-9]*.py"))
GUIDE = (ROOT / "book" / "teaching.md").read_text(encoding="utf-8")
SECTIONS = """# %% [markdown]
# # Title
#
# {words}
#
# ## 1. First
#
# {words}

# %%
a = 1

# %% [markdown]
# Still the first. **Exercise 1.** Do it. **Exercise 2.** Do it.
#
# ## 2. Second (beyond the core)
#
# {words} {words}
"""


@pytest.fixture(scope="module")
def students(tmp_path_factory):
    """The notebooks of the zip for students, by name."""
    archive = tmp_path_factory.mktemp("zip") / "students.zip"
    nb.zip_copies(archive)
    with zipfile.ZipFile(archive) as zipped:
        return {name: nbformat.reads(zipped.read(name).decode(), as_version=4) for name in zipped.namelist()}


def test_students_get_every_notebook_without_any_solution(students):
    assert sorted(students) == [f"{source.stem}.ipynb" for source in SOURCES]
    for source in SOURCES:
        copy = students[f"{source.stem}.ipynb"]
        whole = nb.read_source(source)
        given = [c.source for c in whole.cells if "solution" in c.metadata.get("tags", [])]
        texts = [c.source for c in copy.cells]
        assert given
        assert not set(given) & set(texts)
        assert not any("solution" in c.metadata.get("tags", []) for c in copy.cells)
        folded = re.findall(r"<details>\s*<summary>Solution</summary>\s*(.+?)\s*</details>", "\n".join(
            c.source for c in whole.cells), flags=re.S)  # fmt: skip
        assert folded
        assert not any(answer in text for answer in folded for text in texts)
        nbformat.validate(copy)


def test_no_slider_of_a_students_copy_is_dead(students):
    """What JupyterLab shows of a stored slider without its kernel is an error; the copies store none, and keep its cell."""
    moving = 0
    for notebook in students.values():
        code = [c for c in notebook.cells if c.cell_type == "code"]
        assert not any(c.outputs or c.execution_count for c in code)
        assert "widgets" not in notebook.metadata
        moving += sum("interactive(" in c.source or "frame_slider(" in c.source for c in code)
    assert moving >= 10


def test_links_of_a_students_copy_lead_nowhere_that_does_not_exist(students):
    for name, notebook in students.items():
        text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
        assert not re.search(r"\]\((?!https?:|#)[^)]+\)", text), name


def test_solved_notebooks_say_what_moves_a_slider():
    notebook = nbformat.read(ROOT / "notebooks" / "06_ladder_of_conditions.ipynb", as_version=4)
    text = nbformat.writes(classroom.without_dead_sliders(notebook))
    assert "widget-view" not in text
    assert text.count(f'"*{classroom.SLIDER}*"') >= 1
    assert 'type=\\"range\\"' in text  # the twin that needs no kernel stays


def small(tmp_path, words=1000):
    path = tmp_path / "01_small.py"
    path.write_text(SECTIONS.format(words="word " * words))
    return path.parent


@pytest.mark.parametrize(
    ("part", "wanted"),
    [
        ("01", 30),
        ("01 all", 50),
        ('01 without "1. First"', 10),
        ('01 only "2. Second"', 20),
        ('01 only "1.", "2."', 40),
    ],
)
def test_minutes_of_parts(tmp_path, part, wanted):
    assert plan.minutes(part, small(tmp_path)) == wanted


@pytest.mark.parametrize(
    ("part", "said"), [('01 without "3."', "no section begins with '3.'"), ("02", "no notebook 02"), ("1", "a part is")]
)
def test_a_plan_with_a_part_that_does_not_exist_is_refused(tmp_path, part, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        plan.minutes(part, small(tmp_path))


def test_a_plan_adds_up(tmp_path):
    rows = plan.table("week", ['1 | 01; 01 all | 01 only "1. F" | x', "2 | 01 | | y"], small(tmp_path))
    first, second, total = ([cell.strip() for cell in row.split("|")[1:-1]] for row in rows[2:])
    assert (first[2], first[4], first[5]) == ("80", "20", "x")
    assert "[01](/notebooks/01_small.ipynb), with all that is folded" in first[1]
    assert first[3].endswith("only *1. First*")
    assert (second[2], total[2], total[4]) == ("30", "110", "20")
    assert plan.table("day", ["1 | 01 | | y"], small(tmp_path))[0] == "| day | in class | minutes | handed in |"


def test_the_plans_of_the_guide_fit_their_lessons():
    """With half as much again for the class, a week fits two sessions of 90 minutes, and a day two of three hours."""
    plans = re.findall(r"```\{plan\} ([^\n]+)\n(.*?)```", GUIDE, flags=re.S)
    assert [unit for unit, _ in plans] == ["week", "half day"]
    for (_, lines), most in zip(plans, (180, 180), strict=True):
        rows = [line.split("|") for line in lines.splitlines() if line.strip()]
        assert len(rows) == 6
        for row in rows:
            parts = [part.strip() for part in row[1].split(";")]
            assert 1.5 * sum(plan.minutes(part, SOURCES[0].parent) for part in parts) <= most, row
            number, _, named = row[3].partition(": exercise")
            for exercise in re.findall(r"\d", named):
                text = plan.source(number.strip(), SOURCES[0].parent).read_text(encoding="utf-8")
                assert re.search(rf"\*\*Exercise {exercise}\b", text), row
    met = set(re.findall(r"\b(\d\d)\b", plans[0][1].partition("\n")[0] + plans[0][1]))
    assert {source.stem[:2] for source in SOURCES} <= met


def test_the_guide_and_the_quizzes_speak_of_every_notebook():
    quizzes = (ROOT / "book" / "quizzes.md").read_text(encoding="utf-8")
    for source in SOURCES:
        title = re.search(r"^# # (.+)$", source.read_text(encoding="utf-8"), flags=re.M)[1]
        about = re.search(rf"^### {source.stem[:2]} {re.escape(title)}\n(.*?)(?=^##)", GUIDE, flags=re.M | re.S)
        assert about, title
        assert all(
            f"*{word}.*" in about[1] or f"*{word}*" in about[1] for word in ("Aim", "Skip", "Mistakes", "Discuss")
        )
        asked = re.search(rf"^## {source.stem[:2]} [^\n]+\n(.*?)(?=^## |\Z)", quizzes, flags=re.M | re.S)
        assert asked, title
        assert asked[1].count("```{quiz}") == 2
        for quiz in re.findall(r"```\{quiz\}[^\n]*\n(.*?)```", asked[1], flags=re.S):
            assert sorted(line[0] for line in quiz.splitlines()) == ["+", "-", "-"]


def test_each_exam_question_has_an_answer_that_students_do_not_see():
    assert exam.faults() == []
    assert len(exam.points(exam.QUESTION, exam.section(GUIDE))) == 20
    answers = exam.ANSWERS.read_text(encoding="utf-8")
    assert not any(line in GUIDE for line in answers.splitlines() if len(line) > 40)
    assert exam.ANSWERS.parent.name in yaml.safe_load((ROOT / "_config.yml").read_text())["exclude_patterns"]
    assert exam.sheet().count("points") >= 20


def test_the_numbers_of_the_exams_answers():
    text = exam.ANSWERS.read_text(encoding="utf-8")
    t, z = 0.25, complex(0.6, 0.5)
    for number in (
        f"{(0.3 * 40) ** 0.5 / 40:.3f}", f"{z.real / abs(z) ** 2:.3f}", f"{3 * t / (1 + 3 * t):.3f}",
        f"{1 * 2 / (0.1 * 0.1**2):.0f}", f"{2.262 * 0.4 / 10**0.5:.3f}",
        f"[{0.3 - 2.262 * 0.4 / 10**0.5:.3f}, {0.3 + 2.262 * 0.4 / 10**0.5:.3f}]",
    ):  # fmt: skip
        assert number in text, number


def wheel(folder, name):
    """A wheel of one module, written by hand."""
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": "said = 'here'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    records = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as zipped:
        for path, text in [*files.items(), (f"{info}/RECORD", records)]:
            zipped.writestr(path, text)


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Options of a kit of two small wheels, a website of one page and two notebooks."""
    for name in ("wheels", "html"):
        (tmp_path / name).mkdir()
    wheel(tmp_path / "wheels", "pnp_course")
    wheel(tmp_path / "wheels", "needed_by_course")
    (tmp_path / "requirements.txt").write_text("needed_by_course==1.0\n")
    (tmp_path / "html" / "index.html").write_text("<h1>The course</h1>")
    made = list(nb.copies())[:2]
    monkeypatch.setattr(nb, "copies", lambda: iter(made))
    return kit.Options(tmp_path / "wheels", site=tmp_path / "html", requirements=tmp_path / "requirements.txt")


def test_a_kit_installs_without_a_network(tiny, tmp_path):
    archive = kit.make(tmp_path / "kit.zip", tiny)
    room = tmp_path / "room"
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(room)
    assert (room / "site" / "index.html").read_text() == "<h1>The course</h1>"
    assert len(list((room / "notebooks").glob("*.ipynb"))) == 2
    listed = (room / "wheels.txt").read_text()
    for path in (room / "wheels").iterdir():
        assert f"{hashlib.sha256(path.read_bytes()).hexdigest()} " in listed
    nowhere = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    nowhere |= {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_CONFIG_FILE": os.devnull}
    done = subprocess.run([sys.executable, "install.py"], cwd=room, env=nowhere, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (python,) = [p for p in room.glob(".venv/*/python*") if p.stem == "python"]
    asks = "import pnp_course, needed_by_course; print(pnp_course.said)"
    found = subprocess.run([python, "-c", asks], cwd=room, env=nowhere, capture_output=True, text=True)
    assert found.stdout == "here\n", found.stderr


def test_a_kit_that_lacks_something_says_so(tiny, tmp_path):
    with pytest.raises(FileNotFoundError, match="run make book first"):
        kit.make(tmp_path / "kit.zip", tiny._replace(site=tmp_path / "none"))
    next(tiny.wheels.glob("pnp_course-*")).unlink()
    with pytest.raises(FileNotFoundError, match="no wheel of pnp_course"):
        kit.make(tmp_path / "kit.zip", tiny)
    assert not (tmp_path / "kit.zip").exists()
    room = tmp_path / "room"
    with zipfile.ZipFile(kit.make(tmp_path / "kit.zip", tiny._replace(wheels=None))) as zipped:
        zipped.extractall(room)
    done = subprocess.run([sys.executable, "install.py"], cwd=room, capture_output=True, text=True)
    assert done.returncode == 1
    assert "this kit was made without them" in done.stderr


def test_words_that_are_no_command_print_the_help(capsys):
    for words in ([], ["kits"], ["kit", "--wheel"], ["student", "x"], ["environments", "--chek"]):
        assert classroom.main(words) == 2
    assert "python tools/classroom.py student" in capsys.readouterr().err
