"""Estimates of the noise from one picture: against the noise that was added, and each part against another computation."""

from pathlib import Path

import numpy as np
import pandas
import pytest
import torch

from pnp_course import images, noise
from pnp_course.camera_noise import expose
from pnp_course.noise_level import camera_noise, patch_sigma, wavelet_sigma
from pnp_course.noise_level.mean_variance import cosines, line
from pnp_course.noise_level.patches import noise_variance, patch_eigenvalues


def photo():
    return images.photo("astronaut", 256)


@pytest.mark.parametrize("sigma", [5, 10, 20, 40])
def test_patches_find_the_level_on_a_photograph(sigma):
    y = noise.gaussian(photo(), sigma / 255, torch.Generator().manual_seed(1))
    assert float(patch_sigma(y)) * 255 == pytest.approx(sigma, rel=0.05)


def test_wavelets_find_the_level_where_there_is_no_texture_and_agree_with_scikit_image():
    y = noise.gaussian(torch.full((2, 3, 128, 128), 0.5), 0.1, torch.Generator().manual_seed(1))
    assert wavelet_sigma(y).numpy() == pytest.approx(0.1, rel=0.03)
    textured = noise.gaussian(photo(), 5 / 255, torch.Generator().manual_seed(1))
    assert float(wavelet_sigma(textured)) * 255 > 5.2
    pytest.importorskip("pywt")
    from skimage.restoration import estimate_sigma

    want = estimate_sigma(textured[0].numpy(), average_sigmas=True, channel_axis=0)
    assert float(wavelet_sigma(textured)) == pytest.approx(want, rel=0.02)


def test_each_picture_of_a_batch_has_its_own_level():
    clean = images.photo("coffee", 128).expand(3, -1, -1, -1)
    sigma = torch.tensor([0.02, 0.05, 0.12])
    y = noise.gaussian(clean, sigma, torch.Generator().manual_seed(0))
    for estimate in (patch_sigma, wavelet_sigma):
        together = estimate(y)
        assert together.dtype == torch.float64
        assert torch.allclose(together, torch.cat([estimate(one[None]) for one in y]))
    assert patch_sigma(y).numpy() == pytest.approx(sigma.numpy(), rel=0.06)


