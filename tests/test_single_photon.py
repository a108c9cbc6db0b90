"""The transform of Anscombe and its inverse against exact sums; the camera, its exposures, and what fills hot pixels."""

import numpy as np
import pytest
import torch

from pnp_course import datasets, single_photon
from pnp_course.anscombe import anscombe, inverse_anscombe
from pnp_course.single_photon import Camera


def exact_mean(rate):
    """E f(N) by its series with probabilities from logarithms."""
    counts = torch.arange(0, int(rate + 20 * rate**0.5 + 60), dtype=torch.float64)
    logs = counts * np.log(rate) - rate - torch.lgamma(counts + 1) if rate else torch.where(counts == 0, 0.0, -np.inf)
    return float((logs.exp() * 2 * (counts + 3 / 8).sqrt()).sum())


def test_the_inverse_takes_the_mean_of_the_transform_to_the_mean_of_the_counts():
    rates = [0.0, 0.01, 0.3, 1.0, 4.7, 30.0, 150.0, 199.0, 201.0, 1000.0, 3e4]
    d = torch.tensor([exact_mean(rate) for rate in rates], dtype=torch.float64)
    back = inverse_anscombe(d)
    torch.testing.assert_close(back, torch.tensor(rates, dtype=torch.float64), atol=2e-3, rtol=1e-4)
    assert bool((inverse_anscombe(torch.tensor([0.0, 1.0])) == 0).all())
    algebraic = d[2:6] ** 2 / 4 - 3 / 8
    assert bool((algebraic < torch.tensor(rates[2:6]) - 0.05).all())  # the inverse function is too low
    assert inverse_anscombe(d.float().reshape(1, 1, 1, -1)).dtype == torch.float32


def test_the_transform_has_a_standard_deviation_near_one(generator):
    for rate in (4.0, 20.0, 100.0):
        counts = torch.poisson(torch.full((400_000,), rate), generator=generator)
        assert float(anscombe(counts).std()) == pytest.approx(1, abs=0.03)
    with pytest.raises(ValueError, match="counts has negative values"):
        anscombe(torch.tensor([-1.0]))


@pytest.fixture
def camera(generator):
    return single_photon.random_camera(60, 70, generator)


def test_the_mean_of_an_exposure(camera, generator):
    scene = torch.rand(1, 1, 60, 70, generator=generator)
    many = sum(single_photon.expose(scene, camera, 3.0, generator) for _ in range(400)) / 400
    want = scene + camera.dark / 3
    error = (many - want) / (want / 3 / 400).sqrt()  # in standard deviations
    assert float(error.mean().abs()) < 0.1
    assert float(error.std()) == pytest.approx(1, abs=0.05)


def test_the_random_camera_is_like_the_measured_one(generator):
    camera = single_photon.random_camera(300, 300, generator)
    assert float(camera.hot.double().mean()) == pytest.approx(single_photon.HOT_SHARE, abs=0.003)
    assert float(camera.dark[~camera.hot].median()) == pytest.approx(single_photon.MEDIAN, rel=0.02)
    try:
        measured = single_photon.measured_camera()
    except datasets.MissingDataError as error:
        pytest.skip(str(error))
    assert measured.dark.shape == measured.hot.shape == (384, 384)
    good, logs = measured.dark[~measured.hot], measured.dark[~measured.hot & (measured.dark > 0)].log()
    assert float(measured.hot.double().mean()) == pytest.approx(single_photon.HOT_SHARE, abs=0.002)
    assert float(good.median()) == pytest.approx(single_photon.MEDIAN, abs=0.005)
    assert float(logs.std()) == pytest.approx(single_photon.SPREAD, abs=0.1)
    assert float(measured.dark[measured.hot].median() / good.median()) == pytest.approx(single_photon.HOT, rel=0.15)


def test_the_fidelity_sees_good_pixels_only(camera, generator):
    scene = torch.rand(1, 1, 60, 70, generator=generator)
    y = single_photon.expose(scene, camera, 3.0, generator)
    g = single_photon.fidelity(y, camera, 3.0)
    spoiled = single_photon.fidelity(torch.where(camera.hot, torch.full_like(y, 9.0), y), camera, 3.0)
    assert g.value(scene) == spoiled.value(scene)
    out = g.prox(scene, 2.0)
    assert bool((out[..., camera.hot] == scene[..., camera.hot]).all())
    good = ~camera.hot
    w = out + camera.dark / 3
    inside = good & (out[0, 0] > 0)
    gap = scene - out - 2.0 * (1 - y / w)
    assert float(gap[0, 0][inside].abs().max()) < 1e-4


def test_filled(camera, generator):
    y = torch.rand(2, 1, 60, 70, generator=generator)
    out = single_photon.filled(y, camera)
    assert bool((out[..., ~camera.hot] == y[..., ~camera.hot]).all())
    hot = torch.zeros(5, 5, dtype=torch.bool)
    hot[0, 0] = True
    x = torch.arange(25.0).reshape(1, 1, 5, 5)
    assert float(single_photon.filled(x, Camera(torch.zeros(5, 5), hot))[0, 0, 0, 0]) == pytest.approx((1 + 5 + 6) / 3)
    hot[:3, :3] = True
    corner = single_photon.filled(x, Camera(torch.zeros(5, 5), hot))[0, 0, 0, 0]  # nothing is good before 7 x 7
    assert float(corner) == pytest.approx((3 + 8 + 13 + 15 + 16 + 17 + 18) / 7)
    constant = torch.full((1, 1, 60, 70), 0.4)
    torch.testing.assert_close(single_photon.filled(constant, camera), constant)


def test_crops_and_sizes(camera, generator):
    part = camera.crop(20, 30, generator)
    assert part.dark.shape == part.hot.shape == (20, 30)
    with pytest.raises(ValueError, match=r"fewer than \(61, 10\); wanted a smaller crop"):
        camera.crop(61, 10, generator)
    with pytest.raises(
        ValueError, match=r"the image is \(8, 8\) and the camera \(60, 70\) pixels; wanted the same size"
    ):
        single_photon.expose(torch.zeros(1, 1, 8, 8), camera, 1.0, generator)


@pytest.mark.parametrize(
    ("dark", "hot", "words"),
    [
        (
            torch.zeros(4, 4),
            torch.zeros(4, 5, dtype=torch.bool),
            r"dark has shape \(4, 4\) and hot \(4, 5\); wanted one shape",
        ),
        (torch.zeros(1, 4, 4), torch.zeros(1, 4, 4, dtype=torch.bool), r"wanted one shape \(H, W\)"),
        (torch.zeros(4, 4), torch.zeros(4, 4), "hot has dtype torch.float32; wanted torch.bool"),
        (torch.zeros(4, 4), torch.ones(4, 4, dtype=torch.bool), "every pixel of the camera is hot"),
        (-torch.ones(4, 4), torch.zeros(4, 4, dtype=torch.bool), "dark has negative values"),
        (torch.full((4, 4), torch.nan), torch.zeros(4, 4, dtype=torch.bool), "dark"),
        (torch.zeros(4, 4, dtype=torch.int64), torch.zeros(4, 4, dtype=torch.bool), "dark has dtype torch.int64"),
    ],
)
def test_a_camera_that_is_none(dark, hot, words):
    with pytest.raises(ValueError, match=words):
        Camera(dark, hot)
