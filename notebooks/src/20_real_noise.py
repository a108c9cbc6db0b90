# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Nobody tells you the noise
#
# > **You will do.** Estimate a noise level from the eigenvalues of patches, and gain and read-out noise from a straight line; find the
# > bias of the transform that makes a camera's noise even; write the proximal operator of a colour mosaic; restore a raw picture of which
# > nothing is known but the picture; predict which way a wrong noise level hurts.
# >
# > **You will learn.** Where in a picture the noise can be seen alone; why the way back from a square root is not the square; that one
# > transform makes a sensor's noise even and leaves its colour mosaic as it is; what a wrong level, peak or kernel costs each kind of method.
# >
# > **You need.** CoCo-ADMM ([notebook 12](12_coco_admm_pegd.ipynb)) and the transform of Anscombe ([16](16_poisson_denoising_single_photon.ipynb)).
# >
# > **Time.** 65 minutes (70 with all that is folded); the cells take about a minute.
#
# A question to keep in mind. In the notebooks before this one the noise was ours: we drew it, and told every method how strong it was. A camera
# tells nothing. Below is what the sensor of a camera stores in the dark, one number a pixel behind a red, green or blue filter; what a plain
# converter makes of it; and what CoCo-ADMM makes of it, **told nothing but the picture. How does it know how strong the noise is, and what if it is wrong?**

# %%
import numpy as np
import pandas as pd
import torch
from IPython.display import display
from pnp_course import denoiser_card, images, load_denoiser, metrics, noise
from pnp_course.camera_noise import by_transform, expose, shifted_poisson
from pnp_course.denoisers import at_sigma
from pnp_course.exercises import notebook_20 as checks
from pnp_course.experiments import chosen, experiment_named, raw_table, report
from pnp_course.experiments.experiment import Problem
from pnp_course.fidelities import Gaussian
from pnp_course.generalised_anscombe import (
    algebraic_inverse,
    exact_inverse,
    generalised_anscombe,
    mean_of_generalised,
)

# %%
from pnp_course.guarantees import guarantee
from pnp_course.noise_level import camera_noise, patch_sigma, wavelet_sigma
from pnp_course.operators import Bayer, Identity
from pnp_course.raw import to_linear, to_srgb
from pnp_course.solvers import coco_admm, run
from pnp_course.viz.figures import curves, gallery
from pnp_course.viz.lab import committed
from pnp_course.viz.noise_pictures import band_figure, line_figure
from pnp_course.viz.tables import interval_figure

torch.set_flush_denormal(True)  # the tails of ELU; without it, slow
_ = torch.set_grad_enabled(False)

# %%
photo = images.photo("astronaut", 256)
gain, read_out = 0.04, 0.03  # 25 photons at white; the methods do not know it
raw, estimate = raw_table.seen(photo, gain, seed=7)
print("estimated gain and read-out noise:", [round(v, 3) for v in estimate])
assert abs(estimate[0] / gain - 1) < 0.15
assert abs(estimate[1] / read_out - 1) < 0.2
face = (..., slice(16, 112), slice(70, 166))  # an even corner: the colours stay
clean, y = photo[face], raw[face]
A = Bayer(96, 96)
facts = {"operator": A, "truth": (gain, read_out), "estimate": estimate}
p = Problem(clean, A.planes(y), facts)
names = ("Malvar", "Malvar, then VST + DRUNet", "CoCo-ADMM, VST")
out = {n: chosen.outcome("raw", n, p, "gain 0.04") for n in names}

# %% tags=["nbval-ignore-output"] mystnb={"image": {"alt": "Four portraits: the raw mosaic, dark and green, with strong grain; the converter's picture, grainy and coloured; CoCo-ADMM, clear; and the scene"}}
shown = {n: out[n].row["psnr"] for n in ("Malvar", "CoCo-ADMM, VST")}
assert shown["CoCo-ADMM, VST"] > shown["Malvar"] + 5
titles = {f"{n}: {v:.1f} dB": out[n].x for n, v in shown.items()}
gallery({"raw mosaic": to_srgb(p.y)} | titles | {"scene": clean}, 4, width=10)

# %% [markdown]
# *Figure 1. A raw picture, 25 photons at white. "Malvar" is a usual way to fill in the missing colours; the names are explained below.*
#
# ## 1. One number: the level of Gaussian noise
#
# Begin with the simplest case, $y = u + \sigma n$ with white noise $n$. The variance of $y$ is that of $u$ plus $\sigma^2$, so we must look where $u$ has
# little variance. The usual place is the finest scale: differences of neighbours, of which most are nearly zero in a photograph. Donoho and Johnstone (1994) take
# the median of $|d|$ over the finest diagonal wavelet details $d$, divided by $0.6745$, the median of $|n|$. It is scikit-image's `estimate_sigma` and, here, `wavelet_sigma`.
# Its weakness: texture lives at the finest scale, too.
#
# Another place is found by the picture itself. Cut out all patches of $8\times8$ pixels, $d = 64$ numbers each. Those of a photograph are nearly combinations of few patterns: the
# covariance $\Sigma$ of clean patches has a few large eigenvalues and many that are nearly zero. White noise adds $\sigma^2I$, and so
# **every eigenvalue grows by the same $\sigma^2$**.

