# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # A slice from few photons
#
# > **You will do.** Turn photon counts into line integrals and back; write filtered backprojection in one line; write the proximal
# > operator of what a scanner counts; restore a slice with a denoiser that never saw one; catch an experiment that cheats.
# >
# > **You will learn.** Two laws of counting, and why taking the logarithm loses something; a bound for the error of a
# > proximal operator that you can compute; what a guarantee is worth where the pictures are not those of the training.
# >
# > **You need.** Proximal operators ([notebook 02](02_proximal_operators.ipynb)), CoCo-ADMM
# > ([notebook 12](12_coco_admm_pegd.ipynb)).
# >
# > **Time.** 60 minutes (65 with all that is folded); the cells take less than a minute.
#
# A question to keep in mind. Each X-ray photon that a scanner spares the patient is a photon that the picture lacks. Below, the same
# body is seen with thirty views and few photons, once by the formula of 1971 and once by an algorithm that asks a denoiser of
# photographs. **The second picture looks better. Why may one trust it, and how far?**
#
# The experiment is that of Wei and others (2025), below [B], appendix A.12. Their slices are of patients; ours are of bodies that do
# not exist, drawn by the library from a seed, so that nothing has to be downloaded, and so that we know the truth.

# %%
import math

import pandas as pd
import torch
from IPython.display import display
from pnp_course import ct, denoiser_card, load_denoiser, metrics
from pnp_course.ct.scan import (
    emission,
    geometry,
    least_squares_of_emission,
    least_squares_of_transmission,
    transmission,
)
from pnp_course.ct.tgv import pwls_tgv
from pnp_course.denoisers import GrayFromColour, at_sigma
from pnp_course.denoisers.drunet import ResidualUNet
from pnp_course.exercises import notebook_18 as checks
from pnp_course.experiments import ct_slices, experiment_named, report
from pnp_course.guarantees import guarantee
from pnp_course.operators import FanBeam
from pnp_course.operators.radon import filtered
from pnp_course.solvers import coco_admm, run
from pnp_course.viz.figures import curves, gallery
from pnp_course.viz.lab import committed
from pnp_course.viz.tables import interval_figure

torch.set_grad_enabled(False)

# %%
fine = ct.phantom("abdomen", 5, 192)
seen = ct.scan(fine, views=30)
clean, A, peak = seen.clean, seen.operator, 100
y = seen.emission(peak, seed=0)
ridge = at_sigma(load_denoiser("coco-ridge-0.25"), 0.05)
start = A.fbp(y, "hann", 0.9)
G = emission(A, y)
restored = run(coco_admm(G, ridge, start, lam=peak * 0.05**2, t=0.33), 15)

# %% tags=["nbval-ignore-output"] mystnb={"image": {"alt": "Three slices through an abdomen in a soft-tissue window: the truth with liver, kidneys and spine; filtered backprojection with streaks and grain; CoCo-ADMM smooth, with the organs visible"}}
three = {"truth": clean, "FBP": A.fbp(y), "CoCo-ADMM, 15 iterations": restored.x}
psnr = {name: metrics.psnr(x, clean) for name, x in three.items()}
assert psnr["CoCo-ADMM, 15 iterations"] > psnr["FBP"] + 2
gallery(
    {
        f"{name}: {psnr[name]:.1f} dB" if name != "truth" else name: ct.window(x)
        for name, x in three.items()
    }
)

# %% [markdown]
# *Figure 1. A slice of 96 by 96 pixels, 30 views. All pictures of slices here are in a window: black is -160 HU, white 240 HU.*
#
# ## 1. What a scanner counts
#
# A ray loses a share $\mu\,ds$ of its photons on each piece $ds$ of its way. So of $I_0$ photons there arrive, on average,
#
# $$ I_0\,e^{-\kappa\,l}, \qquad l = (Au)_i = \text{the line integral of } u \text{ along ray } i . $$
#
# That is Beer and Lambert's law. The picture $u$ is the attenuation; our intensity is 0 for air, $\tfrac12$ for water, 1 for hard bone. In *Hounsfield units* that is
# $\mathrm{HU} = 2000\,u - 1000$. The number $\kappa$ is what intensity 1 takes along one pixel; $A$ is the *Radon transform*, a sparse matrix. The count itself is random:
#
# $$ \text{transmission:}\quad N_i \sim \mathrm{Poisson}\bigl(I_0 e^{-\kappa (Au)_i}\bigr), \qquad\qquad
# \text{emission:}\quad N_i \sim \mathrm{Poisson}\bigl(p\,(Au)_i\bigr). $$
#
# The left one is a CT scanner: the thicker the body, the fewer photons. The right one is the model (1) of [B], which they use in their CT experiment as well: there the
# *thick* rays bring many photons. It fits a camera that sees the body glow, such as PET. The table below keeps the right one, to be comparable with [B]. We treat both.

