# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Find the prior inside a denoiser
#
# > **You will do.** Take a denoiser that is known exactly, average it with the identity, and compute the function $F$
# > whose proximal operator it is: in three ways that agree, on the line and in the plane. Then break it.
# >
# > **You will learn.** Why *conservative* and *cocoercive* make a denoiser a proximal operator; where the constants $r$ and
# > $L$ come from and that they are attained; why one averages; what a real network, nearly CoCo, still guarantees.
# >
# > **You need.** Gradients, eigenvalues of symmetric matrices, convexity. Notebook 00 for the motivation.
# >
# > **Time.** 85 minutes (95 with all that is folded); the cells take less than a minute.
#
# A question to keep in mind. A network gives you $D(z)$ and nothing else. Somebody claims that it minimises
# $F(u) + \tfrac12\|u - z\|^2$ for some $F$. **Is that true, is there only one such $F$, and could you draw it?**
#
# We follow Wei and others (2025), below [B], and Herfeld and others (2025), below [A]; numbers in parentheses are
# equations of [B]. The formal statements stand on two theory pages, [CoCo denoisers](../book/theory/coco.md) and
# [converse and slack](../book/theory/coco_special_cases.md). Words in italics are in the
# [glossary](../book/glossary.md).

# %%
import matplotlib.pyplot as plt
import torch
from ipywidgets import FloatSlider, interact
from pnp_course import images, load_denoiser
from pnp_course.denoisers import GrayFromColour, at_sigma
from pnp_course.exercises import notebook_08 as checks
from pnp_course.guarantees import (
    admm_margin,
    gradient_lipschitz,
    published_averaging,
    weak_convexity,
)
from pnp_course.jacobian import dense
from pnp_course.toy import GaussianMixture
from pnp_course.toy.scalar import (
    AveragedMixture,
    conjugate,
    invert,
    line_integral,
    two_point,
    two_point_sigma,
    wave,
)
from pnp_course.viz.figures import curves
from pnp_course.viz.slider import figure_as_image, frame_slider

# %% [markdown]
# ## The laboratory: a pixel that is black or white
#
# Let a pixel $u$ be $m_1 = 0.2$ or $m_2 = 0.8$, equally likely, and observe $z = u + \sigma\xi$ with $\xi$ standard
# Gaussian, independent of $u$. The best denoiser in mean square is $D(z) = \mathbb E[u \mid z]$. By Bayes' rule the two
# posterior probabilities are in the ratio $e^{-(z - 0.8)^2/2\sigma^2} : e^{-(z - 0.2)^2/2\sigma^2}$, hence, with
# $\beta = 0.3$, half
# the distance between the two values,
#
# $$ \begin{gathered} D(z) = \tfrac12 + \beta\tanh\frac{\beta\,(z - \frac12)}{\sigma^2}, \\
# J(z) = \frac{\mathrm dD}{\mathrm dz}(z) = \frac{\beta^2}{\sigma^2}\Bigl(1 - \tanh^2\frac{\beta\,(z - \frac12)}{\sigma^2}\Bigr) \in \Bigl(0, \frac{\beta^2}{\sigma^2}\Bigr]. \end{gathered} $$
#
# We take $\sigma = 0.15$. Then the largest slope is $\beta^2/\sigma^2 = 4$.

# %% mystnb={"image": {"alt": "Left: the denoiser, flat at 0.2 and at 0.8 and steep in the middle, beside the identity. Right: its derivative, a bump in the middle that reaches 4"}}
gamma, sigma = 0.25, two_point_sigma(0.25)
D = two_point(gamma)
shown = torch.linspace(0, 1, 401, dtype=torch.float64)
both = {"D(z)": (shown, D.d(shown)), "identity": (shown, shown)}
curves([
    {"title": "the best denoiser", "xlabel": "z (intensity)", "lines": both},
    {"title": "its derivative J", "xlabel": "z (intensity)",
     "lines": {"J(z)": (shown, D.derivative(shown)), "1/γ": (shown, 0 * shown + 4)}},
], 8, 2.7)  # fmt: skip

# %% [markdown]
# *Figure 1.* The best denoiser of a pixel that is black or white, and its slope. The dashed line on the right is the
# largest
# slope, which is called $1/\gamma$ below.
#
# The slope is far above 1, and rightly so: halfway between black and white a small change of $z$ must change the decision.
# So we need a condition that allows slopes above 1.
#
# $D$ is **conservative** if it is the gradient of a function $\psi$, its *potential*; for a $C^1$ map of the whole
# space that means a symmetric Jacobian $J = J^{\mathsf T}$. On the line every $D$ is. $D$ is $\gamma$-**cocoercive**,
# $\gamma > 0$, if (5)
#
# $$ \langle x - y, D(x) - D(y)\rangle \ge \gamma\,\|D(x) - D(y)\|^2 \quad\text{for all } x, y . $$
#
# *In words: the outputs of two points differ in the direction in which the points differ, and not by too much.* We call $D$
# **CoCo** if it is both, conservative and cocoercive. Lemma 2.1 of [B] says: for $C^1$ maps (5) is the same as
# $\|2\gamma J -
# I\|_* \le 1$ everywhere ($\|\cdot\|_*$ is the *spectral norm*). So for a **symmetric** $J$ it says that all eigenvalues
# of $J$ lie in $[0, 1/\gamma]$. Here $1/\gamma = \beta^2/\sigma^2$: with $\sigma = 0.15$ we have $\gamma = 1/4$. The
# cell tests (5) on random pairs.
#
# <details>
# <summary>Proof of Lemma 2.1</summary>
#
# Let $T = 2\gamma D - I$, $v = x - y$, $e = D(x) - D(y)$. Then
# $\|v\|^2 - \|2\gamma e - v\|^2 = 4\gamma\bigl(\langle v, e\rangle - \gamma\|e\|^2\bigr)$, and $2\gamma e - v = T(x) -
# T(y)$: (5) says that $T$ is nonexpansive. $T$ has the Jacobian $2\gamma J - I$. If its norm is at most 1 everywhere,
# integrate it along the
# segment from $y$ to $x$: $\|T(x) - T(y)\| \le \|x - y\|$. Conversely, let $T$ be nonexpansive. For every $v$,
# $(2\gamma J(x) - I)v$ is the limit of $(T(x + \epsilon v) - T(x))/\epsilon$, whose norm is at most $\|v\|$. $\square$
#
# </details>

# %%
generator = torch.Generator().manual_seed(0)
x, y = 0.5 + 0.3 * torch.randn(2, 200_000, dtype=torch.float64, generator=generator)
tanh = 0.5 + 0.3 * torch.tanh(0.3 * (x - 0.5) / sigma**2)
quotient = ((x - y) * (D.d(x) - D.d(y)) / (D.d(x) - D.d(y)) ** 2).min()
print(f"sigma = {sigma:.3f}: smallest quotient in (5) is {quotient:.4f}")
assert (D.d(x) - tanh).abs().max() < 1e-12
assert gamma - 1e-9 < quotient < gamma + 0.001

