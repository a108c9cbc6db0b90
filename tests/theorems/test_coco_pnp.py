"""book/theory/coco_pnp.md: both sides of each statement, in float64, on denoisers and fidelities that are known exactly."""

import math
from itertools import islice, pairwise

import pytest
import torch

from pnp_course.exercises.notebook_12 import inner_factor
from pnp_course.fidelities import Poisson, moreau_envelope, prox_kl
from pnp_course.guarantees import gradient_lipschitz, largest_averaging, weak_convexity
from pnp_course.operators import Blur, Identity, kernels
from pnp_course.solvers import coco_admm, coco_pegd
from pnp_course.toy.scalar import invert, two_point, wave

K = Blur(kernels.motion(5, 1))


def rand(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def prior(denoiser, t, z):
    """F at D_t(z), pixel by pixel: z^2 / 2 - psi_t(z) - (z - D_t(z))^2 / 2."""
    averaged = denoiser.averaged(t)
    return z**2 / 2 - averaged.potential(z) - (z - averaged.d(z)) ** 2 / 2


@pytest.fixture(scope="module")
def blurred():
    y, u = rand(1, 1, 8, 8) * 0.8, rand(1, 1, 8, 8, seed=1) + 0.1
    y[..., 0, :3] = 0.0
    return Poisson(K, y), y, u


def test_the_poisson_fidelity_is_neither_smooth_nor_strongly_convex(blurred):
    """pnp-poisson: the product is half of ||y||_1 at every scale; the quotients of prox and envelope tend to 1 and 0."""
    fidelity, y, u = blurred
    lam = 0.7
    for theta in (1e-3, 1.0, 1e3):
        difference = fidelity.grad(2 * theta * u) - fidelity.grad(theta * u)
        assert float((difference * theta * u).sum()) == pytest.approx(float(y.sum()) / 2, rel=1e-9)
    exact = Poisson(K, y, tol=1e-12, max_inner=20_000, rho=4.0)

    def quotients(theta):
        """Of P and of grad e at z = theta u + lam grad G(theta u), whose proximal points are known."""
        points = [s * theta * u for s in (1, 2)]
        z = [p + lam * fidelity.grad(p) for p in points]
        if theta == 1:
            torch.testing.assert_close(exact.prox(z[0], lam), points[0], atol=1e-8, rtol=0)
        way = float((z[1] - z[0]).norm())
        return float((points[1] - points[0]).norm()) / way, float(
            ((z[1] - points[1]) - (z[0] - points[0])).norm()
        ) / way

    assert quotients(1e3)[0] > 1 - 1e-5
    assert quotients(1e3)[1] < 1e-5
    assert quotients(1e-3)[0] < 1e-5
    assert 1 - 1e-5 < quotients(1e-3)[1] <= 1
    assert 0 < quotients(1)[0] < 1 > quotients(1)[1] > 0


@pytest.mark.parametrize("size", [1e-3, 0.3, 1.0, 50.0])
def test_lower_bound_of_the_fidelity(blurred, size):
    """pnp-coercive, 1, with equality where K u = 2 y; and y = 0."""
    fidelity, y, u = blurred
    constant = float((torch.xlogy(y, 2 * y) - y).sum())
    assert fidelity.value(size * u) >= float(K(size * u).abs().sum()) / 2 - constant
    one = Poisson(Identity(), y)
    assert one.value(2 * y) == pytest.approx(float(y.sum()) - constant, abs=1e-9)


@pytest.mark.parametrize("t", [0.1, 0.33, 0.9])
def test_the_prior_of_a_gradient_step_is_above_t_times_its_potential(t):
    """pnp-coercive, 2: F(u) >= t g(u), with g = u^2 / 2 - psi(u), up to one constant for both."""
    d, u = two_point(0.25), torch.linspace(-1, 2, 301, dtype=torch.float64)
    z = invert(d.averaged(t).d, u)
    F, g = prior(d, t, z), u**2 / 2 - d.potential(u)
    assert (F - t * g).min() > -1e-12
    assert (F - t * g).max() > 1e-3
    fixed = torch.tensor([0.5], dtype=torch.float64)  # a fixed point of D, where they are equal
    assert float(prior(d, t, fixed) - t * (fixed**2 / 2 - d.potential(fixed))) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("gamma", "lam"), [(0.25, 20.0), (0.1, 5.0), (0.25, 2.0), (0.3, 100.0)])
