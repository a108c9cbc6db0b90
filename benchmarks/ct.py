"""Speed and memory of tomography: projections and one iteration of CoCo-ADMM, beside scikit-image's radon.

python benchmarks/ct.py [-o benchmarks/results/ct_speed.json] [--sizes 256 512]

Single precision; the best of several repeats. "matrix" is the memory of A and A^T. scikit-image has no adjoint of its radon.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from pnp_course import ct, load_denoiser
from pnp_course.ct.scan import emission
from pnp_course.denoisers import at_sigma
from pnp_course.operators import FanBeam, Radon
from pnp_course.provenance import provenance
from pnp_course.solvers import coco_admm

VIEWS = 60


def best(work: Callable[[], Any], repeats: int = 3) -> float:
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return round(min(times), 5)


@torch.no_grad()
def row(size: int, skimage: bool) -> dict[str, Any]:
    x = ct.phantom("chest", 1, size)
    begun = time.perf_counter()
    a = Radon(size, VIEWS)
    y = a(x)
    built = round(time.perf_counter() - begun, 3)
    out = {
        "size": size, "views": VIEWS, "build_seconds": built, "matrix_mb": round(a.bytes() / 2**20),
        "forward": best(lambda: a(x)), "adjoint": best(lambda: a.adjoint(y)), "fbp": best(lambda: a.fbp(y)),
    }  # fmt: skip
    fan = FanBeam(size, VIEWS, 2.0 * size)
    seen = fan(x)
    out |= {"fan_forward": best(lambda: fan(x)), "fan_matrix_mb": round(fan.bytes() / 2**20)}
    assert math.isfinite(float(seen.sum()))
    g = emission(a, torch.poisson(100 * y) / 100)
    start = a.fbp(g.y, "hann", 0.9)
    out["prox"] = best(lambda: g.prox(start, 0.25), 1)
    denoise = at_sigma(load_denoiser("coco-0.25-gray"), 0.05)
    steps = coco_admm(g, denoise, start, lam=0.25, t=0.33)
    next(steps)
    out["coco_admm_iteration"] = best(lambda: next(steps), 2)
    if skimage:
        from skimage.transform import radon

        theta = (180 / math.pi * a.angles).numpy()
        out["skimage_forward"] = best(lambda: radon(x[0, 0].numpy(), theta=theta, circle=False), 1)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmarks/results/ct_speed.json"))
    parser.add_argument("--sizes", type=int, nargs="*", default=[256, 512])
    given = parser.parse_args()
    rows = [row(size, skimage=True) for size in given.sizes]
    given.output.write_text(json.dumps({"rows": rows, **provenance()}, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
