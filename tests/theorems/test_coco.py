"""[B] Theorems 2.2, 4.1 and 4.4 on the exact 1-D oracle: constants attained, descent below t_0, failure above."""

import math
from functools import cache
from itertools import islice

import pytest
import torch

from pnp_course.denoisers import at_sigma
from pnp_course.fidelities import Gaussian, Poisson
from pnp_course.guarantees import (
    Constants,
    admm_margin,
    gradient_lipschitz,
    guarantee,
    largest_averaging,
    pegd_step_bound,
    published_averaging,
    weak_convexity,
)
from pnp_course.monitors import Lagrangian
from pnp_course.operators import Identity
from pnp_course.solvers import DivergenceError, coco_admm, coco_pegd, run
from pnp_course.toy import GaussianMixture, PixelMixture, scalar

SIGMA = 0.15
ORACLE = PixelMixture(GaussianMixture.two_peaks())
GAMMA = ORACLE.gamma(SIGMA)


@pytest.mark.parametrize("gamma", [0.05, 0.2, 0.25, 0.3, 0.5, 0.7, 0.95])
@pytest.mark.parametrize("t", [0.05, 0.2, 0.33, 0.6, 0.9])
def test_constants_of_theorem_2_2(gamma, t):
    """Hess F = 1/j - 1 over all j in [1 - t, 1 - t + t/gamma]: extremes -r and the larger modulus L, both attained."""
    j = torch.linspace(1 - t, 1 - t + t / gamma, 100001, dtype=torch.float64)
    hessian = 1 / j - 1
    assert float(-hessian.min()) == pytest.approx(weak_convexity(gamma, t), abs=1e-12)
    assert float(hessian.abs().max()) == pytest.approx(gradient_lipschitz(gamma, t), abs=1e-12)


@pytest.mark.parametrize(("gamma", "t0"), [(0.25, 1 / 3), (0.5, 0.37609), (0.2, 0.25), (0.1, 1 / 9)])
def test_printed_values_of_the_bound(gamma, t0):
    assert published_averaging(gamma) == pytest.approx(t0, abs=1e-5)


@pytest.mark.parametrize("gamma", [0.25, 0.3, 0.5, 0.8, 0.99])
def test_the_bound_is_the_root_of_the_cubic(gamma):
    """(20): 2 (1 - gamma) t^3 + gamma t^2 + 2 gamma t - gamma < 0, for gamma >= 1/4."""
    roots = torch.linalg.eigvals(
        torch.tensor(
            [[-gamma, -2 * gamma, gamma], [2 * (1 - gamma), 0, 0], [0, 2 * (1 - gamma), 0]], dtype=torch.float64
        )
        / (2 * (1 - gamma))
    )
    real = [float(z.real) for z in roots if abs(z.imag) < 1e-9 and z.real > 0]
    assert published_averaging(gamma) == pytest.approx(min(real), abs=1e-9)
    assert admm_margin(gamma, min(real) * 0.999) > 0 > admm_margin(gamma, min(real) * 1.001)


