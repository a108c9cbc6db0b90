"""Cost of a Jacobian penalty in training: python benchmarks/penalties.py  ->  benchmarks/results/penalties.json

It measures one training step (fit, penalty, backward) of the course's DRUNet on colour patches of 64 x 64, each way in
its own process: seconds (best of several), memory added by the steps, and the norms that it measured.

A. ||2J - I||_* on a batch of 4, 10 power iterations: ours by gates, ours by double backpropagation, and the
   JacobianSpectralNorm of deepinv where that package is installed (it differentiates through the iterations).
B. Both norms of [B] (18), 15 iterations: ours on 4 images of a batch of 16, ours by double backpropagation,
   and the authors' way, one image of the batch, each product from a forward pass of its own by double backpropagation.

All ways start their power iterations from the same vectors, if they allow one to choose them.
"""

from __future__ import annotations

import importlib.util
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pnp_course import load_denoiser
from pnp_course.linearize import Gated, Linearized
from pnp_course.provenance import provenance
from pnp_course.training import losses
from pnp_course.training.losses import Penalty, fit_l1, jacobian_penalty

RESULTS = Path(__file__).parent / "results" / "penalties.json"
FIRM = Penalty(constant=1.0, alpha=0.0, beta=1e-2, eps=0.1, iterations=10)
COCO = Penalty()

Step = Callable[[nn.Module, Tensor, Tensor], tuple[Tensor, dict[str, Tensor]]]


def plain(net: nn.Module, noisy: Tensor, sigma: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """No penalty."""
    return torch.zeros(()), {}


def ours(penalty: Penalty, gates: bool = True) -> Step:
    """The course's penalty, by gates or by double backpropagation."""

    def step(net: nn.Module, noisy: Tensor, sigma: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        def linearize(denoiser: nn.Module, x: Tensor, s: Tensor) -> Gated | Linearized:
            return Gated(denoiser, x, s) if gates else Linearized(lambda z: denoiser(z, s), x)

        losses.linearize = linearize
        return jacobian_penalty(net, noisy, sigma, penalty, torch.Generator().manual_seed(0))

    return step


def deepinv_firm(net: nn.Module, noisy: Tensor, sigma: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """||2J - I||_* by deepinv, with 10 iterations and a graph through all of them (its training mode)."""
    import deepinv

    x = noisy.detach().requires_grad_(True)
    norm = deepinv.loss.JacobianSpectralNorm(max_iter=10, tol=0.0, reduction="none")(2 * net(x, sigma) - x, x)
    return 1e-2 * norm.clamp_min(0.9).mean(), {"expansion": norm.mean().item()}


def authors(net: nn.Module, noisy: Tensor, sigma: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Both norms of (18) as in the authors' published training code: one image, a forward pass for every product."""
    image, level = noisy[:1].detach().requires_grad_(True), sigma[:1]

    def jt(w: Tensor) -> Tensor:
        return torch.autograd.grad(net(image, level), image, w, create_graph=True)[0]

    def j(v: Tensor) -> Tensor:
        w = torch.zeros_like(image).requires_grad_(True)
        return torch.autograd.grad(jt(w), w, v, create_graph=True)[0]

    def norm(apply: Callable[[Tensor], Tensor], transpose: Callable[[Tensor], Tensor]) -> Tensor:
        q = torch.randn(noisy[:1].shape, generator=torch.Generator().manual_seed(0))
        for _ in range(15):
            q = transpose(apply(q / q.norm()).detach()).detach()
        return apply(q / q.norm()).norm()

    asymmetry = norm(lambda v: j(v) - jt(v), lambda w: jt(w) - j(w))
    expansion = norm(lambda v: 0.5 * j(v) - v, lambda w: 0.5 * jt(w) - w)
    value = COCO.alpha * asymmetry + COCO.beta * expansion.clamp_min(1 - COCO.eps)
    return value, {"asymmetry": asymmetry.item(), "expansion": expansion.item()}


WAYS: dict[str, tuple[int, Step]] = {  # name: (batch, penalty)
    "plain, batch 4": (4, plain),
    "A ours, gates": (4, ours(FIRM)),
    "A ours, double backpropagation": (4, ours(FIRM, gates=False)),
    "A deepinv JacobianSpectralNorm": (4, deepinv_firm),
    "plain, batch 16": (16, plain),
    "B ours, 4 images, gates": (16, ours(Penalty(images=4))),
    "B ours, 4 images, double backpropagation": (16, ours(Penalty(images=4), gates=False)),
    "B ours, 1 image, gates": (16, ours(Penalty(images=1))),
    "B the authors' way, 1 image": (16, authors),
}


def measure(name: str, threads: int = 1, repeats: int = 4) -> dict[str, Any]:
    """Best seconds per step and extra memory (MiB) of one way, in this process."""
    torch.set_num_threads(threads)
    batch, penalty = WAYS[name]
    net = load_denoiser("drunet").requires_grad_(True)
    generator = torch.Generator().manual_seed(1)
    clean = torch.rand(batch, 3, 64, 64, generator=generator)
    sigma = torch.full((batch,), 0.1)
    noisy = (clean + 0.1 * torch.randn(clean.shape, generator=generator)).contiguous(memory_format=torch.channels_last)
    if "deepinv" in name:
        import deepinv  # noqa: F401
    held, seconds, seen = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, [], {}
    for _ in range(repeats):
        begun = time.perf_counter()
        extra, seen = penalty(net, noisy, sigma)
        (fit_l1(net(noisy, sigma), clean) + extra).backward()
        net.zero_grad()
        seconds.append(time.perf_counter() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": round(min(seconds), 4), "extra_mib": round((peak - held) / 1024)} | {
        key: round(float(value), 5) for key, value in seen.items()
    }


def main() -> None:
    """Measure every way in its own process, and write ratios to a plain step of the same batch."""
    rows: dict[str, Any] = {}
    for name, (batch, _) in WAYS.items():
        if "deepinv" in name and importlib.util.find_spec("deepinv") is None:
            print("deepinv is not installed: left out")
            continue
        out = subprocess.run([sys.executable, __file__, name], check=True, capture_output=True, text=True).stdout
        row = json.loads(out.splitlines()[-1])
        row["plain_steps"] = round(row["seconds"] / rows.get(f"plain, batch {batch}", row)["seconds"], 2)
        rows[name] = row
        print(f"{name:45s} {row}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"provenance": provenance(), "ways": rows}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
    else:
        main()
