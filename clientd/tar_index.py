"""The list of a tar stream's members, made while the stream passes by: no second tar, no copy of the data.

Promises, for the stream of GNU tar (old GNU format, with long names, sparse files and the directory lists of
``--listed-incremental``, and pax headers' path), the names as ``tar -t`` prints them in the C locale, and the
512-byte block at which each member begins.  Garbage ends the list, never the dump.  It does not know where lines go.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

_BLOCK = 512
_LONG_LIMIT = 1024 * 1024
_NO_DATA = frozenset(b"123456")
_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL, _SPARSE, _DIRECTORY_LIST = b"LKxgSD"
_ODD = re.compile(rb"[^ -\[\]-~]")
_NAMED = {7: b"\\a", 8: b"\\b", 9: b"\\t", 10: b"\\n", 11: b"\\v", 12: b"\\f", 13: b"\\r", 92: b"\\\\"}
_NEVER = 1 << 62
_PLAIN = struct.Struct("100s24x11sc20xc100x6s")
"""Of a header in old GNU format: name, size, what ends the size, type, magic."""
_MAGIC = b"ustar "


def quote_name(name: bytes) -> bytes:
    """``name`` as GNU tar prints it (quoting style ``escape``): unprintable bytes as backslash and letter or three digits."""
    return _ODD.sub(_escape, name) if _ODD.search(name) else name


def index_path(name: bytes) -> bytes:
    """A member's name as a line of the index has it: quoted, relative to the disk's top, which is ``/``."""
    quoted = quote_name(name)
    if quoted.startswith(b"./"):
        return quoted[1:]
    return b"/" + quoted if not quoted.startswith(b"/") else quoted


class TarIndexer:
    """Hops from header to header.  ``member(block, path)`` for each member; ``kept(path)``, if it is given, for each name
    that a directory's list says is there but not in this dump: ``/`` before the first of them, and ``/old TAB /new`` for a
    directory that was renamed since the dump below (tar has a temporary name in between where two change places: empty)."""

    __slots__ = ("_at", "_body", "_directory", "_first", "_head", "_kept", "_left", "_listed", "_long", "_member", "_next",
                 "_old", "_sparse", "_type", "_zero")

    def __init__(self, member: Callable[[int, bytes], None], kept: Callable[[bytes], None] | None = None) -> None:
        self._member = member
        self._kept = kept
        self._at = 0          # bytes of the stream seen so far
        self._next = 0        # where the next header or piece of a body begins
        self._head = bytearray()
        self._body = bytearray()
        self._left = 0        # bytes of a body that is being collected, padding not counted
        self._type = 0        # which kind of body
        self._long = b""
        self._first = -1      # where the first header of a member begins, when others stand before its own
        self._sparse = -1     # bytes of data that follow the extension blocks of a sparse map, while those are read
        self._directory = b""
        self._listed = False  # the first directory's list was met
        self._old = b""       # the name that a directory had before it was renamed
        self._zero = False

    def feed(self, data: memoryview) -> None:
        """Read the next piece of the stream."""
        start = self._at
        self._at = end = start + len(data)
        while self._next < end:
            offset = self._next - start
            if self._left:
                size = min(self._left, end - self._next)
                self._left -= size
                self._next += size
                self._collect(bytes(data[offset:offset + size]))
            elif self._head or end - self._next < _BLOCK:
                part = data[offset:offset + _BLOCK - len(self._head)]
                self._head += part
                self._next += len(part)
                if len(self._head) < _BLOCK:
                    return
                block = bytes(self._head)
                self._head.clear()
                self._block(block)
            elif self._long or self._first >= 0 or self._sparse >= 0 or not self._hop(data, offset):
                self._next += _BLOCK
                self._block(bytes(data[offset:offset + _BLOCK]))

    def _hop(self, data: memoryview, offset: int) -> bool:
        """Over whole headers of plain files, which most members are; whether there was one."""
        begin, last, member = offset, len(data) - _BLOCK, self._member
        start = self._next - offset
        while offset <= last:
            name, digits, after, kind, magic = _PLAIN.unpack_from(data, offset)
            if kind != b"0" or magic != _MAGIC or after != b"\0":
                break
            try:
                size = int(digits, 8)
            except ValueError:
                break
            if size < 0:
                break
            end = name.find(b"\0")
            member((start + offset) // _BLOCK, index_path(name[:end] if end >= 0 else name))
            offset += _BLOCK + ((size + _BLOCK - 1) & -_BLOCK)
        if offset == begin:
            return False
        self._zero = False
        self._next = start + offset
        return True

    def _block(self, block: bytes) -> None:
        if self._sparse >= 0:
            if not block[504]:
                self._next += self._sparse
                self._sparse = -1
            return
        kind = block[156]
        if not block[0] and not kind:
            self._next = _NEVER if self._zero else self._next
            self._zero = True
            return
        self._zero = False
        at = self._next - _BLOCK
        size = _number(block[124:136])
        if size < 0 or (kind in (_LONG_NAME, _LONG_LINK, _PAX) and size > _LONG_LIMIT):
            self._next = _NEVER
            return
        if kind in (_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL):
            if self._first < 0:
                self._first = at
            self._expect(kind, size)
            return
        name = self._long or _name(block)
        self._long = b""
        if self._first >= 0:
            at, self._first = self._first, -1
        self._member(at // _BLOCK, index_path(name))
        padded = (size + _BLOCK - 1) & -_BLOCK
        if kind == _SPARSE and block[482]:
            self._sparse = padded
        elif kind == _DIRECTORY_LIST and self._kept is not None:
            self._directory = name
            if not self._listed:
                self._listed = True
                self._kept(b"/")
            self._expect(kind, size)
        elif kind not in _NO_DATA:
            self._next += padded

    def _expect(self, kind: int, size: int) -> None:
        self._type = kind
        self._left = size
        self._body.clear()
        if not size:
            self._collected(kind)

    def _collect(self, data: bytes) -> None:
        kind = self._type
        if kind == _DIRECTORY_LIST:
            *names, rest = (bytes(self._body) + data).split(b"\0")
            self._body = bytearray(rest)
            if self._kept is not None:
                for name in names:
                    if name.startswith(b"N"):
                        self._kept(index_path(self._directory + name[1:]))
                    elif name.startswith(b"R"):
                        self._old = index_path(name[1:]) if len(name) > 1 else b""
                    elif name.startswith(b"T"):
                        self._kept(self._old + b"\t" + (index_path(name[1:]) if len(name) > 1 else b""))
        elif kind != _PAX_GLOBAL:
            self._body += data
        if not self._left:
            self._collected(kind)

    def _collected(self, kind: int) -> None:
        self._next = (self._next + _BLOCK - 1) & -_BLOCK
        if kind == _LONG_NAME:
            self._long = bytes(self._body).rstrip(b"\0")
        elif kind == _PAX:
            self._long = _pax_path(bytes(self._body)) or self._long
        self._body.clear()


def _name(block: bytes) -> bytes:
    name = block[:100].split(b"\0", 1)[0]
    if block[345] and block[257:263] == b"ustar\0":
        return block[345:500].split(b"\0", 1)[0] + b"/" + name
    return name


def _number(field: bytes) -> int:
    if field[0] & 0x80:
        return int.from_bytes(field, "big") & ((1 << 95) - 1)
    try:
        return int(field.rstrip(b"\0 ") or b"0", 8)
    except ValueError:
        return -1


def _pax_path(body: bytes) -> bytes:
    while body:
        digits, _, rest = body.partition(b" ")
        if not digits.isdigit() or len(digits) > 7 or int(digits) <= len(digits) + 1:
            return b""
        record, body = rest[:int(digits) - len(digits) - 2], body[int(digits):]
        if record.startswith(b"path="):
            return record[5:]
    return b""


def _escape(found: re.Match[bytes]) -> bytes:
    byte = found[0][0]
    return _NAMED.get(byte) or b"\\%03o" % byte
