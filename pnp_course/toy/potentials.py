"""Small worlds for the gradient-step denoiser: an exact one, one with a kink, and tools to look at any of them.

`RootNet` makes `GradientStep` the exact MMSE denoiser of a mixture. `KinkedNet` is the smallest network on which the
line search of GS-PnP fails. `Counted` counts what an evaluation costs, `slope_along` gives grad g along a line.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from pnp_course._checks import check_positive
from pnp_course.denoisers.base import DenoiseWithValue
from pnp_course.denoisers.gradient_step import GradientStep
from pnp_course.fidelities import Fidelity
from pnp_course.solvers.iterate import Iterate
from pnp_course.solvers.signature import solver
from pnp_course.toy.mixture import GaussianMixture


class RootNet(nn.Module):
    """N(x) = x - e sqrt(2 g(x)), g = -sigma^2 sum log p_sigma(x_i) + const > 0, e a fixed image of norm 1.

    Since ||x - N(x)||^2 / 2 = g, `GradientStep(RootNet(mixture))` is x + sigma^2 grad log p_sigma(x), the MMSE denoiser
    of a 1-D mixture, pixel by pixel, by Tweedie's formula [A] (8). N itself is not a denoiser.

    The constant makes g > 0: p_sigma(x) < (2 pi sigma^2)^{-1/2} for every prior that is not one point.

    Args:
        mixture: a 1-D prior of each pixel.
        sign: sign of the root, 1 or -1; both give the same g.
    """

    in_channels = 1

    def __init__(self, mixture: GaussianMixture, sign: int = 1):
        super().__init__()
        self.mixture, self.sign = mixture, sign
        self.config: dict[str, object] = {}

    def potential(self, x: Tensor, sigma: float) -> Tensor:
        """g (B,) at x (B, C, H, W), float64."""
        pixels = x.flatten(1)
        log_p = self.mixture.log_density(pixels.reshape(-1, 1), sigma).reshape(pixels.shape)
        return -(sigma**2) * (log_p + 0.5 * math.log(2 * math.pi * sigma**2)).sum(1)

    def forward(self, x: Tensor, sigma: float) -> Tensor:
        """N(x) for x (B, C, H, W), float64."""
        root = (2 * self.potential(x, sigma)).sqrt().reshape(-1, 1, 1, 1)
        return x - self.sign * root / math.sqrt(x[0].numel())


class KinkedNet(nn.Module):
    """A network on pictures of two pixels, (B, 1, 1, 2), with the potential g(x) = (b + a(x_1 - 1/2))^2 / 2.

    a(z) = w (act(z / w) + act(-z / w)): with ReLU it is |z|, with ELU the smooth |z| + w (exp(-|z| / w) - 1). So g has
    a valley along x_1 = 1/2, with a kinked or a round floor, and does not depend on x_2.

    Args:
        activation: nn.ReLU() or nn.ELU().
        b: height of the floor; the slope of g jumps by 2 b across a kinked floor.
        width: w, over which ELU rounds the floor.
    """

    in_channels = 1

    def __init__(self, activation: nn.Module, b: float = 1.0, width: float = 0.1):
        super().__init__()
        self.activation, self.b, self.width = activation, b, check_positive(width, "width")
        self.config: dict[str, object] = {}

    def forward(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """N(x), of the shape of x; sigma is ignored."""
        first, second = x[..., :1], x[..., 1:]
        z = (first - 0.5) / self.width
        return torch.cat((first - self.b - self.width * (self.activation(z) + self.activation(-z)), second), dim=-1)


class Counted(nn.Module):
    """A network that counts its forward passes and the vector-Jacobian products taken through it."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network, self.in_channels, self.config = network, network.in_channels, network.config
        self.forwards = self.products = 0

    def _product(self, gradient: Tensor) -> None:
        self.products += 1

    def forward(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """The network's output for x (B, C, H, W)."""
        self.forwards += 1
        out: Tensor = self.network(x, sigma)
        if out.requires_grad:
            out.register_hook(self._product)  # type: ignore[no-untyped-call]
        return out


def elu_in_place_of_relu(network: nn.Module) -> nn.Module:
    """Change the network in place, so that each nn.ReLU becomes an nn.ELU, with the same weights, and return it."""
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.ReLU):
                setattr(parent, name, nn.ELU())
    return network


def slope_along(
    denoiser: GradientStep, x: Tensor, direction: Tensor, s: Tensor, sigma: float, batch: int = 100
) -> Tensor:
    """<grad g(x + s_i h), h> for each s_i: the derivative of g along a line, (n,).

    Args:
        denoiser: D = I - grad g.
        x, direction: a point and h, (1, C, H, W).
        s: positions on the line, (n,).
        sigma: noise level in units of intensity.
        batch: number of points evaluated at once.
    """
    slopes = []
    for part in torch.split(s, batch):
        gradient, _ = denoiser.gradient_and_value(x + part.reshape(-1, 1, 1, 1) * direction, sigma)
        slopes.append((gradient * direction).flatten(1).sum(1).detach())
    return torch.cat(slopes)


@solver(needs="with_value")
def fixed_step(
    fidelity: Fidelity, denoise: DenoiseWithValue, x0: Tensor, *, lam: float, step: float
) -> Iterator[Iterate]:
    """`solvers.gs_pnp_pgd` without its line search: each step is accepted, whatever F = lam f + g does.

    Args:
        denoise: at_sigma(D, sigma) with a potential.
        x0: the start; the first x is prox_{step lam f}(x0).
        lam: weight of the fidelity.
        step: the fixed step size.

    Yields:
        Iterate with x = step D(x_k) + (1 - step) x_k, u = x_{k+1} and objective F(x_{k+1}).
    """
    x = fidelity.prox(x0, step * lam)
    d, _ = denoise.with_value(x)
    while True:
        z = step * d + (1 - step) * x
        x = fidelity.prox(z, step * lam)
        d, g = denoise.with_value(x)
        yield Iterate(z, denoiser_input=x, objective=lam * fidelity.value(x) + float(g.double().sum()), u=x)
