"""Writing an index: names in any order go in, one sorted file of frames comes out.

Promises bounded memory, that of a name which comes twice the better one is kept, and that every directory is there that
something is in.  It does not know where names come from.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import accumulate, islice
from operator import add, eq
from pathlib import Path
from typing import BinaryIO

from core.errors import WorldError
from core.index.frames import FrameTable
from core.index.group import pack_group
from core.index.layout import EXACT, FRAMES, MAGIC, RENAMES, Footer, Packer, put_numbers
from core.index.record import UNDER, Mark, sort_key
from core.index.spool import Sorter

MAX_NAMES = 200_000_000
MAX_RENAMES = 8 * 1024 * 1024
"""Bytes of all renamed directories' names."""
GROUP = 128 * 1024
"""Bytes of names and numbers in a group, before compression."""
END = b"\0\0\0"
"""Between a sort key and what follows it in a line of the spool."""
_RECENT = 4096


class IndexWriter:
    """Give it names with `add`, set what else is known, then `finish`; the file is at its end then, and not synced.

    ``out`` gets the index, ``spool`` is scratch that may be removed afterwards.  WorldError RST015 for more names than a
    file system can have; OSError when the disk refuses.
    """

    def __init__(self, out: BinaryIO, spool: BinaryIO) -> None:
        self.exact = False
        self.renames: list[tuple[bytes, bytes]] | None = None
        self.frames: FrameTable | None = None
        self._out = out
        self._sorter = Sorter(spool)
        self._names = self._renamed = 0
        self._directory: bytes | None = None
        self._recent: set[bytes] = set()

    def add(self, path: bytes, mark: Mark, kind: str = "", size: int = -1, mtime: int = -1, offset: int = -1) -> None:
        """Take a name in; ``path`` is clean (`core.index.names.clean_path`)."""
        self.put(path, b"%d %d %d %d %s" % (mark, offset, size, mtime, kind.encode() or b"?"))

    def put(self, path: bytes, detail: bytes) -> None:
        """Take a name in, with ``mark offset size mtime kind`` in decimal digits; the kind is a letter or ``?``."""
        directory, _, name = path.rpartition(b"/")
        if directory != self._directory:
            self._enter(directory)
        self._take(directory.replace(b"/", b"\0") + UNDER + name, detail)

    def prefix_of(self, directory: bytes) -> bytes:
        """What a line of the spool for a name in ``directory`` begins with; see `put_lines`."""
        if directory != self._directory:
            self._enter(directory)
        return directory.replace(b"/", b"\0") + UNDER

    def put_lines(self, lines: list[bytes]) -> None:
        """Take in lines that are made as `put` makes them: prefix, name, `END`, detail."""
        self._count(len(lines))
        self._sorter.extend(lines)

    def rename(self, old: bytes, new: bytes) -> None:
        """A directory was renamed since the dump below; ``b""`` is tar's temporary name."""
        self._renamed += len(old) + len(new) + 100
        if self._renamed > MAX_RENAMES:
            raise WorldError("RST015", "an index has more renamed directories than can be true", "see the dump itself")
        if self.renames is None:
            self.renames = []
        self.renames.append((old, new))

    def _take(self, key: bytes, detail: bytes) -> None:
        self._count(1)
        self._sorter.add(key + END + detail)

    def _count(self, more: int) -> None:
        self._names += more
        if self._names > MAX_NAMES:
            raise WorldError("RST015", f"an index has more than {MAX_NAMES} names", "see the dump itself")

    def _enter(self, directory: bytes) -> None:
        """Names of ``directory`` come: it must be there itself, and what it is in."""
        self._directory = directory
        while directory and directory not in self._recent:
            if len(self._recent) >= _RECENT:
                self._recent.clear()
            self._recent.add(directory)
            self._take(sort_key(directory), b"%d -1 -1 -1 d" % Mark.PRESENT)
            directory = directory.rpartition(b"/")[0]

    def finish(self, pulse: Callable[[], None] = lambda: None) -> int:
        """Sort and write; how many names there are.  ``pulse`` is called some times a second; what it raises is raised."""
        self._out.write(MAGIC)
        at, count, packer = len(MAGIC), 0, Packer()
        keys: list[bytes] = []
        numbers: list[list[int]] = [[], [], [], []]
        for names, details in self._groups(pulse):
            group = pack_group(names, details, packer)
            keys.append(group.key)
            for column, value in zip(numbers, (group.count, *group.sizes), strict=True):
                column.append(value)
            self._out.write(group.blobs)
            at += len(group.blobs)
            count += group.count
        table = b"".join(map(put_numbers, [*numbers, [len(key) for key in keys]])) + b"".join(keys)
        places = []
        for raw in (table, self._renames_raw(), self._frames_raw()):
            blob = packer.pack(raw) if raw else b""
            self._out.write(blob)
            places.append((at, len(blob)))
            at += len(blob)
        flags = EXACT * self.exact | RENAMES * (self.renames is not None) | FRAMES * (self.frames is not None)
        self._out.write(Footer(flags, count, len(keys), *places).pack())
        return count

    def _renames_raw(self) -> bytes:
        if self.renames is None:
            return b""
        names = [name for pair in self.renames for name in pair]
        return put_numbers([len(name) for name in names]) + b"".join(names)

    def _frames_raw(self) -> bytes:
        if self.frames is None:
            return b""
        return put_numbers([self.frames.kind, self.frames.unit]) + put_numbers(self.frames.sizes)

    def _groups(self, pulse: Callable[[], None]) -> Iterator[tuple[list[bytes], list[bytes]]]:
        """Keys and details in order, each key once, as many as go into a group."""
        keys: list[bytes] = []
        details: list[bytes] = []
        for lines in self._sorter.sorted(pulse):
            parts = [line.rpartition(END) for line in lines]
            keys += [part[0] for part in parts]
            details += [part[2] for part in parts]
            if any(map(eq, keys, islice(keys, 1, None))):
                keys, details = _once(keys, details)
            sizes = list(accumulate(map(add, map(len, keys), map(len, details))))
            begin = before = 0
            # The last one may come once more in the next list.
            while (end := bisect_left(sizes, before + GROUP)) < len(keys) - 1:
                yield keys[begin:end + 1], details[begin:end + 1]
                begin, before = end + 1, sizes[end]
            del keys[:begin], details[:begin]
        if keys:
            yield keys, details


