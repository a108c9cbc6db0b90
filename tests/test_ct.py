"""Phantoms, scans, the classical rivals, slices from files, networks of the CT experiment."""

import numpy as np
import pandas
import pytest
import torch

from pnp_course import ct, metrics
from pnp_course.ct import phantoms, sparse_coding, tgv
from pnp_course.ct.networks import RAY, TRAINED_ON, ScanTraining, WNet, level_of, training_scans
from pnp_course.ct.scan import emission, geometry, kappa, least_squares_of_emission, least_squares_of_transmission
from pnp_course.ct.slices import SliceError, read_slices, window_of
from pnp_course.denoisers.drunet import ResidualUNet
from pnp_course.experiments import ct_slices
from pnp_course.experiments.ct_table import EXPERIMENT
from pnp_course.operators import Radon
from pnp_course.solvers import run


@pytest.mark.parametrize("kind", ct.KINDS)
def test_phantoms_are_seeded_bodies_in_air(kind):
    one, again, other = (ct.phantom(kind, seed, 64) for seed in (3, 3, 4))
    assert torch.equal(one, again)
    assert float((one - other).abs().max()) > 0.1
    assert float(one.min()) == 0
    assert float(one.max()) > 0.8
    assert float(one[..., :2, :].max()) == 0  # nothing touches the border
    soft = ((ct.to_hounsfield(one) - 40).abs() < 150).float().mean()
    assert soft > 0.1


def test_training_and_test_share_no_phantom():
    of = lambda cases: {(c["kind"], c["phantom"]) for c in cases}  # noqa: E731
    test, tuning = of(EXPERIMENT.cases["course"](None)), of(EXPERIMENT.tuning())
    trained = {(TRAINED_ON[k % 2], phantoms_seed) for k, phantoms_seed in enumerate(range(10_000, 10_080))}
    assert not test & (tuning | trained)
    assert {kind for kind, _ in test} - set(TRAINED_ON) == {"head"}


def test_hounsfield_units_and_windows():
    hu = torch.tensor([[[[-1000.0, 0.0, 1000.0, 3000.0]]]])
    torch.testing.assert_close(ct.from_hounsfield(hu), torch.tensor([[[[0.0, 0.5, 1.0, 1.0]]]]))
    torch.testing.assert_close(ct.to_hounsfield(ct.from_hounsfield(hu))[..., :3], hu[..., :3])
    shown = ct.window(ct.from_hounsfield(torch.tensor([[[[-160.0, 40.0, 240.0, 900.0]]]])))
    torch.testing.assert_close(shown, torch.tensor([[[[0.0, 0.5, 1.0, 1.0]]]]))


def test_differences_are_shown_in_hounsfield_units():
    clean = ct.from_hounsfield(torch.tensor([[[[0.0, 0.0, 0.0, 50.0]]]]))
    x = ct.from_hounsfield(torch.tensor([[[[0.0, 50.0, -200.0, 50.0]]]]))
    torch.testing.assert_close(
        ct.difference(x, clean, 200), torch.tensor([[[[0.5, 0.75, 0.0, 0.5]]]]), atol=1e-4, rtol=0
    )


def test_a_scan_is_made_on_a_finer_grid():
    """It differs from A clean where there is detail, and agrees with it for a picture without."""
    fine = ct.phantom("chest", 1, 96)
    seen = ct.scan(fine, 12)
    assert seen.clean.shape == (1, 1, 48, 48)
    gap = (seen.operator(seen.clean) - seen.rays).abs().max()
    assert 0.02 < float(gap) < 1.5
    smooth = torch.full((1, 1, 96, 96), 0.5)
    seen = ct.scan(smooth, 12)
    assert float((seen.operator(seen.clean) - seen.rays).abs().max()) < 0.3  # the corners of a square only
    assert float((seen.operator(seen.clean) - seen.rays).abs().mean()) < 0.01
    torch.testing.assert_close(seen.rays.sum(-1), seen.clean.sum().expand(1, 1, 12), rtol=1e-4, atol=0)


