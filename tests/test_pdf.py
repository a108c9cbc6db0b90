"""The book as a PDF: it opens, has the pages that were asked for, words, fonts, bookmarks, and links that lead inside."""

import re
import subprocess
import sys

import pytest
from site_visit import CHROMIUM, PAGES, ROOT, need_chromium, site  # noqa: F401

sys.path.insert(0, str(ROOT / "tools"))
import pdf

pytestmark = pytest.mark.browser
# one of each kind: the first page, a page without formulas, a theory page, a notebook
CHOSEN = ["book/intro", "book/glossary", "book/theory/coco", "notebooks/01_inverse_problems"]
A4 = (595, 842)  # points
MAKE = "import pathlib, pdf, sys; pdf.TARGET = pathlib.Path(sys.argv[1]); sys.exit(pdf.main(sys.argv[2:]))"


@pytest.fixture(scope="module")
def printed(site, tmp_path_factory):  # noqa: F811
    """The PDF of the chosen pages, as the command makes it, and how many sheets it says are in it."""
    from pypdf import PdfReader

    need_chromium()
    target = tmp_path_factory.mktemp("pdf") / "book.pdf"
    command = [sys.executable, "-c", MAKE, str(target), *CHOSEN]
    made = subprocess.run(command, cwd=ROOT / "tools", check=True, capture_output=True, text=True)
    return PdfReader(target), int(re.search(r"(\d+) sheets", made.stdout)[1])


def starts(reader):
    """Title and number of the first sheet of each bookmark."""
    return [(entry.title, reader.get_destination_page_number(entry)) for entry in reader.outline]


def fonts(sheet):
    """The fonts of a sheet, by name, and whether the file brings each."""
    found = {}
    for font in sheet["/Resources"].get("/Font", {}).values():
        font = font.get_object()
        inner = font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font
        described = inner.get("/FontDescriptor", {})
        brought = font["/Subtype"] == "/Type3" or any(f"/FontFile{k}" in described for k in ("", "2", "3"))
        found[font.get("/BaseFont", font["/Subtype"])] = brought
    return found


def test_the_pdf_has_the_pages_in_their_order(printed):
    reader, sheets = printed
    assert len(reader.pages) == sheets
    assert not reader.is_encrypted
    titles, first = zip(*starts(reader), strict=True)
    assert "plug-and-play" in titles[0].lower()
    assert titles[1] == "Glossary"
    assert titles[3].startswith("01 ") or "nverse problems" in titles[3]
    assert first[0] == 0
    assert list(first) == sorted(set(first))
    for title, begin, end in zip(titles, first, [*first[1:], sheets], strict=True):
        text = " ".join(page.extract_text() for page in reader.pages[begin:end])
        assert len(text.split()) > 300, title
        heading = re.sub(r"^\d\d ", "", title).split()[0]
        assert heading.lower() in text.lower(), title


def test_every_sheet_is_a4_and_brings_its_fonts(printed):
    reader, _ = printed
    for sheet in reader.pages:
        assert [round(float(v)) for v in sheet.mediabox[2:]] == pytest.approx(A4, abs=2)
        assert all(fonts(sheet).values()), fonts(sheet)
    names = {name for sheet in reader.pages for name in fonts(sheet)}
    assert any("MJX" in str(name) or "Type3" in str(name) or "mjx" in str(name).lower() for name in names), names


def test_folded_answers_and_figures_are_printed(printed):
    reader, _ = printed
    begin = starts(reader)[3][1]
    text = " ".join(page.extract_text() for page in reader.pages[begin:])
    assert "Solution" in text
    assert sum(len(page.images) for page in reader.pages[begin:]) >= 3


def test_links_lead_inside_or_to_another_host(printed):
    reader, _ = printed
    inside, outside = 0, []
    for sheet in reader.pages:
        for link in sheet.get("/Annots", []):
            action = link.get_object().get("/A", {})
            inside += action.get("/S") == "/GoTo"
            outside.append(str(action.get("/URI", "")))
    assert inside >= 5
    assert not [address for address in outside if "127.0.0.1" in address]


def test_the_whole_book_is_printed_but_for_the_reference():
    wanted = [page.removesuffix(".html") for page in PAGES if not page.startswith("book/api/")]
    assert pdf.contents() == wanted


def test_what_is_missing_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pdf, "HTML", tmp_path)
    if CHROMIUM:
        assert pdf.main([]) == 2
        assert "run python tools/course.py book first" in capsys.readouterr().err
    monkeypatch.setattr(pdf, "chromium", lambda: None)
    assert pdf.main([]) == 2
    assert "no Chromium" in capsys.readouterr().err
