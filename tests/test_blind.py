"""Kernel estimation: each step against a dense or exhaustive computation, the whole on a photograph, and what is refused."""

import pytest
import torch
import torch.nn.functional as F
from scipy.optimize import nnls

from pnp_course import blind, images, noise
from pnp_course.blind.gradients import across, adjoint, down, laplacian_spectrum, transfer, wrapped
from pnp_course.blind.kernel_step import centred, cleaned, least_squares_kernel, nonnegative_kernel
from pnp_course.blind.latent import few_edges, keep_large
from pnp_course.operators import Blur, ValidBlur, kernels

SIDE = 15


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def rand(*shape, generator):
    return torch.rand(shape, generator=generator, dtype=torch.float64)


def matrix(linear, side=SIDE):
    """The matrix of a linear map of pictures, column by column."""
    return torch.stack([linear(e.reshape(side, side)).flatten() for e in torch.eye(side**2, dtype=torch.float64)], 1)


def test_differences_their_adjoint_and_their_spectrum(generator):
    x, h, v = (rand(SIDE, SIDE, generator=generator) for _ in range(3))
    left = (across(x) * h).sum() + (down(x) * v).sum()
    assert float(left - (x * adjoint(h, v)).sum()) == pytest.approx(0, abs=1e-12)
    by_fft = torch.fft.irfft2(laplacian_spectrum((SIDE, SIDE), x) * torch.fft.rfft2(x), s=(SIDE, SIDE))
    torch.testing.assert_close(by_fft, adjoint(across(x), down(x)))


def test_transfer_is_that_of_the_blur(generator):
    x, k = rand(SIDE, SIDE, generator=generator), kernels.motion(5)
    by_fft = torch.fft.irfft2(transfer(k.double(), (SIDE, SIDE)) * torch.fft.rfft2(x), s=(SIDE, SIDE))
    torch.testing.assert_close(by_fft, Blur(k)(x[None, None])[0, 0], atol=1e-7, rtol=0)


def test_the_wrapped_picture_has_no_jump(generator):
    y = 0.2 + torch.linspace(0, 1, 40, dtype=torch.float64)[:, None] * torch.ones(40)  # 1 higher at its lower border
    x = wrapped(y, 9)
    assert x.shape == (49, 49)
    torch.testing.assert_close(x[:40, :40], y)
    assert float(down(x).abs().max()) == pytest.approx(0.1)
    assert float(down(y).abs().max()) == pytest.approx(1.0)


def test_a_gradient_is_kept_or_dropped_whichever_costs_less(generator):
    h, v = rand(200, generator=generator), rand(200, generator=generator)
    weight, beta = 0.7, 2.0
    a, b = keep_large(h, v, weight / beta)
    cost = weight * ((a != 0) | (b != 0)) + beta * ((a - h).square() + (b - v).square())
    every = torch.stack([torch.full_like(h, weight), beta * (h.square() + v.square())])  # all kept, all dropped
    torch.testing.assert_close(cost, every.amin(0))
    assert 0 < int((a == 0).sum()) < 200


def test_few_edges_keeps_the_edge_and_drops_the_texture(generator):
    step = (torch.arange(32) < 16).double().expand(32, 32) * 0.6 + 0.2
    y = step + 0.005 * torch.randn(32, 32, generator=generator, dtype=torch.float64)
    x = few_edges(y, torch.ones(1, 1, dtype=torch.float64), 4e-3)
    edges = (across(x).abs() > 1e-2) | (down(x).abs() > 1e-2)
    assert int(edges.sum()) == 64  # two edges, 32 pixels high, one at the periodic border
    assert float((x - step).abs().max()) < 0.02


def test_the_least_squares_kernel_is_that_of_dense_matrices(generator):
    x, y, size, ridge = rand(SIDE, SIDE, generator=generator), rand(SIDE, SIDE, generator=generator), 5, 0.3
    found = least_squares_kernel(x, y, size, ridge, (SIDE, SIDE))
    inside = torch.zeros(SIDE, SIDE, dtype=torch.float64)
    inside[2:12, 2:12] = 1
    gram, right = ridge * torch.eye(SIDE**2, dtype=torch.float64), torch.zeros(SIDE**2, dtype=torch.float64)
    for d in (across, down):
        edges = d(x) * inside

        def convolved(k, edges=edges):  # the kernel's origin is its pixel (0, 0)
            return sum(k[i, j] * edges.roll((i, j), (0, 1)) for i in range(SIDE) for j in range(SIDE))

        a = matrix(convolved)
        gram, right = gram + a.T @ a, right + a.T @ (d(y) * inside).flatten()
    k = torch.linalg.solve(gram, right).reshape(SIDE, SIDE).roll((2, 2), (0, 1))[:5, :5]
    torch.testing.assert_close(found, k, atol=1e-10, rtol=0)


