"""Solvers: one generator for each algorithm, and `run`, which does everything that is not the algorithm."""

from pnp_course.solvers.bregman import b_pnp, b_red
from pnp_course.solvers.coco import coco_admm, coco_drs, coco_pegd
from pnp_course.solvers.diffusion import diffpir, dps
from pnp_course.solvers.gs_pnp import gs_pnp_pgd
from pnp_course.solvers.hqs import dpir, hqs
from pnp_course.solvers.ishikawa import pnpi_fbs, pnpi_gd, pnpi_hqs
from pnp_course.solvers.iterate import Iterate, StepSizeWarning
from pnp_course.solvers.prox_pnp import alpha_pgd, prox_pnp_drs, prox_pnp_drsdiff, prox_pnp_pgd, rmmo_drs
from pnp_course.solvers.red import red, red_fixed_point, snore, snore_prox
from pnp_course.solvers.runner import DivergenceError, Result, run
from pnp_course.solvers.schedules import annealed, ladder
from pnp_course.solvers.splitting import admm, drs, fista, pgd, primal_dual

__all__ = [
    "DivergenceError",
    "Iterate",
    "Result",
    "StepSizeWarning",
    "admm",
    "alpha_pgd",
    "annealed",
    "b_pnp",
    "b_red",
    "coco_admm",
    "coco_drs",
    "coco_pegd",
    "diffpir",
    "dpir",
    "dps",
    "drs",
    "fista",
    "gs_pnp_pgd",
    "hqs",
    "ladder",
    "pgd",
    "pnpi_fbs",
    "pnpi_gd",
    "pnpi_hqs",
    "primal_dual",
    "prox_pnp_drs",
    "prox_pnp_drsdiff",
    "prox_pnp_pgd",
    "red",
    "red_fixed_point",
    "rmmo_drs",
    "run",
    "snore",
    "snore_prox",
]
