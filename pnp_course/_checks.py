"""One-sentence complaints about bad input: what came, what was wanted, how to mend it."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor


def check_image(x: Any, name: str = "x", channels: int | None = None) -> Tensor:
    """Return `x` if it is a finite floating (B, C, H, W) tensor, else raise ValueError.

    The range is not checked: noisy images and iterates leave [0, 1] rightfully.
    """
    check_shape(x, channels, name)
    return check_finite(x, name)


def check_shape(x: Any, channels: int | None = None, name: str = "x") -> Tensor:
    """As `check_image`, without looking at the values: cheap, and possible inside function transforms."""
    if not isinstance(x, Tensor):
        raise ValueError(
            f"{name} is a {type(x).__name__}; wanted a torch tensor of shape (B, C, H, W): "
            "use torch.as_tensor(array, dtype=torch.float32)."
        )
    if x.ndim != 4:
        raise ValueError(
            f"{name} has shape {tuple(x.shape)}; wanted (B, C, H, W): add the missing axes with x[None] or x[None, None]."
        )
    if x.numel() == 0:
        raise ValueError(f"{name} has shape {tuple(x.shape)}, which holds no pixel; wanted at least one.")
    if not x.dtype.is_floating_point:
        raise ValueError(
            f"{name} has dtype {x.dtype}; wanted floating point intensities in [0, 1]: for 8-bit images use x.float() / 255."
        )
    if channels is not None and x.shape[1] != channels:
        raise ValueError(
            f"{name} has {x.shape[1]} channel(s), wanted {channels}: "
            "use pnp_course.images.to_channels(x, n) to convert between gray and colour."
        )
    return x


def check_finite(x: Tensor, name: str = "x") -> Tensor:
    """Return `x` if it holds no NaN and no infinity, else raise ValueError with their number and first place."""
    bad = ~torch.isfinite(x)
    if bad.any():
        where = tuple(int(i) for i in bad.nonzero()[0])
        raise ValueError(
            f"{name} has {int(bad.sum())} value(s) that are NaN or infinite, the first at index {where}; "
            "wanted finite numbers: replace them, for instance with torch.nan_to_num."
        )
    return x


def check_counts(y: Tensor, name: str = "y") -> Tensor:
    """Return `y` if it is finite and nonnegative, as counts divided by the peak are, else raise ValueError."""
    check_finite(y, name)
    if (y < 0).any():
        raise ValueError(
            f"{name} has negative values (smallest {float(y.min()):.4g}); Poisson counts are >= 0: "
            "clamp it, or use the Gaussian fidelity if the noise is Gaussian."
        )
    return y


def check_positive(value: float, name: str, hint: str = "") -> float:
    """Return `value` as a float if it is finite and > 0, else raise ValueError."""
    number = float(value)
    if not math.isfinite(number) or number <= 0:
        raise ValueError(f"{name} is {value}; wanted a finite number > 0{': ' + hint if hint else ''}.")
    return number


def check_same_shape(x: Tensor, y: Tensor, x_name: str, y_name: str) -> None:
    """Raise ValueError unless both tensors have the same shape."""
    if x.shape != y.shape:
        raise ValueError(
            f"{x_name} has shape {tuple(x.shape)} and {y_name} has shape {tuple(y.shape)}; they must be equal."
        )
