"""A deblurring problem with a linear denoiser, whose answers are matrices: shared by the tests of solvers."""

from types import SimpleNamespace

import torch

from pnp_course.denoisers import at_sigma
from pnp_course.fidelities import Gaussian
from pnp_course.operators import Blur, kernels

N = 6
LAM = 0.7
EYE = torch.eye(N * N, dtype=torch.float64)


def problem(symmetric, seed=0, low=0.15, high=0.85):
    """Blur A, observation y, and a linear denoiser D x = W x with its potential where W is symmetric.

    Symmetric: eigenvalues in [low, high], so D = I - grad g with g = <x, (I - W) x> / 2, and D = prox_phi.
    Nonsymmetric: the same plus an antisymmetric part, with spectral norm below 1.
    """
    generator = torch.Generator().manual_seed(seed)
    q, _ = torch.linalg.qr(torch.randn(N * N, N * N, generator=generator, dtype=torch.float64))
    w = q @ torch.diag(torch.linspace(low, high, N * N, dtype=torch.float64)) @ q.T
    if not symmetric:
        skew = torch.randn(N * N, N * N, generator=generator, dtype=torch.float64)
        skew = skew - skew.T
        w = w + 0.1 * skew / torch.linalg.matrix_norm(skew, 2)
    a = Blur(kernels.gaussian(3, 0.6))
    matrix = a(EYE.reshape(-1, 1, N, N)).reshape(N * N, N * N).T
    y = torch.rand(1, 1, N, N, generator=generator, dtype=torch.float64)

    return SimpleNamespace(
        a=a, y=y, w=w, k=matrix, fidelity=Gaussian(a, y), denoise=at_sigma(LinearDenoiser(w, symmetric), 0.1),
        gram=matrix.T @ matrix, back=matrix.T @ y.flatten(),
    )  # fmt: skip


class LinearDenoiser:
    """D x = W x at every noise level, image by image; with its potential where W is symmetric. It remembers its input."""

    def __init__(self, w, has_potential):
        self.w, self.has_potential, self.inputs = w, has_potential, []

    def __call__(self, x, sigma=None):
        self.inputs.append(x)
        return (x.flatten(1) @ self.w.T.to(x)).reshape(x.shape)

    def denoise_and_value(self, x, sigma=None):
        d = self(x)
        return d, 0.5 * (x * (x - d)).flatten(1).sum(1)

    def gradient_and_value(self, x, sigma=None):
        d, g = self.denoise_and_value(x)
        return x - d, g


def solve(matrix, right):
    return torch.linalg.solve(matrix, right)


def residual_and_fidelity(p):
    """A^T (A x - y) + lam (I - W) x = 0: RED and gradient steps."""
    return solve(p.gram + LAM * (EYE - p.w), p.back)
