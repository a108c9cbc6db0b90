"""Small exact worlds, where every theorem can be seen to hold: no approximation, no pictures."""

from pnp_course.toy.mixture import GaussianMixture, PixelMixture

__all__ = ["GaussianMixture", "PixelMixture"]
