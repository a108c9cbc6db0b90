"""Photographs as tensors (1, C, H, W), float32 in [0, 1]: those inside scikit-image, and the user's own files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pnp_course._checks import check_finite

# name -> (file inside scikit-image, what it shows and its licence, from scikit-image's own documentation)
PHOTOS = {
    "astronaut": ("astronaut.png", "Eileen Collins, NASA, public domain"),
    "camera": ("camera.png", "Cameraman by Lav Varshney, CC0"),
    "chelsea": ("chelsea.png", "Chelsea the cat by Stefan van der Walt, CC0"),
    "coffee": ("coffee.png", "Coffee cup by Rachel Michetti, CC0"),
    "rocket": ("rocket.jpg", "Falcon 9 launch by SpaceX, CC0"),
    "coins": ("coins.png", "Greek coins from Pompeii, Brooklyn Museum, no known copyright"),
}


class ImageError(ValueError):
    """A file that cannot be read as an image."""


def photo(name: str = "astronaut", size: int | None = None) -> Tensor:
    """A photograph that comes inside scikit-image: no download.

    Args:
        name: one of `PHOTOS`.
        size: if given, the central square of this side, after shrinking the shorter side to 1.2 `size`.

    Returns:
        (1, C, H, W) float32 in [0, 1]; C is 1 or 3.
    """
    if name not in PHOTOS:
        raise ValueError(f"there is no photograph {name!r}; wanted one of {', '.join(PHOTOS)}.")
    import skimage

    x = read_image(Path(skimage.__file__).parent / "data" / PHOTOS[name][0])
    return x if size is None else crop_square(x, size)


def crop_square(x: Tensor, size: int) -> Tensor:
    """Central (size, size) square of (B, C, H, W), after shrinking so that the shorter side is at most 1.2 `size`."""
    short = min(x.shape[-2:])
    if short < size:
        raise ValueError(
            f"the image is {x.shape[-2]} x {x.shape[-1]}; a square of {size} does not fit: ask for {short}."
        )
    if short > 1.2 * size:
        x = shrink(x, int(max(x.shape[-2:]) * 1.2 * size / short))
    top, left = (x.shape[-2] - size) // 2, (x.shape[-1] - size) // 2
    return x[..., top : top + size, left : left + size].contiguous()


def shrink(x: Tensor, longest: int) -> Tensor:
    """Resize (B, C, H, W), antialiased, so that the longer side is at most `longest` pixels; never enlarges."""
    scale = longest / max(x.shape[-2:])
    if scale >= 1:
        return x
    size = [max(1, round(n * scale)) for n in x.shape[-2:]]
    return F.interpolate(x, size=size, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)


def to_channels(x: Tensor, channels: int) -> Tensor:
    """Gray to colour by copying, colour to gray by the luma weights of ITU-R BT.601; (B, C, H, W)."""
    if x.shape[1] == channels:
        return x
    if channels == 3:
        return x.expand(-1, 3, -1, -1).contiguous()
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=x.dtype, device=x.device).reshape(1, 3, 1, 1)
    return (x * weights).sum(1, keepdim=True)


def read_image(path: str | os.PathLike[str]) -> Tensor:
    """Read a picture as (1, C, H, W) float32; C is 1 (gray) or 3 (colour).

    Pictures of 8 and 16 bits are scaled to [0, 1] (16-bit colour needs TIFF; PNG readers give it at 8 bits); TIFF and
    .npy of floats are taken as they are, since observations may leave [0, 1]. EXIF rotation is applied, palettes are
    resolved, transparency is laid on white.

    Raises:
        ImageError: no such file, no image, no pixels, NaN: one sentence.
    """
    path = Path(path)
    if not path.is_file():
        raise ImageError(f"{path}: there is no such file.")
    try:
        array = _read_array(path)
    except Exception as error:  # readers of pictures fail in as many ways as there are broken files
        raise ImageError(f"{path}: not an image this program can read ({type(error).__name__}: {error}).") from error
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[-1] not in (1, 2, 3, 4)) or array.size == 0:
        raise ImageError(
            f"{path}: holds an array of shape {array.shape}; wanted one picture, (H, W) or (H, W, 1 to 4)."
        )
    array = array[..., None] if array.ndim == 2 else array
    x = torch.from_numpy(np.ascontiguousarray(_to_unit(array, path))).permute(2, 0, 1)[None]
    try:
        check_finite(x, str(path))
    except ValueError as error:
        raise ImageError(str(error)) from None
    if x.shape[1] in (2, 4):
        alpha = x[:, -1:]
        x = x[:, :-1] * alpha + (1 - alpha)
    return x.contiguous()


def _read_array(path: Path) -> np.ndarray:
    if path.suffix.lower() == ".npy":
        array = np.load(path, allow_pickle=False)
        return array.astype(array.dtype.newbyteorder("="))  # files may come from machines of the other byte order
    if path.suffix.lower() in (".tif", ".tiff") and _beyond_pillow(path):
        import tifffile

        return tifffile.imread(path)
    from PIL import Image, ImageOps

    with Image.open(path) as file:
        image = ImageOps.exif_transpose(file)
        if "transparency" in image.info or image.mode in ("PA", "RGBa", "La"):
            image = image.convert("RGBA")
        elif image.mode == "1":
            image = image.convert("L")
        elif image.mode in ("P", "CMYK", "YCbCr", "LAB", "HSV", "RGBX"):
            image = image.convert("RGB")
        return np.array(image)


def _beyond_pillow(path: Path) -> bool:
    """Is this TIFF one of floats, or of 16-bit colour? Pillow reads the other kinds, compressed and rotated ones too."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        return page.dtype is not None and (
            page.dtype.kind == "f" or (page.dtype.itemsize == 2 and page.samplesperpixel > 1)
        )


