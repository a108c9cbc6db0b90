"""The constants of a denoiser that theorems ask for, each the worst value measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pnp_course.certificates import Certificate

LEVEL_MARGIN = 1.05  # a card speaks for noise levels up to this factor beyond those it was measured at
JUMPS = "D is a gradient step on a potential with kinks: it jumps there, and no Jacobian sees that"
NAMES = ("gamma", "delta", "asymmetry", "residual", "norm", "firm", "strict", "lambda_max")


@dataclass(frozen=True)
class Constants:
    """What the rules ask of a denoiser.

    gamma: cocoercivity of the symmetric part S. delta: how far its spectrum reaches below 0. bottom, top: lambda_min and
    lambda_max of S. asymmetry: ||J - J^T||_*. residual: ||I - J||_*. norm: ||J||_*. firm: ||2J - I||_*. strict:
    ||kI + (1 - k)J||_* at `k`.
    gradient_step: D = I - grad g with g known and grad g locally Lipschitz. bregman: D is a step on such a g in Burg's
    geometry. unmeasured: why nothing is known at the noise level asked for; empty if something is.
    """

    gamma: float
    delta: float
    asymmetry: float
    residual: float
    norm: float
    firm: float
    strict: float
    k: float
    top: float
    bottom: float
    gradient_step: bool = False
    bregman: bool = False
    unmeasured: str = ""

    @classmethod
    def of(cls, measured: Certificate | dict[str, Any], sigma: float | None = None) -> Constants:
        """From a certificate, or from a shipped denoiser's card (`denoiser_card(NAME)`) at noise level `sigma`.

        A card holds certificates at a few levels: between two of them the worse value of each constant counts.

        Raises:
            ValueError: a card without certificate, or without `sigma`.
        """
        if isinstance(measured, Certificate):
            return cls._from([measured.summary()], measured.gradient_step, JUMPS if measured.jumps else "")
        if measured.get("architecture") == "bregman-gradient-step":  # its potential is all that is known of it
            nan = float("nan")
            return cls(nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, gradient_step=True, bregman=True)
        if "certificate" not in measured:
            raise ValueError("this card holds no certificate; pass a Certificate, or the card of a Gaussian denoiser.")
        if sigma is None:
            raise ValueError(
                "a card holds certificates at several noise levels; pass sigma=..., in units of intensity."
            )
        levels = sorted(float(level) for level in measured["certificate"] if level.isdigit())
        asked = 255 * sigma
        below = max((level for level in levels if level <= asked), default=levels[0])
        above = min((level for level in levels if level >= asked), default=levels[-1])
        step, smooth = measured["architecture"] == "gradient-step", measured["config"].get("activation") != "relu"
        words = JUMPS if step and not smooth else ""
        if not levels[0] / LEVEL_MARGIN <= asked <= levels[-1] * LEVEL_MARGIN:
            words = f"the noise level {asked:.3g}/255 is outside those the card was measured at, {levels[0]:g} to {levels[-1]:g}"
        return cls._from([measured["certificate"][f"{level:g}"] for level in {below, above}], step and smooth, words)

    @classmethod
    def _from(cls, summaries: list[dict[str, float]], gradient_step: bool, unmeasured: str = "") -> Constants:
        worst: dict[str, Any] = {name: max(at[f"{name}_worst"] for at in summaries) for name in NAMES}
        worst["gamma"] = min(at["gamma_worst"] for at in summaries)
        top, bottom = worst.pop("lambda_max"), min(at["lambda_min_worst"] for at in summaries)
        return cls(
            **worst, k=summaries[0]["k"], top=top, bottom=bottom, gradient_step=gradient_step, unmeasured=unmeasured
        )


class Run(dict[str, float]):
    """The solver's parameters by name, with the Lipschitz constant of the fidelity's gradient."""

    def __init__(self, lipschitz: float, parameters: dict[str, float]):
        super().__init__(parameters)
        self.lipschitz = lipschitz

    def __missing__(self, name: str) -> float:
        raise ValueError(f"the rule for this solver needs the parameter {name!r}; pass {name}=...")
