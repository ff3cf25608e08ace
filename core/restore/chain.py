"""Which dumps, in which order, give a disk as it was at a moment.  Pure.

The newest dump at that moment, the last one before it at a lower level, and so on down to a full: what GNU tar's
snapshots, and so Amanda's levels, are built on.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.catalogue.protect import base_of
from core.catalogue.queries import Dump, DumpKey
from core.errors import UsageError, WorldError
from core.model.units import datestamp_of, latest_stamp
from core.restore.asof import NEWEST, show_stamp, split_level

SHOWN = 12
"""At most so many dates in a message."""


def chain_of(good: Sequence[Dump], dump: Dump) -> tuple[Dump, ...]:
    """``dump`` with all that it stands on, the full first.  ``good`` are the disk's dumps, oldest first."""
    by_key = {found.key: found for found in good}
    bases = base_of(good)
    keys: list[DumpKey] = [dump.key]
    while (below := bases.get(keys[-1])) is not None:
        keys.append(below)
    return tuple(by_key[key] for key in reversed(keys))


def is_whole(chain: Sequence[Dump]) -> bool:
    """Whether it begins with a full and everything is still held."""
    return chain[0].level == 0 and all(dump.held for dump in chain)


def restorable(good: Sequence[Dump]) -> list[Dump]:
    """The dumps whose whole chain is still there, oldest first."""
    return [dump for dump in good if is_whole(chain_of(good, dump))]


def choose(title: str, good: Sequence[Dump], as_of: str, now: float) -> tuple[tuple[Dump, ...], list[str]]:
    """The chain that gives the disk ``title`` as of what `parse_as_of` gave, and warnings.

    For `NEWEST` a dump that cannot be restored any more is passed over with a warning, and so is one that is dated later
    than the clock ``now``, as long as there is another; a date that was asked for is answered exactly or not at all.
    UsageError RST013 when nothing is that old, WorldError RST014 when what was dumped is not held any more; both say which
    dates there are.
    """
    if not good:
        raise UsageError("RST013", f"{title} was never dumped",
                         "it has no dates yet: taperoom run makes one; if it was dumped, what was known of it is lost:"
                         " 'taperoom catalogue rebuild --from-volumes' reads it from the volumes")
    stamp, level = split_level(as_of)
    before: Sequence[Dump] = [dump for dump in good if dump.datestamp <= stamp and level in (-1, dump.level)]
    can = restorable(good)
    if not before:
        old = "" if stamp == NEWEST else f" as old as {show_stamp(stamp)}"
        raise UsageError("RST013", f"{title} has no dump{'' if level < 0 else f' of level {level}'}{old}", show_dates(can))
    chain, warnings = chain_of(good, before[-1]), list[str]()
    if stamp == NEWEST:
        before, warnings = _of_now(title, before, can, now)
        chain = chain_of(good, before[-1])
    if not is_whole(chain):
        keys = {dump.key for dump in before}
        others = [dump for dump in can if dump.key in keys]
        if stamp != NEWEST or not others:
            raise WorldError("RST014", f"{title}: {_lost(chain)}", show_dates(can))
        warnings.append(f"RST014 {title}: {_lost(chain)}; this is the state of {show_stamp(others[-1].datestamp)}")
        chain = chain_of(good, others[-1])
    return chain, [*warnings, *twins(title, chain, can, level >= 0)]


def _of_now(title: str, before: Sequence[Dump], can: Sequence[Dump], now: float) -> tuple[Sequence[Dump], list[str]]:
    """Those of ``before`` that a clock that is right can have made, if any of them can be restored; all of them else."""
    latest = latest_stamp(now)
    ahead = [dump for dump in before if dump.datestamp > latest]
    if not any(dump in can for dump in ahead):
        kept = [dump for dump in before if dump not in ahead]
        return kept or before, []
    newest = show_stamp(ahead[-1].datestamp)
    many = "1 dump is" if len(ahead) == 1 else f"{len(ahead)} dumps are"
    told = (f"RST028 {title}: {many} dated later than this machine's clock ({show_stamp(datestamp_of(now))}), the newest"
            f" {newest}: the clock was wrong then, or is now")
    rest = [dump for dump in before if dump not in ahead]
    if any(dump in can for dump in rest):
        return rest, [f"{told}; passed over, --as-of '{newest}' takes it"]
    return before, [f"{told}; taken all the same, since nothing older can be restored"]


def twins(title: str, chain: Sequence[Dump], can: Sequence[Dump], named: bool = False) -> list[str]:
    """What there is to be said of dumps of one second: of other levels, unless the level was ``named``, and of other data."""
    newest = chain[-1]
    stamp = show_stamp(newest.datestamp)
    found = [] if named else [
        dump.level for dump in can if dump.datestamp == newest.datestamp and dump.level != newest.level]
    said = [f"RST029 {title} has dumps of level {', '.join(map(str, found))} of the same second, {stamp}, too: that of level"
            f" {newest.level}, which ended last, is taken; --as-of '{stamp} level {found[0]}' takes another"] if found else []
    return said + [
        f"RST029 {title} level {dump.level} of {show_stamp(dump.datestamp)} was dumped more than once in that second, with"
        f" other data each time: one of them counts; another, on {', '.join(dump.others)}, is never read for it, and its"
        " header says how to read it by hand" for dump in chain if dump.others]


def _lost(chain: Sequence[Dump]) -> str:
    newest, gone = chain[-1], [dump for dump in chain if not dump.held]
    what = f"level {newest.level} of {show_stamp(newest.datestamp)}"
    if newest in gone:
        return f"{what} is neither on a volume nor on the holding disk any more"
    if gone:
        return (f"{what} needs level {gone[-1].level} of {show_stamp(gone[-1].datestamp)}, which is neither on a volume nor"
                " on the holding disk any more")
    return f"{what} needs a full that the catalogue does not know"


def show_dates(found: Sequence[Dump]) -> str:
    """Which dates can be restored, newest first, as a hint."""
    if not found:
        return "no date can be restored any more"
    shown = [f"{show_stamp(dump.datestamp)} (level {dump.level})" for dump in reversed(found)]
    more = f" and {len(shown) - SHOWN} older" if len(shown) > SHOWN else ""
    return "these dates can be restored: " + ", ".join(shown[:SHOWN]) + more
