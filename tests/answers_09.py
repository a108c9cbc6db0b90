"""Right and wrong answers to the exercises of notebook 09."""

import math

import numpy as np
import torch


def odd(n, delta):
    p = math.ceil(math.log(10 * n**0.5) / -math.log(1 - delta))
    return p + 1 - p % 2


def twice(D, x, v):
    x = x.detach().requires_grad_(True)
    w = torch.zeros_like(x).requires_grad_(True)
    (jt_of_w,) = torch.autograd.grad(D(x), x, w, create_graph=True)
    return torch.autograd.grad(jt_of_w, w, v)[0]


def forgotten(D, x, v):
    x = x.detach().requires_grad_(True)
    w = torch.zeros_like(x).requires_grad_(True)
    (jt_of_w,) = torch.autograd.grad(D(x), x, w)
    return torch.autograd.grad(jt_of_w, w, v)[0]


def backwards(D, x, v):
    x = x.detach().requires_grad_(True)
    return torch.autograd.grad(D(x), x, v)[0]


RIGHT = {
    "check_ends": [
        lambda k, eps: ((eps - 1 - k) / (1 - k), (1 - eps - k) / (1 - k)),
        lambda k, eps: np.array([-(1 - eps) - k, (1 - eps) - k]) / (1 - k),
        lambda k, eps: torch.stack([(eps - 1 - k) / (1 - k), 1 - eps / (1 - k)]),
        lambda k, eps: [(eps - 1 - k) / (1 - k), torch.tensor(1 - eps / (1 - k))],
    ],
    "check_products": [
        odd,
        lambda n, delta: next(p for p in range(1, 10**5, 2) if (10 * n**0.5) ** (-1 / p) >= 1 - delta),
        lambda n, delta: np.int64(odd(n, delta)),
        lambda n, delta: torch.tensor(float(odd(n, delta))),
    ],
    "check_product": [
        twice,
        lambda D, x, v: twice(D, x, v).numpy(),
        lambda D, x, v: torch.func.jvp(D, (x,), (v,))[1],
        lambda D, x, v: torch.autograd.functional.jvp(D, x, v)[1],
    ],
}
WRONG = {
    "check_ends": [
        (lambda k, eps: (0.0, 1.0), "the lower end"),
        (lambda k, eps: (eps - 1, 1 - eps), "the lower end"),
        (lambda k, eps: (-(1 + k) / (1 - k), 1.0), "the lower end"),
        (lambda k, eps: ((eps - 1 - k) / (1 - k), 1 - eps), "the upper end"),
        (lambda k, eps: ((1 - eps - k) / (1 - k), (eps - 1 - k) / (1 - k)), "the lower end"),
        (lambda k, eps: ((eps - 1 - k), (1 - eps - k)), "the lower end"),
        (lambda k, eps: (1 - eps - k) / (1 - k), "return 2 numbers"),
        (lambda k, eps: None, "return 2 numbers"),
    ],
    "check_products": [
        (lambda n, delta: 1, "not enough"),
        (lambda n, delta: math.log(10 * n**0.5) / -math.log(1 - delta), "an odd number"),
        (lambda n, delta: math.ceil(math.log(10 * n**0.5) / -math.log(1 - delta)), "an odd number"),
        (lambda n, delta: odd(n, delta) + 2, "fewer than"),
        (lambda n, delta: odd(n, delta) - 2, "not enough"),
        (lambda n, delta: 2 * odd(n, delta) + 1, "fewer than"),
        (lambda n, delta: 2 * math.floor(math.log(10 * n**0.5) / delta / 2) + 1, "enough"),
        (lambda n, delta: 2 * math.floor(math.log(10 * n) / -math.log(1 - delta) / 2) + 1, "fewer than"),
        (lambda n, delta: "many", "got str"),
    ],
    "check_product": [
        (lambda D, x, v: 0 * v, "difference quotient"),
        (backwards, "the transposed matrix"),
        (lambda D, x, v: D(v), "difference quotient"),
        (lambda D, x, v: D(x + v) - D(x), "difference quotient"),
        (lambda D, x, v: twice(D, 0 * x, v), "difference quotient"),
        (lambda D, x, v: -twice(D, x, v), "difference quotient"),
        (lambda D, x, v: (twice(D, x, v) + backwards(D, x, v)) / 2, "difference quotient"),
        (forgotten, "raised RuntimeError"),
        (lambda D, x, v: twice(D, x, v).sum(), "wanted 12 numbers"),
    ],
}
