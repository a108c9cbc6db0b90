"""The built book in any light, on paper, and by keyboard or ear."""

import re

import pytest
from site_visit import HTML, NARROW, Visit, browser, site  # noqa: F401

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


def test_wide_pictures_and_tables_show_on_a_telephone_that_they_scroll(browser, site):  # noqa: F811
    shadows = """() => { const box = document.querySelector('article .picture');
        return ['::before', '::after'].map(side => getComputedStyle(box, side).content !== 'none') }"""
    with Visit(browser, site, "book/architecture.html", width=NARROW) as visit:
        page, picture = visit.page, visit.page.locator("article img.wide-picture:visible")
        assert picture.bounding_box()["width"] > 600
        assert page.evaluate("document.querySelector('article .picture').scrollWidth") > 600
        assert page.evaluate(shadows) == [False, True]
        page.evaluate("document.querySelector('article .picture').scrollLeft = 100")
        page.wait_for_function(f"String(({shadows})()) === 'true,true'")
        page.evaluate("document.querySelector('article .picture').scrollLeft = 1000")
        page.wait_for_function(f"String(({shadows})()) === 'true,false'")
        # the shadow of a table is its ground: no row hides it
        grounds = page.evaluate("""() => [...document.querySelectorAll('article table.scrolls tr')]
            .map(row => getComputedStyle(row).backgroundColor)""")
        assert len(grounds) > 15
        assert all(re.search(r"/ 0\.\d+\)|, 0\)", ground) for ground in grounds), set(grounds)


# of each wrapped line, how much further right than the line its second row begins
HANGS = """selector => [...document.querySelectorAll(selector)].filter(line => line.getClientRects().length).flatMap(line => {
    const words = document.createTreeWalker(line, NodeFilter.SHOW_TEXT), begin = [];
    for (let node; (node = words.nextNode()); )
        for (let k = 0; k < node.length; k++) {
            if (node.data[k].trim() === '') continue;
            const range = document.createRange();
            range.setStart(node, k), range.setEnd(node, k + 1);
            const box = range.getBoundingClientRect();
            if (!begin.length || box.top > begin.at(-1).bottom - 2) begin.push(box);
        }
    return begin.slice(1).map(box => box.left - begin[0].left) })"""


def test_a_wrapped_line_does_not_look_like_two(browser, site):  # noqa: F811
    with Visit(browser, site, "notebooks/10_gs_pnp.html") as visit:
        printed = visit.page.evaluate(HANGS, "article .output.stream pre .long-line")
        assert len(printed) >= 3
        assert min(printed) > 20
        visit.page.set_viewport_size({"width": 500, "height": 800})  # narrow paper
        visit.page.emulate_media(media="print")
        code = visit.page.evaluate(HANGS, "article .cell_input pre .long-line")
        assert len(code) >= 10
        assert min(code) > 15


def test_the_icons_of_boxes_are_in_the_font_that_is_sent(site):  # noqa: F811
    from fontTools.ttLib import TTFont

    wanted = set(re.findall("[\uf000-\uf8ff]", (HTML / "_static/styles/pydata-sphinx-theme.css").read_text("utf-8")))
    (font,) = (HTML / "_static/vendor/fontawesome/webfonts").glob("fa-solid*")
    found = {chr(code) for table in TTFont(font)["cmap"].tables for code in table.cmap}
    brands = {"\uf09b", "\uf296"}  # of two hosts of code, which are in another font and occur on no page
    assert "\uf0f3" in wanted
    assert wanted - brands <= found
