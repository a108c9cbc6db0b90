# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Build a denoiser that is a gradient
#
# > **You will do.** Turn any network into the gradient of a function at the price of one backward pass; train one in
# > seconds; deblur a photograph with an objective that never rises; then put ReLU in the place of ELU and see a
# > line search fail.
# >
# > **You will learn.** Why $D = I - \nabla g$ is conservative by construction and what it is not; what its training
# > loss fits; the convergence theorem of GS-PnP with backtracking, with its full proof; which part of it needs a
# > smooth network.
# >
# > **You need.** Gradients, Jacobians, proximal operators and the descent lemma
# > ([notebook 02](02_proximal_operators.ipynb)), Tweedie's identity ([notebook 03](03_priors_to_denoisers.ipynb)).
# >
# > **Time.** 85 minutes (110 with all that is folded); the cells take about a minute.
#
# A question to keep in mind. In section 2 we train a network $N$ in a few seconds. Its output is *further* from the clean
# photograph than the noisy input is: as a denoiser it is worse than doing nothing. Yet one formula makes out of $N$,
# without further training, a denoiser $D$ that gains several decibels. **How can that be?**
#
# We follow section 2 of Herfeld and others (2025), below [A], after Hurault, Leclaire and Papadakis (2022); numbers
# in parentheses are equations of [A]. Formal statements and every proof: the [theory
# page](../book/theory/gradient_step.md). Words in italics mostly stand in the [glossary](../book/glossary.md). $\lambda$
# weighs the fidelity, as everywhere in the course; the weight that [A] gives the prior is $1/\lambda$, and its step is our
# step times $\lambda$.

# %%
import math

import pandas as pd
import torch
from ipywidgets import FloatLogSlider, FloatSlider, interact
from pnp_course import images, load_denoiser, metrics, noise, run
from pnp_course.denoisers import GradientStep, at_sigma, denoiser_card
from pnp_course.denoisers.dncnn import DnCNN
from pnp_course.exercises import notebook_04 as checks
from pnp_course.fidelities import Gaussian
from pnp_course.jacobian import dense
from pnp_course.operators import Blur, Mask, kernels
from pnp_course.solvers import gs_pnp_pgd
from pnp_course.toy import GaussianMixture, posterior
from pnp_course.toy import potentials as toy
from pnp_course.training.patches import Patches
from pnp_course.viz.figures import curves, gallery
from pnp_course.viz.potential_pictures import level_figure
from pnp_course.viz.slider import figure_as_image, frame_slider

torch.set_flush_denormal(True)  # the tails of ELU; without it, slow
generator = torch.Generator().manual_seed(0)
sigma = 25 / 255
GS, TWIN = load_denoiser("gs-drunet"), load_denoiser("gs-drunet-relu")

# %% [markdown]
# ## 1. One potential, one backward pass
#
# Let $N$ be a network from images to images, differentiable, with Jacobian $J_N$. [A] does not use it as the
# denoiser. It measures how far $N$ moves an image, and takes one gradient step on that (10)-(11):
#
# $$ g(x) = \tfrac12\|x - N(x)\|^2, \qquad D(x) = x - \nabla g(x) . $$
#
# So $g$ is 0 at the images that $N$ leaves as they are, and $D$ goes downhill from $x$ towards them. Here is the whole
# construction on a single pixel. The network $N$ is a smooth curve that moves every intensity towards 0.2 or 0.8.

# %% mystnb={"image": {"alt": "Left: the network N, a curve with three crossings of the identity, at 0.2, 0.5 and 0.8, and the denoiser D, which crosses it there, too. Right: the potential g, which is zero at 0.2, 0.5 and 0.8 and has low hills in between"}}
pixel = torch.linspace(0, 1, 401).double().requires_grad_()
pulled = 0.5 + 0.3 / math.tanh(3) * torch.tanh((pixel - 0.5) / 0.1)
potential = (pixel - pulled).square() / 2
(slope,) = torch.autograd.grad(potential.sum(), pixel)
here = pixel.detach()
lines = {"N(x)": pulled.detach(), "D(x)": here - slope, "identity": here}
curves([
    {"title": "network and denoiser", "xlabel": "x (intensity)",
     "lines": {k: (here, v) for k, v in lines.items()}},
    {"title": "potential g(x)", "xlabel": "x (intensity)",
     "lines": {"": (here, potential.detach())}},
], 8.5, 2.8)  # fmt: skip

# %% [markdown]
# *Figure 1.* Left: a network $N$ of one pixel and the denoiser $D = I - \nabla g$ that is made of it. Right: the potential
# $g$, half the squared distance between $x$ and $N(x)$. Where $g$ falls, $D$ lies above the identity; where $g$ rises,
# below. Look
# at the middle: $N$ moves pixels away from 0.5, but $N(0.5) = 0.5$, so $g$ has a minimum there, and $D$ moves them towards it
# (and, with a step of length 1, even past it).
#
# What does $\nabla g$ cost? Let $r(x) = x - N(x)$, with Jacobian $I - J_N$. In a direction $h$ the product rule gives
#
# $$ \langle\nabla g(x), h\rangle = \langle r, (I - J_N)h\rangle = \langle(I - J_N)^{\mathsf T}r, h\rangle, \qquad
# \text{so}\quad \nabla g = r - J_N^{\mathsf T}r, $$
#
# and, because $D = x - \nabla g$ and $x - r = N$,
#
# $$ \boxed{\;D(x) = N(x) + J_N(x)^{\mathsf T}\,(x - N(x))\;} $$
#
# No matrix is ever formed: $J_N^{\mathsf T}r$ is one *vector-Jacobian product*, what backpropagation computes. The
# cell compares the class `GradientStep` with the boxed formula (through another part of the autograd engine) and its
# $\nabla g$ with a finite difference of $g$, which needs values only.

# %%
patch = noise.gaussian(images.photo("chelsea", 96), sigma, generator)
patch = patch[..., 40:56, 36:52].double()
D = load_denoiser("gs-drunet").double()
N = D.network
output, product = torch.func.vjp(lambda z: N(z, sigma), patch)
by_formula = output + product(patch - output)[0]
h, step = torch.randn(patch.shape, generator=generator).double(), 1e-5
ends = [float(D.value(patch + sign * step * h, sigma)) for sign in (-1, 1)]
by_difference = (ends[1] - ends[0]) / (2 * step)
slope = float(((patch - D(patch, sigma)) * h).sum())
print(f"<grad g, h>: by D {slope:.6f}, by difference {by_difference:.6f}")
assert (D(patch, sigma) - by_formula).abs().max() < 1e-10
assert abs(slope - by_difference) < 1e-5 * abs(slope)

# %% [markdown]
# We count the cost in evaluations of the network; seconds depend on the machine. `Counted` wraps a network and counts.
# The potential alone needs one forward pass. The denoiser needs one forward pass and one product, and the potential
# comes with it for free. This will matter in section 6: there the value of the objective is needed at every step.

# %%
counted = toy.Counted(N)
tally, wrapped = {}, GradientStep(counted)
for name in ("value", "forward", "denoise_and_value"):
    before = (counted.forwards, counted.products)
    with torch.no_grad():
        getattr(wrapped, name)(patch, sigma)
    after = (counted.forwards - before[0], counted.products - before[1])
    tally[name] = {"forward passes": after[0], "products with J_N^T": after[1]}
assert tally["value"] == {"forward passes": 1, "products with J_N^T": 0}
assert tally["denoise_and_value"] == {"forward passes": 1, "products with J_N^T": 1}
pd.DataFrame(tally).T

# %% [markdown]
# **Exercise 1.** Let $N(x) = \kappa x$ with a number $\kappa$. By which number does $D$ multiply? For which
# $\kappa$ is $D$ nonexpansive? Can it multiply by 2?
#
# <details>
# <summary>Solution</summary>
#
# $g = \tfrac12(1 - \kappa)^2\|x\|^2$, so $D$ multiplies by $1 - (1 - \kappa)^2 = 2\kappa - \kappa^2$. Nonexpansive:
# $(1 - \kappa)^2 \le 2$, that is $1 - \sqrt2 \le \kappa \le 1 + \sqrt2$. It never multiplies by more
# than 1, so not by 2: a linear $N$ has no curvature, as section 3 explains.
#
# </details>


# %%
def mine(kappa):
    return 0.0  # replace by the factor of D


print(checks.check_factor(mine))


# %% tags=["hide-cell", "solution"]
def given(kappa):
    return 1 - (1 - kappa) ** 2


assert checks.check_factor(given) == "right"

