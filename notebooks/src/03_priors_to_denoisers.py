# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # From priors to denoisers, and into the loop
#
# > **You will do.** Compute the best possible denoiser of a prior you know exactly, find the function of which it is the
# > proximal operator, put it into ADMM and proximal gradient, and build two runs that do *not* converge.
# >
# > **You will learn.** The posterior mean and Tweedie's identity, with proofs; why the ideal denoiser is conservative and
# > monotone but not nonexpansive; which denoisers are proximal operators; what a plug-and-play loop can and cannot promise.
# >
# > **You need.** Calculus in several variables, expectation and covariance, eigenvalues; proximal operators
# > ([notebook 02](02_proximal_operators.ipynb)).
# >
# > **Time.** 75 minutes (85 with all that is folded); the cells take about half a minute together.
#
# A question to keep in mind. Take a denoiser that shortens *every* vector by 5 per cent. Put it into *ADMM*, a
# standard algorithm that converges for every convex prior, to fill in one missing pixel out of two. Can that loop blow up?
#
# Formal statements and every proof in full: the [theory page](../book/theory/mmse.md). [A] and [B] are the papers named
# at the end; numbers in parentheses are theirs. Words in italics mostly stand in the [glossary](../book/glossary.md).

# %%
import ipywidgets
import pandas as pd
import torch
from pnp_course import images, load_denoiser, metrics, noise, run
from pnp_course.denoisers import GrayFromColour, at_sigma, averaged, denoiser_card
from pnp_course.exercises import notebook_03 as checks
from pnp_course.fidelities import Gaussian
from pnp_course.jacobian import dense
from pnp_course.operators import Blur, Identity, Mask, kernels
from pnp_course.priors import WaveletL1
from pnp_course.solvers import admm, pgd
from pnp_course.toy import GaussianMixture, PixelMixture
from pnp_course.toy import posterior as toy
from pnp_course.viz.figures import curves, gallery
from pnp_course.viz.mixture_pictures import oracle_figure, plane_figure
from pnp_course.viz.slider import figure_as_image, frame_slider

# %% [markdown]
# ## The best denoiser is a mean
#
# A picture $u \in \mathbb R^n$ is drawn from a *prior* $P$, any probability distribution; we see $x = u + \sigma n$ with
# $n \sim N(0, I)$ independent of $u$. With the Gaussian density $\varphi_\sigma$ of the noise, the density of $x$ and the
# *posterior* (the distribution of $u$ given $x$) are
#
# $$ p_\sigma(x) = \int \varphi_\sigma(x - u)\,P(du), \qquad
# P_x(du) = \frac{\varphi_\sigma(x - u)}{p_\sigma(x)}\,P(du). $$
#
# $p_\sigma(x) > 0$ everywhere, and $P_x$ has all moments, because $\|u\|^k \varphi_\sigma(x - u)$ is bounded in $u$.
# A *denoiser* is any map $E$ from $x$ to a guess of $u$. Which one has the smallest mean squared error?
#
# **Theorem 1.** Let $D(x) = \mathbb E[u \mid x] = \int u\,P_x(du)$. For every measurable $E$,
#
# $$ \mathbb E\|E(x) - u\|^2 = \mathbb E\|E(x) - D(x)\|^2 + \mathbb E\|D(x) - u\|^2 , $$
#
# so $D$ is the *MMSE denoiser* (minimum mean squared error), and it is the only one up to a set of probability 0.
#
# *Proof.* Fix $x$ and write $E(x) - u = (E(x) - D(x)) - (u - D(x))$. Expand the square and integrate over $P_x$. The
# mixed term is $-2\langle E(x) - D(x), \int (u - D(x))\,P_x(du)\rangle = 0$. Now multiply by $p_\sigma(x)$ and integrate
# over $x$; everything is nonnegative. The last term is finite: with $E(x) = x$ the left side is $n\sigma^2$. $\square$
#
# Our laboratory is one pixel whose prior has two equal Gaussian peaks, at 0.2 and 0.8, of width $s = 0.05$, under noise
# $\sigma = 0.15$. Its $D$ has a closed form (derived below). The cell computes the left side by a double integral over
# $(x, u)$ that knows nothing of $D$, and the right side with the closed form, for four guesses.

# %%
means = torch.tensor([[0.2], [0.8]], dtype=torch.float64)
widths = torch.full((2, 1, 1), 0.05**2, dtype=torch.float64)
prior, sigma = GaussianMixture(torch.ones(2), means, widths), 0.15
x = torch.linspace(-1, 2, 1501, dtype=torch.float64)
u = torch.linspace(-0.3, 1.3, 1601, dtype=torch.float64)
joint = toy.gaussian_density(sigma)(x[:, None] - u)
joint = joint * prior.log_density(u[:, None], 0.0).exp()
D = prior.mmse(x[:, None], sigma)[:, 0]
p = prior.log_density(x[:, None], sigma).exp()
wiener = 0.5 + (0.3**2 + 0.05**2) / (0.3**2 + 0.05**2 + sigma**2) * (x - 0.5)
guesses = {"x itself": x, "best affine": wiener}
guesses |= {"MAP": toy.map_estimate(prior, x, sigma), "posterior mean": D}
best = torch.trapezoid(p * sigma**2 * prior.jacobian(x[:, None], sigma)[:, 0, 0], x)
rows = {}
for name, E in guesses.items():
    double = torch.trapezoid(joint * (E[:, None] - u) ** 2, u, dim=1)
    left = float(torch.trapezoid(double, x))
    right = float(torch.trapezoid(p * (E - D) ** 2, x) + best)
    rows[name] = {"root mean squared error": left**0.5, "by Theorem 1": right**0.5}
    assert abs(left - right) < 1e-9
    assert left > float(best) - 1e-9
pd.DataFrame(rows).T.round(4)