# %% mystnb={"image": {"alt": "Three sinograms of 30 rows: the line integrals; the error of the emission counts, a little larger in the middle of the body; and the error of the transmission counts, much larger there"}}
photons = 2e3
t = seen.transmission(photons, seed=0)
noise_emission = (y - seen.rays).abs() / 3
noise_transmission = (
    least_squares_of_transmission(A, t, photons).y - seen.rays
).abs() / 3
inside = seen.rays > 1
thick = seen.rays > 0.8 * seen.rays.max()
thin = inside & (seen.rays < 0.3 * seen.rays.max())
assert noise_transmission[thick].mean() > noise_transmission[thin].mean()
assert noise_emission[thick].mean() > noise_emission[thin].mean()
gallery(
    {
        "line integrals": seen.rays / seen.rays.max(),
        "emission: error of l": noise_emission,
        "transmission: error of l": noise_transmission,
    },
    width=10,
)

# %% [markdown]
# *Figure 2. A row is a view, a column a detector bin. White is an error of 3 in units of (intensity) x (pixels).* In both models thick rays have the larger error of $l$. In emission
# it grows like $\sqrt l$, in transmission like $e^{\kappa l/2}$.
#
# **Exercise 1 (derivation).** In transmission one count is $N$. Which line integral explains it exactly, and what is the variance of this estimate, to first order, if
# the variance of $N$ is $N$?
#
# <details>
# <summary>Solution</summary>
#
# $l = \tfrac1\kappa\log\tfrac{I_0}{N}$. Its slope in $N$ is $-\tfrac1{\kappa N}$, so the variance is $\tfrac{N}{(\kappa N)^2} = \tfrac{1}{\kappa^2N}$.
#
# </details>


# %%
def my_integral(counts, photons, kappa):
    return 0.0, 1.0  # replace: l, and its variance


print(checks.check_line_integral(my_integral))


# %% tags=["hide-cell", "solution"]
def given_integral(counts, photons, kappa):
    return math.log(photons / counts) / kappa, 1 / (kappa**2 * counts)


assert checks.check_line_integral(given_integral) == "right"

# %% [markdown]
# Least squares with these weights, $\tfrac12\sum_i \kappa^2N_i\,(l_i - \hat l_i)^2$, is called *penalised weighted least squares* (PWLS) once a prior is added. It is what the classical rivals use. But the
# logarithm of a random number is not centred. By Jensen, $\mathbb E\log N < \log\mathbb E N$: every ray looks too thick, and the thick ones most.

# %% mystnb={"image": {"alt": "Bias of the line integral taken from the logarithm of a count, against the mean count from 2 to 100, on logarithmic axes: too large without weights, too small by the same amount with weights; both follow the second-order formula and fall like one over the count"}}
means = torch.tensor([2.0, 4, 8, 16, 32, 64]).double()
generator = torch.Generator().manual_seed(0)
draws = torch.poisson(means[:, None].expand(-1, 200_000), generator=generator)
bias = (means.log()[:, None] - draws.clamp_min(0.5).log()).mean(1)
heavy = (draws * (draws.clamp_min(0.5).log() - means.log()[:, None])).mean(
    1
) / means
formula = 1 / (2 * means)
assert (bias / formula - 1)[3:].abs().max() < 0.15
assert (heavy / formula - 1)[3:].abs().max() < 0.15
curves([{"title": "error of kappa l, from logarithms of counts", "xlabel": "mean count", "log": True, "logx": means.tolist(),
         "lines": {"too large: mean of log": (means, bias), "too small: weighted by N": (means, heavy),
                   "1 / (2 N)": (means, formula)}}], 6.4, 2.8)  # fmt: skip

# %% [markdown]
# *Figure 3. The bias of the logarithm, simulated, and to second order.*
#
# PWLS makes the opposite mistake, since its weights are the *same* counts: a ray that by chance got many photons looks thin, and gets a large weight. Write $N = m + d$ with mean $m$. To second order
# $\mathbb E[N\log N] \approx m\log m + \tfrac12$. Divide by $m$: the weighted mean of $\log N$ is $\tfrac1{2m}$ too large, and the body looks too *thin*.
#
# At a thousand photons nobody notices. Behind a hip, at four photons, it is a systematic error that no prior removes. The remedy: leave the counts as they are, and put their law into the fidelity (Section 3).
#
# ## 2. The formula of 1971
#
# If there were no noise and views at every angle, $u$ would be known exactly. Each view, smeared back over the picture, is $A^{\mathsf T}$. The sum of all of them is not $u$: it is $u$ convolved with
# $1/|x|$, a blur whose spectrum is $1/|f|$. So multiply each view's spectrum by $|f|$ first, the *ramp*, and integrate over the angles. This is *filtered backprojection* (FBP).
#
# **Exercise 2 (code).** You get `ramp(y)`, which filters each row, `adjoint(y)`, which is $A^{\mathsf T}y$, and a sinogram `y` of shape (1, 1, views, bins), its angles evenly spaced in $[0, \pi)$. Write FBP.
#
# <details>
# <summary>Solution</summary>
#
# `adjoint(ramp(y)) * math.pi / y.shape[2]`: the sum over views stands for an integral over $[0, \pi)$ in steps of $\pi/V$.
#
# </details>


