"""Evaluation cost of every shipped denoiser: python benchmarks/denoisers.py  ->  benchmarks/results/denoisers.json

It measures at 256 x 256 and 481 x 321: seconds (best of several), additional memory of the process, multiply-adds, and
the time that those would take at the machine's measured peak (a large float32 matrix product). For gradient steps it
also gives the time of denoised image and potential together over that of their network's forward pass (goal: at most
2.2), and for `fast=True` the time and the error.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from pnp_course.toy.training import operations

from pnp_course import available_denoisers, images, load_denoiser
from pnp_course.denoisers import GradientStep, denoiser_card
from pnp_course.provenance import provenance

RESULTS = Path(__file__).parent / "results" / "denoisers.json"
SIZES = ((256, 256), (321, 481))


def best(call: Callable[[], Any], repeats: int = 5) -> float:
    """Seconds of the fastest of several calls."""
    seconds = []
    for _ in range(repeats):
        begun = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begun)
    return min(seconds)


def peak_gflops(n: int = 2048) -> float:
    """Floating-point operations per second of a float32 matrix product, in 1e9."""
    a = torch.rand(n, n)
    return operations(lambda: a @ a) / best(lambda: a @ a) / 1e9


@torch.no_grad()
def measure(name: str) -> dict[str, Any]:
    """Time, memory and error of one denoiser, in this process."""
    net, fast, peak = load_denoiser(name), load_denoiser(name, fast=True), peak_gflops()
    x = images.to_channels(images.shrink(images.photo("coffee"), 481), denoiser_card(name)["config"]["in_channels"])
    out: dict[str, Any] = {"peak_gflops": round(peak, 1)}
    for height, width in SIZES:
        image = x[..., :height, :width].clamp(min=1e-3)
        held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        net(image, 0.1)
        extra = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held
        seconds = best(lambda image=image: net(image, 0.1))
        flops = operations(lambda image=image: net(image, 0.1))  # a gradient step's backward pass is counted, too
        row = {
            "seconds": round(seconds, 4),
            "extra_mib": round(extra / 1024),
            "gmacs": round(flops / 2e9, 2),
            "seconds_at_peak": round(flops / peak / 1e9, 4),
            "fast_seconds": round(best(lambda image=image: fast(image, 0.1)), 4),
            "fast_mean_error": float(f"{(fast(image, 0.1) - net(image, 0.1)).abs().mean():.2e}"),
            "fast_max_error": float(f"{(fast(image, 0.1) - net(image, 0.1)).abs().max():.2e}"),
        }
        if isinstance(net, GradientStep):
            both = best(lambda image=image: net.denoise_and_value(image, 0.1))
            row["gradient_and_potential_over_forward"] = round(
                both / best(lambda image=image: net.network(image, 0.1)), 2
            )
        out[f"{height}x{width}"] = row
    return out


def main() -> None:
    """Each denoiser in a process of its own."""
    rows = {}
    for name in available_denoisers():
        text = subprocess.run([sys.executable, __file__, name], check=True, capture_output=True, text=True).stdout
        rows[name] = json.loads(text.splitlines()[-1])
        print(name, rows[name])
    results = {"threads": torch.get_num_threads(), "provenance": provenance(), "denoisers": rows}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
    else:
        main()
