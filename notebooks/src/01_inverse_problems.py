# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Invert a camera: what noise does to an inverse problem
#
# > **You will do.** Undo a blur by division, predict how wrong the result is before looking at it, repair it by a filter,
# > and turn two kinds of noise into the two *fidelities* of this course.
# >
# > **You will learn.** Adjoints and singular values; the price of noise as a formula; bias and variance; why a likelihood
# > decides what "fit the data" means; why the Poisson fidelity is convex but not smooth, and what is true instead.
# >
# > **You need.** Singular values, the discrete Fourier transform, mean and variance, Bayes' rule, convex functions. Best after
# > [Restore a photograph](00_restore_a_photograph.ipynb).
# >
# > **Time.** 65 minutes (75 with all that is folded); the cells take about half a minute together.
#
# A question to keep in mind. Below, a photograph is blurred a little and stored with 8 bits. Nobody can see the rounding.
# The blur is known exactly and it is invertible. Yet after dividing it out, the error is many times the distance from
# black to white. **Can you compute that error, to within ten per cent, without doing the division?**
#
# The same statements in more generality, with formal proofs: the [theory page](../book/theory/inverse_problems.md)
# (theorems are numbered separately there). Numbers in parentheses are equations of Wei and others (2025), below [B]. Words in italics mostly stand in the
# [glossary](../book/glossary.md).

# %%
from itertools import pairwise

import torch
from ipywidgets import SelectionSlider, interact
from pnp_course import deconvolution, images, metrics, noise
from pnp_course.exercises import notebook_01 as checks
from pnp_course.fidelities import Gaussian, Poisson, prox_kl
from pnp_course.operators import Blur, Decimation, Mask, Radon, kernels, random_mask
from pnp_course.solvers.bregman import burg_distance
from pnp_course.toy.linear import filter_error, kl, matrix, orbit, transfer
from pnp_course.viz.figures import curves, gallery
from pnp_course.viz.slider import frame_slider
from scipy import stats

generator = torch.Generator().manual_seed(0)


def randn(*shape):
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def rmse(a, b):
    """Root-mean-square error per pixel."""
    return float((a - b).square().mean().sqrt())


# %% mystnb={"image": {"alt": "Three pictures of a cat: sharp, slightly blurred, and pure black and white speckle without any cat"}}
x = images.to_channels(images.photo("chelsea", 256), 1).double()
blur = Blur(kernels.gaussian(9, 1.2))
stored = (blur(x) * 255).round() / 255  # 8 bits
k_hat = transfer(blur, 256, 256)  # blurring multiplies by k^ in Fourier space
divided = torch.fft.ifft2(torch.fft.fft2(stored) / k_hat).real

print(
    f"RMSE: rounding {rmse(stored, blur(x)):.5f}, after division {rmse(divided, x):.1f}"
)
assert rmse(divided, x) > 10
gallery({"x": x, "blurred, 8 bits": stored, "blur divided out": divided})
# %% [markdown]
# *Figure 1.* The blurred picture is stored with 8 bits, and then the blur is divided out exactly.
#
# ## Operators and adjoints
#
# In an *inverse problem* we look for $x$ and are given $y = Ax + \text{noise}$, with a known linear map $A$. Every
# algorithm of this course uses $A$ and its *adjoint* $A^{\mathsf T}$, the linear map with
#
# $$ \langle Ax, y\rangle = \langle x, A^{\mathsf T}y\rangle \quad\text{for all } x, y, $$
#
# where $\langle\cdot,\cdot\rangle$ sums the products of all pixels. As a matrix it is the transpose. But nobody stores the
# matrix of a blur: for this small photograph it has $65536^2$ entries. A program holds two functions, and two functions
# can disagree. The *dot test* draws $x$ and $y$ at random and compares both sides.
#
# Is one draw enough? Let the program apply $B$ where $A^{\mathsf T}$ is due, and $M = A - B^{\mathsf T}$. Then
# $\langle Ax, y\rangle - \langle x, By\rangle = \sum_{ij} M_{ij}\,y_i x_j$. Let all entries of $x$ and $y$ be independent
# standard normal numbers. $\mathbb E[y_i y_k x_j x_l]$ is 1 if $i = k$ and $j = l$, else 0, so
#
# $$ \mathbb E\,\bigl(\langle Ax, y\rangle - \langle x, By\rangle\bigr)^2 = \sum_{ij} M_{ij}^2 . $$
#
# And if $M \ne 0$, then with probability one $Mx \ne 0$ (the null space of $M$ is a proper subspace); given such an $x$,
# $\langle y, Mx\rangle$ is normal with variance $\|Mx\|^2 > 0$, and 0 has probability zero. So, up to rounding, **one
# draw decides**.

# %%
shake = kernels.motion(9, seed=3)
operators = {
    "blur": Blur(shake),
    "blur, every 2nd pixel": Decimation(shake, 2),
    "mask": Mask(random_mask(32, 32, 0.5, generator)),
    "Radon, 20 views": Radon(32, 20),
}
for name, A in operators.items():
    a = randn(1, 1, 32, 32)
    b = randn(*A(a).shape)
    left, right = float((A(a) * b).sum()), float((a * A.adjoint(b)).sum())
    print(f"{name:22} data {tuple(b.shape[-2:])!s:9} {left:10.4f} {right:10.4f}")
    assert abs(left - right) < 1e-11 * float(A(a).norm() * b.norm())

# %% [markdown]
# Now a popular mistake: the blur itself in the place of its adjoint, $B = A$. On $16 \times 16$ pixels we can afford the
# matrix. For a kernel that is symmetric about its centre the mistake is none ($A^{\mathsf T} = A$), so test adjoints with
# one that is not symmetric.

# %%
a, b = randn(20000, 256), randn(20000, 256)
for name, kernel in {"shake": shake, "Gaussian": kernels.gaussian(9, 1.2)}.items():
    A = matrix(Blur(kernel), 16)
    gaps = (a @ A.T * b).sum(1) - (a * (b @ A.T)).sum(1)  # <A x, y> - <x, A y>
    measured, formula = float(gaps.square().mean()), float((A - A.T).square().sum())
    print(f"{name}: mean square gap {measured:.4f}, sum of M_ij^2 {formula:.4f}")
    assert abs(measured - formula) <= 0.12 * formula + 1e-12

