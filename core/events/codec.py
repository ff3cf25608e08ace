"""A journal record as one line of JSON: ``{"seq":1,"at":1795…,"event":"DumpBegan",…fields,"sum":"1f2e3d4c"}``.

``sum`` is the CRC-32C of what stands before ``,"sum"`` on the line; lines of older journals have none and are taken as
they are.  `decode` and `inspect` take any bytes and never raise: a fact is right in every field's type, or it is not
there.  `inspect` also says where a journal is damaged; a damaged line costs its own fact and no other.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields, replace
from typing import Any, get_type_hints

from core.events.event import KINDS, Choice, Event, Notice, QuestionAsked, Record
from core.model.crc32c import crc32c

_FIELDS = {kind: tuple(f.name for f in fields(kind)) for kind in (*KINDS.values(), Choice)}
_HINTS = {kind: tuple(zip(names, map(get_type_hints(kind).__getitem__, names), strict=True))
          for kind, names in _FIELDS.items()}
_JSON = json.JSONDecoder()
_SEAL = re.compile(rb',"sum":"[0-9a-f]{8}"\}')
_SEALED = 18  # bytes of a line from ,"sum" on
_RUN_ON = re.compile(rb'(,"sum":"[0-9a-f]{8}"\}).\{"seq":', re.DOTALL)
_LARGEST = 2**63 - 1
_FINITE = 1e300
_NO_MORE = 20  # damaged places that are told one by one


def encode(record: Record) -> bytes:
    """One line, newline included."""
    event = record.event
    plain: dict[str, Any] = {"seq": record.seq, "at": round(record.at, 6), "event": type(event).__name__}
    for name in _FIELDS[type(event)]:
        plain[name] = getattr(event, name)
    if isinstance(event, QuestionAsked):
        plain["choices"] = [{n: getattr(c, n) for n in _FIELDS[Choice]} for c in event.choices]
    body = json.dumps(plain, separators=(",", ":")).encode()[:-1]
    return b'%s,"sum":"%08x"}\n' % (body, crc32c(body))


def decode(line: bytes) -> Record | None:
    """The record of one line; None for an event of a newer version or a line that is no record (a torn last line)."""
    return _decode(line.removesuffix(b"\n"))[0]


def _decode(line: bytes) -> tuple[Record | None, bool]:
    """The record, if there is one, and whether the line is what was written: a newer version's line is."""
    sealed = _SEAL.fullmatch(line, len(line) - _SEALED) if len(line) > _SEALED else None
    if sealed is not None:
        body = line[:-_SEALED]
        if b"%08x" % crc32c(body) != line[-10:-2]:
            return None, False
        line = body + b"}"
    try:
        text = line.decode("utf-8", "surrogatepass")
        plain, end = _JSON.raw_decode(text)
        if end != len(text):
            raise ValueError("more than a record")
        seq, at, name = plain.pop("seq"), plain.pop("at"), plain.pop("event")
        kind = KINDS.get(name)
        if kind is None:
            # An older journal has no checksums, so what its names were meant to be cannot be told.
            return None, type(name) is str and type(seq) is int
        if kind is QuestionAsked:
            plain["choices"] = tuple(_checked(Choice(**choice), Choice) for choice in plain["choices"])
        event: Event = _checked(kind(**plain), kind)
        if not (_fits(seq, int) and seq > 0 and _fits(at, float)):
            raise ValueError("no number or no time")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None, sealed is not None
    return Record(seq, at, event), True


def _checked(value: Any, kind: type[Any]) -> Any:
    """``value`` if each of its fields has the type that its class says; ValueError otherwise."""
    for name, hint in _HINTS[kind]:
        part = getattr(value, name)
        # Nearly all are plain words and small numbers, and a console that is opened waits for thousands of them.
        if type(part) is hint and ((hint is str and part.isascii()) or (hint is int and 0 <= part <= _LARGEST)):
            continue
        if not _fits(part, hint):
            raise ValueError(name)
    return value


def _fits(value: Any, hint: Any) -> bool:
    found = type(value)
    if found is str:
        return hint is str and (value.isascii() or _is_text(value))
    if found is int:
        return hint in (int, float) and -_LARGEST <= value <= _LARGEST
    if found is float:
        return hint in (int, float) and -_FINITE < value < _FINITE
    return hint is bool if found is bool else found is tuple and hint is not str


