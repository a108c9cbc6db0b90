# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Restore a photograph from a few photons
#
# > **You will do.** Blur a photograph with a shaking camera, count only 50 photons in its brightest pixels, and get the
# > photograph back with an algorithm of a few lines and a denoiser that comes with this course.
# >
# > **You will learn.** What an inverse problem with Poisson noise is; how plug-and-play works; what separates an
# > algorithm that has a theorem from one that has only good pictures.
# >
# > **You need.** Python and a little linear algebra. Nothing is downloaded.
# >
# > **Time.** 45 minutes (50 with all that is folded); the cells take about a minute together.
#
# A question to keep in mind. The denoiser below was trained to remove *Gaussian* noise from *sharp* pictures. It has
# never seen a blurred picture nor a Poisson count. How can it help to invert a blur, and how could anyone **prove** that
# a loop with a neural network inside converges?
#
# We follow the paper by Wei and others (2025), below [B]; numbers in parentheses are its equations. Words in italics
# mostly stand in the [glossary](../book/glossary.md).

# %%
import inspect

import pandas as pd
import torch
from pnp_course import (
    available_denoisers,
    deconvolution,
    images,
    load_denoiser,
    metrics,
    noise,
    run,
)
from pnp_course.demo import compare, comparison_figure, curves_figure, score_table
from pnp_course.denoisers import at_sigma, denoiser_card
from pnp_course.devices import pick_device
from pnp_course.exercises import notebook_00 as checks
from pnp_course.fidelities import Poisson
from pnp_course.guarantees import guarantee
from pnp_course.monitors import Lagrangian, psnr_to
from pnp_course.operators import Blur, kernels
from pnp_course.solvers import coco_admm
from pnp_course.viz.figures import curves, gallery
from pnp_course.viz.slider import frame_slider

device = pick_device()

# %% [markdown]
# ## What the camera does
#
# The picture is a tensor of shape (1, 3, 256, 256) with intensities in $[0, 1]$. While the shutter is open the camera
# shakes; each point of the scene is smeared along the path of the shake. That is a convolution with a *blur kernel* $k$, the
# time the camera spent at each offset: a linear operator, $Ku = k * u$, with the picture continued periodically.

# %% mystnb={"image": {"alt": "Portrait of an astronaut in an orange suit, the same portrait smeared by camera shake, and the kernel: a thin curved path on black"}}
clean = images.photo("astronaut", 256).to(device)
kernel = kernels.motion(25, seed=1)
K = Blur(kernel)
path = kernels.embed(kernel, 31)[None, None] / kernel.max()
gallery({"clean u": clean, "blurred Ku": K(clean), "kernel k, enlarged": path})
# %% [markdown]
# *Figure 1.* The scene, what the shaking camera would see in full light, and the path of the shake.
#
# In little light a sensor counts photons one by one, and the count of a pixel is a Poisson number whose mean is
# proportional to the light that fell there. With a *peak* of $p$ photons for a white pixel we observe
#
# $$ y \sim \frac{1}{p}\,\mathrm{Poisson}(p\,Ku). $$
#
# This is (1). A Poisson number of mean $m$ has variance $m$ as well, so a pixel of intensity $s$ has the noise
# variance $s/p$: in absolute terms bright places are noisier than dark ones, and halving the light doubles the variance.
# We check that on a flat gray picture, both sides from different computations:

# %%
generator = torch.Generator().manual_seed(0)
for s, p in [(0.2, 50), (0.8, 50), (0.8, 100)]:
    flat = torch.full((1, 1, 400, 400), s)
    measured = float(noise.poisson(flat, p, generator).var())
    print(
        f"intensity {s}, peak {p}: variance {measured:.4f}, predicted s/p = {s / p:.4f}"
    )
    assert abs(measured / (s / p) - 1) < 0.03

