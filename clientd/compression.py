"""Compression on the client: independent frames, made by several threads, or a program of the operator.

Promises a stream that ``gzip -dc`` or ``zstd -dc`` reads.  "fast" is isal level 1 (zlib 1 without isal), "best" zlib-ng 6
(zlib 6 without); see `core.wire.packing`.  It does not know where the stream goes.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue

from core.errors import WorldError
from core.wire.packing import GZIP_BEST, GZIP_FAST, MEMBER, Packing

PACKINGS = {"FAST": GZIP_FAST, "BEST": GZIP_BEST}
"""By the word of a request's ``<compress>``."""
_BUFFERS = 6
Take = Callable[[memoryview], int]
"""Fills a buffer as far as it can; 0 is the end."""
Give = Callable[[bytes | memoryview], None]


@dataclass(slots=True)
class _Frame:
    buffer: bytearray
    size: int
    done: threading.Event
    compressed: bytes = b""
    fault: BaseException | None = None


def compress_stream(take: Take, give: Give, packing: Packing, workers: int | None = None) -> None:
    """Read with ``take`` until its end, write frames with ``give``, both from their own thread, in order.

    Whatever ``take`` or ``give`` raises is raised here.
    """
    count = workers or min(2, os.cpu_count() or 1)
    free: SimpleQueue[bytearray | None] = SimpleQueue()
    raw: SimpleQueue[_Frame | None] = SimpleQueue()
    ordered: SimpleQueue[_Frame | BaseException | None] = SimpleQueue()

    def read() -> None:
        last: BaseException | None = None
        made = 0
        try:
            while True:
                # A small dump should not pay for buffers that it does not fill.
                if made < _BUFFERS and free.empty():
                    buffer: bytearray | None = bytearray(packing.unit)
                    made += 1
                else:
                    buffer = free.get()
                if buffer is None:
                    break
                size = _fill(take, buffer)
                if not size:
                    break
                member = _Frame(buffer, size, threading.Event())
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
                member.compressed = packing.pack(memoryview(member.buffer)[:member.size])
            except BaseException as fault:
                member.fault = fault
            member.done.set()

    threads = [threading.Thread(target=read, daemon=True), *(threading.Thread(target=work, daemon=True) for _ in range(count))]
    for thread in threads:
        thread.start()
    try:
        while isinstance(member := ordered.get(), _Frame):
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
