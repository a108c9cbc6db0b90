"""Solvers and operators side by side with deepinv: python benchmarks/solvers.py  ->  benchmarks/results/solvers.json

Both use the same network, precision and machine in one run; each pair of measurements alternates, and the best of
several is taken.

1. 50 iterations of plug-and-play HQS and ADMM deblurring at 256 x 256; what the loop adds to network and prox is
measured
   with a denoiser that costs nothing, since the network's own time varies by more.
2. GS-PnP with backtracking, seconds per accepted iteration.
3. Radon forward + adjoint, and its proximal operator by conjugate gradients, at 256 x 256, 60 and 200 views; scikit-image
too.
4. Growth of every solver's cost from 64 x 64 to 1024 x 1024, seconds per iteration and pixel.

Without deepinv its columns are left out.
"""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from pnp_course import images, load_denoiser, solvers
from pnp_course.denoisers import at_sigma
from pnp_course.fidelities import Gaussian, Poisson
from pnp_course.operators import Blur, Radon, kernels
from pnp_course.provenance import provenance
from pnp_course.solvers import run

RESULTS = Path(__file__).parent / "results" / "solvers.json"
SIGMA, LAM = 0.08, 0.9
PEER = importlib.util.find_spec("deepinv") is not None


def best(*calls: Callable[[], Any], repeats: int = 3) -> list[float]:
    """Seconds of the fastest of several rounds, the calls alternating."""
    seconds: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for call, found in zip(calls, seconds, strict=True):
            begun = time.perf_counter()
            call()
            found.append(time.perf_counter() - begun)
    return [min(found) for found in seconds]


def peer() -> Any:
    """deepinv; torchvision's missing operators are declared where its build does not fit torch's."""
    try:
        import deepinv
    except RuntimeError:  # operator torchvision::nms does not exist
        library = torch.library.Library("torchvision", "DEF")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import deepinv

    return deepinv


class Model(torch.nn.Module):
    """Our denoiser in the other library's calling convention."""

    def __init__(self, denoiser: torch.nn.Module):
        super().__init__()
        self.denoiser = denoiser

    def forward(self, x: torch.Tensor, sigma: Any, **_: Any) -> torch.Tensor:
        """D(x, sigma)."""
        return self.denoiser(x, float(torch.as_tensor(sigma).flatten()[0]))


class Still(torch.nn.Module):
    """A denoiser that costs nothing."""

    def forward(self, x: torch.Tensor, sigma: Any) -> torch.Tensor:
        """x itself."""
        return x


def loops(name: str, net: torch.nn.Module, iterations: int) -> list[Callable[[], Any]]:
    """Deblurring at 256 x 256 as bare calls of network and proximal operator, by our solver, and by deepinv's."""
    x, kernel = images.photo("astronaut", 256), kernels.gaussian(9, 1.6)
    blur = Blur(kernel)
    y = blur(x)
    fidelity = Gaussian(blur, y)

    def floor() -> None:
        z = y
        for _ in range(iterations):
            z = net(fidelity.prox(z, LAM), SIGMA)

    def ours() -> Any:
        solver = solvers.hqs if name == "hqs" else solvers.admm
        return run(solver(fidelity, at_sigma(net, SIGMA), y, lam=LAM), iterations)

    if not PEER:
        return [floor, ours]
    deepinv = peer()
    physics = deepinv.physics.BlurFFT(img_size=(3, 256, 256), filter=kernel[None, None])
    algorithm = getattr(deepinv.optim, name.upper())(
        data_fidelity=deepinv.optim.L2(),
        prior=deepinv.optim.PnP(Model(net)),
        stepsize=LAM,
        sigma_denoiser=SIGMA,
        max_iter=iterations,
        early_stop=False,
    )
    return [floor, ours, lambda: algorithm(y, physics)]