# %% [markdown]
# The smallest quotient is $\gamma$, as it must be. A denoiser that is nonexpansive would have slopes of at most 1, that is
# $\gamma = 1$; this one needs $\gamma = 1/4$. That is why [B] allows every $\gamma$ between 0 and 1.
#
# ## Theorem 2.2 of [B], and its proof in five steps
#
# *In words: mix a CoCo denoiser with a little of the identity; the mixture is exactly the proximal operator of a function
# $F$ that is smooth and not too far from convex.* That is what we want: then a plug-and-play loop minimises something.
#
# > **Theorem 2.2.** Let $D:\mathbb R^n\to\mathbb R^n$ be $C^1$, conservative and $\gamma$-cocoercive, $0 < \gamma < 1$.
# > Let $0 < t < 1$ and $D_t = tD + (1-t)I$. Then $D_t = \operatorname{prox}_F$ for a function
# > $F:\mathbb R^n\to\mathbb R$ that is $r$-*weakly convex* ($F + \tfrac r2\|\cdot\|^2$ is convex), and whose gradient
# > is $L$-Lipschitz, with
# >
# > $$ r = \frac{t(1-\gamma)}{\gamma + t(1-\gamma)}, \qquad L = \max\Bigl(\frac{t}{1-t},\; r\Bigr). $$
#
# Here $\operatorname{prox}_F(z)$ is the one minimiser of $F + \tfrac12\|\cdot - z\|^2$.
#
# **Step 1: averaging makes the potential strongly convex.** Put $\psi_t = t\psi + (1-t)\tfrac12\|\cdot\|^2$. Its
# gradient is $tD + (1-t)I = D_t$, its Hessian $J_t = tJ + (1-t)I$. An eigenvalue $\mu \in [0, 1/\gamma]$ of $J$ becomes
# $1 - t + t\mu$, so
#
# $$ \text{the eigenvalues of } J_t \text{ lie in } [\,1 - t,\; 1 - t + t/\gamma\,]. \qquad (\ast) $$
#
# The lower end is positive: this is what $(1-t)I$ is for. For our denoiser $\psi$ has a formula. Tweedie's formula
# says $D(z) = z + \sigma^2\nabla\log p_\sigma(z)$ with $p_\sigma$ the density of $z$, so
# $\psi(z) = \tfrac12\|z\|^2 + \sigma^2\log p_\sigma(z)$. We check $(\ast)$ by second differences of $\psi_t$, from
# $p_\sigma$ alone, without $D$:

# %%
t, step = 0.33, 1e-3
Dt = D.averaged(t)
grid = torch.linspace(-2, 3, 10_001, dtype=torch.float64)
psi = [Dt.potential(grid + k * step) for k in (-1, 0, 1)]
second = (psi[0] - 2 * psi[1] + psi[2]) / step**2
print(f"psi_t'' from {second.min():.4f} to {second.max():.4f}")
print(f"(*) says from {1 - t:.4f} to {1 - t + t / gamma:.4f}")
assert abs(second.min() - (1 - t)) < 1e-3
assert abs(second.max() - (1 - t + t / gamma)) < 1e-3

# %% [markdown]
# **Step 2: $D_t$ has an inverse.** Fix $u$. The function $z \mapsto \psi_t(z) - \langle u, z\rangle$ is strongly
# convex, so it has exactly one minimiser; minimisers are the points where the gradient $D_t(z) - u$ vanishes. So
# $D_t(z) = u$ has exactly one solution $z(u) = D_t^{-1}(u)$. Since $J_t$ is invertible, the inverse function theorem
# makes $D_t^{-1}$ a $C^1$ map with Jacobian $J_t^{-1}$.
#
# **Step 3: the prior.** If $D_t$ is the *proximal operator* of a smooth $F$, then $u = D_t(z)$ minimises $F +
# \tfrac12\|\cdot -
# z\|^2$, and the gradient vanishes there: $\nabla F(u) + u - z = 0$. So we need $\nabla F = D_t^{-1} - I$, and must
# find a function with
# this gradient. The *conjugate* of $\psi_t$ gives it:
#
# $$ \psi_t^*(u) = \max_z\; \langle u, z\rangle - \psi_t(z), \qquad F = \psi_t^* - \tfrac12\|\cdot\|^2. $$
#
# By step 2 the maximum is attained, at $z(u)$: the function to maximise is minus the one minimised there. Differentiate
# $\psi_t^*(u) = \langle u, z(u)\rangle - \psi_t(z(u))$ in a direction $v$, and let $\dot z$ be the derivative of $z(u)$ in
# that direction:
# $\langle v, z\rangle + \langle u, \dot z\rangle - \langle\nabla\psi_t(z), \dot z\rangle = \langle v, z\rangle$, because
# $\nabla\psi_t(z) = D_t(z) = u$. So $\nabla\psi_t^* = D_t^{-1}$ and indeed
#
# $$ \nabla F = D_t^{-1} - I . $$
#
# There are two ways to compute $F$ on the line that have nothing in common. **Inverse:** solve $D_t(z) = u$ by
# bisection and integrate
# $z(u) - u$; this uses $D$ only. **Conjugate:** maximise $uz - \psi_t(z)$ by search; this uses $p_\sigma$ only. A third
# needs no integral and no search. At $u = D_t(z)$ we have $\psi_t^*(u) = \langle u, z\rangle - \psi_t(z)$; insert
# $\psi_t = \tfrac12\|\cdot\|^2 + t\sigma^2\log p_\sigma$:
#
# $$ F(D_t(z)) = \langle u, z\rangle - \tfrac12\|u\|^2 - \psi_t(z) = -t\sigma^2\log p_\sigma(z) - \tfrac12\|z - D_t(z)\|^2 . $$
#
# So $F$ is $t\sigma^2$ times minus the log-density of *noisy* pictures, minus a correction. The cell computes $F$ in
# the three
# ways. Each determines $F$ up to a constant only; we let $F(0) = 0$.

# %%
u = torch.linspace(0, 1, 4001, dtype=torch.float64)
z = invert(Dt.d, u)
by_inverse = line_integral((z - u)[:, None], u[:, None])
by_conjugate = conjugate(Dt.potential, u) - u**2 / 2
near, far = -((z - 0.2) ** 2) / (2 * sigma**2), -((z - 0.8) ** 2) / (2 * sigma**2)
by_formula = -t * sigma**2 * torch.logaddexp(near, far) - (z - u) ** 2 / 2
by_conjugate, by_formula = (
    by_conjugate - by_conjugate[0],
    by_formula - by_formula[0],
)
for way in (by_inverse, by_conjugate, by_formula):
    print(f"F(0.2) = {way[800]:.6f}, F(0.5) = {way[2000]:.6f}")
assert (Dt.d(z) - u).abs().max() < 1e-12
assert (by_inverse - by_conjugate).abs().max() < 1e-7
assert (by_formula - by_conjugate).abs().max() < 1e-12

# %% [markdown]
# **Step 4: $D_t$ is the proximal operator of $F$.** $F$ need not be convex, but in what the proximal operator minimises the
# squares cancel:
#
# $$ F(u) + \tfrac12\|u - z\|^2 = \psi_t^*(u) - \langle u, z\rangle + \tfrac12\|z\|^2 . $$
#
# Its Hessian in $u$ is $J_t^{-1}$, positive definite: strictly convex. Its gradient is $D_t^{-1}(u) - z$, zero at
# $u = D_t(z)$ and nowhere else. So $D_t(z)$ is the only minimiser: $\operatorname{prox}_F = D_t$. The cell tests this:
# for many $z$ it searches the minimum over all grid points $u$, with $F$ from the conjugate. The result may be off by half
# the spacing of the grid.

# %%
asked = torch.linspace(-0.2, 1.2, 200, dtype=torch.float64)
asked = asked[(Dt.d(asked) > 0) & (Dt.d(asked) < 1)]
objective = by_conjugate + (u - asked[:, None]) ** 2 / 2
found = u[objective.argmin(1)]
spacing = float(u[1] - u[0])
print(
    f"largest |search - D_t(z)| in spacings: {(found - Dt.d(asked)).abs().max() / spacing:.2f}"
)
assert (found - Dt.d(asked)).abs().max() < 0.75 * spacing

