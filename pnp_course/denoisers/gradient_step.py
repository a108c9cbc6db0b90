"""Denoisers that are a gradient step on an explicit potential g(x, sigma) = ||x - N(x, sigma)||^2 / 2, N any network.

[A] section 2: D = I - grad g has a symmetric Jacobian by construction, whatever the weights of N are. The Bregman one
does the same in the geometry of Burg's entropy, for multiplicative noise.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pnp_course._checks import check_shape, is_unread


class GradientStep(nn.Module):
    """D(x, sigma) = x - grad g(x, sigma), g = ||x - N(x, sigma)||^2 / 2: [A] (10)-(11), after Hurault et al. 2022.

    grad g = r - J_N^T r with the residual r = x - N(x): one forward pass and one vector-Jacobian product of N. Both are
    taken in the frame of x, so g and D belong together at any size.

    Under `torch.no_grad()`, or when neither x nor the weights require a gradient, no graph is kept.

    Args:
        network: N, taking (x, sigma); smooth (ELU or Softplus), for grad g to be Lipschitz on bounded sets.
    """

    conservative = True  # J = J^T exactly
    has_potential = True  # g can be evaluated: `at_sigma` then has `with_value`

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network
        self.in_channels: int = network.in_channels  # type: ignore[assignment]
        self.config = network.config

    @property
    def sigma_range(self) -> tuple[float, float] | None:
        """The noise levels that it is good for, where known; its network refuses others in eval mode."""
        return getattr(self.network, "sigma_range", None)

    @property
    def smooth(self) -> bool:
        """Is grad g continuous, with a Lipschitz constant on every bounded set? It is not if the network has a ReLU."""
        return not any(isinstance(m, nn.ReLU | nn.LeakyReLU) for m in self.network.modules())

    def forward(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """D(x, sigma) for x (B, C, H, W), sigma float or (B,)."""
        return self.denoise_and_value(x, sigma)[0]

    def denoise_and_value(self, x: Tensor, sigma: float | Tensor) -> tuple[Tensor, Tensor]:
        """D(x, sigma) (B, C, H, W) and g(x, sigma) (B,), from the same forward pass."""
        gradient, value = self.gradient_and_value(x, sigma)
        return x - gradient, value

    def gradient_and_value(self, x: Tensor, sigma: float | Tensor) -> tuple[Tensor, Tensor]:
        """grad g (B, C, H, W) and g (B,)."""
        check_shape(x, self.in_channels)
        differentiable = torch.is_grad_enabled() and (
            x.requires_grad or any(p.requires_grad for p in self.network.parameters())
        )
        with torch.enable_grad():
            point = x if x.requires_grad and differentiable else x.detach().requires_grad_(True)
            residual = point - self.network(point, sigma)
            # r enters grad g = J_r^T r twice: as what is differentiated and as the weights; both carry the graph
            weights = residual if differentiable else residual.detach()
            (gradient,) = torch.autograd.grad(residual, point, weights, create_graph=differentiable)
        value = 0.5 * residual.flatten(1).square().sum(1)
        return gradient, (value if differentiable else value.detach())

    def value(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """g(x, sigma) (B,), from one forward pass."""
        check_shape(x, self.in_channels)
        return 0.5 * (x - self.network(x, sigma)).flatten(1).square().sum(1)


class BregmanGradientStep(GradientStep):
    """B(x, gamma) = x - x^2 grad g(x, gamma): a gradient step in the geometry of Burg's entropy h = -sum log x.

    (Hess h)^{-1} = diag(x^2). Under inverse gamma noise (`noise.inverse_gamma`) the posterior mean is exactly of this
    form, with g = -log p(x) / gamma, p the density of the noisy images; source: Hurault et al. 2023.

    It is not conservative in the usual sense: the Jacobian of x -> B(x) is not symmetric, but diag(x^2) times a
    symmetric matrix.

    Args:
        network: N, taking (x, 1/gamma): the noise level of `inverse_gamma` is 1/gamma, as a fraction.
    """

    conservative = False
    has_potential, has_bregman_potential = False, True  # g is known, but D is not I - grad g

    def denoise_and_value(self, x: Tensor, sigma: float | Tensor) -> tuple[Tensor, Tensor]:
        """B(x) (B, C, H, W) and g(x) (B,); `sigma` is the noise level 1/gamma."""
        check_shape(x, self.in_channels)
        if not is_unread() and not bool((x > 0).all()):
            raise ValueError(
                f"x has values down to {float(x.min()):.3g}; Burg's entropy needs x > 0: clamp the image, "
                "x.clamp(min=1e-3)."
            )
        gradient, value = self.gradient_and_value(x, sigma)
        return x - x.square() * gradient, value
