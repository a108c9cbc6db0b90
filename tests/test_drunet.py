"""DRUNet against an independent construction, with the published key names; sizes, noise levels, errors."""

import pytest
import torch
import torch.nn.functional as F

from pnp_course.denoisers import DRUNet, GrayFromColour, averaged


def published_state(in_channels, widths, blocks, generator):
    """Keys and shapes of the published UNetRes checkpoints (KAIR, network_unet.py), spelled out without our class."""
    shapes = {"m_head.weight": (widths[0], in_channels + 1, 3, 3), "m_tail.weight": (in_channels, widths[0], 3, 3)}
    for s in (1, 2, 3):
        small, large = widths[s - 1], widths[s]
        for i in range(blocks):
            for j in (0, 2):
                shapes[f"m_down{s}.{i}.res.{j}.weight"] = (small, small, 3, 3)
                shapes[f"m_up{s}.{i + 1}.res.{j}.weight"] = (small, small, 3, 3)
        shapes[f"m_down{s}.{blocks}.weight"] = (large, small, 2, 2)
        shapes[f"m_up{s}.0.weight"] = (large, small, 2, 2)
    for i in range(blocks):
        for j in (0, 2):
            shapes[f"m_body.{i}.res.{j}.weight"] = (widths[3], widths[3], 3, 3)
    return {k: torch.randn(v, generator=generator) * (2 / (v[1] * v[2] * v[3])) ** 0.5 for k, v in shapes.items()}


def reference(state, x, sigma, blocks, activation):
    """The network as plain function calls on the state dict."""

    def block(z, name):
        return z + F.conv2d(
            activation(F.conv2d(z, state[f"{name}.res.0.weight"], padding=1)), state[f"{name}.res.2.weight"], padding=1
        )

    def many(z, name, first):
        for i in range(first, first + blocks):
            z = block(z, f"{name}.{i}")
        return z

    z = torch.cat((x, torch.full_like(x[:, :1], sigma)), 1)
    skips = [F.conv2d(z, state["m_head.weight"], padding=1)]
    for s in (1, 2, 3):
        skips.append(F.conv2d(many(skips[-1], f"m_down{s}", 0), state[f"m_down{s}.{blocks}.weight"], stride=2))
    z = many(skips[3], "m_body", 0)
    for s in (3, 2, 1):
        z = many(F.conv_transpose2d(z + skips[s], state[f"m_up{s}.0.weight"], stride=2), f"m_up{s}", 1)
    return F.conv2d(z + skips[0], state["m_tail.weight"], padding=1)


