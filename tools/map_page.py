"""Write the map of the course, book/map.svg and book/map.md, from the rules: python tools/map_page.py [--check]."""

from __future__ import annotations

import sys
from pathlib import Path

from pnp_course.viz import course_map

BOOK = Path(__file__).resolve().parent.parent / "book"

ALT = (
    "Map: conditions on the denoiser on the left, from proximal operators of convex functions to none; on the right, by arrows, "
    "the algorithms that have a theorem under each, coloured by how they touch the fidelity"
)
PAGE = """<!-- written by tools/map_page.py from pnp_course.guarantees.RULES -->
```{{image}} map.svg
:alt: {alt}
:width: 700px
```

*Each condition buys the algorithms at its right. The words behind an arrow say what a run comes to. Most theorems ask
something of the parameters, too: the [page of the guarantees](guarantees.md) has every hypothesis.*

{table}
Without a theorem: {without}.
"""


def files() -> dict[Path, str]:
    """Path -> text of both files."""
    page = PAGE.format(alt=ALT, table=course_map.table(), without=course_map.without())
    return {BOOK / "map.svg": course_map.picture(), BOOK / "map.md": page}


if __name__ == "__main__":
    for path, text in files().items():
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            raise SystemExit(f"map_page: book/{path.name} does not agree with the rules: run python tools/map_page.py")
