"""Differences of periodic pictures (H, W), and the transfer functions that go with them."""

from __future__ import annotations

import torch
from torch import Tensor


def across(x: Tensor) -> Tensor:
    """x[i, j + 1] - x[i, j]."""
    return x.roll(-1, -1) - x


def down(x: Tensor) -> Tensor:
    """x[i + 1, j] - x[i, j]."""
    return x.roll(-1, -2) - x


def adjoint(h: Tensor, v: Tensor) -> Tensor:
    """The adjoint of x -> (across x, down x)."""
    return h.roll(1, -1) - h + v.roll(1, -2) - v


def laplacian_spectrum(shape: tuple[int, int], like: Tensor) -> Tensor:
    """|F across|^2 + |F down|^2 for real transforms of this shape (H, W // 2 + 1)."""
    impulse = torch.zeros(shape, dtype=like.dtype, device=like.device)
    impulse[0, 0] = 1
    return torch.fft.rfft2(across(impulse)).abs().square() + torch.fft.rfft2(down(impulse)).abs().square()


def transfer(kernel: Tensor, shape: tuple[int, int]) -> Tensor:
    """The real transform of a kernel (h, w) whose centre, its pixel (h // 2, w // 2), is moved to the origin."""
    h, w = kernel.shape
    big = kernel.new_zeros(shape)
    big[:h, :w] = kernel
    return torch.fft.rfft2(big.roll((-(h // 2), -(w // 2)), (0, 1)))


def wrapped(y: Tensor, margin: int) -> Tensor:
    """y (H, W) with `margin` rows and columns more, which lead from its last to its first ones without a jump."""
    ramp = torch.arange(1, margin + 1, dtype=y.dtype, device=y.device) / (margin + 1)
    tall = torch.cat([y, (1 - ramp)[:, None] * y[-1] + ramp[:, None] * y[0]])
    return torch.cat([tall, (1 - ramp) * tall[:, -1:] + ramp * tall[:, :1]], 1)
