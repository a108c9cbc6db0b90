"""Every kind of picture file is read truly, or refused in one line: kinds times depths, rotations, orders, planes.

The files are written by tifffile and Pillow, and the kinds of PNG that these do not write by `write_png` below. What a
file must show is computed pixel by pixel from the formats' specifications.
"""

import io
import itertools
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from pnp_course import images, picture_files

H, W = 5, 7
RNG = np.random.default_rng(3)
# which side of the scene the first row and the first column of the stored array show (TIFF 6.0, page 36)
SIDES = {
    1: ("top", "left"), 2: ("top", "right"), 3: ("bottom", "right"), 4: ("bottom", "left"),
    5: ("left", "top"), 6: ("right", "top"), 7: ("right", "bottom"), 8: ("left", "bottom"),
}  # fmt: skip
DEPTHS = {"8": np.uint8, "16": np.uint16, "float32": np.float32}


def stored(scene, orientation):
    """The array that shows `scene` (H, W, S) under this orientation, pixel by pixel."""
    height, width = scene.shape[:2]
    place = {
        "top": lambda i: ("y", i), "bottom": lambda i: ("y", height - 1 - i),
        "left": lambda i: ("x", i), "right": lambda i: ("x", width - 1 - i),
    }  # fmt: skip
    shape = (width, height) if orientation >= 5 else (height, width)
    out = np.empty((*shape, scene.shape[2]), scene.dtype)
    for row, column in itertools.product(*map(range, shape)):
        at = dict(place[side](i) for side, i in zip(SIDES[orientation], (row, column), strict=True))
        out[row, column] = scene[at["y"], at["x"]]
    return out


def random_scene(samples, dtype, top=None):
    if np.dtype(dtype).kind == "f":
        return RNG.random((H, W, samples)).astype(dtype)
    return RNG.integers(0, (top or np.iinfo(dtype).max) + 1, (H, W, samples), dtype=dtype)


def unit(scene):
    return scene.astype(float) / (1 if scene.dtype.kind == "f" else np.iinfo(scene.dtype).max)


def assert_shows(path, want, tolerance=1e-6):
    got = images.read_image(path)
    assert got.dtype == torch.float32
    assert got.is_contiguous()
    assert got.shape == (1, want.shape[2], *want.shape[:2])
    np.testing.assert_allclose(got[0].permute(1, 2, 0).numpy(), want, atol=tolerance, rtol=0)


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


PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


