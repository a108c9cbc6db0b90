"""What more steps of training buy: python benchmarks/steps.py [NAME=STEPS,STEPS ...]  ->  benchmarks/results/steps.csv

Trains a preset with fewer steps than its own, from its own start and with a whole schedule of the learning rate each, and
measures PSNR on CBSD68. The last row of a preset is its shipped denoiser. A row is written as soon as it is there; those that
are in the file stay. Runs are kept in the folder runs/steps and go on where they were.
"""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import Any

import torch

from pnp_course.datasets import images, training_images
from pnp_course.denoisers import denoiser_card
from pnp_course.images import to_channels
from pnp_course.training.guards import threads
from pnp_course.training.loop import train
from pnp_course.training.main import first_net
from pnp_course.training.presets import PRESETS, preset_from
from pnp_course.training.validation import LEVELS, measure_psnr

RESULTS = Path(__file__).resolve().parent / "results" / "steps.csv"
RUNS = Path("runs")
DEFAULT = ["drunet=1000,2000,4000"]
COLUMNS = ["preset", "start", "steps", *(f"psnr_{level}" for level in LEVELS), "minutes"]


def measured(name: str, steps: int) -> dict[str, Any]:
    """A row: a training of so many steps."""
    preset = replace(PRESETS[name], steps=steps, validate_every=steps)
    net, photographs = first_net(preset, RUNS), training_images(preset.in_channels)
    done = train(net, preset, photographs, RUNS / "steps" / f"{name}-{steps}")
    clean = [x if preset.in_channels == 3 else to_channels(x, 1) for x in images("cbsd68")]
    with torch.no_grad():
        psnr = measure_psnr(done.averaged_net(), clean)
    return row(name, preset.start, steps, psnr, done.seconds)


def shipped(name: str) -> dict[str, Any] | None:
    """The row of the shipped denoiser, if it was trained by this preset."""
    card = denoiser_card(name)
    said = card["training"]
    if asdict(preset_from(said)) != json.loads(json.dumps(asdict(PRESETS[name]))):  # tuples are lists on a card
        return None
    return row(name, said["start"], said["steps_done"], card["psnr_cbsd68"], 3600 * said["hours"])


def row(name: str, start: str | None, steps: int, psnr: dict[str, float], seconds: float) -> dict[str, Any]:
    """The columns of the file."""
    values = {f"psnr_{level}": psnr[str(level)] for level in LEVELS}
    return {"preset": name, "start": start, "steps": steps, **values, "minutes": round(seconds / 60, 1)}


def main() -> None:
    """Add what is missing."""
    rows = list(csv.DictReader(RESULTS.open(encoding="utf-8"))) if RESULTS.exists() else []
    for task in sys.argv[1:] or DEFAULT:
        name, _, counts = task.partition("=")
        wanted = [int(n) for n in counts.split(",") if n]
        known = {int(r["steps"]) for r in rows if r["preset"] == name}
        missing = (measured(name, n) for n in wanted if n not in known)
        for found in chain(missing, [shipped(name)]):  # one by one: a row is written before the next training
            if found and found["steps"] not in known:
                rows.append({key: str(value) for key, value in found.items()})
                rows.sort(key=lambda r: (r["preset"], int(r["steps"])))
                with RESULTS.open("w", encoding="utf-8", newline="") as file:
                    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
                    writer.writeheader()
                    writer.writerows(rows)
                print(found, flush=True)


if __name__ == "__main__":
    with threads(1):
        main()
