"""How good an estimated kernel is, and what is restored with it: up to a shift, which no blurred picture tells."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from pnp_course._checks import check_image


def kernel_similarity(a: Tensor, b: Tensor) -> float:
    """The largest normalised correlation of two kernels over all shifts: 1 for equal kernels (Hu and Yang 2012)."""
    a, b = a.double(), b.double()
    h, w = (m + n for m, n in zip(a.shape, b.shape, strict=True))
    products = torch.fft.irfft2(torch.fft.rfft2(a, (h, w)) * torch.fft.rfft2(b, (h, w)).conj(), (h, w))
    return float(products.max() / (a.norm() * b.norm()))


def registered(x: Tensor, clean: Tensor) -> Tensor:
    """The part of x (B, C, H + 2 a, W + 2 b) that is nearest to `clean` (B, C, H, W), which lies in its middle.

    x is moved by up to a rows and b columns: first by whole pixels, then by halves and quarters of a pixel, with cubic
    splines, which also smooth white noise. All pictures of a batch and all channels are moved alike.

    Returns:
        (B, C, H, W).
    """
    check_image(x, "x")
    a, b = ((m - n) / 2 for m, n in zip(x.shape[-2:], check_image(clean, "clean").shape[-2:], strict=True))
    if x.shape[:2] != clean.shape[:2] or min(a, b) < 1 or a % 1 or b % 1:
        raise ValueError(
            f"x has shape {tuple(x.shape)} and clean {tuple(clean.shape)}; wanted x larger, by the same number of pixels, at "
            "least one, on opposite sides."
        )
    height, width = clean.shape[-2:]

    def error(moved: Tensor) -> float:
        return float((moved - clean).square().sum())

    def part(r: float, s: float) -> Tensor:
        return x[..., round(r) : round(r) + height, round(s) : round(s) + width]

    at = min(
        ((r, s) for r in range(round(2 * a) + 1) for s in range(round(2 * b) + 1)), key=lambda move: error(part(*move))
    )
    best, where = part(*at), (float(at[0]), float(at[1]))
    for step in (0.5, 0.25):
        middle = where
        for r in (middle[0] - step, middle[0], middle[0] + step):
            for s in (middle[1] - step, middle[1], middle[1] + step):
                moved = between(x, r, s, height, width)
                if error(moved) < error(best):
                    best, where = moved, (r, s)
    return best


def between(x: Tensor, row: float, column: float, height: int, width: int) -> Tensor:
    """The window (B, C, height, width) of x whose first pixel is at (row, column), which need not be whole numbers."""
    from scipy import ndimage

    top, left = (min(max(math.floor(v), 0), n) for v, n in ((row, x.shape[-2] - height), (column, x.shape[-1] - width)))
    rows, columns = (slice(max(v - 8, 0), v + n + 8) for v, n in ((top, height), (left, width)))
    planes = x[..., rows, columns].flatten(0, 1).cpu().double().numpy()
    moved = [ndimage.shift(plane, (top - row, left - column), order=3, mode="nearest") for plane in planes]
    r, s = min(top, 8), min(left, 8)
    out = torch.from_numpy(np.stack(moved)[:, r : r + height, s : s + width].copy())
    return out.to(x).reshape(*x.shape[:2], height, width)


def error_ratio(estimated: Tensor, known: Tensor, clean: Tensor) -> float:
    """Squared error of the restoration with the estimated kernel over that with the true one, each at its best shift.

    Args:
        estimated, known: the two restorations, both larger than `clean` (B, C, H, W), as `registered` wants them.

    Source: Levin, Weiss, Durand and Freeman (2009), "Understanding and evaluating blind deconvolution algorithms".
    """
    errors = [float((registered(x, clean) - clean).square().sum()) for x in (estimated, known)]
    return errors[0] / max(errors[1], 1e-12)
