"""Every rule against its theorem, written down a second time from the spectrum: random constants and parameters.

The theorems are restated here by what they ask of the eigenvalues j of D_t, with Hess F = 1/j - 1, and not by the formulas
of the package. Three things are asked of each: the two agree at random points; each hypothesis alone can be what fails;
and both change sides at the same place on the way from a point within to a point without.
"""

import random
from types import SimpleNamespace

import pytest
import torch

from pnp_course.guarantees import RULES, Constants, guarantee

X = torch.zeros(1, 1, 4, 4)


def averaged(z, low, high):
    """Smallest and largest eigenvalue of t D + (1 - t) I, that of D between low and high."""
    return 1 - z.t + z.t * low, 1 - z.t + z.t * high


def symmetric(z):
    return z.asymmetry < 0.01


def convex(z):
    return [symmetric(z), z.firm <= 1]


def known(z):
    return [z.gradient_step, symmetric(z)]


def modulus(j):
    """Of weak convexity, from the largest eigenvalue j of the proximal operator."""
    return max(0.0, 1 - 1 / j)


def prox_pnp_pgd(z):
    low, high = averaged(z, z.bottom, z.top)
    return [*known(z), low > 0, z.lam * z.lipschitz + modulus(high) < 2]


def alpha_pgd(z):
    return [*known(z), z.bottom > 0, modulus(z.top) < z.alpha, z.alpha < 1 / (z.lam * z.lipschitz)]


def prox_pnp_drs(z):
    low, high = averaged(z, z.bottom, z.top)
    return [*known(z), low > 0 and 1 / low - 1 < 1, modulus(high) < 0.5]


def prox_pnp_drsdiff(z):
    return [*known(z), averaged(z, z.bottom, z.top)[0] > 0, z.lam * z.lipschitz < 1]


def coco_admm(z):
    low, high = averaged(z, min(z.bottom, 0), max(z.top, 1))
    if z.top <= 1:
        return [symmetric(z), low > 0]
    return [symmetric(z), low > 0 and 1 / low - 1 < 1, modulus(high) < 0.5]


def coco_pegd(z):
    low, high = averaged(z, min(z.bottom, 0), max(z.top, 1))
    return [symmetric(z), low > 0, z.step < 2 - modulus(high)]


def exponents(z):
    return [z.b > 0, z.b <= z.a, z.a + z.b <= 1]


THEOREMS = {
    "pgd": lambda z: [*convex(z), z.step * z.lam < 2 / z.lipschitz],
    "fista": lambda z: [*convex(z), z.step * z.lam <= 1 / z.lipschitz],
    "admm": convex,
    "drs": convex,
    "primal_dual": lambda z: [*convex(z), z.step * z.sigma_dual <= 1 / z.norm_squared],
    "rmmo_drs": lambda z: [z.firm <= 1],
    "gs_pnp_pgd": lambda z: [z.gradient_step],
    "b_red": lambda z: [z.gradient_step, z.backtracking],
    "prox_pnp_pgd": prox_pnp_pgd,
    "alpha_pgd": alpha_pgd,
    "prox_pnp_drs": prox_pnp_drs,
    "prox_pnp_drsdiff": prox_pnp_drsdiff,
    "pnpi_hqs": lambda z: [z.strict <= 1, (1 - z.k) / z.t >= 0.5, *exponents(z)],
    "pnpi_fbs": lambda z: [
        z.strict <= 1,
        z.lam < 2 / z.lipschitz,
        (1 - z.k) / z.t >= z.lam * z.lipschitz / 2,
        *exponents(z),
    ],
    "pnpi_gd": lambda z: [z.top <= 1, *exponents(z)],
    "coco_admm": coco_admm,
    "coco_pegd": coco_pegd,
    "red": lambda z: [symmetric(z), z.lam * z.lipschitz + 1 - min(z.bottom, 0) < 2 / z.step],
    "red_fixed_point": lambda z: [symmetric(z), z.bottom > -1],
}
CONSTANTS = {
    "bottom": (-1.3, 0.4), "top": (0.5, 4.5), "asymmetry": (0.0, 0.02), "norm": (0.0, 2.0), "residual": (0.0, 2.0),
    "firm": (0.8, 1.2), "quarter": (0.8, 1.2), "strict": (0.9, 1.1), "k": (0.3, 0.95),
}  # fmt: skip
PARAMETERS = {  # within what the solvers accept, on both sides of what the theorems ask
    "lam": (0.1, 3.0), "step": (0.05, 1.9), "sigma_dual": (0.1, 1.5), "t": (0.02, 1.0), "alpha": (0.05, 1.0),
    "relaxation": (0.1, 1.9), "c": (0.05, 0.45), "eta": (0.1, 0.9), "a": (0.0, 0.9), "b": (0.0, 0.6), "cap": (0.01, 0.5),
    "largest": (0.5, 2.0), "smallest": (1e-8, 1e-3),
}  # fmt: skip
OTHER = {"lipschitz": (0.1, 2.5), "norm_squared": (0.3, 9.0)}
SWITCHES = ("gradient_step", "backtracking")
USED = {  # the keyword parameters of each solver that are passed
    "pgd": "lam step", "fista": "lam step", "admm": "lam", "drs": "lam relaxation", "rmmo_drs": "lam",
    "primal_dual": "lam step sigma_dual linear", "gs_pnp_pgd": "lam step c eta smallest",
    "b_red": "lam step largest backtracking c eta", "prox_pnp_pgd": "lam t", "alpha_pgd": "lam alpha",
    "prox_pnp_drs": "lam t", "prox_pnp_drsdiff": "lam t", "pnpi_hqs": "lam t a b", "pnpi_fbs": "lam t a b",
    "pnpi_gd": "lam a b cap", "coco_admm": "lam t", "coco_pegd": "lam t step", "red": "lam step", "red_fixed_point": "lam",
}  # fmt: skip


