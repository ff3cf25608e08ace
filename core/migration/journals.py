"""Amanda's logs, curinfo and holding disks as the journals that our runs would have left.

A journal is the truth of a run here, so nothing else has to be made: catalogue, history, retention and restores follow from
them.  What a log says of a volume counts only as long as the tapelist has it so, which is Amanda's own rule.  Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from core.amanda import tracelog as t
from core.amanda.curinfo import Stat
from core.description.headers import Piece, by_dump, is_whole
from core.events import event as e
from core.events.event import Event, Record
from core.holding.scan import Found
from core.migration.losses import Loss
from core.migration.source import Source
from core.migration.storages import Places
from core.model.dump import Crc
from core.model.units import datestamp_of, seconds_of_datestamp, show_duration
from core.model.volume import Volume

DumpKey = tuple[str, str, str, int]
BY = "Amanda"
"""Who started the runs, as lists of runs show it."""


@dataclass(slots=True)
class _Copy:
    """A dump on the volumes of a storage: its parts in the order of the log."""

    storage: str
    key: DumpKey
    parts: list[t.Part] = field(default_factory=list)
    end: t.Taped | None = None


@dataclass(slots=True)
class _Dump:
    """A good dump, whoever tells of it; sizes KiB."""

    size: int
    orig: int
    seconds: float
    native: str = ""
    client: str = ""
    server: str = ""
    file: str = ""
    strange: str = ""


@dataclass(slots=True)
class _Run:
    """A run that is being put together."""

    stamp: str
    dumps: dict[DumpKey, _Dump] = field(default_factory=dict)
    failed: dict[tuple[str, str], t.Failed] = field(default_factory=dict)
    volumes: list[tuple[str, t.Labelled]] = field(default_factory=list)
    closed: dict[str, t.Closed] = field(default_factory=dict)
    copies: list[_Copy] = field(default_factory=list)


@dataclass(slots=True)
class History:
    """The journals by the datestamps of their runs, and what could not be carried over."""

    journals: dict[str, list[Record]] = field(default_factory=dict)
    dumps: set[DumpKey] = field(default_factory=set)
    losses: list[Loss] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Unlogged:
    """A volume that no log tells of, and the dumps' files on it by their headers; None where it cannot be read."""

    storage: str
    volume: Volume
    pieces: tuple[Piece, ...] | None = None


def unlogged(source: Source, places: Places) -> list[Unlogged]:
    """The written volumes of this configuration whose log is gone: what is on them only they themselves can tell."""
    logged = {(fact.label, fact.datestamp) for facts in source.logs.values() for fact in facts if isinstance(fact, t.Labelled)}
    return [Unlogged(places.by_line(volume.storage, volume.pool), volume) for volume in source.tapelist
            if volume.used and volume.config in ("", source.name) and (volume.label, volume.datestamp) not in logged]


def history_of(
    source: Source, places: Places, holding: Sequence[Found], org: str, config: str, others: Sequence[Unlogged] = ()
) -> History:
    """The journals of all runs that Amanda remembers; ``holding`` are the dumps that wait on its holding disks, ``others``
    the volumes that no log tells of."""
    made = History()
    maker = _Maker(source, places, made)
    for stamp, facts in source.logs.items():
        maker.log(stamp, facts)
    maker.by_headers(others)
    maker.holding(holding)
    maker.curinfo()
    disks = len(source.disks)
    hosts = len({entry.host for entry in source.disks})
    for stamp, run in sorted(maker.runs.items()):
        if not (run.dumps or run.volumes or run.copies or run.failed):
            continue  # a log of a tool that only looked at something
        began = e.RunBegan(stamp, org, config, BY, 0, hosts, disks, 0)
        made.journals[stamp] = _journal(run, began)
        made.dumps |= run.dumps.keys()
    return made


