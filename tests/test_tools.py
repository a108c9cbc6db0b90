"""The notebook tool finds what it must find; requirements and workflows agree."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import nb  # noqa: E402

SOURCE = """# %% [markdown]
# # Title
#
# > **Time.** 0 minutes.

# %%
print(1 + 1)

# %% mystnb={"image": {"alt": "a line"}}
import matplotlib.pyplot as plt
plt.plot([1, 2]);

# %% tags=["solution"]
x = 3
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A small notebook, built once."""
    root = tmp_path_factory.mktemp("project")
    (root / "notebooks" / "src").mkdir(parents=True)
    (root / "notebooks" / "src" / "01_small.py").write_text(SOURCE)
    (root / "intro.md").write_text("| [01 Small](../notebooks/01_small.ipynb) | 0 | 0 | |\n")
    with pytest.MonkeyPatch.context() as patch:
        place(patch, root)
        assert nb.main(["build"]) == 0
    return root


def place(patch, root):
    patch.setattr(nb, "ROOT", root)
    patch.setattr(nb, "NOTEBOOKS", root / "notebooks")
    patch.setattr(nb, "SOURCES", root / "notebooks" / "src")
    patch.setattr(nb, "PLAN", root / "intro.md")


@pytest.fixture
def copy(project, tmp_path, monkeypatch):
    shutil.copytree(project, tmp_path / "p")
    place(monkeypatch, tmp_path / "p")
    return tmp_path / "p"


def test_a_good_notebook_passes(copy, capsys):
    assert nb.main(["check"]) == 0
    assert "1 notebook(s) in order" in capsys.readouterr().out


def test_building_again_gives_the_same_bytes(copy):
    target = copy / "notebooks" / "01_small.ipynb"
    before = target.read_bytes()
    assert nb.main(["build", "01_small"]) == 0
    assert target.read_bytes() == before


def spoil(copy, change):
    path = copy / "notebooks" / "01_small.ipynb"
    notebook = nbformat.read(path, as_version=4)
    change(notebook, [c for c in notebook.cells if c.cell_type == "code"])
    nbformat.write(notebook, path)


def stream(name, text):
    return nbformat.v4.new_output("stream", name=name, text=text)


FAULTS = {
    "differs from its source": lambda n, c: c[0].update(source="print(3)"),
    "not executed top to bottom": lambda n, c: c[1].update(execution_count=7),
    "wrote to stderr": lambda n, c: c[0].outputs.append(stream("stderr", "warning")),
    "absolute path": lambda n, c: c[0].outputs.append(stream("stdout", "saved in /home/someone/x.png")),
    "ended with ValueError": lambda n, c: c[0].outputs.append(
        nbformat.v4.new_output("error", ename="ValueError", evalue="", traceback=[])
    ),
    "without alt text": lambda n, c: c[1].metadata.pop("mystnb"),
    "other code than the source's": lambda n, c: n.metadata.update(executed_code_sha256="0"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found(copy, capsys, fault):
    spoil(copy, FAULTS[fault])
    assert nb.main(["check"]) == 1
    assert fault in capsys.readouterr().out


def test_edited_source_dead_link_long_cell_and_orphan_are_found(copy, capsys):
    source = copy / "notebooks" / "src" / "01_small.py"
    source.write_text(
        source.read_text().replace("# # Title", "# # Title [x](../book/none.md)").replace("x = 3", "x = 3\n" * 30)
    )
    (copy / "notebooks" / "02_orphan.ipynb").write_text("{}")
    assert nb.main(["check"]) == 1
    out = capsys.readouterr().out
    assert "differs from its source" in out
    assert "02_orphan: has no source" in out
    nb.main(["build"])
    assert nb.main(["check"]) == 1
    out = capsys.readouterr().out
    assert "links to ../book/none.md" in out
    assert "more than 25 lines" in out


def test_failing_notebook_is_not_written(copy):
    from nbclient.exceptions import CellExecutionError

    target = copy / "notebooks" / "01_small.ipynb"
    before = target.read_bytes()
    source = copy / "notebooks" / "src" / "01_small.py"
    source.write_text(SOURCE.replace("1 + 1", "1 / 0"))
    with pytest.raises(CellExecutionError):
        nb.main(["build"])
    assert target.read_bytes() == before


def test_a_notebook_is_executed_with_one_thread(copy, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    source = copy / "notebooks" / "src" / "03_threads.py"
    source.write_text("# %%\nimport torch\nprint(torch.get_num_threads())\n")
    assert nb.main(["build", "03_threads"]) == 0
    notebook = nbformat.read(copy / "notebooks" / "03_threads.ipynb", as_version=4)
    assert notebook.cells[0].outputs[0].text == "1\n"


def test_changed_text_is_put_into_the_notebook_and_changed_code_is_not(copy, capsys):
    source, target = copy / "notebooks" / "src" / "01_small.py", copy / "notebooks" / "01_small.ipynb"
    source.write_text(SOURCE.replace("# # Title", "# # Another title"))
    before = nbformat.read(target, as_version=4)
    assert nb.main(["text"]) == 0
    after = nbformat.read(target, as_version=4)
    assert after.cells[0].source.startswith("# Another title")
    assert [c.get("outputs") for c in after.cells] == [c.get("outputs") for c in before.cells]
    assert nb.main(["check"]) == 0
    source.write_text(SOURCE.replace("1 + 1", "1 + 2"))
    assert nb.main(["text", "01_small"]) == 1
    assert "the code of 01_small has changed" in capsys.readouterr().err
    assert nbformat.read(target, as_version=4) == after


def test_minutes_are_checked_and_written(copy, capsys):
    source = copy / "notebooks" / "src" / "01_small.py"
    source.write_text(SOURCE.replace("# # Title", "# # Title" + " word" * 1500))
    assert nb.main(["text"]) == 0
    assert nb.main(["check"]) == 1
    said = capsys.readouterr().out
    assert "its head says '**Time.** 0 minutes'; computed are 15 and 15" in said
    assert "intro.md states 0 and 0 minutes" in said
    assert nb.main(["minutes", "--write"]) == 0
    assert nb.main(["check"]) == 0
    head = nbformat.read(copy / "notebooks" / "01_small.ipynb", as_version=4).cells[0].source
    assert head.endswith("> **Time.** 15 minutes.")
    assert nb.main(["minutes"]) == 0
    assert "over 90" not in capsys.readouterr().out


FOLDED = (
    SOURCE
    + """
