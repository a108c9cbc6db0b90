"""Measure shipped denoisers again and rewrite their cards: python tools/recard.py NAME ... [--folder FOLDER].

For when a measurement changes, not the weights: the weights' hash and the account of their training stay.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from pnp_course.denoisers import denoiser_card, load_denoiser, zoo
from pnp_course.training.main import measured


def main() -> None:
    """Measure each name and replace its card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--folder", type=Path, default=zoo.FOLDER)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    for name in given.names:
        card = denoiser_card(name, given.folder)
        net = load_denoiser(name, folder=given.folder)
        card |= measured(net, card["config"]["in_channels"], card["training"].get("noise", "gaussian"))
        path = given.folder / f"{name}.json"
        path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
        print(f"{name}: {card['psnr_cbsd68']}")


if __name__ == "__main__":
    main()
