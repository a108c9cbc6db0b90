"""Right and wrong answers to the exercises of notebook 07."""

import math
from itertools import pairwise

import numpy as np
import torch


def box(J, half=0.5):
    ends = torch.linalg.eigvalsh((J + J.T) / 2)
    return ends[0], ends[-1], torch.linalg.matrix_norm((J - J.T) * half, 2)


def box_with_numpy(J):
    J = J.numpy()
    real, imaginary = np.linalg.eigvalsh((J + J.T) / 2), np.linalg.eigvals((J - J.T) / 2).imag
    return np.array([real.min(), real.max(), imaginary.max()])


def of_eigenvalues(J):
    z = torch.linalg.eigvals(J)
    return z.real.min(), z.real.max(), z.imag.max()


def walk(V, corner, e, f, n=64, back=True, signs=(1, 1, -1, -1), midpoint=0.5):
    total = 0.0
    sides = [(corner, e, signs[0]), (corner + e, f, signs[1]), (corner + f, e, signs[2]), (corner, f, signs[3])]
    for start, side, sign in sides[: 4 if back else 2]:
        for i in range(n):
            total += sign * float(V(start + (i + midpoint) / n * side) @ side) / n
    return total


def walk_by_trapezoid(V, corner, e, f, n=100):
    corners = torch.stack([corner, corner + e, corner + e + f, corner + f, corner])
    total = 0
    for a, b in pairwise(corners):
        values = V(a + torch.linspace(0, 1, n + 1).double()[:, None] * (b - a)) @ (b - a)
        total = total + torch.trapezoid(values, dx=1 / n)
    return total


def wave(b, k):
    along = k * (k @ b) / (k @ k)
    return along, b - along


def wave_with_numpy(b, k):
    b, k = b.numpy(), k.numpy()
    projector = np.outer(k, k) / np.dot(k, k)
    return [projector @ b, (np.eye(len(k)) - projector) @ b]


def kappa(t, lam, mu, epsilon):
    return (1 - lam) * math.hypot(1 - t + t * mu, t * epsilon)


def share(lin, v, factor=0.5, base="J"):
    jv, jtv = lin.j(v), lin.jt(v)
    below = jv if base == "J" else (jv + jtv) / 2
    return float(((jv - jtv) * factor).square().sum() / below.square().sum())


def share_with_numpy(lin, v):
    jv, jtv = lin.j(v).numpy(), lin.jt(v).numpy()
    return np.mean((jv - jtv) ** 2) / np.mean(jv**2) / 4


def share_of_two_halves(lin, v):
    """||H||_F^2 = (||J||_F^2 - tr J^2) / 2, with other random vectors than the given ones."""
    w = torch.randn(v.shape, dtype=v.dtype, generator=torch.Generator().manual_seed(9))
    jw = lin.j(w)
    return (1 - (lin.jt(w) * jw).sum() / jw.square().sum()) / 2


