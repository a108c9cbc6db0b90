"""The whole book as one PDF: python tools/course.py pdf, after which it is in _build/pnp_course.pdf.

Chromium prints each page of the built site, in the order of the contents, with everything folded opened. The pages are
joined with bookmarks, and a link from one page of the book to another leads there inside the PDF.
"""

from __future__ import annotations

import functools
import http.server
import io
import re
import shutil
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HTML, TARGET = ROOT / "_build" / "html", ROOT / "_build" / "pnp_course.pdf"
MARGINS = {"top": "16mm", "bottom": "16mm", "left": "14mm", "right": "14mm"}
LOADED = "[...document.images].every(i => i.complete || !i.getClientRects().length)"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


def chromium() -> str | None:
    """The browser of this machine."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


def contents() -> list[str]:
    """The pages of the book, in the order of the contents, without those of the reference to the library."""
    text = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    return [p for p in re.findall(r"(?:root|file): (\S+)", text) if not p.startswith("book/api/")]


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a line for each."""

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def printed(pages: list[str]) -> list[tuple[str, bytes]]:
    """Title and PDF of each page."""
    from playwright.sync_api import sync_playwright

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(HTML)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    site, out = f"http://127.0.0.1:{server.server_port}/", []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=FLAGS)
        tab = browser.new_page(viewport={"width": 800, "height": 1100})
        for page in pages:
            tab.goto(f"{site}{page}.html", wait_until="networkidle")
            tab.emulate_media(media="print")
            tab.evaluate("async () => { if (window.MathJax?.startup?.promise) await MathJax.startup.promise }")
            tab.wait_for_function(LOADED)
            title = tab.evaluate("document.title.split(' — ')[0]")
            out.append((title, tab.pdf(format="A4", margin=MARGINS, print_background=True, tagged=True)))
            tab.emulate_media(media="screen")
        browser.close()
    server.shutdown()
    return out


def join(pages: list[str], parts: list[tuple[str, bytes]], target: Path) -> int:
    """Write one PDF with bookmarks and inner links; returns the number of its sheets."""
    from pypdf import PdfReader, PdfWriter
    from pypdf.generic import ArrayObject, DictionaryObject, NameObject

    writer, first = PdfWriter(), {}
    for page, (title, data) in zip(pages, parts, strict=True):
        first[page] = len(writer.pages)
        writer.append(PdfReader(io.BytesIO(data)), import_outline=False)
        writer.add_outline_item(title, first[page])
    for sheet in writer.pages:
        for link in sheet.get("/Annots", ArrayObject()):
            action = link.get_object().get("/A", DictionaryObject())
            inside = re.match(r"http://127\.0\.0\.1:\d+/([^#?]*)", str(action.get("/URI", "")))
            page = inside[1].removesuffix(".html") if inside else ""
            if inside and page in first:
                goal = writer.pages[first[page]].indirect_reference
                jump = {
                    NameObject("/S"): NameObject("/GoTo"),
                    NameObject("/D"): ArrayObject([goal, NameObject("/Fit")]),
                }
                link.get_object()[NameObject("/A")] = DictionaryObject(jump)
            elif inside:  # a page or a file of the site that is not in the PDF
                del link.get_object()[NameObject("/A")]
    part = target.with_suffix(".part")
    with part.open("wb") as file:
        writer.write(file)
    part.replace(target)
    return len(writer.pages)


def main(pages: list[str]) -> int:
    """Print these pages, or all."""
    if chromium() is None:
        print("pdf: no Chromium on this machine: install Debian's package chromium, or Google Chrome.", file=sys.stderr)
        return 2
    if not (HTML / "index.html").exists():
        print("pdf: there is no site in _build/html: run python tools/course.py book first.", file=sys.stderr)
        return 2
    pages = pages or contents()
    sheets = join(pages, printed(pages), TARGET)
    print(f"pdf: {TARGET}, {sheets} sheets")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
