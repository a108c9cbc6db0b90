# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Split a hard problem into proximal steps
#
# > **You will do.** Compute proximal operators by hand and check them by search; watch the error bounds of three
# > algorithms hold on a problem whose solution is known in advance; deblur a photograph with total variation.
# >
# > **You will learn.** Why a proximal step is always possible; why it never spreads points apart; how the convergence
# > of proximal gradient descent, Douglas-Rachford splitting and ADMM follows; what is left of it for nonconvex functions.
# >
# > **You need.** Notebook 00, convexity, gradients. Nothing is downloaded.
# >
# > **Time.** 80 minutes (95 with all that is folded); the cells take less than a minute together.
#
# A question to keep in mind. Plug-and-play puts a denoiser where an algorithm expects a proximal operator. Say the
# denoiser never increases distances: $\|D(x) - D(y)\| \le \|x - y\|$. That sounds stable. Is it enough for the loop to
# converge? If not, which property of proximal operators did the convergence proof use?
#
# Formal statements with complete proofs stand on the [theory page](../book/theory/proximal.md); here we derive them in
# small steps and check each. [A] and [B] are the course's two papers, numbers in parentheses their equations. Words in
# italics mostly stand in the [glossary](../book/glossary.md).

# %%
import inspect
import warnings
from itertools import islice, pairwise

import torch
from ipywidgets import FloatLogSlider, interactive
from pnp_course import deconvolution, images, metrics, noise, priors, run
from pnp_course.denoisers import WithPotential
from pnp_course.exercises import notebook_02 as checks
from pnp_course.fidelities import Gaussian, Poisson, moreau_envelope, prox_kl
from pnp_course.operators import Blur, Identity, kernels
from pnp_course.solvers import (
    DivergenceError,
    admm,
    drs,
    fista,
    pgd,
    primal_dual,
    prox_pnp_drs,
)
from pnp_course.toy import GaussianMixture, PixelMixture
from pnp_course.toy import proximal as toy
from pnp_course.viz.figures import curves, gallery
from pnp_course.viz.slider import frame_slider

# %% [markdown]
# ## 1. A step that is always possible
#
# Functions here live on $\mathbb R^n$ and may take the value $+\infty$, which forbids a point. $f$ is *proper* if it is
# finite somewhere, *closed* if the sets $\{f \le c\}$ are closed. The *proximal operator* looks for a point that is
# both small for $f$ and near $z$:
#
# $$ \operatorname{prox}_f(z) = \arg\min_v\, h(v), \qquad h(v) = f(v) + \tfrac12\|v - z\|^2 . $$
#
# A vector $g$ is a *subgradient* of $f$ at $p$, written $g \in \partial f(p)$, if
# $f(v) \ge f(p) + \langle g, v - p\rangle$ for all $v$. So $p$ minimises $f$ exactly if $0 \in \partial f(p)$.
#
# > **Theorem 1.** Let $f$ be closed, proper and convex. Then $h$ has exactly one minimiser $p$. A point $p$ is the
# > minimiser if and only if $z - p \in \partial f(p)$. And $h(v) \ge h(p) + \tfrac12\|v - p\|^2$ for all $v$.
#
# *Proof.* **Existence.** The danger is that $f$ falls so fast that $h$ is unbounded. A convex function cannot. Let
# $f(x_0) < \infty$ and let $m$ be the minimum of $f$ on the closed unit ball around $x_0$. It exists, and $m > -\infty$: the
# parts of the sets $\{f \le c\}$ in the ball are compact and shrink with $c$, so those that are not empty have a common
# point. Let $v$ have the distance $\delta > 1$ from $x_0$. The point $v' = (1 - \frac1\delta)x_0 + \frac1\delta v$ lies in
# the ball, and convexity, $m \le f(v') \le (1 - \frac1\delta)f(x_0) + \frac1\delta f(v)$, gives
# $f(v) \ge f(x_0) - \delta\,(f(x_0) - m)$: $f$ falls at most linearly. The square grows faster, so the sets $\{h \le c\}$
# are bounded; they are closed, too, and the argument for the ball gives $h$ a minimum.
#
# **Uniqueness.** At the midpoint of two minimisers $p \ne q$, $f$ is at most the mean of its two values. The square
# $\frac12\|v - z\|^2$ is lower than its mean by $\frac18\|p - q\|^2$ (expand it). So $h$ would be below its minimum.
#
# <details>
# <summary>Characterisation, and the last inequality</summary>
#
# Expand $\frac12\|v - z\|^2 = \frac12\|p - z\|^2 - \langle z - p, v - p\rangle + \frac12\|v - p\|^2$. If
# $z - p \in \partial f(p)$, add $f(v) \ge f(p) + \langle z - p, v - p\rangle$: the inner products cancel and
# $h(v) \ge h(p) + \frac12\|v - p\|^2$ remains, so $p$ is the minimiser. Conversely let $p$ be the minimiser (so
# $f(p) < \infty$), $f(v) < \infty$, $0 < \theta \le 1$ and $v' = p + \theta(v - p)$. Insert
# $f(v') \le (1-\theta)f(p) + \theta f(v)$ and the expansion at $v'$ in $h(p) \le h(v')$:
#
# $$ 0 \le \theta\,(f(v) - f(p)) - \theta\langle z - p, v - p\rangle + \tfrac{\theta^2}2\|v - p\|^2 . $$
#
# Divide by $\theta$, let $\theta \to 0$: $z - p \in \partial f(p)$.
#
# </details>
#
# Solve $z - p \in \partial f(p)$ for four functions of one variable:
#
# - $f = w|v|$. For $p > 0$ the only subgradient is $w$, so $p = z - w$; for $p < 0$, $p = z + w$; at $p = 0$ the
#   subgradients are $[-w, w]$, so $p = 0$ whenever $|z| \le w$. This is *soft thresholding*.
# - $f$ the indicator function of $[0, 1]$ (0 inside, $+\infty$ outside): the nearest point, that is, clipping.
# - $f = \frac\mu2(v - a)^2$: $z - p = \mu(p - a)$, so $p = (z + \mu a)/(1 + \mu)$, between $z$ and $a$.
# - $f = \lambda(v - y\log v)$, the Poisson fidelity of one pixel: the larger root of
#   $v^2 - (z - \lambda)v - \lambda y = 0$, [B] (95), derived in exercise 2 of notebook 00.
#
# We check all four against a search over a fine grid, which knows no formula:

# %%
z = torch.tensor([-1.7, -0.4, 0.0, 0.3, 0.9, 2.1], dtype=torch.float64)
y1 = torch.tensor(0.3, dtype=torch.float64)
no = torch.tensor(float("inf"), dtype=torch.float64)
cases = {
    "0.7 |v|": (lambda v: 0.7 * v.abs(), toy.soft_threshold(z, 0.7)),
    "in [0, 1]": (lambda v: no.where((v < 0) | (v > 1), 0 * v), z.clamp(0, 1)),
    "(v - 1)^2": (lambda v: (v - 1) ** 2, (z + 2) / 3),
    "Poisson": (
        lambda v: no.where(v <= 0, v - y1 * v.clamp_min(1e-9).log()),
        prox_kl(z, y1, 1.0),
    ),
}
for name, (f, formula) in cases.items():
    error = float((toy.brute_prox(f, z) - formula).abs().max())
    print(
        f"{name:10} prox {formula.numpy().round(3) + 0.0}  found by search: {error < 1e-4}"
    )
    assert error < 1e-4