def test_counts_have_the_mean_and_the_variance_of_their_model():
    seen = ct.scan(ct.phantom("abdomen", 1, 64), 8)
    y = torch.stack([seen.emission(100, s) for s in range(200)])
    inside = seen.rays > 2
    assert float((y.mean(0) / seen.rays)[inside].mean()) == pytest.approx(1, abs=0.003)
    assert float((y.var(0) * 100 / seen.rays)[inside].mean()) == pytest.approx(1, abs=0.03)
    t = torch.stack([seen.transmission(1000, s) for s in range(200)]).mean(0)
    want = (-kappa(32) * seen.rays).exp()
    assert float((t / want).mean()) == pytest.approx(1, abs=0.005)


def test_least_squares_sees_the_line_integrals():
    seen = ct.scan(ct.phantom("abdomen", 1, 64), 8)
    fit = least_squares_of_transmission(seen.operator, (-kappa(32) * seen.rays).exp(), 1e6)
    torch.testing.assert_close(fit.y, seen.rays, atol=1e-3, rtol=1e-3)
    dark = least_squares_of_transmission(seen.operator, torch.zeros_like(seen.rays), 1e3)
    assert bool(torch.isfinite(dark.y).all())
    assert float(dark.weights.max()) == 0


def test_symmetrised_gradient_has_its_adjoint_and_its_bound(generator):
    w = torch.rand(2, 1, 1, 9, 7, generator=generator, dtype=torch.float64)
    q = torch.rand(3, 1, 1, 9, 7, generator=generator, dtype=torch.float64)
    left, right = (tgv.symmetrised(w) * q).sum(), (w * tgv.symmetrised_transpose(q)).sum()
    assert float(left) == pytest.approx(float(right), rel=1e-12)
    u = torch.rand(1, 1, 9, 7, generator=generator, dtype=torch.float64)
    for _ in range(200):  # power iteration on K^T K
        p, q = tgv.gradient(u) - w, tgv.symmetrised(w)
        u, w = tgv.gradient_transpose(p), tgv.symmetrised_transpose(q) - p
        size = (u.square().sum() + w.square().sum()).sqrt()
        u, w = u / size, w / size
    assert float(size) <= tgv.NORM_OF_DIFFERENCES**2


def test_tgv_of_a_ramp_is_nothing_and_the_algorithm_goes_down():
    x = torch.linspace(0, 1, 16).expand(1, 1, 16, 16)
    assert tgv.tgv_value(x[..., 1:-1, 1:-1], tgv.gradient(x)[..., 1:-1, 1:-1]) < 0.2 * float(tgv.gradient(x).sum())
    seen = ct.scan(ct.phantom("abdomen", 1, 64), 20)
    y = seen.emission(200, 0)
    fit, start = least_squares_of_emission(seen.operator, y), seen.operator.fbp(y)
    steps = tgv.pwls_tgv(fit, start, alpha=0.02)
    values = [fit.value(it.x) + 0.02 * tgv.tgv_value(it.x, it.w) for _, it in zip(range(400), steps, strict=False)]
    assert values[-1] < values[20] < values[0]
    assert abs(values[-1] - values[-50]) < 1e-3 * values[-1]


def test_sparse_coding_solves_each_frequency(generator):
    """One ADMM step from zero has the linear system of its docstring."""
    filters = torch.randn(3, 3, 3, generator=generator)
    coder = sparse_coding.Coder(filters, (8, 10), 1e-9)
    s = torch.rand(1, 1, 8, 10, generator=generator)
    m = coder.code(s, 1) + 0  # l1 = 0: z = m + v, v = 0
    d = coder.d[None]
    mh = torch.fft.rfft2(m)
    left = d.conj() * (d * mh).sum(1, keepdim=True) + (coder.l2 * coder.g + sparse_coding.PENALTY) * mh
    torch.testing.assert_close(left, d.conj() * torch.fft.rfft2(s), atol=2e-3, rtol=2e-3)


