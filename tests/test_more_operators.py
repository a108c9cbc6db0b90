"""Decimation, mask and Radon: adjoints by the dot test, inverses against dense matrices, geometry against line integrals."""

import math

import numpy as np
import pytest
import torch

from pnp_course.fidelities import Gaussian, Poisson
from pnp_course.operators import Decimation, Mask, Radon, ValidBlur, conjugate_gradient, kernels, random_mask, upsample
from pnp_course.operators.radon import FILTERS, ramp_filter

N = 12
OPERATORS = {
    "decimation 2": lambda g: Decimation(torch.rand(5, 5, generator=g), 2),
    "decimation 3, even kernel": lambda g: Decimation(torch.rand(4, 6, generator=g), 3),
    "decimation 1": lambda g: Decimation(torch.rand(3, 3, generator=g), 1),
    "mask": lambda g: Mask(random_mask(N, N, 0.5, g)),
    "weights": lambda g: Mask(torch.rand(N, N, generator=g)),
    "valid blur": lambda g: ValidBlur(torch.rand(5, 3, generator=g), tol=1e-13, max_iter=1000),
    "valid blur, even kernel": lambda g: ValidBlur(torch.rand(4, 6, generator=g), tol=1e-13, max_iter=1000),
    "radon": lambda g: Radon(N, 7, tol=1e-12, max_iter=1000),
    "radon, few bins": lambda g: Radon(N, torch.tensor([0.1, 0.7, 2.0]), detectors=6, tol=1e-12, max_iter=1000),
}


@pytest.mark.parametrize("name", list(OPERATORS))
@pytest.mark.parametrize("shape", [(1, 1, N, N), (2, 3, N, N)])
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_adjoint_dot(name, shape, dtype, bound, generator):
    a = OPERATORS[name](generator)
    x = torch.rand(shape, generator=generator, dtype=dtype)
    y = torch.rand(a(x).shape, generator=generator, dtype=dtype)
    left, right = (a(x) * y).sum(), (x * a.adjoint(y)).sum()
    assert abs(left - right) <= bound * abs(left)


@pytest.mark.parametrize("shape", [(1, 2, 9, 15), (1, 1, 6, 21)])
def test_decimation_on_sizes_that_are_not_square(shape, generator):
    a = Decimation(torch.rand(4, 5, generator=generator), 3)
    x = torch.rand(shape, generator=generator, dtype=torch.float64)
    y = torch.rand(a(x).shape, generator=generator, dtype=torch.float64)
    torch.testing.assert_close((a(x) * y).sum(), (x * a.adjoint(y)).sum(), rtol=1e-12, atol=0)


def matrix_of(a):
    eye = torch.eye(N * N, dtype=torch.float64).reshape(N * N, 1, N, N)
    return a(eye).reshape(N * N, -1).T


@pytest.mark.parametrize("name", list(OPERATORS))
def test_inverses_and_norm_against_dense_matrices(name, generator):
    a, c = OPERATORS[name](generator), 0.7
    m = matrix_of(a)
    x = torch.rand(1, 1, N, N, generator=generator, dtype=torch.float64)
    s = torch.rand(a(x).shape, generator=generator, dtype=torch.float64)

    def close(got, want):
        torch.testing.assert_close(got.flatten(), want, atol=1e-9, rtol=0)

    close(a.adjoint(s), m.T @ s.flatten())
    close(a.solve(x, c), torch.linalg.solve(torch.eye(m.shape[1]) + c * m.T @ m, x.flatten()))
    close(a.solve_data(s, c), torch.linalg.solve(torch.eye(m.shape[0]) + c * m @ m.T, s.flatten()))
    assert a.norm(x, tol=1e-9) == pytest.approx(float(torch.linalg.matrix_norm(m, 2)), rel=1e-3)


