"""The Poisson fidelity with a background and with a mask, by brute force, by its optimality condition, by derivatives."""

import pytest
import torch

from pnp_course.fidelities import Poisson, moreau_envelope
from pnp_course.operators import Blur, Identity, Mask, ValidBlur, kernels


def rand(generator, *shape):
    return torch.rand(*shape, generator=generator, dtype=torch.float64)


def test_value_is_the_negative_log_likelihood(generator):
    """peak times the difference of two values is that of scipy's log probabilities."""
    from scipy.stats import poisson as law

    peak, dark = 4.0, rand(generator, 1, 1, 5, 6)
    counts = torch.poisson(3 * rand(generator, 1, 1, 5, 6), generator=generator)
    g = Poisson(Identity(), counts / peak, background=dark / peak)
    u, v = rand(generator, 1, 1, 5, 6), rand(generator, 1, 1, 5, 6)
    logs = [law.logpmf(counts.numpy(), (peak * x + dark).numpy()).sum() for x in (u, v)]
    assert peak * (g.value(u) - g.value(v)) == pytest.approx(logs[1] - logs[0], rel=1e-9)


@pytest.mark.parametrize("operator", ["identity", "mask", "blur"])
def test_gradient_is_the_derivative_of_the_value(operator, generator):
    a = {"identity": Identity(), "mask": Mask((rand(generator, 8, 9) > 0.3) * 1.0), "blur": Blur(kernels.motion(5, 1))}
    y, u = rand(generator, 2, 1, 8, 9), rand(generator, 2, 1, 8, 9)
    g = Poisson(a[operator], y, background=0.1 + rand(generator, 8, 9))
    d = torch.randn(u.shape, generator=generator, dtype=torch.float64)
    difference = (g.value(u + 1e-6 * d) - g.value(u - 1e-6 * d)) / 2e-6
    assert difference == pytest.approx(float((g.grad(u) * d).sum()), rel=1e-6)


@pytest.mark.parametrize(("gain", "dark"), [(1.0, 0.0), (1.0, 0.3), (0.4, 0.0), (2.5, 0.3), (0.0, 0.3)])
def test_prox_by_brute_force(gain, dark):
    """The minimum over a fine grid of v >= 0, for each pair (z, y)."""
    v, lam = torch.linspace(0, 6, 1_200_001, dtype=torch.float64), 0.7
    for z in (-2.0, 0.05, 0.5, 3.0):
        for y in (0.0, 0.02, 1.0):
            w = gain * v + dark
            objective = lam * (w - torch.xlogy(torch.tensor(y), w)) + (v - z) ** 2 / 2
            best = float(v[objective.argmin()]) if gain else z  # a pixel that sees nothing stays
            one = torch.ones(1, 1, 1, 1, dtype=torch.float64)
            g = Poisson(Mask(gain * one[0, 0]), y * one, background=dark)
            assert float(g.prox(z * one, lam)) == pytest.approx(best, abs=1e-5)
            assert g.exact_prox


def test_a_mask_of_ones_is_the_identity(generator):
    y, z, dark = rand(generator, 1, 2, 6, 7), rand(generator, 1, 2, 6, 7), rand(generator, 6, 7)
    mask = Poisson(Mask(torch.ones(6, 7)), y, background=dark).prox(z, 0.4)
    torch.testing.assert_close(mask, Poisson(Identity(), y, background=dark).prox(z, 0.4), atol=1e-12, rtol=0)
    plain = Poisson(Mask(torch.ones(6, 7)), y).prox(z, 0.4)
    torch.testing.assert_close(plain, Poisson(Identity(), y).prox(z, 0.4), atol=1e-12, rtol=0)


def test_prox_with_a_blur_satisfies_its_optimality_condition(generator):
    """Where A v > 0 everywhere: z - v = lam A^T (1 - y / (A v + b)), when the inner ADMM runs to the end."""
    y, z, dark = rand(generator, 1, 1, 12, 12) + 0.3, rand(generator, 1, 1, 12, 12) + 0.3, 0.2 * rand(generator, 12, 12)
    a = Blur(kernels.motion(5, 1))
    g = Poisson(a, y, tol=1e-12, max_inner=5000, background=dark)
    v = g.prox(z, 0.8)
    assert float(a(v).min()) > 0.01
    torch.testing.assert_close(z - v, 0.8 * g.grad(v), atol=1e-9, rtol=0)
    without = Poisson(a, y, tol=1e-12, max_inner=5000).prox(z, 0.8)
    assert float((v - without).abs().max()) > 0.01


def test_prox_with_a_valid_blur_and_a_background(generator):
    """With a kernel of one pixel the border is empty, and both are the closed form."""
    y, z = rand(generator, 1, 1, 7, 7), rand(generator, 1, 1, 7, 7)
    inner = Poisson(ValidBlur(torch.ones(1, 1)), y, tol=1e-13, max_inner=5000, background=0.2).prox(z, 0.5)
    torch.testing.assert_close(inner, Poisson(Identity(), y, background=0.2).prox(z, 0.5), atol=1e-9, rtol=0)
    wide = ValidBlur(kernels.motion(5, 1))
    y = rand(generator, 1, 1, 10, 10) + 0.3
    g = Poisson(wide, y, tol=1e-12, max_inner=5000, background=0.2)
    z = wide.canvas(y)
    torch.testing.assert_close(z - g.prox(z, 0.5), 0.5 * g.grad(g.prox(z, 0.5)), atol=1e-8, rtol=0)


def test_envelope_gradient_with_the_constraint(generator):
    """grad e = I - prox holds where v = 0, too: the constraint v >= 0 belongs to G."""
    y, u = 0.1 * rand(generator, 1, 1, 8, 8), rand(generator, 1, 1, 8, 8) - 0.5
    g = Poisson(Identity(), y, background=0.2)
    assert float((g.prox(u, 0.5) == 0).double().mean()) > 0.3
    d = torch.randn(u.shape, generator=generator, dtype=torch.float64)
    difference = (moreau_envelope(g, u + 1e-5 * d, 0.5) - moreau_envelope(g, u - 1e-5 * d, 0.5)) / 2e-5
    assert difference == pytest.approx(float(((u - g.prox(u, 0.5)) * d).sum()), rel=1e-5)


def test_bad_backgrounds(generator):
    y = rand(generator, 1, 1, 4, 4)
    with pytest.raises(ValueError, match="background has negative values"):
        Poisson(Identity(), y, background=-0.1)
    with pytest.raises(ValueError, match=r"background has shape \(3, 4\) and y \(1, 1, 4, 4\)"):
        Poisson(Identity(), y, background=torch.zeros(3, 4))
    with pytest.raises(ValueError, match="background"):
        Poisson(Identity(), y, background="dark")
    with pytest.raises(ValueError, match="NaN"):
        Poisson(Identity(), y, background=torch.full((4, 4), float("nan")))
