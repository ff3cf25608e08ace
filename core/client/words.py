"""The words of Amanda's amrecover: `setdate`, `cd`, `add`, `list`, `extract` and the others, as one function.

Pure but for what the `World` that is given looks up: a line and a `Standing` in, the next one out, with lines to be read and
what the face has to do itself.  The console's Restore screen and ``taperoom recover`` say these words.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from core.client.recall import amanda_date, as_shown, fitting, place_of
from core.client.standing import Standing, Tree, World, newest_before, newest_now
from core.errors import UsageError
from core.model.units import show_size
from core.report.text import count
from core.restore.asof import NEWEST, parse_as_of, show_stamp, split_level
from core.restore.marks import covered, with_mark, without_mark

_SHOWN = 20
"""So many names are told of at most."""


class Effect(StrEnum):
    """What is left to the face: nothing, the start of a restore, its end, its help, to show the directory, the dates, or what
    was found."""

    NONE = ""
    EXTRACT = "extract"
    QUIT = "quit"
    HELP = "help"
    NAMES = "names"
    DATES = "dates"
    FOUND = "found"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where one stands now, what to read (not cleaned), what else is to be done; ``text`` was searched for."""

    standing: Standing
    lines: tuple[str, ...] = ()
    effect: Effect = Effect.NONE
    text: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """``needs``: nothing, a ``host``, a ``disk``; so many arguments, ``most`` −1: any number."""

    usage: str
    help: str
    do: Callable[[list[str], Standing, World], Outcome]
    needs: str = ""
    least: int = 0
    most: int = 0

    @property
    def name(self) -> str:
        """The word itself."""
        return self.usage.partition(" ")[0]


def obey(line: str, standing: Standing, world: World) -> Outcome:
    """Do what a line says.  UsageError RST050 to RST057, RST010, RST011, RST013 in one sentence; what `World` raises."""
    try:
        said = shlex.split(line)
    except ValueError:
        raise UsageError("RST051", f"a quotation mark in {line.strip()!r} has no second one", "write \\' for the mark itself") \
            from None
    if not said:
        return Outcome(standing)
    name, arguments = said[0].lower(), said[1:]
    if name in ELSEWHERE:
        raise UsageError("RST050", f"{name} is not needed here: {ELSEWHERE[name]}")
    word = WORDS.get(name)
    if word is None:
        raise _unknown(name)
    if len(arguments) < word.least or 0 <= word.most < len(arguments):
        wants = "takes nothing after it" if not word.most else f"is written so: {word.usage}"
        raise UsageError("RST051", f"{word.name} {wants}", _BLANKS if len(arguments) > word.most > 0 else "")
    if word.needs and not standing.host:
        raise UsageError("RST052", f"{word.name} needs a host and a disk first", "write sethost HOST, then setdisk DISK")
    if word.needs == "disk" and not standing.date:
        if standing.disk:
            raise UsageError("RST052", f"{word.name} needs a date first", "write setdate DATE, or setdate now")
        raise UsageError("RST052", f"{word.name} needs a disk first", "write setdisk DISK; listdisk shows what there is")
    try:
        return word.do(arguments, standing, world)
    except UsageError as fault:
        # A name may have been copied from a list, where a backslash begins an escape; to a shell it quotes the letter after it.
        shown = as_shown(line)[1:] if fault.code == "RST054" and "\\" in line else arguments
        if shown == arguments or 0 <= word.most < len(shown):
            raise
        try:
            return word.do(shown, standing, world)
        except UsageError:
            raise fault from None


_BLANKS = "put a name with blanks in it into quotation marks"


def _unknown(name: str) -> UsageError:
    import difflib

    near = difflib.get_close_matches(name, WORDS, 1, 0.6)
    return UsageError("RST050", f"{name!r} is no word here" + (f"; did you mean {near[0]}?" if near else ""),
                      "help lists the words")


def tree_of(standing: Standing, world: World) -> Tree:
    """The disk as it was then."""
    return world.tree(standing.host, standing.disk, standing.date)


# ---- host, disk, date --------------------------------------------------------------------


def _sethost(said: list[str], at: Standing, world: World) -> Outcome:
    mine = [disk for host, disk in world.disks() if host == said[0]]
    if not mine:
        hosts = sorted({host for host, _ in world.disks()})
        raise UsageError("RST011", f"no host {said[0]!r} was ever dumped or is configured",
                         f"there are {', '.join(hosts[:12])}")
    lost = _lost(at)
    if len(mine) == 1:
        return _disk(Standing(said[0], mine[0], target=at.target), world, lost)
    return Outcome(Standing(said[0], target=at.target), (
        f"host {said[0]} has {count(len(mine), 'disk')}: setdisk chooses one of {', '.join(mine[:_SHOWN])}{lost}",))


