"""The kit for a classroom without a network: one zip with everything, and a script in it that installs from it alone.

    python tools/classroom.py kit --collect wheels      downloads the wheels of requirements.txt first, for this system and
                                                        this Python; or
    python tools/classroom.py kit --wheels wheels       takes a folder that holds them already, and
    python tools/classroom.py kit                       leaves them out: for a room whose machines have the environment

The library's own wheel brings all weights, and scikit-image's wheel the photographs. `wheels.txt` lists every wheel with its
size and SHA-256.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import nb
import torch_build

ROOT = Path(__file__).resolve().parent.parent
NAME = "pnp_course_kit.zip"
README = """The course without a network. Unpack this archive on each machine (or on a shared disk).

site/index.html         the whole website: open it in a browser; for the playground, which loads a worker, serve it:
                        python -m http.server -d site 8000
install.py              python install.py makes the environment in the folder .venv, from the folder wheels alone.
                        Python 3.11 or newer must be there; wheels.txt says which wheels are in this kit{wheels}
notebooks/              the notebooks without solutions; students open them after the installation:
                        .venv/bin/jupyter lab notebooks        (Windows: .venv\\Scripts\\jupyter lab notebooks)
                        whether all is well, .venv/bin/python -m pnp_course demo -o restored tells: it restores a photograph
pnp_course_notebooks.zip
                        the same as one file, to hand out

The weights of all denoisers are in the wheel of pnp_course, the photographs in that of scikit-image. No notebook
downloads anything.
"""
INSTALL = ROOT / "tools" / "kit_install.py"


class Options(NamedTuple):
    """Where the wheels are, whether they are collected there first, and from which folders and pins the kit is made."""

    wheels: Path | None = None
    collect: bool = False
    site: Path = ROOT / "_build" / "html"
    requirements: Path = ROOT / "requirements.txt"


def options(arguments: list[str]) -> Options | None:
    """The options of the command line; None if they are not understood."""
    if not arguments:
        return Options()
    if len(arguments) == 2 and arguments[0] in ("--wheels", "--collect"):
        return Options(Path(arguments[1]), arguments[0] == "--collect")
    return None


def copy(source: Path, target: Path) -> None:
    """A folder in the place of whatever was there."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)


def collect(folder: Path, requirements: Path) -> None:
    """Download the wheels of all pins for this system and this Python, torch's CPU build if it is to be had; build our own."""
    folder.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    chosen = torch_build.plan()
    if chosen.index:
        pin = torch_build.torch_pin(requirements)
        subprocess.run([*pip, "download", "-d", str(folder), pin, "--index-url", chosen.index], check=True)
    find = ["--find-links", str(folder)]
    subprocess.run([*pip, "download", "--prefer-binary", "-d", str(folder), *find, "-r", str(requirements)], check=True)
    with tempfile.TemporaryDirectory() as copied:  # setuptools leaves files where it builds
        for name in ("pnp_course", "pyproject.toml", "README.md", "LICENSE", "LICENSE-text"):
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, Path(copied) / name)
        subprocess.run([*pip, "wheel", "--no-deps", "-w", str(folder), copied], check=True)


def listed(wheels: list[Path]) -> str:
    """One line for each wheel: SHA-256, megabytes, name."""
    lines = []
    for wheel in wheels:
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        lines.append(f"{digest}  {wheel.stat().st_size / 1e6:8.2f} MB  {wheel.name}")
    return "\n".join([*lines, f"{len(wheels)} wheels"]) + "\n"


def contents(chosen: Options) -> Iterator[tuple[str, Path]]:
    """Name in the kit and file, of all that is copied."""
    for path in sorted(chosen.site.rglob("*")):
        if path.is_file():
            yield f"site/{path.relative_to(chosen.site).as_posix()}", path
    for wheel in sorted(chosen.wheels.glob("*")) if chosen.wheels else []:
        if wheel.suffix in (".whl", ".gz"):
            yield f"wheels/{wheel.name}", wheel
    yield "requirements.txt", chosen.requirements


def make(target: Path, chosen: Options) -> Path:
    """Write the kit, whole or not at all.

    Raises:
        FileNotFoundError: the website is not built, or there is no wheel where wheels should be.
    """
    if chosen.wheels and chosen.collect:
        collect(chosen.wheels, chosen.requirements)
    if not (chosen.site / "index.html").exists():
        raise FileNotFoundError(f"there is no website in {chosen.site}: run make book first.")
    wheels = sorted(chosen.wheels.glob("*.whl")) if chosen.wheels else []
    if chosen.wheels and not any(wheel.name.startswith("pnp_course-") for wheel in wheels):
        raise FileNotFoundError(f"there is no wheel of pnp_course in {chosen.wheels}: use --collect to put it there.")
    part = target.with_suffix(".part")
    copies = target.with_suffix(".students")
    nb.zip_copies(copies)
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, path in contents(chosen):
            packed = path.suffix in (".whl", ".gz", ".png", ".jpg", ".zip")
            zipped.write(path, name, zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED)
        zipped.write(copies, nb.STUDENT_ZIP)
        with zipfile.ZipFile(copies) as notebooks:
            for name in notebooks.namelist():
                zipped.writestr(f"notebooks/{name}", notebooks.read(name))
        zipped.writestr("README.txt", README.format(wheels="" if wheels else " (none)"))
        zipped.write(INSTALL, "install.py")
        zipped.writestr("wheels.txt", listed(wheels))
    copies.unlink()
    part.replace(target)
    return target
