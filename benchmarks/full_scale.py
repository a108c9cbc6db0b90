"""What the deconvolution table costs at the papers' scale: python benchmarks/full_scale.py  ->  results/full_scale.json

Counted: the operations and kernels of one evaluation of each network on a picture of 128 x 128 (operations and seconds grow
with the pixels), and the evaluations of each method, in a run of a few iterations. Measured: the seconds of the processor for
an evaluation, on one core. Networks of the published size have random weights, which cost the same.
`python tools/full_scale_page.py` makes hours of it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pnp_course import images, load_denoiser
from pnp_course.denoisers import at_sigma
from pnp_course.denoisers.drunet import DRUNet
from pnp_course.denoisers.gradient_step import GradientStep
from pnp_course.denoisers.published import KINDS
from pnp_course.experiments.deconvolution_table import EXPERIMENT, METHODS, observed
from pnp_course.experiments.networks import PUBLISHED
from pnp_course.experiments.one_picture import middle_setting
from pnp_course.experiments.tally import Tally
from pnp_course.operators import kernels
from pnp_course.provenance import provenance
from pnp_course.training.cost import counted

RESULTS = Path(__file__).parent / "results" / "full_scale.json"
SIZE = (328, 488)  # of a photograph of CBSD68, 321 x 481, padded to multiples of 8
SIDE = 128  # of the picture on which an evaluation is counted and measured
WIDTHS, BLOCKS = (64, 128, 256, 512), 4  # of the published networks
FEW = 6  # iterations of the runs in which evaluations are counted


def network(name: str) -> nn.Module:
    """A network of a job at paper scale; published ones with random weights."""
    if not name.startswith(PUBLISHED):
        return load_denoiser(name)
    activation, gradient_step = KINDS[name.removeprefix(PUBLISHED)]
    net = DRUNet(in_channels=3, widths=WIDTHS, blocks=BLOCKS, activation=activation)
    return (GradientStep(net) if gradient_step else net).eval().requires_grad_(False)


def evaluation(net: nn.Module, x: Tensor, differentiated: bool) -> Callable[[], object]:
    """One evaluation at x, and a vector-Jacobian product with it where a method asks for one."""

    def work() -> None:
        with torch.set_grad_enabled(differentiated):
            z = x.detach().requires_grad_(differentiated)
            out = net(z, 0.1)
            if differentiated:
                torch.autograd.grad(out, z, out.detach())

    return work


def cost(name: str, differentiated: bool) -> dict[str, Any]:
    """Operations, kernels and processor seconds of an evaluation at SIDE x SIDE."""
    net = network(name)
    small = images.photo("astronaut", SIDE).clamp(1e-3, 1)
    work = evaluation(net, small, differentiated)
    operations, calls = counted(work)  # and warm
    begun = time.process_time()
    work()
    seconds = time.process_time() - begun
    parameters = sum(p.numel() for p in net.parameters())
    return {"weights": parameters, "gflop": round(operations / 1e9, 3), "kernels": calls, "seconds": round(seconds, 3)}


def asked(name: str) -> dict[str, Any]:
    """The evaluations of a method's network in an iteration and besides, and whether it differentiates through it."""
    method, q = METHODS[name], middle_setting(name)
    problem, net = (
        observed(images.photo("astronaut", 32), kernels.motion(9, seed=1), 50, 0),
        load_denoiser(method.denoisers["course"]),
    )
    seen = {}
    for iterations in (FEW, 2 * FEW):
        with Tally(net) as tally:
            method.restore(problem, at_sigma(net, q["sigma"]), {**q, "iterations": iterations})
        seen[iterations] = tally.forward
    each = (seen[2 * FEW] - seen[FEW]) / FEW
    through = tally.products > 0 and not hasattr(net, "gradient_and_value")
    return {
        "network": method.denoisers["paper"], "iterations": q["iterations"], "differentiated": through,
        "evaluations": round(each * q["iterations"] + seen[FEW] - each * FEW),
    }  # fmt: skip


def main() -> None:
    """Count and measure, and write the results."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    methods = {name: asked(name) for name in METHODS}
    networks = {}
    for m in methods.values():
        m["cost"] = m["network"] + " and a product" * m.pop("differentiated")
        if m["cost"] not in networks:
            networks[m["cost"]] = cost(m["network"], m["cost"] != m["network"])
            print(m["cost"], networks[m["cost"]], flush=True)
    cases = len(EXPERIMENT.cases["paper"](None))
    machine = {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 2)}
    out = {
        "provenance": provenance(), "machine": machine, "size": SIZE, "side": SIDE, "cases": cases, "networks": networks,
        "methods": methods,
    }  # fmt: skip
    RESULTS.write_text(json.dumps(out, indent=1) + "\n", encoding="utf-8")
    print(f"results: {RESULTS}")


if __name__ == "__main__":
    main()
