"""Fidelities of tomography: derivatives by automatic differentiation, proximal operators by their optimality, limits, input."""

import math

import pytest
import torch

from pnp_course.fidelities import Gaussian, Poisson
from pnp_course.operators import FanBeam, Radon
from pnp_course.ray_fidelities import Emission, Transmission, WeightedLeastSquares

N = 16
A = Radon(N, 10)


def picture(generator, batch=1):
    return torch.rand(batch, 1, N, N, generator=generator, dtype=torch.float64) + 0.1


def made(name, generator, batch=1, operator=A, **more):
    rays = operator(picture(generator, batch))
    y = rays * (0.7 + 0.6 * torch.rand(rays.shape, generator=generator, dtype=torch.float64))
    if name == "emission":
        return Emission(operator, y, delta=0.3, **more)
    if name == "transmission":
        return Transmission(operator, (-0.1 * y).exp(), 0.1, **more)
    return WeightedLeastSquares(operator, y, torch.rand(y.shape, generator=generator, dtype=torch.float64), **more)


NAMES = ("emission", "transmission", "least squares")


@pytest.mark.parametrize("name", NAMES)
def test_slope_and_curvature_are_the_derivatives_of_the_cost(name, generator):
    g = made(name, generator)
    rays = (torch.linspace(-1, 8, g.y.numel(), dtype=torch.float64)).reshape(g.y.shape).requires_grad_(True)
    (slope,) = torch.autograd.grad(g.cost(rays).sum(), rays, create_graph=True)
    torch.testing.assert_close(g.slope(rays), slope, atol=1e-8, rtol=1e-6)
    (curvature,) = torch.autograd.grad(g.slope(rays).sum(), rays)
    torch.testing.assert_close(g.curvature(rays), curvature, atol=1e-8, rtol=1e-6)
    assert float(curvature.min()) >= 0
    assert float(curvature.max()) <= g.largest_curvature() + 1e-9


