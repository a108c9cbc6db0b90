# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # A ladder of conditions
#
# > **You will do.** Order the Lipschitz-type conditions of [B] and its neighbours, draw their regions in the complex
# > plane, lay the true spectra of every denoiser of this course over them, and catch the picture misleading you.
# >
# > **You will learn.** Which condition implies which, and why nothing else is true; what eigenvalues say and what they
# > hide; what each condition buys (fixed-point theorems, with proofs) and what it costs the best possible denoiser.
# >
# > **You need.** Norms and eigenvalues of matrices; the ideal denoiser of
# > [notebook 03](03_priors_to_denoisers.ipynb) for the last section.
# >
# > **Time.** 90 minutes (100 with all that is folded); the cells take about a minute.
#
# A question to keep in mind. The Jacobian of a denoiser is the same matrix everywhere, and *all its eigenvalues are
# $\tfrac12$*: they lie inside every disc that a convergence theorem draws. You know that two pixels are
# equal, so you alternate: denoise, project onto "equal", denoise, project. **Can this loop explode?**
#
# We follow Wei and others (2025), below [B], section 2.1; numbers in parentheses are its equations. Formal statements
# and all proofs: the [theory page](../book/theory/conditions.md). Words in italics are mostly in the
# [glossary](../book/glossary.md).

# %%
import math

import pandas as pd
import torch
from ipywidgets import SelectionSlider, interact
from pnp_course import available_denoisers, images, load_denoiser
from pnp_course.denoisers import at_sigma, denoiser_card
from pnp_course.exercises import notebook_06 as checks
from pnp_course.jacobian import affine, dense, linearize, operator_norm
from pnp_course.toy import GaussianMixture, conditions
from pnp_course.toy.conditions import FIRM, LADDER, Condition, sheared, times
from pnp_course.toy.linear import orbit
from pnp_course.viz import complex_plane
from pnp_course.viz.figures import curves
from pnp_course.viz.slider import figure_as_image, frame_slider

# %% [markdown]
# ## Two inequalities, seven names
#
# Take two inputs $x, y$ and write $d = x - y$ for what goes in, $e = D(x) - D(y)$ for what comes out. Every condition
# of the papers is one of two inequalities, asked for all $x, y$:
#
# $$ k\text{-pseudo-contractive},\ k \le 1:\quad \|e\|^2 \le \|d\|^2 + k\,\|d - e\|^2; \qquad\quad
# \gamma\text{-cocoercive},\ \gamma \ge 0:\quad \langle d, e\rangle \ge \gamma\,\|e\|^2 . $$
#
# We use these two names for all $k \le 1$, also negative ones, and for all $\gamma \ge 0$. (In the code they
# are `left` and `right`, after the sides on which their regions will lie in figure 2.) For some constants
# there are older names:
#
# - $0$-pseudo-contractive is *nonexpansive*; with $0 < k < 1$ one says *$k$-strictly pseudo-contractive*;
#   $1$-pseudo-contractive is *pseudo-contractive*, $\langle d, e\rangle \le \|d\|^2$ (multiply out); with $k < 0$ the map
#   is *averaged* (explained before Lemma 7).
# - $\gamma$-cocoercive with $\gamma > 0$ is (5); $0$-cocoercive is *monotone*, $\langle d, e\rangle \ge 0$.
# - $1$-cocoercive, that is $\|e\|^2 \le \langle d, e\rangle$, is *firmly nonexpansive* (6). So is $(-1)$-pseudo-contractive: multiply out
#   $\|e\|^2 \le \|d\|^2 - \|d - e\|^2$.
# - $\tfrac12$-cocoercive, $\|e\|^2 \le 2\langle d, e\rangle$, is *residual nonexpansive* (7): $\|d - e\| \le \|d\|$.
#
# **Lemma 1 (one norm each).** For $k < 1$, $k$-pseudo-contractive is $\|kd + (1-k)e\| \le \|d\|$: the map $kI + (1-k)D$ is
# nonexpansive. For $\gamma > 0$, $\gamma$-cocoercive is $\|2\gamma e - d\| \le \|d\|$ (9): $2\gamma D - I$ is nonexpansive.
#
# *Proof.* Let $f = d - e$. Then $kd + (1-k)e = d - (1-k)f$, and
#
# $$ \|d\|^2 - \|d - (1-k)f\|^2 = (1-k)\bigl(2\langle d, f\rangle - (1-k)\|f\|^2\bigr)
# = (1-k)\bigl(\|d\|^2 + k\|f\|^2 - \|e\|^2\bigr), $$
#
# because $\|e\|^2 = \|d\|^2 - 2\langle d, f\rangle + \|f\|^2$. And
# $\|d\|^2 - \|2\gamma e - d\|^2 = 4\gamma\bigl(\langle d, e\rangle - \gamma\|e\|^2\bigr)$. $\square$
#
# **Lemma 2 (the mirror).** $D$ is $k$-pseudo-contractive if and only if $I - D$ is $(\tfrac{1-k}2)$-cocoercive.
#
# *Proof.* The middle of the display above is $(1-k)$ times $2\langle d, f\rangle - (1-k)\|f\|^2$, and $f$ is the output
# difference of $I - D$. For $k = 1$ both say $\langle d, f\rangle \ge 0$. $\square$
#
# So there is one family of conditions, seen twice: pseudo-contractive is the mirror image of monotone, nonexpansive
# that of residual nonexpansive, and firmly nonexpansive is its own. The cell tests both lemmas on random matrices ($D$
# linear, so that "for all $x, y$" is an eigenvalue problem): `margin` is the smallest eigenvalue of the quadratic form
# "right side minus left side" of the inequality (of $\gamma$-cocoercive: left side minus right side), so that the condition
# holds exactly if it is $\ge 0$; `norm` is the norm of Lemma 1, to be at most 1.

# %%
generator = torch.Generator().manual_seed(0)
eye = torch.eye(3, dtype=torch.float64)
many = torch.randn(20_000, 3, 3, dtype=torch.float64, generator=generator)
many = 0.5 * eye + 0.35 * torch.rand(20_000, 1, 1, generator=generator) * many
for condition in (c for c in LADDER if not c.half_plane):
    clear = condition.margin(many).abs() > 1e-9
    same = (condition.margin(many) >= 0) == (condition.norm(many) <= 1)
    share = float((condition.margin(many) >= 0).double().mean())
    print(f"{condition.name:32} holds for {share:.0%} of the matrices")
    assert same[clear].all()  # Lemma 1
for k in (-1.0, 0.0, 0.9, 1.0):
    left, right = (
        Condition("", "pseudo-contractive", k),
        Condition("", "cocoercive", (1 - k) / 2),
    )
    forms = left.form(many), 2 * right.form(eye - many)
    assert (forms[0] - forms[1]).abs().max() < 1e-12  # Lemma 2

# %% [markdown]
# ## From pairs of points to Jacobians
#
# Let $J(x)$ be the Jacobian of $D$ at $x$, and $\|M\|_\ast$ the *spectral norm* of a matrix, its largest singular value
# (the papers' sign; not the nuclear norm).
#
# **Lemma 3.** Let $D$ be $C^1$, that is, continuously differentiable, and $a, b$ real. The map $aI + bD$ is nonexpansive if and only if
# $\|aI + bJ(x)\|_\ast \le 1$ for all $x$. Hence, for all $x$:
#
# $$ k\text{-pseudo-contractive},\,k<1:\ \|kI + (1-k)J\|_\ast \le 1; \quad \gamma\text{-cocoercive},\,\gamma>0:\ \|2\gamma J - I\|_\ast \le 1; \quad
# 1\text{-pseudo-contractive}:\ \lambda_{\max}(S) \le 1; \quad 0\text{-cocoercive}:\ \lambda_{\min}(S) \ge 0, $$
#
# where $S = (J + J^{\mathsf T})/2$. The second is [B], (10) and Lemma 2.1 ([also here](../book/theory/coco.md)).
#
# *Proof.* Let $T = aI + bD$, with Jacobian $M = aI + bJ$. If $\|M\|_\ast \le 1$ everywhere, then
# $T(x) - T(y) = \int_0^1 M(y + sd)\,d\;\mathrm ds$ has norm at most $\|d\|$. If $T$ is nonexpansive, then
# $M(x)h = \lim_{s \to 0}(T(x + sh) - T(x))/s$ has norm at most $\|h\|$. For $k = 1$ and $\gamma = 0$:
# $\langle d, e\rangle = \int_0^1\langle d, J(y + sd)\,d\rangle\,\mathrm ds$, and
# $\langle h, Jh\rangle = \langle h, Sh\rangle$; conversely divide $\langle sh, D(x + sh) - D(x)\rangle$ by $s^2$ and
# let $s \to 0$. $\square$
#
# (ReLU networks are not $C^1$ but Lipschitz; then "for almost all $x$", see the [theory page](../book/theory/coco.md).)
#
# We check it on a map that is neither linear nor symmetric, $D(x) = 0.3\,x + 0.8\,Q\tanh x$ with $Q$ the rotation by
# 60° in the plane. Its best constants $\gamma$ and $k$: from 400,000 random pairs that know nothing of Jacobians, and
# from the norms of the lemma on a grid of points.

