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
