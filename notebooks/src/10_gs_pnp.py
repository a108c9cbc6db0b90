# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # GS-PnP: an objective that falls
#
# > **You will do.** Enlarge a photograph with an algorithm whose objective cannot rise; run it with a network that
# > nobody trained; watch a function on which descent turns for ever; let a line search start absurdly far.
# >
# > **You will learn.** When a trial step is accepted, and why the search ends; what follows for moves and limit points; the
# > Kurdyka-Łojasiewicz property, which makes the iterates converge, and who has it; what a line search cannot do.
# >
# > **You need.** Proximal operators ([notebook 02](02_proximal_operators.ipynb)), the gradient-step denoiser and the
# > convergence theorem of [notebook 04](04_gradient_step.ipynb).
# >
# > **Time.** 80 minutes; the cells take about a minute.
#
# A question to keep in mind. We take a network with *random* weights, put it where the denoiser belongs, and run the
# algorithm. **Does it converge? And what does the answer say about convergence theorems?**
#
# We follow section 2 of Herfeld and others (2025), below [A]. Statements with all proofs: the theory page
# [GS-PnP](../book/theory/gs_pnp.md), which continues that of [the gradient step](../book/theory/gradient_step.md).
# Words in italics mostly stand in the [glossary](../book/glossary.md).

# %%
import inspect
from itertools import islice

import matplotlib.pyplot as plt
import pandas as pd
import torch
from pnp_course import images, load_denoiser, metrics, noise, run
from pnp_course.denoisers import DRUNet, GradientStep, at_sigma, denoiser_card
from pnp_course.denoisers.base import WithPotential
from pnp_course.devices import pick_device
from pnp_course.exercises import notebook_10 as checks
from pnp_course.fidelities import Gaussian
from pnp_course.operators import Blur, Decimation, kernels
from pnp_course.operators.decimation import upsample
from pnp_course.solvers import gs_pnp_pgd, hqs, pgd
from pnp_course.toy import GaussianMixture, descent
from pnp_course.toy.potentials import RootNet
from pnp_course.viz.descent_pictures import sharpness_figure, spiral_figure
from pnp_course.viz.figures import curves, gallery
from pnp_course.viz.potential_pictures import level_figure

torch.set_flush_denormal(True)  # the tails of ELU; without it, slow
device = pick_device()
D = load_denoiser("gs-drunet").to(device)

# %% [markdown]
# ## 1. The algorithm in five lines
#
# A gradient-step denoiser is $D = I - \nabla g$ with a potential $g \ge 0$ that can be evaluated: $g(x) =
# \tfrac12\|x - N(x)\|^2$, $N$ a network. A fidelity $f$ says how well a picture fits the data, and it has a *proximal
# operator* ([notebook 02](02_proximal_operators.ipynb)): $\operatorname{prox}_{\tau\lambda f}(z)$ is the $x$ for which
# $\tau\lambda f(x) + \tfrac12\|x - z\|^2$ is smallest. So there is an objective $F$, and *proximal gradient descent*
# for it, $x_{k+1} = T_\tau(x_k)$:
#
# $$ F = \lambda f + g, \qquad T_\tau(x) = \operatorname{prox}_{\tau\lambda f}\bigl(x - \tau\nabla g(x)\bigr)
# = \operatorname{prox}_{\tau\lambda f}\bigl(\tau D(x) + (1 - \tau)x\bigr). $$
#
# How long may the step $\tau$ be? Nobody knows a Lipschitz constant of a network's gradient. So [A] searches: accept $x^+ =
# T_\tau(x)$ if, with a number $0 < c < 1$,
#
# $$ F(x) - F(x^+) \ge \frac c\tau\,\|x - x^+\|^2, \qquad (\ast) $$
#
# and otherwise replace $\tau$ by $\eta\tau$ and try again, with $0 < \eta < 1$. This is *backtracking* ([A],
# Algorithm 1). It begins with a first step $\tau_0$ and a picture $x_0$, here the observation enlarged by bicubic
# interpolation; before the first iteration $x_0$ is replaced by $\operatorname{prox}_{\tau_0\lambda f}(x_0)$, so that $F$
# is finite there.
#
# Our task is *super-resolution*: a colour photograph is blurred, every second row and column is kept, noise of
# standard deviation $\nu$ is added. The denoiser's strength $2\nu$ and $\lambda = 10$ are those of notebook 04;
# nothing is tuned here. The body of `while` is exercise 2 of notebook 04 in a loop:

# %%
clean, nu, lam = images.photo("coffee", 96).to(device), 0.02, 10.0
A = Decimation(kernels.gaussian(9, 1.0), 2)
y = noise.gaussian(A(clean), nu, torch.Generator().manual_seed(0))
f, denoise, x0 = Gaussian(A, y), at_sigma(D, 2 * nu), upsample(y, 2)


def F(x):
    return lam * f.value(x) + float(denoise.with_value(x)[1])


def my_gs_pnp(x, tau, iterations, c=0.1, eta=0.9):
    x, accepted = f.prox(x, tau * lam), []
    while len(accepted) < iterations:
        new = f.prox(tau * denoise(x) + (1 - tau) * x, tau * lam)
        if F(x) - F(new) >= c / tau * float((x - new).square().sum()):
            x, accepted = new, [*accepted, tau]
        else:
            tau = eta * tau
    return x, accepted


mine, my_steps = my_gs_pnp(x0, 3.0, 4)
library = list(islice(gs_pnp_pgd(f, denoise, x0, lam=lam, step=3.0), 4))
same = [float(i.step) for i in library]
print("my accepted steps:", [round(t, 3) for t in my_steps])
print("agree:", bool((mine - library[-1].u).abs().max() < 1e-4))
assert max(abs(a - b) for a, b in zip(my_steps, same, strict=True)) < 1e-9
assert (mine - library[-1].u).abs().max() < 1e-4

# %% [markdown]
# The library does the same with fewer evaluations: $g$ and $\nabla g$ come from one pass, and an accepted trial step is the
# next starting point. Its loop (each image of a batch has its own step; `rounding` is how exactly $F$ is known):

