"""Shipped weights are what their cards say."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pnp_course import available_denoisers, images, load_denoiser, metrics
from pnp_course.denoisers import zoo
from pnp_course.operators import Blur, kernels
from pnp_course.training.validation import add_noise

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("name", available_denoisers())
def test_loads_and_denoises(name):
    net, card = load_denoiser(name), zoo.denoiser_card(name)
    assert sum(p.numel() for p in net.parameters()) == card["parameters"]
    assert not any(p.requires_grad for p in net.parameters())
    x = images.to_channels(images.photo("coffee", 128), card["config"]["in_channels"])
    kind = card["training"].get("noise", "gaussian")
    level = 1 / 50 if kind == "inverse gamma" else 25 / 255
    noisy = add_noise(x, level, kind)
    with torch.no_grad():
        denoised = metrics.psnr(net(noisy, level), x)
    smoothers = [
        Blur(kernels.gaussian(9, s / 10))(noisy) for s in range(3, 20)
    ]  # the best linear smoothing of this picture
    assert denoised > max(metrics.psnr(z, x) for z in smoothers) + 0.5


def test_the_spine_ships_the_two_denoisers():
    assert {"drunet", "coco-0.25", "coco-gs-0.25", "gs-drunet"} <= set(available_denoisers())


def test_coco_is_far_more_symmetric_than_plain():
    """On a photograph that no card was measured on."""
    from pnp_course.jacobian import Linearized, antisymmetry, power_iteration

    x = images.photo("chelsea", 64)
    noisy = x + 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    start = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))

    def asymmetry(name):
        net = load_denoiser(name)
        return float(power_iteration(antisymmetry(Linearized(lambda z: net(z, 0.1), noisy)), start, 40).norm)

    assert asymmetry("coco-0.25") < 0.25 * asymmetry("drunet")


def test_gradient_steps_are_conservative_to_rounding():
    """Symmetry error below 1e-5 in float32 on a photograph no card was measured on, J v and J^T v by different routes."""
    from pnp_course.jacobian import Linearized, antisymmetry, power_iteration

    x = images.photo("chelsea", 64)
    noisy = x + 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    start = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    for name in ("gs-drunet", "coco-gs-0.25"):
        net = load_denoiser(name)
        found = power_iteration(antisymmetry(Linearized(lambda z: net(z, 0.1), noisy)), start, 4)  # noqa: B023
        assert float(found.norm) < 1e-5, name


def test_fast_is_near():
    """bfloat16: float32 outside, an error of about 1e-3, gradient steps too."""
    x = images.photo("coffee", 64)
    for name in available_denoisers():
        net = load_denoiser(name, fast=True)
        given = images.to_channels(x, zoo.denoiser_card(name)["config"]["in_channels"]).clamp(min=1e-3)
        with torch.no_grad():
            out, exact = net(given, 0.05), load_denoiser(name)(given, 0.05)
        assert out.dtype == torch.float32
        assert 0 < (out - exact).abs().mean() < 5e-3


def test_unknown_name_lists_the_known():
    with pytest.raises(ValueError, match=r"no denoiser 'dncnn2'.*coco-0\.25, .*coco-gs-0\.25, .*drunet"):
        load_denoiser("dncnn2")


def test_damaged_weights_are_refused(tmp_path, monkeypatch):
    for suffix in ("json", "safetensors"):
        shutil.copy(zoo.FOLDER / f"drunet.{suffix}", tmp_path)
    monkeypatch.setattr(zoo, "FOLDER", tmp_path)
    load_denoiser("drunet")
    data = bytearray((tmp_path / "drunet.safetensors").read_bytes())
    data[-1] ^= 1
    (tmp_path / "drunet.safetensors").write_bytes(bytes(data))
    with pytest.raises(zoo.WeightsError, match="SHA-256"):
        load_denoiser("drunet")


def test_weights_of_another_architecture_are_refused(tmp_path):
    from pnp_course.denoisers import DRUNet
    from pnp_course.denoisers.published import CheckpointError

    net = DRUNet(1, (4, 4, 4, 4), 1)
    zoo.save_denoiser("mini", "drunet", net.config | {"widths": [4, 4, 4, 6]}, net.state_dict(), {}, tmp_path)
    with pytest.raises(CheckpointError, match=r"m_down3.1.weight .*\(4, 4, 2, 2\); wanted \(6, 4, 2, 2\)"):
        load_denoiser("mini", folder=tmp_path)


SMALL = {"ridge": {"filters": 4, "size": 3}}  # the others are U-Nets


@pytest.mark.parametrize("architecture", [name for name in zoo.ARCHITECTURES if name not in ("dncnn", "ffdnet")])
def test_every_architecture_round_trips(architecture, tmp_path):
    unet = {"widths": (4, 4, 4, 4), "blocks": 1, "activation": "elu"}
    net = zoo.ARCHITECTURES[architecture](in_channels=1, **SMALL.get(architecture, unet))
    zoo.save_denoiser("mini", architecture, net.config, net.state_dict(), {}, tmp_path)
    again = load_denoiser("mini", folder=tmp_path)
    x = torch.rand(1, 1, 16, 16) + 0.1
    assert type(again) is type(net)
    torch.testing.assert_close(again(x, 0.1), net(x, 0.1).detach(), atol=5e-3, rtol=0)


def test_save_and_load_round_trip(tmp_path, monkeypatch):
    from pnp_course.denoisers import DRUNet

    net = DRUNet(1, (4, 4, 4, 4), 1)
    monkeypatch.setattr(zoo, "FOLDER", tmp_path)
    zoo.save_denoiser("mini", "drunet", net.config, net.state_dict(), {"about": "test"}, tmp_path)
    x = torch.rand(1, 1, 16, 16)
    torch.testing.assert_close(load_denoiser("mini")(x, 0.1), net(x, 0.1), atol=2e-3, rtol=0)  # half precision
    assert json.loads((tmp_path / "mini.json").read_text())["parameters"] == sum(p.numel() for p in net.parameters())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mini.json", "mini.safetensors"]


def test_cards_hold_on_the_test_set():
    """A fresh evaluation of PSNR on CBSD68 gives the card's numbers. Needs the images."""
    from pnp_course import datasets
    from pnp_course.training.validation import measure_psnr

    try:
        files = datasets.dataset("cbsd68")
    except datasets.MissingDataError as error:
        pytest.skip(str(error))
    clean = [images.read_image(path) for path in files]
    for name in ("drunet", "coco-0.25", "gs-drunet", "coco-gs-0.25"):
        fresh = measure_psnr(load_denoiser(name), clean, levels={"25": 25 / 255})
        assert fresh["25"] == pytest.approx(zoo.denoiser_card(name)["psnr_cbsd68"]["25"], abs=0.01)


