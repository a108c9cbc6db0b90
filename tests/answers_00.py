"""Right and wrong answers to the exercises of notebook 00."""

import math

import numpy as np
import torch


def root(z, y, lam):
    return (z - lam + ((z - lam) ** 2 + 4 * lam * y) ** 0.5) / 2


RIGHT = {
    "check_peak": [
        lambda s, r: 1 / (s * r**2),
        lambda s, r: np.float64(1) / (s * np.square(r)),
        lambda s, r: torch.as_tensor(s * r**2).reciprocal(),
    ],
    "check_prox": [
        root,
        lambda z, y, lam: (z - lam + math.sqrt((z - lam) ** 2 + 4 * lam * y)) / 2,
        lambda z, y, lam: np.array([np.roots([1, lam - z, -lam * y]).max()]),
        lambda z, y, lam: (z - lam + torch.sqrt((z - lam).square() + 4 * lam * y)).div(2),
        lambda z, y, lam: torch.tensor(root(z, y, lam)),
    ],
    "check_gains": [
        [20.1, 21.0, 22.2, 22.9],
        np.array([20.1, 21.0, 22.2, 22.9]),
        torch.tensor([20.1, 21.0, 22.2, 22.9]),
        [torch.tensor(20.1), 21, 22.2, np.float32(22.9)],
    ],
}
WRONG = {
    "check_peak": [
        (lambda s, r: 50.0, "the standard deviation is"),
        (lambda s, r: s / r**2, "whatever s is"),
        (lambda s, r: 1 / (s * r), "or the variance"),
        (lambda s, r: 1 / r**2, "the standard deviation is"),
        (lambda s, r: -1.0, "a number of photons"),
        (lambda s, r: None, "is there a return"),
    ],
    "check_prox": [
        (lambda z, y, lam: 0.0, "the search finds"),
        (lambda z, y, lam: (z + y) / 2, "the search finds"),  # right where lam = 0.7, y = 0.3, z = 1.1 alone
        (lambda z, y, lam: lam, "the search finds"),
        (lambda z, y, lam: (z - lam - ((z - lam) ** 2 + 4 * lam * y) ** 0.5) / 2, "the other root"),
        (lambda z, y, lam: root(z, y, 1.0), "the answer for lam = 1"),
        (lambda z, y, lam: (z + lam + ((z + lam) ** 2 + 4 * lam * y) ** 0.5) / 2, "the search finds"),
        (lambda z, y, lam: (z - lam + ((z - lam) ** 2 + lam * y) ** 0.5) / 2, "the search finds"),
        (lambda z, y, lam: (z + lam * y) / (1 + lam), "the search finds"),
        (lambda z, y, lam: max(z - lam, 0), "the search finds"),
        (lambda z, y, lam: 1 / y, "raised ZeroDivisionError|the search finds"),
        (lambda z, y, lam: None, "is there a return"),
        (lambda z, y, lam: [z, y], "wanted one number"),
        (lambda z, y: z, "raised TypeError"),
    ],
    "check_gains": [
        ([20.0, 20.0, 20.0, 20.0], "does not rise"),
        ([22.9, 22.2, 21.0, 20.1], "does not rise"),
        ([20.0, 23.5, 24.0, 24.5], "more than one pixel"),
        ([0.01, 0.008, 0.006, 0.005], "PSNRs in dB"),
        ([20.1, 21.0, 22.2], "wanted 4 numbers"),
        ("20", "wanted 4 numbers"),
        (None, "wanted 4 numbers"),
        ([20.1, math.nan, 22.2, 22.9], "finite"),
    ],
}