# %% tags=["nbval-ignore-output"]
text = inspect.getsource(gs_pnp_pgd)
print(text[text.index("    while ") :].rstrip())

# %% [markdown]
# **Letters.** [A] weighs the prior and we weigh the fidelity. With $\lambda_A = 1/\lambda$, $F_A = f + \lambda_Ag =
# F/\lambda$ and $\tau_A = \lambda\tau$, the prox, the gradient step and $(\ast)$ are the same (divide $(\ast)$ by
# $\lambda$), with the same $c$. Beware when you copy a parameter from a paper.
#
# **Exercise 1.** Somebody used $(\lambda_A, \tau_A)$. Which `lam` and `step` give the same iterates here? The check
# runs both algorithms.
#
# <details>
# <summary>Solution</summary>
#
# $\lambda = 1/\lambda_A$ and $\tau = \tau_A/\lambda = \tau_A\lambda_A$.
#
# </details>


# %%
def my_translation(lam_a, tau_a):
    return lam_a, tau_a  # replace by lam and step


print(checks.check_translation(my_translation))


# %% tags=["hide-cell", "solution"]
def given_translation(lam_a, tau_a):
    return 1 / lam_a, tau_a * lam_a


assert checks.check_translation(given_translation) == "right"

# %% [markdown]
# ## 2. Super-resolution, with and without an objective
#
# Four runs of 40 iterations from the same bicubic start:
#
# - **GS-PnP, trained**: `gs-drunet`, the denoiser above.
# - **GS-PnP, untrained**: the same architecture with random weights.
# - **same loop, drunet**: $x \leftarrow \operatorname{prox}_{\lambda f}(D(x))$, $\tau = 1$, with an ordinary
#   denoiser, which has no potential. (This is also half-quadratic splitting, `hqs`.)
# - **PnP-PGD, drunet**: $x \leftarrow D(x - \nabla f(x))$, the denoiser in the place of the prox.
#
# The last two have no objective that could be plotted, and no theorem.

# %%
torch.manual_seed(0)
net = denoiser_card("gs-drunet")["config"]
untrained = GradientStep(DRUNet(**net)).requires_grad_(False).eval().to(device)
plain = at_sigma(load_denoiser("drunet").to(device), 2 * nu)
raw = at_sigma(untrained, 2 * nu)
solvers = {
    "GS-PnP, trained": gs_pnp_pgd(f, denoise, x0, lam=lam),
    "GS-PnP, untrained": gs_pnp_pgd(f, raw, x0, lam=lam),
    "same loop, drunet": hqs(f, plain, x0, lam=lam, sigmas=[2 * nu] * 40),
    "PnP-PGD, drunet": pgd(f, plain, x0, lam=1.0),
}
runs, final = {}, {}
for name, solver in solvers.items():
    image = (lambda i: i.u) if "GS" in name else (lambda i: i.x)
    watch = {"PSNR": lambda i, of=image: metrics.psnr(of(i), clean)}
    if "GS" in name:
        watch["F"] = lambda i: i.objective
    result = run(solver, 40, monitors=watch)
    runs[name], final[name] = result.history, image(result.iterate)

# %% mystnb={"image": {"alt": "Three panels. Objective with the trained network: falls from about 20 to 18 and flattens. Objective with the untrained network: falls by about one per cent, from 2104 to 2078, and flattens. PSNR: the trained network and the loop with drunet rise to about 28 dB, PnP-PGD stays near 25 dB, the untrained network stays near 16 dB"}}
trained, random = (runs[f"GS-PnP, {w}"].F for w in ("trained", "untrained"))
for objective in (trained, random):
    assert (objective.diff()[1:] <= 1e-6 * objective.iloc[0]).all()
curves([
    {"title": "objective F, trained",
     "lines": {"GS-PnP, trained": (trained.index, trained)}},
    {"title": "objective F, untrained",
     "lines": {"GS-PnP, untrained": (random.index, random)}},
    {"title": "PSNR of the iterate (dB)",
     "lines": {k: (h.index, h.PSNR) for k, h in runs.items()}},
], 10, 3)  # fmt: skip

# %% [markdown]
# *Figure 1.* Neither objective rises, up to rounding. That of the untrained network ends at a bad picture.

# %% mystnb={"image": {"alt": "Five pictures of a cup of coffee: bicubic, blurred; trained GS-PnP, sharp; untrained, a coarse coloured mesh over a bluish cup; the loop with drunet, sharp; PnP-PGD with drunet, smoother"}}
pictures = {"bicubic": x0, **final}
score = {k: metrics.psnr(v, clean) for k, v in pictures.items()}
assert score["GS-PnP, trained"] > score["bicubic"] + 2
assert score["GS-PnP, untrained"] < score["bicubic"] - 5
gallery({f"{k}: {score[k]:.1f} dB": v for k, v in pictures.items()}, 5, width=11)