# %% mystnb={"image": {"alt": "The 64 eigenvalues of the covariance of patches, on a logarithmic axis: those of the clean photograph fall over five decades; those of the noisy one fall with them and then stay flat at sigma squared"}}
gray = images.to_channels(photo, 1)
level = 15 / 255
noisy = noise.gaussian(gray, level, torch.Generator().manual_seed(1))


def patches_of(x, side=8):
    """All patches of a gray picture (1, 1, H, W), one a row (n, side^2)."""
    return torch.nn.functional.unfold(x, side)[0].T.double()


spectra = {
    name: torch.linalg.eigvalsh(torch.cov(patches_of(x).T)).flip(0)
    for name, x in {"clean": gray, "noisy": noisy}.items()
}
index = torch.arange(1, 65)
flat = torch.full((64,), level**2)
curves([{"title": "eigenvalues of the covariance of 8 x 8 patches", "xlabel": "number", "log": True,
         "lines": {n: (index, v) for n, v in spectra.items()} | {"σ²": (index, flat)}}], 6, 3)  # fmt: skip

# %% [markdown]
# *Figure 2. Noise lifts all eigenvalues to $\sigma^2$ at least.* The smallest one alone is not the answer. The eigenvalues of an *estimated* covariance scatter around $\sigma^2$, and the smallest of many numbers is too small:
#
# > **Proposition.** *In words: the smallest eigenvalues of an estimate are too small on average, by Jensen, and too large by what the picture does in its quietest directions.* If
# > $\hat\lambda_1\le\dots\le\hat\lambda_d$ are the eigenvalues of an unbiased estimate, then $\mathbb E\,\frac1k\sum_{i\le k}\hat\lambda_i\le\sigma^2 + \frac1k\sum_{i\le k}\lambda_i$, and for $k = d$ both sides are equal.
#
# (Proof: the sum of the $k$ smallest eigenvalues is a minimum of linear functions of the matrix, so concave; see [the theory page](../book/theory/noise.md).) So take the mean of *many* small ones, as many as seem to scatter evenly. Chen, Zhu and Heng (2015) leave out
# the largest one by one until the mean of the rest is no larger than their median.
#
# **Exercise 1 (code).** You get `patches` (n, d). Return $\sigma$, in about five lines. (`torch.cov` wants a variable in each row.)
#
# <details>
# <summary>Hint</summary>
#
# Eigenvalues of the covariance, rising; then a loop over how many are kept, from all of them downwards.
#
# </details>
# <details>
# <summary>Solution</summary>
#
# The cell below has it. The mean of the lower half is good enough, too.
#
# </details>


# %%
def my_sigma(patches):
    return 0.0  # replace


print(checks.check_patch_sigma(my_sigma))


# %% tags=["hide-cell", "solution"]
def given_sigma(patches):
    values = torch.linalg.eigvalsh(torch.cov(patches.T))  # rising
    kept = len(values)
    while values[:kept].mean() > values[:kept].quantile(0.5):
        kept -= 1
    return float(values[:kept].mean()) ** 0.5


assert checks.check_patch_sigma(given_sigma) == "right"

# %% [markdown]
# The library's `patch_sigma` is this rule, for colour too. Three photographs and two levels, estimates divided by the truth; and then the same on the 68 photographs of CBSD68, read from the results of `benchmarks/noise_level.py`.

# %%
rows = {}
for name in ("astronaut", "coffee", "chelsea"):
    x = images.photo(name, 192)
    for k in (5, 25):
        y_k = noise.gaussian(x, k / 255, torch.Generator().manual_seed(k))
        ways = {"wavelets": wavelet_sigma(y_k), "patches": patch_sigma(y_k)}
        rows[name, k] = {n: float(v) * 255 / k for n, v in ways.items()}
live = pd.DataFrame(rows).T.rename_axis(["photograph", "σ of 255"])
assert (live["patches"] - 1).abs().max() < 0.06
assert (live["wavelets"] >= live["patches"] - 0.02).all()
live.round(2)

# %%
levels = committed("benchmarks/results/noise-level.csv")


def summary(names):
    """Median of estimate / truth, and the share of photographs within 5 %."""
    of = levels[levels["estimate"].isin(names)]
    parts = of.groupby(["estimate", "noise"], sort=False)["ratio"]
    close = parts.agg(lambda r: f"{((r - 1).abs() < 0.05).mean():.0%}")
    return pd.DataFrame({"median": parts.median(), "within 5 %": close})


if len(levels):
    of = levels.set_index(["estimate", "noise"])["ratio"]
    assert (of["patches"] - 1).abs().max() < 0.05
    assert ((of["wavelet", "sigma 5"] - 1).abs() < 0.05).mean() < 0.1
    display(summary(["wavelet", "patches"]).round(3))

