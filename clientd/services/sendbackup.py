"""The service sendbackup: one dump of one disk (Amanda 3.5.1: client-src/sendbackup.c).

Promises that nothing goes out on DATA before ``info end`` went out on MESG, that whatever goes wrong before the dump
begins is in the reply and afterwards on MESG, and that the incremental state changes only for a good dump: when the
server confirmed it, if the server does that, else when all its bytes are sent.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable

from clientd.pipes import enlarge
from clientd.programs import find_program
from clientd.programs.contract import Dump, Sort, Task
from clientd.pump import Counter, FrameCounter, Lister, pump
from clientd.services.contract import Context, by_hand
from clientd.streams import Streams
from core.errors import WorldError
from core.model.units import kib_of
from core.wire.dle_xml import Dle
from core.wire.features import CONFIRMS, FRAME_SUMS, INDEX_DETAIL, INDEX_LISTING, SENDBACKUP_CRC, STREAM_STATE
from core.wire.mesg import frame_lines
from core.wire.requests import Request, connect_line, features_line
from core.wire.words import clean

_LONGEST_LINE = 4096
_LONGEST_NAME = 1000


def sendbackup(request: Request, context: Context) -> int:
    """Dump the request's disk."""
    if len(request.dles) != 1 or len(request.dles[0].levels) != 1:
        raise WorldError("CLT025", "sendbackup wants one disk and one level")
    dle = request.dles[0]
    context.access.check(dle)
    program = find_program(dle.program)
    level = dle.levels[0]
    dump = program.prepare(Task(dle, request.hostname, context.settings, context.access), level)
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
        native, client = _run(request, dle, dump, streams, mesg)
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
    lines = [f"BACKUP={dump.backup}", f"RECOVER_CMD={prefix}{dump.restore_command}"]
    if dle.compress in ("FAST", "BEST"):
        lines.append("COMPRESS_SUFFIX=.gz")
    elif dle.compress == "CUSTOM":
        lines += [f"CLIENT_CUSTOM_COMPRESS={dle.compress_program}", "COMPRESS_SUFFIX=cust"]
    return [f"sendbackup: info {line}" for line in lines]


def _run(
    request: Request, dle: Dle, dump: Dump, streams: Streams, mesg: Callable[..., None]
) -> tuple[FrameCounter, Counter | FrameCounter]:
    """Run the dump to its end.  WorldError when it is not good."""
    process = dump.start()
    assert process.stdout is not None
    assert process.stderr is not None
    enlarge(process.stdout.fileno())
    worst = _Listener(process, dump, mesg)
    lister = None
    if dle.index:
        lister = Lister(
            streams, state=request.features.has(STREAM_STATE),
            kept=dump.lists_kept and request.features.has(INDEX_LISTING), detail=request.features.has(INDEX_DETAIL),
        )
    compress = dle.compress if not dle.compress.startswith("SERVER") else ""
    try:
        native, client = pump(
            process.stdout.fileno(), streams, compress, dle.compress_program, lister.feed if lister is not None else None,
        )
    except BaseException:
        process.kill()
        raise
    finally:
        process.stdout.close()
        status = process.wait()
        worst.join()
    if lister is not None:
        lister.flush()
    mesg(f"sendbackup: size {kib_of(native.size)}")
    if text := dump.fault(status):
        raise WorldError(text[:6], f"{text[7:]}{': ' if worst.last else ''}{worst.last}")
    return native, client


class _Listener:
    """Reads a program's stderr in a thread, tells the server line by line and keeps the last strange one."""

    def __init__(self, process: subprocess.Popen[bytes], dump: Dump, mesg: Callable[..., None]) -> None:
        self.last = ""
        self._process = process
        self._dump = dump
        self._mesg = mesg
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait for the last line."""
        self._thread.join()

    def _listen(self) -> None:
        source = self._process.stderr
        assert source is not None
        rest = b""
        with source:
            while data := source.read(_LONGEST_LINE):
                *lines, rest = (rest + data).split(b"\n")
                if len(rest) > _LONGEST_LINE:
                    lines.append(rest)
                    rest = b""
                for line in lines:
                    self._hear(line)
            if rest:
                self._hear(rest)

    def _hear(self, line: bytes) -> None:
        text = clean(line.decode("utf-8", "replace"), _LONGEST_LINE)
        sort = self._dump.sort(text)
        if sort is Sort.IGNORED or not text:
            return
        if sort is Sort.STRANGE:
            self.last = text
        with contextlib.suppress(BrokenPipeError):  # the data's own way will find out
            self._mesg(f"{'|' if sort is Sort.NORMAL else '?'} {text}")


if __name__ == "__main__":
    sys.exit(by_hand(sendbackup, "sendbackup"))
