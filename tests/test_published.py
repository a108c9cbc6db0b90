"""Published checkpoints, made here from the authors' key names written out, never from our own class."""

import argparse
import sys
import types
from collections import OrderedDict

import pytest
import torch

from pnp_course.denoisers import GradientStep, at_sigma
from pnp_course.denoisers.published import CheckpointError, load_published


def authors_state_dict(channels=3, nc=(4, 6, 8, 10), nb=2, prefix="", seed=0):
    """Names and shapes of the U-Net in KAIR's network_unet.py, layer by layer: (out, in, h, w)."""
    shapes = OrderedDict()
    shapes["m_head.weight"] = (nc[0], channels + 1, 3, 3)
    for scale in (0, 1, 2):
        for block in range(nb):
            for conv in (0, 2):  # ResBlock: conv, activation, conv
                shapes[f"m_down{scale + 1}.{block}.res.{conv}.weight"] = (nc[scale], nc[scale], 3, 3)
        shapes[f"m_down{scale + 1}.{nb}.weight"] = (nc[scale + 1], nc[scale], 2, 2)  # strided convolution
    for block in range(nb):
        for conv in (0, 2):
            shapes[f"m_body.{block}.res.{conv}.weight"] = (nc[3], nc[3], 3, 3)
    for scale in (2, 1, 0):
        shapes[f"m_up{scale + 1}.0.weight"] = (nc[scale + 1], nc[scale], 2, 2)  # transposed convolution: (in, out)
        for block in range(nb):
            for conv in (0, 2):
                shapes[f"m_up{scale + 1}.{block + 1}.res.{conv}.weight"] = (nc[scale], nc[scale], 3, 3)
    shapes["m_tail.weight"] = (channels, nc[0], 3, 3)
    generator = torch.Generator().manual_seed(seed)
    return OrderedDict((prefix + k, 0.2 * torch.randn(s, generator=generator)) for k, s in shapes.items())


@pytest.mark.parametrize("kind", ["drunet", "spc-drunet", "coco-drunet"])
@pytest.mark.parametrize("channels", [1, 3])
def test_plain_state_dicts(kind, channels, tmp_path):
    state = authors_state_dict(channels)
    torch.save(state, tmp_path / "weights.pth")
    net = load_published(kind, tmp_path / "weights.pth")
    assert net.config["widths"] == [4, 6, 8, 10]
    assert net.config["blocks"] == 2
    assert net.config["activation"] == "relu"
    for key, value in net.state_dict().items():
        torch.testing.assert_close(value, state[key], atol=0, rtol=0)
    assert net(torch.rand(1, channels, 16, 16), 0.1).shape == (1, channels, 16, 16)


