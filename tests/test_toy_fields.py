"""Fields in the plane: FFT split against hand-made parts, derivatives against differences, line integrals against areas."""

import math

import pytest
import torch

from pnp_course.jacobian import dense
from pnp_course.toy.fields import (
    QUARTER_TURN,
    PeriodicField,
    TurningDenoiser,
    circulation,
    frequencies,
    grid,
    periodic_displacement,
    polygon,
    polygon_integral,
    potential,
    trajectory,
)
from pnp_course.toy.mixture import GaussianMixture

G = torch.Generator().manual_seed(0)
X = 3 * torch.rand(60, 2, dtype=torch.float64, generator=G) - 1
TAU = 2 * math.pi


def slope(x):
    """The gradient of cos(2 pi x1) cos(4 pi x2) / 2 pi."""
    a, b = TAU * x[:, 0], 2 * TAU * x[:, 1]
    return torch.stack((-a.sin() * b.cos(), -2 * a.cos() * b.sin()), 1)


def shear(x):
    """No divergence: R times the gradient of -cos(2 pi (3 x1 - x2)) / 2 pi."""
    wave = (TAU * (3 * x[:, 0] - x[:, 1])).sin()
    return torch.stack((wave, 3 * wave), 1)


def constant(x):
    return torch.tensor([0.3, -0.1], dtype=torch.float64).expand_as(x)


def together(x):
    return constant(x) + slope(x) + shear(x)


def test_helmholtz_finds_the_parts_of_a_hand_made_field():
    parts = PeriodicField.sample(together, 13).helmholtz()
    for part, made in zip(parts, (constant, slope, shear), strict=True):
        torch.testing.assert_close(part(X), made(X), atol=1e-12, rtol=0)


def test_parts_add_up_and_are_orthogonal():
    field = PeriodicField(torch.fft.fft2(torch.randn(2, 9, 9, dtype=torch.float64, generator=G)) / 81)
    mean, gradient, around = field.helmholtz()
    torch.testing.assert_close((mean + gradient + around)(X), field(X), atol=1e-12, rtol=0)
    squares = sum(part.squared_norm() for part in (mean, gradient, around))
    assert squares == pytest.approx(field.squared_norm(), rel=1e-12)
    j, k = gradient.jacobian(X), around.jacobian(X)
    torch.testing.assert_close(j, j.mT, atol=1e-10, rtol=0)
    assert k.diagonal(dim1=1, dim2=2).sum(1).abs().max() < 1e-10


def test_jacobian_against_differences():
    field, h = PeriodicField.sample(together, 13), 1e-5
    for i in (0, 1):
        e = h * torch.eye(2, dtype=torch.float64)[i]
        torch.testing.assert_close(
            field.jacobian(X)[:, :, i], (together(X + e) - together(X - e)) / (2 * h), atol=1e-6, rtol=0
        )


def test_squared_norm_is_an_integral():
    values = together(grid(101)).square().sum(1).mean()
    assert PeriodicField.sample(together, 13).squared_norm() == pytest.approx(float(values), rel=1e-12)


def test_even_grids_are_refused():
    with pytest.raises(ValueError, match="odd number"):
        PeriodicField.sample(together, 12)


def test_frequencies():
    k = frequencies(5)
    assert k.shape == (2, 5, 5)
    assert k[0, :, 0].tolist() == k[1, 0].tolist() == [0, 1, 2, -2, -1]


def test_periodic_displacement_is_a_periodic_score():
    """sigma^2 times differences of the log of a density summed over many more copies."""
    sigma, h = 0.15, 1e-5
    means = torch.tensor([[0.1, 0.9], [0.6, 0.4]], dtype=torch.float64)
    cov = 0.01 * torch.tensor([[[1.0, 0.5], [0.5, 2.0]], [[1.0, 0.0], [0.0, 1.0]]], dtype=torch.float64)
    weights = torch.tensor([1.0, 3.0])
    v = periodic_displacement(GaussianMixture(weights, means, cov), sigma)
    torch.testing.assert_close(v(X), v(X + torch.tensor([1.0, -2.0])), atol=1e-12, rtol=0)

    def log_p(x):
        total = torch.zeros(len(x), dtype=torch.float64)
        for i in range(-6, 7):
            for j in range(-6, 7):
                for w, m, s in zip((0.25, 0.75), means, cov, strict=True):
                    law = torch.distributions.MultivariateNormal(
                        m + torch.tensor([i, j]), s + sigma**2 * torch.eye(2, dtype=torch.float64)
                    )
                    total += w * law.log_prob(x).exp()
        return total.log()

    steps = h * torch.eye(2, dtype=torch.float64)
    score = torch.stack([(log_p(X + e) - log_p(X - e)) / (2 * h) for e in steps], 1)
    torch.testing.assert_close(v(X), sigma**2 * score, atol=1e-8, rtol=0)


