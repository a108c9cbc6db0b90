"""DnCNN and FFDNet against independent implementations with the published key names."""

import pytest
import torch
import torch.nn.functional as F

from pnp_course.denoisers.dncnn import DnCNN, FFDNet


def published_state(n_in, n_out, width, depth, generator):
    """Keys and shapes of KAIR's checkpoints without batch normalisation, spelled out without our classes."""
    state = {}
    for i in range(depth):
        a, b = (n_in if i == 0 else width), (n_out if i == depth - 1 else width)
        state[f"model.{2 * i}.weight"] = torch.randn(b, a, 3, 3, generator=generator) * (2 / (9 * a)) ** 0.5
        state[f"model.{2 * i}.bias"] = 0.1 * torch.randn(b, generator=generator)
    return state


def stack(state, x):
    depth = len(state) // 2
    for i in range(depth):
        x = F.conv2d(x, state[f"model.{2 * i}.weight"], state[f"model.{2 * i}.bias"], padding=1)
        x = F.relu(x) if i < depth - 1 else x
    return x


@pytest.mark.parametrize(("channels", "size"), [(1, (9, 14)), (3, (16, 16))])
def test_dncnn(channels, size, generator):
    state = published_state(channels, channels, 8, 5, generator)
    net = DnCNN(channels, 8, 5)
    net.load_state_dict(state, strict=True)
    x = torch.rand(2, channels, *size, generator=generator)
    torch.testing.assert_close(net(x, 0.1), x - stack(state, x))
    assert torch.equal(net(x, 0.1), net(x, 0.2))  # blind


@pytest.mark.parametrize("channels", [1, 3])
def test_ffdnet_even(channels, generator):
    state = published_state(4 * channels + 1, 4 * channels, 8, 5, generator)
    net = FFDNet(channels, 8, 5)
    net.load_state_dict(state, strict=True)
    x = torch.rand(1, channels, 10, 12, generator=generator)
    # subimages by slicing: channel c, then row parity, then column parity
    parts = [x[:, c, i::2, j::2] for c in range(channels) for i in (0, 1) for j in (0, 1)]
    small = torch.stack(parts, 1)
    out = stack(state, torch.cat((small, torch.full_like(small[:, :1], 0.1)), 1))
    want = torch.zeros_like(x)
    for n, (c, i, j) in enumerate((c, i, j) for c in range(channels) for i in (0, 1) for j in (0, 1)):
        want[:, c, i::2, j::2] = out[:, n]
    torch.testing.assert_close(net(x, 0.1), want)


def test_ffdnet_odd_sizes_are_the_corner_of_a_larger_frame(generator):
    net = FFDNet(1, 4, 3)
    x = torch.rand(1, 1, 7, 9, generator=generator)
    frame = torch.full((1, 1, 8, 10), 0.5)
    frame[..., :7, :9] = x
    torch.testing.assert_close(net(x, 0.1), net(frame, 0.1)[..., :7, :9])


def test_published_sizes():
    """The colour models of the papers: 20 layers of 64 (blind DnCNN), 12 of 96 (FFDNet)."""
    with torch.device("meta"):
        assert sum(p.numel() for p in DnCNN(3).parameters()) == 668_227
        assert sum(p.numel() for p in FFDNet(3).parameters()) == 852_108


def test_wrong_channels():
    for net in (DnCNN(3, 4, 3), FFDNet(3, 4, 3)):
        with pytest.raises(ValueError, match=r"1 channel\(s\), wanted 3"):
            net(torch.zeros(1, 1, 8, 8), 0.1)
