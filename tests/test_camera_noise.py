"""Poisson-Gaussian noise: the transform and its inverses against simulation and direct sums, the likelihood by its moments."""

import math

import numpy as np
import pytest
import torch

from pnp_course import images, load_denoiser, metrics
from pnp_course.anscombe import anscombe, mean_of_anscombe
from pnp_course.camera_noise import by_transform, expose, shifted_poisson
from pnp_course.denoisers import at_sigma
from pnp_course.generalised_anscombe import (
    algebraic_inverse,
    asymptotic_inverse,
    exact_inverse,
    generalised_anscombe,
    mean_of_generalised,
)
from pnp_course.operators import Blur, kernels
from pnp_course.solvers import coco_admm, run

GAIN = 0.02


def drawn(rate, s, n=400_000):
    """f(N + s n) for n pixels of `rate` photons, by NumPy's samplers."""
    rng = np.random.default_rng(round(10 * rate + s))
    z = torch.from_numpy(rng.poisson(rate, n) + s * rng.standard_normal(n))
    return generalised_anscombe(GAIN * z, GAIN, GAIN * s)


def test_without_read_out_it_is_the_transform_of_anscombe():
    counts = torch.arange(20.0)
    assert torch.allclose(generalised_anscombe(GAIN * counts, GAIN, 0.0), anscombe(counts))
    rate = np.linspace(0, 60, 50)
    assert np.allclose(mean_of_generalised(rate, 0.0), mean_of_anscombe(rate), atol=1e-10)


@pytest.mark.parametrize("s", [0.05, 1.0, 3.0, 8.0])
@pytest.mark.parametrize("rate", [0.0, 0.7, 5.0, 40.0])
def test_the_expectation_is_that_of_a_simulation(rate, s):
    f = drawn(rate, s)
    assert abs(float(f.mean()) - mean_of_generalised(np.array([rate]), s)[0]) < 5 * float(f.std()) / math.sqrt(len(f))


@pytest.mark.parametrize("s", [0.3, 4.0])
def test_the_expectation_is_that_of_scipys_adaptive_integral(s):
    from scipy.integrate import quad
    from scipy.stats import norm
    from scipy.stats import poisson as law

    want = 0.0
    for k in range(40):
        a = k + 3 / 8 + s**2
        part, _ = quad(lambda n, a=a: 2 * math.sqrt(max(a + s * n, 0)) * norm.pdf(n), max(-a / s, -12), 12, limit=200)
        want += law.pmf(k, 3.0) * part
    assert mean_of_generalised(np.array([3.0]), s)[0] == pytest.approx(want, abs=1e-8)


@pytest.mark.parametrize("s", [0.5, 2.0, 10.0])
@pytest.mark.parametrize("rate", [6.0, 40.0])
def test_the_transformed_noise_has_the_standard_deviation_one(rate, s):
    assert float(drawn(rate, s).std()) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("s", [0.0, 0.01, 0.7, 3.0, 20.0, 99.0])
def test_the_exact_inverse_undoes_the_expectation(s):
    rate = np.concatenate([np.linspace(0, 3, 61), np.linspace(3, 400, 300)[1:]])
    d = torch.from_numpy(mean_of_generalised(rate, s))
    back = exact_inverse(d, GAIN, GAIN * s).numpy() / GAIN
    assert np.abs(back - rate).max() < 2e-3  # photons, through the table, its end, and the asymptotic part
    assert (np.diff(back) > 0).all()


def test_wide_read_out_noise_needs_no_table():
    rate = np.array([0.0, 1.0, 50.0])
    d = torch.from_numpy(mean_of_generalised(rate, 150.0))
    assert np.abs(exact_inverse(d, 1.0, 150.0).numpy() - rate).max() < 1e-4


def test_below_the_mean_for_no_light_the_inverse_is_zero_and_keeps_type_and_shape():
    d = torch.zeros(1, 2, 3, 4)
    back = exact_inverse(d, GAIN, 0.01)
    assert back.dtype == torch.float32
    assert back.shape == d.shape
    assert bool((back == 0).all())


@pytest.mark.parametrize("s", [0.0, 1.0, 5.0])
def test_the_algebraic_inverse_loses_a_quarter_of_the_variance(s):
    """f^2 / 4 - 3/8 - s^2 is N + s n where the root is not cut off, so the bias is -Var f / 4 exactly."""
    rate = 150.0
    f = drawn(rate, s)
    d = f.mean()
    assert float(algebraic_inverse(d, GAIN, GAIN * s)) / GAIN - rate == pytest.approx(-0.25, abs=0.12)
    assert float((f**2 / 4 - 3 / 8 - s**2).mean() - d**2 / 4 + 3 / 8 + s**2) == pytest.approx(
        float(f.var()) / 4, rel=1e-4
    )
    exact_mean = torch.tensor(mean_of_generalised(np.array([rate]), s)[0], dtype=torch.float64)
    assert float(algebraic_inverse(exact_mean, 1.0, s)) - rate == pytest.approx(-0.25, abs=0.01)
    assert float(asymptotic_inverse(exact_mean, 1.0, s)) - rate == pytest.approx(0, abs=0.002 + 0.13 * s**2 / rate**2)