# %% mystnb={"image": {"alt": "Left: three averaged denoisers, steeper between 0.4 and 0.6 and flatter outside the larger t is. Middle: their priors F, double wells with a barrier in the middle, the deeper and narrower the larger t; at t = 1 the curve ends at 0.2 and 0.8. Right: F plus half the squared distance to 0.42, with one minimum, at D_t(0.42)"}}
line, maps, priors = torch.linspace(-6, 7, 20_001, dtype=torch.float64), {}, {}
for t_ in (0.33, 0.66, 1.0):
    f = D.averaged(t_)
    value = line**2 / 2 - f.potential(line) - (line - f.d(line)) ** 2 / 2
    maps[f"t = {t_}"] = (line, f.d(line))
    priors[f"t = {t_}"] = (f.d(line), value - value[10_000])
one = by_conjugate + (u - 0.42) ** 2 / 2
figure = curves([
    {"title": "$D_t(z)$, averaged denoisers", "xlabel": "z", "lines": maps},
    {"title": "their priors F(u), 0 in the middle", "xlabel": "u", "lines": priors},
    {"title": "$F(u) + (u - 0.42)^2/2$, t = 0.33", "xlabel": "u", "lines": {"": (u, one)}},
])  # fmt: skip
figure.axes[0].set(xlim=(-0.3, 1.3), ylim=(-0.2, 1.2))
figure.axes[1].set(xlim=(-0.1, 1.1), ylim=(-0.035, 0.03))
figure.tight_layout(pad=0.5)
figure.axes[2].plot(Dt.d(torch.tensor([0.42]).double()), one.min(), "ko")
figure

# %% [markdown]
# *Figure 2.* Left: averaged denoisers. Middle: their priors; at $t = 1$ (see below) the prior is $+\infty$ outside $[0.2,
# 0.8]$. Right: what the proximal operator minimises for $z = 0.42$; the dot is the minimum, at $D_t(0.42)$.
#
# The prior is a double well: black and white are plausible, gray is not. Adding the parabola $\tfrac12(u - z)^2$ makes
# it convex.
#
# **Exercise 1.** Let $D(z) = cz$ with a number $0 \le c \le 1/\gamma$. Find $F$ with $F(0) = 0$ and
# $\operatorname{prox}_F = D_t$, and let `mine` return $F(u)$ for a tensor $u$ of numbers. (Hint: $\nabla F = D_t^{-1} -
# I$.)
# For which $c$ is $F$ convex? The check searches the proximal operator of your $F$ on a grid.
#
# <details>
# <summary>Solution</summary>
#
# $D_t(z) = jz$ with $j = 1 - t + tc > 0$. So $\nabla F(u) = u/j - u$ and $F(u) = \tfrac12\bigl(\tfrac1j - 1\bigr)u^2$:
# convex exactly if $j \le 1$, that is $c \le 1$.
#
# </details>


# %%
def mine(u, c, t):
    return 0 * u  # replace by your F


print(checks.check_prior(mine))


# %% tags=["hide-cell", "solution"]
def given(u, c, t):
    return (1 / (1 - t + t * c) - 1) * u**2 / 2


assert checks.check_prior(given) == "right"

# %% [markdown]
# **Step 5: the two constants.** $\nabla^2F(u) = J_t(z)^{-1} - I$ has the eigenvalues $1/j - 1$ with $j$ from $(\ast)$.
# The function $1/j - 1$ decreases, so the extremes come from the two ends.
#
# - Top end, $j = 1 - t + t/\gamma = (\gamma + t(1-\gamma))/\gamma$:
#   $\;\dfrac1j - 1 = \dfrac{\gamma}{\gamma + t(1-\gamma)} - 1 = -\dfrac{t(1-\gamma)}{\gamma + t(1-\gamma)} = -r$.
# - Bottom end, $j = 1 - t$: $\;\dfrac1{1-t} - 1 = \dfrac t{1-t}$.
#
# All eigenvalues are $\ge -r$: $F$ is $r$-weakly convex. All are in absolute value at most the larger of $r$ and
# $t/(1-t)$, and a $C^1$ map of $\mathbb R^n$ with a Jacobian of norm at most $L$ is $L$-Lipschitz. That ends the proof.
# $\square$
#
# **Which one is $L$?** These are the two cases of (14). Both denominators are positive, so
#
# $$ \frac t{1-t} \ge \frac{t(1-\gamma)}{\gamma + t(1-\gamma)} \iff \gamma + t(1-\gamma) \ge (1-t)(1-\gamma) \iff t \ge t_\times = \frac{1 - 2\gamma}{2(1-\gamma)} . $$
#
# If $\gamma \ge 1/2$ the right side is $\le 0$: always the first. If $\gamma < 1/2$ and $t < t_\times$, then $L = r$:
# the steep middle of $D$ decides.
#
# **Are the constants attained?** We test it twice. *A nonlinear denoiser:* our two-point denoiser (it attains
# $1/\gamma$ and comes as near to 0 as one likes), with
# $\sigma$ chosen for each $\gamma$; the chord slopes of $\nabla F = D_t^{-1} - I$ come from the bisected inverse, not
# from the Jacobian. *A linear denoiser:* a symmetric $8\times8$ matrix with eigenvalues from 0 to $1/\gamma$, inverted.

# %%
pairs = [
    (gamma_, t_)
    for gamma_ in (0.05, 0.1, 0.25, 0.4, 0.5, 0.9)
    for t_ in (0.1, 0.33, 0.6, 0.9)
]
wide, worst = 0.5 + torch.linspace(-4, 4, 8000, dtype=torch.float64), 0.0
for gamma_, t_ in pairs:
    slopes = (
        invert(two_point(gamma_).averaged(t_).d, wide) - wide
    ).diff() / wide.diff()
    low, high = float(slopes.min()), float(slopes.max())
    worst = max(
        worst,
        abs(low / -weak_convexity(gamma_, t_) - 1),
        abs(high * (1 - t_) / t_ - 1),
    )
    assert abs(max(-low, high) / gradient_lipschitz(gamma_, t_) - 1) < 1e-3
    cross = (1 - 2 * gamma_) / (2 * (1 - gamma_))
    assert (high > -low) == (t_ > cross)  # the two cases of (14)
assert worst < 1e-3
print(f"{len(pairs)} pairs, nonlinear: both ends reached to 0.1 %")

# %%
eye, worst = torch.eye(8, dtype=torch.float64), 0.0
q, _ = torch.linalg.qr(torch.randn(8, 8, dtype=torch.float64, generator=generator))
for gamma_, t_ in pairs:
    D8 = q @ torch.diag(torch.linspace(0, 1 / gamma_, 8, dtype=torch.float64)) @ q.T
    hessian = torch.linalg.inv(t_ * D8 + (1 - t_) * eye) - eye
    ends = torch.linalg.eigvalsh(hessian)[[0, -1]]
    want = torch.tensor(
        [-weak_convexity(gamma_, t_), t_ / (1 - t_)], dtype=torch.float64
    )
    worst = max(worst, float((ends - want).abs().max()))
assert worst < 1e-10
print(f"{len(pairs)} pairs, linear: both ends attained")

