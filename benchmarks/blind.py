"""Speed of the kernel's estimation: python benchmarks/blind.py [-o benchmarks/results/blind_speed.json] [--sizes 256 512].

A gray photograph of each size under a camera shake of 31 pixels, once with each width of the kernel; "processor" is the time
of all threads together, which other programs on the machine disturb less than the clock's.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch

from pnp_course import blind, images, noise
from pnp_course.operators import ValidBlur, kernels
from pnp_course.provenance import provenance


@torch.no_grad()
def row(side: int, width: int) -> dict[str, Any]:
    """Seconds for one picture and one width of the kernel."""
    shake = kernels.motion(min(25, width - 4) // 2 * 2 + 1, seed=1)
    scene = images.crop_square(images.photo("coffee"), min(400, side + shake.shape[0] - 1))
    size = (side + shake.shape[0] - 1,) * 2
    scene = torch.nn.functional.interpolate(images.to_channels(scene, 1), size, mode="bicubic", align_corners=False)
    y = noise.gaussian(ValidBlur(shake)(scene.clamp(0, 1)), 0.01, torch.Generator().manual_seed(0))
    begun, used = time.perf_counter(), time.process_time()
    found = blind.estimate_kernel(y, width)
    return {
        "side": side, "kernel": width, "seconds": round(time.perf_counter() - begun, 2),
        "processor": round(time.process_time() - used, 2), "similarity": round(blind.kernel_similarity(found, shake), 3),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmarks/results/blind_speed.json"))
    parser.add_argument("--sizes", type=int, nargs="*", default=[256, 512])
    given = parser.parse_args()
    rows = [row(side, width) for side in given.sizes for width in (25, 31)]
    out = {"rows": rows, "threads": torch.get_num_threads(), "provenance": provenance()}
    given.output.write_text(json.dumps(out, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
