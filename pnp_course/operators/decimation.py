"""Blur and decimation: the forward model of super-resolution."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from pnp_course._checks import check_count, check_shape, check_weight
from pnp_course.operators.base import LinearOperator, Weight
from pnp_course.operators.blur import Blur


class Decimation(LinearOperator):
    """A x = the pixels (0, 0), (0, s), ... of k * x: periodic blur, then every s-th row and column.

    A A^T is again a circular convolution, on the small grid: its spectrum is the mean of |k^|^2 over the s^2
    frequencies that alias onto each other. So both inverses are exact and cost a few FFTs; source: Zhao et al. 2016.

    Args:
        kernel: (h, w), as for `Blur`; it is centred on the pixel that is kept, as on the authors' grid (Zhang et al.
            2021).
        factor: s >= 1; the height and the width of the images must be multiples of it.
    """

    def __init__(self, kernel: Tensor, factor: int):
        self.blur, self.factor = Blur(kernel), check_count(factor, "factor")

    def __call__(self, x: Tensor) -> Tensor:
        self._check(x)
        return self.blur(x)[..., :: self.factor, :: self.factor]

    def adjoint(self, y: Tensor) -> Tensor:
        s = self.factor
        check_shape(y, name="y")
        wide = torch.zeros(*y.shape[:-2], y.shape[-2] * s, y.shape[-1] * s, dtype=y.dtype, device=y.device)
        wide[..., ::s, ::s] = y
        return self.blur.adjoint(wide)

    def solve_data(self, s: Tensor, c: Weight, start: Tensor | None = None) -> Tensor:
        f = self.factor
        check_shape(s, name="s")
        wide = s.new_empty(1, 1, s.shape[-2] * f, s.shape[-1] * f)
        kernel = torch.fft.irfft2(self.blur.spectrum(wide).abs().square(), s=wide.shape[-2:])
        small = torch.fft.rfft2(kernel[::f, ::f]).real  # decimation in space is the mean over aliases
        return torch.fft.irfft2(torch.fft.rfft2(s) / (1 + check_weight(c, s, "c") * small), s=s.shape[-2:])

    def _check(self, x: Tensor) -> None:
        check_shape(x)
        if x.shape[-2] % self.factor or x.shape[-1] % self.factor:
            raise ValueError(
                f"the image is {x.shape[-2]} x {x.shape[-1]}; wanted height and width multiples of {self.factor}: crop the image."
            )


def upsample(y: Tensor, factor: int) -> Tensor:
    """Bicubic enlargement of y (B, C, h, w) onto the grid of `Decimation`, a start for super-resolution.

    The centre of the s x s block of a pixel lies (s - 1) / 2 pixels from the pixel that `Decimation` keeps; bicubic
    interpolation takes the centre, so the result is shifted by that much (as the authors do).
    """
    check_shape(y, name="y")
    factor = check_count(factor, "factor")
    wide = F.interpolate(y, scale_factor=factor, mode="bicubic", align_corners=False)
    if factor == 1:
        return wide
    height, width = wide.shape[-2:]
    shift = (factor - 1) / 2
    yy, xx = torch.meshgrid(
        torch.arange(height, dtype=y.dtype, device=y.device) + shift,
        torch.arange(width, dtype=y.dtype, device=y.device) + shift,
        indexing="ij",
    )
    grid = torch.stack(((2 * xx + 1) / width - 1, (2 * yy + 1) / height - 1), dim=-1)
    return F.grid_sample(
        wide, grid.expand(len(y), -1, -1, -1), mode="bilinear", padding_mode="border", align_corners=False
    )
