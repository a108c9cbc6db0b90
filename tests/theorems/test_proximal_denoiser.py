"""book/theory/proximal_denoiser.md and prox_pnp.md: both sides of each inequality, in float64, on denoisers known exactly."""

import itertools
import math

import pytest
import torch
from torch import nn

from pnp_course import solvers
from pnp_course.fidelities import Gaussian
from pnp_course.jacobian import LinearMap, power_iteration
from pnp_course.operators import Blur, Identity, Mask
from pnp_course.toy import GaussianMixture
from pnp_course.toy import proximal_denoiser as toy
from pnp_course.toy.proximal import brute_prox

SIGMA = 0.15
ISLANDS = toy.ExactStep(toy.three_islands(), SIGMA)
AXIS = torch.linspace(-1, 2, 121, dtype=torch.float64)
LOW, HIGH = ISLANDS.curvature(torch.cartesian_prod(AXIS, AXIS))
LIPSCHITZ = max(-LOW, HIGH)


def points(n, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, 1, 1, 2, generator=generator, dtype=torch.float64) * 1.6 - 0.3


class Known:
    """What a solver takes of a step x -> (D(x), g(x))."""

    def __init__(self, step):
        self.with_value = step

    def __call__(self, x):
        return self.with_value(x)[0]


def square(v):
    return v.flatten(1).square().sum(1)


def relaxed(step, t):
    def averaged(x):
        d, g = step(x)
        return t * d + (1 - t) * x, t * g

    return averaged


def fall(values):
    return -torch.tensor(values, dtype=torch.float64).diff()


def moved(pictures):
    return torch.stack(pictures).flatten(1).diff(dim=0).square().sum(1)


@pytest.mark.parametrize("step", [toy.Waves(0.7), ISLANDS], ids=["waves", "islands"])
def test_the_value_belongs_to_the_denoiser(step):
    x = points(5).requires_grad_(True)
    d, g = step(x)
    (slope,) = torch.autograd.grad(g.sum(), x)
    torch.testing.assert_close(d, x - slope, atol=1e-10, rtol=0)
    assert g.min() >= 0


@pytest.mark.parametrize("t", [0.3, 0.9])
def test_proposition_3_1(t):
    """Every statement of pd-prox at random pairs, with D_t and tL = t."""
    step, big = relaxed(ISLANDS, t / LIPSCHITZ), t
    z, v = points(1000), points(1000, 1)
    (dz, gz), (dv, gv) = step(z), step(v)
    ratio = (square(dz - dv) / square(z - v)).sqrt()
    assert 1 - big <= ratio.min()
    assert ratio.max() <= 1 + big
    torch.testing.assert_close(toy.invert(ISLANDS, dz[:100], t / LIPSCHITZ), z[:100], atol=1e-8, rtol=0)
    phi_z, phi_v = gz - square(z - dz) / 2, gv - square(v - dv) / 2
    assert (phi_v + square(dv - z) / 2 - gz >= (1 - big) / 2 * square(v - z) - 1e-12).all()
    slope = (z - dz) - (v - dv)
    assert (square(slope) <= (big / (1 - big)) ** 2 * square(dz - dv) + 1e-12).all()
    assert ((slope * (dz - dv)).flatten(1).sum(1) >= -big / (1 + big) * square(dz - dv) - 1e-12).all()
    assert (phi_z >= step(dz)[1] + (1 - big) / 2 * square(dz - z) - 1e-12).all()
    assert (phi_z <= gz).all()


@pytest.mark.parametrize("bend", [0.5, 0.95])
def test_the_denoiser_is_the_prox_by_search(bend):
    """phi sampled by the free formula along a fine grid of inputs; its minimiser against D."""
    waves, z = toy.Waves(bend), torch.linspace(-1, 1, 41, dtype=torch.float64)
    w = torch.linspace(-2, 2, 200_001, dtype=torch.float64)
    u = waves.d(w)
    phi = waves.potential(w) - (u - w) ** 2 / 2
    found = torch.stack([u[(phi + (u - s) ** 2 / 2).argmin()] for s in z])
    torch.testing.assert_close(found, waves.d(z), atol=1e-4, rtol=0)


