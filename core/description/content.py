"""What a volume tells of itself: journals, the tapelist, the indexes of the dumps that end on it, and a README.

Everything comes from the state directory.  The run's own journal is always there; so are those of the runs whose dumps are
on the volume and of runs that no volume tells of yet, and, where there is room, of the last runs before.  A volume of these
runs that could not describe itself is owed its indexes: the next one has them.  The index of an encrypted dump stays away:
its names would lie open beside it.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.catalogue.queries import DumpKey
from core.description.archive import ABOUT, INDEX, JOURNAL, README, RUNS, TAPELIST, Archive, Member
from core.description.facts import Facts, facts_of
from core.description.readme import readme
from core.events.codec import inspect
from core.model.site import Site, Storage
from core.model.units import sanitise, seconds_of_datestamp

MORE_RUNS = 30
"""At most so many journals of earlier runs that other volumes tell of, too."""
UNTOLD = 60
"""So many runs that no volume tells of are looked for: more only where volumes never described themselves."""
MORE_BYTES = 4 << 20
"""Bytes, packed, that those take at most; never more than a hundredth of the volume's room."""
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Content:
    """What there is to be written, the most needed first."""

    must: tuple[Member, ...]
    needed: tuple[Member, ...]
    indexes: tuple[Member, ...]
    more: tuple[Member, ...]
    mtime: int

    def fitting(self, room: int) -> tuple[Archive | None, str]:
        """The most that goes into ``room`` bytes, and what is missing in it, as words; None when nothing does."""
        for members, lacks in (
            ((*self.must, *self.needed, *self.more, *self.indexes), ""), ((*self.must, *self.needed, *self.indexes), ""),
            ((*self.must, *self.needed), f"there is no room for the {len(self.indexes)} index files of its dumps"),
            (self.must, "there is room for the journal of its run only"),
        ):
            archive = Archive(members, self.mtime)
            if archive.size <= room:
                return archive, lacks
        needed = -(-Archive(self.must, self.mtime).size // 1024)
        return None, f"it has room for {max(0, room) // 1024} KiB, and {needed} KiB are needed"


@dataclass(frozen=True, slots=True)
class _Run:
    name: str
    journal: bytes
    facts: Facts


def gather(site: Site, storage: Storage, run: str, label: str, room: int) -> Content:
    """What the volume ``label`` of a live run is to carry; ``room`` bytes are left on it.  OSError when the run has no
    journal or something cannot be read."""
    own = _read(site, run)
    earlier = _Earlier(site, run)
    untold = earlier.untold()
    here = [write for write in own.facts.writes if write.storage == storage.name and any(p[0] == label for p in write.parts)]
    stamps = {write.key[2] for write in here} - {run} - {known.name for known in untold}
    needed = [own, *untold, *(found for stamp in sorted(stamps) if (found := earlier.get(stamp)) is not None)]
    owed = _owed(needed, storage.name) | {label}
    ended = [write for known in needed for write in known.facts.writes
             if write.whole and write.storage == storage.name and write.last_label in owed]
    names = {known.name for known in needed}
    indexes = tuple(_indexes(site, dict.fromkeys(write.key for write in ended)))
    text = readme(site, storage, run, label, here)
    about = {"format": FORMAT, "org": site.org, "storage": storage.name, "label": label, "run": run,
             "runs": sorted(names), "indexes_of": sorted(owed)}
    must = [Member.of(README, text.encode("utf-8", "surrogateescape")),
            Member.of(ABOUT, (json.dumps(about, indent=1) + "\n").encode())]
    if site.tapelist.exists():
        must.append(Member.of(TAPELIST, site.tapelist.read_bytes()))
    must.append(_journal(run, own.journal))
    others = tuple(_journal(known.name, known.journal) for known in sorted(needed, key=lambda known: known.name)
                   if known is not own)
    more = _more(earlier, names, min(MORE_BYTES, room // 100))
    return Content(tuple(must), others, indexes, tuple(more), int(seconds_of_datestamp(run)))


def _read(site: Site, name: str) -> _Run:
    journal = (site.runs_dir / name / "journal.jsonl").read_bytes()
    return _Run(name, journal, facts_of(inspect(journal)[0]))


def _journal(name: str, journal: bytes) -> Member:
    return Member.of(f"{RUNS}{name}/{JOURNAL}", gzip.compress(journal, 6, mtime=0))


class _Earlier:
    """The runs before a run, each read at most once."""

    def __init__(self, site: Site, run: str) -> None:
        self._site = site
        self.names = sorted((p.name for p in site.runs_dir.iterdir() if p.name.isdigit() and p.name < run), reverse=True)
        self._read: dict[str, _Run | None] = {}

    def get(self, name: str) -> _Run | None:
        """That run; None when there is none, or no readable journal of it."""
        if name not in self._read:
            try:
                self._read[name] = _read(self._site, name) if name in self.names else None
            except OSError:
                self._read[name] = None
        return self._read[name]

    def untold(self) -> list[_Run]:
        """The last runs that no volume tells of to their end: those after the newest one that one does."""
        found = []
        for name in self.names[:UNTOLD]:
            known = self.get(name)
            if known is not None and known.facts.carried:
                break
            if known is not None:
                found.append(known)
        return found


def _owed(needed: Iterable[_Run], storage: str) -> set[str]:
    """The volumes whose indexes nobody has yet: all that were begun and do not describe themselves."""
    begun = {label for known in needed for name, label in known.facts.volumes if name == storage}
    return begun - {label for known in needed for name, label in known.facts.described if name == storage}


def _indexes(site: Site, keys: Iterable[DumpKey]) -> Iterator[Member]:
    for host, disk, stamp, level in keys:
        known = site.disk(host, disk)
        if known is not None and known.dumptype.encrypt != "none":
            continue
        place = f"{sanitise(host)}/{sanitise(disk)}"
        for path in index_files(site.index_dir / place, stamp, level):
            yield Member.file(f"{INDEX}{place}/{path.name}", path)


def index_files(directory: Path, stamp: str, level: int) -> list[Path]:
    """The files that are kept beside a dump, whatever their format."""
    base = f"{stamp}_{level}"
    try:
        return sorted(path for path in directory.iterdir() if path.name.startswith((base + ".", base + "-"))
                      and not path.name.endswith((".tmp", ".new")) and path.is_file())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _more(earlier: _Earlier, names: set[str], budget: int) -> Iterator[Member]:
    """Journals that other volumes have, too: one of those may be lost."""
    for name in earlier.names[:MORE_RUNS]:
        if name in names or (known := earlier.get(name)) is None:
            continue
        member = _journal(name, known.journal)
        budget -= member.size
        if budget < 0:
            return
        yield member
