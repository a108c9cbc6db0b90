"""The picture of the rooms as SVG, drawn from the tables in architecture.py: the floors, and the way of the data."""

from __future__ import annotations

import html
import textwrap

from architecture import FLOW, ROOF, Arrow, Room, standing

COLUMN, GAP, MARGIN, SIDE = 66, 40, 12, 112  # pixels: width of a column, between floors, outside, right of the house
TITLE, LINE, PAD = 18, 15, 9
DATA, INK = "#0072B2", "#1a1a1a"


class Box:
    """A room at its place: lines of text, and the rectangle around them."""

    def __init__(self, room: Room):
        self.room = room
        self.left, self.right = MARGIN + room.left * COLUMN + 5, MARGIN + room.right * COLUMN - 5
        self.words = textwrap.wrap(room.words, int((self.right - self.left - 2 * PAD) / 6.4))
        self.height = 2 * PAD + TITLE + LINE * len(self.words) - 4
        self.top = 0.0

    def svg(self, dashed: bool) -> list[str]:
        """Rectangle and text."""
        dash = ' stroke-dasharray="6 4"' if dashed else ""
        x, y = self.left + PAD, self.top + PAD + 12
        return [
            f'<rect x="{self.left:g}" y="{self.top:g}" width="{self.right - self.left:g}" height="{self.height:g}" rx="6" '
            f'fill="{"#ffffff" if dashed else "#f4f6f8"}" stroke="{INK}"{dash}/>',
            f'<text x="{x:g}" y="{y:g}" font-size="15" font-weight="bold">{self.room.name}</text>',
            *(
                f'<text x="{x:g}" y="{y + TITLE + k * LINE:g}" font-size="12.5">{html.escape(line)}</text>'
                for k, line in enumerate(self.words)
            ),
        ]


def placed() -> tuple[list[list[Box]], float]:
    """The rows of boxes from the roof down, and the height of the picture."""
    rows = [[Box(room) for room in layer] for layer in (ROOF, *reversed(standing()))]
    y = float(MARGIN)
    for row in rows:
        height = max(box.height for box in row)
        for box in row:
            box.top, box.height = y, height
        y += height + GAP
    return rows, y - GAP + MARGIN


def line_of(arrow: Arrow, boxes: dict[str, Box]) -> list[str]:
    """An arrow for the way of the data: sideways between neighbours, otherwise upwards, with its word beside it."""
    a, b = boxes[arrow.source], boxes[arrow.target]
    style = f'fill="none" stroke="{DATA}" stroke-width="2.6" marker-end="url(#head)"'
    if not arrow.at:
        y = a.top + a.height / 2
        return [f'<path d="M{a.right:g} {y:g} H{b.left - 5:g}" {style}/>']
    x, end = MARGIN + arrow.at * COLUMN, MARGIN + arrow.to * COLUMN
    out = [f'<path d="M{x:g} {a.top:g} L{end:g} {b.top + b.height + 4:g}" {style}/>']
    if arrow.word:
        out.append(
            f'<text x="{x + 8:g}" y="{a.top - GAP / 2 + 4:g}" font-size="12.5" fill="{DATA}">{arrow.word}</text>'
        )
    return out


def weights(boxes: dict[str, Box]) -> list[str]:
    """The only way down, outside the house: what training has learned becomes a shipped denoiser."""
    a, b = boxes["training"], boxes["denoisers"]
    x, y0, y1 = a.right + 44, a.top + a.height / 2, b.top + b.height + GAP / 2
    into = MARGIN + 7.9 * COLUMN
    return [
        f'<path d="M{a.right:g} {y0:g} H{x:g} V{y1:g} H{into:g} V{b.top + b.height + 4:g}" fill="none" stroke="{DATA}" '
        f'stroke-width="2.6" stroke-dasharray="7 5" marker-end="url(#head)"/>',
        *(
            f'<text x="{x + 6:g}" y="{y0 + 60 + 15 * k:g}" font-size="12.5" fill="{DATA}">{word}</text>'
            for k, word in enumerate(("weights", "and card"))
        ),
    ]


def picture() -> str:
    """The whole picture."""
    rows, height = placed()
    boxes = {box.room.name: box for row in rows for box in row}
    width = 2 * MARGIN + 12 * COLUMN + SIDE
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        'font-family="Helvetica, Arial, sans-serif">',
        "<title>The rooms of pnp_course</title>",
        f'<defs><marker id="head" viewBox="0 0 10 10" refX="7" refY="5" markerWidth="5" markerHeight="5" orient="auto">'
        f'<path d="M0 0 L10 5 L0 10 z" fill="{DATA}"/></marker></defs>',
        f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>',
    ]
    for k, row in enumerate(rows):
        for box in row:
            out += box.svg(dashed=k == 0)
    for arrow in FLOW:
        if arrow.source in boxes and arrow.target in boxes:
            out += line_of(arrow, boxes)
    return "\n".join([*out, *weights(boxes), "</svg>"]) + "\n"