# %% mystnb={"image": {"alt": "Three panels over the noisy value x. The density has two humps. The denoiser rises in two gentle slopes joined by a steep one at the middle. Its derivative is near 0.1 except for a peak above 3 in the middle"}}
oracle_figure(prior, sigma)
# %% [markdown]
# *Figure 1.* Our pixel: the density of what we see; the best denoiser $D$; and its derivative $J$, which we compute below.
# Between the peaks the best denoiser is steep, steeper than 1.
#
# The last term, `best`, was computed from the Jacobian of $D$; exercise 1 asks why that is right. *MAP*, the maximum a
# posteriori guess $\arg\max_u \log p(u) - \|x - u\|^2/2\sigma^2$, is what $\operatorname{prox}_{-\sigma^2\log p}$ returns. It
# is not the best denoiser, and we come back to it.
#
# ## Tweedie: the best denoiser is a gradient step
#
# **Theorem 2 (Tweedie, [A] (8)).** For every prior $P$, every $\sigma > 0$ and every $x$:
# $\;D(x) = x + \sigma^2\,\nabla\log p_\sigma(x)$.
#
# *Proof, step 1: the derivative may go inside the integral.* Every partial derivative of $\varphi_\sigma$ is a polynomial
# times a Gaussian, hence bounded on $\mathbb R^n$ by some constant $C$. So the difference quotients of
# $x \mapsto \varphi_\sigma(x - u)$ are bounded by $C$ for *all* $x$ and $u$ (mean value theorem), and a constant is
# integrable against a probability. Dominated convergence gives $\nabla p_\sigma(x) = \int \nabla\varphi_\sigma(x - u)\,P(du)$,
# and, repeated, that $p_\sigma$ has derivatives of all orders. No density and no moment of $P$ is needed.
#
# *Step 2.* A Gaussian satisfies $\sigma^2\nabla\varphi_\sigma(e) = -e\,\varphi_\sigma(e)$. Therefore
#
# $$ \sigma^2\nabla p_\sigma(x) = \int (u - x)\,\varphi_\sigma(x - u)\,P(du) = p_\sigma(x)\,\bigl(D(x) - x\bigr), $$
#
# and we divide by $p_\sigma(x) > 0$. $\square$
#
# $\nabla\log p_\sigma$ is called the *score*. Read the theorem twice: to train a network for squared error is to
# learn the gradient of a log-density that nobody can write down. Step 2 used that the noise is Gaussian. The cell checks
# the identity with Bayes' rule on a grid (left) and a finite difference of $\log p_\sigma$ (right), and then drops that hypothesis:

# %%
fine = torch.linspace(-0.3, 1.3, 801, dtype=torch.float64)
gaps = {}
for law in (toy.gaussian_density, toy.laplace_density):
    density, mean, _ = toy.bayes_on_a_grid(prior, fine, law(sigma))
    (score,) = torch.gradient(density.log(), spacing=(fine,))
    gap = (mean - fine - sigma**2 * score).abs()[5:-5].max()
    gaps[law.__name__] = float(gap)
    print(f"{law.__name__:17} largest gap of the two sides {gap:.5f}")
assert gaps["gaussian_density"] < 1e-3 < 0.05 < gaps["laplace_density"]

# %% [markdown]
# ## The Jacobian is a covariance
#
# **Theorem 3.** $D$ has derivatives of all orders, and
# $\;J(x) = I + \sigma^2\,\nabla^2\log p_\sigma(x) = \operatorname{Cov}(u \mid x)/\sigma^2$.
#
# *Proof.* The first equation is the derivative of Theorem 2. For the second let $w = u - x$. From
# $\nabla^2\varphi_\sigma(e) = (ee^{\mathsf T}/\sigma^4 - I/\sigma^2)\,\varphi_\sigma(e)$ and step 1,
#
# $$ \frac{\nabla^2 p_\sigma}{p_\sigma} = \frac{\mathbb E[ww^{\mathsf T} \mid x]}{\sigma^4} - \frac{I}{\sigma^2}, \qquad
# \frac{\nabla p_\sigma}{p_\sigma} = \frac{\mathbb E[w \mid x]}{\sigma^2} . $$
#
# Put both into $\nabla^2\log p_\sigma = \nabla^2p_\sigma/p_\sigma - (\nabla p_\sigma/p_\sigma)(\nabla p_\sigma/p_\sigma)^{\mathsf T}$
# and multiply by $\sigma^2$: the term $-I$ cancels the $I$ in front, and
# $\bigl(\mathbb E[ww^{\mathsf T} \mid x] - \mathbb E[w \mid x]\,\mathbb E[w \mid x]^{\mathsf T}\bigr)/\sigma^2$ remains, the covariance of $w$,
# which is that of $u$ since $x$ is fixed. $\square$
#
# A covariance is symmetric and positive semidefinite. So, for every prior whatsoever, the ideal denoiser is
#
# * *conservative*: $D = \nabla\psi$ with $\psi = \tfrac12\|\cdot\|^2 + \sigma^2\log p_\sigma$ (that is Tweedie again);
# * *monotone*: $\langle x - y, D(x) - D(y)\rangle = \int_0^1 \langle h, J(y + \tau h)\,h\rangle\,d\tau \ge 0$ with $h = x - y$.
#
# But nothing keeps a covariance below $\sigma^2 I$. For the two peaks we can say exactly how large it gets. Let $a = s^2/(s^2 + \sigma^2)$, $\Delta$ the
# distance of the peaks, and $q(x)$ the probability of the right one given $x$. Given $x$ *and* the peak $k$ with mean $m_k$, multiplying two Gaussian densities
# shows that $u$ has mean $m_k + a(x - m_k)$ and variance $a\sigma^2$. The two means differ by $(1-a)\Delta$, so
#
# $$ J(x) = \frac{\operatorname{Var}(u \mid x)}{\sigma^2} = a + \frac{(1-a)^2\Delta^2}{\sigma^2}\,q(x)\bigl(1 - q(x)\bigr) : $$
#
# variance within the peaks plus variance between them. Since $q$ runs through $(0, 1)$, $J$ runs through
# $(a, M]$ with $M = a + (1-a)^2\Delta^2/4\sigma^2$, largest where the peaks are equally likely.

# %%
a, distance = 0.05**2 / (0.05**2 + sigma**2), 0.6
M = a + (1 - a) ** 2 * distance**2 / (4 * sigma**2)
_, mean, variance = toy.bayes_on_a_grid(prior, x, toy.gaussian_density(sigma))
point = x[:, None].clone().requires_grad_(True)
(slope,) = torch.autograd.grad(prior.mmse(point, sigma).sum(), point)
print(f"formula: J between {a:.3f} and {M:.3f}, gamma = 1 / {M:.3f} = {1 / M:.3f}")
print(f"derivative of D: {float(slope.min()):.3f} to {float(slope.max()):.3f}")
inside = (x > -0.3) & (x < 1.3)
assert torch.allclose(slope[inside, 0], variance[inside] / sigma**2, atol=1e-8)
assert torch.allclose(D[inside], mean[inside], atol=1e-8)
assert abs(float(slope.max()) - M) < 1e-9
assert abs(float(slope.min()) - a) < 1e-3

# %% [markdown]
# Between the peaks the ideal denoiser must decide, and a decision is steep (figure 1): two noisy pixels near 0.5 leave it *further
# apart* than they entered. To demand a *nonexpansive* denoiser ($\|J\|_* \le 1$) is to demand a worse one. Precisely:
#
# **Corollary 4.** (i) $D$ is nonexpansive if and only if $p_\sigma$ is log-concave. (ii) If $M = \sup_x\|J(x)\|_*$ is finite and positive,
# $D$ is *cocoercive* with $\gamma = 1/M$, and with no larger constant.
#
# *Proof.* (i) $D$ is nonexpansive exactly if $\|J\|_* \le 1$ everywhere (integrate along segments; differentiate), and
# $\log p_\sigma$ is concave exactly if its Hessian is $\le 0$. $J = J^{\mathsf T} \ge 0$, so $\|J\|_* \le 1$ means $J - I \le 0$, and $J - I = \sigma^2\nabla^2\log p_\sigma$.
# (ii) $\gamma$-cocoercive, $\langle x - y, D(x) - D(y)\rangle \ge \gamma\|D(x) - D(y)\|^2$, is the same as
# $\|2\gamma J - I\|_* \le 1$ everywhere ([B], Lemma 2.1; [proof](../book/theory/coco.md)); for symmetric $J \ge 0$ that
# says that all eigenvalues of $J$ are at most $1/\gamma$. $\square$
#
# That is the motive of [B]: ask for cocoercivity with a small $\gamma$, not for nonexpansiveness. Here $M \le 1$ is
# $\Delta \le 2\sqrt{s^2 + \sigma^2}$. Explore (this cell needs a running kernel; the slider below it does not):


