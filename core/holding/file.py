"""A dump on the holding disk: one file, or a chain of chunks, each with its own header (Amanda 3.5.1, holding.c).

`HoldingWriter` promises that the data it took is on disk once and in order, whatever filled up on the way, and that
a dump has its name only when it is whole and durable.  `HoldingReader` gives the data of all chunks and nothing else.
Neither knows where the data comes from or goes to.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Literal

from core.errors import WorldError
from core.holding.chain import Chunk, chain
from core.holding.chunk import AHEAD, SYSTEM, Calls, ChunkFile, sync_directory
from core.holding.header import HEADER_KIB, HEADER_SIZE, Header, Kind, build
from core.holding.mapped import Origin, mapped
from core.holding.seal import seal

Why = Literal["allotment", "disk"]
_OPEN_CHUNKS = 4  # written chunks that wait for their sync while the kernel writes them back


def _whole_blocks(kib: int) -> int:
    """Bytes of ``kib`` rounded down to what Amanda counts in: 32 KiB."""
    return max(0, kib) // HEADER_KIB * HEADER_SIZE


class HoldingWriter:
    """Writes the dump called ``filename``; sizes in KiB with the headers counted in, as Amanda counts.

    ``chunksize`` 0 is one chunk; ``use`` is the allotment, None for no limit.  Creates the file and its directory at
    once (HLD010, HLD011, HLD013), so that a useless holding disk is known before a client is asked.
    """

    def __init__(self, filename: Path, *, chunksize: int = 0, use: int | None = None, calls: Calls = SYSTEM) -> None:
        self.filename = _absolute(filename)
        self.why: Why | None = None
        self.written = 0
        self._base = self.filename
        self._calls = calls
        self._left = None if use is None else _whole_blocks(use)
        self._header: Header | None = None
        self._next: list[str] = []
        self._moved = self._whole = False
        self._set_chunksize(chunksize)
        _make_directory(self.filename.parent)
        self._chunks = [ChunkFile(self.filename, calls)]

    def _set_chunksize(self, chunksize: int) -> None:
        # A chunk is a header and at least one block of data.
        self._chunk_bytes = max(2 * HEADER_SIZE, _whole_blocks(chunksize)) if chunksize > 0 else None

    @property
    def kib(self) -> int:
        """KiB on disk so far, headers included, rounded up."""
        return -(-sum(chunk.size for chunk in self._chunks) // 1024)

    def begin(self, header: Header) -> None:
        """The header to write before the first byte.  ValueError when it cannot be written."""
        build(header)
        self._header = header

    def write(self, piece: memoryview) -> int:
        """Take as much of ``piece`` as there is room for, and say how many bytes that was.

        Fewer than given: `why` tells whether the allotment is used up or the disk is full; the rest must come
        again after `grant` or `move`.  WorldError for every other fault.
        """
        self.why = None
        done = 0
        while done < len(piece) and self._ready():
            room = self._room()
            limit = min(len(piece) - done, room)
            took = self._chunks[-1].append(piece[done:done + limit], room)
            done += took
            self._spend(took)
            if took < limit:
                self.why = "disk"
                break
        self.written += done
        return done

    def grant(self, kib: int) -> None:
        """Go on where it stopped, with ``kib`` more."""
        if self._left is not None:
            self._left += _whole_blocks(kib)

    @property
    def place(self) -> Path:
        """The name after which chunks are named now: `filename`, or where it was moved to."""
        return self._base

    def void(self) -> None:
        """What is left of the allotment is worth nothing: the disk is smaller than was believed."""
        if self._left is not None:
            self._left = 0

    def move(self, filename: Path, chunksize: int | None, use: int | None) -> None:
        """Go on in a new chunk named after ``filename``; the old allotment is void, ``use`` None has no limit.

        HLD012 when not even the first header is written: the dump's name says where its first chunk must be.
        """
        if self._chunks[0].size == 0:
            raise WorldError("HLD012", f"{self.filename}: the disk has no room for even the first {HEADER_KIB} KiB")
        self._base = _absolute(filename)
        _make_directory(self._base.parent)
        self._left = None if use is None else _whole_blocks(use)
        if chunksize is not None:
            self._set_chunksize(chunksize)
        self._moved = True

    def finish(self, header: Header) -> tuple[Path, ...]:
        """Write ``header`` over the first one, make all durable, drop the `.tmp`; the files, the first one first."""
        first, *others = self._chunks
        if not first.put_header(seal(build(replace(header, kind=Kind.FILE, cont_filename=self._link(0))))):
            raise WorldError("HLD012", f"{first.tmp}: the disk is full, the header could not be completed")
        for chunk in self._chunks:
            if not chunk.closed:
                chunk.sync()
        # The first chunk last: while it has its `.tmp`, the dump is not there.  Its name must be on disk before any other loses
        # its own `.tmp`, or a power cut could leave a chunk of which nobody knows what it belongs to.
        for directory in {chunk.path.parent for chunk in self._chunks} if others else ():
            sync_directory(directory)
        for chunk in others:
            chunk.publish()
        for directory in {chunk.path.parent for chunk in others}:
            sync_directory(directory)
        first.publish()
        sync_directory(self.filename.parent)
        self._whole = True
        return tuple(chunk.path for chunk in self._chunks)

    def discard(self) -> None:
        """Remove all that was written, unless `finish` made it whole.  Never raises."""
        for chunk in [] if self._whole else self._chunks:
            chunk.discard()

    def _room(self) -> int:
        """Bytes that the last chunk may take."""
        room = AHEAD if self._left is None else self._left
        return room if self._chunk_bytes is None else min(room, self._chunk_bytes - self._chunks[-1].size)

    def _spend(self, size: int) -> None:
        if self._left is not None:
            self._left -= size

    def _link(self, number: int) -> str:
        return self._next[number] if number < len(self._next) else ""

    def _block(self, number: int, link: str) -> bytes:
        if self._header is None:
            raise RuntimeError("data came before begin()")
        kind = Kind.FILE if number == 0 else Kind.CONT_FILE
        return seal(build(replace(self._header, kind=kind, cont_filename=link)))

    def _ready(self) -> bool:
        """Whether the last chunk can take a byte; writes the first header or opens the next chunk where that is due."""
        last = self._chunks[-1]
        if last.size == 0:
            return self._affords_header() and self._stored(last.put_header(self._block(0, "")))
        if self._moved or last.size == self._chunk_bytes:
            return self._affords_header() and self._stored(self._open_next(last))
        if self._left == 0:
            self.why = "allotment"
        return self._left != 0

    def _affords_header(self) -> bool:
        if self._left is not None and self._left <= HEADER_SIZE:
            self.why = "allotment"
            return False
        return True

    def _stored(self, done: bool) -> bool:
        if done:
            self._spend(HEADER_SIZE)
        else:
            self.why = "disk"
        return done

    def _open_next(self, last: ChunkFile) -> bool:
        number = len(self._chunks)
        path = self._base.with_name(f"{self._base.name}.{number}")
        fresh = ChunkFile(path, self._calls)
        # The new chunk first, then the link to it: a chain never names a file that was not begun.
        linked = False
        try:
            linked = fresh.put_header(self._block(number, "")) and last.put_header(self._block(number - 1, str(path)))
        finally:
            if not linked:  # also after another fault than a full disk: nobody else knows of this file
                fresh.discard()
        if not linked:
            return False
        self._moved = False
        self._next.append(str(path))
        self._chunks.append(fresh)
        for chunk in self._chunks[1:-_OPEN_CHUNKS]:
            if not chunk.closed:
                chunk.sync()
        return True


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # not resolve(): that would follow links


def _make_directory(path: Path) -> None:
    """The run's directory on the holding disk, as Amanda makes it; the holding disk itself must be there."""
    try:
        path.mkdir(0o770, exist_ok=True)
    except OSError as fault:
        raise WorldError("HLD010", f"{path}: cannot be created: {fault.strerror}",
                         "Is the holding disk mounted, and may this user write there?") from fault
    sync_directory(path.parent)  # also when another dumper made it: that one may have died before it did this


