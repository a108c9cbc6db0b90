"""DPS (Chung et al. 2023) and DiffPIR (Zhu et al. 2023): a denoiser for all noise levels serves as a generative prior.

Both go down a ladder of noise levels sigma_1 > ... > sigma_K; x_sigma stands for a clean image plus noise of level
sigma, and E[x_0 | x_sigma] is D(x_sigma, sigma). The papers write them with a scaled x ("variance preserving", images
in [-1, 1]); division by the scale gives the form here, in intensities [0, 1], where their noise levels are halved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from pnp_course.denoisers.base import AtSigma
from pnp_course.fidelities import Fidelity, Gaussian
from pnp_course.solvers.iterate import Iterate
from pnp_course.solvers.schedules import check_falling, ladder, normal_like
from pnp_course.solvers.signature import solver

SIGMA_START, STEPS = 1.0, 30  # by default, where the ladder of the two samplers begins and how many steps it has


def _check_levels(fidelity: Fidelity, denoise: AtSigma, x0: Tensor, parameters: dict[str, Any]) -> None:
    """Put the ladder down to the level of `denoise` for levels that were not given."""
    if parameters["sigmas"] is None:
        parameters["sigmas"] = ladder(SIGMA_START, float(denoise.sigma), STEPS)
    check_falling(fidelity, denoise, x0, parameters)


@solver(needs="at", also=_check_levels)
def diffpir(
    fidelity: Fidelity,
    denoise: AtSigma,
    x0: Tensor,
    *,
    lam: float,
    sigmas: Sequence[float] | None = None,
    zeta: float = 0.1,
    seed: int = 0,
) -> Iterator[Iterate]:
    """DiffPIR: at every level denoise, fit the data, and add noise again.

        xhat_0 = D(x_sigma, sigma)
        x'_0 = prox_{lam_sigma G}(xhat_0),   lam_sigma = lam (sigma / sigma_D)^2
        e = (x_sigma - x'_0) / sigma,   x_sigma' = x'_0 + sigma' (sqrt(1 - zeta) e + sqrt(zeta) n)

    sigma_D is the level of `denoise`, so that `lam` weighs the fidelity there, as in `dpir`. The paper weighs the
    prior, rho = lambda nu^2 / sigma^2 with the noise level nu of the observation: with sigma_D = nu its lambda is 1 /
    lam. The formula is the paper's; its released code uses sigma for images in [-1, 1], and so a rho that is four times
    smaller.

    Args:
        denoise: at_sigma(D, nu), D trained up to sigmas[0].
        x0: an image (B, C, H, W), such as the observation; noise of level sigmas[0] is added to it.
        lam: weight of the fidelity; the paper's lambda is around 1 to 10.
        sigmas: noise levels from high to low; by default 30 from 1 down to that of `denoise`.
        zeta: the share of new noise; in the paper 0.1 for deblurring, 0.25 for super-resolution, 1 for inpainting.
        seed: seed of the noise, which is the same for each image of a batch.

    Yields:
        Iterate with x = x'_0, sigma, sample = x_sigma'.
    """
    levels, sigma_d = list(sigmas or []), float(denoise.sigma)  # the check has put a ladder for None
    generator = torch.Generator().manual_seed(seed)
    x = x0 + levels[0] * normal_like(x0, generator)
    for sigma, following in zip(levels, [*levels[1:], 0.0], strict=True):
        z = x
        clean = fidelity.prox(denoise.at(sigma)(x), lam * (sigma / sigma_d) ** 2)
        e = (x - clean) / sigma
        x = clean + following * ((1 - zeta) ** 0.5 * e + zeta**0.5 * normal_like(x0, generator))
        yield Iterate(clean, denoiser_input=z, sigma=sigma, sample=x)


@solver(needs="at", also=_check_levels)
def dps(
    fidelity: Gaussian,
    denoise: AtSigma,
    x0: Tensor,
    *,
    lam: float = 1.0,
    sigmas: Sequence[float] | None = None,
    seed: int = 0,
) -> Iterator[Iterate]:
    """DPS: ancestral sampling, with a step against the gradient of the data misfit through the denoiser at every level.

        xhat_0 = D(x_sigma, sigma)
        x_sigma' = xhat_0 + (sigma'/sigma)^2 (x_sigma - xhat_0) + sigma' sqrt(1 - (sigma'/sigma)^2) n
                   - lam (1 + 4 sigma^2) / 2 grad_x ||y - A D(x_sigma, sigma)||

    The factor (1 + 4 sigma^2) / 2 corresponds to the paper's unit step for scaled images in [-1, 1]. The gradient goes
    through the network, so that a step costs about three denoiser evaluations. Each image has its own misfit.

    The arguments are those of `diffpir`; x0 gives the shape and, with noise added, the start. `lam` is the weight of
    the misfit, the paper's zeta'.

    Yields:
        Iterate with x = xhat_0, sigma, sample = x_sigma', misfit = ||y - A xhat_0|| of each image (B,).
    """
    levels = list(sigmas or [])  # as in `diffpir`
    generator = torch.Generator().manual_seed(seed)
    x = x0 + levels[0] * normal_like(x0, generator)
    for sigma, following in zip(levels, [*levels[1:], 0.0], strict=True):
        with torch.enable_grad():
            point = x.detach().requires_grad_(True)
            clean = denoise.at(sigma)(point)
            misfit = (fidelity.y - fidelity.operator(clean)).flatten(1).norm(dim=1)
            (slope,) = torch.autograd.grad(misfit.sum(), point)
        z, clean, ratio = x, clean.detach(), (following / sigma) ** 2
        noise = following * (1 - ratio) ** 0.5 * normal_like(x0, generator)
        x = clean + ratio * (x - clean) + noise - lam * (1 + 4 * sigma**2) / 2 * slope
        yield Iterate(clean, denoiser_input=z, sigma=sigma, sample=x, misfit=misfit.detach())
