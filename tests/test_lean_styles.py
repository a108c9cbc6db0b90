"""Style sheets without the rules that no page can use: what goes, and what must stay."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "site" / "ext"))
pytest.importorskip("tinycss2")

import lean_styles

KNOWN = {"card", "open"}


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        (".card{color:red}", ".card{color:red}"),
        (".gone{color:red}", ""),
        (".card, .gone > p{color:red}", ".card{color:red}"),
        (".card .gone{color:red}", ""),
        ("p, #gone, [gone]{color:red}", "p,#gone,[gone]{color:red}"),
        (".card:not(.gone){color:red}", ".card:not(.gone){color:red}"),
        (":is(.card, .gone) p{color:red}", ":is(.card, .gone) p{color:red}"),
        ("a[href='.gone']{color:red}", None),
        ("@media print{.gone{color:red}}", ""),
        ("@media print{.gone{color:red}.open{top:1.5em}}", "@media print{.open{top:1.5em}}"),
        ("@keyframes gone{from{top:0}to{top:1px}}", "@keyframes gone{from{top:0}to{top:1px}}"),
        ("@font-face{font-family:gone;src:url(gone.woff2)}", "@font-face{font-family:gone;src:url(gone.woff2)}"),
        (":root{--gone: .gone}", ":root{--gone: .gone}"),
    ],
)
def test_a_rule_stays_if_pages_know_each_class_that_it_asks_for(rule, wanted):
    made = lean_styles.lean(f"/* a comment */ {rule}", KNOWN)
    assert made.startswith(lean_styles.MARK)
    left = made.removeprefix(lean_styles.MARK)
    assert left == wanted if wanted is not None else ".gone" in left


def test_classes_of_pages_and_words_of_scripts_are_known_and_a_later_page_brings_rules_back(tmp_path):
    out, originals = tmp_path / "html", tmp_path / "whole"
    (out / "_static").mkdir(parents=True)
    sheet = out / "_static" / "theme.css"
    sheet.write_text(".a{top:0}.b-c{top:0}.d{top:0}.e{top:0}")
    (out / "index.html").write_text('<p class="a x">text</p>')
    (out / "_static" / "s.js").write_text('element.classList.add("b-c")')
    lean_styles.cut_styles(out, originals)
    assert sheet.read_text() == lean_styles.MARK + ".a{top:0}.b-c{top:0}"
    (out / "other.html").write_text("<p class='d'>text</p>")
    lean_styles.cut_styles(out, originals)  # a second build, in which Sphinx has copied nothing
    assert sheet.read_text() == lean_styles.MARK + ".a{top:0}.b-c{top:0}.d{top:0}"
    sheet.write_text(".e{top:1px}.a{top:2px}")  # a third one, with another version of the theme
    lean_styles.cut_styles(out, originals)
    assert sheet.read_text() == lean_styles.MARK + ".a{top:2px}"
