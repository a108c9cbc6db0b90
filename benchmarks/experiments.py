"""What a job of the deconvolution table costs: python benchmarks/experiments.py  ->  benchmarks/results/experiments.json

With names, such as DPIR or batch, only these are measured again.


1. Every method on one photograph of 256 x 256 under one camera shake, peak 50, in a fresh process each: seconds of the
   processor, forward passes and vector-Jacobian products of the network, the seconds that these take by themselves, and the
   memory beyond that of the same method on a picture of 32 x 32.
2. A whole job (50 iterations, PSNR after each, SSIM at the end) against bare calls of network and proximal operator, and against
   the same iterations in deepinv, with the same network; without deepinv that column is left out.
3. Jobs per minute with one process and with two.
4. Four photographs in one call against one at a time.

Seconds are those of the processor, which other programs disturb less than the clock, except for 3. How busy the machine was
before is written down.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from pnp_course import images, load_denoiser
from pnp_course.denoisers import at_sigma
from pnp_course.experiments.deconvolution_table import METHODS, observed
from pnp_course.experiments.experiment import Method, Problem
from pnp_course.experiments.job import measure
from pnp_course.experiments.one_picture import middle_setting
from pnp_course.experiments.solver_run import Call, Restore
from pnp_course.fidelities import Gaussian, Poisson
from pnp_course.operators import Blur, kernels
from pnp_course.provenance import provenance
from pnp_course.solvers import coco_admm, run

RESULTS = Path(__file__).parent / "results" / "experiments.json"
SIDE, PEAK = 256, 50


def scene(side: int = SIDE) -> tuple[torch.Tensor, torch.Tensor]:
    """A photograph (1, 3, side, side) and a camera shake."""
    return images.photo("astronaut", side), kernels.motion(25, seed=1)


def memory_mb() -> float:
    """The peak of this process since its start; `getrusage` also knows the peak of the process that started it."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def one_method(name: str) -> dict[str, Any]:
    """Cost of a method, measured in the process that calls this: call it in a fresh one."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    method, q = METHODS[name], middle_setting(name)
    denoiser = method.denoisers["course"]
    measure(method, observed(*scene(32), PEAK, 0), denoiser, {**q, "iterations": 2})  # loads what is loaded late
    problem = observed(*scene(), PEAK, 0)
    before, begun = memory_mb(), time.process_time()
    _, row = measure(method, problem, denoiser, q)
    seconds, peak = time.process_time() - begun, memory_mb()
    one = one_call(denoiser, q["sigma"], row["network_products"] > 0)
    return {
        "denoiser": denoiser, "iterations": row["iterations"], "seconds": round(seconds, 2), "wall": round(row["seconds"], 2),
        "network_calls": row["network_calls"], "network_products": row["network_products"],
        "network_seconds": round(row["network_calls"] * one, 2), "memory_mb": round(peak - before), "process_mb": round(peak),
    }  # fmt: skip


def one_call(denoiser: str, sigma: float, product: bool) -> float:
    """Seconds of one evaluation of the denoiser, and, for a product, of a vector-Jacobian product with it.

    A gradient step's evaluation has the product of its network inside.
    """
    net, x = load_denoiser(denoiser), scene()[0].clamp(1e-3, 1)  # Burg's entropy needs positive values
    differentiated = product and not hasattr(net, "gradient_and_value")
    seconds = []
    for _ in range(4):
        begun = time.process_time()
        with torch.set_grad_enabled(differentiated):
            z = x.clone().requires_grad_(differentiated)
            out = net(z, sigma)
            if differentiated:
                torch.autograd.grad(out, z, out.detach())
        seconds.append(time.process_time() - begun)
    return min(seconds)


def in_fresh_process(name: str) -> dict[str, Any]:
    """`one_method` in a process of its own."""
    code = f"import json, runpy; m = runpy.run_path({__file__!r}); print(json.dumps(m['one_method']({name!r})))"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


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


def side_by_side(iterations: int = 50) -> dict[str, Any]:
    """Processor seconds of a deblurring job by half-quadratic splitting and by ADMM: bare calls, ours, deepinv's."""
    with contextlib.suppress(Exception):
        import deepinv  # noqa: F401  # before its stand-ins of `peer`, where it can be imported without them

    from solvers import LAM, SIGMA, loops  # the benchmark beside this one

    net, (x, _) = load_denoiser("drunet"), scene()
    blur = Blur(kernels.gaussian(9, 1.6))
    y = blur(x)
    problem, out = Problem(x, y, {"fidelity": Gaussian(blur, y)}), {}
    for name in ("hqs", "admm"):
        method = Method(Restore(lambda p, q, name=name: Call(name, p.facts["fidelity"], {"lam": LAM})))
        floor, _, *theirs = loops(name, net, iterations)

        def job(method: Method = method) -> Any:
            return measure(method, problem, "drunet", {"sigma": SIGMA, "iterations": iterations})

        seconds = processor_seconds(floor, job, *theirs)
        out[name] = dict(zip(("network_and_prox", "job", "deepinv"), seconds, strict=False))
    return out


@torch.no_grad()
def processor_seconds(*calls: Callable[[], Any], repeats: int = 2) -> list[float]:
    """The least processor seconds of several rounds, the calls alternating."""
    seconds: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for call, found in zip(calls, seconds, strict=True):
            begun = time.process_time()
            call()
            found.append(time.process_time() - begun)
    return [round(min(found), 3) for found in seconds]


def main(wanted: list[str]) -> None:
    """Measure everything, or only these methods and parts, and write the results as they come."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    parts: dict[str, Callable[[], Any]] = {"batch": batch, "jobs_per_minute": workers, "side_by_side": side_by_side}
    out = json.loads(RESULTS.read_text(encoding="utf-8")) if wanted else {"methods": {}}
    machine = {"cores": os.cpu_count(), "load_before": round(os.getloadavg()[0], 2)}  # 0: nothing else was running
    out |= {"provenance": provenance(), "threads": 1, "side": SIDE, "machine": machine}
    for name in wanted or [*METHODS, *parts]:
        if name in METHODS:
            out["methods"][name] = in_fresh_process(name)
        else:
            out[name] = parts[name]()
        print(name, out.get(name) or out["methods"][name], flush=True)
        RESULTS.write_text(json.dumps(out, indent=1) + "\n", encoding="utf-8")
    print(f"results: {RESULTS}")


if __name__ == "__main__":
    main(sys.argv[1:])
