"""The parts of training, each against its formula: optimisers, transplants, penalties."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from pnp_course import images
from pnp_course.denoisers import DRUNet, GradientStep, GrayFromColour
from pnp_course.denoisers.zoo import load_denoiser
from pnp_course.guarantees import certificate
from pnp_course.jacobian import Linearized, cocoercivity, dense
from pnp_course.training.losses import Penalty, jacobian_penalty
from pnp_course.training.main import transplant
from pnp_course.training.muon import BatchedMuon
from pnp_course.training.optimizer import MovingAverage, Optimizer
from pnp_course.training.patches import Patches, patterns


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_optimisers_fit_a_constant_target(optimizer):
    torch.manual_seed(0)
    net = DRUNet(1, (4, 4, 4, 4), 1).to(memory_format=torch.channels_last)
    x = torch.rand(4, 1, 16, 16)
    chosen = Optimizer(net, optimizer, lambda step: 5e-3)
    losses = []
    for _ in range(60):
        loss = (net(x, 0.1) - x).square().mean()
        losses.append(loss.item())
        chosen.zero_grad()
        loss.backward()
        chosen.step()
    assert losses[-1] < 0.2 * losses[0]


def test_muon_moves_the_inner_convolutions_by_orthogonal_matrices():
    """After one step every inner weight has moved by a matrix with singular values near each other, in its own memory."""
    torch.manual_seed(0)
    net = DRUNet(1, (8, 8, 8, 8), 1).to(memory_format=torch.channels_last)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    chosen = Optimizer(net, "muon", lambda step: 1e-2)
    net(torch.rand(4, 1, 16, 16), 0.1).square().mean().backward()
    chosen.step()
    for key, value in net.state_dict().items():
        moved = value - before[key]
        assert moved.abs().max() > 0, key
        if key not in ("m_head.weight", "m_tail.weight"):
            singular = torch.linalg.svdvals(moved.permute(0, 2, 3, 1).flatten(1))
            assert singular[0] < 2.5 * singular[-1], key  # Newton-Schulz leaves them within 0.7 .. 1.2 of each other
    with pytest.raises(ValueError, match="channels_last"):
        Optimizer(DRUNet(1, (8, 8, 8, 8), 1), "muon", lambda step: 1e-2)
    with pytest.raises(ValueError, match="wanted 'muon' or 'adam'"):
        Optimizer(net, "sgd", lambda step: 1e-2)


def test_matrices_of_one_shape_move_together_as_torch_moves_them_one_by_one(generator):
    """Two steps from equal gradients, wide and tall matrices; and each takes up the other's state."""
    shapes = [(4, 12), (12, 4), (4, 12), (8, 8)]
    starts = [torch.randn(s, generator=generator) for s in shapes]
    ours, theirs = ([nn.Parameter(m.clone()) for m in starts] for _ in range(2))
    batched = BatchedMuon(ours)
    one_by_one = torch.optim.Muon(theirs, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
    for _ in range(2):
        for a, b in zip(ours, theirs, strict=True):
            a.grad = torch.randn(a.shape, generator=generator)
            b.grad = a.grad.clone()
        batched.step()
        one_by_one.step()
        for a, b, start in zip(ours, theirs, starts, strict=True):
            assert (a - b).abs().max() < 0.02 * (b - start).abs().max()  # bfloat16
        first, second = batched.state_dict(), one_by_one.state_dict()
        batched.load_state_dict(second)
        one_by_one.load_state_dict(first)
    ours[0].grad = None  # a matrix without a gradient stays
    before = ours[0].clone()
    batched.step()
    assert torch.equal(ours[0], before)


def test_transplants(generator):
    """Colour to gray is exactly GrayFromColour; ReLU to ELU and into a gradient step stays close."""
    torch.manual_seed(0)
    colour = DRUNet(3, (8, 8, 8, 8), 1)
    gray = DRUNet(1, (8, 8, 8, 8), 1)
    transplant(colour, gray)
    x = torch.rand(2, 1, 16, 16, generator=generator)
    torch.testing.assert_close(gray(x, 0.1), GrayFromColour(colour)(x, 0.1), atol=1e-5, rtol=0)
    elu = GradientStep(DRUNet(3, (8, 8, 8, 8), 1, "elu"))
    transplant(colour, elu)
    x = x.expand(-1, 3, -1, -1)
    far = (DRUNet(3, (8, 8, 8, 8), 1, "elu")(x, 0.1) - colour(x, 0.1)).abs().mean()
    assert (elu.network(x, 0.1) - colour(x, 0.1)).abs().mean() < 0.3 * far
    again = GradientStep(DRUNet(3, (8, 8, 8, 8), 1, "elu"))
    transplant(elu, again)
    torch.testing.assert_close(again.value(x, 0.1), elu.value(x, 0.1))


def test_from_elu_to_softplus_the_potential_stays_as_smooth(generator):
    """Same denoiser nearly, and no kink sharper than before: an unscaled copy has a far larger curvature."""
    elu = load_denoiser("gs-drunet")
    config = {key: value for key, value in elu.config.items() if key != "activation"}
    soft, unscaled = (GradientStep(DRUNet(**config, activation="softplus")) for _ in range(2))
    transplant(elu, soft)
    unscaled.network.load_state_dict(elu.network.state_dict())
    x = images.photo("astronaut", 64)
    x = x + 0.1 * torch.randn(x.shape, generator=generator)
    assert (soft(x, 0.1) - elu(x, 0.1)).norm() < 0.1 * (x - elu(x, 0.1)).norm()

    def curvature(net):
        c = certificate(net, x, 0.1, iterations=10)
        return float(torch.maximum(c.lambda_max, 1 - c.lambda_min).max())

    assert curvature(soft) < 2 * curvature(elu) < 0.5 * curvature(unscaled)


@pytest.mark.parametrize("penalty", [
    Penalty(), Penalty(constant=1.0, alpha=0.0), Penalty("nonexpansive"), Penalty("strictly pseudo-contractive", 0.9),
    Penalty("pseudo-contractive", iterations=4), Penalty(slack=0.4, alpha=0.0), Penalty(slack=1.5, alpha=0.0),
])  # fmt: skip
def test_penalties_are_the_formulas(penalty):
    """Against singular values of the dense Jacobian: alpha ||J - J^T|| + beta max(||M||, 1 - eps)."""
    torch.manual_seed(0)
    net = DRUNet(1, (4, 4, 6, 6), 1).double()
    noisy, sigma = torch.rand(2, 1, 8, 8, dtype=torch.float64), torch.full((2,), 0.1, dtype=torch.float64)
    exact = replace(penalty, iterations=600, alpha=penalty.alpha / 2, beta=0.3, eps=0.9)
    value, seen = jacobian_penalty(net, noisy, sigma, exact, torch.Generator().manual_seed(0))
    j, eye = dense(lambda z: net(z, 0.1), noisy), torch.eye(64, dtype=torch.float64)
    k = exact.constant
    m = {
        "cocoercive": (2 * j - (1 / k - exact.slack) * eye) / (1 / k + exact.slack), "nonexpansive": j,
        "strictly pseudo-contractive": k * eye + (1 - k) * j, "pseudo-contractive": torch.linalg.solve(j - 10 * eye, j + 8 * eye),
    }[exact.condition]  # fmt: skip
    norm, asymmetry = torch.linalg.matrix_norm(m, 2), torch.linalg.matrix_norm(j - j.mT, 2)
    want = exact.alpha * asymmetry.mean() + 0.3 * norm.clamp_min(0.1).mean()
    assert value.item() == pytest.approx(want.item(), rel=0.02)
    assert float(seen["expansion"]) == pytest.approx(norm.mean().item(), rel=0.02)
    assert ("asymmetry" in seen) is (exact.alpha > 0)
    # below the margin the spectral penalty is flat
    flat, _ = jacobian_penalty(net, noisy, sigma, replace(exact, alpha=0.0, eps=-9.0), torch.Generator().manual_seed(0))
    flat.backward()
    assert value.item() != flat.item() == pytest.approx(3.0)
    assert all(p.grad is None or not p.grad.any() for p in net.parameters())


@pytest.mark.parametrize("penalty", [
    Penalty(slack=0.4), Penalty(constant=0.5, slack=0.4, method="lanczos"), Penalty("nonexpansive", method="lanczos"),
])  # fmt: skip
def test_gradients_of_penalties_are_difference_quotients(penalty):
    """In a random direction of all the weights at once, at a norm above the margin."""
    torch.manual_seed(0)
    net = DRUNet(1, (4, 4, 6, 6), 1, "elu").double()
    noisy, sigma = torch.rand(2, 1, 8, 8, dtype=torch.float64), torch.full((2,), 0.1, dtype=torch.float64)
    sharp = replace(penalty, iterations=500 if penalty.method == "power" else 64, beta=0.3, eps=0.9)

    def value():
        return jacobian_penalty(net, noisy, sigma, sharp, torch.Generator().manual_seed(0))[0]

    value().backward()
    weights = list(net.parameters())
    directions = [torch.randn(w.shape, dtype=torch.float64) * w.detach().abs().mean() for w in weights]
    slope = sum((w.grad * d).sum().item() for w, d in zip(weights, directions, strict=True))
    ends = []
    for t in (1e-5, -1e-5):
        with torch.no_grad():
            for w, d in zip(weights, directions, strict=True):
                w += t * d
        ends.append(value().item())
        with torch.no_grad():
            for w, d in zip(weights, directions, strict=True):
                w -= t * d
    assert abs(slope) > 1e-4
    assert slope == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-3)


