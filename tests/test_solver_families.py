"""Bregman, diffusion and stochastic solvers against their papers' formulas."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from linear_problem import EYE, LAM, problem, residual_and_fidelity, solve

from pnp_course import solvers
from pnp_course.denoisers import WithPotential, at_sigma
from pnp_course.fidelities import Poisson
from pnp_course.operators import Identity
from pnp_course.solvers import run


def test_bregman_solvers_minimise_the_poisson_objective():
    """A = I and g = c <x, x> / 2: minimum of lam <1, x - y log x> + g pixel by pixel, x = root of c x^2 + lam x = lam y."""
    generator = torch.Generator().manual_seed(0)
    y = 0.2 + 0.6 * torch.rand(1, 1, 5, 5, generator=generator, dtype=torch.float64)
    fidelity, c, lam = Poisson(Identity(), y), 0.8, 0.5

    denoise = WithPotential(lambda x: (x - c * x, 0.5 * c * x.square().flatten(1).sum(1)))

    want = (-lam + (lam * lam + 4 * c * lam * y).sqrt()) / (2 * c)
    found = run(
        solvers.b_red(fidelity, denoise, y, lam=lam, step=0.5), 500,
        monitors={"objective": lambda it: it.objective},
    )  # fmt: skip
    torch.testing.assert_close(found.x, want, atol=1e-9, rtol=0)
    assert np.diff([row["objective"] for row in found.rows]).max() <= 1e-13
    searched = run(solvers.b_red(fidelity, denoise, y, lam=lam, step=40.0, backtracking=True), 500)
    torch.testing.assert_close(searched.x, want, atol=1e-6, rtol=0)
    assert float(searched.iterate.step) < 40
    # B-PnP: x = B_t(z), z = x / (1 + lam x grad f(x)); at rest grad h(x) - lam grad f(x) = grad h(z)
    rest = run(solvers.b_pnp(fidelity, denoise, y, lam=0.05, t=0.05), 5000).iterate
    torch.testing.assert_close(-1 / rest.x - 0.05 * fidelity.grad(rest.x), -1 / rest.z, atol=1e-7, rtol=0)
    torch.testing.assert_close(rest.x, rest.z - 0.05 * rest.z**2 * c * rest.z, atol=1e-12, rtol=0)


def vp_steps(p, sigmas, method, seed, **o):
    """DiffPIR and DPS as the papers write them: images in [-1, 1], x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) n."""
    generator = torch.Generator().manual_seed(seed)

    def normal():
        return torch.randn(p.y.shape, generator=generator, dtype=torch.float64)

    def a_of(sigma):  # sigma (intensities) is 2 sigma for images in [-1, 1]: (1 - a) / a = 4 sigma^2
        return 1 / (1 + 4 * sigma**2)

    a = a_of(sigmas[0])
    x = a**0.5 * (2 * p.y - 1) + (1 - a) ** 0.5 * normal()
    out = []
    for sigma, following in zip(sigmas, [*sigmas[1:], 0.0], strict=True):
        a, a_next = a_of(sigma), a_of(following)
        point = x.clone().requires_grad_(True)
        clean = 2 * p.denoise.at(sigma)((point / a**0.5 + 1) / 2) - 1
        if method == "diffpir":
            clean = clean.detach()
            rho = o["lam"] * o["nu"] ** 2 / sigma**2
            right = p.back + rho * ((clean + 1) / 2).flatten()
            clean = 2 * solve(p.gram + rho * EYE, right).reshape(p.y.shape) - 1
            e = (x - a**0.5 * clean) / (1 - a) ** 0.5
            x = a_next**0.5 * clean + (1 - a_next) ** 0.5 * ((1 - o["zeta"]) ** 0.5 * e + o["zeta"] ** 0.5 * normal())
        else:
            misfit = (2 * p.y - 1 - (p.k @ clean.flatten()).reshape(p.y.shape)).norm()
            (slope,) = torch.autograd.grad(misfit, point)
            clean = clean.detach()
            alpha = a / a_next  # one DDPM step from t to t': the posterior q(x_t' | x_t, x_0)
            mean = (a_next**0.5 * (1 - alpha) * clean + alpha**0.5 * (1 - a_next) * x) / (1 - a)
            x = mean + ((1 - alpha) * (1 - a_next) / (1 - a)) ** 0.5 * normal() - o["step"](a, a_next) * slope
        out.append((clean + 1) / 2)
    return out


def test_diffusion_solvers_are_the_papers_formulas():
    """The same numbers as the variance-preserving form in [-1, 1], written from the papers with dense matrices."""
    p = problem(symmetric=False)
    sigmas = solvers.ladder(0.9, 0.05, 6)
    # the paper's weight 1.3 of the prior, at the observation's noise level
    ours = solvers.diffpir(p.fidelity, p.denoise.at(0.05), p.y, sigmas=sigmas, lam=1 / 1.3, zeta=0.3, seed=5)
    want = vp_steps(p, sigmas, "diffpir", 5, nu=0.05, lam=1.3, zeta=0.3)
    for iterate, clean in zip(ours, want, strict=True):
        torch.testing.assert_close(iterate.x, clean, atol=1e-10, rtol=0)
    # a unit step on x_t is one of a_t^{-1} for x_t / sqrt(a_t); after the shrinkage to t' the papers' step gains
    # sqrt(a_t' / a_t), which tends to 1 as the ladder becomes fine: it is undone here
    ours = solvers.dps(p.fidelity, p.denoise, p.y, sigmas=sigmas, lam=0.7, seed=5)
    want = vp_steps(p, sigmas, "dps", 5, step=lambda a, a_next: 0.7 * (a_next / a) ** 0.5)
    for iterate, clean in zip(ours, want, strict=True):  # kernels sum to 1 up to the rounding of float32
        torch.testing.assert_close(iterate.x, clean, atol=1e-7, rtol=0)


def test_diffpir_ends_near_the_posterior_mode_of_a_gaussian_prior():
    """With the exact denoiser of a Gaussian prior and little noise, both samplers end near the MAP estimate."""
    p = problem(symmetric=True)
    prior = p.w + 0.05 * EYE  # a covariance

    def exact(x, sigma):
        return (prior @ solve(prior + sigma**2 * EYE, x.flatten())).reshape(x.shape)

    nu = 0.02
    mode = solve(p.gram / nu**2 + torch.linalg.inv(prior), p.back / nu**2)
    sigmas = solvers.ladder(1.0, 0.005, 60)
    for seed in (0, 1):
        last = run(
            solvers.diffpir(p.fidelity, at_sigma(exact, nu), p.y, lam=1.0, sigmas=sigmas, seed=seed), 60
        ).x.flatten()
        assert (p.k @ (last - mode)).norm() / 6 < 2 * nu  # data space, per pixel


def test_schedules():
    levels = solvers.ladder(1.0, 0.01, 5)
    assert levels == pytest.approx([1.0, 10**-0.5, 0.1, 10**-1.5, 0.01])
    s = solvers.annealed(1.8, 0.5, 1500)
    assert len(s) == 1500
    assert s[0] == 1.8
    assert set(s[1200:]) == {0.5}
    assert all(a >= b for a, b in pairwise(s))
    assert len(set(s[:1200])) == 16
    assert solvers.annealed(0.1, 1.0, 10, last=10) == [1.0] * 10


def test_snore_descends_in_the_mean_and_is_seeded():
    p = problem(symmetric=True)
    n = 4000
    steps = {"lam": LAM, "sigmas": [0.1] * n, "step": 0.1 / LAM}
    xs = []
    result = run(solvers.snore(p.fidelity, p.denoise, p.y, **steps, seed=1), n, callback=lambda it: xs.append(it.x))
    again = run(solvers.snore(p.fidelity, p.denoise, p.y, **steps, seed=1), n)
    torch.testing.assert_close(again.x, result.x, atol=0, rtol=0)
    mean = torch.stack(xs[500:]).mean(0).flatten()  # a linear denoiser leaves the mean of the noise at zero
    torch.testing.assert_close(mean, residual_and_fidelity(p), atol=6e-3, rtol=0)
