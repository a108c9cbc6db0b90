"""What the program says of theorems: on constants made up to lie on either side of every bound, and on the oracle.

`test_guarantee_bounds.py` compares every rule with its theorem at random.
"""

import inspect
import random
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from pnp_course import solvers
from pnp_course.denoisers import denoiser_card
from pnp_course.fidelities import Gaussian, Poisson
from pnp_course.guarantees import RULES, Constants, certificate, guarantee
from pnp_course.guarantees.conclusions import theorems
from pnp_course.guarantees.conditions import Parameters
from pnp_course.operators import Blur, Identity, Mask, kernels
from pnp_course.solvers.signature import bind, keywords
from pnp_course.toy import GaussianMixture, PixelMixture

X = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
GAUSS, KL = Gaussian(Blur(kernels.gaussian(5, 1.0)), X), Poisson(Identity(), X)
COCO = Constants(
    bottom=0.0, top=4.0, asymmetry=1e-6, norm=4.0, residual=3.0, firm=7.0, quarter=1.0, strict=1.3, k=0.9, gradient_step=True
)  # fmt: skip
STEEP = replace(COCO, residual=1.0, top=2.0, bottom=0.1)  # M = 0.9, l = 1
CONVEX = replace(COCO, residual=0.9, norm=1.0, firm=1.0, strict=1.0, top=1.0, bottom=0.1)


def test_every_solver_has_a_rule():
    """No generator of iterates is missing from the table, and the table names none that does not exist."""
    found = {
        name for name in solvers.__all__
        if inspect.isfunction(getattr(solvers, name)) and "Iterator[Iterate]" in str(inspect.signature(getattr(solvers, name)))
    }  # fmt: skip
    assert found == set(RULES)


