"""Jacobian tools against dense automatic differentiation and torch.linalg."""

import pytest
import torch

from pnp_course.denoisers import DRUNet
from pnp_course.jacobian import (
    Linearized,
    LinearMap,
    antisymmetry,
    cocoercivity,
    jv,
    power_iteration,
    spectral_norm,
)


@pytest.fixture(scope="module")
def setting():
    torch.manual_seed(0)
    net = DRUNet(1, (4, 6, 8, 8), 1, "elu").double()
    x = torch.rand(3, 1, 8, 8, dtype=torch.float64)

    def denoise(z):
        return net(z, 0.1)

    dense = torch.stack([torch.autograd.functional.jacobian(denoise, x[i : i + 1]).reshape(64, 64) for i in range(3)])
    return net, denoise, x, dense


def test_products_equal_dense(setting, generator):
    _, denoise, x, dense = setting
    lin = Linearized(denoise, x)
    v = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    flat = v.reshape(3, 64, 1)
    torch.testing.assert_close(lin.j(v).reshape(3, 64, 1), dense @ flat, atol=1e-12, rtol=0)
    torch.testing.assert_close(lin.jt(v).reshape(3, 64, 1), dense.mT @ flat, atol=1e-12, rtol=0)
    torch.testing.assert_close(jv(denoise, x, v), lin.j(v), atol=1e-12, rtol=0)  # forward mode = double backpropagation


@pytest.mark.parametrize("which", ["antisymmetry", "cocoercivity"])
def test_norms_equal_the_svd(setting, which, generator):
    _, denoise, x, dense = setting
    lin = Linearized(denoise, x)
    if which == "antisymmetry":
        m, matrix = antisymmetry(lin), dense - dense.mT
    else:
        m, matrix = cocoercivity(lin, 0.25), 0.5 * dense - torch.eye(64, dtype=torch.float64)
    start = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    found = power_iteration(m, start, 4000, tol=1e-13)
    exact = torch.linalg.matrix_norm(matrix, 2)
    assert (found.norm <= exact * (1 + 1e-10)).all()  # never above
    torch.testing.assert_close(found.norm, exact, rtol=2e-3, atol=0)
    # few iterations say too little, and the report says that they have not settled
    rough = power_iteration(m, start, 3)
    assert (rough.norm < exact * 0.999).any()
    assert rough.relative_change > found.relative_change


def test_normal_shortcut_has_the_same_limit(generator):
    a = torch.randn(6, 6, generator=generator, dtype=torch.float64)
    a = a - a.T

    def apply(v, graph=False):
        return (v.reshape(1, 6) @ a.T).reshape(v.shape)

    v = torch.randn(1, 1, 2, 3, generator=generator, dtype=torch.float64)
    short = power_iteration(LinearMap(apply, lambda w: -apply(w), normal=True), v, 2000, tol=1e-15)
    long = power_iteration(LinearMap(apply, lambda w: -apply(w)), v, 2000, tol=1e-15)
    exact = torch.linalg.matrix_norm(a, 2)
    assert float(short.norm) == pytest.approx(float(exact), rel=1e-6)
    assert float(long.norm) == pytest.approx(float(exact), rel=1e-6)


@pytest.mark.parametrize("which", ["antisymmetry", "cocoercivity"])
def test_gradient_of_the_norm(setting, which, generator):
    """d ||M(theta)||_* / d theta against a finite difference of the exact norm along a random direction."""
    net, denoise, x, _ = setting
    x = x[:1]

    def make():
        lin = Linearized(denoise, x)
        return antisymmetry(lin) if which == "antisymmetry" else cocoercivity(lin, 0.25)

    def exact():
        j = torch.autograd.functional.jacobian(denoise, x).reshape(64, 64)
        m = j - j.T if which == "antisymmetry" else 0.5 * j - torch.eye(64, dtype=torch.float64)
        return float(torch.linalg.matrix_norm(m, 2))

    start = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    parameters = list(net.parameters())
    norm = spectral_norm(make(), start, 3000, tol=1e-14).sum()
    gradient = torch.autograd.grad(norm, parameters)
    direction = [torch.randn(p.shape, generator=generator, dtype=torch.float64) for p in parameters]
    slope = sum((g * d).sum() for g, d in zip(gradient, direction, strict=True))
    h, values = 1e-5, []
    with torch.no_grad():
        for sign in (1, -2):
            for p, d in zip(parameters, direction, strict=True):
                p.add_(d, alpha=sign * h)
            values.append(exact())
        for p, d in zip(parameters, direction, strict=True):
            p.add_(d, alpha=h)
    difference = (values[0] - values[1]) / (2 * h)
    assert float(slope) == pytest.approx(difference, rel=0.02)