# %% [markdown]
# So neither constant can be improved.
#
# **Is $F$ unique?** Yes, up to a constant: *any* function at all whose proximal operator is $D_t$ is our $F$ plus a
# constant. The idea: let $\tilde F$ be another function with $\operatorname{prox}_{\tilde F} = D_t$, and $\Phi = \tilde F +
# \tfrac12\|\cdot\|^2$. That $D_t(z)$ minimises $\Phi - \langle\cdot, z\rangle$ says
#
# $$ \Phi(w) \ge \Phi(u) + \langle z, w - u\rangle \quad\text{for all } w,\; u = D_t(z). $$
#
# As $D_t$ is onto, every $u$ has such a supporting plane, of slope $z = D_t^{-1}(u)$. So $\Phi$ is convex, with
# gradient $D_t^{-1}$, like $\psi_t^*$: they differ by a constant. The details are on the [theory
# page](../book/theory/coco_special_cases.md#the-converse), with a converse: a *continuous* proximal operator is always the
# gradient of a convex function, and the CoCo maps are *exactly* the proximal operators of $(1-\gamma)$-weakly convex
# functions.
#
# ## In the plane: does the path matter?
#
# In more dimensions $\nabla F = D_t^{-1} - I$ can be integrated along a path $z(\theta)$, $0 \le \theta \le 1$, without
# inverting anything: at
# $u = D_t(z)$ the gradient is $z - D_t(z)$, so
#
# $$ F(D_t(z_1)) - F(D_t(z_0)) = \int_{z_0}^{z_1}\langle z - D_t(z), \mathrm dD_t(z)\rangle . $$
#
# The prior exists only if this does not depend on the path. We test it on a Gaussian mixture with three bumps in the
# plane, in three
# ways: along two paths, with the formula of step 3, and with the conjugate, maximised by brute force over the points of a
# grid.
#
# How wrong is the last? The maximum of $q(z) = \langle u, z\rangle - \psi_t(z)$ lies at a point $z(u)$ that is in
# general not
# a grid point. Let $z(u) + w$ be the nearest grid point. At $z(u)$ the gradient of $q$ vanishes, and its Hessian is $-J_t$,
# so Taylor's formula gives
#
# $$ q(z(u)) - q(z(u) + w) \le \tfrac12\,\max\|J_t\|_*\,\|w\|^2 . $$
#
# The maximum over the grid is at least $q(z(u) + w)$. So the grid gives a value that is too small, by at most the right
# side,
# where $\|w\|$ is at most half the diagonal of a cell of the grid. We assert that, with a margin of 1 %.

# %%
means = torch.tensor([[0.2, 0.2], [0.8, 0.3], [0.4, 0.8]])
shapes = [
    [[1.0, 0.0], [0.0, 1.0]],
    [[1.0, 0.8], [0.8, 1.0]],
    [[2.0, 0.0], [0.0, 0.2]],
]
plane = GaussianMixture(torch.ones(3), means, 0.01 * torch.tensor(shapes))
f = AveragedMixture(plane, sigma, t)
theta = torch.linspace(0, 1, 20_001, dtype=torch.float64)[:, None]
z0, z1 = torch.tensor([[-0.1, 0.0], [1.0, 0.9]], dtype=torch.float64)
straight = z0 + theta * (z1 - z0)
detour = straight + 2 * theta * (1 - theta) * torch.tensor([-1.0, 1.0])
by_formula = float(f.prior(torch.stack((z0, z1))).diff())
for name, path in {"straight": straight, "detour": detour}.items():
    v = f.d(path)
    integral = float(line_integral(path - v, v)[-1])
    print(f"{name:8}: {integral:.6f}, formula: {by_formula:.6f}")
    assert abs(integral - by_formula) < 1e-7

# %%
axis = torch.linspace(-0.4, 1.4, 361, dtype=torch.float64)
nodes = torch.cartesian_prod(axis, axis)
top = float(torch.linalg.eigvalsh(plane.jacobian(nodes, sigma)).max())
half_diagonal = float(axis[1] - axis[0]) / 2**0.5
p = torch.rand(50, 2, generator=generator, dtype=torch.float64)
v = f.d(p)
by_grid = (v @ nodes.T - f.potential(nodes)).max(1).values - v.square().sum(1) / 2
error = f.prior(p) - by_grid
print(f"gamma = {1 / top:.3f}; the grid is too small by at most {error.max():.1e}")
assert error.min() > -1e-12
assert error.max() < 1.01 * (1 - t + t * top) * half_diagonal**2 / 2

# %% mystnb={"image": {"alt": "Two contour maps of the same plane. Left: minus the logarithm of the noisy density, three valleys at the bumps, with arrows from noisy points towards the valleys. Right: the prior F at t = 1, with three narrower valleys at the same places, exactly as deep: at fixed points of D both functions have the same value"}}
figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), dpi=85, layout="constrained")
full = AveragedMixture(plane, sigma, 1.0)
ticks = [torch.linspace(-0.6, 1.6, n, dtype=torch.float64) for n in (23, 150)]
rough, fine = (torch.cartesian_prod(tick, tick) for tick in ticks)
left = fine, -(sigma**2) * plane.log_density(fine, sigma)
right = full.d(fine), full.prior(fine)
bands = {"levels": torch.linspace(0, 0.1, 11), "cmap": "cividis", "extend": "max"}
for ax, (at, value) in zip(axes, (left, right), strict=True):
    figure.colorbar(ax.tricontourf(*at.T, value - value.min(), **bands), ax=ax)
    ax.set(xlim=(-0.1, 1.1), ylim=(-0.1, 1.1), aspect="equal")
    ax.set(xlabel="coordinate 1", ylabel="coordinate 2")
arrows = (full.d(rough) - rough) / 2
axes[0].quiver(
    *rough.T, *arrows.T, color="w", angles="xy", scale_units="xy", scale=1
)
axes[0].set_title(
    r"$-\sigma^2 \log p_\sigma(z)$ and half of $D(z) - z$", fontsize=9
)
axes[1].set_title("prior F(u) of D itself (t = 1)", fontsize=9)
plt.close(figure)
figure

