"""Methods for photon counts that no blur has mixed: variance stabilisation, total variation, a trained network, PnP.

They serve `poisson_denoising` and `single_photon_table`. A problem's facts are the peak, the fidelity, `counts` (counts /
peak, with hot pixels filled), `dark` (the mean of the dark counts, in counts) and `start`, where solvers begin. Every
method that is tuned has nine settings. The weight of the fidelity is a multiple of peak sigma^2, since a pixel of
intensity s has the noise variance s / peak, and a denoiser of level sigma stands for a prior of weight sigma^2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pnp_course import solvers
from pnp_course.anscombe import anscombe, inverse_anscombe
from pnp_course.denoisers.base import AtSigma
from pnp_course.experiments.deconvolution_table import COCO, T_DRS, T
from pnp_course.experiments.experiment import Case, Method, Parameters, Problem
from pnp_course.experiments.solver_run import Call, Restore
from pnp_course.fidelities import Gaussian
from pnp_course.monitors import psnr_to
from pnp_course.operators import Identity
from pnp_course.priors import TotalVariation
from pnp_course.solvers import Result, primal_dual, run

NINE = (0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2, 1.3)
TOL = 1e-4  # relative change at which a run ends
TEST_IMAGES, CROP, TUNING_CROP = 12, 128, 64  # at course scale: every fifth of CBSD68, its middle


def cases(peaks: Sequence[float], name: str, images: Iterable[int], crop: int) -> list[Case]:
    """These images at every peak; each has a seed of its own."""
    return [
        {"set": name, "image": i, "crop": crop, "peak": peak, "seed": 100 * i + round(peak)}
        for peak in peaks
        for i in images
    ]


def stabilised(p: Problem, denoise: Callable[[Tensor, float], Tensor], strength: float) -> Tensor:
    """Transform of Anscombe, a denoiser for Gaussian noise of `strength` times the level there, and the way back.

    The transformed counts are divided by the value of a white pixel, so that the picture is in [0, 1] and its noise has
    the level that this value has as its inverse. Dark counts are subtracted at the end, where their mean is known.
    """
    peak, dark = p.facts["peak"], p.facts["dark"]
    white = float(anscombe(torch.tensor(peak + float(torch.as_tensor(dark).mean()))))
    with torch.no_grad():
        smooth = denoise(anscombe(peak * p.facts["counts"]) / white, strength / white)
    return ((inverse_anscombe(white * smooth) - dark) / peak).clamp(0, 1)


def by_network(p: Problem, denoise: AtSigma | None, q: Parameters) -> Tensor:
    """VST with the method's denoiser."""
    return stabilised(p, lambda z, sigma: denoise.at(sigma)(z), q["strength"])  # type: ignore[union-attr]


def by_admm(p: Problem, denoise: AtSigma | None, q: Parameters) -> Tensor:
    """VST, and CoCo-ADMM with the Gaussian fidelity of the transformed counts in place of one evaluation."""

    def denoised(z: Tensor, level: float) -> Tensor:
        lam = q["strength"] * (q["sigma"] / level) ** 2
        steps = solvers.coco_admm(Gaussian(Identity(), z), denoise, z, lam=lam, t=q["t"])  # type: ignore[arg-type]
        return run(steps, q["iterations"], tol=TOL).x

    return stabilised(p, denoised, 1.0)


def once(p: Problem, denoise: AtSigma | None, q: Parameters) -> Tensor:
    """One evaluation on the counts themselves, at `strength` times the noise level of a gray of 0.45."""
    level = min(0.25, q["strength"] * (0.45 / p.facts["peak"]) ** 0.5)
    with torch.no_grad():
        return denoise.at(level)(p.facts["start"])  # type: ignore[union-attr]


def by_tv(p: Problem, denoise: AtSigma | None, q: Parameters) -> Tensor:
    """VST with the proximal operator of total variation, of a weight that is a multiple of the noise level."""
    return stabilised(p, lambda z, sigma: TotalVariation(max_iter=400).prox(z, sigma), q["strength"])


def by_bm3d(p: Problem, denoise: AtSigma | None, q: Parameters) -> Tensor:
    """VST with BM3D, of the authors' package (free for non-commercial use, not installed with this one)."""
    from bm3d import bm3d, bm3d_rgb  # type: ignore[import-not-found,import-untyped]

    def denoised(z: Tensor, sigma: float) -> Tensor:
        array = z[0].permute(1, 2, 0).double().cpu().numpy()
        out = bm3d_rgb(array, sigma) if array.shape[2] == 3 else bm3d(array, sigma)
        return torch.from_numpy(np.ascontiguousarray(out)).reshape(array.shape).permute(2, 0, 1)[None].to(z)

    return stabilised(p, denoised, q["strength"])


def poisson_tv(p: Problem, denoise: AtSigma | None, q: Parameters) -> Result:
    """min G + weight TV by the primal-dual method; the weight is a multiple of 1 / sqrt(peak)."""
    prior = TotalVariation(q["strength"])
    lam = p.facts["peak"] ** 0.5
    step = 1 / (lam * 4)  # of the size of the pixels' curvature; step sigma_dual ||L||^2 <= 1
    solver = primal_dual(
        p.facts["fidelity"], prior, p.facts["start"], lam=lam, step=step, sigma_dual=1 / (8 * step), linear=prior.linear
    )
    return run(solver, q["iterations"], tol=TOL, monitors={"psnr": psnr_to(p.clean)})


