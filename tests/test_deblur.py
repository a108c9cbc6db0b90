"""`deblur`, a photograph without its kernel: what it writes, and what it refuses in one line, with nothing written."""

import json
import math
import os
import re
import sys
import types

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from pnp_course import blind, deblurring, denoiser_card, images, noise
from pnp_course.cli import app
from pnp_course.experiments import experiment_named
from pnp_course.fidelities import Gaussian
from pnp_course.guarantees import guarantee
from pnp_course.operators import ValidBlur, kernels

KERNEL = kernels.motion(9)


def call(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def scene():
    return images.photo("astronaut", 120)


@pytest.fixture(scope="module")
def observed(scene):
    return noise.gaussian(ValidBlur(KERNEL)(scene), 0.005, torch.Generator().manual_seed(0))


def test_kernel_picture_and_report_are_written(scene, observed, tmp_path):
    images.write_image(observed, tmp_path / "photo.png")
    out = tmp_path / "out"
    done = call("deblur", tmp_path / "photo.png", "--kernel-size", 13, "-o", out)
    assert done.exit_code == 0, done.output
    assert {p.name for p in out.iterdir()} == {"restored.png", "kernel.png", "kernel.npy", "report.json"}
    kernel, x = torch.from_numpy(np.load(out / "kernel.npy")), images.read_image(out / "restored.png")
    assert kernel.shape == (13, 13)
    assert blind.kernel_similarity(kernel, KERNEL) > 0.8
    assert x.shape == observed.shape
    clean = ValidBlur(KERNEL).crop(scene)[..., 5:-5, 5:-5]
    errors = [float((blind.registered(p, clean) - clean).square().mean()) for p in (x, observed)]
    assert errors[0] < 0.6 * errors[1]
    facts = json.loads((out / "report.json").read_text())
    assert facts["measure"] == "blur effect"
    assert facts["after"] < facts["before"]
    assert "blur effect: " in done.output
    assert "(smaller is better)" in done.output
    assert done.output.strip().endswith("restored.png")


@pytest.mark.parametrize("method", ["coco-admm", "dpir"])
def test_the_other_methods_restore_a_gray_picture(method, observed):
    y = images.to_channels(observed, 1)
    x = deblurring.restore(y, KERNEL, method)
    assert x.shape == y.shape
    assert deblurring.blur(x) < deblurring.blur(y)


@pytest.mark.parametrize(
    ("picture", "words", "message"),
    [
        (torch.full((1, 1, 40, 40), 0.5), [], "no contrast"),
        ((torch.rand(1, 1, 40, 40, generator=torch.Generator().manual_seed(0)) < 0.8).float(), [], "most of the"),
        (torch.rand(1, 1, 40, 40), ["--kernel-size", 31], "wanted an odd number from 3 to 13"),
        (torch.rand(1, 1, 40, 40), ["--kernel-size", 99], "wanted an odd number from 3 to 13"),
        (torch.rand(1, 1, 1, 40), [], "is 1 x 40, too small to tell a kernel"),
        (torch.rand(1, 3, 40, 1), [], "is 40 x 1, too small to tell a kernel"),
        (torch.rand(1, 1, 40, 40), ["--kernel-size", 8], "wanted an odd number"),
        (torch.rand(1, 1, 40, 40), ["--method", "magic"], "wanted rmmo-drs, dpir, coco-admm"),
        (images.photo("astronaut", 120), [], "no blur was found"),
    ],
)
def test_what_is_refused_in_one_line(picture, words, message, tmp_path):
    images.write_image(picture, tmp_path / "photo.png")
    words = words if "--kernel-size" in words else ["--kernel-size", 9, *words]
    done = call("deblur", tmp_path / "photo.png", "-o", tmp_path / "out", *words)
    assert done.exit_code == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert re.search(message, done.stderr), done.stderr
    assert not (tmp_path / "out").exists()


def test_a_text_file_and_a_folder_that_cannot_be_written_are_refused_before_any_work(observed, tmp_path, monkeypatch):
    photo, text = tmp_path / "photo.png", tmp_path / "text.png"
    images.write_image(observed, photo)
    text.write_text("no picture at all\n")
    monkeypatch.setattr(blind, "estimate_kernel", lambda *_: pytest.fail("began to work"))
    for words, said in (
        ([text, "-o", tmp_path / "out"], "text.png: this is not an image that this program can read"),
        ([photo, "-o", text], "text.png is a file; wanted a folder"),
        ([photo, "-o", text / "out"], "text.png is a file; wanted a folder"),
        ([photo, "-o", tmp_path / "locked"], "cannot be written to: name another with -o"),
    ):
        locked = "locked" in str(words[-1])  # root may write everywhere
        monkeypatch.setattr(os, "access", lambda path, mode, locked=locked: not (locked and mode & os.W_OK))
        done = call("deblur", *words)
        assert done.exit_code == 2
        assert len(done.stderr.strip().splitlines()) == 1
        assert said in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["photo.png", "text.png"]


@pytest.mark.parametrize("kind", ["alpha", "16 bit"])
def test_transparent_and_deep_pictures_are_deblurred_like_others(kind, observed, tmp_path, monkeypatch):
    monkeypatch.setattr(deblurring, "METHODS", {"rmmo-drs": (*deblurring.METHODS["rmmo-drs"][:2], 3)})  # quickly
    seen = []
    monkeypatch.setattr(blind, "estimate_kernel", lambda y, size: seen.append(y) or KERNEL)
    array = (observed[0].permute(1, 2, 0).clamp(0, 1).numpy() * 255).round().astype(np.uint8)
    if kind == "alpha":
        array = np.dstack([array, np.full(array.shape[:2], 255, np.uint8)])
        Image.fromarray(array).save(tmp_path / "photo.png")
    else:
        Image.fromarray(array[..., 0].astype(np.uint16) * 257).save(tmp_path / "photo.png")
    done = call("deblur", tmp_path / "photo.png", "--kernel-size", 13, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    expected = torch.from_numpy(array[..., :1] if kind == "16 bit" else array[..., :3]).permute(2, 0, 1)[None] / 255
    torch.testing.assert_close(seen[0], expected, atol=1e-6, rtol=0)
    assert images.read_image(tmp_path / "out" / "restored.png").shape == expected.shape


class StandIn:
    """In place of CLIP's image and text networks, which are downloaded: "Good" points along red, "Bad" along blue."""

    def encode_text(self, tokens):
        return torch.eye(3)[[0 if row[0] == ord("G") else 2 for row in tokens]]

    def encode_image(self, x, pos_embedding):
        return x.mean((2, 3))


class Processor:
    """In place of CLIP's tokenizer: the letters' numbers."""

    tokenizer = types.SimpleNamespace(model_max_length=77)

    def __call__(self, text):
        return {"input_ids": [[ord(letter) for letter in words] for words in text]}


def test_clip_iqa_is_that_of_torchmetrics(monkeypatch):
    module = pytest.importorskip("torchmetrics.multimodal.clip_iqa")
    monkeypatch.setattr(module, "_get_clip_iqa_model_and_processor", lambda name: (StandIn(), Processor()))
    monkeypatch.setattr(StandIn, "to", lambda self, device: self, raising=False)
    measure = deblurring.quality_measure(clip=True)
    assert measure[:2] == ("CLIP-IQA", "larger")
    assert not measure.note
    red, blue = torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 32, 32)
    red[:, 0], blue[:, 2] = 1, 1
    assert measure.of(red) > 0.99
    assert measure.of(blue) < 0.01
    mean, spread = (torch.tensor(v)[:, None, None] for v in ([0.48145, 0.45783, 0.40821], [0.26863, 0.26130, 0.27578]))
    f = torch.tensor([1, 1, 1.01])[:, None, None] / 2  # in CLIP's units, the mean and spread of its pictures
    between = measure.of((mean + spread * f).expand(1, 3, 32, 32))
    assert between == pytest.approx(1 / (1 + math.exp(1 / (3 + 0.0201) ** 0.5)), abs=0.01)


MISSING = {
    "not installed": (
        ImportError("No module named 'piq'"),
        r'is not installed (pip install "pnp_course[iqa]"): the blur',
    ),
    "no network": (OSError("Name or service\nnot known"), "cannot be downloaded (Name or service not known): the blur"),
}


@pytest.mark.parametrize("case", MISSING)
def test_where_clip_iqa_cannot_be_had_the_blur_effect_says_so(case, monkeypatch, observed, tmp_path):
    error, said = MISSING[case]

    def fail():
        raise error

    monkeypatch.setattr(deblurring, "clip_iqa", fail)
    measure = deblurring.quality_measure(clip=True)
    assert measure[:2] == ("blur effect", "smaller")
    assert said in measure.note
    assert measure.of(observed) == deblurring.quality_measure().of(observed)
    images.write_image(observed, tmp_path / "photo.png")
    done = call("deblur", tmp_path / "photo.png", "--kernel-size", 13, "--clip-iqa", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert done.output.startswith(measure.note)
    assert json.loads((tmp_path / "out" / "report.json").read_text())["measure"] == "blur effect"


def test_without_torchmetrics_clip_iqa_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchmetrics.multimodal.clip_iqa", None)  # importing it raises ImportError
    assert "is not installed" in deblurring.quality_measure(clip=True).note


def test_the_convergent_method_is_covered_for_any_kernel():
    """CoCo-ADMM as `deblur` and the table `blind` run it: a gray picture asks a colour denoiser at sqrt(3) times the level."""
    operator = ValidBlur(kernels.motion(9))
    fidelity, start = Gaussian(operator, torch.rand(1, 3, 24, 24)), torch.rand(1, 3, 32, 32)
    name, lam, _ = deblurring.METHODS["coco-admm"]
    table = experiment_named("blind").methods["CoCo-ADMM"]
    for denoiser in (name, table.denoisers["course"]):
        for level in (deblurring.SIGMA, deblurring.SIGMA * 3**0.5):
            said = guarantee(
                "coco_admm", denoiser_card(denoiser), fidelity, start, sigma=level, lam=lam, t=deblurring.T
            )
            assert said.covered
    assert (table.fixed["t"], table.fixed["sigma"]) == (deblurring.T, deblurring.SIGMA)
