"""The ladder's forms, norms and regions against the inequalities themselves, random search, and other algorithms."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from scipy.optimize import isotonic_regression

from pnp_course import images
from pnp_course.denoisers import DRUNet, GradientStep, at_sigma
from pnp_course.jacobian import dense
from pnp_course.toy import GaussianMixture
from pnp_course.toy.conditions import (
    FIRM,
    LADDER,
    Condition,
    blocks,
    closest_denoiser,
    jacobian,
    numerical_range,
    sheared,
    times,
)

DISCS = [c for c in LADDER if not c.half_plane]


def inequality(c, d, e):
    """Right side minus left side of the definition, for differences (n, N)."""
    if c.family == "pseudo-contractive":
        return (d**2).sum(0) + c.constant * ((d - e) ** 2).sum(0) - (e**2).sum(0)
    return (d * e).sum(0) - c.constant * (e**2).sum(0)


@pytest.mark.parametrize("c", LADDER, ids=lambda c: c.name)
def test_form_and_margin_are_the_inequality(c, generator):
    j = torch.randn(4, 4, dtype=torch.float64, generator=generator)
    d = torch.randn(4, 50_000, dtype=torch.float64, generator=generator)
    d = d / d.norm(dim=0)
    values = inequality(c, d, j @ d)
    torch.testing.assert_close((d * (c.form(j) @ d)).sum(0), values, atol=1e-12, rtol=0)
    assert float(c.margin(j)) <= float(values.min()) <= float(c.margin(j)) + 0.5


@pytest.mark.parametrize("c", DISCS, ids=lambda c: c.name)
def test_norm_decides_as_the_margin_does(c, generator):
    j = 0.5 * torch.eye(3, dtype=torch.float64) + 0.25 * torch.randn(
        3000, 3, 3, dtype=torch.float64, generator=generator
    )
    clear = c.margin(j).abs() > 1e-9
    holds = c.margin(j) >= 0
    assert 0.02 < holds.double().mean() < 0.98
    assert ((c.norm(j) <= 1) == holds)[clear].all()


@pytest.mark.parametrize("c", LADDER, ids=lambda c: c.name)
def test_region_is_where_multiplication_satisfies_the_condition(c, generator):
    z = 3 * torch.randn(300, dtype=torch.complex128, generator=generator)
    margins = torch.stack([c.margin(times(complex(value))) for value in z])
    torch.testing.assert_close(c.at(z), margins, atol=1e-10, rtol=0)
    centre, radius = c.disc
    half = z.real <= 1 if c.family == "pseudo-contractive" else z.real >= 0
    inside = half if c.half_plane else (z - centre).abs() <= radius
    assert ((c.at(z) >= 0) == inside).all()
    ends = torch.tensor([v for v in c.slopes if math.isfinite(v)], dtype=torch.complex128)
    assert c.at(ends).abs().max() < 1e-9


def test_constants_of_the_regions():
    by_name = {c.name: c for c in LADDER}
    assert FIRM.disc == (0.5, 0.5)
    assert Condition("", "pseudo-contractive", -1.0).disc == (0.5, 0.5)
    assert by_name["residual nonexpansive"].disc == (1, 1)
    assert by_name["1/4-cocoercive"].slopes == (0, 4)
    assert by_name["0.9-strictly pseudo-contractive"].slopes == pytest.approx((-19, 1))
    assert by_name["pseudo-contractive"].slopes == (-math.inf, 1)
    for bad in (("pseudo-contractive", 1.1), ("cocoercive", -0.1), ("left", 0.5)):
        with pytest.raises(ValueError, match="wanted"):
            Condition("", *bad)
    with pytest.raises(ValueError, match="margin"):
        _ = by_name["monotone"].coefficients


def test_implies_is_inclusion_of_regions():
    """Against a fine grid of the plane; the constants include ones outside the named ladder."""
    axis = torch.linspace(-8, 8, 321, dtype=torch.float64)
    z = torch.complex(*torch.meshgrid(axis, axis, indexing="ij"))
    family = [Condition("", "pseudo-contractive", k) for k in (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0)]
    family += [Condition("", "cocoercive", g) for g in (0.0, 0.2, 0.5, 1.0, 1.5)]
    for a, b in product(family, family):
        contained = not ((a.at(z) >= 0) & (b.at(z) < -1e-9)).any()
        assert a.implies(b) == contained, (a, b)


@pytest.mark.parametrize("c", LADDER, ids=lambda c: c.name)
def test_three_tests_are_ordered_and_the_last_is_the_condition(c, generator):
    for scale in (0.1, 0.5):
        j = 0.5 * torch.eye(5, dtype=torch.float64)
        j = j + scale * torch.randn(5, 5, dtype=torch.float64, generator=generator)
        eigenvalue, field, exact = c.tests(j, numerical_range(j, 400))
        assert eigenvalue <= field + 1e-3
        assert field <= exact + 1e-9
        assert (exact <= 1) == (float(c.margin(j)) >= 0)
        if c.half_plane:
            assert field == pytest.approx(exact, abs=1e-9)
    normal = c.tests(times(0.4 + 0.8j))
    assert normal[0] == pytest.approx(normal[2], abs=1e-12)


def test_numerical_range_contains_random_values_and_is_reached(generator):
    j = torch.randn(4, 4, dtype=torch.float64, generator=generator)
    v = torch.randn(4, 100_000, dtype=torch.complex128, generator=generator)
    v = v / v.norm(dim=0)
    inside = (v.conj() * (j.to(v.dtype) @ v)).sum(0)
    w = numerical_range(j, 200)
    for angle in torch.linspace(0, 2 * math.pi, 23):
        turn = torch.exp(-1j * angle.double())
        assert (turn * inside).real.max() <= (turn * w).real.max() + 1e-3
        assert (turn * inside).real.max() > (turn * w).real.max() - 0.4
    disc = numerical_range(sheared(0.6)) - 0.5
    torch.testing.assert_close(disc.abs(), torch.full_like(disc.abs(), 0.3), atol=1e-12, rtol=0)


@pytest.mark.parametrize("conservative", [False, True])
def test_jacobian_by_copies_is_the_dense_one(conservative, generator):
    torch.manual_seed(0)
    net = DRUNet(in_channels=1, widths=(4, 4, 8, 8), blocks=1, activation="elu")
    denoise = at_sigma(GradientStep(net) if conservative else net, 0.1)
    x = torch.rand(1, 1, 8, 8, generator=generator)
    torch.testing.assert_close(jacobian(denoise, x), dense(denoise, x)[0].double(), atol=1e-5, rtol=0)


def test_blocks_are_ordered_by_variance():
    photo = images.photo("coffee", 96)
    found = blocks(photo)
    spread = [float(found[name].var()) for name in ("flat", "median", "busy")]
    every = [float(photo[..., i : i + 8, j : j + 8].var()) for i in range(0, 96, 8) for j in range(0, 96, 8)]
    assert spread[0] == pytest.approx(min(every))
    assert spread[2] == pytest.approx(max(every))
    assert sum(v < spread[1] for v in every) == pytest.approx(len(every) / 2, abs=1)


def test_closest_denoiser_against_isotonic_regression(generator):
    """Slopes in [0, inf): the pool-adjacent-violators algorithm solves the same problem."""
    x = torch.linspace(0, 1, 60, dtype=torch.float64)
    target = torch.sin(9 * x) + 0.2 * torch.randn(60, dtype=torch.float64, generator=generator)
    weight = torch.rand(60, dtype=torch.float64, generator=generator) + 0.1
    found = closest_denoiser(x, target, weight, 0.0, math.inf)
    wanted = isotonic_regression(target.numpy(), weights=weight.numpy()).x
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-8)


def test_closest_denoiser_keeps_what_is_allowed_and_its_bounds():
    prior, x = GaussianMixture.two_peaks(), torch.linspace(-0.3, 1.3, 81, dtype=torch.float64)
    ideal, weight = prior.mmse(x[:, None], 0.15)[:, 0], prior.log_density(x[:, None], 0.15).exp()
    torch.testing.assert_close(closest_denoiser(x, ideal, weight, 0.0, 4.0), ideal, atol=1e-9, rtol=0)
    found = closest_denoiser(x, ideal, weight, 0.0, 1.0)
    slopes = found.diff() / x.diff()
    assert slopes.max() < 1 + 1e-9
    # optimality: no admissible direction improves; towards other admissible functions the derivative is >= 0
    for other in (x, ideal.mean() + 0.5 * (x - 0.5), closest_denoiser(x, ideal, weight, 0.0, 0.7)):
        assert float((weight * (found - ideal) * (other - found)).sum()) > -1e-9
