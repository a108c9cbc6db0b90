"""Norms of maps built from a Jacobian, and their gradients, against torch.linalg and finite differences."""

import pytest
import torch
from small_jacobians import DENOISERS, MAPS, make, with_jacobians

from pnp_course.denoisers import GradientStep
from pnp_course.jacobian import (
    LinearMap,
    cocoercivity,
    dense,
    lanczos,
    linearize,
    operator_norm,
    power_iteration,
    spectral_norm,
    symmetric_part,
    top_vector,
)


@pytest.fixture(scope="module", params=list(DENOISERS))
def setting(request):
    return with_jacobians(request.param)


@pytest.mark.parametrize("which", list(MAPS))
def test_norms_equal_the_svd(setting, which, generator):
    """Power iteration and Lanczos against torch.linalg, from below; the transpose is the transpose."""
    denoiser, x, exact = setting
    build, matrix_of = MAPS[which]
    m = build(linearize(denoiser, x, 0.1))
    start = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    other = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    torch.testing.assert_close((m.apply(start) * other).sum(), (start * m.transpose(other)).sum(), rtol=1e-9, atol=1e-9)
    want = torch.linalg.matrix_norm(matrix_of(exact), 2)
    found = power_iteration(m, start, 300, tol=1e-6)
    assert (found.norm <= want * (1 + 1e-9) + 1e-12).all()
    torch.testing.assert_close(found.norm, want, rtol=0.03, atol=1e-12)
    torch.testing.assert_close(operator_norm(m, start, 64), want, rtol=1e-6, atol=1e-7)


def test_what_is_said_of_a_map_is_true_and_halves_the_work(setting):
    """Normal and symmetric maps are called so wherever J is, and nowhere else; the pseudo-contraction is not looked at."""
    denoiser, x, exact = setting
    conservative = bool((exact - exact.mT).abs().max() < 1e-12)
    for which, (build, _) in MAPS.items():
        m = build(linearize(denoiser, x, 0.1))
        want = {"asymmetry": (True, False), "symmetric part": (True, True), "pseudo": (False, False)}
        assert (m.normal, m.symmetric) == want.get(which, (conservative, conservative)), which


@pytest.mark.parametrize("which", ["asymmetry", "cocoercivity"])
def test_few_iterations_say_too_little_and_the_report_says_so(which, generator):
    denoiser, x = make("elu"), torch.rand(3, 1, 8, 8, dtype=torch.float64)
    build, matrix_of = MAPS[which]
    m = build(linearize(denoiser, x, 0.1))
    want = torch.linalg.matrix_norm(matrix_of(dense(lambda z: denoiser(z, 0.1), x)), 2)
    start = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    rough, settled = power_iteration(m, start, 3), power_iteration(m, start, 4000, tol=1e-13)
    assert (settled.norm <= want * (1 + 1e-10)).all()  # never above
    torch.testing.assert_close(settled.norm, want, rtol=2e-3, atol=0)
    assert (rough.norm < settled.norm * 0.999).any()
    assert rough.relative_change > settled.relative_change


@pytest.mark.parametrize(("normal", "products"), [(True, 1), (False, 2)])
def test_power_iteration_makes_the_products_it_is_asked_for(normal, products, generator):
    weights, made = torch.tensor([[3.0, 1.0], [0.5, 0.0]]).double(), []

    def apply(v):
        made.append(v)
        return weights * v

    start = torch.rand(2, 1, 2, 2, generator=generator, dtype=torch.float64) + 0.1
    m = LinearMap(apply, apply, normal=normal)
    untouched = power_iteration(m, start, 0)
    assert (untouched.iterations, made, untouched.norm.tolist()) == (0, [], [0.0, 0.0])
    torch.testing.assert_close(untouched.vector, start / start.flatten(1).norm(dim=1).reshape(2, 1, 1, 1))
    found = power_iteration(m, start, 5)
    assert (found.iterations, len(made)) == (5, 5 * products)
    want = weights ** (5 * products) * start
    torch.testing.assert_close(found.vector, want / want.flatten(1).norm(dim=1).reshape(2, 1, 1, 1))


