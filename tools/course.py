"""From a fresh machine to the course, with nothing but Python 3.11 or newer.

    python tools/course.py course      environment, then JupyterLab on the first notebook
    python tools/course.py check       environment, then the main job without a browser
    python tools/course.py test        environment, then all tests, the notebooks included
    python tools/course.py book        environment, then the website in _build/html

`make course`, `make course-check`, `make test` and `make book` call this. The environment is the folder .venv beside
README.md; it is made once, and again when requirements.txt changes. Set PNP_COURSE_ENV=none to use the Python that runs
this, as it is. Only the standard library is used here: it must run where nothing is installed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
NEEDED_BYTES = (10 if sys.platform == "linux" else 4) * 2**30  # on Linux the package index gives torch with CUDA
FIRST_NOTEBOOK = "notebooks/00_restore_a_photograph.ipynb"


def stop(message: str) -> None:
    """One clear line, exit code 2."""
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


def install(python: Path) -> None:
    """pip install into the environment; turns pip's long complaints into one line."""
    pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
    for arguments in (["install", "-r", "requirements.txt"], ["install", "--no-deps", "-e", "."]):
        done = subprocess.run([*pip, *arguments], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            log = done.stderr
            if "No space left" in log or "Errno 28" in log:
                stop(
                    f"the disk is full: about {NEEDED_BYTES / 2**30:.0f} GB are needed in {ROOT}. Free some and run this again."
                )
            signs = ("NewConnectionError", "Temporary failure in name", "getaddrinfo", "ConnectTimeout", "ReadTimeout",
                     "ProxyError", "Network is unreachable", "Max retries")  # fmt: skip
            if any(sign in log for sign in signs):
                stop(
                    "no network: pip could not reach the package index. Connect, or set your proxy, and run this again."
                )
            print(log[-3000:], file=sys.stderr)
            stop("pip could not install requirements.txt; its own words stand above.")


def environment() -> Path:
    """The Python of the course's environment, made if need be."""
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
    if shutil.disk_usage(ROOT).free < NEEDED_BYTES and not python.exists():
        stop(
            f"the disk is too full: {shutil.disk_usage(ROOT).free / 2**30:.1f} GB free in {ROOT}, "
            f"about {NEEDED_BYTES / 2**30:.0f} GB are needed. Free some and run this again."
        )
    print(f"making the environment {VENV} (once; a minute or more, torch is large)", flush=True)
    try:
        if not python.exists():
            import venv

            venv.create(VENV, with_pip=True, clear=True)
    except (ImportError, OSError, subprocess.CalledProcessError) as error:
        shutil.rmtree(VENV, ignore_errors=True)  # half an environment would be taken for a whole one next time
        stop(f"could not make {VENV} ({error}); on Debian and Ubuntu install the package python3-venv first.")
    install(python)
    mark.write_text(stamp())
    return python


def course(python: Path) -> None:
    """JupyterLab on the first notebook."""
    root = ["--allow-root"] if os.name == "posix" and os.geteuid() == 0 else []  # in a container one often is
    run([str(python), "-m", "jupyterlab", FIRST_NOTEBOOK, *root], "JupyterLab")


def check(python: Path) -> None:
    """The main job without a browser; its last line says where the restored picture is."""
    run([str(python), "-m", "pnp_course", "demo", "-o", "_build/course-check"], "the main job")


def test(python: Path) -> None:
    """Library tests, then every notebook executed and compared with its stored outputs."""
    # one thread each for the two halves would not be faster: torch uses both cores
    run([str(python), "-m", "pytest", "tests"], "the tests")
    notebooks = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "notebooks").glob("*.ipynb"))
    if not notebooks:
        stop("there is no notebook in notebooks/: nothing was tested.")
    options = ["--nbval", "--nbval-current-env", "--nbval-sanitize-with", "tools/nbval_sanitize.cfg"]
    options += ["--nbval-cell-timeout", "300", "-p", "no:cacheprovider", "--override-ini", "addopts="]
    run([str(python), "-m", "pytest", *options, *notebooks], "the notebooks' test")


def book(python: Path) -> None:
    """The website; any warning of Sphinx is an error."""
    # python -m cannot call it
    program = shutil.which("jupyter-book", path=str(python.parent)) or "jupyter-book"
    run([program, "build", ".", "-n", "-W", "--keep-going"], "the book's build")
    print(f"book: {ROOT / '_build' / 'html' / 'index.html'}")


COMMANDS = {"course": course, "check": check, "test": test, "book": book}


def main() -> None:
    """Read one word, make the environment, run."""
    word = sys.argv[1] if len(sys.argv) == 2 else ""
    if word not in COMMANDS:
        stop(f"wanted one of {', '.join(COMMANDS)}: python tools/course.py course")
    COMMANDS[word](environment())


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        stop("interrupted; the same command goes on from here.")
