"""Denoisers: torch modules D(x, sigma) -> x on images (B, C, H, W)."""

from pnp_course.denoisers.base import Averaged, Denoise, GrayFromColour, WithPotential, at_sigma, averaged
from pnp_course.denoisers.drunet import DRUNet
from pnp_course.denoisers.gradient_step import BregmanGradientStep, GradientStep
from pnp_course.denoisers.zoo import available_denoisers, denoiser_card, load_denoiser

__all__ = [
    "Averaged",
    "BregmanGradientStep",
    "DRUNet",
    "Denoise",
    "GradientStep",
    "GrayFromColour",
    "WithPotential",
    "at_sigma",
    "available_denoisers",
    "averaged",
    "denoiser_card",
    "load_denoiser",
]