# %% [markdown]
# ## 2. Train one, live
#
# The network: three convolutions with ELU between them (`DnCNN`, which computes $x$ minus the convolutions, with its
# ReLUs exchanged), fewer than 5,000 numbers. The data: patches of three photographs; the test: a fourth. The loss is the
# squared error of $D$. Training differentiates *through* $\nabla g$, which takes a second backward pass; PyTorch does it
# for us.


# %%
def train(network, steps=120):
    D, draw = GradientStep(network), torch.Generator().manual_seed(0)
    names = ("astronaut", "coffee", "rocket")
    photos = [(images.photo(n, 256)[0] * 255).byte() for n in names]
    patches = Patches(photos, 40, draw)
    adam = torch.optim.Adam(D.parameters())
    for k in range(steps):
        clean = patches.batch(8)
        noisy = clean + sigma * torch.randn(clean.shape, generator=draw)
        loss = (D(noisy, sigma) - clean).square().mean()
        adam.param_groups[0]["lr"] = 4e-3 * (1 - k / steps)
        adam.zero_grad()
        loss.backward()
        adam.step()
    return D.requires_grad_(False)


clean = images.photo("chelsea", 96)
noisy = noise.gaussian(clean, sigma, torch.Generator().manual_seed(1))
torch.manual_seed(0)
tiny = train(toy.elu_in_place_of_relu(DnCNN(3, width=16, depth=3)))

# %% tags=["nbval-ignore-output"]
gained = {"noisy": metrics.psnr(noisy, clean)}
gained["D, trained"] = metrics.psnr(tiny(noisy, sigma), clean)
gained["its N"] = metrics.psnr(tiny.network(noisy, sigma), clean)
mirrored = 2 * noisy - tiny.network(noisy, sigma)
gained["2x - N, same D"] = metrics.psnr(mirrored, clean)
for name, value in gained.items():
    print(f"{name:15} {value:5.1f} dB")
assert gained["D, trained"] > gained["noisy"] + 4 > gained["its N"] + 4

# %% tags=["nbval-ignore-output"] mystnb={"image": {"alt": "Four pictures of a cat's face: noisy; the output of D, with little noise; the output of N, noisier than the input; the output of 2x minus N, smoother and blotchy"}}
shown = {"noisy": noisy, "D, trained": tiny(noisy, sigma)}
shown |= {"its N": tiny.network(noisy, sigma), "2x - N, same D": mirrored}
gallery({f"{k}: {gained[k]:.1f} dB": v for k, v in shown.items()}, columns=4)

# %% [markdown]
# *Figure 2.* What the trained denoiser makes of a noisy photograph, and what two networks do from which the same $D$ is
# built.
#
# There it is: $D$ removes most of the noise, $N$ adds to it. The fourth picture is of the mirror image $2x - N(x)$, which
# moves every image in the opposite direction. It has the same $\|x - N(x)\|$, so the same $g$ and the same $D$. That is the
# answer to the question, in short: what was trained is the *length* of $x - N(x)$ as a function of $x$, and the gradient
# of half its square is what $D$ takes away. Nothing asks $N$ to be a denoiser. The next two sections ask what $D$ can be,
# and what its training fits.

# %% [markdown]
# ## 3. Conservative by construction, and nothing else
#
# $D = \nabla\psi$ with $\psi = \tfrac12\|\cdot\|^2 - g$. So $D$ is *conservative* whatever the weights of $N$ are:
# trained or not, good or bad. (In Wei and others (2025), below [B], symmetry of the Jacobian is a penalty, and holds
# approximately.) To see what else holds, let $N$ be twice differentiable and differentiate $\nabla g = (I -
# J_N)^{\mathsf T}r$ once more:
#
# $$ \nabla^2g = (I - J_N)^{\mathsf T}(I - J_N) - \sum_i r_i\,\nabla^2N_i, \qquad J_D = I - \nabla^2g. \qquad (\dagger) $$
#
# $J_D$ is symmetric, and nothing more is certain. (The course's $N$ uses the ELU activation, whose second derivative
# jumps at one point; there
# $(\dagger)$ holds almost everywhere.) The first term of $\nabla^2g$ is positive semidefinite and unbounded: $J_D$ may have
# eigenvalues far below 0. So $D$ need be neither *monotone* nor *nonexpansive*. The second, the *curvature* of $N$, has
# no sign: only through it can $J_D$ have an eigenvalue above 1. Remember this for section 8. We look at whole Jacobians
# on a patch of $8\times8$ pixels at $\sigma = 25/255$: $192\times192$ numbers. The table shows the spectral norm of $J -
# J^{\mathsf T}$, and the lowest and the highest eigenvalue of the symmetric part $S = (J + J^{\mathsf T})/2$.

# %%
small = patch[..., 4:12, 4:12]
torch.manual_seed(0)
untrained = GradientStep(toy.elu_in_place_of_relu(DnCNN(3, 16, 3)).double())
maps = {"D of gs-drunet": D, "its N": N, "D of an untrained net": untrained}
maps["drunet"] = load_denoiser("drunet").double()
rows = {}
for name, network in maps.items():
    J = dense(lambda z, f=network: f(z, sigma), small)[0]
    ends = torch.linalg.eigvalsh((J + J.T) / 2)[[0, -1]]
    asymmetry = float(torch.linalg.matrix_norm(J - J.T, 2))
    rows[name] = {"norm of J - J^T": asymmetry, "lowest": float(ends[0])}
    rows[name] |= {"highest eigenvalue of S": float(ends[1])}
    assert (asymmetry < 1e-10) == isinstance(network, GradientStep)
pd.DataFrame(rows).T.round(3)

# %% [markdown]
# Both $D$ are symmetric up to rounding errors; neither of the two plain networks is.
#
# **Which $N$ belongs to a given $D$?** Not one: many. Turn the residual $r$ by any orthogonal matrix $Q(x)$ that depends
# on $x$ differentiably; then $\|r\|$, $g$ and $D$ stay the same. The mirror image of figure 2 is $Q = -I$.
#
# *In words: every differentiable potential that is bounded below can be made by some $N$. So the construction excludes
# no other potential.*
#
# Call $D$ a *gradient-step denoiser* if it has the form (10)-(11) with some differentiable $N$.
#
# **Proposition 1.** $D$ is a gradient-step denoiser if and only if $D = I - \nabla g$ with a differentiable $g$ that is
# bounded below.
#
# *Proof.* $g = \tfrac12\|x - N(x)\|^2 \ge 0$ is bounded below. Conversely, let $g$ be bounded below, and add a
# constant, so that $g > 0$ (the gradient does not notice), and
# let $N(x) = x - \sqrt{2g(x)}\,e$ with a fixed vector $e$ of length 1: it is differentiable and $\tfrac12\|x -
# N(x)\|^2 = g(x)$. $\square$
#
#
# ## 4. What the training loss fits
#
# Let $x = u + \sigma\xi$ with $u$ from any prior, $\xi \sim \mathcal N(0, I)$ independent of $u$, and $p_\sigma$ the
# density
# of $x$. Notebook 03 proved *Tweedie's identity*, $\mathbb E[u \mid x] = x + \sigma^2\nabla\log p_\sigma(x)$ (8), and
# that the error of any estimator $\hat u(x)$ splits:
#
# $$ \mathbb E\|\hat u(x) - u\|^2 = \mathbb E\|\hat u(x) - \mathbb E[u \mid x]\|^2 + \mathbb E\|\mathbb E[u \mid x] - u\|^2 . $$
#
# Put $\hat u = D = I - \nabla g$ into it.
#
# *In words: training cannot lower the first term below; what it lowers is the distance of $\nabla g$ from the ideal one.*
#
# **Theorem 2 (after [A] (12)).** For every $C^1$ function $g$
#
# $$ \mathbb E\|D(x) - u\|^2 = \mathbb E\bigl\|\mathbb E[u \mid x] - u\bigr\|^2 + \mathbb E\bigl\|\nabla g(x) + \sigma^2\nabla\log p_\sigma(x)\bigr\|^2 . $$
#
# *So squared error is smallest if and only if $g = -\sigma^2\log p_\sigma + \text{const}$.*
#
# *Proof.* $D(x) - \mathbb E[u \mid x] = (x - \nabla g) - (x + \sigma^2\nabla\log p_\sigma)$. The last term vanishes
# if and only if the continuous function in it does wherever $p_\sigma > 0$, that is everywhere. $\square$
#
# To train a gradient-step denoiser is therefore to fit a *density* of noisy images by its *score*: with $q =
# e^{-g/\sigma^2}$ (if it is integrable, and then normalised) the last term is $\sigma^4\,\mathbb E\|\nabla\log q -
# \nabla\log
# p_\sigma\|^2$. And $-\sigma^2\log p_\sigma$ is smooth and bounded below, as $p_\sigma \le (2\pi\sigma^2)^{-n/2}$ in
# $\mathbb R^n$: **the ideal denoiser of every prior is a gradient-step denoiser** (Proposition 1). In principle the
# architecture excludes no ideal denoiser.
#
# We test this on the pixel of notebook 03, with peaks at 0.2 and 0.8. `RootNet` is the $N$ of Proposition 1 for $g =
# -\sigma^2\log p_\sigma + \text{const}$; `GradientStep` around it must be the posterior mean. Then we check Theorem
# 2 with a *wrong* $g$, made for a prior with one broad peak. The left side is computed by a double integral over $(x,
# u)$, the
# right side by Bayes' rule on a grid and a finite difference of $\log p_\sigma$.

