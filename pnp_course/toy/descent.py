"""Small worlds for GS-PnP: objectives whose flatness is known, one on which iterates turn for ever, random networks.

`power` and `quadratic` have a known Kurdyka-Lojasiewicz exponent, `Spiral` lacks the property, `no_data` is the fidelity
f = 0, with which GS-PnP is gradient descent on g, and `RandomContraction` is a network that nobody trained.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pnp_course._checks import check_positive
from pnp_course.denoisers.base import WithPotential
from pnp_course.fidelities import Gaussian
from pnp_course.operators import Mask


def no_data(pixels: int) -> Gaussian:
    """The fidelity f = 0 for images (1, 1, 1, pixels) in float64: all pixels are hidden."""
    nothing = torch.zeros(1, 1, 1, pixels, dtype=torch.float64)
    return Gaussian(Mask(nothing), nothing)


def power(p: float) -> WithPotential:
    """The gradient step on g(x) = sum |x_i|^p: the KL exponent at 0 is 1 - 1/p in one dimension.

    Args:
        p: at least 2, so that grad g is Lipschitz on bounded sets.
    """
    if p < 2:
        raise ValueError(f"p is {p}; wanted p >= 2: for a smaller p the gradient of |x|^p is not Lipschitz at 0.")

    def pair(x: Tensor) -> tuple[Tensor, Tensor]:
        return x - p * x.sign() * x.abs() ** (p - 1), (x.abs() ** p).flatten(1).sum(1)

    return WithPotential(pair)


def quadratic(h: Tensor) -> WithPotential:
    """The gradient step on g(x) = sum h_i x_i^2 / 2 for images (B, 1, 1, n); h: (n,)."""

    def pair(x: Tensor) -> tuple[Tensor, Tensor]:
        return x - h * x, 0.5 * (h * x.square()).flatten(1).sum(1)

    return WithPotential(pair)


class Spiral:
    """g = s^4 (2 - cos(alpha - B / s)) for s = |x| - 1 > 0 and 0 in the unit disc: book/theory/gs_pnp.md, the spiral.

    alpha is the polar angle. The valley alpha = B / s winds round the disc infinitely often. g is C^1 with a gradient
    that is Lipschitz on bounded sets; gradient descent has every point of the unit circle as a limit point.

    Args:
        winding: B > 0.
    """

    def __init__(self, winding: float = 5.0):
        self.winding = check_positive(winding, "winding")

    def value(self, points: Tensor) -> Tensor:
        """g (n,) at points (n, 2)."""
        s = (points.norm(dim=1) - 1).clamp_min(1e-300)
        angle = torch.atan2(points[:, 1], points[:, 0])
        return torch.where(s > 1e-200, s**4 * (2 - torch.cos(angle - self.winding / s)), 0.0)

    def slopes(self, x: float, y: float) -> tuple[float, float]:
        """Grad g at one point, in plain numbers, since a descent takes hundreds of thousands of them."""
        r = math.hypot(x, y)
        s = r - 1
        if s <= 0:
            return 0.0, 0.0
        w = math.atan2(y, x) - self.winding / s
        radial = 4 * s**3 * (2 - math.cos(w)) + self.winding * s**2 * math.sin(w)
        across = s**4 * math.sin(w) / r
        return (radial * x - across * y) / r, (radial * y + across * x) / r

    def flattest(self, s: Tensor) -> Tensor:
        """On each circle of radius 1 + s the point (n, 2) with -pi/2 < w < 0 where the radial slope vanishes.

        Args:
            s: (n,), positive and below `winding` / 8.
        """
        low, high = torch.full_like(s, -math.pi / 2), torch.zeros_like(s)
        for _ in range(60):
            w = (low + high) / 2
            up = 4 * s * (2 - w.cos()) + self.winding * w.sin() > 0
            low, high = torch.where(up, low, w), torch.where(up, w, high)
        angle = low + self.winding / s
        return torch.stack(((1 + s) * angle.cos(), (1 + s) * angle.sin()), 1)

    def denoiser(self) -> WithPotential:
        """The gradient step on g for images of two pixels (B, 1, 1, 2), as solvers take it."""

        def pair(x: Tensor) -> tuple[Tensor, Tensor]:
            points = x.reshape(-1, 2)
            slopes = torch.tensor([self.slopes(*p) for p in points.tolist()], dtype=x.dtype)
            return x - slopes.reshape(x.shape), self.value(points)

        return WithPotential(pair)

    def descend(self, start: tuple[float, float], step: float, iterations: int) -> Tensor:
        """Gradient descent with a fixed step from one point: all iterates (iterations + 1, 2), float64."""
        (x, y), out = start, [start]
        for _ in range(iterations):
            a, b = self.slopes(x, y)
            x, y = x - step * a, y - step * b
            out.append((x, y))
        return torch.tensor(out, dtype=torch.float64)


def convolution_bound(weight: Tensor, grid: int = 32) -> float:
    """An upper bound, at most 1 per cent too large, of the norm of a 3 x 3 convolution on images of any size.

    Without a border the convolution multiplies the Fourier coefficients at each frequency by a matrix; zero padding and
    cropping do not increase norms. So the norm is at most the largest spectral norm over all frequencies. Its entries
    are trigonometric polynomials of degree 1, and such a polynomial exceeds its maximum over `grid` equidistant points
    by a factor of at most 1 / cos(pi / grid) in each direction (Ehlich and Zeller 1964).

    Args:
        weight: (out, in, 3, 3).
        grid: frequencies in each direction.
    """
    at_frequencies = torch.fft.fft2(weight.double(), s=(grid, grid)).permute(2, 3, 0, 1)
    return float(torch.linalg.matrix_norm(at_frequencies, 2).max()) / math.cos(math.pi / grid) ** 2


class RandomContraction(nn.Module):
    """An untrained network of 3 x 3 convolutions and ELU, without biases, with ||N(x)|| <= q ||x||.

    Each convolution is divided by a bound of its norm, and the last one is multiplied by q. ELU does not increase norms.
    So GS-PnP stays bounded with it: book/theory/gs_pnp.md, "When are the iterates bounded?".

    Args:
        channels: of the images.
        q: factor, 0 < q < 1.
        width: channels between the convolutions.
        seed: of the random weights.
    """

    def __init__(self, channels: int = 3, q: float = 0.5, width: int = 16, seed: int = 0):
        super().__init__()
        if not 0 < q < 1:
            raise ValueError(
                f"q is {q}; wanted a number with 0 < q < 1: with q >= 1 nothing keeps the iterates bounded."
            )
        self.in_channels, self.q = channels, q
        self.config: dict[str, object] = {}
        generator = torch.Generator().manual_seed(seed)
        self.layers = nn.ModuleList()
        for n_in, n_out in ((channels, width), (width, width), (width, channels)):
            layer = nn.Conv2d(n_in, n_out, 3, padding=1, bias=False).requires_grad_(False)
            layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator))
            layer.weight.div_(convolution_bound(layer.weight))
            self.layers.append(layer)
        layer.weight.mul_(q)

    def forward(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """N(x), of the shape of x (B, C, H, W); sigma is ignored."""
        for layer in list(self.layers)[:-1]:
            x = nn.functional.elu(layer(x))
        out: Tensor = self.layers[-1](x)
        return out
