"""The site's own extensions, without a browser: formulas, pictures, addresses, terms, labels, downloads."""

import json
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "site" / "ext"), str(ROOT / "tools")]
pytest.importorskip("sphinx")

import api  # noqa: E402
import find_the_way  # noqa: E402
import page_head  # noqa: E402
import pictures  # noqa: E402
from docutils import nodes  # noqa: E402
from formulas import formulas, tex  # noqa: E402
from glossary_exceptions import fits  # noqa: E402
from glossary_links import split  # noqa: E402
from outputs import readable  # noqa: E402
from solutions import join  # noqa: E402

from pnp_course.guarantees import RULES  # noqa: E402


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("step lam L_f < 2, any lam", r"$\mathrm{step}\, \lambda L_f < 2$, any $\lambda$"),
        ("J = J^T, spectrum in [-delta, 1/gamma]", r"$J = J^{\mathsf T}$, spectrum in $[-\delta , 1/\gamma ]$"),
        ("gradient step D = I - grad g", r"gradient step $D = I - \nabla g$"),
        ("convex, L_f-Lipschitz gradient", r"convex, $L_f$-Lipschitz gradient"),
        ("Beck and Teboulle 2009", "Beck and Teboulle 2009"),
        ("[A] section 3", "[A] section 3"),
        ("`hqs` with a schedule", "`hqs` with a schedule"),
    ],
)
def test_formulas_are_found_among_words(words, wanted):
    assert formulas(words) == wanted


def test_formulas_of_all_rules_are_formulas():
    for rule in RULES.values():
        for text in (rule.denoiser, rule.fidelity, rule.parameters, rule.conclusion) if rule.check else ():
            outside = formulas(text).split("$")[::2]
            assert not any(sign in piece for piece in outside for sign in ("_", "^", "<", ">", "=", "lam ", "||")), text


def test_an_equation_of_a_docstring_becomes_tex():
    assert tex("v = prox_{lam G}(u_k + b_k)") == r"v = \operatorname{prox} _{\lambda G}(u_k + b_k)"
    lines = ["ADMM, *in short*.", "", "    u = D_t(v)", "    b <- b + u", "", "Args:", "    lam: the |weight|."]
    made = api.restructure(lines)
    assert made[0] == r"ADMM, \*in short\*."
    assert made[made.index(".. math::") + 2] == r"    u = D_t(v) \\"
    assert made[-1] == r"    lam: the \|weight\|."


def test_the_end_of_a_sentence_is_no_equation():
    lines = ["stopped_by: why, one of these or", '    "divergence", for |x|.', "next: (H, W)", "", "    u = v"]
    made = api.restructure(lines)
    assert made[0] == r'stopped\_by: why, one of these or "divergence", for \|x\|.'
    assert made[1] == "next: (H, W)"
    assert made.count(".. math::") == 1
    assert made[-1] == "    u = v"


def test_a_long_line_knows_how_far_it_is_indented():
    long = "        " + "x = 1 + " * 10
    page = f"<pre>short &lt;\n{long}\n<b>open\n{long}</b>\n</pre> {long}"
    made = readable(page)
    assert made.count("long-line") == 1  # nothing around a line in which a tag is opened or closed alone
    assert f'<span class="long-line" style="--in: 8">{long}\n</span>' in made
    assert readable(made) == made  # a second build changes nothing


FRAME = """<table border="1" class="dataframe">
  <thead>
    <tr style="text-align: right;">
      <th></th>
      <th>PSNR</th>
    </tr>
    <tr>
      <th>method</th>
      <th></th>
    </tr>
  </thead>
  <tbody>
    <tr>
      <th>RMMO-DRS</th>
      <td>NaN</td>
    </tr>
    <tr>
      <th>a method with a long name</th>
      <td>1.0</td>
    </tr>
  </tbody>
</table>"""


def test_tables_of_pandas_say_nothing_twice_and_have_no_nan():
    made = readable(FRAME)
    assert "NaN" not in made
    assert "<td>–</td>" in made
    assert made.count("<tr") == 3  # the name of the rows stands beside those of the columns
    assert made.index("<th>method</th>") < made.index("<th>PSNR</th>") < made.index("<tbody>")
    assert made.count('class="name"') == 1  # may not be broken: the short one
    assert readable(made) == made
    assert readable("<td>NaN</td>") == "<td>NaN</td>"
    assert readable('<table id="T_0a">') == '<table class="dataframe" id="T_0a">'


def test_cells_with_much_text_are_known():
    made = readable(f"<td><p>{'word ' * 20}</p></td><td><p>word</p></td>")
    assert made.count('class="prose"') == 1
    assert readable(made) == made