# %% [markdown]
# **Exercise 1.** $(Dx)_i = x_{i+1} - x_i$ along rows, periodic. Write its adjoint. What are its singular
# values?
#
# <details>
# <summary>Solution</summary>
#
# $\langle Dx, y\rangle = \sum_i x_{i+1}y_i - x_iy_i = \sum_i x_i(y_{i-1} - y_i)$, so $(D^{\mathsf T}y)_i = y_{i-1} - y_i$.
# It is a periodic blur with a kernel of sum 0; $\hat k = e^{\mathrm i\theta} - 1$ for the frequency $\theta$, so the
# singular values are $2\,|\sin(\theta/2)|$. Constants are lost.
#
# </details>


# %%
def mine(y):
    return torch.zeros_like(y)  # replace by D^T y; y has the shape (1, 1, H, W)


print(checks.check_adjoint(mine))


# %% tags=["hide-cell", "solution"]
def given(y):
    return y.roll(1, -1) - y


assert checks.check_adjoint(given) == "right"

# %% [markdown]
# ## Singular values: how much of each pattern survives
#
# Write $A = \sum_i s_i\,u_i v_i^{\mathsf T}$ with orthonormal patterns $v_i$ on the side of the picture, orthonormal $u_i$
# on the side of the data, and *singular values* $s_1 \ge s_2 \ge \dots \ge 0$. The operator multiplies the amount
# $\langle v_i, x\rangle$ of pattern $i$ by $s_i$. Where $s_i = 0$ the pattern is lost; where $s_i$ is tiny it drowns.
#
# For a periodic blur they can be read off. Let $e_\xi$ be the wave of frequency $\xi$, with complex pixel values of
# length 1. Shifting a wave multiplies it by a number; a blur is a weighted sum of shifts; so
# $A e_\xi = \hat k(\xi)\,e_\xi$ with $\hat k(\xi) = \sum_l k(l)\,e^{-\mathrm i\langle\theta_\xi, l\rangle}$, the discrete Fourier
# transform of the kernel ($\theta_\xi$: the angle by which the wave turns from pixel to pixel). The waves are orthogonal, so $A = F^*\operatorname{diag}(\hat k)F$ with a unitary $F$,
# $A^{\mathsf T}A = F^*\operatorname{diag}(|\hat k|^2)F$: **the singular values of a periodic blur are the numbers
# $|\hat k(\xi)|$.** We check against a general SVD of the matrix.

# %% mystnb={"image": {"alt": "Sorted singular values of three blurs on a logarithmic axis: the camera shake stays above a thousandth, the Gaussian falls to a few millionths, the box falls to rounding error after about two thirds of the indices"}}
blurs = {
    "shake": shake,
    "Gaussian": kernels.gaussian(9, 1.2),
    "4 x 4 box": kernels.box(4),
}
lines = {}
for name, kernel in blurs.items():
    s = torch.linalg.svdvals(matrix(Blur(kernel), 16))
    fourier = transfer(Blur(kernel), 16, 16).abs().flatten().sort(descending=True)
    assert float((s - fourier.values).abs().max()) < 1e-12
    lines[name] = (range(1, 257), s.clamp_min(1e-17))
title = "singular values of 256 x 256 blur matrices"
curves([{"lines": lines, "title": title, "xlabel": "index i", "log": True}], 6)
# %% [markdown]
# *Figure 2.* Which share of each pattern survives three blurs, sorted.
#
# Hadamard called a problem *ill-posed* if a solution may fail to exist, to be unique, or to depend stably on the data. The
# box is not injective: some patterns are lost, uniqueness fails. The Gaussian is injective, but only on paper.
#
# ## The price of noise
#
# > **Theorem 1.** Let $A$ be invertible with singular values $s_i$, and $y = Ax + \nu n$ with $\nu > 0$,
# > $\mathbb E\,n = 0$, $\operatorname{Cov} n = I$. Then $\hat x = A^{-1}y$ has
# > $\;\mathbb E\|\hat x - x\|^2 = \nu^2\sum_i 1/s_i^2$. If $n$ is Gaussian, the variance of $\|\hat x - x\|^2$ is
# > $2\nu^4\sum_i 1/s_i^4$.
#
# *Proof.* $A^{-1} = \sum_i s_i^{-1} v_i u_i^{\mathsf T}$, so $\hat x - x = \nu A^{-1}n$ has the coefficients
# $\nu\langle u_i, n\rangle/s_i$ in the orthonormal basis $(v_i)$, and
# $\|\hat x - x\|^2 = \nu^2\sum_i \langle u_i, n\rangle^2/s_i^2$. Now
# $\mathbb E\langle u_i, n\rangle^2 = u_i^{\mathsf T}(\operatorname{Cov} n)\,u_i = \|u_i\|^2 = 1$. If $n$ is Gaussian, the
# numbers $\langle u_i, n\rangle$ are independent and standard normal, and the square of such a number has variance
# $3 - 1 = 2$. ∎
#
# The check solves linear systems with fresh noise; it does not use the SVD. The theorem's second half gives the standard
# error of the mean, so we know how close the two sides must be.

# %%
A = matrix(blur, 16)
U, s, Vh = torch.linalg.svd(A)
truth = x[..., 100:116, 150:166].flatten()
nu, draws = 0.01, 4000
n = randn(draws, 256)
naive = torch.linalg.solve(A, (truth @ A.T + nu * n).T).T

measured = float((naive - truth).square().sum(1).mean())
formula = float(nu**2 * (1 / s**2).sum())
error = float((2 * nu**4 * (1 / s**4).sum() / draws).sqrt())
print(f"measured {measured:.4g}, formula {formula:.4g}, standard error {error:.2g}")
assert abs(measured - formula) < 5 * error

# %% [markdown]
# **Drop a hypothesis.** The noise must be white, $\operatorname{Cov} n = I$. Take noise of the same total power
# $\mathbb E\|n\|^2 = 256$, but all of it along one pattern $u_i$: then the proof gives $256\,\nu^2/s_i^2$, which is almost
# anything.

