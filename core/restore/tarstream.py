"""A tar stream read as it passes by: its members, its directories' lists, and a stream of only the chosen members.  Pure.

Reads what GNU tar writes (old GNU format with long names, sparse files and dumpdirs, ustar, pax).  Every byte of a
chosen member is passed on as it came, headers and all, so that a real tar extracts it; choosing here and not by names
on tar's command line needs no quoting, and tar compares each member with each name, which takes hours for a million.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import NamedTuple

from core.errors import WorldError
from core.wire.pax import pax_number, pax_records

BLOCK = 512
_MAX_LONG = 16 << 20
_MAX_DUMPDIR = 1 << 30
LINK, DIRECTORY, DUMPDIR, SPARSE = b"15DS"
_NO_DATA = frozenset(b"123456")
_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL = b"LKxg"
_BEFORE = frozenset((_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL))


class Member(NamedTuple):
    """One member: its name as it stands there, its type, the name it is a link to, bytes of data in the stream."""

    name: bytes
    kind: int
    link: bytes
    size: int

    @property
    def is_directory(self) -> bool:
        """Whether it is one; an old tar says so by a slash only."""
        return self.kind in (DIRECTORY, DUMPDIR) or self.name.endswith(b"/")


class TarStream:
    """Feed it the stream; ``choose(member)`` says which go to ``out``; ``dumpdir(name, list)`` gets the lists if it is given.

    ``ended``: the end of the archive was seen.  WorldError RST020 when the stream is no tar.
    """

    def __init__(self, choose: Callable[[Member], bool], out: Callable[[memoryview], None],
                 dumpdir: Callable[[bytes, bytes], None] | None = None, *, together: bool = False) -> None:
        """``together``: ``out`` gets chosen members that lie side by side in one call, so ``choose`` may be asked for the next
        one before; `flush` brings it up to date."""
        self._choose, self._out, self._dumpdir, self._together = choose, out, dumpdir, together
        self._piece = memoryview(b"")  # what is being read
        self._from = self._to = 0      # of it, chosen and not passed on yet
        self.ended = False
        self.members = 0
        self._held = bytearray()      # headers before a member's own, until it is known whether it is chosen
        self._block = bytearray()     # a header block that is not complete yet
        self._body = bytearray()      # what is collected: a long name, a pax header, a dumpdir
        self._collect = 0             # bytes still to be collected, padding included
        self._size = 0                # of them without padding
        self._kind = 0
        self._skip = 0                # bytes of data still to come, passed on when `_pass`
        self._pass = False
        self._sparse = False          # the next block is an extension of a sparse map
        self._name = b""
        self._link = b""
        self._pax: dict[bytes, bytes] = {}
        self._member = Member(b"", 0, b"", 0)
        self._own = b""               # its own header, without those before it

    @property
    def own_header(self) -> bytes:
        """The own header of the last member, also while ``choose`` is asked; empty where a pax header stands before it."""
        return self._own

    @property
    def idle(self) -> bool:
        """Whether a member is at its end and the next has not begun."""
        return not (self._collect or self._skip or self._block or self._held or self._sparse)

    @property
    def passed(self) -> bool:
        """Whether the last member was a chosen one."""
        return self._pass

    def pass_by(self, data: memoryview) -> None:
        """Pass on a piece of members that are all chosen, without a look at it."""
        self._out(data)

    def feed(self, data: memoryview, *, members: int = 0) -> int:
        """Read the next piece of any size, no further than to the end of so many ``members`` in all; how many bytes were
        read."""
        at, end = 0, len(data)
        self._piece, self._from, self._to = data, 0, 0
        while at < end and not self.ended:
            if members and self.members >= members and self.idle:
                break
            if self._collect:
                self.flush()
                size = min(self._collect, end - at)
                self._take(data[at:at + size])
                at += size
            elif self._skip:
                size = min(self._skip, end - at)
                if self._pass:
                    self._chosen(at, at + size)
                self._skip -= size
                at += size
            elif self._together and not self._block and end - at >= BLOCK:
                if self._header(bytes(data[at:at + BLOCK])):
                    self._chosen(at, at + BLOCK)
                at += BLOCK
            else:
                size = min(BLOCK - len(self._block), end - at)
                self._block += data[at:at + size]
                at += size
                if len(self._block) == BLOCK:
                    block = bytes(self._block)
                    self._block.clear()
                    if self._header(block):
                        self.flush()
                        self._out(memoryview(block))
        self.flush()
        return at

    def _chosen(self, begin: int, end: int) -> None:
        """These bytes of the piece are to be passed on."""
        if begin != self._to:
            self.flush()
            self._from = begin
        self._to = end
        if not self._together:
            self.flush()

    def flush(self) -> None:
        """Pass on what is chosen of that which was read."""
        if self._to > self._from:
            self._out(self._piece[self._from:self._to])
        self._from = self._to

    def finish(self) -> bytes:
        """The end of the stream came; what a tar of the chosen members ends with.  RST020 when it came too early."""
        if not self.ended and (self._collect or self._skip or self._block or self._held):
            raise WorldError("RST020", "the dump ends in the middle of a file", "it is damaged; another date may be whole")
        return bytes(20 * BLOCK)

    def _header(self, block: bytes) -> bool:
        """Read a block; whether it is to be passed on."""
        if self._sparse:
            self._sparse = bool(block[504])
            if not self._sparse:
                self._skip = padded(self._member.size)
            return self._pass
        if not block[0] and not block.strip(b"\0"):
            self.ended = True
            return False
        _check(block)
        kind, size = block[156], _number(block[124:136])
        if kind in _BEFORE:
            if size > _MAX_LONG:
                raise WorldError("RST020", f"the dump has a name of {size} bytes", "it is damaged; another date may be whole")
            self._held += block
            self._begin(kind, size)
            return False
        self._begin_member(block, kind, size)
        return self._pass

    def _begin_member(self, block: bytes, kind: int, size: int) -> None:
        pax, name, link = self._pax, self._name or _short_name(block), b""
        if pax:
            self._pax = {}
            name = pax.get(b"GNU.sparse.name") or pax.get(b"path") or name
            size = pax_number(pax.get(b"size", b""), size)
        if kind == LINK:
            link = pax.get(b"linkpath") or self._link or block[157:257].split(b"\0", 1)[0]
        self._name = self._link = b""
        self._member = Member(name, kind, link, 0 if kind in _NO_DATA else size)
        self._own = b"" if pax else block
        self.members += 1
        self._pass = self._choose(self._member)
        if self._held:
            if self._pass:
                self.flush()
                self._out(memoryview(bytes(self._held)))
            self._held.clear()
        if kind == SPARSE and block[482]:
            self._sparse = True
        elif kind == DUMPDIR and self._dumpdir is not None and size <= _MAX_DUMPDIR:
            self._begin(kind, size)
        else:
            self._skip = padded(self._member.size)
            if self._dumpdir is not None and (listed := pax.get(b"GNU.dumpdir")) is not None:
                self._dumpdir(name, listed)

    def _begin(self, kind: int, size: int) -> None:
        self._kind, self._size, self._collect = kind, size, padded(size)
        self._body.clear()
        if not size:
            self._collected()

    def _take(self, data: memoryview) -> None:
        self._body += data
        self._collect -= len(data)
        if self._kind in _BEFORE:
            self._held += data
        elif self._pass:
            self._out(data)
        if not self._collect:
            self._collected()

    def _collected(self) -> None:
        body = bytes(self._body[:self._size])
        self._body.clear()
        match self._kind:
            case k if k == _LONG_NAME:
                self._name = body.split(b"\0", 1)[0]
            case k if k == _LONG_LINK:
                self._link = body.split(b"\0", 1)[0]
            case k if k == _PAX:
                self._pax = pax_records(body)
            case k if k == DUMPDIR and self._dumpdir is not None:
                self._dumpdir(self._member.name, body)


def padded(size: int) -> int:
    """Bytes that so many bytes of data take."""
    return (size + BLOCK - 1) & -BLOCK


def _short_name(block: bytes) -> bytes:
    name = block[:100].split(b"\0", 1)[0]
    # Only POSIX's own magic has a prefix there; old GNU archives keep times in that place.
    if block[257:263] == b"ustar\0" and block[345]:
        return block[345:500].split(b"\0", 1)[0] + b"/" + name
    return name


def _number(field: bytes) -> int:
    """A size: octal digits, or base 256 when the first bit is set.  RST020 when it is none."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b"\0 ")
    if digits.isdigit() and b"8" not in digits and b"9" not in digits:
        return int(digits, 8)
    if digits:
        raise WorldError("RST020", "the dump is no tar archive", "it is damaged, or made by another program")
    return 0


def _check(block: bytes) -> None:
    """The sum of a header's bytes, its own field taken as blanks, must be what that field says."""
    field = block[148:156]
    # The sum of up to 256 bytes is the lower half of their Adler-32, less one, and much sooner.
    total = (zlib.adler32(block[:256]) & 0xFFFF) + (zlib.adler32(block[256:]) & 0xFFFF) - 2 - sum(field) + 8 * 32
    try:
        right = int(field.strip(b"\0 "), 8) == total
    except ValueError:
        right = False
    if not right:
        raise WorldError("RST020", "the dump is no tar archive", "it is damaged, or made by another program")
