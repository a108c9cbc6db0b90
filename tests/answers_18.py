"""Right and wrong answers to the exercises of notebook 18."""

import math

import numpy as np
import torch


def integral(counts, photons, kappa):
    return math.log(photons / counts) / kappa, 1 / (kappa**2 * counts)


def fbp(ramp, adjoint, y):
    return adjoint(ramp(y)) * math.pi / y.shape[2]


def derivatives(l, y, kappa):
    e = math.exp(-kappa * l)
    return kappa * (y - e), kappa**2 * e


def newton(slope, curvature, a, z, lam, steps):
    v = z
    for _ in range(steps):
        v = v - (v - z + lam * a * slope(a * v)) / (1 + lam * a * a * curvature(a * v))
    return v


RIGHT = {
    "check_line_integral": [
        integral,
        lambda n, i, k: np.array(integral(n, i, k)),
        lambda n, i, k: torch.tensor(integral(n, i, k), dtype=torch.float64),
        lambda n, i, k: [-np.log(n / i) / k, k**-2 / n],
    ],
    "check_fbp": [
        fbp,
        lambda ramp, adjoint, y: fbp(ramp, adjoint, y).numpy(),
        lambda ramp, adjoint, y: adjoint(ramp(math.pi / y.shape[-2] * y)),
    ],
    "check_transmission": [
        derivatives,
        lambda l, y, k: np.array(derivatives(l, y, k)),
        lambda l, y, k: [torch.tensor(d, dtype=torch.float64) for d in derivatives(l, y, k)],
    ],
    "check_newton": [
        newton,
        lambda s, c, a, z, lam, n: np.float64(newton(s, c, a, z, lam, n)),
        lambda s, c, a, z, lam, n: torch.tensor([newton(s, c, a, z, lam, n)], dtype=torch.float64),
    ],
}
WRONG = {
    "check_line_integral": [
        (lambda n, i, k: (0.0, 1.0), "with your l"),
        (lambda n, i, k: (math.log(i / n), 1 / (k**2 * n)), "divide by kappa"),
        (lambda n, i, k: (math.log(i / n) / k, 1 / n), "variance of the logarithm"),
        (lambda n, i, k: (math.log(i / n) / k, n), "variance of the count"),
        (lambda n, i, k: (math.log(i / n) / k, n**-0.5 / k), "standard deviation"),
        (lambda n, i, k: math.log(i / n) / k, "return 2 numbers"),
    ],
    "check_fbp": [
        (lambda ramp, adjoint, y: adjoint(y), "differs"),
        (lambda ramp, adjoint, y: adjoint(ramp(y)), "integral over angles"),
        (lambda ramp, adjoint, y: adjoint(ramp(y)) / y.shape[2], "multiply by pi, too"),
        (lambda ramp, adjoint, y: 2 * fbp(ramp, adjoint, y), "not to 2 pi"),
        (lambda ramp, adjoint, y: adjoint(y) * math.pi / y.shape[2], "is a blur"),
        (lambda ramp, adjoint, y: None, "None"),
    ],
    "check_transmission": [
        (lambda l, y, k: (0.0, 0.0), "the slope is"),
        (lambda l, y, k: (-derivatives(l, y, k)[0], derivatives(l, y, k)[1]), "wrong sign"),
        (lambda l, y, k: (y - math.exp(-k * l), 1.0), "kappa is missing in the slope"),
        (lambda l, y, k: (derivatives(l, y, k)[0], k * math.exp(-k * l)), "missing in the curvature"),
        (lambda l, y, k: (derivatives(l, y, k)[0], -derivatives(l, y, k)[1]), "phi is convex"),
        (lambda l, y, k: (derivatives(l, y, k)[0], 5.0), "the curvature is"),
    ],
    "check_newton": [
        (lambda s, c, a, z, lam, n: z, "the first step"),
        (lambda s, c, a, z, lam, n: z - lam * a * s(a * z), "a gradient step"),
        (lambda s, c, a, z, lam, n: z - lam * a * s(a * z) / (1 + lam * a * c(a * z)), "once on each side"),
        (lambda s, c, a, z, lam, n: z - lam * s(a * z) / (1 + lam * a * a * c(a * z)), "is a phi'"),
        (lambda s, c, a, z, lam, n: newton(s, c, a, z, lam, 1), "update v each time"),
        (lambda s, c, a, z, lam, n: z - s(a * z) / (a * c(a * z)), "is 1"),
    ],
}