def _setdisk(said: list[str], at: Standing, world: World) -> Outcome:
    known = world.disks()
    host, disk = (at.host, said[0]) if (at.host, said[0]) in known else next(
        ((h, d) for h, d in known if f"{h}:{d}" == said[0]), ("", ""))
    if not host:
        if at.host:
            mine = [d for h, d in known if h == at.host]
            raise UsageError("RST011", f"host {at.host} has no disk {said[0]!r}", f"it has {', '.join(mine[:12])}")
        if ":" not in said[0]:
            raise UsageError("RST052", "setdisk needs a host first", "write sethost HOST, or setdisk HOST:DISK")
        titles = ", ".join(f"{h}:{d}" for h, d in known[:12])
        raise UsageError("RST011", f"no disk {said[0]!r} was ever dumped or is configured", f"there are {titles}")
    return _disk(Standing(host, disk, target=at.target), world, _lost(at))


def _lost(at: Standing) -> str:
    return f"; what was marked on {at.title} is not any more" if at.marks else ""


def _disk(at: Standing, world: World, lost: str) -> Outcome:
    dates = world.dates(at.host, at.disk)
    if not dates:
        raise UsageError("RST013", f"no dump of {at.title} can be restored", "it may not have been dumped yet: taperoom run")
    newest, said = newest_now(dates, world.now())
    return Outcome(replace(at, date=newest.datestamp), (*filter(None, (said,)),
        f"disk {at.title} as of {show_stamp(newest.datestamp)}, the newest of {count(len(dates), 'dump')}{lost}"))


def _setdate(said: list[str], at: Standing, world: World) -> Outcome:
    if not at.disk:
        raise UsageError("RST052", "setdate needs a disk first", "write sethost HOST, then setdisk DISK")
    text = amanda_date(" ".join(said), world.now())
    warnings: list[str] = []
    stamp = parse_as_of(text, world.now(), warnings.append)
    dates = world.dates(at.host, at.disk)
    found = newest_before(dates, stamp)
    if stamp == NEWEST and dates:
        found, said_of_it = newest_now(dates, world.now())
        warnings += filter(None, (said_of_it,))
    if found is None:
        oldest = f"the oldest that can be restored is of {show_stamp(dates[-1].datestamp)}" if dates else "there is none"
        raise UsageError("RST013", f"{at.title} has no dump as old as {show_stamp(split_level(stamp)[0])}", oldest)
    return Outcome(replace(at, date=found.datestamp), (
        *warnings, f"{at.title} as of {show_stamp(found.datestamp)}, level {found.level}"))


def _listhost(said: list[str], at: Standing, world: World) -> Outcome:
    return Outcome(at, tuple(sorted({host for host, _ in world.disks()})))


def _listdisk(said: list[str], at: Standing, world: World) -> Outcome:
    return Outcome(at, tuple(disk for host, disk in world.disks() if host == at.host))


def _history(said: list[str], at: Standing, world: World) -> Outcome:
    dates = world.dates(at.host, at.disk)
    return Outcome(at, tuple(f"{show_stamp(date.datestamp)}  level {date.level}  {show_size(date.size * 1024):>9}"
                             f"  {', '.join(date.labels) or 'the holding disk'}"
                             f"{'  < here' if date.datestamp == at.date else ''}" for date in dates), Effect.DATES)


# ---- walking -----------------------------------------------------------------------------


def _pwd(said: list[str], at: Standing, world: World) -> Outcome:
    return Outcome(at, (f"/{at.path} of {at.title} as of {show_stamp(at.date)}",))


def _cd(said: list[str], at: Standing, world: World) -> Outcome:
    tree = tree_of(at, world)
    wanted = said[0] if said else "/"
    found = [name for name in fitting(tree, at, wanted) if name.directory]
    if len(found) > 1:
        raise UsageError("RST054", f"{wanted!r} fits {count(len(found), 'directory', 'directories')}", "name one of them")
    if not found:
        raise UsageError("RST054", f"there is no directory {wanted!r} in {place_of(at)}", "ls shows what there is")
    return Outcome(replace(at, path=found[0].path), (f"/{found[0].path}",))