# %%
Q = times(complex(math.cos(math.pi / 3), math.sin(math.pi / 3)))
x = 2 * torch.randn(400_000, 2, dtype=torch.float64, generator=generator)
d = 0.3 * torch.rand(400_000, 1, generator=generator) * x.flip(0)
e = 0.3 * d + 0.8 * (torch.tanh(x + d) - torch.tanh(x)) @ Q.T
inner, dd, ee = (d * e).sum(1), (d * d).sum(1), (e * e).sum(1)
pairs = {
    "cocoercive": (inner / ee).min(),
    "pseudo-contractive": ((ee - dd) / (dd - 2 * inner + ee)).max(),
}

# %%
s = torch.linspace(-5, 5, 201, dtype=torch.float64)
slopes = 1 - torch.tanh(torch.cartesian_prod(s, s)) ** 2
J = 0.3 * torch.eye(2) + 0.8 * Q * slopes[:, None, :]
for family, low, high in (
    ("cocoercive", 1e-3, 1.0),
    ("pseudo-contractive", 1 - 1e-6, -1.0),
):
    for _ in range(20):  # bisection: the condition holds at `low`, not at `high`
        half = (low + high) / 2
        holds = Condition("", family, half).norm(J).max() <= 1
        low, high = (half, high) if holds else (low, half)
    letter = {"pseudo-contractive": "k", "cocoercive": "gamma"}[family]
    print(f"{letter}: from pairs {pairs[family]:.3f}, from Jacobians {low:.3f}")
    assert abs(pairs[family] - low) < 0.03

# %% [markdown]
# They agree up to what random pairs miss: a map may stretch some directions ($k > 0$) and still be cocoercive.
#
# ## The ladder
#
# **Theorem 4.** (i) $k$-pseudo-contractive implies $k'$-pseudo-contractive for $k \le k'$, and $\gamma$-cocoercive implies $\gamma'$-cocoercive for
# $\gamma \ge \gamma'$. (ii) $(-1)$-pseudo-contractive = $1$-cocoercive. (iii) *There are no other implications* between conditions
# $k$-pseudo-contractive, $-1 \le k \le 1$, and $\gamma$-cocoercive, $0 \le \gamma \le 1$, than those that follow from (i) and (ii); with
# different constants, no implication of (i) can be reversed. (iv) $\gamma$-cocoercive, $\gamma > 0$, implies $1/\gamma$-Lipschitz (8);
# $k$-pseudo-contractive with $0 \le k < 1$ implies $\tfrac{1+k}{1-k}$-Lipschitz; both constants are attained; monotone and
# pseudo-contractive maps need not be Lipschitz.
#
# *Proof.* (i) $k\|d - e\|^2$ grows with $k$; $\gamma\|e\|^2$ grows with $\gamma$. (ii) Seen above.
#
# (iii) A complex number $z = \rho e^{i\theta}$ acts on the plane $\mathbb R^2 = \mathbb C$ as a denoiser $D(x) = zx$: a
# rotation by $\theta$, scaled by $\rho$. Then $e = zd$, $\langle d, e\rangle = |d|^2\operatorname{Re}z$, so $D$
# satisfies
#
# $$ k\text{-pseudo-contractive} \iff |z|^2 \le 1 + k|1 - z|^2, \qquad \gamma\text{-cocoercive} \iff \operatorname{Re}z \ge \gamma|z|^2 . $$
#
# By Lemma 1 these *regions* are $|k + (1-k)z| \le 1$ and $|2\gamma z - 1| \le 1$:
#
# * $k$-pseudo-contractive: the disc with centre $-\tfrac k{1-k}$ and radius $\tfrac1{1-k}$, real points $-\tfrac{1+k}{1-k}$ to $1$;
#   for $k = 1$ the half-plane $\operatorname{Re}z \le 1$;
# * $\gamma$-cocoercive: centre and radius $\tfrac1{2\gamma}$, real points 0 to $\tfrac1\gamma$; for $\gamma = 0$ the
#   half-plane $\operatorname{Re}z \ge 0$.
#
# If one region is not contained in another, some $z$ in the difference is a denoiser with the first condition and
# without the second. Two discs of one kind with different constants differ in their real points, or in $1 + i$, or in
# $i$. Discs of different kinds: for $k > -1$ the $k$-pseudo-contractive one has a real point below 0, which no cocoercive region has; for $\gamma <
# 1$ the $\gamma$-cocoercive one has a real point above 1, which no pseudo-contractive region has. So a condition weaker
# than firm never implies one of the other kind. (iv) $\gamma\|e\|^2 \le \|d\|\,\|e\|$; and $(1-k)\|e\| \le \|kd + (1-k)e\| + k\|d\| \le (1+k)\|d\|$; attained at
# the real points $\tfrac1\gamma$ and $-\tfrac{1+k}{1-k}$. On the line $x^3$ is monotone and $x - x^3$
# pseudo-contractive. $\square$
#
# So **between conditions, the picture decides**: one implies another exactly if its region is contained in the other's.
# The cell asks a machine for the whole table. "implies": no violation among our 20,000 matrices; else a $z$ that
# separates.

# %%
candidates = [-1, 1j, -2, 1 + 1j, 1 - 1j, 3, -1j, 2]
z = torch.tensor(candidates, dtype=torch.complex128)
margins = {c.name: c.margin(many) for c in LADDER}
table = pd.DataFrame("", [c.name for c in LADDER], [c.name for c in LADDER])
for a in LADDER:
    for b in LADDER:
        split = (a.at(z) > -1e-12) & (b.at(z) < -1e-9)
        broken = (margins[a.name] >= 0) & (margins[b.name] < -1e-9)
        assert bool(split.any()) == (not a.implies(b))  # Theorem 4 (iii)
        assert not (a.implies(b) and broken.any())  # Theorem 4 (i), (ii)
        found = str(candidates[int(split.int().argmax())]).strip("()")
        table.loc[a.name, b.name] = f"z = {found}" if split.any() else "implies"
letters = {"pseudo-contractive": "k", "cocoercive": "γ"}
short = {c.name: f"{letters[c.family]} = {c.constant:g}" for c in LADDER}
table.rename(columns=short)

# %% mystnb={"image": {"alt": "A diagram in the form of a V. At the foot: firmly nonexpansive. Left side upwards: nonexpansive, 0.9-strictly pseudo-contractive, pseudo-contractive. Right side upwards: residual nonexpansive, 1/4-cocoercive, monotone. Arrows point upwards only; beside each stands a number z that separates its two conditions. A dotted line in the middle is the mirror, D and I minus D"}}
witnesses = {}
for family, numbers in (
    ("pseudo-contractive", ("i", "-2", "1 + i")),
    ("cocoercive", ("1 - i", "3", "-i")),
):
    rungs = [FIRM, *(c for c in LADDER if c.family == family and c != FIRM)]
    for lower, upper, number in zip(rungs, rungs[1:], numbers, strict=False):
        value = complex(number.replace(" ", "").replace("i", "1j"))
        point = torch.tensor(value, dtype=torch.complex128)
        assert lower.at(point) < 0 <= upper.at(point) + 1e-12
        witnesses[lower.name, upper.name] = f"z = {number}"
complex_plane.ladder_figure(witnesses)

