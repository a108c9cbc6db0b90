"""From a picture's file to intensities: depth, colour, rotation, transparency, byte order, size.

`read_pixels` opens a file by its kind and gives `Pixels`; `to_tensor` makes them float32 (1, C, H, W). Pillow decodes
what has 8 bits, and tifffile the TIFF files; a kind that neither of them reads correctly is refused.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

MAX_MEGAPIXELS = 200  # as floats, three channels of this take 2.4 GB
FORMATS = ("PNG", "JPEG", "TIFF", "PPM", "BMP", "GIF", "WEBP", "JPEG2000", "AVIF")  # each is tested
MOVING = ("PNG", "GIF", "WEBP", "AVIF")  # the further frames of a JPEG, from a camera, are previews
ORIENTATION = 0x0112  # the EXIF and TIFF tag


class ImageError(ValueError):
    """A file that cannot be read or written as an image."""


@dataclass
class Pixels:
    """Samples as they are in the file, and what they mean."""

    colour: np.ndarray  # (H, W, C); C is 1, 3, or 4 inks
    top: float = 1.0  # the sample that is 1; floats are taken as they are
    alpha: np.ndarray | None = None  # (H, W), scaled as the colour is; 0 is transparent
    associated: bool = False  # is the colour already multiplied by alpha?
    inverted: bool = False  # is 0 white?
    inks: bool = False  # cyan, magenta, yellow, black

    def turned(self, orientation: int) -> Pixels:
        """These pixels as they are meant to be looked at."""
        self.colour = upright(self.colour, orientation)
        self.alpha = None if self.alpha is None else upright(self.alpha, orientation)
        return self


def upright(array: np.ndarray, orientation: int) -> np.ndarray:
    """Turn and mirror (H, W, ...) as the orientation 1 to 8 of TIFF and EXIF says; the result is a view, not a copy."""
    if orientation in (5, 6, 7, 8):  # rows and columns change places
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return array


def check_size(height: int, width: int, path: Path) -> None:
    """Raise ImageError, which says how to shrink the picture, if a picture is too large."""
    if height * width > MAX_MEGAPIXELS * 1e6:
        percent = int(100 * (MAX_MEGAPIXELS * 1e6 / (height * width)) ** 0.5)
        raise ImageError(
            f"holds {width} x {height} pixels, {height * width / 1e6:.0f} megapixels; at most {MAX_MEGAPIXELS} are read: "
            f"shrink it first, for instance by ImageMagick: magick {path.name} -resize {percent}% small.png"
        )


def to_tensor(pixels: Pixels) -> Tensor:
    """Intensities (1, C, H, W), float32, with transparency laid on white. Only one copy of the pixels is made."""
    height, width, channels = pixels.colour.shape
    out = np.empty((channels, height, width), dtype=np.float32)
    for plane, samples in zip(out, np.moveaxis(pixels.colour, -1, 0), strict=True):
        _to_unit(samples, pixels.top, plane)
    if pixels.inverted:
        np.subtract(1, out, out=out)
    if pixels.inks:
        out = (1 - out[:3]) * (1 - out[3:])
    if pixels.alpha is not None:
        alpha = _to_unit(pixels.alpha, pixels.top, np.empty((height, width), dtype=np.float32))
        if not pixels.associated:
            out *= alpha
        out += 1 - alpha
    return torch.from_numpy(out)[None]


def _to_unit(samples: np.ndarray, top: float, out: np.ndarray) -> np.ndarray:
    if samples.dtype == bool or np.issubdtype(samples.dtype, np.floating):
        with np.errstate(over="ignore"):  # a number beyond float32 becomes infinite, which is refused later
            out[...] = samples
    elif samples.dtype.kind == "u" and samples.dtype.itemsize <= 2:
        np.divide(samples, top, out=out, dtype=np.float32)
    else:
        raise ImageError(f"pixels are {samples.dtype}; wanted 8 or 16 bit integers, or floats in [0, 1].")
    return out


def read_pixels(path: Path) -> Pixels:
    """Open a picture by its kind.

    Raises:
        ImageError: the file is of a kind that cannot be read correctly; the message does not name the file.
        Exception: the readers may raise anything for a broken file.
    """
    if path.suffix.lower() == ".npy":
        return _read_npy(path)
    with path.open("rb") as file:
        start = file.read(4)
    if start in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        from pnp_course.tiff_files import read_tiff

        return read_tiff(path)
    return read_by_pillow(path)


def _read_npy(path: Path) -> Pixels:
    array = np.load(path, allow_pickle=False, mmap_mode="r")
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[-1] not in (1, 2, 3, 4)) or array.size == 0:
        raise ImageError(f"holds an array of shape {array.shape}; wanted one picture, (H, W) or (H, W, 1 to 4).")
    check_size(array.shape[0], array.shape[1], path)
    array = np.asarray(array)
    array = array[..., None] if array.ndim == 2 else array
    top = np.iinfo(array.dtype).max if array.dtype.kind == "u" else 1
    return with_alpha(array, top) if array.shape[-1] in (2, 4) else Pixels(array, top)


def with_alpha(array: np.ndarray, top: float, associated: bool = False) -> Pixels:
    """Pixels of samples (H, W, C + 1), of which the last one is alpha."""
    return Pixels(array[..., :-1], top, array[..., -1], associated)


@contextmanager
def quietly() -> Iterator[None]:
    """Silence the readers' own warnings about size and unusual metadata; an ImageError says what matters."""
    from PIL import Image

    logging.getLogger("tifffile").addHandler(logging.NullHandler())
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def read_by_pillow(path: Path) -> Pixels:
    """A picture that Pillow opens, turned upright."""
    from PIL import Image

    Image.init()
    with quietly(), Image.open(path, formats=[name for name in FORMATS if name in Image.OPEN]) as file:
        check_size(file.height, file.width, path)
        frames = getattr(file, "n_frames", 1)
        if file.format in MOVING and frames > 1:
            raise ImageError(f"holds {frames} frames; wanted one picture: save the frame that you want by itself.")
        pixels = _pixels_of(file, path)
        # Pillow turns a TIFF itself while it loads it
        return pixels if file.format == "TIFF" else pixels.turned(file.getexif().get(ORIENTATION, 1))