# %% tags=["nbval-ignore-output", "remove-output"]
def explore(sigma=0.15, distance=0.6, width=0.05):
    means = torch.tensor([[0.5 - distance / 2], [0.5 + distance / 2]])
    peaks = GaussianMixture(torch.ones(2), means, torch.full((2, 1, 1), width**2))
    return oracle_figure(peaks, sigma)


ipywidgets.interactive(
    explore,
    sigma=(0.06, 0.4, 0.01),
    distance=(0, 0.8, 0.05),
    width=(0.02, 0.2, 0.01),
)

# %% [markdown]
# The same for seven values of $\sigma$, with Corollary 4 (i) checked on each: the largest derivative of $D$ against the
# sign of the second differences of $\log p_\sigma$ from Bayes' rule on a grid.

# %%
levels = [0.06, 0.09, 0.12, 0.15, 0.2, 0.27, 0.33]
labels, frames = [], []
for s in levels:
    top = float(prior.jacobian(x[:, None], s).max())
    density, _, _ = toy.bayes_on_a_grid(prior, fine[::2], toy.gaussian_density(s))
    log_concave = bool((density.log().diff(n=2) <= 0).all())
    assert (top <= 1) == log_concave
    kind = "log-concave" if log_concave else "not log-concave"
    labels.append(f"noise {s}: density {kind}, gamma {1 / top:.3f}")
    frames.append(figure_as_image(oracle_figure(prior, s)))
frame_slider(
    frames, labels, alt="The ideal denoiser at seven noise levels", start=3
)

# %% [markdown]
# *Figure 2.* Figure 1 at seven noise levels: with more noise the two humps merge, and the denoiser becomes flatter.
#
# **Exercise 1.** Prove $\mathbb E\|D(x) - u\|^2 = \sigma^2\,\mathbb E\operatorname{tr}J(x)$, the formula behind
# `best` in section 1. Conclude that $J$ is *on average* a contraction: the mean of its eigenvalues is at most 1.
# Let `mine` return the right side for `points` $x_i$ drawn from $p_\sigma$; the check compares it with the error itself.
#
# <details>
# <summary>Solution</summary>
#
# $\sigma^2\operatorname{tr}J(x) = \operatorname{tr}\operatorname{Cov}(u \mid x) = \int\|u - D(x)\|^2\,P_x(du)$; take the
# expectation over $x$. By Theorem 1 with $E(x) = x$ this is at most $n\sigma^2$, so $\tfrac1n\,\mathbb E\operatorname{tr}J \le 1$. Expansion
# cannot be the rule: by Markov's inequality $\tfrac1n\operatorname{tr}J$ exceeds $c$ with probability at most $1/c$. It lives where $p_\sigma$ is not
# log-concave, between the peaks.
#
# </details>


# %%
def mine(mixture, points, sigma):
    return 0.0  # replace: the mean of sigma^2 tr J over the points


print(checks.check_risk(mine))


# %% tags=["hide-cell", "solution"]
def given(mixture, points, sigma):
    J = mixture.jacobian(points, sigma)
    return sigma**2 * J.diagonal(dim1=1, dim2=2).sum(1).mean()


assert checks.check_risk(given) == "right"

# %% [markdown]
# **Exercise 2.** At which noise level does the two-peak denoiser stop being expansive? Find it by bisection on the
# largest $J$ on a grid (for the check: for any two equal peaks between 0 and 1); compare with the formula
# $\Delta = 2\sqrt{s^2 + \sigma^2}$.
#
# <details>
# <summary>Solution</summary>
#
# See the cell below. Solving for the noise, $\sigma = \sqrt{\Delta^2/4 - s^2}$. Below it, keep the upper half of the
# interval; above it, the lower half.
#
# </details>


# %%
def mine(prior):
    return 0.0  # replace by your bisection


print(checks.check_threshold(mine))


# %% tags=["hide-cell", "solution"]
def given(prior):
    low, high = 0.05, 0.6
    for _ in range(40):
        half = (low + high) / 2
        expansive = float(prior.jacobian(x[:, None], half).max()) > 1
        low, high = (half, high) if expansive else (low, half)
    return low


assert checks.check_threshold(given) == "right"
print(f"{given(prior):.4f}, formula {(0.6**2 / 4 - 0.05**2) ** 0.5:.4f}")

# %% [markdown]
# ## The ideal denoiser is a proximal operator
#
# Plug-and-play replaces $\operatorname{prox}_F(z) = \arg\min_u F(u) + \tfrac12\|u - z\|^2$ by a denoiser. Which denoisers
# are such maps? If $F$ may be any function, there is a complete answer.
#
# **Theorem 5 (Moreau; Gribonval and Nikolova 2020; [B] Theorem A.4).** Let $D$ be continuously differentiable. There is a function $F:\mathbb R^n\to(-\infty,\infty]$, not identically $\infty$, such that, for every $z$,
# $D(z)$ minimises $F + \tfrac12\|\cdot - z\|^2$, if and only if $J$ is symmetric and positive semidefinite everywhere.
#
# *Proof that the condition is enough.* $J$ symmetric gives $D = \nabla\psi$; $J \ge 0$ makes $\psi$ convex. Let
# $\psi^*(u) = \sup_z \langle u, z\rangle - \psi(z)$ and $F = \psi^* - \tfrac12\|\cdot\|^2$. By definition of the supremum,
# for all $u$ and $z$,
#
# $$ F(u) + \tfrac12\|u - z\|^2 = \psi^*(u) - \langle u, z\rangle + \tfrac12\|z\|^2 \;\ge\; \tfrac12\|z\|^2 - \psi(z), $$
#
# with equality exactly if $z$ maximises the concave function $z' \mapsto \langle u, z'\rangle - \psi(z')$, that is, if its
# gradient $u - D(z)$ is zero. So $u = D(z)$ is the minimiser, and the only one. $\square$
#
# <details>
# <summary>Proof that it is necessary</summary>
#
# Let $D(z)$ minimise $F + \tfrac12\|\cdot - z\|^2$ for every $z$. Put $\psi(z) = \sup_u \langle u, z\rangle - F(u) - \tfrac12\|u\|^2$.
# The supremum is attained at $u = D(z)$ and is finite, since $F(D(z)) < \infty$; $\psi$ is convex, as a supremum of affine functions. With the candidate $D(z)$ at
# $z + h$, and $D(z + h)$ at $z$: $\langle D(z), h\rangle \le \psi(z + h) - \psi(z) \le \langle D(z + h), h\rangle$. The two ends
# differ by at most $\|D(z + h) - D(z)\|\,\|h\| = o(\|h\|)$. So $\nabla\psi = D$, and $J = \nabla^2\psi$ is symmetric, and
# positive semidefinite since $\psi$ is convex.
#
# </details>
#
# Theorem 3 says that the MMSE denoiser qualifies, **for every prior** (Gribonval 2011). And its $F$ can be evaluated: with
# $\psi = \tfrac12\|\cdot\|^2 + \sigma^2\log p_\sigma$ the equality case reads
#
# $$ F(D(z)) = -\tfrac12\|z - D(z)\|^2 - \sigma^2\log p_\sigma(z) . $$
#
# In 1-D there is a second way, which needs $D$ alone. Differentiate the formula; Tweedie says $-\sigma^2(\log p_\sigma)' = z - D$, so
# $\frac{d}{dz}F(D(z)) = -(z - D)(1 - D') + (z - D) = (z - D(z))\,D'(z)$, that is
#
# $$ F(D(z)) = \text{const} + \int^z (z' - D(z'))\,dD(z') . $$
#
# The cell compares the two, and then finds $\operatorname{prox}_F$ by brute force, with the $F$ of the quadrature.