# %%
prior = GaussianMixture.two_peaks()
level = 0.15  # sigma of the noise on this pixel
broad = torch.full((1, 1, 1), 0.3**2)
wrong = GaussianMixture(torch.ones(1), torch.full((1, 1), 0.5), broad)
x = torch.linspace(-1, 2, 1501).double()
u = torch.linspace(-0.3, 1.3, 1601).double()
pixels = x.reshape(-1, 1, 1, 1)
exact, other = (GradientStep(toy.RootNet(m)) for m in (prior, wrong))
ideal = prior.mmse(x[:, None], level)[:, 0]
gap = (exact(pixels, level).flatten() - ideal).abs().max()
print(f"GradientStep(RootNet) is the posterior mean: {bool(gap < 1e-9)}")
density = posterior.gaussian_density(level)
joint = density(x[:, None] - u)
joint = joint * prior.log_density(u[:, None], 0.0).exp()
error = (other(pixels, level).flatten()[:, None] - u) ** 2
left = torch.trapezoid(torch.trapezoid(joint * error, u, dim=1), x)
p, _, variance = posterior.bayes_on_a_grid(prior, x, density)
(score,) = torch.gradient(p.clamp_min(1e-300).log(), spacing=(x,))
grad_g = other.gradient_and_value(pixels, level)[0].flatten()
right = torch.trapezoid(p * (variance + (grad_g + level**2 * score) ** 2), x)
print(f"Theorem 2: left {left:.6f}, right {right:.6f}")
assert gap < 1e-9
assert abs(left / right - 1) < 1e-3

# %% mystnb={"image": {"alt": "Left: the potential, a curve with two wells at 0.2 and 0.8 and a hill between them. Right: the denoiser rises in two gentle slopes with a steep one in the middle; the two networks that both belong to it run above and below the diagonal and look nothing like it"}}
N_plus, N_minus = (
    toy.RootNet(prior, sign)(pixels, level).flatten() for sign in (1, -1)
)
window = (x > -0.2) & (x < 1.2)
lines = {
    "D": exact(pixels, level).flatten(),
    "N, root +": N_plus,
    "N, root -": N_minus,
}
lines["identity"] = x
curves([
    {"title": "the potential g of the ideal denoiser", "xlabel": "x (intensity)",
     "lines": {"": (x[window], exact.value(pixels, level)[window])}},
    {"title": "one D, two networks N", "xlabel": "x (intensity)",
     "lines": {k: (x[window], v[window]) for k, v in lines.items()}},
], 8.5, 3)  # fmt: skip

# %% [markdown]
# *Figure 3.* Left: the potential has two wells, at the two clean values. Right: the ideal denoiser, and two networks $N = x
# \pm\sqrt{2g}$ (the two signs of the root) that both make it. Neither resembles a denoiser.
#
# ## 5. An objective for plug-and-play
#
# Let $f$ be a *fidelity*, such as $\tfrac12\|Ax - y\|^2$. (Other notebooks call it $G$; here we keep the letter of
# [A].) With a potential in hand there is an objective with a
# formula, and proximal gradient descent (PGD) for it:
#
# $$ \begin{aligned} F &= \lambda f + g, \\
#   x_{k+1} &= \operatorname{prox}_{\tau\lambda f}\bigl(x_k - \tau\nabla g(x_k)\bigr) \\
#   &= \operatorname{prox}_{\tau\lambda f}\bigl(\tau\,D(x_k) + (1 - \tau)\,x_k\bigr) . \end{aligned} $$
#
# The second form inserts $\nabla g = I - D$. It is a *plug-and-play* loop: for $\tau < 1$ with an *averaged denoiser*, for
# $\tau = 1$ with $D$ itself, and for $\tau > 1$ with a step that goes beyond $D$ (most runs below end with such a
# $\tau$). Compare the PGD of notebook
# 03. There the fidelity was in the gradient step, and the denoiser was the proximal operator of an implicit prior. Here
# the roles are exchanged, the prior is explicit, and it need not be convex. How long may the step be?
#
# *In words: a step that is short compared with $2/L$ lowers the objective in proportion to the square of the move.*
#
# **Lemma 3 (one step).** Let $f$ be convex, closed and proper, $g$ be $C^1$, $f(x) < \infty$, $x^+ =
# \operatorname{prox}_{\tau\lambda f}(x - \tau\nabla g(x))$, and $\nabla g$ $L$-Lipschitz on the segment from $x$ to
# $x^+$. Then
#
# $$ F(x) - F(x^+) \ge \Bigl(\frac1\tau - \frac L2\Bigr)\|x - x^+\|^2 . $$
#
# *Proof.* Let $d = x^+ - x$. $x^+$ minimises $\tau\lambda f + \tfrac12\|\cdot - (x - \tau\nabla g(x))\|^2$, so $v =
# -\tfrac1\tau d - \nabla g(x)$ is a *subgradient* of $\lambda f$ at $x^+$:
#
# $$ \lambda f(x) \ge \lambda f(x^+) + \langle v, x - x^+\rangle = \lambda f(x^+) + \tfrac1\tau\|d\|^2 + \langle\nabla g(x), d\rangle . $$
#
# The descent lemma of notebook 02, whose proof integrates along the segment only, says $g(x^+) \le g(x) +
# \langle\nabla g(x), d\rangle + \tfrac L2\|d\|^2$. Add the two: the inner products cancel. $\square$
#
# We check it on an example that we know exactly: *two* pixels, each with the two-peak prior, of which only the mean is
# observed, $A =
# \tfrac12\bigl(\begin{smallmatrix}1 & 1\\ 1 & 1\end{smallmatrix}\bigr)$ and $y = (0.5, 0.5)$. So one pixel is dark and
# one is bright, but which? $\nabla^2g = I - J$, and by notebook 03 the derivative of a pixel's ideal denoiser, $J$, has a
# positive infimum $J_{\min}$ and a maximum $J_{\max} > 1$. So $\nabla g$ is Lipschitz with the constant $\max(1 - J_{\min},
# J_{\max} - 1)$. But the descent lemma needs only an upper bound, $\nabla^2g \le L$, along the segment; negative
# eigenvalues of $\nabla^2g$ do not matter to it. So Lemma 3 holds with $L = 1 - J_{\min}$. The cell checks it with this
# $L$ at random points; often there is nearly equality.

# %%
mean_of_two = Blur(torch.tensor([[0.5, 0.5]]))
fidelity = Gaussian(mean_of_two, torch.full((1, 1, 1, 2), 0.5).double())
two, lam = at_sigma(exact, level), 5.0
line = torch.linspace(-1, 2, 30_001).double()[:, None]
L = float((1 - prior.jacobian(line, level)).max())


def F(point):
    return lam * fidelity.value(point) + float(exact.value(point, level))


quotients = []
for tau in (0.1, 0.4, 1.0, 2.0):
    for _ in range(50):
        start = torch.rand(1, 1, 1, 2, generator=generator).double()
        new = fidelity.prox(start + tau * (two(start) - start), tau * lam)
        gain = (F(start) - F(new)) / float((start - new).square().sum())
        quotients.append(gain - (1 / tau - L / 2))
print(f"L = {L:.3f}; smallest left side minus right side {min(quotients):.5f}")
assert min(quotients) > 0

