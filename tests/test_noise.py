import numpy as np
import pytest
import torch
from scipy import stats

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


@pytest.mark.parametrize("peak", [1e6, 1e9, 1e11, 1e15])
def test_poisson_at_many_photons(peak, generator):
    """Mean and variance where scipy's quantiles are slow or NaN: 40,000 draws, six standard errors."""
    x = torch.full((1, 1, 200, 200), 0.5, dtype=torch.float64)
    y = noise.poisson(x[..., :20, :20] if peak < noise.MANY else x, peak, generator)
    z = (y - 0.5) * (peak / 0.5) ** 0.5
    assert abs(float(z.mean())) < 6 / z.numel() ** 0.5
    assert abs(float(z.var()) - 1) < 6 * (2 / z.numel()) ** 0.5


def test_poisson_quantiles_agree_where_both_ways_go(monkeypatch):
    """Cornish and Fisher's expansion against scipy's quantiles, count by count, far into the tails."""
    uniform, rate = np.array([1e-12, 1e-6, 0.01, 0.3, 0.5, 0.8, 0.999, 1 - 1e-9]), np.full(8, 3.7e6)
    want = noise._poisson_quantile(uniform, rate)
    np.testing.assert_array_equal(want, stats.poisson.ppf(uniform, rate))
    monkeypatch.setattr(noise, "MANY", 0.0)
    np.testing.assert_array_equal(noise._poisson_quantile(uniform, rate), want)
    assert np.isfinite(noise._poisson_quantile(np.zeros(1), np.array([1e12]))).all()


def test_a_level_for_each_image():
    """Each image of the batch gets the noise its own level gives it."""
    x = torch.full((2, 1, 50, 50), 0.4)
    levels = torch.tensor([0.1, 0.01])
    for make in (noise.gaussian, noise.inverse_gamma):
        both = make(x, levels, torch.Generator().manual_seed(0))
        one = make(x, 0.01, torch.Generator().manual_seed(0))
        if make is noise.gaussian:
            torch.testing.assert_close(both[1], one[1], atol=1e-7, rtol=0)
            torch.testing.assert_close(both[0] - x[0], 10 * (one[0] - x[0]), atol=1e-6, rtol=0)
        else:
            assert float(both[0].std()) > 2.5 * float(both[1].std())
    both = noise.poisson(x, 1 / levels, torch.Generator().manual_seed(0))
    torch.testing.assert_close(both[1], noise.poisson(x, 100, torch.Generator().manual_seed(0))[1], atol=1e-7, rtol=0)
    torch.testing.assert_close(both[0] * 10, (both[0] * 10).round(), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda x, p: ((255 * x).to(torch.uint8), p, torch.Generator()),
            "x has dtype torch.uint8; wanted floating point",
        ),
        (lambda x, p: (x.numpy(), p, torch.Generator()), "x is a ndarray; wanted a torch tensor"),
        (lambda x, p: (x, torch.full((3,), p), torch.Generator()), r"has 3 values for 2 image\(s\); wanted one number"),
        (lambda x, p: (x, p, 0), "generator is a int; wanted a torch.Generator"),
        (lambda x, p: (x, "much", torch.Generator()), "is 'much'; wanted a number, or a tensor of one value per image"),
    ],
)
@pytest.mark.parametrize("make", [noise.gaussian, noise.poisson, noise.inverse_gamma])
def test_messages(make, change, words):
    with pytest.raises(ValueError, match=words):
        make(*change(torch.full((2, 1, 4, 4), 0.5), 0.1))


def test_a_peak_beyond_all_numbers(generator):
    with pytest.raises(ValueError, match="is infinite; wanted a smaller peak"):
        noise.poisson(torch.full((1, 1, 2, 2), 1e10, dtype=torch.float64), 1e300, generator)


@pytest.mark.parametrize("make", [noise.gaussian, noise.poisson, noise.inverse_gamma])
def test_nothing_that_is_no_number_goes_in_or_comes_out(make, generator):
    x = torch.full((2, 1, 4, 4), 0.5)
    for bad, words in ((x * float("nan"), "x has 32 value"), (x / 0, "x has 32 value")):
        with pytest.raises(ValueError, match=words):
            make(bad, 0.1, generator)
    with pytest.raises(ValueError, match=r"has dtype torch.complex64; wanted real numbers"):
        make(x, torch.tensor([0.1 + 1j, 0.2 + 0j]), generator)
    learned = x.clone().requires_grad_(True)  # the noise of a picture that is being fitted
    assert torch.equal(
        make(learned, 0.1, torch.Generator().manual_seed(3)), make(x, 0.1, torch.Generator().manual_seed(3))
    )


def test_noise_beyond_a_precision_is_refused(generator):
    x = torch.full((1, 1, 4, 4), 0.5)
    with pytest.raises(ValueError, match=r"leaves the range of torch.float16; wanted weaker noise"):
        noise.gaussian(x.half(), 1e8, generator)
    with pytest.raises(ValueError, match=r"leaves the range of torch.float32"):
        noise.inverse_gamma(torch.full((1, 1, 40, 40), 3e38), 0.33, generator)
