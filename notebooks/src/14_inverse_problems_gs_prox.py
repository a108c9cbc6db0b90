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
# > **Time.** 65 minutes; the cells take less than a minute.
#
# A question to keep in mind. Two notebooks proved that these methods converge. But every choice of the denoiser's strength
# converges, and most of the pictures are bad. **What must be chosen, and is there a rule?**
#
# The experiments are those of section 4 of Herfeld and others (2025), below [A], at the scale of this course. Most numbers
# here come from files that one command made; live cells redo a small piece of each.

# %%
from dataclasses import replace

import pandas as pd
import torch
from pnp_course import denoiser_card, images, load_denoiser, metrics, noise, run
from pnp_course.denoisers import at_sigma
from pnp_course.exercises import notebook_14 as checks
from pnp_course.experiments import experiment_named, holes_sweep, report
from pnp_course.experiments.gaussian_noise import METHODS, observed
from pnp_course.experiments.inpainting_table import interpolated
from pnp_course.fidelities import Gaussian
from pnp_course.guarantees import Constants
from pnp_course.monitors import psnr_to
from pnp_course.operators import Blur, Decimation, Identity, Mask, kernels
from pnp_course.operators.decimation import upsample
from pnp_course.operators.mask import random_mask
from pnp_course.solvers import gs_pnp_pgd, prox_pnp_drs, prox_pnp_pgd
from pnp_course.viz.figures import curves, gallery
from pnp_course.viz.lab import committed
from pnp_course.viz.tables import interval_figure, map_figure

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
before_after = {}, {}
for task, A in operators.items():
    steps = gs_pnp_pgd(
        Gaussian(A, seen[task]), at_sigma(D, 2 * nu), starts[task], lam=10.0
    )
    end = run(steps, 20).x
    before, after = metrics.psnr(starts[task], clean), metrics.psnr(end, clean)
    before_after[0][f"{task}, start: {before:.1f} dB"] = starts[task]
    before_after[1][f"{task}, GS-PnP: {after:.1f} dB"] = end
    assert after > before + 1

# %% mystnb={"image": {"alt": "Six pictures of a cup of coffee. Above: blurred; a bicubic enlargement; an interpolation of half of the pixels, with noise. Below, the three results, sharper and clean"}}
gallery(before_after[0] | before_after[1], 3, width=7.5)

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
ratios = [0.5, 1.0, 1.5, 2.0, 3.0, 5.0]


def gain(ratio, lam, prox):
    """PSNR gained over the observation, in dB, expected over pictures and noise."""
    sigma = ratio * nu
    h = sigma**2 / s**2 if prox else sigma**2 / (s**2 + sigma**2)
    factor = lam * k / (lam * k**2 + h)
    error = (s * (1 - factor * k)) ** 2 + (factor * nu) ** 2
    return float(10 * torch.log10(((s * (1 - k)) ** 2 + nu**2).sum() / error.sum()))


weights = torch.logspace(-1.3, 2, 200).tolist()
fixed, best = {}, {}
for name, prox in (("GS-PnP", False), ("Prox-DRS", True)):
    fixed[name] = [gain(r, 3.0, prox) for r in ratios]
    best[name] = [max(gain(r, w, prox) for w in weights) for r in ratios]
rule = [gain(r, r**2, True) for r in ratios]
print(f"Prox, weight by the rule: {min(rule):.3f} to {max(rule):.3f} dB")
assert max(rule) - min(rule) < 1e-9
assert max(best["GS-PnP"]) - min(best["GS-PnP"]) < 0.7
assert min(fixed["Prox-DRS"]) < max(rule) - 1.5

# %% mystnb={"image": {"alt": "Two panels over sigma/nu from 0.5 to 5. With lambda = 3 both gains rise and fall. With the best lambda for each sigma that of Prox is constant, that of GS falls slowly, by half a decibel"}}
span = {"xlabel": "σ / ν", "ylabel": "gain over the observation (dB)"}
curves([
    {"title": "world of modes, λ = 3", **span,
     "lines": {n: (ratios, v) for n, v in fixed.items()}},
    {"title": "world of modes, the best λ for each σ", **span,
     "lines": {n: (ratios, v) for n, v in best.items()}},
], 9, 3)  # fmt: skip