@torch.no_grad()
def deblurring(iterations: int = 50) -> dict[str, Any]:
    """Seconds of HQS and ADMM with the network, and what the loop adds, measured with a denoiser that costs nothing."""
    out: dict[str, Any] = {}
    for name in ("hqs", "admm"):
        floor, *seconds = best(*loops(name, load_denoiser("drunet"), iterations))
        bare, *free = best(*loops(name, Still(), iterations), repeats=10)
        out[name] = {"network_and_prox_seconds": round(floor, 3)}
        for who, total, loop in zip(("ours", "deepinv"), seconds, free, strict=False):
            out[name][f"{who}_seconds"] = round(total, 3)
            out[name][f"{who}_overhead_ms_per_iteration"] = round(1e3 * (loop - bare) / iterations, 3)
    return out


def potential_prior(net: Any) -> Any:
    """g and grad g of our network as deepinv's prior, each by its own evaluation, as that interface asks."""
    deepinv = peer()

    class Potential(deepinv.optim.Prior):
        def __init__(self) -> None:
            super().__init__()
            self.explicit_prior = True

        def fn(self, x: torch.Tensor, sigma: Any, *_: Any, **__: Any) -> torch.Tensor:
            return net.value(x, SIGMA)

        def grad(self, x: torch.Tensor, sigma: Any, *_: Any, **__: Any) -> torch.Tensor:
            return net.gradient_and_value(x, SIGMA)[0]

    return Potential()


@torch.no_grad()
def backtracking(first: float, iterations: int = 10) -> dict[str, Any]:
    """GS-PnP with a line search from the step `first`: seconds for each accepted iteration, here and in deepinv.

    Forward passes of the network are counted too. deepinv weighs the prior, here `lam` the fidelity.
    """
    x, kernel, net = images.photo("astronaut", 256), kernels.gaussian(9, 1.6), load_denoiser("coco-gs-0.25")
    blur, lam = Blur(kernel), 10.0
    y = blur(x)
    fidelity = Gaussian(blur, y)
    denoise = at_sigma(net, SIGMA)

    def ours() -> Any:
        return run(solvers.gs_pnp_pgd(fidelity, denoise, y, lam=lam, step=first), iterations)

    calls: list[Callable[[], Any]] = [ours, lambda: net.denoise_and_value(y, SIGMA)]
    if PEER:
        deepinv = peer()
        physics = deepinv.physics.BlurFFT(img_size=(3, 256, 256), filter=kernel[None, None])

        def theirs() -> Any:
            return deepinv.optim.PGD(  # made anew: it would begin with the step its last search ended with
                data_fidelity=deepinv.optim.L2(),
                prior=potential_prior(net),
                g_first=True,
                stepsize=first * lam,
                lambda_reg=1 / lam,
                sigma_denoiser=SIGMA,
                max_iter=iterations,
                early_stop=False,
                backtracking=deepinv.optim.BacktrackingConfig(gamma=0.1, eta=0.9, max_iter=100),
            )(y, physics)

        calls.append(theirs)
    seconds = best(*calls, repeats=2)
    last = ours().iterate
    out = {
        "ours_seconds_per_iteration": round(seconds[0] / iterations, 3),
        "one_evaluation_seconds": round(seconds[1], 3),
        "evaluations": last.evaluations,
        "rejected": last.rejected,
        "forward_passes": passes(net, ours),
    }
    if PEER:
        out |= {
            "deepinv_seconds_per_iteration": round(seconds[2] / iterations, 3),
            "deepinv_forward_passes": passes(net, theirs),
        }
    return out


def passes(net: Any, call: Callable[[], Any]) -> int:
    """Forward passes of a gradient step's network during a call."""
    count = 0

    def tally(*_: Any) -> None:
        nonlocal count
        count += 1

    handle = net.network.register_forward_hook(tally)
    call()
    handle.remove()
    return count


