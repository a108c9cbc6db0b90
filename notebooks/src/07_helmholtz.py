# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Split a denoiser into pull and turn
#
# > **You will do.** Split the field of a denoiser into a part that pulls and a part that turns: by hand, by the Fourier
# > transform, and through the Jacobians of trained networks. Build a plug-and-play loop that never settles, and prove it.
# >
# > **You will learn.** The Helmholtz decomposition and its proof; what it says about a Jacobian, and what it does not;
# > Poincaré's lemma with an error bound; why $\|J - J^{\mathsf T}\|_*$ is the right thing to penalise, and how to measure it.
# >
# > **You need.** Line integrals, Fourier series, eigenvalues; the ideal denoiser
# > ([notebook 03](03_priors_to_denoisers.ipynb)).
# >
# > **Time.** 90 minutes (100 with all that is folded); the cells take about a minute.
#
# A question to keep in mind. Walk round a closed path in the space of images, back to where you began, and add up how
# much a denoiser pushes you along. **Must the sum be zero? And if it is not, can a restoration built on this denoiser
# walk round for ever?**
#
# We follow section 2.2 of Wei and others (2025), below [B]; numbers in parentheses are its equations. The formal
# statements stand on a [theory page](../book/theory/helmholtz.md); words in italics mostly in the
# [glossary](../book/glossary.md).

# %%
import math
from functools import partial

import pandas as pd
import torch
from ipywidgets import FloatSlider, interact
from pnp_course import images, jacobian, load_denoiser, run
from pnp_course.denoisers import at_sigma, available_denoisers, averaged
from pnp_course.exercises import notebook_07 as checks
from pnp_course.fidelities import Gaussian
from pnp_course.jacobian import Linearized, antisymmetry
from pnp_course.operators import Identity
from pnp_course.solvers import pgd
from pnp_course.toy import GaussianMixture, fields
from pnp_course.toy.fields import QUARTER_TURN as R
from pnp_course.toy.fields import PeriodicField, TurningDenoiser, polygon
from pnp_course.toy.posterior import implicit_prior
from pnp_course.viz.field_pictures import loop_figure, split_figure
from pnp_course.viz.figures import curves, gallery
from pnp_course.viz.slider import figure_as_image, frame_slider

generator = torch.Generator().manual_seed(0)


