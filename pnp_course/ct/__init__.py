"""Low-dose tomography: phantoms, slices from files, simulated scans, the classical rivals, and networks trained on pairs."""

from pnp_course.ct.hounsfield import difference, from_hounsfield, to_hounsfield, window
from pnp_course.ct.phantoms import KINDS, phantom, shepp_logan
from pnp_course.ct.scan import Scan, scan
from pnp_course.ct.slices import SliceError, read_slices

__all__ = [
    "KINDS",
    "Scan",
    "SliceError",
    "difference",
    "from_hounsfield",
    "phantom",
    "read_slices",
    "scan",
    "shepp_logan",
    "to_hounsfield",
    "window",
]