# %% [markdown]
# *Figure 2.* The world of modes, computed. Left: with a fixed $\lambda$ one sees an inverted U (that of GS is flat on its right side). Right: with the weight chosen for each
# $\sigma$ it is gone. Prox does not care about $\sigma$ at all; GS loses a little with a stronger denoiser, for the
# reason in the second point above.
#
# **And a photograph?** The file has the PSNR of GS-PnP under the same blur and noise, over both parameters, as the mean of
# so many photographs as the next cell counts.


# %%
def results(name):
    """The rows of an experiment, at course scale."""
    return committed(f"benchmarks/results/{name}-course.csv")


def counted(rows):
    """How many photographs, in words."""
    n = rows["image"].nunique()
    return "one photograph" if n == 1 else f"{n} photographs"


sweep = results("strength-sweep")
table = sweep.pivot_table(index="lam", columns="ratio", values="psnr")
print(f"{counted(sweep)}, runs: {len(sweep)}")
peak = table.idxmax(axis=1)  # the best sigma/nu for each weight
print("best sigma/nu for each weight:", peak.to_dict())
assert peak.is_monotonic_increasing
assert peak.iloc[-1] >= 2 * peak.iloc[0]

# %% mystnb={"image": {"alt": "A map of PSNR over strength and weight, measured with a network on a photograph: a ridge that rises to the right, above the dashed line of the rule"}}
map_figure(
    table, "σ / ν", "λ", f"{counted(sweep)}, GS-PnP: PSNR in dB",
    [r**2 for r in table.columns], "λ = (σ/ν)²",
)  # fmt: skip

# %% [markdown]
# *Figure 3.* Measured. The ridge is there: the heavier the weight, the stronger the best denoiser. It lies above the dashed line of the
# rule, and we come back to that. [A]'s inverted U (their figure 7) is a row of this map:

# %% mystnb={"image": {"alt": "PSNR over sigma/nu: three curves for fixed weights, each with its maximum at another strength, further right the heavier the weight; above them the nearly flat curve of the best weight for each strength"}}
slices = {f"λ = {lam:g}": (table.columns, table.loc[lam]) for lam in (3, 12, 48)}
slices["the best λ for each σ"] = (table.columns, table.max())
curves([{"title": f"GS-PnP on {counted(sweep)}: PSNR (dB)", "xlabel": "σ / ν",
         "lines": slices}], 6.5, 3)  # fmt: skip

# %% [markdown]
# *Figure 4.* Rows of figure 3, and the best of each column. "The best $\sigma/\nu$ is 1.8" is a statement about one $\lambda$. Chosen together,
# a wide range of strengths is about equally good; only very strong denoisers fall behind, as in the world of modes.
#
# **How good is the rule?** Its world has no edges. So we test it on a photograph, with Prox-DRS and the weight $m\,(\sigma/\nu)^2$, once for
# denoising ($A = I$) and once for the blur. (Averaging by $t = 0.45$ makes the prior about $t$ times as strong, so the
# solver gets `lam` $= t\lambda$; see notebook 11.)

# %%
P, level, t = at_sigma(load_denoiser("prox-drunet"), 14.5 / 255), 14.5 / 255, 0.45
patch = clean[..., 24:72, 24:72]
found = {}
for name, A in (("denoising", Identity()), ("blur", operators["blur"])):
    y = noise.gaussian(A(patch), nu, torch.Generator().manual_seed(0))
    for m in (0.5, 1.0, 4.0):
        lam = t * m * (level / nu) ** 2
        end = run(prox_pnp_drs(Gaussian(A, y), P, y, lam=lam, t=t), 15).x
        found[name, f"m = {m:g}"] = metrics.psnr(end, patch)
found = pd.Series(found).unstack()
assert found.loc["denoising", "m = 4"] < found.loc["denoising", "m = 1"] - 0.5
assert found.loc["blur", "m = 4"] > found.loc["blur", "m = 1"] + 0.2
found.round(2)

