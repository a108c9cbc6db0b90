"""What a solver yields, and the warning solvers share."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from torch import Tensor

if TYPE_CHECKING:
    from pnp_course.fidelities import Fidelity


class Iterate(SimpleNamespace):
    """One step of a solver: `x`, the image to show (B, C, H, W), and the algorithm's other variables by name."""

    x: Tensor

    def __init__(self, x: Tensor, **state: Any):
        super().__init__(x=x, **state)


class StepSizeWarning(UserWarning):
    """A step size is over the bound of the solver's theorem: the run may diverge."""


def warn_of_long_steps(fidelity: Fidelity, x: Tensor, factor: float, bound: float, what: str) -> None:
    """Warn if factor times the Lipschitz constant L_f of the fidelity's gradient is not below `bound`."""
    constant = fidelity.lipschitz(x)
    if constant == float("inf"):
        warnings.warn(
            "the gradient of this fidelity has no Lipschitz constant (Poisson): no step size has a guarantee here; "
            "a solver with a proximal step, such as coco_admm, does not need one.", StepSizeWarning, stacklevel=3,
        )  # fmt: skip
    elif factor * constant > bound * (1 + 1e-6):
        warnings.warn(
            f"{what} = {factor * constant:.4g} is over {bound:g}, the bound of the theorem, with L_f = {constant:.4g}: "
            f"take a step below {bound / constant:.4g}.", StepSizeWarning, stacklevel=3,
        )  # fmt: skip