# %% [markdown]
# *Figure 1.* Arrows are implications; the number $z$ beside one has the upper property and not the lower. Note the pairs
# $z$ and $1 - z$. Two consequences are easy to get wrong. *Both sides together do not give firm:* $z = e^{i\pi/3}$ has
# $|z| = 1$ and $|z - 1| = 1$, but $|2z - 1| = \sqrt3$. And *strict pseudo-contractivity is not a weaker form of
# residual nonexpansiveness*, though it is called "much weaker" ([B], introduction): $D = 2I$ has a nonexpansive
# residual $-I$ and is not even pseudo-contractive. Neither implies the other.
#
# The regions, as in [B], Figure 1 (left):

# %% mystnb={"image": {"alt": "Two panels of the complex plane. Left: nested discs through the point 1 to the left of the vertical line through 1: firm, nonexpansive, two strictly pseudo-contractive ones, growing towards the half-plane. Right: nested discs through 0 to the right of the imaginary axis: firm, residual nonexpansive, one-quarter cocoercive, growing towards the right half-plane"}}
z = torch.exp(1j * torch.tensor(math.pi / 3, dtype=torch.float64))
both = LADDER[1], LADDER[4]
print(f"e^(i pi/3): |z| = {abs(z):.2f}, |z - 1| = {abs(z - 1):.2f}")
print(f"            |2z - 1| = {abs(2 * z - 1):.2f}")
assert all(c.at(z) > -1e-12 for c in both)
assert FIRM.at(z) < -0.4
more = (
    *LADDER,
    Condition("1/2-strictly pseudo-contractive", "pseudo-contractive", 0.5),
)
complex_plane.regions_figure(more)

# %% [markdown]
# *Figure 2.* The regions of the conditions; all boundaries on the left pass through 1, all on the right through 0.
#
# A *conservative* denoiser is the gradient of a function, so $J$ is symmetric and its eigenvalues are real; if it is also
# $\gamma$-cocoercive, they lie in the segment $[0, 1/\gamma]$.
#
# **Exercise 1.** For $D(x) = zx$ with a complex number $z \ne 0, 1$: the smallest real number $k$ with
# $\|e\|^2 \le \|d\|^2 + k\|d - e\|^2$, and the largest real number $\gamma$ with
# $\langle d, e\rangle \ge \gamma\|e\|^2$, as formulas. (They may leave $k \le 1$ or $\gamma \ge 0$; then $D$ is on no
# condition of that kind.) The check measures both on pairs of points.
#
# <details>
# <summary>Solution</summary>
#
# $|z|^2 \le 1 + k|1-z|^2$ and $\operatorname{Re}z \ge \gamma|z|^2$, so $k = (|z|^2 - 1)/|1-z|^2$ and
# $\gamma = \operatorname{Re}z/|z|^2$. If $k > 1$, the map is not pseudo-contractive; if $\gamma < 0$, it is not
# monotone.
#
# </details>


# %%
def mine(z):
    return 0.0, 0.0  # replace by your (k, gamma)


print(checks.check_constants(mine))


# %% tags=["hide-cell", "solution"]
def given(z):
    return (abs(z) ** 2 - 1) / abs(1 - z) ** 2, z.real / abs(z) ** 2


assert checks.check_constants(given) == "right"

# %% [markdown]
# ## What eigenvalues say, and what they hide
#
# Since the spectral radius is at most the spectral norm, $\|2\gamma J - I\|_\ast \le 1$ puts every eigenvalue of $J$
# into the disc (11), (12). The converse is false, and between eigenvalues and norm there is a third object. The
# *numerical range* of $J$ is
#
# $$ W(J) = \{\,v^{\ast} J v : v \in \mathbb C^n,\ \|v\| = 1\,\}, $$
#
# with $v^{\ast}$ the row vector of the complex conjugated entries. It contains the eigenvalues (take a unit
# eigenvector).
#
# **Proposition 5 (three tests).** Let $M = aI + bJ$, $J$ real. Consider (N) $\|M\|_\ast \le 1$; (W) $|a + bw| \le 1$
# for all $w \in W(J)$; (E) $|a + b\lambda| \le 1$ for all eigenvalues. Then (N) $\Rightarrow$ (W) $\Rightarrow$ (E). If
# $J$ is *normal*, $JJ^{\mathsf T} = J^{\mathsf T}J$, all three are equivalent. In general no arrow can be reversed; but
# (W) still gives $\|M\|_\ast \le 2$, and (E) gives no bound at all ($b \ne 0$). For the half-planes,
# $\lambda_{\max}(S)$ *is* the largest real part in $W(J)$: (W) is the condition. Finally every eigenvalue satisfies
# $\lambda_{\min}(S) \le \operatorname{Re}\lambda \le \lambda_{\max}(S)$ and
# $|\operatorname{Im}\lambda| \le \tfrac12\|J - J^{\mathsf T}\|_\ast$ (Bendixson).
#
# *Proof.* $|a + bv^{\ast}Jv| = |v^{\ast}Mv| \le \|M\|_\ast$; eigenvalues are in $W(J)$. A real normal $J$ is
# $U\operatorname{diag}(\lambda)U^{\ast}$ with $U$ unitary (a real matrix has the same norm on complex vectors), so $\|M\|_\ast = \max|a + b\lambda|$. With $M = S_M + H_M$,
# symmetric and antisymmetric part, $\operatorname{Re}v^{\ast}Mv = v^{\ast}S_Mv$ and
# $i\operatorname{Im}v^{\ast}Mv = v^{\ast}H_Mv$; $S_M$ and $iH_M$ are Hermitian, so their norms are the largest
# $|v^{\ast}S_Mv|$ and $|v^{\ast}H_Mv|$, both at most 1 under (W), and $\|M\|_\ast \le 2$. The same two formulas for $J$
# itself, at a unit eigenvector, are Bendixson's bounds; and $\max_v v^{\ast}Sv = \lambda_{\max}(S)$. The examples
# follow. $\square$
#
# **The example.** $J_\eta = \begin{pmatrix}1/2 & \eta\\ 0 & 1/2\end{pmatrix}$, $\eta \ge 0$. Both eigenvalues are $\tfrac12$.
# With $v = (v_1, v_2)$, $v^{\ast}J_\eta v = \tfrac12 + \eta\,\bar v_1v_2$, and $\bar v_1v_2$ runs through the disc of radius
# $\tfrac12$: $W(J_\eta)$ is the disc with centre $\tfrac12$ and radius $\tfrac\eta2$. And
# $M = \begin{pmatrix}c & \beta\\ 0 & c\end{pmatrix}$, $|c| \le 1$, has norm at most 1 exactly if $|\beta| \le 1 - c^2$.
#
# <details>
# <summary>Why</summary>
#
# The singular values $s_1 \ge s_2$ satisfy $s_1s_2 = |\det M| = c^2$ and $s_1^2 + s_2^2 = 2c^2 + \beta^2$. So
# $(1 - s_1^2)(1 - s_2^2) = 1 - 2c^2 - \beta^2 + c^4 = (1 - c^2)^2 - \beta^2$. If $s_1 \le 1$, the left side is $\ge 0$.
# If $s_1 > 1$, then $s_2 < 1$ (as $s_1s_2 = c^2 \le 1$), and it is negative. $\square$
#
# </details>
#
# For $\gamma > 0$, $2\gamma J_\eta - I$ has $c = \gamma - 1$ and $\beta = 2\gamma\eta$: $\gamma$-cocoercive holds for
# $\eta \le 1 - \tfrac\gamma2$. For $k < 1$, $kI + (1-k)J_\eta$ has $c = \tfrac{1+k}2$ and $\beta = (1-k)\eta$: $k$-pseudo-contractive holds
# for $\eta \le \tfrac{3+k}4$. The symmetric part has the eigenvalues $\tfrac{1 \pm \eta}2$, so for the half-planes,
# $\gamma = 0$ and $k = 1$, the formulas give the right answer too, $\eta \le 1$. Test (E) is passed always; test (W) for
# $\eta \le 1$, whatever the condition: $W(J_1)$ *is* the firm disc, contained in every region, and for $\eta > 1$ the real
# points of $W(J_\eta)$ leave $[0, 1]$ at both ends: they go below 0, where no cocoercive region has points, and
# above 1, where no pseudo-contractive region has any. The cell finds the thresholds by bisection.

