"""A committed table of which some methods are computed anew: their lines change, the others stay, and nothing else is lost."""

import sys
from dataclasses import replace
from pathlib import Path

import pandas
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
import tables

from pnp_course.experiments import experiment_named, renew, reproduce, tuning
from pnp_course.experiments.try_out import EXPERIMENT as TRY_OUT

TIMES = ["seconds"]


@pytest.fixture
def table(tmp_path, monkeypatch):
    """The small table of `try-out`, tuned, made whole, and committed in a folder."""
    monkeypatch.setattr(tuning, "SHIPPED", tmp_path / "choices")
    made, results = tmp_path / "made", tmp_path / "committed"
    reproduce.tune(TRY_OUT, "course", made)
    reproduce.reproduce(TRY_OUT, "course", made)
    for folder in (tmp_path / "choices", results):
        folder.mkdir()
    (tmp_path / "choices" / "try-out-course.json").write_text((made / "choices.json").read_text())
    for file in made.glob("try-out-course*"):
        (results / file.name).write_text(file.read_text())
    (results / "try-out-course-curves.csv").write_text((made / "curves.csv").read_text())
    (results / "try-out-tuning.csv").write_text((made / "tuning.csv").read_text())
    return results


def lines(folder, kind=""):
    frame = pandas.read_csv(folder / f"try-out-course{kind}.csv", comment="#")
    return frame.drop(columns=[name for name in TIMES if name in frame])


def test_what_is_not_named_is_kept_and_the_whole_is_what_it_was(table, tmp_path):
    """One method of the table is computed again with the same weights: all files say the same."""
    again = tmp_path / "again"
    renew.renew(TRY_OUT, "course", ["CoCo-ADMM"], table, again)
    for kind in ("", "-progress", "-curves"):
        pandas.testing.assert_frame_equal(lines(again, kind), lines(table, kind), check_exact=False, atol=2e-3)
    tuned = [pandas.read_csv(f).sort_values(["method", "parameters"], ignore_index=True)
             for f in (again / "tuning.csv", table / "try-out-tuning.csv")]  # fmt: skip
    pandas.testing.assert_frame_equal(*tuned)
    old, new = ((f / "try-out-course.md").read_text().splitlines() for f in (table, again))
    cells = [[line.split(" | ")[:4] for line in text if line.startswith("|")] for text in (old, new)]
    assert cells[0] == cells[1]
    assert new[: len(old)][-3:] == old[-3:]
    assert new[len(old) :] == ["", f"Computed last: CoCo-ADMM. {renew.KEPT}"]
    kept = pandas.read_csv(table / "try-out-course.csv", comment="#")
    kept.loc[kept["method"] != "CoCo-ADMM", "psnr"] = 99.0  # such a line can only come from the committed file
    head = (table / "try-out-course.csv").read_text().splitlines()[:3]
    (table / "try-out-course.csv").write_text("\n".join(head) + "\n" + kept.to_csv(index=False))
    renew.renew(TRY_OUT, "course", ["CoCo-ADMM"], table, again)
    found = pandas.read_csv(again / "try-out-course.csv", comment="#")
    assert (found.loc[found["method"] != "CoCo-ADMM", "psnr"] == 99.0).all()
    assert (found.loc[found["method"] == "CoCo-ADMM", "psnr"] < 50).all()


def test_stale_lines_are_not_kept(table, tmp_path):
    """Another denoiser, or a chosen parameter that is no longer in the grid, and the method has to be named."""
    choices = tuning.read_choices(TRY_OUT, "course", tuning.SHIPPED)
    old, way = renew.read(table, "try-out-course"), TRY_OUT.methods["CoCo-ADMM"]
    assert renew.stale(TRY_OUT, "course", old, choices) == []
    assert old.weights.keys() == {m.denoisers["course"] for m in TRY_OUT.methods.values() if m.denoisers}
    for other in (replace(way, denoisers={"course": "rmmo"}), replace(way, grid={"sigma": (0.3,), "lam": (7.0,)})):
        changed = replace(TRY_OUT, methods={**TRY_OUT.methods, "CoCo-ADMM": other})
        assert renew.stale(changed, "course", old, choices) == ["CoCo-ADMM"]
        kept = [name for name in TRY_OUT.methods if name != "CoCo-ADMM"][:1]
        with pytest.raises(ValueError, match="try-out-course has lines that cannot be kept, of CoCo-ADMM: name"):
            renew.renew(changed, "course", kept, table, tmp_path / "never")
    assert not (tmp_path / "never").exists()


def test_every_committed_table_was_made_with_the_shipped_weights_and_the_declared_grids():
    for table in tables.committed():
        name, _, scale = table.rpartition("-")
        experiment = experiment_named(name)
        choices = tuning.read_choices(experiment, scale, tuning.SHIPPED)
        assert renew.stale(experiment, scale, renew.read(tables.RESULTS, table), choices) == [], table
