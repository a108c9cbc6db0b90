"""Where a result comes from: facts that every results file of this project holds."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import torch

from pnp_course import __version__


def provenance() -> dict[str, str]:
    """Versions, git commit ("unknown" outside a checkout) and device, for a results file."""
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
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{platform.machine()} CPU"
    return {
        "pnp_course": __version__,
        "commit": commit,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": device,
    }