# %% [markdown]
# *Figure 2.* The end of each run, after 40 iterations.
#
# The loop with `drunet` scores like GS-PnP or better: the theorem does not buy decibels. (PnP-PGD weighs data and
# prior in another way, so its number compares settings rather than methods.) And the untrained network answers the
# first half of our question: $F$ falls and settles, at a picture much worse than the start. Why *must* it fall?
#
# ## 3. When a trial step is accepted
#
# *In words: a trial step fails only if the step meets too much upward curvature of $g$. That curvature is finite, so
# shortening the step must end.*
#
# Let $d = x^+ - x \neq 0$, and call
#
# $$ \kappa = \frac2{\|d\|^2}\bigl(g(x^+) - g(x) - \langle\nabla g(x), d\rangle\bigr) $$
#
# the *curvature that the step sees*. If $\nabla g$ is $L$-Lipschitz on the segment, $\kappa \le L$ (descent lemma).
# It may be negative, and it can be computed.
#
# > **Lemma 1.** If $f$ is convex, $F(x) - F(x^+) \ge \bigl(\tfrac1\tau - \tfrac\kappa2\bigr)\|d\|^2$. So $(\ast)$
# > holds if $\tau\kappa \le 2(1 - c)$. For any $f$, $x^+$ being a minimiser, $\tfrac1\tau$ becomes $\tfrac1{2\tau}$,
# > and $(\ast)$ holds if $\tau\kappa \le 1 - 2c$.
#
# *Proof.* $x^+$ minimises $\Psi = \tau\lambda f + \tfrac12\|\cdot - (x - \tau\nabla g(x))\|^2$, and $\Psi$ is
# 1-strongly convex: $\Psi(x) \ge \Psi(x^+) + \tfrac12\|d\|^2$. (Without convexity, $\Psi(x) \ge \Psi(x^+)$.) The
# square in $\Psi(x)$ minus that in $\Psi(x^+)$ is $-\tfrac12\|d\|^2 - \tau\langle\nabla g(x), d\rangle$. So $\lambda
# f(x) - \lambda f(x^+) \ge \tfrac1\tau\|d\|^2 + \langle\nabla g(x), d\rangle$; without convexity, half of the
# square. The definition of $\kappa$ says $g(x) - g(x^+) = -\langle\nabla g(x), d\rangle - \tfrac\kappa2\|d\|^2$.
# Add. $\square$
#
# That is why the library asks for $c < \tfrac12$, like [A]: then some $\tau > 0$ is accepted for *every* $f$ that is
# bounded below. For convex $f$ all $c < 1$ would do.
#
# For the fidelity $f = \tfrac12\|Ax - y\|^2$ the proof loses exactly $\tfrac\lambda2\|Ad\|^2$, the part of strong
# convexity that $f$ has. So both sides can be compared with equality, on the photograph, in double precision:

# %%
small = slice(24, 72)
D2 = at_sigma(load_denoiser("gs-drunet").double(), 2 * nu)
y2 = y.cpu().double()[..., 12:36, 12:36]
f2, tau, c, eta = Gaussian(A, y2), 4.0, 0.1, 0.9
x = f2.prox(x0.cpu().double()[..., small, small], tau * lam)
trials, worst = [], 0.0
for _ in range(24):
    grad, g = D2.gradient_and_value(x)
    new = f2.prox(x - tau * grad, tau * lam)
    d, g_new = new - x, D2.with_value(new)[1]
    square = float(d.square().sum())
    kappa = 2 * float(g_new - g - (grad * d).sum()) / square
    fall = lam * (f2.value(x) - f2.value(new)) + float(g - g_new)
    right = (1 / tau - kappa / 2) * square + lam / 2 * float(A(d).square().sum())
    worst = max(worst, abs(fall - right) / abs(right))
    ok = fall >= c / tau * square
    trials.append((tau * kappa, ok))
    assert ok or tau * kappa > 2 * (1 - c)  # Lemma 1
    x, tau = (new, tau) if ok else (x, eta * tau)
print(f"largest relative difference of the two sides: {worst:.0e}")
print(f"accepted {sum(ok for _, ok in trials)} of {len(trials)}")
assert worst < 1e-6

# %% mystnb={"image": {"alt": "The product of step and curvature for 24 trial steps: rejected ones, crosses, above the line 1.8; accepted ones, dots, below it or slightly above"}}
figure, ax = plt.subplots(figsize=(6.5, 2.8), dpi=85)
for ok, marker, label in ((True, "o", "accepted"), (False, "x", "rejected")):
    points = [(k, t) for k, (t, good) in enumerate(trials, 1) if good == ok]
    ax.plot(*zip(*points, strict=True), marker, label=label)
ax.axhline(2 * (1 - c), color="0.4", linewidth=1, label="2(1 − c)")
ax.set(xlabel="trial step", ylabel="τ κ", title="step times the curvature it sees")
ax.grid(alpha=0.3)
ax.legend(fontsize=8)
plt.close(figure)
figure

# %% [markdown]
# *Figure 3.* Below the line a trial step is always accepted. Above it some are, because $f$ has some strong convexity of
# its own. The search stops close to the line: it finds the *longest* step, not the best. Remember this for section 7.
#
# **Why the search ends.** All trial steps with $\tau \le \tau_0$ lie in one ball around $x$ (notebook 04), on which
# $\nabla g$ has some Lipschitz constant $L$. So a trial step with $\tau \le 2(1 - c)/L$ is accepted, and powers of $\eta$
# get there. Nobody needs to know $L$. What is needed is that it *exists*: $g$ must be $C^1$ with a gradient that is
# Lipschitz on bounded sets. ReLU violates this; notebook 04 shows a search that dies.
#
# ## 4. What falling implies
#
# *In words: the objective has only a finite amount to lose, and each move costs some. So moves tend to 0, at a
# guaranteed rate.*
#
# > **Theorem 2.** Let $f$ be convex, closed, proper and bounded below, $g \ge 0$ be $C^1$ with $\nabla g$ Lipschitz
# > on bounded sets. Let $F_\infty = \lim F(x_k)$, which exists.
# >
# > 1. $\sum_k\tfrac c{\tau_k}\|x_{k+1} - x_k\|^2 \le F(x_0) - F_\infty$: the squares are summable.
# > 2. $m_K = \min_{k<K}\|x_{k+1} - x_k\| \le \sqrt{\tau_0(F(x_0) - F_\infty)/(cK)}$.
# > 3. If the iterates are **bounded**, the steps stay above a positive number, and every limit point $x$ is critical:
# >    $-\nabla g(x) \in \lambda\,\partial f(x)$.
#
# *Proof of 1 and 2.* $F(x_k)$ does not increase and is bounded below. Sum $(\ast)$: the left sides telescope. As
# $\tau_k \le \tau_0$, $\tfrac c{\tau_0}Km_K^2$ is at most the sum. $\square$ Part 3 is Theorem 4 of
# [notebook 04](04_gradient_step.ipynb), with its proof.
#
# The photograph, with the solver of section 2 and a longer first step ($F_\infty$ is replaced by $F(x_K)$, which
# makes the test harder):

