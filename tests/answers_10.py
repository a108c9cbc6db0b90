"""Right and wrong answers to the exercises of notebook 10."""

import math

import numpy as np
import torch

RIGHT = {
    "check_translation": [
        lambda a, t: (1 / a, t * a),
        lambda a, t: np.array([1 / a, t / (1 / a)]),
        lambda a, t: torch.tensor([1 / a, a * t], dtype=torch.float64),
        lambda a, t: torch.tensor([1 / a, a * t]),  # single precision
        lambda lam_a, tau_a: [1.0 / lam_a, tau_a * lam_a],
    ],
    "check_iterations": [
        lambda gap, tau, c, eps: math.ceil(tau * gap / (c * eps**2)),
        lambda gap, tau, c, eps: float(np.ceil(tau * gap / c / eps**2)),
        lambda gap, tau, c, eps: torch.ceil(torch.tensor(tau * gap / (c * eps**2), dtype=torch.float64)),
    ],
    "check_desingularising": [
        lambda s, p: s ** (1 / p),
        lambda s, p: 3 * s ** (1 / p),
        lambda s, p: np.power(s, 1 / p),
        lambda s, p: torch.exp(torch.log(s) / p),
        lambda s, p: s ** (1 / p) + s,
        lambda s, p: s ** (1 / (2 * p)),
        lambda s, p: 10 * s ** (1 / (2 * p)),
    ],
    "check_radius": [
        lambda q, e, energy: (e + (2 * energy) ** 0.5) / (1 - q),
        lambda q, e, energy: np.array([(e + np.sqrt(2 * energy)) / (1 - q)]),
        lambda q, e, energy: (e + torch.sqrt(2 * energy)) / (1 - q),
        lambda q, e, energy: torch.tensor((e + math.sqrt(2 * energy)) / (1 - q)),
    ],
    "check_factor": [
        lambda c: 2 * c - 1,
        lambda c: 1 - 2 * (1 - c),
        lambda c: torch.tensor(2 * c - 1, dtype=torch.float64),
    ],
}
WRONG = {
    "check_translation": [
        (lambda a, t: (1 / a**2, t * a), "the weight in the prox differs"),
        (lambda a, t: (a, t), "the weight in the prox and the factor of grad g differs"),
        (lambda a, t: (1 / a, t), "the factor of grad g differs"),
        (lambda a, t: (1 / a, t / a), "the factor of grad g differs"),
        (lambda a, t: (a, t * a), "the weight in the prox differs"),
        (lambda a, t: (t * a, 1 / a), "the factor of grad g differs"),
        (lambda a, t: 1 / a, "return 2 numbers, lam and step"),
        (lambda a, t: (1 / a, -t), "are positive"),
        (lambda a, t: None, "return 2 numbers"),
        (lambda a, t: (1 / a, t * a, 1), "got 3"),
        (lambda a, t: ("lam", "step"), "got str"),
    ],
    "check_iterations": [
        (lambda gap, tau, c, eps: 10**6, "fewer than"),
        (lambda gap, tau, c, eps: 1, "the bound is still"),
        (lambda gap, tau, c, eps: 0, "the bound is still"),
        (lambda gap, tau, c, eps: tau * gap / (c * eps**2), "no whole number"),
        (lambda gap, tau, c, eps: math.floor(tau * gap / (c * eps**2)), "the bound is still"),
        (lambda gap, tau, c, eps: math.ceil(tau * gap / (c * eps**2)) + 1, "fewer than K = 282"),
        (lambda gap, tau, c, eps: math.ceil(tau * gap / (c * eps)), "the bound is still"),
        (lambda gap, tau, c, eps: math.ceil(gap / (c * eps**2)), "the bound is still"),
        (lambda gap, tau, c, eps: math.ceil(gap / (tau * c * eps**2)), "the bound is still"),
        (lambda gap, tau, c, eps: math.ceil(c * tau * gap / eps**2), "the bound is still"),
        (lambda gap, tau, c, eps: float("inf"), "finite"),
        (lambda gap, tau, c, eps: None, "is there a return"),
    ],
    "check_desingularising": [
        (lambda s, p: s, "falls to"),
        (lambda s, p: s**0.5, "for p = 3"),
        (lambda s, p: 10 * s ** (1 / 8), "for p = 20"),  # good up to p = 8
        (lambda s, p: s ** (1 - 1 / p), "for p = 3"),
        (lambda s, p: 0.5 * s ** (1 / p), "falls to 0.5"),
        (lambda s, p: s ** (1 / p) + 1, "tend to 0"),
        (lambda s, p: s ** (1 / (p + 1)) * 0, "must increase"),
        (lambda s, p: -(s ** (1 / p)), "must increase"),
        (lambda s, p: s**p, "not concave"),
        (lambda s, p: p * s, "falls to"),
        (lambda s, p: "root", "got str"),
        (lambda s: s, "raised TypeError"),
    ],
    "check_radius": [
        (lambda q, e, energy: (2 * energy) ** 0.5 / (1 - q), "it is allowed"),
        (lambda q, e, energy: e + (2 * energy) ** 0.5 / (1 - q), "it is allowed"),
        (lambda q, e, energy: (e + energy**0.5) / (1 - q), "it is allowed"),
        (lambda q, e, energy: (e + 2 * energy) / (1 - q), "can be lowered"),
        (lambda q, e, energy: (e + (2 * energy) ** 0.5) / q, "can be lowered"),
        (lambda q, e, energy: (e + (2 * energy) ** 0.5) / (1 - q) + 1, "can be lowered"),
        (lambda q, e, energy: 1e9, "can be lowered"),
        (lambda q, e, energy: 1 / 0, "raised ZeroDivisionError"),
        (lambda q, e, energy: torch.zeros(2), "got Tensor of shape"),
    ],
    "check_factor": [
        (lambda c: 1 - 2 * c, "Mind the sign"),
        (lambda c: 1 - c, "another factor"),
        (lambda c: c - 1, "another factor"),
        (lambda c: 2 * (1 - c), "another factor"),
        (lambda c: 2 * c, "another factor"),
        (lambda c: 0.0, "another factor"),
        (lambda c: c.nothing, "raised AttributeError"),
        (lambda c: "half", "got str"),
    ],
}
