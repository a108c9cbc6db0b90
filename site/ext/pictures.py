"""Pictures of a built page: the size that they were drawn for, a twin for the dark theme, and no needless bytes.

A PNG with a palette is a drawing (tools/nb.py stores figures that hold no photograph in this way), and so is an SVG. A
drawing gets a dark twin: each colour keeps its hue, light and dark change places. Everything else may be a photograph,
whose brightness is what this course is about: its values are never touched, whatever the theme. A heavy photograph
stored without loss is served as WebP.
"""

from __future__ import annotations

import colorsys
import re
from pathlib import Path

from PIL import Image

SCREEN_DPI = 85  # of figures in notebooks (pnp_course/viz/figures.py); twice as many pixels are for sharp screens
WIDE = 520  # units of the page from which a picture scrolls on a telephone, so that its labels stay readable
HEAVY = 80_000  # bytes of a photograph from which it is worth compressing
DARKEST, LIGHTEST = 0.075, 0.90  # lightness of the dark theme's ground and of its text
HEX = re.compile(r"#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b")
SIZED = re.compile(r'\s*style="width: ([\d.]+)px; height: ([\d.]+)px;"')  # what a notebook says of its picture
NAMED = re.compile(r'(?<=[:"])(white|black)(?=[;"])')


def dark(red: int, green: int, blue: int) -> tuple[int, int, int]:
    """The colour of the same hue whose lightness is mirrored into the dark theme's range."""
    hue, light, saturation = colorsys.rgb_to_hls(red / 255, green / 255, blue / 255)
    mirrored = DARKEST + (1 - light) * (LIGHTEST - DARKEST)
    r, g, b = colorsys.hls_to_rgb(hue, mirrored, saturation)
    return round(r * 255), round(g * 255), round(b * 255)


def dark_svg(text: str) -> str:
    """An SVG with each written colour mirrored; text and lines without a colour are black, and become light."""

    def swap(match: re.Match[str]) -> str:
        digits = match[1] if len(match[1]) == 6 else "".join(2 * c for c in match[1])
        return "#{:02x}{:02x}{:02x}".format(*dark(*bytes.fromhex(digits)))

    text = NAMED.sub(lambda m: {"white": "#ffffff", "black": "#000000"}[m[1]], text)
    text = HEX.sub(swap, text)
    return re.sub(r"<svg ", '<svg fill="#{:02x}{:02x}{:02x}" '.format(*dark(0, 0, 0)), text, count=1)


def is_drawing(path: Path) -> bool:
    """Is the picture a drawing, which may change its colours?"""
    if path.suffix == ".svg":
        return "<image" not in path.read_text(encoding="utf-8")
    with Image.open(path) as picture:
        return picture.mode == "P" and picture.format == "PNG"


def size(path: Path) -> tuple[int, int] | None:
    """Width and height in the units of the page; None for an SVG, which has its own."""
    if path.suffix == ".svg":
        return None
    with Image.open(path) as picture:
        scale = max(1.0, picture.info.get("dpi", (SCREEN_DPI,))[0] / SCREEN_DPI)
        if scale < 1.5:
            scale = 1.0
        return round(picture.width / scale), round(picture.height / scale)


def twin(path: Path) -> Path:
    """Write the dark twin of a drawing beside it."""
    target = path.with_name(f"{path.stem}-dark{path.suffix}")
    if path.suffix == ".svg":
        target.write_text(dark_svg(path.read_text(encoding="utf-8")), encoding="utf-8")
        return target
    with Image.open(path) as picture:
        palette = picture.getpalette() or []
        colours = zip(palette[::3], palette[1::3], palette[2::3], strict=False)
        picture.putpalette([value for colour in colours for value in dark(*colour)])
        picture.save(target, optimize=True)
    return target


def light(path: Path) -> Path:
    """The file to serve for a photograph: a WebP of high quality, if it was stored without loss and is heavy."""
    if path.suffix != ".png" or path.stat().st_size < HEAVY:
        return path
    target = path.with_suffix(".webp")
    if not target.exists():
        with Image.open(path) as picture:
            picture.convert("RGB").save(target, "WEBP", quality=80, method=5)
    return target if target.stat().st_size < 0.7 * path.stat().st_size else path


IMG = re.compile(r'<img\b[^>]*?\bsrc="(?P<folder>[^"]*_images/)(?P<name>[^"/]+)"[^>]*?/?>')
LINK = re.compile(r'(?P<before><a\b[^>]*?\bhref="[^"]*_images/)(?P<name>[^"/]+)"')


class Shelf:
    """The pictures of a site: what tag each of them gets, computed once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.drawn: dict[str, bool] = {}
        self.served: dict[str, str] = {}
        self.sizes: dict[str, tuple[int, int] | None] = {}

    def learn(self, name: str) -> bool:
        """Look at a file; False if it is not there."""
        path = self.folder / name
        if name not in self.drawn and path.exists():
            self.drawn[name] = is_drawing(path)
            self.sizes[name] = size(path)
            self.served[name] = twin(path).name if self.drawn[name] else light(path).name
        return name in self.drawn

    def tag(self, match: re.Match[str], first: bool) -> str:
        """The new tag, or the pair of tags, for a picture; the first of a page is not put off until it is scrolled to."""
        old, name, folder = match[0], match["name"], match["folder"]
        finished = " width=" in old or "-picture" in old or "only-" in old or "decoding=" in old  # by an earlier build
        if finished or not self.learn(name):
            return old
        extra = "" if first else ' loading="lazy" decoding="async"'
        known = self.sizes[name]
        if said := SIZED.search(old):
            known = round(float(said[1])), round(float(said[2]))
        if known:  # as attributes: a height in a style would stay where the width must shrink
            extra += f' width="{known[0]}" height="{known[1]}"'
        tag = re.sub(r"\s*/?>$", f"{extra}>", SIZED.sub("", old))
        wide = bool(known and known[0] > WIDE) or path_is_svg(name)
        if wide:
            tag = add_class(tag, "wide-picture")
        served = tag.replace(folder + name, folder + self.served[name])
        if self.drawn[name]:
            served = add_class(tag, "only-light drawing") + add_class(served, "only-dark drawing")
        return f'<span class="picture">{served}</span>' if wide else served

    def page(self, text: str) -> str:
        """A page with its pictures' tags replaced."""
        count = 0

        def replace(match: re.Match[str]) -> str:
            nonlocal count
            count += 1
            return self.tag(match, count == 1)

        return LINK.sub(self.link, IMG.sub(replace, text))

    def link(self, match: re.Match[str]) -> str:
        """A link to a picture: to the file that is served for it."""
        name = match["name"]
        return match["before"] + (name if self.drawn.get(name, True) else self.served[name]) + '"'


def path_is_svg(name: str) -> bool:
    """Is it a drawing of the project's own, which are all wide?"""
    return name.endswith(".svg")


def add_class(tag: str, names: str) -> str:
    """A tag with more classes."""
    if 'class="' in tag:
        return tag.replace('class="', f'class="{names} ', 1)
    return tag.replace("<img", f'<img class="{names}"', 1)
