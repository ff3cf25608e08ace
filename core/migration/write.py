"""Writing what was imported: a whole state directory and a configuration, or nothing.

Everything is made in a directory beside the one that is meant, tried there, and gets its name by one rename; the configuration
is written last and never over another file.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from core.catalogue import queries
from core.catalogue.orders import save_order
from core.catalogue.rebuild import rebuild
from core.description.headers import pieces_of
from core.description.reading import look
from core.devices.shelf import open_volume
from core.errors import TaperoomError, UsageError, WorldError
from core.events.codec import encode
from core.events.event import Record
from core.holding.scan import Found, survey
from core.migration.config import Imported
from core.migration.journals import History, Unlogged, history_of, unlogged
from core.migration.losses import Loss
from core.migration.source import Source
from core.model.site import Site
from core.model.units import sanitise
from core.model.volume import Volume, format_tapelist

_ENDINGS = (".gz", "-sorted.gz", "-unsorted.gz", "-sorted", "-unsorted")
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class State:
    """What becomes of Amanda's state: journals, the tapelist as it is here, index files as (from, to below the index
    directory), orders by ``HOST:DISK``, and what is lost."""

    history: History
    tapelist: tuple[Volume, ...]
    indexes: tuple[tuple[Path, Path], ...]
    orders: tuple[tuple[str, str], ...]
    losses: tuple[Loss, ...]


def prepare(source: Source, imported: Imported) -> State:
    """Read the rest (holding disks, names of index files) and put the state together; nothing is written."""
    site = imported.site
    there = survey(site.holding)
    faults: list[str] = []
    others = [_look(other, site, faults) for other in unlogged(source, imported.places)]
    history = history_of(source, imported.places, there.dumps, site.org, str(site.file), others)
    lost = [*history.losses, *_commands(source, there.dumps, site)]
    lost += [Loss("damaged", text) for text in (*source.damaged, *faults)]
    known = {entry.title for entry in source.disks}
    orders = tuple((f"{host}:{disk}", info.order) for (host, disk), info in source.infos.items()
                   if info.order and f"{host}:{disk}" in known)
    gone = sorted({key[:2] for key in history.dumps} - {disk.key for disk in site.disks})
    lost += [Loss(f"{host}:{disk}", "is in no disklist any more; its old dumps are in the catalogue and can be restored")
             for host, disk in gone if (host, disk) not in imported.disks.left_out]
    return State(history, _volumes(source, imported), tuple(_indexes(source, history)), orders, tuple(lost))


def _look(other: Unlogged, site: Site, faults: list[str]) -> Unlogged:
    """The same with what the headers on the volume say, when it is in a slot."""
    storage, volume = site.storages.get(other.storage), other.volume
    if storage is None:
        return other
    try:
        held = open_volume(storage, volume.label, volume.datestamp)
        if held.view().datestamp != volume.datestamp:
            return other
        found = look(other.storage, volume.label, volume.datestamp, held)
        return replace(other, pieces=tuple(pieces_of(found, found.filenos, faults)))
    except TaperoomError:
        return other


def _volumes(source: Source, imported: Imported) -> tuple[Volume, ...]:
    """The tapelist as it is here: pools have the names of storages, and what is another configuration's stays so."""
    found = []
    for volume in source.tapelist:
        if volume.config in ("", source.name):
            storage = imported.places.by_line(volume.storage, volume.pool)
            volume = replace(volume, pool=storage, storage=storage, config=imported.site.org)
        found.append(volume)
    return tuple(found)


def _commands(source: Source, holding: Iterable[Found], site: Site) -> Iterator[Loss]:
    there = {str(dump.path) for dump in holding}
    first = next(iter(site.storages), "")
    for command in source.commands:
        title = f"{command.host}:{command.disk} of {command.datestamp}"
        if command.config != source.name:
            continue
        if command.kind == "COPY":
            yield Loss(f"command {command.number}, a copy of {title} to {command.target}",
                       "Taperoom makes no second copies by itself; 'amvault' of Amanda still can")
        elif command.kind == "FLUSH" and command.file in there and command.target not in ("", first) and site.storages:
            yield Loss(f"command {command.number}, a flush of {title} to {command.target}",
                       f"what waits on the holding disk goes to the storages of its dumptype, else to {first}")


