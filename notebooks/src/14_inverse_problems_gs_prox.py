# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Deblurring, super-resolution, inpainting
#
# > **You will do.** Restore three kinds of damage with one program; read tables of measurements; find out by experiments
# > why some of them say what they say; watch a method fail on a large hole, and see that its algorithm is not to blame.
# >
# > **You will learn.** What the theorems leave free (the strength of the denoiser, the weight, the first step) and what
# > each of these decides; which weight belongs to which strength; when a bound on the weight costs decibels.
# >
# > **You need.** GS-PnP ([notebook 10](10_gs_pnp.ipynb)) and Prox-PnP ([11](11_prox_pnp.ipynb)).
# >
# > **Time.** 75 minutes (80 with all that is folded); the cells take less than a minute.
#
# A question to keep in mind. Two notebooks proved that these methods converge. But every choice of the denoiser's strength
# converges, and most of the pictures are bad. **What must be chosen, and is there a rule?**
#
# The experiments are those of section 4 of Herfeld and others (2025), below [A], at the scale of this course. Most numbers
# here come from files that one command made; live cells redo a small piece of each.

# %%

import pandas as pd
import torch
from pnp_course import images, load_denoiser, metrics, noise, run
from pnp_course.denoisers import at_sigma
from pnp_course.exercises import notebook_14 as checks
from pnp_course.experiments.inpainting_table import interpolated
from pnp_course.fidelities import Gaussian
from pnp_course.operators import Blur, Decimation, Mask, kernels
from pnp_course.operators.decimation import upsample
from pnp_course.operators.mask import random_mask
from pnp_course.solvers import gs_pnp_pgd
from pnp_course.viz.figures import gallery

torch.set_flush_denormal(True)  # the tails of ELU; without it, slow
D, nu = load_denoiser("gs-drunet"), 7.65 / 255

# %% [markdown]
# A photograph $x$ is damaged by a linear operator $A$ and by Gaussian noise: $y = Ax + \nu n$. The noise has the standard
# deviation $\nu = 7.65/255$, one of [A]'s three levels. GS-PnP goes down on
#
# $$ F(x) = \lambda f(x) + g_\sigma(x), \qquad f(x) = \tfrac12\|Ax - y\|^2, \qquad D_\sigma = I - \nabla g_\sigma . $$
#
# The three operators: a *blur*, a blur with *decimation* (every second pixel is kept), and a *mask* (half of the pixels are
# lost). Everything else is the same in the three runs, even the parameters: $\sigma = 2\nu$, $\lambda = 10$.

# %%
clean = images.photo("coffee", 96)
generator = torch.Generator().manual_seed(0)
mask = random_mask(96, 96, 0.5, generator)
operators = {
    "blur": Blur(kernels.gaussian(25, 1.6)),
    "super-resolution": Decimation(kernels.gaussian(25, 1.2), 2),
    "inpainting": Mask(mask),
}
seen = {k: noise.gaussian(A(clean), nu, generator) for k, A in operators.items()}
starts = {
    "blur": seen["blur"],
    "super-resolution": upsample(seen["super-resolution"], 2),
    "inpainting": interpolated(seen["inpainting"], mask),
}
pictures = {}
for task, A in operators.items():
    steps = gs_pnp_pgd(
        Gaussian(A, seen[task]), at_sigma(D, 2 * nu), starts[task], lam=10.0
    )
    end = run(steps, 20).x
    before, after = metrics.psnr(starts[task], clean), metrics.psnr(end, clean)
    pictures[f"{task}, start: {before:.1f} dB"] = starts[task]
    pictures[f"GS-PnP: {after:.1f} dB"] = end
    assert after > before + 1

# %% mystnb={"image": {"alt": "Six pictures of a cup of coffee: blurred and restored; a bicubic enlargement and the sharper result; an interpolation of half of the pixels, with noise, and the clean result"}}
gallery(pictures, 6, width=11)

