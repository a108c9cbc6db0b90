"""The demonstration, `python -m pnp_course demo`: it degrades a picture, restores it four ways and writes a report."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from pnp_course import deconvolution, images, metrics
from pnp_course.fidelities import Poisson
from pnp_course.monitors import Lagrangian, psnr_to
from pnp_course.operators import Blur
from pnp_course.provenance import provenance
from pnp_course.solvers import Result
from pnp_course.solvers.runner import Monitor
from pnp_course.whole_files import check_folder, whole_files

METHODS = {
    "observed": "observation",
    "wiener": "Wiener",
    "richardson-lucy": "Richardson-Lucy",
    "dpir": "DPIR",
    "coco-admm": "CoCo-ADMM",
}


def compare(
    x: Tensor, kernel: Tensor, peak: float, seed: int, denoiser_name: str, iterations: int, progress: bool = False
) -> tuple[dict[str, Tensor], dict[str, float], dict[str, Result]]:
    """Degrade the clean image x (1, C, H, W) and restore it by every method of `METHODS`.

    Returns:
        Pictures by method, seconds by method, and the runs of the two iterative plug-and-play methods.
    """
    y = deconvolution.degrade(x, kernel, peak, seed)
    coco = deconvolution.denoiser_for(y, denoiser_name)
    plain = deconvolution.denoiser_for(y, "drunet")
    parameters = deconvolution.settings(peak, denoiser_name)
    monitors: dict[str, Monitor] = {
        "psnr": psnr_to(x),
        "lagrangian": Lagrangian(Poisson(Blur(kernel), y), parameters.lam),
    }
    runs: dict[str, Result] = {}

    def keep(name: str, result: Result) -> Tensor:
        runs[name] = result
        return result.x

    work: dict[str, Callable[[], Tensor]] = {
        "observed": lambda: y,
        "wiener": lambda: deconvolution.wiener(y, kernel),
        "richardson-lucy": lambda: deconvolution.richardson_lucy(y, kernel),
        "dpir": lambda: keep("dpir", deconvolution.restore_dpir(y, kernel, plain, peak, monitors={"psnr": psnr_to(x)})),
        "coco-admm": lambda: keep(
            "coco-admm",
            deconvolution.restore_coco(
                y, kernel, coco, parameters, max_iter=iterations, monitors=monitors, progress=progress
            ),
        ),
    }
    pictures, seconds = {}, {}
    for name, restore in work.items():
        begun = time.perf_counter()
        pictures[name] = restore()
        seconds[name] = time.perf_counter() - begun
    return pictures, seconds, runs


FILES = [
    "clean.png",
    "kernel.png",
    *(f"{name}.png" for name in METHODS),
    "comparison.png",
    "curves.png",
    "history.csv",
    "report.json",
    "report.md",
]


def check_names(folder: Path) -> None:
    """Raise ValueError unless all of `FILES` can be written into `folder`, which need not exist yet."""
    check_folder(folder)
    for name in FILES:
        if (folder / name).is_dir():
            raise ValueError(
                f"{folder / name} is a folder, where a file of the results should go: name another with -o."
            )


def run_demo(
    x: Tensor,
    kernel: Tensor,
    *,
    peak: float,
    seed: int,
    denoiser_name: str,
    iterations: int,
    folder: Path,
    source: str,
    kernel_name: str,
    progress: bool = False,
) -> list[str]:
    """Run `compare`, write everything into `folder`, whole or not at all, and return the report's table as lines."""
    check_names(folder)
    if min(x.shape[-2:]) < 11:
        raise ValueError(
            f"the picture is {x.shape[-1]} x {x.shape[-2]} pixels; the demonstration needs at least 11 x 11."
        )
    pictures, seconds, runs = compare(x, kernel, peak, seed, denoiser_name, iterations, progress)
    if runs["coco-admm"].stopped_by == "interrupted":
        raise KeyboardInterrupt
    scores = {
        name: {"psnr": metrics.psnr(p, x), "ssim": metrics.ssim(p, x), "seconds": seconds[name]}
        for name, p in pictures.items()
    }
    facts: dict[str, Any] = {
        "source": source,
        "size": list(x.shape[-2:]),
        "channels": x.shape[1],
        "kernel": kernel_name,
        "peak": peak,
        "seed": seed,
        "denoiser": denoiser_name,
        "parameters": asdict(deconvolution.settings(peak, denoiser_name)),
        "stopped_by": runs["coco-admm"].stopped_by,
        "scores": scores,
        "provenance": provenance(),
    }
    table = ["| method | PSNR (dB) | SSIM | seconds |", "|---|---|---|---|"] + [
        f"| {METHODS[n]} | {s['psnr']:.2f} | {s['ssim']:.3f} | {s['seconds']:.1f} |" for n, s in scores.items()
    ]
    with whole_files(folder) as part:
        images.save_picture(x, part / "clean.png")
        images.save_picture((kernel / kernel.max())[None, None], part / "kernel.png")
        for name, picture in pictures.items():
            images.save_picture(picture, part / f"{name}.png")
        write_figures(x, pictures, runs, part)
        (part / "report.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        # the picture's own name need not be UTF-8
        (part / "report.md").write_text(report(facts, table), encoding="utf-8", errors="backslashreplace")
    return table


def score_table(x: Tensor, pictures: dict[str, Tensor]) -> Any:
    """PSNR and SSIM of each method's picture against the clean x, as a pandas table."""
    import pandas

    scores = {METHODS[n]: {"PSNR (dB)": metrics.psnr(p, x), "SSIM": metrics.ssim(p, x)} for n, p in pictures.items()}
    return pandas.DataFrame(scores).T.round(2)


def busiest_square(x: Tensor, side: int) -> tuple[int, int, int]:
    """(top, left, side) of the square of x (1, C, H, W) with the largest mean gradient, where details can be judged."""
    gray = x.mean(1, keepdim=True)
    slope = (gray[..., 1:, 1:] - gray[..., :-1, 1:]).abs() + (gray[..., 1:, 1:] - gray[..., 1:, :-1]).abs()
    mean = F.avg_pool2d(slope, side - 1, stride=1)[0, 0]
    top, left = divmod(int(mean.argmax()), mean.shape[1])
    return top, left, side


def comparison_figure(x: Tensor, pictures: dict[str, Tensor]) -> Any:
    """Clean image and all restorations with their PSNR."""
    from pnp_course.viz.figures import gallery

    titled = {f"{METHODS[n]}: {metrics.psnr(p, x):.2f} dB": p for n, p in pictures.items()} | {"clean": x}
    return gallery(titled, zoom=busiest_square(x, max(2, min(x.shape[-2:]) // 4)))


def curves_figure(runs: dict[str, Result]) -> Any:
    """PSNR, relative change and Lagrangian over the iterations."""
    from pnp_course.viz.figures import curves

    histories = {METHODS[name]: result.history for name, result in runs.items()}
    coco = histories["CoCo-ADMM"]
    above = (coco["lagrangian"] - coco["lagrangian"].iloc[-1]).iloc[:-1]
    return curves(
        [
            {"title": "PSNR (dB)", "lines": {n: (h.index, h["psnr"]) for n, h in histories.items()}},
            {
                "title": "relative change of x",
                "log": True,
                "lines": {n: (h.index[1:], h["relative_change"][1:]) for n, h in histories.items()},
            },
            {"title": "Lagrangian, above its last value", "log": True, "lines": {"CoCo-ADMM": (above.index, above)}},
        ]
    )


def write_figures(x: Tensor, pictures: dict[str, Tensor], runs: dict[str, Result], folder: Path) -> None:
    """Write comparison.png and curves.png, and the history of CoCo-ADMM as CSV."""
    for name, figure in (("comparison", comparison_figure(x, pictures)), ("curves", curves_figure(runs))):
        figure.savefig(folder / f"{name}.png", dpi=130)
    runs["coco-admm"].history.to_csv(folder / "history.csv")


def report(facts: dict[str, Any], table: list[str]) -> str:
    """The report in Markdown."""
    p = facts["parameters"]
    return "\n".join(
        [
            "# Photon-limited deconvolution",
            "",
            f"Picture: {facts['source']}, {facts['size'][1]} x {facts['size'][0]} pixels, {facts['channels']} channel(s). "
            f"Kernel: {facts['kernel']}. Peak: {facts['peak']:g} photons, seed {facts['seed']}.",
            "",
            f"CoCo-ADMM: denoiser {facts['denoiser']} at sigma {p['sigma']:.3f}, lam {p['lam']:.3f}, t {p['t']:.3g}; "
            f"stopped by {facts['stopped_by']}.",
            "",
            *table,
            "",
            "![clean picture, observation and restorations](comparison.png)",
            "",
            "![PSNR, relative change and Lagrangian over the iterations](curves.png)",
            "",
        ]
    )
