"""The noise levels a denoiser is good for: stated by its card, refused outside, found by measurement."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from pnp_course import available_denoisers, datasets, images, load_denoiser, metrics
from pnp_course._checks import any_level
from pnp_course.denoisers import DRUNet, GradientStep, GrayFromColour, averaged, levels, zoo
from pnp_course.denoisers.dncnn import DnCNN, FFDNet
from pnp_course.jacobian import dense, jv, linearize
from pnp_course.training.validation import levels_of

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("name", available_denoisers())
def test_every_card_states_levels_that_hold_those_it_was_measured_at(name):
    card = zoo.denoiser_card(name)
    low, high = card["sigma_range"]
    assert card["schema_version"] == zoo.SCHEMA_VERSION
    assert all(low <= level <= high for level in levels_of(card["training"].get("noise", "gaussian")).values())
    assert 0 <= low < card["training"]["sigma_max"] <= high
    assert load_denoiser(name).sigma_range == (low, high)


@pytest.mark.parametrize("name", [n for n in available_denoisers() if zoo.denoiser_card(n)["sigma_range"][0] > 0])
def test_levels_below_are_needed_and_levels_inside_behave(name):
    """On pictures other than those the bound was chosen on: other places, sizes, contrasts and phases."""
    net, (low, high) = load_denoiser(name), zoo.denoiser_card(name)["sigma_range"]
    x = torch.zeros(8, 3, 48, 48)
    x[0, :, 21:24, 30:33], x[1, :, 13:15, 13:15], x[2, 1, 20:24, 20:24] = 1, 1, 1  # spots, a green one
    x[3, :, ::2], x[4, :, 1::4], x[5, :, ::2, 1::2] = 1, 1, 1  # rows and a grid of dots
    yy, xx = torch.meshgrid(torch.arange(48), torch.arange(48), indexing="ij")
    x[6], x[7] = ((yy + 1) // 2 + xx // 2) % 2, 0.2 + 0.6 * (((yy // 2 + xx // 2) % 2).float())
    x = x.clamp_min(1e-3)
    for level in (low, 1.5 * low, high):
        assert levels.excess(net, x, level) < levels.EXCESS, level
    bad = levels.hard_pictures(3) if name == "coco-gs-relaxed" else x  # which behaves at level 0 on all other pictures
    with any_level():
        assert levels.excess(net, bad, 0.0) > 2 * levels.EXCESS


def test_the_white_spot_on_black():
    """What the range is for: at level 0 the answer to a white spot was 200."""
    net, x = load_denoiser("coco-gs-0.25"), torch.zeros(1, 3, 64, 64)
    x[..., 32:35, 32:35] = 1
    with any_level():
        assert net(x, 0.0).abs().max() > 100
    with pytest.raises(
        ValueError, match=r"sigma is 0 \(0/255\); this denoiser is good for noise levels from 0\.0\d+ to"
    ):
        net(x, 0.0)
    assert -0.2 < float(net(x, net.sigma_range[0]).min()) < float(net(x, net.sigma_range[0]).max()) < 1.2


def asked_for_more(name):
    """Is its high end well beyond its training? A network blind to the level asked for has nothing to show there."""
    card = zoo.denoiser_card(name)
    return card["sigma_range"][1] > 1.2 * card["training"]["sigma_max"] and card["architecture"] != "dncnn"


@pytest.mark.parametrize("name", filter(asked_for_more, available_denoisers()))
def test_colour_denoisers_follow_the_noise_beyond_their_training(name):
    """Up to the card's high end, which gray pictures ask for: better than asked for the strongest noise of training."""
    trained, high = zoo.denoiser_card(name)["training"]["sigma_max"], zoo.denoiser_card(name)["sigma_range"][1]
    net, x = load_denoiser(name), images.photo("coffee", 128)
    noisy = x + high * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert metrics.psnr(net(noisy, high), x) > metrics.psnr(net(noisy, trained), x) + 2


