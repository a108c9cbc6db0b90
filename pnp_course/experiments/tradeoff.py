"""What symmetry costs: finetunings with other penalties, [B] appendix A.16, Table 8  ->  benchmarks/results/tradeoff.csv

    python -m pnp_course.experiments.tradeoff    # the declared ones that are missing
    python -m pnp_course.experiments.tradeoff coco-0.25 --alpha 0.3 --iterations 1 --steps 250
    python -m pnp_course.experiments.tradeoff coco-0.25 --finished

A config is a preset with another penalty or length, or (--finished) the weights of its complete training. Its row has
the settings and what was measured on photographs held out from training: the PSNR (levels 15, 25, 40 of 255), the
asymmetry and both ends of the spectrum (level 25). The rows are the points of the curve in the book; test images are
not used. A training that was stopped goes on from its checkpoint, in the folder for runs.
"""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pnp_course.datasets import training_images, validation_images
from pnp_course.denoisers.zoo import available_denoisers, denoiser_card, load_denoiser
from pnp_course.experiments.table import Table
from pnp_course.guarantees import certificate
from pnp_course.training.guards import threads
from pnp_course.training.loop import train
from pnp_course.training.losses import Penalty
from pnp_course.training.main import first_net, kind_of
from pnp_course.training.presets import PRESETS, Preset, preset_from
from pnp_course.training.validation import add_noise, corners, measure_psnr

OF_PENALTY = ("constant", "alpha", "beta", "eps", "level", "iterations", "images", "every", "method")
OF_PRESET = ("start", "teacher", "optimizer", "lr", "fit", "batch", "patch", "steps")
RESULTS = Table(Path("benchmarks/results/tradeoff.csv"), ("architecture", "activation", *OF_PRESET, *OF_PENALTY))


@dataclass(frozen=True)
class Config:
    """A preset and its changed fields, of itself or of its penalty, as (name, value); `finished` takes its own weights."""

    preset: str
    changes: tuple[tuple[str, Any], ...] = ()
    finished: bool = False

    def settings(self, runs: Path) -> Preset:
        """The changed preset; for a finished training, the settings on its card, if there is a card."""
        folder = _folder(self.preset, runs)
        if self.finished and (folder or self.preset in available_denoisers()):
            return preset_from(denoiser_card(self.preset, folder)["training"])
        old, changes = PRESETS[self.preset], dict(self.changes)
        of_penalty = {key: changes.pop(key) for key in OF_PENALTY if key in changes}
        penalty = old.penalty
        if of_penalty:
            penalty = replace(penalty or Penalty(alpha=0.0, beta=0.0), **of_penalty)
        return replace(old, **changes, penalty=penalty, validate_every=10**9)


CONFIGS = [  # the curve: one weight is changed at a time
    *(Config("coco-0.25-mean", (("steps", 200), ("alpha", a))) for a in (0.01, 0.1, 1.0)),
    *(Config("coco-0.25-mean", (("steps", 200), ("beta", b))) for b in (0.001, 0.1)),
    # drunet-14k is where all of these began
    *(
        Config(n, finished=True)
        for n in (
            "drunet-14k",
            "coco-0.25-mean",
            "coco-0.25-worst",
            "coco-0.5",
            "coco-0.25-first",
            "coco-0.25-taught",
            "coco-0.25",
        )
    ),
]

# other ways to the same condition, each for about as many minutes as the first one
_WORST = (("eps", 0.025), ("beta", 0.05), ("images", 2), ("iterations", 4), ("method", "lanczos"))
TRIALS = {
    "two of eight patches": Config("coco-0.25-mean", (*_WORST, ("steps", 470))),
    "all eight": Config("coco-0.25-mean", (*_WORST, ("images", None), ("steps", 148))),
    "every fourth step": Config("coco-0.25-mean", (*_WORST, ("every", 4), ("steps", 1_300))),
    "a conservative teacher": Config("coco-0.25-mean", (*_WORST, ("teacher", "coco-gs-relaxed"), ("steps", 455))),
    "larger patches": Config("coco-0.25-mean", (*_WORST, ("patch", 96), ("batch", 4), ("images", 1), ("steps", 420))),
}
# the first trial after a longer plain training: its steps cost the same, so it has as many, on whatever machine
WARMER = Config("coco-0.25-mean", (*_WORST, ("start", "drunet"), ("steps", 470)))


