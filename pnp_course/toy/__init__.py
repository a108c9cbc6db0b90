"""Small exact worlds in which every theorem can be seen to hold, without approximation and without pictures."""

from pnp_course.toy.mixture import GaussianMixture, PixelMixture

__all__ = ["GaussianMixture", "PixelMixture"]
