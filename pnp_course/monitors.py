"""What `run` can record at each iterate: plain functions or small objects that map an Iterate to a float."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pnp_course import metrics
from pnp_course.devices import full_float32
from pnp_course.fidelities import Fidelity
from pnp_course.jacobian import Linearized, antisymmetry, lanczos, linearize, operator_norm, symmetric_part
from pnp_course.solvers.iterate import Iterate
from pnp_course.solvers.runner import Monitor


def psnr_to(reference: Tensor) -> Monitor:
    """PSNR of x against the clean image (B, C, H, W), dB."""
    return lambda iterate: metrics.psnr(iterate.x, reference)


def ssim_to(reference: Tensor) -> Monitor:
    """SSIM of x against the clean image (B, C, H, W)."""
    return lambda iterate: metrics.ssim(iterate.x, reference)


def objective() -> Monitor:
    """The objective that a solver reports with its iterates (`gs_pnp_pgd`, `prox_pnp_*`, `b_red`, ...)."""

    def value(iterate: Iterate) -> float:
        if iterate.objective is None:
            raise ValueError("this solver reports no objective; leave the monitor out, or take a solver that has one.")
        return iterate.objective

    return value


class AtIterate:
    """A constant of the denoiser at the image it was last applied to, `iterate.denoiser_input`, as theorems need it.

    "asymmetry": ||J - J^T||_*. "lambda_min", "lambda_max": ends of the spectrum of (J + J^T) / 2.
    "gamma": 1 / max(lambda_max, 1).

    Args:
        denoiser, sigma: D(x, sigma).
        what: the name of the constant.
        every: measure at each `every`-th iterate only, with NaN between, since one measurement costs 2 `iterations`
            denoiser evaluations or more.
        iterations: the number of Lanczos iterations.
    """

    def __init__(self, denoiser: nn.Module, sigma: float, what: str, every: int = 10, iterations: int = 15):
        if what not in ("asymmetry", "lambda_min", "lambda_max", "gamma"):
            raise ValueError(f"what is {what!r}; wanted asymmetry, lambda_min, lambda_max or gamma.")
        self.denoiser, self.sigma, self.what = denoiser, sigma, what
        self.every, self.iterations = every, iterations
        self.begin()

    def begin(self) -> None:
        """Begin a new run, whose first iterate is measured."""
        self.seen = 0

    @full_float32()
    def __call__(self, iterate: Iterate) -> float:
        """The constant at this iterate, the worst over the batch, or NaN where it is not measured."""
        self.seen += 1
        if (self.seen - 1) % self.every:
            return float("nan")
        x = iterate.denoiser_input
        lin = linearize(self.denoiser, x, self.sigma)
        start = torch.randn(x.shape, generator=torch.Generator().manual_seed(0), dtype=x.dtype).to(x.device)
        if self.what == "asymmetry":
            lin = Linearized(lambda v: self.denoiser(v, self.sigma), x) if lin.symmetric else lin
            return float(operator_norm(antisymmetry(lin), start, self.iterations).max())
        ends = lanczos(symmetric_part(lin).apply, start, self.iterations)
        if self.what == "lambda_min":
            return float(ends.low.min())
        top = float(ends.high.max())
        return top if self.what == "lambda_max" else 1 / max(top, 1.0)


def _dot(a: Tensor, b: Tensor) -> float:
    return float((a.double() * b.double()).sum())


class Lagrangian:
    """The augmented Lagrangian of CoCo-ADMM, [B] (65), up to the unknown constant F(u_1):

        H_k = F(u_k) + lam G(v_k) + <b_k, u_k - v_k> + ||u_k - v_k||^2 / 2.

    The implicit prior F is known through its gradient: b_k = -grad F(u_k) from the first iteration on. So
    F(u_{k+1}) - F(u_k), the line integral of grad F, is taken by the trapezoidal rule,
    -<b_k + b_{k+1}, u_{k+1} - u_k> / 2, at no cost; its error is of third order in the step. Where D is not quite
    conservative the integral depends on the path; the value shown is the one along the iterates.
    """

    def __init__(self, fidelity: Fidelity, lam: float):
        self.fidelity, self.lam = fidelity, lam
        self.begin()

    def begin(self) -> None:
        """Begin a new run; the prior is counted from its first iterate."""
        self.prior = 0.0
        self.before: tuple[Tensor, Tensor] | None = None

    def __call__(self, iterate: Iterate) -> float:
        """H_k at an iterate of `coco_admm`; it must be called once for each iterate, in order."""
        u, v, b = iterate.u, iterate.v, iterate.b
        if self.before is not None:
            u_old, b_old = self.before
            self.prior -= _dot(b + b_old, u - u_old) / 2
        self.before = (u, b)
        gap = u - v
        return self.prior + self.lam * self.fidelity.value(v) + _dot(b, gap) + _dot(gap, gap) / 2
