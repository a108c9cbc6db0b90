"""Checks of the exercises of notebook 04: each takes the reader's function and returns "right" or a hint."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from pnp_course.denoisers import GradientStep
from pnp_course.exercises.verdicts import Answer, Hint, call, number, tensor, verdict
from pnp_course.fidelities import Gaussian
from pnp_course.operators import Identity
from pnp_course.solvers import gs_pnp_pgd
from pnp_course.toy.descent import power


class Linear(torch.nn.Module):
    """N(x) = kappa x."""

    in_channels = 1
    config: ClassVar[dict[str, float]] = {}

    def __init__(self, kappa: float):
        super().__init__()
        self.kappa = kappa

    def forward(self, x: Tensor, sigma: float) -> Tensor:
        """x of any shape; sigma is not used."""
        return self.kappa * x


@verdict
def check_factor(mine: Answer) -> None:
    """kappa -> the factor of the gradient-step denoiser of N(x) = kappa x, as the library computes it."""
    one = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    for kappa in (-0.5, 0.3, 1.0, 3.0, 1.5):
        want, got = float(GradientStep(Linear(kappa))(one, 0.1)), number(call(mine, kappa))
        if abs(got - want) > 1e-6:
            if abs(got - (1 - want)) < 1e-6:
                raise Hint("nearly: that is the factor of grad g, and D = I - grad g.")
            raise Hint(f"for kappa = {kappa} the library's D multiplies by {want:.4f}, yours by {got:.4f}.")


@verdict
def check_longest_step(mine: Answer) -> None:
    """(c, L) -> the longest step that is certain to be accepted; tried on -beta x^2 / 2 with beta tau close to 1."""
    for c, lipschitz in ((0.1, 2.0), (0.3, 4.0), (0.45, 1.0), (0.2, 0.5)):
        step = number(call(mine, c, lipschitz))
        if step <= 0:
            raise Hint(f"the step is positive; for c = {c}, L = {lipschitz} yours is {step:.4g}.")
        beta = torch.linspace(0, 0.9999, 4001, dtype=torch.float64) / step
        ratio = (1 - step * lipschitz) / (1 - step * beta)  # x+ / x
        gain = step * 0.5 * (lipschitz - beta) * (1 - ratio**2) / (1 - ratio) ** 2
        sharpest = float(gain[(ratio - 1).abs() > 1e-9].min())  # the largest c with which all are accepted
        if sharpest < 0.98 * c:
            raise Hint(f"for c = {c}, L = {lipschitz} some functions refuse your step: it is too long.")
        if sharpest > 1.02 * c:
            raise Hint(
                f"for c = {c}, L = {lipschitz} your step is accepted with the larger c = {sharpest:.3f}: too short."
            )


@verdict
def check_backtracking(mine: Answer) -> None:
    """(x, tau, F, step) -> (x_{k+1}, new tau): 15 iterations of the reader's against those of the library."""
    denoise, y = power(4.0), torch.tensor([2.0, -1.5], dtype=torch.float64).reshape(1, 1, 1, 2)
    for lam, tau in ((0.5, 3.0), (2.0, 0.8)):
        fidelity = Gaussian(Identity(), y)

        def objective(x: Tensor, lam: float = lam) -> float:
            return lam * float((x - y).square().sum()) / 2 + float(denoise.with_value(x)[1])

        def step(x: Tensor, tau: float, lam: float = lam) -> Tensor:
            z = x + tau * (denoise.with_value(x)[0] - x)
            return (z + tau * lam * y) / (1 + tau * lam)

        x, solver = fidelity.prox(3 * y, lam * tau), gs_pnp_pgd(fidelity, denoise, 3 * y, lam=lam, step=tau)
        for k in range(1, 16):
            answer = call(mine, x, tau, objective, step)
            if not isinstance(answer, tuple | list) or len(answer) != 2:
                raise Hint("return two things, the new point and the new tau.")
            x, tau, theirs = tensor(answer[0], y), number(answer[1]), next(solver)
            if abs(tau / float(theirs.step) - 1) > 1e-6:
                raise Hint(f"in iteration {k} the library has tau = {float(theirs.step):.4g}, yours is {tau:.4g}.")
            if float((x - theirs.u).abs().max()) > 1e-6:
                raise Hint(f"in iteration {k} tau is right, but the new point is not the one that was accepted.")


def risk(b: float, v: float, sigma: float) -> float:
    """E (D_b(x) - u)^2 for u ~ N(0, v) and hard thresholding at b, by quadrature over both sides of the threshold."""
    w, total = v + sigma**2, 0.0
    for low, high, keep in ((0.0, b, 0.0), (b, b + 12 * math.sqrt(w), 1.0)):
        x = torch.linspace(low, high, 100_001, dtype=torch.float64)
        density = torch.exp(-(x**2) / (2 * w)) / math.sqrt(2 * math.pi * w)
        conditional = (keep * x - x * v / w) ** 2 + v * sigma**2 / w
        total += 2 * float(torch.trapezoid(density * conditional, x))
    return total


@verdict
def check_slope_of_risk(mine: Answer) -> None:
    """(b, v, sigma) -> R'(b), against a difference quotient of the risk."""
    for b, v, sigma in ((0.7, 0.6, 0.5), (0.3, 0.2, 0.5), (1.2, 1.0, 0.4), (0.5, 0.25, 0.5)):
        want = (risk(b + 1e-3, v, sigma) - risk(b - 1e-3, v, sigma)) / 2e-3
        got = number(call(mine, b, v, sigma))
        if abs(got - want) > 1e-4:
            hint = " That is what backpropagation says, too." if got == 0 else ""
            raise Hint(f"for b = {b}, v = {v}, sigma = {sigma} R'(b) is {want:.4f}, yours is {got:.4f}.{hint}")