# %%
z = torch.linspace(-1, 2, 60_001, dtype=torch.float64)
d = prior.mmse(z[:, None], sigma)[:, 0]
F = toy.implicit_prior_by_quadrature(z, d)  # F at the points d
closed = toy.implicit_prior(prior, z[:, None], sigma)
same = torch.allclose(F - F[0], closed - closed[0], rtol=0, atol=1e-8)
print("the two formulas for F agree to 1e-8:", same)
assert same
for start in (0.1, 0.45, 0.52, 0.9):
    found = float(d[(F + (d - start) ** 2 / 2).argmin()])
    wanted = float(prior.mmse(torch.tensor([[start]]).double(), sigma))
    print(f"z = {start}: search {found:.4f}, D(z) = {wanted:.4f}")
    assert abs(found - wanted) < 2e-4
slope = F.diff() / d.diff()  # F' at midpoints, then F''
curvature = slope.diff() / ((d[2:] - d[:-2]) / 2)
print(f"F'' between {float(curvature.min()):.3f} and {float(curvature.max()):.3f}")
assert abs(float(curvature.min()) + 1 - 1 / M) < 1e-3

# %% [markdown]
# The last line: by the chain rule $F'(D(z))\,D'(z) = (z - D(z))\,D'(z)$, and $D' > 0$, so $F' = D^{-1} - I$ and $F'' = 1/J - 1$, which is smallest where $J = M$, namely $-(1 - \gamma)$. $F$ is
# $(1-\gamma)$-*weakly convex*; so it is in every dimension (theory page). A denoiser that expands has a nonconvex prior.
#
# **MAP and MMSE are both proximal operators, of different functions**: MAP of $-\sigma^2\log p$, MMSE of $F$.

# %% mystnb={"image": {"alt": "Left: the MAP denoiser jumps from about 0.25 to about 0.75 at the middle, the MMSE denoiser passes steeply but continuously. Right: minus sigma squared log p has two deep wells and a high barrier; the implicit prior F has two shallow wells and a low smooth barrier"}}
wells = -(sigma**2) * prior.log_density(d[:, None], 0.0)
shown = (d > 0.08) & (d < 0.92)
middle = (x > -0.1) & (x < 1.1)
xs, jump = x[middle], guesses["MAP"][middle].diff().abs().max()
assert jump > 0.4
assert D[middle].diff().abs().max() < 0.01
left = {"MMSE": (xs, D[middle]), "MAP": (xs, guesses["MAP"][middle])}
right = {"F, of MMSE": (d[shown], (F - F.min())[shown])}
right["−σ² log p, of MAP"] = (d[shown], (wells - wells.min())[shown])
curves(
    [
        {"title": "two denoisers", "xlabel": "x", "lines": left},
        {
            "title": "two priors, each with its minimum at 0",
            "xlabel": "u",
            "lines": right,
        },
    ]
)
# %% [markdown]
# *Figure 3.* Two ways to denoise, and the functions whose proximal operators they are.
#
# So "plug-and-play with the best denoiser" is *not* MAP estimation with the true prior. It minimises something else, flatter
# between the peaks: $F$ remembers the noise level $\sigma$.
#
# **Exercise 3.** The prior is one Gaussian $N(m, s^2)$ on the line. Compute $D$, then $F$ from
# $F' = D^{-1} - I$, and show that here $F = -\sigma^2\log p$ up to a constant: MAP and MMSE agree. Put $F''$ into `mine`.
#
# <details>
# <summary>Solution</summary>
#
# $p_\sigma = N(m, s^2 + \sigma^2)$, so by Tweedie $D(x) = x - \sigma^2(x - m)/(s^2 + \sigma^2) = m + a(x - m)$ with
# $a = s^2/(s^2 + \sigma^2)$. Inverse: $D^{-1}(u) = m + (u - m)/a$. $F'(u) = (u - m)(1/a - 1) = (u - m)\,\sigma^2/s^2$, so
# $F(u) = \tfrac{\sigma^2}{2s^2}(u - m)^2$ and $F'' = \sigma^2/s^2$. And $-\sigma^2\log p(u) = \sigma^2(u - m)^2/2s^2 + \text{const}$: the same.
#
# </details>


# %%
def mine(s, sigma):
    return 0.0  # replace by your formula for F''


print(checks.check_curvature(mine))


# %% tags=["hide-cell", "solution"]
def given(s, sigma):
    return sigma**2 / s**2


assert checks.check_curvature(given) == "right"

# %% [markdown]
# **What breaks without symmetry.** Suppose $D$ is a proximal operator of some $F$, and let $z_1, \dots, z_m$ be points, $z_0 = z_m$. $D(z_i)$ is at least as good for $z_i$ as
# $D(z_{i-1})$ is. Add these $m$ inequalities: the values of $F$ cancel, the squares too, and
# $\sum_i \langle D(z_i) - D(z_{i-1}), z_i\rangle \ge 0$. A denoiser that turns the picture a little, $D(x) = Wx$ with
# $W = 0.95$ times the rotation of two pixels by 28°, fails this for points on a circle: **no function $F$, convex or not,
# has it as a proximal operator**. The 2-D laboratory, a mixture of three Gaussians, passes.

# %%
mixture = GaussianMixture(
    torch.tensor([1.0, 1.0, 1.0]),
    torch.tensor([[0.25, 0.25], [0.75, 0.3], [0.45, 0.8]]),
    torch.tensor(
        [
            [[0.010, 0.004], [0.004, 0.004]],
            [[0.003, 0.0], [0.0, 0.012]],
            [[0.004, -0.002], [-0.002, 0.003]],
        ]
    ),
)
W = toy.rotation(0.95, 28)
angle = torch.linspace(0, 2 * torch.pi, 14, dtype=torch.float64)[:-1]
circle = 0.5 + 0.3 * torch.stack((angle.cos(), angle.sin()), 1)


