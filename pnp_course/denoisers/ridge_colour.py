"""A ridge denoiser for colour that begins where a gray one ends: brightness by its filters, colours by cosines.

The orthonormal change of colours T = (brightness, two differences) is a rotation, which noise does not notice and under which
a prox stays a prox. In the first coordinate, sqrt(3) times the gray picture, the gray denoiser at sigma / sqrt(3) is the
one of the filters w_i (1, 1, 1) / sqrt(3) with scales a_i(sigma / sqrt(3)) / sqrt(3). Colours are smoother than
brightness: cosines of a smaller size, a basis of the pictures of that size without the constants, are enough to start with.
The bound on ||W|| is that of the filters of all three channels together, so training may mix the coordinates again.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from pnp_course.denoisers.ridge import RidgeProx, spline
from pnp_course.denoisers.ridge_filters import bank_norm, closed_bank, cosine_bank

COLOURS = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]])
COLOURS = COLOURS / COLOURS.norm(dim=1, keepdim=True)
SPREAD = 1.7  # of the noise in a cosine's answer, in units of its profile; on photographs held out of BSD400
FILTERS = (
    3.0  # the norm of a bank at the start, as in a new denoiser: Adam's steps do not depend on the gradient's size
)


@torch.no_grad()
def colour_from_gray(gray: RidgeProx, colour: RidgeProx) -> None:
    """Overwrite the weights of `colour` with those that do to the brightness what `gray` does.

    Args:
        gray: a denoiser of n filters, n divisible by 4, of size 5 or more.
        colour: one of 2 n filters of the same size: n for brightness, n / 2 for each of the two differences.

    Raises:
        ValueError: the two do not fit.
    """
    n, size = gray.config["filters"], gray.config["size"]
    if (colour.config["filters"], colour.config["size"]) != (2 * n, size) or n % 4 or size < 5:
        raise ValueError(
            f"a gray denoiser of {n} filters of {size} pixels cannot start a colour one of {colour.config['filters']} of "
            f"{colour.config['size']}; wanted twice as many of the same size, 5 or more, and {n} divisible by 4."
        )
    levels = gray.levels
    bright, cosines = (
        f / bank_norm(closed_bank(f)) for f in (gray.filters, cosine_bank(n // 2, 1, size - 2).to(gray.filters))
    )
    spread = closed_bank(cosines)[: n // 2].flatten(1).norm(dim=1)
    scales = (SPREAD / spread).log()[:, None].expand(-1, len(levels))
    banks = [bright, *2 * [F.pad(cosines, (1, 1, 1, 1))]]
    logs = [spline(gray.log_scales, levels / math.sqrt(3), levels), scales, scales]
    banks = [bank * row[:, None, None] for bank, row in zip(banks, COLOURS.to(levels), strict=True)]
    colour.filters.copy_(FILTERS * torch.cat([half for part in (0, 1) for half in (b.chunk(2)[part] for b in banks)]))
    colour.log_scales.copy_(torch.cat([half for part in (0, 1) for half in (b.chunk(2)[part] for b in logs)]))
    for name in ("steep", "concave", "log_mu"):
        getattr(colour, name).copy_(getattr(gray, name))
