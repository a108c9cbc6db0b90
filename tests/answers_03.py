"""Right and wrong answers to the exercises of notebook 03."""

import numpy as np
import torch

X = torch.linspace(-1, 2, 1501, dtype=torch.float64)


def risk(mixture, points, sigma):
    return sigma**2 * mixture.jacobian(points, sigma).diagonal(dim1=1, dim2=2).sum(1).mean()


def bisection(prior, bound=1.0, keep_upper=True, steps=40, low=0.05, high=0.6):
    for _ in range(steps):
        half = (low + high) / 2
        expansive = float(prior.jacobian(X[:, None], half).max()) > bound
        low, high = (half, high) if expansive == keep_upper else (low, half)
    return low


def formula(prior):
    far = float((prior.means[1] - prior.means[0]).abs())
    return (far**2 / 4 - float(prior.covariances[0, 0, 0])) ** 0.5


def search(prior):
    levels = np.linspace(0.05, 0.6, 2000)
    steep = [float(prior.jacobian(X[500:1001, None], s).max()) for s in levels[::20]]
    coarse = levels[::20][int(np.argmax(np.array(steep) <= 1))]
    fine = np.linspace(coarse - 0.006, coarse, 60)
    return fine[next(k for k, s in enumerate(fine) if float(prior.jacobian(X[500:1001, None], s).max()) <= 1)]


RIGHT = {
    "check_curvature": [
        lambda s, sigma: sigma**2 / s**2,
        lambda s, sigma: np.square(sigma / s),
        lambda s, sigma: sigma.square() / s.square(),
        lambda s, sigma: 1 / (s**2 / (s**2 + sigma**2)) - 1,
    ],
    "check_risk": [
        risk,
        lambda m, x, sigma: float(risk(m, x, sigma)),
        lambda m, x, sigma: sigma**2 * np.trace(m.jacobian(x, sigma).numpy(), axis1=1, axis2=2).mean(),
        lambda m, x, sigma: sigma**2 * sum(torch.trace(J) for J in m.jacobian(x, sigma)) / len(x),
        lambda m, x, sigma: sigma**2 * torch.linalg.eigvalsh(m.jacobian(x, sigma)).sum() / len(x),
    ],
    "check_threshold": [bisection, lambda prior: torch.tensor(bisection(prior)), formula, search],
}
WRONG = {
    "check_curvature": [
        (lambda s, sigma: 0.0, "the quadrature gives"),
        (lambda s, sigma: s**2 / (s**2 + sigma**2), "the slope of D"),
        (lambda s, sigma: s**2 / sigma**2, "the quadrature gives"),
        (lambda s, sigma: sigma / s, "the quadrature gives"),
        (lambda s, sigma: 1 / s**2, "the quadrature gives"),
        (lambda s, sigma: sigma**2 / (2 * s**2), "the quadrature gives"),
        (lambda s, sigma: sigma**2 / (s**2 + sigma**2), "the quadrature gives"),
        (lambda s, sigma: 2.25, "s = 0.5"),  # right at one point
        (lambda s, sigma: "F", "got str"),
    ],
    "check_risk": [
        (lambda m, x, sigma: torch.zeros(()), "the measured error"),
        (lambda m, x, sigma: risk(m, x, sigma) / x.shape[1], "the error of one pixel"),
        (lambda m, x, sigma: risk(m, x, sigma) / sigma, "the measured error"),
        (lambda m, x, sigma: risk(m, x, sigma) / sigma**2, "the measured error"),
        (lambda m, x, sigma: sigma**2 * m.jacobian(x, sigma).sum((1, 2)).mean(), "the measured error"),
        (lambda m, x, sigma: sigma**2 * m.jacobian(x, sigma).square().sum((1, 2)).mean(), "the measured error"),
        (lambda m, x, sigma: sigma**2 * x.shape[1], "the measured error"),
        (lambda m, x, sigma: risk(m, x[:1], sigma), "the measured error|the error of one pixel"),
        (lambda m, x, sigma: m.jacobian(x, sigma), "wanted one number"),
        (lambda m, x: 0.0, "raised TypeError"),
    ],
    "check_threshold": [
        (lambda prior: 0.0, "between"),
        (lambda prior: (0.6**2 / 4 - 0.05**2) ** 0.5, "for peaks of width 0.1"),  # right for one prior
        (lambda prior: 0.3, "too large"),
        (lambda prior: bisection(prior, keep_upper=False), "too"),
        (lambda prior: bisection(prior, bound=2.0), "too small"),
        (lambda prior: bisection(prior, steps=2), "too"),
        (lambda prior: 2 * formula(prior), "too large"),
        (lambda prior: float((prior.means[1] - prior.means[0]).abs()) / 2, "too large"),
        (lambda prior: None, "is there a return"),
    ],
}
