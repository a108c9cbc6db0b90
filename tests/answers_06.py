"""Right and wrong answers to the exercises of notebook 06."""

import numpy as np
import torch

from pnp_course.toy.conditions import LADDER

NAMES = [c.name for c in LADDER]


def ishikawa(T, x, beta, count, mann=False, outer_w=False, tail=0):
    points = [x]
    for _ in range(count + tail):
        w = (1 - beta) * points[-1] + beta * (T @ points[-1])
        points.append(w if mann else (1 - beta) * (w if outer_w else points[-1]) + beta * (T @ w))
    return points


def with_numpy(T, x, beta, count):
    T, points = np.asarray(T), [np.asarray(x)]
    for _ in range(count):
        w = points[-1] + beta * (T.dot(points[-1]) - points[-1])
        points += [points[-1] + beta * (T.dot(w) - points[-1])]
    return np.array(points)


def rungs(J, tolerance=1e-9, normal=lambda J: bool(torch.allclose(J @ J.T, J.T @ J))):
    return [c.name for c in LADDER if c.margin(J) >= -tolerance], normal(J)


def by_eigenvalues(J):
    z = torch.linalg.eigvals(J)
    return [c.name for c in LADDER if (c.at(z) >= -1e-9).all()], bool(torch.allclose(J @ J.T, J.T @ J))


def by_norm(J):
    def holds(c):
        if c.half_plane:
            values = np.linalg.eigvalsh(((J + J.T) / 2).numpy())
            return values.max() <= 1 + 1e-8 if c.family == "pseudo-contractive" else values.min() >= -1e-8
        return float(c.norm(J)) <= 1 + 1e-8

    return {c.name for c in LADDER if holds(c)}, np.allclose(J @ J.T, J.T @ J)


