"""Named image sets, downloaded once with a SHA-256 check, or read from the folder that PNP_COURSE_DATA names.

None of them is part of this package. The Berkeley images (BSD400, CBSD68) are for non-commercial research and
education.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from pnp_course.images import read_image

SCHEMA_VERSION = 1  # of registry.txt
RAW = "https://raw.githubusercontent.com"


@dataclass(frozen=True)
class DataSet:
    """An image set: where its files are on the web, and what it is for."""

    about: str
    urls: tuple[str, ...]  # folders; a file is taken from the first that has it


DATASETS = {
    "bsd400": DataSet(
        "BSDS500's 200 train and 200 test images (Arbelaez et al. 2011), 481 x 321, colour: for training and tuning",
        (f"{RAW}/BIDS/BSDS500/HEAD/BSDS500/data/images/train", f"{RAW}/BIDS/BSDS500/HEAD/BSDS500/data/images/test"),
    ),
    "cbsd68": DataSet(
        "68 colour test images of BSDS300's test part (Martin et al. 2001), disjoint from bsd400: for measuring only",
        (f"{RAW}/clausmichele/CBSD68-dataset/af61ba5a248fb69582c052e72e1bb54f152af033/CBSD68/original_png",),
    ),
    "set3c": DataSet(
        "butterfly, leaves, starfish, 256 x 256 (Zhang et al. 2021): for tuning and figures",
        (f"{RAW}/cszn/DPIR/HEAD/testsets/set3c",),
    ),
    "levin": DataSet(
        "eight camera-shake kernels of Levin et al. 2009, to be divided by their sums",
        (f"{RAW}/FizzzFizzz/CoCo-PnP/HEAD/kernels",),
    ),
    "spad": DataSet(
        "background, hot pixels, pulse and depth of a real single-photon camera (Shin et al. 2016)",
        (f"{RAW}/photon-efficient-imaging/single-photon-camera/cab8548d01bda85ec4eb0d999d2141ae77e49765/data",),
    ),
}


class MissingDataError(RuntimeError):
    """A data set that is not on this machine and cannot be downloaded."""


@cache
def registry() -> dict[str, dict[str, str]]:
    """Read registry.txt, whose first line is its schema version: set -> {file name: SHA-256}, in the sets' order."""
    return _parse((Path(__file__).parent / "registry.txt").read_text(encoding="utf-8"))


def _parse(text: str) -> dict[str, dict[str, str]]:
    first, *lines = text.splitlines()
    if first != f"schema_version {SCHEMA_VERSION}":
        raise MissingDataError(
            f"registry.txt begins with {first!r}; this release reads 'schema_version {SCHEMA_VERSION}': install the package "
            "again, so that all its files are of one release."
        )
    sets: dict[str, dict[str, str]] = {name: {} for name in DATASETS}
    for line in lines:
        path, sha256 = line.split()
        name, file = path.split("/")
        sets[name][file] = sha256
    return sets


def dataset(name: str) -> list[Path]:
    """The files of a named set, in order.

    They are read from $PNP_COURSE_DATA/NAME if PNP_COURSE_DATA is set, else downloaded once into the user's cache
    folder.

    Raises:
        ValueError: the name is unknown.
        MissingDataError: the files are not there and cannot be downloaded; the message says both ways to get them.
    """
    if name not in DATASETS:
        raise ValueError(f"there is no data set {name!r}; wanted one of {', '.join(DATASETS)}.")
    root = os.environ.get("PNP_COURSE_DATA")
    files = registry()[name]
    if root:
        paths = [Path(root) / name / file for file in files]
        missing = [p for p in paths if not p.is_file()]
        if missing:
            raise _missing(name, f"PNP_COURSE_DATA is {root}, and {len(missing)} of {len(paths)} files are not there")
        for path, sha256 in zip(paths, files.values(), strict=True):
            if _sha256(path) != sha256:
                raise MissingDataError(
                    f"{path} is not the file of data set {name!r}: its SHA-256 differs; fetch it again."
                )
        return paths
    return [_fetch(name, file, sha256) for file, sha256 in files.items()]


@cache
def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _missing(name: str, why: str) -> MissingDataError:
    return MissingDataError(
        f"data set {name!r} is missing: {why}. Either let it download from {DATASETS[name].urls[0]} (with a network, and "
        f"PNP_COURSE_DATA unset), or put its files into a folder {name}/ and set PNP_COURSE_DATA to the folder around it."
    )


def _fetch(name: str, file: str, sha256: str) -> Path:
    import pooch

    pooch.get_logger().setLevel("WARNING")  # a failure is reported once, below
    folder = Path(pooch.os_cache("pnp_course")) / name
    why = ""
    for url in DATASETS[name].urls:
        try:
            return Path(pooch.retrieve(f"{url}/{file}", f"sha256:{sha256}", fname=file, path=folder))
        except Exception as error:  # pooch passes on whatever its transport raises
            why = f"downloading {file} failed ({type(error).__name__})"
    raise _missing(name, why)


def images(name: str) -> list[Tensor]:
    """The pictures of an image set, each (1, C, H, W) float32 in [0, 1]."""
    return [read_image(path) for path in dataset(name)]


def levin_kernels() -> list[Tensor]:
    """Levin's eight camera-shake kernels, (h, w) float32 with sum 1."""
    from pnp_course.operators.kernels import normalised

    return [normalised(read_image(path)[0, 0]) for path in dataset("levin")]


TRAINING_HOLDOUT = 25  # every 25th image of bsd400 is never trained on: 16 images for validation and certificates


def training_images(in_channels: int = 3) -> list[Tensor]:
    """bsd400 without the held-out images, as uint8 (C, H, W)."""
    return [_bytes(p, in_channels) for i, p in enumerate(dataset("bsd400")) if i % TRAINING_HOLDOUT]


def validation_images(in_channels: int = 3) -> list[Tensor]:
    """The 16 held-out images of bsd400, as uint8 (C, H, W)."""
    return [_bytes(p, in_channels) for p in dataset("bsd400")[::TRAINING_HOLDOUT]]


def _bytes(path: Path, in_channels: int) -> Tensor:
    from pnp_course.images import to_channels

    return (to_channels(read_image(path), in_channels)[0] * 255).round().to(torch.uint8)
