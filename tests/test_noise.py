import pytest
import torch

from pnp_course import noise


def test_gaussian_moments(generator):
    x = torch.full((1, 1, 300, 300), 0.4)
    e = noise.gaussian(x, 0.1, generator) - x
    # 90000 draws: standard error of the mean 3.3e-4, of the std 2.4e-4; six of them
    assert abs(float(e.mean())) < 2e-3
    assert abs(float(e.std()) - 0.1) < 1.5e-3


@pytest.mark.parametrize("peak", [5.0, 100.0])
def test_poisson_mean_variance_and_grid(peak, generator):
    x = torch.full((1, 1, 300, 300), 0.4)
    y = noise.poisson(x, peak, generator)
    assert float(y.mean()) == pytest.approx(0.4, abs=6 * (0.4 / peak) ** 0.5 / 300)
    assert float(y.var()) == pytest.approx(0.4 / peak, rel=0.05)
    torch.testing.assert_close(y * peak, (y * peak).round(), atol=1e-3, rtol=0)  # whole photons


def test_same_seed_same_noise():
    x = torch.rand(1, 1, 8, 8)
    a, b, c = (noise.poisson(x, 20, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_rounding_below_zero_is_taken_as_zero_and_more_is_refused(generator):
    assert noise.poisson(torch.full((1, 1, 2, 2), -1e-7), 50, generator).sum() == 0
    with pytest.raises(ValueError, match="negative intensities"):
        noise.poisson(torch.full((1, 1, 2, 2), -0.1), 50, generator)


@pytest.mark.parametrize("peak", [0, -3, float("nan"), float("inf")])
def test_bad_peak(peak, generator):
    with pytest.raises(ValueError, match="peak"):
        noise.poisson(torch.ones(1, 1, 2, 2), peak, generator)