# %%
thresholds = {}
for c in LADDER:
    k_side = c.family == "pseudo-contractive"
    formula = (3 + c.constant) / 4 if k_side else 1 - c.constant / 2
    found = []
    for which in (2, 1):  # `tests` are (E), (W), (N) in this order
        low, high = 0.0, 4.0
        for _ in range(40):
            eta = (low + high) / 2
            passed = c.tests(sheared(eta))[which] <= 1
            low, high = (eta, high) if passed else (low, eta)
        found.append(low)
    always = c.tests(sheared(1000.0))[0] <= 1
    thresholds[c.name] = [
        f"{found[0]:.3f}",
        f"{found[1]:.3f}",
        "any η" if always else "",
    ]
    assert abs(found[0] - formula) < 1e-6
    assert abs(found[1] - 1) < 5e-3  # W is drawn by finitely many points
    assert always
columns = ["condition holds to η", "(W) to η", "(E)"]
pd.DataFrame(thresholds, columns).T

# %% [markdown]
# Now the question of the beginning. Take $J_3$ as denoiser, and the projection $P = uu^{\mathsf T}$ onto the line
# $x_1 = x_2$, $u = (1, 1)/\sqrt2$. Each pass multiplies the point on the line by
# $\langle u, J_3u\rangle = \tfrac12 + \tfrac32 = 2$.

# %% mystnb={"image": {"alt": "Three panels with the hatched disc of firm nonexpansiveness. In all of them the eigenvalues are one dot at one half. The shaded numerical range is a disc around it: half as large as the hatched one, equal to it, and three times as large"}}
P = torch.full((2, 2), 0.5, dtype=torch.float64)
start = torch.tensor([0.1, 0.1], dtype=torch.float64)
path = orbit(lambda x: P @ (sheared(3.0) @ x), start, 20)
growth = float(path[-1].norm() / path[-2].norm())
largest = float(torch.linalg.eigvalsh((sheared(3.0) + sheared(3.0).T) / 2)[-1])
print(f"growth per pass {growth:.6f}; largest eigenvalue of S {largest:.6f}")
assert abs(growth - 2) < 1e-9
assert abs(largest - 2) < 1e-12
complex_plane.ranges_figure(
    {f"η = {eta}": sheared(eta) for eta in (0.5, 1.0, 3.0)}, FIRM
)

# %% [markdown]
# *Figure 3.* The eigenvalue of $J_\eta$ (dot), its numerical range (shaded), and the region of firm (hatched).
#
# Yes: it doubles at every pass. Eigenvalues belong to $J$ *alone*; a loop composes $J$ with other maps, and a
# composition has other eigenvalues. Norms survive composition ($\|PJ\|_\ast \le \|P\|_\ast\|J\|_\ast$), which is why
# the theorems below ask for norms. In the middle panel even $W(J)$ fits into the disc, exactly, and
# $\|2J_1 - I\|_\ast = 2$: the bound of Proposition 5 is attained.
#
# So keep apart: to *compare conditions*, regions decide (Theorem 4). To *test a denoiser*, eigenvalues in the region
# are necessary, not sufficient, unless $J$ is normal; a conservative denoiser's is.
#
# ## The true spectra of the course's denoisers
#
# Three noisy blocks of $8\times8$ pixels from a photograph (the flattest, the median and the busiest one), small enough
# for the whole Jacobian: 192 rows in colour, 64 in gray. We take every shipped denoiser of Gaussian noise.


# %%
def noisy_blocks(channels):
    photograph = images.to_channels(images.photo("chelsea", 64), channels)
    draw = torch.Generator().manual_seed(0)
    cut = conditions.blocks(photograph).items()
    return {p: x + 25 / 255 * torch.randn(x.shape, generator=draw) for p, x in cut}


jacobians, symmetric = {}, {}
for name in available_denoisers():
    card = denoiser_card(name)
    if card["training"].get("noise", "gaussian") != "gaussian":
        continue
    network = load_denoiser(name)
    D = at_sigma(network, 25 / 255)
    cut = noisy_blocks(card["config"]["in_channels"])
    jacobians[name] = {patch: conditions.jacobian(D, x) for patch, x in cut.items()}
    symmetric[name] = getattr(network, "conservative", False)
print(
    f"{len(jacobians)} denoisers, {sum(symmetric.values())} conservative by construction"
)

# %% [markdown]
# First we check the tools: the same matrix row by row (`dense`), and its norms from products $Jv$ and $J^{\mathsf T}w$
# alone (`operator_norm`), which also works for large images. Then a table, for each denoiser the worst of the patches.

# %%
block, network = noisy_blocks(3)["busy"], load_denoiser("drunet")
J = jacobians["drunet"]["busy"]
assert (dense(at_sigma(network, 25 / 255), block)[0] - J).abs().max() < 1e-4
lin = linearize(network, block, 25 / 255)
for c in (LADDER[1], FIRM):
    probe = torch.randn(block.shape, generator=generator)
    krylov = float(operator_norm(affine(lin, *c.coefficients), probe, 40))
    print(f"{c.name}: norm {float(c.norm(J)):.4f}, from products {krylov:.4f}")
    assert abs(krylov / float(c.norm(J)) - 1) < 1e-2
rows = {}
for name, patches in jacobians.items():
    parts = []
    for J in patches.values():
        values, S = torch.linalg.eigvals(J), torch.linalg.eigvalsh((J + J.T) / 2)
        skew = float(torch.linalg.matrix_norm(J - J.T, 2))
        parts.append(
            [*(values.real.aminmax()), values.imag.max(), S[0], S[-1], skew]
        )
        low, high, turn = (float(v) for v in parts[-1][:3])
        assert S[0] - 1e-6 <= low <= high <= S[-1] + 1e-6  # Proposition 5
        assert turn <= skew / 2 + 1e-6
    part = torch.tensor(parts)
    rows[name] = [*part[:, [0, 3]].amin(0), *part[:, [1, 4, 2, 5]].amax(0)]
columns = ["min Re λ", "min of S", "max Re λ", "max of S", "max Im λ", "‖J - Jᵀ‖"]
pd.DataFrame(rows, columns).T.astype(float).round(2)

# %% [markdown]
# For conservative networks the columns come in equal pairs. For a normal $J$, $\|J - J^{\mathsf T}\|_\ast$ would be
# exactly twice the largest imaginary part. For `drunet` the spectrum looks almost real, and yet the asymmetry is many
# times that: its Jacobian is *not normal*, and the eigenvalues hide it. So here are,
# for every condition, two of the three tests at the worst patch, "eigenvalues / exact", each wanted at most 1. A star
# marks a denoiser that the picture accepts and the norm rejects, if only by digits that are not printed.

# %%
tests = {}
for name, patches in jacobians.items():
    tests[name] = {}
    for c in LADDER:
        each = [c.tests(J, torch.linalg.eigvals(J)) for J in patches.values()]
        by_eye, exact = (max(t[i] for t in each) for i in (0, 2))
        assert by_eye <= exact + 1e-6  # Proposition 5
        assert not symmetric[name] or exact - by_eye < 1e-3  # normal: the same
        star = " *" if by_eye <= 1 < exact else ""
        tests[name][short[c.name]] = f"{by_eye:.2f} / {exact:.2f}{star}"
        if name == "drunet":
            assert exact > 1.005
            assert c != FIRM or exact - by_eye > 0.05
low, high, turn, skew = (rows["drunet"][i] for i in (1, 3, 4, 5))
assert low < -0.005
assert high > 1.05
assert skew > 3 * turn
pd.DataFrame(tests).T

# %% [markdown]
# See the row of `drunet`, trained for accuracy alone: **no condition comes for free.** Its $S$ has eigenvalues above 1, so
# it is not $k$-pseudo-contractive for any $k \le 1$; and below 0, so it is not $\gamma$-cocoercive for any $\gamma \ge 0$.
# And it is further from firm than its eigenvalues suggest.
# Training for a condition moves the spectrum. Two cautions: these are three small patches, the [denoiser
# page](../book/zoo.md) has 64 larger ones; and a *gradient-step* denoiser contains the transposed Jacobian of a network, which with
# ReLU jumps: such a denoiser is not even continuous, and Jacobians say nothing about pairs across a jump.
#
# **Explore.** Live: choose a denoiser and a condition; on the website, use the frames below. Left: eigenvalues over the
# region; middle: close up, with the numerical range of the worst patch in blue (vertical axis stretched); right: the
# three tests of every condition, dot (E), bar (W), square (exact).


