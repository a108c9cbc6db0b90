"""Finding one's way in the built book: navigation, search, terms, previews, quizzes, folded answers, the head of a page."""

import re

import pytest
from site_visit import HTML, PAGES, ROOT, Visit, browser, site  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("site")]


def test_navigation_shows_the_numbers_of_the_notebooks(browser, site):  # noqa: F811
    with Visit(browser, site, "book/glossary.html") as visit:
        titles = visit.page.evaluate(
            "[...document.querySelectorAll('.bd-links a[href*=notebooks]')].map(a => a.textContent.trim())"
        )
        assert [t[:2] for t in titles] == sorted(p[10:12] for p in PAGES if p.startswith("notebooks/"))
        everything = visit.page.evaluate("[...document.querySelectorAll('.bd-links a')].map(a => a.textContent.trim())")
        plain = [re.sub(r"^(the|a) ", "", re.sub(r"^\d\d ", "", t.lower())) for t in everything]
        assert len(set(plain)) == len(plain)  # no two pages of one name


@pytest.mark.parametrize(("word", "least"), [("cocoercive", 2), ("Lojasiewicz", 2), ("Łojasiewicz", 2)])
def test_search_finds_a_word_and_shows_no_source(browser, site, word, least):  # noqa: F811
    with Visit(browser, site, f"search.html?q={word}") as visit:
        visit.page.wait_for_selector("#search-results li")
        visit.page.wait_for_function(
            "document.querySelector('.search-summary')?.textContent.startsWith('Search finished')"
        )
        found = visit.page.locator("#search-results li").all_inner_texts()
        assert len(found) >= least
        assert not any("\\" in text or "$" in text for text in found)


def test_terms_are_linked_at_their_first_use_alone(browser, site):  # noqa: F811
    with Visit(browser, site, "notebooks/08_coco_denoisers.html") as visit:
        found = visit.page.evaluate(
            "[...document.querySelectorAll('article a.term')].map(a => [a.innerText.toLowerCase(), a.hash])"
        )
    assert {"cocoercive", "conservative", "posterior", "weakly convex"} <= {word for word, _ in found}
    assert len({anchor for _, anchor in found}) == len(found)
    with Visit(browser, site, "book/glossary.html") as visit:
        anchors = visit.page.evaluate("[...document.querySelectorAll('dt[id]')].map(d => '#' + d.id)")
        assert {anchor for _, anchor in found} <= set(anchors)
        assert visit.page.locator("article a.term").count() == 0


@pytest.mark.parametrize(
    ("path", "link", "words"),
    [
        ("notebooks/08_coco_denoisers.html", "article a.term >> nth=0", r"\w{4}"),
        ("book/guarantees.html", "article a[href*='theory/'] >> nth=0", r"(Lemma|Theorem|Proposition)"),
        ("book/intro.html", "article a[href*='bibliography'] >> nth=0", r"20\d\d"),
    ],
)
def test_terms_theorems_and_papers_are_previewed(browser, site, path, link, words):  # noqa: F811
    with Visit(browser, site, path) as visit:
        card = visit.page.locator("#preview")
        assert card.is_hidden()
        visit.page.locator(link).hover()
        card.wait_for(state="visible")
        assert re.search(words, card.inner_text())
        assert visit.page.evaluate(
            "document.querySelectorAll('[id]').length === new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size"
        )
        visit.page.keyboard.press("Escape")
        assert card.is_hidden()
        visit.page.locator(link).focus()  # by keyboard, too
        card.wait_for(state="visible")
        visit.alone_and_quiet()


def test_quizzes_answer(browser, site):  # noqa: F811
    with Visit(browser, site, "book/quizzes.html") as visit:
        quizzes = visit.page.locator(".quiz")
        assert quizzes.count() >= 28
        first = quizzes.first
        assert first.locator(".why:visible").count() == 0
        first.locator("input:not([data-right])").first.check()
        assert first.locator(".why:visible").inner_text().startswith("No.")
        first.locator("input[data-right]").check()
        assert first.locator(".why:visible").inner_text().startswith("Right.")
        assert visit.page.evaluate(
            "[...document.querySelectorAll('.quiz')].every(q => q.querySelectorAll('[data-right]').length === 2)"
        )
        visit.page.emulate_media(media="print")
        assert first.locator(".why:visible").count() == first.locator("input").count()


@pytest.mark.parametrize("path", [p for p in PAGES if p.startswith("notebooks/")])
def test_solutions_are_folded_under_their_names_and_stubs_are_not_right(path):
    text = (HTML / path).read_text(encoding="utf-8")
    assert "Show code cell content" not in text
    names = re.findall(r"<summary[^>]*>\s*(?:<[^>]+>\s*)*([^<]+?)\s*<", text)
    assert "Solution" in names or "Answer" in names
    # one box for each exercise, with the words and the code
    assert names.count("Solution") == len(re.findall(r"<strong>Exercise \d", text)) == text.count("tag_solution")
    boxes = re.findall(r"<summary>Solution</summary>(.*?)</details>", text, flags=re.S)
    assert [box[:200] for box in boxes if "<p>" not in box or "tag_solution" not in box] == []
    assert "<td>NaN</td>" not in text
    # what a reader's own cell prints on the solved pages: the exercise is still open
    for cell in re.findall(
        r'<div class="cell docutils container">.*?(?=<div class="cell |<section|$)', text, flags=re.S
    ):
        code = re.sub(r"<[^>]+>", "", cell)
        if "checks.check" in code and re.search(r"replace|your", code):
            printed = re.findall(r'class="output[^"]*">.*?<pre>(.*?)</pre>', cell, flags=re.S)
            assert not any(re.search(r"^right$", p, flags=re.M) for p in printed), code[:300]


@pytest.mark.parametrize("path", PAGES)
def test_each_page_says_what_it_is_about(path):
    text = (HTML / path).read_text(encoding="utf-8")
    title = re.search(r"<title>(.+?)</title>", text, flags=re.S)
    about = re.search(r'<meta name="description" content="([^"]{30,210})"', text)
    assert title
    assert about, path
    assert 'rel="icon"' in text
    assert 'property="og:title"' in text
    repository = re.search(r'^  url: "?([^"\s]*)"?$', (ROOT / "_config.yml").read_text(encoding="utf-8"), flags=re.M)[1]
    assert ('rel="canonical"' in text) == bool(repository)
    assert ("issues/new" in text) == bool(repository)
    assert ("colab.research.google.com" in text) == (bool(repository) and path.startswith("notebooks/"))


def test_no_two_descriptions_are_alike():
    found = [
        re.search(r'name="description" content="([^"]+)"', (HTML / p).read_text(encoding="utf-8"))[1] for p in PAGES
    ]
    assert len(set(found)) == len(found)


def test_bibliography_has_the_labels_of_the_citations(browser, site):  # noqa: F811
    with Visit(browser, site, "book/bibliography.html") as visit:
        text = visit.page.inner_text("article")
        assert "Wei et al., 2025" in text
        assert "Hurault et al., 2022a" in text
        assert "Hurault et al., 2022b" in text


def test_a_wrong_address_leads_back(browser, site):  # noqa: F811
    with Visit(browser, site, "404.html") as visit:
        assert "not" in visit.page.inner_text("article h1").lower()
        assert visit.page.locator("a[href]").count() >= 1
        visit.alone_and_quiet()
