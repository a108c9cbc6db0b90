"""What symmetry costs: short finetunings with other penalties  ->  benchmarks/results/tradeoff.csv

    python benchmarks/tradeoff.py coco-0.25 --alpha 0.3 --iterations 1 --steps 250

    python benchmarks/tradeoff.py coco-0.25 --finished

One run takes a preset, changes its penalty and length, trains (or, with --finished, takes the weights of a complete
training), and appends one row: settings, PSNR on the photographs held out from training (level 15, 25, 40 of 255), and
there the asymmetry and both ends of the spectrum (level 25).
The rows are the points of the curve in the book; test images are not touched.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pnp_course.datasets import training_images, validation_images
from pnp_course.denoisers.zoo import ARCHITECTURES, denoiser_card, load_denoiser
from pnp_course.guarantees import certificate
from pnp_course.training.loop import train
from pnp_course.training.losses import Penalty
from pnp_course.training.main import start_weights, transplant
from pnp_course.training.presets import PRESETS, Preset
from pnp_course.training.validation import add_noise, corners, measure_psnr

RESULTS = Path(__file__).parent / "results" / "tradeoff.csv"


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
    p.add_argument("--runs", type=Path, default=Path("_build/training"), help="where complete trainings lie")
    p.add_argument("--finished", action="store_true", help="measure the preset's weights, trained here or shipped")
    return p.parse_args()


def settings(given: dict[str, Any]) -> tuple[str, Preset]:
    """The preset, changed as the command line says; its name."""
    name = given.pop("preset")
    old = PRESETS[name]
    of_penalty = {key: given.pop(key) for key in ("alpha", "beta", "eps", "iterations", "images") if key in given}
    penalty = replace(old.penalty or Penalty(alpha=0.0, beta=0.0), **of_penalty) if old.penalty or of_penalty else None
    return name, replace(old, **given, penalty=penalty, validate_every=10**9)


def trained(preset: Preset, runs: Path) -> tuple[nn.Module, float]:
    """The network after a run of `preset`, and its minutes."""
    torch.manual_seed(preset.seed)
    net = ARCHITECTURES[preset.architecture](in_channels=preset.in_channels, **preset.net)
    if preset.start:
        transplant(start_weights(preset.start, runs), net)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        net = train(net, preset, training_images(preset.in_channels), Path(folder), accelerator="cpu").averaged_net()
    return net, (time.monotonic() - begun) / 60


def finished(name: str, runs: Path) -> tuple[nn.Module, float, Preset]:
    """The network of a complete training, trained here or shipped, its minutes, and the settings on its card."""
    folder = runs / name if (runs / name / f"{name}.json").exists() else None
    said = dict(denoiser_card(name, folder)["training"])
    penalty = said["penalty"] and Penalty(**said["penalty"])
    preset = Preset(**{f.name: said[f.name] for f in fields(Preset)} | {"penalty": penalty})
    return load_denoiser(name, folder=folder), 60 * said["hours"], preset


def row_of(name: str, preset: Preset, net: nn.Module, minutes: float) -> dict[str, Any]:
    """Settings, and what `net` does on held-out photographs."""
    held_out = validation_images(preset.in_channels)
    c = certificate(net, add_noise(corners(held_out, each=1), 25 / 255, "gaussian"), 25 / 255)
    at, penalty = c.summary(), preset.penalty
    of_penalty = ("constant", "alpha", "beta", "eps", "iterations", "images", "method")
    return {
        "preset": name, "architecture": preset.architecture, "activation": preset.net.get("activation", "relu"),
        "start": preset.start, "optimizer": preset.optimizer, "lr": preset.lr, "fit": preset.fit, "batch": preset.batch,
        "steps": preset.steps, "minutes": round(minutes, 1),
        **{key: getattr(penalty, key) if penalty else "" for key in of_penalty},
        **{f"psnr_{k}": v for k, v in measure_psnr(net, [im[None].float() / 255 for im in held_out]).items()},
        "asymmetry": at["asymmetry_mean"], "asymmetry_worst": at["asymmetry_worst"],
        "lambda_min": at["lambda_min_worst"], "lambda_max": at["lambda_max_worst"], "quarter": at["quarter_worst"],
    }  # fmt: skip


def main() -> None:
    """Train or load, measure, append."""
    given = {key: value for key, value in vars(arguments()).items() if value is not None}
    torch.set_num_threads(given.pop("threads"))
    runs = given.pop("runs")
    if given.pop("finished"):
        name = given.pop("preset")
        net, minutes, preset = finished(name, runs)
    else:
        name, preset = settings(given)
        net, minutes = trained(preset, runs)
    row = row_of(name, preset, net, minutes)
    new = not RESULTS.exists()
    with RESULTS.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)
    print(row)


if __name__ == "__main__":
    main()
