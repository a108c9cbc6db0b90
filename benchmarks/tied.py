"""Is a network nearly symmetric if its way up is the adjoint of its way down?  python benchmarks/tied.py

Two networks are trained from random weights on the same patches for as many steps: the course's DRUNet, and one with half its
weights, whose second half is made of the adjoints of the convolutions of its first half, in reverse order. With identities for
the activations the second would be symmetric. Both are trained without a penalty, and from there with the one of the trials in
`pnp_course.experiments.tradeoff`. The rows, of what photographs held out from training say, go into
benchmarks/results/tied.csv.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pnp_course.datasets import training_images
from pnp_course.denoisers.drunet import DRUNet, ResidualBlock
from pnp_course.experiments.tradeoff import TRIALS, measured
from pnp_course.training.guards import threads
from pnp_course.training.loop import train
from pnp_course.training.main import fresh_net
from pnp_course.training.presets import PRESETS

RESULTS = Path(__file__).resolve().parent / "results" / "tied.csv"
PLAIN = replace(PRESETS["drunet-10k"], steps=2_000, validate_every=10**9)
TRIAL = TRIALS["two of eight patches"].settings(Path("runs"))
PENALISED = replace(PLAIN, steps=TRIAL.steps, batch=TRIAL.batch, lr=TRIAL.lr, penalty=TRIAL.penalty)
COLUMNS = (
    "weights",
    "penalised",
    "parameters",
    "steps",
    "minutes",
    "psnr_15",
    "psnr_25",
    "psnr_40",
    "asymmetry",
    "quarter",
)


class Adjoint(nn.Module):
    """x + C1^T activation(C2^T x), where a residual block is x + C2 activation(C1 x): with the block's own weights."""

    def __init__(self, block: ResidualBlock):
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to the same shape."""
        first, activation, second = self.block.res
        z = activation(F.conv_transpose2d(x, second.weight, padding=1))
        return x + F.conv_transpose2d(z, first.weight, padding=1)


class TiedDRUNet(DRUNet):
    """A DRUNet whose second half has the weights of its first. A scale's last block going up is the adjoint of its first."""

    def __init__(self, in_channels: int = 3, **net: object):
        super().__init__(in_channels, **net)  # type: ignore[arg-type]
        self.piecewise_linear = False  # the gates of a linearised network know no adjoint blocks
        half = len(self.m_body) // 2
        self.m_body = nn.Sequential(*self.m_body[:half], *(Adjoint(b) for b in reversed(self.m_body[:half])))
        for down, up in ((self.m_down1, self.m_up1), (self.m_down2, self.m_up2), (self.m_down3, self.m_up3)):
            up[0].weight = down[-1].weight  # a strided convolution, and its adjoint
            for k, block in enumerate(reversed(down[:-1]), start=1):
                up[k] = Adjoint(block)  # type: ignore[arg-type]
        self.m_tail = nn.Identity()

    def network(self, x: Tensor) -> Tensor:
        """As that of a DRUNet; the tail is the adjoint of the head, without the noise map."""
        return F.conv_transpose2d(super().network(x), self.m_head.weight[:, : self.in_channels], padding=1)


def first(weights: str) -> nn.Module:
    """One of the two networks, with random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(PLAIN.seed)
        return TiedDRUNet(**PLAIN.net) if weights == "tied" else fresh_net(PLAIN)


def rows(weights: str) -> Iterator[dict[str, object]]:
    """Train one of the two networks, without and then with the penalty, and measure it after each."""
    net, photographs = first(weights), training_images(3)
    for preset in (PLAIN, PENALISED):
        folder = Path("runs") / f"{weights}-{preset.steps}"
        done = train(net, preset, photographs, folder, device=torch.device("cpu"))
        said = {
            "weights": weights,
            "penalised": bool(preset.penalty),
            "parameters": sum(p.numel() for p in net.parameters()),
        }
        said |= {"steps": done.step, "minutes": round(done.seconds / 60, 1)} | measured(done.averaged_net(), 3)
        yield {key: said[key] for key in COLUMNS}
        net = done.averaged_net().train().requires_grad_(True)


def main() -> None:
    """Write the four rows."""
    found = [row for weights in ("free", "tied") for row in rows(weights)]
    with RESULTS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)


if __name__ == "__main__":
    with threads(1):
        main()