@pytest.mark.parametrize("hint", ["", "<details>\n<summary>Hint</summary>\n"])
def test_a_solution_in_words_and_its_code_are_in_one_box(hint):
    def raw(text):
        return nodes.raw("", text, format="html")

    def cell(*names, **more):
        return nodes.container("", classes=["cell", *names], **more)

    opening = "<details>\n<summary>Solution</summary>\n"
    box = [raw(hint), nodes.paragraph("", "think"), raw(f"</details>\n{opening}")] if hint else [raw(opening)]
    words, stub, code = nodes.paragraph("", "words"), cell(), cell("tag_solution", hide_mode="all")
    alone = cell("tag_solution", hide_mode="all")  # has no words: myst-nb hides it
    document = nodes.section("", *box, words, raw("</details>\n"), stub, code, nodes.paragraph("", "next"), alone)
    join(document)
    at = document.index(stub)
    assert [document[at + 1].astext(), *document[at + 2 : at + 4], document[at + 4].astext()] == [
        opening, words, code, "</details>\n"
    ]  # fmt: skip
    assert [node.get("hide_mode") for node in (code, alone)] == [None, "all"]
    assert "".join(node.astext() for node in document[:at]) == (f"{hint}think</details>\n" if hint else "")


def test_a_picture_that_must_shrink_keeps_its_shape(tmp_path):
    """Width and height are attributes, also where a notebook writes them as a style, which would win over the page's."""
    Image.effect_noise((600, 300), 60).save(tmp_path / "p.jpg")
    shelf = pictures.Shelf(tmp_path)
    made = shelf.page('<img alt="a" src="../_images/p.jpg" style="width: 600px; height: 300px;" />')
    assert 'width="600" height="300"' in made
    assert "style" not in made


def test_dark_colours_keep_their_hue_and_swap_light_and_dark():
    assert min(pictures.dark(0, 0, 0)) > 200
    assert max(pictures.dark(255, 255, 255)) < 40
    red, green, blue = pictures.dark(0, 0x72, 0xB2)
    assert red < green < blue


def test_drawings_get_a_twin_and_photographs_are_left_alone(tmp_path):
    drawing = Image.new("RGB", (1530, 400), "white")
    drawing.paste((0, 0x72, 0xB2), (100, 100, 900, 110))
    drawing.quantize(16).save(tmp_path / "d.png", dpi=(170, 170))
    photo = Image.effect_noise((600, 400), 90).convert("RGB")
    photo.save(tmp_path / "p.png")
    shelf = pictures.Shelf(tmp_path)
    page = shelf.page('<img alt="a" src="../_images/d.png"/> <img alt="b" src="../_images/p.png"/>')
    assert page.count("<img") == 3
    assert 'src="../_images/d-dark.png"' in page
    assert 'width="765" height="200"' in page  # half of its pixels
    assert 'src="../_images/p.webp"' in page
    assert page.count('loading="lazy"') == 1  # not the first
    assert shelf.page(page) == page  # a second build changes nothing
    twin = Image.open(tmp_path / "d-dark.png").convert("RGB")
    assert max(twin.getpixel((0, 0))) < 40
    assert (tmp_path / "p.webp").stat().st_size < (tmp_path / "p.png").stat().st_size


def test_dark_svg():
    made = pictures.dark_svg('<svg viewBox="0 0 1 1"><rect fill="#ffffff"/><text fill="#000">a</text></svg>')
    assert "#ffffff" not in made
    assert "#000" not in made
    assert made.startswith('<svg fill="#e')


@pytest.mark.parametrize(
    ("repository", "site"),
    [
        ("https://github.com/Someone/pnp", "https://someone.github.io/pnp/"),
        ("https://github.com/Someone/pnp.git", "https://someone.github.io/pnp/"),
        ("", ""),
    ],
)
def test_addresses_follow_from_the_repository(repository, site):
    assert page_head.site_address(repository) == site
    assert page_head.site_address(repository, "https://here.org/x") == "https://here.org/x/"
    opened = page_head.launch_addresses(repository, "main", "notebooks/00_a")
    assert bool(opened) == bool(repository)
    if repository:
        assert opened["Colab"] == "https://colab.research.google.com/github/Someone/pnp/blob/main/notebooks/00_a.ipynb"
        assert opened["Codespaces"] == "https://codespaces.new/Someone/pnp?quickstart=1"
        assert opened["Binder"] == "https://mybinder.org/v2/gh/Someone/pnp/main?urlpath=lab/tree/notebooks/00_a.ipynb"


def configured(repository):
    options = {"repository_url": repository, "repository_branch": "main"}
    config = SimpleNamespace(html_theme_options=options, html_baseurl="")
    page_head.configure(None, config)
    return config


