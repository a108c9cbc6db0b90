"""The loop learns, resumes to the exact step, and its penalties do what they say."""

import csv
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import pnp_course.training.loop as loop
from pnp_course import images, load_denoiser, metrics
from pnp_course.denoisers import DRUNet
from pnp_course.denoisers.zoo import ARCHITECTURES
from pnp_course.jacobian import Linearized, antisymmetry, power_iteration
from pnp_course.training import validation
from pnp_course.training.loop import learning_rate, train
from pnp_course.training.losses import Penalty
from pnp_course.training.patches import Patches
from pnp_course.training.presets import PRESETS, Preset
from pnp_course.training.taught import Taught
from pnp_course.training.validation import validate

CPU = torch.device("cpu")
SMALL = Preset(in_channels=1, net={"widths": (4, 4, 4, 4), "blocks": 1}, steps=6, batch=2, patch=16, lr=1e-3)


@pytest.fixture(scope="module")
def pictures():

    return [
        (images.photo(name, 96)[0].mean(0, keepdim=True) * 255).byte() for name in ("astronaut", "coffee", "camera")
    ]


def new_net(preset):
    torch.manual_seed(0)
    return DRUNet(preset.in_channels, **preset.net)


def go(preset, pictures, folder, **options):
    return train(new_net(preset), preset, pictures, folder, device=CPU, progress=False, **options)


@pytest.mark.parametrize("penalty", [None, Penalty(images=1, iterations=2)])
def test_stopped_and_resumed_equals_uninterrupted(penalty, pictures, tmp_path):
    preset = replace(SMALL, penalty=penalty)
    whole = go(preset, pictures, tmp_path / "whole")
    first = train(new_net(preset), preset, pictures, tmp_path / "parts", device=CPU, progress=False, minutes=0)
    assert first.step == 0  # no time, no step, but a checkpoint
    # one step at a time, each in a new run object: a step takes a minute on this clock
    import pnp_course.training.loop as loop

    for done in range(preset.steps):
        clock, plain = [0.0], loop.Training.train_step

        def slow(self, clock=clock, plain=plain):
            plain(self)
            clock[0] += 60

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loop.time, "monotonic", lambda clock=clock: clock[0])
            patch.setattr(loop.Training, "train_step", slow)
            part = go(preset, pictures, tmp_path / "parts", minutes=0.5)
        assert part.step == done + 1
    assert part.step == whole.step == preset.steps
    for key, value in whole.net.state_dict().items():
        assert torch.equal(value, part.net.state_dict()[key]), key
    for key, value in whole.average.items():
        assert torch.equal(value, part.average[key]), key


