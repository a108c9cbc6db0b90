# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # The proximal denoiser
#
# > **You will do.** Invert a denoiser; read off the prior it minimises; run four splitting algorithms and check each
# > against the decrease its theorem promises; measure how well a trained network keeps the hypothesis; and break
# > Douglas-Rachford splitting with the best denoiser there is.
# >
# > **You will learn.** Which maps are proximal operators; why a gradient step with Lipschitz constant $L < 1$ is one, and
# > of what function; the convergence theorems of Prox-PnP with proofs; why power iteration flatters a denoiser; what
# > averaging restores.
# >
# > **You need.** The gradient-step denoiser ([notebook 04](04_gradient_step.ipynb)), proximal operators and the descent
# > lemma ([02](02_proximal_operators.ipynb)), ideal denoisers ([03](03_priors_to_denoisers.ipynb)).
# >
# > **Time.** 85 minutes (95 with all that is folded); the cells take about a minute.
#
# A question to keep in mind. A pixel is dark or bright; we look at it, and it is halfway. Douglas-Rachford splitting
# with the *ideal* denoiser, which is an exact proximal operator, never settles: dark, bright, dark, bright, for ever.
# With a *worse* denoiser, one that does only a fifth of the work, it converges. **How can a better denoiser be
# worse?**
#
# We follow section 3 of Herfeld and others (2025), below [A], after Hurault, Leclaire and Papadakis (2022b). Formal
# statements and every proof: the [theory page](../book/theory/proximal_denoiser.md). Words in italics mostly stand in
# the [glossary](../book/glossary.md). $\lambda$ weighs the fidelity, which is called $f$ as in [A].

# %%
import itertools

import matplotlib.pyplot as plt
import pandas as pd
import torch
from ipywidgets import FloatSlider, interact
from pnp_course import images, load_denoiser, metrics, noise, solvers
from pnp_course.denoisers import WithPotential, at_sigma, denoiser_card
from pnp_course.exercises import notebook_05 as checks
from pnp_course.fidelities import Gaussian
from pnp_course.guarantees import guarantee
from pnp_course.jacobian import Linearized, affine, dense, lanczos, power_iteration
from pnp_course.operators import Blur, Identity, kernels
from pnp_course.toy import GaussianMixture, scalar
from pnp_course.toy import proximal_denoiser as toy
from pnp_course.toy.proximal import brute_prox
from pnp_course.viz.figures import SCREEN_DPI, STYLES, curves
from pnp_course.viz.potential_pictures import fold_figure
from pnp_course.viz.slider import figure_as_image, frame_slider

torch.set_flush_denormal(True)
generator = torch.Generator().manual_seed(0)
sigma = 25 / 255

# %% [markdown]
# ## 1. Which maps are proximal operators?
#
# Notebook 04 put the denoiser into the gradient step. Douglas-Rachford splitting, ADMM, and the other order of
# proximal gradient descent want it in the place of a *proximal operator*. Of which function? The function may be
# nonconvex, so let us say: $D$ is a proximal operator of $\varphi$ if for each $z$ the point $D(z)$ is *one* of the
# minimisers of $\varphi + \tfrac12\|\cdot - z\|^2$.
#
# **Theorem 1 (Gribonval and Nikolova 2020, on the whole space).** *A map $D:\mathbb R^n\to\mathbb R^n$ is a proximal
# operator of some $\varphi$ if and only if there is a convex function $\psi:\mathbb R^n\to\mathbb R$ with $D(z) \in
# \partial\psi(z)$ for all $z$. If $D$ is continuous, then $D = \nabla\psi$.*
#
# *Proof.* *If.* Let $\psi^\ast(u) = \sup_z\langle u, z\rangle - \psi(z)$ and $\varphi = \psi^\ast -
# \tfrac12\|\cdot\|^2$. Expand the square:
#
# $$ \varphi(u) + \tfrac12\|u - z\|^2 = \psi^\ast(u) - \langle u, z\rangle + \tfrac12\|z\|^2 \ge \tfrac12\|z\|^2 - \psi(z) . $$
#
# The bound does not depend on $u$. It is attained at $u = D(z)$, because the subgradient inequality $\psi(z') \ge
# \psi(z) + \langle D(z), z' - z\rangle$ says that the supremum in $\psi^\ast(D(z))$ is attained at $z$.
#
# *Only if.* Let $\psi(z) = \tfrac12\|z\|^2 - \min_u\bigl(\varphi(u) + \tfrac12\|u - z\|^2\bigr) = \sup_u\langle u,
# z\rangle - \varphi(u) - \tfrac12\|u\|^2$: a supremum of affine functions, so convex, attained at $u = D(z)$. Use
# this same $u$ at another point $z'$: $\psi(z') \ge \psi(z) + \langle D(z), z' - z\rangle$.
#
# *Continuous.* The inequality at $z$ and at $z + h$ gives $0 \le \psi(z + h) - \psi(z) - \langle D(z), h\rangle \le
# \|D(z + h) - D(z)\|\,\|h\|$, which is $o(\|h\|)$. $\square$
#
# (They prove more, in Hilbert spaces and on subsets; we do not need it.) So every proximal operator, of however wild
# a function, is *monotone*. The cell takes a wild function, finds its proximal operator by brute search, and compares
# it with the slope of the $\psi$ of the proof.

# %%
z = torch.linspace(-1, 1, 801).double()
phases = torch.rand(6, generator=generator).double() * 6.28


def wild(u):
    waves = sum(
        torch.cos((3 + 4 * k) * u + phase) for k, phase in enumerate(phases)
    )
    return 0.05 * waves + 0.1 * (u > 0.2)


p = brute_prox(wild, z, reach=2.0, half=20_000)
psi = z**2 / 2 - (wild(p) + (p - z) ** 2 / 2)
inside = (psi.diff() / z.diff() - (p[1:] + p[:-1]) / 2).abs()
print(
    f"jumps of the prox: {int((p.diff() > 0.05).sum())}; it never falls:", end=" "
)
print(bool((p.diff() >= 0).all()))
assert (p.diff() >= 0).all()
assert (p.diff() > 0.05).any()
assert (inside <= p.diff() / 2 + 1e-9).all()  # psi' lies between neighbours

# %% mystnb={"image": {"alt": "Left: a wild function with many wells and a step. Right: its proximal operator, found by search: it rises, with several jumps, and never falls"}}
u = torch.linspace(-1, 1, 801).double()
wells, prox = {"": (u, wild(u))}, {"prox": (z, p), "identity": (z, z)}
curves([
    {"title": "a wild function", "xlabel": "u (intensity)", "lines": wells},
    {"title": "its proximal operator", "xlabel": "z (intensity)", "lines": prox},
], 8.5, 2.7)  # fmt: skip

# %% [markdown]
# *Figure 1.* Whatever the function, its proximal operator never falls. It jumps over what it never returns.
#
# **Corollary 2.** *Let $g$ be differentiable on $\mathbb R^n$. $D = I - \nabla g$ is a proximal operator of some
# function if and only if $\tfrac12\|\cdot\|^2 - g$ is convex; for a $C^2$ function: if and only if no eigenvalue of
# $\nabla^2g$ exceeds 1, at any point. If $\nabla g$ is $1$-Lipschitz, this holds.*
#
# *Proof.* $D = \nabla\psi$ with $\psi = \tfrac12\|\cdot\|^2 - g$. If $\psi$ is convex, Theorem 1 applies. If $D$ is a
# proximal operator it is monotone by Theorem 1 (add the subgradient inequalities of two points), and a function with
# a monotone gradient is convex. $\nabla^2\psi = I - \nabla^2g$. If $\nabla g$ is $1$-Lipschitz, $\langle x - y,
# D(x) - D(y)\rangle \ge \|x - y\|^2 - \|x - y\|\,\|\nabla g(x) - \nabla g(y)\| \ge 0$. $\square$
#
# Two contrasts. *Ideal denoisers are proximal operators*, whatever the prior: $J = \operatorname{Cov}(u \mid
# x)/\sigma^2 \ge 0$ (notebook 03; Gribonval 2011). *A gradient step that is too long is the proximal operator of
# nothing*: $g = \tfrac M2x^2$ with $M > 1$ gives $D = (1 - M)x$, which falls. No choice of $\varphi$, convex or not,
# can repair that.
#
# Trained gradient steps? $J = I - \nabla^2g$, so an eigenvalue of $J$ below 0 is an eigenvalue of $\nabla^2g$
# above 1. A negative eigenvalue yields two pictures $x$, $x'$ with $\langle x - x', D(x) - D(x')\rangle < 0$, and
# then no $\varphi$ exists. We look for such pairs along the lowest eigenvectors.