# %% mystnb={"image": {"alt": "Four proximal operators of one variable beside the identity: soft thresholding, flat between -0.7 and 0.7; clipping to the interval from 0 to 1; a line of slope one third; and that of the Poisson fidelity, which bends and stays positive"}}
line = torch.linspace(-2, 2, 401, dtype=torch.float64)
shown = {"0.7 |v|": toy.soft_threshold(line, 0.7), "in [0, 1]": line.clamp(0, 1)}
shown |= {"(v - 1)²": (line + 2) / 3, "Poisson, y = 0.3": prox_kl(line, y1, 1.0)}
shown["identity"] = line
panel = {"title": "four proximal operators", "xlabel": "z"}
curves([panel | {"lines": {k: (line, v) for k, v in shown.items()}}], 5.6, 3.2)

# %% [markdown]
# *Figure 1.* What the four functions make of $z$. No curve is steeper than the identity: that is the next section.
#
# **What breaks without "closed".** Let $f = 0$ for $v > 0$ and $f = +\infty$ for $v \le 0$; take $z = -1$. For every
# positive $v$ a smaller one is better, and the limit $0$ is forbidden: no minimiser. (What breaks without "convex": section 6.)

# %%
for v in (1.0, 0.1, 0.01, 0.001):
    print(
        f"v = {v:<6} h(v) = {(v + 1) ** 2 / 2:.6f}   (the infimum 0.5 is not attained)"
    )

# %% [markdown]
# **Exercise 1.** Find the proximal operator of $f(v) = w|v|$ for $v \ge 0$, $+\infty$ for $v < 0$. (Stars are not negative.)
#
# <details>
# <summary>Solution</summary>
#
# For $p > 0$ the subgradient is $w$: $p = z - w$, possible if $z > w$. At $p = 0$ the subgradients are $(-\infty, w]$ (any line through
# $(0, 0)$ of slope at most $w$ stays below $f$), so $p = 0$ if $z \le w$. Together $\max(z - w, 0)$.
#
# </details>


# %%
def mine(z, w):
    return 0 * z  # replace by your formula


print(checks.check_positive_stars(mine))


# %% tags=["hide-cell", "solution"]
def given(z, w):
    return (z - w).clamp_min(0)


assert checks.check_positive_stars(given) == "right"

# %% [markdown]
# ## 2. Proximal operators are firm
#
# > **Theorem 2.** Let $f$ be closed, proper and convex, $p = \operatorname{prox}_f(z)$, $p' = \operatorname{prox}_f(z')$. Then
# > $\langle z - z', p - p'\rangle \ge \|p - p'\|^2$: $\operatorname{prox}_f$ is *firmly nonexpansive*. So is
# > $I - \operatorname{prox}_f$, and the *reflection* $2\operatorname{prox}_f - I$ is nonexpansive (1-Lipschitz).
#
# *Proof.* By Theorem 1, $f(p') \ge f(p) + \langle z - p, p' - p\rangle$ and
# $f(p) \ge f(p') + \langle z' - p', p - p'\rangle$. Add them; the values of $f$ cancel. With $d = z - z'$ and
# $d_p = p - p'$ what remains is $\langle d - d_p, d_p\rangle \ge 0$, the claim. The other two are the same inequality
# rewritten: $\langle d, d - d_p\rangle - \|d - d_p\|^2 = \langle d - d_p, d_p\rangle$ and
#
# $$ \|d\|^2 - \|2d_p - d\|^2 = 4\langle d - d_p, d_p\rangle . $$
#
# The display holds for any map; call it the *reflection identity*: a map is firmly nonexpansive exactly if its reflection
# is nonexpansive. With $\gamma\|p - p'\|^2$ on the right side of Theorem 2, $\gamma > 0$, [B] (6) calls a map
# *$\gamma$-cocoercive*: firmly nonexpansive is $\gamma = 1$. By the Cauchy-Schwarz inequality $\gamma$-cocoercive implies
# $\frac1\gamma$-Lipschitz, so firm implies nonexpansive. We check Theorem 2 on random pairs, and then for $f(v) = w$ if $v \ne 0$, else 0, which is not convex;
# its proximal operator is *hard thresholding*, and it jumps.

# %%
generator = torch.Generator().manual_seed(0)
a, b = 2 * torch.randn(2, 100_000, generator=generator, dtype=torch.float64)
maps = {
    "soft threshold": lambda s: toy.soft_threshold(s, 0.7),
    "Poisson": lambda s: prox_kl(s, y1, 1.0),
    "hard threshold": lambda s: toy.hard_threshold(s, 0.7),
}
worst = {
    name: float(((a - b) * (m(a) - m(b)) - (m(a) - m(b)) ** 2).min())
    for name, m in maps.items()
}
print({name: round(value, 3) + 0.0 for name, value in worst.items()})
assert worst["soft threshold"] > -1e-12
assert worst["Poisson"] > -1e-12
assert worst["hard threshold"] < -0.1

# %% [markdown]
# ## 3. Moreau's identity: every point splits in two
#
# The *conjugate* is $f^*(q) = \sup_v \langle q, v\rangle - f(v)$.
#
# > **Theorem 3.** For closed, proper, convex $f$ and every $z$: $z = \operatorname{prox}_f(z) + \operatorname{prox}_{f^*}(z)$.
#
# *Proof.* Let $p = \operatorname{prox}_f(z)$ and $q = z - p$, so $q \in \partial f(p)$ by Theorem 1. Reordered, this
# says $\langle q, v\rangle - f(v) \le \langle q, p\rangle - f(p)$ for all $v$: the supremum is attained at $p$ (Fenchel's
# equality), and $f^*(q) = \langle q, p\rangle - f(p)$ is finite; as a supremum of affine functions $f^*$ is closed and
# convex. For every other $q'$, inserting $v = p$ in the supremum,
# $f^*(q') \ge \langle q', p\rangle - f(p) = f^*(q) + \langle p, q' - q\rangle$. So $p = z - q \in \partial f^*(q)$, and
# Theorem 1, now for $f^*$, says $q = \operatorname{prox}_{f^*}(z)$.
#
# Example: the conjugate of $w\|\cdot\|_1$ is the indicator function of the box $\|q\|_\infty \le w$, because in each coordinate
# $\sup_v qv - w|v|$ is 0 for $|q| \le w$ and $\infty$ otherwise. The conjugate of $w\|\cdot\|_\infty$ is the indicator of
# the ball $\|q\|_1 \le w$. Inside the ball $\langle q, v\rangle \le \|q\|_1\|v\|_\infty \le w\|v\|_\infty$, so the supremum
# is 0, at $v = 0$. Outside, $\langle q, v\rangle - w\|v\|_\infty$ is $\|q\|_1 - w > 0$ at $v = \operatorname{sign}(q)$, and grows
# without end along the multiples of this $v$. The cell checks
# $\operatorname{prox}_f(z) = z - \operatorname{prox}_{f^*}(z)$ for both: the left side by search, the right side by
# projection onto the box or the ball. (For the maximum norm $p$ is $z$ with its entries cut off at some level, and the
# search is for the level.)
#
# **With a scale.** $\operatorname{prox}_{\sigma f^*}(q) = q - \sigma\operatorname{prox}_{f/\sigma}(q/\sigma)$ for
# $\sigma > 0$: apply Theorem 3 to the function $\sigma f(\cdot/\sigma)$. With $v = \sigma v'$ its conjugate is
# $\sup_{v'}\sigma\langle q, v'\rangle - \sigma f(v') = \sigma f^*(q)$, and its prox minimises
# $\sigma f(v') + \frac12\|\sigma v' - q\|^2 = \sigma^2\bigl(\frac1\sigma f(v') + \frac12\|v' - \frac q\sigma\|^2\bigr)$.
# The library has it as `priors.conjugate`. For the box it must be the projection, whatever $\sigma$; last lines:

# %%
left = toy.brute_prox(lambda v: 0.7 * v.abs(), z)
print("l1: ", bool((left - (z - z.clamp(-0.7, 0.7))).abs().max() < 1e-4))
levels = torch.linspace(0, 3, 300_001, dtype=torch.float64)
cost = 0.7 * levels + ((z.abs()[:, None] - levels).clamp_min(0) ** 2).sum(0) / 2
level = float(levels[cost.argmin()])
gap = (z.clamp(-level, level) - (z - toy.project_l1_ball(z, 0.7))).abs().max()
print("maximum norm: ", bool(gap < 1e-4))
assert (left - (z - z.clamp(-0.7, 0.7))).abs().max() < 1e-4
assert gap < 1e-4
for sigma in (0.5, 2.0):
    dual = priors.conjugate(lambda s, c=0.7 / sigma: toy.soft_threshold(s, c))
    assert (dual(z, sigma) - z.clamp(-0.7, 0.7)).abs().max() < 1e-12

# %% [markdown]
# Convexity is needed: for hard thresholding $f^*(q) = \sup_v qv - f(v)$ is 0 at $q = 0$ and $\infty$ elsewhere, so
# $\operatorname{prox}_{f^*} = 0$, and the identity would make $\operatorname{prox}_f$ the identity map. It is not.
#
# ## 4. The Moreau envelope: a gradient for functions that have none
#
# $e(u) = \min_v f(v) + \frac12\|u - v\|^2$ is the *Moreau envelope*.
#
# > **Theorem 4.** For closed, proper, convex $f$ the envelope is finite, convex and differentiable everywhere,
# > $\nabla e(u) = u - \operatorname{prox}_f(u)$ is 1-Lipschitz, and $e$ has the same minimisers and infimum as $f$.
#
# *Proof.* Let $p, p'$ belong to $u, u'$ and $d = u' - u$. Using $p$, not the best choice for $u'$,
# $e(u') \le f(p) + \frac12\|u' - p\|^2 = e(u) + \langle u - p, d\rangle + \frac12\|d\|^2$. Exchanging the roles,
# $e(u') \ge e(u) + \langle u' - p', d\rangle - \frac12\|d\|^2$, and
# $\langle u' - p', d\rangle \ge \langle u - p, d\rangle$ because $I - \operatorname{prox}_f$ is firmly nonexpansive. So
# $|e(u') - e(u) - \langle u - p, d\rangle| \le \frac12\|d\|^2$: differentiable, with gradient $u - p$, and Theorem 2 makes it
# 1-Lipschitz. Convexity: use $(1-\theta)p + \theta p'$ for $(1-\theta)u + \theta u'$. Infimum: minimise over $u$ first.
# Minimisers: $u = \operatorname{prox}_f(u)$ means $0 \in \partial f(u)$ by Theorem 1.
#
# The proximal envelope gradient descent (PEGD) of [B] (22) uses this envelope in the place of the fidelity:
# $f = \lambda G$ with the Poisson fidelity $G$, whose own gradient $1 - y/u$ grows without bound at 0 and which forbids
# $u < 0$. The envelope has a gradient everywhere. We check it by central differences:

# %%
counts = torch.rand(1, 1, 6, 6, generator=generator, dtype=torch.float64) + 0.02
G0 = Poisson(Identity(), counts)
u = 2 * torch.rand(1, 1, 6, 6, generator=generator, dtype=torch.float64) - 1
u[..., 0, 0] = -0.6  # where G itself is infinite
formula, h = u - G0.prox(u, 0.5), 1e-4
for i, j in [(0, 0), (2, 3), (5, 1)]:
    step = torch.zeros_like(u)
    step[..., i, j] = h
    plus, minus = (moreau_envelope(G0, u + s * step, 0.5) for s in (1, -1))
    difference = (plus - minus) / (2 * h)
    print(
        f"u = {u[0, 0, i, j]:6.3f}: difference {difference:.6f}, u - prox {formula[0, 0, i, j]:.6f}"
    )
    assert abs(difference - formula[0, 0, i, j]) < 1e-6
more = 2 * torch.rand(1000, 1, 6, 6, generator=generator, dtype=torch.float64) - 1
change = (more - prox_kl(more, counts, 0.5)) - formula
ratio = change.flatten(1).norm(dim=1) / (more - u).flatten(1).norm(dim=1)
print(f"largest ratio of changes of gradient and point: {ratio.max():.3f}")
assert ratio.max() <= 1 + 1e-12

# %% [markdown]
# Right in the next figure is what breaks without convexity: where hard thresholding jumps, the envelope has a kink.

# %% mystnb={"image": {"alt": "Left: the Poisson fidelity of one pixel, defined for positive u only, and its smooth envelope below it, defined everywhere, with the same minimum. Right: a penalty that is 0 at 0 and constant elsewhere, and its envelope, a parabola cut off flat with two kinks"}}
v = torch.linspace(-1, 2, 601, dtype=torch.float64)
inside = v > 0.004
kl = v[inside] - y1 * v[inside].log()
p, q = prox_kl(v, y1, 1.0), toy.hard_threshold(v, 0.3)
smooth = p - y1 * p.log() + (v - p) ** 2 / 2
cut = 0.3 * (q != 0) + (v - q) ** 2 / 2
f0 = torch.where(v.abs() < 0.01, float("nan"), 0.3)
left = {"f": (v[inside], kl), "envelope": (v, smooth)}
right = {"f": (v, f0), "envelope": (v, cut)}
figure = curves(
    [
        {"title": "u - 0.3 log u: convex", "xlabel": "u", "lines": left},
        {
            "title": "0.3 for u ≠ 0, else 0: not convex",
            "xlabel": "u",
            "lines": right,
        },
    ]
)
figure.axes[1].plot([0], [0], "o", color="#0072B2")
figure

# %% [markdown]
# *Figure 2.* Two functions of one pixel and their Moreau envelopes. The dot on the right is the value of the function at 0.
#
# **Exercise 2.** Compute the Moreau envelope of $w|v|$: `my_envelope(u, w)` returns its values at the numbers `u`. You know it
# from robust statistics.
#
# <details>
# <summary>Solution</summary>
#
# Insert $p = \operatorname{prox}(u)$. If $|u| \le w$: $p = 0$ and $e(u) = u^2/2$. Otherwise $|u - p| = w$ and
# $e(u) = w(|u| - w) + w^2/2 = w|u| - w^2/2$. This is Huber's function.
#
# </details>


