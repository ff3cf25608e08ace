"""Names as GNU tar prints them in its quoting style ``escape``, and as the lines of an index have them.  Pure."""

from __future__ import annotations

import re

_ODD = re.compile(rb"[^ -\[\]-~]")
_NOT_ODD = bytes(byte for byte in range(32, 127) if byte != 92) + b"\t\n"
_NAMED = {7: b"\\a", 8: b"\\b", 9: b"\\t", 10: b"\\n", 11: b"\\v", 12: b"\\f", 13: b"\\r", 92: b"\\\\"}
_ESCAPED = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_LETTERS = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


def quote_name(name: bytes) -> bytes:
    """``name`` as GNU tar prints it (quoting style ``escape``): unprintable bytes as backslash and letter or three digits."""
    return _ODD.sub(_escape, name) if _ODD.search(name) else name


def print_as_they_are(lines: bytes) -> bool:
    """Whether no byte of ``lines`` would be quoted, but for what ends words and lines."""
    return not lines.translate(None, _NOT_ODD)


def index_path(name: bytes) -> bytes:
    """A member's name as a line of the index has it: quoted, relative to the disk's top, which is ``/``."""
    quoted = quote_name(name)
    if quoted.startswith(b"./"):
        return quoted[1:]
    return b"/" + quoted if not quoted.startswith(b"/") else quoted


def unquote_name(line: bytes) -> bytes:
    """The name that GNU tar printed so."""
    return _ESCAPED.sub(_one, line) if b"\\" in line else line


def _one(found: re.Match[bytes]) -> bytes:
    escape = found[1]
    if len(escape) == 3:
        return bytes([int(escape, 8) & 0xFF])
    return _LETTERS.get(escape, escape)


def _escape(found: re.Match[bytes]) -> bytes:
    byte = found[0][0]
    return _NAMED.get(byte) or b"\\%03o" % byte
