"""The service sendsize: how big the dumps of a request's disks would be (Amanda 3.5.1: client-src/sendsize.c).

Promises an answer for every disk and level that was asked for: a size in KiB or an error.  Up to ``maxdumps`` disks are
walked at once, in a process each, disks of one spindle one after the other.  It does not know what was dumped before
but for the programs' own state.
"""

from __future__ import annotations

import os
import select
import sys
import traceback
from collections.abc import Iterator, Sequence

from clientd.programs import program_of
from clientd.services.contract import Context, by_hand, task_of
from core.errors import WorldError
from core.wire.dle_xml import Dle
from core.wire.requests import Request, features_line, size_error_line, size_line

_JOB = 4  # bytes of a job's number in the queue
_READ = 64 * 1024


def sendsize(request: Request, context: Context) -> int:
    """Estimate all disks; lines of a disk are said together, as soon as they are known."""
    context.say(features_line(context.settings.features))
    jobs = list(_jobs(request.dles))
    workers = min(request.maxdumps, len(jobs), os.cpu_count() or 1)
    if workers <= 1:
        for job in jobs:
            for dle in job:
                context.say(_answer(dle, request, context))
        return 0
    _shared(jobs, workers, request, context)
    return 0


def _jobs(dles: Sequence[Dle]) -> Iterator[list[Dle]]:
    """The disks, those of one spindle together."""
    spindles: dict[int, list[Dle]] = {}
    for dle in dles:
        if dle.spindle < 0:
            yield [dle]
        else:
            spindles.setdefault(dle.spindle, []).append(dle)
    yield from spindles.values()


def _answer(dle: Dle, request: Request, context: Context) -> str:
    peer = request.features
    levels = tuple(dict.fromkeys(dle.levels)) or (0,)
    if dle.estimate and set(dle.estimate) == {"SERVER"}:
        return "".join(size_line(dle.disk, level, -1, peer) for level in levels)
    try:
        context.access.check(dle)
        sizes = program_of(dle).estimate(task_of(dle, request, context), levels)
    except WorldError as fault:
        return size_error_line(dle.disk, levels[0], f"{fault.code} {fault.message}", peer)
    except Exception as fault:  # one disk must not take the others' answers with it
        traceback.print_exc()
        return size_error_line(dle.disk, levels[0], f"CLT031 the estimate broke down: {type(fault).__name__}", peer)
    return "".join(size_line(dle.disk, level, size, peer) for level, size in sizes.items())


def _shared(jobs: Sequence[Sequence[Dle]], workers: int, request: Request, context: Context) -> None:
    # Each worker takes the number of its next job from one pipe, and answers on a pipe of its own.
    queue, fill = os.pipe()
    answers: dict[int, bytearray] = {}
    children: list[int] = []
    for _ in range(workers):
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            status = 1
            try:
                os.close(fill)
                _work(queue, writer, jobs, request, context)
                status = 0
            finally:
                os._exit(status)
        os.close(writer)
        answers[reader] = bytearray()
        children.append(child)
    os.close(queue)
    numbers = b"".join(number.to_bytes(_JOB, "big") for number in range(len(jobs)))
    _collect(answers, fill, numbers, context)
    for child in children:
        os.waitpid(child, 0)


def _work(queue: int, writer: int, jobs: Sequence[Sequence[Dle]], request: Request, context: Context) -> None:
    while number := os.read(queue, _JOB):
        for dle in jobs[int.from_bytes(number, "big")]:
            # A NUL ends a disk's lines, so that the lines of two disks never mix.
            view = memoryview(_answer(dle, request, context).encode("utf-8", "surrogateescape") + b"\0")
            while view:
                view = view[os.write(writer, view):]


def _collect(answers: dict[int, bytearray], fill: int, numbers: bytes, context: Context) -> None:
    poll = select.poll()
    for reader in answers:
        poll.register(reader, select.POLLIN)
    os.set_blocking(fill, False)
    poll.register(fill, select.POLLOUT)
    open_readers = set(answers)
    while open_readers:
        for descriptor, _ in poll.poll():
            if descriptor == fill:
                # Whole numbers only: pipes keep writes of up to 4096 bytes together.
                numbers = numbers[os.write(fill, numbers[:1024 * _JOB]):]
                if not numbers:
                    poll.unregister(fill)
                    os.close(fill)
                continue
            data = os.read(descriptor, _READ)
            if not data:
                poll.unregister(descriptor)
                open_readers.discard(descriptor)
                os.close(descriptor)
                continue
            answers[descriptor] += data
            *whole, rest = bytes(answers[descriptor]).split(b"\0")
            answers[descriptor] = bytearray(rest)
            for said in whole:
                context.say(said.decode("utf-8", "surrogateescape"))


if __name__ == "__main__":
    sys.exit(by_hand(sendsize, "sendsize"))