def _ls(said: list[str], at: Standing, world: World) -> Outcome:
    tree, wanted = tree_of(at, world), said[0] if said else "."
    found = fitting(tree, at, wanted)
    if not found:
        raise UsageError("RST054", f"nothing is called {wanted!r} in {place_of(at)}", "ls alone shows what there is")
    shown = tree.names(found[0].path, counted=False) if len(found) == 1 and found[0].directory else found
    lines = tuple(f"{show_stamp(name.datestamp) if name.datestamp else '':19}  {name.name}{'/' if name.directory else ''}"
                  for name in shown)
    return Outcome(at, lines, Effect.NONE if said else Effect.NAMES)


def _find(said: list[str], at: Standing, world: World) -> Outcome:
    text = " ".join(said)
    names = tree_of(at, world).find(text)
    if not names:
        raise UsageError("RST054", f"no name on {at.title} has {text!r} in it", f"it was so on {show_stamp(at.date)}")
    return Outcome(at, tuple(f"/{name.path}{'/' if name.directory else ''}" for name in names), Effect.FOUND, text)


# ---- marking -----------------------------------------------------------------------------


def _add(said: list[str], at: Standing, world: World) -> Outcome:
    return _mark(at, _fit_each(said, at, world, regex=False))


def _addx(said: list[str], at: Standing, world: World) -> Outcome:
    return _mark(at, _fit_each(said, at, world, regex=True))


def _mark(at: Standing, paths: list[str]) -> Outcome:
    marks, fresh, known = at.marks, list[str](), list[str]()
    held = set(marks)
    for path in paths:
        if covered(held, path):
            known.append(path)
        else:
            marks = with_mark(marks, path)
            held = set(marks)
            fresh.append(path)
    return Outcome(replace(at, marks=marks), (*_told("added", fresh), *_told("marked already:", known)))


def _delete(said: list[str], at: Standing, world: World) -> Outcome:
    return _unmark(at, _fit_each(said, at, world, regex=False), world)


def _deletex(said: list[str], at: Standing, world: World) -> Outcome:
    return _unmark(at, _fit_each(said, at, world, regex=True), world)


def _unmark(at: Standing, paths: list[str], world: World) -> Outcome:
    gone, other = list[str](), list[str]()
    for path in paths:
        after = leave_out(at, path, world).standing
        (gone if after != at else other).append(path)
        at = after
    return Outcome(at, (*_told("not marked any more:", gone), *_told("not marked:", other)))


def leave_out(at: Standing, path: str, world: World) -> Outcome:
    """Do not mark a path any more, also one that is marked with a directory above it.  UsageError RST055."""
    tree = tree_of(at, world)
    return Outcome(replace(at, marks=without_mark(
        at.marks, path, lambda directory: [name.path for name in tree.names(directory, counted=False)])))


def _fit_each(said: list[str], at: Standing, world: World, *, regex: bool) -> list[str]:
    """The paths that the arguments name; RST054 for one that names none."""
    tree, found = tree_of(at, world), dict[str, None]()
    for item in said:
        names = fitting(tree, at, item, regex=regex)
        if not names:
            raise UsageError("RST054", f"nothing is called {item!r} in {place_of(at)}",
                             "nothing was done; ls shows what there is, find looks through the whole disk")
        found |= dict.fromkeys(name.path for name in names)
    return list(found)


def _told(what: str, paths: list[str]) -> list[str]:
    shown = [f"{what} /{path}" for path in paths[:_SHOWN]]
    return shown + ([f"and {len(paths) - _SHOWN} more"] if len(paths) > _SHOWN else [])


def _clear(said: list[str], at: Standing, world: World) -> Outcome:
    return Outcome(replace(at, marks=()), ("nothing is marked any more" if at.marks else "nothing was marked",))


def _list(said: list[str], at: Standing, world: World) -> Outcome:
    if not at.marks:
        return Outcome(at, ("nothing is marked: add NAME marks",))
    needs = tree_of(at, world).needs(at.marks)
    size = show_size(needs.bytes) + (f" and {needs.unsized} of unknown size" if needs.unsized else "")
    lines = [f"{count(needs.files, 'file')}, {size}, of {at.title} as of {show_stamp(at.date)}; it is read from"]
    lines += [f"  {need.label} level {need.level} of {show_stamp(need.datestamp)}"
              f"{f', slot {need.slot}' if need.slot else '' if need.here else ', NOT HERE: bring it'}" for need in needs.needs]
    lines += [f"  not there then: /{path}" for path in needs.missing]
    return Outcome(at, (*lines, *(f"/{path}" for path in at.marks)))