# %%
for name, i in {"along u_1": 0, "along u_256": 255}.items():
    coloured = 16 * n[:, :1] * U[:, i]  # covariance 256 u_i u_i^T
    naive = torch.linalg.solve(A, (truth @ A.T + nu * coloured).T).T
    found = float((naive - truth).square().sum(1).mean())
    print(f"noise {name}: {found:.3g}; Theorem 1 would say {formula:.3g}")
    assert abs(found / (256 * nu**2 / float(s[i]) ** 2) - 1) < 0.12
    assert not 0.2 < found / formula < 5

# %% [markdown]
# Now the question of the beginning. Rounding to multiples of $1/255$ makes an error about uniform in
# $[-\tfrac12, \tfrac12]/255$, of variance $\nu^2 = 1/(12\cdot 255^2)$, and roughly independent from pixel to pixel where
# the picture has texture. The singular values are $|\hat k|$, one for each of the $N$ frequencies, so the RMSE should be
# $\nu\,(\sum 1/|\hat k|^2 / N)^{1/2}$. No picture enters.

# %%
nu8 = 1 / (255 * 12**0.5)
predicted = nu8 * float((1 / k_hat.abs().square()).mean().sqrt())
print(f"predicted RMSE {predicted:.1f}, found {rmse(divided, x):.1f}")
assert abs(rmse(divided, x) / predicted - 1) < 0.1

# %% [markdown]
# ## Filters: pay some bias, save much variance
#
# Let $A$, $y$ and $n$ be as in Theorem 1. Multiply each coefficient by a number $\varphi_i$ before trusting it:
# $\hat x_\varphi = \sum_i \varphi_i\,\frac{\langle u_i, y\rangle}{s_i}\,v_i$. With $c_i = \langle v_i, x\rangle$, the error
# has the coefficients $(\varphi_i - 1)c_i + \nu\varphi_i\langle u_i, n\rangle/s_i$. Square, take the mean; the mixed term
# vanishes because $\mathbb E\,n = 0$:
#
# $$ \mathbb E\|\hat x_\varphi - x\|^2 = \underbrace{\sum_i (1-\varphi_i)^2c_i^2}_{\text{bias}^2}
#    + \underbrace{\nu^2\sum_i \varphi_i^2/s_i^2}_{\text{variance}} . \qquad\text{(Theorem 2)} $$
#
# A *truncated* SVD takes $\varphi_i = 1$ for the large $s_i$ and 0 for the others. *Tikhonov's* filter minimises
# $\|Ax - y\|^2 + \alpha\|x\|^2$: zero gradient means $(A^{\mathsf T}A + \alpha I)x = A^{\mathsf T}y$, in the basis $(v_i)$
# $(s_i^2 + \alpha)\langle v_i, x\rangle = s_i\langle u_i, y\rangle$, so $\varphi_i = s_i^2/(s_i^2 + \alpha)$. The error
# in pattern $i$ is then $(\alpha^2c_i^2 + \nu^2s_i^2)/(s_i^2 + \alpha)^2$, with the derivative
#
# $$ \frac{\mathrm d}{\mathrm d\alpha}\,\frac{\alpha^2c_i^2 + \nu^2s_i^2}{(s_i^2+\alpha)^2}
#    = \frac{2s_i^2\,(\alpha c_i^2 - \nu^2)}{(s_i^2 + \alpha)^3} . $$
#
# <details>
# <summary>The algebra</summary>
#
# By the quotient rule the numerator over $(s_i^2+\alpha)^3$ is
# $2\alpha c_i^2(s_i^2 + \alpha) - 2(\alpha^2c_i^2 + \nu^2s_i^2) = 2\alpha c_i^2s_i^2 - 2\nu^2s_i^2$.
#
# </details>
#
# It is negative for $\alpha < \nu^2/c_i^2$. So the total error **falls strictly** from $\alpha = 0$ to
# $\nu^2/\max_i c_i^2$: whatever the picture, some regularisation beats none (Hoerl and Kennard 1970, for regression).

# %% mystnb={"image": {"alt": "Logarithmic plot over the Tikhonov parameter: squared bias rises, variance falls, and their sum is U-shaped; six Monte Carlo points lie on the sum"}}
c = Vh @ truth
alphas = torch.logspace(-7, 1, 81, dtype=torch.float64)
phi = s**2 / (s**2 + alphas[:, None])
bias2, variance = filter_error(s, c, nu, phi)
total = bias2 + variance
lines = {
    "bias²": (alphas, bias2),
    "variance": (alphas, variance),
    "sum": (alphas, total),
}
panel = {"lines": lines, "title": "E‖x̂ − x‖²", "xlabel": "α", "log": True}
figure = curves([panel], 6, 3.2)
for k in range(10, 70, 10):  # Monte Carlo, by the normal equations
    normal = A.T @ A + alphas[k] * torch.eye(256)
    right = (truth @ A.T + nu * n) @ A
    found = (torch.linalg.solve(normal, right.T).T - truth).square().sum(1).mean()
    assert abs(found / total[k] - 1) < 0.1
    figure.axes[0].plot(alphas[k], found, "ko", fillstyle="none")
figure.axes[0].set(xscale="log", ylim=(1e-3, 1e4))
figure
# %% [markdown]
# *Figure 3.* The error of Tikhonov's filter for one piece of a photograph: curves by Theorem 2, circles by 4,000 noisy draws.

# %%
falls = total[alphas < nu**2 / c.square().max()]
assert len(falls) > 5
assert (falls.diff() < 0).all()
wiener = s**2 * c**2 / (s**2 * c**2 + nu**2)  # the best phi_i, one by one
oracle = float(sum(filter_error(s, c, nu, wiener)))
best = float(alphas[total.argmin()])
print(
    f"no filter {formula:.3g}, best α = {best:.1e}: {total.min():.3g}, best φ {oracle:.1g}"
)
assert oracle < total.min() < formula / 1000

