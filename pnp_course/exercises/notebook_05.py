"""Checks of the exercises of notebook 05: each takes the reader's function and returns "right" or a hint."""

from __future__ import annotations

import torch
from torch import Tensor

from pnp_course.exercises.verdicts import Answer, Hint, call, number, verdict
from pnp_course.toy.proximal import brute_prox


@verdict
def check_curvature(mine: Answer) -> None:
    """c -> phi'' with prox of phi = c x, against a search over a grid."""
    z = torch.linspace(-1, 1, 21, dtype=torch.float64)
    for c in (0.3, 0.8, 1.5, 1.9, 3.0):
        bend = number(call(mine, c))

        def phi(v: Tensor, bend: float = bend) -> Tensor:
            return bend * v**2 / 2

        found = brute_prox(phi, z, 4.0, 40_000)
        if float((found - c * z).abs().max()) > 1e-3:
            slope = float((found[-1] - found[0]) / 2)
            raise Hint(f"for c = {c} the search for the prox of your phi finds {slope:.3f} x, not {c} x.")


def _envelope(y: float, z: float, p: float, kappa: float) -> float:
    return kappa / 2 * y**2 - p * (y - z) + (y - z) ** 2 / 2


@verdict
def check_fall(mine: Answer) -> None:
    """kappa -> m, with E(y, z, p) - E(y+, z, p+) = m (y+ - y)^2 / 2 on the line; the left side is computed."""
    for kappa in (-0.7, -0.3, 0.2, 0.9, 1.5):
        y, z = 0.7, -0.4
        new = (z + kappa * y) / (1 + kappa)  # y+ + p+ = z + p
        fall = _envelope(y, z, kappa * y, kappa) - _envelope(new, z, kappa * new, kappa)
        want, got = 2 * fall / (new - y) ** 2, number(call(mine, kappa))
        if abs(got - want) > 1e-6 * max(1.0, abs(want)):
            if abs(2 * got - want) < 1e-6:
                raise Hint("nearly: that is m / 2; wanted is m itself.")
            raise Hint(f"for kappa = {kappa} the fall gives m = {want:.4f}, yours is {got:.4f}.")


def waves(height: float, x: Tensor) -> tuple[Tensor, Tensor]:
    """D(x) and g(x) for g = sum of `height` (1 - cos x + 0.3 sin x) over the pixels; the gradient is 1.05 height-Lipschitz."""
    g = height * (1 - torch.cos(x) + 0.3 * torch.sin(x))
    return x - height * (torch.sin(x) + 0.3 * torch.cos(x)), g.flatten(1).sum(1)


@verdict
def check_prior_value(mine: Answer) -> None:
    """(step, u, t) -> phi_t(u), for pictures u = D_t(z) with a known z."""
    generator = torch.Generator().manual_seed(3)
    for height, t in ((1.0, 0.6), (2.0, 0.4), (0.5, 1.0)):
        z = 2 * torch.randn(1, 1, 2, 2, generator=generator, dtype=torch.float64)
        d, g = waves(height, z)
        u = t * d + (1 - t) * z

        def step(x: Tensor, height: float = height) -> tuple[Tensor, Tensor]:
            return waves(height, x)

        want = t * float(g) - float((u - z).square().sum()) / 2
        got = number(call(mine, step, u, t))
        if abs(got - want) < 1e-6:
            continue
        if abs(got - want - float((u - z).square().sum()) / 2) < 1e-6:
            raise Hint("nearly: the square ||D_t(z) - z||^2 / 2 is missing.")
        raise Hint(f"for t = {t} phi_t(u) = {want:.6f}, yours is {got:.6f}.")


@verdict
def check_averaging(mine: Answer) -> None:
    """(ell, M) -> the bound of t below which the decrease of DRS is certain, the ends told apart."""
    for ell, upper in ((2.34, 0.9), (0.6, 1.1), (1.5, 1.0), (1.0, 0.5)):
        bound = number(call(mine, ell, upper))
        if bound <= 0:
            raise Hint(f"the bound of t is positive; yours is {bound:.4g}.")
        for factor in (0.999, 1.001):
            t = factor * bound
            low, high = -t * ell / (1 + t * ell), t * upper / (1 - t * upper) if t * upper < 1 else float("inf")
            certain = low > -0.5 and high < 1
            where = f"for ell = {ell}, M = {upper}"
            if factor < 1 and not certain:
                raise Hint(f"{where} the spectrum of phi_t leaves (-1/2, 1) already below your bound: it is too large.")
            if factor > 1 and certain:
                raise Hint(f"{where} the decrease is certain above your bound, too: it is too small.")
