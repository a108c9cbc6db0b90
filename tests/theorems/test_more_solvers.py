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
    """k' <= 1/2 with a proximal operator: T = D P pseudo-contractive; just beyond it there are D and P where T is not."""
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


def test_hqs_is_a_gradient_step_on_the_envelope_and_descends(oracle, y):
    """u_{k+1} = D(u_k - grad e(u_k)), and F + e falls by (1 - r)/2 times the squared move; F from the potential."""
    fidelity, lam = Poisson(Identity(), y), 0.7
    oracle_step = solvers.hqs(fidelity, oracle.denoise, y, lam=lam)
    u, energy, worst, moved = y, None, 1.0, 0.0
    largest = 1 / PixelMixture(oracle.mixture).gamma(SIGMA)
    r = 1 - 1 / largest  # F = prox with slopes of D up to `largest`
    for _, it in zip(range(30), oracle_step, strict=False):
        z = u - (u - fidelity.prox(u, lam))
        assert torch.allclose(it.x, oracle.denoise(z), atol=1e-12)
        new = it.x
        prior = oracle.potential(z) - float((z - new).square().sum()) / 2
        v = fidelity.prox(new, lam)
        now = prior + lam * fidelity.value(v) + float((v - new).square().sum()) / 2
        if energy is not None:
            step = float((new - u).square().sum())
            worst, moved = min(worst, energy - now - (1 - r) / 2 * step), moved + step
        u, energy = new, now
    assert worst > -1e-9
    assert moved > 1e-3


def test_hqs_with_a_contraction_has_its_rate(y):
    fidelity, q = Poisson(Identity(), y), 0.8
    runs = [solvers.hqs(fidelity, lambda x: q * x, start, lam=0.7) for start in (y, torch.rand_like(y))]
    gap = [float((a.x - b.x).norm()) for _, a, b in zip(range(40), *runs, strict=False)]
    assert all(later <= q * now + 1e-12 for now, later in itertools.pairwise(gap))
    assert gap[0] > 0.1
    assert gap[-1] < 1e-3


def red_prior_slope(denoise, x):
    point = x.clone().requires_grad_(True)
    (slope,) = torch.autograd.grad((point * (point - denoise(point))).sum() / 2, point)
    return slope


SYMMETRIC = torch.tensor([[0.7, 0.2], [0.2, 0.5]], dtype=torch.float64)
SKEWED = torch.tensor([[0.7, 0.4], [0.0, 0.5]], dtype=torch.float64)
DENOISERS = {  # name -> map, is J symmetric, is it homogeneous
    "symmetric matrix": (lambda x: SYMMETRIC @ x, True, True),
    "skewed matrix": (lambda x: SKEWED @ x, False, True),
    "soft step": (torch.tanh, True, False),
    "norm": (lambda x: x - x.norm() * torch.tensor([0.3, 0.1], dtype=x.dtype), False, True),
    "quartic norm": (lambda x: x - 0.5 * x**3 / (x**4).sum().sqrt(), True, True),  # g = sqrt(sum x^4) / 4
    "sum of two": (lambda x: torch.tanh(SKEWED @ x), False, False),
}


@pytest.mark.parametrize("name", list(DENOISERS))
def test_red_prior_exists_exactly_for_symmetric_homogeneous_denoisers(name):
    denoise, symmetric, homogeneous = DENOISERS[name]
    same, flat, ray = [], [], []
    for k in range(20):
        x = torch.randn(2, generator=generator(k), dtype=torch.float64)
        j = torch.autograd.functional.jacobian(denoise, x)
        slope = red_prior_slope(denoise, x)
        assert torch.allclose(slope, x - denoise(x) / 2 - j.T @ x / 2, atol=1e-12)  # (b)
        same.append(float((slope - (x - denoise(x))).norm()))
        flat.append(float((j - j.T).norm()))
        ray.append(max(float((denoise(2 * x) - 2 * denoise(x)).norm()), float((j @ x - denoise(x)).norm())))
    assert (max(flat) < 1e-12) == symmetric
    assert (max(ray) < 1e-12) == homogeneous
    assert (max(same) < 1e-12) == (symmetric and homogeneous)


@pytest.mark.parametrize("share", [0.5, 0.99])
def test_b_pnp_descends_by_at_least_what_the_theorem_says(y, share):
    """g = ell |x|^2 / 2: zeta'' = z^2 - 3 t ell z^4 > 0 for 3 t ell z^2 < 1, here where z < 1.8."""
    y, ell, t = 0.1 + 0.9 * y, 0.8, 0.1
    fidelity, smooth = Poisson(Identity(), y), float(y.max())
    lam = share / smooth
    x, energy, moved = None, None, 0.0
    for _, it in zip(range(60), solvers.b_pnp(fidelity, Quadratic(ell), y.sqrt(), lam=lam, t=t), strict=False):
        assert 3 * t * ell * float(it.z.max()) ** 2 < 1
        if x is not None:
            distance = float(burg_distance(it.x, x))
            assert energy - it.objective >= (1 - lam * smooth) * distance - 1e-9
            moved += distance
        x, energy = it.x, it.objective
    assert moved > 1e-3


