"""The first command: which build of torch it takes and by which program, on simulated machines; its one-line errors."""

import http.server
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import course  # noqa: E402
import torch_build  # noqa: E402

PIN = next(line for line in (ROOT / "requirements.txt").read_text().splitlines() if line.startswith("torch=="))
PIP = torch_build.Plan("with pip", None, None, 4 * 2**30)


def machine(monkeypatch, folder, *, system="linux", smi=None, device=False, reached=True, uv=False):
    """A simulated machine: what nvidia-smi prints (None: it is not installed), a device node, the index, uv."""
    tools = folder / "bin"
    tools.mkdir(exist_ok=True)
    if smi is not None:
        program(tools / "nvidia-smi", f"echo '{smi}'" if smi else "echo 'has failed: no driver' && exit 9")
    if uv:
        program(tools / "uv", "exit 0")
    node = folder / "nvidiactl"
    if device:
        node.touch()
    monkeypatch.setattr(torch_build.sys, "platform", system)
    monkeypatch.setattr(torch_build, "DEVICES", (str(node),))
    monkeypatch.setattr(torch_build, "answers", lambda: reached)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    if not uv:
        which = shutil.which
        monkeypatch.setattr(torch_build.shutil, "which", lambda name: None if name == "uv" else which(name))


def program(path, words):
    path.write_text(f"#!/bin/sh\n{words}\n")
    path.chmod(0o755)


GPU = "GPU 0: NVIDIA RTX A2000 (UUID: GPU-1)"
NO_SH = pytest.mark.skipif(sys.platform == "win32", reason="the simulated programs are shell scripts")


@NO_SH
@pytest.mark.parametrize(
    ("traits", "says", "cpu", "gigabytes"),
    [
        ({}, "there is no NVIDIA GPU: taking torch's CPU build", True, 4),
        ({"smi": ""}, "there is no NVIDIA GPU: taking torch's CPU build", True, 4),
        (
            {"reached": False},
            "index of torch's CPU build does not answer: taking torch from the package index",
            False,
            10,
        ),
        ({"smi": GPU}, "there is an NVIDIA GPU: taking torch with CUDA", False, 10),
        ({"device": True}, "there is an NVIDIA GPU: taking torch with CUDA", False, 10),
        ({"smi": GPU, "uv": True}, "there is an NVIDIA GPU: taking torch with CUDA", False, 10),
        ({"system": "darwin"}, "taking torch from the package index", False, 4),
        ({"system": "win32", "smi": GPU}, "taking torch from the package index", False, 4),
    ],
)
def test_the_build_of_torch_follows_from_the_machine(monkeypatch, tmp_path, traits, says, cpu, gigabytes):
    machine(monkeypatch, tmp_path, **traits)
    plan = torch_build.plan()
    assert says in plan.says
    assert plan.needed == gigabytes * 2**30
    pip = ["python", "-m", "pip", "--disable-pip-version-check", "install"]
    torch_alone = [[*pip, PIN, "--index-url", "https://download.pytorch.org/whl/cpu"]] if cpu else []
    rest = [[*pip, "-r", "requirements.txt"], [*pip, "--no-deps", "-e", "."]]
    assert torch_build.commands(plan, Path("python"), ROOT / "requirements.txt") == [*torch_alone, *rest]


@NO_SH
def test_uv_does_the_work_where_it_is_and_the_index_answers(monkeypatch, tmp_path):
    machine(monkeypatch, tmp_path, uv=True)
    plan = torch_build.plan()
    uv = [str(tmp_path / "bin" / "uv"), "pip", "install", "--python", "python"]
    assert torch_build.commands(plan, Path("python"), ROOT / "requirements.txt") == [
        [*uv, PIN, "--index-url", "https://download.pytorch.org/whl/cpu"],
        [*uv, "-r", "requirements.txt"],
        [*uv, "--no-deps", "-e", "."],
    ]
    machine(monkeypatch, tmp_path, uv=True, reached=False)
    assert torch_build.plan().uv is None