def test_interrupt_saves_and_the_log_has_each_row_once(pictures, tmp_path):
    """Killed after its checkpoint, a run has logged more than it kept; resumed, the log is that of one run."""
    import pnp_course.training.loop as loop

    preset, plain_step = replace(SMALL, steps=60), loop.Training.train_step

    def interrupted(self):
        if self.step == 45:
            raise KeyboardInterrupt
        return plain_step(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop.Training, "train_step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            go(preset, pictures, tmp_path)
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert state["step"] == 45
    # as if it had been killed, with a checkpoint of step 30 and a log that goes on to 39
    state["step"] = 30
    torch.save(state, tmp_path / "checkpoint.pt")
    go(preset, pictures, tmp_path)
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert [int(r["step"]) for r in rows] == [19, 39, 59]


def test_a_loss_that_blows_up_keeps_the_last_checkpoint(pictures, tmp_path):
    go(replace(SMALL, steps=6), pictures, tmp_path, minutes=0)
    good = (tmp_path / "checkpoint.pt").read_bytes()
    import pnp_course.training.loop as loop

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(loop.FITS, "l1", lambda a, b: (a - b).abs().mean() * float("nan"))
        with pytest.raises(ValueError, match="the loss is nan at step 0: lower the learning rate"):
            go(replace(SMALL, steps=6), pictures, tmp_path)
    assert (tmp_path / "checkpoint.pt").read_bytes() == good


def test_other_settings_and_junk_are_refused(pictures, tmp_path):
    go(SMALL, pictures, tmp_path, minutes=0)
    with pytest.raises(ValueError, match="checkpoint of other settings"):
        go(replace(SMALL, lr=0.5), pictures, tmp_path)
    (tmp_path / "checkpoint.pt").write_bytes(b"junk")
    with pytest.raises(ValueError, match="not a checkpoint"):
        go(SMALL, pictures, tmp_path)


def test_penalties_do_not_change_the_patches(pictures, tmp_path):
    """Runs that differ in the penalty only see the same patches and noise, and the penalty other random numbers."""
    penalties = [None, Penalty(images=1, iterations=1), Penalty(alpha=0.0, images=2, iterations=1)]
    runs = [go(replace(SMALL, steps=2, penalty=p), pictures, tmp_path / str(i)) for i, p in enumerate(penalties)]
    draws = [run.draw() for run in runs]
    for draw in draws[1:]:
        assert all(torch.equal(a, b) for a, b in zip(draw, draws[0], strict=True))
    fresh = go(SMALL, pictures, tmp_path / "fresh", minutes=0)
    start = torch.randn(8, generator=fresh.penalty_generator)
    assert not torch.equal(start, torch.randn(8, generator=fresh.generator))
    other = go(replace(SMALL, seed=1), pictures, tmp_path / "other", minutes=0)
    assert not torch.equal(start, torch.randn(8, generator=other.penalty_generator))


def test_it_learns(pictures, tmp_path):
    """200 steps of a tiny network remove a fifth of the noise, on a photograph it did not see."""
    preset = replace(
        SMALL, net={"widths": (8, 8, 8, 8), "blocks": 1}, steps=200, batch=8, patch=24, lr=5e-3, sigma_max=0.2
    )
    net = new_net(preset)
    train(net, preset, pictures[:2], tmp_path, device=CPU, progress=False)
    clean = Patches(pictures[2:], 24, torch.Generator().manual_seed(5)).batch(16)
    noisy = clean + 0.15 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(6))
    with torch.no_grad():
        after = (net(noisy, 0.15) - clean).abs().mean()
    assert after < 0.8 * (noisy - clean).abs().mean()
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert [int(r["step"]) for r in rows] == list(range(19, 200, 20))


def test_hamiltonian_penalty_lowers_the_asymmetry(pictures, tmp_path):
    plain = replace(SMALL, steps=80, batch=4, lr=3e-3)
    with_penalty = replace(plain, penalty=Penalty(images=2, iterations=3))

    def asymmetry(preset, name):
        net = new_net(preset)
        train(net, preset, pictures, tmp_path / name, device=CPU, progress=False)
        x = Patches(pictures, 16, torch.Generator().manual_seed(9)).batch(4)
        m = antisymmetry(Linearized(lambda z: net(z, 0.1), x))
        return float(
            power_iteration(m, torch.randn(x.shape, generator=torch.Generator().manual_seed(1)), 100).norm.mean()
        )

    assert asymmetry(with_penalty, "with") < 0.5 * asymmetry(plain, "plain")


@pytest.mark.parametrize(("wanted", "units"), [(True, True), (True, False), (False, True)])
def test_the_fit_in_bfloat16_where_it_pays(wanted, units, pictures, monkeypatch):
    """Autocast is on for the fit if the preset and the processor agree, and off for the penalty; weights stay in float32."""
    seen = []

    class Watched(DRUNet):
        def forward(self, x, sigma):
            seen.append(torch.is_autocast_enabled("cpu"))
            return super().forward(x, sigma)

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": units})
    penalty = Penalty(images=1, iterations=1)
    preset = replace(SMALL, bfloat16=wanted, penalty=penalty)
    training = loop.Training(Watched(1, **preset.net), preset, pictures, CPU)
    training.train_step()
    assert seen == [wanted and units, *([False] * (len(seen) - 1))]
    assert len(seen) > 1
    assert {p.dtype for p in training.net.parameters()} == {torch.float32}