# %% [markdown]
# The last number: minimising $(1-\varphi_i)^2c_i^2 + \nu^2\varphi_i^2/s_i^2$ over $\varphi_i$ gives
# $\varphi_i = s_i^2c_i^2/(s_i^2c_i^2 + \nu^2)$, Wiener's filter, a bound for all linear filters of this form. It needs
# $c_i^2$, the energy of the *unknown* picture in each pattern. To restore well, one must know what pictures look like:
# that is the *prior*, the subject of the next notebooks.
#
# ## From noise to fidelity: Bayes
#
# Let pictures have a density proportional to $e^{-F(u)}$. By Bayes' rule the density of $u$ given $y$ is proportional to
# $p(y\mid u)\,e^{-F(u)}$, and its highest point, the *maximum a posteriori* (MAP) estimate, minimises
#
# $$ F(u) - \log p(y\mid u). $$
#
# So the noise model decides the second term. **Gaussian**, $y = Au + \nu n$: $p(y\mid u)$ is proportional to
# $\exp(-\|Au - y\|^2/(2\nu^2))$, which makes $\|Au - y\|^2/(2\nu^2)$. **Poisson**, (1): the counts $c_i = p\,y_i$
# ($p$ alone is the peak; the counts have nothing to do with the coefficients above) are independent, $c_i \sim \mathrm{Poisson}(p\,(Ku)_i)$, and $P(c) = e^{-m}m^c/c!$ for mean $m$. Hence
#
# $$ \begin{aligned} -\log p(y\mid u) &= \sum_i \bigl(p(Ku)_i - c_i\log (p(Ku)_i) + \log c_i!\bigr) \\
#   &= p\underbrace{\sum_i\bigl((Ku)_i - y_i\log (Ku)_i\bigr)}_{G(u)} + \text{a number without } u, \end{aligned} $$
#
# since $\log(p(Ku)_i) = \log p + \log (Ku)_i$. This $G$ is the fidelity of (2). In $F + \lambda G$ the statistician's
# weight is $\lambda = p$, or $1/\nu^2$ for $G = \|Au - y\|^2/2$. (In practice $\lambda$ is tuned.) The number without $u$
# drops out of differences:

# %%
u = torch.rand(2, 1, 1, 16, 16, generator=generator).double() * 0.8 + 0.1
K, peak, level = Blur(shake), 50, 0.1
y = noise.poisson(K(u[0]), peak, generator)
y2 = noise.gaussian(K(u[0]), level, generator)
G, G2 = Poisson(K, y), Gaussian(K, y2)

surprise = [-stats.poisson.logpmf((peak * y).round(), peak * K(v)).sum() for v in u]
surprise2 = [-stats.norm.logpdf(y2, K(v), level).sum() for v in u]
left, right = surprise[1] - surprise[0], peak * (G.value(u[1]) - G.value(u[0]))
left2 = surprise2[1] - surprise2[0]
right2 = (G2.value(u[1]) - G2.value(u[0])) / level**2
print(f"Poisson {left:.6f} = {right:.6f}, Gaussian {left2:.6f} = {right2:.6f}")
assert abs(left / right - 1) < 1e-9
assert abs(left2 / right2 - 1) < 1e-9

# %% [markdown]
# **Exercise 2.** *What is the right likelihood worth?* One unknown brightness $s$ is seen by $m$ pixels of
# known sensitivities $a_i > 0$: $y_i \sim \mathrm{Poisson}(p\,a_is)/p$. Find the minimiser $\hat s$ of the Poisson $G$, the
# least-squares estimate $\tilde s$, and $\operatorname{Var}\tilde s/\operatorname{Var}\hat s$. Show that it is at least 1.
#
# <details>
# <summary>Solution</summary>
#
# $G(s) = \sum_i a_is - y_i\log(a_is)$, $G'(s) = \sum_i a_i - \sum_i y_i/s$, so $\hat s = \sum_i y_i/\sum_i a_i$.
# Least squares: $\tilde s = \sum_i a_iy_i/\sum_i a_i^2$. Both have mean $s$. With $\operatorname{Var}y_i = a_is/p$:
# $\operatorname{Var}\hat s = \frac sp\,\frac1{\sum a_i}$ and
# $\operatorname{Var}\tilde s = \frac sp\,\frac{\sum a_i^3}{(\sum a_i^2)^2}$. The ratio is
# $\sum a_i\sum a_i^3/(\sum a_i^2)^2$. By the Cauchy-Schwarz inequality for $a_i^{1/2}$ and $a_i^{3/2}$ it is at least 1, with
# equality only if all $a_i$ are equal.
#
# </details>


# %%
def mine(a):
    return 0.0  # replace by Var(least squares) / Var(Poisson)


print(checks.check_ratio(mine))


# %% tags=["hide-cell", "solution"]
def given(a):
    return a.sum() * (a**3).sum() / (a**2).sum() ** 2


assert checks.check_ratio(given) == "right"
a = torch.tensor([1.0] + 20 * [0.2])
counts = noise.poisson((0.7 * a).expand(40_000, -1), 30, generator)
least_squares, poisson = counts @ a / (a @ a), counts.sum(1) / a.sum()
found = float(least_squares.var() / poisson.var())
print(f"formula {given(a):.2f}, from 40,000 draws {found:.2f}")
assert abs(given(a) / found - 1) < 0.05

# %% [markdown]
# ## The Poisson fidelity is a distance in disguise
#
# A differentiable convex $\psi$ defines the *Bregman divergence*
# $D_\psi(a, b) = \psi(a) - \psi(b) - \langle\nabla\psi(b), a - b\rangle$: the gap between $\psi$ and its tangent at $b$. It
# is $\ge 0$, since a convex function lies above its tangents, and for strictly convex $\psi$ zero only at $a = b$. For $\psi = \|\cdot\|^2/2$ it is $\|a - b\|^2/2$: the
# Gaussian fidelity is $D_\psi(y, Au)$. For the (negative) *Boltzmann-Shannon entropy* $\psi(a) = \sum_i a_i\log a_i - a_i$,
# with $\nabla\psi(b) = \log b$,
#
# $$ \begin{aligned} D_\psi(a, b) &= \sum_i a_i\log a_i - a_i - b_i\log b_i + b_i - (a_i - b_i)\log b_i \\
#   &= \sum_i a_i\log\frac{a_i}{b_i} - a_i + b_i , \end{aligned} $$
#
# the *Kullback-Leibler divergence* $\mathrm{KL}(a, b)$. Put $a = y$, $b = Ku$: $\mathrm{KL}(y, Ku)$ is $G(u)$ plus a number
# without $u$. So $G$ is smallest exactly where $Ku = y$, if some $u$ gives that. Near there it is a *weighted* square:
# as a function of $a$, $\mathrm{KL}(a, b)$ has value and derivative $\log(a/b) = 0$ at $a = b$, and second derivative
# $1/a$. So $p\,\mathrm{KL}(y, s) \approx (y - s)^2/(2s/p)$, the Gaussian fidelity with the variance $s/p$ of $y$.