def test_lanczos_ends_and_their_error_bounds(generator):
    a = torch.randn(2, 40, 40, generator=generator, dtype=torch.float64)
    a = a + a.mT

    def apply(v):
        return (a @ v.reshape(2, 40, 1)).reshape(v.shape)

    start = torch.randn(2, 1, 5, 8, generator=generator, dtype=torch.float64)
    exact = torch.linalg.eigvalsh(a)
    full = lanczos(apply, start, 40)
    torch.testing.assert_close(full.low, exact[:, 0], atol=1e-10, rtol=0)
    torch.testing.assert_close(full.high, exact[:, -1], atol=1e-10, rtol=0)
    part = lanczos(apply, start, 12)
    for found, error, end in ((part.low, part.low_error, 0), (part.high, part.high_error, -1)):
        assert ((found - exact[:, end]) * (1 if end == 0 else -1) >= -1e-12).all()  # inside the spectrum
        distance = (found[:, None] - exact).abs().min(1).values
        assert (distance <= error + 1e-12).all()
        assert (error > 1e-6).any()  # 12 iterations are not enough, and the bound says it


def test_lanczos_vectors_see_more_than_power_iteration(generator):
    """With eight products each: never above the norm, and far nearer to it."""
    denoiser, x = GradientStep(make("elu")), torch.rand(3, 1, 16, 16, dtype=torch.float64)
    lin = linearize(denoiser, x, 0.1)
    start = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    m = cocoercivity(lin, 0.25)
    exact = operator_norm(m, start, 100)
    q = top_vector(m, start, 8)
    torch.testing.assert_close(q.flatten(1).norm(dim=1), torch.ones(3, dtype=torch.float64))
    by_lanczos, by_power = m.apply(q).flatten(1).norm(dim=1), power_iteration(m, start, 8).norm
    assert (by_lanczos <= exact * (1 + 1e-9)).all()
    assert (exact - by_lanczos < 0.5 * (exact - by_power)).all()


def test_normal_shortcut_has_the_same_limit(generator):
    a = torch.randn(6, 6, generator=generator, dtype=torch.float64)
    a = a - a.T

    def apply(v):
        return (v.reshape(1, 6) @ a.T).reshape(v.shape)

    v = torch.randn(1, 1, 2, 3, generator=generator, dtype=torch.float64)
    short = power_iteration(LinearMap(apply, lambda w: -apply(w), normal=True), v, 2000, tol=1e-15)
    long = power_iteration(LinearMap(apply, lambda w: -apply(w)), v, 2000, tol=1e-15)
    exact = torch.linalg.matrix_norm(a, 2)
    assert float(short.norm) == pytest.approx(float(exact), rel=1e-6)
    assert float(long.norm) == pytest.approx(float(exact), rel=1e-6)


@pytest.mark.parametrize(
    ("kind", "which", "method"),
    [(k, w, "lanczos") for k in ("elu", "relu", "biased") for w in ("asymmetry", "cocoercivity", "strict", "pseudo")]
    + [("gradient step", "cocoercivity", "lanczos"), ("gradient step", "pseudo", "lanczos")]
    + [("elu", "asymmetry", "power"), ("relu", "cocoercivity", "power")],  # where it settles in so many iterations
)
def test_gradient_of_the_norm(kind, which, method, generator):
    """d ||M(theta)||_* / d theta against a finite difference of the exact norm along a random direction."""
    denoiser, x = DENOISERS[kind](), torch.rand(1, 1, 8, 8, dtype=torch.float64)
    build, matrix_of = MAPS[which]

    def exact():
        j = torch.autograd.functional.jacobian(lambda z: denoiser(z, 0.1), x).reshape(64, 64)
        return float(torch.linalg.matrix_norm(matrix_of(j), 2))

    start = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    parameters = list(denoiser.parameters())
    lin = linearize(denoiser, x, 0.1)
    norm = spectral_norm(build(lin), lin, start, 400 if method == "power" else 64, method).sum()
    assert norm.item() == pytest.approx(exact(), rel=5e-3)
    gradient = torch.autograd.grad(norm, parameters, allow_unused=True)
    direction = [torch.randn(p.shape, generator=generator, dtype=torch.float64) for p in parameters]
    slope = sum((g * d).sum() for g, d in zip(gradient, direction, strict=True) if g is not None)
    h, values = 1e-6, []
    with torch.no_grad():
        for sign in (1, -2):
            for p, d in zip(parameters, direction, strict=True):
                p.add_(d, alpha=sign * h)
            values.append(exact())
    assert float(slope) == pytest.approx((values[0] - values[1]) / (2 * h), rel=0.02)


def test_a_norm_without_pairs_has_no_gradient(generator):
    lin = linearize(make("relu"), torch.rand(1, 1, 8, 8, dtype=torch.float64), 0.1)
    with pytest.raises(ValueError, match="no `pairs`"):
        spectral_norm(symmetric_part(lin), lin, lin.x, 1)
