"""Photon-limited deconvolution, the course's main job: a blurred photograph seen by counting few photons.

y ~ Poisson(p K u) / p, [B] (1). The blur is periodic, as in the papers' tables, or "valid": the border of a real
photograph was blurred together with what lies outside, so that the scene is restored on a larger canvas. The scene is
restored by CoCo-ADMM, and for comparison by three other methods: the Wiener filter and Richardson-Lucy (scikit-image),
and DPIR, which is good and has no guarantee.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pnp_course import noise
from pnp_course._checks import check_counts, check_image, check_positive
from pnp_course.denoisers import GrayFromColour, at_sigma, denoiser_card, load_denoiser
from pnp_course.fidelities import Poisson
from pnp_course.guarantees import Constants, largest_averaging
from pnp_course.operators import Blur, ValidBlur
from pnp_course.solvers import Result, coco_admm, dpir, run
from pnp_course.solvers.runner import Monitor

BOUNDARIES = {"periodic": Blur, "valid": ValidBlur}


def blur(kernel: Tensor, boundary: str = "periodic") -> Blur | ValidBlur:
    """The blur with this boundary, "periodic" or "valid".

    Raises:
        ValueError: there is no such boundary.
    """
    if boundary not in BOUNDARIES:
        raise ValueError(f"boundary is {boundary!r}; wanted {' or '.join(BOUNDARIES)}.")
    return BOUNDARIES[boundary](kernel)


def degrade(x: Tensor, kernel: Tensor, peak: float, seed: int = 0, boundary: str = "periodic") -> Tensor:
    """Blur and count photons: Poisson(peak K x) / peak for x (B, C, H, W) in [0, 1]; equal seeds give equal noise.

    With a "valid" boundary the result is smaller than x, by one pixel less than the kernel.

    Example:
        >>> from pnp_course import images
        >>> from pnp_course.operators import kernels
        >>> degrade(images.photo("astronaut", 64), kernels.motion(9), peak=50).shape
        torch.Size([1, 3, 64, 64])
    """
    check_image(x)
    return noise.poisson(blur(kernel, boundary)(x), peak, torch.Generator().manual_seed(seed))


DENOISER = "coco-gs-relaxed"  # of CoCo-ADMM, unless another is named: the best one whose card covers it
# of the fidelity, with shipped denoisers, times the paper's: on Set3C, peaks 50 and 100, the best at the paper's sigma
# (benchmarks/results/deconvolution-tuning.csv, whose strength 0.8 at t = 0.291 this is)
WEIGHT = 0.9


@dataclass(frozen=True)
class Settings:
    """Parameters of CoCo-ADMM: denoiser strength `sigma` (intensity units), weight `lam` of the fidelity, averaging `t`."""

    sigma: float
    lam: float
    t: float = 0.33


def settings(peak: float, denoiser: str | None = None) -> Settings:
    """The parameters that [B] reports for peaks 100 (sigma 0.15, lam 600/255) and 50 (0.16, 375/255), interpolated.

    Both follow power laws of the peak through these two points, extended to peaks from 10 to 1000. The averaging is the
    paper's t = 0.33.

    For a shipped `denoiser` whose card allows only less, t is 0.95 of what the card allows (t_1 of the guarantees, with the
    worst constants measured at the noise levels next to sigma), and lam goes with t. Its weight is `WEIGHT` of the paper's.
    """
    p = min(max(check_positive(peak, "peak"), 10.0), 1000.0)
    octaves = float(np.log2(p / 50))
    paper = Settings(sigma=0.16 * (0.15 / 0.16) ** octaves, lam=375 / 255 * 1.6**octaves)
    if denoiser is None:
        return paper
    constants = Constants.of(denoiser_card(denoiser), paper.sigma)
    t = min(paper.t, round(0.95 * largest_averaging(constants.gamma, constants.delta), 3))
    return replace(paper, lam=WEIGHT * paper.lam * t / paper.t, t=t)


def denoiser_for(y: Tensor, name: str) -> nn.Module:
    """The shipped denoiser `name`, on y's device, and adapted to gray images if y (B, C, H, W) is gray and it is for colour."""
    denoiser = load_denoiser(name).to(y.device)
    return GrayFromColour(denoiser) if y.shape[1] == 1 and denoiser.in_channels == 3 else denoiser


