"""One job: one method on one case. It needs nothing but its own fields, so that any process on any machine can do it."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from pnp_course import metrics
from pnp_course.denoisers import GrayFromColour, at_sigma
from pnp_course.devices import best_device, wait_for
from pnp_course.experiments.experiment import Case, Experiment, Method, Parameters, Problem
from pnp_course.experiments.networks import network, weights_hash
from pnp_course.experiments.tally import Tally
from pnp_course.provenance import provenance
from pnp_course.solvers import DivergenceError, Result
from pnp_course.training.guards import flushed_denormals

SCHEMA_VERSION = 1  # of a row


@dataclass(frozen=True)
class Job:
    """One method, with its parameters, on one case of an experiment.

    denoiser: name of a denoiser (`networks`), or empty. key: a hash of all this, of the method's fixed parameters and of the
        weights, so that a job is done again when it would give something else.
    """

    experiment: str
    case: Case
    method: str
    parameters: Parameters
    denoiser: str = ""
    fixed: Parameters = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """A hash of all that decides the result."""
        said = [SCHEMA_VERSION, *(getattr(self, f.name) for f in fields(self)), weights_hash(self.denoiser)]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:20]


def run_job(job: Job) -> dict[str, Any]:
    """The row of a job: what was asked, what came out (dB, SSIM, convergence, cost), and where it comes from.

    It is done on the GPU, if there is one; the row says where. The observation is the same on all machines.

    A run that diverges is a result: its row says so, and has the PSNR of the last finite iterate. The row's `curve` is
    for each iteration [PSNR, relative change].
    """
    from pnp_course.experiments import experiment_named

    experiment: Experiment = experiment_named(job.experiment)
    device = best_device()
    method, problem = experiment.methods[job.method], experiment.problem(job.case).to(device)
    with flushed_denormals():
        _, measured = measure(method, problem, job.denoiser, {**job.fixed, **job.parameters})
    return {
        "schema_version": SCHEMA_VERSION, "key": job.key, "experiment": job.experiment, **job.case,
        "method": job.method, "denoiser": job.denoiser, "parameters": json.dumps(job.parameters, sort_keys=True),
        **measured, "memory_mb": round(_memory_mb(device)),
        "weights_sha256": weights_hash(job.denoiser), **provenance(device),
    }  # fmt: skip


def measure(
    method: Method, problem: Problem, denoiser: str, parameters: Parameters
) -> tuple[Result | Tensor, dict[str, Any]]:
    """What a method returns for a problem, and how good it is, how it converged, and what it cost.

    The cost: seconds, and of the network the forward passes (`network_calls`) and vector-Jacobian products
    (`network_products`).

    The computation is where the problem's tensors are.

    Args:
        denoiser: name of a denoiser (`networks`), or empty. parameters: fixed ones and tuned ones.
    """
    net = _network(denoiser, problem) if denoiser else None
    level = parameters["sigma"] if "sigma" in parameters else problem.facts.get("sigma", 0.0)
    calls, denoise = Tally(net), at_sigma(net, level) if net is not None else None
    _forget_memory(problem.y.device)
    begun = time.perf_counter()
    try:
        out = method.restore(problem, denoise, parameters)
    except DivergenceError as error:
        out = error.result
    finally:
        calls.end()
    wait_for(problem.y.device)
    seconds = round(time.perf_counter() - begun, 4)
    cost = {"seconds": seconds, "network_calls": calls.forward, "network_products": calls.products}
    return out, {**_outcome(out, problem), **problem.facts.get("measured", {}), **cost}


def _network(name: str, problem: Problem) -> nn.Module:
    net = network(name).to(problem.y.device)
    return GrayFromColour(net) if problem.clean.shape[1] == 1 and net.in_channels == 3 else net


def _outcome(out: Result | Tensor, problem: Problem) -> dict[str, Any]:
    """What a row says of a result."""
    result = out if isinstance(out, Result) else None
    x = out.x if isinstance(out, Result) else out
    curve = [[row.get("psnr"), row["relative_change"]] for row in result.rows] if result else []
    return {
        "psnr": round(metrics.psnr(x, problem.clean), 4),
        "ssim": round(metrics.ssim(x, problem.clean), 5),
        "iterations": len(curve),
        "relative_change": curve[-1][1] if len(curve) > 1 else None,
        "stopped_by": result.stopped_by if result else "",
        "curve": [[None if v is None or v != v else float(f"{v:.5g}") for v in pair] for pair in curve],
    }


def _forget_memory(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def _memory_mb(device: torch.device) -> float:
    """The peak of the GPU's memory in this job, or, on a CPU, that of this process since its start."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