# %% mystnb={"image": {"alt": "The clean portrait, and two blurred and grainy observations of it: with 100 photons at the peak, and, grainier, with 50"}}
peak = 50
y = deconvolution.degrade(clean, kernel, peak, seed=0)
y100 = deconvolution.degrade(clean, kernel, 100, seed=0)
gallery({"clean": clean, "peak 100": y100, "peak 50": y}, zoom=(60, 90, 64))
# %% [markdown]
# *Figure 2.* The same in little light; in the corner, a part enlarged.
#
# **Exercise 1.** How bright must the light be? You want a pixel of intensity $s$ to have noise of standard deviation at most
# $rs$ (5 % for $r = 0.05$). Which peak is needed? Put your formula into `my_peak` and run the cell: the check says "right", or
# gives a hint. Numbers, NumPy and torch are all welcome. It is so in all notebooks. The given solution has another name,
# `given`; on the website it is folded, and the copies that `make course` opens have none.
#
# <details>
# <summary>Solution</summary>
#
# The standard deviation is $\sqrt{s/p}$. It is $rs$ for $p = 1/(s r^2)$: 800 photons for a middle gray at 5 %, and four times
# as many for half the noise. At peak 50 the same gray pixel has a noise of 20 %.
#
# </details>


# %%
def my_peak(s, r):
    return 50.0  # replace by your formula


print(checks.check_peak(my_peak))


# %% tags=["hide-cell", "solution"]
def given_peak(s, r):
    return 1 / (s * r**2)


assert checks.check_peak(given_peak) == "right"

# %% [markdown]
# ## Why division is not the answer
#
# Without noise the blur could be undone: in Fourier space $\hat y = \hat k\,\hat u$, so divide by $\hat k$. But $\hat k$
# is tiny at most high frequencies, and there the division multiplies noise by $1/|\hat k|$.

# %%
smallest = float(K.spectrum(clean).abs().min())
print(
    f"smallest |k^| = {smallest:.1e}: noise there is multiplied by {1 / smallest:.0f}"
)
naive = torch.fft.irfft2(torch.fft.rfft2(y) / K.spectrum(y), s=y.shape[-2:])
before, after = metrics.psnr(y, clean), metrics.psnr(naive, clean)
print(f"PSNR of the observation {before:.2f} dB, after dividing {after:.2f} dB")
assert after < before

# %% [markdown]
# PSNR, the *peak signal-to-noise ratio*, is $-10\log_{10}$ of the mean squared error of the picture clipped to $[0, 1]$:
# 20 dB is a root-mean-square error of 0.1 per pixel, 30 dB of 0.03.
#
# ## The model: fit the counts, stay plausible
#
# Two demands. The restored $u$ should explain the counts: its Poisson log-likelihood should be high. Up to constants
# and the factor $p$, minus that log-likelihood is
#
# $$ G(u) = \sum_i \bigl( (Ku)_i - y_i \log (Ku)_i \bigr) . $$
#
# And $u$ should look like a photograph: some function $F$ should be small on photographs and large elsewhere. We want
#
# $$ \min_u \; F(u) + \lambda\, G(u). $$
#
# $G$ is convex, but **not smooth enough for the usual proofs**: its gradient $K^{\mathsf T}(1 - y/Ku)$ blows up where
# $Ku \to 0$ while $y > 0$. Here is the blow-up, one pixel with $y = 0.02$ (one photon at peak 50):

# %%
for intensity in (0.1, 0.01, 0.001, 0.0001):
    print(f"u = {intensity:<7} gradient 1 - y/u = {1 - 0.02 / intensity:8.1f}")

# %% [markdown]
# A gradient step of fixed length has no guarantee here. A *proximal* step has, for every convex function:
#
# $$ \operatorname{prox}_{\lambda G}(z) = \arg\min_v \; \lambda G(v) + \tfrac12 \|v - z\|^2 . $$
#
# For $K = I$ setting the derivative to zero gives a quadratic equation in each pixel,
# $v^2 - (z - \lambda) v - \lambda y = 0$, whose larger root is the answer, (95) and exercise 2. With a blur an inner loop
# finds it. We check the optimality condition $z - v = \lambda \nabla G(v)$, on an observation without zeros (where $y = 0$
# the minimiser may sit on the boundary $Kv = 0$, and the condition is an inclusion) and with the inner loop run to the
# end. The runs below solve the inner problem only approximately, by an inner ADMM of at most 20 iterations, which starts
# anew from $z$ each time; the theorem assumes it exact.

# %%
G = Poisson(K, y100.clamp_min(0.02), rho=8, tol=1e-6, max_inner=3000)
v = G.prox(y100, 0.5)
gap = float((y100 - v - 0.5 * G.grad(v)).norm() / (y100 - v).norm())
print("gap between the two sides below 0.1 %:", gap < 1e-3)
assert gap < 1e-3