# %%
a = y.clamp_min(1 / peak)  # no zeros, for the logarithm of this check
b = K(u[1]).requires_grad_()
psi = (b * b.log() - b).sum()
slope = torch.autograd.grad(psi, b)[0]  # by autodiff, not by the formula
psi_a = float((a * a.log() - a).sum())
bregman = psi_a - float((psi + (slope * (a - b)).sum()).detach())
print(f"{bregman:.8f} = {Poisson(K, a).value(u[1]) + psi_a:.8f}")
assert abs(bregman - Poisson(K, a).value(u[1]) - psi_a) < 1e-8

zero, one = torch.zeros(1).double(), torch.ones(1).double()
for q in (1.01, 1.1, 2.0):
    print(f"y = {q} s: KL / square = {kl(q * one, one) / ((q - 1) ** 2 / 2):.3f}")
assert abs(kl(1.01 * one, one) / 5e-5 - 1) < 0.01
print(f"KL(0, 1) = {kl(zero, one):.0f}, KL(1, 0) = {kl(one, zero)}")

# %% [markdown]
# **The order matters.** $\mathrm{KL}(0, 1)$ is finite: an empty pixel is compatible with light. $\mathrm{KL}(1, 0)$ is
# infinite: a photon is not compatible with darkness. The data stand in the first place.
#
# ## Both fidelities are convex
#
# The Gaussian one has the Hessian $A^{\mathsf T}A$, and $\langle d, A^{\mathsf T}Ad\rangle = \|Ad\|^2 \ge 0$. For Poisson,
# $s \mapsto s - y_i\log s$ has the second derivative $y_i/s^2 \ge 0$; a convex function of the linear $(Ku)_i$ is convex in
# $u$, and so is a sum of such:
#
# $$ \begin{aligned} \nabla^2G(u) &= K^{\mathsf T}\operatorname{diag}\bigl(y/(Ku)^2\bigr)K, \\
#    \langle d, \nabla^2G(u)\,d\rangle &= \sum_i y_i\,(Kd)_i^2/(Ku)_i^2 \;\ge 0 . \end{aligned} $$
#
# Two things can be read off. If $K$ is invertible, each empty pixel ($y_i = 0$) leaves one direction without curvature:
# along $K^{-1}e_i$ $G$ is affine, with slope 1. And where some $y_i < 0$, as after subtracting a background, convexity is
# lost.

# %%
faint = torch.full_like(y, 0.02)  # one photon a pixel, on average
dark = noise.poisson(faint, peak, generator)
M, bright = matrix(K, 16), u[0]
hessian = torch.func.jacrev(Poisson(K, dark).grad)(bright).reshape(256, 256)
by_hand = M.T @ (dark / K(bright) ** 2).flatten().diag() @ M
assert float((hessian - by_hand).abs().max()) < 1e-9

rank, empty = int(torch.linalg.matrix_rank(hessian)), int((dark == 0).sum())
print(f"{empty} empty pixels, rank of the Hessian 256 - {256 - rank}")
assert rank == 256 - empty
subtracted = M.T @ ((dark - faint) / K(bright) ** 2).flatten().diag() @ M
below = float(torch.linalg.eigvalsh(subtracted).min())
print(f"background subtracted: lowest eigenvalue {below:.3f}")
assert torch.linalg.eigvalsh(hessian).min() > -1e-9
assert below < -1e-3

# %% [markdown]
# ## But not smooth
#
# The usual proof that gradient descent works needs a constant $L$ with $\|\nabla G(u) - \nabla G(v)\| \le L\|u - v\|$ and
# a step below $2/L$.
#
# > **Theorem 3.** If $y \ge 0$, $y \ne 0$ and $Ku > 0$ for some $u$, there is no such $L$ on $\{Ku > 0\}$.
#
# *Proof.* $\nabla G(u) = K^{\mathsf T}(1 - y/Ku)$. Shrink the picture: for $0 < t \le 1$,
# $\nabla G(tu) - \nabla G(\tfrac t2u) = \tfrac1tK^{\mathsf T}(y/Ku)$. This vector is not zero: its product with $u$ is
# $\tfrac1t\langle y/Ku, Ku\rangle = \tfrac1t\|y\|_1$, so its norm is at least $\|y\|_1/(t\|u\|)$, while
# $\|tu - \tfrac t2u\| = \tfrac t2\|u\|$. The quotient is at least $2\|y\|_1/(t^2\|u\|^2)$, beyond all bounds as $t \to 0$. ∎
#
# Away from darkness it is different: on $\{Ku \ge \delta\}$ the Hessian has norm at most
# $\|K\|_*^2\max_iy_i/\delta^2$, finite, but huge for small $\delta$.

# %%
G, norm2 = Poisson(K, y), float(bright.square().sum())
for t in (1, 0.1, 0.01, 0.001):
    difference = G.grad(t * bright) - G.grad(t / 2 * bright)
    quotient = float(difference.norm() / (t / 2 * bright).norm())
    bound = 2 * float(y.sum()) / (t**2 * norm2)
    print(f"t = {t:<5} quotient {quotient:.3g} >= {bound:.3g}")
    assert quotient >= bound

