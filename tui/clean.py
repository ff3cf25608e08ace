"""Makes text from outside harmless before it is drawn: names of files and disks, messages of clients, lines of pipes.

No control character (escape sequences, OSC 52, line breaks), no sign that turns the writing direction round, no lone
surrogate leaves here.  Nothing is lost: what cannot be shown is shown as ``\\xNN`` or a replacement character.
Markup is not this module's business: the widgets here never parse any.
"""

from __future__ import annotations

import re

_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_UNSAFE = re.compile(f"[\x00-\x1f\x7f-\x9f\u200b\u2028\u2029\ufeff{_BIDI}\ud800-\udfff]")
_NAMED = {"\t": " ", "\n": "\\n", "\r": "\\r"}


def clean(text: str, limit: int = 4096) -> str:
    """``text`` as it may be drawn on one line, at most ``limit`` characters and a mark that there was more."""
    if len(text) > limit:
        text = text[:limit] + "…"
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub(_shown, text)


def _shown(found: re.Match[str]) -> str:
    char = found[0]
    if char in _NAMED:
        return _NAMED[char]
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else "\N{REPLACEMENT CHARACTER}"