def write_png(path, array, colour_type, depth, *, key=b"", palette=None, orientation=1, interlaced=False):
    """(H, W, S) as a PNG of any kind (PNG specification, chapters 7 to 11)."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    def rows(a):
        for row in a.reshape(len(a), -1):
            bits = np.unpackbits(row.astype(">u2").view(np.uint8)).reshape(-1, 16)[:, 16 - depth :]
            yield b"\0" + np.packbits(bits).tobytes()

    parts = [array[y::dy, x::dx] for y, x, dy, dx in PASSES] if interlaced else [array]
    body = b"".join(b"".join(rows(part)) for part in parts if part.size)
    exif = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 274, 3, 1, orientation, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", array.shape[1], array.shape[0], depth, colour_type, 0, 0, interlaced))
        + (chunk(b"PLTE", palette.tobytes()) if palette is not None else b"")
        + (chunk(b"tRNS", key) if key else b"")
        + chunk(b"eXIf", exif)
        + chunk(b"IDAT", zlib.compress(body))
        + chunk(b"IEND", b"")
    )


# colour type -> (samples, depths)
PNG_KINDS = {0: (1, (1, 2, 4, 8, 16)), 2: (3, (8, 16)), 3: (1, (1, 2, 4, 8)), 4: (2, (8, 16)), 6: (4, (8, 16))}


@pytest.mark.parametrize("orientation", SIDES)
@pytest.mark.parametrize(("kind", "depth"), [(k, d) for k, (_, depths) in PNG_KINDS.items() for d in depths])
def test_png(tmp_path, kind, depth, orientation):
    top = 2**depth - 1
    scene = random_scene(PNG_KINDS[kind][0], np.uint16, top)
    table = RNG.integers(0, 256, (top + 1, 3), dtype=np.uint8) if kind == 3 else None
    clear = scene[2, 3].copy()  # the colour that a tRNS chunk declares transparent
    scene[4, 1] = clear
    for keyed, interlaced in itertools.product((False, True) if kind in (0, 2, 3) else (False,), (False, True)):
        key = b""
        if keyed and kind == 3:  # an alpha for each entry of the palette
            key = bytes(0 if i == clear else 51 if i == 0 else 255 for i in range(top + 1))
        elif keyed:
            key = clear.astype(">u2").tobytes()
        write_png(
            tmp_path / "a.png", stored(scene, orientation), kind, depth, key=key, palette=table,
            orientation=orientation, interlaced=interlaced,
        )  # fmt: skip
        colour, alpha = scene[..., : 1 if kind == 4 else 3] / top, np.ones((H, W, 1))
        if kind == 3:
            colour = table[scene[..., 0]] / 255
            alpha = np.array(list(key))[scene] / 255 if keyed else alpha
        elif keyed:
            alpha = 1.0 - (scene == clear).all(-1, keepdims=True)
        elif kind in (4, 6):
            alpha = scene[..., -1:] / top
        assert_shows(tmp_path / "a.png", colour * alpha + 1 - alpha)


@pytest.mark.parametrize("orientation", SIDES)
@pytest.mark.parametrize(
    ("suffix", "options", "tolerance"),
    [
        ("jpg", {"quality": 100, "subsampling": 0}, 4), ("webp", {"lossless": True}, 0), ("png", {}, 0),
        ("avif", {"quality": 100, "subsampling": "4:4:4"}, 4),
    ],
)  # fmt: skip
def test_rotation_by_exif(tmp_path, suffix, options, tolerance, orientation):
    smooth = np.stack(np.meshgrid(np.linspace(0, 200, 24), np.linspace(30, 255, 16)) * 2, -1)[..., :3].astype(np.uint8)
    picture = Image.fromarray(stored(smooth, orientation))
    exif = picture.getexif()
    exif[274] = orientation
    picture.save(tmp_path / f"a.{suffix}", exif=exif, **options)
    assert_shows(tmp_path / f"a.{suffix}", smooth / 255, tolerance / 255 + 1e-6)


@pytest.mark.parametrize("suffix", ["bmp", "gif", "jp2", "webp", "png", "ppm"])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "P", "I;16"])
def test_kinds_that_pillow_writes(tmp_path, suffix, mode):
    """Whatever Pillow writes without loss comes back."""
    scene = random_scene({"LA": 2, "RGB": 3, "RGBA": 4}.get(mode, 1), np.uint16 if mode == "I;16" else np.uint8)
    picture = Image.fromarray(scene.squeeze(-1) if scene.shape[2] == 1 else scene)
    if mode in ("P", "1"):
        picture = picture.convert(mode)
    lossless = {"webp": {"lossless": True, "exact": True}}.get(suffix, {})
    try:
        picture.save(tmp_path / f"a.{suffix}", **lossless)
    except OSError as error:
        pytest.skip(f"Pillow does not write this kind: {error}")
    if (suffix == "gif" and mode in ("RGB", "RGBA", "LA")) or (suffix in ("gif", "webp") and mode == "I;16"):
        pytest.skip("Pillow makes 8 bits, or 256 colours, of it: the loss is in the file")
    loses_alpha = mode in ("LA", "RGBA") and suffix in ("ppm", "bmp")
    rgba = np.asarray(picture.convert("RGBA")).astype(float) / 255
    want = rgba[..., :3] * (1 if loses_alpha else rgba[..., 3:]) + (0 if loses_alpha else 1 - rgba[..., 3:])
    if mode == "I;16":
        want = scene / 65535
    got = images.to_channels(images.read_image(tmp_path / f"a.{suffix}"), 3)[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(got, np.broadcast_to(want, got.shape), atol=1e-6)


@pytest.mark.parametrize("suffix", ["pgm", "ppm", "pnm"])
@pytest.mark.parametrize("top", [1, 200, 255, 1000, 4095, 65535])
@pytest.mark.parametrize("magic", ["P2", "P3", "P5", "P6"])
def test_pnm(tmp_path, magic, top, suffix):
    scene = random_scene(3 if magic in ("P3", "P6") else 1, np.uint16, top)
    data = f"{magic}\n# made by a test\n{W} {H}\n{top}\n".encode()
    if magic in ("P5", "P6"):
        data += scene.astype(">u2" if top > 255 else np.uint8).tobytes()
    else:
        data += "\n".join(" ".join(map(str, row.ravel())) for row in scene).encode()
    (tmp_path / f"a.{suffix}").write_bytes(data)
    assert_shows(tmp_path / f"a.{suffix}", scene / top)


@pytest.mark.parametrize("order", "<>")
def test_portable_float_map(tmp_path, order):
    scene = random_scene(1, np.float32) * 3 - 1  # rows go from the bottom to the top
    data = f"Pf\n{W} {H}\n{'-' if order == '<' else ''}1.0\n".encode() + scene[::-1].astype(order + "f4").tobytes()
    (tmp_path / "a.pfm").write_bytes(data)
    assert_shows(tmp_path / "a.pfm", scene)


@pytest.mark.parametrize("dtype", ["|b1", "|u1", "<u2", ">u2", "<f2", "<f4", ">f4", ">f8"])
@pytest.mark.parametrize("samples", [1, 2, 3, 4])
def test_npy(tmp_path, dtype, samples):
    top = {"|b1": 1, "|u1": 255, "<u2": 65535, ">u2": 65535}.get(dtype, 1)
    scene = (RNG.random((H, W, samples)) * top).round(0 if top > 1 or dtype == "|b1" else 9).astype(dtype)
    value = scene.astype(float) / top
    want = value if samples in (1, 3) else value[..., :-1] * value[..., -1:] + 1 - value[..., -1:]
    for array in (scene, np.asfortranarray(scene), *([scene[..., 0]] if samples == 1 else [])):
        np.save(tmp_path / "a.npy", array)
        assert_shows(tmp_path / "a.npy", want)


def in_bytes(picture, **options):
    picture.save(file := io.BytesIO(), **options)
    return file.getvalue()


def tiff(array, **options):
    tifffile.imwrite(file := io.BytesIO(), array, **options)
    return file.getvalue()


GRAY = np.arange(H * W, dtype=np.uint8).reshape(H, W)
FRAME = Image.fromarray(GRAY)
REFUSED = {
    "int32.tif": (tiff(GRAY.astype(np.int32)), "pixels are int32; wanted 8 or 16 bit"),
    "uint32.tif": (tiff(GRAY.astype(np.uint32)), "pixels are uint32; wanted 8 or 16 bit"),
    "int16.tif": (tiff(GRAY.astype(np.int16)), "pixels are int16; wanted 8 or 16 bit"),
    "complex.tif": (tiff(GRAY.astype(np.complex64)), "pixels are complex64"),
    "pages.tif": (tiff(np.stack([GRAY] * 3), photometric="minisblack"), "holds 3 pictures; wanted one"),
    "imagej.tif": (tiff(np.stack([GRAY] * 6), imagej=True), "holds 6 pictures; wanted one"),
    "lab.tif": (tiff(np.stack([GRAY] * 3, -1), photometric="cielab"), "of the kind CIELAB"),
    "raw.tif": (tiff(GRAY, photometric="cfa"), "of the kind CFA"),
    "five inks.tif": (
        tiff(np.stack([GRAY] * 5, -1), photometric="separated", extratags=[(332, 3, 1, 2, True)]), "kind SEPARATED"
    ),
    "nan.tif": (tiff(np.full((H, W), np.nan, np.float32)), "35 value"),
    "two.gif": (in_bytes(FRAME, format="GIF", save_all=True, append_images=[FRAME.rotate(90)]), "holds 2 frames"),
    "two.png": (in_bytes(FRAME, format="PNG", save_all=True, append_images=[FRAME.rotate(90)]), "holds 2 frames"),
    "two.webp": (in_bytes(FRAME, format="WEBP", save_all=True, append_images=[FRAME.rotate(90)]), "holds 2 frames"),
    "short.pgm": (b"P5 7 5 65535\n" + bytes(20), "cut short"),
    "above.pgm": (b"P5 2 1 100\n\x0a\xff", "above the largest"),
    "bytes.tga": (in_bytes(FRAME, format="TGA"), "not an image this program can read"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_not_be_read_truly_is_refused(tmp_path, name, recwarn):
    data, message = REFUSED[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(images.ImageError, match=message) as caught:
        images.read_image(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name}")
    assert "\n" not in str(caught.value)
    assert not recwarn.list


def test_a_thumbnail_beside_the_picture_is_passed_over(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(GRAY[::2, ::2], photometric="minisblack", subfiletype=1)
        file.write(GRAY, photometric="minisblack")
    assert_shows(tmp_path / "a.tif", unit(GRAY[..., None]))


def test_sixteen_bit_colour_in_lzw_is_read_or_refused_with_what_to_do(tmp_path, monkeypatch):
    """LZW of 16-bit colour needs imagecodecs; without it nothing is guessed."""
    from pnp_course import tiff_files

    monkeypatch.setattr(tiff_files, "PLAIN", ())  # deflate plays the part of LZW, which tifffile alone cannot write
    monkeypatch.setattr(tiff_files, "find_spec", lambda name: None)
    tifffile.imwrite(tmp_path / "a.tif", random_scene(3, np.uint16), photometric="rgb", compression="zlib")
    with pytest.raises(
        images.ImageError, match=r"16-bit samples compressed by ADOBE_DEFLATE, .* imagecodecs .* install it"
    ):
        images.read_image(tmp_path / "a.tif")


# size


@pytest.mark.parametrize("suffix", ["png", "tif", "npy"])
def test_too_many_pixels_are_refused_with_the_way_to_shrink_them(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(picture_files, "MAX_MEGAPIXELS", 35e-6)
    images.write_image(torch.rand(1, 1, H, W), tmp_path / f"fits.{suffix}")
    images.write_image(torch.rand(1, 1, 10, 14), tmp_path / f"wide.{suffix}")
    assert images.read_image(tmp_path / f"fits.{suffix}").shape == (1, 1, H, W)
    with pytest.raises(images.ImageError, match=rf"holds 14 x 10 pixels.* magick wide\.{suffix} -resize 50% small"):
        images.read_image(tmp_path / f"wide.{suffix}")


def test_no_alarm_of_pillow_below_the_limit(tmp_path, recwarn, monkeypatch):
    """Pillow's own limit does not count, and is in force again afterwards."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    for mode in ("L", "P"):
        Image.fromarray(GRAY).convert(mode).save(tmp_path / "a.png")
        assert images.read_image(tmp_path / "a.png").shape[-2:] == (H, W)
    assert not recwarn.list
    assert Image.MAX_IMAGE_PIXELS == 10


MEMORY = """
import resource, sys
from pathlib import Path
from pnp_course import images
images.read_image(sys.argv[1])  # small: what the readers themselves take
before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
x = images.read_image(sys.argv[2])
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before) / x.nelement())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_memory_for_a_large_picture(tmp_path, suffix):
    """At most 6 bytes for a sample at the peak, of which the result takes 4 and the file's samples 1."""
    for name, size in (("small", (8, 8)), ("large", (4000, 3000))):
        Image.new("RGB", size, (9, 99, 199)).save(tmp_path / f"{name}.{suffix}")
    files = [str(tmp_path / f"{name}.{suffix}") for name in ("small", "large")]
    done = subprocess.run([sys.executable, "-c", MEMORY, *files], capture_output=True, text=True, check=True)
    assert 4 <= float(done.stdout) <= 6
