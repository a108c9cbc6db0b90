"""Prox-PnP: splittings with a denoiser that is a proximal map, D = prox_phi ([A] section 3, after Hurault et al. 2022b).

With D = I - grad g, grad g L-Lipschitz and L < 1, phi is L/(L+1)-weakly convex and phi(D(z)) = g(z) - ||D(z) - z||^2 / 2.
Every solver here takes x -> (D(x), g(x)), so that the objective is known along the run at no cost; a denoiser without a
potential goes into `splitting.pgd` and `splitting.drs`.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from pnp_course._checks import check_positive
from pnp_course.denoisers.base import Denoise, check_averaging
from pnp_course.fidelities import Fidelity
from pnp_course.solvers.gradient_step import WithValue
from pnp_course.solvers.iterate import Iterate, warn_of_long_steps
from pnp_course.solvers.splitting import drs


def _inner(a: Tensor, b: Tensor) -> float:
    return float((a.double() * b.double()).sum())


def _relaxed(denoise_and_value: WithValue, z: Tensor, t: float) -> tuple[Tensor, float]:
    """D_t(z) = t D(z) + (1 - t) z and phi_t(D_t(z)) = t g(z) - ||D_t(z) - z||^2 / 2, D_t = I - t grad g = prox_{phi_t}."""
    d, g = denoise_and_value(z)
    x = d if t == 1 else t * d + (1 - t) * z
    return x, t * float(g.sum()) - 0.5 * _inner(x - z, x - z)


def prox_pnp_pgd(
    fidelity: Fidelity, denoise_and_value: WithValue, x0: Tensor, *, lam: float, t: float = 1.0
) -> Iterator[Iterate]:
    """Prox-PnP-PGD: x_{k+1} = D_t(x_k - lam grad f(x_k)); F = lam f + phi_t decreases if t M < 1 and
    lam L_f + t l / (t l + 1) < 2, where -l <= I - J <= M; in [A] section 3 both are the one L = ||I - J||.

    L_f is the Lipschitz constant of grad f, ||A||^2 for the Gaussian fidelity.

    Args:
        lam: weight of the fidelity; the authors' 0.99 with ||A|| = 1.
        t: averaging.

    Yields:
        Iterate with x = x_{k+1}, z, and objective F(x_{k+1}).
    """
    check_positive(lam, "lam")
    t = check_averaging(t)
    warn_of_long_steps(fidelity, x0, lam, 2, "lam L_f")
    fidelity.reset()
    x = x0
    while True:
        z = x - lam * fidelity.grad(x)
        x, phi = _relaxed(denoise_and_value, z, t)
        yield Iterate(x, z=z, objective=lam * fidelity.value(x) + phi)


def alpha_pgd(
    fidelity: Fidelity, denoise_and_value: WithValue, x0: Tensor, *, lam: float, alpha: float
) -> Iterator[Iterate]:
    """Relaxed proximal gradient descent, for larger lam than `prox_pnp_pgd`; equal to it at alpha = 1. [A] section 3.

        q = (1 - alpha) y_k + alpha x_k,   x_{k+1} = D(x_k - lam grad f(q)),   y_{k+1} = (1 - alpha) y_k + alpha x_{k+1}

    Args:
        lam: weight of the fidelity.
        alpha: 0 < alpha <= 1; the theorem asks l / (l + 1) < alpha < 1 / (lam L_f), -l <= I - J <= M < 1.

    Yields:
        Iterate with x = x_{k+1}, y = y_{k+1}, z, and objective F(x_{k+1}), F = lam f + phi. It may rise: what decreases
        is F(y_k) + (alpha/2) (1/alpha - 1)^2 ||y_k - y_{k-1}||^2.
    """
    check_positive(lam, "lam")
    if not 0 < alpha <= 1:
        raise ValueError(f"alpha is {alpha}; wanted 0 < alpha <= 1.")
    warn_of_long_steps(fidelity, x0, alpha * lam, 1, "alpha lam L_f")
    fidelity.reset()
    x = y = x0
    while True:
        q = (1 - alpha) * y + alpha * x
        z = x - lam * fidelity.grad(q)
        x, phi = _relaxed(denoise_and_value, z, 1.0)
        y = (1 - alpha) * y + alpha * x
        yield Iterate(x, y=y, z=z, objective=lam * fidelity.value(x) + phi)


def prox_pnp_drs(
    fidelity: Fidelity, denoise_and_value: WithValue, x0: Tensor, *, lam: float, t: float = 0.5
) -> Iterator[Iterate]:
    """Prox-PnP-DRS, denoiser first; f may be non-smooth. It decreases the objective below if t ||I - J|| < 1/2. [A] section 3.

        y_k = D_t(x_k),   z_k = prox_{lam f}(2 y_k - x_k),   x_{k+1} = x_k + z_k - y_k

    (0.376 in [A]; 1/2 by book/theory/proximal_denoiser.md.) The objective is the Douglas-Rachford envelope
    phi_t(y) + lam f(z) + <y - x, y - z> + ||y - z||^2 / 2.

    Args:
        lam: weight of the fidelity. t: averaging; the authors' 0.5.

    Yields:
        Iterate with x = y_k, s = x_{k+1} (the splitting's own variable), z = z_k, and objective.
    """
    check_positive(lam, "lam")
    t = check_averaging(t)
    fidelity.reset()
    s = x0
    while True:
        y, phi = _relaxed(denoise_and_value, s, t)
        z = fidelity.prox(2 * y - s, lam)
        gap = y - z
        objective = phi + lam * fidelity.value(z) + _inner(y - s, gap) + 0.5 * _inner(gap, gap)
        s = s + z - y
        yield Iterate(y, s=s, z=z, objective=objective)


def prox_pnp_drsdiff(
    fidelity: Fidelity, denoise_and_value: WithValue, x0: Tensor, *, lam: float, t: float = 1.0
) -> Iterator[Iterate]:
    """Prox-PnP-DRSdiff, fidelity first; f needs an L_f-Lipschitz gradient with lam L_f < 1. [A] section 3.

        y_k = prox_{lam f}(x_k),   z_k = D_t(2 y_k - x_k),   x_{k+1} = x_k + z_k - y_k

    The objective is the envelope with the two functions in their own roles, lam f(y) + phi_t(z) + <y - x, y - z> +
    ||y - z||^2 / 2.

    The theorem asks t M < 1, M the largest eigenvalue of I - J. Args and yields: as `prox_pnp_drs`, with t = 1 by
    default; x = y_k, the output of the fidelity's prox.
    """
    check_positive(lam, "lam")
    t = check_averaging(t)
    warn_of_long_steps(fidelity, x0, lam, 1, "lam L_f")
    fidelity.reset()
    s = x0
    while True:
        y = fidelity.prox(s, lam)
        z, phi = _relaxed(denoise_and_value, 2 * y - s, t)
        gap = y - z
        objective = lam * fidelity.value(y) + phi + _inner(y - s, gap) + 0.5 * _inner(gap, gap)
        s = s + z - y
        yield Iterate(y, s=s, z=z, objective=objective)


def rmmo_drs(fidelity: Fidelity, denoise: Denoise, x0: Tensor, *, lam: float) -> Iterator[Iterate]:
    """RMMO-DRS: Douglas-Rachford with a firmly nonexpansive D, the resolvent of a maximally monotone operator.

    Converges to a zero of lam grad G + (D^{-1} - I) where there is one; there need be no objective. Source: Terris et al.
    2020, Pesquet et al. 2021. Args and yields: as `splitting.drs`.
    """
    return drs(fidelity, denoise, x0, lam=lam)
