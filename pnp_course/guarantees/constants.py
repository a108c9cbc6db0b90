"""The constants of a denoiser that theorems need; each is the worst value measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any

from pnp_course._checks import check_level, check_one_level

LEVEL_MARGIN = 1.05  # a card speaks for noise levels up to this factor beyond those it was measured at
JUMPS = "D is a gradient step on a potential with kinks: it jumps there, and no Jacobian sees that"
MEASURED = ("asymmetry", "norm", "residual", "firm", "quarter", "strict")


@dataclass(frozen=True)
class Constants:
    """What the rules need to know of a denoiser: the ends of the spectrum of S = (J + J^T) / 2, norms, how it is made.

    bottom, top: lambda_min and lambda_max of S. asymmetry: ||J - J^T||_*. norm: ||J||_*. residual: ||I - J||_*. firm:
    ||2J - I||_*. quarter: ||J/2 - I||_*. strict: ||kI + (1 - k)J||_* at `k`.
    gradient_step: D = I - grad g with g known and grad g locally Lipschitz. bregman: D is a step on such a g in Burg's
    geometry. everywhere: the constants are proved for every image, by the way D is made, and not measured at some.
    unmeasured: why nothing is known at the requested noise level, or empty.
    """

    bottom: float
    top: float
    asymmetry: float
    norm: float
    residual: float
    firm: float
    quarter: float
    strict: float
    k: float
    gradient_step: bool = False
    bregman: bool = False
    everywhere: bool = False
    unmeasured: str = ""

    @property
    def nonsense(self) -> str:
        """Why no denoiser has these constants, in words; empty if one may have them."""
        if self.bregman:  # nothing else is known of it
            return ""
        for name in ("bottom", "top", "k", *MEASURED):
            value = getattr(self, name)
            if not math.isfinite(value) or (name in MEASURED and value < 0):
                return f"{name} is {value}, where a finite number{' >= 0' * (name in MEASURED)} was wanted"
        if self.bottom > self.top:
            return f"bottom = {self.bottom:.4g} is above top = {self.top:.4g}"
        return ""

    @property
    def gamma(self) -> float:
        """Cocoercivity constant of the symmetric part, at most 1: 1 / max(top, 1)."""
        return 1 / max(self.top, 1.0)

    @property
    def delta(self) -> float:
        """How far the spectrum of the symmetric part reaches below 0: the slack that a theorem must allow."""
        return max(-self.bottom, 0.0)

    @classmethod
    def of(cls, card: dict[str, Any], sigma: float | None = None) -> Constants:
        """Read the constants from a denoiser's card (`denoiser_card(NAME)`) at noise level `sigma`, in units of intensity.

        A card holds certificates at a few levels; between two of them the worse value of each constant is taken. Where a
        card has the ends of the spectrum `for_every_image`, they are taken instead, at every level of its `sigma_range`.

        Raises:
            ValueError: the card holds no certificate, or `sigma` is missing.
        """
        if card.get("architecture") == "bregman-gradient-step":  # nothing is known of it but its potential
            unknown: dict[str, Any] = {f.name: float("nan") for f in fields(cls) if f.default is MISSING}
            words = "" if sigma is None else _refused(card, check_one_level(sigma))
            return cls(**unknown, gradient_step=True, bregman=True, unmeasured=words)
        if "for_every_image" in card and sigma is not None:
            return cls.for_card(card, _refused(card, check_one_level(sigma)))
        if "certificate" not in card:
            raise ValueError("this card holds no certificate; pass a Certificate, or the card of a Gaussian denoiser.")
        if sigma is None:
            raise ValueError(
                "a card holds certificates at several noise levels; pass sigma=..., in units of intensity."
            )
        levels = sorted(float(level) for level in card["certificate"] if level.isdigit())
        if not levels:
            raise ValueError("the certificate of this card was taken at no noise level; pass a card that names some.")
        asked = 255 * check_one_level(sigma)
        below = max((level for level in levels if level <= asked), default=levels[0])
        above = min((level for level in levels if level >= asked), default=levels[-1])
        words = _refused(card, asked / 255)
        if not levels[0] / LEVEL_MARGIN <= asked <= levels[-1] * LEVEL_MARGIN:
            words = f"the noise level {asked:.3g}/255 is outside those the card was measured at, {levels[0]:g} to {levels[-1]:g}"
        return cls.worst([card["certificate"][f"{level:g}"] for level in {below, above}], *kind(card), words)

    @classmethod
    def for_card(cls, card: dict[str, Any], unmeasured: str = "") -> Constants:
        """The constants of a card that states the ends of the spectrum `for_every_image`."""
        proved = card["for_every_image"]
        return cls.proved(proved["lambda_min"], proved["lambda_max"], unmeasured=unmeasured)

    @classmethod
    def proved(cls, bottom: float, top: float, k: float = 0.9, unmeasured: str = "") -> Constants:
        """The constants of a gradient step D whose J = J^T has its spectrum in [bottom, top] at almost every image."""

        def norm(identity: float, jacobian: float) -> float:
            return max(abs(identity + jacobian * bottom), abs(identity + jacobian * top))

        return cls(
            bottom=bottom, top=top, asymmetry=0.0, norm=norm(0, 1), residual=norm(1, -1), firm=norm(-1, 2),
            quarter=norm(-1, 0.5), strict=norm(k, 1 - k), k=k, gradient_step=True, everywhere=True, unmeasured=unmeasured,
        )  # fmt: skip

    @classmethod
    def worst(
        cls, summaries: Sequence[dict[str, Any]], gradient_step: bool, jumps: bool, unmeasured: str = ""
    ) -> Constants:
        """The worst value of each constant in one or several summaries of certificates (see `Certificate.summary`)."""
        norms = {name: max(at[f"{name}_worst"] for at in summaries) for name in MEASURED}
        return cls(
            bottom=min(at["lambda_min_worst"] for at in summaries),
            top=max(at["lambda_max_worst"] for at in summaries),
            **norms,
            k=summaries[0]["k"],
            gradient_step=gradient_step,
            unmeasured=unmeasured or (JUMPS if jumps else ""),
        )


def _refused(card: dict[str, Any], sigma: float) -> str:
    """Why the denoiser of this card refuses a noise level, in words; empty if it takes it."""
    try:
        check_level(sigma, card.get("sigma_range"))
    except ValueError as error:
        return str(error).partition(":")[0]
    return ""


def kind(card: dict[str, Any]) -> tuple[bool, bool]:
    """Is the denoiser of this card a gradient step on a smooth potential, and is it one on a potential with kinks?"""
    step, smooth = card["architecture"] in ("gradient-step", "ridge"), card["config"].get("activation") != "relu"
    return step and smooth, step and not smooth