# %% [markdown]
# **Exercise 2.** Derive $\operatorname{prox}_{\lambda G}$ for $K = I$ and show that the larger root
# is the minimiser. The check compares your formula with a brute-force search.
#
# <details>
# <summary>Solution</summary>
#
# The derivative of $\lambda(v - y\log v) + (v - z)^2/2$ is $\lambda - \lambda y / v + v - z$. Times $v > 0$:
# $v^2 - (z - \lambda)v - \lambda y = 0$. The product of the two roots is $-\lambda y \le 0$, so one is $\le 0$ and one is
# $\ge 0$: $v = \tfrac12\bigl(z - \lambda + \sqrt{(z-\lambda)^2 + 4\lambda y}\bigr)$. The objective is strictly convex on
# $v > 0$, so for $y > 0$ this stationary point is the minimiser. For $y = 0$ it is $\max(z - \lambda, 0)$, also right: if
# $z \le \lambda$ the derivative $\lambda + v - z$ is positive for $v > 0$, and the minimum is at the boundary 0.
#
# </details>


# %%
def mine(z, y, lam):
    return 0.0  # replace by your formula


print(checks.check_prox(mine))


# %% tags=["hide-cell", "solution"]
def given(z, y, lam):
    return (z - lam + ((z - lam) ** 2 + 4 * lam * y) ** 0.5) / 2


assert checks.check_prox(given) == "right"

# %% [markdown]
# ## Plug and play: a denoiser in the place of a proximal operator
#
# *ADMM*, the alternating direction method of multipliers, is the classical loop for $F + \lambda G$. It touches $F$ only through $\operatorname{prox}_F$, and
# $\operatorname{prox}_F(z)$ looks for a plausible picture near $z$: **it denoises $z$**. Plug-and-play turns that around:
# take a good denoiser and *use it as* $\operatorname{prox}_F$, for a prior $F$ nobody has written down.
#
# That works in practice, and whether it is more than a habit depends on the denoiser. [B] finds the condition: $D$ should
# be **conservative** (a gradient field: its Jacobian $J$ is symmetric) and **cocoercive** with a constant $\gamma$ (the
# eigenvalues of $J$ lie in $[0, 1/\gamma]$); in short, CoCo. Then the averaged denoiser $D_t = tD + (1-t)I$ *is* the
# proximal operator of a *weakly convex* function $F$ (Theorem 2.2). If moreover $G$ is convex, closed and proper,
# $F + \lambda G$ is *coercive* (it tends to infinity far out) and has a mild regularity (the Kurdyka-Łojasiewicz property), and each step is exact, then
#
# $$ v_{k+1} = \operatorname{prox}_{\lambda G}(u_k + b_k), \qquad u_{k+1} = D_t(v_{k+1} - b_k), \qquad
# b_{k+1} = b_k + u_{k+1} - v_{k+1}, $$
#
# which is (19), converges to a stationary point of $F + \lambda G$ for every $t < t_0(\gamma)$ (Theorem 4.1), with
# $t_0(1/4) = 1/3$. The proofs, line by line, are on the [theory page](../book/theory/coco_pnp.md). Here is the algorithm as
# the library runs it:

# %%
source = inspect.getsource(coco_admm)
print(source[source.index("    u, b = x0") :])

# %% [markdown]
# How does a network become conservative and cocoercive? There are two ways, and the course ships a denoiser of each. By
# *training*: two penalties, (18), ask for the two conditions; that is `coco-0.25`, the way of [B]. By *construction*:
# `coco-gs-0.25` is a gradient step, $D = I - \nabla g$ with a network inside $g$, whose Jacobian is symmetric whatever the
# weights are; only the second penalty was needed. Beside them the plain `drunet`. What each reached stands on its card,
# measured at photographs it was not trained on:

# %%
print(available_denoisers())
rows = {}
ours = ("coco-0.25", "coco-gs-0.25", "coco-gs-relaxed", "coco-ridge-0.25-colour")
for name in ("drunet", *ours):
    card = denoiser_card(name)
    at25 = card["certificate"]["25"]
    rows[name] = {
        "PSNR (dB) at noise 25/255": card["psnr_cbsd68"]["25"],
        "asymmetry ‖J − Jᵀ‖, worst": at25["asymmetry_worst"],
        "smallest eigenvalue": at25["lambda_min_worst"],
        "largest eigenvalue": at25["lambda_max_worst"],
    }