# %% [markdown]
# What does that cost? Take one pixel and $K = 1$: $g(s) = s - y\log s$, with minimiser $s = y$. Gradient descent is
# $s_{k+1} = T(s_k)$, $T(s) = s - \tau(1 - y/s)$.
#
# > **Proposition 4.** For every step $\tau > 0$: (a) if $0 < y < \tau/2$, no run of gradient descent converges to $y$, unless it
# > hits $y$ exactly; (b) if $y \le \tau/4$, some starts $s > 0$ lead to $T(s) \le 0$, where $g$ is not defined; (c) for every
# > $y > 0$, $g(T(s)) > g(s)$ for all small $s$: the objective rises.
#
# *Proof.* (a) $T'(y) = 1 - \tau/y < -1$. So there are $c > 1$ and an interval around $y$ in which
# $|T(s) - y| \ge c\,|s - y|$: a run that comes close, but not onto $y$, is thrown out again. (b) $T(s) \le 0$ means
# $s^2 - \tau s + \tau y \le 0$, solvable with $s = \tau/2 > 0$ if $\tau^2 \ge 4\tau y$. (c) As $s \to 0$,
# $T(s) \to \infty$ like $\tau y/s$, so $g(T(s))$ grows like $\tau y/s$, and $g(s)$ only like $y\log(1/s)$. ∎
#
# So for $K = I$ the step must be at most $2\min_iy_i$, twice the darkest observed *intensity* (with one photon at peak
# 50: 0.04), and then it is very slow in the bright pixels. (For $K = I$ and
# $\tau \le \min y_i$ it does converge, as the last section shows: no Lipschitz constant does not mean no hope. It means that no step
# serves all data and all starts.)
#
# The *proximal* step has no such trouble. $v = \operatorname{prox}_{\lambda g}(z)$ minimises
# $\lambda(v - y\log v) + \tfrac12(v - z)^2$. Zero derivative, times $v > 0$: $v^2 - (z - \lambda)v - \lambda y = 0$. For
# $y > 0$ the roots have the product $-\lambda y < 0$, so exactly one is positive, (95):
#
# $$ v = \tfrac12\Bigl(z - \lambda + \sqrt{(z-\lambda)^2 + 4\lambda y}\Bigr). $$
#
# Write the quadratic as $(v + \lambda)(v - y) = v\,(z - y)$ (multiply out). So
# $v - y = \frac{v}{v + \lambda}\,(z - y)$ with a factor in $(0, 1)$, and $v$ lies between $y$ and $z$.
#
# > **Proposition 5.** For every $\lambda > 0$, $y > 0$ and $s_0$, $s_{k+1} = \operatorname{prox}_{\lambda g}(s_k)$ satisfies
# > $|s_k - y| \le \bigl(\tfrac{M}{M + \lambda}\bigr)^k\,|s_0 - y|$, $M = \max(s_0, y)$.
#
# *Proof.* $s_k$ lies between $y$ and $s_{k-1}$, so all $s_k$ with $k \ge 1$ lie in $(0, M]$, and $v/(v + \lambda)$ increases in
# $v$. ∎

# %% mystnb={"image": {"alt": "Left: for a dark pixel, gradient descent with a short step settles at the minimiser; with a longer step it keeps jumping around it. Right: distance to the minimiser under proximal steps, falling on a logarithmic axis below the bounds"}}
dim, start, steps = 0.02, 0.1, range(31)  # one photon at peak 50
descent, lines = {}, {}
for times in (0.5, 3):
    run = orbit(lambda s, m=times: s - m * dim * (1 - dim / s), start, 30)
    descent[f"τ = {times} y"] = (steps, run)
for lam in (0.01, 0.1):
    run = orbit(lambda s, lam=lam: prox_kl(s, dim * one, lam), start * one, 30)
    distance = [abs(float(s) - dim) for s in run]
    bound = [(start / (start + lam)) ** k * (start - dim) for k in steps]
    assert all(d <= b + 1e-12 for d, b in zip(distance, bound, strict=True))
    lines |= {f"λ = {lam}": (steps, distance), f"bound, λ = {lam}": (steps, bound)}
left = {"lines": descent, "title": "gradient descent, y = 0.02"}
right = {"lines": lines, "title": "proximal steps: |s − y|", "log": True}
figure = curves([left, right], 9, 3)
figure.axes[1].set_ylim(bottom=1e-12)
figure
# %% [markdown]
# *Figure 4.* One dark pixel. Left: gradient descent with two steps. Right: proximal steps, and the bounds of Proposition 5.

# %%
short, long = (values for _, values in descent.values())
print(f"short step ends at {short[-1]:.4f}")
print(f"long step, last values: {[round(s, 3) for s in long[-4:]]}")
assert abs(short[-1] - dim) < 1e-4
assert max(abs(s - dim) for s in long[-4:]) > 0.01  # (a)
after = 2.5 * dim - 5 * dim * (1 - dim / (2.5 * dim))
print(f"τ = 5 y, from s = τ/2: next s = {after:.3f}")  # (b)
assert after < 0

# %% [markdown]
# ## Smooth in another geometry
#
# For convex $G$, an $L$-Lipschitz gradient means that $\tfrac L2\|\cdot\|^2 - G$ is convex. Replace the square by a function that blows up at the
# boundary too, *Burg's entropy* $h(u) = -\sum_j\log u_j$. $G$ is *$L$-smooth relative to $h$* if $Lh - G$ is convex.
#
# > **Theorem 6.** Let $K$ have entries $\ge 0$ and no zero row, and $y \ge 0$. Then $Lh - G$ is convex on
# > $\{u > 0\}$ for $L = \|y\|_1$.
#
# *Proof.* Compare Hessians along $d$, with $q_j = d_j/u_j$: $\langle d, \nabla^2h(u)\,d\rangle = \sum_jq_j^2$. Put
# $w_{ij} = K_{ij}u_j/(Ku)_i$. These are $\ge 0$ with $\sum_jw_{ij} = 1$, and $(Kd)_i/(Ku)_i = \sum_jw_{ij}q_j$ is a
# weighted mean. The square of a mean is at most the mean of the squares:
#
# $$ \langle d, \nabla^2G(u)\,d\rangle = \sum_iy_i\Bigl(\sum_jw_{ij}q_j\Bigr)^2 \le \sum_iy_i\sum_jw_{ij}q_j^2
#   \le \|y\|_1\sum_jq_j^2 , $$
#
# the last step because $w_{ij} \le 1$. ∎ The check takes $\nabla^2G$ by autodiff at random positive points, and then drops the
# hypothesis $K_{ij} \ge 0$.

# %%
Ksmall = Blur(kernels.motion(5, seed=2))
ysmall = noise.poisson(torch.full((1, 1, 8, 8), 0.5).double(), 10, generator)
G8, L8 = Poisson(Ksmall, ysmall), float(ysmall.sum())
lowest = []
for _ in range(20):
    point = randn(1, 1, 8, 8).exp()
    h_hessian = point.flatten().pow(-2).diag()
    g_hessian = torch.func.jacrev(G8.grad)(point).reshape(64, 64)
    lowest.append(float(torch.linalg.eigvalsh(L8 * h_hessian - g_hessian).min()))
