"""Right and wrong answers to the exercises of notebook 04."""

import math

import numpy as np
import torch


def slope(b, v, sigma, both=2, square=2):
    w = v + sigma**2
    density = math.exp(-(b**2) / (2 * w)) / math.sqrt(2 * math.pi * w)
    return both * b**square * density * (2 * v / w - 1)


def slope_of_tensors(b, v, sigma):
    w = v + sigma.square()
    return 2 * b**2 * torch.exp(-b.square() / (2 * w)) / (2 * torch.pi * w).sqrt() * (2 * v / w - 1)


def search(x, tau, F, step, c=0.1, eta=0.9, first=False, reset=None, shrink_after=False):
    tau = reset or tau
    while True:
        new = step(x, tau)
        if F(x) - F(new) >= (c / tau if not first else 0) * float((x - new).square().sum()):
            return new, eta * tau if shrink_after else tau
        tau = eta * tau


def stale(x, tau, F, step, c=0.1, eta=0.9):
    _, accepted = search(x, tau, F, step, c, eta)
    return step(x, tau), accepted


def bounded(x, tau, F, step):
    for k in range(200):
        new = step(x, tau * 0.9**k)
        if F(new) + 0.1 / (tau * 0.9**k) * ((x - new) ** 2).sum() <= F(x):
            return [new.numpy(), torch.tensor(tau * 0.9**k, dtype=torch.float64)]
    return None


RIGHT = {
    "check_factor": [
        lambda k: 1 - (1 - k) ** 2,
        lambda k: np.array([2 * k - k**2]),
        lambda k: k.mul(2).sub(k.square()),
        lambda k: torch.tensor(k * (2 - k)),
    ],
    "check_longest_step": [
        lambda c, L: (1 - 2 * c) / L,
        lambda c, L: np.float32(1 / L - 2 * c / L),
        lambda c, L: L.reciprocal() * (1 - 2 * c),
    ],
    "check_backtracking": [search, bounded, lambda x, tau, F, step: list(search(x, tau, F, step))],
    "check_slope_of_risk": [slope, slope_of_tensors, lambda *a: np.array(slope(*a))],
}
WRONG = {
    "check_factor": [
        (lambda k: 0.0, "multiplies by"),
        (lambda k: k, "multiplies by"),
        (lambda k: (1 - k) ** 2, "the factor of grad g"),
        (lambda k: 1 - (1 - k) ** 2 / 2, "multiplies by"),
        (lambda k: 1 - (1 - k), "multiplies by"),
        (lambda k: 1 - (1 - k**2), "multiplies by"),
        (lambda k: "kappa", "got str"),
    ],
    "check_longest_step": [
        (lambda c, L: 1.0, "too"),
        (lambda c, L: 1 / L, "too long"),
        (lambda c, L: 2 * (1 - c) / L, "too long"),
        (lambda c, L: (1 - c) / L, "too long"),
        (lambda c, L: (1 - 2 * c) / (2 * L), "too short"),
        (lambda c, L: (1 - 2 * c) * L, "too"),
        (lambda c, L: 0.0, "positive"),
        (lambda c, L: None, "is there a return"),
    ],
    "check_backtracking": [
        (lambda x, tau, F, step: (step(x, tau), tau), "the library has tau"),
        (lambda x, tau, F, step: search(x, tau, F, step, c=0.45), "the library has tau"),
        (lambda x, tau, F, step: search(x, tau, F, step, eta=0.5), "the library has tau"),
        (lambda x, tau, F, step: search(x, tau, F, step, shrink_after=True), "the library has tau"),
        (lambda x, tau, F, step: search(x, tau, F, step, reset=3.0), "the library has tau"),
        (stale, "not the one that was accepted"),
        (lambda x, tau, F, step: search(x, tau, F, step)[0], "return two things"),
        (lambda x, tau, F, step: search(x, tau, F, step)[::-1], "wanted"),
        (lambda x, tau: (x, tau), "raised TypeError"),
    ],
    "check_slope_of_risk": [
        (lambda b, v, sigma: 0.0, "backpropagation"),
        (lambda b, v, sigma: slope(b, v, sigma, both=1), "R'(b) is"),
        (lambda b, v, sigma: slope(b, v, sigma, square=1), "R'(b) is"),
        (lambda b, v, sigma: -slope(b, v, sigma), "R'(b) is"),
        (lambda b, v, sigma: slope(b, v - sigma**2, sigma), "R'(b) is|raised"),
        (lambda b, v, sigma: slope(0.7, 0.6, 0.5), "for b = 0.3"),  # right at one point
        (lambda b, v, sigma: (slope(b, v, sigma), 0), "wanted one number"),
    ],
}
