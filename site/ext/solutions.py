"""Sphinx extension: an exercise has one box with its solution, the words first, then the code.

In a notebook the words stand below the exercise, the reader's own cell follows, and then a cell with the solution in code,
tagged `solution`. On a page these would be two boxes of one name, the first of them above the cell in which to try. So the
words are moved down to the code, and both are put into the box that the words had.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

OPENS = re.compile(r"<details>\s*<summary>Solution</summary>\s*$")


def box_of(opening: nodes.raw) -> list[nodes.Node]:
    """The nodes from the one that opens a box to the one that closes it; boxes inside belong to it."""
    siblings = opening.parent.children[opening.parent.index(opening) :]
    depth = 0
    for k, node in enumerate(siblings):
        if isinstance(node, nodes.raw):
            depth += node.astext().count("<details") - node.astext().count("</details")
            if depth <= 0:
                return siblings[: k + 1]
    return []


def alone(node: nodes.raw) -> nodes.raw | None:
    """The node that opens the box of a solution and nothing else, or None; a hint's end may stand in the same node."""
    match = OPENS.search(node.astext())
    if match is None or match.start() == 0:
        return node if match else None
    before, opening = node.astext()[: match.start()], nodes.raw("", match[0], format="html")
    node.parent.insert(node.parent.index(node), nodes.raw("", before, format="html"))
    node.parent.replace(node, opening)
    return opening


def join(document: nodes.document) -> None:
    """Put each solution in code into the box of the words above it."""
    words: list[nodes.Node] = []
    for node in list(document.findall()):
        if isinstance(node, nodes.raw) and (opening := alone(node)):
            words = box_of(opening)
        elif isinstance(node, nodes.container) and "tag_solution" in node["classes"] and words:
            for piece in words:
                piece.parent.remove(piece)
            node.attributes.pop("hide_mode", None)
            place = node.parent.index(node)
            node.parent.insert(place + 1, words[-1])
            node.parent.insert(place, words[:-1])
            words = []


class OneBox(SphinxPostTransform):
    """Before myst-nb, at 199, hides the cells."""

    default_priority = 190
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Change the page."""
        join(self.document)


def setup(app: Any) -> dict[str, bool]:
    """Register."""
    app.add_post_transform(OneBox)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