# %%
def my_fbp(ramp, adjoint, y):
    return adjoint(y)  # replace


print(checks.check_fbp(my_fbp))


# %% tags=["hide-cell", "solution"]
def given_fbp(ramp, adjoint, y):
    return adjoint(ramp(y)) * math.pi / y.shape[2]


assert checks.check_fbp(given_fbp) == "right"

# %% tags=["nbval-ignore-output"] mystnb={"image": {"alt": "Four reconstructions without noise and with noise: the backprojection without a filter is a blur; FBP from 200 views is sharp; from 30 views it has streaks; from 30 views with noise it is grainy, too"}}
many = ct.scan(fine, views=200)


def own(ramp, adjoint, rays):  # the right answer
    return math.pi / rays.shape[2] * adjoint(ramp(rays))


blurred = A.adjoint(seen.rays)
pictures = {
    "no ramp, 30 views": 0.6 * blurred / blurred.max(),
    "FBP, 200 views": own(filtered, many.operator.adjoint, many.rays),
    "FBP, 30 views": own(filtered, A.adjoint, seen.rays),
    "FBP, 30 views, counted": own(filtered, A.adjoint, y),
}
score = [metrics.psnr(x, clean) for x in list(pictures.values())[1:]]
assert score[0] > score[1] + 2 > score[2] + 3
gallery(
    {n: ct.window(x, 40, 800) for n, x in pictures.items()}, columns=4, width=11
)

# %% [markdown]
# *Figure 4. Two things go wrong, too few views (streaks) and too few photons (grain).* The ramp makes both worse, because it multiplies what is noisiest.
#
# ## 3. Fidelities of rays
#
# All fidelities here have one form, a convex $\varphi$ on each ray:
#
# $$ G(u) = \sum_i \varphi_i\bigl((Au)_i\bigr), \qquad \nabla G = A^{\mathsf T}\varphi'(Au), \qquad \nabla^2G = A^{\mathsf T}\operatorname{diag}(\varphi''(Au))\,A . $$
#
# For transmission, minus the logarithm of the Poisson probability of $y = N/I_0$, divided by $I_0$, is $\varphi(l) = e^{-\kappa l} + y\,\kappa l$ up to a constant.
#
# **Exercise 3 (derivation).** Return $\varphi'(l)$ and $\varphi''(l)$. Where is the minimum, and why is $\varphi$ convex?
#
# <details>
# <summary>Solution</summary>
#
# $\varphi' = \kappa\,(y - e^{-\kappa l})$, which vanishes where $e^{-\kappa l} = y$, the $l$ of exercise 1. $\varphi'' = \kappa^2e^{-\kappa l} > 0$.
#
# </details>


# %%
def my_derivatives(l, y, kappa):
    return 0.0, 0.0  # replace


print(checks.check_transmission(my_derivatives))


# %% tags=["hide-cell", "solution"]
def given_derivatives(l, y, kappa):
    e = math.exp(-kappa * l)
    return kappa * (y - e), kappa**2 * e


assert checks.check_transmission(given_derivatives) == "right"

# %% [markdown]
# For $l \ge 0$ the curvature is at most $\kappa^2$. Below zero the library continues $\varphi$ by a parabola, so that **the gradient is Lipschitz, with $\kappa^2\|A\|^2$**: what a scanner really counts is
# kinder to theory than the emission model, whose $\varphi(l) = l - y\log l$ has an infinite slope at 0. There the library takes the Moreau envelope of each $\varphi$. It is finite, has the *same
# minimum* $l = y$, and the curvature there is $1/(y + \delta)$ in place of $1/y$.
#
# A bounded curvature $M$ means more: **a parabola lies above the cost** and touches it where one stands,
#
# $$ \varphi(l') \le \varphi(l) + \varphi'(l)\,(l' - l) + \tfrac{M}{2}(l' - l)^2 . $$
#
# It is a *majorant*. Where the cost is complicated, minimise the parabola instead: the cost falls at least as far. A gradient step
# of length $1/(M\|A\|^2)$ is just that, so methods of gradient steps need no proximal operator here. Two such parabolas for one ray:

# %% mystnb={"image": {"alt": "The cost of one ray in transmission, convex, steep on the left, flat on the right, with its minimum near a line integral of 4. A parabola touches it at 0 and another at 8; both lie above it, and the lowest point of each is nearer to the minimum than where it touches"}}
l = torch.linspace(0, 12, 200)


def cost(l):
    return (-0.25 * l).exp() + 0.4 * 0.25 * l


