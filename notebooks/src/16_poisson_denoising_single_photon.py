# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Count photons without a blur
#
# > **You will do.** Write the transform of Anscombe and its inverse without bias; put any denoiser for Gaussian noise
# > between them; write the proximal operator of counts with dark counts; restore what a single-photon camera sees.
# >
# > **You will learn.** Why the way back from a square root is not the square, and by how much it is wrong; whether
# > plug-and-play is worth forty evaluations of a network where one is enough; what to do with dark counts, and with
# > pixels that are broken.
# >
# > **You need.** The Poisson fidelity ([notebook 01](01_inverse_problems.ipynb)), proximal operators
# > ([02](02_proximal_operators.ipynb)), CoCo-ADMM ([12](12_coco_admm_pegd.ipynb)).
# >
# > **Time.** 60 minutes; the cells take about a minute.
#
# A question to keep in mind. Below is a photograph behind 30 photons at its brightest pixel, and three results. The second and the third
# use the same denoiser, once and about forty times. There is no blur, so $A$ is the identity and a denoiser alone could do the work: **what do the
# other evaluations of the network buy?**
#
# The table of this notebook is Table 6 of Wei and others (2025), below [B], at the scale of this course: `python -m pnp_course reproduce
# poisson-denoising`. Section 5 is about their section A.10.

# %%
import numpy as np
import pandas as pd
import torch
from pnp_course import denoiser_card, images, load_denoiser, metrics
from pnp_course.anscombe import anscombe, inverse_anscombe, mean_of_anscombe
from pnp_course.devices import pick_device
from pnp_course.exercises import notebook_16 as checks
from pnp_course.experiments import (
    chosen,
    experiment_named,
    poisson_denoising,
    report,
)
from pnp_course.experiments.poisson_denoising import counted
from pnp_course.experiments.single_photon_table import exposed
from pnp_course.fidelities import Poisson
from pnp_course.operators import Identity
from pnp_course.priors import TotalVariation
from pnp_course.single_photon import random_camera
from pnp_course.solvers import primal_dual, run
from pnp_course.viz.figures import curves, gallery
from pnp_course.viz.lab import committed
from pnp_course.viz.tables import interval_figure

torch.set_flush_denormal(True)  # the tails of ELU; without it, slow
device = pick_device()


# %% tags=["nbval-ignore-output"] mystnb={"image": {"alt": "Five portraits: the counts, grainy; three restored pictures that look much alike; and the clean picture"}}
clean = images.photo("astronaut", 96).to(device)
p30 = counted(clean, 30, seed=3)
first = {
    name: chosen.outcome("poisson-denoising", name, p30, "peak 30")
    for name in ("VST + DRUNet", "VST + CoCo", "CoCo-ADMM")
}
shown = {f"{name}: {r.row['psnr']:.1f} dB": r.x for name, r in first.items()}
for r in first.values():
    assert r.row["psnr"] > metrics.psnr(p30.y, clean) + 5
print({name: r.row["network_calls"] for name, r in first.items()}, "evaluations")
gallery({"counts": p30.y} | shown | {"clean": clean}, columns=5, width=10)

# %% [markdown]
# *Figure 1. Photon counts without a blur, and three methods with the parameters that were chosen on other pictures. VST is explained next.*
#
# ## 1. One noise level for all pixels
#
# A denoiser for Gaussian noise is told one noise level. Counts have none: a count $N$ of mean $\mu$ has the standard deviation
# $\sqrt\mu$, large where the picture is bright. An old trick looks at the counts through a function $f$ that is flat where the
# noise is large. To first order $f(N) \approx f(\mu) + f'(\mu)(N - \mu)$, so that $f(N)$ has the standard deviation
# $f'(\mu)\sqrt\mu$. It is 1 for every $\mu$ if $f'(\mu) = 1/\sqrt\mu$, that is for $f(\mu) = 2\sqrt\mu$. Anscombe (1948) found
# that
#
# $$ f(c) = 2\sqrt{c + \tfrac38} $$
#
# is better when photons are few. It is called a *variance-stabilising transform*, below VST.
#
# **Exercise 1 (code).** Write it, for counts (not counts / peak).
#
# <details>
# <summary>Solution</summary>
#
# `2 * (c + 3 / 8) ** 0.5`
#
# </details>


# %%
def transform(c):
    return c  # replace by the transform of Anscombe


print(checks.check_transform(transform))


