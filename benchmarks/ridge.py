"""Cost of an evaluation that is a minimisation: python benchmarks/ridge.py [--label now] [--names NAME ...] [--threads 1 2].

A photograph of 256 x 256 pixels with noise of level 25/255: evaluations of the gradient, and seconds of one evaluation by the
number of threads. "processor" is the time of all threads together, which
other programs on the machine disturb less than the clock's. Other rows of the file stay: so an older version of the package
(`git worktree add`, then PYTHONPATH) can be measured under a label of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from pnp_course import available_denoisers, images, load_denoiser
from pnp_course.denoisers.ridge_solve import Objective
from pnp_course.provenance import provenance

RESULTS = Path(__file__).parent / "results" / "ridge.json"
SIDE, LEVEL = 256, 25 / 255
BESIDE = "coco-gs-0.25"  # a network, whose condition is measured at patches


def gradients(call: Callable[[], Any]) -> int:
    """How many gradients of ridge objectives a call evaluates."""
    count, gradient = [], Objective.gradient

    def counted(self: Objective, x: torch.Tensor) -> torch.Tensor:
        count.append(1)
        return gradient(self, x)

    Objective.gradient = counted  # type: ignore[method-assign]
    try:
        call()
    finally:
        Objective.gradient = gradient  # type: ignore[method-assign]
    return len(count)


def seconds(call: Callable[[], Any], repeats: int) -> dict[str, float]:
    """The least of several calls, by the clock and by the processor."""
    clock, used = [], []
    for _ in range(repeats):
        begun, before = time.perf_counter(), time.process_time()
        call()
        clock.append(time.perf_counter() - begun)
        used.append(time.process_time() - before)
    return {"seconds": round(min(clock), 3), "processor": round(min(used), 3)}


def measure(name: str, repeats: int, threads: list[int]) -> dict[str, Any]:
    """One denoiser, on each number of threads."""
    net = load_denoiser(name)
    x = images.to_channels(images.crop_square(images.photo("coffee"), SIDE), net.in_channels)  # type: ignore[arg-type]
    x = x + LEVEL * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    out: dict[str, Any] = {}

    def value() -> None:
        with torch.no_grad():
            net(x, LEVEL)

    torch.set_num_threads(threads[0])
    if count := gradients(value):
        out["gradients"] = count
    for number in threads:
        torch.set_num_threads(number)
        out[f"{number} thread{'s' * (number > 1)}"] = seconds(value, repeats)
    return out


def main() -> None:
    """Measure each denoiser and write its row under the label."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--label", default="now")
    parser.add_argument("--names", nargs="*", default=[*(n for n in available_denoisers() if "ridge" in n), BESIDE])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    given = parser.parse_args()
    found = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    load = round(os.getloadavg()[0], 1)  # of other programs, at the beginning
    rows = {name: measure(name, given.repeats, given.threads) for name in given.names}
    found[given.label] = {"load": load, "repeats": given.repeats, "provenance": provenance(), "denoisers": rows}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