table = pd.DataFrame(rows).T
asymmetry = table["asymmetry ‖J − Jᵀ‖, worst"]
assert asymmetry["coco-0.25"] < asymmetry["drunet"] / 4
assert asymmetry["coco-gs-0.25"] < 1e-4
assert not asymmetry["coco-ridge-0.25-colour"]
assert (
    table.loc["coco-gs-0.25", "smallest eigenvalue"]
    > table.loc["drunet", "smallest eigenvalue"]
)
table.round(4)

# %% [markdown]
# How to read the table (the eigenvalues are those of $(J + J^{\mathsf T})/2$): the plain DRUNet denoises best, and its Jacobian
# is far from symmetric: no potential, so no $F$. Training brings the asymmetry down, and costs PSNR; it encourages the
# condition, it does not enforce it. Construction makes it vanish up to rounding. The second penalty, in its short training,
# has brought the spectrum near $[0, 4]$, the interval of $\gamma = 1/4$, at most patches; at the worst one the smallest
# eigenvalue is still negative.
#
# Must it be positive? The theorem, [sharpened](../book/theory/proximal_denoiser.md), bears eigenvalues down to some $-\delta$, if $t$ is
# smaller. `coco-gs-relaxed` is a gradient step that was trained for just that, a spectrum in $[-1, 4]$. It costs
# less than a third of a decibel, where the two before it cost about one. All this is measured at some points, and not proved at all; the course keeps
# asking how much the rest matters. Only the last line is proved, for every image: `coco-ridge-0.25-colour` is the
# [proximal operator](../book/theory/ridge.md) of a learned function, with few weights, and it takes many times as long. We take `coco-gs-relaxed`.
#
# ## Run it
#
# The strength of the denoiser is that of [B] for this peak, $\sigma = 0.16$. The averaging $t$ is 0.33 in [B], just below
# $1/3 = t_0(1/4)$. Our card knows the two ends of the spectrum at this noise level, and they allow a little less; the weight
# $\lambda$ of $G$ goes with $t$ (notebook 17 says why). The program checks the hypotheses on the numbers of the card and says
# what it finds: there gamma is 1 over the largest eigenvalue measured, delta how far the smallest lies below 0, and $t_1$
# the bound of the sharpened theorem, which takes the place of $t_0$. One point of honesty: the theorem speaks of $u_k$; shown, here as in [B]
# (Remark 4.3), is $D(z_k)$ with $z_k = v_k - b_{k-1}$, the output before averaging. Since $u_k = tD(z_k) + (1-t)z_k$ and
# $z_k = u_k - b_k$, it equals $u_k + \tfrac{1-t}{t}\,b_k$: it converges when $u_k$ and $b_k$ do, to a picture that is not
# quite the stationary point but sharper.

# %%
denoiser = load_denoiser("coco-gs-relaxed").to(device)
parameters = deconvolution.settings(peak, "coco-gs-relaxed")
fidelity = Poisson(K, y)
card = denoiser_card("coco-gs-relaxed")
print(parameters)
sigma, lam, t = parameters.sigma, parameters.lam, parameters.t
print(guarantee("coco_admm", card, fidelity, y, sigma=sigma, lam=lam, t=t))
solver = coco_admm(fidelity, at_sigma(denoiser, sigma), y, lam=lam, t=t)
frames = []
result = run(solver, max_iter=50, callback=lambda it: frames.append(it.x))
print(
    f"observation {before:.2f} dB, restored {metrics.psnr(result.x, clean):.2f} dB"
)
assert metrics.psnr(result.x, clean) > before + 3

# %% [markdown]
# Move the slider: the first iterates are flat, detail comes back step by step, and then little changes that the eye
# could see.

# %%
shown = [0, 1, 2, 4, 7, 12, 20, 30, 49]
labels = [
    f"iteration {k + 1}: {metrics.psnr(frames[k], clean):.2f} dB" for k in shown
]
frame_slider(
    [frames[k] for k in shown],
    labels,
    alt="CoCo-ADMM restoring the portrait",
    height=256,
    start=8,
)

