"""Raw pictures: linear light through a Bayer filter, with few photons and read-out noise, restored to colour pictures.

The methods are not told the noise: gain and read-out noise are estimated from the whole raw picture, and then its middle is
restored. Those with "VST" work on the transformed picture, in which the noise is even. A mosaic only leaves values out, so the
transform of the mosaic is the mosaic of the transform, and the fidelity is Gaussian with the same mask. PSNR and SSIM are those
of the sRGB pictures. Parameters are chosen with the true noise; a coarser search came before, and placed the grids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from pnp_course import metrics, solvers
from pnp_course.camera_noise import shifted_poisson
from pnp_course.denoisers.base import AtSigma
from pnp_course.experiments.deconvolution_table import COCO, T, pictures
from pnp_course.experiments.experiment import Case, Experiment, Method, Parameters, Problem, at_scales
from pnp_course.fidelities import Fidelity, Gaussian
from pnp_course.generalised_anscombe import exact_inverse, generalised_anscombe
from pnp_course.operators import Bayer
from pnp_course.raw import bilinear, expose_raw, malvar, raw_noise, to_linear, to_srgb
from pnp_course.solvers import Iterate, Result, run

CAMERAS = {0.01: 0.01, 0.04: 0.03}  # gain -> read-out noise
HIGHEST = 0.24  # level that a gray denoiser is asked for
TOLERANCE = 1e-4  # relative change at which a run ends


@lru_cache(maxsize=4)
def sensed(name: str, image: int, gain: float, seed: int, told: bool) -> tuple[Tensor, Tensor, tuple[float, float]]:
    """A photograph of a set, its raw picture, and gain and read-out noise as estimated; `told`: as they are."""
    x = pictures(name)[image]
    return x, *seen(x, gain, seed, told)


def seen(x: Tensor, gain: float, seed: int, told: bool = False) -> tuple[Tensor, tuple[float, float]]:
    """The raw picture (1, 1, H, W) of an sRGB picture (1, 3, H, W), and its gain and read-out noise."""
    operator = Bayer(*x.shape[-2:])
    raw = expose_raw(to_linear(x), operator, gain, CAMERAS[gain], torch.Generator().manual_seed(seed))
    if told:
        return raw, (gain, CAMERAS[gain])
    found = raw_noise(raw)
    return raw, (found.gain, found.read_out)


def problem(case: Case) -> Problem:
    """The middle of a raw picture, and the noise of all of it; where `told` is 1 the estimate is the truth."""
    x, raw, estimate = sensed(case["set"], case["image"], case["gain"], case["seed"], bool(case["told"]))
    return cut(x, raw, case["gain"], estimate, case["crop"])


def cut(x: Tensor, raw: Tensor, gain: float, estimate: tuple[float, float], crop: int) -> Problem:
    """The problem of the middle `crop` pixels, or of all where `crop` is 0."""
    rows, columns = (part(n, crop) if crop else slice(None) for n in x.shape[-2:])
    clean, y = x[..., rows, columns], raw[..., rows, columns]
    operator = Bayer(*clean.shape[-2:])
    return Problem(
        clean, operator.planes(y), {"operator": operator, "truth": (gain, CAMERAS[gain]), "estimate": estimate}
    )


def part(length: int, crop: int) -> slice:
    """The middle `crop` of a side, from an even pixel, so that the colours of the filter stay where they are."""
    begin = (length - crop) // 4 * 2
    return slice(begin, begin + crop)


def noise_of(p: Problem, q: Parameters) -> tuple[float, float]:
    """Gain and read-out noise that a method is told; the smallest gain is a millionth."""
    gain, read_out = p.facts["truth" if q.get("told") else "estimate"]
    return max(gain, 1e-6), read_out


class Stabilised:
    """The picture after the generalised transform, divided by its value at intensity 1; `sigma` is its noise there."""

    def __init__(self, gain: float, read_out: float):
        self.noise = (gain, read_out)
        self.white = float(generalised_anscombe(torch.ones((), dtype=torch.float64), gain, read_out))
        self.sigma = 1 / self.white

    def there(self, y: Tensor) -> Tensor:
        """The transform of intensities of any shape."""
        return generalised_anscombe(y, *self.noise) / self.white

    def back(self, v: Tensor) -> Tensor:
        """Intensities from a denoised transform."""
        return exact_inverse(self.white * v, *self.noise)


def interpolated(p: Problem, denoise: AtSigma | None, q: Parameters) -> Tensor:
    """Interpolation and nothing else: Malvar's, or the means of neighbours."""
    return to_srgb({"malvar": malvar, "bilinear": bilinear}[q["by"]](p.y, p.facts["operator"]))


def denoised_after(p: Problem, denoise: AtSigma | None, q: Parameters) -> Tensor:
    """Malvar's interpolation, then VST with one evaluation at `strength` times the level, which interpolation has changed."""
    v = Stabilised(*noise_of(p, q))
    with torch.no_grad():
        smooth = denoise.at(min(q["strength"] * v.sigma, HIGHEST))(v.there(malvar(p.y, p.facts["operator"])))  # type: ignore[union-attr]
    return to_srgb(v.back(smooth))


