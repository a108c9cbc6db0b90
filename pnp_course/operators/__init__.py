"""Degradations: linear operators with exact adjoints, and blur kernels."""

from pnp_course.operators import kernels
from pnp_course.operators.base import Identity, LinearOperator
from pnp_course.operators.blur import Blur

__all__ = ["Blur", "Identity", "LinearOperator", "kernels"]