# %% [markdown]
# With little noise the texture is most of what wavelets see, and they are too large on nearly every photograph. Patches are within 5 % on all 68. That is a measurement and no theorem. *Bad input* is as important as good: where the picture is over- or underexposed, noise is cut off, and
# no estimate can be trusted. The command `python -m pnp_course denoise PHOTO.png -o OUT.png` (its `--sigma` is `auto` unless you give one) then says so, in one line:

# %%
from pnp_course import denoising

for name, bad in {
    "overexposed": (noisy + 0.7).clamp(0, 1),
    "without noise": torch.full((1, 1, 64, 64), 0.5),
    "25 instead of 25/255": noisy,
}.items():
    try:
        denoising.denoise(bad, "drunet-gray", sigma=25 if "25" in name else None)
    except ValueError as error:
        print(f"{name}: {error}\n")
blind = denoising.denoise(noisy, "drunet-gray")
print(blind.said)
assert metrics.psnr(blind.x, gray) > metrics.psnr(noisy, gray) + 5

# %% [markdown]
# ## 2. Two numbers: what a camera adds
#
# A sensor counts photons and reads the charge out with an amplifier. With the *gain* $g$ (the intensity of one photon) and the *read-out noise* $r$,
#
# $$ y = g\,N + r\,n, \qquad N \sim\mathrm{Poisson}(u / g), \qquad\text{so}\qquad \mathbb E\,y = u, \quad \operatorname{Var} y = g\,u + r^2 . $$
#
# **The variance is a straight line over the mean: its slope is the gain, and its value at 0 is $r^2$.** This holds for linear light, as in a raw file, and for no developed photograph, whose values were bent (`to_linear` and `to_srgb` go there and back).
# So: sort patches by brightness, into groups; in each group find the flat patches, and the variance of their finest frequencies; fit a line (Foi and others 2008).
#
# **Exercise 2 (code).** You get `means` and `variances` of the groups (NumPy arrays). Return gain and read-out noise.
#
# <details>
# <summary>Solution</summary>
#
# `slope, start = np.polyfit(means, variances, 1)`, then `return slope, start**0.5`.
#
# </details>


# %%
def my_line(means, variances):
    return 1.0, 0.0  # replace


print(checks.check_line(my_line))


# %% tags=["hide-cell", "solution"]
def given_line(means, variances):
    slope, start = np.polyfit(means, variances, 1)
    return slope, start**0.5


assert checks.check_line(given_line) == "right"

# %% [markdown]
# On a photograph least squares is not enough: a group that is all texture lies far above the line and pulls at it with its square. The library's `camera_noise` takes the sum of *absolute* relative deviations. And where the sensor is full, at 1, the noise is cut off and the variance falls to 0: it must be told
# where that is, and leaves out the patches that touch it.

# %% mystnb={"image": {"alt": "Two scatter plots of variance over mean. Left: points on a straight line, and two lines through them that nearly agree. Right: an overexposed picture, whose points rise and then fall to zero; the line through all is far too flat, the one that leaves out clipped patches has the right slope"}}
light = to_linear(photo)
sensor = expose(light, gain, read_out, torch.Generator().manual_seed(2))
bright = expose(2.5 * light, gain, read_out, torch.Generator().manual_seed(3))
over = bright.clamp_max(1)
found, naive = camera_noise(sensor), camera_noise(over)
told = camera_noise(over, white=1.0)
fits = {
    "well exposed": (found, {"fitted": found, "truth": None}),
    "overexposed": (naive, {"not told": naive, "told white = 1": told}),
}
panels = {
    title: (of.means, of.variances,
            {n: (gain, read_out) if f is None else (f.gain, f.read_out) for n, f in lines.items()})
    for title, (of, lines) in fits.items()
}  # fmt: skip
assert abs(found.gain / gain - 1) < 0.1
assert abs(found.read_out / read_out - 1) < 0.2
assert naive.gain < 0.75 * gain < 0.85 * told.gain
line_figure(panels)

# %% [markdown]
# *Figure 3. Left: one photograph, three channels together. Right: the same scene with too long an exposure; its brightest groups have lost their noise.* If everything is overexposed, there is no line, and one sentence instead:

# %%
try:
    camera_noise(torch.ones(1, 3, 96, 96), white=1.0)
except ValueError as error:
    print(error)
if len(levels):
    display(summary(["gain", "read-out"]).round(3))
    assert (of["gain"].groupby("noise").median() - 1).abs().max() < 0.05

