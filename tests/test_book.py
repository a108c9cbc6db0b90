"""Every page of the built book: opened wide and narrow, with other hosts blocked."""

import re

import pytest
from site_visit import HTML, NARROW, PAGES, Visit, Zipped, browser, serve, site  # noqa: F401

pytestmark = pytest.mark.browser

# what is wider than its box: [what, width needed, width given, does it scroll?]
WIDER = """() => [...document.querySelectorAll('article :is(pre, table, mjx-container, img, div.math, .output)')]
  .filter(e => e.getClientRects().length && getComputedStyle(e).display !== 'inline' && e.scrollWidth > e.clientWidth + 1)
  .map(e => [e.tagName.toLowerCase(), e.scrollWidth, e.clientWidth, ['auto', 'scroll'].includes(getComputedStyle(e).overflowX),
             e.innerText?.slice(0, 60)])"""
# what sticks out of the page, although nothing around it scrolls
STICKS_OUT = """() => [...document.querySelectorAll('article *')].filter(e => {
    const box = e.getBoundingClientRect();
    if (!box.width || !box.height || box.right <= innerWidth + 1 || e.closest('mjx-assistive-mml, .preview')) return false;
    for (let up = e; up && up.tagName !== 'ARTICLE'; up = up.parentElement)
      if (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(up).overflowX)) return false;
    return true }).map(e => e.outerHTML.slice(0, 120)).slice(0, 5)"""
BROKEN = (
    "() => [...document.images].filter(i => i.complete && !i.naturalWidth && i.getClientRects().length).map(i => i.src)"
)
DEAD = """() => [...document.querySelectorAll('article a[href^="#"]')].map(a => decodeURIComponent(a.hash.slice(1)))
  .filter(id => id && !document.getElementById(id))"""


def wide(visit):
    return [row for row in visit.page.evaluate(WIDER) if row[0] != "img"]


@pytest.mark.parametrize("path", PAGES)
def test_page_is_whole_at_both_widths(browser, site, path):  # noqa: F811
    with Visit(browser, site, path) as visit:
        visit.alone_and_quiet()
        page = visit.page
        raw = page.evaluate("document.querySelector('article, main').innerText")
        assert "\\operatorname" not in raw  # no formula left as source
        assert "\\lVert" not in raw
        assert page.locator("mjx-merror").count() == 0
        assert page.evaluate(BROKEN) == []
        assert page.evaluate(DEAD) == []
        assert visit.bytes < 2_500_000
        assert [row for row in wide(visit) if row[0] in ("mjx-container", "div")] == []  # no formula is cut or scrolls
        assert (
            page.evaluate("document.querySelectorAll('mjx-container[tabindex], mjx-container [tabindex]').length") == 0
        )
        page.set_viewport_size({"width": NARROW, "height": 800})
        page.reload(wait_until="networkidle")
        visit.settle()
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW
        assert page.evaluate(STICKS_OUT) == []
        assert all(scrolls for *_, scrolls, _ in wide(visit)), wide(visit)  # whatever is wider shows that it scrolls
        visit.alone_and_quiet()


def test_links_between_pages_lead_to_what_they_name():
    ids, wrong = {}, []
    for path in HTML.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        ids[path.resolve()] = set(re.findall(r'\bid="([^"]+)"', text))
    for path in HTML.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for target in set(re.findall(r'<a\b[^>]*?\bhref="([^"]+)"', text)):
            address, _, anchor = target.partition("#")
            if re.match(r"[a-z]+:", target) or not address:
                continue
            goal = (path.parent / address).resolve()
            if not goal.exists() or (anchor and goal in ids and anchor not in ids[goal]):
                wrong.append(f"{path.relative_to(HTML)} -> {target}")
    assert ids
    assert wrong == []


def test_the_built_site_is_light():
    files = [p for p in HTML.rglob("*") if p.is_file()]
    assert sum(p.stat().st_size for p in files) < 40e6
    assert [p for p in files if p.suffix == ".map"] == []
    assert [p for p in files if p.name.startswith("fontawesome")] == []


def test_the_first_page_is_light(browser, site):  # noqa: F811
    with Visit(browser, site, "book/intro.html") as visit:
        assert visit.bytes < 1_000_000
        assert visit.page.evaluate("typeof window.MathJax") in ("undefined", "object")
        assert visit.page.locator("script[src*=mathjax]").count() == 0  # no formula, no MathJax


def test_first_paint_on_a_slow_line(browser, site):  # noqa: F811
    server, address = serve(Zipped)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions",
              {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 0.75e6 / 8})  # fmt: skip
    page.goto(address + "book/intro.html", wait_until="load")
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    context.close()
    server.shutdown()
    assert paint < 2000
