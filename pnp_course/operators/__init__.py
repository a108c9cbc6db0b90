"""Degradations: linear operators with exact adjoints, and blur kernels."""

from pnp_course.operators import kernels
from pnp_course.operators.base import Identity, LinearOperator, conjugate_gradient
from pnp_course.operators.bayer import Bayer, bayer_mask
from pnp_course.operators.blur import Blur
from pnp_course.operators.decimation import Decimation, upsample
from pnp_course.operators.fan_beam import FanBeam
from pnp_course.operators.mask import Mask, random_mask
from pnp_course.operators.radon import Radon
from pnp_course.operators.valid_blur import ValidBlur

__all__ = [
    "Bayer",
    "Blur",
    "Decimation",
    "FanBeam",
    "Identity",
    "LinearOperator",
    "Mask",
    "Radon",
    "ValidBlur",
    "bayer_mask",
    "conjugate_gradient",
    "kernels",
    "random_mask",
    "upsample",
]