def test_b_pnp_step_is_a_bregman_proximal_map():
    """phi(v) + D_h(v, z), phi known by phi(B(z)) = t g(z) - D_h(B(z), z), is least at v = B(z) among all v = B(w)."""
    ell, t = 0.8, 0.1
    w = torch.linspace(0.05, 1.5, 2000, dtype=torch.float64)
    v = w - t * w**2 * ell * w
    phi = t * ell * w**2 / 2 - (v / w - (v / w).log() - 1)
    for k in (100, 700, 1500):
        total = phi + v / w[k] - (v / w[k]).log() - 1
        assert int(total.argmin()) == k
        assert float(total.max() - total.min()) > 0.01


def test_noise_before_a_gradient_step_smooths_its_potential(oracle):
    """E[u - D(u)], u = x + sigma n, against the slope of E g(u), both by the trapezoidal rule on a fine grid."""
    x, s = 0.35, 0.1
    n = torch.linspace(-9, 9, 4001, dtype=torch.float64)
    p = torch.exp(-(n**2) / 2) / (2 * torch.pi) ** 0.5

    def mean(values):
        return float(torch.trapezoid(values * p, n))

    def potential(x):
        return mean(-(SIGMA**2) * oracle.mixture.log_density((x + s * n)[:, None], SIGMA))

    u = x + s * n
    residual = u - oracle.denoiser(u.reshape(1, 1, 1, -1), SIGMA).flatten()
    assert mean(residual) == pytest.approx((potential(x + 1e-5) - potential(x - 1e-5)) / 2e-5, abs=1e-7)
    assert abs(mean(residual) - float(residual[2000])) > 1e-3  # it is not that of the potential itself


def test_snore_at_one_level_descends_in_the_mean_and_stays_noisy_with_a_constant_step():
    """g = ell |x|^2 / 2 and G = |x - y|^2 / 2: everything is known in closed form."""
    ell, lam, s, d = 0.6, 1.5, 0.2, 64
    big, v = lam + ell, ell**2 * s**2 * d
    y = torch.full((1, 1, 8, 8), 0.5, dtype=torch.float64)
    fidelity, mu = Gaussian(Identity(), y), 0.3
    draws = []
    for seed in range(400):
        denoise = LevelledQuadratic(ell, s)
        first = next(solvers.snore(fidelity, denoise, torch.zeros_like(y), lam=lam, sigmas=[s], step=mu, seed=seed))
        draws.append(lam * fidelity.value(first.x) + ell / 2 * float(first.x.square().sum()))
    start, slope = lam * fidelity.value(0 * y), float((lam * y).square().sum())
    bound = start - mu / 2 * slope + mu**2 * big * v / 2
    assert sum(draws) / 400 <= bound + 1e-3
    exact = start - mu * slope + mu**2 * big / 2 * (slope + v)
    assert sum(draws) / 400 == pytest.approx(exact, abs=5e-3)
    tail = [it.x for it in solvers.snore(fidelity, LevelledQuadratic(ell, s), y, lam=lam, sigmas=[s] * 400, step=mu)][
        200:
    ]
    best = lam * y / (lam + ell)
    spread = torch.stack(tail).sub(best).square().mean()
    q = 1 - mu * big
    assert float(spread) == pytest.approx((mu * ell * s) ** 2 / (1 - q**2), rel=0.1)  # it does not vanish


class LevelledQuadratic(Quadratic):
    """The same at every noise level."""

    def __init__(self, ell, sigma):
        super().__init__(ell)
        self.sigma = sigma

    def at(self, sigma):
        return self


def test_what_dps_leaves_out():
    """The formula against a numerical derivative of log p(y | x), which is p(x, y) / p(x), from joint covariances."""
    a = torch.randn(2, 3, generator=generator(1), dtype=torch.float64)
    root = torch.randn(3, 3, generator=generator(2), dtype=torch.float64)
    c, m = root @ root.T + 0.1 * torch.eye(3).double(), torch.tensor([0.2, -0.1, 0.4]).double()
    s, nu = 0.5, 0.3
    noisy = c + s**2 * torch.eye(3).double()
    joint = torch.cat(
        (torch.cat((noisy, c @ a.T), 1), torch.cat((a @ c, a @ c @ a.T + nu**2 * torch.eye(2).double()), 1))
    )
    mean = torch.cat((m, a @ m))
    x, y = torch.tensor([0.5, 0.1, -0.3]).double().requires_grad_(True), torch.tensor([1.0, -0.4]).double()
    law = torch.distributions.MultivariateNormal
    log = law(mean, joint).log_prob(torch.cat((x, y))) - law(m, noisy).log_prob(x)
    (want,) = torch.autograd.grad(log, x)
    j = c @ torch.linalg.inv(noisy)
    residual = y - a @ (m + j @ (x.detach() - m))
    got = j @ a.T @ torch.linalg.solve(nu**2 * torch.eye(2).double() + s**2 * a @ j @ a.T, residual)
    assert torch.allclose(got, want, atol=1e-10)
    plain = j @ a.T @ residual
    assert float((plain / plain.norm() - want / want.norm()).norm()) > 0.05  # another direction
