"""Checks of the exercises of notebook 13: each takes the reader's function and returns "right" or a hint."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from pnp_course.exercises.verdicts import Answer, Hint, call, number, tensor, verdict
from pnp_course.fidelities import prox_kl

Case = tuple[tuple[Any, ...], Callable[[Any], str]]  # arguments, and what is wrong with the value returned, or ""


def judge(answer: Answer, cases: Sequence[Case]) -> str:
    """The verdict on `answer` after these cases."""

    @verdict
    def check(answer: Answer) -> None:
        for arguments, fault in cases:
            if hint := fault(call(answer, *arguments)):
                raise Hint(hint)

    return check(answer)


def close(value: Any, want: Tensor, hints: Sequence[tuple[Tensor, str]], where: str) -> str:
    """Compare what an answer returned with `want`, and give the hint of the mistake that it equals, if it is one."""
    got = tensor(value, want)
    if bool(torch.allclose(got, want, rtol=1e-6, atol=1e-8)):
        return ""
    for mistake, hint in hints:
        if bool(torch.allclose(got, mistake, rtol=1e-6, atol=1e-8)):
            return hint
    return f"{where} the largest difference is {float((got - want).abs().max()):.3g}"


def ladder_run(prox: Answer, D: Answer, y: Tensor, lam: float, sigmas: Sequence[float], power: int = 2) -> Tensor:
    """What exercise 1 asks for: the last u of HQS with lam_k = lam (sigma_k / sigma_K)^2, from u = y."""
    u = y
    for s in sigmas:
        u = D(prox(u, lam * (s / sigmas[-1]) ** power), s)
    return u


def check_dpir(answer: Answer) -> str:
    """Exercise 1: `answer(prox, D, y, lam, sigmas)` is the last u of DPIR, with prox(z, weight) and D(z, sigma)."""
    y = torch.linspace(0.1, 0.9, 8).double().reshape(1, 1, 2, 4)

    def prox(z: Tensor, weight: float) -> Tensor:
        return prox_kl(z, y, float(weight))

    def D(z: Tensor, sigma: float) -> Tensor:
        return (z + 4 * sigma**2) / (1 + 8 * sigma**2)

    def swapped(lam: float, sigmas: Sequence[float]) -> Tensor:
        u = y
        for s in sigmas:
            u = prox(D(u, s), lam * (s / sigmas[-1]) ** 2)
        return u

    def fault(lam: float, sigmas: Sequence[float]) -> Callable[[Any], str]:
        want = ladder_run(prox, D, y, lam, sigmas)
        hints = [
            (
                ladder_run(prox, D, y, lam, sigmas, 0),
                "the weight is the same at all levels; it should grow with sigma^2",
            ),
            (ladder_run(prox, D, y, lam, sigmas, 1), "the weight grows with sigma, and should grow with its square"),
            (ladder_run(prox, D, y, lam, sigmas, -2), "the weight falls where sigma is large; it should rise"),
            (swapped(lam, sigmas), "the denoiser comes first; DPIR begins with the proximal operator"),
        ]
        return lambda value: close(value, want, hints, f"after {len(sigmas)} levels")

    cases = [(1.5, [0.3, 0.2, 0.1]), (0.7, [0.4, 0.05]), (2.0, [0.2])]
    return judge(answer, [((prox, D, y, lam, sigmas), fault(lam, sigmas)) for lam, sigmas in cases])


def ishikawa_step(T: Answer, u: Tensor, alpha: float, beta: float) -> Tensor:
    """What exercise 2 asks for."""
    return (1 - alpha) * u + alpha * T((1 - beta) * u + beta * T(u))


def check_ishikawa(answer: Answer) -> str:
    """Exercise 2: `answer(T, u, alpha, beta)` is the next u of Ishikawa's iteration."""
    u = torch.tensor([0.8, -0.3], dtype=torch.float64)

    def T(x: Tensor) -> Tensor:
        return torch.stack((x[0] + 2 * x[1], x[1] - 2 * x[0])) + 0.1 * x**2

    def fault(alpha: float, beta: float) -> Callable[[Any], str]:
        w = (1 - beta) * u + beta * T(u)
        hints = [
            ((1 - alpha) * u + alpha * T(u), "that is Mann's step; T is applied to w, not to u"),
            (w, "that is w; one more average is missing"),
            ((1 - alpha) * w + alpha * T(w), "the outer average is of u and T(w), not of w and T(w)"),
            (T(w), "the outer average is missing"),
            (ishikawa_step(T, u, beta, alpha), "alpha and beta have changed places"),
            (ishikawa_step(T, u, 1 - alpha, 1 - beta), "the weights alpha and beta belong to T, 1 - alpha to u"),
        ]
        return lambda value: close(value, ishikawa_step(T, u, alpha, beta), hints, f"at alpha = {alpha}, beta = {beta}")

    return judge(answer, [((T, u, a, b), fault(a, b)) for a, b in ((0.3, 0.4), (0.2, 0.9), (0.1, 0.1))])