# %% [markdown]
# For denoising the rule is right within a factor of 2 ($m = \tfrac12$ is no worse than 1, and 4 loses a decibel). The blur wants *more* weight than
# the rule, about four times. A reason: there the error that is left is mostly bias, of details that the blur has weakened. In
# a world of independent modes nothing can bring them back. A network knows edges, and an edge of which the low frequencies are
# well known determines its high ones; trusting the data more then pays. **The rule is where to begin, not where to end.**
#
# ## 3. Too weak, right, too strong
#
# What do the corners of the map look like? [A] shows it in figures 8 and 9; here live, on the cup.

# %%
A, y = operators["blur"], seen["blur"]
looks = {}
for ratio, lam in ((0.5, 10.0), (6.0, 10.0), (2.0, 1.0), (2.0, 200.0), (2.0, 10.0)):
    steps = gs_pnp_pgd(Gaussian(A, y), at_sigma(D, ratio * nu), y, lam=lam)
    end = run(steps, 20).x
    looks[f"σ/ν = {ratio:g}, λ = {lam:g}: {metrics.psnr(end, clean):.1f} dB"] = end
scores = [metrics.psnr(x, clean) for x in looks.values()]
assert scores[-1] > max(scores[:-1])

# %% mystnb={"image": {"alt": "Five pictures of the cup: grain where the denoiser is weak; a cup like melted wax where it is strong; the same wax where the weight is small; grain where the weight is large; and the best one in between"}}
gallery(looks, 5, width=11)

# %% [markdown]
# *Figure 5.* A strong denoiser and a light weight fail alike: *over-smoothing*. A weak denoiser and a heavy weight fail
# alike: the noise comes back, amplified by the inverse of the blur.
#
# ## 4. A bound that costs decibels, and when
#
# Prox-PnP wants $\lambda = (\sigma/\nu)^2$ in the world of modes. But PGD may not have every weight: its theorem ([notebook
# 11](11_prox_pnp.ipynb)) asks for $\lambda L_f < 2 - r$ with $r = \tfrac{\ell}{1+\ell}$, where $-\ell$ is the smallest eigenvalue of $I - J$ and
# $L_f = \|A\|^2$. Douglas-Rachford splitting (DRS) has no such bound.
#
# **Exercise 3.** Below which $\sigma$ may PGD have the weight $(\sigma/\nu)^2$? `my_strongest(nu, L_f, ell)` returns it.
#
# <details>
# <summary>Solution</summary>
#
# $(\sigma/\nu)^2L_f < 2 - r$, so $\sigma < \nu\sqrt{(2 - r)/L_f}$.
#
# </details>


# %%
def my_strongest(nu, L_f, ell):
    return nu  # replace


print(checks.check_strongest(my_strongest))


# %% tags=["hide-cell", "solution"]
def given_strongest(nu, L_f, ell):
    return nu * ((2 - ell / (1 + ell)) / L_f) ** 0.5


assert checks.check_strongest(given_strongest) == "right"

# %% [markdown]
# Two facts about our tasks decide now. The shipped proximal denoiser is good for $\sigma \ge 12/255$ only, and its card
# begins at 15/255. And $L_f$ is 1 for a blur and for a mask, but decimation averages: $AA^{\mathsf T}$ has the mean of $|\hat k|^2$
# over the $s^2$ frequencies that fall onto each other, so that $L_f$ is about $1/s^2$.

# %%
known = Constants.of(denoiser_card("prox-drunet"), 15 / 255)
ell = known.top - 1
thirds = Decimation(kernels.gaussian(25, 1.2), 3)
tasks = {
    (k, 7.65): A for k, A in {**operators, "super-resolution by 3": thirds}.items()
}
tasks["blur", 12.75] = operators["blur"]
rows = []
for (task, level), A in tasks.items():
    L_f = A.norm(clean) ** 2
    top = level * ((2 - ell / (1 + ell)) / L_f) ** 0.5
    rows.append(
        {"task": task, "255 ν": level, "L_f": L_f, "strongest 255 σ for PGD": top}
    )
bounds = pd.DataFrame(rows).round(2)
strongest = bounds["strongest 255 σ for PGD"]
assert (
    max(strongest[0], strongest[2])
    < 12
    < 14.5
    < min(strongest[1], strongest[3], strongest[4])
)
bounds

