"""Words of the wire's lines, quoted as Amanda 3.5.1 quotes them (`quote_string`, common-src/amutil.c).

Promises `quote` and its inverse for the lines of requests and replies.  core.protocol.quoting does the same for the
pipes of the server; this layer may not import that one, and a client has no pipes.
"""

from __future__ import annotations

import re

_BARE = re.compile(r"[!#-&(-9;-\[\]-~]+")
_ESCAPES = {"\t": r"\t", "\n": r"\n", "\r": r"\r", "\f": r"\f", "\\": r"\\", '"': r"\""}
_NEEDS_ESCAPE = re.compile(r'[\t\n\r\f\\"]')
_WORD = re.compile(r'(?:[^ "\\]|\\.|"(?:[^"\\]|\\.)*")+')
_PIECE = re.compile(r'\\([0-7]{1,3}|.)|(")|([^"\\]+)')
_UNESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


def quote(word: str) -> str:
    """``word`` as one word of a line: bare if nothing in it needs quotes."""
    if _BARE.fullmatch(word):
        return word
    return '"' + _NEEDS_ESCAPE.sub(lambda found: _ESCAPES[found[0]], word) + '"'


def unquote(text: str) -> str:
    """What `quote` wrote, and what Amanda writes: bare quotes vanish, a backslash and digits are one byte."""
    if '"' not in text and "\\" not in text:
        return text
    # Escapes are bytes, and several of them may make one character.
    return b"".join(_piece(found) for found in _PIECE.finditer(text)).decode("utf-8", "surrogateescape")


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


def _piece(found: re.Match[str]) -> bytes:
    escape, dropped, plain = found.groups()
    if dropped is not None:
        return b""
    if plain is None and escape[0] in "01234567":
        return bytes([int(escape, 8) & 0xFF])
    text: str = plain if plain is not None else _UNESCAPES.get(escape, escape)
    return text.encode("utf-8", "surrogateescape")
