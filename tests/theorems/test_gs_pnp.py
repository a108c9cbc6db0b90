"""book/theory/gs_pnp.md: both sides of each statement, in float64, on objectives that are known exactly."""

import itertools
import math

import pytest
import torch

from pnp_course.denoisers import GradientStep, at_sigma
from pnp_course.denoisers.base import WithPotential
from pnp_course.fidelities import Gaussian, Poisson
from pnp_course.operators import Blur, Identity, kernels
from pnp_course.solvers import gs_pnp_pgd
from pnp_course.toy import GaussianMixture, descent
from pnp_course.toy.potentials import RootNet

SIGMA = 0.15
ORACLE = at_sigma(GradientStep(RootNet(GaussianMixture.two_peaks())), SIGMA)


def go(fidelity, denoise, x0, n, **options):
    return list(itertools.islice(gs_pnp_pgd(fidelity, denoise, x0, **options), n))


def curvature(denoise, x, new):
    """kappa(x, x+) by the definition."""
    grad, g = denoise.gradient_and_value(x)
    d = new - x
    return 2 * float(denoise.with_value(new)[1] - g - (grad * d).sum()) / float(d.square().sum())


def try_step(fidelity, denoise, x, lam, tau):
    """x+, the fall of F divided by ||d||^2, and kappa."""
    new = fidelity.prox(x - tau * denoise.gradient_and_value(x)[0], tau * lam)
    fall = lam * (fidelity.value(x) - fidelity.value(new)) + float(
        denoise.with_value(x)[1] - denoise.with_value(new)[1]
    )
    return new, fall / float((new - x).square().sum()), curvature(denoise, x, new)


@pytest.mark.parametrize("tau_a", [0.3, 60.0])
def test_two_conventions_have_the_same_iterates(tau_a, generator):
    """Algorithm 1 in [A]'s letters, written out with a matrix, against the library; 60 is rejected several times."""
    lam_a, c, eta = 0.2, 0.1, 0.9
    y = torch.rand(1, 1, 8, 8, generator=generator, dtype=torch.float64)
    blur = Blur(kernels.gaussian(5, 1.0).double())
    basis = torch.eye(64, dtype=torch.float64).reshape(64, 1, 8, 8)
    matrix = blur(basis).reshape(64, 64).T
    data, identity = y.flatten(), torch.eye(64, dtype=torch.float64)

    def f_a(x):
        return 0.5 * float((matrix @ x - data).square().sum())

    def objective(x):
        return f_a(x) + lam_a * float(ORACLE.with_value(x.reshape(y.shape))[1])

    def prox(z, t):
        return torch.linalg.solve(identity + t * matrix.T @ matrix, z + t * matrix.T @ data)

    x, tau, ours, rejected = prox(data, tau_a), tau_a, [], 0
    while len(ours) < 8:
        grad = ORACLE.gradient_and_value(x.reshape(y.shape))[0].flatten()
        new = prox(x - tau * lam_a * grad, tau)
        if objective(x) - objective(new) >= c / tau * float((x - new).square().sum()):
            x = new
            ours.append((x, tau))
        else:
            tau, rejected = eta * tau, rejected + 1
    theirs = go(Gaussian(blur, y), ORACLE, y, 8, lam=1 / lam_a, step=tau_a * lam_a, c=c, eta=eta)
    assert (rejected > 3) == (tau_a > 1)
    for (x, tau), iterate in zip(ours, theirs, strict=True):
        torch.testing.assert_close(iterate.u.flatten(), x, atol=1e-9, rtol=0)
        assert float(iterate.step) * 5.0 == pytest.approx(tau)  # tau_A = lam step


@pytest.mark.parametrize("tau", [0.2, 0.9, 3.0])
@pytest.mark.parametrize("mu", [-0.3, 0.0, 0.8])
def test_one_try_with_equality_for_quadratics(mu, tau, generator):
    """lam f = mu x^2 / 2 + q x: 1 + tau mu > 0, and the fall is exactly (1/tau + (mu - kappa)/2) ||d||^2."""
    x, q = (torch.randn(1, 1, 1, 5, generator=generator, dtype=torch.float64) for _ in range(2))
    grad, g = ORACLE.gradient_and_value(x)
    new = (x - tau * grad - tau * q) / (1 + tau * mu)  # the minimiser
    kappa = curvature(ORACLE, x, new)

    def f(v):
        return 0.5 * mu * float(v.square().sum()) + float((q * v).sum())

    fall = f(x) - f(new) + float(g - ORACLE.with_value(new)[1])
    square = float((x - new).square().sum())
    assert fall == pytest.approx((1 / tau + (mu - kappa) / 2) * square, abs=1e-10)