# %%
def my_envelope(u, w):
    return 0 * u  # replace by your formula


print(checks.check_envelope(my_envelope))


# %% tags=["hide-cell", "solution"]
def given_envelope(u, w):
    return torch.where(u.abs() <= w, u**2 / 2, w * u.abs() - w**2 / 2)


assert checks.check_envelope(given_envelope) == "right"

# %% [markdown]
# ## 5. Three algorithms and their proofs
#
# We want $\min_x R(x) + G(x)$ with a prior $R$ whose prox is known (put a weight $\lambda$ into $G$). To compare bounds
# with measurements the minimum must be known. So we build the problem backwards, with $G(x) = \frac12\|Ax - y\|^2$ and
# $A$ a blur: choose a sky of stars $x^*$ and a subgradient $g \in \partial R(x^*)$ of $R = w\|\cdot\|_1$, then the observation $y$ such that
# $\nabla G(x^*) = A^{\mathsf T}(Ax^* - y) = -g$. Now $0 \in \partial R(x^*) + \nabla G(x^*)$: $x^*$ is the minimiser. The cell
# checks the gradient and the subgradient:

# %%
sky = toy.StarField.draw()
x_star, g, G = sky.minimiser, sky.slope, sky.fidelity
residual = float((G.grad(x_star) + g).abs().max())
print("optimality condition holds:", residual < 1e-12)
signs = torch.equal(g[x_star != 0], sky.weight * x_star[x_star != 0].sign())
print("g is a subgradient:", signs and float(g.abs().max()) <= sky.weight)
assert residual < 1e-12
assert signs
assert float(g.abs().max()) <= sky.weight

# %% [markdown]
# ### Proximal gradient descent (PGD)
#
# $x_{k+1} = \operatorname{prox}_{\tau R}(x_k - \tau\nabla G(x_k))$ uses the gradient of $G$ and the prox of $R$.
#
# > **Descent lemma.** If $\nabla G$ is $L$-Lipschitz, $G(x + d) \le G(x) + \langle\nabla G(x), d\rangle + \frac L2\|d\|^2$.
#
# *Proof.* $G(x+d) - G(x) - \langle\nabla G(x), d\rangle = \int_0^1 \langle\nabla G(x + sd) - \nabla G(x), d\rangle ds \le \int_0^1 sL\|d\|^2 ds$.
#
# > **Theorem 5.** Let $R$ be closed, proper, convex, $G$ convex with $L$-Lipschitz gradient, $R(x_0) < \infty$, and let
# > $\Phi = R + G$ have a minimiser $x^*$. If $0 < \tau \le 1/L$, then $\Phi(x_k)$ does not increase,
# > $\Phi(x_k) - \Phi(x^*) \le \|x_0 - x^*\|^2/(2\tau k)$, and $x_k$ converges to a minimiser.
#
# *Proof.* Write $x, x_+$ for $x_k, x_{k+1}$. Three inequalities: (i) the last one of Theorem 1, for $\tau R$ at
# $z = x - \tau\nabla G(x)$, with the square written as $\frac12\|v - x\|^2 + \tau\langle\nabla G(x), v - x\rangle$ + constant, and divided by
# $\tau$; (ii) the descent lemma with $L \le 1/\tau$; (iii) convexity of $G$. For every $v$:
#
# $$ \begin{aligned}
# R(x_+) &\le R(v) + \langle\nabla G(x), v - x_+\rangle + \tfrac1{2\tau}\bigl(\|v - x\|^2 - \|x_+ - x\|^2 - \|v - x_+\|^2\bigr), \\
# G(x_+) &\le G(x) + \langle\nabla G(x), x_+ - x\rangle + \tfrac1{2\tau}\|x_+ - x\|^2, \\
# G(x) &\le G(v) + \langle\nabla G(x), x - v\rangle .
# \end{aligned} $$
#
# In the sum the inner products cancel: $\Phi(x_+) \le \Phi(v) + \frac1{2\tau}\bigl(\|v - x\|^2 - \|v - x_+\|^2\bigr)$. Take
# $v = x$: $\Phi$ does not increase. Take $v = x^*$ and add the first $k$ steps: the squares telescope, and the last gap is the
# smallest, so $k$ times it is at most $\frac1{2\tau}\|x_0 - x^*\|^2$.
#
# <details>
# <summary>Convergence of the iterates</summary>
#
# With $v$ any minimiser, $\|v - x_k\|$ does not increase. So $(x_k)$ is bounded and has a limit point $\bar x$. $\Phi$ is
# closed, hence $\Phi(\bar x) \le \lim\Phi(x_k) = \Phi(x^*)$ and $\bar x$ is a minimiser. Now $\|\bar x - x_k\|$ does not increase
# and tends to 0 along a subsequence, so it tends to 0.
#
# </details>
#
# **Exercise 3.** Write PGD: `mine(prox, grad, tau, x, n)` returns $x_n$, begun at $x_0 = x$, with `prox(z)` for
# $\operatorname{prox}_{\tau R}(z)$ and `grad(x)` for $\nabla G(x)$. The check compares with powers of a matrix.
#
# <details>
# <summary>Solution</summary>
#
# One line in a loop: `x = prox(x - tau * grad(x))`.
#
# </details>


# %%
def mine(prox, grad, tau, x, n):
    return x  # replace by your loop


print(checks.check_pgd(mine))


# %% tags=["hide-cell", "solution"]
def given(prox, grad, tau, x, n):
    for _ in range(n):
        x = prox(x - tau * grad(x))
    return x


assert checks.check_pgd(given) == "right"

# %% [markdown]
# The library's solvers are such loops, as generators that hand out every iterate. Their source reads like the equation:


# %%
def source(solver, start):
    text = inspect.getsource(solver)
    print(text[text.index(start) :])


source(pgd, "    while")

# %% [markdown]
# The measured gap against the bound. *FISTA*, PGD at an extrapolated point, has the better bound
# $2\|x_0 - x^*\|^2/(\tau(k+1)^2)$ (Beck and Teboulle 2009, not proved here), but no descent.

# %%
k = torch.arange(1, 301, dtype=torch.float64)
L, dark = G.lipschitz(x_star), torch.zeros_like(x_star)
best = sky.objective(x_star)


def shrink(s, step=1 / L):
    return toy.soft_threshold(s, step * sky.weight)  # prox of step R


gaps = {}
for solver in (pgd, fista):
    iterates = islice(solver(G, shrink, dark, lam=1.0, step=1 / L), 300)
    gaps[solver.__name__] = torch.tensor(
        [sky.objective(it.x) - best for it in iterates]
    )

# %% mystnb={"image": {"alt": "Gap to the minimum over 300 iterations, both axes logarithmic: the curve of PGD stays about a factor of ten below its straight bound, FISTA falls faster and stays below its steeper bound"}}
square = float((dark - x_star).square().sum())
bounds = L * square / (2 * k), 2 * L * square / (k + 1) ** 2
assert (gaps["pgd"] <= bounds[0]).all()
assert (gaps["fista"] <= bounds[1]).all()
assert (gaps["pgd"].diff() <= 0).all()
assert (gaps["fista"].diff() > 0).any()
lines = {"PGD": (k, gaps["pgd"]), "bound of PGD": (k, bounds[0])}
lines |= {"FISTA": (k, gaps["fista"]), "bound of FISTA": (k, bounds[1])}
figure = curves(
    [{"title": "gap to the minimum", "lines": lines, "log": True}], 6, 3.4
)
figure.axes[0].set_xscale("log")
figure

