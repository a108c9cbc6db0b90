"""CoCo-ADMM, CoCo-PEGD and RED. They ask the same of the denoiser: J symmetric, with spectrum in [-delta, 1/gamma]."""

from __future__ import annotations

import math

from pnp_course.guarantees.bounds import largest_averaging, pegd_step_bound
from pnp_course.guarantees.conditions import ANY, Check, Parameters, Rule, bare, below, invertible, symmetric
from pnp_course.guarantees.constants import Constants
from pnp_course.solvers.red import default_step

COCO = "J = J^T, spectrum in [-delta, 1/gamma]"


def _admm(c: Constants, p: Parameters) -> list[Check]:
    words = f"= t_1(gamma = {c.gamma:.3g}, delta = {c.delta:.2g})"
    return [symmetric(c), below(p["t"], largest_averaging(c.gamma, c.delta), "t", words)]


def _pegd(c: Constants, p: Parameters) -> list[Check]:
    return [
        symmetric(c),
        invertible(c, p["t"]),
        below(p["step"], pegd_step_bound(c.gamma, p["t"]), "step", "= 2 - r(t)"),
    ]


def _red(c: Constants, p: Parameters) -> list[Check]:
    lipschitz = p.lipschitz
    chosen = p.values["step"] is None  # by the solver
    step, words = (default_step(p["lam"], lipschitz), "with step = 1 / (lam L_f + 1)") if chosen else (p["step"], "")
    bound = step * (p["lam"] * lipschitz + 1 + c.delta) if math.isfinite(lipschitz) else math.inf
    return [symmetric(c), below(bound, 2.0, "step (lam L_f + 1 + delta)", words)]


def _red_fixed_point(c: Constants, p: Parameters) -> list[Check]:
    return [symmetric(c), below(c.delta, 1.0, "delta")]


RULES = [
    Rule("coco_admm", "[B] Theorem 4.1, sharpened: the condition of Themelis and Patrinos 2020", COCO, ANY,
         "t < t_1 = min(gamma / (1 - gamma), 1 / (2 (1 + delta))); at gamma = 1: t (1 + delta) < 1",
         "the Lagrangian (65) decreases from k = 1 on (at gamma = 1 while t (1 + delta) < 1/2); if u_k stays bounded, as "
         "it does for F + lam G coercive, (u_k, v_k) converges to a stationary point of F + lam G", _admm),
    Rule("coco_pegd", "[B] Theorem 4.4", COCO, ANY, "step < 2 - r(t), t (1 + delta) < 1",
         "F + step e decreases, e the Moreau envelope of lam G; if u_k stays bounded, it converges to a stationary point "
         "of that sum", _pegd),
    bare("coco_drs", "Theorem 4.1 is about the other order, denoiser first (coco_admm). The fixed points are the same."),
    Rule("red", "gradient descent on lam G + g, D = I - grad g", COCO, "L_f-Lipschitz gradient",
         "step (lam L_f + 1 + delta) < 2", "lam G + g decreases, limit points are critical", _red, proximal=False),
    Rule("red_fixed_point", "proximal gradient descent on lam G + g, D = I - grad g", COCO + ", delta < 1", ANY,
         "any lam", "lam G + g decreases; if x_k stays bounded, it converges to a critical point", _red_fixed_point),
]  # fmt: skip
