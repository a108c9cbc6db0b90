"""Blind deblurring: the blur kernel is estimated from the blurred photograph itself, coarse to fine.

On a pyramid of pictures two steps alternate: a sharp picture with few edges for the present kernel (`latent`), and the
kernel that takes its gradients to those of the photograph (`kernel_step`). The photograph is then restored by any
non-blind method. `measures` says how good a kernel is.
"""

from pnp_course.blind.coordinate_network import restore_by_coordinates
from pnp_course.blind.estimate import BlindError, estimate_kernel
from pnp_course.blind.measures import error_ratio, kernel_similarity, registered

__all__ = [
    "BlindError",
    "error_ratio",
    "estimate_kernel",
    "kernel_similarity",
    "registered",
    "restore_by_coordinates",
]
