"""What solvers refuse or warn of, and constants watched along a run."""

import warnings

import numpy as np
import pytest
import torch
from linear_problem import LAM, N, problem

from pnp_course import solvers
from pnp_course.denoisers import at_sigma
from pnp_course.fidelities import Gaussian, Poisson
from pnp_course.monitors import AtIterate
from pnp_course.operators import Identity, Mask
from pnp_course.solvers import run

BAD = {  # the call, and what is said of it at once
    "lam": (lambda p: solvers.pgd(p.fidelity, p.denoise, p.y, lam=0.0), "lam is 0.0; wanted a finite number > 0"),
    "step": (lambda p: solvers.red(p.fidelity, p.denoise, p.y, lam=1.0, step=-1.0), "step is -1.0"),
    "c": (lambda p: solvers.gs_pnp_pgd(p.fidelity, p.denoise, p.y, lam=1.0, c=0.7), "c is 0.7; wanted a number with 0 < c < 1/2"),
    "t": (
        lambda p: solvers.prox_pnp_drs(p.fidelity, p.denoise, p.y, lam=1.0, t=1.5),
        "t is 1.5; wanted a number with 0 < t <= 1",
    ),
    "alpha": (
        lambda p: solvers.alpha_pgd(p.fidelity, p.denoise, p.y, lam=1.0, alpha=0.0),
        "alpha is 0.0; wanted a number with 0 < alpha <= 1",
    ),
    "zeta": (lambda p: solvers.diffpir(p.fidelity, p.denoise, p.y, lam=1.0, sigmas=[0.2, 0.1], zeta=2.0), "zeta is 2.0"),
    "rising": (lambda p: solvers.dps(p.fidelity, p.denoise, p.y, sigmas=[0.1, 0.2]), "never rise"),
    "unequal": (
        lambda p: solvers.snore(p.fidelity, p.denoise, p.y, lam=[1.0], sigmas=[0.1, 0.1]),
        "1 of lam and 2 of sigmas; wanted equally many",
    ),
    "relaxation": (lambda p: solvers.coco_drs(p.fidelity, p.denoise, p.y, lam=1.0, relaxation=2.0), "relaxation is 2.0"),
    "a schedule where there is none": (
        lambda p: solvers.coco_admm(p.fidelity, p.denoise, p.y, lam=[1.0, 2.0]), r"lam is \[1.0, 2.0\]; this solver takes",
    ),
    "one of several weights": (lambda p: solvers.hqs(p.fidelity, p.denoise, p.y, lam=[1.0, None]), "lam is None; wanted a"),
    "several values": (lambda p: solvers.admm(p.fidelity, p.denoise, p.y, lam=torch.ones(2)), r"lam is tensor\(\[1., 1.\]\)"),
    "huge": (lambda p: solvers.admm(p.fidelity, p.denoise, p.y, lam=10**400), "wanted a finite number > 0"),
    "text": (lambda p: solvers.hqs(p.fidelity, p.denoise, p.y, lam=1.0, sigmas="0.1"), "sigmas is '0.1'; wanted a list of noise"),
    "no list": (lambda p: solvers.snore(p.fidelity, p.denoise, p.y, lam=1.0, sigmas=0.1), "sigmas is 0.1; wanted a list"),
    "one level": (
        lambda p: solvers.dps(p.fidelity, p.denoise, p.y, sigmas=torch.tensor(0.1)), r"sigmas is tensor\(0.1000\); wanted a list",
    ),
    "NaN level": (
        lambda p: solvers.diffpir(p.fidelity, p.denoise, p.y, lam=1.0, sigmas=[float("nan"), 0.1]), "sigmas is nan; wanted noise",
    ),
    "whole": (lambda p: solvers.dpir(p.fidelity, p.denoise, p.y, lam=1.0, iterations=float("inf")), "iterations is inf; want"),
    "seed": (lambda p: solvers.snore(p.fidelity, p.denoise, p.y, lam=1.0, seed=1.5), "seed is 1.5; wanted a whole number >= 0"),
    "switch": (lambda p: solvers.b_red(p.fidelity, p.denoise, p.y, lam=1.0, backtracking="no"), "is no; wanted True or False"),
    "map": (lambda p: solvers.primal_dual(p.fidelity, p.denoise, p.y, lam=1.0, linear=2.0), "linear is 2.0; wanted a map with"),
    "start": (lambda p: solvers.pgd(p.fidelity, p.denoise, p.y / 0, lam=1.0), "x0 has 36 value"),
    "fidelity": (lambda p: solvers.pgd(p.a, p.denoise, p.y, lam=1.0), "fidelity is a Blur; wanted a fidelity, such as Gaussian"),
    "levels of each": (
        lambda p: solvers.dpir(p.fidelity, p.denoise.at(torch.tensor([0.1, 0.2])), p.y, lam=1.0), "sigma has 2 values; wanted",
    ),
    "level above the ladder": (lambda p: solvers.dps(p.fidelity, p.denoise.at(1.5), p.y), "never rise"),
    "last": (lambda _: solvers.annealed(1.0, 0.0, 10, last=20), "last is 20 of 10"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(BAD))
def test_bad_parameters(name):
    make, words = BAD[name]
    with pytest.raises(ValueError, match=words):
        make(problem(symmetric=True))  # at the call, not at the first iterate


def test_numbers_of_any_kind_are_the_same_numbers():
    """What has one value is that value: a tensor of double precision does not draw the run into its own."""
    p = problem(symmetric=True)
    single = Gaussian(p.a, p.y.float())

    def third(**parameters):
        return run(solvers.coco_admm(single, p.denoise, p.y.float(), **parameters), 3).x

    want = third(lam=0.5, t=0.25)
    for kind in (np.float64, np.float32, torch.tensor, lambda v: torch.tensor([v], dtype=torch.float64)):
        assert torch.equal(third(lam=kind(0.5), t=kind(0.25)), want)
    levels = [0.2, 0.1]
    want = run(solvers.dpir(single, p.denoise, p.y.float(), lam=1.0, iterations=2, sigma_start=0.2), 2).x
    assert torch.equal(
        run(solvers.dpir(single, p.denoise, p.y.float(), lam=1.0, iterations=2.0, sigma_start=0.2), 2).x, want
    )
    want = run(solvers.diffpir(single, p.denoise, p.y.float(), lam=1.0, sigmas=levels), 2).x
    for kind in (tuple, np.array, lambda v: torch.tensor(v, dtype=torch.float64)):
        assert torch.equal(
            run(solvers.diffpir(single, p.denoise, p.y.float(), lam=1.0, sigmas=kind(levels)), 2).x, want
        )


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"max_iter": float("nan")}, "max_iter is nan; wanted a whole number >= 1"),
        ({"max_iter": "many"}, "max_iter is 'many'; wanted a number"),
        ({"max_seconds": float("nan")}, "max_seconds is nan; wanted a number of seconds"),
    ],
)
def test_bad_limits(limits, words):
    p = problem(symmetric=True)
    with pytest.raises(ValueError, match=words):
        run(solvers.admm(p.fidelity, p.denoise, p.y, lam=1.0), **limits)


