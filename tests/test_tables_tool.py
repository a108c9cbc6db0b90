"""tools/tables.py: committed tables are made again and put in their places, whole or not at all."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
import tables


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A copy of one small table with its parameters, in a project of its own, and a `reproduce` that only notes its words."""
    results, choices = tmp_path / "benchmarks" / "results", tmp_path / "choices"
    results.mkdir(parents=True), choices.mkdir()
    for file in ("deblurring-course.csv", "deblurring-course.md", "deblurring-course-progress.csv"):
        shutil.copy(tables.RESULTS / file, results)
    shutil.copy(tables.CHOICES / "deblurring-course.json", choices)
    for name, value in {"ROOT": tmp_path, "RESULTS": results, "CHOICES": choices}.items():
        monkeypatch.setattr(tables, name, value)
    said = []

    def reproduce(words, **_):
        said.append(words[3:])
        folder = tmp_path / "results" / "deblurring-course"
        folder.mkdir(parents=True, exist_ok=True)
        if "--tune" in words:
            (folder / "choices.json").write_text("chosen")
            (folder / "tuning.csv").write_text("not committed before")
        elif failing:
            return subprocess.CompletedProcess(words, 2)
        else:
            for kind in tables.KINDS:
                (folder / f"deblurring-course{kind}").write_text("new")
        return subprocess.CompletedProcess(words, 0)

    failing = []
    monkeypatch.setattr(subprocess, "run", reproduce)
    return said, failing, results, choices


def test_a_table_is_tuned_computed_and_placed(places, monkeypatch, capsys):
    said, _, results, choices = places
    monkeypatch.setattr("sys.argv", ["tables.py", "--jobs", "3"])
    tables.main()
    assert [words[-2:] for words in said] == [["3", "--tune"], ["--jobs", "3"]]
    assert {path.name: path.read_text() for path in results.iterdir()} == {
        f"deblurring-course{kind}": "new" for kind in (".csv", ".md", "-progress.csv")
    }
    assert (choices / "deblurring-course.json").read_text() == "chosen"
    assert capsys.readouterr().out == "tables: deblurring-course\n"


def test_a_failure_leaves_the_table(places, monkeypatch):
    said, failing, results, choices = places
    before = {path: path.read_bytes() for path in [*results.iterdir(), *choices.iterdir()]}
    failing.append(True)
    monkeypatch.setattr("sys.argv", ["tables.py"])
    with pytest.raises(SystemExit, match=r"deblurring-course is as it was, since .* failed"):
        tables.main()
    assert {path: path.read_bytes() for path in [*results.iterdir(), *choices.iterdir()]} == before
    failing.clear()
    tables.main()
    assert sum("--tune" in words for words in said) == 1  # the parameters of the first attempt are there


def test_an_unknown_table(monkeypatch):
    monkeypatch.setattr("sys.argv", ["tables.py", "deblurring-huge"])
    with pytest.raises(SystemExit, match=r"no table 'deblurring-huge'; wanted some of .*deblurring-course"):
        tables.main()


def test_every_committed_table_can_be_made():
    """Its name is an experiment at a scale that is declared."""
    from pnp_course.experiments import experiment_named

    for table in tables.committed():
        name, _, scale = table.rpartition("-")
        assert scale in experiment_named(name).cases
    assert "deconvolution-course" in tables.committed()