# %% tags=["hide-cell", "solution"]
def given_transform(c):
    return 2 * (c + 3 / 8) ** 0.5


assert checks.check_transform(given_transform) == "right"

# %% [markdown]
# How flat is it? The mean and the standard deviation of $f(N)$ are sums over all counts, and a computer adds them up.

# %% mystnb={"image": {"alt": "Left: the standard deviation of a count grows like a root from 0 to 5.5; that of the transformed count rises to 1 within 3 photons and stays there; without the 3/8 it overshoots. Right: the error of the inverse function of the transform, minus a quarter of a photon beyond 3 photons, and the variance divided by four, which lie on each other with opposite signs"}}
mu = np.linspace(0.01, 30, 400)
mean = mean_of_anscombe(mu)
variance = 4 * mu + 1.5 - mean**2  # E f(N)^2 = 4 mu + 3/2, exactly
error = mean**2 / 4 - 3 / 8 - mu  # of the way back by the inverse function
curves([
    {"title": "standard deviation", "xlabel": "mean count μ (photons)",
     "lines": {"of the count N": (mu, mu**0.5), "of f(N)": (mu, variance**0.5)}},
    {"title": "way back by the inverse function", "xlabel": "mean count μ (photons)", "ylabel": "photons",
     "lines": {"error": (mu, error), "minus Var f(N) / 4": (mu, -variance / 4)}},
], 8.5)  # fmt: skip

# %% [markdown]
# *Figure 2. The transform makes the noise even from about three photons on; below, it makes it weaker.*
#
# ## 2. The way back
#
# Transform, denoise, and go back: that is the whole method. A good denoiser returns about the *mean* of what it sees, so it
# returns $\mathbb E f(N)$, and we want $\mu$. The inverse function $f^{-1}(d) = d^2/4 - 3/8$ is the wrong way back.
#
# > **Proposition.** *For a count $N$ of mean $\mu$, $f^{-1}(\mathbb E f(N)) = \mu - \tfrac14\operatorname{Var} f(N)$.*
#
# In words: the inverse function loses a quarter of the variance, about a quarter of a photon at every pixel that is not nearly black.
# At 30 photons nobody sees that; at 5 it is a twentieth of the range.
#
# *Proof.* $\mathbb E f(N)^2 = 4\,\mathbb E N + \tfrac32 = 4\mu + \tfrac32$, and $(\mathbb E f(N))^2 = \mathbb E f(N)^2 - \operatorname{Var} f(N)$. Divide
# by 4 and subtract 3/8. $\square$
#
# Figure 2, right, has both sides, and here they are compared:

# %%
assert np.abs(error + variance / 4).max() < 1e-9
assert abs(error[mu > 5] + 1 / 4).max() < 0.02
print(
    "E f(N) at 0.5, 5 and 30 photons:",
    mean_of_anscombe(np.array([0.5, 5, 30])).round(3),
)

# %% [markdown]
# So the right way back is a table: for each $\mu$ the sum $\mathbb E f(N)$, read from right to left (Mäkitalo and Foi 2011, the
# *exact unbiased inverse*). Where photons are many, the proposition with $\operatorname{Var} f(N) = 1$ gives $d^2/4 - \tfrac18$.
#
# **Exercise 2 (code).** You get numbers `d`, and a table: `mean[i]` is $\mathbb E f(N)$ for the mean count `rate[i]`. Return the
# mean counts that belong to `d`, between the entries of the table by straight lines.
#
# <details>
# <summary>Solution</summary>
#
# `np.interp(d, mean, rate)`
#
# </details>


# %%
def way_back(d, rate, mean):
    return d  # replace by a look into the table


print(checks.check_inverse(way_back))


# %% tags=["hide-cell", "solution"]
def given_way_back(d, rate, mean):
    return np.interp(d, mean, rate)


assert checks.check_inverse(given_way_back) == "right"

# %% [markdown]
# Now the method, with the shipped `drunet`, which was trained for Gaussian noise. The transformed counts are divided by their
# value $f(p)$ at a white pixel, so that the picture is in $[0, 1]$ and its noise has the level $1/f(p)$.

# %% tags=["nbval-ignore-output"] mystnb={"image": {"alt": "Four portraits at a peak of 5: the counts, the result with the inverse function, a little darker than the one with the inverse without bias, and the clean picture"}}
p5, drunet = counted(clean, 5, seed=3), load_denoiser("drunet").to(device)
white = float(anscombe(torch.tensor(5.0)))
with torch.no_grad():
    smooth = white * drunet(anscombe(5 * p5.y) / white, 1 / white)