def test_the_eigenvalues_are_those_of_numpy_and_of_white_noise_lie_where_marchenko_and_pastur_say():
    n, d = 20_000, 64
    patches = 0.3 * torch.randn(n, d, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = patch_eigenvalues(patches)
    assert np.allclose(found, np.linalg.eigvalsh(np.cov(patches.numpy().T)))
    edges = [0.09 * (1 + side * (d / n) ** 0.5) ** 2 for side in (-1, 1)]
    assert float(found[0]) == pytest.approx(edges[0], rel=0.02)  # the smallest alone is too small
    assert float(found[-1]) == pytest.approx(edges[1], rel=0.02)
    assert noise_variance(found) == pytest.approx(0.09, rel=0.01)


def test_large_eigenvalues_are_left_out():
    rising = torch.tensor([0.99, 1.0, 1.0, 1.01, 5.0, 40.0, 300.0], dtype=torch.float64)
    assert noise_variance(rising.flip(0)) == pytest.approx(1.0)
    assert noise_variance(torch.tensor([2.0, 2.0])) == 2.0


def test_the_cosines_are_orthonormal_and_those_of_scipy():
    from scipy.fft import dct

    basis = cosines(8)
    assert torch.allclose(basis @ basis.T, torch.eye(8).double())
    assert np.allclose(basis, dct(np.eye(8), axis=0, norm="ortho"))


@pytest.mark.parametrize(("gain", "read_out"), [(0.01, 0.02), (0.03, 0.03), (0.02, 0.0)])
def test_gain_and_read_out_of_a_photograph(gain, read_out):
    found = camera_noise(expose(photo(), gain, read_out, torch.Generator().manual_seed(2)))
    assert found.gain == pytest.approx(gain, rel=0.1)
    assert found.read_out == pytest.approx(read_out, abs=0.02)
    assert len(found.means) == len(found.variances) > 10


def test_clipped_pixels_are_left_out_when_the_ends_are_told():
    """The line survives a few clipped groups; where most of the bright ones are, it does not, unless they are left out."""
    gain, read_out = 0.02, 0.02
    y = expose(2 * photo(), gain, read_out, torch.Generator().manual_seed(3)).clamp(0, 1)
    told, untold = camera_noise(y, black=0.0, white=1.0), camera_noise(y)
    assert told.gain == pytest.approx(gain, rel=0.1)
    assert untold.gain < 0.5 * gain
    assert float((untold.variances / (gain * untold.means + read_out**2)).min()) < 0.1
    assert float((told.variances / (gain * told.means + read_out**2)).min()) > 0.6


def test_a_line_is_found_in_spite_of_an_outlier_and_is_never_negative():
    means = torch.linspace(0.1, 0.9, 20, dtype=torch.float64)
    variances = 0.02 * means + 0.001
    variances[7] *= 4
    slope, start = line(means, variances)
    assert slope == pytest.approx(0.02, rel=0.02)
    assert start == pytest.approx(0.001, rel=0.1)
    assert line(means, 0.02 * means - 0.001)[1] == 0
    falling = line(means, 0.02 - 0.01 * means)
    assert falling[0] == 0
    assert falling[1] > 0


def test_bad_pictures_get_one_sentence():
    with pytest.raises(ValueError, match="overexposed"):
        camera_noise(torch.ones(1, 3, 64, 64), white=1.0)
    with pytest.raises(ValueError, match="all of one brightness"):
        camera_noise(torch.full((1, 1, 128, 128), 0.5))
    with pytest.raises(ValueError, match="too small"):
        camera_noise(torch.rand(1, 1, 4, 4))
    with pytest.raises(ValueError, match="2 pictures"):
        camera_noise(torch.rand(2, 1, 64, 64))
    with pytest.raises(ValueError, match="too small to estimate"):
        patch_sigma(torch.rand(1, 3, 16, 16))
    with pytest.raises(ValueError, match="at least 4 x 4"):
        wavelet_sigma(torch.rand(1, 3, 3, 16))


def test_the_committed_estimates_are_whole_and_say_what_the_theory_page_says():
    """68 photographs in every line; patches within 5 % on all, wavelets on few where noise is weak, gain within 10 % on most."""
    rows = pandas.read_csv(Path(__file__).parents[1] / "benchmarks" / "results" / "noise-level.csv")
    parts = rows.groupby(["noise", "estimate"])["ratio"]
    assert (parts.nunique() > 1).all()
    assert set(parts.size()) == {68}
    within = {key: ((ratio - 1).abs() < (0.1 if "gain" in key[0] else 0.05)).mean() for key, ratio in parts}
    assert all(share == 1 for (_, estimate), share in within.items() if estimate == "patches")
    assert within["sigma 5", "wavelet"] < 0.1
    assert min(share for (_, estimate), share in within.items() if estimate == "gain") > 0.8
    assert (parts.median().xs("gain", level="estimate") - 1).abs().max() < 0.05


def test_a_low_quantile_finds_the_line_below_texture():
    """Texture in three fifths of the groups: the median line lies far too high, that of a fifth does not."""
    means = torch.linspace(0.1, 0.9, 40, dtype=torch.float64)
    clean = 0.02 * means + 0.001
    textured = clean.clone()
    textured[torch.arange(40) % 5 < 3] *= 3
    slope, start = line(means, textured, 0.2)
    assert slope == pytest.approx(0.02, rel=0.05)
    assert start == pytest.approx(0.001, rel=0.2)
    assert line(means, textured)[0] > 0.04
    with pytest.raises(ValueError, match="quantile is 1"):
        camera_noise(photo(), quantile=1)
