"""A ``log.<datestamp>.<n>`` of Amanda: which dumps were made, and on which volumes they are (server-src/logfile.c, find.c).

Lines of versions 3.0 to 3.5 are read: with and without storage and pool, with and without checksums.  A line of a kind that
matters and that cannot be read is a fault with its number; all other lines are passed over.  Sizes are bytes on volumes and
KiB of dumps, as Amanda counts them; times are seconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

from core.model.dump import NO_CRC, Crc
from core.model.quoting import split_lenient, unquote


@dataclass(frozen=True, slots=True)
class Labelled:
    """A volume was begun; ``storage`` and ``pool`` are empty where the version has none."""

    storage: str
    pool: str
    label: str
    datestamp: str
    number: int


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a dump is on a volume; ``size`` bytes."""

    storage: str
    pool: str
    label: str
    fileno: int
    host: str
    disk: str
    datestamp: str
    part: int
    level: int
    size: int
    orig: int


@dataclass(frozen=True, slots=True)
class Taped:
    """A dump is on volumes as a whole (``done``) or as far as it got; ``size`` bytes, ``orig`` KiB."""

    storage: str
    pool: str
    host: str
    disk: str
    datestamp: str
    level: int
    parts: int
    done: bool
    size: int
    orig: int
    seconds: float
    native: Crc = NO_CRC
    client: Crc = NO_CRC
    server: Crc = NO_CRC
    message: str = ""


@dataclass(frozen=True, slots=True)
class Dumped:
    """A dumper's good end; ``strange``: with what the client said, ``text``.  An empty ``datestamp`` is the log's own."""

    host: str
    disk: str
    datestamp: str
    level: int
    size: int
    orig: int
    seconds: float
    native: Crc = NO_CRC
    client: Crc = NO_CRC
    strange: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class Chunked:
    """A dump is on the holding disk, whole unless ``partial``."""

    host: str
    disk: str
    datestamp: str
    level: int
    server: Crc = NO_CRC
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """Some program gave a disk up, or an attempt at it."""

    program: str
    host: str
    disk: str
    datestamp: str
    level: int
    message: str


@dataclass(frozen=True, slots=True)
class Closed:
    """No more was written to a volume; ``size`` KiB."""

    label: str
    size: int
    files: int


@dataclass(frozen=True, slots=True)
class Process:
    """A program of the run began, or ended (``done``)."""

    program: str
    pid: int
    done: bool


Fact = Labelled | Part | Taped | Dumped | Chunked | Failed | Closed | Process


@dataclass(slots=True)
class Log:
    """What a log tells, in its order, and its faults as (line number, sentence)."""

    facts: list[Fact] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)


_STATS = re.compile(r"\[sec ([-0-9.e+]+) (kb|bytes) ([-0-9.]+)(?: kps [-0-9.a-z]+)?(?: orig-kb ([-0-9.]+))?[^\]]*\]")
_STAMP = re.compile(r"\d{8}(?:\d{6})?", re.ASCII)
_CRC = re.compile(r"[0-9a-f]{1,8}:\d+", re.ASCII)
_TAPE = re.compile(r"tape (\S+) kb (\d{1,18}) fm (\d{1,18})")
_PID = re.compile(r"(\S+) pid (\d{1,18})|pid-done (\d{1,18})")
_MOST_TEXT = 4000
"""Characters of what a client said that are kept of one dump."""


def parse_log(text: str) -> Log:
    """The facts of a log.  Never raises: what cannot be read is in `Log.faults`."""
    found = Log()
    lines = text.split("\n")
    torn = lines.pop()  # a line without its end was not written to its end
    if torn.strip():
        found.faults.append((len(lines) + 1, "the line has no end; the log was cut off"))
    for number, line in enumerate(lines, 1):
        if line.startswith("  "):
            _continue(found, line.strip())
            continue
        kind, _, rest = line.partition(" ")
        program, _, said = rest.partition(" ")
        try:
            fact = _fact(kind, program, said)
        except (ValueError, LookupError):
            found.faults.append((number, f"{line[:100]!r} is no {kind} line of {program}"))
            continue
        if fact is not None:
            found.facts.append(fact)
    return found


def _continue(found: Log, text: str) -> None:
    """A line that belongs to the one before it: what a client said of a strange dump."""
    last = found.facts[-1] if found.facts else None
    if isinstance(last, Dumped) and last.strange and len(last.text) < _MOST_TEXT:
        found.facts[-1] = Dumped(
            last.host, last.disk, last.datestamp, last.level, last.size, last.orig, last.seconds, last.native, last.client,
            True, f"{last.text}\n{text}" if last.text else text)