# %% [markdown]
# *Figure 3.* CoCo-ADMM at work.
#
# ## Against the others
#
# *Wiener* and *Richardson-Lucy* are the classics, in scikit-image's implementations: a linear filter with a quadratic
# smoothness prior, and a fixed-point iteration for the Poisson likelihood without a prior, stopped after 15 steps. *DPIR*
# (Zhang et al. 2022; its noise schedule for photon counts was chosen by us on three other pictures) is plug-and-play with the plain
# denoiser and a noise level that shrinks from step to step: twelve steps, excellent pictures, no objective that
# decreases, and no theorem.

# %%
pictures, _, runs = compare(
    clean, kernel, peak, 0, "coco-gs-relaxed", iterations=50
)
score_table(clean, pictures)

# %% mystnb={"image": {"alt": "Six portraits with an enlarged part each: the grainy observation, a blotchy Wiener result, a grainy Richardson-Lucy result, smooth and sharp DPIR and CoCo-ADMM results, and the clean picture"}}
comparison_figure(clean, pictures)
# %% [markdown]
# *Figure 4.* Four methods on the same observation.
#
# The same at twice the light:

# %%
brighter, _, _ = compare(clean, kernel, 100, 0, "coco-gs-relaxed", iterations=50)
table = score_table(clean, brighter)
assert table.loc["DPIR", "PSNR (dB)"] > table.loc["CoCo-ADMM", "PSNR (dB)"]
assert metrics.psnr(pictures["coco-admm"], clean) > metrics.psnr(
    pictures["dpir"], clean
)
table

# %% [markdown]
# **Exercise 3.** What does doubling the light buy? Restore at peaks 25, 50, 100, 200 and plot PSNR against the
# peak on a logarithmic axis; the middle of the photograph, 128 x 128 pixels, is enough. (`deconvolution.settings` extends
# the parameters [B] gives at 50 and 100 by power laws.) Put the four numbers, from 25 to 200, into `my_psnr`.
#
# <details>
# <summary>Solution</summary>
#
# See the cell below. A pixel measured on its own would gain 3 dB with each doubling. Here each buys less: a denoiser
# already averages over neighbours, so less noise is worth less to it, and frequencies that the blur removed return only
# slowly.
#
# </details>

# %%
my_psnr = [20.0, 20.0, 20.0, 20.0]  # replace by what you measure
print(checks.check_gains(my_psnr))

# %% tags=["hide-cell", "solution"] mystnb={"image": {"alt": "PSNR of the restored picture rising with the peak from 25 to 200 photons, on a logarithmic axis"}}
peaks, found, middle = [25, 50, 100, 200], [], clean[..., 64:192, 64:192]
for p in peaks:
    observed, setting = (
        deconvolution.degrade(middle, kernel, p),
        deconvolution.settings(p, "coco-gs-relaxed"),
    )
    result = deconvolution.restore_coco(
        observed, kernel, denoiser, setting, max_iter=30
    )
    found.append(metrics.psnr(result.x, middle))
title = "PSNR (dB) after 30 iterations"
figure = curves(
    [{"title": title, "xlabel": "peak", "lines": {"": (peaks, found)}}], 4.5
)
figure.axes[0].set_xscale("log", base=2)
figure.axes[0].set_xticks(peaks, peaks)
assert checks.check_gains(found) == "right"
figure

# %% [markdown]
# A finding: in [B] (its Table 2) CoCo-ADMM is ahead of DPIR at both peaks. Here it is ahead at 50 and behind at 100. One picture
# proves nothing, of course: [notebook 15](15_photon_limited_deconvolution.ipynb) has ten methods on a hundred. And the table of the cards
# says what to expect: with `coco-gs-0.25`, which loses more, it is behind at both, by a quarter and by half a decibel (try it). Both plug-and-play methods are far ahead
# of the classics.
#
# ## What a theorem looks like in a run
#
# Theorem 4.1 of [B] does not speak of PSNR. It says that a certain function of the iterates, the augmented Lagrangian
#
# $$ H_k = F(u_k) + \lambda G(v_k) + \langle b_k, u_k - v_k\rangle + \tfrac12\|u_k - v_k\|^2, $$
#
# decreases, and that the iterates converge. In general $F$ has no formula (for a gradient step its values along a run
# are known, notebook 05), but its gradient is known along every run:
# $\nabla F(u_k) = -b_k$. Summing $\langle \nabla F, \mathrm{d}u\rangle$ from iterate to iterate by the trapezoidal rule
# gives $F$ up to a constant, approximately and for free; it is independent of the path only as far as $D$ is
# conservative. So the descent can be watched, on a logarithmic axis above its last value:

# %% mystnb={"image": {"alt": "Three plots over 50 iterations: PSNR of both methods rising to a plateau; relative change falling on a logarithmic scale, steadily for CoCo-ADMM; the Lagrangian of CoCo-ADMM, above its last value, falling on a logarithmic scale"}}
curves_figure(runs)
# %% [markdown]
# *Figure 5.* PSNR, relative change and Lagrangian of the runs of figure 4.

# %%
history = runs["coco-admm"].history
change, lagrangian = history["relative_change"], history["lagrangian"]
rises = lagrangian.diff().iloc[1:].clip(lower=0).sum()
fall = lagrangian.iloc[0] - lagrangian.iloc[-1]
print(f"Lagrangian: rises sum to {100 * rises / fall:.1f} % of its fall")
print(
    f"relative change in the last iteration below 1e-3: {bool(change.iloc[-1] < 1e-3)}"
)
assert fall > 0
assert (
    rises < 0.01 * fall
)  # the theorem allows none; the proximal step is inexact, D only nearly CoCo
assert change.iloc[-1] < change.iloc[1] / 10

# %% [markdown]
# **Try it.** Set `averaging = 1.0` in the next cell: the theorem no longer speaks. Does the run diverge? Does the
# Lagrangian still fall? Why does "no theorem" not mean "no convergence"? The [theory page](../book/theory/coco_pnp.md) has a
# denoiser for which the bound is sharp when $\gamma \le 1/4$.

# %%
averaging = t  # replace by 1.0
solver = coco_admm(fidelity, at_sigma(denoiser, sigma), y, lam=lam, t=averaging)
watch = {"lagrangian": Lagrangian(fidelity, lam), "PSNR": psnr_to(clean)}
trial = run(solver, max_iter=12, monitors=watch).history
trial["lagrangian"] -= trial["lagrangian"].iloc[0]  # its fall since the start
digits = {"PSNR": 1, "relative_change": 3, "lagrangian": -1}
trial[list(digits)].iloc[::3].round(digits)

# %% [markdown]
# ## Quiz
#
# *Which of these does Theorem 4.1 promise for CoCo-ADMM: (a) the PSNR rises; (b) the iterates converge to a
# stationary point of $F + \lambda G$; (c) the result does not depend on the start?*
#
# <details>
# <summary>Answer</summary>
#
# Only (b), under its hypotheses. The theorem knows nothing of the clean picture, so not (a). $F$ is not convex, so there can be several
# stationary points and the start may choose among them: not (c).
#
# </details>
#
# *Why is a gradient step on $G$ not allowed here, while a proximal step is?*
#
# <details>
# <summary>Answer</summary>
#
# Gradient descent needs a step below $2/L$, with $L$ a Lipschitz constant of the gradient; this gradient has none, since
# it blows up at 0. A proximal step is defined for every convex function and every step.
#
# </details>
#
# ## What you now know
#
# - Few photons mean Poisson noise, variance intensity over peak; a blur cannot be undone by division.
# - A plug-and-play loop alternates a proximal step on the data term with a denoiser.
# - A denoiser that is conservative and cocoercive makes the loop an optimisation algorithm: there is an objective, and
#   one can watch it fall.
#
# **Next.** [Invert a camera](01_inverse_problems.ipynb). The [theory page](../book/theory/coco.md) proves what was used here, and the
# [notation page](../book/notation.md) collects the symbols. To use this on a picture of your own:
# `python -m pnp_course demo PHOTO.jpg --kernel motion --peak 50 -o results`.
#
# Sources: [B] *Learning Cocoercive Conservative Denoisers via Helmholtz Decomposition for Poisson Imaging Inverse
# Problems*, Wei and others 2025: (1), (2), (5), (15), (18)-(20), (65), (95), Lemma 2.1, Theorems 2.2 and 4.1, Remark 4.3.
# DPIR and DRUNet: Zhang and others 2022. All in the [bibliography](../book/bibliography.md). Photograph: Eileen Collins,
# NASA, public domain, from scikit-image.
