"""`taperoom cleanup`: setting things right after a run that was killed, or after a power cut.

Says what it finds, a line each with its code, and what it does about it: a dead run gets its last words, what was being
written and never got its name goes, the catalogue takes in what the journals know.  Whole dumps and whole chunks are never
removed, nor is anything that Taperoom did not make.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli import show, where

if TYPE_CHECKING:
    from core.catalogue.queries import DumpKey
    from core.model.site import Site

_REST = "is left of a dump that is on a volume"


def cleanup(
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only say what would be done.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON, when all is done.")] = False,
) -> int:
    """Set things right after a killed run or a power cut.

    A run that died gets its last words. Unfinished dumps, indexes and parts, and empty directories go, and so do indexes of
    dumps of which nothing is left. The catalogue takes in what the journals know. Whole dumps are never removed, and nothing
    that Taperoom did not make.
    Refused while a run is under way. The next run does all that is needed by itself, too.

    \b
    Examples:
      taperoom cleanup --dry-run
      taperoom cleanup
    """
    from core.client.lock import lock_site
    from core.report.text import clean, count

    site = where.site()
    told: list[str] = []
    say: Callable[[str], None] = told.append if json else show.say
    lock = lock_site(site.state_dir)
    try:
        for text in _runs(site, dry_run):
            say(clean(text))
        removed, kept, whole = _holding(site, dry_run, say)
        for path in [*_unnamed(site), *_parts(site)]:
            removed += 1
            say(f"RUN042 {clean(str(path))}: was not finished; {'would be' if dry_run else 'is'} removed")
            if not dry_run:
                path.unlink(missing_ok=True)
        for text in _catalogue(site):
            say(clean(text))
        old = _indexes(site, dry_run)
        if old:
            removed += old
            say(f"{count(old, 'index file')} of dumps of which nothing is left; {'would be removed' if dry_run else 'removed'}")
    finally:
        os.close(lock)
    if json:
        show.say_json({"dry_run": dry_run, "removed": removed, "kept": kept, "whole_dumps": whole, "told": told})
    else:
        say(f"{count(removed, 'file', 'files')} {'to remove' if dry_run else 'removed'}, {kept} kept for you to look at, "
            f"{count(whole, 'whole dump')} on the holding disks")
    return 1 if kept else 0


def _runs(site: Site, dry_run: bool) -> Iterator[str]:
    from core.client.lock_dead import close_dead, dead_runs

    if dry_run:
        yield from (f"{dead}; its journal would be closed" for dead in dead_runs(site))
        return
    yield from (f"{said}; its journal is closed" if said.startswith("RUN040") else said for said in close_dead(site, "cleanup"))
    for run in site.runs_dir.glob("*/control"):
        with contextlib.suppress(OSError):
            run.unlink()


def _holding(site: Site, dry_run: bool, say: Callable[[str], None]) -> tuple[int, int, int]:
    """How many files go, how many are kept for a person to look at, how many dumps are whole."""
    from core.holding import scan
    from core.holding.chunk import TMP
    from core.report.text import clean

    removed = kept = 0
    survey = scan.survey(site.holding)
    goes = f"{'would be' if dry_run else 'is'} removed"
    elsewhere = _on_volumes(site) if survey.orphans or not all(dump.complete for dump in survey.dumps) else set()
    for dump in survey.dumps:
        if dump.complete:
            continue
        unfinished = dump.path.name.endswith(TMP)
        if (unfinished or dump.header.key in elsewhere) and not dump.amandas:
            removed += 1
            say(f"HLD017 {clean(str(dump.path))}: {'was not finished' if unfinished else _REST}; {goes}")
            if not dry_run:
                scan.remove(dump)
        else:
            kept += 1
            say(f"HLD014 {clean(dump.fault)}; kept: {clean(str(dump.path))}")
    for path in survey.orphans:
        rest = _key_of(path) in elsewhere
        gone = path.name.endswith(TMP) or rest
        removed, kept = removed + gone, kept + (not gone)
        what = goes if gone else "kept; its first file is missing"
        say(f"HLD017 {clean(str(path))}: {_REST if rest else 'a chunk without its dump'}; {what}")
        if gone and not dry_run:
            path.unlink(missing_ok=True)
    for path in survey.cruft:
        say(f"HLD018 {clean(str(path))}: is not ours; kept")
    if not dry_run:
        scan.tidy(site.holding)
    return removed, kept, sum(1 for dump in survey.dumps if dump.complete)


def _on_volumes(site: Site) -> set[DumpKey]:
    """The dumps that are whole on a volume and were removed from the holding disk: what lies there of one came back with a
    power cut, or its driver was killed while it removed it."""
    from core.catalogue.queries import dumps
    from core.catalogue.rebuild import open_catalogue
    from core.errors import TaperoomError

    try:
        with open_catalogue(site).catalogue as catalogue:
            return {dump.key for dump in dumps(catalogue) if dump.copies and not dump.file}
    except TaperoomError:
        return set()  # it is told of below


def _key_of(path: Path) -> DumpKey | None:
    from core.errors import WorldError
    from core.holding.chain import read_chunk

    try:
        return read_chunk(path).header.key
    except WorldError:
        return None


def _unnamed(site: Site) -> Iterator[Path]:
    """What is written beside a file and then renamed over it, in the state directory."""
    state = site.state_dir
    yield from sorted(site.index_dir.rglob("*.tmp"))
    for pattern in ("runs/*/status.tmp", "runs/*/report.tmp", "orders.json.new", f"{site.catalogue.name}.new*"):
        yield from sorted(state.glob(pattern))
    new = site.tapelist.with_name(site.tapelist.name + ".new")
    if new.exists():
        yield new


def _parts(site: Site) -> Iterator[Path]:
    """Unfinished parts on volumes; a storage that somebody uses just now is left alone."""
    from core.devices.registry import open_changer
    from core.errors import TaperoomError

    for storage in site.storages.values():
        try:
            changer = open_changer(storage)
            changer.acquire()
        except TaperoomError as fault:
            if fault.code == "TAP004":
                show.tell(str(fault))
            continue
        try:
            if Path(storage.address).is_absolute():
                yield from sorted(Path(storage.address).glob("slot*/.[0-9][0-9][0-9][0-9][0-9].tmp"))
        finally:
            changer.release()


def _indexes(site: Site, dry_run: bool) -> int:
    from core.client.old_indexes import old_index_files, trim_indexes
    from core.errors import TaperoomError

    try:
        return len(old_index_files(site)) if dry_run else trim_indexes(site)
    except TaperoomError as fault:
        show.tell(str(fault))
        return 0


def _catalogue(site: Site) -> Iterator[str]:
    from core.catalogue.rebuild import open_catalogue
    from core.errors import TaperoomError

    try:
        opened = open_catalogue(site)
    except TaperoomError as fault:
        yield str(fault)
        return
    opened.catalogue.close()
    yield from opened.warnings
