"""Checks of the exercises of notebook 03: each takes the reader's function and returns "right" or a hint."""

from __future__ import annotations

import torch

from pnp_course.exercises.verdicts import Answer, Hint, call, number, verdict
from pnp_course.toy.mixture import GaussianMixture


def _mmse(x: float, s: float, sigma: float) -> float:
    """E[u | x] for u ~ N(0, s^2) under noise sigma, by quadrature."""
    u = torch.linspace(-9 * s, 9 * s, 40_001, dtype=torch.float64)
    weight = torch.exp(-(u**2) / (2 * s**2) - (x - u) ** 2 / (2 * sigma**2))
    return float((u * weight).sum() / weight.sum())


@verdict
def check_curvature(mine: Answer) -> None:
    """(s, sigma) -> F'' for a Gaussian prior of standard deviation s: F' = D^-1 - I, D by quadrature."""
    for s, sigma in ((0.2, 0.3), (0.5, 0.1), (1.5, 0.6), (0.4, 0.4)):
        want = 0.02 / (_mmse(0.01, s, sigma) - _mmse(-0.01, s, sigma)) - 1
        got = number(call(mine, s, sigma))
        if abs(got - want) > 1e-3 * max(1.0, want):
            if abs(got - 1 / (1 + want)) < 1e-3:
                raise Hint("nearly: that is the slope of D; and F'' = 1/D' - 1.")
            raise Hint(f"for s = {s}, sigma = {sigma} the quadrature gives {want:.4f}, yours is {got:.4f}.")


def _mixture(means: list[list[float]], width: float) -> GaussianMixture:
    centres = torch.tensor(means, dtype=torch.float64)
    n = centres.shape[1]
    return GaussianMixture(
        torch.ones(len(means)), centres, width**2 * torch.eye(n, dtype=torch.float64).expand(len(means), n, n).clone()
    )


@verdict
def check_risk(mine: Answer) -> None:
    """(mixture, points, sigma) -> mean of sigma^2 tr J, compared with the measured error of the ideal denoiser."""
    generator = torch.Generator().manual_seed(1)
    for mixture, sigma in (
        (_mixture([[0.2, 0.2], [0.8, 0.8]], 0.1), 0.3),
        (_mixture([[0.2, 0.5, 0.1], [0.7, 0.3, 0.9], [0.1, 0.9, 0.5]], 0.2), 0.15),
        (GaussianMixture.two_peaks(), 0.25),
    ):
        truth = mixture.sample(20_000, generator)
        noisy = truth + sigma * torch.randn(truth.shape, generator=generator, dtype=torch.float64)
        error = float((mixture.mmse(noisy, sigma) - truth).square().sum(1).mean())
        got = number(call(mine, mixture, noisy, sigma))
        if abs(got / error - 1) > 0.05:
            n = truth.shape[1]
            if n > 1 and abs(n * got / error - 1) < 0.05:
                raise Hint("nearly: that is the error of one pixel; wanted is the trace, the sum over the pixels.")
            raise Hint(f"in {n} dimension(s), sigma = {sigma}, the measured error is {error:.4f}, yours is {got:.4f}.")


def _two(low: float, high: float, width: float) -> GaussianMixture:
    means = torch.tensor([[low], [high]], dtype=torch.float64)
    return GaussianMixture(torch.ones(2), means, torch.full((2, 1, 1), width**2, dtype=torch.float64))


@verdict
def check_threshold(mine: Answer) -> None:
    """prior -> the noise level above which its ideal denoiser is nonexpansive, for three priors of two equal peaks."""
    for low, high, width in ((0.2, 0.8, 0.05), (0.25, 0.75, 0.1), (0.1, 0.9, 0.15)):
        prior = _two(low, high, width)
        level = number(call(mine, prior))
        if not 0.01 < level < 1:
            raise Hint(f"wanted a noise level between 0.01 and 1; yours is {level:.4g}.")
        around = torch.linspace(low, high, 401, dtype=torch.float64)[:, None]
        below, above = (float(prior.jacobian(around, level * f).max()) for f in (0.99, 1.01))
        where = f"for peaks of width {width} at {low} and {high}"
        if below <= 1:
            raise Hint(f"{where} the denoiser is nonexpansive already just below your level: it is too large.")
        if above > 1:
            raise Hint(f"{where} the denoiser still expands just above your level: it is too small.")
