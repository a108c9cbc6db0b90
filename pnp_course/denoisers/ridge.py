"""A denoiser that is cocoercive and conservative by construction: the prox of a weakly convex ridge regulariser.

R(x) = sum_i sum_p psi_i((W x)_{i, p}) with ||W|| <= 1 and psi_i'' >= -rho is rho-weakly convex, rho < 1; so its proximal
operator is single-valued, conservative, and (1 - rho)-cocoercive, for every image and all weights
(book/theory/ridge.md). Source of the regulariser: Goujon, Neumayer, Unser, "Learning Weakly Convex Regularizers for
Convergent Image-Reconstruction Algorithms", 2024.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from pnp_course._checks import check_level, check_precision, check_shape
from pnp_course.denoisers.base import sigma_per_image
from pnp_course.denoisers.ridge_filters import Reflected, bank_norm, closed_bank, cosine_bank
from pnp_course.denoisers.ridge_profile import Profile, slopes
from pnp_course.denoisers.ridge_solve import Objective, implicit, minimise

LEVELS = (0.0, 5 / 255, 10 / 255, 15 / 255, 25 / 255, 40 / 255, 60 / 255)  # knots of the splines in sigma
KNOTS, FIRST, LAST = 14, 0.1, 8.0  # knots of P', in about the noise's standard deviations; their ratio is constant
STEEPEST = 16.0  # largest mu: a bound on the number of iterations


def spline(values: Tensor, sigma: Tensor, levels: Tensor) -> Tensor:
    """The linear splines with `values` (..., K) at the noise levels `levels` (K,), constant beyond, at sigma (B,): (..., B)."""
    level = sigma.clamp(LEVELS[0], LEVELS[-1])
    right = torch.searchsorted(levels, level, right=True).clamp(1, len(LEVELS) - 1)
    share = (level - levels[right - 1]) / (levels[right] - levels[right - 1])
    return torch.lerp(values[..., right - 1], values[..., right], share)


class RidgeProx(nn.Module):
    """D(y, sigma) = prox of R_sigma at y: the minimiser of R_sigma(x) + ||x - y||^2 / 2, a strongly convex function.

    D = I - grad g with the Moreau envelope g(y) = min_x R(x) + ||x - y||^2 / 2.

    The minimiser is computed to a stated accuracy: `tol` bounds the root of the mean squared error of the result, in
    units of intensity, by way of the gradient's norm, ||x - D(y)|| <= ||gradient at x|| / (1 - rho). Each image of a
    batch stops alone. Derivatives are those of the exact minimiser (implicit differentiation), solved to `tol_solve`
    relative to the right side.

    Args:
        in_channels: 1 (gray) or 3 (colour).
        filters: number of free filters; with their mirror images there are twice as many.
        size: side of a filter, odd, pixels.
        rho: bound of the weak convexity, 0 <= rho < 1; 1 - rho is the cocoercivity constant gamma.

    Raises:
        ValueError: an argument is outside its domain.
    """

    conservative = True  # J = J^T exactly, that of the exact minimiser
    has_potential = True
    piecewise_linear = False
    smooth = True  # grad g = I - D is Lipschitz
    sigma_range: tuple[float, float] | None = None
    knots: Tensor
    levels: Tensor

    def __init__(self, in_channels: int = 1, filters: int = 24, size: int = 7, rho: float = 0.75):
        super().__init__()
        if not 0 <= rho < 1:
            raise ValueError(f"rho is {rho}; wanted 0 <= rho < 1: the denoiser is (1 - rho)-cocoercive.")
        if size % 2 == 0 or size < 3 or filters < 2 or in_channels not in (1, 3):
            raise ValueError(
                f"filters = {filters}, size = {size}, in_channels = {in_channels}; wanted two filters or more, an odd size "
                "from 3 up, and 1 or 3 channels."
            )
        self.in_channels, self.rho = in_channels, float(rho)
        self.config: dict[str, Any] = {"in_channels": in_channels, "filters": filters, "size": size, "rho": rho}
        self.tol, self.tol_solve, self.max_iterations = 5e-4, 1e-4, 1000
        self.tol_training, self.tol_solve_training = 2e-3, 3e-2  # what a gradient of the loss needs
        self.filters = nn.Parameter(3 * cosine_bank(filters, in_channels, size))
        knots = FIRST * (LAST / FIRST) ** (torch.arange(KNOTS) / (KNOTS - 1))
        self.register_buffer("knots", knots, persistent=False)
        self.register_buffer("levels", torch.tensor(LEVELS), persistent=False)
        self.steep = nn.Parameter(torch.where(knots < 0.3, 3.0, -4.0))
        self.concave = nn.Parameter(torch.where((knots > 0.5) & (knots < 4), 0.0, -3.0))
        self.log_scales = nn.Parameter(torch.full((filters, len(LEVELS)), 1.9))
        self.log_mu = nn.Parameter(torch.full((len(LEVELS),), 2.0))

    @property
    def spectrum(self) -> tuple[float, float]:
        """Ends between which the spectrum of J lies, for every image and noise level: 1 / (1 + mu) and 1 / (1 - rho)."""
        mu = float(self.log_mu.detach().double().exp().max().clamp_max(STEEPEST))  # a spline is largest at a knot
        return (1 - 1e-6) / (1 + mu), 1 / (1 - self.rho)  # rounded down

    @property
    def gamma(self) -> float:
        """The cocoercivity constant that holds for every image, 1 - rho."""
        return 1 - self.rho

    def bank(self) -> Tensor:
        """The filters (2 n, C, k, k) of W, scaled to norm at most 1 at every image size."""
        bank = closed_bank(self.filters)
        return bank / bank_norm(bank)

    def profile(self, sigma: Tensor) -> Profile:
        """The profiles at the levels `sigma` (B,): scales a_i = exp(spline(sigma)) / sigma, mu = exp(spline(sigma))."""
        scales = spline(self.log_scales, sigma, self.levels).exp() / (sigma + 1e-5)  # (n, B)
        mu = spline(self.log_mu, sigma, self.levels).exp().clamp_max(STEEPEST)
        slope = slopes(self.steep, self.concave, mu, self.rho, self.knots)
        return Profile(torch.cat((scales, scales)).T, slope, self.knots)

    def objective(self, y: Tensor, sigma: float | Tensor) -> Objective:
        """R_sigma + ||. - y||^2 / 2 for y (B, C, H, W)."""
        check_shape(y, self.in_channels)
        check_precision(y, self.filters)
        if not self.training:
            check_level(sigma, self.sigma_range)
        levels = sigma_per_image(sigma, y).flatten()
        return Objective(y, Reflected(self.bank(), y.shape[-2:]), self.profile(levels), self.rho)  # type: ignore[arg-type]

    def forward(self, y: Tensor, sigma: float | Tensor) -> Tensor:
        """D(y, sigma) for y (B, C, H, W), sigma float or (B,)."""
        return self._solved(y, sigma)[0]

    def _solved(self, y: Tensor, sigma: float | Tensor) -> tuple[Tensor, Objective]:
        fast = torch.is_autocast_enabled(y.device.type)
        with torch.autocast(y.device.type, enabled=False):  # bfloat16 cannot reach the tolerance
            objective = self.objective(y.contiguous(), sigma)
            x = minimise(objective.detached(), self._tolerances(fast)[0], self.max_iterations)
            if torch.is_grad_enabled():
                x = implicit(y - objective.gradient_r(x), x, objective.detached(), self._tolerances(fast)[1])
            return x, objective

    def _tolerances(self, fast: bool) -> tuple[float, float]:
        """Those of the minimisation and of its derivative: looser ones in training, and where speed was asked for."""
        return (self.tol_training, self.tol_solve_training) if self.training or fast else (self.tol, self.tol_solve)

    def denoise_and_value(self, y: Tensor, sigma: float | Tensor) -> tuple[Tensor, Tensor]:
        """D(y, sigma) (B, C, H, W) and g(y, sigma) (B,), both from one minimisation."""
        x, objective = self._solved(y, sigma)
        return x, objective.value(x)

    def gradient_and_value(self, y: Tensor, sigma: float | Tensor) -> tuple[Tensor, Tensor]:
        """grad g = y - D(y) (B, C, H, W) and g (B,)."""
        x, value = self.denoise_and_value(y, sigma)
        return y - x, value

    def value(self, y: Tensor, sigma: float | Tensor) -> Tensor:
        """g(y, sigma) (B,)."""
        return self.denoise_and_value(y, sigma)[1]
