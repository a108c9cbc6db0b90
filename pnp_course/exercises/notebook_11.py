"""Checks of the exercises of notebook 11, Prox-PnP: each takes the reader's function and returns "right" or a hint."""

from __future__ import annotations

import torch
from torch import Tensor

from pnp_course import solvers
from pnp_course.exercises.verdicts import Answer, Hint, call, number, tensor, verdict
from pnp_course.toy import prox_pnp as line
from pnp_course.toy.proximal import brute_prox


@verdict
def check_longest_weight(mine: Answer) -> None:
    """(ell, L_f) -> the bound of lam for PGD; judged by runs on the line on both sides of it."""
    for ell, lipschitz in ((0.5, 1.0), (0.0, 1.0), (0.9, 4.0), (3.0, 0.25)):
        weight = number(call(mine, ell, lipschitz)) * lipschitz
        if weight <= 0:
            raise Hint("the weight must be positive.")
        # the factor of x_{k+1} = D(x_k - lam L_f x_k) just below and just above the answer
        inside, outside = (abs((1 + ell) * (1 - factor * weight)) < 1 for factor in (0.999, 1.001))
        where = f"for ell = {ell:g}, L_f = {lipschitz:g}:"
        if not inside:
            raise Hint(f"{where} the run just below your weight does not converge: it is too large.")
        if outside:
            raise Hint(f"{where} the run just above your weight still converges: it is too small.")


@verdict
def check_largest_averaging(mine: Answer) -> None:
    """(Lambda, L_f, ell, M) -> the largest t <= 1 up to which PGD with D_t at t Lambda is covered."""
    cases = (
        (8.0, 1.0, 0.8, 1.05),
        (0.5, 1.0, 0.8, 1.05),
        (1.0, 2.0, 0.5, 0.9),
        (1.0, 1.0, 0.2, 0.9),
        (3.0, 1.0, 0.0, 0.5),
    )
    for case in cases:
        weight, lipschitz, ell, upper = case
        t = number(call(mine, *case))
        where = f"for Lambda = {weight:g}, L_f = {lipschitz:g}, ell = {ell:g}, M = {upper:g}:"
        if not 0 < t <= 1:
            raise Hint(f"{where} your t is {t:.4g}; wanted 0 < t <= 1.")
        if not _covered(0.999 * t, *case):
            bound = "t M < 1" if 0.999 * t * upper >= 1 else "t Lambda L_f + t ell / (1 + t ell) < 2"
            raise Hint(f"{where} a t just below yours violates {bound}.")
        if t < 1 and _covered(min(1.0, 1.001 * t), *case):
            raise Hint(f"{where} a larger t is possible.")


def _covered(t: float, weight: float, lipschitz: float, ell: float, upper: float) -> bool:
    return t * upper < 1 and t * weight * lipschitz + t * ell / (1 + t * ell) < 2


@verdict
def check_relaxation(mine: Answer) -> None:
    """(weight, ell) -> any alpha that covers lam L_f = weight, or None if there is none."""
    for weight, ell in ((2.5, 0.5), (2.9, 0.5), (0.4, 0.9), (1.2, 4.0), (3.5, 0.5), (1.5, 4.0)):
        r, value = ell / (1 + ell), call(mine, weight, ell)
        where = f"for lam L_f = {weight:g}, ell = {ell:g}:"
        if value is None:
            if r * weight < 1:
                raise Hint(f"{where} there is an alpha: r = {r:.3f}.")
            continue
        alpha = number(value)
        if r * weight >= 1:
            raise Hint(f"{where} no alpha is covered, return None; yours is {alpha:.4g}.")
        if not 0 < alpha < 1:
            raise Hint(f"{where} your alpha is {alpha:.4g}; wanted 0 < alpha < 1.")
        if not r < alpha:
            raise Hint(f"{where} alpha = {alpha:.4g} is not above r = {r:.3f}.")
        if not alpha * weight < 1:
            raise Hint(f"{where} alpha lam L_f = {alpha * weight:.4g} is not below 1.")


@verdict
def check_drs_factor(mine: Answer) -> None:
    """(d, beta) -> x_{k+1} / x_k of DRS on the line, compared with two steps of the solver."""
    for slope, beta in ((1.5, 1.0), (0.7, 3.0), (3.0, 10.0), (1.0, 0.5)):
        states = [float(i.s) for i in line.trace(solvers.prox_pnp_drs, slope, 2, lam=beta, t=1.0)]
        got, truth = number(call(mine, slope, beta)), states[1] / states[0]
        if abs(got - truth) >= 1e-3 * max(1.0, abs(truth)):
            raise Hint(f"for d = {slope:g}, beta = {beta:g} yours is {got:.4g}, the solver's is {truth:.4g}.")


def _searched(z: Tensor, y: Tensor, lam: float) -> Tensor:
    """The prox of lam |. - y| at each entry of z, by a search over a grid."""
    found = []
    for a, b in zip(z.flatten(), y.flatten(), strict=True):

        def cost(v: Tensor, centre: Tensor = b) -> Tensor:
            return lam * (v - centre).abs()

        found.append(brute_prox(cost, a.reshape(1), 3.0, 30_000))
    return torch.cat(found).reshape(z.shape)


@verdict
def check_prox_of_absolute_values(mine: Answer) -> None:
    """(z, y, lam) -> the prox of lam ||. - y||_1 at z, compared with a search over a grid."""
    generator = torch.Generator().manual_seed(3)
    y, z = torch.rand(2, 1, 1, 2, 3, generator=generator, dtype=torch.float64)
    for lam in (0.1, 0.3, 2.0):
        got = tensor(call(mine, z, y, lam), z)
        worst = float((got - _searched(z, y, lam)).abs().max())
        if worst < 1e-3:
            continue
        if not torch.equal(torch.sign(got - y) * torch.sign(z - y), (got - y).abs().sign()):
            raise Hint(f"for lam = {lam:g} your point lies on the other side of y than z does.")
        raise Hint(f"for lam = {lam:g} the search finds a point that is {worst:.3f} away from yours.")