def _once(keys: list[bytes], details: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Each key once, with the better detail."""
    best: dict[bytes, bytes] = {}
    for key, detail in zip(keys, details, strict=True):
        best[key] = max(best[key], detail, key=_worth) if key in best else detail
    return list(best), list(best.values())


def _worth(detail: bytes) -> tuple[bytes, bool, int]:
    """What is in the dump outweighs what was merely there; of two members the later one is what tar leaves."""
    mark, *words = detail.split(b" ")
    if len(words) != 4:
        return mark, False, -1
    offset, *_, kind = words
    return mark, kind not in (b"?", b""), int(offset) if offset.isdigit() and len(offset) < 20 else -1


@contextlib.contextmanager
def writing(path: Path) -> Iterator[IndexWriter]:
    """A writer whose file gets its name ``path``, whole and durable, at the end; nothing is left after a fault.

    OSError, and WorldError as `IndexWriter`.
    """
    tmp = path.with_name(path.name + ".tmp")
    with tempfile.TemporaryFile(dir=path.parent) as spool:
        try:
            with open(tmp, "wb") as out:
                writer = IndexWriter(out, spool)
                yield writer
                writer.finish()
                out.flush()
                os.fsync(out.fileno())
            tmp.replace(path)
        except BaseException:
            tmp.unlink(missing_ok=True)
            raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


