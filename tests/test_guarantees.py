"""What the program says of theorems: on constants made up to lie on either side of every bound, and on the oracle."""

import inspect
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pnp_course import solvers
from pnp_course.certificates import certificate
from pnp_course.constants import Constants
from pnp_course.fidelities import Gaussian, Poisson
from pnp_course.guarantees import guarantee
from pnp_course.operators import Blur, Identity, Mask, kernels
from pnp_course.rules import RULES
from pnp_course.toy import GaussianMixture, PixelMixture

X = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
GAUSS, KL = Gaussian(Blur(kernels.gaussian(5, 1.0)), X), Poisson(Identity(), X)
COCO = Constants(
    gamma=0.25,
    delta=0.0,
    asymmetry=1e-6,
    residual=3.0,
    norm=4.0,
    firm=7.0,
    strict=1.3,
    k=0.9,
    top=4.0,
    bottom=0.0,
    gradient_step=True,
)
STEEP = replace(COCO, gamma=0.5, residual=1.0, top=2.0, bottom=0.1)  # M = 0.9, l = 1
CONVEX = replace(COCO, gamma=1.0, residual=0.9, norm=1.0, firm=1.0, strict=1.0, top=1.0, bottom=0.1)


def test_every_solver_has_a_rule():
    """No generator of iterates is missing from the table, and the table names none that does not exist."""
    found = {
        name for name in solvers.__all__
        if inspect.isfunction(getattr(solvers, name)) and "Iterator[Iterate]" in str(inspect.signature(getattr(solvers, name)))
    }  # fmt: skip
    assert found == set(RULES)


CASES = [  # solver, denoiser, fidelity, parameters within the bound, parameters beyond it, words of the complaint
    ("coco_admm", COCO, KL, {"t": 0.33}, {"t": 0.34}, r"t = 0.34 is not below 0.3333 = t_1\(gamma = 0.25"),
    ("coco_admm", replace(COCO, gamma=0.21), KL, {"t": 0.26}, {"t": 0.27}, r"t = 0.27 is not below 0.2658 = t_1\(gamma = 0.21"),
    ("coco_admm", replace(COCO, delta=0.6), KL, {"t": 0.31}, {"t": 0.32}, "t = 0.32 is not below 0.3125 .* delta = 0.6"),
    ("coco_admm", replace(COCO, gamma=0.5), KL, {"t": 0.49}, {"t": 0.51}, r"t = 0.51 is not below 0.5 = t_1\(gamma = 0.5"),
    ("coco_pegd", COCO, KL, {"t": 0.33, "step": 0.8}, {"t": 0.33, "step": 1.6}, r"step = 1.6 is not below 1.503 = 2 - r\(t\)"),
    ("gs_pnp_pgd", COCO, GAUSS, {}, None, ""),
    ("prox_pnp_pgd", STEEP, GAUSS, {"lam": 1.45}, {"lam": 1.55}, r"lam L_f \+ t l / \(t l \+ 1\) = 2.05"),
    ("prox_pnp_pgd", STEEP, GAUSS, {"lam": 0.9, "t": 1.1}, {"lam": 0.9, "t": 1.2}, "t M = 1.08 is not below 1"),
    ("alpha_pgd", CONVEX, GAUSS, {"lam": 1.5, "alpha": 0.6}, {"lam": 1.5, "alpha": 0.8}, "alpha lam L_f = 1.2 is"),
    ("alpha_pgd", STEEP, GAUSS, {"lam": 1.5, "alpha": 0.6}, {"lam": 1.5, "alpha": 0.4}, "0.5 is not below 0.4 = alpha"),
    ("prox_pnp_drs", CONVEX, KL, {"lam": 9.0, "t": 0.55}, {"lam": 9.0, "t": 0.56}, "t M = 0.504 is not below 0.5"),
    ("prox_pnp_drs", replace(COCO, delta=0.2, bottom=-0.2), KL, {"lam": 9.0, "t": 0.32}, {"lam": 9.0, "t": 0.34}, "t l = 1.02"),
    ("prox_pnp_drsdiff", CONVEX, GAUSS, {"lam": 0.9}, {"lam": 1.1}, "lam L_f = 1.1"),
    ("rmmo_drs", CONVEX, KL, {"lam": 1.0}, None, ""),
    ("pnpi_hqs", CONVEX, KL, {"relaxation": 0.2}, {"relaxation": 0.3}, "k' of r D"),
    ("pnpi_fbs", CONVEX, GAUSS, {"lam": 0.9}, {"lam": 1.1}, "k' of r D"),
    ("pnpi_hqs", CONVEX, KL, {"relaxation": 0.2}, {"relaxation": 0.2, "a": 0.0, "b": 0.0}, "a = 0, b = 0 are not"),
    ("pnpi_gd", CONVEX, GAUSS, {}, {"a": 0.4, "b": 0.5}, "a = 0.4, b = 0.5 are not"),
    ("red", COCO, GAUSS, {"lam": 1.0, "step": 0.95}, {"lam": 1.0, "step": 1.05}, "is not below 2"),
    ("red", replace(COCO, delta=0.5), GAUSS, {"lam": 1.0, "step": 0.75}, {"lam": 1.0, "step": 0.85}, "is not below 2"),
    ("red_fixed_point", replace(COCO, delta=0.9), KL, {}, None, ""),
    ("coco_admm", CONVEX, KL, {"t": 1.0}, None, ""),
    ("coco_admm", replace(CONVEX, delta=0.25), KL, {"t": 0.8}, {"t": 0.81}, "t = 0.81 is not below 0.8"),
    ("pgd", CONVEX, GAUSS, {"lam": 1.9}, {"lam": 2.1}, "step lam L_f = 2.1"),
    ("fista", CONVEX, GAUSS, {"lam": 0.9}, {"lam": 1.1}, "step lam L_f = 1.1"),
    ("admm", CONVEX, KL, {}, None, ""),
    ("drs", CONVEX, KL, {}, {"relaxation": 2.5}, "relaxation = 2.5"),
    ("primal_dual", CONVEX, KL, {"tau": 0.9, "sigma_dual": 1.0}, {"tau": 1.1, "sigma_dual": 1.0}, "tau sigma"),
    (
        "primal_dual", CONVEX, KL, {"tau": 0.1, "sigma_dual": 1.0, "norm_squared": 8.0},
        {"tau": 0.2, "sigma_dual": 1.0, "norm_squared": 8.0}, "tau sigma",
    ),
    ("b_red", COCO, KL, {"backtracking": 1}, {"backtracking": 0}, "the step is fixed"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0])
