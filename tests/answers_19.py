"""Right and wrong answers to the exercises of notebook 19."""

import numpy as np
import torch


def costs(m, alpha):
    return m * (1 / m) ** alpha, 2 * (1 / m) ** alpha


def keep(h, v, weight, beta):
    large = h**2 + v**2 > weight / beta
    return h * large, v * large


def soft(h, v, weight, beta):
    shrink = (1 - weight / beta / (2 * (h**2 + v**2).sqrt())).clamp_min(0)
    return h * shrink, v * shrink


def kernel(xs, ys, ridge):
    above = sum(x.conj() * y for x, y in zip(xs, ys, strict=True))
    return above / (sum(x.abs() ** 2 for x in xs) + ridge)


def ratio(estimated, known):
    return 10 ** ((known - estimated) / 10)


RIGHT = {
    "check_costs": [
        costs,
        lambda m, a: np.array(costs(m, a)),
        lambda m, a: [torch.tensor(c, dtype=torch.float64) for c in costs(m, a)],
    ],
    "check_keep": [
        keep,
        lambda h, v, w, b: torch.stack(keep(h, v, w, b)),
        lambda h, v, w, b: [torch.where(torch.hypot(h, v) > (w / b) ** 0.5, p, 0.0) for p in (h, v)],
    ],
    "check_kernel": [
        kernel,
        lambda xs, ys, r: (
            (torch.stack(xs).conj() * torch.stack(ys)).sum(0) / (torch.stack(xs).abs().square().sum(0) + r)
        ),
        lambda xs, ys, r: kernel(xs, ys, r).numpy(),
    ],
    "check_ratio": [
        ratio,
        lambda e, k: np.float64(ratio(e, k)),
        lambda e, k: torch.tensor(ratio(e, k), dtype=torch.float64),
    ],
}
WRONG = {
    "check_costs": [
        (lambda m, a: (1.0, 2 * m**-a), "the sharp edge"),
        (lambda m, a: (m**-a, 2 * m**-a), "m differences"),
        (lambda m, a: (m ** (1 - a), 2.0), "the sharp line"),
        (lambda m, a: (m ** (1 - a), m**-a), "two sides"),
        (lambda m, a: (0.0, 0.0), "the edge costs"),
        (lambda m, a: (m ** (1 - a), 7.0), "the line costs"),
    ],
    "check_keep": [
        (lambda h, v, w, b: (h, v), "differs"),
        (lambda h, v, w, b: (h * (h**2 > w / b), v * (v**2 > w / b)), "one pair"),
        (soft, "shrinks what it keeps"),
        (lambda h, v, w, b: keep(h, v, w * b, 1.0), "comparison is with weight / beta"),
        (lambda h, v, w, b: keep(h, v, (w / b) ** 2, 1.0), "square of the length"),
        (lambda h, v, w, b: tuple(p - q for p, q in zip((h, v), keep(h, v, w, b), strict=True)), "other way round"),
    ],
    "check_kernel": [
        (lambda xs, ys, r: kernel([x.conj() for x in xs], ys, r), "conjugate is missing"),
        (lambda xs, ys, r: kernel(xs, ys, 0.0), "without the ridge"),
        (lambda xs, ys, r: sum(kernel([x], [y], r) for x, y in zip(xs, ys, strict=True)), "sum first"),
        (lambda xs, ys, r: kernel(xs, ys, r).conj(), "belongs to x"),
        (lambda xs, ys, r: 2 * kernel(xs, ys, r), "differs"),
        (lambda xs, ys, r: xs[0][0], "one transform"),
    ],
    "check_ratio": [
        (lambda e, k: 1 / ratio(e, k), "upside down"),
        (lambda e, k: ratio(e, k) ** 0.5, "root mean squares"),
        (lambda e, k: k / e, "logarithms"),
        (lambda e, k: k - e, "in decibels"),
        (lambda e, k: 5.0, "is a ratio of"),
    ],
}  # fmt: skip
