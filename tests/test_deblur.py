"""`deblur`, a photograph without its kernel: what it writes, and what it refuses in one line, with nothing written."""

import json
import re
import sys
import types

import numpy as np
import pytest
import torch
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
    assert done.output.strip().endswith("restored.png")


@pytest.mark.parametrize("method", ["coco-admm", "dpir"])
def test_the_other_methods_restore_a_gray_picture(method, observed):
    y = images.to_channels(observed, 1)
    x = deblurring.restore(y, KERNEL, method)
    assert x.shape == y.shape
    assert deblurring.quality(x)[1] < deblurring.quality(y)[1]


@pytest.mark.parametrize(
    ("picture", "words", "message"),
    [
        (torch.full((1, 1, 40, 40), 0.5), [], "no contrast"),
        ((torch.rand(1, 1, 40, 40, generator=torch.Generator().manual_seed(0)) < 0.8).float(), [], "most of the"),
        (torch.rand(1, 1, 40, 40), ["--kernel-size", 31], "wanted an odd number of at most a third"),
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


def test_clip_iqa_is_used_where_it_is_installed_and_named_where_it_is_not(monkeypatch):
    x = images.photo("coffee", 32)
    monkeypatch.setitem(sys.modules, "torchmetrics", types.ModuleType("torchmetrics"))
    monkeypatch.setitem(sys.modules, "torchmetrics.multimodal", None)  # importing it raises ImportError
    assert deblurring.quality(x, clip=True)[0] == "blur effect"
    fake = types.ModuleType("torchmetrics.multimodal")
    fake.CLIPImageQualityAssessment = lambda data_range: lambda picture: picture.mean() / data_range
    monkeypatch.setitem(sys.modules, "torchmetrics.multimodal", fake)
    name, value = deblurring.quality(x, clip=True)
    assert name == "CLIP-IQA"
    assert value == pytest.approx(float(x.mean()), rel=1e-5)


def test_the_convergent_method_is_covered_for_any_kernel():
    """CoCo-ADMM as `deblur` and the table `blind` run it: a gray picture asks a colour denoiser at sqrt(3) times the level."""
    operator = ValidBlur(kernels.motion(9))
    fidelity, start = Gaussian(operator, torch.rand(1, 3, 24, 24)), torch.rand(1, 3, 32, 32)
    name, lam, _ = deblurring.METHODS["coco-admm"]
    table = experiment_named("blind").methods["CoCo-ADMM"]
    for denoiser in (name, table.denoisers["course"]):
        for level in (deblurring.SIGMA, deblurring.SIGMA * 3**0.5):
            said = guarantee("coco_admm", denoiser_card(denoiser), fidelity, start, sigma=level, lam=lam, t=0.33)
            assert said.covered
    assert (table.fixed["t"], table.fixed["sigma"]) == (0.33, deblurring.SIGMA)