@pytest.mark.parametrize("gamma", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("slack", [0.0, 0.4, 1.3])
def test_relaxed_cocoercivity_is_a_statement_about_the_spectrum(gamma, slack, generator):
    """For a dense symmetric J: norm <= 1 iff the spectrum is in [-slack, 1 / gamma], and 1 where it fills it."""
    q = torch.linalg.qr(torch.randn(9, 9, dtype=torch.float64, generator=generator))[0]
    low, high = -slack, 1 / gamma
    inner = low + (high - low) * torch.rand(7, dtype=torch.float64, generator=generator)
    for ends, inside in (
        ((low, high), True), ((low + 0.01, high - 0.01), True), ((low - 0.01, high), False), ((low, high + 0.01), False),
    ):  # fmt: skip
        j = q @ torch.diag(torch.cat((torch.tensor(ends, dtype=torch.float64), inner))) @ q.T
        x = torch.zeros(9, 1, 3, 3, dtype=torch.float64)
        lin = Linearized(lambda z, j=j: (z.flatten(1) @ j.T).reshape(z.shape), x)
        m = cocoercivity(lin, gamma, slack).apply(torch.eye(9, dtype=torch.float64).reshape(9, 1, 3, 3)).reshape(9, 9)
        norm = float(torch.linalg.matrix_norm(m, 2))
        assert (norm <= 1 + 1e-12) is inside
        if ends == (low, high):
            assert norm == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_both_optimisers_follow_one_rate(optimizer):
    """Also when they take up their work after some steps, from a file in which the rate was another."""
    torch.manual_seed(0)
    net = DRUNet(1, (4, 4, 4, 4), 1).to(memory_format=torch.channels_last)
    chosen = Optimizer(net, optimizer, lambda step: 1e-3 / (1 + step) ** 2)

    def rates():
        return [group["lr"] for o in (chosen.adam, chosen.muon) if o is not None for group in o.param_groups]

    for step in range(4):
        assert rates() == pytest.approx([1e-3 / (1 + step) ** 2] * (2 if optimizer == "muon" else 1)), step
        net(torch.rand(1, 1, 8, 8), 0.1).sum().backward()
        chosen.step()
    saved = chosen.state_dict()
    chosen = Optimizer(net, optimizer, lambda step: 1.0 + step)
    chosen.load_state_dict(saved, 4)
    assert rates() == pytest.approx([5.0] * len(rates()))
    chosen.step()
    assert rates() == pytest.approx([6.0] * len(rates()))


def test_moving_average_is_the_formula():
    """a <- d a + (1 - d) w with d = min(decay, n / (9 + n)) at the n-th update, the start being the first average."""
    net = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        net.weight.fill_(0.5)
        averaged, want = MovingAverage(net, 0.4), 0.5
        for n in range(1, 12):
            net.weight.fill_(n**2)
            averaged.update(net)
            decay = min(0.4, n / (9 + n))
            want = decay * want + (1 - decay) * n**2
            assert averaged.module.weight.item() == pytest.approx(want, rel=1e-6), n


def test_settings_of_a_penalty_that_make_no_sense():
    with pytest.raises(ValueError, match="wanted one of cocoercive"):
        Penalty("coco")
    with pytest.raises(ValueError, match=r"slack is -0.1 with the condition 'cocoercive'; wanted 0 or more"):
        Penalty(slack=-0.1)
    with pytest.raises(ValueError, match="and 0 unless the condition is 'cocoercive'"):
        Penalty("nonexpansive", slack=0.4)


def test_the_papers_defaults():
    """[B] section 5 and appendix A.16."""
    p = Penalty()
    assert (p.condition, p.constant, p.alpha, p.beta, p.eps, p.iterations) == ("cocoercive", 0.25, 1.0, 1e-2, 0.1, 15)


def test_the_noisiest_of_a_few_are_penalised():
    """`of=4, images=2`: the two noisiest of the first four, wherever they stand; the others do not matter."""
    net, generator = DRUNet(1, widths=(4, 4, 4, 4), blocks=1), torch.Generator().manual_seed(2)
    noisy, sigma = torch.rand(6, 1, 16, 16, generator=generator), torch.tensor([0.05, 0.2, 0.01, 0.1, 0.9, 0.8])

    def value(x, s, **settings):
        penalty = Penalty(iterations=4, eps=-9.0, images=2, **settings)
        return float(jacobian_penalty(net, x, s, penalty, torch.Generator().manual_seed(0))[0])

    assert value(noisy, sigma, of=4) == pytest.approx(value(noisy[[1, 3]], sigma[[1, 3]]), rel=1e-5)
    assert value(noisy, sigma, of=6) == pytest.approx(value(noisy[[4, 5]], sigma[[4, 5]]), rel=1e-5)
    with pytest.raises(ValueError, match="of is 1 and images 2; wanted of >= images"):
        Penalty(images=2, of=1)


def test_a_margin_in_proportion_to_the_noise_level():
    """Above 1 - eps sigma / level a norm counts, below it the bound does; [B]'s margin is the same at every level."""
    net, generator = DRUNet(1, widths=(4, 4, 4, 4), blocks=1), torch.Generator().manual_seed(2)
    noisy, sigma = torch.rand(2, 1, 16, 16, generator=generator), torch.tensor([0.05, 0.2])

    def value(**settings):
        penalty = Penalty("nonexpansive", alpha=0.0, beta=1.0, iterations=0, **settings)
        return float(jacobian_penalty(net, noisy, sigma, penalty, torch.Generator().manual_seed(0))[0])

    norms = value(eps=1.0)  # of random directions: far below 1, so nothing is clamped from below
    assert 0 < norms < 0.7
    assert value(eps=0.2) == pytest.approx(0.8)
    assert value(eps=0.2, level=0.2) == pytest.approx(1 - (0.05 + 0.2) / 2)
    assert value(eps=0.2, level=0.4) == pytest.approx(1 - (0.025 + 0.1) / 2)
    with pytest.raises(ValueError, match="level is 0; wanted a noise level above 0, or None"):
        Penalty(level=0.0)


def test_drawn_patterns():
    """Pictures of two colours; their share is as said, and none change nothing of the random numbers."""
    generator = torch.Generator().manual_seed(0)
    drawn = patterns(200, 3, 16, generator)
    assert all(p.shape == (3, 16, 16) and 0 <= float(p.min()) <= float(p.max()) <= 1 for p in drawn)
    assert max(len({tuple(c) for c in p.flatten(1).T.tolist()}) for p in drawn) == 2
    black_and_white = sum(bool(((p == 0) | (p == 1)).all()) for p in drawn)
    assert 70 < black_and_white < 130
    photo = torch.randint(0, 256, (1, 40, 40), generator=generator, dtype=torch.uint8)

    def batch(share):
        return Patches([photo], 8, torch.Generator().manual_seed(1), share).batch(200)

    torch.testing.assert_close(batch(0.0), Patches([photo], 8, torch.Generator().manual_seed(1)).batch(200))
    two_colours = sum(len(p.unique()) <= 2 for p in batch(0.3))
    assert 40 < two_colours < 80
