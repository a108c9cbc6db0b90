"""What solvers refuse or warn of, and constants watched along a run."""

import pytest
import torch
from linear_problem import LAM, N, problem

from pnp_course import solvers
from pnp_course.denoisers import at_sigma
from pnp_course.fidelities import Gaussian, Poisson
from pnp_course.monitors import AtIterate
from pnp_course.operators import Identity, Mask
from pnp_course.solvers import run

BAD = {
    "lam": (lambda p: solvers.pgd(p.fidelity, p.denoise, p.y, lam=0.0), "lam is 0.0; wanted a finite number > 0"),
    "step": (lambda p: solvers.red(p.fidelity, p.denoise, p.y, lam=1.0, step=-1.0), "step is -1.0"),
    "c": (lambda p: solvers.gs_pnp_pgd(p.fidelity, p.with_value, p.y, lam=1.0, c=0.7), "0 < c < 1/2"),
    "t": (lambda p: solvers.prox_pnp_drs(p.fidelity, p.with_value, p.y, lam=1.0, t=1.5), "0 < t <= 1"),
    "alpha": (lambda p: solvers.alpha_pgd(p.fidelity, p.with_value, p.y, lam=1.0, alpha=0.0), "0 < alpha <= 1"),
    "zeta": (lambda p: solvers.diffpir(p.fidelity, p.denoise, p.y, nu=0.1, sigmas=[0.2, 0.1], zeta=2.0), "zeta is 2.0"),
    "rising": (lambda p: solvers.dps(p.fidelity, p.denoise, p.y, sigmas=[0.1, 0.2]), "never rise"),
    "unequal": (lambda p: solvers.snore(p.fidelity, p.denoise, p.y, lams=[1.0], sigmas=[0.1, 0.1]), "equally many"),
    "relaxation": (lambda p: solvers.coco_drs(p.fidelity, p.denoise, p.y, lam=1.0, relaxation=1.0), "relaxation is 1.0"),
    "last": (lambda _: solvers.annealed(1.0, 0.0, 10, last=20), "last is 20 of 10"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(BAD))
def test_bad_parameters(name):
    make, words = BAD[name]
    with pytest.raises(ValueError, match=words):
        next(iter(make(problem(symmetric=True))))


def test_inpainting_by_a_mask():
    """A mask with a hard fidelity: seen pixels are kept, unseen ones come from the prior."""
    generator = torch.Generator().manual_seed(0)
    mask = (torch.rand(8, 8, generator=generator) < 0.5).double()
    y = mask * torch.rand(1, 1, 8, 8, generator=generator, dtype=torch.float64)
    x = run(solvers.admm(Gaussian(Mask(mask), y), lambda z: 0.9 * z, y, lam=1e6), 200).iterate.v
    torch.testing.assert_close(x * mask, y, atol=1e-4, rtol=0)


@pytest.mark.parametrize("what", ["asymmetry", "lambda_min", "lambda_max", "gamma"])
def test_constants_at_the_iterate(what):
    """Along a run the monitor gives those of the matrix, every third time."""
    p = problem(symmetric=False)

    class Module(torch.nn.Module):
        def forward(self, x, sigma):
            return (p.w.to(x) @ x.flatten()).reshape(x.shape)

    monitor = AtIterate(Module(), 0.1, what, every=3, iterations=36)
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
        options = {"step": 1.0} if name == "red" else {}
        with pytest.raises(ValueError, match=r"\(1, 3, 6, 6\).* must be equal"):
            next(getattr(solvers, name)(p.fidelity, p.denoise, colour, lam=1.0, **options))
    bad = {
        "shape": lambda x, s: x[..., :-1], "dtype": lambda x, s: x.float(),
    }  # fmt: skip
    for denoiser in bad.values():
        with pytest.raises(ValueError, match="the denoiser made"):
            next(solvers.admm(p.fidelity, at_sigma(denoiser, 0.1), p.y, lam=1.0))


def test_long_steps_are_warned_of():
    p = problem(symmetric=True)
    for make, words in (
        (lambda: solvers.pgd(p.fidelity, p.denoise, p.y, lam=2.5), "step lam L_f = 2.5 is over 2.* below 2"),
        (lambda: solvers.fista(p.fidelity, p.denoise, p.y, lam=1.5), "is over 1"),
        (lambda: solvers.prox_pnp_drsdiff(p.fidelity, p.with_value, p.y, lam=1.5), "lam L_f = 1.5 is over 1"),
        (lambda: solvers.pgd(Poisson(Identity(), p.y), p.denoise, p.y, lam=0.1), "no Lipschitz constant"),
    ):
        with pytest.warns(solvers.StepSizeWarning, match=words):
            next(make())
