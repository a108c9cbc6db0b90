"""Checks of input. A failed check says in one sentence what came, what was wanted and how to fix it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, overload

import torch
from torch import Tensor

_any_level: ContextVar[bool] = ContextVar("any_level", default=False)
_unread: ContextVar[bool] = ContextVar("unread", default=False)


def check_image(x: Any, name: str = "x", channels: int | None = None) -> Tensor:
    """Return `x` if it is a finite floating (B, C, H, W) tensor, else raise ValueError.

    The range is not checked, because noisy images and iterates may leave [0, 1].
    """
    check_shape(x, channels, name)
    return check_finite(x, name)


def check_floating(x: Any, name: str = "x") -> Tensor:
    """Return `x` if it is a tensor of real floating-point numbers of any shape, else raise ValueError."""
    if not isinstance(x, Tensor):
        raise ValueError(
            f"{name} is a {type(x).__name__}; wanted a torch tensor of floating-point numbers: "
            "use torch.as_tensor(array, dtype=torch.float32)."
        )
    if not x.dtype.is_floating_point:
        raise ValueError(
            f"{name} has dtype {x.dtype}; wanted floating point intensities in [0, 1]: for 8-bit images use x.float() / 255."
        )
    return x


def check_shape(x: Any, channels: int | None = None, name: str = "x") -> Tensor:
    """Check as `check_image` does, but not the values: this is cheap, and works inside function transforms."""
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
    check_floating(x, name)
    if channels is not None and x.shape[1] != channels:
        raise ValueError(
            f"{name} has {x.shape[1]} channel(s), wanted {channels}: "
            "use pnp_course.images.to_channels(x, n) to convert between gray and colour."
        )
    return x


def check_precision(x: Tensor, weight: Tensor, name: str = "x") -> Tensor:
    """Return `x` if it has the precision and the device of a network's `weight`, else raise ValueError.

    Under autocast any precision passes, since autocast converts.
    """
    if (x.dtype, x.device) != (weight.dtype, weight.device) and not torch.is_autocast_enabled(x.device.type):
        raise ValueError(
            f"{name} is {x.dtype} on {x.device} and the denoiser's weights are {weight.dtype} on {weight.device}; wanted "
            "the same: convert one of them, as in x.to(torch.float32) or denoiser.to(x)."
        )
    return x


def check_numbers(value: Any, name: str) -> Tensor:
    """A number, or a tensor of real numbers, as a tensor; else raise ValueError."""
    if not isinstance(value, Tensor):
        return torch.tensor(_number(value, name), dtype=torch.float64)
    if value.numel() == 0 or value.is_complex():
        raise ValueError(f"{name} is {value}; wanted a number, or a tensor of one real number per image.")
    return value


def check_level(sigma: float | Tensor, bounds: tuple[float, float] | None) -> None:
    """Raise ValueError if a noise level is outside `bounds`, between which a denoiser can be trusted; None: no bounds."""
    if bounds is None or levels_pass():
        return
    low, high = (float(f(check_numbers(sigma, "sigma"))) for f in (torch.amin, torch.amax))
    rounding = 1 + 1e-6  # a level stored in single precision
    if not bounds[0] <= low * rounding or not high <= bounds[1] * rounding:
        worst = high if high > bounds[1] else low
        raise ValueError(
            f"sigma is {worst:.4g} ({255 * worst:.4g}/255); this denoiser is good for noise levels from {bounds[0]:.4g} to "
            f"{bounds[1]:.4g} ({255 * bounds[0]:.4g}/255 to {255 * bounds[1]:.4g}/255): take a level between them, or "
            "another denoiser (the cards' sigma_range says which)."
        )


def check_one_level(sigma: Any) -> float:
    """Return a noise level that is one finite number > 0 for all images of a batch, else raise ValueError."""
    if isinstance(sigma, Tensor) and sigma.numel() != 1:
        raise ValueError(f"sigma has {sigma.numel()} values; wanted one noise level for all images of the batch.")
    return check_positive(sigma, "sigma", "a noise level in units of intensity")


def levels_pass() -> bool:
    """Is this code inside `any_level`?"""
    return _any_level.get()


@contextmanager
def any_level() -> Iterator[None]:
    """Let every noise level pass unread inside this context, in this thread: for training, and uses that are not denoising.

    To read a level that is on a GPU is to wait for the GPU.
    """
    token = _any_level.set(True)
    try:
        yield
    finally:
        _any_level.reset(token)


@contextmanager
def unread() -> Iterator[None]:
    """Let no number be read from a tensor for a check inside this context, in this thread; every noise level passes, too.

    A training does its steps in here, and looks for trouble afterwards: to read a number of a GPU is to wait for the GPU,
    and work that waits cannot be captured in a graph.
    """
    token = _unread.set(True)
    try:
        with any_level():
            yield
    finally:
        _unread.reset(token)


def is_unread() -> bool:
    """Is this code inside `unread`?"""
    return _unread.get()


def check_finite(x: Tensor, name: str = "x") -> Tensor:
    """Return `x` if it holds no NaN and no infinity, else raise ValueError with their number and the first index."""
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


@overload
def check_positive(value: float, name: str, hint: str = "") -> float: ...
@overload
def check_positive(value: Tensor, name: str, hint: str = "") -> Tensor: ...


def check_positive(value: float | Tensor, name: str, hint: str = "") -> float | Tensor:
    """Return `value`, as a float or a tensor of one value per image, if it is finite and > 0, else raise ValueError."""
    if isinstance(value, Tensor) and value.is_complex():
        raise ValueError(f"{name} has dtype {value.dtype}; wanted real numbers{': ' + hint if hint else ''}.")
    if isinstance(value, Tensor) and value.numel() > 1:
        good = torch.isfinite(value) & (value > 0)
        if not good.all():
            words = f"{float(value[~good].flatten()[0]):g} at one of its {value.numel()} places"
            raise ValueError(f"{name} is {words}; wanted finite numbers > 0{': ' + hint if hint else ''}.")
        return value
    number = _number(value, name)
    if not math.isfinite(number) or number <= 0:
        raise ValueError(f"{name} is {value}; wanted a finite number > 0{': ' + hint if hint else ''}.")
    return number


def _number(value: Any, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"{name} is {value!r}; wanted a number, or a tensor of one value per image.") from None


def check_count(value: Any, name: str, least: int = 1) -> int:
    """Return `value` as an int if it is a whole number >= `least`, else raise ValueError."""
    number = _number(value, name)
    if number != number // 1 or not least <= number < math.inf:
        raise ValueError(f"{name} is {value}; wanted a whole number >= {least}.")
    return int(number)


def per_image(value: float | Tensor, x: Tensor, name: str) -> float | Tensor:
    """Return a parameter in the form that fits images x (B, C, H, W): a float, or (B, 1, 1, 1) in the precision of x.

    Raises:
        ValueError: the value is neither a number nor a tensor of 1 or B values.
    """
    if not isinstance(value, Tensor) or value.numel() == 1:
        return _number(value, name)
    if value.is_complex():
        raise ValueError(f"{name} has dtype {value.dtype}; wanted real numbers.")
    if value.numel() != len(x):
        raise ValueError(
            f"{name} has {value.numel()} values for {len(x)} image(s); wanted one number, or one value per image."
        )
    return value.to(x).reshape(-1, *[1] * (x.ndim - 1))


def check_weight(value: float | Tensor, x: Tensor, name: str) -> float | Tensor:
    """Return a weight in the form of `per_image` if it is finite and >= 0, else raise ValueError."""
    weight = per_image(value, x, name)
    low, high = (float(f(torch.as_tensor(weight))) for f in (torch.amin, torch.amax))
    if not 0 <= low <= high < math.inf:
        raise ValueError(f"{name} is {high if low >= 0 else low:g}; wanted finite numbers >= 0.")
    return weight


def check_same_shape(x: Tensor, y: Tensor, x_name: str, y_name: str) -> None:
    """Raise ValueError unless both tensors have the same shape."""
    if x.shape != y.shape:
        raise ValueError(
            f"{x_name} has shape {tuple(x.shape)} and {y_name} has shape {tuple(y.shape)}; the shapes must be equal."
        )
