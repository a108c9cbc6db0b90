"""Write book/guarantees.md, the table of theorems, from pnp_course.guarantees.RULES: python tools/guarantee_page.py [--check]."""

from __future__ import annotations

import sys
from pathlib import Path

from formulas import formulas

from pnp_course.guarantees import RULES, Rule

PAGE = Path(__file__).resolve().parent.parent / "book" / "guarantees.md"

HEAD = r"""# Which theorem covers which solver

Each row says what the denoiser $D$, the fidelity and the parameters must satisfy, and what then converges. Norms are
spectral. A condition on $J$ must hold at every point or, for a Lipschitz $D$ such as a network with ReLU, at almost every
point ({prf:ref}`lemma-almost-everywhere`). Each name leads to the page of the solver.

| symbol | meaning |
|---|---|
| $J$ | Jacobian of $D$ |
| $f$ or $G$ | the fidelity; $L_f$ is the Lipschitz constant of its gradient |
| $\lambda$ | `lam`, the weight of the fidelity |
| $t$ | `t`, the averaging of the denoiser, $D_t = tD + (1-t)I$ |
| $\mathrm{step}$, $\mathrm{relaxation}$, $\sigma_{\mathrm{dual}}$ | the parameters with these names |
| $R$ | the convex function with $\prox_R = D$ ($\prox_{\mathrm{step}\,R} = D$ in `pgd` and `fista`, $\prox_{R/\sigma_{\mathrm{dual}}} = D$ in `primal_dual`); $\partial R$ is its subdifferential |
| $g$ | the potential of a gradient step, $D = I - \nabla g$ |
| $\phi_t$, $\phi$ | the function whose proximal operator is $D_t$, and that for $t = 1$ |
| $\ell$, $M$ | the two ends of the residual, $-\ell \le I - J \le M$ |
| $F$ | the implicit prior of a CoCo denoiser; $r(t) = t(1-\gamma)/(\gamma + t(1-\gamma))$ is its weak convexity |
| $\gamma$, $\delta$ | cocoercivity and slack: the spectrum of $J$ lies in $[-\delta, 1/\gamma]$ |
| $t_1$ | the bound of the averaging in {prf:ref}`pd-coco-bound` |
| $k$ | of a strictly pseudo-contractive denoiser; it is nonexpansive for $k = 0$ |
| $\alpha$ | `alpha`, the relaxation of `alpha_pgd`; $\mathrm{largest}$ is the largest pixel that `b_red` allows |
| $a$, $b$, $\beta_k$ | of Ishikawa's iteration: its weights are $\alpha_k = k^{-a}$ and $\beta_k = k^{-b}$ in iteration $k$ |
| $L$ | in `primal_dual` the linear map; `linear.norm_squared` is a bound of $\lVert L\rVert^2$ |
| $x_k$ | the image that the iterate shows, if the solver has no $x_k$ of its own |
| $u_k, v_k, y_k, s_k$ | the variables of the algorithm, as on the page of the solver |

The program checks the same rules on the numbers of a run:

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
not a proof for all images. A ridge prox, whose name begins with `coco-ridge`, is the exception: its
constants hold for every image by construction ({prf:ref}`theorem-ridge`), its card states them, and the answer says so. Three more things are assumed. An
asymmetry $\lVert J - J^{\mathsf T}\rVert$ below 0.01 is neglected, although the theorems need 0. Proximal operators are assumed to be exact,
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
    covered = [":::{table}", ":widths: 26 44 30", "| solver | asks | then |", "|---|---|---|"]
    bare = ["| solver | what can be said |", "|---|---|"]
    for name, r in RULES.items():
        if r.check:
            here = " with ".join(f"{{prf:ref}}`{label}`" for label in PROOFS.get(name, "").split())
            theorem = words(r.theorem) + (f", here {here}" if here else "")
            covered.append(f"| [`{name}`](solvers/{name}.md)<br>{theorem} | {asks(r)} | {formulas(r.conclusion)} |")
        else:
            bare.append(f"| [`{name}`](solvers/{name}.md) | {r.conclusion} |")
    return HEAD + "\n".join([*covered, ":::"]) + "\n\n## Without a theorem\n\n" + "\n".join(bare) + "\n"


def asks(rule: Rule) -> str:
    """The hypotheses of a rule, as lines of a table's cell."""
    words = {"$D$": rule.denoiser, "fidelity": rule.fidelity, "parameters": rule.parameters}
    return "<br>".join(f"{what}: {formulas(text)}" for what, text in words.items())


def words(theorem: str) -> str:
    """The name of a theorem, with its formulas, if there are any; [A] is no link."""
    return formulas(theorem) if " = " in theorem else theorem.replace("[", "\\[").replace("]", "\\]")


if __name__ == "__main__":
    if "--check" in sys.argv:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
            raise SystemExit(
                "guarantee_page: book/guarantees.md does not agree with the rules: run python tools/guarantee_page.py"
            )
    else:
        PAGE.write_text(page(), encoding="utf-8")
