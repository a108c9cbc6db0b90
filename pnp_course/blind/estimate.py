"""The kernel of one blurred photograph, from coarse to fine."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor

from pnp_course._checks import check_count, check_image, check_positive
from pnp_course.blind.gradients import wrapped
from pnp_course.blind.kernel_step import centred, cleaned, nonnegative_kernel, point
from pnp_course.blind.latent import few_edges
from pnp_course.images import to_channels

COARSEST, RATIO, ROUNDS = 5, 0.5**0.5, 5  # size of the kernel where it begins; ratio of sizes; rounds at each of them
FADING, LEAST = 1.1, 1e-4  # the weight of the edges falls by this factor in each round, down to this
CLIPPED = 0.5  # a picture of which more than this share is white tells no kernel


class BlindError(ValueError):
    """A picture that tells no kernel; the message is one sentence."""


def estimate_kernel(y: Tensor, size: int, *, weight: float = 4e-3, ridge: float = 2.0) -> Tensor:
    """The kernel (size, size) by which the photograph y was blurred, of sum 1 and centred.

    Args:
        y: blurred picture (1, C, H, W), intensities in [0, 1], with little noise; of a coloured one the gray picture is used.
        size: odd width of the kernel in pixels; a little more than the blur is long.
        weight: of the number of edges in the first round at each size; more of it keeps fewer edges.
        ridge: of ||k||^2; more of it makes kernels smoother.

    Returns:
        Nonnegative float32 kernel. A kernel that is one point says that no blur was found.

    Raises:
        BlindError: the picture has no contrast, or most of it is white, or it is smaller than 9 x 9.
        ValueError: y is no single picture, or the size is even, 1, or larger than a third of the picture.

    Sources: Xu, Zheng and Jia (2013), Pan, Hu, Su and Yang (2014); the steps are in `latent` and `kernel_step`.
    """
    if len(check_image(y, "y")) != 1:
        raise ValueError(f"y holds {len(y)} pictures; wanted one: each has a kernel of its own.")
    height, width = y.shape[-2:]
    most = (min(height, width) // 3 - 1) // 2 * 2 + 1
    if most < 3:
        raise BlindError(
            f"the picture is {height} x {width}, too small to tell a kernel; wanted at least 9 x 9 pixels."
        )
    if check_count(size, "size") % 2 == 0 or not 3 <= size <= most:
        raise ValueError(
            f"size is {size} for a picture of {height} x {width}; wanted an odd number from 3 to {most}, a third of the picture."
        )
    check_positive(weight, "weight")
    check_positive(ridge, "ridge")
    gray = to_channels(y, 1).detach().double()
    if float(gray.std()) < 1e-3:
        raise BlindError("the picture has no contrast, so it tells no blur: give one with edges.")
    if float((gray > 0.99).double().mean()) > CLIPPED:
        raise BlindError("most of the picture is white, so it tells no blur: give one that is less exposed.")
    kernel = None
    for scale in reversed(range(math.floor(math.log(min(COARSEST / size, 1)) / math.log(RATIO)) + 1)):
        kernel = at_scale(gray, kernel, size, RATIO**scale, weight, ridge)
    return (point(size, gray) if kernel is None else kernel).float()


def at_scale(gray: Tensor, kernel: Tensor | None, size: int, scale: float, weight: float, ridge: float) -> Tensor:
    """The kernel at one size of the pyramid, beginning with that of the size before, or with two pixels side by side."""
    small = math.ceil(size * scale) // 2 * 2 + 1
    picture = gray
    if scale < 1:
        shape = [max(round(n * scale), 2 * small) for n in gray.shape[-2:]]
        picture = F.interpolate(gray, shape, mode="bilinear", antialias=True, align_corners=False)
    y = picture[0, 0]
    if kernel is None:
        kernel = y.new_zeros(small, small)
        kernel[small // 2, small // 2 - 1 : small // 2 + 1] = 0.5
    else:
        grown = F.interpolate(kernel[None, None], (small, small), mode="bilinear", align_corners=False)[0, 0]
        kernel = grown / grown.sum()
    seen, periodic = (y.shape[0], y.shape[1]), wrapped(y, max(2 * small, 16))
    for _ in range(ROUNDS):
        x = few_edges(periodic, kernel, weight)
        kernel = cleaned(centred(cleaned(nonnegative_kernel(x, periodic, small, ridge, seen))))
        weight = max(weight / FADING, LEAST)
    return kernel
