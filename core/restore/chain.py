"""Which dumps, in which order, give a disk as it was at a moment.  Pure.

The newest dump at that moment, the last one before it at a lower level, and so on down to a full: what GNU tar's
snapshots, and so Amanda's levels, are built on.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.catalogue.protect import base_of
from core.catalogue.queries import Dump, DumpKey
from core.errors import UsageError, WorldError
from core.restore.asof import NEWEST, show_stamp

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


def choose(title: str, good: Sequence[Dump], as_of: str) -> tuple[tuple[Dump, ...], list[str]]:
    """The chain that gives the disk ``title`` as of a datestamp, and warnings.

    For `NEWEST` a dump that cannot be restored any more is passed over with a warning; a date that was asked for is
    answered exactly or not at all.  UsageError RST013 when nothing is that old, WorldError RST014 when what was dumped
    is not held any more; both say which dates there are.
    """
    if not good:
        raise UsageError("RST013", f"{title} was never dumped", "it has no dates yet: taperoom run makes one")
    before = [dump for dump in good if dump.datestamp <= as_of]
    dates = show_dates(restorable(good))
    if not before:
        raise UsageError("RST013", f"{title} has no dump as old as {show_stamp(as_of)}", dates)
    chain = chain_of(good, before[-1])
    if is_whole(chain):
        return chain, []
    if as_of == NEWEST and (others := restorable(good)):
        return chain_of(good, others[-1]), [
            f"RST014 {title}: {_lost(chain)}; this is the state of {show_stamp(others[-1].datestamp)}"]
    raise WorldError("RST014", f"{title}: {_lost(chain)}", dates)


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
