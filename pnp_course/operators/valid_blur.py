"""Blur of a scene that goes on beyond the picture: what is observed is only where the kernel's window lies inside."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from pnp_course._checks import check_shape
from pnp_course.operators.base import IterativeOperator
from pnp_course.operators.blur import Blur


class ValidBlur(IterativeOperator):
    """A x = the part of k * x that depends on no pixel outside x ("valid" convolution), the same for every channel.

    For a kernel h x w it maps images (B, C, H + h - 1, W + w - 1), the canvas, to (B, C, H, W). A real photograph is of
    this kind: its border was blurred together with what lies outside. So the scene is restored on the larger canvas,
    and the pixels around the observation are unknowns like the others (unknown boundaries: Almeida and Figueiredo 2013;
    Matakos, Ramani and Fessler 2013).

    A = S K, with the periodic blur K of the canvas and the crop S, so the adjoint is K^T S^T, exact, and S^T pads by
    zeros. `solve` and `solve_data` have no closed form and use conjugate gradients; the Poisson fidelity splits S off
    and needs only the closed form of K.

    Args:
        kernel: (h, w), as for `Blur`; its centre is its pixel (h // 2, w // 2).
        tol, max_iter: the tolerance and the largest number of conjugate gradient steps.
    """

    def __init__(self, kernel: Tensor, *, tol: float = 1e-5, max_iter: int = 200):
        self.periodic = Blur(kernel)
        super().__init__(tol, max_iter)
        h, w = self.periodic.kernel.shape
        self._margins = (w - 1 - w // 2, w // 2, h - 1 - h // 2, h // 2)  # left, right, top, bottom

    def crop(self, x: Tensor) -> Tensor:
        """The part of the canvas x that lies under the observation, (B, C, H, W)."""
        left, right, top, bottom = self._margins
        height, width = check_shape(x).shape[-2:]
        if height <= top + bottom or width <= left + right:
            raise ValueError(
                f"the image is {height} x {width} and the kernel {top + bottom + 1} x {left + right + 1}; wanted an image "
                "that is larger than the kernel: crop the kernel or enlarge the image."
            )
        return x[..., top : height - bottom, left : width - right]

    def pad(self, y: Tensor) -> Tensor:
        """S^T y: y on the canvas, with zeros around it."""
        return F.pad(check_shape(y, name="y"), self._margins)

    def canvas(self, y: Tensor) -> Tensor:
        """A first guess on the canvas: y, continued by the pixels at its border."""
        return F.pad(check_shape(y, name="y"), self._margins, mode="replicate")

    def __call__(self, x: Tensor) -> Tensor:
        return self.crop(self.periodic(x))

    def adjoint(self, y: Tensor) -> Tensor:
        return self.periodic.adjoint(self.pad(y))
