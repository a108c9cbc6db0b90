"""Exact proximal operators against a search, and the certificate of the problem with a known minimiser."""

import pytest
import torch

from pnp_course.denoisers import WithPotential
from pnp_course.solvers import pgd, prox_pnp_drs
from pnp_course.toy.proximal import (
    DoubleWell,
    StarField,
    brute_prox,
    hard_threshold,
    project_l1_ball,
    soft_threshold,
)

Z = torch.tensor([-2.1, -1.0, -0.31, 0.07, 0.4, 1.3, 2.2], dtype=torch.float64)


def test_thresholds_against_search():
    assert (brute_prox(lambda v: 0.4 * v.abs(), Z) - soft_threshold(Z, 0.4)).abs().max() < 1e-4
    assert (brute_prox(lambda v: 0.4 * (v != 0), Z) - hard_threshold(Z, 0.4)).abs().max() < 1e-4


@pytest.mark.parametrize(("r", "a"), [(0.3, 1.0), (0.9, 0.7), (1.0, 1.2), (1.5, 1.0), (3.0, 0.5)])
def test_double_well_prox(r, a):
    """Cardano's root against a search, and the weak-convexity modulus against a second difference."""
    well = DoubleWell(r, a)
    assert (brute_prox(well.value, Z) - well.prox(Z)).abs().max() < 1e-4
    u = well.prox(Z)
    torch.testing.assert_close(u + well.slope(u), Z, atol=1e-12, rtol=0)
    grid = torch.linspace(-2, 2, 4001, dtype=torch.float64)
    h = 1e-3
    bend = (well.value(grid + h) - 2 * well.value(grid) + well.value(grid - h)) / h**2
    assert abs(float(bend.min()) + r) < 1e-4


def test_double_well_jump():
    well = DoubleWell(1.5, 0.8)
    z = torch.tensor([-1e-12, 1e-12], dtype=torch.float64)
    low, high = well.prox(z)
    assert float(high - low) == pytest.approx(2 * 0.8 * (0.5 / 1.5) ** 0.5, abs=1e-9)


@pytest.mark.parametrize("radius", [0.5, 2.0, 100.0])
def test_l1_ball(radius, generator):
    """The projection is in the ball, and <z - p, v - p> <= 0 for points v of the ball."""
    z = torch.randn(20, generator=generator, dtype=torch.float64)
    p = project_l1_ball(z, radius)
    assert float(p.abs().sum()) <= radius * (1 + 1e-12)
    for _ in range(200):
        v = torch.randn(20, generator=generator, dtype=torch.float64)
        v = v * radius / v.abs().sum()
        assert float((z - p) @ (v - p)) <= 1e-10
    if radius == 100.0:
        assert torch.equal(p, z)


def test_star_field_certificate():
    """-A^T (A x* - y) = slope is a subgradient of R, and x* and x* + slope are fixed points of PGD and Douglas-Rachford."""
    problem = StarField.draw()
    x, g = problem.minimiser, problem.slope
    torch.testing.assert_close(-problem.fidelity.grad(x), g, atol=1e-10, rtol=0)
    on = x != 0
    assert torch.equal(g[on], problem.weight * x[on].sign())
    assert float(g[~on].abs().max()) < problem.weight
    torch.testing.assert_close(next(pgd(problem.fidelity, problem.prox, x, lam=1.0, step=1.0)).x, x, atol=1e-10, rtol=0)
    denoise = WithPotential(lambda z: (problem.prox(z), torch.zeros(1)))
    drs = prox_pnp_drs(problem.fidelity, denoise, x + g, lam=1.0, t=1.0)
    torch.testing.assert_close(next(drs).s, x + g, atol=1e-10, rtol=0)
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for size in (1e-1, 1e-3):
        assert problem.objective(x + size * noise) > problem.objective(x)
