"""Half-quadratic splitting with a denoiser, and DPIR (Zhang et al. 2021): fast, good, and without a guarantee.

The denoiser's strength shrinks from iteration to iteration, so there is no single objective that decreases.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor

from pnp_course.denoisers.base import AtSigma
from pnp_course.fidelities import Fidelity
from pnp_course.solvers.iterate import Iterate
from pnp_course.solvers.schedules import check_levels, denoisers_at, ladder, schedule
from pnp_course.solvers.signature import solver


@solver(also=check_levels)
def hqs(
    fidelity: Fidelity,
    denoise: AtSigma,
    x0: Tensor,
    *,
    lam: float | Sequence[float],
    sigmas: Sequence[float] | None = None,
) -> Iterator[Iterate]:
    """Half-quadratic splitting, HQS:

        v_k = prox_{lam_k G}(u_{k-1}),   u_k = D_{sigma_k}(v_k).

    Args:
        denoise: at_sigma(D, sigma), or a plain function of an image if the noise level does not change.
        x0: first u (B, C, H, W).
        lam: weight of the fidelity, or one for each iteration.
        sigmas: noise levels in units of intensity, one for each iteration; by default that of `denoise` in all of them.

    Yields:
        Iterate with x = u_k, v. The run ends with the shorter of the schedules.
    """
    u = x0
    for weight, denoise_k in zip(schedule(lam), denoisers_at(denoise, sigmas), strict=False):
        v = fidelity.prox(u, weight)
        u = denoise_k(v)
        yield Iterate(u, denoiser_input=v, v=v)


@solver(needs="at")
def dpir(
    fidelity: Fidelity, denoise: AtSigma, x0: Tensor, *, lam: float, sigma_start: float = 49 / 255, iterations: int = 8
) -> Iterator[Iterate]:
    """DPIR: `hqs` with sigma_k log-spaced from `sigma_start` to the sigma of `denoise`, lam_k = lam (sigma_k / sigma)^2.

    So `lam` is the weight of the fidelity at the last noise level, and means there what it means in `hqs`. For the
    Gaussian fidelity ||A u - y||^2 / 2 and noise nu the published choice is sigma = nu and lam = 1 / 0.23 (Zhang et al.
    2021, section 4.2). With the Poisson fidelity lam is a few times peak sigma^2, since a pixel of intensity s has the
    noise variance s / peak.

    The other arguments and the iterates are those of `hqs`; `sigma_start` is the first noise level, `iterations` the
    number of noise levels.
    """
    sigma = float(denoise.sigma)
    sigmas = ladder(sigma_start, sigma, iterations)
    yield from hqs(fidelity, denoise, x0, lam=[lam * (s / sigma) ** 2 for s in sigmas], sigmas=sigmas)
