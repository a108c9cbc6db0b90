"""Training losses: the fit, and the Jacobian penalties of [B] section 3."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pnp_course.jacobian import Linearized, antisymmetry, cocoercivity, spectral_norm


@dataclass(frozen=True)
class Penalty:
    """Weights of the two penalties of [B] (18), with the paper's values as defaults.

    alpha: weight of the Hamiltonian penalty ||J - J^T||_*, (17).
    beta, eps: weight and margin of the spectral penalty max(||2 gamma J - I||_*, 1 - eps), (16).
    iterations: power iterations; images: how many of the batch are penalised (None: all).
    every: penalise each so many steps, with the weights multiplied by it, so that the mean gradient is the same.
    """

    gamma: float = 0.25
    alpha: float = 1.0
    beta: float = 1e-2
    eps: float = 0.1
    iterations: int = 15
    images: int | None = None
    every: int = 1


def fit_l1(denoised: Tensor, clean: Tensor) -> Tensor:
    """Mean absolute error, the fit of [B] (18)."""
    return (denoised - clean).abs().mean()


def coco_penalty(
    denoiser: nn.Module, noisy: Tensor, sigma: Tensor, penalty: Penalty, generator: torch.Generator
) -> tuple[Tensor, dict[str, float]]:
    """The two penalties of [B] (18) at the noisy images (B, C, H, W), sigma (B,).

    Returns the weighted sum (differentiable) and the two norms, as means over the images.
    """
    n = penalty.images or len(noisy)
    x, s = noisy[:n], sigma[:n]
    lin = Linearized(lambda z: denoiser(z, s), x)

    def start() -> Tensor:
        return torch.randn(x.shape, generator=generator).to(x)

    asymmetry = spectral_norm(antisymmetry(lin), start(), penalty.iterations).mean()
    expansion = spectral_norm(cocoercivity(lin, penalty.gamma), start(), penalty.iterations)
    hinge = expansion.clamp_min(1 - penalty.eps).mean()
    value = penalty.every * (penalty.alpha * asymmetry + penalty.beta * hinge)
    return value, {"asymmetry": asymmetry.item(), "expansion": expansion.mean().item()}
