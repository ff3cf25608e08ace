"""The ``<options>`` word of FILE-DUMP and PORT-DUMP: Amanda's ``|;key=value;flag;…`` string.

Values are percent-escaped where they hold ``;``, ``%``, ``|``, ``=`` or control characters; a key that comes
again makes a list (``exclude=./a;exclude=./b;``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from core.errors import BadLine

_UNSAFE = re.compile(r"[;%|=\x00-\x1f\x7f]")
_ESCAPE = re.compile(r"%([0-9a-fA-F]{2})")


def encode_options(options: Iterable[tuple[str, str | None]]) -> str:
    """``(key, value)`` pairs as one word; a value of None is a bare flag."""
    parts = [key if value is None else f"{key}={_UNSAFE.sub(_escape, value)}" for key, value in options]
    return "|;" + "".join(part + ";" for part in parts)


def decode_options(text: str) -> dict[str, list[str]]:
    """Key to its values in order; a bare flag has the value ``""``.  BadLine when it does not begin with ``|``."""
    if not text.startswith("|"):
        raise BadLine(f"options {text[:40]!r} do not begin with '|'")
    found: dict[str, list[str]] = {}
    for part in text[1:].split(";"):
        if part:
            key, _, value = part.partition("=")
            found.setdefault(key, []).append(_ESCAPE.sub(lambda m: chr(int(m[1], 16)), value))
    return found


def _escape(found: re.Match[str]) -> str:
    return f"%{ord(found[0]):02x}"