class HoldingReader:
    """The data of the dump whose first chunk is ``path``, headers left out; ``size`` bytes.

    ``unfinished`` also takes chunks that still have their `.tmp` name.  Errors as `core.holding.chain.chain`, and
    HLD016 when a read fails or a file became shorter.
    """

    def __init__(self, path: Path, *, unfinished: bool = False) -> None:
        self.path = path
        self.chunks: tuple[Chunk, ...] = chain(path, unfinished=unfinished)
        self.header = self.chunks[0].header
        self.size = sum(chunk.size for chunk in self.chunks)
        self._fd = -1
        self.seek(0)

    def seek(self, offset: int) -> None:
        """Read on from byte ``offset`` of the data."""
        self._number, self._at = 0, offset
        while self._number < len(self.chunks) and self._at >= self.chunks[self._number].size:
            self._at -= self.chunks[self._number].size
            self._number += 1
        self.close()

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Fill ``buffer`` from one chunk; how many bytes it got, 0 at the end."""
        while self._number < len(self.chunks):
            chunk = self.chunks[self._number]
            view = memoryview(buffer)[:chunk.size - self._at]
            if len(view):
                got = self._read(chunk, view)
                self._at += got
                return got
            self._number, self._at = self._number + 1, 0
            self.close()
        return 0

    def mapped(self) -> tuple[memoryview, Origin] | None:
        """The next bytes as they are in the kernel, and where they lie; None where `readinto` has to do.

        They are valid until the next call of anything here.
        """
        if self._number >= len(self.chunks) or self.chunks[self._number].size <= self._at:
            return None  # at the end, or of a chunk: `readinto` goes on to the next
        chunk = self.chunks[self._number]
        try:
            origin = Origin(self._open(chunk), HEADER_SIZE + self._at)
        except OSError:
            return None  # `readinto` says what is wrong
        view = mapped(origin.fd, origin.offset, chunk.size - self._at)
        if view is None:
            return None
        self._at += len(view)
        return view, origin

    def _open(self, chunk: Chunk) -> int:
        if self._fd < 0:
            self._fd = os.open(chunk.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            os.posix_fadvise(self._fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        return self._fd

    def _read(self, chunk: Chunk, view: memoryview) -> int:
        try:
            got = os.preadv(self._open(chunk), [view], HEADER_SIZE + self._at)
        except OSError as fault:
            raise WorldError("HLD016", f"{chunk.path}: reading failed: {fault.strerror}") from fault
        if got == 0:
            raise WorldError("HLD016", f"{chunk.path}: became shorter while it was read")
        return got

    def close(self) -> None:
        """Close the file that is open; reading again opens it again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> HoldingReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self.close()