def denoised_before(p: Problem, denoise: AtSigma | None, q: Parameters) -> Tensor:
    """VST with one evaluation on each of the four quarter pictures of one colour filter, then Malvar's interpolation."""
    v, operator = Stabilised(*noise_of(p, q)), p.facts["operator"]
    quarters = F.pixel_unshuffle(v.there(operator.raw(p.y)), 2).transpose(0, 1)
    with torch.no_grad():
        smooth = denoise.at(min(q["strength"] * v.sigma, HIGHEST))(quarters)  # type: ignore[union-attr]
    raw = F.pixel_shuffle(v.back(smooth).transpose(0, 1), 2)
    return to_srgb(malvar(operator.planes(raw), operator))


def stabilised(name: str, p: Problem, denoise: AtSigma | None, q: Parameters) -> Result:
    """A solver on the transformed mosaic, with the Gaussian fidelity of its mask, from Malvar's interpolation."""
    v, operator = Stabilised(*noise_of(p, q)), p.facts["operator"]
    fidelity = Gaussian(operator, operator(v.there(p.y)))
    return solved(name, p, fidelity, v.sigma, v.back, v.there(malvar(p.y, operator)), denoise, q)


def counted(name: str, p: Problem, denoise: AtSigma | None, q: Parameters) -> Result:
    """A solver on the mosaic of linear light, with the Poisson fidelity of the shifted data."""
    gain, read_out = noise_of(p, q)
    operator = p.facts["operator"]
    fidelity = shifted_poisson(p.y, gain, read_out, operator)
    return solved(name, p, fidelity, gain**0.5, lambda x: x, malvar(p.y, operator), denoise, q)


def solved(
    name: str, p: Problem, fidelity: Fidelity, nu: float, back: Callable[[Tensor], Tensor], start: Tensor,
    denoise: AtSigma | None, q: Parameters,
) -> Result:  # fmt: skip
    """Run a solver with the weight `strength` sigma^2 / nu^2; the result is the sRGB picture of its last x."""
    sigma = q["sigma"] if "sigma" in q else q["ratio"] * nu
    others = {key: q[key] for key in ("t",) if key in q} | ({"iterations": q["iterations"]} if name == "dpir" else {})
    steps = getattr(solvers, name)(
        fidelity, denoise.at(sigma), start, lam=q["strength"] * (sigma / nu) ** 2, **others  # type: ignore[union-attr]
    )  # fmt: skip
    tol = 0.0 if name == "dpir" else TOLERANCE
    shown = {"psnr": lambda it: metrics.psnr(to_srgb(back(it.x)), p.clean)}
    result = run(steps, q["iterations"], tol=tol, monitors=shown)
    x = to_srgb(back(result.iterate.x))
    return Result(Iterate(x, denoiser_input=result.iterate.denoiser_input), result.rows, result.stopped_by)


def method(restore: Callable[..., Any], denoiser: str, grid: Mapping[str, tuple[float, ...]], **fixed: Any) -> Method:
    """A method with the same denoiser at each scale."""
    return Method(restore, dict.fromkeys(("small", "course", "paper"), denoiser), grid, fixed)


LEVELS = {"strength": (0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 1.8, 2.2, 2.7)}
LEVELS_COCO = {"sigma": (0.06, 0.08), "strength": (1.2, 2.4, 4.8)}  # from where its card begins
METHODS = {
    "bilinear": Method(interpolated, fixed={"by": "bilinear"}),
    "Malvar": Method(interpolated, fixed={"by": "malvar"}),
    "Malvar, then VST + DRUNet": method(denoised_after, "drunet", LEVELS),
    "VST + DRUNet, then Malvar": method(denoised_before, "drunet-gray", LEVELS),
    "DPIR, VST": method(
        partial(stabilised, "dpir"), "drunet", {"ratio": (0.35, 0.5), "strength": (16.0, 32.0, 64.0)}, iterations=12
    ),
    "CoCo-ADMM, VST": method(partial(stabilised, "coco_admm"), COCO, LEVELS_COCO, iterations=40, t=T),
    "CoCo-ADMM, VST, told": method(
        partial(stabilised, "coco_admm"), COCO, LEVELS_COCO, iterations=40, t=T, told=True
    ),
    "CoCo-ADMM, counts": method(
        partial(counted, "coco_admm"), COCO, {"sigma": (0.06, 0.08), "strength": (0.6, 1.2, 2.4)},
        iterations=40, t=T,
    ),
}  # fmt: skip


def cases(name: str, told: int, images: Iterable[int], crop: int) -> list[Case]:
    """Every image with each camera."""
    return [
        {"set": name, "image": i, "crop": crop, "gain": gain, "told": told, "seed": 100 * i + k}
        for i in images
        for k, gain in enumerate(CAMERAS)
    ]


EXPERIMENT = Experiment(
    name="raw",
    source="Raw pictures of unknown noise (an experiment of this course)",
    about="Photographs of CBSD68 as linear light behind a Bayer filter; gain and read-out noise are estimated, unless told.",
    cases=at_scales(partial(cases, "cbsd68", 0), 5, 12, small=64, course=96, paper=0),
    tuning=lambda: cases("set3c", 1, range(3), 48),
    problem=problem,
    methods=METHODS,
    groups=("gain",),
    reference="CoCo-ADMM, VST",
)
