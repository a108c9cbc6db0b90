"""How good an estimated kernel is, and what is restored with it: up to a shift, which no blurred picture tells."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from pnp_course._checks import check_image


def kernel_similarity(a: Tensor, b: Tensor) -> float:
    """The largest normalised correlation of two kernels over all shifts: 1 for equal kernels (Hu and Yang 2012)."""
    a, b = a.double(), b.double()
    h, w = (m + n for m, n in zip(a.shape, b.shape, strict=True))
    products = torch.fft.irfft2(torch.fft.rfft2(a, (h, w)) * torch.fft.rfft2(b, (h, w)).conj(), (h, w))
    return float(products.max() / (a.norm() * b.norm()))


def registered(x: Tensor, clean: Tensor, reach: int = 5) -> Tensor:
    """x (B, C, H, W) moved by up to `reach` whole pixels so that it is nearest to `clean` in its middle.

    Returns:
        The moved middle (B, C, H - 2 reach, W - 2 reach); compare it with the same middle of `clean`.
    """
    check_image(x, "x")
    height, width = (n - 2 * reach for n in x.shape[-2:])
    if check_image(clean, "clean").shape != x.shape or min(height, width) < 1:
        raise ValueError(
            f"x has shape {tuple(x.shape)} and clean {tuple(clean.shape)}; wanted one shape, larger than {2 * reach} pixels."
        )
    middle = F.pad(clean, [-reach] * 4)
    moves = [x[..., r : r + height, s : s + width] for r in range(2 * reach + 1) for s in range(2 * reach + 1)]
    return min(moves, key=lambda moved: float((moved - middle).square().sum()))


def error_ratio(estimated: Tensor, known: Tensor, clean: Tensor, reach: int = 5) -> float:
    """Squared error of the restoration with the estimated kernel over that with the true one, each at its best shift.

    Source: Levin, Weiss, Durand and Freeman (2009), "Understanding and evaluating blind deconvolution algorithms".
    """
    middle = F.pad(clean, [-reach] * 4)
    errors = [float((registered(x, clean, reach) - middle).square().sum()) for x in (estimated, known)]
    return errors[0] / max(errors[1], 1e-12)
