"""book/theory/more_solvers.md: both sides of each inequality, in float64, on maps that are known exactly."""

import itertools

import pytest
import torch

from pnp_course import solvers
from pnp_course.fidelities import Gaussian, Poisson
from pnp_course.operators import Blur, Identity, kernels
from pnp_course.priors import TotalVariation
from pnp_course.solvers.bregman import burg_distance
from pnp_course.toy import GaussianMixture, PixelMixture

SIGMA = 0.15


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


class Oracle:
    """The MMSE denoiser of a two-peaked pixel law: D = I - grad g with g = -sigma^2 log p, J between 0 and 3.34."""

    def __init__(self):
        self.mixture = GaussianMixture.two_peaks()
        self.denoiser = PixelMixture(self.mixture)

    def denoise(self, x):
        return self.denoiser(x, SIGMA)

    def potential(self, x):
        return -(SIGMA**2) * float(self.mixture.log_density(x.reshape(-1, 1), SIGMA).sum())


@pytest.fixture(scope="module")
def oracle():
    return Oracle()


@pytest.fixture(scope="module")
def y():
    return torch.rand(1, 1, 12, 12, generator=generator(), dtype=torch.float64)


def test_the_potential_is_that_of_the_denoiser(oracle, y):
    x = y.clone().requires_grad_(True)
    g = -(SIGMA**2) * oracle.mixture.log_density(x.reshape(-1, 1), SIGMA).sum()
    (slope,) = torch.autograd.grad(g, x)
    assert torch.allclose(x.detach() - slope, oracle.denoise(y), atol=1e-10)


@pytest.mark.parametrize("tau", [0.3, 1.0])
def test_fista_stays_below_its_bound(y, tau):
    """R = mu |x|_1 by soft thresholding, f = |Kx - y|^2 / 2; the minimum by a thousand times more iterations."""
    fidelity, mu = Gaussian(Blur(kernels.gaussian(5, 1.0).double()), y), 0.02

    def shrink(z):
        return z.sign() * (z.abs() - tau * mu).clamp_min(0)

    def energy(x):
        return fidelity.value(x) + mu * float(x.abs().sum())

    best = None
    for _, iterate in zip(range(20000), solvers.fista(fidelity, shrink, y, lam=1.0, step=tau), strict=False):
        best = iterate.x
    distance = float((y - best).square().sum())
    for k, iterate in zip(range(1, 200), solvers.fista(fidelity, shrink, y, lam=1.0, step=tau), strict=False):
        assert energy(iterate.x) - energy(best) <= 2 * distance / (tau * (k + 1) ** 2) + 1e-12


def test_primal_dual_is_monotone_in_its_own_metric(y):
    """|z_k - z*|_V with z_k = (x_k, p_{k+1}) never grows, for total variation."""
    linear, tau, sigma = TotalVariation.linear, 0.3, 0.4
    assert tau * sigma * linear.norm_squared < 1
    tv, fidelity = TotalVariation(0.1), Gaussian(Identity(), y)
    steps = solvers.primal_dual(fidelity, tv, y, lam=1.0, step=tau, sigma_dual=sigma, linear=linear)
    seen = [(it.x, it.p) for _, it in zip(range(6000), steps, strict=False)]
    last = seen[-1]

    def distance(z):
        dx, dp = z[0] - last[0], z[1] - last[1]
        return float(dx.square().sum() / tau + dp.square().sum() / sigma - 2 * (linear.forward(dx) * dp).sum())

    pairs = [(seen[k][0], seen[k + 1][1]) for k in range(200)]
    along = [distance(z) for z in pairs]
    assert along[0] > 0.1
    assert all(b <= a + 1e-6 for a, b in itertools.pairwise(along))
    assert along[-1] < 0.01 * along[0]


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.9])
def test_red_descends_by_at_least_what_the_theorem_says(oracle, y, factor):
    fidelity, lam = Gaussian(Blur(kernels.gaussian(5, 1.0).double()), y), 3.0
    mu = factor / (lam + 1)  # delta = 0, L_f = 1
    x, energy = y, lam * fidelity.value(y) + oracle.potential(y)
    for _, iterate in zip(range(30), solvers.red(fidelity, oracle.denoise, y, lam=lam, step=mu), strict=False):
        slope = lam * fidelity.grad(x) + x - oracle.denoise(x)
        now = lam * fidelity.value(iterate.x) + oracle.potential(iterate.x)
        assert energy - now >= mu * (1 - factor / 2) * float(slope.square().sum()) - 1e-9
        x, energy = iterate.x, now


@pytest.mark.parametrize("kind", ["gauss", "poisson"])
def test_the_fixed_point_iteration_descends(oracle, y, kind):
    fidelity, lam = (Gaussian(Identity(), y) if kind == "gauss" else Poisson(Identity(), y)), 0.7
    x, energy, moved = None, None, 0.0
    for _, iterate in zip(range(40), solvers.red_fixed_point(fidelity, oracle.denoise, y, lam=lam), strict=False):
        now = lam * fidelity.value(iterate.x) + oracle.potential(iterate.x)
        if x is not None:
            step = float((iterate.x - x).square().sum())
            assert energy - now >= step / 2 - 1e-9  # delta = 0
            moved += step
        x, energy = iterate.x, now
    assert moved > 1e-3


def pseudo_contraction(seed, n=6):
    """A linear T with <x, T x> <= ||x||^2 and norm above 1: I - (PSD + antisymmetric)."""
    a = torch.randn(n, n, generator=generator(seed), dtype=torch.float64)
    b = torch.randn(n, n, generator=generator(seed + 100), dtype=torch.float64)
    return torch.eye(n, dtype=torch.float64) - 0.2 * a @ a.T / n - 0.5 * (b - b.T)


