"""The exact linear laboratory, against loops, scipy and Monte Carlo."""

import math

import numpy as np
import pytest
import torch
from scipy import special

from pnp_course.operators import Blur, Decimation
from pnp_course.toy.linear import filter_error, kl, matrix, orbit, transfer


def test_matrix_acts_like_the_operator(generator):
    operator = Decimation(torch.rand(3, 5, generator=generator), 2)
    x = torch.rand(1, 1, 8, 8, generator=generator, dtype=torch.float64)
    m = matrix(operator, 8)
    assert m.shape == (16, 64)
    torch.testing.assert_close(m @ x.flatten(), operator(x).flatten(), atol=1e-13, rtol=0)


def test_transfer_is_the_sum_over_the_kernel(generator):
    """k^(xi, eta) = sum k(a, b) exp(-2 pi i (xi (a - 1) / 6 + eta (b - 1) / 7)) for a 3 x 3 kernel, centre (1, 1)."""
    kernel = torch.rand(3, 3, generator=generator, dtype=torch.float64)
    got = transfer(Blur(kernel), 6, 7)
    assert got.shape == (6, 7)
    for xi, eta in [(0, 0), (1, 0), (2, 5), (5, 6)]:
        phase = [[np.exp(-2j * np.pi * (xi * (a - 1) / 6 + eta * (b - 1) / 7)) for b in range(3)] for a in range(3)]
        assert abs(complex(got[xi, eta]) - (kernel.numpy() * phase).sum()) < 1e-13


def test_filter_error_against_monte_carlo(generator):
    s, c = torch.tensor([1.0, 0.5, 0.1]), torch.tensor([1.0, -2.0, 0.5])
    phi, nu = torch.tensor([[1.0, 1.0, 1.0], [0.9, 0.5, 0.1]]), 0.3
    n = torch.randn(200_000, 3, generator=generator)
    bias2, variance = filter_error(s, c, nu, phi)
    assert bias2[0] == 0
    for k in range(2):
        found = (phi[k] * (s * c + nu * n) / s - c).square().sum(1).mean()
        assert float(bias2[k] + variance[k]) == pytest.approx(float(found), rel=0.02)


def test_kl_is_that_of_scipy_and_its_limits(generator):
    a, b = torch.rand(2, 50, generator=generator, dtype=torch.float64)
    assert kl(a, b) == pytest.approx(special.kl_div(a.numpy(), b.numpy()).sum(), rel=1e-12)
    zero, one = torch.zeros(1), torch.ones(1)
    assert kl(zero, one) == 1
    assert kl(zero, zero) == 0
    assert kl(one, zero) == math.inf


def test_orbit():
    assert orbit(lambda x: 2 * x, 1, 3) == [1, 2, 4, 8]
