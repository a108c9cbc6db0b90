"""Checks of the exercises of notebook 07: each takes the reader's function and returns "right" or a hint."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from pnp_course.exercises.verdicts import Answer, Hint, call, number, numbers, tensor, verdict
from pnp_course.jacobian import Linearized, dense
from pnp_course.toy.fields import Field, TurningDenoiser, circulation, polygon


def _normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@verdict
def check_box(mine: Answer) -> None:
    """J -> (lowest and highest real part, highest imaginary part) of Bendixson's box, from the forms over unit vectors."""
    cyclic = torch.roll(torch.eye(8, dtype=torch.float64), 1, 0)
    names = "the lowest real part, the highest real part and the highest imaginary part"
    for J in (_normal(1, 3, 3), _normal(2, 5, 5) - 1, cyclic, torch.diag(torch.tensor([-2.0, 0.5]).double())):
        got = numbers(call(mine, J.clone()), names, 3)
        forms = torch.linalg.eigvalsh((J + J.T) / 2), torch.linalg.eigvalsh(1j * (J - J.T) / 2)
        want = [float(forms[0][0]), float(forms[0][-1]), float(forms[1][-1])]
        z = torch.linalg.eigvals(J)
        for i, (mine_i, want_i) in enumerate(zip(got, want, strict=True)):
            if abs(mine_i - want_i) <= 1e-6:
                continue
            if i == 2 and abs(mine_i - 2 * want_i) <= 1e-6:
                raise Hint("nearly: H is half of J - J^T.")
            which = ("lowest real part", "highest real part", "highest imaginary part")[i]
            seen = (z.real.min(), z.real.max(), z.imag.abs().max())[i]
            outside = mine_i > seen + 1e-9 if i == 0 else mine_i < seen - 1e-9
            if outside:
                raise Hint(
                    f"an eigenvalue of a {len(J)} x {len(J)} matrix has the {which} {seen:.4f}; yours is {mine_i:.4f}."
                )
            raise Hint(
                f"for a {len(J)} x {len(J)} matrix S and H give the {which} {want_i:.4f}; yours is {mine_i:.4f}."
            )


def _worlds() -> list[tuple[Field, Tensor, Tensor, Tensor]]:
    """Fields of the plane and of space, with a corner and two sides of a parallelogram."""
    turn, a, b = torch.tensor([[0.0, -1.0], [1.0, 0.0]]).double(), _normal(3, 3, 3), _normal(4, 3, 3)

    def rotation(x: Tensor) -> Tensor:
        return x @ turn.T

    def bent(x: Tensor) -> Tensor:
        return torch.tanh(x @ a.T) @ b.T

    plane = [torch.tensor(v).double() for v in ([0.2, 0.1], [0.5, 0.1], [-0.1, 0.3])]
    return [(bent, *(0.5 * _normal(5, 3, 3))), (rotation, plane[0], plane[1], plane[2])]


@verdict
def check_walk(mine: Answer) -> None:
    """(field, corner, e, f) -> the sum of <V, dx> round the parallelogram, against `fields.circulation`."""
    for field, corner, e, f in _worlds():
        want = circulation(field, corner, e, f)
        got = number(call(mine, field, corner.clone(), e.clone(), f.clone()))
        if abs(got - want) <= 2e-3 * abs(want):
            continue
        if abs(got + want) <= 2e-3 * abs(want):
            raise Hint("nearly: you walk the other way round; the order is corner, + e, + e + f, + f.")
        s = (torch.arange(400, dtype=torch.float64)[:, None] + 0.5) / 400
        lower, upper = (float((field(p + s * e) @ e).mean()) for p in (corner, corner + f))
        if abs(got - lower - float((field(corner + e + s * f) @ f).mean())) <= 2e-3 * abs(want):
            raise Hint("that is the way along e and f only; walk back to the corner, too.")
        left, right = (float((field(p + s * f) @ f).mean()) for p in (corner, corner + e))
        if abs(got - lower - upper - left - right) <= 2e-3 * abs(want):
            raise Hint("on the way back you walk along -e and -f.")
        raise Hint(f"in R^{len(corner)} the library finds {want:.4f}, yours is {got:.4f}.")


