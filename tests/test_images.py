"""Reading what people have: sizes, depths, colour, rotation; and refusing what is no picture."""

import numpy as np
import pytest
import torch
from PIL import Image

from pnp_course import datasets, images


@pytest.mark.parametrize("name", list(images.PHOTOS))
def test_every_photo_is_there(name):
    x = images.photo(name)
    assert x.dtype == torch.float32
    assert x.ndim == 4
    assert x.shape[1] in (1, 3)
    assert 0 <= x.min() < 0.2 < 0.7 < x.max() <= 1


def test_photo_size_and_unknown_name():
    assert images.photo("camera", 100).shape == (1, 1, 100, 100)
    assert images.photo("coffee", 333).shape == (1, 3, 333, 333)
    with pytest.raises(ValueError, match="astronaut, camera"):
        images.photo("lena")
    with pytest.raises(ValueError, match="does not fit"):
        images.photo("camera", 5000)


GRADIENT = np.linspace(0, 255, 6 * 4).reshape(6, 4).astype(np.uint8)


WHERE = {"CMYK": "a.jpg", "tiff L": "a.tif", "tiff P": "a.tif", "tiff CMYK": "a.tif", "tiff lzw": "a.tif"}


@pytest.mark.parametrize(
    "mode", ["L", "RGB", "RGBA", "LA", "P", "1", "CMYK", "tiff L", "tiff P", "tiff CMYK", "tiff lzw"]
)
def test_modes(tmp_path, mode):
    """Every kind of file gives the gradient it was made of; a palette, JPEG and bilevel pictures only roughly."""
    path = tmp_path / WHERE.get(mode, "a.png")
    options = {"compression": "tiff_lzw"} if mode == "tiff lzw" else {"quality": 100} if mode == "CMYK" else {}
    kind = "RGB" if mode == "tiff lzw" else mode.removeprefix("tiff ")
    Image.fromarray(GRADIENT).convert(kind).save(path, **options)
    x = images.read_image(path)
    want = GRADIENT > 127 if kind == "1" else GRADIENT / 255
    assert x.shape == (1, 1 if kind in ("L", "LA", "1") else 3, 6, 4)
    bound = {"P": 0.1, "1": 1.0, "CMYK": 0.03}.get(kind, 1e-6)
    assert float((x[0, 0] - torch.from_numpy(want.astype(np.float32))).abs().mean()) <= bound


def test_transparent_colour_of_a_png_without_alpha(tmp_path):
    """tRNS: one colour is declared transparent; it shows as white, and gray stays gray."""
    Image.fromarray(GRADIENT).save(tmp_path / "a.png", transparency=0)
    x = images.read_image(tmp_path / "a.png")
    assert x[0, :, 0, 0].tolist() == [1]


def test_tiff_of_the_other_byte_order_and_big_endian_npy(tmp_path):
    values = np.array([[0, 1000], [30000, 65535]], dtype=">u2")
    np.save(tmp_path / "a.npy", values)
    want = torch.from_numpy(values.astype(np.uint16) / 65535).float()
    torch.testing.assert_close(images.read_image(tmp_path / "a.npy")[0, 0], want)