def normal(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


# %% [markdown]
# ## The picture first
#
# Take pictures of two pixels: each is a point of the square. A denoiser $D$ moves the point $x$ to $D(x)$; the arrow
# $V(x) = D(x) - x$ is its *displacement*. Our prior has two bumps, so there are two kinds of clean pictures, the stars.
# To the ideal denoiser of this prior we add a swirl, as an imperfect training might. Then the library splits the sum
# again; how, you will write yourself in the section on the torus.

# %%
centre = torch.tensor([0.3, 0.35], dtype=torch.float64)
means = torch.tensor([[0.3, 0.35], [0.72, 0.6]])
shapes = torch.tensor([[[4.0, 0], [0, 4.0]], [[8.0, 3.0], [3.0, 4.0]]]) / 1000
bumps = GaussianMixture(torch.tensor([1.0, 0.8]), means, shapes)


def swirl(x, size=0.15):
    wave = torch.sin(2 * math.pi * (x - centre))
    return size * torch.stack((-wave[:, 1], wave[:, 0]), 1)


def split(turn=0.15, sigma=0.15):
    ideal = fields.periodic_displacement(bumps, sigma)
    full = PeriodicField.sample(lambda x: ideal(x) + swirl(x, turn))
    return ideal, full, *full.helmholtz()


def draw(turn=0.15, sigma=0.15):
    _, full, _, gradient, around = split(turn, sigma)
    titles = ["(i) displacement $V = D - I$", "(ii) the part that pulls"]
    parts = dict(zip(titles, (full, gradient), strict=True))
    return split_figure(parts | {"(iii) the part that turns": around}, means)


# %% mystnb={"image": {"alt": "Three squares with arrows and trajectories from six points. Left, the field of the denoiser: trajectories spiral into two resting points, one of which is off its star. Middle, the part that pulls: they run straight to the two stars. Right, the part that turns: they run round closed curves for ever"}}
draw()

# %% [markdown]
# *Figure 1.* Arrows: the field. Coloured curves: what happens to six pictures (circles) if they follow the arrows;
# the squares are where they are in the end. Stars: the middles of the two bumps. (i) still denoises, mostly, but it
# comes in spirals, and one resting point is not at its star. (ii) runs to the stars. (iii) goes round for ever.
#
# This is figure 1 (right) of [B], for a denoiser that is not linear. The notebook asks three things. Which fields turn,
# and how can one see it in the Jacobian? Can every field be split like this? And what does the turn do to a
# plug-and-play loop?
#
# ## Stretch and turn
#
# Let $D:\mathbb R^n\to\mathbb R^n$ be a $C^1$ denoiser with Jacobian $J$. Every square matrix is the sum of a symmetric
# and an antisymmetric one,
#
# $$ J = S + H, \qquad S = \tfrac12(J + J^{\mathsf T}), \qquad H = \tfrac12(J - J^{\mathsf T}), $$
#
# and near $x$ the denoiser does $D(x + v) \approx D(x) + Sv + Hv$. $S$ stretches along $n$ orthogonal axes. $H$ moves
# every $v$ at right angles to itself:
# $\langle v, Hv\rangle = \langle H^{\mathsf T}v, v\rangle = -\langle v, Hv\rangle$, so it is 0. It turns. In the plane,
# with the quarter turn $R(x_1, x_2) = (-x_2, x_1)$, $H = \tfrac12(\partial_1D_2 - \partial_2D_1)\,R$: half the *curl*.
# In space $Hv = \tfrac12\operatorname{curl}D \times v$. In $\mathbb R^n$ the matrix $J - J^{\mathsf T}$ takes the place
# of the curl, with one entry for each pair of coordinates.
#
# *In words: $\tfrac12\|J - J^{\mathsf T}\|_*$ is how far $J$ is from the nearest symmetric matrix. So it measures what
# is wrong with a denoiser whose Jacobian should be symmetric.* ($\|\cdot\|_F$ is the Frobenius norm, $\|\cdot\|_*$ the
# spectral norm.)
#
# **Lemma 1.** For every symmetric $Q$: $\;\|J - Q\|_F^2 = \|S - Q\|_F^2 + \|H\|_F^2\;$ and $\;\|J - Q\|_* \ge \|H\|_*$.
# Both are smallest for $Q = S$.
#
# *Proof.* For a symmetric $P$,
# $\langle P, H\rangle_F = \operatorname{tr}(PH) = \operatorname{tr}((PH)^{\mathsf T}) = -\operatorname{tr}(HP) = -\operatorname{tr}(PH)$,
# so it is 0. Take $P = S - Q$ in $J - Q = P + H$. Second, $H = \tfrac12\bigl((J - Q) - (J - Q)^{\mathsf T}\bigr)$;
# transposes have equal norms, and the triangle inequality gives $\|H\|_* \le \|J - Q\|_*$. $\square$
#
# The ideal (MMSE) denoiser has a symmetric Jacobian $J_\ast$, a covariance over $\sigma^2$ (Theorem 3 of notebook 03).
# Take $Q = J_\ast$: the antisymmetric part of a trained $J$ is error and nothing else, at every image.
#
# Our specimen, from here on: the ideal denoiser $D_0$ for five bumps at the corners of a pentagon, plus a rotation
# about its middle $c$, $D_\varepsilon(x) = D_0(x) + \varepsilon R(x - c)$. So $J = J_0 + \varepsilon R$.

# %%
sigma, epsilon = 0.15, 0.2
mixture, D = polygon(5), TurningDenoiser(polygon(5), 0.2)
x = 0.5 + 0.2 * normal(50, 2)
point = x.clone().requires_grad_(True)
rows = [
    torch.autograd.grad(
        D.field(point, sigma)[:, i].sum(), point, retain_graph=True
    )[0]
    for i in (0, 1)
]
J = torch.stack(rows, 1)
S, H = (J + J.mT) / 2, (J - J.mT) / 2
Q = normal(50, 2, 2)
Q = Q + Q.mT
pythagoras = (S - Q).square().sum((1, 2)) + H.square().sum((1, 2))
assert torch.allclose(S, mixture.jacobian(x, sigma), atol=1e-10)
assert torch.allclose(H, (epsilon * R).expand_as(H), atol=1e-10)
assert torch.allclose((J - Q).square().sum((1, 2)), pythagoras, atol=1e-10)
assert (torch.linalg.matrix_norm(J - Q, 2) >= epsilon - 1e-12).all()
print(
    f"norm of H {torch.linalg.matrix_norm(H, 2).max():.3f} = epsilon at every point"
)

# %% [markdown]
# **Exercise 1.** Prove that every eigenvalue $\zeta$ of a real matrix $J$ satisfies $|\operatorname{Im}\zeta| \le
# \|H\|_*$, and that $\operatorname{Re}\zeta$ lies between the smallest and the largest eigenvalue of $S$ (Bendixson). So
# eigenvalues leave the real line only if $H \ne 0$. Return the three bounds.
#
# <details>
# <summary>Solution</summary>
#
# Let $Jv = \zeta v$, $v$ complex, $\|v\| = 1$, and $v^\ast$ its conjugate transpose. Then
# $\zeta = v^\ast Jv = v^\ast Sv + v^\ast Hv$. $v^\ast Sv$ is real, a weighted mean of eigenvalues of $S$.
# $\overline{v^\ast Hv} = v^\ast H^{\mathsf T}v = -v^\ast Hv$, so the second is imaginary, of modulus at most $\|H\|_*$.
#
# </details>


# %%
def mine(J):
    return 0.0, 0.0, 0.0  # replace: lowest and highest real part, highest imaginary


print(checks.check_box(mine))


# %% tags=["hide-cell", "solution"]
def given(J):
    ends = torch.linalg.eigvalsh((J + J.T) / 2)
    return ends[0], ends[-1], torch.linalg.matrix_norm((J - J.T) / 2, 2)


assert checks.check_box(given) == "right"

# %% [markdown]
# ## A field that only turns does not denoise
#
# *In words: whoever moves at right angles to the way home comes no nearer.*
#
# **Statement 1.** Let $V(x) = H(x)(x - u)$ with $H(x)$ antisymmetric for every $x$. Along every trajectory $x' = V(x)$
# the distance $\|x - u\|$ from the clean image $u$ is constant. One application of $D = I + V$ never makes it smaller,
# and makes it *larger* wherever $V(x) \ne 0$: $\|D(x) - u\|^2 = \|x - u\|^2 + \|V(x)\|^2$.
#
# *Proof.* $\langle x - u, V(x)\rangle = \langle x - u, H(x)(x - u)\rangle = 0$. So
# $\frac{d}{ds}\tfrac12\|x - u\|^2 = \langle x - u, V\rangle = 0$, and in $\|x - u + V\|^2$ the mixed term vanishes.
# $\square$
#
# [B] has another argument, with the *Hamiltonian functional* $E = \tfrac12\|V\|^2$, which a field with an antisymmetric
# Jacobian $J_V$ keeps.
#
# <details>
# <summary>That argument, and how few such fields there are</summary>
#
# At a clean image $E$ measures how much the denoiser errs, since $D(u)$ should be $u$; and a field that keeps $E$
# removes no error.
#
# **Statement 2.** Let $V$ be $C^1$ with $J_V$ antisymmetric at the points of a trajectory $x' = V(x)$. Then $E$ is
# constant along it.
#
# *Proof.* $\nabla E = J_V^{\mathsf T}V$, so
# $\frac d{ds}E(x(s)) = \langle J_V^{\mathsf T}V, V\rangle = \langle V, J_VV\rangle = 0$, since $J_V$ is antisymmetric.
# $\square$
#
# **Proposition 2.** If $V$ is $C^2$ on a connected open set and $J_V$ is antisymmetric everywhere there, then $V$ is
# affine: $J_V$ is one constant antisymmetric matrix.
#
# *Proof.* $P_{ijk} = \partial_k\partial_jV_i$ is symmetric in $(j, k)$ and antisymmetric in $(i, j)$. Alternate the two
# rules: $P_{ijk} = -P_{jik} = -P_{jki} = P_{kji} = P_{kij} = -P_{ikj} = -P_{ijk}$. So $P = 0$, and $J_V$ is constant.
# $\square$
#
# </details>
#
# [B] writes $D = D_c + D_h$ with a *conservative* $D_c = \nabla\psi$ and a divergence-free $D_h$ (13). For linear fields,
# $D_c = Sx$ and $D_h = Hx$ do it ($\operatorname{tr}H = 0$). For other fields care is needed: $H(x)$ is in general *not*
# the Jacobian of $D_h$ (only a constant $H$ can be a Jacobian, as in our specimen: Proposition 2, folded), and a field
# without divergence may well approach $u$. What is true in general: $J_{D_c}$ is symmetric, so
#
# $$ J - J^{\mathsf T} = J_{D_h} - J_{D_h}^{\mathsf T} \qquad(\text{the penalty sees } D_h \text{ and nothing else}). $$
#
# In the plane one can say more. A $D_h$ without divergence is $R\nabla\chi$ for some function $\chi$ (then $-RD_h$ has a
# symmetric Jacobian, so it is a gradient by Theorem 3 below). As $\langle\nabla\chi, R\nabla\chi\rangle = 0$, the
# trajectories of $D_h$ follow the level lines of $\chi$. We test three fields without divergence: a rotation, the swirl
# of figure 1, and the saddle $(-x_1, x_2)$, which is divergence-free *and* a gradient.


# %%
def chi(x):
    return -torch.cos(2 * math.pi * (x - centre)).sum(1)


tests = {"rotation": lambda x: (x - centre) @ R.T, "swirl": swirl}
tests["saddle"] = lambda x: (x - centre) * torch.tensor([-1.0, 1.0])
start, table = centre + torch.tensor([[0.21, 0.09]]), {}
for name, V in tests.items():
    path = fields.trajectory(V, start, 0.01, 300)[:, 0]
    kept = {"distance": (path - centre).norm(dim=1), "E": V(path).square().sum(1)}
    kept["chi of the swirl"] = chi(path)
    table[name] = {
        k: float((v.max() - v.min()) / v.abs().max()) for k, v in kept.items()
    }
changes = pd.DataFrame(table).T
assert changes.loc["rotation"].iloc[:2].max() < 1e-8 < changes.loc["saddle"].min()
assert (
    changes.loc["swirl"].iloc[2] < 1e-6 < 0.02 < changes.loc["swirl"].iloc[:2].min()
)
changes.round(4)  # relative change along the trajectory

# %% [markdown]
# The rotation keeps the distance and $E$. The swirl keeps neither of them, only its own $\chi$: its Jacobian is not
# antisymmetric, only traceless. The saddle brings a point nearer to $u$ before it carries it off. "No divergence" alone
# is not "useless".
#
# ## Poincaré's lemma, with an error bound
#
# When is $D$ a gradient?
#
# *In words: exactly when $J = J^{\mathsf T}$ everywhere. And if $J$ is nearly symmetric, $D$ is nearly a gradient; that
# is why a penalty that is small, but not zero, is of use.*
#
# **Theorem 3.** Let $\Omega$ be open and *star-shaped* about $c$ (with $x$ it contains the segment from $c$ to $x$;
# every convex set is), $D$ $C^1$ on $\Omega$, and
#
# $$ \psi(x) = \int_0^1\langle D(c + s(x - c)),\, x - c\rangle\,ds . $$
#
# Then $\psi$ is $C^1$ and
# $\displaystyle D(x) - \nabla\psi(x) = \int_0^1 s\,(J - J^{\mathsf T})(c + s(x - c))\,(x - c)\,ds$. Hence: (i) $D$ is
# conservative on $\Omega$ if and only if $J = J^{\mathsf T}$ everywhere; (ii) if $\|J - J^{\mathsf T}\|_* \le \delta$
# on $\Omega$, then $\|D(x) - \nabla\psi(x)\| \le \tfrac\delta2\|x - c\|$.
#
# *Proof.* Let $w = x - c$, $z = c + sw$. The integrand is $C^1$ in $x$, so we may differentiate under the integral:
# $\nabla\psi(x) = \int_0^1 D(z) + sJ(z)^{\mathsf T}w\,ds$. And $\frac d{ds}\bigl(sD(z)\bigr) = D(z) + sJ(z)w$, so
# $D(x) = \int_0^1 D(z) + sJ(z)w\,ds$. Subtract. If $J = J^{\mathsf T}$ the right side is 0, so $D = \nabla\psi$. If
# $D = \nabla\phi$, then $\phi$ is $C^2$ and $J$ its Hessian, symmetric by Schwarz's theorem. For (ii) use
# $\int_0^1s\,ds = \tfrac12$. $\square$
#
# Our specimen has $J - J^{\mathsf T} = 2\varepsilon R$ everywhere. About its middle $c$ the formula predicts
# $D_\varepsilon - \nabla\psi = \varepsilon R(x - c)$, and (ii) is an equality. The potential of $D_0$ is known by
# Tweedie's formula. We compute $\psi$ from $D_\varepsilon$ alone, by numerical integration, and its gradient by
# differences:

# %%
c = torch.tensor([0.5, 0.5], dtype=torch.float64)
x, step = torch.rand(40, 2, dtype=torch.float64, generator=generator), 1e-5


def psi(x):
    return fields.potential(lambda z: D.field(z, sigma), x, c)


nudge = step * torch.eye(2, dtype=torch.float64)
gradient = torch.stack([(psi(x + v) - psi(x - v)) / (2 * step) for v in nudge], 1)
rest = D.field(x, sigma) - gradient
assert torch.allclose(rest, epsilon * (x - c) @ R.T, atol=1e-8)
exact = x.square().sum(1) / 2 + sigma**2 * mixture.log_density(x, sigma)
gap = psi(x) - exact
assert gap.max() - gap.min() < 1e-9  # the rotation leaves no trace in psi
ratio = rest.norm(dim=1) / (x - c).norm(dim=1)
print(f"distance from the gradient / distance from c: {ratio.mean():.4f} = epsilon")

# %% [markdown]
# ## Loops
#
# A continuous field on a connected open set is conservative exactly if $\oint\langle D, dx\rangle = 0$ round every
# closed path. For $D = \nabla\phi$ the integral is the change of $\phi$; conversely $\phi(x)$, the integral from a fixed
# point to $x$, then does not depend on the path, and has the gradient $D$ (details on the theory page).
#
# **Exercise 2.** Compute the integral round the parallelogram $x$, $x + e$, $x + e + f$, $x + f$ and back to $x$. A side
# from $p$ to $p + e$ gives $\int_0^1\langle V(p + se), e\rangle\,ds$; take the mean of a hundred midpoints. The check
# compares with the library.
#
# <details>
# <summary>Solution</summary>
#
# Four sides, two of them walked backwards: from $x + e + f$ along $-e$, and from $x + f$ along $-f$.
#
# </details>


# %%
def mine(V, x, e, f):  # V takes points (m, n), or one point (n,)
    return 0.0  # replace


print(checks.check_walk(mine))


# %% tags=["hide-cell", "solution"]
def given(V, x, e, f):
    s = (torch.arange(100, dtype=torch.float64)[:, None] + 0.5) / 100
    sides = [(x, e), (x + e, f), (x + e + f, -e), (x + f, -f)]
    return sum(float((V(p + s * v) @ v).mean()) for p, v in sides)


assert checks.check_walk(given) == "right"

# %% [markdown]
# A closed path in the plane that encloses a signed area gives for our specimen $2\varepsilon$ times this area, because
# $\oint\langle Rx, dx\rangle = \oint x_1dx_2 - x_2dx_1$ is twice the area.
#
# **A hole breaks the lemma.** In the plane without the origin, let $V(x) = Rx/\|x\|^2$. Its Jacobian is symmetric:
# $\partial_2V_1 = \partial_1V_2 = (x_2^2 - x_1^2)/\|x\|^4$. Yet once round the origin, $x = (\cos s, \sin s)$, the
# integral is $\int_0^{2\pi}\langle Rx, Rx\rangle\,ds = 2\pi$. No potential exists: it would be the angle, which comes
# back increased by $2\pi$. The plane without a point is not star-shaped; the space of all images is.


# %%
def vortex(x):
    return x @ R.T / x.square().sum(1, keepdim=True)


corners = torch.tensor([[0.1, 0.2], [0.9, 0.1], [0.8, 0.9], [0.5, 0.5], [0.2, 0.8]])
corners = corners.double()
after = corners.roll(-1, 0)
area = float((corners[:, 0] * after[:, 1] - corners[:, 1] * after[:, 0]).sum()) / 2
for turn in (0.0, 0.05, 0.2):
    turning = partial(TurningDenoiser(mixture, turn).field, sigma=sigma)
    value = fields.polygon_integral(turning, corners)
    print(f"epsilon {turn:4}: round a path of five sides {abs(value):.6f}")
    assert abs(value - 2 * turn * area) < 1e-6
for name, hole in {"around": (0.5, 0.4), "beside": (0.5, 0.95)}.items():
    value = fields.polygon_integral(vortex, corners - torch.tensor(hole).double())
    print(f"hole {name} the path: {abs(value) / (2 * math.pi):.6f} times 2 pi")
    assert abs(value - 2 * math.pi * (name == "around")) < 1e-4

# %% [markdown]
# *In words: a small loop measures one entry of $J - J^{\mathsf T}$, and the loop in the worst plane measures its norm.
# So the norm can be found by walking, without any Jacobian.*
#
# **Proposition 4.** Round the parallelogram $x$, $x + e$, $x + e + f$, $x + f$,
#
# $$ \oint\langle D, dx\rangle = \int_0^1\!\!\int_0^1\langle f,\, (J - J^{\mathsf T})(x + se + rf)\,e\rangle\,ds\,dr . $$
#
# So the integral per unit area is at most $\sup\|J - J^{\mathsf T}\|_*$, and the limit for small squares at $x$,
# maximised over all planes, **is** $\|J(x) - J(x)^{\mathsf T}\|_*$.
#
# *Proof.* With $z = x + se + rf$, the sides along $e$ and $f$ give
# $\int_0^1\langle D, f\rangle\big|_{s=0}^{s=1}dr - \int_0^1\langle D, e\rangle\big|_{r=0}^{r=1}ds = \int\!\!\int\partial_s\langle D(z), f\rangle - \partial_r\langle D(z), e\rangle$,
# and the integrand is $\langle Je, f\rangle - \langle Jf, e\rangle = \langle f, (J - J^{\mathsf T})e\rangle$. Let
# $M = J - J^{\mathsf T}$. As $\langle e, Me\rangle = 0$, only the component of $f$ orthogonal to $e$ counts, so
# $|\langle f, Me\rangle| \le \|M\|_*\cdot$area. There is equality at a point for a unit $e$ with $\|Me\| = \|M\|_*$, and
# $f = Me/\|Me\|$, which is orthogonal to $e$. $\square$
#
# **The spectral norm of $J - J^{\mathsf T}$ is the largest curl over all planes.** We shall use exactly these $e$ and
# $f$ on networks. First a check in $\mathbb R^6$ on $x \mapsto B\tanh(Ax)$, four sides against the double integral:

# %%
A, B = normal(6, 6), normal(6, 6)


def field(z):
    return torch.tanh(z @ A.T) @ B.T


corner, e, f = 0.3 * normal(6), 0.4 * normal(6), 0.4 * normal(6)
around = fields.circulation(field, corner, e, f)
s = (torch.arange(200, dtype=torch.float64) + 0.5) / 200
z = corner + (s[:, None, None] * e + s[:, None] * f).reshape(-1, 6)
J = B @ ((1 - torch.tanh(z @ A.T) ** 2)[:, :, None] * A)
inside = float(((J - J.mT) @ e @ f).mean())
print(f"four sides {around:.5f}, double integral {inside:.5f}")
assert abs(around - inside) < 1e-3 * abs(around)

# %% [markdown]
# ## Helmholtz on the torus
#
# Can we find $D_c$ and $D_h$ themselves? On the whole space they are not unique: the saddle could go to either. On the
# *torus*, the unit cube with opposite sides glued (a periodic field), they are, and one Fourier transform finds them.
# Begin with one wave, $V(x) = b\cos(2\pi\langle k, x\rangle)$, with an amplitude $b \in \mathbb R^n$ and an integer
# *wave vector* $k \ne 0$. ($k$ is a wave vector in this section and the next; elsewhere it counts, as always.) Split $b
# = b_\parallel + b_\perp$ into a vector along $k$ and one at right angles to $k$. Then
#
# $$ b_\parallel\cos(2\pi\langle k, x\rangle) = \nabla\frac{\langle k, b\rangle}{2\pi|k|^2}\sin(2\pi\langle k, x\rangle), \qquad
# \operatorname{div}\bigl(b_\perp\cos(2\pi\langle k, x\rangle)\bigr) = -2\pi\langle k, b_\perp\rangle\sin(2\pi\langle k, x\rangle) = 0 . $$
#
# A longitudinal wave, like sound, is a gradient; a transversal one has no divergence.
#
# **Exercise 3.** Return $b_\parallel$ and $b_\perp$.
#
# <details>
# <summary>Solution</summary>
#
# $b_\parallel = k\langle k, b\rangle/|k|^2$ and $b_\perp = b - b_\parallel$, for every $x$ the same.
#
# </details>


# %%
def mine(b, k):
    return b, 0 * b  # replace: the part along k, the part across


print(checks.check_wave(mine))


# %% tags=["hide-cell", "solution"]
def given(b, k):
    along = k * (k @ b) / (k @ k)
    return along, b - along


assert checks.check_wave(given) == "right"

# %% [markdown]
# Every periodic field is a sum of waves, so it can be split wave by wave.
#
# *In words: every periodic field is a constant plus a gradient plus a field without divergence, in one way only, and no
# two of the three overlap. So "the part that turns" is well defined, and can be removed.*
#
# **Theorem 5 (Helmholtz).** Every $C^\infty$ field $V$ on the torus is, in exactly one way,
#
# $$ V = m + \nabla\psi + W, \qquad m \text{ constant},\quad \textstyle\int\psi = 0,\quad \operatorname{div}W = 0,\quad \int W = 0, $$
#
# with $\psi$, $W$ periodic and $C^\infty$. The three parts are orthogonal in $L^2$. In Fourier coefficients
# $m = \hat V(0)$, and for $k \ne 0$ $\;\widehat{\nabla\psi}(k) = k\,\langle k, \hat V(k)\rangle/|k|^2$,
# $\;\hat W(k) = \hat V(k) - \widehat{\nabla\psi}(k)$.
#
# <details>
# <summary>Proof</summary>
#
# *Existence.* The coefficients of a $C^\infty$ function decrease faster than every power of $1/|k|$ (integrate by
# parts). So do those of the two parts, since $\|k\langle k, \hat V\rangle\|/|k|^2 \le \|\hat V\|$; both series and all
# their derivatives converge uniformly to $C^\infty$ fields. They are real: the coefficient at $-k$ is the conjugate of
# that at $k$. $\psi$ has the coefficients $\langle k, \hat V(k)\rangle/(2\pi i|k|^2)$, and taking the gradient multiplies
# them by $2\pi ik$. $\operatorname{div}W$ has the coefficients $2\pi i\langle k, \hat W(k)\rangle = 0$.
#
# *Orthogonality.* $\int\langle\nabla\psi, W\rangle = -\int\psi\operatorname{div}W = 0$ (by parts; no boundary on a
# torus). A constant is orthogonal to fields of mean 0, and gradients of periodic functions have mean 0.
#
# *Uniqueness.* The difference of two decompositions is $0 = m + \nabla\psi + W$. The mean gives $m = 0$. By
# orthogonality $0 = \|\nabla\psi\|^2 + \|W\|^2$. So $W = 0$ and $\psi$ is constant, of mean 0. $\square$
#
# </details>
#
# The mean $m$ is **harmonic**: it has neither curl nor divergence, and is the gradient of $\langle m, x\rangle$, which
# is not periodic. A path straight across the square is closed on the torus; $m$ contributes $m_1$ to it, $\nabla\psi$
# nothing ($W$ may, but not on average over parallel paths): the torus has a hole, too. The cell makes a field of three
# known parts and splits it with nothing but the FFT.

# %%
N, x = 65, fields.grid(65)
first, second = 2 * math.pi * x[:, 0], 2 * math.pi * x[:, 1]
made = torch.tensor([0.3, -0.1], dtype=torch.float64).expand(N * N, 2)
slope = torch.stack((-first.sin() * second.cos(), -first.cos() * second.sin()), 1)
shear = torch.stack(
    (-(2 * first + second).sin(), 2 * (2 * first + second).sin()), 1
)
V = (made + slope + shear).T.reshape(2, N, N)

k = fields.frequencies(N)
hat = torch.fft.fft2(V)
along = (k * hat).sum(0) / k.square().sum(0).clamp_min(1)
Vc = torch.fft.ifft2(k * along).real
mean = V.mean((1, 2))
Vh = V - mean[:, None, None] - Vc
errors = [
    (Vc.flatten(1).T - slope).abs().max(),
    (Vh.flatten(1).T - shear).abs().max(),
]
print(f"mean {mean.numpy().round(6)}, errors of the parts below 1e-12")
assert max(errors) < 1e-12
assert abs((Vc * Vh).mean()) < 1e-12
assert abs(V[0, :, 7].mean() - 0.3) < 1e-12  # straight across: the harmonic part

# %% [markdown]
# ($N$ is odd: with an even $N$ the highest frequency has no sign, and its derivative no meaning.)
#
# ## The field of a denoiser, split
#
# This is how figure 1 was made. A prior of two bumps, repeated periodically, gives a denoiser that lives on the torus.
# By Tweedie's formula its displacement is $\sigma^2\nabla\log p_\sigma$, a periodic gradient. We added the swirl, gave
# the sum to the FFT, and let it find both. Did it?

# %%
ideal, full, mean, gradient, around = split()
x = torch.rand(300, 2, dtype=torch.float64, generator=generator)
assert (gradient(x) - ideal(x)).abs().max() < 1e-7
assert (around(x) - swirl(x)).abs().max() < 1e-7
print("the two parts are the ideal denoiser and the swirl, up to 1e-7")

# %% [markdown]
# **The conservative part is the better denoiser.** Let $D_\ast = I + \nabla\psi_\ast$ be the ideal one. By
# orthogonality
#
# $$ \int\|D - D_\ast\|^2 = \int\|m + \nabla(\psi - \psi_\ast)\|^2 + \int\|W\|^2 : $$
#
# dropping $W$ removes exactly its own energy from the squared error (here averaged uniformly over the torus). **And the
# penalty controls $W$:** *the less $J - J^{\mathsf T}$, the less there is of the part that turns.*
#
# **Proposition 6.** $\displaystyle\int\|J - J^{\mathsf T}\|_F^2 = 2\int\|J_W\|_F^2 \ge 8\pi^2\int\|W\|^2$, with
# equality if $\hat W(k) = 0$ except where $|k| = 1$.
#
# *Proof.* $J$ has the coefficients $2\pi i\,\hat V(k)k^{\mathsf T}$. For a complex vector $v$ and a real $k$,
# $\|vk^{\mathsf T} - kv^{\mathsf T}\|_F^2 = 2\|v\|^2|k|^2 - 2|\langle k, v\rangle|^2 = 2|k|^2\|v - k\langle k, v\rangle/|k|^2\|^2$.
# For $v = \hat V(k)$ the last vector is $\hat W(k)$ ($k \ne 0$). Sum over $k$ (Parseval). The coefficients of $J_W$ have
# $\|2\pi i\,\hat W(k)k^{\mathsf T}\|_F^2 = 4\pi^2|k|^2\|\hat W(k)\|^2$, and $|k| \ge 1$. $\square$

# %%
x = fields.grid(65)
J = full.jacobian(x)
left = float((J - J.mT).square().sum((1, 2)).mean())
right = 2 * float(around.jacobian(x).square().sum((1, 2)).mean())
bound = 8 * math.pi**2 * around.squared_norm()
print(f"penalty {left:.4f} = {right:.4f}; bound {bound:.4f}")
assert abs(left / right - 1) < 1e-9
assert abs(left / bound - 1) < 1e-6  # the swirl is made of waves with |k| = 1
_, flawed, mean, gradient, around = split(sigma=0.17)  # the wrong noise level, too
error = float((flawed(x) - ideal(x)).square().sum(1).mean())
projected = float(((mean + gradient)(x) - ideal(x)).square().sum(1).mean())
print(f"squared error {error:.5f}, of the conservative part {projected:.5f}")
assert abs(error - projected - around.squared_norm()) < 1e-9
assert projected > 1e-4

# %% [markdown]
# **Explore.** Live: where does the second resting point go as the turn grows? What does more noise do? (On the website,
# where no kernel runs, use the frames below.)

# %% tags=["nbval-ignore-output", "remove-output"]
control = interact(
    draw,
    turn=FloatSlider(0.15, min=0, max=0.6, step=0.05, continuous_update=False),
    sigma=FloatSlider(0.15, min=0.1, max=0.2, step=0.01, continuous_update=False),
)

# %%
turns = [0.0, 0.15, 0.3, 0.6]
shares = []
for turn in turns:
    _, full_turn, *parts = split(turn)
    shares.append(parts[2].squared_norm() / full_turn.squared_norm())
frame_slider(
    [figure_as_image(draw(turn)) for turn in turns],
    [
        f"turn {t}: {100 * s:.0f} % of the energy"
        for t, s in zip(turns, shares, strict=True)
    ],
    alt="A denoiser's field and its two parts, for four strengths of the turn",
    height=190,
    start=1,
)

# %% [markdown]
# *Figure 2.* Figure 1 for four strengths of the swirl; the label says which share of $\int\|V\|^2$ is $W$'s.
#
# ## A loop that never settles
#
# A gradient cannot go round. If $x' = \nabla\phi(x)$, then $\phi(x(s)) - \phi(x(0)) = \int_0^s\|x'\|^2 > 0$ unless the
# trajectory rests, so it never returns. Nor can PnP-PGD with the ideal denoiser and a step $\lambda L_G < 1 + \gamma$,
# where $\gamma = 1/\sup\|J\|_\ast$ and $L_G$ is the Lipschitz constant of $\nabla G$: with the prior $F$ that belongs to
# the denoiser, $F + \lambda G$ decreases (notebook 03, Theorem 6; for longer steps it can go to and fro). With a turn it
# can. Take the pentagon, its denoiser $D_\varepsilon$, the data $y = c$, and PnP-PGD for
# $G(x) = \tfrac12\|x - c\|^2$: $\;x_{k+1} = D_\varepsilon\bigl((1 - \lambda)x_k + \lambda c\bigr)$.
#
# *In words: the turn leaves only one fixed point, the middle, and the denoiser pushes away from the middle. So the
# iterates have nowhere to settle.* The number $q$ below measures how much $D_0$ itself pushes sideways.
#
# **Proposition 7.** Let $D_0:\mathbb R^2\to\mathbb R^2$ be $C^1$ with $J_0$ symmetric positive definite everywhere,
# $D_0(c) = c$, $J_0(c) = \mu I$, and $q = \sup_{w \ne 0}|\langle D_0(c + w) - c, Rw\rangle|/\|w\|^2$. Let
# $0 < \lambda < 1$, $\;\varepsilon > q\;$ and $\;\kappa = (1 - \lambda)\sqrt{\mu^2 + \varepsilon^2} > 1$. Then the
# iteration converges from no start except $c$ itself.
#
# *Proof.* *One fixed point.* Let $x = D_\varepsilon(z)$, $z = (1 - \lambda)x + \lambda c$, $w = z - c$. Then
# $D_0(z) - c + \varepsilon Rw = w/(1 - \lambda)$. Multiply by $Rw \perp w$:
# $\langle D_0(z) - c, Rw\rangle + \varepsilon\|w\|^2 = 0$, so $\varepsilon\|w\|^2 \le q\|w\|^2$ and $w = 0$.
#
# *It repels.* The iteration, $x_{k+1} = T(x_k)$, has at $c$ the Jacobian $(1 - \lambda)(\mu I + \varepsilon R)$, which
# multiplies every length by $\kappa > 1$. So $\|T(x) - c\| \ge \tfrac{1 + \kappa}2\|x - c\|$ for $x$ near $c$.
#
# *Conclusion.* A limit of $(x_k)$ is a fixed point, as $T$ is continuous: it is $c$. But near $c$ the distance grows, so
# some $x_k$ must be exactly $c$. $T$ is injective, because
# $\langle z - z', D_\varepsilon(z) - D_\varepsilon(z')\rangle = \langle z - z', D_0(z) - D_0(z')\rangle > 0$ for
# $z \ne z'$ (integrate $J_0$; the turn drops out). So $x_0 = c$. $\square$
#
# *Nor do the moves die out:* if the iterates are bounded and $x_{k+1} - x_k \to 0$, every limit point is a fixed point,
# hence $c$, and then $x_k \to c$.
#
# **The numbers of the pentagon.** Its bumps stand at $u_1, \dots, u_5$, at the distance $\rho$ from $c$, and have the
# standard deviation $\tau$. Put $\beta = \tau^2/(\tau^2 + \sigma^2)$. Then $D_0(c + w) - c = \beta w + (1 -
# \beta)\sum_jp_j(u_j - c)$ with posterior weights $p_j$ (notebook 03). By symmetry $D_0(c) = c$. At $c$ all weights are
# $\tfrac15$, and the mean of $(u_j - c)(u_j - c)^{\mathsf T}$ is $\tfrac12\rho^2I$. $J_0(c)$ is the posterior covariance
# over $\sigma^2$, that of a bump, $\beta\sigma^2I$, plus that of the five middles, $(1 - \beta)^2\tfrac12\rho^2I$. So
# $\mu = \beta + (1 - \beta)^2\rho^2/2\sigma^2$. For large $w$ the quotient in $q$ is at most $(1 - \beta)\rho/\|w\|$; for
# small $w$ we search a grid. And the iterates stay bounded:
# $\|x_{k+1} - c\| \le (1 - \beta)\rho + (1 - \lambda)\sqrt{\beta^2 + \varepsilon^2}\,\|x_k - c\|$.

# %%
lam, rho, beta = 0.1, 0.3, 0.05**2 / (0.05**2 + sigma**2)
mu = beta + (1 - beta) ** 2 * rho**2 / (2 * sigma**2)
angle = torch.linspace(0, 2 * math.pi / 5, 181, dtype=torch.float64)
radius = torch.linspace(0.005, 3, 600, dtype=torch.float64)
w = torch.stack((angle.cos(), angle.sin()), 1)
w = (radius[:, None, None] * w).reshape(-1, 2)
tangential = ((mixture.mmse(0.5 + w, sigma) - 0.5) * (w @ R.T)).sum(1)
quotient = tangential / w.square().sum(1)
q = max(float(quotient.abs().max()), (1 - beta) * rho / 3)
J0 = mixture.jacobian(0.5 + w, sigma)
ends = torch.linalg.eigvalsh(J0)
kappa = (1 - lam) * math.hypot(mu, epsilon)
coco = torch.linalg.matrix_norm(0.5 * (J0 + epsilon * R) - torch.eye(2).double(), 2)
print(f"q = {q:.3f} < epsilon = {epsilon}; kappa = {kappa:.3f} > 1")
print(f"J_0 from {ends.min():.3f} to {ends.max():.3f}, mu = {mu:.3f}")
print(f"norm of 2 J / 4 - I: at most {coco.max():.3f}")
assert q < 0.9 * epsilon
assert kappa > 1.1
assert ends.min() > 0.05
assert coco.max() < 0.99
assert abs(float(mixture.jacobian(c[None], sigma)[0, 0, 0]) - mu) < 1e-12

# %% [markdown]
# All hypotheses hold. Only $q$ is not proved for small $\|w\|$, but read off a grid, with a wide margin; for $\|w\| >
# (1 - \beta)\rho/\varepsilon$ the bound above is below $\varepsilon$. Read the last line, too: by Lemma 2.1 of [B] this
# denoiser **is** $\tfrac14$-cocoercive (on the grid; the theory page proves it everywhere). Cocoercivity without
# conservativeness does not save the loop.

# %% mystnb={"image": {"alt": "Left: iterates in the plane with five stars on a pentagon. Without turn, and with turn 0.02, they end in one point; with turn 0.2 they go round a closed curve; with turn 0.05 the last iterates creep along one side of it. Right: the length of the moves falls to rounding without turn and with turn 0.02, stays near 0.04 with turn 0.2, and with turn 0.05 swings between 0.0001 and 0.02"}}
y, start = (
    torch.tensor(p).double().reshape(1, 1, 1, 2) for p in ([0.5] * 2, [0.62, 0.55])
)
paths, objective = {}, {}
for turn in (0.0, 0.02, 0.05, 0.2):
    denoise, seen = at_sigma(TurningDenoiser(mixture, turn), sigma), []
    loop = pgd(Gaussian(Identity(), y), denoise, start, lam=lam)
    run(loop, 400, callback=seen.append)
    paths[f"ε = {turn}"] = torch.stack([it.x.flatten() for it in seen])
    inputs = torch.stack([it.denoiser_input.flatten() for it in seen])
    objective[turn] = implicit_prior(mixture, inputs, sigma)
fallen = objective[0.0] + lam * (paths["ε = 0.0"] - 0.5).square().sum(1) / 2
assert fallen.diff().max() < 1e-12  # conservative: F + lam G never rises
moves = {name: p.diff(dim=0).norm(dim=1) for name, p in paths.items()}
assert moves["ε = 0.02"][-1] < 1e-9
assert moves["ε = 0.0"][-1] < 1e-12 < 0.01 < moves["ε = 0.2"].min()
assert moves["ε = 0.05"][100:].min() < 1e-3 < 0.01 < moves["ε = 0.05"][100:].max()
loop_figure(paths, mixture)

# %% [markdown]
# *Figure 3.* PnP-PGD on two pixels from one start, with four turns. Left: thin lines, the first iterates; marks, the
# last 60. Right: the moves $\|x_{k+1} - x_k\|$.
#
# Without the turn the moves fall to rounding and $F + \lambda G$ never rises. With $\varepsilon = 0.2$ the loop goes
# round for ever. With $\varepsilon = 0.05$, below $q$, the proposition is silent (it is sufficient, not necessary), and
# the run is treacherous: it creeps past each bump for so long that a stop rule would take it for converged, then jumps
# on. A *small enough* turn is harmless near an attracting point: $\varepsilon = 0.02$ settles. How much is small
# depends on how flat $F + \lambda G$ is.
#
# **Exercise 4.** Averaging, $D_t = tD_\varepsilon + (1 - t)I$, multiplies the turn by $t$. Does it cure the loop? Find
# for which $t$ the middle $c$ *attracts* the iterates that start beside it. The check runs the loop for several priors.
#
# <details>
# <summary>Solution</summary>
#
# $D_t$ is again a conservative denoiser with a turn: $tD_0 + (1 - t)I$ and $t\varepsilon$. As $\langle w, Rw\rangle = 0$,
# its $q$ is $tq < t\varepsilon$, and its $\mu$ is $1 - t + t\mu$. At $c$ the iteration multiplies lengths by
# $\kappa_t = (1 - \lambda)\sqrt{(1 - t + t\mu)^2 + t^2\varepsilon^2}$. So $c$ attracts its neighbourhood if
# $\kappa_t < 1$; and if $\kappa_t > 1$, Proposition 7 holds for $D_t$, too.
#
# In our example $\mu > 1$, so $\kappa_t > 1$ unless $t$ is small. The pull $D_0 - I$ is multiplied by $t$ like the turn;
# near the bumps their ratio stays, and the loop only goes round more slowly. For very small $t$ it settles, but at $c$,
# the picture that the data ask for: there is hardly any denoiser left. Averaging cures expansion, not turning.
#
# </details>


# %%
def mine(t, lam, mu, epsilon):
    return True  # replace: does c attract?


print(checks.check_settles(mine))


# %% tags=["hide-cell", "solution"]
def given(t, lam, mu, epsilon):
    return (1 - lam) * math.hypot(1 - t + t * mu, t * epsilon) < 1


assert checks.check_settles(given) == "right"
for t in (0.6, 0.3, 0.1):
    denoise = at_sigma(averaged(TurningDenoiser(mixture, epsilon), t), sigma)
    end = run(pgd(Gaussian(Identity(), y), denoise, 0.9 * y, lam=lam), 500)
    settled = bool(end.history.relative_change.iloc[-50:].max() < 1e-6)
    print(f"t = {t}: the loop {'settles' if settled else 'goes round'}")
    assert settled == given(t, lam, mu, epsilon)

# %% [markdown]
# ## Why penalise the spectral norm, and how to compute it
#
# [B] adds $\|J - J^{\mathsf T}\|_*$ to the training loss (17). We now have three reasons.
#
# - It is twice the distance to the symmetric matrices, among which the ideal Jacobian is (Lemma 1).
# - It is the largest circulation per unit area (Proposition 4).
# - If it is at most $\delta$ on a ball of radius $r$, the denoiser is within $\delta r/2$ of a gradient (Theorem 3). On
#   the torus the mean square of $W$ per coordinate, $\tfrac1n\int\|W\|^2$, is at most $\delta^2/8\pi^2$, by Proposition 6
#   and $\|M\|_F^2 \le n\|M\|_\ast^2$.
#
# What it does not say: training penalises at sampled images, the theorems ask for all.
#
# The norm needs no matrix. $M = J - J^{\mathsf T}$ satisfies $M^{\mathsf T} = -M$, so
# $M^{\mathsf T}M = MM^{\mathsf T}$: $M$ is *normal*.
#
# *In words: for such an $M$, multiply any vector by $M$ again and again; the factor by which it grows climbs to the
# norm. One needs no products with $M^{\mathsf T}M$.*
#
# **Proposition 8.** Let $M$ be normal, $v_0 \ne 0$, $\eta_k = \|M^{k+1}v_0\|/\|M^kv_0\|$ (while $M^kv_0 \ne 0$). Then
# $\eta_0 \le \eta_1 \le \dots \le \|M\|_*$, and $\eta_k \to \|M\|_*$ if $v_0$ is not orthogonal to the eigenspace of
# $M^{\mathsf T}M$ for its largest eigenvalue.
#
# *Proof.* As $M$ and $M^{\mathsf T}$ commute, $(M^k)^{\mathsf T}M^k = (M^{\mathsf T}M)^k$. This matrix is symmetric and
# positive semidefinite, so $\alpha_k := \|M^kv_0\|^2 = \sum_j\theta_j^k\,n_j$, where $\theta_1 > \theta_2 > \dots$ are
# the eigenvalues of $M^{\mathsf T}M$ and $n_j$ is the squared length of the component of $v_0$ in the eigenspace of
# $\theta_j$. Cauchy-Schwarz: $\alpha_k^2 \le \alpha_{k-1}\alpha_{k+1}$, that is $\eta_{k-1} \le \eta_k$. And
# $\eta_k^2 = \alpha_{k+1}/\alpha_k$ is a weighted mean of the $\theta_j$, so at most $\theta_1 = \|M\|_*^2$; if $n_1 > 0$,
# the weight of $\theta_1$ outgrows the others. $\square$
#
# The *vector* does not converge (for $M = R$ it turns for ever), the norm does. Algorithm 1 of [B] (appendix A.5) iterates
# $M^{\mathsf T}M$; it computes $\eta_0, \eta_2, \eta_4, \dots$: the same numbers for the same count of products. And
# without normality direct iteration fails:

# %%
n = 60
M = normal(n, n) / n**0.5
M = M - M.T
start = normal(1, 1, 1, n)


def estimates(M, is_normal, counts):
    m = jacobian.LinearMap(lambda v: v @ M.T, lambda w: w @ M, normal=is_normal)
    v = start[..., : len(M)]
    return [float(jacobian.power_iteration(m, v, k).norm) for k in counts]


direct, norm = estimates(M, True, range(1, 240)), torch.linalg.matrix_norm(M, 2)
twice = estimates(M, False, range(1, 121))
print(
    f"after 5, 40, 239 products: {direct[4]:.4f}, {direct[39]:.4f}, {direct[-1]:.4f}"
)
print(f"norm {norm:.4f}")
assert max(abs(a - b) for a, b in zip(direct[::2], twice, strict=True)) < 1e-10
assert min(torch.tensor(direct).diff()) > -1e-12
assert 0.98 * norm < direct[-1] <= norm + 1e-12
bad = torch.tensor([[0.0, 2.0], [0.5, 0.0]], dtype=torch.float64)
wrong = estimates(bad, True, (20, 21, 200, 201))
print(f"not normal, norm 2: {wrong[2]:.3f}, {wrong[3]:.3f}")
assert max(wrong) < 1.99

# %% [markdown]
# ## Trained networks
#
# Three networks of the course: `drunet`, trained for its error alone; `coco-0.25`, the same architecture trained with
# the penalty; and `coco-gs-0.25`, a gradient step $I - \nabla g$, conservative by construction. The photograph, and the
# two patches of it that we use; their noise has the level 25/255.

# %% mystnb={"image": {"alt": "A noisy portrait of an astronaut, 64 pixels wide, and two square pieces of its middle: one of 32 by 32 pixels, and in it one of 8 by 8"}}
names, level = ["drunet", "coco-0.25", "coco-gs-0.25"], 25 / 255
networks = {name: load_denoiser(name).double() for name in names}
photo = images.photo("astronaut", 64).double()
noisy = photo + level * normal(*photo.shape)
patch, large = noisy[..., 24:32, 24:32], noisy[..., 16:48, 16:48]
gallery({"noisy photograph": noisy, "32 × 32": large, "8 × 8": patch}, 3, width=6.5)

# %% [markdown]
# *Figure 4.* The photograph, and the patches at which Jacobians are taken.
#
# First the whole Jacobian at the small patch, $8\times8$ pixels of three colours, so $192\times192$ numbers. Beside it
# what the products $Jv$ and $J^{\mathsf T}w$ give without any matrix. For $\|H\|_F$ these are random probes:
# $\mathbb E\|Hv\|^2 = \operatorname{tr}(H^{\mathsf T}H) = \|H\|_F^2$ for $v \sim N(0, I)$. The last two columns are the
# spectral norm of $J - J^{\mathsf T}$, from the matrix and by 60 steps of power iteration.

# %%
rows, jacobians = {}, {}
probes = normal(64, *patch.shape[1:])
for name, network in networks.items():
    denoise = at_sigma(network, level)
    J = jacobians[name] = jacobian.dense(denoise, patch)[0]
    S, H = (J + J.T) / 2, (J - J.T) / 2
    lin = Linearized(denoise, patch)
    free = jacobian.power_iteration(antisymmetry(lin), probes[:1], 60).norm
    M = antisymmetry(Linearized(denoise, patch.expand(64, -1, -1, -1)))
    frobenius = (M.apply(probes) / 2).square().sum((1, 2, 3)).mean().sqrt()
    rows[name] = {"‖S‖_F": S.norm(), "‖H‖_F": H.norm(), "by probes": frobenius}
    rows[name] |= {"‖J - Jᵀ‖": 2 * torch.linalg.matrix_norm(H, 2), "power": free[0]}
table = pd.DataFrame(rows).T.astype(float)
assert (table["power"] <= table["‖J - Jᵀ‖"] + 1e-9).all()
assert (table["power"] >= 0.9 * table["‖J - Jᵀ‖"] - 1e-9).all()
assert (
    (table["by probes"] - table["‖H‖_F"]).abs() <= 0.25 * table["‖H‖_F"] + 1e-9
).all()
assert table["‖H‖_F"]["coco-gs-0.25"] < 1e-8 < table["‖H‖_F"]["coco-0.25"]
assert table["‖H‖_F"]["coco-0.25"] < 0.9 * table["‖H‖_F"]["drunet"]
table.round(4)

# %% [markdown]
# For the network that was never asked about it $\|H\|_F$ is a sizeable part of $\|S\|_F$; the penalty shrinks it;
# construction removes it.
#
# **Exercise 5.** The *share of turning*, $\|H\|_F^2/\|J\|_F^2$, is between 0 and 1. Estimate it without a matrix, from
# products with $J$ and $J^{\mathsf T}$ at random vectors. `lin.j(v)` and `lin.jt(v)` are the products, one vector for
# each copy of the patch in the batch.
#
# <details>
# <summary>Solution</summary>
#
# $\mathbb E\|Jv\|^2 = \|J\|_F^2$, $\mathbb E\|(Jv - J^{\mathsf T}v)/2\|^2 = \|H\|_F^2$ for $v \sim N(0, I)$; the
# quotient of the means. The same vectors serve for both.
#
# </details>


# %%
def mine(lin, v):
    return 0.0  # replace by your estimate


print(checks.check_share(mine))


# %% tags=["hide-cell", "solution"]
def given(lin, v):
    jv, jtv = lin.j(v), lin.jt(v)
    return float(((jv - jtv) / 2).square().sum() / jv.square().sum())


assert checks.check_share(given) == "right"
copies, J = patch.expand(256, -1, -1, -1), jacobians["drunet"]
lin = Linearized(at_sigma(networks["drunet"], level), copies)
exact = float(((J - J.T) / 2).square().sum() / J.square().sum())
print(f"drunet at the small patch: share of turning {exact:.3f}")
assert abs(given(lin, normal(*copies.shape)) / exact - 1) < 0.25

# %% [markdown]
# On the larger patch only products are affordable. Here is the spectral norm for all denoisers of the course, by eight
# steps of power iteration. (It is another patch, and a lower bound after eight steps, so the numbers differ from those
# above. A denoiser that is a gradient step in *another* geometry, for multiplicative noise, need not be symmetric in
# this one.)

# %%
rows = {}
start = normal(*large[:, :1].shape).expand_as(large).contiguous()
for name in available_denoisers():
    network = networks.get(name) or load_denoiser(name).double()
    channels = network.in_channels
    x = large[:, :channels].clamp_min(0.01)
    M = antisymmetry(Linearized(at_sigma(network, level), x))
    by_construction = bool(getattr(network, "conservative", False))
    norm = float(jacobian.operator_norm(M, start[:, :channels], 8))
    rows[name] = {
        "conservative by construction": by_construction,
        "‖J - Jᵀ‖": round(norm, 3),
    }
    assert norm < 1e-8 or not by_construction
survey = pd.DataFrame(rows).T
assert survey["‖J - Jᵀ‖"]["coco-0.25"] < 0.8 * survey["‖J - Jᵀ‖"]["drunet"]
survey

# %% [markdown]
# **Walk round a square of images.** Now the question of the beginning, on real networks, with no Jacobian in the
# integral. The square is centred at the larger patch and lies in the plane of $e$, the vector found by power iteration
# on $M = J - J^{\mathsf T}$, and $f = Me/\|Me\|$: the plane of the largest curl of `drunet`, and likewise of
# `coco-0.25`. (`coco-gs-0.25` has none; it walks in the plane of `drunet`.) For comparison, a random plane: there
# $\mathbb E\langle f, Me\rangle^2 = \|M\|_F^2/(n(n-1))$ (theory page), and with $n = 3072$ one sees next to nothing.

# %%
planes, norms = {}, {}
for name in names[:2]:
    M = antisymmetry(Linearized(at_sigma(networks[name], level), large))
    found = jacobian.power_iteration(M, normal(*large.shape), 40)
    e, f = found.vector.flatten(), M.apply(found.vector).flatten()
    planes[name], norms[name] = (e, f / f.norm()), float(found.norm)
planes["random"] = torch.linalg.qr(normal(e.numel(), 2)).Q.T


def per_area(name, plane, side, nodes=8):
    def field(z):
        with torch.no_grad():
            return networks[name](z.reshape(-1, *large.shape[1:]), level).flatten(1)

    e, f = side * planes[plane][0], side * planes[plane][1]
    corner = large.flatten() - (e + f) / 2
    return abs(fields.circulation(field, corner, e, f, nodes)) / side**2


sides, lines = (0.03, 0.1, 0.3, 1.0, 3.0), {}
cases = {"drunet": "drunet", "coco-0.25": "coco-0.25", "coco-gs-0.25": "drunet"}
for name, plane in [*cases.items(), ("drunet", "random")]:
    values = [max(per_area(name, plane, side), 1e-17) for side in sides]
    lines[f"{name}, plane: {plane}"] = (sides, values)
worst = [torch.tensor(values) for _, values in list(lines.values())[:3]]

# %% mystnb={"image": {"alt": "Circulation per unit area against the side of the square, logarithmic axes. drunet in the plane of its largest curl: largest for small squares, falling as the side grows. coco-0.25 in its own plane: smaller. drunet in a random plane, and coco-gs-0.25: orders of magnitude below"}}
for i, name in enumerate(names[:2]):
    print(f"{name}: {worst[i][0]:.3f}; norm in the middle {norms[name]:.3f}")
    assert 0.6 < worst[i][0] / norms[name] < 1.1
assert worst[1][0] < 0.8 * worst[0][0]
assert lines["drunet, plane: random"][1][0] < 0.1 * worst[0][0]
assert (worst[2] < 0.03 * worst[0]).all()
finer = per_area("coco-gs-0.25", "drunet", 1.0, nodes=48)
print(
    f"coco-gs-0.25, side 1: {worst[2][3]:.1e}, with 6 times the nodes {finer:.1e}"
)
assert finer < 0.5 * worst[2][3]
panel = {"title": "circulation per unit area round a square of images", "log": True}
panel |= {"xlabel": "side of the square (intensity)", "logx": sides, "lines": lines}
curves([panel | {"ylabel": "circulation / area (no unit)"}], 7, 3.6)

# %% [markdown]
# *Figure 5.* The integral round squares of images about the larger patch, divided by their area. "Norm in the middle" is
# $\|J - J^{\mathsf T}\|_*$ there, by 40 steps of power iteration.
#
# For small squares `drunet` and `coco-0.25` attain the norm of their $J - J^{\mathsf T}$, as Proposition 4 says. For
# larger ones the circulation per area falls: the strong curl is local, its direction changes from place to place, and a
# large loop averages it. For `coco-gs-0.25`, which has the potential $\tfrac12\|x\|^2 - g$, the true value is zero.
# What is left is the error of the numerical integration ($J$ jumps where an ELU passes 0). It shrinks with more nodes;
# the curl of `drunet` does not. A random plane hardly shows anything: **a test of conservativeness must look for the
# worst plane.** (None of the three is $C^1$; for ReLU see the theory page, and for a field with a $C^1$ potential the
# integrals vanish without any Jacobian.)
#
# ## Quiz
#
# *A network has $J = J^{\mathsf T}$ at every training image. Is it conservative?*
#
# <details>
# <summary>Answer</summary>
#
# Not necessarily. Theorem 3 needs symmetry on a whole star-shaped set; between the training images $J$ may turn.
#
# </details>
#
# *$D_1$ and $D_2$ are conservative. Is $D_1 \circ D_2$? Is $tD_1 + (1 - t)D_2$?*
#
# <details>
# <summary>Answer</summary>
#
# The average is: its Jacobian is symmetric. The composition need not be: its Jacobian at $x$, $J_1(D_2(x))\,J_2(x)$, is a
# product of symmetric matrices, symmetric only if they commute.
#
# </details>
#
# *Round ten random closed paths the sum is zero to four digits. Is the denoiser conservative?*
#
# <details>
# <summary>Answer</summary>
#
# That is no evidence in high dimension: a random plane sees the curl divided by a power of $n$. Search the worst plane,
# by power iteration on $J - J^{\mathsf T}$.
#
# </details>
#
# ## What you now know
#
# - $J = S + H$: $S$ is the nearest symmetric matrix, $H$ the turn; for an ideal denoiser $H = 0$, so $H$ is error.
# - On the torus $V = m + \nabla\psi + W$, orthogonal and unique, by one FFT; dropping $W$ only improves the denoiser.
#   $H$ is not the Jacobian of $W$, but the penalty sees $W$ alone.
# - $J = J^{\mathsf T}$ on a star-shaped set means conservative; nearly symmetric means near a gradient, with a
#   constant. A hole breaks it.
# - $\|J - J^{\mathsf T}\|_*$ is the largest circulation per unit area; power iteration on $J - J^{\mathsf T}$ itself
#   finds it, because it is normal.
# - A cocoercive denoiser that turns can send a plug-and-play loop round for ever; its conservative part, with the same
#   step, settles.
#
# **The question at the start.** The sum must be zero exactly for a gradient; it is not for a network trained for its
# error alone; and yes, there are restorations that walk round for ever.
#
# **Next.** With the turn gone and cocoercivity kept, *the denoiser is a proximal operator*, and its prior can be drawn
# ([notebook 08](08_coco_denoisers.ipynb)).
#
# Sources: [B] *Learning Cocoercive Conservative Denoisers via Helmholtz Decomposition*, Wei and others 2025: section
# 2.2, (13), (17), Fig. 1, Lemma 2.1, Algorithm 1. The Helmholtz-Hodge decomposition: Bhatia and others 2013.
# $J = S + H$ as a generalised decomposition: Balduzzi and others 2018. That a field with an
# antisymmetric Jacobian is affine is classical. The error bound of Theorem 3, and Propositions 6 and 7, were worked out
# for this course. All in the [bibliography](../book/bibliography.md). Photograph: Eileen
# Collins, NASA, public domain, from scikit-image.