# %% [markdown]
# *Again the 68 photographs.* The read-out noise is harder than the gain: it is what is left at mean 0, and few groups are that dark.
#
# ## 3. Make the noise even
#
# In photons a pixel is $z = y / g = N + s\,n$ with $s = r / g$. [Notebook 16](16_poisson_denoising_single_photon.ipynb) made the noise of $N$ even by $2\sqrt{N + 3/8}$. Read-out noise adds $s^2$ to the variance, and the same first-order rule asks for it in the root, where the variance is: the *generalised
# transform of Anscombe* (Murtagh, Starck and Bijaoui 1995) is
#
# $$ f = 2\sqrt{\max\bigl(z + \tfrac38 + s^2,\ 0\bigr)} . $$
#
# If read-out noise makes the sum negative, it is cut off at 0. The library has the transform as `generalised_anscombe`. The way back is less simple:
#
# **Exercise 3 (derivation).** A good denoiser returns about the mean $\mathbb E f$. The inverse function of $f$ takes it to $\tfrac14(\mathbb E f)^2 - \tfrac38 - s^2$ photons. Let $\mu = \mathbb E N$, let nothing be cut off, and let $v$ be the variance of $f$. What comes back?
#
# <details>
# <summary>Hint</summary>
#
# $(\mathbb E f)^2 = \mathbb E f^2 - \operatorname{Var} f$, and $f^2$ has no root in it.
#
# </details>
# <details>
# <summary>Solution</summary>
#
# $\tfrac14\mathbb E f^2 = \mathbb E z + \tfrac38 + s^2 = \mu + \tfrac38 + s^2$. So $\mu - \tfrac v4$ comes back: a quarter of a photon too little where $v = 1$.
#
# </details>


# %%
def comes_back(mu, variance):
    return 0.0  # replace


print(checks.check_bias(comes_back))


# %% tags=["hide-cell", "solution"]
def given_bias(mu, variance):
    return mu - variance / 4


assert checks.check_bias(given_bias) == "right"

# %% [markdown]
# Both claims, seen: the standard deviation of $f$ from simulated pixels, and the error of the inverse function from exact sums. The exact unbiased inverse (Mäkitalo and Foi 2013) reads the table $\mu\mapsto\mathbb E f$ from right to left; that this is possible, since $\mathbb E f$ grows, is proved on [the theory page](../book/theory/noise.md).

# %% mystnb={"image": {"alt": "Left: the standard deviation of the transformed pixel over the mean count for read-out noise 0, 1 and 3 photons; all near 1 beyond a few photons. Right: error of the inverse function, which settles a quarter of a photon below zero, and of the exact inverse, zero"}}
mu, spread, error = np.linspace(0.05, 20, 60), {}, {}
generator = torch.Generator().manual_seed(0)
for s in (0.0, 1.0, 3.0):
    m = torch.from_numpy(mu)[:, None].expand(-1, 20_000)
    z = torch.poisson(m, generator=generator)
    z = z + s * torch.randn(z.shape, generator=generator).double()
    spread[f"s = {s:g}"] = (mu, generalised_anscombe(z, 1.0, s).std(1))
    d = torch.from_numpy(mean_of_generalised(mu, s))
    error[f"inverse function, s = {s:g}"] = (
        mu,
        algebraic_inverse(d, 1.0, s) - m[:, 0],
    )
    exact = exact_inverse(d, 1.0, s) - m[:, 0]
    assert exact.abs().max() < 0.002
    assert abs(float(error[f"inverse function, s = {s:g}"][1][-1]) + 0.25) < 0.02
    assert abs(float(spread[f"s = {s:g}"][1][-1]) - 1) < 0.03
error["exact inverse"] = (mu, exact)
curves([
    {"title": "standard deviation of f", "xlabel": "mean count μ (photons)", "lines": spread},
    {"title": "error of the way back (photons)", "xlabel": "mean count μ (photons)", "lines": error},
], 9, 3)  # fmt: skip

# %% [markdown]
# *Figure 4. Even noise, and a bias of a quarter of a photon.* There is a second way, which bends nothing:
#
# > **Proposition.** *In words: with a little light added, counts with read-out noise look like counts.* $z + s^2$ and a Poisson variable of mean $\mu + s^2$ have the same mean and the same variance.
#
# *Proof.* Both means are $\mu + s^2$. The variance of $z$ is $\mu + s^2$, and a shift does not change it. $\square$ (The third moments differ: $\mu$ against $\mu + s^2$.)
#
# So `shifted_poisson` gives the Poisson fidelity of $y + b$ with the background $b = g s^2$, whose proximal operator is exact ([notebook 16](16_poisson_denoising_single_photon.ipynb)). Four methods on the same data, none of which is told $g$ and $r$. They were measured in Section 2, on the whole picture.


# %%
def run_coco(fidelity, start, nu, sigma, strength=0.6):
    """CoCo-ADMM and what `guarantee` says of it; nu is the noise level."""
    q = {"lam": strength * (sigma / nu) ** 2, "t": 0.33}
    card = denoiser_card("coco-gs-0.25")
    says = guarantee("coco_admm", card, fidelity, start, sigma=sigma, **q)
    steps = coco_admm(fidelity, at_sigma(coco, sigma), start, **q)
    result = run(steps, 40, tol=1e-4)
    theorem = says.theorem.split(":")[0] if says.covered else "none"
    return result.x, theorem, result.stopped_by


