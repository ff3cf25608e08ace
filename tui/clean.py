"""Makes text from outside harmless before it is drawn: names of files and disks, messages of clients, lines of pipes.

No control character (escape sequences, OSC 52, line breaks), no invisible sign (such as one that turns the writing round),
no lone surrogate leaves here.  Nothing is lost: what cannot be shown is shown as ``\\xNN`` or a replacement character.
Markup is not this module's business: the widgets here never parse any.
"""

from __future__ import annotations

_NAMED = {"\t": " ", "\n": "\\n", "\r": "\\r"}


def clean(text: str, limit: int = 4096) -> str:
    """``text`` as it may be drawn on one line, at most ``limit`` characters and a mark that there was more."""
    if len(text) > limit:
        text = text[:limit] + "…"
    return text if text.isprintable() else "".join([c if c.isprintable() else _shown(c) for c in text])


def _shown(char: str) -> str:
    if char in _NAMED:
        return _NAMED[char]
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if char.isspace():
        return " "
    return f"\\x{code:02x}" if code < 0x100 else "\N{REPLACEMENT CHARACTER}"