# %% [markdown]
# *Figure 3.* On the sky both methods stay below their bounds.
#
# **What breaks** for long steps: in the eigenvector of $A^{\mathsf T}A$ with eigenvalue $L$ a gradient step multiplies the
# error by $1 - \tau L$, which is below $-1$ for $\tau > 2/L$. The threshold moves a pixel by at most $\tau w$, too little to
# stop that.

# %%
step = 2.5 / L
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the library warns of such a step
    try:
        run(pgd(G, lambda s: shrink(s, step), dark, lam=1.0, step=step), 300)
        outcome = "no divergence"
    except DivergenceError as error:
        outcome = type(error).__name__
print(f"step {step * L:.1f} / L: {outcome}")
assert outcome == "DivergenceError"

# %% [markdown]
# ### Douglas-Rachford splitting (DRS)
#
# If $G$ has no Lipschitz gradient (Poisson!), use two proximal steps. To derive the method, write the optimality condition
# as: there is $g \in \partial R(x)$ with $-g \in \partial G(x)$. Put $s = x + g$. By Theorem 1 the first half says
# $x = \operatorname{prox}_R(s)$. The second says $(2x - s) - x \in \partial G(x)$, that is, $x = \operatorname{prox}_G(2x - s)$.
# So $x$ solves the problem exactly if $s$ is a fixed point of
#
# $$ T(s) = s + \operatorname{prox}_G(2x - s) - x, \qquad x = \operatorname{prox}_R(s) . $$
#
# DRS is $s_{k+1} = T(s_k)$. Why should it converge? Compute $N = 2T - I$: with $q = \operatorname{prox}_G(2x - s)$,
# $N(s) = 2q - (2x - s)$, which is the reflection of $R$ followed by the reflection of $G$. Both are nonexpansive (Theorem 2), so
# $N$ is, and by the reflection identity **$T$ is firmly nonexpansive.**
#
# > **Theorem 6** (Krasnoselskii-Mann). Let $T$ on $\mathbb R^n$ be firmly nonexpansive with a fixed point $s^*$, $0 < \rho < 2$,
# > $s_{k+1} = s_k + \rho\,(T(s_k) - s_k)$. Then $\|s_k - s^*\|$ does not increase,
# > $\|T(s_k) - s_k\|^2 \le \|s_0 - s^*\|^2/\bigl(\rho(2-\rho)(k+1)\bigr)$, and $s_k$ converges to a fixed point.
#
# *Proof.* Let $c_k = s_k - s^*$, $d_k = T(s_k) - s_k$. Firmness for the pair $s_k, s^*$ is
# $\langle c_k, c_k + d_k\rangle \ge \|c_k + d_k\|^2$, that is $\langle c_k, d_k\rangle \le -\|d_k\|^2$: the step points towards
# every fixed point. Hence
#
# $$ \|c_{k+1}\|^2 = \|c_k\|^2 + 2\rho\langle c_k, d_k\rangle + \rho^2\|d_k\|^2 \le \|c_k\|^2 - \rho(2-\rho)\|d_k\|^2 . $$
#
# Summing, $\rho(2-\rho)\sum_{j\le k}\|d_j\|^2 \le \|c_0\|^2$. By the reflection identity $N = 2T - I$ is nonexpansive. The map $s \mapsto s + \rho(T(s) - s)$ is the mean
# $(1 - \frac\rho2)I + \frac\rho2N$ of nonexpansive maps, so nonexpansive; it maps $s_k, s_{k+1}$ to $s_{k+1}, s_{k+2}$, hence
# $\|d_{k+1}\| \le \|d_k\|$, and $(k+1)\|d_k\|^2$ is at most the sum. **Convergence:** $(s_k)$ is bounded, so a subsequence tends to
# some $\bar s$. $T$ is continuous and $d_k \to 0$, so $T(\bar s) = \bar s$. Now $\|s_k - \bar s\|$ does not increase and tends to 0
# along the subsequence: it tends to 0.
#
# So for closed, proper, convex $R$ and $G$, if the optimality condition has a solution, $x_k = \operatorname{prox}_R(s_k)$
# converges to a minimiser. On the sky the fixed point is known: $s^* = x^* + g$.
#
# **Exercise 4.** Write DRS: `mine(prox_R, prox_G, s, n)` returns $s_n$, begun at $s_0 = s$.
#
# <details>
# <summary>Solution</summary>
#
# In a loop: `x = prox_R(s)`, then `s = s + prox_G(2 * x - s) - x`.
#
# </details>


# %%
def mine(prox_R, prox_G, s, n):
    return s  # replace by your loop


print(checks.check_drs(mine))


# %% tags=["hide-cell", "solution"]
def given(prox_R, prox_G, s, n):
    for _ in range(n):
        x = prox_R(s)
        s = s + prox_G(2 * x - s) - x
    return s


assert checks.check_drs(given) == "right"

# %% [markdown]
# The library's solver with this order is called `prox_pnp_drs`; its averaging `t` is 1 here. Its source, and its run on the
# sky with the bounds of Theorem 6:

# %%
source(prox_pnp_drs, "    s = x0")

# %%
plain = torch.zeros(1)  # R's value, which the solver (prior first) only reports
soft = WithPotential(lambda s: (sky.prox(s), plain))
solver = prox_pnp_drs(G, soft, dark, lam=1.0, t=1.0)
s = [dark] + [it.s for it in islice(solver, 300)]
distance = torch.stack([(a - (x_star + g)).norm() for a in s])
moved = torch.stack([(b - a).norm() for a, b in pairwise(s)])
bound = distance[0] / torch.arange(1, 301).sqrt()
assert (distance.diff() <= 1e-12).all()
assert (moved.diff() <= 1e-12).all()
assert (moved <= bound).all()
print(
    f"distance to s*: {distance[0]:.2f} before, {distance[-1]:.2f} after 300 steps"
)

# %% [markdown]
# Now the question of the beginning. Let there be no data, $G = 0$, $\operatorname{prox}_G = I$. With a denoiser $D$ for
# $\operatorname{prox}_R$, DRS becomes $s_{k+1} = s_k + (2D(s_k) - s_k) - D(s_k) = D(s_k)$. Let $D$ turn the plane by 60
# degrees, $D = Q$: it never increases a distance and has the fixed point 0. We follow it for 40 steps, and beside it
# $(I + Q)/2$, whose reflection is $Q$, so that it is firmly nonexpansive:

# %%
angle = torch.tensor(torch.pi / 3, dtype=torch.float64)
Q = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()]).reshape(2, 2)
orbits = {"Q: nonexpansive": Q, "(I + Q)/2: firm": (torch.eye(2) + Q) / 2}
lines = {}
for name, M in orbits.items():
    point = [torch.tensor([1.0, 0.0], dtype=torch.float64)]
    for _ in range(40):
        point.append(M @ point[-1])
    lines[name] = tuple(torch.stack(point).T)
    print(f"{name}: after 40 steps |s| = {float(point[-1].norm()):.3f}")
