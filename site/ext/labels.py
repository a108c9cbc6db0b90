"""Sphinx extension: the bibliography shows each paper under the name and year with which the text cites it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pybtex.plugin import register_plugin
from pybtex.style.formatting.plain import Style as Plain
from pybtex.style.labels import BaseLabelStyle


def label(entry: Any) -> str:
    """As sphinxcontrib-bibtex cites in author-year style: one name, two names, or the first of more."""
    people = entry.persons.get("author") or entry.persons.get("editor") or []
    names = [" ".join([*person.prelast_names, *person.last_names]) for person in people]
    names = [name.replace("{", "").replace("}", "") for name in names]
    who = names[0] if len(names) == 1 else " and ".join(names) if len(names) == 2 else f"{names[0]} et al."
    return f"{who}, {entry.fields['year']}"


class AuthorYear(BaseLabelStyle):
    """Labels of the bibliography."""

    def format_labels(self, entries: list[Any]) -> Iterator[str]:
        """One label for each entry."""
        return map(label, entries)


class AuthorYearStyle(Plain):
    """The plain style with these labels."""

    default_label_style = AuthorYear


def setup(app: Any) -> dict[str, bool]:
    """Register."""
    register_plugin("pybtex.style.formatting", "author_year", AuthorYearStyle)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
