"""Right and wrong answers to the exercises of notebook 14."""

import math

import numpy as np
import torch


def woodbury(A, At, inverse, z, y, lam):
    b = z + lam * At(y)
    return b - lam * At(inverse(A(b)))


def by_correction(A, At, inverse, z, y, lam):
    return z - lam * At(inverse(A(z) - y))


def bound(ell):
    return 2 - ell / (1 + ell)


RIGHT = {
    "check_prox": [
        woodbury, by_correction,
        lambda A, At, inverse, z, y, lam: woodbury(A, At, inverse, z, y, lam).numpy(),
        lambda A, At, inverse, z, y, lam: At(inverse(y - A(z))).mul(lam).add(z).squeeze(),
    ],
    "check_weight": [
        lambda s, sigma, nu: (sigma / nu) ** 2 * s**2 / (s**2 + sigma**2),
        lambda s, sigma, nu: np.float64(1) / (nu**2 / s**2 * (s**2 + sigma**2) / sigma**2),
        lambda s, sigma, nu: torch.tensor(sigma**2 / (s**2 + sigma**2)) * s**2 / nu**2,
    ],
    "check_strongest": [
        lambda nu, L_f, ell: nu * math.sqrt(bound(ell) / L_f),
        lambda nu, L_f, ell: np.sqrt((2 + ell) / (1 + ell) / L_f) * nu,
        lambda nu, L_f, ell: (torch.tensor(bound(ell)).double() / L_f).sqrt() * nu,
    ],
    "check_decision": [lambda a: a, lambda a: torch.tensor([a]), lambda a: np.sqrt(a * a)],
}  # fmt: skip
WRONG = {
    "check_prox": [
        (lambda A, At, inverse, z, y, lam: z, "that is z"),
        (lambda A, At, inverse, z, y, lam: z + lam * At(inverse(A(z) - y)), "should be 0|a sign is wrong"),
        (lambda A, At, inverse, z, y, lam: z - At(inverse(A(z) - y)), "should be 0"),
        (lambda A, At, inverse, z, y, lam: z - lam * At(A(z) - y), "should be 0"),
        (lambda A, At, inverse, z, y, lam: z + lam * At(y), "should be 0"),
        (lambda A, At, inverse, z, y, lam: inverse(y), "wanted 144 numbers"),
        (lambda A, At, inverse, z, y, lam: At(y), "should be 0"),
    ],
    "check_weight": [
        (lambda s, sigma, nu: (sigma / nu) ** 2, "the limit for small sigma"),
        (lambda s, sigma, nu: sigma / nu, "posterior mean"),
        (lambda s, sigma, nu: s**2 / nu**2, "too much"),
        (lambda s, sigma, nu: nu**2 / s**2, "posterior mean"),
        (lambda s, sigma, nu: -1.0, "positive"),
        (lambda s, sigma, nu: (nu / sigma) ** 2 * s**2 / (s**2 + sigma**2), "posterior mean"),
    ],
    "check_strongest": [
        (lambda nu, L_f, ell: nu, "a stronger denoiser is"),
        (lambda nu, L_f, ell: nu * math.sqrt(2 / L_f), "the bound is"),
        (lambda nu, L_f, ell: nu * bound(ell) / L_f, "the bound is"),
        (lambda nu, L_f, ell: nu * math.sqrt(1 / L_f), "a stronger denoiser is"),
        (lambda nu, L_f, ell: 0.0, "positive"),
        (lambda nu, L_f, ell: bound(ell) / L_f, "the bound is"),
        (lambda nu, L_f, ell: "no", "got str"),
    ],
    "check_decision": [
        (lambda a: 2 * a, "goes back to"),
        (lambda a: a / 2, "moves away from"),
        (lambda a: a**2, "the average"),
        (lambda a: 0, "positive"),
        (lambda a: math.inf, "finite"),
        (lambda a: None, "got None"),
    ],
}  # fmt: skip