# %%
photo = images.photo("chelsea", 96)
noisy = noise.gaussian(photo, sigma, torch.Generator().manual_seed(1)).double()
patch = noisy[..., 40:56, 36:52]
nets = {n: load_denoiser(n).double() for n in ("gs-drunet", "prox-drunet")}
for name, D in nets.items():
    lin = Linearized(lambda v, D=D: D(v, sigma), patch, symmetric=True)
    start = torch.randn(patch.shape, generator=generator).double()
    ends = lanczos(lin.j, start, 25)
    h = 1e-3 * ends.low_vector
    change = float((h * (D(patch + h, sigma) - D(patch - h, sigma))).sum()) / 2
    quotient = change / float((h * h).sum())
    verdict = "no proximal operator" if quotient < -1e-3 else "no objection here"
    print(f"{name}: lowest eigenvalue {float(ends.low):.3f}, ", end="")
    print(f"quotient of a pair {quotient:.3f}: {verdict}")
    assert abs(quotient - float(ends.low)) < 0.02

# %% [markdown]
# ## 2. Proposition 3.1
#
# Now the hypothesis of [A]: $\nabla g$ is Lipschitz with a constant *below* 1.
#
# > **Theorem 3 ([A] Proposition 3.1).** Let $g:\mathbb R^n\to\mathbb R$ be differentiable, $\nabla g$ $L$-Lipschitz, $L <
# > 1$, $D = I - \nabla g$.
# >
# > 1. $(1-L)\|x - y\| \le \|D(x) - D(y)\| \le (1+L)\|x - y\|$, and $D$ is a bijection of $\mathbb R^n$.
# > 2. $D = \operatorname{prox}_\varphi$, the only minimiser, for
# >    $\;\varphi(u) = g(w) - \tfrac12\|w - u\|^2$ with $w = D^{-1}(u)$.
# > 3. $\varphi$ is $C^1$, $\nabla\varphi = D^{-1} - I$ is $\tfrac L{1-L}$-Lipschitz, and $\varphi$ is $r$-*weakly convex*
# >    with $r = \tfrac L{1+L}$.
# > 4. $\varphi \ge g$ and $\varphi(D(z)) \le g(z)$. So $\varphi$ and $g$ have the same infimum and the same critical points,
# >    which are the fixed points of $D$.
#
# **Proof of 1.** The triangle inequality gives the bounds. $D(w) = u$ says $w = u + \nabla g(w)$, and the right side
# is an $L$-contraction in $w$: by Banach's theorem it has exactly one fixed point. $\square$
#
# That is an algorithm, too: iterate it, and the error shrinks by $L$ each time.
#
# **Proof of 2.** Let $u = D(w)$, so $u - w = -\nabla g(w)$. Expand $\|u - z\|^2 = \|(u - w) + (w - z)\|^2$:
#
# $$ \varphi(u) + \tfrac12\|u - z\|^2 = g(w) + \langle\nabla g(w), z - w\rangle + \tfrac12\|z - w\|^2 . $$
#
# At $w = z$, that is $u = D(z)$, this is $g(z)$. For any other $w$ the descent lemma, $g(z) \le g(w) + \langle\nabla
# g(w), z - w\rangle + \tfrac L2\|z - w\|^2$, says it is at least $g(z) + \tfrac{1-L}2\|z - w\|^2$. $\square$
#
# So the inequality that bounds how fast $g$ may bend *is* the optimality of $D(z)$. Only its upper half was used.
#
# <details>
# <summary>Proof of 3 and 4</summary>
#
# *Differentiable.* Let $w = D^{-1}(u)$, $w' = D^{-1}(u')$. By 2 with $z = w$: $\varphi(u') - \varphi(u) \ge
# \tfrac12\|u - w\|^2 - \tfrac12\|u' - w\|^2 = \langle w - u, u' - u\rangle - \tfrac12\|u' - u\|^2$. Exchange the
# roles: $\varphi(u') - \varphi(u) \le \langle w' - u', u' - u\rangle + \tfrac12\|u' - u\|^2$, and $w' - u' = w - u +
# O(\|u' - u\|)$ since $D^{-1}$ is Lipschitz by 1. So $\nabla\varphi(u) = w - u$.
#
# *Constants.* Let $d = w - w'$, $e = u - u' = D(w) - D(w')$; then $\|d - e\| \le L\|d\|$. First $\|\nabla\varphi(u) -
# \nabla\varphi(u')\| = \|d - e\| \le L\|d\| \le \tfrac L{1-L}\|e\|$. Second, squared, $2\langle d, e\rangle \ge (1 -
# L^2)\|d\|^2 + \|e\|^2$, and $\|d\| \ge \|e\|/(1+L)$ makes the right side at least $(\tfrac{1-L}{1+L} + 1)\|e\|^2 =
# \tfrac2{1+L}\|e\|^2$. So $\langle\nabla\varphi(u) - \nabla\varphi(u'), e\rangle = \langle d, e\rangle - \|e\|^2
# \ge -\tfrac L{1+L}\|e\|^2$: $\varphi + \tfrac r2\|\cdot\|^2$ has a monotone gradient.
#
# *Part 4.* In the proof of 2 take $z = u$: $\varphi(u) \ge g(u) + \tfrac{1-L}2\|u - w\|^2$. And $\varphi(D(z)) =
# g(z) - \tfrac12\|D(z) - z\|^2 \le g(z)$. $\nabla\varphi(u) = 0$ says $D^{-1}(u) = u$, that is $D(u) = u$, that is
# $\nabla g(u) = 0$. $\square$
#
# </details>
#
# *Smoothness.* Differentiable with a Lipschitz gradient is all we used. [A] wants $C^2$, and Softplus in the network,
# because training will look at $\nabla^2g$. *Image.* $D$ reaches all of $\mathbb R^n$ if one $L < 1$ holds
# everywhere. If it holds on an open convex set $\Omega$ only, $D$ is injective there, $D(\Omega)$ is open, and 2
# holds for $z \in \Omega$ with $\varphi = +\infty$ outside $D(\Omega)$ ([theory
# page](../book/theory/proximal_denoiser.md#the-proximal-denoiser)).
#
# **Averaging.** $D_t = tD + (1-t)I = I - t\nabla g$ is the gradient step on $tg$. So with *any* finite $L$, each $t <
# 1/L$ makes $D_t$ a proximal operator, of $\varphi_t$; replace $L$ by $tL$ everywhere.
#
# ## 3. The prior for free
#
# $\varphi$ asks for $D^{-1}$, which no network provides. But an algorithm never evaluates $\varphi$ at an arbitrary
# point: it has just computed $x = D_t(z)$, so it knows $z$:
#
# $$ \boxed{\;\varphi_t(D_t(z)) = t\,g(z) - \tfrac12\|D_t(z) - z\|^2\;} $$
#
# and $g(z)$ is a by-product of $D(z)$. Three independent ways to $\varphi_t$ on the line, for the ideal denoiser of
# peaks at 0.2 and 0.8: the free one; through $\psi^\ast - \tfrac12u^2$ by a search that sees only values of $\psi$;
# and the integral of $D_t^{-1} - I$ with $D_t^{-1}$ by fixed-point iteration. Then the prox itself, by brute force.

# %%
peaks, s = GaussianMixture.two_peaks(), 0.15
one = toy.ExactStep(peaks, s)
line = torch.linspace(-1, 2, 30_001).double()[:, None]
low, high = one.curvature(line)
L1, t = max(-low, high), 0.4
print(f"g'' runs from {low:.2f} to {high:.2f}; with t = {t}, tL = {t * L1:.2f}")
assert -low > 2 > 1 > high
z = torch.linspace(-0.3, 1.3, 2001).double()
d, _ = one(z.reshape(-1, 1, 1, 1))
u = t * d.flatten() + (1 - t) * z
free = t * one.potential(z[:, None]) - (u - z) ** 2 / 2


