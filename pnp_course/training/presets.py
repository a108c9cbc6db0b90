"""Ready-made training settings, by name: `python -m pnp_course train NAME`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pnp_course.training.losses import Penalty

COURSE_NET: dict[str, Any] = {"widths": (16, 32, 64, 128), "blocks": 2}
PAPER_NET: dict[str, Any] = {"widths": (64, 128, 256, 512), "blocks": 4}


@dataclass(frozen=True)
class Preset:
    """One training run. sigma_max in units of intensity; `start` names shipped weights to finetune from."""

    in_channels: int = 3
    net: dict[str, Any] = field(default_factory=lambda: dict(COURSE_NET))
    steps: int = 10_000
    batch: int = 16
    patch: int = 64
    sigma_max: float = 60 / 255
    optimizer: str = "muon"
    lr: float = 2e-3
    lr_end: float = 1e-5
    ema: float = 0.999
    clip: float = 1.0
    penalty: Penalty | None = None
    start: str | None = None
    seed: int = 0


PRESETS: dict[str, Preset] = {
    # trains in about a minute on two cores: to see the loop run
    "tiny": Preset(net={"widths": (8, 8, 16, 16), "blocks": 1}, steps=300, batch=8, patch=40),
    "tiny-coco": Preset(
        net={"widths": (8, 8, 16, 16), "blocks": 1}, steps=150, batch=8, patch=40, lr=3e-4,
        penalty=Penalty(images=2, iterations=5),
    ),
    # what ships
    "drunet": Preset(),
    # alpha = 0.1, not the paper's 1: in a short run the full weight costs too much PSNR, see the card of such a run
    # in benchmarks/results/coco_alpha_1_card.json
    "coco-0.25": Preset(
        steps=420, lr=3e-4, start="drunet", penalty=Penalty(gamma=0.25, alpha=0.1, images=4, iterations=4)
    ),
    # the settings of [B] section 5 (they train on DIV2K; here on BSD400), for a machine with a GPU
    "paper-drunet": Preset(
        net=PAPER_NET, steps=600_000, batch=32, patch=128, optimizer="adam", lr=1e-4, lr_end=1e-6, clip=0.0
    ),
    "paper-coco-0.25": Preset(
        net=PAPER_NET, steps=60_000, batch=32, patch=128, optimizer="adam", lr=1e-4, lr_end=1e-6, clip=0.0,
        start="paper-drunet", penalty=Penalty(gamma=0.25),
    ),
}  # fmt: skip