def test_a_pixel_that_oscillates(gamma, lam):
    """pnp-pixel: the derivative by differences, the only stationary point, and runs on both sides of t_lambda."""
    y, d = 0.5, two_point(gamma)
    one = torch.full((1, 1, 1, 1), y, dtype=torch.float64)
    fidelity, c = Poisson(Identity(), one), y / (y + lam)
    limit = (1 + c) / (1 - 2 * c) * gamma / (1 - gamma)

    def step(s, t):
        u = d.averaged(t).d(s)
        return s + fidelity.prox(2 * u - s, lam) - u

    for t in (0.5 * limit, limit, min(1.3 * limit, 1.0)):
        slope = float(step(one + 1e-6, t) - step(one - 1e-6, t)) / 2e-6
        assert slope == pytest.approx(1 - c - (1 - 2 * c) * (1 + t * (1 - gamma) / gamma), abs=1e-6)
    t = 1.02 * limit
    r = weak_convexity(gamma, t)
    assert lam >= 0.8 * r
    u = torch.linspace(0.01, 3, 600, dtype=torch.float64)
    force = invert(d.averaged(t).d, u) - u + lam * (1 - y / u)
    assert ((force > 0) == (u > y)).all()

    def swing(t):
        *_, a, b = (float(it.u) for it in islice(coco_admm(fidelity, d.d, one + 0.01, lam=lam, t=t), 500))
        return abs(a - b)

    assert swing(0.98 * limit) < 1e-4
    assert swing(1.02 * limit) > 0.02


def inexact(d, t, size, rounds=80, lam=0.3):
    """CoCo-ADMM for 40 pixels of K = I with errors of the given size: lists of H (v exact), u, exact v, errors."""
    y = rand(40, seed=3)
    u, b, out = y.clone(), torch.zeros_like(y), []
    draw = torch.Generator().manual_seed(4)
    before = u
    for k in range(rounds):
        star = prox_kl(u + b, y, lam)
        error = torch.randn(40, generator=draw, dtype=torch.float64)
        error *= size(k, float((u - before).norm())) / float(error.norm())
        z = star + error - b
        before, u = u, d.averaged(t).d(z)
        b = b + u - star - error
        G = (star - torch.xlogy(y, star)).sum()
        H = prior(d, t, z).sum() + lam * G + (b * (u - star)).sum() + (u - star).square().sum() / 2
        out.append((H, u, star, error))
    return [torch.stack(x) for x in zip(*out, strict=True)]


@pytest.mark.parametrize(
    ("d", "gamma", "delta"), [(two_point(0.25), 0.25, 0.0), (two_point(0.5), 0.5, 0.0), (wave(0.6, 0.2), 0.6, 0.2)]
)
@pytest.mark.parametrize(
    "size",
    [lambda k, move: 0.3 / (k + 1), lambda k, move: 0.02, lambda k, move: 0.1 * move],
    ids=["1/k", "fixed", "move"],
)
def test_coco_admm_with_errors(d, gamma, delta, size):
    """pnp-inexact: the descent inequality at every step, then the bound on the smallest move with h from the run."""
    t = 0.95 * largest_averaging(gamma, delta)
    r, s = weak_convexity(gamma, t), t * (1 + delta) / (1 - t * (1 + delta))
    m, C = min((1 - 2 * r) * (1 + r), (1 - s) * (1 + 2 * s)), 1 + r
    assert gradient_lipschitz(gamma, t, delta) == pytest.approx(max(r, s))
    H, u, star, error = inexact(d, t, size)
    du, dv, e = u.diff(dim=0).norm(dim=1), star.diff(dim=0).norm(dim=1), error[1:].norm(dim=1)
    drop = -H.diff()
    assert (drop - (dv**2 / 2 + m * du**2 / 2 - C * du * e)).min() > -1e-12
    assert drop.sum() > 1e-3
    assert e.max() > 1e-5  # there were errors
    least = float(du.square().min())
    assert least <= 4 * float(H[0] - H[-1]) / (m * len(du)) + 4 * C**2 / m**2 * float(e.max()) ** 2
    assert bool((du[-10:] > 1e-4).any()) == (float(e[-1]) > 1e-4)


def test_the_constant_of_the_error_term_cannot_be_improved():
    """C = 1 + r: for F = -(r/2) u^2 the term is attained, so u - grad F(u) moves by exactly C times the move of u."""
    r, G = 0.4, 3.0  # G = (3/2) v^2, lam = 1, one pixel
    prox = 1 / (1 + G)

    def H(u, v, b):
        return -r * u**2 / 2 + G * v**2 / 2 + b * (u - v) + (u - v) ** 2 / 2

    u, b = 0.7, r * 0.7  # b = -F'(u)
    star = prox * (u + b)
    for error in (0.05, -0.3, 2.0):
        v = star + error
        new = (v - b) / (1 - r)
        dual = b + new - v
        assert dual == pytest.approx(r * new)
        fall = H(u, star, b) - H(new, star, dual)  # after the step to v*, with H at v*
        without = H(u, v, b) - H(new, v, dual)  # the same with H at v: what the lemma on the first step bounds
        assert fall - without == pytest.approx(-(1 + r) * (new - u) * error)