def psi(v):
    return v**2 / 2 - t * one.potential(v.reshape(-1, 1)).reshape(v.shape)


by_search = scalar.conjugate(psi, u, -3, 4) - u**2 / 2
w = toy.invert(one, u.reshape(-1, 1, 1, 1), t, iterations=600).flatten()
by_integral = free[0] + scalar.line_integral((w - u)[:, None], u[:, None])
print("inverse:", f"{float((w - z).abs().max()):.1e},", end=" ")
print("phi by search:", f"{float((free - by_search).abs().max()):.1e},", end=" ")
print("by integral:", f"{float((free - by_integral).abs().max()):.1e}")
assert (w - z).abs().max() < 1e-9
assert (free - by_search).abs().max() < 1e-12
assert (free - by_integral).abs().max() < 1e-6  # trapezoidal rule

# %% [markdown]
# And in the plane, where nothing is a quadrature: a prior of two pixels with three clusters. Every inequality of
# Theorem 3, both sides, at random pairs.

# %%
islands = toy.ExactStep(toy.three_islands(), s)
axis = torch.linspace(-1, 2, 201).double()
low, high = islands.curvature(torch.cartesian_prod(axis, axis))
L2 = max(-low, high)
t = 0.8 / L2
tL, r, lip = 0.8, 0.8 / 1.8, 0.8 / 0.2


def step_t(v):
    d, g = islands(v)
    return t * d + (1 - t) * v, t * g


def square(v):
    return v.flatten(1).square().sum(1)


z, v = torch.rand(2, 4000, 1, 1, 2, generator=generator).double() * 1.6 - 0.3
(Dz, gz), (Dv, gv) = step_t(z), step_t(v)
phi_z, phi_v = gz - square(Dz - z) / 2, gv - square(Dv - v) / 2
ratio = (square(Dz - Dv) / square(z - v)).sqrt()
gap = phi_v + square(Dv - z) / 2 - gz  # what D(v) loses against D(z), at z

# %%
slope_z, slope_v = z - Dz, v - Dv  # grad phi = D^{-1} - I at D(z), D(v)
bend = ((slope_z - slope_v) * (Dz - Dv)).flatten(1).sum(1) / square(Dz - Dv)
print(f"ratios {float(ratio.min()):.2f} to {float(ratio.max()):.2f}; ", end="")
print(f"bends {float(bend.min()):.3f} >= -r = {-r:.3f}")
assert (toy.invert(islands, Dz, t) - z).abs().max() < 1e-9
assert 1 - tL <= ratio.min()
assert ratio.max() <= 1 + tL
assert (gap >= (1 - tL) / 2 * square(z - v) - 1e-12).all()
assert bend.min() >= -r
assert (square(slope_z - slope_v) <= lip**2 * square(Dz - Dv) + 1e-12).all()
assert (phi_z >= step_t(Dz)[1] + (1 - tL) / 2 * square(Dz - z) - 1e-12).all()

# %% [markdown]
# **$L$ is two numbers.** Let the eigenvalues of $\nabla^2g$ lie in $[-\ell, M]$. The proof of part 2 used the upper
# end only. For $C^2$ functions $\nabla^2\varphi = J^{-1} - I$ tells the rest: with $M < 1$, that is $J > 0$, its
# eigenvalues lie in $[-r, \tfrac M{1-M}]$ with $r = \ell/(1 + \ell)$, for *any* $\ell$. [A]'s $L = \max(\ell, M)$
# mixes the two. Look at the range of $g''$ printed in this section: the ideal denoiser has $M$ below 1 and $\ell$ well
# above. It *is* a proximal operator, and Theorem 3 does not apply to it. $L < 1$ forbids just the steep slopes between
# two modes that an ideal denoiser needs: this is what [B] will relax.

# %% mystnb={"image": {"alt": "Left: potential g, with two wells and a hill, and the prior phi for t = 0.4: phi lies above g scaled by t, touches it at the wells and at the top of the hill, and has a broader hill and narrower wells. Right: the averaged denoiser and its inverse, mirror images in the diagonal"}}
z, t = torch.linspace(-0.1, 1.1, 801).double(), 0.4
u = t * one(z.reshape(-1, 1, 1, 1))[0].flatten() + (1 - t) * z
phi = t * one.potential(z[:, None]) - (u - z) ** 2 / 2
below = t * one.potential(u[:, None])
assert (phi >= below - 1e-12).all()
curves([
    {"title": "potential and prior, t = 0.4", "xlabel": "u (intensity)",
     "lines": {"prior φ": (u, phi), "potential tg": (u, below)}},
    {"title": "denoiser and inverse, t = 0.4", "xlabel": "intensity",
     "lines": {"D": (z, u), "inverse of D": (u, z), "identity": (z, z)}},
], 8.5, 3)  # fmt: skip

# %% [markdown]
# *Figure 2.* Left: the prior lies above $tg$ and touches it where $D$ has fixed points. Right: the averaged denoiser and its
# inverse.
#
# **Exercise 1.** $D(x) = cx$ with $c > 0$. Of which function $\varphi$ is it the proximal operator? Let
# `mine` return $\varphi''$. For which $c$ does Theorem 3 apply? Compare with part 3 of it.
#
# <details>
# <summary>Solution</summary>
#
# $\nabla\varphi = D^{-1} - I$, so $\varphi'' = 1/c - 1$. $g = \tfrac{1-c}2x^2$, so $L = |1 - c|$ and Theorem 3
# applies for $0 < c < 2$. For $c = 1 - L$, $\varphi'' = L/(1-L)$, the Lipschitz constant of part 3; for $c = 1 + L$,
# $\varphi'' = -L/(1+L) = -r$. For $c \ge 2$ it is still a proximal operator.
#
# </details>


# %%
def mine(c):
    return 0.0  # replace by the second derivative of phi


print(checks.check_curvature(mine))


# %% tags=["hide-cell", "solution"]
def given(c):
    return 1 / c - 1


assert checks.check_curvature(given) == "right"

# %% [markdown]
# **Exercise 2.** Evaluate $\varphi_t$ at a picture $u$ that is *not* an output of the algorithm. Given `step`,
# $x \mapsto (D(x), g(x))$, and $t$ with $tL < 1$, invert by fixed-point iteration and use the formula. The check
# knows the answer because it made $u = D_t(z)$ itself.
#
# <details>
# <summary>Solution</summary>
#
# See the cell below. Each iteration costs one evaluation of $D$, and about $\log(10^{-12})/\log(tL)$ are needed: this
# is what the free formula saves.
#
# </details>


# %%
def mine(step, u, t):
    return t * float(step(u)[1])  # replace: this is t g(u), a lower bound


print(checks.check_prior_value(mine))


# %% tags=["hide-cell", "solution"]
def given(step, u, t):
    w = u
    for _ in range(300):
        w = u + t * (w - step(w)[0])
    return t * float(step(w)[1]) - float((w - u).square().sum()) / 2


assert checks.check_prior_value(given) == "right"