# %% [markdown]
# The constant cannot be improved: for $f = 0$, $g = \tfrac L2\|\cdot\|^2$ there is equality (compute it), and for
# $\tau > 2/L$ that objective rises at every step.
#
# ## 6. Backtracking, and the theorem
#
# For a network nobody knows $L$. [A] (section 2.4, Algorithm 1) evaluates the objective instead. Fix $0 < c < 1$ and $0 <
# \eta < 1$; compute a *trial point* $x^+$ as in Lemma 3 with the
# current $\tau$, and accept it if
#
# $$ F(x_k) - F(x^+) \ge \frac c\tau\|x_k - x^+\|^2, \qquad (\ast) $$
#
# else replace $\tau$ by $\eta\tau$ and try again. After acceptance $x_{k+1} = x^+$, $\tau_k = \tau$, and the next iteration
# begins with this $\tau$: it never grows. (A program also stops when $\tau$ is below a tiny number, `smallest`.) By Lemma
# 3 $(\ast)$ holds as soon as $\tau \le 2(1 - c)/L$. ([A], and so our solver, takes $c < \tfrac12$, which one needs
# if $f$ is not convex: see exercise 3.)
#
#
# **Exercise 2.** Write one iteration of backtracking: given $x$, the current $\tau$, the objective `F` and the
# map `step(x, tau)`, which returns the trial point $x^+$, return $x_{k+1}$ and the new $\tau$. The check compares fifteen
# iterations with the library on two pixels.
#
# <details>
# <summary>Solution</summary>
#
# See the cell below: a loop that ends at the first accepted trial point, and returns the $\tau$ it was accepted with, since
# the next iteration begins there.
#
# </details>


# %%
def mine(x, tau, F, step, c=0.1, eta=0.9):
    return step(x, tau), tau  # replace: this accepts everything


print(checks.check_backtracking(mine))


# %% tags=["hide-cell", "solution"]
def given(x, tau, F, step, c=0.1, eta=0.9):
    while True:
        new = step(x, tau)
        if F(x) - F(new) >= c / tau * float((x - new).square().sum()):
            return new, tau
        tau = eta * tau


assert checks.check_backtracking(given) == "right"

# %% [markdown]
# **Exercise 3.** Drop the convexity of $f$; let $x^+$ be *a* minimiser of $\tau\lambda f + \tfrac12\|\cdot -
# z\|^2$, $z = x - \tau\nabla g(x)$. Prove $F(x) - F(x^+) \ge \bigl(\tfrac1{2\tau} - \tfrac L2\bigr)\|x - x^+\|^2$.
# (Hint: compare the values that $x^+$ and $x$ give to the function that $x^+$ minimises.) Which $c$ are now possible,
# and up to which $\tau$ is $(\ast)$ certain? Let `mine` return that longest
# $\tau$. The check takes $\lambda f = -\tfrac\beta2x^2$, $g = \tfrac L2x^2$ with $\beta\tau$ close to 1, where your
# step must
# just be accepted.
#
# <details>
# <summary>Solution</summary>
#
# Compare $x^+$ with $x$: $\tau\lambda f(x^+) + \tfrac12\|x^+ - z\|^2 \le \tau\lambda f(x) + \tfrac12\|x - z\|^2$. With $d =
# x^+ - x$ and $x - z = \tau\nabla g(x)$ the squares differ by $\tfrac12\|d\|^2 + \tau\langle d, \nabla g(x)\rangle$. So
# $\lambda f(x) - \lambda f(x^+) \ge \tfrac1{2\tau}\|d\|^2 + \langle\nabla g(x), d\rangle$; add the descent
# lemma as in Lemma 3. $(\ast)$ is certain if $\tfrac1{2\tau} - \tfrac L2 \ge \tfrac c\tau$, that is $\tau
# \le (1 - 2c)/L$, possible for $c < \tfrac12$ only.
#
# </details>


# %%
def mine(c, L):
    return 1.0  # replace by the longest step that is certain to be accepted


print(checks.check_longest_step(mine))


# %% tags=["hide-cell", "solution"]
def given(c, L):
    return (1 - 2 * c) / L


assert checks.check_longest_step(given) == "right"

# %% [markdown]
# *In words: the search for a step always ends, the objective cannot rise, and if the iterates stay bounded they approach
# critical points, where no direction lowers the objective to first order.*
#
# > **Theorem 4.** Let $f:\mathbb R^n\to(-\infty,\infty]$ be convex, closed, proper, with $f \ge m$ for a number $m$;
# > $g:\mathbb R^n\to[0,\infty)$ be $C^1$ with $\nabla g$ Lipschitz on every bounded set; $\lambda, \tau_0 > 0$,
# > $f(x_0) < \infty$.
# >
# > 1. Every line search stops, $F(x_k)$ does not increase and converges, and
# >    $\min_{k<K}\|x_{k+1} - x_k\| \le \sqrt{\tau_0(F(x_0) - \lambda m)/(cK)}$.
# > 2. If $(x_k)$ is bounded: finitely many rejections, $\tau_k \ge \tau_{\min} > 0$; every limit point is critical,
# >    $0 \in \partial F(x)$, where $\partial F(x) := \lambda\,\partial f(x) + \nabla g(x)$; and
# >    $\min_{k<K}\operatorname{dist}(0, \partial F(x_{k+1})) = O(1/\sqrt K)$.
# > 3. If also $F$ has the *Kurdyka-Łojasiewicz property*, $(x_k)$ converges to a critical point.
#
# **Proof of 1.** *Trial points stay near.* Let $x = x_k$ and $\bar x = \operatorname{prox}_{\tau\lambda f}(x)$. The
# function that
# the proximal operator minimises is at $\bar x$ at most what it is at $x$: $\tau\lambda f(\bar x) + \tfrac12\|\bar x -
# x\|^2 \le
# \tau\lambda f(x)$. So $\|\bar x - x\|^2 \le 2\tau\lambda(f(x) - m)$. Proximal operators are nonexpansive, so $\|x^+ -
# \bar x\| \le
# \tau\|\nabla g(x)\|$. As $\tau \le \tau_0$, all trial points lie in one ball,
#
# $$ \|x^+ - x\| \le \sqrt{2\tau_0\lambda(f(x) - m)} + \tau_0\|\nabla g(x)\| =: \Theta(x) . $$
#
# *The search stops.* On that ball $\nabla g$ has *some* Lipschitz constant $L$, and the ball contains the segments
# from $x$. After finitely many multiplications by $\eta$ we have $\tau \le 2(1-c)/L$, and Lemma 3 accepts.
#
# *Rate.* $F \ge \lambda m$ since $g \ge 0$. Sum $(\ast)$ over $k < K$, with $\tau_k \le \tau_0$: $\frac
# c{\tau_0}\sum_{k<K}\|x_{k+1} - x_k\|^2 \le F(x_0) - \lambda m$. The smallest of $K$ numbers is at most their mean.
# $\square$
#
# **Proof of 2.** *One constant for all.* $\lambda f(x_k) \le F(x_k) \le F(x_0)$ (again $g \ge 0$), and $\nabla g$ is
# bounded
# on the ball that holds the iterates. So $\Theta(x_k)$ is bounded: all trial points of all iterations lie in *one* ball.
# Let $L$ be a Lipschitz constant of $\nabla g$ on it. A step $\tau \le 2(1-c)/L$ is never rejected, so a rejected step
# is longer, and after multiplication by
# $\eta$ it is still longer than $2\eta(1-c)/L$. Hence $\tau_k \ge \tau_{\min} = \min(\tau_0,\, 2\eta(1-c)/L)$. Each
# rejection
# multiplies $\tau$ by $\eta < 1$, so there are finitely many.
#
# The first half says what we wanted to know about the step. The second half turns small moves into small gradients:
#
# <details>
# <summary>Proof of 2, second half: limit points are critical</summary>
#
# *Limit points.* From Lemma 3's subgradient $v$,
#
# $$ \begin{aligned} w_{k+1} &= \tfrac1{\tau_k}(x_k - x_{k+1}) + \nabla g(x_{k+1}) - \nabla g(x_k) \in \partial F(x_{k+1}), \\
#   \|w_{k+1}\| &\le \bigl(\tfrac1{\tau_{\min}} + L\bigr)\|x_{k+1} - x_k\| , \end{aligned} $$
#
# which with part 1 gives the rate. The sum in part 1 is finite, so $w_k \to 0$. If $x_{k_j} \to x$, then $w_{k_j} -
# \nabla g(x_{k_j}) \in \lambda\,\partial f(x_{k_j})$ tends to $-\nabla g(x)$, and the graph of the
# subdifferential of a closed convex function is closed. $\square$
#
# </details>
#
# <details>
# <summary>Proof of 3</summary>
#
# We verify the three conditions of Attouch, Bolte and Svaiter (2013), Theorem 2.9. *Descent:* $F(x_k) - F(x_{k+1})
# \ge \frac c{\tau_0}\|x_{k+1} - x_k\|^2$. *A subgradient of that size:* $w_{k+1}$. *Continuity along a subsequence:*
# let $x_{k_j} \to x$. $g$ is continuous; $f(x) \le \liminf f(x_{k_j})$ as $f$ is closed; and with the bounded
# subgradients $v_j = \tfrac1\lambda(w_{k_j} - \nabla g(x_{k_j}))$, $f(x) \ge f(x_{k_j}) + \langle v_j, x - x_{k_j}\rangle$
# gives $\limsup f(x_{k_j}) \le f(x)$. So $F(x_{k_j}) \to F(x)$. Their theorem then says that $\sum\|x_{k+1} - x_k\| <
# \infty$ and that the limit is critical. $\square$
#
# </details>
#
# <details>
# <summary>When are the hypotheses true?</summary>
#
# - **Smooth $g$.** ELU has the derivative $\min(1, e^z)$, which is Lipschitz, and convolutions are linear; sums and
#   compositions of such maps have Jacobians that are Lipschitz on bounded sets.
# - **Bounded iterates.** They stay where $F \le F(x_0)$. As $g \ge 0$, it is enough that $f$ grows to infinity; for a blur,
#   that its transfer function has no zero.
# - **Kurdyka-Łojasiewicz.** Roughly: near a critical point, one can rescale the values of $F$ so that its graph becomes as
#   steep as a cone. It is true for all functions built from polynomials, exponentials and logarithms in finitely many steps.
#   [Notebook 10](10_gs_pnp.ipynb) defines and draws it.
#
# </details>
#
# The next cell checks the theorem, with a first step that is far too long. (Here $f$ does not depend on the difference of
# the pixels; the iterates are bounded since $g$ grows to infinity. In the code `i.u` is the iterate, the output of the
# proximal operator.) The two sides of each claim come from different places: $L$ from Theorem
# 3 of notebook 03, the run from the solver, criticality from the exact posterior mean.

