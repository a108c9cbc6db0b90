"""The built website in a headless browser that can reach nothing but the site itself: what the browser tests share."""

import functools
import gzip
import http.server
import importlib.util
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
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no other host can be reached
]  # fmt: skip
WIDE, NARROW = 1280, 390
MINUTES = 180_000  # milliseconds: a machine that is busy with other work
REFERENCE = ("book/api/", "book/solvers/")  # pages written from the library
PAGES = [
    f"{page}.html" for page in re.findall(r"(?:root|file): (\S+)", (ROOT / "_toc.yml").read_text(encoding="utf-8"))
]


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a line for each."""

    def log_message(self, *arguments):
        """Say nothing."""


class Zipped(Quiet):
    """Serves text compressed and keeps the connection, as the hosts of static sites do."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        """Answer with the file, or with 404."""
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        data, kind = path.read_bytes(), self.guess_type(str(path))
        self.send_response(200)
        if kind.startswith("text/") or "javascript" in kind or "svg" in kind:
            data = gzip.compress(data, 6)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def serve(handler):
    """A server of the site on a loopback port; returns it and its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(HTML)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}/"


def stale():
    """Is the built site missing, or older than anything it is built from?"""
    built = HTML / "index.html"
    sources = [p for d in ("book", "notebooks", "site") for p in (ROOT / d).rglob("*") if p.is_file()]
    sources = [p for p in sources if "__pycache__" not in p.parts]
    sources += [p for d in ("tools", "pnp_course") for p in (ROOT / d).rglob("*.py")]  # computed tables, docstrings
    newest = max(
        p.stat().st_mtime for p in [*sources, *(ROOT / n for n in ("_config.yml", "_toc.yml", "CHANGELOG.md"))]
    )
    return not built.exists() or built.stat().st_mtime < newest


@pytest.fixture(scope="module")
def site():
    """The site on a loopback port; it is built if it is stale, by one process at a time."""
    from filelock import FileLock

    (ROOT / "_build").mkdir(exist_ok=True)
    with FileLock(ROOT / "_build" / ".book.lock"):
        if stale():
            environment = {**os.environ, "PNP_COURSE_ENV": "none"}
            subprocess.run([sys.executable, "tools/course.py", "book"], cwd=ROOT, check=True, env=environment)
    server, address = serve(Quiet)
    yield address
    server.shutdown()


def need_chromium():
    """Skip the test where there is no Chromium, or fail where there must be one."""
    if CHROMIUM is None:
        if os.environ.get("PNP_COURSE_REQUIRE_BROWSER"):
            pytest.fail("no Chromium is installed, and PNP_COURSE_REQUIRE_BROWSER asks for one")
        pytest.skip("no Chromium on this machine: install Debian's package chromium, or Google Chrome")


@pytest.fixture(scope="module")
def browser():
    need_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def reader(browser):
    """A browser that keeps what it has fetched, as a reader's does from page to page: half of a page's opening."""
    context = browser.new_context()
    yield context
    context.close()


class Visit:
    """One page, with what it asked of other hosts, what failed, what it complained of, and how many bytes it is made of.

    `browser` opens it as the first page that a visitor sees, and `reader` as a later one.
    """

    def __init__(self, browser, site, path, width=WIDE, theme=None):
        self.site, self.outside, self.trouble, self.bytes = site, [], [], 0
        self.page = browser.new_page()  # of a browser: in a context of its own
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.on("request", self.note)
        self.page.set_default_timeout(MINUTES)
        if theme:
            self.page.add_init_script(
                f"localStorage.setItem('mode', '{theme}'); localStorage.setItem('theme', '{theme}')"
            )
        self.page.on("console", lambda m: self.trouble.append(f"console: {m.text}") if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.trouble.append(f"error: {e}"))
        self.page.on("requestfailed", lambda r: self.trouble.append(f"failed: {r.url}"))
        self.page.on("response", self.weigh)
        self.page.goto(site + path, wait_until="load")
        self.settle()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.page.close()

    def weigh(self, response):
        """Note the size of an answer, or that it is none."""
        if response.status >= 400:
            self.trouble.append(f"{response.status}: {response.url}")
        self.bytes += int(response.headers.get("content-length", 0))

    def settle(self):
        """On a slow machine formulas are still being set when the network has been silent for half a second."""
        self.page.evaluate(
            "async () => { if (window.MathJax?.startup?.promise) await MathJax.startup.promise;"
            "await new Promise(done => setTimeout(done, 50)) }"
        )

    def note(self, request):
        """Remember what another host was asked for."""
        if not request.url.startswith((self.site, "data:", "blob:")):
            self.outside.append(request.url)

    def alone_and_quiet(self):
        assert self.outside == []
        assert self.trouble == []


