"""Photographs as tensors (1, C, H, W), float32 in [0, 1]: those of scikit-image, and the user's own files."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pnp_course._checks import check_finite
from pnp_course.picture_files import ImageError, read_pixels, to_tensor
from pnp_course.whole_files import whole_files

# name -> (file inside scikit-image, what it shows and its licence, from scikit-image's own documentation)
PHOTOS = {
    "astronaut": ("astronaut.png", "Eileen Collins, NASA, public domain"),
    "camera": ("camera.png", "Cameraman by Lav Varshney, CC0"),
    "chelsea": ("chelsea.png", "Chelsea the cat by Stefan van der Walt, CC0"),
    "coffee": ("coffee.png", "Coffee cup by Rachel Michetti, CC0"),
    "rocket": ("rocket.jpg", "Falcon 9 launch by SpaceX, CC0"),
    "coins": ("coins.png", "Greek coins from Pompeii, Brooklyn Museum, no known copyright"),
}


def photo(name: str = "astronaut", size: int | None = None) -> Tensor:
    """Return a photograph that is part of scikit-image, so that nothing is downloaded.

    Args:
        name: one of `PHOTOS`.
        size: if given, the central square of this side, after shrinking the shorter side to 1.2 `size`.

    Returns:
        (1, C, H, W) float32 in [0, 1]; C is 1 or 3.

    Example:
        >>> photo("astronaut", 96).shape
        torch.Size([1, 3, 96, 96])
    """
    if name not in PHOTOS:
        raise ValueError(f"there is no photograph {name!r}; wanted one of {', '.join(PHOTOS)}.")
    import skimage

    x = read_image(Path(skimage.__file__).parent / "data" / PHOTOS[name][0])
    return x if size is None else crop_square(x, size)


def crop_square(x: Tensor, size: int) -> Tensor:
    """The central (size, size) square of (B, C, H, W), after shrinking so that the shorter side is at most 1.2 `size`."""
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
    """Convert (B, C, H, W): gray to colour by copying, colour to gray by the luma weights of ITU-R BT.601.

    Example:
        >>> to_channels(photo("astronaut", 96), 1).shape
        torch.Size([1, 1, 96, 96])
    """
    if x.shape[1] == channels:
        return x
    if channels == 3:
        return x.expand(-1, 3, -1, -1).contiguous()
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=x.dtype).to(x.device).reshape(1, 3, 1, 1)
    return (x * weights).sum(1, keepdim=True)


def read_image(path: str | os.PathLike[str]) -> Tensor:
    """Read a picture as (1, C, H, W) float32; C is 1 (gray) or 3 (colour).

    Integers of up to 16 bits are scaled to [0, 1] (JPEG 2000 and AVIF give colour at 8 bits); TIFF and .npy of floats
    are taken as they are, since observations may leave [0, 1]. The picture is turned upright as EXIF and TIFF say,
    palettes are resolved, transparency is laid on white.

    Raises:
        ImageError: there is no such file, it is not an image, it has no pixels or a NaN, or it is of a kind that cannot
            be read correctly; the message is one sentence.
    """
    path = Path(path)
    if path.is_dir():
        raise ImageError(f"{path} is a folder; wanted a picture.")
    if not path.is_file():
        raise ImageError(f"{path}: there is no such file.")
    try:
        x = to_tensor(read_pixels(path))
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from None
    except PermissionError:
        raise ImageError(f"{path}: there is no permission to read it.") from None
    except MemoryError:
        raise ImageError(f"{path}: the picture is too large for this machine's memory: shrink it first.") from None
    except Exception as error:  # a broken file can make a reader of pictures raise almost anything
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise ImageError(f"{path}: this is not an image that this program can read ({why}).") from error
    if not torch.isfinite(torch.stack(torch.aminmax(x))).all():
        try:
            check_finite(x, str(path))
        except ValueError as error:
            raise ImageError(str(error)) from None
    return x


EXACT_SUFFIXES = (".npy", ".tif", ".tiff")


def check_output(path: str | os.PathLike[str]) -> Path:
    """Raise ImageError unless `write_image` can write there; a command asks this before its work, not after it."""
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
    with whole_files(path.parent) as scratch:
        save_picture(x, scratch / path.name)
    return path


def save_picture(x: Tensor, path: Path) -> None:
    """Write one image to a file that does not have its final name yet; see `write_image`."""
    array = x.detach().float().cpu().reshape(x.shape[-3:]).permute(1, 2, 0).numpy()
    array = array[..., 0] if array.shape[-1] == 1 else array
    if path.suffix.lower() == ".npy":
        np.save(path, array)
    elif path.suffix.lower() in (".tif", ".tiff"):
        import tifffile

        tifffile.imwrite(path, array, photometric="rgb" if array.ndim == 3 else "minisblack")
    else:
        from PIL import Image

        eight = np.empty(array.shape, dtype=np.uint8)
        for row, values in zip(eight, array, strict=True):  # row by row, since a large picture leaves little memory
            row[...] = (values.clip(0, 1) * 255).round()
        whole = io.BytesIO()  # Pillow does not notice when a full disk takes only a part of the data; Python does
        Image.fromarray(eight).save(whole, format=Image.registered_extensions()[path.suffix.lower()])
        path.write_bytes(whole.getbuffer())
