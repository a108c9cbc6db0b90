"""Checks of the exercises of notebook 19: each takes the reader's function and returns "right" or a hint."""

from __future__ import annotations

import math

import torch

from pnp_course.exercises.verdicts import Answer, Hint, call, number, numbers, tensor, verdict


@verdict
def check_costs(mine: Answer) -> None:
    """(m, alpha) -> sum of |differences|^alpha of an edge and of a thin line, each blurred by a box of m pixels."""
    for m, alpha in ((4, 1.0), (5, 0.5), (9, 0.8)):
        edge, line = numbers(call(mine, m, alpha), "the costs of the edge and of the line")
        at = f"for m = {m}, alpha = {alpha}"
        if not math.isclose(edge, m ** (1 - alpha), rel_tol=1e-6):
            if math.isclose(edge, 1.0, rel_tol=1e-6):
                raise Hint("that is the sharp edge; the blurred one has m differences of 1/m each.")
            if math.isclose(edge, m**-alpha, rel_tol=1e-6):
                raise Hint("nearly: a blurred edge has m differences of this kind, not one.")
            raise Hint(f"{at} the edge costs m (1/m)^alpha = {m ** (1 - alpha):.4f}; yours is {edge:.4f}.")
        if not math.isclose(line, 2 * m**-alpha, rel_tol=1e-6):
            if math.isclose(line, m**-alpha, rel_tol=1e-6):
                raise Hint("nearly: the line has two sides.")
            if math.isclose(line, 2.0, rel_tol=1e-6):
                raise Hint("that is the sharp line; blurred by m pixels it is a plateau of height 1/m.")
            raise Hint(f"{at} the line costs 2 (1/m)^alpha = {2 * m**-alpha:.4f}; yours is {line:.4f}.")


@verdict
def check_keep(mine: Answer) -> None:
    """(h, v, weight, beta) -> the minimiser (a, b) of weight [(a, b) != 0] + beta ((a - h)^2 + (b - v)^2), by pixel."""
    generator = torch.Generator().manual_seed(0)
    h, v = torch.randn(2, 6, 7, generator=generator, dtype=torch.float64)
    for weight, beta in ((0.7, 2.0), (0.1, 1.0), (3.0, 1.5)):
        keep = h.square() + v.square() > weight / beta
        want = torch.stack([h * keep, v * keep])
        got = call(mine, h.clone(), v.clone(), weight, beta)
        got = tensor(torch.stack(list(got)) if isinstance(got, tuple | list) else got, want)
        if torch.allclose(got, want):
            continue
        sizes = (h.square() + v.square()).sqrt()
        soft = (1 - (weight / beta) / (2 * sizes)).clamp_min(0)
        alone = torch.stack([h * (h.square() > weight / beta), v * (v.square() > weight / beta)])
        shrunk = torch.stack([h * soft, v * soft])
        hints = {
            "a gradient is one pair: both components are kept, or both are dropped": alone,
            "that shrinks what it keeps, as an l1 prior would; here it costs the same whatever its size": shrunk,
            "the comparison is with weight / beta": torch.stack([h, v]) * (h.square() + v.square() > weight * beta),
            "compare the square of the length with weight / beta": torch.stack([h, v]) * (sizes > weight / beta),
            "the other way round: the large gradients stay": torch.stack([h, v]) * ~keep,
        }
        for hint, mistake in hints.items():
            if torch.allclose(got, mistake):
                raise Hint(hint + ".")
        raise Hint(f"for weight {weight}, beta {beta} yours differs by up to {float((got - want).abs().max()):.3g}.")


@verdict
def check_kernel(mine: Answer) -> None:
    """(xs, ys, ridge) -> transform of the minimiser of sum ||k * x_i - y_i||^2 + ridge ||k||^2 from the transforms."""
    generator = torch.Generator().manual_seed(1)
    pictures = torch.randn(4, 8, 8, generator=generator, dtype=torch.float64)
    xs, ys = torch.fft.fft2(pictures[:2]), torch.fft.fft2(pictures[2:])
    for ridge in (0.5, 3.0):
        power, cross = xs.abs().square().sum(0), (xs.conj() * ys).sum(0)
        want = cross / (power + ridge)
        answer = call(mine, list(xs.clone()), list(ys.clone()), ridge)
        got = torch.as_tensor(answer) if answer is not None else torch.zeros(0)
        if got.shape != want.shape:
            raise Hint(f"wanted one transform of shape {tuple(want.shape)}; yours has shape {tuple(got.shape)}.")
        got = got.to(want.dtype)
        if torch.allclose(got, want):
            continue
        hints = {
            "the conjugate is missing: <K X, Y> has conj(X) Y as its derivative": (xs * ys).sum(0) / (power + ridge),
            "without the ridge it divides by what may be zero": cross / power,
            "sum first, then divide: one kernel explains both pictures": (
                xs.conj() * ys / (xs.abs().square() + ridge)
            ).sum(0),
            "the conjugate belongs to x, not to y": (xs * ys.conj()).sum(0) / (power + ridge),
        }
        for hint, mistake in hints.items():
            if torch.allclose(got, mistake):
                raise Hint(hint + ".")
        raise Hint(f"for ridge {ridge} yours differs by up to {float((got - want).abs().max()):.3g}.")


@verdict
def check_ratio(mine: Answer) -> None:
    """(psnr with the estimated kernel, psnr with the true one) -> the error ratio."""
    for estimated, known in ((25.0, 28.0), (30.0, 30.0), (20.0, 30.0), (31.0, 30.5)):
        got, want = number(call(mine, estimated, known)), 10 ** ((known - estimated) / 10)
        if math.isclose(got, want, rel_tol=1e-6):
            continue
        if math.isclose(got, 1 / want, rel_tol=1e-6):
            raise Hint("upside down: a worse kernel has the ratio above 1.")
        if math.isclose(got, want**0.5, rel_tol=1e-6):
            raise Hint("nearly: that is the ratio of the root mean squares.")
        if math.isclose(got, known / estimated, rel_tol=1e-6):
            raise Hint("decibels are logarithms: their difference says the ratio.")
        if math.isclose(got, known - estimated, abs_tol=1e-6):
            raise Hint("nearly: that is the ratio in decibels; take ten to the power of its tenth.")
        raise Hint(f"{estimated:g} dB against {known:g} dB is a ratio of {want:.4g}; yours is {got:.4g}.")