def test_an_exposure_has_the_mean_and_the_variance_that_are_written():
    x = torch.full((1, 1, 400, 400), 0.3, dtype=torch.float64)
    y = expose(x, GAIN, 0.04, torch.Generator().manual_seed(0))
    assert float(y.mean()) == pytest.approx(0.3, abs=0.001)
    assert float(y.var()) == pytest.approx(GAIN * 0.3 + 0.04**2, rel=0.02)


def test_the_shifted_data_have_the_moments_of_a_poisson_variable():
    x = torch.full((1, 1, 400, 400), 0.6, dtype=torch.float64)
    fidelity = shifted_poisson(expose(x, GAIN, 0.04, torch.Generator().manual_seed(1)), GAIN, 0.04)
    photons = fidelity.y / GAIN
    want = 0.6 / GAIN + (0.04 / GAIN) ** 2
    assert float(photons.mean()) == pytest.approx(want, rel=0.01)
    assert float(photons.var()) == pytest.approx(want, rel=0.02)
    third = float(((photons - photons.mean()) ** 3).mean())
    assert third == pytest.approx(0.6 / GAIN, abs=6)  # of the counts alone, and not want = 34
    assert torch.allclose(fidelity.background, torch.full_like(x, 0.04**2 / GAIN))


def test_the_shifted_fidelity_is_least_near_the_truth_and_its_prox_solves_its_equation():
    x = torch.full((1, 1, 200, 200), 0.2, dtype=torch.float64)
    fidelity = shifted_poisson(expose(x, GAIN, 0.05, torch.Generator().manual_seed(2)), GAIN, 0.05)
    flat = [fidelity.value(torch.full_like(x, v)) for v in (0.17, 0.2, 0.23)]
    assert flat[1] < min(flat[0], flat[2])
    v = fidelity.prox(x, 0.7)
    inner = v > 0
    assert (v - x + 0.7 * fidelity.grad(v))[inner].abs().max() < 1e-9


def test_without_read_out_the_shift_is_nothing_and_an_operator_is_kept():
    y = torch.rand(1, 1, 16, 16)
    blur = Blur(kernels.gaussian(5, 1.0))
    fidelity = shifted_poisson(y, GAIN, 0.0, blur)
    assert fidelity.background is None
    assert fidelity.operator is blur
    assert torch.equal(fidelity.y, y)


def test_both_ways_restore_a_photograph_and_the_exact_inverse_gets_its_brightness():
    clean = images.photo("astronaut", 64)
    gain, read_out = 0.1, 0.15
    y = expose(clean, gain, read_out, torch.Generator().manual_seed(3))
    net = load_denoiser("coco-gs-0.25")
    ridge = at_sigma(net, 0.12)
    one = by_transform(y, gain, read_out, lambda z, sigma: at_sigma(net, min(sigma, 0.16))(z))
    with torch.no_grad():
        fidelity = shifted_poisson(y, gain, read_out)
        two = run(coco_admm(fidelity, ridge, y.clamp(0, 1), lam=0.12**2 / gain, t=0.33), 15).x
    noisy = metrics.psnr(y.clamp(0, 1), clean)
    assert metrics.psnr(one.clamp(0, 1), clean) > noisy + 4
    assert metrics.psnr(two.clamp(0, 1), clean) > noisy + 4
    assert abs(float((one - clean).mean())) < 0.25 * gain


@pytest.mark.parametrize(
    ("gain", "read_out", "said"),
    [
        (0.0, 0.1, "gain is 0"),
        (-1.0, 0.1, "gain is -1"),
        (0.1, -0.1, "read_out is -0.1"),
        (0.1, math.nan, "read_out is nan"),
    ],
)
def test_bad_parameters_get_one_sentence(gain, read_out, said):
    y = torch.rand(1, 1, 8, 8)
    for call in (generalised_anscombe, exact_inverse, algebraic_inverse, asymptotic_inverse, shifted_poisson):
        with pytest.raises(ValueError, match=said):
            call(y, gain, read_out)
    with pytest.raises(ValueError, match=said):
        expose(y, gain, read_out, torch.Generator())


def test_a_picture_that_is_not_finite_is_refused():
    y = torch.full((1, 1, 8, 8), float("nan"))
    for call in (generalised_anscombe, exact_inverse, shifted_poisson):
        with pytest.raises(ValueError, match=r"NaN|finite"):
            call(y, GAIN, 0.0)