# %% [markdown]
# ## 4. Four algorithms, four theorems
#
# The objective is $F = \lambda f + \varphi$, and $D = \operatorname{prox}_\varphi$ (with averaging: $\varphi_t$, and
# $tL$ for $L$). $\varphi$ is not convex, but only *weakly*: $\varphi + \tfrac12\|\cdot - z\|^2$ is $(1-r)$-strongly
# convex. This is all we need, together with $s = \tfrac L{1-L}$, the Lipschitz constant of $\nabla\varphi$ (in the cells
# `lip`; there `s` is the noise level).
#
# **Prox-PnP-PGD:** $x_{k+1} = D(x_k - \lambda\nabla f(x_k))$.
#
# > **Theorem 4.** Let $\nabla f$ be $L_f$-Lipschitz ($f$ convex or not), $L < 1$. Then
# > $F(x_k) - F(x_{k+1}) \ge \tfrac12(2 - r - \lambda L_f)\|x_{k+1} - x_k\|^2$. If $\lambda L_f + r < 2$ and $F$ is
# > bounded below, then $x_{k+1} - x_k \to 0$ and all limit points are critical. If $(x_k)$ is bounded and $F$ has the
# > *Kurdyka-Łojasiewicz property*, $(x_k)$ converges to a critical point.
#
# *Proof.* Let $z = x_k - \lambda\nabla f(x_k)$, $d = x_{k+1} - x_k$. By strong convexity, $x_{k+1}$ being the
# minimiser,
#
# $$ \varphi(x_k) + \tfrac12\|x_k - z\|^2 \ge \varphi(x_{k+1}) + \tfrac12\|x_{k+1} - z\|^2 + \tfrac{1-r}2\|d\|^2 . $$
#
# With $x_k - z = \lambda\nabla f(x_k)$ the squares differ by $\tfrac12\|d\|^2 + \lambda\langle\nabla f(x_k),
# d\rangle$. Add the descent lemma, $\lambda f(x_k) - \lambda f(x_{k+1}) \ge -\lambda\langle\nabla f(x_k), d\rangle -
# \tfrac{\lambda L_f}2\|d\|^2$: the inner products cancel, and $\tfrac12 + \tfrac{1-r}2 - \tfrac{\lambda L_f}2$
# remains. Summing, $\sum\|d\|^2 < \infty$. From $\nabla\varphi(x_{k+1}) = z - x_{k+1}$, $\|\nabla F(x_{k+1})\| =
# \|{-d} + \lambda\nabla f(x_{k+1}) - \lambda\nabla f(x_k)\| \le (1 + \lambda L_f)\|d\| \to 0$. Descent, a gradient of
# that size, and continuity are the hypotheses of Attouch, Bolte and Svaiter (2013), Theorem 2.9, which gives the
# rest. $\square$
#
# *When are the hypotheses true?* $\varphi \ge g \ge 0$ by Theorem 3, so $F$ is bounded below if $f$ is, and the
# iterates, which stay where $F \le F(x_0)$, are bounded if $f$ grows to infinity. The Kurdyka-Łojasiewicz property holds
# for what is made of polynomials, exponentials and logarithms, and so for Softplus networks.
#
# **Prox-PnP-DRS**, for fidelities without a gradient: $y_k = D(x_k)$, $z_k = \operatorname{prox}_{\lambda f}(2y_k -
# x_k)$, $x_{k+1} = x_k + z_k - y_k$. What decreases is not $F$ but the *Douglas-Rachford envelope*. Put $p_k = x_k -
# y_k$, which is $\nabla\varphi(y_k)$ by Theorem 3:
#
# $$ E(y, z, p) = \varphi(y) + \lambda f(z) - \langle p, y - z\rangle + \tfrac12\|y - z\|^2, \qquad E_k = E(y_k, z_k, p_k) . $$
#
# > **Theorem 5.** Let $f$ be convex, closed, proper, $L < 1$. Then
# > $E_k - E_{k+1} \ge \bigl(\tfrac{1-r}2 - s^2\bigr)\|y_{k+1} - y_k\|^2 + \tfrac12\|z_{k+1} - z_k\|^2$, and the first
# > factor is positive if and only if $2L^3 + L^2 + 2L - 1 < 0$. In this case, if $F$ is bounded below, $y_k - z_k \to
# > 0$, $y_{k+1} - y_k \to 0$, and all limit points of $(y_k)$ are critical. If $(y_k)$ is bounded and $E$ has the
# > Kurdyka-Łojasiewicz property, $(y_k)$ converges to a critical point.
#
# *Proof of the decrease.* The iteration says $x_{k+1} = z_k + p_k$, so $y_{k+1} = \operatorname{prox}_\varphi(z_k +
# p_k)$ and $z_k = \operatorname{prox}_{\lambda f}(y_k - p_k)$. Go from $E_k$ to $E_{k+1}$ in three steps.
#
# 1. $y_k \to y_{k+1}$. In $y$, $E$ is $\varphi(y) + \tfrac12\|y - (z_k + p_k)\|^2$ + const: $(1-r)$-strongly convex,
#    with minimiser $y_{k+1}$. Gain at least $\tfrac{1-r}2\|y_{k+1} - y_k\|^2$.
# 2. $p_k \to p_{k+1} = z_k + p_k - y_{k+1}$. Cost $-\langle p_{k+1} - p_k, y_{k+1} - z_k\rangle = \|p_{k+1} - p_k\|^2
#    \le s^2\|y_{k+1} - y_k\|^2$, as $p = \nabla\varphi(y)$.
# 3. $z_k \to z_{k+1}$. In $z$, $E$ is $\lambda f(z) + \tfrac12\|z - (y_{k+1} - p_{k+1})\|^2$ + const, 1-strongly
#    convex. Gain at least $\tfrac12\|z_{k+1} - z_k\|^2$.
#
# Finally $\tfrac{1-r}2 > s^2$ says $\tfrac1{2(1+L)} > \tfrac{L^2}{(1-L)^2}$, that is $(1-L)^2 > 2L^2(1+L)$. $\square$
#
# <details>
# <summary>Proof of the rest</summary>
#
# *Bounded below.* By the descent lemma $\varphi(z) \le \varphi(y) - \langle p, y - z\rangle + \tfrac s2\|z - y\|^2$
# for $p = \nabla\varphi(y)$, so $E_k \ge F(z_k) + \tfrac{1-s}2\|y_k - z_k\|^2$, and $s < 1$ because $s^2 <
# \tfrac{1-r}2 < \tfrac12$. So $E_k$ converges, the squares are summable, and $\|y_{k+1} - z_k\| = \|p_{k+1} - p_k\|
# \le s\|y_{k+1} - y_k\| \to 0$.
#
# *Limit points.* If $y_{k_j} \to y$, then $z_{k_j} \to y$ and $p_{k_j} \to \nabla\varphi(y)$; $y_k - p_k - z_k \in
# \lambda\,\partial f(z_k)$, the left side tends to $-\nabla\varphi(y)$, and the graph of $\partial f$ is closed.
#
# *Whole sequence.* At $w_k = (y_k, z_k, p_k)$ the function $E$ has the subgradient $(y_k - z_k,\, 0,\, z_k - y_k)$,
# of norm at most a multiple of $\|y_k - y_{k-1}\| + \|z_k - z_{k-1}\|$. With the decrease and continuity along a
# subsequence these are again the three conditions. $\square$
#
# </details>
#
# A sharper look at steps 1 and 2 together proves more: $L < \tfrac12$ suffices, and with the two ends of section 3 told
# apart, $\ell < 1$ and $M < \tfrac12$ ([theory
# page](../book/theory/prox_pnp.md#douglas-rachford-splitting), after Themelis and Patrinos 2020; exercise 3
# is its core).
#
# **The other two.** *DRSdiff* exchanges the roles, fidelity first. The first function is then $\lambda f$, convex,
# and the sharper look asks $\lambda L_f < 1$ and only $L < 1$. *Relaxed PGD* (Hurault and others 2023) takes the
# gradient at a point between two sequences,
#
# $$ q_k = (1-\alpha)y_k + \alpha x_k, \quad x_{k+1} = D(x_k - \lambda\nabla f(q_k)), \quad y_{k+1} = (1-\alpha)y_k + \alpha x_{k+1}, $$
#
# and needs $f$ convex and $r < \alpha < 1/(\lambda L_f)$, so $\lambda L_f$ up to $1 + 1/L$. There $F(y_k) +
# \tfrac\alpha2(\tfrac1\alpha - 1)^2\|y_k - y_{k-1}\|^2$ decreases. Proofs: [theory
# page](../book/theory/prox_pnp.md).
#
# | | denoiser | fidelity | parameters |
# |---|---|---|---|
# | PGD | $tM < 1$ | $L_f$-Lipschitz gradient | $\lambda L_f + \tfrac{t\ell}{1 + t\ell} < 2$ |
# | relaxed PGD | $M < 1$ | convex, $L_f$-Lipschitz gradient | $\tfrac\ell{1+\ell} < \alpha < \tfrac1{\lambda L_f}$ |
# | DRS | $t\ell < 1$, $tM < \tfrac12$ ($tL < \tfrac12$ suffices; Theorem 5: $2(tL)^3 + (tL)^2 + 2tL < 1$) | convex, closed, proper | any $\lambda$ |
# | DRSdiff | $tM < 1$ | convex, $L_f$-Lipschitz gradient | $\lambda L_f < 1$ |
#
# (In three of the rows our proofs used of $\varphi$ only its weak convexity, $r = \tfrac\ell{1+\ell}$, and that $D$ is its
# proximal operator: what section 3 gave for $M < 1$ and any $\ell$. With one number, $\ell = M = L$, they are the
# conditions of [A].)
#
# ### Checked to rounding
#
# Two pixels, the exact prior of three islands, seen through a mixing $A$. For each method: twelve starts, forty
# iterations; the decrease of its function, minus what the theorem promises. The function comes from the solver or,
# for relaxed PGD, whose $y_k$ is no output of $D$, from numerical inversion.