def cyclic_sum(Dz):
    return float(((Dz - Dz.roll(1, 0)) * circle).sum())


sums = cyclic_sum((circle - 0.5) @ W.T), cyclic_sum(mixture.mmse(circle, sigma))
print(f"rotation {sums[0]:+.3f}, MMSE denoiser of the mixture {sums[1]:+.3f}")
assert sums[0] < -0.02
assert sums[1] > 0.02

# %% [markdown]
# ## The laboratory in the plane
#
# The same theorems in 2-D, against plain Monte Carlo, which knows only how to *draw* from the prior: with draws $u_i$,
# posterior averages are averages with the weights $\varphi_\sigma(x - u_i)$.

# %%
draws = mixture.sample(400_000, torch.Generator().manual_seed(0))
for at in ([0.5, 0.3], [0.45, 0.55], [0.8, 0.7]):
    at = torch.tensor([at], dtype=torch.float64)
    weight = torch.softmax(-((draws - at) ** 2).sum(1) / (2 * sigma**2), 0)
    centre = weight @ draws
    J = (draws - centre).T @ (weight[:, None] * (draws - centre)) / sigma**2
    exact_D, exact_J = mixture.mmse(at, sigma)[0], mixture.jacobian(at, sigma)[0]
    low, high = torch.linalg.eigvalsh(exact_J).tolist()
    print(f"x = {at[0].tolist()}: eigenvalues of J {low:.2f}, {high:.2f}")
    assert (centre - exact_D).abs().max() < 5e-3
    assert (J - exact_J).abs().max() < 0.05
    assert (exact_J - exact_J.T).abs().max() < 1e-12
    assert low > 0

# %% mystnb={"image": {"alt": "Left: arrows from noisy points towards the three blobs of the prior, drawn over contour lines of the noisy density. Right: map of the largest eigenvalue of J, small inside the blobs and above one in a band between them, outlined in white"}}
plane_figure(mixture, sigma)
# %% [markdown]
# *Figure 4.* Arrows point to the blobs (Tweedie), and the denoiser expands along the borders between their basins, across the border.
#
# ## Classical denoisers, and a trained one
#
# Theorem 5 is a test for any denoiser: look at its Jacobian. Gaussian smoothing is a symmetric matrix. Wavelet shrinkage
# *is* the proximal operator of a wavelet $\ell^1$ norm. The median filter copies one of nine pixels, so each row of $J$ is a unit
# vector, but pixel $i$ copying pixel $j$ does not make $j$ copy $i$. And the network that comes with the course? All on one noisy $8 \times 8$ patch:


# %%
patch = images.photo("camera", 256)[..., 100:108, 100:108].double()
patch = noise.gaussian(patch, 0.1, torch.Generator().manual_seed(0))
shrinkage, network = (
    WaveletL1(levels=2),
    GrayFromColour(load_denoiser("drunet").double()),
)
candidates = {
    "Gaussian smoothing": Blur(kernels.gaussian(7, 0.8)),
    "wavelet shrinkage": lambda v: shrinkage.prox(v, 0.1),
    "median 3 x 3": toy.median_3x3, "DRUNet (trained)": at_sigma(network, 0.1),
}  # fmt: skip
rows = {}
for name, denoise in candidates.items():
    J = dense(denoise, patch)[0]
    ends = torch.linalg.eigvalsh((J + J.T) / 2)
    antisymmetric = torch.linalg.matrix_norm(J - J.T, 2)
    rows[name] = [float(antisymmetric), float(ends[0]), float(ends[-1])]
columns = ["‖J − Jᵀ‖", "lowest eigenvalue of S", "highest"]
table = pd.DataFrame(rows, index=columns).T
assert (table.iloc[:2, 0] < 1e-9).all()
assert (table.iloc[:2, 1] > -1e-9).all()
assert (table.iloc[2:, 0] > 0.05).all()
table.round(3) + 0.0

# %% [markdown]
# ($S = (J + J^{\mathsf T})/2$ is the symmetric part.) The first two are proximal operators as far as one patch can tell. The median and the network are of no function
# at all: near this patch they are affine, and in the proof of "necessary" the place where $J$ is symmetric is any place where $D$ is smooth. The network
# was trained for the mean *absolute* error, as in [B] (18). Its minimiser is the posterior median of each pixel, not the posterior mean, and the Jacobian of
# that is not symmetric in general. And even for squared error, where the minimiser has a symmetric $J$, nothing forces symmetry on a network that is not
# exactly the minimiser.
#
# ## Into the loop: what a fixed point means
#
# To minimise $F + \lambda G$, with $G$ convex and differentiable, two classical algorithms touch $F$ only through $\operatorname{prox}_F$. Put $D$ there:
#
# $$ \text{PGD:}\; x_{k+1} = D(x_k - \lambda\nabla G(x_k)), \qquad
# \text{ADMM:}\; \begin{cases} v_{k+1} = \operatorname{prox}_{\lambda G}(u_k + b_k) \\ u_{k+1} = D(v_{k+1} - b_k) \\ b_{k+1} = b_k + u_{k+1} - v_{k+1}. \end{cases} $$
#
# (The scale of $F$ has changed: in notebook 01 it was $-\log p$, here it is comparable with $-\sigma^2\log p$. So the statistician's weight $1/\nu^2$
# becomes $\lambda = \sigma^2/\nu^2$; Poisson: $\sigma^2p$, $p$ the peak.)
#
# *Where do they stop?* PGD at a fixed point, $x = D(x - \lambda\nabla G(x))$. ADMM if $u = v$; then the first line says $\lambda\nabla G(u) + u = u + b$, so
# $b = \lambda\nabla G(u)$, and the second $u = D(u - \lambda\nabla G(u))$: **the same images**. If $D$ is injective this is
#
# $$ \lambda\nabla G(x) + (D^{-1} - I)(x) = 0 . $$
#
# For the MMSE denoiser (its prior not on a hyperplane) $D^{-1} - I = \nabla F$, by the chain rule as in 1-D, so these are the stationary points of $F + \lambda G$; and with
# $z = x - \lambda\nabla G(x)$, $x = D(z)$, Tweedie gives
# $\lambda\nabla G(x) = D(z) - z = \sigma^2\nabla\log p_\sigma(z)$: the pull of the data balances the score, taken at $z$, not at $x$.
# We check it on the two peaks with $G(x) = \tfrac12(x - 0.4)^2$: the roots of the derivative on a grid against runs of both
# loops, each from two starts.


# %%
def pixel(value):
    return torch.full((1, 1, 1, 1), value, dtype=torch.float64)


