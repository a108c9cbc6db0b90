"""A blurred photograph without its kernel, `python -m pnp_course deblur`: the kernel from the picture, then a restoration.

The border is unknown, as that of a photograph is: the scene is restored on a larger canvas (`ValidBlur`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from pnp_course import blind, deconvolution, images
from pnp_course._checks import check_image
from pnp_course.denoisers import GrayFromColour, at_sigma, load_denoiser
from pnp_course.fidelities import Gaussian
from pnp_course.operators import ValidBlur, kernels
from pnp_course.provenance import provenance
from pnp_course.solvers import coco_admm, dpir, rmmo_drs, run
from pnp_course.whole_files import check_folder, whole_files

SCHEMA_VERSION = 1  # of report.json
SHARP = 1.0  # pixels: the standard deviation of a kernel below which it is called no blur
SIGMA = 0.06  # noise level of the denoisers
T = deconvolution.settings(50, deconvolution.DENOISER).t  # averaging of CoCo-ADMM: covered at all levels of the card
# method -> denoiser, weight of the fidelity, iterations; the experiment `blind` chose these weights for found kernels
METHODS: dict[str, tuple[str, float, int]] = {
    "rmmo-drs": ("rmmo", 36.0, 30),
    "dpir": ("drunet", 108.0, 8),
    "coco-admm": (deconvolution.DENOISER, 12.6, 30),
}


def restore(y: Tensor, kernel: Tensor, method: str = "rmmo-drs") -> Tensor:
    """The scene under a photograph y (1, C, H, W) that a kernel (h, w) of sum 1 blurred, (1, C, H, W), border unknown.

    Args:
        method: "rmmo-drs", "coco-admm" or "dpir". In the table `blind` the first was best with found kernels, the second with
            exact ones.

    Raises:
        ValueError: there is no such method.
    """
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; wanted {', '.join(METHODS)}.")
    name, lam, iterations = METHODS[method]
    net, operator = load_denoiser(name), ValidBlur(kernel, tol=1e-4)
    denoise = at_sigma(GrayFromColour(net) if check_image(y, "y").shape[1] == 1 else net, SIGMA)
    fidelity, start = Gaussian(operator, y), operator.canvas(y)
    with torch.no_grad():
        steps = {
            "dpir": lambda: dpir(fidelity, denoise, start, lam=lam, iterations=iterations),
            "coco-admm": lambda: coco_admm(fidelity, denoise, start, lam=lam, t=T),
            "rmmo-drs": lambda: rmmo_drs(fidelity, denoise, start, lam=lam),
        }[method]
        return operator.crop(run(steps(), iterations).x).clamp(0, 1)


class Measure(NamedTuple):
    """A measure that needs no sharp picture. name; better: "larger" or "smaller"; of: a picture (1, C, H, W) in [0, 1] -> value.

    note: one sentence, where it is not the measure that was asked for.
    """

    name: str
    better: str
    of: Callable[[Tensor], float]
    note: str = ""


def quality_measure(clip: bool = False) -> Measure:
    """The blur effect of Crete and others (2007), part of scikit-image: 0 to 1, smaller is sharper. Or CLIP-IQA.

    Args:
        clip: CLIP-IQA (Wang, Chan and Loy 2023), 0 to 1, larger is better, by torchmetrics. It is an optional extra, and its
            model, of 0.4 GB, is downloaded at first use; without either, the blur effect takes its place, and its note says so.
    """
    note = ""
    if clip:
        try:
            return Measure("CLIP-IQA", "larger", clip_iqa())
        except ImportError:
            note = 'CLIP-IQA is not installed (pip install "pnp_course[iqa]")'
        except OSError as error:
            note = f"the model of CLIP-IQA cannot be downloaded ({' '.join(str(error).split())[:80]})"
        note += ": the blur effect is given in its place."
    return Measure("blur effect", "smaller", blur, note)


def blur(x: Tensor) -> float:
    """The blur effect of the gray picture of x (1, C, H, W)."""
    from skimage.measure import blur_effect

    return float(blur_effect(images.to_channels(check_image(x, "x"), 1)[0, 0].cpu().numpy()))


def clip_iqa() -> Callable[[Tensor], float]:
    """CLIP-IQA of one picture (1, C, H, W) in [0, 1], with the prompts of torchmetrics, "Good photo." and "Bad photo.".

    Raises:
        ImportError: torchmetrics, or what it needs for this, is not installed. OSError: the model cannot be downloaded.
    """
    from torchmetrics.multimodal.clip_iqa import CLIPImageQualityAssessment

    model = CLIPImageQualityAssessment(data_range=1.0)

    def measure(x: Tensor) -> float:
        return float(model(images.to_channels(check_image(x, "x"), 3).cpu().float()))

    return measure


def deblur(
    y: Tensor, size: int, folder: Path, *, method: str = "rmmo-drs", clip: bool = False, source: str = ""
) -> list[str]:
    """Estimate the kernel of y, restore it, and write restored.png, kernel.png, kernel.npy and report.json, all or nothing.

    Args:
        y: blurred photograph (1, C, H, W) in [0, 1].
        size: odd width of the kernel in pixels, a little more than the blur is long.
        folder: where to write.
        source: what the report calls the picture.

    Returns:
        Lines to print.

    Raises:
        BlindError: the picture tells no kernel, or it has no blur.
        ValueError: the kernel does not fit the picture, or there is no such method.
    """
    check_folder(folder)
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; wanted {', '.join(METHODS)}.")
    kernel = blind.estimate_kernel(y, size)
    wide = kernels.extent(kernel)
    if wide < SHARP:
        raise blind.BlindError(
            f"no blur was found: the kernel's standard deviation is {wide:.2f} pixels, below {SHARP}; give a blurred picture."
        )
    x = restore(y, kernel, method)
    measure = quality_measure(clip)
    before, after = measure.of(y), measure.of(x)
    facts = {
        "schema_version": SCHEMA_VERSION, "source": source, "method": method, "size": size,
        "spread_pixels": round(wide, 3), "measure": measure.name, "before": round(before, 4), "after": round(after, 4),
        **provenance(),
    }  # fmt: skip
    with whole_files(folder) as scratch:
        images.save_picture(x, scratch / "restored.png")
        images.save_picture((kernel / kernel.max())[None, None], scratch / "kernel.png")
        images.save_picture(kernel[None, None], scratch / "kernel.npy")
        (scratch / "report.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return [
        *([measure.note] if measure.note else []),
        f"kernel: standard deviation {wide:.1f} pixels, {folder / 'kernel.npy'}",
        f"{measure.name}: {before:.3f} before, {after:.3f} after ({measure.better} is better)",
        f"restored: {folder / 'restored.png'}",
    ]