def test_both_sides_of_every_bound(case):
    solver, constants, fidelity, inside, outside, words = case
    yes = guarantee(solver, constants, fidelity, X, **inside)
    assert yes.covered, str(yes)
    assert str(yes).startswith(f"{solver}: covered by {RULES[solver].theorem}, because ")
    if outside is not None:
        no = guarantee(solver, constants, fidelity, X, **outside)
        assert not no.covered
        import re

        assert re.search(words, str(no)), str(no)


def test_what_is_left_open_is_said():
    assert "taken for exact" in str(guarantee("coco_admm", COCO, Poisson(Blur(kernels.gaussian(5, 1.0)), X), X, t=0.3))
    assert "taken for exact" not in str(guarantee("coco_admm", COCO, KL, X, t=0.3))
    for solver in (
        "pgd",
        "fista",
        "admm",
        "drs",
        "rmmo_drs",
        "pnpi_hqs",
        "pnpi_fbs",
    ):  # existence is not proved by D alone
        assert "where" in RULES[solver].conclusion, solver
    for solver in (
        "coco_admm",
        "coco_pegd",
        "gs_pnp_pgd",
        "prox_pnp_pgd",
        "prox_pnp_drs",
        "prox_pnp_drsdiff",
        "alpha_pgd",
    ):
        assert "bounded" in RULES[solver].conclusion, solver


def test_a_prior_that_falls_for_ever_lets_the_iterates_leave():
    """Why the conclusions ask for bounded iterates: D = 3 I is 1/3-cocoercive, and half of the pixels are not observed."""
    seen = torch.ones(1, 1, 4, 4)
    seen[..., :2] = 0
    fidelity = Gaussian(Mask(seen), 0.5 * seen)
    d = replace(COCO, gamma=1 / 3, top=3.0)
    assert guarantee("coco_admm", d, fidelity, seen, t=0.33).covered
    with pytest.raises(solvers.DivergenceError, match="x"):
        solvers.run(solvers.coco_admm(fidelity, lambda x: 3 * x, 0.5 * seen + 0.5, lam=1.0, t=0.33), 60)