ALMOST = 0.999999
CASES = [  # solver, denoiser, fidelity, parameters within the bound, parameters beyond it, words of the complaint
    ("coco_admm", COCO, KL, {"t": 0.33}, {"t": 0.34}, r"t = 0.34 is not below 0.3333 = t_1\(gamma = 0.25"),
    ("coco_admm", replace(COCO, top=1 / 0.21), KL, {"t": 0.26}, {"t": 0.27}, r"t = 0.27 is not below 0.2658 = t_1\(gamma = 0.21"),
    ("coco_admm", replace(COCO, bottom=-0.6), KL, {"t": 0.31}, {"t": 0.32}, "t = 0.32 is not below 0.3125 .* delta = 0.6"),
    ("coco_admm", replace(COCO, top=2.0), KL, {"t": 0.49}, {"t": 0.51}, r"t = 0.51 is not below 0.5 = t_1\(gamma = 0.5"),
    ("coco_pegd", COCO, KL, {"t": 0.33, "step": 0.8}, {"t": 0.33, "step": 1.6}, r"step = 1.6 is not below 1.503 = 2 - r\(t\)"),
    ("gs_pnp_pgd", COCO, GAUSS, {}, None, ""),
    ("prox_pnp_pgd", STEEP, GAUSS, {"lam": 1.45}, {"lam": 1.55}, r"lam L_f \+ t l / \(t l \+ 1\) = 2.05"),
    ("prox_pnp_pgd", replace(STEEP, bottom=-0.5), GAUSS, {"t": 0.66}, {"t": 0.67}, "t M = 1.005 is not below 1"),
    ("alpha_pgd", CONVEX, GAUSS, {"lam": 1.5, "alpha": 0.6}, {"lam": 1.5, "alpha": 0.8}, "alpha lam L_f = 1.2 is"),
    ("alpha_pgd", STEEP, GAUSS, {"lam": 1.5, "alpha": 0.6}, {"lam": 1.5, "alpha": 0.4}, "0.5 is not below 0.4 = alpha"),
    ("prox_pnp_drs", CONVEX, KL, {"lam": 9.0, "t": 0.55}, {"lam": 9.0, "t": 0.56}, "t M = 0.504 is not below 0.5"),
    ("prox_pnp_drs", replace(COCO, bottom=-0.2), KL, {"lam": 9.0, "t": 0.32}, {"lam": 9.0, "t": 0.34}, "t l = 1.02"),
    ("prox_pnp_drsdiff", CONVEX, GAUSS, {"lam": 0.9}, {"lam": 1.1}, "lam L_f = 1.1"),
    ("rmmo_drs", CONVEX, KL, {"lam": 1.0}, None, ""),
    ("pnpi_hqs", CONVEX, KL, {"t": 0.2}, {"t": 0.3}, "k' of t D"),
    ("pnpi_fbs", CONVEX, GAUSS, {"lam": 0.9}, {"lam": 1.1}, "k' of t D"),
    ("pnpi_hqs", CONVEX, KL, {"t": 0.2}, {"t": 0.2, "a": 0.0, "b": 0.0}, "a = 0, b = 0 are not"),
    ("pnpi_gd", CONVEX, GAUSS, {"a": 0.9, "b": 0.1}, {"a": 0.9, "b": 0.11}, "a = 0.9, b = 0.11 are not"),
    ("pnpi_gd", CONVEX, GAUSS, {}, {"a": 0.4, "b": 0.5}, "a = 0.4, b = 0.5 are not"),
    ("red", COCO, GAUSS, {"lam": 1.0, "step": 0.95}, {"lam": 1.0, "step": 1.05}, "is not below 2"),
    ("red", COCO, GAUSS, {"lam": 3.0, "step": 0.49}, {"lam": 3.0, "step": 0.51}, r"lam L_f \+ 1 \+ delta\) = 2.04 is"),
    ("red", replace(COCO, bottom=-0.5), GAUSS, {"lam": 1.0, "step": 0.75}, {"lam": 1.0, "step": 0.85}, "is not below 2"),
    ("red", replace(COCO, bottom=-1.5), GAUSS, {"lam": 0.6}, {"lam": 0.4}, r"2.071 is not below 2 with step = 1 / \("),
    ("red_fixed_point", replace(COCO, bottom=-0.9), KL, {}, None, ""),
    ("coco_admm", CONVEX, KL, {"t": ALMOST}, {"t": 1.0}, "t = 1 is not below 1 "),
    ("coco_admm", replace(CONVEX, bottom=-0.25), KL, {"t": 0.8 * ALMOST}, {"t": 0.8}, "t = 0.8 is not below 0.8"),
    ("pgd", CONVEX, GAUSS, {"lam": 1.9}, {"lam": 2.1}, "step lam L_f = 2.1"),
    ("fista", CONVEX, GAUSS, {"lam": 0.9}, {"lam": 1.1}, "step lam L_f = 1.1"),
    ("admm", CONVEX, KL, {}, None, ""),
    ("drs", CONVEX, KL, {"relaxation": 1.99}, None, ""),
    ("primal_dual", CONVEX, KL, {"step": 0.9, "sigma_dual": 1.0}, {"step": 1.1, "sigma_dual": 1.0}, "step sigma_dual"),
    (
        "primal_dual", CONVEX, KL, {"step": 0.1, "linear": SimpleNamespace(norm_squared=8.0)},
        {"step": 0.2, "linear": SimpleNamespace(norm_squared=8.0)}, "= 1.6 is above 1",
    ),
    ("b_red", COCO, KL, {"backtracking": True}, {"backtracking": False}, "the step is fixed"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0])
def test_both_sides_of_every_bound(case):
    solver, constants, fidelity, inside, outside, words = case
    yes = guarantee(solver, constants, fidelity, X, **{"lam": 1.0} | inside)
    assert yes.covered, str(yes)
    assert str(yes).startswith(f"{solver}: covered by {RULES[solver].theorem}, because ")
    if outside is not None:
        no = guarantee(solver, constants, fidelity, X, **{"lam": 1.0} | outside)
        assert not no.covered
        assert re.search(words, str(no)), str(no)


NONSENSE = {  # outside the domain of each keyword that some solver has
    "lam": [-1.0, 0.0, float("nan"), float("inf"), "much"], "step": [-0.1, 0.0, float("nan"), float("inf")],
    "sigma_dual": [0.0, -1.0], "t": [1.1, 0.0, -0.3, float("nan"), True], "alpha": [0.0, 1.01], "relaxation": [0.0, 2.0, 2.5],
    "c": [0.9, 0.5, 0.0], "eta": [1.0, 0.0], "a": [-0.1, float("inf")], "b": [-0.1, float("nan")], "cap": [0.0],
    "largest": [0.0, float("nan")], "smallest": [0.0, -1.0], "zeta": [1.5, -0.1], "sigma_start": [0.0], "iterations": [1, 2.5],
}  # fmt: skip


