"""Lanczos and power iteration where a Krylov space ends early: against dense eigenvalues, image by image."""

import pytest
import torch

from pnp_course.guarantees import certificate
from pnp_course.jacobian import (
    Gated,
    LinearMap,
    jv,
    lanczos,
    linearize,
    operator_norm,
    power_iteration,
    spectral_norm,
    strict_pseudo_contraction,
    top_vector,
)

SPECTRA = {
    "identity": lambda n: torch.ones(n), "zero": lambda n: torch.zeros(n), "multiple": lambda n: torch.full((n,), -3.0),
    "tiny": lambda n: torch.full((n,), 1e-12), "huge": lambda n: torch.full((n,), 1e8),
    "projection": lambda n: (torch.arange(n) < n // 2).float(), "rank 1": lambda n: 5.0 * (torch.arange(n) == 0),
    "three values": lambda n: torch.tensor([-1.0, 0.5, 2.0])[torch.arange(n) % 3],
    "cluster": lambda n: 1 + 1e-7 * torch.linspace(-1, 1, n), "generic": lambda n: torch.linspace(-1, 2, n) ** 3,
    "decades": lambda n: torch.logspace(-20, 0, n), "one outlier": lambda n: torch.cat((torch.ones(n - 1), torch.tensor([1e4]))),
}  # fmt: skip


def mixed_batch(n, dtype):
    """One symmetric matrix of each spectrum, with random eigenvectors: in one batch each ends at its own iteration."""
    generator, matrices = torch.Generator().manual_seed(1), []
    for spectrum in SPECTRA.values():
        q = torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64))[0]
        a = (q * spectrum(n).double()) @ q.T
        matrices.append(((a + a.T) / 2).to(dtype))
    return torch.stack(matrices)


def product(matrices):
    return lambda v: torch.einsum("bij,bj->bi", matrices, v.flatten(1)).reshape(v.shape)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 2), (1, 2, 2), (3, 4, 4), (1, 12, 12)])
@pytest.mark.parametrize("iterations", [1, 5, 30, 100])
def test_ritz_values_stay_inside_the_spectrum(dtype, shape, iterations):
    """Never outside by more than rounding, within the stated error of an eigenvalue, with unit vectors."""
    n = torch.Size(shape).numel()
    matrices = mixed_batch(n, dtype)
    exact = torch.linalg.eigvalsh(matrices.double())
    rounding = 10 * torch.finfo(dtype).eps * exact.abs().amax(1)
    for seed in range(3):
        start = torch.randn(len(matrices), *shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)
        ends = lanczos(product(matrices), start, iterations)
        assert (ends.low >= exact[:, 0] - rounding).all()
        assert (ends.high <= exact[:, -1] + rounding).all()
        for value, error, vector in (
            (ends.low, ends.low_error, ends.low_vector), (ends.high, ends.high_error, ends.high_vector)
        ):  # fmt: skip
            assert ((value[:, None] - exact).abs().amin(1) <= error + rounding / 10).all()
            torch.testing.assert_close(vector.flatten(1).norm(dim=1), torch.ones(len(matrices), dtype=dtype))
            quotient = (vector * product(matrices)(vector)).flatten(1).sum(1).double()
            assert ((quotient - value).abs() <= rounding).all()
        if iterations >= n:  # all of the space is seen
            assert ((ends.low - exact[:, 0]).abs() <= 2 * rounding).all()
            assert ((ends.high - exact[:, -1]).abs() <= 2 * rounding).all()


