"""Tomography side by side with deepinv and scikit-image: python benchmarks/ct.py  ->  benchmarks/results/ct.json

One thread; seconds of the processor, so that other programs disturb less; the best of several rounds, the calls alternating.

1. At 256 x 256 and 512 x 512, 60 views: projection, its adjoint and filtered backprojection; one iteration of plug-and-play
   proximal gradient descent and of ADMM on the Gaussian fidelity with the same network, here and in deepinv; one sweep of
   scikit-image's SART, its only iteration; and one of CoCo-ADMM on counted photons, which neither of them has.
2. A clinical size, 512 x 512 with 360 views, parallel and fan: the most memory that a fresh process has ever held, once the
   matrix and its transpose are built and each has been applied.

Without deepinv its columns are left out. scikit-image has no adjoint of its projection: in its column stands the backprojection
without a filter, which interpolates in another way.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from experiments import memory_mb
from solvers import PEER, Model, peer

from pnp_course import ct, load_denoiser
from pnp_course.ct.scan import emission
from pnp_course.denoisers import at_sigma
from pnp_course.fidelities import Gaussian
from pnp_course.operators import FanBeam, Radon
from pnp_course.provenance import provenance
from pnp_course.solvers import admm, coco_admm, pgd

RESULTS = Path(__file__).parent / "results" / "ct.json"
VIEWS, SIGMA, CLINICAL = 60, 0.05, (512, 360)
ITERATIONS = 2  # that a call of deepinv's solver makes
Calls = dict[str, Callable[[], Any]]


def best(calls: Calls, repeats: int = 3) -> dict[str, float]:
    """Processor seconds of the fastest of several rounds, the calls alternating."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            begun = time.process_time()
            call()
            found[name].append(time.process_time() - begun)
    return {name: float(f"{min(seconds):.3g}") for name, seconds in found.items()}


class Scene:
    """A chest of this side, its sinogram without noise and with photons, and the operators of the three libraries."""

    def __init__(self, size: int):
        self.size, self.x = size, ct.phantom("chest", 1, size)
        begun = time.process_time()
        self.operator = Radon(size, VIEWS)
        self.y = self.operator(self.x)
        self.build = round(time.process_time() - begun, 2)
        self.start = self.operator.fbp(self.y, "hann", 0.9)
        self.net = load_denoiser("coco-0.25-gray")
        self.theta = [180 * k / VIEWS for k in range(VIEWS)]
        self.step = 1 / self.operator.norm(self.x, tol=1e-2) ** 2
        self.skimage = self.x[0, 0].numpy()
        if PEER:
            angles = torch.tensor(self.theta)
            self.physics = peer().physics.Tomography(img_width=size, angles=angles, circle=False, normalize=False)
            self.seen = self.physics.A(self.x)


def projections(s: Scene) -> dict[str, Calls]:
    """The linear maps: what -> library -> call."""
    from skimage.transform import iradon, radon

    rays = radon(s.skimage, theta=s.theta, circle=False)
    back = {"theta": s.theta, "circle": False, "output_size": s.size}
    calls: dict[str, Calls] = {
        "forward": {"ours": lambda: s.operator(s.x), "skimage": lambda: radon(s.skimage, theta=s.theta, circle=False)},
        "adjoint": {
            "ours": lambda: s.operator.adjoint(s.y),
            "skimage": lambda: iradon(rays, filter_name=None, **back),
        },
        "fbp": {"ours": lambda: s.operator.fbp(s.y), "skimage": lambda: iradon(rays, **back)},
    }
    if PEER:
        calls["forward"]["deepinv"] = lambda: s.physics.A(s.x)
        calls["adjoint"]["deepinv"] = lambda: s.physics.A_adjoint(s.seen)
        calls["fbp"]["deepinv"] = lambda: s.physics.fbp(s.seen)
    return calls


def peer_steps(s: Scene, name: str, step: float) -> Callable[[], Any]:
    """One more iteration of deepinv's solver of this name, from the first picture."""
    deepinv = peer()
    algorithm = getattr(deepinv.optim, name)(
        data_fidelity=deepinv.optim.L2(),
        prior=deepinv.optim.PnP(Model(s.net)),
        stepsize=step,
        sigma_denoiser=SIGMA,
        max_iter=ITERATIONS,
        early_stop=False,
    )
    return lambda: algorithm(s.seen, s.physics, init=(s.start, s.start))


