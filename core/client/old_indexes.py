"""Index files that no dump needs any more (Amanda's amtrmidx): they go with the last copy of their dump.

Promises that a file stays as long as any holding disk or volume has data of a dump to which it belongs, and that what the
catalogue does not know is never touched: a lost catalogue takes no index with it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from core.catalogue.queries import Dump, dumps
from core.catalogue.rebuild import open_catalogue
from core.model.site import Site
from core.model.units import sanitise

_ENDING = re.compile("[.-]")


def old_index_files(site: Site) -> list[Path]:
    """The files, in order: names, states and checksums of dumps of which nothing is left.  WorldError as the catalogue's."""
    if not site.catalogue.exists() and not site.runs_dir.exists():
        return []
    with open_catalogue(site).catalogue as catalogue:
        known = dumps(catalogue)
    # Two disks may share a directory, since not every character of a name can stand in one.
    kept = {_base(site, dump) for dump in known if dump.held}
    gone = {_base(site, dump) for dump in known} - kept
    return sorted(path for directory in {base.parent for base in gone} for path in _files(directory)
                  if path.with_name(_ENDING.split(path.name, maxsplit=1)[0]) in gone)


def trim_indexes(site: Site) -> int:
    """Remove them; how many went.  WorldError as the catalogue's; a file that cannot be removed stays."""
    removed = 0
    for path in old_index_files(site):
        with contextlib.suppress(OSError):
            path.unlink()
            removed += 1
    return removed


def _base(site: Site, dump: Dump) -> Path:
    return site.index_dir / sanitise(dump.host) / sanitise(dump.disk) / f"{dump.datestamp}_{dump.level}"


def _files(directory: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from directory.iterdir()