lam, y = 0.3, 0.4
force = (z - d) + lam * (d - y)  # derivative of F + lam G at the point d
crossing = force[:-1] * force[1:] < 0
roots = d[:-1][crossing]
assert (force[1:][crossing].sign() == torch.tensor([1.0, -1.0, 1.0])).all()
print("stationary points of F + lam G:", [f"{r:.4f}" for r in roots.tolist()])
oracle, ends = at_sigma(PixelMixture(prior), sigma), {}
for solver in (pgd, admm):
    for start in (0.0, 1.0):
        fidelity = Gaussian(Identity(), pixel(y))
        end = run(solver(fidelity, oracle, pixel(start), lam=lam), max_iter=300).x
        ends[f"{solver.__name__} from {start:.0f}"] = f"{float(end):.4f}"
        at = (end - lam * (end - y)).reshape(1, 1).requires_grad_(True)
        (score,) = torch.autograd.grad(prior.log_density(at, sigma).sum(), at)
        assert (roots[[0, 2]] - end.flatten()).abs().min() < 1e-4
        assert abs(lam * float(end - y) - sigma**2 * float(score)) < 1e-8
print(ends)

# %% [markdown]
# Two of the three are found. At the one between them the derivative falls through zero: a local *maximum*. $F$ is not convex, and the start decides.
#
# ## Does it get there? A theorem for the ideal denoiser, and a cycle
#
# **Theorem 6.** Let $D$ be the MMSE denoiser of any prior, with $\gamma = 1/\sup\|J\|_*$, $0 < \gamma < \infty$. Let $G$ be bounded below with an $L_G$-Lipschitz
# gradient. If $\lambda L_G < 1 + \gamma$, then along PnP-PGD $F + \lambda G$ decreases (from $k = 1$ on), $x_{k+1} - x_k \to 0$, and every limit point
# is a fixed point.
#
# <details>
# <summary>Proof</summary>
#
# $F + \tfrac12\|\cdot - z\|^2$ is $\psi^*$ plus an affine function, and $\gamma$-strongly convex because $\psi$ has a
# $(1/\gamma)$-Lipschitz gradient (theory page). With $z = x_k - \lambda\nabla G(x_k)$ its minimiser is $x_{k+1}$, so with $\delta = x_{k+1} - x_k$
#
# $$ F(x_k) + \tfrac12\|x_k - z\|^2 \ge F(x_{k+1}) + \tfrac12\|x_{k+1} - z\|^2 + \tfrac\gamma2\|\delta\|^2, $$
#
# and $\tfrac12\|x_{k+1} - z\|^2 - \tfrac12\|x_k - z\|^2 = \tfrac12\|\delta\|^2 + \lambda\langle\nabla G(x_k), \delta\rangle$. Add
# $\lambda G(x_k) + \lambda\langle\nabla G(x_k), \delta\rangle + \tfrac{\lambda L_G}2\|\delta\|^2 \ge \lambda G(x_{k+1})$:
#
# $$ (F + \lambda G)(x_k) - (F + \lambda G)(x_{k+1}) \ge \tfrac12(1 + \gamma - \lambda L_G)\,\|\delta\|^2 . $$
#
# $F$ is bounded below: $z = u$ in the definition of $\psi^*$ gives $F(u) \ge \tfrac12\|u\|^2 - \psi(u) = -\sigma^2\log p_\sigma(u)$, and $p_\sigma$ is bounded. So
# $\sum_k\|x_{k+1} - x_k\|^2 < \infty$. If $x_{k_j} \to x$ then $x_{k_j + 1} \to x$ too, and $x = D(x - \lambda\nabla G(x))$ as $D$ and $\nabla G$ are continuous.
#
# </details>
#
# For a *convex* prior the bound would be $\lambda L_G < 2$. Is $1 + \gamma$ only a weakness of the proof? Take $y = 0.5$, halfway between the peaks, so
# $L_G = 1$. By symmetry 0.5 is a fixed point, and there the iteration has the derivative $(1 - \lambda)J(0.5) = -(\lambda - 1)/\gamma$. Its modulus exceeds
# 1 exactly for $\lambda > 1 + \gamma$ (or $\lambda < 1 - \gamma$): then errors *grow* by that factor per step. (For $\lambda < 1 - \gamma$ that is
# no failure: 0.5 is then a local maximum of $F + \lambda G$, and the run leaves it towards a minimum, as Theorem 6 says.) We predict the factor, and measure it.


# %%
def errors(lam, t=1.0, steps=60):
    denoise, seen = at_sigma(averaged(PixelMixture(prior), t), sigma), []
    solver = pgd(
        Gaussian(Identity(), pixel(0.5)), denoise, pixel(0.5 + 1e-9), lam=lam
    )
    run(solver, max_iter=steps, callback=lambda it: seen.append(float(it.x) - 0.5))
    return torch.tensor(seen, dtype=torch.float64)


trails, rows = {}, {}
for lam, t in [(1.5, 1.0), (1.25, 1.0), (1.5, 1 / 3)]:
    name = f"λ = {lam}" + ("" if t == 1 else ", averaged")
    e = trails[name] = errors(lam, t)
    predicted, measured = (1 - lam) * (t * M + 1 - t), float(e[6] / e[5])
    rows[name] = {"predicted factor": predicted, "measured": measured}
    assert abs(measured / predicted - 1) < 1e-4
cycle = trails["λ = 1.5"]
print(
    f"bound 1 + gamma = {1 + 1 / M:.4f}; the first run ends in 0.5 ± {abs(cycle[-1]):.4f}"
)
assert abs(cycle[-1] + cycle[-2]) < 1e-6
assert abs(cycle[-1]) > 0.1
pd.DataFrame(rows).T.round(4)