@pytest.mark.parametrize("tau", [0.05, 0.5, 2.0])
def test_one_try_for_convex_fidelities(tau, generator):
    """The Gaussian fidelity, with the exact surplus lam ||A d||^2 / 2, and the Poisson fidelity, an inequality."""
    y = torch.rand(1, 1, 6, 6, generator=generator, dtype=torch.float64) + 0.1
    blur = Blur(kernels.gaussian(5, 1.0).double())
    for _ in range(10):
        x = torch.rand(y.shape, generator=generator, dtype=torch.float64) + 0.2
        for fidelity in (Gaussian(blur, y), Poisson(Identity(), y)):
            new, fall, kappa = try_step(fidelity, ORACLE, x, 2.0, tau)
            surplus = fall - (1 / tau - kappa / 2)
            assert surplus >= -1e-9
            if isinstance(fidelity, Gaussian):
                d = new - x
                assert surplus == pytest.approx(float(blur(d).square().sum() / d.square().sum()), abs=1e-8)
            if tau * kappa <= 2 * 0.9:
                assert fall >= 0.1 / tau - 1e-9


def test_one_try_for_a_fidelity_that_is_not_convex():
    """x+ by brute force on a grid: 1/(2 tau) holds, 1/tau does not."""
    grid = torch.linspace(-4, 4, 400_001, dtype=torch.float64)
    lowest = math.inf
    for start in torch.linspace(-2, 2, 41, dtype=torch.float64):
        for tau in (0.1, 0.5, 2.0):
            cost = torch.cos(5 * grid) + (grid - start - tau * 0.3).square() / (2 * tau)  # g = -0.3 x: kappa = 0
            new = grid[cost.argmin()]
            square = float((new - start) ** 2)
            if square > 1e-4:
                fall = float(torch.cos(5 * start) - torch.cos(5 * new) - 0.3 * (start - new))
                assert fall >= square / (2 * tau) - 1e-6
                lowest = min(lowest, fall * tau / square)
    assert 0.5 <= lowest < 0.75


@pytest.mark.parametrize(("c", "accepted"), [(0.49, True), (0.5, False)])
def test_one_half_is_the_limit_without_convexity(c, accepted):
    """lam f = -mu x^2/2 with mu tau near 1, g = kappa x^2/2 with a small tau kappa: the test at that step."""
    tau, kappa = 1.0, 0.01
    mu = 0.9999
    x = 1.0
    new = (x - tau * kappa * x) / (1 - tau * mu)
    fall = 0.5 * (kappa - mu) * (x**2 - new**2)
    assert (fall >= c / tau * (x - new) ** 2) == accepted


def test_squares_of_moves_and_their_smallest(generator):
    y = torch.rand(1, 1, 6, 6, generator=generator, dtype=torch.float64)
    fidelity, lam, tau0, c = Gaussian(Blur(kernels.gaussian(5, 1.0).double()), y), 3.0, 9.0, 0.3
    start = fidelity.prox(y, lam * tau0)
    steps = go(fidelity, ORACLE, y, 200, lam=lam, step=tau0, c=c)
    first = lam * fidelity.value(start) + float(ORACLE.with_value(start)[1])
    track = torch.stack([start, *(i.u for i in steps)]).flatten(1)
    moves, taus = track.diff(dim=0).norm(dim=1), torch.cat([i.step for i in steps])
    limit = steps[-1].objective
    assert float((c / taus * moves.square()).sum()) <= first - limit + 1e-12
    k = torch.arange(1, 201)
    assert (moves.cummin(0).values <= (tau0 * (first - limit) / (c * k)).sqrt() + 1e-12).all()
    assert (moves.cummin(0).values <= moves.sum() / k).all()
    assert (k.sqrt() * moves.cummin(0).values)[-1] < 1e-3 * moves[0]


@pytest.mark.parametrize("q", [0.05, 0.3, 2.0])
def test_no_better_power_of_the_number_of_moves(q):
    """g = (1 + x^2)^{-q}: moves like K^{-1/2 - q/(2q+2)}, iterates without a bound."""
    x, track = 1.0, [1.0]
    for _ in range(200_000):
        x += 2 * q * x * (1 + x * x) ** (-q - 1)
        track.append(x)
    order = 0.5 + q / (2 * q + 2)
    scaled = [(track[k + 1] - track[k]) * (k + 1) ** order for k in (2_000, 20_000, 199_999)]
    assert max(scaled) < 1.15 * min(scaled)
    assert track[-1] > 2 * track[2_000]


