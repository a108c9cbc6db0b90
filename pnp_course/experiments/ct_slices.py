"""`python -m pnp_course ct SLICES`: slices of the user's own, scanned at the doses of the CT table, restored by its methods."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas
import torch
import torch.nn.functional as F
from torch import Tensor

from pnp_course import ct
from pnp_course.ct.scan import Scan, scan
from pnp_course.experiments.ct_table import EXPERIMENT, METHODS, PEAKS, SIZE, observed
from pnp_course.experiments.experiment import Problem
from pnp_course.experiments.job import measure
from pnp_course.experiments.tuning import SHIPPED, read_choices
from pnp_course.images import save_picture
from pnp_course.provenance import provenance
from pnp_course.solvers import Result
from pnp_course.whole_files import check_folder, whole_files

SEED = 7


def fine_square(hu: Tensor) -> Tensor:
    """A slice in Hounsfield units (1, 1, H, W) as intensities (1, 1, 2 SIZE, 2 SIZE), with air around it if it is no square."""
    height, width = hu.shape[-2:]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    square = F.pad(ct.from_hounsfield(hu), (left, side - width - left, top, side - height - top))
    return F.interpolate(square, size=(2 * SIZE, 2 * SIZE), mode="bilinear", antialias=True).clamp(0, 1)


def scans(path: str | os.PathLike[str], most: int) -> list[Scan]:
    """At most `most` slices of what `ct.read_slices` finds at `path`, evenly spread over the series, each scanned.

    The slice is made to 256 x 256 for the scan and to 128 x 128 to be restored. One that is smaller has no finer detail
    than the grid of the restoration, so that its scan is close to the inverse crime.

    Raises:
        SliceError: there is nothing to read, or it would be read wrongly; or no slice shows more than air.
    """
    hu = ct.read_slices(path)
    places = torch.linspace(0, len(hu) - 1, min(most, len(hu))).round().long()
    pictures = [fine_square(hu[k : k + 1]) for k in places.tolist()]
    if not any(float(u.max()) > 0.1 for u in pictures):
        raise ct.SliceError(
            f"{path}: the slices are air, at most {float(hu.max()):g} Hounsfield units; wanted bodies, in Hounsfield units."
        )
    return [scan(u) for u in pictures]


def chosen_methods(names: Sequence[str]) -> list[str]:
    """These methods of the CT table; all of them if there are no names.

    Raises:
        ValueError: there is no such method.
    """
    for name in names:
        if name not in METHODS:
            raise ValueError(f"there is no method {name!r}; wanted some of {'; '.join(METHODS)}.")
    return list(names or METHODS)


def restored(name: str, problem: Problem) -> tuple[Tensor, dict[str, Any]]:
    """What a method of the CT table makes of a problem of its, with the table's parameters: the slice, and the row of numbers."""
    method, group = METHODS[name], EXPERIMENT.group({"peak": problem.facts["peak"]})
    chosen = read_choices(EXPERIMENT, "course", SHIPPED).get(group, {}).get(name, {})
    out, row = measure(method, problem, method.denoisers.get("course", ""), {**method.fixed, **chosen})
    return (out.x if isinstance(out, Result) else out), row


def compare(
    path: str | os.PathLike[str],
    folder: Path,
    *,
    most: int = 4,
    methods: Sequence[str] = (),
    peaks: Sequence[int] = PEAKS,
) -> list[str]:
    """Restore the slices at each dose by each method with the table's parameters; write slices.csv and pictures.

    The pictures are of the first slice at the last dose, in a soft-tissue window: black is -160 HU, white 240 HU.

    Args:
        path: what `ct.read_slices` takes. folder: of the results. most: the largest number of slices. methods: names of the
            CT table; by default all. peaks: doses of the table.

    Returns:
        Lines of a table with the mean PSNR and SSIM of each method.
    """
    check_folder(folder)
    names, rows = chosen_methods(methods), []
    pictures: dict[str, Tensor] = {}
    for number, seen in enumerate(scans(path, most)):
        for peak in peaks:
            problem = observed(seen, peak, SEED + number)
            for name in names:
                x, row = restored(name, problem)
                rows.append({"slice": number, "peak": peak, "method": name, "psnr": row["psnr"], "ssim": row["ssim"]})
                if number == 0:
                    pictures |= {"slice": seen.clean, name: x}
    table = pandas.DataFrame(rows)
    head = "".join(f"# {key} {value}\n" for key, value in provenance().items())
    with whole_files(folder) as scratch:
        (scratch / "slices.csv").write_text(head + table.to_csv(index=False, lineterminator="\n"), encoding="utf-8")
        for name, x in pictures.items():
            save_picture(ct.window(x), scratch / f"{name.lower().replace(', ', '-')}.png")
    means = table.groupby(["peak", "method"], sort=False)[["psnr", "ssim"]].mean().round(3)
    return [*means.to_string().splitlines(), f"{len(table['slice'].unique())} slices; results: {folder.resolve()}"]