ways = {
    "inverse function": (smooth**2 / 4 - 3 / 8) / 5,
    "without bias": inverse_anscombe(smooth) / 5,
}
shift = {name: 5 * float((x - clean).mean()) for name, x in ways.items()}
psnr = {name: metrics.psnr(x, clean) for name, x in ways.items()}
for name in ways:
    print(f"{name}: mean error {shift[name]:+.2f} photons, {psnr[name]:.1f} dB")
assert shift["inverse function"] < shift["without bias"] - 0.15
assert psnr["without bias"] > psnr["inverse function"]
gallery({"counts": p5.y} | ways | {"clean": clean}, columns=4)

# %% [markdown]
# *Figure 3. One evaluation of a network at a peak of 5, and two ways back.* A quarter of a photon at every pixel is what the
# proposition said; the picture is darker and greener or redder in its shadows.
#
# ## 3. The other way: keep the counts, and iterate
#
# Plug-and-play does not bend the data; it puts the likelihood of the counts next to the denoiser. Without a blur, $G(u) = \sum_i
# u_i - y_i\log u_i$ and its proximal operator is one line ([notebook 02](02_proximal_operators.ipynb)),
#
# $$ \operatorname{prox}_{\lambda G}(z) = \tfrac12\bigl(z - \lambda + \sqrt{(z-\lambda)^2 + 4\lambda y}\bigr), $$
#
# exact, where the deblurring of [notebook 12](12_coco_admm_pegd.ipynb) needed an inner loop. Everything else is as it was
# there. The experiment declares twelve methods, three incomplete
# ones for section 4, and the peaks 30, 20, 10 and 5. Each method was tuned
# on three pictures that are not measured, with nine settings, and then measured on twelve photographs of CBSD68 (the middle 128 by 128 pixels of every
# fifth). What stands behind each?

# %%
about = {
    "VST + TV": "total variation after VST",
    "VST + BM3D": "BM3D (Dabov and others 2007) after VST, by the authors' program",
    "VST + DRUNet": "one evaluation of `drunet` after VST",
    "Poisson TV": "min G + TV, primal-dual (Chambolle and Pock 2011)",
    "Poisson DnCNN": "one evaluation of a DnCNN that was trained on counts",
    "DPIR": "Zhang and others 2022",
    "RMMO-DRS": "Pesquet and others 2021",
    "Prox-DRS": "Hurault and others 2022; Herfeld and others 2025",
    "PnPI-HQS": "Wei and others 2024",
    "B-RED": "Hurault and others 2023",
    "CoCo-ADMM": "[B] (19)",
    "CoCo-PEGD": "[B] (22)",
    "CoCo, once": "one evaluation of `coco-gs-relaxed` on the counts",
    "VST + CoCo": "one evaluation of `coco-gs-relaxed` after VST",
    "VST + CoCo-ADMM": "CoCo-ADMM after VST, with the Gaussian fidelity",
}


# %%
rows = committed("benchmarks/results/poisson-denoising-course.csv")
table = experiment_named("poisson-denoising")
done = [name for name in about if name in set(rows["method"])]
lines = {}
for name in done:
    of = rows[rows["method"] == name]
    change = pd.to_numeric(of["relative_change"], errors="coerce").dropna()
    said = None
    if name in table.methods:
        said = chosen.answer("poisson-denoising", name, p30, "peak 30")
    lines[name] = {
        "what": about[name],
        "theorem for this run": ""
        if said is None
        else said.theorem
        if said.covered
        else "none",
        "ended below 10⁻⁴": f"{(change <= 1e-4).mean():.0%}" if len(change) else "",
        "evaluations": round(of["network_calls"].mean()),
    }
pd.DataFrame(lines).T

# %% [markdown]
# "None" means: no theorem for this method, or a hypothesis that is known to fail. A run that has a theorem can still be cut off: the
# experiment stops after 60 iterations. What comes out of them?

# %%
peaks = sorted(rows["peak"].unique(), reverse=True)
paper = table.paper()
means = rows.pivot_table(index="method", columns="peak", values="psnr")[peaks]
means = means.loc[done].round(2)
for peak in peaks[:2]:
    means[f"[B], {peak}"] = [
        paper.get((n, peak), {}).get("psnr") for n in means.index
    ]
means