# %%
seen = list(islice(gs_pnp_pgd(f, denoise, x0, lam=lam, step=3.0), 25))
start = f.prox(x0, 3.0 * lam)
track = torch.stack([start, *(i.u for i in seen)]).cpu().double().flatten(1)
values = torch.tensor([F(start), *(i.objective for i in seen)]).double()
taus = torch.cat([i.step for i in seen]).cpu()
moves, K = track.diff(dim=0).norm(dim=1), torch.arange(1, 26)
spent = (0.1 / taus * moves.square()).cumsum(0)
bound = (3.0 * (values[0] - values[1:]) / (0.1 * K)).sqrt()
least = moves.cummin(0).values
pd.DataFrame(
    {
        "sum of squares, weighted": spent,
        "F(x_0) - F(x_K)": values[0] - values[1:],
        "m_K": least,
        "its bound": bound,
    },
    index=K.tolist(),
).loc[[1, 5, 25]].round(2)

# %%
assert (spent <= values[0] - values[1:] + 1e-3).all()
assert (least <= bound).all()

# %% [markdown]
# The bound is far away. Is $1/\sqrt K$ too pessimistic? In general, hardly. $\sqrt K\,m_K \to 0$ always (since $\tfrac K2
# m_K^2$ is at most the tail $\sum_{k\ge K/2}\|x_{k+1} - x_k\|^2$), but no better *power* of $K$ holds for all $g$. Take $f = 0$ and $g(x) = (1 + x^2)^{-\omega}$ on the line. Its minimum is
# at infinity, and the theory page proves $m_K \ge C K^{-\frac12 - \frac\omega{2\omega+2}}$ with some $C > 0$: for small $\omega$
# nearly the bound. $F$ converges, moves tend to 0, **and $x_k$ goes to infinity**. That is why part 3 needs
# boundedness.


# %%
def slide(omega):
    def pair(z):
        base = 1 + z.square()
        return z + 2 * omega * z * base ** (-omega - 1), (base**-omega).flatten()

    return WithPotential(pair)


one = torch.ones(1, 1, 1, 1).double()
for omega in (0.1, 0.5):
    free = gs_pnp_pgd(descent.no_data(1), slide(omega), one, lam=1.0)
    way = torch.tensor([1.0, *(float(i.u) for i in islice(free, 4000))]).double()
    m = way.diff()
    power = float((m[-1] / m[1999]).log2())
    print(
        f"omega = {omega}: x_4000 = {float(way[-1]):.1f}, moves fall like K^{power:.3f};"
    )
    print(f"         the theory says K^{-0.5 - omega / (2 * omega + 2):.3f}")
    assert abs(power + 0.5 + omega / (2 * omega + 2)) < 0.02

# %% [markdown]
# **Exercise 2.** $F(x_0) - F_\infty \le$ `gap`. After how many iterations is a move of at most `eps` guaranteed?
# Return the smallest whole $K$ that Theorem 2 allows.
#
# <details>
# <summary>Solution</summary>
#
# $\tau_0\,\text{gap}/(cK) \le \epsilon^2$, so $K = \lceil\tau_0\,\text{gap}/(c\,\epsilon^2)\rceil$: a hundred times
# as many for each digit.
#
# </details>


# %%
def my_iterations(gap, tau0, c, eps):
    return 1  # replace


print(checks.check_iterations(my_iterations))


