"""A state directory made again from volumes: journals, indexes and the tapelist, from which the catalogue follows.

Promises that only labels, headers and descriptions are read, that nothing that is in the state directory is changed, and
that every volume that gave less than its description is told of.  Where there is no description, headers give what they
have: which dumps are where, without file lists.  So volumes and holding files of a real Amanda are taken in, too; such a
volume is not ours to write on until an operator says so.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from core.catalogue.queries import DumpKey
from core.description import headers
from core.description.facts import facts_of
from core.description.reading import Found, Told, durable, look, read
from core.description.spooled import spooled
from core.description.told import Kept, Run, may_be
from core.devices import tapelist
from core.devices.contract import Condition, SlotView
from core.devices.label import matches
from core.devices.registry import open_changer
from core.errors import TaperoomError, WorldError
from core.events import event as e
from core.events.codec import encode, inspect
from core.holding.header import Header
from core.holding.scan import Found as Held
from core.model.site import Site, Storage
from core.model.units import is_ahead
from core.model.volume import NEVER, Volume, find_volume, parse_tapelist, with_volume
from core.report.text import count

_NOT_TOLD = ("the journal of run {name} in the state directory does not tell of it, and is kept as it is; recover with a"
             " state_dir of its own, or by its header")


@dataclass(slots=True)
class Recovered:
    """What was made: journals and index files, from so many volumes, of which ``by_headers`` had no whole description;
    so many dumps were ``left_out``, each with a warning."""

    volumes: int = 0
    by_headers: int = 0
    journals: int = 0
    indexes: int = 0
    left_out: int = 0
    warnings: list[str] = field(default_factory=list)


def recover(site: Site, say: Callable[[str], None]) -> Recovered:
    """Make what is missing in the state directory; ``say`` is told what is being read.  WorldError RST062 when nothing can
    be written there, or when no volume was found."""
    done = Recovered()
    found = [volume for storage in site.storages.values() for volume in _volumes(storage, done, say)]
    held = spooled(site, done.warnings.append)
    if not found and not held:
        raise WorldError("RST062", "no slot of any storage holds a volume that a run has written",
                         "load the volumes; 'taperoom tape list' shows what is in the slots")
    done.volumes = len(found)
    runs: dict[str, Run] = {}
    try:
        kept = Kept(site)
        lists = _descriptions(site, found, runs, kept, done, say)
        for volume in found:
            volume.home = volume.home or kept.home(volume, runs)
        for name in sorted({volume.home for volume in found}):
            _complete(site, name, [volume for volume in found if volume.home == name], runs, kept, done, say, held)
        for key, dump in held.items():
            _add_held(site, key, dump, runs, kept, done)
        for run in runs.values():
            done.journals += _write(site, run, found, done)
        _tapelist(site, found, lists, done)
    except OSError as fault:
        raise WorldError("RST062", f"{site.state_dir}: {fault}", "it must be writable and have room") from fault
    _missing(found, runs, done)
    return done


def _volumes(storage: Storage, done: Recovered, say: Callable[[str], None]) -> Iterator[Found]:
    """The written volumes of a storage; of two with one label the one written last."""
    try:
        changer = open_changer(storage)
        views = sorted(changer.views(), key=lambda view: view.datestamp)
    except TaperoomError as fault:
        done.warnings.append(f"RST060 storage {storage.name}: {fault.message}; its volumes are not looked at")
        return
    labelled: dict[str, SlotView] = {}
    for view in views:
        if view.condition is Condition.LABELLED and view.datestamp.isdigit() and matches(storage.label, view.label):
            if view.label in labelled:
                done.warnings.append(f"RST060 volume {view.label} is in slots {labelled[view.label].slot} and {view.slot} at "
                                     "once: the one written last counts")
            labelled[view.label] = view
        elif view.condition is not Condition.EMPTY and view.datestamp != "X":
            why = view.note or f"label {view.label} is not this storage's"
            done.warnings.append(f"RST060 slot {view.slot} of storage {storage.name} is passed over: {why}")
    for view in labelled.values():
        files = count(view.files, "file")
        say(f"slot {view.slot} of storage {storage.name}: volume {view.label}, written {view.datestamp}, {files}")
        if is_ahead(view.datestamp, time.time()):
            done.warnings.append(f"RST065 volume {view.label} was written on {view.datestamp}, which is still to come: the "
                                 "clock was wrong then or is now; its dates are kept as they are")
        try:
            yield look(storage.name, view.label, view.datestamp, changer.load(view.slot), sealed=view.sealed)
        except WorldError as fault:
            done.warnings.append(f"RST060 volume {view.label} cannot be read: {fault.message}; try again with it in another "
                                 "drive or slot")


def _descriptions(site: Site, found: list[Found], runs: dict[str, Run], kept: Kept, done: Recovered,
                  say: Callable[[str], None]) -> list[bytes]:
    """Read every description; the longest journal of each run counts.  The tapelists, the newest last."""
    lists = []
    for volume in sorted(found, key=lambda volume: volume.run):
        if not volume.described:
            continue
        say(f"reading what {volume.title} tells of itself: file {volume.described}, {volume.size} KiB")
        try:
            told = read(volume, site.index_dir, done.warnings.append)
        except WorldError as fault:
            done.warnings.append(f"RST061 {volume.title}: its description cannot be read: {fault.message}")
            told = Told()
        done.indexes += told.indexes
        if volume.run not in told.journals:
            volume.described = 0
        if told.tapelist:
            lists.append(told.tapelist)
        for stamp, data in told.journals.items():
            records = inspect(data)[0]
            name = kept.place(stamp, records, runs)
            if stamp == volume.run:
                volume.home = name
            if name not in runs or len(records) > len(runs[name].records):
                runs[name] = Run(name, records)
    return lists


def _complete(site: Site, name: str, volumes: list[Found], runs: dict[str, Run], kept: Kept, done: Recovered,
              say: Callable[[str], None], held: Mapping[DumpKey, Held]) -> None:
    """What the journal of a run lacks: the end that came after its last description, and files that it does not know."""
    run = runs.get(name)
    there = kept.run(name)
    known = facts_of(run.records) if run is not None else None
    unknown: dict[str, list[headers.Piece]] = {}
    for volume in volumes:
        teller = there or run
        told = teller.files(volume) if teller is not None else set()
        if lacking := [fileno for fileno in volume.filenos if fileno not in told and fileno != volume.described]:
            say(f"reading the headers of {count(len(lacking), 'file')} of {volume.title}")
            if not volume.described:
                done.by_headers += 1
                done.warnings.append(f"RST063 {volume.title} has no description that can be used: "
                                     f"{count(len(lacking), 'header')} had to be read, which is slower; the names of files "
                                     "come from the dumps themselves")
            unknown.setdefault(volume.storage, []).extend(headers.pieces_of(volume, lacking, done.warnings))
    if there is not None:
        _leave_out([piece for pieces in unknown.values() for piece in pieces], name, runs, kept, done)
        return
    if run is None:
        run = _made(site, name, runs, volumes[0].run)
    begun = set(known.volumes) if known is not None else set()
    for number, volume in enumerate(volumes, 1):
        if (volume.storage, volume.label) not in begun:
            run.add(e.VolumeBegan("taper0", volume.storage, volume.label, number, site.storages[volume.storage].capacity))
    for storage, pieces in sorted(unknown.items()):
        _add_dumps(site, run, storage, pieces, runs, kept, held, done)
        done.warnings += [f"RST066 volume {piece.label} file {piece.fileno}: {piece.header.host}:{piece.header.disk} level "
                          f"{piece.header.level} of {piece.header.datestamp} is marked as partial; no restore uses it, and its "
                          "header says how to read what there is" for piece in pieces if piece.header.partial]
    _add_end(run, volumes)


def _made(site: Site, name: str, runs: dict[str, Run], stamp: str = "") -> Run:
    """A run that only headers tell of."""
    run = runs[name] = Run(name, made=True, stamp=stamp)
    run.add(e.RunBegan(run.stamp, site.org, str(site.file), "headers of volumes", 0, 0, 0, 0))
    return run


def _leave_out(pieces: list[headers.Piece], name: str, runs: dict[str, Run], kept: Kept, done: Recovered) -> None:
    """The journal that is there is kept as it is, so a dump that no journal tells of cannot be in the catalogue."""
    for key, parts in headers.by_dump(pieces).items():
        header = parts[0].header
        if not headers.is_whole(parts) or not kept.teller(key, header.server, runs):
            continue
        done.left_out += 1
        done.warnings.append(
            f"RST069 volume {', '.join(dict.fromkeys(part.label for part in parts))} file {parts[0].fileno}: {_title(header)}"
            f" is left out: {_NOT_TOLD.format(name=name)}")


def _add_held(site: Site, key: DumpKey, dump: Held, runs: dict[str, Run], kept: Kept, done: Recovered) -> None:
    """A dump on the holding disk, if the run that made it is known from headers alone; else its journal has to tell of it."""
    run = kept.run(key[2]) or runs.get(key[2]) or _made(site, key[2], runs)
    told = run.dumped(key)
    if told is not None and may_be(told.server_crc, dump.header.server):
        return
    if run.made and told is None:
        run.add(headers.dump_ended(dump.header, dump.size, f"98-{len(run.records):05d}", str(dump.path)))
        return
    done.left_out += 1
    done.warnings.append(f"RST069 holding file {dump.path}: {_title(dump.header)} is left out: "
                         f"{_NOT_TOLD.format(name=run.name)}")


def _add_dumps(site: Site, run: Run, storage: str, pieces: list[headers.Piece], runs: dict[str, Run], kept: Kept,
               held: Mapping[DumpKey, Held], done: Recovered) -> None:
    for parts in headers.twins(pieces):
        _twin(parts, done)
    for number, (key, parts) in enumerate(headers.by_dump(pieces).items(), 1):
        header, handle = parts[0].header, f"99-{number:05d}"
        if headers.is_whole(parts) and (name := kept.teller(key, header.server, runs)):
            of = runs.get(name)
            if of is None:  # flushed later: nothing else tells of the run that made it
                of = _made(site, name, runs, key[2])
            known = of.dumped(key)
            if known is None:
                file = str(held[key].path) if key in held else ""
                of.add(headers.dump_ended(header, sum(part.size for part in parts), f"98-{len(of.records):05d}", file))
            elif not may_be(known.server_crc, header.server):
                _twin(parts, done)
        for event in headers.written(storage, key, parts, handle):
            run.add(event)


def _title(header: Header) -> str:
    return f"{header.host}:{header.disk} level {header.level} of {header.datestamp}"


def _twin(parts: list[headers.Piece], done: Recovered) -> None:
    header = parts[0].header
    done.left_out += 1
    labels = ", ".join(dict.fromkeys(part.label for part in parts))
    done.warnings.append(
        f"RST029 volume {labels} file {parts[0].fileno}: {header.host}:{header.disk} level {header.level} of"
        f" {header.datestamp} is there more than once, with other data each time: two dumps of one second. Only one of"
        " them can be in the catalogue, and this is another; its header says how to read it by hand")


def _add_end(run: Run, volumes: list[Found]) -> None:
    """The facts that came after the description: that it is there, that its volume and then the run ended."""
    closing = next((record.event for record in run.records if isinstance(record.event, e.RunClosing)), None)
    told = facts_of(run.records).described
    for volume in volumes:
        if volume.described and volume.header is not None and (volume.storage, volume.label) not in told:
            child = _child(run, volume.storage)
            run.add(e.VolumeDescribed(child, volume.storage, volume.label, volume.described, volume.size,
                                      str(volume.header.server)))
    if closing is None and not run.made:
        return  # its last volume is not here
    ended = {(event.storage, event.label) for event in run.events() if isinstance(event, e.VolumeEnded)}
    for storage, label in dict.fromkeys(facts_of(run.records).volumes):
        if (storage, label) not in ended:
            on = [event.size for event in run.events() if isinstance(event, e.PartWritten | e.VolumeDescribed)
                  and (event.storage, event.label) == (storage, label)]
            run.add(e.VolumeEnded(_child(run, storage), storage, label, sum(on), len(on)))
    if closing is not None and not run.has(e.RunEnded):
        run.add(e.RunEnded(closing.code, closing.done, closing.failed, closing.left_on_holding))


def _child(run: Run, storage: str) -> str:
    return next((event.child for event in run.events() if isinstance(event, e.VolumeBegan) and event.storage == storage),
                "taper0")


def _write(site: Site, run: Run, found: list[Found], done: Recovered) -> int:
    """Write a journal that is not there; 1 when it was."""
    path = site.runs_dir / run.name / "journal.jsonl"
    if path.exists():
        return 0
    if run.name != run.stamp:
        mine = ", ".join(dict.fromkeys(volume.label for volume in found if volume.home == run.name))
        done.warnings.append(
            f"RST068 {f'volume {mine} was written by' if mine else 'a volume tells of'} another run of {run.stamp} than the one"
            f" that is known of that second: it is taken in as run {run.name}, and its dumps keep their date")
    if run.made and not run.has(e.RunEnded):
        dumps = sum(isinstance(event, e.DumpEnded) for event in run.events())
        run.add(e.Notice("RST063", "W", "run", "its journal is lost; what is known of it comes from headers on volumes"))
        run.add(e.RunEnded(1, dumps, 0, 0))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    with durable(path) as out:
        for record in run.records:
            out.write(encode(record))
    return 1


def _tapelist(site: Site, found: list[Found], lists: list[bytes], done: Recovered) -> None:
    """The newest tapelist that a volume has, if there is none; and every volume that was found is in it.

    One that Amanda wrote comes in as one that is not to be overwritten: Amanda may still want it."""
    theirs = []
    with tapelist.edit(site.tapelist) as draft:
        if not draft.volumes and lists:
            with contextlib.suppress(ValueError):  # the labels tell the most of it
                draft.volumes = parse_tapelist(lists[-1].decode("utf-8", "surrogateescape"))
        for volume in found:
            known = find_volume(draft.volumes, volume.label, volume.storage)
            if known is None or known.datestamp in (NEVER, "") or known.datestamp < volume.run:
                old = known or Volume(volume.label)
                theirs += [volume.label] if old.reuse and not volume.sealed else []
                draft.volumes = with_volume(draft.volumes, Volume(
                    volume.label, volume.run, old.reuse and volume.sealed, old.barcode, old.meta, 32, volume.storage,
                    volume.storage, site.org, old.comment))
    if theirs:
        done.warnings.append(f"RST067 written by a real Amanda, and therefore read but never overwritten: {', '.join(theirs)}")


def _missing(found: list[Found], runs: dict[str, Run], done: Recovered) -> None:
    """Volumes that a journal tells of and no slot holds."""
    last = {place: name for name in sorted(runs) for place in facts_of(runs[name].records).volumes}
    here = {(volume.storage, volume.label) for volume in found}
    for (storage, label), name in sorted(last.items()):
        if (storage, label) not in here:
            done.warnings.append(f"RST064 volume {label} of storage {storage}, written by run {name}, is in no slot: its dumps "
                                 "are known from other volumes; load it before a restore, and rebuild again for its indexes")
