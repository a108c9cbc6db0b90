"""A course on convergent plug-and-play image restoration, and the small library behind it.

[A]: gradient-step and proximal denoisers (arXiv 2509.09793). [B]: cocoercive conservative denoisers (arXiv 2505.08909).
Images are tensors (B, C, H, W), float32 in [0, 1]; noise levels are in the same units (25/255, not 25).
"""

TYPE_CHECKING = False  # nothing is imported here: python -m pnp_course runs this file before it can handle Ctrl-C
if TYPE_CHECKING:
    from pnp_course.denoisers import available_denoisers, denoiser_card, load_denoiser
    from pnp_course.solvers import run

__version__ = "0.1.0"  # the only place; pyproject.toml reads it from here
__all__ = ["__version__", "available_denoisers", "denoiser_card", "load_denoiser", "run"]

_HOMES = {
    "available_denoisers": "denoisers",
    "denoiser_card": "denoisers",
    "load_denoiser": "denoisers",
    "run": "solvers",
}


def __getattr__(name: str) -> object:
    """Import a name or a module when it is first used, so that the command line answers before torch has been loaded."""
    from importlib import import_module
    from importlib.util import find_spec

    if name in _HOMES:
        return getattr(import_module(f"pnp_course.{_HOMES[name]}"), name)
    if not name.startswith("_") and find_spec(f"pnp_course.{name}"):
        return import_module(f"pnp_course.{name}")
    raise AttributeError(f"module 'pnp_course' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