def _fact(kind: str, program: str, said: str) -> Fact | None:
    match kind, program:
        case "START", "taper":
            return _labelled(said)
        case "PART" | "DONE" | "PARTIAL", "taper":
            return _part(said) if kind == "PART" else _taped(said, done=kind == "DONE")
        case "SUCCESS" | "STRANGE", "dumper":
            return _dumped(said, strange=kind == "STRANGE")
        case "SUCCESS" | "PARTIAL", "chunker":
            host, disk, stamp, level, *crcs = _before(said)[0]
            return Chunked(host, disk, _stamp(stamp), int(level), _crc(crcs, 0), kind == "PARTIAL")
        case "FAIL", _:
            return _failed(program, said)
        case "INFO", "taper" if closed := _TAPE.match(said):
            return Closed(closed[1], int(closed[2]), int(closed[3]))
        case "INFO", _ if ran := _PID.fullmatch(said):
            return Process(program, int(ran[2] or ran[3]), ran[3] is not None)
        case _:
            return None


def _labelled(said: str) -> Labelled:
    words = split_lenient(said)
    values = dict(pairwise(words))
    storage, pool = _owner(words[2:])
    return Labelled(storage, pool, values["label"], _stamp(values["datestamp"]), int(values["tape"]))


def _owner(words: list[str]) -> tuple[str, str]:
    """Storage and pool out of the words ``ST:…`` and ``POOL:…`` that lines of 3.4 and later begin with."""
    named = {key: value for key, colon, value in (word.partition(":") for word in words[:2]) if colon}
    return named.get("ST", ""), named.get("POOL", "")


def _before(said: str) -> tuple[list[str], re.Match[str] | None, str]:
    """The words before the statistics, the statistics, and the text after them."""
    stats = _STATS.search(said)
    head = said[:stats.start()] if stats else said
    return split_lenient(head.strip()), stats, said[stats.end():].strip() if stats else ""


def _without_owner(words: list[str]) -> tuple[str, str, list[str]]:
    storage, pool = _owner(words)
    return storage, pool, words[(1 if storage else 0) + (1 if pool else 0):]


def _part(said: str) -> Part:
    words, stats, _ = _before(said)
    storage, pool, (label, fileno, host, disk, stamp, part, level) = _without_owner(words)
    return Part(storage, pool, label, int(fileno), host, disk, _stamp(stamp), int(part.partition("/")[0]), int(level),
                _bytes(stats), _orig(stats))


def _taped(said: str, *, done: bool) -> Taped:
    words, stats, message = _before(said)
    storage, pool, (host, disk, stamp, parts, level, *crcs) = _without_owner(words)
    return Taped(storage, pool, host, disk, _stamp(stamp), int(level), int(parts), done, _bytes(stats), _orig(stats),
                 _seconds(stats), _crc(crcs, 0), _crc(crcs, 1), _crc(crcs, 2), unquote(message))


def _dumped(said: str, *, strange: bool) -> Dumped:
    words, stats, _ = _before(said)
    host, disk, *rest = words
    stamp = rest.pop(0) if len(rest) > 1 and _STAMP.fullmatch(rest[0]) and not _CRC.fullmatch(rest[1]) else ""
    level, *crcs = rest
    return Dumped(host, disk, stamp, int(level), _bytes(stats) // 1024, _orig(stats), _seconds(stats), _crc(crcs, 0),
                  _crc(crcs, 1), strange)


def _failed(program: str, said: str) -> Failed | None:
    words = split_lenient(said)
    if words and words[0] == "VAULT":
        return None  # a copy that was not made is not a dump that failed
    _, _, words = _without_owner(words)
    if program == "planner" and len(words) > 3 and not _STAMP.fullmatch(words[2]):
        host, disk, level, *more = words
        stamp = ""
    else:
        host, disk, stamp, level, *more = words
    message = " ".join(more).strip()
    return Failed(program, host, disk, _stamp(stamp) if stamp else "", int(level), message.removeprefix("[").removesuffix("]"))


def _stamp(text: str) -> str:
    if _STAMP.fullmatch(text) is None:
        raise ValueError(f"{text!r} is no datestamp")
    return text


def _crc(words: list[str], number: int) -> Crc:
    return Crc.parse(words[number]) if number < len(words) and _CRC.fullmatch(words[number]) else NO_CRC


def _bytes(stats: re.Match[str] | None) -> int:
    if stats is None:
        raise ValueError("no statistics")
    return int(float(stats[3]) * (1024 if stats[2] == "kb" else 1))


def _orig(stats: re.Match[str] | None) -> int:
    return int(float(stats[4])) if stats is not None and stats[4] else 0


def _seconds(stats: re.Match[str] | None) -> float:
    return float(stats[1]) if stats is not None else 0.0
