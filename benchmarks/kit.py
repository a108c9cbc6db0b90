"""The classroom kit, whole: python benchmarks/kit.py WHEELS  ->  benchmarks/results/kit.json

WHEELS is a folder that `python tools/classroom.py kit --collect WHEELS` has filled, and the site is built (`make book`). The kit
is made, unpacked in a fresh folder and installed there by its own script, with an index that nobody answers; then the
installed course restores its photograph and opens one of the kit's notebooks, which is run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from time import perf_counter
from typing import Any

from pnp_course.provenance import provenance

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "kit.json"
sys.path.insert(0, str(ROOT / "tools"))
import kit  # noqa: E402

NOTEBOOK = "00_restore_a_photograph.ipynb"


def alone() -> dict[str, str]:
    """The environment of a machine that reaches nothing and has no settings of pip, of Python or of this course."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON", "PNP_COURSE", "VIRTUAL_ENV"))}
    return kept | {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9/", "no_proxy": "*"}


def size(folder: Path) -> float:
    """Megabytes of all files below."""
    return round(sum(p.stat().st_size for p in folder.rglob("*") if p.is_file() and not p.is_symlink()) / 1e6, 1)


def timed(command: list[str], room: Path) -> float:
    """Seconds of a command in the room; its failure ends the measurement."""
    begun = perf_counter()
    subprocess.run(command, cwd=room, env=alone(), check=True)
    return round(perf_counter() - begun, 1)


def measure(wheels: Path) -> dict[str, Any]:
    """Sizes and seconds, from the wheels to the restored photograph."""
    load = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder) / "room"
        begun = perf_counter()
        archive = kit.make(Path(folder) / kit.NAME, kit.Options(wheels))
        packed = round(perf_counter() - begun, 1)
        with zipfile.ZipFile(archive) as zipped:
            zipped.extractall(room)
        sizes = {
            "kit": round(archive.stat().st_size / 1e6, 1),
            "wheels": size(room / "wheels"),
            "site": size(room / "site"),
        }
        seconds = {"pack": packed, "install": timed([sys.executable, "install.py"], room)}
        sizes["environment"] = size(room / ".venv")
        python = str(next(p for p in room.glob(".venv/*/python*") if p.stem == "python"))
        seconds["demo"] = timed([python, "-m", "pnp_course", "demo", "-o", "restored"], room)
        run = ["-m", "jupyter", "execute", f"notebooks/{NOTEBOOK}", "--allow-errors"]  # the exercises are still open
        seconds["notebook"] = timed([python, *run], room)
        files = len(list((room / "wheels").glob("*.whl")))
    return {
        "sizes_mb": sizes, "seconds": seconds, "wheels": files, "python": ".".join(map(str, sys.version_info[:2])),
        "machine": {"cores": os.cpu_count(), "load_before": load}, "provenance": provenance(),
    }  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) != 2 or not list(Path(sys.argv[1]).glob("torch-*.whl")):
        raise SystemExit("wanted the folder of the wheels: python tools/classroom.py kit --collect wheels fills it.")
    RESULTS.write_text(json.dumps(measure(Path(sys.argv[1])), indent=1) + "\n", encoding="utf-8")