@pytest.mark.parametrize("t", [0.2, 0.33])
def test_coco_admm_with_a_denoiser_that_is_not_exact(t):
    """pnp-inexact-denoiser: D(z + e) for D(z) is the exact denoiser with other errors; the descent inequality for them."""
    d, lam, y = two_point(0.25), 0.3, rand(40, seed=3)
    r, s = weak_convexity(0.25, t), t / (1 - t)
    m, C = min((1 - 2 * r) * (1 + r), (1 - s) * (1 + 2 * s)), 1 + r
    draw = torch.Generator().manual_seed(5)
    u, b, e, before = y.clone(), torch.zeros_like(y), torch.zeros_like(y), None
    for _ in range(30):
        old, near, multiplier = e, u + (1 - t) * e, b - t * e
        v = prox_kl(u + b, y, lam)
        z = v - b
        e = 0.02 * torch.randn(40, generator=draw, dtype=torch.float64)
        u = t * d.d(z + e) + (1 - t) * z
        b = b + u - v
        star = prox_kl(near + multiplier, y, lam)
        error = v + e - t * old - star
        torch.testing.assert_close(d.averaged(t).d(star + error - multiplier), u + (1 - t) * e)
        torch.testing.assert_close(multiplier + u + (1 - t) * e - star - error, b - t * e)
        assert float(error.norm()) <= float(e.norm()) + (t + abs(2 * t - 1)) * float(old.norm()) + 1e-12
        hat, dual, G = u + (1 - t) * e, b - t * e, (star - torch.xlogy(y, star)).sum()
        H = prior(d, t, z + e).sum() + lam * G + (dual * (hat - star)).sum() + (hat - star).square().sum() / 2
        if before is not None:
            move = (hat - near).norm()
            promise = (star - before[1]).square().sum() / 2 + m * move**2 / 2 - C * move * error.norm()
            assert float(before[0] - H) >= float(promise) - 1e-12
        before = H, star


def test_the_term_with_the_error_is_needed():
    """Without - C ||du|| ||eps|| the inequality is false: with a fixed error H rises now and then."""
    H, *_ = inexact(two_point(0.25), 0.3, lambda k, move: 0.02)
    assert H.diff().max() > 1e-6


def test_how_exact_a_proximal_point_is(blurred):
    """pnp-error-bound: the distance to the proximal point is at most the residual; equal for a fidelity that is affine."""
    fidelity, _, u = blurred
    lam, point = 0.7, u
    z = point + lam * fidelity.grad(point)
    for seed in range(5):
        v = (u + 0.1 * rand(1, 1, 8, 8, seed=10 + seed)).clamp_min(0.05)
        bound = float((z - v - lam * fidelity.grad(v)).norm())
        assert 0 < float((v - point).norm()) <= bound
    dark = Poisson(Identity(), 0 * u)  # y = 0: G is the sum
    v, z = u, u + lam + 0.1
    assert float((z - v - lam * dark.grad(v)).norm()) == pytest.approx(float((v - dark.prox(z, lam)).norm()), rel=1e-9)


@pytest.mark.parametrize("rho", [0.3, 2.0, 8.0, 100.0])
def test_the_inner_loop_converges_for_every_penalty(blurred, rho):
    """pnp-inner, written out with v, for a point whose proximal point is known by its optimality condition."""
    fidelity, y, u = blurred
    lam = 0.7
    z = u + lam * fidelity.grad(u)
    v, d, errors = 0 * z, 0 * z, []
    for _ in range(600):
        x = prox_kl(K(v) - d, y, lam / rho)
        v = K.solve(z + rho * K.adjoint(x + d), rho)
        d = d + x - K(v)
        errors.append(float((v - u).norm()))
    assert errors[-1] < (1e-6 if 1 < rho < 50 else 0.05) * errors[0]
    assert all(b < a for a, b in zip(errors[::100], errors[100::100], strict=False)) or errors[-1] < 1e-10
    library = Poisson(K, y, rho=rho, tol=0.0, max_inner=40).prox(z, lam)  # which begins with K z in the place of K 0
    v, d = z, 0 * z
    for _ in range(40):
        x = prox_kl(K(v) - d, y, lam / rho)
        v = K.solve(z + rho * K.adjoint(x + d), rho)
        d = d + x - K(v)
    torch.testing.assert_close(library, v, atol=1e-10, rtol=0)


