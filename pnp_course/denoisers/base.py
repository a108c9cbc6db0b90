"""What every denoiser of the course is, a torch module D(x, sigma) -> x, and wrappers that work for all of them.

A solver takes the one-argument form `at_sigma(D, sigma)`, so it need not know any denoiser class.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from pnp_course._checks import check_numbers, check_positive, check_shape, levels_pass

Denoise = Callable[[Tensor], Tensor]


class DenoiseWithValue(Protocol):
    """A denoiser at a fixed noise level whose potential is known, D = I - grad g."""

    def __call__(self, x: Tensor) -> Tensor: ...  # noqa: D102
    def with_value(self, x: Tensor) -> tuple[Tensor, Tensor]: ...  # noqa: D102
    def gradient_and_value(self, x: Tensor) -> tuple[Tensor, Tensor]: ...  # noqa: D102


class GradientStepLike(Protocol):
    """A module D(x, sigma) with a potential: it has `has_potential` = True."""

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor: ...  # noqa: D102
    def denoise_and_value(self, x: Tensor, sigma: float | Tensor) -> tuple[Tensor, Tensor]: ...  # noqa: D102
    def gradient_and_value(self, x: Tensor, sigma: float | Tensor) -> tuple[Tensor, Tensor]: ...  # noqa: D102


def sigma_per_image(sigma: float | Tensor, x: Tensor) -> Tensor:
    """The noise level as a tensor (B, 1, 1, 1) that fits the images `x` (B, C, H, W).

    Args:
        sigma: a float, or a tensor of 1 or B values, in units of intensity: 25/255, never 25.

    Raises:
        ValueError: a value is negative or not finite, the number of values is not 1 or B, or a value is >= 3, which can
            only have been meant on the scale 0-255. (Inside `any_level` the values are not looked at.)
    """
    s = check_numbers(sigma, "sigma").to(dtype=x.dtype, device=x.device).reshape(-1)
    if s.numel() not in (1, x.shape[0]):
        raise ValueError(
            f"sigma has {s.numel()} values for {x.shape[0]} image(s); wanted one float, or one value per image."
        )
    low, high = (0.0, 0.0) if levels_pass() else (float(s.min()), float(s.max()))
    if not 0 <= low <= high < 3:
        raise ValueError(
            f"sigma is {low:g}..{high:g}; wanted a noise level in units of intensity, 0 <= sigma < 3: write 25/255, not 25."
        )
    return s.expand(x.shape[0]).reshape(-1, 1, 1, 1)


class AtSigma:
    """The map x -> D(x, sigma) at a fixed noise level: the one form in which a denoiser enters a solver.

    Its output is checked: a denoiser that changes the shape or the precision causes a ValueError at once.
    """

    def __init__(self, denoiser: Callable[..., Tensor], sigma: float | Tensor):
        self.denoiser, self.sigma = denoiser, sigma

    def __call__(self, x: Tensor) -> Tensor:
        """D(x, sigma) for x (B, C, H, W)."""
        return self._checked(self.denoiser(x, self.sigma), x)

    def at(self, sigma: float | Tensor) -> AtSigma:
        """The same denoiser at another noise level, for solvers that go through several."""
        return at_sigma(self.denoiser, sigma)

    @staticmethod
    def _checked(out: Tensor, x: Tensor) -> Tensor:
        if out.shape != x.shape or out.dtype != x.dtype:
            raise ValueError(
                f"the denoiser made {tuple(out.shape)} {out.dtype} of {tuple(x.shape)} {x.dtype}; a solver needs the same "
                "shape and precision back: wrap the denoiser, or convert with denoiser.to(x.dtype)."
            )
        return out


class AtSigmaWithGradient(AtSigma):
    """An `AtSigma` for a denoiser made of a known potential g, in the usual or in another geometry."""

    denoiser: GradientStepLike

    def gradient_and_value(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """grad g(x, sigma) (B, C, H, W) and g(x, sigma) (B,), from one evaluation."""
        gradient, g = self.denoiser.gradient_and_value(x, self.sigma)
        return self._checked(gradient, x), g


class AtSigmaWithValue(AtSigmaWithGradient):
    """An `AtSigma` for a gradient step D = I - grad g."""

    def with_value(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """D(x, sigma) (B, C, H, W) and g(x, sigma) (B,), from one evaluation."""
        d, g = self.denoiser.denoise_and_value(x, self.sigma)
        return self._checked(d, x), g


class WithPotential:
    """A gradient step given as a function x -> (D(x), g(x)), in the form that solvers take; for toys and closed forms.

    Args:
        pair: maps images (B, C, H, W) to D(x) of the same shape and g(x) (B,), D = I - grad g.
    """

    def __init__(self, pair: Callable[[Tensor], tuple[Tensor, Tensor]]):
        self.with_value = pair

    def __call__(self, x: Tensor) -> Tensor:
        """D(x)."""
        return self.with_value(x)[0]

    def gradient_and_value(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """grad g(x) = x - D(x) and g(x)."""
        d, g = self.with_value(x)
        return x - d, g


def at_sigma(denoiser: Callable[..., Tensor], sigma: float | Tensor) -> AtSigma:
    """Return the map x -> D(x, sigma) at a fixed noise level, which every solver takes as `denoise`.

    Where D = I - grad g with a known g (`denoiser.has_potential`), the result also has `with_value` and
    `gradient_and_value`; a Bregman gradient step, B = I - x^2 grad g, has the latter only.

    Args:
        denoiser: D(x, sigma), a module or a function.
        sigma: noise level in units of intensity, a float or a tensor of one value per image.
    """
    if getattr(denoiser, "has_potential", False):
        return AtSigmaWithValue(denoiser, sigma)
    if getattr(denoiser, "has_bregman_potential", False):
        return AtSigmaWithGradient(denoiser, sigma)
    return AtSigma(denoiser, sigma)


class Wrapped(nn.Module):
    """A denoiser made of another one by linear maps, so that its Jacobian and its potential are of the same kind."""

    denoiser: nn.Module

    @property
    def conservative(self) -> bool:
        """J = J^T by construction."""
        return getattr(self.denoiser, "conservative", False)

    @property
    def piecewise_linear(self) -> bool:
        """ReLU is the only nonlinearity."""
        return getattr(self.denoiser, "piecewise_linear", False)

    @property
    def has_potential(self) -> bool:
        """D = I - grad g with a g that can be evaluated."""
        return getattr(self.denoiser, "has_potential", False)

    @property
    def has_bregman_potential(self) -> bool:
        """B = I - x^2 grad g with a g that can be evaluated: what is linear in x is so in x^2 grad g too."""
        return getattr(self.denoiser, "has_bregman_potential", False)

    @property
    def spectrum(self) -> tuple[float, float] | None:
        """Ends between which the spectrum of J = J^T lies for every image, where that is so by construction."""
        return None

    def denoise_and_value(self, x: Tensor, sigma: float | Tensor) -> tuple[Tensor, Tensor]:
        """D(x, sigma) (B, C, H, W) and g(x, sigma) (B,), where D has a potential."""
        gradient, value = self.gradient_and_value(x, sigma)
        return x - (x.square() * gradient if self.has_bregman_potential else gradient), value

    def gradient_and_value(self, x: Tensor, sigma: float | Tensor) -> tuple[Tensor, Tensor]:
        """grad g (B, C, H, W) and g (B,); each wrapper defines its own."""
        raise NotImplementedError(f"{type(self).__name__} does not say what its potential is.")


class Averaged(Wrapped):
    """D_t = t D + (1 - t) I, [B] Theorem 2.2."""

    def __init__(self, denoiser: nn.Module, t: float):
        super().__init__()
        self.denoiser, self.t = denoiser, check_averaging(t)

    @property
    def spectrum(self) -> tuple[float, float] | None:
        """That of t J + (1 - t) I."""
        ends = getattr(self.denoiser, "spectrum", None)
        return ends and (self.t * ends[0] + 1 - self.t, self.t * ends[1] + 1 - self.t)

    def forward(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """t D(x, sigma) + (1 - t) x for x (B, C, H, W)."""
        return self.t * self.denoiser(x, sigma) + (1 - self.t) * x

    def gradient_and_value(self, x: Tensor, sigma: float | Tensor) -> tuple[Tensor, Tensor]:
        """t grad g and t g, because D_t = I - t grad g is the gradient step on t g."""
        gradient, value = _with_potential(self.denoiser).gradient_and_value(x, sigma)
        return self.t * gradient, self.t * value


def _with_potential(denoiser: Any) -> GradientStepLike:
    """Return the denoiser inside a wrapper if it has a potential, else raise ValueError."""
    if not (getattr(denoiser, "has_potential", False) or getattr(denoiser, "has_bregman_potential", False)):
        raise ValueError(
            f"{type(denoiser).__name__} has no potential g with D = I - grad g; take a gradient-step denoiser."
        )
    return denoiser


def averaged(denoiser: nn.Module, t: float) -> Averaged:
    """The averaged denoiser D_t = t D + (1 - t) I, 0 < t <= 1, [B] Theorem 2.2."""
    return Averaged(denoiser, t)


def check_averaging(t: float) -> float:
    """Return t if 0 < t <= 1, else raise ValueError."""
    if check_positive(t, "t", "the weight of D in t D + (1 - t) I") > 1:
        raise ValueError(f"t is {t}; wanted 0 < t <= 1, the weight of D in t D + (1 - t) I.")
    return float(t)


class GrayFromColour(Wrapped):
    """A denoiser of gray images (B, 1, H, W) made of one for colour: P^T D(P x, s sigma) / 3, where P copies channels.

    P^T P = 3 I, so a conservative D gives a conservative one and cocoercivity keeps its constant gamma (theory of the
    course, gray-from-colour lemma). The copied noise is equal in the three channels, which in the direction (1, 1, 1)
    is as strong as independent noise of sqrt(3) sigma: hence s = sqrt(3).
    """

    def __init__(self, denoiser: nn.Module, scale: float = 3**0.5):
        super().__init__()
        self.denoiser, self.scale = denoiser, scale

    @property
    def spectrum(self) -> tuple[float, float] | None:
        """That of J: P / sqrt(3) is an isometry, so the spectrum of P^T J P / 3 lies between the same ends."""
        return getattr(self.denoiser, "spectrum", None)

    def forward(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Denoise gray images (B, 1, H, W); the colour denoiser is asked for sqrt(3) times the noise level."""
        check_shape(x, 1)
        return self.denoiser(x.expand(-1, 3, -1, -1), self._level(sigma)).mean(1, keepdim=True)

    def _level(self, sigma: float | Tensor) -> float | Tensor:
        """What the colour denoiser is asked for."""
        return self.scale * (sigma if isinstance(sigma, Tensor) else float(check_numbers(sigma, "sigma")))

    def gradient_and_value(self, x: Tensor, sigma: float | Tensor) -> tuple[Tensor, Tensor]:
        """P^T grad g(P x) / 3 and g(P x) / 3: with D = I - grad g this is the gradient step on x -> g(P x) / 3."""
        check_shape(x, 1)
        inside = _with_potential(self.denoiser)
        gradient, value = inside.gradient_and_value(x.expand(-1, 3, -1, -1).contiguous(), self._level(sigma))
        return gradient.mean(1, keepdim=True), value / 3


class Fast(Wrapped):
    """A denoiser evaluated in bfloat16 where that is safe (autocast), for speed on machines with bfloat16 units.

    Its error in intensity is 0.004 to 0.02 at the worst pixel (benchmarks/results/denoisers.json), larger than what
    certificates and theorems speak of: `certificate` refuses it.
    """

    def __init__(self, denoiser: nn.Module):
        super().__init__()
        self.denoiser = denoiser.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """D(x, sigma) for x (B, C, H, W), returned in the precision of x."""
        with torch.autocast(x.device.type, torch.bfloat16):
            return self.denoiser(x.contiguous(memory_format=torch.channels_last), sigma).to(x.dtype)

    def gradient_and_value(self, x: Tensor, sigma: float | Tensor) -> tuple[Tensor, Tensor]:
        """grad g and g in bfloat16 where that is safe."""
        inside = _with_potential(self.denoiser)
        with torch.autocast(x.device.type, torch.bfloat16):
            gradient, value = inside.gradient_and_value(x.contiguous(memory_format=torch.channels_last), sigma)
            return gradient.to(x.dtype), value.to(x.dtype)
