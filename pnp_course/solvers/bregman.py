"""B-RED and B-PnP (Hurault et al. 2023): descent in the geometry of Burg's entropy h(x) = -sum log x, for Poisson noise.

The Poisson fidelity f has no Lipschitz gradient, but ||y||_1 h - f is convex: f is ||y||_1-smooth relative to h. Mirror
descent with grad h(x) = -1/x then needs no Lipschitz constant. The denoiser is a Bregman gradient step,
B(x) = x - x^2 grad g(x).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from pnp_course.denoisers.base import AtSigmaWithGradient
from pnp_course.fidelities import Fidelity
from pnp_course.solvers.iterate import Iterate
from pnp_course.solvers.signature import solver


def burg_distance(x: Tensor, y: Tensor) -> Tensor:
    """D_h(x, y) = sum x/y - log(x/y) - 1 >= 0 for each image (B,); it is zero only for x = y."""
    q = (x / y).double().flatten(1)
    return (q - q.log() - 1).sum(1).cpu()


@solver(needs="gradient_and_value")
def b_red(
    fidelity: Fidelity,
    denoise: AtSigmaWithGradient,
    x0: Tensor,
    *,
    lam: float,
    step: float = 0.05,
    largest: float = 1.0,
    backtracking: bool = False,
    c: float = 0.1,
    eta: float = 0.9,
) -> Iterator[Iterate]:
    """B-RED: mirror descent on F = lam f + g, grad h(x_{k+1}) = grad h(x_k) - step grad F(x_k), then projection.

    With h = -sum log that is x_{k+1} = x_k / (1 + step x_k grad F(x_k)); values that leave (0, C] are set to C. The
    paper calls the step tau.

    Args:
        denoise: at_sigma(D, sigma) with a known potential g, such as a `BregmanGradientStep`.
        x0: first x; it is clamped to [0.001, C].
        lam: weight of the fidelity. step: step size. largest: C.
        backtracking: multiply the step of an image by eta until F(x_k) - F(x_{k+1}) >= (c / step) D_h(x_{k+1}, x_k);
            an image whose step falls below 1e-12 has ended, and the run ends with the last one.
        c, eta: constants of the backtracking.

    Yields:
        Iterate with x = x_{k+1}, objective F(x_{k+1}), step (B,).
    """
    steps = torch.full((len(x0),), float(step), dtype=torch.float64)  # one for each image
    x = x0.clamp(1e-3, largest)
    gradient, g = denoise.gradient_and_value(x)
    objective = lam * fidelity.values(x) + g.double().cpu()
    while bool((running := steps > 1e-12).any()):
        denominator = 1 + steps.to(x).reshape(-1, 1, 1, 1) * x * (lam * fidelity.grad(x) + gradient)
        new = x / denominator
        new = new.where((denominator > 0) & (new <= largest), new.new_full((), largest))
        new = new.where(running.to(x.device).reshape(-1, 1, 1, 1), x)
        gradient_new, g_new = denoise.gradient_and_value(new)
        value = lam * fidelity.values(new) + g_new.double().cpu()
        short = running & (objective - value < (c / steps) * burg_distance(new, x))
        if backtracking and bool(short.any()):  # images whose step was accepted try the same step again
            steps = torch.where(short, eta * steps, steps)
            continue
        x, gradient, objective = new, gradient_new, value
        yield Iterate(x, denoiser_input=x, objective=float(objective.sum()), step=steps)


@solver(needs="gradient_and_value")
def b_pnp(
    fidelity: Fidelity, denoise: AtSigmaWithGradient, x0: Tensor, *, lam: float, t: float = 0.05, smallest: float = 1e-6
) -> Iterator[Iterate]:
    """B-PnP: z = grad h*(grad h(x_k) - lam grad f(x_k)) = x_k / (1 + lam x_k grad f(x_k)),   x_{k+1} = B_t(z).

    B_t(z) = z - t z^2 grad g(z) = t B(z) + (1 - t) z is the averaged Bregman denoiser. The objective is lam f + phi
    with phi(x_{k+1}) = t g(z) - D_h(x_{k+1}, z).

    Args:
        denoise: at_sigma(D, sigma) with a known potential g, as in `b_red`. x0: first x; it is clamped to at least
            0.001.
        lam: weight of the fidelity; the paper's theorem needs about lam ||y||_1 < 1.
        t: averaging weight. smallest: iterates are kept above this.

    Yields:
        Iterate with x = x_{k+1}, z, objective.
    """
    x = x0.clamp_min(1e-3)
    while True:
        z = (x / (1 + lam * x * fidelity.grad(x)).clamp_min(1e-6)).clamp_min(smallest)
        gradient, g = denoise.gradient_and_value(z)
        x = (z - t * z.square() * gradient).clamp_min(smallest)
        phi = t * float(g.double().sum()) - float(burg_distance(x, z).sum())
        yield Iterate(x, denoiser_input=z, objective=lam * fidelity.value(x) + phi, z=z)
