"""Making the catalogue from the journals, and opening it so that it is there, whole and up to date.

The journals are the truth; a catalogue that is missing, damaged or of another version is made again without asking,
and the caller gets a sentence to show.  A run whose end is not in it yet is caught up from its journal.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from core.catalogue.outside import forget_erased
from core.catalogue.store import Catalogue, StaleCatalogue
from core.devices import tapelist
from core.errors import WorldError
from core.model.site import Site
from core.model.units import latest_stamp


@dataclass(frozen=True, slots=True)
class Opened:
    """An open catalogue, and what an operator should know about it (sentences with their code)."""

    catalogue: Catalogue
    warnings: list[str] = field(default_factory=list)


def open_catalogue(site: Site) -> Opened:
    """The site's catalogue, made or made again when need be, with all that the journals know.

    WorldError RST001 when neither the file nor a new one can be used.
    """
    warnings: list[str] = []
    if not site.catalogue.exists():
        if _run_names(site):
            warnings.append(f"RST002 there is no catalogue {site.catalogue}; it was rebuilt from the journals")
        return Opened(_settled(site, rebuild(site, warnings)), warnings)
    try:
        catalogue = Catalogue(site.catalogue)
        try:
            catch_up(site, catalogue, warnings)
            forget_erased(site, catalogue)
        except BaseException:
            catalogue.close()
            raise
    except StaleCatalogue as stale:
        warnings.append(f"RST002 {stale.message}; it was rebuilt from the journals")
        return Opened(_settled(site, rebuild(site, warnings)), warnings)
    return Opened(catalogue, warnings)


def _settled(site: Site, catalogue: Catalogue) -> Catalogue:
    """A new catalogue, told what no journal has."""
    try:
        forget_erased(site, catalogue)
    except BaseException:
        catalogue.close()
        raise
    return catalogue


def rebuild(site: Site, warnings: list[str] | None = None) -> Catalogue:
    """A new catalogue from ``runs/*/journal.jsonl``, put in the place of the old one by rename; returned open.

    ``warnings`` gets a sentence for each damaged place of a journal.  WorldError RST001 when it cannot be written.
    """
    path = site.catalogue
    new = path.with_name(path.name + f".new{os.getpid()}")
    try:
        _remove(new)
        with Catalogue(new, wal=False) as catalogue:
            for name in _in_order(site, _run_names(site)):
                _ingest(site, catalogue, name, warnings if warnings is not None else [])
        with open(new, "rb") as whole:
            os.fsync(whole.fileno())
        # A write-ahead log of the old file would be replayed into the new one: it goes first.
        for side in ("-wal", "-shm", ".sums"):
            _remove(path.with_name(path.name + side))
        os.replace(new, path)
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as fault:
        raise WorldError("RST001", f"the catalogue {path} cannot be rebuilt: {fault.strerror}",
                         "check that its directory exists, is writable and has room") from fault
    finally:
        with contextlib.suppress(OSError):
            _remove(new)
    catalogue = Catalogue(path)
    catalogue.changed = True
    return catalogue


def catch_up(site: Site, catalogue: Catalogue, warnings: list[str] | None = None) -> int:
    """Take in what journals have and the catalogue has not: runs that it does not know or that have no end in it.

    How many records were new.  StaleCatalogue when some belong before what it has: runs come in their order, since a
    later one writes over the volumes of an earlier one.  A run that is dated later than the clock is no later one.
    """
    ended = {row[0] for row in catalogue.rows("SELECT run FROM runs WHERE code >= 0")}
    latest = latest_stamp(time.time())
    newest = max((row[0] for row in catalogue.rows("SELECT run FROM runs WHERE seq > 0 AND run <= ?", latest)), default="")
    told = warnings if warnings is not None else []
    return sum(_ingest(site, catalogue, name, told, newest) for name in _run_names(site) if name not in ended)


def _in_order(site: Site, names: list[str]) -> list[str]:
    """The runs in the order in which they wrote over each other's volumes, which is that of their names; but one that is dated
    later than the clock comes before those that, by the tapelist, have written one of its volumes anew since."""
    latest = latest_stamp(time.time())
    ahead = [name for name in names if name > latest]
    if not ahead:
        return names
    from core.events.codec import read
    from core.events.event import VolumeBegan

    try:
        listed = {(volume.pool, volume.label): volume.datestamp for volume in tapelist.read(site.tapelist)}
    except WorldError:
        return names
    before: dict[str, str] = {}
    for name in ahead:
        with contextlib.suppress(OSError):
            wrote = [event for record in read((site.runs_dir / name / "journal.jsonl").read_bytes())
                     if isinstance(event := record.event, VolumeBegan)]
            stamps = [listed.get((event.storage, event.label)) or listed.get(("", event.label), "") for event in wrote]
            before[name] = min((stamp for stamp in stamps if stamp in names), default=name)
    return sorted(names, key=lambda name: (before.get(name, name), name not in before, name))


def _ingest(site: Site, catalogue: Catalogue, name: str, warnings: list[str], newest: str = "") -> int:
    from core.events.codec import inspect  # not loaded where nothing has to be caught up

    journal = site.runs_dir / name / "journal.jsonl"
    try:
        records, damage = inspect(journal.read_bytes())
    except FileNotFoundError:
        return 0
    warnings += [f"RUN031 {journal}: {place}" for place in damage]
    known = catalogue.rows("SELECT seq FROM runs WHERE run=?", name)
    after = int(known[0][0]) if known else 0
    new = [record for record in records if record.seq > after]
    if not new:
        return 0
    if name < newest:
        raise StaleCatalogue(f"the catalogue {site.catalogue} lacks facts of the run {name}")
    with catalogue.batch():
        return sum([catalogue.apply(name, record) for record in new])


def _run_names(site: Site) -> list[str]:
    """The runs that have a directory, oldest first."""
    try:
        return sorted(entry.name for entry in os.scandir(site.runs_dir) if entry.name.isdigit() and entry.is_dir())
    except FileNotFoundError:
        return []
    except OSError as fault:
        raise WorldError("RST001", f"{site.runs_dir} cannot be read: {fault.strerror}",
                         "check its owner and permissions") from fault


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