coco, drunet = load_denoiser("coco-gs-0.25"), load_denoiser("drunet")
g, r = found.gain, found.read_out
seen, truth, scene = sensor[face], photo[face], light[face]
V = raw_table.Stabilised(g, r)  # the transform, divided by its value at white
even = V.there(seen)
v, *said_v = run_coco(Gaussian(Identity(), even), even, V.sigma, 0.12)
counts = shifted_poisson(seen, g, r)
c, *said_c = run_coco(counts, seen.clamp(0, 1), g**0.5, 0.08, 0.3)
once = ["none: one evaluation", ""]
four = {
    "VST + DRUNet": (by_transform(seen, g, r, drunet), "Zhang and others 2022", *once),
    "VST + CoCo": (by_transform(seen, g, r, coco), "[B]", *once),
    "VST + CoCo-ADMM": (V.back(v), "[B] (19)", *said_v),
    "shifted Poisson": (c, "[B] (19): CoCo-ADMM", *said_c),
}  # fmt: skip

# %%
HEADS = ("source", "guarantee", "ended by")
dark, lines = scene < 0.02, {}
for n, (x, *words) in four.items():
    lines[n] = dict(zip(HEADS, words, strict=True))
    lines[n]["PSNR"] = round(metrics.psnr(to_srgb(x), truth), 1)
    error_dark = float((x - scene)[dark].mean()) / gain
    lines[n]["error in the dark (photons)"] = round(error_dark, 2)
table = pd.DataFrame(lines).T
noisy_psnr = metrics.psnr(to_srgb(seen), truth)
shifted_dark = table["error in the dark (photons)"]["shifted Poisson"]
b = r**2 / g
lifted = float(((seen + b).clamp(min=0) - b - seen)[dark].mean()) / gain
print(f"lifting adds {lifted:.2f} photons in the dark")
assert 0.05 < lifted < shifted_dark
assert (table["PSNR"] > noisy_psnr + 4).all()
assert table["PSNR"]["shifted Poisson"] < table["PSNR"]["VST + CoCo-ADMM"] - 1
table

# %% tags=["nbval-ignore-output"] mystnb={"image": {"alt": "Five portraits in a row: the sensor's picture, grainy, and the four restored ones, which look much alike"}}
sensor_title = f"sensor: {noisy_psnr:.1f} dB"
shown = {f"{n}: {table['PSNR'][n]} dB": to_srgb(four[n][0]) for n in four}
gallery({sensor_title: to_srgb(seen)} | shown, 5, width=11)

# %% [markdown]
# *Figure 5. No mosaic yet: three full sensors. PSNR is that of the developed (sRGB) pictures.* "Guarantee" is the theorem that covers the run, with the constants on the denoiser's card (sharpened by the condition of Themelis and Patrinos 2020, [notebook 12](12_coco_admm_pegd.ipynb)); "ended by" says whether it converged to $10^{-4}$ or was cut off after 40 iterations.
#
# **The same denoiser, the same algorithm, the same theorem, and decibels between them.** Two things make the second way worse. Values below $-b$, which no count has, are lifted to it, and so the dark gets too bright (the last column). And the denoiser learned from developed photographs: in linear light the shadows are tiny numbers, and the square root in the
# transform bends the picture in nearly the way that development does. So the transform does two things at once. A guarantee speaks of neither.
#
# ## 4. A mosaic of colours
#
# A sensor has one value a pixel, behind a filter that is red, green or blue, in a pattern of $2\times2$ (Bayer 1976). As an operator this is a *mask*: $A u = m\odot u$, with a picture $m$ of three planes of which one is 1 at each pixel. It is its own adjoint, and $A^{\mathsf T}A = A$.
#
# **Exercise 4 (code).** Write $\operatorname{prox}_{\lambda G}(z)$ for $G(u) = \tfrac12\lVert Au - y\rVert^2$. You get `z`, `y`, `seen` (the mask $m$) and `lam`.
#
# <details>
# <summary>Solution</summary>
#
# At a seen value minimise $\tfrac\lambda2(v-y)^2 + \tfrac12(v-z)^2$; elsewhere nothing moves $v$ from $z$: `(z + lam * seen * y) / (1 + lam * seen)`.
#
# </details>


# %%
def my_prox(z, y, seen, lam):
    return z  # replace


print(checks.check_mosaic_prox(my_prox))


# %% tags=["hide-cell", "solution"]
def given_prox(z, y, seen, lam):
    return (z + lam * seen * y) / (1 + lam * seen)


assert checks.check_mosaic_prox(given_prox) == "right"

# %% [markdown]
# Is the transform still of use? A mosaic only leaves values out, and $f$ acts on each value alone:
#
# > **Proposition.** *In words: the transform of the mosaic is the mosaic of the transform.* At each seen value, $f(y)$ has the mean $\mathbb E f$ of the pixel's own intensity and a standard deviation near 1. So filling in the mosaic *of the transformed picture* is a problem with even Gaussian noise and the same mask, and
# > the inverse is taken once, at the end.
#
# With a blur this would be false: a sum of pixels does not pass through a square root. There the shifted Poisson fidelity is what remains.
#
# The noise, too, has to be measured on the mosaic. Side by side its pixels have different colours, which would look like texture; so `raw_noise` takes the four quarter pictures of one filter each. They are coarse, and full of texture, which only ever *adds* variance. So the line is laid low, with a fifth of the groups below it.
#
# The rivals do it in steps: fill in the colours by Malvar, He and Cutler (2004), then denoise; or denoise the four quarter pictures, and fill in then.

