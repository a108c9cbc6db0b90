"""Right and wrong answers to the exercises of notebook 11."""

import math

import numpy as np
import torch

from pnp_course.viz.prox_pnp import largest_averaging


def root(a, ell):
    return 2 / a if ell == 0 else (ell - a + math.sqrt((a - ell) ** 2 + 8 * a * ell)) / (2 * a * ell)


def by_bisection(weight, lipschitz, ell, upper):
    low, high = 0.0, 1.0
    for _ in range(60):
        t = (low + high) / 2
        fits = t * upper < 1 and t * weight * lipschitz + t * ell / (1 + t * ell) < 2
        low, high = (t, high) if fits else (low, t)
    return high


def soft(v, lam):
    return torch.sign(v) * (v.abs() - lam).clamp_min(0)


RIGHT = {
    "check_longest_weight": [
        lambda ell, L_f: (1 + 1 / (1 + ell)) / L_f,
        lambda ell, L_f: np.float32((2 + ell) / (1 + ell)) / L_f,
        lambda ell, L_f: torch.tensor([(2 - ell / (1 + ell)) / L_f]),
    ],
    "check_largest_averaging": [
        lambda w, L_f, ell, M: min(1, 1 / M, root(w * L_f, ell)),
        by_bisection,
        lambda w, L_f, ell, M: np.minimum(1, [min(1 / M, root(w * L_f, ell))]),
        largest_averaging,
    ],
    "check_relaxation": [
        lambda w, ell: (ell / (1 + ell) + min(1, 1 / w)) / 2 if w * ell < 1 + ell else None,
        lambda w, ell: min(0.999, 0.999 / w) if w * ell / (1 + ell) < 0.99 else None,
        lambda w, ell: np.sqrt(ell / (1 + ell) * min(1, 1 / w)) if w < 1 + 1 / ell else None,
    ],
    "check_drs_factor": [
        lambda d, beta: 1 + (2 * d - 1) / (1 + beta) - d,
        lambda d, beta: torch.tensor((d - beta * (d - 1)) / (1 + beta)),
        lambda d, beta: np.float64(1 / (1 + beta) * (2 * d - 1) + (1 - d)),
    ],
    "check_prox_of_absolute_values": [
        lambda z, y, lam: y + soft(z - y, lam),
        lambda z, y, lam: torch.minimum(torch.maximum(y, z - lam), z + lam),
        lambda z, y, lam: np.clip(y.numpy(), z.numpy() - lam, z.numpy() + lam),
        lambda z, y, lam: torch.where((z - y).abs() <= lam, y, z - lam * torch.sign(z - y)).tolist(),
    ],
}
WRONG = {
    "check_longest_weight": [
        # lam L_f < 1, of the first paper
        (lambda ell, L_f: 1 / L_f, "too small"),
        # as for a convex prior
        (lambda ell, L_f: 2 / L_f, "too large"),
        # L_f forgotten
        (lambda ell, L_f: 2 - ell / (1 + ell), "too large"),
        # l in place of r
        (lambda ell, L_f: (2 - ell) / L_f, "too small"),
        # M's end in place of l's
        (lambda ell, L_f: (2 - ell / (1 - ell)) / L_f, "too small"),
        # nothing returned
        (lambda ell, L_f: None, "is there a return"),
        # a word
        (lambda ell, L_f: "1.5", "got str"),
        # a misspelt name
        (lambda ell, L_f: (2 - elll) / L_f, "raised NameError"),  # noqa: F821
        # two numbers
        (lambda ell, L_f: (1.0, 2.0), "got tuple"),
    ],
    "check_largest_averaging": [
        # no averaging
        (lambda w, L_f, ell, M: 1.0, "violates t M < 1"),
        # M forgotten
        (lambda w, L_f, ell, M: min(1, root(w * L_f, ell)), "violates t M < 1"),
        # above 1
        (lambda w, L_f, ell, M: min(1 / M, root(w * L_f, ell)), "wanted 0 < t <= 1"),
        # the safe t
        (lambda w, L_f, ell, M: min(1, 1 / M, 1 / (w * L_f)), "a larger t"),
        # r at t = 1
        (lambda w, L_f, e, M: min(1, 1 / M, (2 - e / (1 + e)) / (w * L_f)), "a larger t"),
        # the other root
        (lambda w, L_f, ell, M: -0.5, "wanted 0 < t <= 1"),
        # division by zero
        (lambda w, L_f, ell, M: 1 / (ell * 0), "raised ZeroDivisionError"),
    ],
    "check_relaxation": [
        # on the upper bound
        (lambda w, ell: 1 / w, "not below 1"),
        # on the lower bound
        (lambda w, ell: ell / (1 + ell), "not above r"),
        # never None
        (lambda w, ell: (ell / (1 + ell) + min(1, 1 / w)) / 2, "no alpha is covered"),
        # always None
        (lambda w, ell: None, "there is an alpha"),
        # l in place of r, relaxed
        (lambda w, ell: (ell + 1 / w) / 2 if ell * w < 1 else None, "there is an alpha"),
        # alpha above 1
        (lambda w, e: (e / (1 + e) + 1 / w) / 2 if w * e / (1 + e) < 1 else None, "wanted 0 < alpha < 1"),
    ],
    "check_drs_factor": [
        # the prox alone
        (lambda d, beta: 1 / (1 + beta), "the solver's is"),
        # no reflection
        (lambda d, beta: 1 + d / (1 + beta) - d, "the solver's is"),
        # the factor of PGD
        (lambda d, beta: d * (1 - beta), "the solver's is"),
        # a sign
        (lambda d, beta: (d + beta * (d - 1)) / (1 + beta), "the solver's is"),
        # NaN
        (lambda d, beta: float("nan"), "got nan"),
    ],
    "check_prox_of_absolute_values": [
        # the square fidelity
        (lambda z, y, lam: (z + lam * y) / (1 + lam), "the search finds"),
        # threshold of z
        (lambda z, y, lam: soft(z, lam), "the search finds"),
        # threshold without y
        (lambda z, y, lam: soft(z - y, lam), "the other side of y"),
        # no stop at y
        (lambda z, y, lam: z - lam * torch.sign(z - y), "the other side of y"),
        # threshold of y
        (lambda z, y, lam: z + soft(y - z, lam), "the search finds"),
        # a sum
        (lambda z, y, lam: (y + soft(z - y, lam)).sum(), "wanted 6 numbers"),
    ],
}