@pytest.mark.parametrize("solver", RULES)
def test_a_misspelt_keyword_is_never_covered(solver):
    """Random slips of the pen in every name: an error, which offers what was meant."""
    rng, known = random.Random(solver), list(keywords(getattr(solvers, solver)))
    for _ in range(30):
        meant = rng.choice(known)
        place = rng.randrange(len(meant))
        slip = rng.choice(
            [meant[:place] + meant[place] + meant[place:], meant + "s", meant[:place] + "_" + meant[place:]]
        )
        assert slip not in known
        with pytest.raises(ValueError, match=rf"{solver} has no parameter '{slip}'; did you mean '{meant}'\?"):
            guarantee(solver, CONVEX, KL, X, **{"lam": 1.0, slip: 0.1})
    with pytest.raises(ValueError, match="has no parameter 'norm_squared'"):
        guarantee(solver, CONVEX, KL, X, lam=1.0, norm_squared=0.5)


@pytest.mark.parametrize("solver", RULES)
def test_a_value_that_the_solver_refuses_is_never_covered(solver):
    """And the complaint is the solver's own."""
    for name in set(keywords(getattr(solvers, solver))) & set(NONSENSE):
        for value in NONSENSE[name]:
            with pytest.raises(ValueError, match=f"^{name} is .*; wanted") as said:
                guarantee(solver, CONVEX, KL, X, **{"lam": 1.0, name: value})
            with pytest.raises(ValueError, match=re.escape(str(said.value))):
                bind(getattr(solvers, solver), {"lam": 1.0, name: value})


@pytest.mark.parametrize("solver", [name for name, rule in RULES.items() if rule.check])
def test_rules_speak_of_the_solvers_own_parameters_and_defaults(solver):
    """A rule reads no parameter that its solver has not; what is left out is judged at the solver's default."""
    known = keywords(getattr(solvers, solver))
    read = set()

    class Recording(dict):
        def __getitem__(self, name):
            read.add(name)
            return super().__getitem__(name)

    RULES[solver].check(CONVEX, Parameters(Recording(bind(getattr(solvers, solver), {"lam": 0.5})), lambda: 1.0))
    assert read <= set(known)
    plain = guarantee(solver, CONVEX, GAUSS, X, lam=0.5)
    defaults = {n: p.default for n, p in known.items() if p.default not in (p.empty, None)}
    assert plain == guarantee(solver, CONVEX, GAUSS, X, lam=0.5, **defaults)


def test_a_weight_that_changes_from_step_to_step_has_no_theorem():
    with pytest.raises(ValueError, match="one number for all iterations: pass lam=NUMBER"):
        guarantee("pgd", CONVEX, GAUSS, X, lam=[0.5, 0.6])
    with pytest.raises(
        ValueError, match=r"step is None; wanted a value: pass step=NUMBER, or leave it out to take 1\.0\."
    ):
        guarantee("pgd", CONVEX, GAUSS, X, lam=0.5, step=None)


def test_what_is_left_open_is_said():
    blurred = Poisson(Blur(kernels.gaussian(5, 1.0)), X)
    assert "taken for exact" in str(guarantee("coco_admm", COCO, blurred, X, lam=1.0, t=0.3))
    assert "taken for exact" not in str(guarantee("coco_admm", COCO, KL, X, lam=1.0, t=0.3))
    existence = ("pgd", "fista", "admm", "drs", "rmmo_drs", "pnpi_hqs", "pnpi_fbs")  # not proved by D alone
    for solver in existence:
        assert "where" in RULES[solver].conclusion, solver
    bounded = ("coco_admm", "coco_pegd", "gs_pnp_pgd", "prox_pnp_pgd", "prox_pnp_drs", "prox_pnp_drsdiff", "alpha_pgd")
    for solver in bounded:
        assert "bounded" in RULES[solver].conclusion, solver


def test_a_prior_that_falls_for_ever_lets_the_iterates_leave():
    """Why the conclusions ask for bounded iterates: D = 3 I is 1/3-cocoercive, and half of the pixels are not observed."""
    seen = torch.ones(1, 1, 4, 4)
    seen[..., :2] = 0
    fidelity = Gaussian(Mask(seen), 0.5 * seen)
    d = replace(COCO, top=3.0)
    assert guarantee("coco_admm", d, fidelity, seen, lam=1.0, t=0.33).covered
    with pytest.raises(solvers.DivergenceError, match="x"):
        solvers.run(solvers.coco_admm(fidelity, lambda x: 3 * x, 0.5 * seen + 0.5, lam=1.0, t=0.33), 60)


