"""The command_file: what Amanda still means to do (server-src/cmdfile.c): flush a dump, copy it, keep it for a restore."""

from __future__ import annotations

from dataclasses import dataclass

from core.model.quoting import split_lenient


@dataclass(frozen=True, slots=True)
class Command:
    """One order that is not done yet.  ``kind`` FLUSH, COPY or RESTORE; ``file`` is a FLUSH's holding file; ``target`` the
    storage that a FLUSH or COPY writes to.  The level of a FLUSH is not to be trusted: Amanda leaves it 0."""

    number: int
    kind: str
    config: str
    host: str
    disk: str
    datestamp: str
    level: int
    file: str = ""
    target: str = ""


def parse_commands(text: str) -> tuple[Command, ...]:
    """The orders of a command_file; none in an empty one.  ValueError ``LINE: what is wrong``."""
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        return ()
    if lines[0][1].split() != ["VERSION", "1"]:
        raise ValueError(f"{lines[0][0]}: wanted is VERSION 1")
    found = []
    for number, line in lines[1:]:
        words = split_lenient(line)
        if words[0] == "ID":
            continue
        try:
            command = _command(words)
        except (ValueError, IndexError):
            raise ValueError(f"{number}: {line[:80]!r} is no command") from None
        if command is not None:
            found.append(command)
    return tuple(found)


def _command(words: list[str]) -> Command | None:
    number, kind, config = int(words[0]), words[1], words[2]
    if words[-1] == "DONE":
        return None
    match kind:
        case "FLUSH":
            file, host, disk, stamp, level, target = words[3:9]
            return Command(number, kind, config, host, disk, stamp, int(level), file, target)
        case "COPY":
            host, disk, stamp, level, target = words[9:14]
            return Command(number, kind, config, host, disk, stamp, int(level), "", target)
        case "RESTORE":
            host, disk, stamp, level = words[8:12]
            return Command(number, kind, config, host, disk, stamp, int(level))
        case _:
            raise ValueError(kind)
