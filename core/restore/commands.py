"""Shell commands that bring a dump back with nothing but dd, tar and what packed it.  Pure: names in, text out.

Deletions: an incremental of GNU tar begins each directory with the list of what was in it, and tar, told to read
incrementals, deletes there what is not on the list; ``--listed-incremental=/dev/null`` tells it so and keeps no state.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.holding.header import HEADER_KIB, Header

_INCREMENTAL = "--listed-incremental=/dev/null"
_KEPT = "--xattrs --xattrs-include='*' --acls"
"""What an archive may have besides; tar leaves it out unless it is told."""
_TOP = "."
_REMOVE = "tar -cf /dev/null --remove-files"
"""Tar is there in any case, and what it reads into nothing it need not even read."""
_ASIDE = "./.taperoom-moved"
_AT_ONCE = 200
"""Names that go onto one command line."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file that dd reads: ``name`` in ``directory``, which is the volume ``label``'s, or the holding disk's without one."""

    name: str
    directory: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One dump to be read: ``title`` for people, its header, its files in order, the member that is wanted (``""``: all),
    and whether it is extracted with what it says about deletions.  ``also``: members that have to come with it; the
    rest is what has to be done before it, see `core.restore.giveway.Way`."""

    title: str
    header: Header
    sources: tuple[Source, ...]
    member: str = ""
    incremental: bool = True
    also: tuple[str, ...] = ()
    away: tuple[str, ...] = ()
    moves: tuple[tuple[str, str], ...] = ()
    gone: tuple[str, ...] = ()


@dataclass(slots=True)
class Variables:
    """Shell variables for the directories of volumes, so that a volume that stands elsewhere is changed in one place."""

    names: dict[tuple[str, str], str] = field(default_factory=dict)

    def path(self, source: Source) -> str:
        """The word for a file."""
        if not source.label:
            return shlex.quote(f"{source.directory}/{source.name}")
        name = self.names.setdefault((source.label, source.directory), f"V{len(self.names) + 1}")
        return f'"${name}"/{shlex.quote(source.name)}'

    def lines(self) -> list[str]:
        """What sets them."""
        return [f"{name}={shlex.quote(directory)}  # volume {label}" for (label, directory), name in self.names.items()]


def command_of(step: Step, variables: Variables | None = None) -> str:
    """The pipe that extracts a dump into the current directory; with ``variables`` its volumes go by their names."""
    words = [variables.path(source) if variables is not None else shlex.quote(f"{source.directory}/{source.name}")
             for source in step.sources]
    reads = [f"dd if={word} bs={HEADER_KIB}k skip=1 status=none" for word in words]
    read = reads[0] if len(reads) == 1 else "(" + "; ".join(reads) + ")"
    names = _members([step.member, *step.also] if step.member else [])
    tar = f"tar -xp {_KEPT} {_INCREMENTAL} -f - {names}" if step.incremental else f"tar -xp {_KEPT} -f - {names}"
    pipe = " | ".join([read, *unpacking(step.header), tar])
    return " && ".join([*_before(step), pipe])


def _before(step: Step) -> list[str]:
    """What clears the way for a level."""
    found = []
    if step.moves:
        found.append(f"mkdir {_ASIDE}")
        found += [f"mv {shlex.quote('./' + old)} {_ASIDE}/{number}" for number, (old, _) in enumerate(step.moves, 1)]
    if step.away:
        found.append(f"{_REMOVE} {_members(step.away)}")
    by_depth = sorted(enumerate(step.moves, 1), key=lambda one: one[1][1].count("/"))
    for number, (_, new) in by_depth:
        if parent := new.rpartition("/")[0]:
            found.append(f"mkdir -p {shlex.quote('./' + parent)}")
        found.append(f"mv {_ASIDE}/{number} {shlex.quote('./' + new)}")
    if step.moves:
        found.append(f"{_REMOVE} {_ASIDE}")
    return found + [f"{_REMOVE} {_members(step.gone[at:at + _AT_ONCE])}" for at in range(0, len(step.gone), _AT_ONCE)]


def _members(paths: Sequence[str]) -> str:
    words = [shlex.quote("./" + path) for path in paths] or [_TOP]
    if any("\\" in path for path in paths):
        words.insert(0, "--no-unquote")  # tar takes a backslash and an n for a newline, also in a name of its command line
    return " ".join(words)


def script(head: Sequence[str], steps: Sequence[Step]) -> list[str]:
    """Lines that sh runs: ``head`` as remarks, where the volumes are, then a remark and a command for each dump."""
    variables = Variables()
    body = []
    for number, step in enumerate(steps, 1):
        files = f"{len(step.sources)} files" if len(step.sources) > 1 else "1 file"
        body.append(_remark(f"{number}. {step.title}, {files}"))
        if by := step.header.encrypted_by:
            body.append(_remark(f"   It is encrypted: this needs {by} and its key, which no volume has."))
        if step.moves:
            body.append(_remark("   Tar cannot repeat how directories were renamed: mv does, and what was deleted is removed."))
        elif step.away:
            body.append(_remark("   First goes what was deleted since and stands where tar renames a directory to."))
        body.append(command_of(step, variables))
    return [*(_remark(line) for line in head), *variables.lines(), *body]


def _remark(text: str) -> str:
    return "# " + "".join(char if char.isprintable() else "?" for char in text)


def unpacking(header: Header) -> list[str]:
    """The commands that undo encryption and compression, in order."""
    return [*_decrypting(header), *_uncompressing(header)]


def _decrypting(header: Header) -> list[str]:
    filters, program = header.filters, header.encrypted_by
    if not program:
        return []
    if program.rpartition("/")[2] == "age":
        return ['age -d -i "$AGE_KEY"']
    option = filters.client_decrypt_option or filters.server_decrypt_option or "-d"
    return [header.decrypt or f"{shlex.quote(program)} {option}"]


def _uncompressing(header: Header) -> list[str]:
    filters = header.filters
    program = filters.server_compress or filters.client_compress
    match header.comp:
        case "N" | "":
            return []
        case ".gz" | ".Z":
            return ["gzip -dc"]
        case _ if program.rpartition("/")[2] == "zstd" or (not program and header.comp in (".zst", "zstd")):
            return ["zstd -dc"]
        case _:
            return [header.uncompress or f"{shlex.quote(program)} -d"]


def needs(steps: Sequence[Step]) -> list[str]:
    """The programs that the commands use, for a sentence."""
    found = {"dd", "tar"}
    for step in steps:
        found |= {"mkdir", "mv"} if step.moves else set()
        found |= {re.split(r"[ /]", command.split(" ")[0])[-1].strip("'") for command in unpacking(step.header)}
    return sorted(found)
