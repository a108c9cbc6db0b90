"""tools/tables.py: what is stale of committed tables is made again and put in its place, whole or not at all."""

import json
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
import tables

from pnp_course.experiments import renew

NAME = "deblurring-course"


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A copy of one table with its parameters, in a project of its own, and a `renew` that only notes what it is asked."""
    results, choices = tmp_path / "benchmarks" / "results", tmp_path / "choices"
    results.mkdir(parents=True), choices.mkdir()
    for kind in (".csv", ".md", "-progress.csv"):
        shutil.copy(tables.RESULTS / f"{NAME}{kind}", results)
    for scale in tables.SCALES:
        shutil.copy(tables.CHOICES / f"deblurring-{scale}.json", choices)
    for name, value in {"ROOT": tmp_path, "RESULTS": results, "CHOICES": choices}.items():
        monkeypatch.setattr(tables, name, value)
    said, failing = [], []

    def noted(experiment, scale, methods, from_results, folder, processes):
        said.append((experiment.name, scale, methods, processes))
        if failing:
            raise OSError("the disk is full")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "choices.json").write_text(json.dumps({"scale": scale, "choices": "chosen"}))
        (folder / "tuning.csv").write_text("not committed before")
        for kind in tables.KINDS:
            (folder / f"{NAME}{kind}").write_text("new")
        return ["nu 7.65: DPIR, strength 4"]

    monkeypatch.setattr(renew, "renew", noted)
    return said, failing, results, choices


def call(monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["tables.py", *words])
    tables.main()


def test_nothing_is_stale(places, monkeypatch, capsys):
    call(monkeypatch)
    assert places[0] == []
    assert capsys.readouterr().out == f"tables: {NAME}: as it is\n"


def test_what_is_stale_is_computed_and_placed(places, monkeypatch, capsys):
    said, _, results, choices = places
    table = results / f"{NAME}.csv"
    table.write_text(table.read_text().replace(" ffdnet ", " ffdnet 0123456789ab, another "))
    sha = renew.read(results, NAME).weights
    assert sha.pop("ffdnet") == "0123456789ab"
    table.write_text(table.read_text().replace(sha["another"], "ba9876543210"))
    call(monkeypatch, "--jobs", "3", "--methods", "RED, GS-PnP")
    methods = ["DPIR with FFDNet", "RED", "GS-PnP"]
    assert said == [("deblurring", "course", methods, 3)]
    assert {path.name: path.read_text() for path in results.iterdir()} == {
        f"{NAME}{kind}": "new" for kind in (".csv", ".md", "-progress.csv")
    }
    for scale in tables.SCALES:
        assert json.loads((choices / f"deblurring-{scale}.json").read_text()) == {"scale": scale, "choices": "chosen"}
    shown = capsys.readouterr().out
    assert f"{NAME}: at the end of its grid: nu 7.65: DPIR, strength 4\n" in shown
    assert f"tables: {NAME}: DPIR with FFDNet, RED, GS-PnP\n" in shown


def test_a_failure_leaves_the_table(places, monkeypatch):
    said, failing, results, choices = places
    before = {path: path.read_bytes() for path in [*results.iterdir(), *choices.iterdir()]}
    failing.append(True)
    with pytest.raises(OSError, match="disk is full"):
        call(monkeypatch, "--all")
    assert len(said[0][2]) == 10
    assert {path: path.read_bytes() for path in [*results.iterdir(), *choices.iterdir()]} == before


def test_an_unknown_table(monkeypatch):
    with pytest.raises(SystemExit, match=r"no table 'deblurring-huge'; wanted some of .*deblurring-course"):
        call(monkeypatch, "deblurring-huge")


def test_every_committed_table_can_be_made():
    """Its name is an experiment at a scale that is declared."""
    from pnp_course.experiments import experiment_named

    for table in tables.committed():
        name, _, scale = table.rpartition("-")
        assert scale in experiment_named(name).cases
    assert "deconvolution-course" in tables.committed()