def test_exponents_of_the_examples(generator):
    h = torch.tensor([2.0, -0.5, 0.0, 0.3], dtype=torch.float64)
    x = torch.randn(2000, 4, generator=generator, dtype=torch.float64)
    values, slopes = 0.5 * (h * x.square()).sum(1), (h * x).norm(dim=1)
    up = values > 0
    sharp = slopes[up] / (2 * 0.3 * values[up]).sqrt()  # chi' (F) |grad F| with chi = sqrt(2 s / mu)
    assert sharp.min() >= 1
    axis = torch.tensor([0.0, 0.0, 0.0, 1.0], dtype=torch.float64)
    assert float((h * axis).norm()) == pytest.approx(math.sqrt(2 * 0.3 * 0.15))  # equality, so mu is the smallest
    for p in (1.5, 3.0, 7.0):
        s = 0.2**p
        assert (1 / p) * s ** (1 / p - 1) * p * 0.2 ** (p - 1) == pytest.approx(1)
    tiny = [0.2, 0.1, 0.05]
    for theta in (0.5, 0.9):  # no exponent for exp(-1/x^2)
        ratio = [2 * x**-3 * math.exp(-(1 - theta) / x**2) for x in tiny]
        assert ratio[0] > ratio[1] > ratio[2]
        assert ratio[2] < 1e-10


WORLDS = {
    "quadratic": (
        descent.quadratic(torch.tensor([0.0, 0.1, 1.0], dtype=torch.float64)),
        torch.ones(1, 1, 1, 3, dtype=torch.float64), 1.0, 0.5, (2 * 0.1) ** -0.5,
    ),
    "cubic": (descent.power(3), torch.full((1, 1, 1, 1), 0.5, dtype=torch.float64), 3.0, 2 / 3, 1 / 3),
    "quartic": (descent.power(4), torch.full((1, 1, 1, 1), 0.8, dtype=torch.float64), 7.68, 3 / 4, 1 / 4),
}  # fmt: skip


