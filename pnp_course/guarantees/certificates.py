"""What a denoiser satisfies at given patches: the ends of its spectrum, its norms, and the theorems that then hold.

Power iteration on 2 gamma J - I alone is misleading: most eigenvalues of a denoiser's Jacobian lie near 0, so that this
operator has a cluster near -1, and a few iterations see only the cluster. Here the two ends of the symmetric part S =
(J + J^T) / 2 and every norm come from Lanczos runs, which resolve the ends first.

A certificate speaks of the points where it was taken, not of all images. It is different for a denoiser that has its
constants by construction (`denoiser.spectrum`): the certificate keeps what was measured, and its conclusions come from what
is proved for every image.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import torch
from torch import Tensor, nn

from pnp_course._checks import check_image
from pnp_course.denoisers.base import Fast
from pnp_course.denoisers.gradient_step import GradientStep
from pnp_course.denoisers.ridge import RidgeProx
from pnp_course.devices import full_float32
from pnp_course.guarantees.conclusions import averaging, theorems
from pnp_course.guarantees.constants import JUMPS, MEASURED, Constants, kind
from pnp_course.jacobian import (
    Linearized,
    affine,
    antisymmetry,
    lanczos,
    linearize,
    operator_norm,
    power_iteration,
    strict_pseudo_contraction,
    symmetric_part,
)

ROUNDING_ITERATIONS = 4  # enough to see the rounding error that is left of J - J^T

NORMS = {  # name: ((of I, of J) in the map whose norm is measured)
    "norm": (0, 1),  # ||J||: nonexpansive
    "residual": (1, -1),  # ||I - J||: residual nonexpansive, gamma = 1/2
    "firm": (-1, 2),  # ||2J - I||: firmly nonexpansive, gamma = 1
    "quarter": (-1, 0.5),  # ||J/2 - I||: gamma = 1/4
}


@dataclass(frozen=True)
class Certificate:
    """The constants of a denoiser at B patches, each (B,), as `certificate` measures them.

    lambda_min, lambda_max: ends of the spectrum of S = (J + J^T) / 2.
    asymmetry: ||J - J^T||_*. norm: ||J||_*. residual: ||I - J||_*. firm: ||2J - I||_*. quarter: ||J/2 - I||_*.
    strict: ||kI + (1 - k)J||_* with `k`.
    evaluations: network evaluations spent on each patch (a product with J or J^T counts as one).
    gradient_step: D = I - grad g by construction, g known and smooth.
    jumps: D = I - grad g with kinks in g, where D jumps. The Jacobian exists almost everywhere and does not show the
        jumps (with N linear around x it is I - (I - J_N)^T (I - J_N), never above I), so no theorem follows from it.
    proved: the ends of the spectrum of J = J^T for every image, where D has them by construction; the conclusions are then
        drawn from them.
    """

    lambda_min: Tensor
    lambda_max: Tensor
    asymmetry: Tensor
    norm: Tensor
    residual: Tensor
    firm: Tensor
    quarter: Tensor
    strict: Tensor
    k: float
    evaluations: int
    gradient_step: bool
    jumps: bool
    proved: tuple[float, float] | None = None

    @property
    def gamma(self) -> Tensor:
        """Cocoercivity constant of the symmetric part at each patch: 1 / max(lambda_max, 1)."""
        return 1 / self.lambda_max.clamp_min(1)

    @property
    def delta(self) -> Tensor:
        """How far the spectrum of the symmetric part is below 0 at each patch: the slack that a theorem must allow."""
        return (-self.lambda_min).clamp_min(0)

    @property
    def constants(self) -> Constants:
        """The worst value of each constant, or what is proved of it, in the form that the rules use."""
        if self.proved:
            return Constants.proved(*self.proved, k=self.k)
        worst: dict[str, Any] = {name: float(getattr(self, name).max()) for name in MEASURED}
        return Constants(
            bottom=float(self.lambda_min.min()),
            top=float(self.lambda_max.max()),
            **worst,
            k=self.k,
            gradient_step=self.gradient_step,
            unmeasured=JUMPS if self.jumps else "",
        )

    @property
    def largest_averaging(self) -> float:
        """The bound on t below which CoCo-ADMM converges, for the worst ends measured, as if the asymmetry were 0."""
        return averaging(self.constants)

    def theorems(self, t: float | None = None) -> dict[str, bool]:
        """Which hypotheses hold at every patch measured, by name; `t` is the averaging of the CoCo solvers."""
        return theorems(self.constants, t)

    def summary(self) -> dict[str, float]:
        """Mean, standard deviation and worst value of each constant to five digits; the worst is never rounded better."""
        out: dict[str, float] = {}
        for name in ("lambda_min", "lambda_max", "gamma", "delta", *MEASURED):
            values = getattr(self, name).double()
            worst = values.min() if name in ("lambda_min", "gamma") else values.max()
            spread = values.std() if len(values) > 1 else torch.zeros(())
            out |= {f"{name}_mean": float(values.mean()), f"{name}_std": float(spread), f"{name}_worst": float(worst)}
        return {key: _rounded(value, _direction(key)) for key, value in out.items()} | {"k": self.k}

    def for_card(self) -> dict[str, Any]:
        """The part of a card for one noise level: the summary, what follows from it, and what it cost."""
        measured = self.summary()
        known = self.constants if self.proved else Constants.worst([measured], self.gradient_step, self.jumps)
        return measured | concluded(known) | {"evaluations": self.evaluations}


def concluded(c: Constants) -> dict[str, Any]:
    """The conclusions on a card, drawn from its constants: the rounded ones, which are all that its reader has."""
    return {"largest_averaging": _rounded(averaging(c), -1), "theorems": theorems(c)}


def conclusions_renewed(card: dict[str, Any]) -> dict[str, Any]:
    """The part `certificate` of a card, if it has one, with its conclusions computed again from its constants."""
    if "certificate" not in card:
        return {}
    renewed = dict(card["certificate"])
    for level in filter(str.isdigit, renewed):
        at = renewed[level]
        known = Constants.for_card(card) if "for_every_image" in card else Constants.worst([at], *kind(card))
        renewed[level] = at | concluded(known)
    return {"certificate": renewed}


def _direction(key: str) -> int:
    """The direction in which a value is rounded so that a bound does not become better: 1 up, -1 down, 0 nearest."""
    if key in ("lambda_min_worst", "gamma_worst"):
        return -1
    return 1 if key.endswith("_worst") else 0


def _rounded(value: float, direction: int) -> float:
    """Round to five significant digits, in a direction."""
    nearest = Decimal(f"{value:.4e}")
    if direction * (float(nearest) - value) < 0:
        nearest += direction * Decimal((0, (1,), nearest.as_tuple().exponent))  # type: ignore[arg-type]
    return float(nearest)


@full_float32()
def certificate(
    denoiser: nn.Module, patches: Tensor, sigma: float, *, k: float = 0.9, iterations: int = 30, batch: int = 16
) -> Certificate:
    """Measure the certificate of D(., sigma) at noisy `patches` (B, C, H, W), in full float32 or float64, on their device.

    Args:
        denoiser: a module D(x, sigma). Where it is conservative by construction (`denoiser.conservative`) the norms are
            read off the ends of the spectrum; its asymmetry is measured as well, J v against J^T v.
        patches: where the denoiser is linearised; they must already contain the noise.
        sigma: noise level in units of intensity.
        k: the constant of the strict pseudo-contraction to report.
        iterations: Lanczos iterations for the spectrum; each norm takes half as many, of two products each.
        batch: how many patches are linearised at once; each takes the memory of `iterations` vectors.

    Cost: about 12 `iterations` network evaluations for each patch, 4 where J = J^T by construction.
    """
    check_image(patches)
    if patches.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"patches are {patches.dtype}; certificates are taken in float32 or float64: patches.float().")
    if any(isinstance(m, Fast) for m in denoiser.modules()):
        raise ValueError(
            "the denoiser is in bfloat16 (fast=True); load it without: certificates need float32 or float64."
        )
    parts = [_measure(denoiser, x, sigma, k, iterations) for x in patches.split(batch)]
    joined = {name: torch.cat([p[0][name] for p in parts]).cpu() for name in parts[0][0]}
    steps = [m for m in denoiser.modules() if isinstance(m, GradientStep | RidgeProx)]  # a wrapped one too
    jumps = not all(step.smooth for step in steps)
    plain = all(bool(getattr(denoiser, name, False)) for name in ("conservative", "has_potential"))  # D = I - grad g
    known = bool(steps) and plain and not jumps
    proved = getattr(denoiser, "spectrum", None)
    return Certificate(**joined, k=k, evaluations=parts[0][1], gradient_step=known, jumps=jumps, proved=proved)


def _measure(denoiser: nn.Module, x: Tensor, sigma: float, k: float, iterations: int) -> tuple[dict[str, Tensor], int]:
    lin = linearize(denoiser, x, sigma)
    start = torch.randn(x.shape, generator=torch.Generator().manual_seed(0), dtype=x.dtype).to(x.device)
    ends = lanczos(symmetric_part(lin).apply, start, iterations)
    out = {"lambda_min": ends.low, "lambda_max": ends.high}
    maps = {name: affine(lin, *coefficients) for name, coefficients in NORMS.items()}
    maps["strict"] = strict_pseudo_contraction(lin, k)
    if lin.symmetric:  # every norm is read off the two ends
        both = Linearized(lambda z: denoiser(z, sigma), x)  # J v and J^T v by different routes
        out["asymmetry"] = power_iteration(antisymmetry(both), start, ROUNDING_ITERATIONS).norm
        for name, (identity, jacobian) in (NORMS | {"strict": (k, 1 - k)}).items():
            out[name] = torch.maximum((identity + jacobian * ends.low).abs(), (identity + jacobian * ends.high).abs())
        return out, iterations + 2 * ROUNDING_ITERATIONS
    half = max(1, iterations // 2)
    out["asymmetry"] = operator_norm(antisymmetry(lin), start, half)
    out |= {name: operator_norm(m, start, half) for name, m in maps.items()}
    return out, 2 * iterations + 4 * half + 2 * half * len(maps)
