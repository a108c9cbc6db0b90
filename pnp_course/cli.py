"""The command line: `python -m pnp_course demo | degrade | restore | denoisers | train`.

Bad input ends with one line on stderr and exit code 2; files appear whole or not at all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, help="Convergent plug-and-play image restoration."
)

Photo = Annotated[Path, typer.Argument(help="the user's picture: PNG, JPEG, TIFF, .npy ...")]
Kernel = Annotated[str, typer.Option(help="motion, gaussian, box, levin1..levin8, or a file (picture or .npy)")]
Peak = Annotated[float, typer.Option(help="mean number of photons of a white pixel; small is dark")]
Seed = Annotated[int, typer.Option(min=0, help="seed of noise and of the motion kernel")]
Longest = Annotated[int, typer.Option(help="shrink so that the longer side has at most this many pixels; 0: keep")]
Iterations = Annotated[int, typer.Option(min=1, help="iterations of CoCo-ADMM")]
DenoiserName = Annotated[str, typer.Option(help="a shipped denoiser, see `denoisers`")]


def one_line_errors(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turn what the library says of bad input into one line on stderr and exit code 2."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        from pnp_course.datasets import MissingDataError
        from pnp_course.denoisers.zoo import WeightsError

        try:
            return command(*args, **kwargs)
        except (ValueError, RuntimeError, OSError, MemoryError, MissingDataError, WeightsError) as error:
            print(f"pnp_course: {' '.join(str(error).split())}", file=sys.stderr)
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            print("pnp_course: interrupted; no file is half-written.", file=sys.stderr)
            raise typer.Exit(130) from None

    return wrapped


def read_kernel(name: str, seed: int = 0) -> Any:
    """A kernel by name or from a file, (h, w), sum 1."""
    from pnp_course import datasets, images
    from pnp_course.operators import kernels

    if name == "motion":
        return kernels.motion(25, seed)
    if name in ("gaussian", "box"):
        return kernels.gaussian() if name == "gaussian" else kernels.box()
    if name in (levin := [f"levin{i}" for i in range(1, 9)]):
        return datasets.levin_kernels()[levin.index(name)]
    if not Path(name).is_file():
        raise ValueError(
            f"there is no kernel {name!r}; wanted motion, gaussian, box, levin1 to levin8, or a file that holds one."
        )
    return kernels.normalised(images.to_channels(images.read_image(name), 1)[0, 0])


def _read_photo(photo: Path, max_side: int = 0, at_least: int = 1) -> Any:
    """The picture in [0, 1], shrunk to `max_side` but to no shorter side than `at_least`; says so if it shrinks."""
    from pnp_course import images

    x = images.read_image(photo)
    if float(x.max()) > 1.5:
        raise ValueError(
            f"{photo}: intensities reach {float(x.max()):.4g}; wanted [0, 1]: divide the picture by its range."
        )
    x = x.clamp(0, 1)
    longest = max(max_side, -(-at_least * max(x.shape[-2:]) // min(x.shape[-2:])))
    small = images.shrink(x, longest) if max_side > 0 else x
    if small.shape != x.shape:
        print(f"shrunk from {x.shape[-1]} x {x.shape[-2]} to {small.shape[-1]} x {small.shape[-2]} pixels (--max-side)")
    return small


def _keep_unless_interrupted(result: Any) -> Any:
    """The run, or KeyboardInterrupt if it was cut short: half a restoration is not written."""
    if result.stopped_by == "interrupted":
        raise KeyboardInterrupt
    return result


@app.command()
@one_line_errors
def degrade(
    photo: Photo, output: Annotated[Path, typer.Option("-o", "--output", help="where to write: .tif and .npy are exact")],
    kernel: Kernel = "motion", peak: Peak = 50.0, seed: Seed = 0, max_side: Longest = 0,
) -> None:  # fmt: skip
    """Blur a picture and count photons. Writes the observation, and the kernel beside it as NAME_kernel.npy."""
    from pnp_course import deconvolution, images

    k = read_kernel(kernel, seed)
    kernel_file = images.check_output(output).with_name(output.stem + "_kernel.npy")
    images.check_output(kernel_file)
    y = deconvolution.degrade(_read_photo(photo, max_side, max(k.shape)), k, peak, seed)
    images.write_image(y, output)
    images.write_image(k[None, None], kernel_file)
    if output.suffix.lower() not in images.EXACT_SUFFIXES:
        print(f"note: {output.suffix} keeps 8 bits and cuts values above 1; .tif keeps the counts exactly.")
    print(f"observation: {output}\nkernel: {kernel_file}")


@app.command()
@one_line_errors
def restore(
    observed: Photo, kernel: Kernel, output: Annotated[Path, typer.Option("-o", "--output", help="where to write")],
    peak: Peak = 50.0, denoiser: DenoiserName = "coco-gs-0.25", iterations: Iterations = 50, sigma: float = 0.0, lam: float = 0.0,
    seed: Seed = 0,
) -> None:  # fmt: skip
    """Restore an observation (counts / peak, periodic blur) by CoCo-ADMM. sigma and lam of 0: chosen from the peak."""
    from dataclasses import replace

    from pnp_course import deconvolution, images

    images.check_output(output)
    y, k = images.read_image(observed), read_kernel(kernel, seed)
    deconvolution.check_observation(y, peak)
    parameters = deconvolution.settings(peak, denoiser)
    parameters = replace(parameters, sigma=sigma or parameters.sigma, lam=lam or parameters.lam)
    net = deconvolution.denoiser_for(y, denoiser)
    result = _keep_unless_interrupted(
        deconvolution.restore_coco(y, k, net, parameters, max_iter=iterations, progress=sys.stderr.isatty())
    )
    images.write_image(result.x, output)
    last = result.rows[-1]
    print(f"{int(last['iteration'])} iterations, {last['seconds']:.1f} s, stopped by {result.stopped_by}")
    print(f"restored: {output}")


@app.command()
@one_line_errors
def demo(
    photo: Annotated[Path | None, typer.Argument(help="your picture; without one, a photograph of scikit-image")] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="folder for pictures, curves and report")] = Path("demo"),
    kernel: Kernel = "motion", peak: Peak = 50.0, seed: Seed = 0, max_side: Longest = 512,
    denoiser: DenoiserName = "coco-gs-0.25", iterations: Iterations = 50,
) -> None:  # fmt: skip
    """Degrade a picture, restore it by CoCo-ADMM and three other methods, write pictures, curves and a report."""
    from pnp_course import images
    from pnp_course.demo import run_demo

    k = read_kernel(kernel, seed)
    x = _read_photo(photo, max_side, max(k.shape)) if photo else images.photo("astronaut", 256)
    source = str(photo) if photo else "astronaut, scikit-image (NASA, public domain)"
    lines = run_demo(
        x, k, peak=peak, seed=seed, denoiser_name=denoiser, iterations=iterations, folder=output, source=source,
        kernel_name=kernel, progress=sys.stderr.isatty(),
    )  # fmt: skip
    print("\n".join(lines))
    print(f"restored: {(output / 'coco-admm.png').resolve()}")


@app.command()
def denoisers() -> None:
    """List the shipped denoisers."""
    from pnp_course.denoisers import available_denoisers, denoiser_card

    for name in available_denoisers():
        print(f"{name:16s} {denoiser_card(name)['about']}")


@app.command()
@one_line_errors
def train(
    preset: Annotated[str, typer.Argument(help="which preset; an unknown name lists them")],
    output: Annotated[Path, typer.Option("-o", "--output", help="folder for checkpoint, log and weights")] = Path("runs"),
    minutes: Annotated[float, typer.Option(help="stop after this long; the same command goes on from there")] = 1e9,
    accelerator: str = "auto", precision: str = "32-true", devices: int = 1,
    threads: Annotated[int, typer.Option(min=0, help="0: all cores")] = 0,
) -> None:  # fmt: skip
    """Train a denoiser on BSD400, resuming a run that was stopped. Writes weights and card when it is complete."""
    from pnp_course.training.main import train_preset

    said = train_preset(
        preset, output, minutes, accelerator, precision, threads or (os.cpu_count() or 1), devices=devices
    )
    if said:
        print(said)


def main() -> None:
    """Entry point."""
    app()
