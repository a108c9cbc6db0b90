"""What a solver yields."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from torch import Tensor


class Iterate(SimpleNamespace):
    """One step of a solver: `x`, the image to show (B, C, H, W), and the algorithm's other variables by name."""

    x: Tensor

    def __init__(self, x: Tensor, **state: Any):
        super().__init__(x=x, **state)
