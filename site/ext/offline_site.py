"""Sphinx extension: a built page asks for nothing outside the site, and loads only the scripts that it uses.

Jupyter Book 1 registers thebe (a live kernel service, loaded from elsewhere) on every page and adds inline scripts
twice, once with the file name None and once with "", which makes the browser report a redeclared name. MathJax is
registered on every notebook and on every page beside one, with formulas or without.
"""

from __future__ import annotations

import re
from typing import Any

FORMULA = re.compile(r'class="(?:[^"]* )?math\b')


def clean_scripts(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Keep each script of the page once, thebe's not at all, and MathJax's where there is a formula."""
    formulas = bool(FORMULA.search(context.get("body") or ""))
    seen: set[object] = set()
    keep = []
    for script in context["script_files"]:
        name = str(getattr(script, "filename", script) or "")
        attributes = getattr(script, "attributes", None) or {}
        key = (name, tuple(sorted(attributes.items())))
        if key in seen or "sphinx-thebe" in name or "THEBE_JS_URL" in attributes.get("body", ""):
            continue
        if "mathjax" in name and not formulas:
            continue
        seen.add(key)
        keep.append(script)
    context["script_files"] = keep


def setup(app: Any) -> dict[str, bool]:
    """Register after the theme's own handlers."""
    app.connect("html-page-context", clean_scripts, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
