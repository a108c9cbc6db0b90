"""RED (Romano et al. 2017) and SNORE (Renaud et al. 2024): descent along the denoiser's residual x - D(x)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from pnp_course._checks import check_positive
from pnp_course.denoisers.base import Denoise
from pnp_course.fidelities import Fidelity
from pnp_course.solvers.iterate import Iterate, warn_of_long_steps


def red(fidelity: Fidelity, denoise: Denoise, x0: Tensor, *, lam: float, step: float) -> Iterator[Iterate]:
    """RED by gradient descent: x_{k+1} = x_k - step (grad G(x_k) + lam (x_k - D(x_k))).

    It descends on G + lam <x, x - D(x)> / 2 only if D is locally homogeneous and J symmetric (Reehorst and Schniter 2018);
    for a gradient-step D it descends on G + lam g.

    Args:
        lam: weight of the denoiser's residual (not of the fidelity). step: step size.

    Yields:
        Iterate with x = x_{k+1}.
    """
    check_positive(lam, "lam"), check_positive(step, "step")
    warn_of_long_steps(fidelity, x0, step, 2, "step L_f")
    fidelity.reset()
    x = x0
    while True:
        x = x - step * (fidelity.grad(x) + lam * (x - denoise(x)))
        yield Iterate(x)


def red_fixed_point(fidelity: Fidelity, denoise: Denoise, x0: Tensor, *, lam: float) -> Iterator[Iterate]:
    """RED by its fixed-point iteration: grad G(x_{k+1}) + lam (x_{k+1} - D(x_k)) = 0, x_{k+1} = prox_{G / lam}(D(x_k)).

    Args and yields: as `red`.
    """
    check_positive(lam, "lam")
    fidelity.reset()
    x = x0
    while True:
        x = fidelity.prox(denoise(x), 1 / lam)
        yield Iterate(x)


def annealed(start: float, end: float, iterations: int, last: int = 300, levels: int = 16) -> list[float]:
    """SNORE's schedule: `levels` equal steps from start towards end, then `last` iterations at the end value."""
    if not 0 <= last <= iterations:
        raise ValueError(f"last is {last} of {iterations} iterations; wanted 0 <= last <= iterations.")
    annealing = iterations - last
    held = max(1, annealing // levels)
    stages = [min(i // held * held / annealing, 1.0) for i in range(annealing)] if annealing else []
    return [start + (end - start) * s for s in stages] + [end] * last


def snore(
    fidelity: Fidelity, denoiser: nn.Module, x0: Tensor, *, lams: Sequence[float], sigmas: Sequence[float],
    delta: float = 0.1, seed: int = 0,
) -> Iterator[Iterate]:  # fmt: skip
    """SNORE: RED at noised images. One iteration for each pair (lam_k, sigma_k):

        u = x_k + sigma_k n,   x_{k+1} = x_k - delta (grad G(x_k) + lam_k (u - D_{sigma_k}(u)))

    The residual is that of the noisy image u, as in the authors' code; its expectation is that of x_k - D(u).

    Args:
        denoiser: module D(x, sigma).
        lams, sigmas: schedules, see `annealed`; the authors anneal sigma from 1.8 nu to 0.5 nu and lam from 0.1 to 1.
        delta: step size. seed: of the noise.

    Yields:
        Iterate with x = x_{k+1}, sigma.
    """
    return _snore(fidelity, denoiser, x0, lams, sigmas, delta, seed, proximal=False)


def snore_prox(
    fidelity: Fidelity, denoiser: nn.Module, x0: Tensor, *, lams: Sequence[float], sigmas: Sequence[float],
    delta: float = 0.1, seed: int = 0,
) -> Iterator[Iterate]:  # fmt: skip
    """SNORE-Prox: x_{k+1} = prox_{delta G}(x_k - delta lam_k (u - D_{sigma_k}(u))), u = x_k + sigma_k n. Else as `snore`."""
    return _snore(fidelity, denoiser, x0, lams, sigmas, delta, seed, proximal=True)


def _snore(
    fidelity: Fidelity, denoiser: nn.Module, x: Tensor, lams: Sequence[float], sigmas: Sequence[float], delta: float,
    seed: int, proximal: bool,
) -> Iterator[Iterate]:  # fmt: skip
    if len(lams) != len(sigmas):
        raise ValueError(f"there are {len(lams)} values of lam and {len(sigmas)} of sigma; wanted equally many.")
    check_positive(delta, "delta")
    generator = torch.Generator().manual_seed(seed)
    fidelity.reset()
    for lam, sigma in zip(lams, sigmas, strict=True):
        u = x + sigma * torch.randn(x.shape, generator=generator, dtype=x.dtype).to(x.device)
        pull = lam * (u - denoiser(u, sigma))
        x = fidelity.prox(x - delta * pull, delta) if proximal else x - delta * (fidelity.grad(x) + pull)
        yield Iterate(x, sigma=sigma)
