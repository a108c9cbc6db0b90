"""What symmetry costs: short finetunings with other penalties  ->  benchmarks/results/tradeoff.csv

    python benchmarks/tradeoff.py coco-0.25 --alpha 0.3 --iterations 1 --steps 250

One run takes a preset, changes its penalty and length, trains, and appends one row: settings, PSNR on the photographs
held out from training (level 15, 25, 40 of 255), and there the asymmetry and both ends of the spectrum (level 25).
The rows are the points of the curve in the book; test images are not touched.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

from pnp_course.certificates import certificate
from pnp_course.datasets import training_images, validation_images
from pnp_course.denoisers.zoo import ARCHITECTURES
from pnp_course.training.loop import train
from pnp_course.training.losses import Penalty
from pnp_course.training.main import start_weights, transplant
from pnp_course.training.presets import PRESETS
from pnp_course.training.validation import add_noise, corners, measure_psnr

RESULTS = Path(__file__).parent / "results" / "tradeoff.csv"
RUNS = Path("_build/training")


def arguments() -> argparse.Namespace:
    """What the command line says."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("preset", choices=[name for name in PRESETS if not name.startswith("paper")])
    p.add_argument("--start", help="weights to start from; the preset's by default")
    for name, kind in (
        ("alpha", float), ("beta", float), ("eps", float), ("iterations", int), ("images", int), ("steps", int),
        ("batch", int), ("lr", float), ("fit", str), ("optimizer", str),
    ):  # fmt: skip
        p.add_argument(f"--{name}", type=kind)
    p.add_argument("--threads", type=int, default=1)
    return p.parse_args()


def main() -> None:
    """Train, measure, append."""
    given = {key: value for key, value in vars(arguments()).items() if value is not None}
    name, threads = given.pop("preset"), given.pop("threads")
    torch.set_num_threads(threads)
    old = PRESETS[name]
    of_penalty = {key: given.pop(key) for key in ("alpha", "beta", "eps", "iterations", "images") if key in given}
    penalty = replace(old.penalty or Penalty(alpha=0.0, beta=0.0), **of_penalty) if old.penalty or of_penalty else None
    preset = replace(old, **given, penalty=penalty, validate_every=10**9)
    torch.manual_seed(preset.seed)
    net = ARCHITECTURES[preset.architecture](in_channels=preset.in_channels, **preset.net)
    if preset.start:
        transplant(start_weights(preset.start, RUNS), net)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        net = train(net, preset, training_images(preset.in_channels), Path(folder), accelerator="cpu").averaged_net()
    minutes = (time.monotonic() - begun) / 60
    held_out = validation_images(preset.in_channels)
    c = certificate(net, add_noise(corners(held_out, each=1), 25 / 255, "gaussian"), 25 / 255)
    at = c.summary()
    row = {
        "preset": name, "architecture": preset.architecture, "activation": preset.net.get("activation", "relu"),
        "start": preset.start, "optimizer": preset.optimizer, "lr": preset.lr, "fit": preset.fit, "batch": preset.batch,
        "steps": preset.steps, "minutes": round(minutes, 1),
        **{key: getattr(penalty, key) if penalty else "" for key in ("constant", "alpha", "beta", "eps", "iterations", "images")},
        **{f"psnr_{k}": v for k, v in measure_psnr(net, [im[None].float() / 255 for im in held_out]).items()},
        "asymmetry": at["asymmetry_mean"], "asymmetry_worst": at["asymmetry_worst"],
        "lambda_min": at["lambda_min_worst"], "lambda_max": at["lambda_max_worst"], "quarter": at["quarter_worst"],
    }  # fmt: skip
    new = not RESULTS.exists()
    with RESULTS.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)
    print(row)


if __name__ == "__main__":
    main()
