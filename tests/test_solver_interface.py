"""One form for all solvers: their name is all that changes; a batch is separate problems; outcomes can be copied and sent."""

import copy
import inspect
import io
import itertools
import pickle

import pytest
import torch
from linear_problem import LAM, LinearDenoiser, problem

from pnp_course import solvers
from pnp_course.denoisers import Averaged, BregmanGradientStep, DRUNet, GradientStep, GrayFromColour, at_sigma
from pnp_course.denoisers.base import Fast
from pnp_course.fidelities import Gaussian, Poisson
from pnp_course.operators import Blur, kernels
from pnp_course.priors import TotalVariation
from pnp_course.solvers import DivergenceError, Iterate, Result, run

NAMES = [
    name for name in solvers.__all__
    if inspect.isfunction(getattr(solvers, name)) and "Iterator[Iterate]" in str(inspect.signature(getattr(solvers, name)))
]  # fmt: skip


def test_there_are_all_solvers():
    assert len(NAMES) == 27


@pytest.mark.parametrize("name", NAMES)
def test_the_name_is_all_that_changes(name):
    """The same call for every solver; what it yields has x, the denoiser's input, an objective or None, its variables."""
    p = problem(symmetric=True, low=0.3)
    iterates = getattr(solvers, name)(p.fidelity, p.denoise, p.y, lam=0.5)
    for iterate in itertools.islice(iterates, 3):
        assert iterate.x.shape == p.y.shape
        assert torch.isfinite(iterate.x).all()
        assert torch.equal(iterate.denoiser_input, p.denoise.denoiser.inputs[-1])
        assert iterate.objective is None or isinstance(iterate.objective, float)
        assert all(getattr(iterate, key) is value for key, value in iterate.variables.items())


@pytest.mark.parametrize("name", NAMES)
def test_each_image_of_a_batch_as_if_alone(name):
    """Three images of very different scale, by a solver with a search where it has one: each as in a run of its own."""
    p = problem(symmetric=True, low=-2.5, high=0.9)  # long steps are rejected, and not equally often
    scales = torch.tensor([0.05, 1.0, 8.0], dtype=torch.float64).reshape(-1, 1, 1, 1)
    y = 0.1 + scales * torch.rand(3, 1, 6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    options = {"b_red": {"backtracking": True, "step": 20.0, "largest": 9.0}, "gs_pnp_pgd": {"step": 3.0}}.get(name, {})

    def after(observed, n=8):
        fidelity = Gaussian(p.a, observed)
        if name in ("b_red", "b_pnp"):
            fidelity = Poisson(p.a, observed)
        *_, last = itertools.islice(getattr(solvers, name)(fidelity, p.denoise, observed, lam=0.05, **options), n)
        return last.x

    together = after(y)
    for i in range(3):
        torch.testing.assert_close(together[i : i + 1], after(y[i : i + 1]), atol=1e-8, rtol=1e-8)


def test_searches_differ_between_images():
    """The batch test above is not idle: the steps that the search finds are not all the same."""
    p = problem(symmetric=True, low=-2.5, high=0.9)
    scales = torch.tensor([0.05, 1.0, 8.0], dtype=torch.float64).reshape(-1, 1, 1, 1)
    y = 0.1 + scales * torch.rand(3, 1, 6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    steps = solvers.b_red(Poisson(p.a, y), p.denoise, y, lam=0.05, step=20.0, largest=9.0, backtracking=True)
    *_, last = itertools.islice(steps, 8)
    assert len(set(last.step.tolist())) > 1


def test_iterative_proxes_of_a_batch():
    """Total variation and the Poisson fidelity stop image by image."""
    generator = torch.Generator().manual_seed(0)
    z = torch.rand(3, 2, 16, 16, generator=generator, dtype=torch.float64)
    z[0] *= 1e-3
    z[1] = 0.5
    tv, blur = TotalVariation(0.1), Blur(kernels.motion(5, 1))
    y = z.clamp_min(0.01)
    for i in range(3):
        one = slice(i, i + 1)
        torch.testing.assert_close(tv.prox(z)[one], tv.prox(z[one]), atol=1e-14, rtol=0)
        together, alone = Poisson(blur, y).prox(z, 0.7)[one], Poisson(blur, y[one]).prox(z[one], 0.7)
        torch.testing.assert_close(together, alone, atol=1e-12, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_bad_calls_are_refused_at_once(name):
    p = problem(symmetric=True)
    solve = getattr(solvers, name)
    with pytest.raises(ValueError, match=r"lam is -1; wanted a finite number > 0"):
        solve(p.fidelity, p.denoise, p.y, lam=-1)
    with pytest.raises(ValueError, match=rf"{name} has no parameter 'lamb'; did you mean 'lam'"):
        solve(p.fidelity, p.denoise, p.y, lamb=1.0)
    with pytest.raises(ValueError, match=r"x0 has shape \(6, 6\); wanted \(B, C, H, W\)"):
        solve(p.fidelity, p.denoise, p.y[0, 0], lam=1.0)
    with pytest.raises(ValueError, match="denoise is a NoneType; wanted a function"):
        solve(p.fidelity, None, p.y, lam=1.0)


NEED_A_POTENTIAL = ["gs_pnp_pgd", "prox_pnp_pgd", "alpha_pgd", "prox_pnp_drs", "prox_pnp_drsdiff", "b_red", "b_pnp"]


@pytest.mark.parametrize("name", NEED_A_POTENTIAL)
def test_a_solver_that_needs_a_potential_says_so(name):
    p = problem(symmetric=False)
    with pytest.raises(ValueError, match=rf"{name} needs a denoiser with a (known )?potential"):
        getattr(solvers, name)(p.fidelity, p.denoise, p.y, lam=1.0)


def small(activation="elu", channels=1):
    torch.manual_seed(0)
    return (
        DRUNet(in_channels=channels, widths=(4, 4, 4, 4), blocks=1, activation=activation).eval().requires_grad_(False)
    )


def potential_by_finite_differences(denoise, x, direction, h=1e-3):
    return (denoise.with_value(x + h * direction)[1] - denoise.with_value(x - h * direction)[1]) / (2 * h)


@pytest.mark.parametrize("kind", ["plain", "averaged", "gray from colour", "fast"])
def test_the_potential_of_every_form(kind):
    """with_value gives D and a g whose derivative along any direction is <x - D(x), direction>; g in double precision."""
    step = GradientStep(small(channels=3 if kind == "gray from colour" else 1)).double()
    made = {
        "plain": lambda: step, "averaged": lambda: Averaged(step, 0.3), "gray from colour": lambda: GrayFromColour(step),
        "fast": lambda: Fast(step.float()),
    }[kind]()  # fmt: skip
    denoise = at_sigma(made, 0.1)
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(2, 1, 16, 16, generator=generator, dtype=torch.float64)
    x = x.float() if kind == "fast" else x
    d, g = denoise.with_value(x)
    assert g.shape == (2,)
    torch.testing.assert_close(d, denoise(x))
    gradient, again = denoise.gradient_and_value(x)
    torch.testing.assert_close(x - gradient, d, atol=1e-6, rtol=0)
    torch.testing.assert_close(again, g)
    if kind == "fast":  # bfloat16 has no derivative by differences: its potential is near the exact one
        exact = at_sigma(step.float(), 0.1).with_value(x)[1]
        torch.testing.assert_close(g, exact, rtol=0.05, atol=0)
        return
    direction = torch.randn(x.shape, generator=generator, dtype=x.dtype)
    slope = ((x - d) * direction).flatten(1).sum(1)
    torch.testing.assert_close(potential_by_finite_differences(denoise, x, direction), slope, rtol=1e-4, atol=1e-7)


def test_forms_without_a_potential():
    for denoiser in (small(), Averaged(small(), 0.5), GrayFromColour(small(channels=3)), BregmanGradientStep(small())):
        assert not hasattr(at_sigma(denoiser, 0.1), "with_value")
    assert hasattr(at_sigma(BregmanGradientStep(small()), 0.1), "gradient_and_value")
    with pytest.raises(ValueError, match="DRUNet has no potential"):
        Averaged(small(), 0.5).denoise_and_value(torch.rand(1, 1, 8, 8), 0.1)
    assert at_sigma(GradientStep(small()), 0.1).at(0.2).sigma == 0.2
    assert hasattr(at_sigma(GradientStep(small()), 0.1).at(0.2), "with_value")


def finished(x=2.0):
    p = problem(symmetric=True)
    return run(solvers.coco_admm(p.fidelity, p.denoise, x * p.y, lam=LAM), 3)


def diverging(_):
    """In a process of a pool: raises."""
    p = problem(symmetric=True)
    return run(solvers.pgd(p.fidelity, at_sigma(LinearDenoiser(40 * p.w, False), 0.1), p.y, lam=0.1), 100)


def same(a, b):
    return torch.equal(a.x, b.x) and torch.equal(a.u, b.u) and torch.equal(a.denoiser_input, b.denoiser_input)


def by_torch(value):
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v)), by_torch])
def test_outcomes_are_copied_and_saved(way):
    result = finished()
    assert same(way(result.iterate), result.iterate)
    other = way(result)
    assert same(other.iterate, result.iterate)
    assert other.history.equals(result.history)
    assert other.stopped_by == "max_iter"
    with pytest.raises(DivergenceError) as caught:
        diverging(0)
    error = way(caught.value)
    assert str(error) == str(caught.value)
    assert "iteration" in str(error)
    assert len(error.result.rows) == len(caught.value.result.rows) > 0


