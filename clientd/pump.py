"""The way of a dump's bytes on the client: from the program's pipe to the DATA stream.

Promises CRC-32C of the stream before and after compression, its length, and the INDEX and STATE streams made while it
passes.  One buffer of 128 KiB; no thread for the data unless they are compressed.  It does not know how the dump ends.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from clientd.compression import PACKINGS, compress_stream, filter_stream
from clientd.pipes import waiting
from clientd.settings import CRC32C
from clientd.streams import Streams
from core.model.dump import Crc
from core.model.framesums import FrameSums
from core.wire.packing import zstd_for
from core.wire.tar_index import BLOCK, PlainFile, TarIndexer
from core.wire.tar_quoting import index_path, print_as_they_are

_FLUSH = 32 * 1024
_LINE = b"%s\t%d %d %d f\n"
_READ = 128 * 1024
"""Bytes that a read takes at most, and a frame to a server with LARGE_FRAMES.  What was read is summed and sent while it is
still in a core's own cache: with 1 MiB the whole path takes a quarter more CPU time."""
_FIRST = 96 * 1024
"""Bytes of the first: behind the header of 32 KiB in a holding file, each later frame then fills one whole slice of it, as
long as tar keeps the pipe full."""


class Counter:
    """CRC-32C and length of what was shown to it."""

    def __init__(self) -> None:
        self._value = 0
        self.size = 0

    def add(self, data: bytes | memoryview) -> None:
        """Count ``data``, too."""
        self.size += len(data)
        if CRC32C is not None:
            self._value = CRC32C(memoryview(data), self._value)

    @property
    def crc(self) -> Crc:
        """What was counted; unknown where there is no crc32c."""
        return Crc(self._value, self.size) if CRC32C is not None else Crc(0, 0)


class FrameCounter:
    """The same of an archive, and of each MiB of it: what a restore is compared with when nothing else is believed."""

    def __init__(self) -> None:
        self.sums = FrameSums(CRC32C or _nothing)
        self.add = self.sums.add

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self.sums.size

    @property
    def crc(self) -> Crc:
        """What was counted; unknown where there is no crc32c."""
        return self.sums.crc if CRC32C is not None else Crc(0, 0)


def _nothing(data: memoryview, before: int) -> int:
    return 0


class Lister:
    """Makes the lines of INDEX and STATE from a tar stream and sends them in pieces of about 32 KiB.  ``detail``: a line of
    INDEX also tells, after a TAB, where in the archive the member begins, its size, time and type.  ``kept``: what directories'
    lists tell of is told, too; ``complete``: that nothing is left out, where there are no lists."""

    def __init__(self, streams: Streams, *, state: bool, kept: bool, complete: bool = False, detail: bool) -> None:
        self._streams = streams
        self._state = state
        self._detail = detail
        self._complete = kept and complete  # and not said yet
        self._paths = bytearray()
        self._blocks = bytearray()
        self._indexer = TarIndexer(self._member, self._keep if kept else None, None if state else self._plain)
        self.feed = self._indexer.feed

    def flush(self) -> None:
        """Send what is left."""
        for name, lines in (("INDEX", self._paths), ("STATE", self._blocks)):
            if lines:
                self._streams.write(name, bytes(lines))
                lines.clear()

    def _member(self, offset: int, name: bytes, size: int, mtime: int, kind: bytes) -> None:
        path = index_path(name)
        self._paths += b"%s\t%d %d %d %s\n" % (path, offset, size, mtime, kind) if self._detail else path + b"\n"
        if self._state:
            self._blocks += b"%d %s\n" % (offset // BLOCK, path)
        if self._complete:  # where tar's own lists begin: with the top
            self._complete = False
            self._keep(b"/")
        if len(self._paths) + len(self._blocks) > _FLUSH:
            self.flush()

    def _plain(self, files: list[PlainFile]) -> None:
        """Many files' lines at once: there may be millions."""
        count = len(files)
        lines = b"\n" + b"".join(map(_LINE.__mod__, files))
        # Every name begins with the top's dot, and none has an end of a word or a line in it.
        if not (lines.count(b"\n./") == lines.count(b"\t") == lines.count(b"\n") - 1 == count and print_as_they_are(lines)):
            for name, at, size, mtime in files:
                self._member(at, name, size, mtime, b"f")
            return
        if self._detail:
            self._paths += lines.replace(b"\n./", b"\n/")[1:]
        else:
            self._paths += b"".join([name[1:] + b"\n" for name, _, _, _ in files])
        if len(self._paths) > _FLUSH:
            self.flush()

    def _keep(self, path: bytes) -> None:
        self._paths += b"\t%s\n" % path
        if len(self._paths) > _FLUSH:
            self.flush()


def pump(
    source: int, streams: Streams, compress: str, program: str, look: Callable[[memoryview], None] | None, head: bytes = b"",
) -> tuple[FrameCounter, Counter | FrameCounter]:
    """Move everything from the pipe ``source`` to DATA, after ``head``, which was read of it already; counts before and after
    compression.

    ``compress``: empty, FAST, BEST or CUSTOM with ``program``.  ``look`` is shown the stream before compression.
    BrokenPipeError when the server is gone, WorldError CLT030 when ``program`` fails.
    """
    native, client = FrameCounter(), Counter()

    before = memoryview(head)

    def read(buffer: memoryview) -> int:
        nonlocal before
        if before:
            size = min(len(before), len(buffer))
            buffer[:size], before = before[:size], before[size:]
        else:
            size = os.readv(source, [buffer])
        if size:
            native.add(buffer[:size])
        return size

    def take(buffer: memoryview) -> int:
        size = read(buffer)
        if size and look is not None:
            look(buffer[:size])
        return size

    def give(data: bytes | memoryview) -> None:
        client.add(data)
        streams.write("DATA", data)

    packing = zstd_for(program) if compress == "CUSTOM" else PACKINGS.get(compress)
    if packing is not None:
        compress_stream(take, give, packing)
    elif compress:
        filter_stream(take, give, program)
    else:
        _pass_on(source, streams, read, look, len(head))
        return native, native
    return native, client


def _pass_on(
    source: int, streams: Streams, read: Callable[[memoryview], int], look: Callable[[memoryview], None] | None, before: int,
) -> None:
    """Everything from the pipe ``source``, as it is, after ``before`` bytes that ``read`` has of it.  ``look`` is shown whole
    frames: it sends on other streams, too."""
    buffer, most, at = memoryview(bytearray(_READ)), _FIRST, 0

    def fill(size: int) -> None:
        nonlocal at
        end = at + size
        while at < end:
            at += read(buffer[at:end])

    relay = streams.relay("DATA", source)
    while True:
        if relay is not None and before <= 0 and (size := min(most, waiting(source))):
            at = 0
            relay(size, fill)
        elif size := read(buffer[:most]):
            before -= size
            streams.write("DATA", buffer[:size])
        else:
            return
        if look is not None:
            look(buffer[:size])
        most = _READ