# %% [markdown]
# *Figure 1.* Three kinds of damage, one program, one pair of parameters.
#
# ## 1. Where the operator comes in
#
# GS-PnP meets $A$ in one place, the proximal operator of $\lambda f$. Setting the gradient of $\lambda f(v) + \tfrac12\|v -
# z\|^2$ to zero gives a linear system:
#
# $$ \operatorname{prox}_{\lambda f}(z) = (I + \lambda A^{\mathsf T}A)^{-1}(z + \lambda A^{\mathsf T}y) . $$
#
# - *Blur.* Convolution is diagonal in the Fourier domain, and so is the system: divide by $1 + \lambda|\hat k|^2$.
# - *Mask.* $A^{\mathsf T}A$ is diagonal in the pixels: a seen pixel becomes $(z + \lambda y)/(1 + \lambda)$, a lost one stays $z$.
# - *Decimation.* $A^{\mathsf T}A$ is neither. But $AA^{\mathsf T}$ is a convolution again, on the small grid, so that systems with $I +
#   \lambda AA^{\mathsf T}$ are solved by a division. Can that help?
#
# Yes: for every $s$, $(I + \lambda A^{\mathsf T}A)A^{\mathsf T}s = A^{\mathsf T}(I + \lambda AA^{\mathsf T})s$. So, with $s = (I + \lambda AA^{\mathsf
# T})^{-1}Ab$,
#
# $$ (I + \lambda A^{\mathsf T}A)\bigl(b - \lambda A^{\mathsf T}s\bigr) = b + \lambda A^{\mathsf T}Ab - \lambda A^{\mathsf T}Ab = b , $$
#
# and $b - \lambda A^{\mathsf T}s$ is the solution (the *Woodbury identity*).
#
# **Exercise 1 (code).** You get the functions `A`, `At` and `inverse`, where `inverse(s)` is $(I + \lambda AA^{\mathsf T})^{-1}s$, and `z`, `y`,
# `lam`. Return $\operatorname{prox}_{\lambda f}(z)$. The check looks at the gradient, which must be zero.
#
# <details>
# <summary>Solution</summary>
#
# $b = z + \lambda A^{\mathsf T}y$, then $b - \lambda A^{\mathsf T}\,$`inverse`$(Ab)$. Shorter and the same: $z - \lambda A^{\mathsf T}\,$`inverse`$(Az -
# y)$.
#
# </details>


# %%
def my_prox(A, At, inverse, z, y, lam):
    return z  # replace


print(checks.check_prox(my_prox))


# %% tags=["hide-cell", "solution"]
def given_prox(A, At, inverse, z, y, lam):
    return z - lam * At(inverse(A(z) - y))


assert checks.check_prox(given_prox) == "right"

# %%
A = operators["super-resolution"]
f = Gaussian(A, seen["super-resolution"])
z = starts["super-resolution"]
v = f.prox(z, 10.0)
slope = v - z + 10 * A.adjoint(A(v) - f.y)
print(f"gradient at the library's prox: {float(slope.abs().max()):.0e} at most")
assert slope.abs().max() < 1e-4

# %% [markdown]
# ## 2. Which weight belongs to which strength?
#
# The denoiser's level $\sigma$ is *not* the noise level $\nu$ of the photograph: $D_\sigma$ is a prior, and the data have their own
# term. [A] varies $\sigma/\nu$ at a fixed $\lambda$ (their figure 7) and sees the PSNR rise and fall, an inverted U. Their advice: tune both.
# Can we do better than tuning? Let us compute where everything can be computed.
#
# **A world of modes.** Let the picture consist of independent Gaussian modes (Fourier coefficients, say) with standard deviations $s$, and let
# $A$ multiply each by a $k$. Then the best denoiser of a mode is $D_\sigma(x) = \tfrac{s^2}{s^2 + \sigma^2}x$, so
# $\nabla g_\sigma(x) = hx$ with $h = \tfrac{\sigma^2}{s^2 + \sigma^2}$. GS-PnP converges to the minimiser of $\tfrac\lambda2(kx - y)^2 + \tfrac h2x^2$, while
# the best estimate is the posterior mean:
#
# $$ x_{\text{GS}} = \frac{\lambda k\,y}{\lambda k^2 + h}, \qquad x_{\text{best}} = \frac{k\,y}{k^2 + \nu^2/s^2} . $$
#
# **Exercise 2.** For which $\lambda$ are they equal? `my_weight(s, sigma, nu)` returns it; the check runs GS-PnP.
#
# <details>
# <summary>Solution</summary>
#
# Divide the first by $\lambda$: we need $h/\lambda = \nu^2/s^2$, so $\lambda = \dfrac{hs^2}{\nu^2} = \dfrac{\sigma^2}{\nu^2}\cdot\dfrac{s^2}{s^2 +
# \sigma^2}$.
#
# </details>


# %%
def my_weight(s, sigma, nu):
    return 1.0  # replace


print(checks.check_weight(my_weight))


