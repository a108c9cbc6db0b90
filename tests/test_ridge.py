"""The ridge denoiser: what holds by construction, at pictures far from photographs; the solver's certified error; derivatives."""

from itertools import islice

import pytest
import torch
import torch.nn.functional as F

from pnp_course.denoisers import (
    GrayFromColour,
    at_sigma,
    available_denoisers,
    averaged,
    denoiser_card,
    load_denoiser,
    ridge_filters,
    ridge_solve,
)
from pnp_course.denoisers.base import Fast
from pnp_course.denoisers.levels import hard_pictures
from pnp_course.denoisers.ridge import LEVELS, STEEPEST, RidgeProx
from pnp_course.denoisers.ridge_colour import COLOURS
from pnp_course.denoisers.ridge_filters import Reflected, bank_norm, closed_bank
from pnp_course.denoisers.ridge_profile import Profile, slopes
from pnp_course.denoisers.ridge_solve import Objective, minimise, solve_hessian
from pnp_course.fidelities import Gaussian
from pnp_course.guarantees import Constants, certificate, guarantee
from pnp_course.images import photo, to_channels
from pnp_course.jacobian import Linearized, dense, jv
from pnp_course.operators import Identity
from pnp_course.solvers import coco_admm
from pnp_course.training.main import transplant

CARDS = {name: denoiser_card(name) for name in available_denoisers()}
SHIPPED = [name for name, card in CARDS.items() if card["architecture"] == "ridge"]
TRAINED = {1: "coco-0.25-gray", 3: "coco-0.25"}  # by penalty, of the same number of channels


def make(rho=0.75, channels=1, filters=6, size=5, seed=0, wild=1.0):
    """A denoiser with random weights in double precision: filters, slopes and scales as no training would leave them."""
    net, generator = RidgeProx(channels, filters, size, rho).double(), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in net.parameters():
            p += wild * torch.randn(p.shape, generator=generator, dtype=p.dtype)
    net.tol, net.tol_solve = 1e-9, 1e-12
    return net.eval().requires_grad_(False)


def far_from_photographs(channels=1, size=12):
    """Pictures (B, C, size, size): hard ones, noise of amplitudes 1 and 10, a ramp up to 100, and tiny ones."""
    generator = torch.Generator().manual_seed(3)
    noise = torch.randn(6, channels, size, size, generator=generator, dtype=torch.float64)
    ramp = torch.linspace(0, 100, size).double().expand(1, channels, size, size)
    hard = hard_pictures(channels, size).double()
    return torch.cat((hard, noise[:2], 10 * noise[2:4], 1e-2 * noise[4:], ramp, 10 * hard[8:12]))


@pytest.mark.parametrize(("rho", "channels"), [(0.75, 1), (0.5, 1), (0.75, 3), (0.95, 1)])
def test_cocoercive_for_pairs_of_any_pictures(rho, channels):
    """<y - y', D y - D y'> >= (1 - rho) ||D y - D y'||^2, by the definition; and some pair needs nearly that constant."""
    needed = []
    for seed in range(3):
        net, y = make(rho, channels, seed=seed), far_from_photographs(channels)
        other = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))]
        near = y + 1e-2 * torch.randn(y.shape, generator=torch.Generator().manual_seed(seed + 9), dtype=y.dtype)
        for sigma in (0.02, 0.1, 0.5):
            out = net(y, sigma)
            for pair in (other, near):
                d, e = (y - pair).flatten(1), (out - net(pair, sigma)).flatten(1)
                inside, square = (d * e).sum(1), e.square().sum(1)
                assert bool((inside >= (1 - rho) * square - 1e-7 * (1 + d.norm(dim=1))).all())
                needed.append(float((inside / square.clamp_min(1e-12)).min()))
    assert min(needed) < 0.98  # not firmly nonexpansive: the weak convexity is used