@pytest.mark.parametrize("name", list(OPERATORS))
def test_gaussian_and_poisson_on_every_operator(name, generator):
    """Gradients against autograd, proximal operators by their optimality conditions."""
    a = OPERATORS[name](generator)
    x = 0.2 + torch.rand(1, 1, N, N, generator=generator, dtype=torch.float64)
    y = a(x) * (1 + 0.1 * torch.randn(a(x).shape, generator=generator, dtype=torch.float64)).clamp_min(0.5)
    point = x.clone().requires_grad_(True)
    au = a(point)
    want = {
        Gaussian: torch.autograd.grad(0.5 * (au - y).square().sum(), point, retain_graph=True)[0],
        Poisson: torch.autograd.grad((au - y * au.clamp_min(1e-6).log()).sum(), point)[0],
    }
    for kind, gradient in want.items():
        fidelity = Poisson(a, y, rho=2.0, tol=1e-9, max_inner=20_000) if kind is Poisson else Gaussian(a, y)
        seen = a(x) > 1e-9  # a masked pixel has y = 0 and au = 0: no photon, no information
        torch.testing.assert_close(fidelity.grad(x), gradient, rtol=1e-7, atol=1e-7 if seen.all() else 2)
        v = fidelity.prox(x, 0.5)
        if kind is Gaussian or seen.all():
            torch.testing.assert_close(v - x + 0.5 * fidelity.grad(v), torch.zeros_like(v), atol=2e-6, rtol=0)


def test_poisson_prox_on_a_radon_transform_reports_its_residual(generator):
    a = Radon(N, 9)
    x = torch.rand(1, 1, N, N, generator=generator) + 0.1
    y = a(x) * (0.5 + torch.rand(a(x).shape, generator=generator))
    iterations, residual = Poisson(a, y, tol=1e-4, max_inner=300).inner_residual(x, 0.1)
    assert residual <= 1e-4
    assert iterations < 300


def test_radon_of_a_disc_is_its_chord():
    """The projection of a smooth disc is 2 sqrt(r^2 - s^2) in every view; mass is kept."""
    n, r = 128, 40.0
    place = torch.arange(n, dtype=torch.float64) - (n - 1) / 2
    radius = (place[:, None] ** 2 + place**2).sqrt()
    disc = (r + 0.5 - radius).clamp(0, 1)[None, None]
    a = Radon(n, 12)
    y = a(disc)
    s = torch.arange(a.detectors, dtype=torch.float64) - (a.detectors - 1) / 2
    chord = 2 * (r**2 - s**2).clamp_min(0).sqrt()
    torch.testing.assert_close(y.sum(-1), disc.sum().expand(1, 1, 12), rtol=1e-8, atol=0)
    assert (y[0, 0] - chord).abs().mean() < 0.004 * chord.max()


def test_radon_views_are_where_the_docstring_says():
    """A point at (x, y) = (10, -3), x to the right and y up, falls on s = x cos + y sin."""
    n = 41
    image = torch.zeros(1, 1, n, n, dtype=torch.float64)
    image[0, 0, 20 + 3, 20 + 10] = 1
    angles = torch.tensor([0.0, math.pi / 2, math.pi / 6], dtype=torch.float64)
    a = Radon(n, angles)
    s = torch.arange(a.detectors, dtype=torch.float64) - (a.detectors - 1) / 2
    centre = (a(image)[0, 0] * s).sum(-1)
    torch.testing.assert_close(centre, 10 * angles.cos() - 3 * angles.sin(), atol=0.05, rtol=0)


@pytest.mark.parametrize("kind", FILTERS)
def test_fbp_recovers_a_phantom(kind):
    from skimage.data import shepp_logan_phantom
    from skimage.transform import resize

    x = torch.from_numpy(resize(shepp_logan_phantom(), (96, 96), anti_aliasing=True))[None, None]
    a = Radon(96, 150)
    back = a.fbp(a(x), kind)
    assert (back - x).square().mean().sqrt() < 0.09
    assert back[..., 40:56, 40:56].mean() == pytest.approx(float(x[..., 40:56, 40:56].mean()), abs=0.01)


@pytest.mark.parametrize("kind", FILTERS)
def test_filters_are_a_ramp_times_their_window(kind):
    """Windows by their definitions, f in cycles per bin; the ramp is |f| up to what a finite length leaves."""
    f = np.arange(257) / 512
    window = {
        "ramp": np.ones(257), "shepp-logan": np.sin(np.pi * f + 1e-12) / (np.pi * f + 1e-12), "cosine": np.cos(np.pi * f),
        "hamming": 0.54 + 0.46 * np.cos(2 * np.pi * f), "hann": np.cos(np.pi * f) ** 2,
    }[kind]  # fmt: skip
    np.testing.assert_allclose(ramp_filter(512, kind).numpy(), f * window, atol=2e-3)


