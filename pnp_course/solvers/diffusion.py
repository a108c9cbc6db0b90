"""Diffusion solvers: a denoiser for all noise levels as a generative prior. DPS (Chung et al. 2023), DiffPIR (Zhu et al. 2023).

Both go down a ladder of noise levels sigma_1 > ... > sigma_K; x_sigma stands for a clean image plus noise of level sigma,
and E[x_0 | x_sigma] is D(x_sigma, sigma). The papers write them with a shrunken x ("variance preserving", images in
[-1, 1]); dividing by the shrinkage gives the form here, in intensities [0, 1], where their noise levels are halved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from pnp_course._checks import check_positive
from pnp_course.fidelities import Fidelity, Gaussian
from pnp_course.solvers.iterate import Iterate


def ladder(start: float, end: float, steps: int) -> list[float]:
    """`steps` noise levels from start to end, evenly spaced in log sigma."""
    check_positive(start, "start"), check_positive(end, "end")
    if steps < 2:
        raise ValueError(f"steps is {steps}; wanted at least 2.")
    return [float(s) for s in torch.logspace(0, 1, steps, base=end / start, dtype=torch.float64) * start]


def _check_ladder(sigmas: Sequence[float]) -> None:
    if not sigmas or any(a < b for a, b in pairwise(sigmas)) or min(sigmas) <= 0:
        raise ValueError("sigmas must be positive and never rise; make them with ladder(start, end, steps).")


def diffpir(
    fidelity: Fidelity, denoiser: nn.Module, x0: Tensor, *, nu: float, sigmas: Sequence[float], lam: float = 1.0,
    zeta: float = 0.1, seed: int = 0,
) -> Iterator[Iterate]:  # fmt: skip
    """DiffPIR: denoise, fit the data, put noise back, at every level.

        xhat_0 = D(x_sigma, sigma)
        x'_0 = argmin_v ||A v - y||^2 + rho ||v - xhat_0||^2,   rho = lam nu^2 / sigma^2
        e = (x_sigma - x'_0) / sigma,   x_sigma' = x'_0 + sigma' (sqrt(1 - zeta) e + sqrt(zeta) n)

    In terms of the fidelity G = ||A v - y||^2 / 2 the second line is prox_{G / rho}(xhat_0). The formula is the paper's;
    its released code takes sigma for images in [-1, 1] and so a rho four times smaller.

    Args:
        denoiser: module D(x, sigma), trained up to sigmas[0].
        x0: an image (B, C, H, W) that noise of level sigmas[0] is added to, such as the observation.
        nu: noise level of the observation, intensity units.
        sigmas: from high to low. lam, zeta: the paper's; zeta 0.1 for deblurring, 0.25 for super-resolution, 1 for
            inpainting.

    Yields:
        Iterate with x = x'_0, sigma, sample = x_sigma'.
    """
    check_positive(nu, "nu"), check_positive(lam, "lam")
    _check_ladder(sigmas)
    if not 0 <= zeta <= 1:
        raise ValueError(f"zeta is {zeta}; wanted 0 <= zeta <= 1.")
    generator = torch.Generator().manual_seed(seed)
    fidelity.reset()
    x = x0 + sigmas[0] * _normal(x0, generator)
    for sigma, following in zip(sigmas, [*sigmas[1:], 0.0], strict=True):
        rho = lam * nu**2 / sigma**2
        clean = fidelity.prox(denoiser(x, sigma), 1 / rho)
        e = (x - clean) / sigma
        x = clean + following * ((1 - zeta) ** 0.5 * e + zeta**0.5 * _normal(x0, generator))
        yield Iterate(clean, sigma=sigma, sample=x)


def dps(
    fidelity: Gaussian, denoiser: nn.Module, x0: Tensor, *, sigmas: Sequence[float], weight: float = 1.0, seed: int = 0
) -> Iterator[Iterate]:
    """DPS: ancestral sampling, and at every level a step against the gradient of the data misfit through the denoiser.

        xhat_0 = D(x_sigma, sigma)
        x_sigma' = xhat_0 + (sigma'/sigma)^2 (x_sigma - xhat_0) + sigma' sqrt(1 - (sigma'/sigma)^2) n
                   - weight (1 + 4 sigma^2) / 2 grad_x ||y - A D(x_sigma, sigma)||

    The factor (1 + 4 sigma^2) / 2 is what the paper's unit step for shrunken images in [-1, 1] is here. The gradient goes
    through the network: about three denoiser evaluations a step.

    Args: as `diffpir`; x0 gives the shape and, noised, the start. weight: the paper's zeta'.

    Yields:
        Iterate with x = xhat_0, sigma, sample = x_sigma', misfit = ||y - A xhat_0||.
    """
    check_positive(weight, "weight")
    _check_ladder(sigmas)
    generator = torch.Generator().manual_seed(seed)
    fidelity.reset()
    x = x0 + sigmas[0] * _normal(x0, generator)
    for sigma, following in zip(sigmas, [*sigmas[1:], 0.0], strict=True):
        with torch.enable_grad():
            point = x.detach().requires_grad_(True)
            clean = denoiser(point, sigma)
            misfit = (fidelity.y - fidelity.operator(clean)).norm()
            (slope,) = torch.autograd.grad(misfit, point)
        clean, ratio = clean.detach(), (following / sigma) ** 2
        noise = following * (1 - ratio) ** 0.5 * _normal(x0, generator)
        x = clean + ratio * (x - clean) + noise - weight * (1 + 4 * sigma**2) / 2 * slope
        yield Iterate(clean, sigma=sigma, sample=x, misfit=float(misfit.detach()))


def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, dtype=like.dtype).to(like.device)
