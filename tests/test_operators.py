"""Adjoints by the dot test, inverses against dense linear algebra, kernels."""

import pytest
import torch

from pnp_course.operators import Blur, Identity, kernels

KERNELS = {
    "odd": (5, 5), "even": (4, 6), "mixed": (3, 8), "row": (1, 7), "point": (1, 1),
}  # fmt: skip


def make(name, generator):
    return Identity() if name == "identity" else Blur(torch.rand(KERNELS[name], generator=generator))


@pytest.mark.parametrize("name", ["identity", *KERNELS])
@pytest.mark.parametrize("shape", [(1, 1, 16, 16), (2, 3, 15, 20), (1, 2, 9, 8)])
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_adjoint_dot(name, shape, dtype, bound, generator):
    a = make(name, generator)
    x = torch.rand(shape, generator=generator, dtype=dtype)
    y = torch.rand(shape, generator=generator, dtype=dtype)
    left, right = (a(x) * y).sum(), (x * a.adjoint(y)).sum()
    assert abs(left - right) <= bound * abs(left)


@pytest.mark.parametrize("name", ["identity", *KERNELS])
def test_against_dense_matrices(name, generator):
    """Apply, adjoint and both inverses equal those of the matrix, built column by column from shifted deltas."""
    h, w, c = 8, 9, 0.7
    a = make(name, generator)
    eye = torch.eye(h * w, dtype=torch.float64).reshape(h * w, 1, h, w)
    matrix = a(eye).reshape(h * w, h * w).T
    x = torch.rand(1, 1, h, w, generator=generator, dtype=torch.float64)
    flat = x.flatten()

    def close(got, want):
        torch.testing.assert_close(got.flatten(), want, atol=1e-12, rtol=0)

    close(a.adjoint(x), matrix.T @ flat)
    close(a.solve(x, c), torch.linalg.solve(torch.eye(h * w) + c * matrix.T @ matrix, flat))
    close(a.solve_data(x, c), torch.linalg.solve(torch.eye(h * w) + c * matrix @ matrix.T, flat))


@pytest.mark.parametrize("name", list(KERNELS))
def test_blur_is_the_convolution_sum(name, generator):
    """(k * x)(i, j) = sum_{a, b} k(a, b) x(i - a + h//2, j - b + w//2), indices modulo the size, written as loops."""
    kernel = torch.rand(KERNELS[name], generator=generator, dtype=torch.float64)
    (h, w), (height, width) = kernel.shape, (9, 10)
    x = torch.rand(1, 1, height, width, generator=generator, dtype=torch.float64)
    want = torch.zeros_like(x)
    for a in range(h):
        for b in range(w):
            want += kernel[a, b] * x.roll((a - h // 2, b - w // 2), (2, 3))
    torch.testing.assert_close(Blur(kernel)(x), want, atol=1e-12, rtol=0)


def test_kernel_larger_than_the_image():
    with pytest.raises(ValueError, match="25 x 25, larger than the image, 9 x 40"):
        Blur(kernels.gaussian(25))(torch.zeros(1, 1, 9, 40))


@pytest.mark.parametrize("bad", [torch.zeros(3, 3, 3), torch.zeros(0, 3), torch.tensor([[float("nan")]]), [[1.0]]])
def test_bad_kernels_are_refused(bad):
    with pytest.raises(ValueError, match="kernel"):
        Blur(bad)


@pytest.mark.parametrize(
    "make_kernel", [lambda: kernels.gaussian(25, 1.6), lambda: kernels.box(9), lambda: kernels.motion(25, 3)]
)
def test_kernels_are_densities(make_kernel):
    k = make_kernel()
    assert k.dtype == torch.float32
    assert (k >= 0).all()
    assert float(k.sum()) == pytest.approx(1, abs=1e-6)


def test_motion_kernel_depends_on_the_seed_alone():
    assert torch.equal(kernels.motion(25, 3), kernels.motion(25, 3))
    assert not torch.equal(kernels.motion(25, 3), kernels.motion(25, 4))
    # it really moves: its mass spreads over pixels, unlike a point
    assert all(kernels.extent(kernels.motion(25, seed)) > 2 for seed in range(10))


@pytest.mark.parametrize("size", [9, 12])
def test_motion_kernel_is_centred(size):
    """The path has its mean in the middle, and sharing mass between neighbours in proportion keeps the mean."""
    k, place = kernels.motion(size, 3).double(), torch.arange(size, dtype=torch.float64)
    for axis in (0, 1):
        assert float((k.sum(axis) * place).sum()) == pytest.approx((size - 1) / 2, abs=1e-5)


def test_gaussian_kernel_has_the_asked_spread():
    # two independent axes of standard deviation 1.6
    k = kernels.gaussian(25, 1.6).double()
    assert kernels.extent(k) == pytest.approx(1.6 * 2**0.5, rel=1e-4)
    # and it is the bell about the middle pixel, value by value
    bell = torch.exp(-0.5 * ((torch.arange(25, dtype=torch.float64) - 12) / 1.6) ** 2)
    torch.testing.assert_close(k, torch.outer(bell, bell) / bell.sum() ** 2, atol=1e-8, rtol=0)


def test_embed_keeps_the_centre():
    k = torch.zeros(3, 5)
    k[1, 2] = 1.0  # the centre pixel (h // 2, w // 2)
    frame = kernels.embed(k, 9)
    assert frame[4, 4] == 1
    with pytest.raises(ValueError, match="does not fit"):
        kernels.embed(k, 4)


def test_unnormalisable_kernels():
    for bad in (torch.zeros(3, 3), -torch.ones(3, 3)):
        with pytest.raises(ValueError, match="sum"):
            kernels.normalised(bad)