def _is_text(value: str) -> bool:
    try:
        value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Damage:
    """A damaged place of a journal: its first ``line``, counted from 1, its bytes ``start`` up to ``end``, and the number of
    the first fact that is ``lost``, 0 when none is.  ``before`` is how many good records come before it."""

    line: int
    start: int
    end: int
    seq: int
    before: int
    lost: int = 0

    def __str__(self) -> str:
        last = self.seq + self.lost - 1
        lost = "no fact is lost" if not self.lost else (
            f"fact {self.seq} is lost" if self.lost == 1 else f"facts {self.seq} to {last} are lost")
        return f"line {self.line} (bytes {self.start} to {self.end - 1}) is damaged; {lost}"


def inspect(data: bytes, after: int = 0) -> tuple[list[Record], list[Damage]]:
    """All records of a journal's bytes, and where it is damaged.  A last line without newline is not there.

    ``after``: the number of the fact before them, when the bytes are not a journal's first.
    """
    records: list[Record] = []
    damage: list[Damage] = []
    start, *lines, last = 0, *data.split(b"\n")
    if run_on := [found.end(1) for found in _RUN_ON.finditer(last)]:
        last = last[:run_on[-1] + 1]
    if _ended(last):
        lines.append(last)  # its newline is there, but is none any more
    for number, line in enumerate(lines, 1):
        record, right = _decode(line)
        if record is not None:
            records.append(record)
        elif not right:
            _mend(line, number, start, records, damage)
        start += len(line) + 1
    return records, _numbered(records, damage, after)


def _ended(last: bytes) -> re.Match[bytes] | None:
    """Whether a last line is a whole record and one byte that should have been a newline."""
    return _SEAL.fullmatch(last, len(last) - _SEALED - 1, len(last) - 1) if len(last) > _SEALED + 1 else None


def _mend(line: bytes, number: int, start: int, records: list[Record], damage: list[Damage]) -> None:
    """Take in a damaged line: the records in it are good when only the newline between them is not."""
    at = 0
    ends = [found.end(1) for found in _RUN_ON.finditer(line)]
    if _ended(line):
        ends.append(len(line) - 1)
    for end in (*ends, len(line)):
        record = _decode(line[at:end])[0] if end > at else None
        if record is not None:
            records.append(record)
            if end < len(line):
                damage.append(Damage(number, start + end, start + end + 1, 0, len(records)))
        elif end > at:
            damage.append(Damage(number, start + at, start + end, -1, len(records)))
        at = end + 1


def _numbered(records: list[Record], damage: list[Damage], first: int) -> list[Damage]:
    """Give damage the numbers of the facts that are missing; pieces of one line become one."""
    found: list[Damage] = []
    for piece in damage:
        if found and found[-1].seq and piece.seq and found[-1].before == piece.before:
            found[-1] = replace(found[-1], end=piece.end)
            continue
        if piece.seq:
            before = records[piece.before - 1].seq if piece.before else first
            after = records[piece.before].seq if piece.before < len(records) else before + 2
            lost = max(0, after - before - 1)
            piece = Damage(piece.line, piece.start, piece.end, before + 1 if lost else 0, piece.before, lost)
        found.append(piece)
    return found


def read(data: bytes) -> list[Record]:
    """All records of a journal's bytes, with a `Notice` RUN031 wherever it is damaged: for faces, which so tell of it.

    A notice has the number of the fact that is missing, or numbers after the last one.
    """
    return told(*inspect(data))


def told(records: list[Record], damage: list[Damage], *, whole: bool = True) -> list[Record]:
    """The records with a notice for each damage; those that would come after the last one only of a ``whole`` journal."""
    if not damage:
        return records
    shown = damage[:_NO_MORE]
    more = f"; and {len(damage) - _NO_MORE} places more" if len(damage) > _NO_MORE else ""
    found: list[Record] = []
    late: list[Damage] = []
    began = records[0].at if records else 0.0
    for number, record in enumerate((*records, None)):
        for place in shown:
            if place.before == number and place.seq:
                found.append(Record(place.seq, found[-1].at if found else began, _notice(place, more)))
            elif place.before == number:
                late.append(place)
        if record is not None:
            found.append(record)
    for place in late if whole else []:
        found.append(Record(found[-1].seq + 1, found[-1].at, _notice(place, more)))
    return found


def _notice(place: Damage, more: str) -> Notice:
    return Notice("RUN031", "W", "journal.jsonl", f"{place}{more}")
