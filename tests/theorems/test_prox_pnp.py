"""book/theory/prox_pnp.md: averaging, the borders on the line, exact pixels; both sides, on denoisers known exactly.

The falls that the four theorems promise are tested in test_proximal_denoiser.py.
"""

import itertools
import math

import pytest
import torch

from pnp_course import solvers
from pnp_course.denoisers import WithPotential
from pnp_course.fidelities import Gaussian
from pnp_course.operators import Blur, Mask
from pnp_course.toy import prox_pnp as line
from pnp_course.toy import proximal_denoiser as toy
from pnp_course.toy.proximal import brute_prox

ISLANDS = toy.ExactStep(toy.three_islands(), 0.15)
AXIS = torch.linspace(-1, 2, 121, dtype=torch.float64)
LOW, HIGH = ISLANDS.curvature(torch.cartesian_prod(AXIS, AXIS))
ELL = -LOW


def points(n, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, 1, 1, 2, generator=generator, dtype=torch.float64) * 1.6 - 0.3


def square(v):
    return v.flatten(1).square().sum(1)


def prior_over_t(t, u):
    w = toy.invert(ISLANDS, u, t)
    return ISLANDS(w)[1] - square(w - u) / (2 * t), w


@pytest.mark.parametrize("share", [0.02, 0.4, 0.95])
def test_the_prior_of_an_averaged_denoiser_is_between_its_bounds(share):
    """pp-averaged-prior 1 and 2: the maximum by random search stays below and comes close; both bounds; growth in t."""
    t, u = share / ELL, points(50)
    prior, w = prior_over_t(t, u)
    d, g = ISLANDS(u)
    slope = square(u - d)
    assert (prior >= g + t / (2 * (1 + t * ELL)) * slope - 1e-11).all()
    assert (prior <= g + t / (2 * (1 - t * HIGH)) * slope + 1e-11).all()
    steps = 0.3 * torch.randn(2000, 1, 1, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for one, at, value in zip(u, w, prior, strict=True):
        z = torch.cat((one + t * steps, at + 1e-4 * steps))
        tried = ISLANDS(z)[1] - square(z - one) / (2 * t)
        assert tried.max() <= value + 1e-11
        assert tried.max() >= value - 1e-6
    assert (prior <= prior_over_t(t * 1.04, u)[0] + 1e-11).all()


@pytest.mark.parametrize(("slope", "t"), [(0.4, 0.7), (0.4, 1.0), (2.5, 1.0), (6.0, 0.3)])
def test_both_bounds_of_the_averaged_prior_are_attained(slope, t):
    """g = M x^2 / 2 (slope 1 - M) attains the right bound, g = -l x^2 / 2 (slope 1 + l) the left one."""
    u, bend = 0.7, 1 - slope  # phi_t = prox potential of the slope 1 - t bend: (1 / (1 - t bend) - 1) u^2 / 2
    prior = (1 / (1 - t * bend) - 1) * u**2 / 2 / t
    g, gradient = bend * u**2 / 2, bend * u
    assert prior == pytest.approx(g + t / (2 * (1 - t * bend)) * gradient**2)


@pytest.mark.parametrize("weight", [0.5, 5.0])
def test_critical_points_of_an_averaged_denoiser(weight):
    """pp-averaged-prior 3: where PGD settles, Lambda grad f(u) + grad g(u - t Lambda grad f(u)) = 0, and not at u."""
    f = Gaussian(Blur(torch.tensor([[0.35, 0.65]]).double()), torch.tensor([0.5, 0.3]).double().reshape(1, 1, 1, 2))
    t = 0.9 * min(1 / HIGH, 1 / (weight * f.lipschitz(points(1))))
    run = solvers.prox_pnp_pgd(f, WithPotential(ISLANDS), points(1, 7), lam=t * weight, t=t)
    u = next(itertools.islice(run, 3000, None)).x
    pull = weight * f.grad(u)
    inner = u - t * pull
    assert (pull + inner - ISLANDS(inner)[0]).abs().max() < 1e-10
    assert (pull + u - ISLANDS(u)[0]).abs().max() > 1e-4


@pytest.mark.parametrize("weight", [0.3, 3.0, 100.0])
def test_every_weight_is_within_reach(weight):
    """pp-every-weight: its example of a t is covered, and F falls there for a denoiser with M < 1 < l."""
    f = Gaussian(Mask(torch.tensor([[0.0, 1.0]]).double()), torch.full((1, 1, 1, 2), 0.5, dtype=torch.float64))
    t = min(1.0, 1 / weight)
    assert t * HIGH < 1
    assert t * weight + t * ELL / (1 + t * ELL) < 2
    run = solvers.prox_pnp_pgd(f, WithPotential(ISLANDS), points(1, 3), lam=t * weight, t=t)
    values = torch.tensor([i.objective for i in itertools.islice(run, 40)], dtype=torch.float64)
    assert (values.diff() <= 1e-14).all()


def size(iterates):
    return abs(float(iterates[-1].x))


@pytest.mark.parametrize("ell", [0.0, 0.5, 4.0])
def test_pgd_on_the_line_converges_exactly_up_to_its_bound(ell):
    r = ell / (1 + ell)
    for beta, converges in ((r + 0.01, True), (1.995 - r, True), (2.005 - r, False), (r - 0.01, False)):
        if beta <= 0:
            continue
        it = line.trace(solvers.prox_pnp_pgd, 1 + ell, 300, lam=beta)
        assert (size(it) < 1) == converges


@pytest.mark.parametrize("ell", [0.25, 1.0, 9.0])
@pytest.mark.parametrize("part", [0.05, 0.5, 0.95])
def test_relaxed_pgd_on_the_line_has_the_borders_of_the_page(ell, part):
    r, slope = ell / (1 + ell), 1 + ell
    alpha = r + part * (1 - r)
    upper = (2 - alpha) * (2 - r) / (3 - 2 * alpha)
    assert upper > 1 + (1 - r) ** 2 / (3 - 2 * r)
    for factor, converges in ((0.99, True), (1.01, False)):
        beta = factor * upper / alpha
        assert (line.relaxed_radius(beta, slope, alpha) < 1) == converges
        it = line.trace(solvers.alpha_pgd, slope, 2000, lam=beta, alpha=alpha)
        assert (size(it) < 0.5) == converges
    alpha = r / (1 + r)
    beta = r * 1.0001
    assert (1 - alpha) * (1 - alpha * beta) > 1 - r
    assert line.relaxed_radius(beta, slope, alpha) > 1


@pytest.mark.parametrize("r", [0.55, 0.7, 0.95])
def test_a_lower_bound_on_alpha_is_needed_up_to_nearly_r(r):
    """pp-line, 2: below 2 - 1/r some weight with alpha lam L_f < 1 diverges; above it none near the upper end does."""
    edge, slope = 2 - 1 / r, 1 / (1 - r)
    assert 0 < edge < r
    assert r - edge == pytest.approx((1 - r) ** 2 / r)
    for alpha, converges in ((edge - 1e-3, False), (edge + 1e-3, True)):
        beta = (1 - 1e-6) / alpha
        assert beta > r
        assert (line.relaxed_radius(beta, slope, alpha) < 1) == converges
    it = line.trace(solvers.alpha_pgd, slope, 200, lam=(1 - 1e-6) / (0.9 * edge), alpha=0.9 * edge)
    assert size(it) > 10


@pytest.mark.parametrize("seed", range(5))
def test_the_two_conditions_for_relaxed_pgd_are_the_spectral_radius(seed):
    generator = torch.Generator().manual_seed(seed)
    for r, alpha, share in torch.rand(200, 3, generator=generator, dtype=torch.float64).tolist():
        if r < 0.01 or r > 0.97 or alpha < 0.01:
            continue
        beta = r * 1.001 + share * 2 / alpha
        upper = (2 - alpha) * (2 - r) / (3 - 2 * alpha) - alpha * beta
        lower = 1 - r - (1 - alpha) * (1 - alpha * beta)
        if min(abs(upper), abs(lower)) > 1e-6:
            assert (line.relaxed_radius(beta, 1 / (1 - r), alpha) < 1) == (upper > 0 and lower > 0)


@pytest.mark.parametrize("alpha", [0.25, 0.38])
def test_the_energy_of_relaxed_pgd_on_the_line_falls_by_what_is_proved(alpha):
    ell, lam = 0.3, 2.4
    r = ell / (1 + ell)
    assert r < alpha < 1 / lam
    it = line.trace(solvers.alpha_pgd, 1 + ell, 30, lam=lam, alpha=alpha)
    x, y = ([1.0] + [float(getattr(i, name)) for i in it] for name in "xy")
    energy = torch.tensor(line.relaxed_energy(y, lam, 1 + ell, alpha), dtype=torch.float64)
    dx, dy = (torch.tensor(v, dtype=torch.float64).diff().square() for v in (x, y))
    promise = (2 - alpha) * (alpha - r) / (2 * alpha) * dy + alpha / 2 * (1 - alpha * lam) * dx
    assert (-energy.diff() >= promise - 1e-14).all()
    assert energy[0] == pytest.approx((lam - r) / 2)


@pytest.mark.parametrize("solver", [solvers.prox_pnp_drs, solvers.prox_pnp_drsdiff])
@pytest.mark.parametrize("ell", [0.8, 1.5, 9.0])
def test_both_orders_of_drs_on_the_line_have_one_factor_and_one_border(solver, ell):
    border = (ell + 2) / (ell - 1) if ell > 1 else math.inf
    for beta in (1.05 * border, 0.95 * border) if border < math.inf else (0.9, 50.0, 1e5):
        it = line.trace(solver, 1 + ell, 200, lam=beta, t=1.0)
        states = [float(i.s) for i in it]
        assert states[1] / states[0] == pytest.approx(line.drs_factor(beta, 1 + ell))
        assert (abs(states[-1]) < 1) == (beta < border)


@pytest.mark.parametrize("beta", [0.5, 20.0])
@pytest.mark.parametrize("kappa", [-0.6, -0.3, 0.5, 0.99, 1.01, 3.0])
def test_the_envelope_of_drs_on_the_line(beta, kappa):
    """pp-line 4, an equation; beyond kappa = 1 the envelope rises although the run converges."""
    it = line.trace(solvers.prox_pnp_drs, 1 / (1 + kappa), 8, lam=beta, t=1.0)
    y = torch.tensor([float(i.x) for i in it], dtype=torch.float64)
    fall = -torch.tensor([i.objective for i in it], dtype=torch.float64).diff()
    wanted = (1 - kappa) / 2 * (1 + 2 * kappa + (1 - kappa) / (1 + beta)) * y.diff().square()
    torch.testing.assert_close(fall, wanted, rtol=1e-8, atol=1e-15)
    if kappa > 1:
        assert (fall < 0).all()
        assert abs(line.drs_factor(beta, 1 / (1 + kappa))) < 1


@pytest.mark.parametrize("beta", [0.97, 1.03, 5.0])
@pytest.mark.parametrize("ell", [0.1, 0.9, 9.0])
def test_the_envelope_of_drsdiff_on_the_line(beta, ell):
    """pp-line 5, an equation; with beta slightly above 1 the envelope rises although the run converges."""
    it = line.trace(solvers.prox_pnp_drsdiff, 1 + ell, 8, lam=beta, t=1.0)
    y = torch.tensor([float(i.x) for i in it], dtype=torch.float64)
    fall = -torch.tensor([i.objective for i in it], dtype=torch.float64).diff()
    wanted = (1 - beta) / 2 * (1 + 2 * beta + (1 + ell) * (1 - beta)) * y.diff().square()
    torch.testing.assert_close(fall, wanted, rtol=1e-7, atol=1e-15 * float(1 + y.abs().max() ** 2))
    if beta == 1.03:
        assert (fall < 0).all()
        assert abs(line.drs_factor(beta, 1 + ell)) < 1


class ExactPixels:
    """The indicator function of the pictures that are `y` where `mask` is true."""

    exact_prox = True

    def __init__(self, mask, y):
        self.mask, self.y = mask, y

    def value(self, u):
        return 0.0 if bool((u == self.y)[self.mask].all()) else math.inf

    def prox(self, z, lam):
        return torch.where(self.mask, self.y, z)


def test_exact_pixels():
    """pp-exact-pixels: the prox is the limit of the square fidelity's; DRS ends at a critical point in C, E falls."""
    mask = torch.tensor([[[[True, False]]]])
    y = torch.full((1, 1, 1, 2), 0.35, dtype=torch.float64) * mask
    f, z = ExactPixels(mask, y), points(1, 4)
    for lam in (1.0, 1e3):
        near = Gaussian(Mask(mask[0, 0].double()), y).prox(z, lam)
        torch.testing.assert_close(near - f.prox(z, 1.0), mask * (z - y) / (1 + lam))
    t = 0.95 * min(1 / ELL, 0.5 / HIGH)
    it = list(itertools.islice(solvers.prox_pnp_drs(f, WithPotential(ISLANDS), z, lam=1.0, t=t), 1500))
    assert (torch.tensor([i.objective for i in it], dtype=torch.float64).diff() <= 1e-14).all()
    u = it[-1].x
    assert all(f.value(i.z) == 0 for i in it)
    assert (u - y)[mask].abs().max() < 1e-9
    w = toy.invert(ISLANDS, u, t)
    assert (w - u)[~mask].abs().max() < 1e-9  # grad phi_t vanishes where nothing is seen,
    assert (w - u)[mask].abs().max() > 1e-3  # but not where a pixel is prescribed


@pytest.mark.parametrize("lam", [0.1, 0.7])
def test_the_prox_of_absolute_values(lam):
    z, y = torch.linspace(-1, 1, 21, dtype=torch.float64), 0.2
    found = brute_prox(lambda v: lam * (v - y).abs(), z, 2.0, 40_000)
    torch.testing.assert_close(y + torch.sign(z - y) * ((z - y).abs() - lam).clamp_min(0), found, atol=1e-4, rtol=0)


def test_the_linear_denoiser_belongs_to_its_potential():
    x = points(3).requires_grad_(True)
    d, g = line.linear(1.7).with_value(x)
    (slope,) = torch.autograd.grad(g.sum(), x)
    torch.testing.assert_close(d, x - slope)


def test_beyond_t_M_1_an_averaged_step_is_no_proximal_operator():
    """A proximal operator never falls (`pd-characterisation`); D_t does for t M > 1, and does not for t M < 1."""
    d, z = line.linear(1 - 2.0), torch.linspace(-1, 1, 11, dtype=torch.float64).reshape(-1, 1, 1, 1)
    assert ((0.6 * d(z) + 0.4 * z).flatten().diff() < 0).all()
    assert ((0.4 * d(z) + 0.6 * z).flatten().diff() > 0).all()
