"""Checkpoint and log on the disk: versions, damage, and a disk that is full."""

import csv
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from tiny_training import PICTURES, TINY, Three, go

import pnp_course.training.loop as loop
from pnp_course.training import checkpoint
from pnp_course.training.guards import flushed_denormals
from pnp_course.training.log import Log
from pnp_course.training.loop import Training
from pnp_course.training.losses import Penalty
from pnp_course.training.presets import preset_from

SMALL = replace(TINY, steps=6, penalty=None)


def after_two_steps(path, preset):
    """The checkpoint of a training that was stopped after two steps: moments, sums and random numbers have moved."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        training = Training(Three(), preset, PICTURES, torch.device("cpu"))
    with flushed_denormals():
        for _ in range(2):
            training.train_step()
    assert training.sums
    path.parent.mkdir()
    Log(path.parent / "log.csv", 0).append(training.row)
    checkpoint.save_atomically(training.state(), path)


def as_version_1(state):
    """As it was when one generator served all, and the settings were a text."""
    old = {key: state[key] for key in ("step", "seconds", "net", "average", "optimizer")}
    for moments in old["optimizer"].values():
        for group in moments["param_groups"]:
            del group["initial_lr"]
            group["lr"] = 0.5  # that of the last step: the next one has its own
    return old | {"preset": repr(preset_from(state["preset"])), "generators": state["generators"][0][None]}


def as_version_2(state):
    """As it was when there could be several devices: here two, of which the second has other random numbers."""
    both = [torch.stack((kept, torch.Generator().manual_seed(7).get_state())) for kept in state["generators"]]
    old = {key: value for key, value in state.items() if key not in ("sums", "device")}
    means = {name: float(total) / number for name, (total, number) in state["sums"].items()}
    row = {"step": state["step"] - 1, "lr": 0.1, **means} if means else {}
    return old | {"version": 2, "row": row, "generators": both[0], "penalty_generators": both[1]}


@pytest.mark.parametrize(("rewritten", "penalty"), [
    (as_version_1, None), (as_version_2, None), (as_version_2, Penalty(images=1, iterations=1)),
])  # fmt: skip
def test_checkpoints_have_a_version(rewritten, penalty, tmp_path):
    """A newer one is refused; older ones go on to the same end (the first version only without penalties)."""
    preset = replace(SMALL, penalty=penalty)
    go(tmp_path / "whole", preset)
    path = tmp_path / "old" / "checkpoint.pt"
    after_two_steps(path, preset)
    state = torch.load(path, weights_only=True)
    torch.save({"version": state["version"] + 1, "all else": "may be new"}, path)
    with pytest.raises(ValueError, match=rf"version {state['version'] + 1}, and this program reads versions 1 to"):
        go(tmp_path / "old", preset)
    torch.save(rewritten(state), path)
    with pytest.raises(ValueError, match="checkpoint of other settings"):
        go(tmp_path / "old", replace(preset, seed=1))
    go(tmp_path / "old", preset)
    ends = [torch.load(tmp_path / name / "checkpoint.pt", weights_only=True) for name in ("old", "whole")]
    for key, value in ends[1]["average"].items():
        assert torch.equal(value, ends[0]["average"][key]), key


def test_a_checkpoint_of_another_kind_of_device_goes_on_with_new_random_numbers(tmp_path):
    go(tmp_path, SMALL, minutes=0)
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    torch.save(
        state | {"device": "cuda", "generators": [torch.zeros(16, dtype=torch.uint8)] * 2, "step": 2},
        tmp_path / "checkpoint.pt",
    )
    run = go(tmp_path, replace(SMALL), minutes=0)
    assert run.step == 2
    fresh = torch.Generator().manual_seed(SMALL.seed)
    assert not torch.equal(torch.rand(8, generator=run.generator), torch.rand(8, generator=fresh))


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