# %%
about = {
    "bilinear": "means of neighbours",
    "Malvar": "Malvar, He and Cutler 2004",
    "Malvar, then VST + DRUNet": "the same; Zhang and others 2022",
    "VST + DRUNet, then Malvar": "the same, in the other order",
    "DPIR, VST": "Zhang and others 2022",
    "CoCo-ADMM, VST": "[B] (19); Gaussian fidelity",
    "CoCo-ADMM, VST, told": "the same, told the true noise",
    "CoCo-ADMM, counts": "[B] (19); shifted Poisson fidelity",
}
for n in about:
    if n not in out:
        out[n] = chosen.outcome("raw", n, p, "gain 0.04")


# %%
def covered(n):
    """The theorem that covers the run of CoCo-ADMM in line n, as `guarantee` says."""
    q = chosen.parameters("raw", n, "gain 0.04")
    told = raw_table.noise_of(p, q)
    G, nu = shifted_poisson(p.y, *told, A), told[0] ** 0.5
    if "VST" in n:
        G, nu = Gaussian(A, p.y), raw_table.Stabilised(*told).sigma
    lam = q["strength"] * (q["sigma"] / nu) ** 2
    card = denoiser_card("coco-gs-relaxed")
    said = guarantee("coco_admm", card, G, p.y, sigma=q["sigma"], lam=lam, t=q["t"])
    return said.theorem.split(":")[0] if said.covered else "none"


table = pd.DataFrame({"source": about})
table["guarantee"] = [covered(n) if "CoCo" in n else "none" for n in about]
table["ended by"] = [out[n].run.stopped_by if out[n].run else "" for n in about]
table["PSNR"] = [round(out[n].row["psnr"], 1) for n in about]
table

# %% tags=["nbval-ignore-output"] mystnb={"image": {"alt": "Six portraits: Malvar, grainy; Malvar then denoised, with coloured blotches; denoised then Malvar; DPIR; CoCo-ADMM after VST; CoCo-ADMM with counts"}}
shown = {f"{n}: {table['PSNR'][n]} dB": out[n].x for n in about if n not in ("bilinear", "CoCo-ADMM, VST, told")}  # fmt: skip
gallery(shown, 3, zoom=(40, 40, 28), width=9)

# %% [markdown]
# *Figure 6. The raw picture of Figure 1, six ways.* One picture proves nothing. The experiment `raw` (`python -m pnp_course reproduce raw`) does the same on twelve photographs of CBSD68 and two cameras, 100 and 25 photons at white; parameters were chosen on Set3C.

# %%
experiment = experiment_named("raw")
raws = committed("benchmarks/results/raw-course.csv")
if len(raws):
    mean = raws.pivot_table(index="method", columns="gain", values="psnr")
    change = pd.to_numeric(raws["relative_change"], errors="coerce")
    ended = (change < 1e-4).groupby(raws["method"]).mean()
    ended = ended[change.groupby(raws["method"]).count() > 0]
    mean["ended below 10⁻⁴"] = ended.map("{:.0%}".format)
    display(mean.loc[list(about)].round(2).fillna(""))

# %% mystnb={"image": {"alt": "Two panels, for 100 and 25 photons at white: PSNR of each method minus that of CoCo-ADMM after VST with 95 percent intervals. DPIR a little right of zero, the told method at zero, denoising after Malvar a little left, the counts further left, and interpolation alone far left"}}
if len(raws):
    paired = report.paired(experiment, raws, "CoCo-ADMM, VST")
    at = paired.set_index(["gain", "method"])
    assert at.xs("CoCo-ADMM, VST, told", level=1)["difference"].abs().max() < 0.25
    assert at.xs("Malvar, then VST + DRUNet", level=1)["high"].max() < 0
    rival = at.xs("DPIR, VST", level=1)
    assert rival.loc[0.04, "low"] > 0 > rival.loc[0.01, "low"]
    assert rival.loc[0.01, "high"] > 0
    assert at.xs("VST + DRUNet, then Malvar", level=1)["high"].max() < -0.5
    assert at.xs("CoCo-ADMM, counts", level=1)["high"].max() < 0
    assert (at["difference"].unstack()["Malvar"] < at["difference"].unstack()["bilinear"]).all()  # fmt: skip
    panels = {
        f"{1 / k:.0f} photons at white": paired[paired["gain"] == k]
        for k in sorted(raws["gain"].unique())
    }
    display(interval_figure(panels, "dB above CoCo-ADMM, VST", 9.5))
q = chosen.parameters("raw", "Malvar, then VST + DRUNet", "gain 0.04")
print("denoising after Malvar needs the level times", q["strength"])
assert q["strength"] > 2