@pytest.mark.parametrize("channels", [1, 3])
def test_jacobian_is_symmetric_with_its_spectrum_inside_the_ends(channels):
    for seed in range(3):
        net = make(0.75, channels, seed=seed)
        y = far_from_photographs(channels, 6)[::5]
        j = dense(lambda z: net(z, 0.1), y)  # noqa: B023
        assert float((j - j.mT).abs().max()) < 1e-9
        low, high = net.spectrum
        spectrum = torch.linalg.eigvalsh(j)
        assert low - 1e-9 <= float(spectrum.min()) < 1 < float(spectrum.max()) <= high + 1e-9
        assert high == 4.0


def test_derivatives_by_three_ways(generator):
    net, y = make(), torch.rand(2, 1, 6, 7, generator=generator, dtype=torch.float64)
    v = torch.randn(y.shape, generator=generator, dtype=torch.float64)
    lin, h = Linearized(lambda z: net(z, 0.2), y), 1e-6
    differences = (net(y + h * v, 0.2) - net(y - h * v, 0.2)) / (2 * h)
    for product in (lin.j(v), lin.jt(v), jv(lambda z: net(z, 0.2), y, v)):
        torch.testing.assert_close(product, differences, atol=1e-6, rtol=0)


def test_derivative_in_the_weights(generator):
    """Implicit differentiation against differences of the loss."""
    net, y = make(wild=0.3).requires_grad_(True), torch.rand(2, 1, 8, 8, generator=generator, dtype=torch.float64)
    target = torch.rand(y.shape, generator=generator, dtype=torch.float64)
    loss = (net(y, torch.tensor([0.1, 0.2])) - target).square().sum()
    gradients = torch.autograd.grad(loss, list(net.parameters()))
    for p, gradient in zip(net.parameters(), gradients, strict=True):
        step = torch.randn(p.shape, generator=generator, dtype=p.dtype) * 1e-5
        values = []
        for sign in (1, -1):
            p.data.add_(sign * step)
            values.append(float((net(y, torch.tensor([0.1, 0.2])) - target).square().sum().detach()))
            p.data.sub_(sign * step)
        assert (values[0] - values[1]) / 2 == pytest.approx(float((gradient * step).sum()), rel=1e-3, abs=1e-9)


def test_the_potential_is_the_moreau_envelope(generator):
    """grad g = I - D by differences and by autograd; g is below the objective at any other point, and 0 for constants."""
    net, y = make(), torch.rand(2, 1, 7, 6, generator=generator, dtype=torch.float64)
    d, g = net.denoise_and_value(y, 0.1)
    torch.testing.assert_close(net.gradient_and_value(y, 0.1)[0], y - d)
    v, h = torch.randn(y.shape, generator=generator, dtype=torch.float64), 1e-5
    slope = (net.value(y + h * v, 0.1) - net.value(y - h * v, 0.1)) / (2 * h)
    torch.testing.assert_close(slope, ((y - d) * v).flatten(1).sum(1), atol=1e-7, rtol=1e-6)
    point = y.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(net.value(point, 0.1).sum(), point)
    torch.testing.assert_close(gradient, y - d, atol=1e-7, rtol=1e-6)
    objective = net.objective(y, 0.1)
    for scale in (1e-3, 0.1, 1.0):
        assert bool((objective.value(d + scale * v) > g).all())
    assert float(net.value(torch.full_like(y, 0.7), 0.1).abs().max()) < 1e-20
    assert bool((g > 0).all())
    d_again, g_again = at_sigma(net, 0.1).with_value(y)
    assert torch.equal(d_again, d)
    assert torch.equal(g_again, g)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 3), (5, 4), (9, 9), (12, 7)])