@pytest.mark.parametrize(("kappa", "k"), [(1.5, 1.0), (20.0, 0.5), (0.2, 0.3), (3.0, 2.0)])
def test_the_best_penalty_for_one_frequency(kappa, k):
    """pnp-penalty: the factor of the running loop, and its minimum."""
    beta = 1 / k**2
    rho = torch.logspace(-3, 4, 70_001, dtype=torch.float64)
    formula = (rho**2 + kappa * beta) / ((rho + kappa) * (rho + beta))
    torch.testing.assert_close(inner_factor(rho, kappa, k), formula)
    assert float(rho[formula.argmin()]) == pytest.approx(math.sqrt(kappa * beta), rel=1e-3)
    for penalty in (0.5, math.sqrt(kappa * beta), 30.0):
        v, d, s = 1.0, 0.3, []
        for _ in range(6):
            x = penalty / (penalty + kappa) * (k * v - d)
            s.append(x + d)
            v = penalty * k * (x + d) / (1 + penalty * k**2)
            d = d + x - k * v
        want = (penalty**2 + kappa * beta) / ((penalty + kappa) * (penalty + beta))
        assert [b / a for a, b in pairwise(s)] == pytest.approx([want] * 5)


def weakly_convex(r, mu=0.3, box=2.0):
    """M(x) = mu |x| - r x^2 / 2 on [-box, box] and its proximal operator, by comparing all candidates."""

    def value(x):
        return mu * x.abs() - r * x**2 / 2

    def prox(z, tau):
        bend = 1 - tau * r
        inner = torch.sign(z) * (z.abs() - tau * mu).clamp_min(0) / bend if bend > 0 else 0 * z
        found = torch.stack([0 * z, inner.clamp(-box, box), 0 * z - box, 0 * z + box])
        cost = value(found) + (found - z) ** 2 / (2 * tau)
        return found.gather(0, cost.argmin(0, keepdim=True))[0]

    return value, prox


@pytest.mark.parametrize(("r", "smooth"), [(0.5, 1.0), (3.0, 0.5), (0.0, 2.0)])
@pytest.mark.parametrize("part", [0.3, 0.7, 0.99])
def test_theorem_a6(r, smooth, part):
    """pnp-a6: the descent from many starts, with tau r below and above 1; f = L_f (1 - cos x)."""
    value, prox = weakly_convex(r)
    tau = part * max(2 / (smooth + r), 1 / smooth)
    constant = max(1 / tau - (smooth + r) / 2, 1 / (2 * tau) - smooth / 2)
    assert constant > 0
    x = torch.linspace(-2, 2, 4001, dtype=torch.float64)
    for _ in range(4):
        new = prox(x - tau * smooth * torch.sin(x), tau)
        drop = value(x) - value(new) + smooth * (torch.cos(new) - torch.cos(x))
        assert (drop - constant * (new - x) ** 2).min() > -1e-12
        x = new


@pytest.mark.parametrize(("r", "smooth", "tau"), [(0.5, 1.0, 1.0), (0.2, 2.0, 0.9), (1.0, 0.5, 0.8)])
def test_the_constant_of_theorem_a6_cannot_be_improved(r, smooth, tau):
    """Equality for M = - r x^2 / 2 and f = L_f x^2 / 2, where tau r < 1."""
    x = torch.tensor(1.0, dtype=torch.float64)
    new = (1 - tau * smooth) * x / (1 - tau * r)
    drop = (smooth - r) / 2 * (x**2 - new**2)
    assert float(drop) == pytest.approx(float((1 / tau - (smooth + r) / 2) * (new - x) ** 2), rel=1e-12)


@pytest.mark.parametrize("step", [0.4, 0.8, 1.4])
def test_what_coco_pegd_minimises(step):
    """theorem-pegd's descent, and pnp-pegd-objective at the end: u - v = - grad F(u) / a, and u, v stay apart."""
    d, t, lam, gamma = two_point(0.25), 0.33, 0.3, 0.25
    y = rand(1, 1, 6, 6, seed=5)
    fidelity = Poisson(Identity(), y)
    run = list(islice(coco_pegd(fidelity, d.d, y, lam=lam, t=t, step=step), 600))
    E = torch.tensor(
        [float(prior(d, t, it.denoiser_input).sum()) + step * moreau_envelope(fidelity, it.u, lam) for it in run],
        dtype=torch.float64,
    )
    move = torch.stack([it.u for it in run]).diff(dim=0).flatten(1).square().sum(1)
    assert (-E.diff() - (2 - weak_convexity(gamma, t) - step) / 2 * move).min() > -1e-12
    u = run[-1].u
    v = fidelity.prox(u, lam)
    gradient = invert(d.averaged(t).d, u) - u
    torch.testing.assert_close(u - v, -gradient / step, atol=1e-9, rtol=0)
    assert float((u - v).abs().max()) > 1e-3
