"""PSNR by hand, SSIM by its formula written out, against the library."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from pnp_course import metrics


def test_psnr_by_hand():
    a = torch.full((2, 1, 4, 4), 0.5)
    b = torch.stack((torch.full((1, 4, 4), 0.6), torch.full((1, 4, 4), 0.51)))
    assert metrics.psnr(a, b) == pytest.approx((20 + 40) / 2, abs=1e-4)  # errors 0.1 and 0.01
    # clipped as shown: 1.7 counts as 1
    assert metrics.psnr(torch.full((1, 1, 2, 2), 1.7), torch.full((1, 1, 2, 2), 0.9)) == pytest.approx(20, abs=1e-4)


def test_ssim_by_its_formula(generator):
    """Wang et al. 2004, (13), with Gaussian weights of std 1.5 cut at 3.5 std, mean away from the border."""
    x, y = (torch.rand(1, 1, 40, 30, generator=generator) for _ in range(2))
    y = (0.7 * x + 0.3 * y).clamp(0, 1)
    a, b = x[0, 0].double().numpy(), y[0, 0].double().numpy()

    def mean(z):
        return gaussian_filter(z, 1.5, truncate=3.5)

    ma, mb = mean(a), mean(b)
    va, vb, cov = mean(a * a) - ma**2, mean(b * b) - mb**2, mean(a * b) - ma * mb
    c1, c2 = 0.01**2, 0.03**2
    local = (2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))
    assert metrics.ssim(x, y) == pytest.approx(float(np.mean(local[5:-5, 5:-5])), abs=1e-6)


def test_errors():
    with pytest.raises(ValueError, match="equal"):
        metrics.psnr(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 3))
    with pytest.raises(ValueError, match="11 x 11"):
        metrics.ssim(torch.zeros(1, 1, 8, 20), torch.zeros(1, 1, 8, 20))


def test_psnr_of_equal_pictures_is_the_ceiling(generator):
    x = torch.rand(2, 3, 4, 4, generator=generator)
    assert metrics.psnr(x, x) == 120
    assert metrics.psnr(torch.stack((x[0], 0 * x[0])), torch.stack((x[0], 0 * x[0] + 0.1))) == pytest.approx(
        70, abs=1e-4
    )


@pytest.mark.parametrize("measure", [metrics.psnr, metrics.ssim])
def test_other_scales_and_types_are_refused(measure, generator):
    x = torch.rand(1, 3, 16, 16, generator=generator)
    for change, words in (
        (lambda z: 255 * z, r"intensities from 0\.\d+ to 25\d.*scale \[0, 1\]: divide 8-bit intensities by 255"),
        (lambda z: 2 * z - 1, r"intensities from -0\.99.*wanted a clean picture on the scale"),
        (lambda z: (255 * z).to(torch.uint8), "x has dtype torch.uint8; wanted floating point"),
        (lambda z: z.numpy(), "x is a ndarray; wanted a torch tensor"),
        (lambda z: z[0], r"x has shape \(3, 16, 16\); wanted \(B, C, H, W\)"),
        (lambda z: z / 0, "reference has intensities from inf to inf"),
    ):
        with pytest.raises(ValueError, match=words):
            measure(change(x), change(x))
    for odd in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match=r"x has 1 value.* that are NaN or infinite"):
            measure(torch.where(torch.arange(x.numel()).reshape(x.shape) == 7, odd, x), x)
    assert measure(255 * x, x) < measure(x, x)  # an iterate may leave [0, 1], and is clipped
