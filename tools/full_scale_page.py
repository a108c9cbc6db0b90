"""Write the hours of book/full-scale.md from benchmarks/results/full_scale.json: python tools/full_scale_page.py [--check].

Evaluations and operations are counted, seconds on one core are measured. What a GPU would need is an estimate from the counts
and from the rates below, and the page says so.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS, PAGE = ROOT / "benchmarks" / "results" / "full_scale.json", ROOT / "book" / "full-scale.md"
JOBS = RESULTS.with_name("experiments.json")  # whole jobs on one core, with the part that is not the network's
BEGIN, END = "<!-- hours: written by tools/full_scale_page.py -->", "<!-- end of the hours -->"
# Tflop/s that a card sustains on convolutions in TF32, a fifth of what its maker promises, and seconds for a launch
CARDS = {"a card of 15 Tflop/s": (15, 8e-6), "a card of 100 Tflop/s": (100, 8e-6)}
WORKERS = (1, 8, 64)


def jobs(r: dict[str, Any], whole: dict[str, Any]) -> list[dict[str, Any]]:
    """For each method: its network, evaluations, operations of a job, and its hours on one core and on each card.

    Args:
        r: what a network costs. whole: what whole jobs cost, for the part of an iteration that is not the network's.
    """
    pixels = r["size"][0] * r["size"][1]
    scale = pixels / r["side"] ** 2
    lines = []
    for name, m in r["methods"].items():
        net, calls, job = r["networks"][m["cost"]], m["evaluations"], whole["methods"][name]
        gflop = calls * scale * net["gflop"]
        rest = (job["seconds"] - job["network_seconds"]) / job["iterations"] * pixels / whole["side"] ** 2
        hours = {"core": calls * scale * net["seconds"] + m["iterations"] * rest}
        for card, (rate, launch) in CARDS.items():
            hours[card] = max(gflop / (1e3 * rate), calls * net["kernels"] * launch)
        hours = {where: r["cases"] * seconds / 3600 for where, seconds in hours.items()}
        lines.append(
            {"method": name, "network": m["network"], "evaluations": calls, "tflop": gflop / 1e3, "hours": hours}
        )
    return lines


def number(value: float) -> str:
    """Two digits, without an exponent."""
    return f"{value:.2g}" if value < 10 else f"{round(value, 2 - len(str(int(value)))):,.0f}"


def tables(r: dict[str, Any], whole: dict[str, Any]) -> str:
    """Both tables and where they come from."""
    p, lines = r["provenance"], jobs(r, whole)
    total = {where: sum(line["hours"][where] for line in lines) for where in lines[0]["hours"]}
    out = [
        f"A method has {r['cases']:,} jobs: 68 photographs, 8 kernels, 2 peaks. Counted: the evaluations of the network in a job "
        "and the operations that they take. Measured: hours of one core, as evaluations times the seconds of one, and iterations "
        "times the seconds of all else in them. **Estimated**: hours of a card.",
        "",
        "| method | network | evaluations | Tflop a job | hours, one core | "
        + " | ".join(f"hours, {card}" for card in CARDS)
        + " |",
        "|---|---|---|---|---|" + "---|" * len(CARDS),
    ]
    for line in lines:
        hours = " | ".join(number(line["hours"][where]) for where in total)
        out.append(
            f"| {line['method']} | `{line['network']}` | {line['evaluations']} | {number(line['tflop'])} | {hours} |"
        )
    out += [
        f"| **all** | | | | {' | '.join(f'**{number(total[where])}**' for where in total)} |",
        "",
        "The jobs are independent, so that a Dask cluster of N workers, each with a core or a card of its own, divides the hours "
        "of the whole table by N:",
        "",
        "| workers | " + " | ".join(("hours, a core each", *(f"hours, {card} each" for card in CARDS))) + " |",
        "|---|---|" + "---|" * len(CARDS),
        *(f"| {n} | {' | '.join(number(total[where] / n) for where in total)} |" for n in WORKERS),
        "",
        "What is left out: the tuning, whose pictures are a tenth as large, reading and writing, and, on a card, the fidelity's "
        "part of an iteration. A card is taken to sustain a fifth of the rate that its maker promises for TF32, and "
        f"to need {1e6 * CARDS['a card of 15 Tflop/s'][1]:.0f} microseconds to launch a kernel; no card "
        "was measured.",
        "",
        f"`python benchmarks/full_scale.py`, torch {p['torch']}, {p['device']}, one thread, commit {p['commit']}. Seconds "
        "are those of the processor; other programs were running, which slows it a little.",
    ]  # fmt: skip
    return "\n".join(out)


def main(arguments: list[str]) -> int:
    """Write, or check."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    whole = json.loads(JOBS.read_text(encoding="utf-8"))
    new = f"{before}{BEGIN}\n\n{tables(results, whole)}\n\n{END}{rest.partition(END)[2]}"
    if arguments == ["--check"]:
        if new != text:
            print(
                "book/full-scale.md does not agree with benchmarks/results/full_scale.json: run python tools/full_scale_page.py."
            )
            return 1
        return 0
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