# %% [markdown]
# *Figure 3.* Left: minus the log-density of noisy points, times $\sigma^2$, which one might take for the prior; the
# arrows show
# half of the way that $D$ moves a point. Right: the prior $F$ that the denoiser has. Both are shown above their minimum.
#
# ## Without averaging: Theorem A.5
#
# The right picture took $t = 1$, which Theorem 2.2 forbids. (It was possible here: these bumps have a width, all
# eigenvalues of
# $J$ are at least 0.08, so $D$ is onto and even $\nabla F$ is Lipschitz, see the section *Slack* below. White are only
# the points that
# $D$ does not reach from the square $[-0.6, 1.6]^2$ that was sampled.) What is left when $J$ has no such lower bound?
#
# > **Theorem A.5.** Let $D$ be $C^1$, conservative and $\gamma$-cocoercive, $0 < \gamma \le 1$. Then
# > $D = \operatorname{prox}_F$ with $F:\mathbb R^n\to\mathbb R\cup\{+\infty\}$ closed, proper and $(1-\gamma)$-weakly
# > convex.
#
# Nothing about $\nabla F$. Step 2 breaks: $J$ may have eigenvalues 0, $D$ need not be invertible nor onto. So the
# proof must not use the inverse.
#
# *Proximal operator.* Define $F = \psi^* - \tfrac12\|\cdot\|^2$ with a supremum in $\psi^*$, perhaps $+\infty$. $\psi$ is
# convex ($J \succeq 0$). By definition $\psi^*(u) \ge \langle u, z\rangle - \psi(z)$ for all $u, z$, with equality
# exactly if $z$ maximises the concave function $\langle u, \cdot\rangle - \psi$, that is, if its gradient vanishes:
# $u = D(z)$. So for fixed $z$ the function
# $F(u) + \tfrac12\|u - z\|^2 = \psi^*(u) - \langle u, z\rangle + \tfrac12\|z\|^2$ is smallest at $u = D(z)$, and only
# there. $\psi^*$ is *closed* (a supremum of affine functions) and *proper* (finite at $D(z)$).
#
# *Weak convexity.* We show that $C = F + \tfrac{1-\gamma}2\|\cdot\|^2 = \psi^* - \tfrac\gamma2\|\cdot\|^2$ is
# convex, by writing it as a supremum of affine functions.
#
# <details>
# <summary>The proof in five lines</summary>
#
# $D$ is $1/\gamma$-Lipschitz: (5) and Cauchy-Schwarz give $\gamma\|D(x) - D(y)\|^2 \le \|x - y\|\,\|D(x) - D(y)\|$. So
# with $\bar u = D(z)$, integrating $\langle D(z + \theta w), w\rangle$ over $\theta\in[0, 1]$,
#
# $$ \psi(z + w) \le \psi(z) + \langle\bar u, w\rangle + \tfrac1{2\gamma}\|w\|^2 . $$
#
# Put this into $\psi^*(u) = \sup_w \langle u, z + w\rangle - \psi(z + w)$; the best $w$ for the lower bound is
# $\gamma(u - \bar u)$:
#
# $$ \begin{gathered} \psi^*(u) \ge \langle u, z\rangle - \psi(z) + \tfrac\gamma2\|u - \bar u\|^2, \quad\text{so} \\
# C(u) \ge \alpha_z(u) := \langle u, z\rangle - \psi(z) + \tfrac\gamma2\|u - \bar u\|^2 - \tfrac\gamma2\|u\|^2 .
# \end{gathered} $$
#
# $\alpha_z$ is affine in $u$: the squares cancel. And since $\tfrac\gamma2\|u - \bar u\|^2 \ge 0$,
# $\sup_z \alpha_z(u) \ge \sup_z \langle u, z\rangle - \psi(z) - \tfrac\gamma2\|u\|^2 = C(u)$. Together, $C = \sup_z
# \alpha_z$, a
# supremum of affine functions: convex. $\square$
#
# </details>
#
# For the two-point denoiser $F$ has a formula at $t = 1$. Let $p = (u - 0.2)/0.6$ be the posterior probability of white
# when the estimate is $u$. Up to a constant
#
# $$ F(u) = \sigma^2\bigl(p\log p + (1-p)\log(1-p)\bigr) + \tfrac12\cdot 4\beta^2\,p(1-p) $$
#
# on $[0.2, 0.8]$ and $+\infty$ outside ([proof](../book/theory/coco_special_cases.md#an-exact-example), for any number
# of points). The first term is smallest at $p = \tfrac12$, the probability before the observation; the second is half
# the variance of
# the pixel, and is smallest where the pixel is certainly black or white. Differentiating twice, $F''(u) =
# \sigma^2/(4\beta^2p(1-p)) - 1$, smallest at $p = \tfrac12$: $\gamma - 1$, **attained**.
# At the ends $F''$ is infinite: **$\nabla F$ is not Lipschitz**. One averages to get a smooth prior.

# %%
inside = torch.linspace(0.2001, 0.7999, 6000, dtype=torch.float64)
p = (inside - 0.2) / 0.6
closed = sigma**2 * (p * p.log() + (1 - p) * (1 - p).log()) + 2 * 0.09 * p * (1 - p)
by_search = conjugate(D.potential, inside) - inside**2 / 2
gap = closed - by_search
slopes = (invert(D.d, inside) - inside).diff() / inside.diff()
print(
    f"slopes of grad F from {slopes.min():.4f} (gamma - 1 = {gamma - 1}) to {slopes.max():.0f}"
)
assert gap.max() - gap.min() < 1e-12
assert gamma - 1 < slopes.min() < gamma - 1 + 1e-3
assert slopes.max() > 100

# %% [markdown]
# **Exercise 2.** [B] proves weak convexity by another road: first $D_t$ is $\gamma_t$-cocoercive, then
# Theorem A.5 with $\gamma_t$. Find the largest $\gamma_t$ that holds for all such $D$, let `mine` return it, and show
# $1 - \gamma_t = r$.
# (Hint: use the interval $(\ast)$.)
#
# <details>
# <summary>Solution</summary>
#
# $J_t$ is symmetric with eigenvalues in $[1 - t, 1 - t + t/\gamma] \subset [0, 1/\gamma_t]$ for
# $\gamma_t = 1/(1 - t + t/\gamma) = \gamma/(\gamma + t(1-\gamma))$, so $\|2\gamma_tJ_t - I\|_* \le 1$ and Lemma 2.1
# applies. It is the best constant if $J$ has the eigenvalue $1/\gamma$ somewhere.
# $1 - \gamma_t = t(1-\gamma)/(\gamma + t(1-\gamma)) = r$. Theorem A.5 then says that $F$ is $(1-\gamma_t)$-weakly
# convex.
#
# </details>


# %%
def mine(gamma, t):
    return gamma  # replace by gamma_t


print(checks.check_cocoercivity(mine))


# %% tags=["hide-cell", "solution"]
def given(gamma, t):
    return gamma / (gamma + t * (1 - gamma))


assert checks.check_cocoercivity(given) == "right"
for pair in [(0.1, 0.3), (0.25, 0.33), (0.5, 0.9)]:
    assert abs(1 - given(*pair) - weak_convexity(*pair)) < 1e-9

# %% [markdown]
# ## Two special cases: the Prox-denoiser and Moreau's theorem
#
# **$\gamma = 1/2$: the Prox-denoiser of [A].** $\|2\gamma J - I\|_* = \|J - I\|_*$: $1/2$-cocoercive means that
# the *residual*
# $I - D$ is nonexpansive. Insert $1 - \gamma = \gamma$: $r = t/(1+t)$, $L = t/(1-t)$. [A] starts from
# $D_t = I - \nabla g$ with an $\ell$-Lipschitz $\nabla g$, $\ell < 1$, and finds $\ell/(1+\ell)$ and $\ell/(1-\ell)$
# (Proposition 3.1): the same, as $I - D_t = t(I - D)$ has $\ell = t$. Its formula for the
# prior, $g(D_t^{-1}(u)) - \tfrac12\|D_t^{-1}(u) - u\|^2$, is our third one of step 3, with $g = -t\sigma^2\log p_\sigma$.
# [B] generalises the interval of eigenvalues of $J$ from $[0, 2]$ to $[0, 1/\gamma]$.
#
# **$\gamma = 1$: Moreau's theorem.** $r = 0$: $F$ is *convex*, also for $t = 1$ by Theorem A.5. Conversely, the
# proximal operator of a closed proper convex function is conservative and 1-cocoercive. All denoisers of this kind are
# nonexpansive, so the black-or-white pixel needs $\sigma \ge \beta$: noise as large as half the contrast. We check both
# cases on $F$ itself, by the chord slopes of $\nabla F$.

# %%
for gamma_, t_ in [
    (0.5, 0.2),
    (0.5, 0.5),
    (0.5, 0.8),
    (1.0, 0.2),
    (1.0, 0.5),
    (1.0, 0.8),
]:
    slopes = (
        invert(two_point(gamma_).averaged(t_).d, wide) - wide
    ).diff() / wide.diff()
    r = t_ / (1 + t_) if gamma_ == 0.5 else 0.0
    lowest = round(float(slopes.min()), 3) + 0.0
    print(
        f"gamma {gamma_}, t {t_}: F'' from {lowest:6.3f} to {slopes.max():.3f}; r = {r:.3f}"
    )
    assert abs(slopes.min() + r) < 1e-3
    assert abs(slopes.max() - t_ / (1 - t_)) < 1e-3

