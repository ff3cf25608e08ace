"""How a directory looks, by its header in an archive: as tar will make it look, but known at once.  Pure.

tar gives directories their times when it ends, and a restore that is interrupted goes on without what it has read already.
Only headers of GNU format tell everything: what others say beside their own blocks is left to tar.
"""

from __future__ import annotations

import re

from core.landing.state import Look

_GNU = b"ustar  \0"
_BITS = 0o7777
_DIGITS = re.compile(rb" *([0-7]+)[ \0]*")
_IDS = range(1 << 32)
_TIMES = range(-1 << 40, 1 << 40)


def look_by(block: bytes, now: int) -> Look | None:
    """Of a directory's own header, 512 bytes, at the moment ``now`` (ns since the epoch); None where it does not tell."""
    if block[257:265] != _GNU:
        return None
    mode, uid, gid, mtime = (_number(block[begin:end]) for begin, end in ((100, 108), (108, 116), (116, 124), (136, 148)))
    if mode is None or uid is None or gid is None or mtime is None:
        return None
    if uid not in _IDS or gid not in _IDS or mtime not in _TIMES:
        return None
    return Look(mode & _BITS, uid, gid, now, mtime * 10**9, {})


def _number(field: bytes) -> int | None:
    """Octal digits, or two's complement in base 256 after a byte that says so."""
    if field[0] in (0x80, 0xFF):
        return int.from_bytes(field[1:], "big") - (1 << 8 * (len(field) - 1) if field[0] == 0xFF else 0)
    found = _DIGITS.fullmatch(field)
    return int(found[1], 8) if found is not None else None