# %% tags=["nbval-ignore-output", "remove-output"]
ranges, worst = {}, {}
for name, patches in jacobians.items():
    worst[name] = max(patches, key=lambda p: float(FIRM.norm(patches[p])))
    ranges[name] = conditions.numerical_range(patches[worst[name]], 20)


def draw(denoiser, condition):
    patches, patch = jacobians[denoiser], worst[denoiser]
    return complex_plane.spectrum_figure(
        denoiser,
        {p: torch.linalg.eigvals(J) for p, J in patches.items()},
        patch,
        patches[patch],
        ranges[denoiser],
        next(c for c in LADDER if c.name == condition),
    )


sliders = {"denoiser": list(jacobians), "condition": list(short)}
control = interact(
    draw, **{k: SelectionSlider(options=v) for k, v in sliders.items()}
)

# %%
frames = [figure_as_image(draw(name, "nonexpansive")) for name in jacobians]
frame_slider(
    frames,
    list(jacobians),
    alt="Spectra of each shipped denoiser at three patches over the unit disc",
    height=200,
    start=list(jacobians).index("drunet"),
)

# %% [markdown]
# *Figure 4.* Spectra of all shipped denoisers over the unit disc; explained above.
#
# **Exercise 2.** Which *ordinary* filters stand where? Let `mine(J)` return the list of the names of those
# conditions of `LADDER` that the matrix $J$ satisfies, and whether $J$ is normal; `condition.margin(J)` is a tensor with
# one number, negative if the condition fails, up to rounding. The check asks about a $3\times3$ mean, a Gaussian blur, a
# one-sided average, a median linearised at a signal, and $J_\eta$. Think first, then look at `checks.filters()`.
#
# <details>
# <summary>Solution</summary>
#
# With a periodic boundary the three linear filters are circulant, so normal, and the picture decides. The mean has real
# eigenvalues from $-\tfrac13$ to 1: nonexpansive, not monotone. A Gaussian blur with a positive transfer function is in
# $[0, 1]$: firm. The one-sided average $\tfrac12(I + \text{shift})$ has $z = \tfrac12(1 + e^{i\omega})$, on the firm
# circle: firm. The median's Jacobian has one 1 in each row; where several rows choose the same pixel, its norm is the root
# of their number: not nonexpansive, and not normal.
#
# </details>


# %%
def mine(J):
    return [], True  # replace by the names that hold, and whether J is normal


print(checks.check_rungs(mine))


# %% tags=["hide-cell", "solution"]
def given(J):
    names = [c.name for c in LADDER if c.margin(J) > -1e-9]
    return names, bool(torch.allclose(J @ J.T, J.T @ J))


assert checks.check_rungs(given) == "right"
for name, matrix in checks.filters().items():
    names, normal = given(matrix)
    print(f"{name}: {names[0] if names else 'none'}, normal: {normal}")

# %% [markdown]
# ## What pseudo-contractivity buys: fixed points
#
# A plug-and-play loop is $x_{m+1} = T(x_m)$. Nonexpansive $T$ alone is not enough: the rotation by 90° moves every
# point but 0 for ever. Averaging with the identity repairs that.
#
# **Theorem 6 (Krasnoselskii-Mann).** Let $R:\mathbb R^n \to \mathbb R^n$ be nonexpansive with a fixed point,
# $0 \le \alpha_m \le 1$, $\sum\alpha_m(1 - \alpha_m) = \infty$, $x_{m+1} = (1 - \alpha_m)x_m + \alpha_mR(x_m)$. For
# every fixed point $p$ the distance $\|x_m - p\|$ does not increase, $(x_m)$ converges to a fixed point, and
#
# $$ \|R(x_M) - x_M\|^2 \le \frac{\|x_0 - p\|^2}{\sum_{m \le M}\alpha_m(1 - \alpha_m)} . $$
#
# *Proof.* For all vectors and real $\alpha$ (expand both sides)
#
# $$ \|(1-\alpha)u + \alpha v\|^2 = (1-\alpha)\|u\|^2 + \alpha\|v\|^2 - \alpha(1-\alpha)\|u - v\|^2 . \qquad (\ast) $$
#
# With $u = x_m - p$, $v = R(x_m) - p$, $\|v\| \le \|u\|$ and $r_m = R(x_m) - x_m$:
# $\|x_{m+1} - p\|^2 \le \|x_m - p\|^2 - \alpha_m(1-\alpha_m)\|r_m\|^2$. So distances do not increase, and by summation
# $\sum\alpha_m(1-\alpha_m)\|r_m\|^2 \le \|x_0 - p\|^2$.
#
# <details>
# <summary>The rest of the proof: the rate, and why the sequence converges</summary>
#
# First, $\|r_m\|$ does not increase:
# $R(x_{m+1}) - x_{m+1} = \bigl(R(x_{m+1}) - R(x_m)\bigr) + (1 - \alpha_m)r_m$ has norm at most
# $\|x_{m+1} - x_m\| + (1-\alpha_m)\|r_m\| = \|r_m\|$. So in the sum every $\|r_m\|$ may be replaced by the last, the
# smallest: that is the rate, and $r_m \to 0$. The sequence is bounded; let $x_{m_j} \to q$. By continuity $R(q) = q$.
# So $\|x_m - q\|$ does not increase, and tends to 0 along a subsequence; hence it tends to 0. $\square$
#
# </details>
#
# $T$ is *averaged* if $T = (1-\alpha)I + \alpha R$, $0 < \alpha < 1$, $R$ nonexpansive. As $R = kI + (1-k)T$ with
# $k = 1 - \tfrac1\alpha$, Lemma 1 says: **averaged is $k$-pseudo-contractive with $k = 1 - \tfrac1\alpha < 0$**: the
# conditions stronger than nonexpansive, firm being $\alpha = \tfrac12$. The cell takes for $R$ the projection onto the line $x_2 = 1$, then onto the unit disc. They
# touch in one point, $p = (0, 1)$, which makes it slow. Last line: the rotation, not averaged.


# %%
def project_twice(x):
    x = torch.stack((x[0], torch.ones_like(x[1])))  # onto the line
    return x / x.norm().clamp_min(1)  # onto the disc


first = torch.tensor([3.0, -2.0], dtype=torch.float64)
p = torch.tensor([0.0, 1.0], dtype=torch.float64)
for alpha in (0.5, 0.9):
    path = orbit(lambda x, a=alpha: (1 - a) * x + a * project_twice(x), first, 4000)
    r = torch.stack([(project_twice(x) - x).norm() for x in path])
    away = torch.stack([(x - p).norm() for x in path])
    bound = (first - p).norm() / (
        alpha * (1 - alpha) * torch.arange(1, 4002)
    ).sqrt()
    print(f"alpha {alpha}: residual {r[-1]:.1e} (bound {bound[-1]:.1e}),", end=" ")
    print(f"distance from p {away[0]:.2f} -> {away[-1]:.3f}")
    assert (r <= bound).all()
    assert r.diff().max() <= 1e-12
    assert away.diff().max() <= 1e-12
    assert away[-1] < 0.05
turned = orbit(lambda x: times(1j) @ x, first, 400)[-1]
print(f"rotation: distance {turned.norm() / first.norm():.3f} of the first")
assert abs(turned.norm() / first.norm() - 1) < 1e-12

