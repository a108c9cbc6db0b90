"""Write the tables of book/your_gpu.md from benchmarks/results/training.json: python tools/gpu_page.py [--check].

What is counted and measured is taken from the file. What a GPU would need is an estimate from these counts and from the rates
below, and the page says so.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS, PAGE = ROOT / "benchmarks" / "results" / "training.json", ROOT / "book" / "your_gpu.md"
BEGIN, END = "<!-- costs: written by tools/gpu_page.py -->", "<!-- end of the costs -->"
BATCH, STEPS = 128, 20_000  # of the estimate
# Tflop/s in bfloat16 and in TF32, and seconds for a launch: what such cards sustain on small convolutions is far below what their
# makers promise, so these are a fifth of the promised rates
CARDS = {"a card of 30 / 15 Tflop/s": (30, 15, 8e-6), "a card of 200 / 100 Tflop/s": (200, 100, 8e-6)}


def estimate(r: dict[str, Any], fast: float, exact: float, launch: float) -> float:
    """Seconds of a step of BATCH patches, all penalised: the larger of arithmetic and launches."""
    fit, penalty = BATCH * r["gflop_fit"] + r["gflop_optimizer"], BATCH * r["gflop_penalty"]
    return max(1e-3 * (fit / fast + penalty / exact), r["calls"] * launch)


def tables(results: dict[str, Any]) -> str:
    """Both tables and where they come from."""
    p, networks = results["provenance"], results["networks"]
    lines = [
        f"Measured by `python benchmarks/training.py` with torch {p['torch']} on one core ({p['device']}), commit {p['commit']}:",
        "",
        "| network | patches a step | penalised | seconds a step | steps of the preset | hours |",
        "|---|---|---|---|---|---|",
    ]
    for name, r in networks.items():
        c = r["cpu"]
        hours = c["seconds"] * c["steps"] / 3600
        patches = f"{c['batch']} of {r['patch']} x {r['patch']}"
        lines.append(f"| `{name}` | {patches} | {c['penalised']} | {c['seconds']:.2f} | {c['steps']:,} | {hours:.1f} |")
    lines += [
        "",
        f"Counted for a step of {BATCH} patches of which all are penalised, and **estimated** from that for two cards and "
        f"{STEPS:,} steps:",
        "",
        "| network | Tflop a step | calls of kernels | " + " | ".join(f"minutes, {card}" for card in CARDS) + " |",
        "|---|---|---|" + "---|" * len(CARDS),
    ]
    for name, r in networks.items():
        work = (BATCH * (r["gflop_fit"] + r["gflop_penalty"]) + r["gflop_optimizer"]) / 1e3
        minutes = [f"{STEPS * estimate(r, *card) / 60:.0f}" for card in CARDS.values()]
        lines.append(f"| `{name}` | {work:.2f} | {r['calls']:,} | {' | '.join(minutes)} |")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Write, or check."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    new = (
        f"{before}{BEGIN}\n\n{tables(json.loads(RESULTS.read_text(encoding='utf-8')))}\n\n{END}{rest.partition(END)[2]}"
    )
    if arguments == ["--check"]:
        if new != text:
            print(
                "book/your_gpu.md does not agree with benchmarks/results/training.json: run python tools/gpu_page.py."
            )
            return 1
        return 0
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