# %% [markdown]
# *PSNR in dB, means over the twelve photographs; the last columns are what [B] prints for all 68, with larger networks.* Differences of
# means say little before one knows how they vary. So we subtract, on each photograph, the PSNR of CoCo-ADMM, and draw photographs with
# replacement for the 95 % interval of the mean (a paired bootstrap).

# %% mystnb={"image": {"alt": "Four panels, peaks 30, 20, 10 and 5: for each method its PSNR minus that of CoCo-ADMM with an interval. VST + DRUNet is above everywhere, by two thirds of a decibel at 30 and by nearly three at 5; at 30 DPIR and CoCo-PEGD are at zero and the other methods with theorems left of it; with less light RMMO-DRS and the lines after VST move to the right"}}
paired = report.paired(table, rows, "CoCo-ADMM")
wins = paired.set_index(["peak", "method"])
drawn = paired[paired["method"] != "B-RED"]  # four to nine decibels below
panels = {f"peak {k}": drawn[drawn["peak"] == k] for k in peaks}
interval_figure(panels, "dB above CoCo-ADMM", 11)

# %%
assert peaks == [30, 20, 10, 5]
for k in peaks:
    assert wins.loc[(k, "VST + DRUNet"), "low"] > 0.5
    assert wins.loc[(k, "VST + DRUNet"), "better"] == 1
for k in (30, 20):
    assert abs(wins.loc[(k, "CoCo-PEGD"), "difference"]) < 0.12
    for behind in (
        "VST + TV",
        "Poisson TV",
        "Prox-DRS",
        "B-RED",
        "RMMO-DRS",
        "PnPI-HQS",
    ):
        assert wins.loc[(k, behind), "high"] < 0
    assert (
        wins.loc[(k, "Poisson DnCNN"), "low"]
        < 0
        < wins.loc[(k, "Poisson DnCNN"), "high"]
    )
assert wins.loc[(30, "DPIR"), "low"] < 0 < wins.loc[(30, "DPIR"), "high"]
assert wins.loc[(20, "DPIR"), "low"] > 0 > wins.loc[(10, "DPIR"), "high"]
assert all(wins.loc[(5, n), "low"] > 0 for n in ("DPIR", "RMMO-DRS", "PnPI-HQS"))

# %% [markdown]
# *Figure 4. Right of the line: better than CoCo-ADMM, on the same photographs with the same photons.*
#
# **The paper's order appears at 30 photons, and is lost below.** As in [B], CoCo-ADMM and CoCo-PEGD agree at peaks 30 and 20, and are ahead of
# Prox-DRS, B-RED, RMMO-DRS and PnPI-HQS. [B] has CoCo-ADMM above DPIR, too; here the two are level at 30, DPIR is ahead at 20, behind at 10, and
# at 5 three of the others pass by. A DnCNN that was trained on counts of all peaks, a tenth of the size and 200 steps from one for Gaussian noise,
# is level with CoCo-ADMM at 30 and 20, and above it with less light. And the best of all, at every peak, is the method that is not in the paper's
# table: one evaluation of `drunet` after VST.
#
# ## 4. What do the iterations buy?
#
# CoCo-ADMM differs from one evaluation after VST in three ways at once: its denoiser satisfies a condition, it keeps the likelihood of
# the counts, and it iterates. To take them apart, the experiment has more lines with the same denoiser `coco-gs-relaxed`: one evaluation on the
# counts themselves, one after VST, and CoCo-ADMM after VST with the Gaussian fidelity $\tfrac12\|z - f(c)\|^2$.


# %%
def contrast(a, b):
    """PSNR of a minus that of b at each peak, with its interval."""
    part = rows[rows["method"].isin([a, b])]
    found = report.paired(table, part, b).set_index("peak").loc[peaks]
    return [
        f"{r.difference:+.2f} ({r.low:+.2f}, {r.high:+.2f})"
        for r in found.itertuples()
    ]


questions = {
    "VST instead of none, one evaluation": ("VST + CoCo", "CoCo, once"),
    "iterations with the likelihood": ("CoCo-ADMM", "CoCo, once"),
    "iterations after VST": ("VST + CoCo-ADMM", "VST + CoCo"),
    "likelihood instead of VST, iterated": ("CoCo-ADMM", "VST + CoCo-ADMM"),
    "all of it": ("CoCo-ADMM", "VST + CoCo"),
    "a denoiser without the condition": ("VST + DRUNet", "VST + CoCo"),
}
parts = {q: contrast(*pair) for q, pair in questions.items() if {*pair} <= {*done}}
pd.DataFrame(parts, index=[f"peak {k}" for k in peaks]).T