def restore_coco(
    y: Tensor,
    kernel: Tensor,
    denoiser: nn.Module,
    parameters: Settings,
    *,
    max_iter: int = 50,
    tol: float = 1e-4,
    monitors: dict[str, Monitor] | None = None,
    progress: bool = False,
    boundary: str = "periodic",
) -> Result:
    """Run CoCo-ADMM on the observation y (B, C, H, W), counts / peak.

    With a "valid" boundary the result is the scene on the larger canvas; `ValidBlur.crop` gives the part under y.
    """
    operator = blur(kernel, boundary)
    x0 = operator.canvas(y) if isinstance(operator, ValidBlur) else y
    fidelity, denoise = Poisson(operator, y), at_sigma(denoiser, parameters.sigma)
    solver = coco_admm(fidelity, denoise, x0, lam=parameters.lam, t=parameters.t)
    return run(solver, max_iter, tol=tol, monitors=monitors, progress=progress)


def restore_dpir(
    y: Tensor, kernel: Tensor, denoiser: nn.Module, peak: float, monitors: dict[str, Monitor] | None = None
) -> Result:
    """Run DPIR with the Poisson fidelity: lam = 4.8 peak sigma^2, and 12 noise levels from 49/255 to sigma = 35/255.

    These three values were chosen on Set3C with Levin's kernels at peaks 50 and 100, as carefully as those of CoCo-ADMM;
    the published schedule is for Gaussian noise.
    """
    sigma = 35 / 255
    solver = dpir(Poisson(Blur(kernel), y), at_sigma(denoiser, sigma), y, lam=4.8 * peak * sigma**2, iterations=12)
    return run(solver, 12, monitors=monitors)


def wiener(y: Tensor, kernel: Tensor, balance: float = 0.1) -> Tensor:
    """Wiener filter with a Laplacian prior of weight `balance` (skimage.restoration.wiener), channel by channel."""
    from skimage.restoration import wiener as skimage_wiener

    k = kernel.double().cpu().numpy()
    out = [[skimage_wiener(c.double().numpy(), k, balance, clip=False) for c in image] for image in y.cpu()]
    return torch.from_numpy(np.asarray(out)).to(y).clamp(0, 1)


def richardson_lucy(y: Tensor, kernel: Tensor, iterations: int = 15) -> Tensor:
    """Richardson-Lucy (skimage.restoration.richardson_lucy), channel by channel; few iterations, as it amplifies noise.

    scikit-image convolves with zeros around the picture; ours is periodic, so the picture is continued periodically.
    """
    from skimage.restoration import richardson_lucy as skimage_rl

    # scipy centres an even kernel one pixel earlier than we do: a row or column of zeros at the end makes it odd
    k = F.pad(kernel.double().cpu(), (0, 1 - kernel.shape[1] % 2, 0, 1 - kernel.shape[0] % 2)).numpy()
    py, px = (min(3 * n // 2, m) for n, m in zip(k.shape, y.shape[-2:], strict=True))
    wide = F.pad(y.double().cpu(), (px, px, py, py), mode="circular").clamp_min(1e-6)
    out = [[skimage_rl(c.numpy(), k, num_iter=iterations, clip=False) for c in image] for image in wide]
    return torch.from_numpy(np.asarray(out))[..., py:-py, px:-px].to(y).clamp(0, 1)


def check_observation(y: Tensor, peak: float) -> None:
    """Raise ValueError unless y is an image of counts / peak on the scale [0, 1]."""
    check_counts(check_image(y, "the observation"), "the observation")
    check_positive(peak, "peak", "the mean number of photons of a white pixel")
    if float(y.mean()) > 1.5:
        raise ValueError(
            f"the observation's mean is {float(y.mean()):.4g}, so it holds counts, not counts / peak: divide it by the peak."
        )
