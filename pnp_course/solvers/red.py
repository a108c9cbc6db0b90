"""RED (Romano et al. 2017) and SNORE (Renaud et al. 2024): descent along the denoiser's residual x - D(x).

Both papers put the weight on the residual; here, as in every solver, `lam` is the weight of the fidelity.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from pnp_course.denoisers.base import AtSigma, Denoise
from pnp_course.fidelities import Fidelity
from pnp_course.solvers.iterate import Iterate, warn_of_long_steps
from pnp_course.solvers.schedules import check_levels, denoisers_at, normal_like, schedule
from pnp_course.solvers.signature import solver


def default_step(lam: float, lipschitz: float) -> float:
    """1 / (lam L_f + 1): half of the longest step for which RED descends, where J has no negative eigenvalue."""
    return 1 / (lam * lipschitz + 1)


def _choose_step(fidelity: Fidelity, x0: Tensor, lam: float) -> float:
    """The default step, or ValueError where the fidelity's gradient has no Lipschitz constant."""
    constant = fidelity.lipschitz(x0)
    if constant == float("inf"):
        raise ValueError(
            "the gradient of this fidelity has no Lipschitz constant (Poisson), so there is no step to choose: pass step=..., "
            "or take a solver with a proximal step, such as red_fixed_point."
        )
    return default_step(lam, constant)


def _check_red(fidelity: Fidelity, denoise: Denoise, x0: Tensor, parameters: dict[str, Any]) -> None:
    if parameters["step"] is None:
        parameters["step"] = _choose_step(fidelity, x0, parameters["lam"])
    factor = parameters["step"] * parameters["lam"]
    warn_of_long_steps(fidelity, x0, factor, 2, "step lam L_f")


@solver(also=_check_red)
def red(
    fidelity: Fidelity, denoise: Denoise, x0: Tensor, *, lam: float, step: float | None = None
) -> Iterator[Iterate]:
    """RED by gradient descent: x_{k+1} = x_k - step (lam grad G(x_k) + x_k - D(x_k)).

    It descends on lam G + <x, x - D(x)> / 2 only if D is locally homogeneous and J symmetric (Reehorst and Schniter
    2018); for a gradient-step D it descends on lam G + g. The paper's weight of the residual is 1 / lam, its step lam
    times this.

    Args:
        denoise: x -> D(x) at a fixed noise level.
        x0: first x (B, C, H, W).
        lam: weight of the fidelity.
        step: step size; 1 / (lam L_f + 1) by default, with the largest L_f of the batch.

    Yields:
        Iterate with x = x_{k+1}.
    """
    x = x0
    while True:
        z, d = x, denoise(x)
        x = x - step * (lam * fidelity.grad(x) + x - d)  # type: ignore[operator]
        yield Iterate(x, denoiser_input=z)


@solver()
def red_fixed_point(fidelity: Fidelity, denoise: Denoise, x0: Tensor, *, lam: float) -> Iterator[Iterate]:
    """RED by its fixed-point iteration: lam grad G(x_{k+1}) + x_{k+1} - D(x_k) = 0, x_{k+1} = prox_{lam G}(D(x_k)).

    The arguments, without a step, and the iterates are those of `red`.
    """
    x = x0
    while True:
        z = x
        x = fidelity.prox(denoise(x), lam)
        yield Iterate(x, denoiser_input=z)


def _check_snore(fidelity: Fidelity, denoise: Denoise, x0: Tensor, parameters: dict[str, Any]) -> None:
    check_levels(fidelity, denoise, x0, parameters)
    if parameters["step"] is None:
        lam = parameters["lam"]
        parameters["step"] = _choose_step(fidelity, x0, max(lam) if isinstance(lam, Sequence) else lam)


@solver(needs="at", also=_check_snore)
def snore(
    fidelity: Fidelity,
    denoise: AtSigma,
    x0: Tensor,
    *,
    lam: float | Sequence[float],
    sigmas: Sequence[float] | None = None,
    step: float | Sequence[float] | None = None,
    seed: int = 0,
) -> Iterator[Iterate]:
    """SNORE: RED at images to which noise is added.

        u = x_k + sigma_k n,   x_{k+1} = x_k - step_k (lam_k grad G(x_k) + u - D_{sigma_k}(u))

    The residual is that of the noisy image u, as in the authors' code; its expectation is that of x_k - D(u). The
    paper's step delta and its weight alpha_k of the residual give lam_k = 1 / alpha_k and step_k = delta alpha_k here.
    The authors let sigma fall from 1.8 nu to 0.5 nu and alpha grow from 0.1 to 1 (`annealed`), with delta = 0.1.

    Args:
        denoise: at_sigma(D, sigma).
        x0: first x (B, C, H, W).
        lam: weight of the fidelity, or one for each iteration.
        sigmas: noise levels, one for each iteration; by default that of `denoise` in all of them.
        step: step size, or one for each iteration; 1 / (lam L_f + 1) by default, as in `red`.
        seed: seed of the noise.

    Yields:
        Iterate with x = x_{k+1}.
    """
    x, generator = x0, torch.Generator().manual_seed(seed)
    for sigma, denoise_k, weight, length in _schedules(denoise, sigmas, lam, step):
        u = x + sigma * normal_like(x, generator)
        x = x - length * (weight * fidelity.grad(x) + u - denoise_k(u))
        yield Iterate(x, denoiser_input=u)


@solver(needs="at", also=check_levels)
def snore_prox(
    fidelity: Fidelity,
    denoise: AtSigma,
    x0: Tensor,
    *,
    lam: float | Sequence[float],
    sigmas: Sequence[float] | None = None,
    step: float | Sequence[float] = 1.0,
    seed: int = 0,
) -> Iterator[Iterate]:
    """SNORE-Prox: x_{k+1} = prox_{step_k lam_k G}(x_k - step_k (u - D_{sigma_k}(u))), u = x_k + sigma_k n.

    Arguments and iterates are those of `snore`.
    """
    x, generator = x0, torch.Generator().manual_seed(seed)
    for sigma, denoise_k, weight, length in _schedules(denoise, sigmas, lam, step):
        u = x + sigma * normal_like(x, generator)
        x = fidelity.prox(x - length * (u - denoise_k(u)), length * weight)
        yield Iterate(x, denoiser_input=u)


def _schedules(
    denoise: AtSigma, sigmas: Sequence[float] | None, lam: float | Sequence[float], step: float | Sequence[float] | None
) -> Iterator[tuple[float, Denoise, float, float]]:
    """Give for each iteration the noise level, the denoiser of that level, the weight and the step."""
    levels = schedule(float(denoise.sigma) if sigmas is None else sigmas)
    steps = schedule(step)  # type: ignore[arg-type]  # the check has put a number for None
    return zip(levels, denoisers_at(denoise, sigmas), schedule(lam), steps, strict=False)