print(f"L = ‖y‖₁ = {L8:.1f}; smallest eigenvalue of L∇²h − ∇²G: {min(lowest):.3g}")
assert min(lowest) > 0

signed = torch.tensor([[1.0, -0.9]])  # u = (1, 1), y = 1, Ku = 0.1
broken = torch.eye(2) - signed.T @ signed / 0.1**2
print(f"with a negative entry: {float(torch.linalg.eigvalsh(broken).min()):.0f}")
assert torch.linalg.eigvalsh(broken).min() < -100

# %% [markdown]
# What it buys: *mirror descent*, $\nabla h(u_{k+1}) = \nabla h(u_k) - \tau\nabla G(u_k)$, that is
# $u_{k+1} = u_k/(1 + \tau u_k\nabla G(u_k))$. For $\tau \le 1/L$ it stays positive, lowers $G$, and
# $G(u_k) - G(u) \le D_h(u, u_0)/(\tau k)$ for every $u > 0$ (Bauschke, Bolte and Teboulle 2017; proof on the
# [theory page](../book/theory/inverse_problems.md)). With exact data $y = Ku^\dagger$ the left side is
# $\mathrm{KL}(y, Ku_k)$ for $u = u^\dagger$:


# %%
def mirror_gaps(G, start, step, count=300):
    """KL(y, K u_k), k = 0, ..., count."""
    run = orbit(lambda u: u / (1 + step * u * G.grad(u)), start, count)
    return [kl(G.y, G.operator(u)) for u in run]


u_true, flat = u[0][..., :8, :8].contiguous(), torch.full_like(ysmall, 0.5)
G8 = Poisson(Ksmall, Ksmall(u_true))
L8 = float(G8.y.sum())
gaps = mirror_gaps(G8, flat, 1 / L8)
bounds = [float(burg_distance(u_true, flat)) * L8 / k for k in range(1, 301)]
print(f"after 300 steps: gap {gaps[-1]:.4f}, bound {bounds[-1]:.2f}")
assert all(g <= b for g, b in zip(gaps[1:], bounds, strict=True))
assert all(a >= b for a, b in pairwise(gaps))

# %% [markdown]
# **Exercise 3.** $\|y\|_1$ is not the least constant in Theorem 6. Show that it is
# $L^* = \max_j\sum_{i:\,K_{ij} > 0}y_i$. How much longer may the mirror step be for a blur? Let `mine` return
# $L^*$ for a matrix $K$.
#
# <details>
# <summary>Solution</summary>
#
# *Enough.* The last step of the proof gave too much away:
# $\sum_iy_i\sum_jw_{ij}q_j^2 = \sum_jq_j^2\sum_iy_iw_{ij}$, and $w_{ij} \le 1$, with $w_{ij} = 0$ where $K_{ij} = 0$.
# *Needed.* Let $u$ be 1 in pixel $j$ and $\varepsilon$ elsewhere, $d$ the $j$-th unit vector, so $q_j = 1$. Then
# $\langle d, \nabla^2G\,d\rangle = \sum_iy_iw_{ij}^2$ and $\langle d, \nabla^2h\,d\rangle = 1$. As $\varepsilon \to 0$, $w_{ij} \to 1$
# wherever $K_{ij} > 0$. For a blur only the pixels under the kernel count, not the whole picture; for $K = I$,
# $L^* = \max_jy_j$. So the step may be longer by $\|y\|_1/L^*$: about the number of pixels of the picture over the number
# under the kernel, if $y$ is about even. (The convergence proof uses only that $Lh - G$ is convex, so it holds for
# $\tau \le 1/L^*$.)
#
# </details>


# %%
def mine(K, y):
    return y.sum()  # replace by the least constant


print(checks.check_constant(mine))


# %% tags=["hide-cell", "solution"]
def given(K, y):
    return ((K > 1e-12).double().T @ y).max()


assert checks.check_constant(given) == "right"
L = float(given(matrix(Ksmall, 8), G8.y.flatten()))
faster = mirror_gaps(G8, flat, 1 / L)
print(
    f"gap after 300 steps: {gaps[-1]:.4f} with 1/‖y‖₁, {faster[-1]:.5f} with 1/L*"
)
assert faster[-1] < 0.5 * gaps[-1]
assert all(a >= b for a, b in pairwise(faster))

# %% [markdown]
# ## What few photons do
#
# A Poisson count of mean $m = ps$ has variance $m$ ($\mathbb E\,c(c-1) = \sum_c e^{-m}m^c/(c-2)! = m^2$, so the variance is
# $m^2 + m - m^2$). In units of intensity the variance is $s/p$, the relative error $1/\sqrt{ps}$, and the pixel is empty
# with probability $e^{-ps}$. This noise is not white: bright pixels have more. Yet for a *periodic blur* Theorem 1 survives
# with $\nu^2 = \bar u/p$, $\bar u$ the mean of the picture, and Theorem 2 with it. For all rows and columns of a
# convolution matrix $R$ are shifts of one another: if $C = \operatorname{diag}(Ku)/p$ is the covariance of the noise,
# $\operatorname{tr}(RCR^{\mathsf T}) = \sum_jC_{jj}\sum_iR_{ij}^2$, the inner sum is the same $\|R\|_F^2/N$ for all $j$,
# and blurring with a kernel of sum 1 keeps the mean. The check draws 100 noisy pictures; their spread gives the standard
# error.

# %%
photo = images.photo("camera", 128).double()
motion = Blur(kernels.motion(15, seed=3))
m_hat = transfer(motion, 128, 128)
power = m_hat.abs().square().flatten()
amount = torch.fft.fft2(photo, norm="ortho").abs().flatten()  # |c_i|

draws = noise.poisson(motion(photo).expand(100, -1, -1, -1), peak, generator)
errors = (torch.fft.ifft2(torch.fft.fft2(draws) / m_hat).real - photo).square()
found = errors.sum((1, 2, 3))
formula = float(photo.mean() / peak * (1 / power).sum())
error = float(found.std()) / 100**0.5
print(
    f"measured {float(found.mean()):.0f}, formula {formula:.0f}, standard error {error:.0f}"
)
assert abs(float(found.mean()) - formula) < 5 * error

