"""Measure shipped denoisers again and rewrite their cards: python tools/recard.py NAME ... [--folder FOLDER].

This is for a change of a measurement, not of the weights: the weights' hash and the facts of their training stay. With
`--conclusions` nothing is measured: only what follows from the constants on the card is written again. With
`--only-levels` only the range of noise levels is measured.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from pnp_course._checks import any_level
from pnp_course.denoisers import denoiser_card, load_denoiser, zoo
from pnp_course.denoisers.levels import sigma_range
from pnp_course.guarantees.certificates import conclusions_renewed
from pnp_course.training.main import measured


def main() -> None:
    """Measure each name and replace its card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--folder", type=Path, default=zoo.FOLDER)
    parser.add_argument("--only-levels", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--conclusions", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    for name in given.names:
        card = denoiser_card(name, given.folder)
        if given.conclusions:
            zoo.write_card(card | conclusions_renewed(card), given.folder)
            continue
        net = load_denoiser(name, folder=given.folder)
        noise, sigma_max = card["training"].get("noise", "gaussian"), card["training"]["sigma_max"]
        if given.only_levels:
            with any_level():
                card["sigma_range"] = list(sigma_range(net, sigma_max, noise))
        else:
            card |= measured(net, card["config"]["in_channels"], noise, sigma_max)
        version = {"schema_version": zoo.SCHEMA_VERSION}
        zoo.write_card(version | card | version, given.folder)
        low, high = card["sigma_range"]
        print(f"{name}: {card['psnr_cbsd68']}, noise levels {low} to {high}", flush=True)


if __name__ == "__main__":
    main()
