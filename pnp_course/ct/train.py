"""`python -m pnp_course.ct.train NAME -o FOLDER`: train what the CT experiment ships, each with its card.

u-net, and then w-net, which begins with it, on simulated scans of training phantoms; denoisers finetuned on the phantoms;
and the filters of PWLS-CSCGR. Training phantoms have seeds from 10000 on, and no head is among them.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from pnp_course.ct import sparse_coding
from pnp_course.ct.networks import FIRST_SEED, TRAINED_ON, ScanTraining, WNet, training_scans, training_slices
from pnp_course.ct.phantoms import phantom
from pnp_course.ct.scan import geometry
from pnp_course.denoisers.zoo import (
    ARCHITECTURES,
    FOLDER,
    LICENCE,
    denoiser_card,
    load_denoiser,
    save_denoiser,
    write_card,
)
from pnp_course.provenance import provenance
from pnp_course.training.loop import Training, train
from pnp_course.training.losses import Penalty
from pnp_course.training.main import transplant
from pnp_course.training.presets import PRESETS, Preset
from pnp_course.training.validation import measure_certificates

DRAWN = "BSD-3-Clause: trained on pictures that this library draws"  # of what starts from random weights
SMALL: dict[str, Any] = {"widths": (16, 32, 64, 64), "blocks": 1}
TINY: dict[str, Any] = {"widths": (8, 16, 32, 32), "blocks": 1, "pad_value": 0.0}  # rays beside the scan are air
CERTIFIED = (8, 15)  # levels of 255 at which certificates are measured: around those of the CT table
PRESETS_CT = {
    "u-net": Preset("residual-u-net", 1, dict(SMALL), steps=600, batch=8, patch=64, fit="mse", ema=0.99, seed=1),
    # its second network begins as the trained U-Net, its first with no effect
    "w-net": Preset(
        "residual-u-net", 1, dict(SMALL), steps=120, batch=4, patch=128, fit="mse", optimizer="adam", lr=1e-3, ema=0.95,
        start="ct/u-net", seed=2,
    ),
    "coco-ridge-0.25": replace(PRESETS["coco-ridge-0.25"], start="coco-ridge-0.25", steps=120, lr=1e-2, ema=0.95),
    "coco-0.25-gray": replace(PRESETS["coco-0.25-gray"], start="coco-0.25-gray", steps=240, batch=4, ema=0.97, lr=3e-4),
    # levels up to the strongest of a card; the penalty at every sixth step, since its start is far inside
    "coco-gs-0.25": replace(
        PRESETS["coco-gs-0.25"], in_channels=1, start="coco-gs-0.25", steps=240, batch=6, ema=0.97, sigma_max=42 / 255,
        penalty=Penalty(alpha=0.0, beta=0.1, eps=0.04, images=2, iterations=8, method="lanczos", every=6),
    ),
}  # fmt: skip


def fresh(preset: Preset, net: dict[str, Any]) -> nn.Module:
    """A network with random weights from the preset's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(preset.seed)
        return ARCHITECTURES[preset.architecture](in_channels=1, **net)


def held_out(count: int = 4) -> list[Tensor]:
    """8-bit slices (1, 128, 128) that are not trained on, of the kinds that are, for certificates."""
    kinds = [TRAINED_ON[k % len(TRAINED_ON)] for k in range(count)]
    return [(255 * phantom(kind, 2 * FIRST_SEED + k)[0]).round().byte() for k, kind in enumerate(kinds)]


def certified(denoiser: nn.Module) -> dict[str, Any]:
    """The certificate of a denoiser on slices that are not trained on, and what measured it, for a card."""
    found = measure_certificates(denoiser, held_out(), levels=CERTIFIED)
    return {"certificate": found, "measured_with": provenance()}


def renew_certificate(name: str) -> None:
    """Measure the shipped weights of this name again and renew the certificate on their card."""
    denoiser = load_denoiser(f"ct/{name}").eval().requires_grad_(False)
    write_card(denoiser_card(f"ct/{name}") | certified(denoiser), FOLDER / "ct")


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
            net.load_state_dict(load_denoiser(preset.start or "").state_dict())
            net = WNet(geometry(128), fresh(preset, TINY), net).without_effect()  # type: ignore[arg-type]
    else:
        pictures = [(255 * avg_pool2d(x, 2)[0]).round().byte() for x in training_slices()]
        net = fresh(preset, preset.net)
        transplant(load_denoiser(name), net)
    place = output / name
    done = train(net, preset, pictures, place, minutes=minutes, device=torch.device("cpu"), kind=kind, progress=False)
    if done.step < preset.steps:
        print(f"{name}: {done.step} of {preset.steps} steps; the same command goes on.")
        return False
    facts = {
        "about": f"{name}, {done.step} steps on {len(pictures)} CT phantoms",
        "licence": DRAWN if name in ("u-net", "w-net") else LICENCE,
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
            proved |= certified(module)
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
    parser.add_argument("--certificate", action="store_true", help="only measure shipped weights, and renew their card")
    given = parser.parse_args()
    if given.certificate:
        renew_certificate(given.name)
        return
    given.output.mkdir(parents=True, exist_ok=True)
    if given.name == "filters":
        train_filters(given.output)
    else:
        train_named(given.name, given.output, given.minutes)


if __name__ == "__main__":
    main()