@torch.no_grad()
def tomography(n: int = 256) -> dict[str, Any]:
    """Seconds of forward + adjoint and of a CG prox; the adjoint's error."""
    from skimage.transform import radon as skimage_radon

    x = images.to_channels(images.photo("camera", n), 1)
    out: dict[str, Any] = {}
    for views in (60, 200):
        a = Radon(n, views)
        begun = time.perf_counter()
        y = a(x)
        build = time.perf_counter() - begun
        s = torch.rand(y.shape, generator=torch.Generator().manual_seed(0))
        left, right = float((a(x).double() * s).sum()), float((x.double() * a.adjoint(s)).sum())
        calls: list[Callable[[], Any]] = [lambda a=a, s=s: (a(x), a.adjoint(s)), lambda a=a: a.solve(x, 1e-3)]
        if PEER:
            deepinv = peer()
            angles = torch.arange(views) * 180 / views
            physics = deepinv.physics.Tomography(img_width=n, angles=angles, circle=False, normalize=False)
            z = torch.rand(physics.A(x).shape)
            calls += [
                lambda p=physics, z=z: (p.A(x), p.A_adjoint(z)),
                lambda p=physics, z=z: p.prox_l2(x, z, gamma=1e-3),
            ]
        seconds = best(*calls, repeats=2)
        theta = [180 * k / views for k in range(views)]
        skimage = best(lambda theta=theta: skimage_radon(x[0, 0].numpy(), theta=theta, circle=False), repeats=1)[0]
        row = {
            "build_seconds": round(build, 2),
            "forward_and_adjoint_seconds": round(seconds[0], 4),
            "prox_seconds": round(seconds[1], 3),
            "adjoint_relative_error": float(f"{abs(left - right) / abs(left):.1e}"),
            "skimage_forward_seconds": round(skimage, 3),
        }
        if PEER:
            row["deepinv_forward_and_adjoint_seconds"] = round(seconds[2], 4)
            row["deepinv_prox_seconds"] = round(seconds[3], 3)
        out[f"{views} views"] = row
    return out


def makers(side: int) -> dict[str, Callable[[], Any]]:
    """Solvers on a blurred picture of this side, by name."""
    net = load_denoiser("drunet")
    x = torch.nn.functional.interpolate(images.photo("astronaut", 256), size=(side, side))
    blur = Blur(kernels.gaussian(9, 1.6))
    y = blur(x).clamp_min(1e-3)
    gauss, kl, d = Gaussian(blur, y), Poisson(blur, y), at_sigma(net, SIGMA)
    return {
        "hqs": lambda: solvers.hqs(gauss, d, y, lam=LAM),
        "pgd": lambda: solvers.pgd(gauss, d, y, lam=LAM),
        "admm": lambda: solvers.admm(gauss, d, y, lam=LAM),
        "pnpi_hqs": lambda: solvers.pnpi_hqs(gauss, d, y, lam=LAM),
        "red": lambda: solvers.red(gauss, d, y, lam=LAM, step=0.5),
        "coco_admm": lambda: solvers.coco_admm(kl, d, y, lam=LAM),
        "coco_pegd": lambda: solvers.coco_pegd(kl, d, y, lam=LAM),
    }


def growth(sizes: tuple[int, ...] = (64, 128, 256, 512, 1024)) -> dict[str, Any]:
    """Microseconds per iteration and pixel, by solver and side; constant means linear in the number of pixels."""
    out: dict[str, Any] = {}
    for side in sizes:
        for name, make in makers(side).items():
            seconds = best(lambda make=make: run(make(), 3), repeats=2)[0]
            out.setdefault(name, {})[str(side)] = round(1e6 * seconds / 3 / side**2, 3)
    return out


def main() -> None:
    """All four parts."""
    results = {
        "deblurring_256": deblurring(),
        "gs_pnp_backtracking_256": {"first step 1": backtracking(1.0), "five times as long": backtracking(5.0)},
        "tomography_256": tomography(),
        "microseconds_per_iteration_and_pixel": growth(),
        "threads": torch.get_num_threads(),
        "provenance": provenance(),
    }
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