assert abs(torch.stack(lines["Q: nonexpansive"])[:, -1].norm() - 1) < 1e-12
assert torch.stack(lines["(I + Q)/2: firm"])[:, -1].norm() < 0.01

# %% mystnb={"image": {"alt": "Left: distance of Douglas-Rachford to its fixed point, step length and the bound on the step, all falling over 300 iterations, the step below its bound. Right: points in the plane; the rotation visits the six corners of a hexagon again and again, the averaged map spirals into the origin"}}
falling = {
    "distance to s*": (k, distance[1:]),
    "step": (k, moved),
    "bound of step": (k, bound),
}
figure = curves(
    [
        {"title": "DRS on the sky", "lines": falling, "log": True},
        {"title": "no data: s ← D(s)", "xlabel": "", "lines": lines},
    ]
)
figure.axes[1].set(aspect="equal", xlim=(-1.2, 3.2), ylim=(-1.1, 1.1))
figure.axes[1].legend(loc="center right", fontsize=7)
figure

# %% [markdown]
# *Figure 4.* Left: DRS on the sky, and the bound of Theorem 6. Right: a rotation goes round, its average with the identity does not.
#
# So the answer: **nonexpansive is not enough; firmly nonexpansive is**, for convex $G$ and if there is a fixed point: Theorem 6
# used nothing else. It did not even need a prox: $(I + Q)/2$ is not symmetric, so it is no gradient, and no function is being
# minimised. But firmness is much to ask. The best denoisers even expand distances, as the next check shows; what
# can be asked of them instead is the subject of section 6.
#
# ### ADMM is the same algorithm
#
# *ADMM* starts elsewhere. Write the problem with two copies, $\min R(u) + G(v)$ subject to $u = v$, and
# add a multiplier $b$ and a penalty:
# $R(u) + G(v) + \langle b, u - v\rangle + \frac12\|u - v\|^2 = R(u) + G(v) + \frac12\|u - v + b\|^2 - \frac12\|b\|^2$. Minimise
# over $v$, then over $u$, then move $b$ along its gradient $u - v$:
#
# $$ v_{k+1} = \operatorname{prox}_G(u_k + b_k), \quad u_{k+1} = \operatorname{prox}_R(v_{k+1} - b_k), \quad
# b_{k+1} = b_k + u_{k+1} - v_{k+1} . $$
#
# This is [B] (19), with $\lambda$ inside $G$ and the prior's prox for $D_t$.
#
# > **Theorem 7.** For any two maps in the places of $\operatorname{prox}_R$ and $\operatorname{prox}_G$,
# > $s_k = v_k - b_{k-1}$, $k \ge 1$, satisfies the DRS recursion $s_{k+1} = T(s_k)$, prior first, and $u_k = \operatorname{prox}_R(s_k)$.
#
# *Proof.* $u_k = \operatorname{prox}_R(v_k - b_{k-1}) = \operatorname{prox}_R(s_k)$. The third step is
# $b_k = u_k - (v_k - b_{k-1}) = u_k - s_k$. So $v_{k+1} = \operatorname{prox}_G(u_k + b_k) = \operatorname{prox}_G(2u_k - s_k)$, and
# $s_{k+1} = v_{k+1} - b_k = s_k + \operatorname{prox}_G(2u_k - s_k) - u_k = T(s_k)$.
#
# In code ADMM is a loop over the three equations, in their order. You will write it yourself, with a denoiser for
# $\operatorname{prox}_R$, in [notebook 12](12_coco_admm_pegd.ipynb); here is the library's:

# %%
source(admm, "    u, b")

# %% [markdown]
# Nothing was asked of the maps, so Theorem 7 holds for denoisers too. With Theorem 6 it proves the convergence of ADMM for convex functions. We
# check it with soft thresholding and with the exact MMSE denoiser of an intensity that is 0.2 or 0.8 (a *Gaussian mixture*); and
# compare the library's `drs`, which takes the fidelity first, from the same start:

# %%
oracle = PixelMixture(GaussianMixture.two_peaks())
print(f"steepest slope of the MMSE denoiser {1 / oracle.gamma(0.15):.2f}")
for name, D in {"soft": sky.prox, "MMSE": lambda s: oracle(s, 0.15)}.items():
    one = list(islice(admm(G, D, G.y, lam=2.0), 60))
    denoise = WithPotential(lambda s, D=D: (D(s), plain))
    start = one[0].denoiser_input  # s_1 = v_1 - b_0
    two = list(islice(prox_pnp_drs(G, denoise, start, lam=2.0, t=1.0), 60))
    other = list(islice(drs(G, D, G.y, lam=2.0), 60))
    same = max(
        float((a.x - b.x).abs().max()) for a, b in zip(one, two, strict=True)
    )
    ends = float((one[-1].x - other[-1].x).abs().max())
    print(
        f"{name}: prior first equal: {same < 1e-12}; fidelity first, end differs by {ends:.3f}"
    )
    assert same < 1e-12
assert ends > 0.3

# %% [markdown]
# Identical, as proved. Fidelity first is another sequence. For convex functions both tend to a minimiser. Both orders
# have the same fixed points: prior first, $x = D(s)$ and $x = \operatorname{prox}_{\lambda G}(2x - s)$, so
# $\lambda\nabla G(x) = x - s$ and $x = D(x - \lambda\nabla G(x))$; fidelity first gives the same equation. But with the
# MMSE denoiser, steeper than 1 and so the prox of no convex function, there are several fixed points, and from one start
# the two orders reach different ones. The order matters, and each theorem names its own.
#
# ## 6. Weakly convex functions: how much of this survives
#
# $F$ is *r-weakly convex* if $F + \frac r2\|\cdot\|^2$ is convex.
#
# > **Theorem 8.** Let $F$ be closed, proper and $r$-weakly convex, $0 \le r < 1$. Then $F + \frac12\|\cdot - z\|^2$ has exactly one
# > minimiser $\operatorname{prox}_F(z)$, and $\operatorname{prox}_F$ is $(1-r)$-cocoercive, hence $\frac1{1-r}$-Lipschitz.
#
# *Proof.* The prox adds the square $\frac12\|\cdot\|^2$, and $\frac r2\|\cdot\|^2$ of it is enough. With the convex $F_r = F + \frac r2\|\cdot\|^2$,
# completing the square,
#
# $$ F(v) + \tfrac12\|v - z\|^2 = F_r(v) + \tfrac{1-r}2\bigl\|v - \tfrac z{1-r}\bigr\|^2 - \tfrac r{2(1-r)}\|z\|^2 . $$
#
# Divide by $1 - r$: $\operatorname{prox}_F(z) = \operatorname{prox}_{F_r/(1-r)}\bigl(\frac z{1-r}\bigr)$, a prox of a convex function.
# Theorem 1 gives existence and uniqueness. Theorem 2 says $\langle\frac{z-z'}{1-r}, p - p'\rangle \ge \|p - p'\|^2$, which is the claim;
# Cauchy-Schwarz gives the Lipschitz constant.
#
# Example: the double well $F(u) = \frac r{4a^2}(u^2 - a^2)^2$ prefers the two intensities $\pm a$. $F'' = \frac r{a^2}(3u^2 - a^2) \ge -r$
# with equality at 0, so no smaller $r$ will do. Its prox solves $\frac r{a^2}v^3 + (1-r)v = z$; the slope at 0 is $\frac1{1-r}$. So
# the constants are attained. We take $a = 1$, compare Cardano's formula for the root
# with a search, and measure cocoercivity and slope:

# %%
points = torch.linspace(-1.5, 1.5, 41, dtype=torch.float64)
for r in (0.3, 0.6, 0.9):
    well = toy.DoubleWell(r)
    p = well.prox(points)
    assert (toy.brute_prox(well.value, points[::5]) - p[::5]).abs().max() < 1e-4
    dz, dp = points[:, None] - points, p[:, None] - p
    assert (dz * dp - (1 - r) * dp**2).min() > -1e-12
    near = float(well.prox(torch.tensor([1e-5]))[0]) / 1e-5
    print(f"r = {r}: slope at 0 {near:.3f}, bound 1/(1 - r) = {1 / (1 - r):.3f}")
    assert abs(near * (1 - r) - 1) < 1e-3

# %% [markdown]
# For $r > 1$ the objective at $z = 0$ has a local maximum at 0 and *two* minimisers, $\pm a\sqrt{(r-1)/r}$: the prox has two values, and
# jumps.

# %% mystnb={"image": {"alt": "Left: the proximal operator of the double well for r 0.5, 0.9 and 1.5: steeper and steeper at 0, and a jump for 1.5. Right: the objective at z = 0 for the same r: one minimum at 0 for the first two, two minima beside 0 for 1.5"}}
fine = torch.linspace(-1.5, 1.5, 1200, dtype=torch.float64)
wells = {f"r = {r}": toy.DoubleWell(r) for r in (0.5, 0.9, 1.5)}
low, high = toy.brute_prox(wells["r = 1.5"].value, torch.tensor([-1e-3, 1e-3]))
jump = float(high - low)
print(f"jump {jump:.3f}, predicted {2 * (0.5 / 1.5) ** 0.5:.3f}")
assert abs(jump - 2 * (0.5 / 1.5) ** 0.5) < 0.01
steps = {name: (fine, well.prox(fine)) for name, well in wells.items()}
steps["r = 1.5"] = (
    fine,
    torch.where(fine.abs() < 2e-3, float("nan"), steps["r = 1.5"][1]),
)
valleys = {n: (fine, well.value(fine) + fine**2 / 2) for n, well in wells.items()}
figure = curves(
    [
        {"title": "prox of the double well", "xlabel": "z", "lines": steps},
        {
            "title": "F(v) + v²/2, minimised for z = 0",
            "xlabel": "v",
            "lines": valleys,
        },
    ]
)
figure.axes[1].set_ylim(0, 0.8)
figure

# %% [markdown]
# *Figure 5.* Left: the larger $r$, the steeper the proximal operator; for $r > 1$ it jumps. Right: why; for $r = 1.5$ the
# function that it minimises has two minima.
#
# The denoisers of [B] live at $r < 1$: a conservative $\gamma$-cocoercive denoiser is the prox of a $(1-\gamma)$-weakly convex function
# (Theorem A.5), the converse of Theorem 8. In [A], Proposition 3.1, $D = I - \nabla g$ with a function $g$ whose gradient is $L$-Lipschitz, $L < 1$, is the prox of an
# $L/(L+1)$-weakly convex function; Theorem 8 returns the constant $1/(1-r) = 1 + L$, which is plain to see in $I - \nabla g$. These denoisers may
# expand, so Theorem 6 is lost, and another argument must replace it: an objective that decreases.
#
# ### A double well in ADMM (beyond the core)
#
# **Exercise 5.** In `admm` on the sky replace the prox by that of a double well around 0.5, `lambda s: 0.5 + well.prox(s - 0.5)`,
# `well = toy.DoubleWell(r)`, with $r$ 0.3, 0.9, 1.5 and `lam=1.0`. Does it converge? To the same point from different starts? Let `mine(r)` return the largest
# difference in a pixel between the results of 100 iterations from the flat starts 0 and 1. Which step of the convergence proof fails
# first?
#
# <details>
# <summary>Solution</summary>
#
# In our runs it always converged, from different starts to different points. The proof fails for every $r > 0$ where the reflection
# $2\operatorname{prox} - I$ is called nonexpansive: its slope reaches $\frac2{1-r} - 1 > 1$. No theorem is not the same as no convergence; [B] finds
# the theorem for small $r$ by another road.
#
# </details>


# %%
def mine(r):
    return 0.0  # replace by two runs of admm


print(checks.check_spread(mine))


# %% tags=["hide-cell", "solution"]
def given(r):
    well, ends = toy.DoubleWell(r), []
    for start in (0 * x_star, 0 * x_star + 1):
        solver = admm(G, lambda s: 0.5 + well.prox(s - 0.5), start, lam=1.0)
        *_, last = islice(solver, 100)
        ends.append(last.x)
    return (ends[0] - ends[1]).abs().max()


assert checks.check_spread(given) == "right"
print({r: round(float(given(r)), 2) for r in (0.3, 0.9, 1.5)})

# %% [markdown]
# ## 7. The classical baseline: deblurring with total variation
#
# *Total variation* $\mathrm{TV}(u) = \sum_i |(\nabla u)_i|$ sums the lengths of the discrete gradient: flat regions are free, and an edge costs
# its height times its length, sharp or not. We minimise $w\,\mathrm{TV}(u) + \frac12\|Au - y\|^2$. The prox of TV has no formula; the library finds it by
# an inner loop. The *primal-dual* method of Chambolle and Pock avoids that loop: $w|p| = \max_{|q| \le w}\langle q, p\rangle$ by the
# Cauchy-Schwarz inequality, so $w\,\mathrm{TV}(u) = \max_q \langle q, \nabla u\rangle$ over fields $q$ of vectors no longer than $w$, and the prox of that
# constraint is a projection, vector by vector. The method alternates it with $\operatorname{prox}_G$ and
# converges if its two steps satisfy $\tau\sigma\|\nabla\|^2 < 1$ (Chambolle and Pock 2011; [proof](../book/theory/more_solvers.md)); $\|\nabla\|^2 < 8$
# for differences that stop at the border.

# %%
clean = images.photo("camera", 192)
kernel = kernels.motion(15, seed=1)
A = Blur(kernel)
y = noise.gaussian(A(clean), 0.02, generator)
misfit = Gaussian(A, y)


def restore(weight, iterations=150, **more):
    tv = priors.TotalVariation(weight)
    steps = {"step": 5.0, "sigma_dual": 1 / 40, "linear": tv.linear}
    solver = primal_dual(misfit, tv, y, lam=1.0, **steps)
    return run(solver, iterations, **more)


# %% [markdown]
# Same objective, three solvers. For ADMM we minimise five times the objective, which has the same minimiser; a factor here is ADMM's
# penalty parameter, and it decides the speed. The reference is the smallest value seen in a much longer run.

# %% mystnb={"image": {"alt": "Objective above its smallest value on a logarithmic axis, left over 60 iterations, right over seconds. Over iterations ADMM and FISTA are far ahead; over seconds the primal-dual method is, since it has no inner loop"}}
tv = priors.TotalVariation(0.003, tol=1e-6, max_iter=100)


