"""What a solver yields, and the warning that solvers share."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor

if TYPE_CHECKING:
    from pnp_course.fidelities import Fidelity


@dataclass(init=False, eq=False)
class Iterate:
    """One step of a solver.

    x: the image to show (B, C, H, W). denoiser_input: the image that the denoiser was last applied to, where theorems
    need its constants. objective: the value of what the solver minimises, summed over the batch, or None if it has no
    objective or does not know it. variables: those of the algorithm, by their names in its equations; each is also an
    attribute, as in `iterate.u`.
    """

    x: Tensor
    denoiser_input: Tensor
    objective: float | None
    variables: dict[str, Any]

    def __init__(self, x: Tensor, *, denoiser_input: Tensor, objective: float | None = None, **variables: Any):
        self.x, self.denoiser_input, self.objective = x, denoiser_input, objective
        self.variables = variables

    def __getattr__(self, name: str) -> Any:
        """One of the algorithm's variables."""
        variables = self.__dict__.get("variables", {})  # a copy that is being made has none yet
        if name in variables:
            return variables[name]
        has = ", ".join(["x", "denoiser_input", "objective", *variables])
        raise AttributeError(f"this iterate has no {name!r}; it has {has}.")

    def __dir__(self) -> list[str]:
        """All attributes and variables, so that the Tab key completes them."""
        return [*super().__dir__(), *self.variables]

    def __repr__(self) -> str:
        """Names and sizes, without the pixels."""
        return f"Iterate(x={tuple(self.x.shape)}, objective={self.objective}, variables: {', '.join(self.variables) or '-'})"


class StepSizeWarning(UserWarning):
    """A step size is above the bound of the solver's theorem, so the run may diverge."""


def warn_of_long_steps(fidelity: Fidelity, x: Tensor, factor: float, bound: float, what: str) -> None:
    """Warn if factor times the Lipschitz constant L_f of the fidelity's gradient is not below `bound`."""
    constant = fidelity.lipschitz(x)
    if constant == float("inf"):
        warnings.warn(
            "the gradient of this fidelity has no Lipschitz constant (Poisson): no step size has a guarantee here; "
            "a solver with a proximal step, such as coco_admm, does not need one.",
            StepSizeWarning,
            stacklevel=5,
        )
    elif factor * constant > bound * (1 + 1e-6):
        warnings.warn(
            f"{what} = {factor * constant:.4g} is above {bound:g}, the bound of the theorem, with L_f = {constant:.4g}: "
            f"take a step below {bound / constant:.4g}.",
            StepSizeWarning,
            stacklevel=5,
        )