def _folder(name: str, runs: Path) -> Path | None:
    """The folder of a preset's complete training; None if its weights are the shipped ones."""
    return runs / name if (runs / name / f"{name}.json").exists() else None


def network(config: Config, preset: Preset, runs: Path) -> tuple[nn.Module, float]:
    """The network of a config, trained if necessary, and the minutes that its training took."""
    if config.finished:
        folder = _folder(config.preset, runs)
        hours = denoiser_card(config.preset, folder)["training"]["hours"]
        return load_denoiser(config.preset, folder=folder), 60 * hours
    place = runs / f"tradeoff-{config.preset}-{hashlib.sha256(repr(preset).encode()).hexdigest()[:12]}"
    images = training_images(preset.in_channels)
    net, cpu = first_net(preset, runs), torch.device("cpu")
    done = train(net, preset, images, place, device=cpu, kind=kind_of(preset, runs))
    return done.averaged_net(), done.seconds / 60


def described(preset: Preset) -> dict[str, Any]:
    """The columns of a row that say what was run."""
    of_penalty = {key: getattr(preset.penalty, key) if preset.penalty else "" for key in OF_PENALTY}
    activation = preset.net.get("activation", "relu")
    of_preset = {key: getattr(preset, key) for key in OF_PRESET}
    return {"architecture": preset.architecture, "activation": activation} | of_preset | of_penalty


def measured(net: nn.Module, in_channels: int) -> dict[str, Any]:
    """The columns of a row that say what `net` does on held-out photographs."""
    held_out = validation_images(in_channels)
    at = certificate(net, add_noise(corners(held_out, each=1), 25 / 255, "gaussian"), 25 / 255).summary()
    return {
        **{f"psnr_{k}": v for k, v in measure_psnr(net, [im[None].float() / 255 for im in held_out]).items()},
        "asymmetry": at["asymmetry_mean"],
        "asymmetry_worst": at["asymmetry_worst"],
        "lambda_min": at["lambda_min_worst"],
        "lambda_max": at["lambda_max_worst"],
        "quarter": at["quarter_worst"],
    }


def row(config: Config, runs: Path) -> dict[str, Any]:
    """The row of a config: it is taken from the table, or else a network is trained or loaded, and measured."""
    preset = config.settings(runs)
    said = described(preset)
    if found := RESULTS.find(said):
        return found
    net, minutes = network(config, preset, runs)
    before = {"preset": config.preset} | {key: said.pop(key) for key in ("architecture", "activation", *OF_PRESET)}
    new = before | {"minutes": round(minutes, 1)} | said | measured(net, preset.in_channels)
    RESULTS.add(new)
    return new


def arguments() -> argparse.Namespace:
    """What the command line says."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    presets = [name for name in PRESETS if not name.startswith("paper")]
    p.add_argument("preset", nargs="?", choices=presets, help="one point of the curve; by default all declared points")
    p.add_argument("--start", help="weights to start from; the preset's by default")
    for name, kind in (
        ("alpha", float),
        ("beta", float),
        ("eps", float),
        ("iterations", int),
        ("images", int),
        ("every", int),
        ("steps", int),
        ("batch", int),
        ("patch", int),
        ("teacher", str),
        ("lr", float),
        ("fit", str),
        ("optimizer", str),
    ):
        p.add_argument(f"--{name}", type=kind)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--runs", type=Path, default=Path("_build/training"), help="folder of the trainings")
    p.add_argument("--finished", action="store_true", help="measure the preset's weights, trained here or shipped")
    return p.parse_args()


def main() -> None:
    """Print the rows of the requested configs, and add those to the table that it does not have."""
    given = {key: value for key, value in vars(arguments()).items() if value is not None}
    count, runs, finished = given.pop("threads"), given.pop("runs"), given.pop("finished")
    name = given.pop("preset", None)
    with threads(count):
        for config in [Config(name, tuple(given.items()), finished)] if name else [*CONFIGS, *TRIALS.values(), WARMER]:
            print(row(config, runs))


if __name__ == "__main__":
    main()
