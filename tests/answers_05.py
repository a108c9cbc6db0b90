"""Right and wrong answers to the exercises of notebook 05."""

import numpy as np
import torch


def inverted(step, u, t, n=300, square=True, own=True, sign=1):
    w = u
    for _ in range(n):
        w = u + sign * t * (w - step(w)[0])
    g = step(w)[1] if own else step(u)[1]
    return t * float(g) - square * float((w - u).square().sum()) / 2


def newton(step, u, t):
    w = u.clone()
    for _ in range(60):
        w = w - 0.5 * (w + t * (step(w)[0] - w) - u)
    for _ in range(200):
        w = u + t * (w - step(w)[0])
    return torch.as_tensor(t * step(w)[1] - (w - u).square().sum() / 2)


RIGHT = {
    "check_curvature": [lambda c: 1 / c - 1, lambda c: np.float64(1 - c) / c, lambda c: torch.tensor((1 - c) / c)],
    "check_fall": [
        lambda k: (1 - k) * (1 + 2 * k),
        lambda k: torch.tensor([1 + k - 2 * k**2]),
        lambda k: np.polyval([-2, 1, 1], k),
        lambda k: k.neg().add(1).mul(1 + 2 * k),
    ],
    "check_prior_value": [inverted, newton, lambda *a: np.array([inverted(*a)])],
    "check_averaging": [
        lambda ell, M: min(1 / ell, 1 / (2 * M)),
        lambda ell, M: np.minimum(1 / ell, 0.5 / M),
        lambda ell, M: 1 / torch.tensor([ell, 2 * M]).max(),
    ],
}
WRONG = {
    "check_curvature": [
        (lambda c: 0.0, "not 0.3 x"),
        (lambda c: 1 / c, "not 0.3 x"),
        (lambda c: 1 - c, "not 0.3 x"),
        (lambda c: c - 1, "not 0.3 x"),
        (lambda c: (1 / c - 1) / 2, "not 0.3 x"),
        (lambda c: abs(1 / c - 1), "not 1.5 x"),
        (lambda c: None, "is there a return"),
    ],
    "check_fall": [
        (lambda k: 0.0, "the fall gives"),
        (lambda k: 1.0, "the fall gives"),
        (lambda k: (1 - k) * (1 + 2 * k) / 2, "that is m / 2; wanted"),
        (lambda k: (1 - 2 * k) * (1 + k), "the fall gives"),
        (lambda k: (1 + k) / 2 - k**2 + (1 + k) / 2, "the fall gives"),
        (lambda k: 1 - k**2, "the fall gives"),
        (lambda k: -(1 - k) * (1 + 2 * k), "the fall gives"),
        (lambda k: k.nothing, "raised AttributeError"),
    ],
    "check_prior_value": [
        (lambda step, u, t: t * float(step(u)[1]), "yours is"),
        (lambda step, u, t: inverted(step, u, t, square=False), "the square"),
        (lambda step, u, t: inverted(step, u, t, n=1), "yours is"),
        (lambda step, u, t: inverted(step, u, t, own=False), "yours is"),
        (lambda step, u, t: inverted(step, u, t, sign=-1), "yours is"),
        (lambda step, u, t: inverted(step, u, 1.0), "yours is|finite"),
        (lambda step, u, t: inverted(step, u, t) / t, "yours is"),
        (lambda step, u, t: step(u), "wanted one number"),
        (lambda step, u: 0.0, "raised TypeError"),
    ],
    "check_averaging": [
        (lambda ell, M: 0.5 / max(ell, M), "too small"),
        (lambda ell, M: 1 / max(ell, M), "too large"),
        (lambda ell, M: 1 / (2 * M), "too large"),
        (lambda ell, M: 1 / ell, "too large"),
        (lambda ell, M: min(1 / (2 * ell), 1 / M), "too"),
        (lambda ell, M: min(1 / ell, 1 / M), "too large"),
        (lambda ell, M: 0.0, "positive"),
        (lambda ell, M: (1 / ell, 1 / (2 * M)), "wanted one number"),
    ],
}
