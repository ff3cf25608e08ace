"""Between an encrypted connection and the two pipes of an amandad: bytes, in both directions, nothing else.

Promises that at most one buffer of each direction is in memory, that neither direction waits for the other, and that the
end of one side is the end of the other.  It does not know what the bytes mean.
"""

from __future__ import annotations

import os
import select
import time

from core.wire.sealed import SealedStream

_BUFFER = 256 * 1024
_LAST = 5.0
"""Seconds that amandad has to take what the server said last, such as that a dump is safe."""


def relay(stream: SealedStream, inward: int, outward: int) -> None:
    """Until the server or amandad ends.  ``inward``: the pipe to amandad; ``outward``: the pipe from it; both are closed."""
    os.set_blocking(inward, False)
    os.set_blocking(outward, False)
    down_buffer, up_buffer = memoryview(bytearray(_BUFFER)), memoryview(bytearray(_BUFFER))
    down = up = down_buffer[:0]
    try:
        while True:
            poll, server = select.poll(), (0 if down else select.POLLIN) | (select.POLLOUT if up else 0)
            poll.register(stream, server)
            poll.register(inward, select.POLLOUT if down else 0)
            if not up:
                poll.register(outward, select.POLLIN)
            ready = dict(poll.poll(0 if stream.pending and not down else None))
            if down and ready.get(stream.fileno(), 0) & (select.POLLERR | select.POLLHUP):
                return
            if not up and outward in ready:
                size = _read(outward, up_buffer)
                if size == 0:
                    return
                up = up_buffer[:size or 0]
            if up:
                up = up[_sent(stream, up):]
            if not down and (stream.pending or stream.fileno() in ready):
                got = stream.read_into(down_buffer)
                if got == 0:
                    return
                down = down_buffer[:got or 0]
            if down:
                down = down[_written(inward, down):]
            elif ready.get(inward, 0) & select.POLLERR:
                return
    except OSError:
        return
    finally:
        # Nobody is there to hear amandad: it must not wait for us, and its own end of a dump depends on what it hears now.
        os.close(outward)
        _say_last(inward, down)
        os.close(inward)


def _say_last(inward: int, down: memoryview) -> None:
    deadline = time.monotonic() + _LAST
    poll = select.poll()
    poll.register(inward, select.POLLOUT)
    while down and poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        try:
            down = down[os.write(inward, down):]
        except OSError:
            return


def _read(pipe: int, buffer: memoryview) -> int | None:
    try:
        return os.readv(pipe, [buffer])
    except BlockingIOError:
        return None


def _written(pipe: int, data: memoryview) -> int:
    try:
        return os.write(pipe, data)
    except BlockingIOError:
        return 0


def _sent(stream: SealedStream, data: memoryview) -> int:
    try:
        return stream.write(data)
    except BlockingIOError:
        return 0
