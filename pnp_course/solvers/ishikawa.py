"""PnPI: Ishikawa's iteration for strictly pseudo-contractive denoisers (Wei et al. 2024).

A pseudo-contractive map T, Re <x - y, T x - T y> <= ||x - y||^2, may be expansive; the iteration of Picard and that of
Mann can then fail, Ishikawa's two-step average converges: with 0 <= alpha_k <= beta_k <= 1, beta_k -> 0 and
sum alpha_k beta_k = infinity,

    w_k = (1 - beta_k) u_k + beta_k T(u_k),   u_{k+1} = (1 - alpha_k) u_k + alpha_k T(w_k).

alpha_k = (k + 1)^{-a}, beta_k = (k + 1)^{-b} with the authors' exponents. `relaxation` r replaces D by r D + (1 - r) I:
a k-strictly pseudo-contractive D becomes less expansive, and r = 0.2 is the authors' for k = 0.9.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from torch import Tensor

from pnp_course._checks import check_positive
from pnp_course.denoisers.base import Denoise, check_averaging
from pnp_course.fidelities import Fidelity
from pnp_course.solvers.iterate import Iterate, warn_of_long_steps


def pnpi_hqs(
    fidelity: Fidelity, denoise: Denoise, x0: Tensor, *, lam: float, relaxation: float = 0.2, a: float = 0.05,
    b: float = 0.05,
) -> Iterator[Iterate]:  # fmt: skip
    """PnPI-HQS: Ishikawa's iteration for T = D_r o prox_{lam G}, two denoisings and two proximal maps an iteration.

        v = (1 - beta) u + beta D_r(P(u)),   u <- (1 - alpha) u + alpha D_r(P(v)),   P = prox_{lam G}

    Args:
        denoise: x -> D(x) at a fixed noise level.
        x0: first u.
        lam: weight of the fidelity. relaxation: r. a, b: exponents.

    Yields:
        Iterate with x = D(P(v)), u, v.
    """
    check_positive(lam, "lam")
    r = check_averaging(relaxation)
    fidelity.reset()
    u = x0
    p = fidelity.prox(u, lam)
    for k in count(1):
        alpha, beta = k**-a, k**-b
        v = (1 - beta) * u + beta * (r * denoise(p) + (1 - r) * p)
        p = fidelity.prox(v, lam)
        d = denoise(p)
        u = (1 - alpha) * u + alpha * (r * d + (1 - r) * p)
        p = fidelity.prox(u, lam)
        yield Iterate(d, u=u, v=v)


def pnpi_fbs(
    fidelity: Fidelity, denoise: Denoise, x0: Tensor, *, lam: float, relaxation: float = 0.2, a: float = 0.05,
    b: float = 0.05,
) -> Iterator[Iterate]:  # fmt: skip
    """PnPI-FBS: Ishikawa's iteration for T = D_r o (I - lam grad G). Args and yields: as `pnpi_hqs`."""
    check_positive(lam, "lam")
    r = check_averaging(relaxation)
    warn_of_long_steps(fidelity, x0, lam, 2, "lam L_f")
    fidelity.reset()
    u = x0
    for k in count(1):
        alpha, beta = k**-a, k**-b
        z = u - lam * fidelity.grad(u)
        v = (1 - beta) * u + beta * (r * denoise(z) + (1 - r) * z)
        z = v - lam * fidelity.grad(v)
        d = denoise(z)
        u = (1 - alpha) * u + alpha * (r * d + (1 - r) * z)
        yield Iterate(d, u=u, v=v)


def pnpi_gd(
    fidelity: Fidelity, denoise: Denoise, x0: Tensor, *, lam: float, a: float = 0.5, b: float = 0.4, cap: float = 0.03
) -> Iterator[Iterate]:
    """PnPI-GD: Ishikawa's iteration for T(u) = D(u) - lam grad G(u), D pseudo-contractive; small steps, at most `cap`.

    Args: as `pnpi_hqs`. Yields: Iterate with x = u, v.
    """
    check_positive(lam, "lam"), check_positive(cap, "cap")
    fidelity.reset()
    u = x0
    for k in count(1):
        alpha, beta = min(cap, k**-a), min(cap, k**-b)
        v = (1 - beta) * u + beta * (denoise(u) - lam * fidelity.grad(u))
        u = (1 - alpha) * u + alpha * (denoise(v) - lam * fidelity.grad(v))
        yield Iterate(u, v=v)
