"""After the build: style sheets without the rules that no page can use.

Themes bring rules for every part of Bootstrap and of themselves. A rule stays if each class that its selector asks for is
written in some page, or occurs as a word in some script, which may add it later. Classes inside `:not(...)` and the like
are not asked for, so they are not looked at, and neither are identifiers, elements and attributes.
"""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tinycss2

MARK = "/* unused rules are removed */"
CLASSES = re.compile(r"""\bclass=(?:"([^"]*)"|'([^']*)')""")
NESTED = {"media", "supports", "layer", "container"}  # rules that hold rules


def names(out: Path) -> set[str]:
    """Every class of every page, and every word of every script."""
    found: set[str] = set()
    for page in out.rglob("*.html"):
        for quoted in CLASSES.findall(page.read_text(encoding="utf-8")):
            found.update("".join(quoted).split())
    for script in out.rglob("*.js"):
        if "vendor" not in script.parts and script.name not in ("data.js", "searchindex.js"):
            found.update(re.findall(r"[\w-]+", script.read_text(encoding="utf-8")))
    return found


def alternatives(selectors: list[Any]) -> list[list[Any]]:
    """The selectors between the commas."""
    parts: list[list[Any]] = [[]]
    for token in selectors:
        if token == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def usable(selector: list[Any], known: set[str]) -> bool:
    """Is every class of the selector known?"""
    pairs = itertools.pairwise(selector)
    return all(name.value in known for dot, name in pairs if dot == "." and name.type == "ident")


def kept(rules: Iterable[Any], known: set[str]) -> str:
    """The rules that some page can use, as text."""
    out = []
    for rule in rules:
        if rule.type == "qualified-rule":
            left = [part for part in alternatives(rule.prelude) if usable(part, known)]
            if left:
                selector = ",".join(tinycss2.serialize(part).strip() for part in left)
                out.append(f"{selector}{{{tinycss2.serialize(rule.content).strip()}}}")
        elif rule.type == "at-rule" and rule.content is not None and rule.lower_at_keyword in NESTED:
            inside = kept(tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True), known)
            if inside:
                out.append(f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inside}}}")
        else:
            out.append(rule.serialize())
    return "".join(out)


def lean(text: str, known: set[str]) -> str:
    """A style sheet without what no page can use, and without comments between rules."""
    return MARK + kept(tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True), known)


def cut_styles(out: Path, originals: Path) -> None:
    """Cut the style sheets of a built site; whole ones are kept in `originals`, for a later build with other pages."""
    known = names(out)
    for sheet in (out / "_static").rglob("*.css"):
        whole = originals / sheet.relative_to(out)
        if not sheet.read_text(encoding="utf-8").startswith(MARK):  # Sphinx has written it anew
            whole.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(sheet, whole)
        if whole.exists():
            sheet.write_text(lean(whole.read_text(encoding="utf-8"), known), encoding="utf-8")
