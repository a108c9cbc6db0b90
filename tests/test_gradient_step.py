"""Gradient-step denoisers against finite differences of their potential, in double precision."""

import pytest
import torch

from pnp_course import solvers
from pnp_course.denoisers import BregmanGradientStep, DRUNet, GradientStep, GrayFromColour, at_sigma, averaged
from pnp_course.denoisers.base import Fast
from pnp_course.fidelities import Poisson
from pnp_course.noise import inverse_gamma
from pnp_course.operators import Identity
from pnp_course.solvers import run


def make(kind=GradientStep, activation="elu", channels=1):
    torch.manual_seed(0)
    return kind(DRUNet(channels, (4, 6, 8, 8), 1, activation)).double()


@pytest.mark.parametrize("activation", ["elu", "softplus"])
@pytest.mark.parametrize("size", [(16, 16), (11, 21)])  # 11 x 21 is padded inside N
def test_the_gradient_is_that_of_the_value(activation, size, generator):
    d = make(activation=activation)
    x = torch.rand(2, 1, *size, generator=generator, dtype=torch.float64)
    v = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    gradient, value = d.gradient_and_value(x, 0.1)
    torch.testing.assert_close(value, d.value(x, 0.1))
    h = 1e-6
    slope = (d.value(x + h * v, 0.1) - d.value(x - h * v, 0.1)) / (2 * h)
    torch.testing.assert_close((gradient * v).flatten(1).sum(1), slope, rtol=1e-6, atol=1e-8)
    denoised, again = d.denoise_and_value(x, 0.1)
    torch.testing.assert_close(denoised, x - gradient)
    torch.testing.assert_close(again, value)


def test_jacobian_is_symmetric_also_at_padded_sizes():
    d = make()
    for size in ((8, 8), (5, 9)):
        x = torch.rand(1, 1, *size, dtype=torch.float64)
        j = torch.autograd.functional.jacobian(lambda z: d(z, 0.1), x).reshape(x.numel(), -1)
        torch.testing.assert_close(j, j.T, atol=1e-12, rtol=0)
        assert (j - torch.diag(j.diag())).abs().max() > 1e-3  # not a trivial one


def test_one_forward_and_one_backward(generator):
    """The value comes with the gradient: the network runs once."""
    d = make().requires_grad_(False)
    calls = []
    d.network.m_head.register_forward_hook(lambda *_: calls.append(1))
    d.denoise_and_value(torch.rand(1, 1, 16, 16, dtype=torch.float64), 0.1)
    assert len(calls) == 1


@pytest.mark.parametrize("frozen", [True, False])
def test_first_order_use_keeps_no_graph(frozen):
    d = make().requires_grad_(not frozen)
    x = torch.rand(1, 1, 16, 16, dtype=torch.float64)
    with torch.no_grad():
        out, value = d.denoise_and_value(x, 0.1)
    assert not out.requires_grad
    assert not value.requires_grad
    assert d(x, 0.1).requires_grad is not frozen
    assert not x.requires_grad  # the input is left as it came


def test_second_order_for_training(generator):
    """The gradient of a loss in the weights, against a finite difference along a random direction."""
    d = make()
    x = torch.rand(2, 1, 16, 16, generator=generator, dtype=torch.float64)
    y = torch.rand(2, 1, 16, 16, generator=generator, dtype=torch.float64)
    parameters = list(d.parameters())
    direction = [torch.randn(p.shape, generator=generator, dtype=torch.float64) for p in parameters]

    def loss():
        return (d(x, 0.1) - y).square().mean()

    gradient = torch.autograd.grad(loss(), parameters)
    slope = sum((g * v).sum() for g, v in zip(gradient, direction, strict=True)).item()
    h, values = 1e-6, []
    with torch.no_grad():
        for sign in (1, -2):
            for p, v in zip(parameters, direction, strict=True):
                p.add_(v, alpha=sign * h)
            values.append(loss().item())
    assert slope == pytest.approx((values[0] - values[1]) / (2 * h), rel=1e-5)


def test_bregman_step_is_the_formula(generator):
    b = make(BregmanGradientStep)
    x = 0.1 + torch.rand(2, 1, 16, 16, generator=generator, dtype=torch.float64)
    gradient, _ = b.gradient_and_value(x, 0.02)
    torch.testing.assert_close(b(x, 0.02), x - x**2 * gradient)
    assert not b.conservative
    with pytest.raises(ValueError, match=r"needs x > 0"):
        b(x - 1, 0.02)


