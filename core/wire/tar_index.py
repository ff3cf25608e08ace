"""The list of a tar stream's members, made while the stream passes by: no second tar, no copy of the data.

Promises, for the stream of GNU tar (old GNU format with long names, sparse files and the directory lists of
``--listed-incremental``; pax headers, with such files and lists too), each member's name, where it begins, its size, time and
type.  Garbage ends the list, never the dump.  It does not know where the list goes.  Pure.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping

from core.wire.pax import pax_number, pax_records
from core.wire.tar_quoting import index_path

BLOCK = 512
"""Bytes of a block; every member begins at a multiple of it."""
_LONG_LIMIT = 1024 * 1024
_PAX_LIMIT = 16 * 1024 * 1024
"""Of a pax header, which may have the list of a whole directory."""
_NO_DATA = frozenset(b"123456")
_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL, _SPARSE, _DIRECTORY_LIST = b"LKxgSD"
_LETTERS: Mapping[int, bytes] = {0: b"f", **{ord(kind): letter.encode() for kind, letter in zip("01234567DS", "fhlcbdpfds",
                                                                                              strict=True)}}
_NEVER = 1 << 62
_PLAIN = struct.Struct("100s24x11sc11sx8xc100x6s")
"""Of a header in old GNU format: name, size, what ends the size, time, type, magic."""
_MAGIC = b"ustar "
Take = Callable[[int, bytes, int, int, bytes], None]
"""Of a member: the byte at which its first header block begins, its name as it stands there, bytes in the file, seconds since
1970 (−1 unknown), and a letter: f file, d directory, l symbolic and h hard link, s sparse file, b and c devices, p fifo,
``?`` anything else."""
PlainFile = tuple[bytes, int, int, int]
"""The same of a plain file, the name first and without its letter."""


class TarIndexer:
    """Hops from header to header; ``member`` is called for each member, ``kept(path)``, if it is given, for each name
    that a directory's list says is there but not in this dump: ``/`` before the first of them, and ``/old TAB /new`` for a
    directory that was renamed since the dump below (tar has a temporary name in between where two change places: empty).
    Those paths are quoted as lines of the index are.  ``plain``, if it is given, is called instead of ``member`` for plain
    files, which most members are, with all that one piece of the stream has one after the other."""

    __slots__ = ("_at", "_body", "_directory", "_first", "_head", "_kept", "_left", "_listed", "_long", "_member", "_next",
                 "_old", "_pax", "_plain", "_sparse", "_type", "_zero")

    def __init__(self, member: Take, kept: Callable[[bytes], None] | None = None,
                 plain: Callable[[list[PlainFile]], None] | None = None) -> None:
        self._member = member
        self._kept = kept
        self._plain = plain
        self._at = 0          # bytes of the stream seen so far
        self._next = 0        # where the next header or piece of a body begins
        self._head = bytearray()
        self._body = bytearray()
        self._left = 0        # bytes of a body that is being collected, padding not counted
        self._type = 0        # which kind of body
        self._long = b""
        self._pax: dict[bytes, bytes] = {}
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
            elif self._head or end - self._next < BLOCK:
                part = data[offset:offset + BLOCK - len(self._head)]
                self._head += part
                self._next += len(part)
                if len(self._head) < BLOCK:
                    return
                block = bytes(self._head)
                self._head.clear()
                self._block(block)
            elif self._long or self._first >= 0 or self._sparse >= 0 or not self._hop(data, offset):
                self._next += BLOCK
                self._block(bytes(data[offset:offset + BLOCK]))

    def _hop(self, data: memoryview, offset: int) -> bool:
        """Over whole headers of plain files, which most members are; whether there was one."""
        last = len(data) - BLOCK
        found: list[PlainFile] = []
        start = self._next - offset
        while offset <= last:
            name, digits, after, seconds, kind, magic = _PLAIN.unpack_from(data, offset)
            if kind != b"0" or magic != _MAGIC or after != b"\0":
                break
            try:
                size, time = int(digits, 8), int(seconds, 8)
            except ValueError:
                break
            if size < 0 or time < 0:
                break
            found.append((name.partition(b"\0")[0], start + offset, size, time))
            offset += BLOCK + ((size + BLOCK - 1) & -BLOCK)
        if not found:
            return False
        if self._plain is not None:
            self._plain(found)
        else:
            for name, at, size, time in found:
                self._member(at, name, size, time, b"f")
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
        at = self._next - BLOCK
        size = _number(block[124:136])
        if size < 0 or (kind in (_LONG_NAME, _LONG_LINK) and size > _LONG_LIMIT) or (kind == _PAX and size > _PAX_LIMIT):
            self._next = _NEVER
            return
        if kind in (_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL):
            if self._first < 0:
                self._first = at
            self._expect(kind, size)
            return
        pax, self._pax = self._pax, {}
        name = pax.get(b"GNU.sparse.name") or pax.get(b"path") or self._long or _name(block)
        self._long = b""
        if self._first >= 0:
            at, self._first = self._first, -1
        size = pax_number(pax.get(b"size", b""), size)
        self._member(at, name, *_nature(block, kind, name, size, pax))
        padded = (size + BLOCK - 1) & -BLOCK
        if kind == _SPARSE and block[482]:
            self._sparse = padded
        elif kind == _DIRECTORY_LIST and self._kept is not None:
            self._begin_list(name)
            self._expect(kind, size)
        elif kind not in _NO_DATA:
            self._next += padded
        if self._kept is not None and (listed := pax.get(b"GNU.dumpdir")) is not None:
            self._begin_list(name if name.endswith(b"/") else name + b"/")
            self._list(listed.split(b"\0"))

    def _begin_list(self, directory: bytes) -> None:
        self._directory = directory
        if self._kept is not None and not self._listed:
            self._listed = True
            self._kept(b"/")

    def _list(self, names: Iterable[bytes]) -> None:
        """What a directory's list says."""
        if self._kept is None:
            return
        for name in names:
            if name.startswith(b"N"):
                self._kept(index_path(self._directory + name[1:]))
            elif name.startswith(b"R"):
                self._old = index_path(name[1:]) if len(name) > 1 else b""
            elif name.startswith(b"T"):
                self._kept(self._old + b"\t" + (index_path(name[1:]) if len(name) > 1 else b""))

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
            self._list(names)
        elif kind != _PAX_GLOBAL:
            self._body += data
        if not self._left:
            self._collected(kind)

    def _collected(self, kind: int) -> None:
        self._next = (self._next + BLOCK - 1) & -BLOCK
        if kind == _LONG_NAME:
            self._long = bytes(self._body).rstrip(b"\0")
        elif kind == _PAX:
            self._pax = pax_records(bytes(self._body))
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


def _nature(block: bytes, kind: int, name: bytes, size: int, pax: Mapping[bytes, bytes]) -> tuple[int, int, bytes]:
    """Of a member: bytes in the file itself, seconds, letter."""
    letter = _LETTERS.get(kind, b"?")
    if letter == b"f" and name.endswith(b"/"):
        letter = b"d"  # an old tar says it so
    real = pax.get(b"GNU.sparse.realsize") or pax.get(b"GNU.sparse.size")
    if kind == _SPARSE:
        size = max(-1, _number(block[483:495]))
    elif real is not None and letter == b"f":
        size, letter = pax_number(real, -1), b"s"
    elif letter not in b"f?":
        size = 0
    said = pax.get(b"mtime", b"")
    # Before 1970 tar says the time in the pax header, and 0 in the member's own.
    seconds = -1 if said.startswith(b"-") else pax_number(said.partition(b".")[0], _number(block[136:148]))
    return size, seconds if 0 <= seconds < _NEVER else -1, letter