# %% [markdown]
# A prediction, before any table. At noise 7.65 no $\sigma$ that our denoiser knows is weak enough for deblurring and inpainting:
# PGD, relaxed PGD and DRSdiff get a weight that is too small, and over-smooth; DRS is better. In super-resolution, and at noise
# 12.75, the bound does not bite, and the four are alike.
#
# ## 5. The tables
#
# Photographs of CBSD68; the methods have four weights each to choose from, and the choice is made on other pictures. How strong the
# denoiser is was not tuned: section 2 says that it need not be. The files were made by `python -m pnp_course reproduce deblurring`, and
# the same with `super-resolution` and `inpainting`; here half of the pixels are lost, and the others have the noise 7.65.
#
# | method | source | denoiser | $\sigma$ |
# |---|---|---|---|
# | DPIR | Zhang and others 2022 | `drunet`, or `ffdnet` as in their older IRCNN, a smaller network | falls to $\nu$ |
# | RED | Romano and others 2017, fixed point | `drunet` | $2\nu$ |
# | GS-PnP | [A] section 2 | `gs-drunet`, or `prox-drunet` | $2\nu$, or 14.5/255 |
# | Prox-PGD, relaxed, DRS, DRSdiff | [A] section 3 | `prox-drunet`, averaged | 14.5/255 |

# %%
problem = observed(clean, operators["blur"], nu, 0, start=lambda y: y)
theorem, columns = {}, {}
for name, method in METHODS.items():
    if method.denoisers:
        setting = {**method.fixed, **method.settings()[1]}
        said = method.restore.guarantee(problem, method.denoisers["small"], setting)
        theorem[name] = said.theorem.split(",")[0] if said.covered else "none"
names = ("deblurring", "super-resolution", "inpainting")
tables = {k: results(k) for k in names if len(results(k))}
for task, rows in tables.items():
    experiment = experiment_named(task)
    for values, part in rows.groupby(list(experiment.groups) or ["experiment"]):
        columns[f"{task} {values[0]}".replace(f" {task}", "")] = report.means(
            replace(experiment, groups=()), part
        ).set_index("method")
psnr = pd.DataFrame({k: v["psnr"] for k, v in columns.items()}).loc[list(METHODS)]
shares = pd.DataFrame({k: v["converged"] for k, v in columns.items()}).mean(axis=1)
overview = psnr.round(2).assign(converged=(100 * shares).round(), theorem=theorem)
print({k: f"{rows['image'].nunique()} photographs" for k, rows in tables.items()})
overview.astype(object).fillna("")

# %% [markdown]
# "Converged" is the share of runs, in per cent, whose last relative change is below $10^{-4}$; "theorem" says what covers the run,
# with the constants on the card. DPIR has eight iterations by its design, and no limit.
#
# Compare rows within a column. Photographs differ by ten decibels, methods by one. So we subtract *on the same photograph*, and ask
# how much the mean difference would vary with other photographs: the bar is a 95 % interval from 2,000 draws of the photographs with
# replacement (a *bootstrap*). It cannot know of photographs unlike these.


# %%
def against(reference, methods):
    """Paired differences to one method, a table for each task."""
    out = {}
    for task, rows in tables.items():
        experiment = experiment_named(task)
        pairs = report.paired(experiment, rows, reference)
        pairs = pairs[pairs["method"].isin(methods)]
        for values, part in pairs.groupby(list(experiment.groups) or ["minus"]):
            out[f"{task} {values[0]}" if experiment.groups else task] = part
    return out


proximal = ["Prox-PGD", "relaxed Prox-PGD", "Prox-DRSdiff"]
by_bound = against("Prox-DRS", proximal)
for task, part in by_bound.items():
    print(task, part.set_index("method")["difference"].round(2).to_dict())
lost = {k: v.set_index("method")["difference"] for k, v in by_bound.items()}
assert lost["deblurring 7.65"].max() < -0.2
assert lost["deblurring 7.65"].idxmin() == "Prox-DRSdiff"
for factor in (2, 3):
    assert lost[f"super-resolution {factor}"].min() > -0.1
