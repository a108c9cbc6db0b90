"""The map of the course: which condition on the denoiser buys which algorithm. Written from `guarantees.RULES` alone.

Three things are read from a rule's words: the rung (its condition on the denoiser, without what the parameters add),
how the algorithm touches the fidelity, and what a run comes to.
"""

from __future__ import annotations

import html
import textwrap

from pnp_course.guarantees import RULES, Rule

# a rung, by the words with which its condition begins, in the order from top to bottom: its name in the course, and the
# notebooks that explain it
NOTEBOOKS = {
    "prox of a convex function": ("02", "03"),
    "||2J - I||": ("06", "13"),
    "k-strictly pseudo-contractive": ("06", "13"),
    "Lipschitz, pseudo-contractive": ("06", "13"),
    "smooth gradient step": ("05", "11"),
    "J = J^T": ("08", "12"),
    "gradient step D = I - grad g": ("04", "10"),
    "gradient step, Bregman or not": ("13",),
    "any": ("13",),
}
NAMES = dict(
    zip(
        NOTEBOOKS,
        ("proximal operator", "firmly nonexpansive", "strictly pseudo-contractive", "pseudo-contractive",
         "proximal denoiser", "CoCo, with a slack δ", "gradient step", "Bregman gradient step", "anything else"),
        strict=True,
    )
)  # fmt: skip
# rungs whose condition begins with their name, or says it: what the table begins with, in the place of both
SAID_ONCE = {
    "prox of a convex function": "proximal operator of a convex function",
    "k-strictly pseudo-contractive": "strictly pseudo-contractive, with a number k < 1",
    "Lipschitz, pseudo-contractive": "Lipschitz and pseudo-contractive",
    "gradient step D = I - grad g": "gradient step: D = I - grad g",
    "gradient step, Bregman or not": "gradient step, Bregman or not",
}
# pairs of neighbours, the upper implying the lower, and one pair of rungs that are apart
IMPLIED_BELOW = ("prox of a convex function", "||2J - I||", "k-strictly pseudo-contractive", "smooth gradient step",
                 "gradient step D = I - grad g")  # fmt: skip
APART = ("prox of a convex function", "J = J^T")
# how the fidelity is touched: words, colour of the box, colour of its edge
FIDELITIES = {
    "prox": ("by its proximal operator: any convex one, Poisson too", "#D6E9F5", "#0072B2"),
    "gradient": ("by a gradient with a Lipschitz constant: Gaussian", "#FBE3CF", "#D55E00"),
    "bregman": ("by its gradient, in Burg's geometry: Poisson", "#D5EFE4", "#009E73"),
    "none": ("no theorem", "#FFFFFF", "#666666"),
}
ENDS = {"minimiser": ("minimis", "minimum"), "fixed point": ("fixed point", "zero of"),
        "critical point": ("critical", "stationary", "optimality conditions")}  # fmt: skip
WIDTH, LEFT, CHIP, TALL, GAP = 700, 292, 186, 38, 6  # pixels: picture, condition, algorithm, its height, between them


def rungs() -> dict[str, list[Rule]]:
    """Condition on the denoiser -> the rules that ask for it, in the order of the map.

    Some rules ask for a little more than another's condition, such as ", delta < 1". The shorter words are the rung.
    """
    words = {rule.denoiser for rule in RULES.values()}
    shortest = {w: min((v for v in words if w.startswith(v)), key=len) for w in words}
    found = {rung: [r for r in RULES.values() if shortest[r.denoiser] == rung] for rung in set(shortest.values())}
    return {rung: found[rung] for rung in sorted(found, key=lambda rung: list(NOTEBOOKS).index(key(rung)))}


def key(rung: str) -> str:
    """The words of `NOTEBOOKS` with which a condition begins."""
    keys = [k for k in NOTEBOOKS if rung.startswith(k)]
    if len(keys) != 1:
        raise ValueError(f"the condition {rung!r} begins with {len(keys)} of the map's rungs, wanted 1: see NOTEBOOKS.")
    return keys[0]


def touches(rule: Rule) -> str:
    """How the algorithm touches the fidelity, a key of `FIDELITIES`."""
    if rule.check is None:
        return "none"
    if "relative to Burg" in rule.fidelity:
        return "bregman"
    return "gradient" if "Lipschitz gradient" in rule.fidelity else "prox"


def end(rule: Rule) -> str:
    """What a run comes to, a key of `ENDS`; empty if there is no theorem."""
    if rule.check is None:
        return ""
    found = [name for name, words in ENDS.items() if any(w in rule.conclusion for w in words)]
    if len(found) != 1:
        raise ValueError(
            f"the conclusion of {rule.solver} names {found or 'nothing'}, wanted one of {', '.join(ENDS)}."
        )
    return found[0]


def pretty(words: str) -> str:
    """The rules' plain letters as signs of mathematics."""
    signs = {"||": "‖", "J^T": "Jᵀ", "<=": "≤", ">=": "≥", "gamma": "γ", "delta": "δ", "grad g": "∇g", "lambda_max": "λmax",
             "any": "no condition of a theorem", " - ": " − ", "-l ": "−ℓ ", "-δ": "−δ"}  # fmt: skip
    for plain, sign in signs.items():
        words = words.replace(plain, sign)
    return words