# %% tags=["hide-cell", "solution"]
def given_weight(s, sigma, nu):
    return (sigma / nu) ** 2 * s**2 / (s**2 + sigma**2)


assert checks.check_weight(given_weight) == "right"

# %% [markdown]
# So there is a rule for *one* mode. There are many, and only one $\lambda$:
#
# - Modes with $s \gg \sigma$ all want the same weight, $\lambda \approx (\sigma/\nu)^2$. A weak denoiser makes one $\lambda$ right for all.
# - Modes with $s \ll \sigma$ want a smaller one, $(s/\nu)^2$; with the common $\lambda$ they are regularised too little, and
#   the strong modes too much as soon as $\lambda$ is lowered for the weak ones. A strong denoiser cannot be right for all.
# - **What looks like an optimal $\sigma$ is first of all a matter of $\lambda$**: with $\lambda$ fixed, $\sigma$ changes the balance.
#
# A proximal denoiser is different. From $D_\sigma = \operatorname{prox}_{\varphi_\sigma}$ follows $\varphi_\sigma(x) = \tfrac{\sigma^2}{2s^2}x^2$ (insert it:
# $x + \tfrac{\sigma^2}{s^2}x = z$). Prox-PnP minimises $\lambda f + \varphi_\sigma$, and is right with
#
# $$ \lambda = (\sigma/\nu)^2 \quad\text{for every mode and every } \sigma . $$
#
# Now the mean error of both, exactly, in a world whose modes fall like $1/\text{frequency}$, with our blur and our noise:

# %%
frequency = torch.arange(1, 129).double() / 256
s = 0.004 / frequency
k = torch.exp(-2 * (torch.pi * 1.6 * frequency) ** 2)
ratios = [0.5, 1.0, 1.5, 2.0, 3.0, 4.5, 6.0]
weights = [0.1, 0.3, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0]


def gain(ratio, lam, prox):
    """PSNR gained over the observation, in dB, expected over pictures and noise."""
    sigma = ratio * nu
    h = sigma**2 / s**2 if prox else sigma**2 / (s**2 + sigma**2)
    factor = lam * k / (lam * k**2 + h)
    error = (s * (1 - factor * k)) ** 2 + (factor * nu) ** 2
    return float(10 * torch.log10(((s * (1 - k)) ** 2 + nu**2).sum() / error.sum()))


world = {
    prox: pd.DataFrame(
        [[gain(r, w, prox) for r in ratios] for w in weights], weights, ratios
    )
    for prox in (False, True)
}
best = {name: table.max() for name, table in world.items()}
print("best gain for each sigma/nu, GS  :", best[False].round(2).tolist())
print("best gain for each sigma/nu, Prox:", best[True].round(2).tolist())

# %% mystnb={"image": {"alt": "A map of gains in decibels over sigma/nu and lambda in the world of modes: a ridge of good pairs rises from lower left to upper right, below the dashed line lambda = (sigma/nu) squared for large sigma"}}
assert best[True].max() - best[True].min() < 0.3  # flat, up to the grid of weights
rule = [r**2 for r in ratios]
map_figure(
    world[False], "σ / ν", "λ", "world of modes, GS: gain in dB", rule, "λ = (σ/ν)²"
)

# %% [markdown]
# *Figure 2.* The world of modes, computed. The best weight of each column is framed. The good pairs form a ridge: along it the
# strength hardly matters. A row, which is what one sees with $\lambda$ fixed, is an inverted U.
#
# **And the photographs?** The file has the mean PSNR of GS-PnP on photographs under the same blur and noise, over both parameters.


# %%
def results(name):
    """The rows of an experiment, at the largest scale that is there."""
    for scale in ("course", "small"):
        rows = committed(f"benchmarks/results/{name}-{scale}.csv")
        if len(rows):
            return rows
    return rows


sweep = results("strength-sweep")
table = sweep.pivot_table(index="lam", columns="ratio", values="psnr")
print(f"{sweep['image'].nunique()} photographs, {len(sweep)} runs")
peak = table.idxmax(axis=1)  # the best sigma/nu for each weight
print("best sigma/nu for each weight:", peak.to_dict())

# %% mystnb={"image": {"alt": "The same map measured with a network on photographs: again a ridge that rises to the right"}}
map_figure(
    table, "σ / ν", "λ", "photographs, GS-PnP: PSNR in dB",
    [r**2 for r in table.columns], "λ = (σ/ν)²",
)  # fmt: skip