# %% [markdown]
# Drag the peak. Left the observation, in the middle the division, right Tikhonov's filter with the best $\alpha$ by
# Theorem 2. The label compares the division with its prediction: one draw differs from the mean by several per cent.


# %%
def few_photons(peak):
    """Observation, division, best Tikhonov filter side by side; and a label."""
    y = noise.poisson(motion(photo), peak, torch.Generator().manual_seed(1))
    nu = float(photo.mean() / peak) ** 0.5
    grid = torch.logspace(-6, 1, 71, dtype=torch.float64)
    errors = filter_error(power**0.5, amount, nu, power / (power + grid[:, None]))
    best = float(grid[sum(errors).argmin()])
    naive = torch.fft.ifft2(torch.fft.fft2(y) / m_hat).real
    filtered = Gaussian(motion, y).prox(torch.zeros_like(y), 1 / best)
    expected = nu * float((1 / power).mean()) ** 0.5
    label = f"peak {peak}: RMSE of division {rmse(naive, photo):.2g} "
    label += f"(predicted {expected:.2g}), Tikhonov {metrics.psnr(filtered, photo):.1f} dB"
    assert abs(rmse(naive, photo) / expected - 1) < 0.15
    return torch.cat([y, naive, filtered], -1), label


# %% tags=["nbval-ignore-output"]
peaks = [5, 20, 50, 100, 1000, 10_000, 100_000, 1_000_000]


def explore(peak):
    """Only where Python is running behind the page."""
    picture, label = few_photons(peak)
    return gallery({label: picture}, columns=1)


control = interact(explore, peak=SelectionSlider(options=peaks, value=100))
# %% [markdown]
# The same as ready-made pictures, for pages without Python behind them:

# %%
frames, labels = zip(*(few_photons(p) for p in peaks), strict=True)
alt = "Observation, division, best Tikhonov filter, by peak"
frame_slider(frames, labels, alt, height=150, start=3)

# %% [markdown]
# *Figure 5.* Observation, division, and the best Tikhonov filter, for eight peaks.
#
# Tikhonov's filter knows one number about pictures, even though we let it look at the clean one. Plug-and-play, in the
# same light, knows what a denoiser has learned:

# %%
seen, filtered = few_photons(100)[0].float().split(128, -1)[::2]
denoiser = deconvolution.denoiser_for(seen, "coco-0.25")
settings = deconvolution.settings(100)
result = deconvolution.restore_coco(
    seen, motion.kernel, denoiser, settings, max_iter=30
)
psnrs = [metrics.psnr(v, photo.float()) for v in (filtered, result.x)]
print(f"Tikhonov {psnrs[0]:.0f} dB, CoCo-ADMM {psnrs[1]:.0f} dB")
assert psnrs[1] > psnrs[0] + 1

# %% [markdown]
# ## When gradient descent does converge (beyond the core)
#
# Let $K = I$, all $y_i > 0$ and $\tau \le \min_iy_i$. Show that gradient descent on $G$ converges from every
# start $u > 0$. How many steps does it need in the brightest pixel? What happens in an empty pixel?
#
# <details>
# <summary>Answer</summary>
#
# $T(s) = s - \tau + \tau y/s$ is convex with its minimum $2\sqrt{\tau y} - \tau \ge \sqrt{\tau y}$ at $\sqrt{\tau y} \le y$.
# So after one step $s \ge \sqrt{\tau y}$, where $T$ increases: from there on $s_k$ is monotone and tends to the only fixed
# point $y$. Near it the factor is $1 - \tau/y$: about $y_{\max}/y_{\min}$ steps for each factor $e$. In an empty pixel
# $T(s) = s - \tau$: every fixed step leaves $[0, \infty)$ in finite time.
#
# </details>
#
#
# ## Quiz
#
# *The photograph is stored with 16 bits instead of 8. What happens to the error of the division?*
#
# <details>
# <summary>Answer</summary>
#
# It falls by the factor $65535/255 = 257$, since by Theorem 1 the RMSE is proportional to $\nu$.
#
# </details>
#
# *Does a best $\alpha$ exist that suits all pictures?*
#
# <details>
# <summary>Answer</summary>
#
# No. If all $c_i^2$ of a picture equal $\tau^2$, $\alpha = \nu^2/\tau^2$ is best in every pattern; a picture with another
# $\tau$ wants another $\alpha$. In general pattern $i$ alone wants $\nu^2/c_i^2$, and one $\alpha$ is a compromise.
#
# </details>
#
# *$\nabla G$ has no Lipschitz constant. Which fails: (a) convexity; (b) the proximal step; (c) the promise of descent for a
# fixed gradient step?*
#
# <details>
# <summary>Answer</summary>
#
# Only (c). Convexity was proved, and the proximal step exists for every closed, proper, convex function.
#
# </details>
#
# ## What you now know
#
# - Division multiplies noise by $1/s_i$ in pattern $i$; the total is $\nu^2\sum 1/s_i^2$, known in advance.
# - Regularisation trades bias against variance, and a little of it always helps. The best filter needs a prior.
# - The noise model decides the fidelity: squares for Gaussian noise, Kullback-Leibler for counts. Both are convex.
# - The Poisson gradient has no Lipschitz constant. Proximal steps do not care; in Burg's geometry $G$ is smooth again.
#
# **Next.** What is needed is knowledge of pictures. The next notebooks get it from a denoiser, whose ideal form is the
# posterior mean, and ask when such a denoiser is the proximal step of a prior.
#
# Sources: [B] *Learning Cocoercive Conservative Denoisers via Helmholtz Decomposition for Poisson Imaging Inverse
# Problems*, Wei and others 2025: (1), (2), (95). Ridge regression: Hoerl and Kennard 1970. Relative smoothness: Bauschke,
# Bolte and Teboulle 2017. Mirror descent with a denoiser: Hurault and others 2023. All in the
# [bibliography](../book/bibliography.md). Photographs: Chelsea by Stefan van der Walt and Cameraman by Lav Varshney, both
# CC0, from scikit-image.
