"""Sphinx extension: what pages show besides text: quizzes that answer, two pictures under one slider, computed tables.

A quiz is written as

    ```{quiz} The question, with $formulas$?
    - a wrong answer :: why it is wrong
    + the right answer :: why it is right
    ```

Without a script, and on paper, every explanation is shown. `{minutes} 00-03` is the table of these notebooks with their
computed minutes, `{plan} week` a plan of lessons with them, `{timings}` the seconds in which each was executed,
`{versions}` what the site was built with.
"""

from __future__ import annotations

import html
import json
import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive, directives
from docutils.statemachine import StringList

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import plan
import reading

PARTS = ("python", "torch", "numpy", "scipy", "matplotlib", "scikit-image", "jupyterlab", "jupyter-book", "sphinx")


def raw(text: str) -> nodes.raw:
    """HTML as it is."""
    return nodes.raw("", text, format="html")


class Quiz(Directive):
    """A question with choices; the one chosen is judged, with the reason."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        """The question as a group of radio buttons."""
        lines: list[str] = []
        for line in self.content:  # an indented line goes on with the one above
            lines[len(lines) - line.startswith(" ") :] = [
                f"{lines[-1]} {line.strip()}" if line.startswith(" ") else line
            ]
        choices: list[tuple[bool, str, str]] = []
        for line in filter(str.strip, lines):
            mark, _, rest = line.partition(" ")
            answer, split, why = rest.partition(" :: ")
            if mark not in "+-" or not split:
                raise self.error(
                    f"a choice is '- answer :: why', or '+ answer :: why' if it is right; this is {line!r}."
                )
            choices.append((mark == "+", answer, why))
        if sum(right for right, _, _ in choices) != 1:
            raise self.error("a quiz needs exactly one right answer, marked by '+'.")
        name = f"quiz-{self.state.document.settings.env.new_serialno('quiz')}"
        out: list[nodes.Node] = [
            raw('<fieldset class="quiz"><legend>'),
            *self.inline(self.arguments[0]),
            raw("</legend>"),
        ]
        for k, (right, answer, _) in enumerate(choices):
            mark = ' data-right="1"' if right else ""
            out += [
                raw(f'<label><input type="radio" name="{name}" value="{k}"{mark}> '),
                *self.inline(answer),
                raw("</label>"),
            ]
        out.append(raw('<div role="status">'))
        for k, (right, _, why) in enumerate(choices):
            word, mark = ("Right.", ' data-right="1"') if right else ("No.", "")
            out += [
                raw(f'<p class="why" data-choice="{k}"{mark}><strong>{word}</strong> '),
                *self.inline(why),
                raw("</p>"),
            ]
        return [*out, raw("</div></fieldset>")]

    def inline(self, text: str) -> list[nodes.Node]:
        """Markdown in one line, in a box of its own, since links must stand in text."""
        return [nodes.inline("", "", *self.state.inline_text(text, self.lineno)[0])]


class Compare(Directive):
    """Two pictures of one size, before and after, with a slider that moves the border between them."""

    required_arguments = 2
    option_spec = dict.fromkeys(("alt", "labels"), directives.unchanged_required)
    has_content = False

    def run(self) -> list[nodes.Node]:
        """Both pictures, one over the other."""
        before, after = self.options["labels"].split(" | ")
        alt = self.options["alt"]
        slider = (
            f'<label>{html.escape(before)}<input type="range" min="0" max="100" value="50" '
            f'aria-label="{html.escape(f"border between: {before}, and: {after}")}" aria-valuetext="50 % {html.escape(after)}">'
            f"{html.escape(after)}</label>"
        )
        first = nodes.image(uri=self.arguments[0], alt=f"{alt}: {before}")
        second = nodes.image(uri=self.arguments[1], alt=f"{alt}: {after}")
        box = nodes.container("", first, nodes.container("", second, classes=["after"]), classes=["compare"])
        return [nodes.container("", box, raw(f'<div class="compare-slider">{slider}</div>'), classes=["compare-box"])]


class Computed(Directive):
    """A table written at build time; as Markdown, so that links and formulas work."""

    optional_arguments = 1
    has_content = False

    def run(self) -> list[nodes.Node]:
        """The parsed table."""
        box = nodes.container()
        lines = TABLES[self.name](*self.arguments)
        self.state.nested_parse(StringList(lines, source=self.name), 0, box)
        return box.children


def titles(pattern: str) -> list[tuple[Path, str]]:
    """Source and title of the notebooks whose number lies in a range such as 00-03."""
    first, _, last = pattern.partition("-")
    found = []
    for source in sorted((ROOT / "notebooks" / "src").glob("[0-9][0-9]_*.py")):
        if int(first) <= int(source.stem[:2]) <= int(last or first):
            text = source.read_text(encoding="utf-8")
            title = re.search(r"^# # (.+)$", text, flags=re.M)
            found.append((source, title[1] if title else source.stem))
    return found


def minutes(pattern: str) -> list[str]:
    """The notebooks of a part with their minutes."""
    rows, sums = [], [0, 0]
    for source, title in titles(pattern):
        core, full = reading.minutes(source)
        sums = [sums[0] + core, sums[1] + full]
        rows.append(f"| [{source.stem[:2]} {title}](/notebooks/{source.stem}.ipynb) | {core} | {full} |")
    return [
        "| notebook | core minutes | all |", "|---|---|---|", *rows,
        f"| together | {sums[0]} ({sums[0] / 60:.1f} h) | {sums[1]} ({sums[1] / 60:.1f} h) |",
    ]  # fmt: skip


def timings() -> list[str]:
    """The seconds in which each notebook was executed, as `python tools/nb.py time --write` stored them after a test."""
    rows, noted = [], ROOT / "notebooks" / "seconds.json"
    seconds = json.loads(noted.read_text(encoding="utf-8")) if noted.exists() else {}
    for source, title in titles("00-99"):
        path = source.parents[1] / f"{source.stem}.ipynb"
        cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
        facts = (len(cells), seconds.get(source.stem, "not yet measured"), f"{path.stat().st_size / 1e6:.1f}")
        link = f"[{source.stem[:2]} {title}](/notebooks/{source.stem}.ipynb)"
        rows.append("| " + " | ".join(map(str, (link, *facts))) + " |")
    return ["| notebook | cells of code | seconds | MB |", "|---|---|---|---|", *rows]


def versions() -> list[str]:
    """The versions with which this site was built."""
    import pnp_course

    found = {"pnp_course": pnp_course.__version__}
    for part in PARTS:
        found[part] = sys.version.split()[0] if part == "python" else version(part)
    return ["| package | version |", "|---|---|", *(f"| {name} | {number} |" for name, number in found.items())]


class Plan(Directive):
    """A plan of lessons whose minutes are computed from the notebooks: `{plan} week`, and lines as in tools/plan.py."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        """The parsed table."""
        box = nodes.container()
        try:
            lines = plan.table(self.arguments[0], list(self.content), ROOT / "notebooks" / "src")
        except ValueError as error:
            raise self.error(str(error)) from error
        self.state.nested_parse(StringList(lines, source=self.name), 0, box)
        return box.children


TABLES = {"minutes": minutes, "timings": timings, "versions": versions}


def setup(app: Any) -> dict[str, bool]:
    """Register."""
    app.add_directive("quiz", Quiz)
    app.add_directive("compare", Compare)
    app.add_directive("plan", Plan)
    for name in TABLES:
        app.add_directive(name, Computed)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