# %% [markdown]
# **Lemma 7 (composition).** Let $T_1$ be $(-\kappa_1)$-pseudo-contractive, $T_2$ $(-\kappa_2)$-pseudo-contractive, $\kappa_i \ge -1$,
# $\kappa_1 + \kappa_2 > 0$. Then $T_1 \circ T_2$ satisfies the inequality of a $(-\kappa)$-pseudo-contractive map with
# $\kappa = \dfrac{\kappa_1\kappa_2}{\kappa_1 + \kappa_2}$ ("$\tfrac1\kappa = \tfrac1{\kappa_1} + \tfrac1{\kappa_2}$").
#
# *Proof.* Let $d$ go in, $d_2 = d - f_2$ come out of $T_2$ and $d_1 = d_2 - f_1$ of $T_1$. The two hypotheses give
# $\|d_1\|^2 \le \|d\|^2 - \kappa_2\|f_2\|^2 - \kappa_1\|f_1\|^2$, the total residual is $f = f_1 + f_2$, and
#
# $$ \kappa_1\|f_1\|^2 + \kappa_2\|f_2\|^2 - \frac{\kappa_1\kappa_2}{\kappa_1 + \kappa_2}\|f_1 + f_2\|^2
# = \frac{\|\kappa_1f_1 - \kappa_2f_2\|^2}{\kappa_1 + \kappa_2} \ge 0 . \qquad\square $$
#
# **Corollary 8.** Let $G$ be convex with an $L_G$-Lipschitz gradient, $0 < \lambda < 2/L_G$, $D$ averaged, and let
# $T = D(I - \lambda\nabla G)$ have a fixed point. Then PnP-PGD, $x_{m+1} = T(x_m)$, converges to one. The same holds
# for $T = D \circ \operatorname{prox}_{\lambda G}$ with any closed proper convex $G$ and $\lambda > 0$.
#
# *Proof.* $\nabla G$ is $\tfrac1{L_G}$-cocoercive (Baillon and Haddad; [proof](../book/theory/coco_special_cases.md)),
# so $\lambda\nabla G$ is $(\tfrac1{\lambda L_G})$-cocoercive, and by Lemma 2 $I - \lambda\nabla G$ is $(-\kappa_2)$-pseudo-contractive with
# $\kappa_2 = \tfrac2{\lambda L_G} - 1 > 0$. A proximal operator of a convex function is firm, $\kappa_2 = 1$. By Lemma 7 $T$
# is $(-\kappa)$-pseudo-contractive with $\kappa > 0$, averaged; Theorem 6 with constant $\alpha_m = \alpha$ and the $R$ of $T$, which
# has the same fixed points. $\square$
#
# **Expansive, and still convergent.** A $k$-pseudo-contractive map with $0 < k < 1$ may have $\|J\|_\ast$ up to
# $\tfrac{1+k}{1-k}$; but its region has no point to the right of 1. Shorter steps suffice:
#
# **Theorem 9 (Browder and Petryshyn).** Let $T$ be $k$-strictly pseudo-contractive, $0 \le k < 1$, with a fixed point,
# and $0 < \alpha < 1 - k$. Then $x_{m+1} = (1-\alpha)x_m + \alpha T(x_m)$ converges to a fixed point. The bound cannot
# be improved.
#
# *Proof.* $R = kI + (1-k)T$ is nonexpansive by Lemma 1, with the fixed points of $T$, and
# $(1-\alpha)I + \alpha T = \bigl(1 - \tfrac\alpha{1-k}\bigr)I + \tfrac\alpha{1-k}R$: Theorem 6. Sharp: $T = zI$ with
# the real point $z = -\tfrac{1+k}{1-k}$ gives $x_{m+1} = (1 - \tfrac{2\alpha}{1-k})x_m$, which converges only for
# $\alpha < 1-k$. $\square$
#
# **Exercise 3: RED.** Let $f$ be convex with an $L$-Lipschitz gradient and $D$ $k$-pseudo-contractive, $k < 1$. Prove
# that $x \mapsto x - \mu\bigl(\lambda\nabla f(x) + x - D(x)\bigr)$ is averaged for $0 < \mu < \mu_0$, and find
# $\mu_0$; `mine(L, k, weight)` returns it, `weight` being $\lambda$. *Hint:* Lemma 2, and "a sum of a $\gamma_1$- and a $\gamma_2$-cocoercive map is cocoercive". The check
# takes $f = \tfrac L2|x|^2$ and the worst $z$ of the disc.
#
# <details>
# <summary>Solution</summary>
#
# $\nabla f$ is $(1/L)$-cocoercive, so $\lambda\nabla f$ is $(\tfrac1{\lambda L})$-cocoercive; $I - D$ is $\tfrac{1-k}2$-cocoercive.
# For a sum, $\langle d, e_1 + e_2\rangle \ge \gamma_1\|e_1\|^2 + \gamma_2\|e_2\|^2 \ge \gamma\|e_1 + e_2\|^2$ with
# $\tfrac1\gamma = \tfrac1{\gamma_1} + \tfrac1{\gamma_2}$ (the identity of Lemma 7). So $B = \lambda\nabla f + I - D$
# has $\tfrac1\gamma = \lambda L + \tfrac2{1-k}$; $\mu B$ is $\gamma/\mu$-cocoercive, and by the mirror $I - \mu B$ is
# $(1 - 2\gamma/\mu)$-pseudo-contractive: averaged if $\mu < 2\gamma = \mu_0 = 2/\bigl(\lambda L + \tfrac2{1-k}\bigr)$.
#
# </details>


# %%
def mine(L, k, weight):
    return 1.0  # replace by your mu_0


print(checks.check_largest_step(mine))


# %% tags=["hide-cell", "solution"]
def given(L, k, weight):
    return 2 / (weight * L + 2 / (1 - k))


assert checks.check_largest_step(given) == "right"

# %% [markdown]
# **A design rule explained.** PnPI-HQS (Wei and others 2024) iterates $T = D_t \circ \operatorname{prox}_{\lambda G}$
# with $D_t = tD + (1-t)I$ and a $k$-strictly pseudo-contractive $D$. From $I - D_t = t(I - D)$ and Lemma 2, $D_t$ is
# $k_t$-pseudo-contractive, $k_t = 1 - \tfrac{1-k}t$. Lemma 7 with $\kappa_1 = -k_t$ and $\kappa_2 = 1$: $T$ satisfies the inequality with $k$
# replaced by $l = \tfrac{k_t}{1 - k_t} = \tfrac t{1-k} - 1$. It is pseudo-contractive if $l \le 1$, that is **$t \le 2(1-k)$**:
# with $k = 0.9$ this is $t \le 0.2$, exactly the authors' choice. The cell measures the smallest $l$ on products $zz'$
# of complex numbers on the two circles, near 1; and it tests whether $T = D_tP$ is pseudo-contractive for the worst
# $D_t = z$ of the circle and a projection $P = uu^{\mathsf T}$ of the plane: the largest eigenvalue of its symmetric
# part is $\tfrac12(\operatorname{Re}z + |z|)$ (theory page).

# %%
k, rule = 0.9, {}
turn = torch.exp(1j * torch.linspace(1e-3, math.pi, 4000, dtype=torch.float64))
near = torch.exp(1j * torch.linspace(-0.01, 0.01, 400, dtype=torch.float64))
for t in (0.05, 0.1, 0.15, 0.2, 0.25):
    centre, radius = Condition("", "pseudo-contractive", 1 - (1 - k) / t).disc
    product = (centre + radius * near[:, None]) * (0.5 + 0.5 * near)  # D_t, firm
    l = float(((product.abs() ** 2 - 1) / (1 - product).abs() ** 2).max())
    z = centre + radius * turn
    largest = float((z.real + z.abs()).max() / 2)
    rule[t] = [round(t / (1 - k) - 1, 2), round(l, 2) + 0.0, largest <= 1 + 1e-9]
    assert abs(l - (t / (1 - k) - 1)) < 0.01
    assert rule[t][2] == (t <= 2 * (1 - k) + 1e-9)
columns = ["l = t/(1 - k) - 1", "l measured", "D_t P pseudo-contractive"]
pd.DataFrame(rule, columns).T.rename_axis("t")

