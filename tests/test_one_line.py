"""What a failing command says: one line for what a user can fix, a traceback for a fault of the program."""

import contextlib
import errno
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import pnp_course
from pnp_course import deconvolution, images, one_line
from pnp_course.cli import app
from pnp_course.solvers import Iterate, run
from pnp_course.whole_files import check_folder, whole_files

ROOT = Path(__file__).resolve().parent.parent
INTERRUPTED = "pnp_course: interrupted; no file is half-written.\n"
linux = pytest.mark.skipif(sys.platform != "linux", reason="uses what only Linux has")


def program(*arguments, **options):
    """The program as a user starts it; its folder is `cwd`."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | options.pop("environment", {})
    return subprocess.run(
        [sys.executable, *(["-m", "pnp_course"] if arguments[0] != "-c" else []), *arguments],
        **({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment} | options),
    )


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images.write_image(torch.rand(1, 3, 32, 40, generator=torch.Generator().manual_seed(0)), "photo.png")
    return tmp_path


def diverging():
    for k in range(20):
        x = torch.full((1, 1, 4, 4), 10.0 ** (2 * k))
        yield Iterate(x, denoiser_input=x)


def ours(code):
    """Run one line as if it stood in this package."""
    exec(code, {"__name__": "pnp_course.somewhere", "torch": torch, "np": np})


EXPECTED = {
    "a check": lambda: images.photo("nobody"),
    "a check of a number": lambda: deconvolution.settings(-1),
    "a raise of ours": lambda: ours("raise ValueError('no')"),
    "a raise of ours in words of another": lambda: ours("try: int('x')\nexcept ValueError as e: raise ValueError('no') from e"),
    "divergence": lambda: run(diverging()),
    "a file": lambda: Path("nowhere").read_text(),
    "memory": lambda: torch.empty(2**46),
    "numpy's memory": lambda: np.empty(2**46),
    "a package": lambda: ours("import no_such_package"),
}  # fmt: skip
FAULTS = {
    "index": lambda: ours("[][0]"),
    "type": lambda: ours("1 + '1'"),
    "a call of ours that fails": lambda: ours("int('x')"),
    "lengths": lambda: ours("list(zip([1], [], strict=True))"),
    "torch": lambda: ours("torch.zeros(2) + torch.zeros(3)"),
    "numpy": lambda: ours("np.zeros(3).reshape(2, 2)"),
    "somebody else's raise": lambda: exec("raise ValueError('no')", {"__name__": "elsewhere"}),
    "an error without a cause of the system": lambda: exec("raise OSError('cannot')", {"__name__": "elsewhere"}),
    "a module of ours": lambda: ours("import pnp_course.nowhere"),
    "letters": lambda: ours("'\\udcff'.encode()"),
}


@pytest.mark.parametrize("name", [*EXPECTED, *FAULTS])
def test_what_is_expected(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception) as caught:  # noqa: PT011
        (EXPECTED | FAULTS)[name]()
    assert one_line.is_expected(caught.value) == (name in EXPECTED), repr(caught.value)


@pytest.mark.parametrize("fault", [IndexError("fault"), ValueError("fault"), RuntimeError("fault"), TypeError("fault")])
def test_a_fault_keeps_its_traceback(here, monkeypatch, fault):
    def broken(*arguments):
        raise fault

    monkeypatch.setattr(deconvolution, "degrade", broken)
    done = CliRunner().invoke(app, ["degrade", "photo.png", "-o", "a.tif"])
    assert done.exit_code == 1
    assert done.exception is fault
    assert "This is a fault of pnp_course" in fault.__notes__[0]


@pytest.mark.parametrize("arguments", [["--debug", "demo", "nowhere.png"], ["demo", "nowhere.png", "--debug"]])
def test_debug_shows_where_an_expected_error_came_from(arguments):
    done = CliRunner().invoke(app, arguments)
    lines = done.stderr.splitlines()
    assert done.exit_code == 2
    assert lines[0] == "Traceback (most recent call last):"
    assert any("in read_image" in line for line in lines)
    assert lines[-1] == "pnp_course: nowhere.png: there is no such file."


# names and letters


@linux
def test_file_names_that_are_not_utf8(here):
    odd = os.fsdecode(b"\xff")
    os.rename("photo.png", f"{odd}.png")
    done = CliRunner().invoke(app, ["demo", f"{odd}.png", "-o", odd, "--kernel", "box", "--iterations", "1"])
    assert done.exit_code == 0, done.output
    assert rb"Picture: \udcff.png" in Path(odd, "report.md").read_bytes()
    done = program("demo", f"{odd}{odd}.png", cwd=here)
    assert (done.returncode, done.stderr) == (2, rb"pnp_course: \udcff\udcff.png: there is no such file." + b"\n")


def test_a_terminal_without_the_letters_of_a_name(here):
    os.rename("photo.png", "лес.png")
    environment = {"PYTHONIOENCODING": "cp1252"}
    done = program("degrade", "лес.png", "--kernel", "box", "-o", "σ.tif", cwd=here, environment=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"observation: \u03c3.tif" in done.stdout
    assert Path("σ_kernel.npy").is_file()
    assert program("--help", environment=environment).returncode == 0


# disks


@linux
@pytest.mark.parametrize("argument", ["denoisers", "--version", "--help"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_to_a_full_device(argument, unbuffered):
    with open("/dev/full", "w") as full:
        done = program(argument, stdout=full, environment={"PYTHONUNBUFFERED": unbuffered})
    assert done.returncode == 2
    assert done.stderr == b"pnp_course: input or output failed: No space left on device.\n"


@contextlib.contextmanager
def full_disk():
    """A limit on the size of files stands in for a full disk: both stop a file in its middle. Not for longer than a call:
    pytest's own output may go to a file."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@linux