def test_norm_of_the_filter_bank_by_a_dense_svd(shape, channels, generator):
    """The largest singular value is at most 1 at every size, and the adjoint is the transpose; 1 x 1 sees no mean: W = 0."""
    free = torch.randn(5, channels, 5, 5, generator=generator, dtype=torch.float64)
    bank = closed_bank(free) / bank_norm(closed_bank(free))
    operator, n = Reflected(bank, shape), channels * shape[0] * shape[1]
    matrix = operator.apply(torch.eye(n, dtype=torch.float64).reshape(n, channels, *shape)).flatten(1).T
    assert float(torch.linalg.matrix_norm(matrix, 2)) <= 1
    z = torch.randn(3, len(bank), *shape, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(operator.adjoint(z).flatten(1), z.flatten(1) @ matrix)


def test_the_norms_bound_is_close_and_needs_the_reflections(generator):
    """Close: within 1 % of the norm on large pictures. A bank that is not closed under reflections can exceed it."""
    bank = closed_bank(torch.randn(4, 1, 5, 5, generator=generator, dtype=torch.float64))
    hat = torch.fft.fft2(bank, s=(1000, 1000)).abs().square().sum((0, 1)).max().sqrt()
    assert float(hat) <= float(bank_norm(bank)) < 1.01 * float(hat)
    lone = torch.zeros(1, 1, 3, 3, dtype=torch.float64)
    lone[..., 0, 0], lone[..., 2, 0] = 1, -1  # at a border it counts twice what its mirror image would not see
    matrix = Reflected(lone / bank_norm(lone), (2, 2)).apply(torch.eye(4).double().reshape(4, 1, 2, 2)).flatten(1).T
    paired = torch.cat((lone, lone.flip(-1), lone.flip(-2), lone.flip(-1, -2)))
    closed = Reflected(paired / bank_norm(paired), (2, 2)).apply(torch.eye(4).double().reshape(4, 1, 2, 2)).flatten(1).T
    assert float(torch.linalg.matrix_norm(closed, 2)) <= 1
    assert float(torch.linalg.matrix_norm(matrix, 2)) == pytest.approx(2**0.5, rel=1e-3)
    with pytest.raises(ValueError, match="too coarse for filters of 5 pixels; wanted 20 or more"):
        bank_norm(bank, 8)


def test_products_are_correlations_with_reflected_borders(generator):
    """Against numpy's symmetric padding."""
    import numpy as np

    bank = torch.randn(3, 1, 5, 5, generator=generator, dtype=torch.float64)
    x = torch.rand(1, 1, 6, 4, generator=generator, dtype=torch.float64)
    wide = torch.from_numpy(np.pad(x[0, 0].numpy(), 2, mode="symmetric"))[None, None]
    torch.testing.assert_close(Reflected(bank, (6, 4)).apply(x), F.conv2d(wide, bank))


def test_answers_lie_filter_by_filter_however_the_filters_do(generator):
    bank = torch.randn(8, 3, 5, 5, generator=generator)
    apart = bank.to(memory_format=torch.channels_last)
    assert not apart.is_contiguous()
    x = torch.rand(1, 3, 12, 16, generator=generator)
    answers = Reflected(apart, (12, 16)).apply(x)
    assert answers.is_contiguous()
    torch.testing.assert_close(answers, Reflected(bank, (12, 16)).apply(x))


def test_slopes_of_the_splines(generator):
    """-rho <= slope <= mu, P' >= 0, for parameters of any size; the bound -rho is reached."""
    knots, lowest = torch.tensor([0.1, 0.4, 1.0, 3.0], dtype=torch.float64), 0.0
    for _ in range(50):
        steep, concave = 5 * torch.randn(2, 4, generator=generator, dtype=torch.float64)
        mu = 10 * torch.rand(3, generator=generator, dtype=torch.float64)
        s = slopes(steep, concave, mu, 0.75, knots)
        assert bool((s >= -0.75).all())
        assert bool((s <= mu[:, None]).all())
        values = (s * torch.diff(knots, prepend=knots.new_zeros(1))).cumsum(1)
        assert float(values.min()) > -1e-12
        lowest = min(lowest, float(s.min()))
    assert lowest < -0.72


def test_profile_against_numerical_integration(generator):
    """psi' by interpolation, psi by the trapezium rule, psi'' by differences."""
    import numpy as np

    knots = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
    slope, scale = torch.tensor([[3.0, -0.5, -0.25]], dtype=torch.float64), torch.tensor([[2.0]], dtype=torch.float64)
    profile = Profile(scale, slope, knots)
    z = torch.linspace(-3, 3, 1001, dtype=torch.float64).reshape(1, 1, 1, -1)
    t = np.abs(2 * z.flatten().numpy())
    want = np.sign(z.flatten().numpy()) * np.interp(t, [0, 0.5, 1, 2], [0, 1.5, 1.25, 1.0]) / 2
    np.testing.assert_allclose(profile.derivative(z).flatten().numpy(), want, atol=1e-12)
    np.testing.assert_allclose(profile.replace_by_derivative(z.clone()).flatten().numpy(), want, atol=1e-12)
    fine = np.linspace(0, 3, 200001)
    integral = np.trapezoid(np.interp(2 * fine, [0, 0.5, 1, 2], [0, 1.5, 1.25, 1.0]) / 2, fine)
    assert float(profile.value(z[..., -1:])) == pytest.approx(integral, rel=1e-8)
    inside = torch.tensor([0.1, 0.3, 0.7, 1.5], dtype=torch.float64).reshape(1, 1, 1, 4)
    assert profile.curvature(inside).flatten().tolist() == [3.0, -0.5, -0.25, 0.0]


def test_the_certified_error_holds():
    """Against a solve a million times more accurate: the error is below tol, for every picture, and not far below for all."""
    net, y = make(), far_from_photographs()
    exact = net(y, 0.1)
    for tol in (1e-1, 1e-2, 1e-4):
        net.tol = tol
        error = (net(y, 0.1) - exact).flatten(1).square().mean(1).sqrt()
        assert float(error.max()) <= tol
        assert float(error.max()) > 1e-3 * tol


def test_an_inexact_value_is_the_exact_one_of_a_near_input():
    """x + grad R(x) = y + r with the gradient r at x: the value returned is D(y + r)."""
    net, y = make(), torch.rand(2, 1, 9, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    net.tol = 1e-2
    x = net(y, 0.1)
    r = net.objective(y, 0.1).gradient(x)
    assert 1e-6 < float(r.flatten(1).norm(dim=1).max()) <= 0.25 * 1e-2 * 9
    net.tol = 1e-9
    torch.testing.assert_close(net(y + r, 0.1), x, atol=1e-7, rtol=0)


def test_what_an_inexact_denoiser_does_to_a_solver():
    """CoCo-ADMM at gamma = 1/4: the last iterate moves by about the tolerance, and the steps no longer fall below it."""
    net = make(wild=0.3)
    x = torch.rand(1, 1, 10, 10, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    fidelity, ends, steps = Gaussian(Identity(), x), {}, {}
    assert guarantee("coco_admm", Constants.proved(*net.spectrum), fidelity, x, lam=0.5, t=0.3).covered
    for tol in (1e-10, 1e-3, 1e-2):
        net.tol = tol
        iterates = [it.x for it in islice(coco_admm(fidelity, at_sigma(net, 0.2), 0 * x, lam=0.5, t=0.3), 80)]
        ends[tol] = iterates[-1]
        steps[tol] = float((iterates[-1] - iterates[-2]).square().mean().sqrt())
    away = {tol: float((end - ends[1e-10]).square().mean().sqrt()) for tol, end in ends.items()}
    assert away[1e-3] < 5e-3
    assert away[1e-3] < away[1e-2] < 5e-2
    assert steps[1e-10] < 1e-8


def test_images_of_a_batch_are_separate():
    """Each has the value and the Jacobian that it has alone, though they need different numbers of iterations."""
    net, y, sigma = make(), far_from_photographs()[::4], torch.linspace(0.02, 0.5, 9, dtype=torch.float64)[:9]
    y, net.tol = y[:9], 1e-3
    together = net(y, sigma)
    alone = torch.cat([net(y[i : i + 1], float(sigma[i])) for i in range(len(y))])
    torch.testing.assert_close(together, alone, atol=1e-12, rtol=1e-12)
    v = torch.randn(y.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    product = Linearized(lambda z: net(z, sigma), y, symmetric=True).j(v)
    one = Linearized(lambda z: net(z, float(sigma[2])), y[2:3], symmetric=True).j(v[2:3])
    torch.testing.assert_close(product[2:3], one, atol=1e-9, rtol=1e-9)
    zero = torch.zeros_like(v)
    assert torch.equal(solve_hessian(net.objective(y, sigma), together, zero, 1e-6), zero)


def test_symmetries_of_the_picture_are_kept(generator):
    """Constants stay, a shift of the brightness and a reflection go through; no border of zeros enters."""
    net, y = make(), torch.rand(1, 1, 8, 6, generator=generator, dtype=torch.float64)
    out = net(y, 0.1)
    torch.testing.assert_close(net(y + 5, 0.1), out + 5, atol=1e-7, rtol=0)
    torch.testing.assert_close(net(y.flip(-1), 0.1), out.flip(-1), atol=1e-7, rtol=0)
    torch.testing.assert_close(net(y.flip(-2), 0.1), out.flip(-2), atol=1e-7, rtol=0)
    for shape in ((1, 1), (1, 5), (2, 2)):
        flat = torch.full((1, 1, *shape), 0.3, dtype=torch.float64)
        torch.testing.assert_close(net(flat, 0.1), flat)


def test_noise_levels():
    """No noise: the identity, nearly. More noise than any trained for, in float32, up to pictures of size 1000."""
    net, y = make().float(), torch.rand(1, 1, 8, 8)
    net.tol = 1e-4
    assert float((net(y, 0.0) - y).abs().max()) < 1e-3
    for scale in (1, 10, 1000):
        assert bool(torch.isfinite(net(scale * y, 1.0)).all())
    for sigma in LEVELS:
        steepest = net.objective(y, sigma).lipschitz() - 1
        assert float(steepest) <= STEEPEST
        assert 1 / (1 + float(steepest)) >= net.spectrum[0]


def test_guarantee_says_every_image(generator):
    net, x = make(), torch.rand(1, 1, 8, 8, generator=generator, dtype=torch.float64)
    fidelity = Gaussian(Identity(), x)
    measured = certificate(net, x, 0.1, iterations=20)
    assert measured.proved == net.spectrum
    assert measured.constants.everywhere
    assert net.spectrum[0] <= float(measured.lambda_min)
    assert float(measured.lambda_max) <= net.spectrum[1]
    card = {"architecture": "ridge", "config": {}, "sigma_range": [0.0, 0.2]}
    card["for_every_image"] = dict(zip(("lambda_min", "lambda_max"), net.spectrum, strict=True))
    for denoiser, more in ((measured, {}), (card, {"sigma": 0.1}), (Constants.proved(*net.spectrum), {})):
        said = guarantee("coco_admm", denoiser, fidelity, x, lam=1.0, t=0.33, **more)
        assert said.covered
        assert said.everywhere
        assert said.scope == "every image"
        assert "hold for every image, by construction" in str(said)
        assert "computed to a tolerance" in str(said)
        assert not guarantee("coco_admm", denoiser, fidelity, x, lam=1.0, t=0.34, **more).covered
    assert not guarantee("coco_admm", card, fidelity, x, lam=1.0, sigma=0.5).covered  # a level it refuses
    one_patch = Constants(0.1, 1.2, 0.0, 1.2, 0.9, 1.4, 0.95, 1.02, 0.9)
    said = guarantee("coco_admm", one_patch, fidelity, x, lam=1.0, t=0.33)
    assert said.covered
    assert said.scope == "the patches measured"
    assert "every image" not in str(said)


def test_constants_proved_are_those_of_a_spectrum():
    j = torch.diag(torch.tensor([0.1, 0.7, 4.0], dtype=torch.float64))
    c, eye = Constants.proved(0.1, 4.0), torch.eye(3, dtype=torch.float64)
    for name, matrix in {
        "norm": j, "residual": eye - j, "firm": 2 * j - eye, "quarter": j / 2 - eye, "strict": 0.9 * eye + 0.1 * j
    }.items():  # fmt: skip
        assert getattr(c, name) == pytest.approx(float(torch.linalg.matrix_norm(matrix, 2)))
    assert (c.gamma, c.delta, c.asymmetry, c.gradient_step) == (0.25, 0.0, 0.0, True)


def test_wrappers_know_the_spectrum():
    net = make(channels=3)
    low, high = net.spectrum
    assert averaged(net, 0.5).spectrum == (0.5 * low + 0.5, 0.5 * high + 0.5)
    assert GrayFromColour(net).spectrum == net.spectrum
    y = far_from_photographs(1, 5)[::6]
    j = dense(lambda z: averaged(GrayFromColour(net), 0.5)(z, 0.1), y)
    spectrum = torch.linalg.eigvalsh((j + j.mT) / 2)
    assert 0.5 * low + 0.5 - 1e-9 <= float(spectrum.min()) <= float(spectrum.max()) <= 0.5 * high + 0.5 + 1e-9
    assert float((j - j.mT).abs().max()) < 1e-9


def test_errors(generator):
    for bad in (-0.1, 1.0, 1.5):
        with pytest.raises(ValueError, match=rf"rho is {bad}; wanted 0 <= rho < 1"):
            RidgeProx(rho=bad)
    for keyword in ({"size": 4}, {"filters": 1}, {"in_channels": 2}):
        with pytest.raises(ValueError, match="an odd size"):
            RidgeProx(**keyword)
    net, y = make(), torch.rand(1, 1, 6, 6, generator=generator, dtype=torch.float64)
    with pytest.raises(ValueError, match="has 3 channel"):
        net(y.expand(-1, 3, -1, -1), 0.1)
    with pytest.raises(ValueError, match=r"the denoiser's weights are torch\.float64"):
        net(y.float(), 0.1)
    net.max_iterations = 2
    with pytest.raises(
        RuntimeError, match=r"error bound is .* after 2 iterations; wanted 1e-09: raise the denoiser's tol"
    ):
        net(y, 0.1)
    net.max_iterations = 50
    with pytest.raises(RuntimeError, match="after 50 iterations"):
        net(torch.full_like(y, float("nan")), 0.1)
    net.sigma_range = (0.0, 0.2)
    with pytest.raises(ValueError, match="good for noise levels"):
        net(y, 0.3)


def test_fast_runs_in_single_precision_with_a_looser_tolerance(generator):
    net, y = make(wild=0.1).float(), torch.rand(2, 1, 16, 16, generator=generator)
    net.tol = 1e-5
    quick = Fast(net)(y, 0.1)
    assert quick.dtype == torch.float32
    assert 0 < float((quick - net(y, 0.1)).square().mean().sqrt()) <= net.tol_training + 1e-5


def test_minimise_takes_the_start_for_the_answer_where_it_is_one():
    net, y = make(), torch.full((2, 1, 5, 5), 0.5, dtype=torch.float64)
    torch.testing.assert_close(minimise(net.objective(y, 0.1), 1e-6, 1), y, atol=1e-15, rtol=0)


def test_bands_of_rows_change_nothing(monkeypatch, generator):
    """W^T f(W x) in one band, in bands of 8 rows and by the two products; f sees each row of W x once, in its place."""
    net, x = make(channels=3), torch.rand(2, 3, 21, 6, generator=generator, dtype=torch.float64)
    operator, weights = (
        net.objective(x, 0.1).operator,
        torch.rand(2, 12, 21, 6, generator=generator, dtype=torch.float64),
    )
    want = operator.adjoint(weights * operator.apply(x))
    for band in (1, 1 << 20):
        monkeypatch.setattr(ridge_filters, "BAND", band)
        found = operator.sandwich(x, lambda z, rows: z.mul_(weights[..., rows, :]))
        torch.testing.assert_close(found, want, atol=1e-14, rtol=1e-14)
    step = net.objective(x, 0.1)
    torch.testing.assert_close(step.gradient(x), step.gradient_r(x), atol=1e-14, rtol=1e-14)  # x = y: the rest is 0


@pytest.mark.parametrize("quick", [0, 3])
def test_what_the_fast_method_leaves_is_solved_by_the_proved_one(monkeypatch, quick):
    net, y = make(), far_from_photographs()
    want = net(y, 0.1)
    monkeypatch.setattr(ridge_solve, "QUICK", quick)
    torch.testing.assert_close(net(y, 0.1), want, atol=1e-7, rtol=0)


def test_bank_norm_of_shipped_filters_at_several_sizes():
    """W^T W is diagonal in the cosine transform but for the channels: its largest eigenvalue by Fourier, and by a dense SVD."""
    for name in SHIPPED:
        bank = load_denoiser(name).bank().double()
        for shape in ((6, 5), (64, 64), (256, 256), (321, 481)):
            hat = torch.fft.fft2(bank, s=(2 * shape[0], 2 * shape[1]))[..., : shape[0], : shape[1]].permute(2, 3, 0, 1)
            norm = float(torch.linalg.matrix_norm(hat, 2).max())
            assert norm <= 1
            assert norm > 0.99 or shape == (6, 5)
            if shape == (6, 5):
                n = bank.shape[1] * 30
                matrix = Reflected(bank, shape).apply(torch.eye(n).double().reshape(n, -1, *shape)).flatten(1)
                assert float(torch.linalg.matrix_norm(matrix, 2)) == pytest.approx(norm, rel=1e-10)


def test_colour_begins_where_gray_ends(generator):
    """On a gray picture it does what the gray one does at sigma / sqrt(3); differences of colours have filters of their own."""
    gray, colour = RidgeProx(filters=8, size=5).eval(), RidgeProx(3, 16, 5).eval()
    with torch.no_grad():
        gray.log_scales += torch.rand(gray.log_scales.shape, generator=generator)
    transplant(gray, colour)
    for net in (gray, colour):
        net.requires_grad_(False).tol = 1e-5
    y = torch.rand(1, 1, 16, 12, generator=generator)
    found = colour(y.expand(-1, 3, -1, -1), 25 / 255)
    torch.testing.assert_close(found, gray(y, 25 / 255 / 3**0.5).expand(-1, 3, -1, -1), atol=2e-4, rtol=0)
    assert float((gray(y, 25 / 255) - found).abs().max()) > 1e-2
    tint = 0.1 * torch.randn(1, 1, 16, 12, generator=generator) * COLOURS[1][:, None, None]
    out = torch.einsum("ij,bjhw->bihw", COLOURS, colour(0.5 + tint, 25 / 255) - 0.5)
    assert float(out[:, 1].norm()) < 0.5 * float(tint.norm())
    assert float(out[:, ::2].abs().max()) < 1e-4
    with pytest.raises(ValueError, match="of 8 filters of 5 pixels cannot start a colour one of 12 of 5; wanted twice"):
        transplant(gray, RidgeProx(3, 12, 5))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_photograph_takes_few_gradients(name, monkeypatch):
    """The cost without a clock: Nesterov's method from the noisy picture took about 37 for the gray one."""
    net, count, gradient = load_denoiser(name), [], Objective.gradient
    clean = to_channels(photo("coffee"), net.in_channels)[..., 100:196, 200:296]
    monkeypatch.setattr(Objective, "gradient", lambda self, x: count.append(1) or gradient(self, x))
    for level in (15, 25, 40):
        count.clear()
        net(clean + level / 255 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0)), level / 255)
        assert 5 < len(count) <= 25


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_denoiser(name):
    """Its card states the ends that its weights prove, what was measured lies between them, and it beats the trained one."""
    net, card = load_denoiser(name), CARDS[name]
    gamma = float(name.split("-")[2])
    trained = TRAINED[net.in_channels]
    low, high = card["for_every_image"]["lambda_min"], card["for_every_image"]["lambda_max"]
    assert (low, high) == net.spectrum
    assert high == 1 / gamma
    for level in ("15", "25", "40"):
        at = card["certificate"][level]
        assert low <= at["lambda_min_worst"] <= at["lambda_max_worst"] <= high
        assert at["asymmetry_worst"] < 1e-5
        assert card["psnr_cbsd68"][level] > CARDS[trained]["psnr_cbsd68"][level]
    assert float(bank_norm(net.bank(), 1000)) <= 1  # as stored, in half precision
    y = far_from_photographs(net.in_channels, 16).float()
    other, (out, out_other) = y.flip(0), (net(y, 0.1), net(y.flip(0), 0.1))
    d, e = (y - other).flatten(1), (out - out_other).flatten(1)
    apart = d.norm(dim=1) > 1
    assert int(apart.sum()) > 20
    assert bool(
        ((d * e).sum(1) >= gamma * e.square().sum(1) - d.shape[1] ** 0.5 * net.tol * d.norm(dim=1))[apart].all()
    )
