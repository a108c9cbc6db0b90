"""The built book in any light, on paper, and by keyboard or ear."""

import re

import pytest
from site_visit import NARROW, Visit, browser, site  # noqa: F401

pytestmark = pytest.mark.browser

NOTEBOOK = "notebooks/00_restore_a_photograph.html"
SHOWN = "[...document.querySelectorAll('.frame-slider img')].findIndex(i => getComputedStyle(i).display !== 'none')"


def test_photographs_keep_their_values_in_the_dark(browser, site):  # noqa: F811
    with Visit(browser, site, NOTEBOOK, theme="dark") as visit:
        assert visit.page.evaluate("document.documentElement.dataset.theme") == "dark"
        filters = visit.page.evaluate(
            "[...document.querySelectorAll('article img')].map(i => getComputedStyle(i).filter)"
        )
        assert len(filters) >= 5
        assert set(filters) == {"none"}


@pytest.mark.parametrize(("theme", "is_dark"), [("light", False), ("dark", True)])
def test_drawings_have_a_version_for_each_theme(browser, site, theme, is_dark):  # noqa: F811
    pixel = """i => { const c = document.createElement('canvas'); c.width = c.height = 1; const x = c.getContext('2d');
               x.drawImage(i, 0, 0, 2, 2, 0, 0, 1, 1); return x.getImageData(0, 0, 1, 1).data[0] }"""
    with Visit(browser, site, "book/architecture.html", theme=theme) as visit:
        shown = [i for i in visit.page.query_selector_all("article img.drawing") if i.is_visible()]
        assert len(shown) == 1
        assert (shown[0].evaluate(pixel) < 60) == is_dark
        ground = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(255, 255, 255)") != is_dark


def test_paper_is_white_whole_and_shows_what_is_folded(browser, site):  # noqa: F811
    with Visit(browser, site, NOTEBOOK, theme="dark", width=718) as visit:
        page = visit.page
        closed = page.locator("article details:not([open])").count()
        assert closed >= 3
        page.emulate_media(media="print")
        page.wait_for_function("document.querySelectorAll('article details:not([open])').length === 0")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        ink = page.evaluate("getComputedStyle(document.querySelector('article p')).color")
        assert max(int(v) for v in re.findall(r"\d+", ink)[:3]) < 90, (
            ink
        )  # dark, although the screen's theme has light text
        cut = page.evaluate(
            "[...document.querySelectorAll('article :is(pre, table, img, mjx-container[display])')].filter(e => "
            "e.getClientRects().length && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 90))"
        )
        assert cut == []
        page.emulate_media(media="screen")
        page.wait_for_function(f"document.querySelectorAll('article details:not([open])').length === {closed}")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_slider_moves_by_keyboard_and_says_what_it_shows(browser, site):  # noqa: F811
    with Visit(browser, site, NOTEBOOK) as visit:
        page = visit.page
        slider, label = page.locator(".frame-slider input").first, page.locator(".frame-slider output").first
        before, text = page.evaluate(SHOWN), label.inner_text()
        assert slider.get_attribute("aria-valuetext") == text
        slider.focus()
        slider.press("Home")
        assert page.evaluate(SHOWN) == 0 != before
        assert slider.get_attribute("aria-valuetext") == label.inner_text() != text
        slider.press("ArrowRight")
        assert page.evaluate(SHOWN) == 1
        visit.alone_and_quiet()


def test_border_between_two_pictures_follows_the_slider(browser, site):  # noqa: F811
    with Visit(browser, site, "book/intro.html") as visit:
        slider = visit.page.locator(".compare-slider input")
        clip = "getComputedStyle(document.querySelector('.compare .after')).clipPath"
        before = visit.page.evaluate(clip)
        slider.focus()
        slider.press("End")
        assert visit.page.evaluate(clip) != before
        assert slider.get_attribute("aria-valuetext").startswith("0 %")


def test_wide_pictures_stay_readable_on_a_telephone(browser, site):  # noqa: F811
    with Visit(browser, site, "book/architecture.html", width=NARROW) as visit:
        picture = visit.page.locator("article img.wide-picture:visible")
        assert picture.bounding_box()["width"] > 600
        assert visit.page.evaluate("document.querySelector('article .picture').scrollWidth") > 600