def test_the_index_is_asked_over_the_network(monkeypatch):
    """An index that knows torch, one that knows it not, and none at all, on the loopback."""

    class Index(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/good/torch/" else 404)
            self.end_headers()
            self.wfile.write(b"<a href='torch-2.13.0%2Bcpu.whl'>torch</a>")

        def log_message(self, *arguments):
            pass

    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = http.server.HTTPServer(("127.0.0.1", 0), Index)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = f"http://127.0.0.1:{server.server_port}"
    assert torch_build.answers(f"{place}/good")
    assert not torch_build.answers(f"{place}/other")
    server.shutdown()
    server.server_close()
    assert not torch_build.answers(f"{place}/good")


CPU = torch_build.Plan("CPU build", torch_build.CPU_INDEX, None, 4 * 2**30)


@pytest.mark.parametrize(
    ("plan", "fails", "ran", "said"),
    [
        (CPU, "", ["index", "requirements", "package"], "CPU build"),
        (CPU, "--index-url", ["index", "requirements", "package"], "taking torch from the package index"),
        (CPU._replace(uv="uv"), "", ["uv index", "uv requirements", "uv package"], "CPU build"),
        (CPU._replace(uv="uv"), "uv", ["uv index", "index", "requirements", "package"], "trying with pip"),
        (PIP, "", ["requirements", "package"], "with pip"),
    ],
)
def test_what_is_run_and_what_instead_where_it_fails(monkeypatch, capsys, plan, fails, ran, said):
    kinds = []

    def simulated(command, **options):
        what = "index" if "--index-url" in command else "requirements" if "-r" in command else "package"
        kinds.append(f"uv {what}" if command[0] == "uv" else what)
        return subprocess.CompletedProcess(command, int(bool(fails) and fails in command), stderr="no such wheel")

    monkeypatch.setattr(course.subprocess, "run", simulated)
    course.install(Path("python"), plan)
    assert kinds == ran
    assert said in capsys.readouterr().out


def stops(capsys, function, *arguments):
    with pytest.raises(SystemExit) as caught:
        function(*arguments)
    lines = capsys.readouterr().err.strip().splitlines()
    assert caught.value.code == 2
    return lines[-1]


def test_old_python_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(course.sys, "version_info", (3, 9, 1))
    assert "Python 3.11 or newer is needed" in stops(capsys, course.environment)


def test_full_disk_is_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("PNP_COURSE_ENV", raising=False)
    monkeypatch.setattr(course, "VENV", tmp_path / "venv")
    machine(monkeypatch, tmp_path)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(course.shutil, "disk_usage", lambda path: usage._replace(free=10**8))
    line = stops(capsys, course.environment)
    assert "disk is too full: 0.1 GB free" in line
    assert not (tmp_path / "venv").exists()


@pytest.mark.parametrize(
    ("log", "wanted"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "the disk is full"),
        (
            "NewConnectionError: Failed to establish a new connection: [Errno -3] Temporary failure in name resolution",
            "no network",
        ),
        ("ERROR: ResolutionImpossible", "could not install requirements.txt"),
    ],
)
def test_pip_failures_are_one_line(monkeypatch, capsys, log, wanted):
    failed = subprocess.CompletedProcess([], 1, stderr=log)
    monkeypatch.setattr(course.subprocess, "run", lambda *a, **k: failed)  # whatever is asked
    assert wanted in stops(capsys, course.install, Path("python"), PIP)


def test_wrong_word_is_one_line():
    done = subprocess.run([sys.executable, "tools/course.py", "fly"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "course: wanted one of course, check, test, test-site, book, pdf: python tools/course.py course"
    ]


@pytest.mark.skipif(shutil.which("make") is None, reason="no make on this system: Windows users call tools/course.py")
def test_make_without_python_is_one_line():
    done = subprocess.run(["make", "-s", "test", "PYTHON=no-such-python"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "there is no no-such-python here: install Python 3.11 or newer" in done.stderr


def test_tests_run_in_two_processes_of_one_thread_and_a_notebook_stays_in_one(monkeypatch):
    ran = []
    monkeypatch.setattr(course, "run", lambda command, why, env=None: ran.append((command, env)))
    course.test(Path("python"))
    assert [env for _, env in ran] == [{"OMP_NUM_THREADS": "1"}] * 2
    assert all(command[:7] == ["python", "-m", "pytest", "-n", "2", "--dist", "loadfile"] for command, _ in ran)
    (library, _), (notebooks, _) = ran
    assert library[7:] == ["-m", "not browser", "tests"]
    built = sorted(f"notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb"))
    assert [Path(name).as_posix() for name in notebooks[-len(built) :]] == built
    assert notebooks[notebooks.index("--nbval-cell-timeout") + 1] == "600"


def test_what_one_command_leaves_out_the_other_runs_and_ci_runs_both(monkeypatch):
    ran = []
    monkeypatch.setattr(course, "run", lambda command, why, env=None: ran.append(command))
    course.test_site(Path("python"))
    assert ran[0][7:] == ["-m", "browser", "tests"]
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert [line for line in ci if line.startswith("make test")] == ["make test", "make test-site"]


def test_the_course_opens_the_readers_own_copy(monkeypatch):
    ran = []
    monkeypatch.setattr(course, "run", lambda command, why, env=None: ran.append(command))
    course.course(Path("python"))
    assert ran[0] == ["python", "tools/nb.py", "work"]
    assert ran[1][:4] == ["python", "-m", "jupyterlab", "my_notebooks/00_restore_a_photograph.ipynb"]
    assert (ROOT / "notebooks" / Path(ran[1][3]).name).exists()
