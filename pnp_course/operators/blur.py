"""Blur: circular convolution with a known kernel, diagonal in Fourier space."""

from __future__ import annotations

import torch
from torch import Tensor

from pnp_course._checks import check_finite, check_shape, check_weight
from pnp_course.operators.base import LinearOperator, Weight
from pnp_course.operators.kernels import check_kernel


class Blur(LinearOperator):
    """A x = k * x with a periodic boundary, the same for every channel, as in the papers' tables.

    Real photographs have no periodic boundary; `ValidBlur` is for them.

    The kernel's centre is its pixel (h // 2, w // 2), so an even kernel has one more row and column before the centre.
    Circular convolution is diagonalised by the DFT, so A^T and (I + c A^T A)^{-1} are exact and cost two FFTs.

    Args:
        kernel: (h, w), floating point, of any size that is not larger than the images.

    Raises:
        ValueError: the kernel is of another shape, empty, not finite, or (when it is used) larger than the image.

    Example:
        >>> from pnp_course.operators import kernels
        >>> A = Blur(kernels.motion(9))
        >>> x, y = torch.rand(2, 1, 1, 16, 16, dtype=torch.float64)
        >>> bool(((A(x) * y).sum() - (x * A.adjoint(y)).sum()).abs() < 1e-8)
        True
    """

    def __init__(self, kernel: Tensor):
        self.kernel = check_finite(check_kernel(kernel).to(torch.float64), "kernel")
        self._cache: dict[tuple[object, ...], Tensor] = {}

    def spectrum(self, x: Tensor) -> Tensor:
        """The kernel's half spectrum (H, W // 2 + 1) for images like `x`, computed in float64 and kept for reuse."""
        check_shape(x)
        key = (*x.shape[-2:], x.dtype, x.device)
        if key not in self._cache:
            (h, w), (height, width) = self.kernel.shape, x.shape[-2:]
            if h > height or w > width:
                raise ValueError(
                    f"the kernel is {h} x {w}, larger than the image, {height} x {width}: crop the kernel or enlarge the image."
                )
            padded = torch.zeros(height, width, dtype=torch.float64)
            padded[:h, :w] = self.kernel
            padded = padded.roll((-(h // 2), -(w // 2)), (0, 1))
            spectrum = torch.fft.rfft2(padded)
            wide = torch.complex128 if x.dtype == torch.float64 else torch.complex64
            self._cache[key] = spectrum.to(x.device, wide)
        return self._cache[key]

    def _filter(self, x: Tensor, transfer: Tensor) -> Tensor:
        return torch.fft.irfft2(torch.fft.rfft2(x) * transfer, s=x.shape[-2:])

    def __call__(self, x: Tensor) -> Tensor:
        return self._filter(x, self.spectrum(x))

    def adjoint(self, y: Tensor) -> Tensor:
        return self._filter(y, self.spectrum(y).conj())

    def solve(self, z: Tensor, c: Weight, start: Tensor | None = None) -> Tensor:
        return self._filter(z, 1 / (1 + check_weight(c, z, "c") * self.spectrum(z).abs().square()))

    def solve_data(self, s: Tensor, c: Weight, start: Tensor | None = None) -> Tensor:
        return self.solve(s, c)  # convolutions commute: A A^T = A^T A

    def norm(self, x: Tensor, tol: float = 1e-4, max_iter: int = 500) -> float:
        """||A||_* = max |k^|, exact."""
        return float(self.spectrum(x).abs().max())
