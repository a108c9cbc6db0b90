"""Sphinx extension: after the build, take from the site what no page needs, and finish the pages' outputs and pictures.

The theme sends 1.5 MB of Font Awesome as a script, besides the same icons as a font: the font is kept, cut down to the
icons that occur. It also loads the search index on every page, though only the page of the search reads it, and style sheets
of which pages use a third (lean_styles.py). Source maps are for the theme's authors.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from lean_styles import cut_styles
from outputs import readable
from pictures import Shelf

UNUSED_SCRIPTS = re.compile(r'\s*<script\b[^>]*src="[^"]*(?:scripts/fontawesome\.js|design-tabs\.js)[^"]*"></script>')
SEARCH_SCRIPTS = re.compile(
    r'\s*<script\b[^>]*src="[^"]*(?:_static/searchtools\.js|_static/language_data\.js|searchindex\.js)[^"]*"></script>'
)
UNUSED_STYLE = re.compile(r"\s*<link\b[^>]*sphinx-thebe\.css[^>]*/?>")  # of the live kernels, which are not offered
LATER = re.compile(  # scripts that wait for the whole page anyway need not hold up its first picture
    r'<script (?=src="[^"]*_static/'
    r"(?:doctools|sphinx_highlight|clipboard\.min|copybutton|togglebutton|scripts/sphinx-book-theme)\.js)"
)
NAMELESS = '<summary><span class="toctree-toggle"'  # the theme's arrows say nothing to who cannot see them
NAMED = '<summary aria-label="the pages below this one"><span class="toctree-toggle"'
# the bibliography says it is a list; its entries must then be items of it (their own role is deprecated)
ENTRY, ITEM = 'role="doc-biblioentry"', 'role="listitem"'
ICON_RULE = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"\\([0-9a-f]+)"\}')
FONT = re.compile(r"url\(\.\./vendor/fontawesome/webfonts/fa-([\w-]+)\.woff2\) format\(\"woff2\"\),")
CSS = "_static/styles/pydata-sphinx-theme.css"
FONTS = "_static/vendor/fontawesome/webfonts"


def finish(app: Any, error: Exception | None) -> None:
    """Finish each page, then the files that pages share."""
    if error or app.builder.format != "html":
        return
    out = Path(app.outdir)
    shelf, words = Shelf(out / "_images"), set()
    for path in out.rglob("*.html"):
        text = UNUSED_STYLE.sub("", UNUSED_SCRIPTS.sub("", path.read_text(encoding="utf-8")))
        if path.name != "search.html":
            text = LATER.sub("<script defer ", SEARCH_SCRIPTS.sub("", text))
        words |= set(re.findall(r"\bfa-[\w-]+", text))
        text = text.replace(NAMELESS, NAMED).replace(ENTRY, ITEM)
        path.write_text(shelf.page(readable(text)), encoding="utf-8")
    for script in ("sphinx-book-theme.js", "pydata-sphinx-theme.js"):
        words |= set(re.findall(r"\bfa-[\w-]+", (out / "_static/scripts" / script).read_text(encoding="utf-8")))
    cut_icons(out, words)
    for name in shelf.served:  # replaced by something lighter
        if not shelf.drawn[name] and shelf.served[name] != name:
            (out / "_images" / name).unlink()
    for path in [*out.rglob("*.map"), *out.rglob("fontawesome.js*"), *out.rglob("sphinx-thebe.*"), out / ".buildinfo"]:
        path.unlink(missing_ok=True)
    for folder in ("_static/locales", "_sphinx_design_static"):
        shutil.rmtree(out / folder, ignore_errors=True)
    cut_styles(out, Path(app.doctreedir) / "styles")


def cut_icons(out: Path, words: set[str]) -> None:
    """Keep the rules and the glyphs of the icons that pages name, and of those that other rules of the theme show."""
    css = out / CSS
    text = css.read_text(encoding="utf-8")
    if not ICON_RULE.search(text):
        return  # cut by an earlier build
    bare = ICON_RULE.sub("", text)
    codes = set(re.findall(r"\\(f[0-9a-f]{3})\b", bare))
    codes |= {f"{ord(sign):x}" for sign in re.findall("[\uf000-\uf8ff]", bare)}  # of boxes: written as themselves

    def keep(match: re.Match[str]) -> str:
        names = [name for name in re.findall(r"\.(fa-[\w-]+):before", match[1]) if name in words]
        codes.update({match[2]} if names else ())
        return f'{",".join(f".{n}:before" for n in names)}{{content:"\\{match[2]}"}}' if names else ""

    text = FONT.sub("", ICON_RULE.sub(keep, text)).replace("/*# sourceMappingURL=pydata-sphinx-theme.css.map*/", "")
    css.write_text(text, encoding="utf-8")
    for font in list((out / FONTS).glob("*")):
        if font.suffix == ".ttf":
            subset_font(font, {int(code, 16) for code in codes if len(code) <= 5})
        else:
            font.unlink()


def subset_font(path: Path, codes: set[int]) -> None:
    """Write the font with these characters alone."""
    import logging

    from fontTools import subset

    logging.getLogger("fontTools").setLevel(logging.WARNING)

    options = subset.Options(notdef_outline=True, ignore_missing_unicodes=True)
    font = subset.load_font(str(path), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=codes)
    subsetter.subset(font)
    subset.save_font(font, str(path), options)
    font.close()


def setup(app: Any) -> dict[str, bool]:
    """Register."""
    app.connect("build-finished", finish, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
