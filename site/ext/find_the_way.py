"""Sphinx extension: notebooks carry their numbers in the navigation, and the search knows names with foreign letters.

A search for "Lojasiewicz" finds Łojasiewicz: each word with a letter outside ASCII is also indexed without its marks.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from docutils import nodes
from sphinx.search import languages
from sphinx.search.en import SearchEnglish

NUMBERED = re.compile(r"notebooks/(\d\d)_")
STROKES = str.maketrans({"Ł": "L", "ł": "l", "ø": "o", "Ø": "O", "đ": "d", "ß": "ss"})


def plain(word: str) -> str:
    """The word in ASCII, as one types it on another keyboard."""
    return unicodedata.normalize("NFKD", word.translate(STROKES)).encode("ascii", "ignore").decode()


class FoldedEnglish(SearchEnglish):
    """English, where words with marks can be found without them."""

    def split(self, input: str) -> list[str]:
        """The words of a text, and those with marks a second time without."""
        words = super().split(input)
        return words + [plain(word) for word in words if not word.isascii() and len(plain(word)) > 2]


def number_titles(app: Any, env: Any) -> list[str]:
    """Put the number of a notebook before its title, wherever the title is shown outside its own page."""
    for page in sorted(env.found_docs):
        if match := NUMBERED.match(page):
            links = list(env.tocs[page].findall(nodes.reference))[:1] if page in env.tocs else []
            for title in (env.titles.get(page), env.longtitles.get(page), *links):
                if title is not None and not title.astext().startswith(match[1]):
                    title.insert(0, nodes.Text(f"{match[1]} "))
    return []


def setup(app: Any) -> dict[str, bool]:
    """Register."""
    languages["en"] = FoldedEnglish
    app.connect("env-updated", number_titles)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