# what is wider than its box: [what, width needed, width given, does it scroll?]; formulas in a line of text are not cut by
# their box, and STICKS_OUT finds those that leave the page
WIDER = """() => [...document.querySelectorAll('article :is(pre, table, mjx-container[display="true"], img, div.math, .output)')]
  .filter(e => e.getClientRects().length && getComputedStyle(e).display !== 'inline' && e.scrollWidth > e.clientWidth + 1)
  .map(e => [e.tagName.toLowerCase(), e.scrollWidth, e.clientWidth, ['auto', 'scroll'].includes(getComputedStyle(e).overflowX),
             e.innerText?.slice(0, 60)])"""
# formulas that the keyboard stops at, although there is nothing to scroll
STOPS = """() => [...document.querySelectorAll('mjx-container[tabindex], mjx-container [tabindex]')]
  .filter(e => e.scrollWidth <= e.clientWidth + 1).map(e => e.outerHTML.slice(0, 80))"""
# what sticks out of the page, although nothing around it scrolls
STICKS_OUT = """() => [...document.querySelectorAll('article *')].filter(e => {
    const box = e.getBoundingClientRect();
    if (!box.width || !box.height || box.right <= innerWidth + 1 || e.closest('mjx-assistive-mml, .preview')) return false;
    for (let up = e; up && up.tagName !== 'ARTICLE'; up = up.parentElement)
      if (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(up).overflowX)) return false;
    return true }).map(e => e.outerHTML.slice(0, 120)).slice(0, 5)"""
# what belongs to a formula and stands on another line: a comma, a bracket; not where the formula fills its line
PARTED = r"""() => [...document.querySelectorAll('article span.math')].flatMap(formula => {
    const rows = formula.querySelector('mjx-container')?.getClientRects() ?? [];
    const around = formula.closest('p, li, dd, td, th, h1, h2, h3, summary, label')?.getBoundingClientRect();
    if (!rows.length || around && formula.getBoundingClientRect().width > 0.9 * around.width) return [];
    const away = (text, k, parted) => {
        if (text?.nodeType !== Node.TEXT_NODE || !/\S/.test(text.data.at(k))) return [];
        const range = document.createRange();
        range.setStart(text, k < 0 ? text.length - 1 : 0), range.setEnd(text, k < 0 ? text.length : 1);
        return parted(range.getBoundingClientRect()) ? [text.data.slice(0, 30) + ' | ' + formula.textContent.slice(0, 30)] : [];
    };
    const first = rows[0], last = rows[rows.length - 1];
    return [...away(formula.previousSibling, -1, sign => sign.bottom < first.top + 2 || sign.left > first.left + 2),
            ...away(formula.nextSibling, 0, sign => sign.top > last.bottom - 2 || sign.left < last.left - 2)] })"""
BROKEN = (
    "() => [...document.images].filter(i => i.complete && !i.naturalWidth && i.getClientRects().length).map(i => i.src)"
)
DEAD = """() => [...document.querySelectorAll('article a[href^="#"]')].map(a => decodeURIComponent(a.hash.slice(1)))
  .filter(id => id && !document.getElementById(id))"""