RIGHT = {
    "check_constants": [
        lambda z: ((abs(z) ** 2 - 1) / abs(1 - z) ** 2, z.real / abs(z) ** 2),
        lambda z: np.array([(np.abs(z) ** 2 - 1) / np.abs(1 - z) ** 2, np.real(1 / z)]),
        lambda z: torch.stack([(z.abs() ** 2 - 1) / (1 - z).abs() ** 2, z.real / z.abs() ** 2]),
        lambda z: [((z * z.conjugate() - 1) / ((1 - z) * (1 - z).conjugate())), (1 / z).real],
        lambda z: (
            (torch.tensor(z).abs() ** 2 - 1) / (1 - torch.tensor(z)).abs() ** 2,  # complex64
            torch.tensor(z).real / torch.tensor(z).abs() ** 2,
        ),
    ],
    "check_largest_step": [
        lambda L, k, weight: 2 / (weight * L + 2 / (1 - k)),
        lambda L, k, weight: np.float32(2 * (1 - k) / (weight * L * (1 - k) + 2)),
        lambda L, k, weight: torch.tensor([2.0]) / (weight * L + 2 / (1 - k)),
    ],
    "check_two_steps": [
        ishikawa,
        with_numpy,
        lambda *a: torch.stack(ishikawa(*a)),
        lambda *a: [p.tolist() for p in ishikawa(*a)],
    ],
    "check_rungs": [rungs, by_norm, lambda J: (tuple(rungs(J)[0]), torch.tensor(rungs(J)[1]))],
}
WRONG = {
    "check_constants": [
        (lambda z: (0.0, 0.0), "pairs of points give k"),
        (lambda z: (abs(z), z.real / abs(z) ** 2), "pairs of points give k"),
        (lambda z: ((abs(z) ** 2 - 1) / abs(1 - z), z.real / abs(z) ** 2), "pairs of points give k"),
        (lambda z: ((1 - abs(z) ** 2) / abs(1 - z) ** 2, z.real / abs(z) ** 2), "pairs of points give k"),
        (lambda z: ((abs(z) ** 2 - 1) / abs(1 - z) ** 2, 1 / abs(z)), "give gamma"),
        (lambda z: ((abs(z) ** 2 - 1) / abs(1 - z) ** 2, z.real / abs(z)), "give gamma"),
        (lambda z: ((abs(z) ** 2 - 1) / abs(1 - z) ** 2, max(z.real, 0) / abs(z) ** 2), "give gamma"),
        (lambda z: (z.real / abs(z) ** 2, (abs(z) ** 2 - 1) / abs(1 - z) ** 2), "pairs of points give k"),
        (lambda z: (abs(z) ** 2 - 1) / abs(1 - z) ** 2, "return 2 numbers, k and gamma"),
        (lambda z: (z, z), "real number"),
        (lambda z: None, "return 2 numbers"),
        (lambda z: ("k", "gamma"), "got str"),
    ],
    "check_largest_step": [
        (lambda L, k, weight: 1.0, "too"),
        (lambda L, k, weight: 2 / (L + 2 / (1 - k)), "too"),
        (lambda L, k, weight: 2 / (weight * L + 2), "too"),
        (lambda L, k, weight: 2 / (weight * L + 1 / (1 - k)), "too large"),
        (lambda L, k, weight: 1 / (weight * L + 2 / (1 - k)), "too small"),
        (lambda L, k, weight: 2 / (weight * L), "too large"),
        (lambda L, k, weight: min(2 / (weight * L), 1 - k), "too"),
        (lambda L, k, weight: 2 * (weight * L + 2 / (1 - k)), "too"),
        (lambda L, k, weight: -1.0, "positive"),
        (lambda L, k, weight: "mu", "got str"),
    ],
    "check_two_steps": [
        (lambda T, x, beta, count: [x] * (count + 1), "is not Ishikawa's"),
        (lambda *a: ishikawa(*a, mann=True), "Mann's iteration"),
        (lambda *a: ishikawa(*a, outer_w=True), "from x, not from w"),
        (lambda *a: ishikawa(*a)[1:], "the start included"),
        (lambda *a: ishikawa(*a, tail=1), "the start included"),
        (lambda *a: ishikawa(*a)[-1], "the start included|wanted"),
        # only the first and the last norm are those of Ishikawa's
        (lambda T, x, b, n: [x, *([0 * x] * (n - 1)), ishikawa(T, x, b, n)[-1]][: n + 1], "is not Ishikawa's"),
        (lambda T, x, b, n: ishikawa(T.T, x, b, n), "is not Ishikawa's"),
        (lambda T, x, b, n: [x * (0.99 if b < 0.3 else 1.01) ** j for j in range(n + 1)], "is not Ishikawa's"),
        (lambda T, x, b, n: ishikawa(T, x, 1 - b, n), "is not Ishikawa's"),
        (lambda T, x, b, n: [float(p.norm()) for p in ishikawa(T, x, b, n)], "numbers"),
        (lambda T, x, b, n: 3, "return a list"),
        (lambda T, x, b, n: T.nothing, "raised AttributeError"),
    ],
    "check_rungs": [
        (lambda J: ([], True), "is nonexpansive|is firmly"),
        (lambda J: (NAMES, True), "is not"),
        (by_eigenvalues, "median of 3 is not|J_eta"),
        (lambda J: rungs(J, tolerance=-1e-12), "allowed for rounding"),
        (lambda J: rungs(J, normal=lambda J: bool(torch.allclose(J, J.T))), "one-sided average is normal"),
        (lambda J: rungs(J, normal=lambda J: True), "is not normal"),
        (lambda J: (rungs(J)[0][:1], rungs(J)[1]), "the 3 x 3 mean is"),
        (lambda J: rungs(J.T @ J), "is"),
        (lambda J: rungs(J)[0], "return two things|not a name"),
        (lambda J: (["firm"], True), "not a name of LADDER"),
        (lambda J: None, "return two things"),
    ],
}
