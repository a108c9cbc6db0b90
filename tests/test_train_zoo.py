"""`train-zoo` from the first step to the last card, with tiny networks; and what it measures before it trains."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from typer.testing import CliRunner

from pnp_course import images
from pnp_course.cli import app
from pnp_course.datasets import MissingDataError
from pnp_course.denoisers import denoiser_card, load_denoiser
from pnp_course.training import cost, main, validation, zoo
from pnp_course.training.losses import Penalty
from pnp_course.training.presets import PRESETS

ROOT = Path(__file__).resolve().parent.parent
CPU, GPU = torch.device("cpu"), torch.device("cuda")
STARTS = {
    "drunet": None, "coco-gs-0.25": "drunet", "coco-gs-relaxed": "drunet", "coco-0.25": "drunet", "coco-0.5": "coco-0.25",
    "prox-drunet": "coco-gs-0.25", "drunet-gray": "drunet", "coco-0.25-gray": "coco-0.25", "rmmo": "coco-0.5",
    "spc-0.9": "coco-0.25", "drunet-wide": "drunet", "gs-drunet": "drunet", "gs-drunet-relu": "drunet",
    "bregman-drunet": "gs-drunet", "dncnn": None, "ffdnet": None,
}  # fmt: skip
FEW = ["drunet", "coco-gs-0.25", "drunet-gray"]
TINY = {"dncnn": {"width": 4, "depth": 3}, "ffdnet": {"width": 4, "depth": 3}}


@pytest.fixture
def tiny(monkeypatch):
    """The whole zoo with networks of a few hundred weights, three photographs, and nothing that is shipped."""
    photographs = [(images.photo(name, 128)[0] * 255).byte() for name in ("astronaut", "coffee", "chelsea")]

    def pictures(channels):
        return [
            images.to_channels(x[None], channels)[0] if channels == 3 else x.float().mean(0, keepdim=True).byte()
            for x in photographs
        ]

    for module in (zoo, main):
        monkeypatch.setattr(module, "training_images", pictures)
        monkeypatch.setattr(module, "validation_images", pictures)
        monkeypatch.setattr(module, "available_denoisers", list)
    monkeypatch.setattr(main, "validation_images", lambda channels: pictures(channels)[:1])
    monkeypatch.setattr(main, "images", lambda name: [images.photo("rocket", 48)])
    monkeypatch.setattr(main, "sigma_range", lambda *a: (0.0, 0.4))  # these networks are too small to behave
    monkeypatch.setattr(zoo, "LEAST", 2)
    monkeypatch.setattr(zoo, "VALIDATIONS", 1)
    corners = validation.corners  # measured on smaller patches
    monkeypatch.setattr(validation, "corners", lambda images, size=64, each=4: corners(images, 16, 1))
    zoo.pictures.cache_clear()
    for name, start in STARTS.items():
        p = PRESETS[name]
        penalty = p.penalty and replace(p.penalty, iterations=2)
        net = TINY.get(name) or p.net | {"widths": (4, 4, 4, 4), "blocks": 1}
        monkeypatch.setitem(PRESETS, name, replace(p, start=start, net=net, batch=2, patch=16, penalty=penalty))
    yield
    zoo.pictures.cache_clear()


@pytest.fixture
def slow_steps(monkeypatch):
    """As if a step took 20 seconds: so a few steps are planned for ten minutes, on however busy a machine."""
    monkeypatch.setattr(zoo.cost, "useful_batch", lambda net, preset, *more: (preset, 20.0))


def test_to_the_end(tiny, slow_steps, tmp_path):
    """The whole zoo: weights in half precision and complete cards, starts in their order; again, there is nothing to do."""
    assert list(STARTS) == list(zoo.SHARES)
    for place, pupil in enumerate(STARTS):
        teacher = PRESETS[pupil].teacher
        assert teacher is None or list(STARTS).index(teacher) < place
    said = list(zoo.train_zoo(list(STARTS), tmp_path, 10.0, CPU))
    for name, start in STARTS.items():
        folder = tmp_path / name
        assert any(line.startswith(f"{name}: ") and f"from {start or 'random weights'}" in line for line in said), said
        file = folder / f"{name}.safetensors"
        assert file.stat().st_size < 16e6
        assert {v.dtype for v in load_file(file).values()} == {torch.float16}
        card = denoiser_card(name, folder)
        assert card["training"]["steps_done"] == card["training"]["steps"] >= 2
        assert card["training"]["start"] == start
        if name != "bregman-drunet":  # whose noise has other levels, and no certificate
            assert set(card["psnr_cbsd68"]) == {"15", "25", "40"}
            assert card["certificate"]["25"]["lambda_max_worst"] > 0
        assert (
            load_denoiser(name, folder=folder)(torch.rand(1, 1 if "gray" in name else 3, 16, 16), 0.1).isfinite().all()
        )
    begun = time.monotonic()
    assert len(list(zoo.train_zoo(list(STARTS), tmp_path, 9.0, CPU))) == 1
    assert time.monotonic() - begun < 5


def test_the_time_is_over_and_the_same_command_goes_on(tiny, tmp_path, monkeypatch):
    """A step is slower than measured: the steps done are kept, and the second call makes the rest of the same number."""
    monkeypatch.setattr(zoo.cost, "useful_batch", lambda net, preset, *more: (preset, 1e-3))
    said = list(zoo.train_zoo(["drunet"], tmp_path, 0.02, CPU))
    done, steps = map(int, re.fullmatch(r"drunet: (\d+) of (\d+) steps are done .*", said[-1]).groups())
    assert 0 < done < steps
    assert not list(tmp_path.rglob("*.safetensors"))
    monkeypatch.setattr(zoo.cost, "useful_batch", None)  # the settings are those of the checkpoint

    def missing(name):
        raise MissingDataError("no cbsd68")

    with monkeypatch.context() as patch:
        patch.setattr(main, "images", missing)
        said = list(zoo.train_zoo(["drunet"], tmp_path, 9.0, CPU))
    assert said[-1] == "drunet: its card is not complete: no cbsd68"
    load_denoiser("drunet", folder=tmp_path / "drunet")
    assert list(zoo.train_zoo(["drunet"], tmp_path, 9.0, CPU))[-1].startswith("drunet: card, ")
    assert "psnr_cbsd68" in denoiser_card("drunet", tmp_path / "drunet")
    assert denoiser_card("drunet", tmp_path / "drunet")["training"]["steps_done"] == steps
    assert said[1] == f"drunet: {steps} steps with 2 patches, from random weights"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_kills(tiny, slow_steps, tmp_path):
    """Killed three times, anywhere, and then left alone: all weights and cards are there."""
    for delay in (0.5, 2.0, 3.0):
        if not (pid := os.fork()):
            torch.set_num_threads(1)  # the threads of this process do not come along
            list(zoo.train_zoo(list(STARTS)[:2], tmp_path, 10.0, CPU))
            os._exit(0)
        time.sleep(delay)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    list(zoo.train_zoo(list(STARTS)[:2], tmp_path, 10.0, CPU))
    for name in list(STARTS)[:2]:
        assert "psnr_cbsd68" in denoiser_card(name, tmp_path / name)
        load_denoiser(name, folder=tmp_path / name)


def test_a_network_is_left_out(tiny, tmp_path, monkeypatch):
    """One whose share is too small, and one whose start is not there; the others come all the same."""
    monkeypatch.setattr(
        zoo.cost, "useful_batch", lambda net, preset, *more: (preset, 1e4 if preset.batch == 2 else 20.0)
    )
    monkeypatch.setitem(PRESETS, "drunet-gray", replace(PRESETS["drunet-gray"], start=None, batch=3))
    said = list(zoo.train_zoo(FEW, tmp_path, 10.0, CPU))
    assert said[1] == "drunet: left out, since 2 steps of it take 3.5e+02 minutes and 10 are left"
    assert said[2].startswith("coco-gs-0.25: left out: this preset needs 'coco-gs-0.25', which is neither shipped")
    assert [folder.name for folder in tmp_path.iterdir()] == ["drunet-gray"]
    assert "psnr_cbsd68" in denoiser_card("drunet-gray", tmp_path / "drunet-gray")


def test_one_that_diverges_does_not_stop_the_others(tiny, tmp_path, monkeypatch):
    train = zoo.train

    def diverging(net, preset, photographs, folder, **options):
        if folder.name == "drunet":
            raise ValueError("the loss is nan at step 3: lower the learning rate; the last checkpoint is kept.")
        return train(net, preset, photographs, folder, **options)

    monkeypatch.setattr(zoo, "train", diverging)
    monkeypatch.setattr(zoo.cost, "useful_batch", lambda net, preset, *more: (preset, 20.0))
    monkeypatch.setitem(PRESETS, "drunet-gray", replace(PRESETS["drunet-gray"], start=None))
    said = list(zoo.train_zoo(["drunet", "drunet-gray"], tmp_path, 10.0, CPU))
    assert "drunet: given up: the loss is nan at step 3: lower the learning rate; the last checkpoint is kept." in said
    assert "psnr_cbsd68" in denoiser_card("drunet-gray", tmp_path / "drunet-gray")


def test_too_few_minutes(tiny, tmp_path, monkeypatch):
    """A share that is too small takes from those after it; and where all of the time is not enough, nothing is written."""
    monkeypatch.setattr(zoo.cost, "useful_batch", lambda net, preset, *more: (preset, 20.0))
    assert zoo.begin("drunet", tmp_path, 10.0, 600.0, CPU)[1].steps == zoo.LEAST
    assert zoo.begin("drunet", tmp_path, 300.0, 600.0, CPU)[1].steps > zoo.LEAST
    known = zoo.Measured(batch=7, seconds=1.0, graph=True)
    monkeypatch.setattr(zoo, "VALIDATIONS", 10)
    _, preset, graph = zoo.begin("drunet", tmp_path, 100.0, 600.0, CPU, known)
    assert (preset.batch, graph) == (7, True)
    assert 90 <= preset.steps <= 95
    assert preset.validate_every == preset.steps // 3  # they are validated after some time, not after some steps
    with pytest.raises(
        ValueError, match=r"--minutes is too small for 2 steps of any of drunet; wanted 0\.7 or more: give"
    ):
        list(zoo.train_zoo(["drunet"], tmp_path, 0.5, CPU))
    with monkeypatch.context() as patch:
        patch.setattr(zoo, "LARGEST", 1000)
        with pytest.raises(ValueError, match=r"its weights would have 0\.0 MB; wanted less than 0\.001"):
            zoo.begin("drunet", tmp_path, 300.0, 600.0, CPU)
    assert not list(tmp_path.iterdir())


def test_a_full_disk(tiny, slow_steps, tmp_path, monkeypatch):
    """At the weights: the error names the file, nothing is half-written, and the same command ends the work."""

    def full(self, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(
            OSError, match=r"drunet\.safetensors cannot be written .*No space left.*: free some space, then"
        ):
            list(zoo.train_zoo(["drunet"], tmp_path, 10.0, CPU))
    assert sorted(p.name for p in (tmp_path / "drunet").iterdir()) == ["checkpoint.pt", "log.csv"]
    done = list(zoo.train_zoo(["drunet"], tmp_path, 10.0, CPU))
    assert any(line.startswith("drunet: weights") and "after" in line for line in done)


def test_no_time(tiny, tmp_path):
    """Nothing is begun or measured; this is how cards are completed on another machine."""
    assert list(zoo.train_zoo(list(STARTS)[:2], tmp_path, 0.0, CPU))[1:] == [
        "the time is over before drunet, coco-gs-0.25"
    ]
    assert not list(tmp_path.iterdir())


def test_the_plan(tiny, tmp_path):
    """The table through the command line: the operations of a step are those counted by hand, and nothing is written."""
    done = CliRunner().invoke(
        app,
        [
            "train-zoo",
            "--plan",
            "--minutes",
            "10",
            "--only",
            "coco-gs-0.25,drunet",
            "-o",
            str(tmp_path),
            "--threads",
            "1",
        ],
    )
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[2].split()[:2] == ["network", "batch"]
    rows = {line.split()[0]: [float(cell) for cell in line.split()[1:]] for line in lines[4:]}
    assert list(rows) == ["drunet", "coco-gs-0.25"]  # in the order of the zoo
    for batch, gflop, arithmetic, kernels, calls, measured, minutes, steps in rows.values():
        assert (batch, minutes) == (2, 5)  # equal shares
        assert measured > arithmetic > 0
        assert calls / kernels == pytest.approx(rows["drunet"][4] / rows["drunet"][3], rel=0.02)
        assert steps == pytest.approx(0.95 * 5 * 60e3 / measured, rel=0.01)
    assert rows["coco-gs-0.25"][3] > 2 * rows["drunet"][3]
    assert not list(tmp_path.iterdir())


def test_starts(monkeypatch):
    """Its own start where that is trained or shipped; else its own shipped weights; else new ones."""
    nowhere = Path("nowhere")
    assert zoo.started("drunet", nowhere).start == "drunet"  # drunet-10k is not shipped
    assert zoo.started("prox-drunet", nowhere).start == "coco-gs-0.25"
    assert zoo.started("dncnn", nowhere).start is None
    assert list(zoo.SHARES)[:4] == ["drunet", "coco-gs-0.25", "coco-gs-relaxed", "coco-0.25"]
    for name in zoo.SHARES:
        main.first_net(zoo.started(name, nowhere), nowhere)
    assert zoo.chosen("") == list(zoo.SHARES)
    assert zoo.chosen("rmmo, drunet") == ["drunet", "rmmo"]
    with pytest.raises(
        ValueError, match=r"--only has 'coco-gs', which is not in the zoo; did you mean 'coco-gs-0\.25'"
    ):
        zoo.chosen("coco-gs")


def test_on_a_gpu_every_patch_is_penalised_at_every_step():
    penalty = Penalty(images=2, of=5, every=3, iterations=8, method="lanczos")
    preset = replace(PRESETS["coco-0.25"], penalty=penalty)
    assert zoo.on_device(preset, GPU).penalty == replace(penalty, images=None, of=None, every=1)
    assert zoo.on_device(preset, CPU) == preset
    assert zoo.on_device(PRESETS["drunet"], GPU) == PRESETS["drunet"]


def test_the_largest_batch_that_is_worth_it(monkeypatch):
    """Step times that are flat up to 100 patches and then grow; and a memory that ends at 64."""
    tried = []

    def seconds(net, preset, images, device, graph=False):
        tried.append(preset.batch)
        if preset.batch > limit:
            raise torch.OutOfMemoryError("full")
        return max(1.0, preset.batch / 100)

    monkeypatch.setattr(cost, "step_seconds", seconds)
    for limit, wanted, last in ((10**9, 128, 256), (64, 64, 128), (20, 16, 32)):
        tried.clear()
        preset, time_of_a_step = cost.useful_batch(nn.Identity(), PRESETS["drunet"], [], GPU)
        assert preset == replace(PRESETS["drunet"], batch=wanted)
        assert time_of_a_step == max(1.0, wanted / 100)
        assert tried[-1] == last
    limit = 1
    with pytest.raises(torch.OutOfMemoryError):
        cost.useful_batch(nn.Identity(), PRESETS["drunet"], [], GPU)
    assert cost.useful_batch(nn.Identity(), replace(PRESETS["drunet"], batch=1), [], CPU)[0].batch == 1


def test_operations_and_calls_are_counted():
    """A convolution forward and backward, against the formula; views are no calls."""
    conv, x = nn.Conv2d(3, 5, 3, padding=1, bias=False), torch.rand(2, 3, 8, 8)
    one = 2 * 2 * 8 * 8 * 5 * 3 * 9
    assert cost.counted(lambda: conv(x)) == (one, 1)
    assert cost.operations(lambda: conv(x).sum().backward()) == 2 * one  # the image needs no gradient
    assert cost.counted(lambda: x.reshape(2, -1).T.unsqueeze(0)) == (0, 0)
    assert cost.counted(lambda: torch.add(x, x).mul_(2)) == (0, 2)


def test_two_numbers_and_the_time():
    """The cost of a step: the operations are proportional to the batch; both estimates and the time are positive."""
    preset = replace(
        PRESETS["tiny-coco"], net={"widths": (4, 4, 4, 4), "blocks": 1}, patch=16, batch=2, optimizer="adam"
    )
    preset = replace(preset, penalty=Penalty(images=1, iterations=2))
    photographs = [(images.photo("coffee", 32)[0] * 255).byte()]
    net = main.fresh_net(preset)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    seconds = cost.step_seconds(net, preset, photographs, CPU)
    small, large = (cost.step_cost(net, replace(preset, batch=b), photographs, CPU, seconds) for b in (2, 4))
    assert large.fit == 2 * small.fit > 0
    assert large.penalty == small.penalty > small.fit / 2
    assert small.arithmetic(CPU) == pytest.approx((small.fit + small.penalty) / cost.rate(CPU, torch.float32))
    assert small.calls(CPU) == small.kernels * cost.call_cost(CPU) > 0
    assert seconds > small.arithmetic(CPU)
    fast = replace(small, fast=True)
    assert fast.arithmetic(CPU) == pytest.approx(
        small.fit / cost.rate(CPU, torch.bfloat16) + small.penalty / cost.rate(CPU, torch.float32)
    )
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())  # measured on a copy


def multiply_adds(net, shape):
    """Those of all convolutions of a network for one image, from their shapes; and those of the first one."""
    found = []

    def note(layer, given, out):
        at = given[0] if isinstance(layer, nn.ConvTranspose2d) else out
        found.append(at[0, 0].numel() * layer.weight.numel())

    with torch.device("meta"):
        net = net.to("meta")
        for layer in net.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                layer.register_forward_hook(note)
        net.network(torch.rand(1, *shape))
    return sum(found), found[0]


def test_the_page_says_what_was_counted_and_measured():
    """The page agrees with the file; and the file's operations with the shapes of the network's convolutions."""
    subprocess.run([sys.executable, "tools/gpu_page.py", "--check"], cwd=ROOT, check=True)
    found = json.loads((ROOT / "benchmarks" / "results" / "training.json").read_text())["networks"]
    assert list(found) == ["drunet", "gs-drunet", "coco-0.25", "coco-gs-0.25"]
    for name in ("drunet", "coco-0.25"):
        size = found[name]["patch"]
        whole, first = multiply_adds(main.fresh_net(PRESETS[name]), (4, size, size))
        # forward, and backward to weights and to images; the gradient in the noisy image is not needed
        assert found[name]["gflop_fit"] == pytest.approx(2e-9 * (3 * whole - first), rel=1e-6)
    assert found["coco-gs-0.25"]["gflop_penalty"] > found["coco-gs-0.25"]["gflop_fit"]
    assert found["drunet"]["gflop_penalty"] == 0
