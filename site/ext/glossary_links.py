"""Sphinx extension: on every page, each term of the glossary is linked where it first stands in running text.

Notebooks stay plain Markdown, and nobody has to remember the link. Headings, code, formulas, captions of figures and
text that is a link already are left alone, and so is a word that means something else where it stands
(`glossary_exceptions`).
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from glossary_exceptions import fits
from sphinx import addnodes

GLOSSARY = "book/glossary"
SKIPPED = (
    nodes.title, nodes.rubric, nodes.reference, nodes.literal, nodes.literal_block, nodes.math, nodes.math_block,
    nodes.raw, nodes.term, nodes.comment, nodes.caption, nodes.citation, nodes.footnote_reference, nodes.image,
    addnodes.desc_signature, nodes.field_name,
)  # fmt: skip


def pattern(terms: list[str]) -> re.Pattern[str]:
    """Any of the terms as whole words, also in the plural; longer ones first, so that they win. MAP is not a map."""
    spaced = (re.sub(r"\s+", r"\\s+", re.escape(term).replace("\\ ", " ")) for term in terms)
    words = sorted((word if word.isupper() else f"(?i:{word})" for word in spaced), key=len, reverse=True)
    return re.compile(rf"(?<![\w-])({'|'.join(words)})s?(?![\w-])")


def link_first_uses(app: Any, doctree: nodes.document, page: str) -> None:
    """Replace in `doctree` the first mention of each term by a link to its definition."""
    objects = app.env.get_domain("std").objects
    wanted = {
        term: anchor
        for (kind, term), (where, anchor) in objects.items()
        if kind == "term" and where == GLOSSARY != page
    }
    target = app.builder.get_relative_uri(page, GLOSSARY)
    join_lines(doctree)
    for text in list(doctree.findall(nodes.Text)):
        if not wanted:
            return
        if any(isinstance(above, SKIPPED) for above in ancestors(text)):
            continue
        pieces = split(str(text), wanted, target, page)
        if len(pieces) > 1:
            text.parent.replace(text, pieces)


def join_lines(doctree: nodes.document) -> None:
    """Make one text of neighbouring ones: each line of the source is a node of its own, and terms cross lines."""
    for parent in {text.parent for text in doctree.findall(nodes.Text)}:
        children: list[nodes.Node] = []
        for child in parent.children:
            if children and isinstance(child, nodes.Text) and isinstance(children[-1], nodes.Text):
                children[-1] = nodes.Text(str(children[-1]) + str(child))
            else:
                children.append(child)
        parent.children = []
        parent.extend(children)


def ancestors(node: nodes.Node) -> list[nodes.Node]:
    """All nodes around one."""
    found = []
    while (node := node.parent) is not None:
        found.append(node)
    return found


def split(text: str, wanted: dict[str, str], target: str, page: str) -> list[nodes.Node]:
    """The text in pieces, with links; terms that got theirs leave `wanted`."""
    pieces: list[nodes.Node] = []
    begin = look = 0
    while wanted and (match := pattern(list(wanted)).search(text, look)):
        found = " ".join(match[1].lower().split())
        term = next(term for term in wanted if term.lower() == found)
        look = match.end()
        if not fits(term, page, text[: match.start()], text[match.end(1) :]):
            continue
        link = nodes.reference("", match[0], internal=True, refuri=f"{target}#{wanted.pop(term)}", classes=["term"])
        pieces += [nodes.Text(text[begin : match.start()]), link]
        begin = look
    return [*pieces, nodes.Text(text[begin:])]


def setup(app: Any) -> dict[str, bool]:
    """Register."""
    app.connect("doctree-resolved", link_first_uses)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