def problem(n=64):
    """Poisson denoising of n independent pixels, peak 20."""
    generator = torch.Generator().manual_seed(1)
    u = GaussianMixture.two_peaks().sample(n, generator).reshape(1, 1, 8, n // 8).clamp_min(0)
    y = torch.poisson(20 * u, generator=generator) / 20
    return Poisson(Identity(), y), y


@cache
def potential_table(t):
    """F(D_t(s)) on a grid of s: integral of (s - D_t(s)) D_t'(s) ds by the trapezoidal rule."""
    s = torch.linspace(-3, 4, 70_001, dtype=torch.float64)
    d = t * ORACLE.mixture.mmse(s[:, None], SIGMA)[:, 0] + (1 - t) * s
    middle = ((s - d)[1:] + (s - d)[:-1]) / 2
    return torch.cat((torch.zeros(1, dtype=torch.float64), (middle * d.diff()).cumsum(0)))


def exact_prior(z, t):
    """F(D_t(z)), summed over pixels, from the table."""
    potential = potential_table(t)
    place = ((z.flatten() + 3) / 7 * 70_000).clamp(0, 69_999)
    low = place.floor().long()
    return float(torch.lerp(potential[low], potential[low + 1], place - low).sum())


def test_theorem_4_1_lagrangian_decreases_below_the_bound():
    fidelity, y = problem()
    t, lam = 0.99 * published_averaging(GAMMA), 0.3
    values = []

    def lagrangian(it):
        gap = it.u - it.v
        values.append(
            exact_prior(it.denoiser_input, t)
            + lam * fidelity.value(it.v)
            + float((it.b * gap).sum() + gap.square().sum() / 2)
        )
        return values[-1]

    result = run(
        coco_admm(fidelity, at_sigma(ORACLE, SIGMA), y, lam=lam, t=t), 400,
        monitors={"exact": lagrangian, "trapezoid": Lagrangian(fidelity, lam)},
    )  # fmt: skip
    table = result.history
    drops = -table["exact"].diff().dropna()
    assert drops.min() > -1e-7  # quadrature's accuracy
    assert drops.sum() > 0.1  # it really went down
    # the free line integral of the monitor agrees with the quadrature, up to its constant
    offset = (table["exact"] - table["trapezoid"]).iloc[20:]
    assert float(offset.max() - offset.min()) < 1e-3 * drops.sum()
    # stationarity: u = v and -grad F(u) = b in lam dG(u); at u = 0, where y = 0, dG is the half-line up to 1
    it = result.iterate
    torch.testing.assert_close(it.u, it.v, atol=1e-6, rtol=0)
    inside = it.u > 1e-4
    assert 1 <= int((~inside).sum()) <= 8  # both cases occur
    torch.testing.assert_close(it.b[inside], (lam * fidelity.grad(it.u))[inside], atol=1e-5, rtol=0)
    assert (it.b[~inside] <= lam + 1e-6).all()
    assert (fidelity.y[~inside] == 0).all()


def test_theorem_4_1_fails_far_above_the_bound():
    """A linear 0.05-CoCo denoiser with averaging 1 > t_0 = 0.053: D = 20 I is expansive beyond repair."""
    y = torch.ones(1, 1, 4, 4, dtype=torch.float64)
    with pytest.raises(DivergenceError, match="iteration"):
        run(coco_admm(Gaussian(Identity(), y), lambda z: 20 * z, y, lam=0.1, t=1.0), 1000)
    # below the bound the same problem converges
    t = 0.9 * published_averaging(0.05)
    safe = run(coco_admm(Gaussian(Identity(), y), lambda z: 20 * z, y, lam=2.0, t=t), 5000, tol=1e-13)
    assert safe.stopped_by == "tolerance"


class Pinned:
    """The fidelity that knows the answer: G is 0 at one picture, `p` everywhere, and infinite elsewhere."""

    exact_prox = True

    def __init__(self, p):
        self.p = p

    def prox(self, z, lam):
        return torch.full_like(z, self.p)


@pytest.mark.parametrize(
    ("gamma", "delta"), [(0.05, 0), (0.15, 0), (0.25, 0), (0.3, 0), (1 / 3, 0), (0.25, 0.5), (0.3, 0.1)]
)
def test_the_bound_is_sharp_for_small_gamma(gamma, delta):
    """D = I / gamma, G pinned: b's distance to its fixed point r is multiplied by r / (1 - r) each time (theory page)."""
    x0, bound = torch.ones(1, 1, 2, 2, dtype=torch.float64), largest_averaging(gamma, delta)
    if gamma <= 0.25 and not delta:
        assert bound == pytest.approx(published_averaging(gamma), abs=1e-9)
    else:
        assert bound > published_averaging(gamma, delta) + 1e-3

    def distance(t, n):
        b = run(coco_admm(Pinned(1.0), lambda z: z / gamma, x0, lam=1.0, t=t), n).iterate.b
        return float((b - weak_convexity(gamma, t)).abs().max())

    assert distance(0.98 * bound, 400) < 1e-3 * distance(0.98 * bound, 2)
    assert distance(1.02 * bound, 100) > 4 * distance(1.02 * bound, 2)
    r = weak_convexity(gamma, 1.02 * bound)
    assert distance(1.02 * bound, 3) / distance(1.02 * bound, 2) == pytest.approx(r / (1 - r), rel=1e-9)


TANH = Constants(
    bottom=0.0, top=1.0, asymmetry=0.0, norm=1.0, residual=1.0, firm=1.0, quarter=1.0, strict=1.0, k=0.9
)  # fmt: skip


@pytest.mark.parametrize("p", [3.0, 1.0])
def test_a_convex_prior_without_averaging_need_not_have_a_stationary_point(p):
    """D = tanh, gamma = 1, G pinned to 3, or to 1 at the edge of the image of D: b falls without end, u -> 1."""
    x0 = torch.zeros(1, 1, 1, 1, dtype=torch.float64)
    seen = [it.b.item() for it in islice(coco_admm(Pinned(p), torch.tanh, x0, lam=1.0, t=1.0), 10_000)]
    fall = [seen[n - 1] - seen[10 * n - 1] for n in (100, 1000)]
    if p == 3:
        assert fall == pytest.approx([2 * 900, 2 * 9000], rel=1e-12)
    else:  # b_{k+1} - b_k is nearly -2 exp(2 b_k - 2): b falls like a logarithm, by log(10) / 2 in ten times as many steps
        assert fall == pytest.approx([math.log(10) / 2] * 2, abs=0.02)
    *_, last = islice(coco_admm(Pinned(p), torch.tanh, x0, lam=1.0, t=1.0), 10_000)
    assert last.u.item() == pytest.approx(1, abs=1e-3)
    assert last.v.item() == p
    assert not guarantee("coco_admm", TANH, Pinned(p), x0, lam=1.0, t=1.0).covered
    # below the bound F is finite everywhere, and the same problem converges to the one point that there is
    assert guarantee("coco_admm", TANH, Pinned(p), x0, lam=1.0, t=0.9).covered
    *_, last = islice(coco_admm(Pinned(p), torch.tanh, x0, lam=1.0, t=0.9), 2000)
    assert last.u.item() == pytest.approx(p, abs=1e-9)


def test_theorem_4_4_objective_decreases_below_the_step_bound():
    """F + a e decreases along u_k for a < 2 - r(t); F by quadrature, e by its definition."""
    fidelity, y = problem()
    t, lam = 0.33, 0.3
    step = 0.99 * pegd_step_bound(GAMMA, t)

    def objective(it):
        v = fidelity.prox(it.u, lam)
        envelope = lam * fidelity.value(v) + float((it.u - v).square().sum()) / 2
        return exact_prior(it.denoiser_input, t) + step * envelope

    result = run(
        coco_pegd(fidelity, at_sigma(ORACLE, SIGMA), y, lam=lam, t=t, step=step), 300, monitors={"F": objective}
    )
    drops = -result.history["F"].diff().dropna()
    assert drops.min() > -1e-7
    assert drops.sum() > 0.01


def lagrangian(averaged, potential, start, rounds=60, lam=3.0, y=0.3):
    """H along CoCo-ADMM on the line, for G(v) = (v - y)^2 / 2 and D_t with a known potential, from many starts."""

    def prior(z):  # F at D_t(z): z^2 / 2 - psi_t(z) - (z - D_t(z))^2 / 2
        return z**2 / 2 - potential(z) - (z - averaged(z)) ** 2 / 2

    u, b, values = start, torch.zeros_like(start), []
    for _ in range(rounds):
        v = (u + b + lam * y) / (1 + lam)
        z = v - b
        u = averaged(z)
        b = b + u - v
        values.append(prior(z) + lam * (v - y) ** 2 / 2 + b * (u - v) + (u - v) ** 2 / 2)
    return torch.stack(values)


@pytest.mark.parametrize(("gamma", "delta"), [(0.5, 0.0), (0.25, 0.4), (0.7, 0.2), (0.3, 0.0)])
def test_coco_admm_beyond_its_bound(gamma, delta):
    """pd-coco-bound: H decreases with t just below min(g/(1-g), 1/(2(1+delta))), where (20) with slack does not hold."""
    d = scalar.wave(gamma, delta)
    t = 0.98 * largest_averaging(gamma, delta)
    assert t > published_averaging(gamma, delta)
    averaged, start = d.averaged(t), torch.linspace(-2, 2, 201, dtype=torch.float64)
    assert (lagrangian(averaged.d, averaged.potential, start).diff(dim=0) <= 1e-13).all()


class Corners:
    """D on the line, piecewise affine with random corners, its slopes filling [-delta, 1/gamma]; and its potential."""

    def __init__(self, gamma, delta, seed):
        generator = torch.Generator().manual_seed(seed)
        knots = torch.rand(40, generator=generator, dtype=torch.float64).sort().values * 4 - 2
        self.edges = torch.cat((torch.tensor([-6.0]), knots, torch.tensor([6.0])))
        slopes = torch.rand(41, generator=generator, dtype=torch.float64) * (1 / gamma + delta) - delta
        slopes[:2] = torch.tensor([-delta, 1 / gamma], dtype=torch.float64)  # both ends are met
        self.slopes = slopes[torch.randperm(41, generator=generator)]

    def _pieces(self, z):
        """How much of each piece lies to the left of z."""
        width = self.edges.diff()
        return (z[..., None] - self.edges[:-1]).clamp(torch.zeros_like(width), width)

    def d(self, z):
        return (self._pieces(z) * self.slopes).sum(-1) - 4

    def potential(self, z):
        """The integral of D, piece by piece."""
        part = self._pieces(z)
        return (self.d(self.edges[:-1]) * part + self.slopes * part**2 / 2).sum(-1)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("gamma", "delta"), [(0.25, 0.4), (0.3, 0.0), (0.7, -0.2)])