def test_the_nonnegative_kernel_is_that_of_dense_matrices(generator):
    x, y, size, ridge = rand(SIDE, SIDE, generator=generator), rand(SIDE, SIDE, generator=generator), 5, 0.3
    found = nonnegative_kernel(x, y, size, ridge, (SIDE, SIDE))
    inside = torch.zeros(SIDE, SIDE, dtype=torch.float64)
    inside[2:12, 2:12] = 1
    rows, right = [ridge**0.5 * torch.eye(size**2, dtype=torch.float64)], [torch.zeros(size**2, dtype=torch.float64)]
    for d in (across, down):
        edges, shifts = d(x) * inside, [(i, j) for i in range(-2, 3) for j in range(-2, 3)]
        rows.append(torch.stack([edges.roll(shift, (0, 1)).flatten() for shift in shifts], 1))
        right.append((d(y) * inside).flatten())
    k, _ = nnls(torch.cat(rows).numpy(), torch.cat(right).numpy())
    assert 3 < int((k > 0).sum()) < size**2  # the condition matters
    torch.testing.assert_close(found.flatten(), torch.from_numpy(k), atol=2e-5, rtol=0)  # after 150 steps


def test_what_makes_a_kernel_of_any_matrix():
    k = torch.zeros(9, 9, dtype=torch.float64)
    k[1, 1:5], k[7, 7], k[5, 5], k[0, 8] = 1.0, 0.2, 0.01, -3.0
    clean = cleaned(k)
    assert float(clean.sum()) == pytest.approx(1)
    assert clean[1, 1:5].tolist() == [0.25] * 4  # 0.2 of 4.2 in a piece of its own goes, and so do 0.01 and -3
    assert cleaned(-k.abs())[4, 4] == 1
    middle = centred(clean)  # its centre of mass is (1, 2.5), which rounds to (1, 2)
    assert middle[4, 3:7].tolist() == [0.25] * 4


def test_the_kernel_of_a_photograph_is_found(generator):
    photo, k = images.photo("astronaut", 160), kernels.motion(11)
    y = noise.gaussian(ValidBlur(k)(photo), 0.005, generator)
    found = blind.estimate_kernel(y, 15)
    assert found.dtype == torch.float32
    assert float(found.sum()) == pytest.approx(1, abs=1e-6)
    assert blind.kernel_similarity(found, k) > 0.85
    none = blind.estimate_kernel(photo, 9)
    assert kernels.extent(none) < 0.9 < 2 < kernels.extent(k)  # pixels: hardly any blur, against that of the motion
    torch.testing.assert_close(blind.estimate_kernel(y, 15), found)


def test_measures_do_not_see_shifts(generator):
    k = F.pad(kernels.motion(5), (4, 4, 4, 4))
    assert blind.kernel_similarity(k, k.roll((2, -1), (0, 1))) == pytest.approx(1, abs=1e-6)
    other = kernels.gaussian(9, 1.5)
    wide, shifts = F.pad(other, (9, 9, 9, 9)), range(-9, 10)
    by_hand = max(float((wide.roll((i, j), (0, 1))[7:20, 7:20] * k).sum()) for i in shifts for j in shifts)
    assert blind.kernel_similarity(k, other) == pytest.approx(by_hand / float(k.norm() * other.norm()), rel=1e-5)
    clean = images.photo("chelsea", 40)
    moved = clean.roll((3, -2), (2, 3))
    middle = clean[..., 5:-5, 5:-5]
    torch.testing.assert_close(blind.registered(moved, middle), middle)
    smooth = torch.sin(torch.arange(40) / 4)[:, None] * torch.cos(torch.arange(40) / 5) / 2 + 0.5
    shifted = torch.sin((torch.arange(40) + 2.25) / 4)[:, None] * torch.cos((torch.arange(40) - 1.5) / 5) / 2 + 0.5
    found = blind.registered(shifted[None, None], smooth[None, None, 5:-5, 5:-5])
    assert float((found - smooth[5:-5, 5:-5]).abs().max()) < 1e-3
    error = F.interpolate(
        torch.randn(1, 3, 10, 10, generator=generator), (40, 40), mode="bicubic"
    )  # no spline smooths it
    worse, better = clean + 0.04 * error, clean + 0.02 * error.flip(2)
    assert blind.error_ratio(worse.roll(1, 3), better, middle) == pytest.approx(4, rel=1e-5)
    with pytest.raises(ValueError, match="wanted x larger"):
        blind.registered(clean, clean)


@pytest.mark.parametrize(
    ("y", "size", "error", "words"),
    [
        (torch.rand(2, 1, 40, 40), 9, ValueError, "y holds 2 pictures; wanted one"),
        (
            torch.rand(1, 1, 40, 40),
            8,
            ValueError,
            "size is 8 for a picture of 40 x 40; wanted an odd number from 3 to 13, a third of the picture",
        ),
        (torch.rand(1, 1, 40, 40), 15, ValueError, "from 3 to 13"),
        (torch.rand(1, 1, 40, 40), 1, ValueError, "from 3 to 13"),
        (torch.rand(1, 1, 1, 40), 9, blind.BlindError, "is 1 x 40, too small to tell a kernel; wanted at least 9 x 9"),
        (torch.full((1, 1, 40, 40), 0.5), 9, blind.BlindError, "no contrast"),
        ((torch.rand(1, 1, 40, 40) < 0.8).float(), 9, blind.BlindError, "most of the picture is white"),
    ],
)
def test_what_is_refused(y, size, error, words):
    with pytest.raises(error, match=words):
        blind.estimate_kernel(y, size)
