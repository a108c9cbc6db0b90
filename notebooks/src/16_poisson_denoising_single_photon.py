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
# > plug-and-play is worth fifty evaluations of a network where one is enough; what to do with dark counts, and with
# > pixels that are broken.
# >
# > **You need.** The Poisson fidelity ([notebook 01](01_inverse_problems.ipynb)), proximal operators
# > ([02](02_proximal_operators.ipynb)), CoCo-ADMM ([12](12_coco_admm_pegd.ipynb)).
# >
# > **Time.** 60 minutes (65 with all that is folded); the cells take about a minute.
#
# A question to keep in mind. Below is a photograph behind 30, 10 and 5 photons at its brightest pixel, and the result of
# CoCo-ADMM. There is no blur, so $A$ is the identity and a denoiser alone could do the work: **what do the other
# evaluations of the network buy?**
#
# The numbers of this notebook come from two experiments that everybody can repeat, `python -m pnp_course reproduce
# poisson-denoising` and `single-photon`. They are Table 6 and section A.10 of Wei and others (2025), below [B], at the scale
# of this course.

# %%
import torch

torch.set_flush_denormal(True)  # the tails of ELU; without it, slow


# %% tags=["nbval-ignore-output"] mystnb={"image": {"alt": "Two rows of portraits. Above, the counts: grainy at a peak of 30, worse at 10, hardly readable at 5. Below, restored: sharp at 30, softer at 10, smooth with few details at 5; and the clean picture"}}
clean = images.photo("astronaut", 96)
problems = {peak: counted(clean, peak, seed=3) for peak in (30, 10, 5)}
runs = {
    peak: chosen.outcome("poisson-denoising", "CoCo-ADMM", p, f"peak {peak}")
    for peak, p in problems.items()
}
seen = {
    f"peak {k}: {metrics.psnr(p.y, clean):.1f} dB": p.y for k, p in problems.items()
}
shown = {f"CoCo-ADMM: {r.row['psnr']:.1f} dB": r.x for r in runs.values()}
for peak, r in runs.items():
    assert r.row["psnr"] > metrics.psnr(problems[peak].y, clean) + 5
gallery(seen | {"clean": clean} | shown, columns=4)

# %% [markdown]
# *Figure 1. Photon counts without a blur, and CoCo-ADMM with the parameters that were chosen on other pictures.*
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
p5, drunet = problems[5], load_denoiser("drunet")
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
# there. The experiment compares thirteen methods. Each that has parameters was tuned on three pictures that are not measured, with nine
# settings, and then measured on twelve photographs of CBSD68 (the middle 128 by 128 pixels of every fifth). What stands behind each?

# %%
about = {
    "VST + TV": "total variation after VST",
    "VST + BM3D": "BM3D (Dabov and others 2007) after VST, by the authors' program",
    "VST + DRUNet": "one evaluation of `drunet` after VST",
    "VST + CoCo": "one evaluation of `coco-gs-0.25` after VST",
    "Poisson TV": "min G + TV, primal-dual (Chambolle and Pock 2011)",
    "Poisson DnCNN": "one evaluation of a DnCNN that was trained on counts",
    "DPIR": "Zhang and others 2022",
    "RMMO-DRS": "Pesquet and others 2021",
    "Prox-DRS": "Hurault and others 2022; Herfeld and others 2025",
    "PnPI-HQS": "Wei and others 2024",
    "B-RED": "Hurault and others 2023",
    "CoCo-ADMM": "[B] (19)",
    "CoCo-PEGD": "[B] (22)",
}
# %%
rows = committed("benchmarks/results/poisson-denoising-course.csv")
table = experiment_named("poisson-denoising")
lines = {}
for name, words in about.items():
    of = rows[rows["method"] == name]
    change = pd.to_numeric(of["relative_change"], errors="coerce").dropna()
    said = None
    if name in table.methods:
        said = chosen.answer("poisson-denoising", name, problems[30], "peak 30")
    lines[name] = {
        "what": words,
        "theorem for this run": ""
        if said is None
        else said.theorem
        if said.covered
        else "none",
        "ended below 10⁻⁴": f"{(change <= 1e-4).mean():.0%}" if len(change) else "",
        "evaluations": round(of["network_calls"].mean()),
    }
pd.DataFrame(lines).T
