"""A journal record as one line of JSON: ``{"seq":1,"at":1795…,"event":"DumpBegan",…fields}``."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from core.events.event import KINDS, Choice, Event, QuestionAsked, Record

_FIELDS = {kind: tuple(f.name for f in fields(kind)) for kind in (*KINDS.values(), Choice)}


def encode(record: Record) -> bytes:
    """One line, newline included."""
    event = record.event
    plain: dict[str, Any] = {"seq": record.seq, "at": round(record.at, 6), "event": type(event).__name__}
    for name in _FIELDS[type(event)]:
        plain[name] = getattr(event, name)
    if isinstance(event, QuestionAsked):
        plain["choices"] = [{n: getattr(c, n) for n in _FIELDS[Choice]} for c in event.choices]
    return json.dumps(plain, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Record | None:
    """The record of one line; None for an event of a newer version or a line that is no record (a torn last line)."""
    try:
        plain = json.loads(line)
        seq, at, kind = plain.pop("seq"), plain.pop("at"), KINDS[plain.pop("event")]
        if kind is QuestionAsked:
            plain["choices"] = tuple(Choice(**choice) for choice in plain["choices"])
        event: Event = kind(**plain)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return Record(seq, at, event)


def read(data: bytes) -> list[Record]:
    """All records of a journal's bytes; a last line without newline is not there."""
    lines = data.split(b"\n")[:-1]
    return [record for line in lines if (record := decode(line)) is not None]
