"""Right and wrong answers to the exercises of notebook 15."""

import math

import numpy as np
import torch


def bootstrap(a, b, draws=4000):
    difference, generator = np.asarray(a) - np.asarray(b), np.random.default_rng(5)
    means = difference[generator.integers(0, len(difference), (draws, len(difference)))].mean(1)
    return np.quantile(means, [0.025, 0.975])


def normal(a, b):
    difference = torch.as_tensor(a - b)
    half = 1.96 * difference.std() / math.sqrt(len(a))
    return difference.mean() - half, difference.mean() + half


def separately(a, b):
    generator = np.random.default_rng(5)
    draws = generator.integers(0, len(a), (2, 4000, len(a)))
    return np.quantile(a[draws[0]].mean(1) - b[draws[1]].mean(1), [0.025, 0.975])


def line(changes, bound):
    slope, start = np.polyfit(np.arange(1, len(changes) + 1), np.log(changes), 1)
    return (math.log(bound) - start) / slope


def two_points(changes, bound):
    rate = (changes[-1] / changes[0]) ** (1 / (len(changes) - 1))
    return len(changes) + math.log(bound / changes[-1]) / math.log(rate)


RIGHT = {
    "check_counts": [
        lambda peak, mean: 10 * math.log10(peak / mean),
        lambda peak, mean: -10 * np.log10(mean / peak),
        lambda peak, mean: 10 * torch.log10(torch.tensor(peak / mean).double()),
    ],
    "check_chosen": [
        lambda tuning, test: test[tuning.mean(1).argmax()].mean(),
        lambda tuning, test: torch.as_tensor(test).mean(1)[torch.as_tensor(tuning).sum(1).argmax()],
        lambda tuning, test: float(np.mean(list(test[int(np.argmax([sum(row) for row in tuning]))]))),
    ],
    "check_interval": [bootstrap, normal, lambda a, b: list(bootstrap(a, b))],
    "check_rest": [line, two_points, lambda changes, bound: math.ceil(line(changes, bound))],
}
WRONG = {
    "check_counts": [
        (lambda peak, mean: 10 * math.log10(peak * mean), "signal-to-noise"),
        (lambda peak, mean: 20 * math.log10(peak / mean), "nearly"),
        (lambda peak, mean: 10 * math.log10(peak), "variance"),
        (lambda peak, mean: None, "return"),
        (lambda peak, mean: math.log10(peak / mean), "you say"),
    ],
    "check_chosen": [
        (lambda tuning, test: test.mean(1).max(), "too good to be true"),
        (lambda tuning, test: test.max(0).mean(), "anew for each"),
        (lambda tuning, test: tuning.mean(1).max(), "on the tuning pictures"),
        (lambda tuning, test: test.mean(), "you say"),
        (lambda tuning, test: test[0].mean(), "you say"),
    ],
    "check_interval": [
        (separately, "separately"),
        (lambda a, b: np.quantile(a - b, [0.025, 0.975]), "one picture"),
        (lambda a, b: bootstrap(b, a), "not about it"),
        (lambda a, b: bootstrap(a, b)[::-1], "low end"),
        (lambda a, b: 0.3, "2 numbers"),
        (lambda a, b: (np.mean(a - b) - 0.01, np.mean(a - b) + 0.01), "wide"),
    ],
    "check_rest": [
        (lambda changes, bound: len(changes), "straight line"),
        (lambda changes, bound: line(changes, bound) - 50, "still to come"),
        (lambda changes, bound: int(np.argmax(changes < bound)), "straight line"),
        (lambda changes, bound: len(changes) * changes[-1] / bound, "straight line"),
        (lambda changes, bound: "soon", "got str"),
    ],
}