# %%
mix = Blur(torch.tensor([[0.35, 0.65]]).double())
fidelity = Gaussian(mix, torch.tensor([0.5, 0.4]).double().reshape(1, 1, 1, 2))
L_f = fidelity.lipschitz(torch.zeros(1, 1, 1, 2))


def averaged(t):
    def step(v):
        d, g = islands(v)
        return t * d + (1 - t) * v, t * g

    return WithPotential(step)


def moves(points):
    return torch.stack(points).flatten(1).diff(dim=0).square().sum(1)


def phi_anywhere(u, t):
    w = toy.invert(islands, u, t)
    return t * islands(w)[1] - square(w - u) / 2


starts = torch.rand(12, 1, 1, 1, 2, generator=generator).double() * 1.4 - 0.2
denoise = WithPotential(islands)  # the form that solvers take

# %%
margins, falls = {}, {}


def record(name, values, promised):
    fall = -torch.as_tensor(values, dtype=torch.float64).diff()
    margins.setdefault(name, []).append(float((fall - promised).min()))
    falls[name] = fall


for x0 in starts:
    tL, lam = 0.9, 1.4 / L_f
    r = tL / (1 + tL)
    run = solvers.prox_pnp_pgd(fidelity, denoise, x0, lam=lam, t=tL / L2)
    it = list(itertools.islice(run, 40))
    promised = (2 - r - lam * L_f) / 2 * moves([i.x for i in it])
    record("PGD", [i.objective for i in it], promised)
    tL, lam = 0.37, 8.0
    r, lip = tL / (1 + tL), tL / (1 - tL)
    run = solvers.prox_pnp_drs(fidelity, denoise, x0, lam=lam, t=tL / L2)
    it = list(itertools.islice(run, 40))
    y, z = moves([i.x for i in it]), moves([i.z for i in it])
    record("DRS", [i.objective for i in it], ((1 - r) / 2 - lip**2) * y + z / 2)

# %%
for x0 in starts:
    tL, lam = 0.9, 0.9 / L_f
    run = solvers.prox_pnp_drsdiff(fidelity, denoise, x0, lam=lam, t=tL / L2)
    it = list(itertools.islice(run, 40))
    y, z = moves([i.x for i in it]), moves([i.z for i in it])
    m = min(1.0, (1 - lam * L_f) * (1 + 2 * lam * L_f))
    promised = m / 2 * y + (1 - tL / (1 + tL)) / 2 * z
    record("DRSdiff", [i.objective for i in it], promised)

# %%
for x0 in starts:
    tL, alpha = 0.8, 0.5
    r, lam, t = tL / (1 + tL), 1.9 / L_f, tL / L2
    run = solvers.alpha_pgd(fidelity, averaged(t), x0, lam=lam, alpha=alpha)
    it = list(itertools.islice(run, 40))
    x, y = [x0, *(i.x for i in it)], [x0, *(i.y for i in it)]
    lag = torch.cat((torch.zeros(1), moves(y)))
    E = [lam * fidelity.value(v) for v in y]
    E = (
        torch.tensor(E, dtype=torch.float64)
        + phi_anywhere(torch.cat(y), t)
        + (1 - alpha) ** 2 / 2 / alpha * lag
    )
    promised = (2 - alpha) * (alpha - r) / 2 / alpha * moves(y)
    promised = promised + alpha * (1 - alpha * lam * L_f) / 2 * moves(x)
    record("relaxed PGD", E, promised)
worst = {k: min(v) for k, v in margins.items()}
print("least decrease minus promise:", {k: f"{v:.0e}" for k, v in worst.items()})
assert min(worst.values()) > -1e-13
assert all(float(v[0]) > 1e-6 for v in falls.values())

# %% [markdown]
# **Exercise 3.** Steps 1 and 2 in the proof of Theorem 5 were estimated apart. Do them together,
# exactly, for $\varphi(y) = \tfrac\kappa2y^2$ on the line, $\kappa > -1$: show that $E(y, z, p) - E(y_+, z, p_+) =
# \tfrac m2\,(y_+ - y)^2$ when $p = \kappa y$, $p_+ = \kappa y_+$ and $y_+ + p_+ = z + p$. Let `mine` return $m$. For which
# $\kappa$ is it positive, and which bound on $L$ follows if $\kappa$ runs through $[-r, s]$?
#
# <details>
# <summary>Solution</summary>
#
# Let $\Delta = y_+ - y$. Then $y_+ - z = p - p_+ = -\kappa\Delta$ and $y - z = -(1 + \kappa)\Delta$. The terms:
# $\tfrac\kappa2(y^2 - y_+^2) + \kappa y(1 + \kappa)\Delta - \kappa^2y_+\Delta + \tfrac12(1 + \kappa)^2\Delta^2 -
# \tfrac12\kappa^2\Delta^2$. With $y_+ = y + \Delta$ all multiples of $y\Delta$ cancel, and $\tfrac m2 =
# -\tfrac\kappa2 - \kappa^2 + \tfrac12 + \kappa$, that is $m = (1 - \kappa)(1 + 2\kappa)$. Positive for $-\tfrac12 < \kappa < 1$. $r <
# \tfrac12$ says $L < 1$, and $s < 1$ says $L < \tfrac12$: better than 0.376, where the two steps were estimated at
# different ends of the spectrum. The theory page shows that for a general $\varphi$ the worst is one of these two
# ends.
#
# </details>


# %%
def mine(kappa):
    return 0.0  # replace by m


print(checks.check_fall(mine))


# %% tags=["hide-cell", "solution"]
def given(kappa):
    return (1 - kappa) * (1 + 2 * kappa)


assert checks.check_fall(given) == "right"

# %% [markdown]
# **What breaks.** The condition of Theorem 4 cannot be improved. Take $f = \tfrac{L_f}2x^2$, $g = -\tfrac L2x^2$;
# then $D = (1+L)x$ and $x_{k+1} = (1+L)(1 - \lambda L_f)x_k$, with factor $-1$ exactly at $\lambda L_f = 1 +
# \tfrac1{1+L} = 2 - r$. Nor can Theorem 5 do without $L < 1$: for the same $g$ and $f$ the *indicator function* of
# $\{0\}$, $z_k = 0$ and $x_{k+1} = x_k - (1+L)x_k = -Lx_k$. At $L = 1$ that is a cycle, beyond it an explosion.
#
# ## 5. How to ask a network for $L < 1$
#
# $\nabla^2g = I - J$, and $L = \sup_x\|I - J(x)\|_\ast$. [A] (21) adds to the training loss a penalty on it, at the
# noisy training images:
#
# $$ \mathbb E\Bigl[\|D(x) - u\|^2 + \mu\max\bigl(\|I - J(x)\|_\ast,\ 1 - \varepsilon\bigr)\Bigr] . $$
#
# ($\|I - J\|_\ast = \|2\gamma J - I\|_\ast$ for $\gamma = \tfrac12$: this is the penalty of [B] for *cocoercivity*
# with constant one half.) The norm comes from *power iteration*: $q_{k+1} = Mq_k/\|Mq_k\|$ with $M = I - J$
# symmetric, from a random $q_0$; estimate $\rho_k = \|Mq_k\|$.
#
# **Proposition 6.** *Let $c_i$ be the coefficients of the unit vector $q_0$ in an eigenbasis of the symmetric $M$,
# $\mu_i$ its eigenvalues. Then*
#
# $$ \rho_k^2 = \frac{\sum_i c_i^2\mu_i^{2k+2}}{\sum_i c_i^2\mu_i^{2k}} , $$
#
# *which does not decrease in $k$, and never exceeds $\|M\|_\ast^2$.*
#
# *Proof.* $M^kq_0$ has the coefficients $c_i\mu_i^k$: $\rho_k^2$ is a weighted mean of the $\mu_i^2$. With $m_j =
# \sum c_i^2\mu_i^{2j}$, $m_{j+1}^2 \le m_jm_{j+2}$ by Cauchy-Schwarz, so $m_{j+1}/m_j$ does not decrease. $\square$
#
# So it errs to the *flattering* side. By how much? In the mean, the top eigenvector begins with the weight $c_1^2$,
# about $1/n$, against all the others together. A denoiser removes most of what it is given: most eigenvalues of $J$ lie
# near 0, and so most of those of $I - J$ lie *near 1*, just below what we look for. If they lie at $b$, the weight of the top
# grows only like $(\mu_1/b)^{2k}$: it takes some $\log n/(2\log(\mu_1/b))$ iterations. *Lanczos* keeps all products
# and takes the best of their span. The whole spectrum of a patch of $8\times8$ pixels decides.

