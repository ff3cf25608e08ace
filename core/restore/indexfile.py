"""Where the index of a dump is."""

from __future__ import annotations

from pathlib import Path

from core.catalogue.queries import Dump
from core.index.reader import SUFFIX
from core.model.site import Site
from core.model.units import sanitise


def index_file(site: Site, dump: Dump) -> Path | None:
    """The index of a dump, ours or one of Amanda's names for it; None when there is none."""
    # A host's name comes from the configuration, and so cannot leave this directory.
    directory = site.index_dir / sanitise(dump.host) / sanitise(dump.disk)
    base = f"{dump.datestamp}_{dump.level}"
    for ending in (SUFFIX, ".gz", "-sorted.gz", "-unsorted.gz", "-sorted", "-unsorted"):
        if (directory / (base + ending)).is_file():
            return directory / (base + ending)
    return None
