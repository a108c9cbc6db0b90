"""Right and wrong answers to the exercises of notebook 12."""

import math

import numpy as np
import torch

from pnp_course.exercises import notebook_12 as exercises
from pnp_course.guarantees import largest_averaging, published_averaging


def prox(z, y, lam):
    return (z - lam + ((z - lam) ** 2 + 4 * lam * y) ** 0.5) / 2


def tensors(z, y, lam):
    v = prox(torch.as_tensor(z).double(), torch.as_tensor(y).double(), torch.as_tensor(lam).double())
    return lam * y / (v.square() + lam * y)


def only_tensors(z, y, lam):
    return 1 - z.sub(lam).add((z.sub(lam).square() + 4 * lam * y).sqrt()).div(2).square().div(
        z.sub(lam).add((z.sub(lam).square() + 4 * lam * y).sqrt()).div(2).square() + lam * y
    )


def loop(prox, D, y, t, n, average=True, sign=-1, multiplier=True, order=False, show=False, relaxed=False):
    u, b = y, 0 * y
    for _ in range(n):
        if order:
            u_old = u
            u = t * D(u - b) + (1 - t) * (u - b)
            v = prox(u_old + b)
        else:
            v = prox(u + b)
            z = v + sign * b
            d = D(z)
            base = u if relaxed else z
            u = t * d + (1 - t) * base if average else d
        b = b + (u - v) * multiplier
    return d if show else u


def cubic(gamma):
    roots = np.roots([2 * (1 - gamma), gamma, 2 * gamma, -gamma])
    return next(float(r.real) for r in roots if abs(r.imag) < 1e-9 and r.real > 0)


def torch_limit(p):
    p = torch.as_tensor(p, dtype=torch.float64)
    return torch.where(p.abs() < 1, p - torch.atanh(p.clamp(-0.999999, 0.999999)), -torch.sign(p) * math.inf)


RIGHT = {
    "check_envelope": [
        tensors, only_tensors,
        lambda z, y, lam: lam * y / (prox(z, y, lam) ** 2 + lam * y),
        lambda z, y, lam: np.array([1 - prox(z, y, lam) ** 2 / (prox(z, y, lam) ** 2 + lam * y)]).item(),
        lambda z, y, lam: 0.5 - (z - lam) / (2 * ((z - lam) ** 2 + 4 * lam * y) ** 0.5),
    ],
    "check_admm": [loop, lambda *a: loop(*a).float(),
                   lambda *a: loop(*a).numpy(), lambda *a: loop(*a).flatten().tolist(), exercises.loop],
    "check_bound": [
        published_averaging, lambda g: torch.tensor(published_averaging(g)).double(),
        lambda g: min(cubic(g), g / (1 - g)), lambda g: np.float64(cubic(g) if g >= 0.25 else g / (1 - g)),
    ],
    "check_multiplier": [
        torch_limit, lambda p: p - math.atanh(p) if abs(p) < 1 else -math.copysign(math.inf, p),
        lambda p: np.float64(p - np.arctanh(p)) if abs(p) < 1 else float("-inf") * p,
    ],
    "check_penalty": [
        lambda kappa, k: kappa**0.5 / abs(k), lambda kappa, k: math.sqrt(kappa / k**2),
        lambda kappa, k: np.sqrt(kappa) / k, lambda kappa, k: kappa.sqrt() / k.abs(),
    ],
}  # fmt: skip