# %% [markdown]
# ## A denoiser of colour pictures, used for gray ones
#
# The networks of the course are trained with colour pictures. For a gray picture one copies it into the three channels,
# denoises, and takes the mean. Are the conditions still true?
#
# **Exercise 3: gray from colour.** A denoiser $D$ of colour pictures is conservative and
# $\gamma$-cocoercive. Let $P$ copy a gray picture into three channels, and $\bar D(x) = \tfrac13P^{\mathsf T}D(Px)$: copy,
# denoise, take the mean. Show that $\bar D$ is conservative and $\gamma$-cocoercive with the same $\gamma$. Then let `mine`
# return the Jacobian of $\bar D$ from the Jacobian `J` $(48\times48)$ of $D$ at $Px$, pictures of $4\times4$ pixels,
# channels first. The check compares with the Jacobian of the library's gray denoiser, at a $D$ that is not linear.
#
# <details>
# <summary>Solution</summary>
#
# $P^{\mathsf T}P = 3I$. *Conservative:* if $D = \nabla\psi$, the chain rule gives
# $\nabla\bigl(\tfrac13\psi(Px)\bigr) = \tfrac13P^{\mathsf T}D(Px) = \bar D(x)$. *Cocoercive:* let $e = D(Px) - D(Py)$. Then
# $\langle x - y, \tfrac13P^{\mathsf T}e\rangle = \tfrac13\langle Px - Py, e\rangle \ge \tfrac\gamma3\|e\|^2$. And
# $\|\tfrac13P^{\mathsf T}e\|^2 \le \tfrac19\|P^{\mathsf T}\|_*^2\|e\|^2 = \tfrac13\|e\|^2$, because
# $\|P^{\mathsf T}\|_*^2 = \|P^{\mathsf T}P\|_* = 3$. Together
# $\langle x - y, \bar D(x) - \bar D(y)\rangle \ge \gamma\|\bar D(x) - \bar D(y)\|^2$. In matrices: $\bar J = Q^{\mathsf
# T}JQ$ with
# $Q = P/\sqrt3$, which has orthonormal columns; a compression keeps symmetry and stays between the ends of the
# spectrum.
#
# </details>


# %%
def mine(J):
    return torch.zeros(16, 16)  # replace by the Jacobian of the gray denoiser


print(checks.check_gray(mine))


# %% tags=["hide-cell", "solution"]
def given(J):
    P = torch.cat([torch.eye(16, dtype=torch.float64)] * 3)
    return P.T @ J @ P / 3


assert checks.check_gray(given) == "right"

# %% [markdown]
# The spectra of one such pair; here $D = \nabla\sum\log\cosh(Wx)$, so $1/\gamma \le \|W\|_*^2$.

# %%
colour = checks.Colour(0)
gray = torch.rand(1, 1, 4, 4, dtype=torch.float64, generator=generator)
J = dense(at_sigma(colour, 0.1), gray.expand(-1, 3, -1, -1))[0]
J_gray = dense(at_sigma(GrayFromColour(colour), 0.1), gray)[0]
spectrum = torch.linalg.eigvalsh(J_gray)
bound = float(torch.linalg.matrix_norm(colour.weight, 2) ** 2)
print(
    f"gray: eigenvalues {spectrum[0]:.3f} to {spectrum[-1]:.3f}; 1/gamma <= {bound:.3f}"
)
assert (J_gray - J_gray.T).abs().max() < 1e-12
assert spectrum[0] > -1e-12
assert spectrum[-1] < torch.linalg.eigvalsh(J)[-1] + 1e-12 <= bound + 1e-9

# %% [markdown]
# ## What breaks without each hypothesis
#
# **Not conservative.** Add a small rotation: $D^\varepsilon(z) = D(z) + \varepsilon R z$, $R(z_1, z_2) = (-z_2, z_1)$.
# Now $J \ne J^{\mathsf T}$. Integrate what should be the change of $F$, $\langle z - D_t^\varepsilon(z), \mathrm
# dD^\varepsilon_t(z)\rangle$
# once around a circle, back to the same point. $\oint\langle D_t^\varepsilon, \mathrm dD_t^\varepsilon\rangle = 0$, the
# differential of a square. By parts
# $\oint\langle z, \mathrm dD_t^\varepsilon\rangle = -\oint\langle D_t^\varepsilon, \mathrm dz\rangle$. In
# $D_t^\varepsilon$ all but $t\varepsilon Rz$ is a gradient and integrates to 0, and
# $\oint\langle Rz, \mathrm dz\rangle = \oint z_1\,\mathrm dz_2 - z_2\,\mathrm dz_1$ is twice the area $A$. So
#
# $$ \oint\langle z - D^\varepsilon_t(z), \mathrm dD^\varepsilon_t(z)\rangle = -2t\varepsilon A : $$
#
# the supposed $F$ has changed although we are back at the same point. No $C^1$ function does that, and the theory page
# excludes all other functions.
# Cocoercivity does not help: $I + R$ is $1/2$-cocoercive, because $2\cdot\tfrac12(I + R) - I = R$ has norm 1.

# %%
angle = 2 * torch.pi * theta[:, 0]
circle = 0.5 + 0.4 * torch.stack((angle.cos(), angle.sin()), 1)
area = torch.pi * 0.4**2
for epsilon in (0.0, 0.05, 0.2):
    turned = torch.stack((-circle[:, 1], circle[:, 0]), 1)
    v = f.d(circle) + t * epsilon * turned
    loop = float(line_integral(circle - v, v)[-1])
    print(f"eps {epsilon:4}: once around, F has lost {abs(loop):.6f}")
    assert abs(loop + 2 * t * epsilon * area) < 1e-6

# %% [markdown]
# **Not monotone.** Let $J$ have eigenvalues down to $-\delta < 0$. Then $J_t$ reaches down to $1 - s$ with
#
# $$ s = t(1 + \delta), $$
#
# still positive if $s < 1$. But if $s > 1$, then $D_t$ folds back, and **no** function has it as proximal operator. Indeed,
# let $D_t(z)$ minimise $\tilde F + \tfrac12\|\cdot - z\|^2$ and $D_t(z')$ minimise
# $\tilde F + \tfrac12\|\cdot - z'\|^2$, for any $\tilde F$ at all. Compare each minimiser with the other one's point
# and add: $\tilde F$ cancels, and $\langle z - z', D_t(z) - D_t(z')\rangle \ge 0$ remains. So every proximal
# operator is monotone.
#
# The example is a "wave",
#
# $$ D(z) = \frac{1/\gamma - \delta}2\,z + \frac{1/\gamma + \delta}{2\omega}\sin\omega z , $$
#
# whose slope takes exactly the values in $[-\delta, 1/\gamma]$. We compute $F$ by the conjugate as before, and search its
# proximal operator:

# %% mystnb={"image": {"alt": "Two plots of D_t and of the proximal operator found by search. Left, s = 0.75: the curves coincide and rise. Right, s = 1.5: D_t goes down between 0.28 and 0.5, where the proximal operator has a plateau"}}
u = torch.linspace(-0.6, 1.6, 2201, dtype=torch.float64)
z = torch.linspace(-0.2, 0.8, 2001, dtype=torch.float64)
panels, gaps = [], []
for delta in (0.5, 2.0):
    f = wave(0.25, delta, frequency=8).averaged(0.5)
    far = torch.linspace(-1, 2, 3001, dtype=torch.float64)
    F = (u[:, None] * far - f.potential(far)).max(1).values - u**2 / 2
    found = u[(F + (u - z[:, None]) ** 2 / 2).argmin(1)]
    gaps.append(float((found - f.d(z)).abs().max()))
    lines = {"$D_t$": (z, f.d(z)), "prox, by search": (z, found)}
    title = f"s = {0.5 * (1 + delta):.2f}: largest gap {gaps[-1]:.3f}"
    panels.append({"title": title, "xlabel": "z", "lines": lines})
assert gaps[0] < 2e-3 < 0.02 < gaps[1]
curves(panels, 8)

# %% [markdown]
# *Figure 4.* Left: $D_t$ rises, and the proximal operator of $F$ agrees with it. Right: $D_t$ falls in the middle, and no
# function has it as its proximal operator.
#
# **Not cocoercive.** This is the other end of the spectrum: let the slope of $D$ grow without bound. As long as $D$ is
# $C^1$, conservative and monotone, $D_t$ with $t < 1$ still is the proximal operator of a smooth $F$ (steps 1 to 4 need no
# upper end; take $D(z) = z + z^3$). But then only $r = 1$ is left, and the algorithms need $1 - r > 0$. If $D$ even
# jumps in the limit, $F$ cancels the parabola and the minimiser is not unique. For our pixel this is $\sigma \to 0$,
# "take the nearer of black and white": at $\tfrac12$ both will do, and the proximal operator is multivalued. The jump
# of $D$
# over an interval of length 0.02:

# %%
ends = torch.tensor([0.49, 0.51], dtype=torch.float64)
for gamma_ in (0.25, 0.05, 0.01, 0.001):
    jump = float(two_point(gamma_).d(ends).diff())
    print(
        f"gamma {gamma_:5}: D jumps by {jump:.3f}; averaging allowed: t_0 = {published_averaging(gamma_):.4f}"
    )
assert jump > 0.599

# %% [markdown]
# ## Slack: what nearly CoCo still guarantees
#
# Training encourages cocoercivity, it does not enforce it. A measured spectrum reaches a little below 0, and at the
# other end stays far from $1/\gamma$. So we use the two ends of the spectrum instead of one norm. This theorem is the
# course's own, beyond [B]. *In words: eigenvalues a
# little below 0 do no harm, if one averages a little more.*
#
# > **Theorem 2.2 with slack.** Let $D$ be $C^1$ and conservative with all eigenvalues of all $J(x)$ in
# > $[-\delta, 1/\gamma]$, $0 < \gamma \le 1$, $\delta > -1$; let $0 < t \le 1$ and $s = t(1+\delta) < 1$. Then
# > $D_t = \operatorname{prox}_F$, $F$ is $r$-weakly convex with the same $r = t(1-\gamma)/(\gamma + t(1-\gamma))$, and
# > $\nabla F$ is $L$-Lipschitz with $L = \max\bigl(\tfrac s{1-s},\; r\bigr)$.
#
# *Proof.* $J_t$ is symmetric with eigenvalues in
# $[1 - t + t(-\delta),\, 1 - t + t/\gamma] = [1 - s,\, 1 - t + t/\gamma]$. Steps 1 to 4 used of the lower end only that
# it is positive: it is. In step 5 the top end still gives $-r$, the bottom end gives $1/(1-s) - 1 = s/(1-s)$. As
# $r \ge 0$ (from $\gamma \le 1$) and $s > 0$ (from $\delta > -1$), all eigenvalues have absolute value at most $L$.
# $\square$
#
# The cell checks both ends for the wave, by the slopes of chords of the inverse, which is found by bisection. The last row
# has $\delta = -0.1$: all slopes of $D$ are at least 0.1. There even $t = 1$ gives a Lipschitz gradient.

# %%
u = torch.linspace(0, 2, 20_001, dtype=torch.float64)
for gamma_, delta, t_ in [
    (0.25, 0.0, 0.33),
    (0.25, 0.1, 0.33),
    (0.25, 0.5, 0.6),
    (0.5, 0.2, 0.5),
    (0.25, -0.1, 1.0),
]:
    f = wave(gamma_, delta).averaged(t_)
    slopes = (invert(f.d, u) - u).diff() / u.diff()
    L = gradient_lipschitz(gamma_, t_, delta)
    print(
        f"gamma {gamma_:4}, delta {delta:4}, t {t_:4}: measured {slopes.abs().max():.4f}, L = {L:.4f}"
    )
    assert abs(slopes.min() + weak_convexity(gamma_, t_)) < 1e-3
    assert 0.99 * L < slopes.abs().max() < 1.0001 * L
    assert (
        abs(slopes.max() * (1 / (t_ * (1 + delta)) - 1) - 1) < 1e-3
    )  # s / (1 - s)

# %% [markdown]
# ## How much averaging? A preview
#
# The convergence theorem of the algorithm CoCo-ADMM (Theorem 4.1, [notebook 12](12_coco_admm_pegd.ipynb)) needs exactly
# one inequality
# between the two constants: $L^2 < \tfrac{1-r}2$. It means: let $\Delta$ be the change of $u$
# in one iteration. The step that computes $u$ lowers the augmented Lagrangian by at least $\tfrac{1-r}2\|\Delta\|^2$; the
# step of the multiplier raises it by at most $L^2\|\Delta\|^2$. As $t$ grows, $\tfrac{1-r}2$ falls and $L$ grows, so the
# inequality holds exactly below a bound $t_0(\gamma)$ (20); `published_averaging` finds it by bisection. With slack,
# put $\kappa = \sqrt{(1-r)/2}$:
# $s/(1-s) < \kappa$ is $t(1+\delta) < \kappa/(1+\kappa)$, so the slack that a given $t$ tolerates is
# $\delta < \kappa/((1+\kappa)\,t) - 1$, if also $r < \tfrac12$. (The two estimates can be made in one: then
# $t < \gamma/(1-\gamma)$ and $t(1+\delta) < \tfrac12$ are enough, which bears far more slack. The
# [page of notebook 05](../book/theory/proximal_denoiser.md) proves it, and the program checks that. Here we follow [B].)

# %%
for t_ in (0.33, 0.30, 0.25):
    kappa = ((1 - weak_convexity(0.25, t_)) / 2) ** 0.5
    tolerated = kappa / ((1 + kappa) * t_) - 1
    print(f"gamma 1/4, t = {t_}: tolerates delta < {tolerated:.4f}")
    assert abs(admm_margin(0.25, t_, tolerated)) < 1e-12
assert abs(published_averaging(0.25) - 1 / 3) < 1e-9
root = published_averaging(0.5)
print(f"t_0(1/4) = {published_averaging(0.25):.5f}, t_0(1/2) = {root:.5f}")
assert abs(2 * root**3 + root**2 + 2 * root - 1) < 1e-9  # twice the cubic of (20)

# %% mystnb={"image": {"alt": "Left: the weak-convexity modulus r for three values of gamma and the curve t over 1 minus t, against t; the curve overtakes r later the smaller gamma is, and at once for gamma one half. Right: the bound t_0 against gamma, growing from 0 to about 0.4, and lower for slack 0.1 and 0.3"}}
ts = torch.linspace(0.005, 0.6, 200).tolist()
gs = torch.linspace(0.02, 0.99, 120).tolist()
left = {
    f"r, γ = {g}": (ts, [weak_convexity(g, a) for a in ts])
    for g in (0.1, 0.25, 0.5)
}
left["t/(1 - t)"] = (ts, [a / (1 - a) for a in ts])
right = {
    f"δ = {d}": (gs, [published_averaging(g, d) for g in gs])
    for d in (0.0, 0.1, 0.3)
}
curves([
    {"title": "the two candidates for L", "xlabel": "t", "lines": left},
    {"title": "the largest averaging, $t_0$", "xlabel": "γ", "lines": right},
], 8, 3.2)  # fmt: skip

