"""Right and wrong answers to the exercises of notebook 13."""

import math

import numpy as np
import torch

from pnp_course.exercises import notebook_13 as checks


def dpir(prox, D, y, lam, sigmas):
    u = y
    for s in sigmas:
        v = prox(u, lam * s**2 / sigmas[-1] ** 2)
        u = D(v, s)
    return u


def mirror(x, slope, step, largest):
    denominator = 1 + step * x * slope
    return largest if denominator <= 0 else min(x / denominator, largest)


def bisected(x, slope, step, largest):
    low, high = 0.0, largest
    for _ in range(80):
        v = (low + high) / 2
        low, high = (low, v) if slope + (1 / x - 1 / v) / step > 0 else (v, high)
    return high


def j(c, sigma):
    return c / (c + sigma**2)


RIGHT = {
    "check_dpir": [
        dpir,
        lambda *a: dpir(*a).numpy(),
        checks.ladder_run,
        lambda prox, D, y, lam, s: dpir(prox, D, y, torch.tensor(lam), s).tolist(),
    ],
    "check_ishikawa": [
        lambda T, u, a, b: (1 - a) * u + a * T((1 - b) * u + b * T(u)),
        lambda T, u, a, b: torch.lerp(u, T(torch.lerp(u, T(u), b)), a).numpy(),
        lambda T, u, a, b: (u + a * (T(u + b * (T(u) - u)) - u)).tolist(),
    ],
    "check_red_slope": [
        lambda W, x: x - (W + W.T) @ x / 2,
        lambda W, x: x.numpy() - 0.5 * W.numpy() @ x.numpy() - 0.5 * x.numpy() @ W.numpy(),
        lambda W, x: (x - (W @ x + x @ W) / 2).float(),
    ],
    "check_b_red": [
        mirror,
        bisected,
        lambda *a: np.array([mirror(*a)]),
        lambda *a: torch.tensor(mirror(*a)).double(),
    ],
    "check_dps_factor": [
        lambda c, s, nu: 1 + s**2 * j(c, s) / nu**2,
        lambda c, s, nu: np.float64((nu**2 + 1 / (1 / c + 1 / s**2)) / nu**2),
        lambda c, s, nu: torch.tensor(1 + c * s**2 / (c + s**2) / nu**2, dtype=torch.float64),
    ],
}
WRONG = {
    "check_dpir": [
        (lambda prox, D, y, lam, s: y, "after 3 levels"),
        (lambda prox, D, y, lam, s: checks.ladder_run(prox, D, y, lam, s, 0), "the same at all levels"),
        (lambda prox, D, y, lam, s: checks.ladder_run(prox, D, y, lam, s, 1), "its square"),
        (lambda prox, D, y, lam, s: checks.ladder_run(prox, D, y, lam, s, -2), "it should rise"),
        (lambda prox, D, y, lam, s: prox(D(y, s[0]), lam), "after 3 levels"),
        (lambda prox, D, y, lam, s: dpir(prox, D, y, lam, s[:-1] or s), "after"),
        (lambda prox, D, y, lam, s: dpir(prox, D, y, lam), "TypeError"),
        (lambda *a: None, "None"),
        (lambda *a: 0.5, "shape"),
    ],
    "check_ishikawa": [
        (lambda T, u, a, b: (1 - a) * u + a * T(u), "Mann"),
        (lambda T, u, a, b: (1 - b) * u + b * T(u), "that is w"),
        (lambda T, u, a, b: T((1 - b) * u + b * T(u)), "outer average is missing"),
        (lambda T, u, a, b: checks.ishikawa_step(T, u, b, a), "changed places"),
        (lambda T, u, a, b: checks.ishikawa_step(T, u, 1 - a, 1 - b), "belong to T"),
        (lambda T, u, a, b: (1 - a) * ((1 - b) * u + b * T(u)) + a * T((1 - b) * u + b * T(u)), "average is of u"),
        (lambda T, u, a, b: u, "largest difference"),
        (lambda T, u, a, b: math.nan * u, "NaN"),
    ],
    "check_red_slope": [
        (lambda W, x: x - W @ x, "what RED uses"),
        (lambda W, x: x - W.T @ x, "only the transpose"),
        (lambda W, x: 2 * x - (W + W.T) @ x, "twice"),
        (lambda W, x: x - (W + W.T) @ x, "one of the terms"),
        (lambda W, x: x, "largest difference"),
        (lambda W, x: W, "shape"),
    ],
    "check_b_red": [
        (lambda x, s, t, c: min(x - t * s, c), "usual gradient descent"),
        (lambda x, s, t, c: x - t * x**2 * s, "nearly"),
        (lambda x, s, t, c: x / (1 + t * x * s), "outside|a search"),
        (lambda x, s, t, c: min(x / (1 + t * x * s), c), "outside|a search"),
        (lambda x, s, t, c: x / (1 + t * s), "a search"),
        (lambda x, s, t, c: x, "a search"),
        (lambda x, s, t, c: 1 / 0, "ZeroDivisionError"),
    ],
    "check_dps_factor": [
        (lambda c, s, nu: 1.0, "densities give"),
        (lambda c, s, nu: 1 / (1 + s**2 * j(c, s) / nu**2), "inverse"),
        (lambda c, s, nu: 1 + s**2 / nu**2, "less variance"),
        (lambda c, s, nu: 1 + c / nu**2, "before x is known"),
        (lambda c, s, nu: 1 + j(c, s), "is missing"),
        (lambda c, s, nu: 1 + s**2 * j(c, s) / nu, "densities give"),
    ],
}
