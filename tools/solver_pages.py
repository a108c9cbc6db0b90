"""Write book/solvers, a page for each solver, from its docstring and its rule: python tools/solver_pages.py [--check].

The list of solvers is that of the guarantees; the notebooks of a page are those whose code names the solver.
"""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path

import jupytext
from formulas import formulas, tex
from guarantee_page import PROOFS, words

from pnp_course import solvers
from pnp_course.guarantees import RULES, Rule

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "book" / "solvers"

INDEX = """# The solvers

A page for each solver has its equations, what is proved of it, and the notebooks that use it; *which one for a problem*
is the question of [another page](../which_solver.md). Every solver is a generator: `run` takes its iterates, and adds stop
rule, history and monitors.

| solver | what it is | theorem |
|---|---|---|
{rows}

```{{eval-rst}}
.. autofunction:: pnp_course.solvers.run

.. autoclass:: pnp_course.solvers.Result
   :members:

.. autoclass:: pnp_course.solvers.Iterate
   :members:

.. autofunction:: pnp_course.solvers.ladder

.. autofunction:: pnp_course.solvers.annealed

.. autoexception:: pnp_course.solvers.DivergenceError

.. autoclass:: pnp_course.solvers.StepSizeWarning
```
"""

PAGE = """# `{name}`

{summary}
{equations}
## What is proved

{proved}

## Where it is used

{used}

## Reference

```{{eval-rst}}
.. autofunction:: pnp_course.solvers.{name}
```
"""


def doc(name: str) -> list[str]:
    """The lines of a solver's docstring."""
    return (inspect.getdoc(getattr(solvers, name)) or "").splitlines()


def equations(name: str) -> list[str]:
    """The displayed equations of a docstring: lines indented by four, before any section such as Args."""
    found: list[str] = []
    for line in doc(name):
        if re.fullmatch(r"[A-Z]\w+:", line):
            break
        if line.startswith("    "):
            continues = bool(found) and line.startswith("     ")  # a line that goes on with the one above
            found[-1:] = [f"{found[-1]} {line.strip()}"] if continues else [*found[-1:], line.strip()]
    return [piece.strip(" .,") for line in found for piece in re.split(r",\s{2,}|:\s{3,}", line) if piece.strip(" .,")]


def display(lines: list[str]) -> str:
    """Equations below one another; each is a display of its own, which a narrow page may break."""
    return "".join(f"\n$$\n{tex(line)}\n$$\n" for line in lines)


def proved(name: str, rule: Rule) -> str:
    """What the rule says, as a short list."""
    if rule.check is None:
        return f"No theorem is checked for this solver. {rule.conclusion}"
    here = " and ".join(f"{{prf:ref}}`{label}`" for label in PROOFS.get(name, "").split())
    lines = [f"Source: {words(rule.theorem)}." + (f" Proved in this course: {here}." if here else ""), ""]
    asked = {"the denoiser": rule.denoiser, "the fidelity": rule.fidelity, "the parameters": rule.parameters}
    lines += [f"- It asks of {what}: {formulas(text)}." for what, text in asked.items()]
    lines += [f"- Then {formulas(rule.conclusion)}."]
    lines += ["", f'`guarantee("{name}", ...)` checks this on the numbers of a run: [how](../guarantees.md).']
    return "\n".join(lines)


def used(name: str) -> str:
    """Links to the notebooks whose code names the solver."""
    rows = []
    for source in sorted((ROOT / "notebooks" / "src").glob("[0-9]*.py")):
        notebook = jupytext.read(source)
        code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
        if re.search(rf"\b{name}\b", code):
            title = re.search(r"^# (.+)$", notebook.cells[0].source, flags=re.M)
            rows.append(f"- [{source.stem[:2]} {title[1] if title else ''}](../../notebooks/{source.stem}.ipynb)")
    return "\n".join(rows) if rows else "In no notebook; its tests are in `tests/test_all_solvers.py`."


def summary(name: str) -> str:
    """The first line of the docstring, with formulas."""
    return formulas(doc(name)[0].rstrip(":.")) + "."


def files() -> dict[Path, str]:
    """Path -> text of all pages."""
    pages, rows = {}, []
    for name, rule in sorted(RULES.items()):
        first = summary(name).replace("|", "∣").replace("[B]", "\\[B\\]").replace("[A]", "\\[A\\]")
        theorem = words(rule.theorem) if rule.check else "none"
        rows.append(f"| [`{name}`]({name}.md) | {first} | {theorem} |")
        pages[FOLDER / f"{name}.md"] = PAGE.format(
            name=name,
            summary=summary(name),
            equations=display(equations(name)),
            proved=proved(name, rule),
            used=used(name),
        )
    pages[FOLDER / "index.md"] = INDEX.format(rows="\n".join(rows))
    return pages


if __name__ == "__main__":
    wanted = files()
    stray = set(FOLDER.glob("*.md")) - set(wanted)
    for path, text in wanted.items():
        if "--check" not in sys.argv:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text or stray:
            raise SystemExit(
                f"solver_pages: book/solvers/{path.name} does not agree with the rules: run python tools/solver_pages.py"
            )
    for path in stray:
        path.unlink()