def test_outcomes_pass_between_processes():
    import multiprocessing

    with multiprocessing.get_context("spawn").Pool(1) as pool:
        result = pool.apply_async(finished, (1.5,)).get(120)
        assert same(result.iterate, finished(1.5).iterate)
        with pytest.raises(DivergenceError, match="iteration"):
            pool.apply_async(diverging, (0,)).get(120)


def test_iterate():
    it = Iterate(torch.ones(1, 1, 2, 2), denoiser_input=torch.zeros(1, 1, 2, 2), v=torch.ones(1), k=3)
    assert it.k == 3
    assert {"x", "v", "k"} <= set(dir(it))
    assert "x=(1, 1, 2, 2)" in repr(it)
    with pytest.raises(AttributeError, match="no 'w'; it has x, denoiser_input, objective, v, k"):
        _ = it.w
    assert isinstance(finished(), Result)


def test_monitors_begin_anew_with_each_run():
    """One monitor in two runs says the same of both."""
    from pnp_course.monitors import AtIterate, Lagrangian

    p = problem(symmetric=True)
    seen = {"H": Lagrangian(p.fidelity, LAM), "gamma": AtIterate(p.denoise.denoiser, 0.1, "lambda_max", every=2)}
    tables = [
        run(solvers.coco_admm(p.fidelity, p.denoise, p.y, lam=LAM), 5, monitors=seen).history[["H", "gamma"]]
        for _ in range(2)
    ]
    assert tables[0].equals(tables[1])


def test_divergence_of_one_image_is_seen():
    """One image of four blows up: its own norm counts, not that of the batch."""

    def growing():
        x = torch.ones(4, 1, 8, 8)
        while True:
            x = x.clone()
            x[2] *= 10
            yield Iterate(x, denoiser_input=x)

    with pytest.raises(DivergenceError, match="iteration 6"):
        run(growing(), 100)
