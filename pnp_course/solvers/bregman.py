"""B-RED and B-PnP (Hurault et al. 2023): descent in the geometry of Burg's entropy h(x) = -sum log x, for Poisson noise.

The Poisson fidelity f has no Lipschitz gradient, but ||y||_1 h - f is convex: f is ||y||_1-smooth relative to h. Mirror
descent with grad h(x) = -1/x then needs no Lipschitz constant. The denoiser is a Bregman gradient step,
B(x) = x - x^2 grad g(x).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import Tensor

from pnp_course._checks import check_positive
from pnp_course.fidelities import Fidelity
from pnp_course.solvers.iterate import Iterate

WithGradient = Callable[[Tensor], tuple[Tensor, Tensor]]


def burg_distance(x: Tensor, y: Tensor) -> float:
    """D_h(x, y) = sum x/y - log(x/y) - 1 >= 0, zero for x = y only."""
    q = (x / y).double()
    return float((q - q.log() - 1).sum())


def b_red(
    fidelity: Fidelity, gradient_and_value: WithGradient, x0: Tensor, *, lam: float, tau: float = 0.05, largest: float = 1.0,
    backtracking: bool = False, c: float = 0.1, eta: float = 0.9,
) -> Iterator[Iterate]:  # fmt: skip
    """B-RED: mirror descent on F = lam f + g, grad h(x_{k+1}) = grad h(x_k) - tau grad F(x_k), then projection.

    With h = -sum log that is x_{k+1} = x_k / (1 + tau x_k grad F(x_k)); values that leave (0, C] are set to C.

    Args:
        gradient_and_value: x -> (grad g(x), g(x)) at a fixed noise level, such as `BregmanGradientStep.gradient_and_value`.
        x0: first x, > 0.
        lam: weight of the fidelity. tau: step. largest: C.
        backtracking: shrink tau until F(x_k) - F(x_{k+1}) >= (c / tau) D_h(x_{k+1}, x_k).

    Yields:
        Iterate with x = x_{k+1}, objective F(x_{k+1}), tau.
    """
    check_positive(lam, "lam"), check_positive(tau, "tau"), check_positive(largest, "largest")
    fidelity.reset()
    x = x0.clamp(1e-3, largest)
    gradient, g = gradient_and_value(x)
    objective = lam * fidelity.value(x) + float(g.sum())
    while tau > 1e-12:
        denominator = 1 + tau * x * (lam * fidelity.grad(x) + gradient)
        new = x / denominator
        new = new.where((denominator > 0) & (new <= largest), new.new_full((), largest))
        gradient_new, g_new = gradient_and_value(new)
        value = lam * fidelity.value(new) + float(g_new.sum())
        if backtracking and objective - value < (c / tau) * burg_distance(new, x):
            tau = eta * tau
            continue
        x, gradient, objective = new, gradient_new, value
        yield Iterate(x, objective=objective, tau=tau)


def b_pnp(
    fidelity: Fidelity,
    gradient_and_value: WithGradient,
    x0: Tensor,
    *,
    lam: float,
    a: float = 0.05,
    smallest: float = 1e-6,
) -> Iterator[Iterate]:
    """B-PnP: z = grad h*(grad h(x_k) - lam grad f(x_k)) = x_k / (1 + lam x_k grad f(x_k)),   x_{k+1} = B_a(z).

    B_a(z) = z - a z^2 grad g(z) is the relaxed Bregman denoiser. The objective is lam f + phi with
    phi(x_{k+1}) = a g(z) - D_h(x_{k+1}, z).

    Args:
        gradient_and_value: as for `b_red`. x0: first x, > 0.
        lam: weight of the fidelity; the theorem asks lam ||y||_1 < 1 or so, see the course.
        a: relaxation. smallest: iterates are kept above this.

    Yields:
        Iterate with x = x_{k+1}, z, objective.
    """
    check_positive(lam, "lam"), check_positive(a, "a")
    fidelity.reset()
    x = x0.clamp_min(1e-3)
    while True:
        z = (x / (1 + lam * x * fidelity.grad(x)).clamp_min(1e-6)).clamp_min(smallest)
        gradient, g = gradient_and_value(z)
        x = (z - a * z.square() * gradient).clamp_min(smallest)
        phi = a * float(g.sum()) - burg_distance(x, z)
        yield Iterate(x, z=z, objective=lam * fidelity.value(x) + phi)