# %% [markdown]
# *PSNR differences in dB with 95 % intervals.* Read the lines one by one. Making the noise even is worth half a decibel, and more at five photons. Iterating
# with the likelihood, on the raw counts, is worth a quarter at 30 and nothing below: it does not make up for the transform. Nor do iterations help after the
# transform; they cost a third to a half. So **one evaluation after VST is ahead of CoCo-ADMM with the same denoiser at every peak**, by a third of a decibel at 30 and by
# more than two at 5. (CoCo-ADMM's denoiser has one level for all pixels, while the noise of so few photons is of very different strength in dark and bright ones.) Beside that
# the condition on the denoiser, the last line, is cheap: a third of a decibel. It is dearer here than in [B], though. For Gaussian noise of levels 15, 25 and
# 40 of 255:

# %%
printed = pd.read_csv(poisson_denoising.PAPER.parent / "denoising.csv", comment="#")
printed = printed.set_index("denoiser")
levels = ["15", "25", "40"]
price = {
    "[B]": printed.loc["1/4-CoCo-DRUNet"] - printed.loc["DRUNet"],
    "here": pd.Series(denoiser_card("coco-gs-relaxed")["psnr_cbsd68"])
    - pd.Series(denoiser_card("drunet")["psnr_cbsd68"]),
}
price = pd.DataFrame([list(v) for v in price.values()], list(price), levels)
assert (price.loc["here"] < price.loc["[B]"]).all()
price.round(2)

# %% [markdown]
# *The PSNR of the CoCo denoiser minus that of the DRUNet without a condition, in dB.* The two prices are of the same size, and so this is not what decides. Two things are
# left that differ from [B]: the networks, a thirtieth of the size, and the table, which has no line with one evaluation. What [B]'s own weights would give there is a question that the same command
# answers once they are at hand (`--scale paper`).
#
# Where on the picture does the difference come from? One level for all pixels is too much where it is dark and too little where it is bright. We sort the pixels of our
# photograph by their true intensity into five equal groups, and look at the error in each.

# %% mystnb={"image": {"alt": "Root mean square error against intensity for three methods with one denoiser: the two with VST and with the likelihood lie on each other, from 0.02 where it is dark to 0.06; one evaluation on the raw counts is far above them where it is dark and a little below where it is bright"}}
edges = torch.quantile(clean.flatten(), torch.linspace(0, 1, 6, device=device))
group = torch.bucketize(clean, edges[1:-1])
centres = [float(clean[group == k].mean()) for k in range(5)]
by_brightness, x30 = {}, {}
for name in ("CoCo, once", "VST + CoCo", "CoCo-ADMM"):
    x30[name] = chosen.outcome("poisson-denoising", name, p30, "peak 30").x
    square = (x30[name].clamp(0, 1) - clean).square()
    by_brightness[name] = [
        float(square[group == k].mean() ** 0.5) for k in range(5)
    ]
dark_end = {name: values[0] for name, values in by_brightness.items()}
assert dark_end["CoCo, once"] > 1.2 * max(
    dark_end["VST + CoCo"], dark_end["CoCo-ADMM"]
)
curves([
    {"title": "root mean square error, peak 30", "xlabel": "true intensity",
     "lines": {name: (centres, values) for name, values in by_brightness.items()}},
], 5.5)  # fmt: skip

# %% [markdown]
# *Figure 5. The same denoiser three times.* On the raw counts one level for all pixels smooths the shadows too much. VST and the likelihood both know how strong the
# noise is at each brightness, and here they know it equally well.
#
# ## 5. A camera that counts single photons
#
# The pixels of a *single-photon camera* (an array of avalanche diodes) each react to one photon. Shin and others (2016) used one to look
# at a scene with about one photon of signal per pixel. Such a camera has two faults. Every pixel also counts without light, by heat:
# these are *dark counts*, here about one in five exposures. And a few pixels do so all the time; they are *hot*. Both are measured once, with
# the lens covered.
#
# Let $d_i$ be the mean of the dark counts of pixel $i$ and $p$ the peak. The count has the mean $p\,u_i + d_i$; with $y$ the counts divided by $p$
# and $b = d/p$,
#
# $$ G(u) = \sum_{i\text{ not hot}} w_i - y_i\log w_i, \qquad w_i = u_i + b_i, \qquad u_i \ge 0. $$
#
# Hot pixels are left out: there the fidelity says nothing, and the denoiser fills the hole. This is the $A$ of a mask.

