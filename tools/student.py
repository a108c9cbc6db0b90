"""Copies of the notebooks for students: without outputs, without given solutions, which stand on the website.

The website's address follows from `_config.yml`: `html: baseurl`, or else the address that GitHub gives the pages of
`repository: url`. While neither is set, the copies name the website without a link.
"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import yaml
from docutils.nodes import make_id

SOLUTION = re.compile(r"<details>\s*<summary>Solution.*?</details>", re.S)
HEADING = re.compile(r"^#+ (.*)$", re.M)
REPOSITORY = re.compile(r"https://github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?")


def site_address(repository: str, stated: str = "") -> str:
    """Where the site stands: as stated, else GitHub's address for the pages of this repository, else "" (not known)."""
    if stated:
        return stated.rstrip("/") + "/"
    match = REPOSITORY.fullmatch(repository)
    return f"https://{match[1].lower()}.github.io/{match[2]}/" if match else ""


def website(config: Path) -> str:
    """The address of the website, without a slash at its end; "" if the settings do not say it."""
    settings = yaml.safe_load(config.read_text(encoding="utf-8")) if config.exists() else {}
    stated = str((settings.get("html") or {}).get("baseurl") or "")
    return site_address(str((settings.get("repository") or {}).get("url") or ""), stated).rstrip("/")


def anchor(text: str, otherwise: str) -> str:
    """The id that the last heading in a Markdown text has on the website."""
    headings = HEADING.findall(text)
    return make_id(headings[-1].replace("$", "")) if headings else otherwise


def copy(notebook: nbformat.NotebookNode, name: str, site: str) -> nbformat.NotebookNode:
    """The notebook without cells tagged `solution`; in the place of each folded solution a link to its section."""
    section = ""
    notebook.cells = [c for c in notebook.cells if "solution" not in c.metadata.get("tags", [])]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text, parts, at = cell.source, [], 0
            for solution in SOLUTION.finditer(text):
                section = anchor(text[at : solution.start()], section)
                where = f"[the website]({site}/notebooks/{name}.html#{section})" if site else "the website"
                parts += [text[at : solution.start()], f"*(solution: on {where})*"]
                at = solution.end()
            cell.source = "".join([*parts, text[at:]])
            section = anchor(text[at:], section)
    return notebook


def links(notebook: nbformat.NotebookNode, site: str) -> nbformat.NotebookNode:
    """The notebook with links that work anywhere: they lead to the website, or are left out while it has no address."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            if site:
                cell.source = re.sub(r"\]\(\.\./(book/[\w/-]+)\.md", rf"]({site}/\1.html", cell.source)
                cell.source = re.sub(r"\]\((\d\d_\w+)\.ipynb", rf"]({site}/notebooks/\1.html", cell.source)
            else:
                cell.source = re.sub(r"\[([^\]]+)\]\((?:\.\./book/|\d\d_)[^)]*\)", r"\1", cell.source)
    return notebook
