"""Experiments: configs, rows, and a table that is not made twice."""

import csv
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from pnp_course import images
from pnp_course.denoisers import DRUNet
from pnp_course.experiments import tradeoff
from pnp_course.experiments.table import Table
from pnp_course.training.presets import PRESETS

RESULTS_OF = ("psnr_15", "psnr_25", "psnr_40", "asymmetry", "asymmetry_worst", "lambda_min", "lambda_max", "quarter")
COMMITTED = Path(__file__).parents[1] / "benchmarks" / "results" / "tradeoff.csv"


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A table of its own for the experiment."""
    table = Table(tmp_path / "results" / "tradeoff.csv", tradeoff.RESULTS.keys)
    monkeypatch.setattr(tradeoff, "RESULTS", table)
    return table


def test_the_committed_table_has_every_declared_config(tmp_path, monkeypatch):
    """So the command without a preset trains nothing in a fresh copy; and every row there is of some other config."""
    committed = Table(COMMITTED, tradeoff.RESULTS.keys)
    monkeypatch.setattr(tradeoff, "RESULTS", committed)
    rows = [tradeoff.row(config, tmp_path) for config in tradeoff.CONFIGS]
    assert [float(r["alpha"]) for r in rows[:3]] == [0.01, 0.1, 1.0]
    assert [r["preset"] for r in rows[5:]] == [
        "drunet-14k",
        "coco-0.25-mean",
        "coco-0.25-worst",
        "coco-0.5",
        "coco-0.25-first",
        "coco-0.25-taught",
        "coco-0.25",
    ]
    trials = [tradeoff.row(config, tmp_path) for config in tradeoff.TRIALS.values()]
    minutes = [float(r["minutes"]) for r in trials]
    assert max(minutes) < 1.3 * min(minutes)  # or their figures could not be compared
    warmer = tradeoff.row(tradeoff.WARMER, tmp_path)
    same = set(trials[0]) - {"start", "minutes", *RESULTS_OF}
    assert {key: str(warmer[key]) for key in same} == {key: str(trials[0][key]) for key in same}  # as many steps, too
    rows += [*trials, warmer]
    assert len({tuple(row.values()) for row in rows}) == len(rows)
    other = tradeoff.Config("coco-0.25-mean", (("steps", 200), ("alpha", 0.3)))
    assert committed.find(tradeoff.described(other.settings(tmp_path))) is None


def test_a_config_is_trained_measured_and_kept(table, tmp_path, monkeypatch):
    """Two steps of a tiny network; asked again, the row is read, and the columns are those of the committed file."""
    tiny = replace(PRESETS["tiny-coco"], net={"widths": (4, 4, 4, 4), "blocks": 1})
    monkeypatch.setitem(PRESETS, "tiny-coco", tiny)
    photos = [(images.photo(name, 96)[0] * 255).byte() for name in ("astronaut", "coffee")]
    monkeypatch.setattr(tradeoff, "training_images", lambda in_channels: photos)
    monkeypatch.setattr(tradeoff, "validation_images", lambda in_channels: photos)
    config = tradeoff.Config("tiny-coco", (("steps", 2), ("alpha", 0.5)))
    first = tradeoff.row(config, tmp_path)
    assert (first["steps"], first["alpha"], first["images"]) == (2, 0.5, 2)
    assert first["lambda_min"] < first["lambda_max"]
    monkeypatch.setattr(tradeoff, "network", None)  # a second training would call it
    again = tradeoff.row(config, tmp_path)
    assert again == {key: "" if value is None else str(value) for key, value in first.items()}
    with COMMITTED.open() as file:
        assert list(again) == next(csv.reader(file))


def test_a_finished_training_says_its_own_settings(tmp_path):
    config = tradeoff.Config("coco-0.25", finished=True)
    said = config.settings(tmp_path)
    assert asdict(said)["penalty"]["method"] == "lanczos"
    torch.manual_seed(0)
    net = DRUNet(3, (4, 4, 4, 4), 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tradeoff, "load_denoiser", lambda name, folder: net)
        found, minutes = tradeoff.network(config, said, tmp_path)
    assert found is net
    assert minutes > 0


def test_a_table_is_whole_and_keeps_its_columns(tmp_path):
    table = Table(tmp_path / "new" / "t.csv", ("a", "b"))
    assert table.find({"a": 1, "b": None}) is None
    for value in (0.25, 0.5):
        table.add({"a": 1, "b": None, "value": value})
    table.add({"a": 1, "b": "x, y", "value": 7})
    assert table.find({"a": 1, "b": None})["value"] == "0.5"
    assert table.find({"a": 1, "b": "x, y"})["value"] == "7"
    assert [row["value"] for row in table.rows()] == ["0.25", "0.5", "7"]
    with pytest.raises(ValueError, match="has the columns a, b, value; this row has a, c"):
        table.add({"a": 1, "c": 2})
    assert [p.name for p in table.path.parent.iterdir()] == ["t.csv"]
