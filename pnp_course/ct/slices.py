"""Slices of real scanners from files: a DICOM series, a single DICOM file, or a folder of .npy arrays, in Hounsfield units."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor


class SliceError(ValueError):
    """A file or folder that holds no slices that can be read correctly; the message is one sentence."""


def read_slices(path: str | os.PathLike[str]) -> Tensor:
    """The slices at `path` in Hounsfield units, (N, 1, H, W) float32, from the feet to the head where DICOM says where they are.

    Args:
        path: a DICOM file; a folder with one DICOM series (files that are no DICOM are passed over); an .npy file (H, W)
            or (N, H, W) in Hounsfield units; or a folder of such files, in the order of their names.

    Raises:
        SliceError: there is nothing to read there, or it is a kind that would be read wrongly: no pixel data, several
            frames in a file, colour, several series, sizes or kinds of files in a folder, numbers that are not finite.
    """
    path = Path(path)
    if not path.exists():
        raise SliceError(f"{path}: there is no such file or folder.")
    files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    arrays = [p for p in files if p.suffix.lower() == ".npy"]
    if arrays and (mixed := [p for p in files if p not in arrays and _is_dicom(p)]):
        raise SliceError(
            f"{path}: the folder holds .npy arrays and DICOM files ({mixed[0].name}); wanted one kind: split it."
        )
    slices = [s for p in arrays for s in _array(p)] if arrays else _series(path, files)
    shapes = {s.shape for s in slices}
    if len(shapes) > 1:
        sizes = ", ".join(sorted(f"{h} x {w}" for h, w in shapes))
        raise SliceError(f"{path}: the slices have different sizes ({sizes}); wanted one series.")
    out = torch.from_numpy(np.stack(slices).astype(np.float32))[:, None]
    if not bool(torch.isfinite(out).all()):
        raise SliceError(f"{path}: {int((~torch.isfinite(out)).sum())} pixels are NaN or infinite; wanted numbers.")
    return out


def _is_dicom(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(132)[128:] == b"DICM"


def _array(path: Path) -> list[np.ndarray]:
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise SliceError(f"{path}: this is not an array that NumPy can read ({error}).") from None
    if array.dtype.kind not in "fiu" or array.ndim not in (2, 3) or array.size == 0:
        raise SliceError(
            f"{path} has shape {array.shape} and dtype {array.dtype}; wanted real numbers (H, W) or (N, H, W), in HU."
        )
    return list(array if array.ndim == 3 else array[None])


def _series(path: Path, files: list[Path]) -> list[np.ndarray]:
    try:
        import pydicom
        from pydicom.errors import InvalidDicomError
    except ImportError:
        raise SliceError(
            f"{path}: reading DICOM needs pydicom: `python -m pip install pydicom`, or give .npy files in Hounsfield units."
        ) from None
    found = []
    for file in files:
        try:
            found.append((file, pydicom.dcmread(file)))
        except InvalidDicomError:
            continue
        except (OSError, EOFError) as error:
            raise SliceError(f"{file}: this file cannot be read ({error}).") from None
    if not found:
        raise SliceError(f"{path}: there is no DICOM file and no .npy file.")
    if len({str(data.get("SeriesInstanceUID", "")) for _, data in found}) > 1:
        raise SliceError(
            f"{path}: the folder holds several DICOM series; wanted one: put each into a folder of its own."
        )
    slices = [(_position(data), k, hounsfield_of(file, data)) for k, (file, data) in enumerate(found)]
    return [s for _, _, s in sorted(slices, key=lambda item: item[:2])]


def _position(data: Any) -> float:
    """Where a slice lies along its own normal; the instance number where the file does not say; 0 if it has neither."""
    place, axes = data.get("ImagePositionPatient"), data.get("ImageOrientationPatient")
    if place is not None and axes is not None and len(place) == 3 and len(axes) == 6:
        row, column = np.array(axes[:3], float), np.array(axes[3:], float)
        return float(np.dot(np.cross(row, column), np.array(place, float)))
    number = data.get("InstanceNumber")
    return float(number) if number is not None else 0.0


def hounsfield_of(file: Path, data: Any) -> np.ndarray:
    """The pixels (H, W) of an open DICOM file, float64: stored value times rescale slope plus intercept.

    MONOCHROME1, where large values are dark, is turned around only for pictures that are not rescaled: Hounsfield units are
    attenuations, however they are shown.

    Raises:
        SliceError: it is no CT, there are no pixels, several frames, colour, or a compression without a decoder.
    """
    kind = str(data.get("Modality", "CT"))
    if kind != "CT":
        raise SliceError(f"{file} is of the modality {kind}, whose values are no Hounsfield units; wanted CT.")
    if "PixelData" not in data:
        raise SliceError(f"{file}: this DICOM file has no pixel data (it may be a report or a plan); wanted a slice.")
    frames = int(data.get("NumberOfFrames") or 1)
    if frames > 1:
        raise SliceError(f"{file} has {frames} frames; wanted one slice in a file: split it first.")
    photometric = str(data.get("PhotometricInterpretation", ""))
    if int(data.get("SamplesPerPixel", 1)) != 1 or not photometric.startswith("MONOCHROME"):
        raise SliceError(f"{file} is a colour picture ({photometric or 'unknown'}); wanted MONOCHROME slices.")
    try:
        stored = data.pixel_array.astype(float)
    except Exception as error:  # pydicom's decoders raise many kinds
        why = " ".join(str(error).split())[:200]
        raise SliceError(f"{file}: the pixels cannot be decoded ({why}).") from None
    if "RescaleSlope" not in data and photometric == "MONOCHROME1":
        stored = stored.max() + stored.min() - stored
    return stored * float(data.get("RescaleSlope", 1)) + float(data.get("RescaleIntercept", 0))


def window_of(path: str | os.PathLike[str]) -> tuple[float, float] | None:
    """Centre and width, in Hounsfield units, in which a DICOM file asks to be shown, the first of several; None: not said."""
    import pydicom

    data = pydicom.dcmread(path, stop_before_pixels=True)
    centre, width = data.get("WindowCenter"), data.get("WindowWidth")
    if centre is None or width is None:
        return None
    first = [float(v[0]) if isinstance(v, pydicom.multival.MultiValue) else float(v) for v in (centre, width)]
    return first[0], first[1]