def make(kind, bounds=(0.05, 0.2)):
    torch.manual_seed(0)
    network = {
        "drunet": lambda: DRUNet(3, (4, 4, 4, 4), 1), "dncnn": lambda: DnCNN(3, 4, 3), "ffdnet": lambda: FFDNet(3, 4, 3),
        "step": lambda: DRUNet(3, (4, 4, 4, 4), 1, "elu"),
    }[kind]()  # fmt: skip
    network.sigma_range = bounds
    return (GradientStep(network) if kind == "step" else network).eval().requires_grad_(False)


@pytest.mark.parametrize("kind", ["drunet", "dncnn", "ffdnet", "step"])
def test_every_way_in_is_guarded(kind):
    net, x = make(kind), torch.rand(2, 3, 8, 8)
    assert net.sigma_range == (0.05, 0.2)
    ways = [net, averaged(net, 0.5), lambda z, s: GrayFromColour(net, 1.0)(z[:, :1], s)]
    if kind == "step":
        ways += [net.denoise_and_value, net.value, net.gradient_and_value]
    for way in ways:
        for good in (0.05, 0.2, torch.tensor([0.05, 0.2]), torch.tensor(0.1)):
            way(x, good)
        for bad in (0.049, 0.21, torch.tensor([0.1, 0.3]), torch.tensor([0.0, 0.1]), float("nan")):
            with pytest.raises(ValueError, match=r"good for noise levels from 0\.05 to 0\.2 "):
                way(x, bad)
    net.train()
    net(x, 0.3)  # training finds out what it can do
    net.eval()
    with any_level():
        net(x, 0.0)


def test_jacobians_of_a_network_with_bounds(generator):
    """The gated network is run at level 0, which is no denoising."""
    net, x = make("drunet").double(), torch.rand(2, 3, 8, 8, generator=generator, dtype=torch.float64)
    v = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    want = jv(lambda z: net(z, 0.1), x, v)
    torch.testing.assert_close(linearize(net, x, 0.1).j(v), want, atol=1e-12, rtol=0)
    assert dense(lambda z: net(z, 0.1), x[:1]).shape == (1, 192, 192)
    with pytest.raises(ValueError, match="good for noise levels"):
        linearize(net, x, 0.3)


class Breaks(nn.Module):
    """Identity from a level on; below, one picture gets a pixel of `height`."""

    in_channels = 1

    def __init__(self, level, height=5.0):
        super().__init__()
        self.level, self.height = level, height

    def forward(self, x, sigma):
        return x + self.height * (x == 1) * (sigma < self.level)


def test_the_bound_is_a_quarter_above_where_a_denoiser_breaks():
    high = 0.2 * levels.TOLERANCE
    assert levels.sigma_range(Breaks(0.0), 0.2) == (0.0, pytest.approx(high))
    assert levels.sigma_range(Breaks(0.03, 0.9), 0.2)[0] == 0  # leaves [0, 1] by less than its width
    for level in (0.0011, 0.01, 0.03, 0.06):
        low = levels.sigma_range(Breaks(level), 0.2)[0]
        step = 2 ** (1 / levels.STEPS_PER_OCTAVE)
        assert level * levels.MARGIN / step <= low * (1 + 1e-3) <= level * levels.MARGIN * (1 + 2e-3)
    assert levels.sigma_range(Breaks(1e-6), 0.2)[0] == pytest.approx(levels.MARGIN * levels.LOWEST, rel=1e-3)
    colour = Breaks(0.0)
    colour.in_channels = 3
    assert levels.sigma_range(colour, 0.2)[1] == pytest.approx(high * 3**0.5, rel=1e-3)
    assert levels.sigma_range(colour, 0.1, "inverse gamma")[1] == pytest.approx(0.105)
    with pytest.raises(ValueError, match=r"behaves from 0\.1 up: train it longer"):
        levels.sigma_range(Breaks(0.5), 0.2)


