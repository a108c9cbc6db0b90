"""The small worlds of notebook 04 against closed forms and finite differences."""

import itertools
import math

import pytest
import torch
from torch import nn

from pnp_course.denoisers import DRUNet, GradientStep, at_sigma
from pnp_course.denoisers.dncnn import DnCNN
from pnp_course.fidelities import Gaussian
from pnp_course.operators import Identity, Mask
from pnp_course.solvers import gs_pnp_pgd
from pnp_course.toy import GaussianMixture, PixelMixture
from pnp_course.toy import potentials as toy

PRIOR = GaussianMixture.two_peaks()


@pytest.mark.parametrize("sign", [1, -1])
def test_root_net_makes_the_posterior_mean(sign, generator):
    x = torch.rand(3, 1, 2, 4, generator=generator, dtype=torch.float64)
    d, g = GradientStep(toy.RootNet(PRIOR, sign)).denoise_and_value(x, 0.15)
    torch.testing.assert_close(d, PixelMixture(PRIOR)(x, 0.15), atol=1e-10, rtol=0)
    torch.testing.assert_close(g, toy.RootNet(PRIOR).potential(x, 0.15))
    assert (toy.RootNet(PRIOR, sign)(x, 0.15) - d).abs().max() > 0.05  # N is another map


@pytest.mark.parametrize("sigma", [0.01, 0.15, 1.0])
def test_the_root_is_of_a_positive_number(sigma):
    narrow = GaussianMixture(torch.ones(2), torch.tensor([[0.2], [0.8]]), torch.full((2, 1, 1), 1e-6))
    x = torch.linspace(-1, 2, 3001, dtype=torch.float64).reshape(-1, 1, 1, 1)
    assert toy.RootNet(narrow).potential(x, sigma).min() > 0


@pytest.mark.parametrize("b", [0.5, 2.0])
def test_the_kinked_potential(b):
    x = torch.tensor([[0.1, 0.7], [0.9, -1.0], [0.5001, 0.3]], dtype=torch.float64).reshape(-1, 1, 1, 2)
    z = x[..., 0].flatten() - 0.5
    relu = GradientStep(toy.KinkedNet(nn.ReLU(), b)).value(x, 0.1)
    torch.testing.assert_close(relu, 0.5 * (b + z.abs()) ** 2)
    smooth = z.abs() + 0.1 * (torch.exp(-z.abs() / 0.1) - 1)
    torch.testing.assert_close(GradientStep(toy.KinkedNet(nn.ELU(), b)).value(x, 0.1), 0.5 * (b + smooth) ** 2)


def test_the_line_search_dies_at_the_kink_and_not_at_the_round_floor():
    """Proposition gs-stall, below its threshold lam beta sqrt(c), against the iteration written out in two numbers.

    lam and tau are the paper's here: the prior's weight and the step that goes with it.
    """
    f = Gaussian(Mask(torch.tensor([[0.0, 1.0]])), torch.full((1, 1, 1, 2), 0.5, dtype=torch.float64))
    start = torch.tensor([0.83, 1.0], dtype=torch.float64).reshape(1, 1, 1, 2)
    assert 3 * math.sqrt(0.1) > 0.5
    a, d, tau, lam, c = 0.33, 0.5, 1 / 3, 3.0, 0.1
    d = d / (1 + tau)  # the solver begins with prox_{tau f}(x0)
    steps = []
    while tau >= 1e-10:
        a_new, d_new = abs(a - tau * lam * (1 + a)), d / (1 + tau)
        gain = lam * ((1 + a) ** 2 - (1 + a_new) ** 2) / 2 + (d * d - d_new * d_new) / 2
        if gain < c / tau * ((tau * lam * (1 + a)) ** 2 + (d - d_new) ** 2):
            tau *= 0.9
            continue
        a, d = a_new, d_new
        steps.append((a, d, tau))
    kinked = at_sigma(GradientStep(toy.KinkedNet(nn.ReLU())), 0.1)
    iterates = list(itertools.islice(gs_pnp_pgd(f, kinked, start, lam=1 / lam, smallest=lam * 1e-10), 1000))
    assert len(iterates) == len(steps)
    for i, (a, d, tau) in zip(iterates, steps, strict=True):
        x1, x2 = i.u.flatten().tolist()
        assert abs(abs(x1 - 0.5) - a) < 1e-9
        assert abs(x2 - 0.5 - d) < 1e-9
        assert abs(float(i.step) / (lam * tau) - 1) < 1e-9
    assert steps[-1][1] > 0.1  # far from critical
    round_floor = at_sigma(GradientStep(toy.KinkedNet(nn.ELU())), 0.1)
    *_, last = itertools.islice(gs_pnp_pgd(f, round_floor, start, lam=1 / lam), 400)
    assert (last.u - 0.5).abs().max() < 1e-6


