"""Every kind of picture file is read truly, or refused in one line: kinds times depths, rotations, transparency.

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
from picture_scene import RNG, SIDES, H, W, assert_shows, random_scene, stored
from PIL import Image

from pnp_course import images, picture_files

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
    "bytes.tga": (in_bytes(FRAME, format="TGA"), "not an image that this program can read"),
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
# the peak since exec: ru_maxrss would count that of the process which started this one
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
print((int(peak.split()[1]) * 1024 - before) / x.nelement())
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
