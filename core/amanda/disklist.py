"""A disklist with its includes: which disks there are, with their dumptypes, inline ones too (server-src/diskfile.c).

``host disk [device] dumptype [spindle [interface]]``; in the place of the dumptype ``{``, then a dumptype's lines, then ``}``.
All faults are found in one go, each with file and line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from core.amanda.conf import Block, Conf, read_body
from core.errors import UsageError
from core.model.quoting import unquote
from core.model.units import sanitise

_COMMENT = re.compile(r'((?:"(?:[^"\\]|\\.)*"|[^"#])*)#.*')
_WORD = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\s"])+')
_SPINDLE = re.compile(r"-?\d{1,9}", re.ASCII)
_MOST_FILES = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """One disk.  ``dumptype`` has all its settings; its name is empty for an inline
    one.  ``device`` is empty where it is the disk's name; ``interface`` where it is the default one."""

    host: str
    disk: str
    device: str
    dumptype: Block
    spindle: int
    interface: str
    file: str
    line: int
    body: str = ""
    """the lines between the braces of an inline dumptype"""

    @property
    def title(self) -> str:
        """``HOST:DISK``."""
        return f"{self.host}:{self.disk}"


def read_disklist(file: str, conf: Conf, read: Callable[[str], str]) -> tuple[Entry, ...]:
    """The disks of ``file``; ``read`` gives the text of a file by its name.

    UsageError CFG011 has every fault with file and line.
    """
    reader = _Reader(conf, read)
    reader.file(file, file, 1, ())
    if reader.faults:
        count = "1 fault" if len(reader.faults) == 1 else f"{len(reader.faults)} faults"
        raise UsageError("CFG011", f"{file} has {count}:\n" + "\n".join(reader.faults), "nothing was taken from it")
    return tuple(reader.found)


def _words(line: str) -> list[str]:
    """The words of a line with their quotes, without its comment."""
    comment = _COMMENT.fullmatch(line)
    return _WORD.findall(comment[1] if comment else line)


class _Reader:
    def __init__(self, conf: Conf, read: Callable[[str], str]) -> None:
        self._conf, self._read = conf, read
        self.found: list[Entry] = []
        self.faults: list[str] = []
        self._files = 0
        self._hosts: dict[str, str] = {}
        self._stems: dict[str, Entry] = {}

    def file(self, name: str, by: str, at: int, within: tuple[str, ...]) -> None:
        """Read one file; ``by`` and ``at``: who includes it; ``within``: all files that are being read."""
        self._files += 1
        if name in within or self._files > _MOST_FILES:
            self._fault(by, at, f"{name} includes itself" if name in within else f"{name} would be file {self._files}")
            return
        try:
            text = self._read(name)
        except OSError as fault:
            self._fault(by, at, f"{name} cannot be read: {fault.strerror or fault}")
            return
        lines = text.split("\n")
        number = 0
        while number < len(lines):
            number += 1
            words = _words(lines[number - 1])
            if not words:
                continue
            if words[0].lower() == "includefile":
                if len(words) == 2:
                    self.file(unquote(words[1]), name, number, (*within, name))
                else:
                    self._fault(name, number, 'wanted is: includefile "FILE"')
                continue
            number = self._entry(words, lines, name, number)

    def _entry(self, words: list[str], lines: list[str], name: str, number: int) -> int:
        """One disk that begins in line ``number``; the last line that it takes."""
        if lines[number - 1].count('"') % 2 and not lines[number - 1].count('\\"'):
            self._fault(name, number, "a text has no closing quote")
            return number
        host = words[0]
        if len(words) < 2:
            self._fault(name, number, f"the disk of {host} is missing")
            return number
        disk, rest = unquote(words[1]), words[2:]
        if not disk:
            self._fault(name, number, "the disk's name is empty")
        device = ""
        if len(rest) > 1 and rest[0] != "{" and self._conf.block("dumptype", unquote(rest[0])) is None:
            device, rest = unquote(rest[0]), rest[1:]
        if not rest:
            self._fault(name, number, f"the dumptype of {host}:{disk} is missing")
            return number
        begun, body = number, ""
        if rest[0].startswith("{"):
            dumptype, rest, number = self._inline(f"{host}:{disk}", rest, lines, name, number)
            body = "\n".join(lines[begun:number - 1])
        else:
            wanted = unquote(rest[0])
            known = self._conf.block("dumptype", wanted)
            if known is None:
                self._fault(name, number, f"{wanted} is no dumptype that is defined")
            dumptype, rest = known, rest[1:]
        if dumptype is not None:
            self._add(Entry(host, disk, device, dumptype, -1, "", name, begun, body), rest)
        return number

    def _inline(
        self, title: str, rest: list[str], lines: list[str], name: str, number: int
    ) -> tuple[Block | None, list[str], int]:
        """The dumptype between braces, what comes after them, and the line of the closing one."""
        if rest != ["{"]:
            self._fault(name, number, f"what follows '{{' of {title} needs a line of its own")
        body: list[str] = []
        inner = False
        for at in range(number, len(lines)):
            words = _words(lines[at])
            if words and words[0].startswith("}") and inner:
                inner = False
            elif words and words[-1] == "{" and len(words) > 1:
                inner = True
            elif words and words[0].startswith("}"):
                block, faults = read_body(self._conf, Block("dumptype", "", name, number), "\n".join(body), name, number + 1)
                self.faults += faults
                first = words[0][1:]
                return (block, [*([first] if first else []), *words[1:]], at + 1)
            body.append(lines[at])
        self._fault(name, number, f"the dumptype of {title} has no closing '}}'")
        return None, [], len(lines)

    def _add(self, entry: Entry, rest: list[str]) -> None:
        """Take a disk in; ``rest`` are its spindle and its interface."""
        host, disk, name, line = entry.host, entry.disk, entry.file, entry.line
        if rest and _SPINDLE.fullmatch(rest[0]) is None:
            self._fault(name, line, f"{rest[0]} is no spindle; wanted is a whole number")
            return
        interface = unquote(rest[1]) if len(rest) > 1 else ""
        if interface and interface.lower() != "default" and self._conf.block("interface", interface) is None:
            self._fault(name, line, f"{interface} is no interface that is defined")
        if len(rest) > 2:
            self._fault(name, line, f"{rest[2]} is one word too many")
        entry = replace(entry, spindle=int(rest[0]) if rest else -1,
                        interface="" if interface.lower() == "default" else interface)
        known = self._hosts.setdefault(host.lower(), host)
        if known != host:
            self._fault(name, line, f"{host} is written {known} elsewhere")
        other = self._stems.setdefault(f"{sanitise(host)}\0{sanitise(disk)}", entry)
        if other is not entry:
            what = "is there already" if other.disk == disk else f"and {other.title} would have the same file names; it is"
            self._fault(name, line, f"{entry.title} {what}, at {other.file}:{other.line}")
        self._programs(entry)
        self.found.append(entry)

    def _programs(self, entry: Entry) -> None:
        program, application = entry.dumptype.get("program"), entry.dumptype.get("application")
        if program == "APPLICATION" and not application:
            self._fault(entry.file, entry.line, f"{entry.title}: program is APPLICATION, and no application is set")
        elif program and program != "APPLICATION" and application:
            self._fault(entry.file, entry.line, f"{entry.title}: its dumptype sets both program and application")

    def _fault(self, file: str, line: int, text: str) -> None:
        self.faults.append(f"{file}:{line}: {text}")