def test_one_image_is_measured_in_a_batch_as_it_is_alone():
    """Images that break down at other iterations do not touch each other."""
    matrices = mixed_batch(48, torch.float64)
    start = torch.randn(len(matrices), 3, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    together = lanczos(product(matrices), start, 12)
    for i in range(len(matrices)):
        alone = lanczos(product(matrices[i : i + 1]), start[i : i + 1], 12)
        scale = float(torch.linalg.matrix_norm(matrices[i], 2))
        assert float(alone.low - together.low[i]) == pytest.approx(0, abs=1e-13 * scale)
        assert float(alone.high - together.high[i]) == pytest.approx(0, abs=1e-13 * scale)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_start_inside_an_invariant_space_does_not_hide_the_rest(dtype):
    """A constant start under a map that keeps constants: plain Lanczos would stop there and miss all other eigenvalues."""
    n = 16
    mean = torch.full((n, n), 1 / n, dtype=dtype)[None]
    matrix = 0.5 * mean + 2 * (torch.eye(n, dtype=dtype) - mean)  # 0.5 on constants, 2 on the rest
    ends = lanczos(product(matrix), torch.ones(1, 1, 4, 4, dtype=dtype), 5)
    assert float(ends.low) == pytest.approx(0.5, rel=1e-6)
    assert float(ends.high) == pytest.approx(2, rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_norms_of_maps_with_few_singular_values(dtype):
    """`operator_norm`, `top_vector` and `power_iteration` on the mixed batch, for symmetric and general maps."""
    matrices = mixed_batch(32, dtype)
    turned = matrices @ torch.linalg.qr(torch.randn(32, 32, generator=torch.Generator().manual_seed(3), dtype=dtype))[0]
    start = torch.randn(len(matrices), 2, 4, 4, generator=torch.Generator().manual_seed(0), dtype=dtype)
    bound = 2 * 32 * torch.finfo(dtype).eps  # what a dense product rounds to
    for a, symmetric in ((matrices, True), (turned, False)):
        m = LinearMap(product(a), product(a.mT), normal=symmetric, symmetric=symmetric)
        exact = torch.linalg.matrix_norm(a.double(), 2)
        assert (operator_norm(m, start, 40) <= exact * (1 + bound)).all()
        torch.testing.assert_close(operator_norm(m, start, 40), exact, rtol=1e-4, atol=0)
        for q in (top_vector(m, start, 40), power_iteration(m, start, 40).vector):
            torch.testing.assert_close(q.flatten(1).norm(dim=1), torch.ones(len(q), dtype=dtype))
            assert (m.apply(q).flatten(1).norm(dim=1).double() <= exact * (1 + bound)).all()
        seen = m.apply(top_vector(m, start, 40)).flatten(1).norm(dim=1).double()
        torch.testing.assert_close(seen, exact, rtol=1e-4, atol=0)


class Simple(torch.nn.Module):
    """Denoisers with one or two eigenvalues; `weight` scales them, to be differentiated in."""

    def __init__(self, kind):
        super().__init__()
        self.kind, self.weight = kind, torch.nn.Parameter(torch.ones(()))

    def forward(self, x, sigma):
        kinds = {
            "clamp": lambda: x.clamp(0, 1), "mean": lambda: x.mean((2, 3), keepdim=True).expand_as(x),
            "identity": lambda: x, "zero": lambda: 0 * x,
        }  # fmt: skip
        return self.weight * kinds[self.kind]()


@pytest.mark.parametrize("size", [2, 16])
@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [("clamp", (0, 1, 0), (0, 1, 1)), ("mean", (0, 0, 0), (1, 1, 1)), ("identity", (1, 1, 1), (1, 1, 1)),
     ("zero", (0, 0, 0), (0, 0, 0))],
)  # fmt: skip
def test_certificates_of_simple_denoisers(kind, low, high, size):
    """A dark picture, one inside [0, 1], and one that is partly clipped; 2 x 2 has fewer pixels than Lanczos iterations."""
    x = torch.stack([torch.linspace(a, b, size**2).reshape(1, size, size) for a, b in ((-2, -1), (0.2, 0.8), (0.1, 2))])
    c = certificate(Simple(kind).requires_grad_(False), x, 0.1)
    torch.testing.assert_close(c.lambda_min, torch.tensor(low).double(), atol=1e-6, rtol=0)
    torch.testing.assert_close(c.lambda_max, torch.tensor(high).double(), atol=1e-6, rtol=0)
    torch.testing.assert_close(c.gamma, torch.ones(3).double(), atol=1e-6, rtol=0)
    assert c.asymmetry.max() < 1e-6


@pytest.mark.parametrize("method", ["power", "lanczos"])
@pytest.mark.parametrize(("kind", "value"), [("identity", 1.0), ("clamp", 1.0), ("mean", 1.0), ("zero", 0.7)])
def test_penalty_of_simple_denoisers(kind, value, method):
    """||k I + (1 - k) J|| and its slope in the weight: (1 - k) times the eigenvalue of J at the maximiser."""
    net, x = Simple(kind).double(), torch.linspace(-0.5, 1.5, 64, dtype=torch.float64).reshape(1, 1, 8, 8)
    lin = linearize(net, x, 0.1)
    start = torch.randn(x.shape, generator=torch.Generator().manual_seed(0), dtype=x.dtype)
    norm = spectral_norm(strict_pseudo_contraction(lin, 0.7), lin, start, 60, method)
    assert float(norm) == pytest.approx(value, abs=1e-9)
    (slope,) = torch.autograd.grad(norm.sum(), net.weight)
    assert float(slope) == pytest.approx(0.3 * (kind != "zero"), abs=1e-9)


def test_bad_starts_and_maps_are_named():
    start = torch.zeros(1, 1, 2, 2)
    with pytest.raises(ValueError, match="start vector is zero or not finite"):
        lanczos(lambda v: v, start)
    with pytest.raises(ValueError, match="start vector is zero or not finite"):
        power_iteration(LinearMap(lambda v: v, lambda v: v), start)
    with pytest.raises(ValueError, match="the start vector is a ndarray; wanted a torch tensor"):
        lanczos(lambda v: v, start.numpy())
    for way in (lambda x: linearize(Simple("clamp"), x, 0.1), lambda x: Gated(Simple("clamp"), x, 0.1)):
        with pytest.raises(ValueError, match="x is a ndarray; wanted a torch tensor"):
            way(start.numpy())
    with pytest.raises(ValueError, match="v is a ndarray; wanted a torch tensor"):
        jv(lambda x: x, start, start.numpy())
    with pytest.raises(ValueError, match="holds NaN or infinity"):
        lanczos(lambda v: v / 0 * 0, start + 1)
    with pytest.raises(ValueError, match="iterations is 0; wanted at least 1"):
        lanczos(lambda v: v, start + 1, 0)