def test_a_denoiser_with_corners_has_the_same_prior_and_the_same_descent(gamma, delta, seed):
    """lemma-almost-everywhere and pd-coco-bound where D is only Lipschitz: a network with ReLU, on the line."""
    corners, t = Corners(gamma, delta, seed), 0.98 * min(largest_averaging(gamma, delta), 1.0)

    def averaged(z):
        return t * corners.d(z) + (1 - t) * z

    def potential(z):
        return t * corners.potential(z) + (1 - t) * z**2 / 2

    z = torch.linspace(-3, 3, 40_001, dtype=torch.float64)
    u = averaged(z)
    assert (u.diff() > 0).all()  # a bijection
    assert (potential(z).diff() - (u[1:] + u[:-1]) / 2 * z.diff()).abs().max() < 1e-7  # the potential is D_t's
    curvature = (z - u).diff() / u.diff()  # of F, from the inverse; exact to 1e-8 at this distance of points
    r, s = weak_convexity(gamma, t), t * (1 + delta) / (1 - t * (1 + delta))
    assert -r - 1e-8 <= curvature.min() < -0.99 * r
    assert 0.99 * s < curvature.max() <= s + 1e-8
    assert curvature.abs().max() <= gradient_lipschitz(gamma, t, delta) + 1e-8
    start = torch.linspace(-1, 1, 101, dtype=torch.float64)
    assert (lagrangian(averaged, potential, start).diff(dim=0) <= 1e-13).all()
