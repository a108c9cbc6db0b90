"""A deck of slides and the zip for students, as a browser and a visitor get them."""

import re
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from site_visit import HTML, browser, site  # noqa: F401

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import nb  # noqa: E402
import slides  # noqa: E402

pytestmark = pytest.mark.browser
MANY = ("06_ladder_of_conditions", "11_prox_pnp", "16_poisson_denoising_single_photon")  # decks with many formulas
STEMS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))
# of each slide: its first words, and whether the screen shows it, and shows it whole
SEEN = """() => {
  const out = [];
  for (let k = 0; k < Reveal.getTotalSlides(); k++) {
    const slide = Reveal.getCurrentSlide(), box = slide.getBoundingClientRect();
    const inside = box.top >= -1 && box.left >= -1 && box.bottom <= innerHeight + 1 && box.right <= innerWidth + 1;
    const whole = slide.scrollHeight <= slide.clientHeight + 1 && slide.scrollWidth <= slide.clientWidth + 1;
    const cut = [...slide.querySelectorAll('pre, table, img, mjx-container[display="true"], .jp-OutputArea-output')]
      .filter(e => e.getClientRects().length && e.getBoundingClientRect().right > box.right + 1);
    out.push([slide.innerText.slice(0, 60), inside && slide.checkVisibility(), whole && !cut.length]);
    Reveal.next();
  }
  return out;
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the decks lie, beside the one copy of what they load."""
    return tmp_path_factory.mktemp("slides")


@pytest.mark.parametrize("stem", STEMS)
def test_a_deck_opens_from_a_folder_without_a_network_and_no_slide_is_cut(browser, folder, stem):  # noqa: F811
    notebook = nbformat.read(ROOT / "notebooks" / f"{stem}.ipynb", as_version=4)
    (deck,) = slides.write({stem: notebook}, folder)
    context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    page, trouble = context.new_page(), []
    page.on("console", lambda m: trouble.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else trouble.append(r.url))
    page.goto(deck.as_uri())
    page.wait_for_function("window.Reveal?.isReady() && window.MathJax?.startup?.promise")
    page.evaluate("MathJax.startup.promise.then(() => 0)")
    formulas, slides_at_least = (50, 20) if stem in MANY else (20, 10)
    assert page.locator("mjx-container").count() > formulas
    assert page.locator("mjx-merror").count() == 0
    seen = page.evaluate(SEEN)
    assert len(seen) > slides_at_least
    assert [words for words, shown, _ in seen if not shown] == []
    assert [words for words, _, whole in seen if not whole] == []
    assert trouble == []
    context.close()


def test_the_site_offers_the_notebooks_and_no_answers(site):  # noqa: F811
    with zipfile.ZipFile(HTML / "_downloads" / nb.STUDENT_ZIP) as zipped:
        assert len(zipped.namelist()) == len(list(nb.SOURCES.glob("[0-9]*.py")))
    guide = (HTML / "book" / "teaching.html").read_text(encoding="utf-8")
    assert f'href="../_downloads/{nb.STUDENT_ZIP}"' in guide
    names = [p.name for p in HTML.rglob("*") if p.is_file()]
    assert not [name for name in names if re.search(r"instructor.*\.zip|exam_answers|nbgrader", name)]
