"""Sphinx extension: what search engines, readers who share a page and people who found an error need from a page.

The addresses follow from one setting, `repository: url` in _config.yml. While it is empty, none of them is shown: an
absent link is better than a dead one.
"""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path
from typing import Any

from docutils import nodes

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from student import REPOSITORY, site_address

LONGEST = 200  # characters of a description
CARD = "_static/card.png"


def launch_addresses(repository: str, branch: str, page: str) -> dict[str, str]:
    """Name -> address of the services that open a notebook of the repository; empty while the repository is not known."""
    match = REPOSITORY.fullmatch(repository)
    if not match:
        return {}
    name = f"{match[1]}/{match[2]}"
    return {
        "Colab": f"https://colab.research.google.com/github/{name}/blob/{branch}/{page}.ipynb",
        "Codespaces": f"https://codespaces.new/{name}?quickstart=1",
        "Binder": f"https://mybinder.org/v2/gh/{name}/{branch}?urlpath=lab/tree/{page}.ipynb",
    }


def configure(app: Any, config: Any) -> None:
    """Set what the theme derives from the repository."""
    options = config.html_theme_options
    repository = options.get("repository_url", "")
    config.html_baseurl = site_address(repository, config.html_baseurl or "")
    for button in ("use_repository_button", "use_issues_button", "use_edit_page_button"):
        options[button] = bool(repository)
    options.setdefault("repository_branch", "main")
    options.pop("launch_buttons", None)
    if not repository:
        options.pop("repository_url", None)


def description(doctree: nodes.document | None) -> str:
    """The first paragraph of a page as one line, cut at a word."""
    if doctree is None:
        return ""
    for paragraph in doctree.findall(nodes.paragraph):
        copy = paragraph.deepcopy()
        for formula in list(copy.findall(nodes.math)):
            formula.replace_self(nodes.Text(formula.astext().replace("\\", "")))
        line = " ".join(copy.astext().split())
        if len(line) > 30:
            return line if len(line) <= LONGEST else line[:LONGEST].rsplit(" ", 1)[0] + " ..."
    return ""


def add_head(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Add description and card to a page, and the services that open a notebook."""
    words = description(doctree) or app.config.project
    title = re.sub(r"<[^>]+>", "", context.get("title") or app.config.project)
    facts = {"og:type": "article", "og:title": html.unescape(title), "og:description": words,
             "og:site_name": app.config.project}  # fmt: skip
    base = app.config.html_baseurl
    if base:
        facts |= {"og:url": context.get("pageurl") or base, "og:image": base + CARD,
                  "og:image:alt": "A photograph blurred by camera shake with few photons, and its restoration"}  # fmt: skip
    tags = [f'<meta name="description" content="{html.escape(words)}">']
    tags += [f'<meta property="{key}" content="{html.escape(value)}">' for key, value in facts.items()]
    tags += ['<meta name="twitter:card" content="summary_large_image">'] if base else []
    context["metatags"] = context.get("metatags", "") + "\n" + "\n".join(tags)
    buttons = context.get("header_buttons")
    if buttons is None or not pagename.startswith("notebooks/"):
        return
    options = app.config.html_theme_options
    services = launch_addresses(options.get("repository_url", ""), options["repository_branch"], pagename)
    if services:
        items = [
            {"type": "link", "text": name, "tooltip": f"Open in {name}", "icon": "fas fa-play", "url": address}
            for name, address in services.items()
        ]
        group = {"type": "group", "tooltip": "Run this notebook", "icon": "fas fa-rocket", "label": "launch-buttons"}
        buttons.append({**group, "buttons": items})


def draw_card(app: Any, error: Exception | None) -> None:
    """Draw the picture that is shown where somebody shares a page: what the camera saw, and what the course makes of it."""
    if error or app.builder.format != "html":
        return
    from matplotlib.figure import Figure
    from matplotlib.image import imread

    demo = Path(app.srcdir) / "book" / "demo"
    figure = Figure(figsize=(12, 6.3), dpi=100, facecolor="white")
    for k, (name, words) in enumerate({"observed": "50 photons a pixel at most", "coco-admm": "restored"}.items()):
        axes = figure.add_axes((0.03 + 0.39 * k, 0.06, 0.37, 0.7))
        axes.imshow(imread(demo / f"{name}.png"), interpolation="nearest")
        axes.set_title(words, fontsize=16, loc="left")
        axes.axis("off")
    figure.text(0.04, 0.88, app.config.project, fontsize=27, weight="bold")
    figure.text(0.83, 0.5, "A course.\n\nEvery\ntheorem\nproved,\nand tested.", fontsize=19, va="center")
    figure.savefig(Path(app.outdir) / CARD)


def setup(app: Any) -> dict[str, bool]:
    """Register: the setting before the theme reads it, the head after the theme's own handlers."""
    app.connect("config-inited", configure, priority=100)
    app.connect("html-page-context", add_head, priority=900)
    app.connect("build-finished", draw_card)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