@pytest.mark.parametrize("output", ["a.tif", "a.npy", "a.png", "a.ppm", "a.bmp", "a.jpg"])
def test_a_disk_that_takes_no_more(here, output):
    Path(output).write_bytes(b"as it was")
    before = sorted(here.rglob("*"))
    with full_disk():
        done = CliRunner().invoke(
            app, ["degrade", "photo.png", "--kernel", "box", "--boundary", "periodic", "-o", output]
        )
    if output == "a.jpg":  # small enough
        assert done.exit_code == 0
        assert images.read_image(output).shape[-2:] == (32, 40)
        return
    assert done.exit_code == 2
    assert re.fullmatch(r"pnp_course: cannot write into the folder \.: .*; nothing was left\.\n", done.stderr)
    assert sorted(here.rglob("*")) == before
    assert Path(output).read_bytes() == b"as it was"


@linux
def test_a_demonstration_that_the_disk_does_not_take(here):
    before = sorted(here.rglob("*"))
    with full_disk():
        done = CliRunner().invoke(
            app, ["demo", "photo.png", "--kernel", "box", "--iterations", "1", "-o", "new/results"]
        )
    assert done.exit_code == 2
    assert "pnp_course: cannot write into the folder new/results: " in done.stderr
    assert sorted(here.rglob("*")) == before  # not even the folder


