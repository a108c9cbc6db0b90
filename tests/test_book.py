"""The built website in a headless browser that can reach nothing but the site itself.

Builds the book if _build/html is not there. Skips only where no Chromium is installed.
"""

import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HTML = ROOT / "_build" / "html"
CHROMIUM = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
NOTEBOOK = "notebooks/00_restore_a_photograph.html"

pytestmark = pytest.mark.browser


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a line for each."""

    def log_message(self, *arguments):
        """Say nothing."""


def stale():
    """Is the built site missing, or older than anything it is built from?"""
    built = HTML / "index.html"
    sources = [p for d in ("book", "notebooks", "site") for p in (ROOT / d).rglob("*") if p.is_file()]
    newest = max(p.stat().st_mtime for p in [*sources, ROOT / "_config.yml", ROOT / "_toc.yml"])
    return not built.exists() or built.stat().st_mtime < newest


@pytest.fixture(scope="module")
def site():
    """The site on a loopback port."""
    if stale():
        environment = {**os.environ, "PNP_COURSE_ENV": "none"}
        subprocess.run([sys.executable, "tools/course.py", "book"], cwd=ROOT, check=True, env=environment)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(HTML)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        if os.environ.get("PNP_COURSE_REQUIRE_BROWSER"):
            pytest.fail("no Chromium is installed, and PNP_COURSE_REQUIRE_BROWSER asks for one")
        pytest.skip("no Chromium on this machine: install Debian's package chromium, or Google Chrome")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


class Visit:
    """One page, with what it asked of other hosts, what failed, and what it complained of."""

    def __init__(self, browser, site, path, width=1280):
        self.outside, self.trouble = [], []
        context = browser.new_context(viewport={"width": width, "height": 900})
        context.route(
            "**/*",
            lambda route: route.continue_() if route.request.url.startswith((site, "data:")) else self.block(route),
        )
        self.page = context.new_page()
        self.page.on("console", lambda m: self.trouble.append(f"console: {m.text}") if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.trouble.append(f"error: {e}"))
        self.page.on("requestfailed", lambda r: self.trouble.append(f"failed: {r.url}"))
        self.page.on("response", lambda r: self.trouble.append(f"{r.status}: {r.url}") if r.status >= 400 else None)
        self.page.goto(site + path, wait_until="networkidle")
        # on a slow machine formulas are still being set when the network has been silent for half a second
        self.page.evaluate("async () => { if (window.MathJax?.startup?.promise) await MathJax.startup.promise }")

    def block(self, route):
        self.outside.append(route.request.url)
        route.abort()

    def alone_and_quiet(self):
        assert self.outside == []
        assert self.trouble == []


PAGES = [
    f"{page}.html" for page in re.findall(r"(?:root|file): (\S+)", (ROOT / "_toc.yml").read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("path", PAGES)
def test_page_needs_nothing_outside_and_has_no_error(browser, site, path):
    visit = Visit(browser, site, path)
    visit.alone_and_quiet()
    raw = visit.page.evaluate("document.querySelector('article, main').innerText")
    assert "\\operatorname" not in raw  # no formula left as source
    assert "\\lVert" not in raw


@pytest.mark.parametrize("path", PAGES)
def test_page_fits_a_telephone(browser, site, path):
    visit = Visit(browser, site, path, width=390)
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_first_page_shows_the_result(browser, site):
    page = Visit(browser, site, "index.html").page
    page.wait_for_selector("article h1")  # the theme has a second, hidden one for printing
    assert "plug-and-play" in page.inner_text("article h1").lower()
    pictures = page.evaluate("[...document.querySelectorAll('article img')].map(i => [i.alt, i.naturalWidth])")
    assert len(pictures) >= 2
    assert all(width > 300 and len(alt) > 10 for alt, width in pictures)
    assert "CoCo-ADMM" in page.inner_text("article table")


def test_notebook_has_maths_pictures_and_a_moving_slider(browser, site):
    visit = Visit(browser, site, NOTEBOOK)
    page = visit.page
    page.wait_for_selector("mjx-container")
    assert page.locator("mjx-container").count() > 20
    assert page.locator("mjx-merror").count() == 0
    pictures = page.evaluate("[...document.querySelectorAll('.cell_output img')].map(i => [i.alt, i.naturalWidth])")
    assert len(pictures) >= 5
    assert all(width > 100 and len(alt) > 10 for alt, width in pictures)
    slider = page.locator(".frame-slider input")
    shown = "[...document.querySelectorAll('.frame-slider img')].findIndex(i => getComputedStyle(i).display !== 'none')"
    label = page.locator(".frame-slider output")
    before, text = page.evaluate(shown), label.inner_text()
    slider.focus()
    slider.press("Home")  # by keyboard
    assert page.evaluate(shown) == 0 != before
    assert label.inner_text() != text
    slider.press("ArrowRight")
    assert page.evaluate(shown) == 1
    page.locator("details summary").first.click()
    assert page.locator("details").first.get_attribute("open") is not None
    visit.alone_and_quiet()


@pytest.mark.parametrize(("name", "theorems", "statements"), [("coco", 1, 5), ("coco_pnp", 4, 14)])
def test_theorems_are_numbered_and_linked(browser, site, name, theorems, statements):
    page = Visit(browser, site, f"book/theory/{name}.html").page
    page.wait_for_selector("mjx-container")
    assert page.locator("div.proof.theorem, div.theorem").count() >= theorems
    assert page.locator("div.proof:has(p.admonition-title)").count() >= statements
    assert page.locator("mjx-merror").count() == 0


def test_the_picture_of_the_rooms_is_shown_and_described(browser, site):
    visit = Visit(browser, site, "book/architecture.html")
    pictures = visit.page.evaluate("[...document.querySelectorAll('article img')].map(i => [i.alt, i.naturalWidth])")
    assert len(pictures) == 1
    assert pictures[0][1] > 600
    assert all(room in pictures[0][0] for room in ("operators", "denoisers", "solvers", "guarantees"))
    assert visit.page.locator("article table tr").count() > 15
    visit.alone_and_quiet()


def test_search_finds_a_word(browser, site):
    page = Visit(browser, site, "search.html?q=cocoercive").page
    page.wait_for_selector("#search-results li")
    assert page.locator("#search-results li").count() >= 2


def test_terms_are_linked_to_the_glossary_at_their_first_use_alone(browser, site):
    page = Visit(browser, site, "notebooks/08_coco_denoisers.html").page
    found = page.evaluate(
        "[...document.querySelectorAll('article a.term')].map(a => [a.innerText.toLowerCase(), a.hash])"
    )
    assert {"cocoercive", "conservative", "posterior", "weakly convex"} <= {word for word, _ in found}
    assert len({anchor for _, anchor in found}) == len(found)
    glossary = Visit(browser, site, "book/glossary.html").page
    anchors = glossary.evaluate("[...document.querySelectorAll('dt[id]')].map(d => '#' + d.id)")
    assert {anchor for _, anchor in found} <= set(anchors)
    assert glossary.locator("article a.term").count() == 0