def _indexes(source: Source, history: History) -> Iterator[tuple[Path, Path]]:
    """The index file of each dump that has one, by the first of Amanda's names for it."""
    top = source.path("indexdir")
    for host, disk, stamp, level in sorted(history.dumps):
        below = Path(sanitise(host)) / sanitise(disk)
        for ending in _ENDINGS:
            name = f"{stamp}_{level}{ending}"
            if (top / below / name).is_file():
                yield top / below / name, below / name
                break


def check_target(file: Path, state_dir: Path) -> None:
    """UsageError AMA004 when one of both is there already."""
    if os.path.lexists(file):
        raise UsageError("AMA004", f"{file} is there already", "name another file, or move it away")
    try:
        if os.path.lexists(state_dir) and (not state_dir.is_dir() or any(os.scandir(state_dir))):
            raise UsageError("AMA004", f"{state_dir} is there already, and not empty", "name another with --state-dir")
    except OSError as fault:
        raise WorldError("AMA005", f"{state_dir}: {fault.strerror}") from None


@dataclass(frozen=True, slots=True)
class Written:
    """What is in the new catalogue."""

    runs: int
    dumps: int
    held: int


def write(file: Path, imported: Imported, state: State) -> Written:
    """Write all of it.  UsageError AMA004, WorldError AMA005 and AMA006; nothing is left behind after one."""
    state_dir = imported.site.state_dir
    check_target(file, state_dir)
    try:
        state_dir.parent.mkdir(parents=True, exist_ok=True)
        file.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=f".{state_dir.name}.", dir=state_dir.parent))
    except OSError as fault:
        raise WorldError("AMA005", f"{fault.filename or state_dir}: {fault.strerror}",
                         "it has to be writable; nothing was written") from None
    try:
        new.chmod(0o750)
        written = _fill(new, imported, state)
        _finish(new, state_dir, file, imported.text)
    except OSError as fault:
        raise WorldError("AMA005", f"{fault.filename or new}: {fault.strerror}", "nothing was written") from None
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return written


def _fill(new: Path, imported: Imported, state: State) -> Written:
    """Everything but the configuration, in the directory that is not there yet for anybody else."""
    site = replace(imported.site, state_dir=new)
    for stamp, records in state.history.journals.items():
        directory = site.runs_dir / stamp
        directory.mkdir(parents=True, mode=0o750)
        _put(directory / "journal.jsonl", _lines(records))
    if state.tapelist:
        _put(site.tapelist, [format_tapelist(state.tapelist).encode("utf-8", "surrogateescape")])
    for origin, below in state.indexes:
        target = site.index_dir / below
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        _put(target, _pieces(origin))
    for title, order in state.orders:
        save_order(site, title, order)
    if not state.history.journals:
        return Written(0, 0, 0)
    warnings: list[str] = []
    with rebuild(site, warnings) as catalogue:
        dumps = queries.dumps(catalogue)
        runs = queries.runs(catalogue)
    if warnings:
        raise TaperoomError("RUN099", f"the journals that were made are not right: {warnings[0]}")
    return Written(len(runs), len(dumps), sum(1 for dump in dumps if dump.held))


def _lines(records: Iterable[Record]) -> Iterator[bytes]:
    return (encode(record) for record in records)


def _pieces(path: Path) -> Iterator[bytes]:
    try:
        with open(path, "rb") as file:
            while piece := file.read(_PIECE):
                yield piece
    except OSError as fault:
        raise WorldError("AMA006", f"{path}: {fault.strerror}", "it has to be readable; nothing was written") from None


def _put(path: Path, pieces: Iterable[bytes]) -> None:
    with open(path, "xb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def _finish(new: Path, state_dir: Path, file: Path, text: str) -> None:
    """Give both their names; the configuration's is what makes them count."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        _put(beside, [text.encode("utf-8", "surrogateescape")])
        if state_dir.is_dir():
            state_dir.rmdir()  # it is empty
        new.rename(state_dir)
        try:
            os.link(beside, file)  # unlike a rename it never takes another file's place
        except OSError:
            state_dir.rename(new)
            raise
    finally:
        beside.unlink(missing_ok=True)
    for directory in (state_dir.parent, file.parent):
        opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
