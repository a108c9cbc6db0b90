"""Write book/zoo.md, the page of the shipped denoisers, from their cards: python tools/zoo_page.py [--check]."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import zoo_steps

from pnp_course.denoisers import available_denoisers, denoiser_card
from pnp_course.training.presets import PRESETS

BOOK = Path(__file__).resolve().parent.parent / "book"
SPEED = BOOK.parent / "benchmarks" / "results" / "ridge.json"
PAGE = BOOK / "zoo.md"
PAPER = BOOK / "paper_tables" / "denoising_cbsd68.csv"
LEVELS = ("15", "25", "40")

HEAD = """# The shipped denoisers

`pnp_course.load_denoiser(NAME)` gives a module `D(x, sigma)`. Every number of ours below was measured on the weights as
shipped, in half precision, and is on the card beside them (`pnp_course/weights/NAME.json`), with the seed, the
commit, the number of steps and the hours. All denoisers were trained only on BSD400 {cite:p}`arbelaez2011`; CBSD68
{cite:p}`martin2001` is only for measuring.

## Denoising, beside the paper's Table 1

PSNR on CBSD68 (dB), Gaussian noise of level 15, 25, 40 of 255. The paper's full DRUNet has 32.6 million parameters; our
DRUNets have a thirtieth of that, and all were trained on a CPU, for levels up to 60 (`drunet-wide`: up to 255). Where
ours is above the paper's number, it does not satisfy its condition: see the next table. "Steps" counts all stages of
training from random weights; the card has the steps of the last stage and the name of its start. Denoisers for gray
pictures are measured on CBSD68 converted to gray.
"""

NORMS = r"""
## Conditions

The table has the mean and, in parentheses, the worst value at {patches} noisy patches of {size} x {size} pixels, which
are from photographs held out from training, at noise level 25/255. The asymmetry is
$\lVert J - J^{{\mathsf T}}\rVert_*$, zero for a conservative denoiser. $\lambda_{{\min}}$ and $\lambda_{{\max}}$ are the
ends of the spectrum of $(J + J^{{\mathsf T}})/2$; each norm is at most 1 where the condition in its column's head holds.
All values come from Lanczos runs, which approach them from inside; a certificate is about these patches, not about
all images. CoCo-ADMM is proved to converge for every averaging below $t_1$ ({{prf:ref}}`pd-coco-bound`), computed from
the worst $\lambda_{{\min}}$ and $\lambda_{{\max}}$ found, if $J$ is symmetric; where the asymmetry is not nearly 0, $t_1$
proves nothing. A gradient step on a ReLU network jumps at the kinks of its potential; its Jacobian, which exists almost
everywhere, is $I - (I - J_N)^{{\mathsf T}}(I - J_N)$ and never above $I$, but no theorem follows from it. A ridge prox is
different ({{prf:ref}}`theorem-ridge`): it is cocoercive and conservative for every image, so its $t_1$ is not that of the values
measured but that of the ends that are proved.
"""

COSTS = r"""
## What a condition costs, and where it holds

The table has the PSNR minus that of the DRUNet without conditions in each family (dB; for the gray one, minus that of the
gray DRUNet), and the norm that must be at most 1 for the condition: mean + 3 standard deviations over the patches of the
next section, at the worst of the three levels, and the worst patch of all.
"""

ORDER = r"""
In both families a condition costs decibels. {pairs}Compared with the paper, a plain network that is to become
conservative loses most (`coco-0.25`): here symmetry took thousands of steps on a CPU;
in the paper it took 60,000 on a GPU with a network thirty
times as large, and the asymmetry there is of order $10^{{-4}}$. Notebook 09 asks what remains of ours, and where. If symmetry is
built in (`coco-gs-0.25`) the asymmetry is a rounding error, and the theorems for conservative denoisers apply.
"""
EVERYWHERE = r"""
## A guarantee for every image, and what it costs

A ridge prox ({{prf:ref}}`theorem-ridge`) needs no penalty in training and no certificate afterwards: its condition holds at every
image, and `guarantee()` answers "every image" where it answers "the patches measured" for a trained network. In PSNR on CBSD68
{gain} The price is time: each evaluation is a minimisation, of {gradients} gradients for a photograph, and `{first}` takes
{ratio} times as long as `coco-gs-0.25`, a gradient step for colour. The seconds are those of the processor for one evaluation
at 256 x 256, level 25/255; [the benchmarks](benchmarks.md) have the clock's.