@verdict
def check_wave(mine: Answer) -> None:
    """(b, k) -> the parts of the amplitude b along and across the wave vector k."""
    for seed, k in enumerate(([1.0, 0.0], [2.0, -3.0], [4.0, 1.0, 2.0])):
        wave = torch.tensor(k, dtype=torch.float64)
        b = _normal(seed, len(k))
        answer = call(mine, b.clone(), wave.clone())
        both = tensor(answer, torch.stack((b, b)))
        along, across = both
        if float((along + across - b).abs().max()) > 1e-6:
            raise Hint(f"the two parts do not add up to b for k = {k}.")
        if float((across @ wave).abs()) < 1e-6 and float((along - wave * (along @ wave) / (wave @ wave)).norm()) < 1e-6:
            continue
        swapped = float((across - wave * (across @ wave) / (wave @ wave)).norm()) < 1e-6
        if swapped and float((along @ wave).abs()) < 1e-6 and min(along.norm(), across.norm()) > 1e-6:
            raise Hint("nearly: the part along k comes first.")
        if float((across @ wave).abs()) > 1e-6:
            raise Hint(
                f"for k = {k} your second part is not at right angles to k: <k, b> = {float(across @ wave):.4f}."
            )
        raise Hint(f"for k = {k} your first part does not lie along k.")


@cache
def _repelled(corners: int, sigma: float, epsilon: float, lam: float, t: float) -> tuple[float, bool]:
    """mu, and whether PnP-PGD with the averaged denoiser moves away from the middle c that it starts beside."""
    mixture = polygon(corners)
    denoiser, c = TurningDenoiser(mixture, epsilon), torch.full((1, 2), 0.5, dtype=torch.float64)
    x = c + 1e-5
    for _ in range(60):
        z = (1 - lam) * x + lam * c
        x = t * denoiser.field(z, sigma) + (1 - t) * z
    return float(mixture.jacobian(c, sigma)[0, 0, 0]), bool((x - c).norm() > 2**0.5 * 1e-5)


@verdict
def check_settles(mine: Answer) -> None:
    """(t, lam, mu, epsilon) -> does c attract the iterates of PnP-PGD with D_t? The loop is run from beside c."""
    for corners, sigma, epsilon, lam in (
        (5, 0.15, 0.2, 0.1),
        (3, 0.25, 1.0, 0.2),
        (5, 0.15, 0.9, 0.4),
        (4, 0.2, 0.1, 0.05),
    ):
        for t in (0.05, 0.1, 0.2, 0.45, 0.6, 0.8, 1.0):
            mu, repelled = _repelled(corners, sigma, epsilon, lam, t)
            got = number(call(mine, t, lam, mu, epsilon))
            where = f"for t = {t}, lam = {lam}, mu = {mu:.2f}, epsilon = {epsilon}"
            if got not in (0.0, 1.0):
                raise Hint(f"return True or False; {where} you return {got:.4g}.")
            if bool(got) == repelled:
                does = "leaves c, however near it starts" if repelled else "started beside c settles at c"
                raise Hint(f"{where} the loop {does}.")


@verdict
def check_share(mine: Answer) -> None:
    """(lin, v) -> the estimate of ||H||_F^2 / ||J||_F^2 from products with random vectors, against the matrix."""
    for seed in (0, 1):
        a, b, c = _normal(seed, 3, 6), _normal(seed + 2, 6, 6) / 4, 2 * _normal(seed + 4, 6, 1)
        matrix = c @ a[:1] + b

        def field(x: Tensor, matrix: Tensor = matrix) -> Tensor:
            return torch.sin(x @ matrix.T)

        point = 0.2 * _normal(seed + 6, 1, 1, 1, 6)
        J = dense(field, point)[0]
        H, n = (J - J.T) / 2, 8000
        exact = float(H.square().sum() / J.square().sum())
        v = _normal(seed + 8, n, 1, 1, 6)
        got = number(call(mine, Linearized(field, point.expand(n, -1, -1, -1)), v))
        if abs(got / exact - 1) < 0.06:
            continue
        mistakes = {
            "H is half of J - J^T, so its square has the factor 1/4.": 4 * exact,
            "that is the quotient of the norms; wanted is that of their squares.": exact**0.5,
            "that is the share of S.": 1 - exact,
            "the quotient is of H and J, not of H and S.": exact / (1 - exact),
        }
        for hint, value in mistakes.items():
            if abs(got / value - 1) < 0.06:
                raise Hint(f"nearly: {hint}")
        ratios = (v.flatten(1) @ H.T).square().sum(1) / (v.flatten(1) @ J.T).square().sum(1)
        if abs(got / float(ratios.mean()) - 1) < 0.06:
            raise Hint("nearly: that is the mean of the quotients; wanted is the quotient of the means.")
        raise Hint(f"the matrix has the share {exact:.4f}, yours is {got:.4f}.")
