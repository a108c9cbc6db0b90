"""The main job: degrade, restore, the methods it is measured against, the Lagrangian of a real run."""

import numpy as np
import pytest
import torch

from pnp_course import deconvolution, images, metrics
from pnp_course.demo import METHODS, busiest_square, compare
from pnp_course.denoisers import denoiser_card
from pnp_course.guarantees import Constants, largest_averaging
from pnp_course.operators import Blur, kernels

KERNEL = kernels.motion(15, 1)


@pytest.fixture(scope="module")
def clean():
    return images.photo("astronaut", 128)


@pytest.fixture(scope="module")
def results(clean):
    return compare(clean, KERNEL, 100, seed=0, denoiser_name="coco-gs-0.25", iterations=40)


def test_every_method_is_there_and_plug_and_play_wins(results, clean):
    pictures, _, _ = results
    assert list(pictures) == list(METHODS)
    score = {name: metrics.psnr(p, clean) for name, p in pictures.items()}
    assert all(p.shape == clean.shape for p in pictures.values())
    assert score["coco-admm"] > score["observed"] + 2
    assert score["coco-admm"] > max(score["wiener"], score["richardson-lucy"]) + 1


def test_the_run_settles_and_its_lagrangian_falls(results):
    history = results[2]["coco-admm"].history
    assert history["relative_change"].iloc[-1] < 3e-3
    falls = -history["lagrangian"].diff().iloc[1:]
    assert falls.sum() > 0
    assert falls.clip(upper=0).sum() > -0.05 * falls.sum()


def test_degrade_is_blur_then_photons(clean):
    """The mean over many noise seeds is the blurred picture; one seed is reproducible."""
    mean = torch.stack([deconvolution.degrade(clean, KERNEL, 50, seed) for seed in range(60)]).mean(0)
    blurred = Blur(KERNEL)(clean)
    # standard error of a pixel sqrt(1/50/60) = 0.018; the mean square over 49152 pixels is that of the noise
    rms = float((mean - blurred).square().mean().sqrt())
    assert rms == pytest.approx(float((blurred.mean() / 50 / 60).sqrt()), rel=0.05)
    assert torch.equal(deconvolution.degrade(clean, KERNEL, 50, 1), deconvolution.degrade(clean, KERNEL, 50, 1))


@pytest.mark.parametrize("shape", [(7, 7), (6, 8), (7, 6)])
def test_classics_use_our_convention_of_the_kernel(clean, shape):
    """Without noise both classics undo an off-centre kernel in place: a shift by a pixel would cost 10 dB."""
    kernel = torch.zeros(*shape)
    kernel[1, 5], kernel[4, 2] = 0.7, 0.3
    blurred = Blur(kernel)(clean).clamp_min(0)
    assert metrics.psnr(deconvolution.wiener(blurred, kernel, balance=1e-4), clean) > 35
    assert metrics.psnr(deconvolution.richardson_lucy(blurred, kernel, 60), clean) > 35


def test_settings_pass_through_the_papers_points():
    assert deconvolution.settings(100).sigma == pytest.approx(0.15)
    assert deconvolution.settings(100).lam == pytest.approx(600 / 255)
    assert deconvolution.settings(50).sigma == pytest.approx(0.16)
    assert deconvolution.settings(50).lam == pytest.approx(375 / 255)
    assert deconvolution.settings(1e6) == deconvolution.settings(1000)
    assert deconvolution.settings(50).t == 0.33
    # a shipped denoiser's own card bounds the averaging
    gs = deconvolution.settings(50, "coco-gs-0.25")
    c = Constants.of(denoiser_card("coco-gs-0.25"), gs.sigma)
    assert 0 < gs.t < largest_averaging(c.gamma, c.delta)
    assert deconvolution.settings(50, "gs-drunet").t < gs.t  # its spectrum reaches further below 0
    with pytest.raises(ValueError, match="peak"):
        deconvolution.settings(0)


def test_gray_pictures_are_restored_with_a_colour_denoiser():
    x = images.photo("camera", 96)
    y = deconvolution.degrade(x, KERNEL, 100)
    out = deconvolution.restore_coco(
        y, KERNEL, deconvolution.denoiser_for(y, "coco-0.25"), deconvolution.settings(100), max_iter=20
    ).x
    assert out.shape == x.shape
    assert metrics.psnr(out, x) > metrics.psnr(y, x) + 2


def test_no_parameter_is_touched(clean):
    """Inputs are not changed in place."""
    y = deconvolution.degrade(clean, KERNEL, 50)
    keep, k = y.clone(), KERNEL.clone()
    deconvolution.restore_coco(
        y, KERNEL, deconvolution.denoiser_for(y, "drunet"), deconvolution.settings(50), max_iter=2
    )
    assert torch.equal(y, keep)
    assert torch.equal(KERNEL, k)


def test_zoom_goes_where_the_detail_is():
    x = torch.zeros(1, 3, 60, 80)
    x[..., 30:45, 50:65] = torch.from_numpy(np.random.default_rng(0).random((15, 15))).float()
    top, left, side = busiest_square(x, 20)
    assert side == 20
    assert top <= 30 < 45 <= top + side + 1
    assert left <= 50 < 65 <= left + side + 1
