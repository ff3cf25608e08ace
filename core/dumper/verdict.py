"""What a dump was worth: the header it gets, and whether it is good, strange or failed.

The rules are Amanda 3.5.1's (server-src/dumper.c, do_dump and finish_tapeheader); the sentences follow Amanda's.
Promises to be a function of what was said and counted.  Does no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from core.dumper.task import Task
from core.holding.header import Filters, Header, Kind, split_commands
from core.model.disk import Compression
from core.model.dump import NO_CRC, Crc, Outcome, Stats
from core.model.units import Kib, kib_of
from core.wire.mesg import Mesg

_GUNZIP = "/bin/gzip -dc"
_PASSES = "CLT066 "
"""A client's fault that may not come again: its tar was killed."""
_MOST_TEXT = 16 * 1024  # characters of a message: quoted, a line of the pipe must not pass 64 KiB


@dataclass(frozen=True, slots=True)
class Counts:
    """What was measured: CRC and bytes that arrived on DATA and that were stored, and seconds since the order."""

    data_in: Crc
    stored: Crc
    seconds: float


@dataclass(frozen=True, slots=True)
class Ending:
    """How a dump ended, what to say of it, and for a good one its statistics.  ``again``: the client named another time,
    in so many seconds and at that level; −1 where it does not say."""

    outcome: Outcome
    text: str = ""
    stats: Stats | None = None
    again: tuple[int, int] | None = None


def header_of(task: Task, info: Mapping[str, str], dle_xml: str) -> Header:
    """The header that goes before the data, from the client's ``info`` lines; sizes and CRCs are not known yet."""
    disk, compress = task.disk, task.compress
    custom = disk.dumptype.compress_program
    comp = info.get("COMPRESS_SUFFIX", "N") or "N"
    decrypt, uncompress, recover = split_commands(info.get("RECOVER_CMD", ""))
    filters = Filters(
        crypt="enc" if info.get("CLIENT_ENCRYPT") or info.get("SERVER_ENCRYPT") else "",
        server_compress=info.get("SERVER_CUSTOM_COMPRESS", ""), client_compress=info.get("CLIENT_CUSTOM_COMPRESS", ""),
        server_encrypt=info.get("SERVER_ENCRYPT", ""), client_encrypt=info.get("CLIENT_ENCRYPT", ""),
        server_decrypt_option=info.get("SERVER_DECRYPT_OPTION", ""),
        client_decrypt_option=info.get("CLIENT_DECRYPT_OPTION", ""),
    )
    match compress:
        case Compression.SERVER_FAST | Compression.SERVER_BEST:
            comp, uncompress = ".gz", _GUNZIP
        case Compression.SERVER_CUSTOM:
            comp, uncompress = "cust", f"{custom} -d"
            filters = replace(filters, server_compress=custom)
        case Compression.CLIENT_CUSTOM:
            # A stock client says nothing of it, or calls it gzip: the server is expected to know what it asked for.
            comp, uncompress = "cust", uncompress or f"{custom} -d"
            filters = replace(filters, client_compress=custom)
        case Compression.NONE | Compression.CLIENT_FAST | Compression.CLIENT_BEST:
            pass  # the client's word counts, and its RECOVER_CMD undoes its compression
    return Header(
        Kind.FILE, datestamp=task.datestamp, host=disk.host.name, disk=disk.disk, level=task.level, comp=comp,
        program=info.get("BACKUP", "UNKNOWN") or "UNKNOWN", application=info.get("APPLICATION", ""), filters=filters,
        dle_xml=dle_xml, decrypt=decrypt, uncompress=uncompress, recover=recover,
    )


def completed(header: Header, mesg: Mesg, counts: Counts, task: Task) -> Header:
    """``header`` with what is known only at the end."""
    stats = statistics(mesg, counts, task)
    return replace(header, orig_kib=stats.orig_kib, native=stats.native, client=stats.client, server=stats.server)


def statistics(mesg: Mesg, counts: Counts, task: Task) -> Stats:
    """The numbers of a dump; a CRC that the client did not say stays unknown."""
    return Stats(counts.seconds, kib_of(counts.stored.size), Kib(max(0, mesg.size_kib)),
                 mesg.native, mesg.client, counts.stored)


def judge(mesg: Mesg, counts: Counts, task: Task, faults: list[str]) -> Ending:
    """The outcome of a dump whose streams all ended; ``faults`` of our own make it strange."""
    failed = _failure(mesg, counts, task)
    if failed is not None:
        return failed
    lines = [*faults, *_shown(mesg, task)]
    outcome = Outcome.STRANGE if mesg.strange or faults else Outcome.DONE
    return Ending(outcome, _text(lines), statistics(mesg, counts, task))


def _failure(mesg: Mesg, counts: Counts, task: Task) -> Ending | None:
    title = task.disk.title
    if mesg.retry is not None:
        said = mesg.retry.message or "busy"
        wait = f" in {mesg.retry.delay} s" if mesg.retry.delay > 0 else ""
        return Ending(Outcome.TRY_AGAIN, f"DMP018 {title}: the client asks to be tried again{wait}: {said}",
                      again=(mesg.retry.delay, mesg.retry.level))
    if mesg.error is not None:
        failed = _failed(f"DMP015 {title}: [{mesg.error}]", mesg, task)
        return replace(failed, outcome=Outcome.TRY_AGAIN) if mesg.error.startswith(_PASSES) else failed
    if counts.data_in.size == 0:
        return _failed(f"DMP010 {title}: got no data", mesg, task)
    if mesg.size_kib < 0:
        return _failed(f"DMP011 {title}: missing size line from sendbackup", mesg, task)
    if not mesg.ended:
        return _failed(f"DMP012 {title}: missing end line from sendbackup", mesg, task)
    if mesg.client.known and mesg.client != counts.data_in:
        return _failed(f"DMP013 {title}: client CRC ({mesg.client}) does not match data-in CRC ({counts.data_in})", mesg, task)
    if mesg.native.known and mesg.native != counts.data_in and not filtered_on_client(mesg, task):
        return _failed(f"DMP014 {title}: native CRC ({mesg.native}) does not match data-in CRC ({counts.data_in})", mesg, task)
    return None


def _failed(text: str, mesg: Mesg, task: Task) -> Ending:
    return Ending(Outcome.FAILED, _text([text, *_shown(mesg, task)]))


def filtered_on_client(mesg: Mesg, task: Task) -> bool:
    """Whether what arrives is not the archive itself: the client compressed or encrypted it."""
    if task.compress is Compression.CLIENT_CUSTOM or mesg.info.get("CLIENT_ENCRYPT"):
        return True
    compressed = mesg.info.get("COMPRESS_SUFFIX", "N") not in ("", "N")
    # 3.5.1's applications say COMPRESS_SUFFIX for server compression, too.
    return compressed and not task.compress.startswith("server")


def _shown(mesg: Mesg, task: Task) -> list[str]:
    """The client's strange lines, as many as the dumptype wants; 0 is all."""
    most = task.disk.dumptype.max_warnings or len(mesg.strange)
    hidden = len(mesg.strange) - most + mesg.unshown
    return mesg.strange[:most] + ([f"({hidden} more)"] if hidden > 0 else [])


def _text(lines: list[str]) -> str:
    text = "\n".join(lines)
    return text if len(text) <= _MOST_TEXT else text[:_MOST_TEXT] + " …"


NOTHING = Counts(NO_CRC, NO_CRC, 0.0)
"""Counts before anything came."""