def test_counted(generator):
    x = torch.rand(1, 1, 8, 8, generator=generator)
    net = toy.Counted(DRUNet(1, (2, 2, 2, 2), 1, "elu").requires_grad_(False))
    d = GradientStep(net)
    d.value(x, 0.1)
    assert (net.forwards, net.products) == (1, 0)
    d(x, 0.1)
    assert (net.forwards, net.products) == (2, 1)


def test_elu_in_place_of_relu():
    net = toy.elu_in_place_of_relu(DnCNN(1, 4, 4))
    assert sum(isinstance(m, nn.ELU) for m in net.modules()) == 3
    assert GradientStep(net).smooth


def test_slope_along_is_the_derivative(generator):
    torch.manual_seed(0)
    d = GradientStep(DRUNet(1, (2, 2, 2, 2), 1, "elu")).double().requires_grad_(False)
    x, h = torch.rand(2, 1, 1, 8, 8, generator=generator, dtype=torch.float64)
    s = torch.linspace(0, 1, 7, dtype=torch.float64)
    slopes = toy.slope_along(d, x, h, s, 0.1, batch=3)
    for at, slope in zip(s, slopes, strict=True):
        ends = [float(d.value(x + (at + e) * h, 0.1)) for e in (-1e-5, 1e-5)]
        assert abs((ends[1] - ends[0]) / 2e-5 - float(slope)) < 1e-7


def test_fixed_step_is_the_solver_without_rejections_and_rises_beyond_the_bound():
    """f = ||x||^2 / 2 and the potential ||x||^2 / 2 of N = 0: by hand x <- x (1 - step) / (1 + step lam)."""

    class Zero(nn.Module):
        in_channels, config = 1, {}

        def forward(self, x, sigma):
            return 0 * x

    f = Gaussian(Identity(), torch.zeros(1, 1, 1, 2, dtype=torch.float64))
    denoise, x0 = at_sigma(GradientStep(Zero()), 0.1), torch.ones(1, 1, 1, 2, dtype=torch.float64)
    free = list(itertools.islice(toy.fixed_step(f, denoise, x0, lam=0.5, step=0.6), 5))
    searched = list(itertools.islice(gs_pnp_pgd(f, denoise, x0, lam=0.5, step=0.6), 5))
    for k, (a, b) in enumerate(zip(free, searched, strict=True), 1):
        torch.testing.assert_close(a.u, x0 / 1.3 * (0.4 / 1.3) ** k)
        torch.testing.assert_close(a.u, b.u)
        assert abs(a.objective - 0.75 * float(a.u.square().sum())) < 1e-12  # F = (lam + 1) ||x||^2 / 2
        assert abs(a.objective - b.objective) < 1e-12
    rising = list(itertools.islice(toy.fixed_step(f, denoise, x0, lam=0.5, step=6.0), 5))
    assert all(b.objective > a.objective for a, b in itertools.pairwise(rising))
    with pytest.raises(ValueError, match="step"):
        toy.fixed_step(f, denoise, x0, lam=1.0, step=0.0)
