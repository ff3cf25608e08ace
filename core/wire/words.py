"""Words of the wire's lines, and foreign text made fit to be shown; quoting itself is `core.model.quoting`."""

from __future__ import annotations

import re

from core.model.quoting import quote as quote
from core.model.quoting import unquote as unquote

_CODE = re.compile(r"(CLT\d{3}) (?=\S)")
_WORD = re.compile(r'(?:[^ "\\]|\\.|"(?:[^"\\]|\\.)*")+')


def first_word(line: str) -> tuple[str, str]:
    """The first word of ``line``, unquoted, and the rest after one blank; ``("", line)`` when there is none."""
    found = _WORD.match(line)
    if found is None:
        return "", line
    return unquote(found[0]), line[found.end():].removeprefix(" ")


def clean(text: str, limit: int = 400) -> str:
    """Foreign text fit to be shown on one line: control characters and bad bytes become ``?``, at most ``limit`` long."""
    shown = "".join(char if char.isprintable() else " " if char in "\t\r\n" else "?" for char in text[:limit + 1])
    return " ".join(shown[:limit].split()) + ("…" if len(text) > limit else "")


def coded(text: str) -> tuple[str, str]:
    """The code of a client's error and the rest.  Our client begins with one of its own; a stock Amanda has none: CLT005."""
    found = _CODE.match(text)
    return (found[1], text[found.end():]) if found else ("CLT005", text)
