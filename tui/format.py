"""Numbers and times as the console writes them: short, of fixed width where they stand in columns, never jumping.

Sizes come in KiB, times in seconds since the epoch; local time, 24 hours.
"""

from __future__ import annotations

from core.model.units import local_time, seconds_of_datestamp, show_duration


def short_size(kib: float) -> str:
    """KiB as at most 5 characters: ``512K``, ``41.2M``, ``1.2T``."""
    size = float(kib)
    for unit in "KMGT":
        if abs(size) < 999.5:
            return f"{size:.1f}{unit}" if 0 < abs(size) < 99.95 and unit != "K" else f"{size:.0f}{unit}"
        size /= 1024
    return f"{size:.1f}P" if size < 99.95 else f"{size:.0f}P"


def percent(part: float) -> str:
    """A part of 1 as 4 characters; 100 only when it is."""
    return f"{min(99 if part < 1 else 100, int(part * 100)):3d}%"


def clock(at: float) -> str:
    """``02:29:41``; blank for 0."""
    return (when.strftime("%H:%M:%S") if (when := local_time(at)) else "??:??:??") if at else ""


def moment(at: float) -> str:
    """``02:29``; blank for 0."""
    return (when.strftime("%H:%M") if (when := local_time(at)) else "??:??") if at else ""


def day(at: float) -> str:
    """``Tue 01 Dec``; in English whatever the locale, so that columns stay."""
    if not at:
        return ""
    when = local_time(at)
    if when is None:
        return "??? ?? ???"
    return f"{_DAYS[when.weekday()]} {when.day:02d} {_MONTHS[when.month - 1]}"


def day_of(stamp: str) -> str:
    """``Tue 01 Dec 00:15`` of a run's datestamp; the stamp itself when it is none."""
    try:
        at = seconds_of_datestamp(stamp)
    except ValueError:
        return stamp
    return f"{day(at)} {moment(at)}"


def span(seconds: float) -> str:
    """A duration without the seconds once there are minutes to tell: ``42s``, ``12m``, ``2h14m``."""
    seconds = max(0.0, seconds)
    if 60 <= seconds < 3600:
        return f"{int(seconds) // 60}m"
    return show_duration(seconds)


def age(seconds: float) -> str:
    """How long ago, in one number: ``42m``, ``13h``, ``9d``."""
    minutes = int(max(0.0, seconds)) // 60
    return f"{minutes}m" if minutes < 60 else f"{minutes // 60}h" if minutes < 2880 else f"{minutes // 1440}d"


def remaining(until: float, now: float) -> str:
    """``01:12`` minutes and seconds, or hours and minutes with ``h``, until a moment; ``now`` when it is past."""
    left = int(until - now)
    if left <= 0:
        return "now"
    return f"{left // 60:02d}:{left % 60:02d}" if left < 3600 else f"{left // 3600}h{left % 3600 // 60:02d}"


def due(until: float, now: float) -> str:
    """``in 01:12`` until a moment; ``now`` when it has come."""
    return f"in {remaining(until, now)}" if until > now else "now"


def number(value: int) -> str:
    """``4 213``: thousands apart by a blank."""
    return f"{value:,}".replace(",", " ")


def plural(count: int, one: str, many: str = "") -> str:
    """``1 dump``, ``3 dumps``."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
