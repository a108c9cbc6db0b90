"""Right and wrong answers to the exercises of notebook 02."""

from itertools import islice

import numpy as np
import torch

from pnp_course.solvers import admm
from pnp_course.toy.proximal import DoubleWell, StarField

SKY = StarField.draw()
FIXED = SKY.minimiser - SKY.slope


def huber(u, w):
    return torch.where(u.abs() <= w, u**2 / 2, w * u.abs() - w**2 / 2)


def spread(r, starts=(0.0, 1.0), centre=0.5, n=100, measure=lambda d: d.abs().max()):
    well, ends = DoubleWell(r), []
    for start in starts:
        x0 = torch.full_like(FIXED, start)
        for it in islice(admm(SKY.fidelity, lambda s: centre + well.prox(s - centre), x0, lam=1.0), n):
            end = it.x
        ends.append(end)
    return measure(ends[0] - ends[1])


def my_pgd(prox, grad, tau, x, n, extra=0, sign=-1):
    for _ in range(n + extra):
        x = prox(x + sign * tau * grad(x))
    return x


def descent(prox, grad, tau, x, n):
    for _ in range(n):
        x = x - tau * grad(x)
    return x


def swapped(prox, grad, tau, x, n):
    for _ in range(n):
        x = prox(x)
        x = x - tau * grad(x)
    return x


def my_drs(prox_R, prox_G, s, n, reflect=True, keep=1):
    for _ in range(n):
        x = prox_R(s)
        s = keep * (s - x) + prox_G(2 * x - s if reflect else x)
    return s


def relaxed_drs(prox_R, prox_G, s, n):
    """The mean of s and two reflections."""
    for _ in range(n):
        r = 2 * prox_R(s) - s
        s = (s + 2 * prox_G(r) - r) / 2
    return s


RIGHT = {
    "check_positive_stars": [
        lambda z, w: (z - w).clamp_min(0),
        lambda z, w: np.maximum(z.numpy() - w, 0),
        lambda z, w: torch.relu(z - w),
        lambda z, w: max(z - w, 0),  # of one number
        lambda z, w: z - w if z > w else 0.0,
        lambda z, w: [max(float(v) - w, 0) for v in z],
    ],
    "check_envelope": [
        huber,
        lambda u, w: np.where(np.abs(u.numpy()) <= w, u.numpy() ** 2 / 2, w * np.abs(u.numpy()) - w**2 / 2),
        lambda u, w: u * u / 2 if abs(u) <= w else w * abs(u) - w * w / 2,
        lambda u, w: u.clamp(-w, w) * (u - u.clamp(-w, w) / 2),
    ],
    "check_spread": [spread, lambda r: float(spread(r)), lambda r: spread(r).numpy(), lambda r: spread(r, (1.0, 0.0))],
    "check_pgd": [
        my_pgd,
        lambda *a: my_pgd(*a).numpy(),
        lambda prox, grad, tau, x, n: my_pgd(prox, lambda z: tau * grad(z), 1, x, n).tolist(),
    ],
    "check_drs": [my_drs, relaxed_drs, lambda *a: my_drs(*a).tolist()],
}
WRONG = {
    "check_positive_stars": [
        (lambda z, w: 0 * z, "the search finds"),
        (lambda z, w: z - w, "negative"),
        (lambda z, w: torch.sign(z) * (z.abs() - w).clamp_min(0), "negative"),
        (lambda z, w: (z.abs() - w).clamp_min(0), "the search finds"),
        (lambda z, w: (z - 0.4).clamp_min(0), "with w = 0.1"),  # right for one w
        (lambda z, w: z.clamp_min(0), "the search finds"),
        (lambda z, w: (z - w / 2).clamp_min(0), "the search finds"),
        (lambda z, w: torch.where(z > w, z, 0), "the search finds"),
        (lambda z, w: 0.0, "wanted 12 numbers|the search finds"),
        (lambda z, w: None, "wanted"),
        (lambda z: z, "raised TypeError"),
    ],
    "check_envelope": [
        (lambda u, w: 0 * u, "the search finds"),
        (lambda u, w: w * u.abs(), "the search finds"),
        (lambda u, w: u**2 / 2, "the search finds"),
        (lambda u, w: torch.where(u.abs() <= w, u**2 / 2, w * u.abs()), "the search finds"),
        (lambda u, w: torch.where(u.abs() <= w, u**2, 2 * w * u.abs() - w**2), "the search finds"),
        (lambda u, w: huber(u, 0.7), "with w = 0.3"),  # right for one w
        (lambda u, w: torch.where(u.abs() <= 0.5, u**2 / 2, w * u.abs() - w**2 / 2), "the search finds"),
        (lambda u, w: torch.where(u.abs() <= 0.9, u**2 / 2, w * u.abs() - w**2 / 2), "the search finds"),
        (lambda u, w: torch.sign(u) * (u.abs() - w).clamp_min(0), "the search finds"),
        (lambda u, w: huber(u, w).sum(), "wanted 12 numbers|the search finds"),
        (lambda u, w: "huber", "got str"),
    ],
    "check_spread": [
        (lambda r: 0.0, "the two results differ"),
        (lambda r: spread(r, (0.0, 0.0)), "the two results differ"),
        (lambda r: spread(r, centre=0.0), "the two results differ"),
        (lambda r: spread(r, n=1), "the two results differ"),
        (lambda r: spread(r, measure=torch.norm), "the two results differ"),
        (lambda r: spread(r, measure=lambda d: d), "wanted one number"),
        (lambda r: spread(2.0 * r), "the two results differ"),
        (lambda r: r.nothing, "raised AttributeError"),
    ],
    "check_pgd": [
        (lambda prox, grad, tau, x, n: x, "the largest difference"),
        (descent, "the proximal operator is missing"),
        (swapped, "the gradient step comes first"),
        (lambda *a: my_pgd(*a, sign=1), "goes down"),
        (lambda prox, grad, tau, x, n: my_pgd(prox, grad, 1.0, x, n), "the step tau is missing"),
        (lambda *a: my_pgd(*a, extra=1), "count the iterations"),
        (lambda prox, grad, tau, x, n: None, "is there a return"),
        (lambda prox, grad, x, n: x, "raised TypeError"),
    ],
    "check_drs": [
        (lambda prox_R, prox_G, s, n: s, "the largest difference"),
        (lambda *a: my_drs(*a, reflect=False), "not x"),
        (lambda *a: my_drs(*a, keep=0), "s has to be added"),
        (lambda prox_R, prox_G, s, n: my_drs(prox_G, prox_R, s, n), "changed places"),
        (lambda prox_R, prox_G, s, n: prox_R(my_drs(prox_R, prox_G, s, n)), "return s_n"),
        (lambda prox_R, prox_G, s, n: s.sum(), "wanted 4 numbers"),
        (lambda prox_R, prox_G, s, n: prox_R(s, n), "raised TypeError"),
    ],
}
