"""The beginning of a file as rows: text with nothing harmful left in it, or the first bytes of what is no text.  Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.model.units import show_size
from tui.clean import clean
from tui.panes.layout import Row

if TYPE_CHECKING:
    from core.client.browse import Peek

LINES = 2000
"""Rows at most."""
_BYTES = 256
"""Of what is no text."""
_WIDE = 1000
"""Characters of one line."""


def preview_rows(path: str, peek: Peek) -> list[Row]:
    """Where it comes from, and its beginning."""
    head: list[Row] = [((f"/{clean(path)}", "title"),), ((f"{show_size(peek.size)}, from {clean(peek.place)}", "muted"),), ()]
    if peek.link:
        return [*head, (("a symbolic link to ", "muted"), (clean(peek.link), ""))]
    if not peek.size:
        return [*head, (("it is empty, or no file with content", "muted"),)]
    if not peek.text:
        shown = peek.data[:_BYTES]
        return [*head, (("This is no text. ", "attention"), (f"Its first {len(shown)} bytes:", "muted")), (), *_bytes(shown)]
    lines = peek.data.decode("utf-8", "surrogateescape").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    rows: list[Row] = [((clean(line.removesuffix("\r").expandtabs(8), _WIDE), ""),) for line in lines[:LINES]]
    shown_all = peek.whole and len(lines) <= LINES
    rest = [] if shown_all else [(), ((f"only the first {show_size(len(peek.data))} of {show_size(peek.size)} are shown",
                                       "attention"),)]
    return [*head, *rows, *rest]


def _bytes(data: bytes) -> list[Row]:
    """Sixteen in a row, with those that are letters beside them."""
    rows: list[Row] = []
    for at in range(0, len(data), 16):
        piece = data[at:at + 16]
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in piece)
        rows.append(((f"{at:04x}  ", "muted"), (f"{piece.hex(' '):48} ", ""), (letters, "muted")))
    return rows