# %%
c, eta, tau0 = 0.1, 0.9, 8.0
x0 = torch.tensor([0.55, 0.95]).double().reshape(1, 1, 1, 2)
begin = fidelity.prox(x0, tau0 * lam)
solver = gs_pnp_pgd(fidelity, two, x0, lam=lam, step=tau0, c=c, eta=eta)
steps = [next(solver) for _ in range(35)]
points = torch.stack([begin, *(i.u for i in steps)]).reshape(-1, 2)
values = [F(begin), *(i.objective for i in steps)]
values = torch.tensor(values, dtype=torch.float64)
accepted = torch.cat([i.step for i in steps])
moves = points.diff(dim=0).norm(dim=1)
bounds = (tau0 * values[0] / (c * torch.arange(1, 36))).sqrt()
last = steps[-1].u
critical = lam * mean_of_two.adjoint(mean_of_two(last) - 0.5) + (
    last - prior.mmse(last.reshape(2, 1), level).reshape(last.shape)
)
tau_min = 2 * eta * (1 - c) / L
print(f"rejections {steps[-1].rejected}, last tau {float(accepted[-1]):.2f}")
print(f"tau_min of the theorem {tau_min:.2f}; end {points[-1].numpy().round(3)}")
assert (values.diff() <= 1e-12).all()
spent = (c * moves.square() / accepted).cumsum(0)  # (*) summed
assert (spent <= values[0] - values[1:] + 1e-12).all()
assert (moves.cummin(0).values <= bounds).all()
assert accepted[-1] >= tau_min
assert steps[-1].rejected == steps[4].rejected > 0
assert critical.abs().max() < 1e-5


# %% mystnb={"image": {"alt": "Level lines of the objective over the two pixels: two valleys, at pixel 1 dark and pixel 2 bright and the other way round, with a saddle in the middle. Runs from three starts end in one of the valleys; a fourth, started on the diagonal, ends at the saddle"}}
def path(start, lam=5.0, first=1.0, iterations=40):
    x0 = torch.tensor(start).double().reshape(1, 1, 1, 2)
    solver = gs_pnp_pgd(fidelity, two, x0, lam=lam, step=first)
    points = [x0, fidelity.prox(x0, first * lam)]
    points += [i.u for _, i in zip(range(iterations), solver, strict=False)]
    return torch.stack(points).reshape(-1, 2)


def plane(lam):
    def objective(points):
        fit = (points.mean(1) - 0.5).square()
        return lam * fit + exact.value(points.reshape(-1, 1, 1, 2), level).detach()

    return objective


starts = ([0.05, 0.45], [0.95, 0.85], [0.6, 0.05], [0.9, 0.9])
paths = {f"from {a}": path(a) for a in starts}
assert (paths["from [0.9, 0.9]"][-1] - 0.5).abs().max() < 1e-3
level_figure(
    plane(lam), paths, title="GS-PnP on two pixels seen through their mean"
)

# %% [markdown]
# *Figure 4.* Level lines of $F$ and four runs; each run begins at the end of its line without a cross, and a cross
# marks its
# last iterate. Which valley is reached depends on the start:
# the theorem promises a critical point, not the global minimum. The run that starts on the diagonal stays on it, by
# symmetry, and converges to a saddle: critical, too.
#
# ## 7. A photograph
#
# The photograph is blurred by a motion of the camera, with a little noise. The strength of the denoiser is $\sigma = 2\nu$,
# where $\nu$ is the standard deviation of the noise of the observation. The cell
# first verifies that the transfer function has no zero (so the iterates are bounded), then runs two loops: without
# line search at $\tau = 3$, and with backtracking from the same $\tau$.

# %%
shake, nu, weight = Blur(kernels.motion(11, seed=2)), 0.02, 10.0
blurred = noise.gaussian(shake(clean), nu, torch.Generator().manual_seed(0))
assert float(shake.spectrum(clean).abs().min()) > 1e-4
data, prior_step = Gaussian(shake, blurred), at_sigma(GS, 2 * nu)
watch = {"F": lambda i: i.objective}
long_step = toy.fixed_step(data, prior_step, blurred, lam=weight, step=3.0)
rising = run(long_step, 8, monitors=watch)
solver = gs_pnp_pgd(data, prior_step, blurred, lam=weight, step=3.0)
watch["step"] = lambda i: float(i.step)
mended = run(solver, 25, monitors=watch)
end = mended.iterate
print(f"fixed step: F rose {int((rising.history.F.diff() > 0).sum())} times of 7")
print(f"backtracking: {end.rejected} rejections, {end.evaluations} evaluations")
assert end.evaluations == 1 + 25 + end.rejected
assert (rising.history.F.diff()[1:] > 0).all()
assert end.rejected > 0
assert (mended.history.F.diff()[1:] <= 0).all()
assert rising.history.F.iloc[-1] > 2 * rising.history.F.iloc[2]

# %% mystnb={"image": {"alt": "Left: the objective on a logarithmic axis; with the fixed step it climbs steeply, with GS-PnP it falls and flattens. Middle: the step tau goes down in a few stages and then stays constant. Right: relative change per iteration, falling"}}
fixed, searched = rising.history.F, mended.history.F
step, change = mended.history.step, mended.history.relative_change[1:]
objective = {
    "fixed τ = 3": (fixed.index[:3], fixed[:3]),
    "GS-PnP": (searched.index, searched),
}
curves([
    {"title": "objective F", "log": True, "lines": objective},
    {"title": "accepted step τ", "lines": {"GS-PnP": (step.index, step)}},
    {"title": "relative change", "log": True,
     "lines": {"GS-PnP": (change.index, change)}},
])  # fmt: skip

# %% [markdown]
# *Figure 5.* Left: with the fixed step the objective rises (the first three iterates are shown; the rest would leave the
# picture), with GS-PnP, whose step is found by backtracking, it falls. Middle: the line search shortens the step a few
# times, then never again. Right: the moves of GS-PnP become small.
#
# What would $N$ do in the place of $D$? We run the same loop, fidelity and network in turn, without an objective. To give
# $N$ an advantage, we take the best of six settings, chosen by comparison with the clean picture; $D$ keeps the one setting
# it had. The pictures show the denoiser's output at the last iterate; for the fixed step, they show the point that went
# into the last proximal operator.

# %%
best = 0.0
for strength in (nu, 2 * nu):
    for w in (10.0, 20.0, 50.0):
        image = data.prox(blurred, w)
        for _ in range(15):
            out = GS.network(image, strength)
            image = data.prox(out, w)
        if metrics.psnr(out, clean) > best:
            best, with_n = metrics.psnr(out, clean), out

