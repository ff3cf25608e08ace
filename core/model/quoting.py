"""Words of a line, quoted as Amanda 3.5.1 quotes them (`quote_string`, `unquote_string` in common-src/amutil.c).

A word is bare unless it is empty or holds one of ``: ' \\ "``, a byte ≤ 0x20, 0x7F or ≥ 0x80.  Text that is not UTF-8 travels
as surrogate escapes.  `split` is strict, for our own pipes; `split_lenient` takes what Amanda takes, for its headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from core.errors import BadLine

_BARE = re.compile(r"[!#-&(-9;-\[\]-~]+")
_TOKEN = re.compile(r'([!#-\[\]-~\x80-\U0010ffff]+)|"((?:[^"\\\n]|\\[^\n])*)"')
_ESCAPES = {"\t": r"\t", "\n": r"\n", "\r": r"\r", "\f": r"\f", "\\": r"\\", '"': r"\""}
_NEEDS_ESCAPE = re.compile(r'[\t\n\r\f\\"]')
_PIECE = re.compile(r'\\([0-7]{1,3}|.)|(")|([^"\\]+|\\)', re.DOTALL)
_UNESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


def quote(word: str) -> str:
    """``word`` as one word of a line."""
    if _BARE.fullmatch(word):
        return word
    return '"' + _NEEDS_ESCAPE.sub(lambda m: _ESCAPES[m[0]], word) + '"'


def unquote(text: str) -> str:
    """What `quote` wrote, and whatever Amanda writes: unescaped quotes vanish wherever they stand, a backslash and digits
    are one byte, and several such bytes may make one character."""
    if '"' not in text and "\\" not in text:
        return text
    return b"".join(_piece(found) for found in _PIECE.finditer(text)).decode("utf-8", "surrogateescape")


def _piece(found: re.Match[str]) -> bytes:
    escape, dropped, plain = found.groups()
    if dropped is not None:
        return b""
    if plain is None and escape[0] in "01234567":
        return bytes([int(escape, 8) & 0xFF])
    text: str = plain if plain is not None else _UNESCAPES.get(escape, escape)
    return text.encode("utf-8", "surrogateescape")


def join(words: Iterable[str]) -> str:
    """One line of ``words``, without its newline."""
    return " ".join([word if _BARE.fullmatch(word) else quote(word) for word in words])


def split(line: str) -> list[str]:
    """The words of a line that `join` wrote; BadLine when it is not well formed."""
    if '"' not in line and "\\" not in line and "  " not in line and line.isascii() and line.isprintable():
        words = line.split(" ")
        if words[0] and words[-1]:
            return words
    words, at = [], 0
    while True:
        token = _TOKEN.match(line, at)
        if token is None:
            raise BadLine(f"column {at + 1}: {line[at:at + 20]!r} is no word")
        bare = token[1]
        words.append(bare if bare is not None else unquote(token[2]))
        at = token.end()
        if at == len(line):
            return words
        if line[at] != " ":
            raise BadLine(f"column {at + 1}: no blank between two words")
        at += 1


def split_lenient(line: str) -> list[str]:
    """The words as Amanda splits them: at single blanks outside quotes, a doubled blank giving an empty word."""
    words: list[str] = []
    start = at = 0
    inside = False
    while at < len(line):
        char = line[at]
        if char == "\\":
            at += 2
            continue
        if char == '"':
            inside = not inside
        elif char == " " and not inside:
            words.append(unquote(line[start:at]))
            start = at + 1
        at += 1
    words.append(unquote(line[start:]))
    return words