@pytest.mark.parametrize(
    ("activation", "function"), [("relu", F.relu), ("elu", F.elu), ("softplus", lambda z: F.softplus(z, beta=100))]
)
def test_equals_an_independent_implementation(activation, function, generator):
    widths, blocks = (8, 12, 16, 20), 2
    state = published_state(3, widths, blocks, generator)
    net = DRUNet(3, widths, blocks, activation)
    net.load_state_dict(state, strict=True)
    x = torch.rand(2, 3, 24, 16, generator=generator)
    torch.testing.assert_close(net(x, 0.1), reference(state, x, 0.1, blocks, function), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_official_size_loads_strictly(channels, generator):
    """The 32.6 M parameter network of the papers has exactly the published keys and shapes."""
    state = published_state(channels, (64, 128, 256, 512), 4, generator)
    with torch.device("meta"):
        net = DRUNet(channels)
    assert {k: tuple(v.shape) for k, v in net.state_dict().items()} == {k: tuple(v.shape) for k, v in state.items()}
    assert sum(v.numel() for v in state.values()) == {1: 32_638_656, 3: 32_640_960}[channels]


@pytest.mark.parametrize("size", [(8, 8), (1, 1), (7, 13), (9, 16), (33, 40)])
def test_any_size_by_constant_padding(size, generator):
    """The padded call equals the network on a frame of 0.5 with the image in its corner, cropped again."""
    net = DRUNet(1, (4, 4, 4, 4), 1)
    x = torch.rand(1, 1, *size, generator=generator)
    frame = torch.full((1, 1, *(-(-n // 8) * 8 for n in size)), 0.5)
    frame[..., : size[0], : size[1]] = x
    want = net(frame, 0.1)[..., : size[0], : size[1]]
    got = net(x, 0.1)
    assert got.shape == x.shape
    torch.testing.assert_close(got, want)


def test_noise_level_per_image(generator):
    net = DRUNet(1, (4, 4, 4, 4), 1)
    x = torch.rand(2, 1, 16, 16, generator=generator)
    both = net(x, torch.tensor([0.05, 0.2]))
    torch.testing.assert_close(both[:1], net(x[:1], 0.05))
    torch.testing.assert_close(both[1:], net(x[1:], 0.2))
    assert (net(x[:1], 0.05) - net(x[:1], 0.2)).abs().max() > 1e-6  # the level matters


@pytest.mark.parametrize(
    ("sigma", "what"),
    [(25, "25/255"), (-0.1, "0 <= sigma"), (float("nan"), "0 <= sigma"), (torch.ones(3) / 10, "3 values for 2")],
)
def test_bad_sigma(sigma, what):
    with pytest.raises(ValueError, match=what):
        DRUNet(1, (4, 4, 4, 4), 1)(torch.zeros(2, 1, 8, 8), sigma)


@pytest.mark.parametrize("sigma", ["x", None, [0.1], 1j, torch.tensor([]), torch.tensor([0.1j, 0.2j])])
@pytest.mark.parametrize("bounds", [None, (0.0, 0.4)])
def test_a_noise_level_that_is_no_number(bounds, sigma):
    gray, colour = (DRUNet(channels, (4, 4, 4, 4), 1).eval() for channels in (1, 3))
    gray.sigma_range = colour.sigma_range = bounds
    for denoiser in (gray, GrayFromColour(colour)):
        with pytest.raises(ValueError, match=r"sigma is .*; wanted a number, or a tensor of one"):
            denoiser(torch.rand(2, 1, 8, 8), sigma)


def test_bad_images_and_names():
    net = DRUNet(3, (4, 4, 4, 4), 1)
    with pytest.raises(ValueError, match=r"1 channel\(s\), wanted 3.*to_channels"):
        net(torch.zeros(1, 1, 8, 8), 0.1)
    with pytest.raises(ValueError, match=r"add the missing axes"):
        net(torch.zeros(3, 8, 8), 0.1)
    with pytest.raises(ValueError, match="relu, elu, softplus"):
        DRUNet(activation="gelu")


def test_averaged_and_its_bounds(generator):
    net, x = DRUNet(1, (4, 4, 4, 4), 1), torch.rand(1, 1, 8, 8, generator=generator)
    torch.testing.assert_close(averaged(net, 0.3)(x, 0.1), 0.3 * net(x, 0.1) + 0.7 * x)
    for t in (0, 1.2, -1):
        with pytest.raises(ValueError, match="t"):
            averaged(net, t)


def jacobian(function, x):
    """Dense Jacobian by automatic differentiation."""
    return torch.autograd.functional.jacobian(lambda z: function(z).flatten(), x).reshape(x.numel(), x.numel())


def test_padding_lemma(generator):
    """Padding by a constant makes the Jacobian a compression E^T J E: submatrix of the large one, bit for bit."""
    net = DRUNet(1, (4, 4, 4, 4), 1).double()
    x = torch.rand(1, 1, 5, 6, generator=generator, dtype=torch.float64)
    frame = torch.full((1, 1, 8, 8), 0.5, dtype=torch.float64)
    frame[..., :5, :6] = x
    inside = (F.pad(torch.ones(5, 6), (0, 2, 0, 3)) > 0).flatten()
    small = jacobian(lambda z: net(z, 0.1), x)
    large = jacobian(lambda z: net(z, 0.1), frame)
    torch.testing.assert_close(small, large[inside][:, inside])


def test_gray_from_colour_lemma(generator):
    """P^T D P / 3 keeps symmetry and gamma. D linear symmetric here: both are read off dense matrices."""
    n, gamma = 12, 0.25
    q, _ = torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64))
    m = q @ torch.diag(torch.linspace(0, 1 / gamma, n, dtype=torch.float64)) @ q.T

    class Linear(torch.nn.Module):
        def forward(self, x, sigma):
            return (m @ x.reshape(-1)).reshape(x.shape)

    x = torch.rand(1, 1, 2, 2, generator=generator, dtype=torch.float64)
    j = jacobian(lambda z: GrayFromColour(Linear())(z, 0.1), x)
    torch.testing.assert_close(j, j.T, atol=1e-12, rtol=0)
    assert torch.linalg.matrix_norm(2 * gamma * j - torch.eye(4), 2) <= 1 + 1e-12