lines = {"cost of a ray": (l, cost(l))}
for begin in torch.tensor([0.0, 8.0]):
    slope = 0.25 * (0.4 - (-0.25 * begin).exp())
    parabola = cost(begin) + slope * (l - begin) + 0.25**2 / 2 * (l - begin) ** 2
    assert (parabola >= cost(l) - 1e-6).all()
    shown = parabola < 1.3
    lines[f"parabola at {begin:g}"] = (l[shown], parabola[shown])
curves([{"title": "one ray, y = 0.4, M = 0.25²", "xlabel": "line integral",
         "lines": lines}], 6.4, 2.8)  # fmt: skip

# %% [markdown]
# *Figure 5. Majorants.* CoCo-ADMM takes no such detour: it needs $v = \operatorname{prox}_{\lambda G}(z)$, the minimum of $\Phi(v) = \lambda G(v) + \tfrac12\|v - z\|^2$. No closed form, so how do we know when to stop?
#
# > **Theorem.** *In words: the gradient, which we can compute, bounds the distance to the answer, which we do not know.* Let $G$ be convex and differentiable. For every $v$:
# > $\;\|v - \operatorname{prox}_{\lambda G}(z)\| \le \|\nabla\Phi(v)\|$.
#
# *Proof.* Let $v^* = \operatorname{prox}_{\lambda G}(z)$, so $\nabla\Phi(v^*) = 0$. As $\nabla\Phi(v) = \lambda\nabla G(v) + v - z$ and $\nabla G$ is monotone,
# $\langle\nabla\Phi(v) - \nabla\Phi(v^*), v - v^*\rangle \ge \|v - v^*\|^2$. By Cauchy and Schwarz the left side is at most $\|\nabla\Phi(v)\|\,\|v - v^*\|$. Divide. $\square$
#
# And to get there: Newton's method, $v \leftarrow v - (\nabla^2\Phi)^{-1}\nabla\Phi$, whose system $(I + \lambda A^{\mathsf T}DA)\,d = -\nabla\Phi$ is solved by conjugate gradients.
#
# **Exercise 4 (code).** One pixel, one ray: $A$ is the number `a`, $\Phi(v) = \lambda\,\varphi(av) + \tfrac12(v - z)^2$. You get $\varphi'$ and $\varphi''$ as the functions `slope` and `curvature`. Write Newton's method from $v = z$.
#
# <details>
# <summary>Solution</summary>
#
# In a loop: `v = v - (v - z + lam * a * slope(a * v)) / (1 + lam * a**2 * curvature(a * v))`.
#
# </details>


# %%
def my_newton(slope, curvature, a, z, lam, steps):
    return z  # replace


print(checks.check_newton(my_newton))


# %% tags=["hide-cell", "solution"]
def given_newton(slope, curvature, a, z, lam, steps):
    v = z
    for _ in range(steps):
        v = v - (v - z + lam * a * slope(a * v)) / (
            1 + lam * a**2 * curvature(a * v)
        )
    return v


assert checks.check_newton(given_newton) == "right"

# %% [markdown]
# The library's, on the slice. We stop at several tolerances, and compute both sides of the theorem: the bound, and the distance to a result that is exact to $10^{-9}$.

# %%
rows = {}
small = ct.scan(ct.phantom("abdomen", 5, 96), views=20)
counts = small.transmission(photons, 0).double()
z = small.operator.fbp(small.rays, "hann", 0.9).double()
law = transmission(small.operator, counts)
law.tol = 1e-9
exact = law.prox(z, 500.0)
for tol in (0.1, 0.01, 0.001):
    law.tol = tol
    steps, bound = law.newton_steps(z, 500.0)
    error = float((law.prox(z, 500.0) - exact).norm() / z.norm())
    rows[tol] = {"Newton steps": steps, "bound": bound, "error": error}
    assert error <= bound + 1e-8
    assert bound <= tol
pd.DataFrame(rows).T.map(lambda v: f"{v:.1g}")

# %% [markdown]
# *Both columns are relative to $\|z\|$.* The bound holds, and the error is several times smaller.
#
# ## 4. A denoiser in the place of the prior
#
# Nothing more is needed: CoCo-ADMM ([notebook 12](12_coco_admm_pegd.ipynb)) takes the proximal operator of *any* convex $G$. The denoiser is the ridge denoiser, $\tfrac14$-cocoercive for **every image** by
# construction, slices of bodies included. What does the library say of the run in Figure 1?

# %%
said = guarantee(
    "coco_admm",
    denoiser_card("coco-ridge-0.25"),
    G,
    y,
    sigma=0.05,
    lam=peak * 0.05**2,
    t=0.33,
)
print(said)
assert said.covered
assert said.everywhere

# %% [markdown]
# So trust means: the iteration converges, to a stationary point of $F + \lambda G$ with a prior $F$ that was learned from photographs. That the body agrees with this prior is *not* part of the guarantee. A learned network
# in one pass (U-Net, W-Net) has not even the first.
#
# With the counts of the scanner itself, and with PWLS of their logarithms, at a low dose:

# %% tags=["nbval-ignore-output"]
low, view = 60.0, {}
dark = seen.transmission(low, seed=1)
for name, fit in {
    "logarithm, PWLS": least_squares_of_transmission(A, dark, low),
    "counts, Beer-Lambert": transmission(A, dark),
}.items():
    begin = least_squares_of_transmission(A, dark, low)
    begin = A.fbp(begin.y, "hann", 0.5)
    lam = low * 0.08**2
    result = run(coco_admm(fit, ridge.at(0.08), begin, lam=lam, t=0.33), 15)
    view[name] = result.x
body = ((clean > 0.4) & (clean < 0.6)).float()
shift = {
    n: float(((x - clean) * body).sum() / body.sum()) * 2000
    for n, x in view.items()
}
for name, hu in shift.items():
    print(f"{name}: mean error in soft tissue {10 * round(hu / 10):+d} HU")
assert shift["logarithm, PWLS"] < -50
assert abs(shift["counts, Beer-Lambert"]) < 40

# %% [markdown]
# That is the sign of the weighted curve of Figure 3: the slice of PWLS is too thin as a whole, by more than the difference between two organs, while the law of the counts is right on average. *Same prior, same solver, same photons.* The
# logarithm is for doses at which Figure 3 has come down.
#
# ## 5. An experiment that cheats
#
# A common experiment: take the slice $u$, compute $y = Au$ with the matrix $A$, add noise, and restore with the *same* $A$. Then every error of the discretisation is in the data as well, and cancels. It is called the *inverse crime*.
# `ct.scan` draws the body on twice as fine a grid, with strips half as wide. What does the crime pay?

# %%
quiet = 2000
honest = ct.scan(fine, views=120)
M = honest.operator
same = type(honest)(clean, M(clean), M)
pay = {}
for name, scan in {"same matrix": same, "finer grid": honest}.items():
    data = scan.emission(quiet, seed=0)
    fit = least_squares_of_emission(M, data)
    steps = pwls_tgv(fit, M.fbp(data, "hann", 0.9), alpha=0.008)
    pay[name] = metrics.psnr(run(steps, 150).x, clean)
print({n: f"PWLS-TGV: {v:.1f} dB" for n, v in pay.items()})
assert pay["same matrix"] > pay["finer grid"] + 2

# %% [markdown]
# The same method, the same number of photons. The first number is no property of the method.
#
# ## 6. The table
#
# Sixty views of 128 by 128 phantoms at two doses. The parameters were chosen on one training phantom, the networks were trained on 80 chests and abdomens; the test has other bodies, and a kind that no network saw, the head.
# Everything is declared in `pnp_course/experiments/ct_table.py` and computed by `python -m pnp_course reproduce ct`; we read the committed results.
#
# | line | what it is |
# |---|---|
# | FBP, PWLS-TGV, PWLS-CSCGR | the formula, and two priors that a person wrote down: smooth between edges; sparse in learned filters |
# | U-Net, W-Net | one pass: FBP and then a network; a network for the sinogram, FBP, a network |
# | CoCo-ADMM, CoCo-PEGD | with the gray network `coco-0.25-gray`, made cocoercive by a penalty as in [B] |
# | ..., ridge | with the ridge denoiser, cocoercive for every image |
# | ..., gradient step | with a gradient step ([notebook 10](10_gs_pnp.ipynb)), whose Jacobian is symmetric by construction |
# | ..., finetuned | the denoiser of photographs after a few minutes on phantoms |

# %% tags=["nbval-ignore-output"]
table = committed("benchmarks/results/ct-course.csv")
if table.empty:
    print("No results file: python -m pnp_course reproduce ct makes it.")
else:
    mean = table.groupby(["peak", "method"], sort=False)[["psnr", "ssim"]].mean()
    wide = mean.unstack("peak").loc[table["method"].unique()]
    print(f"means over {table['image'].nunique()} phantoms")
    display(wide.round(3))

# %% [markdown]
# A mean hides *where* a method errs. So look at the difference $x - u$ itself, in Hounsfield units and in a window: gray where the slice is right, white where it is 100 HU too dense or more.
# The library's `ct.difference` computes this picture: $\tfrac12 + \tfrac{2000\,(x - u)}{200}$, cut off at 0 and 1.
# Here is a head of the table at the low dose, with the table's parameters.

