"""Half-quadratic splitting with a denoiser, and DPIR (Zhang et al. 2021): fast, good, and without a guarantee.

The denoiser's strength shrinks from iteration to iteration, so there is no one objective that decreases.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from pnp_course._checks import check_positive
from pnp_course.fidelities import Fidelity
from pnp_course.solvers.iterate import Iterate


def hqs(
    fidelity: Fidelity, denoiser: nn.Module, x0: Tensor, *, lams: Sequence[float], sigmas: Sequence[float]
) -> Iterator[Iterate]:
    """Half-quadratic splitting, one iteration for each pair (lam_k, sigma_k):

        v_k = prox_{lam_k G}(u_{k-1}),   u_k = D_{sigma_k}(v_k).

    Args:
        denoiser: a module D(x, sigma), since the noise level changes.
        x0: first u (B, C, H, W).
        lams, sigmas: weights of the fidelity and noise levels (intensity units), equally many.

    Yields:
        Iterate with x = u_k, v, and sigma.
    """
    if len(lams) != len(sigmas):
        raise ValueError(f"there are {len(lams)} values of lam and {len(sigmas)} of sigma; wanted equally many.")
    fidelity.reset()
    u = x0
    for lam, sigma in zip(lams, sigmas, strict=True):
        v = fidelity.prox(u, lam)
        u = denoiser(v, sigma)
        yield Iterate(u, v=v, sigma=sigma)


def dpir(
    fidelity: Fidelity, denoiser: nn.Module, x0: Tensor, *, lam: float, sigma_start: float = 49 / 255,
    sigma_end: float = 7.65 / 255, iterations: int = 8,
) -> Iterator[Iterate]:  # fmt: skip
    """DPIR: HQS with sigma_k log-spaced from `sigma_start` to `sigma_end` and lam_k = lam sigma_k^2.

    For the Gaussian fidelity ||A u - y||^2 / 2 and noise nu the published choice is sigma_end = nu and
    lam = 1 / (0.23 nu^2) (Zhang et al. 2021, section 4.2). With the Poisson fidelity lam is a few times the peak, since
    a pixel of intensity s has the noise variance s / peak.

    Args and yields: as `hqs`.
    """
    check_positive(lam, "lam"), check_positive(sigma_start, "sigma_start"), check_positive(sigma_end, "sigma_end")
    sigmas = torch.logspace(0, 1, iterations, base=sigma_end / sigma_start, dtype=torch.float64) * sigma_start
    return hqs(fidelity, denoiser, x0, lams=[lam * float(s) ** 2 for s in sigmas], sigmas=[float(s) for s in sigmas])