# %% tags=["hide-cell", "solution"]
def given_iterations(gap, tau0, c, eps):
    return -int(-(tau0 * gap / (c * eps**2)) // 1)


assert checks.check_iterations(given_iterations) == "right"

# %% [markdown]
# ## 5. From limit points to a limit
#
# Suppose the iterates are bounded and every limit point is critical. Do they converge? Moves that are square summable
# need not be summable: $1 + \tfrac12 + \tfrac13 + \dots = \infty$. What is missing is one property of $F$.
#
# *In words: near a critical point, a change of scale makes $F$ as sharp as a cone. Then whoever descends loses
# height in proportion to the way, and the way is finite.*
#
# $F$ has the **Kurdyka-Łojasiewicz property** at a critical $\bar x$ if for some concave $\chi$ with $\chi(0) = 0$,
# $\chi' > 0$,
#
# $$ \chi'\bigl(F(x) - F(\bar x)\bigr)\,\operatorname{dist}(0, \partial F(x)) \ge 1 $$
#
# for $x$ near $\bar x$ with values slightly above $F(\bar x)$. By the chain rule: the slope of $\chi(F - F(\bar x))$
# is at least 1. It has the *exponent* $\theta < 1$ if $\|\nabla F\| \ge \tfrac1C(F - F(\bar x))^\theta$, that is
# $\chi'(s) = Cs^{-\theta}$.

# %% mystnb={"image": {"alt": "Left: three functions with flatter and flatter bottoms. Middle: after the change of scale all three are the cone |x|. Right: slope against gap in double logarithmic axes; lines with the slopes one half and three quarters lie above the line of exponent one, that of the spiral lies below and is steeper"}}
spiral = descent.Spiral(winding=5.0)
flattest = spiral.flattest(torch.logspace(-2, -0.5, 40).double())
gap = spiral.value(flattest)
slope = torch.tensor([spiral.slopes(*p) for p in flattest.tolist()]).norm(dim=1)
assert (slope <= 4 / 5 * gap**1.25 * (1 + 1e-5)).all()
sharpness_figure(gap, slope)

# %% [markdown]
# *Figure 4.* Left and middle: $x^2/2$ with $\chi(s) = \sqrt{2s}$, $x^4$ with $s^{1/4}$, $e^{-1/x^2}$ with
# $(\ln\frac1s)^{-1/2}$. Right: an exponent is the steepness of a line; above the grey line it is below 1. The dotted
# function is explained below.
#
# | function | $\chi$ | exponent |
# |---|---|---|
# | $\tfrac12\langle x, Hx\rangle$ | $\sqrt{2s/\mu}$, $\mu$ the smallest nonzero $\lvert$eigenvalue$\rvert$ | $\tfrac12$ |
# | $\lvert x\rvert^p$, $p \ge 1$ | exercise 3 | $1 - \tfrac1p$ |
# | $e^{-1/x^2}$ | $(\ln\tfrac1s)^{-1/2}$ | none, but the property holds |
# | the spiral below | none | the property fails |
#
# > **Theorem 3 (Attouch, Bolte and Svaiter 2013).** In Theorem 2 let the iterates be bounded, and let $F$ have the
# > property at *one* limit point $\bar x$. Then $\sum\|x_{k+1} - x_k\| < \infty$ and $x_k \to \bar x$. With $a =
# > c/\tau_0$ and $b = 1/\tau_{\min} + L$, where $\tau_{\min}$ is the least step of Theorem 2 and $L$ the Lipschitz constant of $\nabla g$ there,
# >
# > $$ \sum_{k\ge K}\|x_{k+1} - x_k\| \le \|x_K - x_{K-1}\| + \tfrac ba\,\chi\bigl(F(x_K) - F_\infty\bigr) $$
# >
# > as soon as $x_k$ satisfies the inequality of the property for all $k \ge K$. If the exponent is at most $\tfrac12$ the
# > convergence is linear; if it is $\theta > \tfrac12$, then $F(x_k) - F_\infty = O(k^{-1/(2\theta-1)})$.
#
# *Idea of the proof.* Let $d_k = x_{k+1} - x_k$, $\Delta_k = F(x_k) - F_\infty$. Descent: $\Delta_k - \Delta_{k+1}
# \ge a\|d_k\|^2$. Optimality of the prox: $-d_{k-1}/\tau_{k-1} + \nabla g(x_k) - \nabla g(x_{k-1})$
# belongs to $\partial F(x_k) = \lambda\partial f(x_k) + \nabla g(x_k)$, and its norm is at most $b\|d_{k-1}\|$, so the property
# gives $\chi'(\Delta_k) \ge 1/(b\|d_{k-1}\|)$. $\chi$ is concave:
#
# $$ \chi(\Delta_k) - \chi(\Delta_{k+1}) \ge \chi'(\Delta_k)(\Delta_k - \Delta_{k+1}) \ge \frac
# ab\,\frac{\|d_k\|^2}{\|d_{k-1}\|}, $$
#
# hence $\|d_k\| \le \tfrac12\|d_{k-1}\| + \tfrac b{2a}\bigl(\chi(\Delta_k) - \chi(\Delta_{k+1})\bigr)$ by $\sqrt{pq} \le \tfrac12(p + q)$. Sum:
# everything telescopes. (What remains is to show that the iterates stay where the property holds: theory page, with
# the rates.) $\square$
#
# Both sides, where $\chi$ is known: a quadratic with eigenvalues 0, 0.1 and 1, and $x^4$.

# %%
h = torch.tensor([0.0, 0.1, 1.0]).double()
quartic_start = 0.8 * one
worlds = {
    "quadratic": (
        descent.quadratic(h),
        torch.ones(1, 1, 1, 3).double(),
        1.0,
        lambda s: (2 * s / 0.1).sqrt(),
    ),
    "x^4": (descent.power(4), quartic_start, 12 * 0.8**2, lambda s: s**0.25),
}

# %%
rows, gaps = {}, {}
for name, (potential, begin, L, chi) in worlds.items():
    free = descent.no_data(begin.shape[-1])
    solver = gs_pnp_pgd(free, potential, begin, lam=1.0, step=1 / L)
    way = torch.stack([begin, *(i.u for i in islice(solver, 3000))]).flatten(1)
    Delta = torch.cat(
        [potential.with_value(p.reshape(begin.shape))[1] for p in way]
    )
    d, a, b = way.diff(dim=0).norm(dim=1), 0.1 * L, 2 * L
    gaps[name] = Delta
    for k in (1, 10, 50):
        left, right = float(d[k:].sum()), float(d[k - 1] + b / a * chi(Delta[k]))
        rows[f"{name}, K = {k}"] = {"length from K": left, "bound": right}
        assert left <= right
pd.DataFrame(rows).T.round(4)

# %% mystnb={"image": {"alt": "Gap against iteration. Left, logarithmic axis: the quadratic falls on a straight line below its bound. Right, double logarithmic: x to the fourth follows a line of slope minus 2, below its bound"}}
k = torch.arange(0, 400).double()
M = 0.1 / (2**2 * 1**2 * (1 / 0.2))  # a / (b C)^2, C = (2 mu)^(-1/2)
linear = gaps["quadratic"][1] * (1 + M) ** (1.0 - k)
L4, late = 12 * 0.8**2, gaps["x^4"]
M4 = 0.1 * L4 / (2 * L4 / 4) ** 2  # C = 1/4, theta = 3/4, so 2 theta - 1 = 1/2
t = M4 * float(late[1]) ** 0.5
steady = M4 * (1 - (1 + t) ** -0.5) / t
n = torch.arange(1, 3000).double()
quadratic_end = (late[1] ** -0.5 + (n - 1) * steady) ** -2
assert (gaps["quadratic"][1:400] <= linear[1:] * (1 + 1e-9)).all()
assert (late[1:3000] <= quadratic_end * (1 + 1e-9)).all()
speed = float((late[2999] / late[1499]).log2())
assert abs(speed + 2) < 0.05
keep = gaps["quadratic"][:400] > 1e-15
logs = (n.log10(), late[1:3000].log10())
curves([
    {"title": "x^T H x / 2: log10 of the gap", "lines": {
        "run": (k[keep], gaps["quadratic"][:400][keep].log10()),
        "bound": (k[1:], linear[1:].log10())}},
    {"title": "x^4: log10 of the gap", "xlabel": "log10 of the iteration", "lines": {
        "run": logs, "bound": (logs[0], quadratic_end.log10())}},
], 8.5, 2.8)  # fmt: skip

# %% [markdown]
# *Figure 5.* Exponent $\tfrac12$: linear convergence. Exponent $\tfrac34$: $k^{-2}$. The bounds hold and are far
# from sharp, since $c = 0.1$ counts only a tenth of the possible descent.
#
# **Without the property** the theorem is false. Here is a potential on two pixels with every hypothesis of Theorem
# 2, and bounded iterates. In polar coordinates, with $h = \text{radius} - 1$,
#
# $$ g = h^4\bigl(2 - \cos(\text{angle} - 5/h)\bigr) \ \text{ for } h > 0, \qquad g = 0 \ \text{ in the unit disc.} $$
#
# Its valley winds round the disc infinitely often. Descent follows the valley, and never chooses where on the circle
# to end: *every* point of the circle is a limit point (proof on the theory page; the first such functions are older:
# Palis and de Melo 1982, Absil and others 2005). Its flattest points have $\|\nabla g\| \le \tfrac45g^{5/4}$, the
# dotted line of figure 4: an exponent above 1 would need $\chi(s) = \int s^{-5/4}ds = \infty$.

# %% mystnb={"image": {"alt": "Left: a path winds inwards round a grey disc, nearer with each turn. Right: the number of turns grows with the logarithm of the iteration, to about two and a half after 400,000 iterations, with no end in sight"}}
path = spiral.descend((1.8, -0.06), 0.03, 400_000)
begin = path[:1].reshape(1, 1, 1, 2)
solver = gs_pnp_pgd(
    descent.no_data(2), spiral.denoiser(), begin, lam=1.0, step=0.03
)
first = torch.stack([i.u.flatten() for i in islice(solver, 300)])
assert (first - path[1:301]).abs().max() < 1e-12  # nothing was rejected
far = path.diff(dim=0).norm(dim=1)
print(f"moves: the first {far[0]:.3f}, the last {far[-1]:.6f}")
print(
    f"length so far {float(far.sum()):.0f}, squares {float(far.square().sum()):.3f}"
)
spiral_figure(spiral, path)

# %% [markdown]
# *Figure 6.* 400,000 iterations. The moves are square summable, the way is not finite.
#
# **Which networks have the property?** It fails for functions that oscillate ever faster, as this one, and those are
# hard to build. The argument, in two steps. (a) A function is *definable* if its graph can be described by finitely
# many formulas with $+$, $\cdot$, $\exp$, inequalities and quantifiers over real numbers. Such graphs consist of
# finitely many smooth pieces (Wilkie 1996): no endless oscillation, and the property holds at every critical point
# (Kurdyka 1998; Bolte and others 2007). (b) Convolutions are polynomials; ReLU, ELU and softplus are built from
# polynomials, $\exp$ and its inverse, with a case distinction; so are compositions, $g = \tfrac12\|x - N(x)\|^2$ and
# the Gaussian and Poisson fidelities. So $F$ is definable. If the activations are analytic in pieces, there is even
# an exponent $\theta < 1$. Nobody knows *which*: the rate remains open.
#
# Smoothness is another matter. $\nabla g$ must be Lipschitz on bounded sets, and this is inherited from the slope of
# the activation. Is it continuous at 0?

# %%
activations = {
    "ELU": torch.nn.ELU(),
    "ELU, parameter 2": torch.nn.ELU(2.0),
    "SELU": torch.nn.SELU(),
    "softplus": torch.nn.Softplus(),
    "GELU": torch.nn.GELU(),
    "ReLU": torch.nn.ReLU(),
}
table, ends = {}, torch.tensor([-1e-9, 1e-9]).double().requires_grad_(True)
for name, act in activations.items():
    (s,) = torch.autograd.grad(act(ends).sum(), ends)
    good = bool((s[0] - s[1]).abs() < 1e-6)
    table[name] = {"slope at 0-": float(s[0]), "slope at 0+": float(s[1])}
    table[name] |= {"Theorem 2": good, "KL property": True}
assert D.smooth
pd.DataFrame(table).T

# %% [markdown]
# (The last column is argued, not computed; GELU has the property because it is analytic, see the theory page. `gs-drunet`
# has ELU.) ReLU has the property and not the smoothness, the spiral the smoothness and not the property. Theorem 3 needs
# both.
#
# **Exercise 3.** Give a $\chi$ for $F(x) = |x|^p$ at 0: `my_chi(s, p)`. The check tests that it is concave,
# increasing, 0 at 0, and sharp enough.
#
# <details>
# <summary>Solution</summary>
#
# $\chi(s) = s^{1/p}$, or any multiple of it by a number $\ge 1$: $\chi(F(x)) = |x|$ has slope 1.
#
# </details>


# %%
def my_chi(s, p):
    return s  # replace


print(checks.check_desingularising(my_chi))


# %% tags=["hide-cell", "solution"]
def given_chi(s, p):
    return s ** (1 / p)


assert checks.check_desingularising(given_chi) == "right"

# %% [markdown]
# ## 6. Nobody asked for training
#
# Look again at Theorems 2 and 3: a smooth activation, bounded iterates, definable functions. No word of weights.
# *Random* weights satisfy everything that trained ones do. Boundedness is another matter. In section 2 it was
# *observed*: the fidelity hides three of four unknowns, so it does not grow in these directions, and of $g$ nobody
# knows it. But it can be had for certain:
#
# > **Proposition 4.** If $\|N(x)\| \le q\|x\| + e$ for all $x$ with $q < 1$, and $f \ge 0$, then $\|x_k\| \le
# > \bigl(e + \sqrt{2F(x_0)}\bigr)/(1 - q)$ for all $k$.
#
# The proof is exercise 4. For a network of convolutions and ELU without biases one may take $e = 0$ and for $q$ the
# product of the norms of the convolutions, as $|\mathrm{ELU}(z)| \le |z|$. (For any other network: add
# $\tfrac\beta2$ times the squared distance to the box $[0, 1]^n$ to $g$; theory page.) The cell takes random
# convolutions, scaled to $q = 0.9$; so Theorems 2 and 3 hold in full.

# %%
q = 0.9
contraction = GradientStep(descent.RandomContraction(3, q=q)).to(device)
start = f.prox(x0, lam)
at_start = lam * f.value(start) + float(contraction.value(start, 2 * nu))
radius = (2 * at_start) ** 0.5 / (1 - q)
watch = {"F": lambda i: i.objective, "norm": lambda i: float(i.u.norm())}
solver = gs_pnp_pgd(f, at_sigma(contraction, 2 * nu), x0, lam=lam)
result = run(solver, 15, monitors=watch)
noisy = noise.gaussian(clean, 0.1, torch.manual_seed(1))
size = float(contraction.network(noisy, 0.0).norm() / noisy.norm())
print(f"norms of the iterates up to {result.history.norm.max():.0f}")
print(f"Proposition 4: at most {radius:.0f}")
print(f"PSNR {metrics.psnr(result.iterate.u, clean):.1f} dB")
assert size <= q
assert result.history.norm.max() <= radius
assert (result.history.F.diff()[1:] <= 1e-6 * at_start).all()
assert result.history.relative_change.iloc[-1] < 1e-5

# %% [markdown]
# It converges, quickly, for certain, and to a useless picture: this $N$ removes nearly everything, so $g \approx
# \tfrac12\|x\|^2$ pulls all that $f$ does not see towards black.
# **A convergence theorem is about the algorithm. The picture comes from $g$**, and $g$ from training. In figure 1
# the trained run shows the same from the other side: its $F$ falls to the end, while its PSNR has long stopped
# rising.
#
# **Exercise 4.** Prove Proposition 4 and return the radius. (`energy` is $F(x_0)$.)
#
# <details>
# <summary>Solution</summary>
#
# $g(x_k) \le F(x_k) \le F(x_0)$, since $f \ge 0$. So $\sqrt{2F(x_0)} \ge \|x_k - N(x_k)\| \ge \|x_k\| - q\|x_k\| -
# e$.
#
# </details>


# %%
def my_radius(q, e, energy):
    return 1.0  # replace


print(checks.check_radius(my_radius))


# %% tags=["hide-cell", "solution"]
def given_radius(q, e, energy):
    return (e + (2 * energy) ** 0.5) / (1 - q)


assert checks.check_radius(given_radius) == "right"

# %% [markdown]
# ## 7. A first step that is too long
#
# [A] warns (figure 12) that with a large $\tau_0$ the iterates "step over" the solution. But is that not what
# backtracking prevents? Three things it does not prevent.
#
# **The start.** The first point is $\operatorname{prox}_{\tau_0\lambda f}(x_0)$, which nobody tests. For $\tau_0 \to
# \infty$ it fits the data with all their noise.
#
# **The jump.** $(\ast)$ bounds a move by what it gains, $\|d_k\|^2 \le \tfrac{\tau_k}c(F(x_k) - F(x_{k+1}))$. With a
# large $\tau_0$ that is a long way, and another valley may lie there. Two pixels of notebook 04, seen through their
# mean 0.5, each with a prior that knows black and white. (All runs begin at the same point: `before` undoes the first
# prox.)

# %%
mixture = GaussianMixture.two_peaks()
exact = GradientStep(RootNet(mixture))
average = Blur(torch.tensor([[0.5, 0.5]]))
data = Gaussian(average, torch.full((1, 1, 1, 2), 0.5).double())
two, weak = at_sigma(exact, 0.15), 0.3
begin, paths = torch.tensor([0.0, 0.4]).double().reshape(1, 1, 1, 2), {}


def both_pixels(points):
    fit = (points.mean(1) - 0.5).square()
    return weak * fit + exact.value(points.reshape(-1, 1, 1, 2), 0.15).detach()


# %% mystnb={"image": {"alt": "Level lines over two pixels. From the same start at the left the runs with first steps 1 and 2 end at the near minimum, where both pixels are dark; the first move of the run with first step 3 passes this valley and a ridge, and it ends where one pixel is bright and one dark"}}
height = weak * data.value(begin) + float(two.with_value(begin)[1])
for first in (1.0, 2.0, 3.0):
    before = begin + first * weak * data.grad(begin)  # its prox is `begin`
    solver = gs_pnp_pgd(data, two, before, lam=weak, step=first)
    steps = list(islice(solver, 40))
    points = torch.stack([begin, *(i.u for i in steps)]).reshape(-1, 2)
    paths[f"first τ = {first:.0f}"] = points
    assert float(steps[0].step) == first  # the first trial step is accepted
    jump = float((points[1] - points[0]).square().sum())
    gain = height - steps[0].objective
    assert jump <= float(steps[0].step) / 0.1 * gain
    end = points[-1].numpy().round(2)
    print(f"first step {first:.0f}: ends at {end}, F = {steps[-1].objective:.4f}")
assert abs(float(points[-1, 0]) - 0.8) < 0.02
window = (-0.1, 1.1)
level_figure(both_pixels, paths, window, title="one start, three first steps")

# %% [markdown]
# *Figure 7.* Each first trial step was accepted, and $F$ falls in all three runs. The long step passes the near valley. Here the
# far one happens to be deeper; which valley is *better* is no question for the line search.
#
# **The bounce.** Backtracking from above ends at the longest accepted step. Let $f = 0$, $g = \tfrac\kappa2x^2$. A
# step multiplies $x$ by $1 - \tau\kappa$, and $(\ast)$ says $\tau\kappa \le 2(1 - c)$: there is equality in Lemma 1.
# So the search ends with $2\eta(1 - c) < \tau\kappa \le 2(1 - c)$; for $c = 0.1$, $\eta = 0.9$ the factor is between
# $-0.8$ and $-0.62$. Every step passes the minimum and lands almost as far on the other side. This is stepping over,
# and $(\ast)$ is content. The best step, $\tau = 1/\kappa$, is little more than half as long; and since $\tau$
# never grows again, one that starts below it is never mended either.

# %%
for c in (0.01, 0.1, 0.45):
    parabola = descent.quadratic(torch.tensor([1.7]).double())
    solver = gs_pnp_pgd(descent.no_data(1), parabola, one, lam=1.0, step=1e3, c=c)
    two_points = [float(i.u) for i in islice(solver, 2)]
    factor = two_points[1] / two_points[0]
    print(f"c = {c:4}: each step multiplies the error by {factor:.2f}")
    assert (
        -1 < factor < 0
    )  # it jumps over the minimum; exercise 5 asks how far it may

# %% [markdown]
# Now the photograph, with $\tau_0 = 1$ and with $\tau_0 = 100$ for three values of $c$.

# %%
long_runs = {}
for first, c in ((1.0, 0.1), (100.0, 0.001), (100.0, 0.1), (100.0, 0.45)):
    solver = gs_pnp_pgd(f, denoise, x0, lam=lam, step=first, c=c)
    watch = {"F": lambda i: i.objective}
    watch["PSNR"] = lambda i: metrics.psnr(i.u, clean)
    watch["step"] = lambda i: float(i.step)
    result = run(solver, 18, monitors=watch)
    long_runs[f"τ₀ = {first:.0f}, c = {c}"] = result.history
    evaluations = result.iterate.evaluations
    print(f"first step {first:.0f}, c = {c}: {evaluations} evaluations")
    assert (result.history.F.diff()[1:] <= 1e-4).all()

# %% mystnb={"image": {"alt": "Objective and PSNR over 18 iterations. With first step 1 the objective starts low and flattens at once; with first step 100 and a small c it starts twice as high and falls slowly. PSNR with first step 1 rises steadily; with first step 100 and small c it begins about one decibel lower and goes up and down; with c = 0.45 it rises fastest. Accepted steps: constant for first step 1, falling in stages from 2.8 for the smallest c"}}
panels = [
    {"title": "objective F", "lines": {k: (h.index, h.F) for k, h in long_runs.items()}},
    {"title": "PSNR (dB)", "lines": {k: (h.index, h.PSNR) for k, h in long_runs.items()}},
    {"title": "accepted step τ",
     "lines": {k: (h.index, h.step) for k, h in long_runs.items()}},
]  # fmt: skip
reference, hasty = long_runs["τ₀ = 1, c = 0.1"], long_runs["τ₀ = 100, c = 0.001"]
careful = long_runs["τ₀ = 100, c = 0.45"]
assert hasty.PSNR[2] < reference.PSNR[2] - 0.5
assert hasty.F[10] > careful.F[10]
curves(panels, 11, 3)

# %% [markdown]
# *Figure 8.* With $c \le 0.1$ the first pictures are worse, and the PSNR goes up and down: the bounce can be seen.
# The smaller $c$, the closer the step stays to the limit, and the longer it lasts. With $c$ near $\tfrac12$ there is
# hardly any, and the longer step even helps.
#
# A finding: in our runs no first step ended the run early or led to a bad picture for good, as [A]'s figure 12
# reports; the price was some dozens of rejected trial steps and a bad beginning. This potential is steep away from
# pictures, so that far jumps are rejected. Figure 7 shows that one cannot rely on it. A stop rule that trusts the
# first small change of $F$, or very few iterations, would see exactly the bad beginning. **Advice**: $\tau_0 = 1$,
# where the first trial step is $D(x)$ itself, and a look at `rejected`.
#
# **Exercise 5.** For $f = 0$, $g = \tfrac\kappa2x^2$: by which factor does the *longest* accepted step multiply $x$,
# as a function of $c$?
#
# <details>
# <summary>Solution</summary>
#
# $\tau\kappa = 2(1 - c)$, so the factor is $1 - \tau\kappa = 2c - 1$. For $c = \tfrac12$ it is 0: the longest
# accepted step is the best one. That holds for parabolas with $f = 0$ only.
#
# </details>


# %%
def my_factor(c):
    return 1.0  # replace


print(checks.check_factor(my_factor))


# %% tags=["hide-cell", "solution"]
def given_factor(c):
    return 2 * c - 1


assert checks.check_factor(given_factor) == "right"

# %% [markdown]
# ## Quiz
#
# *The objective of a run has been constant to five digits for 100 iterations. Has the run converged?*
#
# <details>
# <summary>Answer</summary>
#
# Not necessarily. $F(x_k)$ always converges; on the spiral, and on $(1 + x^2)^{-\omega}$, the iterates do not.
# Compare moves with steps, and look at the iterates.
#
# </details>
#
# *A colleague shows a falling $F$ as evidence that the denoiser is good. Your answer?*
#
# <details>
# <summary>Answer</summary>
#
# It falls for random weights, too. It is evidence that $D = I - \nabla g$ is evaluated correctly, with $g$ and
# $\nabla g$ belonging together.
#
# </details>
#
# *$F$ rises once, by one part in ten million. Is the theorem wrong?*
#
# <details>
# <summary>Answer</summary>
#
# In single precision $F$ is not known more exactly. The library allows for that; in double precision the effect
# would be a billion times smaller.
#
# </details>
#
# ## What you now know
#
# - A trial step is accepted as soon as $\tau\kappa \le 2(1 - c)$; the search ends if $\nabla g$ is Lipschitz on bounded
#   sets. $c < \tfrac12$ works for every $f$, $c < 1$ for convex ones.
# - $F(x_k)$ converges, squares of moves are summable, $m_K = O(1/\sqrt K)$; no better power holds in general.
# - Bounded iterates: limit points are critical. With the Kurdyka-Łojasiewicz property the iterates converge, at a
#   rate given by an exponent that nobody knows; without it they may turn for ever.
# - None of this asks for training, and none of it says that the picture is good.
# - Backtracking finds the longest acceptable step. It does not choose the valley, does not test the start, and never
#   lengthens.
#
# **The question at the start.** Yes: with a smooth activation $F$ falls for random weights, and with bounded
# iterates the run converges. So a convergence theorem excludes one kind of failure, and only that.
#
# **Next.** The other algorithms of [A], in [notebook 11](11_prox_pnp.ipynb), have a proximal operator in the place of the
# gradient step: the proximal denoiser, which [notebook 05](05_proximal_denoiser.ipynb) built.
#
# Sources: [A] Herfeld and others 2025, section 2.4, Algorithm 1, figure 12; the method is of Hurault, Leclaire and
# Papadakis 2022. Theorem 3: Attouch, Bolte and Svaiter 2013; rates: Attouch and Bolte 2009, Frankel, Garrigos and
# Peypouquet 2015. The curvature $\kappa$, the order of $m_K$ and the spiral are this course's. All in the
# [bibliography](../book/bibliography.md). Photograph from scikit-image: coffee by Rachel Michetti, CC0.