# %% mystnb={"image": {"alt": "Left: distance from the fixed point on a logarithmic axis. For lambda 1.5 it grows in a straight line to about 0.3 and stays there, for lambda 1.25 and for the averaged denoiser it falls in straight lines. Right: the iterates for lambda 1.5 swing between two values"}}
steps = torch.arange(1, 61)
distances = {name: (steps, e.abs()) for name, e in trails.items()}
swing = {"": (steps[25:], 0.5 + cycle[25:])}
curves(
    [
        {
            "title": "distance from the fixed point 0.5",
            "log": True,
            "lines": distances,
        },
        {"title": "the iterates for λ = 1.5", "lines": swing},
    ]
)
# %% [markdown]
# *Figure 5.* PnP-PGD started beside the fixed point 0.5: it leaves it for $\lambda = 1.5$, and not for a shorter step or an
# averaged denoiser.
#
# With the *exact* best denoiser, a convex $G$ and a step that convex theory allows, the loop ends in a cycle of length two: the
# bound of Theorem 6 is sharp. (The theory page proves that for $\lambda > 1 + \gamma$ this run converges from no other start than 0.5.) Two
# remedies: a shorter step; or the *averaged denoiser* $D_t = tD + (1-t)I$, whose largest derivative $tM + 1 - t$ is smaller (third row: $t = 1/3$).
# Averaging is not free: $D_t$ is a proximal operator of another function $F_t$, so in general the fixed points move.
#
# ## A contraction that explodes
#
# Now the question of the beginning. In ADMM let $z_k = v_{k+1} - b_k$, the denoiser's input. Then
# $u_{k+1} = D(z_k)$, $b_{k+1} = D(z_k) - z_k$, and $z_{k+1} = v_{k+2} - b_{k+1}$ is
#
# $$ z_{k+1} = \operatorname{prox}_{\lambda G}\bigl(2D(z_k) - z_k\bigr) - \bigl(D(z_k) - z_k\bigr) . $$
#
# For a linear $D(x) = Wx$ and $G(x) = \tfrac12\|Ax - y\|^2$, $\operatorname{prox}_{\lambda G}$ is affine with the matrix
# $Q = (I + \lambda A^{\mathsf T}A)^{-1}$, so $z_{k+1} = Tz_k + \text{const}$,
#
# $$ T = Q(2W - I) - (W - I) = \tfrac12\bigl(I + (2Q - I)(2W - I)\bigr) . $$
#
# Differences $z_{k+1} - z_k$ are multiplied by $T$. If its *spectral radius* $\rho(T)$, the largest modulus of an
# eigenvalue, exceeds 1, almost every start diverges, at the rate $\rho$.
#
# Two pixels, the first seen, the second missing: $A^{\mathsf T}A = \operatorname{diag}(1, 0)$. The denoiser is $W = aR_\theta$,
# $a = 0.95$ (it shortens every vector by 5 per cent), with the rotation $R_\theta$ by $\theta = 28°$. Its asymmetry
# $\|J - J^{\mathsf T}\|_* = 2a\sin\theta$ is below what the card of DRUNet states as the mean over larger patches, $64 \times 64$ (the cell prints both;
# on our $8 \times 8$ patch it has less). The example shows what asymmetry *can* do, not that this network does it. Then
#
# $$ \det(I - T) = \frac{\lambda\,a(\cos\theta - a) + |ae^{i\theta} - 1|^2}{1 + \lambda} . $$
#
# <details>
# <summary>The computation</summary>
#
# $T$ has the characteristic polynomial of $\tfrac12(I + (2W - I)(2Q - I)) = I - Q + W(2Q - I)$, since $XY$ and $YX$ share
# theirs. With $q = 1/(1 + \lambda)$, $Q = \operatorname{diag}(q, 1)$, $c = \cos\theta$, $s = \sin\theta$ this is
#
# $$ \begin{pmatrix} 1 - q + ac(2q - 1) & -as \\ as(2q - 1) & ac \end{pmatrix}, $$
#
# of trace $1 - q + 2acq$ and determinant $(1 - q)ac + a^2(2q - 1)$. Then $1 - \text{trace} + \det = (1 - q)a(c - a) + q(1 - 2ac + a^2)$, and
# $1 - q = \lambda q$.
#
# </details>
#
# If $a > \cos\theta$, this is negative for large $\lambda$. The characteristic polynomial of $T$ is then negative at 1 and positive far out on the
# real line: it has a root beyond 1. **Divergence, for every $a > \cos\theta$**, contraction or not. The cell takes $\lambda = 50$.

# %%
shrink, lam, mask = 0.95, 50.0, torch.tensor([1.0, 0.0], dtype=torch.float64)
observed = torch.tensor([0.7, 0.0])
asymmetry = float(torch.linalg.matrix_norm(W - W.T, 2))
card = denoiser_card("drunet")["certificate"]["25"]
trained = card["asymmetry_mean"]
print(f"asymmetry {asymmetry:.3f}; of DRUNet on 64 x 64 patches {trained:.3f}")
assert asymmetry < 1.2 * trained
assert abs(float(torch.linalg.matrix_norm(W, 2)) - shrink) < 1e-9
T, I2 = toy.admm_matrix(W, torch.diag(mask), lam), torch.eye(2).double()
cosine, bend = float(W[0, 0]) / shrink, float(torch.linalg.det(W - I2))
formula = (lam * shrink * (cosine - shrink) + bend) / (1 + lam)
assert abs(float(torch.linalg.det(I2 - T)) - formula) < 1e-12
rho = toy.spectral_radius(T)
moves = toy.admm_moves(W, mask, observed, lam, 120)
measured = float(moves[-1] / moves[-2])
print(f"growth per step: eigenvalue {rho:.6f}, measured {measured:.6f}")
assert rho > 1.03
assert abs(measured - rho) < 1e-6

# %%
fidelity = Gaussian(Mask(mask[None]), observed.double().reshape(1, 1, 1, 2))
resting = run(pgd(fidelity, toy.linear_denoiser(W), fidelity.y, lam=1.0), 300)
print("PGD rests:", resting.history.relative_change.iloc[-1] < 1e-12)
symmetric = toy.admm_matrix((W + W.T) / 2, torch.diag(mask), lam)
print(f"ADMM with the symmetric part of W: {toy.spectral_radius(symmetric):.3f}")
assert resting.history.relative_change.iloc[-1] < 1e-12
assert toy.spectral_radius(symmetric) < 0.99

# %% [markdown]
# So: yes. It blows up, and a contraction is simply not the condition that ADMM asks for. (PGD is content with it: its matrix $W(I - \lambda A^{\mathsf T}A)$ has norm at
# most $a$ for $0 < \lambda \le 2$.) The last lines remove the antisymmetric part of $W$ and keep the symmetric one, $a\cos\theta\,I$: the loop converges. The *rotation* did it.
#
# What would be enough? $T$ is an average of $I$ and $(2Q - I)(2W - I)$, and $\|2Q - I\|_* \le 1$. So $\|2W - I\|_* \le 1$, firm
# nonexpansiveness, suffices: $T$ is then firmly nonexpansive, and Theorem 6 of notebook 02 gives convergence if there is a fixed point (here there is one, as
# $\det(I - T) > 0$). Here $|2ae^{i\theta} - 1|^2 = 1 - 4a(\cos\theta - a)$, so it means $a \le \cos\theta$: exactly the
# threshold above. And averaging gets there. With $w = ae^{i\theta} - 1$ we need $|1 + 2tw|^2 = 1 + 4t\operatorname{Re}w + 4t^2|w|^2 \le 1$, that is
#
# $$ t \le \frac{-\operatorname{Re}w}{|w|^2} = \frac{1 - a\cos\theta}{1 - 2a\cos\theta + a^2} . $$

# %% mystnb={"image": {"alt": "Left: the spectral radius of the iteration against the averaging t: below one up to a little beyond the safe t near 0.7, above one after it. Right: length of the moves on a logarithmic axis, growing in a straight line for t = 1 and falling in one for t = 1/2"}}
safe = (1 - shrink * cosine) / (1 - 2 * shrink * cosine + shrink**2)
ts = torch.linspace(0.02, 1, 50).double()
matrices = [
    toy.admm_matrix(t * W + (1 - t) * I2, torch.diag(mask), lam) for t in ts
]
radii = torch.tensor([toy.spectral_radius(m) for m in matrices])
calm = toy.admm_moves((W + I2) / 2, mask, observed, lam, 120)
print(
    f"safe up to t = {safe:.3f}; spectral radius at t = 1/2: {float(radii[24]):.3f}"
)
assert (radii[ts <= safe] < 1).all()
assert abs(float(calm[-1] / calm[-2] - radii[24])) < 1e-4
radius = {"ρ(T)": (ts, radii), "1": (ts, torch.ones(50))}
radius["safe t"] = ([safe, safe], [0.96, 1.06])
lengths = {"t = 1": (range(119), moves), "t = 1/2": (range(119), calm)}
curves(
    [
        {
            "title": "spectral radius of the iteration",
            "xlabel": "t",
            "lines": radius,
        },
        {"title": "length of the moves", "log": True, "lines": lengths},
    ]
)
# %% [markdown]
# *Figure 6.* Left: ADMM with $D_t$ converges where the curve is below 1. Right: the moves with the denoiser itself, and with
# the averaged one.
#
# This is a preview. [B] turns it into a theorem for nonconvex $F$: *conservative* and *cocoercive* denoisers, averaged,
# with an explicit bound on $t$ ([theory page](../book/theory/coco_pnp.md)).
#
# ## On a photograph
#
# DRUNet is neither ideal nor conservative, and no theorem of this page covers it. Blur, a little noise, and PnP-PGD:

