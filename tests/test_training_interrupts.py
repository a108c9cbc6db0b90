"""Whatever breaks a training off, and wherever: what is on the disk is a complete step, and the run goes on to the bit."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_training
import torch
from tiny_training import TINY, go, same, saved

import pnp_course.training.loop as loop
from pnp_course.training import guards
from pnp_course.training.checkpoint import save_atomically

FOLDER = str(Path(loop.__file__).parent)
SHORT = replace(TINY, steps=2)


class Broken(Exception):
    """No error that the loop knows of."""


@pytest.fixture(autouse=True)
def ctrl_c_interrupts():
    """Also where the tests run in the background, and ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def each_step_logged(monkeypatch):
    monkeypatch.setattr(loop, "LOG_EVERY", 1)


def traced(seen, folder):
    """Train with `seen(file, line)` called at every line of the training that is executed, from the first step on."""

    def trace(frame, event, arg):
        name = frame.f_code.co_filename
        if not name.startswith(FOLDER) or name == guards.__file__:
            return None
        if event == "line":
            seen(Path(name).name, frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        go(folder, SHORT, save_every=0.0)
    finally:
        sys.settrace(before)


@pytest.mark.parametrize(("error", "every"), [(KeyboardInterrupt, 1), (Broken, 4)])
def test_broken_off_at_any_line(error, every, each_step_logged, tmp_path, monkeypatch):
    """At each line of the loop in turn: the checkpoint is that of a complete step, and the rest is as if unbroken."""
    states, places, plain = {}, [], loop.Training.train_step

    def recorded(self):
        plain(self)
        save_atomically(self.state(), tmp_path / "now")
        states[self.step] = torch.load(tmp_path / "now")

    with monkeypatch.context() as patch:
        patch.setattr(loop.Training, "train_step", recorded)
        states[0] = saved(go(tmp_path / "start", SHORT, minutes=0) and tmp_path / "start")
        go(tmp_path / "whole", SHORT)
    for state in states.values():
        state.pop("seconds", None)
    traced(lambda *place: places.append(place), tmp_path / "counted")
    lines = sorted(set(places))[::every]
    assert len(lines) > 100 / every
    for number, place in enumerate(lines):
        times, folder = iter(range(places.count(place))), tmp_path / str(number)
        chosen = number % places.count(place)  # in the first step or the second, or about a checkpoint

        def hit(*here, place=place, times=times, chosen=chosen):
            if here == place and next(times) == chosen:
                raise error

        with pytest.raises(error):
            traced(hit, folder)
        kept = saved(folder)["step"] if (folder / "checkpoint.pt").exists() else None
        assert kept is None or same(saved(folder), states[kept]), place
        assert not list(folder.glob("checkpoint.pt.part")), place
        go(folder, SHORT)
        assert same(saved(folder), states[SHORT.steps]), place
        assert (folder / "log.csv").read_bytes() == (tmp_path / "whole" / "log.csv").read_bytes(), place
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_twenty_kills_and_interrupts_at_random_moments(tmp_path):
    """Ten times SIGKILL and ten times SIGINT: checkpoint and log are those of a run that was left alone, to the bit."""
    said = subprocess.run(
        [sys.executable, tiny_training.__file__, str(tmp_path), "0"], check=True, timeout=600, capture_output=True,
    )  # fmt: skip
    found = json.loads(said.stdout)
    assert found["hits"] == {"SIGKILL": 10, "SIGINT": 10}
    assert set(found["codes"]) == {0}
    assert found["step"] == TINY.steps
    assert found["other"] == []


def test_ctrl_c_waits_for_the_end_of_the_step_and_a_second_one_does_not(tmp_path, monkeypatch):
    plain = loop.Training.train_step

    def pressed(self, times):
        for _ in range(times if self.step == 2 else 0):
            os.kill(os.getpid(), signal.SIGINT)
        plain(self)

    for times, steps in ((1, 3), (2, 2)):  # step 2 is complete, or has not happened
        with monkeypatch.context() as patch:
            patch.setattr(loop.Training, "train_step", lambda self, times=times: pressed(self, times))
            with pytest.raises(KeyboardInterrupt):
                go(tmp_path / str(times))
        assert saved(tmp_path / str(times))["step"] == steps
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_ignored_ctrl_c_stays_ignored():
    """A shell starts its background jobs so."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with guards.held_interrupt():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_process_is_as_before_after_a_run(tmp_path, monkeypatch):
    """Random numbers, denormals, handler of Ctrl-C: after a run that ended well, and after one that did not."""
    tiny = torch.full((1,), 2.0**-126)
    torch.manual_seed(5)
    drawn = torch.rand(3)
    torch.manual_seed(5)
    assert tiny.mul(0.5).any()
    go(tmp_path, replace(TINY, steps=2))
    monkeypatch.setitem(loop.FITS, "l1", lambda a, b: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        go(tmp_path / "broken")
    assert tiny.mul(0.5).any()
    assert torch.equal(torch.rand(3), drawn)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    try:
        torch.set_flush_denormal(True)
        with guards.flushed_denormals():
            pass
        assert guards.denormals_are_flushed()
    finally:
        torch.set_flush_denormal(False)
    before = torch.get_num_threads()
    with guards.threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("error", [RuntimeError, MemoryError, OSError, Broken, SystemExit])
def test_an_error_of_any_kind_leaves_the_last_checkpoint(error, tmp_path, monkeypatch):
    go(tmp_path, minutes=0)
    good, plain = (tmp_path / "checkpoint.pt").read_bytes(), loop.Training.train_step

    def failing(self):
        if self.step == 2:
            raise error("of a kind")
        plain(self)

    monkeypatch.setattr(loop.Training, "train_step", failing)
    with pytest.raises(error, match="of a kind"):
        go(tmp_path, save_every=1e9)
    assert (tmp_path / "checkpoint.pt").read_bytes() == good


def test_gradients_that_blow_up_keep_the_last_checkpoint(tmp_path, monkeypatch):
    """A loss can be finite where its gradient is not: the root of zero."""
    go(tmp_path, minutes=0)
    good = (tmp_path / "checkpoint.pt").read_bytes()
    monkeypatch.setitem(loop.FITS, "l1", lambda a, b: (a - a).sum().sqrt())
    with pytest.raises(ValueError, match="the norm of the gradient is nan at step 0: lower the learning rate"):
        go(tmp_path)
    assert (tmp_path / "checkpoint.pt").read_bytes() == good


def test_a_second_training_in_one_folder_is_refused(tmp_path, monkeypatch):
    """Their logs and checkpoints would mix. Afterwards, or when the first was killed, the folder is free."""
    plain, said = loop.Training.train_step, []

    def meanwhile(self):
        with pytest.raises(
            ValueError, match=r"another training is going on in .*; wanted a folder of its own"
        ) as error:
            go(tmp_path, SHORT)
        said.append(error)
        plain(self)

    monkeypatch.setattr(loop.Training, "train_step", meanwhile)
    first = go(tmp_path, SHORT)
    assert (first.step, len(said)) == (2, 2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint.pt", "log.csv"]
    monkeypatch.setattr(loop.Training, "train_step", plain)
    (tmp_path / ".training.lock").touch()  # what a killed training leaves
    assert go(tmp_path, SHORT).step == 2
