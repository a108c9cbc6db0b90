"""Code, output and tables, made readable on a page: lines that are too wide, cells with much text, tables of pandas.

A line that may have to be wrapped is put into a box of its own, so that the style sheet can indent what follows the first
of its rows: a wrapped line of source code must not look like two statements. In a table, "NaN" says that there is no number.
"""

from __future__ import annotations

import html
import re

LONG = 72  # characters: a line of fewer fits wherever lines are wrapped, on a screen and on paper
WORDS = 60  # characters from which a cell of a table is a text, whose column must not get too narrow on a telephone
NAME = 16  # characters of a row's name that is not worth a second line
PRE = re.compile(r"(<pre\b[^>]*>)(.*?)(</pre>)", re.S)
TAG = re.compile(r"<[^>]+>")
STYLED = re.compile(r'<table (?=id="T_\w+">)')  # a table of pandas with a format of its own
FRAME = re.compile(r'<table border="1" class="dataframe">.*?</table>', re.S)
ROWS = re.compile(
    r"<tr(?P<style>[^>]*)>\s*<th></th>(?P<columns>.*?)</tr>\s*<tr>\s*<th>(?P<index>[^<]+)</th>\s*(?:<th></th>\s*)+</tr>",
    re.S,
)
CELL = re.compile(r"<td>(?=(<p>.*?)</td>)", re.S)
INDEX = re.compile(rf"(<tr>\s*)<th>(?=[^<]{{1,{NAME}}}</th>)")


def wrapped(line: str) -> str:
    """A long line in its box, which knows how far the line is indented; a line inside a tag that is open stays as it is."""
    words = html.unescape(TAG.sub("", line))
    if len(words) <= LONG or line.count("</") != len(re.findall(r"<\w", line)):
        return line
    indent = len(words) - len(words.lstrip(" "))
    style = f' style="--in: {indent}"' if indent else ""
    return f'<span class="long-line"{style}>{line}</span>'


def lines(match: re.Match[str]) -> str:
    """A block of code or of output with a box around each long line, its end included."""
    if "long-line" in match[2]:  # by an earlier build
        return match[0]
    return match[1] + "".join(wrapped(line) for line in match[2].splitlines(keepends=True)) + match[3]


def frame(match: re.Match[str]) -> str:
    """A table of pandas: a dash where there is no number, the name of the rows in the line of the columns' names."""
    table = match[0].replace("<td>NaN</td>", "<td>–</td>")
    head, body, rest = table.partition("<tbody>")
    head = ROWS.sub(r"<tr\g<style>><th>\g<index></th>\g<columns></tr>", head)
    return head + body + INDEX.sub(r'\1<th class="name">', rest)


def cell(match: re.Match[str]) -> str:
    """The beginning of a cell in one of the page's own tables."""
    return '<td class="prose">' if len(html.unescape(TAG.sub("", match[1]))) > WORDS else match[0]


def readable(page: str) -> str:
    """A page with its blocks and tables changed."""
    page = STYLED.sub('<table class="dataframe" ', PRE.sub(lines, page))
    return CELL.sub(cell, FRAME.sub(frame, page))
