"""How noisy a picture is, estimated from the picture alone."""

from pnp_course.noise_level.mean_variance import CameraNoise, camera_noise
from pnp_course.noise_level.patches import patch_sigma
from pnp_course.noise_level.wavelet import wavelet_sigma

__all__ = ["CameraNoise", "camera_noise", "patch_sigma", "wavelet_sigma"]
