"""Cost of the main job: python benchmarks/spine.py  ->  benchmarks/results/spine.json

Measured: the part of CoCo-ADMM at 256 x 256 spent outside denoiser and proximal operator; a whole `restore` of a 481 x 321
picture in a fresh process, wall time and peak memory; `import pnp_course` beyond `import torch`.
Goals: below 3 %, below 60 s, below 1.5 GB, below 0.3 s on 2 cores. Run it on a quiet machine.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from pnp_course import deconvolution, images, load_denoiser, run
from pnp_course.denoisers import at_sigma
from pnp_course.fidelities import Poisson
from pnp_course.operators import Blur, kernels
from pnp_course.provenance import provenance
from pnp_course.solvers import coco_admm

RESULTS = Path(__file__).parent / "results" / "spine.json"


class Clock:
    """Adds up the seconds spent in wrapped calls."""

    def __init__(self):
        self.seconds = 0.0

    def wrap(self, function):
        """The function, timed."""

        def timed(*arguments):
            begun = time.perf_counter()
            out = function(*arguments)
            self.seconds += time.perf_counter() - begun
            return out

        return timed


def loop_share(iterations: int = 50) -> dict[str, float]:
    """Seconds of CoCo-ADMM at 256 x 256, and the share outside denoiser and prox."""
    x, kernel = images.photo("astronaut", 256), kernels.motion(25, 1)
    y = deconvolution.degrade(x, kernel, 50)
    parameters = deconvolution.settings(50, "coco-gs-0.25")
    fidelity, denoiser, prox = Poisson(Blur(kernel), y), Clock(), Clock()
    denoise = denoiser.wrap(at_sigma(load_denoiser("coco-gs-0.25"), parameters.sigma))
    fidelity.prox = prox.wrap(fidelity.prox)  # type: ignore[method-assign]
    run(coco_admm(fidelity, denoise, y, lam=parameters.lam), 3)  # warm up
    denoiser.seconds = prox.seconds = 0.0
    begun = time.perf_counter()
    run(coco_admm(fidelity, denoise, y, lam=parameters.lam), iterations)
    total = time.perf_counter() - begun
    outside = total - denoiser.seconds - prox.seconds
    return {
        "iterations": iterations,
        "seconds": round(total, 2),
        "denoiser_seconds": round(denoiser.seconds, 2),
        "prox_seconds": round(prox.seconds, 2),
        "loop_percent": round(100 * outside / total, 2),
    }


def whole_restore() -> dict[str, float]:
    """`python -m pnp_course restore` on 481 x 321 pixels, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        kernel = kernels.motion(25, 1)
        x = images.shrink(images.photo("coffee"), 481)[..., :321, :481]
        y = deconvolution.degrade(x, kernel, 50)
        images.write_image(y, f"{folder}/y.npy")
        images.write_image(kernel[None, None], f"{folder}/k.npy")
        begun = time.perf_counter()
        subprocess.run(
            [
                sys.executable,
                "-m",
                "pnp_course",
                "restore",
                "y.npy",
                "--kernel",
                "k.npy",
                "--peak",
                "50",
                "-o",
                "x.png",
            ],
            cwd=folder,
            check=True,
            capture_output=True,
        )
        seconds = time.perf_counter() - begun
    # the largest child so far: this process starts no larger one before
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    return {
        "pixels": list(x.shape[-2:]),
        "iterations": 50,
        "seconds": round(seconds, 1),
        "peak_memory_gb": round(peak, 2),
    }


def import_seconds(repeats: int = 7) -> float:
    """Median over fresh processes of what `import pnp_course` adds after `import torch`."""
    code = "import torch, time; t = time.perf_counter(); import pnp_course; print(time.perf_counter() - t)"
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(repeats)
    ]
    return round(statistics.median(float(r.stdout) for r in runs), 3)


def main() -> None:
    results = {
        "restore_481x321": whole_restore(),
        "coco_admm_256": loop_share(),
        "import_seconds_beyond_torch": import_seconds(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "seed": 0,
        "provenance": provenance(),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print(RESULTS.read_text())


if __name__ == "__main__":
    main()
