"""What a real Amanda keeps of each disk: the names in each dump with its header, and the history that its planner goes by."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO

from core.amanda.infotext import InfoDump, info_text
from core.catalogue.history import history_of
from core.catalogue.queries import Copy, Dump, DumpKey
from core.catalogue.traces import Trace
from core.devices.contract import Volume
from core.devices.shelf import open_volume
from core.errors import TaperoomError
from core.export.files import Files
from core.export.target import Target
from core.holding.header import Kind, text
from core.index.reader import open_index
from core.index.record import Mark
from core.model.history import LevelStat
from core.model.site import Site
from core.model.units import sanitise
from core.restore.indexfile import index_file
from core.wire.tar_quoting import quote_name

_Where = dict[tuple[str, int], tuple[str, int]]
"""Datestamp and level of a dump of one disk, to volume and file of its first part."""


def put_indexes(site: Site, target: Target, there: Sequence[tuple[Dump, Copy]], files: Files) -> int:
    """Indexes of the dumps, in the lines of Amanda's, each with the dump's header beside it; how many are new."""
    count = 0
    volumes: dict[tuple[str, str, str], Volume] = {}
    for dump, copy in there:
        base = target.indexes / sanitise(dump.host) / sanitise(dump.disk) / f"{dump.datestamp}_{dump.level}"
        path = index_file(site, dump)
        names, header = base.with_name(base.name + "-unsorted.gz"), base.with_name(base.name + ".header")
        if path is not None and not files.keep(names):
            count += files.put_by(names, partial(_write_names, path))
        if not files.keep(header) and (block := _header_of(site, copy, volumes)):
            files.put(header, block)
    return count


def _write_names(path: Path, out: IO[bytes]) -> None:
    with open_index(path) as reader, gzip.GzipFile("", "wb", 9, out, 0) as packed:
        for record in reader.walk(b""):
            if record.mark is not Mark.PRESENT:
                end = b"/\n" if record.mark is Mark.DIRECTORY and record.path else b"\n"
                packed.write(b"/" + quote_name(record.path) + end)


def _header_of(site: Site, copy: Copy, volumes: dict[tuple[str, str, str], Volume]) -> bytes:
    """The header of a dump as Amanda keeps it beside the index; empty when its volume is in no slot."""
    first, place = copy.parts[0], (copy.storage, copy.parts[0].label, copy.run)
    try:
        if place not in volumes:
            volumes[place] = open_volume(site.storages[copy.storage], first.label, copy.run)
        header = volumes[place].read_header(first.fileno)
        return text(replace(header, kind=Kind.FILE, part=1, parts=1), bs=None)
    except (TaperoomError, ValueError):
        return b""


def put_infos(target: Target, dumps: Sequence[Dump], there: Sequence[tuple[Dump, Copy]], files: Files) -> int:
    """The curinfo record of each disk that has a dump among those that are there; how many were written."""
    where: dict[tuple[str, str], _Where] = {}
    for dump, copy in there:
        first = copy.parts[0]
        where.setdefault((dump.host, dump.disk), {}).setdefault((dump.datestamp, dump.level), (first.label, first.fileno))
    history: dict[tuple[str, str], dict[DumpKey, Dump]] = {}
    for dump in dumps:
        if (dump.host, dump.disk) in where:
            history.setdefault((dump.host, dump.disk), {})[dump.key] = dump
    count = 0
    for (host, disk), good in history.items():
        body = _info(list(good.values()), where[host, disk]).encode("utf-8", "surrogateescape")
        count += files.put(target.infos / sanitise(host) / sanitise(disk) / "info", body)
    return count


def _info(good: Sequence[Dump], where: _Where) -> str:
    known = history_of([_trace(dump, where) for dump in good], lambda file: False)
    levels = [_info_dump(stat, where) for stat in known.levels.values()]
    return info_text(levels, [_info_dump(stat, where) for stat in known.recent], known.last_level, known.consecutive)


def _trace(dump: Dump, where: _Where) -> Trace:
    """A dump that Amanda will know: those that it cannot read again are no base for its incrementals."""
    found = where.get((dump.datestamp, dump.level))
    places = (("", found[0]),) if found is not None else ()
    return Trace(dump.host, dump.disk, dump.datestamp, dump.level, dump.began, dump.seconds, dump.size, dump.orig, "", places)


def _info_dump(stat: LevelStat, where: _Where) -> InfoDump:
    label, fileno = where.get((stat.datestamp, stat.level), ("", 0))
    return InfoDump(stat.level, stat.size, stat.csize, round(stat.seconds), int(stat.date), label, fileno)