# axe compares each element with each that is left out, so nothing is left out; instead, before it looks, formulas, which are
# thousands of boxes of MathJax's own with MathML beside them for screen readers, become one named box each of the same size,
# and of the words of code that look alike on the same ground, one keeps its colour: the others could only say the same again
LIGHTER = """() => {
  const formulas = [...document.querySelectorAll('mjx-container')]
    .map(e => [e, e.getBoundingClientRect(), getComputedStyle(e).display]);
  for (const [e, {width, height}, shown] of formulas) {
    const one = document.createElement('span');
    one.setAttribute('role', 'img'); one.setAttribute('aria-label', e.textContent || 'formula');
    one.style.cssText = `display: ${shown === 'inline' ? 'inline-block' : shown}; width: ${width}px; height: ${height}px`;
    e.replaceWith(one);
  }
  const seen = new Set(), alike = [];
  for (const word of document.querySelectorAll('article pre span')) {
    if (word.children.length || word.id || word.hasAttribute('role')) continue;
    const look = getComputedStyle(word), grounds = [];
    for (let up = word; up.tagName !== 'ARTICLE'; up = up.parentElement) {
      const ground = getComputedStyle(up);
      grounds.push(ground.backgroundColor, ground.backgroundImage, ground.opacity);
    }
    const long = word.textContent.trim().length > 1;  // axe has no opinion on a single character
    const key = [long, look.color, look.fontSize, look.fontWeight, ...grounds].join();
    if (seen.has(key)) alike.push(word);
    seen.add(key);
  }
  for (const word of alike) word.replaceWith(...word.childNodes);
}"""
# what `region` finds is never serious, and it walks through every word
AXE = """async () => (await axe.run(document,
    {resultTypes: ['violations'], preload: false, rules: {region: {enabled: false}}})).violations
  .filter(v => ['serious', 'critical'].includes(v.impact)).map(v => [v.id, v.nodes.length, v.nodes[0].html.slice(0, 160)])"""


@functools.cache
def axe_source():
    """The script of axe-core, or None where the package that carries it is not installed."""
    spec = importlib.util.find_spec("axe_playwright_python")
    return (Path(spec.origin).parent / "axe.min.js").read_text(encoding="utf-8") if spec else None


def serious(visit):
    """What axe finds that is serious or worse. The page is not whole any more afterwards: look at all else before."""
    if axe_source() is None:
        assert not os.environ.get("PNP_COURSE_REQUIRE_BROWSER"), "pip install axe-playwright-python"
        return []
    visit.page.evaluate(axe_source())
    visit.page.evaluate(LIGHTER)
    return visit.page.evaluate(AXE)


def wider(visit):
    """What is wider than its box."""
    return [row for row in visit.page.evaluate(WIDER) if row[0] != "img"]


def faults(reader, site, path):
    """What is wrong with a page, wide and narrow: not alone, not quiet, not whole, not light, or not accessible."""
    found = {}
    with Visit(reader, site, path) as visit:
        page = visit.page
        raw = page.evaluate("document.querySelector('article, main').innerText")
        found["formulas left as source"] = [sign for sign in ("\\operatorname", "\\lVert", "\\lambda") if sign in raw]
        found["errors of MathJax"] = page.locator("mjx-merror").all_inner_texts()
        found["broken pictures"], found["dead anchors"] = page.evaluate(BROKEN), page.evaluate(DEAD)
        found["bytes"] = [visit.bytes] if visit.bytes > 2_500_000 else []
        found["formulas cut"] = [row for row in wider(visit) if row[0] in ("mjx-container", "div") and not row[3]]
        found["formulas as tab stops"] = page.evaluate(STOPS)
        found["axe, wide"] = serious(visit)
        page.set_viewport_size({"width": NARROW, "height": 800})
        page.reload(wait_until="load")
        visit.settle()
        width = page.evaluate("document.documentElement.scrollWidth")
        found["wider than a telephone"] = [width] if width > NARROW else []
        found["sticks out"] = page.evaluate(STICKS_OUT)
        found["cut without a bar"] = [row for row in wider(visit) if not row[3]]
        found["parted from its formula"] = page.evaluate(PARTED)
        found["axe, narrow"] = serious(visit)
        found["from elsewhere"], found["complaints"] = visit.outside, visit.trouble
    return {what: which for what, which in found.items() if which}
