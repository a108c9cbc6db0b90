"""Training losses: the fit, and the Jacobian penalties of [B] (18), [A] (21) and their neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pnp_course.jacobian import (
    Gated,
    Linearized,
    LinearMap,
    affine,
    antisymmetry,
    cocoercivity,
    linearize,
    pseudo_contraction,
    spectral_norm,
    strict_pseudo_contraction,
)

CONDITIONS = ("cocoercive", "nonexpansive", "strictly pseudo-contractive", "pseudo-contractive")


@dataclass(frozen=True)
class Penalty:
    """alpha ||J - J^T||_* + beta max(||M||_*, 1 - eps), with the values of [B] section 5 as defaults.

    condition: the condition that ||M||_* <= 1 states.
        "cocoercive" (constant gamma): M = 2 gamma J - I, [B] (16). gamma = 1/4 and 1/2 are the CoCo denoisers, 1 the
        resolvents of monotone operators (RMMO), 1/2 on a gradient-step network is [A] (21): I - J is the Hessian of g.
        "nonexpansive": M = J. "strictly pseudo-contractive" (constant k): M = k I + (1 - k) J.
        "pseudo-contractive": M = (J - 10 I)^{-1} (J + 8 I).
    slack: how far below 0 a cocoercive denoiser's spectrum may reach ("relaxed CoCo": spectrum in [-slack, 1 / gamma]).
    alpha: weight of the Hamiltonian penalty (17), which is not computed if alpha = 0.
    beta, eps: weight and margin of the spectral penalty.
    level: the noise level, in units of intensity, at which the margin is eps; at others it is in proportion to the level,
        as the differences between patches are. None: eps at every level, as in [B].
    iterations: power iterations; 0 takes a random direction q instead of the worst, and ||M q|| for ||M||_*.
    method: "power", the papers' power iteration, or "lanczos", which finds the ends of a spectrum in far fewer
    products.
    images: how many images of the batch are penalised (None: all); `of`: they are the noisiest of the first `of`
    images, and the first ones by default.
    every: penalise each `every`-th step only, with weights multiplied by `every`, so that the mean gradient is the
    same.
    """

    condition: str = "cocoercive"
    constant: float = 0.25
    slack: float = 0.0
    alpha: float = 1.0
    beta: float = 1e-2
    eps: float = 0.1
    level: float | None = None
    iterations: int = 15
    method: str = "power"
    images: int | None = None
    of: int | None = None
    every: int = 1

    def __post_init__(self) -> None:
        if self.condition not in CONDITIONS:
            raise ValueError(f"condition is {self.condition!r}; wanted one of {', '.join(CONDITIONS)}.")
        if self.method not in ("power", "lanczos"):
            raise ValueError(f"method is {self.method!r}; wanted 'power' or 'lanczos'.")
        if self.of is not None and not (self.images or 0) <= self.of:
            raise ValueError(f"of is {self.of} and images {self.images}; wanted of >= images: how many to choose from.")
        if self.level is not None and not self.level > 0:
            raise ValueError(
                f"level is {self.level:g}; wanted a noise level above 0, or None for one margin at all levels."
            )
        if self.slack < 0 or (self.slack and self.condition != "cocoercive"):
            raise ValueError(
                f"slack is {self.slack:g} with the condition {self.condition!r}; wanted 0 or more, and 0 unless the condition "
                "is 'cocoercive'."
            )

    def operator(self, lin: Linearized | Gated) -> LinearMap:
        """The map M of the condition."""
        if self.condition == "cocoercive":
            return cocoercivity(lin, self.constant, self.slack)
        if self.condition == "nonexpansive":
            return affine(lin, 0, 1)
        if self.condition == "strictly pseudo-contractive":
            return strict_pseudo_contraction(lin, self.constant)
        return pseudo_contraction(lin)


def fit_l1(denoised: Tensor, clean: Tensor) -> Tensor:
    """Mean absolute error, the fit of [B] (18)."""
    return (denoised - clean).abs().mean()


def fit_mse(denoised: Tensor, clean: Tensor) -> Tensor:
    """Mean squared error, the fit of [A] (21), whose minimiser is the posterior mean and so conservative."""
    return (denoised - clean).square().mean()


FITS = {"l1": fit_l1, "mse": fit_mse}


def jacobian_penalty(
    denoiser: nn.Module, noisy: Tensor, sigma: Tensor, penalty: Penalty, generator: torch.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """The two penalties of [B] (18) at the noisy images (B, C, H, W), sigma (B,), averaged over the images.

    The iterations start from vectors drawn from `generator`, on its device. In a training nothing else draws from it, so
    that runs with different penalties, or with none, see the same patches and the same noise.

    It is cheap, with equal values, because all images are processed at once, the network is linearised once for both
    penalties, there is no graph through the power iterations, J v of a ReLU network uses its gates, and the gradient
    uses <a, dJ b> at constant vectors.

    Returns:
        The weighted sum, differentiable in the weights, and the two norms (means over the images), which stay on the
        device, so that nothing waits for them.
    """
    n = penalty.images or len(noisy)
    chosen = sigma[: penalty.of].argsort(descending=True)[:n] if penalty.of else slice(n)
    x, s = noisy[chosen], sigma[chosen]
    lin = linearize(denoiser, x, s)
    value, seen = x.new_zeros(()), {}

    def norm_of(m: LinearMap) -> Tensor:
        start = torch.randn(x.shape, generator=generator, device=generator.device).to(x)
        return spectral_norm(m, lin, start, penalty.iterations, penalty.method)

    if penalty.alpha:
        asymmetry = norm_of(antisymmetry(lin)).mean()
        value, seen["asymmetry"] = value + penalty.alpha * asymmetry, asymmetry.detach()
    if penalty.beta:
        expansion = norm_of(penalty.operator(lin))
        margin = penalty.eps * (s.flatten() / penalty.level if penalty.level else torch.ones_like(expansion))
        value = value + penalty.beta * expansion.maximum(1 - margin).mean()
        seen["expansion"] = expansion.detach().mean()
    return penalty.every * value, seen
