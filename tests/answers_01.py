"""Right and wrong answers to the exercises of notebook 01."""

import numpy as np
import torch


def ratio(a):
    return a.sum() * (a**3).sum() / (a**2).sum() ** 2


RIGHT = {
    "check_adjoint": [
        lambda y: y.roll(1, -1) - y,
        lambda y: np.roll(y.numpy(), 1, axis=-1) - y.numpy(),
        lambda y: torch.cat([y[..., -1:], y[..., :-1]], -1) - y,
        lambda y: (np.roll(y.numpy(), 1, axis=-1) - y.numpy()).tolist(),
        lambda y: torch.roll(y, 1, dims=3).sub(y).float(),
    ],
    "check_ratio": [
        ratio,
        lambda a: float(ratio(a)),
        lambda a: np.sum(a.numpy()) * np.sum(a.numpy() ** 3) / np.sum(a.numpy() ** 2) ** 2,
        lambda a: sum(a) * sum(v**3 for v in a) / sum(v**2 for v in a) ** 2,
    ],
    "check_constant": [
        lambda K, y: ((K > 1e-12).double().T @ y).max(),
        lambda K, y: max((K[:, j] > 0).double() @ y for j in range(K.shape[1])),
        lambda K, y: np.max((K.numpy() > 0).T @ y.numpy()),
    ],
}
WRONG = {
    "check_adjoint": [
        (lambda y: torch.zeros_like(y), "yours gives 0.000"),
        (lambda y: y - y.roll(1, -1), "the sign"),
        (lambda y: y.roll(-1, -1) - y, "but yours gives"),
        (lambda y: y.roll(1, -1) + y, "but yours gives"),
        (lambda y: y.roll(1, -2) - y, "but yours gives"),
        (lambda y: torch.nn.functional.pad(y, (1, 0))[..., :-1] - y, "but yours gives"),  # not periodic
        (lambda y: (y.roll(1, -1) - y)[..., 1:], "wanted 5 numbers"),
        (lambda y: None, "wanted 5 numbers"),
        (lambda y: y.rol(1), "raised AttributeError"),
    ],
    "check_ratio": [
        (lambda a: torch.zeros(()), "the ratio is"),
        (lambda a: 1.0, "the ratio is"),
        (lambda a: 1 / ratio(a), "Var(Poisson) / Var(least squares)"),
        (lambda a: a.sum() * (a**2).sum() / (a**3).sum(), "the ratio is"),
        (lambda a: (a**3).sum() / (a**2).sum() ** 2, "the ratio is"),
        (lambda a: len(a) * (a**2).sum() / a.sum() ** 2, "the ratio is"),
        (lambda a: ratio(a) ** 0.5, "the ratio is"),
        (lambda a: 2.1, "the ratio is"),
        (lambda a: a, "wanted one number"),
    ],
    "check_constant": [
        (lambda K, y: y.sum(), "too large"),
        (lambda K, y: y.max(), "too small"),
        (lambda K, y: (K.T @ y).max(), "too"),
        (lambda K, y: (K @ K.T @ y).max(), "too"),
        (lambda K, y: ((K > 0).double().T @ y).min(), "too small"),
        (lambda K, y: ((K > 0).double().T @ y).sum(), "too large"),
        (lambda K, y: (K > 0).double().sum(0).max() * y.max(), "too large"),
        (lambda K, y: ((K > 0).double() @ y).max(), "too|raised RuntimeError"),
        (lambda K, y: (K > 0).double().T @ y, "wanted one number"),
    ],
}
