"""TIFF files as `Pixels`: tifffile decodes them, or Pillow where tifffile needs another package for the compression."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from pnp_course.picture_files import ORIENTATION, ImageError, Pixels, check_size, quietly, read_by_pillow

PLAIN = (1, 8, 32773, 32946)  # none, deflate (two numbers), PackBits: tifffile decodes these by itself
JPEG = (6, 7)
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, INKS, YCBCR = 0, 1, 2, 3, 5, 6
SAMPLES = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, INKS: 4}
INK_SET, SEPARATE, NATIVE = 332, 2, "<" if sys.byteorder == "little" else ">"


def read_tiff(path: Path) -> Pixels:
    """Read the one picture in a TIFF file, turned upright.

    Raises:
        ImageError: the file holds several pictures, or a kind that cannot be read correctly.
    """
    import tifffile
    from PIL import UnidentifiedImageError

    with quietly(), tifffile.TiffFile(path) as file:
        page = _only_page(file)
        check_size(page.imagelength, page.imagewidth, path)
        if _for_pillow(page):
            try:
                return read_by_pillow(path)
            except UnidentifiedImageError:  # a kind of TIFF that Pillow does not know
                raise _needs_codecs(page) from None
        array = page.asarray(squeeze=False)  # (planes, depth, H, W, samples)
        if array.ndim != 5 or array.shape[1] != 1:
            raise ImageError(f"holds an array of shape {page.shape}; wanted one picture, gray or colour.")
        array = np.moveaxis(array[:, 0], 0, -2).reshape(*array.shape[2:4], -1)
        orientation = page.tags.valueof(ORIENTATION, 1)
        return _meant(page, array).turned(orientation)


def _only_page(file: Any) -> Any:
    pages = [page.aspage() for page in file.pages]
    pages = [page for page in pages if not page.is_reduced]  # thumbnails of the same picture
    several = (
        max(len(pages), file.series[0].size // max(1, file.series[0].keyframe.size)) if file.series else len(pages)
    )
    if several != 1:
        raise ImageError(f"holds {several} pictures; wanted one: save the page that you want by itself.")
    return pages[0]


def _for_pillow(page: Any) -> bool:
    """Must Pillow decode this picture? ImageError if tifffile cannot decode it here and Pillow reads it wrongly."""
    photometric, bits = int(page.photometric), page.bitspersample
    if photometric == YCBCR:
        if page.compression not in JPEG:
            raise ImageError("holds luma and chroma (YCbCr) that are not JPEG, which is not read: save it as RGB.")
        return True
    if page.compression in JPEG and photometric in SAMPLES and bits == 8:
        return True
    simple_predictor = page.predictor in (1, 2)
    if (page.compression in PLAIN and simple_predictor and bits in (1, 2, 4, 8, 16, 32, 64)) or find_spec(
        "imagecodecs"
    ):
        return False
    gray = page.samplesperpixel == 1 and photometric == BLACK_IS_ZERO
    mistaken = page.planarconfig == SEPARATE and photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO) and not gray
    mistaken |= page.dtype is not None and page.dtype.kind == "f" and page.parent.byteorder != NATIVE
    if photometric in SAMPLES and (bits <= 8 or gray) and not mistaken:  # Pillow mixes up planes and orders of these
        return True
    raise _needs_codecs(page)


def _needs_codecs(page: Any) -> ImageError:
    return ImageError(
        f"holds {page.bitspersample}-bit samples compressed by {getattr(page.compression, 'name', page.compression)}, for "
        "which the Python package imagecodecs is needed: install it, or save the picture without compression."
    )


def _meant(page: Any, array: np.ndarray) -> Pixels:
    """What the samples (H, W, S) of a page mean."""
    photometric, floats = int(page.photometric), array.dtype.kind == "f"
    colours = SAMPLES.get(photometric, 0)
    odd_inks = photometric == INKS and page.tags.valueof(INK_SET, 1) != 1
    if (
        not colours
        or odd_inks
        or array.shape[-1] < colours
        or (floats and photometric in (WHITE_IS_ZERO, INKS, PALETTE))
    ):
        kind = getattr(page.photometric, "name", photometric)
        raise ImageError(
            f"holds {array.dtype} samples of the kind {kind}, which are not read: save them as gray or RGB."
        )
    if photometric == PALETTE:
        return Pixels(_looked_up(page.colormap, array[..., 0]), 255)
    top = 1.0 if floats or array.dtype == bool else float(2**page.bitspersample - 1)
    pixels = Pixels(array[..., :colours], top, inverted=photometric == WHITE_IS_ZERO, inks=photometric == INKS)
    for extra, kind in enumerate(page.extrasamples, start=colours):
        if kind in (1, 2):  # alpha; extra samples of no declared meaning are left out, as the TIFF specification says
            pixels.alpha, pixels.associated = array[..., extra], kind == 1
            break
    return pixels


def _looked_up(colours: np.ndarray, index: np.ndarray) -> np.ndarray:
    """(H, W, 3) of 8 bits. A palette holds 16 bits, of which some writers fill the upper 8 only, and some the lower 8."""
    table = colours if colours.max() < 256 else colours >> 8
    return table.astype(np.uint8).T[index]