def test_fbp_and_radon_agree_with_skimage():
    """On a smooth picture, where the two ways of interpolating agree."""
    from skimage.transform import iradon, radon

    n = 61  # odd, and so is the number of bins: skimage turns about pixel n // 2, which then is the centre
    place = np.arange(n) - n // 2
    x = np.exp(-((place[:, None] - 6) ** 2 + (place - 9) ** 2) / 60.0) + 0.5 * np.exp(
        -(place[:, None] ** 2 + place**2) / 150
    )
    theirs = radon(x, theta=np.arange(0, 180, 3.0), circle=False)
    a = Radon(n, 60, detectors=theirs.shape[0])
    ours = a(torch.from_numpy(x)[None, None])[0, 0].numpy().T
    assert np.abs(ours - theirs).max() < 0.01 * theirs.max()
    back = iradon(theirs, theta=np.arange(0, 180, 3.0), circle=False, output_size=n)
    mine = a.fbp(torch.from_numpy(theirs.T.copy())[None, None])[0, 0].numpy()
    assert np.abs(mine - back).max() < 0.02


def test_upsampling_puts_pixels_where_decimation_takes_them():
    """A plane is decimated and enlarged back: equal in the mean away from the border, so the grids agree.

    Only in the mean: torch's bicubic kernel does not reproduce planes. Half a pixel of shift would be 0.2 in the mean.
    """
    for factor in (2, 3):
        yy, xx = torch.meshgrid(torch.arange(24.0), torch.arange(24.0), indexing="ij")
        plane = (0.3 * xx + 0.1 * yy)[None, None]
        small = Decimation(torch.ones(1, 1), factor)(plane)
        wide = upsample(small, factor)
        assert (wide - plane)[..., 6:-6, 6:-6].mean().abs() < 2e-3


def test_conjugate_gradient_stops_where_it_says(generator):
    m = torch.randn(30, 30, generator=generator, dtype=torch.float64)
    m = m @ m.T + torch.eye(30)
    b = torch.randn(1, 1, 5, 6, generator=generator, dtype=torch.float64)

    def apply(v):
        return (m @ v.flatten()).reshape(v.shape)

    x, steps, residual = conjugate_gradient(apply, b, tol=1e-8, max_iter=500)
    assert (apply(x) - b).norm() <= 1.01e-8 * b.norm()
    assert residual <= 1e-8
    _, again, _ = conjugate_gradient(apply, b, x, tol=1e-8)
    assert again == 0 < steps
    _, few, left = conjugate_gradient(apply, b, max_iter=3)
    assert (few, left > 1e-5) == (3, True)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Decimation(kernels.gaussian(5), 1.5), "factor is 1.5"),
        (
            lambda: Decimation(kernels.gaussian(5), 2)(torch.zeros(1, 1, 9, 8)),
            "9 x 8; wanted height and width multiples of 2",
        ),
        (lambda: Mask(torch.ones(8)), r"mask has shape \(8,\)"),
        (
            lambda: Mask(torch.ones(8, 9))(torch.zeros(1, 1, 8, 8)),
            r"mask has shape \(8, 9\) and the image \(1, 1, 8, 8\)",
        ),
        (lambda: Mask(torch.full((2, 2), float("nan"))), "mask has 4 value"),
        (lambda: random_mask(4, 4, 0.0, torch.Generator()), "kept is 0.0"),
        (lambda: Radon(0, 5), "size is 0"),
        (lambda: Radon(8, 5, detectors=1), "detectors is 1"),
        (lambda: Radon(8, 5)(torch.zeros(1, 1, 9, 9)), "9 x 9; this Radon transform is for 8 x 8"),
        (lambda: Radon(8, 5).adjoint(torch.zeros(1, 1, 4, 4)), "sinogram is 4 x 4; wanted 5 views"),
        (lambda: Radon(8, 5).fbp(torch.zeros(1, 1, 5, 14), "box"), "filter is 'box'"),
    ],
)
def test_bad_operators(call, words):
    with pytest.raises(ValueError, match=words):
        call()
