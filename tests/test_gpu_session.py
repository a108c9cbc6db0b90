"""The session on a rented GPU, with tiny networks on the CPU: few and small files, from which it goes on anywhere."""

import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file
from test_train_zoo import FEW, slow_steps, tiny  # noqa: F401  # fixtures

from pnp_course import datasets
from pnp_course.denoisers import denoiser_card, load_denoiser
from pnp_course.training import zoo

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import gpu_session  # noqa: E402


def session(folder, *more, minutes=10.0, only=FEW[:2]):
    words = [
        "run",
        "--minutes",
        minutes,
        "-o",
        folder / "out",
        "--work",
        folder / "work",
        "--only",
        ",".join(only),
        *more,
    ]
    return gpu_session.main([str(w) for w in words])


def test_to_the_end(tiny, slow_steps, tmp_path, capsys):  # noqa: F811
    """Measured, trained, packed; unpacked elsewhere, all weights and cards are there; a second run finds nothing to do."""
    assert session(tmp_path) == 0
    said = capsys.readouterr().out
    assert "drunet: 0.05 steps and 0 patches a second" in said  # a step takes 20 s, it is pretended
    assert said.index("coco-gs-0.25: 0.05 steps") < said.index("drunet: weights")
    assert said == (tmp_path / "out" / "log.txt").read_text()
    files = list((tmp_path / "out").iterdir())
    assert {file.name for file in files} == {"log.txt", "zoo.tar.0"}
    assert all(0 < file.stat().st_size <= gpu_session.PART for file in files)
    assert gpu_session.main(["unpack", str(tmp_path / "out"), "-o", str(tmp_path / "zoo")]) == 0
    for name in FEW[:2]:
        assert denoiser_card(name, tmp_path / "zoo" / name)["training"]["steps_done"] >= 2
        load_denoiser(name, folder=tmp_path / "zoo" / name)
        assert (tmp_path / "zoo" / name / "log.csv").exists()
    assert not list((tmp_path / "zoo").rglob("checkpoint.pt"))
    before = load_file(tmp_path / "zoo" / "drunet" / "drunet.safetensors")
    shutil.rmtree(tmp_path / "work")
    assert session(tmp_path, "--resume", tmp_path / "out") == 0
    assert "steps with" not in capsys.readouterr().out
    after = load_file(tmp_path / "work" / "drunet" / "drunet.safetensors")
    assert all((before[key] == after[key]).all() for key in before)


def test_the_time_is_over_in_the_middle(tiny, tmp_path, monkeypatch, capsys):  # noqa: F811
    """The checkpoint comes back in the archive, and another machine goes on from it."""
    monkeypatch.setattr(zoo.cost, "useful_batch", lambda net, preset, *more: (preset, 3e-3))
    monkeypatch.setattr(zoo, "make_plan", lambda *a: ())
    monkeypatch.setattr(gpu_session, "PACKING", 0.0)
    assert session(tmp_path, minutes=0.05, only=["drunet"]) == 0
    assert "steps are done and the time is over" in capsys.readouterr().out
    elsewhere = tmp_path / "elsewhere"
    assert session(elsewhere, "--resume", tmp_path / "out", only=["drunet"]) == 0
    assert denoiser_card("drunet", elsewhere / "work" / "drunet")["training"]["steps_done"] > 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_killed(tiny, slow_steps, tmp_path):  # noqa: F811
    """What was packed before the kill is whole, and the same command goes on."""
    if not (pid := os.fork()):
        session(tmp_path)
        os._exit(0)
    until = time.monotonic() + 120
    while not (tmp_path / "out" / "zoo.tar.0").exists() and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    gpu_session.unpack(tmp_path / "out", tmp_path / "zoo")
    load_denoiser("drunet", folder=tmp_path / "zoo" / "drunet")
    assert session(tmp_path) == 0
    load_denoiser("coco-gs-0.25", folder=tmp_path / "work" / "coco-gs-0.25")


def test_parts(tmp_path, monkeypatch):
    """Cut and joined to the byte; too much leaves the checkpoint out, and still more is an error."""
    monkeypatch.setattr(gpu_session, "PART", 30_000)
    work, out = tmp_path / "work", tmp_path / "out"
    out.mkdir()
    for name, done in (("a", True), ("b", False)):
        (work / name).mkdir(parents=True)
        (work / name / "log.csv").write_text("step\n1\n")
        (work / name / "checkpoint.pt").write_bytes(os.urandom(60_000))
        if done:
            (work / name / f"{name}.json").write_text("{}")
            (work / name / f"{name}.safetensors").write_bytes(os.urandom(40_000))
    assert gpu_session.pack(work, out).startswith("packed 5 files into 4 of")
    gpu_session.unpack(out, tmp_path / "again")
    for path in ("a/a.safetensors", "b/checkpoint.pt", "b/log.csv"):
        assert (tmp_path / "again" / path).read_bytes() == (work / path).read_bytes()
    assert not (tmp_path / "again" / "a" / "checkpoint.pt").exists()  # it is finished
    (work / "b" / "checkpoint.pt").write_bytes(os.urandom(120_000))
    assert gpu_session.pack(work, out).endswith("too large, so left out: b")
    assert len(list(out.glob("zoo.tar.*"))) == 2  # and the parts of before are gone
    (work / "a" / "a.safetensors").write_bytes(os.urandom(200_000))
    with pytest.raises(ValueError, match="name fewer networks"):
        gpu_session.pack(work, out)


def test_what_is_said_of_mistakes(tmp_path, capsys):
    assert gpu_session.main(["unpack", str(tmp_path), "-o", str(tmp_path / "zoo")]) == 2
    assert (
        capsys.readouterr().err
        == f"gpu_session: there is no zoo.tar.0 in {tmp_path}; wanted the folder that `run` wrote.\n"
    )
    assert session(tmp_path, only=["drunett"]) == 2
    assert "did you mean 'drunet'?" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_kit_is_complete(tmp_path, monkeypatch):
    """Unpacked in an empty folder, its script finds its library, its weights, its photographs and its tests there."""
    photographs = [tmp_path / f"{i}.jpg" for i in range(2)]
    for path in photographs:
        path.write_bytes(b"x")
    monkeypatch.setattr(datasets, "dataset", lambda name: photographs)
    assert gpu_session.main(["kit", str(tmp_path / "kit.tar")]) == 0
    with tarfile.open(tmp_path / "kit.tar") as tar:
        tar.extractall(tmp_path / "kit", filter="data")
    assert {p.stem for p in (tmp_path / "kit" / "pnp_course" / "weights").glob("*.safetensors")} >= set(zoo.SHARES)
    code = (
        "import sys; sys.path[:0] = ['tools', 'tests']; import gpu_session, test_devices, test_training_graph, pnp_course; "
        "from pnp_course.training import zoo; from pathlib import Path; "
        "[zoo.first_net(zoo.started(n, Path('x')), Path('x')) for n in zoo.SHARES]; print(pnp_course.__file__)"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "kit", env=environment, capture_output=True, text=True
    )
    assert done.stdout.strip() == str(tmp_path / "kit" / "pnp_course" / "__init__.py"), done.stderr
    assert sorted(p.name for p in (tmp_path / "kit" / "data" / "bsd400").iterdir()) == ["0.jpg", "1.jpg"]
