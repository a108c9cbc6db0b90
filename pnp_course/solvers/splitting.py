"""The classical splittings for min_x R(x) + lam G(x): PGD, FISTA, ADMM, Douglas-Rachford, primal-dual.

R enters through its proximal map `prox`, a function of an image. Put a denoiser there, x -> D(x, sigma), and each of them
is its plug-and-play version, "PnP-PGD" and so on: same loop, but then a theorem needs D to be a proximal map.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from pnp_course._checks import check_positive
from pnp_course.denoisers.base import Denoise
from pnp_course.fidelities import Fidelity
from pnp_course.solvers.iterate import Iterate, warn_of_long_steps


def pgd(fidelity: Fidelity, prox: Denoise, x0: Tensor, *, lam: float, step: float = 1.0) -> Iterator[Iterate]:
    """Proximal gradient descent, x_{k+1} = prox_{step R}(x_k - step lam grad G(x_k)).

    For convex R and G with an L-Lipschitz gradient it converges for step lam L < 2.

    Args:
        prox: z -> prox_{step R}(z), or a denoiser.
        x0: first x (B, C, H, W).
        lam: weight of the fidelity.
        step: step size.

    Yields:
        Iterate with x = x_{k+1} and z, what prox was applied to.
    """
    check_positive(lam, "lam"), check_positive(step, "step")
    warn_of_long_steps(fidelity, x0, step * lam, 2, "step lam L_f")
    fidelity.reset()
    x = x0
    while True:
        z = x - step * lam * fidelity.grad(x)
        x = prox(z)
        yield Iterate(x, z=z)


def fista(fidelity: Fidelity, prox: Denoise, x0: Tensor, *, lam: float, step: float = 1.0) -> Iterator[Iterate]:
    """FISTA (Beck and Teboulle 2009): PGD at an extrapolated point, for step lam L <= 1.

        x_{k+1} = prox_{step R}(y_k - step lam grad G(y_k))
        t_{k+1} = (1 + sqrt(1 + 4 t_k^2)) / 2,   y_{k+1} = x_{k+1} + (t_k - 1) / t_{k+1} (x_{k+1} - x_k)

    For convex R and G the objective is within O(1/k^2) of its minimum. Args and yields: as `pgd`.
    """
    check_positive(lam, "lam"), check_positive(step, "step")
    warn_of_long_steps(fidelity, x0, step * lam, 1, "step lam L_f")
    fidelity.reset()
    x, y, t = x0, x0, 1.0
    while True:
        z = y - step * lam * fidelity.grad(y)
        x, before = prox(z), x
        t, t_before = (1 + (1 + 4 * t * t) ** 0.5) / 2, t
        y = x + (t_before - 1) / t * (x - before)
        yield Iterate(x, z=z)


def admm(fidelity: Fidelity, prox: Denoise, x0: Tensor, *, lam: float) -> Iterator[Iterate]:
    """ADMM with unit penalty, scaled dual b: PnP-ADMM when prox is a denoiser. `coco_admm` with t = 1 is the same.

        v_{k+1} = prox_{lam G}(u_k + b_k),   u_{k+1} = prox_R(v_{k+1} - b_k),   b_{k+1} = b_k + u_{k+1} - v_{k+1}

    Args: as `pgd`, x0 is the first u. Yields: Iterate with x = u_{k+1}, v, b, and z, what prox was applied to.
    """
    check_positive(lam, "lam")
    fidelity.reset()
    u, b = x0, torch.zeros_like(x0)
    while True:
        v = fidelity.prox(u + b, lam)
        z = v - b
        u = prox(z)
        b = u - z  # = b + u - v, with one pass over the image less
        yield Iterate(u, v=v, b=b, z=z)


def drs(fidelity: Fidelity, prox: Denoise, x0: Tensor, *, lam: float, relaxation: float = 1.0) -> Iterator[Iterate]:
    """Douglas-Rachford splitting, fidelity first.

        v_k = prox_{lam G}(s_k),   u_k = prox_R(2 v_k - s_k),   s_{k+1} = s_k + relaxation (u_k - v_k)

    For convex R and G it converges for 0 < relaxation < 2. With the two maps exchanged ("denoiser first",
    `prox_pnp_drs`) it is `admm`, in the variable v_{k+1} - b_k.

    Args: as `admm`; x0 is the first s. Yields: Iterate with x = u_k, v, s = s_{k+1}, and z, what prox was applied to.
    """
    check_positive(lam, "lam"), check_positive(relaxation, "relaxation")
    fidelity.reset()
    s = x0
    while True:
        v = fidelity.prox(s, lam)
        z = 2 * v - s
        u = prox(z)
        s = s + relaxation * (u - v)
        yield Iterate(u, v=v, s=s, z=z)


def primal_dual(
    fidelity: Fidelity, dual_prox: Callable[[Tensor, float], Tensor], x0: Tensor, *, lam: float, tau: float,
    sigma: float, linear: tuple[Denoise, Denoise] | None = None,
) -> Iterator[Iterate]:  # fmt: skip
    """Primal-dual hybrid gradient (Chambolle and Pock 2011) for min_x lam G(x) + R(L x).

        p_{k+1} = prox_{sigma R*}(p_k + sigma L xbar_k)
        x_{k+1} = prox_{tau lam G}(x_k - tau L^T p_{k+1}),   xbar_{k+1} = 2 x_{k+1} - x_k

    For convex R and G it converges for tau sigma ||L||^2 <= 1.

    Args:
        dual_prox: (q, sigma) -> prox_{sigma R*}(q): `priors.TotalVariation.dual_prox`, `priors.conjugate(prox)` for an R
            known by its own prox or a denoiser.
        tau, sigma: steps.
        linear: L and L^T; the identity by default.

    Yields:
        Iterate with x, p.
    """
    check_positive(lam, "lam"), check_positive(tau, "tau"), check_positive(sigma, "sigma")
    forward, transpose = linear or ((lambda v: v), (lambda v: v))
    fidelity.reset()
    x = xbar = x0
    p = torch.zeros_like(forward(x0))
    while True:
        p = dual_prox(p + sigma * forward(xbar), sigma)
        x, before = fidelity.prox(x - tau * transpose(p), tau * lam), x
        xbar = 2 * x - before
        yield Iterate(x, p=p)