def trained(p: Problem, denoise: AtSigma | None, q: Parameters) -> Tensor:
    """One evaluation of a network trained for photon counts of all peaks; it sees counts / peak."""
    assert denoise is not None
    with torch.no_grad():
        return denoise.at(p.facts["peak"] ** -0.5)(p.facts["counts"])


def weight(p: Problem, q: Parameters) -> float:
    """The weight of the fidelity, `strength` times peak sigma^2."""
    return float(q["strength"] * p.facts["peak"] * q["sigma"] ** 2)


def plain(name: str, p: Problem, q: Parameters) -> Call:
    """A solver with a fixed denoiser, and perhaps an averaging t."""
    return Call(name, p.facts["fidelity"], {"lam": weight(p, q), **({"t": q["t"]} if "t" in q else {})})


def dpir(p: Problem, q: Parameters) -> Call:
    """DPIR from 49/255 down to sigma."""
    return Call("dpir", p.facts["fidelity"], {"lam": weight(p, q), "iterations": q["iterations"]})


def b_red(p: Problem, q: Parameters) -> Call:
    """B-RED with backtracking; sigma is 1 / gamma of its denoiser's noise, a variance: the weight is a multiple of peak sigma."""
    lam = float(q["strength"] * p.facts["peak"] * q["sigma"])
    return Call("b_red", p.facts["fidelity"], {"lam": lam, "step": q["step"], "backtracking": True})


def method(
    call: Callable[[Problem, Parameters], Call], denoiser: str, sigmas: Sequence[float], strengths: Sequence[float],
    **facts: Any,
) -> Method:  # fmt: skip
    """A PnP method with its grid, for the course's denoiser of this name."""
    names = {"course": denoiser, "paper": denoiser}
    return Method(Restore(call, tol=TOL), names, {"sigma": sigmas, "strength": strengths}, facts)


def one_dial(restore: Callable[..., Any], strengths: Sequence[float] = NINE, **facts: Any) -> Method:
    """A method without a denoiser of the course, tuned by its strength alone."""
    return Method(restore, grid={"strength": strengths}, fixed=facts)


def by_one_network(restore: Callable[..., Any], denoiser: str) -> Method:
    """One evaluation of the course's denoiser of this name."""
    return Method(restore, {"course": denoiser, "paper": denoiser}, {"strength": NINE}, {"sigma": 0.1})


def methods(sigmas: Sequence[float], drunet: str) -> dict[str, Method]:
    """The methods of both tables; sigmas: for the denoisers with a condition; drunet: the one for VST, of all levels."""
    low, high = (0.3, 0.6, 1.2), (0.5, 0.9, 1.6)
    return {
        "VST + TV": one_dial(by_tv, (0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.4, 1.6, 1.8)),
        **({"VST + BM3D": one_dial(by_bm3d)} if find_spec("bm3d") else {}),
        "VST + DRUNet": by_one_network(by_network, drunet),
        "Poisson TV": one_dial(poisson_tv, (1.0, 1.2, 1.4, 1.7, 2.0, 2.4, 2.8, 3.3, 4.0), iterations=300),
        "DPIR": method(dpir, "drunet", (0.05, 0.08, 0.12), (0.5, 1.6, 5.0), iterations=8),
        "RMMO-DRS": method(partial(plain, "rmmo_drs"), "rmmo", sigmas, high, iterations=60),
        "Prox-DRS": method(
            partial(plain, "prox_pnp_drs"), "prox-drunet", (0.05, 0.07, 0.1), low, iterations=60, t=T_DRS
        ),
        "PnPI-HQS": method(partial(plain, "pnpi_hqs"), "spc-0.9", sigmas, low, iterations=60),
        "B-RED": method(b_red, "bregman-drunet", (0.0085, 0.013, 0.02), (0.6, 1.2, 2.4), iterations=30, step=1.0),
        "CoCo-ADMM": method(partial(plain, "coco_admm"), COCO, sigmas, low, iterations=60, t=T),
        "CoCo-PEGD": method(partial(plain, "coco_pegd"), COCO, sigmas, low, iterations=60, t=T),
    }


SIGMAS = (0.08, 0.12, 0.16)  # up to 0.16 = 40.8/255, where the certificates end
# the denoiser of the CoCo methods without one or both of: the likelihood of the counts, and iterations
PARTS = {
    "CoCo, once": by_one_network(once, COCO),
    "VST + CoCo": by_one_network(by_network, COCO),
    "VST + CoCo-ADMM": Method(
        by_admm, {"course": COCO, "paper": COCO},
        {"sigma": SIGMAS, "strength": (0.12, 0.25, 0.5)}, {"iterations": 60, "t": T},
    ),
}  # fmt: skip
# a network for colour pictures without dark counts
POISSON_DNCNN = {"Poisson DnCNN": Method(trained, dict.fromkeys(("course", "paper"), "dncnn-poisson"))}
