"""PWLS with total generalised variation of second order (Bredies, Kunisch, Pock 2010), by Chambolle and Pock's algorithm.

minimise over the image u and a field w    sum of phi(A u) + alpha (|grad u - w|_1 + 2 |E w|_1),

E the symmetrised gradient. Where u is a ramp, w follows its slope and the first term vanishes: TGV has no stairs. 2 is
the usual ratio of the two weights.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from pnp_course._checks import check_positive
from pnp_course.priors import gradient, gradient_transpose
from pnp_course.ray_fidelities import WeightedLeastSquares
from pnp_course.solvers import Iterate

RATIO = 2.0
NORM_OF_DIFFERENCES = 12.0**0.5  # of (u, w) -> (grad u - w, E w), an upper bound


def symmetrised(w: Tensor) -> Tensor:
    """E w of a field w (2, B, C, H, W): (3, B, C, H, W), the two diagonal entries and sqrt(2) times the other one."""
    down, across = gradient(w[0]), gradient(w[1])
    return torch.stack((down[0], across[1], (down[1] + across[0]) / 2**0.5))


def symmetrised_transpose(q: Tensor) -> Tensor:
    """The adjoint of `symmetrised`: (3, B, C, H, W) -> (2, B, C, H, W)."""
    mixed = q[2] / 2**0.5
    return torch.stack((gradient_transpose(torch.stack((q[0], mixed))), gradient_transpose(torch.stack((mixed, q[1])))))


def tgv_value(u: Tensor, w: Tensor) -> float:
    """|grad u - w|_1 + 2 |E w|_1, lengths taken at each pixel."""
    first = (gradient(u) - w).square().sum(0).sqrt().double().sum()
    return float(first + RATIO * symmetrised(w).square().sum(0).sqrt().double().sum())


def pwls_tgv(fidelity: WeightedLeastSquares, x0: Tensor, *, alpha: float) -> Iterator[Iterate]:
    """Chambolle and Pock's algorithm with everything linear in the dual, so that no system is solved.

    The rays are scaled to the norm of the differences: with a = ||A||, the dual of A u / a lives beside those of the two
    differences, and the steps tau = sigma = 1 / L fulfil tau sigma L^2 <= 1.

    Args:
        fidelity: weighted least squares.
        x0: first image (B, 1, n, n). alpha: weight of TGV.

    Yields:
        Iterate with x, and the field w.
    """
    check_positive(alpha, "alpha")
    operator, y, weights = fidelity.operator, fidelity.y, fidelity.weights
    a = operator.norm(x0, tol=1e-2) * 1.01
    step = 1 / (1 + NORM_OF_DIFFERENCES**2) ** 0.5
    # the dual moves in units of alpha, the image in units of its range
    tau, sigma = step / SCALE, step * SCALE
    u, w = x0, torch.zeros_like(gradient(x0))
    r, p, q = torch.zeros_like(y), torch.zeros_like(w), torch.zeros_like(symmetrised(w))
    ahead_u, ahead_w = u, w
    while True:
        # prox of the conjugate of s -> weights (a s - y)^2 / 2
        r = (r + sigma * (operator(ahead_u) / a - y / a)) / (1 + sigma / (weights * a * a).clamp_min(1e-12))
        p = p + sigma * (gradient(ahead_u) - ahead_w)
        p = p / (p.square().sum(0).sqrt() / alpha).clamp_min(1)
        q = q + sigma * symmetrised(ahead_w)
        q = q / (q.square().sum(0).sqrt() / (RATIO * alpha)).clamp_min(1)
        u_new = u - tau * (operator.adjoint(r) / a + gradient_transpose(p))
        w_new = w - tau * (symmetrised_transpose(q) - p)
        ahead_u, ahead_w = 2 * u_new - u, 2 * w_new - w
        u, w = u_new, w_new
        yield Iterate(u, denoiser_input=u, w=w)


SCALE = 10.0  # sigma / tau is the square of it; found on training phantoms, it changes the speed and not the limit