def total(it):
    return tv.value(it.x) + misfit.value(it.x)


watch = {"monitors": {"objective": total}}
lowest = restore(0.003, 2000, **watch).history["objective"].min()
runs = {
    "FISTA": run(fista(misfit, tv, y, lam=1.0, step=1.0), 60, **watch),
    "ADMM": run(admm(misfit, lambda s: tv.prox(s, 5.0), y, lam=5.0), 60, **watch),
    "primal-dual": restore(0.003, 1000, **watch),
}
above = {n: r.history["objective"] - lowest for n, r in runs.items()}
assert all(a.iloc[-1] < 1e-4 * lowest for a in above.values())
panels = [
    {n: (a.index[:60], a[:60]) for n, a in above.items()},
    {n: (runs[n].history["seconds"], a) for n, a in above.items()},
]
words = zip(panels, ("iteration", "seconds"), strict=True)
title = "objective above its minimum"
curves([{"title": title, "xlabel": x, "log": True, "lines": p} for p, x in words])

# %% [markdown]
# *Figure 6.* The same objective, counted in iterations and in seconds.
#
# Which method is fastest depends on what is counted: an iteration of FISTA or ADMM contains up to 100 inner steps. ADMM levels off
# because those are too few: Theorem 6 speaks of exact proximal steps (try `max_iter=400`: the curve goes on falling). Now against the
# Wiener filter, a linear filter, each with its weight tuned on the clean picture, to compare both at their best:

# %% mystnb={"image": {"alt": "Four pictures of a man with a camera, with an enlarged part each: clean, blurred and noisy, Wiener with ringing and grain, TV sharper with flat patches"}}
wiener = [deconvolution.wiener(y, kernel, b) for b in (0.003, 0.01, 0.03, 0.1)]
weights = [0.0002, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.03]
tuned = [restore(w).x for w in weights]
scores = [metrics.psnr(x, clean) for x in tuned]
pictures = {
    "clean": clean,
    "observed": y,
    "Wiener": max(wiener, key=lambda x: metrics.psnr(x, clean)),
    "TV": max(tuned, key=lambda x: metrics.psnr(x, clean)),
}
values = {n: metrics.psnr(x, clean) for n, x in pictures.items()}
assert values["TV"] > values["Wiener"] + 1
titles = {
    n if n == "clean" else f"{n}, {values[n]:.2f} dB": x
    for n, x in pictures.items()
}
gallery(titles, columns=4, zoom=(40, 80, 48), width=10)

# %% [markdown]
# *Figure 7.* The restored photograph; each method with its best weight.
#
# The Wiener filter treats all places alike: noise and ringing remain. TV keeps edges and removes the grain; it
# pays with flat patches ("staircases"), because that is its idea of a photograph. The weight decides:

# %%
labels = [
    f"weight {w:g}: {score:.2f} dB"
    for w, score in zip(weights, scores, strict=True)
]
start = max(range(len(weights)), key=lambda i: scores[i])
assert 0 < start < len(weights) - 1
frame_slider(tuned, labels, "TV deblurring by weight", height=288, start=start)

# %% [markdown]
# The slider shows deblurring by TV with several weights. With a running kernel, the same with any weight, solved while you
# move (without one, the slider above is its twin):


# %% tags=["nbval-ignore-output"]
def explore(weight):
    x = restore(weight).x
    name = f"weight {weight:.4f}: {metrics.psnr(x, clean):.2f} dB"
    return gallery({name: x, "observed": y}, columns=2, width=6)


slider = FloatLogSlider(0.002, min=-4, max=-1, step=0.1, continuous_update=False)
interactive(explore, weight=slider)

# %% [markdown]
# ## Longer steps (beyond the core)
#
# Theorem 6 allows $0 < \rho < 2$: a step may be nearly twice as long as that of DRS. The library's `drs` has `relaxation` for
# $\rho$, and takes the fidelity first. With the roles exchanged, $x^* = \operatorname{prox}_G(s^*)$, so its fixed point on the
# sky is $s^* = x^* + \nabla G(x^*) = x^* - g$. From $s_0 = 0$ the distance to $s^*$ must not increase, whatever $\rho$ is:

# %% mystnb={"image": {"alt": "Distance to the fixed point over 200 iterations for four relaxations: all curves fall, the larger the relaxation the faster"}}
fixed, lines = x_star - g, {}
for rho in (0.5, 1.0, 1.5, 1.9):
    solver = drs(G, sky.prox, dark, lam=1.0, relaxation=rho)
    away = torch.stack([(it.s - fixed).norm() for it in islice(solver, 200)])
    lines[f"ρ = {rho}"] = (k[:200], away)
    assert (away.diff() <= 1e-12).all()
ends = [float(away[-1]) for _, away in lines.values()]
assert ends == sorted(ends, reverse=True)
curves([{"title": "distance to the fixed point", "lines": lines, "log": True}], 5)

# %% [markdown]
# *Figure 8.* Four relaxations on the sky. The larger $\rho$, the fewer steps here, although $\rho(2-\rho)$ in the bound is best at 1:
# the bound is for the worst case.
#
# ## Quiz
#
# *Is the prox of a closed, proper, convex function always differentiable?*
#
# <details>
# <summary>Answer</summary>
#
# No: soft thresholding has kinks. It is firmly nonexpansive, so continuous. The envelope is the differentiable one.
#
# </details>
#
# *A denoiser $D$ is nonexpansive and has a fixed point. For which $t$ does $s_{k+1} = tD(s_k) + (1-t)s_k$ surely converge?*
#
# <details>
# <summary>Answer</summary>
#
# For $0 < t < 1$: $T = (I + D)/2$ is firmly nonexpansive, and the iteration is Theorem 6 with $\rho = 2t$. At $t = 1$ the rotation is a
# counterexample. With data, inside DRS, the proof needs $D$ itself to be firm.
#
# </details>
#
# *Theorem 7 needs no convexity. Does it prove that ADMM with a denoiser converges?*
#
# <details>
# <summary>Answer</summary>
#
# No. It says that two recursions are the same; if one does not converge, neither does the other.
#
# </details>
#
# ## What you now know
#
# - A prox of a closed, proper, convex function exists, is unique, and is firmly nonexpansive; its envelope has a 1-Lipschitz gradient.
# - PGD converges by descent, DRS because its operator is firm; ADMM is DRS, prior first.
# - Nonexpansive is not enough. For $r < 1$ weak convexity keeps the prox single-valued and $(1-r)$-cocoercive; for $r > 1$ it can jump.
#
# **Next.** Which denoisers *are* proximal operators, and of what: conservative and cocoercive ones, whose convergence proof is on the
# [theory page of CoCo-ADMM](../book/theory/coco_pnp.md). Formal versions of this notebook: [theory page](../book/theory/proximal.md).
#
# Sources: [B] (6), (19), (22), (95), Theorem A.5; [A] Proposition 3.1. Proximal operators and identity: Moreau
# 1965. PGD and FISTA: Beck and Teboulle 2009. DRS: Lions and Mercier 1979; ADMM as DRS: Eckstein and Bertsekas 1992. TV: Rudin, Osher and
# Fatemi 1992. Background: Bauschke and Combettes 2017. Photograph: Cameraman by Lav Varshney, CC0, from scikit-image.
