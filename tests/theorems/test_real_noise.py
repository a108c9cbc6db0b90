"""The statements of book/theory/noise.md: both sides of each, by sums, integrals and simulation."""

import numpy as np
import pytest
import torch
from scipy.stats import poisson as law

from pnp_course.generalised_anscombe import mean_of_generalised

CASES = [(0.4, 0.3), (0.1, 2.0), (5.0, 0.0), (7.0, 1.5), (30.0, 4.0)]  # mu, s


def expectation(mu, s, function):
    """E function(N + s n): a sum over counts and the trapezoidal rule over n, on which the library does not depend."""
    counts = np.arange(int(mu + 12 * np.sqrt(mu) + 40))
    n = np.linspace(-9, 9, 20_001)
    density = np.exp(-(n**2) / 2) / np.sqrt(2 * np.pi) * (n[1] - n[0])
    return sum(law.pmf(k, mu) * float((function(k + s * n) * density).sum()) for k in counts)


def moments_of_transform(mu, s, c=3 / 8):
    squared = expectation(mu, s, lambda z: 4 * np.maximum(z + c + s**2, 0))
    mean = expectation(mu, s, lambda z: 2 * np.sqrt(np.maximum(z + c + s**2, 0)))
    return mean, squared - mean**2


@pytest.mark.parametrize("c", [0.0, 3 / 8, 0.6])
@pytest.mark.parametrize("s", [0.0, 1.0])
def test_the_variance_is_one_to_first_order_and_to_second_for_three_eighths(c, s):
    """mu^2 times what is left stays bounded: it changes little from 50 to 200, where the term of first order would double."""
    rest = [mu**2 * (moments_of_transform(mu, s, c)[1] - 1 - (3 / 8 - c) / mu) for mu in (50.0, 200.0)]
    assert abs(rest[1]) < 1.25 * abs(rest[0]) + 0.1
    assert max(map(abs, rest)) < 3


@pytest.mark.parametrize(("mu", "s"), CASES)
def test_the_bias_of_the_inverse_function(mu, s):
    mean, variance = moments_of_transform(mu, s)
    cut = expectation(mu, s, lambda z: np.maximum(-(z + 3 / 8 + s**2), 0))
    assert mean**2 / 4 - 3 / 8 - s**2 == pytest.approx(mu - variance / 4 + cut, abs=1e-7)


@pytest.mark.parametrize(("mu", "s"), CASES)
def test_the_slope_of_the_mean_is_the_mean_of_a_difference(mu, s):
    h = 1e-4
    up, down = (mean_of_generalised(np.array([mu + e]), s)[0] for e in (h, -h))
    root = lambda z: 2 * np.sqrt(np.maximum(z + 3 / 8 + s**2, 0))  # noqa: E731
    want = expectation(mu, s, lambda z: root(z + 1) - root(z))
    assert (up - down) / (2 * h) == pytest.approx(want, rel=1e-4)
    assert want > 0


@pytest.mark.parametrize(("mu", "s"), CASES)
def test_cumulants_of_the_shifted_data(mu, s):
    mean = expectation(mu, s, lambda z: z + s**2)
    second, third = (expectation(mu, s, lambda z, k=k: (z - mu) ** k) for k in (2, 3))
    assert (mean, second, third) == pytest.approx((mu + s**2, mu + s**2, mu), rel=1e-6)


def test_small_eigenvalues_of_an_estimate_are_too_small_and_their_sum_is_right():
    """200 estimates from n patches: means of the k smallest eigenvalues below those of Sigma + sigma^2 I, and equal for k = d."""
    d, n, sigma = 12, 60, 0.5
    generator = torch.Generator().manual_seed(0)
    spectrum = torch.tensor([0.0] * 6 + [0.1, 0.3, 1.0, 3.0, 10.0, 30.0], dtype=torch.float64)
    patches = spectrum.sqrt() * torch.randn(2000, n, d, generator=generator, dtype=torch.float64)
    patches = patches + sigma * torch.randn(patches.shape, generator=generator, dtype=torch.float64)
    centred = patches - patches.mean(1, keepdim=True)
    found = torch.linalg.eigvalsh(centred.transpose(1, 2) @ centred / (n - 1)).mean(0)
    means = [v.cumsum(0) / torch.arange(1, d + 1) for v in (found, spectrum + sigma**2)]
    assert bool((means[0][:-1] < means[1][:-1]).all())
    assert float(means[0][-1]) == pytest.approx(float(means[1][-1]), rel=0.01)
