"""From a fresh machine to the course, with nothing but Python 3.11 or newer.

    python tools/course.py course      environment, then JupyterLab on the first notebook
    python tools/course.py check       environment, then the main job without a browser
    python tools/course.py test        environment, then the tests of the library and of every notebook
    python tools/course.py test-site   environment, then the website's tests in a headless Chromium
    python tools/course.py book        environment, then the website in _build/html
    python tools/course.py pdf         the same, then the whole book as _build/pnp_course.pdf, printed by Chromium

`make` with the same word (`course-check` for check) calls this. The environment is the folder .venv beside README.md; it is
made once, and again when requirements.txt changes. Set PNP_COURSE_ENV=none to use the Python that runs
this, as it is. On Linux without an NVIDIA GPU torch's CPU build is taken (torch_build.py). Only the standard library is
used here: it must run where nothing is installed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import torch_build

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
WORK = "my_notebooks"  # the reader's own copies, beside book/, so that their links work
CELL_SECONDS = 600  # of a notebook's test: far more than a cell takes, for machines that are busy with other work
REPORT = "_build/notebooks.xml"  # seconds of every cell: python tools/nb.py time
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
PYTEST = ["-m", "pytest", "-n", "2", "--dist", "loadfile"]  # two processes


def stop(message: str) -> None:
    """Print one clear line and end with exit code 2."""
    print(f"course: {message}", file=sys.stderr)
    raise SystemExit(2)


def run(command: list[str], why: str, env: dict[str, str] | None = None) -> None:
    """Run a command from the root; a failure is one line that says what failed, after the command's own output."""
    code = subprocess.run(command, cwd=ROOT, env={**os.environ, **(env or {})}).returncode
    if code:
        print(f"course: {why} failed with exit code {code}.", file=sys.stderr)
        raise SystemExit(code)


def stamp() -> str:
    """What the environment depends on."""
    files = [ROOT / "requirements.txt", ROOT / "pyproject.toml"]
    return hashlib.sha256(b"".join(f.read_bytes() for f in files) + sys.version.encode()).hexdigest()


def install(python: Path, plan: torch_build.Plan) -> None:
    """Install into the environment as planned, and turn long error messages into one line."""
    print(plan.says, flush=True)
    commands = torch_build.commands(plan, python, ROOT / "requirements.txt")
    for k, command in enumerate(commands):
        done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=torch_build.quiet())
        if done.returncode == 0:
            continue
        if plan.uv:
            print("uv could not do it: trying with pip", flush=True)
            return install(python, plan._replace(uv=None))
        if plan.index and k == 0 and not full(done.stderr):
            print("the CPU build could not be installed: taking torch from the package index", flush=True)
            continue
        explain(done.stderr, plan.needed)


def full(log: str) -> bool:
    """Does pip say that the disk is full?"""
    return "No space left" in log or "Errno 28" in log


def explain(log: str, needed: int) -> None:
    """End with one line that says what pip's error means."""
    if full(log):
        stop(f"the disk is full: about {needed / 2**30:.0f} GB are needed in {ROOT}. Free some and run this again.")
    signs = ("NewConnectionError", "Temporary failure in name", "getaddrinfo", "ConnectTimeout", "ReadTimeout",
             "ProxyError", "Network is unreachable", "Max retries")  # fmt: skip
    if any(sign in log for sign in signs):
        stop("no network: pip could not reach the package index. Connect, or set your proxy, and run this again.")
    print(log[-3000:], file=sys.stderr)
    stop("pip could not install requirements.txt; its own message is above.")