def test_cards_answer_for_the_levels_they_were_measured_at():
    at = dict.fromkeys(("asymmetry", "residual", "norm", "firm", "quarter", "strict"), 0.0)
    at = {f"{key}_worst": value for key, value in at.items()} | {"k": 0.9}
    levels = {
        "15": at | {"lambda_max_worst": 2.5, "lambda_min_worst": 0.1},
        "40": at | {"lambda_max_worst": 4.0, "lambda_min_worst": -0.1},
    }
    card = {"architecture": "gradient-step", "config": {"activation": "elu"}, "certificate": levels}
    assert (Constants.of(card, 15 / 255).gamma, Constants.of(card, 15 / 255).delta) == (0.4, 0.0)
    assert (Constants.of(card, 20 / 255).gamma, Constants.of(card, 20 / 255).delta) == (0.25, 0.1)  # the worse of two
    assert Constants.of(card, 41 / 255).unmeasured == ""
    no = guarantee("gs_pnp_pgd", card, GAUSS, X, sigma=5 / 255, lam=1.0)
    assert not no.covered
    assert "noise level 5/255 is outside those the card was measured at, 15 to 40" in str(no)
    kinked = card | {"config": {"activation": "relu"}}
    for solver in ("gs_pnp_pgd", "coco_admm"):
        assert guarantee(solver, card, GAUSS, X, sigma=0.1, lam=1.0).covered
        no = guarantee(solver, kinked, GAUSS, X, sigma=0.1, lam=1.0)
        assert not no.covered
        assert "it jumps there" in str(no)
    with pytest.raises(ValueError, match="several noise levels; pass sigma="):
        guarantee("gs_pnp_pgd", card, GAUSS, X, lam=1.0)
    for wrong in (-0.1, 0.0, float("nan")):
        with pytest.raises(ValueError, match="sigma is"):
            guarantee("gs_pnp_pgd", card, GAUSS, X, sigma=wrong, lam=1.0)
    with pytest.raises(ValueError, match="given by a Constants, which was taken at one noise level"):
        guarantee("gs_pnp_pgd", COCO, GAUSS, X, sigma=0.1, lam=1.0)


def test_between_two_levels_of_a_card_the_worse_of_each_constant_counts():
    """And beyond the first or the last of three levels, that level alone: the others are not asked."""
    worse = ("asymmetry", "norm", "residual", "firm", "quarter", "strict", "lambda_max")
    levels = {
        str(level): {f"{name}_worst": size * (i + 1) for i, name in enumerate(worse)}
        | {"lambda_min_worst": -size, "k": 0.9}
        for level, size in ((15, 2.0), (25, 5.0), (40, 3.0))
    }
    card = {"architecture": "gradient-step", "config": {"activation": "elu"}, "certificate": levels}
    for sigma, size in ((14.5, 2.0), (15, 2.0), (20, 5.0), (25, 5.0), (30, 5.0), (40, 3.0), (41.5, 3.0)):
        c = Constants.of(card, sigma / 255)
        assert [getattr(c, name) for name in worse[:-1]] == [size * (i + 1) for i in range(6)], sigma
        assert (c.bottom, c.top, c.unmeasured) == (-size, 7 * size, ""), sigma
    for sigma in (14.2, 42.1):
        assert "outside" in Constants.of(card, sigma / 255).unmeasured


@pytest.mark.parametrize("solver", [name for name, rule in RULES.items() if rule.check is None])
def test_solvers_without_a_theorem_say_so(solver):
    g = guarantee(solver, CONVEX, GAUSS, X, lam=1.0)
    assert not g.covered
    assert str(g).startswith(f"{solver}: no theorem. ")


def test_an_asymmetric_denoiser_has_no_conservative_theorem():
    asked = [solver for solver, rule in RULES.items() if rule.check and "J = J^T" in rule.denoiser]
    assert len(asked) >= 9
    for solver in asked:
        g = guarantee(solver, replace(CONVEX, asymmetry=0.5), GAUSS, X, lam=0.1)
        assert not g.covered, solver
        assert "||J - J^T|| = 0.5 is not below 0.01" in str(g)


def test_a_fidelity_without_lipschitz_gradient_is_not_for_gradient_steps():
    for solver in ("pgd", "fista", "prox_pnp_pgd", "prox_pnp_drsdiff", "red", "pnpi_gd", "pnpi_fbs", "alpha_pgd"):
        no = guarantee(solver, CONVEX, KL, X, lam=0.01)
        assert not no.covered
        assert "inf is not below" in str(no) or "inf is above" in str(no), str(no)


