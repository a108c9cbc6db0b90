"""Write book/zoo.md, the page of the shipped denoisers, from their cards: python tools/zoo_page.py [--check]."""

from __future__ import annotations

import sys
from pathlib import Path

from pnp_course.denoisers import available_denoisers, denoiser_card

PAGE = Path(__file__).resolve().parent.parent / "book" / "zoo.md"
LEVELS = ("15", "25", "40")


def page() -> str:
    """The page's text; every number comes from a card."""
    lines = [
        "# The shipped denoisers", "",
        "`pnp_course.load_denoiser(NAME)` gives a module `D(x, sigma)`. Each number below was measured when the weights were",
        "written, after rounding to half precision, and stands on the card beside them (`pnp_course/weights/NAME.json`).",
        "Trained on BSD400 {cite:p}`arbelaez2011` only; CBSD68 {cite:p}`martin2001` is for measuring only.", "",
        "## Denoising: PSNR on CBSD68 (dB), Gaussian noise of level 15, 25, 40 of 255", "",
        "| name | what | parameters | training steps | 15 | 25 | 40 |", "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    cards = [denoiser_card(name) for name in available_denoisers()]
    for c in cards:
        psnr = " | ".join(f"{c['psnr_cbsd68'][level]:.2f}" for level in LEVELS)
        lines.append(
            f"| `{c['name']}` | {c['about']} | {c['parameters']:,} | {c['training']['steps_done']:,} | {psnr} |"
        )
    lines += [
        "", "## Conditions: norms at noisy patches of held-out photographs, mean (maximum)", "",
        r"The asymmetry is $\lVert J - J^{\mathsf T}\rVert_*$, zero for a conservative denoiser; the expansion is",
        r"$\lVert 2\gamma J - I\rVert_*$ at $\gamma = 1/4$, at most 1 for a cocoercive one. By power iteration, so from below.",
        "", "| name | asymmetry 15 | 25 | 40 | expansion 15 | 25 | 40 |", "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for c in cards:
        cells = [
            f"{c['constants'][level][kind + '_mean']:.{digits}f} ({c['constants'][level][kind + '_max']:.{digits}f})"
            for kind, digits in (("asymmetry", 3), ("expansion", 4)) for level in LEVELS
        ]  # fmt: skip
        lines.append(f"| `{c['name']}` | " + " | ".join(cells) + " |")
    k = cards[0]["constants"]
    lines += [
        "", f"{k['patches']} patches of {k['size']} x {k['size']} pixels, {k['iterations']} power iterations.", "",
        "These first weights are short-trained, on two CPU cores: enough to run everything, far from what the",
        "architecture can reach.", "",
    ]  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    if "--check" in sys.argv:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
            raise SystemExit("zoo_page: book/zoo.md is not what the cards say: run python tools/zoo_page.py")
    else:
        PAGE.write_text(page(), encoding="utf-8")
