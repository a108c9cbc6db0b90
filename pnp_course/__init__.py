"""A course on convergent plug-and-play image restoration, and the small library behind it.

[A]: gradient-step and proximal denoisers (arXiv 2509.09793). [B]: cocoercive conservative denoisers (arXiv 2505.08909).
Images are tensors (B, C, H, W), float32 in [0, 1]; noise levels are in the same units (25/255, not 25).
"""

from pnp_course.denoisers import available_denoisers, denoiser_card, load_denoiser
from pnp_course.provenance import VERSION as __version__
from pnp_course.solvers import run

__all__ = ["__version__", "available_denoisers", "denoiser_card", "load_denoiser", "run"]
