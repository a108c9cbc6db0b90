"""TIFF: kinds times depths, rotations, byte orders, planes, compressions; each is read truly, or refused in one line.

The files are written by tifffile and Pillow. What a file must show is computed pixel by pixel from the specification.
"""

import itertools
import re

import numpy as np
import pytest
import tifffile
from picture_scene import RNG, SIDES, assert_shows, random_scene, stored, unit
from PIL import Image

from pnp_course import images, tiff_files

DEPTHS = {"8": np.uint8, "16": np.uint16, "float32": np.float32}
# colour -> (samples, how tifffile is told, what a pixel s of samples in [0, 1] looks like on white)
TIFF_COLOURS = {
    "gray": (1, {"photometric": "minisblack"}, lambda s: s),
    "white is zero": (1, {"photometric": "miniswhite"}, lambda s: 1 - s),
    "gray and alpha": (
        2, {"photometric": "minisblack", "extrasamples": ["unassalpha"]}, lambda s: s[:1] * s[1] + 1 - s[1],
    ),
    "rgb": (3, {"photometric": "rgb"}, lambda s: s),
    "rgb and alpha": (4, {"photometric": "rgb", "extrasamples": ["unassalpha"]}, lambda s: s[:3] * s[3] + 1 - s[3]),
    "rgb times alpha": (4, {"photometric": "rgb", "extrasamples": ["assocalpha"]}, lambda s: s[:3] + 1 - s[3]),
    "rgb and something": (4, {"photometric": "rgb", "extrasamples": ["unspecified"]}, lambda s: s[:3]),
    "cmyk": (4, {"photometric": "separated"}, lambda s: (1 - s[:3]) * (1 - s[3])),
    "cmyk and alpha": (
        5, {"photometric": "separated", "extrasamples": ["unassalpha"]},
        lambda s: (1 - s[:3]) * (1 - s[3]) * s[4] + 1 - s[4],
    ),
}  # fmt: skip


@pytest.mark.parametrize("orientation", SIDES)
@pytest.mark.parametrize("colour", TIFF_COLOURS)
@pytest.mark.parametrize("depth", DEPTHS)
def test_tiff(tmp_path, depth, colour, orientation):
    samples, options, look = TIFF_COLOURS[colour]
    scene = random_scene(samples, DEPTHS[depth])
    want = np.array([[look(pixel) for pixel in row] for row in unit(scene)])
    array, path = stored(scene, orientation), tmp_path / "a.tif"
    for order, planes, how in itertools.product(
        "<>", ("contig", "separate"), ({}, {"compression": "zlib"}, {"tile": (16, 16)})
    ):
        if samples == 1:
            data, planar = array[..., 0], {}
        else:
            data, planar = (array if planes == "contig" else np.moveaxis(array, -1, 0)), {"planarconfig": planes}
        tifffile.imwrite(
            path, data, byteorder=order, extratags=[(274, 3, 1, orientation, True)], **options, **planar, **how
        )
        if depth == "float32" and colour in ("white is zero", "cmyk", "cmyk and alpha"):
            with pytest.raises(images.ImageError, match=r"a\.tif: holds float32 samples of the kind"):
                images.read_image(path)
        else:
            assert_shows(path, want)


@pytest.mark.parametrize("orientation", SIDES)
@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "CMYK", "P", "I;16", "F"])
@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_tiff_of_pillow(tmp_path, compression, mode, orientation):
    """Compressions that tifffile leaves to another package too; bits, palettes."""
    dtype = {"I;16": np.uint16, "F": np.float32}.get(mode, np.uint8)
    scene = random_scene({"LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}.get(mode, 1), dtype)
    options = {"tiffinfo": {274: orientation}, "compression": compression}
    if mode == "P":
        table = RNG.integers(0, 256, (256, 3), dtype=np.uint8)
        want = table[scene[..., 0]] / 255
        picture = Image.fromarray(stored(scene, orientation)[..., 0])
        picture.putpalette(table.tobytes())
    elif mode == "1":
        want = scene > 127
        picture = Image.fromarray(stored(scene > 127, orientation)[..., 0])
    else:
        looks = {"LA": "gray and alpha", "RGBA": "rgb and alpha", "CMYK": "cmyk"}
        want = np.array([[TIFF_COLOURS[looks.get(mode, "rgb")][2](pixel) for pixel in row] for row in unit(scene)])
        array = stored(scene, orientation).squeeze(-1) if scene.shape[2] == 1 else stored(scene, orientation)
        picture = (
            Image.frombytes("CMYK", array.shape[1::-1], array.tobytes()) if mode == "CMYK" else Image.fromarray(array)
        )
    assert picture.mode == mode
    picture.save(tmp_path / "a.tif", **options)
    # Pillow, which reads LZW, makes RGB of inks in bytes
    assert_shows(tmp_path / "a.tif", want, 1.01 / 255 if mode == "CMYK" else 1e-6)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("colour", TIFF_COLOURS)
@pytest.mark.parametrize("depth", DEPTHS)
def test_tiff_left_to_pillow(tmp_path, monkeypatch, depth, colour, orientation):
    """Deflate plays the part of LZW, which tifffile alone can neither write nor read: nothing is shown wrong."""
    monkeypatch.setattr(tiff_files, "PLAIN", ())
    monkeypatch.setattr(tiff_files, "find_spec", lambda name: None)
    samples, options, look = TIFF_COLOURS[colour]
    scene = random_scene(samples, DEPTHS[depth])
    if colour == "rgb times alpha":
        scene[..., :3] = np.minimum(scene[..., :3], scene[..., 3:])  # Pillow divides by alpha: in bytes, cut at 255
    want = np.array([[look(pixel) for pixel in row] for row in unit(scene)])
    array = stored(scene, orientation)
    read = 0
    for order, planes in itertools.product("<>", ("contig", "separate") if samples > 1 else ("contig",)):
        data = array[..., 0] if samples == 1 else array if planes == "contig" else np.moveaxis(array, -1, 0)
        planar = {"planarconfig": planes} if samples > 1 else {}
        tag = (274, 3, 1, orientation, True)
        tifffile.imwrite(
            tmp_path / "a.tif", data, byteorder=order, extratags=[tag], compression="zlib", **options, **planar
        )
        try:
            assert_shows(tmp_path / "a.tif", want, 1.01 / 255 if colour in ("cmyk", "rgb times alpha") else 1e-6)
            read += 1
        except images.ImageError as error:
            assert re.search("compressed by ADOBE_DEFLATE, for which .* imagecodecs", str(error))  # noqa: PT017
    if (depth == "8" and colour in ("gray", "rgb", "rgb and alpha", "cmyk")) or (depth == "16" and colour == "gray"):
        assert read == (2 if samples == 1 else 4)


def test_sixteen_bit_colour_in_lzw_is_refused_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(tiff_files, "PLAIN", ())
    monkeypatch.setattr(tiff_files, "find_spec", lambda name: None)
    tifffile.imwrite(tmp_path / "a.tif", random_scene(3, np.uint16), photometric="rgb", compression="zlib")
    with pytest.raises(
        images.ImageError, match=r"16-bit samples compressed by ADOBE_DEFLATE, .* imagecodecs .* install it"
    ):
        images.read_image(tmp_path / "a.tif")


def test_a_thumbnail_beside_the_picture_is_passed_over(tmp_path):
    gray = random_scene(1, np.uint8)[..., 0]
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(gray[::2, ::2], photometric="minisblack", subfiletype=1)
        file.write(gray, photometric="minisblack")
    assert_shows(tmp_path / "a.tif", unit(gray[..., None]))
