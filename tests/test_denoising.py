"""Denoising without being told the noise: the estimate, the picture, and what cannot be done in one sentence."""

import os

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from pnp_course import denoising, images, load_denoiser, metrics, noise
from pnp_course.camera_noise import expose
from pnp_course.cli import app
from pnp_course.raw import to_linear


@pytest.fixture(scope="module")
def clean():
    return 0.1 + 0.6 * images.photo("astronaut", 128)


@pytest.fixture(scope="module")
def noisy(clean):
    return noise.gaussian(clean, 20 / 255, torch.Generator().manual_seed(0))


def call(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_the_level_is_found_and_the_result_is_that_of_a_level_that_is_told(clean, noisy):
    blind, told = denoising.denoise(noisy), denoising.denoise(noisy, sigma=20 / 255)
    assert blind.said.endswith("estimated from the picture")
    assert float(blind.said.split()[2]) == pytest.approx(20 / 255, rel=0.05)
    assert metrics.psnr(blind.x, clean) == pytest.approx(metrics.psnr(told.x, clean), abs=0.1)
    assert metrics.psnr(blind.x, clean) > metrics.psnr(noisy, clean) + 5
    assert torch.equal(told.x, load_denoiser("drunet")(noisy, 20 / 255))
    assert told.said == "noise level 0.0784 (20.0 of 255), given"


def test_a_camera_of_unknown_gain(clean):
    light = to_linear(images.photo("astronaut", 256))
    y = expose(light, 0.02, 0.02, torch.Generator().manual_seed(1))
    done = denoising.denoise_camera(y)
    words = done.said.replace(",", "").split()
    assert float(words[1]) == pytest.approx(0.02, rel=0.15)
    assert metrics.psnr(done.x, light) > metrics.psnr(y, light) + 5


def test_the_command_writes_the_picture_and_says_the_level(clean, noisy, tmp_path):
    images.write_image(noisy, tmp_path / "in.png")
    for options, said in (((), "estimated from the picture"), (("--sigma", 0.08), "0.0800 (20.4 of 255), given")):
        done = call("denoise", tmp_path / "in.png", "-o", tmp_path / "out.png", *options)
        assert done.exit_code == 0, done.output
        assert said in done.output
        assert metrics.psnr(images.read_image(tmp_path / "out.png"), clean) > metrics.psnr(noisy, clean) + 5


def test_the_command_for_a_camera(tmp_path):
    light = to_linear(images.photo("astronaut", 256))
    images.write_image(expose(light, 0.02, 0.02, torch.Generator().manual_seed(1)), tmp_path / "in.npy")
    done = call("denoise", tmp_path / "in.npy", "--noise", "camera", "-o", tmp_path / "out.png")
    assert done.exit_code == 0, done.output
    assert "read-out noise" in done.output


BAD = {
    "overexposed": (["white.npy"], "91% of the picture's values are at 0 or 1"),
    "overexposed camera": (["white.npy", "--noise", "camera"], "overexposed"),
    "clean": (["flat.npy"], "no noise that could be seen"),
    "noise of the dark": (["falls.npy", "--noise", "camera"], "does not grow with its brightness"),
    "too small": (["small.npy"], "too small to estimate its noise"),
    "no number": (["flat.npy", "--sigma", "much"], "--sigma is 'much'; wanted a number, or auto"),
    "negative": (["flat.npy", "--sigma", "-0.1"], "sigma is -0.1; wanted a finite number > 0"),
    "of 255": (["flat.npy", "--sigma", "25"], "write 25/255, not 25"),
    "noise": (["flat.npy", "--noise", "rain"], "--noise is 'rain'; wanted gaussian or camera"),
    "both": (["flat.npy", "--noise", "camera", "--sigma", "0.1"], "leave --sigma out"),
    "no file": (["nowhere.png"], "there is no such file"),
    "a text": (["text.png"], "text.png: this is not an image that this program can read"),
    "a row": (["row.npy"], "a picture of 1 x 128 pixels is too small to estimate its noise"),
    "a row, camera": (["row.npy", "--noise", "camera"], "the picture is too small"),
    "constant camera": (["flat.npy", "--noise", "camera"], "all of one brightness"),
    "no folder": (["flat.npy", "-o", "nowhere/out.png"], "there is no folder nowhere: make it first"),
    "a file, no folder": (["flat.npy", "-o", "text.png/out.png"], "there is no folder text.png: make it first"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_done_is_one_line_and_nothing_is_written(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng, ramp = np.random.default_rng(0), np.linspace(0.2, 0.8, 128)[None].repeat(128, 0)
    arrays = {
        "white": np.where(np.arange(128) < 116, 1.0, ramp), "flat": np.full((128, 128), 0.5),
        "small": rng.random((9, 9)) / 2 + 0.2, "row": rng.random((1, 128)) / 2 + 0.2,
        "falls": ramp + 0.1 * (1 - ramp) * rng.standard_normal((128, 128)),
    }  # fmt: skip
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    (tmp_path / "text.png").write_text("no picture at all\n")
    before = sorted(tmp_path.iterdir())
    arguments, said = BAD[case]
    done = call("denoise", *arguments, *([] if "-o" in arguments else ["-o", "out.png"]))
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_that_cannot_be_written_is_refused(tmp_path, monkeypatch):
    np.save(tmp_path / "in.npy", np.full((64, 64), 0.5))
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)  # root may write everywhere
    done = call("denoise", tmp_path / "in.npy", "-o", tmp_path / "out.png")
    assert done.exit_code == 2
    assert done.stderr.strip().endswith("cannot be written to.")
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("kind", ["alpha", "16 bit", "a row"])
def test_transparent_deep_and_thin_pictures_are_denoised(kind, noisy, tmp_path):
    array = (noisy[0].permute(1, 2, 0).clamp(0, 1).numpy() * 255).round().astype(np.uint8)
    array = {
        "alpha": np.dstack([array, np.full(array.shape[:2], 255, np.uint8)]),
        "16 bit": array[..., 0].astype(np.uint16) * 257, "a row": array[:1, :, 0],
    }[kind]  # fmt: skip
    Image.fromarray(array).save(tmp_path / "in.png")
    done = call("denoise", tmp_path / "in.png", "--sigma", 20 / 255, "-o", tmp_path / "out.png")
    assert done.exit_code == 0, done.output
    colour = torch.from_numpy(
        array[..., :3] / 255 if kind == "alpha" else array[..., None] / (65535 if "bit" in kind else 255)
    )
    y, x = colour.permute(2, 0, 1)[None].float(), images.read_image(tmp_path / "out.png")
    expected = denoising.denoise(y, sigma=20 / 255).x
    torch.testing.assert_close(x, expected.clamp(0, 1), atol=0.5 / 255 + 1e-6, rtol=0)


def test_restore_takes_auto_for_the_level(tmp_path):
    images.write_image(images.photo("coffee", 48), tmp_path / "in.png")
    outputs = []
    for k, level in enumerate(("auto", "0")):
        out = tmp_path / f"{k}.png"
        done = call("restore", tmp_path / "in.png", "--kernel", "box", "--sigma", level, "--iterations", 2, "-o", out)
        assert done.exit_code == 0, done.output
        outputs.append(images.read_image(out))
    assert torch.equal(*outputs)
    wrong = call("restore", tmp_path / "in.png", "--kernel", "box", "--sigma", "loud", "-o", tmp_path / "r.png")
    assert wrong.exit_code == 2
    assert "--sigma is 'loud'; wanted a number, or auto" in wrong.stderr