assert lost["inpainting"][["Prox-PGD", "relaxed Prox-PGD"]].min() > 0.1

# %%
tried = committed("benchmarks/results/inpainting-tuning.csv")
tried = tried[tried["method"] == "GS-PnP"].set_index("parameters")["psnr"]
print("inpainting, tuning of GS-PnP:", tried.to_dict())
assert tried.max() - tried.min() < 0.4

# %% mystnb={"image": {"alt": "Panels of differences to Prox-DRS with intervals, for PGD, relaxed PGD and DRSdiff: negative in deblurring at noise 7.65, less so at noise 12.75, and positive in super-resolution"}}
interval_figure(by_bound, "PSNR − that of Prox-DRS (dB)", width=11)

# %% [markdown]
# *Figure 6.* The three methods with a bound on the weight, against DRS, which has none. In deblurring at noise 7.65 all three lose, and DRSdiff,
# whose bound is the lowest, loses most. In super-resolution none of them loses. So far the prediction holds. It fails in two places. At noise 12.75
# PGD and DRSdiff lose, though the rule called their weights sufficient. Section 2 says why: a blur wants
# several times the weight of the rule. In inpainting it called them too small, and yet PGD and relaxed PGD are *above* DRS. The tuning
# says why (last line of the cell above): from a weight of 3 to one of 24 the PSNR of GS-PnP moves by 0.3 dB only. A seen pixel is nearly kept by any of
# these weights, and an unseen one has none, so that a bound on the weight costs little. And in super-resolution DRS is even *below* the others: with $t = 0.45$ its prior is another one, and its steps
# are shorter.
#
# But are these runs merely *slow*? Most of them have not converged after 30 iterations. Here is a test that needs no
# patience: start the same method at two different pictures, and see where the two runs meet. One start is the observation;
# the other is its regularised inverse, which is sharper.

# %%
A = Blur(kernels.motion(21, seed=1))
y = noise.gaussian(A(patch), nu, torch.Generator().manual_seed(0))
f = Gaussian(A, y)
other = f.prox(torch.full_like(y, float(y.mean())), 20.0)
meet = {}
for start_name, x0 in (("observation", y), ("inverse", other)):
    for name, steps in (
        ("Prox-PGD", prox_pnp_pgd(f, P, x0, lam=1.4, t=0.95)),
        ("Prox-DRS", prox_pnp_drs(f, P, x0, lam=3.0, t=0.45)),
    ):
        history = run(steps, 50, monitors={"PSNR": psnr_to(patch)}).history
        meet[name, start_name] = history["PSNR"]
ends = pd.Series({k: v.iloc[-1] for k, v in meet.items()}).unstack()
gap = ends.max(axis=1) - ends.min(axis=1)
assert gap.max() < 0.4
assert ends.loc["Prox-DRS"].min() > ends.loc["Prox-PGD"].max() + 1
ends.round(2)

# %% mystnb={"image": {"alt": "PSNR over 50 iterations: from both starts the curves of Prox-PGD meet near 21.4 dB, those of Prox-DRS near 23.8 dB"}}
curves([
    {"title": f"start: {s}", "ylabel": "PSNR (dB)",
     "lines": {n: (v.index, v) for (n, where), v in meet.items() if where == s}}
    for s in ("observation", "inverse")
], 9, 2.8)  # fmt: skip

# %% [markdown]
# *Figure 7.* A camera shake; the two runs of each method close in on one value from two sides. Slowness explains a few tenths of a
# decibel; the rest is the weight that PGD may not have.
#
# The second question is [A]'s: is GS above Prox, because the gradient step is trained with one constraint less? Two things differ there, the
# algorithm and the denoiser. So we also run GS-PnP with `prox-drunet` (whose residual is a gradient, too).

# %%
others = [m for m in METHODS if m not in ("start", "GS-PnP", *proximal)]
by_prior = against("GS-PnP", others)
for task, part in by_prior.items():
    print(task, part.set_index("method")["difference"].round(2).to_dict())

# %% mystnb={"image": {"alt": "Panels of differences to GS-PnP with intervals: DPIR a little above, RED about equal, GS-PnP with prox-drunet and Prox-DRS below"}}
interval_figure(by_prior, "PSNR − that of GS-PnP (dB)", width=11)

