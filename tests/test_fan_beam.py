"""Fan beam: exact adjoint, the limit of a distant source, chords of a disc, quarter turns, memory, agreement with peers."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from pnp_course.operators import FanBeam, Radon
from pnp_course.operators.projector import quarter_turns


def disc(n, r, x=0.0, y=0.0):
    place = torch.arange(n, dtype=torch.float64) - (n - 1) / 2
    radius = ((place - x) ** 2 + (-place[:, None] - y) ** 2).sqrt()
    return (r + 0.5 - radius).clamp(0, 1)[None, None]


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
@pytest.mark.parametrize("views", [12, 7])
def test_adjoint_dot(dtype, bound, views, generator):
    a = FanBeam(17, views, 30.0)
    x = torch.rand(2, 3, 17, 17, generator=generator, dtype=dtype)
    y = torch.rand(a(x).shape, generator=generator, dtype=dtype)
    left, right = (a(x) * y).sum(), (x * a.adjoint(y)).sum()
    assert abs(left - right) <= bound * abs(left)


def test_a_distant_source_is_a_parallel_beam(generator):
    fan = FanBeam(20, 8, 1e8, detectors=32)
    parallel = Radon(20, fan.angles, detectors=32)
    x = torch.rand(1, 1, 20, 20, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(fan(x), parallel(x), atol=1e-3, rtol=0)


def test_a_disc_casts_its_chords():
    """A ray to u passes the centre at the distance u S / sqrt(S^2 + u^2); the disc is off the centre, at every angle."""
    n, source, r = 96, 150.0, 25.0
    a = FanBeam(n, 8, source)
    y = a(disc(n, r, 8, -5))
    u = torch.arange(a.detectors, dtype=torch.float64) - (a.detectors - 1) / 2
    for k, beta in enumerate(a.angles.tolist()):
        e, q = (math.cos(beta), math.sin(beta)), (-math.sin(beta), math.cos(beta))
        along, across = 8 * q[0] - 5 * q[1] + source, 8 * e[0] - 5 * e[1]
        distance = (u * along - source * across) / (source**2 + u**2).sqrt()
        chord = 2 * (r**2 - distance**2).clamp_min(0).sqrt()
        assert float((y[0, 0, k] - chord).abs().mean()) < 0.006 * 2 * r


@pytest.mark.parametrize("make", [lambda v: Radon(15, v), lambda v: FanBeam(15, v, 25.0)])
def test_quarter_turns_change_nothing(make, generator):
    short, long = make(12), make(12)
    assert short.turns > 1
    long.turns = 1
    x = torch.rand(2, 1, 15, 15, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(short(x), long(x), atol=1e-6, rtol=0)
    torch.testing.assert_close(short.adjoint(short(x)), long.adjoint(long(x)), atol=1e-4, rtol=0)
    assert short.bytes() < 0.6 * long.bytes()


def test_quarter_turns_are_found_where_they_are():
    assert quarter_turns(math.pi * torch.arange(6).double() / 6, 2) == 2
    assert quarter_turns(math.pi * torch.arange(5).double() / 5, 2) == 1
    assert quarter_turns(torch.tensor([0.0, 0.1, 0.2, 0.3]).double(), 2) == 1
    assert quarter_turns(2 * math.pi * torch.arange(6).double() / 6, 4) == 1


def test_memory_of_a_clinical_size_stays_below_two_gigabytes():
    """512 x 512 with 360 views, extrapolated from four of them: the matrices are proportional to the views."""
    two = torch.tensor([0.1, 0.7], dtype=torch.float64)
    a = Radon(512, torch.cat([two, two + math.pi / 2]))
    a(torch.zeros(1, 1, 512, 512))
    assert a.turns == 2
    assert a.bytes() * 360 / 4 < 2e9


@pytest.mark.parametrize("beam", ["parallel", "fan"])
def test_a_clinical_process_was_measured_within_two_gigabytes(beam):
    """Everything that a fresh process held while it built and applied 512 x 512 with 360 views (benchmarks/ct.py)."""
    file = Path(__file__).parents[1] / "benchmarks" / "results" / "ct.json"
    found = json.loads(file.read_text(encoding="utf-8"))["clinical"][beam]
    assert found["matrix_mb"] < found["peak_mb"] <= 2048


def test_fbp_of_a_full_turn_finds_the_disc():
    a, x = FanBeam(64, 180, 100.0), disc(64, 20, 5, 3)
    back = a.fbp(a(x))
    assert float(back[..., 24:36, 32:40].mean()) == pytest.approx(1, abs=0.01)
    assert float((back - x).square().mean().sqrt()) < 0.05


def test_parallel_beam_agrees_with_scikit_image():
    """On a smooth picture; scikit-image interpolates along rays, and turns about pixel n // 2."""
    from skimage.transform import radon

    n = 61
    place = np.arange(n) - n // 2
    x = np.exp(-((place[:, None] - 6) ** 2 + (place - 9) ** 2) / 60.0)
    theirs = radon(x, theta=np.arange(0, 180, 6.0), circle=False)
    a = Radon(n, 30, detectors=theirs.shape[0])
    ours = a(torch.from_numpy(x)[None, None])[0, 0].numpy().T
    assert np.abs(ours - theirs).max() < 0.01 * theirs.max()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: FanBeam(32, 4, 10.0), "the source is 10 pixels from the centre, inside the image"),
        (lambda: FanBeam(32, 4, -1.0), "source is -1"),
        (lambda: FanBeam(32, 4, 60.0)(torch.zeros(1, 1, 8, 8)), "this fan-beam transform is for 32 x 32"),
        (lambda: Radon(8, 4).fbp(torch.zeros(1, 1, 4, 14), "hann", 2.0), "cutoff is 2"),
        (lambda: Radon(8, 0), "views is 0"),
        (lambda: FanBeam(8, [], 20.0), "a whole number of views >= 1"),
        (lambda: Radon(8, [0.0, 0.1]).fbp(torch.zeros(1, 1, 2, 14)), "the 2 views do not divide half a turn evenly"),
        (lambda: FanBeam(8, [0.0, 0.1], 20.0, 14).fbp(torch.zeros(1, 1, 2, 14)), "do not divide a full turn evenly"),
    ],
)
def test_bad_input_gets_one_sentence(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def astra_matrix(kind, n, geometry):
    """ASTRA's matrix for an n x n image, on the CPU."""
    astra = pytest.importorskip("astra", exc_type=ImportError)  # its build for CUDA does not load everywhere
    volume = astra.create_vol_geom(n, n)
    projector = astra.create_projector(kind, astra.create_proj_geom(*geometry), volume)
    matrix = astra.matrix.get(astra.projector.matrix(projector))
    astra.projector.delete(projector)
    return matrix


def test_parallel_beam_agrees_with_astra(generator):
    """ASTRA's strip projector has the same exact areas, in single precision."""
    n, angles = 24, math.pi * torch.arange(9).double() / 9
    a = Radon(n, angles)
    matrix = astra_matrix("strip", n, ("parallel", 1.0, a.detectors, angles.numpy()))
    x = torch.rand(1, 1, n, n, generator=generator, dtype=torch.float64)
    theirs = torch.from_numpy(matrix @ x.flatten().numpy()).reshape(1, 1, 9, -1)
    torch.testing.assert_close(a(x), theirs, atol=2e-4 * float(theirs.max()), rtol=0)


def gaussian_seen(n=48, views=8, source=90.0, wide=60.0):
    """A Gaussian off the centre, and a fan beam that sees it."""
    place = torch.arange(n, dtype=torch.float64) - (n - 1) / 2
    x = torch.exp(-((-place[:, None] - 5) ** 2 + (place + 7) ** 2) / wide)[None, None]
    return x, FanBeam(n, views, source), wide


def test_fan_beam_agrees_with_the_line_integrals_of_a_gaussian():
    x, a, wide = gaussian_seen()
    source = a.source
    u = torch.arange(a.detectors, dtype=torch.float64) - (a.detectors - 1) / 2
    exact = []
    for beta in a.angles.tolist():
        e, q = (math.cos(beta), math.sin(beta)), (-math.sin(beta), math.cos(beta))
        along, across = -7 * q[0] + 5 * q[1] + source, -7 * e[0] + 5 * e[1]
        distance = (u * along - source * across) / (source**2 + u**2).sqrt()
        exact.append((math.pi * wide) ** 0.5 * torch.exp(-(distance**2) / wide))
    exact = torch.stack(exact)[None, None]
    assert float((a(x) - exact).abs().max()) < 0.01 * float(exact.max())


def test_fan_beam_agrees_with_astra():
    """ASTRA's lines see the pixels as boxes."""
    x, a, _ = gaussian_seen()
    n, views, source = a.size, len(a.angles), a.source
    geometry = ("fanflat", 1.0, a.detectors, a.angles.numpy(), source, 0.0)
    theirs = torch.from_numpy(astra_matrix("line_fanflat", n, geometry) @ x.flatten().numpy()).reshape(1, 1, views, -1)
    assert float((a(x) - theirs).abs().max()) < 0.03 * float(theirs.max())
    assert float((a(x) - theirs).abs().mean()) < 0.003 * float(theirs.max())