def check_red_slope(answer: Answer) -> str:
    """Exercise 3: `answer(W, x)` is the gradient of <x, x - W x> / 2, against PyTorch's."""

    def fault(W: Tensor, x: Tensor) -> Callable[[Any], str]:
        point = x.clone().requires_grad_(True)
        (want,) = torch.autograd.grad((point * (point - W @ point)).sum() / 2, point)
        hints = [
            (x - W @ x, "that is x - D(x), what RED uses; for this W it is no gradient"),
            (x - W.T @ x, "that has only the transpose; both W and its transpose come in"),
            (2 * want, "twice too large: mind the factor 1/2"),
            (x - (W + W.T) @ x, "the factor 1/2 is missing in one of the terms"),
        ]
        return lambda value: close(value, want, hints, "for a W that is not symmetric")

    generator = torch.Generator().manual_seed(0)
    pairs = [
        (torch.rand(n, n, generator=generator).double(), torch.rand(n, generator=generator).double()) for n in (2, 3)
    ]
    return judge(answer, [(pair, fault(*pair)) for pair in pairs])


def check_b_red(answer: Answer) -> str:
    """Exercise 4: `answer(x, slope, step, largest)` is the next pixel of B-RED, against a search on (0, largest]."""

    def fault(x: float, slope: float, step: float, largest: float) -> Callable[[Any], str]:
        v = torch.linspace(0, largest, 400_001, dtype=torch.float64)[1:]
        best = float(v[(slope * v + (v / x - (v / x).log() - 1) / step).argmin()])
        where = f"at x = {x}, slope = {slope}, step = {step}, largest = {largest}"

        def of(value: Any) -> str:
            got = number(value)
            if abs(got - best) < 1e-5:
                return ""
            if any(abs(got - v) < 1e-6 for v in (x - step * slope, min(max(x - step * slope, 0), largest))):
                return "that is a step of the usual gradient descent"
            if any(abs(got - v) < 1e-6 for v in (x - step * x**2 * slope, min(x - step * x**2 * slope, largest))):
                return "nearly: that is the linear part; grad h(x) = -1/x has to be inverted exactly"
            if got <= 0 or got > largest:
                return f"{where} your pixel is {got:.4g}, outside (0, {largest}]"
            return f"{where} a search finds {best:.5f}, yours is {got:.5f}"

        return of

    cases = [
        (0.5, 0.8, 0.7, 1.0),
        (0.5, -1.0, 0.5, 1.0),
        (0.5, -1.6, 1.0, 1.0),
        (0.9, -2.0, 1.0, 1.5),
        (0.3, 40.0, 2.0, 1.0),
    ]
    return judge(answer, [(case, fault(*case)) for case in cases])


def check_dps_factor(answer: Answer) -> str:
    """Exercise 5: `answer(c, sigma, nu)` is the ratio of the slopes of log p(y | u = D(x)) and log p(y | x), one pixel.

    Both are differences of logarithms of densities, the second by an integral over u.
    """

    def fault(c: float, sigma: float, nu: float) -> Callable[[Any], str]:
        want, j = guidance_ratio(c, sigma, nu), c / (c + sigma**2)
        hints = {
            1 / want: "that is the inverse",
            1 + sigma**2 / nu**2: "u has less variance, given x: not sigma^2, but sigma^2 J",
            1 + c / nu**2: "that is the variance of u before x is known",
            1 + j: "nu, the noise level of the observation, is missing",
        }

        def of(value: Any) -> str:
            got = number(value)
            if math.isclose(got, want, rel_tol=1e-4):
                return ""
            for mistake, hint in hints.items():
                if math.isclose(got, mistake, rel_tol=1e-4):
                    return hint
            return f"at c = {c}, sigma = {sigma}, nu = {nu} the densities give {want:.4f}, yours is {got:.4f}"

        return of

    cases = [(0.04, 0.3, 0.1), (0.5, 0.2, 0.3), (0.01, 1.0, 0.05)]
    return judge(answer, [(case, fault(*case)) for case in cases])


def guidance_ratio(c: float, sigma: float, nu: float) -> float:
    """The ratio of `check_dps_factor` by numbers alone: prior N(0, c), x = 0.4, y = 0.9."""
    h, x, y = 1e-4, 0.4, 0.9
    u = torch.linspace(-12, 12, 400_001, dtype=torch.float64) * math.sqrt(c)

    def logs(x: float) -> tuple[float, float]:
        law = torch.exp(-(u**2) / (2 * c) - (x - u) ** 2 / (2 * sigma**2))
        law = law / law.sum()
        mean = float((law * u).sum())
        return -((y - mean) ** 2) / (2 * nu**2), float((law * torch.exp(-((y - u) ** 2) / (2 * nu**2))).sum().log())

    (a0, b0), (a1, b1) = logs(x - h), logs(x + h)
    return (a1 - a0) / (b1 - b0)