# %% [markdown]
# *Figure 8.* In deblurring and super-resolution [A]'s order holds: GS-PnP is above Prox-DRS. In inpainting the two are level. The line "GS-PnP, prox-drunet" says how much of this is the algorithm and how
# much the denoiser: the same algorithm *with the proximal denoiser* loses too. That part is the price of the constraint in training (on
# the cards, half a decibel of denoising); the rest is the splitting, its averaging and its few iterations.
#
# Two more orders.
#
# - DPIR, without a theorem, is above GS-PnP in deblurring (a third of a decibel) and inpainting (one), level with it in super-resolution, and needs a
#   third of the evaluations. The theorem does not buy decibels. The older network under the same DPIR is half a decibel below in deblurring, one in inpainting, and hardly in super-resolution.
# - RED with `drunet`, the best denoiser of all and no gradient, ends level with GS-PnP. Its formula ends with
#   the proximal step, so its last iterate has the noise of the data, while GS-PnP shows $D(x)$. Here the denoiser's
#   output counts for every method: scored on its last iterate, RED would seem worse than it is. **Before you compare methods, compare what they show.** Section 6 has another case.

# %%
apart = {k: v.set_index("method")["difference"] for k, v in by_prior.items()}
for task, difference in apart.items():
    assert difference["Prox-DRS"] < (-0.1 if task != "inpainting" else 0.1)
    assert difference["GS-PnP, prox-drunet"] < -0.1
    assert 0 < difference["DPIR"] - difference["DPIR with FFDNet"] < 1.2
    assert abs(difference["RED"]) < 0.5

# %% [markdown]
# ## 6. The first step
#
# The line search of GS-PnP begins at $\tau_0$. [A] warns (figure 12) that with a large $\tau_0$ the run steps over the solution and its PSNR
# is worse. [Notebook 10](10_gs_pnp.ipynb) looks at the mechanics. Here is the measurement, in super-resolution by 2:

# %%
rows = results("step-sweep")
print(counted(rows))
steps = rows.groupby("step")[["psnr", "network_calls"]].mean()
ticks = list(steps.index)
steps.round(2).T

# %% mystnb={"image": {"alt": "Left: PSNR over the first step, highest at 1. Right: evaluations of the network over the first step, lowest at 1"}}
curves([
    {"title": "PSNR at the end (dB)", "xlabel": "first step τ₀", "logx": ticks,
     "lines": {"GS-PnP": (ticks, steps["psnr"])}},
    {"title": "evaluations of the network", "xlabel": "first step τ₀", "logx": ticks,
     "lines": {"GS-PnP": (ticks, steps["network_calls"])}},
], 9, 2.8)  # fmt: skip

# %% [markdown]
# *Figure 9.* $\tau_0 = 1$ is best, and cheapest. [A]'s warning holds. But is it the *minimisation* that fails? The picture which [A] shows is the
# middle point $\tau D(x) + (1 - \tau)x$ of the last step. Only for $\tau = 1$ is that the denoised picture $D(x)$. So, live, let us score it and $D(x)$ of the last
# iterate, and the objective:

# %%
A, y = operators["super-resolution"], seen["super-resolution"]
f, denoise = Gaussian(A, y), at_sigma(D, 2 * nu)
ends = {}
for first in (1.0, 10.0, 100.0):
    steps = gs_pnp_pgd(
        f, denoise, starts["super-resolution"], lam=1 / 0.065, step=first
    )
    last = run(steps, 25).iterate
    ends[f"τ₀ = {first:g}"] = {
        "accepted step": float(last.step), "objective": last.objective,
        "PSNR of the middle point": metrics.psnr(last.x, clean),
        "PSNR of D(x)": metrics.psnr(denoise(last.u), clean),
    }  # fmt: skip
ends = pd.DataFrame(ends)
assert ends.loc["objective"].max() / ends.loc["objective"].min() < 1.02
spread = ends.max(axis=1) - ends.min(axis=1)
assert spread["PSNR of D(x)"] < spread["PSNR of the middle point"]
ends.round(2)

