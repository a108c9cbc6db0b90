"""What a job of the deconvolution table costs: python benchmarks/experiments.py  ->  benchmarks/results/experiments.json

1. Every method on one photograph of 256 x 256 under one camera shake, peak 50, in a fresh process each: seconds of the
   processor, evaluations of the network, the seconds that these take by themselves, memory beyond that of the start.
2. Jobs per minute with one process and with two.
3. Four photographs in one call against one at a time.

Seconds are those of the processor, which other programs disturb less, except for 2. The same loops beside deepinv's, with
the same network and iterations, are in solvers.py.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

from pnp_course import images, load_denoiser
from pnp_course.denoisers import at_sigma
from pnp_course.experiments.deconvolution_table import METHODS, observed
from pnp_course.experiments.job import measure
from pnp_course.experiments.one_picture import middle_setting
from pnp_course.fidelities import Poisson
from pnp_course.operators import Blur, kernels
from pnp_course.provenance import provenance
from pnp_course.solvers import coco_admm, run

RESULTS = Path(__file__).parent / "results" / "experiments.json"
SIDE, PEAK = 256, 50


def scene(side: int = SIDE) -> tuple[torch.Tensor, torch.Tensor]:
    """A photograph (1, 3, side, side) and a camera shake."""
    return images.photo("astronaut", side), kernels.motion(25, seed=1)


def memory_mb() -> float:
    """The peak of this process since its start."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def one_method(name: str) -> dict[str, Any]:
    """Cost of a method, measured in the process that calls this: call it in a fresh one."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    problem, method = observed(*scene(), PEAK, 0), METHODS[name]
    denoiser, q = method.denoisers["course"], middle_setting(name)
    measure(method, problem, denoiser, {**q, "iterations": 2})  # warm up
    before, begun = memory_mb(), time.process_time()
    _, row = measure(method, problem, denoiser, q)
    seconds = time.process_time() - begun
    return {
        "denoiser": denoiser, "iterations": row["iterations"], "seconds": round(seconds, 2),
        "network_calls": row["network_calls"], "network_seconds": round(row["network_calls"] * one_call(denoiser, q), 2),
        "memory_mb": round(memory_mb() - before), "process_mb": round(memory_mb()),
    }  # fmt: skip


def one_call(denoiser: str, q: dict[str, Any]) -> float:
    """Seconds of one evaluation of the denoiser (of a gradient step: with its derivative)."""
    net, x = load_denoiser(denoiser), scene()[0]
    seconds = []
    with torch.no_grad():
        for _ in range(4):
            begun = time.process_time()
            net(x, q["sigma"])
            seconds.append(time.process_time() - begun)
    return min(seconds)


def costs() -> dict[str, Any]:
    """Every method, each in a process of its own."""
    out = {}
    for name in METHODS:
        code = f"import json, runpy; m = runpy.run_path({__file__!r}); print(json.dumps(m['one_method']({name!r})))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        out[name] = json.loads(done.stdout.splitlines()[-1])
        print(name, out[name], flush=True)
    return out


def workers() -> dict[str, float]:
    """Jobs per minute of DPIR on small problems, with one process and with two of one thread each."""
    from joblib import Parallel, delayed

    out = {}
    for processes in (1, 2):
        pool = Parallel(n_jobs=processes)
        pool(delayed(dpir_job)(seed) for seed in range(processes))  # the processes start, and import torch
        begun = time.perf_counter()
        pool(delayed(dpir_job)(seed) for seed in range(24))
        out[str(processes)] = round(24 * 60 / (time.perf_counter() - begun), 1)
    return out


def dpir_job(seed: int) -> float:
    """A job as `reproduce` does it, without the file."""
    torch.set_num_threads(1)
    method = METHODS["DPIR"]
    _, row = measure(method, observed(*scene(128), PEAK, seed), method.denoisers["course"], middle_setting("DPIR"))
    return float(row["psnr"])


def batch(copies: int = 4, iterations: int = 10) -> dict[str, float]:
    """CoCo-ADMM on photographs of 128 x 128: in one call, and one at a time."""
    x, kernel = scene(128)
    fidelity = Poisson(Blur(kernel), observed(x, kernel, PEAK, 0).y)
    many = Poisson(Blur(kernel), fidelity.y.expand(copies, -1, -1, -1).clone())
    denoise = at_sigma(load_denoiser("coco-gs-0.25"), 0.16)

    def seconds(f: Poisson, times: int) -> float:
        begun = time.process_time()
        for _ in range(times):
            run(coco_admm(f, denoise, f.y, lam=1.47, t=0.33), iterations)
        return time.process_time() - begun

    seconds(fidelity, 1)
    one, together = seconds(fidelity, copies), seconds(many, 1)
    return {"copies": copies, "one_at_a_time": round(one, 2), "in_one_call": round(together, 2)}


def main() -> None:
    """Measure everything and write the results."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    out = {
        "provenance": provenance(), "threads": 1, "side": SIDE, "batch": batch(), "jobs_per_minute": workers(),
        "methods": costs(),
    }  # fmt: skip
    RESULTS.write_text(json.dumps(out, indent=1) + "\n", encoding="utf-8")
    print(f"results: {RESULTS}")


if __name__ == "__main__":
    main()