def test_posterior_mean_under_inverse_gamma_noise_is_a_bregman_step():
    """Tweedie in Burg's geometry: E[x | y] = y + y^2 (log p)'(y) / gamma, for a prior of two intensities."""
    gamma, prior = 20.0, torch.tensor([0.3, 0.7], dtype=torch.float64)
    law = torch.distributions.InverseGamma(gamma - 1, gamma * prior)

    def posterior_mean(y):
        weights = law.log_prob(y[:, None]).softmax(1)
        return (weights * prior).sum(1)

    y = torch.linspace(0.2, 1.0, 9, dtype=torch.float64, requires_grad=True)
    log_density = (law.log_prob(y[:, None]).exp() / 2).sum(1).log().sum()
    (score,) = torch.autograd.grad(log_density, y)
    torch.testing.assert_close(posterior_mean(y), y + y**2 * score / gamma, rtol=1e-9, atol=0)


def test_inverse_gamma_noise_has_its_law():
    from scipy import stats

    x = torch.full((1, 1, 200, 200), 0.4, dtype=torch.float64)
    y = inverse_gamma(x, 1 / 25, torch.Generator().manual_seed(0)).flatten().numpy()
    assert stats.kstest(y, stats.invgamma(24, scale=25 * 0.4).cdf).pvalue > 0.01
    assert y.mean() == pytest.approx(0.4 * 25 / 23, rel=0.01)
    same = inverse_gamma(x, 1 / 25, torch.Generator().manual_seed(0)).flatten().numpy()
    assert (same == y).all()


@pytest.mark.parametrize(
    ("x", "level", "words"),
    [(0.0, 0.05, "needs x > 0"), (0.5, 0.5, "0 < level < 1/3"), (0.5, 0.0, "0 < level < 1/3"), (0.5, -1.0, "level")],
)
def test_bad_inverse_gamma_noise(x, level, words):
    with pytest.raises(ValueError, match=words):
        inverse_gamma(torch.full((1, 1, 4, 4), x), level, torch.Generator())


def test_averaging_a_gradient_step_scales_its_potential(generator):
    """t D + (1 - t) I = I - t grad g."""
    d = make()
    x = torch.rand(1, 1, 16, 16, generator=generator, dtype=torch.float64)
    gradient, _ = d.gradient_and_value(x, 0.1)
    torch.testing.assert_close(averaged(d, 0.4)(x, 0.1), x - 0.4 * gradient)
    assert averaged(d, 0.4).conservative


@pytest.mark.parametrize(
    "wrap", [lambda d: averaged(d, 0.3), GrayFromColour, lambda d: averaged(GrayFromColour(d), 0.4)]
)
def test_a_wrapped_bregman_step_is_one(wrap, generator):
    """B = I - x^2 grad g for the g that it says, by differences; and the solvers that need g take it."""
    wrapped = wrap(make(BregmanGradientStep, channels=3).eval().requires_grad_(False))
    x = 0.2 + 0.6 * torch.rand(1, 1 if "Gray" in repr(wrapped) else 3, 8, 8, generator=generator, dtype=torch.float64)
    denoise = at_sigma(wrapped, 0.05)
    assert not hasattr(denoise, "with_value")
    gradient, g = denoise.gradient_and_value(x)
    torch.testing.assert_close(denoise(x), x - x.square() * gradient, atol=1e-12, rtol=0)
    torch.testing.assert_close(wrapped.denoise_and_value(x, 0.05), (denoise(x), g), atol=1e-12, rtol=0)
    v, h = torch.randn(x.shape, generator=generator, dtype=x.dtype), 1e-5
    slope = (denoise.gradient_and_value(x + h * v)[1] - denoise.gradient_and_value(x - h * v)[1]) / (2 * h)
    torch.testing.assert_close(slope, (gradient * v).flatten(1).sum(1), rtol=1e-6, atol=1e-9)
    assert torch.isfinite(run(solvers.b_red(Poisson(Identity(), x), denoise, x, lam=0.1, backtracking=True), 2).x).all()


def test_a_fast_bregman_step_is_one(generator):
    step = make(BregmanGradientStep, channels=3).float().eval().requires_grad_(False)
    x = 0.2 + 0.6 * torch.rand(1, 3, 8, 8, generator=generator)
    gradient, g = step.gradient_and_value(x, 0.05)
    fast_gradient, fast_g = at_sigma(Fast(step), 0.05).gradient_and_value(x)
    torch.testing.assert_close(fast_gradient, gradient, atol=0.05 * float(gradient.abs().max()), rtol=0)
    torch.testing.assert_close(fast_g, g, rtol=0.05, atol=0)
