"""The commands that take longer than a picture does: denoisers, train, train-zoo, ct and reproduce; `cli` has the others."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from pnp_course.one_line import loaded

work = typer.Typer()

RunsFolder = Annotated[Path, typer.Option("-o", "--output", help="folder for checkpoint, log and weights")]
DeviceName = Annotated[str, typer.Option(help="auto (a GPU if there is one), cpu, cuda or mps")]
Threads = Annotated[int, typer.Option(min=0, max=1024, help="of the CPU; 0: all cores")]
Minutes = Annotated[float, typer.Option(min=0, help="stop after this long; the same command goes on from there")]


@work.command()
def denoisers() -> None:
    """List the shipped denoisers."""
    from pnp_course.denoisers import available_denoisers, denoiser_card

    loaded()
    for name in available_denoisers():
        print(f"{name:16s} {denoiser_card(name)['about']}")


@work.command()
def train(
    preset: Annotated[str, typer.Argument(help="which preset; an unknown name lists them")],
    output: RunsFolder = Path("runs"),
    minutes: Minutes = 1e9,
    device: DeviceName = "auto",
    threads: Threads = 0,
) -> None:
    """Train a denoiser on BSD400, or resume a training. When it is complete, the weights and their card are written."""
    from pnp_course.devices import device_named
    from pnp_course.training.main import train_preset
    from pnp_course.whole_files import check_folder

    loaded()
    check_folder(output / preset)
    print(train_preset(preset, output, minutes, device_named(device), threads or (os.cpu_count() or 1)))


@work.command()
def train_zoo(
    minutes: Annotated[float, typer.Option(min=0, help="how long to train; the same command goes on")],
    output: RunsFolder = Path("runs"),
    only: Annotated[
        str, typer.Option(help="names with commas between them; by default all, the most useful first")
    ] = "",
    plan: Annotated[bool, typer.Option("--plan", help="only measure, and say what would be trained how long")] = False,
    device: DeviceName = "auto",
    threads: Threads = 0,
) -> None:
    """Train the shipped denoisers again, for as many steps as fit into the minutes, and write weights and cards."""
    from pnp_course.devices import device_named
    from pnp_course.training.guards import threads as on_threads
    from pnp_course.training.zoo import chosen, make_plan, train_zoo
    from pnp_course.whole_files import check_folder

    loaded()
    if not math.isfinite(minutes):
        raise ValueError(f"--minutes is {minutes}; wanted a finite number, which is divided among the networks.")
    check_folder(output)
    names, where = chosen(only), device_named(device)
    with on_threads(threads or (os.cpu_count() or 1)):
        for line in (make_plan if plan else train_zoo)(names, output, minutes, where):
            print(line, flush=True)


@work.command()
def ct(
    slices: Annotated[
        Path, typer.Argument(help="a DICOM file, a folder with a series, an .npy file or a folder of them")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="folder for the table and pictures")] = Path(
        "results/ct-slices"
    ),
    most: Annotated[int, typer.Option(min=1, help="at most so many slices, spread over the series")] = 4,
    methods: Annotated[str, typer.Option(help="names with semicolons between them; by default all of the table")] = "",
) -> None:
    """Scan slices of your own in sparse views at low doses, and restore them by every method of the CT table."""
    from pnp_course.experiments.ct_slices import compare

    loaded()
    names = [name.strip() for name in methods.split(";") if name.strip()]
    print("\n".join(compare(slices, output, most=most, methods=names)))


@work.command()
def reproduce(
    experiment: Annotated[str, typer.Argument(help="which table; an unknown name lists them")],
    scale: Annotated[str, typer.Option(help="small, course or paper")] = "course",
    images: Annotated[int | None, typer.Option(min=1, help="only the first N pictures")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=1024, help="processes on this machine")] = 1,
    dask: Annotated[str, typer.Option(help="address of a Dask scheduler, in place of --jobs")] = "",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="folder of results; by default results/TABLE-SCALE")
    ] = None,
    tune: Annotated[bool, typer.Option("--tune", help="choose the parameters on tuning pictures, instead")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="only say how many jobs and hours it takes here")] = False,
) -> None:
    """Compute a table of the papers again, as independent jobs; the same command continues after a stop."""
    from pnp_course.experiments import experiment_named
    from pnp_course.experiments.plan import plan as planned
    from pnp_course.experiments.reproduce import Interrupted, check_scale, reproduce
    from pnp_course.experiments.reproduce import tune as tuned
    from pnp_course.whole_files import check_folder

    loaded()
    chosen = experiment_named(experiment)
    if plan:
        check_scale(chosen, scale)
        print("\n".join(planned(chosen, scale, images)))
        return
    folder = output or Path("results") / f"{experiment}-{scale}"
    check_folder(folder)
    try:
        if tune:
            lines = tuned(chosen, scale, folder, processes=jobs, cluster=dask)
        else:
            lines = reproduce(chosen, scale, folder, images=images, processes=jobs, cluster=dask)
    except Interrupted as stop:
        print(f"pnp_course: {stop}", file=sys.stderr)
        raise
    print("\n".join(lines))