def test_sixteen_bit_gray_keeps_its_depth(tmp_path):
    values = np.array([[0, 1, 257], [30000, 65534, 65535]], dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    torch.testing.assert_close(images.read_image(tmp_path / "a.png")[0, 0], torch.from_numpy(values / 65535).float())


def test_sixteen_bit_colour_tiff(tmp_path):
    import tifffile

    values = np.random.default_rng(0).integers(0, 65536, (5, 4, 3), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", values)
    want = torch.from_numpy(values / 65535).float().permute(2, 0, 1)
    torch.testing.assert_close(images.read_image(tmp_path / "a.tif")[0], want)


def test_exif_rotation(tmp_path):
    picture = Image.fromarray(np.stack([GRADIENT] * 3, -1))
    exif = picture.getexif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to view
    picture.save(tmp_path / "a.png", exif=exif)
    x = images.read_image(tmp_path / "a.png")
    want = torch.from_numpy(np.rot90(GRADIENT, -1).copy() / 255).float()
    torch.testing.assert_close(x[0, 0], want)


def test_transparency_lies_on_white(tmp_path):
    rgba = np.zeros((2, 2, 4), np.uint8)
    rgba[0, 0] = (255, 0, 0, 255)
    Image.fromarray(rgba).save(tmp_path / "a.png")
    x = images.read_image(tmp_path / "a.png")[0]
    assert x[:, 0, 0].tolist() == [1, 0, 0]
    assert x[:, 1, 1].tolist() == [1, 1, 1]


def test_bad_files(tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    Image.fromarray(GRADIENT).save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:60])
    np.save(tmp_path / "nan.npy", np.array([[0.1, np.nan]]))
    np.save(tmp_path / "none.npy", np.zeros((0, 3)))
    np.save(tmp_path / "volume.npy", np.zeros((3, 4, 5, 3)))
    np.save(tmp_path / "counts.npy", np.ones((4, 4), dtype=np.int64))
    wanted = {
        "text.png": "not an image", "empty.png": "not an image", "cut.png": "not an image", "nan.npy": "1 value.* NaN",
        "none.npy": "shape", "volume.npy": "one picture", "counts.npy": "8 or 16 bit", "missing.png": "no such file",
    }  # fmt: skip
    for name, what in wanted.items():
        with pytest.raises(images.ImageError, match=what) as caught:
            images.read_image(tmp_path / name)
        assert name in str(caught.value)


@pytest.mark.parametrize("suffix", [".npy", ".tif", ".png"])
@pytest.mark.parametrize("channels", [1, 3])
def test_write_and_read_back(tmp_path, suffix, channels):
    x = torch.rand(1, channels, 5, 7) * 1.2 - 0.1
    images.write_image(x, tmp_path / f"a{suffix}")
    got = images.read_image(tmp_path / f"a{suffix}")
    if suffix == ".png":
        torch.testing.assert_close(got, x.clamp(0, 1), atol=0.51 / 255, rtol=0)
    else:
        assert torch.equal(got, x)
    assert [p.name for p in tmp_path.iterdir()] == [f"a{suffix}"]  # nothing half-written beside it


@pytest.mark.parametrize(("name", "what"), [("none/a.png", "no folder"), ("", "is a folder"), ("a.xyz", "use .png")])
def test_outputs_are_checked_before_the_work(tmp_path, name, what):
    with pytest.raises(images.ImageError, match=what):
        images.check_output(tmp_path / name)


def test_unknown_ending_leaves_nothing(tmp_path):
    with pytest.raises(images.ImageError, match=r"use \.png"):
        images.write_image(torch.zeros(1, 1, 4, 4), tmp_path / "a.xyz")
    assert not list(tmp_path.iterdir())


def test_shrink_and_channels():
    x = torch.rand(1, 3, 100, 50)
    assert images.shrink(x, 40).shape == (1, 3, 40, 20)
    assert images.shrink(x, 200) is x
    gray = images.to_channels(torch.full((1, 3, 2, 2), 0.4), 1)
    torch.testing.assert_close(gray, torch.full((1, 1, 2, 2), 0.4))
    assert images.to_channels(gray, 3).shape == (1, 3, 2, 2)


# named data sets


def test_registry_is_complete():
    sizes = {name: len(files) for name, files in datasets.registry().items()}
    assert sizes == {"bsd400": 400, "cbsd68": 68, "set3c": 3, "levin": 8, "spad": 2}


def test_missing_data_names_both_ways(monkeypatch, tmp_path):
    monkeypatch.setenv("PNP_COURSE_DATA", str(tmp_path))
    with pytest.raises(
        datasets.MissingDataError, match=r"let it download from https://.*put its files into a folder levin/"
    ):
        datasets.dataset("levin")
    with pytest.raises(ValueError, match="bsd400, cbsd68"):
        datasets.dataset("imagenet")


def test_a_file_that_is_not_what_it_should_be_is_refused(monkeypatch, tmp_path):
    (tmp_path / "levin").mkdir()
    for i in range(1, 9):
        images.write_image(torch.ones(1, 1, 5, 5), tmp_path / "levin" / f"levin_{i}.png")
    monkeypatch.setenv("PNP_COURSE_DATA", str(tmp_path))
    with pytest.raises(datasets.MissingDataError, match=r"levin_1\.png is not the file of data set 'levin'"):
        datasets.levin_kernels()


@pytest.fixture
def web(monkeypatch, tmp_path):
    """A stand-in for the public sites: a server on the loopback address with one small set."""
    import hashlib
    import http.server
    import threading
    from functools import partial

    site = tmp_path / "site"
    site.mkdir()
    (site / "one.png").write_bytes(b"first file")
    (site / "bad.png").write_bytes(b"not what the registry says")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    right = hashlib.sha256(b"first file").hexdigest()
    monkeypatch.delenv("PNP_COURSE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets, "DATASETS", {"toy": datasets.DataSet("toy", (f"{url}/nowhere", url))})
    files = {"toy": {"one.png": right}}
    monkeypatch.setattr(datasets, "registry", lambda: files)
    yield files
    server.shutdown()


def test_download_checks_and_keeps(web):
    (path,) = datasets.dataset("toy")  # the first folder has no such file, the second serves
    assert path.read_bytes() == b"first file"
    before = path.stat().st_mtime_ns
    (again,) = datasets.dataset("toy")
    assert again == path
    assert again.stat().st_mtime_ns == before  # not fetched twice


def test_download_with_a_wrong_checksum_is_refused(web):
    web["toy"] = {"bad.png": "0" * 64}
    with pytest.raises(datasets.MissingDataError, match="toy"):
        datasets.dataset("toy")
