"""Proximal maps by their optimality condition and by brute force; gradients by automatic differentiation."""

import pytest
import torch

from pnp_course import fidelities
from pnp_course.fidelities import Gaussian, Poisson, moreau_envelope, prox_kl
from pnp_course.operators import Blur, Identity, kernels


def rand(generator, *shape):
    return torch.rand(*shape, generator=generator, dtype=torch.float64)


@pytest.fixture
def blur():
    return Blur(kernels.motion(7, 1))


@pytest.mark.parametrize("kind", ["gaussian", "poisson"])
def test_gradient_is_the_derivative_of_the_value(kind, blur, generator):
    y, u = rand(generator, 1, 2, 12, 10) + 0.1, rand(generator, 1, 2, 12, 10) + 0.2
    g = {"gaussian": Gaussian, "poisson": Poisson}[kind](blur, y)
    direction = torch.randn(u.shape, generator=generator, dtype=torch.float64)
    h = 1e-6
    difference = (g.value(u + h * direction) - g.value(u - h * direction)) / (2 * h)
    assert difference == pytest.approx(float((g.grad(u) * direction).sum()), rel=1e-7)


@pytest.mark.parametrize("operator", ["identity", "blur"])
def test_gaussian_prox_optimality(operator, blur, generator):
    a = Identity() if operator == "identity" else blur
    g = Gaussian(a, rand(generator, 2, 3, 11, 12))
    z = rand(generator, 2, 3, 11, 12)
    v = g.prox(z, 1.7)
    torch.testing.assert_close(v + 1.7 * g.grad(v), z, atol=1e-12, rtol=0)


@pytest.mark.parametrize("lam", [0.01, 1.0, 30.0])
def test_kl_prox_by_brute_force(lam):
    """The minimum over a fine grid of v, for each pair (z, y)."""
    v = torch.linspace(1e-9, 6, 2_000_001, dtype=torch.float64)
    for z in (-2.0, 0.0, 0.5, 3.0):
        for y in (0.0, 0.02, 1.0):
            objective = lam * (v - torch.xlogy(torch.tensor(y), v)) + (v - z) ** 2 / 2
            best = v[objective.argmin()]
            got = prox_kl(torch.tensor([z], dtype=torch.float64), torch.tensor([y], dtype=torch.float64), lam)
            assert float(got - best) == pytest.approx(0, abs=4e-6)


def test_kl_prox_does_not_cancel_in_float32():
    """z - lam = -1e4: the textbook form returns 0 there in float32, the true value is about lam y / 1e4."""
    z, y, lam = torch.tensor([-1e4]), torch.tensor([1.0]), 1.0
    exact = prox_kl(z.double(), y.double(), lam)
    assert float(prox_kl(z, y, lam) / exact) == pytest.approx(1, abs=1e-6)
    q = z - lam
    assert float((q + (q * q + 4 * lam * y).sqrt()) / 2) != pytest.approx(float(exact), rel=0.5)


def test_poisson_prox_with_a_blur_satisfies_its_optimality_condition(blur, generator):
    """z - v = lam A^T (1 - y / A v), when the inner ADMM runs to the end."""
    y, z = rand(generator, 1, 2, 16, 16) + 0.2, rand(generator, 1, 2, 16, 16) + 0.2
    g = Poisson(blur, y, tol=1e-12, max_inner=5000)
    v = g.prox(z, 0.8)
    assert g.inner.residual <= 1e-12
    torch.testing.assert_close(z - v, 0.8 * g.grad(v), atol=1e-9, rtol=0)


def test_inner_admm_reports_and_warm_starts(blur, generator):
    y, z = rand(generator, 1, 1, 16, 16) + 0.2, rand(generator, 1, 1, 16, 16) + 0.2
    g = Poisson(blur, y, tol=1e-6, max_inner=1000)
    g.prox(z, 0.8)
    cold = g.inner.iterations
    g.prox(z, 0.8)
    assert 1 <= g.inner.iterations < cold / 2
    g.reset()
    g.prox(z, 0.8)
    assert g.inner.iterations == cold
    short = Poisson(blur, y, tol=0.0, max_inner=3)
    short.prox(z, 0.8)
    assert short.inner.iterations == 3
    assert short.inner.residual > 1e-6


def test_looking_at_the_envelope_does_not_move_the_run(blur, generator):
    y, z = rand(generator, 1, 1, 16, 16) + 0.2, rand(generator, 1, 1, 16, 16) + 0.2
    a, b = Poisson(blur, y, max_inner=3), Poisson(blur, y, max_inner=3)
    a.prox(z, 0.8), b.prox(z, 0.8)
    moreau_envelope(a, y, 0.8)
    assert torch.equal(a.prox(z, 0.8), b.prox(z, 0.8))


def test_blur_by_a_point_is_the_identity(generator):
    y, z = rand(generator, 1, 1, 9, 9), rand(generator, 1, 1, 9, 9)
    inner = Poisson(Blur(torch.ones(1, 1)), y, tol=1e-13, max_inner=5000).prox(z, 0.5)
    torch.testing.assert_close(inner, Poisson(Identity(), y).prox(z, 0.5), atol=1e-9, rtol=0)


def test_envelope_gradient_is_u_minus_prox(blur, generator):
    """grad e = I - prox_{lam G}, [B] before (22): the theorem behind CoCo-PEGD, by finite differences."""
    y, u = rand(generator, 1, 1, 10, 10) + 0.2, rand(generator, 1, 1, 10, 10) + 0.2
    g = Poisson(blur, y, tol=1e-13, max_inner=10000)
    d = torch.randn(u.shape, generator=generator, dtype=torch.float64)
    h = 1e-4
    difference = (moreau_envelope(g, u + h * d, 0.5) - moreau_envelope(g, u - h * d, 0.5)) / (2 * h)
    assert difference == pytest.approx(float(((u - g.prox(u, 0.5)) * d).sum()), rel=1e-6)


def test_moreau_identity_for_the_quadratic(generator):
    """prox_G + prox_{G*} = I with G = ||. - y||^2 / 2, whose conjugate is <., y> + ||.||^2 / 2."""
    y, z = rand(generator, 1, 1, 6, 6), rand(generator, 1, 1, 6, 6)
    conjugate_prox = (z - y) / 2
    torch.testing.assert_close(Gaussian(Identity(), y).prox(z, 1.0) + conjugate_prox, z)


def test_bad_observations(generator):
    y = rand(generator, 1, 1, 6, 6)
    with pytest.raises(ValueError, match=r"negative values .*Poisson counts are >= 0"):
        Poisson(Identity(), y - 1)
    for bad, what in (
        (y[0], "shape"),
        (y * float("nan"), "NaN"),
        ((y * 255).byte(), r"x.float\(\) / 255"),
        (y[:, :, :0], "no pixel"),
    ):
        with pytest.raises(ValueError, match=what):
            Gaussian(Identity(), bad)
    for lam in (0.0, -1.0):
        with pytest.raises(ValueError, match="lam"):
            fidelities.Poisson(Identity(), y).prox(y, lam)
    with pytest.raises(ValueError, match="shape"):
        fidelities.Poisson(Identity(), y).prox(y[..., :3], 1.0)