def draw(rng):
    ranges = CONSTANTS | PARAMETERS | OTHER
    numbers = {name: rng.uniform(*ranges[name]) for name in ranges}
    numbers["b"] *= rng.random() < 0.8  # an exponent of 0 is no schedule
    return SimpleNamespace(**numbers, **{name: rng.random() < 0.8 for name in SWITCHES})


def covered(solver, z):
    constants = Constants(**{name: getattr(z, name) for name in CONSTANTS}, gradient_step=z.gradient_step)
    fidelity = SimpleNamespace(lipschitz=lambda x: z.lipschitz, exact_prox=True)
    z.linear = SimpleNamespace(norm_squared=z.norm_squared)
    given = {name: getattr(z, name) for name in USED[solver].split()}
    return guarantee(solver, constants, fidelity, X, **given).covered


def between(inside, outside, s):
    mixed = {n: (1 - s) * v + s * vars(outside)[n] for n, v in vars(inside).items() if isinstance(v, float)}
    return SimpleNamespace(**{n: getattr(outside, n) for n in SWITCHES}, **mixed)


def test_every_rule_that_is_checked_is_restated():
    assert set(THEOREMS) == {name for name, rule in RULES.items() if rule.check}


@pytest.mark.parametrize("solver", THEOREMS)
def test_rule_and_theorem_agree_on_both_sides_of_every_inequality(solver):
    rng, theorem = random.Random(solver), THEOREMS[solver]
    points = [draw(rng) for _ in range(3000)]
    found = [theorem(z) for z in points]
    for z, hypotheses in zip(points, found, strict=True):
        assert covered(solver, z) == all(hypotheses), (vars(z), hypotheses)
    inside = [z for z, hypotheses in zip(points, found, strict=True) if all(hypotheses)]
    assert len(inside) >= 3
    for i in range(max(map(len, found))):
        alone = [z for z, h in zip(points, found, strict=True) if len(h) > i and not h[i] and sum(h) == len(h) - 1]
        assert len(alone) >= 3, f"hypothesis {i} is never what fails"
        for _ in range(12):
            edge(solver, theorem, rng.choice(inside), rng.choice(alone))


def edge(solver, theorem, inside, outside):
    """From a point within to one without: both change sides at the same place."""
    if any(getattr(inside, name) != getattr(outside, name) for name in SWITCHES):
        return
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if all(theorem(between(inside, outside, middle))) else (low, middle)
    for s in (max(low - 1e-9, 0.0), min(high + 1e-9, 1.0)):
        z = between(inside, outside, s)
        assert covered(solver, z) == all(theorem(z))


@pytest.mark.parametrize("solver", THEOREMS)
def test_what_is_not_a_number_is_never_covered(solver):
    """NaN in each constant that the theorem asks for, and a fidelity whose gradient has no Lipschitz constant."""
    rng, theorem = random.Random(1), THEOREMS[solver]
    z = next(z for z in iter(lambda: draw(rng), None) if all(theorem(z)))
    assert covered(solver, z)

    def with_value(name, value):
        return SimpleNamespace(**(vars(z) | {name: value}))

    for name in [*CONSTANTS, "lipschitz"]:
        asked = not all(theorem(with_value(name, 1e6))) or not all(
            theorem(with_value(name, 1e-6 if name == "k" else -1e6))
        )
        if not asked or (name == "lipschitz" and all(theorem(with_value(name, 1e6)))):
            continue
        try:
            assert not covered(solver, with_value(name, float("inf" if name == "lipschitz" else "nan"))), name
        except ValueError as error:
            assert "wanted" in str(error)  # noqa: PT017 - refused is as good