def _to_unit(array: np.ndarray, path: Path) -> np.ndarray:
    """Scale integers by their range to float32 in [0, 1]; leave floats."""
    if array.dtype == bool:
        return array.astype(np.float32)
    if array.dtype == np.int32 and path.suffix.lower() in (".png", ".pgm"):  # Pillow's mode I: 16-bit gray
        return (array / 65535).astype(np.float32)
    if array.dtype in (np.uint8, np.uint16):
        return (array / np.iinfo(array.dtype).max).astype(np.float32)
    if np.issubdtype(array.dtype, np.floating):
        return array.astype(np.float32)
    raise ImageError(f"{path}: pixels are {array.dtype}; wanted 8 or 16 bit integers, or floats in [0, 1].")


EXACT_SUFFIXES = (".npy", ".tif", ".tiff")


def check_output(path: str | os.PathLike[str]) -> Path:
    """Raise ImageError unless `write_image` can write there: asked before the work, not after it."""
    from PIL import Image

    path = Path(path)
    if path.is_dir() or not path.name:
        raise ImageError(f"{path} is a folder; wanted the name of a picture to write, such as out.png.")
    if not path.parent.is_dir():
        raise ImageError(f"{path}: there is no folder {path.parent}: make it first.")
    if not os.access(path.parent, os.W_OK):
        raise ImageError(f"{path}: the folder {path.parent} cannot be written to.")
    Image.init()
    if path.suffix.lower() not in (*EXACT_SUFFIXES, *(e for e, kind in Image.EXTENSION.items() if kind in Image.SAVE)):
        raise ImageError(f"{path}: cannot write a picture with the ending {path.suffix!r}: use .png.")
    return path


def write_image(x: Tensor, path: str | os.PathLike[str]) -> Path:
    """Write one image (1, C, H, W) or (C, H, W).

    .npy and .tif keep the float32 values; other endings are 8-bit pictures, clipped to [0, 1]. The file appears
    under its name only when it is whole.
    """
    path = check_output(path)
    array = x.detach().float().cpu().reshape(x.shape[-3:]).permute(1, 2, 0).numpy()
    array = array[..., 0] if array.shape[-1] == 1 else array
    part = path.with_name(path.stem + ".part" + path.suffix)
    try:
        if path.suffix.lower() == ".npy":
            np.save(part, array)
        elif path.suffix.lower() in (".tif", ".tiff"):
            import tifffile

            tifffile.imwrite(part, array, photometric="rgb" if array.ndim == 3 else "minisblack")
        else:
            from PIL import Image

            Image.fromarray((array.clip(0, 1) * 255).round().astype(np.uint8)).save(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path