# %% [markdown]
# The objectives agree within a per cent or two: each run has minimised about equally well. Most of the loss is in what is
# *shown*: with $\tau > 1$ the middle point goes beyond the denoised picture, and sharpens the noise that is left.
# Denoise the last iterate once more, and most of the difference is gone. **Advice**: $\tau_0 = 1$, or show $D(x)$.

# %% [markdown]
# ## 7. Large holes
#
# Now a quarter of the pixels is lost in *squares*, in a regular pattern; the others are exact. The share stays while the squares
# grow. As [A] does, ten iterations at $\sigma = 50/255$, then the others at 10/255. Live, on a face:

# %%
face = images.photo("astronaut", 96)[..., :64, 16:80]
filled, restored = {}, {}
for side in (2, 16):
    hole = holes_sweep.holes(64, 64, side)
    f = Gaussian(Mask(hole), hole * face)
    start = interpolated(f.y, hole)
    u = run(gs_pnp_pgd(f, at_sigma(D, 50 / 255), start, lam=1e4), 10).iterate.u
    u = run(gs_pnp_pgd(f, at_sigma(D, 10 / 255), u, lam=1e4), 20).iterate.u
    restored[side] = torch.where(hole > 0, face, u)
    filled[side] = f.y


def in_the_holes(x, side):
    lost = holes_sweep.holes(64, 64, side) == 0
    return metrics.psnr(x[..., lost][..., None], face[..., lost][..., None])


shown = {}
for side in (2, 16):
    shown[f"holes of {side}"] = filled[side]
    shown[f"GS-PnP: {in_the_holes(restored[side], side):.1f} dB in the holes"] = (
        restored[side]
    )
assert in_the_holes(restored[2], 2) > in_the_holes(restored[16], 16) + 4

# %% mystnb={"image": {"alt": "A face with small black squares and its good restoration; the same with large squares, where the restoration fills smooth patches into eye, mouth and badge; the original"}}
gallery({**shown, "original": face}, 5, width=11)

# %% [markdown]
# *Figure 10.* Small holes are closed. Large ones are filled with smooth colour ([A], figure 13).
#
# Who is to blame? There are three suspects: the *algorithm*, which may not have found the minimiser; the *prior*, whose minimiser may be
# smooth; or the *task*, in which the hole's content is simply unknown. An experiment separates the first two: **start at the truth**, and compare
# the objective at both ends. All data are met exactly, so that $F = g_\sigma$.

# %%
D10 = at_sigma(D, 10 / 255)
ends = {}
for side in (2, 16):
    hole = holes_sweep.holes(64, 64, side)
    f = Gaussian(Mask(hole), hole * face)
    u = run(gs_pnp_pgd(f, D10, face, lam=1e4), 30).iterate.u
    truth = float(D10.with_value(face)[1])
    from_truth = float(D10.with_value(torch.where(hole > 0, face, u))[1])
    from_start = float(D10.with_value(restored[side])[1])
    ends[side] = {
        "g at the truth": truth, "g, run from the truth": from_truth,
        "g, run from the interpolation": from_start,
        "dB in the holes, from the truth": in_the_holes(u, side),
    }  # fmt: skip
ends = pd.DataFrame(ends)
values = ends.loc[["g at the truth", "g, run from the truth"], 16]
assert ends.loc["g, run from the interpolation", 16] < values.min()
ends.round(2)

# %% [markdown]
# The prior *prefers* the smooth filling: for the large holes $g_\sigma$ is lower there than at the truth, and the run that began at the truth
# only goes down towards it. The algorithm is innocent: better minimisation makes the picture worse. A prior $g_\sigma = \tfrac12\|x - N(x)\|^2$ charges
# for everything that the network would change, which includes texture; a smooth patch costs nothing.
#
# The same over sides, from the file:

# %% mystnb={"image": {"alt": "PSNR in the holes over their side, 1 to 16 pixels: all curves fall; that of the run from the truth coincides with that from the interpolation for small sides"}}
holes = results("holes-sweep")
print(counted(holes))
inside = holes.pivot_table(index="side", columns="method", values="psnr") - 6.02
sides = list(inside.index)
assert (inside["GS-PnP"].diff()[1:] < 0).all()
curves([{"title": "PSNR in the holes (dB)", "xlabel": "side of the holes (pixels)", "logx": sides,
         "lines": {k: (sides, inside[k]) for k in inside}}], 6.5, 3)  # fmt: skip

