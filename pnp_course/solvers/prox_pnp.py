"""Prox-PnP: splittings with a denoiser that is a proximal operator, D = prox_phi ([A] section 3, after Hurault et al. 2022b).

With D = I - grad g, grad g L-Lipschitz and L < 1, phi is L/(L+1)-weakly convex and phi(D(z)) = g(z) - ||D(z) - z||^2 /
2. Every solver here takes a denoiser with its potential, so that the objective is known along the run at no cost; a
denoiser without a potential can be used in `splitting.pgd` and `splitting.drs`. [A] writes lam f for the fidelity; here
f is G.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from pnp_course.denoisers.base import Denoise, DenoiseWithValue
from pnp_course.fidelities import Fidelity
from pnp_course.solvers.iterate import Iterate, warn_of_long_steps
from pnp_course.solvers.signature import solver
from pnp_course.solvers.splitting import drs


def _inner(a: Tensor, b: Tensor) -> float:
    return float((a.double() * b.double()).sum())


def _relaxed(denoise: DenoiseWithValue, z: Tensor, t: float) -> tuple[Tensor, float]:
    """D_t(z) = t D(z) + (1 - t) z and phi_t(D_t(z)) = t g(z) - ||D_t(z) - z||^2 / 2, D_t = I - t grad g = prox_{phi_t}."""
    d, g = denoise.with_value(z)
    x = d if t == 1 else t * d + (1 - t) * z
    return x, t * float(g.double().sum()) - 0.5 * _inner(x - z, x - z)


def _check_pgd(fidelity: Fidelity, denoise: Any, x0: Tensor, parameters: dict[str, Any]) -> None:
    warn_of_long_steps(fidelity, x0, parameters["lam"], 2, "lam L_f")


def _check_alpha(fidelity: Fidelity, denoise: Any, x0: Tensor, parameters: dict[str, Any]) -> None:
    warn_of_long_steps(fidelity, x0, parameters["alpha"] * parameters["lam"], 1, "alpha lam L_f")


def _check_diff(fidelity: Fidelity, denoise: Any, x0: Tensor, parameters: dict[str, Any]) -> None:
    warn_of_long_steps(fidelity, x0, parameters["lam"], 1, "lam L_f")


@solver(needs="with_value", also=_check_pgd)
def prox_pnp_pgd(
    fidelity: Fidelity, denoise: DenoiseWithValue, x0: Tensor, *, lam: float, t: float = 1.0
) -> Iterator[Iterate]:
    """Prox-PnP-PGD: x_{k+1} = D_t(x_k - lam grad f(x_k)).

    F = lam f + phi_t decreases if t M < 1 and lam L_f + t l / (t l + 1) < 2, where -l <= I - J <= M; in [A] section 3
    both l and M are L = ||I - J||. L_f is the Lipschitz constant of grad f, ||A||^2 for the Gaussian fidelity.

    Args:
        denoise: at_sigma(D, sigma) with a potential.
        x0: first x (B, C, H, W).
        lam: weight of the fidelity; the authors take 0.99 with ||A|| = 1.
        t: averaging weight.

    Yields:
        Iterate with x = x_{k+1}, z = x_k - lam grad f(x_k), and objective F(x_{k+1}).
    """
    x = x0
    while True:
        z = x - lam * fidelity.grad(x)
        x, phi = _relaxed(denoise, z, t)
        yield Iterate(x, denoiser_input=z, objective=lam * fidelity.value(x) + phi, z=z)


@solver(needs="with_value", also=_check_alpha)
def alpha_pgd(
    fidelity: Fidelity, denoise: DenoiseWithValue, x0: Tensor, *, lam: float, alpha: float = 0.5
) -> Iterator[Iterate]:
    """Relaxed proximal gradient descent, for larger lam than `prox_pnp_pgd`, which it is at alpha = 1. [A] section 3.

        q = (1 - alpha) y_k + alpha x_k,   x_{k+1} = D(x_k - lam grad f(q)),   y_{k+1} = (1 - alpha) y_k + alpha x_{k+1}

    Args:
        denoise, x0: those of `prox_pnp_pgd`.
        lam: weight of the fidelity.
        alpha: 0 < alpha <= 1; the theorem needs l / (l + 1) < alpha < 1 / (lam L_f), -l <= I - J <= M < 1.

    Yields:
        Iterate with x = x_{k+1}, y = y_{k+1}, z, and objective F(x_{k+1}), F = lam f + phi. It may rise: what decreases
        is F(y_k) + (alpha/2) (1/alpha - 1)^2 ||y_k - y_{k-1}||^2.
    """
    x = y = x0
    while True:
        q = (1 - alpha) * y + alpha * x
        z = x - lam * fidelity.grad(q)
        x, phi = _relaxed(denoise, z, 1.0)
        y = (1 - alpha) * y + alpha * x
        yield Iterate(x, denoiser_input=z, objective=lam * fidelity.value(x) + phi, y=y, z=z)


@solver(needs="with_value")
def prox_pnp_drs(
    fidelity: Fidelity, denoise: DenoiseWithValue, x0: Tensor, *, lam: float, t: float = 0.5
) -> Iterator[Iterate]:
    """Prox-PnP-DRS, denoiser first; f may be non-smooth. The objective decreases if t ||I - J|| < 1/2. [A] section 3.

        y_k = D_t(s_k),   z_k = prox_{lam f}(2 y_k - s_k),   s_{k+1} = s_k + z_k - y_k

    The bound is 0.376 in [A], and 1/2 by Themelis and Patrinos 2020, see book/theory/prox_pnp.md. The
    objective is the Douglas-Rachford envelope phi_t(y) + lam f(z) + <y - s, y - z> + ||y - z||^2 / 2.

    Args:
        denoise: at_sigma(D, sigma) with a potential. x0: first s.
        lam: weight of the fidelity. t: averaging weight; the authors take 0.5.

    Yields:
        Iterate with x = y_k, s = s_{k+1} (the splitting's own variable), z = z_k, and objective.
    """
    s = x0
    while True:
        before = s
        y, phi = _relaxed(denoise, s, t)
        z = fidelity.prox(2 * y - s, lam)
        gap = y - z
        objective = phi + lam * fidelity.value(z) + _inner(y - s, gap) + 0.5 * _inner(gap, gap)
        s = s + z - y
        yield Iterate(y, denoiser_input=before, objective=objective, s=s, z=z)


@solver(needs="with_value", also=_check_diff)
def prox_pnp_drsdiff(
    fidelity: Fidelity, denoise: DenoiseWithValue, x0: Tensor, *, lam: float, t: float = 1.0
) -> Iterator[Iterate]:
    """Prox-PnP-DRSdiff, fidelity first; f needs an L_f-Lipschitz gradient with lam L_f < 1. [A] section 3.

        y_k = prox_{lam f}(s_k),   z_k = D_t(2 y_k - s_k),   s_{k+1} = s_k + z_k - y_k

    The objective is the envelope with the two functions in their own roles, lam f(y) + phi_t(z) + <y - s, y - z> +
    ||y - z||^2 / 2.

    The theorem needs t M < 1, where M is the largest eigenvalue of I - J. Arguments and iterates are those of
    `prox_pnp_drs`, with t = 1 by default; x = y_k is the output of the fidelity's prox.
    """
    s = x0
    while True:
        y = fidelity.prox(s, lam)
        reflected = 2 * y - s
        z, phi = _relaxed(denoise, reflected, t)
        gap = y - z
        objective = lam * fidelity.value(y) + phi + _inner(y - s, gap) + 0.5 * _inner(gap, gap)
        s = s + z - y
        yield Iterate(y, denoiser_input=reflected, objective=objective, s=s, z=z)


@solver()
def rmmo_drs(fidelity: Fidelity, denoise: Denoise, x0: Tensor, *, lam: float) -> Iterator[Iterate]:
    """RMMO-DRS: Douglas-Rachford with a firmly nonexpansive D, the resolvent of a maximally monotone operator.

    It converges to a zero of lam grad G + (D^{-1} - I) if there is one; there may be no objective. Source: Terris et
    al. 2020, Pesquet et al. 2021. Arguments and iterates are those of `splitting.drs`.
    """
    return drs(fidelity, denoise, x0, lam=lam)
