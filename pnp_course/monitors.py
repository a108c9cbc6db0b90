"""What `run` can record at each iterate: plain functions, or small objects, from Iterate to float."""

from __future__ import annotations

from torch import Tensor

from pnp_course import metrics
from pnp_course.fidelities import Fidelity
from pnp_course.solvers.iterate import Iterate
from pnp_course.solvers.runner import Monitor


def psnr_to(reference: Tensor) -> Monitor:
    """PSNR of x against the clean image (B, C, H, W), dB."""
    return lambda iterate: metrics.psnr(iterate.x, reference)


def ssim_to(reference: Tensor) -> Monitor:
    """SSIM of x against the clean image (B, C, H, W)."""
    return lambda iterate: metrics.ssim(iterate.x, reference)


def _dot(a: Tensor, b: Tensor) -> float:
    return float((a.double() * b.double()).sum())


class Lagrangian:
    """The augmented Lagrangian of CoCo-ADMM, [B] (65), up to the unknown constant F(u_1):

        H_k = F(u_k) + lam G(v_k) + <b_k, u_k - v_k> + ||u_k - v_k||^2 / 2.

    The implicit prior F is known through its gradient: b_k = -grad F(u_k) from the first iteration on. So
    F(u_{k+1}) - F(u_k), the line integral of grad F, is taken by the trapezoidal rule,
    -<b_k + b_{k+1}, u_{k+1} - u_k> / 2, at no cost; its error is of third order in the step. Where D is not quite
    conservative the integral depends on the path: what is shown is the value along the iterates.
    """

    def __init__(self, fidelity: Fidelity, lam: float):
        self.fidelity, self.lam, self.prior = fidelity, lam, 0.0
        self.before: tuple[Tensor, Tensor] | None = None

    def __call__(self, iterate: Iterate) -> float:
        """H_k at an iterate of `coco_admm`; call once for each, in order."""
        u, v, b = iterate.u, iterate.v, iterate.b
        if self.before is not None:
            u_old, b_old = self.before
            self.prior -= _dot(b + b_old, u - u_old) / 2
        self.before = (u, b)
        gap = u - v
        return self.prior + self.lam * self.fidelity.value(v) + _dot(b, gap) + _dot(gap, gap) / 2