@pytest.mark.parametrize("seed", range(5))
def test_ishikawa_inequality(seed):
    t = pseudo_contraction(seed)
    norm = float(torch.linalg.matrix_norm(t, 2))
    assert norm > 1
    u = torch.randn(6, generator=generator(seed), dtype=torch.float64)  # the fixed point is 0
    for k in range(1, 2000):
        alpha, beta = k**-0.5, k**-0.4
        w = (1 - beta) * u + beta * (t @ u)
        new = (1 - alpha) * u + alpha * (t @ w)
        gain = alpha * beta * (1 - 2 * beta - norm**2 * beta**2) * (u - t @ u).square().sum()
        gain = gain + alpha * (beta - alpha) * (u - t @ w).square().sum()
        assert new.square().sum() <= u.square().sum() - gain + 1e-9 * u.square().sum()
        u = new
    assert float(u.norm()) < 0.5


def test_picard_and_mann_fail_where_ishikawa_converges():
    """A rotation by a right angle and a stretch, T = I - 2 R: pseudo-contractive, and no fixed average converges fast."""
    t = torch.eye(2, dtype=torch.float64) - 2 * torch.tensor([[0.0, -1], [1, 0]], dtype=torch.float64)
    u = torch.ones(2, dtype=torch.float64)
    for _ in range(20):
        u = 0.5 * u + 0.5 * t @ u
    assert float(u.norm()) > 100
    v = torch.ones(2, dtype=torch.float64)
    for k in range(1, 20000):
        alpha = beta = min(0.2, k**-0.4)
        v = (1 - alpha) * v + alpha * t @ ((1 - beta) * v + beta * t @ v)
    assert float(v.norm()) < 1e-3


def strictness(t):
    """The largest 1 - k with <d, (I - T) d> >= (1 - k)/2 ||(I - T) d||^2, for linear T: a generalised eigenvalue."""
    e = torch.eye(len(t), dtype=t.dtype) - t
    inverse = torch.linalg.inv(e)  # with c = (I - T) d:  <(I - T)^{-1} c, c> >= (1 - k)/2 ||c||^2
    return 2 * float(torch.linalg.eigvalsh((inverse + inverse.T) / 2).min())


def test_composition_bound_is_sharp():
    """k' <= 1/2 with a proximal map: T = D P pseudo-contractive; just beyond it there are D and P where T is not."""
    eye = torch.eye(2, dtype=torch.float64)
    direction = torch.tensor([1.0, 0.0], dtype=torch.float64)
    p = torch.outer(direction, direction)  # a projection, prox of an indicator: theta = 1/2
    worst = {}
    for k in (0.5, 0.6):
        lows = []
        for angle in torch.linspace(0, torch.pi, 721, dtype=torch.float64):
            # I - D = s R with <d, s R d> = s cos(angle) ||d||^2 = (1 - k)/2 s^2 ||d||^2
            s = 2 * torch.cos(angle) / (1 - k)
            rotation = torch.stack((torch.stack((angle.cos(), -angle.sin())), torch.stack((angle.sin(), angle.cos()))))
            if s < 1e-2:
                continue
            d = eye - s * rotation
            assert strictness(d) == pytest.approx(1 - k, rel=1e-6)
            gap = eye - d @ p
            lows.append(float(torch.linalg.eigvalsh((gap + gap.T) / 2).min()))
        worst[k] = min(lows)
    assert worst[0.5] > -1e-9
    assert worst[0.6] < -0.03


def test_relaxation_lemma():
    for seed in range(5):
        d = pseudo_contraction(seed) - 0.3 * torch.eye(6, dtype=torch.float64)
        r = 0.3
        relaxed = r * d + (1 - r) * torch.eye(6, dtype=torch.float64)
        assert strictness(relaxed) == pytest.approx(strictness(d) / r, rel=1e-9)


class Quadratic:
    """D = I - grad g with g(x) = ell ||x||^2 / 2."""

    def __init__(self, ell):
        self.ell = ell

    def __call__(self, x):
        return x - self.ell * x

    def gradient_and_value(self, x):
        return self.ell * x, self.ell / 2 * x.flatten(1).square().sum(1)


@pytest.mark.parametrize("tau_times_l", [0.5, 0.99])
def test_b_red_descends_by_at_least_what_the_theorem_says(y, tau_times_l):
    """E = lam KL + ell |x|^2 / 2: relatively smooth with L = lam max(y) + ell, C = 1."""
    lam, ell, y = 0.5, 0.8, 0.1 + 0.9 * y  # darker pixels need many more iterations
    fidelity = Poisson(Identity(), y)
    rate = lam * float(y.max()) + ell
    tau = tau_times_l / rate

    def value(z):
        return lam * fidelity.value(z) + ell / 2 * float(z.square().sum())

    x = torch.full_like(y, 0.5)
    steps = solvers.b_red(fidelity, Quadratic(ell), x, lam=lam, step=tau)
    for _, iterate in zip(range(1000), steps, strict=False):
        bound = (1 / tau - rate) * burg_distance(iterate.x, x) + burg_distance(x, iterate.x) / tau
        assert value(x) - value(iterate.x) >= bound - 1e-9
        x = iterate.x
    exact = (-lam + (lam**2 + 4 * ell * lam * y).sqrt()) / (2 * ell)  # lam (1 - y/x) + ell x = 0
    assert torch.allclose(x, exact, atol=1e-3)