def test_pwls_cscgr_improves_on_fbp():
    seen = ct.scan(ct.phantom("abdomen", 1, 128), 30)
    y = seen.emission(100, 0)
    start = seen.operator.fbp(y, "hann", 0.9)
    out = run(sparse_coding.pwls_cscgr(least_squares_of_emission(seen.operator, y), start, beta=0.7, l1=0.01), 5)
    assert metrics.psnr(out.x, seen.clean) > metrics.psnr(start, seen.clean) + 0.5
    assert sparse_coding.learned_filters().shape[0] >= 8


def test_w_net_backprojects_with_the_right_derivative(generator):
    a = Radon(16, 8)
    torch.manual_seed(0)
    small = {"widths": (4, 4, 4, 4), "blocks": 1, "in_channels": 1}
    net = WNet(a, ResidualUNet(**small), ResidualUNet(**small)).double()
    y = torch.rand(1, 1, 8, a.detectors, generator=generator, dtype=torch.float64).requires_grad_(True)
    v = torch.rand(y.shape, generator=generator, dtype=torch.float64)
    (slope,) = torch.autograd.grad(net(y, 0.1).square().sum(), y)
    h = 1e-6
    with torch.no_grad():
        change = (net(y + h * v, 0.1).square().sum() - net(y - h * v, 0.1).square().sum()) / (2 * h)
    assert float((slope * v).sum()) == pytest.approx(float(change), rel=1e-3)


@torch.no_grad()
def test_w_net_begins_as_its_second_network_after_fbp(generator):
    """With a random correction of the sinogram it would begin far behind: FBP multiplies what is rough."""
    seen = ct.scan(ct.phantom("abdomen", 1, 128), 60)
    y, a = seen.emission(500, 0), seen.operator
    torch.manual_seed(0)
    small = {"widths": (4, 4, 4, 4), "blocks": 1, "in_channels": 1}
    net = WNet(a, ResidualUNet(**small, pad_value=0.0), ResidualUNet(**small))
    random_start = a.fbp(RAY * net.rays(y / RAY, 0.05))
    assert metrics.psnr(random_start, seen.clean) < metrics.psnr(a.fbp(y), seen.clean) - 5
    torch.testing.assert_close(net.without_effect()(y, 0.05), net.picture(a.fbp(y), 0.05))


def test_training_draws_scans_with_new_photons():
    from pnp_course.ct.train import PRESETS_CT

    preset = PRESETS_CT["u-net"]
    clean, rays = training_scans(2)
    net = ResidualUNet(in_channels=1, widths=(4, 4, 4, 4), blocks=1)
    training = ScanTraining(
        net, preset, [(255 * x).byte() for x in clean], torch.device("cpu"), scans=(clean, rays), patches=True
    )
    x, z, level = training.draw()
    assert x.shape == z.shape == (8, 1, 64, 64)
    assert not torch.equal(training.draw()[1], z)
    assert level_of(700) <= float(level.min()) <= float(level.max()) <= level_of(70)
    assert float((z - x).square().mean()) < 0.01  # the FBP of that very patch


def test_npy_slices(tmp_path):
    first, second = np.full((8, 9), -1000.0), np.zeros((8, 9))
    np.save(tmp_path / "b.npy", second)
    np.save(tmp_path / "a.npy", first)
    (tmp_path / "notes.txt").write_text("not a slice")
    slices = read_slices(tmp_path)
    assert slices.shape == (2, 1, 8, 9)
    assert float(slices[0].max()) == -1000
    np.save(tmp_path / "c.npy", np.zeros((3, 3)))
    with pytest.raises(ct.SliceError, match="different sizes"):
        read_slices(tmp_path)
    np.save(tmp_path / "c.npy", np.full((8, 9), np.nan))
    with pytest.raises(ct.SliceError, match="72 pixels are NaN"):
        read_slices(tmp_path)
    np.save(tmp_path / "d.npy", np.array(["words"]))
    with pytest.raises(ct.SliceError, match="wanted real numbers"):
        read_slices(tmp_path / "d.npy")
    with pytest.raises(ct.SliceError, match="no such file"):
        read_slices(tmp_path / "nowhere")