def environment() -> Path:
    """The Python of the course's environment, which is made if necessary."""
    if sys.version_info < (3, 11):
        stop(
            f"this is Python {sys.version.split()[0]}; Python 3.11 or newer is needed: "
            "install it from python.org and run this with it."
        )
    if os.environ.get("PNP_COURSE_ENV") == "none":
        return Path(sys.executable)
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    mark = VENV / "pnp_course_installed"
    if python.exists() and mark.exists() and mark.read_text() == stamp():
        return python
    plan = torch_build.plan()
    if shutil.disk_usage(ROOT).free < plan.needed and not python.exists():
        stop(
            f"the disk is too full: {shutil.disk_usage(ROOT).free / 2**30:.1f} GB free in {ROOT}, "
            f"about {plan.needed / 2**30:.0f} GB are needed. Free some and run this again."
        )
    print(f"making the environment {VENV} (once; a minute or more, torch is large)", flush=True)
    try:
        if not python.exists():
            import venv

            venv.create(VENV, with_pip=True, clear=True)
    except (ImportError, OSError, subprocess.CalledProcessError) as error:
        shutil.rmtree(VENV, ignore_errors=True)  # half an environment would look like a whole one next time
        stop(f"could not make {VENV} ({error}); on Debian and Ubuntu install the package python3-venv first.")
    install(python, plan)
    mark.write_text(stamp())
    return python


def course(python: Path) -> None:
    """Start JupyterLab on the reader's copy of the first notebook; copies that exist are never overwritten."""
    run([str(python), "tools/nb.py", "work"], "copying the notebooks")
    root = ["--allow-root"] if os.name == "posix" and os.geteuid() == 0 else []  # containers often run as root
    run([str(python), "-m", "jupyterlab", f"{WORK}/00_restore_a_photograph.ipynb", *root], "JupyterLab")


def check(python: Path) -> None:
    """Run the main job without a browser; its last line says where the restored picture is."""
    run([str(python), "-m", "pnp_course", "demo", "-o", "_build/course-check"], "the main job")


def test(python: Path) -> None:
    """Test the library, then execute every notebook and compare its outputs: two processes with one thread each.

    The website, whose hundred pages take as long as the library, has a test of its own.
    Printed digits may depend on the number of threads; therefore tools/nb.py also builds the notebooks with one thread.
    A file's tests stay together: a notebook's cells need one kernel, and a module's fixtures are made only once.
    """
    pytest = [str(python), *PYTEST]
    run([*pytest, "-m", "not browser", "tests"], "the tests", ONE_THREAD)
    notebooks = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "notebooks").glob("*.ipynb"))
    if not notebooks:
        stop("there is no notebook in notebooks/: nothing was tested.")
    options = ["--nbval", "--nbval-current-env", "--nbval-sanitize-with", "tools/nbval_sanitize.cfg"]
    options += ["--nbval-cell-timeout", str(CELL_SECONDS), "-p", "no:cacheprovider", "--override-ini", "addopts="]
    run([*pytest, *options, f"--junitxml={REPORT}", *notebooks], "the notebooks' test", ONE_THREAD)


def test_site(python: Path) -> None:
    """Test every page of the website in a headless Chromium; the website is built first if anything in it has changed."""
    run([str(python), *PYTEST, "-m", "browser", "tests"], "the website's tests", ONE_THREAD)


def book(python: Path) -> None:
    """Build the website; any warning of Sphinx is an error."""
    # python -m cannot call it
    program = shutil.which("jupyter-book", path=str(python.parent)) or "jupyter-book"
    run([program, "build", ".", "-n", "-W", "--keep-going"], "the book's build")
    print(f"book: {ROOT / '_build' / 'html' / 'index.html'}")


def pdf(python: Path) -> None:
    """Build the website, and print it into one PDF."""
    book(python)
    run([str(python), "tools/pdf.py"], "the PDF")


COMMANDS = {"course": course, "check": check, "test": test, "test-site": test_site, "book": book, "pdf": pdf}


def main() -> None:
    """Read the command, make the environment, and run the command."""
    word = sys.argv[1] if len(sys.argv) == 2 else ""
    if word not in COMMANDS:
        stop(f"wanted one of {', '.join(COMMANDS)}: python tools/course.py course")
    COMMANDS[word](environment())


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        stop("interrupted; the same command goes on from here.")
