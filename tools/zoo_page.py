"""Write book/zoo.md, the page of the shipped denoisers, from their cards: python tools/zoo_page.py [--check]."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

from pnp_course.denoisers import available_denoisers, denoiser_card

BOOK = Path(__file__).resolve().parent.parent / "book"
PAGE = BOOK / "zoo.md"
PAPER = BOOK / "paper_tables" / "denoising_cbsd68.csv"
LEVELS = ("15", "25", "40")

HEAD = """# The shipped denoisers

`pnp_course.load_denoiser(NAME)` gives a module `D(x, sigma)`. Every number of ours below was measured on the weights as
shipped, in half precision, and stands on the card beside them (`pnp_course/weights/NAME.json`), with the seed, the
commit, the number of steps and the hours. Trained on BSD400 {cite:p}`arbelaez2011` only; CBSD68
{cite:p}`martin2001` is for measuring only.

## Denoising, beside the paper's Table 1

PSNR on CBSD68 (dB), Gaussian noise of level 15, 25, 40 of 255. The paper's networks have 32.6 million parameters and
were trained on a GPU; these have about a thirtieth of that and were trained on a CPU. "Steps" counts the last stage of
training, from the weights that the card names as its start. Denoisers for gray pictures are measured on CBSD68 made gray.
"""

NORMS = r"""
## Conditions

At {patches} noisy patches of {size} x {size} pixels of photographs held out from training, noise level 25/255: mean and
(worst). The asymmetry is $\lVert J - J^{{\mathsf T}}\rVert_*$, zero for a conservative denoiser. $\lambda_{{\min}}$ and
$\lambda_{{\max}}$ are the ends of the spectrum of $(J + J^{{\mathsf T}})/2$; each norm is at most 1 where the condition in
its column's head holds. All by Lanczos runs, so from inside; a certificate speaks of these patches, not of all images.
$t_1$ is the largest averaging for which CoCo-ADMM converges with the worst $\lambda_{{\min}}$ and $\lambda_{{\max}}$ found
({{prf:ref}}`pd-coco-bound`), the asymmetry left aside. A gradient step on a ReLU network jumps at the kinks of
its potential; its Jacobian, which exists almost everywhere, is $I - (I - J_N)^{{\mathsf T}}(I - J_N)$ and never above
$I$, but no theorem may be read off it.
"""


def psnr(values: dict[str, Any]) -> str:
    """Three cells."""
    return " | ".join(f"{float(values[level]):.2f}" if level in values else "" for level in LEVELS)


def comparison(cards: dict[str, dict[str, Any]]) -> list[str]:
    """The paper's rows, ours beside them where we have one, then those of ours the paper has not."""
    lines = [
        "", "| denoiser | paper 15 | 25 | 40 | ours | size | steps | 15 | 25 | 40 |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    with PAPER.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    shown = {row["name"] for row in rows}
    for row in rows:
        paper = psnr({level: row[f"sigma{level}"] for level in LEVELS})
        lines.append(f"| {row['denoiser']} | {paper} | {ours(cards.get(row['name']))} |")
    for name, card in cards.items():
        if name not in shown and set(LEVELS) & set(card["psnr_cbsd68"]):
            lines.append(f"| {', '.join(card['about'].split(', ')[:2])} | | | | {ours(card)} |")
    return lines


def ours(card: dict[str, Any] | None) -> str:
    """Six cells of one of our denoisers; empty where there is none."""
    if card is None:
        return " | | | | | "
    steps = card["training"]["steps_done"]
    return f"`{card['name']}` | {card['parameters'] / 1e6:.2f} M | {steps:,} | {psnr(card['psnr_cbsd68'])}"


def conditions(cards: dict[str, dict[str, Any]]) -> list[str]:
    """Norms and spectra at level 25."""
    with_certificate = {name: c["certificate"] for name, c in cards.items() if "certificate" in c}
    first = next(iter(with_certificate.values()))
    columns = {
        "asymmetry": "asymmetry", "lambda_min": r"$\lambda_{\min}$", "lambda_max": r"$\lambda_{\max}$",
        "quarter": r"$\lVert J/2 - I\rVert_*$ (1/4-CoCo)", "residual": r"$\lVert I - J\rVert_*$ (1/2-CoCo, Prox)",
        "firm": r"$\lVert 2J - I\rVert_*$ (RMMO)", "strict": r"$\lVert 0.9 I + 0.1 J\rVert_*$ (SPC)",
    }  # fmt: skip
    lines = [NORMS.format(patches=first["patches"], size=first["size"])]
    lines.append("| name | " + " | ".join(columns.values()) + " | $t_1$ |")
    lines.append("|---" * (len(columns) + 2) + "|")
    for name, certificate in with_certificate.items():
        at = certificate["25"]
        cells = [number(at[f"{key}_mean"]) + f" ({number(at[f'{key}_worst'])})" for key in columns]
        bound = "it jumps" if jumps(cards[name]) else f"{at['averaging_bound']:.3f}"
        lines.append(f"| `{name}` | " + " | ".join(cells) + f" | {bound} |")
    return lines


def jumps(card: dict[str, Any]) -> bool:
    """Is it a gradient step with ReLU, whose Jacobian says nothing of its jumps?"""
    return bool(card["architecture"] == "gradient-step" and card["config"].get("activation") == "relu")


def number(value: float) -> str:
    """Four digits after the point, or a power of ten for what would vanish."""
    return f"{value:.4f}" if abs(value) >= 5e-4 or value == 0 else f"{value:.0e}"


def others(cards: dict[str, dict[str, Any]]) -> list[str]:
    """Denoisers for other noise than Gaussian of these levels."""
    rows = [c for c in cards.values() if not set(LEVELS) & set(c["psnr_cbsd68"])]
    if not rows:
        return []
    lines = ["", "## Other noise", "", "| name | what | PSNR on CBSD68 (dB) |", "|---|---|---|"]
    for c in rows:
        values = ", ".join(f"{level}: {value:.2f}" for level, value in c["psnr_cbsd68"].items())
        lines.append(f"| `{c['name']}` | {c['about']} | {values} |")
    return lines


def page() -> str:
    """The page's text; every number of ours comes from a card, every number of the paper from its table."""
    cards = {name: denoiser_card(name) for name in available_denoisers()}
    lines = [HEAD.rstrip(), *comparison(cards), *conditions(cards), *others(cards), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    if "--check" in sys.argv:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
            raise SystemExit("zoo_page: book/zoo.md is not what the cards say: run python tools/zoo_page.py")
    else:
        PAGE.write_text(page(), encoding="utf-8")