def test_a_prox_of_anything_is_monotone_and_a_long_gradient_step_is_not():
    z = torch.linspace(-1, 1, 301, dtype=torch.float64)
    wild = brute_prox(lambda u: 0.1 * torch.sin(17 * u) + 0.2 * (u > 0.1), z, 2.0, 20_000)
    assert (wild.diff() >= 0).all()
    assert (toy.Waves(1.2).d(z).diff() < 0).any()
    assert (toy.Waves(0.99).d(z).diff() > 0).all()


def test_the_local_image_contains_a_ball():
    """pd-local: the values at the ends of [w - rho, w + rho] are further than (1 - L) rho from D(w), on both sides."""
    waves, rho = toy.Waves(0.8), 0.1
    w = torch.linspace(-1, 1, 500, dtype=torch.float64)
    assert (waves.d(w + rho) - waves.d(w) >= 0.2 * rho).all()
    assert (waves.d(w) - waves.d(w - rho) >= 0.2 * rho).all()


def test_two_ends():
    """pd-two-ends on the two peaks without averaging: M < 1 < l; Hess phi = 1/J - 1 by differences of D^{-1}."""
    one = toy.ExactStep(GaussianMixture.two_peaks(), SIGMA)
    z = torch.linspace(-0.5, 1.5, 20_001, dtype=torch.float64)
    low, high = one.curvature(z[:, None])
    assert high < 1 < -low
    u = one(z.reshape(-1, 1, 1, 1))[0].flatten()
    second = (z - u).diff() / u.diff()
    assert second.min() >= low / (1 - low) - 1e-9  # -l / (1 + l), low = -l
    assert second.max() <= high / (1 - high) + 1e-9
    assert second.min() < low / (1 - low) + 1e-3


FIDELITIES = [
    Gaussian(Blur(torch.tensor([[0.35, 0.65]]).double()), torch.full((1, 1, 1, 2), 0.45, dtype=torch.float64)),
    Gaussian(Mask(torch.tensor([[0.0, 1.0]]).double()), torch.full((1, 1, 1, 2), 0.5, dtype=torch.float64)),
]


@pytest.mark.parametrize("f", FIDELITIES, ids=["mix", "mask"])
@pytest.mark.parametrize("big", [0.4, 0.95])
def test_pgd_decreases_by_what_is_proved(f, big):
    lf, r = f.lipschitz(points(1)), big / (1 + big)
    for lam in (0.5 / lf, 0.999 * (2 - r) / lf):
        run = solvers.prox_pnp_pgd(f, Known(ISLANDS), points(1, 3), lam=lam, t=big / LIPSCHITZ)
        seen = list(itertools.islice(run, 40))
        promise = (2 - r - lam * lf) / 2 * moved([i.x for i in seen])
        assert (fall([i.objective for i in seen]) >= promise - 1e-13).all()


@pytest.mark.parametrize("f", FIDELITIES, ids=["mix", "mask"])
def test_the_two_ends_in_the_algorithms(f):
    """pd-two-ends-algorithms: three islands with M < 1 < l, and no averaging; also beyond the bounds of one number L."""
    low, high = -LOW, HIGH
    assert high < 1 < low
    r, lf = low / (1 + low), f.lipschitz(points(1))
    lam = 0.999 * (2 - r) / lf
    seen = list(itertools.islice(solvers.prox_pnp_pgd(f, Known(ISLANDS), points(1, 3), lam=lam, t=1.0), 40))
    promise = (2 - r - lam * lf) / 2 * moved([i.x for i in seen])
    assert (fall([i.objective for i in seen]) >= promise - 1e-13).all()
    seen = list(itertools.islice(solvers.prox_pnp_drsdiff(f, Known(ISLANDS), points(1, 6), lam=0.8 / lf, t=1.0), 60))
    y, z = moved([i.x for i in seen]), moved([i.z for i in seen])
    promise = min(1, 0.2 * 2.6) / 2 * y + (1 - r) / 2 * z
    assert (fall([i.objective for i in seen]) >= promise - 1e-13).all()