# %% mystnb={"image": {"alt": "Four pictures of a cat's face: blurred; the long fixed step, torn to coloured noise; backtracking, sharp eyes and fur; N in the place of D, sharp but blotchy"}}
pictures = {"observed": blurred, "fixed step, τ = 3": rising.x}
pictures |= {"backtracking": GS(end.u, 2 * nu), "N in the place of D": with_n}
quality = {k: metrics.psnr(v, clean) for k, v in pictures.items()}
assert quality["backtracking"] > quality["observed"] + 5
assert quality["backtracking"] > quality["N in the place of D"] + 0.4
assert quality["fixed step, τ = 3"] < quality["observed"]
gallery({f"{k}: {quality[k]:.1f} dB": v for k, v in pictures.items()}, columns=4)

# %% [markdown]
# *Figure 6.* The ends of the runs. A first $\tau$ that is too long costs a few rejected trial points. (One that is too
# short is
# never corrected, since $\tau$ does not grow; and the first steps can decide which valley is reached, see section 9.)
# It was
# the objective that told us that $\tau = 3$ is too long. With a denoiser that is no gradient this check is impossible: no
# objective exists.
#
# ## 8. What breaks: a potential with kinks
#
# Theorem 4 asked for a Lipschitz $\nabla g$ on bounded sets. With ReLU, $\nabla g$ is not Lipschitz, and
# not even continuous. Does that matter in practice? The course has two networks of the same size, trained in the same
# way: `gs-drunet` with ELU, and its
# twin with ReLU. The cell shows at three noise levels what the denoisers $D$ and the networks $N$ inside them do. (It
# prints their training loss. For an absolute error, `l1`, Theorem 2 does not apply: the best guess is then a median
# instead of a mean.)

# %%
rows = {}
for strength in (15, 25, 40):
    seen = noise.gaussian(clean, strength / 255, torch.Generator().manual_seed(2))
    row = {"noisy": seen}
    for name, net in (("ELU", GS), ("ReLU", TWIN)):
        row[f"D {name}"] = net(seen, strength / 255)
        row[f"N {name}"] = net.network(seen, strength / 255)
    rows[f"sigma = {strength}/255"] = {
        k: metrics.psnr(v, clean) for k, v in row.items()
    }
table = pd.DataFrame(rows).T
losses = [
    denoiser_card(n)["training"]["fit"] for n in ("gs-drunet", "gs-drunet-relu")
]
print("training losses:", *losses)
assert (table["D ELU"] > table["N ELU"] + 1).all()
assert (table["D ELU"] > table["noisy"] + 4).all()
assert ((table["D ELU"] - table["D ReLU"]).abs() < 1).all()
table.round(2)

# %% [markdown]
# The twin denoises about as well as the smooth network. Judged by this table, smoothness is not needed. (Here $N$ began
# as a
# denoiser, trained in the ordinary way, and did not stay one: it removes part of the noise only.) Now look closer. A ReLU
# network is *piecewise affine*: $N(x) = Wx + \text{const}$ on each of finitely many polyhedra. Inside one, $(\dagger)$
# loses its
# curvature term:
#
# $$ \nabla^2g = (I - W)^{\mathsf T}(I - W) \ge 0, \qquad J_D \le I . $$
#
# *In words: such a potential bends upwards wherever it is smooth; so if it has no kinks, it has no hills.*
#
# **Proposition 5.** *Let $N$ be continuous and piecewise affine. On every line, $\phi(s) = g(x + sh)$ has $\phi'' \ge
# 0$ except at finitely many $s$, where $\phi'$ may jump. If $\nabla g$ is continuous, $g$ is convex.*
#
# *Proof.* The line meets each polyhedron in a closed interval; the finitely many ends of these divide it into open
# intervals, each inside one polyhedron, where $\phi$ is a convex quadratic. If $\phi'$ is continuous, it is
# nondecreasing on each piece, hence everywhere. $\square$
#
# But the ideal potential $-\sigma^2\log p_\sigma$ has hills wherever $p_\sigma$ is not log-concave: between two peaks
# $J > 1$. A ReLU potential can have a hill only by *downward jumps of its slope*. So its denoiser, whose derivative is at
# most 1, can expand distances only by jumping. Two consequences, both measured on the twin. The largest eigenvalue of
# $J_D$ is at most
# 1 **by algebra**, so the upper end of a spectrum certifies nothing. And a cut through $\nabla g$ shows jumps that no
# refinement removes. (The cut with ELU has corners, where an ELU passes 0, but no jumps.)

# %%
smooth, kinked = D, load_denoiser("gs-drunet-relu").double()
assert smooth.smooth
assert not kinked.smooth
for name, net in (("ELU", smooth), ("ReLU", kinked)):
    J = dense(lambda z, f=net: f(z, sigma), small)[0]
    top = float(torch.linalg.eigvalsh((J + J.T) / 2)[-1])
    print(f"{name}: largest eigenvalue of J_D {top:.4f}")
    assert name == "ELU" or top <= 1 + 1e-9

# %%
pixel = torch.zeros_like(patch)
pixel[..., 8, 8] = 3**-0.5  # one gray pixel, of norm 1
where = torch.linspace(0, 1, 401).double()
cuts, jumps = {}, {}
for name, net in (("ELU", smooth), ("ReLU", kinked)):
    cuts[name] = toy.slope_along(net, patch, pixel, where, sigma)
    at = int(cuts[name].diff().abs().argmax())
    low, high = float(where[max(at - 1, 0)]), float(where[min(at + 2, 400)])
    fine = torch.linspace(low, high, 301).double()
    zoomed = toy.slope_along(net, patch, pixel, fine, sigma)
    jumps[name] = (fine, zoomed, float(cuts[name].diff().abs().max()))
    ratio = float(zoomed.diff().abs().max()) / jumps[name][2]
    print(f"{name}: a grid 100 times finer leaves {ratio:.2f} of the largest jump")
    assert ratio < 0.1 if name == "ELU" else ratio > 0.2

# %% mystnb={"image": {"alt": "Left: the derivative of g along a line as one pixel brightens: smooth for ELU, a ragged curve with sudden drops for ReLU. Right: both magnified some hundred times at their steepest place: ELU is a straight line, ReLU a vertical step"}}
zoom = {}
for name, (fine, zoomed, _) in jumps.items():
    zoom[name] = ((fine - fine[0]) * 1000, zoomed - zoomed[0])
curves([
    {"title": "slope of g as one pixel brightens", "xlabel": "s (brighter by s/√3)",
     "lines": {k: (where, v) for k, v in cuts.items()}},
    {"title": "the steepest place of each, magnified", "xlabel": "s from the left edge, in 0.001",
     "lines": zoom},
], 8.5, 3)  # fmt: skip

# %% [markdown]
# *Figure 7.* The slope of $g$ while one pixel brightens, and its steepest place, magnified. With ReLU it is a jump.
#
# ### Does training suffer? (beyond the core)
#
# Take soft thresholding, $N(x) = \operatorname{relu}(x - b) - \operatorname{relu}(-x - b)$.
# Then $x - N(x)$ is $x$ clipped to $[-b, b]$, $g = \tfrac12\min(x^2, b^2)$, and $D$ is *hard* thresholding: 0 for
# $|x| < b$, $x$ for $|x| > b$. Its derivative with respect to the parameter $b$ is 0 wherever it exists.
# Backpropagation will say that the threshold does not matter, for any loss (exercise 4). Not every weight is so
# unlucky, but every kink moves with the weights, and what its jump contributes to the gradient of the expected loss,
# backpropagation misses. We train the twin of `tiny`: same function, same seed, ReLU.


# %% tags=["nbval-ignore-output"]
torch.manual_seed(0)
tiny_relu = train(DnCNN(3, width=16, depth=3))
from_scratch = metrics.psnr(tiny_relu(noisy, sigma), clean)
print(
    f"trained from nothing: ELU {gained['D, trained']:.1f} dB, ReLU {from_scratch:.1f} dB"
)
print(f"trained at length: ELU {table['D ELU'].iloc[1]:.1f} dB, ", end="")
print(f"ReLU {table['D ReLU'].iloc[1]:.1f} dB")
assert gained["D, trained"] > from_scratch + 1