def test_a_taught_network_learns_from_its_teacher(pictures, tmp_path):
    """The fit is to what the teacher makes of the noisy patch, and the teacher does not change."""
    preset = replace(SMALL, steps=200, batch=4, lr=2e-2)
    teacher = load_denoiser("drunet-gray")
    before = [p.clone() for p in teacher.parameters()]
    done = go(preset, pictures, tmp_path, kind=partial(Taught, teacher))
    with (tmp_path / "log.csv").open() as file:
        fits = [float(row["fit"]) for row in csv.DictReader(file)]
    assert fits[-1] < fits[0] / 2
    shown, noisy, level = done.draw()
    torch.testing.assert_close(shown, teacher(noisy, level))
    assert all(torch.equal(a, b) for a, b in zip(before, teacher.parameters(), strict=True))


def test_learning_rate_schedule():
    """The cosine of the docstring, along the way too: a straight line has the same ends and the same middle."""
    p = Preset(steps=1000, lr=1e-3, lr_end=1e-5)
    for step in (100, 250, 400, 500, 750, 900, 1000):
        want = 1e-5 + (1e-3 - 1e-5) * np.cos(np.pi * step / 2000) ** 2  # (1 + cos(a)) / 2 = cos(a / 2)^2
        assert learning_rate(step, p) == pytest.approx(want, rel=1e-9), step
    for step in (0, 1, 49, 98):  # a linear warm-up over 100 steps
        want = (step + 1) / 100 * (1e-5 + (1e-3 - 1e-5) * np.cos(np.pi * step / 2000) ** 2)
        assert learning_rate(step, p) == pytest.approx(want, rel=1e-9), step
    assert learning_rate(7, replace(p, steps=8)) == pytest.approx(1e-5 + 99e-5 * np.cos(np.pi * 7 / 16) ** 2)
    assert learning_rate(2000, p) == pytest.approx(1e-5)


def test_patches_are_cut_from_the_pictures():
    marked = (torch.rand(1, 20, 30, generator=torch.Generator().manual_seed(3)) * 255).round()
    windows = marked[0].unfold(0, 7, 1).unfold(1, 7, 1)  # (14, 24, 7, 7)

    def where(patch):
        return [tuple(place) for place in (windows == patch).all(-1).all(-1).nonzero().tolist()]

    patches = Patches([marked.byte()], 7, torch.Generator().manual_seed(0))
    seen = set()
    for patch in (patches.batch(200) * 255).round():
        found = [
            (place, mirrored, k)
            for mirrored, q in enumerate((patch, patch.flip(-1))) for k in range(4)
            for place in where(torch.rot90(q, k, (-2, -1)))
        ]  # fmt: skip
        assert len(found) == 1
        seen |= set(found)
    rows, columns = ({place[i] for place, _, _ in seen} for i in (0, 1))
    assert rows == set(range(14))  # each place, also the last
    assert columns == set(range(24))
    assert len({found[1:] for found in seen}) == 8  # each of the eight positions
    with pytest.raises(ValueError, match="at least 40"):
        Patches([marked.byte()], 40, torch.Generator())


def test_no_training_images():
    with pytest.raises(ValueError, match="no training images"):
        Patches([], 40, torch.Generator())