def condition(rung: str) -> str:
    """A rung's name and its condition for the table, without saying a word twice."""
    start = key(rung)
    return pretty(SAID_ONCE.get(start, f"{NAMES[start]}: {start}") + rung[len(start) :])


def table() -> str:
    """The same map as a Markdown table: a row for each condition, a column for each way to touch the fidelity."""
    columns = [k for k in FIDELITIES if k != "none"]
    head = ["condition on the denoiser", *(FIDELITIES[k][0].partition(":")[0] for k in columns), "notebooks"]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for rung, rules in rungs().items():
        if all(r.check is None for r in rules):
            continue
        cells = [", ".join(f"`{r.solver}` ({end(r)})" for r in rules if touches(r) == k) for k in columns]
        lines.append(f"| {' | '.join([condition(rung), *cells, ', '.join(NOTEBOOKS[key(rung)])])} |")
    return "\n".join(lines) + "\n"


def without() -> str:
    """The algorithms without a theorem, as words."""
    return ", ".join(f"`{r.solver}`" for r in RULES.values() if r.check is None)


def _text(x: float, y: float, words: str, size: float = 13, extra: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" {extra}>{html.escape(words)}</text>'


def _chip(rule: Rule, x: float, y: float) -> list[str]:
    _, fill, edge = FIDELITIES[touches(rule)]
    dash = "" if rule.check else ' stroke-dasharray="5 3"'
    words = [_text(x + 8, y + (16 if rule.check else 24), rule.solver, 13, 'font-weight="bold"')]
    if rule.check:
        words.append(_text(x + 8, y + 31, f"→ {end(rule)}", 12))
    box = f'<rect x="{x:g}" y="{y:g}" width="{CHIP}" height="{TALL}" rx="5" fill="{fill}" stroke="{edge}" stroke-width="1.5"'
    return [f"{box}{dash}/>", *words]


def _legend(y: float) -> list[str]:
    out = []
    for k, (words, fill, edge) in enumerate(FIDELITIES.values()):
        dash = ' stroke-dasharray="5 3"' if fill == "#FFFFFF" else ""
        out.append(f'<rect x="{LEFT + 34}" y="{y + 20 * k - 11:g}" width="22" height="13" rx="3" fill="{fill}" '
                   f'stroke="{edge}" stroke-width="1.5"{dash}/>')  # fmt: skip
        out.append(_text(LEFT + 62, y + 20 * k, words, 12))
    return out


def _rung(rung: str, rules: list[Rule], y: float) -> tuple[list[str], float]:
    """A condition with its algorithms, from y down, and its height."""
    lines = [line for part in pretty(rung).split(": ") for line in textwrap.wrap(part, 38)]
    height = max(-(-len(rules) // 2) * (TALL + GAP) - GAP, 17 * len(lines) + 49)
    out = [f'<rect x="26" y="{y:g}" width="{LEFT - 26}" height="{height:g}" rx="6" fill="#F4F6F8" stroke="#1a1a1a"/>']
    out.append(_text(36, y + 19, NAMES[key(rung)], 14, 'font-weight="bold"'))
    out += [_text(36, y + 37 + 17 * k, line) for k, line in enumerate(lines)]
    numbers = NOTEBOOKS[key(rung)]
    words = f"notebook{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}"
    out.append(_text(36, y + height - 9, words, 12, 'fill="#444444"'))
    if any(rule.check for rule in rules):  # an arrow is a theorem
        out.append(f'<path d="M{LEFT} {y + 20:g} h20" stroke="#1a1a1a" stroke-width="1.5" marker-end="url(#tip)"/>')
    for k, rule in enumerate(rules):
        out += _chip(rule, LEFT + 26 + (k % 2) * (CHIP + GAP), y + k // 2 * (TALL + GAP))
    return out, height


def picture() -> str:
    """The map as SVG, 700 pixels wide."""
    out, y, tops, shapes = [], 128.0, {}, rungs()
    for rung, rules in shapes.items():
        drawn, height = _rung(rung, rules, y)
        out += drawn
        tops[key(rung)] = y
        if key(rung) in IMPLIED_BELOW:
            out.append(f'<path d="M60 {y + height:g} v16" stroke="#1a1a1a" stroke-width="1.5" marker-end="url(#tip)"/>')
        y += height + 24
    a, b = (tops[name] + 30 for name in APART)
    out.append(
        f'<path d="M26 {a:g} H12 V{b:g} H20" fill="none" stroke="#1a1a1a" stroke-width="1.5" marker-end="url(#tip)"/>'
    )
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y:g}" width="{WIDTH}" height="{y:g}" '
        'font-family="Helvetica, Arial, sans-serif">',
        "<title>Which condition on the denoiser buys which algorithm</title>",
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="7" refY="5" markerWidth="6" markerHeight="6" orient="auto">'
        '<path d="M0 0 L10 5 L0 10 z" fill="#1a1a1a"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{y:g}" fill="#ffffff"/>',
        _text(26, 22, "If the denoiser satisfies ...", 15, 'font-weight="bold"'),
        _text(26, 44, "(an arrow down: it implies", 12), _text(26, 60, "the condition that it points to)", 12),
        _text(LEFT + 26, 22, "... these algorithms have a theorem", 15, 'font-weight="bold"'),
        _text(LEFT + 26, 40, "and touch the fidelity", 12),
        *_legend(60),
    ]  # fmt: skip
    return "\n".join([*head, *out, "</svg>"]) + "\n"
