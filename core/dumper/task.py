"""What one order asks for, with everything that it leaves out taken from the configuration.

Promises a `Task` that can be carried out, or a UsageError that says what is wrong with the order.  Does no I/O.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path

from core.errors import BadLine, UsageError
from core.model.disk import Compression, Disk, Dumptype
from core.model.dump import MAX_LEVEL
from core.model.site import Site
from core.model.units import Handle, datestamp_of
from core.protocol.dumper import FileDump, PortDump
from core.protocol.options import decode_options

_STAMP = re.compile(r"\d{8}(?:\d{6})?", re.ASCII)
_YES, _NO = ("", "yes", "true", "1"), ("no", "false", "0")


@dataclass(frozen=True, slots=True)
class ToFile:
    """Into a holding file; ``chunksize`` KiB, 0 is one chunk; ``use`` KiB allotted, None is no limit."""

    path: Path
    chunksize: int = 0
    use: int | None = None


@dataclass(frozen=True, slots=True)
class ToPort:
    """To the taper that listens on this port of 127.0.0.1."""

    port: int


@dataclass(frozen=True, slots=True)
class Task:
    """One dump.  ``disk`` has the options of the order merged in; ``expected_kib`` is the estimate of what will be
    stored, 0 when there is none."""

    handle: Handle
    disk: Disk
    level: int
    datestamp: str
    target: ToFile | ToPort
    expected_kib: int = 0

    @property
    def compress(self) -> Compression:
        """Where and how this dump is compressed."""
        return self.disk.dumptype.compress


def task_of(order: FileDump | PortDump, site: Site, now: float) -> Task:
    """The task of ``order``; ``now`` (seconds) stamps a dump that has no other date.

    UsageError: DMP001 no such disk, DMP002 a value that makes no sense.
    """
    disk = site.disk(order.host, order.disk)
    if disk is None:
        raise UsageError("DMP001", f"{order.host}:{order.disk} is not in {site.file}")
    if not 0 <= order.level <= MAX_LEVEL:
        raise UsageError("DMP002", f"{disk.title}: level {order.level} is none of 0 to {MAX_LEVEL}")
    try:
        options = _Options(decode_options(order.options))
    except BadLine as fault:
        raise UsageError("DMP002", f"{disk.title}: {fault}") from fault
    target: ToFile | ToPort
    match order:
        case FileDump(filename=filename, chunksize=chunksize):
            target = ToFile(Path(filename), max(0, chunksize), options.number("use"))
        case PortDump(port=port):
            if not 0 < port < 65536:
                raise UsageError("DMP002", f"{disk.title}: {port} is no port")
            target = ToPort(port)
    stamp = options.text("datestamp") or _stamp_of(target) or datestamp_of(now)
    if not _STAMP.fullmatch(stamp):
        raise UsageError("DMP002", f"{disk.title}: datestamp {stamp[:40]!r} is not YYYYMMDDhhmmss")
    merged = _merged(disk, order.program, options)
    return Task(order.handle, merged, order.level, stamp, target, _expected(merged, options))


def _expected(disk: Disk, options: _Options) -> int:
    """The estimate, or the size before compression when nothing compresses."""
    estimate, orig = options.number("estimate"), options.number("orig")
    if estimate is None and disk.dumptype.compress is Compression.NONE:
        estimate = orig
    return estimate or 0


def _stamp_of(target: ToFile | ToPort) -> str:
    """The run's directory on the holding disk is named after its date."""
    name = target.path.parent.name if isinstance(target, ToFile) else ""
    return name if _STAMP.fullmatch(name) else ""


class _Options:
    """The ``<options>`` word; what it does not say is None.  Values that cannot be read are UsageErrors."""

    def __init__(self, found: dict[str, list[str]]) -> None:
        self._found = found

    def text(self, key: str) -> str | None:
        values = self._found.get(key)
        return values[-1] if values else None

    def words(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self._found[key]) if key in self._found else default

    def number(self, key: str) -> int | None:
        value = self.text(key)
        if value is None:
            return None
        if not re.fullmatch(r"\d{1,15}", value, re.ASCII):
            raise UsageError("DMP002", f"option {key}={value[:40]!r} is no number")
        return int(value)

    def seconds(self, key: str, default: float) -> float:
        value = self.text(key)
        try:
            found = default if value is None else float(value)
        except ValueError:
            found = math.nan
        if not 0 < found < math.inf:
            raise UsageError("DMP002", f"option {key}={str(value)[:40]!r} is no time in seconds")
        return found

    def flag(self, key: str, default: bool) -> bool:
        value = self.text(key)
        if value is None:
            return default
        if value.lower() not in (*_YES, *_NO):
            raise UsageError("DMP002", f"option {key}={value[:40]!r} is neither yes nor no")
        return value.lower() in _YES


def _merged(disk: Disk, program: str, options: _Options) -> Disk:
    host = replace(
        disk.host,
        connect_timeout=options.seconds("connect-timeout", disk.host.connect_timeout),
        data_timeout=options.seconds("data-timeout", disk.host.data_timeout),
    )
    return replace(disk, host=host, dumptype=_dumptype(disk.dumptype, program, options))


def _dumptype(default: Dumptype, program: str, options: _Options) -> Dumptype:
    compress = options.text("compress")
    try:
        compression = default.compress if compress is None else Compression(compress)
    except ValueError:
        raise UsageError("DMP002", f"option compress={str(compress)[:40]!r} is no way to compress") from None
    warnings = options.number("max-warnings")
    return replace(
        default,
        program=default.program if program.lower() == default.program.lower() else program,
        auth=options.text("auth") or default.auth,
        compress=compression,
        compress_program=options.text("compress-program") or default.compress_program,
        encrypt=options.text("encrypt") or default.encrypt,
        index=options.flag("index", default.index),
        record=options.flag("record", default.record),
        exclude=options.words("exclude", default.exclude),
        exclude_list=options.words("exclude-list", default.exclude_list),
        include=options.words("include", default.include),
        include_list=options.words("include-list", default.include_list),
        max_warnings=default.max_warnings if warnings is None else warnings,
    )