# ---- where to, and the rest ----------------------------------------------------------------


def _lcd(said: list[str], at: Standing, world: World) -> Outcome:
    wanted = os.path.expanduser(said[0])
    if not re.match(r"[^/:]+:/", wanted):
        wanted = os.path.normpath(os.path.join(at.target or os.getcwd(), wanted))
    return Outcome(replace(at, target=wanted), (f"files are restored to {wanted}",))


def _lpwd(said: list[str], at: Standing, world: World) -> Outcome:
    return Outcome(at, (f"files are restored to {at.target}" if at.target else "no directory is chosen: lcd DIR chooses one",))


def _extract(said: list[str], at: Standing, world: World) -> Outcome:
    if not at.marks:
        raise UsageError("RST056", "nothing is marked, so there is nothing to extract", "add NAME marks")
    return Outcome(at, (), Effect.EXTRACT)


def _help(said: list[str], at: Standing, world: World) -> Outcome:
    return Outcome(at, tuple(f"{word.usage:22}{word.help}" for word in TABLE), Effect.HELP)


def _quit(said: list[str], at: Standing, world: World) -> Outcome:
    return Outcome(at, (), Effect.QUIT)


TABLE: tuple[Word, ...] = (
    Word("sethost HOST", "the host whose files are wanted", _sethost, "", 1, 1),
    Word("setdisk DISK", "one of its disks, as its newest dump saw it", _setdisk, "", 1, 1),
    Word("setdate DATE", "the disk as it was then: 2026-01-31, yesterday 14:00, --01-31", _setdate, "host", 1, -1),
    Word("listhost", "the hosts that there are", _listhost),
    Word("listdisk", "the disks of this host", _listdisk, "host"),
    Word("history", "the dumps of this disk: dates, levels, volumes", _history, "disk"),
    Word("pwd", "where one is", _pwd, "disk"),
    Word("cd DIR", "into a directory; from the disk's top with a slash before it", _cd, "disk", 0, 1),
    Word("ls [NAME]", "what is in this directory, or in another", _ls, "disk", 0, 1),
    Word("find TEXT", "all names on this disk that have this text", _find, "disk", 1, -1),
    Word("add NAME ...", "mark names, with all below them; * and ? fit any letters", _add, "disk", 1, -1),
    Word("addx REGEX ...", "the same with regular expressions for names in this directory", _addx, "disk", 1, -1),
    Word("delete NAME ...", "do not mark them any more", _delete, "disk", 1, -1),
    Word("deletex REGEX ...", "the same with regular expressions", _deletex, "disk", 1, -1),
    Word("list", "what is marked, and the volumes that it needs", _list, "disk"),
    Word("clear", "mark nothing any more", _clear),
    Word("lcd DIR", "the directory to restore to", _lcd, "", 1, 1),
    Word("lpwd", "which one that is", _lpwd),
    Word("extract", "restore what is marked: first what it takes, then it asks", _extract, "disk"),
    Word("help", "these words", _help),
    Word("quit", "leave", _quit),
)
WORDS: dict[str, Word] = {**{word.name: word for word in TABLE}, "exit": TABLE[-1], "?": TABLE[-2]}

_CHANGER = "the volumes are found by the changers of the configuration"
_OWN = "every dump is restored by the program that made it"
ELSEWHERE: dict[str, str] = {
    "settape": _CHANGER, "setdevice": _CHANGER, "storage": "the copy that is nearest is taken",
    "setmode": _OWN, "mode": _OWN,
    "setproperty": "a restore has no properties", "listproperty": "a restore has no properties",
    "settranslate": "names are shown as they are, what is no letter as an escape",
    "setconfig": "name another one when you start: taperoom --config FILE", "listconfig": "taperoom --config FILE names one",
    "cdx": "cd takes * and ?", "strict": "it is always exact",
}
"""Words of amrecover that there is nothing to do for, and why."""


def is_word(line: str) -> bool:
    """Whether a line begins with one of the words."""
    first = line.split(maxsplit=1)[:1]
    return bool(first) and (first[0].lower() in WORDS or first[0].lower() in ELSEWHERE)


def names_of_words() -> Iterable[str]:
    """All words, for completion."""
    return (word.name for word in TABLE)
