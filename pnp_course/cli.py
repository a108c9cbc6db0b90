"""The command line: `python -m pnp_course COMMAND`, such as demo, restore, deblur, denoise, train or reproduce.

Bad input ends with one line on stderr and exit code 2 (`one_line`); files appear whole or not at all. The library is
imported inside the commands, so that the help, and errors in the command line itself, come at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from pnp_course import __version__
from pnp_course.cli_work import work
from pnp_course.one_line import DEBUG, OneLine, loaded

app = typer.Typer(cls=OneLine, add_completion=False, pretty_exceptions_enable=False)

DemoPhoto = Annotated[Path | None, typer.Argument(help="your picture; without one, a photograph of scikit-image")]
Photo = Annotated[Path, typer.Argument(help="the user's picture: PNG, JPEG, TIFF, .npy ...")]
Kernel = Annotated[str, typer.Option(help="motion, gaussian, box, levin1..levin8, or a file (picture or .npy)")]
Peak = Annotated[float, typer.Option(help="mean number of photons of a white pixel; small is dark")]
Seed = Annotated[int, typer.Option(min=0, max=2**63 - 1, help="seed of noise and of the motion kernel")]
Longest = Annotated[
    int, typer.Option(min=0, help="shrink so that the longer side has at most this many pixels; 0: keep")
]
Iterations = Annotated[int, typer.Option(min=1, help="iterations of CoCo-ADMM")]
Chosen = Annotated[float, typer.Option(min=0, help="0: chosen from the peak")]
Level = Annotated[str, typer.Option(help="noise level in [0, 1], such as 0.1; auto: estimated from the picture")]
Noise = Annotated[str, typer.Option(help="gaussian, or camera: photon counts with read-out noise, in linear light")]
Boundary = Annotated[
    str, typer.Option(help="valid: the scene goes on beyond the picture, as in a photograph; or periodic")
]
DenoiserName = Annotated[str, typer.Option(help="a shipped denoiser, see `denoisers`")]
ReportFolder = Annotated[Path, typer.Option("-o", "--output", help="folder for pictures, curves and report")]


def _say_version(wanted: bool) -> None:
    if wanted:
        print(f"pnp_course {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_say_version, help="print the version and stop")
    ] = False,
    debug: Annotated[bool, typer.Option(DEBUG, help="show the full traceback when a command fails")] = False,
) -> None:
    """Convergent plug-and-play image restoration."""


def read_kernel(name: str, seed: int = 0) -> Any:
    """Return the kernel of this name or from this file, (h, w), with sum 1."""
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
    """Read a picture in [0, 1]; shrink it to `max_side`, but no side below `at_least`, and print that it was shrunk."""
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
    """Return the run, or raise KeyboardInterrupt if it was cut short, so that half a restoration is not written."""
    if result.stopped_by == "interrupted":
        raise KeyboardInterrupt
    return result


def _number(text: str, name: str) -> float:
    """The number that an option has, where a word is allowed as well."""
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name} is {text!r}; wanted a number, or auto.") from None


def _check_denoiser(name: str, channels: int) -> None:
    """Raise ValueError, which names the suitable denoisers, unless this shipped one can restore such a picture."""
    from pnp_course.denoisers import available_denoisers, denoiser_card

    def fits(card: dict[str, Any]) -> bool:  # a colour denoiser takes gray pictures too
        return card["architecture"] != "bregman-gradient-step" and card["config"]["in_channels"] in (channels, 3)

    if not fits(denoiser_card(name)):
        good = ", ".join(n for n in available_denoisers() if fits(denoiser_card(n)))
        why = "is for gray pictures, and this one is in colour"
        if denoiser_card(name)["architecture"] == "bregman-gradient-step":
            why = "removes inverse gamma noise, which CoCo-ADMM does not use"
        raise ValueError(f"the denoiser {name!r} {why}; wanted one of {good}.")


@app.command()
def degrade(
    photo: Photo,
    output: Annotated[Path, typer.Option("-o", "--output", help="where to write: .tif and .npy are exact")],
    kernel: Kernel = "motion",
    peak: Peak = 50.0,
    seed: Seed = 0,
    max_side: Longest = 0,
    boundary: Boundary = "valid",
) -> None:
    """Blur a picture and count photons. This writes the observation, and the kernel beside it as NAME_kernel.npy."""
    from pnp_course import deconvolution, images
    from pnp_course.whole_files import whole_files

    loaded()
    k = read_kernel(kernel, seed)
    kernel_file = images.check_output(output).with_name(output.stem + "_kernel.npy")
    images.check_output(kernel_file)
    y = deconvolution.degrade(_read_photo(photo, max_side, max(k.shape)), k, peak, seed, boundary)
    with whole_files(output.parent) as scratch:  # both or neither
        images.save_picture(y, scratch / output.name)
        images.save_picture(k[None, None], scratch / kernel_file.name)
    if output.suffix.lower() not in images.EXACT_SUFFIXES:
        print(f"note: {output.suffix} keeps 8 bits and cuts values above 1; .tif keeps the counts exactly.")
    print(f"observation: {output}\nkernel: {kernel_file}")


@app.command()
def restore(
    observed: Photo,
    kernel: Kernel,
    output: Annotated[Path, typer.Option("-o", "--output", help="where to write")],
    peak: Peak = 50.0,
    denoiser: DenoiserName = "coco-gs-relaxed",
    iterations: Iterations = 50,
    sigma: Annotated[str, typer.Option(help="level of the denoiser; auto or 0: chosen from the peak")] = "auto",
    lam: Chosen = 0.0,
    seed: Seed = 0,
    boundary: Boundary = "valid",
) -> None:
    """Restore an observation (counts / peak) by CoCo-ADMM. auto for sigma, 0 for lam: chosen from the peak."""
    from dataclasses import replace

    from pnp_course import deconvolution, images
    from pnp_course._checks import check_positive
    from pnp_course.operators import ValidBlur

    loaded()
    images.check_output(output)
    y, k = images.read_image(observed), read_kernel(kernel, seed)
    deconvolution.check_observation(y, peak)
    _check_denoiser(denoiser, y.shape[1])
    parameters = deconvolution.settings(peak, denoiser)
    parameters = replace(
        parameters,
        sigma=check_positive((sigma != "auto" and _number(sigma, "--sigma")) or parameters.sigma, "sigma"),
        lam=check_positive(lam or parameters.lam, "lam"),
    )
    net = deconvolution.denoiser_for(y, denoiser)
    result = _keep_unless_interrupted(
        deconvolution.restore_coco(
            y, k, net, parameters, max_iter=iterations, progress=sys.stderr.isatty(), boundary=boundary
        )
    )
    operator = deconvolution.blur(k, boundary)
    images.write_image(operator.crop(result.x) if isinstance(operator, ValidBlur) else result.x, output)
    last = result.rows[-1]
    print(f"{int(last['iteration'])} iterations, {last['seconds']:.1f} s, stopped by {result.stopped_by}")
    print(f"restored: {output}")


@app.command()
def deblur(
    photo: Photo,
    output: Annotated[Path, typer.Option("-o", "--output", help="folder for the restored picture, kernel and report")],
    kernel_size: Annotated[int, typer.Option(min=1, help="odd; a little more pixels than the blur is long")] = 31,
    method: Annotated[str, typer.Option(help="rmmo-drs, coco-admm or dpir")] = "rmmo-drs",
    max_side: Longest = 0,
    clip_iqa: Annotated[bool, typer.Option("--clip-iqa", help="measure by CLIP-IQA, if it is installed")] = False,
) -> None:
    """Estimate the blur kernel from a blurred photograph, and restore the photograph."""
    from pnp_course import deblurring

    loaded()
    y = _read_photo(photo, max_side)
    lines = deblurring.deblur(y, kernel_size, output, method=method, clip=clip_iqa, source=str(photo))
    print("\n".join(lines))


@app.command()
def denoise(
    photo: Photo,
    output: Annotated[Path, typer.Option("-o", "--output", help="where to write")],
    sigma: Level = "auto",
    noise: Noise = "gaussian",
    denoiser: DenoiserName = "drunet",
) -> None:
    """Denoise a picture, whose noise is estimated from the picture itself."""
    from pnp_course import denoising, images

    loaded()
    images.check_output(output)
    if noise not in ("gaussian", "camera"):
        raise ValueError(f"--noise is {noise!r}; wanted gaussian or camera.")
    if noise == "camera" and sigma != "auto":
        raise ValueError(f"--sigma is {sigma}, and camera noise has no one level: leave --sigma out.")
    y = images.read_image(photo)
    _check_denoiser(denoiser, y.shape[1])
    level = None if sigma == "auto" else _number(sigma, "--sigma")
    done = denoising.denoise_camera(y, denoiser) if noise == "camera" else denoising.denoise(y, denoiser, level)
    images.write_image(done.x, output)
    print(f"{done.said}\nrestored: {output}")


@app.command()
def demo(
    photo: DemoPhoto = None,
    output: ReportFolder = Path("demo"),
    kernel: Kernel = "motion",
    peak: Peak = 50.0,
    seed: Seed = 0,
    max_side: Longest = 512,
    denoiser: DenoiserName = "coco-gs-relaxed",
    iterations: Iterations = 50,
) -> None:
    """Degrade a picture, restore it by CoCo-ADMM and three other methods, and write pictures, curves and a report."""
    from pnp_course import images
    from pnp_course.demo import run_demo

    loaded()
    k = read_kernel(kernel, seed)
    x = _read_photo(photo, max_side, max(k.shape)) if photo else images.photo("astronaut", 256)
    _check_denoiser(denoiser, x.shape[1])
    source = str(photo) if photo else "astronaut, scikit-image (NASA, public domain)"
    lines = run_demo(
        x,
        k,
        peak=peak,
        seed=seed,
        denoiser_name=denoiser,
        iterations=iterations,
        folder=output,
        source=source,
        kernel_name=kernel,
        progress=sys.stderr.isatty(),
    )
    print("\n".join(lines))
    print(f"restored: {(output / 'coco-admm.png').resolve()}")


app.add_typer(work)


def main() -> None:
    """Entry point."""
    app()