@pytest.mark.parametrize("f", FIDELITIES, ids=["mix", "mask"])
@pytest.mark.parametrize(("big", "alpha"), [(0.3, 0.3), (0.9, 0.5), (0.9, 0.95)])
def test_relaxed_pgd_decreases_by_what_is_proved(f, big, alpha):
    t, r, lf = big / LIPSCHITZ, big / (1 + big), f.lipschitz(points(1))
    assert r < alpha
    x0, lam = points(1, 4), 0.99 / (alpha * lf)
    seen = list(itertools.islice(solvers.alpha_pgd(f, Known(relaxed(ISLANDS, t)), x0, lam=lam, alpha=alpha), 40))
    x, y = [x0, *(i.x for i in seen)], [x0, *(i.y for i in seen)]
    lag = torch.cat((torch.zeros(1, dtype=torch.float64), moved(y)))
    w = toy.invert(ISLANDS, torch.cat(y), t)
    phi = t * ISLANDS(w)[1] - square(w - torch.cat(y)) / 2
    energy = torch.tensor([lam * f.value(v) for v in y], dtype=torch.float64) + phi
    energy = energy + alpha / 2 * (1 / alpha - 1) ** 2 * lag
    promise = (2 - alpha) * (alpha - r) / (2 * alpha) * moved(y) + alpha / 2 * (1 - alpha * lam * lf) * moved(x)
    assert (-energy.diff() >= promise - 1e-12).all()


def first_block(r, s):
    return min((1 - 2 * r) * (1 + r), (1 - s) * (1 + 2 * s))


@pytest.mark.parametrize("f", FIDELITIES, ids=["mix", "mask"])
@pytest.mark.parametrize("big", [0.2, 0.37, 0.49])
@pytest.mark.parametrize("lam", [0.5, 50.0])
def test_drs_decreases_by_what_is_proved(f, big, lam):
    r, s = big / (1 + big), big / (1 - big)
    run = solvers.prox_pnp_drs(f, Known(ISLANDS), points(1, 5), lam=lam, t=big / LIPSCHITZ)
    seen = list(itertools.islice(run, 60))
    y, z = moved([i.x for i in seen]), moved([i.z for i in seen])
    factor = first_block(r, s) / 2
    assert factor > 0
    if 2 * big**3 + big**2 + 2 * big < 1:
        assert 0 < (1 - r) / 2 - s**2 <= factor
    assert (fall([i.objective for i in seen]) >= factor * y + z / 2 - 1e-13).all()


@pytest.mark.parametrize("f", FIDELITIES, ids=["mix", "mask"])
@pytest.mark.parametrize("reach", [0.3, 0.8, 0.99])
def test_drsdiff_decreases_by_what_is_proved(f, reach):
    big, lf = 0.9, f.lipschitz(points(1))
    run = solvers.prox_pnp_drsdiff(f, Known(ISLANDS), points(1, 6), lam=reach / lf, t=big / LIPSCHITZ)
    seen = list(itertools.islice(run, 60))
    y, z = moved([i.x for i in seen]), moved([i.z for i in seen])
    promise = min(1, (1 - reach) * (1 + 2 * reach)) / 2 * y + (1 - big / (1 + big)) / 2 * z
    assert (fall([i.objective for i in seen]) >= promise - 1e-13).all()


@pytest.mark.parametrize("big", [0.1, 0.3, 0.376, 0.377, 0.45, 0.4999, 0.5001, 0.8])
def test_the_conditions_on_L(big):
    r, s = big / (1 + big), big / (1 - big)
    assert ((1 - r) / 2 > s**2) == (2 * big**3 + big**2 + 2 * big < 1)
    assert (first_block(r, s) > 0) == (big < 0.5)
    assert first_block(r, s) / 2 >= (1 - r) / 2 - s**2