# %% [markdown]
# *Figure 11.* A quarter of the pixels is lost at every side. (The result agrees with the seen pixels, so the PSNR in the holes is that of the
# picture minus $10\log_{10}4 = 6.02$ dB.) Where the holes are small, the run from the truth and the run from the interpolation end at the same
# picture: the data leave one answer. At 16 pixels they part, and neither is the truth.
#
# The third suspect remains. What is in the hole is *unknown*; many fillings are possible, and a denoiser trained for the mean squared error returns
# their average. A toy of one lost pixel shows when it can do otherwise.
#
# **Exercise 4.** A pixel is lost, and two values are equally likely, $-a$ and $a$ (around the average 0). The best denoiser is then $D_\sigma(x) = a\tanh(ax/\sigma^2)$. Below
# which $\sigma$ does $x \leftarrow D_\sigma(x)$ leave the average? `my_decision(a)` returns it.
#
# <details>
# <summary>Solution</summary>
#
# The average is a fixed point for every $\sigma$. It repels where the slope $D_\sigma'(0) = a^2/\sigma^2$ is above 1: for $\sigma < a$.
#
# </details>


# %%
def my_decision(a):
    return 0.1  # replace


print(checks.check_decision(my_decision))


# %% tags=["hide-cell", "solution"]
def given_decision(a):
    return a


assert checks.check_decision(given_decision) == "right"

# %% [markdown]
# So a strong denoiser averages, and a weak one can decide, but only if something tips the balance: from the exact average it never
# moves. Near the border of a hole the seen pixels tip it; in the middle nothing does. This is why [A] begins at $\sigma = 50/255$, which carries
# information far, and ends at 10/255, which can decide. Methods that add noise in each iteration (DiffPIR, [notebook
# 13](13_the_family.ipynb)) tip it at random: they draw *one* filling, with more detail and, on average, a larger squared error.

# %% [markdown]
# ## Quiz
#
# *A paper finds that its method is best at $\sigma = 1.8\,\nu$. You double the weight of the fidelity. What do you expect?*
#
# <details>
# <summary>Answer</summary>
#
# The best $\sigma$ moves up, by about $\sqrt2$, and the best PSNR hardly changes: you have moved along the ridge.
#
# </details>
#
# *A method has the better theorem and the worse table. Name a reason that is neither the theorem nor the algorithm.*
#
# <details>
# <summary>Answer</summary>
#
# The denoiser behind it was trained under a constraint, or is known to work only from some noise level on, so that the
# weight that belongs to it is not allowed.
#
# </details>
#
# ## What you now know
#
# - The operator enters by one linear system, which all three tasks solve in closed form.
# - Strength and weight can stand in for each other: $\lambda \approx (\sigma/\nu)^2$ for Prox-PnP; for GS-PnP the same while $\sigma$ is small
#   against the modes. An inverted U over $\sigma$ is a row of a map with a ridge.
# - A bound on $\lambda L_f$ costs decibels where the right weight lies beyond it, and only there.
# - Whether GS or Prox wins is decided by the denoiser more than by the algorithm.
# - In a large hole the prior prefers the smooth filling to the truth: no better minimisation will help.
#
# **The question at the start.** The theorems guarantee an end for every choice. What must be chosen is one number, the balance of the
# weight and the strength, and $(\sigma/\nu)^2$ is where to begin.
#
# Sources: [A] Herfeld and others 2025, section 4 and figures 7 to 9, 12, 13; GS-PnP and its parameters: Hurault, Leclaire and Papadakis
# 2022; closed form for decimation: Zhao and others 2016; DPIR: Zhang and others 2022; RED: Romano and others 2017. The world of modes, the rule for Prox-PnP and the experiments are this course's. All in the [bibliography](../book/bibliography.md).
# Photographs from scikit-image: coffee by Rachel Michetti, CC0; Eileen Collins, NASA, public domain.
