"""Agreement with deepinv 0.5.0, an independent implementation. Skipped where it is not installed: it is no dependency.

Beside a CPU-only torch: pip install --no-deps deepinv==0.5.0 torchvision==0.28.0 torchmetrics lightning-utilities, and
pip install einops h5py natsort requests. torchvision's compiled operators are then missing, which the first lines put right.
"""

import contextlib

import pytest
import torch

with contextlib.suppress(Exception):  # declared twice where torchvision is whole
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

deepinv = pytest.importorskip(
    "deepinv", reason="optional: an independent implementation to compare with", exc_type=Exception
)

from pnp_course import images, load_denoiser, metrics, solvers  # noqa: E402
from pnp_course.denoisers import at_sigma  # noqa: E402
from pnp_course.fidelities import Gaussian  # noqa: E402
from pnp_course.operators import Blur, Radon, kernels  # noqa: E402
from pnp_course.solvers import run  # noqa: E402

SIGMA, LAM = 0.08, 0.9


@pytest.fixture(scope="module")
def setting():
    """A blurred photograph for both libraries, and one denoiser."""
    x = images.photo("astronaut", 64)
    kernel = kernels.gaussian(9, 1.6)  # symmetric: no question of convolution or correlation
    y = Blur(kernel)(x) + 0.03 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    physics = deepinv.physics.BlurFFT(img_size=x.shape[1:], filter=kernel[None, None])
    return x, y, Blur(kernel), physics, load_denoiser("drunet")


class Model(torch.nn.Module):
    """The calling convention of the other library."""

    def __init__(self, denoiser):
        super().__init__()
        self.denoiser = denoiser

    def forward(self, x, sigma, **_):
        return self.denoiser(x, float(torch.as_tensor(sigma).flatten()[0]))


def theirs(name, setting, iterations, start):
    _, y, _, physics, denoiser = setting
    algorithm = getattr(deepinv.optim, name)(
        data_fidelity=deepinv.optim.L2(), prior=deepinv.optim.PnP(Model(denoiser)), stepsize=LAM, sigma_denoiser=SIGMA,
        max_iter=iterations, early_stop=False, custom_init=lambda *_: {"est": start(y)},
    )  # fmt: skip
    with torch.no_grad():
        return algorithm(y, physics)


OURS = {
    "HQS": lambda f, d, y: solvers.hqs(f, d, y, lam=LAM),
    "ADMM": lambda f, d, y: solvers.admm(f, d, y, lam=LAM),
    "DRS": lambda f, d, y: solvers.drs(f, d, y, lam=LAM),
    "PGD": lambda f, d, y: solvers.pgd(f, d, y, lam=LAM),
}


@pytest.mark.parametrize("name", list(OURS))
def test_iterates_agree(name, setting):
    _, y, blur, _, denoiser = setting
    mine = run(OURS[name](Gaussian(blur, y), at_sigma(denoiser, SIGMA), y), 6).x
    starts = {"ADMM": lambda y: (y, torch.zeros_like(y)), "DRS": lambda y: (y, y)}
    other = theirs(name, setting, 6, starts.get(name, lambda y: (y,)))
    torch.testing.assert_close(mine, other, atol=1e-4, rtol=0)
    assert (mine - y).abs().max() > 0.05  # something happened


def test_metrics_agree(setting):
    x, y, *_ = setting
    y = y.clamp(0, 1)
    assert metrics.psnr(y, x) == pytest.approx(float(deepinv.metric.PSNR()(y, x)), abs=1e-4)
    # their SSIM (torchmetrics) averages a border of reflected pixels too; the definition, and ours, only whole windows
    from torchmetrics.functional.image import structural_similarity_index_measure

    _, full = structural_similarity_index_measure(y, x, data_range=1.0, return_full_image=True)
    assert metrics.ssim(y, x) == pytest.approx(float(full[..., 5:-5, 5:-5].mean()), abs=1e-4)


def test_radon_and_fbp_agree():
    """On a smooth picture, where exact strips (ours) and interpolation along a turned picture (theirs) both give line integrals.

    The two FBPs are compared in the mean: theirs is off by up to 0.13 at single pixels, where scikit-image agrees with ours.
    """
    from skimage.transform import iradon

    n, views = 125, 90  # an odd number of bins: they turn about pixel n // 2
    place = torch.arange(n, dtype=torch.float64) - n // 2
    x = torch.exp(-((place[:, None] - 12) ** 2 + (place - 18) ** 2) / 250)
    x = (x + 0.5 * torch.exp(-(place[:, None] ** 2 + place**2) / 630))[None, None].float()
    angles = torch.arange(views) * 180 / views
    physics = deepinv.physics.Tomography(img_width=n, angles=angles, circle=False, normalize=False)
    sinogram = physics.A(x)
    other = sinogram[0, 0].T  # (views, bins)
    ours = Radon(n, views, detectors=other.shape[1])
    assert (ours(x)[0, 0] - other).abs().max() < 3e-4 * other.max()
    back = ours.fbp(other[None, None].contiguous())
    skimage = torch.from_numpy(
        iradon(sinogram[0, 0].double().numpy(), theta=angles.numpy(), circle=False, output_size=n)
    )
    assert (back[0, 0] - skimage).abs().max() < 2e-3
    assert (back - physics.fbp(sinogram)).abs().mean() < 3e-3