def test_circulation_of_a_rotation_is_twice_the_area():
    corner, e, f = torch.tensor([[0.3, 1.0], [0.5, 0.2], [-0.1, 0.7]], dtype=torch.float64)
    area = float(e[0] * f[1] - e[1] * f[0])

    def turn(x):
        return x @ QUARTER_TURN.T

    assert circulation(turn, corner, e, f, 2) == pytest.approx(2 * area, rel=1e-12)
    assert circulation(turn, corner, f, e, 2) == pytest.approx(-2 * area, rel=1e-12)
    path = torch.stack((corner, corner + e, corner + e + f, corner + f))
    assert polygon_integral(turn, path, 2) == pytest.approx(2 * area, rel=1e-12)
    triangle = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    assert polygon_integral(turn, triangle, 2) == pytest.approx(1.0, rel=1e-12)


def test_circulation_in_many_dimensions_is_that_of_the_antisymmetric_part():
    m = torch.randn(7, 7, dtype=torch.float64, generator=G)
    corner, e, f = torch.randn(3, 7, dtype=torch.float64, generator=G)
    want = float(f @ (m - m.T) @ e)
    assert circulation(lambda x: x @ m.T, corner, e, f) == pytest.approx(want, rel=1e-10)


def test_circulation_of_a_gradient_is_zero():
    corner, e, f = torch.randn(3, 2, dtype=torch.float64, generator=G) / 2
    assert abs(circulation(slope, corner, e, f, 48)) < 1e-12


def test_potential_of_a_gradient():
    base = torch.tensor([0.2, 0.4], dtype=torch.float64)

    def primitive(x):
        return (TAU * x[:, 0]).cos() * (2 * TAU * x[:, 1]).cos() / TAU

    want = primitive(X) - primitive(base[None])
    torch.testing.assert_close(potential(slope, X, base, 64), want, atol=1e-9, rtol=0)


def test_trajectory_of_linear_fields():
    starts, t = X[:5], 1.5
    path = trajectory(lambda x: x @ QUARTER_TURN.T, starts, t / 300, 300)
    assert path.shape == (301, 5, 2)
    c, s = math.cos(t), math.sin(t)
    rotation = torch.tensor([[c, -s], [s, c]], dtype=torch.float64)
    torch.testing.assert_close(path[-1], starts @ rotation.T, atol=1e-9, rtol=0)


def test_polygon():
    m = polygon(5, 0.3, 0.05)
    torch.testing.assert_close((m.means - 0.5).norm(dim=1), torch.full((5,), 0.3, dtype=torch.float64))
    moment = (m.means - 0.5).T @ (m.means - 0.5) / 5
    torch.testing.assert_close(moment, 0.045 * torch.eye(2, dtype=torch.float64), atol=1e-12, rtol=0)
    torch.testing.assert_close(m.covariances[2], 0.0025 * torch.eye(2, dtype=torch.float64))


def test_turning_denoiser_has_the_ideal_symmetric_part():
    mixture, x = polygon(5), torch.tensor([0.6, 0.35], dtype=torch.float64).reshape(1, 1, 1, 2)
    d = TurningDenoiser(mixture, 0.2)
    j = dense(lambda z: d(z, 0.15), x)[0]
    torch.testing.assert_close((j + j.T) / 2, mixture.jacobian(x.reshape(1, 2), 0.15)[0], atol=1e-10, rtol=0)
    torch.testing.assert_close((j - j.T) / 2, 0.2 * QUARTER_TURN, atol=1e-10, rtol=0)
    assert d(x.float(), 0.15).dtype == torch.float32
    torch.testing.assert_close(d.field(x.reshape(1, 2), 0.15), d(x, 0.15).reshape(1, 2))
    centre = torch.full((1, 1, 1, 2), 0.5, dtype=torch.float64)
    torch.testing.assert_close(d(centre, 0.15), centre, atol=1e-12, rtol=0)
