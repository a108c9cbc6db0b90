"""Theorems of book/theory/training.md, and the helpers of its notebook."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from pnp_course import load_denoiser
from pnp_course.denoisers import at_sigma
from pnp_course.jacobian import dense, operator_norm, power_iteration
from pnp_course.toy import spectra
from pnp_course.training.losses import Penalty
from pnp_course.viz import lab


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def with_spectrum(s: Tensor, seed: int = 0) -> tuple[Tensor, Tensor]:
    """A matrix with singular values s, and its top right singular vector."""
    left, right = (torch.linalg.qr(normal(len(s), len(s), seed=seed + i))[0] for i in (0, 1))
    return left @ s.diag() @ right.T, right[:, 0]


@pytest.mark.parametrize("ratio", [0.5, 0.9, 0.999])
@pytest.mark.parametrize("seed", [0, 10])
def test_power_iteration_and_krylov(ratio: float, seed: int) -> None:
    s = torch.cat((torch.tensor([2.0]), 2 * ratio * torch.linspace(1, 0.1, 39))).double()
    M, top = with_spectrum(s, seed)
    start = normal(1, 1, 1, 40, seed=seed + 5)
    c = float((start.flatten() @ top).abs() / start.norm())
    tan2 = 1 / c**2 - 1
    g = float((s[0] ** 2 - s[1] ** 2) / (s[1] ** 2 - s[-1] ** 2))
    before, q = 0.0, start.flatten() / start.norm()
    for k in range(25):
        eta = float((M @ q).norm())  # Algorithm 1, written out
        assert eta == pytest.approx(float(power_iteration(spectra.as_map(M), start, k + 1).norm), abs=1e-9)
        kappa = float(operator_norm(spectra.as_map(M), start, k + 1))
        assert before <= eta + 1e-12
        assert eta <= kappa + 1e-9 <= 2 + 2e-9
        assert 1 - eta**2 / 4 <= ratio ** (4 * k) * tan2 + 1e-12
        assert eta >= 2 * c ** (1 / (2 * k + 1)) - 1e-12
        chebyshev = math.cosh(k * math.acosh(1 + 2 * g))
        assert 4 - kappa**2 <= (4 - float(s[-1]) ** 2) * tan2 / chebyshev**2 + 1e-9
        assert chebyshev >= 0.5 * (1 + 2 * g**0.5) ** k * (1 - 1e-12)
        before, q = eta, M.T @ (M @ q)
        q = q / q.norm()


def test_random_overlap() -> None:
    for n in (3, 10, 300):
        g = normal(40_000, n, seed=n)
        c = g[:, 0].abs() / g.norm(dim=1)
        assert n * float(c.square().mean()) == pytest.approx(1, abs=0.05)
        for a in (0.1, 0.5, 1.0):
            assert float((c <= a / n**0.5).double().mean()) <= a * math.sqrt(2 / math.pi) + 0.01


def test_antisymmetric_krylov_space_of_m_gives_the_same() -> None:
    M = normal(30, 30)
    M = M - M.T
    s = torch.linalg.svdvals(M)
    assert torch.allclose(s[::2], s[1::2])
    start = normal(30, seed=3)
    for p in (1, 2, 4, 6):
        columns = [start / start.norm()]
        for _ in range(2 * p - 1):
            columns.append(M @ columns[-1] / (M @ columns[-1]).norm())
        basis = torch.linalg.qr(torch.stack(columns, 1))[0]
        by_m = torch.linalg.matrix_norm(basis.T @ M @ basis, 2)
        kappa = operator_norm(spectra.as_map(M), start.reshape(1, 1, 1, 30), p)
        assert float(by_m) == pytest.approx(float(kappa), abs=1e-8)


def test_derivative_of_the_norm_of_an_antisymmetric_matrix() -> None:
    M, N = normal(12, 12), normal(12, 12, seed=1)
    M, N = M - M.T, N - N.T
    _, s, right = torch.linalg.svd(M)
    assert s[0] - s[2] > 0.1
    t = 1e-6
    want = (torch.linalg.matrix_norm(M + t * N, 2) - torch.linalg.matrix_norm(M - t * N, 2)) / (2 * t)
    for angle in (0.0, 0.4, 1.5):
        v = math.cos(angle) * right[0] + math.sin(angle) * right[1]
        assert float((M @ v / s[0]) @ N @ v) == pytest.approx(float(want), abs=1e-6)


def test_one_sided_derivative_at_a_double_singular_value() -> None:
    M, N = torch.eye(2, dtype=torch.float64), torch.tensor([[1.0, 0.0], [0.0, -2.0]], dtype=torch.float64)
    t = 1e-6
    up = (torch.linalg.matrix_norm(M + t * N, 2) - 1) / t
    down = (torch.linalg.matrix_norm(M - t * N, 2) - 1) / t
    assert float(up) == pytest.approx(1, abs=1e-5)  # max of <u, N u>, not the mean
    assert float(down) == pytest.approx(2, abs=1e-5)


def test_inexact_vector() -> None:
    M, N = normal(9, 9), normal(9, 9, seed=1)
    left, s, right = torch.linalg.svd(M)
    u, v, size = left[:, 0], right[0], torch.linalg.matrix_norm(N, 2)
    for seed in range(200):
        q = v + 10 ** (-seed / 50) * normal(9, seed=seed)
        q = q / q.norm() * torch.sign(q @ v)
        p, angle = M @ q / (M @ q).norm(), float((q @ v).clamp(max=1).acos())
        assert 0 <= float(s[0] - (M @ q).norm()) + 1e-12 <= angle**2 / 2 * float(s[0]) + 2e-12
        assert float((p @ N @ q - u @ N @ v).abs()) <= 2 * angle * float(size) + 1e-9


def test_price_of_the_margin_for_a_nonlinear_denoiser() -> None:
    # tanh network in the plane plus m I: (2 gamma J - I) has norm <= 1 - eps for m = eps / (2 gamma)
    W, m = normal(2, 2), 0.3
    gradient = normal(20_000, 2, seed=4)
    u = torch.tensor([0.2, -0.4], dtype=torch.float64)
    x = u + 0.5 * gradient
    D = m * x + torch.tanh(x @ W.T) @ W
    assert float((D - u).square().mean()) >= m**2 * 0.25


def test_whole_jacobian_is_that_of_the_rows() -> None:
    net = load_denoiser("drunet")
    x = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    J = spectra.whole_jacobian(net, x, 0.1)
    assert torch.allclose(J, dense(at_sigma(net, 0.1), x)[0].double(), atol=1e-5)


def test_with_spectrum() -> None:
    s = torch.tensor([3.0, 1.0, 0.5, 0.0], dtype=torch.float64)
    M, right = spectra.with_spectrum(s, torch.Generator().manual_seed(1))
    assert torch.allclose(torch.linalg.svdvals(M), s)
    assert torch.allclose((M @ right).norm(dim=0), s)


def test_operations_by_hand() -> None:
    layer, x = nn.Conv2d(3, 5, 3, padding=1), torch.rand(1, 3, 8, 8)
    assert lab.operations(lambda: layer(x)) == 2 * 8 * 8 * 5 * 3 * 9
    a, b = torch.rand(4, 6), torch.rand(6, 7)
    assert lab.operations(lambda: a @ b) == 2 * 4 * 6 * 7
    x.requires_grad_(True)
    out = layer.requires_grad_(False)(x).sum()
    assert lab.operations(lambda: torch.autograd.grad(out, x)) == 2 * 8 * 8 * 5 * 3 * 9


def test_committed_tables() -> None:
    root = Path(lab.__file__).resolve().parents[2]
    table = lab.committed("book/paper_tables/denoising_cbsd68.csv")
    lines = [
        x
        for x in (root / "book/paper_tables/denoising_cbsd68.csv").read_text(encoding="utf-8").splitlines()
        if x[0] != "#"
    ]
    assert len(table) == len(lines) - 1
    assert list(table.columns) == lines[0].split(",")
    orders = lab.committed("book/paper_tables/ablation.csv")
    assert set(orders.gamma.dropna()) == {0.25, 0.5}
    assert lab.committed("nowhere/nothing.csv").empty


def test_live_training_is_seeded_and_leaves_its_start_alone() -> None:
    photos = lab.photographs("coffee", "camera")
    assert photos[0].shape == photos[1].shape == (3, 256, 256)
    start = lab.live(photos, 2)
    kept = {k: v.clone() for k, v in start.state_dict().items()}
    penalty = Penalty(images=1, iterations=1)
    first, second = (lab.live(photos, 2, penalty, start).state_dict() for _ in range(2))
    assert all(torch.equal(first[k], second[k]) for k in first)
    assert all(torch.equal(kept[k], v) for k, v in start.state_dict().items())
    assert any(not torch.equal(first[k], kept[k]) for k in first)