# %% tags=["nbval-ignore-output"] mystnb={"image": {"alt": "Four gray pictures: dark counts, nearly even with a few white dots; what the camera counts at a peak of 10, grainy, with white dots; the same with the dots filled; and the scene"}}
generator = torch.Generator().manual_seed(5)
scene = images.to_channels(clean, 1)
camera = random_camera(*clean.shape[-2:], generator)
exposure = exposed(scene, camera, 10.0, generator)
print(f"{camera.hot.double().mean():.1%} of the pixels are hot")
print(
    f"signal {10 * scene.mean():.1f}, dark counts {camera.dark[~camera.hot].mean():.2f} per pixel"
)
gallery({
    "dark counts / 2": camera.dark[None, None] / 2, "counts / peak": exposure.y,
    "hot pixels filled": exposure.facts["counts"], "scene": scene,
}, columns=4)  # fmt: skip

# %% [markdown]
# *Figure 6. A camera drawn at random that is like the measured one. In the experiment below the measured one is used.*
#
# It is tempting to subtract $b$ from $y$ and go on as before. But some differences are negative, and counts are not, so one clamps: $\max(N - d, 0)$.
#
# **Exercise 3 (formula).** Let $N$ be a count of mean $\mu$, and $0\le d\le1$. What is the mean of $\max(N - d, 0)$? *(Only $N = 0$ is clamped.)*
#
# <details>
# <summary>Solution</summary>
#
# $\max(N-d,0) = N - d$ for $N\ge1$, and for $N = 0$ it is $0 = (N - d) + d$. So the mean is $\mu - d + d\,\mathbb P(N=0) = \mu - d + d\,e^{-\mu}$.
#
# </details>


# %%
def clamped(mu, d):
    return mu - d  # replace: this is the mean before clamping


print(checks.check_clamped(clamped))


# %% tags=["hide-cell", "solution"]
def given_clamped(mu, d):
    return mu - d + d * np.exp(-mu)


assert checks.check_clamped(given_clamped) == "right"

# %% [markdown]
# In a black pixel $\mu = d$, and the clamped difference has the mean $d\,e^{-d}$: nearly all of $d$ is still there. So subtracting does almost nothing where it
# matters. The likelihood needs no clamping. Its proximal operator, pixel by pixel, is the one of section 3 for $w = v + b$:
#
# > **Proposition.** *For $y\ge0$ and $b\ge0$ the minimiser over $v\ge0$ of $\lambda(w - y\log w) + \tfrac12(v-z)^2$ with $w = v + b$ is*
# > $v = \max\bigl(0,\ \operatorname{prox}_{\lambda g}(z + b) - b\bigr)$, *where $g(s) = s - y\log s$.*
#
# *Proof.* In the variable $w$ the function is $\lambda g(w) + \tfrac12(w - (z+b))^2$, with the minimiser $\operatorname{prox}_{\lambda g}(z+b)$ if one forgets $v\ge0$. It is convex in one variable:
# if that minimiser has $v<0$, the function increases from there on, and the best $v\ge0$ is 0. $\square$
#
# Something else has changed: where $b>0$ the curvature $y/w^2$ is at most $y/b^2$. **Dark counts give $G$ the Lipschitz gradient back** that notebook 12 missed ([theory
# page](../book/theory/inverse_problems.md)); but with $b = 0.02$ and $y = 1$ the constant is 2500, so that a gradient step would be tiny. The proximal operator does not care.
#
# **Exercise 4 (code).** Write the proximal operator.
#
# <details>
# <summary>Solution</summary>
#
# The formula of the proposition: the proximal operator of section 3 at $z + b$, then minus $b$, and 0 where that is negative.
# The code is in the folded cell.
#
# </details>


# %%
def prox_dark(z, y, lam, b):
    return z  # replace by the proximal operator


print(checks.check_prox(prox_dark))


# %% tags=["hide-cell", "solution"]
def given_prox(z, y, lam, b):
    q = z + b - lam
    return ((q + (q * q + 4 * lam * y) ** 0.5) / 2 - b).clamp(min=0)


assert checks.check_prox(given_prox) == "right"