def dicom(path, array, **tags):
    """A small CT slice as a file."""
    pydicom = pytest.importorskip("pydicom")
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    data, meta = Dataset(), FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = CTImageStorage, ExplicitVRLittleEndian
    meta.MediaStorageSOPInstanceUID = generate_uid()
    data.file_meta, data.SOPClassUID, data.SOPInstanceUID = meta, CTImageStorage, meta.MediaStorageSOPInstanceUID
    data.SeriesInstanceUID, data.SamplesPerPixel, data.PhotometricInterpretation = "1.2.3", 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
    data.RescaleSlope, data.RescaleIntercept = 2, -1000
    if array is not None:
        data.Rows, data.Columns = array.shape
        data.PixelData = array.astype(np.int16).tobytes()
    for name, value in tags.items():
        setattr(data, name, value)
        if value is None:
            delattr(data, name)
    pydicom.dcmwrite(path, data, enforce_file_format=True)


def test_dicom_series_is_rescaled_and_ordered(tmp_path):
    axes = [1, 0, 0, 0, 1, 0]
    for name, height, value in (("a", 30.0, 3), ("b", 10.0, 1), ("c", 20.0, 2)):
        dicom(
            tmp_path / name, np.full((4, 5), value), ImagePositionPatient=[0, 0, height], ImageOrientationPatient=axes
        )
    (tmp_path / "DIRFILE.txt").write_text("passed over")
    assert read_slices(tmp_path)[:, 0, 0, 0].tolist() == [-998, -996, -994]
    np.save(tmp_path / "extra.npy", np.zeros((2, 2)))
    with pytest.raises(SliceError, match=r"holds \.npy arrays and DICOM files \(.*\); wanted one kind"):
        read_slices(tmp_path)
    (tmp_path / "extra.npy").unlink()
    dicom(tmp_path / "d", np.zeros((4, 5)), SeriesInstanceUID="1.2.4")
    with pytest.raises(ct.SliceError, match="several DICOM series"):
        read_slices(tmp_path)


def test_photometric_interpretation_and_window(tmp_path):
    array = np.array([[0, 1], [2, 3]])
    dicom(tmp_path / "hu", array, PhotometricInterpretation="MONOCHROME1", WindowCenter=[40, 80], WindowWidth=[400, 80])
    assert read_slices(tmp_path / "hu")[0, 0].tolist() == [[-1000, -998], [-996, -994]]
    assert window_of(tmp_path / "hu") == (40.0, 400.0)
    dicom(tmp_path / "raw", array, PhotometricInterpretation="MONOCHROME1", RescaleSlope=None, RescaleIntercept=None)
    assert read_slices(tmp_path / "raw")[0, 0].tolist() == [[3, 2], [1, 0]]
    assert window_of(tmp_path / "raw") is None