def card_of(tmp_path, change):
    for suffix in ("json", "safetensors"):
        shutil.copy(zoo.FOLDER / f"drunet-gray.{suffix}", tmp_path)
    card = json.loads((tmp_path / "drunet-gray.json").read_text())
    change(card)
    (tmp_path / "drunet-gray.json").write_text(json.dumps(card))


@pytest.mark.parametrize("version", [zoo.SCHEMA_VERSION + 1, 0, "1", None])
def test_cards_of_another_version_are_refused(version, tmp_path):
    card_of(tmp_path, lambda card: card.update(schema_version=version))
    words = f"drunet-gray.json is a card of schema version {version!r}; this release reads versions up to 1: install a newer"
    with pytest.raises(zoo.WeightsError, match=words):
        load_denoiser("drunet-gray", folder=tmp_path)


@pytest.mark.parametrize("levels_given", [[0.2, 0.1], [0.1], 0.3, [-0.1, 0.2], [0, float("nan")], None, ["a", "b"]])
def test_cards_with_a_broken_range_are_refused(levels_given, tmp_path):
    card_of(tmp_path, lambda card: card.update(sigma_range=levels_given))
    with pytest.raises(zoo.WeightsError, match=r"sigma_range is .*; wanted two noise levels"):
        load_denoiser("drunet-gray", folder=tmp_path)


def test_a_card_of_a_training_run_states_no_range(tmp_path):
    card_of(tmp_path, lambda card: [card.pop(key) for key in ("sigma_range", "schema_version")])
    net = load_denoiser("drunet-gray", folder=tmp_path)
    assert net.sigma_range is None
    net(torch.rand(1, 1, 8, 8), 0.9)


def test_a_registry_of_another_version_is_refused():
    assert datasets._parse("schema_version 1\nlevin/a.png 12\n")["levin"] == {"a.png": "12"}
    for text in ("schema_version 2\n", "levin/a.png 12\n"):
        with pytest.raises(datasets.MissingDataError, match=r"registry\.txt begins with .*; this release reads"):
            datasets._parse(text)


@pytest.mark.parametrize("kind", ["drunet", "dncnn", "ffdnet", "step"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_another_precision_than_the_network_has(kind, dtype):
    words = f"x is {dtype} on cpu and the denoiser's weights are torch.float32 on cpu; wanted the same"
    with pytest.raises(ValueError, match=words):
        make(kind)(torch.rand(1, 3, 8, 8).to(dtype), 0.1)
    assert make(kind).to(torch.float64)(torch.rand(1, 3, 8, 8).double(), 0.1).dtype == torch.float64


@pytest.mark.parametrize("kind", ["drunet", "dncnn", "ffdnet", "step"])
def test_arrays_and_integers(kind):
    with pytest.raises(ValueError, match="x is a ndarray; wanted a torch tensor"):
        make(kind)(torch.rand(1, 3, 8, 8).numpy(), 0.1)
    with pytest.raises(ValueError, match=r"x has dtype torch\.uint8; wanted floating point"):
        make(kind)(torch.zeros(1, 3, 8, 8, dtype=torch.uint8), 0.1)


def test_recard_measures_the_levels_alone(tmp_path):
    """The card of a network that answers 0 to everything: range and schema version are written, the rest is kept."""
    net = DRUNet(1, (4, 4, 4, 4), 1)
    weights = {key: torch.zeros_like(value) for key, value in net.state_dict().items()}
    said = {"training": {"sigma_max": 0.2}, "psnr_cbsd68": {"25": 12.3}}
    before = json.loads(zoo.save_denoiser("mini", "drunet", net.config, weights, said, tmp_path).read_text())
    command = [sys.executable, "tools/recard.py", "mini", "--only-levels", "--folder", str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    said = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
    assert said == "mini: {'25': 12.3}, noise levels 0.0 to 0.21\n"
    after = json.loads((tmp_path / "mini.json").read_text())
    assert after == before | {"sigma_range": [0.0, 0.21]}
    assert load_denoiser("mini", folder=tmp_path).sigma_range == (0.0, 0.21)