class _Maker:
    def __init__(self, source: Source, places: Places, made: History) -> None:
        self._source, self._places, self._made = source, places, made
        self.runs: dict[str, _Run] = {}
        self._volumes: dict[str, list[Volume]] = {}
        for volume in source.tapelist:
            self._volumes.setdefault(volume.label, []).append(volume)

    def _run(self, stamp: str) -> _Run:
        return self.runs.setdefault(stamp, _Run(stamp))

    def log(self, stamp: str, facts: Iterable[t.Fact]) -> None:
        """One run's log, or several of one day."""
        run = self._run(stamp)
        servers: dict[DumpKey, Crc] = {}
        partial: set[DumpKey] = set()
        copies: dict[tuple[str, DumpKey], _Copy] = {}
        on: dict[str, bool] = {}
        for fact in facts:
            match fact:
                case t.Labelled():
                    storage = self._places.by_line(fact.storage, fact.pool)
                    on[fact.label] = self._is_there(fact)
                    if on[fact.label]:
                        run.volumes.append((storage, fact))
                case t.Dumped():
                    key = (fact.host, fact.disk, fact.datestamp or stamp, fact.level)
                    run.dumps[key] = _Dump(fact.size, fact.orig, fact.seconds, str(fact.native), str(fact.client),
                                           strange=fact.text or "strange" if fact.strange else "")
                case t.Chunked():
                    key = (fact.host, fact.disk, fact.datestamp, fact.level)
                    servers[key] = fact.server
                    (partial.add if fact.partial else partial.discard)(key)
                case t.Part():
                    storage = self._places.by_line(fact.storage, fact.pool)
                    key = (fact.host, fact.disk, fact.datestamp, fact.level)
                    copy = copies.setdefault((storage, key), _Copy(storage, key))
                    copy.parts = [part for part in copy.parts if part.part < fact.part]
                    if on.get(fact.label, False):
                        copy.parts.append(fact)
                case t.Taped():
                    storage = self._places.by_line(fact.storage, fact.pool)
                    key = (fact.host, fact.disk, fact.datestamp, fact.level)
                    copy = copies.pop((storage, key), _Copy(storage, key))
                    copy.end = fact
                    run.copies.append(copy)
                case t.Failed():
                    run.failed[fact.host, fact.disk] = fact
                case t.Closed():
                    run.closed[fact.label] = fact
                case _:
                    pass
        run.copies += copies.values()
        for key, server in servers.items():
            if key in run.dumps:
                run.dumps[key].server = str(server)
        for key in partial & run.dumps.keys():
            del run.dumps[key]
        self._taped(run)

    def _taped(self, run: _Run) -> None:
        """Dumps that only a write tells of: their own log is gone; and checksums that only the write has."""
        for copy in run.copies:
            end = copy.end
            if end is None or not end.done:
                continue
            of = self._run(copy.key[2])
            known = of.dumps.get(copy.key)
            if known is None:
                of.dumps[copy.key] = _Dump(-(-end.size // 1024), end.orig, end.seconds, str(end.native), str(end.client),
                                           str(end.server))
            elif not known.server and end.server.known:
                known.server = str(end.server)

    def _is_there(self, fact: t.Labelled) -> bool:
        """Whether the volume still is the one that this run wrote."""
        return any(volume.datestamp == fact.datestamp and (not fact.pool or not volume.pool or volume.pool == fact.pool)
                   for volume in self._volumes.get(fact.label, ()))

    def by_headers(self, others: Sequence[Unlogged]) -> None:
        """Volumes that no log tells of: their headers do."""
        pieces: dict[tuple[str, str], list[Piece]] = {}
        for other in others:
            volume = other.volume
            if other.pieces is None:
                self._made.losses.append(Loss(
                    f"volume {volume.label} of {volume.datestamp}", "its log is gone, and it cannot be read here; put it into "
                    "a slot and import again, or its dumps stay unknown"))
                continue
            run = self._run(volume.datestamp)
            run.volumes.append((other.storage, t.Labelled(other.storage, "", volume.label, volume.datestamp, 1)))
            pieces.setdefault((other.storage, volume.datestamp), []).extend(other.pieces)
        for (storage, stamp), found in pieces.items():
            run = self._run(stamp)
            for key, parts in by_dump(found).items():
                run.copies.append(_copy_of(storage, key, parts))
            self._taped(run)

    def holding(self, found: Sequence[Found]) -> None:
        """The dumps that wait on the holding disks."""
        for dump in found:
            header = dump.header
            title = f"{header.host}:{header.disk} level {header.level} of {header.datestamp}"
            if not dump.complete:
                self._made.losses.append(Loss(f"holding file {dump.path}", f"{title} is not whole: {dump.fault}"))
                continue
            run = self._run(header.datestamp)
            known = run.dumps.setdefault(header.key, _Dump(-(-dump.size // 1024), header.orig_kib, 0.0))
            known.file = str(dump.path)
            for name in ("native", "client", "server"):
                if not getattr(known, name):
                    setattr(known, name, str(getattr(header, name)))

    def curinfo(self) -> None:
        """Dumps that only curinfo remembers: their sizes and dates are history, and so plan the coming nights.

        Where the record names a volume and nothing else tells of that dump, it is lost for a restore.
        """
        for (host, disk), info in self._source.infos.items():
            stats: dict[tuple[str, int], Stat] = {}
            for stat in (*info.history, *info.stats.values()):
                if stat.date > 0 and stat.level >= 0:
                    stats.setdefault((datestamp_of(stat.date), stat.level), stat)
            for (stamp, level), stat in stats.items():
                run = self._run(_known(stamp, self.runs))
                key = (host, disk, run.stamp, level)
                if key in run.dumps:
                    continue
                run.dumps[key] = _Dump(stat.csize, stat.size, float(stat.seconds))
                last = info.stats.get(level)
                if last is not None and last.date == stat.date and last.label and level <= info.last_level:
                    self._made.losses.append(Loss(
                        f"{host}:{disk} level {level} of {run.stamp} on volume {last.label}",
                        "no log and no volume that can be read here tells of it; no dump will build on it"))


def _known(stamp: str, runs: Mapping[str, _Run]) -> str:
    """The run of that time: with ``usetimestamps no`` its name is the day alone."""
    return stamp[:8] if stamp not in runs and stamp[:8] in runs and stamp.endswith("000000") else stamp


def _copy_of(storage: str, key: DumpKey, parts: Sequence[Piece]) -> _Copy:
    """What the headers of the parts say of a dump, as a log would."""
    header, size = parts[0].header, sum(part.size for part in parts)
    return _Copy(
        storage, key,
        [t.Part(storage, "", part.label, part.fileno, *key[:3], part.part, key[3], part.size, 0) for part in parts],
        t.Taped(storage, "", *key, len(parts), is_whole(parts), size, header.orig_kib or -(-size // 1024), 0.0, header.native,
                header.client, header.server))


class _Journal:
    """Records in the making; time never goes back."""

    def __init__(self, at: float) -> None:
        self.records: list[Record] = []
        self._at = at

    def say(self, event: Event, at: float = 0.0) -> None:
        self._at = max(self._at, at)
        self.records.append(Record(len(self.records) + 1, self._at, event))


def _journal(run: _Run, began: e.RunBegan) -> list[Record]:
    """All facts of a run, in an order in which they can have happened."""
    begin = _seconds(run.stamp)
    journal = _Journal(begin)
    journal.say(began)
    handles = {key: f"00-{number:05d}" for number, key in enumerate(run.dumps, 1)}
    for key, handle in handles.items():
        journal.say(e.DumpBegan(handle, key[0], key[1], key[3], "dumper0", "holding", "", 1, run.dumps[key].size))
    for key, dump in sorted(run.dumps.items(), key=lambda item: item[1].seconds):
        _say_dump(journal, handles[key], key, dump, begin)
    for number, (storage, label) in enumerate(run.volumes, 1):
        journal.say(e.VolumeBegan("taper0", storage, label.label, number, 0))
        if (closed := run.closed.get(label.label)) is not None:
            journal.say(e.VolumeEnded("taper0", storage, label.label, closed.size, closed.files))
    good = 0
    for number, copy in enumerate(run.copies, len(handles) + 1):
        _say_copy(journal, f"00-{number:05d}", copy, run)
    for (host, disk), failed in run.failed.items():
        if not any(key[:2] == (host, disk) for key in run.dumps):
            journal.say(e.DiskEnded(host, disk, failed.level, "failed", f"{failed.program}: {failed.message}"))
    for key, dump in run.dumps.items():
        journal.say(e.DiskEnded(key[0], key[1], key[3], "strange" if dump.strange else "done", ""))
        good += 1
    lost = sum(1 for key in run.failed if not any(of[:2] == key for of in run.dumps))
    left = sum(1 for dump in run.dumps.values() if dump.file)
    code = 1 if lost or left else 0
    journal.say(e.RunClosing(code, good, lost, left))
    journal.say(e.RunEnded(code, good, lost, left))
    return journal.records


def _say_dump(journal: _Journal, handle: str, key: DumpKey, dump: _Dump, begin: float) -> None:
    host, disk, _, level = key
    if dump.strange:
        journal.say(e.DumpStrange(handle, host, disk, dump.strange))
    journal.say(
        e.DumpEnded(handle, host, disk, level, "strange" if dump.strange else "done", "", dump.file, dump.size,
                    dump.orig or dump.size, dump.seconds, dump.native, dump.client, dump.server, ""),
        begin + dump.seconds)


def _say_copy(journal: _Journal, handle: str, copy: _Copy, run: _Run) -> None:
    """The write of a dump.  Its size is told in whole, whatever volumes are still there: so it is known what is missing."""
    end = copy.end
    kib = -(-(end.size if end is not None else sum(part.size for part in copy.parts)) // 1024)
    journal.say(e.WriteBegan(handle, "taper0", copy.storage, *copy.key, "", kib))
    for part in copy.parts:
        # The log has no checksums of parts; that of the whole is compared when it is read.
        journal.say(e.PartWritten(handle, copy.storage, part.label, part.fileno, part.part, -(-part.size // 1024), ""))
    done = end is not None and end.done
    why = "" if done else (end.message if end is not None else "the log has no end of it") or "it was not written as a whole"
    known = run.dumps.get(copy.key)
    parts = end.parts if end is not None else len(copy.parts)
    crc = str(end.server) if end is not None and end.server.known else (known.server if known is not None else "")
    journal.say(e.WriteEnded(
        handle, copy.storage, *copy.key, "done" if done else "failed", why, "", kib, parts,
        end.seconds if end is not None else 0.0, crc))


def _seconds(stamp: str) -> float:
    try:
        return seconds_of_datestamp(stamp)
    except ValueError:
        return 0.0


def span_of(history: History) -> str:
    """From when to when the journals are, in words; empty without any."""
    stamps = sorted(history.journals)
    if not stamps:
        return ""
    return f"{stamps[0]} to {stamps[-1]}, {show_duration(_seconds(stamps[-1]) - _seconds(stamps[0]))}"