@pytest.mark.parametrize(
    ("array", "tags", "said"),
    [
        (None, {}, "has no pixel data"),
        (np.zeros((2, 2)), {"Modality": "MR"}, "is of the modality MR, whose values are no Hounsfield units"),
        (np.zeros((2, 2)), {"NumberOfFrames": 3}, "has 3 frames"),
        (np.zeros((2, 2)), {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "is a colour picture"),
        (np.zeros((2, 2)), {"PhotometricInterpretation": "PALETTE COLOR"}, r"is a colour picture \(PALETTE COLOR\)"),
        (np.zeros((2, 2)), {"Rows": 50}, "cannot be decoded"),
    ],
)
def test_dicom_that_cannot_be_read_correctly(tmp_path, array, tags, said):
    dicom(tmp_path / "x.dcm", array, **tags)
    with pytest.raises(ct.SliceError, match=said) as caught:
        read_slices(tmp_path / "x.dcm")
    assert "\n" not in str(caught.value)


def test_a_real_slice_that_pydicom_ships():
    pytest.importorskip("pydicom")
    from pydicom.data import get_testdata_file

    hu = read_slices(get_testdata_file("CT_small.dcm"))
    assert hu.shape == (1, 1, 128, 128)
    assert -1024 <= float(hu.min()) < -500 < 200 < float(hu.max()) < 3000


def test_slices_of_ones_own_are_scanned_and_restored(tmp_path):
    """A folder of .npy: as many slices as asked, spread over the series; a slice that is no square gets air around it."""
    (tmp_path / "series").mkdir()
    for k in range(3):
        np.save(tmp_path / "series" / f"{k}.npy", ct.to_hounsfield(ct.phantom("head", k, 160))[0, 0, :, 20:140].numpy())
    lines = ct_slices.compare(tmp_path / "series", tmp_path / "out", most=2, methods=["FBP", "U-Net"])
    rows = pandas.read_csv(tmp_path / "out" / "slices.csv", comment="#")
    assert len(rows) == 2 * 2 * 2
    assert "2 slices" in lines[-1]
    mean = rows.groupby(["peak", "method"])["psnr"].mean()
    assert mean[500, "FBP"] > mean[100, "FBP"]
    assert mean[100, "U-Net"] > mean[100, "FBP"] + 1
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["fbp.png", "slice.png", "slices.csv", "u-net.png"]
    square = ct_slices.fine_square(torch.zeros(1, 1, 64, 32))
    assert square.shape == (1, 1, 256, 256)
    assert float(square[..., 60:200, 80:176].min()) == 0.5
    assert float(square[..., :60].max()) == 0


def test_the_emission_prox_is_far_faster_than_its_steps_suggest():
    """Its Newton steps are few at the size of the course: that is what makes the experiment affordable."""
    seen = ct.scan(ct.phantom("head", 1, 128), 30)
    y = seen.emission(100, 0)
    steps, error = emission(geometry(64, 30), y).newton_steps(seen.operator.fbp(y, "hann", 0.9), 1.0)
    assert steps <= 6
    assert error <= 1e-3


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ct.phantom("foot", 0), "no phantom 'foot'"),
        (lambda: ct.phantom("head", 0, 8), "size is 8"),
        (lambda: ct.scan(torch.zeros(1, 1, 33, 33)), "even side"),
        (lambda: ct.scan(torch.zeros(1, 3, 32, 32)), "3 channel"),
        (lambda: ct.scan(torch.zeros(1, 1, 32, 32), 0), "views is 0"),
        (lambda: ct.window(torch.zeros(2), 0, 0), "width is 0"),
        (lambda: ct.difference(torch.zeros(2), torch.zeros(2), -1), "width is -1"),
        (lambda: ct.difference(torch.zeros(2), torch.zeros(3)), "shapes must be equal"),
        (lambda: next(tgv.pwls_tgv(None, torch.zeros(1, 1, 4, 4), alpha=-1)), "alpha is -1"),
    ],
)
def test_bad_input_gets_one_sentence(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_shepp_logan_is_the_modified_one_and_is_restored():
    """Its values between the ellipses are 0.2 in the brain, 0 in a ventricle, 0.3 in the upper tumour (Toft 1996)."""
    x = ct.shepp_logan(128)
    assert x.shape == (1, 1, 128, 128)
    assert 0.9 < float(x.max()) <= 1
    seen = ct.scan(x, 60)
    y = seen.emission(2000, 0)
    fit, start = least_squares_of_emission(seen.operator, y), seen.operator.fbp(y, "hann", 0.9)
    out = run(tgv.pwls_tgv(fit, start, alpha=0.01), 150).x
    assert metrics.psnr(out, seen.clean) > metrics.psnr(start, seen.clean) + 3
    for (px, py), value in (((0.0, -0.75), 0.2), ((-0.22, 0.0), 0.0), ((0.0, 0.35), 0.3)):
        row, column = round(31.5 - 32 * py), round(31.5 + 32 * px)
        assert float(out[..., row - 1 : row + 2, column - 1 : column + 2].mean()) == pytest.approx(value, abs=0.03)
    assert phantoms.KINDS == ("chest", "abdomen", "head")
