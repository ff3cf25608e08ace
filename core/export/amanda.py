"""Our catalogue as a real Amanda's: trace logs, tapelist, indexes and curinfo in one of its configurations.

Promises that nothing of Amanda's is changed but lines of the tapelist that are ours, under the tapelist's own lock, and that
it is written last: it is what makes the rest visible.  A volume that Amanda has under the same label is Amanda's, whatever we
know of it.  Unless volumes are handed over, Amanda may read them and never write on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from core.amanda.logtext import LoggedDump, LoggedPart, LoggedVolume, log_text
from core.catalogue import queries
from core.catalogue.queries import Copy, Dump
from core.catalogue.rebuild import open_catalogue
from core.catalogue.store import Catalogue
from core.devices import tapelist
from core.errors import WorldError
from core.export.disks import put_indexes, put_infos
from core.export.files import Files
from core.export.target import Store, Target, stores_of, target_of
from core.model.site import Site
from core.model.volume import Volume, find_volume, with_volume, without_volume

Place = tuple[str, str]
"""Our storage, and a label."""
MOST = 10
"""So many files that stand in the way are named."""
OURS = "written by Taperoom"
"""The comment of a line of Amanda's tapelist that stands for a volume which is still ours."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for.  ``storages``: ours to theirs; ``hand_over``: Amanda may overwrite our volumes from now on."""

    name: str = ""
    storages: Mapping[str, str] = field(default_factory=dict)
    hand_over: bool = False
    insist: bool = False
    dry_run: bool = False


@dataclass(slots=True)
class Exported:
    """What was written: logs, lines of the tapelist that are new or changed, dumps that they tell of; ``gone`` lines of volumes
    that are no more; ``files`` in all.  ``warnings`` have their codes."""

    target: Target
    logs: int = 0
    volumes: int = 0
    gone: int = 0
    dumps: int = 0
    indexes: int = 0
    infos: int = 0
    files: int = 0
    warnings: list[str] = field(default_factory=list)


def export_amanda(site: Site, path: Path, wanted: Wanted) -> Exported:
    """Write our catalogue into the configuration in ``path``.

    UsageError CFG011, TAP040, TAP041; WorldError RST001, TAP009, TAP010, TAP043.
    """
    target = target_of(path, wanted.name)
    stores = stores_of(site, target, wanted.storages)
    done = Exported(target, warnings=_dangers(site, stores, wanted.hand_over))
    files = Files(path, insist=wanted.insist, dry_run=wanted.dry_run)
    try:
        lines = _put_files(site, target, stores, wanted, files, done)
    except BaseException:
        with suppress(WorldError):  # the first fault is the one to tell
            files.remember()
        raise
    files.finish(forget=wanted.hand_over)
    _put_tapelist(target, stores, lines, wanted, files, done)
    done.files = files.written
    done.warnings += [f"TAP044 {kept} is not ours, and is kept; --overwrite replaces it" for kept in files.kept[:MOST]]
    if len(files.kept) > MOST:
        done.warnings.append(f"TAP044 {len(files.kept) - MOST} more files are not ours, and are kept")
    return done


def _put_files(site: Site, target: Target, stores: Mapping[str, Store], wanted: Wanted, files: Files,
               done: Exported) -> dict[Place, Volume]:
    """Everything but the tapelist; the lines that go into it."""
    opened = open_catalogue(site)
    done.warnings += opened.warnings
    with opened.catalogue as catalogue:
        lines, theirs = _lines(site, target, stores, catalogue, wanted.hand_over, done)
        dumps = queries.dumps(catalogue)
        stamps = {place: line.datestamp for place, line in lines.items()}
        there = [(dump, copy) for dump in dumps for copy in dump.copies if _is_on(copy, stamps)]
        _put_logs(target, stores, catalogue, lines, there, files, done)
    done.dumps = len({dump.key for dump, _ in there})
    done.indexes = put_indexes(site, target, there, files)
    # Amanda reads its own volumes, too, of which an import may have told us.
    known = [(dump, copy) for dump in dumps for copy in dump.copies if _is_on(copy, stamps) or _is_on(copy, theirs)]
    done.infos = put_infos(target, dumps, known, files)
    unwritten = sum(1 for dump in dumps if dump.file and not dump.copies)
    if unwritten:
        done.warnings.append(f"TAP045 {unwritten} of our dumps are on the holding disk only; 'taperoom flush' brings them to "
                             "volumes, and then to Amanda")
    return lines


def _dangers(site: Site, stores: Mapping[str, Store], hand_over: bool) -> list[str]:
    """What in Amanda's configuration endangers our volumes; once they are handed over we label none any more."""
    found = []
    for name, store in stores.items():
        if store.takes_others:
            found.append(f"TAP046 autolabel of Amanda's storage {store.name} takes volumes of others: one of ours that is not "
                         "in its tapelist yet would be overwritten; take 'any' and 'other-config' away")
        if not hand_over and store.autolabel and store.autolabel == site.storages[name].autolabel:
            found.append(f"TAP047 Amanda's storage {store.name} and our storage {name} make the same labels, "
                         f"{store.autolabel}: two volumes will bear the same one; give ours another autolabel")
    return found


