"""Right and wrong answers to the exercises of notebook 17."""

import math

import numpy as np


def counted(f):
    count = 0

    def g(x):
        nonlocal count
        count += 1
        return f(x)

    return g, lambda: count


def with_a_list(f):
    seen = []

    def g(*x):
        seen.append(1)
        return f(*x)

    return g, seen.__len__


SHARED = []


def shared(f):
    SHARED.clear()

    def g(x):
        SHARED.append(1)
        return f(x)

    return g, lambda: len(SHARED)


def returns_nothing(f):
    count = 0

    def g(x):
        nonlocal count
        count += 1

    return g, lambda: count


def twice(f):
    g, count = counted(f)
    return g, lambda: 2 * count()


RIGHT = {
    "check_counted": [counted, with_a_list, lambda f: list(with_a_list(f))],
    "check_overhead": [
        lambda n1, s1, n2, s2, calls, network: (s2 - s1) / (n2 - n1) - calls * network,
        lambda n1, s1, n2, s2, calls, network: np.polyfit([n1, n2], [s1, s2], 1)[0] - calls * network,
        lambda n1, s1, n2, s2, calls, network: (s2 - s1 - (n2 - n1) * calls * network) / (n2 - n1),
    ],
    "check_near": [
        lambda psnr, gap: int((psnr >= psnr.max() - gap).argmax()) + 1,
        lambda psnr, gap: next(k for k, p in enumerate(psnr, 1) if p >= max(psnr) - gap),
        lambda psnr, gap: np.flatnonzero(psnr >= psnr.max() - gap)[0] + 1,
    ],
    "check_weight": [
        lambda t, lam, new: lam * new / t,
        lambda t, lam, new: np.float64(new) / (t / lam),
        lambda t, lam, new: math.exp(math.log(lam / t) + math.log(new)),
    ],
}
WRONG = {
    "check_counted": [
        (shared, "share one number"),
        (returns_nothing, "unchanged"),
        (twice, "after 1 calls"),
        (lambda f: (f, lambda: 0), "after 1 calls"),
        (lambda f: f, "two functions"),
        (lambda f: (f, 0), "both have to be functions"),
    ],
    "check_overhead": [
        (lambda n1, s1, n2, s2, calls, network: s2 / n2 - calls * network, "at its start"),
        (lambda n1, s1, n2, s2, calls, network: (s2 - s1) / (n2 - n1), "nearly"),
        (lambda n1, s1, n2, s2, calls, network: (s2 - s1) / (n2 - n1) - network, "calls the network 2 times"),
        (lambda n1, s1, n2, s2, calls, network: s2 - n2 * calls * network, "are left"),
        (lambda n1, s1, n2, s2, calls, network: None, "return"),
    ],
    "check_near": [
        (lambda psnr, gap: int(psnr.argmax()) + 1, "where the best is"),
        (lambda psnr, gap: int((psnr >= psnr.max() - gap).argmax()), "nearly"),
        (lambda psnr, gap: int((psnr >= psnr[-1] - gap).argmax()) + 1, "end of the run"),
        (lambda psnr, gap: 1, "you say"),
        (lambda psnr, gap: None, "return"),
    ],
    "check_weight": [
        (lambda t, lam, new: lam * t / new, "other way round"),
        (lambda t, lam, new: lam, "balance moves"),
        (lambda t, lam, new: lam * (1 + new) / (1 + t), "not (1 + t)"),
        (lambda t, lam, new: new, "you say"),
        (lambda t, lam, new: "less", "got str"),
    ],
}