RIGHT = {
    "check_box": [box, box_with_numpy, lambda J: [float(v) for v in box(J)]],
    "check_walk": [walk, walk_by_trapezoid, lambda *a: np.float32(walk(*a, n=200))],
    "check_wave": [wave, wave_with_numpy, lambda b, k: torch.stack(wave(b, k)).tolist()],
    "check_settles": [
        lambda *a: kappa(*a) < 1,
        lambda t, lam, mu, eps: np.hypot(1 - t + t * mu, t * eps) < 1 / (1 - lam),
        lambda t, lam, mu, eps: torch.tensor((1 - t + t * mu) ** 2 + (t * eps) ** 2) * (1 - lam) ** 2 < 1,
        lambda t, lam, mu, eps: abs((1 - lam) * complex(1 - t + t * mu, t * eps)) < 1,
    ],
    "check_share": [share, share_with_numpy, share_of_two_halves],
}
WRONG = {
    "check_box": [
        (lambda J: (0.0, 0.0, 0.0), "an eigenvalue of a 3 x 3 matrix"),
        (of_eigenvalues, "S and H give"),
        (lambda J: box(J, 1.0), "half of J - J"),
        (lambda J: (box(J)[1], box(J)[0], box(J)[2]), "an eigenvalue"),
        (lambda J: (-box(J)[1], box(J)[1], box(J)[2]), "S and H give the lowest"),
        (lambda J: (*box(J)[:2], torch.linalg.matrix_norm((J - J.T) / 2)), "S and H give the highest imaginary"),
        (lambda J: (-(n := torch.linalg.matrix_norm(J, 2)), n, n), "S and H give"),
        (lambda J: box(J)[:2], "return 3 numbers"),
        (lambda J: None, "return 3 numbers"),
        (lambda J: torch.linalg.eigvalsh(J + J.H.nothing), "raised AttributeError"),
    ],
    "check_walk": [
        (lambda V, corner, e, f: 0.0, "the library finds"),
        (lambda *a: walk(*a, back=False), "walk back to the corner"),
        (lambda *a: walk(*a, signs=(1, 1, 1, 1)), "along -e and -f"),
        (lambda *a: -walk(*a), "the other way round"),
        (lambda V, c, e, f: walk(V, c, f, e), "the other way round"),
        (lambda *a: walk(*a) / 4, "the library finds"),
        (lambda *a: walk(*a, n=2, midpoint=0.0), "the library finds"),
        (lambda V, c, e, f: walk(V, c, e / e.norm(), f / f.norm()), "the library finds"),
        (lambda V, c, e, f: V(c) @ e, "the library finds"),
        (lambda V, c, e, f: V(c), "wanted one number"),
    ],
    "check_wave": [
        (lambda b, k: (b, 0 * b), "does not lie along k"),
        (lambda b, k: (0 * b, b), "not at right angles"),
        (lambda b, k: wave(b, k)[::-1], "the part along k comes first"),
        (lambda b, k: (k * (k @ b), b - k * (k @ b)), "not at right angles"),
        (lambda b, k: (k * (k @ b) / k.norm(), b - k * (k @ b) / k.norm()), "not at right angles"),
        (lambda b, k: (b * (k @ b) / (k @ k), b - b * (k @ b) / (k @ k)), "not at right angles"),
        (lambda b, k: (wave(b, k)[0], b), "do not add up"),
        (lambda b, k: wave(b, k)[0], "wanted 4 numbers"),
        (lambda b, k: (k @ b) / (k @ k), "wanted 4 numbers"),
    ],
    "check_settles": [
        (lambda *a: True, "leaves c"),
        (lambda *a: False, "settles at c"),
        (lambda t, lam, mu, eps: kappa(1, lam, mu, eps) < 1, "settles at c"),
        (lambda t, lam, mu, eps: kappa(t, 0, mu, eps) < 1, "settles at c"),
        (lambda t, lam, mu, eps: kappa(t, lam, mu, 0) < 1, "leaves c"),
        (lambda t, lam, mu, eps: (1 - lam) * math.hypot(t * mu, t * eps) < 1, "leaves c"),
        (lambda t, lam, mu, eps: (1 - lam) * math.hypot(1 - t + t * mu, eps) < 1, "settles at c"),
        (lambda t, lam, mu, eps: (1 - lam) * (1 - t + t * mu + t * eps) < 1, "settles at c"),
        (lambda *a: kappa(*a) > 1, "settles at c|leaves c"),
        (lambda *a: kappa(*a), "return True or False"),
        (lambda *a: None, "is there a return"),
    ],
    "check_share": [
        (lambda lin, v: 0.0, "the matrix has the share"),
        (lambda lin, v: share(lin, v, factor=1.0), "factor 1/4"),
        (lambda lin, v: share(lin, v) ** 0.5, "of their squares"),
        (lambda lin, v: 1 - share(lin, v), "the share of S"),
        (lambda lin, v: share(lin, v, base="S"), "not of H and S"),
        (
            lambda lin, v: (
                ((lin.j(v) - lin.jt(v)) / 2).flatten(1).square().sum(1).div(lin.j(v).flatten(1).square().sum(1)).mean()
            ),
            "the mean of the quotients",
        ),
        (lambda lin, v: (lin.j(v) - lin.jt(v)).square().sum(), "the matrix has the share"),
        (lambda lin, v: lin.j(v), "wanted one number"),
        (lambda lin, v: lin.j(), "raised TypeError"),
    ],
}