@pytest.mark.parametrize(("kind", "activation"), [("gs-drunet", "elu"), ("prox-drunet", "softplus")])
def test_lightning_checkpoints(kind, activation, tmp_path, monkeypatch):
    """With the prefix, hyperparameters, callbacks and metrics that such files hold, in a place without Lightning."""
    module = types.ModuleType("pytorch_lightning.utilities.parsing")
    attribute_dict = type("AttributeDict", (dict,), {"__module__": module.__name__})
    module.AttributeDict = attribute_dict
    for name in ("pytorch_lightning", "pytorch_lightning.utilities"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    state = authors_state_dict(prefix="student_grad.model.")
    state["train_PSNR.sum_squared_error"] = torch.zeros(())
    checkpoint = {
        "epoch": 1200, "pytorch-lightning_version": "1.2.6", "state_dict": state,
        "hyper_parameters": attribute_dict(act_mode="E", DRUNET_nb=2), "args": argparse.Namespace(sigma=25),
        "optimizer_states": [{"state": {}, "param_groups": [{"lr": 1e-4}]}], "lr_schedulers": [{"last_epoch": 3}],
    }  # fmt: skip
    torch.save(checkpoint, tmp_path / "GSDRUNet.ckpt")
    monkeypatch.undo()
    assert "pytorch_lightning" not in sys.modules
    denoiser = load_published(kind, tmp_path / "GSDRUNet.ckpt")
    assert isinstance(denoiser, GradientStep)
    assert denoiser.config["activation"] == activation
    for key, value in denoiser.network.state_dict().items():
        torch.testing.assert_close(value, state["student_grad.model." + key], atol=0, rtol=0)


def test_data_parallel_prefix(tmp_path):
    torch.save({"params": authors_state_dict(prefix="module.")}, tmp_path / "w.pth")
    torch.testing.assert_close(
        load_published("drunet", tmp_path / "w.pth").m_tail.weight, authors_state_dict()["m_tail.weight"]
    )


@pytest.mark.parametrize(
    "path", [("model_state_dict",), ("net",), ("params_ema",), ("model", "state_dict"), ("network",)]
)
def test_weights_under_the_usual_names(path, tmp_path):
    """Whatever lies beside them; and of an average over the steps and the last step the average is taken."""
    content = authors_state_dict()
    for key in reversed(path):
        content = {"epoch": 7, "optimizer": {"lr": 1e-4}, key: content}
    if path == ("params_ema",):
        content["params"] = authors_state_dict(seed=1)
    torch.save(content, tmp_path / "w.pth")
    found = load_published("drunet", tmp_path / "w.pth")
    torch.testing.assert_close(found.m_tail.weight, authors_state_dict()["m_tail.weight"], atol=0, rtol=0)


def test_it_computes_what_the_authors_network_computes(tmp_path):
    """The forward pass written out with torch.nn.functional from the key names alone."""
    import torch.nn.functional as F

    w = authors_state_dict(nb=1)
    torch.save(w, tmp_path / "w.pth")
    x = torch.rand(2, 3, 16, 24, generator=torch.Generator().manual_seed(1))
    z = torch.cat((x, torch.full((2, 1, 16, 24), 0.1)), 1)

    def block(z, name):
        return z + F.conv2d(
            F.relu(F.conv2d(z, w[f"{name}.res.0.weight"], padding=1)), w[f"{name}.res.2.weight"], padding=1
        )

    a = F.conv2d(z, w["m_head.weight"], padding=1)
    b = F.conv2d(block(a, "m_down1.0"), w["m_down1.1.weight"], stride=2)
    c = F.conv2d(block(b, "m_down2.0"), w["m_down2.1.weight"], stride=2)
    d = F.conv2d(block(c, "m_down3.0"), w["m_down3.1.weight"], stride=2)
    u = block(d, "m_body.0") + d
    u = block(F.conv_transpose2d(u, w["m_up3.0.weight"], stride=2), "m_up3.1") + c
    u = block(F.conv_transpose2d(u, w["m_up2.0.weight"], stride=2), "m_up2.1") + b
    u = block(F.conv_transpose2d(u, w["m_up1.0.weight"], stride=2), "m_up1.1") + a
    want = F.conv2d(u, w["m_tail.weight"], padding=1)
    got = at_sigma(load_published("drunet", tmp_path / "w.pth"), 0.1)(x)
    torch.testing.assert_close(got, want, atol=1e-5, rtol=1e-4)


def broken(change):
    state = authors_state_dict()
    change(state)
    return state


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (lambda: broken(lambda s: s.pop("m_up2.1.res.2.weight")), "lacks the layer m_up2.1.res.2.weight"),
        (lambda: broken(lambda s: s.update({"m_body.1.res.0.weight": torch.zeros(3, 3, 3, 3)})),
         r"layer m_body.1.res.0.weight .* has shape \(3, 3, 3, 3\); wanted \(10, 10, 3, 3\)"),
        (lambda: broken(lambda s: s.update({"m_tail.bias": torch.zeros(3)})), "has a layer m_tail.bias"),
        (lambda: broken(lambda s: s.pop("m_down2.2.weight")), "lacks the layer m_down2.2.weight"),
        (lambda: {"model.0.weight": torch.zeros(64, 3, 3, 3)}, "no layer m_head .*model.0.weight"),
        (lambda: {"model.0.weight": torch.zeros(1), "model.0.bias": torch.zeros(1)},
         "its 2 tensors begin with model.0.weight, model.0.bias"),
        (lambda: {"epoch": 3, "best": 30.1},
         "holds no tensors by name: there is a dictionary with 'epoch', 'best'; wanted a state dict.*model_state_dict"),
        (lambda: {"net": {"unet": {"m_head.weight": torch.zeros(1)}}},
         "there is a dictionary with 'unet' under 'net'; wanted a state dict"),
        (lambda: {}, "there is an empty dictionary; wanted"),
        (lambda: torch.zeros(3), "there is a Tensor; wanted"),
    ],
)  # fmt: skip
def test_wrong_architectures_name_the_layer(state, words, tmp_path):
    torch.save(state(), tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match=words):
        load_published("drunet", tmp_path / "w.pth")


def test_truncated_foreign_and_tampered_files(tmp_path):
    torch.save(authors_state_dict(), tmp_path / "w.pth")
    data = (tmp_path / "w.pth").read_bytes()
    (tmp_path / "short.pth").write_bytes(data[: len(data) // 2])
    (tmp_path / "page.pth").write_text("<html>404</html>")
    for name in ("short.pth", "page.pth"):
        with pytest.raises(CheckpointError, match="cannot be read as a checkpoint"):
            load_published("drunet", tmp_path / name)
    with pytest.raises(CheckpointError, match="SHA-256"):
        load_published("drunet", tmp_path / "w.pth", sha256="0" * 64)
    with pytest.raises(FileNotFoundError, match="no file"):
        load_published("drunet", tmp_path / "absent.pth")
    with pytest.raises(ValueError, match="wanted one of drunet"):
        load_published("unet", tmp_path / "w.pth")


class Trap:
    """Pickled code: unpickling would call it."""

    def __reduce__(self):
        return (print, ("this must never be printed",))


def test_code_in_a_checkpoint_is_not_run(tmp_path, capsys):
    torch.save({"state_dict": authors_state_dict(), "callbacks": Trap()}, tmp_path / "w.ckpt")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_published("gs-drunet", tmp_path / "w.ckpt")
    assert capsys.readouterr().out == ""


def test_from_a_url(tmp_path, monkeypatch):
    import http.server
    import threading
    from functools import partial

    import pooch

    torch.save(authors_state_dict(), tmp_path / "w.pth")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / "cache" / name)
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/w.pth"
        net = load_published("coco-drunet", url, sha256=pooch.file_hash(str(tmp_path / "w.pth")))
        server.shutdown()
    assert net.config["blocks"] == 2
