"""Where a word of the glossary means something else, so that it gets no link.

`PAGES` names pages on which a term has another meaning throughout, `BEFORE` and `AFTER` the words beside it that say so.
"""

from __future__ import annotations

import re

PAGES: dict[str, tuple[str, ...]] = {
    # complex conjugates, conjugate transposes and conjugate gradients; the glossary means Fenchel's conjugate
    "conjugate": ("book/theory/helmholtz", "book/theory/conditions", "notebooks/06_ladder_of_conditions",
                  "notebooks/07_helmholtz", "book/theory/ridge", "book/api", "book/benchmarks"),
    # turned filters and pictures continued beyond their border; the glossary means 2 prox - I
    "reflection": ("book/theory/ridge", "book/theory/inverse_problems", "book/theory/training", "notebooks/01_inverse_problems",
                   "notebooks/09_training_a_coco_denoiser", "book/api", "book/command_line"),
    # peaks of a density; the glossary means a number of photons
    "peak": ("book/theory/mmse", "book/theory/gradient_step", "book/theory/proximal_denoiser", "book/theory/helmholtz",
             "book/benchmarks", "notebooks/03_priors_to_denoisers", "notebooks/04_gradient_step",
             "notebooks/05_proximal_denoiser", "notebooks/07_helmholtz",
             "notebooks/08_coco_denoisers", "book/quizzes"),
}  # fmt: skip
BEFORE = {
    "peak": r"(broad|equal|two|each|one|either|both|right|left|nearer|second|first|highest|same|between)",
    "conjugate": r"(complex|its|the complex)",
    "monotone": r"(strongly|maximally|decreasing and|increasing and)",
    "reflection": r"(by|under|border|every|its)",
    "score": r"(psnr|best|its|higher|lower)",
    "prior": r"(a few)",
    "potential": r"(learning)",
    "conservative": r"(more|too|rather)",
}
AFTER = {
    "peak": r"s\b|\s+(of\s+(a|the)\b|memory|and\b|signal)",
    "conjugate": r"(d\b|s?\s+(gradient|transpose|of the complex))",
    "monotone": r"(,\s+(stays|bounded|so it)|\s+(and tends|sequence|function of one|inclusion|operator)|ly\b)",
    "reflection": r"\s+(padding|of the filter|at the border)",
    "score": r"(s\b|\s+of\s+(the\s+)?(test|method|exercise))",  # "scores" is a verb here
    "prior": r"\s+(work|to|knowledge)\b",
    "conservative": r"\s+(choice|estimate|side|bound)",
}


def fits(term: str, page: str, before: str, after: str) -> bool:
    """Does a term on a page, with the text before and after it, mean what the glossary says?"""
    key = term.lower()
    if any(page.startswith(where) for where in PAGES.get(key, ())):
        return False
    if key in BEFORE and re.search(rf"(?<!\w){BEFORE[key]}\s+$", before, flags=re.I):
        return False
    return not (key in AFTER and re.match(AFTER[key], after, flags=re.I))
