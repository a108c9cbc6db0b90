"""Which build of torch the first command installs, and how. It runs where nothing is installed, with the standard library.

torch's CUDA build takes some gigabytes, and on Linux the package index has no other. So a Linux machine without an
NVIDIA GPU takes the CPU build from PyTorch's own index, if that index answers; otherwise torch comes from the index
that pip knows. `uv` does the work if it is installed and the index of the CPU build answers, in seconds instead of
minutes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PROBE_SECONDS = 4
GIGABYTE = 2**30
DEVICES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg")  # the last one belongs to a GPU in Linux on Windows


class Plan(NamedTuple):
    """What will be installed: the line that says so, the index of torch (None: pip's own), `uv` or None, disk space."""

    says: str
    index: str | None
    uv: str | None
    needed: int


def has_nvidia() -> bool:
    """Is there an NVIDIA GPU? It has a device node, or nvidia-smi lists it (the tool may be there without a GPU)."""
    if any(Path(device).exists() for device in DEVICES):
        return True
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return False
    try:
        listed = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return listed.returncode == 0 and "GPU" in listed.stdout


def answers(index: str = CPU_INDEX) -> bool:
    """Does the index give its page of torch within a few seconds?"""
    try:
        with urllib.request.urlopen(f"{index}/torch/", timeout=PROBE_SECONDS) as page:
            return page.status == 200 and b"torch" in page.read(2**20)
    except (OSError, ValueError, urllib.error.URLError):
        return False


def plan() -> Plan:
    """Look at the machine and decide what to install."""
    if sys.platform != "linux":
        return Plan("taking torch from the package index", None, None, 4 * GIGABYTE)
    if has_nvidia():
        return Plan("there is an NVIDIA GPU: taking torch with CUDA", None, None, 10 * GIGABYTE)
    if not answers():
        says = "there is no NVIDIA GPU, but the index of torch's CPU build does not answer: taking torch from the package index"
        return Plan(f"{says}, which may be the CUDA build", None, None, 10 * GIGABYTE)
    return Plan("there is no NVIDIA GPU: taking torch's CPU build", CPU_INDEX, shutil.which("uv"), 4 * GIGABYTE)


def torch_pin(requirements: Path) -> str:
    """The line of requirements.txt that pins torch."""
    found = re.search(r"^torch==\S+", requirements.read_text(encoding="utf-8"), flags=re.M)
    if found is None:
        raise ValueError(f"{requirements} pins no torch: it needs a line torch==VERSION.")
    return found.group()


def commands(chosen: Plan, python: Path, requirements: Path) -> list[list[str]]:
    """The commands in order: torch alone from its index, then everything else, then the package itself."""
    if chosen.uv:
        install = [chosen.uv, "pip", "install", "--python", str(python)]
    else:
        install = [str(python), "-m", "pip", "--disable-pip-version-check", "install"]
    first = [[*install, torch_pin(requirements), "--index-url", chosen.index]] if chosen.index else []
    return [*first, [*install, "-r", requirements.name], [*install, "--no-deps", "-e", "."]]


def quiet(environment: dict[str, str] | None = None) -> dict[str, str]:
    """The environment of those commands, without the caller's virtual environment, which would make uv complain."""
    return {name: value for name, value in (environment or os.environ).items() if name != "VIRTUAL_ENV"}
