"""Write book/guarantees.md, the table of theorems, from pnp_course.guarantees.RULES: python tools/guarantee_page.py [--check]."""

from __future__ import annotations

import sys
from pathlib import Path

from pnp_course.guarantees import RULES

PAGE = Path(__file__).resolve().parent.parent / "book" / "guarantees.md"

HEAD = """# Which theorem covers which solver

Each row: what the denoiser $D$, the fidelity and the parameters must satisfy, and what then converges. `J` is the Jacobian
of $D$, norms are spectral; what is asked of `J` is asked at every point, or, of a Lipschitz $D$ such as a network with
ReLU, at almost every point ({prf:ref}`lemma-almost-everywhere`). `f` or `G` is the fidelity, `L_f` the Lipschitz constant
of its gradient, `lam` its weight, `t` the averaging. `R` is the convex function with `prox_R = D` (with `prox_{step R} = D`
in `pgd` and `fista`, with `prox_{R / sigma_dual} = D` in `primal_dual`), `dR` its subdifferential; `g` the potential of a
gradient step; `phi_t` the function whose prox is `D_t`, `phi` that for t = 1; `F` the implicit prior of a CoCo denoiser,
`r(t) = t (1 - gamma) / (gamma + t (1 - gamma))` its weak convexity. In `primal_dual`, `L` is the linear map,
`linear.norm_squared` the bound of its squared norm. Other letters are those of the solver's docstring; where that has no
`x_k`, it is the image the iterate shows. The program checks the same rules on the numbers of a run:

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

answers in words: covered by which theorem and why, or not covered and because of what. After the noise level of the card
come the keyword parameters of the solver, as one passes them to it; a name or a value that it does not accept is an error,
and what is left out has the solver's default.

"Covered" means that no hypothesis was found violated at the patches where the denoiser was measured; a certificate is
not a proof for all images. Three more things are taken for granted. An asymmetry `||J - J^T||` below 0.01 is neglected:
the theorems are for 0. Proximal maps are exact; where one is computed to a tolerance, the answer says so. And for
convergence of the whole sequence to a critical point the objective has the Kurdyka-Łojasiewicz property, as functions
definable in an o-minimal structure have {cite:p}`attouch2013`. For these fidelities {prf:ref}`lemma-definable` proves
it for gradient steps on networks of ELU or Softplus, and for conservative networks of ReLU; of a denoiser whose
potential is known only as an integral of such a network with ELU it is not claimed.

"""


# where each is proved in the course: labels in book/theory
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
    """Bars would end a table's cell."""
    return words.replace("||", "‖").replace("|", "∣").replace("[", "\\[").replace("]", "\\]")


if __name__ == "__main__":
    if "--check" in sys.argv:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
            raise SystemExit(
                "guarantee_page: book/guarantees.md is not what the rules say: run python tools/guarantee_page.py"
            )
    else:
        PAGE.write_text(page(), encoding="utf-8")
