"""Pieces of the benchmarks page: where a table comes from, and the table."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]


def measured(results: Row, script: str) -> str:
    """Where a table comes from."""
    p = results["provenance"]
    count = results.get("threads")
    threads = f", {count} thread{'s' * (count != 1)}" if count else ""
    return f"`python benchmarks/{script}`, torch {p['torch']}, {p['device']}{threads}, commit {p['commit']}."


def table(head: list[str], rows: list[list[Any]]) -> list[str]:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    return lines + ["| " + " | ".join("" if cell is None else str(cell) for cell in row) + " |" for row in rows]