# %% [markdown]
# At $t = 2(1-k)$ we are at $l = 1$. All that Lemma 7 then says of $T$ is pseudo-contractivity (for $t < 1-k$ even the
# plain loop converges, if $T$ has a fixed point), and for pseudo-contractive maps averaging can fail: $T(x) = (1 + i)x$ is pseudo-contractive, its only fixed point is 0, and
# $(1-\alpha)x + \alpha T(x) = (1 + i\alpha)x$ is *longer* than $x$ for every $\alpha \ne 0$, whatever sequence one
# tries. Ishikawa's idea: look where $T$ would lead, and evaluate it *there*.
#
# **Theorem 10 (Ishikawa).** Let $T:\mathbb R^n \to \mathbb R^n$ be pseudo-contractive and $L$-Lipschitz, with a fixed
# point. Let $0 \le \alpha_m \le \beta_m \le 1$, $\sum\alpha_m\beta_m = \infty$, and $\beta_m \le \bar\beta$ for all large $m$,
# with $\bar\beta < \bigl(\sqrt{1 + L^2} - 1\bigr)/L^2$. (So $\beta_m \to 0$ will do.) Then
#
# $$ w_m = (1-\beta_m)x_m + \beta_mT(x_m), \qquad x_{m+1} = (1-\alpha_m)x_m + \alpha_mT(w_m) $$
#
# converges to a fixed point of $T$.
#
# *Proof.* The heart is, for every fixed point $p$ and $r_m = T(x_m) - x_m$,
#
# $$ \|x_{m+1} - p\|^2 \le \|x_m - p\|^2 - \alpha_m\beta_m\bigl(1 - 2\beta_m - L^2\beta_m^2\bigr)\|r_m\|^2 . \qquad (\ast\ast) $$
#
# The bracket is at least $1 - 2\bar\beta - L^2\bar\beta^2 > 0$ for large $m$. So distances do not increase from some $m$ on,
# $\sum\alpha_m\beta_m\|r_m\|^2 < \infty$, hence $r_{m_j} \to 0$ along a subsequence; by boundedness we may take
# $x_{m_j} \to q$, and $T(q) = q$ by continuity. Now use $p = q$: $\|x_m - q\|$ does not increase and has the limit 0
# along a subsequence. $\square$
#
# <details>
# <summary>Proof of the inequality</summary>
#
# Drop the index $m$. Pseudo-contractivity, between any $y$ and $p$, says $\|T(y) - p\|^2 \le \|y - p\|^2 + \|y - T(y)\|^2$. By
# $(\ast)$ for $w$, and this inequality at $y = x$,
#
# $$ \|w - p\|^2 = (1-\beta)\|x - p\|^2 + \beta\|T(x) - p\|^2 - \beta(1-\beta)\|r\|^2 \le \|x - p\|^2 + \beta^2\|r\|^2 . $$
#
# By $(\ast)$ again, for $w - T(w) = (1-\beta)(x - T(w)) + \beta(T(x) - T(w))$, and
# $\|T(x) - T(w)\| \le L\|x - w\| = L\beta\|r\|$,
#
# $$ \|w - T(w)\|^2 \le (1-\beta)\|x - T(w)\|^2 + L^2\beta^3\|r\|^2 - \beta(1-\beta)\|r\|^2 . $$
#
# The inequality at $y = w$ adds the two:
# $\|T(w) - p\|^2 \le \|x - p\|^2 + (1-\beta)\|x - T(w)\|^2 - \beta(1 - 2\beta - L^2\beta^2)\|r\|^2$. Finally $(\ast)$
# for $x_{m+1} - p$:
#
# $$ \|x_{m+1} - p\|^2 = (1-\alpha)\|x - p\|^2 + \alpha\|T(w) - p\|^2 - \alpha(1-\alpha)\|x - T(w)\|^2 , $$
#
# and the terms with $\|x - T(w)\|^2$ have the coefficient
# $\alpha(1-\beta) - \alpha(1-\alpha) = \alpha(\alpha-\beta) \le 0$. $\square$
#
# </details>
#
# For $T = (1 + i)I$ we have $L^2 = 2$, and with $\alpha = \beta$ one step multiplies $x$ by
# $1 - \beta + \beta(1 + i)(1 + i\beta) = 1 - \beta^2 + i\beta(1 + \beta)$, so $|x|^2$ by
# $(1-\beta^2)^2 + \beta^2(1+\beta)^2 = 1 - \beta^2(1 - 2\beta - 2\beta^2)$: $(\ast\ast)$ is an *equality*, and the
# bound $\bar\beta = (\sqrt3 - 1)/2$ is sharp for this map.

# %% mystnb={"image": {"alt": "Left: orbits in the plane. Mann with step 0.1 spirals outwards, Ishikawa with 0.25 spirals inwards, with 0.4 outwards. Right: their distances from 0 on a logarithmic axis: straight lines, growing, falling and growing"}}
T, largest_beta = 1 + 1j, (3**0.5 - 1) / 2


def ishikawa(steps, x=1.0 + 0j):
    points = [x]
    for beta in steps:
        w = (1 - beta) * points[-1] + beta * T * points[-1]
        points.append((1 - beta) * points[-1] + beta * T * w)
    return torch.tensor(points)


for beta in (0.1, 0.9 * largest_beta, 1.1 * largest_beta):
    factor = abs(ishikawa([beta])[1]) ** 2
    assert abs(factor - (1 - beta**2 * (1 - 2 * beta - 2 * beta**2))) < 1e-6
    assert (factor < 1) == (beta < largest_beta)
orbits = {
    "Mann 0.1": torch.tensor(orbit(lambda x: 0.9 * x + 0.1 * T * x, 1 + 0j, 60))
}
orbits |= {f"Ishikawa {s}": ishikawa([s] * 60) for s in (0.25, 0.4)}
slow = ishikawa([(j + 1) ** -0.5 for j in range(8, 4000)])
print(f"steps 1/sqrt(k): distance {abs(slow[-1]):.2f} after {len(slow) - 1} steps")
assert abs(slow[-1]) < 0.2
assert min(abs(1 + 1j * a) for a in (1e-3, 0.1, 1.0)) > 1  # Mann, any step
complex_plane.orbits_figure(orbits)

# %% [markdown]
# *Figure 5.* $T = (1 + i)I$: Mann's iteration diverges, Ishikawa's converges below its bound.
#
# **Exercise 4.** Write Ishikawa's iteration with constant steps $\alpha = \beta$ for a linear $T$ given as a
# matrix: return the list of `count` + 1 points, the start included. The check compares all of them. The solution then runs
# it on $T = I + cR$, $R$ the rotation by 90°, below and above the bound of Theorem 10, which for these maps is again
# sharp. (Why?)
#
# <details>
# <summary>Solution</summary>
#
# See the cell. As a complex number $T = 1 + ic$, $L^2 = 1 + c^2$, and one step multiplies by
# $1 - \beta + \beta T(1 + ic\beta) = 1 - c^2\beta^2 + ic\beta(1 + \beta)$, whose squared modulus is
# $1 - c^2\beta^2\bigl(1 - 2\beta - (1 + c^2)\beta^2\bigr)$: the bracket of $(\ast\ast)$.
#
# </details>


# %%
def mine(T, x, beta, count):
    return [x] * (count + 1)  # replace by Ishikawa's iteration


print(checks.check_two_steps(mine))


# %% tags=["hide-cell", "solution"]
def given(T, x, beta, count):
    points = [x]
    for _ in range(count):
        w = (1 - beta) * points[-1] + beta * T @ points[-1]
        points.append((1 - beta) * points[-1] + beta * T @ w)
    return points


assert checks.check_two_steps(given) == "right"
for c in (0.5, 1.0, 3.0):
    bound = (math.sqrt(2 + c**2) - 1) / (1 + c**2)
    for scale in (0.95, 1.05):
        points = given(times(1 + 1j * c), start, scale * bound, 200)
        assert (points[-1].norm() < points[0].norm()) == (scale < 1)