# %% [markdown]
# **Exercise 1.** Add.
#
# <details>
# <summary>Solution</summary>
#
# Two.
#
# </details>
"""
)


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ("title: t", "the website"),
        ("repository:\n  url: ''", "the website"),
        ("repository:\n  url: https://github.com/Some-One/course", "https://some-one.github.io/course/notebooks"),
        ("repository:\n  url: https://example.org/x\nhtml:\n  baseurl: https://c.org/b/", "https://c.org/b/notebooks"),
    ],
)
def test_student_version_has_no_solutions_and_no_outputs(copy, settings, where):
    (copy / "notebooks" / "src" / "01_small.py").write_text(FOLDED)
    (copy / "_config.yml").write_text(settings)
    assert nb.main(["student"]) == 0
    with zipfile.ZipFile(copy / "_build" / "student" / nb.STUDENT_ZIP) as zipped:
        notebook = nbformat.reads(zipped.read("01_small.ipynb").decode(), as_version=4)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert [c.source for c in code][-1].startswith("import matplotlib")
    assert not any(c.outputs for c in code)
    text = notebook.cells[-1].source
    assert "Two." not in text
    page = f"[the website]({where}/01_small.html#title)" if "//" in where else where
    assert text.endswith(f"*(solution: on {page})*")


def test_a_readers_copy_is_made_once_and_never_overwritten(copy):
    assert nb.main(["work"]) == 0
    mine = copy / nb.WORK / "01_small.ipynb"
    assert len(nbformat.read(mine, as_version=4).cells) == 3
    mine.write_text("my work")
    assert nb.main(["work"]) == 0
    assert mine.read_text() == "my work"
    assert [path.name for path in mine.parent.iterdir()] == ["01_small.ipynb"]


def test_every_notebook_of_the_course_is_in_order():
    done = subprocess.run([sys.executable, "tools/nb.py", "check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


REPORT = """<?xml version="1.0"?><testsuites><testsuite>
<testcase classname="notebooks.01_small.ipynb" name="Cell 0" time="2.5"/>
<testcase classname="notebooks.02_other.ipynb" name="Cell 0" time="29.0"/>
<testcase classname="notebooks.01_small.ipynb" name="Cell 1" time="{}"/>
</testsuite></testsuites>"""


def test_seconds_of_each_notebook_and_of_its_slowest_cell(copy, capsys):
    assert nb.main(["time"]) == 2
    assert "run make test first" in capsys.readouterr().err
    (copy / "_build").mkdir()
    (copy / nb.REPORT).write_text(REPORT.format("11.0"))
    assert nb.main(["time"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["01_small: 14 s in 2 cells, 11 s in Cell 1", "02_other: 29 s in 1 cells, 29 s in Cell 0"]
    assert nb.main(["time", "--write"]) == 0
    assert json.loads((copy / "notebooks" / "seconds.json").read_text()) == {"01_small": 14, "02_other": 29}
    capsys.readouterr()
    (copy / nb.REPORT).write_text(REPORT.format("30.5"))
    assert nb.main(["time"]) == 1
    assert capsys.readouterr().out.splitlines()[0].endswith("over 90 s, or 30 s in a cell")


def test_requirements_are_pinned_and_satisfy_the_lower_bounds():
    from packaging.requirements import Requirement

    pins = {}
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            (spec,) = Requirement(line).specifier
            assert spec.operator == "==", line
            pins[Requirement(line).name.lower()] = spec.version
    assert pins["torch"] == "2.13.0"
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    wanted = project["dependencies"] + [r for k, v in optional.items() if k != "all" for r in v]
    for text in wanted:
        requirement = Requirement(text)
        assert requirement.name.lower() in pins, text
        assert pins[requirement.name.lower()] in requirement.specifier, text
        assert all(s.operator in (">=", "<") for s in requirement.specifier), text


@pytest.mark.parametrize("path", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda p: p.name)
def test_workflows_can_be_read_and_each_job_has_steps(path):
    import yaml

    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    assert jobs
    for job in jobs.values():
        assert all("uses" in step or "run" in step for step in job["steps"])