def test_observation_and_kernel_are_written_both_or_neither(here, monkeypatch):
    save = images.save_picture

    def full(x, path):
        if path.suffix == ".npy":
            raise OSError(errno.ENOSPC, "No space left on device")
        save(x, path)

    monkeypatch.setattr(images, "save_picture", full)
    done = CliRunner().invoke(app, ["degrade", "photo.png", "--kernel", "box", "-o", "a.tif"])
    assert done.exit_code == 2
    assert done.stderr == "pnp_course: cannot write into the folder .: No space left on device; nothing was left.\n"
    assert [p.name for p in here.iterdir()] == ["photo.png"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_whole_files_keeps_what_was_there(tmp_path, error):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(type(error)), whole_files(tmp_path) as scratch:  # noqa: PT012
        (scratch / "a.txt").write_text("new")
        raise error
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a.txt": "old"}
    with whole_files(tmp_path / "b" / "c") as scratch:
        (scratch / "a.txt").write_text("new")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.txt", "a.txt", "b", "c"]


def test_a_picture_beside_the_one_written_is_left_alone(tmp_path):
    (tmp_path / "a.part.png").write_text("mine")
    images.write_image(torch.rand(1, 1, 4, 4), tmp_path / "a.png")
    assert (tmp_path / "a.part.png").read_text() == "mine"
    (tmp_path / "plain").touch()
    assert (tmp_path / "a.png").stat().st_mode == (tmp_path / "plain").stat().st_mode  # readable as any file is


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="link is a file; wanted a folder"):
        check_folder(tmp_path / "link")


# Ctrl-C

PRESS = """
import os, runpy, signal, sys, threading, time
def press(module):
    while module not in sys.modules:
        time.sleep(0.0005)
    os.kill(os.getpid(), signal.SIGINT)
signal.signal(signal.SIGINT, signal.default_int_handler)  # as from a shell: what starts the tests may ignore it
threading.Thread(target=press, args=[sys.argv.pop(1)], daemon=True).start()
runpy.run_module("pnp_course", run_name="__main__", alter_sys=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no signal to one process")
@pytest.mark.parametrize("module", ["typer", "torch.nn", "pnp_course.solvers"])
def test_ctrl_c_while_the_program_is_loading(here, module):
    done = program("-c", PRESS, module, "degrade", "photo.png", "-o", "a.tif", cwd=here)
    assert (done.returncode, done.stderr.decode()) == (130, INTERRUPTED)
    assert [p.name for p in here.iterdir()] == ["photo.png"]


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no signal to one process")
def test_ctrl_c_at_work(here):
    """skimage is loaded when the work has begun."""
    done = program("-c", PRESS, "skimage", "demo", "-o", "out", cwd=here)
    assert (done.returncode, done.stderr.decode()) == (130, INTERRUPTED)
    assert [p.name for p in here.iterdir()] == ["photo.png"]


# start and version


def test_help_comes_without_torch():
    code = "import sys; from pnp_course import cli, one_line; print('torch' in sys.modules, 'numpy' in sys.modules)"
    assert program("-c", code).stdout.split() == [b"False", b"False"]


def test_names_of_the_package_come_when_they_are_asked_for():
    code = (
        "import pnp_course as p; print(p.run.__module__, p.load_denoiser.__module__, p.solvers.coco_admm.__name__);"
        "from pnp_course import *; print(sorted(set(p.__all__) - set(globals())), set(p.__all__) <= set(dir(p)))"
    )
    done = program("-c", code)
    assert done.stdout.decode().split() == [
        "pnp_course.solvers.runner", "pnp_course.denoisers.zoo", "coco_admm", "[]", "True",
    ]  # fmt: skip
    with pytest.raises(AttributeError, match="'pnp_course' has no attribute 'nothing'"):
        pnp_course.nothing  # noqa: B018


def test_one_version():
    from pnp_course.provenance import provenance

    said = CliRunner().invoke(app, ["--version"])
    assert (said.exit_code, said.output) == (0, f"pnp_course {pnp_course.__version__}\n")
    assert provenance()["pnp_course"] == pnp_course.__version__
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.+)$", citation, re.MULTILINE) == [pnp_course.__version__]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in project["project"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "pnp_course.__version__"}


def test_an_empty_checkpoint_is_refused(tmp_path):
    from pnp_course.denoisers.published import CheckpointError, load_published

    (tmp_path / "a.pth").touch()
    with pytest.raises(CheckpointError, match=r"a\.pth cannot be read as a checkpoint \(it is empty\)"):
        load_published("drunet", tmp_path / "a.pth")
