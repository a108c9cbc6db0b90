"""Write book/guarantees.md, the table of theorems, from pnp_course.guarantees.RULES: python tools/guarantee_page.py [--check]."""

from __future__ import annotations

import sys
from pathlib import Path

from pnp_course.guarantees import RULES

PAGE = Path(__file__).resolve().parent.parent / "book" / "guarantees.md"

HEAD = """# Which theorem covers which solver

Each row says what the denoiser $D$, the fidelity and the parameters must satisfy, and what then converges. `J` is the
Jacobian of $D$, and norms are spectral. A condition on `J` must hold at every point or, for a Lipschitz $D$ such as a
network with ReLU, at almost every point ({prf:ref}`lemma-almost-everywhere`). `f` or `G` is the fidelity, `L_f` the
Lipschitz constant of its gradient, `lam` its weight, and `t` the averaging. `R` is the convex function with `prox_R = D`
(`prox_{step R} = D` in `pgd` and `fista`, `prox_{R / sigma_dual} = D` in `primal_dual`), and `dR` its subdifferential; `g`
is the potential of a gradient step; `phi_t` is the function whose prox is `D_t`, and `phi` that for t = 1; `F` is the
implicit prior of a CoCo denoiser, and `r(t) = t (1 - gamma) / (gamma + t (1 - gamma))` its weak convexity. In
`primal_dual`, `L` is the linear map, and `linear.norm_squared` a bound of its squared norm. Other letters are those of the
solver's docstring; if it has no `x_k`, then `x_k` is the image that the iterate shows. The program checks the same rules
on the numbers of a run:

```python
from pnp_course import deconvolution, denoiser_card, images
from pnp_course.fidelities import Poisson
from pnp_course.guarantees import guarantee
from pnp_course.operators import Blur, kernels

kernel = kernels.motion(25)
y = deconvolution.degrade(images.photo("astronaut", 256), kernel, peak=50)
fidelity = Poisson(Blur(kernel), y)
print(guarantee("coco_admm", denoiser_card("drunet"), fidelity, y, sigma=0.1, lam=1.5, t=0.33))
```

answers in words: which theorem covers the run and why, or which hypotheses of the theorem do not hold. The noise level of
the card is followed by the keyword parameters of the solver, as one would pass them to it. A name or a value that the
solver does not accept is an error, and a parameter that is left out has the solver's default.

"Covered" means that no hypothesis was found violated at the patches where the denoiser was measured; a certificate is
not a proof for all images. A ridge prox, `coco-ridge-0.25`, is the exception: its constants hold for every image by
construction ({prf:ref}`theorem-ridge`), its card states them, and the answer says so. Three more things are assumed. An
asymmetry `||J - J^T||` below 0.01 is neglected, although the theorems need 0. Proximal maps are assumed to be exact,
that of a ridge prox too; if one is computed to a tolerance, the answer says so. For the convergence of the whole
sequence to a critical point the objective is assumed to have the Kurdyka-Łojasiewicz property, as functions definable in
an o-minimal structure have {cite:p}`attouch2013`. For these fidelities {prf:ref}`lemma-definable` proves it for gradient
steps on networks with ELU or Softplus, and for conservative networks with ReLU, and {prf:ref}`theorem-ridge` for a ridge
prox. It is not claimed for a denoiser whose potential is known only as an integral of a network with ELU.

"""


# labels in book/theory: where the course proves each theorem
ENDS = " pd-two-ends-algorithms"
PROOFS = {
    "pgd": "prox-pgd", "fista": "theorem-fista", "primal_dual": "theorem-primal-dual",
    "admm": "prox-admm-is-drs", "drs": "prox-drs", "rmmo_drs": "prox-km",
    "pnpi_hqs": "theorem-ishikawa", "pnpi_fbs": "theorem-ishikawa", "pnpi_gd": "theorem-ishikawa", "red": "theorem-red",
    "red_fixed_point": "theorem-red-fixed-point", "b_red": "theorem-b-red", "coco_admm": "pd-coco-bound proposition-convex-prior",
    "coco_pegd": "theorem-pegd", "gs_pnp_pgd": "gs-theorem", "prox_pnp_pgd": "prox-pnp-pgd" + ENDS,
    "alpha_pgd": "prox-pnp-alpha-pgd" + ENDS, "prox_pnp_drs": "prox-pnp-drs",
    "prox_pnp_drsdiff": "prox-pnp-drsdiff" + ENDS,
}  # fmt: skip


def page() -> str:
    """The page's text."""
    covered = ["| solver | asks | then |", "|---|---|---|"]
    bare = ["| solver | what can be said |", "|---|---|"]
    for name, r in RULES.items():
        if r.check:
            here = " with ".join(f"{{prf:ref}}`{label}`" for label in PROOFS.get(name, "").split())
            theorem = _plain(r.theorem) + (f", here {here}" if here else "")
            asks = f"$D$: {_plain(r.denoiser)}<br>fidelity: {_plain(r.fidelity)}<br>parameters: {_plain(r.parameters)}"
            covered.append(f"| `{name}`<br>{theorem} | {asks} | {_plain(r.conclusion)} |")
        else:
            bare.append(f"| `{name}` | {_plain(r.conclusion)} |")
    return HEAD + "\n".join(covered) + "\n\n## Without a theorem\n\n" + "\n".join(bare) + "\n"


def _plain(words: str) -> str:
    """Replace bars, which would end a table's cell."""
    return words.replace("||", "‖").replace("|", "∣").replace("[", "\\[").replace("]", "\\]")


if __name__ == "__main__":
    if "--check" in sys.argv:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
            raise SystemExit(
                "guarantee_page: book/guarantees.md does not agree with the rules: run python tools/guarantee_page.py"
            )
    else:
        PAGE.write_text(page(), encoding="utf-8")
