"""``--as-of``: what an operator writes for a moment, as the last datestamp that counts.

Pure: the time now is an argument.  A date means the end of that day, a minute the end of that minute: who reads 03:15 in
a list means the dump that is shown there.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from core.errors import UsageError
from core.model.units import parse_duration

_FORMS = (("%Y-%m-%d %H:%M:%S", timedelta()), ("%Y-%m-%d %H:%M", timedelta(seconds=59)),
          ("%Y-%m-%d", timedelta(hours=23, minutes=59, seconds=59)), ("%Y%m%d%H%M%S", timedelta()),
          ("%Y%m%d", timedelta(hours=23, minutes=59, seconds=59)))
_AS_LONG = {"%Y%m%d%H%M%S": "20260131031500", "%Y%m%d": "20260131"}
_AGO = re.compile(r"(.+?)\s+ago", re.IGNORECASE)
_MONTHS = re.compile(r"(\d{1,4})\s*(months?|years?)", re.IGNORECASE)
NEWEST = "99999999999999"
"""As of now: every dump counts."""


def parse_as_of(text: str, now: float) -> str:
    """The last datestamp that counts, 14 digits in local time; empty text: `NEWEST`.

    ``2026-01-31``, ``2026-01-31 03:15[:00]``, a run's datestamp, ``2 days ago``, ``yesterday``, ``today``.
    UsageError RST010 for anything else.
    """
    text = text.strip().replace("T", " ") if re.match(r"\d{4}-\d\d-\d\dT", text.strip()) else text.strip()
    if not text or text.lower() == "now":
        return NEWEST
    if text.isascii():
        for form, rest in _FORMS:
            if moment := _parse(text, form):
                return (moment + rest).strftime("%Y%m%d%H%M%S")
    today = datetime.fromtimestamp(now)
    match text.lower():
        case "today":
            return today.strftime("%Y%m%d") + "235959"
        case "yesterday":
            return (today - timedelta(days=1)).strftime("%Y%m%d") + "235959"
    if found := _AGO.fullmatch(text):
        try:
            return (today - timedelta(seconds=_duration(found[1]))).strftime("%Y%m%d%H%M%S")
        except (ValueError, OverflowError):
            pass
    raise UsageError("RST010", f"{text!r} is no date",
                     'write "2026-01-31", "2026-01-31 03:15", a run\'s datestamp such as 20260131031500, or "2 days ago"')


def _parse(text: str, form: str) -> datetime | None:
    # strptime takes fewer digits than the form has; a datestamp has all of them.
    if "-" not in form and len(text) != len(_AS_LONG[form]):
        return None
    try:
        return datetime.strptime(text, form)
    except ValueError:
        return None


def _duration(text: str) -> float:
    if found := _MONTHS.fullmatch(text.strip()):
        return int(found[1]) * 86400.0 * (30 if found[2].lower().startswith("month") else 365)
    return parse_duration(text)


def show_stamp(datestamp: str) -> str:
    """A datestamp as people read it: ``2026-01-31 03:15:00``; an odd one as it is."""
    if re.fullmatch(r"\d{14}", datestamp, re.ASCII):
        d = datestamp
        return f"{d[:4]}-{d[4:6]}-{d[6:8]} {d[8:10]}:{d[10:12]}:{d[12:]}"
    if re.fullmatch(r"\d{8}", datestamp, re.ASCII):
        return f"{datestamp[:4]}-{datestamp[4:6]}-{datestamp[6:]}"
    return datestamp
