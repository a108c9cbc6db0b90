"""The small worlds of notebook 05 against closed forms."""

import pytest
import torch

from pnp_course.denoisers import GradientStep, at_sigma
from pnp_course.toy import GaussianMixture
from pnp_course.toy import potentials as steps
from pnp_course.toy import proximal_denoiser as toy

SIGMA = 0.15


def test_the_exact_step_is_the_gradient_step_of_notebook_04():
    peaks = GaussianMixture.two_peaks()
    x = torch.rand(7, 1, 1, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for ours, theirs in zip(
        toy.ExactStep(peaks, SIGMA)(x),
        at_sigma(GradientStep(steps.RootNet(peaks)), SIGMA).with_value(x),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, atol=1e-10, rtol=0)


def test_curvature_of_a_gaussian_is_known():
    """One Gaussian of variance v: g = sigma^2 x^2 / (2 (v + sigma^2))."""
    one = toy.ExactStep(GaussianMixture(torch.ones(1), torch.zeros(1, 1), torch.full((1, 1, 1), 0.04)), 0.1)
    known = 0.01 / 0.05
    assert one.curvature(torch.linspace(-1, 1, 9)[:, None].double()) == pytest.approx((known, known))


def test_invert_says_when_it_has_not_settled():
    with pytest.raises(ValueError, match="t L < 1"):
        toy.invert(toy.Waves(3.0), torch.full((1, 1, 1, 1), 0.3, dtype=torch.float64))