# %%
small, D = patch[..., 4:12, 4:12], nets["prox-drunet"]
J = dense(lambda v: D(v, sigma), small)[0]
spectrum, basis = torch.linalg.eigh(torch.eye(192).double() - (J + J.T) / 2)
truth = float(spectrum.abs().max())
lin = Linearized(lambda v: D(v, sigma), small, symmetric=True)
M = affine(lin, 1, -1)

# %%
counts, rows = [1, 2, 4, 8, 15, 30, 60], []
for seed in range(5):
    q = torch.randn(small.shape, generator=torch.Generator().manual_seed(seed))
    q = q.double()
    c = (basis.T @ (q / q.norm()).flatten()).square()
    power = [float(power_iteration(M, q, k).norm) for k in counts]
    m = [float((c * spectrum ** (2 * k)).sum()) for k in range(max(counts) + 1)]
    formula = [(m[k] / m[k - 1]) ** 0.5 for k in counts]  # k products: rho_{k-1}
    ends = [lanczos(M.apply, q, k) for k in counts]
    best = [max(abs(float(e.low)), abs(float(e.high))) for e in ends]
    rows.append((power, best))
    error = max(abs(a - b) for a, b in zip(power, formula, strict=True))
    assert error < 1e-9
    assert max(power + best) <= truth + 1e-9
power, best = torch.tensor(rows).transpose(0, 1)
short = 100 * (1 - power[:, counts.index(8)] / truth)
print(
    f"||I - J|| = {truth:.3f}; the crowd: {float((spectrum > 0.7).double().mean()):.0%}",
    end=" ",
)
print("of the eigenvalues are over 0.7")
print(f"after 8 products power iteration is short by {float(short.mean()):.1f} %")
assert (best[:, 3:].mean(0) >= power[:, 3:].mean(0)).all()
assert (best[:, -1] > 0.999 * truth).all()

# %% mystnb={"image": {"alt": "Left: histogram of the eigenvalues of I - J at one patch: most are crowded between 0.7 and 1, a few are small or negative. Right: estimated norm against the number of products with J: power iteration climbs slowly from below, Lanczos reaches the true norm within some tens of products"}}
figure, axes = plt.subplots(1, 2, figsize=(8.5, 2.9), dpi=SCREEN_DPI)
axes[0].hist(spectrum, bins=40, color="0.75", edgecolor="0.3", hatch="//")
axes[0].set(xlabel="eigenvalue of I - J", ylabel="count (of 192)")
axes[0].set_title("the whole spectrum, 8 x 8 patch", fontsize=9)
for style, marker, (label, values) in zip(
    STYLES, "os", {"power iteration": power, "Lanczos": best}.items(), strict=False
):
    axes[1].plot(counts, values.T, marker=marker, markersize=3, lw=1, **style)
    axes[1].plot([], [], marker=marker, label=label, **style)
axes[1].axhline(truth, color="black", lw=0.8, label="true norm")
axes[1].set(xlabel="products with J", ylabel="estimate", xscale="log")
axes[1].set_xticks(counts, [str(k) for k in counts])
axes[1].set_title("five random starts", fontsize=9)
axes[1].legend(fontsize=8)
figure.tight_layout(pad=0.5)
plt.close(figure)
figure

# %% [markdown]
# *Figure 3.* The spectrum, and how the two methods approach its upper end.
#
# This matters twice: in training, where the penalty sees the flattered number and pushes less than it should, and in
# reports. Below we use Lanczos.
#
# ## 6. Does the trained network keep it?
#
# The validation set: eight patches from four photographs, at three noise levels. For each patch both ends of the
# spectrum of $I - J$; the norm is the larger end in absolute value. The last two columns are from the denoisers' cards:
# more and larger patches, where the worst is usually worse. Beside the proximal denoiser the gradient-step
# denoiser, which was trained without the penalty.

# %%
crops = []
for name in ("astronaut", "chelsea", "coffee", "rocket"):
    picture = images.photo(name, 160)
    for _ in range(2):
        a, b = torch.randint(0, 160 - 32, (2,), generator=generator).tolist()
        crops.append(picture[..., a : a + 32, b : b + 32])
crops = torch.cat(crops)
levels, ends_at = (15, 25, 40), {}
for name in ("prox-drunet", "gs-drunet"):
    D = load_denoiser(name)
    for level in levels:
        draw = torch.Generator().manual_seed(level)
        seen = noise.gaussian(crops, level / 255, draw)
        lin = Linearized(
            lambda v, D=D, k=level: D(v, k / 255), seen, symmetric=True
        )
        start = torch.randn(seen.shape, generator=draw)
        ends_at[name, level] = lanczos(affine(lin, 1, -1).apply, start, 12)

# %% tags=["nbval-ignore-output"]
rows = {}
for (name, level), ends in ends_at.items():
    norms = torch.maximum(ends.low.abs(), ends.high.abs())
    card = denoiser_card(name)["certificate"][str(level)]
    rows[name, f"{level}/255"] = {
        "mean": float(norms.mean()),
        "worst": float(norms.max()),
        "below 1": f"{int((norms < 1).sum())} of {len(norms)}",
        "worst ℓ": float((-ends.low).max()),
        "worst M": float(ends.high.max()),
        "card: mean": card["residual_mean"],
        "card: worst": card["residual_worst"],
    }
table = pd.DataFrame(rows).T
means = table["mean"].astype(float).groupby(level=0).mean()
assert means["prox-drunet"] < min(1.3, means["gs-drunet"])
table.style.format(precision=3)

# %% mystnb={"image": {"alt": "Three histograms of the norm of I - J over patches, one for each noise level, both denoisers in each: the proximal denoiser is crowded close to 1, the gradient-step denoiser lies to the right of it and spreads more, the more so the stronger the noise; a line marks 1"}}
every = torch.cat([
    torch.maximum(e.low.abs(), e.high.abs()) for e in ends_at.values()
])  # fmt: skip
first, last = float(every.min()) - 0.02, float(every.max()) + 0.02
edges = torch.linspace(min(0.9, first), max(1.2, last), 25)
figure, axes = plt.subplots(1, 3, figsize=(9, 2.6), dpi=SCREEN_DPI, sharey=True)
looks = {"prox-drunet": ("#0072B2", "//"), "gs-drunet": ("#E69F00", "")}
for ax, level in zip(axes, levels, strict=True):
    for name, (colour, hatch) in looks.items():
        ends = ends_at[name, level]
        norms = torch.maximum(ends.low.abs(), ends.high.abs())
        ax.hist(norms, edges, color=colour, hatch=hatch, alpha=0.6, label=name)
    ax.axvline(1, color="black", lw=1)
    ax.set(xlabel="norm of I - J")
    ax.set_title(f"noise {level}/255", fontsize=9)
axes[0].set_ylabel("patches")
axes[-1].legend(fontsize=8)
figure.tight_layout(pad=0.5)
plt.close(figure)
figure

