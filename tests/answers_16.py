"""Right and wrong answers to the exercises of notebook 16."""

import math

import numpy as np
import torch


def root(z, y, lam, b):
    q = z + b - lam
    return ((q + (q * q + 4 * lam * y) ** 0.5) / 2 - b).clamp(min=0)


def one_pixel(z, y, lam, b):
    q = float(z) + b - lam
    return max(0.0, (q + math.sqrt(q * q + 4 * lam * y)) / 2 - b)


def in_numpy(z, y, lam, b):
    q = np.asarray(z) + b - lam
    return np.maximum(0, (q + np.sqrt(q**2 + 4 * lam * y)) / 2 - b)


RIGHT = {
    "check_transform": [
        lambda c: 2 * (c + 3 / 8) ** 0.5,
        lambda c: 2 * np.sqrt(np.asarray(c) + 0.375),
        lambda c: math.sqrt(4 * c + 1.5),
    ],
    "check_inverse": [
        lambda d, rate, mean: np.interp(d, mean, rate),
        lambda d, rate, mean: [float(np.interp(v, mean, rate)) for v in d],
        lambda d, rate, mean: torch.from_numpy(np.interp(np.asarray(d), mean, rate)),
    ],
    "check_prox": [root, one_pixel, in_numpy],
    "check_clamped": [
        lambda mu, d: mu - d + d * math.exp(-mu),
        lambda mu, d: torch.tensor(mu - d + d * np.exp(-mu)),
        lambda mu, d: sum(max(n - d, 0) * math.exp(-mu) * mu**n / math.factorial(n) for n in range(60)),
    ],
}

WRONG = {
    "check_transform": [
        (lambda c: (c + 3 / 8) ** 0.5, "factor 2"),
        (lambda c: 2 * c**0.5, "3/8"),
        (lambda c: 2 * c**0.5 + 3 / 8, "inside the root"),
        (lambda c: c, "wanted 12.7"),
        (lambda c: None, "is there a return"),
    ],
    "check_inverse": [
        (lambda d, rate, mean: d**2 / 4 - 3 / 8, "inverse function"),
        (lambda d, rate, mean: d**2 / 4 - 1 / 8, "many photons"),
        (lambda d, rate, mean: np.interp(d, rate, mean), "changed places"),
        (lambda d, rate, mean: d, "wanted"),
        (lambda d, rate, mean: rate, "wanted 5 numbers"),
    ],
    "check_prox": [
        (lambda z, y, lam, b: root(z, y, lam, 0.0), "background is missing"),
        (lambda z, y, lam, b: root(z + b, y, lam, 0.0), "return v"),
        (lambda z, y, lam, b: (z + b - lam + ((z + b - lam) ** 2 + 4 * lam * y) ** 0.5) / 2 - b, "negative"),
        (lambda z, y, lam, b: root(z, max(y - b, 0), lam, 0.0), "subtracted"),
        (lambda z, y, lam, b: z, "wanted"),
    ],
    "check_clamped": [
        (lambda mu, d: mu - d, "before clamping"),
        (lambda mu, d: max(mu - d, 0), "clamp"),
        (lambda mu, d: mu - d + math.exp(-mu), "lifted by d"),
        (lambda mu, d: d * math.exp(-mu), "add mu - d"),
        (lambda mu, d: 1.0, "the series gives"),
    ],
}