def test_inpainting_by_a_mask():
    """A mask with a hard fidelity: seen pixels are kept, unseen ones come from the prior."""
    generator = torch.Generator().manual_seed(0)
    mask = (torch.rand(8, 8, generator=generator) < 0.5).double()
    y = mask * torch.rand(1, 1, 8, 8, generator=generator, dtype=torch.float64)
    x = run(solvers.admm(Gaussian(Mask(mask), y), diffuse, y, lam=1e6), 2000, tol=1e-13).iterate.v
    torch.testing.assert_close(x * mask, y, atol=1e-4, rtol=0)
    # unseen: the minimiser of the prior <x, (W^{-1} - I) x> / 2 with the seen ones given, a linear system of its own
    w = (0.7 * EYE_8 + 0.25 * NEIGHBOURS_8).double()
    hessian, hole = torch.linalg.inv(w) - EYE_8, mask.flatten() == 0
    want = torch.linalg.solve(hessian[hole][:, hole], -hessian[hole][:, ~hole] @ y.flatten()[~hole])
    torch.testing.assert_close(x.flatten()[hole], want, atol=1e-4, rtol=0)


def ring(n):
    """Each of n pixels in a row with the mean of its two neighbours, the row closed to a ring."""
    eye = torch.eye(n, dtype=torch.float64)
    return (eye.roll(1, 0) + eye.roll(-1, 0)) / 2