@pytest.mark.parametrize("tool", ["zoo_page.py", "benchmark_page.py"])
def test_the_pages_written_from_results_are_current(tool):
    subprocess.run([sys.executable, f"tools/{tool}", "--check"], cwd=ROOT, check=True)


@pytest.mark.parametrize("name", zoo.available_denoisers())
def test_every_card_says_what_its_weights_may_be_used_for(name):
    assert zoo.denoiser_card(name)["licence"] == zoo.LICENCE


def test_the_curve_of_steps_is_carried_on_as_a_line_in_their_logarithm(tmp_path, monkeypatch):
    sys.path.insert(0, str(ROOT / "tools"))
    import zoo_steps

    columns = ("preset", "start", "steps", "psnr_15", "psnr_25", "psnr_40", "minutes")
    rows = [("drunet", "s", n, 30 + 0.1 * k, 28 + 0.2 * k, 26 + 0.4 * k, k) for k, n in enumerate((1000, 2000, 4000))]
    rows.append(("other", "s", 8000, 1, 1, 1, 1))
    file = tmp_path / "steps.csv"
    file.write_text("\n".join(",".join(map(str, row)) for row in (columns, *rows)))
    monkeypatch.setattr(zoo_steps, "RESULTS", file)
    points = zoo_steps.rows()
    assert [int(r["steps"]) for r in points] == [1000, 2000, 4000]
    assert zoo_steps.line(points, "25")[0] == pytest.approx(0.2)
    assert zoo_steps.at(points, "40", 16_000) == pytest.approx(27.6)
    assert zoo_steps.needed(points, "15", 30.5) == pytest.approx(32_000)
    text = " ".join(" ".join(zoo_steps.section()).split())
    assert "0.100 / 0.200 / 0.400 dB with each doubling" in text
    assert "would have said 30.20 / 28.40 / 26.80 dB at 4,000 steps" in text
    monkeypatch.setattr(zoo_steps, "RESULTS", tmp_path / "none.csv")
    assert zoo_steps.section() == []


def test_a_row_of_the_curve_of_steps_is_kept_when_the_next_training_fails(tmp_path, monkeypatch):
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import steps as curve

    def training(name: str, count: int) -> dict:
        if count == 20:
            raise KeyboardInterrupt
        return curve.row(name, "start", count, {"15": 30.0, "25": 28.0, "40": 26.0}, seconds=90)

    monkeypatch.setattr(curve, "RESULTS", tmp_path / "steps.csv")
    monkeypatch.setattr(curve, "measured", training)
    monkeypatch.setattr(sys, "argv", ["steps.py", "drunet=10,20,30"])
    with pytest.raises(KeyboardInterrupt):
        curve.main()
    written = (tmp_path / "steps.csv").read_text().splitlines()
    assert written[1:] == ["drunet,start,10,30.0,28.0,26.0,1.5"]