@pytest.mark.parametrize("name", NAMES)
def test_gradient_and_value(name, generator):
    g, u, v = made(name, generator), picture(generator), picture(generator)
    h = 1e-5
    slope = (g.value(u + h * v) - g.value(u - h * v)) / (2 * h)
    assert slope == pytest.approx(float((g.grad(u) * v).sum()), rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("lam", [0.01, 1.0, 100.0])
def test_prox_is_a_minimum_and_its_bound_is_true(name, lam, generator):
    exact, rough = (made(name, torch.Generator().manual_seed(4), tol=t) for t in (1e-10, 1e-2))
    z = picture(generator)
    v = exact.prox(z, lam)
    residual = v - z + lam * exact.grad(v)
    assert float(residual.norm()) <= 1e-10 * float(z.norm())
    steps, bound = rough.newton_steps(z, lam)
    assert bound <= 1e-2
    assert steps < 30
    assert float((rough.prox(z, lam) - v).norm()) <= bound * float(z.norm()) + 1e-9


@pytest.mark.parametrize("name", NAMES)
def test_a_parabola_of_the_largest_curvature_lies_above_the_cost(name, generator):
    """The majorisation on which gradient steps rest: on each ray, and, with the norm of A, on pictures; touching at the point."""
    g = made(name, generator)
    here, there = (12 * torch.rand(g.y.shape, generator=generator, dtype=torch.float64) - 2 for _ in range(2))
    gap = there - here
    above = g.cost(here) + g.slope(here) * gap + g.largest_curvature() * gap.square() / 2
    assert float((above - g.cost(there)).min()) >= -1e-9
    if name != "least squares":  # a smaller parabola does not lie above: the constant is the least one
        near = torch.full_like(here, -60.0)
        below = g.cost(near) + g.slope(near) * 0.1 + 0.9 * g.largest_curvature() * 0.1**2 / 2
        assert float((below - g.cost(near + 0.1)).max()) < 0
    u, v = picture(generator), picture(generator)
    parabola = g.value(u) + float((g.grad(u) * (v - u)).sum()) + g.lipschitz(u) * float((v - u).square().sum()) / 2
    assert parabola >= g.value(v)


def test_a_step_on_the_majorant_lowers_the_cost_of_what_a_scanner_counts(generator):
    """u - grad G(u) / L minimises the parabola at u; the cost falls at least by half of ||grad G||^2 / L."""
    g, u = made("transmission", generator), picture(generator)
    for _ in range(20):
        slope = g.grad(u)
        lower = u - slope / g.lipschitz(u)
        assert g.value(lower) <= g.value(u) - 0.5 * float(slope.square().sum()) / g.lipschitz(u) + 1e-12
        u = lower


def test_both_laws_of_counting_explain_the_same_rays_when_there_is_no_noise(generator):
    """Transmission and emission have their minimum at the same line integrals, and weigh the way there in other ways."""
    truth, z = picture(generator), picture(generator)
    rays = A(truth)
    transmitted = Transmission(A, (-0.1 * rays).exp(), 0.1, tol=1e-9, max_newton=200)
    emitted = Emission(A, rays, delta=0.3, tol=1e-9, max_newton=200)
    ends = [A(g.prox(z, lam)) for g in (transmitted, emitted) for lam in (1.0, 1e6)]
    errors = [float((end - rays).norm() / rays.norm()) for end in ends]
    assert errors[1] < min(1e-3, errors[0] / 10)
    assert errors[3] < min(1e-3, errors[2] / 10)
    assert float((ends[0] - ends[2]).norm()) > 1e-2 * float(rays.norm())


def test_images_of_a_batch_are_solved_alone(generator):
    g, z = made("emission", generator, batch=3, tol=1e-9), picture(generator, 3)
    lam = torch.tensor([0.1, 1.0, 10.0], dtype=torch.float64)
    together = g.prox(z, lam)
    for k in range(3):
        alone = Emission(A, g.y[k : k + 1], delta=0.3, tol=1e-9).prox(z[k : k + 1], float(lam[k]))
        torch.testing.assert_close(together[k : k + 1], alone, atol=1e-7, rtol=0)


def test_emission_tends_to_the_poisson_fidelity(generator):
    """As delta goes to 0; the error falls with it."""
    u = picture(generator)
    y = A(u) * (0.9 + 0.2 * torch.rand(A(u).shape, generator=generator, dtype=torch.float64))
    exact = Radon(N, 10, tol=1e-10, max_iter=500)
    poisson = Poisson(exact, y, tol=1e-8, max_inner=1000)
    want = poisson.prox(u, 0.5)
    errors = [float((Emission(A, y, delta=d, tol=1e-9).prox(u, 0.5) - want).norm()) for d in (1.0, 0.1, 0.01)]
    assert errors[0] > 3 * errors[1] > 9 * errors[2]
    assert errors[2] < 2e-3 * float(want.norm())


def test_least_squares_with_equal_weights_is_the_gaussian_fidelity(generator):
    a = Radon(N, 10, tol=1e-10, max_iter=500)
    u = picture(generator)
    y = a(picture(generator))
    ours = WeightedLeastSquares(a, y, torch.ones_like(y), tol=1e-9)
    torch.testing.assert_close(ours.prox(u, 0.3), Gaussian(a, y).prox(u, 0.3), atol=1e-6, rtol=0)
    assert ours.value(u) == pytest.approx(Gaussian(a, y).value(u))


def test_transmission_without_noise_has_its_minimum_at_the_truth(generator):
    u = picture(generator)
    g = Transmission(A, (-0.1 * A(u)).exp(), 0.1)
    assert float(g.grad(u).abs().max()) < 1e-12
    assert g.value(u) < g.value(1.1 * u)


def test_the_lipschitz_constant_bounds_the_gradient(generator):
    for name in NAMES:
        g, u, v = made(name, generator), picture(generator), picture(generator)
        assert float((g.grad(u) - g.grad(v)).norm()) <= 1.001 * g.lipschitz(u) * float((u - v).norm())


def test_a_fan_beam_works_too(generator):
    fan = FanBeam(N, 12, 40.0)
    g, z = made("emission", generator, operator=fan, tol=1e-8), picture(generator)
    v = g.prox(z, 1.0)
    assert float((v - z + g.grad(v)).norm()) <= 1e-8 * float(z.norm())


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda y: Emission(A, -y), "negative"),
        (lambda y: Emission(A, y, delta=0), "delta is 0"),
        (lambda y: Emission(A, y, tol=-1), "tol is -1"),
        (lambda y: Transmission(A, y, math.nan), "kappa is nan"),
        (lambda y: WeightedLeastSquares(A, y, y[..., :3]), "weights has shape"),
        (lambda y: Emission(A, y[..., :3]).value(torch.ones(1, 1, N, N, dtype=torch.float64)), "shapes must be equal"),
    ],
)
def test_bad_input_gets_one_sentence(make, said):
    with pytest.raises(ValueError, match=said):
        make(A(torch.ones(1, 1, N, N, dtype=torch.float64)))
