"""The command line on what people have, and on what they get wrong: one line, exit code 2, nothing half-written."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from pnp_course import deconvolution, images, metrics
from pnp_course.cli import app
from pnp_course.operators import ValidBlur, kernels

ROOT = Path(__file__).resolve().parent.parent


def call(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("in") / "photo.png"
    images.write_image(images.photo("coffee", 64), path)
    return path


def test_demo_writes_everything(picture, tmp_path):
    out = tmp_path / "results"
    done = call("demo", picture, "-o", out, "--peak", 60, "--iterations", 8)
    assert done.exit_code == 0, done.output
    names = {"clean", "kernel", "observed", "wiener", "richardson-lucy", "dpir", "coco-admm", "comparison", "curves"}
    assert {p.name for p in out.iterdir()} == {f"{n}.png" for n in names} | {"report.md", "report.json", "history.csv"}
    facts = json.loads((out / "report.json").read_text())
    x, restored = images.read_image(picture), images.read_image(out / "coco-admm.png")
    # the report's number is that of the picture written (8 bits)
    assert facts["scores"]["coco-admm"]["psnr"] == pytest.approx(metrics.psnr(restored, x), abs=0.02)
    assert facts["scores"]["coco-admm"]["psnr"] > facts["scores"]["observed"]["psnr"] + 1
    assert done.output.strip().endswith("coco-admm.png")


@pytest.mark.parametrize("mode", ["L", "RGBA", "I;16", "rotated"])
def test_demo_takes_many_kinds_of_file(mode, tmp_path):
    rgb = Image.fromarray((images.photo("coffee", 64)[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)).crop(
        (0, 0, 51, 40)
    )
    path, options = tmp_path / "a.png", {}
    if mode == "I;16":
        rgb = Image.fromarray(np.asarray(rgb.convert("L")).astype(np.uint16) * 257)
    elif mode == "rotated":
        options["exif"] = rgb.getexif()
        options["exif"][0x0112] = 6
    else:
        rgb = rgb.convert(mode)
    rgb.save(path, **options)
    done = call("demo", path, "-o", tmp_path / "out", "--iterations", 2)
    assert done.exit_code == 0, done.output
    shape = images.read_image(tmp_path / "out" / "coco-admm.png").shape
    assert shape == (1, 3 if mode in ("RGBA", "rotated") else 1, *((51, 40) if mode == "rotated" else (40, 51)))


@pytest.mark.parametrize("boundary", ["valid", "periodic"])
def test_degrade_then_restore_equals_the_library(boundary, picture, tmp_path):
    observed, restored = tmp_path / "observed.tif", tmp_path / "restored.tif"
    words = ["--boundary", boundary] if boundary != "valid" else []  # the default
    made = call("degrade", picture, "--kernel", "gaussian", "--peak", 80, "--seed", 3, "-o", observed, *words)
    assert made.exit_code == 0, made.output
    x, y, k = images.read_image(picture), images.read_image(observed), kernels.gaussian()
    assert torch.equal(y, deconvolution.degrade(x, k, 80, 3, boundary))
    assert x.shape[-1] - y.shape[-1] == (k.shape[1] - 1 if boundary == "valid" else 0)
    kernel = tmp_path / "observed_kernel.npy"
    done = call("restore", observed, "--kernel", kernel, "--peak", 80, "-o", restored, "--iterations", 4, *words)
    assert done.exit_code == 0, done.output
    usual = deconvolution.DENOISER
    net, setting = deconvolution.denoiser_for(y, usual), deconvolution.settings(80, usual)
    want = deconvolution.restore_coco(y, k, net, setting, max_iter=4, boundary=boundary).x
    if boundary == "valid":
        want = ValidBlur(k).crop(want)
    torch.testing.assert_close(images.read_image(restored), want, atol=1e-6, rtol=0)


def test_large_pictures_are_shrunk_and_it_is_said(tmp_path):
    images.write_image(torch.rand(1, 1, 30, 90), tmp_path / "a.png")
    done = call(
        "demo", tmp_path / "a.png", "--kernel", "box", "--max-side", 45, "-o", tmp_path / "out", "--iterations", 2
    )
    assert done.exit_code == 0, done.output
    assert "shrunk from 90 x 30 to 45 x 15" in done.output


BAD = {
    "no such file": (["demo", "nowhere.png"], "nowhere.png: there is no such file"),
    "no picture": (["demo", "text.png"], "text.png: this is not an image"),
    "zero size": (["demo", "none.npy"], "none.npy: holds an array of shape (0, 3)"),
    "nan": (["restore", "nan.npy", "--kernel", "box", "-o", "r.png"], "NaN or infinite"),
    "negative": (["restore", "negative.npy", "--kernel", "box", "-o", "r.png"], "Poisson counts are >= 0"),
    "counts": (["restore", "counts.npy", "--kernel", "box", "-o", "r.png"], "divide it by the peak"),
    "unknown kernel": (["demo", "photo.png", "--kernel", "shake"], "no kernel 'shake'; wanted motion"),
    "unknown denoiser": (["demo", "photo.png", "--denoiser", "magic"], "no denoiser 'magic'; wanted"),
    "peak": (["demo", "photo.png", "--peak", "-5"], "peak is -5.0; wanted a finite number > 0"),
    "kernel larger": (["demo", "tiny.png"], "kernel is 25 x 25, larger than the image, 16 x 16"),
    "kernel of zeros": (["restore", "photo.png", "--kernel", "zeros.npy", "-o", "r.png"], "a sum > 0"),
    "ending": (["degrade", "photo.png", "-o", "a.xyz"], "use .png"),
    "folder is a file": (["demo", "photo.png", "-o", "text.png"], "text.png is a file; wanted a folder"),
    "unknown preset": (["train", "huge"], "no preset 'huge'; wanted one of tiny"),
    "scale": (["degrade", "wide.npy", "-o", "a.tif"], "intensities reach 200"),
    "no folder": (["restore", "photo.png", "--kernel", "box", "-o", "no/r.png"], "there is no folder no"),
    "output is a folder": (["degrade", "photo.png", "-o", "."], "is a folder; wanted the name"),
    "kernel file is a folder": (["degrade", "photo.png", "-o", "taken.tif"], "taken_kernel.npy is a folder"),
    "tiny picture": (["demo", "line.npy", "--kernel", "point.npy"], "needs at least 11 x 11"),
    "seed": (["degrade", "photo.png", "-o", "a.tif", "--seed", 10**30], "'--seed': Input should be less than or equal to"),
    "max side": (["demo", "photo.png", "--max-side", "-1"], "'--max-side': Input should be greater than or equal to 0"),
    "iterations": (["demo", "photo.png", "--iterations", "many"], "'--iterations': Input should be a valid integer"),
    "lam": (["restore", "photo.png", "--kernel", "box", "-o", "r.png", "--lam", "inf"], "lam is inf; wanted a finite number"),
    "no command": ([], "Missing command. See `"),
    "wrong option": (["demo", "--side", "3"], "No such option: --side"),
    "wrong kind of denoiser": (
        ["demo", "photo.png", "--denoiser", "bregman-drunet"],
        "'bregman-drunet' removes inverse gamma noise, which CoCo-ADMM does not use; wanted one of coco-0.25, coco-0.5",
    ),
    "gray denoiser": (
        ["restore", "photo.png", "--kernel", "box", "-o", "r.png", "--denoiser", "drunet-gray"],
        "'drunet-gray' is for gray pictures, and this one is in colour; wanted one of coco-0.25, coco-0.5",
    ),
    "train into a file": (["train", "tiny", "-o", "photo.png"], "photo.png is a file; wanted a folder"),
    "train beyond a file": (["train", "tiny", "-o", "photo.png/runs"], "photo.png is a file; wanted a folder"),
    "device": (["train", "tiny", "--device", "abacus"], "device is 'abacus'; this machine has auto, cpu"),
    "slices": (["ct", "text.png"], "text.png: there is no DICOM file and no .npy file"),
    "no slices": (["ct", "nowhere"], "nowhere: there is no such file or folder"),
    "air": (["ct", "air.npy"], "air.npy: the slices are air, at most -1000 Hounsfield units"),
    "method": (["ct", "air.npy", "--methods", "FBP; magic"], "no method 'magic'; wanted some of FBP; PWLS-TGV"),
    "zoo": (["train-zoo", "--minutes", "1", "--only", "drunet,abacus"], "--only has 'abacus', which is not in the zoo"),
    "nearest of the zoo": (["train-zoo", "--minutes", "1", "--only", "drunet-grey"], "did you mean 'drunet-gray'?"),
    "zoo without photographs": (["train-zoo", "--minutes", "1", "-o", "runs"], "data set 'bsd400' is missing"),
    "missing data": (["demo", "photo.png", "--kernel", "levin1"], "data set 'levin' is missing"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case, picture, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PNP_COURSE_DATA", str(tmp_path / "nothing"))
    (tmp_path / "photo.png").write_bytes(picture.read_bytes())
    (tmp_path / "text.png").write_text("no picture")
    images.write_image(torch.rand(1, 1, 16, 16), tmp_path / "tiny.png")
    image = np.full((30, 30), 0.3)
    arrays = {
        "none": np.zeros((0, 3)), "nan": np.where(np.eye(30), np.nan, image), "negative": image - 1,
        "counts": image * 100, "zeros": np.zeros((3, 3)), "wide": np.linspace(0, 200, 900).reshape(30, 30),
        "air": np.full((9, 9), -1000.0), "line": np.full((1, 40), 0.4), "point": np.ones((1, 1)),
    }  # fmt: skip
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    (tmp_path / "taken_kernel.npy").mkdir()
    before = sorted(tmp_path.rglob("*"))
    arguments, message = BAD[case]
    done = call(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_interrupted_restore_writes_nothing(picture, tmp_path, monkeypatch):
    from pnp_course.solvers import Iterate, Result

    def cut_short(*arguments, **options):
        x = torch.zeros(1, 3, 64, 64)
        return Result(Iterate(x, denoiser_input=x), [{"iteration": 1, "seconds": 0.0}], "interrupted")

    monkeypatch.setattr(deconvolution, "restore_coco", cut_short)
    done = call("restore", picture, "--kernel", "box", "-o", tmp_path / "r.png")
    assert done.exit_code == 130
    assert done.stderr == "pnp_course: interrupted; no file is half-written.\n"
    assert not list(tmp_path.iterdir())


def test_long_thin_pictures_are_not_shrunk_below_the_kernel(tmp_path):
    images.write_image(torch.rand(1, 1, 40, 400), tmp_path / "a.png")
    done = call("demo", tmp_path / "a.png", "--max-side", 100, "-o", tmp_path / "out", "--iterations", 1)
    assert done.exit_code == 0, done.output
    assert "to 250 x 25 pixels" in done.output


def test_as_a_program():
    done = subprocess.run(
        [sys.executable, "-m", "pnp_course", "restore", "nowhere.png", "--kernel", "box", "-o", "r.png"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "pnp_course: nowhere.png: there is no such file.\n"
    listed = subprocess.run([sys.executable, "-m", "pnp_course", "denoisers"], cwd=ROOT, capture_output=True, text=True)
    assert listed.returncode == 0
    assert "coco-0.25" in listed.stdout


def test_import_is_light():
    """`import pnp_course` brings none of the heavy optional modules."""
    code = (
        "import sys, pnp_course; "
        "heavy = 'matplotlib', 'skimage', 'pandas', 'scipy', 'typer', 'IPython'; "
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.strip() == "[]"