# %% tags=["nbval-ignore-output"] mystnb={"image": {"alt": "Upper row: a head restored by six methods in a soft-tissue window. Lower row: the differences to the truth. FBP: fine streaks all over; PWLS-TGV: flat gray patches, errors along the skull; U-Net: coarse spots; W-Net: strong grain in the brain; CoCo-ADMM with the gray network: short streaks; with the finetuned gradient step: nearly gray inside, thin lines at the skull"}}
best_coco = "CoCo-ADMM, gradient step, finetuned"
six = ["FBP", "PWLS-TGV", "U-Net", "W-Net", "CoCo-ADMM", best_coco]
declared = experiment_named("ct")
head = declared.problem({"kind": "head", "phantom": 0, "peak": 100, "seed": 207})
slices = {name: ct_slices.restored(name, head)[0] for name in six}
above = {n.removesuffix(", finetuned"): ct.window(x) for n, x in slices.items()}
below = {
    f"{(x - head.clean).abs().mean() * 2000:.0f} HU off{' ' * k}": ct.difference(
        x, head.clean
    )
    for k, x in enumerate(slices.values())
}
gallery(above | below, columns=6, width=13)

# %% [markdown]
# *Figure 6. Above, soft tissue from -160 to 240 HU. Below, the differences: black is 100 HU too thin, white 100 HU too dense; the number is the mean error. The last column is the finetuned gradient step.*
#
# Where does a method lose? Count the squared error near edges, and elsewhere:

# %% tags=["nbval-ignore-output"]
detail = (
    head.clean - torch.nn.functional.avg_pool2d(head.clean, 3, 1, 1)
).abs() > 0.02
edges = torch.nn.functional.max_pool2d(detail.float(), 3, 1, 1) > 0
share = {
    n: float(((x - head.clean)[edges] ** 2).sum() / ((x - head.clean) ** 2).sum())
    for n, x in slices.items()
}
print(
    f"near edges: {float(edges.float().mean()):.0%} of the pixels, and of the error"
)
print({n: f"{v:.0%}" for n, v in share.items()})
assert min(share[n] for n in ("PWLS-TGV", "U-Net", best_coco)) > 0.75
chest = ct.scan(ct.phantom("chest", 0, 256))
apart = chest.operator(chest.clean) - chest.rays
misfit = float((500 * apart**2 / chest.rays)[chest.rays > 2].mean())
print(f"misfit of the truth at peak 500: {misfit:.2f} times the photons' variance")
assert misfit > 0.2

# %% [markdown]
# The flat parts are solved, by every method with a prior. What is left are the edges, and there even the *truth* does not explain the data: a pixel that an edge crosses has one value in the slice,
# while the rays crossed two tissues in it (Section 5). TGV is made for edges between smooth parts. So on such phantoms it is a strong rival, and a denoiser must keep edges at least as well to be ahead of it.
#
# How sure is the table? Phantoms differ from each other by decibels, so compare on the *same* phantom, and draw phantoms with replacement, as in [notebook 15](15_photon_limited_deconvolution.ipynb).

# %% tags=["nbval-ignore-output"] mystnb={"image": {"alt": "Two panels, peaks 500 and 100, one line for each method with its interval, all left of zero. CoCo-PEGD with the finetuned gradient step is nearest, then PWLS-TGV, the ridge denoisers, W-Net and U-Net about one decibel behind, the CoCo methods with the gray network and PWLS-CSCGR about two, FBP five to six"}}
if not table.empty:
    against = report.paired(declared, table, best_coco)
    panels = {f"peak {p}": t for p, t in against.groupby("peak", sort=False)}
    label = f"PSNR minus that of {best_coco} (dB)"
    display(interval_figure(panels, label, 10.5))

# %%
pegd = "CoCo-PEGD, gradient step, finetuned"
if not table.empty:
    line = against.set_index(["peak", "method"])
    for dose in (500, 100):
        for behind in (
            "FBP",
            "PWLS-TGV",
            "PWLS-CSCGR",
            "U-Net",
            "W-Net",
            "CoCo-ADMM",
        ):
            assert line.loc[(dose, behind), "high"] < 0
        assert line.loc[(dose, "CoCo-ADMM, ridge"), "difference"] < -0.5
        ssim = wide["ssim"][dose]
        assert ssim[best_coco] == ssim.max()
        for classical in ("FBP", "PWLS-TGV", "PWLS-CSCGR"):
            over = report.paired(declared, table, classical)
            over = over[over["method"] == pegd].set_index("peak")
            assert over.loc[dose, "low"] > 0
            assert ssim[pegd] > ssim[classical]

# %% [markdown]
# *Figure 7. Means of the differences with 95 % bootstrap intervals over the phantoms.*
#
# **A finding.** The two CoCo methods with the finetuned gradient step are ahead of FBP, PWLS-TGV and PWLS-CSCGR at both doses, in PSNR and in SSIM, and ahead of U-Net and W-Net, which saw the same phantoms. They have one setting for both doses: one noise
# level, and the weight that the likelihood itself has. In [B], too, the CoCo methods are ahead.
#
# The *denoiser* decides, and not the splitting. With `coco-0.25-gray`, whose penalty costs it most where there is little noise, CoCo-ADMM is behind PWLS-TGV; with the ridge denoiser it is nearer, and still behind the gradient step. So ask first how well
# a denoiser denoises *these* pictures at the noise level at which the loop uses it:

# %% tags=["nbval-ignore-output"]
level, score = 0.04, {}
x = head.clean
noisy = x + level * torch.randn(x.shape, generator=generator.manual_seed(1))
for name in (
    "coco-0.25-gray",
    "coco-ridge-0.25",
    "coco-gs-0.25",
    "ct/coco-gs-0.25",
):
    net = load_denoiser(name)
    net = GrayFromColour(net) if net.in_channels == 3 else net
    score[name] = metrics.psnr(net(noisy, level), x)
    print(f"{name}: {score[name]:.1f} dB")
assert max(score, key=score.get) == "ct/coco-gs-0.25"
assert min(score, key=score.get) == "coco-0.25-gray"

# %% [markdown]
# The *domain gap* is what the same method gains when its denoiser, trained on photographs, sees phantoms for a few minutes more; and a network in one
# pass should be weakest on the head, the kind of body that it never saw:

# %% tags=["nbval-ignore-output"]
gap = {}
if not table.empty:
    for name in ("", ", ridge"):
        gain = report.paired(declared, table, f"CoCo-ADMM{name}")
        tuned = gain["method"] == f"CoCo-ADMM{name}, finetuned"
        for dose, g in gain[tuned].set_index("peak").iterrows():
            columns = g[["difference", "low", "high"]]
            gap[f"CoCo-ADMM{name}", dose] = columns.astype(float)
            assert g["low"] > 0
    print("gain by finetuning (dB)\n", pd.DataFrame(gap).T.round(2), "\n")
    kinds = table.pivot_table(
        index=["peak", "kind"], columns="method", values="psnr"
    )
    shown = kinds[["PWLS-TGV", "U-Net", "W-Net"]]
    nets = shown.sub(kinds[best_coco], axis=0)
    print(f"minus {best_coco} (dB)\n", nets.round(2))
    for dose in (500, 100):
        assert nets.loc[dose][["U-Net", "W-Net"]].idxmin().eq("head").all()
        assert (nets.loc[dose]["W-Net"] > nets.loc[dose]["U-Net"]).all()
    assert nets["PWLS-TGV"].idxmax() == (500, "head")
    assert nets["PWLS-TGV"].max() < 0.3

# %% [markdown]
# Finetuning pays for both at both doses. PWLS-TGV is level only on heads at the high dose: there large smooth parts meet at a few edges. The networks in one pass are furthest behind on heads: they learned the kind of body, too. No guarantee told us, only the test.
#
# W-Net contains a U-Net, so it should not be behind it. Yet it was, by decibels, as long as its training began with random weights. The cause is in Section 2: FBP multiplies what is rough. Random weights mean a random
# correction of the sinogram, and this drowns the slice:

# %%
torch.manual_seed(0)
counted = torch.poisson(500 * chest.rays) / 500
random_net = ResidualUNet(in_channels=1, widths=(8, 16, 32, 32), blocks=1)
corrected = 32 * random_net(counted / 32, 500**-0.5)
for name, rays in {"counts": counted, "corrected": corrected}.items():
    off = (rays - chest.rays).square().mean().sqrt()
    psnr_fbp = metrics.psnr(chest.operator.fbp(rays), chest.clean)
    print(f"{name}: rays off by {off:.2f}, FBP {psnr_fbp:.1f} dB")
assert psnr_fbp < 20

# %% [markdown]
# The few hundred steps of training went into taking this back. The remedy is to begin where nothing is broken: the last layer of the sinogram's network at 0, and the trained U-Net behind FBP. The W-Net of the table
# was trained so (`python -m pnp_course.ct.train w-net`), and it is ahead of U-Net at both doses, as in [B].
#
# And the way there:

# %% tags=["nbval-ignore-output"] mystnb={"image": {"alt": "Left, PSNR at the low dose over iterations on a logarithmic axis: CoCo-ADMM with the finetuned gradient step rises to 34 dB within ten iterations and stays, CoCo-PEGD follows; CoCo-ADMM with the gray network is flat above 32; PWLS-TGV stays near 29 dB for twenty iterations and is above 33 after 100. Right, relative changes fall on a logarithmic axis, those of CoCo-ADMM with the gray network fastest"}}
history = committed("benchmarks/results/ct-course-curves.csv")
if not history.empty:
    history = history[history["peak"] == 100]
    names = ["PWLS-TGV", "CoCo-ADMM", best_coco, pegd]
    traces = {n: history[history["method"] == n].iloc[1:] for n in names}
    axis = {"logx": [2, 5, 10, 25, 100, 300]}
    figure = curves([
        {"title": "peak 100: PSNR (dB)", **axis,
         "lines": {n: (c["iteration"], c["psnr"]) for n, c in traces.items()}},
        {"title": "relative change", "log": True, **axis,
         "lines": {n: (c["iteration"], c["relative_change"]) for n, c in traces.items()}},
    ], 10.5, 4.0)  # fmt: skip
    display(figure)

