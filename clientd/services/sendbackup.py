"""The service sendbackup: one dump of one disk (Amanda 3.5.1: client-src/sendbackup.c).

Promises that nothing goes out on DATA before ``info end`` went out on MESG, that whatever goes wrong before the dump
begins is in the reply and afterwards on MESG, and that the incremental state changes only for a good dump: when the
server confirmed it, if the server does that, else when all its bytes are sent.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable

from clientd.pipes import enlarge
from clientd.programs import program_of
from clientd.programs.contract import Dump
from clientd.pump import Counter, FrameCounter, Lister, pump
from clientd.services.contract import Context, by_hand, task_of
from clientd.services.listening import Listener, Relay
from clientd.streams import Streams
from core.errors import WorldError
from core.model.units import kib_of
from core.wire.dle_xml import Dle
from core.wire.features import CONFIRMS, FRAME_SUMS, INDEX_DETAIL, INDEX_LISTING, SENDBACKUP_CRC, STREAM_STATE
from core.wire.mesg import frame_lines
from core.wire.requests import Request, connect_line, features_line
from core.wire.words import clean

_LONGEST_NAME = 1000


def sendbackup(request: Request, context: Context) -> int:
    """Dump the request's disk."""
    if len(request.dles) != 1 or len(request.dles[0].levels) != 1:
        raise WorldError("CLT025", "sendbackup wants one disk and one level")
    dle = request.dles[0]
    context.access.check(dle)
    program = program_of(dle)
    level = dle.levels[0]
    dump = program.prepare(task_of(dle, request, context), level)
    try:
        names = ["DATA", "MESG", "INDEX", *(["STATE"] if request.features.has(STREAM_STATE) else [])]
        handles = context.streams.open([name for name in names if name != "INDEX" or dle.index])
        context.say(connect_line({name: handles.get(name, -1) for name in names}))
        context.say(features_line(context.settings.features))
        context.replied()
        if not context.streams.begin():
            return 1
        return _stream(request, dle, level, dump, context)
    finally:
        dump.discard()


def _stream(request: Request, dle: Dle, level: int, dump: Dump, context: Context) -> int:
    streams = context.streams

    def mesg(*lines: str) -> None:
        streams.write("MESG", "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))

    mesg(f"sendbackup: start [{clean(request.hostname, _LONGEST_NAME)}:{clean(dle.disk, _LONGEST_NAME)} level {level}]")
    mesg(*_info(dle, dump), "sendbackup: info end")
    try:
        native, client = run_dump(request, dle, dump, streams, mesg)
        if not request.features.has(CONFIRMS):
            dump.commit()
    except WorldError as fault:
        dump.discard()
        mesg(f"sendbackup: error [{fault.code} {fault.message}]")
    else:
        if request.features.has(FRAME_SUMS) and native is not client and native.crc.known:
            mesg(*frame_lines(native.sums.frames))
        if request.features.has(SENDBACKUP_CRC) and native.crc.known:
            mesg(f"sendbackup: native-CRC {native.crc}", f"sendbackup: client-CRC {client.crc}")
        mesg("sendbackup: end")
        if request.features.has(CONFIRMS):
            _end(streams)
            if streams.confirmed():
                dump.commit()
            return 0
    _end(streams)
    return 0


def _end(streams: Streams) -> None:
    for name in ("DATA", "INDEX", "STATE", "MESG"):
        streams.end(name)


def _info(dle: Dle, dump: Dump) -> list[str]:
    prefix = {
        "FAST": "/bin/gzip -dc |", "BEST": "/bin/gzip -dc |", "CUSTOM": f"{dle.compress_program} -d |",
    }.get(dle.compress, "")
    lines = [f"BACKUP={dump.backup}", *([f"APPLICATION={dump.application}"] if dump.application else []),
             f"RECOVER_CMD={prefix}{dump.restore_command}"]
    if dle.compress in ("FAST", "BEST"):
        lines.append("COMPRESS_SUFFIX=.gz")
    elif dle.compress == "CUSTOM":
        lines += [f"CLIENT_CUSTOM_COMPRESS={dle.compress_program}", "COMPRESS_SUFFIX=cust"]
    return [f"sendbackup: info {line}" for line in lines]


def run_dump(
    request: Request, dle: Dle, dump: Dump, streams: Streams, mesg: Callable[..., None]
) -> tuple[FrameCounter, Counter | FrameCounter]:
    """Run the dump to its end; counts before and after compression.  WorldError when it is not good."""
    process, worst, head = _started(dump, mesg)
    assert process.stdout is not None
    relays = [Relay(name, source, streams) for name, source in dump.relays.items()]
    lister = None
    if dle.index and not dump.relays:
        lister = Lister(
            streams, state=request.features.has(STREAM_STATE), kept=dump.lists_kept and request.features.has(INDEX_LISTING),
            complete=dump.complete, detail=request.features.has(INDEX_DETAIL),
        )
    compress = dle.compress if not dle.compress.startswith("SERVER") else ""
    try:
        native, client = pump(
            process.stdout.fileno(), streams, compress, dle.compress_program, lister.feed if lister is not None else None, head,
        )
    except BaseException:
        _kill(process)
        raise
    finally:
        process.stdout.close()
        status = process.wait()
        worst.join()
        for relay in relays:
            relay.join()
    if lister is not None:
        lister.flush()
    mesg(f"sendbackup: size {kib_of(native.size)}")
    if text := dump.fault(status):
        raise WorldError(text[:6], f"{text[7:]}{': ' if worst.last else ''}{worst.last}")
    return native, client


def _started(dump: Dump, mesg: Callable[..., None]) -> tuple[subprocess.Popen[bytes], Listener, bytes]:
    """The program at work, who hears what it says, and the bytes of the archive that were read already."""
    while True:
        process = dump.start()
        assert process.stdout is not None
        enlarge(process.stdout.fileno())
        listener = Listener(process, dump, mesg)
        try:
            head = dump.begins(process.stdout.fileno())
        except BaseException:
            _kill(process)
            process.wait()
            raise
        if head is not None:
            listener.speak()
            return process, listener, head
        with process.stdout:
            _kill(process)
        process.wait()
        listener.join()


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(PermissionError):  # an application may be root's
        process.kill()


if __name__ == "__main__":
    sys.exit(by_hand(sendbackup, "sendbackup"))