# %% [markdown]
# *Figure 7. Paired differences on the same photographs, with 95 % bootstrap intervals.*
#
# - **Not to know the noise costs next to nothing:** told the true gain and read-out noise, CoCo-ADMM is hardly better than with its own estimate.
# - **Together is better than in steps.** CoCo-ADMM is ahead of both orders of the steps, by a decibel and more at 100 photons, by a third at 25. Interpolation makes the noise of neighbours alike; a denoiser for white noise then has to be told more than twice the level, or it takes the blotches for a picture. To denoise the quarter pictures first is worse: each is coarse, and knows nothing of the other three.
# - Malvar's filters, better than bilinear ones where there is no noise, are *worse* here: second differences amplify it.
# - The transform is better than the likelihood of counts, for the reasons of Section 3.
# - DPIR, without a theorem, is level with CoCo-ADMM at 100 photons and a quarter of a decibel ahead at 25. And the theorem promises that CoCo-ADMM converges, not that it does in 40 iterations: "ended below" says how many runs had.
#
# ## 5. What a wrong number costs
#
# Estimates are never exact, and kernels and peaks are often wrong by a lot. Which way does it hurt more: to believe in too much noise, or in too little? First a case that can be computed.
#
# **Exercise 5 (derivation, then a bet).** One coefficient of a picture has the variance $\tau^2$ and the mean 0; seen with noise of level $\sigma$. The best linear denoiser multiplies by $a = \tau^2/(\tau^2+\sigma^2)$. It is told $\sigma_0$ instead, and multiplies by $a = \tau^2/(\tau^2+\sigma_0^2)$. What is its mean square error?
#
# <details>
# <summary>Hint</summary>
#
# The error is $a(u + \sigma n) - u$: noise that is left, and signal that is lost.
#
# </details>
# <details>
# <summary>Solution</summary>
#
# $a^2\sigma^2 + (1-a)^2\tau^2$.
#
# </details>


# %%
def my_error(tau, sigma, told):
    return 0.0  # replace


print(checks.check_wrong_level(my_error))


# %% tags=["hide-cell", "solution"]
def given_error(tau, sigma, told):
    a = tau**2 / (tau**2 + told**2)
    return a**2 * sigma**2 + (1 - a) ** 2 * tau**2


assert checks.check_wrong_level(given_error) == "right"

# %% mystnb={"image": {"alt": "Loss in decibels of the best linear denoiser over the factor by which its level is wrong, for three strengths of the signal: for weak signals a level told too low costs most, for strong signals a level told too high"}}
factors = np.geomspace(0.4, 2.5, 41)  # told level / true level, which is 1
loss = {}
for tau in (0.3, 1.0, 3.0):
    kept, best = (tau**2 / (tau**2 + f**2) for f in (factors, 1.0))
    e, least = (a**2 + (1 - a) ** 2 * tau**2 for a in (kept, best))
    loss[f"τ = {tau:g} σ"] = (factors, 10 * np.log10(least / e))
half = {k: float(np.interp(0.5, *v)) for k, v in loss.items()}
double = {k: float(np.interp(2.0, *v)) for k, v in loss.items()}
assert half["τ = 0.3 σ"] < double["τ = 0.3 σ"]
assert half["τ = 3 σ"] > double["τ = 3 σ"]
curves([{"title": "loss in dB of one linear coefficient", "xlabel": "told level / true level",
         "lines": loss, "logx": [0.5, 0.7, 1, 1.4, 2]}], 6, 3)  # fmt: skip

# %% [markdown]
# *Figure 8. It depends on the coefficient.* Where the signal is strong (flat curve on the left), too high a level wipes it out and too low a level does little. Where the noise is stronger than the signal, too low a level lets the noise through. **Your bet:** which of the two errors will cost more when a blur is undone, and which when there is none? Then look at Figure 9, which the experiment `robustness` computed: three methods are told a factor times the true level, the true width of the kernel, the true peak; their parameters were chosen with everything told right.


# %%
def results(name):
    """The rows of an experiment, at the largest scale that is there."""
    both = [committed(f"benchmarks/results/{name}-{s}.csv") for s in ("course", "small")]  # fmt: skip
    return next((rows for rows in both if len(rows)), both[-1])


def lost(rows, column):
    """PSNR minus that with the true value, on the same photographs: mean and 95 % bootstrap interval."""
    wide = rows.pivot_table(index="image", columns=column, values="psnr")
    rng, table = np.random.default_rng(0), []
    for factor in wide.columns:
        d = (wide[factor] - wide[1.0]).to_numpy()
        draws = d[rng.integers(0, len(d), (2000, len(d)))].mean(1)
        low, high = np.quantile(draws, [0.025, 0.975])
        table.append({"factor": factor, "difference": d.mean(), "low": low, "high": high})  # fmt: skip
    return pd.DataFrame(table)