def test_without_a_repository_there_are_no_links_to_it():
    config = configured("")
    assert config.html_baseurl == ""
    assert "repository_url" not in config.html_theme_options
    assert not any(config.html_theme_options[f"use_{b}_button"] for b in ("repository", "issues", "edit_page"))


def test_with_a_repository_a_notebook_can_be_opened_and_errors_reported():
    config = configured("https://github.com/Someone/pnp")
    config.project = "The course"
    assert all(config.html_theme_options[f"use_{b}_button"] for b in ("repository", "issues", "edit_page"))
    context = {"title": "A", "header_buttons": [], "pageurl": config.html_baseurl + "notebooks/00_a.html"}
    page_head.add_head(SimpleNamespace(config=config), "notebooks/00_a", "page.html", context, None)
    assert [b["text"] for b in context["header_buttons"][0]["buttons"]] == ["Colab", "Codespaces", "Binder"]
    assert 'property="og:image" content="https://someone.github.io/pnp/_static/card.png"' in context["metatags"]


def test_words_with_marks_are_indexed_without_them():
    english = find_the_way.FoldedEnglish({})
    assert {"Łojasiewicz", "Lojasiewicz"} <= set(english.split("the Łojasiewicz property"))


@pytest.mark.parametrize(
    ("term", "page", "before", "after", "meant"),
    [
        ("peak", "notebooks/00_restore_a_photograph", "With a ", " of p photons", True),
        ("peak", "notebooks/03_priors_to_denoisers", "made for a prior with one broad ", ", as", False),
        ("peak", "notebooks/03_priors_to_denoisers", "distance of the two ", "s, and", False),
        ("peak", "book/theory/mmse", "the ", " of", False),
        ("conjugate", "book/theory/training", "are computed by ", " gradients", False),
        ("conjugate", "book/theory/coco", "be the ", " and put", True),
        ("conjugate", "notebooks/06_ladder_of_conditions", "its ", " transpose", False),
        ("monotone", "notebooks/03_priors_to_denoisers", "from 1 on it is ", ", stays on its side", False),
        ("monotone", "notebooks/06_ladder_of_conditions", "is ", " and", True),
        ("reflection", "book/theory/training", "Padding by ", " has the form", False),
        ("reflection", "notebooks/02_proximal_operators", "the ", " is nonexpansive", True),
        ("score", "notebooks/00_restore_a_photograph", "the PSNR ", " is", False),
        ("score", "notebooks/10_gs_pnp", "drunet ", "s like GS-PnP", False),
        ("score", "notebooks/03_priors_to_denoisers", "is called the ", ". Read", True),
        ("monotone", "notebooks/01_inverse_problems", "from there on it is ", " and tends to", False),
        ("peak", "book/api/metrics", "", " signal-to-noise ratio", False),
        ("reflection", "book/theory/ridge", "closed under ", "s. Then", False),
    ],
)
def test_terms_are_linked_where_the_meaning_fits(term, page, before, after, meant):
    assert fits(term, page, before, after) == meant
    pieces = split(before + term + after, {term: "anchor"}, "glossary.html", page)
    assert (len(pieces) > 1) == meant
    assert "".join(p.astext() for p in pieces) == before + term + after


def test_each_solver_has_a_current_page():
    import solver_pages

    assert {p.stem for p in solver_pages.files()} == {*RULES, "index"}
    contents = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    assert [name for name in RULES if f"file: book/solvers/{name}\n" not in contents] == []
    for path, text in solver_pages.files().items():
        assert path.read_text(encoding="utf-8") == text, f"run python tools/solver_pages.py: {path.name}"


def test_a_notebook_can_be_downloaded_with_what_it_needs(tmp_path):
    import downloads

    config = SimpleNamespace(
        html_baseurl="https://s.github.io/p/", html_theme_options={"repository_url": "https://github.com/s/p"}
    )
    app = SimpleNamespace(builder=SimpleNamespace(format="html"), outdir=tmp_path, config=config,
                          env=SimpleNamespace(found_docs={"notebooks/03_priors_to_denoisers"}))  # fmt: skip
    downloads.pack(app, None)
    folder = tmp_path / "_downloads"
    assert {p.name for p in folder.iterdir()} == {"03_priors_to_denoisers.zip", "pnp_course_notebooks.zip"}
    archive = folder / "03_priors_to_denoisers.zip"
    with zipfile.ZipFile(archive) as zipped:
        words = zipped.read("README.txt").decode()
        notebook = json.loads(zipped.read("03_priors_to_denoisers.ipynb"))
    assert 'python -m pip install "pnp_course[notebooks] @ git+https://github.com/s/p"' in words
    text = json.dumps(notebook)
    assert "](../book" not in text
    assert "https://s.github.io/p/book/theory/" in text
    assert not any(cell.get("outputs") for cell in notebook["cells"])