# %% [markdown]
# *Figure 8. PSNR is a mean over the phantoms, the relative change a median.* After ten to fifteen iterations the PSNR of a CoCo method hardly moves, or falls a little: the iterates go to a stationary point of $F + \lambda G$, and not to the truth. PWLS-TGV takes a hundred iterations, and cheaper ones.
#
# What the table cannot say: twelve phantoms are few, the interval knows nothing of bodies unlike these, and the networks in one pass were trained for one to two minutes each: longer training may bring them ahead. The paper's own numbers, on ten slices of patients, are in `pnp_course/experiments/paper/ct.csv`: other pictures, so compare orders, not decibels.
#
# ## 7. Fan beams, and your own slices
#
# A scanner's rays spread like a fan. The shadow of a pixel is then a trapezoid of another width in each bin, and everything else is as before: one sparse matrix, its transpose, and FBP with two weights.

# %% tags=["nbval-ignore-output"] mystnb={"image": {"alt": "Fan-beam sinogram of the abdomen over a full turn, and the slice that filtered backprojection makes of it, sharp"}}
fan = FanBeam(96, 120, source=160.0)
spread = fan(clean)
back = fan.fbp(spread)
assert metrics.psnr(back, clean) > 25
gallery(
    {
        "fan-beam sinogram": spread / spread.max(),
        "its FBP": ct.window(back, 40, 800),
    },
    2,
    width=7,
)

# %% [markdown]
# Slices of real scanners come as DICOM. `ct.read_slices` takes a file, a series in a folder, or a folder of `.npy`, and returns Hounsfield units; a report without pixels, a film of many frames or a colour picture gets one clear line. The
# package pydicom ships one small slice of a real body among its test files. Where it is installed, here it is, *as it is*: no truth is known, so there is no number.

# %% tags=["nbval-ignore-output"] mystnb={"image": {"alt": "A real slice of 128 by 128 pixels from pydicom's test files, and the same slice scanned again with 60 views at a low dose and restored by CoCo-ADMM; or a line that says that pydicom is not installed"}}
try:
    from pydicom.data import get_testdata_file

    hu = ct.read_slices(get_testdata_file("CT_small.dcm"))
except ImportError:
    hu = None
    print("pydicom is not installed: python -m pip install pydicom")
if hu is not None:
    real = ct.from_hounsfield(hu)
    B = geometry(128, 60)
    again = torch.poisson(100 * B(real), generator=generator.manual_seed(0)) / 100
    begin = B.fbp(again, "hann", 0.9)
    steps = coco_admm(emission(B, again), ridge, begin, lam=0.25, t=0.33)
    figure = gallery(
        {
            "CT_small.dcm": ct.window(real),
            "FBP": ct.window(B.fbp(again)),
            "CoCo-ADMM": ct.window(run(steps, 10).x),
        }
    )
    display(figure)

# %% [markdown]
# *A crime, by Section 5's standard: the slice is its own truth, and was scanned again by the same matrix. It shows that the code takes real files, and nothing else.*
#
# ## Quiz
#
# *Which ray decides about a hip joint, the thick or the thin one, and which model hides it?*
#
# <details>
# <summary>Answer</summary>
#
# The thick one. In the emission model thick rays bring many photons, and so the hip is measured well; a real scanner gets almost none there.
#
# </details>
#
# *A colleague finds 45 dB with PWLS-TGV. What do you ask?*
#
# <details>
# <summary>Answer</summary>
#
# On which grid the data were made, with which matrix, and at which dose.
#
# </details>
#
# ## What you now know
#
# - A scanner counts $I_0e^{-\kappa l}$; [B]'s model counts $p\,l$. The first has a Lipschitz gradient, the second has not.
# - The logarithm of few photons is biased by $1/(2N)$: leave the counts as they are.
# - FBP is $A^{\mathsf T}$ after the ramp; views and photons fail in different ways.
# - The gradient of $\Phi$ bounds the error of a computed $\operatorname{prox}$.
# - A guarantee for every image covers slices, too; it speaks of the algorithm, and not of the body.
# - Data from the matrix that restores them make every method look better.
#
# Sources: [B] Wei and others 2025, A.12; Kak and Slaney 1988 (FBP); Lange and Carson 1984, Fessler 1994 (likelihoods, PWLS); Bredies, Kunisch and Pock 2010, Chambolle and Pock 2011 (TGV and its algorithm); Bao and others 2019 (CSCGR); Jin and others 2017,
# Cheslerean-Boghiu and others 2023 (networks); Long, Fessler and Balter 2010 (fan footprints). The envelope in place of the emission term, the phantoms and the small experiments are this course's. All bodies are drawn; CT_small.dcm is part of pydicom (MIT).
