"""Checks of the exercises of notebook 08: each takes the reader's function and returns "right" or a hint."""

from __future__ import annotations

import torch

from pnp_course.denoisers import GrayFromColour, at_sigma
from pnp_course.exercises.verdicts import Answer, Hint, call, number, pointwise, tensor, verdict
from pnp_course.jacobian import dense
from pnp_course.toy.scalar import two_point


@verdict
def check_prior(mine: Answer) -> None:
    """(u, c, t) -> F(u), with F(0) = 0 and prox of F = D_t for D(z) = c z; the prox is found by a search."""
    z = torch.tensor([-0.9, -0.3, 0.0, 0.5, 1.0], dtype=torch.float64)
    for c, t in ((0.0, 0.4), (0.5, 0.4), (3.0, 0.4), (2.0, 0.8), (0.3, 0.7)):
        slope = 1 - t + t * c

        def prior(v: torch.Tensor, c: float = c, t: float = t) -> torch.Tensor:
            return pointwise(mine, v, c, t)

        at_zero = float(prior(torch.zeros(1, dtype=torch.float64)))
        if abs(at_zero) > 1e-9:
            raise Hint(f"F(0) is 0; for c = {c}, t = {t} yours is {at_zero:.4g}.")
        points = torch.linspace(-6, 6, 2401, dtype=torch.float64)
        values = prior(points)
        found = points[(values + (points - z[:, None]) ** 2 / 2).argmin(1)]
        if float((found - slope * z).abs().max()) > 0.004:
            got = float(found[-1])
            raise Hint(
                f"for c = {c}, t = {t} the search for the prox of your F at 1 finds {got:.3f}; D_t(1) = {slope:.3f}."
            )


@verdict
def check_cocoercivity(mine: Answer) -> None:
    """(gamma, t) -> the best constant gamma_t of D_t, from the steepest slope of the two-point denoiser, averaged."""
    for gamma, t in ((0.1, 0.3), (0.25, 0.33), (0.5, 0.9), (0.25, 1.0)):
        z = torch.linspace(0, 1, 2001, dtype=torch.float64)
        want = 1 / (1 - t + t * float(two_point(gamma).derivative(z).max()))
        got = number(call(mine, gamma, t))
        if abs(got - want) > 1e-4:
            if abs(got - (1 - want)) < 1e-4:
                raise Hint("nearly: that is r = 1 - gamma_t.")
            raise Hint(f"for gamma = {gamma}, t = {t} the steepest slope gives {want:.4f}, yours is {got:.4f}.")


class Colour(torch.nn.Module):
    """The gradient of the sum of log cosh(W x), a conservative and cocoercive denoiser of colour pictures 4 x 4."""

    def __init__(self, seed: int):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.weight = torch.randn(48, 48, dtype=torch.float64, generator=generator) / 4

    def forward(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        """x (B, 3, 4, 4); sigma is not used."""
        return (torch.tanh(x.flatten(1) @ self.weight.T) @ self.weight).reshape(x.shape)


@verdict
def check_gray(mine: Answer) -> None:
    """J (48, 48) of a colour denoiser at P x -> the Jacobian (16, 16) of `GrayFromColour` at x."""
    for seed in (0, 1):
        colour = Colour(seed)
        gray = torch.rand(1, 1, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
        J = dense(at_sigma(colour, 0.1), gray.expand(-1, 3, -1, -1))[0]
        want = dense(at_sigma(GrayFromColour(colour), 0.1), gray)[0]
        got = tensor(call(mine, J.clone()), want)
        if float((got - want).abs().max()) > 1e-5:
            if float((got / 3 - want).abs().max()) < 1e-5 or float((3 * got - want).abs().max()) < 1e-5:
                raise Hint("nearly: it is off by the factor 3; the gray denoiser takes the mean of the three channels.")
            raise Hint(
                f"the library's wrapper has another Jacobian: one entry is off by {float((got - want).abs().max()):.3f}."
            )
