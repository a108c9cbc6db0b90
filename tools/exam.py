"""The exam: its questions stand in the instructor's guide, its model answers in a file that is no part of the website."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GUIDE, ANSWERS = ROOT / "book" / "teaching.md", ROOT / "teaching" / "exam_answers.md"
QUESTION = re.compile(r"^(\d+)\. \((\d+) points?(?:, notebooks? [\d, and]+)?\) ", re.M)
ANSWER = re.compile(r"^## (\d+)\. \((\d+) points?\)$", re.M)


def section(text: str) -> str:
    """The part of the guide below the heading "Exam questions"."""
    found = re.search(r"^## Exam questions\n(.*?)(?=^## |\Z)", text, flags=re.M | re.S)
    if found is None:
        raise ValueError(f"{GUIDE.name} has no section '## Exam questions'.")
    return found[1].strip()


def points(pattern: re.Pattern[str], text: str) -> dict[int, int]:
    """Points by number of the question."""
    return {int(number): int(worth) for number, worth in pattern.findall(text)}


def faults() -> list[str]:
    """One sentence for each question whose answer is missing or has other points; and if the numbers are not 1, 2, ..."""
    asked = points(QUESTION, section(GUIDE.read_text(encoding="utf-8")))
    answered = points(ANSWER, ANSWERS.read_text(encoding="utf-8"))
    out = [] if list(asked) == list(range(1, len(asked) + 1)) else [f"the questions are numbered {list(asked)}"]
    for number in sorted(asked.keys() | answered.keys()):
        if asked.get(number) != answered.get(number):
            out.append(f"question {number} has {asked.get(number)} points, its answer {answered.get(number)}")
    return out


def sheet() -> str:
    """The questions as a page of their own."""
    return "# Exam questions\n\n" + section(GUIDE.read_text(encoding="utf-8")) + "\n"