def iterations(s: Scene) -> dict[str, Calls]:
    """One iteration of solvers: what -> library -> call. A call of deepinv's makes ITERATIONS of them."""
    from skimage.transform import iradon_sart, radon

    denoise, gauss = at_sigma(s.net, SIGMA), Gaussian(s.operator, s.y)
    counted = emission(s.operator, torch.poisson(100 * s.y, generator=torch.Generator().manual_seed(0)) / 100)
    lam = {"pgd": s.step, "admm": 10 * s.step}
    steps = {
        "pgd": pgd(gauss, denoise, s.start, lam=lam["pgd"]),
        "admm": admm(gauss, denoise, s.start, lam=lam["admm"]),
        "coco_admm": coco_admm(counted, denoise, s.start, lam=100 * SIGMA**2, t=0.33),
    }
    rays = radon(s.skimage, theta=s.theta, circle=True)
    calls: dict[str, Calls] = {name: {"ours": lambda it=it: next(it)} for name, it in steps.items()}
    calls["sart"] = {"skimage": lambda: iradon_sart(rays, theta=torch.tensor(s.theta).numpy())}
    calls["denoiser"] = {"ours": lambda: denoise(s.start)}
    if PEER:
        for name in ("pgd", "admm"):
            calls[name]["deepinv"] = peer_steps(s, name.upper(), lam[name])
    return calls


@torch.no_grad()
def row(size: int) -> dict[str, Any]:
    """Seconds at one size."""
    s = Scene(size)
    out: dict[str, Any] = {"build": s.build, "matrix_mb": round(s.operator.bytes() / 2**20)}
    repeats = 3 if size <= 256 else 2
    out |= {name: best(calls, repeats) for name, calls in projections(s).items()}
    for name, calls in iterations(s).items():
        calls["ours" if "ours" in calls else "skimage"]()  # warm; in deepinv everything is warm by now
        out[name] = best(calls, repeats if name != "admm" else 1)
        if "deepinv" in out[name]:
            out[name]["deepinv"] = float(f"{out[name]['deepinv'] / ITERATIONS:.3g}")
    return out


@torch.no_grad()
def clinical(beam: str) -> dict[str, Any]:
    """Memory of 512 x 512 with 360 views, measured in the process that calls this: call it in a fresh one."""
    size, views = CLINICAL
    before = memory_mb()
    a = Radon(size, views) if beam == "parallel" else FanBeam(size, views, 2.0 * size)
    x = torch.ones(1, 1, size, size)
    begun = time.process_time()
    y = a(x)
    build = round(time.process_time() - begun, 1)
    a.adjoint(y)
    seconds = best({"forward": lambda: a(x), "adjoint": lambda: a.adjoint(y)}, 2)
    return {
        "matrix_mb": round(a.bytes() / 2**20), "peak_mb": round(memory_mb()), "libraries_mb": round(before), "build": build,
        **seconds, "commit": provenance()["commit"],
    }  # fmt: skip


def in_a_fresh_process(beam: str) -> dict[str, Any]:
    """What `clinical` returns there."""
    done = subprocess.run([sys.executable, __file__, "--clinical", beam], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def main() -> None:
    """Both parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=RESULTS)
    parser.add_argument("--sizes", type=int, nargs="*", default=[256, 512])
    parser.add_argument("--clinical", choices=["parallel", "fan"], help="measure memory in this process and print it")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.clinical:
        print(json.dumps(clinical(given.clinical)))
        return
    results: dict[str, Any] = {
        "views": VIEWS, "sizes": {}, "clinical": {},
        "versions": {name: importlib.metadata.version(name) for name in ("deepinv", "scikit-image")[not PEER :]},
        "threads": 1, "provenance": provenance(),
    }  # fmt: skip
    parts: list[tuple[str, str, Callable[[], Any]]] = [
        *(("sizes", str(size), partial(row, size)) for size in given.sizes),
        *(("clinical", beam, partial(in_a_fresh_process, beam)) for beam in ("parallel", "fan")),
    ]
    for part, name, measure in parts:  # what is measured is kept, should the rest take too long
        results[part][name] = measure()
        given.output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        print(part, name, json.dumps(results[part][name]), flush=True)


if __name__ == "__main__":
    main()
