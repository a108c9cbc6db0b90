"""Every page of the built book: opened wide and narrow, with other hosts blocked."""

import re
from statistics import median

import pytest
from site_transfer import files_of, first_paint, weight
from site_visit import HTML, PAGES, REFERENCE, Visit, Zipped, browser, faults, reader, serious, serve, site  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("site")]


@pytest.mark.parametrize("path", [p for p in PAGES if not p.startswith(REFERENCE)])
def test_page_is_whole_at_both_widths(reader, site, path):  # noqa: F811
    assert faults(reader, site, path) == {}


def test_a_reader_who_keeps_what_was_fetched_counts_every_byte_again(reader, site):  # noqa: F811
    """Or the limit on a page's weight would hold for the first page alone."""
    weights = []
    for _ in range(2):
        with Visit(reader, site, "notebooks/01_inverse_problems.html") as visit:
            weights.append(visit.bytes)
    assert weights[0] > 500_000
    assert 0.99 < weights[1] / weights[0] < 1.01


def test_what_axe_looks_at_is_lighter_but_not_blind(browser, site):  # noqa: F811
    """A pale word of code, a link with nothing in it but a formula, and a picture without words are put into a page."""
    with Visit(browser, site, "notebooks/01_inverse_problems.html") as visit:
        visit.page.evaluate("""() => {
          const words = [...document.querySelectorAll('article pre span:not(:has(*))')]
            .filter(word => word.checkVisibility() && word.textContent.trim().length > 3);
          words[words.length - 1].style.color = '#eee';
          const article = document.querySelector('article');
          article.insertAdjacentHTML('beforeend', '<img src="../_static/favicon.svg"><a href="#x"> </a>');
          const link = document.createElement('a'), formula = document.querySelector('mjx-container').cloneNode(true);
          link.href = '#y'; link.append(formula); article.append(link) }""")
        found = {name: count for name, count, _ in serious(visit)}
    assert found == {"color-contrast": 1, "image-alt": 1, "link-name": 1}  # a formula is a name


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


def test_no_sentence_is_set_as_a_formula():
    """A line of Markdown that begins with a minus of a formula begins a list: dollar signs then pair with wrong ones."""
    wrong = []
    for path in PAGES:
        for formula in re.findall(r'<span class="math[^>]*>(.*?)</span>', (HTML / path).read_text("utf-8"), flags=re.S):
            plain = re.sub(r"\\(text|mathrm|operatorname)\*?\{[^}]*\}|\\[A-Za-z]+", " ", formula)
            if re.search(r"[A-Za-z]{2,}\s+[A-Za-z]{2,}\s+[A-Za-z]{2,}", plain):
                wrong.append(f"{path}: {formula[:80]}")
    assert wrong == []


def test_the_built_site_is_light():
    files = [p for p in HTML.rglob("*") if p.is_file()]
    assert sum(p.stat().st_size for p in files) < 40e6
    assert [p for p in files if p.suffix == ".map"] == []
    assert [p for p in files if p.name.startswith("fontawesome")] == []


def test_the_first_page_is_light(browser, site):  # noqa: F811
    with Visit(browser, site, "book/intro.html") as visit:
        assert visit.bytes < 900_000  # as files; a host that compresses text sends half of it
        assert visit.page.locator("script[src*=mathjax]").count() == 0  # no formula, no MathJax


def test_first_paint_and_weight_on_a_slow_line(browser):  # noqa: F811
    server, address = serve(Zipped)
    assert median(first_paint(browser, address, "book/intro.html") for _ in range(3)) < 2000
    loaded, scrolled = weight(browser, address, "book/intro.html")
    assert loaded <= scrolled < 500_000
    largest = max(PAGES, key=files_of)
    assert weight(browser, address, largest)[1] < 2_500_000, largest  # with every picture of it
    server.shutdown()
