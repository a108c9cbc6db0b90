"""Checkpoint and log on the disk: versions, damage, and a disk that is full."""

import csv
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from tiny_training import TINY, go

import pnp_course.training.loop as loop
from pnp_course.training.losses import Penalty
from pnp_course.training.presets import preset_from

SMALL = replace(TINY, steps=6, penalty=None)


def test_checkpoints_have_a_version(tmp_path):
    """A newer one is refused; one from before there were versions goes on to the same end (without penalties)."""
    go(tmp_path / "whole", SMALL)
    go(tmp_path / "old", SMALL, minutes=0)
    path = tmp_path / "old" / "checkpoint.pt"
    state = torch.load(path, weights_only=True)
    torch.save({"version": state["version"] + 1, "all else": "may be new"}, path)
    with pytest.raises(ValueError, match=rf"version {state['version'] + 1}, and this program reads versions 1 to"):
        go(tmp_path / "old", SMALL)
    old = {key: state[key] for key in ("step", "seconds", "net", "average", "optimizer", "generators")}
    for moments in old["optimizer"].values():
        for group in moments["param_groups"]:
            del group["initial_lr"]
            group["lr"] = 0.5  # that of the last step: the next one has its own
    torch.save(old | {"preset": repr(SMALL)}, path)
    with pytest.raises(ValueError, match="checkpoint of other settings"):
        go(tmp_path / "old", replace(SMALL, seed=1))
    go(tmp_path / "old", SMALL)
    ends = [torch.load(tmp_path / name / "checkpoint.pt", weights_only=True) for name in ("old", "whole")]
    for key, value in ends[1]["average"].items():
        assert torch.equal(value, ends[0]["average"][key]), key


def test_settings_come_back_from_a_checkpoint_and_a_card():
    preset = replace(SMALL, penalty=Penalty(slack=0.4))
    assert preset_from(asdict(preset)) == preset
    said = asdict(replace(SMALL, seed=3)) | {"steps_done": 6}
    del said["validate_every"]  # a file older than this setting has its default
    assert preset_from(said) == replace(SMALL, seed=3)


def test_a_damaged_log_does_not_block_a_good_checkpoint(tmp_path):
    """A machine that went down left zeros, and a line without its end."""
    preset = replace(SMALL, steps=60)
    go(tmp_path / "whole", preset)
    good = (tmp_path / "whole" / "log.csv").read_bytes()
    lines = good.splitlines(keepends=True)
    assert len(lines) == 4
    damages = {
        lines[0] + lines[1] + b"\0" * 300_000: [19], b"\0" * len(good): [], lines[0] + lines[1] + lines[2][:-4]: [19],
        lines[0] + lines[1][:5] + b"\0" * 9 + lines[2]: [39], b"\xff\xfe" + good[3:]: [19, 39, 59],
        lines[0] + lines[1] + b"39,nonsense\r\n" + lines[3]: [19, 59],
    }  # fmt: skip
    for damaged, kept in damages.items():
        (tmp_path / "whole" / "log.csv").write_bytes(damaged)
        with pytest.warns(UserWarning, match=r"1 unreadable line\(s\) of this log are left out"):
            go(tmp_path / "whole", preset)
        rows = list(csv.DictReader((tmp_path / "whole" / "log.csv").open()))
        # the checkpoint remembers the last row, so that one comes back
        assert [int(row["step"]) for row in rows] == ([*kept, 59] if 59 not in kept else kept)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_a_log_on_a_full_disk(tmp_path, monkeypatch):
    preset = replace(SMALL, steps=20)
    go(tmp_path, preset, minutes=0)
    good = (tmp_path / "checkpoint.pt").read_bytes()

    class Full(loop.Log):
        def __init__(self, path, step):
            super().__init__(path, step)
            self.path = Path("/dev/full")

    monkeypatch.setattr(loop, "Log", Full)
    with pytest.raises(OSError, match=r"the log /dev/full cannot be written .*No space.* the last checkpoint is kept"):
        go(tmp_path, preset, save_every=1e9)
    assert (tmp_path / "checkpoint.pt").read_bytes() == good
