"""Proximal operators by their optimality condition and by brute force; gradients by automatic differentiation."""

import pytest
import torch

from pnp_course import fidelities, images, noise
from pnp_course.fidelities import Gaussian, Poisson, moreau_envelope, prox_kl
from pnp_course.operators import Blur, Identity, Mask, Radon, kernels


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
    assert g.inner_residual(z, 0.8)[1] <= 1e-12
    torch.testing.assert_close(z - v, 0.8 * g.grad(v), atol=1e-9, rtol=0)


def test_the_inner_admm_says_how_it_ended(blur, generator):
    y, z = rand(generator, 1, 1, 16, 16) + 0.2, rand(generator, 1, 1, 16, 16) + 0.2
    iterations, residual = Poisson(blur, y, tol=1e-6, max_inner=1000).inner_residual(z, 0.8)
    assert 3 < iterations < 1000
    assert residual <= 1e-6
    iterations, residual = Poisson(blur, y, tol=0.0, max_inner=3).inner_residual(z, 0.8)
    assert iterations == 3
    assert residual > 1e-6
    assert Poisson(blur, y, max_inner=1).inner_residual(z, 0.8)[0] == 1
    with pytest.raises(ValueError, match="max_inner is 0; wanted at least 1"):
        Poisson(blur, y, max_inner=0)


def test_how_exact_the_default_prox_is(generator):
    """With the defaults the inexact prox is within 15 % of its way from the exact one; with the authors' rho 2 it is not."""
    x = images.photo("astronaut", 64)
    a = Blur(kernels.motion(9, 1))
    y = noise.poisson(a(x), 50, generator)
    exact = Poisson(a, y.double(), tol=1e-10, max_inner=5000).prox(y.double(), 1.5)
    way = float((exact - y).norm())

    def error(**settings):
        return float((Poisson(a, y, **settings).prox(y, 1.5) - exact).norm()) / way

    assert error() < 0.15
    assert error(rho=2.0, max_inner=10) > 2 * error()


@pytest.mark.parametrize("kind", ["gaussian", "poisson"])
def test_weights_of_a_batch(kind, blur, generator):
    """A weight per image gives each image what its own weight gives it alone."""
    y, z = rand(generator, 3, 1, 12, 12) + 0.2, rand(generator, 3, 1, 12, 12)
    lam = torch.tensor([0.1, 1.0, 10.0])
    together = {"gaussian": Gaussian, "poisson": Poisson}[kind](blur, y).prox(z, lam)
    for i in range(3):
        alone = {"gaussian": Gaussian, "poisson": Poisson}[kind](blur, y[i : i + 1]).prox(z[i : i + 1], float(lam[i]))
        torch.testing.assert_close(together[i : i + 1], alone, atol=1e-7, rtol=0)
    with pytest.raises(ValueError, match="2 values for 3 image"):
        Gaussian(blur, y).prox(z, lam[:2])
    with pytest.raises(ValueError, match="lam is -1"):
        Gaussian(blur, y).prox(z, torch.tensor([1.0, -1.0, 1.0]))


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


def test_constants_of_smoothness(generator):
    """||A||^2 for the quadratic, attained at the heaviest pixel; ||y||_1 for the counts, relative to Burg's entropy."""
    weights = torch.tensor([[0.5, 3.0], [1.0, 2.0]]).double()
    y = rand(generator, 2, 1, 2, 2)
    g = Gaussian(Mask(weights), y)
    heaviest = torch.zeros(2, 1, 2, 2, dtype=torch.float64)
    heaviest[..., 0, 1] = 1.0
    torch.testing.assert_close(g.grad(heaviest) - g.grad(0 * heaviest), 9.0 * heaviest, atol=1e-12, rtol=0)
    assert g.lipschitz(y) == pytest.approx(9.0)
    p = Poisson(Mask(weights), y)
    assert p.lipschitz(y) == float("inf")
    assert p.relative_smoothness() == pytest.approx(sum(y.flatten().tolist()))


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


def newton_prox(matrix, y, z, lam, start):
    """prox_{lam G}(z) of the Poisson fidelity by Newton's method on a dense matrix, all counts > 0."""
    v = start
    for _ in range(100):
        av = matrix @ v
        gradient = lam * matrix.T @ (1 - y / av) + v - z
        hessian = lam * matrix.T @ ((y / av.square())[:, None] * matrix) + torch.eye(len(v), dtype=v.dtype)
        step = torch.linalg.solve(hessian, gradient)
        length = float((0.9 * av / (matrix @ step).clamp_min(1e-30)).min().clamp_max(1))  # A v stays positive
        v = v - length * step
    assert float(gradient.norm()) < 1e-8
    return v


def test_the_penalty_follows_the_norm_of_the_operator(generator):
    """A Radon transform has a norm far above 1; the default prox is as good there as for a blur."""
    n, lam = 12, 0.05
    a = Radon(n, 10, tol=1e-6)
    matrix = a(torch.eye(n * n, dtype=torch.float64).reshape(-1, 1, n, n)).flatten(1).T
    truth = 0.2 + rand(generator, 1, 1, n, n).double()
    y = (torch.poisson(50 * a(truth), generator=generator) + 1) / 50
    z = truth + 0.1 * torch.randn(truth.shape, generator=generator, dtype=torch.float64)
    seen = matrix.sum(1) > 1e-9  # other bins see no pixel and their part of the fidelity is constant
    exact = newton_prox(matrix[seen], y.flatten()[seen], z.flatten(), lam, truth.flatten()).reshape(z.shape)
    way = float((exact - z).norm())
    assert a.norm(z) > 8
    assert float((Poisson(a, y).prox(z, lam) - exact).norm()) < 0.15 * way
    assert float((Poisson(a, y, rho=32 * a.norm(z) ** 2).prox(z, lam) - exact).norm()) > 0.5 * way
