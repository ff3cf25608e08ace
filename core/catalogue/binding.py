"""Texts as SQLite takes them."""

from __future__ import annotations


def bind(text: str) -> str | bytes:
    """A text as SQLite takes it: one with surrogate escapes (a name that is not UTF-8) becomes a BLOB of its bytes."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")
    return text
