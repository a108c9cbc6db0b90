"""What a few pages of the built book must show: the first page its result, a notebook its figures, a theory page its theorems."""

import pytest
from site_visit import Visit, browser, site  # noqa: F401

pytestmark = pytest.mark.browser
PICTURES = """async () => {
  const shown = [...document.querySelectorAll('article img')].filter(i => i.getClientRects().length);
  for (const i of shown) i.loading = 'eager';
  await Promise.all(shown.map(i => i.decode()));
  return shown.map(i => [i.alt, i.naturalWidth]) }"""


def test_first_page_shows_the_result(browser, site):  # noqa: F811
    with Visit(browser, site, "book/intro.html") as visit:
        assert "plug-and-play" in visit.page.locator("article h1").first.inner_text().lower()
        pictures = visit.page.evaluate(PICTURES)
        assert len(pictures) >= 2
        assert all(width >= 256 and len(alt) > 10 for alt, width in pictures), pictures
        assert "CoCo-ADMM" in "".join(visit.page.locator("article table").all_inner_texts())


def test_a_notebook_has_formulas_and_pictures_with_words(browser, site):  # noqa: F811
    with Visit(browser, site, "notebooks/06_ladder_of_conditions.html") as visit:
        assert visit.page.locator("mjx-container").count() > 20
        pictures = visit.page.evaluate(PICTURES)
        assert len(pictures) >= 5
        assert all(width > 100 and len(alt) > 10 for alt, width in pictures), pictures
        folded = visit.page.query_selector("article details:not([open]) > summary")
        folded.click()
        assert folded.evaluate("summary => summary.parentElement.open")


@pytest.mark.parametrize(("name", "theorems", "statements"), [("coco", 1, 5), ("coco_pnp", 4, 14)])
def test_theorems_are_numbered(browser, site, name, theorems, statements):  # noqa: F811
    with Visit(browser, site, f"book/theory/{name}.html") as visit:
        assert visit.page.locator("div.proof.theorem, div.theorem").count() >= theorems
        assert visit.page.locator("div.proof:has(p.admonition-title)").count() >= statements
        assert visit.page.locator("mjx-container").count() > 20


def test_the_picture_of_the_rooms_is_shown_and_described(browser, site):  # noqa: F811
    with Visit(browser, site, "book/architecture.html") as visit:
        ((alt, width),) = visit.page.evaluate(PICTURES)
        assert width > 600
        assert all(room in alt for room in ("operators", "denoisers", "solvers", "guarantees"))
        assert visit.page.locator("article table tr").count() > 15