def test_cards_answer_for_the_levels_they_were_measured_at():
    at = dict.fromkeys(("asymmetry", "residual", "norm", "firm", "strict"), 0.0)
    at = {f"{key}_worst": value for key, value in at.items()} | {
        "k": 0.9,
        "lambda_max_worst": 4.0,
        "lambda_min_worst": 0.0,
    }
    levels = {"15": at | {"gamma_worst": 0.3, "delta_worst": 0.0}, "40": at | {"gamma_worst": 0.25, "delta_worst": 0.1}}
    card = {"architecture": "gradient-step", "config": {"activation": "elu"}, "certificate": levels}
    assert Constants.of(card, 15 / 255).gamma == 0.3
    assert (Constants.of(card, 20 / 255).gamma, Constants.of(card, 20 / 255).delta) == (0.25, 0.1)  # the worse of two
    assert Constants.of(card, 41 / 255).unmeasured == ""
    no = guarantee("gs_pnp_pgd", card, GAUSS, X, sigma=5 / 255)
    assert not no.covered
    assert "noise level 5/255 is outside those the card was measured at, 15 to 40" in str(no)
    kinked = card | {"config": {"activation": "relu"}}
    for solver in ("gs_pnp_pgd", "coco_admm"):
        no = guarantee(solver, kinked, GAUSS, X, sigma=0.1, t=0.1)
        assert not no.covered
        assert "it jumps there" in str(no)
    with pytest.raises(ValueError, match="several noise levels; pass sigma="):
        guarantee("gs_pnp_pgd", card, GAUSS, X)


@pytest.mark.parametrize("solver", [name for name, rule in RULES.items() if rule.check is None])
def test_solvers_without_a_theorem_say_so(solver):
    g = guarantee(solver, CONVEX, GAUSS, X)
    assert not g.covered
    assert str(g).startswith(f"{solver}: no theorem. ")


def test_an_asymmetric_denoiser_has_no_conservative_theorem():
    for solver, rule in RULES.items():
        if rule.check and "J = J^T" in rule.denoiser:
            g = guarantee(
                solver,
                replace(CONVEX, asymmetry=0.5),
                GAUSS,
                X,
                t=0.1,
                lam=0.1,
                step=0.1,
                alpha=0.6,
                tau=0.1,
                sigma_dual=1,
            )
            assert not g.covered, solver
            assert "||J - J^T|| = 0.5 is not below 0.01" in str(g)


def test_a_fidelity_without_lipschitz_gradient_is_not_for_gradient_steps():
    for solver in ("pgd", "prox_pnp_pgd", "prox_pnp_drsdiff", "red", "pnpi_gd", "alpha_pgd"):
        assert not guarantee(solver, CONVEX, KL, X, lam=0.01, step=0.01, alpha=0.6).covered


def test_on_the_exact_oracle():
    oracle, sigma = PixelMixture(GaussianMixture.two_peaks()), 0.15
    x = torch.linspace(0, 1, 64, dtype=torch.float64).reshape(1, 1, 8, 8)
    c = certificate(oracle, x, sigma, iterations=64)
    assert guarantee("coco_admm", c, KL, X, t=0.33).covered
    no = guarantee("rmmo_drs", c, KL, X)
    assert not no.covered
    assert "||2J - I|| = 5.6" in str(no)  # lambda_max = 3.34


def test_complaints():
    with pytest.raises(ValueError, match="no rule for 'adam'"):
        guarantee("adam", COCO, KL, X)
    with pytest.raises(ValueError, match="needs the parameter 't'; pass t="):
        guarantee("coco_admm", COCO, KL, X)
    with pytest.raises(ValueError, match="holds no certificate"):
        guarantee("coco_admm", {"name": "something"}, KL, X, t=0.3)
    bregman = {"architecture": "bregman-gradient-step"}
    assert guarantee("b_red", bregman, KL, X, backtracking=1).covered
    assert not guarantee("coco_admm", bregman, KL, X, t=0.3).covered


def test_the_page_of_the_book_is_current():
    subprocess.run(
        [sys.executable, "tools/guarantee_page.py", "--check"], cwd=Path(__file__).resolve().parent.parent, check=True
    )
