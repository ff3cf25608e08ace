"""A line of a pipe in words: what its verb means, what each field is, and which disk its handle belongs to.  Pure.

The meaning of a verb is the docstring of its message class, so it is told in one place only.  What this does not know:
whether the line was allowed when it came; that is the driver's to judge.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_type_hints

from core.errors import BadLine
from core.events.view import RunView
from core.model.dump import Stats
from core.model.units import show_kib
from tui.clean import clean
from tui.traffic import Line

if TYPE_CHECKING:
    from core.protocol.vocabulary import Vocabulary

NOTES: dict[str, str] = {
    "filename": "first file on the holding disk", "file": "on the holding disk",
    "dumpdate": "files changed since then, GMT", "datestamp": "of the run that made the dump",
    "chunksize": "one file on the holding disk is no larger", "use": "this much more may be written",
    "program": "what reads the disk on the client", "port": "on this machine's loopback",
    "missing": "what is still to be written, as far as the dumper knows",
    "why": "the reason, in a word", "label": "of the volume", "fileno": "file number on the volume",
    "orig": "before compression",
    "crc": "CRC-32C and bytes, as the dumper counted them", "priority": "higher goes first",
    "seconds": "expected", "level": "0 is a full dump", "host": "the client", "disk": "of that client",
    "message": "in words, for people", "drive": "where the volume is", "code": "of the message; x explains it",
    "size": "so far, or as expected", "fail": "whether it counts as failed, or as left out", "lines": "of the plan",
    "kps": "KiB a second, expected", "features": "what the client can do, in hexadecimal",
    "name": "who attached", "mode": "operate gives orders, watch only looks", "id": "number of the request",
    "choice": "the answer", "argument": "that the choice wants", "when": "now; otherwise after the dumps under way",
    "number": "of the newest fact in the journal", "delay": "seconds to wait first; -1: the client says nothing",
}
"""What each field is; `OPTIONS` has those of a dump."""

OPTIONS: dict[str, str] = {
    "datestamp": "of this run", "orig": "KiB expected before compression", "estimate": "KiB expected",
    "auth": "how the client is reached", "compress": "where and how it is packed",
    "index": "the names in it are listed", "record": "the next incremental builds on it",
    "use": "KiB that it may write before it asks for more",
}


_IN_THE_CODE = re.compile(r"\s*\(`core\.[\w.]+`\)")
"""Where those who read the code look further; nothing to an operator."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decoded line: its verb, a sentence, and (name, value, note) of each field."""

    verb: str
    meaning: str
    fields: tuple[tuple[str, str, str], ...]


def vocabulary_of(channel: str) -> Vocabulary | None:
    """The language that is spoken on a channel; None when there is none."""
    from core.protocol import dumper, operator, taper  # the first picture does not wait for them

    if channel.startswith("dumper"):
        return dumper.VOCABULARY
    if channel.startswith("taper"):
        return taper.VOCABULARY
    if channel.startswith(("operator", "console")):
        return operator.VOCABULARY
    return None


def explain(line: Line, view: RunView) -> Explanation:
    """What a line says; free text is told to be that."""
    from core.protocol import planner

    channel = line.channel
    raw = line.text.encode("utf-8", "surrogateescape")
    try:
        if channel == "planner":
            message: Any = planner.decode(raw)
        elif (vocabulary := vocabulary_of(channel)) is not None:
            message = vocabulary.decode(raw)
        else:
            return Explanation("", "free text: a word to the log, not a message", ())
    except (BadLine, ValueError) as fault:
        return Explanation("", f"no message of this pipe: {clean(str(fault), 200)}", ())
    verb = getattr(message, "VERB", "PLAN")
    return Explanation(verb, meaning_of(type(message)), tuple(_fields(message, view)))


def meaning_of(kind: type[Any]) -> str:
    """What a message says, in the words of its class."""
    doc = _IN_THE_CODE.sub("", inspect.cleandoc(kind.__doc__ or ""))
    return " ".join(doc.replace("`", "").split())


def _fields(message: Any, view: RunView) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    hints = get_type_hints(type(message))
    for name in message.__dataclass_fields__:
        value = getattr(message, name)
        if name == "VERB" or value is None or value == "":
            continue
        if name == "handle":
            found.append((name, clean(str(value)), handle_note(str(value), view)))
        elif "Kib" in str(hints[name]) or name == "size":
            plain = f"{value} KiB"
            size = show_kib(value) if show_kib(value) != plain else ""
            found.append((name, plain, ": ".join(filter(None, (size, NOTES.get(name, ""))))))
        elif name == "message" and value.startswith("["):
            found += _stats(value)
        elif name == "plan_b":
            found.append(("degraded", f"level {value.level}", f"{show_kib(value.size)} if there is no volume"))
        elif name == "options":
            found += [("option", clean(part, 200), OPTIONS.get(part.partition("=")[0].strip(), ""))
                      for part in value.strip("|;").split(";") if part]
        else:
            found.append((name, clean(str(value)), NOTES.get(name, "")))
    return found


def handle_note(handle: str, view: RunView) -> str:
    """The disk and level that a handle stands for."""
    if write := view.writes.get(handle):
        return clean(f"{write.host}:{write.disk} level {write.level}, dumped {write.datestamp[:8]}")
    if (key := view.handles.get(handle)) and (disk := view.disks.get(key)):
        return clean(f"{disk.title} level {disk.level}")
    return "not known to the journal yet"


def _stats(text: str) -> list[tuple[str, str, str]]:
    try:
        stats = Stats.parse(text)
    except (ValueError, OverflowError):
        return [("message", clean(text), "")]
    found = [("time", f"{stats.seconds:.1f} s", ""), ("size", f"{stats.kib} KiB", show_kib(stats.kib))]
    if stats.orig_kib:
        found.append(("orig", f"{stats.orig_kib} KiB", f"{show_kib(stats.orig_kib)} before compression"))
    if stats.seconds > 0:
        found.append(("rate", f"{show_kib(stats.kib / stats.seconds)}/s", ""))
    found += [(f"{name} CRC", str(crc), note) for name, crc, note in (
        ("native", stats.native, "before compression"), ("client", stats.client, "as the client sent it"),
        ("server", stats.server, "as it was written")) if crc.known]
    return found