# %% [markdown]
# The small networks are decibels apart. The large twin did not suffer visibly: it began from a trained network, and
# trained long. So ReLU *can* denoise in this architecture; from nothing, at this one setting, it trained far worse. (That
# the missed jumps are the reason is plausible, not proved.)
#
# **Exercise 4: the blind gradient.** Let $u$ be a random number, $x = u + \sigma\xi$ with density $p$,
# as in section 4, and $D_b$ hard thresholding, the gradient-step denoiser of soft thresholding. Show that the risk
# $R(b) = \mathbb
# E(D_b(x) - u)^2$ has the derivative $R'(b) = 2b\,p(b)\,\bigl(2\,\mathbb E[u \mid x = b] - b\bigr)$ if the
# distribution of $u$ is symmetric about 0, while backpropagation returns 0. (Hint: split the expectation at $|x| = b$.) Let `mine` return $R'(b)$ for a Gaussian $u$ of variance $V$.
#
# <details>
# <summary>Solution</summary>
#
# $R(b) = \int_{|x|<b}\mathbb E[u^2 \mid x]\,p + \int_{|x|>b}\mathbb E[(x - u)^2 \mid x]\,p$. Differentiate with respect
# to the
# limits of the integrals; by symmetry $x = b$ and $x = -b$ give the same: $R'(b) = 2p(b)\,\mathbb E[u^2 - (b - u)^2
# \mid x = b] =
# 2p(b)\,(2b\,\mathbb E[u \mid x = b] - b^2)$. For a Gaussian, $p$ is that of $\mathcal N(0, V + \sigma^2)$, and
# $\mathbb E[u \mid x = b] =
# bV/(V + \sigma^2)$. Backpropagation differentiates $D_b(x)$ at fixed $x \ne \pm b$, where it is constant in $b$.
#
# </details>


# %%
def mine(b, V, sigma):
    return 0.0  # replace by R'(b): so far you agree with backpropagation


print(checks.check_slope_of_risk(mine))


# %% tags=["hide-cell", "solution"]
def given(b, V, sigma):
    total = V + sigma**2
    density = torch.exp(torch.tensor(-(b**2) / (2 * total)))
    density = density / (2 * torch.pi * total) ** 0.5
    return float(2 * b**2 * density * (2 * V / total - 1))


assert checks.check_slope_of_risk(given) == "right"

# %% [markdown]
# This is what backpropagation says about the same risk:


# %%
class Soft(torch.nn.Module):
    in_channels, config = 1, {}

    def __init__(self, b):
        super().__init__()
        self.b = torch.nn.Parameter(torch.tensor(b).double())

    def forward(self, x, sigma):
        return (x - self.b).relu() - (-x - self.b).relu()


network = Soft(0.7)
line = torch.linspace(-6, 6, 2001).double().reshape(-1, 1, 1, 1)
out = GradientStep(network)(line, 0.5)
(blind,) = torch.autograd.grad(out.square().mean(), network.b)
true = (checks.risk(0.71, 0.6, 0.5) - checks.risk(0.69, 0.6, 0.5)) / 0.02
print(f"backpropagation {float(blind):.3f}, difference quotient {true:.3f}")
assert float(blind) == 0 != true

# %% [markdown]
# ### Does the line search suffer?
#
# A concave kink, like those of $\min(x^2, b^2)$, does no harm: an upper bound for
# one of two functions is an upper bound for their minimum. A *convex* kink does harm. Two pixels again, $f =
# \tfrac12(x_2 - \tfrac12)^2$
# and $g = \tfrac12(1 + |x_1 - \tfrac12|)^2$: a valley with a sharp floor along $x_1 = \tfrac12$. Here $N$ needs two
# ReLUs; with ELU in their place the floor is rounded.
#
# *In words: a kink in one pixel can make the steps so short that all other pixels stop, too, far from their goal.* Here
# $c$ is the constant of $(\ast)$.
#
# **Proposition 6.** *If $x_1$ is never exactly $\tfrac12$ and at some iteration $0 < |x_2 - \tfrac12| <
# \sqrt c/\lambda$, then $\sum\tau_k < \infty$, and the iterates converge to a point on the floor that is not critical.*
#
# *The idea* (the [theory page](../book/theory/gradient_step.md#what-goes-wrong-with-relu) has the proof). Let a step in
# $x_1$ begin at the distance $\delta$ from the floor, have the length $\ell$, and cross the floor; it ends at the distance
# $\ell - \delta$ on the other side. $(\ast)$ asks for a descent proportional to $\ell$, but $g$ falls only as long as
# the step
# gets nearer to the floor. The computation on the theory page shows that $(\ast)$ accepts only $\ell \le 2\delta/(1 +
# \omega)$,
# where $0 < \omega < 1$ is a number that is the same for all later iterations. Then the next distance is at most
# $\tfrac{1 -
# \omega}2\ell$, and the next step at most $\tfrac{1 - \omega}{1 + \omega}\ell$: the steps fall geometrically. Since both
# pixels have the same $\tau$, and it never grows again, the sum of all steps of $x_2$ is finite, too short to reach
# $\tfrac12$.

# %%
second = Gaussian(
    Mask(torch.tensor([[0.0, 1.0]])), torch.full((1, 1, 1, 2), 0.5).double()
)
ends, taus, trails = {}, {}, {}
start = torch.tensor([0.83, 1.0]).double().reshape(1, 1, 1, 2)
for name, act in (("ELU", torch.nn.ELU()), ("ReLU", torch.nn.ReLU())):
    valley = at_sigma(GradientStep(toy.KinkedNet(act)), 0.1)
    solver = gs_pnp_pgd(second, valley, start, lam=1 / 3, smallest=1e-12)
    iterates = [i for _, i in zip(range(250), solver, strict=False)]
    trails[name] = torch.stack([start, *(i.u for i in iterates)]).reshape(-1, 2)
    taus[name] = (range(len(iterates)), [float(i.step) for i in iterates])
    ends[name] = float((trails[name][-1, 1] - 0.5).abs())
    print(f"{name}: {len(iterates)} iterations, error of pixel 2 {ends[name]:.3f}")
assert (
    float((start[..., 1] - 0.5).abs()) < 3 * 0.1**0.5
)  # |x_2 - 1/2| < sqrt(c) / lam
assert float((trails["ReLU"][-1, 0] - 0.5).abs()) < 1e-9  # on the floor
assert ends["ELU"] < 1e-5 < 0.05 < ends["ReLU"]
assert len(taus["ReLU"][1]) < 250 == len(taus["ELU"][1])

# %% mystnb={"image": {"alt": "Left: second pixel against iteration: with ELU it falls to 0.5, with ReLU it stops above 0.6. Right: the step tau on a logarithmic axis: constant after a few iterations for ELU, falling geometrically to 1e-12 for ReLU"}}
curves([
    {"title": "pixel 2 (its critical value is 0.5)",
     "lines": {k: (range(61), v[:61, 1]) for k, v in trails.items()}},
    {"title": "step τ", "log": True, "lines": taus},
], 8.5, 2.8)  # fmt: skip

# %% [markdown]
# *Figure 8.* The same run with a round floor (ELU) and with a sharp one (ReLU).
#
# And on a photograph? We run both trained networks with a shorter motion blur, on a piece of $32\times32$ pixels, in
# double precision, long enough to see the difference. Small moves prove nothing when $\tau$ is tiny. By the proof of
# part 2, the residual to look at is $\|x_{k+1} - x_k\|/\tau_k$.

# %% tags=["nbval-ignore-output"] mystnb={"image": {"alt": "Left: the step, constant for ELU, falling by orders of magnitude for ReLU. Right: the move divided by the step: falling steadily for ELU, hovering for ReLU"}}
piece = clean[..., 20:52, 20:52].double()
short = Blur(kernels.motion(7, seed=2))
seen = noise.gaussian(short(piece), nu, torch.Generator().manual_seed(0))
task, traces, residuals, final = Gaussian(short, seen), {}, {}, {}
for name, net in (("ELU", smooth), ("ReLU", kinked)):
    loop = at_sigma(net, 2 * nu)
    solver = gs_pnp_pgd(task, loop, seen, lam=weight, step=3.0)
    steps = [i for _, i in zip(range(70), solver, strict=False)]
    track = torch.stack([i.u for i in steps]).flatten(1)
    tau = torch.cat([i.step for i in steps])
    traces[name] = (range(len(steps)), tau)
    residuals[name] = (
        range(1, len(steps)),
        track.diff(dim=0).norm(dim=1) / tau[1:],
    )
    final[name] = steps[-1]
    quality = metrics.psnr(net(steps[-1].u, 2 * nu), piece)
    print(f"{name}: {final[name].rejected} rejections, {quality:.1f} dB")
assert final["ReLU"].rejected > 2 * final["ELU"].rejected
assert final["ReLU"].step < 0.2 * final["ELU"].step
curves([
    {"title": "accepted step τ", "log": True, "lines": traces},
    {"title": "residual: move / τ", "log": True, "lines": residuals},
], 8.5, 2.8)  # fmt: skip

