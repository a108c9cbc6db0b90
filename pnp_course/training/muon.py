"""Muon with all matrices of one shape in one product: a step launches a sixth of the kernels of torch's own.

On a GPU that is most of what a step of a small network costs, since one launch follows the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def orthogonalised(matrices: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float) -> Tensor:
    """Each of the matrices (k, m, n) with singular values near 1, in bfloat16, by the Newton-Schulz iteration.

    X <- a X + (b G + c G G) X, G = X X^T, from X of norm at most 1. Source: Jordan et al. 2024.
    """
    a, b, c = coefficients
    x = matrices.bfloat16()
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp_min(eps)
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


class BatchedMuon(torch.optim.Muon):
    """`torch.optim.Muon` without weight decay, with Nesterov's momentum and Adam's size of steps ("match_rms_adamw").

    Its state is that of torch's, so either takes up the work of the other.
    """

    def __init__(self, matrices: list[Any]):
        super().__init__(matrices, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move the matrices by their momenta, made orthogonal."""
        for group in self.param_groups:
            alike: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for matrix in group["params"]:
                if matrix.grad is not None:
                    alike[matrix.shape].append(matrix)
            for shape, matrices in alike.items():
                gradients = [m.grad for m in matrices if m.grad is not None]
                momenta = [self._momentum(m) for m in matrices]
                torch._foreach_lerp_(momenta, gradients, 1 - group["momentum"])
                ahead = torch.stack(torch._foreach_lerp(gradients, momenta, group["momentum"]))
                moves = orthogonalised(ahead, group["ns_coefficients"], group["ns_steps"], group["eps"])
                size = 0.2 * max(shape) ** 0.5
                torch._foreach_add_(matrices, list(moves.to(ahead.dtype)), alpha=-group["lr"] * size)

    def _momentum(self, matrix: Tensor) -> Tensor:
        state = self.state[matrix]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(matrix)
        return state["momentum_buffer"]