# %%
G, good = exposure.facts["fidelity"], ~camera.hot
dark = exposure.facts["dark"] / 10
q = scene + dark - 0.7
own = (q + (q**2 + 2.8 * exposure.y).sqrt()) / 2 - dark
gap = (own.clamp(min=0) - G.prox(scene, 0.7))[..., good].abs().max()
print("the formula is the library's at good pixels:", bool(gap < 1e-5))
assert gap < 1e-5

# %% [markdown]
# Now three treatments of the dark counts: ignored; subtracted and clamped; in the likelihood. To see the fidelity and nothing else, the prior is total variation:
# everything is convex, and each picture is the one minimiser of $\sqrt p\,G + 1.4\,\mathrm{TV}$.

# %% tags=["nbval-ignore-output"] mystnb={"image": {"alt": "Four gray portraits: dark counts ignored, brighter in the shadows; subtracted and clamped; in the likelihood, darkest in the shadows; and the scene"}}
dim = exposed(scene, camera, 2.5, torch.Generator().manual_seed(6))
counts, dark = dim.facts["counts"], dim.facts["dark"] / 2.5
tv, lam = TotalVariation(1.4), 2.5**0.5
dual = {"step": 1 / (4 * lam), "sigma_dual": lam / 2, "linear": tv.linear}
treatments = {
    "ignored": Poisson(Identity(), counts),
    "subtracted": Poisson(Identity(), (counts - dark).clamp(min=0)),
    "in the likelihood": dim.facts["fidelity"],
}
out, lines = {}, {}
for name, g in treatments.items():
    steps = primal_dual(g, tv, dim.facts["start"], lam=lam, **dual)
    x = out[name] = run(steps, 300).x
    lines[name] = {
        "error in dark pixels (photons)": 2.5
        * float((x - scene)[scene < 0.1].mean()),
        "in all pixels (photons)": 2.5 * float((x - scene).mean()),
        "PSNR": metrics.psnr(x, scene),
    }
shadows = [line["error in dark pixels (photons)"] for line in lines.values()]
assert shadows[0] > shadows[1] + 0.02 > shadows[2] + 0.04
gallery(out | {"scene": scene}, columns=4)

# %%
pd.DataFrame(lines).T.round(2)

# %% [markdown]
# *Figure 7. The same counts at a peak of 2.5, about one photon of signal per pixel, and three fidelities.* Where it is dark, the likelihood is
# nearest to the truth, and the others leave light that was never there. But look at the mean over all pixels, and at the PSNR: **the correct treatment makes the picture as a
# whole too dark, and by PSNR subtracting is better.** Two errors of opposite sign meet, and one of them belongs to the prior:
#
# > **Proposition.** *Without dark counts the minimiser $u > 0$ of $\lambda G + s\,\mathrm{TV}$ loses light:*
# > $\sum_iu_i = \sum_iy_i - \tfrac s\lambda\mathrm{TV}(u)$.
#
# *Proof.* Along the ray $r\mapsto ru$ the derivative at $r = 1$ is zero. That of $G$ is $\sum_i(1 - y_i/u_i)u_i = \sum_iu_i - \sum_iy_i$, and $\mathrm{TV}(ru) = r\,\mathrm{TV}(u)$. $\square$
#
# With Gaussian noise TV keeps the mean, since there the fidelity weighs all pixels alike; the counts' likelihood weighs dark pixels more, and smoothing across an edge pulls the bright side down. Both
# sides, for the first of the three pictures:

# %%
lost = float(counts.sum() - out["ignored"].sum())
predicted = tv.value(out["ignored"]) / lam
print(f"light lost: {lost:.1f}; (s / lambda) TV(u): {predicted:.1f}")
assert abs(lost - predicted) < 0.01 * predicted

# %% [markdown]
# The declared experiment `single-photon` does this for twelve photographs with the *measured* camera, whose dark counts and hot pixels come with the paper of Shin
# and others. (The counts of their own scene do not, so unlike [B] we have no picture of it, but a reference for each photograph.) Parameters were chosen on Set3C.

# %%
single = experiment_named("single-photon")
shots = committed("benchmarks/results/single-photon-course.csv")
means = shots.pivot_table(index="method", columns="peak", values=["psnr", "ssim"])
means.loc[list(single.methods)].round(3)

