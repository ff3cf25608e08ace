"""Compression on the client: gzip members of 1 MiB each, made by several threads, or a program of the operator.

Promises a stream that ``gzip -dc`` reads.  Members are independent, so that a restore may begin at any of them.  "fast"
is isal level 1 (zlib 1 without isal), "best" zlib-ng 6 (zlib 6 without).  It does not know where the stream goes.
"""

from __future__ import annotations

import os
import subprocess
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue

from core.errors import WorldError

MEMBER = 1024 * 1024
"""Bytes before compression in one gzip member."""
_GZIP = 31  # window bits that ask zlib for gzip's format
_BUFFERS = 6

Compressor = Callable[[memoryview], bytes]
Take = Callable[[memoryview], int]
"""Fills a buffer as far as it can; 0 is the end."""
Give = Callable[[bytes | memoryview], None]


def _isal(data: memoryview) -> bytes:
    compressed: bytes = _isal_zlib.compress(data, 1, _GZIP)
    return compressed


def _zlib_ng(data: memoryview) -> bytes:
    compressed: bytes = _ng.compress(data, 6, _GZIP)
    return compressed


try:
    from isal import isal_zlib as _isal_zlib

    FAST: Compressor = _isal
except ImportError:  # pragma: no cover - the development environment has it
    def FAST(data: memoryview) -> bytes:
        """Without isal: zlib, four times slower at the same ratio."""
        return zlib.compress(data, 1, _GZIP)

try:
    from zlib_ng import zlib_ng as _ng

    BEST: Compressor = _zlib_ng
except ImportError:  # pragma: no cover - the development environment has it
    def BEST(data: memoryview) -> bytes:
        """Without zlib-ng: zlib, half as fast at the same ratio."""
        return zlib.compress(data, 6, _GZIP)

COMPRESSORS = {"FAST": FAST, "BEST": BEST}
"""By the word of a request's ``<compress>``."""


@dataclass(slots=True)
class _Member:
    buffer: bytearray
    size: int
    done: threading.Event
    compressed: bytes = b""
    fault: BaseException | None = None


def compress_stream(take: Take, give: Give, compressor: Compressor, workers: int | None = None) -> None:
    """Read with ``take`` until its end, write gzip members with ``give``, both from their own thread, in order.

    Whatever ``take`` or ``give`` raises is raised here.
    """
    count = workers or min(2, os.cpu_count() or 1)
    free: SimpleQueue[bytearray | None] = SimpleQueue()
    raw: SimpleQueue[_Member | None] = SimpleQueue()
    ordered: SimpleQueue[_Member | BaseException | None] = SimpleQueue()

    def read() -> None:
        last: BaseException | None = None
        made = 0
        try:
            while True:
                # A small dump should not pay for buffers that it does not fill.
                if made < _BUFFERS and free.empty():
                    buffer: bytearray | None = bytearray(MEMBER)
                    made += 1
                else:
                    buffer = free.get()
                if buffer is None:
                    break
                size = _fill(take, buffer)
                if not size:
                    break
                member = _Member(buffer, size, threading.Event())
                raw.put(member)
                ordered.put(member)
        except BaseException as fault:
            last = fault
        for _ in range(count):
            raw.put(None)
        ordered.put(last)

    def work() -> None:
        while (member := raw.get()) is not None:
            try:
                member.compressed = compressor(memoryview(member.buffer)[:member.size])
            except BaseException as fault:
                member.fault = fault
            member.done.set()

    threads = [threading.Thread(target=read, daemon=True), *(threading.Thread(target=work, daemon=True) for _ in range(count))]
    for thread in threads:
        thread.start()
    try:
        while isinstance(member := ordered.get(), _Member):
            member.done.wait()
            if member.fault is not None:
                raise member.fault
            give(member.compressed)
            member.compressed = b""
            free.put(member.buffer)
    finally:
        free.put(None)
    if member is not None:
        raise member
    for thread in threads:
        thread.join()


def filter_stream(take: Take, give: Give, program: str) -> None:
    """Read with ``take`` from another thread, pass everything through ``program``, write what it says with ``give``.

    WorldError CLT030 when the program cannot be run or fails.
    """
    try:
        process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    except OSError as fault:
        raise WorldError("CLT030", f"{program} cannot be run: {fault.strerror}") from None
    assert process.stdin is not None
    assert process.stdout is not None
    target = process.stdin
    faults: list[BaseException] = []

    def feed() -> None:
        buffer = memoryview(bytearray(MEMBER))
        try:
            with target:
                while size := take(buffer):
                    view = buffer[:size]
                    while view:
                        view = view[target.write(view) or 0:]
        except BaseException as fault:
            faults.append(fault)

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    output = memoryview(bytearray(MEMBER))
    with process.stdout as source:
        while size := os.readv(source.fileno(), [output]):
            give(output[:size])
    feeder.join()
    if status := process.wait():
        raise WorldError("CLT030", f"{program} ended with exit status {status}")
    if faults:
        raise faults[0]


def _fill(take: Take, buffer: bytearray) -> int:
    view = memoryview(buffer)
    at = 0
    while at < len(buffer) and (size := take(view[at:])):
        at += size
    return at
