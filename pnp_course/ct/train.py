"""`python -m pnp_course.ct.train NAME -o FOLDER`: train what the CT experiment ships, each with its card.

u-net and w-net on simulated scans of training phantoms; coco-ridge-0.25 and coco-0.25-gray finetuned on the phantoms as
denoisers; and the filters of PWLS-CSCGR. Training phantoms have seeds from 10000 on, and no head is among them.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pnp_course.ct import sparse_coding
from pnp_course.ct.networks import FIRST_SEED, TRAINED_ON, ScanTraining, WNet, training_scans
from pnp_course.ct.phantoms import phantom
from pnp_course.ct.scan import geometry
from pnp_course.denoisers.zoo import ARCHITECTURES, LICENCE, load_denoiser, save_denoiser
from pnp_course.provenance import provenance
from pnp_course.training.loop import Training, train
from pnp_course.training.presets import PRESETS, Preset
from pnp_course.training.validation import measure_certificates

DRAWN = "BSD-3-Clause: trained on pictures that this library draws"  # of what starts from random weights
SMALL: dict[str, Any] = {"widths": (16, 32, 64, 64), "blocks": 1}
TINY: dict[str, Any] = {"widths": (8, 16, 32, 32), "blocks": 1}
PRESETS_CT = {
    "u-net": Preset("residual-u-net", 1, dict(SMALL), steps=600, batch=8, patch=64, fit="mse", ema=0.99, seed=1),
    "w-net": Preset("residual-u-net", 1, dict(SMALL), steps=300, batch=4, patch=128, fit="mse", ema=0.98, seed=2),
    "coco-ridge-0.25": replace(PRESETS["coco-ridge-0.25"], start="coco-ridge-0.25", steps=120, lr=1e-2, ema=0.95),
    "coco-0.25-gray": replace(PRESETS["coco-0.25-gray"], start="coco-0.25-gray", steps=240, batch=4, ema=0.97, lr=3e-4),
}


def fresh(preset: Preset, net: dict[str, Any]) -> nn.Module:
    """A network with random weights from the preset's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(preset.seed)
        return ARCHITECTURES[preset.architecture](in_channels=1, **net)


def held_out(count: int = 4) -> list[Tensor]:
    """8-bit slices (1, 128, 128) that are not trained on, of the kinds that are, for certificates."""
    kinds = [TRAINED_ON[k % len(TRAINED_ON)] for k in range(count)]
    return [(255 * phantom(kind, 2 * FIRST_SEED + k)[0]).round().byte() for k, kind in enumerate(kinds)]


def train_named(name: str, output: Path, minutes: float, folder: Path | None = None) -> bool:
    """Train, or go on; write weights and card once it is complete. Is it?"""
    preset, kind = PRESETS_CT[name], Training
    pictures: list[Tensor] = []
    net: nn.Module
    if name in ("u-net", "w-net"):
        scans = training_scans()
        pictures = [(255 * x).byte() for x in scans[0]]
        kind = partial(ScanTraining, scans=scans, patches=name == "u-net")  # type: ignore[assignment]
        net = fresh(preset, preset.net)
        if name == "w-net":
            net = WNet(geometry(128), fresh(replace(preset, seed=3), TINY), net)  # type: ignore[arg-type]
    else:
        pictures = [(255 * x).round().byte() for x in training_scans()[0]]
        net = load_denoiser(name).train().requires_grad_(True)
    place = output / name
    done = train(net, preset, pictures, place, minutes=minutes, device=torch.device("cpu"), kind=kind, progress=False)
    if done.step < preset.steps:
        print(f"{name}: {done.step} of {preset.steps} steps; the same command goes on.")
        return False
    facts = {
        "about": f"{name}, {done.step} steps on {len(pictures)} CT phantoms",
        "licence": LICENCE if preset.start else DRAWN,
        "training": asdict(preset) | {"steps_done": done.step, "hours": round(done.seconds / 3600, 3)},
        "trained_with": provenance(),
    }
    parts: dict[str, nn.Module] = {name: done.averaged_net()}
    if name == "w-net":
        whole: Any = parts[name]
        parts = {"w-net-rays": whole.rays, "w-net": whole.picture}
    for part, module in parts.items():
        module.load_state_dict({k: v.half().float() for k, v in module.state_dict().items()})  # as it is shipped
        proved: dict[str, Any] = {}
        if ends := getattr(module, "spectrum", None):
            proved = {"for_every_image": {"lambda_min": ends[0], "lambda_max": ends[1]}}
        if preset.penalty:
            module.eval().requires_grad_(False)
            proved["certificate"] = measure_certificates(module, held_out())
            proved["measured_with"] = provenance()
        config: dict[str, Any] = dict(module.config)  # type: ignore[arg-type]
        save_denoiser(part, preset.architecture, config, module.state_dict(), facts | proved, folder or place)
    return True


def train_filters(folder: Path) -> None:
    """Learn the filters of PWLS-CSCGR and write them."""
    from safetensors.torch import save_file

    filters = sparse_coding.learn_filters(training_scans(8)[0], count=16, rounds=32)
    save_file({"filters": filters.half().contiguous()}, folder / sparse_coding.FILE.name)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=["filters", *PRESETS_CT])
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/ct"))
    parser.add_argument("--minutes", type=float, default=1e9)
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    if given.name == "filters":
        train_filters(given.output)
    else:
        train_named(given.name, given.output, given.minutes)


if __name__ == "__main__":
    main()
