"""What every denoiser of the course is: a torch module D(x, sigma) -> x; and what is made out of any of them.

A solver takes the one-argument form `at_sigma(D, sigma)`, so that it knows no denoiser class.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from pnp_course._checks import check_positive, check_shape

Denoise = Callable[[Tensor], Tensor]


def sigma_per_image(sigma: float | Tensor, x: Tensor) -> Tensor:
    """Noise level as a (B, 1, 1, 1) tensor beside the images `x` (B, C, H, W).

    Args:
        sigma: a float, or a tensor of 1 or B values, in units of intensity: 25/255, never 25.

    Raises:
        ValueError: negative or not finite, another number of values than images, or a value >= 3, which can only
            have been meant on the scale 0-255.
    """
    if isinstance(sigma, Tensor):
        s = sigma.to(dtype=x.dtype, device=x.device).reshape(-1)
    else:
        s = torch.full((1,), float(sigma), dtype=x.dtype, device=x.device)
    if s.numel() not in (1, x.shape[0]):
        raise ValueError(
            f"sigma has {s.numel()} values for {x.shape[0]} image(s); wanted one float, or one value per image."
        )
    low, high = float(s.min()), float(s.max())
    if not 0 <= low <= high < 3:
        raise ValueError(
            f"sigma is {low:g}..{high:g}; wanted a noise level in units of intensity, 0 <= sigma < 3: write 25/255, not 25."
        )
    return s.expand(x.shape[0]).reshape(-1, 1, 1, 1)


def at_sigma(denoiser: Callable[[Tensor, float | Tensor], Tensor], sigma: float | Tensor) -> Denoise:
    """The map x -> D(x, sigma) at a fixed noise level: what the solvers take as `denoise`.

    Its output is checked: a denoiser that changes shape or precision is named at once (ValueError).
    """

    def denoise(x: Tensor) -> Tensor:
        out = denoiser(x, sigma)
        if out.shape != x.shape or out.dtype != x.dtype:
            raise ValueError(
                f"the denoiser made {tuple(out.shape)} {out.dtype} of {tuple(x.shape)} {x.dtype}; a solver needs the same "
                "shape and precision back: wrap the denoiser, or convert with denoiser.to(x.dtype)."
            )
        return out

    return denoise


class Wrapped(nn.Module):
    """A denoiser made of another one by linear maps: its Jacobian is of the same kind."""

    denoiser: nn.Module

    @property
    def conservative(self) -> bool:
        """J = J^T by construction."""
        return getattr(self.denoiser, "conservative", False)

    @property
    def piecewise_linear(self) -> bool:
        """ReLU is the only nonlinearity."""
        return getattr(self.denoiser, "piecewise_linear", False)


class Averaged(Wrapped):
    """D_t = t D + (1 - t) I, [B] Theorem 2.2."""

    def __init__(self, denoiser: nn.Module, t: float):
        super().__init__()
        self.denoiser, self.t = denoiser, check_averaging(t)

    def forward(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """t D(x, sigma) + (1 - t) x for x (B, C, H, W)."""
        return self.t * self.denoiser(x, sigma) + (1 - self.t) * x


def averaged(denoiser: nn.Module, t: float) -> Averaged:
    """The averaged denoiser D_t = t D + (1 - t) I, 0 < t <= 1, [B] Theorem 2.2."""
    return Averaged(denoiser, t)


def check_averaging(t: float) -> float:
    """Return t if 0 < t <= 1, else raise ValueError."""
    if check_positive(t, "t", "the weight of D in t D + (1 - t) I") > 1:
        raise ValueError(f"t is {t}; wanted 0 < t <= 1, the weight of D in t D + (1 - t) I.")
    return float(t)


class GrayFromColour(Wrapped):
    """A denoiser of gray images (B, 1, H, W) made of one of colour images: P^T D(P x, s sigma) / 3, P copies channels.

    P^T P = 3 I, so a conservative D gives a conservative one and cocoercivity keeps its constant gamma (theory of the
    course, gray-from-colour lemma). The copied noise is equal in the three channels, which in the direction (1, 1, 1)
    is as strong as independent noise of sqrt(3) sigma: hence s = sqrt(3).
    """

    def __init__(self, denoiser: nn.Module, scale: float = 3**0.5):
        super().__init__()
        self.denoiser, self.scale = denoiser, scale

    def forward(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Denoise gray images (B, 1, H, W); the colour denoiser is asked for sqrt(3) times the noise level."""
        check_shape(x, 1)
        return self.denoiser(x.expand(-1, 3, -1, -1), self.scale * sigma).mean(1, keepdim=True)


class Fast(Wrapped):
    """A denoiser evaluated in bfloat16 where that is safe (autocast), for speed on machines with bfloat16 units.

    Its error in intensity is 0.004 to 0.02 at the worst pixel (benchmarks/results/denoisers.json), larger than what
    certificates and theorems speak of: `certificate` refuses it.
    """

    def __init__(self, denoiser: nn.Module):
        super().__init__()
        self.denoiser = denoiser.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """D(x, sigma) for x (B, C, H, W), in the precision of x on the outside."""
        with torch.autocast(x.device.type, torch.bfloat16):
            return self.denoiser(x.contiguous(memory_format=torch.channels_last), sigma).to(x.dtype)