WRONG = {
    "check_envelope": [
        (lambda z, y, lam: lam * y / prox(z, y, lam) ** 2, "lies in"),
        (
            lambda z, y, lam: prox(z, y, lam) ** 2 / (prox(z, y, lam) ** 2 + lam * y),
            "that is the derivative of the prox",
        ),
        (lambda z, y, lam: y / (prox(z, y, lam) ** 2 + y), "differences give"),
        (lambda z, y, lam: lam * y / (z**2 + lam * y), "differences give"),
        (lambda z, y, lam: z - prox(z, y, lam), "not yet"),
        (lambda z, y, lam: 0.5, "differences give"),
        (lambda z, y, lam: None, "wanted one number"),
        (lambda z, y, lam: 1 / 0, "raised ZeroDivisionError"),
        (lambda z, y: 0.5, "raised TypeError"),
        (lambda z, y, lam: [0.1, 0.2], "wanted one number"),
        (lambda z, y, lam: math.nan, "wanted a finite number"),
    ],
    "check_admm": [
        (lambda prox, D, y, t, n: y, "off by"),
        (lambda *a: loop(*a, multiplier=False), "b seems to stay 0"),
        (lambda *a: loop(*a, average=False), "D stands where D_t belongs"),
        (lambda *a: loop(*a, sign=1), "applied to v - b"),
        (lambda *a: loop(*a, order=True), "off by"),
        (lambda *a: loop(*a, multiplier=-1), "grows by u - v"),
        (lambda *a: exercises.admm(*a, "old u")[0], "takes the new u"),
        (lambda *a: exercises.admm(*a, "no sum")[0], "adds up"),
        (lambda *a: exercises.admm(*a, "no multiplier")[0], "v - b, not v"),
        (lambda *a: loop(*a, show=True), "picture to show"),
        (lambda *a: loop(*a, relaxed=True), "off by"),
        (lambda *a: loop(*a[:4], a[4] + 1), "off by"),
        (lambda *a: 3.0, "12 numbers, as many as in the shape (1, 1, 3, 4), and got 1"),
        (lambda *a: (loop(*a), 0), "wanted"),
        (lambda *a: "u", "wanted 12 numbers, and got str"),
        (lambda *a: a[5], "raised IndexError"),
    ],
    "check_bound": [
        (lambda g: 0.33, "does not change its sign"),
        (lambda g: g / (1 - g), "t_0 lies between 0 and 1|look at the cubic|t_1"),
        (cubic, "other case"),
        (largest_averaging, "sharpened bound"),
        (lambda g: 2 * g / (1 + 2 * g), "does not change its sign"),
        (lambda g: published_averaging(g) * 0.99, "does not change its sign"),
        (lambda g: -1.0, "lies between"),
        (lambda g: "a third", "wanted one number"),
    ],
    "check_multiplier": [
        (lambda p: 0.0, "the run ends at"),
        (lambda p: math.atanh(p) - p if abs(p) < 1 else -math.copysign(math.inf, p), "the sign"),
        (lambda p: math.atanh(p) if abs(p) < 1 else 0, "the run ends at"),
        (lambda p: p - math.atanh(p) if abs(p) < 1 else math.copysign(math.inf, p), "falls without end"),
        (lambda p: p - math.atanh(p) if abs(p) < 1 else -math.inf, "rises without end"),
        (lambda p: p - math.atanh(p) if abs(p) < 1 else math.nan, "wanted a number"),
        (lambda p: p - math.atanh(p), "(called with 1)"),
        (lambda p: p - math.atanh(p) if abs(p) < 1 else None, "wanted one number"),
        (lambda p: p - math.atanh(p) if abs(p) < 1 else (0.0 if abs(p) == 1 else -math.copysign(math.inf, p)), "falls"),
    ],
    "check_penalty": [
        (lambda kappa, k: 1.0, "multiplies the error"),
        (lambda kappa, k: kappa**0.5, "multiplies the error"),
        (lambda kappa, k: kappa**0.5 * k, "multiplies the error"),
        (lambda kappa, k: kappa / k**2, "multiplies the error"),
        (lambda kappa, k: (kappa + 1 / k**2) / 2, "multiplies the error"),
        (lambda kappa, k: 0.0, "positive"),
        (lambda kappa, k: math.inf, "finite"),
        (lambda kappa, k: 1.005 * kappa**0.5 / k, "nearly"),
        (lambda kappa, k: kappa.nothing, "raised"),
    ],
}
