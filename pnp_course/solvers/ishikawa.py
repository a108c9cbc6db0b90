"""PnPI: Ishikawa's iteration for strictly pseudo-contractive denoisers (Wei et al. 2024).

A pseudo-contractive map T, Re <x - y, T x - T y> <= ||x - y||^2, may be expansive. Then the iterations of Picard and of
Mann can fail, but Ishikawa's two-step average converges: with 0 <= alpha_k <= beta_k <= 1, beta_k -> 0 and
sum alpha_k beta_k = infinity,

    w_k = (1 - beta_k) u_k + beta_k T(u_k),   u_{k+1} = (1 - alpha_k) u_k + alpha_k T(w_k).

Here alpha_k = k^{-a} and beta_k = k^{-b} with the authors' exponents. The averaged D_t = t D + (1 - t) I of a
k-strictly pseudo-contractive D is less expansive; for k = 0.9 the authors take t = 0.2 (they call it a relaxation r).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from torch import Tensor

from pnp_course.denoisers.base import Denoise
from pnp_course.fidelities import Fidelity
from pnp_course.solvers.iterate import Iterate, warn_of_long_steps
from pnp_course.solvers.signature import solver


@solver()
def pnpi_hqs(
    fidelity: Fidelity, denoise: Denoise, x0: Tensor, *, lam: float, t: float = 0.2, a: float = 0.05, b: float = 0.05
) -> Iterator[Iterate]:
    """PnPI-HQS: Ishikawa's iteration for T = D_t o prox_{lam G}, with two denoisings and two proximal operators each.

        w = (1 - beta) u + beta D_t(P(u)),   u <- (1 - alpha) u + alpha D_t(P(w)),   P = prox_{lam G}

    Args:
        denoise: x -> D(x) at a fixed noise level.
        x0: first u.
        lam: weight of the fidelity. t: averaging weight. a, b: exponents of alpha_k and beta_k.

    Yields:
        Iterate with x = D(P(w)), u, w.
    """
    u = x0
    for k in count(1):
        alpha, beta = k**-a, k**-b
        p = fidelity.prox(u, lam)
        w = (1 - beta) * u + beta * (t * denoise(p) + (1 - t) * p)
        p = fidelity.prox(w, lam)
        d = denoise(p)
        u = (1 - alpha) * u + alpha * (t * d + (1 - t) * p)
        yield Iterate(d, denoiser_input=p, u=u, w=w)


def _check_fbs(fidelity: Fidelity, denoise: Denoise, x0: Tensor, parameters: dict[str, Any]) -> None:
    warn_of_long_steps(fidelity, x0, parameters["lam"], 2, "lam L_f")


@solver(also=_check_fbs)
def pnpi_fbs(
    fidelity: Fidelity, denoise: Denoise, x0: Tensor, *, lam: float, t: float = 0.2, a: float = 0.05, b: float = 0.05
) -> Iterator[Iterate]:
    """PnPI-FBS: Ishikawa's iteration for T = D_t o (I - lam grad G). Arguments and iterates are those of `pnpi_hqs`."""
    u = x0
    for k in count(1):
        alpha, beta = k**-a, k**-b
        z = u - lam * fidelity.grad(u)
        w = (1 - beta) * u + beta * (t * denoise(z) + (1 - t) * z)
        z = w - lam * fidelity.grad(w)
        d = denoise(z)
        u = (1 - alpha) * u + alpha * (t * d + (1 - t) * z)
        yield Iterate(d, denoiser_input=z, u=u, w=w)


@solver()
def pnpi_gd(
    fidelity: Fidelity, denoise: Denoise, x0: Tensor, *, lam: float, a: float = 0.5, b: float = 0.4, cap: float = 0.03
) -> Iterator[Iterate]:
    """PnPI-GD: Ishikawa's iteration for T(u) = D(u) - lam grad G(u), D pseudo-contractive; its steps are at most `cap`.

    The other arguments are those of `pnpi_hqs`. It yields an Iterate with x = u, w.
    """
    u = x0
    for k in count(1):
        alpha, beta = min(cap, k**-a), min(cap, k**-b)
        w = (1 - beta) * u + beta * (denoise(u) - lam * fidelity.grad(u))
        u = (1 - alpha) * u + alpha * (denoise(w) - lam * fidelity.grad(w))
        yield Iterate(u, denoiser_input=w, w=w)