@pytest.mark.parametrize("times", [0.7, 12.0])
@pytest.mark.parametrize("world", WORLDS)
def test_finite_length_and_rates(world, times):
    """Theorem gspnp-length and gspnp-rates, also where the first step is long and is rejected many times."""
    denoise, begin, L, theta, C = WORLDS[world]
    c, tau0, n = 0.2, times / L, 1500
    steps = go(descent.no_data(begin.shape[-1]), denoise, begin, n, lam=1.0, step=tau0, c=c)
    track = torch.stack([begin, *(i.u for i in steps)]).flatten(1)
    gap = torch.cat([denoise.with_value(p.reshape(begin.shape))[1] for p in track])
    d = track.diff(dim=0).norm(dim=1)
    a, b = c / tau0, 1 / float(steps[-1].step) + L
    grads = torch.stack([denoise.gradient_and_value(p.reshape(begin.shape))[0].norm() for p in track])
    assert (gap[:-1] - gap[1:] >= a * d.square() - 1e-12).all()  # the two hypotheses
    assert (grads[1:] <= b * d + 1e-12).all()
    for k in (1, 3, 20, 300):
        length, bound = d[k:].sum(), d[k - 1] + b / a * C / (1 - theta) * gap[k] ** (1 - theta)
        assert length <= bound + 1e-12
    M = a / (b * C) ** 2
    assert (gap[1:-1] >= gap[2:] + M * gap[2:] ** (2 * theta) - 1e-15).all()
    k = torch.arange(n, dtype=torch.float64)
    if theta == 0.5:
        predicted = (1 + M) ** -k * gap[1]
    else:
        q = 2 * theta - 1
        t = M * gap[1] ** q
        predicted = (gap[1] ** -q + k * M * (1 - (1 + t) ** -q) / t) ** (-1 / q)
        order = float((gap[-1] / gap[n // 2]).log() / math.log(n / (n // 2)))
        assert order == pytest.approx(-1 / q, rel=0.1)  # the power is attained
        reach = float((track[-1].norm() / track[n // 2].norm()).log() / math.log(n / (n // 2)))
        assert reach == pytest.approx(-(1 - theta) / q, rel=0.1)
    assert (gap[1:] <= predicted * (1 + 1e-9) + 1e-15).all()


def test_spiral_is_smooth_and_critical_in_the_disc_only(generator):
    spiral = descent.Spiral(5.0)
    angle = 2 * math.pi * torch.rand(4000, generator=generator, dtype=torch.float64)
    s = 10 ** (-3 + 3 * torch.rand(4000, generator=generator, dtype=torch.float64))
    x = torch.stack(((1 + s) * angle.cos(), (1 + s) * angle.sin()), 1)
    slopes = torch.tensor([spiral.slopes(*p) for p in x.tolist()], dtype=torch.float64)
    x.requires_grad_(True)
    (grad,) = torch.autograd.grad(spiral.value(x).sum(), x)
    torch.testing.assert_close(grad, slopes, atol=1e-9, rtol=1e-6)
    assert (slopes.norm(dim=1) > 0.5 * s**5 / (1 + s)).all()  # no critical point outside
    near = s < 0.02
    for h in (1e-5, 1e-7):  # the second derivative stays below B^2 + O(s), also next to the circle
        other = (x + h).detach()
        moved = torch.tensor([spiral.slopes(*p) for p in other.tolist()], dtype=torch.float64)
        quotient = (moved - slopes).norm(dim=1) / (h * 2**0.5)
        assert quotient[near].max() < 1.1 * 25
    inside = torch.tensor([[0.3, 0.4], [0.0, 0.0], [-1.0, 0.0]], dtype=torch.float64)
    assert spiral.value(inside).abs().max() == 0
    assert spiral.slopes(0.3, 0.4) == (0.0, 0.0)


@pytest.mark.parametrize("winding", [3.0, 8.0])
def test_descent_on_the_spiral_never_settles(winding):
    spiral, tau = descent.Spiral(winding), 0.5 / winding**2
    s0 = winding / 8
    begin = ((1 + s0) * math.cos(winding / s0 - 0.5), (1 + s0) * math.sin(winding / s0 - 0.5))
    path = spiral.descend(begin, tau, 150_000)
    assert (spiral.value(path).diff() <= 0).all()
    s, angle = path.norm(dim=1) - 1, torch.atan2(path[:, 1], path[:, 0])
    w = torch.remainder(angle - winding / s + math.pi, 2 * math.pi) - math.pi
    assert (s > 0).all()
    assert (w.abs() <= math.pi / 2).all()
    turned = (torch.remainder(angle.diff() + math.pi, 2 * math.pi) - math.pi).cumsum(0)
    assert turned[-1] > 6
    torch.testing.assert_close(turned, (winding / s + w)[1:] - (winding / s + w)[0], atol=1e-6, rtol=0)
    late = [float(turned[k]) + 8 for k in (37_499, 149_999)]  # alpha counted from 0 is about 8 at the start
    assert late[1] / late[0] == pytest.approx(4 ** (1 / 6), rel=0.03)  # alpha grows like k^(1/6): no limit
    start = path[:1].reshape(1, 1, 1, 2)
    steps = go(descent.no_data(2), spiral.denoiser(), start, 100, lam=1.0, step=tau, c=0.4)
    assert int(steps[-1].rejected) == 0
    assert (torch.cat([i.u.reshape(1, 2) for i in steps]) - path[1:101]).abs().max() < 1e-12


@pytest.mark.parametrize("winding", [2.0, 5.0])
def test_flattest_points_of_the_spiral(winding):
    spiral, s = descent.Spiral(winding), torch.logspace(-2, -1, 60, dtype=torch.float64)
    points = spiral.flattest(s)
    values = spiral.value(points)
    slopes = torch.tensor([spiral.slopes(*p) for p in points.tolist()], dtype=torch.float64)
    size = slopes.norm(dim=1)
    assert (size <= 4 / winding * values**1.25).all()
    assert (size >= 0.8 * 4 / winding * values**1.25 * (1 - s)).all()
    radial = (slopes * points).sum(1).abs()
    assert (radial <= 1e-4 * size).all()  # rounding of s is multiplied by B^2


@pytest.mark.parametrize(("name", "smooth"), [
    ("ELU", True), ("CELU", True), ("Softplus", True), ("GELU", True), ("SiLU", True), ("Tanh", True), ("Sigmoid", True),
    ("ReLU", False), ("LeakyReLU", False), ("SELU", False), ("ELU2", False),
])  # fmt: skip
def test_which_activations_have_a_lipschitz_slope(name, smooth):
    activation = torch.nn.ELU(2.0) if name == "ELU2" else getattr(torch.nn, name)()
    z = torch.linspace(-8, 8, 160_001, dtype=torch.float64).add(3e-5).requires_grad_(True)
    (slope,) = torch.autograd.grad(activation(z).sum(), z)
    steepest = float((slope.diff() / z.detach().diff()).abs().max())
    assert (steepest < 2) == smooth


@pytest.mark.parametrize("q", [0.3, 0.95])
def test_a_contraction_keeps_the_iterates_in_a_ball(q, generator):
    y = torch.rand(1, 1, 16, 16, generator=generator)
    network = descent.RandomContraction(1, q=q, width=8)
    fidelity, denoise = Gaussian(Blur(kernels.gaussian(5, 1.0)), y), at_sigma(GradientStep(network), 0.1)
    start = fidelity.prox(y, 20.0)
    energy = 4.0 * fidelity.value(start) + float(denoise.with_value(start)[1])
    radius = math.sqrt(2 * energy) / (1 - q)
    for iterate in go(fidelity, denoise, y, 30, lam=4.0, step=5.0):
        assert float(iterate.u.norm()) <= radius
    for scale in (0.1, 1.0, 50.0):
        x = scale * torch.randn(1, 1, 16, 16, generator=generator)
        assert float(network(x, 0.1).norm()) <= q * float(x.norm())


def test_the_ball_is_the_smallest_that_the_energy_allows():
    """N(x) = (q ||x|| + e) x / ||x||: ||x|| = (e + sqrt(2 E)) / (1 - q) has g(x) = E."""
    q, e, energy = 0.6, 0.2, 1.3
    r = (e + math.sqrt(2 * energy)) / (1 - q)
    assert 0.5 * (r - (q * r + e)) ** 2 == pytest.approx(energy)


def test_a_box_keeps_iterates_that_would_leave():
    """g = (1 + x^2)^{-q} drives x to infinity; with beta/2 dist(x, [0, 1])^2 it stays within sqrt(2 E / beta)."""

    def slide(beta):
        def pair(x):
            base = 1 + x.square()
            out = x - x.clamp(0, 1)
            g = base**-0.5 + 0.5 * beta * out.square()
            return x + x * base**-1.5 - beta * out, g.flatten(1).sum(1)

        return WithPotential(pair)

    one = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    free = go(descent.no_data(1), slide(0.0), one, 3000, lam=1.0)
    assert float(free[-1].u) > 15
    for beta in (0.01, 1.0):
        bound = math.sqrt(2 * 2**-0.5 / beta)
        kept = go(descent.no_data(1), slide(beta), one, 1500, lam=1.0)
        farthest = max(float(i.u) for i in kept) - 1
        assert 0.05 * bound < farthest <= bound
        grad = slide(beta).gradient_and_value(kept[-1].u)[0]
        assert float(grad.abs()) < 1e-6


@pytest.mark.parametrize("eta", [0.5, 0.9])
@pytest.mark.parametrize("c", [0.01, 0.1, 0.3, 0.49])
def test_a_long_first_step_bounces_and_costs_what_is_said(c, eta):
    h, tau0 = 1.7, 1234.5
    one = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    parabola = descent.quadratic(torch.tensor([h], dtype=torch.float64))
    steps = go(descent.no_data(1), parabola, one, 3, lam=1.0, step=tau0, c=c, eta=eta)
    tau = float(steps[0].step)
    assert 2 * eta * (1 - c) < tau * h <= 2 * (1 - c) * (1 + 1e-12)
    factor = float(steps[1].u / steps[0].u)
    assert factor == pytest.approx(1 - tau * h)
    assert -(1 - 2 * c) - 1e-9 <= factor < 1 - 2 * eta * (1 - c)
    assert int(steps[-1].rejected) == math.ceil(math.log(tau0 * h / (2 * (1 - c))) / math.log(1 / eta))


@pytest.mark.parametrize("tau0", [1.0, 4.0, 40.0])
def test_a_jump_is_paid_for(tau0, generator):
    y = torch.rand(1, 1, 1, 8, generator=generator, dtype=torch.float64)
    fidelity, c, lam = Gaussian(Identity(), y), 0.1, 0.3
    x = fidelity.prox(y, tau0 * lam)
    value = lam * fidelity.value(x) + float(ORACLE.with_value(x)[1])
    for iterate in go(fidelity, ORACLE, y, 20, lam=lam, step=tau0, c=c):
        square = float((iterate.u - x).square().sum())
        assert square <= float(iterate.step) / c * (value - iterate.objective) + 1e-12
        x, value = iterate.u, iterate.objective
