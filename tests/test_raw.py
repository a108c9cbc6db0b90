"""The Bayer filter, the raw picture and its noise, interpolation of colours: against matrices, exact cases and simulation."""

import pytest
import torch

from pnp_course import images, metrics
from pnp_course.camera_noise import shifted_poisson
from pnp_course.fidelities import Gaussian
from pnp_course.operators import Bayer, bayer_mask
from pnp_course.operators.bayer import PATTERNS
from pnp_course.raw import bilinear, expose_raw, malvar, raw_noise, to_linear, to_srgb

SIZES = [(5, 8), (6, 6), (7, 3)]


def random(*shape, dtype=torch.float64, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pixel_sees_the_colour_of_its_letter(pattern):
    mask = bayer_mask(5, 7, pattern)
    assert torch.equal(mask.sum(0), torch.ones(5, 7))
    for row in range(5):
        for column in range(7):
            letter = pattern[2 * (row % 2) + column % 2]
            assert mask[:, row, column].tolist() == [float(letter == colour) for colour in "RGB"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("dtype", "tol"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_the_adjoint_is_exact_and_the_inverses_are_those_of_the_matrix(size, dtype, tol):
    a = Bayer(*size, "GBRG")
    x, y = random(2, 3, *size, dtype=dtype), random(2, 3, *size, dtype=dtype, seed=1)
    left, right = float((a(x) * y).double().sum()), float((x * a.adjoint(y)).double().sum())
    assert left == pytest.approx(right, rel=tol)
    n = 3 * size[0] * size[1]
    matrix = a(torch.eye(n, dtype=dtype).reshape(n, 3, *size)).reshape(n, n).T
    for c in (0.3, 7.0):
        for solved, m in ((a.solve(x, c), matrix.T @ matrix), (a.solve_data(x, c), matrix @ matrix.T)):
            want = torch.linalg.solve(torch.eye(n, dtype=dtype) + c * m, x.reshape(2, n).T).T.reshape(x.shape)
            assert torch.allclose(solved, want, atol=10 * tol)
    assert a.norm(x) == 1


def test_raw_collects_what_planes_spreads():
    a = Bayer(6, 9)
    x = random(2, 3, 6, 9)
    raw = a.raw(x)
    assert raw.shape == (2, 1, 6, 9)
    assert torch.equal(a.planes(raw), a(x))
    assert torch.equal(raw[:, 0, 0, 0], x[:, 0, 0, 0])
    assert torch.equal(raw[:, 0, 1, 1], x[:, 2, 1, 1])
    assert torch.equal(raw[:, 0, 0, 1], x[:, 1, 0, 1])


def test_both_fidelities_of_a_mosaic_have_an_exact_prox():
    """At unseen values the prox is the identity; at seen ones it solves its equation."""
    a = Bayer(6, 8)
    z, y = random(1, 3, 6, 8, seed=2), a(random(1, 3, 6, 8, seed=3))
    seen = a(torch.ones_like(z)) > 0
    for g in (Gaussian(a, y), shifted_poisson(y, 0.05, 0.03, a)):
        assert g.exact_prox
        v = g.prox(z, 0.6)
        assert torch.equal(v[~seen], z[~seen])
        inside = seen & (v > 0)
        assert (v - z + 0.6 * g.grad(v))[inside].abs().max() < 1e-9


def test_the_transform_of_a_mosaic_is_the_mosaic_of_the_transform():
    from pnp_course.generalised_anscombe import generalised_anscombe

    a, x = Bayer(6, 8), random(1, 3, 6, 8)
    assert torch.equal(a(generalised_anscombe(a.planes(a.raw(x)), 0.1, 0.05)), a(generalised_anscombe(x, 0.1, 0.05)))


def test_srgb_there_and_back():
    x = torch.linspace(0, 1, 257, dtype=torch.float64)
    assert torch.allclose(to_srgb(to_linear(x)), x, atol=1e-6)
    assert float(to_linear(torch.tensor(0.5, dtype=torch.float64))) == pytest.approx(0.21404, abs=1e-5)
    assert float(to_linear(torch.tensor(0.02, dtype=torch.float64))) == pytest.approx(0.02 / 12.92)
    assert to_srgb(torch.tensor([-0.1, 0.0, 2.0])).tolist() == pytest.approx([0.0, 0.0, 1.0])


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("fill", [bilinear, malvar])
def test_interpolation_keeps_what_was_seen_and_is_exact_on_planes_of_constant_slope(fill, pattern):
    rows, columns = torch.meshgrid(torch.arange(15.0), torch.arange(18.0), indexing="ij")
    ramp = torch.stack([0.1 + 0.02 * rows, 0.9 - 0.01 * rows - 0.02 * columns, 0.03 * columns])[None].double()
    a = Bayer(15, 18, pattern)
    filled = fill(a(ramp), a)
    assert torch.equal(a(filled), a(ramp))
    assert (filled - ramp)[..., 2:-2, 2:-2].abs().max() < 1e-6
    flat = torch.tensor([0.2, 0.5, 0.8], dtype=torch.float64)[None, :, None, None].expand(1, 3, 15, 18)
    if fill is bilinear:  # the border too
        assert (fill(a(flat), a) - flat).abs().max() < 1e-6


def test_malvars_filters_are_those_that_are_printed():
    """The response to one bright pixel at red: the paper's tables, turned about, since here the pixel is the source."""
    a = Bayer(12, 12)
    planes = torch.zeros(1, 3, 12, 12, dtype=torch.float64)
    planes[0, 0, 6, 6] = 16.0
    out = malvar(planes, a)[0]
    assert out[1, 6, 6] == 8  # green at red: its own colour with 4/8
    assert out[1, 6, 8] == out[1, 4, 6] == -2
    assert out[2, 6, 6] == 12  # blue at red: 6/8
    assert out[0, 6, 5] == out[0, 6, 7] == out[0, 5, 6] == 8  # red at green, along its row or column
    assert out[0, 5, 5] == out[0, 7, 7] == 4  # red at blue, across


def test_the_correction_pays_on_a_photograph():
    x = images.photo("astronaut", 128)
    for pattern in PATTERNS:
        a = Bayer(128, 128, pattern)
        assert metrics.psnr(malvar(a(x), a), x) > metrics.psnr(bilinear(a(x), a), x) + 3


def test_a_raw_picture_has_the_written_mean_and_variance_and_an_upper_end():
    light = torch.full((1, 3, 200, 200), 0.3, dtype=torch.float64)
    light[:, 2] = 3.0
    a = Bayer(200, 200)
    raw = expose_raw(light, a, 0.02, 0.04, torch.Generator().manual_seed(0))
    assert raw.shape == (1, 1, 200, 200)
    red, blue = raw[..., ::2, ::2], raw[..., 1::2, 1::2]
    assert float(red.mean()) == pytest.approx(0.3, abs=0.005)
    assert float(red.var()) == pytest.approx(0.02 * 0.3 + 0.04**2, rel=0.05)
    assert bool((blue == 1).all())


@pytest.mark.parametrize(("gain", "read_out"), [(0.01, 0.01), (0.04, 0.03)])
def test_gain_and_read_out_of_a_mosaic(gain, read_out):
    x = to_linear(images.photo("astronaut", 256))
    raw = expose_raw(x, Bayer(256, 256), gain, read_out, torch.Generator().manual_seed(1))
    found = raw_noise(raw)
    assert found.gain == pytest.approx(gain, rel=0.15)
    assert found.read_out == pytest.approx(read_out, rel=0.15)


def test_an_overexposed_raw_picture_gets_one_sentence():
    light = torch.full((1, 3, 128, 128), 5.0)
    raw = expose_raw(light, Bayer(128, 128), 0.01, 0.01, torch.Generator().manual_seed(0))
    with pytest.raises(ValueError, match="overexposed") as said:
        raw_noise(raw)
    assert "\n" not in str(said.value)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Bayer(4, 4, "RGBG"), "pattern is 'RGBG'; wanted one of RGGB, BGGR, GRBG, GBRG"),
        (lambda: Bayer(0, 4), "height is 0"),
        (lambda: Bayer(4, 4).raw(torch.zeros(1, 1, 4, 4)), r"planes has 1 channel\(s\), wanted 3"),
        (lambda: Bayer(4, 4).planes(torch.zeros(1, 3, 4, 4)), r"raw has 3 channel\(s\), wanted 1"),
        (lambda: Bayer(4, 4)(torch.zeros(1, 3, 4, 6)), "mask has shape"),
        (lambda: malvar(torch.zeros(1, 3, 2, 8), Bayer(2, 8)), "wanted at least 3 x 3"),
        (lambda: raw_noise(torch.zeros(1, 1, 1, 9)), "wanted at least 2 x 2"),
        (lambda: expose_raw(-torch.ones(1, 3, 4, 4), Bayer(4, 4), 0.1, 0.0, torch.Generator()), "negative intensities"),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(ValueError, match=said):
        call()
