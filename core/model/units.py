"""Sizes, times and names with a unit: parsing what people write, printing what people read.

Sizes inside the program are KiB (`Kib`) unless a name says bytes; times are seconds; stamps are
Amanda's ``YYYYMMDDhhmmss`` in local time.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NewType

Handle = NewType("Handle", str)
"""``NN-NNNNN``: slot in the job table, then an ever-increasing number."""
Kib = NewType("Kib", int)

EPOCH_DUMPDATE = "1970:1:1:0:0:0"
"""The dumpdate of a full dump."""
AHEAD = 2 * 86400.0
"""Seconds that a datestamp may be ahead of the clock: more than any two time zones differ, which datestamps do not tell, and
more than a machine that slept is late for a moment."""

_SIZE = re.compile(r"(-?\d{1,30}(?:\.\d{1,30})?)\s*([a-zA-Z]*)", re.ASCII)
_SIZE_UNITS = {
    "b": 1, "byte": 1, "bytes": 1,
    "k": 1024, "kb": 1024, "kib": 1024,
    "m": 1024**2, "mb": 1024**2, "mib": 1024**2,
    "g": 1024**3, "gb": 1024**3, "gib": 1024**3,
    "t": 1024**4, "tb": 1024**4, "tib": 1024**4,
    "p": 1024**5, "pb": 1024**5, "pib": 1024**5,
}
_TIME_UNITS = {
    "s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1,
    "m": 60, "min": 60, "mins": 60, "minute": 60, "minutes": 60,
    "h": 3600, "hour": 3600, "hours": 3600,
    "d": 86400, "day": 86400, "days": 86400,
    "w": 604800, "week": 604800, "weeks": 604800,
}
_LONGEST = 10**12
_RATE_UNITS = {"bps": 1, "kbps": 1000, "mbps": 1000**2, "gbps": 1000**3}


def parse_size(text: str) -> int:
    """Bytes of ``"10 GiB"``; units are powers of 1024, a minus sign is kept.  ValueError without a unit."""
    found = _SIZE.fullmatch(text.strip())
    if found is None or found[2].lower() not in _SIZE_UNITS:
        raise ValueError(f"{text!r} is no size; write a number and a unit, such as \"10 GiB\"")
    return int(float(found[1]) * _SIZE_UNITS[found[2].lower()])


def parse_duration(text: str) -> float:
    """Seconds of ``"10 min"`` or ``"7 days"``.  ValueError without a unit."""
    found = _SIZE.fullmatch(text.strip())
    if found is None or found[2].lower() not in _TIME_UNITS:
        raise ValueError(f"{text!r} is no time; write a number and a unit, such as \"10 min\"")
    return float(found[1]) * _TIME_UNITS[found[2].lower()]


def parse_bandwidth(text: str) -> int:
    """KiB per second of ``"900 Mbps"`` (bits, powers of 1000).  ValueError without a unit."""
    found = _SIZE.fullmatch(text.strip())
    if found is None or found[2].lower() not in _RATE_UNITS:
        raise ValueError(f"{text!r} is no bandwidth; write a number and a unit, such as \"900 Mbps\"")
    return int(float(found[1]) * _RATE_UNITS[found[2].lower()] / 8 / 1024)


def kib_of(size: int) -> Kib:
    """KiB that hold ``size`` bytes, rounded up."""
    return Kib(-(-size // 1024))


def show_size(size: float) -> str:
    """Bytes as an operator reads them, at most 4 digits: ``1.2 GiB``, ``512 B``."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(size) < 1024:
            return f"{size:.0f} {unit}" if unit == "B" or abs(size) >= 100 else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} PiB"


def show_kib(size: float) -> str:
    """KiB as an operator reads them."""
    return show_size(size * 1024)


def show_duration(seconds: float) -> str:
    """Seconds as ``42s``, ``3m07s``, ``2h14m`` or ``3d04h``; what is no number of seconds is as long as can be."""
    whole = int(seconds) if abs(seconds) < _LONGEST else _LONGEST
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"


def local_time(at: float) -> datetime | None:
    """Seconds since the epoch on the calendar and the clock of this machine; None for a time that no calendar has."""
    try:
        return datetime.fromtimestamp(at)
    except (ValueError, OverflowError, OSError):
        return None


def datestamp_of(at: float) -> str:
    """Seconds since the epoch as ``YYYYMMDDhhmmss`` in local time."""
    return datetime.fromtimestamp(at).strftime("%Y%m%d%H%M%S")


def seconds_of_datestamp(stamp: str) -> float:
    """Seconds since the epoch of a stamp of 14 or 8 digits in local time.  ValueError when it is none."""
    form = "%Y%m%d%H%M%S" if len(stamp) == 14 else "%Y%m%d"
    return datetime.strptime(stamp, form).timestamp()


def latest_stamp(now: float) -> str:
    """The last datestamp that the clock ``now`` can explain; a later one is of a clock that was wrong, or this one is."""
    return datestamp_of(now + AHEAD)


def is_ahead(stamp: str, now: float) -> bool:
    """Whether a datestamp is later than that."""
    return stamp.isdigit() and stamp > latest_stamp(now)


def dumpdate_of(at: float) -> str:
    """Seconds since the epoch as Amanda's dumpdate ``Y:M:D:h:m:s`` in GMT; 0 or less is `EPOCH_DUMPDATE`."""
    if at <= 0:
        return EPOCH_DUMPDATE
    t = datetime.fromtimestamp(int(at), UTC)
    return f"{t.year}:{t.month}:{t.day}:{t.hour}:{t.minute}:{t.second}"


def seconds_of_dumpdate(text: str) -> float:
    """Seconds since the epoch of a dumpdate.  ValueError when it is none."""
    parts = [int(part) if len(part) < 9 else -1 for part in text.split(":")]
    if len(parts) != 6:
        raise ValueError(f"{text[:60]!r} is no dumpdate")
    year, month, day, hour, minute, second = parts
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()


def sanitise(name: str) -> str:
    """A disk or file name as Amanda writes it in file names: ``/``, ``:`` and ``\\`` become ``_``."""
    return name.replace("/", "_").replace(":", "_").replace("\\", "_")


_SINCE_1970 = 10_000
"""A priority that only a disk without any full has, or one that was put before it."""


def show_priority(priority: int, why: str) -> str:
    """A priority as every face says it.  A disk without any full is overdue since 1970, in days, and an operator may put
    another before it: numbers that say nothing but their order."""
    if priority < _SINCE_1970:
        return str(priority)
    return "new" if why.startswith("new disk") else "first"
