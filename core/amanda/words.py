"""The words of an amanda.conf, line by line (Amanda's lexer, common-src/conffile.c).

A word is a string in double quotes, a number, a name or one sign.  A comment runs from ``#`` to the end of its line; a
backslash before a newline lets a string go on in the next line.  Fault texts carry no place: `Line.number` does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.model.quoting import unquote

_TOKEN = re.compile(
    r'(?P<blank>[ \t\r]+|#[^\n]*)|(?P<newline>\n)|"(?P<string>(?:[^"\\\n]|\\[\s\S])*)"'
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z][A-Za-z0-9_-]*)|(?P<sign>.)")
KINDS = ("string", "number", "name", "sign")


@dataclass(frozen=True, slots=True)
class Word:
    """One word; ``kind`` is one of `KINDS`; a string comes without its quotes."""

    kind: str
    text: str

    def __str__(self) -> str:
        return f'"{self.text}"' if self.kind == "string" else self.text


@dataclass(frozen=True, slots=True)
class Line:
    """The words of one line; ``number`` of the line where it begins, from 1; ``fault`` empty when all is well."""

    number: int
    words: tuple[Word, ...]
    fault: str = ""


def same(name: str) -> str:
    """A keyword as it is compared: neither case nor ``-`` against ``_`` matters."""
    return name.lower().replace("_", "-")


def split_lines(text: str, first: int = 1) -> list[Line]:
    """All lines that are not empty, in their order; ``first`` is the number of the first line."""
    found: list[Line] = []
    words: list[Word] = []
    number = begun = first
    fault = ""
    for token in _TOKEN.finditer(text + "\n"):
        kind = token.lastgroup or ""
        if kind == "newline":
            if words:
                found.append(Line(begun, tuple(words), fault))
            words, fault = [], ""
            number += 1
            begun = number
        elif kind == "string":
            words.append(Word(kind, unquote(token["string"])))
            number += token["string"].count("\n")
        elif kind != "blank":
            words.append(Word(kind, token[0]))
            if token[0] == '"':
                fault = fault or "a text has no closing quote"
    return found
