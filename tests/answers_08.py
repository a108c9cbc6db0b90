"""Right and wrong answers to the exercises of notebook 08."""

import numpy as np
import torch

P = torch.cat([torch.eye(16, dtype=torch.float64)] * 3)


def prior(u, c, t, factor=1.0):
    return factor * (1 / (1 - t + t * c) - 1) * u**2 / 2


RIGHT = {
    "check_prior": [
        prior,
        lambda u, c, t: np.square(u.numpy()) * (1 / (1 - t + t * c) - 1) / 2,
        lambda u, c, t: u.square().mul(t * (1 - c) / (1 - t + t * c)).div(2),
    ],
    "check_cocoercivity": [
        lambda g, t: g / (g + t * (1 - g)),
        lambda g, t: np.float32(1 / (1 - t + t / g)),
        lambda g, t: (1 - t + t / g).reciprocal(),
    ],
    "check_gray": [
        lambda J: P.T @ J @ P / 3,
        lambda J: J.reshape(3, 16, 3, 16).sum((0, 2)) / 3,
        lambda J: sum(J.numpy()[16 * i : 16 * i + 16, 16 * j : 16 * j + 16] for i in range(3) for j in range(3)) / 3,
    ],
}
WRONG = {
    "check_prior": [
        (lambda u, c, t: 0 * u, "the search for the prox"),
        (lambda u, c, t: prior(u, c, 1.0) if c else prior(u, 0.1, 1.0), "the search for the prox"),
        (lambda u, c, t: t * prior(u, c or 0.1, 1.0), "the search for the prox"),
        (lambda u, c, t: prior(u, c, t, factor=2.0), "the search for the prox"),
        (lambda u, c, t: -prior(u, c, t), "the search for the prox"),
        (lambda u, c, t: prior(u, c, t).abs(), "the search for the prox"),
        (lambda u, c, t: (1 - t + t * c) * u**2 / 2, "the search for the prox"),
        (lambda u, c, t: prior(u, c, t) + 1, "F(0) is 0"),
        (lambda u, c, t: None, "got None"),
    ],
    "check_cocoercivity": [
        (lambda g, t: g, "the steepest slope"),
        (lambda g, t: t * g, "the steepest slope"),
        (lambda g, t: t * g + 1 - t, "the steepest slope"),
        (lambda g, t: g / t, "the steepest slope"),
        (lambda g, t: t * (1 - g) / (g + t * (1 - g)), "r = 1 - gamma_t"),
        (lambda g, t: 1 - t + t / g, "the steepest slope"),
        (lambda g, t: g.gamma, "raised AttributeError"),
    ],
    "check_gray": [
        (lambda J: torch.zeros(16, 16), "another Jacobian"),
        (lambda J: P.T @ J @ P, "the factor 3"),
        (lambda J: P.T @ J @ P / 9, "the factor 3"),
        (lambda J: J[:16, :16], "another Jacobian"),
        (lambda J: (J[:16, :16] + J[16:32, 16:32] + J[32:, 32:]) / 3, "another Jacobian"),
        (lambda J: J[::3, ::3], "another Jacobian"),
        (lambda J: J.reshape(16, 3, 16, 3).sum((1, 3)) / 3, "another Jacobian"),  # channels last
        (lambda J: J, "wanted 256 numbers"),
    ],
}
