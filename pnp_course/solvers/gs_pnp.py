"""GS-PnP: proximal gradient descent on an explicit objective, for gradient-step denoisers D = I - grad g ([A] section 2).

The objective F(x) = lam f(x) + g(x) has a formula, so it can be watched, and a line search needs no Lipschitz constant.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from pnp_course.denoisers.base import DenoiseWithValue
from pnp_course.fidelities import Fidelity
from pnp_course.solvers.iterate import Iterate
from pnp_course.solvers.signature import solver


@solver(needs="with_value")
def gs_pnp_pgd(
    fidelity: Fidelity,
    denoise: DenoiseWithValue,
    x0: Tensor,
    *,
    lam: float,
    step: float = 1.0,
    c: float = 0.1,
    eta: float = 0.9,
    smallest: float = 1e-8,
) -> Iterator[Iterate]:
    """GS-PnP-PGD with backtracking, [A] Algorithm 1, on F = lam f + g.

        x_{k+1} = prox_{step lam f}(x_k - step grad g(x_k)) = prox_{step lam f}(step D(x_k) + (1 - step) x_k),
        accepted if F(x_k) - F(x_{k+1}) >= (c / step) ||x_k - x_{k+1}||^2, else step <- eta step and again

    [A] weighs the prior instead: its lambda is 1 / lam, its F is this F divided by lam, and its tau is lam times this
    step.

    For 0 < c < 1/2, f convex and bounded below, and grad g Lipschitz on bounded sets, the search ends, F(x_k) decreases
    and converges, and min_k ||x_{k+1} - x_k|| = O(1 / sqrt(k)); if the iterates stay bounded, limit points are
    critical. The potential and the gradient at a trial point come from one evaluation, which the next iteration uses if
    the trial is accepted. Without rejections there is therefore one evaluation per iteration, and one at the start.
    Each image of a batch has its own step, and stays where it is once that step has fallen below the smallest.

    Args:
        denoise: at_sigma(D, sigma) with a potential.
        x0: the start; the first x is prox_{step lam f}(x0).
        lam: weight of the fidelity.
        step: first step; with 1 the prox is taken at D(x).
        c, eta: constants of the line search; the authors take 0.1 and 0.9.
        smallest: an image has ended once its step falls below this; the run ends with its last image.

    Yields:
        Iterate with x = step D(x_k) + (1 - step) x_k, the image the authors show; u = x_{k+1}, objective F(x_{k+1}),
        step (B,), evaluations (of the denoiser so far) and rejected (trial steps so far).
    """
    steps = torch.full((len(x0),), float(step), dtype=torch.float64)  # one for each image
    x = fidelity.prox(x0, lam * steps)
    d, g = denoise.with_value(x)
    fit, prior = lam * fidelity.values(x), g.double().cpu()
    shown, evaluations, rejected = x, 1, 0
    while bool((running := steps >= smallest).any()):
        s, runs = (v.to(x.device).reshape(-1, 1, 1, 1) for v in (steps.to(x.dtype), running))
        z = torch.where(runs, s * d + (1 - s) * x, shown)
        new = torch.where(runs, fidelity.prox(z, lam * steps), x)
        d_new, g_new = denoise.with_value(new)
        evaluations += 1
        fit_new, prior_new = lam * fidelity.values(new), g_new.double().cpu()
        decrease = (fit - fit_new) + (prior - prior_new)
        rounding = 4 * torch.finfo(x.dtype).eps * (fit.abs() + prior)  # F is not known more exactly near the limit
        moved = (new - x).double().flatten(1).square().sum(1).cpu()
        short = running & (decrease < c / steps * moved - rounding)
        if bool(short.any()):  # images whose step was accepted try the same step again
            steps, rejected = torch.where(short, eta * steps, steps), rejected + 1
            continue
        x, d, fit, prior, shown = new, d_new, fit_new, prior_new, z
        yield Iterate(
            z,
            denoiser_input=x,
            objective=float((fit + prior).sum()),
            u=x,
            step=steps,
            evaluations=evaluations,
            rejected=rejected,
        )
