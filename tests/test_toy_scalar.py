"""Denoisers of one number: derivatives against differences, inverse and conjugate against closed forms."""

import pytest
import torch

from pnp_course.toy.mixture import GaussianMixture
from pnp_course.toy.scalar import (
    AveragedMixture,
    conjugate,
    from_mixture,
    invert,
    line_integral,
    two_point,
    two_point_sigma,
    wave,
)

Z = torch.linspace(-1, 2, 3001, dtype=torch.float64)
DENOISERS = {
    "two_point": two_point(0.25),
    "wave": wave(0.25, 0.1),
    "mixture": from_mixture(GaussianMixture.two_peaks(), 0.15),
    "averaged": two_point(0.25).averaged(0.4),
}


@pytest.mark.parametrize("name", DENOISERS)
def test_potential_value_and_derivative_belong_together(name):
    f, h = DENOISERS[name], 1e-5
    torch.testing.assert_close((f.potential(Z + h) - f.potential(Z - h)) / (2 * h), f.d(Z), atol=1e-7, rtol=0)
    torch.testing.assert_close((f.d(Z + h) - f.d(Z - h)) / (2 * h), f.derivative(Z), atol=1e-6, rtol=0)


@pytest.mark.parametrize("gamma", [0.1, 0.25, 0.5, 1.0])
def test_two_point_in_closed_form(gamma):
    """D(z) = 1/2 + 0.3 tanh(0.3 (z - 1/2) / sigma^2), with slopes in (0, 1 / gamma]."""
    f, s = two_point(gamma), two_point_sigma(gamma)
    torch.testing.assert_close(f.d(Z), 0.5 + 0.3 * torch.tanh(0.3 * (Z - 0.5) / s**2), atol=1e-12, rtol=0)
    assert float(f.derivative(torch.tensor([0.5], dtype=torch.float64))) == pytest.approx(1 / gamma, rel=1e-6)
    assert float(f.derivative(Z).max()) <= 1 / gamma + 1e-6
    assert 0 <= float(f.derivative(torch.linspace(-3, 4, 101, dtype=torch.float64)).min()) < 1e-4


@pytest.mark.parametrize("delta", [0.0, 0.2, -0.1])
def test_wave_reaches_both_ends(delta):
    slopes = wave(0.25, delta).derivative(torch.linspace(0, 1, 100_001, dtype=torch.float64))
    assert float(slopes.min()) == pytest.approx(-delta, abs=1e-6)
    assert float(slopes.max()) == pytest.approx(4, abs=1e-6)


def test_invert():
    u = torch.linspace(-2, 2, 9, dtype=torch.float64)
    torch.testing.assert_close(invert(lambda z: z**3, u), u.sign() * u.abs() ** (1 / 3), atol=1e-9, rtol=0)
    with pytest.raises(ValueError, match="wider"):
        invert(torch.tanh, u)


def test_conjugate_of_a_quadratic_and_of_the_exponential():
    u = torch.linspace(0.1, 3, 7, dtype=torch.float64)
    torch.testing.assert_close(conjugate(lambda z: 3 * z**2 / 2, u), u**2 / 6, atol=1e-12, rtol=0)
    torch.testing.assert_close(conjugate(torch.exp, u), u * u.log() - u, atol=1e-12, rtol=0)


def test_line_integral_of_a_gradient_is_a_difference_and_of_a_rotation_an_area():
    angle = torch.linspace(0, 2 * torch.pi, 20_001, dtype=torch.float64)
    circle = torch.stack((2 + angle.cos(), angle.sin()), 1)
    torch.testing.assert_close(line_integral(circle, circle)[-1], torch.zeros((), dtype=torch.float64))
    turned = torch.stack((-circle[:, 1], circle[:, 0]), 1)
    assert float(line_integral(turned, circle)[-1]) == pytest.approx(2 * torch.pi, abs=1e-6)


def test_averaged_mixture_is_a_gradient_and_its_prior_belongs_to_it(generator):
    """psi_t' = D_t; grad F = z - D_t(z) at D_t(z), so dF = <z - D_t, dD_t>: both by central differences."""
    means = torch.tensor([[0.2, 0.2], [0.8, 0.3]])
    f = AveragedMixture(GaussianMixture(torch.ones(2), means, 0.01 * torch.eye(2).expand(2, 2, 2)), 0.15, 0.4)
    z, step = torch.rand(2, 20, 2, generator=generator, dtype=torch.float64)
    step = 1e-5 * step

    def difference(function):
        return function(z + step) - function(z - step)

    torch.testing.assert_close(difference(f.potential), 2 * (f.d(z) * step).sum(1), atol=1e-12, rtol=0)
    torch.testing.assert_close(difference(f.prior), ((z - f.d(z)) * difference(f.d)).sum(1), atol=1e-12, rtol=0)
