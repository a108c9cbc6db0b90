"""Training on two devices, here two CPU processes: one network, and none waits for ever for the other."""

import subprocess
import sys

import pytest
import torch

from pnp_course.denoisers import DRUNet
from pnp_course.training.loop import train
from pnp_course.training.losses import Penalty
from pnp_course.training.presets import Preset

NET = {"widths": (4, 4, 4, 4), "blocks": 1}
PRESET = Preset(in_channels=1, net=NET, steps=4, batch=2, patch=16, penalty=Penalty(images=1, iterations=1))

TWO_DEVICES = """
import os, signal, sys
from pathlib import Path
import torch
import pnp_course.training.loop as loop
from pnp_course.training import checkpoint
from test_training_devices import NET, PRESET, DRUNet

folder, minutes, event = Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
plain_step, plain_save = loop.Training.train_step, checkpoint.save_atomically

def step(self):
    if self.step == 2 and event == f"error on {self.fabric.global_rank}":
        raise RuntimeError("of one device")
    if self.step == 2 and event == f"interrupt on {self.fabric.global_rank}":
        os.kill(os.getpid(), signal.SIGINT)
    plain_step(self)

def save(state, path):
    if state["step"] == 3 and event == "full disk":
        raise OSError("it is full")
    plain_save(state, path)

loop.Training.train_step, checkpoint.save_atomically = step, save

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    torch.set_num_threads(1)
    images = [(255 * torch.rand(1, 32, 32, generator=torch.Generator().manual_seed(i))).byte() for i in range(3)]
    torch.manual_seed(0)
    try:
        run = loop.train(DRUNet(1, **NET), PRESET, images, folder, accelerator="cpu", devices=2, progress=False,
                         minutes=minutes, save_every=0.0)
    except BaseException as error:
        print("END", type(error).__name__, error, flush=True)
        raise
    rank = run.fabric.global_rank
    torch.save({"step": run.step, "net": run.plain.state_dict(), "draw": run.draw()[0]}, folder / f"rank{rank}.pt")
"""


def two(tmp_path, minutes="9", event="none"):
    """Run the script above; returns its exit code, and how the processes ended that did not end well."""
    (tmp_path / "two.py").write_text(
        f"import sys\nsys.path.insert(0, {str(__file__.rpartition('/')[0])!r})\n{TWO_DEVICES}"
    )
    command = [sys.executable, str(tmp_path / "two.py"), str(tmp_path / "run"), minutes, event]
    done = subprocess.run(command, timeout=300, capture_output=True, text=True)
    return done.returncode, [line for line in done.stdout.splitlines() if line.startswith("END")]


def test_two_devices_train_one_network(tmp_path):
    """The same weights, other patches, one checkpoint and log; the run goes on on two, not on one."""
    folder = tmp_path / "run"
    for minutes in ("0", "9"):  # begun, then resumed
        assert two(tmp_path, minutes) == (0, [])
    first, second = (torch.load(folder / f"rank{r}.pt") for r in (0, 1))
    assert first["step"] == second["step"] == 4
    for key, value in first["net"].items():
        torch.testing.assert_close(value, second["net"][key], atol=0, rtol=0)
    assert not torch.equal(first["draw"], second["draw"])
    state = torch.load(folder / "checkpoint.pt")
    assert len(state["generators"]) == 2
    with pytest.raises(ValueError, match=r"run on 2 device\(s\), this one has 1"):
        train(
            DRUNet(1, **NET), PRESET, [torch.zeros(1, 32, 32, dtype=torch.uint8)], folder, accelerator="cpu",
            progress=False,
        )  # fmt: skip


@pytest.mark.parametrize(("event", "step", "said"), [
    ("error on 1", 2, "RuntimeError of one device"), ("interrupt on 1", 3, "KeyboardInterrupt"),
    ("full disk", 2, "OSError it is full"),
])  # fmt: skip
def test_none_waits_for_a_device_that_stopped(event, step, said, tmp_path):
    """All of them end, with the checkpoint of the last step that all of them completed."""
    code, ends = two(tmp_path, event=event)
    assert code != 0
    assert any(said in line for line in ends), ends
    if not event.startswith("error"):  # decided together
        assert all(said in line for line in ends), ends
    state = torch.load(tmp_path / "run" / "checkpoint.pt")
    assert state["step"] == step
    assert len(state["generators"]) == 2