def test_on_the_exact_oracle():
    oracle, sigma = PixelMixture(GaussianMixture.two_peaks()), 0.15
    x = torch.linspace(0, 1, 64, dtype=torch.float64).reshape(1, 1, 8, 8)
    c = certificate(oracle, x, sigma, iterations=64)
    assert guarantee("coco_admm", c, KL, X, lam=1.0).covered
    no = guarantee("rmmo_drs", c, KL, X, lam=1.0)
    assert not no.covered
    assert "||2J - I|| = 5.6" in str(no)  # lambda_max = 3.34


def test_complaints():
    with pytest.raises(ValueError, match="no rule for 'adam'"):
        guarantee("adam", COCO, KL, X)
    with pytest.raises(ValueError, match="needs the parameter 'lam'; pass lam="):
        guarantee("coco_admm", COCO, KL, X)
    with pytest.raises(ValueError, match="holds no certificate"):
        guarantee("coco_admm", {"name": "something"}, KL, X, lam=1.0)
    bregman = {"architecture": "bregman-gradient-step"}
    assert guarantee("b_red", bregman, KL, X, lam=1.0, backtracking=True).covered
    no = guarantee("coco_admm", bregman, KL, X, lam=1.0)
    assert not no.covered
    assert "because a Bregman gradient step is no gradient step in the usual geometry" in str(no)


@pytest.mark.parametrize("name", ["bottom", "top", "asymmetry", "norm", "residual", "firm", "quarter", "strict", "k"])
def test_constants_of_no_denoiser_are_covered_by_nothing(name):
    """Whether a rule reads them or not: who passes NaN or a negative norm has measured nothing."""
    everywhere = {s: {n: 0.1 for n, p in keywords(getattr(solvers, s)).items() if p.default is p.empty} for s in RULES}
    nonsense = [float("nan"), float("inf"), float("-inf")] + [-1.0] * (name not in ("bottom", "top", "k"))
    for value in nonsense:
        c = replace(CONVEX, **{name: value})
        for solver, parameters in everywhere.items():
            g = guarantee(solver, c, GAUSS, X, **parameters)
            assert not g.covered, (solver, value)
            assert not g.checks or f"the constants are none of a denoiser: {name} is {value}" in str(g)
        assert not any(theorems(c).values())
    assert "bottom = 0.1 is above top = 0.05" in str(guarantee("pgd", replace(CONVEX, top=0.05), GAUSS, X, lam=0.1))


def test_a_bregman_denoiser_at_a_level_that_it_refuses():
    card = denoiser_card("bregman-drunet")
    low, high = card["sigma_range"]
    for sigma, covered in ((low, True), (high, True), (0.9 * low, False), (1.1 * high, False)):
        g = guarantee("b_red", card, KL, X, sigma=sigma, lam=1.0, backtracking=True)
        assert g.covered == covered
        assert covered or f"this denoiser is good for noise levels from {low:.4g}" in str(g)
    for sigma in (float("nan"), -0.1, torch.tensor([0.05, 0.06])):
        with pytest.raises(ValueError, match="sigma"):
            guarantee("b_red", card, KL, X, sigma=sigma, lam=1.0, backtracking=True)


def test_what_is_no_solver_and_no_denoiser():
    with pytest.raises(ValueError, match=r"no rule for \['pgd'\]"):
        guarantee(["pgd"], COCO, GAUSS, X, lam=1.0)
    for denoiser in (None, torch.nn.Identity()):
        with pytest.raises(ValueError, match="wanted what was measured of it"):
            guarantee("pgd", denoiser, GAUSS, X, lam=1.0)
    for name, value in (("lam", [0.1, 0.2]), ("lam", torch.tensor([0.1, 0.2])), ("backtracking", "no")):
        with pytest.raises(ValueError, match=f"{name} is"):
            guarantee("b_red", COCO, KL, X, **({"lam": 1.0, "backtracking": True} | {name: value}))
    with pytest.raises(ValueError, match="at no noise level"):
        guarantee("pgd", {"certificate": {}}, GAUSS, X, sigma=0.1, lam=1.0)


def test_the_page_of_the_book_is_current():
    subprocess.run(
        [sys.executable, "tools/guarantee_page.py", "--check"], cwd=Path(__file__).resolve().parent.parent, check=True
    )
