"""A dump's data as its program wrote it: what compressed it, undone.

gzip and zstd are read here, also when they come in many members one after the other; any other program is run with
``-d``, but only one that the operator named: a header comes from a client, and a client must not say what runs here.
"""

from __future__ import annotations

import contextlib
import importlib
import shlex
import shutil
import subprocess
import threading
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from core.errors import WorldError
from core.holding.header import Header

gzip: Any = zlib
with contextlib.suppress(ImportError):  # it is faster, and nothing else
    gzip = importlib.import_module("isal.isal_zlib")

PIECE = 1 << 20
"""Bytes of unpacked data at once, however well they were packed."""
_KNOWN = frozenset({"gzip", "pigz", "bzip2", "pbzip2", "xz", "lzma", "lz4", "lzop", "compress", "uncompress", "brotli"})
_PLACES = "/usr/local/bin:/usr/bin:/bin"
_DAMAGED = "the dump is damaged; another copy or another date may be whole"


class _Unpacker(Protocol):
    """One member of a packed stream, as `zlib.decompressobj` has it."""

    @property
    def eof(self) -> bool:
        """Whether the member is at its end."""

    @property
    def unconsumed_tail(self) -> bytes:
        """What was not read because the answer would have been too long."""

    @property
    def unused_data(self) -> bytes:
        """What comes after the member."""

    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes:
        """At most so many bytes."""


def unpacked(raw: Iterable[memoryview], header: Header, allowed: Iterable[str] = ()) -> Iterator[memoryview]:
    """The data of a dump from what was stored, in pieces of at most `PIECE` or as they come.

    ``allowed``: programs that the configuration names.  WorldError RST021 when it cannot be unpacked, RST022 for a
    program or an encryption that is not undone here.
    """
    filters = header.filters
    if by := header.encrypted_by:
        raise WorldError("RST022", f"the dump is encrypted by {by}, and Taperoom decrypts nothing",
                         "'taperoom recipe' with the same words and date prints commands that do it by hand, where that"
                         " program and its key are")
    program = filters.server_compress or filters.client_compress
    match header.comp:
        case "N" | "":
            return iter(raw)
        case ".gz":
            return _members(raw)
        case ".Z":
            return _by_program(raw, ["gzip", "-dc"])
        case _ if packed_by_zstd(header):
            return _zstd(raw)
        case _:
            return _by_program(raw, [*_permitted(program, allowed), "-d"])


def packed_by_zstd(header: Header) -> bool:
    """Whether a dump that is neither plain nor gzip was packed by zstd."""
    program = header.filters.server_compress or header.filters.client_compress
    return program.rpartition("/")[2] == "zstd" or (not program and header.comp in (".zst", "zstd"))


def _members(raw: Iterable[memoryview]) -> Iterator[memoryview]:
    """gzip members one after the other; blanks after the last one are a volume's padding."""
    unpacker: _Unpacker | None = None
    try:
        for piece in raw:
            data = bytes(piece)
            while data:
                if unpacker is None:
                    if not data.strip(b"\0"):
                        break
                    unpacker = gzip.decompressobj(31)
                out = unpacker.decompress(data, PIECE)
                if out:
                    yield memoryview(out)
                if unpacker.eof:
                    data, unpacker = unpacker.unused_data, None
                else:
                    data = unpacker.unconsumed_tail
    except (zlib.error, gzip.error) as fault:
        raise WorldError("RST021", f"the dump cannot be unpacked: gzip: {fault}", _DAMAGED) from fault
    if unpacker is not None:
        raise WorldError("RST021", "the dump cannot be unpacked: gzip: it ends too early", _DAMAGED)


def _zstd(raw: Iterable[memoryview]) -> Iterator[memoryview]:
    try:
        import zstandard
    except ImportError:
        yield from _by_program(raw, ["zstd", "-dc"])
        return
    reader: Any = zstandard.ZstdDecompressor().stream_reader(_Reader(raw), read_across_frames=True)  # type: ignore[arg-type]
    try:
        while piece := reader.read(PIECE):
            yield memoryview(piece)
    except zstandard.ZstdError as fault:
        raise WorldError("RST021", f"the dump cannot be unpacked: zstd: {fault}", _DAMAGED) from fault


class _Reader:
    """Pieces as something that is read from; a piece that is too long for one call is kept."""

    def __init__(self, raw: Iterable[memoryview]) -> None:
        self._raw, self._rest = iter(raw), b""

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes; none at the end."""
        if not self._rest:
            self._rest = bytes(next(self._raw, b""))
        out, self._rest = (self._rest, b"") if size < 0 else (self._rest[:size], self._rest[size:])
        return out


def _permitted(program: str, allowed: Iterable[str]) -> list[str]:
    """The program to run: one of the configuration, or a well-known one out of the system's own directories."""
    for command in allowed:
        words = shlex.split(command)
        if words and program in (command, words[0]):
            return words
    name = program.rpartition("/")[2]
    if name in _KNOWN and (found := shutil.which(name, path=_PLACES)):
        return [found]
    by = program or "a program that its header does not name"
    raise WorldError("RST022", f"the dump was compressed by {by}, which is not run",
                     "name it as compress_program of the disk's dumptype, or unpack the dump by hand")


def _by_program(raw: Iterable[memoryview], command: list[str]) -> Iterator[memoryview]:
    """Through a child process; a thread feeds it."""
    try:
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as fault:
        raise WorldError("RST022", f"{command[0]} cannot be run: {fault.strerror}", "is it installed?") from fault
    faults: list[BaseException] = []
    said: list[bytes] = []
    assert child.stdin is not None and child.stdout is not None and child.stderr is not None
    stdin, stderr = child.stdin, child.stderr

    def feed() -> None:
        try:
            with stdin:
                for piece in raw:
                    stdin.write(piece)
        except BrokenPipeError:
            pass
        except BaseException as fault:
            faults.append(fault)

    def listen() -> None:
        said.append(stderr.read())

    threads = [threading.Thread(target=work, daemon=True) for work in (feed, listen)]
    for thread in threads:
        thread.start()
    try:
        while piece := child.stdout.read1(PIECE):  # type: ignore[attr-defined]
            yield memoryview(piece)
        for thread in threads:
            thread.join()
        if faults:
            raise faults[0]
        if child.wait():
            text = b"".join(said).decode("utf-8", "replace").strip()[-200:]
            why = text or f"status {child.returncode}"
            raise WorldError("RST021", f"the dump cannot be unpacked: {command[0]}: {why}", _DAMAGED)
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