# %% [markdown]
# *Figure 5.* Left: where the dotted curve $t/(1-t)$ runs below another, $L = r$: the second case of (14). Right,
# without slack: the
# kink at $\gamma = 1/4$ separates the two cases of (20). ($\gamma = 1$ itself stands apart: $F$ is then convex and
# every $t < 1$ is allowed.)
#
# **A trained network.** The course's denoiser of notebook 00 at one noisy patch of $16\times16$ pixels, small enough
# for the whole Jacobian, a matrix with 768 rows. $S = (J + J^{\mathsf T})/2$ is its symmetric part.

# %%
network = at_sigma(load_denoiser("coco-0.25"), 25 / 255)
patch = images.photo("astronaut", 64)[..., 20:36, 20:36]
patch = patch + 25 / 255 * torch.randn(
    patch.shape, generator=torch.Generator().manual_seed(0)
)
J = dense(network, patch)[0].double()
spectrum = torch.linalg.eigvalsh((J + J.T) / 2)
delta, top = max(0.0, -float(spectrum[0])), max(1.0, float(spectrum[-1]))
print(f"eigenvalues of S from {spectrum[0]:.2f} to {spectrum[-1]:.2f}")
print(f"asymmetry: norm of J - J^T {torch.linalg.matrix_norm(J - J.T, 2):.2f}")
safe = published_averaging(min(1 / top, 0.99), delta)
print(
    f"with gamma = 1/4 assumed: t_0 = {published_averaging(0.25, delta):.2f}; from both ends: {safe:.2f}"
)
assert 0.2 < published_averaging(0.25, delta) <= safe < 0.5

# %% [markdown]
# What this proves, and what not: slack covers the negative end, **not** the asymmetry. With the rotation above in mind,
# there is
# strictly no $F$, and the theorems hold for a nearby denoiser only. And one patch is not all images.
#
# ## Explore
#
# Live: move $\gamma$ and $t$. (On the website, where no kernel runs, use the frames below.) When does the double well
# appear? What happens to the ends of $F$ as $t \to 1$?


# %% tags=["nbval-ignore-output", "remove-output"]
def draw(gamma=0.25, t=0.33):
    f = two_point(gamma).averaged(t)
    value = line**2 / 2 - f.potential(line) - (line - f.d(line)) ** 2 / 2
    title = f"F(u), γ = {gamma:.2f}, t = {t:.2f}: r = {weak_convexity(gamma, t):.2f}, L = {gradient_lipschitz(gamma, t):.2f}"
    figure = curves([
        {"title": "$D_t(z)$ and $z$", "xlabel": "z", "lines": {"$D_t$": (line, f.d(line)), "identity": (line, line)}},
        {"title": title, "xlabel": "u", "lines": {"": (f.d(line), value - value[10_000])}},
    ], 8, 3)  # fmt: skip
    for ax, bottom, upper in zip(
        figure.axes, (-0.3, -0.04), (1.3, 0.06), strict=True
    ):
        ax.set(xlim=(-0.3, 1.3), ylim=(bottom, upper))
    figure.tight_layout(pad=0.5)
    return figure


sliders = {
    "gamma": FloatSlider(0.25, min=0.02, max=1, step=0.01),
    "t": FloatSlider(0.33, min=0.02, max=0.98, step=0.01),
}
control = interact(draw, **sliders)

# %%
stations = [(0.25, a) for a in (0.05, 0.2, 0.33, 0.6, 0.8, 0.95)] + [
    (g, 0.33) for g in (0.05, 0.1, 0.5, 1.0)
]
frame_slider(
    [figure_as_image(draw(g, a)) for g, a in stations],
    [f"γ = {g}, t = {a}: L = {gradient_lipschitz(g, a):.2f}" for g, a in stations],
    alt="Averaged denoiser and its prior for several γ and t",
    height=255,
    start=2,
)

# %% [markdown]
# *Figure 6.* The averaged denoiser and its prior for ten pairs of $\gamma$ and $t$.
#
# ## Three values (beyond the core)
#
# An experiment of your own: give the pixel three values, 0.2, 0.5 and 0.8 (`GaussianMixture` with zero covariances and
# `toy.scalar.from_mixture`). How many wells has $F$ at $t = 0.9$, for small and for large $\sigma$? Are they *at* the
# three values?
#
#
# ## Quiz
#
# *Somebody proves that a denoiser is nonexpansive, $\|J\|_* \le 1$, but not symmetric. Is it a proximal operator
# of some, perhaps nonconvex, function?*
#
# <details>
# <summary>Answer</summary>
#
# No. A continuous proximal operator, of any function, is the gradient of a convex function, so its Jacobian is
# symmetric and
# positive semidefinite where it exists.
#
# </details>
#
# *With $\gamma = 1/4$ and $t = 0.2$: does $L$ come from the flat or from the steep part of $D$?*
#
# <details>
# <summary>Answer</summary>
#
# $t_\times = (1 - \tfrac12)/(2\cdot\tfrac34) = \tfrac13 > 0.2$. So $L = r$: the steep part. At $t = \tfrac13$ the two
# are equal.
#
# </details>
#
# *Which is the larger obstacle to $t = 1$: that $F$ loses convexity, or that it loses smoothness?*
#
# <details>
# <summary>Answer</summary>
#
# Smoothness. $r$ stays below $1 - \gamma < 1$ up to $t = 1$, while $t/(1-t)$ grows without bound.
#
# </details>
#
# ## What you now know
#
# - A conservative and cocoercive denoiser, averaged with the identity, *is* the proximal operator of a function
#   $F = \psi_t^* - \tfrac12\|\cdot\|^2$, unique up to a constant, and you have drawn it.
# - $\nabla F = D_t^{-1} - I$. The flat parts of $D$ make $F$ steep, $t/(1-t)$; the steep parts make it nonconvex, $r$.
#   Both constants are attained.
# - At $t = 1$ the prior exists, but its gradient need not be Lipschitz. $\gamma = 1/2$ is [A], $\gamma = 1$ is Moreau.
# - Without symmetry there is no $F$; without monotonicity none as soon as $t(1+\delta) > 1$; a small slack costs only a
#   smaller $t$.
#
# The question at the start: the claim is true exactly if $D$ is the gradient of a convex function (for continuous $D$),
# then $F$ is unique on the image of $D$ up to a constant, and up to dimension two you can draw it.
#
# **Next.** With $r$ and $L$ in hand: why CoCo-ADMM converges for $t < t_0(\gamma)$, and where it stops converging, in
# [notebook 12](12_coco_admm_pegd.ipynb).
#
# Sources: [B] Wei and others 2025: (5), (10), (14), (15), (20), Lemma 2.1, Theorems 2.2, 4.1 and A.5, Remarks 2.4 and
# 4.3. [A] Herfeld and others 2025: (8), Proposition 3.1. Characterisation of proximal operators: Moreau 1965; Gribonval and
# Nikolova 2020. That MMSE denoisers are proximal operators: Gribonval 2011. The theorem with slack, the check of both ends
# and the discrete example are this course's. All in the [bibliography](../book/bibliography.md).
