"""``--as-of``: what an operator writes for a moment, as the last datestamp that counts.

Pure: the time now is an argument.  A date means the end of that day, a minute the end of that minute: who reads 03:15 in
a list means the dump that is shown there.  All times are local.  ``level N`` after it means the last dump of that level; it
is ``_N`` after the datestamp, as in the names of indexes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from core.errors import UsageError
from core.model.units import parse_duration

NEWEST = "99999999999999"
"""As of now: every dump counts."""
NOW = "now"
"""What is meant where no date was given."""
EXAMPLES = ('"2026-01-31", "2026-01-31 03:15", a run\'s datestamp such as 20260131031500, "last tuesday",'
            ' "yesterday 14:00" or "2 days ago"')
"""What may be written, for messages."""

_STAMP = re.compile(r"\d{14}", re.ASCII)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
           "december")
_AGO = re.compile(r"(.+?) ago")
_LONG = re.compile(r"(\d{1,4})\s*(months?|years?)", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?", re.ASCII)
_HALF = re.compile(r"(\d{1,2})(?::(\d\d))?\s*([ap])m", re.ASCII)
_TIME_LAST = re.compile(
    r"(.*?)(?:^|\s|(?<=\d)t(?=\d))(?:at )?(\d{1,2}:\d\d(?::\d\d)?|\d{1,2}(?::\d\d)?\s*[ap]m|noon|midnight)", re.ASCII)
_DAY_FIRST = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\.? ([a-z]{3,9})\.?(?:,? (\d{4}))?", re.ASCII)
_MONTH_FIRST = re.compile(r"([a-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?(?:,? (\d{4}))?", re.ASCII)
_MINUTE = timedelta(seconds=59)
_DAY = timedelta(hours=23, minutes=59, seconds=59)
_LEVEL = re.compile(r"(.*?),? ?level (\d{1,3})", re.ASCII)


def parse_as_of(text: str, now: float, warn: Callable[[str], None] | None = None) -> str:
    """The last datestamp that counts, 14 digits in local time; ``now``: `NEWEST`.

    ``2026-01-31``, ``2026-01-31 03:15[:00]``, ``20260131``, a run's datestamp, ``31 January [2026]``, ``2 days ago``,
    ``last week``, ``today``, ``yesterday``, ``tuesday``, ``last tuesday``, and each day with a time of day after it; each
    with ``level N`` behind it.  A moment that is still to come is understood as now, and ``warn`` is told so; one that names
    its second counts all the same, since a dump may bear it.  UsageError RST010 for anything else, also for empty text: a
    variable of a script that was never set is not the newest dump.
    """
    words = " ".join(text.lower().split())
    if found := _LEVEL.fullmatch(words):
        return f"{_moment(text, found[1] or NOW, now, warn)}_{found[2]}"
    return _moment(text, words, now, warn)


def split_level(as_of: str) -> tuple[str, int]:
    """The datestamp of what `parse_as_of` gave, and the level, −1 for any."""
    stamp, _, level = as_of.partition("_")
    return stamp, int(level) if level else -1


def _moment(text: str, words: str, now: float, warn: Callable[[str], None] | None) -> str:
    if words == NOW:
        return NEWEST
    if not words:
        raise UsageError("RST010", f"{text!r} is empty, which is no date", f"write now for the newest, or {EXAMPLES}")
    today = datetime.fromtimestamp(now)
    try:
        found = _understood(words, today)
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise UsageError("RST010", f"{text!r} is no date", f"write {EXAMPLES}")
    begin, rest = found
    if begin > today:
        # A dump whose clock was wrong can still be named by the second that it bears.
        exact = not rest and not _AGO.fullmatch(words)
        if warn is not None:
            what = "dumps that are dated up to then count" if exact else "it is understood as now"
            warn(f"RST032 {text!r} is still to come: {what}")
        return begin.strftime("%Y%m%d%H%M%S").zfill(14) if exact else NEWEST
    return (begin + rest).strftime("%Y%m%d%H%M%S").zfill(14)


def _understood(words: str, now: datetime) -> tuple[datetime, timedelta] | None:
    """When what was meant begins, and how long it is.  ValueError, OverflowError, or None when it is nothing."""
    if _STAMP.fullmatch(words):
        return datetime.strptime(words, "%Y%m%d%H%M%S"), timedelta()
    if found := _AGO.fullmatch(words):
        return now.replace(microsecond=0) - timedelta(seconds=_duration(found[1])), timedelta()
    clock: tuple[time, timedelta] | None = None
    if found := _TIME_LAST.fullmatch(words):
        clock = _clock(found[2])
        words = found[1].rstrip(", ") or "today"
    day = _day(words, now)
    if day is None:
        return None
    if clock is None:
        return datetime.combine(day, time()), _DAY
    return datetime.combine(day, clock[0]), clock[1]


def _duration(text: str) -> float:
    if found := _LONG.fullmatch(text):
        return int(found[1]) * 86400.0 * (30 if found[2].startswith("month") else 365)
    if not text.isascii():
        raise ValueError(text)
    return parse_duration(text)


def _clock(text: str) -> tuple[time, timedelta]:
    """A time of day, and how long it is: a minute lasts to its end."""
    if text in ("noon", "midnight"):
        return time(12 if text == "noon" else 0), _MINUTE
    if found := _HALF.fullmatch(text):
        hour = int(found[1])
        if not 1 <= hour <= 12:
            raise ValueError(text)
        return time(hour % 12 + (12 if found[3] == "p" else 0), int(found[2] or 0)), _MINUTE
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return time(int(found[1]), int(found[2]), int(found[3] or 0)), _MINUTE if found[3] is None else timedelta()


def _day(words: str, now: datetime) -> date | None:
    """The day that ``words`` name.  ValueError when the calendar has none such."""
    today = now.date()
    match words.removeprefix("on "):
        case "today" | "tonight" | "last night":  # a night's runs end in the morning
            return today
        case "yesterday":
            return today - timedelta(days=1)
        case "day before yesterday" | "the day before yesterday":
            return today - timedelta(days=2)
        case "last week":
            return today - timedelta(days=7)
        case "last month":
            return today - timedelta(days=30)
        case "last year":
            return today - timedelta(days=365)
        case other:
            words = other
    if found := _AGO.fullmatch(words):
        return (now - timedelta(seconds=_duration(found[1]))).date()
    for form in ("%Y-%m-%d", "%Y%m%d"):
        # strptime takes fewer digits than the form has; a datestamp has all of them.
        if words.isascii() and ("-" in words) == ("-" in form) and (len(words) == 8 or "-" in form) and words[:1].isdigit():
            try:
                return datetime.strptime(words, form).date()
            except ValueError:
                continue
    if (back := _weekday(words, today)) is not None:
        return back
    if found := _DAY_FIRST.fullmatch(words):
        return _of_month(found[2], int(found[1]), found[3], today)
    if found := _MONTH_FIRST.fullmatch(words):
        return _of_month(found[1], int(found[2]), found[3], today)
    return None


def _weekday(words: str, today: date) -> date | None:
    """``tuesday`` is the last one, today if it is one; ``last tuesday`` is before today."""
    name = words.removeprefix("last ")
    number = _number_of(name, _DAYS)
    if number is None:
        return None
    back = (today.weekday() - number) % 7
    return today - timedelta(days=7 if back == 0 and name != words else back)


def _of_month(name: str, day: int, year: str | None, today: date) -> date | None:
    """A day of a month; without a year the last one that there was."""
    month = _number_of(name, _MONTHS)
    if month is None:
        return None
    if year is not None:
        return date(int(year), month + 1, day)
    this = date(today.year, month + 1, day) if (month, day) != (1, 29) else None
    if this is not None and this <= today:
        return this
    for before in range(today.year - (this is not None), today.year - 9, -1):
        try:
            if (found := date(before, month + 1, day)) <= today:
                return found
        except ValueError:  # the 29th of February
            continue
    return None


def _number_of(name: str, names: tuple[str, ...]) -> int | None:
    """Which of ``names`` begins with ``name``, three letters at least."""
    return next((number for number, known in enumerate(names) if len(name) >= 3 and known.startswith(name)), None)


def show_stamp(datestamp: str) -> str:
    """A datestamp as people read it: ``2026-01-31 03:15:00``; an odd one as it is."""
    if re.fullmatch(r"\d{14}", datestamp, re.ASCII):
        d = datestamp
        return f"{d[:4]}-{d[4:6]}-{d[6:8]} {d[8:10]}:{d[10:12]}:{d[12:]}"
    if re.fullmatch(r"\d{8}", datestamp, re.ASCII):
        return f"{datestamp[:4]}-{datestamp[4:6]}-{datestamp[6:]}"
    return datestamp