| denoiser | pictures | condition holds at | 10³ weights | 15 | 25 | 40 | seconds |
|---|---|---|---|---|---|---|---|"""
BESIDE = {"coco-ridge-0.25": "coco-0.25-gray", "coco-ridge-0.25-colour": "coco-gs-0.25"}
RELAXED = r"""
**Less than cocoercive, and still covered.** CoCo-ADMM needs no cocoercive denoiser if its averaging $t$ is smaller: the
sharpened bound ({{prf:ref}}`pd-coco-bound`) bears eigenvalues of $J$ below 0. `coco-gs-relaxed` was trained for that, with the
spectrum held in $[-1, 4]$ in place of $[0, 4]$. At the patches measured it lies in $[{low:.2f}, {high:.2f}]$, which allows $t$ up
to {t} at levels 15, 25 and 40, and the price is {lost} dB beside `drunet`.
"""
# the norm that each condition bounds
CONDITION = {
    "coco-0.25": ("quarter", "1/4-cocoercive"), "coco-gs-0.25": ("quarter", "1/4-cocoercive"),
    "coco-0.25-gray": ("quarter", "1/4-cocoercive"), "coco-ridge-0.25": ("quarter", "1/4-cocoercive"),
    "coco-ridge-0.25-colour": ("quarter", "1/4-cocoercive"), "coco-ridge-0.5": ("residual", "1/2-cocoercive"),
    "coco-0.5": ("residual", "1/2-cocoercive"),
    "prox-drunet": ("residual", r"$\lVert I - J\rVert_* \le 1$"), "rmmo": ("firm", "firmly nonexpansive"),
    "spc-0.9": ("strict", "0.9-strictly pseudo-contractive"),
}  # fmt: skip


def psnr(values: dict[str, Any]) -> str:
    """Three cells."""
    return " | ".join(f"{float(values[level]):.2f}" if level in values else "" for level in LEVELS)


def comparison(cards: dict[str, dict[str, Any]]) -> list[str]:
    """The paper's rows with ours beside them, then our rows that the paper does not have."""
    lines = [
        "",
        "| denoiser, and ours | paper 15 | 25 | 40 | ours 15 | 25 | 40 | 10⁶ weights | steps |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    with PAPER.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    shown = {row["name"] for row in rows}
    for row in rows:
        paper = psnr({level: row[f"sigma{level}"] for level in LEVELS})
        lines.append(beside(row["denoiser"], paper, cards.get(row["name"])))
    for name, card in cards.items():
        if name not in shown and set(LEVELS) & set(card["psnr_cbsd68"]):
            wide = ", all noise levels" if card["training"]["sigma_max"] == 1 else ", ReLU" if jumps(card) else ""
            lines.append(beside(", ".join(card["about"].split(", ")[:2]) + wide, " |  | ", card))
    return lines


def beside(what: str, paper: str, card: dict[str, Any] | None) -> str:
    """A row: a denoiser with the paper's numbers and, if there is one of ours, with its name and its own."""
    if card is None:
        return f"| {what} | {paper} |  |  |  |  |  |"
    weights = card["parameters"] / 1e6
    size = f"{weights:.{2 if weights > 0.01 else 4}f}"
    return f"| {what}: `{card['name']}` | {paper} | {psnr(card['psnr_cbsd68'])} | {size} | {all_steps(card):,} |"


def all_steps(card: dict[str, Any]) -> int:
    """Steps of all stages of training, from random weights on."""
    steps, start = card["training"]["steps_done"], card["training"]["start"]
    while start:
        steps, start = steps + PRESETS[start].steps, PRESETS[start].start
    return int(steps)


def costs(cards: dict[str, dict[str, Any]]) -> list[str]:
    """What each condition costs, in the paper and here, how well it is satisfied, and where the two orders differ."""
    with PAPER.open(encoding="utf-8") as file:
        paper = {row["name"]: row for row in csv.DictReader(line for line in file if not line.startswith("#"))}
    lines = [COSTS, "| denoiser | condition | paper 15 | 25 | 40 | ours 15 | 25 | 40 | mean + 3 std | worst |"]
    lines.append("|---" * 10 + "|")
    for name, (norm, words) in CONDITION.items():
        if name not in cards:  # a preset whose weights are not shipped
            continue
        base = cards["drunet-gray" if cards[name]["config"]["in_channels"] == 1 else "drunet"]["psnr_cbsd68"]
        mine = {level: cards[name]["psnr_cbsd68"][level] - base[level] for level in LEVELS}
        theirs = {}
        if name in paper:
            theirs = {n: float(paper[name][f"sigma{n}"]) - float(paper["drunet"][f"sigma{n}"]) for n in LEVELS}
        at = [cards[name]["certificate"][level] for level in LEVELS]
        three = max(a[f"{norm}_mean"] + 3 * a[f"{norm}_std"] for a in at)
        worst = max(a[f"{norm}_worst"] for a in at)
        lines.append(f"| `{name}` | {words} | {psnr(theirs)} | {psnr(mine)} | {three:.3f} | {worst:.3f} |")
    family = [name for name in cards if name in paper and name not in ("dncnn", "ffdnet")]
    theirs = {name: float(paper[name]["sigma25"]) for name in family}
    mine = {name: cards[name]["psnr_cbsd68"]["25"] for name in family}
    swapped = [f"`{a}` above `{b}`" for a in mine for b in mine if theirs[a] > theirs[b] and mine[a] < mine[b]]
    pairs = f"The order at level 25 differs: the paper has {', '.join(swapped)}; here it is the other way round. "
    said = ORDER.format(pairs=pairs if swapped else "The order at level 25 is the paper's. ").rstrip()
    return [*lines, said, relaxed(cards["coco-gs-relaxed"], cards["drunet"])]


def relaxed(card: dict[str, Any], plain: dict[str, Any]) -> str:
    """What less than cocoercivity costs."""
    lost = [f"{plain['psnr_cbsd68'][n] - card['psnr_cbsd68'][n]:.2f}" for n in LEVELS]
    at = {n: card["certificate"][n] for n in LEVELS}
    return RELAXED.format(
        lost=" / ".join(lost),
        low=min(a["lambda_min_worst"] for a in at.values()), high=max(a["lambda_max_worst"] for a in at.values()),
        t=" / ".join(f"{a['largest_averaging']:.3f}" for a in at.values()),
    )  # fmt: skip


def everywhere(cards: dict[str, dict[str, Any]]) -> list[str]:
    """Decibels and seconds of the ridge denoisers beside the networks whose condition is measured at patches."""
    speed = json.loads(SPEED.read_text(encoding="utf-8"))["now"]["denoisers"]
    proved = [name for name, card in cards.items() if "for_every_image" in card]
    seconds = {name: at["1 thread"]["processor"] for name, at in speed.items()}
    counts = [speed[name]["gradients"] for name in proved]
    first = "coco-ridge-0.25-colour" if "coco-ridge-0.25-colour" in proved else "coco-ridge-0.25"
    gains = [
        f"`{name}` with {cards[name]['parameters']:,} weights has, beside `{beside}` with {cards[beside]['parameters']:,}, "
        + ", ".join(
            f"{cards[name]['psnr_cbsd68'][n] - cards[beside]['psnr_cbsd68'][n]:+.2f} dB at level {n}" for n in LEVELS
        )
        for name, beside in BESIDE.items()
        if name in proved
    ]
    said = {
        "gain": "; ".join(gains) + ".",
        "gradients": " to ".join(str(n) for n in sorted({min(counts), max(counts)})),
        "ratio": f"{seconds[first] / seconds['coco-gs-0.25']:.1f}",
        "first": first,
    }
    lines = [EVERYWHERE.format(**said)]
    for name in (*proved, "coco-0.25-gray", "coco-gs-0.25", "coco-0.25"):
        card = cards[name]
        where = "every image" if name in proved else "the patches measured"
        pictures = "gray" if card["config"].get("in_channels") == 1 else "colour"
        time = f"{seconds[name]:.2f}" if name in seconds else ""
        cells = [pictures, where, f"{card['parameters'] / 1e3:,.1f}", psnr(card["psnr_cbsd68"]), time]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return lines


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
        bound = "it jumps" if jumps(cards[name]) else f"{at['largest_averaging']:.3f}"
        lines.append(f"| `{name}` | " + " | ".join(cells) + f" | {bound} |")
    return lines


def jumps(card: dict[str, Any]) -> bool:
    """Is it a gradient step with ReLU, whose Jacobian does not show its jumps?"""
    return bool(card["architecture"] == "gradient-step" and card["config"].get("activation") == "relu")


def number(value: float) -> str:
    """Three digits after the point, or a power of ten for values that would vanish."""
    return f"{value:.3f}" if abs(value) >= 5e-4 or value == 0 else f"{value:.0e}"


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
    lines = [
        HEAD.rstrip(),
        *comparison(cards),
        *costs(cards),
        *everywhere(cards),
        *zoo_steps.section(),
        *conditions(cards),
        *others(cards),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    files = {PAGE: page()} | ({zoo_steps.PICTURE: zoo_steps.drawn()} if zoo_steps.section() else {})
    for path, text in files.items():
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            raise SystemExit(
                f"zoo_page: book/{path.name} does not agree with the cards or results/steps.csv: run python tools/zoo_page.py"
            )
