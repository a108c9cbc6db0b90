"""The profiles psi_i of a ridge regulariser: linear splines as derivatives, with curvature between -rho and mu.

psi_i(t) = P(a_i t) / a_i^2 with scales a_i(sigma), so that psi_i''(t) = P''(a_i t) has the same bounds for every scale. P' is
the odd piecewise linear function with slope s_j between the knots tau_{j-1} and tau_j, constant beyond the last one. Source:
Goujon, Neumayer, Unser 2024, section 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

CHUNK = 1 << 16  # numbers treated at a time: they stay in the cache of a core


def slopes(steep: Tensor, concave: Tensor, mu: Tensor, rho: float, knots: Tensor) -> Tensor:
    """The slopes (B, J) of P' between the knots (J,), from any real parameters (J,), with -rho <= slope <= mu (B,).

    slope_j = mu sigmoid(steep_j) - rho sigmoid(concave_j), raised where P' would become negative before the next knot:
    so P is nondecreasing on t > 0 and P >= 0. A raised slope is still <= 0 and >= -rho.
    """
    wanted = mu[:, None] * steep.sigmoid() - rho * concave.sigmoid()
    widths = torch.diff(knots, prepend=knots.new_zeros(1))
    value, out = torch.zeros_like(mu), []
    for j in range(len(knots)):
        slope = torch.maximum(wanted[:, j], -value / widths[j])
        value = (value + slope * widths[j]).clamp_min(0)  # 0 up to rounding where the slope was raised
        out.append(slope)
    return torch.stack(out, 1)


class Profile:
    """psi_i, its derivative and its second derivative at numbers z (B, n, H, W), image by image and filter by filter.

    P' is a sum of ramps, P'(t) = sum_j c_j clamp(t, -tau_j, tau_j), c_j = s_j - s_{j+1}.

    Args:
        scales: a_i, (B, n), positive.
        slope: s_j, (B, J).
        knots: tau_j, (J,), increasing and positive.
    """

    def __init__(self, scales: Tensor, slope: Tensor, knots: Tensor):
        self.scales, self.knots = scales[:, :, None, None], knots
        self.levels = [float(k) for k in knots]
        self.slope = slope
        self.ramps = slope - torch.cat((slope[:, 1:], slope.new_zeros(len(slope), 1)), 1)

    def __getitem__(self, index: Tensor) -> Profile:
        """The profile of some of the images."""
        return Profile(self.scales[index, :, 0, 0], self.slope[index], self.knots)

    def derivative(self, z: Tensor) -> Tensor:
        """psi_i'(z); differentiable once in z and in the parameters."""
        return _Derivative.apply(z, self.scales, self.ramps, self.knots)  # type: ignore[no-untyped-call,no-any-return]

    @torch.no_grad()
    def replace_by_derivative(self, z: Tensor) -> Tensor:
        """psi_i'(z), written over z: the same without a graph, block by block.

        From the last knot to the first a number is clamped in place, since clamps of wider bounds change nothing of it
        afterwards: so a block and its sum are all that a core's cache has to hold.
        """
        for ramps, block, scale in self._blocks(z):
            t = block.mul_(scale).clamp(-self.levels[-1], self.levels[-1])
            torch.mul(t, ramps[-1], out=block)
            for level, ramp in zip(self.levels[-2::-1], ramps[-2::-1], strict=True):
                block.add_(t.clamp_(-level, level), alpha=ramp)
            block.div_(scale)
        return z

    @torch.no_grad()
    def curvature(self, z: Tensor) -> Tensor:
        """psi_i''(z); at a knot, that on its inner side."""
        out = z.abs()
        for ramps, block, scale in self._blocks(out):
            t = block.mul_(scale).clone()
            inside = torch.empty_like(t)
            block.zero_()
            for level, ramp in zip(self.levels, ramps, strict=True):
                block.add_(torch.le(t, level, out=inside), alpha=ramp)
        return out

    def near(self, z: Tensor) -> Tensor:
        """z where psi_i is not yet linear, |z| at most the last knot, and 0 beyond: what is more likely noise than detail."""
        return z * ((z * self.scales).abs() <= self.levels[-1])

    def _blocks(self, z: Tensor) -> Iterator[tuple[list[float], Tensor, Tensor]]:
        """Views of a few filters of one image, CHUNK numbers or one filter, with their ramps and scales."""
        step = max(1, CHUNK // max(1, z[0, 0].numel()))
        for b, ramps in enumerate(self.ramps.tolist()):
            for block, scale in zip(z[b].split(step), self.scales[b].split(step), strict=True):
                yield ramps, block, scale

    def value(self, z: Tensor) -> Tensor:
        """The sum of psi_i(z) over filters and pixels, (B,)."""
        t, out = (z * self.scales).abs(), torch.zeros_like(z)
        for j, level in enumerate(self.levels):
            inside = t.clamp_max(level)  # the integral of a ramp is m (t - m / 2) with m = min(t, level)
            out = out + self.ramps[:, j, None, None, None] * inside * (t - inside / 2)
        return (out / self.scales.square()).flatten(1).sum(1)


class _Derivative(torch.autograd.Function):
    """psi' with derivatives block by block; a graph of its ramps would hold, and read, a copy of z for each knot."""

    @staticmethod
    def forward(z: Tensor, scales: Tensor, ramps: Tensor, knots: Tensor) -> Tensor:
        return Profile(scales[:, :, 0, 0], _slopes_of(ramps), knots).replace_by_derivative(z.clone())

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        z, scales, ramps, knots = inputs
        ctx.save_for_backward(z, output, scales, ramps, knots)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (grad,) = grads
        z, out, scales, ramps, knots = ctx.saved_tensors
        profile = Profile(scales[:, :, 0, 0], _slopes_of(ramps), knots)
        to_z = profile.curvature(z).mul_(grad)
        pull = (to_z * z - out * grad).sum((-2, -1), keepdim=True) / scales  # of psi'(z) = P'(a z) / a in a
        weighted, sums = grad / scales, []
        for b, t in enumerate(z * scales):
            shares = [torch.dot(t.clamp(-level, level).flatten(), weighted[b].flatten()) for level in profile.levels]
            sums.append(torch.stack(shares))
        return to_z, pull, torch.stack(sums), None


def _slopes_of(ramps: Tensor) -> Tensor:
    """The slopes (B, J) whose differences are the ramps."""
    return ramps.flip(1).cumsum(1).flip(1)
