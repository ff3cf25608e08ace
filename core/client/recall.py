"""Names, patterns and dates as people type them after one of the words, and how a half-typed line may go on.  Pure.

A path is meant from the directory one is in, or with a slash before it from the disk's top; who writes the disk's own name
before it, as amrecover's users do, is understood, too.
"""

from __future__ import annotations

import fnmatch
import re
import shlex
import time
from collections.abc import Callable, Iterable

from core.client.browse import Name
from core.client.standing import Standing, Tree, World
from core.errors import TaperoomError, UsageError
from core.report.text import clean
from core.restore.spelled import first_named

_WILD = re.compile(r"[*?\[]")
_AMANDA = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)(?:-(\d\d?)-(\d\d?)(?:-(\d\d?))?)?", re.ASCII)
_THIS_YEAR = re.compile(r"--(\d\d?)-(\d\d?)", re.ASCII)
_THIS_MONTH = re.compile(r"---(\d\d?)", re.ASCII)
_DISKS, _PATHS = frozenset({"setdisk"}), frozenset({"cd", "ls", "add", "delete"})


def place_of(at: Standing) -> str:
    """The directory one is in, for messages."""
    return f"/{at.path} of {at.title}"


def amanda_date(text: str, now: float) -> str:
    """``2026-01-31-03-15``, ``--01-31`` (of this year) and ``---31`` (of this month) as other dates are written; any other text
    as it is."""
    words = text.strip()
    year, month = time.strftime("%Y %m", time.localtime(now)).split()
    if found := _THIS_MONTH.fullmatch(words):
        return f"{year}-{month}-{int(found[1]):02d}"
    if found := _THIS_YEAR.fullmatch(words):
        return f"{year}-{int(found[1]):02d}-{int(found[2]):02d}"
    if found := _AMANDA.fullmatch(words):
        day = f"{found[1]}-{int(found[2]):02d}-{int(found[3]):02d}"
        clock = f" {int(found[4]):02d}:{int(found[5]):02d}" if found[4] else ""
        return day + clock + (f":{int(found[6]):02d}" if found[6] else "")
    return text


def as_shown(line: str) -> list[str]:
    """The words of a line in which a backslash is a letter like any other, as in names that were copied from a list."""
    words = shlex.shlex(line, posix=True, punctuation_chars=False)
    words.whitespace_split, words.commenters, words.escape = True, "", ""
    try:
        return list(words)
    except ValueError:
        return []


def fitting(tree: Tree, at: Standing, item: str, *, regex: bool = False) -> list[Name]:
    """What ``item`` names on a disk, in the order of names; each part of it may be a pattern of the shell.

    ``regex``: it is a regular expression for whole names in the directory one is in.  UsageError RST057 when it is none.
    """
    if regex:
        try:
            fits = re.compile(item)
        except re.error as fault:
            raise UsageError("RST057", f"{item!r} is no regular expression: {fault.msg}",
                             r"write \ before a sign that is meant") from None
        return [name for name in _listed(tree, at.path) if fits.fullmatch(name.name)]
    start = "" if item.startswith("/") else at.path
    found = _walk(tree, start, item.split("/"))
    disk = at.disk.strip("/")
    if not found and disk and item.startswith(f"/{disk}") and item[len(disk) + 1:len(disk) + 2] in ("", "/"):
        found = _walk(tree, "", item[len(disk) + 1:].split("/"))
    return found


def _walk(tree: Tree, start: str, parts: list[str]) -> list[Name]:
    """Each part may fit several names; ``..`` never leads above the disk's top."""
    here: list[Name] = [_directory(start)]
    for part in parts:
        if part in ("", "."):
            continue
        if part == "..":
            above = dict.fromkeys(name.path.rpartition("/")[0] for name in here if name.directory)
            here = [_directory(path) for path in above]
            continue
        here = [below for name in here if name.directory for below in _below(tree, name.path, part)]
    return here


def _directory(path: str) -> Name:
    return Name(path, True, "", -1, -1)


def _below(tree: Tree, path: str, part: str) -> list[Name]:
    names = _listed(tree, path)

    def look(said: str) -> list[Name]:
        exact = [name for name in names if name.name == said]
        if exact or not _WILD.search(said):
            return exact
        fits: Callable[[str], object] = re.compile(fnmatch.translate(said)).match
        return [name for name in names if fits(name.name)]

    return first_named(part, look)


def _listed(tree: Tree, path: str) -> list[Name]:
    return sorted(tree.names(path, counted=False), key=lambda name: name.path)


# ---- completion --------------------------------------------------------------------------


def completions(line: str, at: Standing, world: World, words: Iterable[str]) -> list[str]:
    """Whole lines that ``line`` may become with its last word complete; never raises a TaperoomError."""
    head, last = _split(line)
    try:
        if not head:
            return [word for word in words if word.startswith(last.lower())]
        ends = _ends(head.split()[0].lower(), last, at, world)
    except TaperoomError:
        return []
    return [head + _quoted(end) for end in ends]


def _split(line: str) -> tuple[str, str]:
    """All before the word that is being typed, and that word without its quotation marks."""
    line = line.lstrip()
    if not line or line[-1].isspace():
        return line, ""
    for at in range(len(line)):
        if at and not line[at - 1].isspace():
            continue
        try:
            rest = shlex.split(line[at:] + ("" if line[at] not in "'\"" else line[at]))
        except ValueError:
            continue
        if len(rest) == 1:
            return line[:at], rest[0]
    return line, ""


def _ends(word: str, last: str, at: Standing, world: World) -> list[str]:
    if word == "sethost":
        return sorted({host for host, _ in world.disks() if host.startswith(last)})
    if word in _DISKS:
        known = world.disks()
        mine = [disk for host, disk in known if host == at.host and disk.startswith(last)]
        return mine or [f"{host}:{disk}" for host, disk in known if f"{host}:{disk}".startswith(last)]
    if word == "setdate" and at.disk:
        days = dict.fromkeys(_day(date.datestamp) for date in world.dates(at.host, at.disk))
        return [day for day in days if day.startswith(last)]
    if word in _PATHS and at.date:
        return _paths(last, at, world, only_directories=word == "cd")
    return []


def _day(datestamp: str) -> str:
    return f"{datestamp[:4]}-{datestamp[4:6]}-{datestamp[6:8]}"


def _paths(last: str, at: Standing, world: World, *, only_directories: bool) -> list[str]:
    directory, slash, begun = last.rpartition("/")
    if _WILD.search(directory):
        return []
    tree = world.tree(at.host, at.disk, at.date)
    inside = fitting(tree, at, directory + slash or ".")
    if len(inside) != 1 or not inside[0].directory:
        return []
    return [f"{directory}{slash}{clean(name.name)}{'/' if name.directory else ''}" for name in _listed(tree, inside[0].path)
            if clean(name.name).startswith(begun) and (name.directory or not only_directories)]


def _quoted(text: str) -> str:
    return text if re.fullmatch(r"[\w@%+=:,./~-]*", text) else shlex.quote(text)