# %% mystnb={"image": {"alt": "Two panels of differences to CoCo-ADMM with intervals. Peak 2.5: VST with DRUNet one and a half decibels above, RMMO-DRS and Poisson TV more than one, VST with TV nearly one, DPIR half a decibel below. Peak 10: VST with DRUNet one above, PnPI-HQS level, all others below"}}
paired = report.paired(single, shots, "CoCo-ADMM")
line = paired.set_index(["peak", "method"])
paired = paired[paired["method"] != "B-RED"]  # six and nine decibels below
panels = {f"peak {p:g}": t for p, t in paired.groupby("peak", sort=False)}
interval_figure(panels, "PSNR minus that of CoCo-ADMM (dB)")

# %%
for peak in (2.5, 10):
    assert line.loc[(peak, "VST + DRUNet"), "low"] > 0.5
    assert line.loc[(peak, "DPIR"), "high"] < 0
assert line.loc[(2.5, "RMMO-DRS"), "low"] > 0
for behind in ("VST + TV", "Poisson TV", "RMMO-DRS", "Prox-DRS"):
    assert line.loc[(10, behind), "high"] < 0
few = means["ssim"][2.5]
assert few["CoCo-ADMM"] == few.max()
assert few["DPIR"] > few["RMMO-DRS"] > few["VST + DRUNet"]

# %% [markdown]
# *Figure 8. PSNR minus that of CoCo-ADMM, on the same photographs.* As in section 4, one evaluation of the best denoiser after the transform has the highest PSNR: without a
# blur there is little to iterate for. At ten photons the CoCo methods are ahead of DPIR, of both total variations and of two methods with theorems. At 2.5 they
# are not: RMMO-DRS and even total variation have a better PSNR. But **at 2.5 the structural similarity turns the order around**; there CoCo-ADMM is first, and "VST + DRUNet", first by PSNR, is the
# last but two, for it leaves grain. With one photon a pixel, what is best depends on how one asks. None of the denoisers was trained for
# so little light (levels up to 60/255), and every choice of a noise level is a compromise.
#
# ## Quiz
#
# *A denoiser returns the median of what it sees, and not the mean. Is the exact unbiased inverse still right?*
#
# <details>
# <summary>Answer</summary>
#
# No. It takes $\mathbb E f(N)$ to $\mathbb E N$. A median commutes with rising functions: the median of $f(N)$ is $f$ of the median of $N$, and the
# inverse function $f^{-1}$ would give back that median. Networks trained with the squared error return means, those trained with the absolute error medians.
#
# </details>
#
# *Two pixels have the dark counts 0.2 and 3.4, and the same scene. Could the second one be used instead of being left out?*
#
# <details>
# <summary>Answer</summary>
#
# Yes: its $b_i$ is known, and the likelihood weighs it by itself, since the curvature $y_i/w_i^2$ of its summand is small. It is left out
# because hot pixels are often not stable, so that the $b_i$ measured before is wrong.
#
# </details>
#
# *Why may CoCo-ADMM be used here at all, if a hot pixel gives no data?*
#
# <details>
# <summary>Answer</summary>
#
# $G$ stays convex and closed; where the mask is zero its proximal operator is the identity. What the theorem also asks is that $F + \lambda G$ is coercive, and at a hot pixel $F$ must see to that alone.
#
# </details>
#
# ## What you now know
#
# - $2\sqrt{c + 3/8}$ makes the noise of counts even; its inverse function is too low by a quarter of the variance, the exact unbiased inverse is not.
# - Without a blur one evaluation at the right level is hard to beat: CoCo-ADMM is below one evaluation of its own denoiser after VST at every peak. Iterations must be paid for
#   by something else, such as missing pixels, a blur, or a statement about what the result is.
# - A condition on the denoiser costs a third of a decibel here; leaving out the transform costs more.
# - Dark counts belong into the likelihood: clamped differences keep $d\,e^{-d}$ of them in a black pixel. The proximal operator stays one line. But a prior has a bias of its own: total
#   variation takes away exactly $\tfrac s\lambda\mathrm{TV}(u)$ of the light.
# - A mean difference is worth little without its interval, taken on the same photographs.
#
# Sources: Anscombe 1948; Mäkitalo and Foi 2011 (exact unbiased inverse; the proof with $\tfrac14\operatorname{Var}$ is ours); Dabov and others 2007 (BM3D, in the program of Mäkinen and others
# 2020, free for non-commercial use); Shin and others 2016 (camera, and the dark counts as their program takes them); [B] Wei and others 2025, Table 6 and A.10. All in the
# [bibliography](../book/bibliography.md). Photograph: Eileen Collins, NASA, public domain, from scikit-image.
