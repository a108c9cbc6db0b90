"""Checks of the exercises of notebook 14: each takes the reader's function and returns "right" or a hint.

Answers may be plain numbers, NumPy values or tensors (`verdicts`).
"""

from __future__ import annotations

import torch

from pnp_course.exercises.verdicts import Answer, Hint, call, number, tensor, verdict
from pnp_course.operators import Decimation, kernels


@verdict
def check_prox(mine: Answer) -> None:
    """(A, At, inverse, z, y, lam) -> prox of lam ||A v - y||^2 / 2 at z; inverse(s) = (I + lam A A^T)^{-1} s."""
    generator = torch.Generator().manual_seed(0)
    for factor, lam in ((2, 3.0), (3, 0.7), (2, 40.0)):
        a = Decimation(kernels.gaussian(5, 0.8).double(), factor)
        z = torch.rand(1, 1, 12, 12, generator=generator).double()
        y = torch.rand(1, 1, 12 // factor, 12 // factor, generator=generator).double()

        def inverse(s: torch.Tensor, a: Decimation = a, lam: float = lam) -> torch.Tensor:
            return a.solve_data(s, lam)

        v = tensor(call(mine, a, a.adjoint, inverse, z, y, lam), z)
        slope = v - z + lam * a.adjoint(a(v) - y)  # the gradient of what the prox minimises
        if float(slope.abs().max()) > 1e-6:
            seen = lam * a.adjoint(a(v) - y)
            if float((v - z).abs().max()) < 1e-9:
                raise Hint("that is z: the observation does not come in.")
            if float((v - z - seen).abs().max()) < 1e-6 * float(seen.abs().max()):
                raise Hint("nearly everything is there, but a sign is wrong: your v moves away from the data.")
            raise Hint(
                f"v - z + lam A^T(A v - y) should be 0 at every pixel; for lam = {lam:g} and factor {factor} it is up to "
                f"{float(slope.abs().max()):.2g}. Write down the linear system first."
            )


def _limit(lam: float, k: float, y: float, h: float) -> float:
    """The limit of GS-PnP for one mode, f = (k x - y)^2 / 2, g = h x^2 / 2, by running it."""
    x = 0.0
    for _ in range(4000):
        x = ((1 - h) * x + lam * k * y) / (1 + lam * k * k)
    return x


@verdict
def check_weight(mine: Answer) -> None:
    """(s, sigma, nu) -> the lam with which GS-PnP ends at the posterior mean, for a mode of standard deviation s."""
    for s, sigma, nu in ((1.0, 0.5, 0.25), (0.2, 0.5, 0.25), (2.0, 0.1, 0.4)):
        lam = number(call(mine, s, sigma, nu))
        if lam <= 0:
            raise Hint("the weight is positive.")
        for k, y in ((1.0, 1.0), (0.5, -0.7)):
            end = _limit(lam, k, y, sigma**2 / (s**2 + sigma**2))
            mean = k * y / (k * k + nu**2 / s**2)
            if abs(end - mean) > 1e-5:
                way = "too little" if abs(end) < abs(mean) else "too much"
                if abs(lam - sigma**2 / nu**2) < 1e-9 * lam:
                    raise Hint("nearly: that is the limit for small sigma; s has a part in it, too.")
                raise Hint(
                    f"for s = {s:g}, sigma = {sigma:g}, nu = {nu:g}, k = {k:g}, y = {y:g} the run ends at {end:.4f}; the "
                    f"posterior mean is {mean:.4f}. Your lam = {lam:.4g} trusts the observation {way}."
                )


@verdict
def check_strongest(mine: Answer) -> None:
    """(nu, L_f, ell) -> the sigma below which PGD may take the weight (sigma / nu)^2."""
    for nu, lipschitz, ell in ((0.03, 1.0, 0.0), (0.05, 0.25, 0.8), (0.02, 0.1, 3.0)):
        sigma = number(call(mine, nu, lipschitz, ell))
        used, bound = sigma**2 / nu**2 * lipschitz, 2 - ell / (1 + ell)
        if sigma <= 0:
            raise Hint("a noise level is positive.")
        if used > bound * (1 + 1e-6):
            raise Hint(
                f"for nu = {nu:g}, L_f = {lipschitz:g}, ell = {ell:g} your sigma = {sigma:.4g} needs lam L_f = {used:.3g}, and "
                f"the bound is {bound:.3g}."
            )
        if used < bound * (1 - 1e-6):
            raise Hint(
                f"that sigma is allowed, but a stronger denoiser is, too: lam L_f is {used:.3g} of {bound:.3g} for nu = {nu:g}."
            )


@verdict
def check_decision(mine: Answer) -> None:
    """a -> the sigma below which D leaves the average of two completions -a and a."""
    for a in (0.5, 0.1, 1.3):
        sigma = number(call(mine, a))
        if sigma <= 0:
            raise Hint("a noise level is positive.")
        for factor, leaves in ((0.98, True), (1.02, False)):
            level, x = torch.tensor(factor * sigma, dtype=torch.float64), torch.tensor(1e-3 * a, dtype=torch.float64)
            for _ in range(400):
                x = a * torch.tanh(a * x / level**2)
            if (abs(float(x)) > 0.05 * a) != leaves:
                does = "moves away from" if not leaves else "goes back to"
                raise Hint(
                    f"for a = {a:g}, at {factor:g} times your sigma, x <- D(x) from x = {1e-3 * a:g} still {does} the average. "
                    "Which slope decides?"
                )
