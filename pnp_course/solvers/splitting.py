"""The classical splittings for min_x R(x) + lam G(x): PGD, FISTA, ADMM, Douglas-Rachford, primal-dual.

R enters through its proximal operator `denoise`, a function of an image. With a denoiser in its place, x -> D(x, sigma),
each of them is its plug-and-play version, "PnP-PGD" and so on: the loop is the same, but a theorem needs D to be a
proximal operator.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from pnp_course.denoisers.base import Denoise
from pnp_course.fidelities import Fidelity
from pnp_course.priors import IDENTITY, Linear, conjugate
from pnp_course.solvers.iterate import Iterate, StepSizeWarning, warn_of_long_steps
from pnp_course.solvers.signature import solver


def _check_pgd(fidelity: Fidelity, denoise: Any, x0: Tensor, parameters: dict[str, Any]) -> None:
    warn_of_long_steps(fidelity, x0, parameters["step"] * parameters["lam"], 2, "step lam L_f")


def _check_fista(fidelity: Fidelity, denoise: Any, x0: Tensor, parameters: dict[str, Any]) -> None:
    warn_of_long_steps(fidelity, x0, parameters["step"] * parameters["lam"], 1, "step lam L_f")


@solver(also=_check_pgd)
def pgd(fidelity: Fidelity, denoise: Denoise, x0: Tensor, *, lam: float, step: float = 1.0) -> Iterator[Iterate]:
    """Proximal gradient descent, x_{k+1} = prox_{step R}(x_k - step lam grad G(x_k)).

    For convex R and G with an L-Lipschitz gradient it converges for step lam L < 2.

    Args:
        denoise: z -> prox_{step R}(z), or a denoiser.
        x0: first x (B, C, H, W).
        lam: weight of the fidelity.
        step: step size.

    Yields:
        Iterate with x = x_{k+1}.
    """
    x = x0
    while True:
        z = x - step * lam * fidelity.grad(x)
        x = denoise(z)
        yield Iterate(x, denoiser_input=z)


@solver(also=_check_fista)
def fista(fidelity: Fidelity, denoise: Denoise, x0: Tensor, *, lam: float, step: float = 1.0) -> Iterator[Iterate]:
    """FISTA (Beck and Teboulle 2009): PGD at an extrapolated point, for step lam L <= 1.

        x_{k+1} = prox_{step R}(y_k - step lam grad G(y_k))
        q_{k+1} = (1 + sqrt(1 + 4 q_k^2)) / 2,   y_{k+1} = x_{k+1} + (q_k - 1) / q_{k+1} (x_{k+1} - x_k)

    For convex R and G the objective is within O(1/k^2) of its minimum. The arguments are those of `pgd`; it yields an
    Iterate with x and y.
    """
    x, y, q = x0, x0, 1.0
    while True:
        z = y - step * lam * fidelity.grad(y)
        x, before = denoise(z), x
        q, q_before = (1 + (1 + 4 * q * q) ** 0.5) / 2, q
        y = x + (q_before - 1) / q * (x - before)
        yield Iterate(x, denoiser_input=z, y=y)


@solver()
def admm(fidelity: Fidelity, denoise: Denoise, x0: Tensor, *, lam: float) -> Iterator[Iterate]:
    """ADMM with unit penalty and scaled dual b; with a denoiser, PnP-ADMM. `coco_admm` with t = 1 is the same.

        v_{k+1} = prox_{lam G}(u_k + b_k),   u_{k+1} = prox_R(v_{k+1} - b_k),   b_{k+1} = b_k + u_{k+1} - v_{k+1}

    The arguments are those of `pgd` without a step, and x0 is the first u. It yields an Iterate with x = u_{k+1}, v, b.

    Example:
        >>> from pnp_course.fidelities import Gaussian
        >>> from pnp_course.operators import Identity
        >>> from pnp_course.solvers import run
        >>> y = torch.full((1, 1, 4, 4), 0.9)
        >>> shrunk = run(admm(Gaussian(Identity(), y), lambda z: z / 2, y, lam=1.0), max_iter=100).x
        >>> round(float(shrunk.mean()), 4)  # minimises ||x - y||^2 / 2 + ||x||^2 / 2
        0.45
    """
    u, b = x0, torch.zeros_like(x0)
    while True:
        v = fidelity.prox(u + b, lam)
        z = v - b
        u = denoise(z)
        b = u - z  # = b + u - v, with one pass less over the image
        yield Iterate(u, denoiser_input=z, v=v, b=b)


@solver()
def drs(fidelity: Fidelity, denoise: Denoise, x0: Tensor, *, lam: float, relaxation: float = 1.0) -> Iterator[Iterate]:
    """Douglas-Rachford splitting, fidelity first.

        v_k = prox_{lam G}(s_k),   u_k = prox_R(2 v_k - s_k),   s_{k+1} = s_k + relaxation (u_k - v_k)

    For convex R and G it converges for 0 < relaxation < 2. With the two maps exchanged ("denoiser first",
    `prox_pnp_drs`) it is `admm`, in the variable v_{k+1} - b_k.

    The other arguments are those of `admm`, but x0 is the first s. It yields an Iterate with x = u_k, v, s = s_{k+1}.
    """
    s = x0
    while True:
        v = fidelity.prox(s, lam)
        z = 2 * v - s
        u = denoise(z)
        s = s + relaxation * (u - v)
        yield Iterate(u, denoiser_input=z, v=v, s=s)


def _check_primal_dual(fidelity: Fidelity, denoise: Any, x0: Tensor, parameters: dict[str, Any]) -> None:
    parameters["linear"] = linear = parameters["linear"] or IDENTITY
    product = parameters["step"] * parameters["sigma_dual"] * linear.norm_squared
    if product > 1 + 1e-6:
        warnings.warn(
            f"step sigma_dual ||L||^2 = {product:.4g} is above 1, the bound of the theorem: take a shorter step.",
            StepSizeWarning,
            stacklevel=4,
        )


@solver(also=_check_primal_dual)
def primal_dual(
    fidelity: Fidelity,
    denoise: Denoise,
    x0: Tensor,
    *,
    lam: float,
    step: float = 1.0,
    sigma_dual: float = 1.0,
    linear: Linear | None = None,
) -> Iterator[Iterate]:
    """Primal-dual hybrid gradient (Chambolle and Pock 2011) for min_x lam G(x) + R(L x).

        p_{k+1} = prox_{sigma R*}(p_k + sigma L xbar_k)
        x_{k+1} = prox_{step lam G}(x_k - step L^T p_{k+1}),   xbar_{k+1} = 2 x_{k+1} - x_k

    For convex R and G it converges for step sigma ||L||^2 <= 1. The step is the papers' tau.

    Args:
        denoise: z -> prox_R(z) or a denoiser, whose dual map is `priors.conjugate` of it (exact for
            sigma = 1); or an R with a `dual_prox` of its own, such as `priors.TotalVariation`.
        x0: first x (B, C, H, W).
        lam: weight of the fidelity.
        step, sigma_dual: primal and dual step.
        linear: L; the identity by default.

    Yields:
        Iterate with x, p. The denoiser's input is (p_k + sigma L xbar_k) / sigma.
    """
    forward, transpose, _ = linear  # type: ignore[misc]  # the check has put the identity for None
    dual_prox = getattr(denoise, "dual_prox", None) or conjugate(denoise)
    x = xbar = x0
    p = torch.zeros_like(forward(x0))
    while True:
        z = p / sigma_dual + forward(xbar)
        p = dual_prox(sigma_dual * z, sigma_dual)
        x, before = fidelity.prox(x - step * transpose(p), step * lam), x
        xbar = 2 * x - before
        yield Iterate(x, denoiser_input=z, p=p)