def _lines(site: Site, target: Target, stores: Mapping[str, Store], catalogue: Catalogue, hand_over: bool,
           done: Exported) -> tuple[dict[Place, Volume], dict[Place, str]]:
    """The line that each volume of ours gets in their tapelist; and those that are Amanda's own as they are, with their
    datestamps."""
    there = tapelist.read(target.tapelist)
    known = {(volume.pool, volume.label): volume for volume in tapelist.read(site.tapelist)}
    written = {(name, row.label): row.written for name in stores for row in queries.volumes(catalogue, name)}
    blank = {key: volume.datestamp for key, volume in known.items() if key[0] in stores and not volume.used}
    found: dict[Place, Volume] = {}
    theirs: dict[Place, str] = {}
    for (name, label), stamp in sorted({**blank, **written}.items()):
        store, old = stores[name], find_volume(there, label, stores[name].pool)
        if old is not None and old.comment != OURS:
            theirs[name, label] = old.datestamp
            if old.datestamp != stamp:
                done.warnings.append(f"TAP048 Amanda has a volume {label} of its own, written {old.datestamp}; ours of {stamp} "
                                     "is left out")
            continue
        entry = known.get((name, label)) or Volume(label)
        found[name, label] = Volume(label, stamp, entry.reuse and hand_over, entry.barcode, entry.meta, 32, store.pool,
                                    store.name, target.name, entry.comment if hand_over else OURS)
    return found, theirs


def _is_on(copy: Copy, stamps: Mapping[Place, str]) -> bool:
    """Whether all volumes of a copy are among those, as its run wrote them."""
    return all(stamps.get((copy.storage, label)) == copy.run for label in copy.labels)


def _put_logs(target: Target, stores: Mapping[str, Store], catalogue: Catalogue, lines: Mapping[Place, Volume],
              there: Sequence[tuple[Dump, Copy]], files: Files, done: Exported) -> None:
    seconds = {tuple(row[:6]): float(row[6]) for row in catalogue.rows(
        "SELECT run, storage, host, disk, datestamp, level, seconds FROM writes WHERE outcome IN ('done','strange')")}
    order = {(row[0], row[1]): int(row[2]) for row in catalogue.rows("SELECT storage, label, number FROM volumes")}
    volumes: dict[str, list[tuple[str, str]]] = {}
    for (name, label), line in lines.items():
        if line.used:
            volumes.setdefault(line.datestamp, []).append((name, label))
    dumps: dict[str, list[LoggedDump]] = {}
    for dump, copy in there:
        took = seconds.get((copy.run, copy.storage, *dump.key), 0.0)
        dumps.setdefault(copy.run, []).append(_logged(dump, copy, stores[copy.storage], took))
    for stamp, places in sorted(volumes.items()):
        places.sort(key=lambda place: (place[0], order.get(place, 0), place[1]))
        logged = [LoggedVolume(stores[name].name, stores[name].pool, label) for name, label in places]
        text = log_text(stamp, logged, dumps.get(stamp, [])).encode("utf-8", "surrogateescape")
        done.logs += files.put(_free_log(target, stamp, text, files), text)


def _free_log(target: Target, stamp: str, text: bytes, files: Files) -> Path:
    """The log's name: the one that we wrote before, or the first that is free.  Amanda reads all of them up to a gap."""
    number = 0
    while (path := target.logs / f"log.{stamp}.{number}").exists() and not files.is_ours(path) and path.read_bytes() != text:
        number += 1
    return path


def _logged(dump: Dump, copy: Copy, store: Store, seconds: float) -> LoggedDump:
    parts = tuple(LoggedPart(part.label, part.fileno, part.crc.size if part.crc.known else part.size * 1024)
                  for part in copy.parts)
    server = dump.server if dump.server.known else copy.crc
    return LoggedDump(store.name, store.pool, dump.host, dump.disk, dump.datestamp, dump.level, parts, dump.native, dump.client,
                      server, dump.orig, seconds, dump.seconds)


def _put_tapelist(target: Target, stores: Mapping[str, Store], lines: Mapping[Place, Volume], wanted: Wanted, files: Files,
                  done: Exported) -> None:
    new = {(line.pool, line.label): line for line in lines.values()}
    pools = {store.pool for store in stores.values()}
    if wanted.dry_run:
        volumes = tapelist.read(target.tapelist)
        done.volumes = sum(find_volume(volumes, line.label, line.pool) != line for line in new.values())
        return
    lock = Path(f"{target.tapelist}.lock")
    if not lock.exists():
        files.put(lock, b"")  # of Amanda's owner: one of ours would lock Amanda out
    with tapelist.edit(target.tapelist) as draft:
        for old in draft.volumes:
            if old.comment == OURS and old.pool in pools and (old.pool, old.label) not in new:
                draft.volumes = without_volume(draft.volumes, old.label, old.pool)
                done.gone += 1
        for line in new.values():
            there = find_volume(draft.volumes, line.label, line.pool)
            if there is not None and there.comment != OURS:
                done.warnings.append(f"TAP048 Amanda has just taken the label {line.label} for a volume of its own; ours is "
                                     "left out")
            elif there != line:
                draft.volumes = with_volume(draft.volumes, line)
                done.volumes += 1
    if target.tapelist.exists():
        files.give(target.tapelist)
