"""Our client's way to dump, for a stock Amanda 3.5.1 client: a program with Amanda's Application API.

Put into Amanda's application directory under the name ``amtaperoom``, it is the ``plugin`` of an application definition.
Promises what the service sendbackup promises of its dumps: all levels estimated in one walk, incremental state that changes
only for a good dump, one clear sentence for each fault.  It takes no properties: what it runs is settled on the client.

    amtaperoom support|selfcheck|estimate|backup|restore|index [--OPTION VALUE …]
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from clientd.programs.contract import Task
from clientd.programs.gnutar import GnuTar
from clientd.services.sendbackup import run_dump
from clientd.settings import read_settings
from clientd.streams import DescriptorStreams
from core.errors import TaperoomError, UsageError, WorldError
from core.model.dump import MAX_LEVEL
from core.wire.dle_xml import Choice, Dle
from core.wire.features import STREAM_STATE, Features
from core.wire.requests import Request
from core.wire.tar_index import TarIndexer
from core.wire.tar_quoting import index_path
from core.wire.words import clean

NAME = "amtaperoom"
USAGE = f"usage: {NAME} support|selfcheck|estimate|backup|restore|index [--OPTION VALUE ...]"
SUPPORT = {
    "CONFIG": "YES", "HOST": "YES", "DISK": "YES", "MAX-LEVEL": str(MAX_LEVEL), "INDEX-LINE": "YES", "INDEX-XML": "NO",
    "MESSAGE-LINE": "YES", "MESSAGE-XML": "NO", "RECORD": "YES", "INCLUDE-FILE": "YES", "INCLUDE-LIST": "YES",
    "INCLUDE-OPTIONAL": "YES", "EXCLUDE-FILE": "YES", "EXCLUDE-LIST": "YES", "EXCLUDE-OPTIONAL": "YES", "COLLECTION": "NO",
    "MULTI-ESTIMATE": "YES", "CALCSIZE": "NO", "CLIENT-ESTIMATE": "YES", "STATE-STREAM": "YES", "TIMESTAMP": "YES",
    "AMFEATURES": "YES",
}
_FLAGS = ("record", "calcsize", "collection")
_VALUES = frozenset({
    "message", "config", "timestamp", "host", "disk", "device", "level", "index", "state-stream", "amfeatures", "target",
    "dar", "recover-dump-state-file", "include-file", "include-list", "include-optional", "exclude-file", "exclude-list",
    "exclude-optional",
})
_DATA, _MESG, _INDEX = 1, 3, 4
_READ = 128 * 1024


@dataclass(slots=True)
class Words:
    """A call's options, each with its values in order, and its operands."""

    options: dict[str, list[str]] = field(default_factory=dict)
    operands: list[str] = field(default_factory=list)

    def one(self, name: str, otherwise: str = "") -> str:
        """The last value of an option."""
        return self.options.get(name, [otherwise])[-1]

    def all(self, name: str) -> tuple[str, ...]:
        """All values of an option."""
        return tuple(self.options.get(name, ()))


def read_words(arguments: Sequence[str]) -> Words:
    """Options and operands of a command.  UsageError CLT025 for an option that is not known here."""
    words, left = Words(), list(arguments)
    while left:
        word = left.pop(0)
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--"):
            words.operands.append(word)
        elif name in _FLAGS:
            words.options.setdefault(name, []).append("yes")
        elif name in _VALUES and (equals or left):
            words.options.setdefault(name, []).append(value if equals else left.pop(0))
        else:
            raise UsageError("CLT025", f"{NAME} knows no property or option {clean(word, 100)!r}, or it lacks its value")
    return words


def task_of(words: Words) -> Task:
    """The disk that a call speaks of."""
    levels = tuple(int(level) for level in words.all("level") if level.isascii() and level.isdecimal() and len(level) < 4)
    device = words.one("device") or words.one("disk")

    def choice(kind: str) -> Choice:
        return Choice(words.all(f"{kind}-file"), words.all(f"{kind}-list"), words.one(f"{kind}-optional").lower() == "yes")

    dle = Dle("GNUTAR", words.one("disk") or device, device, levels or (0,), record="record" in words.options,
              index="index" in words.options, exclude=choice("exclude"), include=choice("include"))
    return Task(dle, words.one("host"), read_settings())


def support(words: Words) -> int:
    """What we understand."""
    print("".join(f"{word} {value}\n" for word, value in SUPPORT.items()), end="")
    return 0


def selfcheck(words: Words) -> int:
    """Whether the disk could be dumped."""
    for well, text in GnuTar().check(task_of(words)):
        print(f"{'OK' if well else 'ERROR'} {clean(text)}")
    return 0


def estimate(words: Words) -> int:
    """A line for each level: its number, KiB, 1."""
    task = task_of(words)
    for level, kib in GnuTar().estimate(task, task.dle.levels).items():
        print(f"{level} {kib} 1")
    return 0


def backup(words: Words) -> int:
    """The archive on stdout, messages on descriptor 3, index on 4."""
    task, places = task_of(words), {"DATA": _DATA, "MESG": _MESG, "INDEX": _INDEX}
    if state := words.one("state-stream"):
        places["STATE"] = int(state) if state.isascii() and state.isdecimal() and len(state) < 5 else -1
    streams = DescriptorStreams(places)
    streams.open([name for name in places if name != "INDEX" or task.dle.index])
    features = Features(frozenset({STREAM_STATE} if state else ()))

    def mesg(*lines: str) -> None:
        streams.write("MESG", "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))

    dump = None
    try:
        dump = GnuTar().prepare(task, task.dle.levels[0])
        run_dump(Request("sendbackup", features, task.host, dles=(task.dle,)), task.dle, dump, streams, mesg)
        dump.commit()
    except WorldError as fault:
        mesg(f"sendbackup: error [{fault.code} {fault.message}]")
        return 1
    finally:
        if dump is not None:
            dump.discard()
    return 0


def restore(words: Words) -> int:
    """Extract the archive on stdin: all of it as an incremental, or the names that are given and what is below them."""
    tar = read_settings().tar
    if not tar:
        raise WorldError("CLT023", "there is no tar on this client")
    names = [name if name.startswith("./") or name == "." else f"./{name.lstrip('/')}" for name in words.operands]
    how = ["--extract", "--preserve-permissions", "--file", "-", "--directory", words.one("target") or "."]
    whole = not names or "." in names or "./" in names
    try:
        os.execv(tar, [tar, *how, *(["--incremental"] if whole else ["--", *names])])
    except OSError as fault:
        raise WorldError("CLT023", f"{tar} cannot be run: {fault.strerror}") from None


def index(words: Words) -> int:
    """The names in the archive on stdin."""
    out = sys.stdout.buffer

    def member(offset: int, name: bytes, size: int, mtime: int, kind: bytes) -> None:
        out.write(index_path(name) + b"\n")

    indexer = TarIndexer(member)
    while data := sys.stdin.buffer.read(_READ):
        indexer.feed(memoryview(data))
    out.flush()
    return 0


COMMANDS: dict[str, Callable[[Words], int]] = {
    "support": support, "selfcheck": selfcheck, "estimate": estimate, "backup": backup, "restore": restore, "index": index,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    command = COMMANDS.get(words[0]) if words else None
    if command is None:
        print(USAGE, file=sys.stderr)
        return 2
    try:
        return command(read_words(words[1:]))
    except TaperoomError as fault:
        print(f"ERROR {fault.code} {fault.message}", file=sys.stdout if words[0] in ("selfcheck", "estimate") else sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
