"""Right and wrong answers to the exercises of notebook 20."""

import math

import numpy as np
import torch


def eigenvalues(patches):
    return torch.linalg.eigvalsh(torch.cov(torch.as_tensor(patches).T))


def by_rule(patches):
    values = eigenvalues(patches)
    for k in range(len(values), 0, -1):
        if values[:k].mean() <= values[:k].median() * (1 + 1e-3):
            return values[:k].mean() ** 0.5
    return values[0] ** 0.5


def lower_half(patches):
    values = np.linalg.eigvalsh(np.cov(np.asarray(patches).T))
    return math.sqrt(values[: len(values) // 2].mean())


def fit(means, variances):
    slope, start = np.polyfit(means, variances, 1)
    return slope, start**0.5


def by_lstsq(means, variances):
    design = np.stack([means, np.ones_like(means)], 1)
    slope, start = np.linalg.lstsq(design, variances, rcond=None)[0]
    return torch.tensor([slope, start**0.5])


def by_ends(means, variances):
    slope = (variances[-1] - variances[0]) / (means[-1] - means[0])
    return [slope, math.sqrt(variances[0] - slope * means[0])]


def prox(z, y, seen, lam):
    return (z + lam * seen * y) / (1 + lam * seen)


def error(tau, sigma, told):
    a = tau**2 / (tau**2 + told**2)
    return a**2 * sigma**2 + (1 - a) ** 2 * tau**2


RIGHT = {
    "check_patch_sigma": [by_rule, lower_half, lambda p: torch.quantile(eigenvalues(p), 0.4) ** 0.5],
    "check_line": [fit, by_lstsq, by_ends],
    "check_bias": [
        lambda mu, v: mu - v / 4,
        lambda mu, v: torch.tensor(mu - 0.25 * v, dtype=torch.float64),
        lambda mu, v: (4 * mu + 1.5 - v) / 4 - 3 / 8,
    ],
    "check_mosaic_prox": [
        prox,
        lambda z, y, m, lam: torch.where(m > 0, (z + lam * y) / (1 + lam), z),
        lambda z, y, m, lam: prox(z.numpy(), y.numpy(), m.numpy(), lam),
    ],
    "check_wrong_level": [
        error,
        lambda tau, s, told: np.float64((tau**2 * s) ** 2 + (told**2 * tau) ** 2) / (tau**2 + told**2) ** 2,
        lambda tau, s, told: torch.tensor(error(tau, s, told), dtype=torch.float64),
    ],
}
WRONG = {
    "check_patch_sigma": [
        (lambda p: by_rule(p) ** 2, "variance"),
        (lambda p: eigenvalues(p)[0] ** 0.5, "smallest eigenvalue alone"),
        (lambda p: eigenvalues(p).mean() ** 0.5, "mean of all"),
        (lambda p: eigenvalues(p)[-1] ** 0.5, "largest"),
        (lambda p: p.std(), "mean of all"),
        (lambda p: torch.linalg.eigvalsh(p.T @ p / len(p)).mean() ** 0.5, "subtracted first"),
        (lambda p: 0.0, "wanted 0.0496"),
        (lambda p: p, "wanted one number"),
    ],
    "check_line": [
        (lambda m, v: fit(m, v)[::-1], "changed places"),
        (lambda m, v: (fit(m, v)[0], fit(m, v)[1] ** 2), "take the root"),
        (lambda m, v: ((v / m).mean(), 0.05), "mean of the ratios"),
        (lambda m, v: ((m * v).sum() / (m * m).sum(), 0.0), "line through 0"),
        (lambda m, v: (1 / fit(m, v)[0], 0.0), "not mean over variance"),
        (lambda m, v: (fit(m, v)[0], np.polyval(np.polyfit(m, v, 1), 1) ** 0.5), "photons and all"),
        (lambda m, v: 0.02, "return 2 numbers"),
    ],
    "check_bias": [
        (lambda mu, v: mu, "below the root of the mean"),
        (lambda mu, v: mu + v / 4, "the sign"),
        (lambda mu, v: mu - v, "a quarter of the variance"),
        (lambda mu, v: mu - v / 2, "not a half"),
        (lambda mu, v: mu - 1 / 4, "where the variance is 1"),
        (lambda mu, v: 0, "wanted 29.75"),
    ],
    "check_mosaic_prox": [
        (lambda z, y, m, lam: (z + lam * y) / (1 + lam), "leaves z as it is"),
        (lambda z, y, m, lam: torch.where(m > 0, y, z), "in hard"),
        (lambda z, y, m, lam: z - lam * m * (z - y), "gradient step"),
        (lambda z, y, m, lam: y, "data alone"),
        (lambda z, y, m, lam: m * (z + lam * y) / (1 + lam), "stay z"),
        (lambda z, y, m, lam: z, "wanted"),
    ],
    "check_wrong_level": [
        (lambda tau, s, told: error(tau, s, s), "true level"),
        (lambda tau, s, told: error(tau, told, told), "believes"),
        (lambda tau, s, told: (tau**2 / (tau**2 + told**2)) ** 2 * s**2, "add the signal"),
        (lambda tau, s, told: (told**2 / (tau**2 + told**2)) ** 2 * tau**2, "add the noise"),
        (lambda tau, s, told: (tau**2 * s**2 + told**2 * tau**2) / (tau**2 + told**2), "squared"),
        (lambda tau, s, told: 0.0, "wanted 0.3125"),
    ],
}