# %% [markdown]
# **And cocoercivity?** Alone it buys no fixed-point theorem for any $\gamma < 1$: $D = \tfrac1\gamma I$ is
# $\gamma$-cocoercive, and $(1-\alpha)x + \alpha D(x) = (1 + \alpha(\tfrac1\gamma - 1))x$ runs away for every
# $\alpha > 0$. What it buys is a *function*: if $D$ is
# also conservative, then $D$ is the proximal operator of a $(1-\gamma)$-weakly convex $F$ ([notebook
# 08](08_coco_denoisers.ipynb)), and a loop descends on $F + \lambda G$.
#
# ## What each condition costs the best denoiser
#
# **Theorem 11.** Let $D$ be the ideal denoiser $\mathbb E[u \mid x]$ of any prior under Gaussian noise, $p_\sigma$ the
# density of $x$. Then **all $k$-pseudo-contractive conditions, $-1 \le k \le 1$, are one**: $D$ is firmly nonexpansive $\iff$ nonexpansive $\iff$
# $k$-strictly pseudo-contractive $\iff$ pseudo-contractive $\iff$ $p_\sigma$ is log-concave. Averaging does not help:
# for $0 < t \le 1$, $D_t = tD + (1-t)I$ is pseudo-contractive only if $D$ is. Cocoercive: $D$ is always monotone, and
# $\gamma$-cocoercive with $\gamma = 1/\sup\|J\|_\ast$ if the supremum is finite and not 0.
#
# *Proof.* $J = \operatorname{Cov}(u \mid x)/\sigma^2 = I + \sigma^2\nabla^2\log p_\sigma$ is symmetric and positive
# semidefinite ([notebook 03](03_priors_to_denoisers.ipynb)). Pseudo-contractive means $J \le I$ everywhere (Lemma 3),
# that is $\nabla^2\log p_\sigma \le 0$. But then all eigenvalues of $J$ lie in $[0, 1]$, so $\|2J - I\|_\ast \le 1$:
# firm, the strongest of them. Next, $\langle d, e_t\rangle = t\langle d, e\rangle + (1-t)\|d\|^2 \le \|d\|^2$ exactly if
# $\langle d, e\rangle \le \|d\|^2$. Cocoercive: the eigenvalues lie in $[0, \sup\|J\|_\ast]$; use Lemma 3. $\square$
#
# The ideal denoiser gains *nothing* if we ask for pseudo-contractive instead of firm. It gains something if we ask for
# $\tfrac12$-cocoercive, and, if $\sup\|J\|_\ast < \infty$, everything for a $\gamma$ that is small enough. Nor does the
# best approximation to it gain, on the line. If $E$ has slopes at most 1, then $x - E(x)$ is nondecreasing. So the best
# $x - E$ is the nondecreasing function nearest to $x - D(x)$, its *isotonic regression*. It is constant on some intervals
# ($E' = 1$) and equal to $x - D(x)$ elsewhere ($E' = D' \ge 0$): the best $E$ has slopes in $[0, 1]$, and is firm. In more
# dimensions we do not claim it.
#
# How many decibels? On the line a condition is an interval for the slope $D'$: the real points of its region. The best
# denoiser *with slopes in that interval* is a bounded least-squares problem: its error is $\mathbb E(E(x) - D(x))^2$ above the minimum (notebook 03, Theorem 1). Our
# pixel has peaks at 0.2 and 0.8, of width 0.05, with $\sigma = 0.15$.

# %%
prior, sigma = GaussianMixture.two_peaks(), 0.15
x = torch.linspace(-0.3, 1.3, 121, dtype=torch.float64)
ideal = prior.mmse(x[:, None], sigma)[:, 0]
density = prior.log_density(x[:, None], sigma).exp()
slope = prior.jacobian(x[:, None], sigma)[:, 0, 0]
least = torch.trapezoid(density * sigma**2 * slope, x)


def loss(condition):
    E = conditions.closest_denoiser(x, ideal, density, *condition.slopes)
    excess = torch.trapezoid(density * (E - ideal) ** 2, x)
    return E, float(10 * torch.log10(1 + excess / least))


costs = {c.name: loss(c) for c in LADDER}
for name, (_, decibel) in costs.items():
    print(f"{name:32} costs {abs(decibel):.2f} dB")
left = [costs[c.name][1] for c in LADDER[:4]]
assert max(left) - min(left) < 1e-4 < 1 < min(left)
tenth, none = costs["residual nonexpansive"][1], costs["1/4-cocoercive"][1]
assert none < 1e-6 < 0.05 < tenth < 0.2
assert 0.29 < 1 / float(slope.max()) < 0.31

# %% mystnb={"image": {"alt": "Left: the ideal denoiser is steep in the middle; the best one with slopes at most 2 follows it closely; the best one with slopes at most 1 cuts the corner. Right: loss in decibels against gamma: zero up to about 0.3, then rising to about 1.6 at gamma 1"}}
gammas = [0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
line = [loss(Condition("", "cocoercive", g))[1] for g in gammas]
names = {"ideal": ideal} | {
    n: costs[n][0] for n in ("residual nonexpansive", "firmly nonexpansive")
}
curves([
    {"title": "best denoisers, slopes restricted", "xlabel": "x", "lines": {n: (x, v) for n, v in names.items()}},
    {"title": "loss (dB) if D must be γ-cocoercive", "xlabel": "γ", "lines": {"": (gammas, line)}},
], 9, 3.2)  # fmt: skip

# %% [markdown]
# *Figure 6.* The best denoisers of a pixel under conditions on the slope, and what cocoercivity costs.
#
# Firm, nonexpansive, strictly pseudo-contractive and pseudo-contractive cost the same, more than a decibel; residual
# nonexpansive a tenth of one; $\gamma = \tfrac14$ nothing, because here $\sup J = 1/\gamma$ with $\gamma \approx 0.3$
# (notebook 03). That is the argument of [B] for cocoercivity. Two cautions: a network is not the ideal denoiser ([B]
# reports a strictly pseudo-contractive one that loses little); and a small $\gamma$ is paid for later, by the averaging
# $t$ ([notebook 08](08_coco_denoisers.ipynb)).
#
# ## Quiz
#
# *A paper plots the eigenvalues of a network's Jacobian inside $|z - 2| \le 2$ and concludes that it is
# $\tfrac14$-cocoercive. What is missing?*
#
# <details>
# <summary>Answer</summary>
#
# Normality (for instance a symmetric Jacobian), or the norm $\|\tfrac12J - I\|_\ast$ itself; and all inputs, not some
# patches.
#
# </details>
#
# *You relax the penalty of your denoiser from nonexpansive to $0.9$-strictly pseudo-contractive. The spectrum of its
# almost symmetric Jacobian had reached from 0 to 1. Where can it go now?*
#
# <details>
# <summary>Answer</summary>
#
# For a symmetric Jacobian only below 0, down to $-19$, where no denoiser wants to be: the disc of $k = 0.9$ meets the
# real line in $[-19, 1]$. Nothing is gained above 1. The gain is for asymmetric Jacobians.
#
# </details>
#
# *$D$ is firmly nonexpansive. Which further map is then firmly nonexpansive for certain: (a) $I - D$; (b) $D \circ D$;
# (c) $2D - I$?*
#
# <details>
# <summary>Answer</summary>
#
# (a), by the mirror. Not (b): Lemma 7 gives $\kappa = \tfrac12$ only, and $z = \tfrac12(1 + i)$ is on the firm circle,
# but $z^2 = \tfrac i2$ is not in the disc. Not (c): it is nonexpansive, and for $D = 0$ it is $-I$.
#
# </details>
#
# ## What you now know
#
# - Every condition is $k$-pseudo-contractive or $\gamma$-cocoercive, each a bound on one norm $\|aI + bJ\|_\ast$ or a bound on $S$;
#   $I - D$ carries one kind into the other; they meet in firm nonexpansiveness and nowhere else.
# - Conditions compare as their regions do. But a denoiser is *not* tested by its eigenvalues: that takes the norm,
#   unless its Jacobian is normal.
# - Averaged maps compose ($\tfrac1\kappa = \tfrac1{\kappa_1} + \tfrac1{\kappa_2}$) and converge; strictly
#   pseudo-contractive ones with shorter steps; pseudo-contractive ones by Ishikawa.
# - For the ideal denoiser all pseudo-contractive conditions are one, and often it fails. It is always monotone, and
#   $\gamma$-cocoercive for $\gamma$ small enough whenever $\sup\|J\|_\ast$ is finite, as for every prior on a bounded set;
#   together with symmetry that buys an objective.
#
# The question at the start: yes, it can explode, doubling at each pass.
#
# **Next.** The other half of CoCo: what the antisymmetric part of $J$ does, and how the Helmholtz decomposition removes
# it ([notebook 07](07_helmholtz.ipynb)); then both halves together in [notebook 08](08_coco_denoisers.ipynb).
#
# Sources: [B] Wei and others 2025, section 2.1: (5) to (12), Lemma 2.1, Figure 1. Pseudo-contractive denoisers: Wei and
# others 2024. Strict pseudo-contractions: Browder and Petryshyn 1967. Averaged iterations: Mann 1953, Krasnoselskii
# 1955; Ishikawa 1974. Compositions: Combettes and Yamada 2015. Textbook: Bauschke and
# Combettes 2017. The table of costs is this course's. The photograph: Chelsea the cat by Stefan van der Walt, CC0, from
# scikit-image.
