"""A blur whose border is unknown: against SciPy's "valid" convolution, and restorations up to the border."""

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d

from pnp_course import deconvolution, images
from pnp_course.denoisers import load_denoiser
from pnp_course.fidelities import Poisson
from pnp_course.operators import Blur, ValidBlur, kernels


@pytest.mark.parametrize("shape", [(5, 5), (4, 6), (1, 3), (1, 1)])
def test_it_is_scipys_valid_convolution(shape, generator):
    kernel, x = torch.rand(shape, generator=generator).double(), torch.rand(1, 2, 12, 13, generator=generator).double()
    want = np.stack([convolve2d(c.numpy(), kernel.numpy(), mode="valid") for c in x[0]])
    np.testing.assert_allclose(ValidBlur(kernel)(x)[0].numpy(), want, atol=1e-12)


def test_canvas_and_crop_fit(generator):
    """The crop of the canvas is the picture itself, and a blur by a point observes just that."""
    y = torch.rand(2, 1, 9, 8, generator=generator)
    a = ValidBlur(kernels.normalised(torch.rand(4, 7, generator=generator)))
    assert a.canvas(y).shape == (2, 1, 9 + 3, 8 + 6)
    assert torch.equal(a.crop(a.canvas(y)), y)
    assert torch.equal(a.crop(a.pad(y)), y)
    assert float(a.pad(y).sum()) == pytest.approx(float(y.sum()), rel=1e-6)
    point = torch.zeros(3, 4)
    point[1, 2] = 1  # the centre
    torch.testing.assert_close(ValidBlur(point)(a.canvas(y)), ValidBlur(point).crop(a.canvas(y)), atol=1e-6, rtol=0)


def test_pictures_smaller_than_the_kernel_are_refused():
    with pytest.raises(ValueError, match=r"the image is 4 x 9 and the kernel 5 x 5; wanted an image .* larger"):
        ValidBlur(torch.ones(5, 5)).crop(torch.rand(1, 1, 4, 9))
    with pytest.raises(ValueError, match="boundary is 'mirror'; wanted periodic or valid"):
        deconvolution.blur(torch.ones(3, 3), "mirror")


def test_the_poisson_prox_splits_the_crop_off(generator):
    """Its optimality condition z - v = lam A^T (1 - y / A v), where the inner ADMM runs to the end."""
    a = ValidBlur(kernels.normalised(torch.rand(4, 5, generator=generator)))
    z = torch.rand(1, 2, 14, 13, generator=generator, dtype=torch.float64) + 0.2
    y = a(torch.rand(z.shape, generator=generator, dtype=torch.float64) + 0.2)
    g = Poisson(a, y, tol=1e-12, max_inner=5000)
    v = g.prox(z, 0.8)
    torch.testing.assert_close(z - v, 0.8 * g.grad(v), atol=1e-8, rtol=0)


@pytest.fixture(scope="module")
def shaken():
    """A photograph larger than what is seen, its observation, and the kernel."""
    x, kernel = images.photo("coffee", 144), kernels.motion(17, 3)
    return x, deconvolution.degrade(x, kernel, 200, boundary="valid"), kernel


def border_and_interior(out, clean, width=17):
    """PSNR on the frame as wide as the kernel, and inside."""
    error = (out.clamp(0, 1) - clean).square()
    inner = error[..., width:-width, width:-width]
    frame = (error.sum() - inner.sum()) / (error.numel() - inner.numel())
    return -10 * float(frame.log10()), -10 * float(inner.mean().log10())


def test_no_ringing_at_the_border(shaken):
    """The frame, as wide as the kernel, is within 0.5 dB of the interior; a periodic blur leaves ringing there."""
    x, y, kernel = shaken
    a, net, setting = ValidBlur(kernel), load_denoiser("coco-gs-0.25"), deconvolution.settings(200, "coco-gs-0.25")
    clean = a.crop(x)
    out = a.crop(deconvolution.restore_coco(y, kernel, net, setting, max_iter=15, boundary="valid").x)
    wrong = deconvolution.restore_coco(y, kernel, net, setting, max_iter=15).x
    frame, interior = border_and_interior(out, clean)
    assert frame > interior - 0.5
    assert interior > border_and_interior(y, clean)[1] + 2
    assert border_and_interior(wrong, clean)[0] < frame - 2
    assert isinstance(deconvolution.blur(kernel), Blur)
