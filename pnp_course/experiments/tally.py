"""What a method asks of its network: forward passes and vector-Jacobian products, counted while it runs."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle


class Tally:
    """Counts the work of the network inside a denoiser, however the denoiser is wrapped, until `end` or within `with`.

    A gradient step D = x - grad g asks its network N for one forward pass and one product J_N^T r at each evaluation;
    any other denoiser is a network, and asks for a forward pass, unless a method differentiates through it.

    Args:
        net: a denoiser of the course or published weights; None counts nothing.

    Attributes:
        forward: forward passes of the network. products: vector-Jacobian products of the network.

    Example:
        >>> import torch
        >>> from pnp_course import load_denoiser
        >>> net, x = load_denoiser("coco-gs-0.25"), torch.zeros(1, 3, 16, 16)
        >>> with Tally(net) as seen:
        ...     _ = net(x, 0.1)
        >>> seen.forward, seen.products
        (1, 1)
    """

    def __init__(self, net: nn.Module | None):
        self.forward = self.products = 0
        self._hooks: list[RemovableHandle] = []
        inner = [m for m in net.modules() if hasattr(m, "config")] if net is not None else []
        if inner:  # the innermost one: a gradient step has its network inside
            self._hooks = [inner[-1].register_forward_hook(self._seen)]

    def _seen(self, net: nn.Module, inputs: Any, output: Tensor) -> None:
        self.forward += 1
        if output.requires_grad:
            output.register_hook(self._asked)

    def _asked(self, cotangent: Tensor) -> None:
        self.products += 1

    def end(self) -> None:
        """Count no further."""
        for hook in self._hooks:
            hook.remove()

    def __enter__(self) -> Tally:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
