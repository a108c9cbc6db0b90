"""Certificates against dense linear algebra, on a network and on the exact oracle."""

import pytest
import torch

from pnp_course.certificates import certify
from pnp_course.denoisers import DRUNet, at_sigma
from pnp_course.jacobian import dense
from pnp_course.theory import admm_margin, gradient_lipschitz, weak_convexity
from pnp_course.toy import GaussianMixture, PixelMixture


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(1)
    net = DRUNet(1, (4, 6, 8, 8), 1, "elu").double()
    return at_sigma(net, 0.1), torch.rand(3, 1, 8, 8, dtype=torch.float64)


def test_dense_equals_automatic_differentiation(network):
    denoise, x = network
    for image, matrix in zip(x, dense(denoise, x), strict=True):
        want = torch.autograd.functional.jacobian(lambda z: denoise(z[None])[0], image).reshape(64, 64)
        torch.testing.assert_close(matrix, want, atol=1e-12, rtol=0)


def test_certificate_equals_dense_linear_algebra(network):
    denoise, x = network
    j = dense(denoise, x)
    c = certify(denoise, x, iterations=1000, tol=1e-7)
    ends = torch.linalg.eigvalsh((j + j.mT) / 2)
    torch.testing.assert_close(c.lambda_min.double(), ends[:, 0], atol=1e-6, rtol=0)
    torch.testing.assert_close(c.lambda_max.double(), ends[:, -1], atol=1e-6, rtol=0)
    eye = torch.eye(64, dtype=torch.float64)
    for name, matrix in (("asymmetry", j - j.mT), ("norm", j), ("residual", eye - j)):
        torch.testing.assert_close(getattr(c, name), torch.linalg.matrix_norm(matrix, 2), rtol=2e-3, atol=0)
    assert c.evaluations > 10


def test_oracle_is_certified_as_what_it_is():
    """Pixels at known places of the exact denoiser: J is diagonal with entries known in closed form."""
    oracle, sigma = PixelMixture(GaussianMixture.two_peaks()), 0.15
    x = torch.linspace(0, 1, 64, dtype=torch.float64).reshape(1, 1, 8, 8)
    j = oracle.mixture.jacobian(x.reshape(-1, 1), sigma).flatten()
    c = certify(at_sigma(oracle, sigma), x, tol=1e-6)
    assert c.gamma == pytest.approx(1 / float(j.max()), rel=1e-6)
    assert c.delta == 0
    assert float(c.asymmetry.max()) < 1e-12
    assert float(c.lambda_min) == pytest.approx(float(j.min()), abs=1e-6)
    assert c.summary()["lambda_max_worst"] == pytest.approx(float(j.max()), abs=2e-5)
    assert admm_margin(c.gamma, c.averaging_bound * 0.999) > 0 > admm_margin(c.gamma, c.averaging_bound * 1.001)


@pytest.mark.parametrize("delta", [0.0, 0.01, 0.1])
@pytest.mark.parametrize(("gamma", "t"), [(0.25, 0.3), (0.5, 0.35), (0.2, 0.15)])
def test_slack_constants_are_attained(gamma, t, delta):
    """Hess F = 1/j - 1 over j in [1 - t(1 + delta), 1 - t + t/gamma]: the modulus and its weak convexity."""
    j = torch.linspace(1 - t * (1 + delta), 1 - t + t / gamma, 100001, dtype=torch.float64)
    hessian = 1 / j - 1
    assert float(hessian.abs().max()) == pytest.approx(gradient_lipschitz(gamma, t, delta), abs=1e-12)
    assert float(-hessian.min()) == pytest.approx(weak_convexity(gamma, t), abs=1e-12)


def test_how_much_slack_the_papers_averaging_has():
    """At gamma = 1/4: t = 0.33 tolerates delta < 0.011, t = 0.30 tolerates delta < 0.13."""
    assert admm_margin(0.25, 0.33, 0.010) > 0 > admm_margin(0.25, 0.33, 0.012)
    assert admm_margin(0.25, 0.30, 0.12) > 0 > admm_margin(0.25, 0.30, 0.14)
