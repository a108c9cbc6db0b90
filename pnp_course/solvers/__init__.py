"""Solvers: one generator for each algorithm, and `run`, which owns all that is not the algorithm."""

from pnp_course.solvers.coco import coco_admm, coco_pegd
from pnp_course.solvers.hqs import dpir, hqs
from pnp_course.solvers.iterate import Iterate
from pnp_course.solvers.runner import DivergenceError, Result, run

__all__ = ["DivergenceError", "Iterate", "Result", "coco_admm", "coco_pegd", "dpir", "hqs", "run"]
