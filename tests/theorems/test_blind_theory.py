"""The statements of book/theory/blind.md: both sides of each, on random pictures and by dense matrices."""

import pytest
import torch

from pnp_course.blind.gradients import across, adjoint, down, laplacian_spectrum, transfer
from pnp_course.blind.latent import few_edges
from pnp_course.operators import Blur, kernels

SIDE = 12


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(3)


def picture(generator):
    return torch.rand(SIDE, SIDE, generator=generator, dtype=torch.float64)


def random_kernel(generator, size=5):
    k = torch.rand(size, size, generator=generator, dtype=torch.float64)
    return k / k.sum()


def blurred(x, k):
    return torch.fft.irfft2(torch.fft.rfft2(x) * transfer(k, x.shape), s=x.shape)


@pytest.mark.parametrize("power", [1.0, 1.5, 2.0])
def test_no_blur_is_never_worse_for_a_convex_prior(power, generator):
    for _ in range(5):
        x = picture(generator)
        y = blurred(x, random_kernel(generator))
        cost = [float((across(z).square() + down(z).square()).sqrt().pow(power).sum()) for z in (y, x)]
        assert cost[0] < cost[1]


@pytest.mark.parametrize("alpha", [0.3, 0.8, 1.0])
@pytest.mark.parametrize("m", [2, 3, 7])
def test_edges_and_lines(alpha, m):
    """A periodic row of 64 pixels with two edges, and one with a line."""
    row = torch.zeros(1, 1, 1, 64, dtype=torch.float64)
    edges, line = row.clone(), row.clone()
    edges[..., :32], line[..., 20] = 1, 1
    box = torch.full((1, m), 1 / m, dtype=torch.float64)
    cost = [float(across(Blur(box)(z)).abs().clamp_min(1e-14).pow(alpha).sum()) for z in (edges, line)]
    assert cost[0] == pytest.approx(2 * m ** (1 - alpha), rel=2e-2)  # rounding, 64 values of 1e-14, costs a little
    assert cost[1] == pytest.approx(2 * m**-alpha, rel=2e-2)


def test_the_step_in_the_picture_is_the_minimiser(generator):
    """The gradient of the quadratic objective vanishes at the quotient."""
    y, k, beta = picture(generator), random_kernel(generator), 0.7
    h, v = picture(generator), picture(generator)
    t = transfer(k, y.shape)
    above = t.conj() * torch.fft.rfft2(y) + beta * torch.fft.rfft2(adjoint(h, v))
    x = torch.fft.irfft2(above / (t.abs().square() + beta * laplacian_spectrum(y.shape, y)), s=y.shape).requires_grad_()
    with torch.enable_grad():
        fit = (blurred(x, k) - y).square().sum()
        cost = fit + beta * ((across(x) - h).square() + (down(x) - v).square()).sum()
        cost.backward()
    assert float(x.grad.abs().max()) < 1e-10


def test_a_sharp_edge_stays_and_weak_texture_goes(generator):
    x = (torch.arange(32) < 16).double().expand(32, 32) + 0.01 * torch.rand(
        32, 32, generator=generator, dtype=torch.float64
    )
    k = kernels.box(3).double()
    found = few_edges(blurred(x, k), k, 4e-3)
    assert float(across(found).abs().amax(1).min()) > 0.9
    assert float(across(blurred(x, k)).abs().max()) < 0.4


def test_the_kernel_problem_is_toeplitz_and_its_norm_is_bounded(generator):
    x, size = picture(generator), 4
    shifts = [(i, j) for i in range(size) for j in range(size)]
    t = torch.zeros(size**2, size**2, dtype=torch.float64)
    power = torch.zeros(SIDE, SIDE // 2 + 1, dtype=torch.float64)
    for d in (across, down):
        columns = torch.stack([d(x).roll(s, (0, 1)).flatten() for s in shifts], 1)
        t += columns.T @ columns
        power += torch.fft.rfft2(d(x)).abs().square()
    by_lag = {}
    for a, (i, j) in enumerate(shifts):
        for b, (m, n) in enumerate(shifts):
            assert float(t[a, b]) == pytest.approx(by_lag.setdefault((i - m, j - n), float(t[a, b])))
    assert float(torch.linalg.matrix_norm(t, 2)) <= float(power.max())
    assert float(torch.linalg.matrix_norm(t, 2)) > 0.2 * float(power.max())  # the bound is of the right size


def test_a_wrong_kernel_is_a_bounded_noise(generator):
    x, k, wrong = picture(generator), random_kernel(generator), random_kernel(generator)
    gap = transfer(wrong, x.shape) - transfer(k, x.shape)
    noise = blurred(x, wrong) - blurred(x, k)
    assert float(noise.norm()) <= float(gap.abs().max() * x.norm())
    assert float(gap[0, 0].abs()) < 1e-12
    assert float(noise.mean().abs()) < 1e-12