# %% [markdown]
# *Figure 4.* Norms of $I - J$ at the patches of the validation set; the line marks 1.
#
# The penalty did its work: it moved the norm close to 1. But *a penalty is no constraint*. It acts on an average, at
# training images, with a small weight against the wish to denoise; and the hypothesis is about the supremum
# over *all* pictures, which no validation set can establish. A certificate can refute, not prove. Read the two ends
# as well: they do not say the same. $\ell$ is the top of $J$, and costs convexity; $M > 1$ is a negative eigenvalue
# of $J$, and costs the proximal operator.
#
# What to do with a measured $L$ over 1? Average. By section 2 any $t$ with $tL < 1$ restores Theorem 3, at the
# patches where $L$ was measured; by section 3 $tM < 1$ is enough. For DRS Theorem 5 needs $tL$ below the root of the cubic; the sharper
# theorem needs $t\ell < 1$ and $tM < \tfrac12$.

# %% tags=["nbval-ignore-output"]
card = denoiser_card("prox-drunet")
at = card["certificate"]["25"]
L = at["residual_worst"]
root = scalar.invert(
    lambda v: 2 * v**3 + v**2 + 2 * v, torch.tensor([1.0]).double(), 0.0, 1.0
)
ell, M = at["lambda_max_worst"] - 1, 1 - at["lambda_min_worst"]
t_0 = min(1 / max(ell, 1e-9), 0.5 / M)
print(f"L = {L:.3f} on the card")
print(
    f"DRS: the cubic allows t < {float(root) / L:.3f}, the two ends t < {t_0:.3f}"
)
assert float(root) / L < t_0
blur = Blur(kernels.motion(7, seed=2))
nu, x = 0.02, torch.zeros(1, 3, 32, 32)
task = Gaussian(blur, x)
for t in (1.0, min(1, 0.99 * t_0)):
    said = guarantee("prox_pnp_drs", card, task, x, sigma=sigma, lam=10.0, t=t)
    print(f"\nt = {t:.3f}. {said}")
    assert said.covered == (t < t_0)
t = min(1, 0.99 / M)
said = guarantee("prox_pnp_pgd", card, task, x, sigma=sigma, lam=0.99, t=t)
print(f"\nt = {t:.3f}. {said}")
assert said.covered

# %% [markdown]
# The price of averaging: $D_t$ does only a part of the denoising, and $\varphi_t$ is a weaker prior: about $t\varphi$
# where $\varphi$ is flat. To keep the balance one lowers $\lambda$.
#
# ## 7. Douglas-Rachford with $L > 1$
#
# Now the question of the beginning. One pixel, peaks at 0.2 and 0.8, observed at 0.5 with a large weight $\lambda$;
# the ideal denoiser, $L = \ell$ from section 3. By symmetry 0.5 is a fixed point of DRS. Is it stable? With $q =
# 1/(1+\lambda)$ the slope of $\operatorname{prox}_{\lambda f}$, the iteration $x \mapsto x +
# \operatorname{prox}_{\lambda f}(2D - x) - D$ has there the derivative
#
# $$ T' = 1 + q(2D' - 1) - D' \;\longrightarrow\; 1 - D' = -\ell \qquad (\lambda \to \infty) . $$
#
# For $\ell > 1$ and large $\lambda$ it is below $-1$: unstable, with alternating sign. With averaging, $D_t' - 1 =
# t\ell$.

# %%
lam = 20.0
middle = Gaussian(Identity(), torch.full((1, 1, 1, 1), 0.5).double())
x0 = torch.full((1, 1, 1, 1), 0.52).double()
top = float(peaks.jacobian(torch.tensor([[0.5]]).double(), s)) - 1
runs = {}
for t in (1.0, 0.6, 0.2, 0.15):
    q, slope = 1 / (1 + lam), 1 + t * top
    multiplier = 1 + q * (2 * slope - 1) - slope
    run = solvers.prox_pnp_drs(middle, WithPotential(one), x0, lam=lam, t=t)
    runs[t] = list(itertools.islice(run, 60))
    envelope = [i.objective for i in runs[t]]
    envelope = torch.tensor(envelope, dtype=torch.float64)
    rises = int((envelope.diff() > 1e-12).sum())
    last = [round(float(i.x), 3) for i in runs[t][-3:]]
    print(f"tL = {t * L1:.2f}: T' = {multiplier:+.2f}, rises {rises}, ends {last}")
    settled = abs(float(runs[t][-1].x - runs[t][-2].x)) < 1e-6
    assert settled == (abs(multiplier) < 1)
    assert (rises == 0) == (t * L1 < 1)

# %% mystnb={"image": {"alt": "Left: the pixel y_k against the iteration: with t = 1 it jumps between about 0.25 and 0.75 for ever, with t = 0.6 between about 0.38 and 0.62, with t = 0.2 it stays at 0.5. Right: the Douglas-Rachford envelope minus its first value: it rises for t = 1 and t = 0.6 and falls for t = 0.2"}}
show = {f"t = {t}": runs[t][:25] for t in (1.0, 0.6, 0.2)}
figure = curves([
    {"title": "output y (intensity)",
     "lines": {k: (range(25), [float(i.x) for i in v]) for k, v in show.items()}},
    {"title": "envelope minus its first value",
     "lines": {k: (range(25), [i.objective - v[0].objective for i in v])
               for k, v in show.items()}},
], 8.5, 3)  # fmt: skip
figure.axes[0].set_ylim(0.2, 1.0)
figure.axes[0].legend(loc="upper right", fontsize=8, ncols=3)
figure

# %% [markdown]
# *Figure 5.* Douglas-Rachford splitting on one pixel, with the ideal denoiser ($t = 1$) and with averages of it.
#
# That answers the question. The ideal denoiser is a proximal operator (Corollary 2), so nothing is wrong with the
# objective $\lambda f + \varphi$. But $\varphi$ is weakly convex with a modulus $r = \ell/(1+\ell)$ over one half,
# too far from convex for this algorithm. The overshoot $2y - x$ moves the pixel to the other side, and the steep
# slope between the modes amplifies the error. The averaged denoiser is a worse denoiser and a better proximal operator. (For
# $t = 0.2$, where $tL$ is between 0.376 and 0.5, the sharper theorem speaks.)
#
# **And the trained ones?** A small deblurring problem, each denoiser at $t = 1$, where no theorem covers it unless
# its $L$ is small, and at the $t$ that the cubic allows for its $L$. The envelope comes from the formula, whether or not
# it has a meaning.

# %% tags=["nbval-ignore-output"]
clean = photo[..., 20:52, 20:52]
blurred = noise.gaussian(blur(clean), nu, torch.Generator().manual_seed(0))
task, traces, residuals, rows = Gaussian(blur, blurred), {}, {}, {}
for name in ("gs-drunet", "prox-drunet"):
    L = denoiser_card(name)["certificate"]["25"]["residual_worst"]
    loop = at_sigma(load_denoiser(name), sigma)
    for t in (1.0, min(1, 0.99 * float(root) / L)):
        label = f"{name}, t = {t:.2f}"
        run = solvers.prox_pnp_drs(task, loop, blurred, lam=10.0 * t, t=t)
        it = list(itertools.islice(run, 40))
        E = torch.tensor([i.objective for i in it], dtype=torch.float64)
        traces[label] = (range(40), E / t)
        residuals[label] = (range(39), moves([i.s for i in it]).sqrt())
        rises = int((E.diff() > 1e-5 * abs(float(E[0]))).sum())
        rows[label] = {"tL": t * L, "rises of the envelope": rises}
        rows[label]["last move"] = float(residuals[label][1][-1])
        rows[label]["PSNR of y (dB)"] = metrics.psnr(it[-1].x, clean)
        assert rises == 0 or t == 1
pd.DataFrame(rows).T.round(3)

# %% tags=["nbval-ignore-output"] mystnb={"image": {"alt": "Left: envelope divided by t for the two denoisers, with t = 1 and with averaging: all fall and flatten. Right: length of the moves on a logarithmic axis: all go down"}}
curves([
    {"title": "envelope / t", "lines": traces},
    {"title": "move of x", "log": True, "lines": residuals},
], 9, 3.2)  # fmt: skip