EYE_8 = torch.eye(64, dtype=torch.float64)
NEIGHBOURS_8 = (
    torch.kron(ring(8), torch.eye(8, dtype=torch.float64)) + torch.kron(torch.eye(8, dtype=torch.float64), ring(8))
) / 2


def diffuse(z):
    """A linear denoiser with eigenvalues in [0.45, 0.95] that mixes neighbours."""
    around = (z.roll(1, -1) + z.roll(-1, -1) + z.roll(1, -2) + z.roll(-1, -2)) / 4
    return 0.7 * z + 0.25 * around


@pytest.mark.parametrize("what", ["asymmetry", "lambda_min", "lambda_max", "gamma"])
def test_constants_at_the_iterate(what):
    """Along a run the monitor gives those of the matrix, every third time."""
    p = problem(symmetric=False)

    monitor = AtIterate(p.denoise.denoiser, 0.1, what, every=3, iterations=36)
    result = run(solvers.admm(p.fidelity, p.denoise, p.y, lam=LAM), 7, monitors={what: monitor})
    ends = torch.linalg.eigvalsh((p.w + p.w.T) / 2)
    want = {
        "asymmetry": torch.linalg.matrix_norm(p.w - p.w.T, 2), "lambda_min": ends[0], "lambda_max": ends[-1],
        "gamma": torch.ones(()),
    }[what]  # fmt: skip
    values = result.history[what]
    assert values.iloc[[0, 3, 6]].tolist() == pytest.approx([float(want)] * 3, rel=1e-6)
    assert values.iloc[[1, 2, 4, 5]].isna().all()


def test_unknown_constant():
    with pytest.raises(ValueError, match="wanted asymmetry"):
        AtIterate(torch.nn.Identity(), 0.1, "curl")


def test_shapes_that_do_not_fit():
    p = problem(symmetric=True)
    colour = p.y.expand(1, 3, N, N)
    for name in ("pgd", "admm", "red"):
        with pytest.raises(ValueError, match=r"\(1, 3, 6, 6\).* must be equal"):
            next(getattr(solvers, name)(p.fidelity, at_sigma(lambda x, s: 0.5 * x, 0.1), colour, lam=1.0))
    bad = {
        "shape": lambda x, s: x[..., :-1], "dtype": lambda x, s: x.float(),
    }  # fmt: skip
    for denoiser in bad.values():
        with pytest.raises(ValueError, match="the denoiser made"):
            next(solvers.admm(p.fidelity, at_sigma(denoiser, 0.1), p.y, lam=1.0))


def test_long_steps_are_warned_of():
    p = problem(symmetric=True)
    for make, words in (
        (lambda: solvers.pgd(p.fidelity, p.denoise, p.y, lam=2.5), "step lam L_f = 2.5 is above 2.* below 2"),
        (lambda: solvers.fista(p.fidelity, p.denoise, p.y, lam=1.5), "is above 1"),
        (lambda: solvers.prox_pnp_drsdiff(p.fidelity, p.denoise, p.y, lam=1.5), "lam L_f = 1.5 is above 1"),
        (lambda: solvers.pgd(Poisson(Identity(), p.y), p.denoise, p.y, lam=0.1), "no Lipschitz constant"),
    ):
        with pytest.warns(solvers.StepSizeWarning, match=words):
            next(make())


def test_steps_within_the_bound_are_not_warned_of():
    p = problem(symmetric=True)  # L_f = 1
    for make in (
        lambda: solvers.pgd(p.fidelity, p.denoise, p.y, lam=1.9),
        lambda: solvers.fista(p.fidelity, p.denoise, p.y, lam=0.95),
        lambda: solvers.prox_pnp_pgd(p.fidelity, p.denoise, p.y, lam=0.95),
        lambda: solvers.alpha_pgd(p.fidelity, p.denoise, p.y, lam=1.9, alpha=0.5),
        lambda: solvers.prox_pnp_drsdiff(p.fidelity, p.denoise, p.y, lam=0.95),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("error", solvers.StepSizeWarning)
            next(make())
    for alpha in (0.55, 0.9):  # alpha lam L_f > 1
        with pytest.warns(solvers.StepSizeWarning, match="alpha lam L_f"):
            next(solvers.alpha_pgd(p.fidelity, p.denoise, p.y, lam=1.9, alpha=alpha))