def test_a_full_disk_leaves_the_last_checkpoint(pictures, tmp_path, monkeypatch):
    go(replace(SMALL, steps=6), pictures, tmp_path, minutes=0)
    good = (tmp_path / "checkpoint.pt").read_bytes()

    def full(state, path):
        path.write_bytes(good[: len(good) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match=r"cannot be written .*No space left.* the last one is kept"):
        go(replace(SMALL, steps=6), pictures, tmp_path)
    monkeypatch.undo()
    assert (tmp_path / "checkpoint.pt").read_bytes() == good
    assert not list(tmp_path.glob("*.part"))
    assert go(replace(SMALL, steps=6), pictures, tmp_path).step == 6


def test_held_out_photographs_are_measured_on_the_way(pictures, tmp_path):
    preset = replace(SMALL, steps=40, validate_every=20)
    run = go(preset, pictures, tmp_path, held_out=pictures)
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert [int(r["step"]) for r in rows] == [19, 39]
    fresh = validate(run.averaged_net(), pictures)
    for name, value in fresh.items():
        assert float(rows[-1][name]) == pytest.approx(value, rel=1e-5), name
    noisy = validation.add_noise(validation.corners(pictures, 96, 1), 25 / 255, "gaussian")
    clean = validation.corners(pictures, 96, 1)
    with torch.no_grad():
        psnr = [metrics.psnr(run.averaged_net()(z[None], 25 / 255), x[None]) for z, x in zip(noisy, clean, strict=True)]
    assert fresh["psnr"] == pytest.approx(sum(psnr) / 3, abs=1e-4)


def test_every_kind_of_noise_and_fit(pictures, tmp_path):
    preset = replace(
        SMALL, architecture="bregman-gradient-step", noise="inverse gamma", sigma_max=0.1, fit="mse", steps=20,
        validate_every=20,
    )  # fmt: skip
    torch.manual_seed(0)
    net = ARCHITECTURES[preset.architecture](in_channels=1, **preset.net, activation="softplus")
    run = train(net, preset, pictures, tmp_path, device=CPU, progress=False, held_out=pictures)
    clean, noisy, level = run.draw()
    assert (clean > 0).all()
    assert (noisy > 0).all()
    assert (level > 0).all()
    assert float(next(csv.DictReader((tmp_path / "log.csv").open()))["psnr"]) > 5


def test_the_papers_setting_runs(pictures, tmp_path):
    """The authors' network, batch and penalty: a dry run of one step, on narrower images."""
    preset = replace(PRESETS["paper-coco-0.25"], batch=1, patch=16, penalty=Penalty(iterations=1), start=None, steps=1)
    torch.manual_seed(0)
    net = ARCHITECTURES[preset.architecture](in_channels=3, **preset.net)
    colour = [im.expand(3, -1, -1) for im in pictures]
    run = train(net, preset, colour, tmp_path, device=CPU, progress=False)
    assert run.step == 1
    assert sum(p.numel() for p in net.parameters()) > 32e6


def test_presets_are_consistent():
    for name, preset in PRESETS.items():
        assert preset.patch % 8 == 0, name
        small = {key: [4] * 4 if key == "widths" else value for key, value in preset.net.items()}
        assert isinstance(ARCHITECTURES[preset.architecture](in_channels=preset.in_channels, **small), torch.nn.Module)
        if preset.start:
            first = PRESETS[preset.start]
            for size in ("widths", "blocks", "width", "depth"):
                assert first.net.get(size) == preset.net.get(size), name


class Reads(TorchDispatchMode):
    """Counts how often a number is read from a tensor, for which a GPU would have to be waited for."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


def reads_of_a_step(preset, pictures):
    net = ARCHITECTURES[preset.architecture](in_channels=1, **preset.net)
    training = loop.Training(net, preset, pictures, CPU)
    training.train_step()
    # Adam and Muon count their steps on the processor, also for weights on a GPU
    training.optimizer.step = lambda: None
    with Reads() as reads:
        training.train_step()
    return reads.count


@pytest.mark.parametrize("architecture", ["drunet", "gradient-step"])
@pytest.mark.parametrize("method", [None, "power", "lanczos"])
def test_nothing_is_read_back_in_a_step(architecture, method, pictures):
    """Nothing at all, without penalties and with them."""
    penalty = method and Penalty(alpha=0.1, iterations=4, method=method)
    assert reads_of_a_step(replace(SMALL, architecture=architecture, drawn=0.5, penalty=penalty), pictures) == 0