@pytest.mark.parametrize(("r", "s"), [(0.3, 0.8), (0.45, 0.3), (0.0, 0.9), (0.6, 1.4)])
def test_the_lemma_on_the_first_block_is_attained_by_quadratics_and_holds_for_a_mixed_function(r, s):
    def gain(value, slope, y, new):
        p, q = slope(y), slope(new)
        z = new + q - p
        before = value(y) - p * (y - z) + (y - z) ** 2 / 2
        return before - (value(new) - q * (new - z) + (new - z) ** 2 / 2)

    y, new = torch.tensor(0.3).double(), torch.tensor(-0.9).double()
    at = [float(gain(lambda v, k=k: k * v**2 / 2, lambda v, k=k: k * v, y, new)) for k in (-r, s)]
    assert min(at) == pytest.approx(first_block(r, s) / 2 * 1.44)
    a, b, w = (s - r) / 2, (s + r) / 2, 3.0  # h'' = a + b cos(w v) fills [-r, s]
    y, new = torch.randn(2, 4000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    mixed = gain(
        lambda v: a * v**2 / 2 - b * torch.cos(w * v) / w**2, lambda v: a * v + b * torch.sin(w * v) / w, y, new
    )
    assert (mixed >= first_block(r, s) / 2 * (new - y) ** 2 - 1e-12).all()


def test_sharpness_of_pgd_and_of_drs():
    class Hill(nn.Module):
        def __call__(self, x):  # g = -L x^2 / 2
            return (1 + self.bend) * x, -self.bend / 2 * square(x)

    hill, x0 = Hill(), torch.ones(1, 1, 1, 1, dtype=torch.float64)
    f = Gaussian(Identity(), torch.zeros(1, 1, 1, 1, dtype=torch.float64))
    for hill.bend in (0.5, 3.0):  # l = 3: beyond [A]'s L < 1, within the two ends
        edge = 1 + 1 / (1 + hill.bend)
        for factor, grows in ((0.99, False), (1.01, True)):
            *_, last = itertools.islice(solvers.prox_pnp_pgd(f, Known(hill), x0, lam=min(factor * edge, 1.999)), 30)
            assert (abs(float(last.x)) > 1) == grows
    for bend, grows in ((0.95, False), (1.05, True)):
        hill.bend = bend
        *_, last = itertools.islice(solvers.prox_pnp_drs(f, Known(hill), x0, lam=1e6, t=1.0), 40)
        assert (abs(float(last.s)) > 1) == grows


@pytest.mark.parametrize(("bend", "settles"), [(0.8, False), (0.45, True)])
def test_drs_may_fail_between_a_half_and_one(bend, settles):
    angle, y = torch.tensor(1.0446, dtype=torch.float64), torch.tensor([0.114, 0.218], dtype=torch.float64)
    turn = torch.stack([angle.cos(), angle.sin(), -angle.sin(), angle.cos()]).reshape(2, 2)
    h = turn.T @ torch.diag(torch.tensor([178.0, 0.001], dtype=torch.float64)) @ turn
    solve = torch.linalg.inv(torch.eye(2, dtype=torch.float64) + h)
    s = torch.tensor([0.993, 0.696], dtype=torch.float64)
    for _ in range(20_000):
        d = toy.Waves(bend).d(s)
        move = solve @ (2 * d - s + h @ y) - d
        s = s + move
    assert (move.norm() < 1e-3) == settles


def test_power_iteration_follows_its_formula_and_its_bound():
    n, k = 50, 12
    generator = torch.Generator().manual_seed(0)
    mu = 0.9 + 0.1 * torch.rand(n, generator=generator, dtype=torch.float64)
    mu[0], mu[1] = 1.2, -0.95
    m = LinearMap(lambda v: v * mu.reshape(1, 1, 1, n), lambda v: v * mu.reshape(1, 1, 1, n), normal=True)
    q = torch.randn(1, 1, 1, n, generator=generator, dtype=torch.float64)
    c = (q / q.norm()).flatten().square()
    before = 0.0
    for j in range(1, k):
        rho = float(power_iteration(m, q, j).norm)  # j products: rho_{j-1}
        formula = (c * mu ** (2 * j)).sum() / (c * mu ** (2 * j - 2)).sum()
        assert rho == pytest.approx(math.sqrt(formula), abs=1e-12)
        odds = float(c[0] / (1 - c[0])) * (1.2 / 0.9) ** (2 * j - 2)
        assert rho**2 <= 1 + (1.44 - 1) * odds / (1 + odds) + 1e-12
        assert before <= rho <= 1.2
        before = rho