# %% mystnb={"image": {"alt": "A cat's face: sharp, blurred by motion, and restored: eyes, nose and stripes are sharp again, fine fur and whiskers are not"}}
clean, K = images.photo("chelsea", 192), Blur(kernels.motion(15, seed=2))
blurred = noise.gaussian(K(clean), 0.02, torch.Generator().manual_seed(0))
network = at_sigma(load_denoiser("drunet"), 0.03)
photo = run(pgd(Gaussian(K, blurred), network, blurred, lam=1.9), max_iter=40)
scores = [metrics.psnr(blurred, clean), metrics.psnr(photo.x, clean)]
change = photo.history.relative_change
print(f"PSNR {scores[0]:.2f} dB before, {scores[1]:.2f} dB after")
print(
    "the moves fell at least tenfold:", bool(change.iloc[-1] < change.iloc[1] / 10)
)
assert scores[1] > scores[0] + 4
assert change.iloc[-1] < change.iloc[1] / 10
gallery({"clean": clean, "observed": blurred, "PnP-PGD, 40 steps": photo.x})
# %% [markdown]
# *Figure 7.* It works: eyes and stripes are back (fine fur is not), and the run looks as if it settles. Forty steps are no proof, and the [section before](#a-contraction-that-explodes) has
# shown that with an asymmetric denoiser another loop can explode. The rest of the course closes that gap from the
# denoiser's side.
#
# ## A map of convergence (beyond the core)
#
# Colour the plane of $(\theta, a)$, $0 < \theta < 90°$, $0 < a \le 1.2$, by $\rho$ of PnP-ADMM on the two pixels, for
# $\lambda$ of 1, 5 and 50, and by that of PnP-PGD for $\lambda = 1$. Where does each converge? Then replace the mask by $A = I$. Why is the missing pixel essential?
#
# <details>
# <summary>What we found</summary>
#
# ADMM converges for $a \le \cos\theta$ at every $\lambda$, and above that curve has an eigenvalue beyond 1 as soon as
# $\lambda a(a - \cos\theta) > |ae^{i\theta} - 1|^2$. If "$<$" holds there, it converges. With $c = \cos\theta$, $\det T = (a^2 - \lambda a(a - c))/(1 + \lambda)$
# is at most $a^2/(1 + \lambda) < 1$, and above $(2ac - 1)/(1 + \lambda) > -1$, because $\lambda a(a - c) < 1 - 2ac + a^2$; in the same way
# $1 + \operatorname{tr}T + \det T > (2\lambda + 4ac)/(1 + \lambda) > 0$; and a real $2 \times 2$ matrix with $|\det T| < 1$ and
# $1 \pm \operatorname{tr}T + \det T > 0$ has its eigenvalues inside the unit circle (Schur, Cohn). For $\lambda = 1$ this is $a\cos\theta < 1$, the same region
# as PGD; as $\lambda \to \infty$ it shrinks to $a \le \cos\theta$. PGD with $\lambda = 1$ has the matrix $W\operatorname{diag}(0, 1)$ with the eigenvalues 0
# and $a\cos\theta$: it converges for $a\cos\theta < 1$, expansive or not. With $A = I$, $2Q - I = \tfrac{1-\lambda}{1+\lambda}I$ is a strict
# contraction, and it can make up for $\|2W - I\|_* > 1$: the strong convexity of $G$ pays. A missing pixel takes that away in one direction.
#
# </details>
#
#
# ## Quiz
#
# *A network reaches exactly the smallest possible mean squared error. Which follow: (a) its Jacobian is symmetric;
# (b) it is nonexpansive; (c) it is a proximal operator; (d) PnP-PGD with it solves MAP estimation with the true prior?*
#
# <details>
# <summary>Answer</summary>
#
# (a) and (c): by Theorem 1 it equals $D$ almost everywhere, and, being continuous, everywhere. Not (b): between peaks it may expand. Not (d): it is the proximal operator of $F$, not of
# $-\sigma^2\log p$.
#
# </details>
#
# *All eigenvalues of the Jacobian of a denoiser are real and in $[0, 1]$ everywhere. Is it a proximal operator?*
#
# <details>
# <summary>Answer</summary>
#
# Not necessarily: the matrix with rows $(0.5, 1)$ and $(0, 0.5)$ has both eigenvalues 0.5 and is not symmetric. Symmetry is
# a condition of its own.
#
# </details>
#
# *Why does averaging tame a rotation?*
#
# <details>
# <summary>Answer</summary>
#
# It moves the eigenvalue $ae^{i\theta}$ along the segment towards 1, which enters the disc $|2\zeta - 1| \le 1$ near 1
# because its real part is below 1.
#
# </details>
#
# ## What you now know
#
# - The best denoiser is the posterior mean; it is $x + \sigma^2\nabla\log p_\sigma(x)$, and its Jacobian is a covariance over $\sigma^2$.
# - So it is conservative and monotone; it is nonexpansive only for log-concave $p_\sigma$. Cocoercivity with $\gamma = 1/\sup\|J\|_*$ is the right demand.
# - A smooth denoiser is a proximal operator if and only if its Jacobian is symmetric and positive semidefinite.
# - PnP-PGD with the ideal denoiser decreases $F + \lambda G$, and its limit points are stationary, if $\lambda L_G < 1 + \gamma$; beyond, it can cycle.
# - Without symmetry even a contraction can explode in ADMM. Averaging can help.
#
# **Next.** How to *build* denoisers that are gradients or proximal operators: gradient-step and proximal denoisers [A], and the CoCo denoisers of [B]
# used in [notebook 00](00_restore_a_photograph.ipynb).
#
# Sources: [A] *From the Gradient-Step Denoiser to the Proximal Denoiser*, Herfeld and others 2025. [B]
# *Learning Cocoercive Conservative Denoisers via Helmholtz Decomposition*, Wei and others 2025: (18), Lemma 2.1, Theorem A.4.
# Tweedie's identity: Robbins 1956, Efron 2011. MMSE denoisers as proximal operators: Gribonval 2011, Gribonval and Nikolova 2020. All in the
# [bibliography](../book/bibliography.md). Photograph: Chelsea the cat by Stefan van der Walt, CC0, from scikit-image.