# %% [markdown]
# *Figure 6.* The same with trained denoisers, on a small deblurring problem.
#
# Compare with the cycle above. The table says how often the envelope rose with $t = 1$, which a covered run must not
# do (the averaged ones did not: asserted). In our trials neither network diverged at this task, with $L$ over 1:
# the theorem's hypothesis is sufficient, not necessary, and a restoration problem need not lead the iterates to where
# the steepest slope is. But without the theorem there is no promise, and the one pixel shows what may happen.
#
# **Exercise 4.** The spectrum of $J$ was measured: it lies in $[-\delta, 1 + \ell]$, so that of
# $\nabla^2g$ in $[-\ell, M]$ with $M = 1 + \delta$. Use exercise 3 with the two ends of $\nabla^2\varphi_t$ told
# apart: up to which $t$ is the decrease of DRS certain? Let `mine` return this bound. How much larger is it than
# $\tfrac1{2L}$ with $L = \max(\ell, M)$?
#
# <details>
# <summary>Solution</summary>
#
# $\nabla^2\varphi_t = J_t^{-1} - I$ has its spectrum in $[-\tfrac{t\ell}{1 + t\ell}, \tfrac{tM}{1 - tM}]$, if $tM <
# 1$. The ends must lie in $(-\tfrac12, 1)$: $t\ell < 1$ and $tM < \tfrac12$. So $t < \min(1/\ell, 1/(2M))$. If $\ell$
# is the larger end, up to twice as large. For the ideal denoiser of the two peaks, $1/\ell$ instead of $1/(2\ell)$:
# the exact stability limit of section 7 for $\lambda \to \infty$.
#
# </details>


# %%
def mine(ell, M):
    return 0.5 / max(ell, M)  # replace by a larger bound that tells the ends apart


print(checks.check_averaging(mine))


# %% tags=["hide-cell", "solution"]
def given(ell, M):
    return min(1 / ell, 1 / (2 * M))


assert checks.check_averaging(given) == "right"

# %% [markdown]
# ## Explore
#
# Live: the potential $g(x) = \tfrac L{w^2}(1 - \cos wx)$, whose second derivative fills $[-L, L]$. Raise $L$ past 1.
# (Without a kernel, use the frames below.) $D$ begins to fall (dashed); its inverse folds, and $\varphi$, drawn as
# the curve $z \mapsto (D(z), g(z) - \tfrac12(D(z) - z)^2)$, grows *swallowtails*: three values over one $u$. Which of
# the three branches could be a prior?


# %% tags=["nbval-ignore-output", "remove-output"]
def explore(L=0.8):
    return fold_figure(L)


control = interact(explore, L=FloatSlider(0.8, min=0.1, max=3, step=0.05))

# %%
stations = (0.3, 0.6, 0.9, 1.0, 1.2, 1.5, 2.0, 2.5)
frame_slider(
    [figure_as_image(explore(k)) for k in stations],
    [f"L = {k}" for k in stations],
    alt="Potential, denoiser, inverse and prior as L grows past 1",
    height=230,
    start=2,
)

# %% [markdown]
# *Figure 7.* Potential, denoiser, inverse and prior of the waves, for eight values of $L$.
#
# (The dashed branch is out: on it $D$ falls. Of the other two at one $u$ neither works for all $z$: Corollary 2 says
# that there is no prior.)
#
# ## Between one half and one (beyond the core)
#
# Between $tL = \tfrac12$ and $tL = 1$ the envelope may rise, but must the sequence fail? Search:
# `Waves` in two pixels, a convex quadratic $f$, starts at random. What is the smallest $L$ at which you find a run that
# does not settle? The cell checks one with $L = 0.8$.
#
# <details>
# <summary>What we found</summary>
#
# Failures are rare: in our search one among twelve thousand random problems with $L = 0.8$, none with $0.55$ and $0.65$.
# The one below has an almost flat direction and a stiff one. So $L < 1$ is not enough for DRS with convex $f$; where
# between $\tfrac12$ and $0.8$ the border lies we do not know.
#
# </details>

# %%
angle = torch.tensor(1.0446).double()
turn = torch.stack([angle.cos(), angle.sin(), -angle.sin(), angle.cos()])
turn = turn.reshape(2, 2)
stiff = torch.tensor([178.0, 0.001]).double()
H = turn.T @ torch.diag(stiff) @ turn  # f(x) = <x - y, H (x - y)> / 2
data = H @ torch.tensor([0.114, 0.218]).double()
solve = torch.linalg.inv(torch.eye(2).double() + H)
for bend in (0.8, 0.45):
    x, lengths = torch.tensor([0.993, 0.696]).double(), []
    for _ in range(4000):
        y = toy.Waves(bend).d(x)
        move = solve @ (2 * y - x + data) - y
        x = x + move
        lengths.append(float(move.norm()))
    print(f"L = {bend}: moves at the end at least {min(lengths[-100:]):.4f}")
    assert (min(lengths[-100:]) > 1e-3) == (bend > 0.5)

# %% [markdown]
# ## Quiz
#
# *A certificate at many patches says that all eigenvalues of $J$ lie in $[0.05, 3]$. Is $D$ a proximal
# operator? Does Theorem 3 apply?*
#
# <details>
# <summary>Answer</summary>
#
# As far as those patches tell, yes ($M = 0.95 < 1$), of a weakly convex function with $r = \tfrac23$. Theorem 3 does
# not apply, $L = \ell = 2$; it does to $D_t$ with $t < \tfrac12$.
#
# </details>
#
# *Four power iterations from a random start say $\|I - J\|_\ast \approx 0.97$. What do we know?*
#
# <details>
# <summary>Answer</summary>
#
# That the norm is at least 0.97 there (Proposition 6), and nothing else. With the crowd near 1, that is what one
# would see for a norm of 1.2 as well.
#
# </details>
#
# *In a run of Prox-PnP-DRS the envelope rises once. What follows?*
#
# <details>
# <summary>Answer</summary>
#
# That some hypothesis is violated there: by the sharper theorem even $tL < \tfrac12$ fails (or it is rounding). Not that the
# run diverges: for $\varphi = \tfrac s2\|\cdot\|^2$ with $s > 1$ and $f$ the indicator function of $\{0\}$ it rises, and the
# sequence converges.
#
# </details>
#
# ## What you now know
#
# - Proximal operators, of convex functions or not, are the subgradient selections of convex functions. A gradient
#   step is one if and only if $\nabla^2g \le I$.
# - With $L < 1$, $D = \operatorname{prox}_\varphi$ with $\varphi(D(z)) = g(z) - \tfrac12\|D(z) - z\|^2$, free along
#   every run; $r = \tfrac L{1+L}$, $s = \tfrac L{1-L}$.
# - PGD, relaxed PGD, DRS and DRSdiff each decrease a function by an amount we computed, and converge under the
#   conditions of the table.
# - A penalty on $\|I - J\|_\ast$ is no constraint, and power iteration flatters it. $L$ is two numbers: $M$ decides
#   whether there is a prior, $\ell$ how far from convex it is.
# - A better denoiser may be a worse proximal operator: steep between the modes. Averaging trades the one for the
#   other. That answers the question.
#
# **Next.** $L < 1$, firm nonexpansiveness, cocoercivity, pseudo-contractions: each theory asks the Jacobian for
# another disc in the complex plane. [Notebook 06](06_ladder_of_conditions.ipynb) puts them in order.
#
# Sources: [A] Herfeld and others 2025, section 3 with Proposition 3.1 and (21). Proximal denoiser: Hurault, Leclaire
# and Papadakis 2022b; relaxed PGD: Hurault, Chambolle, Leclaire and Papadakis 2023. Characterisation: Gribonval and
# Nikolova 2020; ideal denoisers: Gribonval 2011. Douglas-Rachford envelope with sharp constants: Themelis and
# Patrinos 2020. Convergence: Attouch, Bolte and Svaiter 2013. The two ends and the cycle of the ideal denoiser are
# worked out here. All in the [bibliography](../book/bibliography.md). Photographs from scikit-image: Chelsea the cat
# by Stefan van der Walt, CC0; Eileen Collins, NASA; coffee by Rachel Michetti, CC0; Falcon 9 by SpaceX, CC0.