# %% [markdown]
# *Figure 9.* With ReLU the step falls by orders of magnitude, and the residual stays at one level: it cannot say
# whether the
# run has converged. With ELU the step is constant, and the residual falls.
#
# ### Is the end point a bad one? (beyond the core)
#
# Is it as bad as in the valley, or a minimum that happens to lie in a kink? There $\nabla g$ differs between the two sides,
# and the residual stays away from 0 in either case. An experiment: push the end point a little in a random direction, give
# the line search a fresh step, and see where $F$ goes.

# %% tags=["nbval-ignore-output"]
falls = {}
for name, net in (("ELU", smooth), ("ReLU", kinked)):
    loop, falls[name] = at_sigma(net, 2 * nu), []
    for seed in (0, 1):
        push = torch.Generator().manual_seed(seed)
        again = noise.gaussian(final[name].u, 0.01, push)
        solver = gs_pnp_pgd(task, loop, again, lam=weight, step=0.5)
        end = run(solver, 30).iterate.objective
        falls[name].append(1 - end / final[name].objective)
    print(
        f"{name}: F falls by",
        ", ".join(f"{1e6 * d:.1f}" for d in falls[name]),
        end="",
    )
    print(" millionths")
assert max(map(abs, falls["ELU"])) < 1e-3
assert max(map(abs, falls["ReLU"])) < 1e-2
assert max(falls["ReLU"]) > max(0.0, *falls["ELU"])

# %% [markdown]
# With ELU the run returns to the value it had, from above. With ReLU a push finds a lower value nearby: the end point was
# not the lowest place of its neighbourhood. (Whether it was a local minimum in a kink, with a lower one next door, this
# does not decide.) How much lower? In the photograph, by far too little to see.
#
#
# ### What a smooth activation is good for
#
# [A] asks for a smooth activation. This is what we found. ReLU is hardly worse as a denoiser if trained well, and the
# restored pictures score alike. What it loses is the theorem, and the loss can be measured: jumps in $\nabla g$; a
# spectrum whose upper end proves nothing; a step that shrinks by orders of magnitude; a residual that can no longer say
# whether the run has converged; and, in the worst case, an end point that is far from critical. In these experiments
# smoothness did not improve the picture; it made it possible to know that the run had converged.
#
# ## 9. Explore
#
# Live: move the start, $\lambda$, and the first step. (Without a kernel, use the frames below.) Below which $\lambda$
# is there a minimum with *both* pixels dark, against the data? Can a longer first step avoid it?
#
# <details>
# <summary>Answer</summary>
#
# Critical points $(t, t)$ solve $\lambda(\tfrac12 - t) = t - D(t)$; the Hessian of $F$ has the eigenvalues $\lambda + 1 -
# J(t)$ along the diagonal and $1 - J(t)$ across. So a minimum needs $J(t) < 1$: $t < 0.395$, $\lambda < 1.293$.
# From $(0.35, 0.1)$ with $\lambda = 0.3$ the first steps $\tau = 1$ and 2 end there, 4 ends at $(0.8, 0.2)$. A long
# step may jump out; nothing promises it, and from a start on the diagonal none does.
#
# </details>


# %% tags=["nbval-ignore-output", "remove-output"]
def explore(pixel1=0.35, pixel2=0.1, lam=5.0, first=1.0):
    trail = {"": path([pixel1, pixel2], lam, first)}
    return level_figure(
        plane(lam), trail, title=f"λ = {lam:.3g}, first τ = {first}"
    )


control = interact(
    explore,
    pixel1=FloatSlider(0.35, min=0, max=1, step=0.05),
    pixel2=FloatSlider(0.1, min=0, max=1, step=0.05),
    lam=FloatLogSlider(5.0, min=-0.5, max=1.7, step=0.05),
    first=FloatSlider(1.0, min=0.1, max=8, step=0.1),
)

# %%
stations = [(5.0, 0.1), (5.0, 1.0), (50.0, 1.0), (0.3, 1.0), (0.3, 4.0)]
frame_slider(
    [figure_as_image(explore(0.35, 0.1, a, b)) for a, b in stations],
    [f"λ = {a}, first τ = {b}" for a, b in stations],
    alt="Path of GS-PnP on two pixels for several weights and first steps",
    height=340,
    start=1,
)

# %% [markdown]
# *Figure 10.* Level lines of $F$, and the path of GS-PnP from one start, for several $\lambda$ and first steps.
#
# ## Can $N$ denoise, too? (beyond the core)
#
# An experiment of your own: add $\|N(x) - u\|^2$ to the loss in `train`, with a weight. Can $N$ *and* $D$ both denoise?
# How much does $D$ lose? What does the scalar case say, where $1 - D = (1 - N)^2$ for the factors of exercise 1?
#
# <details>
# <summary>What we found</summary>
#
# Scalar: for a factor $0 \le D \le 1$ take $N = 1 - \sqrt{1 - D}$. It is 1 where $D$ is 1 and about $D/2$ where $D$ is
# small: this root does denoise, the other, $1 + \sqrt{1 - D}$, does the opposite. The extra term chooses the root. In our
# trials with `tiny` a weight of 1 made $N$ about as good as $D$, and $D$ only a little worse than without.
#
# </details>
#
# ## Quiz
#
# *The weights of $N$ are random numbers. Which of these does $D$ satisfy: conservative, nonexpansive,
# proximal operator?*
#
# <details>
# <summary>Answer</summary>
#
# Only "conservative" is certain. The untrained net of section 3 has an eigenvalue above 1: not nonexpansive. A
# continuous proximal
# operator needs $J_D$ positive semidefinite (notebook 03), and $(\dagger)$ allows eigenvalues below 0.
#
# </details>
#
# *In a run of Algorithm 1, $F$ decreases and the moves $\|x_{k+1} - x_k\|$ have become tiny. Is the last iterate
# nearly critical?*
#
# <details>
# <summary>Answer</summary>
#
# Only if $\tau_k$ has not become tiny, too: look at $\|x_{k+1} - x_k\|/\tau_k$. The rate in part 1 of Theorem 4
# follows from $(\ast)$ alone; part 2 needs $\tau_{\min}$.
#
# </details>
#
# *A certificate at a thousand patches says that the Jacobian of a ReLU gradient-step denoiser has no eigenvalue
# above 1. What does that say about the denoiser?*
#
# <details>
# <summary>Answer</summary>
#
# Nothing: it is true for every such network, where the Jacobian exists. The denoiser may jump between the patches.
#
# </details>
#
# ## What you now know
#
# - $D = N + J_N^{\mathsf T}(x - N) = I - \nabla g$: one forward pass, one vector-Jacobian product, and the value of
#   $g$ for free. Conservative for all weights; neither nonexpansive nor monotone in general.
# - Squared error fits $g$ to $-\sigma^2\log p_\sigma$. $D$ determines $g$ up to a constant and says nothing
#   about the direction of $x - N$; $N$ need not denoise: that answers the question.
# - GS-PnP has an objective. If $\nabla g$ is Lipschitz on bounded sets, backtracking makes it decrease, and the smallest
#   of the first $K$ moves is $O(1/\sqrt K)$. If the iterates are bounded, limit points are critical; with the
#   Kurdyka-Łojasiewicz property as well, the iterates converge. A step that is too long announces itself by a rising $F$.
# - With ReLU, $g$ has kinks: $D$ jumps, its Jacobian misleads, and the line search can stop at a point that is not
#   critical.
#
# **Next.** $\nabla g$ with a Lipschitz constant below 1 makes $D$ not a gradient step only but a proximal operator: the
# proximal denoiser of [A], and with it other algorithms: [notebook 05](05_proximal_denoiser.ipynb). How [B] gets there
# by penalties, and with more freedom, is [notebook 08](08_coco_denoisers.ipynb).
#
# Sources: [A] Herfeld and others 2025: (8), (10)-(12), section 2.4 with Algorithm 1. The gradient-step denoiser: Hurault,
# Leclaire and Papadakis 2022. Convergence under the Kurdyka-Łojasiewicz property: Attouch, Bolte and Svaiter 2013.
# Propositions 1, 5 and 6 and the example of the blind gradient are this course's. All in the
# [bibliography](../book/bibliography.md). Photographs from scikit-image: Chelsea the cat by Stefan van der Walt, CC0;
# Eileen Collins, NASA; coffee by Rachel Michetti, CC0; Falcon 9 by SpaceX, CC0.
