"""The two algorithms of [B] section 4 for a cocoercive conservative (CoCo) denoiser: CoCo-ADMM and CoCo-PEGD.

D_t = t D + (1 - t) I is the proximal operator of a weakly convex F (Theorem 2.2); both minimise F + lam G, (15).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from pnp_course.denoisers.base import Denoise
from pnp_course.fidelities import Fidelity
from pnp_course.solvers.iterate import Iterate
from pnp_course.solvers.signature import solver


@solver()
def coco_admm(fidelity: Fidelity, denoise: Denoise, x0: Tensor, *, lam: float, t: float = 0.33) -> Iterator[Iterate]:
    """CoCo-ADMM, [B] (19): ADMM on F + lam G with unit penalty.

        v_{k+1} = prox_{lam G}(u_k + b_k)
        u_{k+1} = D_t(v_{k+1} - b_k)
        b_{k+1} = b_k + u_{k+1} - v_{k+1}

    With a gamma-CoCo denoiser, t < t_1 = min(gamma / (1 - gamma), 1/2) (1/3 for gamma = 1/4), G convex, closed and
    proper, F + lam G coercive, the Lagrangian KL and exact proxes, (u_k, v_k) converges to a stationary point of F +
    lam G. That is Theorem 4.1, whose t_0(gamma) of (20) is never above t_1; t_1 is the condition of Themelis and
    Patrinos (2020) for Douglas-Rachford with a weakly convex function (`bounds.largest_averaging`). The image to show
    is the output of D without averaging, D(v_{k+1} - b_k) (Remark 4.3).

    Args:
        denoise: x -> D(x) at a fixed noise level, as `at_sigma` gives it.
        x0: first u (B, C, H, W); the paper takes the observation.
        lam: weight of the fidelity. The papers' values are for intensities in [0, 255]: divide them by 255.
        t: averaging weight, 0 < t <= 1.

    Yields:
        Iterate with x = D(v_{k+1} - b_k), u, v, b.
    """
    u, b = x0, torch.zeros_like(x0)
    while True:
        v = fidelity.prox(u + b, lam)
        z = v - b
        d = denoise(z)
        u = t * d + (1 - t) * z
        b = b + u - v
        yield Iterate(d, denoiser_input=z, u=u, v=v, b=b)


@solver()
def coco_pegd(
    fidelity: Fidelity, denoise: Denoise, x0: Tensor, *, lam: float, t: float = 0.33, step: float = 0.8
) -> Iterator[Iterate]:
    """CoCo-PEGD, [B] (22)-(23): gradient descent on the Moreau envelope e of lam G, then D_t.

        u_{k+1} = D_t(v_k)
        v_{k+1} = u_{k+1} - step (u_{k+1} - prox_{lam G}(u_{k+1}))

    e has a 1-Lipschitz gradient whatever G is. With a gamma-CoCo denoiser and step < 2 - r(t), where
    r(t) = t (1 - gamma) / (gamma + t (1 - gamma)), F + step e decreases; if it is
    coercive and KL, u_k converges (Theorem 4.4).

    The arguments are those of `coco_admm`, but x0 is the first v; `step` is the paper's second parameter, 0.8 there.

    Yields:
        Iterate with x = D(v_k), u = u_{k+1}, v = v_{k+1}.
    """
    v = x0
    while True:
        z, d = v, denoise(v)
        u = t * d + (1 - t) * z
        v = (1 - step) * u + step * fidelity.prox(u, lam)
        yield Iterate(d, denoiser_input=z, u=u, v=v)


@solver()
def coco_drs(
    fidelity: Fidelity, denoise: Denoise, x0: Tensor, *, lam: float, t: float = 0.33, relaxation: float = 1.0
) -> Iterator[Iterate]:
    """Douglas-Rachford splitting with D_t, fidelity first, as the authors use it for denoising.

        v_k = prox_{lam G}(s_k),   z_k = 2 v_k - s_k,   s_{k+1} = s_k + relaxation (D_t(z_k) - v_k)

    Its fixed points are those of `coco_admm`. That one is Douglas-Rachford too, but denoiser first (in the variable
    v_{k+1} - b_k), and Theorem 4.1 is about that order.

    The arguments are those of `coco_admm`, but x0 is the first s; 0 < relaxation < 2, which is 2 beta in the authors'
    notation, with beta = 1/2.

    Yields:
        Iterate with x = D(z_k), u = D_t(z_k), v = v_k, s = s_{k+1}.
    """
    s = x0
    while True:
        v = fidelity.prox(s, lam)
        z = 2 * v - s
        d = denoise(z)
        u = t * d + (1 - t) * z
        s = s + relaxation * (u - v)
        yield Iterate(d, denoiser_input=z, u=u, v=v, s=s)
