"""Sphinx extension: "download this notebook" brings the notebook and says what it needs; and the page for wrong addresses."""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import jupytext
import nb
import nbformat
import reading
import student

FOLDER = "_downloads"
README = """{title}

Needed: Python 3.11 or newer, 4 GB of disk, a network for this one command:

    {install}

It installs the course's library with all denoisers and pictures that the notebook uses; nothing is downloaded later. Then:

    jupyter lab {name}.ipynb

To work through the notebook takes about {minutes}.{address}
"""
LOST = """<h1>This page does not exist</h1>
<p>It may have got another name. The list of contents is at the side, and the search knows all pages:</p>
<ul><li><a href="index.html">the first page</a></li><li><a href="search.html">search</a></li></ul>"""


def install_line(repository: str) -> str:
    """The one command that makes a notebook run."""
    if repository:
        return f'python -m pip install "pnp_course[notebooks] @ git+{repository.rstrip("/")}"'
    return 'python -m pip install -e ".[notebooks]"     (in a copy of the course\'s repository)'


def notebook_of(source: Path, base: str) -> nbformat.NotebookNode:
    """A notebook without outputs, whose links lead to the website, or are left out where it has no address yet."""
    notebook = jupytext.read(source)
    student.links(notebook, base.rstrip("/"))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": {"name": "python"}})
    return notebook


def pack(app: Any, error: Exception | None) -> None:
    """Write one zip for each notebook."""
    if error or app.builder.format != "html":
        return
    folder, base = Path(app.outdir) / FOLDER, app.config.html_baseurl
    folder.mkdir(exist_ok=True)
    nb.zip_copies(folder / nb.STUDENT_ZIP)
    for source in sorted((ROOT / "notebooks" / "src").glob("[0-9]*.py")):
        if f"notebooks/{source.stem}" not in app.env.found_docs:
            continue
        notebook = notebook_of(source, base)
        title = re.search(r"^# (.+)$", notebook.cells[0].source, flags=re.M)
        time = reading.duration(*reading.minutes(source))
        repository = app.config.html_theme_options.get("repository_url", "")
        words = README.format(
            title=title[1] if title else source.stem, install=install_line(repository),
            name=source.stem, minutes=time, address=f"\nWith figures: {base}notebooks/{source.stem}.html" if base else "",
        )  # fmt: skip
        with zipfile.ZipFile(folder / f"{source.stem}.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
            zipped.writestr("README.txt", words)
            zipped.writestr(f"{source.stem}.ipynb", nbformat.writes(notebook))


def offer(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Put the zip into the menu of downloads of a notebook; and let the page for wrong addresses find its files."""
    if pagename == "404" and app.config.html_baseurl:
        context["metatags"] = f'<base href="{urlsplit(app.config.html_baseurl).path}">' + context.get("metatags", "")
    for group in context.get("header_buttons", []):  # sources are not part of the site
        if "buttons" in group:
            group["buttons"] = [b for b in group["buttons"] if not b.get("url", "").endswith("_sources/")]
    if not pagename.startswith("notebooks/") or "header_buttons" not in context:
        return
    link = {
        "type": "link", "text": "notebook (.zip)", "icon": "fas fa-file", "label": "download-notebook-button",
        "tooltip": "Download this notebook, with what it needs to run",
        "url": context["pathto"](f"{FOLDER}/{pagename.removeprefix('notebooks/')}.zip", 1),
    }  # fmt: skip
    for group in context["header_buttons"]:
        if group.get("label") == "download-buttons":
            group["buttons"].insert(0, link)
            return
    context["header_buttons"].append(link)


def lost(app: Any) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The page that hosts of static sites show for a wrong address."""
    yield "404", {"title": "Not found", "body": LOST}, "page.html"


def setup(app: Any) -> dict[str, bool]:
    """Register after the theme's own handlers."""
    app.connect("html-page-context", offer, priority=901)
    app.connect("html-collect-pages", lost)
    app.connect("build-finished", pack, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