def _pixels_of(file: Any, path: Path) -> Pixels:
    raw = file.tile[0].args if file.format == "PNG" and file.tile else ""
    if file.format == "PPM" and file.mode not in ("1", "F"):
        return _read_pnm(file, path)
    if raw == "LA;16B":  # two samples of two bytes are packed as four samples of one byte are
        file._mode, file.tile = "RGBA", [file.tile[0]._replace(args="RGBA")]
        return with_alpha(np.array(file).view(">u2"), 65535)
    if raw in ("RGB;16B", "RGBA;16B"):
        array = _both_bytes(file, path)
        return with_alpha(array, 65535) if raw == "RGBA;16B" else _keyed(array, 65535, file.info.get("transparency"))
    file.load()
    mode, key = file.mode, file.info.get("transparency")
    if mode in ("La", "RGBa"):
        return with_alpha(np.array(file), 255, associated=True)
    if mode in ("LA", "RGBA"):
        return with_alpha(np.array(file), 255)
    if mode in ("PA", "P") and (mode == "PA" or key is not None or file.palette.mode == "RGBA"):
        return with_alpha(np.array(file.convert("RGBA")), 255)
    if mode == "F":
        return Pixels(np.array(file)[..., None])
    if mode.startswith("I;16") or (mode == "I" and file.format == "PNG"):  # older Pillows hold 16 bits in 32
        return _keyed(np.array(file).astype(np.uint16)[..., None], 65535, key)
    if mode in ("1", "L"):
        steps = {"L;2": 3, "L;4": 15}.get(raw)  # the key of a PNG is in the units of the file
        return _keyed(np.array(file.convert("L"))[..., None], 255, key * (255 // steps) if steps and key else key)
    if mode in ("RGB", "P", "CMYK", "YCbCr", "RGBX"):
        return _keyed(np.array(file.convert("RGB")), 255, key if mode == "RGB" else None)
    raise ImageError(f"pixels are of a kind ({mode}) that is not read; wanted 8 or 16 bit integers, gray or RGB.")


def _keyed(array: np.ndarray, top: float, key: Any) -> Pixels:
    """Pixels of which one colour, `key`, is declared transparent."""
    if not isinstance(key, int | tuple):
        return Pixels(array, top)
    opaque = (array != np.array(key)).any(-1)
    return Pixels(array, top, opaque * array.dtype.type(top))


def _both_bytes(file: Any, path: Path) -> np.ndarray:
    """All 16 bits of a colour PNG: Pillow keeps a sample's first byte or, with the other byte order, its second one."""
    from PIL import Image

    array = np.array(file).astype(np.uint16) << 8
    with Image.open(path, formats=("PNG",)) as again:
        again.tile = [tile._replace(args=str(tile.args).replace(";16B", ";16L")) for tile in again.tile]
        array |= np.array(again)
    return array


def _read_pnm(file: Any, path: Path) -> Pixels:
    """Read portable gray and colour maps at their own depth; Pillow has read the header, but would scale to 8 bits."""
    tile = file.tile[0]
    top = tile.args[1] if isinstance(tile.args, tuple) else 65535 if tile.args == "I;16B" else 255
    shape = (file.height, file.width, 3 if file.mode == "RGB" else 1)
    count = shape[0] * shape[1] * shape[2]
    if tile.codec_name == "ppm_plain":
        array = np.array(path.read_bytes()[tile.offset :].split()[:count]).astype(np.uint16)
    else:
        array = np.fromfile(path, ">u2" if top > 255 else np.uint8, count, offset=tile.offset)
    if array.size < count or array.max() > top:
        raise ImageError("is cut short, or has values above the largest that it declares.")
    return Pixels(array.reshape(shape), top)