# %% mystnb={"image": {"alt": "Three panels, loss in decibels over told divided by true, for DPIR, RMMO-DRS and CoCo-ADMM with bands. Told half the noise level, DPIR loses many decibels, the others two; told twice the level, all lose less than one. Told twice the width of the kernel, all lose about ten, told half, about three. Told half the peak, DPIR and CoCo-ADMM lose more than told twice, RMMO-DRS less"}}
wrong = results("robustness")
blurred, counted = wrong[wrong["counts"] == 0], wrong[wrong["counts"] == 1]
sweeps = {
    "blur and noise: told σ": (blurred[blurred["kernel"] == 1], "noise"),
    "blur and noise: told width of the kernel": (blurred[blurred["noise"] == 1], "kernel"),
    "counts: told peak": (counted, "noise"),
}  # fmt: skip
costs = {
    title: {m: lost(of[of["method"] == m], column) for m in ("DPIR", "RMMO-DRS", "CoCo-ADMM")}
    for title, (of, column) in sweeps.items()
}  # fmt: skip
print(wrong["image"].nunique(), "photographs")
change = {
    title: pd.DataFrame({m: t.set_index("factor")["difference"] for m, t in of.items()})
    for title, of in costs.items()
}  # fmt: skip
sigma, width, peak = change.values()
assert (sigma.loc[0.5] < sigma.loc[2.0]).all()
assert sigma.loc[0.5, "DPIR"] < sigma.loc[0.5].drop("DPIR").min() - 2
cost_of_half = (peak.loc[0.5] - peak.loc[2.0]).sort_values()
assert list(cost_of_half.index[cost_of_half < 0]) == ["CoCo-ADMM", "DPIR"]
assert cost_of_half["RMMO-DRS"] > 0
assert (width.loc[2.0] < width.loc[0.5]).all()
assert (width.loc[1.4] < sigma.loc[1.4] - 1).all()
band_figure(costs, "told / true", "dB")

# %% [markdown]
# *Figure 9. PSNR minus that with the true number, on the same photographs; the bands are 95 % intervals.*
#
# - **With a blur, too little noise is the worse error** (left). To undo a blur is to divide by small numbers, so that most coefficients are weaker than their noise, as in the falling left side of Figure 8. **Without a blur it is the other way round** for DPIR and CoCo-ADMM (right): there half the peak, which means *more* noise, costs more than twice the peak. RMMO-DRS is an exception; why, we have not measured.
# - How much depends on what a method does with the number. DPIR's *last denoiser* has the level it is told, and leaves what exceeds it. In RMMO-DRS and CoCo-ADMM the denoiser's level is fixed, and the number only weighs the fidelity: they bend and do not break. That is a difference of design and not of the guarantee, which
#   holds for every weight: **a guarantee says that the iteration converges, and not that the weight was right.**
# - **A wrong kernel is worse than a wrong level** (middle), most of all one that is too wide: it asks for detail that is not there, and gets ringing; one that is too narrow leaves blur.
# - An estimate that is a few percent wrong, as in Sections 1 and 2, costs less than anything seen here.
#
# ## Quiz
#
# *Can you estimate the noise of a JPEG from a telephone in this way?*
#
# <details>
# <summary>Answer</summary>
#
# Hardly. It was developed: the values were bent, so that the variance is no line over the mean; neighbours were mixed by the interpolation of colours, so that the noise is not white; and the telephone has denoised it already.
#
# </details>
#
# *Why is the exact inverse taken once, at the end, and not in each iteration?*
#
# <details>
# <summary>Answer</summary>
#
# Inside, everything happens in the transformed world, where the data and their noise are. The inverse maps a *mean* $\mathbb E f$ to a mean $u$, and only the last picture is meant to be a mean.
#
# </details>
#
# *Each quarter of a mosaic has a colour of its own. When would one line for all four be wrong?*
#
# <details>
# <summary>Answer</summary>
#
# When colours were multiplied by different gains (white balance) before the file was written: then each has a slope of its own. Raw files are written before that.
#
# </details>
#
# ## What you now know
#
# - White noise lifts every eigenvalue of the patches' covariance by $\sigma^2$; the mean of many small ones finds it within 5 %, where wavelets count texture.
# - A camera's variance is $gu + r^2$: a line, fitted robustly, to groups that are flat and not clipped.
# - $2\sqrt{z + 3/8 + s^2}$ makes it even; its inverse function is too low by a quarter of the variance, the exact inverse is not. Without a transform, the shifted Poisson fidelity has the right mean and variance.
# - A mosaic is a mask, and commutes with the transform; a blur does not.
# - With a blur, believing in too little noise costs more than believing in too much; a wrong kernel costs more than either. A method that uses the number only as a weight is hurt less by it.
#
# Sources: Donoho and Johnstone 1994; Chen, Zhu and Heng 2015; Foi and others 2008 and Ponomarenko and others 2007 (mean and variance); Murtagh, Starck and Bijaoui 1995, Mäkitalo and Foi 2013 (generalised transform and its exact unbiased inverse); Bayer 1976; Malvar, He and Cutler 2004; Zhang and others 2022
# (DRUNet, DPIR); Pesquet and others 2021 (RMMO-DRS); [B] Wei and others 2025 (CoCo-ADMM). The experiments `raw` and `robustness` are this course's. Photograph: Eileen Collins, NASA, public domain; others by Rachel Michetti and Stefan van der Walt (CC0), all from scikit-image.
