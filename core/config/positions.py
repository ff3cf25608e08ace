"""Where in a TOML text each key stands, for messages that name a line.

Promises: a line for every key that `tomllib` read from the same text, also inside inline tables, arrays and dotted
keys.  It is used only once a fault is known, so a good configuration pays nothing for it.  It does not validate:
`tomllib` has done that before.
"""

from __future__ import annotations

import contextlib
import re

Path = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"[ \t]*")
_BETWEEN = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_PLAIN = re.compile(r"[^,\]}\n#]*")
_ESCAPE = re.compile(r'\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[btnfr"\\])')
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


class Positions:
    """Lines (from 1) of the keys of ``text``."""

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._at = 0
        self._lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}
        self._spans: list[tuple[Path, int, int]] = []
        with contextlib.suppress(IndexError, ValueError):  # what was found so far is better than nothing
            self._document()

    def line_of(self, path: Path) -> int:
        """The line of ``path``, or of the nearest thing around it; 1 when nothing is known."""
        for length in range(len(path), 0, -1):
            if (line := self._lines.get(path[:length])) is not None:
                return line
        return 1

    def lines_of(self, path: Path) -> set[int]:
        """Every line that says something of ``path``: headers, keys, and all lines of their values."""
        found: set[int] = set()
        for at, first, last in self._spans:
            if at[: len(path)] == path:
                found.update(range(first, last + 1))
        return found

    def _document(self) -> None:
        table: Path = ()
        while True:
            self._skip(_BETWEEN)
            if self._at >= len(self._text):
                return
            if self._text.startswith("[[", self._at):
                table = self._header(2)
                index = self._counts.get(table, 0)
                self._counts[table] = index + 1
                self._lines.setdefault(table, self._line())
                table = (*table, index)
                self._lines[table] = self._line()
                self._spans.append((table, self._line(), self._line()))
                self._at = self._text.index("]]", self._at) + 2
            elif self._text[self._at] == "[":
                table = self._header(1)
                self._lines.setdefault(table, self._line())
                self._spans.append((table, self._line(), self._line()))
                self._at = self._text.index("]", self._at) + 1
            else:
                first = self._line()
                path = self._pair(table)
                self._spans.append((path, first, self._line()))

    def _header(self, brackets: int) -> Path:
        """The table that a header opens; a part that is an array of tables means its last one."""
        self._at += brackets
        path: Path = ()
        line, keys = self._line(), self._keys()
        for number, key in enumerate(keys):
            path = (*path, key)
            if number < len(keys) - 1 or brackets == 1:
                count = self._counts.get(path, 0)
                path = (*path, count - 1) if count else path
            self._lines.setdefault(path, line)
        return path

    def _pair(self, table: Path) -> Path:
        line, path = self._line(), table
        for key in self._keys():
            path = (*path, key)
            self._lines.setdefault(path, line)
        self._lines[path] = line
        self._skip(_BLANK)
        if self._text[self._at] != "=":
            raise ValueError("no key and value")
        self._at += 1
        self._value(path)
        return path

    def _keys(self) -> list[str]:
        keys: list[str] = []
        while True:
            self._skip(_BLANK)
            if self._text[self._at] in "\"'":
                keys.append(self._string())
            else:
                found = _BARE.match(self._text, self._at)
                if found is None:
                    raise ValueError("no key")
                keys.append(found[0])
                self._at = found.end()
            self._skip(_BLANK)
            if self._text[self._at] != ".":
                return keys
            self._at += 1

    def _value(self, path: Path) -> None:
        self._skip(_BLANK)
        match self._text[self._at]:
            case '"' | "'":
                self._string()
            case "[":
                self._array(path)
            case "{":
                self._inline(path)
            case _:
                self._skip(_PLAIN)

    def _array(self, path: Path) -> None:
        self._at += 1
        for index in range(len(self._text)):
            self._skip(_BETWEEN)
            if self._text[self._at] == "]":
                break
            self._lines[*path, index] = self._line()
            self._value((*path, index))
            self._skip(_BETWEEN)
            if self._text[self._at] == ",":
                self._at += 1
        self._at += 1

    def _inline(self, path: Path) -> None:
        self._at += 1
        while True:
            self._skip(_BETWEEN)
            if self._text[self._at] == "}":
                break
            self._pair(path)
            self._skip(_BETWEEN)
            if self._text[self._at] == ",":
                self._at += 1
        self._at += 1

    def _string(self) -> str:
        quote = self._text[self._at]
        if self._text.startswith(quote * 3, self._at):
            end = self._text.index(quote * 3, self._at + 3)
            while quote == '"' and _odd_backslashes(self._text, end):
                end = self._text.index(quote * 3, end + 1)
            while self._text.startswith(quote * 4, end):
                end += 1
            start, self._at = self._at + 3, end + 3
            return self._text[start:end]
        end = self._text.index(quote, self._at + 1)
        while quote == '"' and _odd_backslashes(self._text, end):
            end = self._text.index(quote, end + 1)
        start, self._at = self._at + 1, end + 1
        raw = self._text[start:end]
        return _ESCAPE.sub(_unescape, raw) if quote == '"' else raw

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self._at)
        if found is not None:
            self._at = found.end()

    def _line(self) -> int:
        return self._text.count("\n", 0, self._at) + 1


def _odd_backslashes(text: str, end: int) -> bool:
    start = end
    while start > 0 and text[start - 1] == "\\":
        start -= 1
    return (end - start) % 2 == 1


def _unescape(found: re.Match[str]) -> str:
    word = found[1]
    return _ESCAPED[word] if word in _ESCAPED else chr(int(word[1:], 16))
