"""Where a result comes from: facts that every results file of this project holds."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import torch

from pnp_course import __version__
from pnp_course.devices import device_name


def provenance(device: torch.device | None = None) -> dict[str, str]:
    """Versions, git commit ("unknown" outside a checkout) and device, for a results file.

    Args:
        device: where the result was computed; the CPU by default.
    """
    try:
        commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parent,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        commit = "unknown"
    return {
        "pnp_course": __version__,
        "commit": commit,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": device_name(device or torch.device("cpu")),
    }
